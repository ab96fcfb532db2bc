//! The one place that builds a Python exception from a core error.

use std::error::Error as StdError;

use nanobanana::{Case, Error};
use pyo3::exceptions::{PyOSError, PyRuntimeError};
use pyo3::prelude::*;

use crate::image::Image;
use crate::value;

/// The exception of the error's kind, its fields set and its cause chained.
pub fn raise(error: Error) -> PyErr {
    Python::attach(|py| build(py, &error).unwrap_or_else(|problem| problem))
}

fn build(py: Python<'_>, error: &Error) -> PyResult<PyErr> {
    if error.is_foreign()
        && let Some(raised) = error.source().and_then(|source| source.downcast_ref::<PyErr>())
    {
        return Ok(theirs(py, raised, error));
    }
    let map = value::to_python(py, &error.to_json(Case::Snake), 0)?;
    let pictures: Vec<Image> = error.pictures().into_iter().map(Image::new).collect();
    let exception = py.import("nanobanana._generated")?.call_method1("read_error", (map, pictures))?;
    let exception = PyErr::from_value(exception);
    if let Some(source) = error.source() {
        exception.set_cause(py, Some(cause(py, source)));
    }
    Ok(exception)
}

/// What the caller's own function raised, as it is. What it cannot know is noted: requests that were sent before.
fn theirs(py: Python<'_>, raised: &PyErr, error: &Error) -> PyErr {
    let raised = raised.clone_ref(py);
    if error.attempts().len() > 1 {
        // An exception that takes no notes stays as it is.
        let _ = raised.value(py).call_method1("add_note", (error.message(),));
    }
    raised
}

fn cause(py: Python<'_>, source: &(dyn StdError + 'static)) -> PyErr {
    if let Some(raised) = source.downcast_ref::<PyErr>() {
        return raised.clone_ref(py);
    }
    if let Some(error) = source.downcast_ref::<std::io::Error>()
        && let Some(number) = error.raw_os_error()
    {
        // Python picks the subclass by the number: FileNotFoundError and its like.
        return PyOSError::new_err((number, error.to_string()));
    }
    let exception = PyRuntimeError::new_err(source.to_string());
    if let Some(deeper) = source.source() {
        exception.set_cause(py, Some(cause(py, deeper)));
    }
    exception
}
