//! One call of the API, asked again as `retry` decides.
//!
//! An attempt is everything from the request's first byte to the reply's last: a reply that breaks
//! off, or is damaged, is a failed attempt like a refused one. Nothing else but `files` calls the transport.
//!
//! Before each request the call waits for its turn (`limit`) and sets the money aside (`money`); a call
//! whose answer the cache holds needs neither.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::time::{Instant, timeout, timeout_at};

use crate::call::cache::Cache;
use crate::call::events::{Reporter, Watcher};
use crate::call::files::{Line, Outline, Question, Stock, Uploads};
use crate::call::limit::{self, Limiter, Permit};
use crate::call::money::{Hold, Ledger};
use crate::call::retry::{self, Bucket, Decision, Policy, Tries};
use crate::catalogue::{Model, is_same};
use crate::digest::Digest;
use crate::error::{Attempt, Billed, Error, Kind, Partial, Usage, now};
use crate::http::body::Body;
use crate::http::json::Cut;
use crate::http::key::Keys;
use crate::http::transport::{Content, Method, Reply, Transport};
use crate::message::{Message, message, option};
use crate::options::GenerateOptions;
use crate::process::PerProcess;
use crate::records::{Event, ImageEvent, TokenCount};
use crate::schema::Seconds;
use crate::secrets::Secrets;
use crate::service::gemini::reply::{self, Drawn, reason};
use crate::service::gemini::request::{self, Turn};

mod fetch;
mod links;
mod progress;
mod sink;

pub(crate) use fetch::Fetcher;
use progress::Progress;
pub(crate) use sink::Sink;

/// What all calls of a client have in common, those of its copies included.
#[derive(Clone)]
pub(crate) struct Common {
    pub ledger: Arc<Ledger>,
    pub cache: Option<Cache>,
    pub traffic: Arc<PerProcess<Traffic>>,
    pub files: Arc<PerProcess<Stock>>,
    pub max_concurrency: Option<u32>,
    pub rate: Option<f64>,
}

/// What calls share on the way to the service.
pub(crate) struct Traffic {
    limits: limit::Limits,
    bucket: Bucket,
    /// The tries that are left for pictures' own servers: an outage of these is none of the service's.
    pictures: Bucket,
}

impl Common {
    pub fn traffic(&self) -> Arc<Traffic> {
        let make = || {
            let limits = limit::Limits::new(self.max_concurrency, self.rate);
            Ok::<_, Infallible>(Traffic { limits, bucket: Bucket::default(), pictures: Bucket::default() })
        };
        let Ok(traffic) = self.traffic.get_or_try(make);
        traffic
    }
}

/// Awaited right before a request is sent. An error ends the call before anything is sent.
pub(crate) type Before =
    Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), Error>> + Send>> + Send + Sync>;

/// One call: what to send, and within which limits.
pub(crate) struct Job {
    pub common: Common,
    pub watcher: Watcher,
    /// The number of the call, on its events and on its result or error.
    pub call: u64,
    pub transport: Arc<Transport>,
    pub keys: Arc<Keys>,
    /// The model's id.
    pub id: String,
    pub path: String,
    /// The API's version.
    pub version: String,
    pub headers: BTreeMap<String, String>,
    /// All of it; what tells this request from others.
    pub body: Body,
    /// What is sent instead, if some of its pictures are to be uploaded; or why nothing can be sent.
    pub outline: Result<Option<Outline>, Error>,
    /// Which of the `n` requests of a call it is.
    pub number: u32,
    /// What tells it from other calls that send the same, if there is to be a difference.
    pub repeat: String,
    /// Identifies the service in cache keys: its address and the API's version, one per line.
    pub scope: String,
    /// True if the caller named no model and the catalogue's default is used.
    pub is_default: bool,
    /// The digest of the caller's request, for the cache key.
    pub asked: Option<Digest>,
    pub history: Vec<Turn>,
    /// What the catalogue knows of the model; it prices the answer.
    pub model: Option<Arc<Model>>,
    /// What one such request usually costs in USD.
    pub price: Option<f64>,
    /// What to tell if the service does not have the model.
    pub advice: Option<Message>,
    /// Notes about the options, known before they are sent.
    pub notes: Vec<Message>,
    /// The tier that was asked for, in case that the reply does not name the one that served.
    pub tier: &'static str,
    pub policy: Policy,
    pub total: Duration,
    pub idle: Option<Duration>,
    /// Whether an answer in words is a result too.
    pub text_will_do: bool,
    pub before: Option<Before>,
}

/// How long the end of a reply is waited for that has brought its whole answer.
const GRACE: Duration = Duration::from_secs(2);

/// How long the body of an error is waited for, whose status is known already, and how long the cache when the answer
/// has come.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many times an answer that the service does not finish is asked for again.
const MOST_CONTINUED: usize = 8;

/// What is sent next: at first for the whole answer, then for what is missing of it.
struct Request {
    body: Body,
    /// What it adds to.
    base: Progress,
    /// The money that is held for all of it.
    held: Option<Hold>,
    /// How many answers it goes on from.
    continued: usize,
}

/// What a call has behind it.
struct Course {
    attempts: Vec<Attempt>,
    warnings: Vec<Message>,
    tries: Tries,
    /// Requests since the last one that was answered in part.
    made: u32,
    /// What answers without a picture used and cost; no cost if that of one of them is not known.
    usage: Usage,
    cost: Option<f64>,
    /// How attempts before the last one were billed: the worst of them.
    billed: Option<Billed>,
    /// Why the last attempt is not the last one.
    failure: Option<Error>,
}

impl Course {
    fn new() -> Self {
        Course {
            attempts: Vec::new(),
            warnings: Vec::new(),
            tries: Tries::default(),
            made: 0,
            usage: Usage::default(),
            cost: Some(0.0),
            billed: None,
            failure: None,
        }
    }
}

/// The result of looking for a call's answer in the cache.
struct LookedUp {
    /// The key of the call, if there is a cache.
    key: Option<String>,
    /// The key of the call without a model, if it named none.
    any_model: Option<String>,
    /// The answer.
    cuts: Option<Vec<Cut>>,
    /// Another model that was the default when the cache got an answer to this call.
    other_default: Option<String>,
}

impl Job {
    /// Makes the call. With an open sink it is a stream: what arrives is handed out at once, and
    /// after the first event nothing is asked for again.
    pub async fn run(&self, sink: &Sink) -> Result<Drawn, Error> {
        match self.answered(sink).await {
            Ok(mut drawn) => {
                drawn.result.call = Some(self.call);
                Ok(drawn)
            }
            Err(failure) => Err(failure.with_call(Some(self.call)).noted(&self.notes)),
        }
    }

    async fn answered(&self, sink: &Sink) -> Result<Drawn, Error> {
        // Reading a file may hang, and so may the cache's folder.
        let looked_up = Box::pin(timeout(self.total, self.looked_up()));
        let LookedUp { key, any_model, cuts, other_default } =
            looked_up.await.unwrap_or_else(|_| Err(self.not_looked_up()))?;
        if let Some(cuts) = cuts
            && let Some(drawn) = self.remembered(cuts, sink).await
        {
            return Ok(drawn);
        }
        let mut course = Course::new();
        let outcome = self.ask(&mut course, key.is_some(), sink).await;
        let Course { attempts, warnings, usage, cost, .. } = course;
        let (mut drawn, kept) = match outcome {
            Ok(done) => done,
            Err(failure) => return Err(failure.attempted(attempts)),
        };
        drawn.result.request_id = attempts.last().and_then(|attempt| attempt.request_id.clone());
        drawn.result.attempts = attempts;
        drawn.result.warnings.extend(warnings);
        drawn.result.warnings.extend(other_default.map(|model| {
            message!(
                "the cache has an answer of `{model}` to this call, which was the default model then; `{}` is now, and \
                 was paid for. To get that answer set {}",
                self.id,
                option("model")
            )
        }));
        drawn.result.usage.add(&usage);
        drawn.result.cost = drawn.result.cost.zip(cost).map(|(last, before)| last + before);
        if let (Some(cache), Some(key), Some(reply)) = (&self.common.cache, key, kept) {
            let stored = async {
                cache.put(&key, reply).await?;
                if let Some(any_model) = any_model {
                    cache.set_default_model(&any_model, &self.id).await;
                }
                Ok::<_, Error>(())
            };
            // A folder that hangs does not keep the answer from the caller. It is written on in the background.
            let problem = match timeout(PATIENCE, stored).await {
                Ok(Ok(())) => None,
                Ok(Err(problem)) => Some(problem.words().clone()),
                Err(_) => Some(message!(
                    "the answer is not in the cache yet: its folder did not take it within {} s",
                    PATIENCE.as_secs()
                )),
            };
            drawn.result.warnings.extend(problem);
        }
        Ok(drawn)
    }

    /// Looks for the call's answer in the cache.
    async fn looked_up(&self) -> Result<LookedUp, Error> {
        let key = self.cache_key(&self.id).await?;
        let any_model = if self.is_default { self.cache_key("").await? } else { None };
        let mut found = LookedUp { key, any_model, cuts: None, other_default: None };
        let (Some(key), Some(cache)) = (&found.key, &self.common.cache) else { return Ok(found) };
        found.cuts = cache.get(key).await;
        if found.cuts.is_none() && cache.has_first_entries() {
            found.cuts = cache.get_first(&self.first_cache_key().await?).await;
        }
        if let (None, Some(any_model)) = (&found.cuts, &found.any_model) {
            found.other_default = cache.default_model(any_model).await.filter(|model| *model != self.id);
        }
        Ok(found)
    }

    fn not_looked_up(&self) -> Error {
        let problem = format!(
            "the cache could not be read within the call's timeout of {} s, so nothing was sent; look whether its folder \
             and the files of the call answer, or leave `cache` out",
            self.total.as_secs_f64()
        );
        Error::new(Kind::APITimeoutError, problem).with_billed(Billed::No).with_retryable(false)
    }

    /// Asks the service until it answered, or there is no use in asking again. Gives the reply, too,
    /// if it is to be kept.
    async fn ask(
        &self,
        course: &mut Course,
        keep: bool,
        sink: &Sink,
    ) -> Result<(Drawn, Option<Vec<Cut>>), Error> {
        let traffic = self.common.traffic();
        let limiter = traffic.limits.of(&self.id);
        let mut report = self.watcher.call(self.call, self.number, &self.id);
        let mut deadline = None;
        let mut base = Progress::default();
        base.kept = keep.then(Vec::new);
        let mut uploads = Uploads::of(self.outline.clone()?);
        let mut next = Request { body: self.body.clone(), base, held: None, continued: 0 };
        loop {
            let Some(permit) = self.turn(&limiter, deadline, &report).await else {
                return Err(self.out_of_turn(course, next));
            };
            let deadline = *deadline.get_or_insert_with(|| Instant::now() + self.total);
            let mut hold = match self.may_send(course, &mut next, &mut uploads, deadline, &report).await {
                Ok(hold) => hold,
                Err(problem) => {
                    // It is the error of no attempt.
                    course.made = 0;
                    return Err(self.ended(course, problem, None, next.base.fold.partial()));
                }
            };
            let mut attempt = Attempt::default();
            attempt.when = now();
            let mut progress = next.base.next();
            if next.continued == 0 {
                hold.until(progress.sent.clone());
            }
            report.requests(next.body.len());
            let started = Instant::now();
            let outcome =
                self.exchange(&next.body, deadline, &permit, &mut attempt, &mut progress, sink).await;
            course.made += 1;
            if outcome.is_ok()
                && next.continued < MOST_CONTINUED
                && let Some(token) = progress.fold.continuation()
            {
                permit.good();
                // What it used and brought is told with the last one's.
                report.answered(&attempt, started.elapsed(), Some((&Usage::default(), None, 0, 0)));
                course.goes_on_from(attempt, progress.fold.used_before());
                next = Request {
                    body: request::continued(uploads.body(&self.body), &token),
                    base: progress,
                    held: Some(hold),
                    continued: next.continued + 1,
                };
                continue;
            }
            if outcome.is_ok() {
                Box::pin(self.follow(&mut progress, deadline)).await;
            }
            let partial = progress.fold.partial();
            let is_of_worth = progress.fold.is_of_worth();
            let (seen, kept) = (progress.seen, progress.kept.take());
            let outcome = match outcome {
                Ok(()) => self.finish(progress, Some(&permit), sink).await,
                Err(failure) => Err(failure),
            };
            let took = started.elapsed();
            let failure = match outcome {
                Ok(mut drawn) => {
                    drawn.result.warnings.extend(self.unpriced(&drawn));
                    let result = &drawn.result;
                    hold.settle(result.cost);
                    permit.good();
                    traffic.bucket.succeeded();
                    let size = result.pictures().map(|image| image.len() as u64).sum();
                    report.answered(
                        &attempt,
                        took,
                        Some((&result.usage, result.cost, result.images.len() as u64, size)),
                    );
                    course.attempts.push(attempt);
                    return Ok((drawn, kept));
                }
                // Something had been made before the service refused to go on.
                Err(failure) if seen > next.base.seen && failure.billed() == Some(Billed::No) => {
                    self.told(failure).with_billed(Billed::Unknown)
                }
                Err(failure) => self.told(failure),
            };
            attempt.reason = Some(reason(&failure));
            report.answered(&attempt, took, None);
            self.give_back(permit, &failure);
            if seen == 0 && next.continued == 0 && uploads.are_gone(&failure) {
                next.held = Some(hold);
                report.retries(&reason(&failure), Duration::ZERO);
                course.attempts.push(attempt);
                course.failure = Some(failure);
                continue;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let has_token = traffic.bucket.has_token();
            let decision = match seen {
                0 => retry::decide(&self.policy, course.tries, &failure, left, has_token, fastrand::f64()),
                _ => Decision::Stop(None),
            };
            if next.continued > 0
                && failure.billed() == Some(Billed::No)
                && matches!(decision, Decision::Again { .. })
            {
                next.held = Some(hold);
            } else {
                self.settle(hold, &next, &failure);
            }
            match decision {
                Decision::Again { wait, tries } => {
                    traffic.bucket.pay(course.tries, tries);
                    course.tries = tries;
                    course.goes_on_after(&failure);
                    if failure.billed() == Some(Billed::Yes) {
                        next.base.fold.is_counted();
                    }
                    report.retries(&reason(&failure), wait);
                    attempt.wait = Seconds::from(wait);
                    course.attempts.push(attempt);
                    course.failure = Some(failure);
                    tokio::time::sleep(wait).await;
                }
                Decision::Stop(why) => {
                    course.attempts.push(attempt);
                    let answered = matches!(failure.kind(), Kind::NoImageError | Kind::BlockedError);
                    // The text of such an answer is in the error already.
                    let partial = partial.filter(|_| !answered || sink.is_open() || is_of_worth);
                    return Err(self.ended(course, failure, why, partial));
                }
            }
        }
    }

    /// The money for the next request, which is to be sent now, when the pictures are there that it refers to.
    async fn may_send(
        &self,
        course: &mut Course,
        next: &mut Request,
        uploads: &mut Uploads,
        deadline: Instant,
        report: &Reporter,
    ) -> Result<Hold, Error> {
        let mut hold = match next.held.take() {
            Some(hold) => hold,
            None => self.common.ledger.hold(self.price, &self.id).map_err(|refused| {
                match course.failure.take() {
                    Some(failure) => refused.because(failure),
                    None => refused,
                }
            })?,
        };
        if uploads.are_missing() {
            // Uploads cost nothing: who gives up meanwhile has not spent it.
            hold.until(Arc::default());
            let line = self.line(deadline, Some(report.clone()));
            match line.in_time("the pictures are not uploaded yet", uploads.come(&line)).await {
                Ok(body) => next.body = body.unwrap_or_else(|| self.body.clone()),
                Err(failure) => {
                    self.refund(hold, next);
                    course.attempts.extend_from_slice(failure.attempts());
                    return Err(failure);
                }
            }
        }
        let Some(before) = &self.before else { return Ok(hold) };
        if next.continued == 0 {
            hold.until(Arc::default());
        }
        match before().await {
            Ok(()) => Ok(hold),
            Err(problem) => {
                self.refund(hold, next);
                Err(problem)
            }
        }
    }

    /// Why a call ends that may not be sent again before its deadline.
    fn out_of_turn(&self, course: &mut Course, mut next: Request) -> Error {
        if let Some(hold) = next.held.take() {
            self.refund(hold, &next);
        }
        let message = format!(
            "the call's timeout of {} s ends before its next turn, as other calls have to wait, too; give it a \
             larger `timeout`, or make fewer calls at once",
            self.total.as_secs_f64()
        );
        let mut late = self.too_late().reworded(message).with_billed(Billed::No);
        if let Some(failure) = course.failure.take() {
            late = late.because(failure);
        }
        self.ended(course, late, None, next.base.fold.partial())
    }

    /// One attempt, which ends when the call does.
    async fn exchange(
        &self,
        body: &Body,
        deadline: Instant,
        permit: &Permit,
        attempt: &mut Attempt,
        progress: &mut Progress,
        sink: &Sink,
    ) -> Result<(), Error> {
        let left = deadline.saturating_duration_since(Instant::now());
        let once = self.once(body, left, permit, attempt, progress, sink);
        let outcome = timeout_at(deadline, once).await;
        let outcome = match outcome.unwrap_or_else(|_| Err(self.too_late())) {
            Err(failure) if failure.is(Kind::APITimeoutError) && !progress.sent.load(Ordering::SeqCst) => {
                Err(failure.with_billed(Billed::No))
            }
            outcome => outcome,
        };
        let (events, outcome) = progress.ends(outcome, sink.is_open());
        sink.send(events, Some(permit)).await;
        outcome
    }

    /// The call's turn; none if its deadline comes first, or will come before a pause is over. It has no
    /// deadline before its first turn.
    async fn turn(
        &self,
        limiter: &Arc<Limiter>,
        deadline: Option<Instant>,
        report: &Reporter,
    ) -> Option<Permit> {
        let admitted = limiter.admit(deadline.is_some());
        let mut admitted = pin!(admitted);
        if let Some(permit) = admitted.as_mut().now_or_never() {
            return Some(permit);
        }
        let pause = limiter.waits();
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if pause > left && left.is_some() {
            return None;
        }
        report.waits(pause);
        match deadline {
            Some(deadline) => timeout_at(deadline, admitted).await.ok(),
            None => Some(admitted.await),
        }
    }

    /// Gives back the money of a request that cost nothing. The answers that it goes on from did.
    fn refund(&self, hold: Hold, next: &Request) {
        match next.continued {
            0 => hold.free(),
            _ => hold.settle(next.base.fold.cost_before(self.model.as_deref(), self.served(&next.base))),
        }
    }

    /// Gives back the money of an attempt that failed, as far as is known.
    fn settle(&self, hold: Hold, next: &Request, failure: &Error) {
        if failure.billed() == Some(Billed::Unknown) {
            hold.lost(&reason(failure));
        } else if failure.billed() == Some(Billed::Yes) {
            hold.settle(failure.cost());
        } else {
            self.refund(hold, next);
        }
    }

    /// Gives back the turn of an attempt that failed.
    fn give_back(&self, permit: Permit, failure: &Error) {
        match failure.status() {
            Some(429 | 503) if failure.retryable() => {
                let named = failure.retry_after().and_then(|wait| Duration::try_from_secs_f64(wait).ok());
                // A pause that this call would not sit through is not forced upon others.
                permit.throttled(named.filter(|wait| !wait.is_zero() && *wait <= self.policy.max_wait));
            }
            None if matches!(failure.kind(), Kind::NoImageError | Kind::BlockedError) => permit.good(),
            _ => drop(permit),
        }
    }

    /// The call's failure, with all that is to be told of the way there.
    fn ended(
        &self,
        course: &Course,
        failure: Error,
        why: Option<Message>,
        partial: Option<Partial>,
    ) -> Error {
        let mut message = failure.words().clone();
        if let Some(why) = why {
            message.add_sentence(message!("It is not tried again: {}", why));
        } else if course.made > 1 {
            message.push(format_args!(" (the last of {} attempts)", course.made));
        }
        if !failure.is(Kind::APIError)
            && let Some(billed) = course.billed
        {
            // Such an error has no field for it.
            let how = if billed == Billed::Yes { "was" } else { "may have been" };
            message.add_sentence(format_args!("An attempt before {how} billed"));
        }
        let mut failure = failure.reworded(message).saving(partial);
        if let Some(worst) = Billed::worst([course.billed, failure.billed()].into_iter().flatten()) {
            failure = failure.with_billed(worst);
        }
        if course.usage.total_tokens > 0 && matches!(failure.kind(), Kind::NoImageError | Kind::BlockedError)
        {
            let mut usage = failure.usage().cloned().unwrap_or_default();
            usage.add(&course.usage);
            let cost = failure.cost().zip(course.cost).map(|(last, before)| last + before);
            failure = failure.with_usage(usage, cost);
        }
        failure
    }

    /// Asks how many tokens the request has. That is free: it waits for no turn and holds no money.
    pub async fn count(&self) -> Result<TokenCount, Error> {
        let line = self.line(Instant::now() + self.total, None);
        let body = match self.outline.clone()? {
            Some(outline) => outline
                .body(&line.in_time("the pictures are not uploaded yet", outline.files(&line, &[])).await?),
            None => self.body.clone(),
        };
        let question = Question {
            method: Method::Post,
            url: self.transport.address(&format!("{}:countTokens", self.path))?,
            own: Vec::new(),
            content: Content::Body(request::counted(&body, &self.id)),
        };
        Ok(reply::token_count(line.ask(&question).await?.json()))
    }

    /// The way to the service for what costs nothing.
    fn line(&self, deadline: Instant, report: Option<Reporter>) -> Line {
        Line {
            transport: self.transport.clone(),
            stock: self.common.files.get(Stock::default),
            keys: self.keys.clone(),
            headers: self.headers.clone(),
            version: self.version.clone(),
            policy: self.policy,
            total: self.total,
            deadline,
            advice: self.advice.clone(),
            report,
        }
    }

    /// What the answer to this very request is called in the cache, if there is one.
    async fn cache_key(&self, model: &str) -> Result<Option<String>, Error> {
        let (Some(_), Some(asked)) = (&self.common.cache, &self.asked) else { return Ok(None) };
        let mut key = asked.and(model).and(&self.number.to_string()).and(&self.scope);
        if !self.history.is_empty() {
            let said = request::body(&self.history, &[], &GenerateOptions::new()).digest().await?;
            key = key.and(&format!("after {said}"));
        }
        if !self.repeat.is_empty() {
            key = key.and(&format!("again {}", self.repeat));
        }
        Ok(Some(key.to_string()))
    }

    /// The cache key in the form of version 0.1.0: a digest of the bytes that are sent.
    async fn first_cache_key(&self) -> Result<String, Error> {
        let request = self.body.digest().await?;
        let scope = self.scope.replacen('\n', "", 1);
        let key = request.and(&self.id).and(&self.number.to_string()).and(&scope);
        Ok(if self.repeat.is_empty() { key } else { key.and(&self.repeat) }.to_string())
    }

    /// Reads a cached answer in the way a live one is read.
    async fn remembered(&self, cuts: Vec<Cut>, sink: &Sink) -> Option<Drawn> {
        let mut progress = Progress::default();
        let mut events = Vec::new();
        let mut cuts = cuts.into_iter().peekable();
        while let Some(cut) = cuts.next() {
            events.extend(progress.fold.push(cut).ok()?);
            if cuts.peek().is_some() {
                // It was continued then: what it used counts, too.
                let _ = progress.fold.continuation();
            }
        }
        progress.seen_images = events.iter().filter(|event| matches!(event, Event::Image(_))).count();
        let fold = progress.fold.clone();
        // An entry that cannot be used shows nothing.
        fold.finish(self.model.as_deref(), Some(self.tier), self.text_will_do).ok()?;
        for event in events {
            sink.send(vec![event], None).await;
        }
        let mut drawn = self.finish(progress, None, sink).await.ok()?;
        (drawn.result.cached, drawn.result.cost) = (true, Some(0.0));
        Some(drawn)
    }

    /// One attempt: the request, and the reply to its last byte.
    async fn once(
        &self,
        body: &Body,
        left: Duration,
        permit: &Permit,
        attempt: &mut Attempt,
        progress: &mut Progress,
        sink: &Sink,
    ) -> Result<(), Error> {
        let (method, query) =
            if sink.is_open() { ("streamGenerateContent", "?alt=sse") } else { ("generateContent", "") };
        let path = format!("{}:{method}{query}", self.path);
        let key = self.keys.next().await?;
        let mut reply = self.transport.send(&path, &key, &self.headers, body, left, &progress.sent).await?;
        attempt.status = Some(reply.status());
        let id = reply.header("x-request-id").or(reply.header("x-goog-request-id"));
        attempt.request_id = id.map(|id| self.clean(id));
        if !(200..300).contains(&reply.status()) {
            return Err(self.refused(&mut reply).await);
        }
        progress.begins(&reply, sink.is_open());
        progress.tier = progress.tier.take().map(|tier| self.clean(&tier));
        progress.rate_limits.values_mut().for_each(|value| *value = self.clean(value));
        // The clock of `idle` runs between pieces: a model may think for minutes before the first one.
        let mut first = Some(reply.next().await?);
        while let Some(piece) = match first.take() {
            Some(first) => first,
            None if progress.is_whole => timeout(GRACE, reply.next()).await.unwrap_or(Ok(None))?,
            None => self.next(&mut reply).await?,
        } {
            let mut piece = &*piece;
            while !piece.is_empty() {
                let (eaten, value) = progress.read(piece)?;
                piece = piece.get(eaten..).unwrap_or_default();
                if let Some(value) = value {
                    let events = progress.push(value, sink.is_open())?;
                    sink.send(events, Some(permit)).await;
                    progress.fold.refused()?;
                }
            }
            progress.note_whole();
        }
        Ok(())
    }

    /// The tier that served an answer, as far as its header tells.
    fn served<'a>(&'a self, progress: &'a Progress) -> &'a str {
        progress.tier.as_deref().unwrap_or(self.tier)
    }

    /// The result, or why it is none.
    async fn finish(&self, progress: Progress, permit: Option<&Permit>, sink: &Sink) -> Result<Drawn, Error> {
        let tier = self.served(&progress).to_owned();
        let mut drawn = progress.fold.finish(self.model.as_deref(), Some(&tier), self.text_will_do)?;
        drawn.result.rate_limits = progress.rate_limits;
        drawn.result.warnings.extend(self.another_model(&drawn.result.model));
        // A draft that had to serve as the final picture.
        let late = drawn.result.images.iter().skip(progress.seen_images);
        let late = late.map(|image| Event::Image(ImageEvent { image: image.clone() })).collect();
        sink.send(late, permit).await;
        Ok(drawn)
    }

    /// The warning about an answer whose cost is unknown.
    fn unpriced(&self, drawn: &Drawn) -> Option<Message> {
        // For a model without prices the caller knows this before the call.
        let is_unknown = drawn.result.cost.is_none() && !drawn.result.images.is_empty();
        let model = self.model.as_ref().filter(|_| is_unknown)?;
        let why = match drawn.is_untold {
            true => "the reply does not say how many tokens it took",
            false => "the tier that served it has no known price",
        };
        Some(message!(
            "what this cost is not known, as {why}; `spent` and a budget count what such a request to `{}` typically costs",
            model.id
        ))
    }

    /// The warning about an answer by a model other than the one asked for.
    fn another_model(&self, answered: &str) -> Option<Message> {
        (!answered.is_empty() && !is_same(&self.id, self.model.as_deref(), answered)).then(|| {
            message!(
                "`{}` was asked and another model, `{}`, answered; the cost is counted by the prices of the one that was asked",
                self.id,
                reply::shortened(answered, 100)
            )
        })
    }

    async fn next(&self, reply: &mut Reply) -> Result<Option<bytes::Bytes>, Error> {
        match self.idle {
            None => reply.next().await,
            Some(idle) => timeout(idle, reply.next()).await.unwrap_or_else(|_| {
                Err(Error::new(
                    Kind::APITimeoutError,
                    format!("the reply stood still for {} s, the `idle` timeout", idle.as_secs_f64()),
                )
                .with_billed(Billed::Unknown)
                .with_retryable(true))
            }),
        }
    }

    /// The error that an unsuccessful status and its body mean.
    async fn refused(&self, reply: &mut Reply) -> Error {
        let mut body = Vec::new();
        // What came before the connection broke, or stood still, is what there is to tell.
        let end = Instant::now() + PATIENCE;
        while let Ok(Ok(Some(piece))) = timeout_at(end, self.next(reply)).await {
            body.extend_from_slice(&piece);
            if body.len() > reply::MOST_ERROR_BODY {
                break;
            }
        }
        // Before anything of it is cut short: half a key is one too.
        let body = self.clean(&String::from_utf8_lossy(&body));
        let header = |name: &str| reply.header(name).map(str::to_owned);
        reply::status_error(reply.status(), &header, body.as_bytes(), self.advice.as_ref())
    }

    fn too_late(&self) -> Error {
        Error::new(
            Kind::APITimeoutError,
            format!(
                "the call took longer than its timeout of {} s; give it a larger `timeout`",
                self.total.as_secs_f64()
            ),
        )
        .with_billed(Billed::Unknown)
        .with_retryable(true)
    }

    /// A failure as the caller may see it: a gateway may have answered with the headers that it
    /// got, and what made a damaged reply may have been billed.
    fn told(&self, failure: Error) -> Error {
        let failure = match failure.kind() {
            Kind::ResponseError => failure.with_billed(Billed::Unknown),
            _ => failure,
        };
        failure.censored(&self.secrets())
    }

    fn clean(&self, text: &str) -> String {
        self.secrets().clean(text).into_owned()
    }

    fn secrets(&self) -> Secrets {
        self.transport.secrets(&self.keys.known(), &self.headers)
    }
}

impl Course {
    /// Notes an answer that the service has not finished.
    fn goes_on_from(&mut self, attempt: Attempt, used: &Usage) {
        self.attempts.push(attempt);
        (self.made, self.tries) = (0, Tries::default());
        match used.total_tokens {
            0 => self.billed = self.billed.or(Some(Billed::Unknown)),
            _ => self.billed = Some(Billed::Yes),
        }
    }

    /// Notes what an attempt cost that is not the last one.
    fn goes_on_after(&mut self, failure: &Error) {
        let (number, why) = (self.attempts.len() + 1, reason(failure));
        if failure.billed() == Some(Billed::Unknown) {
            self.billed = self.billed.or(Some(Billed::Unknown));
            self.warnings.push(message!(
                "attempt {number} was lost ({}) and the request was sent again; the lost one may have been billed too",
                why
            ));
        }
        if failure.billed() == Some(Billed::Yes) {
            self.billed = Some(Billed::Yes);
            self.usage.add(&failure.usage().cloned().unwrap_or_default());
            self.cost = failure.cost().zip(self.cost).map(|(cost, before)| cost + before);
            self.warnings.push(message!(
                "attempt {number} was answered without a picture, and billed; the request was sent again"
            ));
        }
    }
}
