//! The emulator's own addresses: the page at `/`, and what it and any other HTTP client steer by, below
//! `/__emulator/`.
//!
//! | | |
//! | --- | --- |
//! | `GET /__emulator/requests` | what [`requests`](super::Emulator::requests) gives |
//! | `GET /__emulator/script` | the steps that wait |
//! | `POST /__emulator/script` | adds a step, or a list of steps; `PUT` sets them in place of those that wait, `DELETE` drops them |
//! | `GET /__emulator/limits` | the limits; `PUT` sets some: `{"rpm": 10, "ipm": null}` |
//! | `GET /__emulator/record` | the cassette, the upstream and the mode; `PUT` sets the mode: `{"mode": "never"}`. Into which folder is written, and which service is asked, only the program says that runs the emulator |
//! | `GET /__emulator/readings` | the other readings where sources conflict, and whether each is followed; `PUT` sets those that are: `["missing-file-404"]` |
//! | `GET /__emulator/models` | all models, as the service lists them |
//! | `POST /__emulator/reset` | forgets requests, steps, and what counts towards the limits |
//! | `GET /__emulator/calls`, `/calls/N`, `/calls/N/pictures/K` | what the page shows; while it is open, pictures and replies are kept |
//!
//! They are not counted among the requests, and no script answers them. A mistake is a 400 with the sentence that
//! the method in another language would raise.

use hyper::Method;
use hyper::http::request::Parts;
use serde_json::{Map, Value, json};

use super::check::Refusal;
use super::log::{self, State};
use super::server::Outgoing;
use super::{guard, models, script};
use nanobanana_base::options::{EmulatorOptions, Reading, RecordOptions};
use nanobanana_base::schema::Case;

const PLACE: &str = "/__emulator/";

/// How many calls the page shows at most.
const SHOWN: usize = 100;

/// The page loads nothing from elsewhere and cannot be framed.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Whether a request is for the emulator itself, and not for the service that it plays.
pub(super) fn is_for(head: &Parts) -> bool {
    let path = head.uri.path();
    path.starts_with(PLACE) || (path == "/" && head.method == Method::GET)
}

/// The reply to such a request.
pub(super) fn answer(head: &Parts, body: &[u8], state: &State) -> Outgoing {
    let done = guard::check_own(head).and_then(|()| done(head, body, state));
    done.unwrap_or_else(|refusal| Outgoing::refused(&refusal))
}

fn done(head: &Parts, body: &[u8], state: &State) -> Result<Outgoing, Refusal> {
    let path = head.uri.path();
    let name = path.strip_prefix(PLACE).unwrap_or_default();
    let place: Vec<&str> = name.split('/').collect();
    let json = |json: Value| Ok(Outgoing::json(200, &json));
    let number = |text: &str| text.parse::<usize>().map_err(|_| lost(head));
    match (head.method.as_str(), place.as_slice()) {
        ("GET", [""]) if path == "/" => Ok(page("text/html; charset=utf-8", include_str!("page/index.html"))),
        ("GET", ["page.css"]) => Ok(page("text/css; charset=utf-8", include_str!("page/page.css"))),
        ("GET", ["page.js"]) => Ok(page("text/javascript; charset=utf-8", include_str!("page/page.js"))),
        ("GET", ["requests"]) => json(state.requests().into()),
        ("GET", ["script"]) => json(json!({ "steps": state.script().told() })),
        ("POST", ["script"]) => {
            let steps = steps(body)?;
            state.script().add(steps).map_err(|problem| bad(&problem))?;
            json(json!({ "steps": state.script().told() }))
        }
        ("PUT", ["script"]) => {
            let steps = steps(body)?;
            state.script().replace(steps).map_err(|problem| bad(&problem))?;
            json(json!({ "steps": state.script().told() }))
        }
        ("DELETE", ["script"]) => {
            state.script().clear();
            json(json!({ "steps": [] }))
        }
        ("GET", ["models"]) => json(models::drawing(state.files.live().now())),
        ("GET", ["readings"]) => json(readings(state)),
        ("PUT", ["readings"]) => {
            let told = Map::from_iter([("readings".to_owned(), read(body)?)]);
            let told = EmulatorOptions::read(&told, Case::Snake).map_err(|error| bad(error.words()))?;
            state.files.live().set(told.readings.unwrap_or_default());
            json(readings(state))
        }
        ("GET", ["limits"]) => json(state.quota().limits().told()),
        ("PUT", ["limits"]) => {
            let told = read(body)?;
            let told =
                told.as_object().ok_or_else(|| bad("limits are a map with any of rpm, ipm, rpd, minute"))?;
            let mut quota = state.quota();
            let limits = quota.limits().with(told).map_err(|problem| bad(&problem))?;
            quota.set(limits);
            json(quota.limits().told())
        }
        ("GET", ["record"]) => json(state.deck.told()),
        ("PUT", ["record"]) => {
            let told = read(body)?;
            let told = told.as_object().ok_or_else(|| bad("recording takes a map with a mode"))?;
            let options = RecordOptions::read(told, Case::Snake).map_err(|problem| bad(problem.words()))?;
            // Whoever reaches this port would write into any folder of its owner's, and ask any address in their name.
            if options.cassette.is_some() || options.upstream.is_some() {
                let message = "Over HTTP only the mode can be set; the cassette and the upstream are said by the program that runs the emulator, at its start or by its method `record`.";
                return Err(Refusal::new(403, "PERMISSION_DENIED", message));
            }
            if options.mode.is_none() {
                return Err(bad("recording takes a mode: \"missing\", \"always\" or \"never\""));
            }
            state.deck.set(options).map_err(|problem| bad(problem.words()))?;
            json(state.deck.told())
        }
        ("POST", ["reset"]) => {
            state.reset();
            json(json!({}))
        }
        ("GET", ["calls"]) => {
            state.watch.look();
            let calls = state.latest(SHOWN).into_iter().map(|(number, told)| in_short(state, number, told));
            json(json!({ "now": state.now(), "active": state.active(), "calls": calls.collect::<Vec<_>>() }))
        }
        ("GET", ["calls", call]) => {
            let number = number(call)?;
            let mut told = state.request(number).ok_or_else(|| lost(head))?;
            if let Some(told) = told.as_object_mut() {
                let reply = state.watch.replied(number);
                let reply = reply.map(|events| events.iter().map(log::shortened).collect::<Vec<_>>());
                told.insert("number".to_owned(), number.into());
                told.insert("reply".to_owned(), reply.into());
                told.insert("pictures".to_owned(), pictures(state, number));
            }
            json(told)
        }
        ("GET", ["calls", call, "pictures", index]) => {
            let seen = state.watch.seen(number(call)?).ok_or_else(|| lost(head))?;
            let thumb = seen.pictures.get(number(index)?).ok_or_else(|| lost(head))?;
            let bytes = thumb.small.bytes().map_err(|_| lost(head))?;
            let content_type = match thumb.small.mime_type() {
                "image/jpeg" => "image/jpeg",
                "image/webp" => "image/webp",
                _ => "image/png",
            };
            let kept = vec![("cache-control", "private, max-age=600".to_owned())];
            Ok(Outgoing::of(content_type, bytes.to_vec()).with(kept))
        }
        _ => Err(lost(head)),
    }
}

fn bad(problem: &str) -> Refusal {
    Refusal::new(400, "INVALID_ARGUMENT", problem)
}

fn lost(head: &Parts) -> Refusal {
    let message =
        format!("{} {} is not here; see the emulator's documentation.", head.method, head.uri.path());
    Refusal::new(404, "NOT_FOUND", message)
}

fn read(body: &[u8]) -> Result<Value, Refusal> {
    serde_json::from_slice(body).map_err(|error| bad(&format!("the body is not JSON: {error}")))
}

fn readings(state: &State) -> Value {
    let now = state.files.live().now();
    let told = Reading::ALL.iter().map(|reading| {
        let (name, what, source) = (reading.as_str(), reading.what(), reading.source());
        json!({ "name": name, "what": what, "source": source, "followed": now.has(*reading) })
    });
    json!({ "readings": told.collect::<Vec<_>>() })
}

fn steps(body: &[u8]) -> Result<Vec<script::Step>, Refusal> {
    let steps = match script::parsed(body).map_err(|problem| bad(&problem))? {
        Value::Array(steps) => steps,
        step => vec![step],
    };
    script::read(&steps).map_err(|error| bad(error.words()))
}

fn page(content_type: &'static str, text: &str) -> Outgoing {
    Outgoing::of(content_type, text.as_bytes().to_vec()).with(vec![
        ("content-security-policy", POLICY.to_owned()),
        ("x-content-type-options", "nosniff".to_owned()),
        ("referrer-policy", "no-referrer".to_owned()),
        ("cache-control", "no-store".to_owned()),
    ])
}

/// A call in the page's list.
fn in_short(state: &State, number: usize, mut told: Value) -> Value {
    let words = told.get("json").map(log::words).unwrap_or_default();
    let words: String = words.trim().chars().take(160).collect();
    if let Some(told) = told.as_object_mut() {
        for name in ["headers", "json", "query"] {
            told.remove(name);
        }
        told.insert("number".to_owned(), number.into());
        told.insert("words".to_owned(), words.into());
        let reason = state.watch.seen(number).and_then(|seen| seen.reason.clone());
        told.insert("reason".to_owned(), reason.into());
        told.insert("pictures".to_owned(), pictures(state, number));
    }
    told
}

/// What the pictures of a call are and where they stand; null if none were kept.
fn pictures(state: &State, number: usize) -> Value {
    let Some(seen) = state.watch.seen(number) else { return Value::Null };
    let told = seen.pictures.iter().enumerate().map(|(index, thumb)| {
        json!({
            "side": if thumb.is_input { "in" } else { "out" }, "mimeType": thumb.mime_type,
            "width": thumb.width, "height": thumb.height,
            "small": format!("{PLACE}calls/{number}/pictures/{index}"),
        })
    });
    told.collect()
}
