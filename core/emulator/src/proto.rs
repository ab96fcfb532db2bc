//! The JSON form of protocol buffers: how each type may be written, as its specification and the service's own,
//! more lenient reader take it. `text` reads the JSON itself. Every endpoint reads its requests through here.

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Number, Value};

use super::fields::Service;

mod text;

pub(super) use text::parse;

/// Decodes base64 in either alphabet, with or without padding. White space and stray bits at the end do not count.
pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    let lenient = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let alphabet = if text.contains(['-', '_']) { URL_SAFE } else { STANDARD };
    let engine = GeneralPurpose::new(&alphabet, lenient);
    if !text.contains(|letter: char| letter.is_ascii_whitespace()) {
        return engine.decode(text).ok();
    }
    let dense: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    engine.decode(dense).ok()
}

/// A boolean, or a word for one.
pub(super) fn flag(value: &Value) -> Option<bool> {
    const YES: [&str; 5] = ["true", "t", "yes", "y", "1"];
    const NO: [&str; 5] = ["false", "f", "no", "n", "0"];
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(word) if YES.iter().any(|yes| word.eq_ignore_ascii_case(yes)) => Some(true),
        Value::String(word) if NO.iter().any(|no| word.eq_ignore_ascii_case(no)) => Some(false),
        _ => None,
    }
}

/// A number, or a text that is one.
pub(super) fn number(value: &Value) -> Option<Number> {
    match value {
        Value::Number(number) => Some(number.clone()),
        Value::String(text) => match text.as_str() {
            // JSON has no such numbers. The largest one fails the same checks of a range.
            "Infinity" => Number::from_f64(f64::MAX),
            "-Infinity" => Number::from_f64(f64::MIN),
            text => decimal(text).and_then(Number::from_f64),
        },
        _ => None,
    }
}

/// A whole number of 64 bits: `1`, `1.0`, `1e2`, or one of these as a text.
pub(super) fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => text.parse().ok().or_else(|| rounded(decimal(text)?)),
        value => value.as_i64().or_else(|| rounded(value.as_f64()?)),
    }
}

/// Digits with a sign, a point and an exponent; no space around them.
fn decimal(text: &str) -> Option<f64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    text.parse().ok().filter(|number: &f64| is_plain && number.is_finite())
}

fn rounded(number: f64) -> Option<i64> {
    const END: f64 = 9_223_372_036_854_775_808.0;
    (number.fract() == 0.0 && (-END..END).contains(&number)).then_some(number as i64)
}

/// The seconds of a duration: digits, at most nine of them behind a point, and an s.
pub(super) fn seconds(text: &str) -> Option<f64> {
    let number = text.strip_suffix('s')?;
    let (whole, rest) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (digits(whole.strip_prefix('-').unwrap_or(whole)) && digits(rest) && rest.len() <= 9)
        .then(|| number.parse().ok())?
}

/// The value of an enum type: by its name, its number, or its name in other letters.
///
/// `responseModalities: ["Image"]`, `harmCategoryHarassment`, `block-none`, `7` and `"7"` are all read.
pub(super) fn word(
    service: Service,
    name: &str,
    words: &[&'static str],
    value: &Value,
) -> Option<&'static str> {
    let text = match value {
        Value::String(text) => text,
        value => return word_of(service, name, words, whole(value)?),
    };
    if let Some(word) = words.iter().find(|word| *word == text) {
        return Some(word);
    }
    // The Interactions API is no JSON of protocol buffers: its words are in small letters, and in no others.
    let is_exact = words.iter().all(|word| !word.contains(|letter: char| letter.is_ascii_uppercase()));
    if is_exact && name != "ServiceTier" {
        return None;
    }
    if let Some(word) = text.parse().ok().and_then(|number| word_of(service, name, words, number)) {
        return Some(word);
    }
    let same = |left: u8, right: u8| left.eq_ignore_ascii_case(&right) || (left == b'_' && right == b'-');
    let by_letters = |word: &&&str| {
        word.len() == text.len() && word.bytes().zip(text.bytes()).all(|(left, right)| same(left, right))
    };
    let in_camel_case = |word: &&&str| {
        let letters = word.bytes().filter(|byte| *byte != b'_');
        letters.map(|byte| byte.to_ascii_lowercase()).eq(text.bytes().map(|byte| byte.to_ascii_lowercase()))
    };
    words.iter().find(by_letters).or_else(|| words.iter().find(in_camel_case)).copied()
}

/// The value of an enum type with this number. Most types are numbered in the order of their words.
fn word_of(service: Service, name: &str, words: &[&'static str], number: i64) -> Option<&'static str> {
    let order: &[&'static str] = match (name, service) {
        // The first numbers belong to categories of a model that is gone.
        ("HarmCategory", Service::Gemini) => &[
            "",
            "",
            "",
            "",
            "",
            "",
            "",
            "HARM_CATEGORY_HARASSMENT",
            "HARM_CATEGORY_HATE_SPEECH",
            "HARM_CATEGORY_SEXUALLY_EXPLICIT",
            "HARM_CATEGORY_DANGEROUS_CONTENT",
            "HARM_CATEGORY_CIVIC_INTEGRITY",
        ],
        ("HarmCategory", Service::Vertex) => &[
            "",
            "HARM_CATEGORY_HATE_SPEECH",
            "HARM_CATEGORY_DANGEROUS_CONTENT",
            "HARM_CATEGORY_HARASSMENT",
            "HARM_CATEGORY_SEXUALLY_EXPLICIT",
            "HARM_CATEGORY_CIVIC_INTEGRITY",
        ],
        ("ThinkingLevel", _) => &["THINKING_LEVEL_UNSPECIFIED", "LOW", "MEDIUM", "HIGH", "MINIMAL"],
        ("ServiceTier", _) => &["", "standard", "flex", "priority"],
        _ => words,
    };
    let is_numbered =
        !std::ptr::eq(order, words) || words.first().is_some_and(|first| first.ends_with("_UNSPECIFIED"));
    let word = usize::try_from(number).ok().and_then(|index| order.get(index)).copied();
    word.filter(|word| is_numbered && words.contains(word))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_type_is_read_in_all_forms_of_its_specification() {
        for (value, number) in [
            (json!(7), Some(7)),
            (json!(7.0), Some(7)),
            (json!(1e2), Some(100)),
            (json!("7"), Some(7)),
            (json!("-7"), Some(-7)),
            (json!("7.0"), Some(7)),
            (json!("1e2"), Some(100)),
            (json!("9223372036854775807"), Some(i64::MAX)),
            (json!(7.5), None),
            (json!("7.5"), None),
            (json!(" 7"), None),
            (json!(""), None),
            (json!("0x7"), None),
            (json!("inf"), None),
            (json!(1e300), None),
            (json!("9223372036854775808"), None),
            (json!(true), None),
        ] {
            assert_eq!(whole(&value), number, "{value}");
        }
        for (value, wanted) in [
            (json!(0.5), Some(0.5)),
            (json!("0.5"), Some(0.5)),
            (json!("5e-1"), Some(0.5)),
            (json!("-Infinity"), Some(f64::MIN)),
            (json!("NaN"), None),
            (json!("nan"), None),
            (json!("0.5 "), None),
            (json!("half"), None),
            (json!([0.5]), None),
        ] {
            assert_eq!(number(&value).and_then(|number| number.as_f64()), wanted, "{value}");
        }
        for (value, wanted) in
            [(json!("TRUE"), Some(true)), (json!("0"), Some(false)), (json!(1), None), (json!("on"), None)]
        {
            assert_eq!(flag(&value), wanted, "{value}");
        }
        for (text, wanted) in
            [("3.5s", Some(3.5)), ("-3s", Some(-3.0)), ("3", None), ("--3s", None), ("3.s", None)]
        {
            assert_eq!(seconds(text), wanted, "{text}");
        }
    }

    #[test]
    fn base64_is_read_with_what_encoders_leave_in_it() {
        for text in ["Pz8/Pj4+", "Pz8_Pj4-", "Pz8/\r\nPj4+\n", " Pz8/Pj4+"] {
            assert_eq!(base64(text).unwrap(), b"???>>>", "{text}");
        }
        for text in ["Pj4=", "Pj4", "Pj5"] {
            assert_eq!(base64(text).unwrap(), b">>", "{text}");
        }
        for text in ["Pz8/Pj4-", "####", "P"] {
            assert_eq!(base64(text), None, "{text}");
        }
    }

    #[test]
    fn words_are_read_by_name_number_and_other_letters() {
        let modes = ["MODALITY_UNSPECIFIED", "TEXT", "IMAGE"];
        let of = |words: &[&'static str], name, value| word(Service::Gemini, name, words, &value);
        for value in [json!("IMAGE"), json!("Image"), json!("image"), json!(2), json!("2"), json!(2.0)] {
            assert_eq!(of(&modes, "Modality", value.clone()), Some("IMAGE"), "{value}");
        }
        for value in [json!("IMAGES"), json!(3), json!(-1), json!(1.5), json!(["IMAGE"]), json!(null)] {
            assert_eq!(of(&modes, "Modality", value.clone()), None, "{value}");
        }
        let levels = ["HARM_BLOCK_THRESHOLD_UNSPECIFIED", "BLOCK_LOW_AND_ABOVE", "BLOCK_NONE"];
        for value in [json!("blockNone"), json!("block-none"), json!("Block_None")] {
            assert_eq!(of(&levels, "HarmBlockThreshold", value.clone()), Some("BLOCK_NONE"), "{value}");
        }
        let harms = ["HARM_CATEGORY_HARASSMENT"];
        assert_eq!(of(&harms, "HarmCategory", json!(7)), Some("HARM_CATEGORY_HARASSMENT"));
        assert_eq!(
            word(Service::Vertex, "HarmCategory", &harms, &json!(3)),
            Some("HARM_CATEGORY_HARASSMENT")
        );
        for value in [json!(0), json!("Low"), json!("LOW")] {
            assert_eq!(of(&["minimal", "low"], "Level", value), None, "no protocol buffers there");
        }
    }
}
