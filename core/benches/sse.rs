//! What a stream of events costs beside the splitter alone: `cargo bench --bench sse`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::indexing_slicing)]

use std::time::{Duration, Instant};

use base64::Engine as _;
use nanobanana::internals::{Limits, Splitter, Sse};

const ROUNDS: usize = 15;

macro_rules! time {
    ($reader:expr, $bytes:expr, $piece:expr) => {{
        let start = Instant::now();
        let mut reader = $reader;
        let mut cuts = Vec::new();
        for mut part in $bytes.chunks($piece) {
            while !part.is_empty() {
                let eaten = reader.feed(part).unwrap();
                part = &part[eaten..];
                cuts.extend(reader.take());
            }
        }
        cuts.extend(reader.finish().unwrap());
        let spent = start.elapsed();
        (cuts.len(), spent)
    }};
}

fn report(name: &str, reply: &str, piece: usize) {
    let event = format!("data: {reply}\r\n\r\n");
    let (mut split, mut sse) = (Duration::MAX, Duration::MAX);
    let mut values = (0, 0);
    // By turns, so that both see the same machine.
    for _ in 0..ROUNDS {
        let (count, spent) = time!(Splitter::new(Limits::default(), None), reply.as_bytes(), piece);
        (values.0, split) = (count, split.min(spent));
        let (count, spent) = time!(Sse::new(Limits::default()), event.as_bytes(), piece);
        (values.1, sse) = (count, sse.min(spent));
    }
    assert_eq!(values.0, values.1);
    let [split, sse] = [split, sse].map(|spent| spent.as_secs_f64() * 1e3);
    let pieces = if piece == usize::MAX { "in one piece".to_owned() } else { format!("pieces of {piece} B") };
    println!("{name}, {pieces}: splitter {split:.2} ms, events {sse:.2} ms, {:.2} times", sse / split);
}

fn main() {
    let reply = |size| {
        let picture: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..)).take(size).collect();
        let base64 = base64::engine::general_purpose::STANDARD.encode(picture);
        format!(r#"{{"parts":[{{"inlineData":{{"mimeType":"image/png","data":"{base64}"}}}}]}}"#)
    };
    let large = reply(30_000_000);
    for piece in [4 << 10, 16 << 10, 256 << 10] {
        report("a picture of 30 MB", &large, piece);
    }
    report("a picture of 1 MB", &reply(1_000_000), 1);
    // Many values in one line, and all in one piece, must not cost their number squared.
    for count in [100_000, 1_000_000] {
        report(&format!("{count} numbers"), &"1 ".repeat(count), usize::MAX);
    }
    report("a text of 4 MB", &format!("[\"{}\"]", "some text\\n ".repeat(350_000)), 16 << 10);
}
