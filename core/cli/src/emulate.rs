//! `nanobanana emulate`: the emulator as a server of its own.

use clap::{Arg, ArgMatches, Command, ValueHint};
use serde_json::Value;

use super::out::{line, stdin, tell};
use super::{flags, options};
use nanobanana::Emulator;
use nanobanana::error::{Error, InvalidOption};
use nanobanana::options::EmulatorOptions;
use nanobanana::schema::Case;

pub(super) fn command(json: Arg) -> Command {
    Command::new("emulate")
        .about("Serve the Gemini image API on 127.0.0.1; its URL is printed on the first line, with --tls the file of its authority's certificate on the second")
        .arg(json)
        .arg(Arg::new("script").long("script").value_name("FILE").value_hint(ValueHint::FilePath).help("The replies to give: a list of steps in JSON, such as [{\"status\": 503, \"times\": 2}]; `-` reads it from standard input"))
        .args(flags(&EmulatorOptions::table(), "Options of the emulator; times are seconds", &[]))
}

/// The steps in a file, or on standard input.
fn steps(name: &str) -> Result<Vec<Value>, Error> {
    let place = if name == "-" { "standard input" } else { name };
    let wrong = |problem: String| {
        Error::invalid_option(format!("the script in {place} {problem}"), InvalidOption::of("script"))
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

pub(super) async fn run(matches: &ArgMatches) -> Result<(), Error> {
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
