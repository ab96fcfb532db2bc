//! From a call to the body of its request.
//!
//! The body is JSON text with holes where pictures belong. Pictures are encoded to base64 while the
//! body is being sent, so that none is ever held twice; its length is known before, and the same
//! body can be sent again.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::task::{Context, Poll};

use base64::Engine as _;
use base64::engine::simd::Simd;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use serde_json::{Map, Value, json};

use crate::blocking::{self, Task};
use crate::digest::Digest;
use crate::error::Error;
use crate::input::{Clip, File, Part, Source};
use crate::json::{self, Piece};
use crate::options::GenerateOptions;

mod digest;

use digest::digest_of;

/// A request's body, ready to be sent any number of times. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Body {
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

    /// The same request to this model, asking only how many tokens it has.
    pub fn counted(&self, model: &str) -> Self {
        let start = format!("{{\"generateContentRequest\":{{\"model\":{},", json!(format!("models/{model}")));
        let mut segments = vec![Segment::Text(start.into())];
        for (place, segment) in self.segments.iter().enumerate() {
            segments.push(match segment {
                Segment::Text(text) if place == 0 => Segment::Text(text.slice(1.min(text.len())..)),
                other => other.clone(),
            });
        }
        segments.push(Segment::Text(Bytes::from_static(b"}")));
        Body::of(segments)
    }

    /// How many bytes are sent.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// What tells this request from others: equal for equal calls, whatever language they are made in,
    /// in whatever order their maps are written, and wherever their pictures lie. It covers all that is
    /// sent but the address (so not the model) and the headers.
    ///
    /// # Errors
    /// [`Kind::ImageError`] if a picture's file is not the one that was opened.
    pub async fn digest(&self) -> Result<Digest, Error> {
        let segments = self.segments.clone();
        blocking::disk(move || digest_of(&segments)).await?
    }

    fn of(segments: Vec<Segment>) -> Self {
        let len = segments.iter().map(Segment::len).sum();
        Body { segments: segments.into(), len }
    }

    /// The body for one attempt. What goes wrong with a picture's file on the way lands in
    /// `trouble`, since the transport can only say that the body broke off. `sent` is set as soon as any
    /// of it leaves.
    pub fn stream(&self, trouble: Arc<Mutex<Option<Error>>>, sent: Arc<AtomicBool>) -> BodyStream {
        let segments = self.segments.clone();
        let (current, buffers) = (Current::None, Buffers::default());
        BodyStream { segments, at: 0, left: self.len, current, buffers, trouble, sent }
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

/// The SHA-256 of a picture's bytes.
///
/// # Errors
/// [`Kind::ImageError`] if its file is not the one that was opened.
pub(crate) async fn content_digest(source: &Source) -> Result<Digest, Error> {
    let source = source.clone();
    blocking::disk(move || source.digest()).await?
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
        Part::Picture { mime_type, source, attached } => {
            let data = holes.mark(Hole::Picture(source.clone()));
            cut_to(attached, json!({ "inlineData": { "mimeType": mime_type, "data": data } }))
        }
        Part::Reference { uri, mime_type: None, attached } => {
            cut_to(attached, json!({ "fileData": { "fileUri": uri } }))
        }
        Part::Reference { uri, mime_type: Some(mime_type), attached } => {
            cut_to(attached, json!({ "fileData": { "mimeType": mime_type, "fileUri": uri } }))
        }
    }
}

/// The part, with what of a video is to be seen.
fn cut_to(clip: &Option<Clip>, mut part: Value) -> Value {
    let told = clip.as_ref().map(Clip::wire).filter(|told| !told.is_empty());
    if let (Some(part), Some(told)) = (part.as_object_mut(), told) {
        part.insert("videoMetadata".to_owned(), Value::Object(told));
    }
    part
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
pub struct BodyStream {
    segments: Arc<[Segment]>,
    at: usize,
    left: u64,
    current: Current,
    buffers: Buffers,
    trouble: Arc<Mutex<Option<Error>>>,
    sent: Arc<AtomicBool>,
}

enum Current {
    None,
    Memory { bytes: Bytes },
    File(Task<Result<Read, Error>>),
    Between(OpenFile),
}

/// A block that was read and encoded, and what goes on with the next one.
struct Read {
    text: Bytes,
    open: OpenFile,
    buffers: Buffers,
}

/// Memory that one block after the other uses: to get it anew from the system each time costs more than
/// the encoding.
#[derive(Default)]
struct Buffers {
    /// What was read of a file last.
    block: Vec<u8>,
    /// Texts that were sent; one that the transport has let go of is written over.
    sent: Vec<Bytes>,
}

impl Buffers {
    fn encoded(&mut self, block: &[u8]) -> Bytes {
        let free = self.sent.iter().position(Bytes::is_unique).map(|at| self.sent.swap_remove(at));
        let mut text = free.and_then(|text| text.try_into_mut().ok()).unwrap_or_default();
        text.resize(block.len().div_ceil(3) * 4, 0);
        // It has the very length that is needed, and no other error is known.
        let length = ENGINE.encode_slice(block, &mut text).unwrap_or_default();
        text.truncate(length);
        let text = text.freeze();
        self.sent.push(text.clone());
        text
    }
}

/// A picture's file in the middle of being read.
struct OpenFile {
    file: File,
    handle: std::fs::File,
    read: u64,
}

/// How much of a picture is encoded at a time: a multiple of 3, so that no piece needs padding but
/// the last, and small enough to stay in the cache between reading, encoding and sending.
const BLOCK: usize = 3 << 15;

impl OpenFile {
    /// The next block, if it is in memory and nothing has to be waited for: to hand it from one thread to another
    /// costs more than to read and encode it.
    fn at_hand(&mut self, buffers: &mut Buffers) -> Option<Result<Bytes, Error>> {
        if self.file.len - self.read <= BLOCK as u64 {
            // With its last block the file itself is looked at, which may have to wait for its disk.
            return None;
        }
        let mut block = self.block(buffers);
        let read = read_at_hand(&self.handle, &mut block);
        if read != block.len() {
            buffers.block = block;
            // It is read again, and waited for.
            let back = self.handle.seek(SeekFrom::Start(self.read));
            return back.err().map(|cause| Err(self.file.changed(&cause.to_string())));
        }
        Some(self.encoded(block, buffers))
    }

    fn next(mut self, mut buffers: Buffers) -> Result<Read, Error> {
        let mut block = self.block(&mut buffers);
        self.handle.read_exact(&mut block).map_err(|cause| self.file.changed(&cause.to_string()))?;
        let text = self.encoded(block, &mut buffers)?;
        Ok(Read { text, open: self, buffers })
    }

    fn block(&self, buffers: &mut Buffers) -> Vec<u8> {
        let mut block = std::mem::take(&mut buffers.block);
        block.resize((self.file.len - self.read).min(BLOCK as u64) as usize, 0);
        block
    }

    fn encoded(&mut self, block: Vec<u8>, buffers: &mut Buffers) -> Result<Bytes, Error> {
        self.read += block.len() as u64;
        if self.read == self.file.len {
            self.file.is_still(&self.handle)?;
        }
        let text = buffers.encoded(&block);
        buffers.block = block;
        Ok(text)
    }
}

/// Reads from where a file stands without waiting for its disk; how much came.
#[cfg(target_os = "linux")]
fn read_at_hand(file: &std::fs::File, into: &mut [u8]) -> usize {
    // That place, and on with it (preadv2(2)).
    const WHERE_IT_STANDS: u64 = u64::MAX;
    let mut into = [std::io::IoSliceMut::new(into)];
    rustix::io::preadv2(file, &mut into, WHERE_IT_STANDS, rustix::io::ReadWriteFlags::NOWAIT).unwrap_or(0)
}

/// Other systems do not say whether they would wait.
#[cfg(not(target_os = "linux"))]
fn read_at_hand(_: &std::fs::File, _: &mut [u8]) -> usize {
    0
}

static ENGINE: LazyLock<Simd> = LazyLock::new(|| Simd::standard(base64::engine::general_purpose::PAD));

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
                            let buffers = std::mem::take(&mut self.buffers);
                            self.current = Current::File(blocking::disk(move || {
                                let handle = file.open()?;
                                OpenFile { file, handle, read: 0 }.next(buffers)
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
                    return Poll::Ready(Some(Ok(self.buffers.encoded(&block))));
                }
                Current::Between(mut open) => {
                    if open.read < open.file.len {
                        let mut buffers = std::mem::take(&mut self.buffers);
                        if let Some(text) = open.at_hand(&mut buffers) {
                            self.buffers = buffers;
                            self.current = Current::Between(open);
                            return Poll::Ready(Some(text.map_err(|error| self.fail(error))));
                        }
                        self.current = Current::File(blocking::disk(move || open.next(buffers)));
                    }
                }
                Current::File(mut reading) => match Pin::new(&mut reading).poll(context) {
                    Poll::Pending => {
                        self.current = Current::File(reading);
                        return Poll::Pending;
                    }
                    Poll::Ready(Ok(Ok(Read { text, open, buffers }))) => {
                        (self.current, self.buffers) = (Current::Between(open), buffers);
                        return Poll::Ready(Some(Ok(text)));
                    }
                    Poll::Ready(Ok(Err(error))) => return Poll::Ready(Some(Err(self.fail(error)))),
                    Poll::Ready(Err(lost)) => return Poll::Ready(Some(Err(self.fail(lost.into())))),
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
        self.sent.store(true, Ordering::SeqCst);
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

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use crate::image::{Image, Pixels};
    use crate::input::{self, Input};
    use crate::options::{Attachment, Reference};
    use crate::schema::Case;

    async fn prepared(inputs: Vec<Input>) -> Result<Vec<Part>, Error> {
        let base = url::Url::parse("https://generativelanguage.googleapis.com").unwrap();
        let fetch = |_| -> Pin<Box<dyn Future<Output = Result<Bytes, Error>> + Send>> { unreachable!() };
        let reach = input::Reach { base: &base, fetch: &fetch, local_files: true };
        Ok(input::prepare(inputs, &reach, None, input::Wanted::default()).await?.parts)
    }

    async fn parts(inputs: Vec<Input>) -> Vec<Part> {
        prepared(inputs).await.unwrap()
    }

    fn options(json: Value, case: Case) -> GenerateOptions {
        GenerateOptions::read(json.as_object().unwrap(), case).unwrap()
    }

    async fn digest(inputs: Vec<Input>, options: &GenerateOptions) -> String {
        Body::new(&[], &parts(inputs).await, options).digest().await.unwrap().to_string()
    }

    /// Its PNG is larger than what is read at once.
    fn noise() -> Image {
        let mut random = fastrand::Rng::with_seed(1);
        let data = std::iter::repeat_with(|| random.u8(..)).take(800 * 600 * 3).collect();
        Image::from_pixels(&Pixels { width: 800, height: 600, channels: 3, data }).unwrap()
    }

    /// What users keep by digests (caches, journals) must be found again by every later version.
    #[tokio::test]
    async fn a_digest_never_changes() {
        let asked =
            json!({ "aspect_ratio": "16:9", "seed": 7, "temperature": 0.25, "labels": { "team": "a" } });
        let asked = options(asked, Case::Snake);
        assert_eq!(
            digest(vec!["A banana, “ripe”".into()], &asked).await,
            "42d28fa6e05ec5562818a1b08822599aeb78facbdb7ac2def60ee01829547a64"
        );
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x02\0\0\0\x03";
        assert_eq!(
            digest(vec!["Night".into(), Input::Bytes(Bytes::from_static(png))], &asked).await,
            "23ddf04c49640a0eb377c70eba918806d14301791feb0e70f41c8207e62e9f14"
        );
    }

    #[tokio::test]
    async fn a_picture_counts_by_its_content_wherever_it_lies() {
        let folder = tempfile::tempdir().unwrap();
        let image = noise();
        let path = image.save(folder.path().join("noise")).unwrap();
        assert!(image.len() > 1 << 20, "it is read as it is sent");
        let other = folder.path().join("other name.png");
        std::fs::copy(&path, &other).unwrap();
        let none = GenerateOptions::new();
        let wanted = digest(vec!["Night".into(), Input::Bytes(image.bytes().unwrap().clone())], &none).await;
        let earlier = Image::on_disk(&path, "image/png", 800, 600, image.len() as u64);
        for same in [Input::Image(image.clone()), path.as_path().into(), other.into(), (&earlier).into()] {
            assert_eq!(digest(vec!["Night".into(), same], &none).await, wanted);
        }
        assert_eq!(earlier.held(), 0, "it goes out from its file");
        let mut bytes = image.bytes().unwrap().to_vec();
        *bytes.last_mut().unwrap() ^= 1;
        assert_ne!(digest(vec!["Night".into(), bytes.into()], &none).await, wanted);
        assert_ne!(digest(vec![image.clone().into(), "Night".into()], &none).await, wanted);
        assert_ne!(digest(vec!["Night".into(), image.clone().into(), image.into()], &none).await, wanted);
    }

    #[test]
    fn memory_is_used_again_but_not_while_its_text_is_on_its_way() {
        let encode = |block: &[u8]| base64::engine::general_purpose::STANDARD.encode(block);
        let mut buffers = Buffers::default();
        let blocks: Vec<Vec<u8>> = (1..=2).map(|byte| vec![byte; BLOCK]).collect();
        let first = buffers.encoded(&blocks[0]);
        let second = buffers.encoded(&blocks[1]);
        assert_eq!((&*first, &*second), (encode(&blocks[0]).as_bytes(), encode(&blocks[1]).as_bytes()));
        let memory = first.as_ptr();
        drop(first);
        for end in [&b"end"[..], b"en", b"e", b""] {
            let last = buffers.encoded(end);
            assert_eq!(last, encode(end));
            assert_eq!(last.as_ptr(), memory, "the first one's");
        }
        assert_eq!(second, encode(&blocks[1]));
        assert_eq!(buffers.encoded(&blocks[0]), encode(&blocks[0]));
        assert_eq!(buffers.sent.len(), 2);
    }

    #[tokio::test]
    async fn what_is_said_of_inputs_counts() {
        let none = GenerateOptions::new();
        let image = || Box::new(Input::Image(noise()));
        let text = || Box::new(Input::Bytes(Bytes::from_static(b"banana,1")));
        let named = |name: &str| Input::Reference(image(), Reference::new().name(name));
        let attached = |about: Attachment| Input::Attachment(text(), about);
        let all = [
            *image(),
            named("Mia"),
            named("Tom"),
            attached(Attachment::new()),
            attached(Attachment::new().mime_type("text/csv")),
            attached(Attachment::new().mime_type("video/mp4")),
            attached(Attachment::new().mime_type("video/mp4").end(5.0)),
        ];
        let mut seen = std::collections::HashSet::new();
        for input in all {
            assert!(seen.insert(digest(vec!["Night".into(), input.clone()], &none).await), "{input:?}");
        }
    }

    #[tokio::test]
    async fn a_file_that_changed_has_no_digest() {
        let folder = tempfile::tempdir().unwrap();
        let path = noise().save(folder.path().join("noise")).unwrap();
        let body = Body::new(&[], &parts(vec![path.as_path().into()]).await, &GenerateOptions::new());
        std::fs::OpenOptions::new().append(true).open(&path).unwrap().set_len(2 << 20).unwrap();
        let error = body.digest().await.unwrap_err();
        assert_eq!(error.kind(), Kind::ImageError);
        assert!(error.message().contains("noise.png"), "{error}");
    }

    /// What is sent of a file to which `change` is done when its first block is on its way.
    async fn sent_while(change: impl FnOnce(&std::path::Path)) -> Result<Vec<u8>, Error> {
        use http_body::Body as _;
        let folder = tempfile::tempdir().unwrap();
        let path = noise().save(folder.path().join("noise")).unwrap();
        let body = Body::new(&[], &parts(vec![path.as_path().into()]).await, &GenerateOptions::new());
        let trouble = Arc::new(Mutex::new(None));
        let mut stream = Box::pin(body.stream(trouble.clone(), Arc::default()));
        let (mut sent, mut change) = (Vec::new(), Some(change));
        while let Some(frame) = std::future::poll_fn(|context| stream.as_mut().poll_frame(context)).await {
            match frame {
                Ok(frame) => sent.extend_from_slice(&frame.into_data().unwrap()),
                Err(error) => {
                    assert!(trouble.lock().unwrap().is_some(), "it is told by the transport's error, too");
                    return Err(error);
                }
            }
            if sent.len() > BLOCK
                && let Some(change) = change.take()
            {
                change(&path);
            }
        }
        assert!(change.is_none() && sent.len() as u64 == body.len());
        Ok(sent)
    }

    #[tokio::test]
    async fn a_file_that_changes_while_it_is_sent_goes_as_it_was_or_not_at_all() {
        let open = |path: &std::path::Path| std::fs::OpenOptions::new().append(true).open(path).unwrap();
        let whole = sent_while(|_| {}).await.unwrap();
        // In its place stands another one: what was opened is read on.
        let replaced = sent_while(|path| {
            std::fs::write(path.with_extension("new"), b"another").unwrap();
            std::fs::rename(path.with_extension("new"), path).unwrap();
        });
        assert!(replaced.await.unwrap() == whole);
        assert!(sent_while(|path| std::fs::remove_file(path).unwrap()).await.unwrap() == whole);
        let grown = sent_while(|path| std::io::Write::write_all(&mut open(path), b"more").unwrap());
        let shrunk = sent_while(|path| open(path).set_len(1 << 20).unwrap());
        let cut = sent_while(|path| open(path).set_len(1).unwrap());
        let written = sent_while(|path| {
            let (len, file) = (std::fs::metadata(path).unwrap().len(), open(path));
            // Of the same length, and of another time.
            file.set_len(len - 1).unwrap();
            file.set_len(len).unwrap();
            file.set_modified(std::time::SystemTime::now() + std::time::Duration::from_secs(5)).unwrap();
        });
        for (changed, how) in
            [(grown.await, "grown"), (shrunk.await, ""), (cut.await, ""), (written.await, "written to")]
        {
            let error = changed.expect_err(how);
            assert_eq!(error.kind(), Kind::ImageError);
            let told = error.message();
            assert!(told.contains("changed while it was being sent") && told.contains(how), "{told}");
        }
    }

    #[tokio::test]
    async fn a_picture_of_an_earlier_run_whose_file_changed_is_not_sent() {
        let folder = tempfile::tempdir().unwrap();
        let path = noise().save(folder.path().join("noise")).unwrap();
        let image = Image::on_disk(&path, "image/png", 800, 600, 77);
        for how in ["had 77 bytes and now has", "there is no such file"] {
            let error = prepared(vec!["Night".into(), (&image).into()]).await.unwrap_err();
            assert_eq!((error.kind(), error.field("index")), (Kind::ImageError, Some(json!(0))));
            assert!(error.message().contains("noise.png") && error.message().contains(how), "{error}");
            std::fs::remove_file(&path).ok();
        }
    }

    #[tokio::test]
    async fn equal_calls_of_both_languages_are_equal_in_any_order() {
        let python = json!({
            "aspect_ratio": "1:1", "temperature": 1.0, "labels": { "a": "1", "b": "2" },
            "safety": { "harassment": "off", "hate_speech": "none" },
            "extra": { "x": { "one": 1.0, "two": [2, 0.5] }, "y": null },
        });
        let node = json!({
            "extra": { "y": null, "x": { "two": [2, 0.5], "one": 1 } },
            "safety": { "hate_speech": "none", "harassment": "off" },
            "labels": { "b": "2", "a": "1" }, "temperature": 1, "aspectRatio": "1:1",
        });
        let wanted = digest(vec!["a".into()], &options(python, Case::Snake)).await;
        assert_eq!(digest(vec!["a".into()], &options(node, Case::Camel)).await, wanted);
        let more = options(json!({ "extra": { "x": 1 } }), Case::Snake);
        let other = options(json!({ "extra": { "x": "1" } }), Case::Snake);
        assert_ne!(digest(vec!["a".into()], &more).await, digest(vec!["a".into()], &other).await);
    }

    #[tokio::test]
    async fn what_was_said_before_is_part_of_it() {
        let image = noise();
        let piece = |end: &str| Piece {
            before: r#"{"inlineData":{"mimeType":"image/png","data":""#.to_owned(),
            picture: Some(image.bytes().unwrap().clone()),
            after: format!("\"}}{end}}}"),
        };
        let parts = parts(vec!["And now?".into()]).await;
        let of = async |history: &[Turn]| {
            Body::new(history, &parts, &GenerateOptions::new()).digest().await.unwrap()
        };
        let signed = of(&[Turn::new("model", [piece(r#","thoughtSignature":"abc""#)])]).await;
        let unsigned = of(&[Turn::new("model", [piece("")])]).await;
        let none = of(&[]).await;
        assert!(signed != unsigned && signed != none && unsigned != none);
        assert_eq!(of(&[Turn::new("model", [piece(r#", "thoughtSignature": "abc""#)])]).await, signed);
    }

    #[test]
    fn a_digest_is_that_of_sha256() {
        let abc = Digest::of([&b"a"[..], b"bc"]).to_string();
        assert_eq!(abc, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
