//! A conversation: what was said and drawn goes back with every turn.
//!
//! What the model sent is kept and sent back byte for byte, its signatures included; of a picture
//! only the bytes are held, once, however many turns and branches share it. A conversation saves as
//! one JSON file, which any language of this library opens.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::call::attempt::Sink;
use crate::call::events::ClientEvent;
use crate::client::{Client, IntoInputs, alone};
use crate::error::{Error, InvalidOption, Kind};
use crate::http::json::{Cut, Piece, field};
use crate::http::key::Key;
use crate::http::split::{Limits, Splitter};
use crate::image::Image;
use crate::input::{self, Input, Media};
use crate::local;
use crate::message::{Message, counted, message};
use crate::options::GenerateOptions;
use crate::process::PerProcess;
use crate::records::{ChatTurn, Generation};
use crate::save::{self, Durable, Manner};
use crate::schema::{Case, Write};
use crate::secrets;
use crate::service::gemini::reply::Drawn;
use crate::service::gemini::request::{self, Turn};
use crate::stream::EventStream;

mod queue;

use queue::{Head, Place, Queue};

/// The extension of a conversation's file.
const ENDING: &str = ".chat.json";

/// What the service takes as the signature of a part that its model did not make (Gemini API,
/// "Thought signatures").
const DUMMY_SIGNATURE: &str = "skip_thought_signature_validator";

/// The number of this file format; a file with a higher one is from a newer version.
const VERSION: u64 = 1;

/// A conversation with a model. Cheap to clone: clones are the same conversation; see
/// [`Chat::branch`] for another one.
#[derive(Clone)]
pub struct Chat {
    client: Client,
    inner: Arc<Inner>,
    /// The place in the queue that was taken for one call, by [`Chat::in_turn`].
    place: Option<Arc<Mutex<Option<Place>>>>,
}

struct Inner {
    options: GenerateOptions,
    turns: Mutex<Vec<Turn>>,
    /// Serialises the changes of `turns`: the current turn holds its head. A forked child gets a queue of its own: the
    /// parent's current turn never ends in the child.
    sending: PerProcess<Queue>,
}

impl Client {
    /// Begins a conversation. `options` are those of every turn that says nothing else.
    ///
    /// # Errors
    /// [`Kind::InvalidOptionError`] for a value out of range.
    pub fn chat(&self, options: GenerateOptions) -> Result<Chat, Error> {
        options.check()?;
        Ok(Chat::new(self.clone(), alone(options)?, Vec::new()))
    }

    /// Goes on with a conversation that was saved; `options` go before those in the file. Reads the
    /// file at once, which blocks.
    ///
    /// # Errors
    /// [`Kind::InvalidOptionError`] if the file cannot be read, is damaged, is none of ours or is
    /// from a newer version.
    pub fn load_chat(&self, path: impl AsRef<Path>, options: GenerateOptions) -> Result<Chat, Error> {
        options.check()?;
        let (saved, turns) = load(path.as_ref())?;
        Ok(Chat::new(self.clone(), alone(options)?.over(saved), turns))
    }
}

impl Chat {
    fn new(client: Client, options: GenerateOptions, turns: Vec<Turn>) -> Self {
        let sending = PerProcess::new();
        Chat { client, inner: Arc::new(Inner { options, turns: Mutex::new(turns), sending }), place: None }
    }

    /// The same conversation with another key.
    pub(crate) fn keyed(&self, key: Key) -> Self {
        Chat { client: self.client.keyed(key), ..self.clone() }
    }

    /// The same conversation for one call; `watch` gets the events of that call.
    pub(crate) fn on_event(&self, watch: impl Fn(ClientEvent) + Send + Sync + 'static) -> Self {
        Chat { client: self.client.on_event(watch), ..self.clone() }
    }

    /// The same conversation for one call, whose place in the queue is taken here and now: which thread
    /// begins the work first then makes no difference.
    pub(crate) fn in_turn(&self) -> Self {
        if self.place.is_some() {
            return self.clone();
        }
        Chat { place: Some(Arc::new(Mutex::new(Some(self.queue().place())))), ..self.clone() }
    }

    fn queue(&self) -> Arc<Queue> {
        self.inner.sending.get(Queue::default)
    }

    /// Waits until every send before this one has ended.
    async fn head(&self) -> Head {
        let taken =
            self.place.as_ref().and_then(|place| place.lock().unwrap_or_else(PoisonError::into_inner).take());
        match taken {
            Some(place) => place.await,
            None => self.queue().place().await,
        }
    }

    fn turns(&self) -> MutexGuard<'_, Vec<Turn>> {
        self.inner.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says something and waits for the answer. An answer in words only is a result without images.
    ///
    /// A turn that is refused, or that fails, leaves the conversation as it was. A turn to which the
    /// model drew nothing stays, so that "try again, but blue" makes sense. Sends at the same time
    /// queue.
    ///
    /// # Errors
    /// As [`Client::generate`].
    pub async fn send(&self, prompt: impl IntoInputs, options: GenerateOptions) -> Result<Generation, Error> {
        self.turn(prompt.into_inputs(), options, Sink::default()).await
    }

    /// As [`Chat::send`], and hands out what arrives on the way. A stream that is dropped before its
    /// end leaves the conversation as it was.
    pub fn send_stream(&self, prompt: impl IntoInputs, options: GenerateOptions) -> EventStream {
        self.stream(prompt.into_inputs(), options)
    }

    pub(crate) fn stream(&self, inputs: Vec<Input>, options: GenerateOptions) -> EventStream {
        let chat = self.clone();
        EventStream::new(|sink| async move { chat.turn(inputs, options, sink).await })
    }

    pub(crate) async fn turn(
        &self,
        inputs: Vec<Input>,
        options: GenerateOptions,
        sink: Sink,
    ) -> Result<Generation, Error> {
        self.client
            .alive(async move {
                let _head = self.head().await;
                input::check_unmasked(&inputs)?;
                let options = alone(options)?.over(self.inner.options.clone());
                let mut plan = self.client.plan(inputs, options).await?;
                sink.pours_as(&plan.output);
                plan.parts = self.client.in_memory(plan.parts, &plan.options).await?;
                let signs = plan.model.as_ref().is_none_or(|model| model.signatures);
                let history: Vec<Turn> = match signs {
                    true => self.turns().iter().map(signed).collect(),
                    false => self.turns().clone(),
                };
                let said = Turn::new("user", plan.parts.iter().map(request::piece));
                match plan.job(&history, 0, true).run(&sink).await {
                    Ok(Drawn { result, turn, .. }) => {
                        self.turns().extend([said, Turn::new("model", turn)]);
                        Ok(plan.settled(result).await)
                    }
                    Err(error) => {
                        if error.kind() == Kind::NoImageError {
                            self.turns().push(said);
                        }
                        Err(error)
                    }
                }
            })
            .await
    }

    /// Takes back the last thing that was said, and what the model answered. Tells whether there
    /// is something to take back.
    ///
    /// During a send, the change is queued like another send, and the method returns at once: the change takes effect
    /// after the sends before it have ended and before those after it. Until then an unfinished turn counts as one that
    /// can be taken back.
    pub fn undo(&self) -> bool {
        let said = {
            let turns = self.turns();
            let said = turns.iter().filter(|turn| turn.role == "user").count();
            said.max(usize::from(!turns.is_empty()))
        };
        let inner = self.inner.clone();
        let act = move || {
            let mut turns = inner.turns.lock().unwrap_or_else(PoisonError::into_inner);
            let last = turns.iter().rposition(|turn| turn.role == "user");
            turns.truncate(last.unwrap_or(0));
        };
        self.queue().change(said, true, act) > 0
    }

    /// Another conversation that has said the same so far. Pictures are shared, not copied.
    ///
    /// During a send, the branch starts after that send. Sends to the branch wait until then, and its history is the
    /// current one until then.
    pub fn branch(&self) -> Chat {
        let branch = Chat::new(self.client.clone(), self.inner.options.clone(), self.turns().clone());
        let (from, to) = (self.inner.clone(), branch.inner.clone());
        // The branch is new, so this place is the head of its queue.
        let place = branch.queue().place();
        let act = move || {
            *to.turns.lock().unwrap_or_else(PoisonError::into_inner) =
                from.turns.lock().unwrap_or_else(PoisonError::into_inner).clone();
            drop(place);
        };
        self.queue().change(0, false, act);
        branch
    }

    /// Puts a turn into the history that was not said here: words and pictures of the user, or with
    /// the role "model" such as the model might have made; those get the signature that the service
    /// takes for parts that its model did not make.
    ///
    /// # Errors
    /// [`Kind::InvalidOptionError`] for another role, [`Kind::ImageError`] for a bad picture.
    pub async fn add(&self, role: &str, parts: impl IntoInputs) -> Result<(), Error> {
        self.add_and_tell(role, parts).await.map(|_| ())
    }

    /// As [`Chat::add`], and tells what pictures lost on the way, in sentences.
    ///
    /// # Errors
    /// As [`Chat::add`].
    #[doc(hidden)]
    pub async fn add_and_tell(&self, role: &str, parts: impl IntoInputs) -> Result<Vec<Message>, Error> {
        if !matches!(role, "user" | "model") {
            let problem = format!("option `role` is {role:?}; allowed are `user`, `model`");
            let detail = InvalidOption::of("role").allowed(["user", "model"]);
            return Err(Error::invalid_option(problem, detail));
        }
        let inputs = parts.into_inputs();
        if inputs.is_empty() {
            return Err(Error::invalid_option(
                "there is nothing to add; give words or pictures",
                InvalidOption::of("prompt"),
            ));
        }
        input::check_unmasked(&inputs)?;
        let _head = self.head().await;
        let (parts, warnings) = self.client.parts(inputs, &self.inner.options).await?;
        let parts = self.client.in_memory(parts, &self.inner.options).await?;
        self.turns().push(Turn::new(role, parts.iter().map(request::piece)));
        Ok(warnings)
    }

    /// Leaves all pictures but the last `keep` out of every later request, and lets go of them. In
    /// their place stands a sentence that says so. Drafts do not count; older ones go too.
    ///
    /// During a send, the change takes effect after it, as with [`Chat::undo`].
    pub fn drop_images(&self, keep: usize) {
        let inner = self.inner.clone();
        self.queue().change(0, false, move || inner.drop_images(keep));
    }

    /// The finished turns. An unfinished turn is not included.
    pub fn history(&self) -> Vec<ChatTurn> {
        self.turns().iter().map(told).collect()
    }

    /// Writes the conversation to a file of this name, and returns the path. An extension is added if there is none. An
    /// existing file is replaced as by [`Image::save`]. The file contains neither the key nor headers. Blocks.
    ///
    /// # Errors
    /// [`Kind::InvalidOptionError`] if the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<PathBuf, Error> {
        let path = Self::file(path.as_ref());
        let turns = self.turns().clone();
        save::replace(&path, Manner::durable(Durable::Contents), |out| self.write(out, &turns))
            .map_err(|cause| bad_file(&path, format!("cannot be written: {cause}")).because(cause))?;
        Ok(path)
    }

    /// The path of the file that [`Chat::save`] writes for this name.
    #[doc(hidden)]
    pub fn file(path: &Path) -> PathBuf {
        let mut path = path.to_path_buf();
        if path.extension().is_none() && !save::is_special(&path) {
            path.as_mut_os_string().push(ENDING);
        }
        path
    }

    /// Checks that a conversation can be saved in this file.
    ///
    /// # Errors
    /// [`Kind::InvalidOptionError`] if not.
    #[doc(hidden)]
    pub fn check_file(path: &Path) -> Result<(), Error> {
        save::check(path)
            .map_err(|cause| bad_file(path, format!("cannot be written: {cause}")).because(cause))
    }

    /// Saves the conversation in a folder under the first free name with this stem, and returns the path.
    ///
    /// # Errors
    /// As [`Chat::save`].
    #[doc(hidden)]
    pub fn claim(&self, folder: &Path, stem: &str) -> Result<PathBuf, Error> {
        let turns = self.turns().clone();
        let names = save::numbered(stem).map(|stem| format!("{stem}{ENDING}"));
        save::claim(folder, names, Manner::durable(Durable::Contents), |out| self.write(out, &turns))
            .map(|name| folder.join(name))
            .map_err(|cause| bad_file(folder, format!("cannot be written: {cause}")).because(cause))
    }

    fn write(&self, out: &mut save::Output, turns: &[Turn]) -> std::io::Result<()> {
        let mut options = self.inner.options.write(Case::Snake);
        if let Some(options) = options.as_object_mut() {
            options.retain(|name, _| !secrets::is_option(name));
        }
        let mut out = BufWriter::new(out);
        write!(out, "{{\"nanobanana_chat\":{VERSION},\"options\":{options},\"turns\":[")?;
        for (place, turn) in turns.iter().enumerate() {
            let comma = if place > 0 { "," } else { "" };
            write!(out, "{comma}\n{{\"role\":{},\"parts\":[", json!(turn.role))?;
            for (place, piece) in turn.pieces.iter().enumerate() {
                write!(out, "{}{}", if place > 0 { ",\n" } else { "" }, piece.before)?;
                for block in piece.picture.iter().flat_map(|picture| picture.chunks(3 << 16)) {
                    out.write_all(base64::engine::general_purpose::STANDARD.encode(block).as_bytes())?;
                }
                out.write_all(piece.after.as_bytes())?;
            }
            out.write_all(b"]}")?;
        }
        out.write_all(b"\n]}\n")?;
        out.flush()
    }
}

impl Inner {
    fn drop_images(&self, keep: usize) {
        let mut left = keep;
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        for turn in turns.iter_mut().rev() {
            if !turn.pieces.iter().any(is_picture) {
                continue;
            }
            let finals = finals(turn);
            let mut kept: Vec<Piece> = Vec::with_capacity(turn.pieces.len());
            for (place, piece) in turn.pieces.iter().enumerate().rev() {
                let is_final = finals.contains(&place);
                if !is_picture(piece) || left > 0 {
                    left -= usize::from(is_final);
                    kept.push(piece.clone());
                } else if is_final {
                    kept.push(text_piece("(An earlier picture is left out here.)"));
                }
            }
            kept.reverse();
            turn.pieces = kept.into();
        }
    }
}

impl fmt::Debug for Chat {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Chat({})", counted(self.turns().len(), "turn", "turns"))
    }
}

fn text_piece(text: &str) -> Piece {
    Piece { before: json!({ "text": text }).to_string(), ..Piece::default() }
}

fn is_thought(part: &Value) -> bool {
    part.get("thought").and_then(Value::as_bool).unwrap_or(false)
}

/// Whether it holds a picture's bytes, and not those of something that was attached.
fn is_picture(piece: &Piece) -> bool {
    piece.picture.is_some() && Media::of_part(&piece.value("")) == Some(Media::Picture)
}

/// Which pieces of a turn are its pictures. As in a result, a draft is one only if there is no other.
fn finals(turn: &Turn) -> Vec<usize> {
    let pictures = turn.pieces.iter().enumerate().filter(|(_, piece)| is_picture(piece));
    let (drafts, mut finals): (Vec<usize>, Vec<usize>) = pictures
        .map(|(place, _)| place)
        .partition(|place| turn.pieces.get(*place).is_some_and(|piece| is_thought(&piece.value(""))));
    if finals.is_empty() {
        finals.extend(drafts.last());
    }
    finals
}

/// A model's turn as the models with signatures want it back: its first part that is no thought and
/// each of its pictures have one.
fn signed(turn: &Turn) -> Turn {
    if turn.role != "model" {
        return turn.clone();
    }
    let mut first = true;
    let mut changed = false;
    let pieces = turn.pieces.iter().map(|piece| {
        let part = piece.value("");
        if is_thought(&part) {
            return piece.clone();
        }
        let wanted = std::mem::replace(&mut first, false) || piece.picture.is_some();
        if !wanted || field(&part, "thoughtSignature", "thought_signature").is_some() {
            return piece.clone();
        }
        changed = true;
        let mut piece = piece.clone();
        let end = if piece.picture.is_some() { &mut piece.after } else { &mut piece.before };
        if let Some(open) = end.trim_end().strip_suffix('}') {
            *end = format!("{open},\"thoughtSignature\":\"{DUMMY_SIGNATURE}\"}}");
        }
        piece
    });
    let pieces: Vec<Piece> = pieces.collect();
    if changed { Turn::new(&turn.role, pieces) } else { turn.clone() }
}

/// A turn as a record.
fn told(turn: &Turn) -> ChatTurn {
    let mut told = ChatTurn { role: turn.role.clone(), ..ChatTurn::default() };
    let finals = finals(turn);
    for (place, piece) in turn.pieces.iter().enumerate() {
        let part = piece.value("");
        if is_thought(&part) && !finals.contains(&place) {
            continue;
        }
        if let Some(text) = part.get("text").and_then(Value::as_str) {
            told.text.push_str(text);
        }
        if let Some(bytes) = &piece.picture {
            let said = field(&part, "inlineData", "inline_data");
            let said = said.and_then(|data| field(data, "mimeType", "mime_type")).and_then(Value::as_str);
            let said = said.unwrap_or_default();
            match is_picture(piece) {
                true => {
                    let image = Image::restore(bytes.clone(), said, None);
                    told.images.push(if turn.role == "model" { image.drawn() } else { image });
                }
                false => told.files.push(format!("{said}, {}", counted(bytes.len(), "byte", "bytes"))),
            }
        }
        let file = field(&part, "fileData", "file_data");
        if let Some(uri) = file.and_then(|file| field(file, "fileUri", "file_uri")).and_then(Value::as_str) {
            told.files.push(uri.to_owned());
        }
    }
    told
}

fn bad_file(path: &Path, problem: impl Into<Message>) -> Error {
    let file = path.display();
    Error::invalid_option(message!("the chat file {file} {}", problem.into()), InvalidOption::of("path"))
}

/// Reads a saved conversation: its options and turns.
fn load(path: &Path) -> Result<(GenerateOptions, Vec<Turn>), Error> {
    let bad = |problem: Message| bad_file(path, problem);
    let bytes = local::read(path).map_err(|cause| bad(message!("cannot be read: {cause}")).because(cause))?;
    let cut = cut(&bytes).map_err(|error| bad(message!("is damaged: {}", error.words())))?;
    drop(bytes);
    let damaged = |what: &str| bad(message!("is damaged: {what}"));
    let fields: BTreeMap<String, &RawValue> =
        serde_json::from_str(&cut.text).map_err(|_| bad("is no conversation that was saved here".into()))?;
    let field = |name: &str| fields.get(name).map(|raw| raw.get());
    let version = field("nanobanana_chat")
        .ok_or_else(|| bad("is no conversation that was saved here: it lacks `nanobanana_chat`".into()))?;
    match version.parse::<u64>() {
        Ok(VERSION) => {}
        Ok(newer) if newer > VERSION => {
            return Err(bad(message!(
                "is from a newer version (format {newer}, this one reads {VERSION}); update nanobanana"
            )));
        }
        _ => return Err(damaged("its format has no number")),
    }
    let options: Map<String, Value> = field("options")
        .and_then(|text| serde_json::from_str(text).ok())
        .ok_or_else(|| damaged("it has no options"))?;
    let options = GenerateOptions::read(&options, Case::Snake)
        .map_err(|error| bad(message!("is damaged: {}", error.words())))?;
    let turns: Vec<BTreeMap<String, &RawValue>> = field("turns")
        .and_then(|text| serde_json::from_str(text).ok())
        .ok_or_else(|| damaged("it has no turns"))?;
    let turns = turns.into_iter().map(|turn| {
        let role = turn.get("role").and_then(|role| serde_json::from_str::<String>(role.get()).ok());
        let role = role.filter(|role| matches!(role.as_str(), "user" | "model"))?;
        Some(Turn::new(&role, cut.pieces(turn.get("parts")?.get())?))
    });
    let turns = turns.collect::<Option<Vec<_>>>().ok_or_else(|| damaged("a turn has no role or no parts"))?;
    Ok((options, turns))
}

/// The file's JSON with its pictures decoded.
fn cut(bytes: &[u8]) -> Result<Cut, Error> {
    let limits = Limits { pictures: 10_000, total: u64::MAX, text: 1 << 28, ..Limits::default() };
    let mut splitter = Splitter::new(limits, Some(bytes.len() as u64));
    let mut first = None;
    let mut rest = bytes;
    while !rest.is_empty() {
        let eaten = splitter.feed(rest)?;
        rest = rest.get(eaten..).unwrap_or_default();
        first = first.or(splitter.take());
    }
    let last = splitter.finish()?;
    Ok(first.or(last).unwrap_or_default())
}
