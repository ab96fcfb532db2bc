//! The emulator over its own line, asked by a few lines of plain HTTP: what it answers, what it refuses,
//! and what a script makes it do.
#![cfg(feature = "emulator")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nanobanana::{Client, ClientOptions, Emulator, GenerateOptions, Image, Input, Kind};
use serde_json::{Value, json};

mod batch;
mod cassettes;
mod chat;
mod control;
mod facts;
mod files;
mod half;
mod interactions;
mod line;
mod pictures;
mod stream;
mod tls;
mod vertex;

use line::*;

#[test]
fn a_prompt_gives_a_picture_with_its_counts_and_signatures() {
    let emulator = Emulator::start(0).unwrap();
    let config = json!({"imageConfig": {"aspectRatio": "16:9", "imageSize": "2K"}, "seed": 4});
    let reply = generate(&emulator, PRO, &prompt("A banana-shaped sailboat", config));
    let image = picture(&reply);
    assert_eq!((image.width(), image.height(), image.mime_type()), (2752, 1536, "image/jpeg"));
    let parts = parts(&reply);
    assert!(parts[0]["text"].as_str().unwrap().contains("sailboat"));
    assert!(parts.iter().all(|part| part["thoughtSignature"].is_string()));
    let json = reply.json();
    assert_eq!(json["modelVersion"], PRO);
    assert!(json["responseId"].as_str().unwrap().len() > 16);
    assert_eq!(json["candidates"][0]["finishReason"], "STOP");
    let usage = &json["usageMetadata"];
    assert_eq!(usage["promptTokenCount"], 6);
    assert_eq!(usage["candidatesTokensDetails"], json!([{"modality": "IMAGE", "tokenCount": 1120}]));
    assert!(usage["thoughtsTokenCount"].as_u64().unwrap() > 0);
    let sum: u64 = ["promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount"]
        .iter()
        .map(|name| usage[*name].as_u64().unwrap())
        .sum();
    assert_eq!(usage["totalTokenCount"], sum);
    assert_eq!(usage["serviceTier"], "standard");
    assert_eq!(reply.headers["x-gemini-service-tier"], "standard");
}

#[test]
fn the_old_model_answers_png_without_signatures_or_thoughts() {
    let emulator = Emulator::start(0).unwrap();
    let config = json!({"imageConfig": {"aspectRatio": "21:9"}});
    let reply = generate(&emulator, OLD, &prompt("A banana", config));
    let image = picture(&reply);
    assert_eq!((image.width(), image.height(), image.mime_type()), (1536, 672, "image/png"));
    assert!(parts(&reply).iter().all(|part| part["thoughtSignature"].is_null()));
    let usage = &reply.json()["usageMetadata"];
    assert!(usage["thoughtsTokenCount"].is_null());
    assert_eq!(usage["candidatesTokensDetails"][0]["tokenCount"], 1290);
}

/// A ratio with its pixels at 512 and at 1K.
type Row = (&'static str, (u32, u32), (u32, u32));

/// From the service's own table (November 2026), not from the catalogue.
const PIXELS: [Row; 14] = [
    ("1:1", (512, 512), (1024, 1024)),
    ("1:4", (256, 1024), (512, 2048)),
    ("1:8", (192, 1536), (384, 3072)),
    ("2:3", (424, 632), (848, 1264)),
    ("3:2", (632, 424), (1264, 848)),
    ("3:4", (448, 600), (896, 1200)),
    ("4:1", (1024, 256), (2048, 512)),
    ("4:3", (600, 448), (1200, 896)),
    ("4:5", (464, 576), (928, 1152)),
    ("5:4", (576, 464), (1152, 928)),
    ("8:1", (1536, 192), (3072, 384)),
    ("9:16", (384, 688), (768, 1376)),
    ("16:9", (688, 384), (1376, 768)),
    ("21:9", (792, 336), (1584, 672)),
];

#[test]
fn every_ratio_and_size_has_its_exact_pixels() {
    let emulator = Emulator::start(0).unwrap();
    let check = |model: &str, ratio: &str, size: Option<&str>, wants: (u32, u32)| {
        let mut config = json!({"imageConfig": {"aspectRatio": ratio}});
        if let Some(size) = size {
            config["imageConfig"]["imageSize"] = size.into();
        }
        let image = picture(&generate(&emulator, model, &prompt("x", config)));
        assert_eq!(pixels_of(&image), wants, "{model} {ratio} {size:?}");
    };
    for (ratio, half, one) in PIXELS {
        check(FLASH, ratio, Some("512"), half);
        check(LITE, ratio, None, one);
        check(NEW, ratio, Some("1K"), one);
        if !["1:4", "4:1", "1:8", "8:1"].contains(&ratio) {
            check(PRO, ratio, None, one);
        }
    }
    // The rest are multiples of these by 2 and 4: three of them are drawn.
    check(NEW, "8:1", Some("2K"), (6144, 768));
    check(PRO, "16:9", Some("4K"), (5504, 3072));
    check(FLASH, "1:8", Some("4K"), (1536, 12288));
}

#[test]
fn without_a_ratio_the_first_picture_gives_the_shape() {
    let emulator = Emulator::start(0).unwrap();
    let cases = [(90, 50, (688, 384)), (30, 40, (448, 600)), (33, 33, (512, 512)), (400, 50, (1536, 192))];
    for (width, height, wants) in cases {
        let mut body = with_picture("again", "image/png", &solid(width, height, [9, 9, 9], "png"));
        body["generationConfig"] = small(1);
        let image = picture(&generate(&emulator, FLASH, &body));
        assert_eq!(pixels_of(&image), wants, "{width}x{height}");
    }
}

#[test]
fn the_same_seed_draws_the_same_bytes_and_no_seed_never_does() {
    let emulator = Emulator::start(0).unwrap();
    let drawn = |words: &str, config: Value| {
        picture(&generate(&emulator, FLASH, &prompt(words, config))).bytes().unwrap().to_vec()
    };
    let first = drawn("a harbour", small(7));
    assert_eq!(first, drawn("a harbour", small(7)));
    assert_ne!(first, drawn("a harbour", small(8)));
    assert_ne!(first, drawn("a harbor", small(7)));
    let free = json!({"imageConfig": {"imageSize": "512"}});
    assert_ne!(drawn("a harbour", free.clone()), drawn("a harbour", free));
}

#[test]
fn an_edit_shows_its_pictures_whatever_their_type() {
    let emulator = Emulator::start(0).unwrap();
    let middle = |colour: [u8; 3], format: &str, mime: &str| {
        let mut body = with_picture("frame it", mime, &solid(64, 64, colour, format));
        body["generationConfig"] = small(5);
        let pixels = picture(&generate(&emulator, FLASH, &body)).pixels().unwrap();
        let at = ((pixels.height / 3) * pixels.width + pixels.width / 2) as usize * 3;
        [pixels.data[at], pixels.data[at + 1], pixels.data[at + 2]].map(i32::from)
    };
    for (format, mime) in [("png", "image/png"), ("jpeg", "image/jpeg"), ("webp", "image/webp")] {
        let [r, _, b] = middle([240, 10, 10], format, mime);
        let [r2, _, b2] = middle([10, 10, 240], format, mime);
        assert!(r - b > 50 && b2 - r2 > 50, "{format}: {r} {b} · {r2} {b2}");
    }
}

#[test]
fn what_the_service_refuses_is_refused_in_its_words() {
    let emulator = Emulator::start(0).unwrap();
    let refused = |model: &str, body: Value, says: &str| {
        let reply = generate(&emulator, model, &body);
        assert_eq!(reply.status, 400, "{body} → {}", String::from_utf8_lossy(&reply.body));
        assert_eq!(reply.json()["error"]["code"], 400);
        assert_eq!(reply.json()["error"]["status"], "INVALID_ARGUMENT");
        assert!(reply.message().contains(says), "{} should say {says}", reply.message());
    };
    let configs = [
        (
            PRO,
            json!({"aspectRatio": "1:1"}),
            "Unknown name \"aspectRatio\" at 'generation_config': Cannot find",
        ),
        (
            PRO,
            json!({"imageConfig": {"personGeneration": "ALLOW_ALL"}}),
            "at 'generation_config.image_config'",
        ),
        (PRO, json!({"imageConfig": {"aspectRatio": "1:4"}}), "Supported aspect ratios: 1:1, 2:3"),
        (NEW, json!({"imageConfig": {"aspectRatio": "16x9"}}), "Invalid aspect ratio"),
        (NEW, json!({"imageConfig": {"imageSize": "2k"}}), "Supported sizes: 1K, 2K, 4K"),
        (NEW, json!({"imageConfig": {"imageSize": "512"}}), "Invalid image size"),
        (OLD, json!({"imageConfig": {"imageSize": "1K"}}), "not adjustable"),
        (LITE, json!({"imageConfig": {"imageSize": "2K"}}), "not adjustable"),
        (OLD, json!({"thinkingConfig": {"includeThoughts": true}}), "Thinking is not enabled"),
        (OLD, json!({"thinkingConfig": {}}), "Thinking is not enabled"),
        (NEW, json!({"thinkingConfig": {"thinkingLevel": "LOW"}}), "Supported levels: MINIMAL, MEDIUM, HIGH"),
        (NEW, json!({"thinkingConfig": {"thinkingLevel": "SOME"}}), "thinking_config.thinking_level'"),
        (NEW, json!({"thinkingConfig": {"thinkingLevel": "HIGH", "thinkingBudget": 5}}), "only one of"),
        (PRO, json!({"candidateCount": 2}), "Multiple candidates is not enabled"),
        (PRO, json!({"temperature": 2.5}), "temperature must be in the range [0, 2]"),
        (PRO, json!({"temperature": "hot"}), "'generation_config.temperature' (TYPE_FLOAT), \"hot\""),
        (PRO, json!({"maxOutputTokens": 32769}), "max_output_tokens must be in the range [1, 32768]"),
        (PRO, json!({"seed": 1_u64 << 40}), "'generation_config.seed' (TYPE_INT32)"),
        (PRO, json!({"responseModalities": ["Picture"]}), "'generation_config.response_modalities[0]'"),
        (PRO, json!({"responseMimeType": "application/json"}), "JSON mode is not enabled"),
    ];
    for (model, config, says) in configs {
        refused(model, prompt("x", config), says);
    }
    let beside = |name: &str, value: Value| {
        let mut body = prompt("x", json!({}));
        body[name] = value;
        body
    };
    let search = |types: Value| beside("tools", json!([{"googleSearch": {"searchTypes": types}}]));
    refused(PRO, beside("foo", json!(1)), "Unknown name \"foo\": Cannot find field.");
    refused(PRO, beside("serviceTier", json!("bulk")), "Invalid value at 'service_tier'");
    refused(NEW, beside("serviceTier", json!("flex")), "Service tier flex is not available");
    refused(PRO, beside("labels", json!({"Team": "a"})), "Invalid label");
    let manners = json!([{"category": "HARM_CATEGORY_MANNERS", "threshold": "OFF"}]);
    refused(PRO, beside("safetySettings", manners), "'safety_settings[0].category'");
    refused(LITE, search(json!({})), "Search as tool is not enabled");
    refused(PRO, search(json!({"imageSearch": {}})), "Image search is not enabled");
    refused(NEW, beside("tools", json!([{"codeExecution": {}}])), "Tool use with codeExecution");
    let turn = |turn: Value| json!({ "contents": [turn] });
    refused(PRO, json!({}), "contents is not specified");
    refused(PRO, json!([1]), "must be a JSON object");
    refused(PRO, turn(json!({"parts": []})), "contents.parts must not be empty");
    refused(PRO, turn(json!({"parts": [{}]})), "required oneof field 'data'");
    refused(PRO, turn(json!({"parts": [{"text": "x", "inlinedata": {}}]})), "at 'contents[0].parts[0]'");
    refused(PRO, turn(json!({"role": "bot", "parts": [{"text": "x"}]})), "valid role: user, model");
    refused(PRO, turn(json!({"parts": [{"fileData": {"fileUri": "file:///etc/passwd"}}]})), "file uri");
    let png = solid(4, 4, [1, 2, 3], "png");
    let cut = STANDARD.encode(&STANDARD.decode(&png).unwrap()[..40]);
    let words = STANDARD.encode(b"no picture at all");
    refused(PRO, with_picture("x", "image/gif", &png), "Unsupported MIME type: image/gif");
    refused(
        PRO,
        with_picture("x", "image/png", "####"),
        "'contents[0].parts[1].inline_data.data' (TYPE_BYTES",
    );
    refused(PRO, with_picture("x", "image/png", &"####".repeat(2000)), "Base64 decoding failed");
    refused(PRO, with_picture("x", "image/png", &words), "Unable to process input image");
    refused(PRO, with_picture("x", "image/png", &cut), "Unable to process input image");
    refused(PRO, with_picture("x", "image/png", ""), "must not be empty");
    let fifteen = vec![json!({"inlineData": {"mimeType": "image/png", "data": png}}); 15];
    refused(NEW, turn(json!({ "parts": fifteen })), "at most 14, got 15");
    refused(PRO, with_picture("x", "application/pdf", &words), "The document has no pages.");
    refused(PRO, with_picture("x", "text/csv", &words), "Unsupported MIME type: text/csv");
    refused(PRO, with_picture("x", "video/mp4", &words), "Unsupported MIME type: video/mp4");
    refused(NEW, with_picture("x", "video/ogg", &words), "Unsupported MIME type: video/ogg");
    let link = json!({"fileUri": "https://youtu.be/a"});
    let clip =
        |told: Value| turn(json!({"parts": [{"text": "x"}, {"fileData": link, "videoMetadata": told}]}));
    refused(PRO, clip(json!({})), "Unsupported MIME type");
    refused(NEW, clip(json!({"startOffset": 5})), "'contents[0].parts[1].video_metadata.start_offset'");
    refused(NEW, clip(json!({"endOffset": "5"})), "(type.googleapis.com/google.protobuf.Duration)");
    refused(NEW, clip(json!({"startOffset": "5s", "endOffset": "4.5s"})), "end_offset must be after");
    refused(NEW, clip(json!({"fps": 0})), "fps must be in the range (0.0, 24.0], got 0.");
    let mut cut_picture = with_picture("x", "image/png", &png);
    cut_picture["contents"][0]["parts"][1]["videoMetadata"] = json!({"fps": 1});
    refused(NEW, cut_picture, "only supported for video data");
    let eleven = vec![json!({ "fileData": link }); 11];
    refused(NEW, turn(json!({ "parts": eleven })), "at most 10, got 11");
}

#[test]
fn several_unknown_fields_are_told_at_once_with_their_places() {
    let emulator = Emulator::start(0).unwrap();
    let body = json!({"contents": [], "a": 1, "generation_config": {"b": 2}});
    let reply = generate(&emulator, PRO, &body);
    let message = reply.message();
    assert!(
        message.contains("\"a\": Cannot") && message.contains("\"b\" at 'generation_config'"),
        "{message}"
    );
    let violations = reply.json()["error"]["details"][0]["fieldViolations"].clone();
    assert_eq!(violations.as_array().unwrap().len(), 2);
    assert_eq!(violations[1]["field"], "generation_config");
}

#[test]
fn snake_case_and_single_values_are_read_like_the_service_reads_them() {
    let emulator = Emulator::start(0).unwrap();
    let body = json!({
        "contents": {"role": "user", "parts": {"text": "x"}},
        "system_instruction": {"parts": [{"text": "Be brief"}]},
        "generation_config": {
            "image_config": {"aspect_ratio": "16:9", "image_size": "512"},
            "response_modalities": ["IMAGE"], "seed": "3", "temperature": null,
            "thinking_config": {"thinking_level": "High"},
        },
        "safety_settings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],
        "labels": {"team": "a"},
    });
    let reply = generate(&emulator, FLASH, &body);
    assert_eq!(pixels_of(&picture(&reply)), (688, 384));
    assert_eq!(visible(&reply).len(), 1, "no words were asked for");
    let newer = json!({"responseFormat": {"image": {
        "aspectRatio": "ASPECT_RATIO_TWENTY_ONE_BY_NINE", "imageSize": "IMAGE_SIZE_FIVE_TWELVE",
    }}});
    assert_eq!(pixels_of(&picture(&generate(&emulator, FLASH, &prompt("x", newer)))), (792, 336));
}

#[test]
fn keys_models_paths_and_bodies_that_are_wrong() {
    let emulator = Emulator::start(0).unwrap();
    let body = serde_json::to_vec(&prompt("x", small(1))).unwrap();
    let path = format!("/v1/models/{FLASH}:generateContent");
    let key = [("x-goog-api-key", "k")];
    assert_eq!(ask(&emulator, "POST", &path, &[], &body).error(), (403, "PERMISSION_DENIED".into()));
    let bad = ask(&emulator, "POST", &path, &[("x-goog-api-key", "bad")], &body);
    assert_eq!(bad.error(), (400, "INVALID_ARGUMENT".into()));
    assert_eq!(bad.json()["error"]["details"][0]["reason"], "API_KEY_INVALID");
    assert_eq!(ask(&emulator, "POST", &format!("{path}?key=good"), &[], &body).status, 200);
    for unknown in ["gemini-9", "nano-banana-pro", "gemini-3-pro-image-preview"] {
        let reply = generate(&emulator, unknown, &prompt("x", json!({})));
        assert_eq!(reply.error(), (404, "NOT_FOUND".into()), "{unknown}");
        assert!(reply.message().contains("is not found for API version v1beta"));
    }
    let nowhere = [
        ("POST", "/"),
        ("POST", "/v2/models/x:generateContent"),
        ("POST", "/v1/models/x:predict"),
        ("GET", "/v1/cachedContents"),
        ("PUT", "/v1/files/abc"),
        ("GET", "/upload/v1/files"),
    ];
    for (method, path) in nowhere {
        assert_eq!(ask(&emulator, method, path, &key, b"").error(), (404, "NOT_FOUND".into()), "{path}");
    }
    let malformed = ask(&emulator, "POST", &path, &key, b"{\"contents\": [");
    assert_eq!(malformed.status, 400);
    assert!(malformed.message().starts_with("Invalid JSON payload received."));
    assert_eq!(ask(&emulator, "POST", &path, &key, "[".repeat(200_000).as_bytes()).status, 400);
    let odd = ask(&emulator, "POST", &format!("{path}?colour=red"), &key, &body);
    assert!(odd.message().contains("Unknown name \"colour\": Cannot bind query parameter"));
}

#[test]
fn a_body_of_more_than_100_mb_is_too_large() {
    let emulator = Emulator::start(0).unwrap();
    let path = format!("/v1/models/{FLASH}:generateContent");
    let body = vec![b' '; (100 << 20) + 1];
    let reply = ask(&emulator, "POST", &path, &[("x-goog-api-key", "k")], &body);
    assert_eq!(reply.error(), (413, "INVALID_ARGUMENT".into()));
    assert_eq!(emulator.requests()[0]["size"], body.len());
}

#[test]
fn pictures_by_reference_and_in_heic_are_taken() {
    let emulator = Emulator::start(0).unwrap();
    let mut heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic".to_vec();
    heic.resize(200, 0);
    let body = json!({"contents": [{"parts": [
        {"text": "x"},
        {"fileData": {"fileUri": "gs://bucket/a.png", "mimeType": "image/png"}},
        {"fileData": {"fileUri": "https://example.com/files/abc"}},
        {"inlineData": {"mimeType": "image/heic", "data": STANDARD.encode(heic)}},
        {"inlineData": {"mimeType": "application/pdf", "data": STANDARD.encode("%PDF-1.7")}},
    ]}], "generationConfig": small(1)});
    let reply = generate(&emulator, FLASH, &body);
    assert_eq!(picture(&reply).width(), 512);
    let details = reply.json()["usageMetadata"]["promptTokensDetails"].clone();
    assert_eq!(details[1], json!({"modality": "IMAGE", "tokenCount": 3360}));
    assert_eq!(details[2]["modality"], "DOCUMENT");
}

#[test]
fn modalities_thoughts_search_and_token_limits() {
    let emulator = Emulator::start(0).unwrap();
    let with = |extra: Value| {
        let mut config = small(1);
        config.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        prompt("a cat", config)
    };
    let words = visible(&generate(&emulator, FLASH, &with(json!({"responseModalities": ["TEXT"]}))));
    assert!(words.len() == 1 && words[0]["text"].is_string());
    let thinking = json!({"thinkingConfig": {"includeThoughts": true, "thinkingLevel": "HIGH"}});
    let reply = generate(&emulator, FLASH, &with(thinking));
    let thoughts: Vec<Value> = parts(&reply).into_iter().filter(|part| part["thought"] == true).collect();
    assert!(thoughts.len() == 3 && thoughts[0]["text"].is_string());
    assert!(thoughts.iter().all(|part| part["thoughtSignature"].is_null()));
    let (rough, last) = (image_of(&thoughts[1]), image_of(&thoughts[2]));
    assert_eq!((picture(&reply).width(), last.width(), rough.width()), (512, 128, 64));
    assert!(far(&picture(&reply), &last) < 6.0 && far(&picture(&reply), &rough) > 12.0);
    let mut search = with(json!({}));
    search["tools"] = json!([{"googleSearch": {"searchTypes": {"webSearch": {}, "imageSearch": {}}}}]);
    let answer = generate(&emulator, FLASH, &search).json();
    let grounding = &answer["candidates"][0]["groundingMetadata"];
    assert_eq!(grounding["webSearchQueries"], json!(["a cat"]));
    assert_eq!(grounding["imageSearchQueries"], json!(["a cat"]));
    assert_eq!(grounding["groundingChunks"].as_array().unwrap().len(), 2);
    let short = generate(&emulator, FLASH, &with(json!({"maxOutputTokens": 50})));
    assert_eq!(short.json()["candidates"][0]["finishReason"], "MAX_TOKENS");
    assert!(parts(&short).iter().all(|part| part["inlineData"].is_null()));
}

#[test]
fn models_are_listed_page_by_page() {
    let emulator = Emulator::start(0).unwrap();
    let get = |path: &str| ask(&emulator, "GET", path, &[("x-goog-api-key", "k")], b"");
    let ids = |page: &Value| -> Vec<Value> {
        page["models"].as_array().unwrap().iter().map(|model| model["name"].clone()).collect()
    };
    let all = get("/v1beta/models").json();
    assert_eq!(ids(&all)[0], format!("models/{NEW}"));
    assert!(all["nextPageToken"].is_null());
    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let page = get(&format!("/v1/models?pageSize=2&pageToken={token}")).json();
        assert!(ids(&page).len() <= 2);
        seen.extend(ids(&page));
        match page["nextPageToken"].as_str() {
            Some(next) => token = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen, ids(&all));
    let one = get(&format!("/v1beta/models/{OLD}")).json();
    assert_eq!(one["name"], "models/gemini-2.5-flash-image");
    assert_eq!(one["inputTokenLimit"], 32768);
    assert_eq!(get("/v1beta/models/nothing").status, 404);
    assert_eq!(get("/v1/models?pageToken=zzz").status, 400);
    assert_eq!(get("/v1/models?pageSize=many").status, 400);
    assert_eq!(ask(&emulator, "GET", "/v1/models", &[], b"").status, 403);
}

#[test]
fn a_script_sets_the_next_replies_in_order() {
    let emulator = Emulator::start(0).unwrap();
    let part = json!({"inline_data": {"data": {"$image": "jpeg 64x48"}}});
    let slow = json!({"message": "slow down", "details": [{"a": 1}]});
    emulator
        .script(&[
            json!({"status": 503}),
            json!({"status": 429, "headers": {"Retry-After": 3}, "error": slow}),
            json!({"json": {"candidates": [{"content": {"parts": [part]}}]}}),
            json!({"images": ["png 8x8", "jpeg 16x8"], "text": "two"}),
            json!({"finish_reason": "NO_IMAGE", "text": "sorry"}),
            json!({"status": 502, "body": "<html>no</html>"}),
            json!({"body_base64": "//4A"}),
            json!({"image": "webp 8x8", "gzip": true}),
            json!({}),
        ])
        .unwrap();
    // A scripted reply answers whatever is asked.
    let ask = || generate(&emulator, "any-model", &json!({"nonsense": 1}));
    assert_eq!(ask().error(), (503, "UNAVAILABLE".into()));
    let second = ask();
    assert_eq!(
        (second.error(), second.headers["retry-after"].as_str()),
        ((429, "RESOURCE_EXHAUSTED".into()), "3")
    );
    assert_eq!(
        (second.message(), &second.json()["error"]["details"]),
        ("slow down".into(), &slow["details"])
    );
    let third = ask().json();
    let data = third["candidates"][0]["content"]["parts"][0]["inline_data"]["data"].as_str().unwrap();
    let image = Image::from_bytes(STANDARD.decode(data).unwrap()).unwrap();
    assert_eq!((image.mime_type(), pixels_of(&image)), ("image/jpeg", (64, 48)));
    let fourth = parts(&ask());
    assert_eq!(fourth[0]["text"], "two");
    assert_eq!([pixels_of(&image_of(&fourth[1])), pixels_of(&image_of(&fourth[2]))], [(8, 8), (16, 8)]);
    assert_eq!(ask().json()["candidates"][0]["finishReason"], "NO_IMAGE");
    let sixth = ask();
    assert_eq!((sixth.status, sixth.body.as_slice()), (502, b"<html>no</html>".as_slice()));
    assert!(sixth.headers["content-type"].starts_with("text/html"));
    assert_eq!(ask().body, [0xff, 0xfe, 0]);
    let zipped = ask();
    assert_eq!(zipped.headers["content-encoding"], "gzip");
    let mut body = Vec::new();
    flate2::read::GzDecoder::new(zipped.body.as_slice()).read_to_end(&mut body).unwrap();
    let json: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(image_of(&json["candidates"][0]["content"]["parts"][0]).mime_type(), "image/webp");
    // `{}` leaves it to the emulator, and so does the end of the script.
    assert_eq!(ask().status, 404);
    assert_eq!(ask().status, 404);
}

#[test]
fn a_step_can_wait_for_its_request() {
    let emulator = Emulator::start(0).unwrap();
    emulator
        .script(&[
            json!({"match": {"prompt": "second"}, "status": 500}),
            json!({"match": {"prompt": "third"}, "status": 501}),
            json!({"status": 502}),
        ])
        .unwrap();
    let status = |words: &str| generate(&emulator, FLASH, &prompt(words, small(1))).status;
    let asked = ["the third", "first", "the second", "the second"].map(status);
    assert_eq!(asked, [501, 502, 500, 200]);
}

#[test]
fn the_word_of_a_scripted_error_says_its_status() {
    let emulator = Emulator::start(0).unwrap();
    let told = |step: Value| {
        emulator.script(&[step]).unwrap();
        let reply = generate(&emulator, NEW, &prompt("x", json!({})));
        (reply.error(), reply.json()["error"]["code"].as_u64().unwrap())
    };
    // From the service's own table of errors, not from the emulator's.
    for (word, status) in [
        ("INVALID_ARGUMENT", 400),
        ("FAILED_PRECONDITION", 400),
        ("UNAUTHENTICATED", 401),
        ("PERMISSION_DENIED", 403),
        ("NOT_FOUND", 404),
        ("RESOURCE_EXHAUSTED", 429),
        ("CANCELLED", 499),
        ("INTERNAL", 500),
        ("UNAVAILABLE", 503),
        ("DEADLINE_EXCEEDED", 504),
    ] {
        let wants = ((status, word.to_owned()), u64::from(status));
        assert_eq!(told(json!({ "error": { "status": word } })), wants);
    }
    // Who gives a number is taken at it, whatever the word.
    let both = json!({ "status": 500, "error": { "status": "RESOURCE_EXHAUSTED" } });
    assert_eq!(told(both).0, (500, "RESOURCE_EXHAUSTED".to_owned()));
    let both = json!({ "error": { "code": 429, "status": "ODD_ONE" } });
    assert_eq!(told(both).0, (429, "ODD_ONE".to_owned()));
    let error = emulator.script(&[json!({ "error": { "status": "RESOURCE_EXAUSTED" } })]).unwrap_err();
    assert_eq!(
        (error.kind(), error.field("option")),
        (Kind::InvalidOptionError, Some("script[0].error".into()))
    );
    assert_eq!(error.field("hint"), Some("RESOURCE_EXHAUSTED".into()));
    let message = error.message();
    assert!(message.contains("PERMISSION_DENIED") && message.contains("Did you mean"), "{message}");
}

#[test]
fn a_script_slows_and_breaks_the_line() {
    let emulator = Emulator::start(0).unwrap();
    emulator
        .script(&[
            json!({"text": "late", "delay": 0.2}),
            json!({"body": "0123456789", "chunk": 3, "pause": 0.05}),
            json!({"body": "0123456789", "cut": 4}),
            json!({"body": "0123456789", "cut": 0}),
            json!({"body": "0123456789", "cut": "headers"}),
        ])
        .unwrap();
    let timed = || {
        let start = Instant::now();
        (generate(&emulator, FLASH, &json!({})), start.elapsed())
    };
    let (late, took) = timed();
    assert!(late.status == 200 && took >= Duration::from_millis(200) && took < Duration::from_secs(20));
    let (slow, took) = timed();
    assert!(slow.body == b"0123456789" && took >= Duration::from_millis(150), "{took:?}");
    let (cut, _) = timed();
    assert!(cut.reset && cut.body == b"0123", "{cut:?}");
    assert_eq!(cut.headers["content-length"], "10");
    let (cut, _) = timed();
    assert!(cut.reset && cut.status == 200 && cut.body.is_empty(), "{cut:?}");
    let (cut, _) = timed();
    assert!(cut.reset && cut.status == 0 && cut.body.is_empty(), "{cut:?}");
    let went_away = emulator.requests().iter().filter(|request| request["cancelled"] == true).count();
    assert_eq!(went_away, 0, "it was the server that broke the line");
}

#[test]
fn a_client_that_goes_away_is_noticed() {
    let emulator = Emulator::start(0).unwrap();
    emulator.script(&[json!({"hang": true})]).unwrap();
    let mut stream = connect(&emulator);
    write_head(&mut stream, "POST", &format!("/v1/models/{FLASH}:generateContent"), &[], 2);
    stream.write_all(b"{}").unwrap();
    until(|| emulator.active() == 1 && emulator.requests()[0]["size"] == 2);
    assert_eq!(emulator.requests()[0]["cancelled"], false);
    drop(stream);
    until(|| emulator.active() == 0);
    assert_eq!(emulator.requests()[0]["cancelled"], true);
}

#[test]
fn requests_are_remembered_without_keys_and_bytes() {
    let emulator = Emulator::start(0).unwrap();
    let data = solid(64, 64, [1, 99, 3], "jpeg");
    let body = serde_json::to_vec(&with_picture("hello", "image/jpeg", &data)).unwrap();
    let path = format!("/v1/models/{OLD}:generateContent");
    let headers = [("X-Goog-Api-Key", "sesame"), ("X-Mine", "yes")];
    ask(&emulator, "POST", &format!("{path}?key=sesame&alt=json"), &headers, &body);
    ask(&emulator, "GET", "/nowhere", &[], b"");
    let requests = emulator.requests();
    let first = &requests[0];
    assert_eq!((&first["method"], &first["path"]), (&json!("POST"), &json!(path)));
    assert_eq!(first["query"], json!({"alt": "json"}));
    assert_eq!(first["headers"]["x-goog-api-key"], "…");
    assert_eq!(first["headers"]["x-mine"], "yes");
    assert_eq!(first["size"], body.len());
    let bytes = STANDARD.decode(&data).unwrap().len();
    assert_eq!(first["json"]["contents"][0]["parts"][0]["text"], "hello");
    let sent = &first["json"]["contents"][0]["parts"][1]["inlineData"];
    assert_eq!(*sent, json!({"mimeType": "image/jpeg", "data": {"$bytes": bytes}}));
    assert_eq!(first["cancelled"], false);
    assert_eq!(requests[1]["json"], Value::Null);
    assert!(!format!("{requests:?}").contains("sesame"));
}

#[test]
fn a_step_may_be_spelt_in_camel_case() {
    let emulator = Emulator::start(0).unwrap();
    emulator.script(&[json!({"finishReason": "NO_IMAGE", "textAfter": "none"})]).unwrap();
    let told = generate(&emulator, OLD, &prompt("a boat", json!({}))).json()["candidates"][0].clone();
    assert_eq!(
        (&told["finishReason"], &told["content"]["parts"][0]["text"]),
        (&json!("NO_IMAGE"), &json!("none"))
    );
    let wrong = emulator.script(&[json!({"finishReasn": "NO_IMAGE"})]).unwrap_err();
    assert!(wrong.message().contains("Did you mean `finish_reason`?"), "{}", wrong.message());
}

#[test]
fn a_bad_step_is_named() {
    let emulator = Emulator::start(0).unwrap();
    let cases = [
        (json!({"staus": 500}), "script[1].staus", "Did you mean `status`?"),
        (json!({"finish_reasn": "STOP"}), "script[1].finish_reasn", "Did you mean `finish_reason`?"),
        (json!({"staus": 500}), "script[1].staus", "finish_reason"),
        (json!(5), "script[1]", "takes a map"),
        (json!({"status": 42}), "script[1].status", "200 to 599"),
        (json!({"image": "gif 8x8"}), "script[1].image", "png 8x8"),
        (json!({"image": "png 0x8"}), "script[1].image", "png 8x8"),
        (json!({"json": {"a": [{"$image": "png"}]}}), "script[1].json", "$image"),
        (json!({"body": "x", "json": 1}), "script[1].body", "beside json"),
        (json!({"chunk": 0}), "script[1].chunk", "from 1"),
        (json!({"delay": -1}), "script[1].delay", "seconds from 0"),
        (json!({"cut": "soon"}), "script[1].cut", "headers"),
        (json!({"headers": {"content-length": "5"}}), "script[1].headers", "content-length"),
        (json!({"headers": {"a b": "5"}}), "script[1].headers", "HTTP"),
        (json!({"match": {"text": "x"}}), "script[1].match", "prompt"),
        (json!({"thoughts": "hm"}), "script[1].thoughts", "a list of texts"),
        (json!({"thoughts": [{"$image": "gif 8x8"}]}), "script[1].thoughts", "$image"),
        (json!({"model_status": {"stage": "LEGACY"}}), "script[1].model_status", "modelStage"),
        (json!({"ratings": [{"category": "X"}]}), "script[1].ratings", "probability"),
        (json!({"grounding": false}), "script[1].grounding", "true"),
        (json!({"block_reason": "SAFETY", "text": "x"}), "script[1].text", "beside block_reason"),
        (json!({"thoughts": [], "json": 1}), "script[1].thoughts", "beside json"),
        (json!({"event_pause": "long"}), "script[1].event_pause", "seconds from 0"),
        (json!({"times": 0}), "script[1].times", "from 1"),
        (json!({"stall": -1}), "script[1].stall", "bytes from 0"),
        (json!({"stall": 5, "cut": 9}), "script[1].stall", "beside cut"),
        (json!({"length": 0}), "script[1].length", "more or fewer"),
        (json!({"length": "5"}), "script[1].length", "bytes"),
        (json!({"goaway": 1}), "script[1].goaway", "true or false"),
    ];
    for (step, option, says) in cases {
        let error = emulator.script(&[json!({"status": 500}), step]).unwrap_err();
        assert_eq!(error.kind(), Kind::InvalidOptionError);
        assert_eq!(error.field("option").unwrap(), option);
        assert!(error.message().contains(option) && error.message().contains(says), "{}", error.message());
    }
    assert_eq!(generate(&emulator, FLASH, &json!({})).status, 400, "none of the steps was taken");
}

#[test]
fn closing_ends_open_connections_and_frees_the_port() {
    let emulator = Emulator::start(0).unwrap();
    let port: u16 = emulator.url().rsplit(':').next().unwrap().parse().unwrap();
    emulator.script(&[json!({"hang": true})]).unwrap();
    let mut stream = connect(&emulator);
    write_head(&mut stream, "POST", &format!("/v1/models/{FLASH}:generateContent"), &[], 0);
    until(|| emulator.active() == 1);
    let taken = Emulator::start(port).unwrap_err();
    assert!(taken.kind() == Kind::ConfigError && taken.message().contains(&port.to_string()));
    let start = Instant::now();
    emulator.close();
    emulator.close();
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    assert!(rest.is_empty());
    assert_eq!(emulator.requests().len(), 1, "what it was asked stays known");
    let again = Emulator::start(port).unwrap();
    let clone = again.clone();
    drop(again);
    assert_eq!(ask(&clone, "GET", "/", &[], b"").status, 200, "a clone keeps it running");
    drop(clone);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
}

/// The addresses of other libraries' settings lead to the same place.
#[test]
fn a_base_url_may_end_with_a_version_or_a_dialect() {
    let emulator = Emulator::start(0).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for (end, version, path) in [
        ("", None, "v1beta"),
        ("/", None, "v1beta"),
        ("/v1", None, "v1"),
        ("/v1beta/", None, "v1beta"),
        ("/v1beta/openai/", None, "v1beta"),
        ("/v1", Some("v1alpha"), "v1alpha"),
    ] {
        let options = ClientOptions::new().api_key("k").base_url(format!("{}{end}", emulator.url()));
        let options = version.map_or(options.clone(), |version| options.api_version(version));
        let client = Client::new(options).unwrap();
        runtime.block_on(client.count_tokens(Input::from("a boat"), GenerateOptions::new())).unwrap();
        let asked = emulator.requests().pop().unwrap();
        assert_eq!(asked["path"], format!("/{path}/models/{NEW}:countTokens"), "{end}");
    }
}
