//! `nanobanana probe`: asks the service about the conflicts of sources, within a budget, and writes a report.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::doctor::{not_of_the_way, of_the_way, seconds};
use super::out::{line, tell};
use super::{Begun, blocking, options};
use crate::survey::{Plan, Run, too_dear};
use nanobanana::client::Client;
use nanobanana::error::{Error, InvalidOption, Kind};
use nanobanana::options::{ClientOptions, Reading, Readings};
use nanobanana::schema::Case;
use nanobanana_base::message::{message, option};
use nanobanana_base::save::{self, Manner};

/// The deadline of a request in seconds: a picture of 4K takes its time.
const LIMIT: &str = "300";

pub(super) fn command(json: Arg, offline: Arg) -> Command {
    Command::new("probe")
        .about(
            "Ask the service what sources disagree about, within a budget, and write a report for an issue",
        )
        .arg(json)
        .arg(offline)
        .arg(
            Arg::new("max_usd")
                .long("max-usd")
                .value_name("USD")
                .allow_hyphen_values(true)
                .help("The most that may be spent; a plan that may cost more is not begun"),
        )
        .arg(
            Arg::new("yes")
                .long("yes")
                .action(ArgAction::SetTrue)
                .help("Ask; without it the plan and its price are printed, and nothing is sent"),
        )
        .arg(
            Arg::new("only")
                .long("only")
                .value_name("NAME,…")
                .help("The conflicts to ask about, by the names of their readings [default: all]"),
        )
        .arg(
            Arg::new("output")
                .short('o')
                .long("output")
                .value_name("FILE")
                .value_parser(clap::value_parser!(PathBuf))
                .help("Where the report goes, after every answer [default: standard output, at the end]"),
        )
        .arg(
            Arg::new("timeout")
                .long("timeout")
                .value_name("SECONDS")
                .default_value(LIMIT)
                .help("The deadline of each request"),
        )
        .args(of_the_way())
}

fn wrong(name: &'static str, problem: impl Into<nanobanana_base::message::Message>) -> Error {
    Error::invalid_option(
        message!("option {} {}", option(name), problem.into()),
        InvalidOption::of(option(name)),
    )
}

fn only(matches: &ArgMatches) -> Result<Readings, Error> {
    let Some(names) = matches.get_one::<String>("only") else {
        return Ok(Reading::ALL.iter().copied().collect());
    };
    let readings = Readings::named("only", names)?;
    match readings.iter().next() {
        Some(_) => Ok(readings),
        None => Err(wrong("only", "is empty; it takes names of conflicts with commas between them")),
    }
}

fn max_usd(matches: &ArgMatches) -> Result<Option<f64>, Error> {
    let Some(text) = matches.get_one::<String>("max_usd") else { return Ok(None) };
    let most = text.parse().ok().filter(|most: &f64| most.is_finite() && *most >= 0.0);
    most.map(Some)
        .ok_or_else(|| wrong("max_usd", format!("is {text:?}; it takes an amount in USD, such as 1.50")))
}

pub(super) async fn run(matches: &ArgMatches, begun: &Begun) -> Result<(), Error> {
    let (readings, most, limit) = (only(matches)?, max_usd(matches)?, seconds(matches)?);
    let is_json = matches.get_flag("json");
    let output = matches.get_one::<PathBuf>("output").cloned();
    let set = options(&ClientOptions::table(), matches, &not_of_the_way());
    let set = ClientOptions::read(&set, Case::Shell)?;
    let is_asked = matches.get_flag("yes");
    // The plan needs no key.
    let bare = Client::new(set.clone().api_key("none"))?;
    bare.ready().await?;
    let plan = Plan::new(readings, bare.known());
    if let Some(most) = most.filter(|most| plan.most() > *most) {
        return Err(too_dear(&plan, most));
    }
    if !is_asked {
        let next = format!(
            "Nothing was sent. To ask: nanobanana probe{} --max-usd {:.2} --yes",
            matches.get_one::<String>("only").map(|names| format!(" --only {names}")).unwrap_or_default(),
            (plan.most() * 100.0).ceil() / 100.0
        );
        let said = if is_json { plan.json().to_string() } else { format!("{}\n{next}", plan.text()) };
        return blocking(move || line(&said)).await;
    }
    let Some(most) = most else {
        let problem = "is missing; with `--yes` it says how much may be spent. Without `--yes` the plan and its price are \
                       printed";
        return Err(wrong("max_usd", problem));
    };
    if let Some(path) = output.clone() {
        // A place that takes no report is found out before anything is paid for.
        blocking(move || save::check(&path).map_err(|cause| cannot(&path, cause))).await?;
    }
    let client = if matches.get_flag("offline") { Client::offline(set)? } else { Client::new(set)? };
    ask(Run::begin(client, plan, most, limit).await?, output, is_json, begun).await
}

fn cannot(path: &Path, cause: std::io::Error) -> Error {
    Error::new(Kind::InvalidOptionError, format!("cannot write the report to {}: {cause}", path.display()))
        .because(cause)
}

/// Asks one row after the other.
async fn ask(mut run: Run, output: Option<PathBuf>, is_json: bool, begun: &Begun) -> Result<(), Error> {
    let of = run.plan.rows.len();
    let mut number = 0;
    let report = |run: &Run| if is_json { format!("{}\n", run.json()) } else { run.markdown() };
    while let Some(at) = run.next().await {
        number += 1;
        if let Some(row) = run.plan.rows.get(at) {
            tell(format_args!("{number}/{of} {}: {}, {}", row.name(), row.side().as_str(), row.why()));
        }
        if let Some(path) = output.clone() {
            // What was answered is paid for, and is there however the rest ends.
            let text = report(&run);
            let hold = begun.signals.hold();
            blocking(move || {
                let _hold = hold;
                let write = |out: &mut save::Output| out.write_all(text.as_bytes());
                save::replace(&path, Manner::default(), write).map_err(|cause| cannot(&path, cause))
            })
            .await?;
        }
    }
    let _ = begun.code.set(run.code());
    let said = match &output {
        Some(path) => path.display().to_string(),
        None => report(&run).trim_end().to_owned(),
    };
    blocking(move || line(&said)).await
}
