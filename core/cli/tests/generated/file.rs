//! Files that a test writes.

use std::path::{Path, PathBuf};

pub fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().find(|folder| folder.join("package.json").exists()).unwrap().to_owned()
}

/// Fails if the file is not this text, and then writes it: look at the difference, run again, commit.
pub fn same(file: &str, wanted: &str) {
    let path = root().join(file);
    if std::fs::read_to_string(&path).unwrap_or_default() != wanted {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, wanted).unwrap();
        panic!("{file} was out of date and has been rewritten; look at the difference, run again, commit it");
    }
}
