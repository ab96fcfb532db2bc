#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;
use std::sync::Barrier;

use super::*;

fn write(path: &Path, text: &str) -> io::Result<()> {
    replace(path, Manner::default(), |out| out.write_all(text.as_bytes()))
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_file_is_replaced_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    write(&path, "a first text").unwrap();
    write(&path, "second").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "second");
    let failed = replace(&path, Manner::default(), |out| {
        out.write_all(b"half")?;
        Err(io::Error::other("no more"))
    });
    assert_eq!(failed.unwrap_err().to_string(), "no more");
    assert_eq!(fs::read_to_string(&path).unwrap(), "second");
    assert_eq!(names(folder.path()), ["a"]);
}

#[test]
fn a_check_leaves_everything_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    check(&path).unwrap();
    assert!(names(folder.path()).is_empty());
    write(&path, "text").unwrap();
    check(&path).unwrap();
    assert_eq!(
        (fs::read_to_string(&path).unwrap().as_str(), names(folder.path())),
        ("text", vec!["a".into()])
    );
    assert_eq!(check(folder.path()).unwrap_err().kind(), ErrorKind::IsADirectory);
    assert_eq!(check(&folder.path().join("none/a")).unwrap_err().kind(), ErrorKind::NotFound);
    assert!(check(&folder.path().join("a".repeat(300))).is_err());
}

#[test]
fn a_name_is_claimed_by_one_of_many_threads() {
    const THREADS: usize = 8;
    let folder = tempfile::tempdir().unwrap();
    let start = Barrier::new(THREADS);
    let claim = |text: String| {
        start.wait();
        claim(folder.path(), numbered("a"), Manner::default(), |out| out.write_all(text.as_bytes())).unwrap()
    };
    let claimed: BTreeSet<String> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..THREADS).map(|number| scope.spawn(move || claim(format!("text {number}")))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(claimed.len(), THREADS);
    let texts: BTreeSet<String> =
        claimed.iter().map(|name| fs::read_to_string(folder.path().join(name)).unwrap()).collect();
    assert_eq!((texts.len(), names(folder.path()).len()), (THREADS, THREADS));
}

#[test]
fn the_longest_name_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let name = "n".repeat(255);
    write(&folder.path().join(&name), "text").unwrap();
    assert_eq!(claim(folder.path(), [&name, "b"], Manner::default(), |_| Ok(())).unwrap(), "b");
}

#[cfg(unix)]
mod unix {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
    use std::os::unix::net::UnixListener;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    fn the_mode_of_the_file_that_was_there_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        for wanted in [0o600, 0o664, 0o755, 0o640] {
            write(&path, "old").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(wanted)).unwrap();
            write(&path, "new").unwrap();
            assert_eq!((mode(&path), fs::read_to_string(&path).unwrap().as_str()), (wanted, "new"));
        }
        let private = folder.path().join("private");
        replace(&private, Manner { private: true, ..Manner::default() }, |_| Ok(())).unwrap();
        assert_eq!(mode(&private), 0o600);
    }

    #[test]
    fn a_link_stays_and_its_target_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("real")).unwrap();
        symlink("real/a", at("first")).unwrap();
        symlink("first", at("link")).unwrap();
        // A link that leads to nothing yet, too.
        for text in ["one", "two"] {
            check(&at("link")).unwrap();
            write(&at("link"), text).unwrap();
            assert_eq!(fs::read_to_string(at("real/a")).unwrap(), text);
            assert!(fs::symlink_metadata(at("link")).unwrap().is_symlink());
            assert_eq!(names(&at("real")), ["a"]);
        }
        symlink("circle", at("circle")).unwrap();
        assert!(write(&at("circle"), "text").is_err());
        // A link is a name that is taken, wherever it leads.
        symlink("nowhere", at("x")).unwrap();
        assert_eq!(claim(folder.path(), numbered("x"), Manner::default(), |_| Ok(())).unwrap(), "x-2");
    }

    #[test]
    fn a_file_with_two_names_keeps_both() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("one"), folder.path().join("two"));
        fs::write(&one, "a long text").unwrap();
        fs::hard_link(&one, &two).unwrap();
        write(&one, "short").unwrap();
        assert_eq!(fs::read_to_string(&two).unwrap(), "short");
        assert_eq!(fs::metadata(&one).unwrap().ino(), fs::metadata(&two).unwrap().ino());
    }

    #[test]
    fn a_pipe_is_written_into_and_one_without_a_reader_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &path,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_bits_truncate(0o600),
            0,
        )
        .unwrap();
        assert!(is_special(&path));
        check(&path).unwrap();
        let error = write(&path, "text").unwrap_err().to_string();
        assert!(error.contains("no process reads from"), "{error}");
        // More than a pipe holds, for a reader that begins late.
        let text = "long".repeat(100_000);
        let reader = rustix::fs::open(
            &path,
            rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::NONBLOCK,
            rustix::fs::Mode::empty(),
        );
        let reader = File::from(reader.unwrap());
        let writing = std::thread::spawn({
            let (path, text) = (path.clone(), text.clone());
            move || write(&path, &text)
        });
        let mut read: Vec<u8> = Vec::new();
        while read.len() < text.len() {
            let mut block = [0; 1 << 16];
            match io::Read::read(&mut &reader, &mut block) {
                Ok(len) => read.extend(block.iter().take(len)),
                Err(none) if none.kind() == ErrorKind::WouldBlock => std::thread::yield_now(),
                Err(cause) => panic!("{cause}"),
            }
        }
        writing.join().unwrap().unwrap();
        assert!(read == text.as_bytes());
        assert!(!fs::symlink_metadata(&path).unwrap().is_file());
    }

    #[test]
    fn devices_and_sockets_are_written_into() {
        let folder = tempfile::tempdir().unwrap();
        write(Path::new("/dev/null"), "text").unwrap();
        if cfg!(target_os = "linux") {
            let full = write(Path::new("/dev/full"), "text").unwrap_err();
            assert_eq!(full.kind(), ErrorKind::StorageFull);
        }
        let path = folder.path().join("socket");
        let listener = UnixListener::bind(&path).unwrap();
        write(&path, "text").unwrap();
        let mut read = String::new();
        io::Read::read_to_string(&mut listener.accept().unwrap().0, &mut read).unwrap();
        assert_eq!((read.as_str(), is_special(&path)), ("text", true));
    }

    /// A stream of a process that is a file: others hold it open.
    #[cfg(target_os = "linux")]
    #[test]
    fn an_open_file_of_a_process_is_written_in_place() {
        use std::os::fd::AsRawFd as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let held = File::create(&path).unwrap();
        let stream = PathBuf::from(format!("/proc/self/fd/{}", held.as_raw_fd()));
        assert!(is_special(&stream));
        write(&stream, "text").unwrap();
        assert_eq!(held.metadata().unwrap().ino(), fs::metadata(&path).unwrap().ino());
        assert_eq!(fs::read_to_string(&path).unwrap(), "text");
    }

    #[test]
    fn every_name_that_the_disk_takes_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        for name in [&b"caf\xe9"[..], b"-rf", b"a b.", b" ", b"a\nb"] {
            let path = folder.path().join(OsStr::from_bytes(name));
            check(&path).unwrap();
            write(&path, "old").unwrap();
            write(&path, "new").unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), "new", "{name:?}");
        }
        assert_eq!(names(folder.path()).len(), 5);
    }
}

#[test]
fn folders_are_made_with_those_above_them() {
    let home = tempfile::tempdir().unwrap();
    let deep = home.path().join("a/b/c");
    make_folder(&deep, false).unwrap();
    make_folder(&deep, true).unwrap();
    assert!(deep.is_dir());
    fs::write(home.path().join("file"), "x").unwrap();
    assert!(make_folder(&home.path().join("file/below"), false).is_err());
}
