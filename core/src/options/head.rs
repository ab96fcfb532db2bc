//! Checks of the options that go into a request's address and head.
//!
//! An option sets what it is named for and nothing else: none may change the path, the host, the method or the
//! frame of a request, which would send the key or the body elsewhere, or lose a reply that is paid for.

use std::collections::BTreeMap;

use url::Url;

use crate::message::{Message, message, option};

/// Headers that belong to the connection, to the form of the body or of the reply, or that name another host or
/// method. The client and its connections set them.
const OURS: &[&str] = &[
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-range",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "range",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
];

/// Those of an upload's protocol, and those for a proxy, by how they begin.
const OURS_BEGIN: &[&str] = &["proxy-", "x-goog-upload-"];

/// The first of the headers that cannot be sent, and why.
pub(super) fn check_headers(headers: &BTreeMap<String, String>) -> Result<(), Message> {
    for (name, value) in headers {
        let plain = name.to_ascii_lowercase();
        if !(is_token(name) && value.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~'))) {
            return Err(message!(
                "has {name:?}, which is no HTTP header with its value: a name takes letters, digits and dashes, a value \
                 ASCII in one line"
            ));
        }
        if OURS.contains(&&*plain) || OURS_BEGIN.iter().any(|start| plain.starts_with(start)) {
            let instead = match &*plain {
                "host" => message!("; name the host by {}", option("base_url")),
                "proxy-authorization" => {
                    message!("; name the proxy's user and password in {}", option("proxy"))
                }
                _ => Message::default(),
            };
            return Err(message!("has {name:?}, which the client sets itself; leave it out{}", instead));
        }
    }
    Ok(())
}

/// Whether it is a name by RFC 9110.
fn is_token(name: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(is_letter)
}

/// Why a text is no base URL.
pub(crate) fn check_base_url(text: &str) -> Result<(), Message> {
    let url = Url::parse(text).ok().filter(|url| text.contains("://") && url.has_host());
    match url {
        None => Err("is not a URL; it takes one like https://host:port".into()),
        Some(url) if !matches!(url.scheme(), "http" | "https") => {
            Err("is not an http or https URL; it takes one like https://host:port".into())
        }
        _ if text.contains(['?', '#']) => Err(message!(
            "has a query or a fragment; give a key by {}, the rest by {}",
            option("api_key"),
            option("headers")
        )),
        Some(_) => Ok(()),
    }
}

/// Why a text is no version of the API: it is one segment of every path.
pub(crate) fn check_api_version(text: &str) -> Result<(), Message> {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let is_plain = text.bytes().all(is_letter) && text.bytes().any(|byte| byte.is_ascii_alphanumeric());
    if is_plain {
        Ok(())
    } else {
        Err("is not a version; it takes one like v1beta: letters, digits, -, . and _".into())
    }
}

/// Why a text is no proxy's URL.
pub(super) fn check_proxy(text: &str) -> Result<(), Message> {
    const SCHEMES: &[&str] = &["http", "https", "socks4", "socks4a", "socks5", "socks5h"];
    let url = Url::parse(text).ok().filter(|url| text.contains("://") && url.has_host());
    match url {
        None => Err("is not a URL; it takes one like https://host:port".into()),
        Some(url) if !SCHEMES.contains(&url.scheme()) => {
            Err("is of a scheme that no proxy has; it takes http, https, socks5 and socks5h".into())
        }
        Some(_) => Ok(()),
    }
}
