//! The Rust of the pages in `docs`, as modules that compile with the tests.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::file::root;

/// `blocks.rs`: each block of Rust of each page as a module.
pub fn blocks() -> String {
    let mut out =
        "//! Written by core/cli/tests/generated/pages.rs from docs: change the pages; the test rewrites this file.\n".to_owned();
    let mut pages = Vec::new();
    markdown(&root().join("docs"), &mut pages);
    pages.sort();
    for page in pages {
        let text = std::fs::read_to_string(&page).unwrap();
        let name = page.file_stem().unwrap().to_str().unwrap().replace('-', "_");
        for (number, block) in text.split("\n```rust\n").skip(1).enumerate() {
            let (code, _) = block.split_once("\n```").unwrap();
            let _ = write!(out, "\nmod {name}_{number} {{\n{code}\n}}\n");
        }
    }
    out
}

/// The pages below a folder; packages and the site's own files are none.
fn markdown(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && name != "node_modules" && !name.starts_with('.') {
            markdown(&path, found);
        } else if path.extension().is_some_and(|kind| kind == "md") {
            found.push(path);
        }
    }
}
