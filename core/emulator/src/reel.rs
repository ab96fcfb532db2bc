//! The file of a cassette: `cassette.json`, to which each call is appended.
//!
//! A call is written behind the last one, over the two brackets that end the file, and is on disk when that returns:
//! what it costs does not grow with the file. Several recorders, also in other processes, share a folder: each one
//! locks it while it writes, and reads what others wrote before. A file that was cut off within a call, as by a loss
//! of power, keeps the calls before it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use nanobanana_base::save::{self, Durable, Manner};

pub(super) const NAME: &str = "cassette.json";

/// The number of this file format; a file with a higher one is from a newer version.
const VERSION: u64 = 1;

/// What stands behind the last call.
const TAIL: &str = "\n  ]\n}\n";

/// By so many bytes before its end a file is known again.
const KNOWN: usize = 64;

/// The right to write into a folder, which one recorder has at a time.
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Waits for it.
    pub fn of(folder: &Path) -> io::Result<Self> {
        let file = if cfg!(windows) {
            // There a folder cannot be locked.
            OpenOptions::new().create(true).append(true).open(folder.join(".lock"))?
        } else {
            File::open(folder)?
        };
        match file.lock() {
            // Where the file system knows no locks, one recorder has to do.
            Err(cause) if cause.kind() != io::ErrorKind::Unsupported => Err(cause),
            _ => Ok(Lock { _file: file }),
        }
    }
}

/// What a file holds, as far as it is known.
#[derive(Debug)]
pub(super) struct Reel {
    path: PathBuf,
    is_there: bool,
    /// Behind its last call; none if the next call cannot stand there.
    end: Option<u64>,
    /// The bytes before that.
    known: Vec<u8>,
    /// Whether a call stands in it.
    has_calls: bool,
    /// What is left of a call that was cut off.
    torn: Vec<u8>,
}

/// What was read.
pub(super) struct Change {
    pub calls: Vec<Value>,
    /// Whether these are all calls, and not those behind the ones that were known.
    pub is_all: bool,
}

fn damaged(problem: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem.to_string())
}

impl Reel {
    pub fn of(folder: &Path) -> Self {
        Reel {
            path: folder.join(NAME),
            is_there: false,
            end: None,
            known: Vec::new(),
            has_calls: false,
            torn: Vec::new(),
        }
    }

    /// Lets the next reading give all calls.
    pub fn forget(&mut self) {
        self.end = None;
    }

    /// Whether a call can be written behind the last one.
    pub fn can_append(&self) -> bool {
        self.end.is_some() || !self.is_there
    }

    /// Reads the calls that came since the last reading, or all of them if the file is another one.
    pub fn read(&mut self) -> io::Result<Change> {
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                (self.is_there, self.end, self.has_calls) = (false, None, false);
                return Ok(Change { calls: Vec::new(), is_all: true });
            }
            Err(cause) => return Err(cause),
        };
        self.is_there = true;
        if let Some(calls) = self.read_on(&mut file)? {
            return Ok(Change { calls, is_all: false });
        }
        let mut text = Vec::new();
        file.seek(SeekFrom::Start(0))?;
        file.read_to_end(&mut text)?;
        let calls = self.read_all(&text)?;
        Ok(Change { calls, is_all: true })
    }

    /// The calls behind the known end, if the bytes before it are still the same.
    fn read_on(&mut self, file: &mut File) -> io::Result<Option<Vec<Value>>> {
        let Some(end) = self.end else { return Ok(None) };
        let mut text = Vec::new();
        file.seek(SeekFrom::Start(end - self.known.len() as u64))?;
        file.read_to_end(&mut text)?;
        let Some(rest) = text.strip_prefix(self.known.as_slice()) else { return Ok(None) };
        let Ok((calls, len, true)) = elements(rest, self.has_calls) else { return Ok(None) };
        self.has_calls |= !calls.is_empty();
        let end = self.known.len() + len;
        self.ends_at(&text, end, self.end.map(|before| before + len as u64));
        Ok(Some(calls))
    }

    fn read_all(&mut self, text: &[u8]) -> io::Result<Vec<Value>> {
        let check = |json: &Value| {
            let version = json.get("version").and_then(Value::as_u64);
            let is_known = version.is_some_and(|version| version <= VERSION);
            let problem = "it is none, or of a newer version of this library";
            if is_known { Ok(()) } else { Err(io::Error::other(problem)) }
        };
        self.torn.clear();
        let cut = match serde_json::from_slice::<Value>(text) {
            Ok(json) => {
                check(&json)?;
                let calls = json.get("calls").and_then(Value::as_array).cloned().unwrap_or_default();
                self.has_calls = !calls.is_empty();
                let is_last = json
                    .as_object()
                    .and_then(|map| map.keys().next_back())
                    .is_some_and(|name| name == "calls");
                let before = |text: &[u8], last: u8| {
                    let text = text.trim_ascii_end();
                    text.strip_suffix(&[last]).map(|text| text.trim_ascii_end().len())
                };
                let list = before(text, b'}').and_then(|end| before(text.get(..end)?, b']'));
                match list.filter(|_| is_last) {
                    Some(end) => self.ends_at(text, end, Some(end as u64)),
                    None => self.end = None,
                }
                return Ok(calls);
            }
            Err(cause) if !cause.is_eof() => return Err(damaged(cause)),
            Err(cause) => cause,
        };
        let begin = memchr::memmem::find(text, b"\"calls\": [").ok_or_else(|| damaged(&cut))?;
        let (head, rest) = text.split_at(begin);
        let head = [head, b"\"calls\": []}"].concat();
        check(&serde_json::from_slice(&head).map_err(damaged)?)?;
        let rest = rest.get("\"calls\": [".len()..).unwrap_or_default();
        let (calls, len, _) = elements(rest, false).map_err(damaged)?;
        self.torn = rest.get(len..).unwrap_or_default().to_vec();
        self.has_calls = !calls.is_empty();
        self.end = None;
        Ok(calls)
    }

    fn ends_at(&mut self, text: &[u8], end: usize, place: Option<u64>) {
        self.known = text.get(end.saturating_sub(KNOWN)..end).unwrap_or_default().to_vec();
        self.end = place;
    }

    /// Writes a call behind the last one: on disk when this returns.
    pub fn append(&mut self, _lock: &Lock, call: &Value) -> io::Result<()> {
        let Some(end) = self.end else { return self.replace(_lock, std::slice::from_ref(call)) };
        let text = serde_json::to_string_pretty(call)?.replace('\n', "\n    ");
        let comma = if self.has_calls { "," } else { "" };
        let piece = format!("{comma}\n    {text}");
        let mut file = OpenOptions::new().write(true).open(&self.path)?;
        file.seek(SeekFrom::Start(end))?;
        file.write_all(format!("{piece}{TAIL}").as_bytes())?;
        file.set_len(end + (piece.len() + TAIL.len()) as u64)?;
        file.sync_data()?;
        self.has_calls = true;
        self.ends_at(piece.as_bytes(), piece.len(), Some(end + piece.len() as u64));
        Ok(())
    }

    /// Writes the file anew with these calls, whole or not at all. What is left of a call that was cut off goes into a
    /// file beside it.
    pub fn replace(&mut self, _lock: &Lock, calls: &[Value]) -> io::Result<()> {
        if !self.torn.is_empty() {
            let name = format!("cassette-cut-off-{:08x}.txt", fastrand::u32(..));
            fs::write(self.path.with_file_name(name), &self.torn)?;
            self.torn.clear();
        }
        let text = serde_json::to_string_pretty(&json!({ "version": VERSION, "calls": calls }))? + "\n";
        save::replace(&self.path, Manner::durable(Durable::Entry), |out| out.write_all(text.as_bytes()))?;
        self.is_there = true;
        self.read_all(text.as_bytes()).map(drop)
    }
}

/// The elements of a list up to its end, the place behind the last one, and whether the list ends.
fn elements(text: &[u8], goes_on: bool) -> serde_json::Result<(Vec<Value>, usize, bool)> {
    let (mut found, mut end, mut goes_on) = (Vec::new(), 0, goes_on);
    let space = |at: usize| {
        let rest = text.get(at..).unwrap_or_default();
        at + rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count()
    };
    loop {
        let mut at = space(end);
        match text.get(at) {
            Some(b']') => return Ok((found, end, true)),
            Some(b',') if goes_on => at = space(at + 1),
            _ => {}
        }
        let mut rest =
            serde_json::Deserializer::from_slice(text.get(at..).unwrap_or_default()).into_iter::<Value>();
        match rest.next() {
            Some(Ok(value)) => found.push(value),
            Some(Err(cause)) if !cause.is_eof() => return Err(cause),
            _ => return Ok((found, end, false)),
        }
        end = at + rest.byte_offset();
        goes_on = true;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn texts(calls: &[Value]) -> Vec<String> {
        calls.iter().map(Value::to_string).collect()
    }

    #[test]
    fn each_reads_what_another_one_wrote() {
        let folder = tempfile::tempdir().unwrap();
        let (mut one, mut other) = (Reel::of(folder.path()), Reel::of(folder.path()));
        for number in 0..6 {
            let (reel, beside) =
                if number % 2 == 0 { (&mut one, &mut other) } else { (&mut other, &mut one) };
            let lock = Lock::of(folder.path()).unwrap();
            reel.read().unwrap();
            reel.append(&lock, &json!({ "n": number, "text": "a\n]}" })).unwrap();
            let change = beside.read().unwrap();
            assert_eq!((change.is_all, change.calls.len()), (number == 0, 1), "{number}");
            let whole = fs::read(folder.path().join(NAME)).unwrap();
            let json: Value = serde_json::from_slice(&whole).unwrap();
            let count = json.get("calls").and_then(Value::as_array).unwrap().len();
            assert_eq!(count, number + 1);
            // The form in which it is written anew.
            assert_eq!(whole, (serde_json::to_string_pretty(&json).unwrap() + "\n").into_bytes());
        }
        let lock = Lock::of(folder.path()).unwrap();
        one.replace(&lock, &[json!({ "n": 9 })]).unwrap();
        let change = other.read().unwrap();
        assert!(change.is_all);
        assert_eq!(texts(&change.calls), [r#"{"n":9}"#]);
    }

    #[test]
    fn files_of_other_forms_go_on_and_one_that_was_cut_off_keeps_its_whole_calls() {
        for (text, calls, appends) in [
            (r#"{"version": 1, "calls": []}"#, 0, true),
            ("{\"version\":1,\"calls\":[{\"n\":1}\r\n]\r\n}", 1, true),
            (r#"{"calls": [{"n": 1}], "version": 1}"#, 1, false),
            ("{\n  \"version\": 1,\n  \"calls\": [\n    {\"n\": 1},\n    {\"n\": 2", 1, false),
            ("{\n  \"version\": 1,\n  \"calls\": [\n    {\"n\": 1}", 1, false),
            ("{\n  \"version\": 1,\n  \"calls\": [", 0, false),
        ] {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join(NAME), text).unwrap();
            let mut reel = Reel::of(folder.path());
            let mut all = reel.read().unwrap().calls;
            assert_eq!((all.len(), reel.can_append()), (calls, appends), "{text}");
            let lock = Lock::of(folder.path()).unwrap();
            all.push(json!({ "n": 3 }));
            match appends {
                true => reel.append(&lock, &json!({ "n": 3 })).unwrap(),
                false => reel.replace(&lock, &all).unwrap(),
            }
            assert_eq!(texts(&Reel::of(folder.path()).read().unwrap().calls), texts(&all), "{text}");
            let beside = fs::read_dir(folder.path()).unwrap().count() - 1;
            assert_eq!(beside, usize::from(text.ends_with('2')), "the rest of the call: {text}");
        }
    }

    #[test]
    fn what_an_append_writes_does_not_grow_with_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let mut reel = Reel::of(folder.path());
        let lock = Lock::of(folder.path()).unwrap();
        reel.append(&lock, &json!({ "text": "a".repeat(1 << 20) })).unwrap();
        let path = folder.path().join(NAME);
        // A file that may not be written anew is appended to all the same: its first bytes stay where they are.
        let before = fs::metadata(&path).unwrap();
        reel.append(&lock, &json!({ "n": 1 })).unwrap();
        let after = fs::metadata(&path).unwrap();
        assert!(after.len() - before.len() < 64);
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            assert_eq!(before.ino(), after.ino());
        }
    }
}
