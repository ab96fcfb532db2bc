//! The way to the service, step by step, for a diagnosis: its proxy, the addresses of a name, the connection to a port.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use hyper_util::client::proxy::matcher::Matcher;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use url::Url;

pub(crate) use super::fault::Lasting;
use super::{Settings, fault, is_loopback};
use crate::error::Error;

/// The proxy of a connection.
pub(crate) struct Proxy {
    /// Without user and password.
    pub url: Url,
    /// True if its URL has a user or a password.
    pub has_user: bool,
}

impl Proxy {
    fn of(matcher: &Matcher, target: &Url) -> Option<Self> {
        let found = matcher.intercept(&target.as_str().parse().ok()?)?;
        let has_user = found.basic_auth().is_some() || found.raw_auth().is_some();
        Some(Proxy { url: Url::parse(&found.uri().to_string()).ok()?, has_user })
    }

    /// The proxy that a variable with this value names for `target`.
    pub fn in_variable(value: &str, target: &Url) -> Option<Self> {
        Proxy::of(&Matcher::builder().all(value).build(), target)
    }

    /// Its port. SOCKS proxies have one that URLs do not know.
    pub fn port(&self) -> u16 {
        self.url.port_or_known_default().unwrap_or(1080)
    }
}

impl Settings {
    /// The proxy of requests to the service, if there is one.
    pub fn way(&self) -> Option<Proxy> {
        if is_loopback(&self.base) {
            return None;
        }
        let matcher = match &self.proxy {
            Some(proxy) => Matcher::builder().all(proxy.as_str()).build(),
            None => Matcher::from_system(),
        };
        Proxy::of(&matcher, &self.base)
    }
}

/// The addresses of a host, with this port.
pub(crate) async fn addresses(host: &str, port: u16, limit: Duration) -> io::Result<Vec<SocketAddr>> {
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let found = match timeout(limit, super::look_up(host)).await {
        Ok(found) => found?,
        Err(_) => return Err(late("no name server answered", limit)),
    };
    if found.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
    }
    Ok(found.into_iter().map(|address| SocketAddr::new(address.ip(), port)).collect())
}

/// Connects to the first address that answers, and closes the connection again.
pub(crate) async fn reach(addresses: &[SocketAddr], limit: Duration) -> io::Result<SocketAddr> {
    let mut tries = JoinSet::new();
    for address in addresses.iter().copied() {
        tries.spawn(async move { TcpStream::connect(address).await.map(|_| address) });
    }
    let first = async {
        let mut trouble = io::Error::from(io::ErrorKind::NotFound);
        while let Some(outcome) = tries.join_next().await {
            match outcome {
                Ok(Ok(address)) => return Ok(address),
                Ok(Err(cause)) => trouble = cause,
                Err(cause) => trouble = cause.into(),
            }
        }
        Err(trouble)
    };
    timeout(limit, first).await.unwrap_or_else(|_| Err(late("nothing answered", limit)))
}

fn late(what: &str, limit: Duration) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, format!("{what} within {} s", limit.as_secs_f64()))
}

/// The reason why the request of this error would fail again, if it would.
pub(crate) fn lasting(error: &Error) -> Option<Lasting> {
    fault::facts(error).lasting
}

/// True if the connection was not ready in time: with https: that includes the handshake.
pub(crate) fn is_late_connection(error: &Error) -> bool {
    cause(error).is_some_and(|cause| cause.is_connect() && cause.is_timeout())
}

/// True if no connection was made, so that nothing can have been sent.
pub fn is_unconnected(error: &Error) -> bool {
    cause(error).is_some_and(reqwest::Error::is_connect)
}

fn cause(error: &Error) -> Option<&reqwest::Error> {
    std::error::Error::source(error)?.downcast_ref()
}
