//! The tables as TypeScript: interfaces of options and records, classes of errors, known words.

use std::fmt::Write as _;

use nanobanana::catalogue::Catalogue;
use nanobanana::error::Kind;
use nanobanana::options::{EditOptions, EmulatorOptions, ManyOptions, Reading, RecordOptions};
use nanobanana::schema::{Case, Field, Table};

use super::stream_event;

const HEADER: &str = "\
// Written by core/cli/tests/generated.rs from the tables in core.
// Change those; the test rewrites this file.

import { NanoBananaError, held, kind } from './error'
import { brand } from './identity'
import type { Image } from './image'
import type { Result } from './record'
import { Wrapper } from './wrapper'

export { NanoBananaError }
";

/// The whole file.
pub fn write() -> String {
    let mut out = HEADER.to_owned();
    let catalogue = Catalogue::builtin();
    word(&mut out, "Model", "A model, by id or alias; any other id is sent as it is.", catalogue.names());
    word(&mut out, "AspectRatio", "Width to height.", catalogue.aspect_ratios());
    word(&mut out, "ImageSize", "How large a picture is, in any case of letters.", catalogue.image_sizes());
    closed(
        &mut out,
        "Reading",
        "Another reading of what the service does, where sources conflict.",
        Reading::NAMES,
    );
    inputs(&mut out);
    let emulators = vec![EmulatorOptions::table(), RecordOptions::table()];
    let others = [super::settings(), super::of_files(), emulators].concat();
    for table in super::calls().iter().chain(&others) {
        options(&mut out, table, "");
    }
    steps(&mut out);
    let base = format!(" extends Omit<GenerateOptions, {}>", super::inputs::options());
    options(&mut out, &ManyOptions::table(), &base);
    options(&mut out, &EditOptions::table(), " extends GenerateOptions");
    super::wrappers().iter().for_each(|(table, of)| match of {
        Some((of, kind)) => wrapper(&mut out, table, of, kind),
        None => shape(&mut out, table),
    });
    let records = [super::records_of_errors(), super::records()].concat();
    for table in &records {
        record(&mut out, table);
    }
    union(&mut out, &records);
    holds(&mut out, &records);
    errors(&mut out);
    out
}

fn word(out: &mut String, name: &str, doc: &str, known: Vec<&str>) {
    closed(out, name, doc, &known);
    out.push_str("  | (string & {})\n");
}

/// A word of a list that nobody adds to.
fn closed(out: &mut String, name: &str, doc: &str, known: &[&str]) {
    writeln!(out, "\n/** {doc} */\nexport type {name} =").unwrap();
    for word in known {
        writeln!(out, "  | '{word}'").unwrap();
    }
}

/// What can be handed in.
fn inputs(out: &mut String) {
    out.push_str(
        "
/**
 * Pixels in rows from the top, `channels` samples each (1, 3 or 4; by default what `data` has): also an `ImageData`.
 * Samples of a float array go from 0 to 1, those of the others over the whole range of their type.
 */
export interface RawPixels {
  data: Uint8Array | Uint8ClampedArray | Uint16Array | Float32Array | Float64Array
  width: number
  height: number
  channels?: number
}

/** What `sharp` gives with `toBuffer({ resolveWithObject: true })`, raw or encoded. */
export interface SharpOutput {
  data: Uint8Array
  info: { width: number; height: number; channels: number; format?: string; depth?: string }
}

/** A picture that `sharp` works on; what its `toBuffer()` gives is sent, turned as Exif says (from sharp 0.34 on). */
export interface SharpPicture {
  toBuffer(): Promise<Uint8Array>
  metadata(): Promise<unknown>
}

/** A part of the Gemini API's JSON that holds a picture, in base64. */
export type InlineData =
  | { inlineData: { data: string; mimeType?: string } }
  | { inline_data: { data: string; mime_type?: string } }

/** A picture in memory, or where to find it. */
export type PictureObject =
",
    );
    let forms = super::inputs::FORMS.iter().flat_map(|form| form.typescript);
    forms.filter(|form| **form != "string").for_each(|form| writeln!(out, "  | {form}").unwrap());
    let text = "
/** One call of `generateMany`: its options go before those of all calls, its id is what a journal knows it by. */
export interface Item {
  prompt: Prompt
  images?: Pictures | null | undefined
  options?: Omit<EditOptions, 'signal'> | null | undefined
  id?: string | number | null | undefined
}

/** A picture: as an object, or the path or URL (`http:`, `data:`, `gs:`, Files API) of one. */
export type ImageInput = string | PictureObject

/** A document or a video in whatever form it is at hand; a string is its path or URL. */
export type AttachmentInput =
$files
/** What of a picture may change: a picture that marks it, or a box. */
export type MaskInput = ImageInput | Box

/** A prompt: words, or words and pictures in turn. A string in it is always words. */
export type Prompt = string | ReadonlyArray<string | PictureObject | Attachment>

/** One picture, or a list of them. */
export type Pictures = ImageInput | ReadonlyArray<ImageInput>
";
    let forms = super::inputs::attachable().flat_map(|form| form.typescript);
    let files: String = forms.map(|form| format!("  | {form}\n")).collect();
    out.push_str(&text.replace("$files", &files));
}

fn options(out: &mut String, table: &Table, base: &str) {
    write!(out, "\n{}export interface {}{base} {{\n", doc(&table_doc(table), ""), table.name).unwrap();
    for field in &table.fields {
        let name = Case::Camel.name(field.name);
        // Not set may be said in three ways, also under `exactOptionalPropertyTypes`.
        writeln!(out, "{}  {name}?: {} | null | undefined", hover(field), field.typescript).unwrap();
    }
    if ["GenerateOptions", "UploadOptions", "FileOptions"].contains(&table.name) {
        let text = "Ends the call: its request is dropped, and the promise rejects with the signal's reason.";
        writeln!(out, "{}  signal?: AbortSignal | null | undefined", doc(text, "  ")).unwrap();
    }
    out.push_str("}\n");
}

/// A script is the same in every language: its names are not spelt anew.
fn steps(out: &mut String) {
    for table in [super::steps::matched(), super::steps::table()] {
        write!(out, "\n{}export interface {} {{\n", doc(table.doc, ""), table.name).unwrap();
        for field in &table.fields {
            let (name, kind) = (field.name, &field.typescript);
            writeln!(out, "{}  {name}?: {kind} | undefined", doc(field.doc, "  ")).unwrap();
        }
        out.push_str("}\n");
    }
}

/// A class that wraps an input, and the interface of what is said of it.
fn wrapper(out: &mut String, table: &Table, of: &str, kind: &str) {
    let fields = Table { name: Box::leak(format!("{}Fields", table.name).into_boxed_str()), ..table.clone() };
    options(out, &fields, "");
    let name = table.name;
    write!(
        out,
        "\n{}export class {name} extends Wrapper {{\n  \
           static {{ brand(this, '{name}') }}\n  \
           constructor(readonly {of}: {kind}, readonly fields: {name}Fields = {{}}) {{ super() }}\n  \
           /** @internal */\n  \
           wrapped() {{ return {{ made: '{name}', of: this.{of}, fields: this.fields }} }}\n\
         }}\n",
        doc(&table_doc(table), "")
    )
    .unwrap();
}

/// A class of numbers, which are written without their names, and the interface of what else is said.
fn shape(out: &mut String, table: &Table) {
    let name = table.name;
    let (last, numbers) = table.fields.split_last().unwrap();
    let fields = Table {
        name: Box::leak(format!("{name}Fields").into_boxed_str()),
        fields: vec![last.clone()],
        ..table.clone()
    };
    options(out, &fields, "");
    let names: Vec<&str> = numbers.iter().map(|field| field.name).collect();
    let takes: Vec<String> = names.iter().map(|name| format!("readonly {name}: number")).collect();
    let own: Vec<String> = names.iter().map(|name| format!("{name}: this.{name}")).collect();
    write!(
        out,
        "\n{}export class {name} extends Wrapper {{\n  \
           static {{ brand(this, '{name}') }}\n  \
           constructor({}, readonly fields: {name}Fields = {{}}) {{ super() }}\n  \
           /** @internal */\n  \
           wrapped() {{ return {{ made: '{name}', fields: {{ {}, ...this.fields }} }} }}\n\
         }}\n",
        doc(&table_doc(table), ""),
        takes.join(", "),
        own.join(", "),
    )
    .unwrap();
}

fn record(out: &mut String, table: &Table) {
    let name = match table.name {
        // A class, written by hand around these fields.
        "Result" => "ResultFields",
        // Its field `ok` says which others it has.
        "Outcome" => return outcome(out, table),
        name => name,
    };
    write!(out, "\n{}export interface {name} {{\n", doc(&table_doc(table), "")).unwrap();
    if let Some(event) = stream_event(table) {
        writeln!(out, "{}  type: '{event}'", doc("Which event it is.", "  ")).unwrap();
    }
    for field in &table.fields {
        let name = Case::Camel.name(field.name);
        writeln!(out, "{}  {name}: {}", hover(field), field.typescript).unwrap();
    }
    out.push_str("}\n");
}

fn outcome(out: &mut String, table: &Table) {
    let (result, error) = ("result: Result; error: null", "result: null; error: NanoBananaError");
    let either = ["ok", "result", "error"];
    write!(out, "\n{}export type Outcome = {{\n", doc(&table_doc(table), "")).unwrap();
    for field in table.fields.iter().filter(|field| !either.contains(&field.name)) {
        let name = Case::Camel.name(field.name);
        writeln!(out, "{}  {name}: {}", hover(field), field.typescript).unwrap();
    }
    writeln!(out, "}} & ({{ ok: true; {result} }} | {{ ok: false; {error} }})").unwrap();
}

fn union(out: &mut String, records: &[Table]) {
    let names = records.iter().filter(|table| stream_event(table).is_some()).map(|table| table.name);
    let names: Vec<&str> = names.collect();
    let text = "What a stream gives, as it arrives; `type` says which it is.";
    write!(out, "\n{}export type Event = {}\n", doc(text, ""), names.join(" | ")).unwrap();
}

/// Which fields JSON cannot hold: pictures, errors, and records that have such fields.
fn holds(out: &mut String, records: &[Table]) {
    let fields = |fields: &[Field]| -> Vec<String> {
        (fields.iter())
            .filter(|field| live(base(&field.typescript), records))
            .map(|field| format!("{}: '{}'", Case::Camel.name(field.name), base(&field.typescript)))
            .collect()
    };
    let row = |name: &str, fields: &[String]| match fields {
        [] => String::new(),
        fields => format!("held.set('{name}', {{ {} }})\n", fields.join(", ")),
    };
    let (events, others): (Vec<&Table>, Vec<&Table>) =
        records.iter().partition(|table| stream_event(table).is_some());
    let mut rows: String = others.iter().map(|table| row(table.name, &fields(&table.fields))).collect();
    // An event has fields of one of these tables; where two have one of the same name, it is the same.
    let mut of_events: Vec<String> = events.iter().flat_map(|table| fields(&table.fields)).collect();
    of_events.dedup();
    rows.push_str(&row("Event", &of_events));
    let of_errors: Vec<String> = Kind::table().iter().flat_map(|row| fields(&row.fields)).collect();
    rows.push_str(&row(Kind::NanoBananaError.name(), &of_errors));
    rows.push_str(&row("History", &["turns: 'ChatTurn'".to_owned()]));
    rows.push_str(&row("Step", &["outcome: 'Outcome'".to_owned()]));
    write!(out, "\n{rows}").unwrap();
}

fn base(typescript: &str) -> &str {
    let one = typescript.strip_suffix(" | null").unwrap_or(typescript);
    one.strip_prefix("Array<").and_then(|list| list.strip_suffix('>')).unwrap_or(one)
}

fn live(name: &str, records: &[Table]) -> bool {
    let root = Kind::NanoBananaError.name();
    name == "Image"
        || name == root
        || (records.iter().filter(|table| table.name == name))
            .any(|table| table.fields.iter().any(|field| live(base(&field.typescript), records)))
}

fn errors(out: &mut String) {
    for row in Kind::table() {
        let Some(parent) = row.parent else {
            // The root is written by hand: it is the one with a constructor.
            let fields: Vec<_> = row.fields.iter().map(|field| field.name).collect();
            assert_eq!((row.kind.name(), &*fields), ("NanoBananaError", &["message", "call"][..]));
            continue;
        };
        let name = row.kind.name();
        write!(
            out,
            "\n{}export class {name} extends {} {{\n",
            doc(&in_javascript(row.doc), ""),
            parent.name()
        )
        .unwrap();
        let blanks: Vec<String> = row.fields.iter().map(blank).collect();
        let blanks = if blanks.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", blanks.join(", ")) };
        writeln!(out, "  static {{ kind(this, '{name}', {blanks}) }}").unwrap();
        for field in &row.fields {
            let name = Case::Camel.name(field.name);
            writeln!(out, "{}  declare readonly {name}: {}", hover(field), field.typescript).unwrap();
            if field.name == "retry_after" {
                let text = "`retryAfter` in milliseconds, as all other times are here.";
                let value = "this.retryAfter === null ? null : Math.round(this.retryAfter * 1000)";
                write!(
                    out,
                    "{}  get retryAfterMs(): number | null {{\n    return {value}\n  }}\n",
                    doc(text, "  ")
                )
                .unwrap();
            }
        }
        out.push_str("}\n");
    }
}

/// What a field is when nothing is known of it.
fn blank(field: &Field) -> String {
    let value = match field.typescript.as_str() {
        "boolean" => "false",
        list if list.starts_with("Array<") => "[]",
        _ => "null",
    };
    format!("{}: {value}", Case::Camel.name(field.name))
}

/// The comment of a field: names in it are written as in JavaScript, and a time has its unit.
fn hover(field: &Field) -> String {
    let text = match field.name {
        "retry_after" => format!(
            "{}\nIn seconds, as in the header; `retry_after_ms` is the same in milliseconds.",
            field.doc.trim()
        ),
        _ => field.doc_in(Case::Camel),
    };
    doc(&in_javascript(&text), "  ")
}

/// A text whose names, which stand in backticks, are written as in JavaScript.
pub fn in_javascript(text: &str) -> String {
    let is_name = |word: &str| word.contains('_') && word.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    let words = text.split('`').map(|word| if is_name(word) { Case::Camel.name(word) } else { word.into() });
    words.collect::<Vec<_>>().join("`")
}

fn table_doc(table: &Table) -> String {
    let mut text = in_javascript(table.doc);
    if [
        "Timeout",
        "Retry",
        "Cache",
        "Attempt",
        "Attachment",
        "AttachmentFields",
        "ClientEvent",
        "Progress",
        "EmulatorOptions",
    ]
    .contains(&table.name)
    {
        text.push_str("Durations are numbers of milliseconds.\n");
    }
    text
}

pub fn doc(text: &str, indent: &str) -> String {
    let lines: Vec<&str> = text.trim().lines().map(str::trim).collect();
    match lines.as_slice() {
        [line] => format!("{indent}/** {line} */\n"),
        lines => {
            let body: String = lines.iter().map(|line| format!("{indent} * {line}\n")).collect();
            format!("{indent}/**\n{body}{indent} */\n")
        }
    }
}
