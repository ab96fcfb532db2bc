//! The Gemini image API on loopback: a real HTTP server that draws real pictures.
//!
//! It refuses what the service refuses, in the service's words, and answers in the service's form:
//! `generateContent`, `streamGenerateContent`, `countTokens`, the list of models and one model, the Files
//! API, batches, the Interactions API, and the three methods of models on the paths of Vertex AI. Every key
//! is good but for `bad`. It shares no code with the client's way of writing requests and reading replies.
//!
//! A picture has the exact pixels that ratio and size ask for, shows the pictures of the call, and
//! says below its prompt that it was drawn offline. Simple words of the prompt choose what is drawn, where,
//! at which hour and in which manner (`docs/emulator.md` lists them). The same prompt, model, size, pictures
//! and seed draw the same bytes; without a seed each call draws another. The embedded font has Latin, Greek
//! and Cyrillic letters; a letter of another script is drawn as a box that holds its code point.
//!
//! # TLS and HTTP/2
//!
//! With [`EmulatorOptions::tls`] it speaks HTTP/2 to those who offer it and HTTP/1.1 to the others, as the
//! service does. Its certificate, for `localhost`, `127.0.0.1` and `::1`, is given by an authority that is
//! made at the start and lives only as long: a client trusts it by [`Emulator::ca_bundle`]. Without TLS it
//! speaks HTTP/1.1, and HTTP/2 to a client that begins with it unasked. One connection carries up to 250
//! requests at once.
//!
//! # Streams and conversations
//!
//! A stream's events leave when they are made: thoughts in words, two interim pictures (a rough one, then
//! the final one reduced to a quarter), words in two or three pieces, the picture, the end with a part without
//! words (but with a signature), grounding and its reason. Counts stand in every event, as far as they have come.
//! The one reply of `generateContent` has the same parts but that last one, texts side by side made one. Thoughts
//! come if they are asked for, grounding if a search is on, signatures from the models that have them.
//!
//! Such a model wants the first part of each of its turns and all its pictures back with their signatures.
//! A signature is bound to its part's bytes, or to the words as they were sent or how they began: what a stream cut
//! in pieces may come back as one. One emulator's signature is good for another. Thoughts that come back are not
//! read. The next picture shows the model's latest one and has its shape.
//!
//! # Files
//!
//! Uploads are resumable, in chunks of multiples of 256 KiB; pictures are ACTIVE at once, videos after a
//! moment (`video/mp4` that is none is FAILED). A part that names an uploaded file is as good as its bytes; a
//! file that is not there, or not any more, is a 403 as with the service. All files take at most 1 GiB, and
//! live 48 hours, unless [`EmulatorOptions::file_life`] says another time.
//!
//! # Batches
//!
//! `batchGenerateContent` takes requests, or the name of an uploaded file with one on each line. A batch is
//! PENDING, then RUNNING, then SUCCEEDED, with an error in place of an answer for each request that is
//! refused; a file that is no list of requests is FAILED. It takes [`EmulatorOptions::batch_processing`] at
//! least, can be cancelled before its end, and is EXPIRED if it has none within [`EmulatorOptions::batch_life`]. A
//! script answers its requests like calls of their own, but for what concerns the line; one that hangs lets the batch
//! run on. Answers come within the batch, or as a file that can be
//! downloaded. At most 100 batches are under way, and all of them hold 256 MiB besides their files; those
//! that ended first are forgotten first.
//!
//! # Interactions
//!
//! `interactions` takes words, contents or steps, and answers in steps: a thought with its signature, a
//! search, words and pictures. It draws as `generateContent` does. An interaction that is kept can be got,
//! streamed again from any of its events, gone on from (at most ten are looked back on), and deleted; one in
//! the background takes [`EmulatorOptions::batch_processing`] at least and can be cancelled. Steps that are
//! sent back bring the signatures of their thoughts. Agents, environments and webhooks are refused. All
//! interactions take at most 256 MiB.
//!
//! # Vertex AI
//!
//! With a project and a location, or without both, and with a token or a key: no credentials, or the token
//! `bad`, is a 401. Models since the third are at the location `global` alone. Fields of the one service are
//! unknown to the other; `imageOutputOptions` says what a picture is written as. There are no files of the
//! Gemini API, `gs://` stands for a picture that nobody sees, and a missing signature is let pass.
//!
//! # Masks
//!
//! A request whose words say that its last picture is a mask for the first one is answered as models do it:
//! what the mask shows white is drawn anew, and the rest comes back moved by a few pixels, up to 1 % larger
//! or smaller, slightly recoloured, in the answer's own size and with the marks of JPEG. `drift` in a script
//! says how much.
//!
//! # Limits
//!
//! [`EmulatorOptions::rpm`], `ipm` and `rpd` are real counters for each model: beyond them it answers 429 with
//! the quota's name and, as `RetryInfo`, the time until there is room. What a script answers does not count, nor do
//! the requests of a batch: the service has limits of their own for these, which are not played.
//!
//! # Conflicting sources
//!
//! Where sources say different things it follows the better founded one. [`EmulatorOptions::readings`] chooses the
//! others, each by its name; [`Reading`](nanobanana_base::options::Reading) lists them, and `docs/facts.md` says of every field who says
//! so.
//!
//! # Recorded calls
//!
//! With [`EmulatorOptions::cassette`] it does not draw: it answers with calls of the real service that were recorded
//! into that folder (`cassette.json`, and the pictures beside it, no keys). With an
//! [`EmulatorOptions::upstream`] calls that are not in it are passed on there, and kept. A request finds
//! its recording by what it means (method, path, query, JSON in whatever order); if there is none, the refusal
//! (404) says how the nearest one differs. A script's steps go before both.
//!
//! What was paid for is kept: a stream is read to its end even if its client has left. One that the service broke off, or
//! that was under way when the emulator ended, is kept with that mark (`"broken": true`) and breaks again at the same
//! place. While calls can be passed on, it does not stand for a whole one: the request is passed on once more, and
//! the whole answer of a later run takes its place. [`Emulator::record`] begins and stops all this in an emulator
//! that runs.
//!
//! # The page and the controls
//!
//! At `/` stands a page with the calls as they come, their JSON and pictures, the faults of a script to set, and a prompt to
//! try. It steers the emulator over plain HTTP below `/__emulator/`, as any program may: `requests`, `script`, `limits`,
//! `readings`, `record`, `reset`. It listens on this machine alone unless [`EmulatorOptions::host`] says otherwise, answers only to names that
//! no web site can have, and lets pages of other origins neither steer it nor, unless this machine serves them,
//! read its answers.
//!
#![doc = include_str!("steps.md")]

mod answer;
mod batch;
mod canvas;
mod cassette;
mod check;
mod control;
mod dialect;
mod draw;
mod drift;
mod endpoints;
mod fields;
mod files;
mod guard;
mod interactions;
mod keys;
mod line;
mod log;
mod models;
mod outline;
mod prose;
mod proto;
mod quota;
mod reel;
mod route;
mod rules;
mod script;
mod server;
mod sign;
mod steps;
mod tape;
mod text;
mod tls;
mod turns;
mod upload;
mod upstream;
mod watch;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::oneshot;

use batch::Times;
use files::Library;
use guard::Hosts;
use log::State;
use nanobanana_base::error::{Error, InvalidOption, Kind};
use nanobanana_base::options::{EmulatorOptions, RecordOptions};
use quota::Limits;
use rules::Live;
#[doc(hidden)]
pub use steps::About;
use tape::Deck;
use tls::{Bundle, Tls};

/// How many requests are remembered unless it is said.
const KEPT: u32 = 1000;

/// How long an uploaded file lives unless it is said: as the service's do.
const FILE_LIFE: Duration = Duration::from_secs(48 * 3600);

/// How long a video is looked at unless it is said.
const FILE_PROCESSING: Duration = Duration::from_millis(200);

/// How long a batch takes at least unless it is said.
const BATCH_PROCESSING: Duration = Duration::from_millis(200);

/// How long a batch may take unless it is said: as the service's may.
const BATCH_LIFE: Duration = Duration::from_secs(48 * 3600);

/// How long a minute of the limits is unless it is said.
const MINUTE: Duration = Duration::from_secs(60);

/// The address that an option names.
fn address(host: &str) -> Result<IpAddr, Error> {
    if host == "localhost" {
        return Ok(Ipv4Addr::LOCALHOST.into());
    }
    host.trim_start_matches('[').trim_end_matches(']').parse().map_err(|_| {
        let problem = format!(
            "option `host` is {host:?}; it takes an address such as 127.0.0.1, ::1 or 0.0.0.0 (every address of this machine)"
        );
        Error::invalid_option(problem, InvalidOption::of("host"))
    })
}

/// A running emulator. It stops when the last clone is dropped, or at [`Emulator::close`].
#[derive(Clone)]
pub struct Emulator(Arc<Running>);

struct Running {
    at: SocketAddr,
    /// The address that it listens at.
    host: IpAddr,
    state: Arc<State>,
    /// The authority's certificate, with TLS.
    bundle: Option<Bundle>,
    server: Mutex<Option<(oneshot::Sender<()>, JoinHandle<()>)>>,
    /// A forked child has no such thread to wait for.
    process: u32,
}

impl Emulator {
    /// Starts one on 127.0.0.1; port 0 takes a free one. It has a thread and a runtime of its own
    /// and can be asked as soon as this returns.
    ///
    /// # Errors
    /// [`Kind::ConfigError`] if the port is taken or not allowed.
    pub fn start(port: u16) -> Result<Self, Error> {
        Self::start_with(EmulatorOptions::new().port(port))
    }

    /// Starts one as [`Emulator::start`] does, with TLS or a memory of another size.
    ///
    /// # Errors
    /// [`Kind::ConfigError`] if the port is taken or not allowed, or the certificate cannot be written into
    /// the folder of temporary files; [`Kind::InvalidOptionError`] for an option out of range.
    pub fn start_with(options: EmulatorOptions) -> Result<Self, Error> {
        options.check()?;
        let port = options.port.unwrap_or(0);
        let host = options.host.as_deref().map_or(Ok(IpAddr::from(Ipv4Addr::LOCALHOST)), address)?;
        let failed = |cause: std::io::Error| {
            let problem = format!(
                "the emulator cannot listen on {}: {cause}; choose another port, or 0 for any free one",
                SocketAddr::from((host, port))
            );
            Error::new(Kind::ConfigError, problem).because(cause)
        };
        let listener = TcpListener::bind((host, port)).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        // Who asks by an address that means all of them would be sent elsewhere.
        let reached = match host {
            IpAddr::V4(host) if host.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(host) if host.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            host => host,
        };
        let at = SocketAddr::from((reached, port));
        let artists = std::thread::available_parallelism().map_or(2, |cores| cores.get().max(2));
        nanobanana_base::workers::try_out(1).map_err(failed)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .thread_name("nanobanana-artist")
            .max_blocking_threads(artists)
            .build()
            .map_err(failed)?;
        let scheme = if options.tls.unwrap_or(false) { "https" } else { "http" };
        let files = Library::new(
            format!("{scheme}://{at}"),
            options.file_life.map_or(FILE_LIFE, |life| life.duration()),
            options.file_processing.map_or(FILE_PROCESSING, |time| time.duration()),
            Live::new(options.readings.unwrap_or_default()),
        );
        let hosts = if host.is_loopback() { Hosts::Sure } else { Hosts::Any };
        let limits = Limits {
            rpm: options.rpm,
            ipm: options.ipm,
            rpd: options.rpd,
            minute: options.minute.map_or(MINUTE, |minute| minute.duration()),
        };
        let deck = Deck::of(&options)?;
        let times = Times {
            least: options.batch_processing.map_or(BATCH_PROCESSING, |time| time.duration()),
            most: options.batch_life.map_or(BATCH_LIFE, |life| life.duration()),
        };
        let keep = options.keep.unwrap_or(KEPT) as usize;
        let state = Arc::new(State::new(keep, files, times, hosts, limits, deck));
        let tls = options.tls.unwrap_or(false).then(Tls::new).transpose().map_err(|cause| {
            let problem = format!("the emulator cannot set up TLS: {cause}");
            Error::new(Kind::ConfigError, problem).because(cause)
        })?;
        let (acceptor, bundle) = tls.map(|tls| (tls.acceptor, tls.bundle)).unzip();
        let (stop, stopped) = oneshot::channel();
        let serving = state.clone();
        let thread = std::thread::Builder::new().name("nanobanana-emulator".into()).spawn(move || {
            runtime.block_on(async {
                // The sender is gone when the emulator is.
                let serve = async {
                    match tokio::net::TcpListener::from_std(listener) {
                        Ok(listener) => match server::serve(listener, acceptor, serving).await {},
                        Err(_) => std::future::pending().await,
                    }
                };
                tokio::select! {
                    _ = stopped => {}
                    () = serve => {}
                }
            });
            // A picture that is being drawn is not waited for; open connections are closed.
            runtime.shutdown_background();
        });
        let thread = thread.map_err(|cause| {
            if let Some(bundle) = &bundle {
                bundle.remove();
            }
            failed(cause)
        })?;
        let server = Mutex::new(Some((stop, thread)));
        Ok(Emulator(Arc::new(Running { at, host, state, bundle, server, process: std::process::id() })))
    }

    /// Its base URL: `http://127.0.0.1:PORT`, or `https://127.0.0.1:PORT`. A page there shows its calls.
    pub fn url(&self) -> String {
        let scheme = if self.0.bundle.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.0.at)
    }

    /// Who can reach it beside this machine; none if nobody else can.
    pub fn reach(&self) -> Option<String> {
        let host = self.0.host;
        let port = self.0.at.port();
        let whom = match host.is_unspecified() {
            true => format!("port {port} at every address of this machine"),
            false => format!("{}", SocketAddr::from((host, port))),
        };
        (!host.is_loopback()).then(|| {
            format!(
                "it listens at {host}: whoever reaches {whom} can ask it, see its calls with their prompts and pictures, \
                 and set its faults. Without `host`, only this machine reaches it"
            )
        })
    }

    /// With TLS, a PEM file of the authority that vouches for this emulator: what a client takes as
    /// `ca_bundle`. It stands in a folder that only its owner reads, and is gone with the emulator.
    pub fn ca_bundle(&self) -> Option<&Path> {
        self.0.bundle.as_ref().map(Bundle::path)
    }

    /// The last requests in order of their coming, 1000 unless [`EmulatorOptions::keep`] says another
    /// number, and at most 256 MB of them: `[{at, method, path, http_version, query, headers, json, size, status,
    /// took, cancelled}]`.
    ///
    /// `at` is when the request's head came, in seconds since the emulator's start; `http_version` is
    /// `"1.0"`, `"1.1"` or `"2"`;
    /// `query` and `headers` are maps, keys left out or shown as `…`; in `json` (null if it was not
    /// JSON) a picture of more than a few bytes stands as `{"$bytes": N}`, and a chunk of an upload as
    /// `{"$bytes": N, "$sha256": "…"}`; `size` is the length of
    /// the body; `status` is that of the answer, and `took` the seconds until its last byte, both null before;
    /// `cancelled` says that the client went away, or with HTTP/2 reset the stream, before it
    /// had its answer.
    pub fn requests(&self) -> Vec<Value> {
        self.0.state.requests()
    }

    /// How many requests are under way: come, and not yet answered to the last byte.
    pub fn active(&self) -> usize {
        self.0.state.active()
    }

    /// Sets the next replies in place of those set before; see the [module](self) for a step's names.
    ///
    /// # Errors
    /// [`Kind::InvalidOptionError`] that names the step and the field.
    pub fn script(&self, steps: &[Value]) -> Result<(), Error> {
        let steps = script::read(steps)?;
        self.0.state.script().replace(steps).map_err(|problem| {
            let option = "script".to_owned();
            Error::invalid_option(format!("`script`: {problem}"), InvalidOption::of(option))
        })
    }

    /// Begins or stops to answer with recorded calls, and to record them: as the options `cassette`, `upstream` and
    /// `record` do at its start. What is not set stays as it is, and if nothing is set it draws again. Calls under way
    /// end as they began; of those to come the first recorded one comes first.
    ///
    /// # Errors
    /// [`Kind::InvalidOptionError`] for options that do not go together, [`Kind::ConfigError`] if the cassette
    /// cannot be read. It goes on as before then.
    pub fn record(&self, options: RecordOptions) -> Result<(), Error> {
        self.0.state.deck.set(options)
    }

    /// What a step of a script may hold: name, part, types in Python and TypeScript, meaning.
    #[doc(hidden)]
    pub fn steps() -> Vec<(&'static str, About, &'static str, &'static str, String)> {
        steps::told()
    }

    /// The fields of the `match` of a step: name, types in Python and TypeScript, meaning.
    #[doc(hidden)]
    pub fn matched() -> Vec<(&'static str, String, String, &'static str)> {
        steps::matched()
    }

    /// Every field that it reads, by the call that reads it: what the test of the facts holds its rows against.
    #[doc(hidden)]
    pub fn grammar() -> Value {
        let talks: Vec<Value> = dialect::GRAMMAR.into_iter().flat_map(fields::places).collect();
        json!({
            "generateContent": fields::places(&fields::REQUEST),
            "countTokens": fields::places(&fields::COUNT),
            "files": fields::places(&fields::FILE),
            "batches": fields::places(&fields::BATCH),
            "interactions": talks,
        })
    }

    /// Stops it: open connections are closed, the port is free again. What it was asked stays known.
    pub fn close(&self) {
        self.0.close();
    }
}

impl Running {
    fn close(&self) {
        let server = self.server.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some((stop, thread)) = server else { return };
        if std::process::id() != self.process {
            return;
        }
        self.state.batches.close();
        self.state.talks.close();
        // Both fail only if the thread has ended already.
        let _ = stop.send(());
        let _ = thread.join();
        if let Some(bundle) = &self.bundle {
            bundle.remove();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for Emulator {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Emulator({})", self.url())
    }
}
