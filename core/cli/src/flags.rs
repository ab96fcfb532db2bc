//! The flags of the command, made from the option tables: an option is a flag as soon as it has a row.

use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::{Map, Value};

use nanobanana::catalogue::Catalogue;
use nanobanana::options::{
    ClientOptions, EditOptions, EmulatorOptions, GenerateOptions, ManyOptions, UploadOptions,
};
use nanobanana::schema::{Case, Field, Table};
use nanobanana_base::message::flag;

/// Client options that are no flags: a key on a command line is seen by every user of the machine,
/// and the rest can be said per call.
pub(super) const NO_FLAGS: &[&str] = &["api_key", "model", "timeout", "retry", "headers"];

/// Options that are on unless they are switched off, by a flag of that name with `no-` before it.
const SWITCHED_OFF: &[&str] = &["local_files"];

/// Options that are on unless they are said to be off.
const ON_BY_DEFAULT: &[&str] = &["keep_outside", "mark_ai"];

/// A flag per row of an option table.
pub(super) fn flags(table: &Table, heading: &'static str, without: &[&str]) -> Vec<Arg> {
    let rows = table.fields.iter().filter(|field| !without.contains(&field.name));
    rows.map(|field| {
        let arg = Arg::new(field.name)
            .long(flag(field.name).trim_start_matches("--").to_owned())
            .help(help(field))
            .help_heading(heading);
        if SWITCHED_OFF.contains(&field.name) {
            arg.action(ArgAction::SetTrue)
        } else if ON_BY_DEFAULT.contains(&field.name) {
            arg.action(ArgAction::Set)
                .value_name("true|false")
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value("true")
        } else if field.python == "bool" {
            arg.action(ArgAction::SetTrue)
        } else {
            arg.value_name(match field.python.as_str() {
                "int" | "float" => "NUMBER",
                "Timeout | float" => "SECONDS",
                "Budget | float" => "USD",
                "Retry | bool" => "false|JSON",
                "Encode" => "JSON",
                python if python.starts_with("Cache") => "FOLDER|JSON",
                python if python.starts_with("dict") && python.ends_with("]") && python.contains("off") => {
                    "off|JSON"
                }
                python if python.starts_with("dict") => "JSON",
                _ => "TEXT",
            })
            .allow_hyphen_values(field.python == "int" || field.python.ends_with("float"))
        }
    })
    .collect()
}

/// The help of an option: its documentation with names as the shell has them, and the values that it takes.
fn help(field: &Field) -> String {
    let own = |word: &str| NAMED.iter().any(|table| table().fields.iter().any(|field| field.name == word));
    let words = field.doc_in(Case::Shell);
    let words: Vec<String> = (words.split('`'))
        .enumerate()
        .map(
            |(place, word)| {
                if place % 2 == 1 && own(word) { flag(word).into_owned() } else { word.to_owned() }
            },
        )
        .collect();
    let words = words.join("`");
    match (values(field), field.python.as_str()) {
        (Some(Values::Known(values)), _) => format!("{words} [known values: {}]", values.join(", ")),
        (Some(Values::All(values)), _) => format!("{words} [possible values: {}]", values.join(", ")),
        (None, "Timeout | float" | "Budget | float") => format!("{words} [or JSON]"),
        (None, _) => words,
    }
}

/// The values of an option that can be listed.
enum Values {
    /// Those of the built-in catalogue; the service may take others.
    Known(Vec<String>),
    All(Vec<String>),
}

fn values(field: &Field) -> Option<Values> {
    let catalogue = Catalogue::builtin();
    let known = |values: Vec<&str>| Some(Values::Known(values.into_iter().map(str::to_owned).collect()));
    match field.python.as_str() {
        "AspectRatio" => known(catalogue.aspect_ratios()),
        "ImageSize" => known(catalogue.image_sizes()),
        "Model" => known(catalogue.names()),
        python => {
            let listed = python.strip_prefix("Literal[")?.strip_suffix(']')?;
            Some(Values::All(listed.split(", ").map(|value| value.replace('"', "")).collect()))
        }
    }
}

/// The command with the values that a shell can offer for its flags. Calls are checked by the options' own reader,
/// which knows more.
pub(super) fn with_values(command: Command) -> Command {
    let fields: Vec<Field> = NAMED.iter().flat_map(|table| table().fields).collect();
    let offered = |arg: Arg| {
        let field = fields.iter().find(|field| arg.get_id() == field.name);
        match field.and_then(values) {
            Some(Values::Known(values) | Values::All(values)) => arg.value_parser(values),
            None => arg,
        }
    };
    command.mut_args(offered).mut_subcommands(with_values)
}

/// The tables whose options are flags.
const NAMED: &[fn() -> Table] = &[
    GenerateOptions::table,
    EditOptions::table,
    ClientOptions::table,
    ManyOptions::table,
    EmulatorOptions::table,
    UploadOptions::table,
];

/// The values of an option table's flags, as a caller would write them.
pub(super) fn options(table: &Table, matches: &ArgMatches, without: &[&str]) -> Map<String, Value> {
    let mut map = Map::new();
    for field in table.fields.iter().filter(|field| !without.contains(&field.name)) {
        let value = if SWITCHED_OFF.contains(&field.name) {
            matches.get_flag(field.name).then_some(Value::Bool(false))
        } else if ON_BY_DEFAULT.contains(&field.name) {
            let word = matches.get_one::<String>(field.name);
            word.map(|word| word.parse().map_or_else(|_| word.clone().into(), Value::Bool))
        } else if field.python == "bool" {
            matches.get_flag(field.name).then_some(Value::Bool(true))
        } else {
            matches.get_one::<String>(field.name).map(|text| {
                let is_text = ["str", "Model", "AspectRatio", "ImageSize", "Literal"]
                    .iter()
                    .any(|word| field.python.starts_with(word));
                // Text that is not JSON stays a text, and the option's own reader says what it takes.
                let parsed = if is_text { None } else { serde_json::from_str(text).ok() };
                parsed.unwrap_or_else(|| Value::String(text.clone()))
            })
        };
        if let Some(value) = value {
            map.insert(field.name.to_owned(), value);
        }
    }
    map
}
