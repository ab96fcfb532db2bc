//! The reference pages: options, results, errors and models, from the same tables as the types of both bindings.

use std::fmt::Write as _;

use nanobanana::catalogue::Catalogue;
use nanobanana::error::{Kind, KindRow};
use nanobanana::options::{
    EditOptions, EmulatorOptions, FileOptions, GenerateOptions, RecordOptions, UploadOptions,
};
use nanobanana::schema::{Case, Field, Table};

const WRITTEN: &str =
    "<!-- Written by core/cli/tests/generated/reference.rs: change the tables in core, not this page. -->";

/// What each option is, with its name in every language.
pub fn options() -> String {
    let mut out = format!(
        "# Options\n\n{WRITTEN}\n\n\
         Names are written as in Python and Rust. Node writes them in camel case, the command as flags: `aspect_ratio` is \
         `aspectRatio` and `--aspect-ratio`. `None`, `null` and `undefined` mean \"not set\". Durations are seconds in Python, \
         Rust and the shell, and milliseconds in Node.\n\n\
         An option that a model does not have is an `UnsupportedOptionError` before anything is sent; see \
         [`on_unsupported`](#on_unsupported). A name that does not exist is an `InvalidOptionError` that names the nearest \
         one.\n"
    );
    let sections: [(&str, &str, Table); 8] = [
        (
            "Options of a call",
            "They go to `generate`, `edit`, their streams, `chat`, `send` and the items of `generate_many`.",
            GenerateOptions::table(),
        ),
        (
            "More options of an edit",
            "`edit` and `edit_stream` take these beside the options of a call.",
            EditOptions::table(),
        ),
        (
            "Options of many calls",
            "`generate_many` and the command `many` take these beside the options of a call.",
            super::run_options(),
        ),
        (
            "Options of a client",
            "They go to `Client`, `AsyncClient` and `with_options`. Calls may set `model`, `timeout`, `retry` and `headers` \
             again.",
            super::client_options(),
        ),
        ("Options of an upload", "They go to `client.files.upload`.", UploadOptions::table()),
        (
            "Options of other calls about files",
            "They go to `files.get`, `files.list` and `files.delete`.",
            FileOptions::table(),
        ),
        (
            "Options of an emulator",
            "They go to `Emulator` and the command `emulate`.",
            EmulatorOptions::table(),
        ),
        ("Options of recorded calls", "They go to `emulator.record`.", RecordOptions::table()),
    ];
    for (title, about, table) in &sections {
        let _ = write!(out, "\n## {title}\n\n{about}\n");
        table.fields.iter().for_each(|field| option(&mut out, field));
    }
    out.push_str("\n## Settings with parts\n\nIn Python they are classes, `nb.Retry(max_attempts=2)`; in Node and JSON plain maps, `{ maxAttempts: 2 }`.\n");
    for table in super::settings().iter().chain(super::wrappers().iter().map(|(table, _)| table)) {
        let _ = write!(out, "\n### {}\n\n{}\n\n", table.name, sentence(table.doc));
        fields(&mut out, &table.fields);
    }
    out
}

fn option(out: &mut String, field: &Field) {
    let name = field.name;
    let camel = Case::Camel.name(name);
    let node = if camel == name { String::new() } else { format!("Node `{camel}` · ") };
    let _ = write!(out, "\n### {name}\n\n{node}type `{}`\n\n{}\n", field.python, doc(field));
    let catalogue = Catalogue::builtin();
    let known = match name {
        "model" => catalogue.names(),
        "aspect_ratio" => catalogue.aspect_ratios(),
        "image_size" => catalogue.image_sizes(),
        _ => return,
    };
    let known: Vec<String> = known.iter().map(|word| format!("`{word}`")).collect();
    let _ = write!(
        out,
        "\nKnown values: {}. [Models and prices](models.md) says which model takes what.\n",
        known.join(", ")
    );
    if name == "aspect_ratio" {
        out.push_str(
            "\nIt may be written `16:9`, `16/9` or `16x9`. What is equal to a ratio of the model is sent as that ratio: \
             `1920x1080` as `16:9`, and `7:3` as `21:9`.\n",
        );
    }
}

/// What comes back, record by record.
pub fn results() -> String {
    let mut out = format!(
        "# Results\n\n{WRITTEN}\n\n\
         Names and types are written as in Python. Node writes names in camel case, and `None` is `null` there. Every record \
         has `to_dict()` (`toJSON()` in Node), which never holds the bytes of a picture.\n\n\
         A `Result` has these beside its fields: `image` (the first picture; a `NoImageError` if there is none), `model_image`, \
         `change_map` and `leak` of an [edit with a mask](../masks.md), and `save(folder)`.\n"
    );
    let mut tables = super::records();
    let first = tables.iter().position(|table| table.name == "Result");
    if let Some(first) = first {
        let result = tables.remove(first);
        tables.insert(0, result);
    }
    tables.extend(super::records_of_errors());
    for table in &tables {
        let _ = write!(out, "\n## {}\n\n{}\n\n", table.name, sentence(table.doc));
        fields(&mut out, &table.fields);
    }
    out
}

/// The tree of errors, their fields and the exit codes.
pub fn errors() -> String {
    let rows = Kind::table();
    let mut out = format!(
        "# Errors and the exception tree\n\n{WRITTEN}\n\n\
         Python, Node and Rust have the same errors: exception classes in Python, `Error` classes in Node, a `Kind` in Rust. \
         What to do about each fault is on the page [When something goes wrong](../faults.md).\n\n\
         ## Exception tree\n\nThe number is the exit code of the command.\n\n```text\n"
    );
    branch(&mut out, &rows, None, 0);
    out.push_str("```\n");
    out.push_str(
        "\nErrors outside of `APIError` are raised before anything is sent, so they cost nothing; only a \
         `BudgetExceededError` may come between two tries of a call.\n",
    );
    for row in &rows {
        let _ = write!(out, "\n## {}\n\n{}\n", row.kind.name(), sentence(row.doc));
        let bases = row.python_bases.iter().map(|base| format!("`{base}`")).collect::<Vec<_>>();
        let parent = row
            .parent
            .map(|parent| format!("It is a [`{0}`](#{1})", parent.name(), parent.name().to_lowercase()));
        if let Some(parent) = parent {
            let also = if bases.is_empty() {
                String::new()
            } else {
                format!(", and in Python also a {}", bases.join(" and a "))
            };
            let _ = write!(out, "\n{parent}{also}. Exit code {}.\n", row.exit_code);
        }
        if !row.fields.is_empty() {
            out.push('\n');
            fields(&mut out, &row.fields);
        }
    }
    out
}

fn branch(out: &mut String, rows: &[KindRow], parent: Option<Kind>, depth: usize) {
    for row in rows.iter().filter(|row| row.parent == parent) {
        let _ = writeln!(out, "{}{} ({})", "  ".repeat(depth), row.kind.name(), row.exit_code);
        branch(out, rows, Some(row.kind), depth + 1);
    }
}

/// The models with what they take, what they cost and their dates.
pub fn models() -> String {
    let catalogue = Catalogue::builtin();
    let list = catalogue.list();
    let mut out = format!(
        "# Models and prices\n\n{WRITTEN}\n\n\
         This is the built-in catalogue, checked on {}. `client.models()` and `nanobanana models` print the one that is in use. \
         A newer catalogue is a file or URL in the option [`catalogue`](options.md#catalogue). An id that is not in it is sent \
         as it is.\n\n\
         [Which model to choose](../models.md) compares them in words.\n\n\
         ## Names and dates\n\n| model | alias | state | released | may end from | successor |\n| --- | --- | --- | --- | --- | --- |\n",
        list.first().map(|model| model.prices_checked.clone()).unwrap_or_default(),
    );
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "–".to_owned());
    for model in &list {
        let aliases = model.aliases.iter().map(|alias| format!("`{alias}`")).collect::<Vec<_>>().join(", ");
        let successor = model.successor.as_ref().map_or("–".to_owned(), |id| format!("`{id}`"));
        let _ = writeln!(
            out,
            "| `{}` | {aliases} | {} | {} | {} | {successor} |",
            model.id,
            model.state,
            text(&model.released),
            text(&model.shutdown)
        );
    }
    for model in list.iter().filter_map(|model| Some((&model.id, model.closed_to_new_projects.as_ref()?))) {
        let _ = write!(out, "\n`{}` has been closed to new projects since {}.\n", model.0, model.1);
    }
    out.push_str("\n## What they take\n\n| model | sizes | ratios | pictures in | thinking levels | web search | image search | video | tiers |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n");
    let yes = |is: bool| if is { "yes" } else { "no" };
    for model in &list {
        let most = model.max_images.map_or_else(
            || model.soft_max_images.map_or("not known".to_owned(), |soft| format!("best up to {soft}")),
            |most| format!("up to {most}"),
        );
        let levels = if model.thinking.is_empty() { "none".to_owned() } else { model.thinking.join(", ") };
        let _ = writeln!(
            out,
            "| `{}` | {} | {} | {most} | {levels} | {} | {} | {} | {} |",
            model.id,
            model.image_sizes.join(", "),
            model.aspect_ratios.len(),
            yes(model.search),
            yes(model.image_search),
            yes(model.video_input),
            model.service_tiers.join(", ")
        );
    }
    let ratios: Vec<String> = list.iter().map(|model| model.aspect_ratios.join(" ")).collect();
    let mut seen: Vec<&String> = Vec::new();
    for ratio in &ratios {
        if !seen.contains(&ratio) {
            seen.push(ratio);
            let _ = write!(out, "\nThe {} ratios are {ratio}.\n", ratio.split(' ').count());
        }
    }
    out.push_str(
        "\n## Prices of one picture\n\nUSD in the standard tier, as the number of its tokens; the prompt, its pictures, thinking and searches come on top. \
         `client.estimate(…)` gives the range for a call.\n\n| model | 512 | 1K | 2K | 4K |\n| --- | --- | --- | --- | --- |\n",
    );
    for model in &list {
        let price = |size: &str| {
            let price = model.price_per_image.0.get(size).and_then(serde_json::Value::as_f64);
            price.map_or("–".to_owned(), |usd| format!("${usd:.4}"))
        };
        let _ = writeln!(
            out,
            "| `{}` | {} | {} | {} | {} |",
            model.id,
            price("512"),
            price("1K"),
            price("2K"),
            price("4K")
        );
    }
    out.push_str("\n## Prices of tokens\n\nUSD for a million tokens. Thinking is billed like text of the answer.\n\n| model | tier | in | text out | pictures out |\n| --- | --- | --- | --- | --- |\n");
    let file: serde_json::Value = serde_json::from_str(include_str!("../../../base/models.json")).unwrap();
    for model in file["models"].as_array().unwrap() {
        for (tier, rate) in model["prices"]["tiers"].as_object().unwrap() {
            let usd = |name: &str| rate.get(name).map_or("–".to_owned(), |usd| format!("${usd}"));
            let id = model["id"].as_str().unwrap();
            let _ =
                writeln!(out, "| `{id}` | {tier} | {} | {} | {} |", usd("input"), usd("text"), usd("image"));
        }
    }
    out.push_str(
        "\n## What sources disagree on\n\nThese are sent with a warning, and the service decides. The warning is \
         in `result.warnings`, or in `error.warnings` if the call fails.\n\n",
    );
    for model in file["models"].as_array().unwrap() {
        for doubt in model["disputed"].as_array().unwrap() {
            let value = doubt["value"].as_str().map(|value| format!(" `{value}`")).unwrap_or_default();
            let (id, option) = (model["id"].as_str().unwrap(), doubt["option"].as_str().unwrap());
            let _ = writeln!(out, "- `{id}`, `{option}`{value}: {}.", doubt["why"].as_str().unwrap());
        }
    }
    out.push_str("\n## Notes\n\n");
    for model in &list {
        for note in &model.notes {
            let _ = writeln!(out, "- `{}`: {note}", model.id);
        }
    }
    out
}

fn fields(out: &mut String, fields: &[Field]) {
    if fields.is_empty() {
        return;
    }
    out.push_str("| name | type | meaning |\n| --- | --- | --- |\n");
    for field in fields {
        let doc = doc(field).replace('|', "\\|");
        let _ = writeln!(out, "| `{}` | `{}` | {doc} |", field.name, field.python.replace('|', "\\|"));
    }
}

/// What a row means, with the unit of a time in every language.
fn doc(field: &Field) -> String {
    let doc = sentence(&field.doc_in(Case::Snake));
    match doc.strip_suffix("n seconds.") {
        Some(start) if field.is_time => format!("{start}n seconds (Node: milliseconds)."),
        _ => doc,
    }
}

/// A table's words as one line; angle brackets would be markup.
fn sentence(doc: &str) -> String {
    doc.split_whitespace().collect::<Vec<_>>().join(" ").replace('<', "&lt;")
}
