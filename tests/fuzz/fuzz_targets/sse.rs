//! Any bytes, in any cut: the reader of events never panics and gives the same result. What is all
//! JSON it reads like the splitter, plain as well as in the lines of an event's data.
#![no_main]

mod common;

use libfuzzer_sys::fuzz_target;
use nanobanana::internals::{Limits, Splitter, Sse};
use serde_json::value::RawValue;

fuzz_target!(|data: &[u8]| {
    let Some((seed, limits, bytes)) = common::plan(data) else { return };
    let (cuts, error) = common::read_in_all_cuts::<Sse>(&limits, bytes, seed);
    let (mended, is_damaged) = common::Lenient::<Sse>::all(&limits, bytes, seed);
    assert_eq!(is_damaged, error.is_some(), "{error:?}");
    if error.is_none() {
        assert_eq!(mended, cuts, "mended without need");
    }

    let limits = Limits { picture: 1 << 20, ..Limits::default() };
    let split = common::whole::<Splitter>(&limits, bytes);
    if split.1.is_none() && is_plain(bytes) {
        assert_eq!(common::whole::<Sse>(&limits, bytes), split, "plain JSON");
    }

    let is_event = !bytes.starts_with(b"\xef") && !bytes.contains(&b'\r');
    if is_event && !bytes.windows(6).any(|window| window == b"[DONE]") {
        let mut event = Vec::new();
        for line in bytes.split(|byte| *byte == b'\n') {
            event.extend_from_slice(b"data: ");
            event.extend_from_slice(line);
            event.extend_from_slice([&b"\r"[..], b"\n", b"\r\n", b"\n: a\n"][usize::from(seed >> 3 & 3)]);
        }
        let read = common::read_in_all_cuts::<Sse>(&limits, &event, seed);
        assert_eq!(read.0, split.0, "the values of an event");
        assert_eq!(read.1.is_some(), split.1.is_some(), "{:?} or {:?}", read.1, split.1);
    }
});

/// Whether it is JSON that counts outside of events: arrays and objects, nothing else.
fn is_plain(bytes: &[u8]) -> bool {
    let mut values = serde_json::Deserializer::from_slice(bytes).into_iter::<Box<RawValue>>();
    values.all(|value| value.is_ok_and(|value| value.get().starts_with(['{', '['])))
}
