//! A few lines of plain HTTP, and what the tests ask and read with them.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nanobanana::{Emulator, Image, Pixels};
use serde_json::{Value, json};

pub const PRO: &str = "gemini-3-pro-image";
pub const FLASH: &str = "gemini-3.1-flash-image";
pub const LITE: &str = "gemini-3.1-flash-lite-image";
pub const OLD: &str = "gemini-2.5-flash-image";
pub const NEW: &str = "gemini-nano-banana-2.1";

#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
    /// The connection broke before its end.
    pub reset: bool,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    pub fn message(&self) -> String {
        self.json()["error"]["message"].as_str().unwrap_or_default().to_owned()
    }

    /// The HTTP status and the service's name of the error.
    pub fn error(&self) -> (u16, String) {
        (self.status, self.json()["error"]["status"].as_str().unwrap_or_default().to_owned())
    }
}

pub fn connect(emulator: &Emulator) -> TcpStream {
    let stream = TcpStream::connect(emulator.url().trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

pub fn write_head(stream: &mut TcpStream, method: &str, path: &str, headers: &[(&str, &str)], length: usize) {
    let mut head = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\ncontent-length: {length}\r\n");
    if !headers.iter().any(|(name, _)| *name == "host") {
        head.push_str("host: localhost\r\n");
    }
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all((head + "\r\n").as_bytes()).unwrap();
}

/// Asks and reads to the end of the connection.
pub fn ask(emulator: &Emulator, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    let mut stream = connect(emulator);
    write_head(&mut stream, method, path, headers, body.len());
    stream.write_all(body).unwrap();
    let mut raw = Vec::new();
    let reset = match stream.read_to_end(&mut raw) {
        Ok(_) => false,
        Err(error) if error.kind() == ErrorKind::ConnectionReset => true,
        Err(error) => panic!("{error}"),
    };
    let Some(end) = raw.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Reply { status: 0, headers: BTreeMap::new(), body: raw, reset };
    };
    let head = String::from_utf8(raw[..end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let mut body = raw[end + 4..].to_vec();
    if headers.get("transfer-encoding").is_some_and(|coding| coding == "chunked") {
        body = unchunked(&body);
    }
    Reply { status, headers, body, reset }
}

pub fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        let start = end + 2;
        out.extend(&rest[start..(start + size).min(rest.len())]);
        rest = rest.get(start + size + 2..).unwrap_or_default();
    }
    out
}

pub fn post(emulator: &Emulator, model: &str, verb: &str, body: &Value) -> Reply {
    let path = format!("/v1beta/models/{model}:{verb}");
    ask(emulator, "POST", &path, &[("x-goog-api-key", "k")], &serde_json::to_vec(body).unwrap())
}

pub fn generate(emulator: &Emulator, model: &str, body: &Value) -> Reply {
    post(emulator, model, "generateContent", body)
}

pub fn prompt(words: &str, config: Value) -> Value {
    json!({"contents": [{"parts": [{"text": words}]}], "generationConfig": config})
}

pub fn parts(reply: &Reply) -> Vec<Value> {
    assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
    reply.json()["candidates"][0]["content"]["parts"].as_array().cloned().unwrap_or_default()
}

pub fn image_of(part: &Value) -> Image {
    let data = part["inlineData"]["data"].as_str().unwrap();
    let image = Image::from_bytes(STANDARD.decode(data).unwrap()).unwrap();
    assert_eq!(part["inlineData"]["mimeType"], image.mime_type());
    image
}

/// The final picture.
pub fn picture(reply: &Reply) -> Image {
    let parts = parts(reply);
    let is_final = |part: &&Value| part["inlineData"].is_object() && part["thought"] != true;
    image_of(parts.iter().find(is_final).unwrap())
}

pub fn pixels_of(image: &Image) -> (u32, u32) {
    (image.width(), image.height())
}

/// A picture of one colour, in base64.
pub fn solid(width: u32, height: u32, colour: [u8; 3], format: &str) -> String {
    let data = colour.repeat((width * height) as usize);
    let image = Image::from_pixels(&Pixels { width, height, channels: 3, data }).unwrap();
    STANDARD.encode(image.convert(format, None).unwrap().bytes().unwrap())
}

pub fn with_picture(words: &str, mime: &str, data: &str) -> Value {
    json!({"contents": [{"parts": [{"text": words}, {"inlineData": {"mimeType": mime, "data": data}}]}]})
}

/// A config that keeps drawing quick.
pub fn small(seed: i64) -> Value {
    json!({"imageConfig": {"imageSize": "512"}, "seed": seed})
}

/// Waits until something holds.
pub fn until(what: impl Fn() -> bool) {
    let start = Instant::now();
    while !what() {
        assert!(start.elapsed() < Duration::from_secs(30), "it never came to be");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The parts that are neither thought nor without words.
pub fn visible(reply: &Reply) -> Vec<Value> {
    parts(reply).into_iter().filter(|part| part["thought"] != true && part["text"] != "").collect()
}

/// How far two pictures are from each other, in 256ths, whatever their sizes.
pub fn far(one: &Image, other: &Image) -> f64 {
    let (one, other) = (one.pixels().unwrap(), other.pixels().unwrap());
    let mean = |pixels: &Pixels, column: u32, row: u32, channel: u32| {
        let ends = |at: u32, all: u32| at * all / 16..((at + 1) * all / 16);
        let (mut sum, mut count) = (0.0, 0.0);
        for y in ends(row, pixels.height) {
            for x in ends(column, pixels.width) {
                sum += f64::from(pixels.data[((y * pixels.width + x) * 3 + channel) as usize]);
                count += 1.0;
            }
        }
        sum / count
    };
    let places = (0..16 * 16 * 3).map(|at| (at / 3 % 16, at / 48, at % 3));
    places.map(|(x, y, c)| (mean(&one, x, y, c) - mean(&other, x, y, c)).abs()).sum::<f64>() / 768.0
}

/// What `streamGenerateContent` sends as server-sent events.
pub fn events(reply: &Reply) -> Vec<Value> {
    assert_eq!(reply.headers["content-type"], "text/event-stream");
    let text = std::str::from_utf8(&reply.body).unwrap();
    (text.split("\r\n\r\n").filter(|event| !event.is_empty()))
        .map(|event| serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap())
        .collect()
}

pub fn stream(emulator: &Emulator, model: &str, body: &Value) -> Vec<Value> {
    let reply = post(emulator, model, "streamGenerateContent?alt=sse", body);
    assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
    events(&reply)
}
