//! Calls that are recorded from a service and answered from their folder. The service is an emulator too.

use std::path::Path;

use nanobanana::options::{EmulatorOptions, Record};
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
        let path = format!("/v1beta/models/{FLASH}:streamGenerateContent?alt=sse&key=k");
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
