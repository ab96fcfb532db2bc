//! The request's grammar: every field that the service reads, and of which type.
//!
//! Names are read in camelCase and in snake_case, like the service's own JSON reader does, and come
//! out in camelCase; how a value of each type may be written stands in `proto`. All that is wrong is told at once, in
//! the service's words. The Gemini API and Vertex AI have most fields in common; what only one of them has is unknown
//! to the other.

use serde_json::{Map, Value, json};

use super::proto;
use super::rules::Rules;
use nanobanana_base::options::Reading;

/// Which of the two services is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    Gemini,
    Vertex,
}

impl Service {
    /// Where its types are declared.
    fn package(self) -> &'static str {
        match self {
            Service::Gemini => "google.ai.generativelanguage.v1beta",
            Service::Vertex => "google.cloud.aiplatform.v1beta1",
        }
    }
}

/// What may stand in a place.
pub(super) enum Shape {
    Text,
    Flag,
    Whole,
    /// A whole number of 64 bits, as a number or as a text.
    Long,
    Number,
    /// A time as the service writes it: "3.5s".
    Span,
    /// Base64, of either alphabet, padded or not.
    Bytes,
    /// One of these words; the first text is the type's name in messages.
    Word(&'static str, &'static [&'static str]),
    /// Any JSON: what the emulator does not look into.
    Free,
    /// Texts by names of the caller's own.
    Texts,
    Message(&'static [(&'static str, Shape)]),
    List(&'static Shape),
    /// One of these messages, by the word in its field `type`; the first text is their name in messages.
    Kinds(&'static str, &'static [(&'static str, Shape)]),
    /// A field that only this service knows, or for a word a value.
    Of(Service, &'static Shape),
}

use Service::{Gemini, Vertex};
use Shape::{Bytes, Flag, Free, Kinds, List, Long, Message, Number, Of, Span, Text, Texts, Whole, Word};

const EMPTY: Shape = Message(&[]);

pub(super) static REQUEST: Shape = GENERATE;

const GENERATE: Shape = Message(&[
    ("model", Text),
    ("contents", List(&CONTENT)),
    ("systemInstruction", CONTENT),
    ("generationConfig", CONFIG),
    ("safetySettings", List(&SAFETY)),
    ("tools", List(&TOOL)),
    ("toolConfig", Free),
    ("cachedContent", Text),
    ("labels", Texts),
    ("serviceTier", Word("ServiceTier", &["standard", "flex", "priority"])),
    ("store", Of(Gemini, &Flag)),
    ("continuationToken", Of(Gemini, &Text)),
    (
        "modelArmorConfig",
        Of(Vertex, &Message(&[("promptTemplateName", Text), ("responseTemplateName", Text)])),
    ),
    ("outputConfig", Of(Vertex, &Free)),
]);

/// What Vertex AI reads of a request whose tokens are to be counted.
pub(super) static COUNT: Shape = Message(&[
    ("model", Text),
    ("contents", List(&CONTENT)),
    ("systemInstruction", CONTENT),
    ("generationConfig", CONFIG),
    ("tools", List(&TOOL)),
    ("instances", Free),
]);

/// What is told of a file before its bytes come.
pub(super) static FILE: Shape = Message(&[(
    "file",
    Message(&[("name", Text), ("displayName", Text), ("mimeType", Text), ("sizeBytes", Long)]),
)]);

/// What a batch is made from.
pub(super) static BATCH: Shape = Message(&[(
    "batch",
    Message(&[
        ("name", Text),
        ("model", Text),
        ("displayName", Text),
        ("priority", Long),
        ("webhookConfig", Free),
        (
            "inputConfig",
            Message(&[
                ("fileName", Text),
                (
                    "requests",
                    Message(&[("requests", List(&Message(&[("request", GENERATE), ("metadata", Free)])))]),
                ),
            ]),
        ),
    ]),
)]);

const CONTENT: Shape = Message(&[("role", Text), ("parts", List(&PART))]);

const PART: Shape = Message(&[
    ("text", Text),
    ("inlineData", Message(&[("mimeType", Text), ("data", Bytes), ("displayName", Of(Vertex, &Text))])),
    ("fileData", Message(&[("mimeType", Text), ("fileUri", Text), ("displayName", Of(Vertex, &Text))])),
    ("thought", Flag),
    ("thoughtSignature", Bytes),
    ("mediaResolution", Message(&[("level", RESOLUTION)])),
    ("videoMetadata", Message(&[("startOffset", Span), ("endOffset", Span), ("fps", Number)])),
    ("partMetadata", Of(Gemini, &Free)),
    ("functionCall", Free),
    ("functionResponse", Free),
    ("executableCode", Free),
    ("codeExecutionResult", Free),
    ("toolCall", Of(Gemini, &Free)),
    ("toolResponse", Of(Gemini, &Free)),
]);

const RESOLUTION: Shape = Word(
    "MediaResolution",
    &[
        "MEDIA_RESOLUTION_UNSPECIFIED",
        "MEDIA_RESOLUTION_LOW",
        "MEDIA_RESOLUTION_MEDIUM",
        "MEDIA_RESOLUTION_HIGH",
        "MEDIA_RESOLUTION_ULTRA_HIGH",
    ],
);

const CONFIG: Shape = Message(&[
    ("temperature", Number),
    ("topP", Number),
    ("topK", Number),
    ("candidateCount", Whole),
    ("maxOutputTokens", Whole),
    ("stopSequences", List(&Text)),
    ("seed", Whole),
    ("presencePenalty", Number),
    ("frequencyPenalty", Number),
    ("responseLogprobs", Flag),
    ("logprobs", Whole),
    ("responseMimeType", Text),
    ("responseSchema", Free),
    ("responseJsonSchema", Free),
    ("responseModalities", List(&MODALITY)),
    ("mediaResolution", RESOLUTION),
    (
        "thinkingConfig",
        Message(&[("thinkingLevel", LEVEL), ("thinkingBudget", Whole), ("includeThoughts", Flag)]),
    ),
    ("imageConfig", IMAGE),
    ("responseFormat", Message(&[("image", FORMAT)])),
    ("speechConfig", Free),
    ("routingConfig", Of(Vertex, &Free)),
    ("modelConfig", Of(Vertex, &Free)),
    ("audioTimestamp", Of(Vertex, &Flag)),
]);

const IMAGE: Shape = Message(&[
    ("aspectRatio", Text),
    ("imageSize", Text),
    (
        "personGeneration",
        Of(
            Vertex,
            &Word(
                "PersonGeneration",
                &["PERSON_GENERATION_UNSPECIFIED", "ALLOW_ALL", "ALLOW_ADULT", "ALLOW_NONE"],
            ),
        ),
    ),
    (
        "prominentPeople",
        Of(
            Vertex,
            &Word(
                "ProminentPeople",
                &["PROMINENT_PEOPLE_UNSPECIFIED", "ALLOW_PROMINENT_PEOPLE", "BLOCK_PROMINENT_PEOPLE"],
            ),
        ),
    ),
    ("imageOutputOptions", Of(Vertex, &Message(&[("mimeType", Text), ("compressionQuality", Whole)]))),
]);

const MODALITY: Shape = Word("Modality", &["MODALITY_UNSPECIFIED", "TEXT", "IMAGE", "AUDIO"]);

const LEVEL: Shape =
    Word("ThinkingLevel", &["THINKING_LEVEL_UNSPECIFIED", "MINIMAL", "LOW", "MEDIUM", "HIGH", "XHIGH"]);

/// The newer form of `imageConfig`: words where that has plain texts.
const FORMAT: Shape = Message(&[
    ("aspectRatio", Text),
    (
        "imageSize",
        Word(
            "ImageSize",
            &["IMAGE_SIZE_FIVE_TWELVE", "IMAGE_SIZE_ONE_K", "IMAGE_SIZE_TWO_K", "IMAGE_SIZE_FOUR_K"],
        ),
    ),
    ("mimeType", Word("MimeType", &["IMAGE_JPEG"])),
    ("delivery", Word("Delivery", &["INLINE"])),
]);

const SAFETY: Shape = Message(&[
    (
        "category",
        Word(
            "HarmCategory",
            &[
                "HARM_CATEGORY_HARASSMENT",
                "HARM_CATEGORY_HATE_SPEECH",
                "HARM_CATEGORY_SEXUALLY_EXPLICIT",
                "HARM_CATEGORY_DANGEROUS_CONTENT",
                "HARM_CATEGORY_CIVIC_INTEGRITY",
                "HARM_CATEGORY_JAILBREAK",
                "HARM_CATEGORY_IMAGE_HATE",
                "HARM_CATEGORY_IMAGE_DANGEROUS_CONTENT",
                "HARM_CATEGORY_IMAGE_HARASSMENT",
                "HARM_CATEGORY_IMAGE_SEXUALLY_EXPLICIT",
            ],
        ),
    ),
    (
        "method",
        Of(Vertex, &Word("HarmBlockMethod", &["HARM_BLOCK_METHOD_UNSPECIFIED", "SEVERITY", "PROBABILITY"])),
    ),
    (
        "threshold",
        Word(
            "HarmBlockThreshold",
            &[
                "HARM_BLOCK_THRESHOLD_UNSPECIFIED",
                "BLOCK_LOW_AND_ABOVE",
                "BLOCK_MEDIUM_AND_ABOVE",
                "BLOCK_ONLY_HIGH",
                "BLOCK_NONE",
                "OFF",
            ],
        ),
    ),
]);

const TOOL: Shape = Message(&[
    (
        "googleSearch",
        Message(&[
            ("searchTypes", Message(&[("webSearch", EMPTY), ("imageSearch", EMPTY)])),
            ("timeRangeFilter", Message(&[("startTime", Text), ("endTime", Text)])),
            ("excludeDomains", Of(Vertex, &List(&Text))),
            ("blockingConfidence", Of(Vertex, &Text)),
        ]),
    ),
    ("functionDeclarations", Free),
    ("codeExecution", Free),
    ("urlContext", Free),
    ("googleMaps", Free),
    ("fileSearch", Of(Gemini, &Free)),
    ("computerUse", Free),
    ("googleSearchRetrieval", Free),
    ("enterpriseWebSearch", Of(Vertex, &Free)),
    ("retrieval", Of(Vertex, &Free)),
    ("exaAiSearch", Of(Vertex, &Free)),
    ("parallelAiSearch", Of(Vertex, &Free)),
]);

/// What is wrong with one field, in the service's words.
pub(super) struct Fault {
    pub field: String,
    pub description: String,
}

/// The value with every name in camelCase and nothing unset in it, or all that is wrong with it.
pub(super) fn read(value: Value, shape: &Shape, rules: Rules) -> Result<Value, Vec<Fault>> {
    let mut reader = Reader { rules, faults: Vec::new() };
    let value = reader.read(value, shape, "");
    if reader.faults.is_empty() { Ok(value) } else { Err(reader.faults) }
}

/// Every place of a grammar, and what stands there: `{"field", "takes", "words", "on"}`, the last one for what only one
/// of the services knows.
///
/// A list's items stand at `[]`, those that are told apart by their `type` at `[type]`.
pub(super) fn places(shape: &Shape) -> Vec<Value> {
    let mut places = Vec::new();
    collect(shape, String::new(), None, &mut places);
    places
}

fn collect(shape: &Shape, path: String, only: Option<Service>, places: &mut Vec<Value>) {
    let (takes, words): (&str, &[&str]) = match shape {
        Of(service, shape) => return collect(shape, path, Some(*service), places),
        List(shape) => return collect(shape, format!("{path}[]"), only, places),
        Message(fields) if !fields.is_empty() => {
            let dot = if path.is_empty() { "" } else { "." };
            for (name, shape) in *fields {
                collect(shape, format!("{path}{dot}{name}"), only, places);
            }
            return;
        }
        Kinds(_, kinds) => {
            let list = path.strip_suffix("[]").unwrap_or(&path);
            for (kind, shape) in *kinds {
                collect(shape, format!("{list}[{kind}]"), only, places);
            }
            return;
        }
        Word(_, words) => ("word", words),
        Text => ("text", &[]),
        Flag => ("true or false", &[]),
        Whole => ("whole number", &[]),
        Long => ("whole number of 64 bits", &[]),
        Number => ("number", &[]),
        Span => ("time", &[]),
        Bytes => ("base64", &[]),
        Free => ("anything", &[]),
        Texts => ("map of texts", &[]),
        Message(_) => ("empty message", &[]),
    };
    let on = only.map(|service| if service == Gemini { "gemini" } else { "vertex" });
    places.push(json!({ "field": path, "takes": takes, "words": words, "on": on }));
}

struct Reader<'a> {
    rules: Rules<'a>,
    faults: Vec<Fault>,
}

impl Reader<'_> {
    fn wrong(&mut self, path: &str, kind: &str, value: &Value) -> Value {
        let mut shown = value.to_string();
        if shown.len() > 80 {
            shown = format!("{}…", shown.chars().take(60).collect::<String>());
        }
        let description = format!("Invalid value at '{path}' ({kind}), {shown}");
        self.faults.push(Fault { field: path.to_owned(), description });
        Value::Null
    }

    fn read(&mut self, value: Value, shape: &Shape, path: &str) -> Value {
        match (shape, value) {
            (Free, value) => value,
            (Text, Value::String(text)) => Value::String(text),
            (Text, value) => self.wrong(path, "TYPE_STRING", &value),
            (Span, Value::String(text)) if proto::seconds(&text).is_some() => Value::String(text),
            (Span, value) => self.wrong(path, "type.googleapis.com/google.protobuf.Duration", &value),
            (Flag, value) => match proto::flag(&value) {
                Some(flag) => Value::Bool(flag),
                None => self.wrong(path, "TYPE_BOOL", &value),
            },
            (Number, value) => match proto::number(&value) {
                Some(number) => Value::Number(number),
                None => self.wrong(path, "TYPE_FLOAT", &value),
            },
            (Whole, value) => match proto::whole(&value).filter(|number| i32::try_from(*number).is_ok()) {
                Some(number) => number.into(),
                None => self.wrong(path, "TYPE_INT32", &value),
            },
            (Long, value) => match proto::whole(&value) {
                Some(number) => number.to_string().into(),
                None => self.wrong(path, "TYPE_INT64", &value),
            },
            (Bytes, Value::String(text)) => {
                // Long ones are decoded once, where they are used; the text itself goes on.
                if text.len() < 4096 && proto::base64(&text).is_none() {
                    let text = Value::String(text);
                    return self.wrong(path, "TYPE_BYTES: Base64 decoding failed", &text);
                }
                Value::String(text)
            }
            (Bytes, value) => self.wrong(path, "TYPE_BYTES", &value),
            (Word(name, words), value) => {
                if let Some(word) = value.as_str().filter(|word| self.is_plain(name, word)) {
                    return word.into();
                }
                let is_exact = |word: &&str| value.as_str() == Some(*word);
                let is_lenient = *name != "ThinkingLevel" || !self.rules.has(Reading::LevelInCapitals);
                let word = proto::word(self.rules.service, name, words, &value);
                match word.filter(|word| self.has(name, word) && (is_lenient || is_exact(word))) {
                    Some(word) => word.into(),
                    None => {
                        let kind = format!("type.googleapis.com/{}.{name}", self.rules.service.package());
                        self.wrong(path, &kind, &value)
                    }
                }
            }
            (Texts, Value::Object(map)) if map.values().all(Value::is_string) => Value::Object(map),
            (Texts, value) => self.wrong(path, "TYPE_STRING", &value),
            (List(shape), Value::Array(list)) => (list.into_iter().enumerate())
                .map(|(index, value)| self.read(value, shape, &format!("{path}[{index}]")))
                .collect(),
            // One value where a list stands is read as a list of it, as the service does.
            (List(shape), value) => vec![self.read(value, shape, &format!("{path}[0]"))].into(),
            (Message(fields), Value::Object(map)) => self.message(map, fields, path),
            (Message(_), value) => self.wrong(path, "TYPE_MESSAGE", &value),
            (Kinds(name, kinds), value) => {
                let kind = value.get("type").and_then(Value::as_str).unwrap_or_default();
                match kinds.iter().find(|(known, _)| *known == kind) {
                    Some((_, shape)) => self.read(value, shape, path),
                    None => {
                        let words: Vec<&str> = kinds.iter().map(|(known, _)| *known).collect();
                        let shown = value.get("type").unwrap_or(&Value::Null).clone();
                        let wants = format!("{name}: one of {}", words.join(", "));
                        self.wrong(&format!("{path}.type"), &wants, &shown)
                    }
                }
            }
            (Of(_, shape), value) => self.read(value, shape, path),
        }
    }

    /// Categories of harm in pictures are for Vertex AI alone.
    fn has(&self, name: &str, word: &str) -> bool {
        name != "HarmCategory" || self.rules.service == Vertex || !word.starts_with("HARM_CATEGORY_IMAGE_")
    }

    /// What the guide writes in place of the words of `responseFormat`.
    fn is_plain(&self, name: &str, word: &str) -> bool {
        let is_plain = match name {
            "ImageSize" => !word.contains('_'),
            "MimeType" => word.contains('/'),
            _ => false,
        };
        is_plain && self.rules.has(Reading::PlainFormat)
    }

    fn message(&mut self, map: Map<String, Value>, fields: &[(&str, Shape)], path: &str) -> Value {
        let mut out = Map::new();
        for (key, value) in map {
            let known = fields.iter().find(|(name, shape)| {
                let is_here = !matches!(shape, Of(service, _) if *service != self.rules.service);
                is_here && !self.rules.hides(path, name) && (*name == key || snake(name) == key)
            });
            let Some((name, shape)) = known else {
                let place = if path.is_empty() { String::new() } else { format!(" at '{path}'") };
                let description = format!(
                    "Invalid JSON payload received. Unknown name \"{key}\"{place}: Cannot find field."
                );
                self.faults.push(Fault { field: path.to_owned(), description });
                continue;
            };
            if value.is_null() {
                continue;
            }
            let dot = if path.is_empty() { "" } else { "." };
            let value = self.read(value, shape, &format!("{path}{dot}{}", snake(name)));
            out.insert((*name).to_owned(), value);
        }
        Value::Object(out)
    }
}

fn snake(camel: &str) -> String {
    let mut out = String::with_capacity(camel.len() + 4);
    for letter in camel.chars() {
        if letter.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}
