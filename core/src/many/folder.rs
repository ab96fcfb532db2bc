//! The folder of a run: pictures that are written whole and over nothing, each item's note beside
//! them, and the way back from a note to a result.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::blocking::Lost;
use crate::codec::Format;
use crate::digest::{Digest, Sum};
use crate::error::{Error, Kind, Usage};
use crate::image::Image;
use crate::message::{Message, counted, message};
use crate::picture::refuge;
use crate::records::{Generation, Grounding, MaskedEdit, Source, Span, Thoughts};
use crate::save::make_folder;
use crate::save::{self, Durable, Manner, numbered};
use crate::schema::{Case, Write as _};

/// The number of the notes' format; one with a higher number is from a newer version.
const VERSION: u64 = 1;

/// The format of a note of one of several calls. Another number, since version 0.1.0 would read it as the note of the
/// whole item.
const PART_VERSION: u64 = 2;

/// A file in the making that is older belongs to a run that was killed.
const ABANDONED: Duration = Duration::from_secs(3600);

/// The folder of a run's pictures, and the files that no outcome has named yet.
#[derive(Debug)]
pub(super) struct Folder(PathBuf, Mutex<Vec<PathBuf>>);

/// A picture that was written.
#[derive(Debug, Clone)]
pub(super) struct Saved {
    /// The number of the item's call that it came from.
    call: u32,
    name: String,
    sha256: String,
    image: Image,
    /// Of an edit with a mask: the model's own picture, and what became of it.
    model: Option<Box<(Saved, MaskedEdit)>>,
}

impl Saved {
    /// What a note says of it.
    fn described(&self) -> Value {
        let mut told = json!({
            "name": self.name, "call": self.call, "sha256": self.sha256, "mime_type": self.image.mime_type(),
            "width": self.image.width(), "height": self.image.height(), "bytes": self.image.len(),
        });
        if let (Some(model), Some(told)) = (&self.model, told.as_object_mut()) {
            let (saved, MaskedEdit { leak, shift, scale, .. }) = &**model;
            let masked =
                json!({ "model_image": saved.described(), "leak": leak, "shift": shift, "scale": scale });
            told.insert("masked".to_owned(), masked);
        }
        told
    }
}

/// What goes wrong with the disk in the middle of a run.
pub(super) fn broken(what: &Path, cause: io::Error) -> Error {
    Error::new(
        Kind::NanoBananaError,
        format!(
            "cannot write {}: {cause}. The run stopped; what was done is kept, and with a journal it goes on \
             from here once the disk takes files again",
            what.display()
        ),
    )
    .because(cause)
}

impl Folder {
    /// The folder, made if it is missing, and found to take files.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let cannot = |what: &str, cause: io::Error| {
            Error::new(Kind::ConfigError, format!("cannot {what} the folder {}: {cause}", path.display()))
                .because(cause)
        };
        make_folder(path, false).map_err(|cause| cannot("make", cause))?;
        let folder = Folder(path.to_owned(), Mutex::default());
        folder.sweep();
        save::check_folder(path).map_err(|cause| cannot("write into", cause))?;
        Ok(folder)
    }

    /// Removes what runs that were killed have left unfinished.
    fn sweep(&self) {
        // The temporary files of version 0.1.0 have other names.
        let was_part = |name: &str| {
            (name.starts_with(".new.") || name.starts_with(".probe.")) && name.ends_with(".part")
        };
        for entry in fs::read_dir(&self.0).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if !save::is_part(&name) && !was_part(&name) {
                continue;
            }
            let written = entry.metadata().and_then(|metadata| metadata.modified());
            if written.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > ABANDONED)) {
                // What cannot be removed is only in the way.
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    fn known(&self) -> MutexGuard<'_, Vec<PathBuf>> {
        self.1.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records that an outcome names these files.
    pub fn named(&self, files: &[String]) {
        self.known().retain(|known| !files.iter().any(|file| Path::new(file) == known));
    }

    /// The files that no outcome has named.
    pub fn unnamed(&self) -> Vec<PathBuf> {
        self.known().clone()
    }

    /// Writes a file atomically under the first free name. Its contents are synced; the folder entry is synced by
    /// [`Folder::sync`].
    fn publish(&self, names: impl Iterator<Item = String>, bytes: &[u8]) -> io::Result<String> {
        // Losing a picture costs more than the milliseconds of this sync.
        save::claim(&self.0, names, Manner::durable(Durable::Contents), |out| out.write_all(bytes))
    }

    /// Syncs the folder entries of the files that were written.
    fn sync(&self) -> io::Result<()> {
        save::sync_folder(&self.0)
    }

    /// The notes in a folder, in no order.
    pub fn notes(folder: &Path) -> io::Result<impl Iterator<Item = PathBuf> + use<>> {
        let is_note = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "json");
        Ok(fs::read_dir(folder)?.filter_map(|entry| Some(entry.ok()?.path())).filter(is_note))
    }
}

/// An item's id, or its number, as the start of file names.
pub(super) fn stem(id: Option<&str>, index: u64) -> String {
    let id = id.unwrap_or_default();
    let safe = |letter: char| if letter.is_alphanumeric() || "-_. ".contains(letter) { letter } else { '_' };
    let mut stem = String::new();
    for letter in id.chars().map(safe) {
        if stem.len() + letter.len_utf8() > 100 {
            break;
        }
        stem.push(letter);
    }
    let stem = stem.trim_matches(['.', ' ']);
    if stem.is_empty() {
        return format!("{index:05}");
    }
    // What Windows keeps for its devices, whatever the extension.
    let device = stem.split('.').next().unwrap_or_default().to_uppercase();
    let reserved = matches!(device.as_str(), "CON" | "PRN" | "AUX" | "NUL")
        || ["COM", "LPT"].iter().any(|port| {
            device.strip_prefix(port).is_some_and(|rest| matches!(rest.as_bytes(), [b'0'..=b'9']))
        });
    if reserved { format!("_{stem}") } else { stem.to_owned() }
}

fn extension(bytes: &[u8]) -> &'static str {
    Format::sniff(bytes).map_or("bin", Format::extension)
}

/// One item's files, written as they land.
#[derive(Debug)]
pub(super) struct Shelf {
    folder: Arc<Folder>,
    stem: String,
    /// Whether the item is of several calls; then each call's pictures have its number.
    several: bool,
    /// Whether pictures are written before the note is.
    early: bool,
    /// The item's fields in the notes of single calls. Set with a journal, which continues an item that was
    /// interrupted.
    of_item: Option<Map<String, Value>>,
    state: Mutex<Shelved>,
}

#[derive(Debug, Default)]
struct Shelved {
    /// The stem that was free.
    stem: Option<String>,
    files: Vec<Saved>,
    /// The notes of single calls. The item's own note replaces them.
    parts: Vec<PathBuf>,
    /// Pictures that could not be written into the folder.
    unsaved: Vec<Image>,
    /// The same of the model's own pictures of edits with a mask.
    unsaved_models: Vec<Image>,
    trouble: Option<Error>,
}

/// The reason why a result of an earlier run is not used.
#[derive(Debug)]
pub(super) struct Missing {
    pub why: String,
    /// True if the file may exist but cannot be read now. Such an item is not paid for again.
    pub is_unreadable: bool,
}

impl Missing {
    /// For a file that the system did not read.
    fn read(path: &Path, cause: &io::Error) -> Self {
        let shown = path.display();
        match cause.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => format!("{shown} is gone").into(),
            _ => Missing { why: format!("{shown} cannot be read: {cause}"), is_unreadable: true },
        }
    }
}

impl From<String> for Missing {
    fn from(why: String) -> Self {
        Missing { why, is_unreadable: false }
    }
}

impl From<&str> for Missing {
    fn from(why: &str) -> Self {
        why.to_owned().into()
    }
}

/// The files that earlier runs wrote for an item that was interrupted.
#[derive(Default)]
pub(super) struct Kept {
    stem: Option<String>,
    files: Vec<Saved>,
    parts: Vec<PathBuf>,
    /// The result of each call whose pictures all exist.
    pub results: BTreeMap<u32, Generation>,
    /// Sentences about files that are missing.
    pub lost: Vec<Message>,
    /// The first file that cannot be read now.
    pub unreadable: Option<String>,
}

impl Kept {
    /// For notes whose reading was refused.
    pub fn unread(lost: &Lost) -> Self {
        Kept { unreadable: Some(lost.to_string()), ..Kept::default() }
    }

    /// Reads the notes of single calls. A note with another key or digest is skipped. Blocks.
    pub fn of_parts(notes: Vec<PathBuf>, key: &str, digest: &str) -> Self {
        let mut kept = Kept::default();
        for path in notes {
            match Note::read(&path).and_then(|note| note.of(key, Some(digest))) {
                Ok(note) => {
                    kept.add(&note);
                    kept.parts.push(path);
                }
                Err(missing) if missing.is_unreadable => {
                    kept.unreadable.get_or_insert(missing.why);
                }
                Err(_) => {}
            }
        }
        kept
    }

    /// Adds the calls of a note whose pictures all exist.
    pub fn add(&mut self, note: &Note) {
        let calls: BTreeSet<u32> =
            note.listed().iter().filter_map(|file| file.get("call")?.as_u64()?.try_into().ok()).collect();
        for call in calls {
            match note.call(call) {
                Ok((result, files)) if !self.results.contains_key(&call) => {
                    self.stem.get_or_insert_with(|| note.stem());
                    self.results.insert(call, result);
                    self.files.extend(files);
                }
                Ok(_) => {}
                Err(missing) if missing.is_unreadable => {
                    self.unreadable.get_or_insert(missing.why);
                }
                Err(missing) => self.lost.push(missing.why.into()),
            }
        }
    }
}

/// What became of an item's files.
#[derive(Debug, Default)]
pub(super) struct Stored {
    pub files: Vec<String>,
    /// The note's name; none if it could not be written.
    pub note: Option<String>,
    pub trouble: Option<Error>,
}

impl Shelf {
    /// `of_item` is the item's fields for the notes of single calls, if such notes are to be written.
    pub fn new(
        folder: Arc<Folder>,
        stem: String,
        several: bool,
        early: bool,
        of_item: Option<Map<String, Value>>,
        kept: Kept,
    ) -> Self {
        let Kept { stem: free, files, parts, .. } = kept;
        let state = Shelved { stem: free, files, parts, ..Shelved::default() };
        let of_item = of_item.filter(|_| several);
        Shelf { folder, stem, several, early, of_item, state: Mutex::new(state) }
    }

    pub fn is_early(&self) -> bool {
        self.early
    }

    /// Writes the pictures of one of the item's `n` calls. For an edit with a mask it also writes the model's own
    /// pictures, which are what was paid for. Each of several calls gets a note of its own until the item's note
    /// exists. Blocks.
    pub fn put(&self, call: u32, result: &Generation) {
        let (images, masked) = (&result.images, &result.masked);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let first = state.files.len();
        for (place, image) in images.iter().enumerate() {
            let mut number = String::new();
            if self.several {
                number.push_str(&format!("-{}", call + 1));
            }
            if images.len() > 1 {
                number.push_str(&format!("-{}", place + 1));
            }
            match self.write(state.stem.as_deref(), call, &number, image) {
                Ok((stem, mut saved)) => {
                    let model = masked.get(place);
                    if let Some(edit) = model.filter(|edit| edit.model_image.is(image)) {
                        saved.model = Some(Box::new((saved.clone(), edit.clone())));
                    } else if let Some(edit) = model {
                        match self.write(Some(&stem), call, &format!("{number}-model"), &edit.model_image) {
                            Ok((_, model)) => saved.model = Some(Box::new((model, edit.clone()))),
                            Err(trouble) => {
                                state.unsaved_models.push(edit.model_image.clone());
                                state.trouble.get_or_insert(trouble);
                            }
                        }
                    }
                    state.stem.get_or_insert(stem);
                    self.folder.known().push(self.folder.0.join(&saved.name));
                    state.files.push(saved);
                }
                Err(trouble) => {
                    state.unsaved.push(image.clone());
                    let model = masked.get(place).filter(|edit| !edit.model_image.is(image));
                    state.unsaved_models.extend(model.map(|edit| edit.model_image.clone()));
                    state.trouble.get_or_insert(trouble);
                }
            }
        }
        let Some(of_item) = self.of_item.as_ref().filter(|_| state.trouble.is_none()) else { return };
        let mut note = describe(result);
        note.extend(of_item.clone());
        let stem = state.stem.clone().unwrap_or_else(|| self.stem.clone());
        let files = state.files.get(first..).unwrap_or_default().iter().map(Saved::described).collect();
        for (name, value) in
            [("nanobanana_note", json!(PART_VERSION)), ("stem", json!(stem)), ("files", files)]
        {
            note.insert(name.to_owned(), value);
        }
        let text = format!("{:#}\n", Value::Object(note));
        // A hidden name, since the file exists for a short time only.
        let hidden = format!(".{stem}-{}", call + 1);
        let names = numbered(&hidden).map(|stem| format!("{stem}.call.json"));
        let path = self.folder.0.join(format!("{stem}.json"));
        match self.folder.publish(names, text.as_bytes()).and_then(|name| self.folder.sync().map(|()| name)) {
            Ok(name) => state.parts.push(self.folder.0.join(name)),
            Err(cause) => {
                state.trouble.get_or_insert(broken(&path, cause));
            }
        }
    }

    /// The item's first picture finds a stem that is free; the others stay with it.
    fn write(
        &self,
        stem: Option<&str>,
        call: u32,
        number: &str,
        image: &Image,
    ) -> Result<(String, Saved), Error> {
        let bytes = image.bytes()?;
        let extension = extension(bytes);
        let file = |stem: &str| format!("{stem}{number}.{extension}");
        let free = |stem: &String| !self.folder.0.join(format!("{stem}.json")).exists();
        let name = match stem {
            None => self.folder.publish(numbered(&self.stem).filter(free).map(|stem| file(&stem)), bytes),
            Some(stem) => {
                let stem = format!("{stem}{number}");
                self.folder.publish(numbered(&stem).map(|stem| format!("{stem}.{extension}")), bytes)
            }
        };
        let name = name.map_err(|cause| broken(&self.folder.0.join(file(&self.stem)), cause))?;
        let own = stem.map(str::to_owned).unwrap_or_else(|| {
            name.strip_suffix(&format!("{number}.{extension}")).unwrap_or(&self.stem).to_owned()
        });
        Ok((
            own,
            Saved {
                call,
                name,
                sha256: Digest::of([&bytes[..]]).to_string(),
                image: image.clone(),
                model: None,
            },
        ))
    }

    /// Writes the note if all of the item's pictures were written, and syncs the folder entries. Blocks.
    pub fn close(&self, mut note: Map<String, Value>) -> Stored {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.files.sort_by_key(|saved| saved.call);
        let shown = |saved: &Saved| self.folder.0.join(&saved.name).display().to_string();
        let mut stored = Stored {
            files: state.files.iter().map(shown).collect(),
            note: None,
            trouble: state.trouble.take(),
        };
        let unsaved = std::mem::take(&mut state.unsaved).into_iter().map(|picture| (picture, false));
        let models = std::mem::take(&mut state.unsaved_models).into_iter().map(|picture| (picture, true));
        for (picture, is_model) in unsaved.chain(models) {
            let outcome = refuge::keep(&picture, None);
            let told = match &outcome {
                Ok(path) if is_model => format!("The model's own picture is in {}", path.display()),
                Ok(path) => format!("The picture is in {}", path.display()),
                Err(why) => why.clone(),
            };
            if let (Ok(path), false) = (outcome, is_model) {
                stored.files.push(path.display().to_string());
                self.folder.known().push(path);
            }
            stored.trouble = stored.trouble.take().map(|trouble| {
                let message = message!("{}. {told}", trouble.words());
                trouble.reworded(message)
            });
        }
        if stored.trouble.is_some() {
            return stored;
        }
        note.insert("files".to_owned(), state.files.iter().map(Saved::described).collect());
        let stem = state.stem.as_deref().unwrap_or(&self.stem);
        let text = format!("{:#}\n", Value::Object(note));
        let names = numbered(stem).map(|stem| format!("{stem}.json"));
        match self.folder.publish(names, text.as_bytes()).and_then(|name| self.folder.sync().map(|()| name)) {
            Ok(name) => {
                stored.note = Some(name);
                for part in state.parts.drain(..) {
                    // A remaining one is removed when the journal is opened again.
                    let _ = fs::remove_file(part);
                }
            }
            Err(cause) => stored.trouble = Some(broken(&self.folder.0.join(format!("{stem}.json")), cause)),
        }
        stored
    }
}

/// The field of a note with the names in its warnings, if there are some.
const WARNING_NAMES: &str = "warning_names";

/// What a note says of a result, its pictures left out.
pub(super) fn describe(result: &Generation) -> Map<String, Value> {
    let mut note = Map::new();
    note.insert("nanobanana_note".to_owned(), VERSION.into());
    for (name, value) in [
        ("model", json!(result.model)),
        ("usage", result.usage.write(Case::Snake)),
        ("cost", json!(result.cost)),
        ("text", json!(result.text)),
        ("thoughts", json!(result.thoughts.text)),
        ("finish_reason", json!(result.finish_reason)),
        ("response_id", json!(result.response_id)),
        ("grounding", result.grounding.write(Case::Snake)),
        ("warnings", result.warnings.write(Case::Snake)),
        ("errors", result.errors.iter().map(Error::to_saved_json).collect()),
    ] {
        note.insert(name.to_owned(), value);
    }
    // A program in another language writes them in its own way.
    let names: Vec<Value> = result.warnings.iter().map(Message::saved_names).collect();
    if names.iter().any(|names| !names.is_null()) {
        note.insert(WARNING_NAMES.to_owned(), names.into());
    }
    note
}

/// A note that was read.
pub(super) struct Note {
    folder: PathBuf,
    /// The file's name without its extension.
    name: String,
    json: Value,
}

/// One picture that a note names.
struct Named<'a> {
    path: PathBuf,
    call: u32,
    sha256: &'a str,
    mime_type: &'a str,
    size: (u32, u32),
    bytes: u64,
}

/// The SHA-256 of a file.
fn sum_of(path: &Path) -> io::Result<Digest> {
    let mut file = fs::File::open(path)?;
    let (mut sum, mut block) = (Sum::default(), vec![0; 1 << 18]);
    loop {
        match file.read(&mut block)? {
            0 => return Ok(sum.end()),
            read => sum.add(block.get(..read).unwrap_or_default()),
        }
    }
}

impl Named<'_> {
    /// The picture, with its bytes left on disk; or the reason why it is missing. The whole file is read to check its
    /// SHA-256, since it may be truncated or another file.
    fn open(&self) -> Result<Image, Missing> {
        let shown = self.path.display();
        let unread = |cause: io::Error| Missing::read(&self.path, &cause);
        let metadata = fs::metadata(&self.path).map_err(unread)?;
        if metadata.len() != self.bytes {
            let (now, then) = (counted(metadata.len(), "byte", "bytes"), self.bytes);
            return Err(format!("{shown} is another file now: it has {now} and had {then}").into());
        }
        if sum_of(&self.path).map_err(unread)?.to_string() != self.sha256 {
            return Err(format!("{shown} is another file now: its SHA-256 is not that of its note").into());
        }
        let (width, height) = self.size;
        Ok(Image::on_disk(&self.path, self.mime_type, width, height, self.bytes).drawn())
    }

    /// The picture as an entry of a note.
    fn saved(&self, image: Image) -> Saved {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Saved { call: self.call, name, sha256: self.sha256.to_owned(), image, model: None }
    }
}

impl Note {
    /// Reads one; the error says in a few words why there is none. Blocks.
    pub fn read(path: &Path) -> Result<Self, Missing> {
        let name = path.display();
        let text = fs::read(path).map_err(|cause| Missing::read(path, &cause))?;
        let json: Value = serde_json::from_slice(&text).map_err(|_| format!("{name} is damaged"))?;
        match json.get("nanobanana_note").and_then(Value::as_u64) {
            Some(1..=VERSION) => {}
            Some(PART_VERSION) if json.get("stem").is_some() => {}
            _ => return Err(format!("{name} is no note of this version").into()),
        }
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Note { folder: path.parent().unwrap_or(Path::new("")).to_owned(), name, json })
    }

    /// True for the note of a single call of an item.
    pub fn is_part(&self) -> bool {
        self.json.get("nanobanana_note").and_then(Value::as_u64) == Some(PART_VERSION)
    }

    /// The mark and the name of the note's journal, if the note has them.
    pub fn journal(&self) -> Option<(&str, &str)> {
        let journal = self.json.get("journal")?;
        Some((journal.get("mark")?.as_str()?, journal.get("name")?.as_str()?))
    }

    /// The prefix of the item's file names.
    fn stem(&self) -> String {
        self.json.get("stem").and_then(Value::as_str).unwrap_or(&self.name).to_owned()
    }

    pub fn key(&self) -> Option<&str> {
        self.json.get("key")?.as_str()
    }

    pub fn digest(&self) -> Option<&str> {
        self.json.get("digest")?.as_str()
    }

    fn listed(&self) -> &[Value] {
        self.json.get("files").and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    fn files(&self) -> Option<Vec<Named<'_>>> {
        self.json.get("files")?.as_array()?.iter().map(|file| self.named(file)).collect()
    }

    /// The result and the files of one of the item's calls; or the reason why they are missing.
    fn call(&self, call: u32) -> Result<(Generation, Vec<Saved>), Missing> {
        let mut result = self.result();
        let mut saved = Vec::new();
        for file in self.listed() {
            let named = self.named(file).ok_or("its note is damaged")?;
            if named.call != call {
                continue;
            }
            let image = named.open()?;
            let mut one = named.saved(image.clone());
            if let Some(told) = file.get("masked") {
                let model = told.get("model_image").and_then(|model| self.named(model));
                let edit = self.edit(told)?;
                let model = model.ok_or("its note is damaged")?.saved(edit.model_image.clone());
                one.model = Some(Box::new((model, edit.clone())));
                result.masked.push(edit);
            }
            result.images.push(image);
            saved.push(one);
        }
        Ok((result, saved))
    }

    fn named<'a>(&self, file: &'a Value) -> Option<Named<'a>> {
        let number = |name: &str| file.get(name)?.as_u64();
        let side = |name: &str| number(name)?.try_into().ok();
        Some(Named {
            path: self.folder.join(Path::new(file.get("name")?.as_str()?).file_name()?),
            call: number("call").and_then(|call| call.try_into().ok()).unwrap_or_default(),
            sha256: file.get("sha256")?.as_str()?,
            mime_type: file.get("mime_type")?.as_str()?,
            size: (side("width")?, side("height")?),
            bytes: number("bytes")?,
        })
    }

    /// True if every picture of the item exists with the content that was written; an error if one cannot be read now.
    pub fn is_whole(&self) -> Result<bool, Missing> {
        let files = self.files().unwrap_or_default();
        for file in &files {
            match file.open() {
                Err(missing) if missing.is_unreadable => return Err(missing),
                Err(_) => return Ok(false),
                Ok(_) => {}
            }
        }
        Ok(!files.is_empty())
    }

    /// This note, if it is that of the item with this key, and of what was asked for then.
    pub fn of(self, key: &str, digest: Option<&str>) -> Result<Self, Missing> {
        match self.key() == Some(key) && (digest.is_none() || self.digest() == digest) {
            true => Ok(self),
            false => Err("another item's note has taken the place of its own".into()),
        }
    }

    /// The result and its files, pictures to be read when they are asked for; or why there is none.
    pub fn restore(&self) -> Result<(Generation, Vec<String>), Missing> {
        let files = self.files().ok_or("its note is damaged")?;
        let mut result = self.result();
        let mut paths = Vec::new();
        for file in files {
            result.images.push(file.open()?);
            paths.push(file.path.display().to_string());
        }
        let masked = self.listed().iter().filter_map(|file| file.get("masked"));
        match masked.map(|told| self.edit(told)).collect() {
            Ok(masked) => result.masked = masked,
            // What was asked for is there: that is no reason to pay for it again.
            Err(Missing { why, .. }) => {
                result.warnings.push(message!("what the model itself drew is not told: {why}"));
            }
        }
        Ok((result, paths))
    }

    /// The model's own picture of an edit with a mask; or the reason why it is missing.
    fn edit(&self, told: &Value) -> Result<MaskedEdit, Missing> {
        let file =
            told.get("model_image").and_then(|model| self.named(model)).ok_or("its note is damaged")?;
        let number = |name: &str| told.get(name).and_then(Value::as_f64);
        let shift = told.get("shift").and_then(Value::as_array).into_iter().flatten();
        Ok(MaskedEdit {
            model_image: file.open()?,
            change_map: None,
            leak: number("leak"),
            shift: shift.filter_map(Value::as_f64).collect(),
            scale: number("scale"),
        })
    }

    fn result(&self) -> Generation {
        let json = &self.json;
        let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let list = |value: &Value, name: &str| -> Vec<Value> {
            value.get(name).and_then(Value::as_array).cloned().unwrap_or_default()
        };
        let texts = |value: &Value, name: &str| -> Vec<String> {
            list(value, name).iter().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let number = |value: &Value, name: &str| value.get(name).and_then(Value::as_u64).unwrap_or_default();
        let used = json.get("usage").cloned().unwrap_or_default();
        let grounding = json.get("grounding").filter(|found| found.is_object());
        let source = |json: &Value| Source {
            title: text(json, "title"),
            uri: text(json, "uri"),
            image_uri: text(json, "image_uri"),
        };
        let span = |json: &Value| Span {
            start: number(json, "start"),
            end: number(json, "end"),
            text: text(json, "text").unwrap_or_default(),
            sources: list(json, "sources").iter().filter_map(Value::as_u64).collect(),
        };
        let names = list(json, WARNING_NAMES);
        // Call numbers are valid within one process only.
        let of_earlier_run = |error: &Value| Error::from_json(error, Case::Snake).with_call(None);
        let mut usage = Usage::default();
        usage.input_tokens = number(&used, "input_tokens");
        usage.output_tokens = number(&used, "output_tokens");
        usage.image_tokens = number(&used, "image_tokens");
        usage.thought_tokens = number(&used, "thought_tokens");
        usage.cached_tokens = number(&used, "cached_tokens");
        usage.total_tokens = number(&used, "total_tokens");
        Generation {
            text: text(json, "text").unwrap_or_default(),
            thoughts: Thoughts { text: text(json, "thoughts").unwrap_or_default(), images: Vec::new() },
            usage,
            cost: Some(0.0),
            grounding: grounding.map(|found| Grounding {
                queries: texts(found, "queries"),
                image_queries: texts(found, "image_queries"),
                sources: list(found, "sources").iter().map(source).collect(),
                html: text(found, "html"),
                spans: list(found, "spans").iter().map(span).collect(),
            }),
            finish_reason: text(json, "finish_reason"),
            model: text(json, "model").unwrap_or_default(),
            response_id: text(json, "response_id"),
            warnings: (texts(json, "warnings").iter().enumerate())
                .map(|(place, text)| Message::read(text, names.get(place)))
                .collect(),
            errors: list(json, "errors").iter().map(of_earlier_run).collect(),
            cached: true,
            ..Generation::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::stem;

    #[test]
    fn ids_become_names_that_every_system_takes() {
        let cases = [
            ("boat", "boat"),
            ("a/b\\c:d", "a_b_c_d"),
            ("../../etc", "_.._etc"),
            ("  . ", "00007"),
            ("", "00007"),
            ("con", "_con"),
            ("COM1.x", "_COM1.x"),
            ("come", "come"),
            ("Äpfel 7", "Äpfel 7"),
        ];
        for (id, name) in cases {
            assert_eq!(stem(Some(id), 7), name);
        }
        assert_eq!(stem(Some(&"ä".repeat(80)), 7).len(), 100);
        assert_eq!(stem(None, 7), "00007");
    }
}
