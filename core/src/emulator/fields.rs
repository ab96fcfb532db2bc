//! The request's grammar: every field that the service reads, and of which type.
//!
//! Names are read in camelCase and in snake_case, like the service's own JSON reader does, and come
//! out in camelCase. All that is wrong is told at once, in the service's words.

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Value};

/// What may stand in a place.
pub(super) enum Shape {
    Text,
    Flag,
    Whole,
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
}

use Shape::{Bytes, Flag, Free, List, Message, Number, Span, Text, Texts, Whole, Word};

const EMPTY: Shape = Message(&[]);

pub(super) static REQUEST: Shape = Message(&[
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
    ("store", Flag),
    ("continuationToken", Text),
]);

/// What an upload begins with.
pub(super) static UPLOAD: Shape = Message(&[(
    "file",
    Message(&[("name", Text), ("displayName", Text), ("mimeType", Text), ("sizeBytes", Free)]),
)]);

const CONTENT: Shape = Message(&[("role", Text), ("parts", List(&PART))]);

const PART: Shape = Message(&[
    ("text", Text),
    ("inlineData", Message(&[("mimeType", Text), ("data", Bytes)])),
    ("fileData", Message(&[("mimeType", Text), ("fileUri", Text)])),
    ("thought", Flag),
    ("thoughtSignature", Bytes),
    ("mediaResolution", Message(&[("level", RESOLUTION)])),
    ("videoMetadata", Message(&[("startOffset", Span), ("endOffset", Span), ("fps", Number)])),
    ("partMetadata", Free),
    ("functionCall", Free),
    ("functionResponse", Free),
    ("executableCode", Free),
    ("codeExecutionResult", Free),
    ("toolCall", Free),
    ("toolResponse", Free),
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
    ("imageConfig", Message(&[("aspectRatio", Text), ("imageSize", Text)])),
    ("responseFormat", Message(&[("image", FORMAT)])),
    ("speechConfig", Free),
]);

const MODALITY: Shape = Word("Modality", &["MODALITY_UNSPECIFIED", "TEXT", "IMAGE", "AUDIO"]);

/// Also read in lower case, as the documentation's own samples write them.
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
            ],
        ),
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
        ]),
    ),
    ("functionDeclarations", Free),
    ("codeExecution", Free),
    ("urlContext", Free),
    ("googleMaps", Free),
    ("fileSearch", Free),
    ("computerUse", Free),
    ("googleSearchRetrieval", Free),
]);

/// What is wrong with one field, in the service's words.
pub(super) struct Fault {
    pub field: String,
    pub description: String,
}

/// Reads base64 like the service: either alphabet, padding or none.
pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let alphabet = if text.contains(['-', '_']) { URL_SAFE } else { STANDARD };
    GeneralPurpose::new(&alphabet, lenient).decode(text).ok()
}

/// The value with every name in camelCase and nothing unset in it.
pub(super) fn read(value: Value, shape: &Shape, path: &str, faults: &mut Vec<Fault>) -> Value {
    let mut wrong = |kind: &str, value: &Value| {
        let mut shown = value.to_string();
        if shown.len() > 80 {
            shown = format!("{}…", shown.chars().take(60).collect::<String>());
        }
        let description = format!("Invalid value at '{path}' ({kind}), {shown}");
        faults.push(Fault { field: path.to_owned(), description });
        Value::Null
    };
    match (shape, value) {
        (Free, value) => value,
        (Text, Value::String(text)) => Value::String(text),
        (Text, value) => wrong("TYPE_STRING", &value),
        (Span, Value::String(text)) if seconds(&text).is_some() => Value::String(text),
        (Span, value) => wrong("type.googleapis.com/google.protobuf.Duration", &value),
        (Flag, Value::Bool(flag)) => Value::Bool(flag),
        (Flag, value) => wrong("TYPE_BOOL", &value),
        (Number, Value::Number(number)) => Value::Number(number),
        (Number, value) => wrong("TYPE_FLOAT", &value),
        (Whole, value) => match whole(&value) {
            Some(number) => number.into(),
            None => wrong("TYPE_INT32", &value),
        },
        (Bytes, Value::String(text)) => {
            // Long ones are decoded once, where they are used; the text itself goes on.
            if text.len() < 4096 && base64(&text).is_none() {
                return wrong("TYPE_BYTES: Base64 decoding failed", &Value::String(text));
            }
            Value::String(text)
        }
        (Bytes, value) => wrong("TYPE_BYTES", &value),
        (Word(name, words), Value::String(word)) => {
            let upper = word.to_uppercase();
            let read = if *name == "ThinkingLevel" { upper } else { word.clone() };
            if words.contains(&read.as_str()) {
                return Value::String(read);
            }
            wrong(
                &format!("type.googleapis.com/google.ai.generativelanguage.v1beta.{name}"),
                &Value::String(word),
            )
        }
        (Word(name, _), value) => {
            wrong(&format!("type.googleapis.com/google.ai.generativelanguage.v1beta.{name}"), &value)
        }
        (Texts, Value::Object(map)) if map.values().all(Value::is_string) => Value::Object(map),
        (Texts, value) => wrong("TYPE_STRING", &value),
        (List(shape), Value::Array(list)) => (list.into_iter().enumerate())
            .map(|(index, value)| read(value, shape, &format!("{path}[{index}]"), faults))
            .collect(),
        // One value where a list stands is read as a list of it, as the service does.
        (List(shape), value) => vec![read(value, shape, &format!("{path}[0]"), faults)].into(),
        (Message(fields), Value::Object(map)) => message(map, fields, path, faults),
        (Message(_), value) => wrong("TYPE_MESSAGE", &value),
    }
}

fn message(map: Map<String, Value>, fields: &[(&str, Shape)], path: &str, faults: &mut Vec<Fault>) -> Value {
    let mut out = Map::new();
    for (key, value) in map {
        let Some((name, shape)) = fields.iter().find(|(name, _)| *name == key || snake(name) == key) else {
            let place = if path.is_empty() { String::new() } else { format!(" at '{path}'") };
            let description =
                format!("Invalid JSON payload received. Unknown name \"{key}\"{place}: Cannot find field.");
            faults.push(Fault { field: path.to_owned(), description });
            continue;
        };
        if value.is_null() {
            continue;
        }
        let dot = if path.is_empty() { "" } else { "." };
        let value = read(value, shape, &format!("{path}{dot}{}", snake(name)), faults);
        out.insert((*name).to_owned(), value);
    }
    Value::Object(out)
}

/// The seconds of a time: digits, at most nine of them behind a point, and an s.
pub(super) fn seconds(text: &str) -> Option<f64> {
    let number = text.strip_suffix('s')?;
    let (whole, rest) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (digits(whole.trim_start_matches('-')) && digits(rest) && rest.len() <= 9).then(|| number.parse().ok())?
}

/// A whole number of 32 bits, as a number or as a text.
fn whole(value: &Value) -> Option<i64> {
    let number = match value {
        Value::String(text) => text.parse().ok()?,
        value => value.as_i64().or_else(|| value.as_f64().filter(|f| f.fract() == 0.0).map(|f| f as i64))?,
    };
    i32::try_from(number).ok().map(i64::from)
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
