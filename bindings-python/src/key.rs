//! The function that gives a key, asked by the core for each attempt.
//!
//! It runs on a thread of its own, since a vault may not answer, in a copy of the caller's context. What it raises
//! is raised to the caller as it is.
//!
//! Python's collector must see who holds the function, since it often holds its client. So the core gets only a weak
//! reference to an [`Asked`], which the call holds, and the front of a stream or a run.

use std::sync::Arc;

use nanobanana::blocking;
use nanobanana::{Error, Key, Kind};
use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyWeakrefMethods, PyWeakrefReference};

use crate::value::type_name;

/// The function, and where it is called.
#[pyclass(frozen, weakref, module = "nanobanana._native")]
pub struct Asked {
    get_key: Py<PyAny>,
    /// The caller's `contextvars.Context`.
    context: Py<PyAny>,
    /// The loop of an awaited call, which runs a function that is a coroutine.
    event_loop: Option<Py<PyAny>>,
}

#[pymethods]
impl Asked {
    /// `awaited`: whether a running loop may run a coroutine for it.
    #[new]
    fn new(py: Python<'_>, get_key: Py<PyAny>, awaited: bool) -> PyResult<Self> {
        let context = py.import("contextvars")?.call_method0("copy_context")?.unbind();
        let event_loop = match awaited {
            true => py.import("asyncio")?.call_method0("get_running_loop").ok().map(Bound::unbind),
            false => None,
        };
        Ok(Asked { get_key, context, event_loop })
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.get_key)?;
        visit.call(&self.context)?;
        visit.call(&self.event_loop)
    }
}

/// The key that this function gives to one call, and what the call has to hold meanwhile.
pub fn asked(py: Python<'_>, get_key: &Bound<'_, PyAny>, how: &str) -> PyResult<(Key, Py<Asked>)> {
    let asked = match get_key.cast::<Asked>() {
        Ok(asked) => asked.clone(),
        // The loop of a caller who waits stands still.
        Err(_) => Bound::new(py, Asked::new(py, get_key.clone().unbind(), how != "wait")?)?,
    };
    let weak = Arc::new(PyWeakrefReference::new(&asked)?.unbind());
    let key = Key::asked(move || {
        let weak = weak.clone();
        async move {
            let asking = blocking::disk(move || {
                Python::try_attach(|py| {
                    let asked = weak.bind(py).upgrade_as::<Asked>()?;
                    asked.map_or_else(|| Ok(Ok(None)), |asked| asked.get().ask(py))
                })
            });
            match asking.await? {
                Some(Ok(key)) => key,
                Some(Err(raised)) => Err(Key::failed(&format!(": {raised}")).because(raised)),
                None => Err(Error::new(Kind::ConfigError, "the interpreter is ending; no key is asked for")),
            }
        }
    });
    Ok((key, asked.unbind()))
}

impl Asked {
    fn ask(&self, py: Python<'_>) -> PyResult<Result<Option<String>, Error>> {
        // A context runs one function at a time, and several attempts may ask at once.
        let context = self.context.bind(py).call_method0("copy")?;
        let mut given = context.call_method1("run", (&self.get_key,))?;
        if py.import("inspect")?.call_method1("isawaitable", (&given,))?.is_truthy()? {
            let Some(event_loop) = &self.event_loop else {
                if let Some(close) = given.getattr_opt("close")? {
                    close.call0()?;
                }
                let problem = "the function `api_key` has to be awaited, which an `AsyncClient` does; a `Client` takes \
                               a plain function. Nothing was sent";
                return Ok(Err(Error::new(Kind::ConfigError, problem)));
            };
            let helper = py.import("nanobanana._front")?.getattr("awaited")?;
            given = helper.call1((given, event_loop, context))?;
        }
        if given.is_none() {
            return Ok(Ok(None));
        }
        let Ok(text) = given.cast::<PyString>() else { return Ok(Err(Key::of_type(&type_name(&given)))) };
        // What is not valid Unicode is no key either, and is refused as such.
        Ok(Ok(Some(text.to_string_lossy().into_owned())))
    }
}
