//! The Files API over the line, and what counts tokens.

use nanobanana::{Emulator, EmulatorOptions};
use serde_json::{Value, json};

use crate::line::*;

const KEY: (&str, &str) = ("x-goog-api-key", "k");

fn start(emulator: &Emulator, size: usize, kind: &str, file: Value) -> Reply {
    let size = size.to_string();
    let headers = [
        KEY,
        ("x-goog-upload-protocol", "resumable"),
        ("x-goog-upload-command", "start"),
        ("x-goog-upload-header-content-length", &size),
        ("x-goog-upload-header-content-type", kind),
    ];
    let body = serde_json::to_vec(&json!({ "file": file })).unwrap();
    ask(emulator, "POST", "/upload/v1beta/files", &headers, &body)
}

/// The path that chunks go to.
fn opened(emulator: &Emulator, size: usize, kind: &str, file: Value) -> String {
    let reply = start(emulator, size, kind, file);
    assert_eq!(
        (reply.status, reply.headers["x-goog-upload-status"].as_str()),
        (200, "active"),
        "{}",
        reply.json()
    );
    assert_eq!(reply.headers["x-goog-upload-chunk-granularity"], "262144");
    let url = &reply.headers["x-goog-upload-url"];
    url.strip_prefix(&emulator.url()).unwrap().to_owned()
}

fn send(emulator: &Emulator, path: &str, command: &str, offset: usize, bytes: &[u8]) -> Reply {
    let offset = offset.to_string();
    let headers = [("x-goog-upload-command", command), ("x-goog-upload-offset", &*offset)];
    ask(emulator, "POST", path, &headers, bytes)
}

fn uploaded(emulator: &Emulator, bytes: &[u8], kind: &str, file: Value) -> Value {
    let path = opened(emulator, bytes.len(), kind, file);
    let reply = send(emulator, &path, "upload, finalize", 0, bytes);
    assert_eq!(
        (reply.status, reply.headers["x-goog-upload-status"].as_str()),
        (200, "final"),
        "{}",
        reply.json()
    );
    reply.json()["file"].clone()
}

#[test]
fn an_upload_goes_on_only_from_where_it_is() {
    let emulator = Emulator::start(0).unwrap();
    let grain = vec![7; 262_144];
    let path = opened(&emulator, grain.len() * 2 + 5, "application/pdf", json!({}));
    for (command, offset, bytes, says) in [
        ("upload", 5, &grain[..], "offset 5 does not match the 0 bytes"),
        ("upload", 0, &grain[..9], "multiple of 262144"),
        ("upload, finalize", 0, &grain[..9], "opened for 524293 bytes and ends with 9"),
        ("fly", 0, &grain[..9], "Invalid X-Goog-Upload-Command"),
    ] {
        let path = match command {
            "upload, finalize" => opened(&emulator, 524_293, "application/pdf", json!({})),
            _ => path.clone(),
        };
        let reply = send(&emulator, &path, command, offset, bytes);
        assert_eq!(reply.error(), (400, "INVALID_ARGUMENT".into()));
        assert!(reply.message().contains(says), "{}", reply.message());
    }
    for offset in [0, grain.len()] {
        let reply = send(&emulator, &path, "upload", offset, &grain);
        assert_eq!((reply.status, reply.headers["x-goog-upload-status"].as_str()), (200, "active"));
        let query = send(&emulator, &path, "query", 0, b"");
        assert_eq!(query.headers["x-goog-upload-size-received"], (offset + grain.len()).to_string());
    }
    let reply = send(&emulator, &path, "upload, finalize", grain.len() * 2, b"123456");
    assert!(reply.message().contains("More than the"), "{}", reply.message());
    let reply = send(&emulator, &path, "upload, finalize", grain.len() * 2, b"12345");
    let file = reply.json()["file"].clone();
    assert_eq!((&file["sizeBytes"], &file["state"]), (&json!("524293"), &json!("ACTIVE")));
    // Who asks again is told the same.
    assert_eq!(send(&emulator, &path, "query", 0, b"").json()["file"]["name"], file["name"]);
    assert_eq!(send(&emulator, &path, "upload", 0, &grain).headers["x-goog-upload-status"], "final");
    let nowhere = send(&emulator, "/upload/v1beta/files?upload_id=x", "query", 0, b"");
    assert_eq!(nowhere.error(), (404, "NOT_FOUND".into()));
    // What is remembered of a chunk is its size and hash.
    let told = emulator.requests().into_iter().rfind(|request| request["size"] == 5).unwrap();
    assert_eq!(
        told["json"],
        json!({"$bytes": 5, "$sha256": "5994471abb01112afcc18159f6cc74b4f511b99806da59b3caf5a9c173cacfc5"})
    );
}

#[test]
fn an_upload_is_read_in_either_spelling() {
    let emulator = Emulator::start(0).unwrap();
    let file = json!({"display_name": "One", "mime_type": "text/plain", "size_bytes": 3});
    assert_eq!(uploaded(&emulator, b"one", "text/plain", file)["displayName"], "One");
    // As the documentation's sample of a batch calls them.
    assert_eq!(uploaded(&emulator, b"{}", "jsonl", json!({}))["mimeType"], "jsonl");
}

#[test]
fn what_the_service_refuses_of_an_upload_is_refused() {
    let emulator = Emulator::start(0).unwrap();
    uploaded(&emulator, b"one", "text/plain", json!({"name": "files/one"}));
    for (size, kind, file, code, says) in [
        (3, "text/plain", json!({"name": "files/one"}), 409, "already exists"),
        (3, "text/plain", json!({"name": "files/One"}), 400, "lower case letters"),
        (3, "text/plain", json!({"name": "a".repeat(41)}), 400, "at most 40"),
        (3, "text/plain", json!({"title": "x"}), 400, "Unknown name \"title\" at 'file'"),
        (3, "text/plain", json!({"displayName": "x".repeat(513)}), 400, "512"),
        (3, "text/plain", json!({"mimeType": "image/png"}), 400, "mime_type"),
        (3, "", json!({}), 400, "MIME type"),
        ((2 << 30) + 1, "text/plain", json!({}), 400, "exceeds the maximum"),
        (2 << 30, "text/plain", json!({}), 429, "storage of files is full"),
    ] {
        let reply = start(&emulator, size, kind, file);
        assert_eq!(reply.status, code, "{says}");
        assert!(reply.message().contains(says), "{}", reply.message());
    }
    let keyless = ask(&emulator, "GET", "/v1beta/files", &[], b"");
    assert_eq!(keyless.error(), (403, "PERMISSION_DENIED".into()));
    for (method, path) in [("GET", "/v1beta/files/two"), ("DELETE", "/v1beta/files/two")] {
        let reply = ask(&emulator, method, path, &[KEY], b"");
        assert_eq!(reply.error(), (403, "PERMISSION_DENIED".into()));
        assert!(reply.message().contains("access the File two or it may not exist"), "{}", reply.message());
    }
    assert_eq!(ask(&emulator, "GET", "/v1beta/files?pageSize=101", &[KEY], b"").status, 400);
    assert_eq!(ask(&emulator, "GET", "/v1beta/files?pageToken=x", &[KEY], b"").status, 400);
}

/// As the official client for Python writes them.
#[test]
fn names_in_snake_case_are_read_and_jsonl_is_a_type() {
    let emulator = Emulator::start(0).unwrap();
    let told = json!({"display_name": "mine", "mime_type": "jsonl", "size_bytes": 2});
    let file = uploaded(&emulator, b"{}", "jsonl", told);
    assert_eq!((&file["displayName"], &file["mimeType"]), (&json!("mine"), &json!("jsonl")));
    assert!(start(&emulator, 3, "text/plain", json!({"sizeBytes": "many"})).message().contains("TYPE_INT64"));
}

#[test]
fn files_are_listed_by_pages_and_end() {
    let emulator = Emulator::start_with(EmulatorOptions::new().file_life(3.0).file_processing(1.0)).unwrap();
    for name in ["a", "b", "c"] {
        uploaded(&emulator, b"\0\0\0\0ftyp", "video/mp4", json!({"name": format!("files/{name}")}));
    }
    let page = ask(&emulator, "GET", "/v1beta/files?pageSize=2", &[KEY], b"").json();
    assert_eq!(
        (&page["files"][0]["name"], &page["files"][0]["state"]),
        (&json!("files/c"), &json!("PROCESSING"))
    );
    let next = format!("/v1beta/files?pageSize=2&pageToken={}", page["nextPageToken"].as_str().unwrap());
    let last = ask(&emulator, "GET", &next, &[KEY], b"").json();
    assert_eq!(last["files"].as_array().unwrap().len(), 1);
    assert!(last["nextPageToken"].is_null());
    let body = |uri: &str| {
        let part = json!({"fileData": {"mimeType": "video/mp4", "fileUri": uri}});
        json!({"contents": [{"parts": [{"text": "x"}, part]}], "generationConfig": small(1)})
    };
    let uri = page["files"][0]["uri"].as_str().unwrap().to_owned();
    let early = generate(&emulator, FLASH, &body(&uri));
    assert_eq!(early.error(), (400, "FAILED_PRECONDITION".into()));
    until(|| ask(&emulator, "GET", "/v1beta/files/c", &[KEY], b"").json()["state"] == "ACTIVE");
    assert_eq!(generate(&emulator, FLASH, &body(&uri)).status, 200);
    until(|| ask(&emulator, "GET", "/v1beta/files", &[KEY], b"").json() == json!({}));
    assert_eq!(generate(&emulator, FLASH, &body(&uri)).error(), (403, "PERMISSION_DENIED".into()));
}

#[test]
fn tokens_are_counted_by_the_catalogue() {
    let emulator = Emulator::start(0).unwrap();
    let path = format!("/v1beta/models/{PRO}:countTokens");
    let count = |body: Value| ask(&emulator, "POST", &path, &[KEY], &serde_json::to_vec(&body).unwrap());
    let picture = with_picture("eight ..", "image/png", &solid(4, 4, [9, 9, 9], "png"));
    let wanted = json!({
        "totalTokens": 562,
        "promptTokensDetails": [
            {"modality": "TEXT", "tokenCount": 2}, {"modality": "IMAGE", "tokenCount": 560},
        ],
    });
    let contents = json!({ "contents": picture["contents"] });
    assert_eq!(count(contents.clone()).json(), wanted);
    let mut whole = picture.clone();
    whole["model"] = format!("models/{PRO}").into();
    assert_eq!(count(json!({ "generateContentRequest": whole })).json(), wanted);
    let mut both = contents;
    both["generateContentRequest"] = whole.clone();
    assert_eq!(count(both).status, 400);
    whole["model"] = "models/other".into();
    assert!(count(json!({ "generateContentRequest": whole })).message().contains("as in the path"));
    let unknown = ask(&emulator, "POST", "/v1beta/models/x:countTokens", &[KEY], b"{}");
    assert_eq!(unknown.error(), (404, "NOT_FOUND".into()));
}

/// As other Google APIs and their libraries for discovery have it.
#[test]
fn a_file_comes_by_put_and_content_range() {
    let emulator = Emulator::start(0).unwrap();
    let kind = ("x-upload-content-type", "application/pdf");
    let opened = ask(&emulator, "POST", "/upload/v1beta/files?uploadType=resumable&key=k", &[kind], b"{}");
    let place = opened.headers["location"].strip_prefix(&emulator.url()).unwrap().to_owned();
    let put = |range: &str, bytes: &[u8]| ask(&emulator, "PUT", &place, &[("content-range", range)], bytes);
    let grain = vec![7; 262_144];
    let first = put("bytes 0-262143/262149", &grain);
    assert_eq!((first.status, first.headers["range"].as_str()), (308, "bytes=0-262143"));
    let asked = put("bytes */262149", b"");
    assert_eq!((asked.status, asked.headers["range"].as_str()), (308, "bytes=0-262143"));
    assert_eq!(put("bytes 5-9/262149", b"12345").error(), (400, "INVALID_ARGUMENT".into()));
    let last = put("bytes 262144-262148/262149", b"12345");
    assert_eq!((last.status, &last.json()["file"]["sizeBytes"]), (200, &json!("262149")));
}

#[test]
fn a_key_behind_a_dollar_sign_is_in_no_log() {
    let emulator = Emulator::start(0).unwrap();
    for name in ["key", "$key", "access_token", "$access_token", "oauth_token"] {
        let reply =
            ask(&emulator, "GET", &format!("/v1beta/files?{name}=canary-0123456789&userProject=p"), &[], b"");
        assert_eq!(reply.status, 200, "{name}");
    }
    assert!(!format!("{:?}", emulator.requests()).contains("canary"), "{:?}", emulator.requests());
}
