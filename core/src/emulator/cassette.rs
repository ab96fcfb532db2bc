//! Calls of the real service, kept in a folder: recorded once, and answered from there ever after.
//!
//! `cassette.json` holds them in order, in JSON that people can read and compare; the pictures in them lie beside
//! it as files named by their SHA-256, each once. Keys are in neither: no header of a request is kept, and of a
//! reply only those that clients read.
//!
//! A request is answered by the first recorded one that means the same and was not given yet, and by the
//! last such one when all were: same method and path, same query but for the key, same JSON whatever the order of
//! names and whether they are written as `inlineData` or `inline_data`. If there is none, the refusal says how
//! the nearest one differs.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::HeaderMap;
use serde_json::{Map, Value, json};

use super::check::Refusal;
use crate::codec::Format;
use crate::error::{Error, Kind};
use crate::save::{self, Manner};

const NAME: &str = "cassette.json";

/// The number of this file format; a file with a higher one is from a newer version.
const VERSION: u64 = 1;

/// Texts shorter than this stay where they are, pictures or not.
const SHORT: usize = 256;

/// What of a reply's headers clients read.
const TOLD: [&str; 7] = [
    "content-type",
    "retry-after",
    "x-gemini-service-tier",
    "x-goog-upload-chunk-granularity",
    "x-goog-upload-size-received",
    "x-goog-upload-status",
    "x-goog-upload-url",
];

/// A folder of recorded calls.
#[derive(Debug)]
pub(super) struct Cassette {
    folder: PathBuf,
    calls: Mutex<Vec<Call>>,
}

#[derive(Debug, Clone)]
struct Call {
    asked: Asked,
    reply: Value,
    was_given: bool,
}

/// A request as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Asked {
    method: String,
    path: String,
    query: BTreeMap<String, String>,
    /// As it was sent; kept, its pictures stand as files.
    body: Value,
    meaning: Value,
}

/// A reply as it came, and as it goes out.
#[derive(Debug, PartialEq)]
pub(super) struct Replied {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Whether the line broke behind the body.
    pub is_broken: bool,
}

impl Cassette {
    /// Opens the folder, or makes it; it may be empty.
    pub fn open(folder: &str) -> Result<Self, Error> {
        let folder = PathBuf::from(folder);
        let failed = |what: &str, cause: &dyn std::fmt::Display| {
            let problem = format!("the cassette {} {what}: {cause}", folder.display());
            Error::new(Kind::ConfigError, problem)
        };
        let text = match fs::read(folder.join(NAME)) {
            Ok(text) => text,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Cassette { folder, calls: Mutex::default() });
            }
            Err(cause) => return Err(failed("cannot be read", &cause)),
        };
        let json: Value = serde_json::from_slice(&text).map_err(|cause| failed("is damaged", &cause))?;
        if json.get("version").and_then(Value::as_u64).is_none_or(|version| version > VERSION) {
            return Err(failed("cannot be read", &"it is none, or of a newer version of this library"));
        }
        let calls = json.get("calls").and_then(Value::as_array).into_iter().flatten();
        let calls = calls.map(Call::read).collect::<Option<Vec<_>>>();
        let calls = calls.ok_or_else(|| failed("is damaged", &"a call in it is none"))?;
        Ok(Cassette { folder, calls: Mutex::new(calls) })
    }

    fn calls(&self) -> MutexGuard<'_, Vec<Call>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it lies in this folder.
    pub fn is_in(&self, folder: &Path) -> bool {
        let place = |folder: &Path| fs::canonicalize(folder).or_else(|_| std::path::absolute(folder)).ok();
        place(folder).is_some_and(|wanted| place(&self.folder) == Some(wanted))
    }

    /// From the first call on again, or as if none had ever been recorded.
    pub fn rewind(&self, is_erased: bool) {
        let mut calls = self.calls();
        if is_erased {
            calls.clear();
        }
        calls.iter_mut().for_each(|call| call.was_given = false);
    }

    /// The recorded reply. Where the service can be asked instead, one that broke stands for no whole one.
    pub fn find(&self, asked: &Asked, can_ask: bool) -> Option<Result<Replied, Refusal>> {
        let reply = {
            let mut calls = self.calls();
            let fits = |call: &Call| call.asked.means(asked);
            let stays = |call: &Call| fits(call) && !(can_ask && call.is_broken());
            if !calls.iter().any(stays) {
                return None;
            }
            let next = calls.iter().position(|call| !call.was_given && fits(call));
            let index = next.or_else(|| calls.iter().rposition(stays))?;
            let call = calls.get_mut(index)?;
            call.was_given = true;
            call.reply.clone()
        };
        let damaged = || {
            let message =
                format!("The cassette {} is damaged: a reply in it cannot be read.", self.folder.display());
            Refusal::new(500, "INTERNAL", message)
        };
        Some(self.replied(&reply).ok_or_else(damaged))
    }

    /// Why nothing was found.
    pub fn missed(&self, asked: &Asked) -> Refusal {
        let calls = self.calls();
        let near =
            calls.iter().filter(|call| call.asked.path == asked.path && call.asked.method == asked.method);
        let differences = near.map(|call| call.asked.differences(asked)).min_by_key(Vec::len);
        let what = format!("{} {}", asked.method, asked.path);
        let message = match differences {
            Some(differences) => {
                let shown: Vec<String> = differences.iter().take(5).cloned().collect();
                format!(
                    "No recorded call means the same as this {what}. The nearest one differs in {}.",
                    shown.join("; ")
                )
            }
            None => format!("No call of {what} is recorded in {}.", self.folder.display()),
        };
        Refusal::new(404, "NOT_FOUND", message)
    }

    /// Keeps a call: on disk when this returns.
    pub fn keep(&self, asked: Asked, replied: &Replied) -> std::io::Result<()> {
        let Replied { status, headers, body, is_broken } = replied;
        let told = headers.iter().filter(|(name, _)| TOLD.contains(&name.as_str()));
        let told: Map<String, Value> =
            told.map(|(name, value)| (name.clone(), value.as_str().into())).collect();
        fs::create_dir_all(&self.folder)?;
        let mut reply = Map::new();
        let mut put = |name: &str, value: Value| reply.insert(name.to_owned(), value);
        put("status", (*status).into());
        put("headers", told.into());
        let mut rest = body.as_slice();
        if let Ok(json) = serde_json::from_slice::<Value>(body) {
            put("json", self.put(json)?);
            rest = &[];
        } else if is_stream(headers)
            && let Some((whole, part)) = body.split_at_checked(last_end(body))
            && let Some(events) = events(whole)
        {
            put("events", self.put(events)?);
            rest = part;
        }
        let (form, content) = match std::str::from_utf8(rest) {
            Ok(text) if text.len() < SHORT * 64 => ("text", text.into()),
            _ => ("file", self.file(rest)?.into()),
        };
        if !rest.is_empty() {
            put(form, content);
        }
        if *is_broken {
            put("broken", true.into());
        }
        let asked = Asked { body: self.put(asked.body)?, ..asked };
        let mut calls = self.calls();
        if !is_broken {
            // An earlier run had it no better: now there is one to stand for it.
            calls.retain(|call| call.was_given || !call.is_broken() || !call.asked.means(&asked));
        }
        calls.push(Call { asked, reply: reply.into(), was_given: true });
        let json = json!({ "version": VERSION, "calls": calls.iter().map(Call::told).collect::<Vec<_>>() });
        let text = serde_json::to_vec_pretty(&json)?;
        save::replace(&self.folder.join(NAME), Manner::default(), |out| out.write_all(&text))
    }

    /// The JSON with its pictures as files: they are written.
    fn put(&self, json: Value) -> std::io::Result<Value> {
        Ok(match json {
            Value::Object(map) => {
                let put = |(name, value): (String, Value)| match bytes_of(&name, &value) {
                    Some(bytes) => Ok((name, json!({ "$file": self.file(&bytes)? }))),
                    None => self.put(value).map(|value| (name, value)),
                };
                map.into_iter().map(put).collect::<std::io::Result<Map<_, _>>>()?.into()
            }
            Value::Array(list) => {
                list.into_iter().map(|value| self.put(value)).collect::<std::io::Result<Vec<_>>>()?.into()
            }
            other => other,
        })
    }

    fn file(&self, bytes: &[u8]) -> std::io::Result<String> {
        let name = file_name(bytes);
        let path = self.folder.join(&name);
        if !path.exists() {
            save::replace(&path, Manner::default(), |out| out.write_all(bytes))?;
        }
        Ok(name)
    }

    fn replied(&self, reply: &Value) -> Option<Replied> {
        let mut body = Vec::new();
        if let Some(json) = reply.get("json") {
            body = serde_json::to_vec_pretty(&self.whole(json)?).ok()?;
        }
        if let Some(events) = reply.get("events") {
            for event in events.as_array()? {
                body.extend(b"data: ");
                serde_json::to_writer(&mut body, &self.whole(event)?).ok()?;
                body.extend(b"\r\n\r\n");
            }
        }
        // What stands behind the events of a stream that broke in the middle of one.
        if let Some(text) = reply.get("text") {
            body.extend(text.as_str()?.as_bytes());
        }
        if let Some(file) = reply.get("file") {
            body.extend(self.read(file.as_str()?)?);
        }
        let status =
            u16::try_from(reply["status"].as_u64()?).ok().filter(|code| (200..600).contains(code))?;
        let headers = reply["headers"].as_object()?.iter();
        let headers = headers.map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
        let is_broken = is_broken(reply);
        Some(Replied { status, headers: headers.collect::<Option<_>>()?, body, is_broken })
    }

    /// The JSON with its pictures in it.
    fn whole(&self, json: &Value) -> Option<Value> {
        Some(match json {
            Value::Object(map) => match map.get("$file").and_then(Value::as_str) {
                Some(name) if map.len() == 1 => STANDARD.encode(self.read(name)?).into(),
                _ => {
                    let whole = |(name, value): (&String, &Value)| Some((name.clone(), self.whole(value)?));
                    map.iter().map(whole).collect::<Option<Map<_, _>>>()?.into()
                }
            },
            Value::Array(list) => {
                list.iter().map(|value| self.whole(value)).collect::<Option<Vec<_>>>()?.into()
            }
            other => other.clone(),
        })
    }

    /// Of a file in the folder, and of no other.
    fn read(&self, name: &str) -> Option<Vec<u8>> {
        let (hash, extension) = name.split_once('.')?;
        let is_ours = hash.len() == 64
            && hash.bytes().all(|letter| letter.is_ascii_hexdigit())
            && extension.bytes().all(|letter| letter.is_ascii_alphanumeric());
        is_ours.then(|| fs::read(self.folder.join(Path::new(name))).ok()).flatten()
    }
}

impl Call {
    fn told(&self) -> Value {
        let Asked { method, path, query, body, .. } = &self.asked;
        let mut request = json!({ "method": method, "path": path });
        if let Some(request) = request.as_object_mut() {
            if !query.is_empty() {
                request.insert("query".to_owned(), json!(query));
            }
            if !body.is_null() {
                request.insert("body".to_owned(), body.clone());
            }
        }
        json!({ "request": request, "reply": self.reply })
    }

    fn is_broken(&self) -> bool {
        is_broken(&self.reply)
    }

    fn read(told: &Value) -> Option<Self> {
        let request = &told["request"];
        let text = |name: &str| request[name].as_str().map(str::to_owned);
        let query = request["query"].as_object().into_iter().flatten();
        let query = query.map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
        let asked = Asked {
            method: text("method")?,
            path: text("path")?,
            query: query.collect::<Option<_>>()?,
            body: request["body"].clone(),
            meaning: meaning(&request["body"]),
        };
        Some(Call { asked, reply: told.get("reply")?.clone(), was_given: false })
    }
}

impl Asked {
    /// What a request asks; its key is left out.
    pub fn of(method: &str, path: &str, query: &[(String, String)], body: &[u8]) -> Self {
        let query = query.iter().filter(|(name, _)| name != "key").cloned().collect();
        let body = match serde_json::from_slice(body) {
            Ok(json) => json,
            Err(_) if body.is_empty() => Value::Null,
            // The chunks of a file.
            Err(_) => json!({ "data": STANDARD.encode(body) }),
        };
        let meaning = meaning(&body);
        Asked { method: method.to_owned(), path: path.to_owned(), query, body, meaning }
    }

    fn means(&self, other: &Asked) -> bool {
        self.method == other.method
            && self.path == other.path
            && self.query == other.query
            && self.meaning == other.meaning
    }

    /// Where the other one differs, in words.
    fn differences(&self, other: &Asked) -> Vec<String> {
        let mut found = Vec::new();
        differ("query", &json!(self.query), &json!(other.query), &mut found);
        differ("", &self.meaning, &other.meaning, &mut found);
        found
    }
}

/// The bytes of a picture or another file in JSON, if it is large enough to lie beside it.
fn bytes_of(name: &str, value: &Value) -> Option<Vec<u8>> {
    let text = value.as_str().filter(|text| name == "data" && text.len() >= SHORT)?;
    STANDARD.decode(text).ok()
}

fn file_name(bytes: &[u8]) -> String {
    let hash = digest::digest(&digest::SHA256, bytes);
    let hash: String = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let extension = Format::sniff(bytes).map_or("bin", Format::extension);
    format!("{hash}.{extension}")
}

/// A message's meaning: names in one spelling and in order, pictures by their hash.
fn meaning(json: &Value) -> Value {
    match json {
        Value::Object(map) => {
            let mut sorted = BTreeMap::new();
            for (name, value) in map {
                let value = match bytes_of(name, value) {
                    Some(bytes) => json!({ "$file": file_name(&bytes) }),
                    None => meaning(value),
                };
                sorted.insert(camel(name), value);
            }
            sorted.into_iter().collect::<Map<_, _>>().into()
        }
        Value::Array(list) => list.iter().map(meaning).collect(),
        other => other.clone(),
    }
}

fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut name, word| {
        let mut letters = word.chars();
        name.extend(letters.next().into_iter().flat_map(char::to_uppercase));
        name + letters.as_str()
    })
}

fn differ(at: &str, was: &Value, is: &Value, found: &mut Vec<String>) {
    let shown = |value: &Value| {
        let text = value.to_string();
        match text.char_indices().nth(80) {
            Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
            None => text,
        }
    };
    let dot = if at.is_empty() { "" } else { "." };
    match (was, is) {
        (Value::Object(was), Value::Object(is))
            if !was.contains_key("$file") && !is.contains_key("$file") =>
        {
            let names: HashSet<&String> = was.keys().chain(is.keys()).collect();
            let mut names: Vec<_> = names.into_iter().collect();
            names.sort();
            for name in names {
                let place = format!("{at}{dot}{name}");
                match (was.get(name), is.get(name)) {
                    (Some(was), Some(is)) => differ(&place, was, is, found),
                    (Some(was), None) => {
                        found.push(format!("{place}: {} was recorded, and is not sent", shown(was)))
                    }
                    (_, is) => found
                        .push(format!("{place}: {} is sent, and was not", shown(is.unwrap_or(&Value::Null)))),
                }
            }
        }
        (Value::Array(was), Value::Array(is)) if was.len() == is.len() => {
            let pairs = was.iter().zip(is).enumerate();
            pairs.for_each(|(index, (was, is))| differ(&format!("{at}[{index}]"), was, is, found));
        }
        (Value::Array(was), Value::Array(is)) => {
            found.push(format!("{at}: {} items were recorded, {} are sent", was.len(), is.len()));
        }
        (was, is) if was != is => {
            found.push(format!("{at}: {} was recorded, {} is sent", shown(was), shown(is)));
        }
        _ => {}
    }
}

fn is_broken(reply: &Value) -> bool {
    reply.get("broken") == Some(&Value::Bool(true))
}

/// Whether these are the headers of a stream of events.
pub(super) fn is_stream(headers: &[(String, String)]) -> bool {
    headers.iter().any(|(name, value)| name == "content-type" && value.starts_with("text/event-stream"))
}

/// Where the last event ends that came whole.
fn last_end(body: &[u8]) -> usize {
    let ends = [&b"\r\n\r\n"[..], b"\n\n", b"\r\r"];
    let last = |end: &&[u8]| Some(memchr::memmem::rfind(body, end)? + end.len());
    ends.iter().filter_map(last).max().unwrap_or_default()
}

/// The events of a stream, if each is JSON.
fn events(body: &[u8]) -> Option<Value> {
    let text = std::str::from_utf8(body).ok()?;
    let lines = text.split(['\n', '\r']).filter(|line| !line.is_empty());
    let events = lines.map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok());
    events.collect::<Option<Vec<Value>>>().map(Value::Array)
}

/// What is kept of a reply's headers.
pub(super) fn told(headers: &HeaderMap) -> impl Iterator<Item = (String, String)> {
    TOLD.iter().filter_map(|name| Some(((*name).to_owned(), headers.get(*name)?.to_str().ok()?.to_owned())))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn asked(body: &Value) -> Asked {
        let query =
            [("key", "secret"), ("alt", "sse")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        Asked::of("POST", "/v1/models/m:generateContent", &query, body.to_string().as_bytes())
    }

    fn cassette() -> (tempfile::TempDir, Cassette) {
        let folder = tempfile::tempdir().unwrap();
        let cassette = Cassette::open(folder.path().to_str().unwrap()).unwrap();
        (folder, cassette)
    }

    fn body(reply: &Replied) -> Value {
        serde_json::from_slice(&reply.body).unwrap()
    }

    fn reply(headers: &[(&str, &str)], body: &[u8]) -> Replied {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Replied { status: 200, headers, body: body.to_vec(), is_broken: false }
    }

    fn found(cassette: &Cassette, asked: &Asked) -> Replied {
        cassette.find(asked, false).unwrap().unwrap()
    }

    #[test]
    fn a_call_comes_back_whole_from_the_folder_and_pictures_lie_there_once() {
        let (folder, cassette) = cassette();
        let picture = STANDARD.encode([b"\x89PNG\r\n\x1a\n".as_slice(), &[7; 400]].concat());
        let part = json!({ "inlineData": { "mimeType": "image/png", "data": picture } });
        let said = json!({ "contents": [{ "parts": [{ "text": "a" }, part] }] });
        let json = json!({ "candidates": [{ "content": { "parts": [part, { "text": "b" }] } }] });
        let headers = [("content-type", "application/json"), ("set-cookie", "who=me")];
        cassette.keep(asked(&said), &reply(&headers, json.to_string().as_bytes())).unwrap();
        let text = fs::read_to_string(folder.path().join(NAME)).unwrap();
        assert!(!text.contains("secret") && !text.contains("who=me") && !text.contains(&picture), "{text}");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
        let again = Cassette::open(folder.path().to_str().unwrap()).unwrap();
        let told = found(&again, &asked(&said));
        assert_eq!((told.status, body(&told)), (200, json));
        assert_eq!(told.headers, [("content-type".to_owned(), "application/json".to_owned())]);
    }

    #[test]
    fn requests_are_told_apart_by_what_they_mean() {
        let (_folder, cassette) = cassette();
        let said = json!({ "contents": [{ "parts": [{ "inlineData": { "mimeType": "a/b", "data": "QUJD" } }] }], "store": true });
        cassette.keep(asked(&said), &reply(&[], b"{\"first\": 1}")).unwrap();
        let same = json!({ "store": true, "contents": [{ "parts": [{ "inline_data": { "data": "QUJD", "mime_type": "a/b" } }] }] });
        assert_eq!(body(&found(&cassette, &asked(&same)))["first"], 1);
        let other =
            json!({ "contents": [{ "parts": [{ "inlineData": { "mimeType": "a/c", "data": "QUJD" } }] }] });
        assert!(cassette.find(&asked(&other), false).is_none());
        let message = cassette.missed(&asked(&other)).message;
        assert!(
            message
                .contains(r#"contents[0].parts[0].inlineData.mimeType: "a/b" was recorded, "a/c" is sent"#),
            "{message}"
        );
        assert!(message.contains("store: true was recorded, and is not sent"), "{message}");
        let elsewhere = Asked { path: "/v1/models".to_owned(), ..asked(&other) };
        assert!(cassette.missed(&elsewhere).message.starts_with("No call of POST /v1/models is recorded"));
    }

    #[test]
    fn equal_requests_get_their_replies_in_turn_and_the_last_one_stays() {
        let (folder, cassette) = cassette();
        let said = json!({ "contents": [] });
        (1..=2).for_each(|n| {
            cassette.keep(asked(&said), &reply(&[], json!({ "n": n }).to_string().as_bytes())).unwrap()
        });
        let cassette = Cassette::open(folder.path().to_str().unwrap()).unwrap();
        let turns: Vec<_> = (0..3).map(|_| body(&found(&cassette, &asked(&said)))["n"].clone()).collect();
        assert_eq!(turns, [1, 2, 2]);
        cassette.rewind(false);
        assert_eq!(body(&found(&cassette, &asked(&said)))["n"], 1);
        cassette.rewind(true);
        assert!(cassette.find(&asked(&said), false).is_none());
    }

    #[test]
    fn streams_come_back_as_events_and_other_bodies_as_they_were() {
        let (_folder, cassette) = cassette();
        let sse = [("content-type", "text/event-stream")];
        let keep = |path: &str, headers: &[(&str, &str)], body: &[u8]| {
            let asked = Asked::of("GET", path, &[], b"");
            cassette.keep(asked.clone(), &reply(headers, body)).unwrap();
            found(&cassette, &asked).body
        };
        let stream = b"data: {\"a\":1}\r\n\r\ndata: {\"b\":2}\r\n\r\n";
        assert_eq!(keep("/s", &sse, stream), stream);
        assert_eq!(keep("/broken", &sse, b"data: {\"a\":"), b"data: {\"a\":");
        assert_eq!(keep("/html", &[], b"<html>"), b"<html>");
        assert_eq!(keep("/bytes", &[], &[0xff; 9]), [0xff; 9]);
        let large = [stream, b"data: {\"data\":\"".as_slice(), &[b'a'; SHORT * 64]].concat();
        assert_eq!(keep("/large", &sse, &large), large);
        let letter = [stream.as_slice(), b"data: {\"a\":\"\xc3"].concat();
        assert_eq!(keep("/letter", &sse, &letter), letter, "to the byte, though it ends within a letter");
        assert_eq!(keep("/nothing", &sse, b""), b"");
    }

    #[test]
    fn a_broken_one_stands_for_no_whole_one_where_that_can_be_had() {
        let (folder, cassette) = cassette();
        let said = asked(&json!({ "contents": [] }));
        let broken = |text: &[u8]| Replied { is_broken: true, ..reply(&[], text) };
        cassette.keep(said.clone(), &broken(b"1")).unwrap();
        assert!(cassette.find(&said, true).is_none());
        assert!(found(&cassette, &said).is_broken);
        cassette.keep(said.clone(), &reply(&[], b"2")).unwrap();
        cassette.keep(said.clone(), &broken(b"3")).unwrap();
        assert_eq!(cassette.find(&said, true).unwrap().unwrap().body, b"2", "the latest whole one");
        assert_eq!(found(&cassette, &said).body, b"3");
        let open = || Cassette::open(folder.path().to_str().unwrap()).unwrap();
        let again = open();
        let bodies: Vec<_> = (0..4).map(|_| again.find(&said, true).unwrap().unwrap().body).collect();
        assert_eq!(bodies, [b"1", b"2", b"3", b"2"], "in turn as they were recorded");
        // What a later run gets whole takes the place of what it was not given.
        open().keep(said.clone(), &reply(&[], b"4")).unwrap();
        assert_eq!(open().calls().len(), 2);
    }

    #[test]
    fn no_file_outside_the_folder_is_read_and_damage_is_told() {
        let (folder, cassette) = cassette();
        let outside = folder.path().with_extension("png");
        for name in ["../secret.png", "/etc/passwd", outside.to_str().unwrap(), "a.png", ""] {
            assert_eq!(cassette.read(name), None, "{name}");
        }
        for (text, says) in [
            ("{", "is damaged"),
            (r#"{"version": 9, "calls": []}"#, "newer version"),
            (r#"{"version": 1, "calls": [3]}"#, "is damaged"),
        ] {
            fs::write(folder.path().join(NAME), text).unwrap();
            let error = Cassette::open(folder.path().to_str().unwrap()).unwrap_err();
            assert!(error.message().contains(says), "{}", error.message());
        }
    }
}
