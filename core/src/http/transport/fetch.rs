//! Fetches pictures from the web: without the key and the caller's headers, and from public addresses only unless the
//! client allows others.
//!
//! Names are resolved by a resolver that refuses private addresses, so that the checked address is the one that is
//! connected to. With a proxy, the proxy resolves the name: then only the host in the URL is checked.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use hyper_util::client::proxy::matcher::Matcher;
use url::{Host, Url};

use super::address::{is_local_name, is_public};
use super::{Reply, Settings, Transport, chain, config, fault, is_loopback};
use crate::blocking;
use crate::error::{Error, Kind};
use crate::message::{Message, message, option};

/// The size limit of a fetched picture: the limit of a whole request.
pub(crate) const MOST_FETCHED: u64 = 100 << 20;
const MOST_REDIRECTS: usize = 5;
fn private() -> Message {
    message!(
        "its URL leads to a private or local address, which is not fetched; set {} on the client if it may be, or \
         download the picture and hand over the file",
        option("allow_private_urls")
    )
}

const DOWNGRADE: &str = "its server redirects from https to http, where anyone on the way can read and change it; give \
                         the http: URL itself if that may be";

fn bad(message: impl Into<Message>) -> Error {
    Error::new(Kind::ImageError, message)
}

/// The connections to the servers of pictures, created with the first fetch.
#[derive(Default)]
pub(super) struct Web(OnceLock<Ways>);

struct Ways {
    /// Uses the proxy if there is one.
    usual: reqwest::Client,
    /// For loopback addresses: never uses a proxy.
    near: reqwest::Client,
    resolver: PublicOnly,
}

impl Ways {
    fn new(settings: &Settings, resolver: PublicOnly) -> Result<Self, Error> {
        let build = |builder: reqwest::ClientBuilder| {
            let builder = match settings.allow_private_urls {
                true => builder,
                false => builder.dns_resolver(resolver.clone()),
            };
            builder
                .build()
                .map_err(|cause| config(format!("connections cannot be set up: {}", chain(&cause))))
        };
        Ok(Ways {
            usual: build(settings.builder()?)?,
            near: build(settings.builder()?.no_proxy())?,
            resolver,
        })
    }
}

/// A picture that was not fetched.
pub(crate) struct NotFetched {
    pub error: Error,
    /// The HTTP status of the answer; none if no answer came.
    pub status: Option<u16>,
    /// Another try may succeed.
    pub is_passing: bool,
    /// The headers `Retry-After` and `Date`.
    pub retry_after: Option<String>,
    pub date: Option<String>,
}

impl From<Error> for NotFetched {
    /// Another try would fail in the same way.
    fn from(error: Error) -> Self {
        NotFetched { error, status: None, is_passing: false, retry_after: None, date: None }
    }
}

impl NotFetched {
    /// The connection was not made, or broke.
    fn lost(cause: reqwest::Error) -> Self {
        let why = chain(&cause);
        let is_refused = why.contains(&*private()) || cause.is_builder();
        let is_passing = !is_refused && fault::facts(&cause).lasting.is_none();
        let error = bad(format!("it cannot be fetched: {why}")).because(cause.without_url());
        NotFetched { is_passing, ..NotFetched::from(error) }
    }

    /// The server answered, and not with the picture.
    pub fn answered(reply: &Reply) -> Self {
        let header = |name: &str| reply.header(name).map(str::to_owned);
        NotFetched {
            status: Some(reply.status()),
            is_passing: matches!(reply.status(), 408 | 429 | 500 | 502 | 503 | 504),
            retry_after: header("retry-after"),
            date: header("date"),
            ..NotFetched::from(bad(format!("its server answered {}", reply.0.status())))
        }
    }
}

impl Transport {
    /// Fetches a picture from the web, once, of at most `most` bytes. Private addresses are refused unless the
    /// client allows them, before and after redirects.
    ///
    /// # Errors
    /// [`Kind::ImageError`] if its server does not give it, or may not be asked.
    pub async fn fetch(&self, url: Url, most: u64) -> Result<Bytes, NotFetched> {
        let ways = match self.web.0.get() {
            Some(ways) => ways,
            None => {
                let settings = self.settings.clone();
                // Certificates are read from files.
                let ways = blocking::disk(move || Ways::new(&settings, PublicOnly::new(&settings)));
                let ways = ways.await.map_err(Error::from)??;
                self.web.0.get_or_init(|| ways)
            }
        };
        let mut url = url;
        for _ in 0..=MOST_REDIRECTS {
            if !matches!(url.scheme(), "http" | "https") {
                let scheme = url.scheme();
                return Err(bad(format!(
                    "it leads to a URL of the scheme {scheme}; only http and https are fetched"
                ))
                .into());
            }
            if !self.settings.allow_private_urls {
                check_host(&url, &ways.resolver).await?;
            }
            let client = if is_loopback(&url) { &ways.near } else { &ways.usual };
            let mut reply = client.get(url.clone()).send().await.map_err(NotFetched::lost)?;
            let status = reply.status();
            if status.is_redirection() {
                let target = reply.headers().get("location").and_then(|target| target.to_str().ok());
                let target = target
                    .and_then(|target| url.join(target).ok())
                    .ok_or_else(|| bad(format!("its server answered {status} without a place to go")))?;
                if url.scheme() == "https" && target.scheme() == "http" {
                    return Err(bad(DOWNGRADE).into());
                }
                url = target;
                continue;
            }
            if !status.is_success() {
                return Err(NotFetched::answered(&Reply(reply)));
            }
            let too_large =
                || bad(format!("it is larger than {} MB; download and shrink it first", most >> 20));
            if reply.content_length().is_some_and(|len| len > most) {
                return Err(too_large().into());
            }
            let mut bytes = Vec::new();
            while let Some(piece) = reply.chunk().await.map_err(NotFetched::lost)? {
                if (bytes.len() + piece.len()) as u64 > most {
                    return Err(too_large().into());
                }
                bytes.extend_from_slice(&piece);
            }
            return Ok(bytes.into());
        }
        Err(bad(format!("its server redirected more than {MOST_REDIRECTS} times")).into())
    }
}

/// Checks the host of a URL. The addresses of a name are checked by the resolver, unless a proxy resolves it.
async fn check_host(url: &Url, resolver: &PublicOnly) -> Result<(), Error> {
    let is_allowed = match url.host() {
        Some(Host::Ipv4(ip)) => is_public(IpAddr::V4(ip)),
        Some(Host::Ipv6(ip)) => is_public(IpAddr::V6(ip)),
        Some(Host::Domain(name)) if is_local_name(name) => false,
        // The resolver allows the proxy's own name, for the connection to the proxy.
        Some(Host::Domain(name)) if resolver.is_proxy(name) => {
            let found = (resolver.look_up)(plain(name))
                .await
                .map_err(|cause| bad(format!("its host cannot be looked up: {cause}")).because(cause))?;
            are_public(&found)
        }
        Some(Host::Domain(_)) => true,
        None => return Err(bad("its URL names no host")),
    };
    if is_allowed { Ok(()) } else { Err(bad(private())) }
}

type Found = std::io::Result<Vec<SocketAddr>>;

/// Resolves names, and refuses those with a private address. The names of the configured proxies are allowed.
#[derive(Clone)]
struct PublicOnly {
    proxies: Arc<BTreeSet<String>>,
    /// Replaced in tests.
    look_up: fn(String) -> Pin<Box<dyn Future<Output = Found> + Send>>,
}

impl PublicOnly {
    fn new(settings: &Settings) -> Self {
        let matcher = match &settings.proxy {
            Some(proxy) => Matcher::builder().all(proxy.as_str()).build(),
            None => Matcher::from_system(),
        };
        let proxy = |target: &str| {
            let found = matcher.intercept(&target.parse().ok()?)?;
            found.uri().host().map(plain)
        };
        // A host that no NO_PROXY rule matches.
        let targets = ["http://picture.invalid", "https://picture.invalid"];
        PublicOnly {
            proxies: Arc::new(targets.into_iter().filter_map(proxy).collect()),
            look_up: |name| Box::pin(look_up(name)),
        }
    }

    fn is_proxy(&self, name: &str) -> bool {
        self.proxies.contains(&plain(name))
    }
}

/// A host name in the form for comparisons.
fn plain(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

impl reqwest::dns::Resolve for PublicOnly {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let is_proxy = self.is_proxy(name.as_str());
        let found = (self.look_up)(name.as_str().to_owned());
        Box::pin(async move {
            let found = found.await?;
            if is_proxy || are_public(&found) {
                Ok(Box::new(found.into_iter()) as reqwest::dns::Addrs)
            } else {
                Err(private().to_string().into())
            }
        })
    }
}

async fn look_up(name: String) -> Found {
    super::look_up(name).await
}

/// True if all addresses are public: any of them may be connected to.
fn are_public(found: &[SocketAddr]) -> bool {
    !found.is_empty() && found.iter().all(|address| is_public(address.ip()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// The name table of the tests.
    fn names(name: String) -> Pin<Box<dyn Future<Output = Found> + Send>> {
        let found: &[&str] = match &*name {
            "private.example.com" | "proxy.example.com" => &["127.0.0.1"],
            "mapped.example.com" => &["::ffff:127.0.0.1"],
            "metadata.example.com" => &["169.254.169.254"],
            "mixed.example.com" => &["8.8.8.8", "127.0.0.1"],
            "mixed6.example.com" => &["2606:4700::1111", "fd00::1"],
            _ => &[],
        };
        let found = found.iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), 0)).collect();
        Box::pin(std::future::ready(Ok(found)))
    }

    fn settings(proxy: Option<String>) -> Settings {
        Settings {
            base: Url::parse("http://127.0.0.1:9").unwrap(),
            headers: BTreeMap::new(),
            connect: Duration::from_secs(5),
            proxy,
            ca_bundle: None,
            extra_certificates: None,
            allow_private_urls: false,
        }
    }

    fn transport(settings: Settings) -> Transport {
        let resolver = PublicOnly { look_up: names, ..PublicOnly::new(&settings) };
        let ways = Ways::new(&settings, resolver).unwrap();
        let transport = Transport::new(settings).unwrap();
        assert!(transport.web.0.set(ways).is_ok());
        transport
    }

    /// A server that answers every request, and its port.
    async fn server() -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut line, _)) = listener.accept().await {
                let _ = line.read(&mut [0; 4096]).await;
                let _ = line
                    .write_all(b"HTTP/1.1 200 X\r\ncontent-length: 4\r\nconnection: close\r\n\r\nseen")
                    .await;
            }
        });
        port
    }

    async fn fetched(transport: &Transport, url: &str) -> Result<Bytes, String> {
        let fetched = transport.fetch(Url::parse(url).unwrap(), MOST_FETCHED).await;
        fetched.map_err(|failed| failed.error.message().to_string())
    }

    #[tokio::test]
    async fn a_name_that_leads_to_a_private_address_is_not_connected_to() {
        let port = server().await;
        let transport = transport(settings(None));
        for name in ["private", "mapped", "metadata", "mixed", "mixed6"] {
            let url = format!("http://{name}.example.com:{port}/a.png");
            let refused = fetched(&transport, &url).await.unwrap_err();
            assert!(refused.contains(&*private()), "{name}: {refused}");
        }
    }

    #[tokio::test]
    async fn the_proxys_private_name_is_good_for_the_proxy_alone() {
        let port = server().await;
        let transport = transport(settings(Some(format!("http://Proxy.example.com:{port}"))));
        assert_eq!(fetched(&transport, "http://pictures.example.com/a.png").await.unwrap(), "seen");
        for name in ["proxy.example.com", "PROXY.example.com."] {
            let refused = fetched(&transport, &format!("http://{name}:{port}/a.png")).await.unwrap_err();
            assert_eq!(private(), refused);
        }
    }

    // A SOCKS5 proxy gets an address, so the name is resolved and checked here.
    #[tokio::test]
    async fn a_proxy_that_is_given_addresses_is_given_public_ones() {
        let port = server().await;
        let transport = transport(settings(Some(format!("socks5://127.0.0.1:{port}"))));
        let refused = fetched(&transport, "http://private.example.com/a.png").await.unwrap_err();
        assert!(refused.contains(&*private()), "{refused}");
    }

    #[tokio::test]
    async fn an_address_of_another_scheme_is_not_fetched() {
        let transport = transport(settings(None));
        for url in ["file:///etc/passwd", "data:image/png;base64,AAAA", "gs://bucket/a.png"] {
            assert!(fetched(&transport, url).await.unwrap_err().contains("only http and https"), "{url}");
        }
    }
}
