//! `nanobanana completions`: the script by which a shell completes the command's words.

use clap::{Arg, ArgMatches, Command, value_parser};
use clap_complete::{Shell, generate};

use super::flags::with_values;
use super::out::listing;
use nanobanana::error::{Error, Kind};

pub(super) fn command() -> Command {
    Command::new("completions")
        .about("Print the script that completes commands, flags and their values in a shell")
        .after_help(
            "bash:        nanobanana completions bash > ~/.local/share/bash-completion/completions/nanobanana\n\
             zsh:         nanobanana completions zsh > \"${fpath[1]}/_nanobanana\"\n\
             fish:        nanobanana completions fish > ~/.config/fish/completions/nanobanana.fish\n\
             PowerShell:  nanobanana completions powershell >> $PROFILE",
        )
        .arg(
            Arg::new("shell")
                .required(true)
                .value_name("SHELL")
                .value_parser(value_parser!(Shell))
                .help("The shell"),
        )
}

/// `whole` is the command with all of its commands and flags.
pub(super) fn run(matches: &ArgMatches, whole: Command) -> Result<(), Error> {
    let Some(shell) = matches.get_one::<Shell>("shell") else { return Ok(()) };
    let mut script = Vec::new();
    generate(*shell, &mut with_values(whole), "nanobanana", &mut script);
    let script = String::from_utf8(script)
        .map_err(|cause| Error::new(Kind::NanoBananaError, "the script is not UTF-8").because(cause))?;
    listing(script.trim_end())
}
