//! The command `nanobanana`: one function, whether it came by pip, npm or cargo.
//!
//! Its flags are made from the option tables, so that an option exists here as soon as it has a
//! row. Paths go to standard output, everything for people to standard error.

use std::ffi::OsString;
use std::io::{IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::{Map, Value, json};

use crate::client::Client;
use crate::emulator::Emulator;
use crate::error::{Error, Kind};
use crate::image::Image;
use crate::input::{self, Input, MASK};
use crate::many::Many;
use crate::options::{ClientOptions, EditOptions, EmulatorOptions, GenerateOptions, Region, Unit};
use crate::records::{Event, Generation};
use crate::schema::{Case, Table, Write};
use crate::stream::EventStream;

mod chat;
mod many;
mod signals;
mod terminal;

pub use signals::{Signal, Signals};

/// Client options that are no flags: a key on a command line is seen by every user of the machine,
/// and the rest can be said per call.
const NO_FLAGS: &[&str] = &["api_key", "model", "timeout", "retry", "headers"];

/// Options that are on unless they are switched off, by a flag of that name with `no-` before it.
const SWITCHED_OFF: &[&str] = &["local_files"];

const MASKS: &str = "Options of a mask";

/// How long what was received may still be written when the command ends.
const LAST_WAIT: Duration = Duration::from_secs(2);

/// Runs the command with its arguments (without the program's name) and gives its exit code. Its host hands
/// over the signals that end it.
pub fn run(args: impl IntoIterator<Item = impl Into<OsString>>, signals: &Signals) -> u8 {
    let name = OsString::from("nanobanana");
    let matches =
        match command().try_get_matches_from(std::iter::once(name).chain(args.into_iter().map(Into::into))) {
            Ok(matches) => matches,
            Err(usage) => {
                // Help that cannot be printed has nobody to read it.
                let _ = usage.print();
                return u8::try_from(usage.exit_code()).unwrap_or(2);
            }
        };
    let Some((verb, matches)) = matches.subcommand() else { return 2 };
    let json = matches.get_flag("json");
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(cause) => {
            return fail(&Error::new(Kind::NanoBananaError, format!("cannot start: {cause}")), json);
        }
    };
    let begun = Arc::new(Begun { signals: signals.clone(), many: OnceLock::new() });
    let outcome = runtime.block_on(ended(verb.to_owned(), matches.clone(), begun));
    // A drawing or a read that is under way must not hold up the exit.
    runtime.shutdown_timeout(Duration::from_millis(50));
    match outcome {
        Ok(Ok(())) => 0,
        Ok(Err(error)) => fail(&error, json),
        // A server has nothing to finish: an end that was asked for is its regular one.
        Err(Signal::Terminate) if verb == "emulate" => 0,
        Err(signal) => signal.exit_code(),
    }
}

/// What a command shares with the code that ends it.
struct Begun {
    signals: Signals,
    many: OnceLock<Many>,
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
        signals.released(LAST_WAIT).await;
    };
    tokio::select! {
        // Pictures that have come are paid for. A disk that stands still is not waited for.
        _ = tokio::time::timeout(LAST_WAIT, finished) => {}
        _ = signals.ending(usize::from(outcome.is_err())) => {}
    }
    outcome
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
            .args(flags(&EditOptions::table(), MASKS, Input::OPTIONS).into_iter().map(|flag| match flag.get_id().as_str() {
                // It is on unless it is said to be off.
                "keep_outside" => flag
                    .action(ArgAction::Set)
                    .value_name("true|false")
                    .num_args(0..=1)
                    .require_equals(true)
                    .default_missing_value("true"),
                _ => flag,
            })),
        )
        .subcommand(
            speak("chat", "Draw in a conversation: a line, a picture, what to change")
                .arg(file("load", "A conversation that was saved, to go on with"))
                .arg(file("save", "Where to write the conversation at the end")),
        )
        .subcommand(many::command(json.clone(), offline.clone()))
        .subcommand(Command::new("models").about("List the models, what they take and what they cost").arg(json.clone()).arg(
            Arg::new("catalogue").long("catalogue").value_name("FILE").help("A catalogue file to use instead of the built-in one"),
        ))
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
            .long(field.name.replace('_', "-"))
            .help(field.doc.trim())
            .help_heading(heading);
        if SWITCHED_OFF.contains(&field.name) {
            arg.long(format!("no-{}", field.name.replace('_', "-"))).action(ArgAction::SetTrue)
        } else if field.python == "bool" {
            arg.action(ArgAction::SetTrue)
        } else {
            arg.value_name(match field.python.as_str() {
                "int" | "float" => "NUMBER",
                "Timeout | float" => "SECONDS",
                "Budget | float" => "USD",
                "Retry | int | bool" => "ATTEMPTS",
                python if python.starts_with("dict") => "JSON",
                _ => "TEXT",
            })
            .allow_hyphen_values(field.python == "int" || field.python.ends_with("float"))
        }
    })
    .collect()
}

/// What the flags of an option table say, as a caller would write it.
fn options(table: &Table, matches: &ArgMatches, without: &[&str]) -> Map<String, Value> {
    let mut map = Map::new();
    for field in table.fields.iter().filter(|field| !without.contains(&field.name)) {
        let value = if field.python == "bool" {
            let is_on = !SWITCHED_OFF.contains(&field.name);
            matches.get_flag(field.name).then_some(Value::Bool(is_on))
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
        "models" => models(matches),
        "emulate" => emulate(matches).await,
        "chat" => chat::run(matches).await,
        "many" => many::run(matches, &begun.many).await,
        _ => draw(verb, matches, &begun.signals).await,
    }
}

/// The client that the flags ask for.
fn client(matches: &ArgMatches) -> Result<Client, Error> {
    let options = ClientOptions::read(&options(&ClientOptions::table(), matches, NO_FLAGS), Case::Snake)?;
    let client = if matches.get_flag("offline") { Client::offline(options)? } else { Client::new(options)? };
    warn(client.warnings());
    Ok(client)
}

fn call_options(matches: &ArgMatches) -> Result<GenerateOptions, Error> {
    GenerateOptions::read(&options(&GenerateOptions::table(), matches, Input::OPTIONS), Case::Snake)
}

async fn draw(verb: &str, matches: &ArgMatches, signals: &Signals) -> Result<(), Error> {
    let call_options = call_options(matches)?;
    let prompt = match text(matches, "prompt").as_str() {
        "-" => String::from_utf8(stdin()?)
            .map_err(|_| Error::new(Kind::InvalidOptionError, "the prompt on standard input is not UTF-8"))?,
        prompt => prompt.to_owned(),
    };
    let output = matches.get_one::<PathBuf>("output");
    let is_stdout = output.is_some_and(|output| output == Path::new("-"));
    if let Some(output) = output.filter(|_| !is_stdout) {
        // A name that cannot be written is told before the picture is paid for.
        Image::check_path(output)?;
    }
    let client = client(matches)?;
    let mut inputs = vec![Input::Text(prompt)];
    if verb == "edit" {
        let names = matches.get_many::<String>("images").into_iter().flatten();
        for name in names {
            inputs.push(if name == "-" { stdin()?.into() } else { Input::Named(name.clone()) });
        }
        let masks = matches.get_many::<String>(MASK).into_iter().flatten();
        inputs.extend(masks.map(|mask| Input::mask(area(mask), EditOptions::new())));
        let mut told = options(&EditOptions::table(), matches, &[MASK, "keep_outside"]);
        if let Some(keep) = matches.get_one::<String>("keep_outside") {
            told.insert(
                "keep_outside".to_owned(),
                keep.parse().map_or_else(|_| keep.clone().into(), Value::Bool),
            );
        }
        let told = EditOptions::read(&told, Case::Snake)?;
        let is_jpeg = output
            .and_then(|output| output.extension())
            .is_some_and(|word| word.eq_ignore_ascii_case("jpg") || word.eq_ignore_ascii_case("jpeg"));
        if is_jpeg && input::has_mask(&inputs) && told.keep_outside != Some(false) {
            return Err(Error::new(
                Kind::InvalidOptionError,
                "the file is to be JPEG, which changes every pixel, and a mask keeps those outside of it exactly as they \
                 are; name it .png or .webp, or set `keep_outside` to false",
            )
            .with("option", "output".to_owned()));
        }
        inputs = input::told_of_masks(inputs, told, Case::Snake)?;
    }
    for name in matches.get_many::<String>("attachments").into_iter().flatten() {
        inputs.push(Input::of_option("attachments", Input::Named(name.clone()))?);
    }
    let result = if matches.get_flag("stream") {
        watch(client.stream(Ok(inputs), call_options, Case::Snake)).await?
    } else {
        let progress = Progress::start();
        let result = client.draw(inputs, call_options, Case::Snake).await;
        progress.stop();
        result?
    };
    // It is paid for: a signal lets it be written.
    let _hold = signals.hold();
    let mut files = Vec::new();
    if is_stdout {
        print(result.image()?.bytes()?)?;
    } else {
        for (number, picture) in result.images.iter().enumerate() {
            files.push(save(picture, output, number, result.images.len())?);
        }
    }
    warn(&result.warnings);
    if matches.get_flag("json") && !is_stdout {
        let mut json = result.write(Case::Snake);
        if let Some(map) = json.as_object_mut() {
            map.insert("files".to_owned(), json!(files));
        }
        return line(&json.to_string());
    }
    for file in &files {
        line(&file.display().to_string())?;
    }
    if std::io::stderr().is_terminal() {
        tell(format_args!("{}", summary(&result)));
    }
    Ok(())
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
async fn watch(mut events: EventStream) -> Result<Generation, Error> {
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
            Event::Image(_) => Ok(()),
            Event::Done(done) => {
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

/// Saves a picture, or says where it was put instead: it was paid for.
fn picture_saved(picture: &Image, path: &Path) -> Result<PathBuf, Error> {
    let saved = picture.save_and_tell(path);
    saved.inspect(|(_, warnings)| warn(warnings)).map(|(path, _)| path).map_err(|error| {
        let refuge = std::env::temp_dir().join(format!("nanobanana-{:08x}", fastrand::u32(..)));
        match picture.save(refuge) {
            Ok(refuge) => {
                let message = format!("{}. The picture is in {}", error.message(), refuge.display());
                error.reworded(message)
            }
            Err(_) => error,
        }
    })
}

fn warn(warnings: &[String]) {
    for warning in warnings {
        tell(format_args!("warning: {warning}"));
    }
}

/// Saves where the user said, or under the first name that is free. Of several pictures each gets
/// its number.
fn save(picture: &Image, output: Option<&PathBuf>, number: usize, of: usize) -> Result<PathBuf, Error> {
    let Some(output) = output else {
        let extension = picture.mime_type().rsplit('/').next().unwrap_or_default().replace("jpeg", "jpg");
        let names = (1u32..)
            .map(|count| if count == 1 { "nanobanana".to_owned() } else { format!("nanobanana-{count}") });
        let free = names.map(|name| PathBuf::from(format!("{name}.{extension}"))).find(|path| !path.exists());
        return picture_saved(picture, &free.unwrap_or_default());
    };
    if of == 1 {
        return picture_saved(picture, output);
    }
    let mut name = output.file_stem().unwrap_or_default().to_owned();
    name.push(format!("-{}", number + 1));
    if let Some(extension) = output.extension() {
        name.push(".");
        name.push(extension);
    }
    picture_saved(picture, &output.with_file_name(name))
}

fn summary(result: &Generation) -> String {
    let size = result
        .images
        .first()
        .map(|picture| format!("{}×{}", picture.width(), picture.height()))
        .unwrap_or_default();
    let cost = result.cost.map_or("price unknown".to_owned(), |cost| format!("${cost:.4}"));
    format!("{size}, {}, {cost}, {} tokens", result.model, result.usage.total_tokens)
}

fn models(matches: &ArgMatches) -> Result<(), Error> {
    let catalogue = match matches.get_one::<String>("catalogue") {
        Some(path) => &crate::catalogue::Catalogue::load(path)?,
        None => crate::catalogue::Catalogue::builtin(),
    };
    let list = catalogue.list();
    if matches.get_flag("json") {
        return line(&list.write(Case::Snake).to_string());
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
        line(&format!(
            "    takes     {} pictures{}{}",
            model.max_images.unwrap_or(0),
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
    let options = EmulatorOptions::read(&options(&EmulatorOptions::table(), matches, &[]), Case::Snake)?;
    let steps = matches.get_one::<String>("script").map(|name| steps(name)).transpose()?;
    let emulator = Emulator::start_with(options)?;
    if let Some(steps) = steps {
        emulator.script(&steps)?;
    }
    line(&emulator.url())?;
    if let Some(bundle) = emulator.ca_bundle() {
        line(&bundle.display().to_string())?;
    }
    tell(format_args!("Point any client of the Gemini API there, with any key but `bad`. Ctrl-C stops it."));
    std::future::pending().await
}

fn text(matches: &ArgMatches, name: &str) -> String {
    matches.get_one::<String>(name).cloned().unwrap_or_default()
}

fn stdin() -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes).map_err(|cause| {
        Error::new(Kind::NanoBananaError, format!("cannot read standard input: {cause}")).because(cause)
    })?;
    Ok(bytes)
}

fn print(bytes: &[u8]) -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(|cause| {
        Error::new(Kind::NanoBananaError, format!("cannot write to standard output: {cause}")).because(cause)
    })
}

fn line(text: &str) -> Result<(), Error> {
    print(format!("{text}\n").as_bytes())
}

/// A line for people; one that cannot be written has no reader.
fn tell(text: std::fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn fail(error: &Error, json: bool) -> u8 {
    if json {
        // The exit code tells, even if nobody reads the text.
        let _ = line(&json!({ "error": error.to_json(Case::Snake) }).to_string());
    } else {
        tell(format_args!("{}: {error}", error.kind().name()));
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
