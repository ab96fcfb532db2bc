//! `nanobanana doctor`: the checks of `client::doctor`, a line for each, or one JSON object.

use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::json;

use super::out::line;
use super::{Begun, NO_FLAGS, blocking, flags, options};
use nanobanana::error::{Error, InvalidOption};
use nanobanana::internals::doctor::{Check, State, examine};
use nanobanana::options::ClientOptions;
use nanobanana::schema::Case;
use nanobanana_base::message::{counted, message, option};

/// Client options that say nothing about the way to the service.
const OTHERS: [&str; 6] = ["max_concurrency", "rate", "budget", "cache", "allow_private_urls", "local_files"];

/// The deadline of a step in seconds.
const LIMIT: &str = "10";

/// The client options of commands that examine the service.
pub(super) fn not_of_the_way() -> Vec<&'static str> {
    NO_FLAGS.iter().copied().chain(OTHERS).collect()
}

/// The flags of the connection.
pub(super) fn of_the_way() -> Vec<Arg> {
    flags(&ClientOptions::table(), "Options of the connection", &not_of_the_way())
}

pub(super) fn command(json: Arg) -> Command {
    Command::new("doctor")
        .about("Examine key, network, proxy, TLS, clock and models, at no cost")
        .arg(json)
        .arg(
            Arg::new("offline")
                .long("offline")
                .action(ArgAction::SetTrue)
                .help("Examine the built-in emulator: no key, no network"),
        )
        .arg(
            Arg::new("timeout")
                .long("timeout")
                .value_name("SECONDS")
                .default_value(LIMIT)
                .help("The deadline of each step"),
        )
        .args(of_the_way())
}

/// A positive number of seconds.
pub(super) fn seconds(matches: &ArgMatches) -> Result<Duration, Error> {
    let text = super::text(matches, "timeout");
    let given = text.parse().ok().filter(|seconds: &f64| seconds.is_finite() && *seconds > 0.0);
    let given = given.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    given.ok_or_else(|| {
        let problem =
            message!("option {} is {text:?}; it takes a number of seconds above 0", option("timeout"));
        Error::invalid_option(problem, InvalidOption::of(option("timeout")))
    })
}

pub(super) async fn run(matches: &ArgMatches, begun: &Begun) -> Result<(), Error> {
    let limit = seconds(matches)?;
    let set = options(&ClientOptions::table(), matches, &not_of_the_way());
    let set = ClientOptions::read(&set, Case::Shell)?;
    let is_json = matches.get_flag("json");
    // A reader that is gone must not end the examination: its exit code counts.
    let tell = |check: &Check| {
        if !is_json {
            let _ = line(&shown(check));
        }
    };
    let report = examine(set, matches.get_flag("offline"), limit, tell).await;
    let _ = begun.code.set(report.code());
    let failed = report.count(State::Failed);
    let said = if is_json {
        let checks: Vec<_> = report.checks.iter().map(Check::json).collect();
        json!({ "ok": failed == 0, "checks": checks }).to_string()
    } else {
        let warnings = match report.count(State::Warning) {
            0 => String::new(),
            count => format!(", {}", counted(count, "warning", "warnings")),
        };
        match failed {
            0 => format!("\nNothing failed{warnings}."),
            count => format!("\n{} failed{warnings}.", counted(count, "check", "checks")),
        }
    };
    blocking(move || line(&said)).await
}

/// The line of a check, and below it what to do.
fn shown(check: &Check) -> String {
    let head = format!("{:<8} {:<13}", check.state.as_str(), check.name);
    match &check.advice {
        Some(advice) => format!("{head}{}\n{:22}{advice}", check.what, ""),
        None => format!("{head}{}", check.what),
    }
}
