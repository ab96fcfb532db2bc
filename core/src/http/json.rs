//! JSON text with the pictures cut out: what `split` makes of a reply, and what else is needed of
//! JSON by those who read replies and write requests.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::error::{Billed, Error, Kind};
use crate::message::counted;

/// How deep JSON may be nested. `serde_json` gives up at 128, so what is let through can be parsed.
pub const DEPTH: usize = 100;

/// One JSON value whose pictures stand beside it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Cut {
    /// The value as it came, byte for byte, but with a number in place of each picture's base64
    /// string: its index in `pictures`. A reply can hold a number of its own there, so an index
    /// beyond the last picture means that there is none.
    pub text: String,
    /// The pictures, decoded, in the order in which they came. One that a later duplicate of a key
    /// replaced is empty.
    pub pictures: Vec<Bytes>,
}

impl Cut {
    /// The value, parsed. An error if it is not JSON, is nested too deep, or has a number that no
    /// 64-bit type holds.
    pub fn value(&self) -> Result<Value, Error> {
        serde_json::from_str(&self.text).map_err(|cause| {
            Error::new(Kind::ResponseError, format!("the reply cannot be read: {cause}"))
                .with_billed(Billed::Unknown)
                .because(cause)
        })
    }
}

impl Cut {
    /// The value, with null in the place of numbers that no type holds, and what was wrong with the first of
    /// them.
    pub(crate) fn lenient_value(&self) -> Result<(Value, Option<Error>), Error> {
        let fault = match self.value() {
            Ok(value) => return Ok((value, None)),
            Err(fault) => fault,
        };
        match serde_json::from_str(&without_strange_numbers(&self.text)) {
            Ok(value) => Ok((value, Some(fault))),
            Err(_) => Err(fault),
        }
    }
}

/// JSON text with null in the place of every number that is too large.
fn without_strange_numbers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) =
        rest.find(|letter: char| letter == '"' || letter == '-' || letter.is_ascii_digit())
    {
        let (before, from) = rest.split_at(start);
        out.push_str(before);
        let (token, after) = match from.starts_with('"') {
            true => from.split_at(string_length(from)),
            false => {
                let is_of_number =
                    |letter: char| letter.is_ascii_digit() || matches!(letter, '+' | '-' | '.' | 'e' | 'E');
                from.split_at(from.find(|letter| !is_of_number(letter)).unwrap_or(from.len()))
            }
        };
        let is_fine = token.starts_with('"') || token.parse::<f64>().is_ok_and(f64::is_finite);
        out.push_str(if is_fine { token } else { "null" });
        rest = after;
    }
    out.push_str(rest);
    out
}

/// How long the JSON string is with which the text begins.
fn string_length(text: &str) -> usize {
    let mut is_escaped = true;
    for (place, byte) in text.bytes().enumerate() {
        match byte {
            b'"' if !is_escaped => return place + 1,
            b'\\' => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
    }
    text.len()
}

/// A piece of JSON text with at most one picture in it: what stands before and after the base64
/// string, the quotes included. Byte for byte as it came or as it will go.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Piece {
    /// The text before the picture, or all of it.
    pub before: String,
    /// The picture.
    pub picture: Option<Bytes>,
    /// The text after it.
    pub after: String,
}

impl Piece {
    /// The piece as a value, with `data` in the place of the picture's base64 string.
    pub fn value(&self, data: &str) -> Value {
        serde_json::from_str(&format!("{}{data}{}", self.before, self.after)).unwrap_or_default()
    }
}

impl fmt::Debug for Piece {
    /// Sizes only: words and pictures do not belong in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let picture = self.picture.as_ref().map(Bytes::len);
        write!(
            f,
            "Piece {{ {}, picture: {picture:?} }}",
            counted(self.before.len() + self.after.len(), "byte", "bytes")
        )
    }
}

/// A raw object's fields by their unescaped names, as they stand in the text.
type Fields<'a> = std::collections::BTreeMap<Cow<'a, str>, &'a RawValue>;

fn fields(raw: &str) -> Option<Fields<'_>> {
    serde_json::from_str(raw).ok()
}

impl Cut {
    /// The parts of the first candidate, each as it came.
    pub fn parts(&self) -> Vec<Piece> {
        let parts = || {
            let candidates: Vec<&RawValue> =
                serde_json::from_str(fields(&self.text)?.get("candidates")?.get()).ok()?;
            let content = fields(candidates.first()?.get())?.get("content")?.get();
            self.pieces(fields(content)?.get("parts")?.get())
        };
        parts().unwrap_or_default()
    }

    /// The elements of an array of this text, each as it came.
    pub fn pieces(&self, array: &str) -> Option<Vec<Piece>> {
        let parts: Vec<&RawValue> = serde_json::from_str(array).ok()?;
        Some(parts.into_iter().map(|part| self.piece(part.get())).collect())
    }

    fn piece(&self, part: &str) -> Piece {
        let hole = || {
            let found = fields(part)?;
            let data = found.get("inlineData").or_else(|| found.get("inline_data"))?.get();
            let number = fields(data)?.get("data")?.get();
            let picture = self.pictures.get(number.parse::<usize>().ok()?)?;
            // Both borrow from the same text, so their distance is the number's place in it.
            let start = (number.as_ptr() as usize).checked_sub(part.as_ptr() as usize)?;
            let before = part.get(..start)?;
            let after = part.get(start + number.len()..)?;
            Some(Piece {
                before: format!("{before}\""),
                picture: Some(picture.clone()),
                after: format!("\"{after}"),
            })
        };
        hole().unwrap_or_else(|| Piece { before: part.to_owned(), ..Piece::default() })
    }
}

impl fmt::Debug for Cut {
    /// Sizes only: prompts and pictures do not belong in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sizes: Vec<usize> = self.pictures.iter().map(Bytes::len).collect();
        write!(f, "Cut {{ text: {}, pictures: {sizes:?} bytes }}", counted(self.text.len(), "byte", "bytes"))
    }
}

/// A field of a part or the like, spelt either way.
pub(crate) fn field<'a>(of: &'a Value, camel: &str, snake: &str) -> Option<&'a Value> {
    of.get(camel).or_else(|| of.get(snake))
}

/// Merges `extra` into `target`: objects merge key by key, anything else replaces what stood there.
/// A null is a value like any other: it is set, and deletes nothing.
pub fn merge(target: &mut Value, extra: &Map<String, Value>) {
    let Value::Object(fields) = target else {
        *target = Value::Object(extra.clone());
        return;
    };
    for (name, value) in extra {
        match (fields.get_mut(name), value) {
            (Some(old @ Value::Object(_)), Value::Object(more)) => merge(old, more),
            (Some(old), _) => *old = value.clone(),
            (None, _) => {
                fields.insert(name.clone(), value.clone());
            }
        }
    }
}

/// What the inside of a JSON string means, its escapes resolved; as it is if they cannot be.
pub(crate) fn unescape(raw: &str) -> Cow<'_, str> {
    if !raw.contains('\\') {
        return Cow::Borrowed(raw);
    }
    serde_json::from_str(&format!("\"{raw}\"")).map_or(Cow::Borrowed(raw), Cow::Owned)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use serde_json::json;

    fn cut(text: &str) -> Cut {
        Cut { text: text.to_owned(), pictures: vec![Bytes::from_static(b"SECRET")] }
    }

    #[test]
    fn value_parses_and_says_why_it_cannot() {
        assert_eq!(cut(r#"{"a":[1,null]}"#).value().unwrap(), json!({"a": [1, null]}));
        let error = cut("[1,").value().unwrap_err();
        assert_eq!(error.kind(), Kind::ResponseError);
        assert!(error.message().contains("cannot be read"), "{error}");
        assert!(cut("1e400").value().unwrap_err().message().contains("out of range"));
    }

    #[test]
    fn numbers_that_no_type_holds_cost_nothing_but_themselves() {
        let odd = cut(r#"{"a":1e400,"b\\":"-1e999 \"1e999","c":[-1E+999,2.5],"d":1e-999}"#);
        let (value, fault) = odd.lenient_value().unwrap();
        assert_eq!(value, json!({"a": null, "b\\": "-1e999 \"1e999", "c": [null, 2.5], "d": 0.0}));
        assert!(fault.unwrap().message().contains("out of range"));
        assert!(cut("{}").lenient_value().unwrap().1.is_none());
        assert!(cut("[1,").lenient_value().is_err());
    }

    #[test]
    fn value_of_depth_100_parses_and_of_depth_200_000_is_an_error() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        cut(&nested(DEPTH)).value().unwrap();
        assert_eq!(cut(&nested(200_000)).value().unwrap_err().kind(), Kind::ResponseError);
    }

    #[test]
    fn debug_shows_sizes_only() {
        let shown = format!("{:?}", cut(r#"{"text":"private"}"#));
        assert_eq!(shown, "Cut { text: 18 bytes, pictures: [6] bytes }");
    }

    #[test]
    fn merge_goes_deep_into_objects_and_replaces_the_rest() {
        let mut request = json!({
            "generationConfig": {"seed": 1, "imageConfig": {"imageSize": "1K"}},
            "contents": [{"role": "user"}],
            "labels": {"a": "b"},
        });
        let extra = json!({
            "generationConfig": {"imageConfig": {"aspectRatio": "1:1"}, "seed": {"odd": true}},
            "contents": [],
            "labels": null,
            "store": false,
        });
        merge(&mut request, extra.as_object().unwrap());
        assert_eq!(
            request,
            json!({
                "generationConfig": {"seed": {"odd": true}, "imageConfig": {"imageSize": "1K", "aspectRatio": "1:1"}},
                "contents": [],
                "labels": null,
                "store": false,
            })
        );
        let mut scalar = json!(1);
        merge(&mut scalar, json!({"a": 1}).as_object().unwrap());
        assert_eq!(scalar, json!({"a": 1}));
    }

    #[test]
    fn unescape_resolves_what_it_can() {
        assert_eq!(unescape("data"), "data");
        assert_eq!(unescape(r"d\u0061t\u0061"), "data");
        assert_eq!(unescape(r"\ud800"), r"\ud800");
    }
}
