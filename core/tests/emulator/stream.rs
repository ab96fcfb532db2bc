//! Streams: what comes in which order, when, and that it is what the one reply holds.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use nanobanana::Emulator;
use serde_json::{Value, json};

use crate::line::*;

/// A config that lets the model think aloud, quickly.
fn aloud(seed: i64) -> Value {
    let mut config = small(seed);
    config["thinkingConfig"] = json!({"includeThoughts": true});
    config
}

/// What an event is, in a word.
fn kind(event: &Value) -> &'static str {
    let candidate = &event["candidates"][0];
    let part = &candidate["content"]["parts"][0];
    match (part["thought"] == true, part["inlineData"].is_object(), part["text"].as_str()) {
        _ if !event["error"].is_null() => "error",
        _ if !event["promptFeedback"].is_null() => "blocked",
        _ if candidate["finishReason"].is_string() => "end",
        (true, true, _) => "interim",
        (false, true, _) => "picture",
        (true, false, _) => "thought",
        (_, _, Some(_)) => "text",
        _ => "nothing",
    }
}

fn kinds(events: &[Value]) -> Vec<&'static str> {
    events.iter().map(kind).collect()
}

/// The events as one reply: texts side by side are one, all else as it came.
fn folded(events: &[Value]) -> Value {
    let mut reply = events.last().unwrap().clone();
    let mut all: Vec<Value> = Vec::new();
    for event in events {
        let candidate = &event["candidates"][0];
        for part in candidate["content"]["parts"].as_array().into_iter().flatten() {
            // Only a stream ends with it.
            if part["text"] == "" {
                continue;
            }
            match (all.last_mut(), part["text"].as_str()) {
                (Some(last), Some(more))
                    if last["text"].is_string() && last["thought"] == part["thought"] =>
                {
                    last["text"] = format!("{}{more}", last["text"].as_str().unwrap()).into();
                }
                _ => all.push(part.clone()),
            }
        }
        if !candidate["groundingMetadata"].is_null() {
            reply["candidates"][0]["groundingMetadata"] = candidate["groundingMetadata"].clone();
        }
    }
    if !all.is_empty() {
        reply["candidates"][0]["content"] = json!({"parts": all, "role": "model"});
    }
    reply
}

fn parts_of(reply: &mut Value) -> impl Iterator<Item = &mut Value> {
    let parts = reply.pointer_mut("/candidates/0/content/parts");
    parts.and_then(Value::as_array_mut).into_iter().flatten()
}

/// A reply without its id, and without the signature of words, which came in pieces.
fn told(mut reply: Value) -> Value {
    reply["responseId"] = Value::Null;
    for part in parts_of(&mut reply) {
        let signature = part["thoughtSignature"].clone();
        if part["text"].is_string() && part["text"] != "" && !signature.is_null() {
            part["thoughtSignature"] = true.into();
        }
    }
    reply
}

#[test]
fn a_stream_tells_thoughts_words_picture_grounding_and_end_in_this_order() {
    let emulator = Emulator::start(0).unwrap();
    let mut body = prompt("a cat", aloud(1));
    body["tools"] = json!([{"googleSearch": {}}]);
    let events = stream(&emulator, FLASH, &body);
    let wants = [
        "thought", "thought", "thought", "thought", "interim", "interim", "text", "text", "text", "picture",
        "end",
    ];
    assert_eq!(kinds(&events), wants);
    let part = |index: usize| &events[index]["candidates"][0]["content"]["parts"][0];
    assert_eq!((image_of(part(9)).width(), image_of(part(5)).width()), (512, 128));
    assert!(far(&image_of(part(9)), &image_of(part(5))) < 6.0, "the last thought is the picture");
    let signed = (0..11).filter(|index| part(*index)["thoughtSignature"].is_string());
    assert_eq!(signed.collect::<Vec<_>>(), [6, 9, 10]);
    let cut = part(6)["text"].as_str().unwrap();
    assert!(cut.ends_with(char::is_alphabetic), "a piece of words ends within a word: {cut:?}");
    // Counts come with each event and only grow; prompt and ids stay.
    let totals = events.iter().map(|event| event["usageMetadata"]["totalTokenCount"].as_u64().unwrap());
    let totals: Vec<u64> = totals.collect();
    assert!(totals.is_sorted() && totals[0] < totals[6] && totals[8] + 700 < totals[9], "{totals:?}");
    let thought = |index: usize| events[index]["usageMetadata"]["thoughtsTokenCount"].as_u64().unwrap();
    assert!(thought(0) < thought(1) && thought(3) < thought(6) && thought(6) == thought(10));
    assert!(events.iter().all(|event| event["responseId"] == events[0]["responseId"]));
    assert!(events.iter().all(|event| event["promptFeedback"].is_null()));
    let end = &events[10]["candidates"][0];
    assert!(end["groundingMetadata"].is_object() && end["finishReason"] == "STOP" && part(10)["text"] == "");
}

#[test]
fn a_stream_folds_into_the_one_reply() {
    let emulator = Emulator::start(0).unwrap();
    let mut searching = prompt("ein Kätzchen, 猫", aloud(3));
    searching["tools"] = json!([{"googleSearch": {}}]);
    let bodies = [
        (FLASH, searching),
        (NEW, prompt("x", json!({"seed": 3, "responseModalities": ["TEXT"]}))),
        (FLASH, prompt("a cat", json!({"seed": 3, "maxOutputTokens": 40}))),
        (OLD, prompt("a cat", json!({"seed": 3}))),
    ];
    for (model, body) in bodies {
        let whole = generate(&emulator, model, &body).json();
        let events = stream(&emulator, model, &body);
        assert_eq!(told(folded(&events)), told(whole), "{model} {body}");
    }
    let steps = [
        json!({"thoughts": ["one ", "two", {"$image": "png 8x8"}], "text": "Here it is", "image": "png 9x9", "text_after": "Enjoy", "grounding": true}),
        json!({"text": "a", "text_after": "b"}),
        json!({"text": "half", "continuation": "t", "ratings": [{"category": "X", "probability": "LOW"}]}),
        json!({"block_reason": "SAFETY", "ratings": [{"category": "X", "probability": "HIGH", "blocked": true}]}),
        json!({"finish_reason": "IMAGE_SAFETY", "finish_message": "Unable to show it."}),
        json!({"model_status": {"modelStage": "LEGACY", "message": "m"}, "image": "jpeg 8x8"}),
    ];
    for step in steps {
        emulator.script(&[step.clone(), step.clone()]).unwrap();
        let whole = generate(&emulator, FLASH, &json!({})).json();
        let events = stream(&emulator, FLASH, &json!({}));
        let unsigned = |reply: Value| {
            let mut reply = told(reply);
            for part in parts_of(&mut reply) {
                // A scripted answer is signed anew each time.
                part["thoughtSignature"] = part["thoughtSignature"].is_null().into();
            }
            reply
        };
        assert_eq!(unsigned(folded(&events)), unsigned(whole), "{step}");
    }
}

#[test]
fn a_stream_is_also_an_array_and_an_error_in_it_too() {
    let emulator = Emulator::start(0).unwrap();
    let body = prompt("a cat", aloud(1));
    let array = post(&emulator, FLASH, "streamGenerateContent", &body).json();
    let events = stream(&emulator, FLASH, &body);
    assert_eq!(kinds(array.as_array().unwrap()), kinds(&events));
    let refused = post(&emulator, FLASH, "streamGenerateContent", &json!({})).json();
    assert_eq!(refused[0]["error"]["code"], 400);
    emulator.script(&[json!({"json": []}), json!({"json": [1]})]).unwrap();
    assert_eq!(post(&emulator, FLASH, "streamGenerateContent", &json!({})).body, b"[]");
    assert_eq!(post(&emulator, FLASH, "streamGenerateContent", &json!({})).body, b"[1]");
}

#[test]
fn scripted_steps_are_streams_too() {
    let emulator = Emulator::start(0).unwrap();
    emulator
        .script(&[
            json!({"thoughts": ["hm", {"$image": "png 8x8"}, "ah"], "text": "Two of them", "images": ["png 8x8", "jpeg 9x8"], "text_after": "!", "grounding": {"webSearchQueries": ["q"]}}),
            json!({"image": "png 8x8"}),
            json!({"finish_reason": "NO_IMAGE", "text": "No"}),
            json!({"block_reason": "PROHIBITED_CONTENT"}),
            json!({"json": [{"a": 1}, {"error": {"code": 503}}]}),
            json!({"json": {"a": 1}}),
            json!({"body": "data: 1\n\n"}),
        ])
        .unwrap();
    let ask = || post(&emulator, FLASH, "streamGenerateContent?alt=sse", &json!({}));
    let first = events(&ask());
    let wants = ["thought", "interim", "thought", "text", "text", "picture", "picture", "text", "end"];
    assert_eq!(kinds(&first), wants);
    assert_eq!(first[8]["candidates"][0]["groundingMetadata"], json!({"webSearchQueries": ["q"]}));
    assert_eq!(kinds(&events(&ask())), ["picture", "end"]);
    assert_eq!(kinds(&events(&ask())), ["text", "text", "end"]);
    let blocked = events(&ask());
    assert_eq!(blocked[0]["promptFeedback"], json!({"blockReason": "PROHIBITED_CONTENT"}));
    assert!(blocked.len() == 1 && blocked[0]["candidates"].is_null());
    assert_eq!(ask().body, b"data: {\"a\":1}\r\n\r\ndata: {\"error\":{\"code\":503}}\r\n\r\n");
    assert_eq!(ask().body, b"data: {\"a\":1}\r\n\r\n");
    assert_eq!(ask().body, b"data: 1\n\n");
}

/// Opens a stream and gives its line.
fn open(emulator: &Emulator, body: &Value) -> std::net::TcpStream {
    let body = serde_json::to_vec(body).unwrap();
    let mut line = connect(emulator);
    let path = format!("/v1beta/models/{PRO}:streamGenerateContent?alt=sse&key=k");
    write_head(&mut line, "POST", &path, &[], body.len());
    line.write_all(&body).unwrap();
    line
}

fn holds(seen: &[u8], what: &[u8]) -> bool {
    seen.windows(what.len()).any(|window| window == what)
}

/// Reads until this has come.
fn reach(line: &mut std::net::TcpStream, seen: &mut Vec<u8>, what: &[u8]) {
    let mut buffer = vec![0; 1 << 16];
    while !holds(seen, what) {
        let count = line.read(&mut buffer).unwrap();
        assert_ne!(count, 0, "{} never came", String::from_utf8_lossy(what));
        seen.extend(&buffer[..count]);
    }
}

#[test]
fn events_leave_when_they_are_made() {
    let emulator = Emulator::start(0).unwrap();
    let mut config = aloud(1);
    config["imageConfig"]["imageSize"] = "4K".into();
    let mut line = open(&emulator, &prompt("a cat", config));
    let mut seen = Vec::new();
    reach(&mut line, &mut seen, b"and write the prompt below");
    // It draws a picture of 4K meanwhile.
    assert!(!holds(&seen, b"finishReason") && emulator.active() == 1);
    reach(&mut line, &mut seen, b"finishReason");
}

#[test]
fn events_can_be_told_apart_by_a_pause() {
    let emulator = Emulator::start(0).unwrap();
    let slow = json!({"event_pause": 1.0, "json": [{"a": 1}, {"b": 2}, {"c": 3}]});
    emulator.script(&[slow]).unwrap();
    let start = Instant::now();
    let mut line = open(&emulator, &json!({}));
    let mut seen = Vec::new();
    for (mark, next) in [("{\"a\":1}\r\n\r\n", "\"b\""), ("{\"b\":2}\r\n\r\n", "\"c\"")] {
        reach(&mut line, &mut seen, mark.as_bytes());
        assert!(!holds(&seen, next.as_bytes()), "{next} came with the event before it");
    }
    reach(&mut line, &mut seen, b"{\"c\":3}\r\n\r\n");
    assert!(start.elapsed() >= Duration::from_secs(2), "{:?}", start.elapsed());
}

#[test]
fn a_stream_is_cut_chunked_and_compressed_like_any_body() {
    let emulator = Emulator::start(0).unwrap();
    emulator
        .script(&[
            json!({"text": "Here it is", "cut": 30}),
            json!({"json": [{"a": 1}], "cut": 5000}),
            json!({"json": [{"a": 1}, {"b": 2}], "chunk": 3, "pause": 0.005}),
            json!({"json": [{"a": 1}, {"b": 2}], "gzip": true}),
            json!({"event_pause": 0.01}),
        ])
        .unwrap();
    let ask = |body: &Value| post(&emulator, FLASH, "streamGenerateContent?alt=sse", body);
    let cut = ask(&json!({}));
    assert!(cut.reset && cut.body.len() == 30 && cut.body.starts_with(b"data: {\""), "{cut:?}");
    let late = ask(&json!({}));
    assert!(late.reset && late.body == b"data: {\"a\":1}\r\n\r\n", "{late:?}");
    assert_eq!(events(&ask(&json!({}))), [json!({"a": 1}), json!({"b": 2})]);
    let zipped = ask(&json!({}));
    let mut plain = String::new();
    flate2::read::GzDecoder::new(zipped.body.as_slice()).read_to_string(&mut plain).unwrap();
    assert_eq!(plain, "data: {\"a\":1}\r\n\r\ndata: {\"b\":2}\r\n\r\n");
    assert_eq!(kinds(&events(&ask(&prompt("a cat", small(1))))).last(), Some(&"end"));
}

#[test]
fn a_compressed_event_can_be_read_when_it_comes() {
    let emulator = Emulator::start(0).unwrap();
    emulator.script(&[json!({"json": [{"a": 1}, {"b": 2}], "gzip": true, "event_pause": 60})]).unwrap();
    let mut line = open(&emulator, &json!({}));
    let (mut raw, mut plain) = (Vec::new(), Vec::new());
    // Each piece of the line may be a part of the event; the next event is a minute away.
    while plain.len() < b"data: {\"a\":1}\r\n\r\n".len() {
        let mut buffer = [0; 1 << 10];
        let count = line.read(&mut buffer).unwrap();
        assert_ne!(count, 0, "it ended");
        raw.extend(&buffer[..count]);
        let Some(head) = raw.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        plain.clear();
        let body = unchunked(&raw[head + 4..]);
        let _ = flate2::read::GzDecoder::new(body.as_slice()).read_to_end(&mut plain);
    }
    assert_eq!(plain, b"data: {\"a\":1}\r\n\r\n");
}

#[test]
fn a_client_that_leaves_a_stream_is_noticed_at_once() {
    let emulator = Emulator::start(0).unwrap();
    emulator.script(&[json!({"event_pause": 60, "text": "Here it is"})]).unwrap();
    let mut line = open(&emulator, &json!({}));
    reach(&mut line, &mut Vec::new(), b"data: ");
    assert_eq!(emulator.active(), 1);
    drop(line);
    until(|| emulator.active() == 0);
    assert_eq!(emulator.requests()[0]["cancelled"], true);
}
