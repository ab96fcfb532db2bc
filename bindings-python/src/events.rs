//! What clients tell of their work, on its way to `on_event` and to `logging`.
//!
//! The threads that do the work never wait for the GIL: they put an event into a line, and only if
//! somebody would see it. One thread at a time hands out what stands there, in order.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use nanobanana::schema::Write as _;
use nanobanana::{Case, Client, ClientEvent, PerProcess};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use tokio::runtime::Handle;

use crate::value;

/// Levels as `logging` counts them: what is routine has the first, all else the second.
const LEVELS: [u8; 2] = [10, 20];
const NEVER: u8 = u8::MAX;

/// From which level on the log is read; as it was when a call last began.
static READ_FROM: AtomicU8 = AtomicU8::new(NEVER);

static LINE: PerProcess<Mutex<Line>> = PerProcess::new();

#[derive(Default)]
struct Line {
    waiting: VecDeque<Told>,
    /// Whether somebody hands out.
    moves: bool,
}

/// An event, its level, and who is told.
struct Told(ClientEvent, u8, Option<Arc<Py<PyAny>>>);

/// The client, watched by the log and by `on_event`.
pub fn watched(client: &Client, on_event: Option<Py<PyAny>>) -> Client {
    let on_event = on_event.map(Arc::new);
    client.on_event(move |event| {
        let [told, noted] = LEVELS;
        let level = if event.is_routine() { told } else { noted };
        if on_event.is_some() || level >= READ_FROM.load(Ordering::Relaxed) {
            send(Told(event, level, on_event.clone()));
        }
    })
}

/// Looks whether the log is read. Nothing is imported for it: without `logging` nobody reads.
pub fn look(py: Python<'_>) {
    READ_FROM.store(read_from(py).unwrap_or(NEVER), Ordering::Relaxed);
}

fn read_from(py: Python<'_>) -> PyResult<u8> {
    let modules = py.import("sys")?.getattr("modules")?;
    let Some(logging) = modules.cast::<PyDict>()?.get_item("logging")? else { return Ok(NEVER) };
    let logger = logging.call_method1("getLogger", ("nanobanana",))?;
    for level in LEVELS {
        if logger.call_method1("isEnabledFor", (level,))?.is_truthy()? {
            return Ok(level);
        }
    }
    Ok(NEVER)
}

fn line() -> Arc<Mutex<Line>> {
    let Ok(line) = LINE.get_or_try(|| Ok::<_, Infallible>(Mutex::default()));
    line
}

fn send(told: Told) {
    let line = line();
    let mut line = line.lock().unwrap_or_else(PoisonError::into_inner);
    line.waiting.push_back(told);
    if !line.moves
        && let Ok(runtime) = Handle::try_current()
    {
        line.moves = true;
        // None if the interpreter is ending: then nobody is told any more.
        runtime.spawn_blocking(|| Python::try_attach(hand_out));
    }
}

/// Tells all that waits.
pub fn hand_out(py: Python<'_>) {
    let line = line();
    loop {
        let next = {
            let mut line = line.lock().unwrap_or_else(PoisonError::into_inner);
            let next = line.waiting.pop_front();
            line.moves = next.is_some();
            next
        };
        let Some(Told(event, level, on_event)) = next else { return };
        let on_event = on_event.as_ref().map(|on_event| on_event.bind(py));
        let told = value::to_python(py, &event.write(Case::Snake), 0).and_then(|values| {
            py.import("nanobanana._client")?.call_method1("tell", (level, values, on_event))
        });
        if let Err(error) = told {
            error.write_unraisable(py, on_event);
        }
    }
}
