//! How files come: in one request, raw or in two parts, or resumable by either of Google's two protocols.
//!
//! Resumable uploads go on by `X-Goog-Upload-Command`, or by `PUT` with `Content-Range` if `uploadType=resumable` opened
//! them.

use hyper::Method;
use hyper::http::request::Parts;
use serde_json::{Value, json};

use super::check::{Refusal, at, bad, text};
use super::files::{Library, Told, Upcoming};
use super::proto;
use super::route::{header, value};
use super::server::Outgoing;

/// How a file comes in one request.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Protocol {
    /// Its bytes alone.
    Raw,
    /// Its JSON, then its bytes.
    Multipart,
}

/// The protocol of an upload, as its request names it: by header, or in the query.
fn way(head: &Parts, query: &[(String, String)]) -> Option<String> {
    let named = |name: &str| value(query, name).or(value(query, &format!("${name}")));
    header(head, "x-goog-upload-protocol")
        .or_else(|| named("upload_protocol").map(str::to_owned))
        .or_else(|| named("uploadType").map(str::to_owned))
        .map(|way| way.to_ascii_lowercase())
}

/// The way in one request that is asked for; none if the upload is resumable, or if nothing is said.
pub(super) fn protocol(head: &Parts, query: &[(String, String)]) -> Option<Protocol> {
    match way(head, query)?.as_str() {
        "raw" | "media" => Some(Protocol::Raw),
        "multipart" => Some(Protocol::Multipart),
        _ => None,
    }
}

/// Takes a whole file.
pub(super) fn store(
    files: &Library,
    version: &str,
    protocol: Protocol,
    head: &Parts,
    body: &[u8],
) -> Result<Told, Refusal> {
    let kind = header(head, "content-type");
    let told = header(head, "x-goog-upload-header-content-type");
    let display_name = header(head, "x-goog-upload-file-name");
    let (file, mime_type, content) = match protocol {
        Protocol::Raw => (json!({}), told.or(kind), body.to_vec()),
        Protocol::Multipart => {
            let (file, mime_type, content) = two_parts(&kind.unwrap_or_default(), body)?;
            (file, told.or(mime_type), content)
        }
    };
    files.store(
        version,
        Upcoming { file, mime_type, display_name, size: Some(content.len() as u64) },
        content,
    )
}

/// Opens a resumable upload.
pub(super) fn start(
    files: &Library,
    version: &str,
    head: &Parts,
    query: &[(String, String)],
    body: &[u8],
) -> Result<Told, Refusal> {
    let is_by_header = header(head, "x-goog-upload-protocol").is_some();
    if way(head, query).as_deref() != Some("resumable") {
        return Err(bad(
            "X-Goog-Upload-Protocol, or uploadType in the query, must be one of resumable, multipart and raw (media).",
        ));
    }
    let file =
        proto::parse(body).map_err(|problem| bad(format!("Invalid JSON payload received. {problem}")))?;
    let told = |new: &str, old: &str| header(head, new).or_else(|| header(head, old));
    let size = told("x-goog-upload-header-content-length", "x-upload-content-length");
    let size = size.filter(|size| !size.is_empty()).map(|size| {
        size.parse().map_err(|_| bad("X-Goog-Upload-Header-Content-Length must be the size of the file."))
    });
    let upcoming = Upcoming {
        file,
        mime_type: told("x-goog-upload-header-content-type", "x-upload-content-type"),
        display_name: None,
        size: size.transpose()?,
    };
    let url = files.open(version, upcoming)?;
    let headers = match is_by_header {
        true => vec![
            ("x-goog-upload-url", format!("{url}&upload_protocol=resumable")),
            ("x-goog-upload-status", "active".to_owned()),
            ("x-goog-upload-chunk-granularity", super::files::GRAIN.to_string()),
        ],
        false => vec![("location", format!("{url}&uploadType=resumable"))],
    };
    Ok((headers, json!({})))
}

/// Takes a chunk, or says how far an upload is.
pub(super) fn go_on(
    files: &Library,
    key: &str,
    command: &str,
    head: &Parts,
    chunk: &[u8],
) -> Result<Outgoing, Refusal> {
    if head.method != Method::PUT {
        let offset = header(head, "x-goog-upload-offset").and_then(|offset| offset.parse().ok());
        let (headers, json) = files.go_on(key, command, offset, chunk)?;
        return Ok(Outgoing { headers, ..Outgoing::json(200, &json) });
    }
    let range = header(head, "content-range");
    let range = match &range {
        None => Range { first: Some(0), total: Some(chunk.len() as u64) },
        Some(range) => Range::read(range)
            .ok_or_else(|| bad("Content-Range must be `bytes FIRST-LAST/SIZE`, or `bytes */SIZE`."))?,
    };
    let ends = |first: u64| range.total.is_some_and(|total| first + chunk.len() as u64 >= total);
    let command = match range.first {
        None => "query",
        Some(first) if ends(first) => "upload, finalize",
        Some(_) => "upload",
    };
    let (headers, json) = files.go_on(key, command, range.first, chunk)?;
    let is_final = headers.iter().any(|(_, value)| value == "final");
    if is_final {
        return Ok(Outgoing::json(200, &json));
    }
    let has = files.received(key)?;
    let range = (has > 0).then(|| ("range", format!("bytes=0-{}", has.saturating_sub(1))));
    Ok(Outgoing { headers: range.into_iter().collect(), ..Outgoing::json(308, &json!({})) })
}

/// A `Content-Range`.
struct Range {
    /// Where the chunk begins; none if there is no chunk.
    first: Option<u64>,
    total: Option<u64>,
}

impl Range {
    fn read(text: &str) -> Option<Self> {
        let (range, total) = text.trim().strip_prefix("bytes")?.trim().split_once('/')?;
        let first = match range {
            "*" => None,
            range => Some(range.split_once('-')?.0.parse().ok()?),
        };
        let total = if total == "*" { None } else { Some(total.parse().ok()?) };
        Some(Range { first, total })
    }
}

/// The JSON of a `multipart/related` body, and the type and bytes of its second part.
fn two_parts(kind: &str, body: &[u8]) -> Result<(Value, Option<String>, Vec<u8>), Refusal> {
    let boundary = boundary(kind).ok_or_else(|| {
        bad("The Content-Type of a multipart upload must be multipart/related with a boundary.")
    })?;
    let parts = parts(body, &boundary);
    let [told, content] = parts.as_slice() else {
        return Err(bad(format!(
            "A multipart upload has two parts, the file's JSON and its bytes; {} came.",
            parts.len()
        )));
    };
    let file = proto::parse(told.content)
        .map_err(|problem| bad(format!("Invalid JSON payload received. {problem}")))?;
    let bytes = match content.field("content-transfer-encoding").as_deref() {
        Some(coding) if coding.eq_ignore_ascii_case("base64") => std::str::from_utf8(content.content)
            .ok()
            .and_then(proto::base64)
            .ok_or_else(|| bad("The second part of the upload is not base64."))?,
        _ => content.content.to_vec(),
    };
    // What is said of the file itself is surer than a library's default for a part.
    let is_told =
        text(at(at(&file, "file"), "mimeType")).or(text(at(at(&file, "file"), "mime_type"))).is_some();
    let mime_type = content.field("content-type").filter(|_| !is_told);
    Ok((file, mime_type, bytes))
}

fn boundary(kind: &str) -> Option<String> {
    let mut fields = kind.split(';').map(str::trim);
    let is_multipart = fields.next()?.to_ascii_lowercase().starts_with("multipart/");
    let boundary = fields.find_map(|field| {
        let (name, value) = field.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("boundary")
            .then(|| value.trim().trim_matches(['"', '\'']).to_owned())
    })?;
    (is_multipart && !boundary.is_empty()).then_some(boundary)
}

/// A part of a body: its head and its content.
struct Part<'a> {
    head: &'a [u8],
    content: &'a [u8],
}

impl Part<'_> {
    fn field(&self, name: &str) -> Option<String> {
        let head = String::from_utf8_lossy(self.head);
        head.lines().find_map(|line| {
            let (known, value) = line.split_once(':')?;
            known.trim().eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    }
}

/// The parts between the boundaries; line ends may be LF alone.
fn parts<'a>(body: &'a [u8], boundary: &str) -> Vec<Part<'a>> {
    let mark = format!("--{boundary}");
    let finder = memchr::memmem::Finder::new(mark.as_bytes());
    let is_at_start = |place: usize| place == 0 || body.get(place - 1) == Some(&b'\n');
    let marks: Vec<usize> = finder.find_iter(body).filter(|place| is_at_start(*place)).collect();
    let ends = marks.iter().skip(1).copied().chain([body.len()]);
    let between = marks.iter().zip(ends).filter_map(|(start, end)| body.get(start + mark.len()..end));
    between.filter(|part| !part.starts_with(b"--")).filter_map(part).collect()
}

/// One part between two boundaries.
fn part(text: &[u8]) -> Option<Part<'_>> {
    let start = text.iter().position(|byte| *byte == b'\n')? + 1;
    let text = text.get(start..)?;
    let text = text.strip_suffix(b"\r\n").or(text.strip_suffix(b"\n")).unwrap_or(text);
    // A part may have no head at all: its first line is empty then.
    if let Some(content) = text.strip_prefix(b"\r\n").or(text.strip_prefix(b"\n")) {
        return Some(Part { head: b"", content });
    }
    let crlf = memchr::memmem::find(text, b"\r\n\r\n").map(|place| (place, place + 4));
    let lf = memchr::memmem::find(text, b"\n\n").map(|place| (place, place + 2));
    let (end, begin) = [crlf, lf].into_iter().flatten().min()?;
    Some(Part { head: text.get(..end)?, content: text.get(begin..)? })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn both_parts_are_found_whatever_ends_their_lines() {
        let kind = "Multipart/Related; charset=utf-8; boundary=\"a b\"";
        for end in ["\r\n", "\n"] {
            let lines = [
                "before",
                "--a b",
                "Content-Type: application/json",
                "",
                "{'file': {}}",
                "--a b",
                "content-type: image/png",
                "",
                "one\n--a bc",
                "",
                "--a b--",
                "",
            ];
            let body = lines.join(end);
            // A line that begins like the boundary is one: bytes must not hold it.
            let body = body.replace("--a bc", "-- a b");
            let (file, kind, bytes) = two_parts(kind, body.as_bytes()).unwrap();
            assert_eq!((file, kind.as_deref()), (json!({"file": {}}), Some("image/png")));
            assert_eq!(String::from_utf8(bytes).unwrap(), format!("one\n-- a b{end}"));
        }
        let coded = b"--x\n\n{}\n--x\nContent-Transfer-Encoding: BASE64\n\nb25\nl\n--x--";
        assert_eq!(two_parts("multipart/related; boundary=x", coded).unwrap().2, b"one");
        for (kind, body, says) in [
            ("multipart/related", "--x\n\n{}\n--x--", "boundary"),
            ("image/png; boundary=x", "--x\n\n{}\n--x--", "boundary"),
            ("multipart/related; boundary=x", "--x\n\n{}\n--x--", "1 came"),
            ("multipart/related; boundary=x", "", "0 came"),
            ("multipart/related; boundary=x", "--x\n\n{\n--x\n\none\n--x--", "Expected an object key"),
        ] {
            assert!(two_parts(kind, body.as_bytes()).unwrap_err().message.contains(says), "{body}");
        }
    }

    #[test]
    fn a_range_says_what_comes_and_how_much_there_is() {
        let read = |text| Range::read(text).map(|range| (range.first, range.total));
        assert_eq!(read("bytes 5-9/10"), Some((Some(5), Some(10))));
        assert_eq!(read("bytes 0-9/*"), Some((Some(0), None)));
        assert_eq!(read("bytes */10"), Some((None, Some(10))));
        assert_eq!(read("lines 1-2/3"), None);
    }
}
