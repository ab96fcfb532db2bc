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

/// The answers of a batch of these requests.
fn answered(emulator: &Emulator, requests: Value) -> Vec<Value> {
    let told = ended(emulator, &name(&create(emulator, inline(requests))));
    let answers = &told["response"]["inlinedResponses"]["inlinedResponses"];
    answers.as_array().unwrap_or_else(|| panic!("{told}")).clone()
}

#[test]
fn a_script_answers_the_requests_of_a_batch() {
    let emulator = quick();
    let script = [
        json!({"match": {"prompt": "two"}, "error": {"status": "RESOURCE_EXHAUSTED", "message": "no room", "details": [{"a": 1}]}}),
        json!({"match": {"prompt": "three"}, "text": "sorry", "finish_reason": "IMAGE_SAFETY"}),
        json!({"match": {"seed": 4}, "status": 503}),
        json!({"match": {"model": FLASH, "prompt": "five"}, "json": {"candidates": [{"finishReason": "NO_IMAGE"}]}}),
        json!({"match": {"call": "batch_request", "prompt": "six"}, "status": 404, "json": {"error": {"status": "NOT_FOUND", "message": "gone"}}}),
        json!({"match": {"call": "generate"}, "status": 500}),
        json!({"match": {"model": PRO}, "status": 500}),
        json!({"match": {"prompt": "seven"}, "body": "<html>"}),
    ];
    emulator.script(&script).unwrap();
    let words = ["one", "two", "three", "four", "five", "six", "seven"];
    let requests: Vec<Value> = (1..).zip(words).map(|(seed, words)| request(words, seed)).collect();
    let answers = answered(&emulator, json!(requests));
    let error = |code: i32, message: &str| json!({"code": code, "message": message});
    assert!(answers[0]["response"]["candidates"].is_array());
    assert_eq!(answers[1]["error"], json!({"code": 8, "message": "no room", "details": [{"a": 1}]}));
    assert_eq!(answers[2]["response"]["candidates"][0]["finishReason"], "IMAGE_SAFETY");
    assert_eq!(answers[3]["error"], error(14, "This error was scripted."));
    assert_eq!(answers[4]["response"], json!({"candidates": [{"finishReason": "NO_IMAGE"}]}));
    assert_eq!(answers[5]["error"], error(5, "gone"));
    let message = answers[6]["error"]["message"].as_str().unwrap();
    assert!(message.contains("no JSON"), "{message}");
    // What was meant for single calls waits for them.
    assert_eq!(generate(&emulator, FLASH, &prompt("x", small(1))).status, 500);
    assert_eq!(generate(&emulator, FLASH, &prompt("x", small(1))).status, 200);
    assert_eq!(generate(&emulator, PRO, &prompt("x", json!({}))).status, 500);
}

#[test]
fn a_script_answers_the_lines_of_a_file_and_tells_batches_apart_by_their_path() {
    let emulator = quick();
    let lines = |names: &[&str]| -> String {
        let line = |name: &&str| json!({"key": name, "request": prompt(name, small(1))}).to_string() + "\n";
        names.iter().map(line).collect()
    };
    // The first one holds up the only thread that draws, until the script is told of the second one.
    emulator.script(&[json!({"match": {"prompt": "slow"}, "delay": 3.0})]).unwrap();
    create(&emulator, inline(json!([request("slow", 1)])));
    until(|| ask(&emulator, "GET", "/__emulator/script", &[], b"").json()["steps"] == json!([]));
    let file = upload(&emulator, "jsonl", lines(&["a", "b"]).as_bytes());
    let name = name(&create(&emulator, json!({"inputConfig": {"fileName": file}})));
    let other = json!({"match": {"call": "batch_request", "path": "batches/other"}, "status": 400, "times": "always"});
    let this = json!({"match": {"call": "batch_request", "path": name, "prompt": "b"}, "status": 429});
    emulator.script(&[other, this]).unwrap();
    let told = ended(&emulator, &name);
    assert_eq!(told["metadata"]["batchStats"]["failedRequestCount"], "1");
    let results = told["response"]["responsesFile"].as_str().unwrap();
    let reply = ask(&emulator, "GET", &format!("/v1beta/{results}:download?alt=media"), &[KEY], b"");
    let lines: Vec<Value> = std::str::from_utf8(&reply.body)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(lines[0]["response"].is_object(), "{lines:?}");
    assert_eq!((&lines[1]["key"], &lines[1]["error"]["code"]), (&json!("b"), &json!(8)));
}

#[test]
fn a_request_that_hangs_keeps_its_batch_running_and_no_other_one() {
    let emulator = quick();
    emulator.script(&[json!({"match": {"prompt": "stuck"}, "hang": true})]).unwrap();
    let stuck = name(&create(&emulator, inline(json!([request("fine", 1), request("stuck", 2)]))));
    assert_eq!(answered(&emulator, json!([request("other", 3)])).len(), 1);
    let told = call(&emulator, "GET", &stuck).json();
    assert_eq!(told["metadata"]["state"], "BATCH_STATE_RUNNING");
    assert_eq!(
        told["metadata"]["batchStats"],
        json!({"requestCount": "2", "successfulRequestCount": "1", "pendingRequestCount": "1"})
    );
    call(&emulator, "POST", &format!("{stuck}:cancel"));
    assert_eq!(call(&emulator, "GET", &stuck).json()["metadata"]["state"], "BATCH_STATE_CANCELLED");
}

#[test]
fn a_batch_has_limits_of_its_own() {
    let emulator =
        Emulator::start_with(EmulatorOptions::new().batch_processing(0.0).rpm(1_u32).ipm(1_u32).rpd(1_u32))
            .unwrap();
    let requests: Vec<Value> = (0..3).map(|seed| request("x", seed)).collect();
    assert!(answered(&emulator, json!(requests)).iter().all(|answer| answer["response"].is_object()));
    assert_eq!(generate(&emulator, FLASH, &prompt("x", small(1))).status, 200, "nothing was used up");
    assert_eq!(generate(&emulator, FLASH, &prompt("x", small(1))).status, 429);
    assert_eq!(answered(&emulator, json!([request("x", 9)])).len(), 1, "nor does the limit hold it up");
}

#[test]
fn a_batch_that_does_not_end_in_its_time_expires() {
    let with = |told: Value| {
        let options = EmulatorOptions::read(told.as_object().unwrap(), nanobanana::schema::Case::Snake);
        Emulator::start_with(options.unwrap()).unwrap()
    };
    let emulator = with(json!({"batch_processing": 60, "batch_life": 0.3}));
    let name = self::name(&create(&emulator, inline(json!([request("one", 1)]))));
    assert_eq!(call(&emulator, "GET", &name).json()["metadata"]["state"], "BATCH_STATE_PENDING");
    let told = ended(&emulator, &name);
    assert_eq!((&told["metadata"]["state"], &told["done"]), (&json!("BATCH_STATE_EXPIRED"), &json!(true)));
    assert!(told["error"]["message"].as_str().unwrap().contains("expired"), "{told}");
    assert!(told["response"].is_null() && told["metadata"]["output"].is_null());
    assert!(told["metadata"]["endTime"].is_string());
    call(&emulator, "POST", &format!("{name}:cancel"));
    assert_eq!(call(&emulator, "GET", &name).json()["metadata"]["state"], "BATCH_STATE_EXPIRED");
    // One whose request never ends does, too; and what has ended before stays.
    let emulator = with(json!({"batch_processing": 0, "batch_life": 1.0}));
    emulator.script(&[json!({"match": {"prompt": "stuck"}, "hang": true})]).unwrap();
    let stuck = self::name(&create(&emulator, inline(json!([request("stuck", 2)]))));
    let done = self::name(&create(&emulator, inline(json!([request("one", 1)]))));
    ended(&emulator, &done);
    assert_eq!(ended(&emulator, &stuck)["metadata"]["state"], "BATCH_STATE_EXPIRED");
    assert_eq!(call(&emulator, "GET", &done).json()["metadata"]["state"], "BATCH_STATE_SUCCEEDED");
}
