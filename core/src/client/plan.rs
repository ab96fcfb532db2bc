//! A call that is ready to be made: its options held against the model, its pictures found. From here on
//! it is one job for each of its `n` pictures, and what came of them put together.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::StreamExt as _;
use serde_json::Value;
use tokio::time::Instant;

use super::{Client, Identity, Masked};
use crate::call::attempt::{Before, Fetcher, Job, Sink};
use crate::call::events::next_call;
use crate::call::files::{self, Outline, Picture};
use crate::call::retry::Policy;
use crate::catalogue;
use crate::error::{Billed, Error, Kind, Partial};
use crate::http::key::Keys;
use crate::http::transport::Transport;
use crate::input::{Media, Part};
use crate::message::{Message, message, method};
use crate::options::{At, GenerateOptions, Read, Upload};
use crate::picture::output::{self, Output};
use crate::records::{Explained, Generation, InputPlan, TokenCount};
use crate::service::gemini::request::{self, Turn};

/// How many of a call's `n` requests are under way at once.
const SIDE_BY_SIDE: usize = 16;

/// The warnings that are known before a call is sent.
pub(crate) struct Said {
    /// About the model: its announced end, or a replacement for it.
    pub model: Vec<Message>,
    /// About the options. They concern neither money nor loss, so they are no warning events.
    pub options: Vec<Message>,
    /// About losses in the pictures of the inputs.
    pub pictures: Vec<Message>,
}

impl Said {
    fn all(&self) -> impl Iterator<Item = Message> {
        self.model.iter().chain(&self.options).chain(&self.pictures).cloned()
    }
}

/// A call that is ready to be made.
pub(crate) struct Plan {
    pub(super) client: Client,
    /// The number of the call, which its events carry.
    pub(super) call: u64,
    pub(super) transport: Arc<Transport>,
    pub parts: Vec<Part>,
    /// What became of the pictures.
    pub(super) inputs: Vec<InputPlan>,
    /// The identity of the call, if it was requested.
    pub identity: Option<Identity>,
    /// What becomes of the answer's pictures, if only a part of the first picture may change.
    pub masked: Option<Arc<Masked>>,
    pub options: GenerateOptions,
    /// How the pictures that come are to be.
    pub output: Arc<Output>,
    /// The warnings that are known before the call is sent.
    pub(super) said: Said,
    /// The model's id, and what is known of it.
    pub id: String,
    pub model: Option<Arc<catalogue::Model>>,
    pub(super) advice: Option<Message>,
    pub policy: Policy,
    pub(super) total: Duration,
    pub(super) idle: Option<Duration>,
    /// Those of its pictures that are sent by reference, once it is known: all of its `n` requests share them.
    pub(super) uploads: OnceLock<Result<Arc<Vec<Picture>>, Error>>,
}

impl Client {
    /// The way to the pictures that a call names by their addresses.
    pub(super) fn fetcher(
        &self,
        transport: &Arc<Transport>,
        options: &GenerateOptions,
        call: u64,
        model: &str,
    ) -> Fetcher {
        let (total, _) = self.times(options);
        let now = Instant::now();
        Fetcher {
            transport: transport.clone(),
            traffic: self.0.common.traffic(),
            policy: self.policy(options),
            // A time that no clock can count is as good as none.
            deadline: now.checked_add(total).unwrap_or(now + super::TOTAL),
            late: format!("it was not fetched within {} s", total.as_secs_f64()),
            report: self.0.watcher.call(call, 0, model),
        }
    }

    /// How a call with these options is tried again.
    pub(super) fn policy(&self, options: &GenerateOptions) -> Policy {
        Policy::new(Read::layered(options.retry.clone(), self.0.options.retry.clone()).as_ref())
    }
}

impl Plan {
    /// Makes the call: `n` concurrent requests, without those whose results are in `kept`. `repeat` distinguishes equal
    /// calls in the cache. `landed` gets each result as soon as it is ready, also if the call was dropped meanwhile.
    pub async fn draw(
        &self,
        before: Option<Before>,
        repeat: &str,
        landed: Option<Arc<Landed>>,
        mut kept: BTreeMap<u32, Generation>,
    ) -> Result<Generation, Error> {
        let n = self.options.n.unwrap_or(1);
        let missing = n.saturating_sub(kept.len() as u32);
        let common = &self.client.0.common;
        if common.cache.is_none() {
            // All or none: what does not fit is refused before anything is sent.
            common.ledger.check(self.price(&[]), missing, &self.id)?;
        }
        let call = |number: u32| {
            let repeat = repeat.to_owned();
            let job = Job { before: before.clone(), repeat, ..self.job(&[], number, false) };
            let (landed, kept) = (landed.clone(), kept.remove(&number));
            async move {
                if let Some(kept) = kept {
                    return Ok(kept);
                }
                let result = Box::pin(job.run(&Sink::default())).await?.result;
                let ready = ready(result, self.masked.clone(), self.output.clone());
                let Some(landed) = landed else { return Ok(ready.await) };
                // It is paid for: from here on it is made ready and put away whatever becomes of the call.
                let put_away = tokio::spawn(async move {
                    let result = ready.await;
                    landed(number, &result).await;
                    result
                });
                put_away.await.map_err(|cause| {
                    Error::new(Kind::NanoBananaError, format!("what came could not be made ready: {cause}"))
                })
            }
        };
        let outcomes = futures_util::stream::iter((0..n).map(call)).buffered(SIDE_BY_SIDE).collect().await;
        Ok(self.settled(together(outcomes)?).await)
    }

    /// Makes the call, and hands out what arrives on the way.
    pub async fn stream(&self, sink: &Sink) -> Result<Generation, Error> {
        sink.pours_as(&self.output);
        let job = self.job(&[], 0, false);
        let result = match &self.masked {
            None => Box::pin(job.run(sink)).await?.result,
            Some(masked) => masked.stream(job, sink).await?,
        };
        Ok(self.settled(result).await)
    }

    /// The call with this number of `n`, after the turns of a conversation.
    pub fn job(&self, history: &[Turn], number: u32, text_will_do: bool) -> Job {
        let inner = &*self.client.0;
        let mut options = self.options.clone();
        options.seed = options.seed.map(|seed| seed + i64::from(number));
        let body = request::body(history, &self.parts, &options);
        let chosen = self.uploads.get_or_init(|| {
            let (how, limit) =
                (options.upload.unwrap_or(Upload::Auto), self.client.catalogue().inline_limit_bytes);
            files::choose(history, &self.parts, how, body.len(), limit).map(Arc::new)
        });
        let outline = chosen.clone().map(|pictures| {
            let (parts, options) = (self.parts.clone(), options.clone());
            let outline =
                || Outline { history: history.to_vec(), parts, options, pictures: pictures.clone() };
            (!pictures.is_empty()).then(outline)
        });
        Job {
            common: inner.common.clone(),
            watcher: inner.watcher.clone(),
            call: self.call,
            transport: self.transport.clone(),
            keys: Arc::new(Keys::of(inner.key.clone())),
            id: self.id.clone(),
            path: format!("{}/models/{}", inner.version, segment(&self.id)),
            headers: options.headers.clone().unwrap_or_default(),
            version: inner.version.clone(),
            body,
            outline,
            number,
            repeat: String::new(),
            scope: inner.scope(),
            is_default: self.identity.as_ref().is_some_and(|identity| !identity.has_model()),
            asked: self.identity.as_ref().map(Identity::asked),
            history: if inner.common.cache.is_some() { history.to_vec() } else { Vec::new() },
            model: self.model.clone(),
            price: self.price(history),
            advice: self.advice.clone(),
            notes: self.said.options.clone(),
            tier: options.service_tier.map_or("standard", |tier| tier.as_str()),
            policy: self.policy,
            total: self.total,
            idle: self.idle,
            text_will_do,
            before: None,
        }
    }

    /// The digest by which version 0.1.0 identified an item: of all bytes that are sent.
    ///
    /// # Errors
    /// [`Kind::ImageError`] if a picture's file is not the one that was opened.
    pub async fn first_digest(&self) -> Result<String, Error> {
        let body = self.job(&[], 0, false).body.digest().await?;
        let mut more = format!("{}\n{}", self.id, self.options.n.unwrap_or(1));
        if let Some(masked) = &self.masked {
            more.push('\n');
            more.push_str(&masked.digest().await?);
        }
        Ok(format!("sha256:{}", body.and(&more)))
    }

    /// Asks how many tokens it would send.
    pub async fn count(&self) -> Result<TokenCount, Error> {
        let mut count = self.job(&[], 0, false).count().await?;
        count.warnings.splice(0..0, self.said.all());
        Ok(count)
    }

    /// What would be sent.
    pub fn explained(self) -> Explained {
        let body_bytes = self.job(&[], 0, false).body.len();
        let warnings = self.said.all().collect();
        Explained { model: self.id, inputs: self.inputs, body_bytes, warnings }
    }

    /// What one request typically costs in USD, the turns of a conversation before it included; none
    /// if that is not known.
    fn price(&self, history: &[Turn]) -> Option<f64> {
        let words = |text: &str| text.chars().count();
        let mut letters = 0;
        let mut pictures = 0;
        for part in &self.parts {
            match (part, part.media()) {
                (Part::Text(text), _) => letters += words(text),
                (Part::Picture { source, .. }, Some(Media::Text)) => letters += source.len() as usize,
                (_, Some(Media::Picture)) => pictures += 1,
                // Of a PDF or a video nobody knows how long it is.
                _ => {}
            }
        }
        for piece in history.iter().flat_map(|turn| turn.pieces.iter()) {
            let part = piece.value("");
            letters += part.get("text").and_then(Value::as_str).map_or(0, words);
            match (&piece.picture, Media::of_part(&part)) {
                (Some(text), Some(Media::Text)) => letters += text.len(),
                (_, Some(Media::Picture)) => pictures += 1,
                _ => {}
            }
        }
        self.model.as_ref()?.typical(letters, pictures, &self.options)
    }

    /// The result with its pictures as they were asked for, and with what was found before the call and
    /// about what came.
    pub async fn settled(&self, mut result: Generation) -> Generation {
        if result.model.is_empty() {
            result.model = self.id.clone();
        }
        self.output.finish(&mut result.images).await;
        result.warnings.extend(output::another_size(self.model.as_deref(), &self.options, &result.images));
        result.warnings.extend(self.output.warnings());
        let watcher = &self.client.0.watcher;
        // The announced end of a model is left out: each call with that model would repeat it.
        for warnings in [&self.said.pictures, &result.warnings] {
            watcher.warns(self.call, &self.id, warnings);
        }
        result.warnings.splice(0..0, self.said.all());
        result
    }
}

impl Client {
    /// Emits the events of warnings about a call with this plan, or about one of this model that needs no plan. Returns
    /// the number of the call.
    pub(crate) fn warns(&self, plan: Option<&Plan>, model: &str, warnings: &[Message]) -> u64 {
        let call = plan.map_or_else(next_call, |plan| plan.call);
        self.0.watcher.warns(call, model, warnings);
        call
    }
}

/// Sees what one of a call's requests gave.
pub(crate) type Landed = dyn Fn(u32, &Generation) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync;

/// What came, as it was asked for.
async fn ready(mut result: Generation, masked: Option<Arc<Masked>>, output: Arc<Output>) -> Generation {
    if let Some(masked) = masked {
        masked.finish(&mut result).await;
    }
    output.finish(&mut result.images).await;
    result
}

/// The options of a call that draws one picture, as streams and conversations do.
pub(crate) fn alone(options: GenerateOptions) -> Result<GenerateOptions, Error> {
    match options.n {
        None | Some(1) => Ok(options),
        Some(n) => Err(At::option("n").invalid(message!(
            "is {n}, but a stream or a conversation draws one picture at a time; call {} for several",
            method("generate", "nanobanana generate")
        ))),
    }
}

/// The result of `n` calls: what came, in the order of the calls, and why the rest is missing.
fn together(outcomes: Vec<Result<Generation, Error>>) -> Result<Generation, Error> {
    let n = outcomes.len();
    let mut merged: Option<Generation> = None;
    let mut errors = Vec::new();
    for outcome in outcomes {
        match (outcome, &mut merged) {
            (Err(error), _) => errors.push(error),
            (Ok(first), None) => merged = Some(first),
            (Ok(more), Some(merged)) => {
                merged.images.extend(more.images);
                merged.masked.extend(more.masked);
                merged.thoughts.images.extend(more.thoughts.images);
                merged.usage.add(&more.usage);
                merged.cached &= more.cached;
                merged.cost = merged.cost.zip(more.cost).map(|(one, other)| one + other);
                merged.attempts.extend(more.attempts);
                merged.warnings.extend(more.warnings);
            }
        }
    }
    let Some(mut merged) = merged else {
        let none = || Error::new(Kind::NanoBananaError, "no call was made");
        // It speaks for all of them: one that was paid for is not hidden behind one that was not.
        let worst = Billed::worst(errors.iter().filter_map(Error::billed));
        // The error also carries the partial results of the other calls.
        let partial = Partial::of_all(errors.iter().filter_map(Error::partial));
        let first = errors.into_iter().next().unwrap_or_else(none).saving(partial);
        return Err(match worst.filter(|_| first.is(Kind::APIError)) {
            Some(worst) => first.with_billed(worst),
            None => first,
        });
    };
    for paid in errors.iter().filter(|error| error.billed() == Some(Billed::Yes)) {
        merged.usage.add(&paid.usage().cloned().unwrap_or_default());
        merged.cost = merged.cost.zip(paid.cost()).map(|(one, other)| one + other);
    }
    if let Some(first) = errors.first() {
        let are = if errors.len() == 1 { "is" } else { "are" };
        let missing = format!("{} of {n} pictures {are}", errors.len());
        merged.warnings.push(message!("{missing} missing; the first because of: {first}"));
        merged.errors = errors;
    }
    Ok(merged)
}

/// A model's id as one segment of a URL's path, whatever characters it has.
fn segment(id: &str) -> String {
    const PLAIN: &percent_encoding::AsciiSet =
        &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    percent_encoding::utf8_percent_encode(id, PLAIN).to_string()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::http::json::Piece;
    use crate::input::Input;
    use crate::options::ClientOptions;

    #[test]
    fn the_failure_of_several_calls_tells_whether_any_of_them_may_be_billed() {
        use Billed::{No, Unknown, Yes};
        let failed = |billed| Err(Error::new(Kind::APIError, "no").with_billed(billed));
        for (all, worst) in [([No, No], No), ([No, Unknown], Unknown), ([Unknown, Yes], Yes)] {
            let error = together(all.into_iter().map(failed).collect()).unwrap_err();
            assert_eq!(error.billed(), Some(worst), "{error:?}");
        }
    }

    #[tokio::test]
    async fn a_request_is_priced_with_the_turns_before_it() {
        let client = Client::new(ClientOptions::new().api_key("test-key-0123")).unwrap();
        let options = || GenerateOptions::new().model("nano-banana-pro");
        let prompt = || vec![Input::Text("a banana".to_owned())];
        let plan = client.plan(prompt(), options()).await.unwrap();
        let alone = client.estimate(Input::Text("a banana".to_owned()), options()).unwrap();
        assert_eq!(plan.price(&[]), alone.typical);

        let text = |words: &str| Piece { before: format!("{{\"text\":\"{words}\"}}"), ..Piece::default() };
        let picture = Piece {
            before: "{\"inlineData\":{\"data\":\"".to_owned(),
            picture: Some(bytes::Bytes::from_static(b"picture")),
            after: "\"}}".to_owned(),
        };
        let turns = [Turn::new("user", [text("an apple")]), Turn::new("model", [text("here"), picture])];
        // 20 letters and one picture of 560 tokens, at 2 USD a million.
        let more = (5.0 - 2.0 + 560.0) * 2.0 / 1e6;
        assert!((plan.price(&turns).unwrap() - alone.typical.unwrap() - more).abs() < 1e-12);

        let unknown = GenerateOptions::new().model("my-own-model");
        let plan = client.plan(prompt(), unknown).await.unwrap();
        assert_eq!(plan.price(&turns), None);
    }
}
