//! Reads answers: which side of a conflict they support, and why.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::Answer;
use nanobanana::image::Image;

/// The side of a conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// The reading that the emulator follows by default.
    Usual,
    /// The other one, which the option `readings` names.
    Other,
    Undecided,
    NotAsked,
}

impl Side {
    pub fn as_str(self) -> &'static str {
        match self {
            Side::Usual => "usual",
            Side::Other => "other",
            Side::Undecided => "undecided",
            Side::NotAsked => "not asked",
        }
    }
}

/// A side, and what in the answer speaks for it.
pub(crate) struct Verdict {
    pub side: Side,
    pub why: String,
}

impl Verdict {
    pub fn undecided(why: impl Into<String>) -> Self {
        Verdict { side: Side::Undecided, why: why.into() }
    }

    fn usual(why: impl Into<String>) -> Self {
        Verdict { side: Side::Usual, why: why.into() }
    }

    fn other(why: impl Into<String>) -> Self {
        Verdict { side: Side::Other, why: why.into() }
    }
}

/// Reads the answers to the questions of a probe, in their order.
pub(crate) type Judge = fn(&[&Answer]) -> Verdict;

/// Whether the service took a request: a refusal counts only if it names the field in question. `names` are written
/// without spaces and underscores.
fn is_accepted(answer: &Answer, names: &[&str]) -> Result<bool, String> {
    match answer.status {
        Some(200..300) => Ok(true),
        Some(400) => {
            let message = answer.message.to_lowercase().replace([' ', '_'], "");
            match names.iter().any(|name| message.contains(name)) {
                true => Ok(false),
                false => Err("the refusal does not name the field in question".to_owned()),
            }
        }
        _ => Err(nothing_said(answer)),
    }
}

/// The reason why an answer decides nothing.
fn nothing_said(answer: &Answer) -> String {
    match answer.status {
        None => "no answer came".to_owned(),
        Some(404) => "the service does not have the model or the method".to_owned(),
        Some(401 | 403) => "the key may not ask this".to_owned(),
        Some(429) => "the rate or a quota of this key is used up".to_owned(),
        Some(500..) => "the service failed".to_owned(),
        Some(status) => format!("an answer with the status {status} does not decide it"),
    }
}

/// All answers must agree.
fn by_acceptance(answers: &[&Answer], names: &[&str], taken: Side) -> Verdict {
    let refused = if taken == Side::Usual { Side::Other } else { Side::Usual };
    let mut side = None;
    for answer in answers {
        let found = match is_accepted(answer, names) {
            Ok(true) => taken,
            Ok(false) => refused,
            Err(why) => return Verdict::undecided(why),
        };
        if side.is_some_and(|side| side != found) {
            return Verdict::undecided("one of the requests was taken, another one refused");
        }
        side = Some(found);
    }
    match side {
        Some(side) if side == taken => Verdict { side, why: "the request was taken".to_owned() },
        Some(side) => Verdict { side, why: "the request was refused, in words about this field".to_owned() },
        None => Verdict::undecided("nothing was asked"),
    }
}

pub(super) fn accepted_is_usual(answers: &[&Answer], names: &[&str]) -> Verdict {
    by_acceptance(answers, names, Side::Usual)
}

pub(super) fn accepted_is_other(answers: &[&Answer], names: &[&str]) -> Verdict {
    by_acceptance(answers, names, Side::Other)
}

/// By the status alone. A 403 must have `word` in its message: keys are refused so, too.
pub(super) fn by_status(answers: &[&Answer], usual: u16, other: u16, word: &str) -> Verdict {
    let Some(answer) = answers.first() else { return Verdict::undecided("nothing was asked") };
    let says =
        |status: u16| answer.status == Some(status) && (status != 403 || answer.message.contains(word));
    match () {
        () if says(usual) => Verdict::usual(format!("the status is {usual}")),
        () if says(other) => Verdict::other(format!("the status is {other}")),
        () => Verdict::undecided(nothing_said(answer)),
    }
}

/// The JSON of the first answer, if it is a success.
fn success<'a>(answers: &[&'a Answer]) -> Result<&'a Value, Verdict> {
    match answers.first() {
        Some(answer) if answer.is_success() => Ok(&answer.json),
        Some(answer) => Err(Verdict::undecided(nothing_said(answer))),
        None => Err(Verdict::undecided("nothing was asked")),
    }
}

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// A picture in an answer.
struct Picture<'a> {
    is_draft: bool,
    mime_type: &'a str,
    data: &'a str,
}

fn pictures(json: &Value) -> Vec<Picture<'_>> {
    let parts = list(json, "candidates").filter_map(|candidate| candidate.get("content"));
    parts
        .flat_map(|content| list(content, "parts"))
        .filter_map(|part| {
            let data = part.get("inlineData")?;
            Some(Picture {
                is_draft: part.get("thought").and_then(Value::as_bool).unwrap_or(false),
                mime_type: data.get("mimeType").and_then(Value::as_str).unwrap_or_default(),
                data: data.get("data").and_then(Value::as_str)?,
            })
        })
        .collect()
}

/// The tokens of pictures drawn, as the answer counts them.
fn tokens(json: &Value) -> Option<u64> {
    let rows: Vec<u64> = list(json.get("usageMetadata")?, "candidatesTokensDetails")
        .filter(|row| row.get("modality").is_some_and(|modality| modality == "IMAGE"))
        .filter_map(|row| row.get("tokenCount")?.as_u64())
        .collect();
    (!rows.is_empty()).then(|| rows.into_iter().fold(0, u64::saturating_add))
}

const NO_PICTURE: &str = "the answer has no picture";

pub(super) fn file_type(answers: &[&Answer]) -> Verdict {
    let json = match success(answers) {
        Ok(json) => json,
        Err(verdict) => return verdict,
    };
    let all = pictures(json);
    match all.iter().find(|picture| !picture.is_draft).map(|picture| picture.mime_type) {
        Some("image/jpeg") => Verdict::usual("the picture is image/jpeg"),
        Some("image/png") => Verdict::other("the picture is image/png"),
        Some(_) => Verdict::undecided("the picture is neither image/jpeg nor image/png"),
        None => Verdict::undecided(NO_PICTURE),
    }
}

pub(super) fn tokens_of_4k(answers: &[&Answer]) -> Verdict {
    match success(answers).map(tokens) {
        Err(verdict) => verdict,
        Ok(Some(2520)) => Verdict::usual("the picture counts 2520 tokens"),
        Ok(Some(3780)) => Verdict::other("the picture counts 3780 tokens"),
        Ok(Some(count)) => Verdict::undecided(format!("the picture counts {count}, neither 2520 nor 3780")),
        Ok(None) => Verdict::undecided("the answer counts no picture"),
    }
}

pub(super) fn pixels_of_21_by_9(answers: &[&Answer]) -> Verdict {
    let json = match success(answers) {
        Ok(json) => json,
        Err(verdict) => return verdict,
    };
    let all = pictures(json);
    let Some(last) = all.iter().find(|picture| !picture.is_draft) else {
        return Verdict::undecided(NO_PICTURE);
    };
    let read = STANDARD.decode(last.data).ok().and_then(|bytes| Image::from_bytes(bytes).ok());
    let Some(image) = read else { return Verdict::undecided("the picture cannot be read") };
    match (image.width(), image.height()) {
        (792, 336) => Verdict::usual("the picture has 792×336 pixels"),
        (792, 168) => Verdict::other("the picture has 792×168 pixels"),
        (width, height) => Verdict::undecided(format!("the picture has {width}×{height} pixels")),
    }
}

/// The tokens of a picture of 512 of gemini-3.1-flash-image.
const EACH: u64 = 747;

pub(super) fn drafts(answers: &[&Answer]) -> Verdict {
    let json = match success(answers) {
        Ok(json) => json,
        Err(verdict) => return verdict,
    };
    let all = pictures(json);
    let drafts = all.iter().filter(|picture| picture.is_draft).count() as u64;
    let (drawn, Some(count)) = (all.len() as u64 - drafts, tokens(json)) else {
        return Verdict::undecided("the answer counts no picture");
    };
    if drafts == 0 || drawn == 0 {
        return Verdict::undecided("the answer has no interim picture");
    }
    let said = format!("tokens of pictures: {count}; final ones: {drawn}, interim ones: {drafts}");
    match count {
        _ if count == EACH * drawn => Verdict::usual(said),
        _ if count == EACH * (drawn + drafts) => Verdict::other(said),
        _ => Verdict::undecided(said),
    }
}

pub(super) fn found_pictures(answers: &[&Answer]) -> Verdict {
    let json = match success(answers) {
        Ok(json) => json,
        Err(verdict) => return verdict,
    };
    let chunks = list(json, "candidates")
        .filter_map(|candidate| candidate.get("groundingMetadata"))
        .flat_map(|metadata| list(metadata, "groundingChunks"));
    let found: Vec<&Value> = chunks.filter_map(|chunk| chunk.get("image")).collect();
    let has = |name: &str| found.iter().any(|image| image.get(name).is_some());
    match (has("sourceUri"), has("uri")) {
        (true, false) => Verdict::usual("a found picture has `sourceUri`"),
        (false, true) => Verdict::other("a found picture has `uri`"),
        (true, true) => Verdict::undecided("found pictures have both `sourceUri` and `uri`"),
        (false, false) => Verdict::undecided("the answer has no found picture"),
    }
}

pub(super) fn form_of_errors(answers: &[&Answer]) -> Verdict {
    match answers.first().map(|answer| (answer.status, &answer.json)) {
        Some((Some(400), Value::Object(_))) => Verdict::usual("the error is one object"),
        Some((Some(400), Value::Array(_))) => Verdict::other("the error is a list"),
        _ => Verdict::undecided(answers.first().map_or_else(String::new, |answer| nothing_said(answer))),
    }
}

pub(super) fn search_was_run(answers: &[&Answer]) -> Verdict {
    let json = match success(answers) {
        Ok(json) => json,
        Err(verdict) => return verdict,
    };
    match json.get("status").and_then(Value::as_str) {
        Some("completed") => Verdict::usual("the interaction is `completed`"),
        Some("requires_action") => Verdict::other("the interaction is in `requires_action`"),
        _ => Verdict::undecided("the interaction is neither `completed` nor in `requires_action`"),
    }
}

pub(super) fn size_of_batches(answers: &[&Answer]) -> Verdict {
    let Some(answer) = answers.first() else { return Verdict::undecided("nothing was asked") };
    let message = answer.message.to_lowercase();
    let is_size = message.contains("payload size") || message.contains("too large");
    match answer.status {
        Some(400 | 413) if is_size || answer.status == Some(413) => {
            Verdict::usual("a request of more than 20 MiB is refused for its size")
        }
        // What is wrong with its contents was found behind the check of its size.
        Some(400) if message.contains("request") => {
            Verdict::other("a request of more than 20 MiB is read, and refused for what it lacks")
        }
        _ => Verdict::undecided(nothing_said(answer)),
    }
}
