//! Opens and reads local files that a caller named, within limits.
//!
//! Folders, devices and sockets are refused before they are opened, since opening some devices has side effects. A FIFO
//! is read until its writer closes it, up to [`MOST_OF_A_PIPE`], and only while its caller waits. All functions block:
//! call them on a thread of `blocking::disk`.

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

/// The size limit for files without a length, such as FIFOs.
pub(crate) const MOST_OF_A_PIPE: u64 = 100 << 20;

/// The size limit for files. The service accepts no larger ones.
pub(crate) const MOST: u64 = 2 << 30;

/// The timeout for the first bytes of a FIFO that is read outside of a call.
#[cfg(unix)]
const SILENCE: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 30 });

/// Opens a file or a FIFO.
///
/// # Errors
/// The system's error. For other kinds of files the text of the error says what to do, see [`why`].
pub fn open(path: &Path) -> io::Result<(File, Metadata)> {
    check(&std::fs::metadata(path)?)?;
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        // Opening a FIFO without a writer would block forever. The flag has no effect on files.
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

/// The reason why a file cannot be used, as the end of a sentence about it.
pub fn why(cause: &io::Error) -> String {
    match cause.kind() {
        _ if cause.get_ref().is_some() => cause.to_string(),
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "its file may not be read".to_owned(),
        _ => format!("its file cannot be read: {cause}"),
    }
}

/// Reads all bytes of a file or a FIFO.
///
/// # Errors
/// As [`open`] and [`rest`].
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let (file, metadata) = open(path)?;
    rest(&file, &metadata)
}

/// Reads all bytes of an open file.
///
/// # Errors
/// The system's error, and an error if the file changes meanwhile or a FIFO has no end.
pub fn rest(file: &File, metadata: &Metadata) -> io::Result<Vec<u8>> {
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
        // Files in /proc have no length.
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

/// Reads until the writer closes the FIFO. Waits for a writer if there is none yet.
#[cfg(unix)]
fn through_a_pipe(mut file: &File, bytes: &mut Vec<u8>) -> io::Result<()> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    /// How often it is checked whether the caller still waits.
    const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
    let begun = std::time::Instant::now();
    let mut block = vec![0; 64 << 10];
    while bytes.len() as u64 <= MOST_OF_A_PIPE {
        if blocking::is_abandoned() {
            return Err(refused(io::ErrorKind::TimedOut, "nobody waits any more for what comes through it"));
        }
        // Files in a client's options are read on the caller's own thread, without a call's timeout.
        if bytes.is_empty() && begun.elapsed() > SILENCE && !blocking::is_job() {
            let problem = format!("nothing came through it within {} s; name a file", SILENCE.as_secs());
            return Err(refused(io::ErrorKind::TimedOut, &problem));
        }
        match file.read(&mut block) {
            // Without a writer a read returns 0 as well. That is no end before a writer came.
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

/// Reads the bytes of a picture before it is decoded. A semaphore limits how many pictures are in memory undecoded. A
/// slow read gives its permit back, since it would delay all others.
///
/// # Errors
/// The error of `read`, or the reason why it could not be started.
pub async fn ahead(read: impl FnOnce() -> Result<Bytes, Error> + Send + 'static) -> Result<Bytes, Error> {
    /// A read that takes longer counts as slow.
    const SLOW: Duration = Duration::from_millis(100);
    let cores = std::thread::available_parallelism().map_or(2, NonZero::get);
    let room = ROOM.get(|| Semaphore::new(2 * cores));
    // The semaphore is never closed.
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

/// The semaphore of [`ahead`]. One per process: a fork could copy the parent's while it is locked.
static ROOM: PerProcess<Semaphore> = PerProcess::new();

/// Bytes with their permit.
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
