//! Batches: requests that are answered later, all of one batch in the order of their coming.
//!
//! A batch is PENDING for the first half of the time that the emulator's options say, then RUNNING for as
//! long as the other half and the drawing take, and EXPIRED if that is too long; one thread draws for all of them.
//! What was sent within the request comes back within the batch, what came as a file as another file. A script answers
//! single requests of a batch. The limits of calls do not count them: the service has others for batches. All batches together hold at
//! most [`ROOM`] bytes, where the service keeps two days' worth: those that ended first are forgotten first,
//! and one that does not fit alone fails.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};

use super::answer::{Answer, set};
use super::check::{self, Ask, Refusal, at, bad, text};
use super::fields;
use super::files::{Library, page, time};
use super::log;
use super::models;
use super::proto;
use super::route;
use super::rules::Rules;
use super::script::{self, Asked, Reply, Script};
use nanobanana_base::catalogue::Model;
use nanobanana_base::memory;
use nanobanana_base::options::Reading;

/// The most that all batches may hold, of what is to be done and of answers.
const ROOM: usize = 256 << 20;

/// What one request may bring; more comes as a file.
const LIMIT: usize = 20 << 20;

/// How many batches are remembered, and how many may be under way.
const KEPT: usize = 1000;
const OPEN: usize = 100;

const TYPE: &str = "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch";

/// How often it is looked whether a batch that a script holds up is still wanted.
const TICK: Duration = Duration::from_millis(20);

/// All that was asked for by batches.
#[derive(Debug)]
pub(super) struct Batches(Arc<Desk>);

/// How long a batch takes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    pub least: Duration,
    /// What has not ended by then expires.
    pub most: Duration,
}

#[derive(Debug)]
struct Desk {
    times: Times,
    files: Arc<Library>,
    script: Arc<Mutex<Script>>,
    jobs: Mutex<Jobs>,
    closed: AtomicBool,
}

#[derive(Debug, Default)]
struct Jobs {
    all: VecDeque<Job>,
    waiting: VecDeque<(String, Source)>,
    /// Whether a thread draws.
    is_worked_on: bool,
}

/// Where the requests come from.
#[derive(Debug)]
enum Source {
    Inline(Vec<Value>),
    /// Read when its turn comes: until then it is the file's own matter.
    File(String),
}

#[derive(Debug)]
struct Job {
    id: String,
    model: &'static Model,
    display_name: Option<String>,
    priority: Option<String>,
    /// The file that its requests came in.
    file: Option<String>,
    created: SystemTime,
    cancelled: Option<SystemTime>,
    /// When all was drawn.
    drawn: Option<SystemTime>,
    fault: Option<(i32, String)>,
    total: usize,
    succeeded: usize,
    failed: usize,
    /// What waits for its turn takes so much.
    input: usize,
    /// Answers as JSON, each as it goes out.
    results: Vec<String>,
    weight: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Stage {
    Pending,
    Running,
    Succeeded,
    Failed,
    Cancelled,
    Expired,
}

impl Stage {
    fn name(self) -> &'static str {
        match self {
            Stage::Pending => "BATCH_STATE_PENDING",
            Stage::Running => "BATCH_STATE_RUNNING",
            Stage::Succeeded => "BATCH_STATE_SUCCEEDED",
            Stage::Failed => "BATCH_STATE_FAILED",
            Stage::Cancelled => "BATCH_STATE_CANCELLED",
            Stage::Expired => "BATCH_STATE_EXPIRED",
        }
    }

    fn is_end(self) -> bool {
        !matches!(self, Stage::Pending | Stage::Running)
    }
}

impl Job {
    /// When its answers are there, if that is known.
    fn done(&self, times: Times) -> Option<SystemTime> {
        let least = self.created.checked_add(times.least)?;
        self.drawn.map(|drawn| drawn.max(least))
    }

    /// When it expires, unless it is done by then; none if no clock gets so far.
    fn expiry(&self, times: Times) -> Option<SystemTime> {
        let expiry = self.created.checked_add(times.most)?;
        self.done(times).is_none_or(|done| done > expiry).then_some(expiry)
    }

    /// When it ends, if that is known.
    fn end(&self, times: Times) -> Option<SystemTime> {
        self.cancelled.or(self.expiry(times)).or(self.done(times))
    }

    fn stage(&self, times: Times) -> Stage {
        let now = SystemTime::now();
        let so_far = now.duration_since(self.created).unwrap_or_default();
        match self.end(times).filter(|end| *end <= now) {
            Some(_) if self.cancelled.is_some() => Stage::Cancelled,
            Some(_) if self.expiry(times).is_some() => Stage::Expired,
            Some(_) if self.fault.is_some() => Stage::Failed,
            Some(_) => Stage::Succeeded,
            None if so_far >= times.least / 2 => Stage::Running,
            None => Stage::Pending,
        }
    }

    /// As it is told of.
    fn written(&self, times: Times) -> String {
        let stage = self.stage(times);
        let name = format!("batches/{}", self.id);
        let (succeeded, failed) =
            if stage == Stage::Pending { (0, 0) } else { (self.succeeded, self.failed) };
        let pending = self.total.saturating_sub(succeeded + failed);
        let mut stats = json!({ "requestCount": self.total.to_string() });
        let counts = [
            ("successfulRequestCount", succeeded),
            ("failedRequestCount", failed),
            ("pendingRequestCount", pending),
        ];
        for (name, count) in counts {
            // What is zero is not written, as everywhere in the service's JSON.
            if count > 0 {
                set(&mut stats, name, count.to_string().into());
            }
        }
        let mut metadata = json!({ "@type": TYPE, "model": format!("models/{}", self.model.id) });
        let mut told = json!({ "name": name });
        if let Some(name) = &self.display_name {
            set(&mut metadata, "displayName", name.as_str().into());
        }
        if let Some(file) = &self.file {
            set(&mut metadata, "inputConfig", json!({ "fileName": file }));
        }
        // Answers are many and large: they are put in as they are, in place of a word that nobody can have
        // sent.
        let mark = format!("{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..));
        let mut output = match &self.file {
            Some(_) => json!({ "responsesFile": format!("files/batch-{}", self.id) }),
            None => json!({ "inlinedResponses": { "inlinedResponses": [&mark] } }),
        };
        if stage == Stage::Succeeded {
            set(&mut metadata, "output", output.clone());
        }
        set(&mut metadata, "createTime", time(self.created));
        let end = self.end(times).filter(|_| stage.is_end());
        if let Some(end) = end {
            set(&mut metadata, "endTime", time(end));
        }
        let began = if stage == Stage::Pending { Duration::ZERO } else { times.least / 2 };
        let began = self.created.checked_add(began).unwrap_or(self.created);
        set(&mut metadata, "updateTime", time(end.unwrap_or(began)));
        set(&mut metadata, "batchStats", stats);
        set(&mut metadata, "state", stage.name().into());
        if let Some(priority) = &self.priority {
            set(&mut metadata, "priority", priority.as_str().into());
        }
        set(&mut metadata, "name", name.into());
        set(&mut told, "metadata", metadata);
        if stage.is_end() {
            set(&mut told, "done", true.into());
        }
        match (stage, &self.fault) {
            (Stage::Cancelled, _) => {
                set(&mut told, "error", json!({ "code": 1, "message": "The operation was cancelled." }));
            }
            (Stage::Expired, _) => {
                let message = "The batch has expired: it was pending or running for too long.";
                set(&mut told, "error", json!({ "code": 4, "message": message }));
            }
            (Stage::Failed, Some((code, message))) => {
                set(&mut told, "error", json!({ "code": code, "message": message }));
            }
            (Stage::Succeeded, _) => {
                set(&mut output, "@type", format!("{TYPE}Output").into());
                set(&mut told, "response", output);
            }
            _ => {}
        }
        let told = serde_json::to_string_pretty(&told).unwrap_or_default();
        told.replace(&format!("\"{mark}\""), &self.results.join(",\n"))
    }
}

fn missing() -> Refusal {
    Refusal::new(404, "NOT_FOUND", "Requested entity was not found.")
}

impl Jobs {
    fn get(&mut self, id: &str) -> Option<&mut Job> {
        self.all.iter_mut().find(|job| job.id == id)
    }

    fn weight(&self) -> usize {
        self.all.iter().map(|job| job.input + job.weight).sum()
    }

    /// Forgets ended batches, the first ones first, until this much more fits in.
    fn make_room(&mut self, more: usize, keep: usize, times: Times) -> bool {
        while self.weight().saturating_add(more) > ROOM || self.all.len() > keep {
            let Some(first) = self.all.iter().position(|job| job.stage(times).is_end()) else { return false };
            self.all.remove(first);
        }
        true
    }
}

impl Desk {
    fn jobs(&self) -> MutexGuard<'_, Jobs> {
        // A panic elsewhere leaves nothing half done in it.
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Draws what is waiting, until nothing is.
    fn work(&self) {
        loop {
            let (id, source) = {
                let mut jobs = self.jobs();
                match jobs.waiting.pop_front() {
                    Some(next) if !self.closed.load(Ordering::SeqCst) => next,
                    _ => {
                        jobs.is_worked_on = false;
                        return;
                    }
                }
            };
            let Some(model) = self.jobs().get(&id).map(|job| job.model) else { continue };
            let (done, lines) = match source {
                Source::Inline(requests) => (self.answer(&id, model, requests), None),
                Source::File(name) => {
                    let mut lines = Vec::new();
                    let done = match self.files.named(&name) {
                        Ok(bytes) => self.answer_lines(&id, model, &bytes, &mut lines),
                        Err(refusal) => Err((script::number_of(refusal.status), refusal.message)),
                    };
                    (done, Some(lines))
                }
            };
            let done = match (done, lines) {
                (Ok(true), Some(lines)) => {
                    let stored = self.files.keep(&format!("batch-{id}"), "application/jsonl", lines.into());
                    stored.map(|_| true).map_err(|refusal| (8, refusal.message))
                }
                (done, _) => done,
            };
            if let Some(job) = self.jobs().get(&id) {
                job.input = 0;
                if done != Ok(true) {
                    (job.results, job.weight) = (Vec::new(), 0);
                }
                if done != Ok(false) {
                    job.drawn = Some(SystemTime::now());
                    job.fault = done.err();
                }
            }
        }
    }

    /// Whether anybody still waits for it.
    fn is_wanted(&self, id: &str) -> bool {
        let is_open = |job: &mut Job| !job.stage(self.times).is_end();
        !self.closed.load(Ordering::SeqCst) && self.jobs().get(id).is_some_and(is_open)
    }

    /// Answers what came within the request; false if it does not end by that.
    fn answer(&self, id: &str, model: &'static Model, requests: Vec<Value>) -> Result<bool, (i32, String)> {
        for mut request in requests {
            if !self.is_wanted(id) {
                return Ok(false);
            }
            let asked = request.get_mut("request").map(Value::take).unwrap_or_default();
            let Some((mut told, is_good)) = self.one(id, model, asked) else { return Ok(false) };
            if let Some(metadata) = request.get_mut("metadata") {
                set(&mut told, "metadata", metadata.take());
            }
            let told = told.to_string();
            let mut jobs = self.jobs();
            let weight = told.capacity() + 2 * std::mem::size_of::<String>();
            let fits = jobs.make_room(weight, KEPT, self.times);
            let Some(job) = jobs.get(id) else { return Ok(false) };
            if !fits {
                return Err((
                    8,
                    format!("The answers of all batches take more than {ROOM} bytes; send a file."),
                ));
            }
            job.count(is_good);
            job.weight += weight;
            job.results.push(told);
        }
        Ok(true)
    }

    /// Answers the lines of a file; false if it does not end by that.
    fn answer_lines(
        &self,
        id: &str,
        model: &'static Model,
        bytes: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<bool, (i32, String)> {
        for (number, line) in lines(bytes) {
            if !self.is_wanted(id) {
                return Ok(false);
            }
            let wrong = |problem: &str| (3, format!("Line {number} of the input file {problem}."));
            let mut line: Value = proto::parse(line).map_err(|_| wrong("is not valid JSON"))?;
            let request = line.get_mut("request").map(Value::take).filter(Value::is_object);
            let request = request.ok_or_else(|| wrong("has no request"))?;
            let Some((mut told, is_good)) = self.one(id, model, request) else { return Ok(false) };
            for name in ["key", "metadata"] {
                if let Some(given) = line.get_mut(name) {
                    set(&mut told, name, given.take());
                }
            }
            out.extend(told.to_string().into_bytes());
            out.push(b'\n');
            if out.len() as u64 > super::files::ROOM {
                return Err((8, "The answers do not fit into one file.".to_owned()));
            }
            if let Some(job) = self.jobs().get(id) {
                job.count(is_good);
            }
        }
        Ok(true)
    }

    /// One answer, or what is wrong with its request, and whether it is an answer; none if a script lets it hang.
    fn one(&self, id: &str, model: &'static Model, request: Value) -> Option<(Value, bool)> {
        let step = self.script.lock().unwrap_or_else(PoisonError::into_inner).next(Asked {
            call: Some(script::BATCH_REQUEST),
            path: &format!("batches/{id}"),
            model: &model.id,
            words: &log::words(&request),
            seed: script::seed(&request),
        });
        let drift = step.as_ref().and_then(|step| step.drift).unwrap_or(1.0);
        let (reply, delay) =
            step.map_or((Reply::Own, Duration::ZERO), |step| (step.reply, step.delivery.delay));
        let since = Instant::now();
        while since.elapsed() < delay && self.is_wanted(id) {
            std::thread::sleep(delay.saturating_sub(since.elapsed()).min(TICK));
        }
        let told = match reply {
            Reply::Hang => return None,
            Reply::Own => self.drawn(model, request, drift).map_err(|refusal| refusal.json()),
            Reply::Error { status, error } => Err(script::error_body(status, &error)),
            Reply::Answer { given, .. } => {
                Answer::scripted(&model.id, *given).whole().map_err(|refusal| refusal.json())
            }
            Reply::Json { status, json } => in_place(status, script::filled(&json)),
            Reply::Raw { status, body } => match serde_json::from_slice(&body) {
                Ok(json) => in_place(status, json),
                Err(_) => {
                    let message = "A scripted body that is no JSON cannot stand among a batch's answers.";
                    Err(Refusal::new(500, "INTERNAL", message).json())
                }
            },
        };
        Some(match told {
            Ok(response) => (json!({ "response": response }), true),
            Err(error) => (json!({ "error": within(&error) }), false),
        })
    }

    /// The emulator's own answer.
    fn drawn(&self, model: &'static Model, request: Value, drift: f32) -> Result<Value, Refusal> {
        let name = format!("models/{}", model.id);
        if text(at(&request, "model")).is_some_and(|other| other != name) {
            return Err(bad(format!(
                "* GenerateContentRequest.model: must be {name}, as that of the batch\n"
            )));
        }
        // What its version knows was looked at when the batch came.
        let ask = check::check(model, request, &self.files, Rules::gemini("", self.files.live().now()))?;
        Answer::drawn(model, Ask { drift, ..ask }).whole()
    }
}

impl Job {
    fn count(&mut self, is_good: bool) {
        if is_good {
            self.succeeded += 1;
        } else {
            self.failed += 1;
        }
    }
}

/// What a script gives as JSON: an answer or an error, as its status says.
fn in_place(status: u16, json: Value) -> Result<Value, Value> {
    if status < 300 { Ok(json) } else { Err(json) }
}

/// An error as it stands within an answer: with its number in place of its HTTP status.
fn within(error: &Value) -> Value {
    let error = error.get("error").unwrap_or(error);
    let number = script::number_of(text(at(error, "status")).unwrap_or_default());
    let mut told = json!({ "code": number, "message": text(at(error, "message")).unwrap_or_default() });
    if let details @ Value::Array(_) = at(error, "details") {
        set(&mut told, "details", details.clone());
    }
    told
}

/// The lines that hold something, and their numbers.
fn lines(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let lines = bytes.split(|byte| *byte == b'\n').enumerate();
    lines.filter(|(_, line)| !line.trim_ascii().is_empty()).map(|(index, line)| (index + 1, line))
}

/// What is asked, with what it takes to answer.
pub(super) struct Call<'a> {
    /// Of a list: the size of its page, and its token.
    pub page: (Option<&'a str>, Option<&'a str>),
    pub json: Result<Value, Refusal>,
    pub size: usize,
}

impl Batches {
    pub fn new(times: Times, files: Arc<Library>, script: Arc<Mutex<Script>>) -> Self {
        let (jobs, closed) = (Mutex::default(), AtomicBool::new(false));
        Batches(Arc::new(Desk { times, files, script, jobs, closed }))
    }

    /// Nobody waits any more for what is not drawn.
    pub fn close(&self) {
        self.0.closed.store(true, Ordering::SeqCst);
    }

    /// The body of an answer.
    pub fn answer(&self, route: &route::Batch, asked: Call) -> Result<String, Refusal> {
        match route {
            route::Batch::Create { version, model } => self.create(version, model, asked),
            route::Batch::List => self.list(asked.page),
            route::Batch::Get { id } => {
                self.0.jobs().get(id).map(|job| job.written(self.0.times)).ok_or_else(missing)
            }
            route::Batch::Cancel { id } => {
                let mut jobs = self.0.jobs();
                let job = jobs.get(id).ok_or_else(missing)?;
                // One that has ended stays as it is.
                if !job.stage(self.0.times).is_end() {
                    job.cancelled = Some(SystemTime::now());
                    (job.results, job.weight) = (Vec::new(), 0);
                }
                Ok("{}\n".to_owned())
            }
            route::Batch::Delete { id } => {
                let mut jobs = self.0.jobs();
                jobs.get(id).ok_or_else(missing)?;
                jobs.all.retain(|job| job.id != *id);
                jobs.waiting.retain(|(waiting, _)| waiting != id);
                Ok("{}\n".to_owned())
            }
        }
    }

    fn create(&self, version: &str, model: &str, asked: Call) -> Result<String, Refusal> {
        let rules = Rules::gemini(version, self.0.files.live().now());
        let model = models::open(model, "batchGenerateContent", rules)?;
        let limit = if rules.has(Reading::LargeBatches) { super::server::LIMIT } else { LIMIT };
        if asked.size > limit {
            return Err(bad(format!("Request payload size exceeds the limit: {limit} bytes.")));
        }
        let mut json = check::read(asked.json?, &fields::BATCH, rules)?;
        let mut batch = json.get_mut("batch").map(Value::take).unwrap_or_default();
        if !at(&batch, "webhookConfig").is_null() {
            return Err(bad("Webhooks are not offline: the emulator calls nobody."));
        }
        let requests = batch.pointer_mut("/inputConfig/requests/requests").map(Value::take);
        let requests = match requests {
            Some(Value::Array(requests)) => requests,
            _ => Vec::new(),
        };
        let file = text(at(at(&batch, "inputConfig"), "fileName")).map(str::to_owned);
        let (source, total) = match (&file, requests.as_slice()) {
            (Some(_), [_, ..]) => {
                return Err(bad(
                    "Invalid value at 'batch.input_config' (oneof), oneof field 'source' is already set. Cannot set 'requests'",
                ));
            }
            (None, []) => {
                return Err(bad(
                    "* BatchGenerateContentRequest.batch.input_config: a file or at least one request must be set\n",
                ));
            }
            (Some(name), []) => {
                let total = lines(&self.0.files.named(name)?).count();
                if total == 0 {
                    return Err(bad("The input file has no requests."));
                }
                (Source::File(name.clone()), total)
            }
            (None, all) => {
                if let Some(index) = all.iter().position(|one| at(one, "request").is_null()) {
                    return Err(bad(format!(
                        "* BatchGenerateContentRequest.batch.input_config.requests.requests[{index}].request: must be set\n"
                    )));
                }
                let total = all.len();
                (Source::Inline(requests), total)
            }
        };
        let field = |name: &str| text(at(&batch, name)).map(str::to_owned);
        let job = Job {
            id: name(),
            model,
            display_name: field("displayName"),
            priority: field("priority"),
            file,
            created: SystemTime::now(),
            cancelled: None,
            drawn: None,
            fault: None,
            total,
            succeeded: 0,
            failed: 0,
            // A file's bytes are the file's.
            input: match &source {
                Source::File(_) => 0,
                Source::Inline(requests) => requests.iter().map(memory::of).sum(),
            },
            results: Vec::new(),
            weight: 0,
        };
        let mut jobs = self.0.jobs();
        let open = jobs.all.iter().filter(|job| !job.stage(self.0.times).is_end()).count();
        if open >= OPEN || !jobs.make_room(job.input, KEPT - 1, self.0.times) {
            let message =
                format!("Too many batches are under way: at most {OPEN}, and {ROOM} bytes of all of them.");
            return Err(Refusal::new(429, "RESOURCE_EXHAUSTED", message));
        }
        let told = job.written(self.0.times);
        jobs.waiting.push_back((job.id.clone(), source));
        jobs.all.push_back(job);
        if !jobs.is_worked_on {
            let desk = self.0.clone();
            let thread = std::thread::Builder::new().name("nanobanana-batch".into());
            jobs.is_worked_on = thread.spawn(move || desk.work()).is_ok();
        }
        Ok(told)
    }

    /// One page, the newest first.
    fn list(&self, asked: (Option<&str>, Option<&str>)) -> Result<String, Refusal> {
        let jobs = self.0.jobs();
        let (page, next) = page("ListOperationsRequest", &jobs.all, |job| &job.id, asked)?;
        if page.is_empty() {
            return Ok("{}\n".to_owned());
        }
        let operations: Vec<String> = page.iter().map(|job| job.written(self.0.times)).collect();
        let rest = next.map(|token| format!(",\n\"nextPageToken\": {}", Value::from(token)));
        let rest = rest.unwrap_or_default();
        Ok(format!("{{\n\"operations\": [\n{}\n]{rest}\n}}\n", operations.join(",\n")))
    }
}

/// A name like the service's own: 36 letters and digits.
fn name() -> String {
    (0..36).map(|_| fastrand::digit(36)).collect()
}
