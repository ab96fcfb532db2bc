//! What comes back from a call.
//!
//! One row per field gives the Rust struct, its JSON, and the classes of Python and TypeScript.
//! Pictures are never in that JSON: they cross a binding's border beside it, in the order in which
//! they stand in it (see [`Generation::pictures`]).

pub use nanobanana_base::catalogue::Estimate;
use serde_json::Value;

use crate::error::{Attempt, Error, NoImage, Usage};
use crate::image::Image;
use crate::message::Message;
use crate::schema::{Case, Seconds, Write, record};

record! {
    /// What the model thought before it drew; asked for with `thoughts`.
    pub struct Thoughts {
        /// Its thoughts in words; empty if none came.
        text: String,
        /// Its drafts, in order. The last one usually equals the final picture.
        images: Vec<Image>,
    }
}

record! {
    /// One page or picture that the answer draws on.
    pub struct Source {
        /// The page's title.
        title: Option<String>,
        /// The page's address. Where pictures from a search are shown, it must be linked.
        uri: Option<String>,
        /// The picture's own address, if the source is a picture.
        image_uri: Option<String>,
    }
}

record! {
    /// A stretch of the answer's text and the sources behind it.
    pub struct Span {
        /// Where it begins, in bytes of UTF-8 in its part.
        start: u64,
        /// Where it ends, in bytes of UTF-8 in its part.
        end: u64,
        /// The text itself.
        text: String,
        /// Indexes into `sources`.
        sources: Vec<u64>,
    }
}

record! {
    /// What the model searched for and found.
    pub struct Grounding {
        /// The searches of the web.
        queries: Vec<String>,
        /// The searches for pictures.
        image_queries: Vec<String>,
        /// What was found.
        sources: Vec<Source>,
        /// Google's search suggestions as HTML; its terms ask that they are shown.
        html: Option<String>,
        /// Which text rests on which sources.
        spans: Vec<Span>,
    }
}

record! {
    /// How a model's picture was laid on the picture that it was to change within a mask.
    pub struct MaskedEdit without Default {
        /// The model's picture as it came.
        model_image: Image,
        /// How much the model changed each pixel, within the mask and outside: a grey PNG of the first
        /// picture's size, 0 where nothing changed. None if it could not be made, and for an item of an
        /// earlier run.
        change_map: Option<Image>,
        /// How much the model changed what lies outside of the mask: 0 for not at all, 1 for black that
        /// became white. It is the mean difference over all pixels and channels there, after the model's
        /// picture was laid in place and its colours were matched. None if it is not known.
        leak: Option<f64>,
        /// By how many pixels of the first picture the model had moved it, right and down; that is undone.
        /// Empty if it is not known.
        shift: Vec<f64>,
        /// How much larger the model had drawn it; 1 is the same size. That is undone, too.
        scale: Option<f64>,
    }
}

record! {
    /// What a call gave: pictures, text, and all that the service said about them.
    pub struct Generation as "Result" {
        /// The final pictures of all candidates, in order.
        images: Vec<Image>,
        /// For each of these pictures, if it is an edit with a mask, what became of the model's picture.
        masked: Vec<MaskedEdit>,
        /// The text that came beside them; empty if none did.
        text: String,
        /// What the model thought, if it was asked to tell.
        thoughts: Thoughts,
        /// The tokens that were used.
        usage: Usage,
        /// The price in USD, from the tokens and the tier that served; none if the prices are
        /// not known.
        cost: Option<f64>,
        /// What the model searched for and found, if it was allowed to.
        grounding: Option<Grounding>,
        /// Why the answer ended, as the service names it.
        finish_reason: Option<String>,
        /// The model that answered, as the service names it.
        model: String,
        /// The service's id of the answer.
        response_id: Option<String>,
        /// The service's id of the request that was answered, as its head names it; none if it did not, and for
        /// an answer from the cache.
        request_id: Option<String>,
        /// The headers of that answer that tell of the service's limits: `retry-after`, and those whose names
        /// begin with `x-ratelimit-` or `ratelimit`. Empty if it sent none.
        rate_limits: std::collections::BTreeMap<String, String>,
        /// What was sent, in order.
        attempts: Vec<Attempt>,
        /// The number of the call, as its events have it; none for an item that an earlier run has made.
        call: Option<u64>,
        /// What the caller should know, in sentences.
        warnings: Vec<Message>,
        /// Of `n` pictures, why the missing ones are missing.
        errors: Vec<Error>,
        /// Whether it came from a cache instead of the service.
        cached: bool,
        /// The reply's JSON; in place of a picture's bytes stands its number in the reply.
        raw: Value,
    }
}

impl Generation {
    /// The first final picture.
    ///
    /// # Errors
    /// [`Kind::NoImageError`](crate::error::Kind::NoImageError) if there is none, which only a chat's text-only answer can be.
    pub fn image(&self) -> Result<&Image, Error> {
        self.images.first().ok_or_else(|| {
            let detail = NoImage {
                text: Some(self.text.clone()),
                finish_reason: self.finish_reason.clone(),
                ..NoImage::default()
            };
            Error::no_image("this answer holds text only; `text` has it", detail)
        })
    }

    /// Of an edit with a mask, the model's first picture as it came.
    pub fn model_image(&self) -> Option<&Image> {
        Some(&self.masked.first()?.model_image)
    }

    /// Of an edit with a mask, how much the model changed each pixel: see [`MaskedEdit`].
    pub fn change_map(&self) -> Option<&Image> {
        self.masked.first()?.change_map.as_ref()
    }

    /// Of an edit with a mask, how much the model changed outside of it, 0 to 1: see [`MaskedEdit`].
    pub fn leak(&self) -> Option<f64> {
        self.masked.first()?.leak
    }

    /// Every picture of the record, in the order in which they stand in its JSON.
    pub fn pictures(&self) -> impl Iterator<Item = &Image> {
        let of_masks =
            self.masked.iter().flat_map(|masked| [&masked.model_image].into_iter().chain(&masked.change_map));
        self.images.iter().chain(of_masks).chain(&self.thoughts.images)
    }
}

record! {
    /// What came of one item of `generate_many`.
    pub struct Outcome {
        /// The item's place among the items, from 0.
        index: u64,
        /// The item's id, if it has one.
        id: Option<String>,
        /// Whether there is a result; otherwise there is an error.
        ok: bool,
        /// What the call gave.
        result: Option<Generation>,
        /// Why it failed.
        error: Option<Error>,
        /// Whether it was done in an earlier run and costs nothing now.
        cached: bool,
        /// Where its pictures are: those that were written, in the order of `result.images`.
        files: Vec<String>,
        /// What the journal knows it by: its id, or the hash of all that is sent; of equal items each
        /// but the first has its number behind it. Empty if the item failed before that was known.
        key: String,
    }
}

impl Outcome {
    /// Every picture of the record, in the order in which they stand in its JSON.
    pub fn pictures(&self) -> Vec<Image> {
        let of_result = self.result.iter().flat_map(|result| {
            result
                .pictures()
                .cloned()
                .chain(result.errors.iter().flat_map(Error::pictures))
                .collect::<Vec<_>>()
        });
        of_result.chain(self.error.iter().flat_map(Error::pictures)).collect()
    }
}

record! {
    /// How far a run of `generate_many` is.
    pub struct Progress {
        /// Items that are done, those of earlier runs included.
        done: u64,
        /// Items that failed.
        failed: u64,
        /// Items under way: waiting for their turn or for the service.
        waiting: u64,
        /// How many items there are, if that is known.
        total: Option<u64>,
        /// What this run has cost so far, in USD; calls whose price is not known are left out.
        cost: f64,
        /// How long the rest will take at the pace so far, if that can be said.
        left: Option<Seconds>,
    }
}

record! {
    /// One turn of a conversation.
    pub struct ChatTurn {
        /// Who spoke: "user" or "model".
        role: String,
        /// The words; empty if there were none.
        text: String,
        /// The pictures, in order.
        images: Vec<Image>,
        /// What was attached, as its type and size; and what was named only, as its URI.
        files: Vec<String>,
    }
}

record! {
    /// The model thinks: some words, or a draft.
    pub struct ThoughtEvent {
        /// Its thought in words.
        text: Option<String>,
        /// Its draft.
        image: Option<Image>,
    }
}

record! {
    /// Some of the answer's text.
    pub struct TextEvent {
        /// The next words.
        text: String,
    }
}

record! {
    /// A final picture.
    pub struct ImageEvent without Default {
        /// The picture.
        image: Image,
    }
}

record! {
    /// The end: all that came, put together as a call without a stream would give it.
    pub struct DoneEvent {
        /// The result.
        result: Generation,
    }
}

/// What a stream gives, as it arrives.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// The model thinks.
    Thought(ThoughtEvent),
    /// Some of the answer's text.
    Text(TextEvent),
    /// A final picture.
    Image(ImageEvent),
    /// The end.
    Done(Box<DoneEvent>),
}

impl Event {
    /// The event's name: "thought", "text", "image" or "done".
    pub fn name(&self) -> &'static str {
        match self {
            Event::Thought(_) => "thought",
            Event::Text(_) => "text",
            Event::Image(_) => "image",
            Event::Done(_) => "done",
        }
    }

    /// Its pictures, in the order in which they stand in its JSON.
    pub fn pictures(&self) -> Vec<Image> {
        match self {
            Event::Thought(event) => event.image.iter().cloned().collect(),
            Event::Text(_) => Vec::new(),
            Event::Image(event) => vec![event.image.clone()],
            Event::Done(event) => event.result.pictures().cloned().collect(),
        }
    }
}

impl Write for Event {
    /// The event's record, with its name as `type`.
    fn write(&self, case: Case) -> Value {
        let mut json = match self {
            Event::Thought(event) => event.write(case),
            Event::Text(event) => event.write(case),
            Event::Image(event) => event.write(case),
            Event::Done(event) => event.write(case),
        };
        if let Some(map) = json.as_object_mut() {
            map.insert("type".to_owned(), self.name().into());
        }
        json
    }
}

record! {
    /// A request of which it is not known whether it was billed.
    pub struct UnknownCall {
        /// When that was found, in UTC, as `2026-11-24T20:44:39.123Z`.
        when: String,
        /// The id of the model.
        model: String,
        /// Why it is not known, in a few words.
        reason: String,
    }
}

record! {
    /// What a client and its copies have spent in this process, in USD.
    pub struct Spent {
        /// What the answered requests cost, in USD. One whose price is not known counts with what was set
        /// aside for it, if anything was.
        usd: f64,
        /// How many requests were answered, and so paid for.
        calls: u64,
        /// What is set aside for requests under way, in USD.
        pending_usd: f64,
        /// Of how many requests it is not known whether they were billed.
        unknown: u64,
        /// What is kept for those, in USD: their typical price.
        unknown_usd: f64,
        /// Which those were; the last 100.
        unknown_calls: Vec<UnknownCall>,
        /// How many of the answered requests have a price that is not known.
        unpriced: u64,
        /// What the budget has left for further requests, in USD; none without one for all of them.
        remaining_usd: Option<f64>,
    }
}

record! {
    /// A file that was uploaded to the Files API. Its project alone can use it; it lives 48 hours, and is free.
    pub struct File {
        /// What the service calls it: "files/" and up to 40 lower case letters, digits and dashes.
        name: String,
        /// Its address, which is what goes into a request.
        uri: String,
        /// What it is, for example "image/png".
        mime_type: String,
        /// How many bytes it has.
        size_bytes: Option<u64>,
        /// "PROCESSING", "ACTIVE" (it can be used) or "FAILED".
        state: String,
        /// What its owner calls it.
        display_name: Option<String>,
        /// When it was uploaded, in UTC, as `2026-11-24T20:44:39.123Z`.
        create_time: Option<String>,
        /// When it was last changed.
        update_time: Option<String>,
        /// When the service deletes it.
        expiration_time: Option<String>,
        /// The SHA-256 of its bytes in base64, as the service tells it.
        sha256: Option<String>,
        /// How it came: "UPLOADED", "GENERATED" or "REGISTERED".
        source: Option<String>,
        /// Why it cannot be used, if it is FAILED.
        error: Option<String>,
    }
}

impl File {
    /// The file that was written by [`Write`], or that the service describes: it writes a number as a text, an
    /// error as a map, and has a longer name for the hash.
    pub fn read(json: &Value, case: Case) -> Self {
        let field = |name: &str| json.get(&*case.name(name)).filter(|value| !value.is_null());
        let text = |name: &str| field(name).and_then(Value::as_str).map(str::to_owned);
        let error = field("error").map(|error| error.get("message").unwrap_or(error));
        File {
            name: text("name").unwrap_or_default(),
            uri: text("uri").unwrap_or_default(),
            mime_type: text("mime_type").unwrap_or_default(),
            size_bytes: field("size_bytes").and_then(|size| size.as_u64().or(size.as_str()?.parse().ok())),
            state: text("state").unwrap_or_default(),
            display_name: text("display_name"),
            create_time: text("create_time"),
            update_time: text("update_time"),
            expiration_time: text("expiration_time"),
            sha256: text("sha256").or_else(|| text("sha256_hash")),
            source: text("source"),
            error: error.and_then(Value::as_str).map(str::to_owned),
        }
    }
}

record! {
    /// How many tokens a request would send.
    pub struct TokenCount {
        /// All of them.
        total_tokens: u64,
        /// Those that the service has cached.
        cached_tokens: u64,
        /// Those of words.
        text_tokens: u64,
        /// Those of pictures.
        image_tokens: u64,
        /// Those of videos.
        video_tokens: u64,
        /// Those of sound.
        audio_tokens: u64,
        /// Those of documents.
        document_tokens: u64,
        /// What the caller should know about the options, in sentences.
        warnings: Vec<Message>,
    }
}

record! {
    /// A picture's file or pixels in numbers.
    pub struct PictureFacts {
        /// Its type, for example "image/png"; none for pixels that were never a file, and where it is not known.
        mime_type: Option<String>,
        /// Its width in pixels, as it is seen; none where that is not known.
        width: Option<u32>,
        /// Its height in pixels, as it is seen; none where that is not known.
        height: Option<u32>,
        /// How many bytes it has; none where that is not known.
        bytes: Option<u64>,
    }
}

record! {
    /// What becomes of one picture before it is sent, and why.
    pub struct InputPlan {
        /// Which of the call's pictures it is, from 0: those of the prompt first, then `images`.
        index: u64,
        /// The picture as it was named, or what it is.
        input: String,
        /// "as it is" (the very bytes), "by reference" (the service fetches it), or what was done for its
        /// sake: "encoded" (pixels became a file), "converted" (another type or other colours), "turned"
        /// (upright, as its EXIF says), "shrunk" (fewer pixels or bytes). Of several the last of these.
        action: String,
        /// What was handed in.
        given: PictureFacts,
        /// What is sent.
        sent: PictureFacts,
        /// Whether something of it is lost: colours, sharpness, frames or pixels.
        lossy: bool,
        /// What is done and for what reason, in sentences.
        why: Vec<Message>,
    }
}

record! {
    /// What a call would send.
    pub struct Explained {
        /// The id of the model.
        model: String,
        /// What becomes of each picture, in the order in which they are sent.
        inputs: Vec<InputPlan>,
        /// How many bytes one request would have.
        body_bytes: u64,
        /// What the caller should know about the options and the pictures, in sentences.
        warnings: Vec<Message>,
    }
}
