//! What steers the emulator over plain HTTP, and who may.

use std::time::Duration;

use nanobanana::error::Kind;
use nanobanana::options::EmulatorOptions;
use nanobanana::{Emulator, Image};
use serde_json::{Value, json};

use crate::line::*;

fn own(emulator: &Emulator, method: &str, name: &str, body: Option<Value>) -> Reply {
    let body = body.map(|body| body.to_string()).unwrap_or_default();
    ask(
        emulator,
        method,
        &format!("/__emulator/{name}"),
        &[("content-type", "application/json")],
        body.as_bytes(),
    )
}

fn draw(emulator: &Emulator, words: &str) -> Reply {
    generate(emulator, OLD, &prompt(words, json!({ "seed": 1 })))
}

fn statuses(emulator: &Emulator, words: &str, count: usize) -> Vec<u16> {
    (0..count).map(|_| draw(emulator, words).status).collect()
}

#[test]
fn any_program_sets_faults_and_reads_what_was_asked() {
    let emulator = Emulator::start(0).unwrap();
    let set = own(&emulator, "POST", "script", Some(json!({ "status": 503, "times": 2 })));
    assert_eq!((set.status, &set.json()["steps"][0]["times"]), (200, &json!(2)));
    own(&emulator, "POST", "script", Some(json!([{ "status": 429, "match": { "prompt": "late" } }])));
    assert_eq!(statuses(&emulator, "a boat", 3), [503, 503, 200]);
    assert_eq!(own(&emulator, "GET", "script", None).json()["steps"].as_array().unwrap().len(), 1);
    assert_eq!(draw(&emulator, "too late").status, 429);
    let requests = own(&emulator, "GET", "requests", None).json();
    let told: Vec<_> = requests.as_array().unwrap().iter().map(|it| it["status"].as_u64().unwrap()).collect();
    assert_eq!(told, [503, 503, 200, 429], "the controls are not among them");
    assert!(requests[2]["took"].as_f64().unwrap() > 0.0);
    assert_eq!(Value::from(emulator.requests()), requests);
    let bad = own(&emulator, "PUT", "script", Some(json!([{ "stauts": 500 }])));
    assert_eq!(bad.error(), (400, "INVALID_ARGUMENT".to_owned()));
    assert!(bad.message().contains("Did you mean `status`?"), "{}", bad.message());
    own(&emulator, "PUT", "script", Some(json!([{ "status": 500 }])));
    assert_eq!(own(&emulator, "DELETE", "script", None).json(), json!({ "steps": [] }));
    assert_eq!(draw(&emulator, "a boat").status, 200);
    own(&emulator, "POST", "reset", None);
    assert!(emulator.requests().is_empty());
    assert_eq!(own(&emulator, "GET", "nothing", None).status, 404);
    assert_eq!(ask(&emulator, "POST", "/__emulator/script", &[], b"{").status, 400);
}

#[test]
fn a_step_is_for_a_model_or_a_path_and_stays_as_long_as_it_is_told() {
    let emulator = Emulator::start(0).unwrap();
    emulator
        .script(&[
            json!({ "status": 500, "match": { "model": PRO } }),
            json!({ "status": 501, "match": { "path": ":countTokens" }, "times": "always" }),
            json!({ "status": 502, "match": { "path": "/models/" , "prompt": "no" } }),
        ])
        .unwrap();
    let count = || post(&emulator, OLD, "countTokens", &json!({ "contents": [] })).status;
    assert_eq!((draw(&emulator, "a").status, count(), count(), count()), (200, 501, 501, 501));
    assert_eq!(generate(&emulator, PRO, &prompt("a", json!({}))).status, 500);
    assert_eq!(statuses(&emulator, "no", 2), [502, 200]);
}

#[test]
fn a_share_is_drawn_by_lot_and_the_same_for_the_same_seed() {
    let emulator = Emulator::start(0).unwrap();
    let run = |seed: u64| {
        emulator.script(&[json!({ "status": 503, "share": 0.3, "share_seed": seed })]).unwrap();
        (0..100)
            .map(|_| post(&emulator, OLD, "generateContent", &json!({})).status == 503)
            .collect::<Vec<_>>()
    };
    let first = run(1);
    assert_eq!(first, run(1));
    assert_ne!(first, run(2));
    assert!((15..45).contains(&first.iter().filter(|hit| **hit).count()));
    for (step, says) in [
        (json!({ "status": 503, "share": 0 }), "above 0"),
        (json!({ "status": 503, "share_seed": 1 }), "there is no share"),
        (json!({ "status": 503, "times": "often" }), "always"),
    ] {
        let error = emulator.script(&[step]).unwrap_err();
        assert!(error.message().contains(says), "{}", error.message());
    }
}

#[test]
fn limits_are_real_counters_and_tell_when_there_is_room() {
    let options = EmulatorOptions::new().rpm(2u32).minute(4.0);
    let emulator = Emulator::start_with(options).unwrap();
    // A minute must not be over before three small ones are drawn.
    let draw = |emulator: &Emulator, words: &str| generate(emulator, FLASH, &prompt(words, small(1)));
    assert_eq!((draw(&emulator, "a").status, draw(&emulator, "a").status), (200, 200));
    let refused = draw(&emulator, "a");
    assert_eq!(refused.error(), (429, "RESOURCE_EXHAUSTED".to_owned()));
    let details = &refused.json()["error"]["details"];
    assert_eq!(details[0]["violations"][0]["quotaId"], "GenerateRequestsPerMinutePerProjectPerModel");
    let delay: f64 = details[1]["retryDelay"].as_str().unwrap().trim_end_matches('s').parse().unwrap();
    assert!(delay > 0.0 && delay <= 4.0, "{delay}");
    std::thread::sleep(Duration::from_secs_f64(delay + 0.01));
    assert_eq!(draw(&emulator, "a").status, 200);
    assert_eq!(
        generate(&emulator, OLD, &json!({ "contents": [] })).status,
        400,
        "what is refused does not count"
    );
    let told = own(&emulator, "PUT", "limits", Some(json!({ "rpm": null, "rpd": 3 }))).json();
    assert_eq!((&told["rpm"], &told["rpd"], &told["minute"]), (&Value::Null, &json!(3), &json!(4.0)));
    assert_eq!(draw(&emulator, "a").status, 429);
    assert_eq!(own(&emulator, "PUT", "limits", Some(json!({ "rpm": "many" }))).status, 400);
    own(&emulator, "POST", "reset", None);
    assert_eq!(draw(&emulator, "a").status, 200);
}

#[test]
fn no_web_site_reaches_it_under_a_name_of_its_own_or_steers_it() {
    let emulator = Emulator::start(0).unwrap();
    let asked = |path: &str, headers: &[(&str, &str)]| ask(&emulator, "GET", path, headers, b"");
    for host in ["evil.example", "127.0.0.1.evil.example:80", "evil.localhost.example"] {
        let refused = asked("/v1beta/models?key=k", &[("host", host)]);
        assert_eq!(refused.error(), (403, "PERMISSION_DENIED".to_owned()), "{host}");
        assert_eq!(asked("/", &[("host", host)]).status, 403);
    }
    for host in ["127.0.0.1:1", "localhost", "[::1]:99", "app.localhost:80", "10.0.0.7"] {
        assert_eq!(asked("/v1beta/models?key=k", &[("host", host)]).status, 200, "{host}");
    }
    let host = ("host", "127.0.0.1:99");
    let steers = |headers: &[(&str, &str)]| {
        let mut all = vec![host];
        all.extend(headers);
        asked("/__emulator/requests", &all).status
    };
    assert_eq!(steers(&[("origin", "http://127.0.0.1:99")]), 200);
    for origin in ["http://127.0.0.1:5173", "https://evil.example", "null"] {
        assert_eq!(steers(&[("origin", origin)]), 403, "{origin}");
    }
    assert_eq!(steers(&[("sec-fetch-site", "cross-site")]), 403);
}

#[test]
fn an_app_on_this_machine_may_ask_from_a_browser_and_others_may_not() {
    let emulator = Emulator::start(0).unwrap();
    let path = format!("/v1beta/models/{OLD}:generateContent");
    let first = |origin: &str| {
        let headers = [("origin", origin), ("access-control-request-headers", "content-type,x-goog-api-key")];
        ask(&emulator, "OPTIONS", &path, &headers, b"")
    };
    let allowed = first("http://localhost:5173");
    assert_eq!(allowed.status, 200);
    assert_eq!(allowed.headers["access-control-allow-origin"], "http://localhost:5173");
    assert_eq!(allowed.headers["access-control-allow-headers"], "content-type,x-goog-api-key");
    assert!(!first("https://evil.example").headers.contains_key("access-control-allow-origin"));
    let headers = [("origin", "http://localhost:5173"), ("x-goog-api-key", "bad")];
    let refused = ask(&emulator, "POST", &path, &headers, b"{}");
    assert_eq!((refused.status, refused.headers["vary"].as_str()), (400, "origin"));
    assert_eq!(refused.headers["access-control-allow-origin"], "http://localhost:5173");
    assert_eq!(emulator.requests().len(), 2, "{:?}", emulator.requests());
}

#[test]
fn the_page_shows_calls_with_their_pictures_and_keeps_them_only_while_it_is_open() {
    let emulator = Emulator::start(0).unwrap();
    let page = ask(&emulator, "GET", "/", &[], b"");
    assert_eq!((page.status, page.headers["content-type"].as_str()), (200, "text/html; charset=utf-8"));
    assert!(page.headers["content-security-policy"].starts_with("default-src 'none'"));
    for name in ["page.css", "page.js"] {
        assert_eq!(own(&emulator, "GET", name, None).status, 200, "{name}");
    }
    draw(&emulator, "before");
    let calls = || own(&emulator, "GET", "calls", None).json()["calls"].clone();
    assert_eq!(calls()[0]["pictures"], Value::Null, "nobody looked then");
    let mut body = with_picture("now", "image/png", &solid(640, 320, [9, 9, 200], "png"));
    body["generationConfig"] = json!({ "seed": 1 });
    assert_eq!(generate(&emulator, OLD, &body).status, 200);
    let call = calls()[0].clone();
    assert_eq!((&call["words"], &call["status"]), (&json!("now"), &json!(200)));
    let pictures = call["pictures"].as_array().unwrap();
    let sides: Vec<_> = pictures.iter().map(|it| it["side"].as_str().unwrap()).collect();
    assert_eq!((sides.as_slice(), &pictures[0]["width"]), (&["in", "out"][..], &json!(640)));
    let small = ask(&emulator, "GET", pictures[0]["small"].as_str().unwrap(), &[], b"");
    let image = Image::from_bytes(small.body).unwrap();
    assert_eq!((small.headers["content-type"].as_str(), image.width()), (image.mime_type(), 320));
    let whole = own(&emulator, "GET", &format!("calls/{}", call["number"]), None);
    assert!(whole.body.len() < 20_000, "no picture's bytes: {}", whole.body.len());
    assert_eq!(whole.json()["reply"][0]["modelVersion"], OLD);
    assert_eq!(own(&emulator, "GET", "calls/99", None).status, 404);
}

#[test]
fn it_listens_elsewhere_only_if_it_is_told() {
    let everywhere = Emulator::start_with(EmulatorOptions::new().host("0.0.0.0")).unwrap();
    assert!(everywhere.url().starts_with("http://127.0.0.1:"));
    let named = ask(&everywhere, "GET", "/v1beta/models?key=k", &[("host", "emulator.internal:80")], b"");
    assert_eq!(named.status, 200);
    let error = Emulator::start_with(EmulatorOptions::new().host("example.com")).unwrap_err();
    assert!(error.message().contains("takes an address"), "{}", error.message());
}

#[test]
fn over_http_recording_is_switched_and_neither_folder_nor_service_is_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let service = Emulator::start(0).unwrap();
    let options = EmulatorOptions::new().cassette(path).upstream(service.url());
    let emulator = Emulator::start_with(options).unwrap();
    let told = |mode: &str| json!({ "cassette": path, "upstream": service.url(), "mode": mode });
    assert_eq!(own(&emulator, "GET", "record", None).json(), told("missing"));
    let set = own(&emulator, "PUT", "record", Some(json!({ "mode": "never" })));
    assert_eq!((set.status, set.json()), (200, told("never")));
    assert_eq!(draw(&emulator, "a").status, 404, "nothing is passed on");
    own(&emulator, "PUT", "record", Some(json!({ "mode": "missing" })));
    assert_eq!((draw(&emulator, "a").status, service.requests().len()), (200, 1));
    for (body, status, says) in [
        (json!({ "cassette": "/tmp/else", "mode": "never" }), 403, "only the mode"),
        (json!({ "upstream": "http://10.0.0.1" }), 403, "only the mode"),
        (json!({ "mode": "some" }), 400, "allowed are"),
        (json!({ "made": "never" }), 400, "Did you mean `mode`?"),
        (json!({}), 400, "takes a mode"),
        (json!([]), 400, "takes a map"),
    ] {
        let refused = own(&emulator, "PUT", "record", Some(body));
        assert_eq!(refused.status, status, "{says}");
        assert!(refused.message().contains(says), "{} should say {says}", refused.message());
    }
    assert_eq!(own(&emulator, "GET", "record", None).json(), told("missing"));
    let plain = Emulator::start(0).unwrap();
    let none = json!({ "cassette": null, "upstream": null, "mode": null });
    assert_eq!(own(&plain, "GET", "record", None).json(), none);
    let refused = own(&plain, "PUT", "record", Some(json!({ "mode": "never" })));
    assert!(refused.message().contains("needs a `cassette`"), "{}", refused.message());
}

#[test]
fn a_minute_of_no_length_is_no_minute() {
    for minute in [0.0, 86_401.0] {
        let wrong = Emulator::start_with(EmulatorOptions::new().rpm(1u32).minute(minute)).unwrap_err();
        assert_eq!(wrong.kind(), Kind::InvalidOptionError);
        assert!(wrong.message().contains("`minute` takes a number of seconds above 0"), "{wrong}");
    }
}
