//! What the emulator remembers: its script, the requests that came, and which are under way.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use hyper::Version;
use hyper::http::request::Parts;
use serde_json::{Map, Value, json};

use super::batch::{Batches, Times};
use super::files::Library;
use super::guard::Hosts;
use super::interactions::Interactions;
use super::quota::{Limits, Quota};
use super::script::{Asked, Script, Step};
use super::tape::Deck;
use super::watch::Watch;
use nanobanana_base::memory;
use nanobanana_base::secrets::{self, Secrets};

/// The most memory that the remembered requests may take when they are asked for. The last one stays whatever it
/// takes.
const MOST: usize = 256 << 20;

/// A text of a request longer than this is a picture, or would be too much to remember.
const SHORT: usize = 256;

#[derive(Debug)]
pub(super) struct State {
    pub files: Arc<Library>,
    pub batches: Batches,
    pub talks: Interactions,
    pub watch: Watch,
    pub hosts: Hosts,
    /// What answers in place of the emulator itself.
    pub deck: Deck,
    start: Instant,
    /// Batches take from it, too.
    script: Arc<Mutex<Script>>,
    quota: Mutex<Quota>,
    log: Mutex<Log>,
    active: AtomicUsize,
}

/// The latest requests; older ones are forgotten.
#[derive(Debug, Default)]
struct Log {
    /// How many are remembered at most.
    keep: usize,
    /// How many have been forgotten.
    gone: usize,
    requests: VecDeque<Entry>,
    weight: usize,
}

#[derive(Debug)]
struct Entry {
    told: Map<String, Value>,
    /// Its JSON as text, which takes a fraction of what values take.
    json: Option<Arc<[u8]>>,
    weight: usize,
}

/// What is known of a request, with its JSON still as text.
type Known = (Map<String, Value>, Option<Arc<[u8]>>);

impl Entry {
    fn known(&self) -> Known {
        (self.told.clone(), self.json.clone())
    }
}

fn whole((mut told, json): Known) -> Value {
    if let Some(json) = json.and_then(|json| serde_json::from_slice(&json).ok()) {
        // Its place among the others is kept: a null stands there.
        told.insert("json".to_owned(), json);
    }
    Value::Object(told)
}

impl Log {
    fn forget(&mut self) {
        while self.requests.len() > self.keep || self.weight > MOST && self.requests.len() > 1 {
            let Some(entry) = self.requests.pop_front() else { return };
            self.weight -= entry.weight;
            self.gone += 1;
        }
    }
}

/// A panic elsewhere leaves nothing half done in these.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    /// Nothing has come yet; `keep` requests will be remembered.
    /// Interactions in the background take as long as batches at least.
    pub fn new(keep: usize, files: Library, times: Times, hosts: Hosts, limits: Limits, deck: Deck) -> Self {
        let files = Arc::new(files);
        let script = Arc::<Mutex<Script>>::default();
        State {
            batches: Batches::new(times, files.clone(), script.clone()),
            talks: Interactions::new(times.least, files.clone()),
            files,
            watch: Watch::default(),
            hosts,
            deck,
            start: Instant::now(),
            script,
            quota: Mutex::new(Quota::new(limits)),
            log: Mutex::new(Log { keep, ..Log::default() }),
            active: AtomicUsize::new(0),
        }
    }

    pub fn script(&self) -> MutexGuard<'_, Script> {
        lock(&self.script)
    }

    /// Takes the first step that is meant for this request.
    pub fn next_step(&self, asked: Asked) -> Option<Step> {
        self.script().next(asked)
    }

    pub fn quota(&self) -> MutexGuard<'_, Quota> {
        lock(&self.quota)
    }

    /// Forgets what came and what was scripted: as if it had just begun, with its files and limits.
    pub fn reset(&self) {
        self.script().clear();
        self.quota().reset();
        self.watch.clear();
        let mut log = lock(&self.log);
        log.gone += log.requests.len();
        log.requests.clear();
        log.weight = 0;
    }

    pub fn requests(&self) -> Vec<Value> {
        let known: Vec<Known> = lock(&self.log).requests.iter().map(Entry::known).collect();
        known.into_iter().map(whole).collect()
    }

    /// The latest requests, by their numbers, the last one first.
    pub fn latest(&self, most: usize) -> Vec<(usize, Value)> {
        let log = lock(&self.log);
        let numbered = log.requests.iter().enumerate().rev().take(most);
        let known: Vec<_> = numbered.map(|(index, entry)| (log.gone + index, entry.known())).collect();
        drop(log);
        known.into_iter().map(|(number, known)| (number, whole(known))).collect()
    }

    /// One request, if it is still known.
    pub fn request(&self, number: usize) -> Option<Value> {
        let log = lock(&self.log);
        let known = log.requests.get(number.checked_sub(log.gone)?)?.known();
        drop(log);
        Some(whole(known))
    }

    /// Seconds since the start.
    pub fn now(&self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }

    pub fn active(&self) -> usize {
        self.active.load(Ordering::SeqCst)
    }

    /// Remembers a request whose head has come.
    pub fn arrived(self: &Arc<Self>, head: &Parts) -> Flight {
        let sent = sent_with(head);
        let mut query = Map::new();
        for (name, value) in url::form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes()) {
            if name != "key" {
                let value = if secrets::is_query(&name) { "…".into() } else { sent.clean(&value) };
                query.insert(sent.clean(&name).into_owned(), value.into_owned().into());
            }
        }
        let mut headers = Map::new();
        for (name, value) in &head.headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            let value = if secrets::is_header(name.as_str()) { "…".into() } else { sent.clean(&value) };
            headers.insert(name.as_str().to_owned(), value.into());
        }
        let version = match head.version {
            Version::HTTP_2 => "2",
            Version::HTTP_10 => "1.0",
            _ => "1.1",
        };
        let mut request = Map::new();
        for (name, value) in [
            ("at", json!(self.now())),
            ("method", json!(head.method.as_str())),
            ("path", json!(sent.clean(head.uri.path()))),
            ("http_version", json!(version)),
            ("query", query.into()),
            ("headers", headers.into()),
            ("json", Value::Null),
            ("size", json!(0)),
            ("status", Value::Null),
            ("took", Value::Null),
            ("cancelled", json!(false)),
        ] {
            request.insert(name.to_owned(), value);
        }
        self.active.fetch_add(1, Ordering::SeqCst);
        let mut log = lock(&self.log);
        let weight = memory::of_map(&request);
        log.requests.push_back(Entry { told: request, json: None, weight });
        log.weight += weight;
        let number = log.gone + log.requests.len() - 1;
        log.forget();
        drop(log);
        Flight { state: Some(self.clone()), number, since: Instant::now(), sent: Arc::new(sent) }
    }

    /// Adds what is known by now of a request.
    pub fn note(&self, number: usize, name: &str, value: Value) {
        let mut log = lock(&self.log);
        let index = number.checked_sub(log.gone);
        let Some(entry) = index.and_then(|index| log.requests.get_mut(index)) else { return };
        let added = memory::of(&value);
        entry.told.insert(name.to_owned(), value);
        entry.weight += added;
        log.weight += added;
        log.forget();
    }

    /// Adds the JSON of a request: shortened, and without what was secret in it.
    pub fn note_json(&self, number: usize, json: &Value, sent: &Secrets) {
        let short = sent.clean_json(shortened(json));
        let weight = memory::of(&short);
        let text = serde_json::to_vec(&short).unwrap_or_default();
        drop(short);
        let mut log = lock(&self.log);
        let index = number.checked_sub(log.gone);
        let Some(entry) = index.and_then(|index| log.requests.get_mut(index)) else { return };
        entry.json = Some(text.into());
        entry.weight += weight;
        log.weight += weight;
        log.forget();
    }
}

/// The secrets that a request was sent with.
pub(super) fn sent_with(head: &Parts) -> Secrets {
    let mut sent = Secrets::default();
    for (name, value) in &head.headers {
        if secrets::is_header(name.as_str()) {
            sent.add_header(name.as_str(), &String::from_utf8_lossy(value.as_bytes()));
        }
    }
    for (name, value) in url::form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes()) {
        if secrets::is_query(&name) {
            sent.add_part(&value);
        }
    }
    sent
}

/// A request under way. Dropped before its end, it notes that the client went away.
#[derive(Debug)]
pub(super) struct Flight {
    state: Option<Arc<State>>,
    pub number: usize,
    since: Instant,
    /// The secrets that the request was sent with.
    pub sent: Arc<Secrets>,
}

impl Flight {
    /// Of a request that nobody remembers.
    pub fn untold() -> Self {
        Flight { state: None, number: 0, since: Instant::now(), sent: Arc::default() }
    }

    /// A piece of the answer goes out.
    pub fn carries(&self, piece: &Bytes) {
        if let Some(state) = &self.state {
            state.watch.reply(self.number, piece);
        }
    }

    /// The answer has been handed out to its last byte.
    pub fn landed(&mut self) {
        if let Some(state) = self.state.take() {
            state.note(self.number, "took", json!(self.since.elapsed().as_secs_f64()));
            state.watch.ended(self.number);
            state.active.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if let Some(state) = &self.state {
            state.note(self.number, "cancelled", true.into());
        }
        self.landed();
    }
}

/// A request's JSON as it is remembered: `{"$bytes": N}` for a picture, long texts cut.
pub(super) fn shortened(json: &Value) -> Value {
    match json {
        Value::Object(map) => (map.iter())
            .map(|(key, value)| {
                let picture = key == "data" && value.as_str().is_some_and(|text| text.len() > SHORT);
                let value = match value.as_str() {
                    Some(text) if picture => {
                        json!({ "$bytes": text.trim_end_matches('=').len() * 3 / 4 })
                    }
                    _ => shortened(value),
                };
                (key.clone(), value)
            })
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(list) => list.iter().map(shortened).collect(),
        Value::String(text) => match text.char_indices().nth(SHORT * 64) {
            Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()).into(),
            None => Value::String(text.clone()),
        },
        other => other.clone(),
    }
}

/// All the words of a request, for a script's `match`.
pub(super) fn words(json: &Value) -> String {
    fn gather(value: &Value, words: &mut String) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    match value.as_str() {
                        Some(text) if key == "text" || key == "input" => {
                            words.push_str(text);
                            words.push('\n');
                        }
                        _ => gather(value, words),
                    }
                }
            }
            Value::Array(list) => list.iter().for_each(|value| gather(value, words)),
            _ => {}
        }
    }
    let mut words = String::new();
    gather(json, &mut words);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(keep: usize, weights: &[usize]) -> (usize, usize, usize) {
        let entry = |weight: &usize| Entry { told: Map::new(), json: None, weight: *weight };
        let requests = weights.iter().map(entry).collect();
        let mut log = Log { keep, gone: 0, requests, weight: weights.iter().sum() };
        log.forget();
        (log.requests.len(), log.gone, log.weight)
    }

    #[test]
    fn the_log_is_bounded_by_number_and_by_weight() {
        assert_eq!(left(3, &[1, 2, 3]), (3, 0, 6));
        assert_eq!(left(2, &[1, 2, 3]), (2, 1, 5));
        assert_eq!(left(0, &[1, 2, 3]), (0, 3, 0));
        assert_eq!(left(9, &[MOST, 1, 1]), (2, 1, 2));
        assert_eq!(left(9, &[1, 1, MOST + 1]), (1, 2, MOST + 1), "the last one stays");
    }
}
