//! The threads that do the work, and the two ways to wait for it.
//!
//! One tokio runtime per process, since its threads do not survive a fork. A call that blocks looks
//! for signals, so that Ctrl-C ends it; an awaited call ends with its asyncio future.

use std::future::Future;
use std::pin::pin;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use nanobanana::PerProcess;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use tokio::runtime::{Handle, Runtime};
use tokio::task::{AbortHandle, JoinError, JoinHandle};

use crate::events;
use crate::value::Object;

/// How long Ctrl-C may go unseen.
pub const SIGNAL_CHECK: Duration = Duration::from_millis(50);
/// How long the interpreter's end waits for work that cannot be dropped at once (a file's writing).
const LAST_WAIT: Duration = Duration::from_secs(2);

/// Locked only by threads that hold the GIL, as does `os.fork`: a child never inherits it locked.
static RUNTIME: PerProcess<Mutex<Option<Runtime>>> = PerProcess::new();

fn handle() -> PyResult<Handle> {
    let live =
        RUNTIME.get_or_try(|| nanobanana::workers::start().map(|runtime| Mutex::new(Some(runtime))))?;
    let live = live.lock().unwrap_or_else(PoisonError::into_inner);
    live.as_ref().map(|runtime| runtime.handle().clone()).ok_or_else(ending)
}

fn ending() -> PyErr {
    PyRuntimeError::new_err("no call can be made any more: the interpreter is ending")
}

/// For `atexit`: ends the runtime before the interpreter is taken apart.
#[pyfunction]
pub fn end(py: Python<'_>) -> PyResult<()> {
    let live = RUNTIME.get_or_try(|| Ok::<_, PyErr>(Mutex::new(None)))?;
    let runtime = live.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(runtime) = runtime {
        py.detach(|| runtime.shutdown_timeout(LAST_WAIT));
        events::hand_out_all(py, LAST_WAIT);
    }
    Ok(())
}

/// Ends the work when it is dropped, or called, as an asyncio future does when it is cancelled. In a
/// forked child it does nothing: the work, and the locks around it, are the parent's.
#[pyclass(frozen)]
struct Guard {
    work: AbortHandle,
    process: u32,
}

impl Guard {
    fn of(work: &JoinHandle<impl Sized>) -> Self {
        Guard { work: work.abort_handle(), process: std::process::id() }
    }

    fn end(&self) {
        if self.process == std::process::id() {
            self.work.abort();
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.end();
    }
}

#[pymethods]
impl Guard {
    fn __call__(&self, _promise: &Bound<'_, PyAny>) {
        self.end();
    }
}

fn lost(error: JoinError) -> PyErr {
    if error.is_panic() {
        PyRuntimeError::new_err("nanobanana failed inside; please report this as a bug")
    } else {
        ending()
    }
}

/// Runs a future that never waits here and now: a hop to another thread, which may be busy, would.
pub fn now<T>(future: impl Future<Output = T>) -> PyResult<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => Ok(outcome),
        Poll::Pending => Err(PyRuntimeError::new_err("this call has to wait; please report this as a bug")),
    }
}

/// Whether signals are handled by this thread.
fn is_main(py: Python<'_>) -> PyResult<bool> {
    let threading = py.import("threading")?;
    let main = threading.call_method0("main_thread")?.getattr("ident")?;
    threading.call_method0("get_ident")?.eq(main)
}

/// Runs the future and waits for it with the GIL released. When a signal's handler raises, as that
/// of Ctrl-C does, the future is dropped and its request ends.
///
/// Another thread than the main one that still waits at the interpreter's end is a daemon: it stays
/// where it is, as one that reads a socket would, and neither raises nor prints.
pub fn wait<T: Send + 'static>(
    py: Python<'_>,
    future: impl Future<Output = T> + Send + 'static,
) -> PyResult<T> {
    let (send, mut receive) = mpsc::sync_channel(1);
    let runtime = handle()?;
    let work = runtime.spawn(future);
    let _guard = Guard::of(&work);
    runtime.spawn(async move {
        // No receiver is left if a signal ended the wait.
        let _ = send.send(work.await);
    });
    let is_main = is_main(py)?;
    loop {
        let receiver = &mut receive;
        let waited = py.detach(move || match is_main {
            true => receiver.recv_timeout(SIGNAL_CHECK),
            false => match receiver.recv() {
                Ok(outcome) if !outcome.as_ref().is_err_and(JoinError::is_cancelled) => Ok(outcome),
                _ => loop {
                    std::thread::park();
                },
            },
        });
        match waited {
            Ok(outcome) => return outcome.map_err(lost),
            Err(RecvTimeoutError::Timeout) => py.check_signals()?,
            Err(RecvTimeoutError::Disconnected) => return Err(ending()),
        }
    }
}

/// Runs the future and gives an asyncio future of the running loop for it: cancelling that drops the
/// work at once.
pub fn promise<'py, T: Send + 'static>(
    py: Python<'py>,
    future: impl Future<Output = T> + Send + 'static,
    convert: fn(Python<'_>, T) -> PyResult<Py<PyAny>>,
) -> Object<'py> {
    let event_loop = py.import("asyncio")?.call_method0("get_running_loop")?;
    let promise = event_loop.call_method0("create_future")?;
    let runtime = handle()?;
    let work = runtime.spawn(future);
    promise.call_method1("add_done_callback", (Guard::of(&work),))?;
    let (waiting_loop, waiting) = (event_loop.unbind(), promise.clone().unbind());
    runtime.spawn(async move {
        let outcome = work.await;
        // Attaching waits for the GIL, which must not hold up a worker.
        tokio::task::spawn_blocking(move || {
            // None if the interpreter is ending: then nobody waits any more.
            Python::try_attach(|py| {
                let outcome = outcome.map_err(lost).and_then(|value| convert(py, value));
                deliver(waiting_loop.bind(py), waiting.bind(py), outcome);
            })
        });
    });
    Ok(promise)
}

fn deliver(event_loop: &Bound<'_, PyAny>, promise: &Bound<'_, PyAny>, outcome: PyResult<Py<PyAny>>) {
    let py = promise.py();
    let (method, value) = match outcome {
        Ok(value) => ("set_result", value),
        Err(error) => ("set_exception", error.into_value(py).into_any()),
    };
    let sent = wrap_pyfunction!(settle, py)
        .and_then(|settle| event_loop.call_method1("call_soon_threadsafe", (settle, promise, method, value)));
    // A loop that was closed meanwhile raises RuntimeError, and nobody is waiting.
    if let Err(error) = sent
        && !error.is_instance_of::<PyRuntimeError>(py)
    {
        error.write_unraisable(py, Some(promise));
    }
}

/// On the loop's own thread: the future may have been cancelled meanwhile.
#[pyfunction]
fn settle(promise: &Bound<'_, PyAny>, method: &str, value: Bound<'_, PyAny>) -> PyResult<()> {
    if !promise.call_method0("done")?.is_truthy()? {
        promise.call_method1(method, (value,))?;
    }
    Ok(())
}
