//! How much memory a reply takes while it is split, measured by the kernel. In a test binary of its
//! own, as its one test, so that nothing else of the process is counted.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use nanobanana::internals::{Cut, Limits, Splitter};

const MB: usize = 1_000_000;

/// A line of /proc/self/status, in bytes.
fn status(name: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

/// Feeds pieces and gives what came, and by how much the peak was above the start.
fn peak_of(expected: Option<u64>, pieces: impl Iterator<Item = &'static [u8]>) -> (Vec<Cut>, usize) {
    // Sets the peak back to what is in use now.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = status("VmRSS");
    let mut splitter = Splitter::new(Limits::default(), expected);
    let mut cuts = Vec::new();
    for mut piece in pieces {
        while !piece.is_empty() {
            let eaten = splitter.feed(piece).unwrap();
            piece = &piece[eaten..];
            cuts.extend(splitter.take());
        }
    }
    cuts.extend(splitter.finish().unwrap());
    (cuts, status("VmHWM") - before)
}

fn reply_of(base64: &'static [u8], times: usize) -> impl Iterator<Item = &'static [u8]> {
    let start: &[u8] = br#"{"candidates":[{"content":{"parts":[{"inlineData":{"data":""#;
    let end: &[u8] = br#"","mimeType":"image/png"}}]}}]}"#;
    std::iter::once(start).chain(std::iter::repeat_n(base64, times)).chain(std::iter::once(end))
}

#[test]
fn a_picture_takes_its_own_size_and_no_more() {
    let block: &'static [u8] = Vec::leak(b"QUJD".repeat(10_000));
    // 1000 pieces of 30 kB each.
    let length = 1000 * 40_000 + 90;
    let mut warm_up = peak_of(None, reply_of(block, 1));
    assert_eq!(warm_up.0.remove(0).pictures[0].len(), 30_000);
    for expected in [Some(length), None] {
        let (cuts, peak) = peak_of(expected, reply_of(block, 1000));
        assert_eq!(cuts[0].pictures[0].len(), 30 * MB);
        assert!(peak >= 29 * MB, "{peak} bytes: the measure measures nothing");
        assert!(peak <= 31 * MB, "30 MB peaked at {peak} bytes with a length of {expected:?}");
    }

    // Each piece ends in the middle of a picture, so that each of them is set aside for in full.
    let half: &'static [u8] = br#"QUJDQUJD"}}{"inlineData":{"data":"QUJDQUJD"#;
    let many = std::iter::once::<&[u8]>(br#"{"inlineData":{"data":""#)
        .chain(std::iter::repeat_n(half, 31))
        .chain(std::iter::once::<&[u8]>(br#""}}"#));
    let (cuts, peak) = peak_of(None, many);
    assert_eq!(cuts.len(), 32);
    assert!(peak <= MB, "32 small pictures peaked at {peak} bytes");
    let held = status("VmSize");
    drop(cuts);
    assert!(held - status("VmSize") <= 2 * MB, "what was set aside for small pictures was not given back");

    // A duplicate frees the one before it.
    let doubled = reply_of(block, 300)
        .take(301)
        .chain(std::iter::once::<&[u8]>(br#"","data":""#))
        .chain(reply_of(block, 300).skip(1));
    let (cuts, peak) = peak_of(None, doubled);
    assert_eq!(cuts[0].pictures.iter().map(|picture| picture.len()).collect::<Vec<_>>(), [0, 9 * MB]);
    assert!(peak <= 10 * MB, "two pictures of 9 MB, one of them replaced, peaked at {peak} bytes");

    // Small values take many times their text: both together stay within twice the limit, until they pass it.
    let (limit, start) = (Limits::default().values, status("VmRSS"));
    let mut values = Vec::new();
    for small in ["1,", "{\"a\":{}},", "[[]],", "\"a\","] {
        let mut count = limit / 64;
        let value = loop {
            let text = format!("{{\"a\":[{}1]}}", small.repeat(count)).into_bytes();
            std::fs::write("/proc/self/clear_refs", "5").unwrap();
            let before = status("VmRSS");
            let mut splitter = Splitter::new(Limits::default(), None);
            if splitter.feed(&text).is_err() {
                count = count * 3 / 4;
                continue;
            }
            let value = splitter.take().unwrap().value().unwrap();
            let peak = status("VmHWM") - before;
            assert!(peak <= 2 * limit, "{count} of {small} peaked at {peak} bytes");
            break value;
        };
        assert!(value["a"].as_array().unwrap().len() > 1000);
        values.push(value);
    }
    let held = status("VmRSS") - start;
    assert!(held > limit / 2, "{held} bytes: the measure measures nothing");
}
