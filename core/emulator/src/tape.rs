//! What answers in place of the emulator itself: recorded calls, and the service that they are recorded from.
//!
//! What was paid for is kept. A stream is read to its end whether its client is still there or not; one that the
//! service breaks off, or that ends with the emulator, is kept as one that broke, and breaks again at the same place.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bytes::Bytes;
use hyper::http::request::Parts;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

use super::cassette::{self, Asked, Cassette, Replied};
use super::check::Refusal;
use super::log::State;
use super::server::{Content, Outgoing};
use super::upstream::{self, Upstream};
use nanobanana_base::error::{Error, InvalidOption};
use nanobanana_base::options::{EmulatorOptions, Record, RecordOptions};
use nanobanana_base::schema::{Case, Write as _};
use nanobanana_base::secrets::Secrets;

/// Where a tape lies, if there is one.
#[derive(Debug)]
pub(super) struct Deck {
    tape: Mutex<Option<Arc<Tape>>>,
    /// The cassettes that a tape or a call under way holds: two of one folder would write over each other.
    open: Mutex<Vec<Weak<Cassette>>>,
}

/// A cassette, and what may be recorded on it.
#[derive(Debug)]
pub(super) struct Tape {
    cassette: Arc<Cassette>,
    upstream: Option<Upstream>,
    record: Record,
    /// As it was asked for.
    options: RecordOptions,
}

/// A request, as it came.
pub(super) struct Call<'a> {
    pub head: &'a Parts,
    pub query: &'a [(String, String)],
    pub body: Bytes,
    pub number: usize,
    /// The secrets that it was sent with.
    pub sent: &'a Arc<Secrets>,
}

/// What a tape makes of a request.
pub(super) enum Found {
    /// A recorded reply.
    Here(Outgoing),
    /// One that the service is to be asked for.
    There(Box<Errand>),
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere leaves nothing half done in these.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Deck {
    /// With the tape that the options of an emulator ask for, if they ask for one.
    pub fn of(options: &EmulatorOptions) -> Result<Self, Error> {
        let deck = Deck { tape: Mutex::default(), open: Mutex::default() };
        let EmulatorOptions { cassette, upstream, record, .. } = options.clone();
        let mut recording = RecordOptions::new();
        (recording.cassette, recording.upstream, recording.mode) = (cassette, upstream, record);
        *lock(&deck.tape) = deck.tape_of(recording, "record")?;
        Ok(deck)
    }

    pub fn tape(&self) -> Option<Arc<Tape>> {
        lock(&self.tape).clone()
    }

    /// Another tape, or the same one anew: what is not set stays as it is. If nothing is set there is none.
    pub fn set(&self, options: RecordOptions) -> Result<(), Error> {
        let mut tape = lock(&self.tape);
        let options = match tape.as_deref() {
            Some(tape) if options != RecordOptions::new() => options.over(tape.options.clone()),
            _ => options,
        };
        *tape = self.tape_of(options, "mode")?;
        Ok(())
    }

    /// What is set by now.
    pub fn told(&self) -> Value {
        let options = lock(&self.tape).as_ref().map(|tape| tape.options.clone().mode(tape.record));
        let options = options.unwrap_or_default();
        json!({ "cassette": options.cassette, "upstream": options.upstream, "mode": options.mode.write(Case::Snake) })
    }

    /// The tape that these ask for; `mode` is what the last one is called where they were set.
    fn tape_of(&self, options: RecordOptions, mode: &str) -> Result<Option<Arc<Tape>>, Error> {
        let lacks = |option: &str, problem: &str| {
            let problem = format!("option `{option}` {problem}");
            Err(Error::invalid_option(problem, InvalidOption::of(option)))
        };
        let upstream = options.upstream.as_deref().map(Upstream::new).transpose()?;
        let Some(folder) = &options.cassette else {
            return match (&upstream, &options.mode) {
                (Some(_), _) => {
                    lacks("upstream", "needs a `cassette`, the folder that keeps what is recorded")
                }
                (None, Some(_)) => lacks(mode, "needs a `cassette` and an `upstream`"),
                (None, None) => Ok(None),
            };
        };
        let record = match (&options.mode, &upstream) {
            (Some(Record::Always | Record::Missing), None) => {
                return lacks(
                    mode,
                    "needs an `upstream`, the base URL to record from; it takes \"never\" without",
                );
            }
            (Some(record), _) => *record,
            (None, Some(_)) => Record::Missing,
            (None, None) => Record::Never,
        };
        let cassette = self.cassette(folder)?;
        cassette.rewind(record == Record::Always);
        Ok(Some(Arc::new(Tape { cassette, upstream, record, options })))
    }

    /// The cassette in a folder: the one that is open, if it is.
    fn cassette(&self, folder: &str) -> Result<Arc<Cassette>, Error> {
        let mut open = lock(&self.open);
        open.retain(|cassette| cassette.strong_count() > 0);
        let known = open.iter().filter_map(Weak::upgrade).find(|cassette| cassette.is_in(Path::new(folder)));
        if let Some(cassette) = known {
            return Ok(cassette);
        }
        let cassette = Arc::new(Cassette::open(folder)?);
        open.push(Arc::downgrade(&cassette));
        Ok(cassette)
    }
}

impl Tape {
    /// The recorded reply, or what gets that of the service and keeps it.
    pub fn find(self: &Arc<Self>, call: Call, state: &Arc<State>) -> Result<Found, Refusal> {
        let Call { head, query, body, number, sent } = call;
        let asked = Asked::of(head.method.as_str(), head.uri.path(), query, &body, sent);
        let upstream = self.upstream.as_ref().filter(|_| self.record != Record::Never);
        if self.record != Record::Always
            && let Some(found) = self.cassette.find(&asked, upstream.is_some())
        {
            let Replied { status, headers, body, is_broken } = found?;
            let headers = headers.into_iter().map(|header| placed(header, state)).collect();
            if !is_broken {
                return Ok(Found::Here(Outgoing::recorded(status, headers, Content::Whole(body))));
            }
            let (sender, pieces) = mpsc::unbounded_channel();
            // Its reader stands here.
            let _ = sender.send(Bytes::from(body));
            let breaks = Arc::new(AtomicBool::new(true));
            return Ok(Found::Here(Outgoing::recorded(status, headers, Content::Flow { pieces, breaks })));
        }
        if upstream.is_none() {
            return Err(self.cassette.missed(&asked));
        }
        let (tape, state, sent, head) = (self.clone(), state.clone(), sent.clone(), head.clone());
        Ok(Found::There(Box::new(Errand { tape, state, asked, head, body, number, sent })))
    }
}

/// A place of the emulator's own goes out with the port of today.
fn placed((name, value): (String, String), state: &State) -> (String, String) {
    match name.as_str() {
        "x-goog-upload-url" if value.starts_with('/') => (name, format!("{}{value}", state.files.origin())),
        _ => (name, value),
    }
}

/// A request that the service is asked, on no thread that draws.
pub(super) struct Errand {
    tape: Arc<Tape>,
    state: Arc<State>,
    asked: Asked,
    head: Parts,
    body: Bytes,
    number: usize,
    sent: Arc<Secrets>,
}

impl Errand {
    /// The service's reply, which is kept whether its client waits for it or not.
    pub async fn run(self) -> Result<Outgoing, Refusal> {
        // Not within the answer, which its client may leave.
        let lost = |_| Refusal::new(500, "INTERNAL", "The recording was broken off.");
        tokio::spawn(self.asked()).await.map_err(lost)?
    }

    async fn asked(self) -> Result<Outgoing, Refusal> {
        let Errand { tape, state, asked, head, body, number, sent } = self;
        let Some(upstream) = &tape.upstream else { return Err(tape.cassette.missed(&asked)) };
        let response = upstream.pass(&head, body, &sent).await?;
        let status = response.status().as_u16();
        let headers: Vec<(String, String)> = (cassette::told(response.headers()))
            .map(|(name, value)| match upstream.own_place(&value) {
                Some(place) if name == "x-goog-upload-url" => (name, place.to_owned()),
                _ => (name, value),
            })
            .collect();
        let told = headers.iter().cloned().map(|header| placed(header, &state)).collect();
        let mut recording = Recording {
            cassette: tape.cassette.clone(),
            state,
            number,
            sent: sent.clone(),
            asked: Some(asked),
            reply: Replied { status, headers, body: Vec::new(), is_broken: true },
        };
        if cassette::is_stream(&recording.reply.headers) {
            let (sender, pieces) = mpsc::unbounded_channel();
            let breaks = Arc::new(AtomicBool::new(false));
            tokio::spawn(flow(response, sender, breaks.clone(), recording));
            return Ok(Outgoing::recorded(status, told, Content::Flow { pieces, breaks }));
        }
        match response.bytes().await {
            Ok(body) => {
                recording.reply.body = body.to_vec();
                recording.reply.is_broken = false;
                let (done, kept) = oneshot::channel();
                keep(recording, move || {
                    // Nobody waits if the emulator has ended.
                    let _ = done.send(());
                });
                let _ = kept.await;
                Ok(Outgoing::recorded(status, told, Content::Whole(body.to_vec())))
            }
            Err(cause) => {
                recording.forget();
                Err(upstream::lost(&cause, &sent))
            }
        }
    }
}

/// Keeps what came on a thread for that: neither the line nor what draws waits for the disk.
fn keep(recording: Recording, then: impl FnOnce() + Send + 'static) {
    let kept = move || {
        drop(recording);
        then();
    };
    // If there is no thread for it, what is dropped with this is kept here and now.
    let _ = std::thread::Builder::new().name("nanobanana-tape".into()).spawn(kept);
}

/// Hands on what the service sends, as long as it sends.
async fn flow(
    mut response: reqwest::Response,
    sender: mpsc::UnboundedSender<Bytes>,
    breaks: Arc<AtomicBool>,
    mut recording: Recording,
) {
    loop {
        match response.chunk().await {
            Ok(Some(piece)) => {
                recording.reply.body.extend_from_slice(&piece);
                // Who has left misses it; the cassette does not.
                let _ = sender.send(piece);
            }
            Ok(None) => {
                recording.reply.is_broken = false;
                break;
            }
            Err(_) => {
                breaks.store(true, Ordering::SeqCst);
                break;
            }
        }
    }
    // A client has its end only when the call is kept: what it asks next may be answered by it.
    keep(recording, move || drop(sender));
}

/// An answer that is coming in. It is kept when this is dropped, whatever ends it.
struct Recording {
    cassette: Arc<Cassette>,
    state: Arc<State>,
    number: usize,
    sent: Arc<Secrets>,
    /// None if it is not to be kept.
    asked: Option<Asked>,
    reply: Replied,
}

impl Recording {
    /// There is nothing in it that anybody could use.
    fn forget(mut self) {
        self.asked = None;
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        let Some(asked) = self.asked.take() else { return };
        if let Err(cause) = self.cassette.keep(asked, &self.reply, &self.sent) {
            self.state.note(self.number, "not_recorded", cause.to_string().into());
        }
    }
}
