//! A client that has shut down its sending side is answered; one that is gone is not waited for.
#![cfg(target_os = "linux")]

use std::io::Read as _;
use std::net::Shutdown;
use std::time::{Duration, Instant};

use nanobanana::Emulator;
use serde_json::json;

use crate::line::*;

#[test]
fn a_client_that_sends_no_more_has_its_answer() {
    let emulator = Emulator::start(0).unwrap();
    let path = format!("/v1beta/models/{OLD}:generateContent");
    let body = prompt("a boat", json!({})).to_string();
    for step in [json!({}), json!({ "delay": 0.4 }), json!({ "delay": 0.2, "chunk": 200_000, "pause": 0.1 })]
    {
        emulator.script(std::slice::from_ref(&step)).unwrap();
        let mut line = connect(&emulator);
        write_head(&mut line, "POST", &path, &[("x-goog-api-key", "k")], body.len());
        std::io::Write::write_all(&mut line, body.as_bytes()).unwrap();
        line.shutdown(Shutdown::Write).unwrap();
        let mut reply = Vec::new();
        line.read_to_end(&mut reply).unwrap();
        let reply = String::from_utf8_lossy(&reply);
        assert!(reply.starts_with("HTTP/1.1 200") && reply.trim_end().ends_with('}'), "{step}");
    }
    until(|| emulator.requests().iter().all(|request| request["took"].is_number()));
    assert!(emulator.requests().iter().all(|request| request["cancelled"] == false));
    let mut page = connect(&emulator);
    write_head(&mut page, "GET", "/__emulator/requests", &[], 0);
    page.shutdown(Shutdown::Write).unwrap();
    let mut reply = String::new();
    page.read_to_string(&mut reply).unwrap();
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
}

#[test]
fn an_end_that_comes_together_with_the_request_cuts_no_answer_off() {
    let emulator = Emulator::start(0).unwrap();
    let head = "GET /__emulator/requests HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n";
    for _ in 0..20 {
        let lines: Vec<_> = (0..16)
            .map(|_| {
                let mut line = connect(&emulator);
                std::io::Write::write_all(&mut line, head.as_bytes()).unwrap();
                line.shutdown(Shutdown::Write).unwrap();
                line
            })
            .collect();
        for mut line in lines {
            let mut reply = String::new();
            line.read_to_string(&mut reply).unwrap();
            assert!(reply.starts_with("HTTP/1.1 200"), "{reply:?}");
        }
    }
}

#[test]
fn a_client_that_is_gone_is_not_waited_for() {
    let emulator = Emulator::start(0).unwrap();
    let path = format!("/v1beta/models/{OLD}:generateContent");
    let body = prompt("a boat", json!({})).to_string();
    for (index, shuts_first) in [false, true].into_iter().enumerate() {
        emulator.script(&[json!({ "delay": 60 })]).unwrap();
        let mut line = connect(&emulator);
        write_head(&mut line, "POST", &path, &[("x-goog-api-key", "k")], body.len());
        std::io::Write::write_all(&mut line, body.as_bytes()).unwrap();
        if shuts_first {
            line.shutdown(Shutdown::Write).unwrap();
            until(|| emulator.requests().len() > index);
            std::thread::sleep(Duration::from_millis(300));
            assert_eq!(emulator.requests()[index]["cancelled"], false);
        }
        until(|| emulator.requests().len() > index && emulator.requests()[index]["json"].is_object());
        drop(line);
        let begun = Instant::now();
        until(|| emulator.requests()[index]["cancelled"] == true);
        assert!(begun.elapsed() < Duration::from_secs(20));
    }
    assert_eq!(emulator.active(), 0);
}
