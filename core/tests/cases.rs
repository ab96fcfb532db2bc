//! Runs `tests/cases/*.json` in Rust. The Python and Node runners read the same files by the same
//! rules, which `tests/cases/README.md` states.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr
)]

use std::path::{Path, PathBuf};
use std::time::Instant;

use base64::Engine as _;
use futures_util::StreamExt as _;
use nanobanana::schema::Write as _;
use nanobanana::{Answer, Case, Client, ClientOptions, Door, Emulator, Error, Image, Input};
use serde_json::{Map, Value, json};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests")
}

/// A prompt's piece, or a picture, as the cases write them.
fn input(value: &Value, in_prompt: bool) -> Result<Input, Error> {
    Ok(match value {
        Value::String(text) if in_prompt => Input::Text(text.clone()),
        Value::String(name) => Input::Named(name.clone()),
        Value::Object(map) => {
            let text = |name: &str| map.get(name).and_then(Value::as_str);
            if let Some(path) = text("path") {
                Input::Path(folder().join(path))
            } else if let Some(path) = text("bytes_of") {
                Input::Bytes(std::fs::read(folder().join(path)).unwrap().into())
            } else if let Some(data) = text("base64") {
                Input::Bytes(base64::engine::general_purpose::STANDARD.decode(data).unwrap().into())
            } else {
                return wrapped(map);
            }
        }
        other => panic!("a case has the input {other}"),
    })
}

/// An input with something said of it.
fn wrapped(map: &Map<String, Value>) -> Result<Input, Error> {
    let mut fields = map.clone();
    if let Some(Value::Array(edges)) = fields.remove("box") {
        fields.extend(["left", "top", "right", "bottom"].map(str::to_owned).into_iter().zip(edges));
        return Input::made("Box", None, &fields, Case::Snake);
    }
    for (key, class) in [("reference", "Reference"), ("attachment", "Attachment")] {
        if let Some(of) = fields.remove(key) {
            return Input::made(class, Some(input(&of, false)?), &fields, Case::Snake);
        }
    }
    panic!("a case has the input {map:?}")
}

fn inputs(value: Option<&Value>, in_prompt: bool) -> Result<Vec<Input>, Error> {
    match value {
        None => Ok(Vec::new()),
        Some(Value::Array(list)) => list.iter().map(|value| input(value, in_prompt)).collect(),
        Some(one) => Ok(vec![input(one, in_prompt)?]),
    }
}

/// The items of a list; anything else is a list of one.
fn several(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(list) => list.clone(),
        one => vec![one.clone()],
    }
}

/// Where and how `actual` differs from what a case expects; none if it does not.
fn differs(expected: &Value, actual: &Value, at: &str) -> Option<String> {
    let wrong = || Some(format!("{at}: expected {expected}, got {actual}"));
    match (expected, actual) {
        (Value::Object(map), _) if map.len() == 1 && map.contains_key("contains") => {
            let pieces = several(&map["contains"]);
            let holds = |text: &Value| {
                let text = text.as_str()?;
                pieces.iter().all(|piece| text.contains(piece.as_str().unwrap())).then_some(())
            };
            if several(actual).iter().any(|text| holds(text).is_some()) { None } else { wrong() }
        }
        (Value::Object(map), _) if map.len() == 1 && map.contains_key("has") => {
            let found = several(actual).iter().any(|item| differs(&map["has"], item, at).is_none());
            if found { None } else { wrong() }
        }
        (Value::Object(map), _) if map.len() == 1 && map.contains_key("lacks") => {
            if actual.to_string().contains(map["lacks"].as_str().unwrap()) { wrong() } else { None }
        }
        (Value::Object(map), _) if map.len() == 1 && map.contains_key("about") => {
            let wanted = map["about"].as_f64().unwrap();
            if actual.as_f64().is_some_and(|got| (got - wanted).abs() <= 1e-9 + wanted.abs() * 1e-6) {
                None
            } else {
                wrong()
            }
        }
        (Value::Object(map), _) if map.len() == 1 && map.contains_key("at_least") => {
            if actual.as_f64().is_some_and(|got| got >= map["at_least"].as_f64().unwrap()) {
                None
            } else {
                wrong()
            }
        }
        (Value::Object(map), _) if map.len() == 1 && map.contains_key("at_most") => {
            if actual.as_f64().is_some_and(|got| got <= map["at_most"].as_f64().unwrap()) {
                None
            } else {
                wrong()
            }
        }
        (Value::Object(map), _) if map.len() == 1 && map.contains_key("exactly") => {
            if actual == &map["exactly"] { None } else { wrong() }
        }
        (Value::Number(count), Value::Array(list)) => {
            if count.as_u64() == Some(list.len() as u64) {
                None
            } else {
                wrong()
            }
        }
        (Value::Number(wanted), Value::Number(got)) => {
            if wanted.as_f64() == got.as_f64() {
                None
            } else {
                wrong()
            }
        }
        (Value::Object(wanted), Value::Object(got)) => wanted.iter().find_map(|(key, value)| {
            let at = format!("{at}.{key}");
            match got.get(key) {
                None if value == &json!({ "absent": true }) => None,
                None => Some(format!("{at}: missing, expected {value}")),
                Some(actual) => differs(value, actual, &at),
            }
        }),
        (Value::Array(wanted), Value::Array(got)) => {
            if wanted.len() != got.len() {
                return wrong();
            }
            wanted
                .iter()
                .zip(got)
                .enumerate()
                .find_map(|(index, (wanted, got))| differs(wanted, got, &format!("{at}[{index}]")))
        }
        (wanted, got) => {
            if wanted == got {
                None
            } else {
                wrong()
            }
        }
    }
}

async fn run(case: &Value) -> Result<(), String> {
    let emulator = Emulator::start(0).unwrap();
    if let Some(steps) = case.get("server").and_then(Value::as_array) {
        emulator.script(steps).map_err(|error| format!("server: {error}"))?;
    }
    let mut options =
        json!({ "base_url": emulator.url(), "api_key": "test-key-0123" }).as_object().unwrap().clone();
    for (name, value) in case.get("client").and_then(Value::as_object).into_iter().flatten() {
        let alone = value.as_object().filter(|map| map.len() == 1);
        let path = alone.and_then(|map| map.get("path")?.as_str());
        let value = path.map_or(value.clone(), |path| folder().join(path).display().to_string().into());
        options.insert(name.clone(), value);
    }
    let started = Instant::now();
    let client = ClientOptions::read(&options, Case::Snake).and_then(Client::new).map(Door::Client);
    let asked = client.as_ref().ok().cloned();
    let outcome = match (client, case.get("steps").and_then(Value::as_array)) {
        (client, None) => perform(client, &case["call"], case).await,
        (Err(error), Some(_)) => Err(format!("the client was refused: {error:?}")),
        (Ok(client), Some(steps)) => conversation(&client, case.get("chat"), steps).await,
    };
    let took = started.elapsed().as_secs_f64();
    let requests = Value::Array(emulator.requests());
    emulator.close();
    if let (Some(wanted), Some(client)) = (case.get("spent"), asked) {
        let spent = client.call("spent", Vec::new(), Vec::new(), Map::new(), Case::Snake).await;
        if let Some(problem) = differs(wanted, &spent.unwrap().json, "spent") {
            return Err(problem);
        }
    }
    if let Some(sent) = case.get("sent")
        && let Some(problem) = differs(sent, &requests, "sent")
    {
        return Err(problem);
    }
    if let Some(wanted) = case.get("took")
        && let Some(problem) = differs(wanted, &json!(took), "took")
    {
        return Err(problem);
    }
    outcome
}

/// One call, or one step of a conversation, against what is expected of it.
async fn perform(door: Result<Door, Error>, call: &Value, expected: &Value) -> Result<(), String> {
    let mut events = Vec::new();
    let outcome = match door {
        Err(error) => Err(error),
        Ok(door) => ask(&door, call, &mut events).await,
    };
    if let Some(wanted) = expected.get("events")
        && let Some(problem) = differs(wanted, &Value::Array(events), "events")
    {
        return Err(problem);
    }
    match (outcome, expected.get("result"), expected.get("error")) {
        (Ok(answer), Some(wanted), None) => {
            if let Some(files) = expected.get("pictures") {
                same_pictures(&inputs(Some(files), false).unwrap(), &answer.pictures)?;
            }
            differs(wanted, &answer.json, "result").map_or(Ok(()), Err)
        }
        (Err(error), None, Some(wanted)) => {
            if let Some(files) = expected.get("pictures") {
                same_pictures(&inputs(Some(files), false).unwrap(), &error.pictures())?;
            }
            differs(wanted, &error.write(Case::Snake), "error").map_or(Ok(()), Err)
        }
        (Ok(_), None, None) => Ok(()),
        (Ok(answer), ..) => Err(format!("it succeeded: {}", answer.json)),
        (Err(error), ..) => Err(format!("it failed: {error:?}")),
    }
}

/// Makes a call; of a stream, to its end: the answer is then its last event's result.
async fn ask(door: &Door, call: &Value, events: &mut Vec<Value>) -> Result<Answer, Error> {
    let mut options = call.get("options").and_then(Value::as_object).cloned().unwrap_or_default();
    for name in ["role", "keep"] {
        options.extend(call.get(name).map(|value| (name.to_owned(), value.clone())));
    }
    let verb = call["verb"].as_str().unwrap();
    let (prompt, mut images) = (inputs(call.get("prompt"), true)?, inputs(call.get("images"), false)?);
    for name in Input::OPTIONS {
        let Some(given) = options.remove(*name) else { continue };
        let beside = inputs(Some(&given), false)?;
        Input::check_count(name, beside.len())?;
        for input in beside {
            images.push(Input::of_option(name, input)?);
        }
    }
    let (door, verb) = match verb.strip_prefix("files.") {
        Some(verb) => {
            let opened = door.call("files", Vec::new(), Vec::new(), Map::new(), Case::Snake).await?;
            (&opened.door.unwrap(), verb)
        }
        None => (door, verb),
    };
    let answer = door.call(verb, prompt, images, options, Case::Snake).await?;
    let Some(stream @ Door::Stream(_)) = answer.door else { return Ok(answer) };
    let mut last = Answer::default();
    loop {
        let event = stream.call("next", Vec::new(), Vec::new(), Map::new(), Case::Snake).await?;
        if event.json.is_null() {
            return Ok(Answer { json: last.json["result"].take(), ..last });
        }
        events.push(event.json.clone());
        last = event;
    }
}

/// The steps of a conversation, one after the other; `branch` goes on with the branch, and `reload`
/// with what `save` wrote.
async fn conversation(client: &Door, options: Option<&Value>, steps: &[Value]) -> Result<(), String> {
    let none = Map::new();
    let options = options.and_then(Value::as_object).unwrap_or(&none);
    let open = |verb: &'static str, options: Map<String, Value>| async move {
        let opened = client.call(verb, Vec::new(), Vec::new(), options, Case::Snake).await;
        opened.map(|answer| answer.door.unwrap())
    };
    let mut chat = open("chat", options.clone()).await.map_err(|error| format!("chat: {error:?}"))?;
    for (number, step) in steps.iter().enumerate() {
        let at = |problem: String| format!("steps[{number}]: {problem}");
        match step["verb"].as_str().unwrap() {
            "branch" => {
                let branch = chat.call("branch", Vec::new(), Vec::new(), Map::new(), Case::Snake).await;
                chat = branch.unwrap().door.unwrap();
            }
            "reload" => {
                let folder = tempfile::tempdir().unwrap();
                let path = json!({ "path": folder.path().join("a.chat.json") }).as_object().unwrap().clone();
                let saved = chat.call("save", Vec::new(), Vec::new(), path.clone(), Case::Snake).await;
                saved.map_err(|error| at(format!("{error:?}")))?;
                chat = open("load_chat", path).await.map_err(|error| at(format!("{error:?}")))?;
            }
            _ => perform(Ok(chat.clone()), step, step).await.map_err(at)?,
        }
    }
    Ok(())
}

fn same_pictures(wanted: &[Input], got: &[Image]) -> Result<(), String> {
    if wanted.len() != got.len() {
        return Err(format!("pictures: {} came", got.len()));
    }
    for (index, (wanted, got)) in wanted.iter().zip(got).enumerate() {
        let Input::Bytes(wanted) = wanted else { panic!("`pictures` are bytes_of or base64") };
        if wanted != got.bytes().unwrap() {
            return Err(format!("pictures[{index}]: {} other bytes", got.len()));
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_case_passes() {
    let mut cases = Vec::new();
    let mut files: Vec<_> =
        std::fs::read_dir(folder().join("cases")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files.into_iter().filter(|file| file.extension().is_some_and(|extension| extension == "json"))
    {
        let text = std::fs::read_to_string(&file).unwrap();
        let list: Vec<Value> =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        cases.extend(list);
    }
    let only = std::env::var("CASE").ok();
    let cases: Vec<_> = cases
        .into_iter()
        .filter(|case| only.as_ref().is_none_or(|only| case["id"] == only.as_str()))
        .collect();
    let mut ids: Vec<_> =
        cases.iter().map(|case| case["id"].as_str().expect("a case without an id").to_owned()).collect();
    ids.sort();
    let count = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), count, "two cases share an id");
    assert!(count > 0, "no case was found");
    let failures: Vec<String> = futures_util::stream::iter(&cases)
        .map(|case| async move { run(case).await.err().map(|problem| format!("{}: {problem}", case["id"])) })
        .buffered(8)
        .filter_map(|failure| async move { failure })
        .collect()
        .await;
    eprintln!("{count} cases, {} failed", failures.len());
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}
