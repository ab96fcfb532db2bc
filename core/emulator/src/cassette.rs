//! Calls of the real service, kept in a folder: recorded once, and answered from there ever after.
//!
//! `cassette.json` holds them in order, in JSON that people can read and compare; the pictures in them lie beside
//! it as files named by their SHA-256, each once. Keys are in neither: no header of a request is kept, of a reply only
//! those that clients read, and what was sent as a secret is cut out wherever it is repeated.
//!
//! A request is answered by the first recorded one that means the same and was not given yet, and by the
//! last such one when all were: same method and path, same query but for the key, same JSON whatever the order of
//! names and whether they are written as `inlineData` or `inline_data`. If there is none, the refusal says how
//! the nearest one differs.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::HeaderMap;
use serde_json::{Map, Value, json};

use super::check::Refusal;
use super::reel::{Lock, Reel};
use nanobanana_base::codec::Format;
use nanobanana_base::error::{Error, Kind};
use nanobanana_base::message::counted;
use nanobanana_base::save::{self, Durable, Manner};
use nanobanana_base::secrets::{self, Secrets};

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
    held: Mutex<Held>,
}

/// The calls of the folder's file, in its order.
#[derive(Debug)]
struct Held {
    reel: Reel,
    calls: Vec<Call>,
    /// The calls that the next one that is kept takes the place of.
    erased: Option<Vec<Call>>,
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

impl Held {
    /// Takes over what the file holds by now. A call that was given already stays so.
    fn read(&mut self) -> io::Result<()> {
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, "a call in it is none");
        let read = |json: &Value| Call::read(json).ok_or_else(damaged);
        let change = self.reel.read()?;
        let calls = change.calls.iter().map(read).collect::<io::Result<Vec<_>>>()?;
        if change.is_all {
            let known = std::mem::take(&mut self.calls);
            let mut left = known.as_slice();
            for mut call in calls {
                let is_it = |old: &Call| old.asked == call.asked && old.reply == call.reply;
                if let Some(place) = left.iter().position(is_it) {
                    call.was_given = left.get(place).is_some_and(|old| old.was_given);
                    left = left.get(place + 1..).unwrap_or_default();
                }
                self.calls.push(call);
            }
        } else {
            self.calls.extend(calls);
        }
        Ok(())
    }
}

impl Cassette {
    /// Opens the folder, or makes it; it may be empty.
    pub fn open(folder: &str) -> Result<Self, Error> {
        let folder = PathBuf::from(folder);
        let mut held = Held { reel: Reel::of(&folder), calls: Vec::new(), erased: None };
        held.read().map_err(|cause| {
            let what = match cause.kind() {
                io::ErrorKind::InvalidData => "is damaged",
                _ => "cannot be read",
            };
            Error::new(Kind::ConfigError, format!("the cassette {} {what}: {cause}", folder.display()))
        })?;
        Ok(Cassette { folder, held: Mutex::new(held) })
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it lies in this folder.
    pub fn is_in(&self, folder: &Path) -> bool {
        let place = |folder: &Path| fs::canonicalize(folder).or_else(|_| std::path::absolute(folder)).ok();
        place(folder).is_some_and(|wanted| place(&self.folder) == Some(wanted))
    }

    /// From the first call on again, or as if none of those that are there had ever been recorded.
    pub fn rewind(&self, is_erased: bool) {
        let held = &mut *self.held();
        if is_erased {
            held.erased.get_or_insert_default().append(&mut held.calls);
        }
        held.calls.iter_mut().for_each(|call| call.was_given = false);
    }

    /// The recorded reply. Where the service can be asked instead, one that broke stands for no whole one, and what
    /// another recorder kept in the folder meanwhile is looked at first.
    pub fn find(&self, asked: &Asked, can_ask: bool) -> Option<Result<Replied, Refusal>> {
        let fits = |call: &Call| call.asked.means(asked);
        let stays = |call: &Call| fits(call) && !(can_ask && call.is_broken());
        let is_unknown = |held: &Held| held.erased.is_none() && !held.calls.iter().any(stays);
        if can_ask && is_unknown(&self.held()) {
            // The folder is locked before the calls, as in `keep`: in the other order both would wait for each other. A
            // folder that cannot be read now is reported when the call is kept.
            let lock = Lock::of(&self.folder);
            let mut held = self.held();
            if lock.is_ok() && is_unknown(&held) {
                let _ = held.read();
            }
        }
        let reply = {
            let mut held = self.held();
            let calls = &mut held.calls;
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
        let held = self.held();
        let near = held
            .calls
            .iter()
            .filter(|call| call.asked.path == asked.path && call.asked.method == asked.method);
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

    /// Keeps a call, without what was secret when it was sent: on disk when this returns, its pictures before it.
    pub fn keep(&self, asked: Asked, replied: &Replied, sent: &Secrets) -> io::Result<()> {
        let Replied { status, headers, body, is_broken } = replied;
        let told = headers.iter().filter(|(name, _)| TOLD.contains(&name.as_str()));
        let clean = |(name, value): &(String, String)| {
            // Google's addresses of uploads repeat the key. Without it they are asked all the same.
            (name.clone(), sent.clean(&without_key(value)).into_owned().into())
        };
        let told: Map<String, Value> = told.map(clean).collect();
        fs::create_dir_all(&self.folder)?;
        let mut reply = Map::new();
        let mut put = |name: &str, value: Value| reply.insert(name.to_owned(), value);
        put("status", (*status).into());
        put("headers", told.into());
        let mut rest = body.as_slice();
        if let Ok(json) = serde_json::from_slice::<Value>(body) {
            put("json", self.put(sent.clean_json(json))?);
            rest = &[];
        } else if is_stream(headers)
            && let Some((whole, part)) = body.split_at_checked(last_end(body))
            && let Some(events) = events(whole)
        {
            put("events", self.put(sent.clean_json(events))?);
            rest = part;
        }
        let rest = sent.clean_bytes(rest);
        let (form, content) = match std::str::from_utf8(&rest) {
            Ok(text) if text.len() < SHORT * 64 => ("text", text.into()),
            _ => ("file", self.file(&rest)?.into()),
        };
        if !rest.is_empty() {
            put(form, content);
        }
        if *is_broken {
            put("broken", true.into());
        }
        let asked = Asked { body: self.put(asked.body)?, ..asked };
        let call = Call { asked, reply: reply.into(), was_given: true };
        let lock = Lock::of(&self.folder)?;
        let held = &mut *self.held();
        if held.erased.is_some() {
            held.reel.forget();
        }
        held.read()?;
        let before = held.calls.len();
        for old in held.erased.take().unwrap_or_default() {
            let is_it = |known: &Call| known.asked == old.asked && known.reply == old.reply;
            if let Some(place) = held.calls.iter().position(is_it) {
                held.calls.remove(place);
            }
        }
        if !is_broken {
            // An earlier run had it no better: now there is one to stand for it.
            held.calls.retain(|old| old.was_given || !old.is_broken() || !old.asked.means(&call.asked));
        }
        if held.calls.len() == before && held.reel.can_append() {
            held.reel.append(&lock, &call.told())?;
            held.calls.push(call);
            return Ok(());
        }
        held.calls.push(call);
        let calls: Vec<Value> = held.calls.iter().map(Call::told).collect();
        held.reel.replace(&lock, &calls)
    }

    /// The JSON with its pictures as files: they are written.
    fn put(&self, json: Value) -> io::Result<Value> {
        Ok(match json {
            Value::Object(map) => {
                let put = |(name, value): (String, Value)| match bytes_of(&name, &value) {
                    Some(bytes) => Ok((name, json!({ "$file": self.file(&bytes)? }))),
                    None => self.put(value).map(|value| (name, value)),
                };
                map.into_iter().map(put).collect::<io::Result<Map<_, _>>>()?.into()
            }
            Value::Array(list) => {
                list.into_iter().map(|value| self.put(value)).collect::<io::Result<Vec<_>>>()?.into()
            }
            other => other,
        })
    }

    fn file(&self, bytes: &[u8]) -> io::Result<String> {
        let name = file_name(bytes);
        let path = self.folder.join(&name);
        if !path.exists() {
            save::replace(&path, Manner::durable(Durable::Entry), |out| out.write_all(bytes))?;
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
        // One of an earlier version may hold what is not kept now.
        let query = query.filter(|(name, _)| !secrets::is_query(name));
        let query = query.map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
        let asked = Asked {
            method: text("method")?,
            path: text("path")?,
            query: query.collect::<Option<_>>()?,
            body: request["body"].clone(),
            meaning: meaning(&Secrets::default().clean_json(request["body"].clone())),
        };
        Some(Call { asked, reply: told.get("reply")?.clone(), was_given: false })
    }
}

impl Asked {
    /// What a request asks; its secrets are left out.
    pub fn of(method: &str, path: &str, query: &[(String, String)], body: &[u8], sent: &Secrets) -> Self {
        let query = query.iter().filter(|(name, _)| !secrets::is_query(name));
        let query = query.map(|(name, value)| (name.clone(), sent.clean(value).into_owned())).collect();
        let body = match serde_json::from_slice(body) {
            Ok(json) => sent.clean_json(json),
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
            let (was, is) = (counted(was.len(), "item was", "items were"), counted(is.len(), "is", "are"));
            found.push(format!("{at}: {was} recorded, {is} sent"));
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

/// An address without the parameters that are secret.
fn without_key(value: &str) -> String {
    let Some((place, query)) = value.split_once('?') else { return value.to_owned() };
    let is_shown = |pair: &&str| !secrets::is_query(pair.split('=').next().unwrap_or_default());
    let query: Vec<&str> = query.split('&').filter(is_shown).collect();
    if query.is_empty() { place.to_owned() } else { format!("{place}?{}", query.join("&")) }
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
    use super::super::reel::NAME;
    use super::*;

    fn keep(cassette: &Cassette, asked: Asked, replied: &Replied) {
        cassette.keep(asked, replied, &Secrets::default()).unwrap();
    }

    fn asked(body: &Value) -> Asked {
        let query =
            [("key", "secret"), ("alt", "sse")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        Asked::of(
            "POST",
            "/v1/models/m:generateContent",
            &query,
            body.to_string().as_bytes(),
            &Secrets::default(),
        )
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
        keep(&cassette, asked(&said), &reply(&headers, json.to_string().as_bytes()));
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
        keep(&cassette, asked(&said), &reply(&[], b"{\"first\": 1}"));
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
            keep(&cassette, asked(&said), &reply(&[], json!({ "n": n }).to_string().as_bytes()))
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
        let kept = |path: &str, headers: &[(&str, &str)], body: &[u8]| {
            let asked = Asked::of("GET", path, &[], b"", &Secrets::default());
            keep(&cassette, asked.clone(), &reply(headers, body));
            found(&cassette, &asked).body
        };
        let stream = b"data: {\"a\":1}\r\n\r\ndata: {\"b\":2}\r\n\r\n";
        assert_eq!(kept("/s", &sse, stream), stream);
        assert_eq!(kept("/broken", &sse, b"data: {\"a\":"), b"data: {\"a\":");
        assert_eq!(kept("/html", &[], b"<html>"), b"<html>");
        assert_eq!(kept("/bytes", &[], &[0xff; 9]), [0xff; 9]);
        let large = [stream, b"data: {\"data\":\"".as_slice(), &[b'a'; SHORT * 64]].concat();
        assert_eq!(kept("/large", &sse, &large), large);
        let letter = [stream.as_slice(), b"data: {\"a\":\"\xc3"].concat();
        assert_eq!(kept("/letter", &sse, &letter), letter, "to the byte, though it ends within a letter");
        assert_eq!(kept("/nothing", &sse, b""), b"");
    }

    #[test]
    fn a_broken_one_stands_for_no_whole_one_where_that_can_be_had() {
        let (folder, cassette) = cassette();
        let said = asked(&json!({ "contents": [] }));
        let broken = |text: &[u8]| Replied { is_broken: true, ..reply(&[], text) };
        keep(&cassette, said.clone(), &broken(b"1"));
        assert!(cassette.find(&said, true).is_none());
        assert!(found(&cassette, &said).is_broken);
        keep(&cassette, said.clone(), &reply(&[], b"2"));
        keep(&cassette, said.clone(), &broken(b"3"));
        assert_eq!(cassette.find(&said, true).unwrap().unwrap().body, b"2", "the latest whole one");
        assert_eq!(found(&cassette, &said).body, b"3");
        let open = || Cassette::open(folder.path().to_str().unwrap()).unwrap();
        let again = open();
        let bodies: Vec<_> = (0..4).map(|_| again.find(&said, true).unwrap().unwrap().body).collect();
        assert_eq!(bodies, [b"1", b"2", b"3", b"2"], "in turn as they were recorded");
        // What a later run gets whole takes the place of what it was not given.
        keep(&open(), said.clone(), &reply(&[], b"4"));
        assert_eq!(open().held().calls.len(), 2);
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

    #[test]
    fn two_recorders_on_one_folder_lose_nothing_and_ask_once() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Cassette::open(folder.path().to_str().unwrap()).unwrap();
        let (one, other) = (open(), open());
        let said = |n: usize| asked(&json!({ "n": n }));
        std::thread::scope(|scope| {
            for (cassette, begin) in [(&one, 0), (&other, 1)] {
                let said = &said;
                scope.spawn(move || {
                    for n in (begin..40).step_by(2) {
                        keep(cassette, said(n), &reply(&[], json!({ "n": n }).to_string().as_bytes()));
                    }
                });
            }
        });
        for cassette in [&one, &other, &open()] {
            for n in 0..40 {
                assert_eq!(body(&cassette.find(&said(n), true).unwrap().unwrap())["n"], n);
            }
        }
    }

    #[test]
    fn looking_for_a_call_and_keeping_one_do_not_wait_for_each_other() {
        use std::sync::{Arc, mpsc};

        let (_folder, cassette) = cassette();
        let cassette = Arc::new(cassette);
        let (done, ended) = mpsc::channel();
        for thread in 0..4 {
            let (cassette, done) = (cassette.clone(), done.clone());
            std::thread::spawn(move || {
                for n in 0..25 {
                    let said = asked(&json!({ "n": [thread, n] }));
                    assert!(cassette.find(&said, true).is_none());
                    keep(&cassette, said, &reply(&[], b"1"));
                }
                done.send(()).unwrap();
            });
        }
        for _ in 0..4 {
            ended.recv_timeout(std::time::Duration::from_secs(60)).unwrap();
        }
    }

    #[test]
    fn recording_anew_takes_the_place_of_what_was_there_and_of_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Cassette::open(folder.path().to_str().unwrap()).unwrap();
        let said = |n: usize| asked(&json!({ "n": n }));
        let put = |cassette: &Cassette, n: usize| keep(cassette, said(n), &reply(&[], b"1"));
        put(&open(), 0);
        let (anew, beside) = (open(), open());
        anew.rewind(true);
        put(&beside, 1);
        put(&anew, 2);
        put(&beside, 3);
        let left: Vec<usize> = (0..4).filter(|n| open().find(&said(*n), false).is_some()).collect();
        assert_eq!(left, [1, 2, 3]);
    }

    #[test]
    fn what_was_secret_is_in_no_file_and_finds_its_call_all_the_same() {
        let (folder, cassette) = cassette();
        let secret = "canary-0123456789";
        let mut sent = Secrets::default();
        sent.add_key(secret);
        let query = [("access_token", secret), ("X-Goog-Signature", "0123"), ("alt", "sse")];
        let query = query.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let file = "https://a.example/b.png?X-Amz-Signature=0123abc&v=1";
        let said =
            json!({ "contents": [{ "parts": [{ "fileData": { "fileUri": file } }, { "text": secret }] }] });
        let asked = |sent: &Secrets| Asked::of("POST", "/v1/a", &query, said.to_string().as_bytes(), sent);
        let told = format!("Consumer 'api_key:{secret}' has been suspended.");
        let place = format!("https://a.example/upload?key={secret}&upload_id=7");
        let headers = [("x-goog-upload-url", place.as_str()), ("retry-after", secret)];
        for text in [json!({ "error": { "message": told, secret: 1 } }).to_string(), format!("<p>{told}</p>")]
        {
            cassette.keep(asked(&sent), &reply(&headers, text.as_bytes()), &sent).unwrap();
        }
        let stream = format!("data: {{\"a\": \"{told}\"}}\r\n\r\ndata: {{\"b\": \"{}", &secret[..12]);
        let sse = [("content-type", "text/event-stream")];
        cassette.keep(asked(&sent), &reply(&sse, stream.as_bytes()), &sent).unwrap();
        for file in fs::read_dir(folder.path()).unwrap() {
            let text = fs::read(file.unwrap().path()).unwrap();
            let text = String::from_utf8_lossy(&text).into_owned();
            for piece in [secret, &secret[..12], "0123abc", "access_token"] {
                assert!(!text.contains(piece), "{piece}: {text}");
            }
        }
        let again = Cassette::open(folder.path().to_str().unwrap()).unwrap();
        let first = again.find(&asked(&sent), false).unwrap().unwrap();
        assert!(String::from_utf8(first.body).unwrap().contains("'api_key:…' has been suspended"));
        assert_eq!(first.headers[0].1, "https://a.example/upload?upload_id=7");
    }
}
