//! The names that a step of a script may hold: the one list of them, from which come the reader's checks, the types in
//! Python and TypeScript, and the documentation.

use super::script::CALLS;

/// What a name is about, which is also how the documentation is parted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// Which requests, or a reply byte for byte.
    Reply,
    /// The things of a usual answer, of which one step may have several.
    Answer,
    /// The way over the line.
    Line,
}

use About::{Answer, Line, Reply};

/// One name: what it is about, its types in Python and TypeScript, and what it means.
pub type Row = (&'static str, About, &'static str, &'static str, &'static str);

const MAP: (&str, &str) = ("dict[str, Any]", "Record<string, unknown>");
const LIST: (&str, &str) = ("Sequence[Any]", "ReadonlyArray<unknown>");
const TEXT: (&str, &str) = ("str", "string");
const NUMBER: (&str, &str) = ("int", "number");
const SECONDS: (&str, &str) = ("float", "number");
const FLAG: (&str, &str) = ("bool", "boolean");

const fn row(
    name: &'static str,
    about: About,
    types: (&'static str, &'static str),
    doc: &'static str,
) -> Row {
    (name, about, types.0, types.1, doc)
}

/// Every name, in the order in which they are told.
pub const ROWS: [Row; 33] = [
    row("status", Reply, NUMBER, "the HTTP status; 300 and more alone is an error of that status"),
    row(
        "error",
        Reply,
        MAP,
        "`{\"status\", \"message\", \"details\"}` in the service's form; without the step's `status` a word such as `\"RESOURCE_EXHAUSTED\"` says the HTTP status",
    ),
    row(
        "json",
        Reply,
        ("Any", "unknown"),
        "a body; `{\"$image\": \"png 8x8\"}` in it becomes a picture in base64; in a stream it is an event, and a list is one event for each item",
    ),
    row("body", Reply, TEXT, "a body byte for byte"),
    row("body_base64", Reply, TEXT, "the same, in base64"),
    row("hang", Reply, FLAG, "no answer until the client goes"),
    row(
        "match",
        Reply,
        ("_ScriptMatch", "ScriptMatch"),
        "`{\"prompt\": \"…\", \"model\": \"…\", \"seed\": 7}`: only for a request whose words hold this, to this model, with this seed; `{\"path\": \"…\"}`: for any whose path holds this; `{\"call\": \"…\"}`: for a request of this kind: $calls (`batch_request` is one of those that a batch is made of, whose path is `batches/ID`)",
    ),
    row(
        "drift",
        Reply,
        SECONDS,
        "how much its own answer to an edit with a mask drifts: 0 not at all, 1 as if nothing is said, up to 4",
    ),
    row(
        "times",
        Reply,
        ("int | Literal[\"always\"]", "number | 'always'"),
        "how many requests the step is for, one by one, or `\"always\"`; 1 if nothing is said",
    ),
    row(
        "share",
        Reply,
        SECONDS,
        "the step is for this part of the requests (0.05 is one in twenty), drawn by lot; always, unless `times` ends it",
    ),
    row("share_seed", Reply, NUMBER, "the same ones for the same seed; 0 if nothing is said"),
    row(
        "thoughts",
        Answer,
        LIST,
        "a list of texts and of pictures (`{\"$image\": \"png 8x8\"}`); each is an event",
    ),
    row("text", Answer, TEXT, "words; two or three events"),
    row("image", Answer, TEXT, "a picture (`\"jpeg 64x48\"`); it is an event"),
    row("images", Answer, ("Sequence[str]", "ReadonlyArray<string>"), "several; each is an event"),
    row("text_after", Answer, TEXT, "words after the pictures"),
    row(
        "grounding",
        Answer,
        ("Literal[True] | dict[str, Any]", "true | Record<string, unknown>"),
        "`true` for made-up metadata, or a map",
    ),
    row(
        "finish_reason",
        Answer,
        TEXT,
        "the end; `STOP` without one, and only `STOP` has the last part with a signature",
    ),
    row("finish_message", Answer, TEXT, "what is said of it"),
    row(
        "continuation",
        Answer,
        TEXT,
        "a token: the end is `CONTINUATION`, and a request with that token is taken afterwards. It goes out in base64, as the service's does; a text that is in base64 already as it is",
    ),
    row("ratings", Answer, LIST, "`[{\"category\", \"probability\", \"blocked\"}]`, in the end"),
    row(
        "block_reason",
        Answer,
        TEXT,
        "no answer but this feedback on the prompt, with `ratings` if there are any",
    ),
    row("model_status", Answer, MAP, "`{\"message\", \"modelStage\", \"retirementTime\"}`, in every event"),
    row("headers", Line, MAP, "added to the reply"),
    row("delay", Line, SECONDS, "seconds before the reply begins"),
    row("event_pause", Line, SECONDS, "seconds between two events of a stream"),
    row("chunk", Line, NUMBER, "bytes in one write"),
    row("pause", Line, SECONDS, "seconds between two writes"),
    row(
        "cut",
        Line,
        ("int | Literal[\"headers\"]", "number | 'headers'"),
        "the line breaks after this many bytes of the body, or before `\"headers\"`: the connection is reset; with HTTP/2 only the stream",
    ),
    row(
        "stall",
        Line,
        NUMBER,
        "after this many bytes of the body nothing more comes, nor the end, until the client goes",
    ),
    row(
        "length",
        Line,
        NUMBER,
        "the `content-length` is off by so many bytes: with more, the body ends early and the connection with it; with fewer, the body is cut to fit. With HTTP/2, where the end is marked otherwise, the whole body goes out, and a client refuses the stream",
    ),
    row(
        "goaway",
        Line,
        FLAG,
        "with HTTP/2 this request is refused (`REFUSED_STREAM`: nothing was done with it) and the connection takes no others (`GOAWAY`), but ends those under way; with HTTP/1.1 the connection closes after the answer",
    ),
    row("gzip", Line, FLAG, "the body is compressed; a stream so that each event can be read when it comes"),
];

/// What `match` may hold, beside `call`, which is one of [`CALLS`].
const MATCH: [(&str, (&str, &str), &str); 4] = [
    ("prompt", TEXT, "words that the request holds"),
    ("model", TEXT, "the model that it is for"),
    ("seed", NUMBER, "its seed"),
    ("path", TEXT, "what its path holds"),
];

/// The names of `match` with their types in Python and TypeScript, and what they mean.
pub fn matched() -> Vec<(&'static str, String, String, &'static str)> {
    let row = |(name, (python, typescript), doc): (_, (&str, &str), _)| {
        (name, python.to_owned(), typescript.to_owned(), doc)
    };
    let (python, typescript) = (CALLS.map(|call| format!("{call:?}")), CALLS.map(|call| format!("'{call}'")));
    let lines = format!("Literal[\n        {},\n    ]", python.join(",\n        "));
    let call = ("call", lines, typescript.join(" | "), "its kind");
    MATCH.into_iter().map(row).chain([call]).collect()
}

/// The names, in their order.
pub fn names() -> impl Iterator<Item = &'static str> {
    ROWS.iter().map(|(name, ..)| *name)
}

/// The names of a usual answer's things.
pub fn of_answers() -> impl Iterator<Item = &'static str> {
    ROWS.iter().filter(|(_, about, ..)| *about == Answer).map(|(name, ..)| *name)
}

/// The rows with their meanings told whole: what the generators see.
pub fn told() -> Vec<(&'static str, About, &'static str, &'static str, String)> {
    let calls = CALLS.map(|call| format!("`{call}`")).join(", ");
    ROWS.iter()
        .map(|(name, about, python, typescript, doc)| {
            (*name, *about, *python, *typescript, doc.replace("$calls", &calls))
        })
        .collect()
}
