//! From a reply's JSON to a result or an error.
//!
//! Read leniently, as the service and its gateways vary: names in camel or snake case, unknown
//! fields and values, missing parts, several candidates. Decided strictly: a result always has a
//! picture, and a thought is never one.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::catalogue::Model;
use crate::error::{Billed, Blocked, Detail, Error, Kind, NoImage, Partial, RateLimit, Status, Usage};
use crate::http::json::{Cut, Piece};
use crate::image::Image;
use crate::memory;
use crate::message::{Each, Message, counted, message, option};
use crate::records::{
    Event, Generation, Grounding, ImageEvent, Source, Span, TextEvent, ThoughtEvent, TokenCount,
};
use crate::schema::Case;

mod parts;
mod usage;

pub(crate) use parts::{Link, without_query};
use usage::is_priceable;
pub use usage::read_usage;

/// A field by its snake case name, spelt either way.
fn get<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.get(&*Case::Camel.name(name)).or_else(|| value.get(name)).filter(|value| !value.is_null())
}

fn text(value: &Value, name: &str) -> Option<String> {
    get(value, name)?.as_str().map(str::to_owned)
}

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    get(value, name).and_then(Value::as_array).into_iter().flatten()
}

/// A count; proto JSON writes 64-bit numbers as text.
fn count(value: &Value, name: &str) -> Option<u64> {
    let value = get(value, name)?;
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// Puts the values of one reply together: one for a plain reply, one per event for a stream, and
/// those of its continuations. Cheap to clone: pictures are shared.
#[derive(Clone, Default)]
pub(crate) struct Fold {
    result: Generation,
    /// The parts of the answer as they came, for a conversation.
    turn: Vec<Piece>,
    raw: Value,
    /// What the answers before this one, which it continues, used; and whether one of them does not say
    /// enough to price it.
    used_before: Usage,
    is_untold: bool,
    usage: Option<Value>,
    feedback: Option<Value>,
    finish_message: Option<String>,
    continuation: Option<String>,
    ratings: Option<Value>,
    pictures: u64,
    /// The memory of the parts that are kept.
    kept: usize,
    /// The number of pictures, with those of thoughts, whose tokens earlier answers reported.
    counted: usize,
    /// An error about the first number that is out of range.
    odd_number: Option<Error>,
    /// The error that the service sent within the reply.
    refusal: Option<Error>,
    /// Pictures that the answer gives by URL and that are not fetched yet.
    links: Vec<Link>,
    /// The URLs of pictures whose download failed, and the reason of the last failure.
    lost: Vec<String>,
    lost_because: String,
    /// Complete pictures outside of the answer's parts.
    strays: Vec<Image>,
}

/// What a fold comes to.
pub(crate) struct Drawn {
    pub result: Generation,
    /// The answer's parts, each as it came.
    pub turn: Vec<Piece>,
    /// True if the reply's usage is not sufficient for a price.
    pub is_untold: bool,
}

/// A field that occurs in cache entries only: a warning about the damaged reply before it.
const NOTE: &str = "nanobananaWarning";

/// The names in that sentence.
const NOTE_NAMES: &str = "nanobananaWarningNames";

impl Fold {
    /// Takes the next value and gives what arrived with it.
    ///
    /// # Errors
    /// [`Kind::ResponseError`] if the value cannot be read.
    pub fn push(&mut self, cut: Cut) -> Result<Vec<Event>, Error> {
        let (mut value, odd) = cut.lenient_value()?;
        self.odd_number = self.odd_number.take().or(odd);
        if let Some(warning) = value.get(NOTE).and_then(Value::as_str) {
            self.warn(Message::read(warning, value.get(NOTE_NAMES)));
            return Ok(Vec::new());
        }
        if get(&value, "error").is_some() {
            self.refusal = Some(status_error(200, &|_| None, cut.text.as_bytes(), None));
        }
        let mut events = Vec::new();
        let mut used = Vec::new();
        for candidate in list(&value, "candidates") {
            self.candidate(candidate, &cut, &mut used, &mut events);
        }
        self.strays.extend(parts::strays(&cut, &used));
        self.turn.extend(cut.parts().into_iter().filter(parts::can_go_back));
        if let Some(usage) = get(&value, "usage_metadata") {
            self.usage = Some(usage.clone());
        }
        if let Some(feedback) = get(&value, "prompt_feedback") {
            self.feedback = Some(feedback.clone());
        }
        if let Some(model) = text(&value, "model_version") {
            self.result.model = model;
        }
        if let Some(warning) = get(&value, "model_status").and_then(retirement) {
            self.warn(warning);
        }
        self.result.response_id = text(&value, "response_id").or(self.result.response_id.take());
        renumber(&mut value, self.pictures);
        self.pictures += cut.pictures.len() as u64;
        let known = raw_parts(&self.raw).len();
        add_raw(&mut self.raw, value);
        let more = raw_parts(&self.raw).get(known..).unwrap_or_default();
        self.kept += more.iter().map(|part| memory::of(part) + PIECE).sum::<usize>();
        if self.kept > KEPT {
            let message =
                format!("the reply was refused: its parts pass the limit of {} MiB of memory", KEPT >> 20);
            return Err(Error::new(Kind::ResponseError, message).with_billed(Billed::Unknown));
        }
        Ok(events)
    }

    /// Takes the error that the service sent within a reply whose status was a success.
    ///
    /// # Errors
    /// That error.
    pub fn refused(&mut self) -> Result<(), Error> {
        self.refusal.take().map_or(Ok(()), Err)
    }

    /// Takes the error about the first number that is out of range.
    pub fn odd_number(&mut self) -> Option<Error> {
        self.odd_number.take()
    }

    /// Adds a warning, unless it is there already.
    pub fn warn(&mut self, warning: impl Into<Message>) {
        let warning = warning.into();
        if !self.result.warnings.contains(&warning) {
            self.result.warnings.push(warning);
        }
    }

    /// A value for the cache that carries a warning.
    pub fn note(warning: &Message) -> Cut {
        let note = json!({ NOTE: &**warning, NOTE_NAMES: warning.saved_names() });
        Cut { text: note.to_string(), pictures: Vec::new() }
    }

    /// True if a final picture was received.
    pub fn has_picture(&self) -> bool {
        !self.result.images.is_empty()
    }

    fn candidate(&mut self, candidate: &Value, cut: &Cut, used: &mut Vec<usize>, events: &mut Vec<Event>) {
        let parts = get(candidate, "content").into_iter().flat_map(|content| list(content, "parts"));
        for part in parts {
            let thought = get(part, "thought").and_then(Value::as_bool).unwrap_or(false);
            if let Some(words) = get(part, "text").and_then(Value::as_str).filter(|words| !words.is_empty()) {
                let (into, event) = if thought {
                    let event = ThoughtEvent { text: Some(words.to_owned()), image: None };
                    (&mut self.result.thoughts.text, Event::Thought(event))
                } else {
                    (&mut self.result.text, Event::Text(TextEvent { text: words.to_owned() }))
                };
                into.push_str(words);
                events.push(event);
            }
            self.note_part(part, thought);
            let Some(image) = self.picture(part, cut, used) else { continue };
            let (into, event) = if thought {
                let event = ThoughtEvent { text: None, image: Some(image.clone()) };
                (&mut self.result.thoughts.images, Event::Thought(event))
            } else {
                (&mut self.result.images, Event::Image(ImageEvent { image: image.clone() }))
            };
            into.push(image);
            events.push(event);
        }
        self.result.finish_reason = text(candidate, "finish_reason").or(self.result.finish_reason.take());
        self.continuation = text(candidate, "continuation_token").or(self.continuation.take());
        self.finish_message = text(candidate, "finish_message").or(self.finish_message.take());
        if let Some(ratings) = get(candidate, "safety_ratings") {
            self.ratings = Some(ratings.clone());
        }
        if let Some(found) = get(candidate, "grounding_metadata") {
            self.result.grounding = Some(grounding(found));
        }
    }

    /// The picture of a part, if it has one.
    fn picture(&mut self, part: &Value, cut: &Cut, used: &mut Vec<usize>) -> Option<Image> {
        let data = get(part, "inline_data")?;
        let number = data.get("data").and_then(Value::as_u64).and_then(|number| usize::try_from(number).ok());
        let bytes = cut.pictures.get(number?)?;
        used.extend(number);
        let said = text(data, "mime_type").unwrap_or_default();
        if let Ok(picture) = Image::from_bytes(bytes.clone()) {
            return Some(picture.drawn());
        }
        let size = bytes.len();
        if said.starts_with("image/") && size > 0 {
            self.result.warnings.push(message!(
                "a picture of {} came that is not understood here; the service calls it {said}, its size is unknown",
                counted(size, "byte", "bytes")
            ));
            return Some(Image::unknown(bytes.clone(), &said).drawn());
        }
        self.result.warnings.push(message!(
            "{} not a picture ({said:?})",
            counted(size, "byte came that is", "bytes came that are")
        ));
        None
    }

    /// Whether the service ended its answer, well or not. One that stops without is cut off.
    pub fn is_ended(&self) -> bool {
        let blocked = self.feedback.as_ref().is_some_and(|feedback| get(feedback, "block_reason").is_some());
        self.result.finish_reason.is_some() || blocked
    }

    /// Whether anything has come at all.
    pub fn is_empty(&self) -> bool {
        self.raw.is_null()
    }

    /// The token that asks for the rest of an answer which the service has not finished.
    pub fn continuation(&mut self) -> Option<String> {
        if self.result.finish_reason.as_deref() != Some("CONTINUATION") {
            return None;
        }
        let token = self.continuation.take()?;
        self.result.finish_reason = None;
        let usage = self.usage.take();
        self.is_untold |= !self.is_priced(usage.as_ref());
        self.counted = self.drawn();
        self.used_before.add(&usage.as_ref().map(read_usage).unwrap_or_default());
        Some(token)
    }

    /// The number of all pictures that were received.
    fn drawn(&self) -> usize {
        self.result.images.len() + self.result.thoughts.images.len() + self.links.len() + self.lost.len()
    }

    /// True if this usage is sufficient to price the answer since the last usage.
    fn is_priced(&self, usage: Option<&Value>) -> bool {
        is_priceable(usage, self.drawn() > self.counted)
    }

    /// What the answers used that are continued.
    pub fn used_before(&self) -> &Usage {
        &self.used_before
    }

    /// What they cost, if that is known.
    pub fn cost_before(&self, model: Option<&Model>, tier: &str) -> Option<f64> {
        model.filter(|_| !self.is_untold)?.cost(&self.used_before, Some(tier))
    }

    /// What they used and cost is counted elsewhere.
    pub fn is_counted(&mut self) {
        (self.used_before, self.is_untold) = (Usage::default(), false);
    }

    /// What had arrived, if anything had.
    pub fn partial(&self) -> Option<Partial> {
        let Generation { text, images, thoughts, .. } = &self.result;
        // Strays may be anything, but without other pictures they may be what was paid for.
        let images = if images.is_empty() { &self.strays } else { images };
        let links: Vec<String> =
            self.lost.iter().cloned().chain(self.links.iter().map(|link| link.uri.clone())).collect();
        let nothing = text.is_empty() && images.is_empty() && thoughts.text.is_empty() && links.is_empty();
        if nothing {
            return None;
        }
        let mut partial = Partial::default();
        partial.text = text.clone();
        partial.images = images.iter().cloned().collect();
        partial.thoughts = thoughts.text.clone();
        partial.links = links;
        Some(partial)
    }

    /// The result, or why it is none. `model` prices it; `tier` is the tier that the reply's header
    /// names, or the one that was asked for. With `text_will_do`, an answer in words is a result.
    pub fn finish(
        mut self,
        model: Option<&Model>,
        tier: Option<&str>,
        text_will_do: bool,
    ) -> Result<Drawn, Error> {
        if self.is_empty() {
            return Err(Error::new(Kind::ResponseError, "the reply is empty").with_retryable(true));
        }
        let usage = self.usage.as_ref();
        self.result.usage = usage.map(read_usage).unwrap_or_default();
        self.result.usage.add(&self.used_before);
        let tier = usage.and_then(|usage| text(usage, "service_tier")).or(tier.map(str::to_owned));
        let is_untold = self.is_untold || !self.is_priced(usage);
        if !is_untold {
            self.result.cost = model.and_then(|model| model.cost(&self.result.usage, tier.as_deref()));
        }
        self.result.raw = std::mem::take(&mut self.raw);
        let reason = self.result.finish_reason.clone();
        let reason = reason.as_deref();
        let ended_well = matches!(reason, None | Some("STOP" | "MAX_TOKENS"));
        if self.result.images.is_empty()
            && ended_well
            && let Some(draft) = self.result.thoughts.images.pop()
        {
            // Older models flagged the only picture so; it was drawn and paid for.
            self.result.images.push(draft);
            self.result
                .warnings
                .push("the only picture came marked as a thought; it is used as the final one".into());
        }
        if self.result.images.is_empty() {
            let spoke = ended_well && !self.result.text.trim().is_empty();
            return match text_will_do && spoke {
                true => Ok(Drawn { result: self.result, turn: self.turn, is_untold }),
                false => Err(self.no_picture()),
            };
        }
        if let Some(reason) = reason.filter(|reason| *reason != "STOP") {
            let said = self.finish_message.as_ref().map(|said| format!(": {said}")).unwrap_or_default();
            self.result.warnings.push(message!("a picture came, but the answer ended with {reason}{said}"));
        }
        Ok(Drawn { result: self.result, turn: self.turn, is_untold })
    }

    fn no_picture(self) -> Error {
        let Fold { result, feedback, finish_message, ratings, lost, lost_because, strays, .. } = self;
        let blocked_prompt = feedback.as_ref().and_then(|feedback| text(feedback, "block_reason"));
        let said = feedback
            .as_ref()
            .and_then(|feedback| text(feedback, "block_reason_message"))
            .or(finish_message.clone());
        let said_so = said.as_ref().map(|said| format!(" The service says: {said}")).unwrap_or_default();
        let words = match result.text.trim() {
            "" => String::new(),
            words => format!(" The model answered with text instead: {:?}.", shortened(words, 200)),
        };
        let used = result.usage.is_any();
        let retryable = lost.is_empty()
            && strays.is_empty()
            && matches!(result.finish_reason.as_deref(), Some("NO_IMAGE" | "IMAGE_OTHER" | "OTHER"));
        let answer = NoImage {
            finish_reason: result.finish_reason.clone(),
            finish_message,
            text: Some(result.text),
            usage: Some(result.usage),
            cost: result.cost,
            response_id: result.response_id,
        };
        let blocked = |stage: &str, reason, ratings: Option<Value>| Blocked {
            stage: Some(stage.to_owned()),
            reason: Some(reason),
            ratings: ratings.unwrap_or(json!([])),
            ..Blocked::from(answer.clone())
        };
        let error = if let Some(reason) = blocked_prompt {
            let message = format!(
                "the service refused the prompt ({reason}).{said_so} Reword it, or change its pictures."
            );
            let ratings = feedback.as_ref().and_then(|feedback| get(feedback, "safety_ratings")).cloned();
            Error::blocked(message, blocked("prompt", reason, ratings))
        } else if let Some(reason) = result.finish_reason.clone().filter(|reason| is_block(reason)) {
            let message = format!(
                "the service refused the picture ({reason}).{said_so}{words} Reword the prompt; sending it again as it is seldom helps."
            );
            Error::blocked(message, blocked("output", reason, ratings))
        } else if !lost.is_empty() {
            let message = format!(
                "the picture came as an address, and could not be fetched: {lost_because}. `partial` has the address, \
                 as `links`; drawing it again costs again"
            );
            Error::no_image(message, answer)
        } else if !strays.is_empty() {
            let message = format!(
                "no picture came where an answer belongs, but {} elsewhere in the reply; `partial` has what came",
                strays.len()
            );
            Error::no_image(message, answer)
        } else {
            let reason = result.finish_reason.as_deref().unwrap_or("no reason given");
            let advice = match reason {
                "MAX_TOKENS" => message!(" Raise {}.", option("max_output_tokens")),
                "NO_IMAGE" | "IMAGE_OTHER" | "OTHER" => {
                    " Trying again, or saying more clearly what to draw, may help.".into()
                }
                "MISSING_THOUGHT_SIGNATURE" => {
                    " The history lacks thought signatures; send the model's parts back unchanged.".into()
                }
                // Of other reasons a better prompt is no remedy.
                reason if reason != "STOP" && result.finish_reason.is_some() && words.is_empty() => {
                    Message::default()
                }
                _ => " Say in the prompt that a picture is wanted.".into(),
            };
            Error::no_image(message!("no picture came ({reason}).{said_so}{words}{}", advice), answer)
        };
        let billed = if used { Billed::Yes } else { Billed::Unknown };
        error.with_retryable(retryable).with_billed(billed)
    }
}

/// What `modelStatus` means for someone who builds on the model.
fn retirement(status: &Value) -> Option<String> {
    let when = text(status, "retirement_time")?;
    let day = when.get(..10).unwrap_or(&when);
    let said = text(status, "message").map(|said| format!(": {said}")).unwrap_or_default();
    Some(format!("the service says that this model is retired on {day}{said}"))
}

/// Counts a value's pictures on from those of the values before it.
fn renumber(value: &mut Value, before: u64) {
    if before == 0 {
        return;
    }
    for candidate in value.get_mut("candidates").and_then(Value::as_array_mut).into_iter().flatten() {
        let parts = candidate.get_mut("content").and_then(|content| content.get_mut("parts"));
        for part in parts.and_then(Value::as_array_mut).into_iter().flatten() {
            for name in ["inlineData", "inline_data"] {
                let data = part.get_mut(name).and_then(|data| data.get_mut("data"));
                if let Some(data) = data
                    && let Some(number) = data.as_u64()
                {
                    *data = (number + before).into();
                }
            }
        }
    }
}

/// The limit for the memory of a reply's parts, without pictures.
const KEPT: usize = 32 << 20;

/// The memory of a part beside its value: its text is kept for a conversation.
const PIECE: usize = 256;

/// The parts of the first candidate.
fn raw_parts(raw: &Value) -> &[Value] {
    raw.pointer("/candidates/0/content/parts").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Adds an event to the reply that a call without a stream would have got: parts are added to
/// parts, text that was cut is joined, of everything else the last word counts.
fn add_raw(raw: &mut Value, event: Value) {
    let (Value::Object(whole), Value::Object(event)) = (&mut *raw, &event) else {
        // A value that is no object cannot be merged.
        if !raw.is_object() {
            *raw = event;
        }
        return;
    };
    for (name, value) in event {
        match (name.as_str(), whole.get_mut(name), value) {
            ("candidates", Some(Value::Array(whole)), Value::Array(more)) => {
                for (place, candidate) in more.iter().enumerate() {
                    match whole.get_mut(place) {
                        Some(known) => add_raw(known, candidate.clone()),
                        None => whole.push(candidate.clone()),
                    }
                }
            }
            ("content", Some(known), more) => add_raw(known, more.clone()),
            ("parts", Some(Value::Array(whole)), Value::Array(more)) => {
                for part in more {
                    add_part(whole, part);
                }
            }
            _ => {
                whole.insert(name.clone(), value.clone());
            }
        }
    }
}

fn add_part(parts: &mut Vec<Value>, part: &Value) {
    let words_only = |part: &Value| {
        let rest = part.as_object()?.keys().filter(|name| *name != "text" && *name != "thought").count();
        (rest == 0).then(|| part.get("thought").cloned())
    };
    if let Some(last) = parts.last_mut()
        && let (Some(one), Some(other)) = (words_only(last), words_only(part))
        && one == other
        && let (Some(Value::String(text)), Some(Value::String(more))) =
            (last.get_mut("text"), part.get("text"))
    {
        text.push_str(more);
    } else {
        parts.push(part.clone());
    }
}

/// Whether this finish reason is one of policy, known or new.
fn is_block(reason: &str) -> bool {
    ["SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "RECITATION", "MODEL_ARMOR"]
        .iter()
        .any(|word| reason.contains(word))
}

pub(crate) fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn grounding(found: &Value) -> Grounding {
    let texts = |name| list(found, name).filter_map(|text| text.as_str().map(str::to_owned)).collect();
    let sources = list(found, "grounding_chunks").map(|chunk| {
        let (page, picture) = (get(chunk, "web"), get(chunk, "image"));
        let place = picture.or(page).or_else(|| chunk.as_object()?.values().next()).unwrap_or(chunk);
        Source {
            title: text(place, "title"),
            uri: text(place, "source_uri").or_else(|| text(place, "uri")),
            image_uri: text(place, "image_uri"),
        }
    });
    let spans = list(found, "grounding_supports").map(|support| {
        let segment = get(support, "segment").unwrap_or(&Value::Null);
        Span {
            start: count(segment, "start_index").unwrap_or(0),
            end: count(segment, "end_index").unwrap_or(0),
            text: text(segment, "text").unwrap_or_default(),
            sources: list(support, "grounding_chunk_indices").filter_map(Value::as_u64).collect(),
        }
    });
    Grounding {
        queries: texts("web_search_queries"),
        image_queries: texts("image_search_queries"),
        sources: sources.collect(),
        html: get(found, "search_entry_point").and_then(|entry| text(entry, "rendered_content")),
        spans: spans.collect(),
    }
}

/// The answer of `countTokens`.
pub(crate) fn token_count(value: &Value) -> TokenCount {
    let of = |modality: &str| {
        let rows = list(value, "prompt_tokens_details");
        let fitting = rows.filter(|row| text(row, "modality").as_deref() == Some(modality));
        fitting.filter_map(|row| count(row, "token_count")).sum()
    };
    TokenCount {
        total_tokens: count(value, "total_tokens").unwrap_or(0),
        cached_tokens: count(value, "cached_content_token_count").unwrap_or(0),
        text_tokens: of("TEXT"),
        image_tokens: of("IMAGE"),
        video_tokens: of("VIDEO"),
        audio_tokens: of("AUDIO"),
        document_tokens: of("DOCUMENT"),
        warnings: Vec::new(),
    }
}

/// The most bytes of an error's body that are read.
pub(crate) const MOST_ERROR_BODY: usize = 1 << 20;

/// What the service, or something on the way to it, meant by a status that is no success.
/// `advice` is what the catalogue knows of a model that is not there.
pub fn status_error(
    status: u16,
    header: &dyn Fn(&str) -> Option<String>,
    body: &[u8],
    advice: Option<&Message>,
) -> Error {
    // An error of the service is never that large.
    let is_small = memory::of_text(body) <= 16 * MOST_ERROR_BODY;
    let parsed: Value = if is_small { serde_json::from_slice(body).unwrap_or_default() } else { Value::Null };
    let parsed = match &parsed {
        // Some answers come as a list of one.
        Value::Array(list) => list.first().unwrap_or(&Value::Null),
        other => other,
    };
    let error = get(parsed, "error").unwrap_or(parsed);
    // Inside of a 200 the error names its own status.
    let status = match status {
        200 => count(error, "code").and_then(|code| u16::try_from(code).ok()).unwrap_or(500),
        other => other,
    };
    let code = text(error, "status");
    let details = get(error, "details").cloned().unwrap_or(json!([]));
    let said = text(error, "message").or_else(|| error.as_str().map(str::to_owned)).unwrap_or_else(|| {
        let plain = String::from_utf8_lossy(body.get(..body.len().min(2000)).unwrap_or_default());
        let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
        if plain.is_empty() {
            "with no explanation".to_owned()
        } else {
            format!("not in JSON: {}", shortened(&plain, 200))
        }
    });
    let detail = |kind: &str| {
        let named = |detail: &&Value| {
            detail.get("@type").and_then(Value::as_str).is_some_and(|name| name.ends_with(kind))
        };
        details.as_array().into_iter().flatten().find(named)
    };
    let reason = detail("ErrorInfo").and_then(|info| text(info, "reason"));
    let is_key = reason.as_deref() == Some("API_KEY_INVALID");
    let kind = match status {
        400 if is_key => Kind::AuthenticationError,
        401 => Kind::AuthenticationError,
        403 => Kind::PermissionDeniedError,
        404 => Kind::NotFoundError,
        429 => Kind::RateLimitError,
        500.. => Kind::InternalServerError,
        408 | 499 => Kind::APIStatusError,
        400.. => Kind::BadRequestError,
        _ => Kind::APIStatusError,
    };
    let mut message = match &code {
        Some(code) => message!("{status} {code}: {said}"),
        None => message!("{status}: {said}"),
    };
    let mut retryable = matches!(status, 408 | 429 | 500 | 502 | 503 | 504);
    let (mut quota, mut permanent) = (None, None);
    if kind == Kind::RateLimitError {
        let violations =
            || detail("QuotaFailure").into_iter().flat_map(|failure| list(failure, "violations"));
        let name = |row: &Value| text(row, "quota_id").or_else(|| text(row, "quota_metric"));
        let is_zero = |row: &&Value| get(row, "quota_value").is_some_and(|value| value == "0" || value == 0);
        let is_daily = |row: &&Value| name(row).is_some_and(|quota| quota.contains("PerDay"));
        // Of several quotas the one that lasts the longest counts.
        let (none, day) = (violations().find(is_zero), violations().find(is_daily));
        quota = none.or(day).or(violations().next()).and_then(name);
        let zero = none.is_some() || said.contains("limit: 0");
        let daily = day.is_some();
        if zero {
            message.push(
                " — this quota is zero: image models need a project with billing; waiting does not help",
            );
        } else if daily {
            message.push(" — the day's quota is used up; it is filled again at midnight Pacific time");
        }
        let capped = said.to_lowercase().contains("spend")
            || quota.as_ref().is_some_and(|quota| quota.contains("Spend"));
        if capped && !zero && !daily {
            message.push(" — the project's spending limit is reached; raise it, waiting does not help soon");
        }
        permanent = Some(zero || daily || capped);
        retryable = permanent == Some(false);
    }
    if let Some(advice) = advice.filter(|_| kind == Kind::NotFoundError) {
        message.push(message!(" — {}", advice));
    }
    if matches!(status, 403 | 404) && said.contains(" File ") {
        message.push(" — uploaded files live 48 hours, and only for the project that uploaded them");
    }
    if kind == Kind::AuthenticationError {
        let key = Each { snake: "`api_key`, or ", camel: "`apiKey`, or ", shell: "" };
        message.push(message!(" — check the API key: {}the variable GOOGLE_API_KEY or GEMINI_API_KEY", key));
    }
    if (300..400).contains(&status) {
        message.push(message!(
            " — redirects are not followed, since the key would go along; check {}",
            option("base_url")
        ));
    }
    let named_wait = detail("RetryInfo")
        .and_then(|info| text(info, "retry_delay"))
        .and_then(|delay| delay.strip_suffix('s')?.parse::<f64>().ok())
        .or_else(|| header("retry-after").and_then(|value| retry_after(&value, header("date").as_deref())))
        .or_else(|| said.split_once("retry in ").and_then(|(_, rest)| leading_seconds(rest)))
        .filter(|seconds| seconds.is_finite() && *seconds >= 0.0);
    let request_id = ["x-request-id", "x-goog-request-id"].iter().find_map(|name| header(name));
    let answer = Status { status: Some(status), code, details: details.clone(), request_id };
    let error = match kind {
        Kind::RateLimitError => Error::rate_limit(message, RateLimit { answer, quota, permanent }),
        Kind::AuthenticationError => Error::authentication(message, answer),
        Kind::PermissionDeniedError => Error::permission_denied(message, answer),
        Kind::NotFoundError => Error::not_found(message, answer),
        Kind::InternalServerError => Error::internal_server(message, answer),
        Kind::BadRequestError => Error::bad_request(message, answer),
        _ => Error::api_status(message, answer),
    };
    error.with_retry_after(named_wait).with_retryable(retryable).with_billed(Billed::No)
}

/// Why an attempt failed, in a few words. What the model or a proxy's page said stands in the error
/// alone: it may repeat the prompt, and this goes into logs.
pub(crate) fn reason(failure: &Error) -> Message {
    match (failure.code(), failure.status(), failure.detail()) {
        (Some(code), ..) => code.into(),
        (None, Some(status), _) => message!("HTTP status {status}"),
        (None, None, Detail::Blocked(blocked)) => {
            message!("blocked ({})", blocked.reason.as_deref().unwrap_or_default())
        }
        (None, None, Detail::NoImage(_)) => {
            message!("no picture came ({})", failure.finish_reason().unwrap_or_default())
        }
        (None, None, _) => failure.words().shortened(120),
    }
}

/// The `Retry-After` header: seconds, or a date.
pub(crate) fn retry_after(value: &str, date: Option<&str>) -> Option<f64> {
    let value = value.trim();
    value.parse().ok().or_else(|| {
        let at = httpdate::parse_http_date(value).ok()?;
        // By the clock that named it: that of this machine may be wrong.
        let now = date.and_then(|date| httpdate::parse_http_date(date.trim()).ok());
        let wait = at.duration_since(now.unwrap_or_else(SystemTime::now));
        Some(wait.unwrap_or(Duration::ZERO).as_secs_f64())
    })
}

/// "17.75s." → 17.75
fn leading_seconds(text: &str) -> Option<f64> {
    let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    unit.starts_with('s').then(|| number.parse().ok()).flatten()
}
