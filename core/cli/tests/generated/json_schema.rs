//! The JSON schema of what the command prints with `--json`, from the tables of records and errors.

use nanobanana::error::Kind;
use nanobanana::schema::Field;
use serde_json::{Map, Value, json};

/// The schema as a file.
pub fn write() -> String {
    let tables = [super::records_of_errors(), super::records()].concat();
    let mut defs: Map<String, Value> =
        tables.iter().map(|table| (table.name.to_owned(), record(table.doc, &table.fields))).collect();
    let number = json!({ "type": "integer" });
    defs.insert(
        "Image".to_owned(),
        json!({
            "description": "A picture in numbers; its bytes are in the file.",
            "type": "object",
            "properties": { "mime_type": { "type": "string" }, "width": number, "height": number, "bytes": number },
            "required": ["mime_type", "width", "height", "bytes"],
        }),
    );
    defs.insert("NanoBananaError".to_owned(), error());
    let files = json!({ "description": "The paths of the pictures.", "type": "array", "items": { "type": "string" } });
    let drawn = json!({ "allOf": [of("Result"), {
        "type": "object", "properties": { "files": files }, "required": ["files"],
    }] });
    let list = |name: &str| json!({ "type": "array", "items": of(name) });
    let deleted = json!({
        "type": "object", "properties": { "deleted": { "type": "string" } }, "required": ["deleted"],
    });
    let failed = json!({
        "description": "A command that failed; the exit code says how.",
        "type": "object",
        "properties": { "error": of("NanoBananaError"), "files": files },
        "required": ["error"],
    });
    let commands = [
        ("generate", drawn.clone()),
        ("edit", drawn.clone()),
        ("chat", drawn),
        ("many", of("Outcome")),
        ("estimate", of("Estimate")),
        ("explain", of("Explained")),
        ("count-tokens", of("TokenCount")),
        ("files upload", of("File")),
        ("files list", list("File")),
        ("files get", of("File")),
        ("files delete", deleted),
        ("models", list("ModelInfo")),
        ("doctor", examination()),
        ("probe", conflicts()),
        ("failure", failed),
    ];
    let lines = commands.iter().map(|(name, schema)| (format!("nanobanana {name}"), schema.clone()));
    defs.extend(lines.collect::<Map<_, _>>());
    let any: Vec<Value> = commands.iter().map(|(name, _)| of(&format!("nanobanana {name}"))).collect();
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The output of nanobanana --json",
        "description": "Each line of standard output is one of these. Later versions may add properties.",
        "anyOf": any,
        "$defs": defs,
    });
    format!("{}\n", serde_json::to_string_pretty(&schema).unwrap())
}

/// An object with these properties, all of them there.
fn object(properties: Value) -> Value {
    let required: Vec<&String> = properties.as_object().unwrap().keys().collect();
    json!({ "type": "object", "properties": properties, "required": required })
}

/// The output of `doctor`.
fn examination() -> Value {
    let text = json!({ "type": "string" });
    let check = object(json!({
        "name": text, "state": { "enum": ["ok", "warning", "failed", "skipped"] }, "what": text,
        "advice": { "type": ["string", "null"] },
    }));
    object(json!({ "ok": { "type": "boolean" }, "checks": { "type": "array", "items": check } }))
}

/// The output of `probe`: its plan, in which nothing has an answer, or its report.
fn conflicts() -> Value {
    let (text, number, nothing) =
        (json!({ "type": "string" }), json!({ "type": "number" }), json!({ "type": "null" }));
    let answer = object(json!({
        "status": { "type": ["integer", "null"] }, "message": text, "cost_usd": { "type": ["number", "null"] },
    }));
    let asked = object(json!({
        "method": text, "path": text, "body": {}, "price": text, "answer": { "anyOf": [answer, nothing] },
    }));
    let conflict = object(json!({
        "name": text, "usual": text, "other": text, "source": text, "most_usd": number,
        "asked": { "type": "array", "items": asked },
        "supports": { "enum": ["usual", "other", "undecided", "not asked", null] },
        "why": { "type": ["string", "null"] },
    }));
    // A report has all of these, a plan those that are required.
    json!({
        "type": "object",
        "properties": {
            "version": text, "catalogue": text, "begun": text, "service": text, "max_usd": number,
            "most_usd": number, "requests": { "type": "integer" }, "spent_usd": { "type": ["number", "null"] },
            "spent_is_exact": { "type": "boolean" }, "conflicts": { "type": "array", "items": conflict },
        },
        "required": ["most_usd", "requests", "spent_usd", "conflicts"],
    })
}

fn of(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{}", name.replace(' ', "%20")) })
}

fn record(doc: &str, fields: &[Field]) -> Value {
    let properties: Map<String, Value> = fields.iter().map(property).collect();
    let required: Vec<&str> = fields.iter().map(|field| field.name).collect();
    json!({ "description": plain(doc), "type": "object", "properties": properties, "required": required })
}

fn property(field: &Field) -> (String, Value) {
    let mut schema = of_type(&field.python);
    if let Some(map) = schema.as_object_mut() {
        map.insert("description".to_owned(), plain(&field.doc_in(nanobanana::schema::Case::Shell)).into());
    }
    (field.name.to_owned(), schema)
}

/// An error has the fields of its own kind, which are not always there.
fn error() -> Value {
    let kinds = Kind::table();
    let names: Vec<&str> = kinds.iter().map(|row| row.kind.name()).collect();
    let mut properties = Map::new();
    properties.insert("kind".to_owned(), json!({ "description": "The class of the error.", "enum": names }));
    properties
        .insert("cause".to_owned(), json!({ "description": "The error below this one.", "type": "string" }));
    for row in &kinds {
        properties.extend(row.fields.iter().map(property).collect::<Map<_, _>>());
    }
    json!({
        "description": "An error; each kind has some of these properties.",
        "type": "object",
        "properties": properties,
        "required": ["kind", "message"],
    })
}

/// A type as Python has it.
fn of_type(python: &str) -> Value {
    let parts = split(python, " | ");
    if parts.len() > 1 {
        let any: Vec<Value> = parts.iter().map(|part| of_type(part)).collect();
        return json!({ "anyOf": any });
    }
    let inner = |start: &str| python.strip_prefix(start).and_then(|rest| rest.strip_suffix(']'));
    if let Some(item) = inner("list[") {
        return json!({ "type": "array", "items": of_type(item) });
    }
    if let Some(value) = inner("dict[str, ") {
        return json!({ "type": "object", "additionalProperties": of_type(value) });
    }
    if let Some(words) = inner("Literal[") {
        let words: Vec<String> = split(words, ", ").iter().map(|word| word.replace('"', "")).collect();
        return json!({ "enum": words });
    }
    match python {
        "Any" => json!({}),
        "None" => json!({ "type": "null" }),
        "str" => json!({ "type": "string" }),
        "int" => json!({ "type": "integer" }),
        "float" => json!({ "type": "number" }),
        "bool" => json!({ "type": "boolean" }),
        name => of(name),
    }
}

/// Splits outside of brackets.
fn split<'a>(text: &'a str, by: &str) -> Vec<&'a str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, letter) in text.char_indices() {
        match letter {
            '[' => depth += 1,
            ']' => depth -= 1,
            _ if depth == 0 && at >= start && text[at..].starts_with(by) => {
                parts.push(&text[start..at]);
                start = at + by.len();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn plain(doc: &str) -> String {
    doc.split_whitespace().collect::<Vec<_>>().join(" ")
}
