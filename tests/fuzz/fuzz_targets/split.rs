//! Any bytes, in any cut: the splitter never panics, gives the same result, and agrees with
//! `serde_json` about what JSON is. A lenient one gives JSON whatever comes, and the same where nothing is
//! damaged.
#![no_main]

mod common;

use libfuzzer_sys::fuzz_target;
use nanobanana::internals::Splitter;
use serde_json::Value;
use serde_json::value::RawValue;

fuzz_target!(|data: &[u8]| {
    let Some((seed, limits, bytes)) = common::plan(data) else { return };
    let (cuts, error) = common::read_in_all_cuts::<Splitter>(&limits, bytes, seed);
    let (mended, is_damaged) = common::Lenient::<Splitter>::all(&limits, bytes, seed);
    assert_eq!(is_damaged, error.is_some(), "{error:?}");
    match &error {
        None => assert_eq!(mended, cuts, "mended without need"),
        // What came whole before the damage is the same.
        Some(_) => assert_eq!(mended.get(..cuts.len()), Some(&cuts[..]), "{error:?}"),
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let known = oracle(bytes);
    match error {
        None => {
            let known = known.expect("serde_json refuses what the splitter takes");
            assert_eq!(known.len(), cuts.len());
            for (cut, text) in cuts.iter().zip(known) {
                assert!(!cut.pictures.is_empty() || cut.text == text, "{} is not {text}", cut.text);
            }
        }
        Some(error) => {
            let is_valid = known.is_some() && is_valued(bytes);
            assert!(!is_valid || is_our_own(&error), "the splitter refuses what serde_json takes: {error}");
        }
    }
});

/// The texts of the values in `bytes`, if `serde_json` reads them; elements of a top-level array
/// are values.
fn oracle(bytes: &[u8]) -> Option<Vec<String>> {
    let mut texts = Vec::new();
    for value in serde_json::Deserializer::from_slice(bytes).into_iter::<Box<RawValue>>() {
        let text = value.ok()?;
        if text.get().starts_with('[') {
            let elements: Vec<Box<RawValue>> = serde_json::from_str(text.get()).ok()?;
            texts.extend(elements.iter().map(|element| element.get().to_owned()));
        } else {
            texts.push(text.get().to_owned());
        }
    }
    Some(texts)
}

/// Whether `serde_json` not only lets all of it pass but makes values of it: numbers in range, no
/// half of a surrogate pair, not too deep.
fn is_valued(bytes: &[u8]) -> bool {
    serde_json::Deserializer::from_slice(bytes).into_iter::<Value>().all(|value| value.is_ok())
}

/// Whether an error is one that `serde_json` cannot have: of a limit, or of a picture.
fn is_our_own(error: &str) -> bool {
    error.contains("passes the limit") || error.contains("bad base64")
}
