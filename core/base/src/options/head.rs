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

/// Where the service is, as `base_url` says it.
#[derive(Debug, PartialEq)]
#[doc(hidden)]
pub struct Base {
    /// Without a version, and without a slash at its end.
    pub url: Url,
    /// The version that stood at its end.
    pub version: Option<String>,
}

/// Path segments behind the version in the addresses of methods.
const RESOURCES: &[&str] = &[
    "batches",
    "cachedContents",
    "files",
    "interactions",
    "models",
    "projects",
    "publishers",
    "tunedModels",
];

/// Reads a base URL. A version of the API at its end, and the `/openai` of a dialect behind it, are taken off: the
/// same address stands in the settings of other libraries.
#[doc(hidden)]
pub fn read_base_url(text: &str) -> Result<Base, Message> {
    let url = Url::parse(text).ok().filter(|url| text.contains("://") && url.has_host());
    let mut url = match url {
        None => return Err("is not a URL; it takes one like https://host:port".into()),
        Some(url) if !matches!(url.scheme(), "http" | "https") => {
            return Err("is not an http or https URL; it takes one like https://host:port".into());
        }
        _ if text.contains(['?', '#']) => {
            return Err(message!(
                "has a query or a fragment; give a key by {}, the rest by {}",
                option("api_key"),
                option("headers")
            ));
        }
        Some(url) => url,
    };
    let path = url.path().to_owned();
    let mut segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let is_method = |index: usize| {
        let next = segments.get(index + 1);
        next.is_some_and(|next| RESOURCES.iter().any(|resource| next.split(':').next() == Some(*resource)))
    };
    let method = (0..segments.len())
        .find(|index| segments.get(*index).is_some_and(|segment| is_version(segment)) && is_method(*index))
        .or_else(|| {
            segments.iter().position(|segment| segment.contains(':') && segment.ends_with("Content"))
        });
    if let Some(index) = method {
        let before = index
            .checked_sub(1)
            .filter(|before| matches!(segments.get(*before), Some(&("upload" | "models"))));
        segments.truncate(before.unwrap_or(index));
        url.set_path(&segments.join("/"));
        // Both fail for URLs alone that have no host.
        let _ = (url.set_username(""), url.set_password(None));
        let base = url.as_str().trim_end_matches('/');
        return Err(message!("is the address of a method; it takes what stands before the version: {base}"));
    }
    if let [.., version, dialect] = segments.as_slice()
        && *dialect == "openai"
        && is_version(version)
    {
        segments.pop();
    }
    let version = segments.last().filter(|last| is_version(last)).map(|last| (*last).to_owned());
    if version.is_some() {
        segments.pop();
    }
    url.set_path(&segments.join("/"));
    Ok(Base { url, version })
}

/// Why a text is no base URL.
pub(crate) fn check_base_url(text: &str) -> Result<(), Message> {
    read_base_url(text).map(drop)
}

/// True for a version of the API: `v1`, `v1beta`, `v1alpha`, `v1beta1`.
fn is_version(segment: &str) -> bool {
    let Some(rest) = segment.strip_prefix('v') else { return false };
    let stage = rest.trim_start_matches(|letter: char| letter.is_ascii_digit());
    let stage = stage.trim_end_matches(|letter: char| letter.is_ascii_digit());
    rest.starts_with(|letter: char| letter.is_ascii_digit()) && matches!(stage, "" | "alpha" | "beta")
}

/// Why a text is no version of the API: it is one segment of every path.
#[doc(hidden)]
pub fn check_api_version(text: &str) -> Result<(), Message> {
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_is_read_as_other_libraries_have_it() {
        for (text, base, version) in [
            ("https://host", "https://host/", None),
            ("https://host/", "https://host/", None),
            ("https://host/v1beta", "https://host/", Some("v1beta")),
            ("https://host/v1beta/", "https://host/", Some("v1beta")),
            ("https://host/v1//", "https://host/", Some("v1")),
            ("https://host/v1beta/openai/", "https://host/", Some("v1beta")),
            ("https://host/v1beta1", "https://host/", Some("v1beta1")),
            ("http://host:8/google/v1alpha", "http://host:8/google", Some("v1alpha")),
            // Others may end so: these are no versions of this API.
            ("https://host/openai", "https://host/openai", None),
            ("https://host/v1beta/proxy", "https://host/v1beta/proxy", None),
            ("https://host/vision", "https://host/vision", None),
            ("https://host/v2-models", "https://host/v2-models", None),
            ("https://host/models", "https://host/models", None),
        ] {
            let wanted = Base { url: Url::parse(base).unwrap(), version: version.map(str::to_owned) };
            assert_eq!(read_base_url(text), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn the_address_of_a_method_is_answered_with_its_base() {
        for (text, base) in [
            ("https://host/v1beta/models/gemini-2.5-flash-image:generateContent", "https://host"),
            ("https://host/v1/models", "https://host"),
            ("https://host/proxy/v1beta/files/", "https://host/proxy"),
            ("https://host/upload/v1beta/files", "https://host"),
            ("https://me:secret@host/v1beta/interactions", "https://host"),
            ("https://host/models/m:streamGenerateContent", "https://host"),
        ] {
            let problem = read_base_url(text).unwrap_err();
            assert!(problem.ends_with(&format!("before the version: {base}")), "{text}: {problem}");
            assert!(!problem.contains("secret"));
        }
    }
}
