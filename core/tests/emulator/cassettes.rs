//! Calls that are recorded from a service and answered from their folder. The service is an emulator too.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;

use nanobanana::options::{EmulatorOptions, Record, RecordOptions};
use nanobanana::{Emulator, Kind};
use serde_json::{Value, json};

use crate::line::*;

fn with(folder: &Path, upstream: Option<&Emulator>) -> EmulatorOptions {
    let options = EmulatorOptions::new().cassette(folder.to_str().unwrap());
    match upstream {
        Some(upstream) => options.upstream(upstream.url()),
        None => options,
    }
}

#[test]
fn what_was_recorded_comes_again_without_the_service() {
    let folder = tempfile::tempdir().unwrap();
    let service = Emulator::start(0).unwrap();
    let recorder = Emulator::start_with(with(folder.path(), Some(&service))).unwrap();
    let mut edit = with_picture("frame it", "image/png", &solid(64, 64, [1, 2, 3], "png"));
    edit["generationConfig"] = small(3);
    let stream = |emulator: &Emulator| {
        let path = format!("/v1beta/models/{FLASH}:streamGenerateContent?alt=sse&key=told-to-nobody");
        ask(emulator, "POST", &path, &[], prompt("flow", small(4)).to_string().as_bytes())
    };
    let calls = |emulator: &Emulator| {
        [
            generate(emulator, FLASH, &prompt("a boat", small(1))),
            generate(emulator, FLASH, &edit),
            stream(emulator),
            generate(emulator, FLASH, &prompt("bad", json!({ "imageConfig": { "aspectRatio": "5:1" } }))),
            ask(emulator, "GET", "/v1beta/models?pageSize=2&key=k", &[], b""),
        ]
        .map(|reply| (reply.status, reply.headers["content-type"].clone(), reply.body))
    };
    let first = calls(&recorder);
    assert_eq!(first.each_ref().map(|reply| reply.0), [200, 200, 200, 400, 200]);
    assert_eq!(service.requests().len(), 5);
    assert_eq!(calls(&recorder), first, "what is known is not asked again");
    assert_eq!(service.requests().len(), 5);
    drop((recorder, service));

    let player = Emulator::start_with(with(folder.path(), None)).unwrap();
    assert_eq!(calls(&player), first);
    let missed = generate(&player, FLASH, &prompt("a ship", small(1)));
    assert_eq!(missed.error(), (404, "NOT_FOUND".to_owned()));
    let says = r#"contents[0].parts[0].text: "a boat" was recorded, "a ship" is sent"#;
    assert!(missed.message().contains(says), "{}", missed.message());
    let text = std::fs::read_to_string(folder.path().join("cassette.json")).unwrap();
    assert!(text.len() < 100_000 && !text.contains("x-goog-api-key"), "{}", text.len());
    assert!(!text.contains("told-to-nobody"));
    player.script(&[json!({ "status": 503 })]).unwrap();
    assert_eq!(generate(&player, FLASH, &prompt("a boat", small(1))).status, 503, "faults go before");
}

#[test]
fn an_upload_goes_on_at_the_emulator_when_it_is_recorded_and_when_it_is_played() {
    let folder = tempfile::tempdir().unwrap();
    let service = Emulator::start(0).unwrap();
    let upload = |emulator: &Emulator| {
        let headers = [
            ("x-goog-api-key", "k"),
            ("x-goog-upload-protocol", "resumable"),
            ("x-goog-upload-command", "start"),
            ("x-goog-upload-header-content-length", "3"),
            ("x-goog-upload-header-content-type", "text/plain"),
        ];
        let begun = ask(emulator, "POST", "/upload/v1beta/files", &headers, b"{\"file\": {}}");
        let place =
            begun.headers["x-goog-upload-url"].strip_prefix(emulator.url().as_str()).unwrap().to_owned();
        let headers = [("x-goog-upload-command", "upload, finalize"), ("x-goog-upload-offset", "0")];
        ask(emulator, "POST", &place, &headers, b"abc").json()["file"]["name"].clone()
    };
    let recorder = Emulator::start_with(with(folder.path(), Some(&service))).unwrap();
    let name = upload(&recorder);
    assert!(name.as_str().unwrap().starts_with("files/"));
    drop((recorder, service));
    assert_eq!(upload(&Emulator::start_with(with(folder.path(), None)).unwrap()), name);
}

#[test]
fn always_asks_again_and_a_service_that_is_gone_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let service = Emulator::start(0).unwrap();
    service.script(&[json!({ "text": "old" }), json!({ "text": "new" })]).unwrap();
    let said = |emulator: &Emulator| generate(emulator, FLASH, &prompt("say", small(1)));
    let words = |reply: &Reply| parts(reply)[0]["text"].clone();
    assert_eq!(words(&said(&Emulator::start_with(with(folder.path(), Some(&service))).unwrap())), "old");
    let again = with(folder.path(), Some(&service)).record(Record::Always);
    assert_eq!(words(&said(&Emulator::start_with(again).unwrap())), "new");
    let player = Emulator::start_with(with(folder.path(), None)).unwrap();
    assert_eq!((words(&said(&player)), words(&said(&player))), (json!("new"), json!("new")));
    let orphan = Emulator::start_with(with(folder.path(), Some(&service))).unwrap();
    service.close();
    let lost = generate(&orphan, FLASH, &prompt("something else", small(1)));
    assert_eq!(lost.error(), (502, "UNAVAILABLE".to_owned()));
    assert!(!lost.message().contains("key"), "{}", lost.message());
}

#[test]
fn options_that_do_not_go_together_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let new = EmulatorOptions::new;
    for (options, option) in [
        (new().upstream("https://service.example"), "upstream"),
        (new().record(Record::Never), "record"),
        (new().cassette(path).record(Record::Always), "record"),
        (new().cassette(path).upstream("service.example"), "upstream"),
        (new().cassette(path).upstream("https://a:b@service.example"), "upstream"),
    ] {
        let error = Emulator::start_with(options).unwrap_err();
        assert_eq!(
            (error.kind(), error.field("option")),
            (Kind::InvalidOptionError, Some(Value::from(option)))
        );
    }
}

const STREAM: &str = "streamGenerateContent?alt=sse";

/// Asks, and leaves when this is done.
fn leave(emulator: &Emulator, verb: &str, words: &str, when: impl FnOnce(&mut TcpStream)) {
    let body = prompt(words, small(1)).to_string();
    let mut line = connect(emulator);
    let path = format!("/v1beta/models/{FLASH}:{verb}");
    write_head(&mut line, "POST", &path, &[("x-goog-api-key", "k")], body.len());
    line.write_all(body.as_bytes()).unwrap();
    when(&mut line);
}

/// Enough to see that the answer has begun.
fn read_some(line: &mut TcpStream) {
    line.read_exact(&mut [0; 200]).unwrap();
}

fn kept(folder: &Path) -> Value {
    let text = std::fs::read(folder.join("cassette.json")).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

#[test]
fn an_answer_is_kept_to_its_end_though_its_client_has_left() {
    let folder = tempfile::tempdir().unwrap();
    let service = Emulator::start(0).unwrap();
    let recorder = Emulator::start_with(with(folder.path(), Some(&service))).unwrap();
    let slow = |words: &str| json!({ "match": { "prompt": words }, "text": "one two three", "image": "png 8x8", "event_pause": 0.1, "delay": 0.5 });
    service.script(&[slow("early"), slow("late"), slow("whole")]).unwrap();
    // One client goes before the service has said a word, one in the middle.
    leave(&recorder, STREAM, "early", |_| until(|| service.requests().len() == 1));
    leave(&recorder, STREAM, "late", read_some);
    leave(&recorder, "generateContent", "whole", |_| until(|| service.requests().len() == 3));
    until(|| kept(folder.path())["calls"].as_array().is_some_and(|calls| calls.len() == 3));
    assert!(recorder.requests().iter().all(|request| request["cancelled"] == true));
    drop((recorder, service));
    let player = Emulator::start_with(with(folder.path(), None)).unwrap();
    assert_eq!(parts(&generate(&player, FLASH, &prompt("whole", small(1))))[0]["text"], "one two three");
    for words in ["early", "late"] {
        let events = stream(&player, FLASH, &prompt(words, small(1)));
        assert_eq!(events.last().unwrap()["candidates"][0]["finishReason"], "STOP", "{words}");
    }
}

#[test]
fn a_stream_that_broke_is_kept_and_breaks_at_the_same_place() {
    let folder = tempfile::tempdir().unwrap();
    let service = Emulator::start(0).unwrap();
    let recorder = Emulator::start_with(with(folder.path(), Some(&service))).unwrap();
    let flow = |emulator: &Emulator| post(emulator, FLASH, STREAM, &prompt("flow", small(1)));
    let words = json!({ "text": "one two three", "text_after": "four" });
    let mut broken = words.clone();
    broken["cut"] = 700.into();
    service.script(&[broken.clone(), words.clone()]).unwrap();
    let [first, second] = [flow(&recorder), flow(&recorder)];
    assert!(first.reset && first.body.len() == 700, "{} {}", first.reset, first.body.len());
    assert!(!second.reset, "one that broke does not stand for one that may not");
    assert_eq!(events(&second).last().unwrap()["candidates"][0]["finishReason"], "STOP");
    let told = kept(folder.path())["calls"].clone();
    let is_broken: Vec<&Value> =
        told.as_array().unwrap().iter().map(|call| &call["reply"]["broken"]).collect();
    assert_eq!(is_broken, [&json!(true), &Value::Null]);
    assert!(told[0]["reply"]["events"].as_array().is_some_and(|events| !events.is_empty()), "{told}");
    drop(recorder);
    let player = Emulator::start_with(with(folder.path(), None)).unwrap();
    let again = flow(&player);
    assert_eq!((again.reset, String::from_utf8(again.body)), (true, String::from_utf8(first.body)));
    let whole = flow(&player);
    assert_eq!((whole.reset, whole.body), (false, second.body));

    // Where only broken ones are known a later run asks again, and the whole one takes their place.
    let folder = tempfile::tempdir().unwrap();
    for steps in [vec![broken], vec![words]] {
        service.script(&steps).unwrap();
        flow(&Emulator::start_with(with(folder.path(), Some(&service))).unwrap());
    }
    let player = Emulator::start_with(with(folder.path(), None)).unwrap();
    assert!(!flow(&player).reset);
    assert_eq!(kept(folder.path())["calls"].as_array().unwrap().len(), 1);
}

/// What is recorded or played from now on.
fn recording() -> RecordOptions {
    RecordOptions::new()
}

#[test]
fn a_running_emulator_begins_and_stops_recording() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = |folder: &tempfile::TempDir| folder.path().to_str().unwrap().to_owned();
    let service = Emulator::start(0).unwrap();
    service.script(&[json!({ "text": "first" }), json!({ "text": "second" })]).unwrap();
    let emulator = Emulator::start(0).unwrap();
    let said = |words: &str| {
        generate(&emulator, FLASH, &prompt(words, json!({ "imageConfig": { "imageSize": "512" } })))
    };
    let told = |words: &str| parts(&said(words))[0]["text"].clone();
    assert_eq!((said("say").status, service.requests().len()), (200, 0), "it draws");
    emulator.record(recording().cassette(path(&folder)).upstream(service.url())).unwrap();
    assert_eq!((told("say"), told("say")), (json!("first"), json!("first")));
    emulator.record(recording().mode(Record::Always)).unwrap();
    assert_eq!(told("say"), "second");
    // What was recorded is answered, and nothing more is passed on.
    emulator.record(recording().mode(Record::Never)).unwrap();
    assert_eq!((told("say"), said("else").status), (json!("second"), 404));
    emulator.record(recording().mode(Record::Missing)).unwrap();
    assert_eq!(said("else").status, 200);
    assert_eq!(kept(folder.path())["calls"].as_array().unwrap().len(), 2);
    // Another folder, from the same service; and back: the first recorded call comes first again.
    service.script(&[json!({ "text": "third" })]).unwrap();
    emulator.record(recording().cassette(path(&other))).unwrap();
    assert_eq!(told("say"), "third");
    emulator.record(recording().cassette(path(&folder))).unwrap();
    assert_eq!(told("say"), "second");
    let asked = service.requests().len();
    emulator.record(recording()).unwrap();
    assert_eq!(said("anything").status, 200);
    assert_eq!(service.requests().len(), asked, "it draws again");
}

#[test]
fn what_cannot_be_recorded_is_told_and_leaves_all_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let emulator = Emulator::start(0).unwrap();
    for (options, option) in [
        (recording().upstream("https://service.example"), "upstream"),
        (recording().mode(Record::Never), "mode"),
        (recording().cassette(path).mode(Record::Always), "mode"),
        (recording().cassette(path).upstream("service.example"), "upstream"),
    ] {
        let error = emulator.record(options).unwrap_err();
        assert_eq!(
            (error.kind(), error.field("option")),
            (Kind::InvalidOptionError, Some(Value::from(option)))
        );
        assert_eq!(generate(&emulator, FLASH, &prompt("x", small(1))).status, 200, "it still draws");
    }
    std::fs::write(folder.path().join("cassette.json"), "{").unwrap();
    assert_eq!(emulator.record(recording().cassette(path)).unwrap_err().kind(), Kind::ConfigError);
}

#[test]
fn a_stream_under_way_is_kept_where_it_began_and_when_the_emulator_ends() {
    let folder = tempfile::tempdir().unwrap();
    let service = Emulator::start(0).unwrap();
    let slow = json!({ "match": { "prompt": "slow" }, "text": "one two three", "image": "png 8x8", "event_pause": 0.1 });
    let stuck = json!({ "match": { "prompt": "stuck" }, "text": "one two three", "stall": 500 });
    service.script(&[slow, stuck]).unwrap();
    let recorder = Emulator::start_with(with(folder.path(), Some(&service))).unwrap();
    leave(&recorder, STREAM, "slow", read_some);
    recorder.record(recording()).unwrap();
    // A cassette that is opened again while a call is on its way into it loses neither.
    recorder.record(recording().cassette(folder.path().to_str().unwrap()).upstream(service.url())).unwrap();
    assert_eq!(generate(&recorder, FLASH, &prompt("new", small(1))).status, 200);
    until(|| kept(folder.path())["calls"].as_array().is_some_and(|calls| calls.len() == 2));
    leave(&recorder, STREAM, "stuck", read_some);
    recorder.close();
    let calls = kept(folder.path())["calls"].clone();
    assert_eq!((calls.as_array().unwrap().len(), &calls[2]["reply"]["broken"]), (3, &json!(true)));
}

/// Two recorders, and a service that is named by a host name: no thread that draws waits for it.
#[test]
fn two_recorders_share_a_folder_and_many_first_calls_at_once_are_answered() {
    let folder = tempfile::tempdir().unwrap();
    let service = Emulator::start(0).unwrap();
    let options = || with(folder.path(), None).upstream(service.url().replace("127.0.0.1", "localhost"));
    let recorders = [(); 2].map(|()| Emulator::start_with(options()).unwrap());
    let ask =
        |emulator: &Emulator, n: i64| generate(emulator, FLASH, &prompt(&format!("boat {n}"), small(n)));
    std::thread::scope(|scope| {
        for n in 0..12 {
            let recorder = &recorders[n as usize % 2];
            scope.spawn(move || assert_eq!(ask(recorder, n).status, 200));
        }
    });
    assert_eq!(service.requests().len(), 12);
    for n in 0..12 {
        assert_eq!(ask(&recorders[(n as usize + 1) % 2], n).status, 200);
    }
    assert_eq!(service.requests().len(), 12, "what another one recorded is not asked again");
    let player = Emulator::start_with(with(folder.path(), None)).unwrap();
    (0..12).for_each(|n| assert_eq!(ask(&player, n).status, 200));
}

#[test]
fn what_a_request_is_sent_with_is_shown_and_kept_nowhere() {
    const SECRETS: [&str; 5] =
        ["AIzaCanary0123456789", "ya29.canary-token", "crumb-0123456789", "sig-0123456789", "passw0rd-0123"];
    let [key, token, crumb, signature, password] = SECRETS;
    let folder = tempfile::tempdir().unwrap();
    let service = Emulator::start(0).unwrap();
    let recorder = Emulator::start_with(with(folder.path(), Some(&service))).unwrap();
    let basic = format!(
        "Basic {}",
        base64::Engine::encode(&base64::engine::general_purpose::STANDARD, format!("me:{password}"))
    );
    let cookie = format!("a=1; session={crumb}");
    let headers = [
        ("x-goog-api-key", key),
        ("cookie", cookie.as_str()),
        ("proxy-authorization", &basic),
        ("x-session-token", token),
        ("referer", "http://localhost/?key=AIzaCanary0123456789"),
    ];
    let escaped: String = key.chars().map(|letter| format!("\\u{:04x}", u32::from(letter))).collect();
    let percent: String = token.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let told =
        format!("api_key:{key} {cookie} {percent} {basic} me:{password} ?X-Goog-Signature={signature}");
    for step in [
        json!({ "status": 403, "json": { "error": { "code": 403, "status": "PERMISSION_DENIED", "message": told } } }),
        json!({ "status": 502, "body": format!("<p>{told}</p>") }),
        json!({ "status": 400, "body": format!("{{\"error\": {{\"message\": \"{escaped}\"}}}}") }),
        json!({ "json": { "candidates": [{ "content": { "parts": [{ "text": told }] }, "finishReason": "STOP" }] } }),
    ] {
        service.script(&[step]).unwrap();
        let part = json!({ "fileData": { "fileUri": format!("https://a.example/b.png?X-Goog-Signature={signature}&a=1") } });
        let body =
            json!({ "contents": [{ "parts": [{ "text": key }, part] }], "n": service.requests().len() });
        let path = format!("/v1beta/models/{FLASH}:generateContent?access_token={token}&sig={signature}");
        ask(&recorder, "GET", "/__emulator/calls", &[], b"");
        ask(&recorder, "POST", &path, &headers, body.to_string().as_bytes());
    }
    assert_eq!(service.requests().len(), 4);
    let mut seen = vec![json!(recorder.requests()).to_string()];
    for (number, place) in
        ["requests", "calls", "calls/0", "calls/1", "calls/2", "calls/3"].iter().enumerate()
    {
        let reply = ask(&recorder, "GET", &format!("/__emulator/{place}"), &[], b"");
        assert_eq!(reply.status, 200, "{number}");
        seen.push(String::from_utf8(reply.body).unwrap());
    }
    for file in std::fs::read_dir(folder.path()).unwrap() {
        seen.push(String::from_utf8_lossy(&std::fs::read(file.unwrap().path()).unwrap()).into_owned());
    }
    assert_eq!(seen.len(), 8, "one file of the folder");
    let coded = basic.trim_start_matches("Basic ");
    for (number, text) in seen.iter().enumerate() {
        for secret in SECRETS.iter().chain([&coded, &percent.as_str(), &escaped.as_str()]) {
            assert!(!text.contains(secret), "{number}: {secret} in {text}");
        }
    }
    let player = Emulator::start_with(with(folder.path(), None)).unwrap();
    let part = json!({ "fileData": { "fileUri": "https://a.example/b.png?X-Goog-Signature=another&a=1" } });
    let body = json!({ "contents": [{ "parts": [{ "text": "…" }, part] }], "n": 0 });
    let path = format!("/v1beta/models/{FLASH}:generateContent?access_token=another");
    let reply = ask(&player, "POST", &path, &[("x-goog-api-key", "k")], body.to_string().as_bytes());
    assert!(reply.status == 403 && reply.message().starts_with("api_key:…"), "{}", reply.message());
}
