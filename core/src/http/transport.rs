//! One request over HTTP, and the only file that names reqwest.
//!
//! It knows addresses, the key, connections and certificates. It never tries again, never follows
//! a redirect with a key, and gives the reply's bytes as they arrive.

use std::collections::BTreeMap;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use url::{Host, Url};

use crate::blocking;
use crate::error::{Billed, Error, InvalidOption, Kind};
use crate::http::body::Body;
use crate::local;
use crate::message::{Message, counted, message, option};
use crate::options::Secret;
use crate::secrets::Secrets;

mod address;
mod fault;
mod fetch;
pub mod way;

use fault::Lasting;
pub(crate) use fetch::{MOST_FETCHED, NotFetched};

/// How much of one HTTP/2 reply may wait to be read. A larger one would only hold more memory where nobody
/// reads; this one is a second's worth of a fast line.
const WINDOW: u32 = 4 << 20;

/// How much of all replies on one connection may wait: never so little that those which nobody reads hold
/// up the others, as a window that adapts itself to one reply does.
const WINDOW_OF_ALL: u32 = 1 << 30;

/// The largest HTTP/2 frame that is taken. Four times the usual one, so that a large reply is handed on in
/// fewer pieces, and small enough that no reply waits long behind another's frame.
const FRAME: u32 = 64 << 10;

/// What a transport needs to know.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    pub base: Url,
    pub headers: BTreeMap<String, String>,
    pub connect: Duration,
    pub proxy: Option<String>,
    pub ca_bundle: Option<String>,
    /// The file of certificates that a variable of Node names. One that cannot be read is no error, as in Node.
    pub extra_certificates: Option<String>,
    pub allow_private_urls: bool,
}

/// The connections of one client in one process.
pub(crate) struct Transport {
    settings: Settings,
    api: reqwest::Client,
    web: fetch::Web,
}

/// A request beside those that draw.
pub(crate) struct Ask<'a> {
    pub method: Method,
    pub url: Url,
    pub key: &'a Secret,
    /// The caller's own headers.
    pub headers: &'a BTreeMap<String, String>,
    /// Those that the request itself needs.
    pub own: &'a [(&'static str, String)],
    pub content: Content,
    pub left: Duration,
}

/// What is done to an address.
#[derive(Clone, Copy)]
pub enum Method {
    /// GET.
    Get,
    /// POST.
    Post,
    /// DELETE.
    Delete,
}

/// What a request holds.
#[derive(Clone)]
pub enum Content {
    Nothing,
    Bytes(Bytes),
    Body(Body),
}

/// A reply whose head has come.
pub(crate) struct Reply(reqwest::Response);

impl Reply {
    pub fn status(&self) -> u16 {
        self.0.status().as_u16()
    }

    /// The first header of this name, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.0.headers().get(name)?.to_str().ok()
    }

    /// The headers with rate limits, and `retry-after`.
    pub fn rate_limits(&self) -> BTreeMap<String, String> {
        let is_one = |name: &str| {
            name == "retry-after" || name.starts_with("x-ratelimit-") || name.starts_with("ratelimit")
        };
        let all = self.0.headers().iter().filter(|(name, _)| is_one(name.as_str()));
        all.filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned()))).collect()
    }

    /// The `content-encoding` of the body, if it is not supported.
    pub fn strange_encoding(&self) -> Option<&str> {
        self.header("content-encoding").filter(|encoding| !encoding.eq_ignore_ascii_case("identity"))
    }

    /// How many bytes will come; unknown if they are compressed or come in chunks.
    pub fn len(&self) -> Option<u64> {
        self.0.content_length()
    }

    /// The next bytes, as they came; none at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        self.0.chunk().await.map_err(|cause| {
            let why = chain(&cause);
            let (what, retryable) = match fault::facts(&cause).lasting {
                Some(_) => ("the reply is damaged", false),
                None => ("the connection broke during the reply", true),
            };
            Error::new(Kind::APIConnectionError, format!("{what}: {why}"))
                .with_billed(Billed::Unknown)
                .with_retryable(retryable)
                .because(cause.without_url())
        })
    }

    /// All that comes.
    ///
    /// # Errors
    /// [`Kind::ResponseError`] if that is more than `most` bytes.
    pub async fn whole(&mut self, most: usize) -> Result<Vec<u8>, Error> {
        let mut body = Vec::new();
        while let Some(piece) = self.next().await? {
            body.extend_from_slice(&piece);
            if body.len() > most {
                let most = counted(most, "byte", "bytes");
                let problem = format!("the reply is longer than {most}, which no such reply is");
                return Err(Error::new(Kind::ResponseError, problem));
            }
        }
        Ok(body)
    }
}

/// The causes of a transport error, without the URL: its host is named elsewhere, and its query may
/// hold a signature.
fn chain(error: &reqwest::Error) -> String {
    let mut cause = std::error::Error::source(error);
    let mut texts: Vec<String> = Vec::new();
    while let Some(error) = cause {
        let text = error.to_string();
        if texts.last().is_none_or(|last| !last.ends_with(&text)) {
            texts.push(text);
        }
        cause = error.source();
    }
    if texts.is_empty() { "no cause is known".to_owned() } else { texts.join(": ") }
}

/// Whether this host is this machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.strip_suffix('.').unwrap_or(name);
            name == "localhost" || name.ends_with(".localhost")
        }
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.to_canonical().is_loopback(),
        None => false,
    }
}

fn config(message: impl Into<Message>) -> Error {
    Error::new(Kind::ConfigError, message)
}

impl Settings {
    /// What both the API's and the pictures' connections share.
    fn builder(&self) -> Result<reqwest::ClientBuilder, Error> {
        let bundled = webpki_root_certs::TLS_SERVER_ROOT_CERTS
            .iter()
            .filter_map(|der| reqwest::Certificate::from_der(der).ok());
        let own = self.ca_bundle.as_deref().map(bundle).transpose()?.unwrap_or_default();
        let extra = self.extra_certificates.as_deref().and_then(|path| bundle(path).ok()).unwrap_or_default();
        let builder = reqwest::Client::builder()
            .user_agent(concat!("nanobanana/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(self.connect)
            .tcp_keepalive(Duration::from_secs(30))
            .dns_resolver(Names)
            .tls_certs_merge(bundled.chain(own).chain(extra));
        Ok(match self.proxy.as_deref().map(proxy).transpose()? {
            Some(proxy) => builder.proxy(proxy),
            None => builder,
        })
    }

    /// Tells at once what `builder` would find wrong later. Gives a warning if the extra certificates cannot be used.
    ///
    /// # Errors
    /// [`Kind::ConfigError`] if the proxy or the certificates of the caller cannot be used.
    pub fn check(&self) -> Result<Option<Message>, Error> {
        self.ca_bundle.as_deref().map(bundle).transpose()?;
        self.proxy.as_deref().map(proxy).transpose()?;
        let Some(path) = self.extra_certificates.as_deref() else { return Ok(None) };
        let has_certificates = local::read(Path::new(path))
            .is_ok_and(|pem| memchr::memmem::find(&pem, b"-----BEGIN CERTIFICATE-----").is_some());
        Ok((!has_certificates).then(|| {
            let is_none = "is not a PEM file of certificates that can be read";
            format!("NODE_EXTRA_CA_CERTS is ignored: {path} {is_none}").into()
        }))
    }
}

fn proxy(url: &str) -> Result<reqwest::Proxy, Error> {
    reqwest::Proxy::all(url).map_err(|_| {
        config(message!(
            "the {} is not a URL that can be used; it takes http, https and socks5",
            option("proxy")
        ))
    })
}

fn bundle(path: &str) -> Result<Vec<reqwest::Certificate>, Error> {
    let pem = local::read(Path::new(path)).map_err(|cause| {
        config(message!("cannot read the {} {path}: {cause}", option("ca_bundle"))).because(cause)
    })?;
    match reqwest::Certificate::from_pem_bundle(&pem) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(config(message!("the {} {path} is not a PEM file of certificates", option("ca_bundle")))),
    }
}

impl Transport {
    /// # Errors
    /// [`Kind::ConfigError`] if the proxy or the certificates cannot be used.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        let mut builder = settings
            .builder()?
            .http2_initial_stream_window_size(WINDOW)
            .http2_initial_connection_window_size(WINDOW_OF_ALL)
            .http2_max_frame_size(FRAME)
            .http2_keep_alive_interval(Duration::from_secs(30))
            .gzip(true);
        if is_loopback(&settings.base) {
            builder = builder.no_proxy();
            if settings.base.scheme() == "http" {
                // No certificate will be looked at, and a slim container has no store to read.
                builder = builder.tls_certs_only([]);
            }
        }
        let api = builder
            .build()
            .map_err(|cause| config(format!("connections cannot be set up: {}", chain(&cause))))?;
        Ok(Transport { settings, api, web: fetch::Web::default() })
    }

    /// All secrets of a call, for the filter: keys, the caller's headers and the proxy's password.
    pub fn secrets(&self, keys: &[Secret], call: &BTreeMap<String, String>) -> Secrets {
        let mut secrets = Secrets::default();
        keys.iter().for_each(|key| secrets.add_key(&key.0));
        self.settings.headers.iter().chain(call).for_each(|(name, value)| secrets.add_header(name, value));
        self.settings.proxy.iter().for_each(|proxy| secrets.add_url(proxy));
        secrets
    }

    /// True for a URL of the service's own origin, to which the key may be sent.
    pub fn is_own(&self, url: &Url) -> bool {
        url.origin() == self.settings.base.origin()
    }

    /// An address of the API, by what stands behind its base.
    ///
    /// # Errors
    /// [`Kind::ConfigError`] if that is none.
    pub fn address(&self, path: &str) -> Result<Url, Error> {
        let url = format!("{}/{path}", self.settings.base.as_str().trim_end_matches('/'));
        Url::parse(&url).map_err(|cause| config(format!("the request has no address: {cause}")))
    }

    /// The address of an upload that the service has opened, on the way that the client takes to the service:
    /// a host in between knows its own address alone. Google's hosts are as near as can be.
    pub fn near(&self, url: Url) -> Result<Url, Error> {
        let base = &self.settings.base;
        let is_google = |url: &Url| {
            url.scheme() == "https" && url.host_str().is_some_and(|host| host.ends_with(".googleapis.com"))
        };
        if url.origin() == base.origin() || (is_google(&url) && is_google(base)) {
            return Ok(url);
        }
        let mut near = self.address(url.path().trim_start_matches('/'))?;
        near.set_query(url.query());
        Ok(near)
    }

    /// Sends any other request, and waits for the reply's head. Key and headers go to the client's own
    /// host alone.
    pub async fn ask(&self, ask: Ask<'_>) -> Result<Reply, Error> {
        let is_ours = self.is_own(&ask.url);
        let mut headers =
            if is_ours { self.headers(ask.key, ask.headers, ask.left)? } else { HeaderMap::new() };
        for (name, value) in ask.own {
            let value = HeaderValue::from_str(value)
                .map_err(|_| config(format!("the header {name} cannot be sent: {value:?}")))?;
            headers.insert(HeaderName::from_static(name), value);
        }
        let request = match ask.method {
            Method::Get => self.api.get(ask.url),
            Method::Post => self.api.post(ask.url),
            Method::Delete => self.api.delete(ask.url),
        };
        let trouble = Arc::new(Mutex::new(None));
        let request = match ask.content {
            Content::Nothing => request,
            Content::Bytes(bytes) => request.body(bytes),
            Content::Body(body) => {
                request.body(reqwest::Body::wrap(body.stream(trouble.clone(), Arc::default())))
            }
        };
        request.headers(headers).send().await.map(Reply).map_err(|cause| {
            let told = trouble.lock().ok().and_then(|mut trouble| trouble.take());
            told.unwrap_or_else(|| self.failure(cause, false))
        })
    }

    /// Sends a request to the API and waits for the reply's head. The service is told how long an
    /// answer is waited for. `sent` is set as soon as any of the body leaves: without it nothing can be
    /// made, nor billed.
    pub async fn send(
        &self,
        path: &str,
        key: &Secret,
        headers: &BTreeMap<String, String>,
        body: &Body,
        left: Duration,
        sent: &Arc<AtomicBool>,
    ) -> Result<Reply, Error> {
        let url = format!("{}/{path}", self.settings.base.as_str().trim_end_matches('/'));
        let trouble = Arc::new(Mutex::new(None));
        let request = self
            .api
            .post(url)
            .headers(self.headers(key, headers, left)?)
            .body(reqwest::Body::wrap(body.stream(trouble.clone(), sent.clone())));
        request.send().await.map(Reply).map_err(|cause| {
            let told = trouble.lock().ok().and_then(|mut trouble| trouble.take());
            told.unwrap_or_else(|| self.failure(cause, sent.load(Ordering::SeqCst)))
        })
    }

    fn headers(
        &self,
        key: &Secret,
        call: &BTreeMap<String, String>,
        left: Duration,
    ) -> Result<HeaderMap, Error> {
        let mut map = HeaderMap::new();
        // As the official SDKs do: whole seconds, rounded up.
        map.insert("x-server-timeout", HeaderValue::from(left.as_secs_f64().ceil() as u64));
        map.insert("content-type", HeaderValue::from_static("application/json"));
        // Pictures do not shrink; a proxy that compresses all the same is understood.
        map.insert("accept-encoding", HeaderValue::from_static("identity"));
        map.insert(
            "x-goog-api-client",
            HeaderValue::from_static(concat!("nanobanana/", env!("CARGO_PKG_VERSION"))),
        );
        let sendable = HeaderValue::from_str(&key.0).ok().filter(|_| key.0.is_ascii());
        let mut secret = sendable.ok_or_else(|| {
            config("the API key holds characters that cannot be sent; was it copied with a line break?")
        })?;
        secret.set_sensitive(true);
        map.insert("x-goog-api-key", secret);
        for (name, value) in self.settings.headers.iter().chain(call) {
            let wrong = || {
                Error::invalid_option(
                    message!(
                        "option {} has {name:?}, which is no HTTP header with its value",
                        option("headers")
                    ),
                    InvalidOption::of(option("headers")),
                )
            };
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
            let mut value = HeaderValue::from_str(value).map_err(|_| wrong())?;
            value.set_sensitive(true);
            map.insert(name, value);
        }
        Ok(map)
    }

    /// A request that got no reply, as an error.
    fn failure(&self, cause: reqwest::Error, sent: bool) -> Error {
        let host = self.settings.base.host_str().unwrap_or_default();
        let port = self.settings.base.port().map(|port| format!(":{port}")).unwrap_or_default();
        if cause.is_builder() {
            return config(format!("the request cannot be made: {}", chain(&cause)));
        }
        let why = chain(&cause);
        let connecting = cause.is_connect();
        let facts = fault::facts(&cause);
        let untrusted = facts.lasting == Some(Lasting::Certificate);
        if facts.lasting.is_some() && !connecting {
            let message = match facts.lasting {
                Some(Lasting::Headers) => {
                    format!(
                        "the reply of {host}{port} was refused: its head has more headers than are taken ({why})"
                    )
                }
                _ => format!("the reply of {host}{port} cannot be read: {why}"),
            };
            let billed = if sent { Billed::Unknown } else { Billed::No };
            return Error::new(Kind::ResponseError, message).with_billed(billed).because(cause.without_url());
        }
        let message = match (connecting, cause.is_timeout()) {
            (true, true) => {
                let limit = self.settings.connect.as_secs_f64();
                message!("connecting to {host}{port} took more than {limit} s")
            }
            (true, false) if untrusted => message!(
                "{host}{port} showed a certificate that is not trusted: {why}. Behind a company's proxy, name its \
                 authority with {}",
                option("ca_bundle")
            ),
            (true, false) if facts.lasting == Some(Lasting::Proxy) => {
                message!(
                    "cannot connect to {host}{port}: {why}. Put its user and password into the URL of {}",
                    option("proxy")
                )
            }
            (true, false) => message!("cannot connect to {host}{port}: {why}"),
            (false, _) => message!("the connection to {host}{port} broke before a reply came: {why}"),
        };
        let billed = if connecting || facts.is_sent_back || !sent { Billed::No } else { Billed::Unknown };
        Error::new(Kind::APIConnectionError, message)
            .with_billed(billed)
            .with_retryable(facts.lasting.is_none())
            .because(cause.without_url())
    }
}

/// Resolves names with the system's resolver on the threads of [`blocking::disk`]: a name server that does not answer
/// delays its own caller only.
struct Names;

impl reqwest::dns::Resolve for Names {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        Box::pin(async move {
            let found = look_up(name.as_str().to_owned()).await?;
            Ok(Box::new(found.into_iter()) as reqwest::dns::Addrs)
        })
    }
}

async fn look_up(name: String) -> std::io::Result<Vec<SocketAddr>> {
    blocking::disk(move || (name.as_str(), 0).to_socket_addrs().map(Iterator::collect)).await?
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn to(base: &str) -> Transport {
        let settings = Settings {
            base: Url::parse(base).unwrap(),
            headers: BTreeMap::from([("x-team".to_owned(), "blue".to_owned())]),
            connect: Duration::from_secs(1),
            proxy: None,
            ca_bundle: None,
            extra_certificates: None,
            allow_private_urls: false,
        };
        Transport::new(settings).unwrap()
    }

    #[tokio::test]
    async fn the_key_and_the_headers_go_to_the_own_host_alone() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let host = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", host.local_addr().unwrap());
        for (base, is_own) in [(&*address, true), ("http://127.0.0.1:9", false)] {
            let (transport, key) = (to(base), Secret("a-key-of-mine".to_owned()));
            let headers = BTreeMap::from([("x-call".to_owned(), "1".to_owned())]);
            let own = [("x-own", "yes".to_owned())];
            let asked = transport.ask(Ask {
                method: Method::Get,
                url: Url::parse(&format!("{address}/v1beta/files/abc")).unwrap(),
                key: &key,
                headers: &headers,
                own: &own,
                content: Content::Nothing,
                left: Duration::from_secs(5),
            });
            let answered = async {
                let (mut line, _) = host.accept().await.unwrap();
                let mut head = vec![0; 4096];
                let read = line.read(&mut head).await.unwrap();
                line.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await.unwrap();
                head.truncate(read);
                String::from_utf8_lossy(&head).to_lowercase()
            };
            let (reply, head) = tokio::join!(asked, answered);
            assert!(reply.is_ok() && head.contains("x-own: yes"), "{head}");
            for sent in ["a-key-of-mine", "x-team: blue", "x-call: 1"] {
                assert_eq!(head.contains(sent), is_own, "{head}");
            }
        }
    }

    #[test]
    fn an_upload_goes_the_clients_own_way() {
        let near = |base: &str, url: &str| to(base).near(Url::parse(url).unwrap()).unwrap().to_string();
        let google = "https://generativelanguage.googleapis.com/upload/v1beta/files?upload_id=a";
        let upload = "https://upload.googleapis.com/upload/v1beta/files?upload_id=a";
        for (base, url, wanted) in [
            ("https://generativelanguage.googleapis.com", google, google),
            ("https://generativelanguage.googleapis.com", upload, upload),
            (
                "https://generativelanguage.googleapis.com",
                "http://evil.example/upload/v1beta/files?upload_id=a",
                google,
            ),
            ("http://127.0.0.1:9", google, "http://127.0.0.1:9/upload/v1beta/files?upload_id=a"),
            (
                "https://gate.example/gemini/",
                google,
                "https://gate.example/gemini/upload/v1beta/files?upload_id=a",
            ),
            ("https://gate.example/gemini", "https://gate.example/x?y=1", "https://gate.example/x?y=1"),
        ] {
            assert_eq!(near(base, url), wanted);
        }
    }
}
