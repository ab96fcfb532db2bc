//! The Interactions API: what was said stays here, and the next interaction goes on from it.
//!
//! An interaction is kept as the events that told of it: a stream is read again from any of them, and its
//! steps are put together from them. All interactions together take at most [`ROOM`] bytes, where the service
//! keeps 55 days' worth: the first ones are forgotten first, the last one never. One goes on from the ten
//! before it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::answer::{Answer, Made, Stop, set};
use super::check::{self, Refusal, at, bad, list, text};
use super::dialect::{self, Wish};
use super::files::Library;
use super::models;
use super::proto;
use super::route::value;
use super::rules::Rules;
use nanobanana_base::codec::Quality;
use nanobanana_base::memory;

/// The most that all of them may take.
const ROOM: usize = 256 << 20;

/// How many are remembered, how many may be under way in the background, and how far back one goes.
const KEPT: usize = 1000;
const OPEN: usize = 16;
const BACK: usize = 10;

/// The first day of the API as it is: those who ask for an older one are told so.
const REVISION: &str = "2026-05-20";

/// All interactions.
#[derive(Debug, Clone)]
pub(super) struct Interactions(Arc<Desk>);

#[derive(Debug)]
struct Desk {
    /// How long one in the background takes at least.
    time: Duration,
    files: Arc<Library>,
    all: Mutex<VecDeque<Record>>,
    closed: AtomicBool,
}

#[derive(Debug, Clone)]
struct Record {
    id: String,
    model: String,
    previous: Option<String>,
    labels: Value,
    input: Value,
    is_background: bool,
    status: &'static str,
    created: SystemTime,
    updated: SystemTime,
    events: Vec<Arc<Event>>,
    usage: Value,
    tier: String,
    weight: usize,
}

/// A part of an interaction's story.
#[derive(Debug)]
struct Event {
    name: &'static str,
    data: Value,
}

impl Event {
    /// As it goes out.
    fn line(&self) -> Vec<u8> {
        format!("event: {}\ndata: {}\n\n", self.name, self.data).into_bytes()
    }
}

/// Ends a stream.
const DONE: &[u8] = b"event: done\ndata: [DONE]\n\n";

/// How an interaction is answered.
pub(super) enum Told {
    Json(Value),
    /// As events, each handed out when it is made, until nobody takes them.
    Events(Box<dyn FnOnce(Take<'_>) + Send>),
}

/// Takes a piece of a stream; false says that nobody listens.
type Take<'a> = &'a mut dyn FnMut(Vec<u8>) -> bool;

/// An error in the form of this API, from that of the others.
pub(super) fn error(body: &Value) -> Value {
    let error = at(body, "error");
    let code = match text(at(error, "status")).unwrap_or_default() {
        "INVALID_ARGUMENT" | "FAILED_PRECONDITION" => "invalid_request".to_owned(),
        other => other.to_lowercase(),
    };
    json!({ "error": { "message": at(error, "message"), "code": code } })
}

fn missing() -> Refusal {
    Refusal::new(404, "NOT_FOUND", "Interaction not found.")
}

impl Record {
    /// The steps so far, put together from what was told.
    fn steps(&self) -> Vec<Value> {
        let mut steps: Vec<Value> = Vec::new();
        for event in &self.events {
            let data = &event.data;
            match event.name {
                "step.start" => steps.push(at(data, "step").clone()),
                "step.delta" => {
                    if let Some(step) = steps.last_mut() {
                        add(step, at(data, "delta"));
                    }
                }
                _ => {}
            }
        }
        steps
    }

    fn json(&self, with_input: bool) -> Value {
        let mut told = json!({
            "id": self.id, "object": "interaction", "status": self.status, "model": self.model,
            "created": time(self.created), "updated": time(self.updated), "steps": self.steps(),
        });
        let beside = [
            ("usage", self.usage.clone()),
            ("service_tier", self.tier.as_str().into()),
            ("previous_interaction_id", self.previous.clone().into()),
            ("labels", self.labels.clone()),
            ("input", if with_input { self.input.clone() } else { Value::Null }),
        ];
        for (name, value) in beside.into_iter().filter(|(_, value)| !value.is_null()) {
            set(&mut told, name, value);
        }
        told
    }

    /// What stands in the events of its beginning and end.
    fn short(&self) -> Value {
        json!({
            "id": self.id, "status": self.status, "object": "interaction", "model": self.model,
            "created": time(self.created), "updated": time(self.updated),
        })
    }

    /// Adds an event, and hands it out.
    fn tell(&mut self, name: &'static str, mut data: Value, out: Out) {
        set(&mut data, "event_id", (self.events.len() + 1).to_string().into());
        set(&mut data, "event_type", name.into());
        let event = Arc::new(Event { name, data });
        let line = event.line();
        self.weight += memory::of(&event.data) + std::mem::size_of::<Event>();
        out.send(line);
        self.events.push(event);
    }
}

/// Adds a piece to a step.
fn add(step: &mut Value, delta: &Value) {
    let list_of = |step: &mut Value, name: &str, item: Value| {
        let words = text(at(&item, "text")).map(str::to_owned);
        let Some(step) = step.as_object_mut() else { return };
        let all = step.entry(name).or_insert_with(|| json!([]));
        let Some(all) = all.as_array_mut() else { return };
        // Words side by side are one text.
        match (all.last_mut().and_then(|last| last.get_mut("text")), words) {
            (Some(Value::String(before)), Some(words)) => before.push_str(&words),
            _ => all.push(item),
        }
    };
    match text(at(delta, "type")).unwrap_or_default() {
        "thought_summary" => list_of(step, "summary", at(delta, "content").clone()),
        "thought_signature" => set(step, "signature", at(delta, "signature").clone()),
        "text" | "image" => list_of(step, "content", delta.clone()),
        "text_annotation_delta" => {
            let texts = step.get_mut("content").and_then(Value::as_array_mut);
            let first = texts.and_then(|all| all.iter_mut().find(|one| at(one, "type") == "text"));
            if let Some(first) = first {
                set(first, "annotations", at(delta, "annotations").clone());
            }
        }
        "google_search_call" => set(step, "arguments", at(delta, "arguments").clone()),
        "google_search_result" => set(step, "result", at(delta, "result").clone()),
        _ => {}
    }
}

fn time(moment: SystemTime) -> Value {
    humantime::format_rfc3339_seconds(moment).to_string().into()
}

/// Where events go, as long as anybody takes them.
struct Line<'a> {
    send: Option<Take<'a>>,
    /// Goes on though nobody listens.
    goes_on: bool,
    is_gone: bool,
}

type Out<'a, 'b> = &'a mut Line<'b>;

impl Line<'_> {
    fn send(&mut self, line: Vec<u8>) {
        if let Some(send) = self.send.as_mut().filter(|_| !self.is_gone) {
            self.is_gone = !send(line);
        }
    }

    fn has_ended(&self) -> bool {
        self.is_gone && !self.goes_on
    }
}

/// A step that is being told.
#[derive(PartialEq, Clone, Copy)]
enum Open {
    None,
    Thought,
    Output,
}

impl Desk {
    fn all(&self) -> MutexGuard<'_, VecDeque<Record>> {
        // A panic elsewhere leaves nothing half done in it.
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps this record in place of what was known of it.
    fn keep(&self, record: Record) {
        let mut all = self.all();
        match all.iter_mut().find(|known| known.id == record.id) {
            Some(known) => *known = record,
            None => all.push_back(record),
        }
        let weight = |all: &VecDeque<Record>| all.iter().map(|record| record.weight).sum::<usize>();
        while all.len() > 1 && (all.len() > KEPT || weight(&all) > ROOM) {
            all.pop_front();
        }
    }

    /// What was said before, the oldest first.
    fn before(&self, id: &str, rules: Rules) -> Result<Vec<Value>, Refusal> {
        let all = self.all();
        let mut chain: Vec<&Record> = Vec::new();
        let mut next = Some(id);
        while let Some(id) = next.filter(|_| chain.len() < BACK) {
            let found = all.iter().find(|record| record.id == id);
            match found {
                Some(record) if record.status == "in_progress" => {
                    return Err(bad(format!("The previous interaction {id} is still in progress.")));
                }
                Some(record) => chain.push(record),
                // What was deleted or forgotten on the way is no more known.
                None if chain.is_empty() => return Err(missing()),
                None => break,
            }
            next = found.and_then(|record| record.previous.as_deref());
        }
        let mut turns = Vec::new();
        for record in chain.into_iter().rev() {
            let said = dialect::contents(&record.input, false, rules)?;
            if let Some(answer) = dialect::answered(&record.steps())? {
                turns.extend(said);
                turns.push(answer);
            }
        }
        Ok(turns)
    }

    /// Tells how an answer comes to be, step by step, and fills the record.
    fn compose(&self, answer: &Answer, (by_uri, leaves_search): (bool, bool), record: &mut Record, out: Out) {
        let mut usage = answer.usage.clone();
        let mut open = Open::None;
        let mut index = 0;
        let search = answer.grounding();
        let interaction = record.short();
        record.tell("interaction.created", json!({ "interaction": interaction }), out);
        let status = json!({ "interaction_id": record.id, "status": record.status });
        record.tell("interaction.status_update", status, out);
        if answer.signs {
            open = Open::Thought;
            record.tell("step.start", json!({ "index": index, "step": { "type": "thought" } }), out);
        }
        if leaves_search {
            close(answer, &mut open, &mut index, record, out);
            told_search(search.as_ref(), false, &mut index, record, out);
            (record.status, record.usage) = ("requires_action", counted(&usage, search.as_ref()));
            record.updated = SystemTime::now();
            let mut interaction = record.short();
            set(&mut interaction, "usage", record.usage.clone());
            record.tell("interaction.completed", json!({ "interaction": interaction }), out);
            return;
        }
        let blocked = answer.given().and_then(|given| given.block.clone());
        let made = answer.make(&mut |made| {
            if blocked.is_some() {
                return Ok(());
            }
            for piece in made.pieces() {
                usage.count(&piece);
                let wanted = if piece.is_thought() { Open::Thought } else { Open::Output };
                if wanted != open {
                    close(answer, &mut open, &mut index, record, out);
                    if wanted == Open::Output {
                        told_search(search.as_ref(), true, &mut index, record, out);
                    }
                    open = wanted;
                    let kind = if wanted == Open::Thought { "thought" } else { "model_output" };
                    record.tell("step.start", json!({ "index": index, "step": { "type": kind } }), out);
                }
                let content = self.content(&piece, by_uri).map_err(Stop::Failed)?;
                let delta = match wanted {
                    Open::Thought => json!({ "type": "thought_summary", "content": content }),
                    _ => content,
                };
                record.tell("step.delta", json!({ "index": index, "delta": delta }), out);
                if out.has_ended() {
                    return Err(Stop::Gone);
                }
            }
            Ok(())
        });
        let sources = search.as_ref().map(annotations).unwrap_or_default();
        if open == Open::Output && !sources.is_empty() {
            let delta = json!({ "type": "text_annotation_delta", "annotations": sources });
            record.tell("step.delta", json!({ "index": index, "delta": delta }), out);
        }
        close(answer, &mut open, &mut index, record, out);
        record.updated = SystemTime::now();
        let problem = match made {
            Ok(()) => blocked.map(|reason| format!("The prompt was blocked: {reason}.")),
            Err(Stop::Gone) => {
                record.status = "cancelled";
                return;
            }
            Err(Stop::Failed(refusal)) => Some(refusal.message),
        };
        record.usage = counted(&usage, search.as_ref());
        record.status = match (answer.finish.as_str(), &problem) {
            (_, Some(_)) => "failed",
            ("STOP", None) => "completed",
            ("MAX_TOKENS", None) => "incomplete",
            ("CONTINUATION", None) => "requires_continuation",
            _ => "failed",
        };
        let message = answer.given().and_then(|given| given.finish_message.clone());
        let problem = problem.or(message).unwrap_or_else(|| format!("The model stopped: {}.", answer.finish));
        if record.status == "failed" {
            let error = json!({ "error": { "code": "failed", "message": problem } });
            record.tell("error", error, out);
        }
        let mut interaction = record.short();
        set(&mut interaction, "usage", record.usage.clone());
        set(&mut interaction, "service_tier", record.tier.as_str().into());
        if let Some(token) = answer.given().and_then(|given| given.continuation.clone()) {
            set(&mut interaction, "continuation_token", token.into());
        }
        record.tell("interaction.completed", json!({ "interaction": interaction }), out);
    }

    /// One thing that was made, as content.
    fn content(&self, made: &Made, by_uri: bool) -> Result<Value, Refusal> {
        let part = match made {
            Made::Text { text, .. } => return Ok(json!({ "type": "text", "text": text })),
            Made::Picture { part, .. } => at(part, "inlineData"),
        };
        let (mime, data) = (at(part, "mimeType"), at(part, "data"));
        if !by_uri || made.is_thought() {
            return Ok(json!({ "type": "image", "mime_type": mime, "data": data }));
        }
        let bytes = proto::base64(text(data).unwrap_or_default()).unwrap_or_default();
        let name = format!("{:016x}", fastrand::u64(..));
        let uri = self.files.keep(&name, text(mime).unwrap_or_default(), bytes.into())?;
        Ok(json!({ "type": "image", "mime_type": mime, "uri": uri }))
    }
}

/// Ends the step that is open, a thought with its signature.
fn close(answer: &Answer, open: &mut Open, index: &mut usize, record: &mut Record, out: Out) {
    if *open == Open::Thought && answer.signs {
        let signature = dialect::signature(answer.nonce ^ *index as u64);
        let delta = json!({ "type": "thought_signature", "signature": signature });
        record.tell("step.delta", json!({ "index": *index, "delta": delta }), out);
    }
    if *open != Open::None {
        record.tell("step.stop", json!({ "index": *index }), out);
        *index += 1;
    }
    *open = Open::None;
}

/// The two steps of a search, or the first of them if nobody runs it.
fn told_search(found: Option<&Value>, is_run: bool, index: &mut usize, record: &mut Record, out: Out) {
    let Some(found) = found else { return };
    let queries = [at(found, "webSearchQueries"), at(found, "imageSearchQueries")];
    let queries: Vec<&Value> = queries.into_iter().flat_map(list).collect();
    let suggestions = at(at(found, "searchEntryPoint"), "renderedContent");
    let call = format!("search_{:08x}", fastrand::u32(..));
    let steps = [
        (
            json!({ "type": "google_search_call", "id": call, "arguments": {} }),
            json!({ "type": "google_search_call", "arguments": { "queries": queries } }),
        ),
        (
            json!({ "type": "google_search_result", "call_id": call, "result": [] }),
            json!({ "type": "google_search_result", "result": [{ "search_suggestions": suggestions }] }),
        ),
    ];
    for (step, delta) in steps.into_iter().take(if is_run { 2 } else { 1 }) {
        record.tell("step.start", json!({ "index": *index, "step": step }), out);
        record.tell("step.delta", json!({ "index": *index, "delta": delta }), out);
        record.tell("step.stop", json!({ "index": *index }), out);
        *index += 1;
    }
}

/// Where the words come from.
fn annotations(found: &Value) -> Vec<Value> {
    let sources = list(at(found, "groundingChunks")).iter().filter_map(|chunk| {
        let (web, image) = (at(chunk, "web"), at(chunk, "image"));
        let url = text(at(web, "uri")).or(text(at(image, "sourceUri")))?;
        let title = text(at(web, "title")).or(text(at(image, "title")));
        Some(json!({ "type": "url_citation", "url": url, "title": title }))
    });
    sources.collect()
}

fn counted(usage: &super::answer::Usage, search: Option<&Value>) -> Value {
    let rows = |all: &[(&str, u64)]| -> Vec<Value> {
        let rows = all.iter().filter(|(_, count)| *count > 0);
        rows.map(|(name, count)| json!({ "modality": name.to_lowercase(), "tokens": count })).collect()
    };
    let sum = |all: &[(&str, u64)]| all.iter().map(|(_, count)| count).sum::<u64>();
    let made = [("text", usage.letters.div_ceil(4)), ("image", usage.pictures * usage.each)];
    let (input, output) = (sum(&usage.sent), sum(&made));
    let mut told = json!({
        "total_tokens": input + output + usage.thoughts,
        "total_input_tokens": input,
        "input_tokens_by_modality": rows(&usage.sent),
        "total_cached_tokens": 0,
        "total_output_tokens": output,
        "output_tokens_by_modality": rows(&made),
        "total_tool_use_tokens": 0,
        "total_thought_tokens": usage.thoughts,
    });
    if search.is_some() {
        set(&mut told, "grounding_tool_count", json!([{ "type": "google_search", "count": 1 }]));
    }
    told
}

/// What is to be told, and by whom.
struct Order {
    answer: Answer,
    record: Record,
    by_uri: bool,
    leaves_search: bool,
    is_kept: bool,
    is_streamed: bool,
}

impl Interactions {
    pub fn new(time: Duration, files: Arc<Library>) -> Self {
        Interactions(Arc::new(Desk { time, files, all: Mutex::default(), closed: AtomicBool::new(false) }))
    }

    /// Nobody waits any more for what is not drawn.
    pub fn close(&self) {
        self.0.closed.store(true, Ordering::SeqCst);
    }

    /// Begins one: `known` says whether an answer was promised to go on by this token, `admit` whether its
    /// model has room for one more.
    pub fn create(
        &self,
        json: Value,
        version: &str,
        revision: Option<String>,
        known: &dyn Fn(&str) -> bool,
        admit: &dyn Fn(&str) -> Result<(), Refusal>,
    ) -> Result<Told, Refusal> {
        if revision.is_some_and(|asked| asked.as_str() < REVISION) {
            return Err(bad(
                "The legacy Interactions API schema is no longer supported. Please send `Api-Revision: 2026-05-20` and adopt the new 'steps' schema.",
            ));
        }
        let rules = Rules::gemini(version, self.0.files.live().now());
        let wish = dialect::read(json, rules)?;
        let model = models::open(&wish.model, "CreateInteraction", rules)?;
        let mut contents = match &wish.previous {
            Some(id) => self.0.before(id, rules)?,
            None => Vec::new(),
        };
        contents.extend(dialect::contents(&wish.input, model.signatures, rules)?);
        let mut request = wish.request.clone();
        set(&mut request, "contents", contents.into());
        // The names are this API's own: what a version knows of the other one's is no matter here.
        let rules = Rules::gemini("", rules.readings);
        let mut ask = check::check(model, request, &self.0.files, rules)?;
        admit(&model.id)?;
        if ask.continuation.as_deref().is_some_and(|token| !known(token)) {
            return Err(bad("`continuation_token` is not known."));
        }
        if let Some(format) = wish.picture {
            ask.output = Some((format, Quality::Default));
        }
        let order = order(Answer::drawn(model, ask), wish);
        match order.record.is_background {
            true => self.background(order),
            false => Ok(self.told(order)),
        }
    }

    /// An answer that a script gives.
    pub fn scripted(&self, json: &Value, answer: Answer) -> Told {
        let wish = Wish {
            model: answer.model.clone(),
            input: at(json, "input").clone(),
            request: Value::Null,
            is_kept: at(json, "store") != false,
            is_streamed: at(json, "stream") == true,
            is_background: false,
            previous: text(at(json, "previous_interaction_id")).map(str::to_owned),
            labels: at(json, "labels").clone(),
            picture: None,
            leaves_search: false,
            by_uri: false,
        };
        self.told(order(answer, wish))
    }

    fn told(&self, order: Order) -> Told {
        let desk = self.0.clone();
        if order.is_streamed {
            return Told::Events(Box::new(move |send| {
                let mut line = Line { send: Some(send), goes_on: false, is_gone: false };
                finish(&desk, order, &mut line);
                line.send(DONE.to_vec());
            }));
        }
        let mut line = Line { send: None, goes_on: true, is_gone: false };
        Told::Json(finish(&desk, order, &mut line).json(false))
    }

    /// Lets another thread draw, once the time has come.
    fn background(&self, order: Order) -> Result<Told, Refusal> {
        let open = self.0.all().iter().filter(|record| record.status == "in_progress").count();
        if open >= OPEN {
            let message = format!("At most {OPEN} interactions may be in progress in the background.");
            return Err(Refusal::new(429, "RESOURCE_EXHAUSTED", message));
        }
        let first = order.record.clone();
        self.0.keep(first.clone());
        let is_streamed = order.is_streamed;
        let (sender, receiver) = std::sync::mpsc::channel::<Vec<u8>>();
        let desk = self.0.clone();
        let thread = std::thread::Builder::new().name("nanobanana-background".into());
        let spawned = thread.spawn(move || {
            let id = order.record.id.clone();
            let is_wanted = || {
                let status = desk.all().iter().find(|known| known.id == id).map(|known| known.status);
                !desk.closed.load(Ordering::SeqCst) && status == Some("in_progress")
            };
            let begin = std::time::Instant::now();
            // Who listens is not kept waiting.
            while !is_streamed && begin.elapsed() < desk.time && is_wanted() {
                let left = desk.time.saturating_sub(begin.elapsed());
                std::thread::sleep(left.min(Duration::from_millis(10)));
            }
            if is_wanted() {
                let mut send = move |line: Vec<u8>| sender.send(line).is_ok();
                let mut line = Line { send: Some(&mut send), goes_on: true, is_gone: !is_streamed };
                finish(&desk, order, &mut line);
                line.send(DONE.to_vec());
            }
        });
        if spawned.is_err() {
            return Err(Refusal::new(503, "UNAVAILABLE", "No thread could be started."));
        }
        if !is_streamed {
            return Ok(Told::Json(first.json(false)));
        }
        Ok(Told::Events(Box::new(move |send| {
            // Ends with the thread that draws.
            while let Ok(line) = receiver.recv() {
                if !send(line) {
                    return;
                }
            }
        })))
    }

    pub fn get(&self, id: &str, query: &[(String, String)]) -> Result<Told, Refusal> {
        let all = self.0.all();
        let record = all.iter().find(|record| record.id == id).ok_or_else(missing)?;
        if value(query, "stream") != Some("true") {
            return Ok(Told::Json(record.json(value(query, "include_input") == Some("true"))));
        }
        let after = value(query, "last_event_id").filter(|id| !id.is_empty());
        let skip = match after.map(str::parse::<usize>) {
            None => 0,
            Some(Ok(last)) if last <= record.events.len() => last,
            Some(_) => return Err(bad("`last_event_id` is not known.")),
        };
        let events: Vec<Arc<Event>> = record.events.iter().skip(skip).cloned().collect();
        let ends = record.status != "in_progress";
        Ok(Told::Events(Box::new(move |send| {
            // One that is in progress is told as far as it has come: its reader comes back for the rest.
            if events.iter().all(|event| send(event.line())) && ends {
                send(DONE.to_vec());
            }
        })))
    }

    pub fn cancel(&self, id: &str) -> Result<Told, Refusal> {
        let mut all = self.0.all();
        let record = all.iter_mut().find(|record| record.id == id).ok_or_else(missing)?;
        if record.status != "in_progress" || !record.is_background {
            return Err(bad("Only an interaction in the background that is in progress can be cancelled."));
        }
        (record.status, record.updated) = ("cancelled", SystemTime::now());
        Ok(Told::Json(record.json(false)))
    }

    pub fn delete(&self, id: &str) -> Result<Told, Refusal> {
        let mut all = self.0.all();
        let index = all.iter().position(|record| record.id == id).ok_or_else(missing)?;
        all.remove(index);
        Ok(Told::Json(json!({})))
    }
}

/// Answers to the end and keeps what was said, if it is to be kept.
fn finish(desk: &Desk, order: Order, out: Out) -> Record {
    let Order { answer, mut record, by_uri, leaves_search, is_kept, .. } = order;
    desk.compose(&answer, (by_uri, leaves_search), &mut record, out);
    // One that was cancelled or deleted meanwhile stays so.
    let known = desk.all().iter().find(|known| known.id == record.id).map(|known| known.status);
    let is_wanted = !record.is_background || known == Some("in_progress");
    if is_kept && is_wanted {
        desk.keep(record.clone());
    }
    record
}

fn order(answer: Answer, wish: Wish) -> Order {
    let now = SystemTime::now();
    let weight = memory::of(&wish.input) + memory::of(&wish.labels);
    let record = Record {
        id: format!("v1_{}", (0..48).map(|_| fastrand::alphanumeric()).collect::<String>()),
        model: answer.model.clone(),
        previous: wish.previous,
        labels: wish.labels,
        input: wish.input,
        is_background: wish.is_background,
        status: "in_progress",
        created: now,
        updated: now,
        events: Vec::new(),
        usage: Value::Null,
        tier: answer.tier.clone(),
        weight,
    };
    let Wish { by_uri, leaves_search, is_kept, is_streamed, .. } = wish;
    Order { answer, record, by_uri, leaves_search, is_kept, is_streamed }
}
