//! The list of models, and one model of it; and who serves it where.

use std::sync::Arc;

use serde_json::{Value, json};

use super::answer::set;
use super::check::{self, Refusal};
use super::fields::Service;
use super::prose;
use super::route::House;
use super::rules::Rules;
use nanobanana_base::catalogue::{Catalogue, Model, State};
use nanobanana_base::options::{Reading, Readings};

/// The model that the service knows by this id. It knows no aliases.
pub(super) fn model(id: &str) -> Option<&'static Model> {
    all().find(|model| model.id == id)
}

/// Those that draw, then those that answer in words.
fn all() -> impl Iterator<Item = &'static Model> {
    Catalogue::builtin().models.iter().map(Arc::as_ref).chain(prose::models())
}

/// True if it draws; others answer in words alone.
pub(super) fn draws(model: &Model) -> bool {
    !model.sizes.is_empty()
}

/// True if it is not served now, or not to this version.
fn is_gone(model: &Model, rules: Rules) -> bool {
    let is_late = rules.version == "v1" && model.id.ends_with("-latest");
    is_late || rules.has(Reading::SecondGone) && check::is(model, "nano-banana-2")
}

/// The model that a request means by this id.
fn named(id: &str, rules: Rules) -> Option<&'static Model> {
    let is_alias = id == "nano-banana-pro-preview" && rules.has(Reading::PreviewAlias);
    let found = if is_alias { model("gemini-3-pro-image") } else { model(id) };
    let found = found.or_else(|| if rules.has(Reading::PreviewsAnswer) { successor(id) } else { None });
    found.filter(|model| !is_gone(model, rules))
}

/// The successor of a model that is shut down.
fn successor(id: &str) -> Option<&'static Model> {
    let catalogue = Catalogue::builtin();
    let twin = all().find(|model| model.retired_ids.iter().any(|retired| retired.id == id));
    let next = || catalogue.gone.iter().find(|gone| gone.id == id).map(|gone| gone.successor.as_str());
    twin.or_else(|| model(next().or(prose::successor(id))?))
}

/// The model that a request to the Gemini API may name so.
pub(super) fn open(id: &str, verb: &str, rules: Rules) -> Result<&'static Model, Refusal> {
    let model = named(id, rules).ok_or_else(|| no_such_model(id, rules.version, verb))?;
    if rules.has(Reading::OldClosed) && model.closed_to_new_projects.is_some() {
        let message = format!(
            "models/{id} is no longer available to new users. Please update your code to use a newer model."
        );
        return Err(Refusal::new(404, "NOT_FOUND", message));
    }
    Ok(model)
}

/// The model of this name, if this house has it and can do this with it.
///
/// With Vertex AI the image models since the third are at the location `global` alone.
pub(super) fn at(house: &House, id: &str, verb: &str, rules: Rules) -> Result<&'static Model, Refusal> {
    if house.service == Service::Gemini {
        return open(id, verb, rules);
    }
    let location = house.parent.split('/').nth(3).unwrap_or("global");
    let is_served =
        |model: &&Model| location == "global" || model.id.starts_with("gemini-2.5") || !draws(model);
    // Its versions tell apart no models, and the readings of ids are those of the other API.
    let rules = Rules { version: "", ..rules };
    let found = if rules.has(Reading::PreviewsAnswer) { named(id, rules) } else { model(id) };
    found.filter(is_served).ok_or_else(|| {
        let name: String = format!("{}/models/{id}", house.parent).chars().take(300).collect();
        let message = format!(
            "Publisher Model `{name}` was not found or your project does not have access to it. Please ensure you are using a valid model version. For more information, see: https://cloud.google.com/vertex-ai/generative-ai/docs/learn/model-versions"
        );
        Refusal::new(404, "NOT_FOUND", message)
    })
}

fn no_such_model(id: &str, version: &str, verb: &str) -> Refusal {
    let id: String = id.chars().take(100).collect();
    let message = format!(
        "models/{id} is not found for API version {version}, or is not supported for {verb}. Call ModelService.ListModels to see the list of available models and their supported methods."
    );
    Refusal::new(404, "NOT_FOUND", message)
}

fn described(model: &Model) -> Value {
    let mut out = json!({
        "name": format!("models/{}", model.id),
        "version": model.released.as_deref().unwrap_or("001"),
        "displayName": model.name,
        "description": model.notes.join(" "),
        "inputTokenLimit": model.max_input_tokens,
        "outputTokenLimit": model.max_output_tokens,
        "supportedGenerationMethods": [
            "generateContent", "streamGenerateContent", "countTokens", "batchGenerateContent",
        ],
        "temperature": 1, "maxTemperature": 2, "topP": 0.95, "topK": 64,
    });
    if model.thinking.thoughts {
        set(&mut out, "thinking", true.into());
    }
    if model.state == State::Deprecated {
        set(&mut out, "modelStatus", json!({ "modelStage": "DEPRECATED" }));
    }
    out
}

/// One model, as `GET models/{id}` gives it.
pub(super) fn get(id: &str, rules: Rules) -> Result<Value, Refusal> {
    let model = model(id).filter(|model| !is_gone(model, rules));
    model.map(described).ok_or_else(|| no_such_model(id, rules.version, "GetModel"))
}

/// The models that draw now, each with what can be asked of it; for the page.
pub(super) fn drawing(readings: Readings) -> Value {
    let rules = Rules::gemini("", readings);
    let told = |model: &'static Model| {
        let mut told = described(model);
        set(&mut told, "aspectRatios", json!(check::ratios(model, rules)));
        // One size alone cannot be asked for.
        let sizes = check::sizes(model, rules);
        set(&mut told, "imageSizes", json!(if sizes.len() < 2 { Vec::new() } else { sizes }));
        told
    };
    let all = all().filter(|model| draws(model) && !is_gone(model, rules));
    json!({ "models": all.map(told).collect::<Vec<_>>() })
}

/// One page of the models.
pub(super) fn list(
    (page_size, page_token): (Option<&str>, Option<&str>),
    rules: Rules,
) -> Result<Value, Refusal> {
    let bad = |message: String| Refusal::new(400, "INVALID_ARGUMENT", message);
    let size = match page_size.map(str::parse::<i64>) {
        None | Some(Ok(0)) => 50,
        Some(Ok(size)) if size > 0 => size.min(1000) as usize,
        Some(_) => {
            return Err(bad("Invalid value at 'page_size' (TYPE_INT32): a number from 1 to 1000".into()));
        }
    };
    let all: Vec<&Model> = all().filter(|model| draws(model) && !is_gone(model, rules)).collect();
    let start = match page_token.filter(|token| !token.is_empty()) {
        None => 0,
        Some(token) => (token.strip_prefix("after-"))
            .and_then(|id| all.iter().position(|model| model.id == id))
            .map(|index| index + 1)
            .ok_or_else(|| bad("Invalid page token.".into()))?,
    };
    let page: Vec<&Model> = all.iter().copied().skip(start).take(size).collect();
    let mut out = json!({ "models": page.iter().map(|model| described(model)).collect::<Vec<_>>() });
    if start + page.len() < all.len()
        && let Some(last) = page.last()
    {
        set(&mut out, "nextPageToken", format!("after-{}", last.id).into());
    }
    Ok(out)
}
