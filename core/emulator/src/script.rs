//! Replies told beforehand: faults, odd bodies, slow and broken lines.
//!
//! One step answers one request (or several, by `times`) to a generate method or within a batch, or of another kind
//! if it says so, whatever it asks: a scripted reply is not held against the service's rules. A step that sets no reply of its own (only,
//! say, a delay) lets the emulator answer by itself, rules and all.

use std::collections::VecDeque;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::answer::{self, Given, Sketch, Thought};
use super::proto;
use super::steps::{names, of_answers};
use nanobanana_base::codec::{self, Format, Quality};
use nanobanana_base::error::{Error, InvalidOption};
use nanobanana_base::memory;
use nanobanana_base::options::nearest;
use nanobanana_base::schema::Case;

/// How an answer goes over the line.
#[derive(Debug, Clone, Default)]
pub(super) struct Delivery {
    pub headers: Vec<(String, String)>,
    pub delay: Duration,
    pub chunk: Option<usize>,
    pub pause: Duration,
    /// Between two events of a stream.
    pub event_pause: Duration,
    pub cut: Option<Cut>,
    /// After how many bytes of the body nothing more comes.
    pub stall: Option<usize>,
    /// By how much the told length is wrong.
    pub length: Option<i64>,
    pub goaway: bool,
    pub gzip: bool,
}

/// Where the line breaks.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cut {
    /// Before a single byte of the answer.
    Headers,
    /// After so many bytes of the body.
    After(usize),
}

/// What is answered.
#[derive(Debug, Clone)]
pub(super) enum Reply {
    /// What the emulator finds right.
    Own,
    /// An error in the service's form, or a reply with a body of its own.
    Error {
        status: u16,
        error: Map<String, Value>,
    },
    Json {
        status: u16,
        json: Value,
    },
    Raw {
        status: u16,
        body: Vec<u8>,
    },
    /// A usual answer around these.
    Answer {
        status: u16,
        given: Box<Given>,
    },
    Hang,
}

/// A request, as far as it matters to a script.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    /// Its kind; none if it is none of [`CALLS`].
    pub call: Option<&'static str>,
    pub path: &'a str,
    pub model: &'a str,
    pub words: &'a str,
    pub seed: Option<i64>,
}

/// The seed of a request, in the names of either API.
pub(super) fn seed(request: &Value) -> Option<i64> {
    let names = ["/generationConfig/seed", "/generation_config/seed"];
    names.into_iter().find_map(|name| proto::whole(request.pointer(name)?))
}

/// Which requests a step is for; all that generate, if nothing is set.
#[derive(Debug, Clone, Default)]
pub(super) struct Wants {
    /// Their kind, if they are to be others.
    call: Option<&'static str>,
    /// What their path holds: of any kind then, unless that is set too.
    path: Option<String>,
    model: Option<String>,
    /// What the request's words hold.
    prompt: Option<String>,
    seed: Option<i64>,
}

impl Wants {
    fn fits(&self, asked: Asked) -> bool {
        let is_kind = match (self.call, &self.path) {
            (Some(call), _) => asked.call == Some(call),
            // A request within a batch came by no path of its own.
            (None, Some(_)) => asked.call != Some(BATCH_REQUEST),
            (None, None) => matches!(asked.call, Some(GENERATE | BATCH_REQUEST)),
        };
        let holds = |wanted: &Option<String>, text: &str| {
            wanted.as_deref().is_none_or(|wanted| text.contains(wanted))
        };
        is_kind
            && holds(&self.path, asked.path)
            && self.model.as_deref().is_none_or(|model| model == asked.model)
            && holds(&self.prompt, asked.words)
            && (self.seed.is_none() || self.seed == asked.seed)
    }
}

/// Some of the requests that a step fits, by lot.
#[derive(Debug, Clone)]
struct Share {
    of: f64,
    lots: fastrand::Rng,
}

/// The kinds of requests that a script can answer.
pub(super) const CALLS: [&str; 19] = [
    GENERATE,
    BATCH_REQUEST,
    "count_tokens",
    "upload_start",
    "upload_chunk",
    "upload_query",
    "file_get",
    "file_list",
    "file_delete",
    "file_download",
    "batch_create",
    "batch_list",
    "batch_get",
    "batch_cancel",
    "batch_delete",
    "interaction_create",
    "interaction_get",
    "interaction_cancel",
    "interaction_delete",
];

pub(super) const GENERATE: &str = "generate";

/// One of the requests that a batch is made of.
pub(super) const BATCH_REQUEST: &str = "batch_request";

#[derive(Debug, Clone)]
pub(super) struct Step {
    wants: Wants,
    /// How many requests it is still for; none for all that come.
    times: Option<u64>,
    share: Option<Share>,
    /// As it was told.
    told: Map<String, Value>,
    /// How much memory it takes.
    weight: usize,
    /// How much its own answer to an edit with a mask drifts.
    pub drift: Option<f32>,
    pub reply: Reply,
    pub delivery: Delivery,
}

/// The steps that are still to be taken.
#[derive(Debug, Default)]
pub(super) struct Script {
    steps: VecDeque<Step>,
    /// The tokens of the answers that are to be gone on with.
    promised: Vec<Vec<u8>>,
}

impl Script {
    /// Sets these in place of those that wait; the reason if they would be too many.
    pub fn replace(&mut self, steps: Vec<Step>) -> Result<(), String> {
        fit(steps.iter())?;
        self.steps = steps.into();
        Ok(())
    }

    pub fn clear(&mut self) {
        self.steps.clear();
    }

    /// Whether an answer can be gone on with by this token, in whatever spelling of base64.
    pub fn has_promised(&self, token: &str) -> bool {
        proto::base64(token).is_some_and(|token| self.promised.contains(&token))
    }

    /// Adds these; the reason if they would be too many.
    pub fn add(&mut self, steps: Vec<Step>) -> Result<(), String> {
        fit(self.steps.iter().chain(&steps))?;
        self.steps.extend(steps);
        Ok(())
    }

    /// Takes the first step that is meant for this request.
    pub fn next(&mut self, asked: Asked) -> Option<Step> {
        let index = self.steps.iter_mut().position(|step| {
            step.wants.fits(asked) && step.share.as_mut().is_none_or(|share| share.lots.f64() < share.of)
        })?;
        let step = self.steps.get_mut(index)?;
        let taken = match &mut step.times {
            None => Some(step.clone()),
            Some(times) if *times > 1 => {
                *times -= 1;
                Some(step.clone())
            }
            Some(_) => self.steps.remove(index),
        }?;
        if let Reply::Answer { given, .. } = &taken.reply
            && let Some(token) = given.continuation.as_deref().and_then(proto::base64)
            && !self.promised.contains(&token)
        {
            if self.promised.len() >= MOST {
                self.promised.remove(0);
            }
            self.promised.push(token);
        }
        Some(taken)
    }

    /// What is left, as it was told.
    pub fn told(&self) -> Vec<Value> {
        let told = |step: &Step| {
            let mut told = step.told.clone();
            if let Some(times) = step.times.filter(|times| *times > 1) {
                told.insert("times".to_owned(), times.into());
            } else if step.times.is_some() {
                told.remove("times");
            }
            Value::Object(told)
        };
        self.steps.iter().map(told).collect()
    }
}

/// The most steps that wait.
const MOST: usize = 10_000;

/// The most memory that they take.
const ROOM: usize = 256 << 20;

/// Whether so many steps may wait.
fn fit<'a>(steps: impl Iterator<Item = &'a Step>) -> Result<(), String> {
    let (mut count, mut weight) = (0, 0);
    for step in steps {
        count += 1;
        weight += step.weight;
    }
    let drop = "wait for fewer of them, or drop those that wait";
    match (count > MOST, weight > ROOM) {
        (true, _) => Err(format!("more than {MOST} steps would wait; {drop}")),
        (_, true) => {
            Err(format!("the steps that wait would take more than {} MiB of memory; {drop}", ROOM >> 20))
        }
        _ => Ok(()),
    }
}

/// The steps in a JSON text, unless reading it would take more memory than all of them may.
pub(super) fn parsed(text: &[u8]) -> Result<Value, String> {
    if memory::of_text(text) > 2 * ROOM {
        return Err(format!("the steps would take more than {} MiB of memory", ROOM >> 20));
    }
    serde_json::from_slice(text).map_err(|error| format!("the body is not JSON: {error}"))
}

/// The errors of the service: their words, the HTTP status of each, and its number where an error stands
/// within an answer. Of several with one HTTP status the first is the usual one.
const ERRORS: [(&str, u16, i32); 16] = [
    ("INVALID_ARGUMENT", 400, 3),
    ("FAILED_PRECONDITION", 400, 9),
    ("OUT_OF_RANGE", 400, 11),
    ("UNAUTHENTICATED", 401, 16),
    ("PERMISSION_DENIED", 403, 7),
    ("NOT_FOUND", 404, 5),
    ("ABORTED", 409, 10),
    ("ALREADY_EXISTS", 409, 6),
    ("RESOURCE_EXHAUSTED", 429, 8),
    ("CANCELLED", 499, 1),
    ("INTERNAL", 500, 13),
    ("UNKNOWN", 500, 2),
    ("DATA_LOSS", 500, 15),
    ("UNIMPLEMENTED", 501, 12),
    ("UNAVAILABLE", 503, 14),
    ("DEADLINE_EXCEEDED", 504, 4),
];

fn words_of_errors() -> impl Iterator<Item = &'static str> {
    ERRORS.into_iter().map(|(word, ..)| word)
}

/// The name of a status, as the service gives it.
fn status_name(code: u16) -> &'static str {
    // Those of HTTP alone are told as what they come nearest to.
    let code = match code {
        408 => 504,
        413 => 400,
        502 => 503,
        code => code,
    };
    ERRORS.into_iter().find(|(_, status, _)| *status == code).map_or("UNKNOWN", |(word, ..)| word)
}

/// The HTTP status of an error.
fn status_of(word: &str) -> Option<u16> {
    ERRORS.into_iter().find(|(known, ..)| *known == word).map(|(_, status, _)| status)
}

/// The number of an error, as it stands within an answer.
pub(super) fn number_of(word: &str) -> i32 {
    ERRORS.into_iter().find(|(known, ..)| *known == word).map_or(2, |(.., number)| number)
}

/// One step's place, for messages.
struct At<'a> {
    index: usize,
    step: &'a Map<String, Value>,
}

impl At<'_> {
    fn wrong(&self, name: &str, problem: impl std::fmt::Display) -> Error {
        self.wrong_of(name, problem, |detail| detail)
    }

    /// The same with more detail.
    fn wrong_of(
        &self,
        name: &str,
        problem: impl std::fmt::Display,
        more: impl FnOnce(InvalidOption) -> InvalidOption,
    ) -> Error {
        let option = format!("script[{}].{name}", self.index);
        let message = format!("`{option}` {problem}");
        Error::invalid_option(message, more(InvalidOption::of(option)))
    }

    fn get<T>(
        &self,
        name: &str,
        wants: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        match self.step.get(name).filter(|value| !value.is_null()) {
            None => Ok(None),
            Some(value) => read(value).map(Some).ok_or_else(|| self.wrong(name, format!("takes {wants}"))),
        }
    }

    fn text(&self, name: &str) -> Result<Option<String>, Error> {
        self.get(name, "a text", |value| value.as_str().map(str::to_owned))
    }

    fn flag(&self, name: &str) -> Result<bool, Error> {
        Ok(self.get(name, "true or false", Value::as_bool)?.unwrap_or(false))
    }

    fn seconds(&self, name: &str) -> Result<Duration, Error> {
        let read = |value: &Value| Duration::try_from_secs_f64(value.as_f64()?).ok();
        Ok(self.get(name, "a number of seconds from 0", read)?.unwrap_or_default())
    }
}

/// Reads the steps; none is taken if one is wrong.
pub(super) fn read(steps: &[Value]) -> Result<Vec<Step>, Error> {
    steps.iter().enumerate().map(|(index, step)| read_step(index, step)).collect()
}

fn read_step(index: usize, step: &Value) -> Result<Step, Error> {
    let listed = || names().collect::<Vec<_>>().join(", ");
    let Some(step) = step.as_object() else {
        let option = format!("script[{index}]");
        let problem = format!("`{option}` takes a map with any of {}", listed());
        return Err(Error::invalid_option(problem, InvalidOption::of(option).allowed(names())));
    };
    // Who writes JavaScript may spell them as everything else there.
    let plain = |key: &String| {
        names().find(|name| Case::Camel.name(name) == key.as_str()).map_or_else(|| key.clone(), str::to_owned)
    };
    let step: Map<String, Value> = step.iter().map(|(key, value)| (plain(key), value.clone())).collect();
    let at = At { index, step: &step };
    if let Some(unknown) = step.keys().find(|key| !names().any(|name| name == key.as_str())) {
        let hint = nearest(unknown, names());
        let meant = hint.map(|hint| format!(" Did you mean `{hint}`?")).unwrap_or_default();
        let problem = format!("does not exist; a step takes {}.{meant}", listed());
        return Err(at.wrong_of(unknown, problem, |detail| detail.allowed(names()).hint(hint)));
    }
    let takes = format!(
        "a map with any of prompt, model and path (texts), seed (a whole number) and call (one of {})",
        CALLS.join(", ")
    );
    let wants = at.get("match", &takes, |value| {
        let mut wants = Wants::default();
        for (name, value) in value.as_object().filter(|map| !map.is_empty())? {
            match name.as_str() {
                "prompt" => wants.prompt = Some(value.as_str()?.to_owned()),
                "model" => wants.model = Some(value.as_str()?.trim_start_matches("models/").to_owned()),
                "path" => wants.path = Some(value.as_str()?.to_owned()),
                "seed" => wants.seed = Some(value.as_i64()?),
                "call" => wants.call = Some(*CALLS.iter().find(|call| value == **call)?),
                _ => return None,
            }
        }
        Some(wants)
    })?;
    let times =
        at.get("times", "a number of requests from 1, or \"always\"", |value| match value.as_str() {
            Some("always") => Some(None),
            _ => value.as_u64().filter(|it| *it > 0).map(Some),
        })?;
    let of = at.get("share", "a part of the requests, above 0 and at most 1", |value| {
        value.as_f64().filter(|share| *share > 0.0 && *share <= 1.0)
    })?;
    let lots = at.get("share_seed", "a whole number from 0", Value::as_u64)?;
    if lots.is_some() && of.is_none() {
        return Err(at.wrong("share_seed", "says how a share is drawn; there is no share"));
    }
    let share = of.map(|of| Share { of, lots: fastrand::Rng::with_seed(lots.unwrap_or(0)) });
    let drift = at.get("drift", "a number from 0 (none) to 4; 1 is as models do", |value| {
        value.as_f64().filter(|drift| (0.0..=4.0).contains(drift)).map(|drift| drift as f32)
    })?;
    let (reply, delivery) = (read_reply(&at)?, read_delivery(&at)?);
    // Its reply holds what was said in a second form.
    let weight = 2 * memory::of_map(&step) + std::mem::size_of::<Step>();
    Ok(Step {
        drift,
        wants: wants.unwrap_or_default(),
        // A share of one request would hardly ever be any.
        times: times.unwrap_or_else(|| share.is_none().then_some(1)),
        share,
        reply,
        delivery,
        weight,
        told: step,
    })
}

fn read_delivery(at: &At) -> Result<Delivery, Error> {
    let headers = at.get("headers", "a map of texts", |value| {
        let text = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        value
            .as_object()?
            .iter()
            .map(|(name, value)| Some((name.to_lowercase(), text(value)?)))
            .collect::<Option<Vec<_>>>()
    })?;
    for (name, value) in headers.iter().flatten() {
        let sound = hyper::header::HeaderName::try_from(name.as_str()).is_ok()
            && hyper::header::HeaderValue::try_from(value.as_str()).is_ok();
        if !sound {
            return Err(at.wrong("headers", format!("holds {name:?}, which HTTP does not allow")));
        }
        if ["content-length", "transfer-encoding", "connection"].contains(&name.as_str()) {
            return Err(at.wrong(
                "headers",
                format!(
                    "holds {name:?}, which the server sets itself; `length`, `cut`, `chunk` and `pause` disturb a body"
                ),
            ));
        }
    }
    let whole = |value: &Value| usize::try_from(value.as_u64()?).ok();
    let stall = at.get("stall", "a number of bytes from 0", whole)?;
    let cut = at.get("cut", "a number of bytes from 0, or \"headers\"", |value| match value.as_str() {
        Some("headers") => Some(Cut::Headers),
        _ => whole(value).map(Cut::After),
    })?;
    if stall.is_some() && cut.is_some() {
        return Err(at.wrong("stall", "cannot stand beside cut: a line that has broken does not stall"));
    }
    Ok(Delivery {
        headers: headers.unwrap_or_default(),
        delay: at.seconds("delay")?,
        chunk: at
            .get("chunk", "a number of bytes from 1", |value| whole(value).filter(|bytes| *bytes > 0))?,
        pause: at.seconds("pause")?,
        event_pause: at.seconds("event_pause")?,
        cut,
        stall,
        length: at.get("length", "a number of bytes, more or fewer than 0", |value| {
            value.as_i64().filter(|bytes| *bytes != 0)
        })?,
        goaway: at.flag("goaway")?,
        gzip: at.flag("gzip")?,
    })
}

fn read_reply(at: &At) -> Result<Reply, Error> {
    let status = at.get("status", "an HTTP status from 200 to 599", |value| {
        u16::try_from(value.as_u64()?).ok().filter(|code| (200..600).contains(code))
    })?;
    let error = at.get("error", "a map with any of status, message, details", |value| {
        let map = value.as_object()?;
        map.keys()
            .all(|key| ["code", "status", "message", "details"].contains(&key.as_str()))
            .then(|| map.clone())
    })?;
    let json = at.step.get("json").cloned();
    let body = at.text("body")?.map(String::into_bytes);
    let coded = at.get("body_base64", "a text in base64", |value| STANDARD.decode(value.as_str()?).ok())?;
    let given = read_given(at)?;
    let hang = at.flag("hang")?;
    let answers = of_answers().find(|name| at.step.get(*name).is_some_and(|value| !value.is_null()));
    let set: Vec<&str> = [
        error.is_some().then_some("error"),
        json.is_some().then_some("json"),
        body.is_some().then_some("body"),
        coded.is_some().then_some("body_base64"),
        answers,
        hang.then_some("hang"),
    ]
    .into_iter()
    .flatten()
    .collect();
    if let [first, second, ..] = set.as_slice() {
        let problem = format!("cannot stand beside {first}: a step has one reply");
        return Err(at.wrong(second, problem));
    }
    if let Some(json) = &json {
        check_pictures(at, json)?;
    }
    let ok = status.unwrap_or(200);
    Ok(match (error, json, body.or(coded)) {
        (Some(error), _, _) => {
            let code = error.get("code").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
            let status = match status.or(code.filter(|code| (200..600).contains(code))) {
                Some(status) => status,
                None => of_word(at, &error)?,
            };
            Reply::Error { status, error }
        }
        (_, Some(json), _) => Reply::Json { status: ok, json },
        (_, _, Some(body)) => Reply::Raw { status: ok, body },
        _ if hang => Reply::Hang,
        _ if answers.is_some() => Reply::Answer { status: ok, given: Box::new(given) },
        _ if status.is_some_and(|status| status >= 300) => Reply::Error { status: ok, error: Map::new() },
        _ => Reply::Own,
    })
}

/// The HTTP status of a scripted error that has no number: that of its word.
fn of_word(at: &At, error: &Map<String, Value>) -> Result<u16, Error> {
    let Some(told) = error.get("status").filter(|told| !told.is_null()) else { return Ok(500) };
    let word = told.as_str().unwrap_or_default();
    status_of(word).ok_or_else(|| {
        let hint = nearest(word, words_of_errors());
        let meant = hint.map(|hint| format!(" Did you mean `{hint}`?")).unwrap_or_default();
        let known = words_of_errors().collect::<Vec<_>>().join(", ");
        let problem = format!(
            "has the status {told}, whose HTTP status is not known; known are {known}. Beside any other word the step's own `status` says the number.{meant}"
        );
        at.wrong_of("error", problem, |detail| detail.allowed(words_of_errors()).hint(hint))
    })
}

/// The things of a usual answer.
fn read_given(at: &At) -> Result<Given, Error> {
    let sketch = |value: &Value| picture(value.as_str()?);
    let mut pictures: Vec<Sketch> = at.get("image", WANTS_PICTURE, sketch)?.into_iter().collect();
    let many = at.get("images", "a list of texts such as \"png 8x8\"", |value| {
        value.as_array()?.iter().map(sketch).collect::<Option<Vec<_>>>()
    })?;
    pictures.extend(many.into_iter().flatten());
    let thoughts = at.get("thoughts", "a list of texts and of {\"$image\": \"png 8x8\"}", |value| {
        let thought = |value: &Value| match value {
            Value::String(text) => Some(Thought::Text(text.clone())),
            Value::Object(map) if map.len() == 1 => map.get("$image").and_then(sketch).map(Thought::Picture),
            _ => None,
        };
        value.as_array()?.iter().map(thought).collect::<Option<Vec<_>>>()
    })?;
    let status = "a map with any of message, modelStage, retirementTime, all of them texts";
    let ratings = "a list of maps, each with a category and a probability";
    let given = Given {
        thoughts: thoughts.unwrap_or_default(),
        text: at.text("text")?,
        pictures,
        text_after: at.text("text_after")?,
        finish: at.text("finish_reason")?,
        finish_message: at.text("finish_message")?,
        block: at.text("block_reason")?,
        continuation: at.get("continuation", "a text that is not empty", |value| {
            value.as_str().filter(|token| !token.is_empty()).map(answer::token)
        })?,
        status: at.get("model_status", status, |value| {
            let known = |name: &str| ["message", "modelStage", "retirementTime"].contains(&name);
            let is_sound = value.as_object()?.iter().all(|(name, value)| known(name) && value.is_string());
            is_sound.then(|| value.clone())
        })?,
        ratings: at.get("ratings", ratings, |value| {
            let is_sound = |one: &Value| one["category"].is_string() && one["probability"].is_string();
            value.as_array()?.iter().all(is_sound).then(|| value.clone())
        })?,
        grounding: at.get("grounding", "true, or the metadata as a map", |value| {
            (value.is_object() || *value == true).then(|| value.clone())
        })?,
    };
    if given.block.is_some() {
        let fits = ["block_reason", "ratings", "model_status"];
        let is_set = |name: &&str| at.step.get(*name).is_some_and(|value| !value.is_null());
        if let Some(name) = of_answers().filter(|name| !fits.contains(name)).find(is_set) {
            return Err(at.wrong(name, "cannot stand beside block_reason: what is blocked has no answer"));
        }
    }
    Ok(given)
}

const WANTS_PICTURE: &str = "a text such as \"png 8x8\" or \"jpeg 64x48\", at most 12288 pixels on a side";

/// `png 8x8`.
fn picture(text: &str) -> Option<Sketch> {
    let (format, size) = text.split_once(' ')?;
    let (width, height) = size.split_once('x')?;
    let side = |text: &str| text.parse().ok().filter(|side| (1..=12288).contains(side));
    let (width, height): (u32, u32) = (side(width)?, side(height)?);
    (u64::from(width) * u64::from(height) <= 1 << 26).then_some((Format::named(format).ok()?, width, height))
}

fn check_pictures(at: &At, json: &Value) -> Result<(), Error> {
    match json {
        Value::Object(map) => match map.get("$image") {
            Some(value) if value.as_str().and_then(picture).is_none() || map.len() > 1 => Err(at.wrong(
                "json",
                format!("holds \"$image\": {value}; it takes {WANTS_PICTURE}, and nothing beside it"),
            )),
            Some(_) => Ok(()),
            None => map.values().try_for_each(|value| check_pictures(at, value)),
        },
        Value::Array(list) => list.iter().try_for_each(|value| check_pictures(at, value)),
        _ => Ok(()),
    }
}

/// The JSON with every `{"$image": "png 8x8"}` replaced by a picture in base64.
pub(super) fn filled(json: &Value) -> Value {
    match json {
        Value::Object(map) => match map.get("$image").and_then(Value::as_str).and_then(picture) {
            Some((format, width, height)) => {
                let bytes = codec::encode(&answer::sample(width, height), format, Quality::Default);
                STANDARD.encode(bytes.unwrap_or_default()).into()
            }
            None => map.iter().map(|(key, value)| (key.clone(), filled(value))).collect::<Map<_, _>>().into(),
        },
        Value::Array(list) => list.iter().map(filled).collect(),
        other => other.clone(),
    }
}

/// The service's form around a scripted error.
pub(super) fn error_body(code: u16, error: &Map<String, Value>) -> Value {
    let mut body = json!({"code": code, "message": "This error was scripted.", "status": status_name(code)});
    if let Some(body) = body.as_object_mut() {
        body.extend(error.iter().map(|(key, value)| (key.clone(), value.clone())));
    }
    json!({ "error": body })
}
