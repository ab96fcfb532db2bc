//! One call of the API, asked again as `retry` decides.
//!
//! An attempt is everything from the request's first byte to the reply's last: a reply that breaks
//! off, or is damaged, is a failed attempt like a refused one. Nothing else calls the transport.

use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, timeout, timeout_at};

use crate::catalogue::Model;
use crate::error::{Attempt, Error, Kind, without_secret};
use crate::json::Cut;
use crate::options::Secret;
use crate::records::{Event, ImageEvent};
use crate::reply::{self, Drawn, Fold};
use crate::request::Body;
use crate::retry::{self, Decision, Policy};
use crate::schema::Seconds;
use crate::split::{Limits, Splitter};
use crate::sse::Sse;
use crate::transport::{Reply, Transport};

/// Called right before each request is sent; an error ends the call unsent.
pub(crate) type Before = Arc<dyn Fn() -> Result<(), Error> + Send + Sync>;

/// One call: what to send, and within which limits.
pub(crate) struct Job {
    pub transport: Arc<Transport>,
    pub key: Secret,
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub body: Body,
    /// What the catalogue knows of the model; it prices the answer.
    pub model: Option<Model>,
    /// What to tell if the service does not have the model.
    pub advice: Option<String>,
    /// The tier that was asked for, in case that the reply does not name the one that served.
    pub tier: &'static str,
    pub policy: Policy,
    pub total: Duration,
    pub idle: Option<Duration>,
    /// Whether an answer in words is a result too.
    pub text_will_do: bool,
    pub before: Option<Before>,
}

/// Where a stream's events go as they arrive. A call without a stream has nobody to hand them to.
#[derive(Clone, Default)]
pub(crate) struct Sink(Option<Arc<Mutex<VecDeque<Event>>>>);

impl Sink {
    /// A sink for a stream.
    pub fn open() -> Self {
        Sink(Some(Arc::default()))
    }

    fn is_open(&self) -> bool {
        self.0.is_some()
    }

    /// Hands events over, and lets go at once so that they are seen before more is read.
    async fn send(&self, events: Vec<Event>) {
        let Some(queue) = self.0.as_ref().filter(|_| !events.is_empty()) else { return };
        queue.lock().unwrap_or_else(PoisonError::into_inner).extend(events);
        let mut seen = false;
        // Nobody needs to be woken: whoever polls looks into the queue next.
        poll_fn(|_| if std::mem::replace(&mut seen, true) { Poll::Ready(()) } else { Poll::Pending }).await;
    }

    /// The next event that nobody has seen yet.
    pub fn take(&self) -> Option<Event> {
        self.0.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

/// How many times an answer that the service does not finish is asked for again.
const MOST_CONTINUED: usize = 8;

/// The values of a reply: one, or one for each event of a stream.
enum Reader {
    Whole(Box<Splitter>),
    Events(Box<Sse>),
}

impl Reader {
    fn feed(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        match self {
            Reader::Whole(splitter) => splitter.feed(bytes),
            Reader::Events(sse) => sse.feed(bytes),
        }
    }

    fn take(&mut self) -> Option<Cut> {
        match self {
            Reader::Whole(splitter) => splitter.take(),
            Reader::Events(sse) => sse.take(),
        }
    }

    fn finish(self) -> Result<Option<Cut>, Error> {
        match self {
            Reader::Whole(splitter) => splitter.finish(),
            Reader::Events(sse) => sse.finish(),
        }
    }
}

/// What an attempt has so far.
#[derive(Clone, Default)]
struct Progress {
    fold: Fold,
    /// The tier that the last reply's header named.
    tier: Option<String>,
    /// Events handed out.
    seen: usize,
    /// Final pictures handed out.
    seen_images: usize,
}

impl Job {
    /// Makes the call. With an open sink it is a stream: what arrives is handed out at once, and
    /// after the first event nothing is asked for again.
    pub async fn run(&self, sink: &Sink) -> Result<Drawn, Error> {
        let deadline = Instant::now() + self.total;
        let mut attempts: Vec<Attempt> = Vec::new();
        let mut warnings: Vec<String> = Vec::new();
        // What a continuation adds to, the body that asks for it, and its attempts.
        let mut base = Progress::default();
        let mut body = self.body.clone();
        let (mut made, mut continued) = (0, 0);
        loop {
            let mut attempt = Attempt { when: now(), ..Attempt::default() };
            let mut progress = base.clone();
            let outcome =
                match timeout_at(deadline, self.once(&body, &mut attempt, &mut progress, sink)).await {
                    Ok(outcome) => outcome,
                    Err(_) => Err(self.too_late()),
                };
            made += 1;
            if outcome.is_ok()
                && continued < MOST_CONTINUED
                && let Some(token) = progress.fold.continuation()
            {
                attempts.push(attempt);
                body = self.body.continued(&token);
                base = progress;
                made = 0;
                continued += 1;
                continue;
            }
            let partial = progress.fold.partial();
            let outcome = match outcome {
                Ok(()) => self.finish(progress.clone(), sink).await,
                Err(failure) => Err(failure),
            };
            let failure = match outcome {
                Ok(mut drawn) => {
                    attempts.push(attempt);
                    drawn.result.attempts = attempts;
                    drawn.result.warnings.extend(warnings);
                    return Ok(drawn);
                }
                Err(failure) => self.told(failure),
            };
            attempt.reason = Some(reason(&failure));
            let left = deadline.saturating_duration_since(Instant::now());
            let decision = match progress.seen {
                0 => retry::decide(&self.policy, made, &failure, left, fastrand::f64()),
                _ => Decision::Stop(None),
            };
            match decision {
                Decision::Wait(wait) => {
                    if failure.field("billed").is_some_and(|billed| billed == "unknown") {
                        warnings.push(format!(
                            "attempt {made} was lost ({}) and the request was sent again; the lost one may have been billed too",
                            reason(&failure)
                        ));
                    }
                    attempt.wait = Seconds::from(wait);
                    attempts.push(attempt);
                    tokio::time::sleep(wait).await;
                }
                Decision::Stop(why) => {
                    attempts.push(attempt);
                    let mut message = failure.message().to_owned();
                    if let Some(why) = why {
                        message.push_str(&format!(". It is not tried again: {why}"));
                    } else if made > 1 {
                        message.push_str(&format!(" (the last of {made} attempts)"));
                    }
                    let answered = matches!(failure.kind(), Kind::NoImageError | Kind::BlockedError);
                    let partial = partial.filter(|_| !answered || sink.is_open());
                    return Err(failure.reworded(message).attempted(attempts).saving(partial));
                }
            }
        }
    }

    /// One attempt: the request, and the reply to its last byte.
    async fn once(
        &self,
        body: &Body,
        attempt: &mut Attempt,
        progress: &mut Progress,
        sink: &Sink,
    ) -> Result<(), Error> {
        let (method, query) =
            if sink.is_open() { ("streamGenerateContent", "?alt=sse") } else { ("generateContent", "") };
        let path = format!("{}:{method}{query}", self.path);
        self.before.as_ref().map_or(Ok(()), |before| before())?;
        let mut reply = self.transport.send(&path, &self.key, &self.headers, body).await?;
        attempt.status = Some(reply.status());
        let id = reply.header("x-request-id").or(reply.header("x-goog-request-id"));
        attempt.request_id = id.map(|id| without_secret(id, &self.key.0));
        if !(200..300).contains(&reply.status()) {
            return Err(self.refused(&mut reply).await);
        }
        progress.tier = reply.header("x-gemini-service-tier").map(str::to_owned);
        let mut reader = match sink.is_open() {
            true => Reader::Events(Box::new(Sse::new(Limits::default()))),
            false => Reader::Whole(Box::new(Splitter::new(Limits::default(), reply.len()))),
        };
        while let Some(piece) = self.next(&mut reply).await? {
            let mut piece = &*piece;
            while !piece.is_empty() {
                let eaten = reader.feed(piece)?;
                piece = piece.get(eaten..).unwrap_or_default();
                if let Some(value) = reader.take() {
                    self.arrived(value, progress, sink).await?;
                }
            }
        }
        if let Some(value) = reader.finish()? {
            self.arrived(value, progress, sink).await?;
        }
        if sink.is_open() && !progress.fold.is_ended() {
            let what = if progress.fold.is_empty() { "nothing came" } else { "the answer is cut off" };
            return Err(Error::new(
                Kind::ResponseError,
                format!("the stream ended without a finish reason: {what}"),
            )
            .with("retryable", true));
        }
        Ok(())
    }

    async fn arrived(&self, value: Cut, progress: &mut Progress, sink: &Sink) -> Result<(), Error> {
        let events = progress.fold.push(value)?;
        if sink.is_open() {
            progress.seen += events.len();
            progress.seen_images += events.iter().filter(|event| matches!(event, Event::Image(_))).count();
        }
        sink.send(events).await;
        Ok(())
    }

    /// The result, or why it is none.
    async fn finish(&self, progress: Progress, sink: &Sink) -> Result<Drawn, Error> {
        let tier = progress.tier.as_deref().unwrap_or(self.tier);
        let drawn = progress.fold.finish(self.model.as_ref(), Some(tier), self.text_will_do)?;
        // A draft that had to serve as the final picture.
        let late = drawn.result.images.iter().skip(progress.seen_images);
        sink.send(late.map(|image| Event::Image(ImageEvent { image: image.clone() })).collect()).await;
        Ok(drawn)
    }

    async fn next(&self, reply: &mut Reply) -> Result<Option<bytes::Bytes>, Error> {
        match self.idle {
            None => reply.next().await,
            Some(idle) => timeout(idle, reply.next()).await.unwrap_or_else(|_| {
                Err(Error::new(
                    Kind::APITimeoutError,
                    format!("the reply stood still for {} s, the `idle` timeout", idle.as_secs_f64()),
                )
                .with("billed", "unknown".to_owned())
                .with("retryable", true))
            }),
        }
    }

    /// The error that an unsuccessful status and its body mean.
    async fn refused(&self, reply: &mut Reply) -> Error {
        let mut body = Vec::new();
        // What came before the connection broke is what there is to tell.
        while let Ok(Some(piece)) = self.next(reply).await {
            body.extend_from_slice(&piece);
            if body.len() > reply::MOST_ERROR_BODY {
                break;
            }
        }
        let header = |name: &str| reply.header(name).map(str::to_owned);
        reply::status_error(reply.status(), &header, &body, self.advice.as_deref())
    }

    fn too_late(&self) -> Error {
        Error::new(
            Kind::APITimeoutError,
            format!(
                "the call took longer than its timeout of {} s; give it a larger `timeout`",
                self.total.as_secs_f64()
            ),
        )
        .with("billed", "unknown".to_owned())
        .with("retryable", true)
    }

    /// A failure as the caller may see it: a gateway may have answered with the headers that it
    /// got, and what made a damaged reply may have been billed.
    fn told(&self, failure: Error) -> Error {
        let failure = match failure.kind() {
            Kind::ResponseError => failure.with("billed", "unknown".to_owned()),
            _ => failure,
        };
        failure.censored(self.key.0.as_str())
    }
}

fn now() -> String {
    humantime::format_rfc3339_millis(SystemTime::now()).to_string()
}

/// Why an attempt failed, in a few words.
fn reason(failure: &Error) -> String {
    match failure.field("code") {
        Some(serde_json::Value::String(code)) => code,
        _ => reply::shortened(failure.message(), 120),
    }
}
