//! Models that answer in words: image tools ask them to better a prompt before they ask for a picture. They tell what
//! was asked; as JSON of the form that was wanted, if one was.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::check::{Refusal, at, bad, list, text};
use nanobanana_base::catalogue::{Catalogue, Model};

/// Levels of thinking.
const ALL: &[&str] = &["minimal", "low", "medium", "high"];
const FEW: &[&str] = &["low", "medium", "high"];
/// They take a budget, and no level.
const NONE: &[&str] = &[];

/// Their ids, and the levels of their thinking.
const IDS: [(&str, &[&str]); 14] = [
    ("gemini-3.8-flash", ALL),
    ("gemini-3.7-flash", ALL),
    ("gemini-3.6-flash", ALL),
    ("gemini-3.5-flash", ALL),
    ("gemini-3.5-flash-lite", ALL),
    ("gemini-3.1-flash-lite", ALL),
    ("gemini-3.1-pro-preview", FEW),
    ("gemini-3-flash-preview", ALL),
    ("gemini-2.5-pro", NONE),
    ("gemini-2.5-flash", NONE),
    ("gemini-2.5-flash-lite", NONE),
    ("gemini-pro-latest", FEW),
    ("gemini-flash-latest", ALL),
    ("gemini-flash-lite-latest", ALL),
];

/// Ids that are shut down, and what followed them.
const GONE: [(&str, &str); 9] = [
    ("gemini-3-pro-preview", "gemini-3.1-pro-preview"),
    ("gemini-3.1-flash-lite-preview", "gemini-3.1-flash-lite"),
    ("gemini-2.0-flash", "gemini-2.5-flash"),
    ("gemini-2.0-flash-001", "gemini-2.5-flash"),
    ("gemini-2.0-flash-exp", "gemini-2.5-flash"),
    ("gemini-2.0-flash-lite", "gemini-2.5-flash-lite"),
    ("gemini-1.5-flash", "gemini-2.5-flash"),
    ("gemini-1.5-flash-latest", "gemini-2.5-flash"),
    ("gemini-1.5-pro", "gemini-2.5-pro"),
];

static MODELS: LazyLock<Vec<Model>> = LazyLock::new(|| {
    let any = Catalogue::builtin().models.first();
    any.map_or_else(Vec::new, |any| IDS.iter().map(|(id, levels)| of(id, levels, any)).collect())
});

/// A model of words; what it shares with all others is taken from one of them.
fn of(id: &str, levels: &[&str], any: &Model) -> Model {
    let mut model = any.clone();
    model.id = id.to_owned();
    model.name = id.split('-').map(capital).collect::<Vec<_>>().join(" ");
    model.released = None;
    model.thinking.levels = levels.iter().map(|level| (*level).to_owned()).collect();
    model.thinking.default = None;
    model.search = true;
    model.image_search = false;
    model.sampling = ["temperature", "top_p", "seed"].map(str::to_owned).into();
    model.service_tiers = ["standard", "flex", "priority"].map(str::to_owned).into();
    model.max_images = None;
    model.max_input_tokens = 1 << 20;
    model.max_output_tokens = 1 << 16;
    model.signatures = false;
    model.notes = vec!["Answers in words.".to_owned()];
    for names in [&mut model.aliases, &mut model.aspect_ratios, &mut model.sizes] {
        names.clear();
    }
    model.retired_ids.clear();
    model.default_size.clear();
    model.image_tokens.clear();
    model.image_tokens_at_most.clear();
    model.references.clear();
    model.disputed.clear();
    model
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
}

/// All of them.
pub(super) fn models() -> &'static [Model] {
    &MODELS
}

/// The successor of an id that is shut down.
pub(super) fn successor(id: &str) -> Option<&'static str> {
    GONE.iter().find(|(gone, _)| *gone == id).map(|(_, next)| *next)
}

/// The answer in the form that is wanted; none if that is plain text.
pub(super) fn formed(config: &Value, prompt: &str) -> Result<Option<String>, Refusal> {
    let schemas = ["responseSchema", "responseJsonSchema"].map(|name| at(config, name));
    let schema = schemas.into_iter().find(|schema| !schema.is_null());
    match text(at(config, "responseMimeType")).unwrap_or("text/plain") {
        "text/plain" if schema.is_none() => Ok(None),
        "application/json" => {
            let made = schema
                .map_or_else(|| json!({ "answer": prompt }), |schema| example(schema, schema, prompt, 0));
            Ok(Some(made.to_string()))
        }
        "text/x.enum" => {
            let word = schema.and_then(|schema| text(at(schema, "enum").get(0)?));
            word.map(|word| Some(word.to_owned()))
                .ok_or_else(|| bad("response_schema must have an enum for the mime type text/x.enum."))
        }
        "text/plain" => {
            Err(bad("response_schema needs the response mime type application/json or text/x.enum."))
        }
        other => Err(bad(format!(
            "* GenerateContentRequest.generation_config.response_mime_type: allowed mimetypes are text/plain, application/json and text/x.enum, not {:?}.\n",
            other.chars().take(80).collect::<String>()
        ))),
    }
}

/// The deepest that a schema is followed: it may lead back to itself.
const DEEPEST: usize = 12;

/// Something that a schema describes.
fn example(schema: &Value, whole: &Value, prompt: &str, depth: usize) -> Value {
    if depth > DEEPEST {
        return Value::Null;
    }
    let inner = |schema: &Value| example(schema, whole, prompt, depth + 1);
    if let Some(place) = text(at(schema, "$ref")) {
        return whole.pointer(place.trim_start_matches('#')).map_or(Value::Null, inner);
    }
    for name in ["anyOf", "any_of", "oneOf", "allOf"] {
        if let Some(first) = at(schema, name).get(0) {
            return inner(first);
        }
    }
    if let Some(value) = [at(schema, "const"), at(schema, "enum").get(0).unwrap_or(&Value::Null)]
        .into_iter()
        .find(|value| !value.is_null())
    {
        return value.clone();
    }
    let kinds = at(schema, "type");
    let kind = text(kinds)
        .or_else(|| kinds.as_array()?.iter().filter_map(Value::as_str).find(|kind| *kind != "null"));
    let number = |name: &str, camel: &str| {
        let told = [at(schema, name), at(schema, camel)];
        told.into_iter().find_map(super::proto::whole)
    };
    match kind
        .unwrap_or(if schema.get("properties").is_some() { "object" } else { "string" })
        .to_lowercase()
        .as_str()
    {
        "object" => {
            let members = at(schema, "properties").as_object().into_iter().flatten();
            members.map(|(name, schema)| (name.clone(), inner(schema))).collect::<Map<_, _>>().into()
        }
        "array" => {
            let count = number("min_items", "minItems").unwrap_or(1).clamp(1, 100);
            (0..count).map(|_| inner(at(schema, "items"))).collect()
        }
        "integer" | "number" => number("minimum", "minimum").unwrap_or(1).into(),
        "boolean" => true.into(),
        "null" => Value::Null,
        _ => prompt.into(),
    }
}

/// True if all tools that are asked for are tools of these models; they call none of them.
pub(super) fn searches(tools: &Value) -> bool {
    list(tools)
        .iter()
        .any(|tool| !at(tool, "googleSearch").is_null() || !at(tool, "googleSearchRetrieval").is_null())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_the_form_that_is_wanted() {
        let formed = |config: Value| {
            let text = formed(&config, "a boat").unwrap().unwrap();
            serde_json::from_str::<Value>(&text).unwrap()
        };
        let kind = "application/json";
        assert_eq!(formed(json!({"responseMimeType": kind})), json!({"answer": "a boat"}));
        let schema = json!({
            "type": "OBJECT",
            "properties": {
                "prompt": {"type": "STRING"}, "tags": {"type": "ARRAY", "items": {"type": "string"}, "minItems": "2"},
                "ratio": {"type": "string", "enum": ["16:9", "1:1"]}, "count": {"type": ["null", "integer"], "minimum": 3},
                "good": {"type": "BOOLEAN"}, "more": {"anyOf": [{"$ref": "#/$defs/more"}, {"type": "null"}]},
            },
            "$defs": {"more": {"properties": {"a": {"const": 5}}}},
        });
        let wanted = json!({
            "prompt": "a boat", "tags": ["a boat", "a boat"], "ratio": "16:9", "count": 3, "good": true, "more": {"a": 5},
        });
        assert_eq!(formed(json!({"responseMimeType": kind, "responseSchema": schema})), wanted);
        let endless = json!({"type": "object", "properties": {"a": {"$ref": "#"}}});
        assert!(formed(json!({"responseMimeType": kind, "responseJsonSchema": endless})).is_object());
    }

    #[test]
    fn every_id_that_is_gone_leads_to_one_that_is_there() {
        for (gone, next) in GONE {
            assert!(
                models().iter().any(|model| model.id == next)
                    && models().iter().all(|model| model.id != gone)
            );
        }
    }
}
