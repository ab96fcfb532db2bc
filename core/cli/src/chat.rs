//! `nanobanana chat`: a conversation in a terminal or from a pipe, line by line. It is saved after every turn.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use serde_json::json;

use super::lines::{Lines, Said};
use super::out::{line, tell, warn};
use super::place::Place;
use super::signals::Interrupts;
use super::{Begun, blocking, call_options, client, complain, put, terminal, watch};
use nanobanana::chat::Chat;
use nanobanana::error::{Error, Kind};
use nanobanana::input::Input;
use nanobanana::schema::{Case, Write as _};

const HELP: &str = "\
Say what to draw, and then what to change. Commands:
  /image FILE   sends a picture with the next line
  /undo         takes the last line and its answer back
  /save FILE    writes the conversation to a file; `--load FILE` goes on with it
  /help, /quit
Ctrl-C ends a turn, Ctrl-D the conversation.";

/// The default name of a conversation's file.
const NAME: &str = "nanobanana";

/// Runs until the input ends. From a pipe the last error decides about the exit code.
pub async fn run(matches: &ArgMatches, begun: &Begun) -> Result<(), Error> {
    let held = &begun.held;
    let client = client(matches)?;
    let options = call_options(matches)?;
    let place = Place::of_chat(matches.get_one::<PathBuf>("output").map(PathBuf::as_path))?;
    let named = matches.get_one::<PathBuf>("save").map(|path| Chat::file(path));
    if let Some(path) = &named {
        Chat::check_file(path)?;
    }
    held.meant_for(place.folder().unwrap_or(Path::new("")));
    let chat = match matches.get_one::<String>("load") {
        Some(path) => client.load_chat(path, options)?,
        None => client.chat(options)?,
    };
    let is_terminal = std::io::stdin().is_terminal();
    let said = chat.history().into_iter().filter(|turn| turn.role == "user").map(|turn| turn.text);
    let mut lines = Lines::open(is_terminal, said)?;
    if is_terminal {
        tell(format_args!("{HELP}"));
    }
    let is_named = named.is_some();
    let interrupts = is_terminal.then(|| begun.signals.take_interrupts());
    let mut session = Session {
        chat,
        images: Vec::new(),
        matches,
        place,
        begun,
        file: named,
        has_news: is_named,
        interrupts,
    };
    let mut last = Ok(());
    loop {
        last = match lines.next().await {
            Said::Nothing => continue,
            Said::End => break,
            Said::Wrong(error) => Err(error),
            Said::Line(said) if matches!(said.as_str(), "/quit" | "/exit") => break,
            Said::Line(said) => session.take(&said).await,
        };
        if let Err(error) = &last {
            complain(error);
            held.receive_of_error(error);
        }
        if let Err(error) = session.write().await {
            complain(&error);
        }
        let held = held.clone();
        blocking(move || Ok(held.keep())).await?;
    }
    drop(lines);
    let saved = session.write().await;
    if let (Some(path), true, true) = (&session.file, is_named, saved.is_ok()) {
        line(&path.display().to_string())?;
    }
    if is_terminal || saved.is_err() { saved } else { last }
}

struct Session<'a> {
    chat: Chat,
    /// Pictures that go with the next line.
    images: Vec<Input>,
    matches: &'a ArgMatches,
    place: Place,
    begun: &'a Begun,
    /// The file of the conversation, once it has one.
    file: Option<PathBuf>,
    /// True if the conversation has changes that are not in the file.
    has_news: bool,
    /// Set in a terminal, where Ctrl-C ends a turn.
    interrupts: Option<Interrupts>,
}

impl Session<'_> {
    /// One line: a command, or something said.
    async fn take(&mut self, said: &str) -> Result<(), Error> {
        let (command, argument) = said.split_once(' ').unwrap_or((said, ""));
        match command {
            "/help" => tell(format_args!("{HELP}")),
            "/undo" if self.chat.undo() => {
                self.has_news = true;
                tell(format_args!("taken back"));
            }
            "/undo" => tell(format_args!("there is nothing to take back")),
            "/save" if !argument.is_empty() => {
                let (chat, path) = (self.chat.clone(), argument.to_owned());
                let path = blocking(move || chat.save(path)).await?;
                return line(&path.display().to_string());
            }
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
        self.place.check()?;
        let mut prompt = vec![Input::Text(said.to_owned())];
        prompt.extend(self.images.iter().cloned());
        // However the turn ends, it may have changed the conversation.
        self.has_news = true;
        let turn = watch(self.chat.send_stream(prompt, call_options(self.matches)?), &self.begun.held);
        let interrupted = async {
            match &mut self.interrupts {
                Some(interrupts) => interrupts.next().await,
                None => std::future::pending().await,
            }
        };
        let result = tokio::select! {
            result = turn => result?,
            () = interrupted => {
                let problem = "the turn was ended. It is not in the conversation, and may be billed all the same";
                tell(format_args!("warning: {problem}"));
                return Ok(());
            }
        };
        self.images.clear();
        warn(&result.warnings);
        let mut files = Vec::new();
        for picture in &result.images {
            let file = put(&self.place, picture, 1, self.begun).await?;
            terminal::show(picture);
            files.push(file);
        }
        let told = match self.matches.get_flag("json") {
            true => {
                let mut json = result.write(Case::Shell);
                if let Some(map) = json.as_object_mut() {
                    map.insert("files".to_owned(), json!(files));
                }
                json.to_string()
            }
            false => files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join("\n"),
        };
        blocking(move || line(&told)).await?;
        self.begun.held.named();
        Ok(())
    }

    /// Saves the conversation if it has changes. Without a name it takes the first free one.
    async fn write(&mut self) -> Result<(), Error> {
        if !self.has_news {
            return Ok(());
        }
        let (chat, file) = (self.chat.clone(), self.file.clone());
        let is_new = file.is_none();
        let folder = self.place.folder().unwrap_or(Path::new("")).to_owned();
        let path = blocking(move || match file {
            Some(path) => chat.save(path),
            None => chat.claim(&folder, NAME),
        })
        .await?;
        if is_new {
            tell(format_args!("The conversation is saved in {} after every turn", path.display()));
        }
        self.file = Some(path);
        self.has_news = false;
        Ok(())
    }
}
