//! The paths of Vertex AI: who may ask, and which fields belong to which service.

use nanobanana::Emulator;
use serde_json::{Value, json};

use crate::line::*;

const PROJECT: &str = "/v1beta1/projects/p/locations/global/publishers/google/models";
const EXPRESS: &str = "/v1/publishers/google/models";
const TOKEN: (&str, &str) = ("authorization", "Bearer t");

fn at(emulator: &Emulator, path: &str, headers: &[(&str, &str)], body: &Value) -> Reply {
    ask(emulator, "POST", path, headers, &serde_json::to_vec(body).unwrap())
}

fn drawn(emulator: &Emulator, body: &Value) -> Reply {
    at(emulator, &format!("{PROJECT}/{FLASH}:generateContent"), &[TOKEN], body)
}

#[test]
fn tokens_and_keys_are_asked_for_as_vertex_does() {
    let emulator = Emulator::start(0).unwrap();
    let body = prompt("x", small(1));
    for base in [PROJECT, EXPRESS] {
        let path = format!("{base}/{FLASH}:generateContent");
        for good in [TOKEN, ("x-goog-api-key", "k")] {
            assert_eq!(at(&emulator, &path, &[good], &body).status, 200, "{base} {good:?}");
        }
        let key = at(&emulator, &path, &[("x-goog-api-key", "bad")], &body);
        assert_eq!(key.json()["error"]["details"][0]["metadata"]["service"], "aiplatform.googleapis.com");
        assert_eq!(key.error(), (400, "INVALID_ARGUMENT".into()));
        for headers in [&[][..], &[("authorization", "Bearer bad")], &[("authorization", "Basic eDp5")]] {
            let reply = at(&emulator, &path, headers, &body);
            assert_eq!(reply.error(), (401, "UNAUTHENTICATED".into()), "{headers:?}");
            assert!(reply.message().contains("Expected OAuth 2 access token"), "{}", reply.message());
        }
    }
    // The Gemini API takes a token beside the project that it is billed to.
    let gemini = format!("/v1beta/models/{FLASH}:generateContent");
    assert_eq!(at(&emulator, &gemini, &[TOKEN], &body).error(), (403, "PERMISSION_DENIED".into()));
    let billed = [TOKEN, ("x-goog-user-project", "p")];
    assert_eq!(at(&emulator, &gemini, &billed, &body).status, 200);
    assert!(!format!("{:?}", emulator.requests()).contains("Bearer"));
}

#[test]
fn an_answer_has_what_vertex_tells_of_it() {
    let emulator = Emulator::start(0).unwrap();
    let reply = drawn(&emulator, &prompt("x", small(1)));
    assert_eq!(picture(&reply).width(), 512);
    let json = reply.json();
    assert!(json["createTime"].as_str().unwrap().ends_with('Z'));
    let usage = &json["usageMetadata"];
    assert_eq!((&usage["trafficType"], &usage["serviceTier"]), (&json!("ON_DEMAND"), &Value::Null));
    assert!(!reply.headers.contains_key("x-gemini-service-tier"));
    let path = format!("{EXPRESS}/{FLASH}:streamGenerateContent?alt=sse");
    let stream = events(&at(&emulator, &path, &[TOKEN], &prompt("x", small(1))));
    assert!(stream.iter().all(|event| event["createTime"].is_string()));
    let whole = post(&emulator, FLASH, "generateContent", &prompt("x", small(1))).json();
    assert!(whole["createTime"].is_null() && whole["usageMetadata"]["trafficType"].is_null());
    emulator.script(&[json!({"text": "told", "image": "png 8x8"})]).unwrap();
    assert_eq!(drawn(&emulator, &prompt("x", small(1))).json()["usageMetadata"]["trafficType"], "ON_DEMAND");
}

#[test]
fn each_service_knows_its_own_fields_only() {
    let emulator = Emulator::start(0).unwrap();
    let image = |extra: Value| {
        let mut body = prompt("x", small(1));
        let config = body["generationConfig"]["imageConfig"].as_object_mut().unwrap();
        config.extend(extra.as_object().unwrap().clone());
        body
    };
    let beside = |name: &str, value: Value| {
        let mut body = prompt("x", small(1));
        body[name] = value;
        body
    };
    let search = |name: &str, value: Value| beside("tools", json!([{"googleSearch": {name: value}}]));
    let data = solid(4, 4, [1, 2, 3], "png");
    let mut named = with_picture("x", "image/png", &data);
    named["contents"][0]["parts"][1]["inlineData"]["displayName"] = "mine".into();
    named["generationConfig"] = small(1);
    let safety = |more: Value| {
        let mut setting = json!({"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"});
        setting.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        beside("safetySettings", json!([setting]))
    };
    let vertex = [
        (image(json!({"personGeneration": "ALLOW_ADULT"})), "personGeneration"),
        (image(json!({"prominentPeople": "BLOCK_PROMINENT_PEOPLE"})), "prominentPeople"),
        (image(json!({"imageOutputOptions": {"mimeType": "image/png"}})), "imageOutputOptions"),
        (beside("modelArmorConfig", json!({"promptTemplateName": "t"})), "modelArmorConfig"),
        (search("excludeDomains", json!(["a.example"])), "excludeDomains"),
        (safety(json!({"method": "SEVERITY"})), "method"),
        (safety(json!({"category": "HARM_CATEGORY_IMAGE_HATE"})), "HARM_CATEGORY_IMAGE_HATE"),
        (named, "displayName"),
    ];
    let gemini = [
        (beside("store", json!(false)), "store"),
        (beside("tools", json!([{"fileSearch": {}}])), "fileSearch"),
        (json!({"contents": [{"parts": [{"text": "x", "partMetadata": {}}]}]}), "partMetadata"),
    ];
    for (body, name) in vertex {
        let reply = drawn(&emulator, &body);
        assert_eq!(reply.status, 200, "{name}: {}", String::from_utf8_lossy(&reply.body));
        let reply = generate(&emulator, FLASH, &body);
        assert_eq!(reply.error(), (400, "INVALID_ARGUMENT".into()), "{name}");
        assert!(reply.message().contains(name), "{}", reply.message());
    }
    for (body, name) in gemini {
        let reply = drawn(&emulator, &body);
        assert!(reply.message().contains(&format!("Unknown name \"{name}\"")), "{}", reply.message());
        let reply = generate(&emulator, FLASH, &body);
        let known = reply.status == 200 || !reply.message().contains("Unknown name");
        assert!(known, "{name}: {}", reply.message());
    }
    let typed = drawn(&emulator, &image(json!({"personGeneration": "SOME"})));
    assert!(
        typed.message().contains("google.cloud.aiplatform.v1beta1.PersonGeneration"),
        "{}",
        typed.message()
    );
}

#[test]
fn the_picture_is_written_as_it_is_asked_for() {
    let emulator = Emulator::start(0).unwrap();
    let with = |options: Value| {
        let mut config = small(1);
        config["imageConfig"]["imageOutputOptions"] = options;
        drawn(&emulator, &prompt("x", config))
    };
    assert_eq!(picture(&with(json!({"mimeType": "image/png"}))).mime_type(), "image/png");
    let size = |quality: u32| {
        let image = picture(&with(json!({"mimeType": "image/jpeg", "compressionQuality": quality})));
        assert_eq!(image.mime_type(), "image/jpeg");
        image.bytes().unwrap().len()
    };
    assert!(size(90) > size(20));
    assert_eq!(with(json!({"mimeType": "image/gif"})).status, 400);
    assert_eq!(with(json!({"compressionQuality": 101})).status, 400);
}

#[test]
fn models_places_and_paths_that_are_not_there() {
    let emulator = Emulator::start(0).unwrap();
    let body = prompt("x", json!({}));
    let missing = |path: &str| {
        let reply = at(&emulator, path, &[TOKEN], &body);
        assert_eq!(reply.error(), (404, "NOT_FOUND".into()), "{path}");
        reply.message()
    };
    assert!(missing(&format!("{PROJECT}/gemini-9:generateContent")).contains(
        "Publisher Model `projects/p/locations/global/publishers/google/models/gemini-9` was not found"
    ));
    let region = "/v1/projects/p/locations/europe-west1/publishers/google/models";
    missing(&format!("{region}/{PRO}:generateContent"));
    assert_eq!(at(&emulator, &format!("{region}/{OLD}:generateContent"), &[TOKEN], &body).status, 200);
    for path in [
        format!("/v1beta/projects/p/locations/global/publishers/google/models/{PRO}:generateContent"),
        format!("/v1/projects/p/locations/global/publishers/other/models/{PRO}:generateContent"),
        format!("/v1/projects/p/publishers/google/models/{PRO}:generateContent"),
        format!("{PROJECT}/{PRO}:batchGenerateContent"),
        "/v1beta1/files".to_owned(),
    ] {
        missing(&path);
    }
}

#[test]
fn files_are_named_by_gs_and_signatures_may_be_missing() {
    let emulator = Emulator::start(0).unwrap();
    let file = |part: Value| {
        drawn(
            &emulator,
            &json!({
                "contents": [{"parts": [{"text": "x"}, {"fileData": part}]}], "generationConfig": small(1),
            }),
        )
    };
    assert_eq!(file(json!({"fileUri": "gs://bucket/a.png", "mimeType": "image/png"})).status, 200);
    assert!(file(json!({"fileUri": "gs://bucket/a.png"})).message().contains("mime_type"));
    let uploaded = "https://generativelanguage.googleapis.com/v1beta/files/abc";
    let reply = file(json!({"fileUri": uploaded, "mimeType": "image/png"}));
    assert!(reply.message().contains("not served to Vertex AI"), "{}", reply.message());
    let picture = json!({"inlineData": {"mimeType": "image/png", "data": solid(4, 4, [1, 2, 3], "png")}});
    let turns = |signature: Option<&str>| {
        let mut part = picture.clone();
        if let Some(signature) = signature {
            part["thoughtSignature"] = signature.into();
        }
        json!({"contents": [
            {"role": "user", "parts": [{"text": "a"}]}, {"role": "model", "parts": [part]},
            {"role": "user", "parts": [{"text": "b"}]},
        ], "generationConfig": small(1)})
    };
    assert_eq!(drawn(&emulator, &turns(None)).status, 200);
    assert!(drawn(&emulator, &turns(Some("aGVsbG8="))).message().contains("signature is not valid"));
    assert!(generate(&emulator, FLASH, &turns(None)).message().contains("missing a thought_signature"));
}

#[test]
fn tokens_are_counted_with_what_vertex_takes_there() {
    let emulator = Emulator::start(0).unwrap();
    let path = format!("{PROJECT}/{FLASH}:countTokens");
    let body = json!({
        "contents": [{"role": "user", "parts": [{"text": "eight .."}]}],
        "systemInstruction": {"parts": [{"text": "four"}]}, "generationConfig": small(1),
    });
    assert_eq!(at(&emulator, &path, &[TOKEN], &body).json()["totalTokens"], 3);
    let whole = json!({"generateContentRequest": body});
    assert!(at(&emulator, &path, &[TOKEN], &whole).message().contains("Unknown name"));
}
