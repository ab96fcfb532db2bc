//! The threads that do the work, and the ways to wait for it.
//!
//! One tokio runtime per process, since its threads do not survive a fork. A call that blocks looks
//! for signals, so that Ctrl-C ends it; an awaited call ends with its asyncio future. Answers are delivered by a
//! thread that does nothing else: reads that hang and callbacks of users cannot hold it up.

use std::future::Future;
use std::pin::pin;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use nanobanana::blocking::{self, Lost};
use nanobanana::{Error, PerProcess};
use pyo3::exceptions::{PyImportError, PyRuntimeError};
use pyo3::prelude::*;
use tokio::runtime::{Handle, Runtime};
use tokio::task::{AbortHandle, JoinError, JoinHandle};

use crate::error::raise;
use crate::events;
use crate::value::Object;

/// How long Ctrl-C may go unseen.
pub const SIGNAL_CHECK: Duration = Duration::from_millis(50);
/// How long the interpreter's end waits for work that cannot be dropped at once (a file's writing).
const LAST_WAIT: Duration = Duration::from_secs(2);

/// Locked only by threads that hold the GIL, as does `os.fork`: a child never inherits it locked. Without a GIL the
/// fork waits until no thread runs that is attached to the interpreter, which comes to the same.
static RUNTIME: PerProcess<Mutex<Option<Threads>>> = PerProcess::new();

struct Threads {
    runtime: Runtime,
    /// What is told with the GIL, in order.
    deliver: Sender<Delivery>,
}

type Delivery = Box<dyn FnOnce(Python<'_>) + Send>;

fn threads() -> PyResult<(Handle, Sender<Delivery>)> {
    let live = RUNTIME.get_or_try(|| start().map(|threads| Mutex::new(Some(threads)))).map_err(raise)?;
    let live = live.lock().unwrap_or_else(PoisonError::into_inner);
    let of = |threads: &Threads| (threads.runtime.handle().clone(), threads.deliver.clone());
    live.as_ref().map(of).ok_or_else(ending)
}

fn start() -> Result<Threads, Error> {
    let (deliver, deliveries) = mpsc::channel();
    let runtime = nanobanana::workers::start();
    let thread = std::thread::Builder::new().name("nanobanana-answers".into());
    runtime
        .and_then(|runtime| {
            thread.spawn(move || deliver_all(&deliveries))?;
            Ok(Threads { runtime, deliver })
        })
        .map_err(|cause| Lost::NoThread(cause).into())
}

/// Waits for the GIL once for all that has come meanwhile.
fn deliver_all(deliveries: &Receiver<Delivery>) {
    while let Ok(first) = deliveries.recv() {
        let delivered = Python::try_attach(|py| {
            first(py);
            deliveries.try_iter().for_each(|next| next(py));
        });
        // The interpreter is ending: nobody waits any more.
        if delivered.is_none() {
            return;
        }
    }
}

fn ending() -> PyErr {
    PyRuntimeError::new_err("no call can be made any more: the interpreter is ending")
}

/// For `atexit`: ends the runtime before the interpreter is taken apart.
#[pyfunction]
pub fn end(py: Python<'_>) -> PyResult<()> {
    let live = RUNTIME.get_or_try(|| Ok::<_, PyErr>(Mutex::new(None)))?;
    let threads = live.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(Threads { runtime, .. }) = threads {
        py.detach(|| {
            runtime.shutdown_timeout(LAST_WAIT);
            blocking::settle(LAST_WAIT);
        });
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
    // Its file may be one too many for the system.
    let threading = match py.import("threading") {
        // An interpreter that is ending imports nothing, and handles no signals.
        Err(problem) if problem.is_instance_of::<PyImportError>(py) => return Ok(false),
        threading => threading,
    };
    let threading = threading.map_err(|problem| {
        let code = problem.value(py).getattr("errno").and_then(|code| code.extract::<i32>());
        code.map_or(problem, |code| raise(Lost::NoThread(std::io::Error::from_raw_os_error(code)).into()))
    })?;
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
    // Before anything is begun, since it may fail.
    let is_main = is_main(py)?;
    let (send, receive) = mpsc::sync_channel(1);
    let (runtime, _) = threads()?;
    let work = runtime.spawn(future);
    let _guard = Guard::of(&work);
    runtime.spawn(async move {
        // No receiver is left if a signal ended the wait.
        let _ = send.send(work.await);
    });
    if is_main {
        return received(py, receive)?.ok_or_else(ending)?.map_err(lost);
    }
    let waited = py.detach(move || match receive.recv() {
        Ok(outcome) if !outcome.as_ref().is_err_and(JoinError::is_cancelled) => outcome,
        _ => loop {
            std::thread::park();
        },
    });
    waited.map_err(lost)
}

/// Waits with the GIL released, and looks for signals; none if the sender is gone.
fn received<T: Send>(py: Python<'_>, mut receive: Receiver<T>) -> PyResult<Option<T>> {
    loop {
        let receiver = &mut receive;
        match py.detach(move || receiver.recv_timeout(SIGNAL_CHECK)) {
            Ok(value) => return Ok(Some(value)),
            Err(RecvTimeoutError::Timeout) => py.check_signals()?,
            Err(RecvTimeoutError::Disconnected) => return Ok(None),
        }
    }
}

/// Does what reads or writes a file for a caller who waits. On the main thread it runs beside, since a file may hang
/// and Ctrl-C must end the wait.
pub fn beside<T: Send + 'static>(
    py: Python<'_>,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> PyResult<T> {
    if !is_main(py)? {
        return py.detach(work).map_err(raise);
    }
    let (send, receive) = mpsc::sync_channel(1);
    let _task = blocking::kept(move || {
        // No receiver is left if a signal ended the wait.
        let _ = send.send(work());
    });
    let lost = || raise(Error::from(Lost::Failed));
    received(py, receive)?.ok_or_else(lost)?.map_err(raise)
}

/// True if the call for which this thread works has ended, so that its work is not needed any more.
#[pyfunction]
pub fn is_abandoned() -> bool {
    blocking::is_abandoned()
}

/// Calls a Python function on a thread of its own, and gives an asyncio future for what it returns. It may hang: it
/// holds up no other, as it would in the loop's own executor.
#[pyfunction]
pub fn apart(py: Python<'_>, function: Py<PyAny>) -> Object<'_> {
    let call = async move {
        let called = blocking::disk(move || Python::try_attach(|py| function.call0(py)));
        match called.await {
            Ok(Some(outcome)) => outcome,
            Ok(None) => Err(ending()),
            Err(lost) => Err(raise(lost.into())),
        }
    };
    promise(py, call, |_, outcome| outcome)
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
    let (runtime, deliver) = threads()?;
    let work = runtime.spawn(future);
    promise.call_method1("add_done_callback", (Guard::of(&work),))?;
    let (waiting_loop, waiting) = (event_loop.unbind(), promise.clone().unbind());
    runtime.spawn(async move {
        let outcome = work.await;
        // Whoever attaches waits for the GIL, which must not hold up a worker. Without a receiver nobody waits.
        let _ = deliver.send(Box::new(move |py| {
            let outcome = outcome.map_err(lost).and_then(|value| convert(py, value));
            tell(waiting_loop.bind(py), waiting.bind(py), outcome);
        }));
    });
    Ok(promise)
}

fn tell(event_loop: &Bound<'_, PyAny>, promise: &Bound<'_, PyAny>, outcome: PyResult<Py<PyAny>>) {
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
