//! Finds notes that no line names: a run may end between the note and its line, and a line may be lost by a power cut
//! or a damaged disk. A note names its item and its journal, and its pictures are checked by their SHA-256.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::super::folder::{Folder, Missing, Note};
use super::{Entry, Journal, Line, config, fingerprint, is_first_key};
use crate::error::Error;

/// The error about a file that may belong to an item without a line: that item would be paid for again.
fn unread(Missing { why, .. }: &Missing) -> Error {
    config(format!(
        "the journal has no line about a note in its folder, and {why}. Nothing was sent: make that readable, or move it \
         out of the folder, and run it again"
    ))
}

impl Journal {
    /// Adds the notes in the journal's folders that are not in `named`, the notes that lines name.
    pub(super) fn adopt(&self, named: &HashSet<PathBuf>) -> Result<(), Error> {
        let folders = self.state().folders.clone();
        for place in folders {
            // A folder that cannot be read has no notes to add.
            let Ok(notes) = Folder::notes(&self.home().join(&place)) else { continue };
            for path in notes {
                let Some(name) = path.file_name() else { continue };
                if named.contains(&place.join(name)) {
                    continue;
                }
                match Note::read(&path) {
                    Ok(note) => self.adopt_note(&note, &place, &name.to_string_lossy(), &path)?,
                    Err(missing) if missing.is_unreadable && !path.is_dir() => return Err(unread(&missing)),
                    Err(_) => {}
                }
            }
        }
        Ok(())
    }

    fn adopt_note(&self, note: &Note, place: &Path, name: &str, path: &Path) -> Result<(), Error> {
        let Some(key) = note.key() else { return Ok(()) };
        let mark = fingerprint(key);
        let known = self.state().known.get(&mark).copied();
        let digest = note.digest().unwrap_or_default();
        let found = match known {
            Some(Entry::Done(_)) => {
                if note.is_part() && self.owns(note) {
                    // The note of the whole item exists.
                    let _ = std::fs::remove_file(path);
                }
                return Ok(());
            }
            // In another journal the same id may belong to another item.
            Some(Entry::Sent { at, .. }) => match self.line(at) {
                Some(Line { digest: Some(sent), .. }) if sent != digest => return Ok(()),
                _ if note.journal().is_some() && !self.owns(note) => return Ok(()),
                _ => false,
            },
            Some(Entry::Lost) | None if self.owns(note) => true,
            Some(Entry::Lost) | None => return Ok(()),
        };
        if note.is_part() {
            self.state().parts.entry(mark).or_default().push(path.to_owned());
        } else if note.is_whole().map_err(|missing| unread(&missing))? {
            let line = json!({
                "done": key, "digest": digest, "note": place.join(name).to_string_lossy(), "found": found,
            });
            let at = self.append(&line.to_string())?;
            let mut state = self.state();
            if is_first_key(key, Some(digest)) {
                state.unmatched.insert(mark);
            }
            state.known.insert(mark, Entry::Done(at));
        }
        Ok(())
    }

    /// True for a note of this journal: by the mark, or by the name if the journal itself was lost. Notes of version
    /// 0.1.0 do not name their journal.
    fn owns(&self, note: &Note) -> bool {
        match note.journal() {
            Some((mark, name)) => mark == self.mark || name == self.name(),
            None => self.state().is_first,
        }
    }
}
