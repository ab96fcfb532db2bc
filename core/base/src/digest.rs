//! SHA-256 digests of bytes and of JSON values. They do not depend on the calling language or on the order of maps.

use std::collections::HashMap;
use std::fmt;

use aws_lc_rs::digest;
use serde_json::Value;

/// A SHA-256 digest.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of these pieces of bytes, in order.
    pub fn of<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut sum = digest::Context::new(&digest::SHA256);
        pieces.into_iter().for_each(|piece| sum.update(piece));
        Digest::from(sum)
    }

    /// The digest of this digest and more text, for example of a request and its model.
    pub fn and(&self, more: &str) -> Self {
        Digest::of([&self.0[..], more.as_bytes()])
    }

    /// The bytes of the digest.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Computes a digest from pieces.
pub struct Sum(digest::Context);

impl Default for Sum {
    fn default() -> Self {
        Sum(digest::Context::new(&digest::SHA256))
    }
}

impl Sum {
    /// Adds these bytes.
    pub fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all bytes that were added.
    pub fn end(self) -> Digest {
        self.0.into()
    }
}

impl From<[u8; 32]> for Digest {
    fn from(sum: [u8; 32]) -> Self {
        Digest(sum)
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

impl Digest {
    /// The digest of a JSON value in its canonical form. `form` separates different uses of digests.
    pub fn of_value(form: &[u8], value: &Value) -> Self {
        Digest::with_pictures(form, value, &HashMap::new())
    }

    /// As [`Digest::of_value`], with strings that are placeholders for pictures.
    pub fn with_pictures(form: &[u8], value: &Value, pictures: &HashMap<String, Digest>) -> Self {
        let mut sum = digest::Context::new(&digest::SHA256);
        sum.update(form);
        add(&mut sum, value, pictures);
        sum.into()
    }
}

/// Adds a value in an unambiguous form that does not depend on how a library writes numbers: maps sorted by key, 2.0
/// (from a language with integers) as 2 (from one without), and pictures as their digests.
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

/// From here on not every integer has an exact float.
const EXACT: f64 = 9_007_199_254_740_992.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_that_of_sha256() {
        let abc = Digest::of([&b"a"[..], b"bc"]).to_string();
        assert_eq!(abc, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
