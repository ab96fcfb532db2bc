//! What a caller hands in, as the core's [`Input`].
//!
//! Python's `bytes` and our own `Image` cannot change, so they are borrowed and kept alive for the
//! call. Whatever its owner could write to meanwhile (bytearray, arrays) is copied once, here, without the
//! GIL where its samples lie in a row. What a call takes can be read before it, on another thread.

use std::path::PathBuf;

use bytes::Bytes;
use nanobanana::{Array, Case, Elsewhere, Error, File, Input, Opened, Place, Sample, Stranger};
use pyo3::buffer::PyUntypedBuffer;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyByteArray, PyBytes, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple, PyType};

use serde_json::{Map, Value};

use crate::error::raise;
use crate::image::Image;
use crate::value::{invalid, type_name};

const TAKEN: &str = "a picture is an Image, bytes, a path, a URL, an uploaded File, a binary file, a PIL image, a \
                     matplotlib figure, or \
                     an array with the shape (height, width) or (height, width, 1, 3 or 4)";

/// What one call takes, read. It is taken once.
#[pyclass(frozen, module = "nanobanana._native")]
pub struct Inputs(std::sync::Mutex<Taken>);

/// The prompt, the pictures, and the options that are none.
pub type Taken = (Vec<Input>, Vec<Input>, Map<String, Value>);

#[pymethods]
impl Inputs {
    /// Reads them; files and arrays may be large, so this is done on another thread where a loop must not wait.
    #[new]
    fn new(
        prompt: &Bound<'_, PyAny>,
        images: &Bound<'_, PyAny>,
        options: &Bound<'_, PyDict>,
    ) -> PyResult<Self> {
        Ok(Inputs(std::sync::Mutex::new(read(prompt, images, options)?)))
    }
}

/// Whether they were read before, as `Inputs`, or are read now.
pub fn taken(
    prompt: &Bound<'_, PyAny>,
    images: &Bound<'_, PyAny>,
    options: &Bound<'_, PyDict>,
) -> PyResult<Taken> {
    match prompt.cast::<Inputs>() {
        Ok(inputs) => {
            let mut inputs = inputs.get().0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            Ok(std::mem::take(&mut *inputs))
        }
        Err(_) => read(prompt, images, options),
    }
}

fn read(
    words: &Bound<'_, PyAny>,
    pictures: &Bound<'_, PyAny>,
    options: &Bound<'_, PyDict>,
) -> PyResult<Taken> {
    let (beside, options) = beside(options)?;
    let options = crate::value::options(&options)?;
    let prompt = prompt(words)?;
    let mut images = images(pictures, &prompt)?;
    images.extend(beside);
    Ok((prompt, images, options))
}

const ATTACHED: &str =
    "an attachment is bytes, a path, a URL, a binary file, or an Attachment of one of these";

/// A prompt: a text, or a list of texts and pictures.
fn prompt(prompt: &Bound<'_, PyAny>) -> PyResult<Vec<Input>> {
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
fn images(images: &Bound<'_, PyAny>, prompt: &[Input]) -> PyResult<Vec<Input>> {
    if images.is_none() {
        return Ok(Vec::new());
    }
    let first = prompt.iter().filter(|input| input.is_picture()).count();
    let items = items(images)?.unwrap_or_else(|| vec![images.clone()]);
    (items.iter().enumerate()).map(|(index, item)| picture(item, Place::Picture(first + index))).collect()
}

/// The options that are inputs, and the others. Those of an item of many calls stand one level deeper.
fn beside<'py>(options: &Bound<'py, PyDict>) -> PyResult<(Vec<Input>, Bound<'py, PyDict>)> {
    let (mut inputs, mut rest) = (Vec::new(), options.clone());
    for name in Input::OPTIONS.iter().copied() {
        let Some(value) = options.get_item(name)? else { continue };
        if rest.is(options) {
            rest = options.copy()?;
        }
        rest.del_item(name)?;
        if !value.is_none() {
            let items = items(&value)?.unwrap_or_else(|| vec![value]);
            Input::check_count(name, items.len()).map_err(raise)?;
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
    if type_name(value) == "nanobanana.File" {
        let told = value.call_method0("to_dict")?;
        let told = crate::value::options(told.cast::<PyDict>()?)?;
        return Ok(File::read(&told.into(), Case::Snake).into());
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
    if let Some(found) = foreign(value, place)? {
        return Ok(found);
    }
    let helpers = value.py().import("nanobanana._image")?;
    if is_pil(value) {
        if helpers.call_method1("is_closed", (value,))?.is_truthy()? {
            return Err(raise(Stranger::Closed.refuse(place, &type_name(value))));
        }
        let unpacked = helpers.call_method1("from_pil", (value,));
        let unpacked = unpacked.and_then(|unpacked| unpacked.extract());
        return unpacked
            .and_then(|unpacked| opened(unpacked).map_err(raise))
            .map(Input::Opened)
            .map_err(|cause| refuse(place, value, cause));
    }
    if let Ok(buffer) = PyUntypedBuffer::get(value)
        && let Some(array) = array(value, &buffer)
    {
        return Ok(Input::Array(array));
    }
    let protocols = ["__array_interface__", "__array__", "__dlpack__"];
    if protocols.iter().any(|name| value.hasattr(*name).unwrap_or(false))
        || PyUntypedBuffer::get(value).is_ok()
    {
        // Other byte orders and kinds, gaps between samples, memory of other libraries.
        let made = helpers.call_method1("as_array", (value,)).map_err(|cause| refuse(place, value, cause))?;
        let buffer = PyUntypedBuffer::get(&made)?;
        if let Some(array) = array(&made, &buffer) {
            return Ok(Input::Array(array));
        }
        let kind = made.getattr("dtype").map_or_else(|_| "of no known kind".into(), |kind| kind.to_string());
        let problem =
            Sample::named(&kind).err().map_or_else(String::new, |error| error.message().to_string());
        return Err(raise(bad(place, value, &problem)));
    }
    if value.hasattr("savefig")? {
        let drawn =
            helpers.call_method1("from_figure", (value,)).map_err(|cause| refuse(place, value, cause))?;
        return Ok(Input::Bytes(plain_bytes(&drawn).unwrap_or_default()));
    }
    if value.hasattr("read")? {
        let content = content(value, place)?;
        return plain_bytes(&content).map(Input::Bytes).ok_or_else(|| {
            let got = type_name(&content);
            raise(bad(place, value, &format!("its read() gave {got}, not bytes; open a file with \"rb\"")))
        });
    }
    Err(raise(bad(place, value, place.takes(TAKEN, ATTACHED))))
}

/// A picture in the form of another library or of a service's JSON, if the value is one.
fn foreign(value: &Bound<'_, PyAny>, place: Place) -> PyResult<Option<Input>> {
    let stranger = |stranger: Stranger| Err(raise(stranger.refuse(place, &type_name(value))));
    match type_name(value).as_str() {
        "nanobanana.Result" => return stranger(Stranger::Result),
        "nanobanana.Outcome" => return stranger(Stranger::Outcome),
        _ => {}
    }
    if value.is_instance_of::<PyInt>() || value.is_instance_of::<PyFloat>() {
        return stranger(Stranger::Number);
    }
    // `{"inlineData": {"data": …}}` of the Gemini API's JSON, and google-genai's `Part`.
    for name in ["inlineData", "inline_data"] {
        let inner = match value.cast::<PyDict>() {
            Ok(dict) => dict.get_item(name)?,
            Err(_) => value.getattr_opt(name)?,
        };
        let Some(inner) = inner.filter(|inner| !inner.is_none()) else { continue };
        let data = match inner.cast::<PyDict>() {
            Ok(dict) => dict.get_item("data")?,
            Err(_) => inner.getattr_opt("data")?,
        };
        let Some(data) = data else { continue };
        if let Some(bytes) = plain_bytes(&data) {
            return Ok(Some(Input::Bytes(bytes)));
        }
        if let Ok(text) = data.cast::<PyString>() {
            return Input::of_base64(text.to_str()?, place).map(Some).map_err(raise);
        }
    }
    // google-genai's `Image`.
    if let Some(bytes) = value.getattr_opt("image_bytes")?.as_ref().and_then(plain_bytes) {
        return Ok(Some(Input::Bytes(bytes)));
    }
    // The response of an HTTP client (httpx, requests).
    let status = value.getattr_opt("status_code")?.and_then(|status| status.extract::<u16>().ok());
    if let Some(status) = status
        && value.get_type().hasattr("content")?
    {
        if !(200..300).contains(&status) {
            return stranger(Stranger::Failed(status));
        }
        let content = value.getattr("content").map_err(|cause| refuse(place, value, cause))?;
        return Ok(plain_bytes(&content).map(Input::Bytes));
    }
    Ok(None)
}

/// All that an open file has. One that stands at its end, as after it was written or read, is read from its start.
fn content<'py>(file: &Bound<'py, PyAny>, place: Place) -> PyResult<Bound<'py, PyAny>> {
    let read = || file.call_method0("read").map_err(|cause| refuse(place, file, cause));
    let content = read()?;
    if content.hasattr("__await__")? {
        // Nobody awaits it; an unused coroutine would be warned about.
        if content.hasattr("close")? {
            content.call_method0("close")?;
        }
        return Err(raise(Stranger::Awaited("await file.read()").refuse(place, &type_name(file))));
    }
    let is_empty = |content: &Bound<'_, PyAny>| plain_bytes(content).is_some_and(|bytes| bytes.is_empty());
    if !is_empty(&content) {
        return Ok(content);
    }
    let position = file.call_method0("tell").and_then(|position| position.extract::<u64>());
    if position.is_ok_and(|position| position > 0) {
        if file.call_method1("seek", (0,)).is_err() {
            return Err(raise(Stranger::AtEnd.refuse(place, &type_name(file))));
        }
        return read();
    }
    Ok(content)
}

/// The bytes of a `bytes` object, borrowed, or of a `bytearray`, copied.
pub fn plain_bytes(value: &Bound<'_, PyAny>) -> Option<Bytes> {
    if let Ok(bytes) = value.cast::<PyBytes>() {
        return Some(Bytes::from_owner(PyBackedBytes::from(bytes.clone())));
    }
    value.cast::<PyByteArray>().ok().map(|bytes| Bytes::from(bytes.to_vec()))
}

/// Whether it is a PIL image, also of a class that another library or the caller made of Pillow's.
fn is_pil(value: &Bound<'_, PyAny>) -> bool {
    let is_pillows = |class: Bound<'_, PyAny>| {
        let class = class.cast_into::<PyType>().ok();
        class
            .and_then(|class| class.fully_qualified_name().ok())
            .is_some_and(|name| name == "PIL.Image.Image")
    };
    value.get_type().mro().iter().any(is_pillows)
}

/// Kind of samples, shape, samples without gaps, whether they are inks, colour profile, orientation.
type Unpacked = (String, Vec<usize>, PyBackedBytes, bool, Option<PyBackedBytes>, u8);

/// What `from_pil` gives.
fn opened((kind, shape, data, is_inks, profile, orientation): Unpacked) -> Result<Opened, Error> {
    let array = Array { shape, sample: Sample::named(&kind)?, data: Bytes::from_owner(data) };
    Ok(Opened { array, is_inks, profile: profile.map(Bytes::from_owner), orientation })
}

/// An array whose samples lie in a row and are of a kind that the core knows; one dimension of bytes is a file.
fn array(value: &Bound<'_, PyAny>, buffer: &PyUntypedBuffer) -> Option<Array> {
    // Those of this machine alone: numbers of the other byte order have the same kind for pyo3.
    let foreign: &[u8] = if cfg!(target_endian = "little") { b">!" } else { b"<" };
    let sample = match buffer.format().to_bytes() {
        [order, ..] if foreign.contains(order) => return None,
        b"?" | b"=?" | b"@?" => Sample::Bool,
        _ if buffer.as_typed::<u8>().is_ok() => Sample::U8,
        _ if buffer.as_typed::<u16>().is_ok() => Sample::U16,
        _ if buffer.as_typed::<f32>().is_ok() => Sample::F32,
        _ if buffer.as_typed::<f64>().is_ok() => Sample::F64,
        _ => return None,
    };
    let data = if buffer.is_c_contiguous() {
        copied(value.py(), buffer)
    } else if value.py().import("numpy").is_ok() {
        return None;
    } else {
        buffer.as_typed::<u8>().ok()?.to_vec(value.py()).ok()?
    };
    Some(Array { shape: buffer.shape().to_vec(), sample, data: data.into() })
}

/// The bytes of a buffer without gaps, copied while other threads run.
#[allow(unsafe_code, reason = "the copy of a hundred megabytes must not hold up all of Python")]
fn copied(py: Python<'_>, buffer: &PyUntypedBuffer) -> Vec<u8> {
    let len = buffer.len_bytes();
    // A pointer may not cross to where the GIL is let go of; its address may.
    let at = buffer.buf_ptr() as usize;
    py.detach(|| {
        let mut data = Vec::<u8>::with_capacity(len);
        if len > 0 {
            // SAFETY: `buffer` is held for the whole call, so `len` bytes from `at` on stay allocated; they lie in
            // one piece (the caller asked `is_c_contiguous`), and `data` has room for them. If another
            // thread writes to them meanwhile, as it may with NumPy's own copies, some are new and some old.
            unsafe {
                std::ptr::copy_nonoverlapping(at as *const u8, data.as_mut_ptr(), len);
                data.set_len(len);
            }
        }
        data
    })
}

/// Lets the core decode by Python's libraries what it does not decode itself. Whoever calls that holds no GIL.
pub fn decode_by_libraries() {
    nanobanana::decode_elsewhere(Elsewhere::Called(Box::new(|bytes| {
        let opening = Python::try_attach(|py| -> PyResult<Option<Unpacked>> {
            let helpers = py.import("nanobanana._image")?;
            helpers.call_method1("decode", (PyBytes::new(py, &bytes),))?.extract()
        });
        match opening {
            Some(Ok(Some(unpacked))) => opened(unpacked).map(Some),
            // No library, or no Python any more.
            Some(Ok(None)) | None => Ok(None),
            Some(Err(cause)) => {
                let problem = format!("it cannot be decoded by Pillow: {cause}");
                Err(Error::new(nanobanana::Kind::ImageError, problem).because(cause))
            }
        }
    })));
}

fn bad(place: Place, value: &Bound<'_, PyAny>, problem: &str) -> Error {
    let name = type_name(value);
    place.refuse(&name, format!("cannot be used: {problem}")).with_input(name)
}

/// What its owner's code raised; an interrupt stays one.
fn refuse(place: Place, value: &Bound<'_, PyAny>, cause: PyErr) -> PyErr {
    if !cause.is_instance_of::<pyo3::exceptions::PyException>(value.py()) {
        return cause;
    }
    raise(bad(place, value, &cause.value(value.py()).to_string()).because(cause))
}
