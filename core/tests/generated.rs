//! Writes the generated files of the Python binding, or finds that they are as they should be.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "generated/python.rs"]
mod python;

use std::path::Path;

/// Fails if the file is not this text, and then writes it: look at the difference, run again, commit.
fn same(file: &str, wanted: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
    if std::fs::read_to_string(&path).unwrap_or_default() != wanted {
        std::fs::write(&path, wanted).unwrap();
        panic!("{file} was out of date and has been rewritten; look at the difference, run again, commit it");
    }
}

#[test]
fn python_is_as_the_tables_say() {
    same("bindings-python/python/nanobanana/_generated.py", &python::classes());
}

#[test]
fn python_types_are_as_the_tables_say() {
    same("bindings-python/python/nanobanana/_options.py", &python::types());
}
