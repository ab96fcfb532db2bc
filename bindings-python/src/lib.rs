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
mod runtime;
mod value;

#[pymodule]
mod _native {
    use pyo3::prelude::*;
    use pyo3::types::PyModule;

    #[pymodule_export]
    use crate::command::{Signals, run};
    #[pymodule_export]
    use crate::door::{Door, Emulator};
    #[pymodule_export]
    use crate::image::Image;
    #[pymodule_export]
    use crate::input::Inputs;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        crate::input::decode_by_libraries();
        let end = wrap_pyfunction!(crate::runtime::end, module)?;
        module.py().import("atexit")?.call_method1("register", (end,)).map(drop)
    }
}
