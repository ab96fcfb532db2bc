//! What tells requests and contents apart: hashes that are the same from every language, in every order of maps,
//! and wherever pictures lie.

use std::collections::HashMap;
use std::fmt;
use std::io::Read as _;

use aws_lc_rs::digest;
use serde_json::Value;

use super::Segment;
use crate::blocking;
use crate::error::{Error, Kind};
use crate::input::Source;

/// A SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Digest([u8; 32]);

impl Digest {
    /// That of these bytes, one piece after the other.
    pub fn of<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut sum = digest::Context::new(&digest::SHA256);
        pieces.into_iter().for_each(|piece| sum.update(piece));
        Digest::from(sum)
    }

    /// A digest of this and of something else, for example of a request and of the model it goes to.
    pub fn and(&self, more: &str) -> Self {
        Digest::of([&self.0[..], more.as_bytes()])
    }

    /// As it is.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<digest::Context> for Digest {
    fn from(sum: digest::Context) -> Self {
        let mut bytes = [0; 32];
        bytes.iter_mut().zip(sum.finish().as_ref()).for_each(|(to, from)| *to = *from);
        Digest(bytes)
    }
}

impl fmt::Display for Digest {
    /// 64 hexadecimal digits.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// The form of what is digested. With a new number, what users keep by digests is made anew.
const FORM: &[u8] = b"nanobanana request 1\n";

pub(super) fn digest_of(segments: &[Segment]) -> Result<Digest, Error> {
    let nonce = fastrand::u128(..);
    let mut text = Vec::new();
    let mut pictures = HashMap::new();
    for segment in segments {
        match segment {
            Segment::Text(piece) => text.extend_from_slice(piece),
            Segment::Picture(source) => {
                let mark = format!("hole-{nonce:032x}-{}", pictures.len());
                text.extend_from_slice(mark.as_bytes());
                pictures.insert(mark, picture_digest(source)?);
            }
        }
    }
    let body: Value = serde_json::from_slice(&text).map_err(|cause| {
        let problem = format!("the request's JSON is too deep or has too large a number: {cause}");
        Error::new(Kind::InvalidOptionError, problem).because(cause)
    })?;
    let mut sum = digest::Context::new(&digest::SHA256);
    sum.update(FORM);
    add(&mut sum, &body, &pictures);
    Ok(sum.into())
}

pub(super) fn picture_digest(source: &Source) -> Result<Digest, Error> {
    let file = match source {
        Source::Memory(bytes) => return Ok(Digest::of([&bytes[..]])),
        Source::File(file) => file,
    };
    let mut handle = file.open()?;
    let mut sum = digest::Context::new(&digest::SHA256);
    let (mut block, mut read) = (vec![0; 1 << 20], 0);
    loop {
        // Nobody waits for gigabytes that nobody asks for any more.
        if blocking::is_abandoned() {
            return Err(file.changed("nobody waits for it any more"));
        }
        let more = handle.read(&mut block).map_err(|cause| file.changed(&cause.to_string()))?;
        read += more as u64;
        if more == 0 || read > file.len {
            break;
        }
        sum.update(block.get(..more).unwrap_or_default());
    }
    if read != file.len {
        return Err(file.changed("its length is another"));
    }
    Ok(sum.into())
}

/// Adds a value in a form of its own, in which every value is told from every other and none depends
/// on how a library writes numbers: maps by their keys in order, 2.0 (from a language that has
/// whole ones) as 2 (from one that has not), and pictures by their digests.
fn add(sum: &mut digest::Context, value: &Value, pictures: &HashMap<String, Digest>) {
    let text = |sum: &mut digest::Context, text: &str| {
        sum.update(format!("s{}:", text.len()).as_bytes());
        sum.update(text.as_bytes());
    };
    match value {
        Value::Null => sum.update(b"n"),
        Value::Bool(true) => sum.update(b"t"),
        Value::Bool(false) => sum.update(b"f"),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() && (float.fract() != 0.0 || float.abs() >= EXACT) => {
                sum.update(format!("d{:016x}", float.to_bits()).as_bytes());
            }
            Some(float) if number.is_f64() => sum.update(format!("i{};", float as i64).as_bytes()),
            _ => sum.update(format!("i{number};").as_bytes()),
        },
        Value::String(word) => match pictures.get(word) {
            Some(picture) => {
                sum.update(b"p");
                sum.update(&picture.0);
            }
            None => text(sum, word),
        },
        Value::Array(values) => {
            sum.update(b"[");
            values.iter().for_each(|value| add(sum, value, pictures));
            sum.update(b"]");
        }
        Value::Object(map) => {
            let mut fields: Vec<_> = map.iter().collect();
            fields.sort_unstable_by_key(|(name, _)| *name);
            sum.update(b"{");
            for (name, value) in fields {
                text(sum, name);
                add(sum, value, pictures);
            }
            sum.update(b"}");
        }
    }
}

/// From here on a float does not hold every whole number.
const EXACT: f64 = 9_007_199_254_740_992.0;
