//! What an attempt has of its reply so far. A picture that came whole wins: whatever becomes of the rest
//! of its reply, it is the answer, with a warning that says what was odd. Only a stream that breaks off is
//! an error all the same, which carries the picture.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use serde_json::json;

use crate::error::{Error, Kind};
use crate::image::Image;
use crate::json::Cut;
use crate::records::Event;
use crate::reply::{self, Fold, Link};
use crate::split::{Damage, Limits, Splitter};
use crate::sse::Sse;
use crate::transport::Reply;

/// The values of a reply: one, or one for each event of a stream. Both read on past damage.
pub(super) enum Reader {
    Whole(Box<Splitter>),
    Events(Box<Sse>),
}

impl Reader {
    /// A reader for a reply of this length, if that is known.
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

    /// Whether the reply may end here.
    pub fn is_between(&self) -> bool {
        match self {
            Reader::Whole(splitter) => splitter.is_between(),
            Reader::Events(sse) => sse.is_between(),
        }
    }

    /// Ends the reply: the value that only its end completes, or as much of it as came.
    fn end(&mut self) -> Option<Cut> {
        match self {
            Reader::Whole(splitter) => splitter.end(),
            Reader::Events(sse) => sse.end(),
        }
    }

    /// What came of the value under way, if there is a whole picture in it.
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

/// What an attempt has so far.
#[derive(Default)]
pub(super) struct Progress {
    pub fold: Fold,
    /// The tier that the last reply's header named.
    pub tier: Option<String>,
    /// What its headers said of the service's limits.
    pub rate_limits: BTreeMap<String, String>,
    /// Events handed out.
    pub seen: usize,
    /// Final pictures handed out.
    pub seen_images: usize,
    /// Whether any of the last request has left.
    pub sent: Arc<AtomicBool>,
    /// Whether the last reply has all that was to come, though it has not ended yet.
    pub is_whole: bool,
    /// The reply as it came, if it is to be kept.
    pub kept: Option<Vec<Cut>>,
    /// Reads the reply, once its head has come.
    reader: Option<Reader>,
    /// How the body is encoded, if that is not understood here.
    encoding: Option<String>,
}

impl Progress {
    /// The same for another request that goes on from here.
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

    /// Notes what a reply's head says, and sets up to read its body.
    pub fn begins(&mut self, reply: &Reply, is_stream: bool) {
        self.tier = reply.header("x-gemini-service-tier").map(str::to_owned);
        self.rate_limits = reply.rate_limits();
        self.encoding = reply.strange_encoding().map(str::to_owned);
        self.reader = Some(Reader::new(is_stream, reply.len()));
    }

    /// Reads some bytes of the body, and gives the value that they complete, if they do, and how many they
    /// were.
    pub fn read(&mut self, bytes: &[u8]) -> Result<(usize, Option<Cut>), Error> {
        let Some(reader) = &mut self.reader else { return Ok((bytes.len(), None)) };
        let eaten = reader.feed(bytes)?;
        Ok((eaten, reader.take()))
    }

    /// Whether all that was to come has come, as far as the body tells.
    pub fn note_whole(&mut self) {
        self.is_whole = self.reader.as_ref().is_some_and(Reader::is_between) && self.fold.is_ended();
    }

    /// Takes the next value and gives what arrived with it.
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

    /// Ends the reply, after this failure if it ended with one. Gives what arrives only now, and the
    /// failure, unless there is a picture for which it does not matter.
    pub fn ends(&mut self, outcome: Result<(), Error>, is_stream: bool) -> (Vec<Event>, Result<(), Error>) {
        // All of it had come, and is paid for: what became of the line then does not matter.
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
        // Without a picture the first fault is why: what was mended may have been the answer.
        let broken = match mended {
            Some(fault) if wins => {
                self.odd(&fault);
                broken
            }
            mended => broken.or(mended),
        };
        // Whoever reads a stream has the picture already, and learns from the error that more was to come.
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

    /// Notes what was odd about a reply that is of use all the same, also for whoever finds it in the cache.
    fn odd(&mut self, fault: &Error) {
        let warning = format!(
            "the reply is damaged, and what came whole of it is used all the same: {}",
            fault.message()
        );
        self.warn(warning);
    }

    fn warn(&mut self, warning: String) {
        if let Some(kept) = &mut self.kept {
            kept.push(Fold::note(&warning));
        }
        self.fold.warn(warning);
    }

    /// A picture that the reply names was fetched. In the cache it stands with its bytes.
    pub fn fetched(&mut self, link: &Link, image: Image) {
        if let (Some(kept), Ok(bytes)) = (&mut self.kept, image.bytes()) {
            let part = json!({ "inlineData": { "mimeType": image.mime_type(), "data": 0 }, "thought": link.is_thought });
            let text = json!({ "candidates": [{ "content": { "parts": [part] } }] }).to_string();
            kept.push(Cut { text, pictures: vec![bytes.clone()] });
        }
        self.fold.add_linked(link, image);
    }

    /// A picture that the reply names could not be fetched.
    pub fn not_fetched(&mut self, link: Link, why: &str) {
        let place = reply::without_query(&link.uri);
        self.warn(format!(
            "the answer names a picture by its address ({}), which could not be fetched: {why}; `raw` has the address",
            reply::shortened(place, 200)
        ));
        self.fold.lose_link(link, why);
    }

    fn unfinished(&self) -> Error {
        let what = if self.fold.is_empty() { "nothing came" } else { "the answer is cut off" };
        Error::new(Kind::ResponseError, format!("the stream ended without a finish reason: {what}"))
            .with("retryable", true)
    }

    fn with_encoding(&self, fault: Error) -> Error {
        let Some(encoding) = &self.encoding else { return fault };
        let message = format!(
            "{}. Its head says that it is encoded as {encoding:?}, which was not asked for",
            fault.message()
        );
        fault.reworded(message)
    }
}

/// Whether it says how the reply ended, and nothing of what the service meant by it.
fn is_of_the_line(failure: &Error) -> bool {
    failure.is(Kind::APIConnectionError) || failure.is(Kind::ResponseError)
}
