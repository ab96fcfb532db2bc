//! JSON text with the pictures cut out: what `split` makes of a reply, and what else is needed of
//! JSON by those who read replies and write requests.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::error::{Error, Kind};

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
                .with("billed", "unknown".to_owned())
                .because(cause)
        })
    }
}

impl fmt::Debug for Cut {
    /// Sizes only: prompts and pictures do not belong in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sizes: Vec<usize> = self.pictures.iter().map(Bytes::len).collect();
        write!(f, "Cut {{ text: {} bytes, pictures: {sizes:?} bytes }}", self.text.len())
    }
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
