//! Every fault of `tests/faults.json` by every kind of call, and `docs/faults.md`, which tells what came of it.
//! The Python and Node runners walk the same file.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "generated/faults.rs"]
mod document;
#[path = "generated/file.rs"]
mod file;

use std::io::Write as _;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use nanobanana::options::EmulatorOptions;
use nanobanana::schema::Write as _;
use nanobanana::{
    Case, Client, ClientOptions, Emulator, Error, Event, EventStream, GenerateOptions, Generation, Image,
    Input, Item, Kind, ManyOptions,
};
use serde_json::{Map, Value, json};

/// How many cells are under way at once: most of their time is waiting.
const SIDE_BY_SIDE: usize = 32;
/// A cell that is not over by then hangs.
const LONGEST: Duration = Duration::from_secs(60);
/// What a request may take if nothing else is said.
const MOST: f64 = 15.0;
/// The seed of a call's first request: those of a call with several are told apart by it.
const SEED: i64 = 7;

/// One fault by one kind of call.
struct Cell {
    id: String,
    kind: Value,
    /// The fault with what differs for this kind.
    fault: Map<String, Value>,
}

/// What came of a call.
#[derive(Default)]
struct Came {
    outcome: Option<Result<Generation, Error>>,
    events: Vec<Event>,
    /// How many turns the conversation has, if it is one.
    turns: Option<usize>,
    /// Whether the error was in an outcome, and ended no run.
    is_told: bool,
}

fn map(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

/// The fault as it is for this kind: an expectation with another end is another one, others add to it.
fn differing(fault: &Value, kind: &Value) -> Map<String, Value> {
    let mut whole = map(fault);
    for name in [kind["group"].as_str().unwrap(), kind["id"].as_str().unwrap()] {
        for (key, value) in map(&fault["for"][name]) {
            let mut value = value;
            if key == "expect" && value.get("end").is_none() {
                let mut expect = map(&whole["expect"]);
                expect.extend(map(&value));
                value = expect.into();
            }
            whole.insert(key, value);
        }
    }
    whole
}

/// All that a cell is held against: what is not written has a value, too.
fn expected(cell: &Cell) -> Map<String, Value> {
    let mut expect = map(&cell.fault["expect"]);
    let calls = cell.kind["calls"].as_u64().unwrap_or(1);
    let is_result = expect["end"] == "result";
    let must: &[&str] = if is_result { &[] } else { &["billed", "retryable", "exit"] };
    for name in must {
        assert!(expect.contains_key(*name), "{}: an error's {name} must be told", cell.id);
    }
    let requests = expect.get("requests").and_then(Value::as_u64).unwrap_or(1);
    let defaults = [
        ("pictures", if is_result { json!(1) } else { Value::Null }),
        ("requests", json!(requests)),
        ("attempts", json!(requests)),
        ("lost", json!(0)),
        ("paid", json!(0)),
        ("partial", json!(false)),
        // A failure of one item is an outcome, and does not end a run.
        ("raises", json!(!is_result && cell.kind["group"] != "bulk")),
    ];
    for (name, value) in defaults {
        let value = expect.entry(name).or_insert(value);
        // An error is that of the first request; of a result the counts are of all of them.
        if let Some(count) = value.as_u64().filter(|_| name == "requests" || is_result) {
            *value = json!(count * calls);
        }
    }
    expect
}

/// The emulator's script: each request of a call meets the fault, and after it gets a picture.
fn script(cell: &Cell) -> Vec<Value> {
    let mut steps = Vec::new();
    let calls = cell.kind["calls"].as_i64().unwrap_or(1);
    for seed in (0..calls).map(|number| SEED + number) {
        for step in cell.fault.get("server").and_then(Value::as_array).into_iter().flatten() {
            let mut step = map(step);
            if calls > 1 {
                step.insert("match".into(), json!({ "seed": seed }));
            }
            steps.push(step.into());
        }
    }
    steps.push(json!({"image": "png 8x8", "times": 99}));
    steps
}

/// The client's options, where the emulator is.
fn client(cell: &Cell, file: &Value, emulator: &Emulator) -> Client {
    let mut options = map(&file["client"]);
    options.insert("api_key".into(), "test-key-0123".into());
    options.insert("base_url".into(), emulator.url().into());
    if let Some(bundle) = emulator.ca_bundle().filter(|_| cell.fault.get("trusts") != Some(&json!(false))) {
        options.insert("ca_bundle".into(), bundle.to_str().unwrap().into());
    }
    options.extend(cell.fault.get("client").map(map).unwrap_or_default());
    if let Some(scheme) = options["base_url"]["scheme"].as_str() {
        let url = emulator.url().replace("http:", &format!("{scheme}:"));
        options.insert("base_url".into(), url.into());
    }
    Client::new(ClientOptions::read(&options, Case::Snake).unwrap()).unwrap()
}

async fn read(mut stream: EventStream) -> Came {
    let mut came = Came::default();
    while came.outcome.is_none() {
        match stream.next().await {
            Ok(Some(Event::Done(done))) => came.outcome = Some(Ok(done.result)),
            Ok(Some(event)) => came.events.push(event),
            Ok(None) => panic!("a stream ended without its last event"),
            Err(error) => came.outcome = Some(Err(error)),
        }
    }
    came
}

/// One call of a kind.
async fn call(client: &Client, kind: &str) -> Came {
    let options = GenerateOptions::new().seed(SEED);
    let picture = || Input::Path(file::root().join("tests/media/dot.png"));
    let alone = |outcome| Came { outcome: Some(outcome), ..Came::default() };
    match kind {
        "generate" => alone(client.generate("a boat", options).await),
        "edit" => alone(client.edit("at night", picture(), options).await),
        "n" => alone(client.generate("a boat", options.n(2u32)).await),
        "generate_stream" => read(client.generate_stream("a boat", options)).await,
        "edit_stream" => read(client.edit_stream("at night", picture(), options)).await,
        "chat_send" => {
            let chat = client.chat(GenerateOptions::new()).unwrap();
            let came = alone(chat.send("a boat", options).await);
            Came { turns: Some(chat.history().len()), ..came }
        }
        "chat_send_stream" => {
            let chat = client.chat(GenerateOptions::new()).unwrap();
            let came = read(chat.send_stream("a boat", options)).await;
            Came { turns: Some(chat.history().len()), ..came }
        }
        "generate_many" => {
            let run = client.generate_many(options, ManyOptions::new()).unwrap();
            let mut items = [Item::new("a boat")].into_iter();
            let mut came = Came::default();
            loop {
                match run.next(&mut items).await {
                    Ok(Some(outcome)) => {
                        came.is_told = true;
                        came.outcome = Some(outcome.result.ok_or_else(|| outcome.error.unwrap()));
                    }
                    Ok(None) => break came,
                    Err(error) => break alone(Err(error)),
                }
            }
        }
        other => panic!("there is no call kind {other}"),
    }
}

/// What is to be said of what came, and of the way there.
fn facts(came: &Came, requests: usize, took: f64) -> Map<String, Value> {
    let said = |warnings: &[nanobanana::Message], what: &str| {
        warnings.iter().filter(|text| text.contains(what)).count()
    };
    let facts = match came.outcome.as_ref().unwrap() {
        Ok(result) => json!({
            "end": "result",
            "pictures": result.images.len(),
            "attempts": result.attempts.len(),
            "lost": said(&result.warnings, "was lost ("),
            "paid": said(&result.warnings, "answered without a picture, and billed"),
            "partial": false,
            "raises": false,
        }),
        Err(error) => {
            let mut facts = error.write(Case::Snake);
            let attempts = error.attempts().len();
            let partial = facts["partial"].take();
            let more = json!({
                "end": error.kind().name(),
                "exit": error.kind().exit_code(),
                "pictures": null,
                "attempts": attempts,
                "lost": 0,
                "paid": 0,
                "partial": !partial.is_null(),
                "raises": !came.is_told,
                "partial_pictures": partial["images"].as_array().map(Vec::len),
            });
            facts.as_object_mut().unwrap().extend(map(&more));
            facts
        }
    };
    let mut facts = map(&facts);
    facts.insert("requests".into(), requests.into());
    facts.insert("took".into(), took.into());
    facts
}

/// What holds for every call, whatever the fault.
fn always(cell: &Cell, came: &Came) -> Result<(), String> {
    let outcome = came.outcome.as_ref().unwrap();
    let attempts = match outcome {
        Ok(result) => &result.attempts[..],
        Err(error) => error.attempts(),
    };
    let succeeded = attempts.iter().filter(|attempt| attempt.reason.is_none()).count() as u64;
    let should = if outcome.is_ok() { cell.kind["calls"].as_u64().unwrap_or(1) } else { 0 };
    if succeeded != should {
        return Err(format!("{succeeded} attempts have no reason of failure: {attempts:?}"));
    }
    let said = match outcome {
        Ok(_) => 2,
        // The model was asked, and answered.
        Err(error) if error.kind() == Kind::NoImageError => 1,
        Err(_) => 0,
    };
    if let Some(turns) = came.turns.filter(|turns| *turns != said) {
        return Err(format!("the conversation has {turns} turns"));
    }
    // What a stream had handed out is what it says to have had.
    if cell.kind["group"] == "stream"
        && let Err(error) = outcome
    {
        let words: String = (came.events.iter())
            .filter_map(|event| if let Event::Text(event) = event { Some(&*event.text) } else { None })
            .collect();
        let shown: Vec<&Image> = (came.events.iter())
            .filter_map(|event| if let Event::Image(event) = event { Some(&event.image) } else { None })
            .collect();
        let text = error.partial().map(|partial| partial.text.clone()).unwrap_or_default();
        if text != words || error.pictures().iter().collect::<Vec<_>>() != shown {
            return Err(format!("the events said {words:?} with {} pictures, but {error:?}", shown.len()));
        }
    }
    Ok(())
}

/// Where what came differs from what is expected.
fn differs(expected: &Map<String, Value>, facts: &Map<String, Value>) -> Result<(), String> {
    for (name, wanted) in expected {
        let number = |name: &str| facts[name].as_f64().unwrap();
        let holds = match name.as_str() {
            "least" => number("took") >= wanted.as_f64().unwrap(),
            "most" => number("took") <= wanted.as_f64().unwrap(),
            "says" => facts["message"].as_str().is_some_and(|text| text.contains(wanted.as_str().unwrap())),
            name if wanted.is_number() => facts.get(name).and_then(Value::as_f64) == wanted.as_f64(),
            name => facts.get(name).unwrap_or(&Value::Null) == wanted,
        };
        if !holds {
            return Err(format!("{name} should be {wanted}"));
        }
    }
    match facts["took"].as_f64().unwrap() {
        took if took > MOST => Err(format!("it took {took} s")),
        _ => Ok(()),
    }
}

/// An expectation that what came does not meet.
fn otherwise(name: &str, wanted: &Value) -> Value {
    match wanted {
        Value::Number(number) if name == "most" => json!(number.as_f64().unwrap() - 1000.0),
        Value::Number(number) if name == "least" => json!(number.as_f64().unwrap() + 1000.0),
        Value::Number(number) => json!(number.as_f64().unwrap() + 1.0),
        Value::Bool(is) => json!(!is),
        Value::String(text) => json!(format!("{text}, but not so")),
        _ => json!("something"),
    }
}

/// Every expectation can fail: held against others, what came differs.
fn all_can_fail(expected: &Map<String, Value>, facts: &Map<String, Value>) -> Result<(), String> {
    for (name, wanted) in expected {
        let mut other = expected.clone();
        other.insert(name.clone(), otherwise(name, wanted));
        if differs(&other, facts).is_ok() {
            return Err(format!("{name} is not looked at"));
        }
    }
    Ok(())
}

/// Makes one cell: what came of it, and what was wrong with that.
async fn run(cell: &Cell, file: &Value) -> (Map<String, Value>, Option<String>) {
    let options = cell.fault.get("emulator").map(map).unwrap_or_default();
    let options = EmulatorOptions::read(&options, Case::Snake).unwrap();
    let emulator = Emulator::start_with(options).unwrap();
    emulator.script(&script(cell)).unwrap_or_else(|error| panic!("{}: {error}", cell.id));
    let client = client(cell, file, &emulator);
    let started = Instant::now();
    let kind = cell.kind["id"].as_str().unwrap();
    let came = tokio::time::timeout(LONGEST, call(&client, kind)).await;
    let Ok(came) = came else { return (Map::new(), Some("it hangs".into())) };
    let facts = facts(&came, emulator.requests().len(), started.elapsed().as_secs_f64());
    let expected = expected(cell);
    let mut problem = always(cell, &came)
        .and_then(|()| differs(&expected, &facts))
        .and_then(|()| all_can_fail(&expected, &facts))
        .err();
    // Nothing goes on once the call has ended, though the client lives.
    let begun = Instant::now();
    while emulator.active() > 0 && problem.is_none() {
        tokio::time::sleep(Duration::from_millis(5)).await;
        if begun.elapsed() > Duration::from_secs(10) {
            problem = Some("a request is still under way".into());
        }
    }
    drop(client);
    // It waits for a thread.
    tokio::task::spawn_blocking(move || emulator.close()).await.unwrap();
    (facts, problem)
}

fn file() -> Value {
    let text = std::fs::read_to_string(file::root().join("tests/faults.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn cells(file: &Value) -> Vec<Cell> {
    let faults = list(&file["sections"]).iter().flat_map(|section| list(&section["faults"]));
    faults
        .flat_map(|fault| {
            list(&file["kinds"]).iter().map(move |kind| Cell {
                id: format!("{}/{}", fault["id"].as_str().unwrap(), kind["id"].as_str().unwrap()),
                kind: kind.clone(),
                fault: differing(fault, kind),
            })
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_fault_ends_as_it_should_in_every_kind_of_call() {
    let file = file();
    let only = std::env::var("FAULT").ok();
    let mut cells = cells(&file);
    cells.retain(|cell| only.as_ref().is_none_or(|only| cell.id.contains(only.as_str())));
    let started = Instant::now();
    let running = futures_util::stream::iter(&cells).map(|cell| run(cell, &file));
    let seen: Vec<_> = running.buffered(SIDE_BY_SIDE).collect().await;
    let mut wrong = Vec::new();
    for (cell, (facts, problem)) in cells.iter().zip(&seen) {
        if let Some(problem) = problem {
            wrong.push(format!("{}: {problem}\n    {}", cell.id, Value::Object(facts.clone())));
        }
    }
    let took = started.elapsed().as_secs_f64();
    // Not by `eprintln`, whose lines only a failed test shows.
    let mut stderr = std::io::stderr();
    writeln!(stderr, "{} cells of faults in {took:.1} s, {} wrong", cells.len(), wrong.len()).unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    if only.is_none() {
        let seen: Vec<_> = seen.into_iter().map(|(facts, _)| facts).collect();
        let told = document::write(&file, &cells, &seen);
        // It writes at most one small file.
        file::same("docs/faults.md", &told);
    }
}
