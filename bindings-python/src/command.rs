//! The command `nanobanana`, whose signals are Python's.

use std::ffi::OsString;
use std::sync::mpsc::{self, RecvTimeoutError};

use nanobanana_cli::{self as cli, Signal};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::runtime::SIGNAL_CHECK;

/// Hands the signals that Python's handlers get over to a command.
#[pyclass(frozen)]
pub struct Signals(cli::Signals);

#[pymethods]
impl Signals {
    #[new]
    fn new() -> Self {
        Signals(cli::Signals::of_host())
    }

    /// The names of the signals that end a command.
    #[staticmethod]
    fn names() -> Vec<&'static str> {
        Signal::ALL.map(Signal::name).to_vec()
    }

    /// Hands over the signal of this name.
    fn tell(&self, name: &str) {
        if let Some(signal) = Signal::named(name) {
            self.0.tell(signal);
        }
    }
}

/// Runs the command and gives its exit code. The calling thread looks for signals meanwhile, whose handlers Python
/// runs on its main thread alone.
#[pyfunction]
pub fn run(py: Python<'_>, args: Vec<OsString>, signals: &Signals) -> PyResult<u8> {
    let (send, mut receive) = mpsc::sync_channel(1);
    let handed = signals.0.clone();
    std::thread::Builder::new().name("nanobanana-command".into()).spawn(move || {
        // The receiver waits until this has come.
        let _ = send.send(cli::run(args, &handed));
    })?;
    let mut raised = None;
    loop {
        let receiver = &mut receive;
        match py.detach(move || receiver.recv_timeout(SIGNAL_CHECK)) {
            Ok(code) => return raised.map_or(Ok(code), Err),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(PyRuntimeError::new_err("nanobanana failed inside; please report this as a bug"));
            }
            // A handler that is not the command's raised: the command ends, and then the exception goes on.
            Err(RecvTimeoutError::Timeout) => {
                if let Err(error) = py.check_signals() {
                    signals.0.tell(Signal::Interrupt);
                    raised = Some(error);
                }
            }
        }
    }
}
