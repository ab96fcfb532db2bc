//! The real service, when calls are recorded: requests go on as they came, and the answers come back the same way.

use std::net::ToSocketAddrs as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use hyper::header::HeaderMap;
use hyper::http::request::Parts;
use url::Url;

use super::check::Refusal;
use nanobanana_base::error::{Error, InvalidOption, Kind};
use nanobanana_base::options::read_base_url;
use nanobanana_base::secrets::Secrets;

/// What belongs to the line to the emulator, or is set anew for the line to the service.
const OF_THE_LINE: [&str; 8] = [
    "accept-encoding",
    "connection",
    "content-length",
    "host",
    "origin",
    "proxy-authorization",
    "referer",
    "transfer-encoding",
];

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(60);

/// How many names are looked up at once at most.
const LOOKUPS: usize = 64;

#[derive(Debug)]
pub(super) struct Upstream {
    base: Url,
    client: reqwest::Client,
}

impl Upstream {
    pub fn new(base: &str) -> Result<Self, Error> {
        let wrong = |why: &str| {
            let problem = format!("option `upstream` is {base:?}; {why}");
            Error::invalid_option(problem, InvalidOption::of("upstream"))
        };
        // Requests bring the version of their own.
        let url = read_base_url(base).map_err(|problem| wrong(&format!("the address {problem}")))?.url;
        if url.query().is_some() || !url.username().is_empty() {
            return Err(wrong("it takes no query, name or password"));
        }
        let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
        // A redirect and another try are the client's: each may be billed.
        let mut client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(CONNECT)
            .dns_resolver(Lookup)
            .gzip(true)
            .tls_certs_merge(roots.filter_map(|der| reqwest::Certificate::from_der(der).ok()));
        let is_here = url.host_str().is_some_and(super::guard::is_here);
        if is_here {
            client = client.no_proxy();
        }
        let client = client.build();
        let client = client.map_err(|cause| {
            Error::new(Kind::ConfigError, format!("no requests can be passed on: {cause}"))
        })?;
        Ok(Upstream { base: url, client })
    }

    /// Sends it on.
    pub async fn pass(
        &self,
        head: &Parts,
        body: Bytes,
        sent: &Secrets,
    ) -> Result<reqwest::Response, Refusal> {
        let place = head.uri.path_and_query().map_or("/", |place| place.as_str());
        let url = format!("{}{place}", self.base.as_str().trim_end_matches('/'));
        let mut headers = HeaderMap::new();
        for (name, value) in head.headers.iter().filter(|(name, _)| !OF_THE_LINE.contains(&name.as_str())) {
            headers.append(name.clone(), value.clone());
        }
        let reply = self.client.request(head.method.clone(), url).headers(headers).body(body).send().await;
        reply.map_err(|cause| lost(&cause, sent))
    }

    /// Where an upload goes on, if that is at the service: at the emulator, which passes it on too.
    pub fn own_place<'a>(&self, url: &'a str) -> Option<&'a str> {
        let origin = self.base.origin().ascii_serialization();
        url.strip_prefix(origin.as_str()).filter(|place| place.starts_with('/'))
    }
}

/// The service could not be reached, or did not end its answer.
pub(super) fn lost(cause: &reqwest::Error, sent: &Secrets) -> Refusal {
    // The URL may hold the key.
    let mut text = String::new();
    let mut source = std::error::Error::source(cause);
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    let text = sent.clean(&text);
    Refusal::new(
        502,
        "UNAVAILABLE",
        format!("The service that calls are recorded from does not answer{text}."),
    )
}

/// Looks names up on threads of their own: one that is never answered holds up neither a drawing nor another name.
struct Lookup;

static UNDER_WAY: AtomicUsize = AtomicUsize::new(0);

/// One look-up, counted as long as its thread lives.
struct Counted;

impl Counted {
    fn begin() -> Option<Self> {
        // Counted first: two that begin at once cannot both be the last one.
        let before = UNDER_WAY.fetch_add(1, Ordering::SeqCst);
        let counted = Counted;
        (before < LOOKUPS).then_some(counted)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        UNDER_WAY.fetch_sub(1, Ordering::SeqCst);
    }
}

impl reqwest::dns::Resolve for Lookup {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        Box::pin(async move {
            let counted = Counted::begin().ok_or("too many names are being looked up")?;
            let (send, found) = tokio::sync::oneshot::channel();
            let look = move || {
                let found = (name.as_str(), 0).to_socket_addrs();
                // Nobody waits for it any more after a timeout.
                let _ = send.send(found.map(Iterator::collect::<Vec<_>>));
                drop(counted);
            };
            std::thread::Builder::new().name("nanobanana-lookup".into()).spawn(look)?;
            Ok(Box::new(found.await??.into_iter()) as reqwest::dns::Addrs)
        })
    }
}
