//! The page that people read: the same lines as tables.

use std::fmt::Write as _;

use nanobanana::Emulator;
use nanobanana::catalogue::Catalogue;
use nanobanana::options::Reading;
use serde_json::Value;

use super::{Fact, Facts, Step, Verdict};

const BEGINNING: &str = "<!-- Written by `cargo test -p nanobanana --test emulator facts` from tests/facts.json. -->

# What the emulator takes, refuses and returns

Every line below is tried by a test against a running emulator, over HTTP: what is taken is sent, what is refused is
refused with these words, what is returned is seen in a reply, and what is never returned is in none of them. The test
also fails if the emulator reads or returns a field that has no line here. The words behind a verdict may say more than
was tried.

## How sure a line is

**Nothing here was measured against the live service by this project.** Each line says where it is from: a section of
a reference that was put together from public sources on 2026-11-24 (`wire 3` is its section 3, on the JSON of
requests; the words behind the number begin its line in that section), and a tag that says whose word it is.

";

/// The tag without what it is about: `issue js-genai #1322` is an `issue`.
pub fn family(tag: &str) -> &str {
    tag.split(' ').next().unwrap_or(tag)
}

/// What a cell may hold.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ").trim().to_owned()
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

pub fn write(facts: &Facts) -> String {
    let mut out = BEGINNING.to_owned();
    out.push_str("| Tag | Whose word it is |\n| --- | --- |\n");
    for (tag, told) in &facts.tags {
        writeln!(out, "| {tag} | {} |", cell(told)).unwrap();
    }
    out.push_str("\n| Section | What it is about |\n| --- | --- |\n");
    for (section, told) in &facts.sections {
        writeln!(out, "| wire {section} | {} |", cell(told)).unwrap();
    }
    out.push_str(
        "\nA line is of both services, the Gemini API and Vertex AI, unless it names one; files, batches, interactions \
         and the list of models are the Gemini API's. \"Taken\" means that the answer depends on it, \"no effect\" that it may \
         be sent and nothing comes of it, \"never returned\" that the service has it and the emulator does not.\n",
    );
    models(&mut out);
    let grammar = Emulator::grammar();
    for area in &facts.areas {
        write!(out, "\n## {}\n\n", area.name).unwrap();
        if !area.about.is_empty() {
            write!(out, "{}\n\n", area.about).unwrap();
        }
        let is_field = area.grammar.is_some() || area.reply.is_some();
        writeln!(
            out,
            "| {} | What happens | From |\n| --- | --- | --- |",
            if is_field { "Field" } else { "What" }
        )
        .unwrap();
        for fact in &area.facts {
            let names: Vec<String> =
                Facts::fields(area, fact).map(|field| if is_field { code(&field) } else { field }).collect();
            let takes = area
                .grammar
                .as_ref()
                .and_then(|name| takes(&grammar[name], &Facts::fields(area, fact).next()?));
            let wire = fact.wire.as_ref().unwrap_or(&area.wire);
            let by = fact.by.as_ref().unwrap_or(&area.by).join(", ");
            let from = if wire.is_empty() { by } else { format!("wire {wire} · {by}") };
            writeln!(out, "| {} | {} | {} |", names.join(", "), cell(&happens(fact, takes)), cell(&from))
                .unwrap();
        }
    }
    out
}

/// What may stand in a field, by the emulator's own grammar.
fn takes(places: &Value, field: &str) -> Option<String> {
    let place = places.as_array()?.iter().find(|place| place["field"] == field)?;
    let words: Vec<String> = place["words"].as_array()?.iter().filter_map(Value::as_str).map(code).collect();
    let told = place["takes"].as_str()?;
    Some(if words.is_empty() { told.to_owned() } else { format!("one of {}", words.join(", ")) })
}

fn happens(fact: &Fact, takes: Option<String>) -> String {
    let verdict = match fact.is {
        Verdict::Taken => "taken",
        Verdict::Idle => "no effect",
        Verdict::Refused => "refused",
        Verdict::Returned => "returned",
        Verdict::Absent => "never returned",
        Verdict::Holds => "",
    };
    let on = match fact.on.as_deref() {
        Some("vertex") => " (Vertex AI alone)",
        Some("gemini") => " (Gemini API alone)",
        _ => "",
    };
    let mut told = if verdict.is_empty() { String::new() } else { format!("**{verdict}**{on}") };
    let mut add = |text: String| {
        told.push_str(if told.is_empty() || text.is_empty() { "" } else { "; " });
        told.push_str(&text);
    };
    if matches!(fact.is, Verdict::Taken | Verdict::Idle) {
        add(takes.unwrap_or_default());
    }
    add(fact.what.clone());
    for step in &fact.probe {
        add(refusal(step).unwrap_or_default());
    }
    let reading = Reading::ALL.iter().find(|reading| fact.reading.as_deref() == Some(reading.as_str()));
    if let Some(reading) = reading {
        add(format!("**read as {}**: {} ({})", code(reading.as_str()), reading.what(), reading.source()));
    }
    told
}

/// What a step of a probe shows to be refused.
fn refusal(step: &Step) -> Option<String> {
    let says = step.says.as_ref()?;
    let words: Vec<String> = says.all().iter().map(|says| format!("“{}”", says.trim_end())).collect();
    let sent = step.send.as_ref().map(Value::to_string).filter(|sent| sent.len() < 60 && !sent.contains('$'));
    let sent = sent.map(|sent| format!("{} ", code(&sent))).unwrap_or_default();
    let model = step.model.as_ref().map(|model| format!("with {model} ")).unwrap_or_default();
    let status = step.status.unwrap_or(400);
    let is = match (sent.is_empty(), model.is_empty()) {
        (false, _) => "is ",
        (true, false) => "also ",
        _ => "",
    };
    Some(format!("{sent}{model}{is}{status} {}", words.join(" … ")))
}

/// What each model takes, by the catalogue.
fn models(out: &mut String) {
    out.push_str(
        "\n## Models\n\nFrom the catalogue, which the emulator reads too; a test asks each model for every ratio, size, \
         thinking level and tier that any of them has. From wire 1.1 and 1.2 · docs, docs V.\n\n\
         | Model | Ratios | Sizes | Thinking levels | Tiers | Pictures in | Tokens in, out | Web, image search | Video |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    let yes = |is: bool| if is { "yes" } else { "no" };
    for model in &Catalogue::builtin().models {
        let levels = match model.thinking.levels.as_slice() {
            [] if model.thinking.thoughts => "none can be asked for".to_owned(),
            [] => "none: any `thinkingConfig` is refused".to_owned(),
            levels => levels.join(", ").to_uppercase(),
        };
        let sizes = if model.sizes.len() < 2 {
            format!("{} alone: any `imageSize` is refused", model.default_size)
        } else {
            model.sizes.join(", ")
        };
        let most = model.max_images.map_or("no limit known".to_owned(), |most| format!("{most} at most"));
        writeln!(
            out,
            "| `{}` | {} | {sizes} | {levels} | {} | {most} | {}, {} | {}, {} | {} |",
            model.id,
            model.aspect_ratios.join(" "),
            model.service_tiers.join(", "),
            model.max_input_tokens,
            model.max_output_tokens,
            yes(model.search),
            yes(model.image_search),
            yes(model.video_input),
        )
        .unwrap();
    }
}
