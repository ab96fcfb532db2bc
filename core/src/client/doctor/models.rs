//! The list of models of the service, the catalogue, and what the two have in common.

use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::super::{Client, Once, variable};
use super::{Check, Log, Outcome};
use crate::catalogue::{Catalogue, day_of, days};
use crate::error::{Error, Kind};
use crate::http::transport::Method;
use crate::message::counted;
use crate::options::ClientOptions;

/// The size limit of a page of the list of models.
const MOST: usize = 16 << 20;

/// The maximum number of pages of that list.
const MOST_PAGES: usize = 5;

/// Asks for a page of the list of models, which is free.
pub(super) async fn list(client: &Client, page: &str, limit: Duration) -> Outcome {
    let version = &client.0.version;
    let page = if page.is_empty() {
        String::new()
    } else {
        let page: String = url::form_urlencoded::byte_serialize(page.as_bytes()).collect();
        format!("&pageToken={page}")
    };
    let request = Once {
        method: Method::Get,
        path: format!("{version}/models?pageSize=1000{page}"),
        headers: Vec::new(),
        body: None,
        most: MOST,
    };
    client.once(request, limit).await
}

/// The ids of models in a page, and the token of the next page.
pub(super) type Listed = (Vec<String>, Option<String>);

pub(super) fn names(body: &[u8]) -> Option<Listed> {
    if crate::memory::of_text(body) > 4 * MOST {
        return None;
    }
    let page: Value = serde_json::from_slice(body).ok()?;
    let draws = |model: &&Value| {
        let methods = model.get("supportedGenerationMethods").and_then(Value::as_array);
        methods.is_none_or(|methods| methods.iter().any(|method| method == "generateContent"))
    };
    let models = page.get("models")?.as_array()?;
    let name = |model: &Value| {
        let name = model.get("name")?.as_str()?;
        Some(name.strip_prefix("models/").unwrap_or(name).to_owned())
    };
    let next = page.get("nextPageToken").and_then(Value::as_str).filter(|token| !token.is_empty());
    Some((models.iter().filter(draws).filter_map(name).collect(), next.map(str::to_owned)))
}

/// Reads the catalogue that the options name.
pub(super) async fn catalogue(
    log: &mut Log<impl FnMut(&Check)>,
    client: &Client,
    place: Option<String>,
    is_there: bool,
    limit: Duration,
) -> Option<Catalogue> {
    let source = place.as_ref().map_or("built in", |_| "from --catalogue");
    let is_remote = place.as_deref().is_some_and(|place| crate::input::is_scheme(place, "http"));
    if is_remote && !is_there {
        log.add(Check::skipped("catalogue", "there is no connection to fetch it"));
        return None;
    }
    let read = match place {
        None => Ok(client.known().clone()),
        Some(place) => {
            let reading = async {
                let client = client.with_options(ClientOptions::new().catalogue(place))?;
                client.ready().await?;
                Ok(client.known().clone())
            };
            tokio::time::timeout(limit, reading).await.unwrap_or_else(|_| {
                let seconds = limit.as_secs_f64();
                Err(Error::new(Kind::ConfigError, format!("the catalogue was not read within {seconds} s")))
            })
        }
    };
    let catalogue = match read {
        Ok(catalogue) => catalogue,
        Err(error) => {
            log.add(Check::error("catalogue", &error));
            return None;
        }
    };
    let today = variable("NANOBANANA_TODAY").and_then(|date| days(&date));
    let today = today.unwrap_or_else(|| day_of(SystemTime::now()));
    let age = today - days(&catalogue.checked).unwrap_or(today);
    let ago = if age > 0 { format!(", {} ago", counted(age, "day", "days")) } else { String::new() };
    let all = counted(catalogue.models.len(), "model", "models");
    log.add(match catalogue.age_warning(today) {
        Some(_) => Check::warning(
            "catalogue",
            format!(
                "checked on {}{ago} ({source}): models, limits and prices may be others now",
                catalogue.checked
            ),
            "install a newer version of nanobanana, or name a newer catalogue by --catalogue",
        ),
        None => Check::ok("catalogue", format!("checked on {}{ago} ({source}), {all}", catalogue.checked)),
    });
    Some(catalogue)
}

/// The names of all pages.
pub(super) async fn further(
    client: &Client,
    mut all: Vec<String>,
    mut next: Option<String>,
    limit: Duration,
) -> Vec<String> {
    for _ in 1..MOST_PAGES {
        let Some(token) = &next else { break };
        let Ok(page) = list(client, token, limit).await else { break };
        let Some((names, token)) = names(&page.body).filter(|_| page.status == 200) else { break };
        all.extend(names);
        next = token;
    }
    all
}

/// Compares the models that the service lists with those of the catalogue.
pub(super) fn models(listed: &[String], catalogue: &Catalogue) -> Check {
    let has = |id: &str| listed.iter().any(|name| name == id);
    let missing: Vec<&str> =
        catalogue.models.iter().map(|model| model.id.as_str()).filter(|id| !has(id)).collect();
    let is_known = |name: &str| {
        catalogue
            .models
            .iter()
            .any(|model| model.id == name || model.retired_ids.iter().any(|retired| retired.id == name))
            || catalogue.gone.iter().any(|gone| gone.id == name)
    };
    let draws = |name: &str| name.contains("image") || name.contains("banana");
    let mut new: Vec<&str> =
        listed.iter().map(String::as_str).filter(|name| draws(name) && !is_known(name)).collect();
    new.sort_unstable();
    new.dedup();
    if missing.is_empty() && new.is_empty() {
        let all = counted(catalogue.models.len(), "model", "models");
        return Check::ok(
            "models",
            format!("the service lists all {all} of the catalogue, and no other that draws"),
        );
    }
    let mut what = Vec::new();
    if !missing.is_empty() {
        what.push(format!("the service does not list {}", missing.join(", ")));
    }
    if !new.is_empty() {
        let new: Vec<String> = new.iter().take(20).map(|name| name.chars().take(80).collect()).collect();
        what.push(format!("the service lists {}, which this catalogue does not have", new.join(", ")));
    }
    let advice = match new.is_empty() {
        true => {
            "use a model that is listed: a model that is not listed is shut down, or closed to this project"
        }
        false => "a newer version of nanobanana may have these models; their ids can be used already",
    };
    Check::warning("models", what.join("; "), advice)
}
