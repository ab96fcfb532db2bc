//! The command `nanobanana`: one function, whether it came by pip, npm or cargo.
//!
//! Its flags are made from the option tables, so that an option exists here as soon as it has a
//! row. Paths go to standard output, everything for people to standard error.
//!
//! A picture that came is paid for: however a command ends, it is in a file that was named, or says that no place took it.

use std::ffi::OsString;
use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::{Map, Value, json};

use crate::blocking::Lost;
use crate::catalogue::Catalogue;
use crate::client::Client;
use crate::emulator::Emulator;
use crate::error::{Error, Kind};
use crate::image::Image;
use crate::input::{self, Input, MASK};
use crate::many::Many;
use crate::message::{counted, flag, message, option};
use crate::options::{
    ClientOptions, EditOptions, EmulatorOptions, GenerateOptions, ManyOptions, Region, Unit, unknown_flag,
};
use crate::records::{Event, Generation};
use crate::schema::{Case, Field, Table, Write};
use crate::stream::EventStream;
use crate::workers;

mod chat;
mod doctor;
mod held;
mod lines;
mod many;
mod out;
mod place;
mod signals;
mod terminal;

pub use signals::{Signal, Signals};

use held::Held;
use out::{line, stdin, tell, warn};
use place::Place;

/// Client options that are no flags: a key on a command line is seen by every user of the machine,
/// and the rest can be said per call.
const NO_FLAGS: &[&str] = &["api_key", "model", "timeout", "retry", "headers"];

/// Options that are on unless they are switched off, by a flag of that name with `no-` before it.
const SWITCHED_OFF: &[&str] = &["local_files"];

const MASKS: &str = "Options of a mask";

/// Options that are on unless they are said to be off.
const ON_BY_DEFAULT: &[&str] = &["keep_outside", "mark_ai"];

/// How long what was received may still be written when the command ends.
const LAST_WAIT: Duration = Duration::from_secs(2);

/// Runs the command with its arguments (without the program's name) and gives its exit code. Its host hands
/// over the signals that end it.
pub fn run(args: impl IntoIterator<Item = impl Into<OsString>>, signals: &Signals) -> u8 {
    out::open_streams();
    let args: Vec<OsString> =
        std::iter::once("nanobanana".into()).chain(args.into_iter().map(Into::into)).collect();
    let matches = match command().try_get_matches_from(&args) {
        Ok(matches) => matches,
        Err(usage) => {
            if let Some(problem) = unknown_option(&usage, &args) {
                tell(format_args!("error: {problem}\n\nFor more information, try '--help'."));
                return 2;
            }
            // Help that cannot be printed has nobody to read it.
            let _ = usage.print();
            return u8::try_from(usage.exit_code()).unwrap_or(2);
        }
    };
    let Some((verb, matches)) = matches.subcommand() else { return 2 };
    let json = matches.get_flag("json");
    let runtime = workers::try_out(2)
        .and_then(|()| tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build());
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(cause) => {
            return fail(&Lost::NoThread(cause).into(), json, &[]);
        }
    };
    let held = Arc::new(Held::default());
    let begun = Arc::new(Begun {
        signals: signals.clone(),
        many: OnceLock::new(),
        held: held.clone(),
        code: OnceLock::new(),
    });
    let outcome = runtime.block_on(ended(verb.to_owned(), matches.clone(), begun.clone()));
    if let Some(many) = begun.many.get() {
        held.saved_unseen(many.unnamed());
    }
    if let Ok(Err(error)) = &outcome {
        held.receive_of_error(error);
    }
    let kept = held.keep();
    // A drawing or a read that is under way must not hold up the exit.
    runtime.shutdown_timeout(Duration::from_millis(50));
    match outcome {
        Ok(Ok(())) => begun.code.get().copied().unwrap_or(0),
        Ok(Err(error)) => fail(&error, json, &kept),
        // A server has nothing to finish: an end that was asked for is its regular one.
        Err(Signal::Terminate) if verb == "emulate" => 0,
        Err(signal) => signal.exit_code(),
    }
}

/// The sentence about a flag that does not exist, if there is more to say than that.
fn unknown_option(usage: &clap::Error, args: &[OsString]) -> Option<String> {
    if usage.kind() != ErrorKind::UnknownArgument {
        return None;
    }
    let Some(ContextValue::String(flag)) = usage.get(ContextKind::InvalidArg) else { return None };
    if !flag.starts_with("--") {
        return None;
    }
    let verb = args.get(1)?.to_str()?;
    Some(match unknown_flag(flag, verb) {
        Some(told) => told.render(Case::Shell).into_owned(),
        None => format!("option `{flag}` does not exist; `nanobanana {verb} --help` lists those that do"),
    })
}

/// What a command shares with the code that ends it.
struct Begun {
    signals: Signals,
    many: OnceLock<Many>,
    held: Arc<Held>,
    /// The exit code of a command that has said all there is to say; 0 if it is not set.
    code: OnceLock<u8>,
}

/// The command's outcome, or the signal that ended it.
async fn ended(verb: String, matches: ArgMatches, begun: Arc<Begun>) -> Result<Result<(), Error>, Signal> {
    let signals = &begun.signals;
    signals.listen();
    // A task of its own: a read that stands still on its thread does not keep a signal from being seen.
    let shared = begun.clone();
    let mut task = tokio::spawn(async move { perform(&verb, &matches, &shared).await });
    let outcome = tokio::select! {
        outcome = &mut task => Ok(outcome.unwrap_or_else(|cause| {
            let problem = "the command was broken off by a fault in nanobanana";
            Err(Error::new(Kind::NanoBananaError, problem).because(cause))
        })),
        signal = signals.ending(0) => Err(signal),
    };
    let finished = async {
        if outcome.is_err() {
            task.abort();
            let _ = (&mut task).await;
        }
        if let Some(many) = begun.many.get() {
            many.closed().await;
        }
        begun.held.settled(LAST_WAIT).await;
        signals.released(LAST_WAIT).await;
    };
    tokio::select! {
        // Pictures that have come are paid for. A disk that stands still is not waited for.
        _ = tokio::time::timeout(LAST_WAIT, finished) => {}
        _ = signals.ending(usize::from(outcome.is_err())) => {}
    }
    outcome
}

/// Does what touches files and streams beside the command, so that a signal ends the command all the same.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    crate::blocking::disk(work).await?
}

fn command() -> Command {
    let prompt = Arg::new("prompt")
        .required(true)
        .value_name("PROMPT")
        .help("What to draw; `-` reads it from standard input");
    let json = Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print JSON, for machines");
    let output = Arg::new("output")
        .short('o')
        .long("output")
        .value_name("FILE")
        .value_parser(clap::value_parser!(PathBuf))
        .help("Where the picture goes; the right extension is added, another one converts; `-` is standard output [default: nanobanana, numbered if it is there]");
    let offline = Arg::new("offline")
        .long("offline")
        .action(ArgAction::SetTrue)
        .help("Draw with the built-in emulator: no key, no network, no cost");
    let stream = Arg::new("stream")
        .long("stream")
        .action(ArgAction::SetTrue)
        .help("Show what the model thinks and says while it draws, on standard error");
    let attach = Arg::new("attachments")
        .long("attach")
        .action(ArgAction::Append)
        .value_name("FILE")
        .help("A document (PDF, text) or a video that goes with the prompt, by its path or URL; may be given several times");
    let speak = |name: &'static str, about: &'static str| {
        Command::new(name)
            .about(about)
            .arg(output.clone())
            .arg(offline.clone())
            .arg(json.clone())
            .args(flags(&GenerateOptions::table(), "Options of the call", Input::OPTIONS))
            .args(flags(&ClientOptions::table(), "Options of the client", NO_FLAGS))
    };
    let call = |name: &'static str, about: &'static str| {
        speak(name, about).arg(prompt.clone()).arg(stream.clone()).arg(attach.clone())
    };
    let file =
        |name: &'static str, help: &'static str| Arg::new(name).long(name).value_name("FILE").help(help);
    Command::new("nanobanana")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Draw and edit pictures with Google's Nano Banana models. The key is read from GOOGLE_API_KEY or GEMINI_API_KEY.")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(call("generate", "Draw a picture from a prompt"))
        .subcommand(
            call("edit", "Draw a picture from others").arg(
                Arg::new("images")
                    .required(true)
                    .num_args(1..)
                    .value_name("IMAGE")
                    .help("Paths or URLs of pictures; `-` reads one from standard input"),
            )
            .arg(
                Arg::new(MASK)
                    .long(MASK)
                    .value_name("FILE|BOX")
                    .action(ArgAction::Append)
                    .help_heading(MASKS)
                    .help("What of the first picture may change: a picture that marks it by transparency, else by white, or LEFT,TOP,RIGHT,BOTTOM in pixels or percent (10%,20%,60%,80%); may be given several times"),
            )
            .args(flags(&EditOptions::table(), MASKS, Input::OPTIONS)),
        )
        .subcommand(
            speak("chat", "Draw in a conversation: a line, a picture, what to change")
                .arg(file("load", "A conversation that was saved, to go on with"))
                .arg(
                    file("save", "Where the conversation is written after every turn [default: nanobanana.chat.json, numbered if it is there]")
                        .value_parser(clap::value_parser!(PathBuf)),
                ),
        )
        .subcommand(many::command(json.clone(), offline.clone()))
        .subcommand(Command::new("models").about("List the models, what they take and what they cost").arg(json.clone()).arg(
            Arg::new("catalogue").long("catalogue").value_name("FILE").help("A catalogue to use instead of the built-in one: a file or an http(s): URL"),
        ))
        .subcommand(doctor::command(json.clone()))
        .subcommand(
            Command::new("emulate")
                .about("Serve the Gemini image API on 127.0.0.1; its URL is printed on the first line, with --tls the file of its authority's certificate on the second")
                .arg(json)
                .arg(file("script", "The replies to give: a list of steps in JSON, such as [{\"status\": 503, \"times\": 2}]; `-` reads it from standard input"))
                .args(flags(&EmulatorOptions::table(), "Options of the emulator; times are seconds", &[])),
        )
}

/// A flag per row of an option table.
fn flags(table: &Table, heading: &'static str, without: &[&str]) -> Vec<Arg> {
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

/// What `--help` says of an option: its documentation with names as the shell has them, and the values that it takes.
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
    let (words, catalogue) = (words.join("`"), Catalogue::builtin());
    match field.python.as_str() {
        "AspectRatio" => format!("{words} [known values: {}]", catalogue.aspect_ratios().join(", ")),
        "ImageSize" => format!("{words} [known values: {}]", catalogue.image_sizes().join(", ")),
        "Model" => format!("{words} [known values: {}]", catalogue.names().join(", ")),
        "Timeout | float" | "Budget | float" => format!("{words} [or JSON]"),
        python => match python.strip_prefix("Literal[").and_then(|words| words.strip_suffix(']')) {
            Some(values) => format!("{words} [possible values: {}]", values.replace('"', "")),
            None => words,
        },
    }
}

/// The tables whose options are flags.
const NAMED: &[fn() -> Table] = &[
    GenerateOptions::table,
    EditOptions::table,
    ClientOptions::table,
    ManyOptions::table,
    EmulatorOptions::table,
];

/// What the flags of an option table say, as a caller would write it.
fn options(table: &Table, matches: &ArgMatches, without: &[&str]) -> Map<String, Value> {
    let mut map = Map::new();
    for field in table.fields.iter().filter(|field| !without.contains(&field.name)) {
        let value = if SWITCHED_OFF.contains(&field.name) {
            matches.get_flag(field.name).then_some(Value::Bool(false))
        } else if ON_BY_DEFAULT.contains(&field.name) {
            let told = matches.get_one::<String>(field.name);
            told.map(|told| told.parse().map_or_else(|_| told.clone().into(), Value::Bool))
        } else if field.python == "bool" {
            matches.get_flag(field.name).then_some(Value::Bool(true))
        } else {
            matches.get_one::<String>(field.name).map(|text| {
                let is_text = ["str", "Model", "AspectRatio", "ImageSize", "Literal"]
                    .iter()
                    .any(|word| field.python.starts_with(word));
                // What is not JSON stays a text, and the option's own reader says what it takes.
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

async fn perform(verb: &str, matches: &ArgMatches, begun: &Begun) -> Result<(), Error> {
    match verb {
        "models" => models(matches).await,
        "emulate" => emulate(matches).await,
        "doctor" => doctor::run(matches, begun).await,
        "chat" => chat::run(matches, begun).await,
        "many" => many::run(matches, &begun.many, &begun.held).await,
        _ => draw(verb, matches, begun).await,
    }
}

/// The client that the flags ask for.
fn client(matches: &ArgMatches) -> Result<Client, Error> {
    let options = ClientOptions::read(&options(&ClientOptions::table(), matches, NO_FLAGS), Case::Shell)?;
    let client = if matches.get_flag("offline") { Client::offline(options)? } else { Client::new(options)? };
    warn(client.warnings());
    Ok(client)
}

fn call_options(matches: &ArgMatches) -> Result<GenerateOptions, Error> {
    GenerateOptions::read(&options(&GenerateOptions::table(), matches, Input::OPTIONS), Case::Shell)
}

async fn draw(verb: &str, matches: &ArgMatches, begun: &Begun) -> Result<(), Error> {
    let held = &begun.held;
    let call_options = call_options(matches)?;
    let is_json = matches.get_flag("json");
    let output = matches.get_one::<PathBuf>("output");
    // A place that takes no pictures is found out before they are paid for.
    let place = Place::of_call(output.map(PathBuf::as_path), call_options.n.unwrap_or(1), is_json)?;
    if let Some(folder) = place.folder() {
        held.meant_for(folder);
    }
    let prompt = match text(matches, "prompt").as_str() {
        "-" => String::from_utf8(blocking(stdin).await?)
            .map_err(|_| Error::new(Kind::InvalidOptionError, "the prompt on standard input is not UTF-8"))?,
        prompt => prompt.to_owned(),
    };
    let client = client(matches)?;
    let mut inputs = vec![Input::Text(prompt)];
    if verb == "edit" {
        let names = matches.get_many::<String>("images").into_iter().flatten();
        for name in names {
            inputs.push(if name == "-" { blocking(stdin).await?.into() } else { Input::Named(name.clone()) });
        }
        let masks = matches.get_many::<String>(MASK).into_iter().flatten();
        inputs.extend(masks.map(|mask| Input::mask(area(mask), EditOptions::new())));
        let told = options(&EditOptions::table(), matches, &[MASK]);
        let told = EditOptions::read(&told, Case::Shell)?;
        let is_jpeg = output
            .and_then(|output| output.extension())
            .is_some_and(|word| word.eq_ignore_ascii_case("jpg") || word.eq_ignore_ascii_case("jpeg"));
        if is_jpeg && input::has_mask(&inputs) && told.keep_outside != Some(false) {
            return Err(Error::new(
                Kind::InvalidOptionError,
                message!(
                    "the file is to be JPEG, which changes every pixel, and a mask keeps those outside of it exactly as \
                     they are; name it .png or .webp, or set {} to false",
                    option("keep_outside")
                ),
            )
            .with("option", "output".to_owned()));
        }
        inputs = input::told_of_masks(inputs, told)?;
    }
    for name in matches.get_many::<String>("attachments").into_iter().flatten() {
        inputs.push(Input::of_option("attachments", Input::Named(name.clone()))?);
    }
    let result = if matches.get_flag("stream") {
        watch(client.stream(Ok(inputs), call_options), held).await?
    } else {
        let progress = Progress::start();
        let landed = {
            let (held, at_work) = (held.clone(), held.at_work());
            move |result: &Generation| {
                // It is under way as long as this is held.
                let _ = &at_work;
                held.receive(result.images.iter().cloned());
            }
        };
        let result = client.draw_and_see(inputs, call_options, landed).await;
        progress.stop();
        result?
    };
    deliver(&result, &place, is_json, begun).await
}

/// Puts the pictures of a result where they belong, and says where that is.
async fn deliver(result: &Generation, place: &Place, is_json: bool, begun: &Begun) -> Result<(), Error> {
    let held = &begun.held;
    held.receive_all(&result.images);
    for error in &result.errors {
        held.receive_of_error(error);
    }
    warn(&result.warnings);
    let mut files = Vec::new();
    let mut trouble = Ok(());
    for (number, picture) in result.images.iter().enumerate() {
        if number > 0 && matches!(place, Place::Output) {
            // Another one than was asked for; it is kept elsewhere.
            continue;
        }
        match put(place, picture, result.images.len(), begun).await {
            Ok(path) => files.push(path),
            Err(error) => trouble = trouble.and(Err(error)),
        }
    }
    trouble?;
    if matches!(place, Place::Output) {
        return Ok(());
    }
    let told = if is_json {
        let mut json = result.write(Case::Shell);
        if let Some(map) = json.as_object_mut() {
            map.insert("files".to_owned(), json!(files));
        }
        json.to_string()
    } else {
        files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join("\n")
    };
    blocking(move || line(&told)).await?;
    held.named();
    if !is_json && std::io::stderr().is_terminal() {
        tell(format_args!("{}", summary(result)));
    }
    Ok(())
}

/// Puts one of this many pictures where it belongs. A signal lets what was begun be finished.
async fn put(place: &Place, picture: &Image, of: usize, begun: &Begun) -> Result<PathBuf, Error> {
    let (place, picture) = (place.clone(), picture.clone());
    let (held, hold) = (begun.held.clone(), begun.signals.hold());
    let work = move || {
        let _hold = hold;
        let (path, warnings) = place.save(&picture, of)?;
        match place {
            Place::Output => held.delivered(&picture),
            _ => held.saved(&picture, &path),
        }
        warn(&warnings);
        Ok(path)
    };
    blocking(work).await
}

/// A mask as it is written in a command: four numbers are a box, in pixels or in percent.
fn area(text: &str) -> Input {
    let words: Vec<&str> = text.split(',').map(str::trim).collect();
    let percent: Option<Vec<f64>> =
        words.iter().map(|word| Some(word.strip_suffix('%')?.parse::<f64>().ok()? / 100.0)).collect();
    let pixels = || words.iter().map(|word| word.parse().ok()).collect::<Option<Vec<f64>>>();
    let unit = if percent.is_some() { Unit::Fraction } else { Unit::Px };
    match percent.or_else(pixels).as_deref() {
        Some([left, top, right, bottom]) => {
            Region::new().left(*left).top(*top).right(*right).bottom(*bottom).unit(unit).into()
        }
        _ => Input::Named(text.to_owned()),
    }
}

/// Follows a stream to its end: what the model thinks and says goes to standard error as it comes.
async fn watch(mut events: EventStream, held: &Held) -> Result<Generation, Error> {
    let mut out = std::io::stderr();
    let (dim, plain) = if out.is_terminal() { ("\x1b[2m", "\x1b[0m") } else { ("", "") };
    let mut said = false;
    while let Some(event) = events.next().await? {
        // Words that cannot be shown have no reader.
        let _ = match event {
            Event::Thought(thought) => {
                let words = thought.text.unwrap_or_else(|| "(a draft)\n".to_owned());
                write!(out, "{dim}{words}{plain}")
            }
            Event::Text(words) => write!(out, "{}", words.text),
            Event::Image(event) => {
                held.receive([event.image]);
                Ok(())
            }
            Event::Done(done) => {
                held.receive_all(&done.result.images);
                if said {
                    let _ = writeln!(out);
                }
                return Ok(done.result);
            }
        };
        let _ = out.flush();
        said = true;
    }
    Err(Error::new(Kind::ResponseError, "the stream ended without a result"))
}

fn summary(result: &Generation) -> String {
    let size = result
        .images
        .first()
        .map(|picture| format!("{}×{}", picture.width(), picture.height()))
        .unwrap_or_default();
    let cost = result.cost.map_or("price unknown".to_owned(), |cost| format!("${cost:.4}"));
    let tokens = counted(result.usage.total_tokens, "token", "tokens");
    format!("{size}, {}, {cost}, {tokens}", result.model)
}

async fn models(matches: &ArgMatches) -> Result<(), Error> {
    let list = match matches.get_one::<String>("catalogue") {
        Some(place) => {
            // It asks for no model, and sends no key.
            let client = Client::new(ClientOptions::new().api_key("none").catalogue(place.as_str()))?;
            client.ready().await?;
            client.models()
        }
        None => crate::catalogue::Catalogue::builtin().list(),
    };
    if matches.get_flag("json") {
        return line(&list.write(Case::Shell).to_string());
    }
    for model in list {
        let price = |size: &String| match model.price_per_image.0.get(size).and_then(Value::as_f64) {
            Some(price) => format!("{size} ${price:.4}"),
            None => size.clone(),
        };
        let ends = model.shutdown.as_ref().map(|day| format!(", may end from {day}")).unwrap_or_default();
        line(&format!("{}  {} ({}{ends})", model.id, model.name, model.state))?;
        line(&format!("    also      {}", model.aliases.join(", ")))?;
        line(&format!(
            "    sizes     {}",
            model.image_sizes.iter().map(price).collect::<Vec<_>>().join(", ")
        ))?;
        line(&format!("    ratios    {}", model.aspect_ratios.join(" ")))?;
        let skills = [
            ("thinking", !model.thinking.is_empty()),
            ("search", model.search),
            ("image search", model.image_search),
        ];
        let skills: Vec<_> = skills.iter().filter(|(_, has)| *has).map(|(name, _)| *name).collect();
        let pictures = match (model.max_images, model.soft_max_images) {
            (Some(most), _) => format!("up to {}", counted(most, "picture", "pictures")),
            (None, Some(best)) => format!("pictures, best up to {best}"),
            (None, None) => "pictures".to_owned(),
        };
        line(&format!(
            "    takes     {pictures}{}{}",
            if skills.is_empty() { "" } else { "; " },
            skills.join(", ")
        ))?;
    }
    Ok(())
}

/// The steps in a file, or on standard input.
fn steps(name: &str) -> Result<Vec<Value>, Error> {
    let place = if name == "-" { "standard input" } else { name };
    let wrong = |problem: String| {
        Error::new(Kind::InvalidOptionError, format!("the script in {place} {problem}"))
            .with("option", "script".to_owned())
    };
    let text = match name {
        "-" => stdin()?,
        name => std::fs::read(name).map_err(|cause| wrong(format!("cannot be read: {cause}")))?,
    };
    let wants = "it takes a list of steps, such as [{\"status\": 503}, {\"image\": \"png 8x8\"}]";
    match serde_json::from_slice(&text) {
        Ok(Value::Array(steps)) => Ok(steps),
        // One alone, as over HTTP.
        Ok(step @ Value::Object(_)) => Ok(vec![step]),
        Ok(_) => Err(wrong(format!("is no list; {wants}"))),
        Err(cause) => Err(wrong(format!("is not JSON: {cause}; {wants}"))),
    }
}

async fn emulate(matches: &ArgMatches) -> Result<(), Error> {
    let options = EmulatorOptions::read(&options(&EmulatorOptions::table(), matches, &[]), Case::Shell)?;
    let steps = matches.get_one::<String>("script").map(|name| steps(name)).transpose()?;
    let emulator = Emulator::start_with(options)?;
    if let Some(steps) = steps {
        emulator.script(&steps)?;
    }
    line(&emulator.url())?;
    if let Some(bundle) = emulator.ca_bundle() {
        line(&bundle.display().to_string())?;
    }
    if let Some(reach) = emulator.reach() {
        tell(format_args!("warning: {reach}."));
    }
    tell(format_args!("Point any client of the Gemini API there, with any key but `bad`. Ctrl-C stops it."));
    // A signal ends it, and with it the certificate's file.
    std::future::pending().await
}

fn text(matches: &ArgMatches, name: &str) -> String {
    matches.get_one::<String>(name).cloned().unwrap_or_default()
}

/// An error for people, and whether it cost something.
fn complain(error: &Error) {
    tell(format_args!("{}: {}", error.kind().name(), error.words().render(Case::Shell)));
    if error.is_billed("yes") {
        tell(format_args!("warning: the service bills this all the same"));
    } else if error.is_billed("unknown") {
        tell(format_args!("warning: the service may bill this all the same"));
    }
}

/// Tells of an error, and where the pictures are that came before it.
fn fail(error: &Error, json: bool, kept: &[PathBuf]) -> u8 {
    let told = json && {
        let mut told = json!({ "error": error.to_json(Case::Shell) });
        if let (Some(map), false) = (told.as_object_mut(), kept.is_empty()) {
            map.insert("files".to_owned(), json!(kept));
        }
        line(&told.to_string()).is_ok()
    };
    if !told {
        complain(error);
    }
    error.kind().exit_code()
}

/// The seconds that have gone by, on a terminal only.
struct Progress(Option<tokio::task::JoinHandle<()>>);

impl Progress {
    fn start() -> Self {
        Progress(std::io::stderr().is_terminal().then(|| {
            tokio::spawn(async {
                let start = Instant::now();
                loop {
                    let _ = write!(std::io::stderr(), "\rdrawing … {} s", start.elapsed().as_secs());
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            })
        }))
    }

    fn stop(self) {
        if let Some(ticking) = self.0 {
            ticking.abort();
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}
