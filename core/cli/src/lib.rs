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
use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint};
use serde_json::json;

use nanobanana::client::Client;
use nanobanana::error::{Billed, Error, InvalidOption, Kind};
use nanobanana::image::Image;
use nanobanana::input::Input;
use nanobanana::many::Many;
use nanobanana::options::{ClientOptions, GenerateOptions, unknown_flag};
use nanobanana::records::{Event, Generation};
use nanobanana::schema::{Case, Write as _};
use nanobanana::stream::EventStream;
use nanobanana_base::blocking::Lost;
use nanobanana_base::message::{counted, message, option};
use nanobanana_base::workers;

mod chat;
mod completions;
mod doctor;
mod emulate;
mod files;
mod flags;
mod held;
mod inputs;
mod lines;
mod many;
mod models;
mod out;
mod place;
mod plan;
mod probe;
mod signals;
mod survey;
mod terminal;

pub use signals::{Signal, Signals};

use flags::{NO_FLAGS, flags, options};
use held::Held;
use out::{line, tell, warn};
use place::Place;

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
                tell(format_args!("error: {problem}"));
                return 2;
            }
            // Help that cannot be printed has nobody to read it.
            let _ = usage.print();
            return u8::try_from(usage.exit_code()).unwrap_or(2);
        }
    };
    let Some((verb, matches)) = matches.subcommand() else { return 2 };
    let json = is_json(matches);
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

/// True if the output is for machines. A command of commands, such as `files`, has the flag in the inner one.
fn is_json(matches: &ArgMatches) -> bool {
    let own = matches.try_get_one::<bool>("json").ok().flatten().copied().unwrap_or(false);
    own || matches.subcommand().is_some_and(|(_, inner)| is_json(inner))
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
    let whole = command();
    let (mut named, mut inner) = ("nanobanana".to_owned(), &whole);
    for word in args.iter().skip(1).map_while(|word| word.to_str()) {
        let Some(found) = inner.find_subcommand(word) else { break };
        named = format!("{named} {word}");
        inner = found;
    }
    let is_call = inner.get_arguments().any(|arg| arg.get_id() == "aspect_ratio");
    let problem = match unknown_flag(flag, is_call) {
        Some(problem) => problem.render(Case::Shell).into_owned(),
        None => match usage.get(ContextKind::SuggestedArg) {
            Some(ContextValue::String(near)) => {
                format!("option `{flag}` does not exist; did you mean `{near}`?")
            }
            _ => format!("option `{flag}` does not exist"),
        },
    };
    Some(format!("{problem}\n\n`{named} --help` lists the options."))
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
    nanobanana_base::blocking::disk(work).await?
}

fn command() -> Command {
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
    let speak = |name: &'static str, about: &'static str| {
        Command::new(name)
            .about(about)
            .arg(offline.clone())
            .arg(json.clone())
            .args(flags(&GenerateOptions::table(), "Options of the call", Input::OPTIONS))
            .args(flags(&ClientOptions::table(), "Options of the client", NO_FLAGS))
    };
    let draw = |name: &'static str, about: &'static str| speak(name, about).arg(output.clone());
    let planned = |name: &'static str, about: &'static str| {
        speak(name, about).args(inputs::prompt()).args(inputs::pictures(false))
    };
    let file = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name("FILE").value_hint(ValueHint::FilePath).help(help)
    };
    Command::new("nanobanana")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Draw and edit pictures with Google's Nano Banana models. The key is read from GOOGLE_API_KEY or GEMINI_API_KEY.")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(draw("generate", "Draw a picture from a prompt").args(inputs::prompt()).arg(stream.clone()))
        .subcommand(
            draw("edit", "Draw a picture from others").args(inputs::prompt()).args(inputs::pictures(true)).arg(stream),
        )
        .subcommand(
            draw("chat", "Draw in a conversation: a line, a picture, what to change")
                .arg(file("load", "A conversation that was saved, to go on with"))
                .arg(
                    file("save", "Where the conversation is written after every turn [default: nanobanana.chat.json, numbered if it is there]")
                        .value_parser(clap::value_parser!(PathBuf)),
                ),
        )
        .subcommand(many::command(json.clone(), offline.clone()))
        .subcommand(planned("estimate", "Say what a call would cost; nothing is sent"))
        .subcommand(planned("explain", "Say what becomes of a call's pictures before they are sent; nothing is sent"))
        .subcommand(planned("count-tokens", "Count the tokens of a prompt and its pictures, as the service does; that is free"))
        .subcommand(files::command(&json, &offline))
        .subcommand(models::command(json.clone()))
        .subcommand(doctor::command(json.clone()))
        .subcommand(probe::command(json.clone(), offline.clone()))
        .subcommand(emulate::command(json))
        .subcommand(completions::command())
}

async fn perform(verb: &str, matches: &ArgMatches, begun: &Begun) -> Result<(), Error> {
    match verb {
        "estimate" => plan::estimate(matches).await,
        "explain" => plan::explain(matches).await,
        "count-tokens" => plan::count_tokens(matches).await,
        "files" => files::run(matches).await,
        "models" => models::run(matches).await,
        "emulate" => emulate::run(matches).await,
        "doctor" => doctor::run(matches, begun).await,
        "probe" => probe::run(matches, begun).await,
        "completions" => completions::run(matches, command()),
        "chat" => chat::run(matches, begun).await,
        "many" => many::run(matches, &begun.many, &begun.held).await,
        _ => draw(matches, begun).await,
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

async fn draw(matches: &ArgMatches, begun: &Begun) -> Result<(), Error> {
    let held = &begun.held;
    let call_options = call_options(matches)?;
    let is_json = matches.get_flag("json");
    let output = matches.get_one::<PathBuf>("output");
    // A place that takes no pictures is found out before they are paid for.
    let place = Place::of_call(output.map(PathBuf::as_path), call_options.n.unwrap_or(1), is_json)?;
    if let Some(folder) = place.folder() {
        held.meant_for(folder);
    }
    let client = client(matches)?;
    let inputs = inputs::of(matches).await?;
    let is_jpeg = output
        .and_then(|output| output.extension())
        .is_some_and(|word| word.eq_ignore_ascii_case("jpg") || word.eq_ignore_ascii_case("jpeg"));
    if is_jpeg && inputs::keeps_outside(&inputs) {
        return Err(Error::invalid_option(
            message!(
                "the file is to be JPEG, which changes every pixel, and a mask keeps those outside of it exactly as \
                 they are; name it .png or .webp, or set {} to false",
                option("keep_outside")
            ),
            InvalidOption::of("output"),
        ));
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
            // The enum may grow; what it then brings stands in the result, too.
            _ => Ok(()),
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

fn text(matches: &ArgMatches, name: &str) -> String {
    matches.get_one::<String>(name).cloned().unwrap_or_default()
}

/// An error for people, and whether it cost something.
fn complain(error: &Error) {
    let name = if error.is_summary() { "error" } else { error.kind().name() };
    tell(format_args!("{name}: {}", error.words().render(Case::Shell)));
    if let Some(how) = bills(error) {
        tell(format_args!("warning: the service {how} this all the same"));
    }
}

/// The verb of a warning that a failed call costs something; none if it does not.
fn bills(error: &Error) -> Option<&'static str> {
    match error.billed()? {
        Billed::No => None,
        Billed::Yes => Some("bills"),
        Billed::Unknown => Some("may bill"),
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
