//! The verbs as Python's methods: each is written twice, to be waited for and to be awaited.

use std::fmt::Write as _;

use super::python::{HEADER, WIDTH, docstring, docstring_at};
use super::verbs::{CHAT, FILES, Gives, How, OF_CHATS, OF_CLIENTS, OF_FILES, Part, Verb};

/// Calls that the module has, too.
const OF_THE_MODULE: &[(&str, &str)] = &[
    ("generate", "Draw a picture from a prompt, with the default client."),
    ("edit", "Draw a picture from others, with the default client."),
];

/// `_verbs.py`.
pub fn write() -> String {
    let mut out = format!(
        "{HEADER}\n\
        \"\"\"What clients, conversations and files can do, waited for and awaited.\"\"\"\n\n\
        from __future__ import annotations\n\n\
        from . import _generated\n\
        from ._client import AsyncClientFront, ClientFront, default_client\n\
        from ._front import AsyncStream, ChatFront, Closing, FilesFront, Stream, documented\n\
        from ._generated import ChatTurn, Estimate, Explained, File, ModelInfo, Result, Spent, TokenCount\n\
        from ._many import AsyncOutcomes, Outcomes\n\n\
        TYPE_CHECKING = False\n\
        if TYPE_CHECKING:\n    \
            import builtins\n    \
            import os\n    \
            from collections.abc import AsyncIterable, Iterable, Sequence\n    \
            from pathlib import Path\n    \
            from typing import Literal, Unpack\n\n    \
            from ._options import (\n        \
                ChatOptions,\n        \
                EditOptions,\n        \
                FileOptions,\n        \
                GenerateOptions,\n        \
                ImageInput,\n        \
                Item,\n        \
                ManyOptions,\n        \
                Prompt,\n        \
                UploadOptions,\n    \
            )\n"
    );
    let shared = format!("{CHAT} Threads may share it.");
    for (asynchronous, name, bases, doc, verbs) in [
        (
            false,
            "Client",
            "ClientFront, Closing",
            "A client of the image models. Threads may share it; it pickles, without its key.",
            OF_CLIENTS,
        ),
        (
            true,
            "AsyncClient",
            "AsyncClientFront",
            "The client for asyncio: the same methods, awaited. A cancelled call ends its request.",
            OF_CLIENTS,
        ),
        (false, "Chat", "ChatFront", &*shared, OF_CHATS),
        (
            true,
            "AsyncChat",
            "ChatFront",
            "The conversation for asyncio: what sends or touches files is awaited, the rest is not.",
            OF_CHATS,
        ),
        (false, "Files", "FilesFront", FILES, OF_FILES),
        (true, "AsyncFiles", "FilesFront", FILES, OF_FILES),
    ] {
        write!(out, "\n\nclass {name}({bases}):\n").unwrap();
        docstring(&mut out, doc);
        out.push_str("\n    __slots__ = ()\n");
        verbs.iter().for_each(|verb| method(&mut out, verb, asynchronous));
    }
    for (name, doc) in OF_THE_MODULE {
        let verb = OF_CLIENTS.iter().find(|verb| verb.name == *name).unwrap();
        function(&mut out, verb, doc);
    }
    out
}

/// What a method's signature and the docs of its options are called in `_generated.py`.
pub fn listed(verb: &Verb) -> &'static str {
    match verb.name {
        "get" => "get_file",
        "list" => "list_files",
        "delete" => "delete_file",
        name => name.trim_end_matches("_stream"),
    }
}

/// A call with the default client.
fn function(out: &mut String, verb: &Verb, doc: &str) {
    let name = verb.name;
    write!(out, "\n\n@documented(_generated.{name})\n").unwrap();
    let mut takes: Vec<_> = verb.takes.iter().map(|part| parameter(*part)).collect();
    let given: Vec<&str> = takes.iter().filter_map(|taken| Some(taken.split_once(':')?.0)).collect();
    let call = format!("{name}({}, **options)", given.join(", "));
    let options = format!("**options: Unpack[{}]", verb.table());
    takes.push(&options);
    definition(out, "", &format!("def {name}("), &takes, gives(verb).0);
    docstring(out, doc);
    writeln!(out, "    return default_client().{call}").unwrap();
}

/// The lines from `def` to the colon.
fn definition(out: &mut String, indent: &str, start: &str, takes: &[&str], gives: &str) {
    let (start, end) = (format!("{indent}{start}"), format!(") -> {gives}:"));
    let line = format!("{start}{}{end}", takes.join(", "));
    let inner = format!("{indent}    {}", takes.join(", "));
    if line.len() <= WIDTH {
        writeln!(out, "{line}").unwrap();
    } else if inner.len() <= WIDTH {
        writeln!(out, "{start}\n{inner}\n{indent}{end}").unwrap();
    } else {
        let split = takes.join(&format!(",\n{indent}    "));
        writeln!(out, "{start}\n{indent}    {split},\n{indent}{end}").unwrap();
    }
}

fn method(out: &mut String, verb: &Verb, asynchronous: bool) {
    let waits = verb.how != How::Now;
    let (awaited, kind) = (asynchronous && waits, if asynchronous { "Async" } else { "" });
    out.push('\n');
    if verb.options {
        // Whose signature and docs `help` shows.
        writeln!(out, "    @documented(_generated.{})", listed(verb)).unwrap();
    }
    if verb.is_property() {
        out.push_str("    @property\n");
    }
    let mut takes = vec!["self"];
    takes.extend(verb.takes.iter().map(|part| match part {
        Part::Prompts if asynchronous => "prompts: Iterable[Prompt | Item] | AsyncIterable[Prompt | Item]",
        part => parameter(*part),
    }));
    let options = format!("**options: Unpack[{}]", verb.table());
    takes.extend(verb.options.then_some(&*options));
    let (gives, makes) = gives(verb);
    let start = format!("{}def {}(", if awaited { "async " } else { "" }, verb.name);
    definition(out, "    ", &start, &takes, &gives.replace('*', kind));
    docstring_at(out, verb.doc, "        ");
    if verb.gives == Gives::Path {
        out.push_str("        from pathlib import Path\n\n");
    }
    let how = match (waits, asynchronous) {
        (false, _) => "self._now",
        (true, false) => "self._wait",
        (true, true) => "self._await",
    };
    let mut call = format!("{how}(\"{}\"{})", verb.name, asks(verb));
    if awaited {
        call.insert_str(0, "await ");
    }
    if awaited && makes.contains("@[") {
        call = format!("({call})");
    }
    let keyword = if verb.gives == Gives::Nothing { "" } else { "return " };
    writeln!(out, "        {keyword}{}", makes.replace('*', kind).replace('@', &call)).unwrap();
}

fn parameter(part: Part) -> &'static str {
    match part {
        Part::Prompt => "prompt: Prompt",
        Part::Prompts => "prompts: Iterable[Prompt | Item]",
        Part::Images => "images: ImageInput | Sequence[ImageInput]",
        Part::MoreImages => "images: ImageInput | Sequence[ImageInput] | None = None",
        Part::Path => "path: str | os.PathLike[str]",
        Part::Role => "role: Literal[\"user\", \"model\"] = \"user\"",
        Part::Keep => "keep: int = 0",
        Part::Source => "source: ImageInput",
        Part::File => "file: str | File",
        Part::Format | Part::Quality | Part::Width | Part::Height | Part::Steps => {
            unreachable!("pictures and emulators are classes of Rust's here")
        }
    }
}

/// What it asks the core, beside its own name.
fn asks(verb: &Verb) -> String {
    if verb.takes.is_empty() && !verb.options {
        return String::new();
    }
    let prompt = if verb.takes(Part::Prompt) { "prompt" } else { "None" };
    let images = (verb.takes.iter()).find_map(|part| match part {
        Part::Images | Part::MoreImages => Some("images"),
        Part::Source => Some("source"),
        Part::File => Some("file"),
        _ => None,
    });
    let named = (verb.takes.iter()).find_map(|part| match part {
        Part::Path => Some("\"path\": path"),
        Part::Role => Some("\"role\": role"),
        Part::Keep => Some("\"keep\": keep"),
        _ => None,
    });
    let options = match named {
        Some(named) if verb.options => format!("{{**options, {named}}}"),
        Some(named) => format!("{{{named}}}"),
        None => "options".to_owned(),
    };
    format!(", {prompt}, {}, {options}", images.unwrap_or("None"))
}

/// What it gives, and what it makes of the core's answer, `@`, to give that; `*` is nothing or `Async`.
fn gives(verb: &Verb) -> (&'static str, &'static str) {
    match verb.gives {
        Gives::Result => ("Result", "Result._one(@)"),
        Gives::Stream => ("*Stream", "*Stream(self, @)"),
        // It asks the core itself, when it is ready to.
        Gives::Outcomes => ("*Outcomes", "*Outcomes(self, prompts, options)"),
        Gives::Chat if OF_CHATS.iter().any(|other| other.name == verb.name) => {
            ("*Chat", "*Chat(self._client, @)")
        }
        Gives::Chat => ("*Chat", "*Chat(self, @)"),
        Gives::Models => ("list[ModelInfo]", "ModelInfo._all(@)"),
        Gives::Estimate => ("Estimate", "Estimate._one(@)"),
        Gives::TokenCount => ("TokenCount", "TokenCount._one(@)"),
        Gives::Files => ("*Files", "*Files(self, @)"),
        Gives::File => ("File", "File._one(@)"),
        // Inside of this class `list` is the method.
        Gives::FileList => ("builtins.list[File]", "File._all(@)"),
        Gives::Explained => ("Explained", "Explained._one(@)"),
        Gives::Spent => ("Spent", "Spent._one(@)"),
        Gives::Turns => ("list[ChatTurn]", "ChatTurn._all(@)"),
        Gives::Path => ("Path", "Path(@[0])"),
        Gives::Whether => ("bool", "bool(@[0])"),
        Gives::Nothing => ("None", "@"),
        Gives::Image | Gives::Text | Gives::TextOrNone | Gives::Requests => {
            unreachable!("pictures and emulators are classes of Rust's here")
        }
    }
}
