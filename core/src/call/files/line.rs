//! One request that costs nothing (about files, or how many tokens something has), asked again as `retry` decides.
//! It waits for no turn and no budget: the service's limits on pictures are not those of these.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::Stock;
use crate::call::events::Reporter;
use crate::call::retry::{self, Decision, Policy, Tries};
use crate::error::{Attempt, Billed, Error, Kind, now};
use crate::http::key::Keys;
use crate::http::transport::{Ask, Content, Method, Reply, Transport};
use crate::memory;
use crate::message::{Message, message};
use crate::schema::Seconds;
use crate::secrets::Secrets;
use crate::service::gemini::reply::{self, reason};

/// The most bytes of an answer: a page of a hundred files has some 100 kB.
const MOST: usize = 16 << 20;

/// The way to the service for the requests of one call.
pub(crate) struct Line {
    pub transport: Arc<Transport>,
    pub stock: Arc<Stock>,
    pub keys: Arc<Keys>,
    pub headers: BTreeMap<String, String>,
    pub version: String,
    pub policy: Policy,
    pub total: Duration,
    pub deadline: Instant,
    /// What to tell if the service does not have the model.
    pub advice: Option<Message>,
    /// What tells the steps of a call; nothing, if it is none.
    pub report: Option<Reporter>,
}

/// What is asked. It can be asked again.
pub(crate) struct Question {
    pub method: Method,
    pub url: Url,
    /// Headers that it needs.
    pub own: Vec<(&'static str, String)>,
    pub content: Content,
}

/// A successful answer.
pub(crate) struct Answer {
    headers: Vec<(&'static str, String)>,
    json: Value,
}

/// The headers of answers that mean something here.
const TOLD: [&str; 3] = ["x-goog-upload-url", "x-goog-upload-status", "x-goog-upload-size-received"];

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// Its JSON; null if it has none.
    pub fn json(&self) -> &Value {
        &self.json
    }

    /// How an upload stands: "active", "final" or "cancelled".
    pub fn status(&self) -> Option<&str> {
        self.header("x-goog-upload-status")
    }

    /// How many bytes of an upload have come.
    pub fn received(&self) -> Option<u64> {
        self.header("x-goog-upload-size-received")?.parse().ok()
    }

    /// The same, with this many bytes received if it does not say how many.
    pub fn received_by_default(mut self, bytes: u64) -> Self {
        if self.header("x-goog-upload-size-received").is_none() {
            self.headers.push(("x-goog-upload-size-received", bytes.to_string()));
        }
        self
    }
}

/// What was tried so far.
#[derive(Default)]
pub(super) struct Course {
    tries: Tries,
    attempts: Vec<Attempt>,
    /// Whether an answer was lost, so that what was asked may have been done.
    lost: bool,
}

impl Course {
    pub fn has_lost(&self) -> bool {
        self.lost
    }
}

impl Line {
    /// Asks until there is an answer, or no use in asking again.
    pub async fn ask(&self, question: &Question) -> Result<Answer, Error> {
        let mut course = Course::default();
        loop {
            match self.once(&mut course, question).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => self.again(&mut course, failure).await?,
            }
        }
    }

    /// Asks once.
    pub(super) async fn once(&self, course: &mut Course, question: &Question) -> Result<Answer, Error> {
        let mut attempt = Attempt::default();
        attempt.when = now();
        let outcome = timeout_at(self.deadline, self.exchange(question, &mut attempt)).await;
        let outcome = outcome.unwrap_or_else(|_| Err(self.too_late("the time is up")));
        let outcome = outcome.map_err(|failure| self.told(failure));
        attempt.reason = outcome.as_ref().err().map(reason);
        if outcome.is_ok() {
            self.stock.bucket.succeeded();
        }
        course.attempts.push(attempt);
        outcome
    }

    async fn exchange(&self, question: &Question, attempt: &mut Attempt) -> Result<Answer, Error> {
        let key = self.keys.next().await?;
        let ask = Ask {
            method: question.method,
            url: question.url.clone(),
            key: &key,
            headers: &self.headers,
            own: &question.own,
            content: question.content.clone(),
            left: self.deadline.saturating_duration_since(Instant::now()),
        };
        let mut reply = self.transport.ask(ask).await?;
        attempt.status = Some(reply.status());
        let id = reply.header("x-request-id").or(reply.header("x-goog-request-id"));
        attempt.request_id = id.map(|id| self.secrets().clean(id).into_owned());
        if !(200..300).contains(&reply.status()) {
            return Err(self.refused(&mut reply).await);
        }
        let headers =
            TOLD.into_iter().filter_map(|name| Some((name, reply.header(name)?.to_owned()))).collect();
        let body = reply.whole(MOST).await?;
        let json = match body.iter().all(u8::is_ascii_whitespace) {
            true => Value::Null,
            false if memory::of_text(&body) > MOST * 2 => {
                let problem = format!(
                    "the answer takes more than {} MiB of memory, which no such answer does",
                    MOST >> 19
                );
                return Err(Error::new(Kind::ResponseError, problem));
            }
            false => serde_json::from_slice(&body).map_err(|cause| {
                let problem = format!("the answer is not JSON: {cause}");
                // One that was cut off may come whole; any other comes again as it is.
                Error::new(Kind::ResponseError, problem).with_retryable(cause.is_eof()).because(cause)
            })?,
        };
        Ok(Answer { headers, json })
    }

    fn secrets(&self) -> Secrets {
        self.transport.secrets(&self.keys.known(), &self.headers)
    }

    /// The error that an unsuccessful status and its body mean.
    async fn refused(&self, reply: &mut Reply) -> Error {
        let body = reply.whole(reply::MOST_ERROR_BODY).await.unwrap_or_default();
        let body = self.secrets().clean(&String::from_utf8_lossy(&body)).into_owned();
        let header = |name: &str| reply.header(name).map(str::to_owned);
        reply::status_error(reply.status(), &header, body.as_bytes(), self.advice.as_ref())
    }

    /// A failure as the caller may see it. Nothing of this is billed.
    fn told(&self, failure: Error) -> Error {
        let failure = failure.censored(&self.secrets());
        if failure.is(Kind::APIError) { failure.with_billed(Billed::No) } else { failure }
    }

    /// Waits until it is time to ask again after this failure.
    ///
    /// # Errors
    /// The failure, if it is the end.
    pub(super) async fn again(&self, course: &mut Course, failure: Error) -> Result<(), Error> {
        course.lost |= failure.status().is_none();
        let left = self.deadline.saturating_duration_since(Instant::now());
        let bucket = &self.stock.bucket;
        match retry::decide(&self.policy, course.tries, &failure, left, bucket.has_token(), fastrand::f64()) {
            Decision::Again { wait, tries } => {
                bucket.pay(course.tries, tries);
                course.tries = tries;
                if let Some(last) = course.attempts.last_mut() {
                    last.wait = Seconds::from(wait);
                }
                self.tell(|report| report.uploads_again(&reason(&failure), wait));
                tokio::time::sleep(wait).await;
                Ok(())
            }
            Decision::Stop(why) => {
                let mut message = failure.words().clone();
                match why {
                    Some(why) => message.add_sentence(message!("It is not tried again: {}", why)),
                    None if course.attempts.len() > 1 => {
                        message.push(format_args!(" (the last of {} attempts)", course.attempts.len()));
                    }
                    None => {}
                }
                Err(failure.reworded(message).attempted(std::mem::take(&mut course.attempts)))
            }
        }
    }

    pub(super) fn tell(&self, tell: impl FnOnce(&Reporter)) {
        if let Some(report) = &self.report {
            tell(report);
        }
    }

    /// What `work` gives, if that comes before the call's deadline: it may read a file that hangs.
    pub async fn in_time<T>(
        &self,
        late: &str,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        timeout_at(self.deadline, work).await.unwrap_or_else(|_| Err(self.too_late(late)))
    }

    pub(super) fn too_late(&self, what: &str) -> Error {
        let seconds = self.total.as_secs_f64();
        let problem = format!("{what}; the call's timeout is {seconds} s. Give it a larger `timeout`");
        Error::new(Kind::APITimeoutError, problem).with_billed(Billed::No).with_retryable(true)
    }
}
