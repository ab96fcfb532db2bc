//! What a run remembers on disk, so that the next one sends only what is missing.
//!
//! A journal is a file of JSON lines: `folder` where notes go from here on, `sent` before an item's
//! request leaves, `done` once its pictures and its note are on disk, `failed` if it came to nothing. Whatever moment a run is killed
//! at, a line is there whole or is read past. Of each item that earlier runs knew only a fingerprint
//! and the place of its last line are held in memory.

use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::folder::{Folder, Note, broken};
use crate::error::{Error, Kind, now};
use crate::request::Digest;

/// The number of the format; a journal with a higher one is from a newer version.
const VERSION: u64 = 1;

/// A run that was just closed in this process lets go of its journal within this time.
const PATIENCE: u32 = 25;
const PAUSE: Duration = Duration::from_millis(20);

#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    /// How the folder of the notes is written in lines: from the journal's own folder, if it is in
    /// there, so that both can move.
    notes: PathBuf,
    state: Mutex<State>,
    /// A forked child must not unlock what its parent holds.
    process: u32,
}

#[derive(Debug, Default)]
struct State {
    known: HashMap<Fingerprint, Entry>,
    /// Where notes have gone so far.
    folders: Vec<PathBuf>,
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
#[derive(Deserialize)]
struct Line {
    journal: Option<u64>,
    folder: Option<PathBuf>,
    sent: Option<String>,
    done: Option<String>,
    failed: Option<String>,
    billed: Option<String>,
    note: Option<PathBuf>,
    digest: Option<String>,
}

impl Line {
    fn read(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

/// What earlier runs knew of an item.
pub(super) enum Known {
    /// Nothing, or only that it was not paid for.
    New,
    Done {
        /// Where its note was put, and where it is if the folder was moved and is named anew.
        notes: [PathBuf; 2],
        digest: Option<String>,
    },
    /// It was sent, and its answer is not on disk.
    MaybePaid,
}

fn config(message: String) -> Error {
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
            std::fs::create_dir_all(home).map_err(cannot)?;
        }
        if path.exists() && !path.is_file() {
            return Err(config(format!(
                "the journal {shown} is not a file; name one, or one that is to be made"
            )));
        }
        let file = OpenOptions::new().read(true).append(true).create(true).open(path).map_err(cannot)?;
        lock(&file, path)?;
        let notes = beside(path, folder.path()).map_err(cannot)?;
        let process = std::process::id();
        let mut journal = Journal { path: path.to_owned(), file, notes, state: Mutex::default(), process };
        journal.load()?;
        journal.miss_nothing(folder)?;
        journal.adopt()?;
        Ok(journal)
    }

    fn load(&mut self) -> Result<(), Error> {
        let shown = self.path.display().to_string();
        let cannot =
            |cause: io::Error| config(format!("the journal {shown} cannot be read: {cause}")).because(cause);
        let mut state = State::default();
        let mut reader = BufReader::with_capacity(1 << 16, &self.file);
        let mut line = Vec::new();
        let mut at = 0;
        loop {
            line.clear();
            let len = reader.read_until(b'\n', &mut line).map_err(cannot)? as u64;
            if len == 0 {
                break;
            }
            state.torn = line.last() != Some(&b'\n');
            let read = Line::read(&line);
            if at == 0 {
                match read.and_then(|line| line.journal) {
                    Some(1..=VERSION) => {}
                    Some(newer) => {
                        return Err(config(format!(
                            "the journal {shown} has format {newer}, from a newer version of this library; update it"
                        )));
                    }
                    // A run that was killed before its first line was whole.
                    None if state.torn && header().as_bytes().starts_with(&line) => {
                        self.file.set_len(0).map_err(cannot)?;
                        state.torn = false;
                        at = 0;
                        break;
                    }
                    None => {
                        return Err(config(format!(
                            "{shown} is no journal of this library and is left as it is; name another file"
                        )));
                    }
                }
            } else if let Some(line) = read {
                state.learn(line, at);
            }
            at += len;
        }
        self.state = Mutex::new(state);
        match at {
            0 => self.append(header().trim_end()).map(|_| ()),
            _ => Ok(()),
        }
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
            return Err(config(format!(
                "the journal {} has {} items as done, and the notes of none are where it says or in {}. If the \
                 pictures and notes were moved, name their folder as `save_to`; to pay for all of them anew, begin \
                 another journal",
                self.path.display(),
                done.len(),
                folder.path().display()
            )));
        }
        if !self.state().folders.contains(&self.notes) {
            self.append(&json!({ "folder": self.notes.to_string_lossy() }).to_string())?;
            self.state().folders.push(self.notes.clone());
        }
        Ok(())
    }

    /// Looks for the notes of items that were sent and of which nothing more is known: a run may end
    /// between the note and the line that says so. They lie where an earlier run had them put.
    fn adopt(&self) -> Result<(), Error> {
        let sent = |mark: &Fingerprint| match self.state().known.get(mark) {
            Some(Entry::Sent { at, .. }) => Some(*at),
            _ => None,
        };
        if !self.state().known.values().any(|entry| matches!(entry, Entry::Sent { .. })) {
            return Ok(());
        }
        let folders = self.state().folders.clone();
        // A folder that cannot be read has nothing that could be adopted.
        for place in folders {
            let Ok(notes) = Folder::notes(&self.home().join(&place)) else { continue };
            for path in notes {
                let Ok(note) = Note::read(&path) else { continue };
                let (Some(key), Some(name)) = (note.key(), path.file_name()) else { continue };
                let mark = fingerprint(key);
                let Some(at) = sent(&mark) else { continue };
                // The same id may stand for something else in another journal's notes.
                let is_it = match self.line(at) {
                    Some(Line { digest: Some(digest), .. }) => note.digest() == Some(&digest),
                    _ => true,
                };
                if is_it && note.is_whole() {
                    let at = self.done_in(
                        &place,
                        key,
                        note.digest().unwrap_or_default(),
                        &name.to_string_lossy(),
                    )?;
                    self.state().known.insert(mark, Entry::Done(at));
                }
            }
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
        BufReader::new((&self.file).take(1 << 20)).read_until(b'\n', &mut bytes).ok()?;
        Line::read(&bytes)
    }

    /// Where the note may be that the line at this byte names.
    fn notes_of(&self, at: u64) -> Option<[PathBuf; 2]> {
        let note = self.line(at)?.note?;
        let moved = self.home().join(&self.notes).join(note.file_name()?);
        Some([self.home().join(note), moved])
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What earlier runs knew of the item with this key.
    pub fn known(&self, key: &str) -> Known {
        let at = match self.state().known.get(&fingerprint(key)) {
            None => return Known::New,
            Some(Entry::Sent { .. } | Entry::Lost) => return Known::MaybePaid,
            Some(Entry::Done(at)) => *at,
        };
        match (self.line(at), self.notes_of(at)) {
            (Some(Line { done: Some(done), digest, .. }), Some(notes)) if done == key => {
                Known::Done { notes, digest: digest.filter(|digest| !digest.is_empty()) }
            }
            // It was there when the journal was opened.
            _ => Known::MaybePaid,
        }
    }

    /// Written before the item's first request leaves.
    pub fn sent(&self, key: &str, digest: &str) -> Result<(), Error> {
        self.append(&json!({ "sent": key, "digest": digest, "time": now() }).to_string()).map(|_| ())
    }

    /// Written when the item's pictures and its note are on disk. Gives the line's place.
    pub fn done(&self, key: &str, digest: &str, note: &str) -> Result<u64, Error> {
        self.done_in(&self.notes, key, digest, note)
    }

    fn done_in(&self, folder: &Path, key: &str, digest: &str, note: &str) -> Result<u64, Error> {
        let note = folder.join(note);
        self.append(&json!({ "done": key, "digest": digest, "note": note.to_string_lossy() }).to_string())
    }

    /// Written when the item came to nothing after it was sent.
    pub fn failed(&self, key: &str, error: &Error) -> Result<(), Error> {
        let told =
            json!({ "kind": error.kind().name(), "message": crate::reply::shortened(error.message(), 300) });
        self.append(&json!({ "failed": key, "billed": billed(error), "error": told }).to_string()).map(|_| ())
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
    fn learn(&mut self, line: Line, at: u64) {
        match line {
            Line { done: Some(key), .. } => {
                self.known.insert(fingerprint(&key), Entry::Done(at));
            }
            Line { folder: Some(folder), .. } if !self.folders.contains(&folder) => self.folders.push(folder),
            Line { sent: Some(key), .. } => {
                let mark = fingerprint(&key);
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
                }
            }
            _ => {}
        }
    }
}

/// Whether a failed item was paid for.
pub(super) fn billed(error: &Error) -> String {
    let told = error.field("billed").and_then(|billed| billed.as_str().map(str::to_owned));
    let silent = if error.is(Kind::APIError) { "unknown" } else { "no" };
    told.unwrap_or_else(|| silent.to_owned())
}

fn header() -> String {
    let header: Value =
        json!({ "journal": VERSION, "by": concat!("nanobanana ", env!("CARGO_PKG_VERSION")) });
    format!("{header}\n")
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

/// The folder as it is written in a journal.
fn beside(journal: &Path, folder: &Path) -> io::Result<PathBuf> {
    let home = journal.parent().filter(|home| !home.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let (home, folder) = (home.canonicalize()?, folder.canonicalize()?);
    Ok(folder.strip_prefix(&home).map(Path::to_owned).unwrap_or(folder))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn opened(folder: &Path) -> Journal {
        let pictures = Folder::open(&folder.join("out")).unwrap();
        Journal::open(&folder.join("run.jsonl"), &pictures).unwrap()
    }

    #[test]
    fn the_last_word_counts_and_a_torn_line_is_read_past() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.jsonl");
        {
            let journal = opened(folder.path());
            for key in ["a", "b", "c", "d"] {
                journal.sent(key, "d").unwrap();
            }
            journal.done("a", "d", "a.json").unwrap();
            std::fs::write(folder.path().join("out/a.json"), "").unwrap();
            let refused = Error::new(Kind::BadRequestError, "no").with("billed", "no".to_owned());
            journal.failed("b", &refused).unwrap();
            journal.failed("c", &Error::new(Kind::APIConnectionError, "gone")).unwrap();
        }
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, [&whole[..], b"{\"done\":\"d\",\"no"].concat()).unwrap();
        {
            let journal = opened(folder.path());
            assert!(
                matches!(journal.known("a"), Known::Done { notes: [note, _], .. } if note.ends_with("out/a.json"))
            );
            assert!(matches!(journal.known("b"), Known::New));
            assert!(matches!(journal.known("c"), Known::MaybePaid));
            assert!(matches!(journal.known("d"), Known::MaybePaid));
            assert!(matches!(journal.known("e"), Known::New));
            journal.done("d", "d", "d.json").unwrap();
            // A second try that was not billed does not settle what became of the first one.
            journal.sent("c", "d").unwrap();
            journal
                .failed("c", &Error::new(Kind::BadRequestError, "no").with("billed", "no".to_owned()))
                .unwrap();
        }
        assert!(matches!(opened(folder.path()).known("c"), Known::MaybePaid));
        assert!(matches!(opened(folder.path()).known("d"), Known::Done { .. }));
        // A first line that was never whole is no journal yet.
        std::fs::write(&path, header().split_at(9).0).unwrap();
        opened(folder.path()).sent("a", "d").unwrap();
        assert!(matches!(opened(folder.path()).known("a"), Known::MaybePaid));
    }

    #[test]
    fn another_file_is_no_journal_and_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.jsonl");
        let pictures = Folder::open(&folder.path().join("out")).unwrap();
        for text in ["{\"prompt\": \"a boat\"}\n", "{\"journal\": 99}\n", "x"] {
            std::fs::write(&path, text).unwrap();
            let error = Journal::open(&path, &pictures).unwrap_err();
            assert_eq!(
                (error.kind(), std::fs::read_to_string(&path).unwrap()),
                (Kind::ConfigError, text.into())
            );
        }
    }

    use proptest::prelude::*;

    /// Lines as a run writes them, halves of such, and whatever else may stand in a file.
    fn piece() -> impl Strategy<Value = Vec<u8>> {
        let lines = [
            r#"{"sent":"a","digest":"d"}"#,
            r#"{"done":"a","digest":"d","note":"out/a.json"}"#,
            r#"{"done":"b","note":"../../../b.json"}"#,
            r#"{"failed":"a","billed":"unknown"}"#,
            r#"{"sent":7}"#,
            r#"{"journal":1}"#,
            "{\"sent\":",
            "\n",
            "\r\n",
            "[]",
        ];
        prop_oneof![
            4 => prop::sample::select(lines.to_vec()).prop_map(|line| line.as_bytes().to_vec()),
            1 => prop::collection::vec(any::<u8>(), 0..40),
        ]
    }

    proptest! {
        #[test]
        fn whatever_stands_in_it_a_journal_goes_on(pieces in prop::collection::vec(piece(), 0..20)) {
            let folder = tempfile::tempdir().unwrap();
            let mut bytes = format!("{}\n", header()).into_bytes();
            bytes.extend(pieces.concat());
            std::fs::write(folder.path().join("run.jsonl"), &bytes).unwrap();
            let pictures = Folder::open(&folder.path().join("out")).unwrap();
            let path = folder.path().join("run.jsonl");
            // It may refuse to go on, if all that is done is gone; then it leaves the file alone.
            match Journal::open(&path, &pictures) {
                Err(_) => prop_assert_eq!(std::fs::read(&path).unwrap(), bytes),
                Ok(journal) => {
                    journal.sent("new", "d").unwrap();
                    drop(journal);
                    let journal = Journal::open(&path, &pictures).unwrap();
                    prop_assert!(matches!(journal.known("new"), Known::MaybePaid));
                    prop_assert!(matches!(journal.known("never"), Known::New));
                }
            }
        }
    }
}
