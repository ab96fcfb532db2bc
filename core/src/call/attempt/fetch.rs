//! Pictures that are named by their address, fetched again after a failure that passes, as `retry` decides for calls.

use std::sync::Arc;

use bytes::Bytes;
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::Traffic;
use crate::call::events::Reporter;
use crate::call::retry::{self, Decision, Policy, Tries};
use crate::error::{Billed, Error, Kind, RateLimit, Status};
use crate::http::transport::{MOST_FETCHED, NotFetched, Transport};
use crate::message::message;
use crate::service::gemini::reply::{self, reason};

/// The way to the pictures of one call.
pub(crate) struct Fetcher {
    pub transport: Arc<Transport>,
    pub traffic: Arc<Traffic>,
    pub policy: Policy,
    pub deadline: Instant,
    /// The error when the deadline passes.
    pub late: String,
    pub report: Reporter,
}

impl Fetcher {
    /// Fetches a picture.
    ///
    /// # Errors
    /// [`Kind::ImageError`], as [`Transport::fetch`], or if the time is up.
    pub async fn fetch(&self, url: Url) -> Result<Bytes, Error> {
        self.fetch_at_most(url, MOST_FETCHED).await
    }

    /// Fetches what has at most so many bytes.
    pub async fn fetch_at_most(&self, url: Url, most: u64) -> Result<Bytes, Error> {
        let host = url.host_str().unwrap_or_default().to_owned();
        self.ask(&host, || self.transport.fetch(url.clone(), most)).await
    }

    /// Asks until there is an answer, or no use in asking again.
    pub async fn ask<F>(&self, host: &str, fetch: impl Fn() -> F) -> Result<Bytes, Error>
    where
        F: Future<Output = Result<Bytes, NotFetched>>,
    {
        let bucket = &self.traffic.pictures;
        let mut tries = Tries::default();
        for number in 1.. {
            let since = Instant::now();
            let outcome = timeout_at(self.deadline, fetch()).await;
            let outcome = outcome.unwrap_or_else(|_| Err(Error::new(Kind::ImageError, &*self.late).into()));
            let failure = outcome.as_ref().err().map(failure);
            let status = outcome.as_ref().map_or_else(|failed| failed.status, |_| Some(200));
            let size = outcome.as_ref().ok().map(|bytes| bytes.len() as u64);
            let why = failure.as_ref().map(reason);
            self.report.fetches((host, number), status, size, why.as_ref(), since.elapsed());
            let (failed, failure) = match (outcome, failure) {
                (Err(failed), Some(failure)) => (failed, failure),
                (outcome, _) => {
                    bucket.succeeded();
                    return outcome.map_err(|failed| failed.error);
                }
            };
            let left = self.deadline.saturating_duration_since(Instant::now());
            match retry::decide(&self.policy, tries, &failure, left, bucket.has_token(), fastrand::f64()) {
                Decision::Again { wait, tries: next } => {
                    bucket.pay(tries, next);
                    tries = next;
                    self.report.fetches_again((host, number), &reason(&failure), wait);
                    tokio::time::sleep(wait).await;
                }
                Decision::Stop(why) => {
                    let mut message = failed.error.words().clone();
                    match why {
                        Some(why) => message.add_sentence(message!("It is not tried again: {}", why)),
                        None if number > 1 => message.push(format_args!(" (the last of {number} attempts)")),
                        None => {}
                    }
                    return Err(failed.error.reworded(message));
                }
            }
        }
        Err(Error::new(Kind::ImageError, &*self.late))
    }
}

/// The failure as calls have it, by which it is decided whether to try again.
fn failure(failed: &NotFetched) -> Error {
    let message = failed.error.message();
    let answer = Status { status: failed.status, ..Status::default() };
    let failure = match failed.status {
        Some(429) => Error::rate_limit(message, RateLimit { answer, ..RateLimit::default() }),
        Some(500..) => Error::internal_server(message, answer),
        Some(_) => Error::api_status(message, answer),
        None => Error::new(Kind::APIConnectionError, message),
    };
    let wait = failed.retry_after.as_deref();
    let wait = wait.and_then(|value| reply::retry_after(value, failed.date.as_deref()));
    failure
        .with_retry_after(wait.filter(|seconds| seconds.is_finite() && *seconds >= 0.0))
        .with_retryable(failed.is_passing)
        .with_billed(Billed::No)
}
