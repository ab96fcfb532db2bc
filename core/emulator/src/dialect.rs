//! What the Interactions API asks, in the words of `generateContent`.
//!
//! Its names are in snake_case only, its values in lower case, and what a thing is stands in its field
//! `type`.

use serde_json::{Map, Value, json};

use super::check::{self, Refusal, at, bad, list, text};
use super::fields::Shape::{self, Bytes, Flag, Free, Kinds, List, Message, Number, Text, Texts, Whole, Word};
use super::rules::Rules;
use super::sign::{self, Held};
use nanobanana_base::codec;
use nanobanana_base::options::{Reading, Readings};

static REQUEST: Shape = Message(&[
    ("model", Text),
    ("agent", Text),
    ("agent_config", Free),
    ("input", Free),
    ("system_instruction", Text),
    ("response_format", Free),
    ("response_mime_type", Text),
    (
        "response_modalities",
        List(&Word("ResponseModality", &["text", "image", "audio", "video", "document"])),
    ),
    (
        "generation_config",
        Message(&[
            ("temperature", Number),
            ("top_p", Number),
            ("max_output_tokens", Whole),
            ("seed", Whole),
            ("stop_sequences", List(&Text)),
            ("thinking_level", Word("Level", &["minimal", "low", "medium", "high", "xhigh"])),
            ("thinking_summaries", Word("ThinkingSummaries", &["auto", "none"])),
            ("tool_choice", Free),
            ("image_config", Message(&[("aspect_ratio", Text), ("image_size", Text)])),
            ("speech_config", Free),
            ("transcription_config", Free),
            ("video_config", Free),
        ]),
    ),
    (
        "tools",
        List(&Kinds(
            "Tool",
            &[
                (
                    "google_search",
                    Message(&[
                        ("type", Text),
                        (
                            "search_types",
                            List(&Word(
                                "SearchType",
                                &["web_search", "image_search", "enterprise_web_search"],
                            )),
                        ),
                    ]),
                ),
                ("function", Free),
                ("code_execution", Free),
                ("url_context", Free),
                ("file_search", Free),
                ("google_maps", Free),
                ("computer_use", Free),
                ("mcp_server", Free),
                ("retrieval", Free),
                ("tool_search", Free),
            ],
        )),
    ),
    (
        "safety_settings",
        List(&Message(&[
            (
                "type",
                Word(
                    "HarmType",
                    &[
                        "hate_speech",
                        "dangerous_content",
                        "harassment",
                        "sexually_explicit",
                        "civic_integrity",
                        "jailbreak",
                    ],
                ),
            ),
            (
                "threshold",
                Word(
                    "Threshold",
                    &[
                        "block_low_and_above",
                        "block_medium_and_above",
                        "block_only_high",
                        "block_none",
                        "off",
                    ],
                ),
            ),
        ])),
    ),
    ("service_tier", Word("ServiceTier", &["flex", "standard", "priority", "deferred"])),
    ("store", Flag),
    ("stream", Flag),
    ("background", Flag),
    ("previous_interaction_id", Text),
    ("labels", Texts),
    ("cached_content", Text),
    ("continuation_token", Text),
    ("webhook_config", Free),
    ("environment", Free),
]);

const RESOLUTION: Shape = Word("MediaResolution", &["low", "medium", "high", "ultra_high"]);

const MEDIA: Shape = Message(&[
    ("type", Text),
    ("data", Bytes),
    ("uri", Text),
    ("mime_type", Text),
    ("resolution", RESOLUTION),
    ("processing", Free),
    ("name", Text),
]);

const CONTENTS: &[(&str, Shape)] = &[
    ("text", Message(&[("type", Text), ("text", Text), ("annotations", Free)])),
    (
        "image",
        Message(&[
            ("type", Text),
            ("data", Bytes),
            ("uri", Text),
            ("mime_type", Text),
            ("resolution", RESOLUTION),
        ]),
    ),
    ("document", MEDIA),
    ("video", MEDIA),
    ("audio", MEDIA),
];

const CONTENT: Shape = Kinds("Content", CONTENTS);

const STEP: Shape = Kinds(
    "Step",
    &[
        ("user_input", Message(&[("type", Text), ("content", List(&CONTENT))])),
        ("model_output", Message(&[("type", Text), ("content", List(&CONTENT)), ("error", Free)])),
        ("thought", Message(&[("type", Text), ("signature", Bytes), ("summary", List(&CONTENT))])),
        ("google_search_call", Free),
        ("google_search_result", Free),
        ("function_call", Free),
        ("function_result", Free),
        ("code_execution_call", Free),
        ("code_execution_result", Free),
        ("url_context_call", Free),
        ("url_context_result", Free),
        ("mcp_server_tool_call", Free),
        ("mcp_server_tool_result", Free),
    ],
);

static INPUT: Shape = Message(&[("input", List(&CONTENT))]);
static STEPS: Shape = Message(&[("input", List(&STEP))]);

static FORMATS: Shape = Message(&[(
    "response_format",
    List(&Kinds(
        "ResponseFormat",
        &[
            (
                "image",
                Message(&[
                    ("type", Text),
                    ("mime_type", Text),
                    ("aspect_ratio", Text),
                    ("image_size", Text),
                    ("delivery", Word("Delivery", &["inline", "uri"])),
                ]),
            ),
            ("text", Message(&[("type", Text), ("mime_type", Text), ("schema", Free)])),
            ("audio", Free),
            ("video", Free),
        ],
    )),
)]);

/// Its grammar: the request, and what its looser fields are read as.
pub(super) static GRAMMAR: [&Shape; 4] = [&REQUEST, &INPUT, &STEPS, &FORMATS];

/// What is bound to the signature of a thought: it comes before what was thought of is made.
const THOUGHT: &str = "a thought";

/// A request of the Interactions API.
pub(super) struct Wish {
    pub model: String,
    pub input: Value,
    /// All but the contents, as `generateContent` takes it.
    pub request: Value,
    pub is_kept: bool,
    pub is_streamed: bool,
    pub is_background: bool,
    pub previous: Option<String>,
    pub labels: Value,
    /// What the picture is to be, whatever the model's own type is.
    pub picture: Option<codec::Format>,
    /// The search for pictures is left to the caller, who cannot do it.
    pub leaves_search: bool,
    /// The picture is to come by its address.
    pub by_uri: bool,
}

/// The signature of a thought.
pub(super) fn signature(nonce: u64) -> String {
    sign::sign(sign::of_text(THOUGHT), nonce)
}

/// Reads a request.
pub(super) fn read(request: Value, rules: Rules) -> Result<Wish, Refusal> {
    let request = check::read(request, &REQUEST, rules)?;
    if rules.has(Reading::TalksWithoutSafety) && !at(&request, "safety_settings").is_null() {
        return Err(bad("safety_settings are not supported in interactions."));
    }
    for (name, why) in [
        ("agent", "Agents are not offline: `model` must be set."),
        ("agent_config", "Agents are not offline: `model` must be set."),
        ("environment", "Environments are not offline."),
        ("webhook_config", "Webhooks are not offline: the emulator calls nobody."),
        ("cached_content", "Cached content is not enabled for this model"),
        ("response_mime_type", "JSON mode is not enabled for this model"),
    ] {
        if !at(&request, name).is_null() {
            return Err(bad(why));
        }
    }
    let model = text(at(&request, "model")).ok_or_else(|| bad("`model` must be set."))?;
    let model = model.strip_prefix("models/").unwrap_or(model).to_owned();
    let input = at(&request, "input").clone();
    let flag = |name: &str, usual: bool| at(&request, name).as_bool().unwrap_or(usual);
    let (is_kept, is_background) = (flag("store", true), flag("background", false));
    if is_background && !is_kept {
        return Err(bad("background=true needs store=true."));
    }
    let mut asked = Map::new();
    if let Some(words) = text(at(&request, "system_instruction")) {
        asked.insert("systemInstruction".into(), json!({"parts": [{"text": words}]}));
    }
    let format = Format::read(&request, rules)?;
    asked.insert("generationConfig".into(), config(at(&request, "generation_config"), &format, rules)?);
    let tools = tools(&request, &model)?;
    let searches_pictures =
        tools.iter().any(|tool| tool.pointer("/googleSearch/searchTypes/imageSearch").is_some());
    if !tools.is_empty() {
        asked.insert("tools".into(), tools.into());
    }
    let settings = list(at(&request, "safety_settings")).iter().map(|setting| {
        let upper = |name: &str| text(at(setting, name)).map(str::to_uppercase);
        let category = upper("type").map(|word| format!("HARM_CATEGORY_{word}"));
        json!({ "category": category, "threshold": upper("threshold") })
    });
    let settings: Vec<Value> = settings.collect();
    if !settings.is_empty() {
        asked.insert("safetySettings".into(), settings.into());
    }
    match text(at(&request, "service_tier")) {
        Some("deferred") => {
            return Err(bad(format!("Service tier deferred is not available for models/{model}.")));
        }
        Some(tier) => {
            asked.insert("serviceTier".into(), tier.into());
        }
        None => {}
    }
    for (from, to) in [("labels", "labels"), ("continuation_token", "continuationToken")] {
        if !at(&request, from).is_null() {
            asked.insert(to.into(), at(&request, from).clone());
        }
    }
    Ok(Wish {
        model,
        input,
        request: asked.into(),
        is_kept,
        is_streamed: flag("stream", false),
        is_background,
        previous: text(at(&request, "previous_interaction_id")).map(str::to_owned),
        labels: at(&request, "labels").clone(),
        picture: format.picture,
        leaves_search: rules.has(Reading::SearchNotRun) && searches_pictures,
        by_uri: format.by_uri,
    })
}

/// What the answer is to be.
#[derive(Default)]
struct Format {
    modalities: Vec<&'static str>,
    image: Map<String, Value>,
    picture: Option<codec::Format>,
    by_uri: bool,
}

impl Format {
    fn read(request: &Value, rules: Rules) -> Result<Self, Refusal> {
        let mut format = Format::default();
        for modality in list(at(request, "response_modalities")) {
            format.modalities.push(match text(modality) {
                Some("text") => "TEXT",
                Some("image") => "IMAGE",
                other => return Err(unsupported(other.unwrap_or_default())),
            });
        }
        if at(request, "response_format").is_null() {
            return Ok(format);
        }
        let wanted = json!({ "response_format": at(request, "response_format") });
        let wanted = check::read(wanted, &FORMATS, rules)?;
        format.modalities.clear();
        for one in list(at(&wanted, "response_format")) {
            let kind = text(at(one, "type")).unwrap_or_default();
            let modality = match kind {
                "text" => "TEXT",
                "image" => "IMAGE",
                other => return Err(unsupported(other)),
            };
            if format.modalities.contains(&modality) {
                return Err(bad(format!("response_format has {kind} twice.")));
            }
            format.modalities.push(modality);
            let mime = text(at(one, "mime_type"));
            if kind == "text" {
                if !at(one, "schema").is_null() || mime.is_some_and(|mime| mime != "text/plain") {
                    return Err(bad("JSON mode is not enabled for this model"));
                }
                continue;
            }
            format.picture = match mime {
                None => None,
                Some("image/jpeg") => Some(codec::Format::Jpeg),
                Some("image/png") if rules.has(Reading::TalksTakePng) => Some(codec::Format::Png),
                Some(other) => {
                    return Err(bad(format!(
                        "Unsupported mime type {:?} in response_format. Supported: image/jpeg.",
                        other.chars().take(80).collect::<String>()
                    )));
                }
            };
            format.by_uri = text(at(one, "delivery")) == Some("uri");
            format.image = image(one, rules.readings)?;
        }
        Ok(format)
    }
}

fn unsupported(modality: &str) -> Refusal {
    let modality = modality.to_uppercase();
    bad(format!(
        "The requested combination of response modalities ({modality}) is not supported by the model."
    ))
}

fn image(from: &Value, readings: Readings) -> Result<Map<String, Value>, Refusal> {
    let mut image = Map::new();
    if let Some(ratio) = text(at(from, "aspect_ratio")) {
        image.insert("aspectRatio".into(), ratio.into());
    }
    if let Some(size) = text(at(from, "image_size")) {
        let is_refused = match size {
            "512" => readings.has(Reading::TalksWant512px),
            "512px" => readings.has(Reading::TalksWant512),
            _ => false,
        };
        if is_refused {
            return Err(bad(format!("Invalid value at 'image_size' (ImageSize), {size:?}")));
        }
        // The documentation has one, the official libraries the other.
        image.insert("imageSize".into(), if size == "512px" { "512" } else { size }.into());
    }
    Ok(image)
}

fn config(config: &Value, format: &Format, rules: Rules) -> Result<Value, Refusal> {
    for name in ["speech_config", "transcription_config", "video_config"] {
        if !at(config, name).is_null() {
            return Err(bad(format!("`generation_config.{name}` is not enabled for this model")));
        }
    }
    let mut asked = Map::new();
    for (from, to) in [
        ("temperature", "temperature"),
        ("top_p", "topP"),
        ("max_output_tokens", "maxOutputTokens"),
        ("seed", "seed"),
        ("stop_sequences", "stopSequences"),
    ] {
        if !at(config, from).is_null() {
            asked.insert(to.into(), at(config, from).clone());
        }
    }
    let mut thinking = Map::new();
    if let Some(level) = text(at(config, "thinking_level")) {
        thinking.insert("thinkingLevel".into(), level.to_uppercase().into());
    }
    if text(at(config, "thinking_summaries")) == Some("auto") {
        thinking.insert("includeThoughts".into(), true.into());
    }
    if !thinking.is_empty() {
        asked.insert("thinkingConfig".into(), thinking.into());
    }
    let older = image(at(config, "image_config"), rules.readings)?;
    if !older.is_empty() && !format.image.is_empty() {
        return Err(bad("Only one of generation_config.image_config and response_format can be set."));
    }
    let image = if older.is_empty() { format.image.clone() } else { older };
    if !image.is_empty() {
        asked.insert("imageConfig".into(), image.into());
    }
    if !format.modalities.is_empty() {
        asked.insert("responseModalities".into(), json!(format.modalities));
    }
    Ok(asked.into())
}

fn tools(request: &Value, model: &str) -> Result<Vec<Value>, Refusal> {
    let mut tools = Vec::new();
    for tool in list(at(request, "tools")) {
        let kind = text(at(tool, "type")).unwrap_or_default();
        if kind != "google_search" {
            return Err(bad(format!("Tool use with {kind} is not supported by models/{model}.")));
        }
        let mut types = Map::new();
        for word in list(at(tool, "search_types")) {
            match text(word) {
                Some("web_search") => types.insert("webSearch".into(), json!({})),
                Some("image_search") => types.insert("imageSearch".into(), json!({})),
                _ => return Err(bad(format!("Enterprise web search is not enabled for models/{model}."))),
            };
        }
        let search = if types.is_empty() { json!({}) } else { json!({ "searchTypes": types }) };
        tools.push(json!({ "googleSearch": search }));
    }
    Ok(tools)
}

/// The turns of an input. Whether its thoughts bring their signatures back is looked at if the model signs.
pub(super) fn contents(input: &Value, signs: bool, rules: Rules) -> Result<Vec<Value>, Refusal> {
    if let Some(words) = text(input) {
        return Ok(vec![turn("user", vec![json!({ "text": words })])]);
    }
    let first = input.get(0).unwrap_or(input);
    if first.is_null() || input.as_array().is_some_and(Vec::is_empty) {
        return Err(bad("`input` must not be empty."));
    }
    let kind = text(at(first, "type")).unwrap_or_default();
    let wrapped = json!({ "input": input });
    if input.is_object() || CONTENTS.iter().any(|(name, _)| *name == kind) {
        let wrapped = check::read(wrapped, &INPUT, rules)?;
        return Ok(vec![turn("user", parts(at(&wrapped, "input"), "input", false)?)]);
    }
    let wrapped = check::read(wrapped, &STEPS, rules)?;
    let mut turns = Vec::new();
    let mut is_signed = false;
    for (index, step) in list(at(&wrapped, "input")).iter().enumerate() {
        let place = format!("input[{index}]");
        match text(at(step, "type")).unwrap_or_default() {
            "user_input" => {
                is_signed = false;
                turns.push(turn("user", parts(at(step, "content"), &place, false)?));
            }
            "thought" => match text(at(step, "signature")) {
                Some(signature) if sign::is_good(signature, &Held::Bytes(sign::of_text(THOUGHT))) => {
                    is_signed = true
                }
                Some(_) if signs => return Err(bad(format!("Thought signature is not valid in {place}."))),
                _ => {}
            },
            "model_output" => {
                if signs && !is_signed {
                    return Err(bad(format!(
                        "The output in {place} is missing the signature of its thought: send back all steps as they came."
                    )));
                }
                turns.push(turn("model", parts(at(step, "content"), &place, true)?));
            }
            "google_search_call" | "google_search_result" => {}
            _ => return Err(bad("Function calling is not enabled for this model")),
        }
    }
    Ok(turns)
}

/// The model's turn that these steps were; none if it said nothing.
pub(super) fn answered(steps: &[Value]) -> Result<Option<Value>, Refusal> {
    let outputs = steps.iter().filter(|step| at(step, "type") == "model_output");
    let mut all = Vec::new();
    for step in outputs {
        all.extend(parts(at(step, "content"), "steps", true)?);
    }
    Ok(if all.is_empty() { None } else { Some(turn("model", all)) })
}

fn turn(role: &str, parts: Vec<Value>) -> Value {
    json!({ "role": role, "parts": parts })
}

fn parts(contents: &Value, place: &str, is_model: bool) -> Result<Vec<Value>, Refusal> {
    let all = list(contents).iter().enumerate();
    all.map(|(index, content)| part(content, &format!("{place}[{index}]"), is_model)).collect()
}

fn part(content: &Value, place: &str, is_model: bool) -> Result<Value, Refusal> {
    let mut part = Map::new();
    let mime = text(at(content, "mime_type"));
    if text(at(content, "type")) == Some("text") {
        let words = text(at(content, "text")).ok_or_else(|| bad(format!("`{place}.text` must be set.")))?;
        part.insert("text".into(), words.into());
    } else {
        match (text(at(content, "data")), text(at(content, "uri"))) {
            (Some(data), None) => {
                let mime =
                    mime.ok_or_else(|| bad(format!("`{place}.mime_type` must be set beside data.")))?;
                part.insert("inlineData".into(), json!({ "mimeType": mime, "data": data }));
            }
            (None, Some(uri)) => {
                part.insert("fileData".into(), json!({ "mimeType": mime, "fileUri": uri }));
            }
            _ => return Err(bad(format!("Exactly one of data and uri must be set in {place}."))),
        }
        if let Some(level) = text(at(content, "resolution")) {
            let level = format!("MEDIA_RESOLUTION_{}", level.to_uppercase());
            part.insert("mediaResolution".into(), json!({ "level": level }));
        }
    }
    if is_model {
        // Steps have their signatures elsewhere, and they were looked at there.
        part.insert("thoughtSignature".into(), "skip_thought_signature_validator".into());
    }
    Ok(part.into())
}
