//! The table of probes: for each reading the requests that decide about it, and how their answers are read.
//!
//! The requests are JSON of the wire. A `match` over all readings makes a reading without a row fail to compile.

use serde_json::{Value, json};

use super::judge::{self, Judge};
use nanobanana::internals::Method;
use nanobanana::options::{Reading, ServiceTier, Thinking};

/// The models that are asked, by their ids.
const NEW: &str = "gemini-nano-banana-2.1";
const PRO: &str = "gemini-3-pro-image";
const SECOND: &str = "gemini-3.1-flash-image";
const LITE: &str = "gemini-3.1-flash-lite-image";
const OLD: &str = "gemini-2.5-flash-image";

/// One letter more than a batch of 20 MiB may have.
const TOO_LONG: usize = (20 << 20) + 1;

/// The queries of one search that are counted in the price.
const QUERIES: u32 = 5;

/// A conflict of sources, and the way to decide it.
pub(crate) struct Probe {
    pub reading: Reading,
    /// The rule that holds if the reading does not.
    pub usual: &'static str,
    pub way: Way,
}

/// How a conflict is decided.
pub(crate) enum Way {
    /// By the answers to these requests.
    Ask(Vec<Question>, Judge),
    /// Not by this command, for this reason.
    Not(&'static str),
}

/// A request. It is sent at most once, also if several probes have it.
#[derive(Clone)]
pub(crate) struct Question {
    pub method: Method,
    /// Its address: the version and what follows.
    pub path: String,
    /// Null if it has no body.
    pub body: Value,
    pub price: Price,
}

/// The price of a request.
#[derive(Clone, Copy)]
pub(crate) enum Price {
    /// Nothing: it is answered without a model, or refused by every reading.
    Free,
    /// Nothing if it is refused. Else the answer is limited to one token; should the service draw all the same, the
    /// price of this picture.
    Accepted(Drawn),
    /// The price of this picture.
    Picture(Drawn),
}

/// The picture that a request may draw.
#[derive(Clone, Copy, Default)]
pub(crate) struct Drawn {
    pub model: &'static str,
    pub size: Option<&'static str>,
    pub thinking: Option<Thinking>,
    pub tier: Option<ServiceTier>,
    pub queries: u32,
}

fn of(model: &'static str) -> Drawn {
    Drawn { model, ..Drawn::default() }
}

impl Question {
    fn get(path: &str) -> Self {
        Question { method: Method::Get, path: path.to_owned(), body: Value::Null, price: Price::Free }
    }

    fn post(path: String, body: Value, price: Price) -> Self {
        Question { method: Method::Post, path, body, price }
    }

    fn count(model: &str) -> Self {
        let body = json!({ "contents": prompt("A grey dot") });
        Question::post(format!("v1beta/models/{model}:countTokens"), body, Price::Free)
    }

    /// Tells requests apart.
    pub fn key(&self) -> String {
        format!("{} {} {}", self.verb(), self.path, self.body)
    }

    pub fn verb(&self) -> &'static str {
        match self.method {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Delete => "DELETE",
        }
    }
}

fn prompt(words: &str) -> Value {
    json!([{ "role": "user", "parts": [{ "text": words }] }])
}

/// A request to draw whose acceptance is the question: its answer is limited to one token.
fn accepted(version: &str, drawn: Drawn, config: Value, beside: Value) -> Question {
    let mut config = config;
    put(&mut config, "maxOutputTokens", 1.into());
    let mut body = json!({ "contents": prompt("A grey dot"), "generationConfig": config });
    if let Value::Object(more) = beside {
        more.into_iter().for_each(|(name, value)| put(&mut body, &name, value));
    }
    let path = format!("{version}/models/{}:generateContent", drawn.model);
    Question::post(path, body, Price::Accepted(drawn))
}

fn drawn(drawn: Drawn, words: &str, config: Value, beside: Value) -> Question {
    let mut body = json!({ "contents": prompt(words), "generationConfig": config });
    if let Value::Object(more) = beside {
        more.into_iter().for_each(|(name, value)| put(&mut body, &name, value));
    }
    Question::post(format!("v1beta/models/{}:generateContent", drawn.model), body, Price::Picture(drawn))
}

/// A request to the Interactions API. Nothing of it is kept there.
fn interaction(model: &str, input: Value, beside: Value, price: Price) -> Question {
    let mut body = json!({ "model": model, "input": input, "store": false });
    if let Value::Object(more) = beside {
        more.into_iter().for_each(|(name, value)| put(&mut body, &name, value));
    }
    Question::post("v1beta/interactions".to_owned(), body, price)
}

/// An interaction whose acceptance is the question.
fn accepted_interaction(model: &'static str, beside: Value) -> Question {
    let mut beside = beside;
    put(&mut beside, "generation_config", json!({ "max_output_tokens": 1 }));
    let size = (model == SECOND).then_some("512");
    let price = Price::Accepted(Drawn { size, ..of(model) });
    interaction(model, "A grey dot".into(), beside, price)
}

fn put(map: &mut Value, name: &str, value: Value) {
    if let Some(map) = map.as_object_mut() {
        map.insert(name.to_owned(), value);
    }
}

/// The options that ask for a picture alone, with these beside.
fn picture(mut config: Value) -> Value {
    put(&mut config, "responseModalities", json!(["IMAGE"]));
    config
}

/// One picture answers two conflicts: its pixels, and whether its drafts are counted.
fn small_with_drafts() -> Question {
    let config = picture(json!({
        "imageConfig": { "imageSize": "512", "aspectRatio": "21:9" },
        "thinkingConfig": { "includeThoughts": true, "thinkingLevel": "HIGH" },
    }));
    let shape = Drawn { size: Some("512"), thinking: Some(Thinking::High), ..of(SECOND) };
    drawn(shape, "A grey dot on white", config, Value::Null)
}

const SEARCH: &str = "Search for pictures of the butterfly Timareta thelxinoe, and draw a plain sketch of it";

/// The row of a reading.
pub(crate) fn probe(reading: Reading) -> Probe {
    let (usual, way) = row(reading);
    Probe { reading, usual, way }
}

fn row(reading: Reading) -> (&'static str, Way) {
    let none = || Value::Null;
    let ask = |question: Question, judge: Judge| Way::Ask(vec![question], judge);
    match reading {
        Reading::V1WithoutResponseModalities => (
            "On `v1` of the Gemini API `responseModalities` is known.",
            ask(accepted("v1", of(LITE), picture(json!({})), none()), |answers| {
                judge::accepted_is_usual(answers, &["responsemodalities"])
            }),
        ),
        Reading::V1WithoutImageConfig => (
            "On `v1` of the Gemini API `imageConfig` is known.",
            // Without `responseModalities`, about which there is another conflict.
            ask(
                accepted("v1", of(LITE), json!({ "imageConfig": { "aspectRatio": "1:1" } }), none()),
                |answers| judge::accepted_is_usual(answers, &["imageconfig"]),
            ),
        ),
        Reading::SamplingRefused => (
            "Nano Banana 2.1 takes temperature, topP, topK and seed.",
            ask(
                accepted(
                    "v1beta",
                    of(NEW),
                    picture(json!({ "temperature": 0.5, "topP": 0.9, "topK": 20, "seed": 7 })),
                    none(),
                ),
                |answers| {
                    judge::accepted_is_usual(answers, &["temperature", "topp", "topk", "seed", "sampling"])
                },
            ),
        ),
        Reading::NewTakes512 => (
            "Nano Banana 2.1 refuses the size 512.",
            ask(
                accepted(
                    "v1beta",
                    of(NEW),
                    picture(json!({ "imageConfig": { "imageSize": "512" } })),
                    none(),
                ),
                |answers| judge::accepted_is_other(answers, &["imagesize", "resolution", "512"]),
            ),
        ),
        Reading::NewTakes9By21 => (
            "Nano Banana 2.1 refuses the ratio 9:21.",
            ask(
                accepted(
                    "v1beta",
                    of(NEW),
                    picture(json!({ "imageConfig": { "aspectRatio": "9:21" } })),
                    none(),
                ),
                |answers| judge::accepted_is_other(answers, &["aspectratio", "9:21"]),
            ),
        ),
        Reading::NewTakesAuto => (
            "Nano Banana 2.1 refuses the ratio `auto`.",
            ask(
                accepted(
                    "v1beta",
                    of(NEW),
                    picture(json!({ "imageConfig": { "aspectRatio": "auto" } })),
                    none(),
                ),
                |answers| judge::accepted_is_other(answers, &["aspectratio", "auto"]),
            ),
        ),
        Reading::LiteTakesSizes => (
            "Nano Banana 2 Lite refuses any size.",
            ask(
                accepted(
                    "v1beta",
                    of(LITE),
                    picture(json!({ "imageConfig": { "imageSize": "512" } })),
                    none(),
                ),
                |answers| judge::accepted_is_other(answers, &["imagesize", "resolution", "512"]),
            ),
        ),
        Reading::ProTakesLevel => (
            "Nano Banana Pro refuses any thinking level.",
            ask(
                accepted(
                    "v1beta",
                    Drawn { thinking: Some(Thinking::High), ..of(PRO) },
                    picture(json!({ "thinkingConfig": { "thinkingLevel": "HIGH" } })),
                    none(),
                ),
                |answers| judge::accepted_is_other(answers, &["thinking"]),
            ),
        ),
        Reading::LevelInCapitals => (
            "`thinkingLevel` is read in small letters, too.",
            ask(
                accepted(
                    "v1beta",
                    Drawn { thinking: Some(Thinking::Minimal), ..of(LITE) },
                    picture(json!({ "thinkingConfig": { "thinkingLevel": "minimal" } })),
                    none(),
                ),
                |answers| judge::accepted_is_usual(answers, &["thinkinglevel"]),
            ),
        ),
        Reading::PlainFormat => (
            "`responseFormat.image` takes words alone, such as ASPECT_RATIO_SIXTEEN_BY_NINE.",
            ask(
                accepted(
                    "v1beta",
                    of(LITE),
                    picture(json!({ "responseFormat": { "image": { "aspectRatio": "16:9" } } })),
                    none(),
                ),
                |answers| judge::accepted_is_other(answers, &["aspectratio", "responseformat"]),
            ),
        ),
        Reading::OldWithoutFormat => (
            "gemini-2.5-flash-image takes `responseFormat`, in words.",
            ask(
                accepted(
                    "v1beta",
                    of(OLD),
                    picture(
                        json!({ "responseFormat": { "image": { "aspectRatio": "ASPECT_RATIO_ONE_BY_ONE" } } }),
                    ),
                    none(),
                ),
                |answers| judge::accepted_is_usual(answers, &["responseformat"]),
            ),
        ),
        Reading::SignaturesOnVertex => (
            "Vertex AI lets missing thought signatures pass.",
            Way::Not(
                "it is about Vertex AI, which is asked with a service account and not with a key of the Gemini API",
            ),
        ),
        Reading::MissingFile404 => (
            "A file that is missing, or somebody else's, is a 403.",
            ask(Question::get("v1beta/files/nanobanana-probe-none"), |answers| {
                judge::by_status(answers, 403, 404, "exist")
            }),
        ),
        Reading::PngAnswers => (
            "Models answer JPEG, gemini-2.5-flash-image alone PNG.",
            ask(drawn(of(LITE), "A grey dot on white", picture(json!({})), none()), judge::file_type),
        ),
        Reading::Tokens3780 => (
            "A picture of Nano Banana 2.1 at 4K counts 2520 tokens.",
            ask(
                drawn(
                    Drawn { size: Some("4K"), ..of(NEW) },
                    "A grey dot on white",
                    picture(json!({ "imageConfig": { "imageSize": "4K" } })),
                    none(),
                ),
                judge::tokens_of_4k,
            ),
        ),
        Reading::Low21By9 => (
            "A picture of 21:9 at 512 is 792 by 336 pixels.",
            ask(small_with_drafts(), judge::pixels_of_21_by_9),
        ),
        Reading::InterimCounts => (
            "The interim pictures of thoughts do not count as pictures drawn.",
            ask(small_with_drafts(), judge::drafts),
        ),
        Reading::SecondGone => (
            "gemini-3.1-flash-image is served.",
            ask(Question::get("v1beta/models/gemini-3.1-flash-image"), |answers| {
                judge::by_status(answers, 200, 404, "")
            }),
        ),
        Reading::OldClosed => (
            "gemini-2.5-flash-image is open to the project of this key.",
            ask(accepted("v1beta", of(OLD), picture(json!({})), none()), |answers| {
                judge::by_status(answers, 200, 404, "")
            }),
        ),
        Reading::PreviewAlias => (
            "The id nano-banana-pro-preview is a 404.",
            ask(Question::count("nano-banana-pro-preview"), |answers| {
                judge::by_status(answers, 404, 200, "")
            }),
        ),
        Reading::PreviewsAnswer => (
            "Ids that are shut down are a 404.",
            ask(Question::count("gemini-3-pro-image-preview"), |answers| {
                judge::by_status(answers, 404, 200, "")
            }),
        ),
        Reading::OwnTiers => (
            "The Gemini API takes the tiers that only the Vertex page lists.",
            Way::Ask(
                [(NEW, ServiceTier::Priority), (LITE, ServiceTier::Flex)]
                    .map(|(model, tier)| {
                        let shape = Drawn { tier: Some(tier), ..of(model) };
                        accepted("v1beta", shape, picture(json!({})), json!({ "serviceTier": tier.as_str() }))
                    })
                    .to_vec(),
                |answers| judge::accepted_is_usual(answers, &["tier"]),
            ),
        ),
        Reading::ProseSources => (
            "Pictures that a search found have the name `sourceUri`.",
            ask(
                drawn(
                    Drawn { queries: QUERIES, ..of(NEW) },
                    SEARCH,
                    json!({}),
                    json!({ "tools": [{ "googleSearch": { "searchTypes": { "imageSearch": {} } } }] }),
                ),
                judge::found_pictures,
            ),
        ),
        Reading::TalksTakePng => (
            "Interactions refuse image/png as a type of pictures.",
            ask(
                accepted_interaction(
                    LITE,
                    json!({ "response_format": { "type": "image", "mime_type": "image/png" } }),
                ),
                |answers| judge::accepted_is_other(answers, &["mimetype", "png"]),
            ),
        ),
        Reading::TalksWant512 => (
            "Interactions take the size `512px`.",
            ask(
                accepted_interaction(
                    SECOND,
                    json!({ "response_format": { "type": "image", "image_size": "512px" } }),
                ),
                |answers| judge::accepted_is_usual(answers, &["imagesize", "512px"]),
            ),
        ),
        Reading::TalksWant512px => (
            "Interactions take the size `512`.",
            ask(
                accepted_interaction(
                    SECOND,
                    json!({ "response_format": { "type": "image", "image_size": "512" } }),
                ),
                |answers| judge::accepted_is_usual(answers, &["imagesize", "512"]),
            ),
        ),
        Reading::TalksWithoutSafety => (
            "Interactions take safety settings.",
            ask(
                accepted_interaction(
                    LITE,
                    json!({ "safety_settings": [{ "type": "harassment", "threshold": "block_none" }] }),
                ),
                |answers| judge::accepted_is_usual(answers, &["safety"]),
            ),
        ),
        Reading::TalksListErrors => (
            "Errors of interactions come as one object.",
            ask(interaction(LITE, json!([]), none(), Price::Free), judge::form_of_errors),
        ),
        Reading::SearchNotRun => (
            "An interaction with a search for pictures runs it, and is completed.",
            ask(
                interaction(
                    NEW,
                    SEARCH.into(),
                    json!({ "tools": [{ "type": "google_search", "search_types": ["image_search"] }] }),
                    Price::Picture(Drawn { queries: QUERIES, ..of(NEW) }),
                ),
                judge::search_was_run,
            ),
        ),
        Reading::LargeBatches => (
            "What a batch brings within its request may be 20 MB.",
            // It holds no request, so it is refused in any case, and nothing is drawn.
            ask(
                Question::post(
                    format!("v1beta/models/{LITE}:batchGenerateContent"),
                    json!({ "batch": { "displayName": "a".repeat(TOO_LONG) } }),
                    Price::Free,
                ),
                judge::size_of_batches,
            ),
        ),
    }
}
