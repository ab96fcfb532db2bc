//! The commands that draw nothing: estimate, explain, count-tokens, files, models, completions.

use std::io::Read as _;
use std::process::Stdio;

use nanobanana::Emulator;
use serde_json::{Value, json};

use super::{command, run, text};

/// Standard output of the command, which must succeed.
fn said(folder: &std::path::Path, args: &[&str]) -> String {
    let output = run(folder, args);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

fn as_json(folder: &std::path::Path, args: &[&str]) -> Value {
    serde_json::from_str(&said(folder, &[args, &["--json"]].concat())).unwrap()
}

#[test]
fn a_price_and_the_pictures_of_a_call_are_known_without_a_key() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let priced = ["estimate", "a boat", "--model", "nano-banana-pro", "--n", "3"];
    let json = as_json(at, &priced);
    assert_eq!((&json["model"], &json["calls"]), (&json!("gemini-3-pro-image"), &json!(3)));
    let typical = json["typical"].as_f64().unwrap();
    assert!((0.40..0.42).contains(&typical), "{json}");
    let shown = said(at, &priced);
    assert!(shown.starts_with(&format!("gemini-3-pro-image  ${typical:.4} (")), "{shown}");
    assert!(shown.lines().next().unwrap().ends_with(" for 3 calls"), "{shown}");

    said(at, &["generate", "a boat", "--offline", "-o", "boat.png"]);
    let call = ["explain", "at night", "boat.png", "--encode", r#"{"max_side": 256}"#];
    let json = as_json(at, &call);
    assert_eq!(json["inputs"][0]["input"], "boat.png");
    assert_eq!(
        (&json["inputs"][0]["action"], &json["inputs"][0]["sent"]["width"]),
        (&json!("shrunk"), &json!(256))
    );
    let shown = said(at, &call);
    assert!(shown.contains("boat.png  shrunk, with loss") && shown.contains(", 256×256, "), "{shown}");

    // The same options are checked as by the call itself.
    for verb in ["estimate", "explain", "count-tokens"] {
        let output = run(at, &[verb, "a boat", "--offline", "--aspect-ratio", "5:7"]);
        assert_eq!(output.status.code(), Some(2), "{verb}");
        let output = run(at, &[verb, "a boat", "--offline", "--aspectratio", "1:1"]);
        assert!(text(&output.stderr).contains("`--aspect-ratio`"), "{}", text(&output.stderr));
    }
}

#[test]
fn tokens_are_counted_by_the_service() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    said(at, &["generate", "a boat", "--offline", "-o", "boat.png"]);
    let json = as_json(at, &["count-tokens", "a boat", "boat.png", "--offline"]);
    let of = |name: &str| json[name].as_u64().unwrap();
    assert!(of("text_tokens") > 0 && of("image_tokens") > 0, "{json}");
    assert_eq!(of("total_tokens"), of("text_tokens") + of("image_tokens"));
    let shown = said(at, &["count-tokens", "a boat", "boat.png", "--offline"]);
    assert!(shown.starts_with(&format!("{} tokens\n", of("total_tokens"))), "{shown}");
    assert_eq!(run(at, &["count-tokens", "a boat"]).status.code(), Some(3));
}

#[test]
fn files_are_uploaded_listed_and_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let emulator = Emulator::start(0).unwrap();
    let files = |args: &[&str]| {
        let url = emulator.url();
        let args = [&["files"], args, &["--base-url", &url]].concat();
        let output = command(at, &args).env("GEMINI_API_KEY", "test-key-0123").output().unwrap();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    assert!(files(&["list"]).2.contains("no files"));
    std::fs::write(at.join("notes.txt"), "a boat").unwrap();
    std::fs::write(at.join("more.txt"), "a red boat").unwrap();
    let (code, names, shown) = files(&["upload", "notes.txt", "more.txt", "--display-name", "boats"]);
    assert_eq!((code, names.lines().count()), (Some(0), 2), "{shown}");
    let first = names.lines().next().unwrap();
    assert!(first.starts_with("files/"), "{names}");
    let (_, list, _) = files(&["list"]);
    let line = list.lines().find(|line| line.starts_with(first)).unwrap();
    assert!(line.contains("ACTIVE, text/plain, 6 bytes, until 20") && line.ends_with("\"boats\""), "{line}");
    let (_, one, _) = files(&["get", first, "--json"]);
    let one: Value = serde_json::from_str(&one).unwrap();
    assert_eq!((&one["name"], &one["size_bytes"]), (&json!(first), &json!(6)));
    assert!(files(&["get", first]).1.contains("mime_type        text/plain\n"));
    assert_eq!(files(&["delete", first]).0, Some(0));
    let (code, _, shown) = files(&["get", first, "--json"]);
    assert_eq!(code, Some(3), "{shown}");
    let (_, list, _) = files(&["list", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&list).unwrap().as_array().unwrap().len(), 1);
    let (code, _, shown) = files(&["upload", "no-such.txt"]);
    assert!(code == Some(2) && shown.contains("no-such.txt"), "{shown}");
    let (code, _, shown) = files(&["list", "--jsn"]);
    assert!(code == Some(2) && shown.contains("did you mean `--json`?"), "{shown}");
    assert!(shown.contains("`nanobanana files list --help` lists the options."), "{shown}");
}

/// `head` closes the pipe when it has its lines.
#[cfg(unix)]
#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    for args in [&["models"][..], &["models", "--json"], &["completions", "bash"], &["estimate", "a boat"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut child = command(folder.path(), args).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        let mut shown = String::new();
        child.stderr.take().unwrap().read_to_string(&mut shown).unwrap();
        assert_eq!((child.wait().unwrap().code(), shown.as_str()), (Some(0), ""), "{args:?}");
    }
}

#[test]
fn each_shell_completes_commands_flags_and_values() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = said(folder.path(), &["completions", shell]);
        for word in ["count-tokens", "aspect-ratio", "21:9", "nano-banana-pro", "readings"] {
            let word = if shell == "zsh" { word.replace(':', "\\:") } else { word.to_owned() };
            assert!(script.contains(&word), "{shell} does not offer {word}");
        }
    }
    let output = run(folder.path(), &["completions", "tcsh"]);
    assert!(
        output.status.code() == Some(2) && text(&output.stderr).contains("bash"),
        "{}",
        text(&output.stderr)
    );
}

#[cfg(target_os = "linux")]
#[test]
fn bash_itself_completes_a_flag() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("script"), said(folder.path(), &["completions", "bash"])).unwrap();
    let ask = "source ./script; COMP_WORDS=(nanobanana generate --aspect-r); COMP_CWORD=2; \
               _nanobanana nanobanana --aspect-r generate; echo \"${COMPREPLY[@]}\"";
    let output =
        std::process::Command::new("bash").current_dir(folder.path()).args(["-c", ask]).output().unwrap();
    assert_eq!(text(&output.stdout), "--aspect-ratio\n", "{}", text(&output.stderr));
}

#[test]
fn numbers_that_are_no_box_are_not_looked_for_as_a_file() {
    let folder = tempfile::tempdir().unwrap();
    for mask in ["10,20", "10%,20%,30%", "1,2,3,4,5", "10,20%,30,40%"] {
        let output = run(folder.path(), &["edit", "x", "boat.png", "--offline", "--mask", mask]);
        let shown = text(&output.stderr);
        assert!(
            output.status.code() == Some(2) && shown.contains("a box takes four numbers"),
            "{mask}: {shown}"
        );
    }
}

#[test]
fn a_run_that_goes_on_says_for_what_nothing_was_sent() {
    let folder = tempfile::tempdir().unwrap();
    let emulator = Emulator::start(0).unwrap();
    std::fs::write(folder.path().join("jobs.jsonl"), "\"a\"\n\"b\"\n\"c\"\n").unwrap();
    let go_on = || {
        let url = emulator.url();
        let args = ["many", "jobs.jsonl", "--journal", "run.jsonl", "--base-url", &url, "--concurrency", "1"];
        let output = command(folder.path(), &args).env("GEMINI_API_KEY", "test-key-0123").output().unwrap();
        (output.status.code(), text(&output.stderr))
    };
    emulator.script(&[json!({}), json!({ "block_reason": "PROHIBITED_CONTENT" })]).unwrap();
    let (code, shown) = go_on();
    assert!(code == Some(4) && shown.contains("item 1: BlockedError: "), "{shown}");
    assert!(shown.ends_with("\nerror: 1 of 3 items failed\n") && !shown.contains("earlier"), "{shown}");
    let (code, shown) = go_on();
    assert_eq!(code, Some(0), "{shown}");
    assert!(
        shown.contains("2 of 3 items were done in an earlier run; nothing was sent for them."),
        "{shown}"
    );
}
