//! Writes files. All methods and commands follow the same rules:
//!
//! - A file that the caller named exactly is replaced atomically ([`replace`]). Symbolic links are followed; the mode
//!   and the owner of the old file are kept. Devices, pipes, sockets, bind mounts, files with several hard links and
//!   files in a folder without write permission are written in place, which cannot be atomic. A read-only file is not
//!   replaced.
//! - A name that is chosen here is claimed ([`claim`]): an existing file is never replaced, also if another thread or
//!   process chooses the same name at the same time.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Seek as _, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The durability of a written file after a power cut. After the end of the process every file is complete.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Durable {
    /// No guarantee.
    #[default]
    No,
    /// If the folder entry survives, the contents are complete.
    Contents,
    /// The contents and the folder entry survive.
    Entry,
}

/// How a file is written.
#[derive(Debug, Clone, Copy, Default)]
pub struct Manner {
    /// The durability after a power cut.
    pub durable: Durable,
    /// True if only the owner can read a new file.
    pub private: bool,
}

impl Manner {
    /// A file with this durability.
    pub fn durable(durable: Durable) -> Self {
        Manner { durable, ..Manner::default() }
    }
}

/// The extension of temporary files.
const PART: &str = "part";
/// The prefix of temporary files. It is hidden, and short: the name fits wherever the file's own name does.
const HIDDEN: &str = ".nanobanana-";

/// How long the reader of a pipe may read nothing before the write fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// The maximum number of symbolic links that are followed; systems follow fewer.
const MOST_LINKS: usize = 40;

/// Writes a file at `path`, and replaces an existing one.
pub fn replace(
    path: &Path,
    manner: Manner,
    fill: impl FnOnce(&mut Output) -> io::Result<()>,
) -> io::Result<()> {
    match Target::of(path)? {
        Target::Special(there) => {
            let mut out = Output { file: open_special(path, &there)?, is_special: true };
            fill(&mut out)
        }
        Target::New(target) => {
            let mut part = Part::beside(&target, None, manner)?;
            fill(&mut part.out)?;
            part.becomes(&target, manner)
        }
        Target::File { there, alone } => {
            // A read-only file is refused here.
            let old = OpenOptions::new().write(true).open(path)?;
            let part =
                alone.and_then(|target| Some((Part::beside(&target, Some(&there), manner).ok()?, target)));
            let Some((mut part, target)) = part else { return in_place(old, manner, fill) };
            fill(&mut part.out)?;
            // Windows does not rename over an open file.
            drop(old);
            let Err(cause) = part.becomes(&target, manner) else { return Ok(()) };
            if !is_in_the_way(&cause) {
                return Err(cause);
            }
            // The file is a bind mount, or belongs to another user in a folder such as /tmp.
            let mut whole = File::open(&part.path)?;
            let old = OpenOptions::new().write(true).open(path)?;
            in_place(old, manner, |out| out.copy(&mut whole).map(drop))
        }
    }
}

/// Checks that [`replace`] can write to `path`, without changing an existing file.
pub fn check(path: &Path) -> io::Result<()> {
    match Target::of(path)? {
        // Opening and closing a pipe would end it for the reader.
        Target::Special(_) => Ok(()),
        Target::New(target) => check_folder(folder_of(&target)),
        Target::File { there, alone } => {
            OpenOptions::new().write(true).open(path)?;
            match alone.map(|target| Part::beside(&target, Some(&there), Manner::default())) {
                Some(Ok(mut part)) => part.out.write_all(b"x"),
                // The file will be written in place.
                Some(Err(_)) | None => Ok(()),
            }
        }
    }
}

/// Checks that files can be created in a folder, by writing and removing one.
pub fn check_folder(folder: &Path) -> io::Result<()> {
    Part::in_folder(folder, None, Manner::default())?.out.write_all(b"x")
}

/// True for a device, a pipe or a socket, and for a stream of this process such as /dev/stdout.
pub fn is_special(path: &Path) -> bool {
    match Target::of(path) {
        Ok(Target::Special(_)) => true,
        Ok(Target::File { .. }) => resolved(path).is_ok_and(|(_, is_stream)| is_stream),
        Ok(Target::New(_)) | Err(_) => false,
    }
}

/// Writes a file atomically under the first free name in a folder, and returns that name.
pub fn claim<N: AsRef<Path>>(
    folder: &Path,
    names: impl IntoIterator<Item = N>,
    manner: Manner,
    fill: impl FnOnce(&mut Output) -> io::Result<()>,
) -> io::Result<N> {
    let mut part = Part::in_folder(folder, None, manner)?;
    fill(&mut part.out)?;
    part.settle(manner)?;
    for name in names {
        match part.claims(&folder.join(&name)) {
            Err(taken) if taken.kind() == ErrorKind::AlreadyExists => {}
            outcome => {
                outcome?;
                if manner.durable == Durable::Entry {
                    sync_folder(folder)?;
                }
                return Ok(name);
            }
        }
    }
    Err(io::Error::other("no name is free"))
}

/// `stem`, `stem-2`, `stem-3` and so on.
pub fn numbered(stem: &str) -> impl Iterator<Item = String> {
    (1u32..).map(move |number| if number == 1 { stem.to_owned() } else { format!("{stem}-{number}") })
}

/// True for the name of a temporary file.
pub fn is_part(name: &str) -> bool {
    name.starts_with(HIDDEN) && name.strip_suffix(PART).is_some_and(|name| name.ends_with('.'))
}

/// Syncs a folder's entries, on systems that can.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    match File::open(or_here(folder)).and_then(|folder| folder.sync_all()) {
        // Some file systems do not support syncing a folder.
        Err(cause) if matches!(cause.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        outcome => outcome,
    }
}

/// Creates a folder and its missing parents, and syncs the entry of each: a new folder is durable once its parent is
/// synced. With `is_private` only the owner has access.
pub fn make_folder(folder: &Path, is_private: bool) -> io::Result<()> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    let above = folder.parent().unwrap_or(Path::new(""));
    make_folder(above, is_private)?;
    #[cfg_attr(not(unix), allow(unused_mut))]
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    if is_private {
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    }
    match builder.create(folder) {
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(cause) => Err(cause),
        Ok(()) => sync_folder(above),
    }
}

/// A file that is being written.
pub struct Output {
    file: File,
    is_special: bool,
}

impl Output {
    /// Copies a whole file, and returns the number of bytes.
    pub fn copy(&mut self, from: &mut File) -> io::Result<u64> {
        // Between regular files the kernel can copy the data itself.
        if self.is_special { io::copy(from, self) } else { io::copy(from, &mut self.file) }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_special { write_patiently(&mut self.file, bytes) } else { self.file.write(bytes) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Writes to a non-blocking file, and waits for at most [`PATIENCE`] until it accepts data.
pub fn write_patiently(out: &mut impl Write, bytes: &[u8]) -> io::Result<usize> {
    const STEP: Duration = Duration::from_millis(5);
    let mut waited = Duration::ZERO;
    loop {
        match out.write(bytes) {
            Err(full) if full.kind() == ErrorKind::WouldBlock && waited < PATIENCE => {
                std::thread::sleep(STEP);
                waited += STEP;
            }
            Err(full) if full.kind() == ErrorKind::WouldBlock => {
                let problem = format!("its reader took nothing for {} seconds", PATIENCE.as_secs());
                return Err(io::Error::new(ErrorKind::TimedOut, problem));
            }
            outcome => return outcome,
        }
    }
}

/// The kind of file at a path.
enum Target {
    /// No file yet. The path is the target of the links.
    New(PathBuf),
    /// A regular file; `alone` is its path without links if it can be replaced atomically.
    File { there: Metadata, alone: Option<PathBuf> },
    /// A device, a pipe or a socket.
    Special(Metadata),
}

impl Target {
    fn of(path: &Path) -> io::Result<Self> {
        let there = match fs::metadata(path) {
            Ok(there) => there,
            Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(Target::New(resolved(path)?.0)),
            Err(cause) => return Err(cause),
        };
        if there.is_dir() {
            return Err(io::Error::new(ErrorKind::IsADirectory, "it is a folder; name a file in it"));
        }
        if !there.is_file() {
            return Ok(Target::Special(there));
        }
        let (target, is_stream) = resolved(path)?;
        let alone = !is_stream && has_one_name(&there) && is_same(&target, &there);
        Ok(Target::File { there, alone: alone.then_some(target) })
    }
}

/// Follows the symbolic links of the path's last component. The second value is true if they lead through a stream of
/// a process, whose file other processes hold open.
fn resolved(path: &Path) -> io::Result<(PathBuf, bool)> {
    let is_stream = |path: &Path| path.starts_with("/proc") || path.starts_with("/dev/fd");
    let (mut path, mut through) = (path.to_owned(), is_stream(path));
    for _ in 0..MOST_LINKS {
        let Ok(to) = fs::read_link(&path) else { return Ok((path, through)) };
        path = folder_of(&path).join(to);
        through |= is_stream(&path);
    }
    Err(io::Error::other("its links lead around in a circle"))
}

fn folder_of(path: &Path) -> &Path {
    or_here(path.parent().unwrap_or(Path::new("")))
}

fn or_here(folder: &Path) -> &Path {
    if folder.as_os_str().is_empty() { Path::new(".") } else { folder }
}

#[cfg(unix)]
fn has_one_name(file: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::nlink(file) <= 1
}

#[cfg(unix)]
fn is_same(path: &Path, file: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    fs::symlink_metadata(path).is_ok_and(|it| (it.dev(), it.ino()) == (file.dev(), file.ino()))
}

#[cfg(not(unix))]
fn has_one_name(_file: &Metadata) -> bool {
    true
}

#[cfg(not(unix))]
fn is_same(_path: &Path, _file: &Metadata) -> bool {
    true
}

/// Opens a device, a pipe or a socket without waiting for its other end.
#[cfg(unix)]
fn open_special(path: &Path, there: &Metadata) -> io::Result<File> {
    use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};

    use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

    let kind = there.file_type();
    if kind.is_socket() {
        let socket =
            rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::empty(), None)?;
        rustix::io::ioctl_fionbio(&socket, true)?;
        rustix::net::connect(&socket, &SocketAddrUnix::new(path)?)?;
        return Ok(File::from(socket));
    }
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
    let opened = OpenOptions::new().write(true).custom_flags(flags.bits().cast_signed()).open(path);
    opened.map_err(|cause| match cause.raw_os_error() {
        Some(code) if kind.is_fifo() && code == rustix::io::Errno::NXIO.raw_os_error() => io::Error::new(
            ErrorKind::BrokenPipe,
            "it is a pipe that no process reads from; start its reader first",
        ),
        _ => cause,
    })
}

#[cfg(not(unix))]
fn open_special(path: &Path, _there: &Metadata) -> io::Result<File> {
    OpenOptions::new().write(true).open(path)
}

/// True if a rename failed for a reason that does not prevent writing in place.
fn is_in_the_way(cause: &io::Error) -> bool {
    use ErrorKind::{CrossesDevices, PermissionDenied, ReadOnlyFilesystem, ResourceBusy};
    matches!(cause.kind(), ResourceBusy | CrossesDevices | PermissionDenied | ReadOnlyFilesystem)
}

/// Overwrites the contents of a file. If this is interrupted, the file stays incomplete.
fn in_place(file: File, manner: Manner, fill: impl FnOnce(&mut Output) -> io::Result<()>) -> io::Result<()> {
    let mut out = Output { file, is_special: false };
    fill(&mut out)?;
    let mut file = out.file;
    let end = file.stream_position()?;
    file.set_len(end)?;
    if manner.durable == Durable::No { Ok(()) } else { file.sync_data() }
}

/// A temporary file. It is removed on drop unless it was renamed.
struct Part {
    path: PathBuf,
    out: Output,
    is_done: bool,
}

impl Part {
    /// Creates one in the folder of `target`, with the mode and the owner of the existing file.
    fn beside(target: &Path, there: Option<&Metadata>, manner: Manner) -> io::Result<Self> {
        Self::in_folder(folder_of(target), there, manner)
    }

    fn in_folder(folder: &Path, there: Option<&Metadata>, manner: Manner) -> io::Result<Self> {
        // The process id is needed because a fork draws the same random numbers.
        let name = format!("{HIDDEN}{}-{:08x}.{PART}", std::process::id(), fastrand::u32(..));
        let path = or_here(folder).join(name);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        if manner.private || there.is_some() {
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        }
        #[cfg(not(unix))]
        let _ = manner;
        let file = options.open(&path)?;
        let part = Part { path, out: Output { file, is_special: false }, is_done: false };
        if let Some(there) = there {
            part.takes_after(there)?;
        }
        Ok(part)
    }

    #[cfg(unix)]
    fn takes_after(&self, there: &Metadata) -> io::Result<()> {
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};
        let file = &self.out.file;
        let new = file.metadata()?;
        if (new.uid(), new.gid()) != (there.uid(), there.gid()) {
            fchown(file, Some(there.uid()), Some(there.gid()))?;
        }
        file.set_permissions(fs::Permissions::from_mode(there.mode() & 0o7777))
    }

    #[cfg(not(unix))]
    fn takes_after(&self, _there: &Metadata) -> io::Result<()> {
        Ok(())
    }

    /// Syncs the contents if they are to be durable.
    fn settle(&self, manner: Manner) -> io::Result<()> {
        if manner.durable == Durable::No { Ok(()) } else { self.out.file.sync_data() }
    }

    /// Renames the file to `target`. After an error the temporary file still exists.
    fn becomes(&mut self, target: &Path, manner: Manner) -> io::Result<()> {
        self.settle(manner)?;
        fs::rename(&self.path, target)?;
        self.is_done = true;
        if manner.durable == Durable::Entry { sync_folder(folder_of(target)) } else { Ok(()) }
    }

    /// Takes a free name atomically.
    fn claims(&mut self, target: &Path) -> io::Result<()> {
        match fs::hard_link(&self.path, target) {
            Ok(()) => Ok(()),
            Err(taken) if taken.kind() == ErrorKind::AlreadyExists => Err(taken),
            // The file system has no hard links: an empty file reserves the name until the rename.
            Err(_) => {
                OpenOptions::new().write(true).create_new(true).open(target)?;
                fs::rename(&self.path, target).inspect_err(|_| {
                    let _ = fs::remove_file(target);
                })?;
                self.is_done = true;
                Ok(())
            }
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.is_done {
            // A file that cannot be removed does no harm.
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
#[path = "save/tests.rs"]
mod tests;
