//! The filter for secrets: the names of headers and parameters that hold them, and their removal from texts.
//!
//! A service or a gateway may repeat what it was sent: in an error, a header, an id or a URL. Every such text passes
//! [`Secrets::clean`] before it is used in an error, a log or a file. The filter removes the secrets that were sent, in
//! the encodings of JSON, URLs, HTML and base64, and the values of query parameters with the names of secrets.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

/// The replacement for a secret.
const MARK: &str = "…";

/// The minimum length of a key: a shorter one may be part of any word.
const LEAST_KEY: usize = 4;

/// The minimum length of a part of a header: a shorter one may be part of any word.
const LEAST_PART: usize = 8;

/// The minimum length of the start of a secret at the end of a truncated text, which is removed, too.
const LEAST_BEGINNING: usize = 6;

/// The maximum number of secrets of one request.
const MOST: usize = 64;

/// A longer string in a field `data` is a picture.
const SHORT: usize = 256;

/// Words in the names of headers that hold secrets.
const HEADERS: [&str; 7] = ["auth", "cookie", "credential", "key", "secret", "signature", "token"];

/// Names of query parameters that hold secrets, in lower case, without dashes and underscores.
const QUERIES: [&str; 14] = [
    "accesstoken",
    "apikey",
    "auth",
    "authorization",
    "clientsecret",
    "idtoken",
    "key",
    "oauthtoken",
    "password",
    "refreshtoken",
    "secret",
    "sig",
    "signature",
    "token",
];

/// Prefixes of the parameters of signed URLs.
const SIGNED: [&str; 3] = ["xamz", "xgoogsignature", "xgoogcredential"];

/// Options that are secret as a whole, in the same form: a header or a proxy may hold a password in any form.
const OPTIONS: [&str; 3] = ["apikey", "headers", "proxy"];

/// True if an option of this name is a secret as a whole.
pub fn is_option(name: &str) -> bool {
    OPTIONS.contains(&&*plain(name))
}

/// True if a header of this name holds a secret.
pub fn is_header(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name != "idempotency-key" && HEADERS.iter().any(|word| name.contains(word))
}

/// True if a query parameter of this name holds a secret.
pub fn is_query(name: &str) -> bool {
    // Google's system parameters may have a `$` before them.
    let plain = plain(name.trim_start_matches('$'));
    QUERIES.contains(&plain.as_str()) || SIGNED.iter().any(|begin| plain.starts_with(begin))
}

/// A name in lower case, without dashes and underscores.
fn plain(name: &str) -> String {
    name.chars().filter(|letter| !matches!(letter, '-' | '_')).collect::<String>().to_ascii_lowercase()
}

/// The secrets of one request.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secrets(Vec<Secret>);

#[derive(Clone, PartialEq, Eq)]
struct Secret {
    text: Vec<u8>,
    /// True if the text is base64, which has two alphabets.
    is_base64: bool,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Secrets({})", self.0.len())
    }
}

impl Secrets {
    /// Adds a key.
    pub fn add_key(&mut self, key: &str) {
        // It is sent without surrounding spaces.
        self.add(key.trim(), LEAST_KEY);
    }

    /// Adds a text that is a secret in any case, such as a password.
    pub fn add_part(&mut self, part: &str) {
        self.add(part.trim(), LEAST_PART);
    }

    /// Adds the value of a header whose name is one of secrets: the whole value, and each part that may be repeated
    /// alone.
    pub fn add_header(&mut self, name: &str, value: &str) {
        if !is_header(name) {
            return;
        }
        let value = value.trim();
        self.add_part(value);
        // In `set-cookie` only the first pair is the cookie; attributes follow.
        let is_set = name.eq_ignore_ascii_case("set-cookie");
        let shown = if is_set { value.split(';').next().unwrap_or_default() } else { value };
        let (scheme, rest) = match shown.split_once(char::is_whitespace) {
            // The first word is a scheme, such as Bearer.
            Some((scheme, rest)) if !scheme.contains(['=', ';', ',']) => (scheme, rest),
            _ => ("", shown),
        };
        for part in rest.split([' ', '\t', ';', ',']) {
            self.add_part(part);
            if let Some((_, value)) = part.split_once('=') {
                self.add_part(value.trim_matches('"'));
            }
        }
        if scheme.eq_ignore_ascii_case("basic")
            && let Some(pair) =
                STANDARD.decode(rest.trim()).ok().and_then(|pair| String::from_utf8(pair).ok())
        {
            self.add_part(&pair);
            self.add_part(pair.split_once(':').map_or("", |(_, password)| password));
        }
    }

    /// Adds the user and the password of a URL.
    pub fn add_url(&mut self, url: &str) {
        let Some((_, rest)) = url.split_once("://") else { return };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let Some((user, _)) = authority.rsplit_once('@') else { return };
        let plain = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
        let (name, password) = user.split_once(':').unwrap_or((user, ""));
        let (name, password) = (plain(name), plain(password));
        self.add_part(&format!("{name}:{password}"));
        self.add_key(&password);
        self.add_part(&name);
    }

    fn add(&mut self, text: &str, least: usize) {
        let is_new = |text: &[u8], all: &[Secret]| !all.iter().any(|known| known.text == text);
        if text.len() < least || self.0.len() >= MOST || !is_new(text.as_bytes(), &self.0) {
            return;
        }
        self.0.push(Secret { text: text.as_bytes().to_vec(), is_base64: false });
        if text.len() >= LEAST_PART {
            self.0.extend(in_base64(text.as_bytes()).map(|text| Secret { text, is_base64: true }));
        }
        // Longer secrets come first: a secret within another one must not leave the rest of that one behind.
        self.0.sort_by_key(|secret| std::cmp::Reverse(secret.text.len()));
    }

    /// The text without the secrets that were sent, and without the values of secret query parameters.
    pub fn clean<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let cut = match self.cut(text.as_bytes()) {
            // Secrets are whole characters, and so is the rest.
            Some(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
            None => Cow::Borrowed(text),
        };
        match without_signatures(&cut) {
            Some(clean) => Cow::Owned(clean),
            None => cut,
        }
    }

    /// As [`Secrets::clean`], for bytes that may not be UTF-8.
    pub fn clean_bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        match std::str::from_utf8(bytes) {
            Ok(text) => match self.clean(text) {
                Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
                Cow::Owned(text) => Cow::Owned(text.into_bytes()),
            },
            Err(_) => self.cut(bytes).map_or(Cow::Borrowed(bytes), Cow::Owned),
        }
    }

    /// As [`Secrets::clean`], for the strings and the names in JSON.
    pub fn clean_json(&self, json: Value) -> Value {
        match json {
            Value::String(text) => match self.clean(&text) {
                Cow::Owned(clean) => Value::String(clean),
                Cow::Borrowed(_) => Value::String(text),
            },
            Value::Array(list) => list.into_iter().map(|value| self.clean_json(value)).collect(),
            Value::Object(map) => {
                let clean = |(name, value): (String, Value)| {
                    let name = match self.clean(&name) {
                        Cow::Owned(clean) => clean,
                        Cow::Borrowed(_) => name,
                    };
                    // The bytes of a picture are not searched.
                    let is_data = name == "data" && value.as_str().is_some_and(|text| text.len() > SHORT);
                    (name, if is_data { value } else { self.clean_json(value) })
                };
                map.into_iter().map(clean).collect::<Map<_, _>>().into()
            }
            other => other,
        }
    }

    /// The text without the secrets that were sent; `None` if it has none.
    fn cut(&self, text: &[u8]) -> Option<Vec<u8>> {
        let mut clean: Option<Vec<u8>> = None;
        for secret in &self.0 {
            if let Some(less) = secret.cut(clean.as_deref().unwrap_or(text)) {
                clean = Some(less);
            }
        }
        clean
    }
}

/// The base64 of a text at each of the three possible offsets within a longer text, without the characters at both ends
/// that also depend on the neighbouring bytes.
fn in_base64(text: &[u8]) -> impl Iterator<Item = Vec<u8>> + use<> {
    let encoded = [0, 1, 2].map(|before: usize| {
        let whole = STANDARD.encode([&vec![0; before], text].concat());
        let (first, last) = ((before * 8).div_ceil(6), (before + text.len()) * 8 / 6);
        whole.as_bytes().get(first..last).unwrap_or_default().to_vec()
    });
    encoded.into_iter().filter(|letters| letters.len() >= LEAST_PART)
}

/// The result of comparing a secret with a text at one place.
enum Found {
    Not,
    /// The secret is there, and ends at this offset.
    To(usize),
    /// The start of the secret is there, at the end of the text.
    Beginning,
}

impl Secret {
    /// The text without this secret; `None` if it does not contain it.
    fn cut(&self, text: &[u8]) -> Option<Vec<u8>> {
        let first = *self.text.first()?;
        let mut begins = [false; 256];
        for (byte, begins) in (0..=u8::MAX).zip(&mut begins) {
            *begins = byte == first || matches!(byte, b'%' | b'\\' | b'&') || self.is_same(byte, first);
        }
        let (mut clean, mut kept, mut at) = (Vec::new(), 0, 0);
        while let Some(rest) = text.get(at..) {
            let may_begin = |byte: &u8| begins.get(usize::from(*byte)).copied().unwrap_or_default();
            let Some(next) = rest.iter().position(may_begin) else { break };
            at += next;
            let end = match self.stands_at(text, at) {
                Found::Not => {
                    at += 1;
                    continue;
                }
                Found::To(end) => end,
                Found::Beginning => text.len(),
            };
            clean.extend_from_slice(text.get(kept..at).unwrap_or_default());
            clean.extend_from_slice(MARK.as_bytes());
            (kept, at) = (end, end);
        }
        if clean.is_empty() {
            return None;
        }
        clean.extend_from_slice(text.get(kept..).unwrap_or_default());
        Some(clean)
    }

    fn stands_at(&self, text: &[u8], start: usize) -> Found {
        let mut at = start;
        for (place, byte) in self.text.iter().enumerate() {
            if at >= text.len() {
                return if place >= LEAST_BEGINNING { Found::Beginning } else { Found::Not };
            }
            match self.spelt_at(text, at, *byte) {
                Some(len) => at += len,
                None => return Found::Not,
            }
        }
        Found::To(at)
    }

    /// The number of bytes at this place that encode `byte`, in any of the encodings.
    fn spelt_at(&self, text: &[u8], at: usize, byte: u8) -> Option<usize> {
        let rest = text.get(at..)?;
        let hex = |digits: Option<&[u8]>| {
            u8::from_str_radix(std::str::from_utf8(digits?).ok()?, 16).ok().filter(|read| *read == byte)
        };
        let encoded = match rest {
            [b'%', ..] => hex(rest.get(1..3)).map(|_| 3),
            [b'\\', b'u', b'0', b'0', ..] => hex(rest.get(4..6)).map(|_| 6),
            [b'\\', escaped, ..] if *escaped == byte => Some(2),
            [b'&', ..] => of_html(rest).filter(|(code, _)| *code == byte).map(|(_, len)| len),
            _ => None,
        };
        // The plain byte comes last: in HTML every character reference begins with an ampersand.
        let is_letter = rest.first().is_some_and(|first| *first == byte || self.is_same(*first, byte));
        encoded.or(is_letter.then_some(1))
    }

    /// True for equal values in the two alphabets of base64.
    fn is_same(&self, one: u8, other: u8) -> bool {
        self.is_base64 && matches!((one, other), (b'-', b'+') | (b'_', b'/'))
    }
}

/// The byte of an HTML character reference, and the length of the reference.
fn of_html(text: &[u8]) -> Option<(u8, usize)> {
    let end = text.iter().take(9).position(|letter| *letter == b';')?;
    let name = std::str::from_utf8(text.get(1..end)?).ok()?;
    let code = match (name, name.strip_prefix('#')) {
        ("amp", _) => b'&',
        ("lt", _) => b'<',
        ("gt", _) => b'>',
        ("quot", _) => b'"',
        ("apos", _) => b'\'',
        (_, Some(number)) => match number.strip_prefix(['x', 'X']) {
            Some(digits) => u8::from_str_radix(digits, 16).ok()?,
            None => number.parse().ok()?,
        },
        _ => return None,
    };
    Some((code, end + 1))
}

/// The text without the values of secret query parameters, and without users and passwords of URLs; `None` if it has
/// none of them.
fn without_signatures(text: &str) -> Option<String> {
    if !text.contains(['?', '&', '#']) && !text.contains("://") {
        return None;
    }
    let ends =
        |letter: char| letter.is_whitespace() || matches!(letter, '"' | '\'' | '<' | '>' | '\\' | '`' | '#');
    let (mut clean, mut rest, mut is_changed) = (String::new(), text, false);
    while let Some(at) = rest.find(['?', '&', '#', ':']) {
        let (before, found) = rest.split_at(at);
        clean.push_str(before);
        let (mark, after) = found.split_at(1);
        clean.push_str(mark);
        rest = after;
        if mark == ":" {
            let Some(place) = after.strip_prefix("//") else { continue };
            let len =
                place.find(|letter: char| ends(letter) || matches!(letter, '/' | '?')).unwrap_or(place.len());
            let authority = place.get(..len).unwrap_or_default();
            if let Some((user, _)) =
                authority.rsplit_once('@').filter(|(user, _)| !user.is_empty() && *user != MARK)
            {
                clean.push_str("//");
                clean.push_str(MARK);
                rest = place.get(user.len()..).unwrap_or_default();
                is_changed = true;
            }
            continue;
        }
        // The URL may be in HTML.
        if let Some(after) = rest.strip_prefix("amp;") {
            clean.push_str("amp;");
            rest = after;
        }
        let len = rest.find(|letter: char| ends(letter) || matches!(letter, '?' | '&')).unwrap_or(rest.len());
        let pair = rest.get(..len).unwrap_or_default();
        let Some((name, value)) = pair.split_once('=') else { continue };
        let plain = percent_encoding::percent_decode_str(name).decode_utf8_lossy();
        if !value.is_empty() && value != MARK && is_query(&plain) {
            clean.push_str(name);
            clean.push('=');
            clean.push_str(MARK);
            rest = rest.get(len..).unwrap_or_default();
            is_changed = true;
        }
    }
    clean.push_str(rest);
    is_changed.then_some(clean)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use base64::engine::general_purpose::URL_SAFE;
    use serde_json::json;

    use super::*;

    fn of(add: impl FnOnce(&mut Secrets)) -> Secrets {
        let mut secrets = Secrets::default();
        add(&mut secrets);
        secrets
    }

    #[test]
    fn a_secret_is_found_in_every_spelling() {
        let secrets = of(|all| all.add_key("AIza/Sy+0123=&\"x"));
        for text in [
            "AIza/Sy+0123=&\"x",
            "AIza%2FSy%2B0123%3D%26%22x",
            "AIza%2fSy%2b0123%3d&%22x",
            "AIza\\/Sy+0123=\\u0026\\\"x",
            "\\u0041Iza/Sy+0123=&amp;&quot;x",
            "&#65;Iza/Sy+0123=&#x26;&quot;x",
        ] {
            assert_eq!(secrets.clean(&format!("a {text} b {text}")), "a … b …", "{text}");
        }
        for before in ["", "a", "ab", "abc"] {
            let pair = format!("{before}AIza/Sy+0123=&\"x:more");
            for coded in [STANDARD.encode(&pair), URL_SAFE.encode(&pair)] {
                let clean = secrets.clean(&coded).into_owned();
                assert!(clean.contains('…') && clean.len() < coded.len() - 8, "{coded} {clean}");
            }
        }
        assert_eq!(secrets.clean("cut off: AIza/Sy+"), "cut off: …");
        assert_eq!(secrets.clean("AIza is a beginning"), "AIza is a beginning");
        assert!(matches!(secrets.clean("nothing & no % of it \\"), Cow::Borrowed(_)));
        assert_eq!(
            secrets.clean_bytes(b"\xffAIza/Sy+0123=&\"x\xff").as_ref(),
            [b"\xff", MARK.as_bytes(), b"\xff"].concat()
        );
        assert_eq!(of(|all| all.add_key("any")).clean("any word"), "any word");
    }

    #[test]
    fn each_part_of_a_header_is_one() {
        for (name, value, repeated) in [
            ("Authorization", "Bearer ya29.0123456789", "ya29.0123456789"),
            ("cookie", "a=1; session=cookie-0123456789; b=2", "cookie-0123456789"),
            ("Set-Cookie", "session=cookie-0123456789; HttpOnly", "cookie-0123456789"),
            ("proxy-authorization", "Basic bWU6cGFzc3dvcmQtMDEyMw==", "password-0123"),
            ("authorization", "Digest username=\"me\", response=\"0123456789abcdef\"", "0123456789abcdef"),
            ("x-session-token", "0123456789", "0123456789"),
        ] {
            let secrets = of(|all| all.add_header(name, value));
            assert_eq!(secrets.clean(&format!("<{repeated}>")), "<…>", "{name}");
            assert_eq!(secrets.clean(&format!("<{value}>")), "<…>", "{name}");
        }
        let set = of(|all| all.add_header("set-cookie", "a=cookie-0123456789; HttpOnly; Path=/somewhere"));
        assert_eq!(set.clean("HttpOnly Path=/somewhere"), "HttpOnly Path=/somewhere");
        assert_eq!(of(|all| all.add_header("x-team", "blue-and-green")), Secrets::default());
        let proxy = of(|all| all.add_url("http://me:pass%2Fword@proxy.example:8080/x"));
        assert_eq!(proxy.clean("407 pass/word pass%2Fword me:pass/word"), "407 … … …");
    }

    #[test]
    fn the_values_of_queries_that_sign_go_by_their_names() {
        let none = Secrets::default();
        for name in
            ["key", "access_token", "X-Goog-Signature", "X-Amz-Credential", "sig", "token", "api%5Fkey"]
        {
            let url = format!("see https://a.example/b?alt=sse&{name}=0123/abc%20&x=1, and so on");
            let clean = format!("see https://a.example/b?alt=sse&{name}=…&x=1, and so on");
            assert_eq!(none.clean(&url), clean);
            assert!(matches!(none.clean(&clean), Cow::Borrowed(_)), "once is enough");
            assert_eq!(none.clean(&format!("/b?{name}=0123")), format!("/b?{name}=…"));
        }
        assert_eq!(none.clean("http://me:secret@a.example/?a=1"), "http://…@a.example/?a=1");
        assert_eq!(
            none.clean("https://a.example/#access_token=01&x=1"),
            "https://a.example/#access_token=…&x=1"
        );
        assert_eq!(none.clean("<a href=\"/?a=1&amp;sig=01\">"), "<a href=\"/?a=1&amp;sig=…\">");
        for text in
            ["?pageToken=abc", "a key=value pair", "is it 10:30? & so on", "continuation_token=a", "a://b"]
        {
            assert!(matches!(none.clean(text), Cow::Borrowed(_)), "{text}");
        }
    }

    #[test]
    fn json_is_clean_in_names_and_texts() {
        let secrets = of(|all| all.add_key("canary-0123"));
        let clean = secrets.clean_json(json!({ "canary-0123": ["a canary-0123", 1, { "u": "x?sig=1" }] }));
        assert_eq!(clean, json!({ "…": ["a …", 1, { "u": "x?sig=…" }] }));
        assert_eq!(format!("{secrets:?}"), format!("Secrets({})", secrets.0.len()));
    }
}
