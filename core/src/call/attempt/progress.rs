//! The part of a reply that an attempt has received so far. A complete picture is the answer whatever happens to the
//! rest of its reply; a warning describes the damage. The exception is a stream that breaks off: it is an error that
//! carries the picture.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use serde_json::json;

use crate::error::{Error, Kind};
use crate::http::json::Cut;
use crate::http::split::{Damage, Limits, Splitter};
use crate::http::sse::Sse;
use crate::http::transport::Reply;
use crate::image::Image;
use crate::message::{Message, message};
use crate::records::Event;
use crate::service::gemini::reply::{self, Fold, Link};

/// Reads the JSON values of a reply: one, or one per event of a stream. Both continue after damage.
pub(super) enum Reader {
    Whole(Box<Splitter>),
    Events(Box<Sse>),
}

impl Reader {
    /// A reader for a reply. `expected` is its length, if the reply's head gave it.
    pub fn new(is_stream: bool, expected: Option<u64>) -> Self {
        match is_stream {
            true => Reader::Events(Box::new(Sse::lenient(Limits::default()))),
            false => Reader::Whole(Box::new(Splitter::lenient(Limits::default(), expected))),
        }
    }

    pub fn feed(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        match self {
            Reader::Whole(splitter) => splitter.feed(bytes),
            Reader::Events(sse) => sse.feed(bytes),
        }
    }

    pub fn take(&mut self) -> Option<Cut> {
        match self {
            Reader::Whole(splitter) => splitter.take(),
            Reader::Events(sse) => sse.take(),
        }
    }

    /// True if the reply is complete when it ends here.
    pub fn is_between(&self) -> bool {
        match self {
            Reader::Whole(splitter) => splitter.is_between(),
            Reader::Events(sse) => sse.is_between(),
        }
    }

    /// Ends the reply. Returns the value that the end completes, or the part of it that came.
    fn end(&mut self) -> Option<Cut> {
        match self {
            Reader::Whole(splitter) => splitter.end(),
            Reader::Events(sse) => sse.end(),
        }
    }

    /// Returns the received part of the current value, if a complete picture is in it.
    fn rescue(&mut self) -> Option<Cut> {
        match self {
            Reader::Whole(splitter) => splitter.rescue(),
            Reader::Events(sse) => sse.rescue(),
        }
    }

    fn damage(&self) -> &Damage {
        match self {
            Reader::Whole(splitter) => splitter.damage(),
            Reader::Events(sse) => sse.damage(),
        }
    }
}

/// The state of one attempt's reply.
#[derive(Default)]
pub(super) struct Progress {
    pub fold: Fold,
    /// The service tier from the headers of the last reply.
    pub tier: Option<String>,
    /// The rate limit headers of the last reply.
    pub rate_limits: BTreeMap<String, String>,
    /// The number of events that were passed on.
    pub seen: usize,
    /// The number of final pictures that were passed on.
    pub seen_images: usize,
    /// Set once the first byte of the last request was sent.
    pub sent: Arc<AtomicBool>,
    /// True if the answer is complete although the connection has not ended the reply yet.
    pub is_whole: bool,
    /// The values of the reply, if they go to the cache.
    pub kept: Option<Vec<Cut>>,
    /// Set once the reply's head was received.
    reader: Option<Reader>,
    /// The reply's `content-encoding`, if it is not supported.
    encoding: Option<String>,
}

impl Progress {
    /// The state for a further request that continues this one.
    pub fn next(&self) -> Self {
        Progress {
            fold: self.fold.clone(),
            tier: self.tier.clone(),
            rate_limits: self.rate_limits.clone(),
            seen: self.seen,
            seen_images: self.seen_images,
            kept: self.kept.clone(),
            ..Progress::default()
        }
    }

    /// Reads the reply's head, and prepares to read its body.
    pub fn begins(&mut self, reply: &Reply, is_stream: bool) {
        self.tier = reply.header("x-gemini-service-tier").map(str::to_owned);
        self.rate_limits = reply.rate_limits();
        self.encoding = reply.strange_encoding().map(str::to_owned);
        self.reader = Some(Reader::new(is_stream, reply.len()));
    }

    /// Reads bytes of the body. Returns the number of bytes consumed, and the value that they complete, if any.
    pub fn read(&mut self, bytes: &[u8]) -> Result<(usize, Option<Cut>), Error> {
        let Some(reader) = &mut self.reader else { return Ok((bytes.len(), None)) };
        let eaten = reader.feed(bytes)?;
        Ok((eaten, reader.take()))
    }

    /// Sets `is_whole`, from the body alone.
    pub fn note_whole(&mut self) {
        self.is_whole = self.reader.as_ref().is_some_and(Reader::is_between) && self.fold.is_ended();
    }

    /// Adds the next value, and returns its events.
    pub fn push(&mut self, value: Cut, is_stream: bool) -> Result<Vec<Event>, Error> {
        if let Some(kept) = &mut self.kept {
            kept.push(value.clone());
        }
        let events = self.fold.push(value)?;
        if is_stream {
            self.seen += events.len();
            self.seen_images += events.iter().filter(|event| matches!(event, Event::Image(_))).count();
        }
        Ok(events)
    }

    /// Ends the reply, with `outcome` if it failed. Returns the remaining events, and the failure unless a complete
    /// picture makes it irrelevant.
    pub fn ends(&mut self, outcome: Result<(), Error>, is_stream: bool) -> (Vec<Event>, Result<(), Error>) {
        // The answer is complete and billed: a later failure of the connection does not matter.
        let outcome = match outcome {
            Err(failure) if self.is_whole && is_of_the_line(&failure) => Ok(()),
            outcome => outcome,
        };
        let Some(mut reader) = self.reader.take() else { return (Vec::new(), outcome) };
        let rest = match &outcome {
            Ok(()) => reader.end(),
            Err(_) => reader.rescue(),
        };
        let (events, refused) = match rest.map_or(Ok(Vec::new()), |rest| self.push(rest, is_stream)) {
            Ok(events) => (events, self.fold.refused()),
            Err(refusal) => (Vec::new(), Err(refusal)),
        };
        let Damage { mended, broken } = reader.damage();
        let broken = broken.as_ref().map(|fault| self.with_encoding(fault.clone()));
        let mended = mended.clone().or(self.fold.odd_number());
        let wins = self.fold.has_picture();
        // Without a picture, the repaired part may have been the answer, so the first fault is the error.
        let broken = match mended {
            Some(fault) if wins => {
                self.odd(&fault);
                broken
            }
            mended => broken.or(mended),
        };
        // The reader of a stream has the picture already; the error says that the answer is incomplete.
        let is_cut_off = |fault: &Error| is_stream && fault.retryable();
        let ending = match broken {
            Some(fault) if wins && !is_cut_off(&fault) => {
                self.odd(&fault);
                Ok(())
            }
            Some(fault) => Err(fault),
            None => Ok(()),
        };
        let ending =
            outcome.and(refused).and(ending).and_then(|()| match is_stream && !self.fold.is_ended() {
                true => Err(self.unfinished()),
                false => Ok(()),
            });
        match ending {
            Err(failure) if wins && !is_stream => {
                self.odd(&failure);
                (events, Ok(()))
            }
            ending => (events, ending),
        }
    }

    /// Adds a warning about a damaged reply that is used. The cache keeps the warning with the answer.
    fn odd(&mut self, fault: &Error) {
        let warning = message!(
            "the reply is damaged, and what came whole of it is used all the same: {}",
            fault.words()
        );
        self.warn(warning);
    }

    fn warn(&mut self, warning: Message) {
        if let Some(kept) = &mut self.kept {
            kept.push(Fold::note(&warning));
        }
        self.fold.warn(warning);
    }

    /// Adds a fetched picture. The cache entry gets its bytes, not its URL.
    pub fn fetched(&mut self, link: &Link, image: Image) {
        if let (Some(kept), Ok(bytes)) = (&mut self.kept, image.bytes()) {
            let part = json!({ "inlineData": { "mimeType": image.mime_type(), "data": 0 }, "thought": link.is_thought });
            let text = json!({ "candidates": [{ "content": { "parts": [part] } }] }).to_string();
            kept.push(Cut { text, pictures: vec![bytes.clone()] });
        }
        self.fold.add_linked(link, image);
    }

    /// Records a picture whose download failed.
    pub fn not_fetched(&mut self, link: Link, why: &Message) {
        let place = reply::without_query(&link.uri);
        let place = reply::shortened(place, 200);
        self.warn(message!(
            "the answer names a picture by its address ({place}), which could not be fetched: {}; `raw` has the address",
            why
        ));
        self.fold.lose_link(link, why);
    }

    fn unfinished(&self) -> Error {
        let what = if self.fold.is_empty() { "nothing came" } else { "the answer is cut off" };
        Error::new(Kind::ResponseError, format!("the stream ended without a finish reason: {what}"))
            .with_retryable(true)
    }

    fn with_encoding(&self, fault: Error) -> Error {
        let Some(encoding) = &self.encoding else { return fault };
        let message = message!(
            "{}. Its head says that it is encoded as {encoding:?}, which was not asked for",
            fault.words()
        );
        fault.reworded(message)
    }
}

/// True for failures of the connection or the format, false for what the service reported.
fn is_of_the_line(failure: &Error) -> bool {
    failure.is(Kind::APIConnectionError) || failure.is(Kind::ResponseError)
}
