//! From a call to the body of its request.
//!
//! The body is JSON text with holes where pictures belong. Pictures are encoded to base64 while the
//! body is being sent, so that none is ever held twice; its length is known before, and the same
//! body can be sent again.

use std::io::Read as _;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use base64::Engine as _;
use base64::engine::simd::Simd;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use serde_json::{Map, Value, json};
use tokio::task::JoinHandle;

use crate::error::{Error, Kind};
use crate::input::{File, Part, Source};
use crate::json::{self, Piece};
use crate::options::GenerateOptions;

/// A request's body, ready to be sent any number of times. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Body {
    segments: Arc<[Segment]>,
    len: u64,
}

#[derive(Debug, Clone)]
enum Segment {
    Text(Bytes),
    Picture(Source),
}

impl Body {
    /// The body that asks for what `parts` and `options` say, after the turns of a conversation.
    /// `options` have been checked against the model, so all that is set is sent.
    pub fn new(history: &[Turn], parts: &[Part], options: &GenerateOptions) -> Self {
        let mut holes = Holes::new();
        let parts: Vec<Value> = parts.iter().map(|part| part_json(part, &mut holes)).collect();
        let mut contents: Vec<Value> = vec![json!({ "role": "user", "parts": parts })];
        if !history.is_empty() {
            contents.insert(0, holes.mark(Hole::Turns(history.to_vec())).into());
        }
        let mut body = json!({ "contents": contents });
        if let Some(map) = body.as_object_mut() {
            fill(map, options);
        }
        if let Some(extra) = &options.extra {
            json::merge(&mut body, extra);
        }
        holes.cut(body.to_string())
    }

    /// The same body, asking for the rest of an answer.
    pub fn continued(&self, token: &str) -> Self {
        let mut segments = self.segments.to_vec();
        if let Some(Segment::Text(end)) = segments.pop() {
            let open = end.slice(..end.len().saturating_sub(1));
            segments.push(Segment::Text(open));
            segments.push(Segment::Text(format!(",\"continuationToken\":{}}}", json!(token)).into()));
        }
        Body::of(segments)
    }

    fn of(segments: Vec<Segment>) -> Self {
        let len = segments.iter().map(Segment::len).sum();
        Body { segments: segments.into(), len }
    }

    /// The body for one attempt. What goes wrong with a picture's file on the way lands in
    /// `trouble`, since the transport can only say that the body broke off.
    pub fn stream(&self, trouble: Arc<Mutex<Option<Error>>>) -> BodyStream {
        BodyStream { segments: self.segments.clone(), at: 0, left: self.len, current: Current::None, trouble }
    }
}

impl Segment {
    fn len(&self) -> u64 {
        match self {
            Segment::Text(text) => text.len() as u64,
            Segment::Picture(source) => source.len().div_ceil(3) * 4,
        }
    }
}

/// One turn of a conversation, as it goes back to the service.
#[derive(Debug, Clone)]
pub(crate) struct Turn {
    /// "user" or "model".
    pub role: String,
    pub pieces: Arc<[Piece]>,
}

impl Turn {
    pub fn new(role: &str, pieces: impl IntoIterator<Item = Piece>) -> Self {
        Turn { role: role.to_owned(), pieces: pieces.into_iter().collect() }
    }

    fn segments(&self) -> Vec<Segment> {
        let mut text = format!("{{\"role\":{},\"parts\":[", json!(self.role));
        let mut segments = Vec::new();
        for (place, piece) in self.pieces.iter().enumerate() {
            if place > 0 {
                text.push(',');
            }
            text.push_str(&piece.before);
            if let Some(picture) = &piece.picture {
                segments.push(Segment::Text(std::mem::take(&mut text).into()));
                segments.push(Segment::Picture(Source::Memory(picture.clone())));
            }
            text.push_str(&piece.after);
        }
        text.push_str("]}");
        segments.push(Segment::Text(text.into()));
        segments
    }
}

/// A part that was made here, as a piece of a conversation. Only what is in memory becomes one.
pub(crate) fn piece(part: &Part) -> Piece {
    let mut holes = Holes::new();
    let text = part_json(part, &mut holes).to_string();
    match holes.marks.pop() {
        Some((mark, Hole::Picture(Source::Memory(bytes)))) => match text.split_once(&mark) {
            Some((before, after)) => {
                Piece { before: before.to_owned(), picture: Some(bytes), after: after.to_owned() }
            }
            None => Piece { before: text, ..Piece::default() },
        },
        _ => Piece { before: text, ..Piece::default() },
    }
}

/// What goes into a marked place.
enum Hole {
    /// Base64, within the quotes.
    Picture(Source),
    /// Turns with commas between them, in place of the string.
    Turns(Vec<Turn>),
}

/// Marks places in the JSON until it is text.
struct Holes {
    marks: Vec<(String, Hole)>,
    nonce: u128,
}

impl Holes {
    fn new() -> Self {
        Holes { marks: Vec::new(), nonce: fastrand::u128(..) }
    }

    fn mark(&mut self, hole: Hole) -> String {
        // Random, so that no text of a prompt can be taken for it.
        let mark = format!("hole-{:032x}-{}", self.nonce, self.marks.len());
        self.marks.push((mark.clone(), hole));
        mark
    }

    fn cut(self, text: String) -> Body {
        let text = Bytes::from(text);
        let place = |mark: &str| memchr::memmem::find(&text, format!("\"{mark}\"").as_bytes());
        // `extra` may have replaced the contents, and the pictures with them.
        let marks = self.marks.into_iter().filter_map(|(mark, hole)| Some((place(&mark)?, mark.len(), hole)));
        let mut marks: Vec<_> = marks.collect();
        marks.sort_by_key(|(at, ..)| *at);
        let mut segments = Vec::new();
        let mut done = 0;
        for (at, len, hole) in marks {
            match hole {
                Hole::Picture(source) => {
                    segments.push(Segment::Text(text.slice(done..at + 1)));
                    segments.push(Segment::Picture(source));
                    done = at + 1 + len;
                }
                Hole::Turns(turns) => {
                    segments.push(Segment::Text(text.slice(done..at)));
                    for (place, turn) in turns.iter().enumerate() {
                        if place > 0 {
                            segments.push(Segment::Text(Bytes::from_static(b",")));
                        }
                        segments.extend(turn.segments());
                    }
                    done = at + len + 2;
                }
            }
        }
        segments.push(Segment::Text(text.slice(done..)));
        Body::of(segments)
    }
}

fn part_json(part: &Part, holes: &mut Holes) -> Value {
    match part {
        Part::Text(text) => json!({ "text": text }),
        Part::Picture { mime_type, source } => {
            json!({ "inlineData": { "mimeType": mime_type, "data": holes.mark(Hole::Picture(source.clone())) } })
        }
        Part::Reference { uri, mime_type: None } => json!({ "fileData": { "fileUri": uri } }),
        Part::Reference { uri, mime_type: Some(mime_type) } => {
            json!({ "fileData": { "mimeType": mime_type, "fileUri": uri } })
        }
    }
}

/// Puts a value where a dotted path leads.
fn place(map: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            map.insert(path.to_owned(), value);
        }
        Some((first, rest)) => {
            let inner = map.entry(first).or_insert_with(|| json!({}));
            if let Some(inner) = inner.as_object_mut() {
                place(inner, rest, value);
            }
        }
    }
}

fn fill(body: &mut Map<String, Value>, options: &GenerateOptions) {
    if let Some(text) = &options.system {
        place(body, "systemInstruction", json!({ "parts": [{ "text": text }] }));
    }
    for (path, value) in options.wire() {
        place(body, path, value);
    }
    // Plain web search is what the tool does when no type is named.
    let search = match (options.search == Some(true), options.image_search == Some(true)) {
        (false, false) => return,
        (true, false) => json!({}),
        (false, true) => json!({ "searchTypes": { "imageSearch": {} } }),
        (true, true) => json!({ "searchTypes": { "webSearch": {}, "imageSearch": {} } }),
    };
    place(body, "tools", json!([{ "googleSearch": search }]));
}

/// A body on its way out.
pub(crate) struct BodyStream {
    segments: Arc<[Segment]>,
    at: usize,
    left: u64,
    current: Current,
    trouble: Arc<Mutex<Option<Error>>>,
}

enum Current {
    None,
    Memory { bytes: Bytes },
    File(JoinHandle<Result<(Bytes, OpenFile), Error>>),
    Between(OpenFile),
}

/// A picture's file in the middle of being read.
struct OpenFile {
    file: File,
    handle: std::fs::File,
    read: u64,
}

/// How much of a picture is encoded at a time: a multiple of 3, so that no piece needs padding but
/// the last, and small enough not to hold up the event loop (about 30 µs).
const BLOCK: usize = 3 << 16;

impl OpenFile {
    fn next(mut self) -> Result<(Bytes, OpenFile), Error> {
        let wanted = (self.file.len - self.read).min(BLOCK as u64) as usize;
        let mut block = vec![0; wanted];
        self.handle.read_exact(&mut block).map_err(|cause| self.file.changed(&cause.to_string()))?;
        self.read += wanted as u64;
        if self.read == self.file.len && self.handle.read(&mut [0]).is_ok_and(|more| more > 0) {
            return Err(self.file.changed("it has grown"));
        }
        Ok((encoded(&block), self))
    }
}

fn encoded(block: &[u8]) -> Bytes {
    let engine = Simd::standard(base64::engine::general_purpose::PAD);
    engine.encode(block).into()
}

impl BodyStream {
    fn fail(&mut self, error: Error) -> Error {
        if let Ok(mut trouble) = self.trouble.lock() {
            *trouble = Some(error.clone());
        }
        self.at = self.segments.len();
        self.current = Current::None;
        error
    }

    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        loop {
            match std::mem::replace(&mut self.current, Current::None) {
                Current::None => {
                    let Some(segment) = self.segments.get(self.at).cloned() else { return Poll::Ready(None) };
                    self.at += 1;
                    match segment {
                        Segment::Text(text) if text.is_empty() => {}
                        Segment::Text(text) => return Poll::Ready(Some(Ok(text))),
                        Segment::Picture(Source::Memory(bytes)) => self.current = Current::Memory { bytes },
                        Segment::Picture(Source::File(file)) => {
                            self.current = Current::File(tokio::task::spawn_blocking(move || {
                                let handle = file.open()?;
                                OpenFile { file, handle, read: 0 }.next()
                            }));
                        }
                    }
                }
                Current::Memory { mut bytes } => {
                    if bytes.is_empty() {
                        continue;
                    }
                    let block = bytes.split_to(bytes.len().min(BLOCK));
                    self.current = Current::Memory { bytes };
                    return Poll::Ready(Some(Ok(encoded(&block))));
                }
                Current::Between(open) => {
                    if open.read < open.file.len {
                        self.current = Current::File(tokio::task::spawn_blocking(move || open.next()));
                    }
                }
                Current::File(mut reading) => match Pin::new(&mut reading).poll(context) {
                    Poll::Pending => {
                        self.current = Current::File(reading);
                        return Poll::Pending;
                    }
                    Poll::Ready(Ok(Ok((piece, open)))) => {
                        self.current = Current::Between(open);
                        return Poll::Ready(Some(Ok(piece)));
                    }
                    Poll::Ready(Ok(Err(error))) => return Poll::Ready(Some(Err(self.fail(error)))),
                    Poll::Ready(Err(cause)) => {
                        let error =
                            Error::new(Kind::ImageError, format!("a picture could not be read: {cause}"));
                        return Poll::Ready(Some(Err(self.fail(error))));
                    }
                },
            }
        }
    }
}

impl http_body::Body for BodyStream {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let piece = std::task::ready!(self.poll_piece(context));
        if let Some(Ok(piece)) = &piece {
            self.left = self.left.saturating_sub(piece.len() as u64);
        }
        Poll::Ready(piece.map(|piece| piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
