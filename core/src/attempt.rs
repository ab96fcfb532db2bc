//! One call of the API, asked again as `retry` decides.
//!
//! An attempt is everything from the request's first byte to the reply's last: a reply that breaks
//! off, or is damaged, is a failed attempt like a refused one. Nothing else calls the transport.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, timeout, timeout_at};

use crate::catalogue::Model;
use crate::error::{Attempt, Error, Kind, without_secret};
use crate::options::Secret;
use crate::records::Generation;
use crate::reply::{self, Fold};
use crate::request::Body;
use crate::retry::{self, Decision, Policy};
use crate::schema::Seconds;
use crate::split::{Limits, Splitter};
use crate::transport::{Reply, Transport};

/// One call: what to send, and within which limits.
pub(crate) struct Job<'a> {
    pub transport: &'a Transport,
    pub key: &'a Secret,
    pub path: String,
    pub headers: &'a BTreeMap<String, String>,
    pub body: Body,
    /// What the catalogue knows of the model; it prices the answer.
    pub model: Option<&'a Model>,
    /// What to tell if the service does not have the model.
    pub advice: Option<String>,
    /// The tier that was asked for, in case that the reply does not name the one that served.
    pub tier: Option<&'a str>,
    pub policy: Policy,
    pub total: Duration,
    pub idle: Option<Duration>,
}

impl Job<'_> {
    /// Makes the call.
    pub async fn run(&self) -> Result<Generation, Error> {
        let deadline = Instant::now() + self.total;
        let mut attempts: Vec<Attempt> = Vec::new();
        let mut warnings: Vec<String> = Vec::new();
        loop {
            let mut attempt = Attempt { when: now(), ..Attempt::default() };
            let outcome = match timeout_at(deadline, self.once(&mut attempt)).await {
                Ok(outcome) => outcome,
                Err(_) => Err(self.too_late()),
            };
            let failure = match outcome {
                Ok(mut result) => {
                    attempts.push(attempt);
                    result.attempts = attempts;
                    result.warnings.extend(warnings);
                    return Ok(result);
                }
                Err(failure) => self.told(failure),
            };
            attempt.reason = Some(reason(&failure));
            let left = deadline.saturating_duration_since(Instant::now());
            let made = attempts.len() as u32 + 1;
            match retry::decide(&self.policy, made, &failure, left, fastrand::f64()) {
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
                    return Err(failure.reworded(message).attempted(attempts));
                }
            }
        }
    }

    async fn once(&self, attempt: &mut Attempt) -> Result<Generation, Error> {
        let mut reply = self.transport.send(&self.path, self.key, self.headers, &self.body).await?;
        attempt.status = Some(reply.status());
        let id = reply.header("x-request-id").or(reply.header("x-goog-request-id"));
        attempt.request_id = id.map(|id| without_secret(id, &self.key.0));
        if !(200..300).contains(&reply.status()) {
            return Err(self.refused(&mut reply).await);
        }
        let mut fold = Fold::default();
        let mut splitter = Splitter::new(Limits::default(), reply.len());
        while let Some(piece) = self.next(&mut reply).await? {
            let mut piece = &*piece;
            while !piece.is_empty() {
                let eaten = splitter.feed(piece)?;
                piece = piece.get(eaten..).unwrap_or_default();
                if let Some(value) = splitter.take() {
                    fold.push(value)?;
                }
            }
        }
        if let Some(value) = splitter.finish()? {
            fold.push(value)?;
        }
        fold.finish(self.model, reply.header("x-gemini-service-tier").or(self.tier))
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
