//! The body of a request: text with holes, into which pictures are encoded as base64 while the body is sent.
//!
//! No picture is held in memory twice. The length of the body is known before, and the same body can be sent again.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::task::{Context, Poll};

use base64::Engine as _;
use base64::engine::simd::Simd;
use bytes::Bytes;
use http_body::{Frame, SizeHint};

use crate::blocking::{self, Task};
use crate::digest::Digest;
use crate::error::Error;
use crate::input::{File, Source};

mod digest;

use digest::digest_of;

/// The body of a request. It can be sent any number of times, and is cheap to clone.
#[derive(Debug, Clone)]
pub struct Body {
    segments: Arc<[Segment]>,
    len: u64,
}

/// One stretch of a body.
#[derive(Debug, Clone)]
pub(crate) enum Segment {
    /// Bytes that are sent as they are.
    Text(Bytes),
    /// Bytes that are sent as base64.
    Base64(Source),
}

impl Body {
    /// A body of these segments.
    pub(crate) fn of(segments: Vec<Segment>) -> Self {
        let len = segments.iter().map(Segment::len).sum();
        Body { segments: segments.into(), len }
    }

    /// The segments of the body, in order.
    pub(crate) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The number of bytes that are sent.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// The digest of a JSON body. It is equal for equal calls, whatever language they are made in, in whatever order
    /// their maps are written, and wherever their pictures lie. It covers the body, and neither the address (so not the
    /// model) nor the headers.
    ///
    /// # Errors
    /// [`crate::Kind::ImageError`] if the file of a picture is not the one that was opened.
    pub async fn digest(&self) -> Result<Digest, Error> {
        let segments = self.segments.clone();
        blocking::disk(move || digest_of(&segments)).await?
    }

    /// The body for one attempt. An error with the file of a picture is also put into `trouble`, since the transport can
    /// only say that the body broke off. `sent` is set as soon as any byte leaves.
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
            Segment::Base64(source) => source.len().div_ceil(3) * 4,
        }
    }
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
                        Segment::Base64(Source::Memory(bytes)) => self.current = Current::Memory { bytes },
                        Segment::Base64(Source::File(file)) => {
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
}
