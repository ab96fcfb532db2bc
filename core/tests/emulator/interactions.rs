//! The Interactions API: what it takes, what it answers, how it streams and what it keeps.

use nanobanana::{Emulator, EmulatorOptions, Image};
use serde_json::{Value, json};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::line::*;

const KEY: (&str, &str) = ("x-goog-api-key", "k");

fn create(emulator: &Emulator, body: &Value) -> Reply {
    ask(emulator, "POST", "/v1/interactions", &[KEY], &serde_json::to_vec(body).unwrap())
}

fn call(emulator: &Emulator, method: &str, path: &str) -> Reply {
    ask(emulator, method, &format!("/v1beta/interactions/{path}"), &[KEY], b"")
}

/// A request that is quickly drawn.
fn wish(words: &str) -> Value {
    json!({
        "model": FLASH, "input": words, "generation_config": {"seed": 1},
        "response_format": [{"type": "text"}, {"type": "image", "image_size": "512"}],
    })
}

fn with(mut body: Value, extra: Value) -> Value {
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    body
}

fn made(reply: &Reply) -> Value {
    assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
    reply.json()
}

fn step<'a>(told: &'a Value, kind: &str) -> &'a Value {
    told["steps"].as_array().unwrap().iter().find(|step| step["type"] == kind).unwrap()
}

fn image(told: &Value) -> Image {
    let content = step(told, "model_output")["content"].as_array().unwrap();
    let image = content.iter().find(|content| content["type"] == "image").unwrap();
    let read = Image::from_bytes(STANDARD.decode(image["data"].as_str().unwrap()).unwrap()).unwrap();
    assert_eq!(image["mime_type"], read.mime_type());
    read
}

fn bytes(told: &Value) -> Vec<u8> {
    image(told).bytes().unwrap().to_vec()
}

/// The events of a stream: their names and their data.
fn told(reply: &Reply) -> Vec<(String, Value)> {
    assert_eq!(reply.headers["content-type"], "text/event-stream");
    let text = std::str::from_utf8(&reply.body).unwrap();
    (text.split("\n\n").filter(|event| !event.is_empty()))
        .map(|event| {
            let (name, data) = event.strip_prefix("event: ").unwrap().split_once("\ndata: ").unwrap();
            (name.to_owned(), serde_json::from_str(data).unwrap_or_else(|_| data.into()))
        })
        .collect()
}

#[test]
fn an_interaction_answers_in_steps_with_its_counts() {
    let emulator = Emulator::start(0).unwrap();
    let told = made(&create(&emulator, &wish("A banana boat")));
    assert!(told["id"].as_str().unwrap().starts_with("v1_"));
    assert_eq!((&told["object"], &told["status"]), (&json!("interaction"), &json!("completed")));
    assert_eq!(told["model"], FLASH);
    let kinds: Vec<&Value> = told["steps"].as_array().unwrap().iter().map(|step| &step["type"]).collect();
    assert_eq!(kinds, ["thought", "model_output"]);
    assert!(told["steps"][0]["signature"].is_string() && told["steps"][0]["summary"].is_null());
    let content = &told["steps"][1]["content"];
    assert!(content[0]["text"].as_str().unwrap().contains("A banana boat"), "words in one piece");
    assert_eq!(content.as_array().unwrap().len(), 2);
    assert_eq!(pixels_of(&image(&told)), (512, 512));
    // The same pixels as by the older way.
    let old = generate(&emulator, FLASH, &prompt("A banana boat", small(1)));
    assert_eq!(bytes(&told), picture(&old).bytes().unwrap().to_vec());
    let usage = &told["usage"];
    assert_eq!((&usage["total_input_tokens"], &usage["total_cached_tokens"]), (&json!(4), &json!(0)));
    let images = usage["output_tokens_by_modality"].as_array().unwrap();
    assert!(images.contains(&json!({"modality": "image", "tokens": 747})), "{images:?}");
    let sum: u64 = ["total_input_tokens", "total_output_tokens", "total_thought_tokens"]
        .iter()
        .map(|name| usage[*name].as_u64().unwrap())
        .sum();
    assert_eq!(usage["total_tokens"], sum);
}

#[test]
fn formats_say_what_comes_and_how() {
    let emulator = Emulator::start(0).unwrap();
    let kinds = |format: Value| -> Vec<String> {
        let told = made(&create(&emulator, &with(wish("x"), json!({ "response_format": format }))));
        let content = step(&told, "model_output")["content"].as_array().unwrap();
        content.iter().map(|content| content["type"].as_str().unwrap().to_owned()).collect()
    };
    let small = json!({"type": "image", "image_size": "512", "aspect_ratio": "16:9"});
    assert_eq!(kinds(small.clone()), ["image"]);
    assert_eq!(kinds(json!([small, {"type": "text"}])), ["text", "image"]);
    assert_eq!(kinds(json!({"type": "text"})), ["text"]);
    let wide = made(&create(&emulator, &with(wish("x"), json!({ "response_format": small }))));
    assert_eq!(pixels_of(&image(&wide)), (688, 384));
    let older = json!({
        "response_format": null, "response_modalities": ["image"],
        "generation_config": {"image_config": {"image_size": "512px", "aspect_ratio": "16:9"}},
    });
    assert_eq!(pixels_of(&image(&made(&create(&emulator, &with(wish("x"), older))))), (688, 384));
    let old = |format: Value| json!({"model": OLD, "input": "x", "response_format": format});
    assert_eq!(image(&made(&create(&emulator, &old(json!({"type": "image"}))))).mime_type(), "image/png");
    let jpeg = old(json!({"type": "image", "mime_type": "image/jpeg"}));
    assert_eq!(image(&made(&create(&emulator, &jpeg))).mime_type(), "image/jpeg");
    // By its address.
    let by_uri = json!({"response_format": {"type": "image", "image_size": "512", "delivery": "uri"}});
    let told = made(&create(&emulator, &with(wish("x"), by_uri)));
    let content = &step(&told, "model_output")["content"][0];
    assert!(content["data"].is_null());
    let path = content["uri"].as_str().unwrap().strip_prefix(&emulator.url()).unwrap();
    let bytes = ask(&emulator, "GET", &format!("{path}:download?alt=media"), &[KEY], b"").body;
    assert_eq!(Image::from_bytes(bytes).unwrap().width(), 512);
    let next = with(wish("again"), json!({"previous_interaction_id": told["id"]}));
    assert_eq!(made(&create(&emulator, &next))["usage"]["input_tokens_by_modality"][1]["modality"], "image");
}

#[test]
fn pictures_thoughts_search_and_instructions_are_taken() {
    let emulator = Emulator::start(0).unwrap();
    let picture =
        json!({"type": "image", "mime_type": "image/png", "data": solid(64, 64, [240, 10, 10], "png")});
    let body = with(
        wish(""),
        json!({
            "input": [{"type": "text", "text": "frame it"}, picture],
            "system_instruction": "Be brief", "labels": {"team": "a"}, "service_tier": "standard",
            "generation_config": {"seed": 1, "thinking_level": "high", "thinking_summaries": "auto"},
            "tools": [{"type": "google_search", "search_types": ["web_search", "image_search"]}],
            "safety_settings": [{"type": "harassment", "threshold": "block_none"}],
        }),
    );
    let told = made(&create(&emulator, &body));
    let kinds: Vec<&Value> = told["steps"].as_array().unwrap().iter().map(|step| &step["type"]).collect();
    assert_eq!(kinds, ["thought", "google_search_call", "google_search_result", "model_output"]);
    let summary = step(&told, "thought")["summary"].as_array().unwrap();
    assert!(summary[0]["text"].is_string() && summary[1]["type"] == "image", "{:?}", summary.len());
    let call = step(&told, "google_search_call");
    assert_eq!(call["arguments"]["queries"], json!(["frame it", "frame it"]));
    assert_eq!(step(&told, "google_search_result")["call_id"], call["id"]);
    assert_eq!(step(&told, "model_output")["content"][0]["annotations"][0]["type"], "url_citation");
    assert_eq!((&told["labels"], &told["service_tier"]), (&json!({"team": "a"}), &json!("standard")));
    assert_eq!(told["usage"]["grounding_tool_count"][0]["type"], "google_search");
    let pixels = image(&told).pixels().unwrap();
    let at = ((pixels.height / 3) * pixels.width + pixels.width / 2) as usize * 3;
    assert!(i32::from(pixels.data[at]) - i32::from(pixels.data[at + 2]) > 50, "the picture is in it");
}

#[test]
fn the_next_one_goes_on_from_the_picture_before() {
    let emulator = Emulator::start(0).unwrap();
    let wide = json!({"response_format": {"type": "image", "image_size": "512", "aspect_ratio": "16:9"}});
    let first = made(&create(&emulator, &with(wish("a red boat"), wide)));
    let next = |id: &Value| with(wish("at night"), json!({"previous_interaction_id": id}));
    let second = made(&create(&emulator, &next(&first["id"])));
    assert_eq!(second["previous_interaction_id"], first["id"]);
    assert_eq!(pixels_of(&image(&second)), (688, 384), "it has its shape");
    assert_eq!(second["usage"]["input_tokens_by_modality"][1]["modality"], "image");
    let third = made(&create(&emulator, &next(&second["id"])));
    assert_eq!(pixels_of(&image(&third)), (688, 384));
    // The steps sent back do the same, if they bring their signature.
    let user = |words: &str| json!({"type": "user_input", "content": [{"type": "text", "text": words}]});
    let steps = first["steps"].as_array().unwrap();
    let all = |steps: &[Value]| {
        let mut input = vec![user("a red boat")];
        input.extend_from_slice(steps);
        input.push(user("at night"));
        with(wish(""), json!({ "input": input }))
    };
    assert_eq!(bytes(&made(&create(&emulator, &all(steps)))), bytes(&second));
    let unsigned = create(&emulator, &all(&steps[1..]));
    assert!(unsigned.message().contains("missing the signature"), "{}", unsigned.message());
    let mut altered = steps.clone();
    altered[0]["signature"] = "aGVsbG8=".into();
    assert!(create(&emulator, &all(&altered)).message().contains("signature is not valid"));
    // What is not kept cannot be gone on from.
    let lost = made(&create(&emulator, &with(wish("x"), json!({"store": false}))));
    let reply = create(&emulator, &next(&lost["id"]));
    assert_eq!((reply.status, &reply.json()["error"]["code"]), (404, &json!("not_found")));
}

#[test]
fn a_stream_tells_step_by_step_and_is_read_again_from_any_event() {
    let emulator = Emulator::start(0).unwrap();
    let asked = with(
        wish("A boat"),
        json!({"stream": true, "generation_config": {"seed": 1, "thinking_summaries": "auto"}}),
    );
    let events = told(&create(&emulator, &asked));
    let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names[..3], ["interaction.created", "interaction.status_update", "step.start"]);
    assert_eq!(names[names.len() - 3..], ["step.stop", "interaction.completed", "done"]);
    assert_eq!(events.last().unwrap().1, "[DONE]");
    let ids: Vec<&str> =
        events[..events.len() - 1].iter().map(|(_, data)| data["event_id"].as_str().unwrap()).collect();
    assert_eq!(ids, (1..events.len()).map(|id| id.to_string()).collect::<Vec<_>>());
    assert!(events[..events.len() - 1].iter().all(|(name, data)| data["event_type"] == *name));
    let deltas: Vec<&Value> =
        events.iter().filter(|(name, _)| name == "step.delta").map(|(_, data)| &data["delta"]).collect();
    let kinds: Vec<&str> = deltas.iter().map(|delta| delta["type"].as_str().unwrap()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "image").count(), 1);
    assert_eq!(kinds.iter().filter(|kind| **kind == "text").count(), 3, "words come in pieces");
    assert!(kinds.contains(&"thought_summary") && kinds.contains(&"thought_signature"));
    let done = &events[events.len() - 2].1["interaction"];
    assert_eq!(done["status"], "completed");
    assert!(done["usage"]["total_tokens"].as_u64().unwrap() > 0);
    // What is kept is the same, and so is another reading.
    let id = done["id"].as_str().unwrap();
    let kept = made(&call(&emulator, "GET", id));
    assert_eq!(bytes(&kept), bytes(&made(&create(&emulator, &wish("A boat")))));
    assert_eq!(told(&call(&emulator, "GET", &format!("{id}?stream=true"))), events);
    let rest = told(&call(&emulator, "GET", &format!("{id}?stream=true&last_event_id=4")));
    assert_eq!(rest, events[4..]);
    assert_eq!(call(&emulator, "GET", &format!("{id}?stream=true&last_event_id=99")).status, 400);
}

#[test]
fn one_in_the_background_is_in_progress_until_its_time() {
    let emulator = Emulator::start_with(EmulatorOptions::new().batch_processing(0.3)).unwrap();
    let body = with(wish("x"), json!({"background": true}));
    let first = made(&create(&emulator, &body));
    assert_eq!((&first["status"], &first["steps"]), (&json!("in_progress"), &json!([])));
    let id = first["id"].as_str().unwrap();
    let early = create(&emulator, &with(wish("y"), json!({"previous_interaction_id": id})));
    assert!(early.message().contains("still in progress"), "{}", early.message());
    until(|| call(&emulator, "GET", id).json()["status"] == "completed");
    assert_eq!(image(&call(&emulator, "GET", id).json()).width(), 512);
    let over = call(&emulator, "POST", &format!("{id}/cancel"));
    assert_eq!((over.status, &over.json()["error"]["code"]), (400, &json!("invalid_request")));
    let slow = Emulator::start_with(EmulatorOptions::new().batch_processing(60.0)).unwrap();
    let id = made(&create(&slow, &body))["id"].as_str().unwrap().to_owned();
    let cancelled = made(&call(&slow, "POST", &format!("{id}/cancel")));
    assert_eq!(cancelled["status"], "cancelled");
    assert_eq!(call(&slow, "GET", &id).json()["status"], "cancelled");
    let refused = create(&slow, &with(body.clone(), json!({"store": false})));
    assert!(refused.message().contains("needs store=true"));
    let open: Vec<u16> = (0..17).map(|_| create(&slow, &body).status).collect();
    assert_eq!((open.iter().filter(|status| **status == 200).count(), open[16]), (16, 429));
    // Who listens sees it at once.
    let events = told(&create(&emulator, &with(body, json!({"stream": true}))));
    assert_eq!(events.last().unwrap().1, "[DONE]");
}

#[test]
fn what_is_kept_is_got_and_deleted() {
    let emulator = Emulator::start(0).unwrap();
    let told = made(&create(&emulator, &wish("x")));
    let id = told["id"].as_str().unwrap();
    assert_eq!(call(&emulator, "GET", id).json(), told);
    assert_eq!(call(&emulator, "GET", &format!("{id}?include_input=true")).json()["input"], "x");
    assert_eq!(made(&call(&emulator, "DELETE", id)), json!({}));
    for (method, path) in
        [("GET", id.to_owned()), ("DELETE", id.to_owned()), ("POST", format!("{id}/cancel"))]
    {
        let reply = call(&emulator, method, &path);
        assert_eq!((reply.status, &reply.json()["error"]["code"]), (404, &json!("not_found")), "{method}");
    }
}

#[test]
fn what_is_wrong_is_told_in_the_form_of_this_api() {
    let emulator = Emulator::start(0).unwrap();
    let refused = |extra: Value, says: &str| {
        let reply = create(&emulator, &with(wish("x"), extra));
        assert_eq!(
            (reply.status, &reply.json()["error"]["code"]),
            (400, &json!("invalid_request")),
            "{says}"
        );
        assert!(reply.message().contains(says), "{} should say {says}", reply.message());
        assert!(reply.json()["error"]["status"].is_null());
    };
    refused(json!({"colour": "red"}), "Unknown name \"colour\"");
    refused(json!({"systemInstruction": "x"}), "Unknown name \"systemInstruction\"");
    refused(json!({"generation_config": {"thinking_level": "HIGH"}}), "generation_config.thinking_level");
    refused(json!({"generation_config": {"thinking_level": "low"}}), "Thinking level LOW is not supported");
    refused(json!({"model": null}), "`model` must be set");
    refused(json!({"input": null}), "`input` must not be empty");
    refused(json!({"input": []}), "`input` must not be empty");
    refused(json!({"input": [{"role": "user", "content": "x"}]}), "input[0].type");
    refused(json!({"input": [{"type": "text", "words": "x"}]}), "Unknown name \"words\" at 'input[0]'");
    refused(json!({"input": [{"type": "image", "data": "AAAA"}]}), "`input[0].mime_type` must be set");
    refused(json!({"input": {"type": "image"}}), "Exactly one of data and uri");
    refused(json!({"input": [{"type": "function_call"}]}), "Function calling is not enabled");
    let gif = json!({"type": "image", "mime_type": "image/gif", "data": "R0lGODlh"});
    refused(json!({"input": [gif]}), "Unsupported MIME type: image/gif");
    let format = |format: Value| json!({ "response_format": format });
    refused(format(json!({"type": "image", "mime_type": "image/png"})), "Supported: image/jpeg");
    refused(format(json!({"type": "image", "aspect_ratio": "7:5"})), "Invalid aspect ratio");
    refused(format(json!([{"type": "image"}, {"type": "image"}])), "image twice");
    refused(format(json!({"type": "text", "schema": {}})), "JSON mode");
    refused(format(json!({"type": "audio"})), "modalities (AUDIO)");
    let both = json!({"generation_config": {"image_config": {"image_size": "1K"}}});
    refused(both, "Only one of generation_config.image_config");
    refused(json!({"tools": [{"type": "code_execution"}]}), "Tool use with code_execution");
    refused(json!({"tools": [{"googleSearch": {}}]}), "tools[0].type");
    refused(json!({"service_tier": "deferred"}), "Service tier deferred is not available");
    refused(json!({"agent": "x"}), "Agents are not offline");
    refused(json!({"webhook_config": {}}), "Webhooks are not offline");
    refused(json!({"labels": {"Team": "a"}}), "Invalid label");
    refused(json!({"continuation_token": "x"}), "is not known");
    let model = create(&emulator, &with(wish("x"), json!({"model": "gemini-9"})));
    assert_eq!((model.status, &model.json()["error"]["code"]), (404, &json!("not_found")));
    let body = serde_json::to_vec(&wish("x")).unwrap();
    let revised =
        |day: &str| ask(&emulator, "POST", "/v1beta/interactions", &[KEY, ("api-revision", day)], &body);
    assert!(revised("2025-12-01").message().contains("no longer supported"));
    assert_eq!(revised("2026-05-20").status, 200);
    // Who asks is looked at before, in the form of the whole service.
    let keyless = ask(&emulator, "POST", "/v1beta/interactions", &[], &body);
    assert_eq!(keyless.error(), (403, "PERMISSION_DENIED".into()));
}

#[test]
fn a_script_answers_in_the_form_of_this_api() {
    let emulator = Emulator::start(0).unwrap();
    let call = json!({"call": "interaction_create"});
    emulator
        .script(&[
            json!({"match": call, "status": 429, "error": {"message": "slow down"}}),
            json!({"match": call, "text": "told", "image": "png 8x8"}),
            json!({"match": call, "block_reason": "SAFETY"}),
            json!({"match": call, "text": "cut", "finish_reason": "MAX_TOKENS"}),
            json!({"match": {"call": "interaction_create", "prompt": "later"}, "text": "later"}),
            json!({"match": {"call": "interaction_create", "model": PRO}, "text": "by the pro"}),
            json!({"match": {"call": "interaction_create", "seed": 77}, "text": "by the seed"}),
        ])
        .unwrap();
    let slow = create(&emulator, &wish("x"));
    assert_eq!(slow.json(), json!({"error": {"message": "slow down", "code": "resource_exhausted"}}));
    let told = made(&create(&emulator, &wish("x")));
    assert_eq!(step(&told, "model_output")["content"][0]["text"], "told");
    assert_eq!(pixels_of(&image(&told)), (8, 8));
    let blocked = self::told(&create(&emulator, &with(wish("x"), json!({"stream": true}))));
    let names: Vec<&str> = blocked.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names[names.len() - 3..], ["error", "interaction.completed", "done"]);
    assert_eq!(blocked[names.len() - 2].1["interaction"]["status"], "failed");
    assert_eq!(made(&create(&emulator, &wish("x")))["status"], "incomplete");
    assert_eq!(made(&create(&emulator, &wish("x")))["status"], "completed", "the last step is for another");
    let pro = made(&create(&emulator, &with(wish("x"), json!({"model": PRO, "response_format": null}))));
    assert_eq!(
        (&step(&pro, "model_output")["content"][0]["text"], &pro["model"]),
        (&json!("by the pro"), &json!(PRO))
    );
    let seeded = with(wish("x"), json!({"generation_config": {"seed": 77}}));
    assert_eq!(step(&made(&create(&emulator, &seeded)), "model_output")["content"][0]["text"], "by the seed");
    let later = made(&create(&emulator, &wish("later")));
    assert_eq!(step(&later, "model_output")["content"][0]["text"], "later");
}
