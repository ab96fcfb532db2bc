//! The bindings' one door.
//!
//! Whatever a binding holds (a client, a conversation, a stream) is a door with verbs: names and JSON
//! maps go in, a JSON map and pictures come out, and sometimes another door. A new method of the
//! library is a new verb here, and no new Rust in a binding.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use tokio::sync::{Mutex, Notify};

use crate::attempt::Sink;
use crate::chat::Chat;
use crate::client::{Client, joined};
use crate::error::{Error, Kind};
use crate::image::Image;
use crate::input::Input;
use crate::options::{ClientOptions, GenerateOptions};
use crate::records::Generation;
use crate::schema::{Case, Write};
use crate::stream::EventStream;

/// What crosses a binding's border back: a map, and beside it the pictures in the order in which
/// they stand in it.
#[derive(Debug, Default)]
pub struct Answer {
    /// The record, without bytes; null where there is nothing to tell, as after a stream's end.
    pub json: Value,
    /// Its pictures.
    pub pictures: Vec<Image>,
    /// What the verb opened.
    pub door: Option<Door>,
}

/// A client, a conversation or a stream, by its verbs.
#[derive(Debug, Clone)]
pub enum Door {
    /// Verbs: `generate`, `edit`, `models`; `generate_stream`, `edit_stream`, `chat` and
    /// `load_chat {path}` open doors.
    Client(Client),
    /// Verbs: `send`, `undo`, `add {role}`, `history`, `drop_images {keep}`, `save {path}`;
    /// `send_stream` and `branch` open doors.
    Chat(Chat),
    /// Verbs: `next`, which gives an event, and after the last one null; `close`.
    Stream(Stream),
}

/// A stream that can be closed from elsewhere while its next event is waited for.
#[derive(Debug, Clone)]
pub struct Stream {
    events: Arc<Mutex<Option<EventStream>>>,
    closed: Arc<Notify>,
}

impl Stream {
    fn open(events: EventStream) -> Answer {
        let stream = Stream { events: Arc::new(Mutex::new(Some(events))), closed: Arc::default() };
        Answer { door: Some(Door::Stream(stream)), ..Answer::default() }
    }

    async fn next(&self, case: Case) -> Result<Answer, Error> {
        let closed = self.closed.notified();
        let mut slot = self.events.lock().await;
        let Some(events) = slot.as_mut() else { return Ok(Answer::default()) };
        let outcome = tokio::select! {
            biased;
            () = closed => Ok(None),
            outcome = events.next() => outcome,
        };
        if !matches!(outcome, Ok(Some(_))) {
            *slot = None;
        }
        Ok(match outcome? {
            Some(event) => {
                Answer { json: spelt(event.write(case), case), pictures: event.pictures(), door: None }
            }
            None => Answer::default(),
        })
    }

    /// Ends the request at once.
    fn close(&self) {
        // Whoever waits for an event lets go of the stream; if nobody does, it is let go of here.
        self.closed.notify_waiters();
        if let Ok(mut slot) = self.events.try_lock() {
            *slot = None;
        }
    }
}

impl Door {
    /// Does what `verb` says; `options` are as the caller wrote them, in `case`.
    ///
    /// # Errors
    /// Those of the method that the verb stands for.
    pub async fn call(
        &self,
        verb: &str,
        prompt: Vec<Input>,
        images: Vec<Input>,
        options: &Map<String, Value>,
        case: Case,
    ) -> Result<Answer, Error> {
        let read = || GenerateOptions::read(options, case);
        match (self, verb) {
            (Door::Client(client), "generate") => Ok(answer(client.draw(prompt, read()?, case).await?, case)),
            (Door::Client(client), "edit") => {
                Ok(answer(client.draw(joined(prompt, images)?, read()?, case).await?, case))
            }
            (Door::Client(client), "generate_stream") => {
                Ok(Stream::open(client.stream(Ok(prompt), read()?, case)))
            }
            (Door::Client(client), "edit_stream") => {
                Ok(Stream::open(client.stream(Ok(joined(prompt, images)?), read()?, case)))
            }
            (Door::Client(client), "models") => {
                read()?;
                Ok(Answer { json: json!({ "models": client.models().write(case) }), ..Answer::default() })
            }
            (Door::Client(client), "chat") => Ok(opened(client.chat(read()?)?)),
            (Door::Client(client), "load_chat") => {
                let (path, rest) = apart::<String>(options, "path")?;
                let (client, options) = (client.clone(), GenerateOptions::read(&rest, case)?);
                blocking(move || client.load_chat(path, options).map(opened)).await
            }
            (Door::Chat(chat), "send") => {
                let result = chat.turn(both(prompt, images), read()?, case, Sink::default()).await?;
                Ok(answer(result, case))
            }
            (Door::Chat(chat), "send_stream") => {
                Ok(Stream::open(chat.stream(both(prompt, images), read()?, case)))
            }
            (Door::Chat(chat), "undo") => Ok(plain(json!(chat.undo()))),
            (Door::Chat(chat), "branch") => Ok(opened(chat.branch())),
            (Door::Chat(chat), "add") => {
                let (role, rest) = apart::<String>(options, "role")?;
                GenerateOptions::read(&rest, case)?;
                chat.add(&role, both(prompt, images)).await?;
                Ok(Answer::default())
            }
            (Door::Chat(chat), "history") => {
                let history = chat.history();
                Ok(Answer {
                    json: json!({ "turns": history.write(case) }),
                    pictures: history.into_iter().flat_map(|turn| turn.images).collect(),
                    door: None,
                })
            }
            (Door::Chat(chat), "drop_images") => {
                chat.drop_images(apart::<usize>(options, "keep")?.0);
                Ok(Answer::default())
            }
            (Door::Chat(chat), "save") => {
                let (chat, (path, _)) = (chat.clone(), apart::<String>(options, "path")?);
                blocking(move || chat.save(path)).await.map(|path| plain(json!(path.display().to_string())))
            }
            (Door::Stream(stream), "next") => stream.next(case).await,
            (Door::Stream(stream), "close") => {
                stream.close();
                Ok(Answer::default())
            }
            _ => Err(Error::new(Kind::NanoBananaError, format!("there is no call named {verb:?} here"))),
        }
    }
}

impl Door {
    /// The same with other options of its client; those that are not set stay. A conversation stays
    /// the same one: so a key can be another for each turn.
    ///
    /// # Errors
    /// As [`Client::with_options`].
    pub fn with_options(&self, options: ClientOptions) -> Result<Door, Error> {
        match self {
            Door::Client(client) => client.with_options(options).map(Door::Client),
            Door::Chat(chat) => chat.with_options(options).map(Door::Chat),
            Door::Stream(_) => Err(Error::new(Kind::NanoBananaError, "a stream has no options")),
        }
    }

    /// Lets go at once of what it holds: a stream's request, a client's connections.
    pub fn close(&self) {
        match self {
            Door::Client(client) => client.close(),
            Door::Stream(stream) => stream.close(),
            Door::Chat(_) => {}
        }
    }
}

fn both(mut prompt: Vec<Input>, images: Vec<Input>) -> Vec<Input> {
    prompt.extend(images);
    prompt
}

fn plain(json: Value) -> Answer {
    Answer { json, ..Answer::default() }
}

fn opened(chat: Chat) -> Answer {
    Answer { door: Some(Door::Chat(chat)), ..Answer::default() }
}

fn answer(result: Generation, case: Case) -> Answer {
    let pictures = result.pictures().cloned().collect();
    Answer { json: spelt(result.write(case), case), pictures, door: None }
}

/// The names in a result's warnings as the caller spells them.
fn spelt(mut json: Value, case: Case) -> Value {
    // A done event holds a result, a result holds its warnings itself.
    let record = match json.pointer_mut("/result") {
        Some(result) => result,
        None => &mut json,
    };
    for warning in record.get_mut("warnings").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(text) = warning.as_str() {
            *warning = case.spell(text).into();
        }
    }
    json
}

/// An argument that is no option, and the options without it.
fn apart<T: serde::de::DeserializeOwned>(
    options: &Map<String, Value>,
    name: &str,
) -> Result<(T, Map<String, Value>), Error> {
    let mut rest = options.clone();
    let value = rest.remove(name).unwrap_or_default();
    let value = serde_json::from_value(value).map_err(|_| {
        Error::new(Kind::InvalidOptionError, format!("option `{name}` is missing or of the wrong type"))
            .with("option", name.to_owned())
    })?;
    Ok((value, rest))
}

/// Runs what reads or writes files off the event loop.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let lost = |cause| Error::new(Kind::NanoBananaError, format!("the work was lost: {cause}"));
    tokio::task::spawn_blocking(work).await.map_err(lost)?
}
