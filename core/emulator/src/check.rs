//! What the service refuses, and what is left to do if it does not.
//!
//! Written from the service's documentation and error texts alone: the catalogue lends its data, the
//! client's own checks are not used, so that a mistake in them shows here.

use serde_json::{Value, json};

use super::fields::{self, Fault, Service, Shape};
use super::files::Library;
use super::models;
use super::prose;
use super::rules::Rules;
use super::turns::Turns;
use nanobanana_base::catalogue::Model;
use nanobanana_base::codec::{Format, Quality};
use nanobanana_base::image::Pixels;
use nanobanana_base::options::{Reading, Readings};

/// An error in the service's form.
#[derive(Debug)]
pub(super) struct Refusal {
    pub code: u16,
    pub status: &'static str,
    pub message: String,
    pub details: Vec<Value>,
}

impl Refusal {
    pub fn new(code: u16, status: &'static str, message: impl Into<String>) -> Self {
        Refusal { code, status, message: message.into(), details: Vec::new() }
    }

    pub fn json(&self) -> Value {
        let mut error = json!({"code": self.code, "message": self.message, "status": self.status});
        if let (Some(error), false) = (error.as_object_mut(), self.details.is_empty()) {
            error.insert("details".into(), self.details.clone().into());
        }
        json!({ "error": error })
    }

    pub fn of(faults: Vec<Fault>) -> Self {
        let message = faults.iter().map(|fault| fault.description.clone()).collect::<Vec<_>>().join("\n");
        let violations: Vec<Value> = (faults.into_iter())
            .map(|fault| match fault.field.is_empty() {
                true => json!({"description": fault.description}),
                false => json!({"field": fault.field, "description": fault.description}),
            })
            .collect();
        let mut refusal = bad(message);
        refusal.details.push(json!({
            "@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": violations,
        }));
        refusal
    }
}

pub(super) fn bad(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "INVALID_ARGUMENT", message)
}

/// A request that is to be answered.
#[derive(Debug)]
pub(super) struct Ask {
    pub service: Service,
    pub readings: Readings,
    /// What the picture is to be written as, if it is not left to the model.
    pub output: Option<(Format, Quality)>,
    /// The words of the last turn.
    pub prompt: String,
    /// The picture that the answer builds on and those of the last turn; reduced.
    pub pictures: Vec<Pixels>,
    pub size: String,
    pub width: u32,
    pub height: u32,
    pub seed: Option<i64>,
    /// The words of the answer, if they have a form.
    pub formed: Option<String>,
    pub wants_text: bool,
    pub wants_image: bool,
    pub wants_thoughts: bool,
    /// In capitals; none where the model chooses itself.
    pub level: Option<String>,
    pub web_search: bool,
    pub image_search: bool,
    pub tier: String,
    pub text_tokens: u64,
    pub image_tokens: u64,
    pub document_tokens: u64,
    pub video_tokens: u64,
    /// What was attached, in words.
    pub attached: Vec<String>,
    pub most_tokens: Option<u64>,
    /// Of an answer that is to be gone on with.
    pub continuation: Option<String>,
    /// Stands for all that came beside the last turn's words: pictures, earlier turns, instructions.
    pub salt: u64,
    /// How much an edit with a mask changes what lies outside of it; 1 is as models do.
    pub drift: f32,
}

/// Holds a request against its model.
pub(super) fn check(model: &Model, request: Value, files: &Library, rules: Rules) -> Result<Ask, Refusal> {
    weigh(model, &read(request, &fields::REQUEST, rules)?, files, rules)
}

/// The request with its names as the service's own, or all that its grammar finds wrong.
pub(super) fn read(request: Value, shape: &Shape, rules: Rules) -> Result<Value, Refusal> {
    if !request.is_object() {
        return Err(bad("Invalid JSON payload received. The request must be a JSON object."));
    }
    fields::read(request, shape, rules).map_err(Refusal::of)
}

fn weigh(model: &Model, request: &Value, files: &Library, rules: Rules) -> Result<Ask, Refusal> {
    let config = at(request, "generationConfig");
    let turns = Turns::read(model, request, files, rules)?;
    let thinking = Thinking::read(model, at(config, "thinkingConfig"), rules)?;
    numbers(model, config, rules)?;
    unsupported(model, request, config)?;
    let (web_search, image_search) = tools(model, at(request, "tools"))?;
    safety(at(request, "safetySettings"))?;
    labels(at(request, "labels"))?;
    let tier = text(at(request, "serviceTier")).unwrap_or("standard");
    let is_own = rules.service == Service::Gemini && rules.has(Reading::OwnTiers);
    let is_disputed = !is_own && model.dispute("service_tier", tier).is_some();
    if !model.service_tiers.iter().any(|known| known == tier) && !is_disputed {
        return Err(bad(format!("Service tier {tier} is not available for models/{}.", model.id)));
    }
    let modalities = at(config, "responseModalities").as_array().map(Vec::as_slice).unwrap_or_default();
    let draws = models::draws(model);
    let cannot: &[&str] = if draws { &["AUDIO"] } else { &["IMAGE", "AUDIO"] };
    if modalities.iter().filter_map(Value::as_str).any(|modality| cannot.contains(&modality)) {
        let asked: Vec<&str> = modalities.iter().filter_map(Value::as_str).collect();
        return Err(bad(format!(
            "The requested combination of response modalities ({}) is not supported by the model.",
            asked.join(", ")
        )));
    }
    let wants = |word: &str| modalities.is_empty() || modalities.iter().any(|modality| modality == word);
    let (size, (width, height)) =
        if draws { shape(model, config, turns.shape, rules)? } else { (String::new(), (1, 1)) };
    let formed = if draws { None } else { prose::formed(config, &turns.prompt)? };
    let whole = |name: &str| at(config, name).as_i64();
    // It has one type that can be asked for.
    let asked_in_words = text(at(at(at(config, "responseFormat"), "image"), "mimeType"));
    let asked_in_words = asked_in_words.map(|_| (Format::Jpeg, Quality::Default));
    Ok(Ask {
        service: rules.service,
        readings: rules.readings,
        output: output(at(at(config, "imageConfig"), "imageOutputOptions"))?.or(asked_in_words),
        prompt: turns.prompt,
        pictures: turns.pictures,
        size,
        width,
        height,
        seed: whole("seed"),
        formed,
        wants_text: wants("TEXT"),
        wants_image: draws && wants("IMAGE"),
        wants_thoughts: thinking.wants,
        level: thinking.level,
        web_search,
        image_search,
        tier: tier.to_owned(),
        text_tokens: turns.letters.div_ceil(4),
        image_tokens: turns.images as u64 * model.tokens_per_input_image,
        document_tokens: turns.documents as u64 * 258,
        // Ten pictures of each, as long as nobody looks at one.
        video_tokens: turns.videos as u64 * 700,
        attached: turns.attached,
        most_tokens: whole("maxOutputTokens").map(i64::unsigned_abs),
        continuation: text(at(request, "continuationToken")).map(str::to_owned),
        salt: turns.salt,
        drift: 1.0,
    })
}

/// What `countTokens` answers.
pub(super) fn count(
    model: &Model,
    mut request: Value,
    files: &Library,
    rules: Rules,
) -> Result<Value, Refusal> {
    if rules.service == Service::Vertex {
        let request = read(request, &fields::COUNT, rules)?;
        return Ok(counted(&weigh(model, &request, files, rules)?));
    }
    let names = ["generateContentRequest", "generate_content_request"];
    let whole = names.into_iter().find(|name| !at(&request, name).is_null());
    if let Some(whole) = whole {
        if !at(&request, "contents").is_null() {
            return Err(bad("Only one of contents and generate_content_request can be set."));
        }
        request = request.get_mut(whole).map(Value::take).unwrap_or_default();
        let name = format!("models/{}", model.id);
        if text(at(&request, "model")) != Some(&name) {
            return Err(bad(format!(
                "* CountTokensRequest.generate_content_request.model: must be {name}, as in the path\n"
            )));
        }
    }
    Ok(counted(&check(model, request, files, rules)?))
}

fn counted(ask: &Ask) -> Value {
    let rows = [("TEXT", ask.text_tokens), ("IMAGE", ask.image_tokens), ("DOCUMENT", ask.document_tokens)];
    let total: u64 = rows.iter().map(|(_, count)| count).sum();
    let rows = rows.iter().filter(|(_, count)| *count > 0);
    let rows: Vec<Value> = rows.map(|(name, count)| json!({"modality": name, "tokenCount": count})).collect();
    json!({ "totalTokens": total, "promptTokensDetails": rows })
}

/// What the picture is to be written as.
fn output(options: &Value) -> Result<Option<(Format, Quality)>, Refusal> {
    let quality = at(options, "compressionQuality").as_i64();
    let quality = match quality.map(u8::try_from) {
        None => Quality::Default,
        Some(Ok(quality @ 0..=100)) => Quality::Lossy(quality.max(1)),
        Some(_) => {
            return Err(bad("compression_quality must be in the range [0, 100]."));
        }
    };
    match text(at(options, "mimeType")) {
        None if options.is_null() => Ok(None),
        None | Some("image/jpeg") => Ok(Some((Format::Jpeg, quality))),
        Some("image/png") => Ok(Some((Format::Png, Quality::Default))),
        Some(other) => Err(bad(format!(
            "Unsupported output mime type {:?}. Supported: image/png, image/jpeg.",
            other.chars().take(80).collect::<String>()
        ))),
    }
}

/// A field; null if it is not there.
pub(super) fn at<'a>(value: &'a Value, name: &str) -> &'a Value {
    value.get(name).unwrap_or(&Value::Null)
}

pub(super) fn text(value: &Value) -> Option<&str> {
    value.as_str()
}

pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

struct Thinking {
    wants: bool,
    level: Option<String>,
}

impl Thinking {
    fn read(model: &Model, config: &Value, rules: Rules) -> Result<Self, Refusal> {
        let thinking = &model.thinking;
        if !config.is_null() && !thinking.thoughts && thinking.levels.is_empty() {
            return Err(bad(format!("Thinking is not enabled for models/{}.", model.id)));
        }
        let asked = text(at(config, "thinkingLevel")).filter(|level| *level != "THINKING_LEVEL_UNSPECIFIED");
        let budget = at(config, "thinkingBudget").as_i64();
        if asked.is_some() && budget.is_some() {
            return Err(bad("You can only set only one of thinking budget and thinking level."));
        }
        if let Some(level) = asked
            && !thinking.levels.contains(&level.to_lowercase())
            && !(rules.has(Reading::ProTakesLevel) && is(model, "nano-banana-pro") && level == "HIGH")
        {
            let known = thinking.levels.join(", ").to_uppercase();
            let rest = if known.is_empty() { String::new() } else { format!(" Supported levels: {known}.") };
            return Err(bad(format!(
                "Thinking level {level} is not supported for models/{}.{rest}",
                model.id
            )));
        }
        let level = asked.map(str::to_owned).or(thinking.default.as_ref().map(|level| level.to_uppercase()));
        Ok(Thinking { wants: at(config, "includeThoughts") == true, level })
    }
}

/// Whether it is the model of this short name.
pub(super) fn is(model: &Model, alias: &str) -> bool {
    model.aliases.iter().any(|known| known == alias)
}

fn numbers(model: &Model, config: &Value, rules: Rules) -> Result<(), Refusal> {
    if rules.has(Reading::SamplingRefused) && model.sampling.is_empty() {
        let names = ["temperature", "topP", "topK", "seed", "responseLogprobs", "logprobs"];
        if let Some(name) = names.into_iter().find(|name| !at(config, name).is_null()) {
            return Err(bad(format!("{name} is not supported by models/{}.", model.id)));
        }
    }
    for (name, field, least, most) in [
        ("temperature", "temperature", 0.0, 2.0),
        ("topP", "top_p", 0.0, 1.0),
        ("topK", "top_k", 1.0, 64.0),
        ("maxOutputTokens", "max_output_tokens", 1.0, model.max_output_tokens as f64),
    ] {
        if let Some(number) = at(config, name).as_f64()
            && !(least..=most).contains(&number)
        {
            return Err(bad(format!(
                "* GenerateContentRequest.generation_config.{field}: {field} must be in the range [{least}, {most}], got {number}.\n"
            )));
        }
    }
    if at(config, "candidateCount").as_i64().is_some_and(|count| count != 1) {
        return Err(bad("Multiple candidates is not enabled for this model"));
    }
    Ok(())
}

fn unsupported(model: &Model, request: &Value, config: &Value) -> Result<(), Refusal> {
    let structured = models::draws(model)
        && (["responseSchema", "responseJsonSchema"].iter().any(|name| !at(config, name).is_null())
            || text(at(config, "responseMimeType")).is_some_and(|mime| mime != "text/plain"));
    let what = if structured {
        "JSON mode"
    } else if !at(request, "cachedContent").is_null() {
        "Cached content"
    } else if !at(config, "speechConfig").is_null() {
        "Speech"
    } else if at(config, "responseLogprobs") == true || !at(config, "logprobs").is_null() {
        "Logprobs"
    } else {
        return Ok(());
    };
    Err(bad(format!("{what} is not enabled for this model")))
}

fn tools(model: &Model, tools: &Value) -> Result<(bool, bool), Refusal> {
    if !models::draws(model) {
        return Ok((prose::searches(tools), false));
    }
    let (mut web, mut image) = (false, false);
    for tool in list(tools) {
        let search = at(tool, "googleSearch");
        if let Some(other) = tool.as_object().and_then(|tool| tool.keys().find(|key| *key != "googleSearch"))
        {
            return Err(bad(format!("Tool use with {other} is not supported by models/{}.", model.id)));
        }
        if search.is_null() {
            return Err(bad("* GenerateContentRequest.tools: one of the tool types must be set\n"));
        }
        let types = at(search, "searchTypes");
        let plain = types.as_object().is_none_or(serde_json::Map::is_empty);
        web |= plain || !at(types, "webSearch").is_null();
        image |= !at(types, "imageSearch").is_null();
    }
    if web && !model.search {
        return Err(bad(format!("Search as tool is not enabled for models/{}.", model.id)));
    }
    if image && !model.image_search {
        return Err(bad(format!("Image search is not enabled for models/{}.", model.id)));
    }
    Ok((web, image))
}

fn safety(settings: &Value) -> Result<(), Refusal> {
    let mut seen: Vec<&str> = Vec::new();
    for setting in list(settings) {
        let category = text(at(setting, "category"))
            .ok_or_else(|| bad("* GenerateContentRequest.safety_settings: category must be set\n"))?;
        if seen.contains(&category) {
            return Err(bad(format!(
                "Each category may be set once in safety_settings; {category} is set twice."
            )));
        }
        seen.push(category);
    }
    Ok(())
}

fn labels(labels: &Value) -> Result<(), Refusal> {
    for (key, value) in labels.as_object().into_iter().flatten() {
        for word in [key.as_str(), value.as_str().unwrap_or_default()] {
            if word.chars().count() > 63 || word.chars().any(char::is_uppercase) {
                return Err(bad(format!(
                    "Invalid label {key:?}: keys and values have at most 63 characters, in lower case."
                )));
            }
        }
    }
    Ok(())
}

/// The size's name and the pixels of the answer.
fn shape(
    model: &Model,
    config: &Value,
    first: Option<(u32, u32)>,
    rules: Rules,
) -> Result<(String, (u32, u32)), Refusal> {
    let (plain, format) = (at(config, "imageConfig"), at(at(config, "responseFormat"), "image"));
    if !plain.is_null() && !format.is_null() {
        return Err(bad("Only one of image_config and response_format.image can be set."));
    }
    if !format.is_null() && rules.has(Reading::OldWithoutFormat) && is(model, "nano-banana") {
        return Err(bad(format!("response_format is not supported by models/{}.", model.id)));
    }
    let is_plain = |word: &str| word.contains(':') && rules.has(Reading::PlainFormat);
    let in_words = text(at(format, "aspectRatio"))
        .map(|word| if is_plain(word) { Ok(word.to_owned()) } else { ratio_of(word) })
        .transpose()?;
    let ratio = text(at(plain, "aspectRatio")).map(str::to_owned).or(in_words);
    let size = text(at(plain, "imageSize")).or(text(at(format, "imageSize")).map(|word| match word {
        "IMAGE_SIZE_FIVE_TWELVE" => "512",
        "IMAGE_SIZE_TWO_K" => "2K",
        "IMAGE_SIZE_FOUR_K" => "4K",
        "IMAGE_SIZE_ONE_K" => "1K",
        plain => plain,
    }));
    let sizes = sizes(model, rules);
    if let Some(size) = size {
        if sizes.len() < 2 {
            return Err(bad(format!("Image size is not adjustable for models/{}.", model.id)));
        }
        if !sizes.contains(&size) {
            return Err(bad(format!(
                "Invalid image size {size:?} for models/{}. Supported sizes: {}.",
                model.id,
                sizes.join(", ")
            )));
        }
    }
    let size = size.unwrap_or(&model.default_size);
    let takes = |reading: Reading| rules.has(reading) && is(model, "nano-banana-2.1");
    let ratio = match ratio.filter(|ratio| !(ratio == "auto" && takes(Reading::NewTakesAuto))) {
        Some(ratio) => ratio,
        None => nearest(model, size, first),
    };
    let known = model.aspect_ratios.contains(&ratio);
    let pixels = match (ratio.as_str(), size) {
        ("21:9", "512") if rules.has(Reading::Low21By9) => Some((792, 168)).filter(|_| known),
        // Nobody tells its pixels: those of the other one, turned.
        ("9:21", size) if takes(Reading::NewTakes9By21) => {
            model.pixels("21:9", size).map(|(width, height)| (height, width))
        }
        (ratio, size) => model.pixels(ratio, size).filter(|_| known),
    };
    match pixels {
        Some(pixels) => Ok((size.to_owned(), pixels)),
        None => Err(bad(format!(
            "Invalid aspect ratio {ratio:?} for models/{}. Supported aspect ratios: {}.",
            model.id,
            model.aspect_ratios.join(", ")
        ))),
    }
}

/// The sizes that can be asked for, small to large; fewer than two cannot be chosen from.
pub(super) fn sizes<'a>(model: &'a Model, rules: Rules) -> Vec<&'a str> {
    let also_takes = |reading: Reading, alias: &str| rules.has(reading) && is(model, alias);
    let has_512 = also_takes(Reading::NewTakes512, "nano-banana-2.1")
        || also_takes(Reading::LiteTakesSizes, "nano-banana-2-lite");
    has_512.then_some("512").into_iter().chain(model.sizes.iter().map(String::as_str)).collect()
}

/// The ratios that can be asked for.
pub(super) fn ratios<'a>(model: &'a Model, rules: Rules) -> Vec<&'a str> {
    let also = [(Reading::NewTakes9By21, "9:21"), (Reading::NewTakesAuto, "auto")];
    let takes = |reading: Reading| rules.has(reading) && is(model, "nano-banana-2.1");
    let also = also.into_iter().filter(|(reading, _)| takes(*reading)).map(|(_, ratio)| ratio);
    model.aspect_ratios.iter().map(String::as_str).chain(also).collect()
}

/// The ratio whose pixels come nearest to the first picture's shape.
fn nearest(model: &Model, size: &str, first: Option<(u32, u32)>) -> String {
    let Some((width, height)) = first else { return "1:1".to_owned() };
    let wanted = (f64::from(width) / f64::from(height)).ln();
    let far = |ratio: &&String| {
        let (width, height) = model.pixels(ratio, size).unwrap_or((u32::MAX, 1));
        ((f64::from(width) / f64::from(height)).ln() - wanted).abs()
    };
    let best = model.aspect_ratios.iter().min_by(|a, b| far(a).total_cmp(&far(b)));
    best.cloned().unwrap_or_else(|| "1:1".to_owned())
}

/// `ASPECT_RATIO_SIXTEEN_BY_NINE` is 16:9.
fn ratio_of(word: &str) -> Result<String, Refusal> {
    const NUMBERS: [(&str, &str); 8] = [
        ("ONE", "1"),
        ("TWO", "2"),
        ("THREE", "3"),
        ("FOUR", "4"),
        ("FIVE", "5"),
        ("EIGHT", "8"),
        ("NINE", "9"),
        ("SIXTEEN", "16"),
    ];
    let number = |word: &str| match word {
        "TWENTY_ONE" => Some("21"),
        word => NUMBERS.iter().find(|(name, _)| *name == word).map(|(_, digits)| *digits),
    };
    let upper = word.to_uppercase().replace('-', "_");
    (upper.strip_prefix("ASPECT_RATIO_"))
        .and_then(|words| words.split_once("_BY_"))
        .and_then(|(width, height)| Some(format!("{}:{}", number(width)?, number(height)?)))
        .ok_or_else(|| {
            let field = "generation_config.response_format.image.aspect_ratio";
            let description = format!(
                "Invalid value at '{field}' (type.googleapis.com/google.ai.generativelanguage.v1beta.AspectRatio), {word:?}"
            );
            Refusal::of(vec![Fault { field: field.to_owned(), description }])
        })
}
