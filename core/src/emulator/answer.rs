//! What the service answers: pictures with their parts, counts and signatures, and the list of models.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::check::{Ask, Refusal};
use super::draw::{self, Order};
use crate::catalogue::{Catalogue, Model, State};
use crate::codec::{self, Format};
use crate::image::Pixels;

/// The model that the service knows by this id. It knows no aliases.
pub(super) fn model(id: &str) -> Option<&'static Model> {
    Catalogue::builtin().models.iter().find(|model| model.id == id)
}

pub(super) fn no_such_model(id: &str, version: &str, verb: &str) -> Refusal {
    let id: String = id.chars().take(100).collect();
    let message = format!(
        "models/{id} is not found for API version {version}, or is not supported for {verb}. Call ModelService.ListModels to see the list of available models and their supported methods."
    );
    Refusal::new(404, "NOT_FOUND", message)
}

/// An answer in pieces, to be sent whole or as a stream.
pub(super) struct Answer {
    pub model: String,
    pub id: String,
    pub parts: Vec<Value>,
    pub finish: Option<String>,
    pub grounding: Option<Value>,
    pub usage: Value,
    pub tier: String,
}

impl Answer {
    fn event(&self, parts: Vec<Value>) -> Value {
        json!({
            "candidates": [{"content": {"parts": parts, "role": "model"}, "index": 0}],
            "modelVersion": self.model,
            "responseId": self.id,
        })
    }

    fn finish(&self, event: &mut Value) {
        let candidate = event.pointer_mut("/candidates/0").and_then(Value::as_object_mut);
        if let (Some(candidate), Some(finish)) = (candidate, &self.finish) {
            candidate.insert("finishReason".into(), finish.as_str().into());
            if let Some(grounding) = &self.grounding {
                candidate.insert("groundingMetadata".into(), grounding.clone());
            }
        }
        if let Some(event) = event.as_object_mut() {
            event.insert("usageMetadata".into(), self.usage.clone());
        }
    }

    /// As one reply.
    pub fn whole(mut self) -> Value {
        let parts = std::mem::take(&mut self.parts);
        let empty = parts.is_empty();
        let mut reply = self.event(parts);
        if empty && let Some(candidate) = reply.pointer_mut("/candidates/0").and_then(Value::as_object_mut) {
            candidate.remove("content");
        }
        self.finish(&mut reply);
        reply
    }

    /// As the events of a stream: one for each part, then one with the reason of its end and the counts.
    pub fn events(mut self) -> Vec<Value> {
        let parts = std::mem::take(&mut self.parts);
        let mut events: Vec<Value> = parts.into_iter().map(|part| self.event(vec![part])).collect();
        let mut last = self.event(vec![json!({"text": ""})]);
        self.finish(&mut last);
        events.push(last);
        events
    }
}

/// An id like the service's own.
fn response_id() -> String {
    let alphabet = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    alphabet.encode(std::array::from_fn::<u8, 16, _>(|_| fastrand::u8(..)))
}

/// Stands for the model's memory of how it came to a part. Opaque to clients.
fn signature(key: u64) -> String {
    let bytes: Vec<u8> =
        (0..9u64).flat_map(|step| draw::hash(&step.to_le_bytes(), key).to_le_bytes()).collect();
    STANDARD.encode(bytes)
}

fn format_of(model: &Model) -> Format {
    if model.output_mime == "image/png" { Format::Png } else { Format::Jpeg }
}

/// A picture as a part.
fn picture(pixels: &Pixels, format: Format) -> Result<Value, Refusal> {
    let bytes = codec::encode(pixels, format, None)
        .map_err(|error| Refusal::new(500, "INTERNAL", format!("The picture was not written: {error}")))?;
    Ok(json!({"inlineData": {"mimeType": format.mime_type(), "data": STANDARD.encode(bytes)}}))
}

fn set(part: &mut Value, name: &str, value: Value) {
    if let Some(part) = part.as_object_mut() {
        part.insert(name.to_owned(), value);
    }
}

/// Signs as the service does: the first part that is no thought, and every final picture.
fn sign(parts: &mut [Value], key: u64) {
    let finals = parts.iter_mut().filter(|part| part["thought"] != true);
    for (index, part) in finals.enumerate() {
        if index == 0 || !part["inlineData"].is_null() {
            set(part, "thoughtSignature", signature(key ^ index as u64).into());
        }
    }
}

/// Draws what was asked for.
pub(super) fn answer(model: &Model, ask: &Ask) -> Result<Answer, Refusal> {
    let seed = ask.seed.unwrap_or_else(|| i64::from(fastrand::i32(0..)));
    let order = Order {
        width: ask.width,
        height: ask.height,
        prompt: &ask.prompt,
        model: &model.id,
        size: &ask.size,
        seed,
        pictures: &ask.pictures,
        salt: ask.salt,
    };
    let key = draw::hash(ask.prompt.as_bytes(), ask.salt ^ seed.cast_unsigned());
    let mut parts = Vec::new();
    if ask.wants_thoughts {
        let count = ask.pictures.len();
        let with = if count == 0 { String::new() } else { format!(" with {count} given picture(s) in it") };
        parts.push(json!({"thought": true, "text": format!(
            "**Planning the scene**\n\nI lay out a {}×{} picture{with}, choose its light and place, and write the prompt below.",
            ask.width, ask.height
        )}));
        if ask.wants_image {
            let small = Order { width: ask.width.div_ceil(4), height: ask.height.div_ceil(4), ..order };
            let mut interim = picture(&draw::draw(&small), format_of(model))?;
            set(&mut interim, "thought", true.into());
            parts.push(interim);
        }
    }
    let words = match (ask.wants_text, ask.wants_image) {
        (true, true) => format!("Here is your picture, drawn offline: {}", shortened(&ask.prompt)),
        (true, false) => format!("This answer was written offline. You asked: {}", shortened(&ask.prompt)),
        (false, _) => String::new(),
    };
    if !words.is_empty() {
        parts.push(json!({ "text": words }));
    }
    let text_tokens = words.chars().count().div_ceil(4) as u64;
    let mut image_tokens = 0;
    let mut finish = "STOP";
    if ask.wants_image {
        let wanted = model.image_tokens.get(&ask.size).copied().unwrap_or_default();
        if ask.most_tokens.is_some_and(|most| most < text_tokens + wanted) {
            finish = "MAX_TOKENS";
        } else {
            image_tokens = wanted;
            parts.push(picture(&draw::draw(&order), format_of(model))?);
        }
    }
    if model.signatures {
        sign(&mut parts, key);
    }
    let thoughts = thought_tokens(model, ask.level.as_deref(), key);
    let sent = [("TEXT", ask.text_tokens), ("IMAGE", ask.image_tokens), ("DOCUMENT", ask.document_tokens)];
    Ok(Answer {
        model: model.id.clone(),
        id: response_id(),
        parts,
        finish: Some(finish.to_owned()),
        grounding: (ask.web_search || ask.image_search).then(|| grounding(ask, &words)),
        usage: usage(&sent, text_tokens, image_tokens, thoughts, &ask.tier),
        tier: ask.tier.clone(),
    })
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

fn usage(sent: &[(&str, u64)], text: u64, image: u64, thoughts: u64, tier: &str) -> Value {
    let input: u64 = sent.iter().map(|(_, count)| count).sum();
    let detail = |(modality, count): &(&str, u64)| json!({"modality": modality, "tokenCount": count});
    let details: Vec<Value> = sent.iter().filter(|(_, count)| *count > 0).map(detail).collect();
    let mut usage = json!({
        "promptTokenCount": input,
        "candidatesTokenCount": text + image,
        "totalTokenCount": input + text + image + thoughts,
        "promptTokensDetails": details,
        "serviceTier": tier,
    });
    if image > 0 {
        set(&mut usage, "candidatesTokensDetails", json!([{"modality": "IMAGE", "tokenCount": image}]));
    }
    if thoughts > 0 {
        set(&mut usage, "thoughtsTokenCount", thoughts.into());
    }
    usage
}

/// What a search found: made up, at addresses that are reserved for examples.
fn grounding(ask: &Ask, words: &str) -> Value {
    let query = shortened(&ask.prompt);
    let slug: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
    let mut found = Map::new();
    let mut chunks = Vec::new();
    if ask.web_search {
        found.insert("webSearchQueries".into(), json!([query]));
        chunks.push(json!({"web": {
            "uri": format!("https://example.com/search?q={slug}"), "title": "example.com", "domain": "example.com",
        }}));
    }
    if ask.image_search {
        found.insert("imageSearchQueries".into(), json!([query]));
        chunks.push(json!({"image": {
            "sourceUri": format!("https://example.org/page?q={slug}"),
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

/// What a scripted answer is made of.
pub(super) struct Given<'a> {
    pub pictures: &'a [(Format, u32, u32)],
    pub text: Option<&'a str>,
    pub finish: Option<&'a str>,
}

/// A usual answer around given pictures and words.
pub(super) fn around(id: &str, given: &Given) -> Result<Answer, Refusal> {
    let known = model(id);
    let mut parts: Vec<Value> = given.text.iter().map(|text| json!({ "text": text })).collect();
    for (format, width, height) in given.pictures {
        parts.push(picture(&sample(*width, *height), *format)?);
    }
    if known.is_none_or(|model| model.signatures) {
        let key = parts.len() as u64;
        sign(&mut parts, key);
    }
    let text = given.text.map_or(0, |text| text.chars().count().div_ceil(4) as u64);
    let each = known.and_then(|model| model.image_tokens.get(&model.default_size)).copied().unwrap_or(1120);
    Ok(Answer {
        model: id.to_owned(),
        id: response_id(),
        parts,
        finish: Some(given.finish.unwrap_or("STOP").to_owned()),
        grounding: None,
        usage: usage(&[("TEXT", 8)], text, each * given.pictures.len() as u64, 0, "standard"),
        tier: "standard".to_owned(),
    })
}

/// A picture of this size for a script.
pub(super) fn sample(width: u32, height: u32) -> Pixels {
    let prompt = "a scripted picture";
    draw::draw(&Order { width, height, prompt, model: "script", size: "", seed: 0, pictures: &[], salt: 0 })
}

fn described(model: &Model) -> Value {
    let mut out = json!({
        "name": format!("models/{}", model.id),
        "version": model.released.as_deref().unwrap_or("001"),
        "displayName": model.name,
        "description": model.notes.join(" "),
        "inputTokenLimit": model.max_input_tokens,
        "outputTokenLimit": model.max_output_tokens,
        "supportedGenerationMethods": ["generateContent", "streamGenerateContent"],
        "temperature": 1, "maxTemperature": 2, "topP": 0.95, "topK": 64,
    });
    if model.thinking.thoughts {
        set(&mut out, "thinking", true.into());
    }
    if model.state == State::Deprecated {
        set(&mut out, "modelStatus", json!({ "modelStage": "DEPRECATED" }));
    }
    out
}

/// One model, as `GET models/{id}` gives it.
pub(super) fn get(id: &str, version: &str) -> Result<Value, Refusal> {
    model(id).map(described).ok_or_else(|| no_such_model(id, version, "GetModel"))
}

/// One page of the models.
pub(super) fn list(page_size: Option<&str>, page_token: Option<&str>) -> Result<Value, Refusal> {
    let bad = |message: String| Refusal::new(400, "INVALID_ARGUMENT", message);
    let size = match page_size.map(str::parse::<i64>) {
        None | Some(Ok(0)) => 50,
        Some(Ok(size)) if size > 0 => size.min(1000) as usize,
        Some(_) => {
            return Err(bad("Invalid value at 'page_size' (TYPE_INT32): a number from 1 to 1000".into()));
        }
    };
    let all = &Catalogue::builtin().models;
    let start = match page_token.filter(|token| !token.is_empty()) {
        None => 0,
        Some(token) => (token.strip_prefix("after-"))
            .and_then(|id| all.iter().position(|model| model.id == id))
            .map(|index| index + 1)
            .ok_or_else(|| bad("Invalid page token.".into()))?,
    };
    let page: Vec<&Model> = all.iter().skip(start).take(size).collect();
    let mut out = json!({ "models": page.iter().map(|model| described(model)).collect::<Vec<_>>() });
    if start + page.len() < all.len()
        && let Some(last) = page.last()
    {
        set(&mut out, "nextPageToken", format!("after-{}", last.id).into());
    }
    Ok(out)
}
