//! The reference pages of what can be called: the methods of both languages, and the command with its flags.

use std::fmt::Write as _;
use std::process::Command;

use nanobanana::schema::Case;

use super::verbs::{CHAT, FILES, How, OF_CHATS, OF_CLIENTS, OF_EMULATORS, OF_FILES, OF_IMAGES, Part, Verb};

const WRITTEN: &str = "<!-- Written by core/cli/tests/generated/methods.rs: change the tables and the command, not this page. -->";

/// What clients, conversations, files, emulators and pictures can do.
pub fn methods() -> String {
    let mut out = format!(
        "# Methods\n\n{WRITTEN}\n\n\
         Names are written as in Python; Node writes them in camel case and takes options as one object at the end. \
         `AsyncClient` has the same methods as `Client`; those marked *waits* are awaited there, and give promises in \
         Node. `images` is one picture or a list of them, in [any form](../inputs.md).\n\n\
         `nanobanana.generate` and `nanobanana.edit` are those of one client for the whole program, which is made when it \
         is first needed; `set_default_client` sets another one.\n\n\
         Rust has the same methods as futures, and options as builders; `cargo doc -p nanobanana --open` shows its own pages.\n"
    );
    let client = "`Client(…)` takes the [options of a client](options.md#options-of-a-client); `Client.offline(…)` needs no key. \
                  `with_options(…)` gives the same client with other options, `close()` ends it.";
    let image = "A picture that came, or one from a file by `Image.open(path)`. Beside its methods it has `bytes`, `mime_type`, \
                 `width`, `height`, `original`, `provenance` and a data URL (`to_data_url()`, `toDataURL()`); in Python also \
                 `buffer`, `to_pil()`, `to_numpy()` and `show()`, in Node `toBlob()`.";
    let emulator = "`Emulator(…)` in Python, `await Emulator.start({ … })` in Node. It takes the [options of an \
                    emulator](options.md#options-of-an-emulator).";
    let sections: [(&str, &str, &str, &[Verb]); 5] = [
        ("Client", client, "client", OF_CLIENTS),
        ("Chat", CHAT, "chat", OF_CHATS),
        ("Files", FILES, "client.files", OF_FILES),
        ("Image", image, "image", OF_IMAGES),
        ("Emulator", emulator, "emulator", OF_EMULATORS),
    ];
    for (title, about, of, verbs) in sections {
        let _ = write!(out, "\n## {title}\n\n{about}\n");
        for verb in verbs {
            method(&mut out, of, verb);
        }
    }
    out
}

fn method(out: &mut String, of: &str, verb: &Verb) {
    let mut takes: Vec<&str> = verb.takes.iter().map(|part| parameter(*part)).collect();
    takes.extend(verb.options.then_some("…"));
    let call = if verb.is_property() { String::new() } else { format!("({})", takes.join(", ")) };
    let camel = Case::Camel.name(verb.name);
    let node = if camel == verb.name { String::new() } else { format!(" · Node `{camel}`") };
    let waits = if verb.how == How::Now { "" } else { " · waits" };
    let options = match (verb.options, verb.table()) {
        (false, _) => "",
        (true, "ManyOptions") => " · [options](options.md#options-of-many-calls)",
        (true, "EditOptions") => " · [options](options.md#more-options-of-an-edit)",
        (true, "UploadOptions") => " · [options](options.md#options-of-an-upload)",
        (true, "FileOptions") => " · [options](options.md#options-of-other-calls-about-files)",
        (true, "RecordOptions") => " · [options](options.md#options-of-recorded-calls)",
        (true, _) => " · [options](options.md#options-of-a-call)",
    };
    let doc = verb.doc.split_whitespace().collect::<Vec<_>>().join(" ");
    let _ = write!(out, "\n### {of}.{}\n\n`{}{call}`{node}{waits}{options}\n\n{doc}\n", verb.name, verb.name);
}

fn parameter(part: Part) -> &'static str {
    match part {
        Part::Prompt => "prompt",
        Part::Prompts => "prompts",
        Part::Images => "images",
        Part::MoreImages => "images=None",
        Part::Path => "path",
        Part::Role => "role=\"user\"",
        Part::Keep => "keep=0",
        Part::Format => "format",
        Part::Quality => "quality=None",
        Part::Width => "width",
        Part::Height => "height",
        Part::Steps => "steps",
        Part::Source => "source",
        Part::File => "file",
    }
}

/// The headings of help that several commands have; each is shown once.
const SHARED: [&str; 3] = ["Options of a mask:", "Options of the call:", "Options of the client:"];

/// The command's own help, without what one command repeats of another.
pub fn command() -> String {
    let mut out = format!(
        "# Flags of the command\n\n{WRITTEN}\n\n\
         This is what `nanobanana help` prints. [The command line](../command.md) says how to use it.\n\n## nanobanana\n\n"
    );
    let overview = help(&["--help"]);
    block(&mut out, &overview);
    let mut names = Vec::new();
    for name in listed(&overview) {
        let inner = listed(&help(&[&name, "--help"]));
        names.push(name.clone());
        names.extend(inner.iter().map(|verb| format!("{name} {verb}")));
    }
    let mut shared = Vec::new();
    for name in names {
        let _ = write!(out, "\n## nanobanana {name}\n\n");
        let text = help(&name.split(' ').chain(["--help"]).collect::<Vec<_>>());
        let mut own = Vec::new();
        let mut below = Vec::new();
        for section in text.trim_end().split("\n\n") {
            match SHARED.iter().find(|title| section.starts_with(*title)) {
                Some(title) => {
                    below.push(*title);
                    if !shared.iter().any(|(known, _)| known == title) {
                        shared.push((*title, section.to_owned()));
                    }
                }
                None => own.push(section),
            }
        }
        block(&mut out, &own.join("\n\n"));
        if !below.is_empty() {
            let links: Vec<String> = below.iter().map(|title| link(title)).collect();
            let links = links.join(", the ");
            let links = links
                .rsplit_once(", the ")
                .map_or(links.clone(), |(all, last)| format!("{all} and the {last}"));
            let _ = write!(out, "\nIt also takes the {links}.\n");
        }
    }
    for (title, section) in shared {
        let _ = write!(out, "\n## {}\n\n", title.trim_end_matches(':'));
        block(&mut out, &section);
    }
    out
}

/// The commands that a help lists.
fn listed(help: &str) -> Vec<String> {
    let block = help.split("Commands:\n").nth(1).and_then(|rest| rest.split("\n\n").next());
    let names = block.unwrap_or_default().lines().filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

fn link(title: &str) -> String {
    let name = title.trim_end_matches(':');
    format!("[{}](#{})", name.to_lowercase(), name.to_lowercase().replace(' ', "-"))
}

fn help(args: &[&str]) -> String {
    let out = Command::new(env!("CARGO_BIN_EXE_nanobanana")).args(args).output().unwrap();
    String::from_utf8(out.stdout).unwrap()
}

fn block(out: &mut String, text: &str) {
    let lines: Vec<&str> = text.trim_end().lines().map(str::trim_end).collect();
    let _ = write!(out, "```text\n{}\n```\n", lines.join("\n"));
}
