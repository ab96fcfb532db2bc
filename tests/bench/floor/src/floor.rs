//! The floor: what the work of each case costs a bare program that does it and nothing else.
//!
//! usage: floor CASE URL [COUNT] [FILE…]    prints one line of JSON
//!
//! It sends by reqwest, encodes what it sends in blocks while they leave, and decodes each picture with
//! SIMD, as it arrives, into one `Vec`. It looks for the place where the base64 begins, not at the JSON.

use std::collections::VecDeque;
use std::error::Error;
use std::fs::File;
use std::io::Read;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use base64::Engine as _;
use base64::engine::simd::Simd;
use bytes::Bytes;
use http_body::{Frame, SizeHint};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// How much is encoded at once: whole groups of three bytes, and little enough to stay in the cache.
const BLOCK: usize = 3 << 14;

/// A piece of a request's body.
enum Piece {
    Text(Bytes),
    Picture(Bytes),
    /// A picture's file and how much of it is left.
    File(File, usize),
}

struct Body {
    pieces: VecDeque<Piece>,
    left: u64,
    /// What was read of a file last.
    block: Vec<u8>,
    /// Texts that were sent. Those that have left are written over: fresh memory costs more than the encoding.
    sent: Vec<Bytes>,
}

fn engine() -> Simd {
    Simd::standard(base64::engine::general_purpose::PAD)
}

impl Body {
    fn of(pieces: impl IntoIterator<Item = Piece>) -> Self {
        let pieces: VecDeque<_> = pieces.into_iter().collect();
        let length = |piece: &Piece| match piece {
            Piece::Text(text) => text.len(),
            Piece::Picture(bytes) => bytes.len().div_ceil(3) * 4,
            Piece::File(_, left) => left.div_ceil(3) * 4,
        };
        let left = pieces.iter().map(length).sum::<usize>() as u64;
        Body { pieces, left, block: vec![0; BLOCK], sent: Vec::new() }
    }
}

/// A block as text, in memory that was used before if some is free.
fn encoded(sent: &mut Vec<Bytes>, block: &[u8]) -> Bytes {
    let free = sent.iter().position(Bytes::is_unique).map(|at| sent.swap_remove(at));
    let mut text = free.and_then(|text| text.try_into_mut().ok()).unwrap_or_default();
    text.resize(block.len().div_ceil(3) * 4, 0);
    engine().encode_slice(block, &mut text).expect("it has the length that is needed");
    let text = text.freeze();
    sent.push(text.clone());
    text
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let Some(piece) = self.pieces.pop_front() else { return Poll::Ready(None) };
        let next = match piece {
            Piece::Text(text) => text,
            Piece::Picture(mut bytes) => {
                let block = bytes.split_to(bytes.len().min(BLOCK));
                if !bytes.is_empty() {
                    self.pieces.push_front(Piece::Picture(bytes));
                }
                encoded(&mut self.sent, &block)
            }
            Piece::File(mut file, left) => {
                let Body { block, sent, .. } = &mut *self;
                let block = &mut block[..left.min(BLOCK)];
                file.read_exact(block)?;
                let text = encoded(sent, block);
                if left > BLOCK {
                    self.pieces.push_front(Piece::File(file, left - BLOCK));
                }
                text
            }
        };
        self.left -= next.len() as u64;
        Poll::Ready(Some(Ok(Frame::data(next))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

/// Takes the first base64 text behind `"data":"` out of a reply.
struct Picture {
    bytes: Vec<u8>,
    /// What has come of the text before the picture, or of a group of four.
    held: Vec<u8>,
    state: State,
}

enum State {
    Before,
    Inside,
    Behind,
}

impl Picture {
    fn new(length: usize) -> Self {
        Picture { bytes: Vec::with_capacity(length / 4 * 3 + 3), held: Vec::new(), state: State::Before }
    }

    fn feed(&mut self, piece: &[u8]) -> Outcome<()> {
        let (joined, mut piece) = (&mut Vec::new(), piece);
        if matches!(self.state, State::Before) {
            self.held.extend_from_slice(piece);
            let mark = br#""data":""#;
            let Some(at) = memchr::memmem::find(&self.held, mark) else { return Ok(()) };
            *joined = self.held.split_off(at + mark.len());
            self.held.clear();
            self.state = State::Inside;
            piece = joined;
        }
        if matches!(self.state, State::Inside) {
            let end = memchr::memchr(b'"', piece);
            let mut text = &piece[..end.unwrap_or(piece.len())];
            if !self.held.is_empty() {
                let (first, rest) = text.split_at((4 - self.held.len()).min(text.len()));
                self.held.extend_from_slice(first);
                text = rest;
                if self.held.len() == 4 {
                    let group = std::mem::take(&mut self.held);
                    self.decode(&group)?;
                }
            }
            let (groups, rest) = text.split_at(text.len() / 4 * 4);
            for block in groups.chunks(16 << 10) {
                self.decode(block)?;
            }
            self.held.extend_from_slice(rest);
            if end.is_some() {
                self.state = State::Behind;
            }
        }
        Ok(())
    }

    fn decode(&mut self, text: &[u8]) -> Outcome<()> {
        let start = self.bytes.len();
        self.bytes.resize(start + text.len() / 4 * 3, 0);
        let written = engine().decode_slice(text, &mut self.bytes[start..])?;
        self.bytes.truncate(start + written);
        Ok(())
    }
}

#[derive(Clone)]
struct Client {
    http: reqwest::Client,
    url: String,
}

impl Client {
    async fn call(&self, method: &str, pieces: impl IntoIterator<Item = Piece>) -> Outcome<Bytes> {
        let url = format!("{}/v1beta/models/gemini-3-pro-image:{method}", self.url);
        let body = reqwest::Body::wrap(Body::of(pieces));
        let request = self.http.post(url).header("content-type", "application/json").body(body);
        let mut reply = request.send().await?.error_for_status()?;
        let mut picture = Picture::new(reply.content_length().unwrap_or(0) as usize);
        while let Some(piece) = reply.chunk().await? {
            picture.feed(&piece)?;
        }
        match picture.state {
            State::Behind => Ok(picture.bytes.into()),
            _ => Err("no picture came".into()),
        }
    }

    async fn asks(&self, method: &str, words: &str) -> Outcome<Bytes> {
        self.call(method, [text(format!("{{\"contents\":[{}]}}", user(words)))]).await
    }
}

fn text(text: impl Into<String>) -> Piece {
    Piece::Text(text.into().into())
}

fn user(words: &str) -> String {
    format!(r#"{{"role":"user","parts":[{{"text":"{words}"}}]}}"#)
}

const OPEN: &str = r#"{"inlineData":{"mimeType":"image/png","data":""#;

async fn inputs(client: &Client, files: &[String]) -> Outcome<usize> {
    let mut pieces = vec![text(r#"{"contents":[{"role":"user","parts":[{"text":"edit"}"#)];
    for path in files {
        let file = File::open(path)?;
        let length = file.metadata()?.len() as usize;
        pieces.extend([text(format!(",{OPEN}")), Piece::File(file, length), text(r#""}}"#)]);
    }
    pieces.push(text("]}]}"));
    Ok(client.call("generateContent", pieces).await?.len())
}

async fn chat(client: &Client, turns: usize) -> Outcome<usize> {
    let mut said: Vec<Bytes> = Vec::new();
    for _ in 0..turns {
        let mut pieces = vec![text(r#"{"contents":["#)];
        for picture in &said {
            let open = format!(r#"{},{{"role":"model","parts":[{OPEN}"#, user("go on"));
            pieces.extend([text(open), Piece::Picture(picture.clone()), text(r#""}}]},"#)]);
        }
        pieces.push(text(format!("{}]}}", user("go on"))));
        said.push(client.call("generateContent", pieces).await?);
    }
    Ok(said.iter().map(Bytes::len).sum())
}

async fn flight(client: &Client, count: usize) -> Outcome<usize> {
    let calls: Vec<_> = (0..count)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.asks("generateContent", "draw").await })
        })
        .collect();
    let mut pictures = Vec::new();
    for call in calls {
        pictures.push(call.await??);
    }
    Ok(pictures.iter().map(Bytes::len).sum())
}

async fn many(client: &Client, count: usize) -> Outcome<usize> {
    let mut size = 0;
    for _ in 0..count {
        size += client.asks("generateContent", "draw").await?.len();
    }
    Ok(size)
}

/// A value in kB of this process.
fn status(name: &str) -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(f64::NAN)
}

/// CPU seconds of all threads.
fn cpu() -> f64 {
    // SAFETY: the struct is plain numbers, and the call fills it.
    let used = unsafe {
        let mut used: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &mut used);
        used
    };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    seconds(used.ru_utime) + seconds(used.ru_stime)
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [case, url, rest @ ..] = args.as_slice() else {
        return Err("usage: floor CASE URL [COUNT] [FILE…]".into());
    };
    let number = |default| rest.first().and_then(|count| count.parse().ok()).unwrap_or(default);
    let client = Client { http: reqwest::Client::builder().no_proxy().build()?, url: url.clone() };
    let warm = if case == "small" { 20 } else { 1 };
    for _ in 0..warm {
        client.asks("generateContent", "warm up").await?;
    }
    std::fs::write("/proc/self/clear_refs", "5")?;
    let (before, used, start) = (status("VmRSS"), cpu(), Instant::now());
    let size = match case.as_str() {
        "small" => many(&client, number(100)).await?,
        "reply" => client.asks("generateContent", "draw").await?.len(),
        "stream" => client.asks("streamGenerateContent?alt=sse", "draw").await?.len(),
        "inputs" => inputs(&client, rest).await?,
        "flight" => flight(&client, number(64)).await?,
        "chat" => chat(&client, number(10)).await?,
        other => return Err(format!("there is no case {other}").into()),
    };
    let (wall, used) = (start.elapsed().as_secs_f64(), cpu() - used);
    let peak = status("VmHWM") - before;
    println!(r#"{{"wall":{wall},"cpu":{used},"peak":{},"size":{size}}}"#, peak * 1024.0);
    Ok(())
}
