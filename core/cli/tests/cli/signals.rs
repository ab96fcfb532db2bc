//! Signals end every command at once, whatever it waits for, and its requests with it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use nanobanana::Emulator;
use serde_json::json;

use super::command;

/// A command that waits; it ends with this.
struct Waiting {
    child: Child,
    /// Its standard input, which stays open.
    _input: Option<ChildStdin>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // One that has ended already needs no end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Waiting {
    fn start(mut command: Command, said: &str) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut input = child.stdin.take();
        input.as_mut().unwrap().write_all(said.as_bytes()).unwrap();
        Waiting { child, _input: input }
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    /// Its exit code; none if it goes on for so long.
    fn ends_within(&mut self, most: Duration) -> Option<i32> {
        let start = Instant::now();
        while start.elapsed() < most {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Some(status.code().unwrap_or(-1));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        None
    }
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(20), "{what} did not come to pass");
        std::thread::sleep(Duration::from_millis(10));
    }
}

const SIGNALS: [(&str, i32); 3] = [("INT", 130), ("TERM", 143), ("HUP", 129)];

#[test]
fn a_signal_ends_each_command_and_its_request() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("jobs.jsonl"), "\"a boat\"\n").unwrap();
    std::fs::write(folder.path().join("dot.png"), std::fs::read(super::media("dot.png")).unwrap()).unwrap();
    let emulator = Emulator::start(0).unwrap();
    emulator.script(&[json!({ "hang": true, "times": "always" })]).unwrap();
    let url = emulator.url();
    let commands: [(&[&str], &str); 6] = [
        (&["generate", "a boat"], ""),
        (&["generate", "a boat", "--stream", "--n", "1"], ""),
        (&["edit", "a boat", "dot.png"], ""),
        (&["chat"], "a boat\n"),
        (&["many", "jobs.jsonl"], ""),
        (&["many", "-"], "\"a boat\"\n"),
    ];
    for (args, said) in commands {
        for (signal, code) in SIGNALS {
            let before = emulator.requests().len();
            let args = [args, &["--base-url", &url]].concat();
            let mut command = command(folder.path(), &args);
            command.env("GEMINI_API_KEY", "test-key-0123");
            let mut waiting = Waiting::start(command, said);
            until("the request", || emulator.requests().len() > before);
            waiting.signal(signal);
            assert_eq!(waiting.ends_within(Duration::from_secs(10)), Some(code), "{args:?} {signal}");
            until("the end of the request", || emulator.requests()[before]["cancelled"] == true);
        }
    }
}

/// Nothing is sent here: the command stands in a read that no signal breaks off.
#[test]
fn a_signal_ends_a_command_that_reads() {
    let folder = tempfile::tempdir().unwrap();
    let commands: [&[&str]; 5] = [
        &["generate", "-", "--offline"],
        &["edit", "a boat", "-", "--offline"],
        &["chat", "--offline"],
        &["many", "-", "--offline"],
        &["emulate", "--script", "-"],
    ];
    for args in commands {
        for (signal, code) in SIGNALS {
            let mut waiting = Waiting::start(command(folder.path(), args), "");
            let reads = || reads_standard_input(waiting.child.id());
            until("the read", reads);
            waiting.signal(signal);
            let wanted = if args[0] == "emulate" && signal == "TERM" { 0 } else { code };
            assert_eq!(waiting.ends_within(Duration::from_secs(10)), Some(wanted), "{args:?} {signal}");
        }
    }
}

/// Whether a thread of the process waits in a read, where the system says so; else a while goes by.
fn reads_standard_input(process: u32) -> bool {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{process}/task")) else {
        std::thread::sleep(Duration::from_secs(1));
        return true;
    };
    // The call's number, then its arguments: `read` is 0 on x86-64 and 63 on ARM, standard input is 0.
    threads.flatten().any(|thread| {
        let call = std::fs::read_to_string(thread.path().join("syscall")).unwrap_or_default();
        call.starts_with("0 0x0 ") || call.starts_with("63 0x0 ")
    })
}

#[test]
fn a_signal_ends_the_emulator() {
    let folder = tempfile::tempdir().unwrap();
    for (signal, code) in [("INT", 130), ("TERM", 0), ("HUP", 129)] {
        let mut waiting = Waiting::start(command(folder.path(), &["emulate", "--tls"]), "");
        let mut lines = BufReader::new(waiting.child.stdout.take().unwrap()).lines();
        let bundle = lines.nth(1).unwrap().unwrap();
        assert!(Path::new(&bundle).exists());
        waiting.signal(signal);
        assert_eq!(waiting.ends_within(Duration::from_secs(10)), Some(code), "{signal}");
        assert!(!Path::new(&bundle).exists(), "{signal}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_signal_that_the_command_was_started_to_ignore_stays_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let mut shell = Command::new("sh");
    shell.current_dir(folder.path());
    let program = env!("CARGO_BIN_EXE_nanobanana");
    shell.args(["-c", "trap '' HUP INT; exec \"$0\" emulate", program]);
    let mut waiting = Waiting::start(shell, "");
    let mut lines = BufReader::new(waiting.child.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().starts_with("http://"));
    for signal in ["HUP", "INT"] {
        waiting.signal(signal);
        assert_eq!(waiting.ends_within(Duration::from_millis(500)), None, "{signal}");
    }
    waiting.signal("TERM");
    assert_eq!(waiting.ends_within(Duration::from_secs(10)), Some(0));
}
