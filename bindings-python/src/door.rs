//! The one door to the core, and the emulator.

use nanobanana::{Answer, Case, Client, ClientOptions, EmulatorOptions, Error, Key, RecordOptions};
use pyo3::PyTraverseError;
use pyo3::exceptions::PyTypeError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde_json::{Map, Value};

use crate::error::raise;
use crate::events::{self, Kept, Watch, Watcher};
use crate::image::{Image, warn};
use crate::value::Object;
use crate::{input, key, runtime, value};

/// A client, a conversation or a stream of the core, by its verbs. The classes of `nanobanana` are
/// its fronts.
#[pyclass(frozen, module = "nanobanana._native")]
pub struct Door {
    core: nanobanana::Door,
    watcher: Watcher,
    /// Who gets the events of what was opened: a stream, a run.
    watch: Option<Py<Watch>>,
}

#[pymethods]
impl Door {
    /// A client; `on_event` is called with each step of its calls. With `asks` each call brings the function that
    /// gives its key.
    #[new]
    #[pyo3(signature = (options, offline, on_event=None, asks=false))]
    fn new(
        py: Python<'_>,
        options: &Bound<'_, PyDict>,
        offline: bool,
        on_event: Option<Py<PyAny>>,
        asks: bool,
    ) -> PyResult<Self> {
        let options = read(options)?;
        let make = |options| match (offline, asks) {
            (true, _) => Client::offline(options),
            (false, true) => Client::with_key(options, Key::of_each_call()),
            (false, false) => Client::new(options),
        };
        let client = py.detach(|| make(options)).map_err(raise)?;
        let core = nanobanana::Door::Client(Watcher::logged(&client));
        Ok(Door { core, watcher: Watcher::new(on_event), watch: None })
    }

    /// What needs no client: pictures.
    #[staticmethod]
    fn tools() -> Self {
        Door { core: nanobanana::Door::Tools, watcher: Watcher::new(None), watch: None }
    }

    /// A copy of a client with other options.
    #[pyo3(signature = (options, on_event=None, asks=false))]
    fn with_options(
        &self,
        py: Python<'_>,
        options: &Bound<'_, PyDict>,
        on_event: Option<Py<PyAny>>,
        asks: bool,
    ) -> PyResult<Self> {
        let options = read(options)?;
        let core = py.detach(|| self.core.with_options(options)).map_err(raise)?;
        let core = if asks { core.keyed(Key::of_each_call()) } else { core };
        let watcher = if on_event.is_some() { Watcher::new(on_event) } else { self.watcher.copied(py) };
        Ok(Door { core, watcher, watch: self.watch.as_ref().map(|watch| watch.clone_ref(py)) })
    }

    /// The same with its place in the queue of a conversation, if this verb queues.
    fn placed(&self, py: Python<'_>, verb: &str) -> Self {
        Door {
            core: self.core.placed(verb),
            watcher: self.watcher.copied(py),
            watch: self.watch.as_ref().map(|watch| watch.clone_ref(py)),
        }
    }

    /// Makes a call. `how`: "now" for what never waits, "wait" waits for its answer, "await" gives
    /// an awaitable for it. `get_key` is asked for the key of each attempt.
    #[pyo3(signature = (how, verb, prompt, images, options, get_key=None))]
    #[allow(clippy::too_many_arguments, reason = "one entry for every method")]
    fn call<'py>(
        &self,
        py: Python<'py>,
        how: &str,
        verb: String,
        prompt: &Bound<'py, PyAny>,
        images: &Bound<'py, PyAny>,
        options: &Bound<'py, PyDict>,
        get_key: Option<Bound<'py, PyAny>>,
    ) -> Object<'py> {
        events::look(py);
        let (prompt, images, options) = input::taken(prompt, images, options)?;
        let (core, asked) = match get_key {
            Some(get_key) => {
                let (key, asked) = key::asked(py, &get_key, how)?;
                (self.core.keyed(key), Some(asked))
            }
            None => (self.core.clone(), None),
        };
        let (watched, kept) = match &self.watch {
            Some(watch) => (None, Some(self.watcher.keep(py, watch))),
            None => self.watcher.of_call(py, &core)?.unzip(),
        };
        let door = watched.as_ref().unwrap_or(&core);
        let work = door.call(&verb, prompt, images, options, Case::Snake);
        let from = self.watcher.copied(py);
        let call = async move { Called { answer: work.await, from, kept, _asked: asked } };
        match how {
            "now" => Ok(answer(py, runtime::now(call)?)?.into_bound(py)),
            "wait" => Ok(answer(py, runtime::wait(py, call)?)?.into_bound(py)),
            _ => runtime::promise(py, call, answer),
        }
    }

    /// Lets go of what it holds: a stream's request, a client's idle connections.
    fn close(&self, py: Python<'_>) {
        py.detach(|| self.core.close());
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.watcher.visit(&visit)?;
        visit.call(&self.watch)
    }
}

/// What a call gave, and who watched it.
struct Called {
    answer: Result<Answer, Error>,
    from: Watcher,
    kept: Option<Kept>,
    /// Held until the call has its answer.
    _asked: Option<Py<key::Asked>>,
}

fn read(options: &Bound<'_, PyDict>) -> PyResult<ClientOptions> {
    ClientOptions::read(&value::options(options)?, Case::Snake).map_err(raise)
}

/// The record as a dict, its pictures in the order in which they stand in it, and what was opened.
fn answer(py: Python<'_>, called: Called) -> PyResult<Py<PyAny>> {
    let Called { answer, from, kept, _asked } = called;
    let answer = answer.map_err(raise)?;
    let json = value::to_python(py, &answer.json, 0)?;
    warn(py, &answer.warnings)?;
    let pictures: Vec<Image> = answer.pictures.into_iter().map(Image::new).collect();
    let opened = answer.door.map(|core| {
        let begins = matches!(core, nanobanana::Door::Stream(_) | nanobanana::Door::Many(_));
        let watch = kept.as_ref().filter(|_| begins).and_then(|kept| kept.watch(py));
        Door { core, watcher: from, watch }
    });
    Ok((json, pictures, opened).into_pyobject(py)?.into_any().unbind())
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
    /// Starts one on 127.0.0.1; port 0 takes a free one. The options are those of `nanobanana emulate`: `tls=True`
    /// speaks TLS and HTTP/2 by an authority that lives as long (give a client `ca_bundle=emulator.ca_bundle`),
    /// `rpm`, `ipm` and `rpd` are limits with real counters, `host` lets other machines in.
    #[new]
    #[pyo3(signature = (port=0, **options))]
    fn new(py: Python<'_>, port: i64, options: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let mut told = options.map_or_else(|| Ok(Map::new()), value::options)?;
        told.insert("port".to_owned(), port.into());
        let options = EmulatorOptions::read(&told, Case::Snake).map_err(raise)?;
        py.detach(|| nanobanana::Emulator::start_with(options)).map(Emulator).map_err(raise)
    }

    /// Its base URL.
    #[getter]
    fn url(&self) -> String {
        self.0.url()
    }

    /// With TLS, the file of its authority's certificate, which is gone with the emulator; else None.
    #[getter]
    fn ca_bundle(&self) -> Option<String> {
        self.0.ca_bundle().map(|path| path.to_string_lossy().into_owned())
    }

    /// The last requests in order: dicts with at (seconds since the start), method, path, http_version,
    /// query, headers, json, size, status, took (seconds until the last byte) and cancelled (the client went away
    /// before it had its answer).
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

    /// Begins or stops to answer with recorded calls, and to record them: `cassette`, `upstream`, and the `mode`
    /// ("missing", "always" or "never"). What is not set stays as it is; if nothing is set, it draws again.
    #[pyo3(signature = (**options))]
    fn record(&self, py: Python<'_>, options: Option<&Bound<'_, PyDict>>) -> PyResult<()> {
        let told = options.map_or_else(|| Ok(Map::new()), value::options)?;
        let options = RecordOptions::read(&told, Case::Snake).map_err(raise)?;
        py.detach(|| self.0.record(options)).map_err(raise)
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

    fn __reduce_ex__(&self, _protocol: u32) -> PyResult<()> {
        let problem = "an Emulator can be neither copied nor pickled: it is a server of this process; pass on its `url`";
        Err(PyTypeError::new_err(problem))
    }

    fn __repr__(&self) -> String {
        format!("Emulator({})", self.0.url())
    }
}
