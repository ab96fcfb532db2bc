//! How fast a reply with one picture of 30 MB is split: `cargo bench --bench split`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::indexing_slicing)]

use std::time::{Duration, Instant};

use base64::Engine as _;
use nanobanana::internals::{Limits, Splitter};

const ROUNDS: usize = 7;

fn split(reply: &[u8], piece: usize) -> Duration {
    let start = Instant::now();
    let mut splitter = Splitter::new(Limits::default(), Some(reply.len() as u64));
    let mut cuts = Vec::new();
    for mut part in reply.chunks(piece) {
        while !part.is_empty() {
            let eaten = splitter.feed(part).unwrap();
            part = &part[eaten..];
            cuts.extend(splitter.take());
        }
    }
    let spent = start.elapsed();
    assert_eq!(cuts.len(), 1);
    spent
}

fn main() {
    let picture: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..)).take(30_000_000).collect();
    let standard = base64::engine::general_purpose::STANDARD.encode(&picture);
    let url_safe = base64::engine::general_purpose::URL_SAFE.encode(&picture);
    let lines = standard.as_bytes().chunks(76).map(|line| str::from_utf8(line).unwrap());
    let lines = lines.collect::<Vec<_>>().join("\\n");
    for (name, base64) in [("plain", standard), ("url-safe", url_safe), ("in lines", lines)] {
        let reply = format!(r#"{{"parts":[{{"inlineData":{{"mimeType":"image/png","data":"{base64}"}}}}]}}"#);
        for piece in [16 << 10, 64 << 10, 256 << 10] {
            let best = (0..ROUNDS).map(|_| split(reply.as_bytes(), piece)).min().unwrap();
            println!("{name}, pieces of {} KiB: {:.1} ms", piece >> 10, best.as_secs_f64() * 1e3);
        }
    }
    let text = format!("[\"{}\"]", "a text with \\\"quotes\\\" and \\u00e9 and é. ".repeat(350_000));
    let best = (0..ROUNDS).map(|_| split(text.as_bytes(), 64 << 10)).min().unwrap();
    println!("{} MB of text: {:.1} ms", text.len() / 1_000_000, best.as_secs_f64() * 1e3);
}
