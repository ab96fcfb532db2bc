//! `nanobanana files`: what is uploaded to the Files API, by hand.

use std::fmt::Write as _;

use clap::{Arg, ArgMatches, Command, ValueHint};
use serde_json::{Value, json};

use super::out::{line, listing, tell};
use super::{NO_FLAGS, blocking, client, flags, options};
use nanobanana::error::Error;
use nanobanana::input::Input;
use nanobanana::options::{ClientOptions, FileOptions, UploadOptions};
use nanobanana::records::File;
use nanobanana::schema::{Case, Table, Write as _};
use nanobanana_base::message::counted;

pub(super) fn command(json: &Arg, offline: &Arg) -> Command {
    let verb = |name: &'static str, about: &'static str, table: &Table| {
        Command::new(name)
            .about(about)
            .args([json.clone(), offline.clone()])
            .args(flags(table, "Options of the request", &[]))
            .args(flags(&ClientOptions::table(), "Options of the client", NO_FLAGS))
    };
    let named =
        |help: &'static str| Arg::new("names").required(true).num_args(1..).value_name("NAME").help(help);
    Command::new("files")
        .about("Upload files that prompts refer to, list and delete them; the service keeps them for 48 hours, free of charge")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            verb("upload", "Upload files; the name of each is printed when it can be used", &UploadOptions::table()).arg(
                Arg::new("paths").required(true).num_args(1..).value_name("FILE").value_hint(ValueHint::FilePath).help("Paths of pictures, documents, videos or sounds"),
            ),
        )
        .subcommand(verb("list", "List the files of the key's project", &FileOptions::table()))
        .subcommand(
            verb("get", "Show what the service knows of files", &FileOptions::table())
                .arg(named("Names such as files/abc-123, or the URIs that end with them")),
        )
        .subcommand(
            verb("delete", "Delete files before their time", &FileOptions::table())
                .arg(named("Names such as files/abc-123, or the URIs that end with them")),
        )
}

pub(super) async fn run(matches: &ArgMatches) -> Result<(), Error> {
    let Some((verb, matches)) = matches.subcommand() else { return Ok(()) };
    let is_json = matches.get_flag("json");
    let names = |argument: &str| -> Vec<String> {
        matches.try_get_many(argument).ok().flatten().into_iter().flatten().cloned().collect()
    };
    let files = client(matches)?.files();
    if verb == "upload" {
        let options = UploadOptions::read(&options(&UploadOptions::table(), matches, &[]), Case::Shell)?;
        for path in names("paths") {
            let file = files.upload(Input::Named(path), options.clone()).await?;
            let shown = if is_json { file.write(Case::Shell).to_string() } else { file.name };
            blocking(move || line(&shown)).await?;
        }
        return Ok(());
    }
    let options = FileOptions::read(&options(&FileOptions::table(), matches, &[]), Case::Shell)?;
    match verb {
        "delete" => {
            for name in names("names") {
                files.delete(name.as_str(), options.clone()).await?;
                if is_json {
                    blocking(move || line(&json!({ "deleted": name }).to_string())).await?;
                } else {
                    tell(format_args!("deleted {name}"));
                }
            }
            Ok(())
        }
        "get" => {
            for name in names("names") {
                let file = files.get(name.as_str(), options.clone()).await?;
                let shown = if is_json { file.write(Case::Shell).to_string() } else { described(&file) };
                blocking(move || line(shown.trim_end())).await?;
            }
            Ok(())
        }
        _ => {
            let list = files.list(options).await?;
            match is_json {
                true => listing(&list.write(Case::Shell).to_string()),
                false if list.is_empty() => {
                    tell(format_args!("The project has no files."));
                    Ok(())
                }
                false => listing(list.iter().map(summary).collect::<String>().trim_end()),
            }
        }
    }
}

/// A line about a file.
fn summary(file: &File) -> String {
    let size = file.size_bytes.map(|size| counted(size, "byte", "bytes")).unwrap_or_default();
    let ends = file.expiration_time.as_ref().map(|time| format!("until {time}")).unwrap_or_default();
    let own = file.display_name.as_ref().map(|name| format!("{name:?}")).unwrap_or_default();
    let known = [file.state.clone(), file.mime_type.clone(), size, ends, own];
    let known: Vec<String> = known.into_iter().filter(|text| !text.is_empty()).collect();
    format!("{}  {}\n", file.name, known.join(", "))
}

/// A line for each field that is known.
fn described(file: &File) -> String {
    let mut out = String::new();
    if let Value::Object(fields) = file.write(Case::Shell) {
        for (name, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let _ = writeln!(out, "{name:<16} {text}");
        }
    }
    out
}
