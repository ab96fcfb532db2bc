//! The journal of a run on disk, so that the next run sends only what is missing.
//!
//! A journal is a file of JSON lines: a header; `folder`, the folder of the notes from here on; `sent`, before an
//! item's request is sent; `done`, when its pictures and its note are on disk; `failed`. A `sent` line is synced before
//! the request is sent. The other lines are not: their content can be recovered from the notes (`adopt`). A run may be
//! killed at any moment, so an incomplete line is skipped. In memory, an item of earlier runs takes a fingerprint and
//! the offset of its last line.

use std::collections::{HashMap, HashSet};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::folder::{Folder, broken};
use crate::digest::Digest;
use crate::error::{Billed, Error, Kind, now};
use crate::message::{Message, counted, message, option};
use crate::save;
use crate::save::make_folder;

mod adopt;

/// The number of the format; a journal with a higher one is from a newer version. Format 2 has the keys of
/// [`crate::client::Identity`]. A journal of format 1 is continued and renumbered to 2, so that version 0.1.0 refuses
/// it instead of paying again for items whose keys it does not know.
const VERSION: u64 = 2;

/// A longer line is skipped: no run writes one.
const LONGEST_LINE: u64 = 64 << 20;

/// A run that was just closed in this process lets go of its journal within this time.
const PATIENCE: u32 = 25;
const PAUSE: Duration = Duration::from_millis(20);

#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    /// The folder of the notes as it is written in lines: relative to the journal's folder if it is inside of it, so
    /// that both can be moved.
    notes: PathBuf,
    /// A random mark, which is written into the notes of this journal.
    mark: String,
    state: Mutex<State>,
    /// The number of bytes of the file that are synced.
    synced: Mutex<u64>,
    /// A forked child must not unlock what its parent holds.
    process: u32,
}

#[derive(Debug, Default)]
struct State {
    known: HashMap<Fingerprint, Entry>,
    /// Items of version 0.1.0, identified by the bytes that were sent, that no item of this run has matched so far.
    unmatched: HashSet<Fingerprint>,
    /// The notes of single calls of items that were interrupted.
    parts: HashMap<Fingerprint, Vec<PathBuf>>,
    /// Where notes have gone so far.
    folders: Vec<PathBuf>,
    /// The journal's mark, if a line has it.
    mark: Option<String>,
    /// True if version 0.1.0 began the journal.
    is_first: bool,
    /// Whether the file ends in the middle of a line.
    torn: bool,
}

/// Half of a hash: two of a million items share one with a chance of 1 in 10²⁶.
pub(super) type Fingerprint = [u64; 2];

pub(super) fn fingerprint(key: &str) -> Fingerprint {
    let digest = Digest::of([key.as_bytes()]);
    let half = |at: usize| {
        let bytes =
            digest.bytes().get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).unwrap_or_default();
        u64::from_le_bytes(bytes)
    };
    [half(0), half(8)]
}

#[derive(Debug, Clone, Copy)]
enum Entry {
    /// Its line begins at this byte.
    Done(u64),
    /// It was sent, by the line at this byte, and nothing more is known; so it was before, if `again`.
    Sent { at: u64, again: bool },
    /// It failed, and may have been paid for.
    Lost,
}

/// One line, as far as it is read.
#[derive(Default, Deserialize)]
struct Line {
    journal: Option<u64>,
    mark: Option<String>,
    folder: Option<PathBuf>,
    sent: Option<String>,
    done: Option<String>,
    failed: Option<String>,
    billed: Option<String>,
    note: Option<PathBuf>,
    digest: Option<String>,
    /// The key in the note, if it is another one: that of version 0.1.0.
    was: Option<String>,
    /// True if the item's note was found without a `done` line.
    #[serde(default)]
    found: bool,
}

impl Line {
    fn read(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    /// True if only a journal can have such a line.
    fn is_ours(&self) -> bool {
        let is_folder = self.folder.is_some() && self.sent.is_none() && self.done.is_none();
        let is_sent = self.sent.is_some() && self.digest.is_some();
        let is_done = self.done.is_some() && self.note.is_some();
        is_folder || is_sent || is_done || (self.failed.is_some() && self.billed.is_some())
    }
}

/// What earlier runs knew of an item.
pub(super) enum Known {
    /// Nothing, or only that it was not paid for.
    New,
    Done(Done),
    /// It was sent, and its answer is not on disk.
    MaybePaid,
}

/// An item that is done.
pub(super) struct Done {
    /// The path at which its note was written, and the path if the folder was moved and is named by `save_to`.
    pub notes: [PathBuf; 2],
    /// The key in its note, and true if it differs from the item's key.
    pub key: String,
    pub is_renamed: bool,
    pub digest: Option<String>,
    /// True if there is no `done` line but only a note, which then counts for an item with the same digest only.
    pub found: bool,
}

fn config(message: impl Into<Message>) -> Error {
    Error::new(Kind::ConfigError, message)
}

impl Journal {
    /// Opens or begins one, locks it for this run, and finds in `folder` what an earlier run could not
    /// write down any more. Blocks.
    pub fn open(path: &Path, folder: &Folder) -> Result<Self, Error> {
        let shown = path.display();
        let cannot =
            |cause: io::Error| config(format!("the journal {shown} cannot be used: {cause}")).because(cause);
        if let Some(home) = path.parent() {
            make_folder(home, false).map_err(cannot)?;
        }
        if path.exists() && !path.is_file() {
            return Err(config(format!(
                "the journal {shown} is not a file; name one, or one that is to be made"
            )));
        }
        let file = OpenOptions::new().read(true).append(true).create(true).open(path).map_err(cannot)?;
        lock(&file, path)?;
        let notes = beside(path, folder.path()).map_err(cannot)?;
        let mut journal = Journal {
            path: path.to_owned(),
            file,
            notes,
            mark: String::new(),
            state: Mutex::default(),
            synced: Mutex::default(),
            process: std::process::id(),
        };
        let named = journal.load()?;
        journal.miss_nothing(folder)?;
        journal.adopt(&named)?;
        Ok(journal)
    }

    /// Reads all lines, and returns the notes that they name.
    fn load(&mut self) -> Result<HashSet<PathBuf>, Error> {
        let shown = self.path.display().to_string();
        let cannot =
            |cause: io::Error| config(format!("the journal {shown} cannot be read: {cause}")).because(cause);
        let mut state = State::default();
        let mut named = HashSet::new();
        let mut reader = BufReader::with_capacity(1 << 16, &self.file);
        let mut line = Vec::new();
        let (mut at, mut is_old) = (0, false);
        loop {
            let (len, is_whole) = next_line(&mut reader, &mut line).map_err(cannot)?;
            if len == 0 {
                break;
            }
            state.torn = !is_whole;
            let read = Line::read(&line);
            if at == 0 {
                match read {
                    Some(Line { journal: Some(version @ 1..=VERSION), mark, .. }) => {
                        is_old = version < VERSION;
                        (state.is_first, state.mark) = (mark.is_none(), mark);
                    }
                    Some(Line { journal: Some(newer), .. }) => {
                        return Err(config(format!(
                            "the journal {shown} has format {newer}, from a newer version of this library; update it"
                        )));
                    }
                    // The first line was lost.
                    Some(line) if line.is_ours() => state.learn(line, at, &mut named),
                    // The run ended before its first line was complete, or the disk lost it.
                    _ if state.torn && line.len() as u64 == len && is_begun(&line) => {
                        self.file.set_len(0).map_err(cannot)?;
                        state.torn = false;
                        break;
                    }
                    _ => {
                        return Err(config(format!(
                            "{shown} is no journal of this library and is left as it is; name another file"
                        )));
                    }
                }
            } else if let Some(line) = read {
                state.learn(line, at, &mut named);
            }
            at += len;
        }
        let is_new = at == 0;
        let had_mark = state.mark.is_some();
        self.mark = state.mark.clone().unwrap_or_else(|| format!("{:016x}", fastrand::u64(..)));
        self.state = Mutex::new(state);
        if is_new {
            self.append(&header(&self.mark))?;
            // The journal itself is durable before anything is sent.
            self.sync(u64::MAX)?;
            save::sync_folder(self.path.parent().unwrap_or(Path::new(""))).map_err(cannot)?;
        } else if !had_mark {
            self.append(&json!({ "mark": self.mark }).to_string())?;
        }
        if is_old {
            self.renumber().map_err(cannot)?;
        }
        Ok(named)
    }

    /// Writes the number of this format into the first line of a journal of version 0.1.0, where it is one digit.
    fn renumber(&self) -> io::Result<()> {
        let mut file = OpenOptions::new().read(true).write(true).open(&self.path)?;
        let mut start = vec![0; START.len()];
        file.read_exact(&mut start)?;
        if start == START {
            file.write_all(VERSION.to_string().as_bytes())?;
        }
        Ok(())
    }

    /// Where the notes of all that is done are gone, for example with a disk that is not there, all would be
    /// paid for again. And from now on notes go to `folder`.
    fn miss_nothing(&self, folder: &Folder) -> Result<(), Error> {
        let done: Vec<u64> = {
            let is_done = |entry: &Entry| if let Entry::Done(at) = entry { Some(*at) } else { None };
            self.state().known.values().filter_map(is_done).collect()
        };
        let is_there = |at: &u64| self.notes_of(*at).iter().flatten().any(|note| note.exists());
        if !done.is_empty() && !done.iter().any(is_there) {
            let (journal, number, folder) =
                (self.path.display(), counted(done.len(), "item", "items"), folder.path().display());
            return Err(config(message!(
                "the journal {journal} has {number} as done, and the notes of none are where it says or in \
                 {folder}. If the pictures and notes were moved, name their folder as {}; to pay for all of them anew, \
                 begin another journal",
                option("save_to")
            )));
        }
        if !self.state().folders.contains(&self.notes) {
            self.append(&json!({ "folder": self.notes.to_string_lossy() }).to_string())?;
            self.state().folders.push(self.notes.clone());
        }
        Ok(())
    }

    /// The folder that places in lines are relative to.
    fn home(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }

    /// The line that begins at this byte.
    fn line(&self, at: u64) -> Option<Line> {
        // Every line goes to the end, wherever is read; the state is held so that nobody reads between.
        let _state = self.state();
        let mut bytes = Vec::new();
        (&self.file).seek(SeekFrom::Start(at)).ok()?;
        BufReader::new((&self.file).take(LONGEST_LINE)).read_until(b'\n', &mut bytes).ok()?;
        Line::read(&bytes)
    }

    /// Where the note may be that the line at this byte names.
    fn notes_of(&self, at: u64) -> Option<[PathBuf; 2]> {
        self.places_of(&self.line(at)?.note?)
    }

    fn places_of(&self, note: &Path) -> Option<[PathBuf; 2]> {
        let moved = self.home().join(&self.notes).join(note.file_name()?);
        Some([self.home().join(note), moved])
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The fields of a note that identify its journal: the mark, which stays when the journal is moved, and the name,
    /// for the case that the journal itself was lost.
    pub fn belonging(&self) -> Value {
        json!({ "mark": self.mark, "name": self.name() })
    }

    fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// The state of the item with this key after earlier runs. Blocks.
    pub fn known(&self, key: &str) -> Known {
        let mark = fingerprint(key);
        let at = {
            let mut state = self.state();
            state.unmatched.remove(&mark);
            match state.known.get(&mark) {
                None => return Known::New,
                Some(Entry::Sent { .. } | Entry::Lost) => return Known::MaybePaid,
                Some(Entry::Done(at)) => *at,
            }
        };
        match self.line(at) {
            Some(Line { done: Some(done), digest, note: Some(note), was, found, .. }) if done == key => {
                let Some(notes) = self.places_of(&note) else { return Known::MaybePaid };
                let digest = digest.filter(|digest| !digest.is_empty());
                let is_renamed = was.is_some();
                Known::Done(Done { notes, key: was.unwrap_or(done), is_renamed, digest, found })
            }
            // It was there when the journal was opened.
            _ => Known::MaybePaid,
        }
    }

    /// The notes of single calls of an item that was interrupted.
    pub fn parts(&self, key: &str) -> Vec<PathBuf> {
        self.state().parts.get(&fingerprint(key)).cloned().unwrap_or_default()
    }

    /// The number of items of version 0.1.0 that no item of this run has matched so far.
    pub fn unmatched(&self) -> usize {
        self.state().unmatched.len()
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the `sent` line before the item's first request, and syncs it: without it, a picture that a power cut
    /// destroys would be paid for again without a warning. Blocks.
    pub fn sent(&self, key: &str, digest: &str) -> Result<(), Error> {
        let line = json!({ "sent": key, "digest": digest, "time": now() }).to_string();
        let at = self.append(&line)?;
        self.sync(at + line.len() as u64)
    }

    /// Writes the `done` line after the item's pictures and its note. It is not synced, since the note has the same
    /// content. Blocks.
    pub fn done(&self, key: &str, digest: &str, note: &str) -> Result<(), Error> {
        let note = self.notes.join(note);
        self.append(&json!({ "done": key, "digest": digest, "note": note.to_string_lossy() }).to_string())
            .map(|_| ())
    }

    /// Writes a `done` line for an item of version 0.1.0, whose note has the old key. Blocks.
    pub fn recognised(&self, key: &str, digest: &str, done: &Done) -> Result<(), Error> {
        let Some(note) = done.notes.iter().find(|note| note.exists()) else { return Ok(()) };
        let note = beside(&self.path, note).unwrap_or_else(|_| note.clone());
        let line = json!({ "done": key, "digest": digest, "note": note.to_string_lossy(), "was": done.key });
        self.append(&line.to_string()).map(|_| ())
    }

    /// Writes the `failed` line after the request was sent. It is not synced: without it the item counts as one that
    /// may have been paid for, and the next run warns. Blocks.
    pub fn failed(&self, key: &str, error: &Error) -> Result<(), Error> {
        let told = json!({ "kind": error.kind().name(), "message": &*error.words().shortened(300) });
        self.append(&json!({ "failed": key, "billed": billed(error).name(), "error": told }).to_string())
            .map(|_| ())
    }

    fn append(&self, line: &str) -> Result<u64, Error> {
        let mut state = self.state();
        let write = || -> io::Result<u64> {
            let start = if state.torn { "\n" } else { "" };
            let at = self.file.metadata()?.len() + start.len() as u64;
            (&self.file).write_all(format!("{start}{line}\n").as_bytes())?;
            Ok(at)
        };
        let outcome = write();
        // Half a line may have gone out; the next one begins on its own.
        state.torn = outcome.is_err();
        outcome.map_err(|cause| broken(&self.path, cause))
    }

    /// Syncs the file at least up to this byte. Callers that wait for the lock often find their line synced already.
    fn sync(&self, upto: u64) -> Result<(), Error> {
        let mut synced = self.synced.lock().unwrap_or_else(PoisonError::into_inner);
        if *synced >= upto {
            return Ok(());
        }
        let work = || -> io::Result<u64> {
            let len = self.file.metadata()?.len();
            self.file.sync_data()?;
            Ok(len)
        };
        *synced = work().map_err(|cause| broken(&self.path, cause))?;
        Ok(())
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        if std::process::id() == self.process {
            // A child that was forked shares the lock; it ends here all the same. If it cannot be let
            // go, it goes with the file.
            let _ = self.file.unlock();
        }
    }
}

impl State {
    fn learn(&mut self, line: Line, at: u64, named: &mut HashSet<PathBuf>) {
        match line {
            Line { done: Some(key), note, digest, was, .. } => {
                let mark = fingerprint(&key);
                if is_first_key(&key, digest.as_deref()) {
                    self.unmatched.insert(mark);
                }
                if let Some(was) = was {
                    self.unmatched.remove(&fingerprint(&was));
                }
                named.extend(note);
                self.known.insert(mark, Entry::Done(at));
            }
            Line { folder: Some(folder), .. } if !self.folders.contains(&folder) => self.folders.push(folder),
            Line { sent: Some(key), digest, .. } => {
                let mark = fingerprint(&key);
                if is_first_key(&key, digest.as_deref()) {
                    self.unmatched.insert(mark);
                }
                let again = matches!(self.known.get(&mark), Some(Entry::Sent { .. } | Entry::Lost));
                self.known.insert(mark, Entry::Sent { at, again });
            }
            Line { failed: Some(key), billed, .. } => {
                let mark = fingerprint(&key);
                // That this try was not billed says nothing of one before it.
                let again = matches!(self.known.get(&mark), Some(Entry::Sent { again: true, .. }));
                if again || billed.as_deref() == Some("unknown") {
                    self.known.insert(mark, Entry::Lost);
                } else {
                    self.known.remove(&mark);
                    self.unmatched.remove(&mark);
                }
            }
            Line { mark: Some(mark), .. } => self.mark = Some(mark),
            _ => {}
        }
    }
}

/// True for the key of an item without an id in the form of version 0.1.0.
fn is_first_key(key: &str, digest: Option<&str>) -> bool {
    key.starts_with("sha256:") && digest.is_some_and(|digest| !digest.is_empty() && key.starts_with(digest))
}

/// Reads the next line. Returns its length with the line end, and true if it has a line end; 0 bytes at the end of the
/// file. `line` stays empty if the line is too long.
fn next_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<(u64, bool)> {
    line.clear();
    let mut len = 0;
    loop {
        let block = reader.fill_buf()?;
        if block.is_empty() {
            return Ok((len, len == 0));
        }
        let end = memchr::memchr(b'\n', block);
        let taken = end.map_or(block.len(), |end| end + 1);
        len += taken as u64;
        if len <= LONGEST_LINE {
            line.extend_from_slice(block.get(..taken).unwrap_or_default());
        } else {
            line.clear();
        }
        reader.consume(taken);
        if end.is_some() {
            return Ok((len, true));
        }
    }
}

/// Whether a failed item was paid for.
pub(super) fn billed(error: &Error) -> Billed {
    let silent = if error.is(Kind::APIError) { Billed::Unknown } else { Billed::No };
    error.billed().unwrap_or(silent)
}

/// The start of the first line of a journal.
const START: &[u8] = b"{\"journal\":";

/// The first line of a journal.
fn header(mark: &str) -> String {
    let by = concat!("nanobanana ", env!("CARGO_PKG_VERSION"));
    json!({ "journal": VERSION, "by": by, "mark": mark }).to_string()
}

/// True for the start of an incomplete first line. Nothing was sent by that run, since the line is synced first.
fn is_begun(line: &[u8]) -> bool {
    START.starts_with(line) || line.starts_with(START) || line.iter().all(|byte| *byte == 0)
}

fn lock(file: &File, path: &Path) -> Result<(), Error> {
    let shown = path.display();
    for _ in 0..PATIENCE {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
            Err(TryLockError::Error(cause)) => {
                return Err(config(format!("the journal {shown} cannot be locked: {cause}")).because(cause));
            }
        }
    }
    Err(config(format!(
        "another run uses the journal {shown}; wait for its end, or give this run a journal of its own"
    )))
}

/// The path of a folder or file as it is written in a journal.
fn beside(journal: &Path, folder: &Path) -> io::Result<PathBuf> {
    let home = journal.parent().filter(|home| !home.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let (home, folder) = (home.canonicalize()?, folder.canonicalize()?);
    Ok(folder.strip_prefix(&home).map(Path::to_owned).unwrap_or(folder))
}

#[cfg(test)]
#[path = "journal/tests.rs"]
mod tests;
