//! Files of this machine that a caller named: what of them is opened, and how much of it is read.
//!
//! A path may lead anywhere. Folders, devices and sockets are refused before they are opened, since to open some
//! devices does something. A FIFO is read until its writer is done, but not beyond [`MOST_OF_A_PIPE`], and only
//! as long as somebody waits for it. All of this blocks: it belongs on a thread of `blocking::disk`.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::num::NonZero;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::blocking;
use crate::error::Error;
use crate::process::PerProcess;

/// The most bytes that are taken of what does not say its length.
pub(crate) const MOST_OF_A_PIPE: u64 = 100 << 20;

/// The most bytes of a file: the service takes no larger one.
pub(crate) const MOST: u64 = 2 << 30;

/// How long the first bytes of a FIFO are waited for where no timeout of a call ends the wait.
#[cfg(unix)]
const SILENCE: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 30 });

/// Opens a file or a FIFO.
///
/// # Errors
/// The system's; for what is neither one with the way out as its text, see [`why`].
pub(crate) fn open(path: &Path) -> io::Result<(File, Metadata)> {
    check(&std::fs::metadata(path)?)?;
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        // A FIFO without a writer would hold up the thread for ever; files know no such flag.
        use rustix::fs::OFlags;
        let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits();
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags as i32);
    }
    let file = options.open(path)?;
    let metadata = file.metadata()?;
    check(&metadata)?;
    Ok((file, metadata))
}

fn check(metadata: &Metadata) -> io::Result<()> {
    let kind = metadata.file_type();
    if kind.is_dir() {
        return Err(refused(io::ErrorKind::IsADirectory, "it is a folder; name a file in it"));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
        if kind.is_char_device() || kind.is_block_device() {
            return Err(refused(
                io::ErrorKind::InvalidInput,
                "it is a device, which has no end; name a file",
            ));
        }
        if kind.is_socket() {
            let problem = "it is a socket, which cannot be read by its name; name a file";
            return Err(refused(io::ErrorKind::InvalidInput, problem));
        }
    }
    if metadata.len() > MOST {
        let problem = format!("it has {} bytes; the service takes at most 2 GB as one file", metadata.len());
        return Err(refused(io::ErrorKind::FileTooLarge, &problem));
    }
    Ok(())
}

fn refused(kind: io::ErrorKind, problem: &str) -> io::Error {
    io::Error::new(kind, problem)
}

/// Why a file is of no use, as the end of a sentence about it.
pub(crate) fn why(cause: &io::Error) -> String {
    match cause.kind() {
        _ if cause.get_ref().is_some() => cause.to_string(),
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "its file may not be read".to_owned(),
        _ => format!("its file cannot be read: {cause}"),
    }
}

/// All bytes of a file, or of what comes through a FIFO.
///
/// # Errors
/// As [`open`] and [`rest`].
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let (file, metadata) = open(path)?;
    rest(&file, &metadata)
}

/// All bytes of what was opened now.
///
/// # Errors
/// The system's, and a text of what to do if a file changes meanwhile, or a FIFO does not end.
pub(crate) fn rest(file: &File, metadata: &Metadata) -> io::Result<Vec<u8>> {
    let len = metadata.len();
    let mut bytes = Vec::new();
    if metadata.is_file() && len > 0 {
        bytes.reserve_exact(len as usize);
        file.take(len).read_to_end(&mut bytes)?;
        let grown = file.take(1).read(&mut [0])? > 0;
        if grown || bytes.len() as u64 != len {
            let problem = "it changed while it was read; call again once it is still";
            return Err(refused(io::ErrorKind::Other, problem));
        }
        return Ok(bytes);
    }
    if metadata.is_file() {
        // Files of the system's own (/proc) do not say their length.
        file.take(MOST_OF_A_PIPE + 1).read_to_end(&mut bytes)?;
    } else {
        through_a_pipe(file, &mut bytes)?;
    }
    if bytes.len() as u64 > MOST_OF_A_PIPE {
        let most = MOST_OF_A_PIPE >> 20;
        let problem =
            format!("more than {most} MB came through it, and it has no end yet; save it as a file first");
        return Err(refused(io::ErrorKind::FileTooLarge, &problem));
    }
    Ok(bytes)
}

/// Reads what comes until the writer is done. A FIFO that nobody has opened for writing is waited for.
#[cfg(unix)]
fn through_a_pipe(mut file: &File, bytes: &mut Vec<u8>) -> io::Result<()> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    /// How long it goes unseen that nobody waits any more.
    const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
    let begun = std::time::Instant::now();
    let mut block = vec![0; 64 << 10];
    while bytes.len() as u64 <= MOST_OF_A_PIPE {
        if blocking::is_abandoned() {
            return Err(refused(io::ErrorKind::TimedOut, "nobody waits any more for what comes through it"));
        }
        // The options of a client are read on the caller's own thread, which no timeout ends.
        if bytes.is_empty() && begun.elapsed() > SILENCE && !blocking::is_job() {
            let problem = format!("nothing came through it within {} s; name a file", SILENCE.as_secs());
            return Err(refused(io::ErrorKind::TimedOut, &problem));
        }
        match file.read(&mut block) {
            // Without a writer there is nothing, too: until one comes that is no end.
            Ok(0) if !bytes.is_empty() => return Ok(()),
            Ok(0) => {}
            Ok(read) => {
                bytes.extend_from_slice(block.get(..read).unwrap_or_default());
                continue;
            }
            Err(cause) if cause.kind() == io::ErrorKind::WouldBlock => {}
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => continue,
            Err(cause) => return Err(cause),
        }
        let mut ready = [PollFd::new(file, PollFlags::IN)];
        match poll(&mut ready, Some(&LOOK)) {
            Err(cause) if cause != rustix::io::Errno::INTR => return Err(cause.into()),
            _ => {}
        }
        let [ready] = ready;
        let events = ready.revents();
        if events.contains(PollFlags::HUP) && !events.contains(PollFlags::IN) {
            return Ok(());
        }
    }
    Ok(())
}

#[cfg(not(unix))]
fn through_a_pipe(file: &File, bytes: &mut Vec<u8>) -> io::Result<()> {
    file.take(MOST_OF_A_PIPE + 1).read_to_end(bytes).map(drop)
}

/// Reads on a thread for that what is to be decoded, but no more of it ahead of the decoding than memory may be
/// spent on. A read that is slow does not count: it would hold up all others.
///
/// # Errors
/// What `read` returns, and why it could not be begun.
pub(crate) async fn ahead(
    read: impl FnOnce() -> Result<Bytes, Error> + Send + 'static,
) -> Result<Bytes, Error> {
    /// A read beyond this is one of a slow disk.
    const SLOW: Duration = Duration::from_millis(100);
    let cores = std::thread::available_parallelism().map_or(2, NonZero::get);
    let room = ROOM.get(|| Semaphore::new(2 * cores));
    // It is never closed.
    let room = room.acquire_owned().await.ok();
    let mut reading = blocking::disk(read);
    match tokio::time::timeout(SLOW, &mut reading).await {
        Ok(read) => Ok(Bytes::from_owner(Ahead { bytes: read??, _room: room })),
        Err(_) => {
            drop(room);
            reading.await?
        }
    }
}

/// How much is read ahead. One for each process: a fork could leave the parent's locked.
static ROOM: PerProcess<Semaphore> = PerProcess::new();

/// Bytes that count as long as they are held.
struct Ahead {
    bytes: Bytes,
    _room: Option<OwnedSemaphorePermit>,
}

impl AsRef<[u8]> for Ahead {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_fifo_without_a_writer_is_given_up_where_no_call_waits_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fifo");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        assert_eq!(read(&path).unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
