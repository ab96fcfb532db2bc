//! Any bytes, in any cut: the splitter never panics, gives the same result, and agrees with
//! `serde_json` about what JSON is.
#![no_main]

mod common;

use libfuzzer_sys::fuzz_target;
use nanobanana::internals::Splitter;

fuzz_target!(|data: &[u8]| {
    let Some((seed, limits, bytes)) = common::plan(data) else { return };
    let (cuts, error) = common::read_in_all_cuts::<Splitter>(&limits, bytes, seed);
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let known = common::oracle(bytes);
    match error {
        None => {
            let known = known.expect("serde_json refuses what the splitter takes");
            assert_eq!(known.len(), cuts.len());
            for (cut, text) in cuts.iter().zip(known) {
                assert!(!cut.pictures.is_empty() || cut.text == text, "{} is not {text}", cut.text);
            }
        }
        Some(error) => {
            let is_valid = known.is_some() && common::is_valued(bytes);
            assert!(
                !is_valid || common::is_our_own(&error),
                "the splitter refuses what serde_json takes: {error}"
            );
        }
    }
});
