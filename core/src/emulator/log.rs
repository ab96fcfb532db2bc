//! What the emulator remembers: its script, the requests that came, and which are under way.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::http::request::Parts;
use serde_json::{Map, Value, json};

use super::script::Step;

/// How many requests are remembered; older ones are forgotten.
const KEPT: usize = 1000;

/// A text of a request longer than this is a picture, or would be too much to remember.
const SHORT: usize = 256;

#[derive(Debug, Default)]
pub(super) struct State {
    script: Mutex<VecDeque<Step>>,
    log: Mutex<Log>,
    /// The tokens that unfinished answers were given.
    tokens: Mutex<Vec<String>>,
    active: AtomicUsize,
}

#[derive(Debug, Default)]
struct Log {
    /// How many have been forgotten.
    gone: usize,
    requests: VecDeque<Map<String, Value>>,
}

/// A panic elsewhere leaves nothing half done in these.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    pub fn set_script(&self, steps: Vec<Step>) {
        *lock(&self.script) = steps.into();
    }

    /// Takes the first step that is meant for a request with these words and this seed.
    pub fn next_step(&self, words: &str, seed: Option<i64>) -> Option<Step> {
        let mut script = lock(&self.script);
        let index = script.iter().position(|step| step.wants.fits(words, seed))?;
        script.remove(index)
    }

    /// Remembers that an answer can be gone on with.
    pub fn promise(&self, token: &str) {
        if !self.has_promised(token) {
            lock(&self.tokens).push(token.to_owned());
        }
    }

    pub fn has_promised(&self, token: &str) -> bool {
        lock(&self.tokens).iter().any(|known| known == token)
    }

    pub fn requests(&self) -> Vec<Value> {
        lock(&self.log).requests.iter().cloned().map(Value::Object).collect()
    }

    pub fn active(&self) -> usize {
        self.active.load(Ordering::SeqCst)
    }

    /// Remembers a request whose head has come.
    pub fn arrived(self: &Arc<Self>, head: &Parts) -> Flight {
        let mut query = Map::new();
        for (name, value) in url::form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes()) {
            if name != "key" {
                query.insert(name.into_owned(), value.into_owned().into());
            }
        }
        let mut headers = Map::new();
        for (name, value) in &head.headers {
            let secret =
                ["x-goog-api-key", "authorization", "proxy-authorization", "cookie"].contains(&name.as_str());
            let value = if secret { "…".into() } else { String::from_utf8_lossy(value.as_bytes()) };
            headers.insert(name.as_str().to_owned(), value.into());
        }
        let mut request = Map::new();
        for (name, value) in [
            ("method", json!(head.method.as_str())),
            ("path", json!(head.uri.path())),
            ("query", query.into()),
            ("headers", headers.into()),
            ("json", Value::Null),
            ("size", json!(0)),
            ("cancelled", json!(false)),
        ] {
            request.insert(name.to_owned(), value);
        }
        self.active.fetch_add(1, Ordering::SeqCst);
        let mut log = lock(&self.log);
        log.requests.push_back(request);
        if log.requests.len() > KEPT {
            log.requests.pop_front();
            log.gone += 1;
        }
        let number = log.gone + log.requests.len() - 1;
        drop(log);
        Flight { state: Some(self.clone()), number }
    }

    /// Adds what is known by now of a request.
    pub fn note(&self, number: usize, name: &str, value: Value) {
        let mut log = lock(&self.log);
        let index = number.checked_sub(log.gone);
        if let Some(request) = index.and_then(|index| log.requests.get_mut(index)) {
            request.insert(name.to_owned(), value);
        }
    }
}

/// A request under way. Dropped before its end, it notes that the client went away.
#[derive(Debug)]
pub(super) struct Flight {
    state: Option<Arc<State>>,
    pub number: usize,
}

impl Flight {
    /// The answer has been handed out to its last byte.
    pub fn landed(&mut self) {
        if let Some(state) = self.state.take() {
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
                        Some(text) if key == "text" => {
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
