//! The stand-in for the service, in a process of its own: it swallows whatever is sent, parses none of
//! it, and answers with a reply that was prepared before.
//!
//! usage: server BYTES…    prints its URL; a call of `URL/BYTES/…` is answered with a picture of that size
//!
//! It speaks the replies of Gemini's `generateContent` and `streamGenerateContent` and of OpenAI's
//! `images/generations`, streams too. A small request that holds the words "warm up" gets a picture of 2 kB.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use base64::Engine as _;

const WARM: usize = 2_000;
/// Of a longer request the words are not looked for.
const SMALL: usize = 8 << 10;

/// The base64 text of each size of picture.
type Pictures = HashMap<usize, String>;

fn main() -> io::Result<()> {
    let sizes = std::env::args().skip(1).filter_map(|size| size.parse().ok());
    let pictures: Pictures = sizes.chain([WARM]).map(|size| (size, picture(size))).collect();
    let pictures = Arc::new(pictures);
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("http://{}", listener.local_addr()?);
    for connection in listener.incoming().flatten() {
        let pictures = pictures.clone();
        std::thread::spawn(move || serve(connection, &pictures));
    }
    Ok(())
}

/// A PNG's header and random bytes, so that no side can gain by compressing it.
fn picture(size: usize) -> String {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x10\0\0\0\x10\0\x08\x02\0\0\0".to_vec();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    while bytes.len() < size {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        bytes.extend_from_slice(&random.to_le_bytes());
    }
    bytes.truncate(size);
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// A reply without its picture: the type, and what stands before and after the base64.
type Shape = (&'static str, &'static str, &'static str);

const JSON: &str = "application/json; charset=UTF-8";
const EVENTS: &str = "text/event-stream";

macro_rules! gemini {
    ($kind:expr, $start:literal, $end:literal) => {
        (
            $kind,
            concat!($start, r#"{"candidates":[{"content":{"role":"model","parts":[{"inlineData":{"mimeType":"image/png","data":""#),
            concat!(
                r#""}}]},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":4,"candidatesTokenCount":1120,"#,
                r#""candidatesTokensDetails":[{"modality":"IMAGE","tokenCount":1120}],"totalTokenCount":1124},"modelVersion":"gemini-3-pro-image","responseId":"bench"}"#,
                $end
            ),
        )
    };
}

const CALL: Shape = gemini!(JSON, "", "");
const STREAM: Shape = gemini!(EVENTS, "data: ", "\r\n\r\n");
const OPENAI_CALL: Shape = (JSON, r#"{"created":1,"data":[{"b64_json":""#, r#""}]}"#);
const OPENAI_STREAM: Shape = (
    EVENTS,
    concat!(
        "event: image_generation.completed\ndata: ",
        r#"{"type":"image_generation.completed","created_at":1,"b64_json":""#
    ),
    concat!(
        r#"","size":"1024x1024","quality":"high","background":"opaque","output_format":"png","usage":{"input_tokens":4,"#,
        r#""output_tokens":1120,"total_tokens":1124,"input_tokens_details":{"text_tokens":4,"image_tokens":0}}}"#,
        "\n\n"
    ),
);

fn serve(mut connection: TcpStream, pictures: &Pictures) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let mut buffer = vec![0; 256 << 10];
    let mut held = 0;
    loop {
        let head = loop {
            if let Some(end) = memchr::memmem::find(&buffer[..held], b"\r\n\r\n") {
                break end + 4;
            }
            match connection.read(&mut buffer[held..])? {
                0 => return Ok(()),
                more => held += more,
            }
        };
        let text = String::from_utf8_lossy(&buffer[..head]).into_owned();
        let path = text.split(' ').nth(1).unwrap_or_default();
        let field = |name: &str| {
            let mut fields = text.lines().filter_map(|line| line.split_once(':'));
            fields.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
        };
        let length = field("content-length").and_then(|length| length.parse::<usize>().ok());
        let (mut is_warming, mut streams) = (false, path.contains(":streamGenerateContent"));
        match length {
            Some(length) if length <= SMALL => {
                while held < head + length {
                    match connection.read(&mut buffer[held..])? {
                        0 => return Ok(()),
                        more => held += more,
                    }
                }
                let body = &buffer[head..head + length];
                is_warming = memchr::memmem::find(body, b"warm up").is_some();
                streams |= [&b"\"stream\":true"[..], b"\"stream\": true"]
                    .iter()
                    .any(|asked| memchr::memmem::find(body, asked).is_some());
                buffer.copy_within(head + length..held, 0);
                held -= head + length;
            }
            Some(length) => {
                let mut left = length.saturating_sub(held - head);
                while left > 0 {
                    let most = left.min(buffer.len());
                    match connection.read(&mut buffer[..most])? {
                        0 => return Ok(()),
                        more => left -= more,
                    }
                }
                held = 0;
            }
            None if field("transfer-encoding").is_some() => {
                // Nothing is sent behind the last chunk until the reply has come.
                buffer.copy_within(head..held, 0);
                held -= head;
                while !buffer[..held].ends_with(b"0\r\n\r\n") {
                    let kept = held.min(4);
                    buffer.copy_within(held - kept..held, 0);
                    match connection.read(&mut buffer[kept..])? {
                        0 => return Ok(()),
                        more => held = kept + more,
                    }
                }
                held = 0;
            }
            None => {
                buffer.copy_within(head..held, 0);
                held -= head;
            }
        }
        let size = path.split('/').nth(1).and_then(|size| size.parse().ok()).unwrap_or(WARM);
        let Some(picture) = pictures.get(&if is_warming { WARM } else { size }) else {
            write!(connection, "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")?;
            continue;
        };
        let (kind, before, after) = match (path.contains("/images/"), streams) {
            (false, false) => CALL,
            (false, true) => STREAM,
            (true, false) => OPENAI_CALL,
            (true, true) => OPENAI_STREAM,
        };
        let length = before.len() + picture.len() + after.len();
        let start =
            format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n{before}");
        if picture.len() <= SMALL {
            connection.write_all(format!("{start}{picture}{after}").as_bytes())?;
        } else {
            connection.write_all(start.as_bytes())?;
            connection.write_all(picture.as_bytes())?;
            connection.write_all(after.as_bytes())?;
        }
    }
}
