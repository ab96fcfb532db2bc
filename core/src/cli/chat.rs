//! `nanobanana chat`: a conversation in a terminal, or from a pipe, line by line.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;

use clap::ArgMatches;
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::{call_options, client, line, picture_saved, tell, terminal, warn, watch};
use crate::chat::Chat;
use crate::error::{Error, Kind};
use crate::input::Input;
use crate::schema::{Case, Write as _};

const HELP: &str = "\
Say what to draw, and then what to change. Commands:
  /image FILE   sends a picture with the next line
  /undo         takes the last line and its answer back
  /save FILE    writes the conversation to a file; `--load FILE` goes on with it
  /help, /quit";

/// Runs until the input ends. From a pipe the last error decides about the exit code.
pub async fn run(matches: &ArgMatches) -> Result<(), Error> {
    let client = client(matches)?;
    let options = call_options(matches)?;
    let chat = match matches.get_one::<String>("load") {
        Some(path) => client.load_chat(path, options)?,
        None => client.chat(options)?,
    };
    let is_terminal = std::io::stdin().is_terminal();
    if is_terminal {
        tell(format_args!("{HELP}"));
    }
    let mut session = Session { chat, images: Vec::new(), matches, drawn: 0 };
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut last = Ok(());
    loop {
        if is_terminal {
            let _ = write!(std::io::stderr(), "> ");
        }
        let cannot =
            |cause| Error::new(Kind::NanoBananaError, format!("cannot read standard input: {cause}"));
        let Some(said) = lines.next_line().await.map_err(cannot)? else { break };
        match said.trim() {
            "" => continue,
            "/quit" | "/exit" => break,
            said => last = session.take(said).await,
        }
        if let Err(error) = &last {
            tell(format_args!("{}: {error}", error.kind().name()));
        }
    }
    if let Some(path) = matches.get_one::<String>("save") {
        line(&session.chat.save(path)?.display().to_string())?;
    }
    if is_terminal { Ok(()) } else { last }
}

struct Session<'a> {
    chat: Chat,
    /// Pictures that go with the next line.
    images: Vec<Input>,
    matches: &'a ArgMatches,
    drawn: usize,
}

impl Session<'_> {
    /// One line: a command, or something said.
    async fn take(&mut self, said: &str) -> Result<(), Error> {
        let (command, argument) = said.split_once(' ').unwrap_or((said, ""));
        match command {
            "/help" => tell(format_args!("{HELP}")),
            "/undo" if self.chat.undo() => tell(format_args!("taken back")),
            "/undo" => tell(format_args!("there is nothing to take back")),
            "/save" if !argument.is_empty() => return line(&self.chat.save(argument)?.display().to_string()),
            "/image" if !argument.is_empty() => self.images.push(Input::Named(argument.to_owned())),
            _ if command.starts_with('/') => {
                let problem = format!("{command} is no command, or lacks its file; /help lists them");
                return Err(Error::new(Kind::InvalidOptionError, problem));
            }
            _ => return self.say(said).await,
        }
        Ok(())
    }

    async fn say(&mut self, said: &str) -> Result<(), Error> {
        let mut prompt = vec![Input::Text(said.to_owned())];
        prompt.append(&mut self.images);
        let result = watch(self.chat.send_stream(prompt, call_options(self.matches)?)).await?;
        warn(&result.warnings);
        let mut files = Vec::new();
        for picture in &result.images {
            self.drawn += 1;
            let mut stem =
                self.matches.get_one::<PathBuf>("output").cloned().unwrap_or_else(|| "chat".into());
            let extension =
                stem.extension().map(|extension| format!(".{}", extension.display())).unwrap_or_default();
            let name = stem.file_stem().unwrap_or_default().display().to_string();
            stem.set_file_name(format!("{name}-{}{extension}", self.drawn));
            let file = picture_saved(picture, &stem)?;
            terminal::show(picture);
            files.push(file);
        }
        if self.matches.get_flag("json") {
            let mut json = result.write(Case::Snake);
            if let Some(map) = json.as_object_mut() {
                map.insert("files".to_owned(), json!(files));
            }
            return line(&json.to_string());
        }
        files.iter().try_for_each(|file| line(&file.display().to_string()))
    }
}
