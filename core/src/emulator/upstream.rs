//! The real service, when calls are recorded: requests go on as they came, and the answers come back the same way.

use bytes::Bytes;
use hyper::header::HeaderMap;
use hyper::http::request::Parts;
use url::Url;

use super::check::Refusal;
use crate::error::{Error, Kind};

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

#[derive(Debug)]
pub(super) struct Upstream {
    base: Url,
    client: reqwest::Client,
}

impl Upstream {
    pub fn new(base: &str) -> Result<Self, Error> {
        let wrong = |why: &str| {
            let problem = format!("option `upstream` is {base:?}; {why}");
            Error::new(Kind::InvalidOptionError, problem).with("option", "upstream".to_owned())
        };
        let url =
            Url::parse(base).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let url = url.ok_or_else(|| wrong("it takes the base URL of the service, with https://"))?;
        if url.query().is_some() || !url.username().is_empty() {
            return Err(wrong("it takes no query, name or password"));
        }
        let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
        // A redirect and another try are the client's: each may be billed.
        let mut client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
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
    pub async fn pass(&self, head: &Parts, body: Bytes) -> Result<reqwest::Response, Refusal> {
        let place = head.uri.path_and_query().map_or("/", |place| place.as_str());
        let url = format!("{}{place}", self.base.as_str().trim_end_matches('/'));
        let mut headers = HeaderMap::new();
        for (name, value) in head.headers.iter().filter(|(name, _)| !OF_THE_LINE.contains(&name.as_str())) {
            headers.append(name.clone(), value.clone());
        }
        let sent = self.client.request(head.method.clone(), url).headers(headers).body(body).send().await;
        sent.map_err(|cause| lost(&cause))
    }

    /// Where an upload goes on, if that is at the service: at the emulator, which passes it on too.
    pub fn own_place<'a>(&self, url: &'a str) -> Option<&'a str> {
        let origin = self.base.origin().ascii_serialization();
        url.strip_prefix(origin.as_str()).filter(|place| place.starts_with('/'))
    }
}

/// The service could not be reached, or did not end its answer.
pub(super) fn lost(cause: &reqwest::Error) -> Refusal {
    // The URL may hold the key.
    let mut text = String::new();
    let mut source = std::error::Error::source(cause);
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    Refusal::new(
        502,
        "UNAVAILABLE",
        format!("The service that calls are recorded from does not answer{text}."),
    )
}
