//! What the service answers: thoughts, words and pictures, each when it is made, with signatures and
//! counts. The events of a stream and the one reply hold the same.

use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use super::check::{Ask, Refusal};
use super::draw::{self, Order};
use super::drift;
use super::fields::Service;
use super::models;
use super::proto;
use super::sign;
use nanobanana_base::catalogue::Model;
use nanobanana_base::codec::{self, Format, Quality};
use nanobanana_base::image::Pixels;
use nanobanana_base::options::{Reading, Readings};

/// An answer that is still to be made.
pub(super) struct Answer {
    /// Who answers.
    pub service: Service,
    pub model: String,
    id: String,
    pub tier: String,
    pub signs: bool,
    pub nonce: u64,
    pub finish: String,
    pub usage: Usage,
    maker: Maker,
}

enum Maker {
    Artist { model: &'static Model, ask: Box<Ask>, seed: i64 },
    Script(Box<Given>),
}

/// What a scripted answer is made of.
#[derive(Debug, Clone, Default)]
pub(super) struct Given {
    pub thoughts: Vec<Thought>,
    pub text: Option<String>,
    pub pictures: Vec<Sketch>,
    pub text_after: Option<String>,
    pub finish: Option<String>,
    pub finish_message: Option<String>,
    /// Nothing is answered, for this reason.
    pub block: Option<String>,
    /// The answer is not whole: what to come back with, as [`token`] writes it.
    pub continuation: Option<String>,
    pub status: Option<Value>,
    pub ratings: Option<Value>,
    /// The metadata, or `true` for made-up ones.
    pub grounding: Option<Value>,
}

/// A token as the service's: in base64. Clients read it, and may write it otherwise when they send it back.
pub(super) fn token(text: &str) -> String {
    let plain = |text: &str| text.replace('-', "+").replace('_', "/").trim_end_matches('=').to_owned();
    // Clients are stricter than the service: what is base64 only to a lenient reader is none to them.
    match proto::base64(text) {
        Some(bytes) if plain(&STANDARD.encode(&bytes)) == plain(text) => text.to_owned(),
        _ => STANDARD.encode(text),
    }
}

/// A scripted picture: its format and its sides.
pub(super) type Sketch = (Format, u32, u32);

#[derive(Debug, Clone)]
pub(super) enum Thought {
    Text(String),
    Picture(Sketch),
}

/// One thing that was made.
pub(super) enum Made {
    Text { is_thought: bool, text: String },
    Picture { is_thought: bool, part: Value, content: u64 },
}

impl Made {
    pub fn is_thought(&self) -> bool {
        match self {
            Made::Text { is_thought, .. } | Made::Picture { is_thought, .. } => *is_thought,
        }
    }

    /// As a stream tells it: words come in two or three pieces, cut where it happens.
    pub fn pieces(self) -> Vec<Made> {
        let (is_thought, text) = match self {
            Made::Text { is_thought: false, text } => (false, text),
            other => return vec![other],
        };
        let letters: Vec<char> = text.chars().collect();
        let count = match letters.len() {
            0 | 1 => 1,
            2..12 => 2,
            _ => 3,
        };
        (letters.chunks(letters.len().div_ceil(count).max(1)))
            .map(|piece| Made::Text { is_thought, text: piece.iter().collect() })
            .collect()
    }
}

/// Why nothing more is made.
pub(super) enum Stop {
    /// Nobody listens.
    Gone,
    Failed(Refusal),
}

pub(super) type Give<'a> = &'a mut dyn FnMut(Made) -> Result<(), Stop>;

/// The tokens of an answer, as far as it has come.
#[derive(Clone)]
pub(super) struct Usage {
    pub sent: Vec<(&'static str, u64)>,
    /// All that the thoughts take, shown or not.
    pub thoughts: u64,
    /// What one picture takes.
    pub each: u64,
    tier: String,
    thought_letters: u64,
    pub letters: u64,
    pub pictures: u64,
    has_answer: bool,
    /// Whether the pictures of thoughts count, too.
    counts_interim: bool,
}

impl Usage {
    fn of(sent: &[(&'static str, u64)], thoughts: u64, each: u64, tier: &str) -> Self {
        Usage {
            sent: sent.to_vec(),
            thoughts,
            each,
            tier: tier.to_owned(),
            thought_letters: 0,
            letters: 0,
            pictures: 0,
            has_answer: false,
            counts_interim: false,
        }
    }

    pub fn count(&mut self, made: &Made) {
        match made {
            Made::Text { is_thought: true, text } => self.thought_letters += text.chars().count() as u64,
            Made::Picture { is_thought: true, .. } if !self.counts_interim => {}
            Made::Text { text, .. } => self.letters += text.chars().count() as u64,
            Made::Picture { .. } => self.pictures += 1,
        }
        self.has_answer |= !made.is_thought();
    }

    fn json(&self, service: Service) -> Value {
        let input: u64 = self.sent.iter().map(|(_, count)| count).sum();
        let detail = |(modality, count): &(&str, u64)| json!({"modality": modality, "tokenCount": count});
        let details: Vec<Value> = self.sent.iter().filter(|(_, count)| *count > 0).map(detail).collect();
        let image = self.pictures * self.each;
        let output = self.letters.div_ceil(4) + image;
        let so_far = self.thought_letters.div_ceil(4);
        let thoughts = if self.has_answer { self.thoughts } else { self.thoughts.min(so_far) };
        let mut usage = json!({
            "promptTokenCount": input,
            "candidatesTokenCount": output,
            "totalTokenCount": input + output + thoughts,
            "promptTokensDetails": details,
        });
        match service {
            Service::Gemini => set(&mut usage, "serviceTier", self.tier.as_str().into()),
            Service::Vertex => set(&mut usage, "trafficType", traffic(&self.tier).into()),
        }
        if image > 0 {
            set(&mut usage, "candidatesTokensDetails", json!([{"modality": "IMAGE", "tokenCount": image}]));
        }
        if thoughts > 0 {
            set(&mut usage, "thoughtsTokenCount", thoughts.into());
        }
        usage
    }
}

/// What Vertex AI says of the tier.
fn traffic(tier: &str) -> &'static str {
    match tier {
        "flex" => "ON_DEMAND_FLEX",
        "priority" => "ON_DEMAND_PRIORITY",
        _ => "ON_DEMAND",
    }
}

/// Signs as the service does: the first part that is no thought, and every final picture.
struct Signer {
    is_on: bool,
    nonce: u64,
    given: u64,
}

impl Signer {
    fn sign(&mut self, content: u64) -> String {
        self.given += 1;
        sign::sign(content, draw::hash(&self.given.to_le_bytes(), self.nonce))
    }

    fn part(&mut self, made: Made) -> Value {
        let signs = self.is_on && !made.is_thought();
        let is_first = self.given == 0;
        let (mut part, is_thought, signature) = match made {
            Made::Text { is_thought, text } => {
                let signature = (signs && is_first).then(|| self.sign(sign::of_text(&text)));
                (json!({ "text": text }), is_thought, signature)
            }
            Made::Picture { is_thought, part, content } => {
                (part, is_thought, signs.then(|| self.sign(content)))
            }
        };
        if is_thought {
            set(&mut part, "thought", true.into());
        }
        if let Some(signature) = signature {
            set(&mut part, "thoughtSignature", signature.into());
        }
        part
    }
}

impl Answer {
    /// Draws what was asked for.
    pub fn drawn(model: &'static Model, ask: Ask) -> Self {
        let seed = ask.seed.unwrap_or_else(|| i64::from(fastrand::i32(0..)));
        let nonce = draw::hash(ask.prompt.as_bytes(), ask.salt ^ seed.cast_unsigned());
        let thoughts = thought_tokens(model, ask.level.as_deref(), nonce);
        let sent = [
            ("TEXT", ask.text_tokens),
            ("IMAGE", ask.image_tokens),
            ("DOCUMENT", ask.document_tokens),
            ("VIDEO", ask.video_tokens),
        ];
        let most = &model.image_tokens_at_most;
        let each = (most.get(&ask.size).filter(|_| ask.readings.has(Reading::Tokens3780)))
            .or_else(|| model.image_tokens.get(&ask.size))
            // Of a size that one source alone has nobody tells the tokens.
            .or_else(|| model.image_tokens.get(&model.default_size));
        let each = each.copied().unwrap_or_default();
        let mut usage = Usage::of(&sent, thoughts, each, &ask.tier);
        usage.counts_interim = ask.readings.has(Reading::InterimCounts);
        let text = words(&ask).chars().count().div_ceil(4) as u64;
        let is_cut = ask.wants_image && ask.most_tokens.is_some_and(|most| most < text + each);
        Answer {
            service: ask.service,
            model: model.id.clone(),
            id: response_id(),
            tier: ask.tier.clone(),
            signs: model.signatures,
            nonce,
            finish: if is_cut { "MAX_TOKENS" } else { "STOP" }.to_owned(),
            usage,
            maker: Maker::Artist { model, ask: Box::new(ask), seed },
        }
    }

    /// A usual answer around given things, by whatever model is named.
    pub fn scripted(id: &str, given: Given) -> Self {
        let known = models::model(id);
        let each =
            known.and_then(|model| model.image_tokens.get(&model.default_size)).copied().unwrap_or(1120);
        let thoughts = (given.thoughts.iter())
            .map(|thought| match thought {
                Thought::Text(text) => text.chars().count() as u64,
                Thought::Picture(_) => 0,
            })
            .sum::<u64>();
        let usual = if given.continuation.is_some() { "CONTINUATION" } else { "STOP" };
        Answer {
            service: Service::Gemini,
            model: id.to_owned(),
            id: response_id(),
            tier: "standard".to_owned(),
            signs: known.is_none_or(|model| model.signatures),
            nonce: fastrand::u64(..),
            finish: given.finish.clone().unwrap_or_else(|| usual.to_owned()),
            usage: Usage::of(&[("TEXT", 8)], thoughts.div_ceil(4), each, "standard"),
            maker: Maker::Script(Box::new(given)),
        }
    }

    pub fn given(&self) -> Option<&Given> {
        match &self.maker {
            Maker::Script(given) => Some(given),
            Maker::Artist { .. } => None,
        }
    }

    pub fn make(&self, give: Give) -> Result<(), Stop> {
        match &self.maker {
            Maker::Artist { model, ask, seed } => paint(model, ask, *seed, self.finish == "STOP", give),
            Maker::Script(given) => recite(given, give),
        }
    }

    /// What is made, with what stands beside every answer.
    fn around(&self, candidate: Option<Map<String, Value>>, usage: &Usage) -> Value {
        let mut event = json!({
            "modelVersion": self.model, "responseId": self.id, "usageMetadata": usage.json(self.service),
        });
        if self.service == Service::Vertex {
            let now = humantime::format_rfc3339_micros(SystemTime::now()).to_string();
            set(&mut event, "createTime", now.into());
        }
        if let Some(mut candidate) = candidate {
            candidate.insert("index".to_owned(), 0.into());
            set(&mut event, "candidates", json!([candidate]));
        }
        if let Some(given) = self.given() {
            if let Some(status) = &given.status {
                set(&mut event, "modelStatus", status.clone());
            }
            if let Some(reason) = &given.block {
                let mut feedback = json!({ "blockReason": reason });
                if let Some(ratings) = &given.ratings {
                    set(&mut feedback, "safetyRatings", ratings.clone());
                }
                set(&mut event, "promptFeedback", feedback);
            }
        }
        event
    }

    fn is_blocked(&self) -> bool {
        self.given().is_some_and(|given| given.block.is_some())
    }

    /// The part of a stream's last event: no words, but perhaps a signature, which the next turn brings back like
    /// the others. Google's own libraries keep no turn that has an event without any part.
    fn trailer(&self, signer: &mut Signer, usage: &Usage) -> Option<Value> {
        (self.finish == "STOP" && usage.has_answer).then(|| match signer.is_on {
            true => json!({"text": "", "thoughtSignature": signer.sign(sign::of_text(""))}),
            false => json!({"text": ""}),
        })
    }

    pub fn grounding(&self) -> Option<Value> {
        match &self.maker {
            Maker::Artist { ask, .. } => (ask.web_search || ask.image_search).then(|| {
                grounding(&ask.prompt, (ask.web_search, ask.image_search), &words(ask), ask.readings)
            }),
            Maker::Script(given) => given.grounding.as_ref().map(|told| {
                let words = given.text.as_deref().unwrap_or_default();
                if told.is_object() {
                    told.clone()
                } else {
                    grounding("scripted", (true, true), words, Readings::default())
                }
            }),
        }
    }

    /// The reason of the end and what else is known only then.
    fn end(&self, candidate: &mut Map<String, Value>) {
        candidate.insert("finishReason".into(), self.finish.as_str().into());
        let Some(given) = self.given() else { return };
        let beside = [
            ("finishMessage", given.finish_message.clone().map(Value::from)),
            ("continuationToken", given.continuation.clone().map(Value::from)),
            ("safetyRatings", given.ratings.clone()),
        ];
        candidate.extend(beside.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    }

    fn signer(&self) -> Signer {
        Signer { is_on: self.signs, nonce: self.nonce, given: 0 }
    }

    /// As one reply.
    pub fn whole(self) -> Result<Value, Refusal> {
        let mut usage = self.usage.clone();
        if self.is_blocked() {
            return Ok(self.around(None, &usage));
        }
        let mut all: Vec<Made> = Vec::new();
        let made = self.make(&mut |made| {
            usage.count(&made);
            match (all.last_mut(), made) {
                (Some(Made::Text { is_thought, text }), Made::Text { is_thought: is_too, text: more })
                    if *is_thought == is_too =>
                {
                    text.push_str(&more)
                }
                (_, made) => all.push(made),
            }
            Ok(())
        });
        if let Err(Stop::Failed(refusal)) = made {
            return Err(refusal);
        }
        let mut signer = self.signer();
        let parts: Vec<Value> = all.into_iter().map(|made| signer.part(made)).collect();
        usage.has_answer = true;
        let mut candidate = Map::new();
        if !parts.is_empty() {
            candidate.insert("content".into(), json!({"parts": parts, "role": "model"}));
        }
        if let Some(grounding) = self.grounding() {
            candidate.insert("groundingMetadata".into(), grounding);
        }
        self.end(&mut candidate);
        Ok(self.around(Some(candidate), &usage))
    }

    /// As the events of a stream, each handed out when it is made, until `send` tells that nobody listens.
    pub fn stream(self, send: &mut dyn FnMut(&Value) -> bool) {
        let mut usage = self.usage.clone();
        if self.is_blocked() {
            send(&self.around(None, &usage));
            return;
        }
        let mut signer = self.signer();
        let content = |part: Value| -> Map<String, Value> {
            [("content".to_owned(), json!({"parts": [part], "role": "model"}))].into_iter().collect()
        };
        let made = self.make(&mut |made| {
            for piece in made.pieces() {
                usage.count(&piece);
                if !send(&self.around(Some(content(signer.part(piece))), &usage)) {
                    return Err(Stop::Gone);
                }
            }
            Ok(())
        });
        match made {
            Ok(()) => {}
            Err(Stop::Gone) => return,
            Err(Stop::Failed(refusal)) => {
                send(&refusal.json());
                return;
            }
        }
        let mut end = self.trailer(&mut signer, &usage).map(content).unwrap_or_default();
        usage.has_answer = true;
        end.extend(self.grounding().map(|found| ("groundingMetadata".to_owned(), found)));
        self.end(&mut end);
        // Whether anybody took the last event makes no difference.
        send(&self.around(Some(end), &usage));
    }
}

/// An id like the service's own.
fn response_id() -> String {
    URL_SAFE_NO_PAD.encode(std::array::from_fn::<u8, 16, _>(|_| fastrand::u8(..)))
}

fn format_of(model: &Model, readings: Readings) -> (Format, Quality) {
    let is_png = model.output_mime == "image/png" || readings.has(Reading::PngAnswers);
    (if is_png { Format::Png } else { Format::Jpeg }, Quality::Default)
}

fn picture(pixels: &Pixels, (format, quality): (Format, Quality), is_thought: bool) -> Result<Made, Stop> {
    let bytes = codec::encode(pixels, format, quality).map_err(|error| {
        Stop::Failed(Refusal::new(500, "INTERNAL", format!("The picture was not written: {error}")))
    })?;
    let content = sign::of_bytes(&bytes);
    let part = json!({"inlineData": {"mimeType": format.mime_type(), "data": STANDARD.encode(bytes)}});
    Ok(Made::Picture { is_thought, part, content })
}

pub(super) fn set(part: &mut Value, name: &str, value: Value) {
    if let Some(part) = part.as_object_mut() {
        part.insert(name.to_owned(), value);
    }
}

/// The words before the picture.
fn words(ask: &Ask) -> String {
    if let Some(formed) = &ask.formed {
        return formed.clone();
    }
    let prompt = shortened(&drift::without_mask(&ask.prompt));
    let with = match ask.attached.as_slice() {
        [] => String::new(),
        attached => format!(" With it came: {}.", attached.join(", ")),
    };
    match (ask.wants_text, ask.wants_image) {
        (true, true) => format!("Here is your picture, drawn offline: {prompt}{with}"),
        (true, false) => format!("This answer was written offline. You asked: {prompt}{with}"),
        (false, _) => String::new(),
    }
}

/// Thinks aloud if it may, and draws.
fn paint(model: &Model, ask: &Ask, seed: i64, is_whole: bool, give: Give) -> Result<(), Stop> {
    let draws = ask.wants_image && is_whole;
    let format = ask.output.unwrap_or_else(|| format_of(model, ask.readings));
    let mask =
        ask.pictures.split_last().filter(|(_, others)| !others.is_empty() && drift::is_masked(&ask.prompt));
    let (prompt, pictures) = match mask {
        Some((_, others)) => (drift::without_mask(&ask.prompt), others),
        None => (ask.prompt.clone(), ask.pictures.as_slice()),
    };
    let order = Order {
        width: ask.width,
        height: ask.height,
        prompt: &prompt,
        model: &model.id,
        size: &ask.size,
        seed,
        pictures,
        salt: ask.salt,
    };
    let whole = || {
        let scene = draw::draw(&order);
        match (mask, pictures) {
            (Some((mask, _)), [source, ..]) => {
                drift::edited(&scene, source, mask, ask.drift, ask.salt ^ seed.cast_unsigned())
            }
            _ => scene,
        }
    };
    let mut drawn = None;
    if ask.wants_thoughts {
        let with = match pictures.len() {
            0 => String::new(),
            count => format!(" with {count} given picture(s) in it"),
        };
        for text in [
            "**Planning the scene**\n\n".to_owned(),
            format!("I lay out a {}×{} picture{with}, ", ask.width, ask.height),
            "choose its light and place, ".to_owned(),
            "and write the prompt below.".to_owned(),
        ] {
            give(Made::Text { is_thought: true, text })?;
        }
        if draws {
            let (width, height) = (ask.width.div_ceil(8), ask.height.div_ceil(8));
            let draft = Order { width, height, seed: seed.wrapping_add(1), ..order };
            give(picture(&draw::draw(&draft), format, true)?)?;
            let pixels = whole();
            drawn = Some(picture(&pixels, format, false)?);
            // The last thought is the final picture, smaller.
            let small = draw::reduced(pixels, ask.width.max(ask.height) / 4);
            give(picture(&small, format, true)?)?;
        }
    }
    let text = words(ask);
    if !text.is_empty() {
        give(Made::Text { is_thought: false, text })?;
    }
    match drawn {
        Some(drawn) => give(drawn),
        None if draws => give(picture(&whole(), format, false)?),
        None => Ok(()),
    }
}

/// Tells what a script gives.
fn recite(given: &Given, give: Give) -> Result<(), Stop> {
    let sketch = |(format, width, height): &Sketch, is_thought| {
        picture(&sample(*width, *height), (*format, Quality::Default), is_thought)
    };
    for thought in &given.thoughts {
        give(match thought {
            Thought::Text(text) => Made::Text { is_thought: true, text: text.clone() },
            Thought::Picture(wanted) => sketch(wanted, true)?,
        })?;
    }
    let text = |text: &Option<String>| text.clone().map(|text| Made::Text { is_thought: false, text });
    text(&given.text).map_or(Ok(()), &mut *give)?;
    for wanted in &given.pictures {
        give(sketch(wanted, false)?)?;
    }
    text(&given.text_after).map_or(Ok(()), give)
}

/// A picture of this size for a script.
pub(super) fn sample(width: u32, height: u32) -> Pixels {
    let prompt = "a scripted picture";
    draw::draw(&Order { width, height, prompt, model: "script", size: "", seed: 0, pictures: &[], salt: 0 })
}

fn shortened(prompt: &str) -> String {
    match prompt.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", prompt.get(..end).unwrap_or(prompt)),
        None => prompt.to_owned(),
    }
}

/// About as many as live models are seen to spend; they cannot be switched off.
fn thought_tokens(model: &Model, level: Option<&str>, key: u64) -> u64 {
    if !model.thinking.thoughts {
        return 0;
    }
    key % 40
        + match level {
            Some("MINIMAL") => 60,
            Some("LOW") => 120,
            Some("HIGH") => 640,
            _ => 240,
        }
}

/// What a search found: made up, at addresses that are reserved for examples.
fn grounding(query: &str, (web, image): (bool, bool), words: &str, readings: Readings) -> Value {
    let query = shortened(query);
    let slug: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
    let mut found = Map::new();
    let mut chunks = Vec::new();
    if web {
        found.insert("webSearchQueries".into(), json!([query]));
        chunks.push(json!({"web": {
            "uri": format!("https://example.com/search?q={slug}"), "title": "example.com", "domain": "example.com",
        }}));
    }
    if image {
        found.insert("imageSearchQueries".into(), json!([query]));
        let source = if readings.has(Reading::ProseSources) { "uri" } else { "sourceUri" };
        chunks.push(json!({"image": {
            source: format!("https://example.org/page?q={slug}"),
            "imageUri": format!("https://example.org/picture.jpg?q={slug}"),
            "title": "example.org", "domain": "example.org",
        }}));
    }
    if !words.is_empty() {
        let indices: Vec<usize> = (0..chunks.len()).collect();
        found.insert(
            "groundingSupports".into(),
            json!([{
                "segment": {"startIndex": 0, "endIndex": words.len(), "text": words},
                "groundingChunkIndices": indices,
            }]),
        );
    }
    found.insert("groundingChunks".into(), chunks.into());
    let link = format!("<a href=\"https://example.com/search?q={slug}\">Search (offline)</a>");
    found.insert("searchEntryPoint".into(), json!({ "renderedContent": link }));
    Value::Object(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_base64_to_every_reader() {
        for (text, wanted) in [
            ("Z28tb24=", "Z28tb24="),
            ("Z28tb24", "Z28tb24"),
            ("_-8", "_-8"),
            ("more-1", "bW9yZS0x"),
            ("go on", "Z28gb24="),
        ] {
            assert_eq!(token(text), wanted, "{text}");
        }
    }
}
