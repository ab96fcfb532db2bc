//! Option names of other libraries, taken from their types: in every front the answer has our name or says what to do.
//! `tests/python/test_foreign.py` and `tests/node/foreign.test.ts` read the same file.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::process::Command;

use nanobanana::{Case, ClientOptions, Error, GenerateOptions, Retry};
use serde_json::{Map, Value, json};

struct Name {
    name: String,
    at: String,
    ours: Vec<String>,
}

fn names() -> Vec<Name> {
    let file: Value = serde_json::from_str(include_str!("../../../tests/foreign_names.json")).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let name = |row: &Value| Name {
        name: text(&row["name"]),
        at: text(&row["at"]),
        ours: row["ours"].as_array().unwrap().iter().map(text).collect(),
    };
    file["names"].as_array().unwrap().iter().map(name).collect()
}

/// What the answer lacks, or has and should not have.
fn faults(row: &Name, said: &str, written: impl Fn(&str) -> String) -> Vec<String> {
    let Name { name, ours, .. } = row;
    let mut faults = Vec::new();
    if said.contains("Did you mean") || said.contains("there are ") {
        faults.push(format!("{name}: {said}"));
    }
    for own in ours {
        if !said.contains(&format!("`{}`", written(own))) {
            faults.push(format!("{name} lacks {}: {said}", written(own)));
        }
    }
    faults
}

fn refused(row: &Name, case: Case) -> Option<Error> {
    let map = Map::from_iter([(row.name.clone(), json!("aspect_ratio of my_file"))]);
    match row.at.as_str() {
        "call" => GenerateOptions::read(&map, case).err(),
        "client" => ClientOptions::read(&map, case).err(),
        _ => Retry::read(&map, case).err(),
    }
}

#[test]
fn every_foreign_name_is_answered_in_the_callers_words() {
    let names = names();
    assert!(names.len() >= 120, "{}", names.len());
    let mut wrong = Vec::new();
    for case in [Case::Snake, Case::Camel] {
        for row in &names {
            let own = row.ours.first().is_some_and(|own| *case.name(own) == *row.name);
            match refused(row, case) {
                // It is our own name, with another value.
                _ if own => {}
                None => wrong.push(format!("{} is taken", row.name)),
                Some(error) => {
                    let said = error.words().render(case);
                    if !said.contains(&format!("{}`", row.name)) {
                        wrong.push(format!("{} is changed: {said}", row.name));
                    }
                    wrong.extend(faults(row, &said, |own| case.name(own).into_owned()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_shell_answers_foreign_flags() {
    let mut wrong = Vec::new();
    for row in names().iter().filter(|row| row.at != "retry") {
        let flag = format!("--{}", row.name.replace('_', "-"));
        let out = Command::new(env!("CARGO_BIN_EXE_nanobanana"))
            .args(["generate", "x", &flag, "y"])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&out.stderr);
        // Flags that are there under the same name are read.
        if said.contains(&format!("unexpected argument '{flag}'")) || out.status.code() != Some(2) {
            wrong.push(format!("{flag}: {:?} {said}", out.status.code()));
        }
        if said.contains("option `--") {
            let own = |own: &str| match own {
                "api_key" => "GEMINI_API_KEY".to_owned(),
                own => format!("--{}", own.replace('_', "-")),
            };
            wrong.extend(faults(row, &said, own));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_help_of_the_shell_lists_values_and_says_what_is_json() {
    let out = Command::new(env!("CARGO_BIN_EXE_nanobanana")).args(["generate", "--help"]).output().unwrap();
    let help = String::from_utf8_lossy(&out.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "[possible values: png, jpeg, webp]",
        "[possible values: minimal, low, medium, high]",
        "1:1, ",
        "1K, 2K, 4K]",
        "--encode <JSON>",
        "--labels <JSON>",
        "--extra <JSON>",
        "--retry <false|JSON>",
        "--timeout <SECONDS> How long the call may take. Default: the client's. A number is in seconds. [or JSON]",
        "--safety <off|JSON>",
        "with the `--output-format` \"jpeg\"",
    ] {
        assert!(help.contains(part), "{part}: {help}");
    }
}
