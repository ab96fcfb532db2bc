//! What the emulator takes, refuses and returns, field by field: `tests/facts.json` says it, with its source, and here
//! every line of it is tried, and held against the emulator's grammar and against all its replies. The page
//! `docs/facts.md` is written from the same lines.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nanobanana::Emulator;
use nanobanana::catalogue::{Catalogue, Model};
use nanobanana::options::{EmulatorOptions, Reading};
use nanobanana::schema::Case;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::line::*;

#[path = "../../cli/tests/generated/file.rs"]
mod file;
mod page;

/// The file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Facts {
    /// How sure a fact is, by its tag.
    tags: BTreeMap<String, String>,
    /// What the sections of the reference are about.
    sections: BTreeMap<String, String>,
    /// By grammar: places whose fields are those of another place.
    same: BTreeMap<String, BTreeMap<String, String>>,
    /// By kind of reply: places that hold what another kind has, `kind#place`.
    like: BTreeMap<String, BTreeMap<String, String>>,
    /// By kind of reply: maps with keys that nobody can list.
    free: BTreeMap<String, Vec<String>>,
    areas: Vec<Area>,
}

/// Facts of one matter.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Area {
    name: String,
    #[serde(default)]
    about: String,
    /// The grammar whose fields they are about.
    grammar: Option<String>,
    /// The kind of reply whose fields they are about.
    reply: Option<String>,
    /// What stands before each field's name.
    #[serde(default)]
    prefix: String,
    /// What its facts are from, where they do not say it.
    #[serde(default)]
    wire: String,
    #[serde(default)]
    by: Vec<String>,
    /// What shows those of its facts that have no probe of their own.
    #[serde(default)]
    probe: Vec<Step>,
    facts: Vec<Fact>,
}

/// What happens to a field.
#[derive(Deserialize, Clone, Copy, PartialEq, Debug)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    /// It is read, and changes the answer.
    Taken,
    /// It may be sent, and nothing comes of it.
    Idle,
    Refused,
    Returned,
    /// The service has it; the emulator never returns it.
    Absent,
    /// No field, but a rule.
    Holds,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fact {
    field: Words,
    is: Verdict,
    /// On this service alone.
    on: Option<String>,
    #[serde(default)]
    what: String,
    wire: Option<String>,
    by: Option<Vec<String>>,
    #[serde(default)]
    probe: Vec<Step>,
    /// The emulator's options for the probe.
    #[serde(default)]
    options: Map<String, Value>,
    /// The name of the other reading, if sources conflict.
    reading: Option<String>,
    /// The probe of that one.
    #[serde(default)]
    other: Vec<Step>,
}

/// One, or several.
#[derive(Deserialize, Clone)]
#[serde(untagged)]
enum Words {
    One(String),
    All(Vec<String>),
}

impl Words {
    fn all(&self) -> &[String] {
        match self {
            Words::One(word) => std::slice::from_ref(word),
            Words::All(words) => words,
        }
    }
}

/// A request, and what is to come of it.
#[derive(Deserialize, Clone, Default)]
#[serde(deny_unknown_fields, default)]
struct Step {
    /// On this service alone.
    on: Option<String>,
    /// The value of the fact's own field, in a request that is short else.
    send: Option<Value>,
    /// The place of that value, if it is not the fact's field.
    at: Option<String>,
    /// What stands beside it.
    beside: Option<Value>,
    /// A body in place of that request.
    body: Option<Value>,
    /// A body that need not be JSON.
    raw: Option<String>,
    model: Option<String>,
    verb: Option<String>,
    version: Option<String>,
    /// A method and a path, in place of a model's verb.
    to: Option<String>,
    /// Opens an upload, of two bytes unless the headers say otherwise.
    start: bool,
    /// Sends the bytes of an upload to `{url}`, and ends it.
    finish: bool,
    /// Null takes one away.
    headers: BTreeMap<String, Option<String>>,
    /// What the emulator is to answer.
    script: Option<Vec<Value>>,
    status: Option<u16>,
    /// The message holds this.
    says: Option<Words>,
    /// By place: what is found there; `*` is anything.
    gives: BTreeMap<String, Value>,
    lacks: Vec<String>,
    header: BTreeMap<String, String>,
    /// By name: the place, or the header, of what later steps need.
    save: BTreeMap<String, String>,
    /// Asks until there is this at a place.
    until: BTreeMap<String, Value>,
}

/// What was seen: by kind of reply and service, every place.
type Seen = BTreeMap<(String, String), BTreeSet<String>>;

const SERVICES: [&str; 2] = ["gemini", "vertex"];

/// Headers of the line itself.
const LINE: [&str; 4] = ["content-length", "date", "connection", "transfer-encoding"];

impl Facts {
    fn read() -> Self {
        let text = std::fs::read_to_string(file::root().join("tests/facts.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// The fields of a fact with their area's prefix.
    fn fields<'a>(area: &'a Area, fact: &'a Fact) -> impl Iterator<Item = String> + 'a {
        fact.field.all().iter().map(|field| format!("{}{field}", area.prefix))
    }

    fn rows(&self) -> impl Iterator<Item = (&Area, &Fact)> {
        self.areas.iter().flat_map(|area| area.facts.iter().map(move |fact| (area, fact)))
    }
}

impl Fact {
    fn services(&self, area: &Area) -> Vec<&str> {
        let both = matches!(area.grammar.as_deref(), Some("generateContent"))
            || matches!(area.reply.as_deref(), Some("generate" | "count"));
        match &self.on {
            Some(one) => vec![one.as_str()],
            None if both => SERVICES.to_vec(),
            None => vec!["gemini"],
        }
    }
}

/// Puts a value where a path says.
fn place(body: &mut Value, path: &str, value: Value) {
    let mut at = body;
    for name in path.split('.') {
        let (name, is_list) = match name.split_once('[') {
            Some((name, _)) => (name, true),
            None => (name, false),
        };
        if at.is_null() {
            *at = json!({});
        }
        at = &mut at[name];
        if is_list {
            if at.as_array().is_none_or(Vec::is_empty) {
                *at = json!([null]);
            }
            at = &mut at[0];
        }
    }
    *at = value;
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            from.into_iter().for_each(|(name, value)| merge(into.entry(name).or_insert(Value::Null), value));
        }
        (into, from) => *into = from,
    }
}

/// All that stands at a place.
fn found<'a>(value: &'a Value, path: &str) -> Vec<&'a Value> {
    let mut all = vec![value];
    for name in path.split('.').filter(|name| !name.is_empty()) {
        let (name, lists) = (name.trim_end_matches("[]"), name.matches("[]").count());
        all = all
            .into_iter()
            .filter_map(|value| if name.is_empty() { Some(value) } else { value.get(name) })
            .collect();
        for _ in 0..lists {
            all = all.into_iter().flat_map(|value| value.as_array().into_iter().flatten()).collect();
        }
    }
    all
}

/// The places at which something stands that has no fields of its own. An empty list holds nothing.
fn leaves(value: &Value, path: &str, free: &[String], out: &mut BTreeSet<String>) {
    let is_free = free.iter().any(|name| name == path);
    match value {
        Value::Object(map) if !map.is_empty() && !is_free => {
            let dot = if path.is_empty() { "" } else { "." };
            map.iter().for_each(|(name, value)| leaves(value, &format!("{path}{dot}{name}"), free, out));
        }
        Value::Array(list) if !is_free => {
            list.iter().for_each(|value| leaves(value, &format!("{path}[]"), free, out));
        }
        _ if path.is_empty() => {}
        _ => {
            out.insert(path.to_owned());
        }
    }
}

fn matches(found: &[&Value], wanted: &Value) -> bool {
    let is = |value: &&Value| match wanted {
        Value::String(any) if any == "*" => true,
        Value::Object(form) if form.contains_key("$holds") => {
            value.as_str().is_some_and(|text| text.contains(form["$holds"].as_str().unwrap()))
        }
        Value::Object(form) if form.contains_key("$pixels") => {
            let bytes = STANDARD.decode(value.as_str().unwrap_or_default()).unwrap_or_default();
            let image = nanobanana::Image::from_bytes(bytes).ok();
            image.is_some_and(|image| json!([image.width(), image.height()]) == form["$pixels"])
        }
        Value::Object(form) if form.contains_key("$count") => json!(found.len()) == form["$count"],
        wanted => *value == wanted,
    };
    found.iter().any(is)
}

/// One run of a probe, on one service.
struct Run<'a> {
    facts: &'a Facts,
    emulator: Emulator,
    service: &'a str,
    saved: BTreeMap<String, String>,
    seen: &'a mut Seen,
}

impl Run<'_> {
    /// The text with what was saved in it.
    fn filled(&self, text: &str) -> String {
        self.saved
            .iter()
            .fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
    }

    /// The value with all that the file only names.
    fn made(&self, value: &Value) -> Value {
        match value {
            Value::Object(map) => match map.iter().next().map(|(name, value)| (name.as_str(), value)) {
                Some(("$picture", told)) => {
                    let (format, size) = told.as_str().unwrap().split_once(' ').unwrap();
                    let (width, height) = size.split_once('x').unwrap();
                    solid(width.parse().unwrap(), height.parse().unwrap(), [90, 120, 30], format).into()
                }
                Some(("$base64", text)) => STANDARD.encode(text.as_str().unwrap()).into(),
                Some(("$letters", count)) => "x".repeat(count.as_u64().unwrap() as usize).into(),
                Some(("$times", told)) => {
                    vec![self.made(&told[1]); told[0].as_u64().unwrap() as usize].into()
                }
                _ => map
                    .iter()
                    .map(|(name, value)| (name.clone(), self.made(value)))
                    .collect::<Map<_, _>>()
                    .into(),
            },
            Value::Array(list) => list.iter().map(|value| self.made(value)).collect(),
            Value::String(text) => self.filled(text).into(),
            other => other.clone(),
        }
    }

    fn step(&mut self, step: &Step, fields: &[String]) -> Result<(), String> {
        for field in if step.send.is_some() && step.at.is_none() { fields } else { &fields[..1] } {
            self.ask(step, field).map_err(|problem| format!("{field} on {}: {problem}", self.service))?;
        }
        Ok(())
    }

    fn ask(&mut self, step: &Step, field: &str) -> Result<(), String> {
        if let Some(script) = &step.script {
            self.emulator.script(script).map_err(|error| error.message().to_owned())?;
        }
        let is_vertex = self.service == "vertex";
        let model = step.model.as_deref().unwrap_or(NEW);
        let verb = step.verb.as_deref().unwrap_or("generateContent");
        let version = step.version.as_deref().unwrap_or(if is_vertex { "v1beta1" } else { "v1beta" });
        let own =
            if step.start { Some("POST /upload/v1beta/files") } else { step.finish.then_some("POST {url}") };
        let to = step.to.as_deref().or(own);
        let (method, path) = match to {
            Some(to) => {
                to.split_once(' ').map(|(method, path)| (method.to_owned(), self.filled(path))).unwrap()
            }
            None if is_vertex => {
                let models = "projects/p/locations/global/publishers/google/models";
                ("POST".to_owned(), format!("/{version}/{models}/{model}:{verb}"))
            }
            None => ("POST".to_owned(), format!("/{version}/models/{model}:{verb}")),
        };
        let path = path.strip_prefix(&self.emulator.url()).unwrap_or(&path).to_owned();
        let is_talk = path.contains("/interactions");
        let mut body = match (&step.body, to) {
            (Some(body), _) => body.clone(),
            (None, Some(_)) if is_talk && method == "POST" && !path.contains("/cancel") => {
                json!({ "model": NEW, "input": "a boat", "response_format": { "type": "text" } })
            }
            (None, Some(_)) => Value::Null,
            (None, None) => json!({
                "contents": [{ "role": "user", "parts": [{ "text": "a boat" }] }],
                "generationConfig": { "responseModalities": ["TEXT"] },
            }),
        };
        if let Some(value) = &step.send {
            place(&mut body, step.at.as_deref().unwrap_or(field), value.clone());
        }
        if let Some(beside) = &step.beside {
            merge(&mut body, beside.clone());
        }
        let bytes = match &step.raw {
            Some(raw) => raw.clone().into_bytes(),
            None if step.finish => b"{}".to_vec(),
            None if body.is_null() => Vec::new(),
            None => serde_json::to_vec(&self.made(&body)).unwrap(),
        };
        let usual = if is_vertex { ("authorization", "Bearer t") } else { ("x-goog-api-key", "k") };
        let mut headers = BTreeMap::from([(usual.0.to_owned(), Some(usual.1.to_owned()))]);
        let told: &[(&str, &str)] = match (step.start, step.finish) {
            (true, _) => &[
                ("x-goog-upload-protocol", "resumable"),
                ("x-goog-upload-command", "start"),
                ("x-goog-upload-header-content-length", "2"),
                ("x-goog-upload-header-content-type", "text/plain"),
            ],
            (_, true) => &[("x-goog-upload-command", "upload, finalize"), ("x-goog-upload-offset", "0")],
            _ => &[],
        };
        headers.extend(told.iter().map(|(name, value)| ((*name).to_owned(), Some((*value).to_owned()))));
        let given =
            step.headers.iter().map(|(name, value)| (name.clone(), value.as_ref().map(|it| self.filled(it))));
        headers.extend(given);
        let headers: Vec<(&str, &str)> =
            headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_deref()?))).collect();
        let begin = Instant::now();
        loop {
            let reply = ask(&self.emulator, &method, &path, &headers, &bytes);
            let told = self.look(&reply, &method, &path);
            let is_there = step.until.iter().all(|(place, wanted)| {
                told.iter().any(|told| matches(&found(told, &self.filled(place)), wanted))
            });
            if !is_there && begin.elapsed() < Duration::from_secs(30) {
                std::thread::sleep(Duration::from_millis(5));
                continue;
            }
            return self.hold(step, &reply, &told, is_there);
        }
    }

    /// The JSON of a reply, each event of a stream by itself; and notes all places in it.
    fn look(&mut self, reply: &Reply, method: &str, path: &str) -> Vec<Value> {
        let text = String::from_utf8_lossy(&reply.body);
        let is_stream = reply.headers.get("content-type").is_some_and(|kind| kind == "text/event-stream");
        let told: Vec<Value> = if is_stream {
            let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
            data.filter_map(|data| serde_json::from_str(data).ok()).collect()
        } else {
            match serde_json::from_slice(&reply.body) {
                Ok(Value::Array(all)) => all,
                Ok(one) => vec![one],
                Err(_) => Vec::new(),
            }
        };
        let plain = path.split('?').next().unwrap();
        let kind = match plain.rsplit_once(':').map(|(_, verb)| verb) {
            _ if reply.status >= 400 && plain.contains("/interactions") => "interaction error",
            _ if reply.status >= 400 => "error",
            Some("generateContent" | "streamGenerateContent") => "generate",
            Some("countTokens") => "count",
            Some("batchGenerateContent") => "batch",
            _ if plain.contains("/upload/") => "upload",
            _ if plain.contains("/interactions") && is_stream => "interaction event",
            _ if plain.contains("/interactions") => "interaction",
            _ if plain.ends_with("/batches") => "batches",
            _ if plain.contains("/batches/") && method == "GET" => "batch",
            _ if plain.ends_with("/files") => "files",
            Some("download") => "download",
            _ if plain.contains("/files/") => "file",
            _ if plain.ends_with("/models") => "models",
            _ if plain.contains("/models/") => "model",
            _ => "other",
        };
        let free = self.facts.free.get(kind).map(Vec::as_slice).unwrap_or_default();
        let service = self.service.to_owned();
        let seen = self.seen.entry((kind.to_owned(), service.clone())).or_default();
        if kind != "download" {
            told.iter().for_each(|told| leaves(told, "", free, seen));
        }
        let names = reply.headers.keys().filter(|name| !LINE.contains(&name.as_str())).cloned();
        self.seen.entry(("header".to_owned(), service)).or_default().extend(names);
        told
    }

    fn hold(&mut self, step: &Step, reply: &Reply, told: &[Value], is_there: bool) -> Result<(), String> {
        let shown = || {
            let text: String = String::from_utf8_lossy(&reply.body).chars().take(900).collect();
            format!("{} {text}", reply.status)
        };
        let status = step.status.unwrap_or(if step.says.is_some() { 400 } else { 200 });
        if reply.status != status {
            return Err(format!("{status} was expected, not {}", shown()));
        }
        if !is_there {
            return Err(format!("it never came to {:?}: {}", step.until, shown()));
        }
        let message = told.first().and_then(|told| told["error"]["message"].as_str()).unwrap_or_default();
        for says in step.says.iter().flat_map(|says| says.all().to_vec()) {
            let says = self.filled(&says);
            if !message.contains(&says) {
                return Err(format!("it should say {says:?}, and says {message:?}"));
            }
        }
        for (place, wanted) in &step.gives {
            let wanted = self.made(wanted);
            if !told.iter().any(|told| matches(&found(told, place), &wanted)) {
                return Err(format!("there is no {wanted} at {place}: {}", shown()));
            }
        }
        for place in &step.lacks {
            if told.iter().any(|told| !found(told, place).is_empty()) {
                return Err(format!("there is something at {place}: {}", shown()));
            }
        }
        for (name, wanted) in &step.header {
            match reply.headers.get(name) {
                Some(value) if wanted == "*" || value.contains(wanted) => {}
                other => return Err(format!("the header {name} is {other:?}, not {wanted:?}")),
            }
        }
        for (name, place) in &step.save {
            let value = match place.strip_prefix("header ") {
                Some(header) => reply.headers.get(header).cloned(),
                None => told.iter().find_map(|told| {
                    found(told, place)
                        .first()
                        .map(|value| value.as_str().map_or(value.to_string(), str::to_owned))
                }),
            };
            let value = value.ok_or_else(|| format!("there is no {place} to save: {}", shown()))?;
            self.saved.insert(name.clone(), value);
        }
        Ok(())
    }
}

/// Runs a probe on one service. What it refuses on the other one alone, it is not asked here.
fn run(
    facts: &Facts,
    service: &str,
    options: &Map<String, Value>,
    (probe, fields): (&[Step], &[String]),
    seen: &mut Seen,
) -> Result<(), String> {
    let mut told = json!({ "batch_processing": 0, "file_processing": 0 });
    merge(&mut told, options.clone().into());
    let options = EmulatorOptions::read(told.as_object().unwrap(), Case::Snake)
        .map_err(|error| error.message().to_owned())?;
    let emulator = Emulator::start_with(options).map_err(|error| error.message().to_owned())?;
    let mut run = Run { facts, emulator, service, saved: BTreeMap::new(), seen };
    for step in probe.iter().filter(|step| step.on.as_deref().is_none_or(|on| on == service)) {
        run.step(step, fields)?;
    }
    Ok(())
}

/// Runs everything; what was seen, and what is wrong.
fn tried(facts: &Facts) -> (Seen, Vec<String>) {
    let (mut seen, mut wrong) = (Seen::new(), Vec::new());
    for area in &facts.areas {
        let mut here = Seen::new();
        if !area.probe.is_empty() {
            for service in ["gemini", "vertex"] {
                let is_for = |step: &Step| step.on.as_deref().is_none_or(|on| on == service);
                let is_asked =
                    service == "gemini" || matches!(area.reply.as_deref(), Some("generate" | "count"));
                if area.probe.iter().any(is_for) && is_asked {
                    let told = run(
                        facts,
                        service,
                        &Map::new(),
                        (&area.probe, std::slice::from_ref(&area.name)),
                        &mut here,
                    );
                    wrong.extend(told.err().map(|problem| format!("{}: {problem}", area.name)));
                }
            }
        }
        for fact in &area.facts {
            let fields: Vec<String> = Facts::fields(area, fact).collect();
            for service in fact.services(area) {
                let told = run(facts, service, &fact.options, (&fact.probe, &fields), &mut seen);
                wrong.extend(told.err().map(|problem| format!("{}: {problem}", area.name)));
                if let Some(reading) = &fact.reading {
                    let mut options = fact.options.clone();
                    options.insert("readings".to_owned(), json!([reading]));
                    let told = run(facts, service, &options, (&fact.other, &fields), &mut seen);
                    wrong.extend(
                        told.err().map(|problem| format!("{}, read as {reading}: {problem}", area.name)),
                    );
                }
                let Some(kind) = area.reply.as_ref().filter(|_| fact.is == Verdict::Returned) else {
                    continue;
                };
                // Without a probe of its own the area's has shown it.
                let shown = if fact.probe.is_empty() && fact.other.is_empty() { &here } else { &seen };
                let shown = shown.get(&(kind.clone(), service.to_owned()));
                for field in fields.iter().filter(|field| shown.is_none_or(|shown| !shown.contains(*field))) {
                    wrong.push(format!("{}: {field} was not seen on {service}", area.name));
                }
            }
            // What one service alone knows is an unknown name to the other.
            let first = fact.probe.iter().find(|step| step.send.is_some() && step.says.is_none());
            if let (Some("generateContent"), Some(on), Some(step)) =
                (area.grammar.as_deref(), &fact.on, first)
            {
                let other = SERVICES.into_iter().find(|service| service != on).unwrap();
                let step = Step {
                    status: Some(400),
                    says: Some(Words::One("Unknown name".to_owned())),
                    on: None,
                    gives: BTreeMap::new(),
                    ..step.clone()
                };
                let told = run(facts, other, &Map::new(), (&[step], &fields), &mut seen);
                wrong.extend(told.err().map(|problem| format!("{}: {problem}", area.name)));
            }
        }
        for (kind, places) in here {
            seen.entry(kind).or_default().extend(places);
        }
    }
    (seen, wrong)
}

/// Where the fields of this place are told, if they are those of another one: what kind of thing, and where in it.
fn elsewhere(like: &BTreeMap<String, String>, place: &str) -> Option<(String, String)> {
    let (rest, to) =
        like.iter().rev().find_map(|(from, to)| Some((place.strip_prefix(from)?.strip_prefix('.')?, to)))?;
    let (kind, at) = to.split_once('#')?;
    Some((kind.to_owned(), if at.is_empty() { rest.to_owned() } else { format!("{at}.{rest}") }))
}

/// What is wrong between the rows and the grammar.
fn against_the_grammar(facts: &Facts) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, places) in Emulator::grammar().as_object().unwrap() {
        let none = BTreeMap::new();
        let same = facts.same.get(name).unwrap_or(&none);
        let rows: Vec<(String, &Fact)> = (facts.rows())
            .filter(|(area, _)| area.grammar.as_ref() == Some(name))
            .flat_map(|(area, fact)| Facts::fields(area, fact).map(move |field| (field, fact)))
            .collect();
        let known: Vec<(&str, Option<&str>)> = places
            .as_array()
            .unwrap()
            .iter()
            .map(|place| (place["field"].as_str().unwrap(), place["on"].as_str()))
            .collect();
        for (place, on) in &known {
            let (of, at) = elsewhere(same, place).unwrap_or_else(|| (name.clone(), (*place).to_owned()));
            let row = facts.rows().find(|(area, fact)| {
                area.grammar.as_ref() == Some(&of) && Facts::fields(area, fact).any(|field| field == at)
            });
            match row {
                None => wrong.push(format!("{name}: the grammar knows {place}, and no row does")),
                Some((_, fact)) if of == "generateContent" && fact.on.as_deref() != *on => {
                    wrong.push(format!("{name}: {place} is for {on:?}, its row says {:?}", fact.on));
                }
                Some(_) => {}
            }
        }
        let mut once = BTreeSet::new();
        for (field, fact) in &rows {
            let is_known = known.iter().any(|(place, _)| {
                place == field
                    || place.strip_prefix(field.as_str()).is_some_and(|rest| rest.starts_with(['.', '[']))
            });
            if !is_known && fact.is != Verdict::Refused {
                wrong.push(format!(
                    "{name}: the grammar does not know {field}, and its row does not say that it is refused"
                ));
            }
            if !once.insert(field) {
                wrong.push(format!("{name}: {field} has two rows"));
            }
        }
    }
    wrong
}

/// What is wrong between the rows and all replies.
fn against_the_replies(facts: &Facts, seen: &Seen) -> Vec<String> {
    let mut wrong = Vec::new();
    let is_listed = |kind: &str, place: &str, service: &str| {
        facts.rows().any(|(area, fact)| {
            area.reply.as_deref() == Some(kind)
                && fact.is == Verdict::Returned
                && fact.on.as_deref().is_none_or(|on| on == service)
                && Facts::fields(area, fact).any(|field| field == place)
        })
    };
    for ((kind, service), places) in seen {
        for place in places {
            let (mut at, mut is_there) = ((kind.clone(), place.clone()), is_listed(kind, place, service));
            while let (false, Some(next)) =
                (is_there, facts.like.get(&at.0).and_then(|like| elsewhere(like, &at.1)))
            {
                is_there = is_listed(&next.0, &next.1, service);
                at = next;
            }
            if !is_there {
                wrong.push(format!("a reply ({kind}, {service}) has {place}, and no row says so"));
            }
        }
    }
    for (area, fact) in facts.rows().filter(|(_, fact)| fact.is == Verdict::Absent) {
        let kind = area.reply.as_deref().unwrap();
        for field in Facts::fields(area, fact) {
            let is_seen = seen.iter().any(|((seen, _), places)| {
                seen == kind
                    && places.iter().any(|place| *place == field || place.starts_with(&format!("{field}.")))
            });
            if is_seen {
                wrong.push(format!("{kind} has {field}, and its row says that it has not"));
            }
        }
    }
    wrong
}

/// What is wrong with the rows themselves.
fn of_the_rows(facts: &Facts) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut cited = BTreeSet::new();
    for (area, fact) in facts.rows() {
        let name = format!("{}: {}", area.name, fact.field.all().join(", "));
        let (wire, by) = (fact.wire.as_ref().unwrap_or(&area.wire), fact.by.as_ref().unwrap_or(&area.by));
        let section = wire.split(' ').next().unwrap_or_default();
        // What is nobody's word stands in no section.
        let is_own = by == &["own"] && wire.is_empty();
        if !is_own && !facts.sections.contains_key(section) {
            wrong.push(format!("{name}: there is no section {section:?}"));
        }
        cited.insert(section.to_owned());
        if by.is_empty() || !by.iter().all(|tag| facts.tags.contains_key(page::family(tag))) {
            wrong.push(format!("{name}: its tags are {by:?}"));
        }
        let is_shown = !fact.probe.is_empty()
            || fact.is == Verdict::Absent
            || fact.is == Verdict::Returned && !(area.probe.is_empty() && fact.other.is_empty());
        if !is_shown {
            wrong.push(format!("{name}: nothing shows it"));
        }
        let refuses = |step: &Step| step.says.is_some() || step.status.is_some_and(|status| status >= 400);
        let agrees = match fact.is {
            Verdict::Taken | Verdict::Idle => fact.probe.iter().any(|step| !refuses(step)),
            Verdict::Refused => fact.probe.iter().any(refuses),
            _ => true,
        };
        if !agrees {
            wrong.push(format!("{name}: its probe does not show that it is {:?}", fact.is));
        }
    }
    for reading in Reading::NAMES {
        let is_tried = |fact: &Fact| {
            fact.reading.as_deref() == Some(*reading) && !fact.probe.is_empty() && !fact.other.is_empty()
        };
        if !facts.rows().any(|(_, fact)| is_tried(fact)) {
            wrong.push(format!("no row tries the reading {reading} both ways"));
        }
    }
    for section in facts.sections.keys().filter(|section| !cited.contains(*section)) {
        wrong.push(format!("no row is from section {section}"));
    }
    wrong
}

#[test]
fn every_fact_has_its_source_and_holds() {
    let facts = Facts::read();
    let mut wrong = of_the_rows(&facts);
    wrong.extend(against_the_grammar(&facts));
    let (seen, failed) = tried(&facts);
    wrong.extend(failed);
    wrong.extend(against_the_replies(&facts, &seen));
    assert!(wrong.is_empty(), "{} of the facts are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn readings_are_chosen_by_name_and_changed_while_it_runs() {
    let named = |names: Value| {
        let told = json!({ "readings": names });
        EmulatorOptions::read(told.as_object().unwrap(), Case::Snake)
    };
    let chosen = EmulatorOptions::new().readings([Reading::MissingFile404, Reading::PngAnswers]);
    assert_eq!(named(json!(["png-answers", "MISSING-file-404"])).unwrap(), chosen);
    assert_eq!(named(json!("png-answers, missing-file-404")).unwrap(), chosen, "as a shell has it");
    let error = named(json!(["missing-file-40"])).unwrap_err();
    for says in
        ["option `readings` is \"missing-file-40\"", "`png-answers`", "Did you mean `missing-file-404`?"]
    {
        assert!(error.message().contains(says), "{}", error.message());
    }
    assert!(named(json!([1])).unwrap_err().message().contains("takes a list of names, not a number"));
    let emulator = Emulator::start_with(chosen).unwrap();
    let status = || ask(&emulator, "GET", "/v1beta/files/none", &[("x-goog-api-key", "k")], b"").status;
    let own = |method: &str, body: &str| ask(&emulator, method, "/__emulator/readings", &[], body.as_bytes());
    assert_eq!(status(), 404);
    let told = own("GET", "").json();
    let followed = told["readings"].as_array().unwrap().iter().filter(|reading| reading["followed"] == true);
    assert_eq!(
        followed.map(|reading| &reading["name"]).collect::<Vec<_>>(),
        ["missing-file-404", "png-answers"]
    );
    assert_eq!((own("PUT", "[\"png-answers\"]").status, status()), (200, 403));
    let bad = own("PUT", "[\"png-answer\"]");
    assert_eq!(bad.error(), (400, "INVALID_ARGUMENT".to_owned()));
    assert!(bad.message().contains("Did you mean `png-answers`?"), "{}", bad.message());
    own("PUT", "[\"missing-file-404\"]");
    assert_eq!(status(), 404, "what was refused changed nothing, what was not counts");
}

#[test]
fn the_page_of_the_facts_is_as_they_are() {
    file::same("docs/facts.md", &page::write(&Facts::read()));
}

/// All words of one kind that any model has.
fn all<'a>(of: impl Fn(&'a Model) -> &'a [String]) -> BTreeSet<&'a String> {
    Catalogue::builtin().models.iter().flat_map(|model| of(model)).collect()
}

#[test]
fn each_model_takes_what_the_catalogue_says() {
    let emulator = Emulator::start(0).unwrap();
    let catalogue = Catalogue::builtin();
    let is_taken = |id: &str, extra: Value| {
        let mut body = prompt("x", json!({ "responseModalities": ["TEXT"] }));
        merge(&mut body, extra);
        let reply = generate(&emulator, id, &body);
        assert!([200, 400].contains(&reply.status), "{id}: {}", reply.message());
        reply.status == 200
    };
    let config = |config: Value| json!({ "generationConfig": config });
    for model in &catalogue.models {
        let id = model.id.as_str();
        for ratio in all(|model| &model.aspect_ratios) {
            let takes = is_taken(id, config(json!({ "imageConfig": { "aspectRatio": ratio } })));
            assert_eq!(takes, model.aspect_ratios.contains(ratio), "{id} {ratio}");
        }
        for size in all(|model| &model.sizes) {
            let takes = is_taken(id, config(json!({ "imageConfig": { "imageSize": size } })));
            assert_eq!(takes, model.sizes.len() > 1 && model.sizes.contains(size), "{id} {size}");
        }
        for level in all(|model| &model.thinking.levels) {
            let takes = is_taken(id, config(json!({ "thinkingConfig": { "thinkingLevel": level } })));
            assert_eq!(takes, model.thinking.levels.contains(level), "{id} {level}");
        }
        for tier in all(|model| &model.service_tiers) {
            let takes = is_taken(id, json!({ "serviceTier": tier }));
            let is_disputed = model.dispute("service_tier", tier).is_some();
            assert_eq!(takes, is_disputed || model.service_tiers.contains(tier), "{id} {tier}");
        }
        let search = |types: Value| json!({ "tools": [{ "googleSearch": { "searchTypes": types } }] });
        assert_eq!(is_taken(id, search(json!({ "webSearch": {} }))), model.search, "{id}");
        assert_eq!(is_taken(id, search(json!({ "imageSearch": {} }))), model.image_search, "{id}");
        let film = json!([{ "parts": [{ "fileData": { "fileUri": "https://youtu.be/a", "mimeType": "video/mp4" } }] }]);
        assert_eq!(is_taken(id, json!({ "contents": film })), model.video_input, "{id}");
        for retired in &model.retired_ids {
            assert_eq!(
                generate(&emulator, &retired.id, &prompt("x", json!({}))).status,
                404,
                "{}",
                retired.id
            );
        }
    }
    for gone in &catalogue.gone {
        assert_eq!(
            generate(&emulator, &gone.id.replace('*', "001"), &prompt("x", json!({}))).status,
            404,
            "{}",
            gone.id
        );
    }
}
