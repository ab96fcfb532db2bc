//! The client: the straight line from a call to its result.
//!
//! Options are read, checked against the model, the pictures found and opened, the body made, and
//! the attempts run. Nothing but this file reads the environment.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Notify;
use url::Url;

use crate::blocking;
use crate::call::attempt::{Common, Fetcher};
use crate::call::cache::Cache;
use crate::call::events::{ClientEvent, Watcher, next_call};
use crate::call::money::Ledger;
use crate::catalogue::{Catalogue, ModelInfo, Resolved};
use crate::error::{Billed, Error, InvalidOption, Kind};
use crate::http::key::Key;
use crate::http::transport::{Settings, Transport};
use crate::input::{self, Input, Media, Part, Prepared, Reach, Wanted};
use crate::message::{Each, Message, message, option};
use crate::options::{
    ClientOptions, GenerateOptions, Model, Read, Secret, Timeout, check_api_version, read_base_url,
};
use crate::picture::output::Output;
use crate::process::PerProcess;
use crate::records::{Estimate, Explained, Generation, Spent, TokenCount};
use crate::schema::{Case, Write};
use crate::secrets;
use crate::stream::EventStream;

mod catalogue;
#[doc(hidden)]
pub mod doctor;
mod files;
mod identity;
mod masked;
mod plan;
mod wire;

use catalogue::Catalogues;
pub use files::Files;
pub(crate) use identity::Identity;
use masked::Masked;
use plan::Said;
pub(crate) use plan::{Landed, Plan, alone};
#[doc(hidden)]
pub use wire::Once;

const GOOGLE: &str = "https://generativelanguage.googleapis.com";
const API_VERSION: &str = "v1beta";
const TOTAL: Duration = Duration::from_secs(600);
const CONNECT: Duration = Duration::from_secs(10);

/// A client of the Gemini image models. Cheap to clone; clones share connections.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    /// As they were given, for copies with changes.
    options: ClientOptions,
    key: Key,
    base: Url,
    version: String,
    catalogue: Catalogues,
    settings: Settings,
    warnings: Vec<Message>,
    transport: Arc<PerProcess<Transport>>,
    common: Common,
    watcher: Watcher,
    life: Arc<Life>,
    #[cfg(feature = "emulator")]
    emulator: Option<crate::emulator::Emulator>,
}

/// Whether a client is open.
#[derive(Default)]
struct Life {
    closed: AtomicBool,
    closing: PerProcess<Notify>,
}

impl Life {
    fn closing(&self) -> Arc<Notify> {
        let Ok(closing) = self.closing.get_or_try(|| Ok::<_, Infallible>(Notify::new()));
        closing
    }
}

/// A variable of the environment; empty is unset.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

/// The URL without a user's name and password.
fn without_user(text: String) -> String {
    match Url::parse(&text) {
        Ok(mut url) if !url.username().is_empty() || url.password().is_some() => {
            let cleared = url.set_username("").and_then(|()| url.set_password(None));
            cleared.map(|()| url.into()).unwrap_or_default()
        }
        _ => text,
    }
}

/// The key that the environment names: the official SDKs' variables in their order.
fn key_from_environment(warnings: &mut Vec<Message>) -> Option<Secret> {
    let (google, gemini) = (variable("GOOGLE_API_KEY"), variable("GEMINI_API_KEY"));
    if let (Some(google), Some(gemini)) = (&google, &gemini)
        && google != gemini
    {
        warnings
            .push("both GOOGLE_API_KEY and GEMINI_API_KEY are set and differ; GOOGLE_API_KEY is used".into());
    }
    google.or(gemini).map(Secret)
}

/// The address of the service and the version of its API: as options and the environment name them.
fn service(options: &ClientOptions, base: Option<String>) -> Result<(Url, String), Error> {
    let base = base.or_else(|| variable("GOOGLE_GEMINI_BASE_URL"));
    // "beta" is the official SDKs' word for the backend's own beta version.
    let version = variable("GOOGLE_GENAI_API_VERSION")
        .map(|name| if name == "beta" { API_VERSION.to_owned() } else { name });
    let base = base.unwrap_or_else(|| GOOGLE.to_owned());
    let from_environment = |name: &str, problem: Message| {
        Error::new(Kind::ConfigError, message!("the variable {name} {}", problem))
    };
    let base = read_base_url(&base).map_err(|problem| from_environment("GOOGLE_GEMINI_BASE_URL", problem))?;
    // What is said of it alone is surer than what stands at the end of an address, and that than a variable.
    let version = options.api_version.clone().or(base.version).or(version);
    let version = version.unwrap_or_else(|| API_VERSION.to_owned());
    check_api_version(&version).map_err(|problem| from_environment("GOOGLE_GENAI_API_VERSION", problem))?;
    Ok((base.url, version))
}

/// The settings of the connections to the service.
fn settings(options: &ClientOptions, base: Url) -> Settings {
    let connect = options.timeout.as_ref().and_then(|timeout| timeout.connect);
    Settings {
        base,
        headers: options.headers.clone().unwrap_or_default(),
        connect: connect.map_or(CONNECT, |connect| connect.duration()),
        proxy: options.proxy.clone(),
        ca_bundle: options.ca_bundle.clone(),
        // In every language: a company sets it for a machine and not for a program.
        extra_certificates: variable("NODE_EXTRA_CA_CERTS"),
        allow_private_urls: options.allow_private_urls.unwrap_or(false),
    }
}

impl Client {
    /// A client as told by `options` and, where they are silent, by the environment.
    ///
    /// # Errors
    /// [`Kind::ConfigError`] if there is no key or a file cannot be read,
    /// [`Kind::InvalidOptionError`] for a value of the wrong form.
    pub fn new(options: ClientOptions) -> Result<Self, Error> {
        options.check()?;
        let mut warnings = Vec::new();
        let key = options.api_key.clone().filter(|key| !key.0.trim().is_empty());
        let key = key.or_else(|| key_from_environment(&mut warnings)).ok_or_else(|| {
            Error::new(
                Kind::ConfigError,
                message!(
                    "no API key. Set the variable GOOGLE_API_KEY or GEMINI_API_KEY{}. \
                     To try everything without a key, {}",
                    Each { snake: ", or give `api_key`", camel: ", or give `apiKey`", shell: "" },
                    Each {
                        snake: "use an offline client (`Client.offline()`, `--offline`)",
                        camel: "use an offline client (`Client.offline()`, `--offline`)",
                        shell: "draw with `--offline`",
                    },
                ),
            )
        })?;
        Self::build(options, Key::Fixed(key), warnings, None)
    }

    /// A client with a [`Key`], for example one that a function gives for each attempt.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn with_key(options: ClientOptions, key: Key) -> Result<Self, Error> {
        options.check()?;
        Self::build(options, key, Vec::new(), None)
    }

    /// A client of an emulator of its own: no key, no network, no cost. The emulator stops with the
    /// last clone of the client.
    ///
    /// # Errors
    /// [`Kind::ConfigError`] if no port of 127.0.0.1 can be had.
    #[cfg(feature = "emulator")]
    pub fn offline(options: ClientOptions) -> Result<Self, Error> {
        options.check()?;
        let emulator = crate::emulator::Emulator::start(0)?;
        Self::build(options, Key::Fixed(Secret("offline".to_owned())), Vec::new(), Some(emulator))
    }

    fn build(
        options: ClientOptions,
        key: Key,
        mut warnings: Vec<Message>,
        #[cfg(feature = "emulator")] emulator: Option<crate::emulator::Emulator>,
        #[cfg(not(feature = "emulator"))] _: Option<std::convert::Infallible>,
    ) -> Result<Self, Error> {
        let catalogue = Catalogues::of(options.catalogue.as_deref())?;
        let mut base = options.base_url.clone();
        #[cfg(feature = "emulator")]
        if let Some(emulator) = &emulator {
            base = Some(emulator.url());
        }
        let (base, version) = service(&options, base)?;
        let settings = settings(&options, base.clone());
        warnings.extend(settings.check()?);
        Ok(Client(Arc::new(Inner {
            key,
            base,
            version,
            catalogue,
            settings,
            warnings,
            transport: Arc::default(),
            common: Common {
                ledger: Arc::new(Ledger::new(options.budget.as_ref())),
                cache: options.cache.as_ref().map(Cache::new).transpose()?,
                traffic: Arc::default(),
                files: Arc::default(),
                max_concurrency: options.max_concurrency,
                rate: options.rate,
            },
            watcher: Watcher::default(),
            life: Arc::default(),
            #[cfg(feature = "emulator")]
            emulator,
            options,
        })))
    }

    /// What the caller should know about how this client was set up, in sentences.
    pub fn warnings(&self) -> &[Message] {
        &self.0.warnings
    }

    /// The same client with other options; those that are not set stay. What the copy spends counts
    /// as this client's, unless it gets another budget: then it counts for itself.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn with_options(&self, options: ClientOptions) -> Result<Self, Error> {
        let inner = &*self.0;
        options.check()?;
        let key = match &options.api_key {
            Some(key) if key.0.trim().is_empty() => {
                let problem = message!(
                    "option {} is empty; give a key, or leave it out to keep the client's",
                    option("api_key")
                );
                return Err(Error::new(Kind::ConfigError, problem));
            }
            Some(key) => Key::Fixed(key.clone()),
            None => inner.key.clone(),
        };
        let options = options.over(inner.options.clone());
        #[cfg(feature = "emulator")]
        let emulator = inner.emulator.clone();
        #[cfg(not(feature = "emulator"))]
        let emulator = None;
        let mut client = Self::build(options, key, Vec::new(), emulator)?;
        if let Some(copy) = Arc::get_mut(&mut client.0) {
            copy.watcher = inner.watcher.clone();
            copy.share(inner);
        }
        Ok(client)
    }

    /// The same client with another key. It is closed when this one is closed.
    #[must_use]
    pub fn keyed(&self, key: Key) -> Self {
        Client(Arc::new(Inner { key, ..(*self.0).clone() }))
    }

    /// The same client, whose calls tell `watch` what they do: a request that is sent, an answer, a wait,
    /// another try. It is called on the threads that do the work and must not block.
    #[must_use]
    pub fn on_event(&self, watch: impl Fn(ClientEvent) + Send + Sync + 'static) -> Self {
        Client(Arc::new(Inner { watcher: Watcher::new(watch), ..(*self.0).clone() }))
    }

    /// Its options without the key, the headers, the proxy and a user in the base URL, as
    /// [`ClientOptions::read`] reads them: for
    /// `repr` and for another process, which finds the key in its own environment.
    pub fn describe(&self, case: Case) -> Value {
        let mut options = self.0.options.clone();
        options.base_url = options.base_url.map(without_user);
        let mut map = options.write(case);
        if let Some(map) = map.as_object_mut() {
            map.retain(|name, value| !value.is_null() && !secrets::is_option(name));
        }
        map
    }

    /// Draws a picture from a prompt: words, or words and pictures in turn.
    ///
    /// # Errors
    /// Every kind; a call without a picture is an error too. See [`Kind`].
    pub async fn generate(
        &self,
        prompt: impl IntoInputs,
        options: GenerateOptions,
    ) -> Result<Generation, Error> {
        self.draw(unmasked(prompt.into_inputs())?, options).await
    }

    /// Draws a picture from others, as the prompt says. With an [`Input::mask`] among them only that part of
    /// the first one changes.
    ///
    /// # Errors
    /// As [`Client::generate`].
    pub async fn edit(
        &self,
        prompt: impl IntoInputs,
        images: impl IntoInputs,
        options: GenerateOptions,
    ) -> Result<Generation, Error> {
        self.draw(joined(prompt.into_inputs(), images.into_inputs())?, options).await
    }

    /// Draws a picture and hands out what arrives on the way: thoughts, text, pictures. Nothing is
    /// sent before the first event is asked for.
    pub fn generate_stream(&self, prompt: impl IntoInputs, options: GenerateOptions) -> EventStream {
        self.stream(unmasked(prompt.into_inputs()), options)
    }

    /// As [`Client::edit`], and hands out what arrives on the way.
    pub fn edit_stream(
        &self,
        prompt: impl IntoInputs,
        images: impl IntoInputs,
        options: GenerateOptions,
    ) -> EventStream {
        self.stream(joined(prompt.into_inputs(), images.into_inputs()), options)
    }

    /// The models that the catalogue knows; one that is named by a URL is fetched by [`Client::ready`] first.
    pub fn models(&self) -> Vec<ModelInfo> {
        self.catalogue().list()
    }

    /// What a call with this prompt, its pictures among it, and these options will cost: a range, with
    /// what it assumes. No picture is read or fetched, and nothing is sent.
    ///
    /// # Errors
    /// Those of [`Client::generate`] that come before pictures are looked at.
    pub fn estimate(&self, prompt: impl IntoInputs, options: GenerateOptions) -> Result<Estimate, Error> {
        self.estimated(&prompt.into_inputs(), options)
    }

    /// How many tokens a call with this prompt, its pictures among it, and these options would send, as the
    /// service counts them. That is free, and does not wait for the turn of those that are not.
    ///
    /// # Errors
    /// As [`Client::generate`].
    pub async fn count_tokens(
        &self,
        prompt: impl IntoInputs,
        options: GenerateOptions,
    ) -> Result<TokenCount, Error> {
        self.counted(prompt.into_inputs(), options).await
    }

    /// What becomes of the pictures of a call with these options before they are sent, and why: the plan by which
    /// the call itself works. Files are read, `http(s)` URLs fetched and pictures encoded as the call would do
    /// it; nothing is sent to the service.
    ///
    /// # Errors
    /// Those of [`Client::edit`] that come before anything is sent.
    pub async fn explain(
        &self,
        prompt: impl IntoInputs,
        images: impl IntoInputs,
        options: GenerateOptions,
    ) -> Result<Explained, Error> {
        let mut inputs = prompt.into_inputs();
        inputs.extend(images.into_inputs());
        self.explained(inputs, options).await
    }

    #[doc(hidden)]
    pub async fn explained(&self, inputs: Vec<Input>, options: GenerateOptions) -> Result<Explained, Error> {
        self.alive(async { Ok(self.plan(inputs, options).await?.explained()) }).await
    }

    /// The files that were uploaded.
    pub fn files(&self) -> Files {
        Files::of(self.clone())
    }

    /// What this client and its copies have spent in this process.
    pub fn spent(&self) -> Spent {
        self.0.common.ledger.spent()
    }

    /// Ends the calls that are under way, with a [`Kind::APIConnectionError`], and the emulator of an
    /// offline client; every later call is a [`Kind::ConfigError`].
    pub fn close(&self) {
        self.0.life.closed.store(true, Ordering::Release);
        self.0.life.closing().notify_waiters();
        #[cfg(feature = "emulator")]
        if let Some(emulator) = &self.0.emulator {
            emulator.close();
        }
    }

    pub(crate) fn has_cache(&self) -> bool {
        self.0.common.cache.is_some()
    }

    /// False if the option `local_files` forbids to open files that inputs name.
    fn reads_files(&self) -> bool {
        self.0.options.local_files.unwrap_or(true)
    }

    fn catalogue(&self) -> &Catalogue {
        self.0.catalogue.now()
    }

    /// Does the work of a call, unless the client is closed before it is done.
    pub(crate) async fn alive<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let life = &self.0.life;
        let closing = life.closing();
        let mut closed = pin!(closing.notified());
        // From here on a `close` is not missed.
        closed.as_mut().enable();
        if life.closed.load(Ordering::Acquire) {
            return Err(Error::new(Kind::ConfigError, "this client is closed; make a new one"));
        }
        tokio::select! {
            biased;
            () = closed => Err(Error::new(
                Kind::APIConnectionError,
                "the client was closed while the call was under way; whether the service goes on, and bills, is not known",
            )
            .with_billed(Billed::Unknown)),
            outcome = work => outcome,
        }
    }

    pub(crate) async fn draw(
        &self,
        inputs: Vec<Input>,
        options: GenerateOptions,
    ) -> Result<Generation, Error> {
        self.alive(Box::pin(async {
            self.plan(inputs, options).await?.draw(None, "", None, BTreeMap::new()).await
        }))
        .await
    }

    /// As [`Client::draw`]. `landed` gets the result of each of the call's requests as soon as it is ready, also if the
    /// call was dropped meanwhile.
    #[doc(hidden)]
    pub async fn draw_and_see(
        &self,
        inputs: Vec<Input>,
        options: GenerateOptions,
        landed: impl Fn(&Generation) + Send + Sync + 'static,
    ) -> Result<Generation, Error> {
        let landed: Arc<Landed> = Arc::new(move |_, result| {
            landed(result);
            Box::pin(std::future::ready(()))
        });
        self.alive(async {
            self.plan(inputs, options).await?.draw(None, "", Some(landed), BTreeMap::new()).await
        })
        .await
    }

    pub(crate) async fn counted(
        &self,
        inputs: Vec<Input>,
        options: GenerateOptions,
    ) -> Result<TokenCount, Error> {
        self.alive(async { self.plan(inputs, options).await?.count().await }).await
    }

    #[doc(hidden)]
    pub fn stream(&self, inputs: Result<Vec<Input>, Error>, options: GenerateOptions) -> EventStream {
        let client = self.clone();
        EventStream::new(|sink| async move {
            let work = async { client.plan(inputs?, alone(options)?).await?.stream(&sink).await };
            client.alive(Box::pin(work)).await
        })
    }

    pub(crate) fn estimated(&self, inputs: &[Input], options: GenerateOptions) -> Result<Estimate, Error> {
        let (resolved, options, notes) = self.checked(inputs, options)?;
        let warnings = resolved.warnings.iter().cloned().chain(notes).collect();
        let (letters, pictures) = (input::letters(inputs), input::pictures_sent(inputs));
        let mut estimate = self.catalogue().estimate(&resolved, letters, pictures, &options);
        estimate.not_included.extend(input::uncounted(inputs));
        estimate.warnings = warnings;
        Ok(estimate)
    }

    /// Resolves the model, and checks the options against it. The last value is warnings about the options.
    fn checked(
        &self,
        inputs: &[Input],
        options: GenerateOptions,
    ) -> Result<(Resolved<'_>, GenerateOptions, Vec<Message>), Error> {
        let inner = &*self.0;
        options.check()?;
        Output::of(&options)?;
        masked::check(inputs, &options)?;
        input::check_words(inputs)?;
        let said_something = |input: &Input| !matches!(input, Input::Text(text) if text.trim().is_empty());
        if !inputs.iter().any(said_something) {
            return Err(Error::invalid_option(
                "the prompt is empty; say what to draw",
                InvalidOption::of("prompt"),
            ));
        }
        let catalogue = self.catalogue();
        let name = options.model.as_ref().or(inner.options.model.as_ref());
        let resolved = catalogue.resolve(name.map_or(catalogue.default.as_str(), Model::as_str));
        let checked = catalogue.check(&resolved, &options, input::pictures_sent(inputs))?;
        let mut notes = checked.warnings;
        notes.extend(catalogue.references(&resolved, &input::roles(inputs)));
        Ok((resolved, checked.options, notes))
    }

    /// The connections, created on a thread that may block: certificates are read from files.
    async fn transport(&self) -> Result<Arc<Transport>, Error> {
        if let Some(transport) = self.0.transport.made() {
            return Ok(transport);
        }
        let (transport, settings) = (self.0.transport.clone(), self.0.settings.clone());
        blocking::disk(move || transport.get_or_try(|| Transport::new(settings))).await?
    }

    /// All that comes before the first request: options held against the model, pictures found.
    pub(crate) async fn plan(&self, inputs: Vec<Input>, options: GenerateOptions) -> Result<Plan, Error> {
        self.plan_of(inputs, options, self.has_cache()).await
    }

    /// As [`Client::plan`]; with `is_identified` the plan has the call's identity.
    pub(crate) async fn plan_of(
        &self,
        inputs: Vec<Input>,
        options: GenerateOptions,
        is_identified: bool,
    ) -> Result<Plan, Error> {
        let inner = &*self.0;
        let set = options.clone();
        let call = next_call();
        self.ready_for(&options, call).await?;
        let (resolved, options, notes) = self.checked(&inputs, options)?;
        self.warn_of_age(call, &resolved.id);
        let (total, idle) = self.times(&options);
        let transport = self.transport().await?;
        let fetcher = self.fetcher(&transport, &options, call, &resolved.id);
        let (prepared, masked) = self.prepare(inputs, &fetcher, total, &options, is_identified).await?;
        let identity = is_identified.then(|| {
            let (masks, told) = match &masked {
                Some(masked) => (masked.given(), Some(masked.told())),
                None => (&[][..], None),
            };
            let model = set.model.as_ref().or(inner.options.model.as_ref());
            Identity::new(&prepared.given, masks, told, &set, model)
        });
        let videos = prepared.parts.iter().filter(|part| part.media() == Some(Media::Video)).count();
        self.catalogue().check_videos(&resolved, videos)?;
        Ok(Plan {
            client: self.clone(),
            call,
            transport,
            parts: prepared.parts,
            inputs: prepared.plans,
            identity,
            masked,
            output: Arc::new(Output::of(&options)?),
            options,
            said: Said { model: resolved.warnings.clone(), options: notes, pictures: prepared.warnings },
            advice: self.catalogue().advice(&resolved.id),
            model: resolved.model.cloned(),
            id: resolved.id,
            policy: fetcher.policy,
            total,
            idle,
            uploads: OnceLock::new(),
        })
    }

    /// Finds and reads all that a call takes; what a mask is sent as stands behind it.
    async fn prepare(
        &self,
        inputs: Vec<Input>,
        fetcher: &Fetcher,
        limit: Duration,
        options: &GenerateOptions,
        contents: bool,
    ) -> Result<(Prepared, Option<Arc<Masked>>), Error> {
        let fetch = |url: Url| Box::pin(fetcher.fetch(url)) as Pin<Box<dyn Future<Output = _> + Send>>;
        let base = fetcher.transport.address(&self.0.version)?;
        let reach = Reach { base: &base, fetch: &fetch, local_files: self.reads_files() };
        let (inputs, masks) = masked::apart(inputs);
        let preparing = async {
            let wanted = Wanted { first: !masks.is_empty(), contents };
            let mut prepared = input::prepare(inputs, &reach, options.encode.as_ref(), wanted).await?;
            let masked = match masks {
                masks if masks.is_empty() => None,
                masks => {
                    let (masked, shown) = Masked::new(masks, prepared.first.take(), &reach).await?;
                    prepared.parts.extend(shown);
                    prepared.warnings.extend(masked.losses());
                    Some(Arc::new(masked.marking(options.mark_ai.unwrap_or(true))))
                }
            };
            Ok((prepared, masked))
        };
        tokio::time::timeout(limit, preparing).await.unwrap_or_else(|_| Err(not_ready(limit)))
    }

    /// Pictures and words for the history of a conversation with these options, and what was lost on the way.
    pub(crate) async fn parts(
        &self,
        inputs: Vec<Input>,
        options: &GenerateOptions,
    ) -> Result<(Vec<Part>, Vec<Message>), Error> {
        let transport = self.transport().await?;
        let (total, _) = self.times(options);
        let model = options.model.as_ref().or(self.0.options.model.as_ref());
        let fetcher = self.fetcher(&transport, options, next_call(), model.map_or("", Model::as_str));
        let (prepared, _) = self.prepare(inputs, &fetcher, total, options, false).await?;
        Ok((prepared.parts, prepared.warnings))
    }

    /// Reads the bytes of all pictures into memory, within the timeout of a call with these options.
    pub(crate) async fn in_memory(
        &self,
        parts: Vec<Part>,
        options: &GenerateOptions,
    ) -> Result<Vec<Part>, Error> {
        let (total, _) = self.times(options);
        tokio::time::timeout(total, input::in_memory(parts)).await.unwrap_or_else(|_| Err(not_ready(total)))
    }

    /// How long a call with these options may take, and a silence in it.
    fn times(&self, options: &GenerateOptions) -> (Duration, Option<Duration>) {
        let timeout = Read::layered(options.timeout.clone(), self.0.options.timeout.clone());
        let timeout: Timeout = timeout.unwrap_or_default();
        (timeout.total.map_or(TOTAL, |total| total.duration()), timeout.idle.map(|idle| idle.duration()))
    }
}

impl Inner {
    /// Shares what may be shared with the client that this one is a copy of.
    fn share(&mut self, original: &Inner) {
        if self.settings == original.settings {
            // Another key or model needs no connections of its own.
            self.transport = original.transport.clone();
        }
        let (own, other) = (&self.options, &original.options);
        if own.catalogue == other.catalogue {
            self.catalogue = original.catalogue.clone();
        }
        if (own.max_concurrency, own.rate) == (other.max_concurrency, other.rate)
            && self.base == original.base
        {
            self.common.traffic = original.common.traffic.clone();
        }
        // What is there is known by its key and address.
        self.common.files = original.common.files.clone();
        if own.budget == other.budget {
            self.common.ledger = original.common.ledger.clone();
        }
        if own.cache == other.cache {
            self.common.cache = original.common.cache.clone();
        }
    }

    /// What tells one service from another in a cache: emulators draw alike on every port.
    fn scope(&self) -> String {
        #[cfg(feature = "emulator")]
        if self.emulator.is_some() {
            return "offline".to_owned();
        }
        format!("{}\n{}", self.base, self.version)
    }
}

fn not_ready(limit: Duration) -> Error {
    let limit = limit.as_secs_f64();
    let problem = message!(
        "the pictures were not ready to be sent within {limit} s; give a longer {}",
        option("timeout")
    );
    Error::new(Kind::ImageError, problem)
}

/// The same inputs, if there is no mask among them.
pub(crate) fn unmasked(inputs: Vec<Input>) -> Result<Vec<Input>, Error> {
    input::check_unmasked(&inputs)?;
    Ok(inputs)
}

pub(crate) fn joined(mut prompt: Vec<Input>, images: Vec<Input>) -> Result<Vec<Input>, Error> {
    if input::pictures(&prompt) + input::pictures(&images) == 0 {
        return Err(Error::new(
            Kind::ImageError,
            "an edit needs a picture; to draw from words alone use generate",
        ));
    }
    prompt.extend(images);
    Ok(prompt)
}

/// What a prompt, or a list of pictures, can be written as in Rust.
pub trait IntoInputs {
    /// The pieces in order.
    fn into_inputs(self) -> Vec<Input>;
}

impl<T: Into<Input>> IntoInputs for T {
    fn into_inputs(self) -> Vec<Input> {
        vec![self.into()]
    }
}

impl<T: Into<Input>> IntoInputs for Vec<T> {
    fn into_inputs(self) -> Vec<Input> {
        self.into_iter().map(Into::into).collect()
    }
}

impl<T: Into<Input>, const N: usize> IntoInputs for [T; N] {
    fn into_inputs(self) -> Vec<Input> {
        self.into_iter().map(Into::into).collect()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Client({})", self.0.base.origin().ascii_serialization())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::options::Budget;

    fn client(options: ClientOptions) -> Client {
        Client::new(options.api_key("test-key-0123")).unwrap()
    }

    fn shares(one: &Client, other: &Client) -> bool {
        Arc::ptr_eq(&one.0.common.ledger, &other.0.common.ledger)
    }

    #[test]
    fn copies_spend_from_the_same_purse_unless_they_get_their_own() {
        let client = client(ClientOptions::new().budget(5.0));
        let copy = |options: ClientOptions| client.with_options(options).unwrap();
        assert!(shares(&client, &client.clone()));
        assert!(shares(&client, &copy(ClientOptions::new().api_key("of-this-call").model("nano-banana"))));
        assert!(shares(&client, &copy(ClientOptions::new().budget(Budget::new().usd(5.0)))));
        // Other connections are no other purse.
        assert!(shares(&client, &copy(ClientOptions::new().base_url("http://127.0.0.1:9"))));

        let other = copy(ClientOptions::new().budget(7.0));
        assert!(!shares(&client, &other));
        assert_eq!(other.spent().remaining_usd, Some(7.0));
        // What is not said of a budget stays.
        let other = copy(ClientOptions::new().budget(Budget::new().per_call(0.1)));
        assert!(!shares(&client, &other));
        assert_eq!(other.spent().remaining_usd, Some(5.0));
        assert!(client.with_options(ClientOptions::new().budget(-1.0)).is_err());
    }
}
