//! The client's one door, and the emulator.

use nanobanana::{Answer, Case, ClientOptions, Error};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde_json::Value;

use crate::error::raise;
use crate::image::Image;
use crate::value::Object;
use crate::{input, runtime, value};

/// The core's client. `nanobanana.Client` and `nanobanana.AsyncClient` are its fronts.
#[pyclass(frozen, module = "nanobanana._native")]
pub struct Client(nanobanana::Client);

#[pymethods]
impl Client {
    #[new]
    fn new(py: Python<'_>, options: &Bound<'_, PyDict>, offline: bool) -> PyResult<Self> {
        let options = read(options)?;
        let make = if offline { nanobanana::Client::offline } else { nanobanana::Client::new };
        py.detach(|| make(options)).map(Client).map_err(raise)
    }

    /// The same client with other options.
    fn with_options(&self, py: Python<'_>, options: &Bound<'_, PyDict>) -> PyResult<Self> {
        let options = read(options)?;
        py.detach(|| self.0.with_options(options)).map(Client).map_err(raise)
    }

    /// Its options, without the key.
    fn describe<'py>(&self, py: Python<'py>) -> Object<'py> {
        value::to_python(py, &self.0.describe(Case::Snake), 0)
    }

    /// What the caller should know about how it was set up.
    #[getter]
    fn warnings(&self) -> Vec<String> {
        self.0.warnings().to_vec()
    }

    /// Makes a call: waits for its answer, or gives an awaitable for it.
    fn call<'py>(
        &self,
        py: Python<'py>,
        verb: String,
        prompt: &Bound<'py, PyAny>,
        images: &Bound<'py, PyAny>,
        options: &Bound<'py, PyDict>,
        wait: bool,
    ) -> Object<'py> {
        let options = value::options(options)?;
        let prompt = input::prompt(prompt)?;
        let images = input::images(images, &prompt)?;
        let client = self.0.clone();
        let call = async move { client.call(&verb, prompt, images, &options, Case::Snake).await };
        if wait {
            Ok(answer(py, runtime::wait(py, call)?)?.into_bound(py))
        } else {
            runtime::promise(py, call, answer)
        }
    }

    /// Ends idle connections.
    fn close(&self, py: Python<'_>) {
        py.detach(|| self.0.close());
    }
}

fn read(options: &Bound<'_, PyDict>) -> PyResult<ClientOptions> {
    ClientOptions::read(&value::options(options)?, Case::Snake).map_err(raise)
}

/// The record as a dict, and its pictures in the order in which they stand in it.
fn answer(py: Python<'_>, answer: Result<Answer, Error>) -> PyResult<Py<PyAny>> {
    let answer = answer.map_err(raise)?;
    let json = value::to_python(py, &answer.json, 0)?;
    let pictures: Vec<Image> = answer.pictures.into_iter().map(Image::new).collect();
    Ok((json, pictures).into_pyobject(py)?.into_any().unbind())
}

/// The Gemini image API on loopback: no key, no network, no cost.
///
/// A real HTTP server that checks requests as the service does and draws real pictures. Give its
/// `url` to a client: `Client("offline", base_url=emulator.url)`. It stops at `close()`, or when the
/// `with` block ends.
#[pyclass(frozen, module = "nanobanana")]
pub struct Emulator(nanobanana::Emulator);

#[pymethods]
impl Emulator {
    /// Starts one on 127.0.0.1; port 0 takes a free one.
    #[new]
    #[pyo3(signature = (port=0))]
    fn new(py: Python<'_>, port: i64) -> PyResult<Self> {
        let port = u16::try_from(port)
            .map_err(|_| raise(value::invalid("port", format!("is {port}; it takes 0 to {}", u16::MAX))))?;
        py.detach(|| nanobanana::Emulator::start(port)).map(Emulator).map_err(raise)
    }

    /// Its base URL.
    #[getter]
    fn url(&self) -> String {
        self.0.url()
    }

    /// The last 1000 requests in order: dicts with method, path, query, headers, json, size and
    /// cancelled (the client went away before it had its answer).
    #[getter]
    fn requests<'py>(&self, py: Python<'py>) -> Object<'py> {
        value::to_python(py, &py.detach(|| self.0.requests()).into(), 0)
    }

    /// Sets the next replies, in place of those set before; one dict for each request.
    ///
    /// For example {"status": 429, "headers": {"retry-after": "1"}}, {"image": "png 8x8", "text": "…"},
    /// {"json": {...}}, {"body": "…", "cut": 100}, {"hang": True}, {"delay": 0.5}; {} answers as usual.
    fn script(&self, py: Python<'_>, steps: Vec<Bound<'_, PyDict>>) -> PyResult<()> {
        let steps = steps.iter().map(|step| value::options(step).map(Value::Object));
        let steps = steps.collect::<PyResult<Vec<_>>>()?;
        py.detach(|| self.0.script(&steps)).map_err(raise)
    }

    /// Stops it and frees its port.
    fn close(&self, py: Python<'_>) {
        py.detach(|| self.0.close());
    }

    fn __enter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    #[pyo3(signature = (*_error))]
    fn __exit__(&self, py: Python<'_>, _error: &Bound<'_, PyAny>) {
        self.close(py);
    }

    fn __repr__(&self) -> String {
        format!("Emulator({})", self.0.url())
    }
}
