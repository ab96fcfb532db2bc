//! `docs/faults.md`: the guide, and tables of what came of every cell.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::{Cell, list};

const GUIDE: &str = include_str!("faults.md");
const GROUPS: [(&str, &str); 3] = [("call", "a call"), ("stream", "a stream"), ("bulk", "in bulk")];

pub fn write(file: &Value, cells: &[Cell], seen: &[Map<String, Value>]) -> String {
    let mut out = GUIDE.to_owned();
    for section in list(&file["sections"]) {
        let title = section["title"].as_str().unwrap();
        let _ = write!(
            out,
            "\n## {title}\n\n| what goes wrong | what you get | asked again | paid for | what to do |\n| --- | --- | --- | --- | --- |\n"
        );
        for fault in list(&section["faults"]) {
            let id = fault["id"].as_str().unwrap();
            let mine = || cells.iter().zip(seen).filter(|(cell, _)| cell.fault["id"] == id);
            let ends_run =
                mine().any(|(cell, facts)| cell.kind["group"] == "bulk" && facts["raises"] == true);
            rows(&mut out, fault, mine().map(|(cell, facts)| (&cell.kind, columns(cell, facts, ends_run))));
        }
    }
    out
}

/// One row if all kinds of calls fare alike, else one for each way to fare.
fn rows<'a>(out: &mut String, fault: &Value, cells: impl Iterator<Item = (&'a Value, String)>) {
    let mut ways: Vec<(Vec<&Value>, String)> = Vec::new();
    let mut all = Vec::new();
    for (kind, columns) in cells {
        all.push(kind);
        match ways.iter_mut().find(|(_, known)| *known == columns) {
            Some((kinds, _)) => kinds.push(kind),
            None => ways.push((vec![kind], columns)),
        }
    }
    let title = fault["title"].as_str().unwrap();
    for (number, (kinds, columns)) in ways.iter().enumerate() {
        let of = if ways.len() > 1 { format!(" — {}", named(kinds, &all)) } else { String::new() };
        let title = if number == 0 { title } else { "the same" };
        let _ = writeln!(out, "| {title}{of} | {columns} |");
    }
}

/// Kinds of calls in words: whole groups by their names.
fn named(kinds: &[&Value], all: &[&Value]) -> String {
    let mut names = Vec::new();
    for (group, name) in GROUPS {
        let count = |kinds: &[&Value]| kinds.iter().filter(|kind| kind["group"] == group).count();
        if count(kinds) > 0 && count(kinds) == count(all) {
            names.push(name.to_owned());
        } else {
            let some = kinds.iter().filter(|kind| kind["group"] == group);
            names.extend(some.map(|kind| format!("`{}`", kind["title"].as_str().unwrap())));
        }
    }
    names.join(", ")
}

/// What came of a cell, as it stands in the table.
fn columns(cell: &Cell, facts: &Map<String, Value>, ends_run: bool) -> String {
    let advice = cell.fault["do"].as_str().unwrap();
    let count = |name: &str| facts[name].as_u64().unwrap_or(0);
    let is_result = facts["end"] == "result";
    let tries = if is_result {
        count("attempts") / cell.kind["calls"].as_u64().unwrap_or(1)
    } else {
        count("attempts")
    };
    let get = match facts["end"].as_str().unwrap() {
        "result" if count("pictures") == 0 => "a result without a picture".to_owned(),
        "result" => "the picture".to_owned(),
        error => {
            let rest = match (facts["partial"] == true, count("partial_pictures")) {
                (false, _) => "",
                (true, 0) => ", what came in `partial`",
                (true, _) => ", the picture in `partial`",
            };
            let run = if ends_run { "; in bulk it ends the run" } else { "" };
            format!("`{error}` ({}){rest}{run}", facts["exit"])
        }
    };
    let again = match (is_result, tries) {
        (_, 1) => "no".to_owned(),
        (true, 2) => "once".to_owned(),
        (true, 3) => "twice".to_owned(),
        (true, more) => format!("{} times", more - 1),
        (false, _) => "up to `max_attempts`".to_owned(),
    };
    let paid = match facts.get("billed").and_then(Value::as_str) {
        Some("unknown") => "perhaps",
        Some(billed) => billed,
        None if count("lost") > 0 => "yes; what was lost perhaps too",
        None if count("paid") > 0 => "yes, each answer",
        None => "yes",
    };
    format!("{get} | {again} | {paid} | {advice}")
}
