//! The command's standard streams. Closed ones are reopened, and failed writes are errors.
//!
//! Paths and JSON go to standard output, everything for people to standard error.

use std::io::{self, Read as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use nanobanana::error::{Error, Kind};
use nanobanana::schema::Case;
use nanobanana_base::message::Message;

/// True if standard output was closed when the command started.
static IS_CLOSED: AtomicBool = AtomicBool::new(false);

/// Opens closed standard streams as the null device, so that no other file gets their descriptors.
pub(super) fn open_streams() {
    #[cfg(unix)]
    IS_CLOSED.store(unix::open_streams(), Relaxed);
}

/// The reason why standard output cannot take a picture, if there is one before the call.
pub(super) fn no_output() -> Option<&'static str> {
    if IS_CLOSED.load(Relaxed) {
        return Some("standard output is closed");
    }
    if io::IsTerminal::is_terminal(&io::stdout()) {
        return Some("standard output is a terminal, which shows no picture");
    }
    #[cfg(unix)]
    if unix::has_no_reader() {
        return Some("no process reads standard output any more");
    }
    None
}

pub(super) fn stdin() -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    io::stdin().read_to_end(&mut bytes).map_err(|cause| {
        Error::new(Kind::NanoBananaError, format!("cannot read standard input: {cause}")).because(cause)
    })?;
    Ok(bytes)
}

/// Writes all bytes to standard output. Blocks while the reader of a pipe does not read.
pub(super) fn print(bytes: &[u8]) -> Result<(), Error> {
    write(bytes).map_err(failed)
}

fn write(bytes: &[u8]) -> io::Result<()> {
    #[cfg(unix)]
    return unix::print(bytes);
    #[cfg(not(unix))]
    {
        let mut out = io::stdout().lock();
        out.write_all(bytes).and_then(|()| out.flush())
    }
}

fn failed(cause: io::Error) -> Error {
    Error::new(Kind::NanoBananaError, format!("cannot write to standard output: {cause}")).because(cause)
}

/// Prints the answer of a command that only shows something. A reader that closes the pipe, such as `head`, has seen
/// enough, so that is no error.
pub(super) fn listing(text: &str) -> Result<(), Error> {
    match write(format!("{text}\n").as_bytes()) {
        Err(cause) if cause.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(failed),
    }
}

/// Prints a line to standard output, or to standard error if standard output was closed from the start.
pub(super) fn line(text: &str) -> Result<(), Error> {
    if IS_CLOSED.load(Relaxed) {
        tell(format_args!("{text}"));
        return Ok(());
    }
    print(format!("{text}\n").as_bytes())
}

/// Prints a line for people to standard error. Errors are ignored: then nobody reads it.
pub(super) fn tell(text: std::fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "{text}");
}

pub(super) fn warn(warnings: &[Message]) {
    for warning in warnings {
        tell(format_args!("warning: {}", warning.render(Case::Shell)));
    }
}

#[cfg(unix)]
mod unix {
    use std::fs::{File, OpenOptions};
    use std::io;
    use std::os::fd::{AsFd as _, AsRawFd as _, IntoRawFd as _};
    use std::os::unix::fs::MetadataExt as _;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::fs::OFlags;

    use nanobanana_base::save::write_patiently;

    /// Returns true if standard output was closed.
    pub fn open_streams() -> bool {
        let mut is_closed = false;
        // A new file gets the lowest free descriptor.
        while let Ok(null) = OpenOptions::new().read(true).write(true).open("/dev/null") {
            match null.as_raw_fd() {
                number @ 0..=2 => {
                    is_closed |= number == 1;
                    // The descriptor stays open for the life of the process.
                    let _ = null.into_raw_fd();
                }
                _ => break,
            }
        }
        is_closed || is_null()
    }

    /// Detects a stream that Rust or Node reopened: shells open the null device for writing only.
    fn is_null() -> bool {
        let out = io::stdout();
        let is_both = rustix::fs::fcntl_getfl(&out).is_ok_and(|flags| flags & OFlags::RWMODE == OFlags::RDWR);
        let device = |file: &File| file.metadata().map(|file| file.rdev()).ok().filter(|device| *device != 0);
        let own = out.as_fd().try_clone_to_owned().ok().and_then(|own| device(&own.into()));
        is_both && own.is_some() && own == File::open("/dev/null").ok().and_then(|null| device(&null))
    }

    /// True for a pipe or a socket whose other end is closed.
    pub fn has_no_reader() -> bool {
        let out = io::stdout();
        let mut polled = [PollFd::new(&out, PollFlags::empty())];
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        let [out] = match poll(&mut polled, Some(&at_once)) {
            Ok(_) => polled,
            Err(_) => return false,
        };
        out.revents().contains(PollFlags::ERR)
    }

    /// Bypasses the standard library's buffer, which reports success for a closed stream.
    pub fn print(mut bytes: &[u8]) -> io::Result<()> {
        let mut out = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        while !bytes.is_empty() {
            match write_patiently(&mut out, bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) => return Err(cause),
            }
        }
        Ok(())
    }
}
