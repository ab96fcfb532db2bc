//! Proofs about the splitter over made-up replies: what it gives is what `serde_json` and a plain
//! base64 decoder give, and it never matters where the bytes were cut.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use nanobanana::internals::{Cut, Limits, Splitter};
use proptest::prelude::*;
use serde_json::Value;

/// Feeds `bytes` in pieces whose sizes come from `size`.
fn split(bytes: &[u8], mut size: impl FnMut() -> usize) -> (Vec<Cut>, Option<String>) {
    let mut splitter = Splitter::new(Limits::default(), None);
    let mut cuts = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (mut piece, later) = rest.split_at(size().clamp(1, rest.len()));
        rest = later;
        while !piece.is_empty() {
            match splitter.feed(piece) {
                Ok(eaten) => piece = &piece[eaten..],
                Err(error) => return (cuts, Some(error.to_string())),
            }
            cuts.extend(splitter.take());
        }
    }
    match splitter.finish() {
        Ok(last) => cuts.extend(last),
        Err(error) => return (cuts, Some(error.to_string())),
    }
    (cuts, None)
}

fn split_at_random(bytes: &[u8], seed: u64) -> (Vec<Cut>, Option<String>) {
    let mut random = fastrand::Rng::with_seed(seed);
    let most = [1, 2, 5, 40, 3000][random.usize(..5)];
    let result = split(bytes, || random.usize(1..=most));
    assert_eq!(split(bytes, || bytes.len()), result);
    assert_eq!(split(bytes, || 1), result);
    result
}

/// What `serde_json` makes of the same bytes; elements of a top-level array are values.
fn oracle(bytes: &[u8]) -> Option<Vec<Value>> {
    let mut values = Vec::new();
    for value in serde_json::Deserializer::from_slice(bytes).into_iter::<Value>() {
        match value.ok()? {
            Value::Array(elements) => values.extend(elements),
            value => values.push(value),
        }
    }
    Some(values)
}

fn plain_decode(text: &str) -> Vec<u8> {
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let plain: String = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| match c {
            '-' => '+',
            '_' => '/',
            c => c,
        })
        .collect();
    GeneralPurpose::new(&STANDARD, config).decode(plain).unwrap()
}

/// Puts the decoded length and bytes of each picture of `cut` where its hole is, and decodes the
/// pictures of `whole` in the same places, so that both can be compared.
fn fill(value: &mut Value, pictures: Option<&Cut>) {
    match value {
        Value::Array(elements) => elements.iter_mut().for_each(|element| fill(element, pictures)),
        Value::Object(fields) => {
            for (name, inner) in fields.iter_mut() {
                if matches!(name.as_str(), "inlineData" | "inline_data")
                    && let Some(data) = inner.as_object_mut().and_then(|inline| inline.get_mut("data"))
                {
                    match (&*data, pictures) {
                        (Value::Number(hole), Some(cut)) => {
                            let bytes = &cut.pictures[hole.as_u64().unwrap() as usize];
                            *data = format!("{bytes:?}").into();
                        }
                        (Value::String(text), None) => {
                            *data = format!("{:?}", bytes::Bytes::from(plain_decode(text))).into();
                        }
                        _ => {}
                    }
                }
                fill(inner, pictures);
            }
        }
        _ => {}
    }
}

#[derive(Debug, Clone)]
enum Doc {
    Atom(&'static str),
    Text(String),
    Array(Vec<Doc>),
    Object(Vec<(String, Doc)>),
    Picture(Vec<u8>),
}

const ATOMS: [&str; 12] = [
    "null",
    "true",
    "false",
    "0",
    "-0",
    "1.50",
    "-12e-3",
    "1E+2",
    "18446744073709551616",
    "0.1234567890123456789",
    "{}",
    "[]",
];

fn docs() -> impl Strategy<Value = Doc> {
    let leaf = prop_oneof![
        2 => prop::sample::select(&ATOMS[..]).prop_map(Doc::Atom),
        2 => any::<String>().prop_map(Doc::Text),
        3 => prop::collection::vec(any::<u8>(), 0..400).prop_map(Doc::Picture),
    ];
    let key = prop_oneof![
        4 => "[a-d]",
        1 => any::<String>(),
        2 => prop::sample::select(&["inlineData", "inline_data", "data", "parts"][..]).prop_map(str::to_owned),
    ];
    leaf.prop_recursive(6, 60, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Doc::Array),
            prop::collection::vec((key.clone(), inner), 0..6).prop_map(Doc::Object),
        ]
    })
}

/// Writes documents as JSON in every way that JSON allows.
struct Writer {
    random: fastrand::Rng,
    /// Whether pictures are pictures, or their keys are changed into others.
    pictures: bool,
    out: String,
}

impl Writer {
    fn new(seed: u64, pictures: bool) -> Self {
        Writer { random: fastrand::Rng::with_seed(seed), pictures, out: String::new() }
    }

    fn space(&mut self) {
        while self.random.u8(..) < 60 {
            self.out.push([' ', '\n', '\t', '\r'][self.random.usize(..4)]);
        }
    }

    fn string(&mut self, text: &str) {
        self.out.push('"');
        for c in text.chars() {
            let escape = self.random.u8(..) < 20;
            match c {
                '"' | '\\' => self.out.extend(['\\', c]),
                '/' if escape => self.out.push_str("\\/"),
                '\n' => self.out.push_str("\\n"),
                c if escape || c < ' ' => {
                    let mut units = [0; 2];
                    for unit in c.encode_utf16(&mut units) {
                        let code = format!("\\u{unit:04x}");
                        self.out.push_str(&if self.random.bool() {
                            code
                        } else {
                            code.to_uppercase().replace('U', "u")
                        });
                    }
                }
                c => self.out.push(c),
            }
        }
        self.out.push('"');
    }

    fn base64(&mut self, bytes: &[u8]) -> String {
        let mut text = base64::engine::general_purpose::STANDARD.encode(bytes);
        if self.random.bool() {
            text.truncate(text.trim_end_matches('=').len());
        }
        if self.random.u8(..) < 80 {
            text = text.replace('+', "-").replace('/', "_");
        }
        if self.random.u8(..) < 80 {
            let at = self.random.usize(..=text.len());
            text.insert(at, [' ', '\n', '\r', '\t'][self.random.usize(..4)]);
        }
        text
    }

    fn list(&mut self, (open, close): (char, char), length: usize, mut item: impl FnMut(&mut Self, usize)) {
        self.out.push(open);
        self.space();
        for index in 0..length {
            if index > 0 {
                self.out.push(',');
                self.space();
            }
            item(self, index);
            self.space();
        }
        self.out.push(close);
    }

    fn write(&mut self, doc: &Doc) {
        match doc {
            Doc::Atom(text) => self.out.push_str(text),
            Doc::Text(text) => self.string(text),
            Doc::Array(elements) => self.list(('[', ']'), elements.len(), |w, at| w.write(&elements[at])),
            Doc::Object(fields) => self.list(('{', '}'), fields.len(), |w, at| {
                let (name, value) = &fields[at];
                w.field(name, |w| match (name.as_str(), value) {
                    // A string right here is a picture if the key above is so by chance, and a number
                    // stands where that of a picture would.
                    ("data", Doc::Text(_)) => w.string(""),
                    ("data", Doc::Atom(text)) if text.contains(|c: char| c.is_ascii_digit()) => {
                        w.out.push_str("null");
                    }
                    _ => w.write(value),
                });
            }),
            Doc::Picture(bytes) => {
                let name = ["inlineData", "inline_data"][self.random.usize(..2)];
                let data = self.base64(bytes);
                let first = self.random.bool();
                self.list(('{', '}'), 1, |w, _| {
                    w.field(name, |w| {
                        w.list(('{', '}'), 2, |w, at| match (at == 0) == first {
                            true => w.field("data", |w| w.string(&data)),
                            false => w.field("mimeType", |w| w.string("image/png")),
                        });
                    });
                });
            }
        }
    }

    fn field(&mut self, name: &str, value: impl FnOnce(&mut Self)) {
        match name.strip_prefix("inline") {
            Some(rest) if !self.pictures => self.string(&format!("offline{rest}")),
            _ => self.string(name),
        }
        self.space();
        self.out.push(':');
        self.space();
        value(self);
    }
}

/// Pieces of replies, so that random rows of them go deep into the grammar.
const FRAGMENTS: [&[u8]; 44] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\"",
    b"\\",
    b" ",
    b"\n",
    b"\"a\"",
    b"\"a\":",
    b"1",
    b"0",
    b"-",
    b".",
    b"e",
    b"+",
    b"true",
    b"false",
    b"null",
    b"nul",
    b"\\u00",
    b"\\ud800",
    b"\\udc00",
    b"\\n",
    b"\\/",
    b"61",
    b"\xff",
    b"\xc3",
    b"\xa9",
    b"\xef\xbb\xbf",
    b"\"inlineData\":{",
    b"{\"inline_data\":{",
    b"\"data\":\"",
    b"\"d\\u0061ta\":\"",
    b"QUJD",
    b"QQ==",
    b"QUI",
    b"=",
    b"_-",
    b"!",
    b"{\"inlineData\":{\"data\":\"QUJD\"}}",
    b"QUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJD",
];

fn rows() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(&FRAGMENTS[..]), 0..24).prop_map(|row| row.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_reply_is_what_plain_parsers_make_of_it(doc in docs(), style in any::<u64>()) {
        let mut writer = Writer::new(style, true);
        writer.space();
        writer.write(&doc);
        writer.space();
        let (cuts, error) = split_at_random(writer.out.as_bytes(), style);
        prop_assert_eq!(error, None);
        let mut expected = oracle(writer.out.as_bytes()).unwrap();
        expected.iter_mut().for_each(|value| fill(value, None));
        let got: Vec<Value> = cuts
            .iter()
            .map(|cut| {
                let mut value = cut.value().unwrap();
                fill(&mut value, Some(cut));
                value
            })
            .collect();
        prop_assert_eq!(got, expected);
    }

    #[test]
    fn rows_of_fragments_never_panic_and_never_mind_the_cuts(row in rows(), seed in any::<u64>()) {
        split_at_random(&row, seed);
    }

    #[test]
    fn any_bytes_never_panic_and_never_mind_the_cuts(bytes in any::<Vec<u8>>(), seed in any::<u64>()) {
        split_at_random(&bytes, seed);
    }

    #[test]
    fn without_pictures_just_that_is_taken_which_serde_json_takes(row in rows(), seed in any::<u64>()) {
        // Renamed, the keys of pictures are keys like others; a byte order mark is ours alone.
        let mut text = &row[..];
        while let Some(rest) = text.strip_prefix(b"\xef\xbb\xbf") {
            text = rest;
        }
        let text: Vec<u8> = text.iter().copied().map(|byte| if byte == b'_' || byte == b'D' { b'X' } else { byte }).collect();
        let (cuts, error) = split_at_random(&text, seed);
        let values: Result<Vec<Value>, _> = cuts.iter().map(Cut::value).collect();
        let got = if error.is_some() { None } else { values.ok() };
        prop_assert!(cuts.iter().all(|cut| cut.pictures.is_empty()));
        prop_assert_eq!(got, oracle(&text));
    }

    #[test]
    fn a_damaged_reply_is_judged_as_serde_json_does(
        doc in docs(), style in any::<u64>(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(),
    ) {
        let mut writer = Writer::new(style, false);
        writer.write(&doc);
        let mut bytes = writer.out.into_bytes();
        let at = at.index(bytes.len());
        if cut { bytes.truncate(at) } else { bytes[at] = byte }
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        let (cuts, error) = split_at_random(bytes, style);
        let values: Result<Vec<Value>, _> = cuts.iter().map(Cut::value).collect();
        prop_assert_eq!(if error.is_some() { None } else { values.ok() }, oracle(bytes));
    }
}
