//! `nanobanana.Image`: a picture's bytes in Rust's memory, readable from Python without a copy.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;

use bytes::Bytes;
use nanobanana::schema::Write as _;
use nanobanana::{Case, Error, Kind, Message};
use pyo3::buffer::PyBuffer;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyMemoryView};

use crate::error::raise;
use crate::input::plain_bytes;
use crate::runtime;
use crate::value::{Object, to_python, type_name};

/// A picture: the very bytes that came or were given, and what their header says.
///
/// `Image(data)` takes the bytes of a picture's file, `Image.open(path)` reads one. A picture never
/// changes: what alters it gives a new one.
#[pyclass(frozen, module = "nanobanana")]
pub struct Image {
    pub core: nanobanana::Image,
    bytes: PyOnceLock<Py<PyBytes>>,
    original: PyOnceLock<Option<Py<Image>>>,
}

impl Image {
    pub fn new(core: nanobanana::Image) -> Self {
        Image { core, bytes: PyOnceLock::new(), original: PyOnceLock::new() }
    }

    /// Its bytes; those of a picture that lies on disk are read now.
    fn read(&self, py: Python<'_>) -> PyResult<&Bytes> {
        py.detach(|| self.core.bytes()).map_err(raise)
    }

    /// A picture that was made of this one, after what that lost was told.
    fn made(&self, py: Python<'_>, made: nanobanana::Image) -> PyResult<Self> {
        if !made.is(&self.core) {
            warn(py, made.warnings())?;
        }
        Ok(Image::new(made))
    }
}

/// Tells what a verb has to tell beside what it gives, as Python does.
pub fn warn(py: Python<'_>, warnings: &[Message]) -> PyResult<()> {
    match warnings {
        [] => Ok(()),
        some => {
            let some: Vec<&str> = some.iter().map(AsRef::as_ref).collect();
            helpers(py)?.call_method1("warn", (some,)).map(drop)
        }
    }
}

fn helpers(py: Python<'_>) -> PyResult<Bound<'_, PyModule>> {
    py.import("nanobanana._image")
}

fn owned_bytes(data: &Bound<'_, PyAny>) -> PyResult<Bytes> {
    if let Some(bytes) = plain_bytes(data) {
        return Ok(bytes);
    }
    let buffer = PyBuffer::<u8>::get(data).map_err(|cause| {
        let problem = format!("Image takes the bytes of a picture's file, not {}", type_name(data));
        raise(Error::new(Kind::ImageError, problem).because(cause))
    })?;
    buffer.to_vec(data.py()).map(Bytes::from)
}

#[pymethods]
impl Image {
    #[new]
    fn make(data: &Bound<'_, PyAny>) -> PyResult<Self> {
        nanobanana::Image::from_bytes(owned_bytes(data)?).map(Image::new).map_err(raise)
    }

    /// Read a picture's file.
    #[staticmethod]
    fn open(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        runtime::beside(py, || nanobanana::Image::open(path)).map(Image::new)
    }

    #[staticmethod]
    #[pyo3(signature = (data, mime_type, original=None))]
    fn _restore(
        data: &Bound<'_, PyAny>,
        mime_type: &str,
        original: Option<PyRef<'_, Self>>,
    ) -> PyResult<Self> {
        let original = original.map(|original| original.core.clone());
        Ok(Image::new(nanobanana::Image::restore(owned_bytes(data)?, mime_type, original)))
    }

    /// The file's bytes, made once on demand; `buffer` reads them without a copy.
    #[getter]
    fn bytes<'py>(&self, py: Python<'py>) -> PyResult<&Bound<'py, PyBytes>> {
        let bytes = self.read(py)?;
        Ok(self.bytes.get_or_init(py, || PyBytes::new(py, bytes).unbind()).bind(py))
    }

    /// A read-only view of the bytes where they are: no copy.
    #[getter]
    fn buffer<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyMemoryView>> {
        PyMemoryView::from(Bound::new(py, Buffer(self.read(py)?.clone()))?.as_any())
    }

    /// The type that the bytes say, for example "image/jpeg".
    #[getter]
    fn mime_type(&self) -> &str {
        self.core.mime_type()
    }

    /// Width in pixels.
    #[getter]
    fn width(&self) -> u32 {
        self.core.width()
    }

    /// Height in pixels.
    #[getter]
    fn height(&self) -> u32 {
        self.core.height()
    }

    /// What came, if this picture was made of it by `convert`, `resize` or the option `output_format`;
    /// None if this is what came.
    #[getter]
    fn original(&self, py: Python<'_>) -> PyResult<Option<&Py<Image>>> {
        let make = || self.core.original().map(|core| Py::new(py, Image::new(core.clone()))).transpose();
        self.original.get_or_try_init(py, make).map(Option::as_ref)
    }

    /// What its file says about how it was made: marks of C2PA, XMP and IPTC, found and not verified.
    #[getter]
    fn provenance<'py>(&self, py: Python<'py>) -> Object<'py> {
        let found = py.detach(|| self.core.provenance()).map_err(raise)?;
        helpers(py)?.call_method1("provenance", (to_python(py, &found.write(Case::Snake), 0)?,))
    }

    /// Write the picture to a file of this name and return its path.
    ///
    /// Without an extension the right one is added; with the picture's own, the very bytes are
    /// written; with another one (png, jpg, jpeg, webp), the picture is converted. C2PA credentials
    /// that are lost by that are told by an `ImageWarning`.
    ///
    /// A file of that name is replaced, whole or not at all: through symbolic links, with its mode and owner
    /// kept. Devices, pipes, sockets, mounted files, files with several names (hard links) and those in a
    /// folder that takes no new files are written in place, which is not atomic.
    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<PathBuf> {
        let core = self.core.clone();
        let (path, warnings) = runtime::beside(py, move || core.save_and_tell(path))?;
        warn(py, &warnings)?;
        Ok(path)
    }

    /// The picture as "png", "jpeg" or "webp"; the same picture if it is that already.
    ///
    /// `quality`, 1 to 100, is for JPEG (92 if nothing is said), and for WebP, which without one loses
    /// nothing. What came is the `original` of what is made; C2PA credentials that are lost are told by
    /// an `ImageWarning`. A picture that a model drew, as its call or its marks say, keeps saying so by
    /// IPTC's DigitalSourceType in XMP, unless `mark_ai` is False.
    #[pyo3(signature = (format, *, quality=None, mark_ai=true))]
    fn convert(&self, py: Python<'_>, format: &str, quality: Option<i64>, mark_ai: bool) -> PyResult<Self> {
        let quality = quality.map(|quality| quality.clamp(0, 255) as u8);
        self.made(py, py.detach(|| self.core.converted(format, quality, mark_ai)).map_err(raise)?)
    }

    /// The picture scaled to this size in pixels, in the same format; `original`, mark and warnings are as
    /// those of `convert`.
    #[pyo3(signature = (width, height, *, mark_ai=true))]
    fn resize(&self, py: Python<'_>, width: i64, height: i64, mark_ai: bool) -> PyResult<Self> {
        // No side is that long or below 0: the core says so, and what it takes.
        let side = |side: i64| u32::try_from(side.max(0)).unwrap_or(u32::MAX);
        let (width, height) = (side(width), side(height));
        self.made(py, py.detach(|| self.core.resized(width, height, mark_ai)).map_err(raise)?)
    }

    /// The picture as a `data:` URL.
    fn to_data_url(&self, py: Python<'_>) -> PyResult<String> {
        py.detach(|| self.core.to_data_url()).map_err(raise)
    }

    /// Show the picture: in a notebook here, else in the system's viewer.
    fn show(slf: &Bound<'_, Self>) -> PyResult<()> {
        helpers(slf.py())?.call_method1("show", (slf,)).map(drop)
    }

    /// The picture as a PIL.Image, as a person sees it (needs Pillow).
    ///
    /// Its pixels are those of `to_numpy`. For Pillow's own view of the file, with its EXIF and profile,
    /// open `io.BytesIO(image.bytes)`.
    fn to_pil<'py>(slf: &Bound<'py, Self>) -> Object<'py> {
        helpers(slf.py())?.call_method1("to_pil", (slf,))
    }

    /// The pixels as a NumPy array, height x width x channels of uint8 (needs NumPy).
    ///
    /// The array can be written to and lies over the memory into which the picture was decoded: no copy.
    fn to_numpy<'py>(slf: &Bound<'py, Self>) -> Object<'py> {
        helpers(slf.py())?.call_method1("to_numpy", (slf,))
    }

    #[pyo3(signature = (dtype=None, copy=None))]
    fn __array__<'py>(slf: &Bound<'py, Self>, dtype: Option<Py<PyAny>>, copy: Option<bool>) -> Object<'py> {
        helpers(slf.py())?.call_method1("to_array", (slf, dtype, copy))
    }

    fn _pixels<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, Memory>, (u32, u32, u8))> {
        let pixels = py.detach(|| self.core.pixels()).map_err(raise)?;
        let shape = (pixels.height, pixels.width, pixels.channels);
        Ok((Bound::new(py, Memory(pixels.data))?, shape))
    }

    /// A notebook filters the bundle itself.
    #[pyo3(signature = (**_filters))]
    fn _repr_mimebundle_<'py>(slf: &Bound<'py, Self>, _filters: Option<Py<PyAny>>) -> Object<'py> {
        helpers(slf.py())?.call_method1("mimebundle", (slf,))
    }

    fn __bytes__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        self.bytes(py).cloned()
    }

    fn __len__(&self) -> usize {
        self.core.len()
    }

    fn __eq__(&self, py: Python<'_>, other: PyRef<'_, Self>) -> bool {
        let other = &other.core;
        py.detach(|| self.core == *other)
    }

    /// Equal pictures have equal ends; to read 30 MB for a hash would be a surprise.
    fn __hash__(&self, py: Python<'_>) -> PyResult<u64> {
        let len = self.core.len();
        let end = py.detach(|| self.core.piece(len.saturating_sub(4096), len)).map_err(raise)?;
        let mut hasher = DefaultHasher::new();
        (len, end).hash(&mut hasher);
        Ok(hasher.finish())
    }

    fn __copy__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __deepcopy__<'py>(slf: Bound<'py, Self>, _memo: &Bound<'py, PyAny>) -> Bound<'py, Self> {
        slf
    }

    fn __reduce_ex__<'py>(slf: &Bound<'py, Self>, protocol: u32) -> Object<'py> {
        helpers(slf.py())?.call_method1("reduce", (slf, protocol))
    }

    fn __repr__(&self) -> String {
        format!("{:?}", self.core)
    }
}

/// What a memoryview of a picture keeps alive. `Image` itself is no buffer on purpose: NumPy would
/// take the file's bytes for its pixels.
#[pyclass(frozen)]
struct Buffer(Bytes);

#[pymethods]
impl Buffer {
    #[allow(unsafe_code)] // The buffer protocol hands out a pointer.
    unsafe fn __getbuffer__(
        slf: Bound<'_, Self>,
        view: *mut ffi::Py_buffer,
        flags: std::ffi::c_int,
    ) -> PyResult<()> {
        let bytes = &slf.get().0;
        // SAFETY: the memory neither moves nor changes while `slf` lives; asked for as writable, it is refused.
        unsafe { lend(slf.as_any(), view, bytes.as_ptr().cast_mut(), bytes.len(), true, flags) }
    }
}

/// Fills Python's view of memory that `owner` keeps.
///
/// # Safety
/// `view` is Python's own and valid. The memory has `length` bytes at `data`, which stay where they are as long as
/// `owner` lives, to which the view gets a reference; unless `is_readonly`, Rust neither reads nor writes them.
#[allow(unsafe_code)]
unsafe fn lend(
    owner: &Bound<'_, PyAny>,
    view: *mut ffi::Py_buffer,
    data: *mut u8,
    length: usize,
    is_readonly: bool,
    flags: std::ffi::c_int,
) -> PyResult<()> {
    let length = ffi::Py_ssize_t::try_from(length)?;
    // SAFETY: as the caller says.
    let filled = unsafe {
        ffi::PyBuffer_FillInfo(view, owner.as_ptr(), data.cast(), length, is_readonly.into(), flags)
    };
    if filled == 0 { Ok(()) } else { Err(PyErr::fetch(owner.py())) }
}

/// Pixels that Python may write to; what looks at them keeps it alive.
#[pyclass]
struct Memory(Vec<u8>);

#[pymethods]
impl Memory {
    #[allow(unsafe_code)] // The buffer protocol hands out a pointer.
    unsafe fn __getbuffer__(
        slf: Bound<'_, Self>,
        view: *mut ffi::Py_buffer,
        flags: std::ffi::c_int,
    ) -> PyResult<()> {
        let (data, length) = {
            let pixels = &mut slf.try_borrow_mut()?.0;
            (pixels.as_mut_ptr(), pixels.len())
        };
        // SAFETY: the memory belongs to `slf`; it neither grows nor is read or written by Rust any more.
        unsafe { lend(slf.as_any(), view, data, length, false, flags) }
    }
}
