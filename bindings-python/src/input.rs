//! What a caller hands in, as the core's [`Input`].
//!
//! Python's `bytes` and our own `Image` cannot change, so they are borrowed and kept alive for the
//! call. Whatever its owner could write to meanwhile (bytearray, arrays) is copied once, here.

use std::path::PathBuf;

use bytes::Bytes;
use nanobanana::{Case, Error, Input, Pixels, Place};
use pyo3::buffer::PyUntypedBuffer;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyByteArray, PyBytes, PyDict, PyList, PyString, PyTuple};

use crate::error::raise;
use crate::image::Image;
use crate::value::{invalid, type_name};

const TAKEN: &str = "a picture is an Image, bytes, a path, a URL, a binary file, a PIL image, or an array of \
                     uint8 with the shape (height, width) or (height, width, 1, 3 or 4)";

/// A prompt: a text, or a list of texts and pictures.
pub fn prompt(prompt: &Bound<'_, PyAny>) -> PyResult<Vec<Input>> {
    let items = match items(prompt)? {
        Some(items) => items,
        None if prompt.is_none() => Vec::new(),
        None if prompt.is_instance_of::<PyString>() => vec![prompt.clone()],
        None => {
            let problem = format!("takes a text, or a list of texts and pictures, not {}", type_name(prompt));
            return Err(raise(invalid("prompt", problem)));
        }
    };
    let mut pictures = 0;
    let mut input = |item: &Bound<'_, PyAny>| match item.cast::<PyString>() {
        Ok(text) => (text.to_str().map(|text| Input::Text(text.to_owned())))
            .map_err(|_| raise(invalid("prompt", "holds a text that is not valid Unicode"))),
        Err(_) => {
            pictures += 1;
            picture(item, Place::Picture(pictures - 1))
        }
    };
    items.iter().map(&mut input).collect()
}

/// One picture or a list of them. They are counted on from those in the prompt.
pub fn images(images: &Bound<'_, PyAny>, prompt: &[Input]) -> PyResult<Vec<Input>> {
    if images.is_none() {
        return Ok(Vec::new());
    }
    let first = prompt.iter().filter(|input| input.is_picture()).count();
    let items = items(images)?.unwrap_or_else(|| vec![images.clone()]);
    (items.iter().enumerate()).map(|(index, item)| picture(item, Place::Picture(first + index))).collect()
}

/// The options that are inputs, and the others. Those of an item of many calls stand one level deeper.
pub fn beside<'py>(options: &Bound<'py, PyDict>) -> PyResult<(Vec<Input>, Bound<'py, PyDict>)> {
    let (mut inputs, mut rest) = (Vec::new(), options.clone());
    for name in Input::OPTIONS.iter().copied() {
        let Some(value) = options.get_item(name)? else { continue };
        if rest.is(options) {
            rest = options.copy()?;
        }
        rest.del_item(name)?;
        if !value.is_none() {
            let items = items(&value)?.unwrap_or_else(|| vec![value]);
            let read = |item| Input::of_option(name, picture(item, Place::Option(name))?).map_err(raise);
            inputs.extend(items.iter().map(read).collect::<PyResult<Vec<_>>>()?);
        }
    }
    if let Some(Ok(inner)) = options.get_item("options")?.map(Bound::cast_into::<PyDict>) {
        let (more, inner) = beside(&inner)?;
        if !more.is_empty() {
            rest = rest.copy()?;
            rest.set_item("options", inner)?;
            inputs.extend(more);
        }
    }
    Ok((inputs, rest))
}

fn items<'py>(value: &Bound<'py, PyAny>) -> PyResult<Option<Vec<Bound<'py, PyAny>>>> {
    if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
        return value.try_iter()?.collect::<PyResult<_>>().map(Some);
    }
    Ok(None)
}

/// What an object of our wrapping classes wraps: none if it is of no such class, and None if it wraps nothing.
fn of<'py>(value: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    value.getattr_opt("_of")
}

fn picture(value: &Bound<'_, PyAny>, place: Place) -> PyResult<Input> {
    if let Ok(text) = value.cast::<PyString>() {
        let text = text.to_str().map_err(|_| raise(bad(place, value, "its path is not valid Unicode")))?;
        return Ok(Input::Named(text.to_owned()));
    }
    if let Ok(image) = value.cast::<Image>() {
        return Ok(Input::Image(image.get().core.clone()));
    }
    if let Some(bytes) = plain_bytes(value) {
        return Ok(Input::Bytes(bytes));
    }
    if value.hasattr("__fspath__")? {
        return Ok(Input::Path(value.extract::<PathBuf>()?));
    }
    if let Some(inner) = of(value)? {
        let inner = if inner.is_none() { None } else { Some(picture(&inner, place)?) };
        let fields = value.py().get_type::<PyDict>().call1((value,))?;
        let fields = crate::value::options(fields.cast()?)?;
        let class = value.get_type().name()?;
        return Input::made(&class.to_string_lossy(), inner, &fields, Case::Snake).map_err(raise);
    }
    let helpers = value.py().import("nanobanana._image")?;
    if type_name(value).starts_with("PIL.") {
        let unpacked =
            helpers.call_method1("from_pil", (value,)).map_err(|cause| refuse(place, value, cause))?;
        let (width, height, channels, data): (u32, u32, u8, PyBackedBytes) = unpacked.extract()?;
        return Ok(Input::Pixels(Pixels { width, height, channels, data: data.to_vec() }));
    }
    if let Ok(buffer) = PyUntypedBuffer::get(value) {
        return array(value, buffer, place);
    }
    let protocols = ["__array_interface__", "__array__", "__dlpack__"];
    if protocols.iter().any(|name| value.hasattr(*name).unwrap_or(false)) {
        let made = helpers.call_method1("as_array", (value,)).map_err(|cause| refuse(place, value, cause))?;
        return array(value, PyUntypedBuffer::get(&made)?, place);
    }
    if value.hasattr("read")? {
        let content = value.call_method0("read").map_err(|cause| refuse(place, value, cause))?;
        return plain_bytes(&content).map(Input::Bytes).ok_or_else(|| {
            let got = type_name(&content);
            raise(bad(place, value, &format!("its read() gave {got}, not bytes; open a file with \"rb\"")))
        });
    }
    Err(raise(bad(place, value, TAKEN)))
}

/// The bytes of a `bytes` object, borrowed, or of a `bytearray`, copied.
pub fn plain_bytes(value: &Bound<'_, PyAny>) -> Option<Bytes> {
    if let Ok(bytes) = value.cast::<PyBytes>() {
        return Some(Bytes::from_owner(PyBackedBytes::from(bytes.clone())));
    }
    value.cast::<PyByteArray>().ok().map(|bytes| Bytes::from(bytes.to_vec()))
}

/// One dimension is a file's bytes; two or three are pixels.
fn array(value: &Bound<'_, PyAny>, buffer: PyUntypedBuffer, place: Place) -> PyResult<Input> {
    let shape = buffer.shape().to_vec();
    let Ok(buffer) = buffer.into_typed::<u8>() else {
        let kind = value.getattr("dtype").map_or_else(|_| "no bytes".into(), |dtype| dtype.to_string());
        return Err(raise(bad(place, value, &format!("its elements are {kind}; {TAKEN}"))));
    };
    let size = |side: &usize| u32::try_from(*side).unwrap_or(u32::MAX);
    let (height, width, channels) = match shape.as_slice() {
        [_] => return Ok(Input::Bytes(buffer.to_vec(value.py())?.into())),
        [height, width] => (size(height), size(width), 1),
        [height, width, channels @ (1 | 3 | 4)] => (size(height), size(width), *channels as u8),
        _ => return Err(raise(bad(place, value, &format!("its shape is {shape:?}; {TAKEN}")))),
    };
    Ok(Input::Pixels(Pixels { width, height, channels, data: buffer.to_vec(value.py())? }))
}

fn bad(place: Place, value: &Bound<'_, PyAny>, problem: &str) -> Error {
    let name = type_name(value);
    place.refuse(&format!("a {name}"), format!("cannot be used: {problem}")).with("input", name)
}

/// What its owner's code raised; an interrupt stays one.
fn refuse(place: Place, value: &Bound<'_, PyAny>, cause: PyErr) -> PyErr {
    if !cause.is_instance_of::<pyo3::exceptions::PyException>(value.py()) {
        return cause;
    }
    raise(bad(place, value, &cause.value(value.py()).to_string()).because(cause))
}
