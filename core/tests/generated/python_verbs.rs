//! The calls of Python's clients and conversations: each verb stands here once, and is written
//! twice, to be waited for and to be awaited.

use std::fmt::Write as _;

use super::python::{HEADER, WIDTH, docstring};

struct Verb {
    name: &'static str,
    /// Its parameters after `self`.
    takes: &'static [&'static str],
    /// Whose signature and docs `help` shows, if it takes options.
    listed: Option<&'static str>,
    /// What it gives; `*` is nothing or `Async`.
    gives: &'static str,
    /// Whether it waits for something.
    waits: bool,
    /// What it asks the core, beside its own name.
    asks: &'static str,
    /// What it makes of the answer, `@`.
    makes: &'static str,
    doc: &'static str,
}

const IMAGES: &str = "images: ImageInput | Sequence[ImageInput]";
const MORE_IMAGES: &str = "images: ImageInput | Sequence[ImageInput] | None = None";
const PATH: &str = "path: str | os.PathLike[str]";
const OPTIONS: &str = "**options: Unpack[GenerateOptions]";

const OF_CLIENTS: &[Verb] = &[
    Verb {
        name: "generate",
        takes: &["prompt: Prompt"],
        listed: Some("generate"),
        gives: "Result",
        waits: true,
        asks: "prompt, None, options",
        makes: "Result._one(@)",
        doc: "Draw a picture from a prompt: a text, or a list of texts and pictures.",
    },
    Verb {
        name: "edit",
        takes: &["prompt: Prompt", IMAGES],
        listed: Some("edit"),
        gives: "Result",
        waits: true,
        asks: "prompt, images, options",
        makes: "Result._one(@)",
        doc: "Draw a picture from others: one or a list of them, in whatever form they are at hand.",
    },
    Verb {
        name: "generate_stream",
        takes: &["prompt: Prompt"],
        listed: Some("generate"),
        gives: "*Stream",
        waits: false,
        asks: "prompt, None, options",
        makes: "*Stream(self, @)",
        doc: "Draw a picture and hand out what arrives on the way: thoughts, text, pictures.",
    },
    Verb {
        name: "edit_stream",
        takes: &["prompt: Prompt", IMAGES],
        listed: Some("edit"),
        gives: "*Stream",
        waits: false,
        asks: "prompt, images, options",
        makes: "*Stream(self, @)",
        doc: "Draw a picture from others and hand out what arrives on the way.",
    },
    Verb {
        name: "chat",
        takes: &[],
        listed: Some("chat"),
        gives: "*Chat",
        waits: false,
        asks: "None, None, options",
        makes: "*Chat(self, @)",
        doc: "Begin a conversation. The options are those of every turn that says nothing else.",
    },
    Verb {
        name: "load_chat",
        takes: &[PATH],
        listed: Some("load_chat"),
        gives: "*Chat",
        waits: true,
        asks: "None, None, {**options, \"path\": path}",
        makes: "*Chat(self, @)",
        doc: "Go on with a conversation that was saved. The options go before those in the file.",
    },
    Verb {
        name: "models",
        takes: &[],
        listed: None,
        gives: "list[ModelInfo]",
        waits: true,
        asks: "",
        makes: "ModelInfo._all(@)",
        doc: "The models of the catalogue, the recommended one first.",
    },
];

const OF_CHATS: &[Verb] = &[
    Verb {
        name: "send",
        takes: &["prompt: Prompt", MORE_IMAGES],
        listed: Some("send"),
        gives: "Result",
        waits: true,
        asks: "prompt, images, options",
        makes: "Result._one(@)",
        doc: "Say something and get the answer. An answer in words only is a result without images. A turn \
              that is blocked or fails leaves the conversation as it was; one to which the model drew \
              nothing stays. Sends at the same time queue.",
    },
    Verb {
        name: "send_stream",
        takes: &["prompt: Prompt", MORE_IMAGES],
        listed: Some("send"),
        gives: "*Stream",
        waits: false,
        asks: "prompt, images, options",
        makes: "*Stream(self, @)",
        doc: "Say something and hand out what arrives on the way. A stream that is left before its end \
              leaves the conversation as it was.",
    },
    Verb {
        name: "add",
        takes: &["prompt: Prompt", MORE_IMAGES, "role: Literal[\"user\", \"model\"] = \"user\""],
        listed: None,
        gives: "None",
        waits: true,
        asks: "prompt, images, {\"role\": role}",
        makes: "@",
        doc: "Put a turn into the history that was not said here, with pictures that the model did not make.",
    },
    Verb {
        name: "save",
        takes: &[PATH],
        listed: None,
        gives: "Path",
        waits: true,
        asks: "None, None, {\"path\": path}",
        makes: "Path(@[0])",
        doc: "Write the conversation to a file, whole or not at all, and return its path. Without an \
              extension, .chat.json is added. The key and headers are not in it.",
    },
    Verb {
        name: "undo",
        takes: &[],
        listed: None,
        gives: "bool",
        waits: false,
        asks: "",
        makes: "bool(@[0])",
        doc: "Take back the last thing that was said and its answer; False if there was nothing.",
    },
    Verb {
        name: "branch",
        takes: &[],
        listed: None,
        gives: "*Chat",
        waits: false,
        asks: "",
        makes: "*Chat(self._client, @)",
        doc: "Another conversation that has said the same so far. Pictures are shared, not copied.",
    },
    Verb {
        name: "drop_images",
        takes: &["keep: int = 0"],
        listed: None,
        gives: "None",
        waits: false,
        asks: "None, None, {\"keep\": keep}",
        makes: "@",
        doc: "Leave all pictures but the last `keep` out of every later request, and let go of them.",
    },
    Verb {
        name: "history",
        takes: &[],
        listed: None,
        gives: "list[ChatTurn]",
        waits: false,
        asks: "",
        makes: "ChatTurn._all(@)",
        doc: "What was said and drawn so far.",
    },
];

/// Calls that the module has, too.
const OF_THE_MODULE: &[(&str, &str)] = &[
    ("generate", "Draw a picture from a prompt, with the default client."),
    ("edit", "Draw a picture from others, with the default client."),
];

/// `_verbs.py`.
pub fn write() -> String {
    let mut out = format!(
        "{HEADER}\n\
        \"\"\"What clients and conversations can do, waited for and awaited.\"\"\"\n\n\
        from __future__ import annotations\n\n\
        from . import _generated\n\
        from ._client import AsyncClientFront, ClientFront, default_client\n\
        from ._front import AsyncStream, ChatFront, Closing, Stream, documented\n\
        from ._generated import ChatTurn, ModelInfo, Result\n\n\
        TYPE_CHECKING = False\n\
        if TYPE_CHECKING:\n    \
            import os\n    \
            from collections.abc import Sequence\n    \
            from pathlib import Path\n    \
            from typing import Literal, Unpack\n\n    \
            from ._options import GenerateOptions, ImageInput, Prompt\n"
    );
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
        (
            false,
            "Chat",
            "ChatFront",
            "A conversation: what was said and drawn goes back with every turn. Threads may share it.",
            OF_CHATS,
        ),
        (
            true,
            "AsyncChat",
            "ChatFront",
            "The conversation for asyncio: what sends or touches files is awaited, the rest is not.",
            OF_CHATS,
        ),
    ] {
        write!(out, "\n\nclass {name}({bases}):\n    \"\"\"{doc}\"\"\"\n\n    __slots__ = ()\n").unwrap();
        verbs.iter().for_each(|verb| method(&mut out, verb, asynchronous));
    }
    for (name, doc) in OF_THE_MODULE {
        let verb = OF_CLIENTS.iter().find(|verb| verb.name == *name).unwrap();
        function(&mut out, verb, doc);
    }
    out
}

/// A call with the default client.
fn function(out: &mut String, verb: &Verb, doc: &str) {
    let Verb { name, takes, gives, .. } = verb;
    write!(out, "\n\n@documented(_generated.{name})\n").unwrap();
    definition(out, "", &format!("def {name}("), &[takes, &[OPTIONS][..]].concat(), gives);
    docstring(out, doc);
    let given: Vec<&str> = takes.iter().filter_map(|taken| Some(taken.split_once(':')?.0)).collect();
    let call = format!("{name}({}, **options)", given.join(", "));
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
    let (awaited, kind) = (asynchronous && verb.waits, if asynchronous { "Async" } else { "" });
    out.push('\n');
    if let Some(listed) = verb.listed {
        writeln!(out, "    @documented(_generated.{listed})").unwrap();
    }
    if verb.name == "history" {
        out.push_str("    @property\n");
    }
    let mut takes = vec!["self"];
    takes.extend(verb.takes);
    takes.extend(verb.listed.map(|_| OPTIONS));
    let start = format!("{}def {}(", if awaited { "async " } else { "" }, verb.name);
    definition(out, "    ", &start, &takes, &verb.gives.replace('*', kind));
    let mut doc = String::new();
    docstring(&mut doc, verb.doc);
    for line in doc.lines() {
        writeln!(out, "{}{line}", if line.is_empty() { "" } else { "    " }).unwrap();
    }
    if verb.gives == "Path" {
        out.push_str("        from pathlib import Path\n\n");
    }
    let how = match (verb.waits, asynchronous) {
        (false, _) => "self._now",
        (true, false) => "self._wait",
        (true, true) => "self._await",
    };
    let asks = if verb.asks.is_empty() { String::new() } else { format!(", {}", verb.asks) };
    let mut call = format!("{how}(\"{}\"{asks})", verb.name);
    if awaited {
        call.insert_str(0, "await ");
    }
    if awaited && verb.makes.contains("@[") {
        call = format!("({call})");
    }
    let keyword = if verb.gives == "None" { "" } else { "return " };
    writeln!(out, "        {keyword}{}", verb.makes.replace('*', kind).replace('@', &call)).unwrap();
}
