//! Proofs about the reader of event streams over made-up replies: it gives what a plain reader of
//! events and the splitter give together, and it never matters where the bytes were cut.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::convert::Infallible;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use nanobanana::internals::{Cut, Limits, Splitter, Sse};
use proptest::prelude::*;

/// The values that came, and the error that they ended with.
type Read = (Vec<Cut>, Option<String>);

/// Reads `bytes` in pieces whose sizes come from `size`.
fn read(bytes: &[u8], mut size: impl FnMut() -> usize) -> Read {
    let mut sse = Sse::new(Limits::default());
    let mut cuts = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (mut piece, later) = rest.split_at(size().clamp(1, rest.len()));
        rest = later;
        while !piece.is_empty() {
            match sse.feed(piece) {
                Ok(eaten) => piece = &piece[eaten..],
                Err(error) => return (cuts, Some(error.to_string())),
            }
            cuts.extend(sse.take());
        }
    }
    match sse.finish() {
        Ok(last) => cuts.extend(last),
        Err(error) => return (cuts, Some(error.to_string())),
    }
    (cuts, None)
}

fn read_in_all_cuts(bytes: &[u8], seed: u64) -> Read {
    let mut random = fastrand::Rng::with_seed(seed);
    let most = [1, 2, 5, 40, 3000][random.usize(..5)];
    let result = read(bytes, || random.usize(1..=most));
    assert_eq!(read(bytes, || bytes.len()), result);
    assert_eq!(read(bytes, || 1), result);
    result
}

/// What the splitter alone makes of an event's data.
fn split(data: &str) -> Result<Vec<Cut>, String> {
    let mut splitter = Splitter::new(Limits::default(), None);
    let mut cuts = Vec::new();
    // Only at the start of the whole reply may a byte order mark stand.
    splitter.feed(b" ").unwrap();
    let mut rest = data.as_bytes();
    while !rest.is_empty() {
        let eaten = splitter.feed(rest).map_err(|error| error.to_string())?;
        rest = &rest[eaten..];
        cuts.extend(splitter.take());
    }
    cuts.extend(splitter.finish().map_err(|error| error.to_string())?);
    Ok(cuts)
}

/// What another reader of events and the splitter make of the same bytes; an error if the data of
/// an event is not JSON. `[DONE]` beside other data is left to us to judge.
fn oracle(bytes: &[u8]) -> Option<Result<Vec<Cut>, String>> {
    // It wants a blank line after the last event; two, for the first may end a line.
    let bytes = [bytes, b"\n\n"].concat();
    let pieces = stream::iter([Ok::<_, Infallible>(bytes::Bytes::from(bytes))]);
    let events: Vec<_> = sse_stream::SseByteStream::new(pieces).collect().now_or_never().unwrap();
    let mut cuts = Vec::new();
    for event in events {
        // It insists on UTF-8 where we do not look.
        let data = event.ok()?.data.unwrap_or_default();
        match data.contains("[DONE]").then(|| data.trim()) {
            None => match split(&data) {
                Ok(values) => cuts.extend(values),
                Err(error) => return Some(Err(error)),
            },
            Some("[DONE]") => {}
            Some(_) => return None,
        }
    }
    Some(Ok(cuts))
}

const ENDS: [&str; 3] = ["\n", "\r\n", "\r"];

/// What stands between the lines of an event and means nothing.
const NOISE: [&str; 9] =
    [":", ": data: 1", "event: message", "id: 7", "retry: 10", "id", "x: {}", "  ", "DATA: 1"];

/// Replies in the service's form.
#[derive(Debug, Clone)]
enum Value {
    Text(String),
    Picture(Vec<u8>),
    /// Each in an array of its own, as errors come at times.
    List(Vec<Value>),
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<String>().prop_map(Value::Text),
        prop::collection::vec(any::<u8>(), 0..3000).prop_map(Value::Picture),
    ];
    leaf.prop_recursive(1, 3, 3, |inner| prop::collection::vec(inner, 0..3).prop_map(Value::List))
}

/// The value as tokens, between which JSON may be broken.
fn tokens(value: &Value) -> Vec<String> {
    match value {
        Value::Text(text) => {
            let text = serde_json::to_string(text).unwrap();
            ["{", "\"text\"", ":", &text, ",", "\"n\"", ":", "-1.5e3", "}"].map(str::to_owned).to_vec()
        }
        Value::Picture(bytes) => {
            let data = format!("\"{}\"", STANDARD.encode(bytes));
            ["{", "\"inlineData\"", ":", "{", "\"data\"", ":", &data, "}", "}"].map(str::to_owned).to_vec()
        }
        Value::List(values) => {
            let mut list = vec!["[".to_owned()];
            for (at, value) in values.iter().enumerate() {
                list.extend((at > 0).then(|| ",".to_owned()));
                list.extend(tokens(value));
            }
            list.push("]".to_owned());
            list
        }
    }
}

/// Writes a stream of events in every way in which one can be written, and the values in it.
struct Writer {
    random: fastrand::Rng,
    /// The line ends that are used.
    ends: Vec<&'static str>,
    out: String,
    expected: Vec<Cut>,
}

impl Writer {
    fn new(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let ends = match random.usize(..4) {
            3 => ENDS.to_vec(),
            one => vec![ENDS[one]],
        };
        let out = if random.bool() { "\u{feff}".to_owned() } else { String::new() };
        Writer { random, ends, out, expected: Vec::new() }
    }

    fn end(&mut self) {
        // An LF right behind a CR would be no line end of its own.
        let end = self.ends[self.random.usize(..self.ends.len())];
        self.out.push_str(if self.out.ends_with('\r') && end == "\n" { "\r" } else { end });
    }

    fn line(&mut self, line: &str) {
        self.out.push_str(line);
        self.end();
    }

    fn noise(&mut self) {
        while self.random.u8(..) < 60 {
            let at = self.random.usize(..NOISE.len());
            self.line(NOISE[at]);
        }
    }

    fn event(&mut self, value: &Value) {
        let mut lines = vec![String::new()];
        for token in tokens(value) {
            if self.random.u8(..) < 30 {
                lines.push([" ", "", "\t"][self.random.usize(..3)].to_owned());
            }
            lines.last_mut().unwrap().push_str(&token);
        }
        self.expected.extend(split(&lines.join("\n")).unwrap());
        self.noise();
        for line in lines {
            let space = if line.starts_with(' ') || self.random.bool() { " " } else { "" };
            self.line(&format!("data:{space}{line}"));
            self.noise();
        }
    }

    fn write(&mut self, values: &[Value]) {
        for (at, value) in values.iter().enumerate() {
            self.event(value);
            let is_last = at + 1 == values.len();
            if self.random.u8(..) < 30 {
                self.end();
                self.line("data: [DONE]");
            }
            if !is_last || self.random.bool() {
                self.end();
            }
            if self.random.u8(..) < 30 {
                self.end();
                let plain = tokens(value).join("\n\n ");
                self.expected.extend(split(&plain).unwrap());
                self.line(&format!(" {plain}"));
            }
        }
        if self.random.bool() {
            self.out.truncate(self.out.trim_end_matches(['\r', '\n']).len());
        }
    }
}

/// Pieces of streams, so that random rows of them go into every corner.
const FRAGMENTS: [&[u8]; 40] = [
    b"data: ",
    b"data:",
    b"data",
    b"da",
    b"\n",
    b"\n",
    b"\r",
    b"\r\n",
    b"\n\n",
    b" ",
    b"\t",
    b":",
    b"event: a",
    b"id",
    b"retry: 1",
    b"x",
    b"<html>",
    b"[DONE]",
    b"[",
    b"[DO",
    b"NE]",
    b"]",
    b"{",
    b"}",
    b"{}",
    b"{\"a\":",
    b"1",
    b"12.5",
    b"-",
    b"nu",
    b"ll",
    b"\"a",
    b"\"",
    b",",
    b"\xef\xbb\xbf",
    b"\xef",
    b"\xff",
    b"{\"inlineData\":{\"data\":\"QUJD",
    b"QUJD",
    b"\"}}",
];

/// Lines that are not plain JSON.
fn lines() -> impl Strategy<Value = Vec<u8>> {
    let starts = ["data: ", "data:", "data: ", "data: {\"a\":1", "data: [", "", ":", "event: ", "data"];
    let fragment = prop::sample::select(&FRAGMENTS[..])
        .prop_filter("no line end", |fragment| !fragment.iter().any(|byte| b"\r\n".contains(byte)));
    let start = prop::sample::select(starts.to_vec());
    let end = prop::sample::select(&ENDS[..]);
    (start, prop::collection::vec(fragment, 0..3), end).prop_map(|(start, row, end)| {
        let line = [start.as_bytes(), &row.concat()].concat();
        let text = line.trim_ascii_start();
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text).trim_ascii_start();
        let start: &[u8] = if text.starts_with(b"{") || text.starts_with(b"[") { b"data:" } else { b"" };
        [start, &line, end.as_bytes()].concat()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_stream_gives_what_the_splitter_gives_of_each_event(
        values in prop::collection::vec(values(), 0..6), style in any::<u64>(),
    ) {
        let mut writer = Writer::new(style);
        writer.write(&values);
        prop_assert_eq!(read_in_all_cuts(writer.out.as_bytes(), style), (writer.expected, None));
    }

    #[test]
    fn cuts_make_no_difference_to_anything(
        row in prop::collection::vec(prop::sample::select(&FRAGMENTS[..]), 0..24), seed in any::<u64>(),
    ) {
        read_in_all_cuts(&row.concat(), seed);
    }

    #[test]
    fn any_bytes_do(bytes in prop::collection::vec(any::<u8>(), 0..200), seed in any::<u64>()) {
        read_in_all_cuts(&bytes, seed);
    }

    /// Events as the standard has them: no plain JSON, and each whole.
    #[test]
    fn another_reader_of_events_agrees(lines in prop::collection::vec(lines(), 0..12), seed in any::<u64>()) {
        let stream = lines.concat();
        let (cuts, error) = read_in_all_cuts(&stream, seed);
        match oracle(&stream) {
            None => {}
            // What is no stream of events at all is passed over by the one and refused by the other.
            Some(Ok(expected)) if error.as_ref().is_some_and(|error| error.ends_with("not a stream of events")) => {
                prop_assert!(expected.is_empty());
            }
            Some(Ok(expected)) => prop_assert_eq!((cuts, error), (expected, None)),
            Some(Err(_)) => prop_assert!(error.is_some()),
        }
    }
}
