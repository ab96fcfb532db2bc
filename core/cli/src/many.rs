//! `nanobanana many`: a file of prompts, one picture after the other, and what is missing when it is
//! run again.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use clap::{Arg, ArgMatches, Command, ValueHint};
use serde_json::{Map, Value};
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, BufReader};

use super::held::Held;
use super::out::{line, tell};
use super::{NO_FLAGS, bills, blocking, call_options, client, flags, options};
use nanobanana::error::{Error, Kind};
use nanobanana::input::{Input, MASK};
use nanobanana::many::{Item, Many, Step};
use nanobanana::options::{ClientOptions, GenerateOptions, ManyOptions, Region};
use nanobanana::records::Outcome;
use nanobanana::schema::{Case, Write as _};
use nanobanana_base::message::counted;

/// Options of a run that are no flags: on a terminal there is a line anyway.
const NO_RUN_FLAGS: &[&str] = &["progress"];

pub fn command(json: Arg, offline: Arg) -> Command {
    let run =
        flags(&ManyOptions::table(), "Options of the run", NO_RUN_FLAGS).into_iter().map(|arg| {
            match arg.get_id().as_str() {
                "save_to" => arg.short('o').default_value("."),
                _ => arg,
            }
        });
    Command::new("many")
        .about(
            "Draw a picture for each line of a file: a prompt as a JSON string, or an object with `prompt`, `images`, \
             `options` and `id`",
        )
        .arg(
            Arg::new("file")
                .required(true)
                .value_name("FILE").value_hint(ValueHint::FilePath)
                .help("The file of JSON lines; `-` is standard input"),
        )
        .args([json, offline])
        .args(run)
        .args(flags(&GenerateOptions::table(), "Options of each call", Input::OPTIONS))
        .args(flags(&ClientOptions::table(), "Options of the client", NO_FLAGS))
}

/// `begun` is told the run, so that it can be closed however this ends.
pub async fn run(matches: &ArgMatches, begun: &OnceLock<Many>, held: &Arc<Held>) -> Result<(), Error> {
    let file = super::text(matches, "file");
    let cannot = |cause: std::io::Error| {
        Error::new(Kind::InvalidOptionError, format!("cannot read {file}: {cause}")).because(cause)
    };
    let lines: Box<dyn AsyncBufRead + Unpin + Send> = match file.as_str() {
        "-" => Box::new(BufReader::new(tokio::io::stdin())),
        path => Box::new(BufReader::new(tokio::fs::File::open(path).await.map_err(cannot)?)),
    };
    let run = options(&ManyOptions::table(), matches, NO_RUN_FLAGS);
    let run = ManyOptions::read(&run, Case::Shell)?;
    let client = client(matches)?;
    let many = client.generate_many(call_options(matches)?, run)?;
    let many = begun.get_or_init(|| many);
    let has_bar = std::io::stderr().is_terminal();
    let mut show =
        Show { is_json: matches.get_flag("json"), has_bar, held, failed: None, earlier: 0, unprinted: None };
    if show.has_bar && file != "-" {
        count(PathBuf::from(&file), many.clone());
    }
    let mut read = Ok(());
    let feeding = async {
        read = feed(many, lines).await;
        std::future::pending().await
    };
    tokio::select! {
        // When the run is over, no further line is waited for.
        shown = show.all(many) => shown?,
        () = feeding => {}
    }
    read.map_err(cannot)?;
    show.verdict(many)
}

/// Gives the lines as there is room for them.
async fn feed(many: &Many, lines: impl AsyncBufRead + Unpin) -> std::io::Result<()> {
    let mut lines = lines.lines();
    let mut number = 0;
    let outcome = loop {
        if !many.room().await.unwrap_or(false) {
            break Ok(());
        }
        let text = match lines.next_line().await {
            Ok(Some(text)) => text,
            Ok(None) => break Ok(()),
            Err(cause) => break Err(cause),
        };
        number += 1;
        // What some editors put before everything else.
        let text = text.trim_start_matches('\u{feff}');
        if text.trim().is_empty() {
            continue;
        }
        match item(text) {
            Ok(item) => many.give(item),
            Err(error) => {
                // A line has names as JSON has them, not flags.
                let message = format!("line {number}: {}", error.words());
                let read = serde_json::from_str::<Map<String, Value>>(text).ok();
                many.refuse(read.and_then(|map| Item::id_in(&map)), error.reworded(message));
            }
        }
    };
    many.end();
    outcome
}

/// Counts the lines that hold something, for the bar, while the first of them are drawn.
fn count(path: PathBuf, many: Many) {
    tokio::spawn(async move {
        let mut file = tokio::fs::File::open(path).await?;
        let (mut total, mut holds) = (0, false);
        let mut block = vec![0; 1 << 16];
        loop {
            let len = file.read(&mut block).await?;
            for byte in block.iter().take(len) {
                match byte {
                    b'\n' => {
                        total += u64::from(holds);
                        holds = false;
                    }
                    byte => holds |= !byte.is_ascii_whitespace(),
                }
            }
            if len == 0 {
                many.expect(total + u64::from(holds));
                return Ok::<(), std::io::Error>(());
            }
        }
    });
}

/// One line's item.
fn item(line: &str) -> Result<Item, Error> {
    let wrong = |problem: String| Error::new(Kind::InvalidOptionError, problem);
    let value: Value = serde_json::from_str(line)
        .map_err(|cause| wrong(format!("it is not JSON ({cause}); a line is a string or an object")))?;
    let mut map = match value {
        Value::String(prompt) => return Ok(Item::new(prompt)),
        Value::Object(map) => map,
        _ => return Err(wrong("it takes a string or an object".to_owned())),
    };
    let texts = |name: &str| -> Result<Vec<String>, Error> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let read = match map.get(name) {
            None | Some(Value::Null) => Some(Vec::new()),
            Some(Value::Array(list)) => list.iter().map(text).collect(),
            Some(value) => text(value).map(|text| vec![text]),
        };
        read.ok_or_else(|| wrong(format!("`{name}` takes a text or a list of texts")))
    };
    let (prompt, images) = (texts("prompt")?, texts("images")?);
    let images = images.into_iter().map(Input::Named);
    let mut inputs: Vec<Input> = prompt.into_iter().map(Input::Text).chain(images).collect();
    if let Some(Value::Object(options)) = map.get_mut("options") {
        for option in Input::OPTIONS {
            inputs.extend(beside(option, options.shift_remove(*option).unwrap_or_default())?);
        }
    }
    Item::read(inputs, &map, Case::Snake)
}

/// What stands in an option that takes inputs: paths or URLs, and of masks boxes as maps.
fn beside(option: &'static str, value: Value) -> Result<Vec<Input>, Error> {
    let one = |value: Value| {
        let input = match value {
            Value::String(name) => Input::Named(name),
            Value::Object(fields) if option == MASK => Region::read(&fields, Case::Snake)?.into(),
            _ => {
                let problem = match option {
                    MASK => {
                        "takes a path or URL, a box as {\"left\", \"top\", \"right\", \"bottom\", \"unit\"}, or a list of these"
                    }
                    _ => "takes a text or a list of texts",
                };
                return Err(Error::new(Kind::InvalidOptionError, format!("`{option}` {problem}")));
            }
        };
        Input::of_option(option, input)
    };
    match value {
        Value::Null => Ok(Vec::new()),
        Value::Array(list) => {
            Input::check_count(option, list.len())?;
            list.into_iter().map(one).collect()
        }
        value => Ok(vec![one(value)?]),
    }
}

/// What people and machines see of a run.
struct Show<'a> {
    is_json: bool,
    has_bar: bool,
    /// What the first item failed with, and whether all failures have its exit code.
    failed: Option<(Kind, bool)>,
    held: &'a Arc<Held>,
    /// The number of items that were done in an earlier run.
    earlier: u64,
    /// Why standard output takes nothing any more. The run goes on: names go to standard error.
    unprinted: Option<Error>,
}

impl Show<'_> {
    async fn all(&mut self, many: &Many) -> Result<(), Error> {
        loop {
            let mut waiting = std::pin::pin!(many.step(false));
            let step = loop {
                self.bar(many);
                tokio::select! {
                    step = &mut waiting => break step,
                    // The time goes on, even if nothing else does.
                    () = tokio::time::sleep(Duration::from_secs(1)), if self.has_bar => {}
                }
            };
            self.clear();
            match step {
                Ok(Step::Outcome(outcome)) => self.one(&outcome).await?,
                Ok(Step::NeedItem) => {}
                Ok(Step::Done) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    fn bar(&self, many: &Many) {
        if self.has_bar {
            let mut out = std::io::stderr();
            // In a narrow terminal the line is cut off and does not go on below, where it could not be cleared.
            let line = many.progress().line(78);
            let _ = write!(out, "\r\x1b[?7l{line}\x1b[K\x1b[?7h").and_then(|()| out.flush());
        }
    }

    fn clear(&self) {
        if self.has_bar {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }

    async fn one(&mut self, outcome: &Outcome) -> Result<(), Error> {
        let name = match &outcome.id {
            Some(id) => format!("item {} ({id})", outcome.index),
            None => format!("item {}", outcome.index),
        };
        self.earlier += u64::from(outcome.cached);
        if let Some(error) = &outcome.error {
            let (first, alike) = self.failed.unwrap_or((error.kind(), true));
            self.failed = Some((first, alike && first.exit_code() == error.kind().exit_code()));
            tell(format_args!("{name}: {}: {}", error.kind().name(), error.words().render(Case::Shell)));
            if let Some(how) = bills(error) {
                tell(format_args!("{name}: warning: the service {how} this all the same"));
            }
            self.held.receive_of_error(error);
        }
        if let Some(result) = &outcome.result {
            for warning in &result.warnings {
                tell(format_args!("{name}: warning: {}", warning.render(Case::Shell)));
            }
            for error in &result.errors {
                self.held.receive_of_error(error);
            }
        }
        let files: Vec<PathBuf> = outcome.files.iter().map(PathBuf::from).collect();
        self.held.saved_unseen(files);
        let told = match self.is_json {
            true => outcome.write(Case::Shell).to_string(),
            false => outcome.files.join("\n"),
        };
        if self.unprinted.is_none() && !told.is_empty() {
            match blocking(move || line(&told)).await {
                Ok(()) => self.held.named(),
                Err(error) => self.unprinted = Some(error),
            }
        }
        // What came with errors, and what standard output did not take.
        let held = self.held.clone();
        blocking(move || Ok(held.keep())).await.map(drop)
    }

    /// The error that the exit code comes from, if items failed.
    fn verdict(&self, many: &Many) -> Result<(), Error> {
        let progress = many.progress();
        let items = counted(progress.done + progress.failed, "item", "items");
        if self.earlier > 0 {
            let (done, them) = if self.earlier == 1 { ("was done", "it") } else { ("were done", "them") };
            tell(format_args!(
                "{} of {items} {done} in an earlier run; nothing was sent for {them}.",
                self.earlier
            ));
        }
        let Some((first, alike)) = self.failed else { return self.unprinted.clone().map_or(Ok(()), Err) };
        let message = format!("{} of {items} failed", progress.failed);
        Err(Error::new(if alike { first } else { Kind::NanoBananaError }, message).as_summary())
    }
}
