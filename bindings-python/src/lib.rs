//! The Python extension module `nanobanana._native`.
//!
//! It is private: the package `nanobanana` is its only caller and has its very version. It converts
//! values and decides nothing; what an option means, when to try again and what an error says are
//! the core's.

use pyo3::prelude::*;

mod command;
mod door;
mod error;
mod events;
mod image;
mod input;
mod key;
mod runtime;
mod value;

use pyo3::exceptions::PyImportError;
use pyo3::ffi;

/// A function, so that nothing is made before it is known that this is the main interpreter: types are made once in
/// a process.
///
/// Nothing leans on the GIL for exclusion: classes are frozen, what is shared has locks or is atomic, and a fork finds
/// no lock taken, since it stops all attached threads where the GIL is no more.
#[pymodule(gil_used = false)]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    if !is_main_interpreter() {
        return Err(PyImportError::new_err("nanobanana does not work in a subinterpreter"));
    }
    module.add_class::<door::Door>()?;
    module.add_class::<door::Emulator>()?;
    module.add_class::<image::Image>()?;
    module.add_class::<input::Inputs>()?;
    module.add_class::<command::Signals>()?;
    module.add_class::<key::Asked>()?;
    module.add_function(wrap_pyfunction!(command::run, module)?)?;
    module.add_function(wrap_pyfunction!(runtime::apart, module)?)?;
    module.add_function(wrap_pyfunction!(runtime::is_abandoned, module)?)?;
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    input::decode_by_libraries();
    let end = wrap_pyfunction!(runtime::end, module)?;
    module.py().import("atexit")?.call_method1("register", (end,)).map(drop)
}

/// The worker threads call Python in the main interpreter, whichever one a call came from.
#[allow(unsafe_code, reason = "pyo3 has no function for it")]
fn is_main_interpreter() -> bool {
    // SAFETY: the module is initialised by a thread that holds the GIL of its interpreter.
    unsafe { ffi::PyInterpreterState_GetID(ffi::PyInterpreterState_Get()) == 0 }
}
