//! No public type shows a secret in its debug output: keys, headers, passwords of URLs, signed queries, bytes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::array::{Array, Opened, Sample};
use crate::call::events::ClientEvent;
use crate::catalogue::{Catalogue, Checked};
use crate::client::Client;
use crate::door::{Answer, Door};
use crate::error::{Arrived, Attempt, Detail, Error, Kind, Partial, Status, Usage};
use crate::http::key::Key;
use crate::image::{Image, Pixels};
use crate::input::{Input, Place};
use crate::many::{Item, Step};
use crate::message::Message;
use crate::options::*;
use crate::provenance::{Mark, Provenance};
use crate::records::*;
use crate::schema::*;

/// Stands in every place where a secret may be.
const SECRET: &str = "canary";
/// An address with a password and a signature, as it may stand in any text.
const SIGNED: &str =
    "at https://me:canary@host.example/a%20b.png?X-Goog-Signature=canary&x=1,2;canary#canary, see there";

fn bytes() -> Vec<u8> {
    SECRET.as_bytes().repeat(60)
}

fn base64() -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes())
}

fn image() -> Image {
    Image::restore(bytes(), "image/png", None)
}

fn signed() -> String {
    SIGNED.to_owned()
}

fn raw() -> Value {
    json!({ "fileData": { "fileUri": SIGNED }, "thoughtSignature": base64(), "list": [SIGNED] })
}

fn error() -> Error {
    let cause = std::io::Error::other(SIGNED);
    Error::api_status(SIGNED, status()).because(cause).saving(Some(partial()))
}

fn status() -> Status {
    Status { details: raw(), code: Some(signed()), ..Status::default() }
}

fn partial() -> Partial {
    let mut partial = Partial::default();
    partial.images = Arrived::from_iter([image()]);
    (partial.text, partial.thoughts, partial.links) = (signed(), signed(), vec![signed()]);
    partial
}

fn estimate() -> Estimate {
    let mut estimate = Estimate::default();
    estimate.warnings = vec![signed().into()];
    estimate
}

fn mark() -> Mark {
    let mut mark = Mark::default();
    (mark.claim, mark.generator) = (Some(signed()), Some(signed()));
    mark
}

fn attempt() -> Attempt {
    let mut attempt = Attempt::default();
    (attempt.reason, attempt.request_id) = (Some(signed().into()), Some(signed()));
    attempt
}

fn masked() -> MaskedEdit {
    MaskedEdit { model_image: image(), change_map: Some(image()), leak: None, shift: Vec::new(), scale: None }
}

fn grounding() -> Grounding {
    let source = Source { title: Some(signed()), uri: Some(signed()), image_uri: Some(signed()) };
    let span = Span { text: signed(), ..Span::default() };
    Grounding {
        queries: vec![signed()],
        image_queries: vec![signed()],
        sources: vec![source],
        html: Some(format!("<a href=\"{SIGNED}\">")),
        spans: vec![span],
    }
}

fn generation() -> Generation {
    Generation {
        images: vec![image()],
        masked: vec![masked()],
        text: signed(),
        thoughts: Thoughts { text: signed(), images: vec![image()] },
        grounding: Some(grounding()),
        finish_reason: Some(signed()),
        model: signed(),
        response_id: Some(signed()),
        attempts: vec![attempt()],
        warnings: vec![signed().into()],
        errors: vec![error()],
        raw: raw(),
        ..Generation::default()
    }
}

fn outcome() -> Outcome {
    Outcome {
        id: Some(signed()),
        result: Some(generation()),
        error: Some(error()),
        files: vec![signed()],
        key: signed(),
        ..Outcome::default()
    }
}

fn file() -> File {
    File { uri: signed(), display_name: Some(signed()), error: Some(signed()), ..File::default() }
}

fn headers() -> BTreeMap<String, String> {
    BTreeMap::from([("authorization".to_owned(), "Bearer canary".to_owned())])
}

fn generate() -> GenerateOptions {
    GenerateOptions::new()
        .headers(headers())
        .system(signed())
        .extra(extra())
        .labels(BTreeMap::from([("a".to_owned(), signed())]))
}

/// The same as a call takes them.
fn sendable() -> GenerateOptions {
    let mut options = generate();
    options.labels = None;
    options
}

fn extra() -> Map<String, Value> {
    raw().as_object().cloned().unwrap_or_default()
}

fn client_options() -> ClientOptions {
    ClientOptions::new()
        .api_key(SECRET)
        .headers(headers())
        .proxy("http://me:canary@host.example:3128")
        .base_url("https://me:canary@host.example/api")
        .cache(Cache::from(signed()))
}

fn inputs() -> Vec<Input> {
    let pixels = Pixels { width: 1, height: 1, channels: 3, data: bytes() };
    let array = || Array { shape: vec![360], sample: Sample::U8, data: bytes().into() };
    vec![
        Input::Text(signed()),
        Input::Named(SIGNED.trim_start_matches("at ").to_owned()),
        Input::Named(format!("data:image/png;base64,{}", base64())),
        Input::Named(format!("data:image/png,{SECRET}")),
        Input::Bytes(bytes().into()),
        Input::Image(image()),
        Input::Pixels(pixels.clone()),
        Input::File(Box::new(file())),
        Input::Array(array()),
        Input::Opened(opened()),
        Input::Reference(Box::new(Input::Bytes(bytes().into())), Reference::new().name(signed())),
        Input::Attachment(Box::new(Input::Bytes(bytes().into())), Attachment::new().mime_type(signed())),
        Input::mask(Input::Bytes(bytes().into()), EditOptions::new()),
    ]
}

fn opened() -> Opened {
    let array = Array { shape: vec![360], sample: Sample::U8, data: bytes().into() };
    Opened { profile: Some(bytes().into()), ..Opened::from(array) }
}

fn client() -> Client {
    let options = client_options().cache(Cache::from(std::env::temp_dir().display().to_string()));
    let mut bare = options;
    bare.cache = None;
    Client::new(bare).expect("a client")
}

fn item() -> Item {
    let mut item = Item::new(inputs()).id(SIGNED);
    item.options = generate();
    item
}

fn answer() -> Answer {
    Answer {
        json: raw(),
        pictures: vec![image()],
        door: Some(Door::Client(client())),
        warnings: vec![signed().into()],
    }
}

/// Every public type with secrets in all its places, by its name.
#[allow(clippy::too_many_lines)]
fn shown() -> Vec<(&'static str, Box<dyn Debug>)> {
    macro_rules! all {
        ($($name:ident: $value:expr,)*) => { vec![$((stringify!($name), Box::new($value) as Box<dyn Debug>)),*] };
    }
    let table = GenerateOptions::table();
    all! {
        Answer: answer(),
        Array: Array { shape: vec![360], sample: Sample::U8, data: bytes().into() },
        Arrived: partial().images,
        Attachment: Attachment::new().mime_type(signed()),
        Attempt: attempt(),
        Budget: Budget::from(1.0),
        Cache: Cache::from(signed()),
        Catalogue: Catalogue::builtin().clone(),
        ChatTurn: ChatTurn { role: "user".to_owned(), text: signed(), images: vec![image()], files: vec![signed()] },
        Chat: client().chat(sendable()).expect("a chat"),
        Checked: Checked { options: generate(), warnings: vec![signed().into()] },
        Client: client(),
        ClientEvent: ClientEvent {
            message: signed().into(),
            request_id: Some(signed()),
            reason: Some(signed().into()),
            ..ClientEvent::default()
        },
        ClientOptions: client_options(),
        Door: Door::Client(client()),
        Detail: Detail::Status(status()),
        DoneEvent: DoneEvent { result: generation() },
        EditOptions: EditOptions::new(),
        EmulatorOptions: EmulatorOptions::new().upstream("https://me:canary@host.example/?key=canary"),
        Encode: Encode::new(),
        Error: error(),
        Estimate: estimate(),
        Event: Event::Done(Box::new(DoneEvent { result: generation() })),
        EventStream: client().generate_stream(SIGNED, sendable()),
        Explained: Explained {
            inputs: vec![InputPlan { input: signed(), why: vec![signed().into()], ..InputPlan::default() }],
            warnings: vec![signed().into()],
            ..Explained::default()
        },
        Field: table.fields.clone(),
        File: file(),
        FileOptions: FileOptions::new(),
        Files: client().files(),
        Generation: generation(),
        GenerateOptions: generate(),
        Grounding: grounding(),
        Image: image(),
        ImageEvent: ImageEvent { image: image() },
        Input: inputs(),
        InputPlan: InputPlan { input: signed(), ..InputPlan::default() },
        Item: item(),
        Key: Key::from(Secret::from(SECRET)),
        KindRow: Kind::table(),
        Message: Message::from(signed()),
        Many: client().generate_many(sendable(), ManyOptions::new()).expect("a run"),
        ManyOptions: ManyOptions::new().save_to(signed()),
        Mark: mark(),
        MaskedEdit: masked(),
        ModelInfo: client().models(),
        Opened: opened(),
        Outcome: outcome(),
        Partial: partial(),
        PictureFacts: PictureFacts { mime_type: Some(signed()), ..PictureFacts::default() },
        Pixels: Pixels { width: 1, height: 1, channels: 3, data: bytes() },
        Place: Place::Picture(0),
        Progress: Progress::default(),
        Provenance: Provenance::default(),
        RecordOptions: RecordOptions::new().upstream("https://me:canary@host.example/?key=canary"),
        Reference: Reference::new().name(signed()),
        Region: Region::px(0, 0, 1, 1),
        Retry: Retry::new(),
        Seconds: Seconds(1.0),
        Secret: Secret::from(SECRET),
        Source: grounding().sources,
        Span: grounding().spans,
        Spent: Spent {
            unknown_calls: vec![UnknownCall { reason: signed(), ..UnknownCall::default() }],
            ..Spent::default()
        },
        Step: Step::Outcome(Box::new(outcome())),
        Table: table,
        TextEvent: TextEvent { text: signed() },
        ThoughtEvent: ThoughtEvent { text: Some(signed()), image: Some(image()) },
        Thoughts: generation().thoughts,
        Timeout: Timeout::new(),
        TokenCount: TokenCount { warnings: vec![signed().into()], ..TokenCount::default() },
        UnknownCall: UnknownCall { reason: signed(), ..UnknownCall::default() },
        UploadOptions: UploadOptions::new().display_name(signed()),
        Usage: Usage::default(),
    }
}

/// Types that hold nothing of a caller's, a service's or a file's but words of a list and numbers, and those that
/// have no debug output.
const PLAIN: &[&str] = &[
    // Words of the catalogue's own file.
    "Disputed",
    "Expected",
    "Gone",
    "Model",
    "PriceBySize",
    "Prices",
    "Range",
    "Rate",
    "Resolved",
    "RetiredId",
    "State",
    "ThinkingData",
    // Words of closed lists, ids of models, sizes and filters; where an option stands.
    "AspectRatio",
    "Attachments",
    "Billed",
    "Case",
    "EncodeFormat",
    "ImageSize",
    "Kind",
    "Masks",
    "Modalities",
    "OnUnsupported",
    "OutputFormat",
    "Reading",
    "Readings",
    "Record",
    "Role",
    "Safety",
    "Sample",
    "ServiceTier",
    "Thinking",
    "Unit",
    "Upload",
    "About",
    "At",
    // A status, or words of our own.
    "Stranger",
    // Its debug output is its address; `core/tests` opens one.
    "Emulator",
    // No debug output.
    "Elsewhere",
    "PerProcess",
    "Stream",
    // What a thread of a binding does, and that it is lost.
    "Lost",
    "Task",
    // The command's signals.
    "Signal",
    "Signals",
    // Pieces of messages, which show no more than a message.
    "Each",
    "OptionName",
    "Slot",
    "Slots",
    // Hidden, for the command; it has no debug output.
    "Once",
    // The veil itself.
    "Veil",
    // A trait.
    "IntoInputs",
];

/// The names of all types that the files of the public modules declare or hand on.
fn public() -> BTreeSet<String> {
    let read = |path: &Path| std::fs::read_to_string(path).unwrap_or_default();
    let mut texts: Vec<String> = Vec::new();
    for folder in ["src", "base/src", "emulator/src"] {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let library = read(&root.join("lib.rs"));
        let library = library.split("pub mod internals").next().unwrap_or_default();
        // Modules that are hidden from the docs are no part of the API.
        let lines = library.lines().zip(library.lines().skip(1));
        let open = lines.filter(|(before, _)| *before != "#[doc(hidden)]").map(|(_, line)| line);
        let modules = open.filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
        texts.extend(modules.map(|name| read(&root.join(format!("{name}.rs")))));
        texts.push(library.to_owned());
    }
    let mut names = BTreeSet::new();
    for text in &texts {
        let code = text.split("\n#[cfg(test)]\n").next().unwrap_or_default();
        for declared in code.split("pub struct ").chain(code.split("pub enum ")).skip(1) {
            let end = declared.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(declared.len());
            names.extend(declared.get(..end).map(str::to_owned));
        }
        for handed in code.split("pub use ").skip(1).filter_map(|rest| rest.split(';').next()) {
            names.extend(handed.split(|letter: char| !letter.is_ascii_alphanumeric()).map(str::to_owned));
        }
    }
    names.retain(|name| name.starts_with(|letter: char| letter.is_ascii_uppercase()));
    names
}

#[test]
fn no_public_type_shows_a_secret() {
    let numbers = bytes().iter().take(4).map(u8::to_string).collect::<Vec<_>>().join(", ");
    let of_base64 = base64().chars().take(24).collect::<String>();
    let mut leaks = Vec::new();
    for (name, value) in shown() {
        for text in [format!("{value:?}"), format!("{value:#?}")] {
            let plain = text.split_whitespace().collect::<Vec<_>>().join(" ");
            for secret in [SECRET, &numbers, &of_base64] {
                if plain.contains(secret) {
                    leaks.push(format!("{name} shows {secret}: {plain}"));
                }
            }
        }
    }
    assert!(leaks.is_empty(), "{leaks:#?}");
}

#[test]
fn every_public_type_is_looked_at() {
    let shown: BTreeSet<&str> = shown().into_iter().map(|(name, _)| name).collect();
    let public = public();
    assert!(public.len() > 60, "{public:?}");
    let missing: Vec<_> =
        public.iter().filter(|name| !shown.contains(&***name) && !PLAIN.contains(&&***name)).collect();
    assert!(missing.is_empty(), "give these a row in `shown`, with a secret in every place: {missing:?}");
}
