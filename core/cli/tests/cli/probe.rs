//! `nanobanana probe`: the price first, nothing without `--yes`, and a report that can be shown to anybody.

use std::path::Path;
use std::process::Output;

use nanobanana::options::Reading;
use nanobanana::{Emulator, EmulatorOptions};
use serde_json::{Value, json};

use super::{command, run, text};

const KEY: &str = "test-key-0123456789";

fn probe(folder: &Path, args: &[&str]) -> Output {
    let output = command(folder, &[&["probe"], args].concat()).env("GEMINI_API_KEY", KEY).output().unwrap();
    let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert!(!said.contains(KEY), "{said}");
    output
}

#[test]
fn the_plan_is_printed_and_nothing_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let emulator = Emulator::start(0).unwrap();
    let url = emulator.url();
    let plan = probe(folder.path(), &["--base-url", &url]);
    let said = text(&plan.stdout);
    assert_eq!(plan.status.code(), Some(0), "{}", text(&plan.stderr));
    for name in Reading::NAMES {
        assert!(said.lines().any(|line| line.starts_with(name)), "{name}: {said}");
    }
    assert!(said.contains("at most $") && said.contains("Nothing was sent"), "{said}");
    // It needs no key either.
    let json: Value = serde_json::from_slice(&run(folder.path(), &["probe", "--json"]).stdout).unwrap();
    let names: Vec<&str> =
        json["conflicts"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(names.len(), Reading::NAMES.len());
    assert!(Reading::NAMES.iter().all(|name| names.contains(name)));
    assert!(json["most_usd"].as_f64().unwrap() > 0.5 && json["conflicts"][0]["supports"].is_null());
    assert!(emulator.requests().is_empty());
}

#[test]
fn it_does_not_begin_without_a_budget_that_is_enough() {
    let folder = tempfile::tempdir().unwrap();
    let emulator = Emulator::start(0).unwrap();
    let url = emulator.url();
    for (args, code, says) in [
        (&["--yes"][..], 2, "`--max-usd` is missing"),
        (&["--yes", "--max-usd", "0.01"], 5, "--max-usd is 0.01"),
        (&["--max-usd", "0.01"], 5, "Nothing was sent"),
        (&["--yes", "--max-usd", "-1"], 2, "an amount in USD"),
        (&["--yes", "--max-usd", "much"], 2, "an amount in USD"),
        (&["--only", "png-answer"], 2, "Did you mean `png-answers`?"),
        (&["--only", ","], 2, "is empty"),
        (&["--only", "png-answers", "--yes", "--max-usd", "1", "-o", "no/such/report.md"], 2, "cannot write"),
    ] {
        let output = probe(folder.path(), &[args, &["--base-url", &url]].concat());
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
        assert!(said.contains(says), "{args:?}: {said}");
    }
    assert!(emulator.requests().is_empty());
    // A key that is refused ends it before anything is asked.
    let args = ["probe", "--yes", "--max-usd", "5", "--base-url", &url];
    let refused = command(folder.path(), &args).env("GEMINI_API_KEY", "bad").output().unwrap();
    assert_eq!(refused.status.code(), Some(3), "{}", text(&refused.stderr));
    assert_eq!(emulator.requests().len(), 1);
}

#[test]
fn the_report_says_what_was_asked_and_found_and_nothing_that_is_private() {
    let folder = tempfile::tempdir().unwrap();
    let options = EmulatorOptions::new().readings([Reading::MissingFile404, Reading::LiteTakesSizes]);
    let emulator = Emulator::start_with(options).unwrap();
    let url = emulator.url();
    let only = "missing-file-404,lite-takes-sizes,png-answers,signatures-on-vertex";
    let args = ["--yes", "--max-usd", "1", "--only", only, "--base-url", &url];
    let output = probe(folder.path(), &[&args[..], &["-o", "report.md"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "report.md\n");
    let report = std::fs::read_to_string(folder.path().join("report.md")).unwrap();
    for line in [
        "| `missing-file-404` | other |",
        "| `lite-takes-sizes` | other |",
        "| `png-answers` | usual |",
        "| `signatures-on-vertex` | undecided |",
        "- asked: `GET v1beta/files/nanobanana-probe-none`",
        "- answer: 404 `NOT_FOUND:",
        "1 as usual, 2 otherwise, 1 undecided, 0 not asked",
        "an emulator on this machine",
    ] {
        assert!(report.contains(line), "{line}: {report}");
    }
    assert!(!report.contains(KEY) && !report.contains(&url) && !report.contains("inlineData"), "{report}");
    assert!(report.len() < 8000, "no picture is in it: {}", report.len());
    // The questions that cost nothing came first.
    let paths: Vec<String> =
        emulator.requests().iter().map(|request| request["path"].as_str().unwrap().to_owned()).collect();
    assert!(paths[1].contains("files/nanobanana-probe-none"), "{paths:?}");
    assert_eq!(paths.len(), 4);

    let output = probe(folder.path(), &[&args[..], &["--json"]].concat());
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let row = |name: &str| {
        let rows = report["conflicts"].as_array().unwrap().clone();
        rows.into_iter().find(|row| row["name"] == name).unwrap()
    };
    assert_eq!(row("missing-file-404")["supports"], "other");
    assert_eq!(row("missing-file-404")["asked"][0]["answer"]["status"], 404);
    assert_eq!(row("missing-file-404")["asked"][0]["answer"]["cost_usd"], json!(0.0));
    assert_eq!(row("png-answers")["supports"], "usual");
    assert!(report["spent_usd"].as_f64().unwrap() > 0.02 && report["spent_is_exact"] == true, "{report}");
    assert!(!text(&output.stdout).contains(&url));
}

#[cfg(unix)]
#[test]
fn what_was_answered_is_in_the_report_when_it_is_ended() {
    use std::time::Duration;
    let folder = tempfile::tempdir().unwrap();
    // Scripts are for answers of models: the picture does not come.
    let emulator = Emulator::start_with(EmulatorOptions::new().readings([Reading::MissingFile404])).unwrap();
    emulator.script(&[json!({ "hang": true })]).unwrap();
    let url = emulator.url();
    let only = "missing-file-404,png-answers";
    let args = ["probe", "--yes", "--max-usd", "1", "--only", only, "--base-url", &url, "-o", "report.md"];
    let mut child = command(folder.path(), &args).env("GEMINI_API_KEY", KEY).spawn().unwrap();
    while emulator.requests().len() < 3 {
        std::thread::sleep(Duration::from_millis(20));
    }
    let pid = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let report = std::fs::read_to_string(folder.path().join("report.md")).unwrap();
    assert!(report.contains("| `missing-file-404` | other |"), "{report}");
    assert!(report.contains("| `png-answers` | not asked |"), "{report}");
}
