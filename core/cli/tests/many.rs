//! `nanobanana many`: what it prints, its exit codes, and what is on disk however it ends.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use nanobanana::{Emulator, Image};
use serde_json::{Value, json};

const KEY: &str = "canary-key-0123456789";

/// An emulator that answers at once, with a small picture.
fn emulator() -> Emulator {
    let emulator = Emulator::start(0).unwrap();
    quick(&emulator, &[]);
    emulator
}

/// A test that waits longer than this has failed.
const LONG: Duration = Duration::from_secs(30);

/// First these steps, then quick answers.
fn quick(emulator: &Emulator, first: &[Value]) {
    let steps = first.iter().cloned().chain(vec![json!({ "image": "png 8x8" }); 2000]);
    emulator.script(&steps.collect::<Vec<_>>()).unwrap();
}

fn prompt_of(request: &Value) -> String {
    request["json"]["contents"][0]["parts"][0]["text"].as_str().unwrap_or_default().to_owned()
}

fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn lines(journal: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(journal).unwrap();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Place { folder: tempfile::tempdir().unwrap() }
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    fn journal(&self) -> PathBuf {
        self.folder.path().join("run.jsonl")
    }
}

fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nanobanana"));
    command.current_dir(folder).args(args).stdin(Stdio::null());
    for name in ["GOOGLE_GEMINI_BASE_URL", "GOOGLE_GENAI_API_VERSION", "GOOGLE_API_KEY"] {
        command.env_remove(name);
    }
    command.env("GEMINI_API_KEY", KEY);
    command
}

/// The command over these lines, and what it said.
fn shell(emulator: &Emulator, folder: &Path, jobs: &str, args: &[&str]) -> (Option<i32>, String, String) {
    std::fs::write(folder.join("jobs.jsonl"), jobs).unwrap();
    let url = emulator.url();
    let args = [&["many", "jobs.jsonl", "--retry", "false", "--base-url", &url], args].concat();
    said(command(folder, &args).output().unwrap())
}

fn said(output: Output) -> (Option<i32>, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_command_draws_a_line_after_the_other_and_tells_what_failed() {
    let (emulator, place) = (emulator(), Place::new());
    let folder = place.folder.path();
    let jobs = "\"a boat\"\n\n{\"prompt\": \"a ship\", \"id\": \"ship\", \"options\": {\"aspect_ratio\": \"1:1\"}}\n";
    let args = ["--ordered", "--journal", "run.jsonl", "-o", "out"];
    let first = shell(&emulator, folder, jobs, &args);
    assert_eq!(first, (Some(0), "out/00000.png\nout/ship.png\n".into(), String::new()));
    let more = format!("{jobs}{{\"promt\": \"x\"}}\n{{\"prompt\": \"x\", \"seed\": 1}}\n[]\n{{\n");
    let (code, out, told) = shell(&emulator, folder, &more, &args);
    assert_eq!(
        (code, out.as_str(), emulator.requests().len()),
        (Some(2), "out/00000.png\nout/ship.png\n", 2)
    );
    for part in [
        "line 4: `promt` does not exist",
        "Did you mean `prompt`?",
        "line 5: `seed` does not exist",
        "Put `seed` into `options`",
        "line 6: it takes a string or an object",
        "line 7: it is not JSON",
        "4 of 6 items failed",
    ] {
        assert!(told.contains(part), "no {part:?} in {told}");
    }
    let (code, out, _) = shell(
        &emulator,
        folder,
        "\u{feff}\"c\"\n\"\"\n{\"id\": 7.0}\n{\"id\": \"x\", \"promt\": 1}\n",
        &["--json", "--ordered"],
    );
    let lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        (code, &lines[0]["files"], &lines[1]["ok"]),
        (Some(2), &json!(["./00000.png"]), &json!(false))
    );
    assert_eq!((&lines[2]["id"], &lines[3]["id"]), (&json!("7"), &json!("x")));
    assert!(lines[4]["error"]["message"].as_str().unwrap().contains("3 of 4"), "{out}");
}

#[test]
fn the_commands_exit_code_is_that_of_what_ended_it() {
    let place = Place::new();
    let emulator = Emulator::start(0).unwrap();
    let error = |status: u16| json!({ "status": status, "error": { "message": "no" } });
    let code = |steps: &[Value], args: &[&str]| {
        emulator.script(steps).unwrap();
        let jobs = "\"a\"\n\"b\"\n";
        shell(&emulator, place.folder.path(), jobs, &[args, &["--concurrency", "1"]].concat()).0
    };
    assert_eq!(code(&[error(403)], &[]), Some(3));
    assert_eq!(code(&[error(503), error(503)], &[]), Some(6));
    assert_eq!(code(&[error(503), error(400)], &[]), Some(1));
    assert_eq!(code(&[error(503)], &["--stop-after-errors", "1"]), Some(1));
    assert_eq!(code(&[], &["--concurrency", "0"]), Some(2));
    let nothing = command(place.folder.path(), &["many", "no-such.jsonl", "--offline"]).output().unwrap();
    assert_eq!(nothing.status.code(), Some(2));
}

#[cfg(unix)]
#[test]
fn ctrl_c_lets_the_pictures_be_written_that_have_come() {
    const PICTURES: usize = 32;
    let place = Place::new();
    let emulator = Emulator::start(0).unwrap();
    // The other item never ends: without the signal the command goes on for ever.
    let pictures = json!({ "match": { "prompt": "boat" }, "images": vec!["png 1600x1600"; PICTURES] });
    emulator.script(&[pictures, json!({ "hang": true })]).unwrap();
    std::fs::write(place.folder.path().join("jobs.jsonl"), "\"a boat\"\n\"a ship\"\n").unwrap();
    let url = emulator.url();
    let args = ["many", "jobs.jsonl", "--base-url", &url, "--journal", "run.jsonl", "-o", "out"];
    let mut run = command(place.folder.path(), &args);
    let run = run.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let start = Instant::now();
    let has_begun = || place.out().exists() && files(&place.out()).iter().any(|name| name.ends_with(".png"));
    while !has_begun() || emulator.requests().len() < 2 {
        assert!(start.elapsed() < LONG, "no picture was written");
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(Command::new("kill").args(["-INT", &run.id().to_string()]).status().unwrap().success());
    let (code, _, told) = said(run.wait_with_output().unwrap());
    assert_eq!(code, Some(130), "{told}");
    let names = files(&place.out());
    let count = |end: &str| names.iter().filter(|name| name.ends_with(end)).count();
    assert_eq!((count(".part"), count(".png"), count(".json")), (0, PICTURES, 1));
    assert_eq!(lines(&place.journal()).iter().filter(|line| line.get("done").is_some()).count(), 1);
}

/// A limit on the size of files is a disk that is full as soon as one is written.
#[cfg(unix)]
#[test]
fn a_full_disk_ends_the_command_clearly_and_the_journal_goes_on_later() {
    let (emulator, place) = (emulator(), Place::new());
    quick(&emulator, &vec![json!({ "image": "png 640x480" }); 8]);
    std::fs::write(place.folder.path().join("jobs.jsonl"), "\"a\"\n\"b\"\n\"c\"\n").unwrap();
    let full = format!(
        "trap '' XFSZ; ulimit -f 1; exec {} many jobs.jsonl --base-url {} --journal run.jsonl -o out --concurrency 1",
        env!("CARGO_BIN_EXE_nanobanana"),
        emulator.url()
    );
    let mut limited = Command::new("sh");
    limited.current_dir(place.folder.path()).args(["-c", &full]).env("GEMINI_API_KEY", KEY);
    let (code, _, told) = said(limited.output().unwrap());
    assert_eq!((code, emulator.requests().len()), (Some(1), 1), "{told}");
    assert!(told.contains("cannot write") && told.contains("with a journal it goes on"), "{told}");
    let args = ["--journal", "run.jsonl", "-o", "out"];
    let (code, out, told) = shell(&emulator, place.folder.path(), "\"a\"\n\"b\"\n\"c\"\n", &args);
    assert_eq!((code, out.lines().count(), emulator.requests().len()), (Some(0), 3, 4), "{told}");
    assert!(told.contains("may have been paid for"), "{told}");
}

/// Killed at any moment and begun again, a run pays again at most for what was under way. `tests/proofs/kill.py` shows
/// it of 200 items and 30 kills.
#[cfg(unix)]
#[test]
fn a_run_that_is_killed_goes_on_where_it_was() {
    const SIDE_BY_SIDE: usize = 4;
    const KILLS: usize = 6;
    let items = 40;
    let seconds = 0.05;
    let place = Place::new();
    let emulator = Emulator::start(0).unwrap();
    emulator.script(&vec![json!({ "image": "png 64x48", "delay": seconds }); 2000]).unwrap();
    let folder = place.folder.path();
    let jobs: String = (0..items).map(|number| format!("\"boat {number};\"\n")).collect();
    std::fs::write(folder.join("jobs.jsonl"), &jobs).unwrap();
    let url = emulator.url();
    let begin = || {
        let wide = SIDE_BY_SIDE.to_string();
        let args = [
            "many",
            "jobs.jsonl",
            "--base-url",
            &url,
            "--journal",
            "run.jsonl",
            "--concurrency",
            &wide,
            "-o",
            "out",
        ];
        command(folder, &args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    // So long that all the runs together get through about four fifths of the items.
    let longest = 2.0 * 0.8 * items as f64 / SIDE_BY_SIDE as f64 * (seconds + 0.005) / KILLS as f64;
    let mut in_time = 0;
    for _ in 0..KILLS {
        let asked = emulator.requests().len();
        let mut run = begin();
        let start = Instant::now();
        // The journal calls an item sent before its request leaves: only the server knows that one is under way.
        while emulator.requests().len() == asked && run.try_wait().unwrap().is_none() {
            assert!(start.elapsed() < LONG, "nothing was sent");
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_secs_f64(fastrand::f64() * longest));
        in_time += usize::from(run.try_wait().unwrap().is_none());
        run.kill().unwrap();
        run.wait().unwrap();
    }
    let (code, out, told) = said(begin().wait_with_output().unwrap());
    assert_eq!((code, out.lines().count()), (Some(0), items), "{told}");
    let mut asked = BTreeMap::<String, usize>::new();
    for request in emulator.requests() {
        *asked.entry(prompt_of(&request)).or_default() += 1;
    }
    let repeats = asked.values().sum::<usize>() - items;
    assert_eq!(asked.len(), items);
    assert!(in_time > 0 && repeats <= in_time * SIDE_BY_SIDE, "{repeats} repeats after {in_time} kills");
    // Items that are sent again have a warning; a kill may also come between an item's line and its request.
    assert!(told.matches("may have been paid for").count() <= in_time * SIDE_BY_SIDE, "{told}");
    // Each item has its note once, and each note its picture, whole.
    let names = files(&place.out());
    let notes: Vec<_> = names.iter().filter(|name| name.ends_with(".json")).collect();
    for name in &notes {
        let note: Value = serde_json::from_slice(&std::fs::read(place.out().join(name)).unwrap()).unwrap();
        let picture = Image::open(place.out().join(note["files"][0]["name"].as_str().unwrap())).unwrap();
        assert_eq!((picture.width(), picture.pixels().is_ok()), (64, true));
    }
    assert_eq!(notes.len(), items);
    let again = shell(&emulator, folder, &jobs, &["--journal", "run.jsonl", "-o", "out"]);
    assert_eq!((again.0, emulator.requests().len()), (Some(0), items + repeats));
}
