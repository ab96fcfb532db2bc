//! Writes the generated files of the bindings, or finds that they are as they should be; and holds
//! the one version number.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "generated/blocks.rs"]
#[rustfmt::skip]
#[allow(dead_code, clippy::print_stdout, reason = "programs of the pages, which it is enough to compile")]
mod blocks;
#[path = "generated/file.rs"]
mod file;
#[path = "generated/inputs.rs"]
mod inputs;
#[path = "generated/json_schema.rs"]
mod json_schema;
#[path = "generated/methods.rs"]
mod methods;
#[path = "generated/pages.rs"]
mod pages;
#[path = "generated/python.rs"]
mod python;
#[path = "generated/python_verbs.rs"]
mod python_verbs;
#[path = "generated/reference.rs"]
mod reference;
#[path = "generated/steps.rs"]
mod steps;
#[path = "generated/typescript.rs"]
mod typescript;
#[path = "generated/typescript_verbs.rs"]
mod typescript_verbs;
#[path = "generated/verbs.rs"]
mod verbs;

use file::{root, same};
use nanobanana::catalogue::ModelInfo;
use nanobanana::error::{Attempt, Partial, Usage};
use nanobanana::options::{
    Attachment, Budget, Cache, ClientOptions, Encode, FileOptions, GenerateOptions, ManyOptions, Reference,
    Region, Retry, Timeout, UploadOptions,
};
use nanobanana::provenance::{Mark, Provenance};
use nanobanana::records::{
    ChatTurn, DoneEvent, Estimate, Explained, File, Generation, Grounding, ImageEvent, InputPlan, MaskedEdit,
    Outcome, PictureFacts, Source, Span, Spent, TextEvent, ThoughtEvent, Thoughts, TokenCount, UnknownCall,
};
use nanobanana::schema::{Field, Table};
use nanobanana::{ClientEvent, Input};

/// What a call and a client can be told.
fn calls() -> Vec<Table> {
    vec![GenerateOptions::table(), client_options()]
}

/// What those calls can be told that are about files.
fn of_files() -> Vec<Table> {
    vec![UploadOptions::table(), FileOptions::table()]
}

/// What a run of many calls can be told: its own options, and those of its calls.
fn many_options() -> Table {
    let mut table = run_options();
    table.fields.extend(without_inputs().fields);
    table
}

/// What can be said of calls before their prompts: nothing that goes with one.
fn without_inputs() -> Table {
    let mut table = GenerateOptions::table();
    table.fields.retain(|field| !Input::OPTIONS.contains(&field.name));
    table
}

/// Its own ones. Their texts are paths, which have other forms in Python, too.
fn run_options() -> Table {
    let mut table = ManyOptions::table();
    for field in table.fields.iter_mut().filter(|field| field.python == "str") {
        field.python = "str | os.PathLike[str]".to_owned();
    }
    table
}

/// The core's, and what a language with functions has beside them.
fn client_options() -> Table {
    let mut table = ClientOptions::table();
    table.fields.push(Field {
        name: "on_event",
        doc: "Is called with each step of each call, in order: a request that is sent, its answer, a wait, another \
              try. No event holds a key, a prompt or a picture.",
        python: "Callable[[ClientEvent], object]".to_owned(),
        typescript: "((event: ClientEvent) => void)".to_owned(),
        is_time: false,
    });
    table
}

/// The name of a stream's event, if the record is one.
fn stream_event(table: &Table) -> Option<String> {
    table.name.strip_suffix("Event").filter(|name| *name != "Client").map(str::to_lowercase)
}

/// Options that have options of their own.
fn settings() -> Vec<Table> {
    vec![Timeout::table(), Retry::table(), Budget::table(), Cache::table(), Encode::table()]
}

/// Classes that stand where inputs do: those that wrap one, with the name under which they hold it and its type, and
/// those that are made of numbers, which have names for all but the last of their fields.
fn wrappers() -> Vec<(Table, Option<(&'static str, &'static str)>)> {
    vec![
        (Reference::table(), Some(("image", "ImageInput"))),
        (Attachment::table(), Some(("source", "AttachmentInput"))),
        (Region::table(), None),
    ]
}

/// Records that errors hold.
fn records_of_errors() -> Vec<Table> {
    vec![Attempt::table(), Usage::table(), Partial::table()]
}

/// All other records, each after those that it holds.
fn records() -> Vec<Table> {
    vec![
        Thoughts::table(),
        Source::table(),
        Span::table(),
        Grounding::table(),
        MaskedEdit::table(),
        Generation::table(),
        ModelInfo::table(),
        Outcome::table(),
        Estimate::table(),
        TokenCount::table(),
        File::table(),
        PictureFacts::table(),
        InputPlan::table(),
        Explained::table(),
        UnknownCall::table(),
        Spent::table(),
        ChatTurn::table(),
        ThoughtEvent::table(),
        TextEvent::table(),
        ImageEvent::table(),
        DoneEvent::table(),
        ClientEvent::table(),
        Mark::table(),
        Provenance::table(),
    ]
}

#[test]
fn python_is_as_the_tables_say() {
    same("bindings-python/python/nanobanana/_generated.py", &python::classes());
}

#[test]
fn python_types_are_as_the_tables_say() {
    same("bindings-python/python/nanobanana/_options.py", &python::types());
}

#[test]
fn python_verbs_are_as_the_tables_say() {
    same("bindings-python/python/nanobanana/_verbs.py", &python_verbs::write());
}

#[test]
fn typescript_is_as_the_tables_say() {
    same("bindings-node/lib/generated.ts", &typescript::write());
}

#[test]
fn typescript_verbs_are_as_the_tables_say() {
    same("bindings-node/lib/verbs.ts", &typescript_verbs::write());
    same("bindings-node/lib/image_verbs.ts", &typescript_verbs::of_images());
}

#[test]
fn the_steps_of_scripts_are_told_as_they_are() {
    same("core/emulator/src/steps.md", &steps::page());
}

#[test]
fn the_reference_is_as_the_tables_say() {
    let pages = [
        ("options", reference::options()),
        ("results", reference::results()),
        ("errors", reference::errors()),
        ("models", reference::models()),
        ("methods", methods::methods()),
        ("command", methods::command()),
    ];
    for (name, page) in pages {
        same(&format!("docs/reference/{name}.md"), &page);
    }
}

#[test]
fn the_json_of_the_command_has_a_schema() {
    same("docs/public/command.schema.json", &json_schema::write());
}

#[test]
fn the_rust_of_the_pages_is_compiled() {
    same("core/cli/tests/generated/blocks.rs", &pages::blocks());
}

/// Python has these classes in Rust, and their methods stand in a stub.
#[test]
fn python_has_the_verbs_of_images_and_emulators_too() {
    let stub = std::fs::read_to_string(root().join("bindings-python/python/nanobanana/_native.pyi")).unwrap();
    for (class, verbs) in [("Image", verbs::OF_IMAGES), ("Emulator", verbs::OF_EMULATORS)] {
        let start = stub.split(&format!("class {class}:\n")).nth(1).unwrap();
        let body = start.split("\n\n").next().unwrap();
        for verb in verbs {
            assert!(body.contains(&format!(" def {}(self", verb.name)), "{class} has no {}", verb.name);
        }
    }
}

#[test]
fn crate_and_npm_package_have_one_version() {
    let package = std::fs::read_to_string(root().join("package.json")).unwrap();
    let package: serde_json::Value = serde_json::from_str(&package).unwrap();
    assert_eq!(package["version"], env!("CARGO_PKG_VERSION"));
}
