//! What each endpoint answers of its own accord: who may ask, which parameters there are, what is drawn or looked up.

use std::time::Instant;

use hyper::http::request::Parts;
use serde_json::Value;

use super::answer::Answer;
use super::batch;
use super::check::{self, Ask, Refusal};
use super::fields::Service;
use super::files;
use super::interactions;
use super::keys;
use super::log::State;
use super::models;
use super::route::{Form, House, Route, Talk, header, value};
use super::rules::Rules;
use super::server::{Content, JSON, LIMIT, Outgoing, Take};
use super::upload;
use nanobanana_base::options::Reading;

/// The system parameters of all Google APIs; each may stand behind a `$` too.
const SYSTEM: [&str; 14] = [
    ".xgafv",
    "access_token",
    "alt",
    "callback",
    "fields",
    "key",
    "oauth_token",
    "outputDefaults",
    "prettyPrint",
    "quotaUser",
    "unique",
    "uploadType",
    "upload_protocol",
    "userProject",
];

/// A request, and what is known of it.
pub(super) struct Asking<'a> {
    pub head: &'a Parts,
    pub query: &'a [(String, String)],
    pub route: &'a Route,
    pub json: Result<Value, String>,
    /// The body of an upload.
    pub bytes: &'a [u8],
    pub size: usize,
    pub form: Form,
    pub drift: f32,
}

pub(super) fn nowhere(head: &Parts) -> Refusal {
    let message = format!("{} {} is not found on this server.", head.method, head.uri.path());
    Refusal::new(404, "NOT_FOUND", message)
}

/// Refuses a parameter that this endpoint does not have.
fn check_query(route: &Route, query: &[(String, String)]) -> Result<(), Refusal> {
    let own: &[&str] = match route {
        Route::Talk(Talk::Get { .. }) => &["include_input", "stream", "last_event_id"],
        Route::Upload { .. } => &["upload_id"],
        _ => &["pageSize", "page_size", "pageToken", "page_token"],
    };
    let is_known = |name: &str| {
        own.contains(&name)
            || SYSTEM.contains(&name)
            || name.strip_prefix('$').is_some_and(|name| SYSTEM.contains(&name))
    };
    match query.iter().find(|(name, _)| !is_known(name)) {
        None => Ok(()),
        Some((name, _)) => Err(check::bad(format!(
            "Invalid JSON payload received. Unknown name \"{name}\": Cannot bind query parameter. Field '{name}' could not be found in request message."
        ))),
    }
}

/// The page that is asked for: its size and its token.
fn page(query: &[(String, String)]) -> (Option<&str>, Option<&str>) {
    let either = |camel: &str, snake: &str| value(query, camel).or(value(query, snake));
    (either("pageSize", "page_size"), either("pageToken", "page_token"))
}

/// The service's own answer.
pub(super) fn answer(asking: Asking, state: &State) -> Result<Outgoing, Refusal> {
    let Asking { head, query, route, json, bytes, size, form, drift } = asking;
    if size > LIMIT {
        let message = format!("Request payload size exceeds the limit: {LIMIT} bytes.");
        return Err(Refusal::new(413, "INVALID_ARGUMENT", message));
    }
    check_query(route, query)?;
    // The address of an upload is its own key.
    if !matches!(route, Route::Upload { .. }) {
        keys::admitted(route.service(), head, query)?;
    }
    let told = |(headers, json): files::Told| Outgoing { headers, ..Outgoing::json(200, &json) };
    let json = json.map_err(|problem| check::bad(format!("Invalid JSON payload received. {problem}")));
    match route {
        Route::Start { version } => upload::start(&state.files, version, head, query, bytes).map(told),
        Route::Store { version, protocol } => {
            upload::store(&state.files, version, *protocol, head, bytes).map(told)
        }
        Route::Upload { id, command } => upload::go_on(&state.files, id, command, head, bytes),
        Route::Files { version } => Ok(Outgoing::json(200, &state.files.list(version, page(query))?)),
        Route::File { version, id } => Ok(Outgoing::json(200, &state.files.get(version, id)?)),
        Route::Delete { id } => Ok(Outgoing::json(200, &state.files.delete(id)?)),
        Route::Download { id } => {
            let (mime, bytes) = state.files.download(id)?;
            let headers = vec![("content-type", mime)];
            Ok(Outgoing {
                headers,
                content: Content::Whole(bytes.into()),
                ..Outgoing::json(200, &Value::Null)
            })
        }
        Route::Batch(batch) => {
            let body = state.batches.answer(batch, batch::Call { page: page(query), json, size })?;
            Ok(Outgoing { content: Content::Whole(body.into_bytes()), ..Outgoing::json(200, &Value::Null) })
        }
        Route::Talk(talk) => Ok(talked(talk, head, query, json, state)),
        Route::Count { house, model } => {
            let rules = rules_of(house, state);
            let model = models::at(house, model, "countTokens", rules)?;
            Ok(Outgoing::json(200, &check::count(model, json?, &state.files, rules)?))
        }
        Route::Models { version } => {
            let rules = Rules::gemini(version, state.files.live().now());
            Ok(Outgoing::json(200, &models::list(page(query), rules)?))
        }
        Route::Model { version, model } => {
            let rules = Rules::gemini(version, state.files.live().now());
            Ok(Outgoing::json(200, &models::get(model, rules)?))
        }
        Route::Generate { house, model, .. } => {
            let verb = if form == Form::Whole { "generateContent" } else { "streamGenerateContent" };
            let rules = rules_of(house, state);
            let model = models::at(house, model, verb, rules)?;
            let ask = check::check(model, json?, &state.files, rules)?;
            state.quota().admit(&model.id, Instant::now())?;
            if let Some(token) = &ask.continuation
                && !state.script().has_promised(token)
            {
                let message = "* GenerateContentRequest.continuation_token: the token is not known.\n";
                return Err(check::bad(message));
            }
            written(Answer::drawn(model, Ask { drift, ..ask }), form)
        }
    }
}

/// What a request to this house is judged by.
fn rules_of<'a>(house: &'a House, state: &State) -> Rules<'a> {
    Rules { service: house.service, version: &house.version, readings: state.files.live().now() }
}

/// What the Interactions API answers; its errors have a form of their own.
fn talked(
    talk: &Talk,
    head: &Parts,
    query: &[(String, String)],
    json: Result<Value, Refusal>,
    state: &State,
) -> Outgoing {
    let talks = &state.talks;
    let told = match talk {
        Talk::Create { version } => json.and_then(|json| {
            let revision = header(head, "api-revision");
            let known = |token: &str| state.script().has_promised(token);
            let admit = |model: &str| state.quota().admit(model, Instant::now());
            talks.create(json, version, revision, &known, &admit)
        }),
        Talk::Get { id } => talks.get(id, query),
        Talk::Cancel { id } => talks.cancel(id),
        Talk::Delete { id } => talks.delete(id),
    };
    match told {
        Ok(told) => Outgoing::told(told),
        Err(refusal) => {
            let error = interactions::error(&refusal.json());
            let is_list = state.files.live().now().has(Reading::TalksListErrors);
            Outgoing::json(refusal.code, &if is_list { vec![error].into() } else { error })
        }
    }
}

pub(super) fn written(answer: Answer, form: Form) -> Result<Outgoing, Refusal> {
    let tier = (answer.service == Service::Gemini).then(|| answer.tier.clone());
    let outgoing = match form {
        Form::Whole => Outgoing::json(200, &answer.whole()?),
        form => flowing(form, move |send| answer.stream(send)),
    };
    Ok(Outgoing { tier, ..outgoing })
}

/// Events as they go out one by one.
pub(super) fn flowing(
    form: Form,
    tell: impl FnOnce(&mut dyn FnMut(&Value) -> bool) + Send + 'static,
) -> Outgoing {
    let is_sse = form == Form::Events;
    let make = move |take: Take| {
        let mut before: &[u8] = if is_sse { b"data: " } else { b"[" };
        tell(&mut |event| {
            let mut piece = before.to_vec();
            piece.extend(serde_json::to_vec(event).unwrap_or_default());
            if is_sse {
                piece.extend(b"\r\n\r\n");
            } else {
                before = b",\r\n";
            }
            take(piece)
        });
        if !is_sse {
            take(if before == b"[" { b"[]".to_vec() } else { b"]".to_vec() });
        }
    };
    let content_type = if is_sse { "text/event-stream" } else { JSON };
    Outgoing { content_type, content: Content::Made(Box::new(make)), ..Outgoing::json(200, &Value::Null) }
}
