//! The verbs as TypeScript's methods, and the functions of the module.

use std::fmt::Write as _;

use nanobanana::schema::Case;

use super::python::wrap;
use super::typescript::{doc, in_javascript};
use super::verbs::{
    CHAT, FILES, Gives, How, OF_CHATS, OF_CLIENTS, OF_EMULATORS, OF_FILES, OF_IMAGES, Part, Verb,
};

const HEADER: &str = "\
// Written by core/cli/tests/generated.rs from core/cli/tests/generated/verbs.rs.
// Change that; the test rewrites this file.
";

const IMPORTS: &str = "
import { apart, type Door } from './door'
import type { EmulatorRequest } from './emulator'
import type {
  ChatTurn, EditOptions, Estimate, Explained, File, FileOptions, GenerateOptions, ImageInput, Item, ManyOptions, ModelInfo,
  Pictures, Prompt, RecordOptions, ScriptStep, Spent, TokenCount, UploadOptions,
} from './generated'
import { brand, unique } from './identity'
import { plainPath } from './image'
import { Client } from './index.js'
import { Outcomes } from './many'
import { record, type Result } from './record'
import { EventStream } from './stream'

/** What a whole conversation can be told; each turn may be told something else. */
export type ChatOptions = Omit<GenerateOptions, 'signal' | $inputs>

/** What one turn can be told, and the pictures that go with its prompt. */
export type TurnOptions = GenerateOptions & { images?: Pictures | null | undefined }

/** What an estimate, a count or an explanation of a call can be told, and the pictures that go with its prompt. */
export type EstimateOptions = EditOptions & { images?: Pictures | null | undefined }
";

// In a file of its own: `Image` extends it, and the other verbs use `Image`.
const IMPORTS_OF_IMAGES: &str = "
import { tools } from './door'
import { Image, plainPath } from './image'
import { record } from './record'
";

/// The calls that are functions of the module too.
const FUNCTIONS: &[&str] = &["generate", "edit"];

/// `verbs.ts`.
pub fn write() -> String {
    let mut out = format!("{HEADER}{}", IMPORTS.replace("$inputs", &super::inputs::options()));
    class(&mut out, "ClientVerbs", "What a client can do.", OF_CLIENTS);
    let chat = format!(
        "{CHAT} A turn that fails, or is refused, leaves it as it was; one to which the model drew \
         nothing stays."
    );
    class(&mut out, "Chat", &chat, OF_CHATS);
    class(&mut out, "Files", FILES, OF_FILES);
    class(&mut out, "EmulatorVerbs", "What an emulator can do.", OF_EMULATORS);
    out.push_str("\nlet shared: Client | undefined\n");
    for name in FUNCTIONS {
        function(&mut out, OF_CLIENTS.iter().find(|verb| verb.name == *name).unwrap());
    }
    let functions: Vec<String> = FUNCTIONS.iter().map(|name| format!("`{name}`")).collect();
    write!(
        out,
        "\n{}export function setDefaultClient(client: Client | undefined): void {{\n  shared = client\n}}\n",
        doc(
            &format!(
                "Sets the client that {} of this module use; none makes a new one when needed.",
                functions.join(" and "),
            ),
            "",
        ),
    )
    .unwrap();
    out
}

/// `image_verbs.ts`.
pub fn of_images() -> String {
    let told = comment("What a picture can do.", "");
    let mut out = format!("{HEADER}{IMPORTS_OF_IMAGES}\n{told}export class ImageVerbs {{");
    OF_IMAGES.iter().for_each(|verb| method(&mut out, verb, "tools", "this"));
    out.push_str("}\n");
    // The first method needs no line before it.
    out.replace("ImageVerbs {\n\n", "ImageVerbs {\n")
}

fn class(out: &mut String, name: &str, told: &str, verbs: &[Verb]) {
    write!(
        out,
        "\n{}export class {name} {{\n  \
           static {{ brand(this, '{name}') }}\n\n  \
           readonly #door: Door\n\n  \
           /** @internal */\n  \
           constructor(door: Door) {{\n    \
             unique(this, '{}')\n    \
             this.#door = door\n  \
           }}\n",
        comment(told, ""),
        name.trim_end_matches("Verbs"),
    )
    .unwrap();
    verbs.iter().for_each(|verb| method(out, verb, "this.#door", "[]"));
    out.push_str("}\n");
}

/// A method that asks this door, about these pictures if it takes none.
fn method(out: &mut String, verb: &Verb, door: &str, about: &str) {
    let waits = verb.how != How::Now;
    let name = Case::Camel.name(verb.name);
    let keyword = match () {
        _ if verb.is_property() => "get ",
        _ if waits => "async ",
        _ => "",
    };
    let (gives, makes) = gives(verb);
    write!(
        out,
        "\n{}  {keyword}{name}({}): {} {{\n",
        comment(verb.doc, "  "),
        parameters(verb),
        if waits { format!("Promise<{gives}>") } else { gives.to_owned() },
    )
    .unwrap();
    if verb.takes(Part::MoreImages) {
        out.push_str("    const { plain, own: images } = apart(options, 'images')\n");
    }
    if verb.takes(Part::Path) && verb.options {
        out.push_str("    const told = { ...options, path: plainPath(path) }\n");
    }
    let asks = asks(verb, about);
    let call = match verb.how {
        How::Now if matches!(verb.gives, Gives::Stream | Gives::Outcomes) => format!("{door}, {asks}"),
        How::Now => format!("{door}.callSync({asks})"),
        How::Works => format!("await {door}.keyless.call({asks})"),
        How::Sends => format!("await {door}.call({asks})"),
    };
    let keyword = if verb.gives == Gives::Nothing { "" } else { "return " };
    write!(out, "    {keyword}{}\n  }}\n", makes.replace('@', &call)).unwrap();
}

fn function(out: &mut String, verb: &Verb) {
    let names: Vec<&str> =
        verb.takes.iter().map(|part| if *part == Part::Prompt { "prompt" } else { "images" }).collect();
    let text = format!("`{}` of one client that is made when it is first needed.", verb.name);
    write!(
        out,
        "\n{}export async function {}({}): Promise<{}> {{\n  \
           return (shared ??= new Client()).{}({}, options)\n\
         }}\n",
        doc(&text, ""),
        verb.name,
        parameters(verb),
        gives(verb).0,
        verb.name,
        names.join(", "),
    )
    .unwrap();
}

fn parameters(verb: &Verb) -> String {
    let mut takes: Vec<&str> = (verb.takes.iter())
        .filter_map(|part| match part {
            Part::Prompt => Some("prompt: Prompt"),
            Part::Prompts => Some("prompts: Iterable<Prompt | Item> | AsyncIterable<Prompt | Item>"),
            Part::Images => Some("images: Pictures"),
            Part::Path => Some("path: string | URL"),
            Part::Keep => Some("keep = 0"),
            Part::Format => Some("format: 'png' | 'jpeg' | 'webp' | (string & {})"),
            Part::Quality => Some("options?: { quality?: number; markAi?: boolean }"),
            Part::Width => Some("width: number"),
            Part::Height => Some("height: number, options?: { markAi?: boolean }"),
            Part::Source => Some("source: ImageInput"),
            Part::File => Some("file: string | File"),
            Part::Steps => Some("steps: ReadonlyArray<ScriptStep>"),
            // What may be left out is among the options.
            Part::MoreImages | Part::Role => None,
        })
        .collect();
    let options = match (verb.how, verb.gives) {
        _ if verb.takes(Part::Role) => {
            "options?: { images?: Pictures; role?: 'user' | 'model'; signal?: AbortSignal }"
        }
        _ if verb.takes(Part::MoreImages) && verb.table() == "EditOptions" => "options?: EstimateOptions",
        _ if verb.takes(Part::MoreImages) => "options?: TurnOptions",
        // What is awaited can be ended by a signal.
        (How::Sends | How::Works, Gives::Chat) => {
            &format!("options?: Omit<GenerateOptions, {}>", super::inputs::options())
        }
        _ => &format!("options?: {}", verb.table()),
    };
    if verb.options || verb.takes(Part::Role) {
        takes.push(options);
    }
    takes.join(", ")
}

/// What it asks the core.
fn asks(verb: &Verb, about: &str) -> String {
    let mut asks = vec![format!("'{}'", verb.name)];
    if verb.gives == Gives::Outcomes {
        asks.push("prompts".to_owned());
    } else if verb.how != How::Now || verb.gives == Gives::Stream {
        let images = [
            (Part::Images, "images"),
            (Part::MoreImages, "images ?? []"),
            (Part::Source, "source"),
            (Part::File, "file"),
        ];
        let images = images.iter().find(|(part, _)| verb.takes(*part)).map_or(about, |(_, images)| images);
        asks.push(if verb.takes(Part::Prompt) { "prompt" } else { "[]" }.to_owned());
        asks.push(images.to_owned());
    }
    let options = match () {
        () if verb.takes(Part::Path) && verb.options => "told",
        () if verb.takes(Part::Path) => "{ path: plainPath(path) }",
        () if verb.takes(Part::Role) => "{ role: 'user', ...plain }",
        () if verb.takes(Part::MoreImages) => "plain",
        () if verb.takes(Part::Keep) => "{ keep }",
        () if verb.takes(Part::Quality) => "{ ...options, format }",
        () if verb.takes(Part::Width) => "{ ...options, width, height }",
        () if verb.takes(Part::Steps) => "{ steps }",
        () if verb.options => "options",
        () => return asks.join(", "),
    };
    asks.push(options.to_owned());
    asks.join(", ")
}

/// What it gives, and what it makes of the core's answer, `@`, to give that.
fn gives(verb: &Verb) -> (&'static str, &'static str) {
    match verb.gives {
        Gives::Result => ("Result", "record('Result', @)"),
        Gives::Stream => ("EventStream", "new EventStream(@)"),
        Gives::Outcomes => ("Outcomes", "new Outcomes(@)"),
        Gives::Chat => ("Chat", "new Chat(this.#door.next(@))"),
        Gives::Models => ("ModelInfo[]", "record<{ models: ModelInfo[] }>('Models', @).models"),
        Gives::Estimate => ("Estimate", "record('Estimate', @)"),
        Gives::TokenCount => ("TokenCount", "record('TokenCount', @)"),
        Gives::Files => ("Files", "new Files(this.#door.next(@))"),
        Gives::File => ("File", "record('File', @)"),
        Gives::FileList => ("File[]", "record<{ files: File[] }>('Files', @).files"),
        Gives::Explained => ("Explained", "record('Explained', @)"),
        Gives::Spent => ("Spent", "record('Spent', @)"),
        Gives::Turns => ("ChatTurn[]", "record<{ turns: ChatTurn[] }>('History', @).turns"),
        Gives::Path => ("string", "record('string', @)"),
        Gives::Whether => ("boolean", "record('boolean', @)"),
        Gives::Image => ("Image", "Image.made(this, @)"),
        Gives::Text => ("string", "record('string', @)"),
        Gives::TextOrNone => ("string | null", "record('string', @)"),
        Gives::Requests => ("EmulatorRequest[]", "record('Requests', @)"),
        Gives::Nothing => ("void", "@"),
    }
}

/// A comment of lines that are not too long. The names in it, which stand in backticks, are written as in JavaScript.
fn comment(text: &str, indent: &str) -> String {
    doc(&wrap(&in_javascript(text), 100).join("\n"), indent)
}
