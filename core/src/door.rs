//! The bindings' one door.
//!
//! Whatever a binding holds (a client, a conversation, a stream, a run, an emulator) is a door with verbs: names and
//! JSON maps go in, a JSON map and pictures come out, and sometimes another door. A new method of the
//! library is a new verb here, and no new Rust in a binding.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, MutexGuard, PoisonError};

use futures_util::future::join_all;
use serde_json::{Map, Value, json};
use tokio::sync::Notify;

use crate::call::attempt::Sink;
use crate::call::events::ClientEvent;
use crate::chat::Chat;
use crate::client::{Client, Files, joined};
#[cfg(feature = "emulator")]
use crate::emulator::Emulator;
use crate::error::{Error, InvalidOption, Kind};
use crate::http::key::Key;
use crate::image::Image;
use crate::input::{self, Input, MASK};
use crate::many::{Item, Many, Step};
use crate::message::Message;
use crate::options::{
    At, ClientOptions, EditOptions, FileOptions, GenerateOptions, ManyOptions, UploadOptions,
};
#[cfg(feature = "emulator")]
use crate::options::{EmulatorOptions, RecordOptions};
use crate::records::Generation;
use crate::schema::{Case, Write, veiled};
use crate::stream::EventStream;

/// What crosses a binding's border back: a map, and beside it the pictures in the order in which
/// they stand in it.
#[derive(Default)]
pub struct Answer {
    /// The record, without bytes; null where there is nothing to tell, as after a stream's end.
    pub json: Value,
    /// Its pictures.
    pub pictures: Vec<Image>,
    /// What the verb opened.
    pub door: Option<Door>,
    /// What the caller should know of a verb that has no record to say it in, in sentences: a binding
    /// tells it as its language does.
    pub warnings: Vec<Message>,
}

impl fmt::Debug for Answer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        veiled(out, |out| {
            out.debug_struct("Answer")
                .field("json", &self.json)
                .field("pictures", &self.pictures)
                .field("door", &self.door)
                .field("warnings", &self.warnings)
                .finish()
        })
    }
}

/// A client, a conversation, a stream, a run or an emulator, by its verbs.
#[derive(Debug, Clone)]
pub enum Door {
    /// Verbs: `generate`, `edit`, `models`, `estimate`, `explain`, `count_tokens`, `spent`, `describe`; `files`,
    /// `generate_stream`, `edit_stream`, `chat`, `load_chat {path}` and `generate_many {total}`, with the options of
    /// the run and of its calls in one map, open doors.
    Client(Client),
    /// Verbs: `send`, `undo`, `add {role}`, `history`, `drop_images {keep}`, `save {path}`;
    /// `send_stream` and `branch` open doors.
    Chat(Chat),
    /// Verbs: `upload` of the one picture or other file; `get` and `delete` of the file that the one picture names;
    /// `list`.
    Files(Files),
    /// Verbs: `next`, which gives an event, and after the last one null; `close`.
    Stream(Stream),
    /// Verbs: `step {want_item}`, which gives `{"type": "need_item"}`, `{"type": "outcome", "outcome",
    /// "progress"}` or `{"type": "done", "progress"}`; `room`, which tells whether an item is wanted
    /// once there is room for it; `give {id, options}` with prompt and images; `refuse {id, error}` for
    /// an item that could not be read; `end`; `progress {width}`, which gives `{"progress", "line",
    /// "html"}`; `close`, which waits until nothing is under way.
    Many(Many),
    /// Verbs: `url`, `ca_bundle`, `requests`, `script {steps}`, `close`.
    #[cfg(feature = "emulator")]
    Emulator(Emulator),
    /// What needs no client. Verbs: `open_image {path}`; `save {path}`, `convert {format, quality}`
    /// and `resize {width, height}` of one picture; `save_all {path}`, into a folder that is made if
    /// needed; `thumbnails {side}`, which gives `{"failed"}`; `start_emulator` with the options of an emulator, which
    /// opens a door.
    Tools,
}

/// A stream that can be closed from elsewhere while its next event is waited for. Whoever gives up
/// waiting has closed it, too.
#[derive(Clone)]
pub struct Stream(Arc<Inner>);

struct Inner {
    state: std::sync::Mutex<State>,
    /// The process that began to read; 0 before. A forked child has a copy of its connection's file,
    /// and nothing that would wake it.
    reader: AtomicU32,
    /// Held by whoever waits for an event: readers at the same time queue.
    reading: tokio::sync::Mutex<()>,
    closed: Notify,
}

/// Opens the stream of a call, with another key of its client if one is given.
type Open = Box<dyn FnOnce(Option<Key>) -> Result<EventStream, Error> + Send>;

enum State {
    /// Nothing was asked for yet.
    Ready(Open, Option<Key>),
    Open(EventStream),
    /// Its reader holds the events; if the reader goes, so do they.
    Read,
    Ended,
}

impl Stream {
    fn ready(open: impl FnOnce(Option<Key>) -> Result<EventStream, Error> + Send + 'static) -> Answer {
        let state = std::sync::Mutex::new(State::Ready(Box::new(open), None));
        let reading = tokio::sync::Mutex::default();
        let inner = Inner { state, reader: AtomicU32::new(0), reading, closed: Notify::new() };
        Answer { door: Some(Door::Stream(Stream(Arc::new(inner)))), ..Answer::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn next(&self, case: Case) -> Result<Answer, Error> {
        let _ = self.0.reader.compare_exchange(0, std::process::id(), Relaxed, Relaxed);
        if self.0.is_foreign() {
            let problem =
                "this stream was begun by the parent process, which goes on with it; begin one of your own";
            return Err(Error::new(Kind::ConfigError, problem));
        }
        let _reading = self.0.reading.lock().await;
        let closed = self.0.closed.notified();
        let before = std::mem::replace(&mut *self.state(), State::Read);
        let mut events = match before {
            State::Ready(open, key) => open(key)?,
            State::Open(events) => events,
            State::Read | State::Ended => return Ok(Answer::default()),
        };
        let outcome = tokio::select! {
            biased;
            () = closed => Ok(None),
            outcome = events.next() => outcome,
        };
        let Some(event) = outcome? else { return Ok(Answer::default()) };
        let mut state = self.state();
        if matches!(*state, State::Read) {
            *state = State::Open(events);
        }
        Ok(Answer { json: event.write(case), pictures: event.pictures(), ..Answer::default() })
    }

    /// Ends the request at once.
    fn close(&self) {
        if self.0.is_foreign() {
            return;
        }
        let before = std::mem::replace(&mut *self.state(), State::Ended);
        self.0.closed.notify_waiters();
        drop(before);
    }
}

impl Inner {
    /// Whether it is under way in the process from which this one was forked.
    fn is_foreign(&self) -> bool {
        ![0, std::process::id()].contains(&self.reader.load(Relaxed))
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if self.is_foreign() {
            let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
            std::mem::forget(std::mem::replace(state, State::Ended));
        }
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Stream")
    }
}

impl Door {
    /// Does what `verb` says; `options` are as the caller wrote them, in `case`. What queues has its place
    /// when this returns, before anything is waited for.
    ///
    /// # Errors
    /// Those of the method that the verb stands for.
    pub fn call(
        &self,
        verb: &str,
        prompt: Vec<Input>,
        images: Vec<Input>,
        options: Map<String, Value>,
        case: Case,
    ) -> impl Future<Output = Result<Answer, Error>> + Send + use<> {
        let door = self.placed(verb);
        let verb = verb.to_owned();
        // On the heap from the start: bindings hand it on, and each move would copy the state of the largest verb.
        Box::pin(async move { door.answer(&verb, prompt, images, &options, case).await })
    }

    async fn answer(
        &self,
        verb: &str,
        prompt: Vec<Input>,
        images: Vec<Input>,
        options: &Map<String, Value>,
        case: Case,
    ) -> Result<Answer, Error> {
        for option in images.iter().filter_map(Input::option) {
            match verb {
                "edit" | "edit_stream" | "estimate" | "count_tokens" | "explain" | "give" => {}
                _ if option == MASK => return Err(input::no_mask_here(option)),
                "chat" | "load_chat" | "generate_many" => return Err(At::option(option).misplaced()),
                _ => {}
            }
        }
        let read = || {
            let mut of_masks = EditOptions::table().fields.into_iter().map(|field| field.name);
            let is_set = |name: &&str| options.get(&*case.name(name)).is_some_and(|value| !value.is_null());
            match of_masks.find(is_set) {
                Some(name) => Err(input::no_mask_here(name)),
                None => GenerateOptions::read(options, case),
            }
        };
        // What an edit is made from, and how.
        let edited = |inputs: Result<_, Error>| {
            let (told, options) = EditOptions::read_with_calls(options, case)?;
            Ok::<_, Error>((input::told_of_masks(inputs?, told)?, options))
        };
        match (self, verb) {
            (Door::Client(client), "generate") => {
                Ok(answer(client.draw(both(prompt, images), read()?).await?, case))
            }
            (Door::Client(client), "edit") => {
                let (inputs, options) = edited(joined(prompt, images))?;
                Ok(answer(client.draw(inputs, options).await?, case))
            }
            (Door::Client(client), "generate_stream") => {
                let (client, options, inputs) = (client.clone(), read()?, both(prompt, images));
                Ok(Stream::ready(move |key| Ok(keyed(client, key).stream(Ok(inputs), options))))
            }
            (Door::Client(client), "edit_stream") => {
                let (client, (inputs, options)) = (client.clone(), edited(joined(prompt, images))?);
                Ok(Stream::ready(move |key| Ok(keyed(client, key).stream(Ok(inputs), options))))
            }
            (Door::Client(client), "models") => {
                read()?;
                client.ready().await?;
                Ok(Answer { json: json!({ "models": client.models().write(case) }), ..Answer::default() })
            }
            (Door::Client(client), "estimate") => {
                let (inputs, options) = edited(Ok(both(prompt, images)))?;
                client.ready().await?;
                let estimate = client.estimated(&inputs, options)?;
                Ok(plain(estimate.write(case)))
            }
            (Door::Client(client), "count_tokens") => {
                let (inputs, options) = edited(Ok(both(prompt, images)))?;
                let count = client.counted(inputs, options).await?;
                Ok(plain(count.write(case)))
            }
            (Door::Client(client), "files") => {
                Ok(Answer { door: Some(Door::Files(client.files())), ..Answer::default() })
            }
            (Door::Files(files), "upload") => {
                let options = UploadOptions::read(options, case)?;
                Ok(plain(files.upload(only(prompt, images)?, options).await?.write(case)))
            }
            (Door::Files(files), "get") => {
                let options = FileOptions::read(options, case)?;
                Ok(plain(files.get(only(prompt, images)?, options).await?.write(case)))
            }
            (Door::Files(files), "list") => {
                let files = files.list(FileOptions::read(options, case)?).await?;
                Ok(plain(json!({ "files": files.write(case) })))
            }
            (Door::Files(files), "delete") => {
                files.delete(only(prompt, images)?, FileOptions::read(options, case)?).await?;
                Ok(Answer::default())
            }
            (Door::Client(client), "explain") => {
                let (inputs, options) = edited(Ok(both(prompt, images)))?;
                let explained = client.explained(inputs, options).await?;
                Ok(plain(explained.write(case)))
            }
            (Door::Client(client), "spent") => Ok(plain(client.spent().write(case))),
            (Door::Client(client), "describe") => {
                let told = json!({ "options": client.describe(case), "warnings": client.warnings().to_vec().write(case) });
                Ok(plain(told))
            }
            (Door::Client(client), "chat") => Ok(opened(client.chat(read()?)?)),
            (Door::Client(client), "load_chat") => {
                let (path, rest) = path_apart(options)?;
                let (client, options) = (client.clone(), GenerateOptions::read(&rest, case)?);
                blocking(move || client.load_chat(path, options).map(opened)).await
            }
            (Door::Chat(chat), "send") => {
                let result = chat.turn(both(prompt, images), read()?, Sink::default()).await?;
                Ok(answer(result, case))
            }
            (Door::Chat(chat), "send_stream") => {
                let (chat, options) = (chat.clone(), read()?);
                Ok(Stream::ready(move |key| {
                    let chat = key.map_or(chat.clone(), |key| chat.keyed(key));
                    Ok(chat.stream(both(prompt, images), options))
                }))
            }
            (Door::Chat(chat), "undo") => Ok(plain(json!(chat.undo()))),
            (Door::Chat(chat), "branch") => Ok(opened(chat.branch())),
            (Door::Chat(chat), "add") => {
                let (role, rest) = apart::<String>(options, "role")?;
                GenerateOptions::read(&rest, case)?;
                let warnings = chat.add_and_tell(&role, both(prompt, images)).await?;
                Ok(Answer { warnings, ..Answer::default() })
            }
            (Door::Chat(chat), "history") => {
                let history = chat.history();
                Ok(Answer {
                    json: json!({ "turns": history.write(case) }),
                    pictures: history.into_iter().flat_map(|turn| turn.images).collect(),
                    ..Answer::default()
                })
            }
            (Door::Chat(chat), "drop_images") => {
                chat.drop_images(apart::<usize>(options, "keep")?.0);
                Ok(Answer::default())
            }
            (Door::Chat(chat), "save") => {
                let (chat, (path, _)) = (chat.clone(), path_apart(options)?);
                blocking(move || chat.save(path)).await.map(|path| plain(path_json(&path)))
            }
            (Door::Stream(stream), "next") => stream.next(case).await,
            (Door::Stream(stream), "close") => {
                stream.close();
                Ok(Answer::default())
            }
            (Door::Client(client), "generate_many") => {
                let (total, rest) = apart::<Option<u64>>(options, "total")?;
                let (many, calls) = ManyOptions::read_with_calls(&rest, case)?;
                let client = client.clone();
                blocking(move || {
                    let many = client.generate_many(calls, many)?;
                    total.into_iter().for_each(|total| many.expect(total));
                    Ok(Answer { door: Some(Door::Many(many)), ..Answer::default() })
                })
                .await
            }
            (Door::Many(many), "step") => {
                let (want_item, _) = apart::<Option<bool>>(options, case.name("want_item").as_ref())?;
                let progress = || many.progress().write(case);
                Ok(match many.step(want_item.unwrap_or(true)).await? {
                    Step::NeedItem => plain(json!({ "type": "need_item" })),
                    Step::Outcome(outcome) => Answer {
                        pictures: outcome.pictures(),
                        json: json!({
                            "type": "outcome",
                            "outcome": outcome.write(case),
                            "progress": progress(),
                        }),
                        ..Answer::default()
                    },
                    Step::Done => plain(json!({ "type": "done", "progress": progress() })),
                })
            }
            (Door::Many(many), "room") => Ok(plain(json!(many.room().await?))),
            (Door::Many(many), "give") => {
                // What is wrong with one item is no reason to end the others.
                match Item::read(both(prompt, images), options, case) {
                    Ok(item) => many.give(item),
                    Err(error) => {
                        many.refuse(Item::id_in(options), error);
                    }
                }
                Ok(Answer::default())
            }
            (Door::Many(many), "refuse") => {
                let error = match options.get("error").unwrap_or(&Value::Null) {
                    // What is no error of ours.
                    Value::String(problem) => {
                        Error::new(Kind::InvalidOptionError, format!("it cannot be read: {problem}"))
                    }
                    error => Error::from_json(error, case),
                };
                many.refuse(Item::id_in(options), error);
                Ok(Answer::default())
            }
            (Door::Many(many), "end") => {
                many.end();
                Ok(Answer::default())
            }
            (Door::Many(many), "progress") => {
                let width = apart::<Option<usize>>(options, "width")?.0.unwrap_or(80);
                let progress = many.progress();
                let (line, html) = (progress.line(width), progress.html());
                Ok(plain(json!({ "progress": progress.write(case), "line": line, "html": html })))
            }
            (Door::Many(many), "close") => {
                many.closed().await;
                Ok(Answer::default())
            }
            #[cfg(feature = "emulator")]
            (Door::Emulator(emulator), "url") => Ok(plain(json!(emulator.url()))),
            #[cfg(feature = "emulator")]
            (Door::Emulator(emulator), "ca_bundle") => Ok(plain(json!(emulator.ca_bundle()))),
            #[cfg(feature = "emulator")]
            (Door::Emulator(emulator), "requests") => {
                let field = |(name, value): (String, Value)| {
                    let value = match (&*name, value.as_f64()) {
                        ("at" | "took", Some(seconds)) => json!(seconds * case.units_per_second()),
                        _ => value,
                    };
                    (case.name(&name).into_owned(), value)
                };
                let written = |request| match request {
                    Value::Object(fields) => fields.into_iter().map(field).collect(),
                    other => other,
                };
                Ok(plain(emulator.requests().into_iter().map(written).collect()))
            }
            #[cfg(feature = "emulator")]
            (Door::Emulator(emulator), "script") => {
                emulator.script(&apart::<Vec<Value>>(options, "steps")?.0)?;
                Ok(Answer::default())
            }
            #[cfg(feature = "emulator")]
            (Door::Emulator(emulator), "record") => {
                let (emulator, options) = (emulator.clone(), RecordOptions::read(options, case)?);
                blocking(move || emulator.record(options).map(|()| Answer::default())).await
            }
            #[cfg(feature = "emulator")]
            (Door::Emulator(emulator), "close") => {
                let emulator = emulator.clone();
                blocking(move || {
                    emulator.close();
                    Ok(Answer::default())
                })
                .await
            }
            (Door::Tools, "thumbnails") => Ok(thumbnails(held(images), apart(options, "side")?.0).await),
            (Door::Tools, _) => {
                let (verb, images) = (verb.to_owned(), held(images));
                let mark = || {
                    let told = apart::<Option<bool>>(options, &case.name("mark_ai"))?.0;
                    Ok::<_, Error>(told.unwrap_or(true))
                };
                match (verb.as_str(), &*images) {
                    ("convert", [image]) => {
                        let (format, quality) =
                            (apart::<String>(options, "format")?.0, apart(options, "quality")?.0);
                        Ok(made(image.converted_soon(&format, quality, mark()?).await?, image))
                    }
                    ("resize", [image]) => {
                        let (width, height) = (apart(options, "width")?.0, apart(options, "height")?.0);
                        Ok(made(image.resized_soon(width, height, mark()?).await?, image))
                    }
                    _ => {
                        let options = options.clone();
                        blocking(move || tool(&verb, &images, &options, case)).await
                    }
                }
            }
            _ => Err(Error::new(Kind::NanoBananaError, format!("there is no call named {verb:?} here"))),
        }
    }
}

impl Door {
    /// A copy of a client with other options, which is closed independently. Other doors are returned unchanged.
    ///
    /// # Errors
    /// As [`Client::with_options`].
    pub fn with_options(&self, options: ClientOptions) -> Result<Self, Error> {
        match self {
            Door::Client(client) => Ok(Door::Client(client.with_options(options)?)),
            _ => Ok(self.clone()),
        }
    }

    /// The same door with another key for one call. It is closed with the client. A stream that has not begun keeps the
    /// key.
    #[must_use]
    pub fn keyed(&self, key: Key) -> Self {
        match self {
            Door::Client(client) => Door::Client(client.keyed(key)),
            Door::Chat(chat) => Door::Chat(chat.keyed(key)),
            Door::Files(files) => Door::Files(files.keyed(key)),
            Door::Stream(stream) => {
                if let State::Ready(_, known) = &mut *stream.state() {
                    *known = Some(key);
                }
                self.clone()
            }
            Door::Many(many) => Door::Many(many.keyed(key)),
            #[cfg(feature = "emulator")]
            Door::Emulator(_) => self.clone(),
            Door::Tools => self.clone(),
        }
    }

    /// The same door with its place in the queue taken, if this verb queues. For a binding that has to read the inputs
    /// first.
    #[must_use]
    pub fn placed(&self, verb: &str) -> Self {
        match (self, verb) {
            (Door::Chat(chat), "send" | "add") => Door::Chat(chat.in_turn()),
            _ => self.clone(),
        }
    }

    /// The same door for one call whose events go to `watch` and not to the client's own watcher. A stream or a run
    /// that has begun is returned unchanged.
    #[must_use]
    pub fn watched(&self, watch: impl Fn(ClientEvent) + Send + Sync + 'static) -> Self {
        match self {
            Door::Client(client) => Door::Client(client.on_event(watch)),
            Door::Chat(chat) => Door::Chat(chat.on_event(watch)),
            Door::Files(files) => Door::Files(files.on_event(watch)),
            other => other.clone(),
        }
    }

    /// Lets go at once of what it holds: a stream's request, a client's connections.
    pub fn close(&self) {
        match self {
            Door::Client(client) => client.close(),
            Door::Stream(stream) => stream.close(),
            Door::Many(many) => many.close(),
            #[cfg(feature = "emulator")]
            Door::Emulator(emulator) => emulator.close(),
            Door::Chat(_) | Door::Files(_) | Door::Tools => {}
        }
    }
}

/// The answer of a conversion: the new picture, and warnings about losses.
fn made(picture: Image, of: &Image) -> Answer {
    // The warnings of an unchanged picture were given when it was made.
    let warnings = if picture.is(of) { &[] } else { picture.warnings() };
    let warnings = warnings.to_vec();
    Answer { pictures: vec![picture], warnings, ..Answer::default() }
}

/// Verbs that use files and need no client.
fn tool(verb: &str, images: &[Image], options: &Map<String, Value>, case: Case) -> Result<Answer, Error> {
    let path = || path_apart(options).map(|(path, _)| path);
    match (verb, images) {
        ("open_image", []) => Ok(Answer { pictures: vec![Image::open(path()?)?], ..Answer::default() }),
        ("save", [image]) => {
            let (path, warnings) = image.save_and_tell(path()?)?;
            Ok(Answer { warnings, ..plain(path_json(&path)) })
        }
        ("save_all", images) => {
            let paths = Image::save_all(images, path()?)?;
            Ok(plain(paths.iter().map(|path| path_json(path)).collect()))
        }
        #[cfg(feature = "emulator")]
        ("start_emulator", []) => {
            let emulator = Emulator::start_with(EmulatorOptions::read(options, case)?)?;
            Ok(Answer { door: Some(Door::Emulator(emulator)), ..Answer::default() })
        }
        _ => Err(Error::new(
            Kind::NanoBananaError,
            format!("there is no call named {verb:?} of these pictures"),
        )),
    }
}

/// Small pictures for a screen. Of one that cannot be read the list has why instead of null, and there is
/// no picture.
async fn thumbnails(images: Vec<Image>, side: u32) -> Answer {
    let small = join_all(images.iter().map(|image| image.thumbnailed(side))).await;
    let why = |outcome: &Result<Image, Error>| outcome.as_ref().err().map(|error| error.words().to_string());
    let json = json!({ "failed": small.iter().map(why).collect::<Vec<_>>() });
    Answer { json, pictures: small.into_iter().filter_map(Result::ok).collect(), ..Answer::default() }
}

/// The pictures that are held already.
fn held(inputs: Vec<Input>) -> Vec<Image> {
    let image = |input| if let Input::Image(image) = input { Some(image) } else { None };
    inputs.into_iter().filter_map(image).collect()
}

fn keyed(client: Client, key: Option<Key>) -> Client {
    key.map_or(client.clone(), |key| client.keyed(key))
}

fn both(mut prompt: Vec<Input>, images: Vec<Input>) -> Vec<Input> {
    prompt.extend(images);
    prompt
}

/// The one thing that a call is about.
fn only(prompt: Vec<Input>, images: Vec<Input>) -> Result<Input, Error> {
    let mut all = both(prompt, images).into_iter();
    match (all.next(), all.next()) {
        (Some(one), None) => Ok(one),
        (one, _) => {
            let got = if one.is_some() { "several" } else { "none" };
            let problem = format!("this takes one file, and got {got}");
            Err(Error::invalid_option(problem, InvalidOption::of("source")))
        }
    }
}

fn plain(json: Value) -> Answer {
    Answer { json, ..Answer::default() }
}

fn opened(chat: Chat) -> Answer {
    Answer { door: Some(Door::Chat(chat)), ..Answer::default() }
}

fn answer(result: Generation, case: Case) -> Answer {
    let of_errors = result.errors.iter().flat_map(Error::pictures);
    let pictures = result.pictures().cloned().chain(of_errors).collect();
    Answer { json: result.write(case), pictures, ..Answer::default() }
}

/// The field for the bytes of a path that is not valid Unicode.
#[doc(hidden)]
pub const PATH_BYTES: &str = "$path_bytes";

/// A path in the JSON of a binding: a string, or its bytes if it is not valid Unicode.
#[doc(hidden)]
pub fn path_json(path: &Path) -> Value {
    match path.to_str() {
        Some(text) => text.into(),
        None => json!({ PATH_BYTES: path.as_os_str().as_encoded_bytes() }),
    }
}

/// Reads the JSON of [`path_json`]; `None` for other JSON.
#[doc(hidden)]
pub fn path_of_json(value: &Value) -> Option<PathBuf> {
    if let Some(text) = value.as_str() {
        return Some(text.into());
    }
    let bytes: Vec<u8> = serde_json::from_value(value.get(PATH_BYTES)?.clone()).ok()?;
    #[cfg(unix)]
    return Some(<std::ffi::OsString as std::os::unix::ffi::OsStringExt>::from_vec(bytes).into());
    #[cfg(not(unix))]
    return String::from_utf8(bytes).ok().map(PathBuf::from);
}

/// The argument `path`, and the options without it.
fn path_apart(options: &Map<String, Value>) -> Result<(PathBuf, Map<String, Value>), Error> {
    match options.get("path").and_then(path_of_json) {
        Some(path) => Ok((path, apart::<Value>(options, "path")?.1)),
        // This returns the error about its type.
        None => apart::<PathBuf>(options, "path"),
    }
}

/// An argument that is no option, and the options without it.
fn apart<T: serde::de::DeserializeOwned>(
    options: &Map<String, Value>,
    name: &str,
) -> Result<(T, Map<String, Value>), Error> {
    let mut rest = options.clone();
    let value = rest.remove(name).unwrap_or_default();
    let problem = match &value {
        Value::Null => "is missing".to_owned(),
        Value::Number(number) => format!("is {number}; that is not a value of its type and range"),
        _ => "is of the wrong type".to_owned(),
    };
    let value = serde_json::from_value(value)
        .map_err(|_| Error::invalid_option(format!("option `{name}` {problem}"), InvalidOption::of(name)))?;
    Ok((value, rest))
}

/// Does file I/O off the event loop. The work is finished even if the caller gives up.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    crate::blocking::kept(work).await?
}
