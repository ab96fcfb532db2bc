//! The direction of the house: a module uses only those to its left, and each talks to the world
//! only where it may. Cargo holds the directions between the crates.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};

/// The modules of `nanobanana-base`: left never uses right.
const BASE: &[&str] = &[
    "secrets",
    "digest",
    "schema",
    "message",
    "memory",
    "error",
    "options",
    "process",
    "blocking",
    "workers",
    "local",
    "save",
    "codec",
    "provenance",
    "array",
    "image",
    "catalogue",
];

/// The modules of `nanobanana`, likewise; those of a room by their path.
const CORE: &[&str] = &[
    "picture::refuge",
    "picture::mask",
    "records",
    "http::json",
    "picture::encode",
    "picture::output",
    "input",
    "http::key",
    "http::body",
    "http::transport",
    "http::split",
    "http::sse",
    "service::gemini::request",
    "service::gemini::reply",
    "call::retry",
    "call::limit",
    "call::money",
    "call::cache",
    "call::events",
    "call::files",
    "call::attempt",
    "stream",
    "client",
    "many",
    "chat",
    "door",
];

/// The folders whose modules have places of their own in the order.
const ROOMS: &[&str] = &["picture", "http", "service", "service::gemini", "call"];

/// The folder of this crate, beside which the others stand.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

/// The module that a path leads to: the path without what is inside the module.
fn module_of<'a>(parts: impl Iterator<Item = &'a str>) -> String {
    let mut module = String::new();
    for part in parts {
        if !module.is_empty() {
            module.push_str("::");
        }
        module.push_str(part);
        if !ROOMS.contains(&module.as_str()) {
            break;
        }
    }
    module
}

/// Each module's path with the text of its files below a folder, files of tests left out.
fn modules(folder: &str) -> Vec<(String, String)> {
    let root = root().join(folder);
    let mut found = Vec::new();
    for path in sources(&root) {
        let relative = path.strip_prefix(&root).unwrap().with_extension("");
        let module = module_of(relative.iter().map(|part| part.to_str().unwrap()));
        if matches!(module.as_str(), "lib" | "main") || path.ends_with("tests.rs") {
            continue;
        }
        found.push((module, std::fs::read_to_string(&path).unwrap()));
    }
    found
}

/// The uses of a module to the right of the one that uses it.
fn wrong_arrows(folder: &str, order: &[&str]) -> Vec<String> {
    let place = |module: &str| {
        let found = order.iter().position(|name| *name == module);
        found.unwrap_or_else(|| panic!("`{module}` has no place in the order of {folder}"))
    };
    let mut wrong = Vec::new();
    for (module, text) in modules(folder) {
        if ROOMS.contains(&module.as_str()) {
            continue;
        }
        for used in text.split("crate::").skip(1) {
            let is_path = |letter: char| letter.is_ascii_lowercase() || matches!(letter, '_' | ':');
            let end = used.find(|letter| !is_path(letter)).unwrap_or(used.len());
            let used = module_of(used.get(..end).unwrap().split("::").filter(|part| !part.is_empty()));
            if order.contains(&used.as_str()) && place(&used) > place(&module) {
                wrong.push(format!("{module} uses {used}"));
            }
        }
    }
    wrong
}

/// Uses that are wrong and known. This list may only shrink.
const KNOWN: &[&str] = &[
    // Its tests decode what they have marked.
    "provenance uses array",
];

#[test]
fn no_module_uses_one_to_its_right() {
    let wrong = [wrong_arrows("base/src", BASE), wrong_arrows("src", CORE)].concat();
    assert_eq!(wrong, KNOWN);
}

#[test]
fn a_room_only_lists_its_modules() {
    let is_plain = |line: &&str| {
        line.is_empty() || line.starts_with("//") || line.ends_with(';') && line.contains("mod ")
    };
    for room in ROOMS {
        let path = root().join("src").join(format!("{}.rs", room.replace("::", "/")));
        let text = std::fs::read_to_string(&path).unwrap();
        let other: Vec<&str> = text.lines().filter(|line| !is_plain(line)).collect();
        assert!(other.is_empty(), "{room} has {other:?}");
    }
}

#[test]
fn the_files_of_the_mutation_run_exist() {
    let repository = root().parent().unwrap();
    let settings = std::fs::read_to_string(repository.join(".cargo/mutants.toml")).unwrap();
    let named =
        settings.lines().filter_map(|line| line.trim().strip_prefix("\"core/")?.split(['"', '*']).next());
    let missing: Vec<_> = named.filter(|path| !root().join(path).exists()).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn one_file_alone_installs_handlers_of_signals() {
    let folders = ["src", "base/src", "emulator/src", "cli/src"];
    let installs = |path: &PathBuf| std::fs::read_to_string(path).unwrap().contains("tokio::signal");
    // Within Python and Node the signals are the host's: a second handler calls the host's again and again.
    let all = folders.into_iter().flat_map(|folder| sources(&root().join(folder)));
    let files: Vec<PathBuf> = all.filter(installs).collect();
    assert_eq!(files, [root().join("cli/src/signals.rs")]);
}

#[test]
fn each_thing_is_done_in_one_place() {
    let allowed: &[(&str, &[&str])] = &[
        // The emulator passes requests on when it records, and must not share the client's way of sending.
        ("reqwest::", &["http::transport", "emulator"]),
        ("image::ImageFormat", &["codec"]),
        // What the caller set; the command also asks what its terminal is.
        ("std::env::var", &["client", "cli"]),
        ("print!(", &[]),
        ("println!(", &[]),
        ("retry::decide", &["call::files", "call::attempt"]),
        ("stdout()", &["cli"]),
        ("stderr()", &["cli"]),
    ];
    // The emulator and the command are one place each.
    let named = |name: &'static str| move |(_, text): (String, String)| (name.to_owned(), text);
    let library = modules("src").into_iter().chain(modules("base/src"));
    let emulator = modules("emulator/src").into_iter().map(named("emulator"));
    let all = library.chain(emulator).chain(modules("cli/src").into_iter().map(named("cli")));
    let mut wrong = Vec::new();
    for (module, text) in all {
        let code = text.split("\n#[cfg(test)]\n").next().unwrap();
        let code: String = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        for (word, homes) in allowed {
            if code.contains(word) && !homes.contains(&module.as_str()) {
                wrong.push(format!("{module} has {word}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn no_field_of_an_error_is_set_by_its_name() {
    let folders =
        ["src", "base/src", "emulator/src", "cli/src", "../bindings-python/src", "../bindings-node/src"];
    let all = folders.into_iter().flat_map(|folder| sources(&root().join(folder)));
    let sets = |path: &PathBuf| std::fs::read_to_string(path).unwrap().contains(".with(\"");
    let files: Vec<PathBuf> = all.filter(sets).collect();
    assert!(files.is_empty(), "the kinds' constructors in `error.rs` take fields with types: {files:?}");
}

/// Nouns that are counted in messages.
const COUNTED: &[&str] = &[
    "bits",
    "bytes",
    "calls",
    "characters",
    "channels",
    "days",
    "events",
    "files",
    "images",
    "items",
    "letters",
    "levels",
    "pictures",
    "references",
    "requests",
    "samples",
    "seconds",
    "tokens",
    "tries",
    "attempts",
    "turns",
    "videos",
    "warnings",
    "errors",
    "steps",
    "lines",
];

/// Texts whose number is never 1.
const NEVER_ONE: &[&str] = &[
    "(the last of {",
    "2 GB as one file",
    "a text of {} characters",
    "its file ends after {",
    "requests to `{model}`",
    "bits a channel",
    "was tried is {written}",
    "{age} days",
    "one token for {} letters",
    "({} characters)",
    "took nothing for {",
    "of its {n} calls",
    "of {n} pictures {are}",
    "pictures: {sizes:?} bytes",
    "0 or 1 video",
];

#[test]
fn a_number_and_its_noun_agree() {
    // The emulator speaks in the service's words.
    let folders = ["src", "base/src", "cli/src", "../bindings-python/src", "../bindings-node/src"];
    let ours = folders.map(|folder| sources(&root().join(folder)));
    let mut wrong = Vec::new();
    for path in ours.into_iter().flatten() {
        if path.ends_with("tests.rs") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let code = text.split("\n#[cfg(test)]\n").next().unwrap();
        for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
            for (at, _) in line.match_indices("} ") {
                let (before, behind) = (&line[..at], &line[at + 2..]);
                let noun = behind.split(|letter: char| !letter.is_ascii_alphabetic()).next().unwrap();
                let name = before.rsplit('{').next().unwrap();
                let is_constant = name.starts_with(|letter: char| letter.is_ascii_uppercase());
                if COUNTED.contains(&noun)
                    && !is_constant
                    && !NEVER_ONE.iter().any(|text| line.contains(text))
                {
                    wrong.push(format!("{}: {}", path.display(), line.trim()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "write these with `counted`: {wrong:#?}");
}
