//! Examines the way to the service, step by step, without any request that is billed: what the command `doctor` prints.
//!
//! Every step has a deadline. The list of checks is always the same; what could not be examined is skipped, and says why.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use url::{Host, Url};

use super::{Client, GOOGLE, service, settings, variable};
use crate::blocking;
use crate::catalogue::{Catalogue, day_of, days};
use crate::client::wire::Answered;
use crate::error::{Error, Kind};
use crate::http::key::Key;
use crate::http::transport::Settings;
use crate::http::transport::way::{self, Lasting, Proxy};
use crate::message::counted;
use crate::options::{ClientOptions, Secret, Timeout};
use crate::schema::{Case, Seconds};
use crate::secrets::Secrets;
use crate::service::gemini::reply;

mod models;

use models::{Listed, catalogue, further, list, models, names};

/// The largest difference of clocks that does no harm.
const TOLERANCE: Duration = Duration::from_secs(120);

/// Exit codes of checks that fail without an [`Error`].
const NO_KEY: Kind = Kind::ConfigError;
const NO_WAY: Kind = Kind::APIConnectionError;

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Ok,
    Warning,
    Failed,
    Skipped,
}

impl State {
    pub fn as_str(self) -> &'static str {
        match self {
            State::Ok => "ok",
            State::Warning => "warning",
            State::Failed => "failed",
            State::Skipped => "skipped",
        }
    }
}

/// A check that was done, or skipped.
#[derive(Debug, Clone)]
pub struct Check {
    pub name: &'static str,
    pub state: State,
    pub what: String,
    pub advice: Option<String>,
    /// The exit code of a failed check.
    code: u8,
}

impl Check {
    fn new(name: &'static str, state: State, what: impl Into<String>) -> Self {
        Check { name, state, what: what.into(), advice: None, code: 0 }
    }

    fn ok(name: &'static str, what: impl Into<String>) -> Self {
        Check::new(name, State::Ok, what)
    }

    fn skipped(name: &'static str, what: impl Into<String>) -> Self {
        Check::new(name, State::Skipped, what)
    }

    fn warning(name: &'static str, what: impl Into<String>, advice: impl Into<String>) -> Self {
        Check { advice: Some(advice.into()), ..Check::new(name, State::Warning, what) }
    }

    fn failed(name: &'static str, kind: Kind, what: impl Into<String>, advice: impl Into<String>) -> Self {
        let code = kind.exit_code();
        Check { advice: Some(advice.into()), code, ..Check::new(name, State::Failed, what) }
    }

    /// An error of this library, whose message says what to do.
    fn error(name: &'static str, error: &Error) -> Self {
        let code = error.kind().exit_code();
        Check { code, ..Check::new(name, State::Failed, error.words().render(Case::Shell)) }
    }

    pub fn json(&self) -> Value {
        json!({ "name": self.name, "state": self.state.as_str(), "what": self.what, "advice": self.advice })
    }
}

/// All checks.
pub struct Report {
    pub checks: Vec<Check>,
}

impl Report {
    /// The number of checks with this state.
    pub fn count(&self, state: State) -> usize {
        self.checks.iter().filter(|check| check.state == state).count()
    }

    /// The exit code of the first check that failed; 0 if none did.
    pub fn code(&self) -> u8 {
        self.checks.iter().find(|check| check.state == State::Failed).map_or(0, |check| check.code)
    }
}

/// The checks so far. Each is handed out as soon as it is done.
struct Log<F> {
    checks: Vec<Check>,
    tell: F,
}

impl<F: FnMut(&Check)> Log<F> {
    fn add(&mut self, check: Check) {
        (self.tell)(&check);
        self.checks.push(check);
    }

    /// Skips these checks.
    fn skip(&mut self, names: &[&'static str], why: &str) {
        names.iter().for_each(|name| self.add(Check::skipped(name, why)));
    }
}

/// Examines the way that a client with these options has to the service. `limit` is the deadline of each step.
pub async fn examine(
    options: ClientOptions,
    is_offline: bool,
    limit: Duration,
    tell: impl FnMut(&Check) + Send,
) -> Report {
    let mut log = Log { checks: Vec::new(), tell };
    let (system, machine) = (std::env::consts::OS, std::env::consts::ARCH);
    log.add(Check::ok("version", format!("nanobanana {} on {system}, {machine}", env!("CARGO_PKG_VERSION"))));
    let key = if is_offline {
        log.add(Check::ok("key", "none is needed: the emulator takes any"));
        Found { secret: Some(Secret("offline".to_owned())), variable: None }
    } else {
        let (key, check) = key();
        log.add(check);
        key
    };
    network(&mut log, options, is_offline, key, limit).await;
    Report { checks: log.checks }
}

/// The key, and the variable that holds it.
struct Found {
    secret: Option<Secret>,
    variable: Option<&'static str>,
}

fn key() -> (Found, Check) {
    const NAMES: [&str; 2] = ["GOOGLE_API_KEY", "GEMINI_API_KEY"];
    let values = NAMES.map(variable);
    let found = NAMES.into_iter().zip(&values).find_map(|(name, value)| Some((name, value.clone()?)));
    let Some((name, value)) = found else {
        let empty = NAMES.into_iter().find(|name| std::env::var_os(name).is_some());
        let what = match empty {
            Some(name) => format!("no key: the variable {name} is set and empty"),
            None => "no key: neither GOOGLE_API_KEY nor GEMINI_API_KEY is set".to_owned(),
        };
        let advice = "make a key in Google AI Studio and set the variable GEMINI_API_KEY to it; `--offline` needs none";
        return (Found { secret: None, variable: None }, Check::failed("key", NO_KEY, what, advice));
    };
    let check = match &values {
        _ if !value.bytes().all(|letter| letter.is_ascii_graphic()) => Check::failed(
            "key",
            NO_KEY,
            format!("the key in {name} has a space, a line break or a letter beyond ASCII in it"),
            "no key has such letters: copy it again",
        ),
        [Some(google), Some(gemini)] if google != gemini => Check::warning(
            "key",
            "both GOOGLE_API_KEY and GEMINI_API_KEY are set and differ; GOOGLE_API_KEY is used",
            "unset the variable that is not meant",
        ),
        _ => Check::ok("key", format!("found in the variable {name}")),
    };
    // A key that cannot be sent is none.
    let secret = (check.state != State::Failed).then_some(Secret(value));
    (Found { secret, variable: Some(name) }, check)
}

/// Everything from the service's address on.
async fn network(
    log: &mut Log<impl FnMut(&Check)>,
    options: ClientOptions,
    is_offline: bool,
    key: Found,
    limit: Duration,
) {
    const REST: [&str; 9] =
        ["certificates", "dns", "connection", "proxy", "tls", "clock", "access", "catalogue", "models"];
    // A catalogue that cannot be read must not hide the rest.
    let mut options = options;
    let place = options.catalogue.take();
    let seconds = Seconds::from(limit);
    options.timeout = Some(Timeout::new().connect(seconds));
    let with_key = Key::Fixed(key.secret.clone().unwrap_or(Secret(String::new())));
    let client = match is_offline {
        #[cfg(feature = "emulator")]
        true => Client::offline(options.clone()),
        _ => service(&options, options.base_url.clone()).and_then(|(base, version)| {
            log_service(log, &options, &base, &version);
            // The extra certificates and the proxy are checked below.
            let mut bare = options.clone();
            bare.ca_bundle = None;
            Client::with_key(bare, with_key.clone())
        }),
    };
    let client = match client {
        Ok(client) => client,
        Err(error) => {
            if !log.checks.iter().any(|check| check.name == "service") {
                log.add(Check::error("service", &error));
            }
            return log.skip(&REST, "the service's address is not known");
        }
    };
    if is_offline {
        log.add(Check::ok("service", format!("the built-in emulator, at {}", shown(client.base()))));
    }
    let settings = settings(&options, client.base().clone());
    let has_certificates = certificates(log, &settings, client.base()).await;
    let found_way = settings.way();
    let proxy = found_way.as_ref();
    let is_there = reach(log, client.base(), proxy, limit).await;
    let client =
        if has_certificates && !is_offline { Client::with_key(options, with_key) } else { Ok(client) };
    // The handshake is a step of its own, with its own deadline.
    let steps = if settings.base.scheme() == "https" { 2 } else { 1 };
    let reply = match (&client, has_certificates, is_there) {
        (Ok(client), true, true) => Some(list(client, "", limit * steps).await),
        _ => None,
    };
    let why = if has_certificates { "there is no connection" } else { "the certificates cannot be read" };
    log.add(proxy_check(&settings, proxy, reply.as_ref(), why));
    log.add(tls(&settings, reply.as_ref(), why));
    log.add(clock(reply.as_ref().and_then(|reply| reply.as_ref().ok())));
    let Ok(client) = client else {
        return log.skip(&["access", "catalogue", "models"], "the client cannot be set up");
    };
    let secrets = client.filter().await.unwrap_or_default();
    let listed = match (&reply, &key.secret) {
        (None, _) => {
            log.add(Check::skipped("access", why));
            None
        }
        (Some(_), None) => {
            log.add(Check::skipped("access", "there is no key"));
            None
        }
        (Some(reply), Some(_)) => {
            let (listed, check) = access(reply.as_ref(), key.variable, steps == 2, &secrets);
            log.add(check);
            listed
        }
    };
    let catalogue = catalogue(log, &client, place, is_there, limit).await;
    match (listed, catalogue) {
        (Some((names, next)), Some(catalogue)) => {
            let names = further(&client, names, next, limit).await;
            log.add(models(&names, &catalogue));
        }
        (None, _) => log.add(Check::skipped("models", "the service has not listed its models")),
        (_, None) => log.add(Check::skipped("models", "there is no catalogue to compare with")),
    }
}

/// A URL without a user's name and password.
fn shown(url: &Url) -> String {
    let text = super::without_user(url.to_string());
    text.trim_end_matches('/').to_owned()
}

fn log_service(log: &mut Log<impl FnMut(&Check)>, options: &ClientOptions, base: &Url, version: &str) {
    let from = match (&options.base_url, variable("GOOGLE_GEMINI_BASE_URL")) {
        (Some(_), _) => " (from --base-url)",
        (None, Some(_)) => " (from the variable GOOGLE_GEMINI_BASE_URL)",
        (None, None) => "",
    };
    let of_version = match (&options.api_version, variable("GOOGLE_GENAI_API_VERSION")) {
        (Some(_), _) => " (from --api-version)",
        (None, Some(_)) => " (from the variable GOOGLE_GENAI_API_VERSION, unless the address has one)",
        (None, None) => "",
    };
    let name =
        if base.as_str().trim_end_matches('/') == GOOGLE { "the Gemini API" } else { "another address" };
    let what = format!("{name}, {}{from}, version {version}{of_version}", shown(base));
    let is_vertex = variable("GOOGLE_GENAI_USE_VERTEXAI").is_some_and(|word| word == "1" || word == "true");
    log.add(match base.scheme() {
        "http" if !crate::http::transport::is_loopback(base) => Check::warning(
            "service",
            format!("{what}; http: sends the key unencrypted"),
            "use an https: address",
        ),
        _ if is_vertex => Check::warning(
            "service",
            format!("{what}; GOOGLE_GENAI_USE_VERTEXAI is set and not read"),
            "Vertex AI is not supported: the Gemini API is asked, with a key",
        ),
        _ => Check::ok("service", what),
    });
}

/// Checks the files of certificates. False if requests cannot be sent.
async fn certificates(log: &mut Log<impl FnMut(&Check)>, settings: &Settings, base: &Url) -> bool {
    let own = settings.clone();
    let checked = match blocking::disk(move || own.check()).await {
        Ok(checked) => checked,
        Err(lost) => Err(lost.into()),
    };
    let mut sources = vec!["the built-in and the system's authorities".to_owned()];
    sources.extend(settings.ca_bundle.as_ref().map(|path| format!("{path} (from --ca-bundle)")));
    let extra = settings.extra_certificates.as_ref();
    sources.extend(extra.map(|path| format!("{path} (from the variable NODE_EXTRA_CA_CERTS)")));
    if cfg!(all(unix, not(target_os = "macos"))) {
        for name in ["SSL_CERT_FILE", "SSL_CERT_DIR"] {
            sources.extend(variable(name).map(|path| format!("{path} (from the variable {name})")));
        }
    }
    let what = format!("trusted are {}", sources.join(", "));
    let missing = ["SSL_CERT_FILE", "SSL_CERT_DIR"]
        .into_iter()
        .filter_map(|name| Some((name, variable(name)?)))
        .find(|(_, path)| !std::path::Path::new(path).exists());
    let (check, is_usable) = match (checked, missing) {
        (Err(error), _) => (Check::error("certificates", &error), false),
        (Ok(Some(warning)), _) => {
            let advice = "correct the variable, or unset it";
            (Check::warning("certificates", warning.render(Case::Shell), advice), true)
        }
        (Ok(None), Some((name, path))) => (
            Check::warning(
                "certificates",
                format!("{path} (from the variable {name}) is not there"),
                "correct the variable, or unset it",
            ),
            true,
        ),
        _ if base.scheme() == "http" => {
            (Check::ok("certificates", format!("{what}; http: needs none")), true)
        }
        _ => (Check::ok("certificates", what), true),
    };
    log.add(check);
    is_usable
}

/// Looks up and connects to the host that is spoken to: the proxy, or else the service.
async fn reach(
    log: &mut Log<impl FnMut(&Check)>,
    base: &Url,
    proxy: Option<&Proxy>,
    limit: Duration,
) -> bool {
    let url = proxy.map_or(base, |proxy| &proxy.url);
    let port = proxy.map_or_else(|| base.port_or_known_default().unwrap_or(443), Proxy::port);
    let host = url.host_str().unwrap_or_default().to_owned();
    let whose = if proxy.is_some() { "the proxy " } else { "" };
    let is_name = matches!(url.host(), Some(Host::Domain(_))) && host.parse::<std::net::IpAddr>().is_err();
    let found = way::addresses(&host, port, limit).await;
    let found: Vec<SocketAddr> = match found {
        Ok(found) => {
            let six = found.iter().filter(|address| address.is_ipv6()).count();
            log.add(match is_name {
                true => Check::ok(
                    "dns",
                    format!(
                        "{whose}{host} has {} ({} IPv4, {} IPv6)",
                        counted(found.len(), "address", "addresses"),
                        found.len() - six,
                        six
                    ),
                ),
                false => Check::ok("dns", format!("{whose}{host} is an address; no name is looked up")),
            });
            found
        }
        Err(cause) => {
            let advice = match proxy {
                Some(_) => "check the name of the proxy",
                None => {
                    "check the name, the network and its name server; where only a proxy may look up names, set the \
                     variable HTTPS_PROXY or --proxy"
                }
            };
            let what = format!("{whose}{host} cannot be looked up: {cause}");
            log.add(Check::failed("dns", NO_WAY, what, advice));
            log.add(Check::skipped("connection", "there is no address"));
            return false;
        }
    };
    let begun = SystemTime::now();
    match way::reach(&found, limit).await {
        Ok(address) => {
            let took = begun.elapsed().unwrap_or_default().as_millis();
            log.add(Check::ok("connection", format!("{whose}{address} answers, within {took} ms")));
            true
        }
        Err(cause) => {
            let advice = match (proxy, crate::http::transport::is_loopback(base)) {
                (Some(_), _) => "check the address of the proxy, and whether it runs",
                (None, true) => {
                    "nothing runs at this port: start `nanobanana emulate`, or correct the address"
                }
                (None, false) => {
                    "a firewall may be in the way: allow this host and port, or name the proxy by the variable \
                     HTTPS_PROXY or --proxy"
                }
            };
            let what = format!("{whose}{host}, port {port}, cannot be connected to: {cause}");
            log.add(Check::failed("connection", NO_WAY, what, advice));
            false
        }
    }
}

/// The source of the proxy, for people.
fn proxy_source(settings: &Settings) -> &'static str {
    if settings.proxy.is_some() {
        return "--proxy";
    }
    let names: [&'static str; 4] = match settings.base.scheme() {
        "http" => ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"],
        _ => ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"],
    };
    let names_one = |name: &&'static str| {
        variable(name).is_some_and(|value| Proxy::in_variable(&value, &settings.base).is_some())
    };
    names.into_iter().find(names_one).unwrap_or("the system's settings")
}

/// Why no proxy is used although one is named.
fn no_proxy(settings: &Settings) -> String {
    let source = proxy_source(settings);
    if source == "the system's settings" {
        return "none".to_owned();
    }
    if crate::http::transport::is_loopback(&settings.base) {
        return format!("none for a loopback address; {source} is set");
    }
    let excepted = ["NO_PROXY", "no_proxy"].into_iter().find(|name| variable(name).is_some());
    match excepted {
        Some(name) => format!("none for this host, by {name}; {source} is set"),
        None => format!("none; {source} is set and does not hold for this host"),
    }
}

type Outcome = Result<Answered, Error>;

fn proxy_check(settings: &Settings, proxy: Option<&Proxy>, reply: Option<&Outcome>, why: &str) -> Check {
    let Some(proxy) = proxy else { return Check::ok("proxy", no_proxy(settings)) };
    let user = if proxy.has_user { ", with user and password" } else { "" };
    let what = format!("{}, from {}{user}", shown(&proxy.url), proxy_source(settings));
    let wants_user = |how: &str| {
        let advice = match proxy.has_user {
            true => {
                "correct the user and password in its URL; letters such as @ and : in them are written as %40 and %3A"
            }
            false => "put the user and password into its URL: http://USER:PASSWORD@HOST:PORT",
        };
        Check::failed("proxy", NO_WAY, format!("{what}; {how}"), advice)
    };
    match reply {
        None => Check::skipped("proxy", format!("{what}; not tried: {why}")),
        Some(Ok(reply)) if reply.status == 407 => wants_user("it asks for a user and password (407)"),
        Some(Ok(_)) => Check::ok("proxy", format!("{what}; it lets requests through")),
        Some(Err(error)) => match way::lasting(error) {
            Some(Lasting::Proxy) => wants_user("it asks for a user and password (407)"),
            Some(Lasting::Certificate | Lasting::Tls) => {
                Check::ok("proxy", format!("{what}; it lets connections through"))
            }
            _ => Check::failed(
                "proxy",
                NO_WAY,
                format!("{what}; no answer came through it: {}", error.words().render(Case::Shell)),
                "ask those who run the proxy to allow the service's host, or except the host by NO_PROXY",
            ),
        },
    }
}

fn tls(settings: &Settings, reply: Option<&Outcome>, why: &str) -> Check {
    if settings.base.scheme() == "http" {
        return Check::ok("tls", "not used: the address is http:");
    }
    let error = match reply {
        None => return Check::skipped("tls", why),
        Some(Ok(reply)) if reply.status == 407 => {
            return Check::skipped("tls", "the proxy refused the request");
        }
        Some(Ok(_)) => return Check::ok("tls", "the handshake succeeded; the certificate is trusted"),
        Some(Err(error)) => error,
    };
    let text = error.words().render(Case::Shell).into_owned();
    let plain = text.to_lowercase().replace(' ', "");
    match way::lasting(error) {
        Some(Lasting::Certificate) if plain.contains("expired") || plain.contains("notvalidyet") => {
            Check::failed(
                "tls",
                NO_WAY,
                text,
                "check this machine's clock: a certificate is valid between two dates only",
            )
        }
        Some(Lasting::Certificate) => Check::failed(
            "tls",
            NO_WAY,
            text,
            "a company's proxy that opens TLS shows a certificate of the company's own authority: get its PEM file, and \
             name it by --ca-bundle or the variable NODE_EXTRA_CA_CERTS, or add it to the system's store (SSL_CERT_FILE)",
        ),
        Some(Lasting::Tls) => Check::failed(
            "tls",
            NO_WAY,
            text,
            "the host does not speak TLS at this port, or no version that is safe: check the address and its port",
        ),
        Some(Lasting::Proxy) => Check::skipped("tls", "the proxy refused the connection"),
        None if way::is_late_connection(error) => Check::failed(
            "tls",
            NO_WAY,
            format!("the handshake did not end: {text}"),
            "something on the way holds TLS back: a firewall or a proxy, or another service at this port",
        ),
        _ => Check::skipped("tls", "no answer came"),
    }
}

fn clock(reply: Option<&Answered>) -> Check {
    let date = reply.and_then(|reply| {
        let date = httpdate::parse_http_date(reply.header("date")?).ok()?;
        // A cache in between says how old its answer is.
        let age = reply.header("age").and_then(|age| age.trim().parse().ok()).unwrap_or(0);
        Some((date + Duration::from_secs(age), reply.when))
    });
    let Some((theirs, ours)) = date else {
        let (today, made) = (day_of(SystemTime::now()), days(&Catalogue::builtin().checked).unwrap_or(0));
        if today < made {
            return Check::warning(
                "clock",
                format!(
                    "this machine's clock is behind: it has a day before {}, when this version was made",
                    Catalogue::builtin().checked
                ),
                SET_CLOCK,
            );
        }
        let why = if reply.is_some() { "the answer has no date" } else { "no answer with a date came" };
        return Check::skipped("clock", why);
    };
    let (difference, word) = match ours.duration_since(theirs) {
        Ok(ahead) => (ahead, "ahead of"),
        Err(behind) => (behind.duration(), "behind"),
    };
    if difference < Duration::from_secs(1) {
        return Check::ok("clock", "within a second of the service's");
    }
    let rounded = humantime::format_duration(Duration::from_secs(difference.as_secs()));
    if difference > TOLERANCE {
        let what = format!("this machine's clock is {rounded} {word} the service's");
        return Check::warning("clock", what, SET_CLOCK);
    }
    Check::ok("clock", format!("{rounded} {word} the service's; up to {} s do no harm", TOLERANCE.as_secs()))
}

const SET_CLOCK: &str =
    "set it, best by a time server (NTP): with a wrong clock certificates and signatures seem invalid";

fn access(
    reply: Result<&Answered, &Error>,
    variable: Option<&str>,
    is_https: bool,
    secrets: &Secrets,
) -> (Option<Listed>, Check) {
    let reply = match reply {
        Ok(reply) if reply.status == 407 => {
            return (None, Check::skipped("access", "the proxy refused the request"));
        }
        Ok(reply) => reply,
        // The failures before an answer belong to other checks.
        Err(error) => {
            let check = match way::lasting(error) {
                Some(Lasting::Certificate | Lasting::Tls | Lasting::Proxy) => {
                    Check::skipped("access", "no request could be sent")
                }
                _ if is_https && way::is_late_connection(error) => {
                    Check::skipped("access", "no request could be sent")
                }
                _ => {
                    let advice = "try again later; if it stays so, something between this machine and the service holds \
                                  answers back";
                    let error = error.words().render(Case::Shell);
                    Check::failed("access", NO_WAY, format!("the service did not answer: {error}"), advice)
                }
            };
            return (None, check);
        }
    };
    if reply.status == 200 {
        return match names(&reply.body) {
            Some(listed) => (Some(listed), Check::ok("access", "the service accepts the key")),
            None => {
                let kind = reply.header("content-type").unwrap_or("no type").to_owned();
                let kind = secrets.clean(&kind).into_owned();
                let what = format!("the answer is no list of models, but {kind}");
                let advice = "a portal or a gateway answers in place of the service: check the address, and sign in to the \
                              network in a browser";
                (None, Check::failed("access", Kind::ResponseError, what, advice))
            }
        };
    }
    let header = |name: &str| reply.header(name).map(str::to_owned);
    let body = secrets.clean(&String::from_utf8_lossy(&reply.body)).into_owned();
    let error = reply::status_error(reply.status, &header, body.as_bytes(), None);
    let advice = match error.kind() {
        Kind::AuthenticationError => format!(
            "correct the key in the variable {}; keys are made in Google AI Studio",
            variable.unwrap_or("GEMINI_API_KEY")
        ),
        Kind::PermissionDeniedError => "the key may not do this: look at its restrictions (API, addresses, \
                                        applications) and whether its project has the Generative Language API enabled"
            .to_owned(),
        Kind::RateLimitError => "the key is known; its quota is used up for now".to_owned(),
        Kind::NotFoundError => {
            "check the address and the version of the API: there is no list of models".to_owned()
        }
        Kind::InternalServerError => "the service or a gateway before it has a fault: try again later".to_owned(),
        _ if (300..400).contains(&reply.status) => {
            "a portal or a gateway redirects: check the address, and sign in to the network in a browser".to_owned()
        }
        _ => "the service refused the request: its words say why".to_owned(),
    };
    let what: String = error.words().render(Case::Shell).chars().take(600).collect();
    (None, Check::failed("access", error.kind(), what, advice))
}
