//! Conversations: signatures, what the next picture builds on, and answers to be gone on with.

use nanobanana::Emulator;
use serde_json::{Value, json};

use crate::line::*;

const DUMMY: &str = "skip_thought_signature_validator";

fn user(words: &str) -> Value {
    json!({"role": "user", "parts": [{"text": words}]})
}

fn model_turn(parts: &[Value]) -> Value {
    json!({"role": "model", "parts": parts})
}

/// The request after these turns.
fn after(turns: &[Value], words: &str) -> Value {
    let mut contents = turns.to_vec();
    contents.push(user(words));
    json!({"contents": contents, "generationConfig": {"seed": 1, "imageConfig": {"imageSize": "512"}}})
}

fn refused(emulator: &Emulator, model: &str, body: &Value, says: &str) {
    let reply = generate(emulator, model, body);
    assert_eq!(reply.status, 400, "{says}");
    assert!(reply.message().contains(says), "{} should say {says}", reply.message());
}

fn accepted(emulator: &Emulator, model: &str, body: &Value) {
    let reply = generate(emulator, model, body);
    assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
}

fn png_part(signature: Option<&str>) -> Value {
    let data = solid(4, 4, [1, 2, 3], "png");
    let mut part = json!({"inlineData": {"mimeType": "image/png", "data": data}});
    if let Some(signature) = signature {
        part["thoughtSignature"] = signature.into();
    }
    part
}

/// A config without a size, for models that have one only.
fn plain(turns: &[Value], words: &str) -> Value {
    let mut body = after(turns, words);
    body["generationConfig"] = json!({"seed": 1});
    body
}

#[test]
fn a_model_turn_must_bring_its_signatures_back() {
    let emulator = Emulator::start(0).unwrap();
    let turns =
        |words: Value, picture: Value| plain(&[user("a cat"), model_turn(&[words, picture])], "and a dog");
    let signed = || json!({"text": "Here", "thoughtSignature": DUMMY});
    for model in [PRO, NEW, LITE, FLASH] {
        let missing = "Image part is missing a thought_signature in content position 2, part position 2.";
        refused(&emulator, model, &turns(signed(), png_part(None)), missing);
        let missing = "Text part is missing a thought_signature in content position 2, part position 1.";
        refused(&emulator, model, &turns(json!({"text": "Here"}), png_part(Some(DUMMY))), missing);
        let wrong = "Thought signature is not valid in content position 2, part position 2.";
        refused(&emulator, model, &turns(signed(), png_part(Some("aGVsbG8="))), wrong);
    }
    for good in [DUMMY, "context_engineering_is_the_way_to_go"] {
        accepted(&emulator, LITE, &turns(signed(), png_part(Some(good))));
    }
    accepted(&emulator, OLD, &turns(json!({"text": "Here"}), png_part(None)));
    refused(&emulator, PRO, &turns(signed(), png_part(Some("*"))), "thought_signature");
}

/// The parts of an answer with thoughts: thoughts, interim pictures, words, picture.
fn answer(emulator: &Emulator, model: &str) -> Vec<Value> {
    let config = json!({"thinkingConfig": {"includeThoughts": true}});
    parts(&generate(emulator, model, &prompt("a cat", config)))
}

#[test]
fn an_answer_goes_back_to_any_emulator_as_it_came() {
    let parts = answer(&Emulator::start(0).unwrap(), NEW);
    assert_eq!(parts.len(), 5);
    let other = Emulator::start(0).unwrap();
    let send = |parts: &[Value]| plain(&[user("a cat"), model_turn(parts)], "and a dog");
    accepted(&other, NEW, &send(&parts));
    let words = json!({"role": "user", "parts": [{"text": "a cat"}]});
    let body = json!({"contents": [words, model_turn(&parts[3..]), user("and"), user("a dog")]});
    accepted(&other, PRO, &body);
    let mut altered = parts.clone();
    let signature = parts[4]["thoughtSignature"].as_str().unwrap();
    let letter = if signature.starts_with('A') { "B" } else { "A" };
    altered[4]["thoughtSignature"] = format!("{letter}{}", &signature[1..]).into();
    let wrong = "Thought signature is not valid in content position 2, part position 5.";
    refused(&other, NEW, &send(&altered), wrong);
    let mut swapped = parts.clone();
    swapped[3]["thoughtSignature"] = parts[4]["thoughtSignature"].clone();
    swapped[4]["thoughtSignature"] = parts[3]["thoughtSignature"].clone();
    refused(
        &other,
        NEW,
        &send(&swapped),
        "Thought signature is not valid in content position 2, part position 4.",
    );
    let mut worded = parts.clone();
    worded[3]["text"] = format!(" {}", parts[3]["text"].as_str().unwrap()).into();
    refused(&other, NEW, &send(&worded), "part position 4.");
    let mut recoded = parts.clone();
    recoded[4]["inlineData"] = png_part(None)["inlineData"].clone();
    refused(&other, NEW, &send(&recoded), "part position 5.");
    let mut bare = parts;
    bare[4].as_object_mut().unwrap().remove("thoughtSignature");
    refused(
        &other,
        NEW,
        &send(&bare),
        "Image part is missing a thought_signature in content position 2, part position 5.",
    );
}

#[test]
fn the_parts_of_a_stream_go_back_as_they_came_or_with_their_words_put_together() {
    let emulator = Emulator::start(0).unwrap();
    let body = prompt("a cat", small(1));
    let events = stream(&emulator, FLASH, &body);
    // Google's own libraries drop a turn that has an event without any part.
    let part = |event: &Value| event["candidates"][0]["content"]["parts"][0].clone();
    let parts: Vec<Value> = events.iter().map(part).collect();
    assert!(parts.len() == 5 && parts.iter().all(Value::is_object), "{parts:?}");
    accepted(&emulator, FLASH, &after(&[user("a cat"), model_turn(&parts)], "blue"));
    // One content for each event, as some clients keep them.
    let mut turns = vec![user("a cat")];
    turns.extend(parts.iter().map(|part| model_turn(std::slice::from_ref(part))));
    accepted(&emulator, FLASH, &after(&turns, "blue"));
    // LangChain keeps the first piece's signature, the AI SDK that of the empty part at the end.
    let words: String = parts[..3].iter().map(|part| part["text"].as_str().unwrap()).collect();
    for signature in [&parts[0]["thoughtSignature"], &parts[4]["thoughtSignature"]] {
        let merged = [json!({"text": words, "thoughtSignature": signature}), parts[3].clone()];
        accepted(&emulator, FLASH, &after(&[user("a cat"), model_turn(&merged)], "blue"));
    }
    let mut moved = parts.clone();
    moved[3]["thoughtSignature"] = parts[4]["thoughtSignature"].clone();
    refused(&emulator, FLASH, &after(&[user("a cat"), model_turn(&moved)], "blue"), "part position 4.");
}

#[test]
fn a_scripted_answer_can_be_gone_on_with_too() {
    let emulator = Emulator::start(0).unwrap();
    emulator.script(&[json!({"text": "Here", "image": "png 64x32", "thoughts": ["hm"]})]).unwrap();
    let parts = parts(&generate(&emulator, FLASH, &json!({})));
    let reply = generate(&emulator, FLASH, &after(&[user("a cat"), model_turn(&parts)], "blue"));
    assert_eq!(pixels_of(&picture(&reply)), (688, 384));
}

#[test]
fn thoughts_that_come_back_are_not_read() {
    let emulator = Emulator::start(0).unwrap();
    let odd = json!({"thought": true, "inlineData": {"mimeType": "image/png", "data": "AAAA"}});
    let words = json!({"text": "Here", "thoughtSignature": DUMMY});
    let with =
        generate(&emulator, FLASH, &after(&[user("a cat"), model_turn(&[odd, words.clone()])], "blue"));
    let without = generate(&emulator, FLASH, &after(&[user("a cat"), model_turn(&[words])], "blue"));
    assert_eq!(picture(&with), picture(&without));
}

#[test]
fn a_conversation_ends_with_the_user() {
    let emulator = Emulator::start(0).unwrap();
    let words = json!({"text": "Here", "thoughtSignature": DUMMY});
    let mut body = after(&[user("a cat"), model_turn(&[words])], "blue");
    body["contents"].as_array_mut().unwrap().pop();
    refused(&emulator, FLASH, &body, "end with a user role");
    accepted(&emulator, FLASH, &after(&[user("a cat"), user("a dog")], "both"));
}

/// The colour in the middle of where a picture of the call hangs.
fn middle(reply: &Reply) -> [i32; 3] {
    let pixels = picture(reply).pixels().unwrap();
    let at = ((pixels.height / 3) * pixels.width + pixels.width / 2) as usize * 3;
    [pixels.data[at], pixels.data[at + 1], pixels.data[at + 2]].map(i32::from)
}

#[test]
fn the_next_picture_builds_on_the_last() {
    let emulator = Emulator::start(0).unwrap();
    let image = |width, height, colour| {
        let data = solid(width, height, colour, "png");
        json!({"inlineData": {"mimeType": "image/png", "data": data}, "thoughtSignature": DUMMY})
    };
    let (red, blue) = ([240, 10, 10], [10, 10, 240]);
    let history = |colour| {
        let words = json!({"role": "user", "parts": [{"text": "a cat"}, image(20, 20, [10, 240, 10])]});
        // Two pictures in one turn: the last one counts.
        let model = model_turn(&[image(30, 90, [240, 240, 240]), image(160, 90, colour)]);
        [words, model, user("thanks"), model_turn(&[json!({"text": "ok", "thoughtSignature": DUMMY})])]
    };
    let ask = |colour| generate(&emulator, FLASH, &after(&history(colour), "make it bigger"));
    let (one, two) = (ask(red), ask(blue));
    let ([r, _, b], [r2, _, b2]) = (middle(&one), middle(&two));
    assert!(r - b > 50 && b2 - r2 > 50, "{r} {b} · {r2} {b2}");
    assert_eq!(pixels_of(&picture(&one)), (688, 384), "the last picture's shape");
    let mut square = after(&history(red), "make it bigger");
    square["generationConfig"]["imageConfig"]["aspectRatio"] = "1:1".into();
    assert_eq!(pixels_of(&picture(&generate(&emulator, FLASH, &square))), (512, 512));
    let words = visible(&one)[0]["text"].clone();
    assert!(words.as_str().unwrap().ends_with(": make it bigger"), "only the last turn's words: {words}");
    // New pictures of the user come beside it.
    let mut more = after(&history(red), "put this in");
    more["generationConfig"]["thinkingConfig"] = json!({"includeThoughts": true});
    more["contents"][4]["parts"] = json!([{"text": "put this in"}, image(10, 10, blue)]);
    let thought = parts(&generate(&emulator, FLASH, &more))[0]["text"].clone();
    assert!(thought.as_str().unwrap().contains("688×384 picture with 2 given picture(s)"), "{thought}");
}

#[test]
fn the_models_own_pictures_do_not_count_against_the_most() {
    let emulator = Emulator::start(0).unwrap();
    let turn = || [user("a cat"), model_turn(&[png_part(Some(DUMMY))])];
    let turns: Vec<Value> = (0..20).flat_map(|_| turn()).collect();
    let mut body = after(&turns, "blue");
    body["contents"][40]["parts"] = json!([{"text": "blue"}, png_part(None)]);
    accepted(&emulator, FLASH, &body);
    body["contents"][40]["parts"] = vec![png_part(None); 15].into();
    refused(&emulator, FLASH, &body, "at most 14, got 15");
}

#[test]
fn an_answer_that_is_not_whole_gives_a_token_that_is_taken() {
    let emulator = Emulator::start(0).unwrap();
    let asked = |token: &str| {
        let mut body = prompt("a cat", small(1));
        body["continuationToken"] = token.into();
        body
    };
    refused(&emulator, FLASH, &asked("more-1"), "continuation_token");
    // Bytes stand in base64 in the service's JSON, and clients read it: a name goes out so, too.
    for (scripted, sent, others) in [
        ("more-1", "bW9yZS0x", ["bW9yZS0x", "bW9yZS0x"]),
        ("+/8=", "+/8=", ["-_8=", "-_8"]),
        ("t", "dA==", ["dA", "dA=="]),
    ] {
        emulator.script(&[json!({"text": "Here ", "continuation": scripted})]).unwrap();
        let first = generate(&emulator, FLASH, &prompt("a cat", small(1))).json();
        let candidate = &first["candidates"][0];
        assert_eq!(candidate["finishReason"], "CONTINUATION");
        assert_eq!(candidate["continuationToken"], sent);
        assert_eq!(candidate["content"]["parts"].as_array().unwrap().len(), 1, "nothing ends it");
        accepted(&emulator, FLASH, &asked(sent));
        others.iter().for_each(|same| accepted(&emulator, FLASH, &asked(same)));
    }
    refused(&emulator, FLASH, &asked("bW9yZS0y"), "continuation_token");
    let error = emulator.script(&[json!({"text": "a", "continuation": ""})]).unwrap_err();
    assert!(error.message().contains("not empty"), "{}", error.message());
}
