//! Debug output that can stand in a log: it shows no signed URL, no password of a URL, and no bytes as text.

use std::fmt::{self, Debug, Formatter};

use crate::secrets;

/// So many letters of base64 in a row are bytes, and no word.
const BYTES: usize = 200;

/// Writes debug output without the secrets that a text in it may hold.
#[doc(hidden)]
pub fn veiled(out: &mut Formatter<'_>, write: impl Fn(&mut Formatter<'_>) -> fmt::Result) -> fmt::Result {
    let plain = fmt::from_fn(write);
    let text = if out.alternate() { format!("{plain:#?}") } else { format!("{plain:?}") };
    out.write_str(&without_secrets(&text))
}

/// A field of a table for debug output. Options that are secrets as a whole are not shown.
#[doc(hidden)]
pub struct Veil<'a, T>(pub &'static str, pub &'a T);

impl<T: Debug> Debug for Veil<'_, T> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let Veil(name, value) = self;
        match secrets::is_option(name) && format!("{value:?}") != "None" {
            true => out.write_str("Some(…)"),
            false => value.fmt(out),
        }
    }
}

/// The text with every URL cut behind its path and before its host, and without what is bytes in base64.
pub(crate) fn without_secrets(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("://") {
        let (url, after) = behind.split_at(end_of_url(behind));
        let path = url.find(['?', '#']).unwrap_or(url.len());
        let (address, query) = url.split_at(path);
        let authority = address.find('/').unwrap_or(address.len());
        let host = address.get(..authority).and_then(|authority| authority.rfind('@')).map_or(0, |at| at + 1);
        clean.push_str(before);
        clean.push_str("://");
        clean.push_str(address.get(host..).unwrap_or_default());
        clean.push_str(if query.is_empty() { "" } else { "?…" });
        rest = after;
    }
    clean.push_str(rest);
    without_bytes(&clean)
}

/// Where a URL ends that stands in a text, which may be quoted and escaped.
fn end_of_url(text: &str) -> usize {
    let is_end = |letter: char| letter.is_whitespace() || matches!(letter, '"' | '<' | '>' | '`');
    let end = text.find(is_end).unwrap_or(text.len());
    let url = text.get(..end).unwrap_or_default();
    let escaped = ["\\n", "\\r", "\\t", "\\\""].iter().filter_map(|escape| url.find(escape)).min();
    escaped.unwrap_or_else(|| url.trim_end_matches('\\').len())
}

fn without_bytes(text: &str) -> String {
    let is_base64 =
        |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '+' | '/' | '=' | '-' | '_');
    let mut clean = String::with_capacity(text.len());
    for run in text.split_inclusive(|letter: char| !is_base64(letter)) {
        let word = run.trim_end_matches(|letter: char| !is_base64(letter));
        if word.len() < BYTES {
            clean.push_str(run);
        } else {
            clean.push_str(&format!("({} characters)", word.len()));
            clean.push_str(run.get(word.len()..).unwrap_or_default());
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::without_secrets;

    #[test]
    fn what_is_cut_is_the_secret_alone() {
        for (text, wanted) in [
            ("see https://a.example/b?c=d for more", "see https://a.example/b?… for more"),
            ("https://me:pw@a.example:8/b", "https://a.example:8/b"),
            ("https://me:p@w@a.example/b@c", "https://a.example/b@c"),
            ("gs://bucket/a#b", "gs://bucket/a?…"),
            (
                r#""say \"https://a.example/?b\" twice\nhttps://c.example?d""#,
                r#""say \"https://a.example/?…\" twice\nhttps://c.example?…""#,
            ),
            ("no :// url, what?", "no :// url, what?"),
            ("a b", "a b"),
        ] {
            assert_eq!(without_secrets(text), wanted);
        }
        let long = "x".repeat(300);
        assert_eq!(without_secrets(&format!("\"{long}\"")), "\"(300 characters)\"");
        assert_eq!(without_secrets(&long[..199]), long[..199]);
        let words = "a prompt of many words ".repeat(20);
        assert_eq!(without_secrets(&words), words);
    }
}
