//! What a client tells of its work while it works: for logs, and for whoever watches.
//!
//! An event holds names, numbers, sizes and times. It never holds a key, a prompt or the bytes of a
//! picture.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

#[doc(hidden)]
pub mod queue;

use crate::error::{Attempt, Usage};
use crate::message::{Message, counted, message};
use crate::schema::{Seconds, record};

record! {
    /// One step of a call: what `on_event` gets, and what the log says.
    pub struct ClientEvent {
        /// "wait" (for the client's turn, as its limits or the service's pause demand), "request",
        /// "response", "retry" (the attempt failed and is made again after `wait`), "upload" (a picture
        /// of the call is at the Files API now), "fetch" (a picture's own server was asked for it: `status` and `size`, or
        /// `reason`), "warning" (money, a loss or the model of a result: `reason`
        /// says it) or "dropped" (this and later events came faster than they were read; `dropped` is how many
        /// are missing here).
        name: String,
        /// The same as a sentence, for a log.
        message: Message,
        /// A number that the events of one call share, counted from 1 in each process. The call's result or
        /// error has the same number as `call`.
        call: u64,
        /// Which of the call's `n` requests it is about, counted from 0.
        index: u32,
        /// The model's id.
        model: String,
        /// Which attempt of the call it is, counted from 1.
        attempt: u32,
        /// Bytes of the request's body, or of all pictures that came.
        size: Option<u64>,
        /// How many pictures came.
        images: Option<u64>,
        /// The HTTP status of the answer; none if no answer came.
        status: Option<u16>,
        /// The service's id of the request, if it sent one.
        request_id: Option<String>,
        /// How long the attempt took, from its first byte sent to its last one received.
        took: Option<Seconds>,
        /// How long is waited next, as far as is known.
        wait: Option<Seconds>,
        /// Why the attempt failed, in a few words; none if it did not.
        reason: Option<Message>,
        /// The tokens used.
        usage: Option<Usage>,
        /// The price in USD, if it is known.
        cost: Option<f64>,
        /// How many events are missing here, because they came faster than they were read.
        dropped: Option<u64>,
    }
}

impl ClientEvent {
    /// Whether it belongs to every call, so that a log tells it to those alone who want to know all.
    pub fn is_routine(&self) -> bool {
        matches!(&*self.name, "request" | "response" | "fetch")
    }

    /// True for warnings, which users should see without turning on a log.
    pub fn is_warning(&self) -> bool {
        self.name == "warning"
    }
}

type Watch = Arc<dyn Fn(ClientEvent) + Send + Sync>;

/// Whoever watches a client, if anybody does.
#[derive(Clone, Default)]
pub(crate) struct Watcher(Option<Watch>);

impl Watcher {
    pub fn new(watch: impl Fn(ClientEvent) + Send + Sync + 'static) -> Self {
        Watcher(Some(Arc::new(watch)))
    }

    /// Emits one event for each warning about a result.
    pub fn warns(&self, call: u64, model: &str, warnings: &[Message]) {
        let Some(watch) = &self.0 else { return };
        for warning in warnings {
            watch(ClientEvent {
                name: "warning".to_owned(),
                message: message!("call {call} ({model}): {}", warning),
                call,
                model: model.to_owned(),
                attempt: 1,
                reason: Some(warning.clone()),
                ..ClientEvent::default()
            });
        }
    }

    /// The reporter of one request of a call.
    pub fn call(&self, call: u64, index: u32, model: &str) -> Reporter {
        Reporter { watcher: self.clone(), call, index, model: model.to_owned(), attempt: 0 }
    }
}

/// The number of the next call in this process.
pub(crate) fn next_call() -> u64 {
    static CALLS: AtomicU64 = AtomicU64::new(1);
    CALLS.fetch_add(1, Ordering::Relaxed)
}

/// Tells the steps of one call.
#[derive(Clone)]
pub(crate) struct Reporter {
    watcher: Watcher,
    call: u64,
    index: u32,
    model: String,
    attempt: u32,
}

impl Reporter {
    fn tell(&self, name: &str, make: impl FnOnce(&mut ClientEvent) -> Message) {
        let Some(watch) = &self.watcher.0 else { return };
        let mut event = ClientEvent {
            name: name.to_owned(),
            call: self.call,
            index: self.index,
            model: self.model.clone(),
            attempt: self.attempt.max(1),
            ..ClientEvent::default()
        };
        let said = make(&mut event);
        let request = if self.index > 0 { format!(", request {}", self.index + 1) } else { String::new() };
        event.message = message!("call {} ({}){request}: {}", self.call, self.model, said);
        watch(event);
    }

    pub fn waits(&self, pause: Option<std::time::Duration>) {
        self.tell("wait", |event| {
            event.wait = pause.map(Seconds::from);
            match pause {
                Some(pause) => {
                    let left = pause.as_secs_f64();
                    message!("the service asked all calls to wait, {left:.1} s are left")
                }
                None => "waits for its turn".into(),
            }
        });
    }

    pub fn requests(&mut self, size: u64) {
        self.attempt += 1;
        self.tell("request", |event| {
            event.size = Some(size);
            message!("attempt {} sends {}", self.attempt, counted(size, "byte", "bytes"))
        });
    }

    /// A picture is at the Files API; it took that long, or was there before.
    pub fn uploads(&self, file: &str, size: u64, took: Option<std::time::Duration>) {
        self.tell("upload", |event| {
            event.size = Some(size);
            event.took = took.map(Seconds::from);
            match took {
                Some(took) => {
                    let seconds = took.as_secs_f64();
                    let were = counted(size, "byte was", "bytes were");
                    message!("{were} uploaded in {seconds:.1} s: {file}")
                }
                None => {
                    let (one, many) =
                        ("byte is sent by reference, as it was", "bytes are sent by reference, as they were");
                    message!("{} uploaded before: {file}", counted(size, one, many))
                }
            }
        });
    }

    /// A part of an upload failed and is made again.
    pub fn uploads_again(&self, reason: &Message, wait: std::time::Duration) {
        self.tell("retry", |event| {
            event.reason = Some(reason.clone());
            event.wait = Some(Seconds::from(wait));
            let seconds = wait.as_secs_f64();
            message!("an upload was interrupted ({}); it goes on in {seconds:.2} s", reason)
        });
    }

    /// A picture's own server was asked for it, for this time of its own: with its bytes, or why it was not got.
    pub fn fetches(
        &self,
        (host, number): (&str, u32),
        status: Option<u16>,
        size: Option<u64>,
        reason: Option<&Message>,
        took: std::time::Duration,
    ) {
        self.tell("fetch", |event| {
            (event.attempt, event.status, event.size) = (number, status, size);
            (event.took, event.reason) = (Some(Seconds::from(took)), reason.cloned());
            let seconds = took.as_secs_f64();
            match (size, reason) {
                (Some(size), _) => {
                    let were = counted(size, "byte was", "bytes were");
                    format!("{were} fetched from {host} in {seconds:.1} s").into()
                }
                (None, Some(reason)) => {
                    message!("attempt {number} to fetch a picture from {host} failed: {}", reason)
                }
                (None, None) => format!("attempt {number} to fetch a picture from {host} failed").into(),
            }
        });
    }

    /// A picture is asked for again.
    pub fn fetches_again(&self, (host, number): (&str, u32), reason: &Message, wait: std::time::Duration) {
        self.tell("retry", |event| {
            (event.attempt, event.reason) = (number, Some(reason.clone()));
            event.wait = Some(Seconds::from(wait));
            let seconds = wait.as_secs_f64();
            message!(
                "a picture was not got from {host} ({}); it is asked for again in {seconds:.2} s",
                reason
            )
        });
    }

    /// An attempt's answer, with its usage, cost, number of pictures and their bytes; none if it failed.
    pub fn answered(
        &self,
        attempt: &Attempt,
        took: std::time::Duration,
        brought: Option<(&Usage, Option<f64>, u64, u64)>,
    ) {
        self.tell("response", |event| {
            event.status = attempt.status;
            event.request_id = attempt.request_id.clone();
            event.took = Some(Seconds::from(took));
            event.reason = attempt.reason.clone();
            let status = attempt.status.map_or("no answer".to_owned(), |status| status.to_string());
            let seconds = took.as_secs_f64();
            match brought {
                Some((usage, cost, images, size)) => {
                    (event.usage, event.cost) = (Some(usage.clone()), cost);
                    (event.images, event.size) = (Some(images), Some(size));
                    let came =
                        counted(images, "picture", "pictures") + ", " + &counted(size, "byte", "bytes");
                    message!("attempt {} got {status} after {seconds:.1} s: {came}", self.attempt)
                }
                None => {
                    let reason = attempt.reason.clone().unwrap_or_else(|| "no reason is known".into());
                    message!("attempt {} got {status} after {seconds:.1} s: {}", self.attempt, reason)
                }
            }
        });
    }

    pub fn retries(&self, reason: &Message, wait: std::time::Duration) {
        self.tell("retry", |event| {
            event.reason = Some(reason.clone());
            event.wait = Some(Seconds::from(wait));
            let seconds = wait.as_secs_f64();
            message!("attempt {} failed ({}); the next one follows in {seconds:.2} s", self.attempt, reason)
        });
    }
}
