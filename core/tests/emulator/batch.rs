//! Batches: how one begins, what it tells of itself, and how its answers come back.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nanobanana::{Emulator, EmulatorOptions, Image};
use serde_json::{Value, json};

use crate::line::*;

const KEY: (&str, &str) = ("x-goog-api-key", "k");

fn quick() -> Emulator {
    Emulator::start_with(EmulatorOptions::new().batch_processing(0.0)).unwrap()
}

fn slow() -> Emulator {
    Emulator::start_with(EmulatorOptions::new().batch_processing(60.0)).unwrap()
}

fn call(emulator: &Emulator, method: &str, path: &str) -> Reply {
    ask(emulator, method, &format!("/v1beta/{path}"), &[KEY], b"")
}

fn create(emulator: &Emulator, batch: Value) -> Reply {
    post(emulator, FLASH, "batchGenerateContent", &json!({ "batch": batch }))
}

fn inline(requests: Value) -> Value {
    json!({"displayName": "mine", "inputConfig": {"requests": {"requests": requests}}})
}

fn name(reply: &Reply) -> String {
    assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
    reply.json()["name"].as_str().unwrap().to_owned()
}

fn upload(emulator: &Emulator, kind: &str, bytes: &[u8]) -> String {
    let size = bytes.len().to_string();
    let headers = [
        KEY,
        ("x-goog-upload-protocol", "resumable"),
        ("x-goog-upload-command", "start"),
        ("x-goog-upload-header-content-length", &size),
        ("x-goog-upload-header-content-type", kind),
    ];
    let opened = ask(emulator, "POST", "/upload/v1beta/files", &headers, b"{}");
    let path = opened.headers["x-goog-upload-url"].strip_prefix(&emulator.url()).unwrap().to_owned();
    let headers = [("x-goog-upload-command", "upload, finalize"), ("x-goog-upload-offset", "0")];
    let done = ask(emulator, "POST", &path, &headers, bytes);
    done.json()["file"]["name"].as_str().unwrap().to_owned()
}

/// What a batch is when it has come to its end.
fn ended(emulator: &Emulator, name: &str) -> Value {
    until(|| call(emulator, "GET", name).json()["done"] == true);
    call(emulator, "GET", name).json()
}

fn request(words: &str, seed: i64) -> Value {
    json!({ "request": prompt(words, small(seed)) })
}

#[test]
fn what_was_sent_within_comes_back_within_in_its_order() {
    let emulator = quick();
    let mut second = request("two", 2);
    second["metadata"] = json!({"key": "b"});
    let bad = json!({"request": prompt("x", json!({"imageConfig": {"aspectRatio": "7:5"}}))});
    let other = json!({"request": {"model": "models/other", "contents": [{"parts": [{"text": "x"}]}]}});
    let name = name(&create(&emulator, inline(json!([request("one", 1), second, bad, other]))));
    assert!(name.strip_prefix("batches/").is_some_and(|id| id.len() == 36), "{name}");
    let told = ended(&emulator, &name);
    let metadata = &told["metadata"];
    assert_eq!(
        metadata["@type"],
        "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch"
    );
    assert_eq!((&metadata["name"], &metadata["displayName"]), (&json!(name), &json!("mine")));
    assert_eq!(metadata["model"], format!("models/{FLASH}"));
    assert_eq!(metadata["state"], "BATCH_STATE_SUCCEEDED");
    assert_eq!(
        metadata["batchStats"],
        json!({"requestCount": "4", "successfulRequestCount": "2", "failedRequestCount": "2"})
    );
    assert!(metadata["endTime"].is_string() && metadata["createTime"].is_string());
    let answers = metadata["output"]["inlinedResponses"]["inlinedResponses"].as_array().unwrap();
    assert_eq!(told["response"]["inlinedResponses"]["inlinedResponses"], json!(answers), "they come twice");
    assert!(told["response"]["@type"].as_str().unwrap().ends_with(".GenerateContentBatchOutput"));
    let own = generate(&emulator, FLASH, &prompt("one", small(1))).json();
    let parts = |answer: &Value| answer["candidates"][0]["content"]["parts"].clone();
    assert_eq!(parts(&answers[0]["response"]), parts(&own), "as if it had been asked alone");
    assert_eq!((&answers[0]["metadata"], &answers[1]["metadata"]), (&Value::Null, &json!({"key": "b"})));
    let error = &answers[2]["error"];
    assert_eq!((&error["code"], &answers[2]["response"]), (&json!(3), &Value::Null));
    assert!(error["message"].as_str().unwrap().contains("Invalid aspect ratio"));
    assert!(answers[3]["error"]["message"].as_str().unwrap().contains("as that of the batch"));
}

#[test]
fn a_file_comes_back_as_a_file_line_for_line() {
    let emulator = quick();
    let line = |key: &str, seed: i64| json!({"key": key, "request": prompt(key, small(seed))}).to_string();
    let bad = json!({"key": "c", "request": {"contents": [], "colour": 1}}).to_string();
    let text = format!("{}\n\n{}\r\n{bad}", line("a", 1), line("b", 2));
    let file = upload(&emulator, "jsonl", text.as_bytes());
    let name = name(&create(&emulator, json!({"displayName": "mine", "inputConfig": {"fileName": file}})));
    let told = ended(&emulator, &name);
    let metadata = &told["metadata"];
    assert_eq!(metadata["inputConfig"], json!({ "fileName": file }));
    let results = metadata["output"]["responsesFile"].as_str().unwrap();
    assert_eq!(results, format!("files/batch-{}", name.strip_prefix("batches/").unwrap()));
    assert_eq!(told["response"]["responsesFile"], results);
    let file = call(&emulator, "GET", results).json();
    assert_eq!((&file["source"], &file["state"]), (&json!("GENERATED"), &json!("ACTIVE")));
    let own = file["downloadUri"].as_str().unwrap().strip_prefix(&emulator.url()).unwrap().to_owned();
    for path in [own, format!("/v1/{results}:download?alt=media")] {
        let reply = ask(&emulator, "GET", &path, &[KEY], b"");
        assert_eq!(reply.headers["content-type"], "application/jsonl");
        let lines: Vec<Value> = (reply.body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()))
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect();
        let keys: Vec<&Value> = lines.iter().map(|line| &line["key"]).collect();
        assert_eq!(keys, ["a", "b", "c"]);
        let part = &lines[1]["response"]["candidates"][0]["content"]["parts"][1]["inlineData"]["data"];
        let image = Image::from_bytes(STANDARD.decode(part.as_str().unwrap()).unwrap()).unwrap();
        assert_eq!(image.width(), 512);
        assert!(lines[2]["error"]["message"].as_str().unwrap().contains("Unknown name \"colour\""));
    }
    assert_eq!(ask(&emulator, "GET", &format!("/v1/{results}:download?alt=media"), &[], b"").status, 403);
    let uploaded = metadata["inputConfig"]["fileName"].as_str().unwrap();
    let refused = call(&emulator, "GET", &format!("{uploaded}:download?alt=media"));
    assert!(refused.message().contains("Only generated files"), "{}", refused.message());
}

#[test]
fn a_file_that_is_no_list_of_requests_fails_the_batch() {
    let emulator = quick();
    for (text, says) in [("{\"key\": 1}", "Line 1 of the input file has no request"), ("\n{", "Line 2")] {
        let file = upload(&emulator, "application/json", text.as_bytes());
        let told = ended(&emulator, &name(&create(&emulator, json!({"inputConfig": {"fileName": file}}))));
        assert_eq!(told["metadata"]["state"], "BATCH_STATE_FAILED");
        assert_eq!(told["error"]["code"], 3);
        assert!(told["error"]["message"].as_str().unwrap().contains(says), "{told}");
        assert!(told["response"].is_null() && told["metadata"]["output"].is_null());
    }
}

#[test]
fn states_follow_time_and_a_cancelled_batch_stays_so() {
    let emulator = Emulator::start_with(EmulatorOptions::new().batch_processing(1.0)).unwrap();
    let first = create(&emulator, inline(json!([request("one", 1)])));
    let json = first.json();
    assert_eq!(json["metadata"]["state"], "BATCH_STATE_PENDING");
    assert_eq!(json["metadata"]["batchStats"], json!({"requestCount": "1", "pendingRequestCount": "1"}));
    assert!(json["done"].is_null() && json["metadata"]["endTime"].is_null());
    let name = name(&first);
    let state = || call(&emulator, "GET", &name).json()["metadata"]["state"].as_str().unwrap().to_owned();
    until(|| state() != "BATCH_STATE_PENDING");
    assert_eq!(state(), "BATCH_STATE_RUNNING");
    until(|| state() == "BATCH_STATE_SUCCEEDED");
    // What has ended stays as it is.
    assert_eq!(call(&emulator, "POST", &format!("{name}:cancel")).json(), json!({}));
    assert_eq!(state(), "BATCH_STATE_SUCCEEDED");
    let slow = slow();
    let name = self::name(&create(&slow, inline(json!([request("one", 1)]))));
    assert_eq!(call(&slow, "POST", &format!("{name}:cancel")).json(), json!({}));
    let told = call(&slow, "GET", &name).json();
    assert_eq!((&told["metadata"]["state"], &told["done"]), (&json!("BATCH_STATE_CANCELLED"), &json!(true)));
    assert_eq!(told["error"]["code"], 1);
    assert!(told["response"].is_null());
}

#[test]
fn batches_are_listed_newest_first_and_deleted() {
    let emulator = slow();
    let names: Vec<String> =
        (0..3).map(|seed| name(&create(&emulator, inline(json!([request("x", seed)]))))).collect();
    let page = call(&emulator, "GET", "batches?pageSize=2").json();
    let listed = |page: &Value| -> Vec<String> {
        let all = page["operations"].as_array().unwrap().iter();
        all.map(|one| one["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(listed(&page), [names[2].clone(), names[1].clone()]);
    let token = page["nextPageToken"].as_str().unwrap();
    let last = call(&emulator, "GET", &format!("batches?pageSize=2&pageToken={token}")).json();
    assert_eq!((listed(&last), &last["nextPageToken"]), (vec![names[0].clone()], &Value::Null));
    for name in &names {
        assert_eq!(call(&emulator, "DELETE", name).json(), json!({}));
        for (method, path) in
            [("GET", name.clone()), ("DELETE", name.clone()), ("POST", format!("{name}:cancel"))]
        {
            assert_eq!(call(&emulator, method, &path).error(), (404, "NOT_FOUND".into()), "{method} {path}");
        }
    }
    assert_eq!(call(&emulator, "GET", "batches").json(), json!({}));
    assert_eq!(call(&emulator, "GET", "batches?pageToken=x").status, 400);
    assert_eq!(call(&emulator, "GET", "batches?pageSize=-1").status, 400);
}

#[test]
fn what_is_no_batch_is_refused_at_once() {
    let emulator = slow();
    let refused = |batch: Value, code: u16, says: &str| {
        let reply = create(&emulator, batch);
        assert_eq!(reply.status, code, "{says}");
        assert!(reply.message().contains(says), "{} should say {says}", reply.message());
    };
    refused(json!({}), 400, "at least one request");
    refused(inline(json!([])), 400, "at least one request");
    refused(inline(json!([{"metadata": {}}])), 400, "requests[0].request: must be set");
    refused(json!({"name": "x", "kind": 1}), 400, "Unknown name \"kind\" at 'batch'");
    let unknown = json!([request("x", 1), {"request": {"contents": [], "colour": 1}}]);
    refused(
        inline(unknown),
        400,
        "Unknown name \"colour\" at 'batch.input_config.requests.requests[1].request'",
    );
    let mut both = inline(json!([request("x", 1)]));
    both["inputConfig"]["fileName"] = "files/abc".into();
    refused(both, 400, "oneof field 'source' is already set");
    refused(json!({"inputConfig": {"fileName": "files/abc"}}), 403, "may not exist");
    let mut hook = inline(json!([request("x", 1)]));
    hook["webhookConfig"] = json!({"uris": ["https://a.example"]});
    refused(hook, 400, "Webhooks are not offline");
    let large = inline(json!([request(&"x".repeat(20 << 20), 1)]));
    refused(large, 400, "payload size exceeds the limit: 20971520 bytes");
    let model = post(&emulator, "gemini-9", "batchGenerateContent", &json!({}));
    assert!(model.error().0 == 404 && model.message().contains("not supported for batchGenerateContent"));
    let open: Vec<u16> =
        (0..101).map(|seed| create(&emulator, inline(json!([request("x", seed)]))).status).collect();
    assert_eq!(open.iter().filter(|status| **status == 200).count(), 100);
    assert_eq!(open.last(), Some(&429));
}

#[test]
fn a_script_answers_in_place_of_a_batch() {
    let emulator = slow();
    emulator
        .script(&[
            json!({"match": {"call": "batch_create"}, "status": 429}),
            json!({"match": {"call": "batch_get"}, "json": {"name": "batches/x"}}),
            json!({"match": {"call": "file_download"}, "body": "{}\n"}),
        ])
        .unwrap();
    assert_eq!(create(&emulator, json!({})).error(), (429, "RESOURCE_EXHAUSTED".into()));
    assert_eq!(call(&emulator, "GET", "batches/x").json(), json!({"name": "batches/x"}));
    assert_eq!(call(&emulator, "GET", "files/x:download?alt=media").body, b"{}\n");
    assert_eq!(call(&emulator, "GET", "batches/x").status, 404);
}
