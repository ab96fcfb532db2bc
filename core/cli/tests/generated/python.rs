//! The tables as Python: `_generated.py` has what runs, `_options.py` what only type checkers and
//! annotations need. What comes out is as `ruff format` would leave it.

use std::fmt::Write as _;

use nanobanana::catalogue::Catalogue;
use nanobanana::error::{Error, Kind, KindRow};
use nanobanana::image::Image;
use nanobanana::options::{
    EditOptions, EmulatorOptions, FileOptions, GenerateOptions, Reading, RecordOptions, UploadOptions,
};
use nanobanana::schema::{Case, Field, Table, Typed};

use super::stream_event;

/// As in pyproject.toml.
pub const WIDTH: usize = 110;

pub const HEADER: &str = "\
# Written by core/cli/tests/generated.rs from the tables in core.
# Change those; the test rewrites this file.
";

/// `_generated.py`.
pub fn classes() -> String {
    let mut out = format!(
        "{HEADER}\n\
        \"\"\"Errors, records and settings as classes; signatures with every option.\"\"\"\n\n\
        from __future__ import annotations\n\n\
        from ._base import ErrorBase, OutcomeBase, Record, ResultBase, Settings, Wrapper, read_picture\n\
        from ._native import Image\n\n\
        TYPE_CHECKING = False\n\
        if TYPE_CHECKING:\n    \
            import os\n    \
            from collections.abc import Callable, Iterable, Sequence\n    \
            from typing import Any, ClassVar, Literal, TypeAlias\n\n    \
            from ._options import (\n        \
                AspectRatio,\n        AttachmentInput,\n        Event,\n        ImageInput,\n        \
                ImageSize,\n        Item,\n        MaskInput,\n        Model,\n        Prompt,\n    \
            )\n"
    );
    let (of_errors, others) = (super::records_of_errors(), super::records());
    let mut names: Vec<&str> =
        [&of_errors, &super::settings(), &others].into_iter().flatten().map(|t| t.name).collect();
    names.extend(super::wrappers().iter().map(|(table, _)| table.name));
    names.extend(Kind::table().iter().map(|row| row.kind.name()));
    names.sort_unstable();
    out.push_str("\n__all__ = [\n");
    names.iter().for_each(|name| writeln!(out, "    {name:?},").unwrap());
    out.push_str("]\n");
    of_errors.iter().for_each(|table| record(&mut out, table));
    Kind::table().iter().for_each(|row| error(&mut out, row));
    out.push_str("\n\n_ERRORS: dict[str, type[NanoBananaError]] = {\n");
    Kind::table().iter().for_each(|row| writeln!(out, "    \"{0}\": {0},", row.kind.name()).unwrap());
    out.push_str(
        "}\n\n\n\
        def read_error(values: dict[str, Any], pictures: Iterable[Image] = ()) -> NanoBananaError:\n    \
            \"\"\"The exception that the core describes.\"\"\"\n    \
            return _ERRORS.get(values[\"kind\"], NanoBananaError)._read(values, iter(pictures))\n",
    );
    others.iter().for_each(|table| record(&mut out, table));
    super::settings().iter().for_each(|table| setting(&mut out, table, None));
    super::wrappers().iter().for_each(|(table, of)| match of {
        Some(of) => setting(&mut out, table, Some(*of)),
        None => shape(&mut out, table),
    });
    out.push_str(
        "\n\n\
# Where they stand is nobody's business: neither a reader's nor a pickle's.\n\
        for _name in __all__:\n    \
            globals()[_name].__module__ = \"nanobanana\"\n\n\
        _EVENTS: dict[str, Any] = {\n",
    );
    for table in others.iter() {
        stream_event(table).iter().for_each(|kind| writeln!(out, "    {kind:?}: {},", table.name).unwrap());
    }
    out.push_str(
        "}\n\n\n\
        def read_event(values: dict[str, Any], pictures: Iterable[Image]) -> Event:\n    \
            \"\"\"The event that the core describes.\"\"\"\n    \
            event: Event = _EVENTS[values[\"type\"]]._read(values, iter(pictures))\n    \
            return event\n",
    );
    out.push_str(
        "\n\n\
        def read_outcome(values: dict[str, Any], pictures: Iterable[Image]) -> Outcome:\n    \
            \"\"\"The outcome that the core describes.\"\"\"\n    \
            kind: Any = Outcome\n    \
            outcome: Outcome = kind._read(values, iter(pictures))\n    \
            return outcome\n",
    );
    let (call, many) = (GenerateOptions::table(), super::many_options());
    let images = "images: ImageInput | Sequence[ImageInput]";
    let more = format!("{images} | None = None");
    let calls: [(&str, &[&str]); 2] =
        [("generate", &["prompt: Prompt"]), ("send", &["prompt: Prompt", &more])];
    calls.iter().for_each(|(name, takes)| signature(&mut out, name, takes, &call));
    options_docs(&mut out, &calls.map(|(name, _)| name), &call);
    let mut edit = EditOptions::table();
    edit.fields.extend(call.fields);
    signature(&mut out, "edit", &["prompt: Prompt", images], &edit);
    options_docs(&mut out, &["edit"], &edit);
    let takes: &[&str] = &["prompt: Prompt", &more];
    let asking = ["estimate", "count_tokens", "explain"];
    asking.iter().for_each(|name| signature(&mut out, name, takes, &edit));
    options_docs(&mut out, &asking, &edit);
    let (upload, file) = (UploadOptions::table(), FileOptions::table());
    signature(&mut out, "upload", &["source: ImageInput"], &upload);
    options_docs(&mut out, &["upload"], &upload);
    signature(&mut out, "get_file", &["file: str | File"], &file);
    signature(&mut out, "list_files", &[], &file);
    signature(&mut out, "delete_file", &["file: str | File"], &file);
    options_docs(&mut out, &["get_file", "list_files", "delete_file"], &file);
    let (chats, chat): ([(&str, &[&str]); 2], _) =
        ([("chat", &[]), ("load_chat", &["path: str | os.PathLike[str]"])], super::without_inputs());
    chats.iter().for_each(|(name, takes)| signature(&mut out, name, takes, &chat));
    options_docs(&mut out, &chats.map(|(name, _)| name), &chat);
    signature(&mut out, "generate_many", &["prompts: Iterable[Prompt | Item]"], &many);
    options_docs(&mut out, &["generate_many"], &many);
    let mut client = super::client_options();
    let key = client.fields.remove(0);
    assert_eq!(key.name, "api_key");
    let key = format!("api_key: {} | None = None", key.python);
    signature(&mut out, "client", &[&key], &client);
    signature(&mut out, "with_options", &[&key], &client);
    signature(&mut out, "offline", &[], &client);
    options_docs(&mut out, &["client", "with_options", "offline"], &client);
    out
}

/// `_options.py`.
pub fn types() -> String {
    let records = super::records();
    let mut events: Vec<&str> =
        records.iter().filter(|table| stream_event(table).is_some()).map(|t| t.name).collect();
    events.sort_unstable();
    let mut imported = [events.as_slice(), &["ClientEvent", "File"]].concat();
    imported.extend(super::settings().iter().map(|table| table.name));
    imported.extend(super::wrappers().iter().map(|(table, _)| table.name));
    imported.sort_unstable();
    let line = format!("from ._generated import {}", imported.join(", "));
    let lines = format!("from ._generated import (\n    {},\n)", imported.join(",\n    "));
    let mut out = format!(
        "{HEADER}\n\
        \"\"\"What a call and a client take, for type checkers and annotations.\"\"\"\n\n\
        import os\n\
        from collections.abc import Callable, Mapping, Sequence\n\
        from typing import Any, Literal, Protocol, Required, TypeAlias, TypedDict\n\n\
        {}\n\
        from ._native import Image\n\n\
        __all__ = [\n",
        if line.len() <= WIDTH { line } else { lines },
    );
    let mut names = [
        "AspectRatio",
        "AttachmentInput",
        "ChatOptions",
        "EditOptions",
        "EmulatorOptions",
        "Event",
        "ImageInput",
        "ImageSize",
        "Item",
        "ManyOptions",
        "MaskInput",
        "Model",
        "Prompt",
        "Reading",
        "RecordOptions",
        "ScriptStep",
    ]
    .to_vec();
    names.extend(super::calls().iter().chain(&super::of_files()).map(|table| table.name));
    names.sort_unstable();
    names.iter().for_each(|name| writeln!(out, "    {name:?},").unwrap());
    out.push_str("]\n");
    let catalogue = Catalogue::builtin();
    word(&mut out, "Model", "A model, by id or alias; any other id is sent as it is.", catalogue.names());
    word(&mut out, "AspectRatio", "Width to height.", catalogue.aspect_ratios());
    word(&mut out, "ImageSize", "How large a picture is, in any case of letters.", catalogue.image_sizes());
    let lines: String = Reading::NAMES.iter().map(|name| format!("    {name:?},\n")).collect();
    let doc = "Another reading of what the service does, where sources conflict.";
    writeln!(out, "\nReading: TypeAlias = Literal[\n{lines}]\n\"\"\"{doc}\"\"\"").unwrap();
    let forms: Vec<&str> = super::inputs::FORMS.iter().flat_map(|form| form.python).copied().collect();
    let text = "\n\n\
        class _Array(Protocol):\n    \
            @property\n    \
            def __array_interface__(self) -> dict[str, Any]: ...\n\n\n\
        class _File(Protocol):\n    \
            def read(self) -> bytes: ...\n\n\n\
        class _Response(Protocol):\n    \
            @property\n    \
            def status_code(self) -> int: ...\n    \
            @property\n    \
            def content(self) -> bytes: ...\n\n\n\
        _InlineData: TypeAlias = Mapping[Literal[\"inlineData\", \"inline_data\"], Mapping[str, Any]]\n\n\
        $forms\n\
        \"\"\"A picture in whatever form it is at hand; PIL images and NumPy arrays are arrays here.\"\"\"\n\n\
        $files\n\
        \"\"\"A document or a video in whatever form it is at hand; a string is its path or URL.\"\"\"\n\n\
        MaskInput: TypeAlias = ImageInput | Box\n\
        \"\"\"What of a picture may change: a picture that marks it, or a box.\"\"\"\n\n\
        Prompt: TypeAlias = str | Sequence[str | ImageInput | Attachment]\n\
        \"\"\"A text, or texts and pictures in turn.\"\"\"\n";
    let files: Vec<&str> = super::inputs::attachable().flat_map(|form| form.python).copied().collect();
    let union = |name: &str, forms: &[&str]| {
        let line = format!("{name}: TypeAlias = {}", forms.join(" | "));
        let lines = format!("{name}: TypeAlias = (\n    {}\n)", forms.join(" | "));
        let each = format!("{name}: TypeAlias = (\n    {}\n)", forms.join("\n    | "));
        let is_narrow = |text: &str| text.lines().all(|line| line.len() <= WIDTH);
        if is_narrow(&line) {
            line
        } else if is_narrow(&lines) {
            lines
        } else {
            each
        }
    };
    let text = text.replace("$forms", &union("ImageInput", &forms));
    out.push_str(&text.replace("$files", &union("AttachmentInput", &files)));
    write!(
        out,
        "\nEvent: TypeAlias = {}\n\"\"\"What a stream gives, as it arrives.\"\"\"\n",
        events.join(" | ")
    )
    .unwrap();
    let mut client = super::client_options();
    client.doc = "What a client can be told, beside its key.";
    client.fields.remove(0);
    let mut emulator = EmulatorOptions::table();
    emulator.doc = "What an emulator can be told, beside its port.";
    emulator.fields.retain(|field| field.name != "port");
    // What goes with a prompt cannot be said before there is one.
    let (mut chat, mut call) = (super::without_inputs(), GenerateOptions::table());
    call.fields.retain(|field| chat.fields.iter().all(|shared| shared.name != field.name));
    chat.name = "ChatOptions";
    chat.doc = "What all turns of a conversation, or all of many calls, can be told.";
    for (table, base) in [
        (chat, "TypedDict"),
        (call, "ChatOptions"),
        (EditOptions::table(), "GenerateOptions"),
        (super::run_options(), "ChatOptions"),
        (client, "TypedDict"),
        (UploadOptions::table(), "TypedDict"),
        (FileOptions::table(), "TypedDict"),
        (emulator, "TypedDict"),
        (RecordOptions::table(), "TypedDict"),
    ] {
        write!(out, "\n\nclass {}({base}, total=False):\n", table.name).unwrap();
        docstring(&mut out, table.doc);
        for field in &table.fields {
            writeln!(out, "\n    {}: {} | None", field.name, field.python).unwrap();
            docstring(&mut out, &field.doc_in(Case::Snake));
        }
    }
    steps(&mut out);
    out.push_str(
        "\n\nclass Item(TypedDict, total=False):\n    \
            \"\"\"One call of `generate_many`.\"\"\"\n\n    \
            prompt: Required[Prompt]\n    \
            \"\"\"What to draw.\"\"\"\n\n    \
            images: ImageInput | Sequence[ImageInput] | None\n    \
            \"\"\"What to draw it from.\"\"\"\n\n    \
            options: EditOptions | None\n    \
            \"\"\"These go before those of all calls.\"\"\"\n\n    \
            id: str | int | None\n    \
            \"\"\"What a journal knows it by, and how its files are named.\"\"\"\n",
    );
    out
}

/// No value of a step may be None: what is not said is left out.
fn steps(out: &mut String) {
    for (private, table) in [("_", super::steps::matched()), ("", super::steps::table())] {
        write!(out, "\n\nclass {private}{}(TypedDict, total=False):\n", table.name).unwrap();
        docstring(out, table.doc);
        for field in &table.fields {
            writeln!(out, "\n    {}: {}", field.name, field.python).unwrap();
            docstring(out, &field.doc_in(Case::Snake));
        }
    }
}

fn word(out: &mut String, name: &str, doc: &str, known: Vec<&str>) {
    write!(
        out,
        "
{name}: TypeAlias = (
    Literal[
"
    )
    .unwrap();
    known.iter().for_each(|word| writeln!(out, "        {word:?},").unwrap());
    write!(
        out,
        "    ]
    | str
)
\"\"\"{doc}\"\"\"
"
    )
    .unwrap();
}

/// One paragraph as lines of at most `width` characters.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().unwrap();
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= width {
            write!(line, " {word}").unwrap();
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

/// A docstring inside of a class.
pub fn docstring(out: &mut String, doc: &str) {
    docstring_at(out, doc, "    ");
}

/// A docstring this far from the margin.
pub fn docstring_at(out: &mut String, doc: &str, indent: &str) {
    let text = doc.split_whitespace().collect::<Vec<_>>().join(" ");
    let width = WIDTH - indent.len();
    if text.chars().count() + 6 <= width && !text.ends_with('"') {
        writeln!(out, "{indent}\"\"\"{text}\"\"\"").unwrap();
        return;
    }
    // The first sentence stands alone, as help() and editors show it.
    let (first, rest) = text.split_once(". ").map_or((text.as_str(), ""), |(first, rest)| (first, rest));
    let first = if rest.is_empty() { first.to_owned() } else { format!("{first}.") };
    let lines = wrap(&first, width - 3).join(&format!("\n{indent}"));
    writeln!(out, "{indent}\"\"\"{lines}").unwrap();
    if !rest.is_empty() {
        write!(out, "\n{indent}{}\n", wrap(rest, width).join(&format!("\n{indent}"))).unwrap();
    }
    writeln!(out, "{indent}\"\"\"").unwrap();
}

/// A tuple or dict of items on one line, or one item a line.
fn listed(out: &mut String, start: &str, items: &[String], ends: [&str; 2]) {
    let [open, close] = ends;
    let line = format!("    {start}{open}{}{close}", items.join(", "));
    if line.len() <= WIDTH {
        writeln!(out, "{line}").unwrap();
        return;
    }
    writeln!(out, "    {start}{open}").unwrap();
    items.iter().for_each(|item| writeln!(out, "        {item},").unwrap());
    writeln!(out, "    {close}").unwrap();
}

/// What reads the record, picture or error that a field holds, alone or in a list.
fn reader(field: &Field) -> Option<String> {
    let bare = field.python.trim_end_matches(" | None").trim_start_matches("list[").trim_end_matches(']');
    if bare == Image::python() {
        return Some("read_picture".into());
    }
    if bare == Error::python() {
        return Some("read_error".into());
    }
    let (of_errors, others) = (super::records_of_errors(), super::records());
    let is_record = [&of_errors, &others].into_iter().flatten().any(|table| table.name == bare);
    is_record.then(|| format!("{bare}._read"))
}

/// How fields are read, beside those that are read by `above`.
fn readers(out: &mut String, above: Option<String>, fields: &[Field]) {
    let own = fields.iter().filter_map(|field| Some(format!("{:?}: {}", field.name, reader(field)?)));
    let own: Vec<String> = own.collect();
    if !own.is_empty() {
        listed(out, "_readers = ", &above.into_iter().chain(own).collect::<Vec<_>>(), ["{", "}"]);
    }
}

fn attributes(out: &mut String, fields: &[Field]) {
    for field in fields {
        writeln!(out, "    {}: {}", field.name, field.python).unwrap();
        docstring(out, &field.doc_in(Case::Snake));
    }
}

fn record(out: &mut String, table: &Table) {
    let base = match table.name {
        // What can do more than hold its fields.
        "Result" => "ResultBase",
        "Outcome" => return outcome(out, table),
        _ => "Record",
    };
    write!(out, "\n\nclass {}({base}):\n", table.name).unwrap();
    docstring(out, table.doc);
    out.push('\n');
    slots(out, None, &table.fields, 0);
    readers(out, None, &table.fields);
    if let Some(kind) = stream_event(table) {
        writeln!(out, "    type: ClassVar[Literal[{kind:?}]] = {kind:?}").unwrap();
        docstring(out, "The event's name.");
    }
    attributes(out, &table.fields);
}

/// One class, and for type checkers two, which tell by `ok` whether there is a result.
fn outcome(out: &mut String, table: &Table) {
    let indented = |text: String| -> String {
        let line = |line: &str| if line.is_empty() { "\n".to_owned() } else { format!("    {line}\n") };
        text.lines().map(line).collect()
    };
    let either = ["ok", "result", "error"];
    out.push_str("\n\nif TYPE_CHECKING:\n\n    class _Outcome(OutcomeBase):\n");
    docstring_at(out, table.doc, "        ");
    out.push('\n');
    for field in table.fields.iter().filter(|field| !either.contains(&field.name)) {
        writeln!(out, "        {}: {}", field.name, field.python).unwrap();
        docstring_at(out, &field.doc_in(Case::Snake), "        ");
    }
    for (class, types) in [
        ("_Succeeded", ["Literal[True]", "Result", "None"]),
        ("_Failed", ["Literal[False]", "None", "NanoBananaError"]),
    ] {
        write!(out, "\n    class {class}(_Outcome):\n").unwrap();
        docstring_at(out, table.doc, "        ");
        out.push('\n');
        for (name, kind) in either.iter().zip(types) {
            writeln!(out, "        {name}: {kind}").unwrap();
            let field = table.fields.iter().find(|field| field.name == *name).unwrap();
            docstring_at(out, &field.doc_in(Case::Snake), "        ");
        }
    }
    out.push_str(
        "\n    Outcome: TypeAlias = _Succeeded | _Failed\nelse:\n\n    class Outcome(OutcomeBase):\n",
    );
    docstring_at(out, table.doc, "        ");
    out.push('\n');
    let mut body = String::new();
    slots(&mut body, None, &table.fields, 4);
    readers(&mut body, None, &table.fields);
    out.push_str(&indented(body));
}

/// The slots of a class with their docs, which `help` shows; with `of` the first one is what it wraps. They will stand
/// `deeper` than here.
fn slots(out: &mut String, of: Option<&str>, fields: &[Field], deeper: usize) {
    let of = of.map(|name| (name, "What it is made of.".to_owned()));
    out.push_str("    __slots__ = {\n");
    let plain = |doc: String| doc.split_whitespace().collect::<Vec<_>>().join(" ");
    for (name, doc) in
        of.into_iter().chain(fields.iter().map(|field| (field.name, field.doc_in(Case::Snake))))
    {
        let doc = plain(doc);
        let line = format!("        {name:?}: {},", quoted(&doc));
        if line.chars().count() + deeper <= WIDTH {
            writeln!(out, "{line}").unwrap();
            continue;
        }
        writeln!(out, "        {name:?}: (").unwrap();
        // With its quotes, and a space behind the line.
        let lines = match quoted(&doc).chars().count() + 12 + deeper <= WIDTH {
            true => vec![doc],
            false => wrap(&doc, WIDTH - 16 - deeper),
        };
        for (place, line) in lines.iter().enumerate() {
            let space = if place + 1 < lines.len() { " " } else { "" };
            writeln!(out, "            {}", quoted(&format!("{line}{space}"))).unwrap();
        }
        out.push_str("        ),\n");
    }
    out.push_str("    }\n    _fields = dict.fromkeys(__slots__)\n");
}

/// A string of Python, in the quotes that `ruff format` would take.
fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\");
    match text.matches('"').count() > text.matches('\'').count() {
        true => format!("'{}'", escaped.replace('\'', "\\'")),
        false => format!("\"{}\"", escaped.replace('"', "\\\"")),
    }
}

fn error(out: &mut String, row: &KindRow) {
    let parent = row.parent.map_or("ErrorBase", Kind::name);
    let bases = [&[parent], row.python_bases].concat().join(", ");
    write!(out, "\n\nclass {}({bases}):\n", row.kind.name()).unwrap();
    fields_docs(out, row);
    let fields: Vec<Field> = row.fields.iter().filter(|field| field.name != "message").cloned().collect();
    if row.fields.is_empty() {
        return;
    }
    out.push('\n');
    if !fields.is_empty() {
        let own = (fields.iter()).map(|field| {
            let default = match field.python.as_str() {
                "bool" => "False",
                list if list.starts_with("list[") && !list.ends_with("None") => "[]",
                _ => "None",
            };
            format!("{:?}: {default}", field.name)
        });
        let above = std::iter::once(format!("**{parent}._fields"));
        listed(out, "_fields = ", &above.chain(own).collect::<Vec<_>>(), ["{", "}"]);
        readers(out, Some(format!("**{parent}._readers")), &fields);
    }
    attributes(out, &row.fields);
}

/// The docs of an error, with those of its fields: they are no attributes of the class, which `help` would list.
fn fields_docs(out: &mut String, row: &KindRow) {
    let table = Kind::table();
    let mut line = vec![row];
    while let Some(parent) = line.last().and_then(|row| row.parent) {
        line.push(table.iter().find(|row| row.kind == parent).unwrap());
    }
    let mut doc = String::new();
    docstring(&mut doc, row.doc);
    let doc = doc.trim_end().trim_end_matches("\"\"\"").trim_end();
    write!(out, "{doc}\n\n    Fields:\n").unwrap();
    for field in line.iter().rev().flat_map(|row| &row.fields) {
        let lines = wrap(&format!("{}: {}", field.name, field.doc_in(Case::Snake)), WIDTH - 12);
        writeln!(out, "        {}", lines.join("\n            ")).unwrap();
    }
    out.push_str("    \"\"\"\n");
}

/// A class of options; with `of` it wraps an input under that name, of that type.
fn setting(out: &mut String, table: &Table, of: Option<(&str, &str)>) {
    let base = if of.is_some() { "Wrapper" } else { "Settings" };
    let (of, kind) = (of.map(|(name, _)| name), of.map_or("", |(_, kind)| kind));
    write!(out, "\n\nclass {}({base}):\n", table.name).unwrap();
    docstring(out, table.doc);
    out.push('\n');
    slots(out, of, &table.fields, 0);
    if let Some(of) = of {
        write!(out, "    del _fields[{of:?}]\n    _wraps = {of:?}\n    {of}: {kind}\n").unwrap();
    }
    attributes(out, &optional(&table.fields));
    write!(out, "\n    def __init__(\n        self,\n").unwrap();
    of.iter().for_each(|of| writeln!(out, "        {of}: {kind},").unwrap());
    out.push_str("        *,\n");
    for field in optional(&table.fields) {
        writeln!(out, "        {}: {} = None,", field.name, field.python).unwrap();
    }
    out.push_str("    ) -> None:\n");
    let names = of.into_iter().chain(table.fields.iter().map(|field| field.name));
    names.for_each(|name| writeln!(out, "        self.{name} = {name}").unwrap());
}

/// A class of numbers, which are written without their names, and of one more value.
fn shape(out: &mut String, table: &Table) {
    write!(out, "\n\nclass {}(Wrapper):\n", table.name).unwrap();
    docstring(out, table.doc);
    out.push('\n');
    slots(out, None, &table.fields, 0);
    out.push_str("    _wraps = None\n");
    let (last, numbers) = table.fields.split_last().unwrap();
    let last = optional(std::slice::from_ref(last));
    attributes(out, &[numbers, &last].concat());
    let takes: Vec<String> = (numbers.iter().map(|field| format!("{}: {}", field.name, field.python)))
        .chain(last.iter().map(|field| format!("{}: {} = None", field.name, field.python)))
        .collect();
    write!(out, "\n    def __init__(\n        self,\n").unwrap();
    takes.iter().for_each(|taken| writeln!(out, "        {taken},").unwrap());
    out.push_str("    ) -> None:\n");
    table.fields.iter().for_each(|field| writeln!(out, "        self.{0} = {0}", field.name).unwrap());
}

fn optional(fields: &[Field]) -> Vec<Field> {
    (fields.iter().cloned())
        .map(|field| Field { python: format!("{} | None", field.python), ..field })
        .collect()
}

/// A function that is never called: its signature is that of methods with `**options`.
fn signature(out: &mut String, name: &str, positional: &[&str], table: &Table) {
    write!(out, "\n\ndef {name}(\n    self: Any,\n").unwrap();
    positional.iter().for_each(|argument| writeln!(out, "    {argument},").unwrap());
    out.push_str("    *,\n");
    for field in optional(&table.fields) {
        writeln!(out, "    {}: {} = None,", field.name, field.python).unwrap();
    }
    out.push_str(") -> Any: ...\n");
}

/// What `help` tells of the options of these functions.
fn options_docs(out: &mut String, names: &[&str], table: &Table) {
    let docs: String = names.iter().map(|name| format!("{name}.__doc__ = ")).collect();
    write!(out, "\n\n{docs}\"\"\"\n    Options:\n").unwrap();
    for field in &table.fields {
        let lines = wrap(&format!("{}: {}", field.name, field.doc_in(Case::Snake)), WIDTH - 12);
        writeln!(out, "        {}", lines.join("\n            ")).unwrap();
    }
    out.push_str("    \"\"\"\n");
}
