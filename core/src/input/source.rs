//! The bytes of a picture, in memory or in a file.

use std::io::Read as _;
use std::path::PathBuf;
use std::time::SystemTime;

use bytes::Bytes;

use super::Place;
use crate::blocking::{self, is_abandoned};
use crate::digest::{Digest, Sum};
use crate::error::Error;
use crate::local;
use crate::message::counted;

/// Where a picture's bytes are.
#[derive(Clone)]
pub(crate) enum Source {
    Memory(Bytes),
    File(File),
}

impl std::fmt::Debug for Source {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&counted(self.len(), "byte", "bytes"))
    }
}

impl Source {
    pub fn len(&self) -> u64 {
        match self {
            Source::Memory(bytes) => bytes.len() as u64,
            Source::File(file) => file.len,
        }
    }

    /// The SHA-256 of its bytes. Blocks; ends when nobody waits for it any more.
    ///
    /// # Errors
    /// [`crate::Kind::ImageError`] if its file is not the one that was opened.
    pub fn digest(&self) -> Result<Digest, Error> {
        let file = match self {
            Source::Memory(bytes) => return Ok(Digest::of([&bytes[..]])),
            Source::File(file) => file,
        };
        let mut handle = file.open()?;
        let mut sum = Sum::default();
        let (mut block, mut read) = (vec![0; 1 << 20], 0);
        loop {
            if is_abandoned() {
                return Err(file.changed("nobody waits for it any more"));
            }
            let more = handle.read(&mut block).map_err(|cause| file.changed(&cause.to_string()))?;
            read += more as u64;
            if more == 0 || read > file.len {
                break;
            }
            sum.add(block.get(..more).unwrap_or_default());
        }
        if read != file.len {
            return Err(file.changed("its length is another"));
        }
        Ok(sum.end())
    }

    /// The SHA-256 of its bytes, computed beside the event loop.
    ///
    /// # Errors
    /// [`crate::Kind::ImageError`] if its file is not the one that was opened.
    pub async fn content_digest(&self) -> Result<Digest, Error> {
        let source = self.clone();
        blocking::disk(move || source.digest()).await?
    }

    /// All of it at once, for a decoder.
    pub async fn ahead(self) -> Result<Bytes, Error> {
        match self {
            Source::Memory(bytes) => Ok(bytes),
            Source::File(file) => local::ahead(move || file.read()).await,
        }
    }

    /// All of it at once. Blocks.
    pub fn read(&self) -> Result<Bytes, Error> {
        match self {
            Source::Memory(bytes) => Ok(bytes.clone()),
            Source::File(file) => file.read(),
        }
    }
}

/// A file as it was when it was sniffed; each attempt opens it again and compares.
#[derive(Debug, Clone)]
pub(crate) struct File {
    /// Where the caller put it.
    pub place: Place,
    pub path: PathBuf,
    pub len: u64,
    modified: Option<SystemTime>,
    identity: u64,
}

impl File {
    /// The file at this path, as it is now.
    pub fn at(path: PathBuf, place: Place, now: &std::fs::Metadata) -> Self {
        File { place, len: now.len(), modified: now.modified().ok(), identity: identity(now), path }
    }

    /// Opens it for one attempt.
    ///
    /// # Errors
    /// [`crate::Kind::ImageError`] if it is gone or is not the file that was sniffed.
    pub fn open(&self) -> Result<std::fs::File, Error> {
        let (file, now) = local::open(&self.path).map_err(|cause| self.changed(&cause.to_string()))?;
        if now.len() != self.len || now.modified().ok() != self.modified || identity(&now) != self.identity {
            return Err(self.changed("it is another file now"));
        }
        Ok(file)
    }

    /// All of it at once.
    pub fn read(&self) -> Result<Bytes, Error> {
        let mut bytes = Vec::new();
        // A file that grows and grows is not read to its end.
        let mut file = self.open()?.take(self.len.saturating_add(1));
        file.read_to_end(&mut bytes).map_err(|cause| self.changed(&cause.to_string()))?;
        self.is_still(file.get_ref())?;
        if bytes.len() as u64 != self.len {
            return Err(self.changed("its length is another"));
        }
        Ok(bytes.into())
    }

    /// Checks that what was read is what was sniffed, and not half of it what came later.
    ///
    /// # Errors
    /// [`crate::Kind::ImageError`] if it was written to meanwhile.
    pub fn is_still(&self, handle: &std::fs::File) -> Result<(), Error> {
        let now = handle.metadata().map_err(|cause| self.changed(&cause.to_string()))?;
        match now.len() {
            len if len > self.len => Err(self.changed("it has grown")),
            len if len < self.len => Err(self.changed("it has shrunk")),
            _ if now.modified().ok() != self.modified => Err(self.changed("it was written to")),
            _ => Ok(()),
        }
    }

    pub fn changed(&self, how: &str) -> Error {
        let path = self.path.display().to_string();
        let problem = format!("changed while it was being sent: {how}. Call again once it is still");
        self.place.refuse(&path, problem).with_input(path)
    }
}

#[cfg(unix)]
fn identity(metadata: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn identity(_: &std::fs::Metadata) -> u64 {
    0
}
