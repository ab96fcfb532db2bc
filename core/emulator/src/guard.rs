//! Who may ask: pages of other sites may not, though a browser on this machine could reach the port.
//!
//! A site can give its own name this machine's address (DNS rebinding): so the `Host` must be one that no
//! site can have, an address or `localhost`. A page served from this machine may read answers across origins, as
//! the service lets any page; the controls are for the emulator's own page, and for what is no browser.

use std::net::IpAddr;

use hyper::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, HOST, HeaderMap, HeaderValue, ORIGIN, VARY,
};
use hyper::http::request::Parts;
use hyper::http::uri::Authority;
use hyper::{Response, Uri};

use super::check::Refusal;

/// Under which names it can be asked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Hosts {
    /// Addresses and `localhost`.
    Sure,
    /// Any: whoever lets other machines in knows their names for this one.
    Any,
}

fn host(head: &Parts) -> Option<Authority> {
    let told = || head.headers.get(HOST)?.to_str().ok()?.parse().ok();
    head.uri.authority().cloned().or_else(told)
}

/// Whether no site can have this name.
fn is_sure(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.ends_with(".localhost") || address.parse::<IpAddr>().is_ok()
}

/// Whether this is a name of the very machine.
pub(super) fn is_here(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    address.map_or_else(|_| is_sure(host), |address| address.is_loopback())
}

/// Refuses what was sent to a name that some site may have.
pub(super) fn check(head: &Parts, hosts: Hosts) -> Result<(), Refusal> {
    let has_host = head.uri.authority().is_some() || head.headers.contains_key(HOST);
    if hosts == Hosts::Any || !has_host || host(head).is_some_and(|host| is_sure(host.host())) {
        return Ok(());
    }
    let message = "The Host header names another machine: this emulator answers to 127.0.0.1, localhost and other addresses only, so that no web site can reach it under a name of its own. Start it with the option `host` to let others in.";
    Err(Refusal::new(403, "PERMISSION_DENIED", message))
}

/// Refuses the controls to pages of other origins.
pub(super) fn check_own(head: &Parts) -> Result<(), Refusal> {
    let origin =
        head.headers.get(ORIGIN).map(|origin| origin.to_str().ok().and_then(|it| it.parse::<Uri>().ok()));
    let is_own = match origin {
        None => head.headers.get("sec-fetch-site").is_none_or(|site| site != "cross-site"),
        Some(origin) => {
            let authority = origin.and_then(|origin| origin.authority().cloned());
            authority.is_some() && authority == host(head)
        }
    };
    let message = "The emulator's controls are not for pages of other origins.";
    is_own.then_some(()).ok_or_else(|| Refusal::new(403, "PERMISSION_DENIED", message))
}

/// The page's origin that may read the answer: one that this machine serves.
pub(super) fn shared_with(head: &Parts) -> Option<HeaderValue> {
    let origin = head.headers.get(ORIGIN)?;
    let uri: Uri = origin.to_str().ok()?.parse().ok()?;
    is_here(uri.host()?).then(|| origin.clone())
}

/// What a browser that asks first is told: any header that it wants to send.
pub(super) fn allowed(head: &Parts) -> Vec<(&'static str, String)> {
    let wanted = head.headers.get("access-control-request-headers").and_then(|names| names.to_str().ok());
    vec![
        ("access-control-allow-methods", "GET, POST, PUT, PATCH, DELETE".to_owned()),
        ("access-control-allow-headers", wanted.unwrap_or_default().to_owned()),
        ("access-control-max-age", "600".to_owned()),
    ]
}

/// Lets that origin read it.
pub(super) fn share<B>(origin: Option<HeaderValue>, mut response: Response<B>) -> Response<B> {
    if let Some(origin) = origin {
        let headers: &mut HeaderMap = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("*"));
        headers.append(VARY, HeaderValue::from_static("origin"));
    }
    response
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_no_site_can_have_are_sure() {
        for host in ["127.0.0.1", "localhost", "LOCALHOST.", "app.localhost", "[::1]", "192.168.1.7"] {
            assert!(is_sure(host), "{host}");
        }
        for host in ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "", "notlocalhost"] {
            assert!(!is_sure(host), "{host}");
        }
        assert!(is_here("[::1]") && is_here("localhost") && !is_here("192.168.1.7"));
    }
}
