//! The command as a shell sees it: files, output, exit codes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use base64::Engine as _;
use nanobanana::{Emulator, Image};
use serde_json::{Value, json};

#[path = "cli/asking.rs"]
mod asking;

#[cfg(unix)]
#[path = "cli/signals.rs"]
mod signals;

#[cfg(target_os = "linux")]
#[path = "cli/memory.rs"]
mod memory;

#[path = "cli/doctor.rs"]
mod doctor;

#[path = "cli/probe.rs"]
mod probe;

/// A file of `tests/media`.
fn media(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/media").join(name)
}

fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nanobanana"));
    command.current_dir(folder).args(args).stdin(Stdio::null());
    for name in ["GOOGLE_API_KEY", "GEMINI_API_KEY", "GOOGLE_GEMINI_BASE_URL", "GOOGLE_GENAI_API_VERSION"] {
        command.env_remove(name);
    }
    command
}

fn run(folder: &Path, args: &[&str]) -> Output {
    command(folder, args).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The command against an emulator with this script: its exit code and standard error.
fn scripted(step: Value, args: &[&str]) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let emulator = Emulator::start(0).unwrap();
    emulator.script(&[step]).unwrap();
    let url = emulator.url();
    let args = [&["generate", "a boat", "--retry", "false", "--base-url", &url], args].concat();
    let output = command(folder.path(), &args).env("GEMINI_API_KEY", "test-key-0123").output().unwrap();
    (output.status.code(), text(&output.stderr))
}

#[test]
fn a_picture_lands_where_it_should_and_its_path_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let args = [
        "generate",
        "a boat",
        "--offline",
        "--model",
        "nano-banana-pro",
        "--aspect-ratio",
        "16:9",
        "-o",
        "boat",
    ];
    let output = run(folder.path(), &args);
    assert_eq!(text(&output.stdout), "boat.jpg\n", "{}", text(&output.stderr));
    let picture = Image::open(folder.path().join("boat.jpg")).unwrap();
    assert_eq!((picture.width(), picture.height()), (1376, 768));
    let edited = run(folder.path(), &["edit", "at night", "boat.jpg", "--offline", "-o", "night.png"]);
    assert_eq!(text(&edited.stdout), "night.png\n", "{}", text(&edited.stderr));
    assert_eq!(Image::open(folder.path().join("night.png")).unwrap().mime_type(), "image/png");
}

#[test]
fn what_a_conversion_loses_is_told_on_standard_error() {
    let folder = tempfile::tempdir().unwrap();
    let marked = media("marks/c2pa.png");
    let data = base64::engine::general_purpose::STANDARD.encode(std::fs::read(marked).unwrap());
    let part = json!({ "inlineData": { "mimeType": "image/png", "data": data } });
    let answer = json!({ "candidates": [{ "content": { "parts": [part] }, "finishReason": "STOP" }] });
    let emulator = Emulator::start(0).unwrap();
    emulator.script(&[json!({ "json": answer, "times": 4 })]).unwrap();
    let draw = |args: &[&str]| {
        let url = emulator.url();
        let args = [&["generate", "a boat", "--base-url", &url], args].concat();
        let output = command(folder.path(), &args).env("GEMINI_API_KEY", "test-key-0123").output().unwrap();
        (text(&output.stdout), text(&output.stderr))
    };
    let (path, told) = draw(&["-o", "boat.webp"]);
    assert!(path == "boat.webp\n" && told.matches("C2PA").count() == 1, "{path}{told}");
    let (path, told) = draw(&["-o", "boat", "--output-format", "jpeg", "--output-quality", "70"]);
    assert!(path == "boat.jpg\n" && told.matches("C2PA").count() == 1, "{path}{told}");
    let (path, told) = draw(&["-o", "same"]);
    assert!(path == "same.png\n" && !told.contains("C2PA"), "{path}{told}");
    assert_eq!(draw(&["--output-format", "webp"]).0, "nanobanana.webp\n");
}

#[test]
fn without_a_name_nothing_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let once = || text(&run(folder.path(), &["generate", "a boat", "--offline"]).stdout);
    assert_eq!((once(), once()), ("nanobanana.jpg\n".into(), "nanobanana-2.jpg\n".into()));
}

#[test]
fn several_pictures_are_numbered() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["generate", "a boat", "--offline", "--n", "2", "-o", "boat.png"]);
    assert_eq!(text(&output.stdout), "boat-1.png\nboat-2.png\n", "{}", text(&output.stderr));
}

#[test]
fn json_is_for_machines() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["generate", "a boat", "--offline", "--json", "-o", "boat"]);
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["files"], json!(["boat.jpg"]));
    assert_eq!(json["images"][0]["width"], 1024);
    let output = run(folder.path(), &["generate", "a boat", "--json"]);
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((json["error"]["kind"].as_str(), output.status.code()), (Some("ConfigError"), Some(3)));
}

#[test]
fn exit_codes_tell_errors_apart() {
    let folder = tempfile::tempdir().unwrap();
    let code = |args: &[&str]| run(folder.path(), args).status.code();
    assert_eq!(code(&["generate"]), Some(2));
    assert_eq!(code(&["generate", "x", "--offline", "--no-such-flag"]), Some(2));
    assert_eq!(code(&["generate", "x", "--offline", "--thinking", "loud"]), Some(2));
    assert_eq!(code(&["generate", "x", "--offline", "--aspect-ratio", "5:7"]), Some(2));
    assert_eq!(code(&["edit", "x", "no-such.png", "--offline"]), Some(2));
    assert_eq!(code(&["generate", "x"]), Some(3));
    assert_eq!(code(&["--help"]), Some(0));
    assert_eq!(code(&["generate", "x", "--base-url", "http://127.0.0.1:1"]), Some(3));

    let error = |status: u16| json!({ "status": status, "error": { "message": "no" } });
    assert_eq!(scripted(error(400), &[]).0, Some(1));
    assert_eq!(scripted(error(403), &[]).0, Some(3));
    assert_eq!(scripted(error(429), &[]).0, Some(5));
    assert_eq!(scripted(error(503), &[]).0, Some(6));
    assert_eq!(scripted(json!({ "body": "{" }), &[]).0, Some(6));
    assert_eq!(scripted(json!({ "text": "", "finish_reason": "IMAGE_SAFETY" }), &[]).0, Some(4));
    assert_eq!(scripted(json!({ "text": "", "finish_reason": "NO_IMAGE" }), &[]).0, Some(1));
    assert_eq!(scripted(json!({ "hang": true }), &["--timeout", "0.1"]).0, Some(6));
}

#[test]
fn a_budget_is_a_number_or_its_limits() {
    let drawn = || json!({ "image": "png 8x8" });
    assert_eq!(scripted(drawn(), &["--budget", "5"]).0, Some(0));
    assert_eq!(scripted(drawn(), &["--budget", r#"{"usd": 5, "per_call": 0.2}"#]).0, Some(0));
    for (given, told) in [("0", "more than 0"), ("-1", "is -1"), ("much", "not a text"), ("{}", "is empty")] {
        let (code, error) = scripted(drawn(), &["--budget", given]);
        assert_eq!(code, Some(2), "{given}: {error}");
        assert!(error.contains(told), "{given}: {error}");
    }
    let help = text(&run(Path::new("."), &["generate", "--help"]).stdout);
    assert!(help.contains("--budget <USD>"), "{help}");
}

/// The pictures that the command says it has kept elsewhere.
fn kept(told: &str) -> Vec<PathBuf> {
    told.lines().filter_map(|line| line.strip_prefix("The picture is in ")).map(PathBuf::from).collect()
}

/// The command against an emulator of its own; how many pictures that drew.
fn drawing(folder: &Path, args: &[&str], set: impl FnOnce(&mut Command)) -> (Output, usize) {
    let emulator = Emulator::start(0).unwrap();
    emulator.script(&[json!({ "image": "png 8x8", "times": 9 })]).unwrap();
    let url = emulator.url();
    let args = [args, &["--base-url", &url]].concat();
    let mut command = command(folder, &args);
    command.env("GEMINI_API_KEY", "test-key-0123").env("TMPDIR", folder);
    set(&mut command);
    let output = command.output().unwrap();
    (output, emulator.requests().len())
}

#[cfg(target_os = "linux")]
#[test]
fn a_picture_that_cannot_be_saved_is_not_lost() {
    let folder = tempfile::tempdir().unwrap();
    for args in [&["-o", "/dev/full"][..], &["-o", "/dev/full", "--json"], &["-o", "/dev/full", "--stream"]] {
        let (output, drawn) = drawing(folder.path(), &[&["generate", "x"], args].concat(), |_| ());
        let told = text(&output.stderr);
        assert_eq!((output.status.code(), drawn), (Some(2), 1), "{told}");
        let [file] = &kept(&told)[..] else { panic!("{told}") };
        assert_eq!(Image::open(file).unwrap().width(), 8);
        if args.contains(&"--json") {
            let json: Value = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!((&json["files"], &json["error"]["kind"]), (&json!([file]), &json!("ImageError")));
        } else {
            assert!(told.contains("No space left"), "{told}");
        }
    }
}

/// What standard output does not take is in files, and they are named.
#[cfg(target_os = "linux")]
#[test]
fn pictures_that_standard_output_does_not_take_are_kept() {
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let (output, drawn) = drawing(at, &["generate", "x", "-o", "-"], |command| {
        command.stdout(full());
    });
    let told = text(&output.stderr);
    assert_eq!((output.status.code(), drawn, kept(&told).len()), (Some(1), 1, 1), "{told}");
    assert_eq!(Image::open(&kept(&told)[0]).unwrap().width(), 8);
    // Their names, too.
    for json in [&[][..], &["--json"]] {
        let args = [&["generate", "x", "--n", "3"], json].concat();
        let (output, drawn) = drawing(at, &args, |command| {
            command.stdout(full());
        });
        let told = text(&output.stderr);
        let files: std::collections::BTreeSet<PathBuf> = kept(&told).into_iter().collect();
        assert_eq!((output.status.code(), drawn, files.len()), (Some(1), 3, 3), "{told}");
        assert!(
            files.iter().all(|file| at.join(file).is_file()) && told.contains("standard output"),
            "{told}"
        );
    }
    // A run goes on without it.
    std::fs::write(at.join("jobs.jsonl"), "\"a\"\n\"b\"\n\"c\"\n").unwrap();
    let (output, drawn) = drawing(at, &["many", "jobs.jsonl", "-o", "out"], |command| {
        command.stdout(full());
    });
    let told = text(&output.stderr);
    assert_eq!((output.status.code(), drawn, kept(&told).len()), (Some(1), 3, 3), "{told}");
    assert!(kept(&told).iter().all(|file| at.join(file).is_file()), "{told}");
}

#[test]
fn what_cannot_be_delivered_is_refused_before_anything_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("boats")).unwrap();
    std::fs::create_dir(folder.path().join("boats.png")).unwrap();
    let long = "n".repeat(254);
    for (args, says) in [
        (&["-o", "boat.gif"][..], "files of type .gif are not written here"),
        (&["-o", "no/such/folder/boat"], "No such file or directory"),
        (&["-o", "no/such/folder/boat.png", "--n", "2"], "Nothing was sent"),
        (&["-o", "boats"], "it is a folder; name a file in it"),
        (&["-o", "boats.png"], "it is a folder; name a file in it"),
        (&["-o", "boats/"], "it names a folder"),
        (&["-o", &long], "too long"),
        (&["-o", &long, "--n", "2"], "too long"),
        (&["-o", "-", "--n", "3"], "standard output takes one picture, and `n` is 3"),
        (&["-o", "-", "--json"], "a picture or JSON, not both"),
        (&["-o", "/dev/null", "--n", "2"], "takes one picture"),
    ] {
        let (output, drawn) = drawing(folder.path(), &[&["generate", "x"], args].concat(), |_| ());
        let told = format!("{}{}", text(&output.stderr), text(&output.stdout));
        assert_eq!((output.status.code(), drawn), (Some(2), 0), "{args:?}: {told}");
        assert!(told.contains(says), "{args:?}: {told}");
    }
    for (args, says) in [
        (&["-o", "-"][..], "several pictures"),
        (&["-o", "no/such/boat.png"], "Nothing was sent"),
        (&["--save", "no/such/talk"], "cannot be written"),
    ] {
        let (output, drawn) = drawing(folder.path(), &[&["chat"], args].concat(), |_| ());
        let told = text(&output.stderr);
        assert_eq!((output.status.code(), drawn), (Some(2), 0), "{args:?}: {told}");
        assert!(told.contains(says), "{args:?}: {told}");
    }
    // A pipe that nobody reads any more.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let (output, drawn) = drawing(folder.path(), &["generate", "x", "-o", "-"], |command| {
        command.stdout(writer);
    });
    assert_eq!((output.status.code(), drawn), (Some(2), 0), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("no process reads"), "{}", text(&output.stderr));
}

/// The command by a shell that closes streams.
#[cfg(unix)]
fn shell(folder: &Path, line: &str) -> Output {
    let mut shell = Command::new("sh");
    let line = line.replace("nanobanana", env!("CARGO_BIN_EXE_nanobanana"));
    shell.args(["-c", &line]).current_dir(folder).env("TMPDIR", folder).output().unwrap()
}

#[cfg(unix)]
#[test]
fn closed_standard_streams_go_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let refused = shell(folder.path(), "nanobanana generate x --offline -o - >&-");
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("standard output is closed"), "{}", text(&refused.stderr));
    std::fs::write(folder.path().join("jobs.jsonl"), "\"a\"\n\"b\"\n\"c\"\n").unwrap();
    let run = shell(folder.path(), "nanobanana many jobs.jsonl --offline -o out --concurrency 1 <&- >&-");
    let told = text(&run.stderr);
    assert_eq!((run.status.code(), told.matches("out/0000").count()), (Some(0), 3), "{told}");
    let quiet = shell(folder.path(), "nanobanana generate x --offline -o quiet <&- >&- 2>&-");
    assert!(quiet.status.success() && folder.path().join("quiet.jpg").is_file());
}

#[cfg(unix)]
#[test]
fn a_signal_ends_the_command_and_not_the_pictures_that_came() {
    let ended = |signal: &str, code: i32| {
        let folder = tempfile::tempdir().unwrap();
        let emulator = Emulator::start(0).unwrap();
        let at_once = json!({ "image": "png 8x8" });
        emulator.script(&[at_once.clone(), json!({ "hang": true }), at_once]).unwrap();
        let url = emulator.url();
        let args = ["generate", "x", "--n", "3", "-o", "boat.png", "--base-url", &url];
        let mut command = command(folder.path(), &args);
        command.env("GEMINI_API_KEY", "test-key-0123").stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        let done = |count: usize| {
            let requests = emulator.requests();
            requests.iter().filter(|request| request["status"] == 200 && request["took"].is_number()).count()
                >= count
        };
        while !done(2) {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        // The server has told all of them; the command has to read it.
        std::thread::sleep(std::time::Duration::from_secs(2));
        let told =
            Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status().unwrap();
        assert!(told.success());
        let output = child.wait_with_output().unwrap();
        let told = text(&output.stderr);
        assert_eq!((output.status.code(), kept(&told).len()), (Some(code), 2), "{signal}: {told}");
        for file in kept(&told) {
            assert_eq!(Image::open(&file).unwrap().width(), 8);
            assert!(
                file.starts_with(folder.path().canonicalize().unwrap()) || file.starts_with(folder.path())
            );
        }
    };
    std::thread::scope(|all| {
        for (signal, code) in [("TERM", 143), ("INT", 130), ("HUP", 129)] {
            all.spawn(move || ended(signal, code));
        }
    });
}

#[test]
fn names_that_are_chosen_replace_nothing_and_given_ones_do() {
    let folder = tempfile::tempdir().unwrap();
    let draw = |args: &[&str]| {
        let (output, _) = drawing(folder.path(), &[&["generate", "x"], args].concat(), |_| ());
        text(&output.stdout)
    };
    assert_eq!(draw(&["-o", "boat.png", "--n", "2"]), "boat-1.png\nboat-2.png\n");
    assert_eq!(draw(&["-o", "boat.png", "--n", "2"]), "boat-3.png\nboat-4.png\n");
    assert_eq!(
        (draw(&["-o", "v1.2", "--n", "2"]), draw(&["-o", "one.png"])),
        ("v1.2-1.png\nv1.2-2.png\n".into(), "one.png\n".into())
    );
    assert_eq!(draw(&["-o", "one.png"]), "one.png\n");
    assert_eq!((draw(&[]), draw(&[])), ("nanobanana.png\n".into(), "nanobanana-2.png\n".into()));
}

#[test]
fn a_stream_shows_thoughts_on_standard_error() {
    let folder = tempfile::tempdir().unwrap();
    let args = [
        "generate",
        "a boat",
        "--offline",
        "--stream",
        "--thoughts",
        "--model",
        "nano-banana-pro",
        "-o",
        "boat",
    ];
    let output = run(folder.path(), &args);
    assert_eq!(text(&output.stdout), "boat.jpg\n");
    assert!(text(&output.stderr).contains("(a draft)"), "{}", text(&output.stderr));
}

#[test]
fn a_conversation_comes_from_a_pipe_and_goes_on_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let chat = |said: &str, args: &[&str]| {
        let args = [&["chat", "--offline"], args].concat();
        let mut child =
            command(folder.path(), &args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(said.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        (output.status.code(), text(&output.stdout))
    };
    let said = "a mascot\n/nonsense\n/undo\na boat\nnow blue\n";
    let files = "chat-1.jpg\nchat-2.jpg\nchat-3.jpg\nboat.chat.json\n";
    let there = |name: &str| folder.path().join(name).is_file();
    assert_eq!(chat(said, &["--save", "boat"]), (Some(0), files.to_owned()));
    let (code, out) = chat("now red\n", &["--load", "boat.chat.json", "-o", "red.png", "--json"]);
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &json["files"]), (Some(0), &json!(["red-1.png"])));
    assert_eq!(chat("/nonsense\n", &[]).0, Some(2));
    assert!(there("nanobanana.chat.json") && !there("nanobanana-2.chat.json"));
    // Without names, too, it is saved and nothing is replaced; control characters are no prompt.
    let said = "\u{1b}[A\n\u{3}\n \na boat\n\u{7f}\n";
    assert_eq!(chat(said, &[]), (Some(0), "chat-4.jpg\n".to_owned()));
    assert_eq!(chat(said, &[]), (Some(0), "chat-5.jpg\n".to_owned()));
    assert!(there("nanobanana-2.chat.json") && there("nanobanana-3.chat.json"));
    let (code, out) = chat("now red\n", &["--load", "nanobanana.chat.json"]);
    assert_eq!((code, out.as_str()), (Some(0), "chat-6.jpg\n"));
}

/// A later turn of a conversation ends well, so its last error is not that of the turn before.
#[test]
fn a_picture_that_came_with_the_error_of_a_turn_is_kept_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let emulator = Emulator::start(0).unwrap();
    let data = base64::engine::general_purpose::STANDARD.encode(std::fs::read(media("dot.png")).unwrap());
    let stray = json!({
        "candidates": [{ "content": { "parts": [{ "text": "" }] }, "finishReason": "OTHER" }],
        "elsewhere": { "inlineData": { "mimeType": "image/png", "data": data } },
    });
    emulator.script(&[json!({ "json": stray }), json!({ "image": "png 8x8" })]).unwrap();
    let url = emulator.url();
    let mut child = command(folder.path(), &["chat", "--retry", "false", "--base-url", &url])
        .env("GEMINI_API_KEY", "test-key-0123")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"a boat\nanother boat\n").unwrap();
    let output = child.wait_with_output().unwrap();
    let said = text(&output.stderr);
    let kept = said.lines().find_map(|line| line.strip_prefix("The picture is in ")).expect(&said);
    let same = std::fs::read(folder.path().join(kept)).unwrap() == std::fs::read(media("dot.png")).unwrap();
    assert!(same && output.status.success(), "{said}");
}

#[test]
fn the_emulator_prints_its_address_first() {
    let folder = tempfile::tempdir().unwrap();
    let mut child =
        command(folder.path(), &["emulate"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    let args = ["generate", "a boat", "--base-url", first.trim(), "-o", "boat"];
    let output = command(folder.path(), &args).env("GOOGLE_API_KEY", "any").output().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(text(&output.stdout), "boat.jpg\n", "{}", text(&output.stderr));
}

/// `--tls`: the URL, the bundle's path, and a picture by both; a signal to end takes the bundle along.
#[test]
fn the_emulator_with_tls_prints_its_bundle_second() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = command(folder.path(), &["emulate", "--tls"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (url, bundle) = (lines.next().unwrap().unwrap(), lines.next().unwrap().unwrap());
    assert!(url.starts_with("https://127.0.0.1:"), "{url}");
    let args = ["generate", "a boat", "--base-url", &url, "--ca-bundle", &bundle, "-o", "boat"];
    let output = command(folder.path(), &args).env("GOOGLE_API_KEY", "any").output().unwrap();
    assert_eq!(text(&output.stdout), "boat.jpg\n", "{}", text(&output.stderr));
    assert!(Path::new(&bundle).exists());
    if cfg!(unix) {
        let told = Command::new("kill").arg(child.id().to_string()).status().unwrap();
        assert!(told.success() && child.wait().unwrap().success());
        assert!(!Path::new(&bundle).exists());
    } else {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let output = command(folder.path(), &["emulate", "--port", "70000"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("it takes 0 to 65535"), "{}", text(&output.stderr));
    let output =
        command(folder.path(), &["emulate", "--readings", "2.5-closed,png-answer"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("Did you mean `png-answers`?"), "{}", text(&output.stderr));
}

/// An emulator as a process; it ends with this.
struct Emulating(Child);

impl Drop for Emulating {
    fn drop(&mut self) {
        // One that has ended already needs no end.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `emulate` with these flags, this on its standard input, and what draws by its address.
fn emulating(folder: &Path, args: &[&str], said: &str) -> (Emulating, impl Fn() -> Option<i32> + use<>) {
    let args = [&["emulate"], args].concat();
    let mut command = command(folder, &args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut running = Emulating(command.spawn().unwrap());
    running.0.stdin.take().unwrap().write_all(said.as_bytes()).unwrap();
    let mut url = String::new();
    BufReader::new(running.0.stdout.take().unwrap()).read_line(&mut url).unwrap();
    let (url, folder) = (url.trim().to_owned(), folder.to_owned());
    assert!(url.starts_with("http://"), "{url}");
    let draw = move || {
        let args = ["generate", "a boat", "--retry", "false", "-o", "boat.png", "--base-url", &url];
        self::command(&folder, &args).env("GOOGLE_API_KEY", "any").output().unwrap().status.code()
    };
    (running, draw)
}

#[test]
fn the_emulator_is_told_its_faults_and_limits_in_the_shell() {
    let folder = tempfile::tempdir().unwrap();
    let steps = r#"[{"status": 503}, {"text": "no", "finish_reason": "NO_IMAGE"}]"#;
    std::fs::write(folder.path().join("faults.json"), steps).unwrap();
    for (name, said) in [("faults.json", ""), ("-", steps)] {
        let (_running, draw) = emulating(folder.path(), &["--script", name], said);
        assert_eq!([draw(), draw(), draw()], [Some(6), Some(1), Some(0)], "{name}");
    }
    let (_running, draw) = emulating(folder.path(), &["--rpm", "1"], "");
    assert_eq!([draw(), draw()], [Some(0), Some(5)]);
}

#[test]
fn a_script_that_is_none_ends_the_emulator_before_it_begins() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text, says) in [
        ("word.json", r#"[{"status": 503}, {"stauts": 500}]"#, "`script[1].stauts` does not exist"),
        ("half.json", "[{", "half.json is not JSON"),
        ("number.json", "3", "number.json is no list; it takes a list of steps"),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
        let output = run(folder.path(), &["emulate", "--script", name]);
        let told = text_of(&output);
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains(says), "{told} should say {says}");
    }
    let output = run(folder.path(), &["emulate", "--script", "none.json"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text_of(&output).contains("none.json cannot be read"), "{}", text_of(&output));
}

/// What was said to people, if nothing was printed.
fn text_of(output: &Output) -> String {
    assert_eq!(text(&output.stdout), "");
    text(&output.stderr)
}

/// The words of a line of shell; the README quotes with double quotes only.
fn words(line: &str) -> Vec<String> {
    let pieces = line.split('"').enumerate();
    let words = pieces.flat_map(|(place, piece)| match place % 2 {
        0 => piece.split_whitespace().map(str::to_owned).collect(),
        _ => vec![piece.to_owned()],
    });
    words.collect()
}

#[test]
fn the_readmes_first_screen_runs_as_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let screen = readme.split("## Shell").nth(1).unwrap().split("```").nth(1).unwrap();
    let lines: Vec<&str> = screen.lines().filter(|line| line.starts_with("nanobanana ")).collect();
    assert!(lines.len() >= 4, "{screen}");
    for line in lines {
        let words = words(line);
        let args: Vec<&str> = words.iter().skip(1).map(String::as_str).collect();
        let output = run(folder.path(), &args);
        assert_eq!(output.status.code(), Some(0), "{line}: {}", text(&output.stderr));
    }
    for file in ["boat.jpg", "night.jpg", "tides.jpg"] {
        assert!(folder.path().join(file).is_file(), "{file}");
    }
}

#[test]
fn documents_go_with_a_prompt() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("prices.csv"), "banana,1\n").unwrap();
    std::fs::write(
        folder.path().join("jobs.jsonl"),
        r#"{"prompt": "b", "options": {"attachments": "prices.csv"}}"#,
    )
    .unwrap();
    let of = |args: &[&str]| {
        let output = run(folder.path(), &[args, &["--offline", "--json", "--model", "nano-banana"]].concat());
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let attached = ["generate", "a boat", "--attach", "prices.csv", "--attach", "prices.csv"];
    let told = of(&attached)["text"].clone();
    assert!(told.as_str().unwrap().ends_with("With it came: text/plain, text/plain."), "{told}");
    let told = of(&["many", "jobs.jsonl"])["result"]["text"].clone();
    assert!(told.as_str().unwrap().ends_with("With it came: text/plain."), "{told}");
    let failed = of(&["generate", "a boat", "--attach", "none.pdf"]);
    assert_eq!(failed["error"]["option"], "attachments", "{failed}");
}

#[test]
fn an_address_beyond_this_machine_is_warned_of() {
    for (host, is_warned) in [("127.0.0.1", false), ("::1", false), ("0.0.0.0", true)] {
        let folder = tempfile::tempdir().unwrap();
        let mut command = command(folder.path(), &["emulate", "--host", host]);
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        // A machine without IPv6 has no ::1.
        if !first.contains("cannot listen") {
            assert_eq!(first.contains("every address of this machine can ask it"), is_warned, "{first}");
        }
    }
}

#[test]
fn models_say_how_many_pictures_they_take() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["models"]);
    let told = text(&output.stdout);
    assert!(told.contains("takes     up to 14 pictures; thinking"), "{told}");
    // No page names a limit of this one.
    assert!(told.contains("takes     pictures, best up to 3"), "{told}");
    assert!(!told.contains(" 0 pictures"), "{told}");
}
