//! Answers kept in a folder, so that a request that was answered before costs nothing.
//!
//! A file is one answer as it came, to be folded by the code that folds live ones. Processes share
//! nothing but the folder: a file is written whole or not at all, its hash is checked when it is read,
//! and one that vanishes is one that is not there.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::{Buf as _, Bytes};

use crate::blocking;
use crate::digest::Digest;
use crate::error::{Error, Kind};
use crate::http::json::Cut;
use crate::options;
use crate::save::make_folder;
use crate::save::{self, Durable, Manner};

/// A folder of answers. Cheap to clone; it holds no lock and no open file.
#[derive(Clone)]
pub(crate) struct Cache(Arc<Inner>);

struct Inner {
    folder: PathBuf,
    max_bytes: u64,
    max_age: Option<Duration>,
    /// What was written since the folder was last looked through; at first, enough to do that.
    unseen: AtomicU64,
    /// True if the folder has entries of version 0.1.0, whose keys have another form.
    has_first_entries: bool,
}

/// The limit of a folder's answers, if none is named: 5 GB.
const MAX_BYTES: u64 = 5_000_000_000;

/// What a file starts with, and its version. After it come the SHA-256 of all that follows; when the
/// answer came (milliseconds since 1970); the number of its values, and for each the length of its text, the
/// number of its pictures and their lengths; then texts and pictures in that order. Numbers have 8 bytes,
/// the lowest first.
const START: &[u8] = b"nanobanana reply 1\n";

/// What a file of any version starts with.
const ANY_START: &[u8] = b"nanobanana reply ";

/// A file in the making that is older than this belongs to a process that died.
const ABANDONED: Duration = Duration::from_secs(3600);

impl Cache {
    /// The cache in this folder, which is made if it is not there.
    ///
    /// # Errors
    /// [`Kind::ConfigError`] if files cannot be written in it.
    pub fn new(options: &options::Cache) -> Result<Self, Error> {
        let named = options.path.as_deref().unwrap_or_default();
        let usable = || {
            let folder = std::path::absolute(named)?;
            make_folder(&folder, true)?;
            save::check_folder(&folder)?;
            Ok(folder)
        };
        let folder = usable().map_err(|cause: io::Error| {
            let problem = format!(
                "the folder {named:?} of `cache` cannot be used: {cause}. Name one that can be written, or leave `cache` out"
            );
            Error::new(Kind::ConfigError, problem).because(cause)
        })?;
        let has_first_entries = shelves(&folder).any(|(_, is_first)| is_first);
        Ok(Cache(Arc::new(Inner {
            folder,
            has_first_entries,
            max_bytes: options.max_bytes.unwrap_or(MAX_BYTES),
            max_age: options.max_age.map(|age| age.duration()),
            unseen: AtomicU64::new(u64::MAX / 2),
        })))
    }

    /// The answer that was kept under this key, and not too long ago.
    pub async fn get(&self, key: &str) -> Option<Vec<Cut>> {
        let (inner, path) = (self.0.clone(), self.0.place(key)?);
        blocking::disk(move || inner.find(&path)).await.ok()?
    }

    /// True if the folder may have entries of version 0.1.0.
    pub fn has_first_entries(&self) -> bool {
        self.0.has_first_entries
    }

    /// As [`Cache::get`], for an entry of version 0.1.0.
    pub async fn get_first(&self, key: &str) -> Option<Vec<Cut>> {
        let (inner, path) = (self.0.clone(), self.0.first_place(key)?);
        blocking::disk(move || inner.find(&path)).await.ok()?
    }

    /// The model of the last entry for a call that named no model. `key` is the call's key without a model.
    pub async fn default_model(&self, key: &str) -> Option<String> {
        let path = self.0.place(key)?.with_extension("model");
        blocking::disk(move || fs::read_to_string(path).ok()).await.ok()?
    }

    /// Stores the model for [`Cache::default_model`]. A failure is ignored: a later warning is missing, nothing else.
    pub async fn set_default_model(&self, key: &str, model: &str) {
        let Some(path) = self.0.place(key).map(|path| path.with_extension("model")) else { return };
        let model = model.to_owned();
        let work = blocking::disk(move || {
            path.parent().map_or(Ok(()), |folder| make_folder(folder, true))?;
            let manner = Manner { private: true, ..Manner::default() };
            save::replace(&path, manner, |out| out.write_all(model.as_bytes()))
        });
        let _ = work.await;
    }

    /// Keeps an answer, in the place of one that is there; one that is larger than the whole cache may be is
    /// not kept. Then what was not used for the longest time goes, until the rest fits.
    ///
    /// # Errors
    /// [`Kind::ConfigError`] if it cannot be written. The answer itself is as good as before.
    pub async fn put(&self, key: &str, cuts: Vec<Cut>) -> Result<(), Error> {
        let (inner, path) = (self.0.clone(), self.0.place(key));
        let work = blocking::kept(move || match path {
            Some(path) => inner.keep(&path, &cuts),
            None => Err(io::Error::new(io::ErrorKind::InvalidInput, "its key is no name of a file")),
        });
        work.await.unwrap_or_else(|lost| Err(lost.into())).map_err(|cause| {
            let folder = self.0.folder.display();
            let problem = format!("the answer could not be kept in the cache {folder}: {cause}");
            Error::new(Kind::ConfigError, problem).because(cause)
        })
    }
}

impl Inner {
    /// The path of a key's entry. Its folder is named by the form of the keys and the key's first two letters: some
    /// file systems are slow with many files in one folder. `None` if the key is no digest.
    fn place(&self, key: &str) -> Option<PathBuf> {
        let start = key.get(..2).filter(|_| is_key(key))?;
        Some(self.folder.join(format!("{FORM}{start}")).join(format!("{key}.reply")))
    }

    /// The path of an entry of version 0.1.0.
    fn first_place(&self, key: &str) -> Option<PathBuf> {
        let start = key.get(..2).filter(|_| is_key(key))?;
        Some(self.folder.join(start).join(format!("{key}.reply")))
    }

    fn find(&self, path: &Path) -> Option<Vec<Cut>> {
        // Windows lets only those who may write tell when a file was used.
        let mut file =
            OpenOptions::new().read(true).write(true).open(path).or_else(|_| File::open(path)).ok()?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).ok()?;
        if bytes.starts_with(ANY_START) && !bytes.starts_with(START) {
            return None;
        }
        let Some((made, cuts)) = read(bytes.into()) else {
            // If that fails, the next answer replaces it.
            let _ = fs::remove_file(path);
            return None;
        };
        let made = UNIX_EPOCH.checked_add(Duration::from_millis(made))?;
        // One from the future, by a clock that was wrong, is new.
        let age = made.elapsed().unwrap_or_default();
        if self.max_age.is_some_and(|most| age > most) {
            return None;
        }
        // Where it cannot be marked as used, it only goes too early.
        let _ = file.set_modified(SystemTime::now());
        Some(cuts)
    }

    fn keep(&self, path: &Path, cuts: &[Cut]) -> io::Result<()> {
        let made = UNIX_EPOCH.elapsed().unwrap_or_default().as_millis() as u64;
        let mut table = vec![made, cuts.len() as u64];
        for cut in cuts {
            table.extend([cut.text.len() as u64, cut.pictures.len() as u64]);
            table.extend(cut.pictures.iter().map(|picture| picture.len() as u64));
        }
        let table: Vec<u8> = table.into_iter().flat_map(u64::to_le_bytes).collect();
        let contents = cuts
            .iter()
            .flat_map(|cut| std::iter::once(cut.text.as_bytes()).chain(cut.pictures.iter().map(|p| &p[..])));
        let rest = std::iter::once(&table[..]).chain(contents);
        let sum = Digest::of(rest.clone());
        let pieces = [START, sum.bytes()].into_iter().chain(rest);
        let len: u64 = pieces.clone().map(|piece| piece.len() as u64).sum();
        if len > self.max_bytes {
            return Ok(());
        }
        path.parent().map_or(Ok(()), |folder| make_folder(folder, true))?;
        // An entry that a power cut destroys would have to be paid for again.
        let manner = Manner { private: true, durable: Durable::Entry };
        save::replace(path, manner, |out| pieces.into_iter().try_for_each(|piece| out.write_all(piece)))?;
        let unseen = self.unseen.fetch_add(len, Ordering::Relaxed).saturating_add(len);
        if unseen < self.slack() {
            return Ok(());
        }
        self.unseen.store(0, Ordering::Relaxed);
        self.evict(path)
    }

    /// How much is written before the folder is looked through again. By so much several processes can
    /// pass the limit for a while, each; one alone cannot, since so much less than the limit is left.
    fn slack(&self) -> u64 {
        self.max_bytes / 16
    }

    /// Removes what was not used for the longest time, but not the newest.
    fn evict(&self, newest: &Path) -> io::Result<()> {
        let mut total = 0;
        let mut entries = Vec::new();
        // Files with other names may be the user's. They are neither counted nor removed.
        for (folder, _) in shelves(&self.folder) {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let Ok(metadata) = entry.metadata() else { continue };
                let (path, used) = (entry.path(), metadata.modified().unwrap_or(UNIX_EPOCH));
                let name = entry.file_name();
                let Some(name) = name.to_str().filter(|_| metadata.is_file()) else { continue };
                let (key, kind) = name.split_once('.').unwrap_or_default();
                // The temporary files of version 0.1.0 have other names.
                let was_part = || is_key(key) && kind.starts_with("reply.") && kind.ends_with(".part");
                if is_key(key) && (kind == "reply" || kind == "model") {
                    total += metadata.len();
                    if path != newest {
                        entries.push((used, path, metadata.len()));
                    }
                } else if (save::is_part(name) || was_part())
                    && used.elapsed().is_ok_and(|age| age > ABANDONED)
                {
                    let _ = fs::remove_file(path);
                }
            }
        }
        entries.sort_unstable();
        let mut trouble = None;
        for (_, path, len) in entries {
            if total <= self.max_bytes - self.slack() {
                break;
            }
            match fs::remove_file(path) {
                Err(cause) if cause.kind() != io::ErrorKind::NotFound => trouble = Some(cause),
                _ => total -= len,
            }
        }
        match trouble {
            Some(cause) if total > self.max_bytes => Err(cause),
            _ => Ok(()),
        }
    }
}

/// The number of the keys' form, the first letter of each folder's name. Version 0.1.0 wrote none.
const FORM: &str = "2";

/// True for 64 hexadecimal digits in lower case.
fn is_key(key: &str) -> bool {
    key.len() == 64 && key.bytes().all(|letter| matches!(letter, b'0'..=b'9' | b'a'..=b'f'))
}

/// The folders that hold entries, each with true if its keys have the form of version 0.1.0.
fn shelves(folder: &Path) -> impl Iterator<Item = (PathBuf, bool)> + use<> {
    fs::read_dir(folder).into_iter().flatten().flatten().filter_map(|entry| {
        let name = entry.file_name();
        let name = name.to_str()?;
        let start = name.strip_prefix(FORM).filter(|start| start.len() == 2);
        let is_first = start.is_none();
        let start = start.unwrap_or(name);
        let is_ours = start.len() == 2 && start.bytes().all(|letter| letter.is_ascii_hexdigit());
        (is_ours && entry.file_type().is_ok_and(|kind| kind.is_dir())).then(|| (entry.path(), is_first))
    })
}

/// When an answer came, and the answer; none if the file is damaged.
fn read(mut bytes: Bytes) -> Option<(u64, Vec<Cut>)> {
    bytes = bytes.strip_prefix(START).map(|rest| bytes.slice_ref(rest))?;
    let sum = (bytes.len() >= 32).then(|| bytes.split_to(32))?;
    if Digest::of([&bytes[..]]).bytes() != &sum[..] {
        return None;
    }
    let mut number = || bytes.try_get_u64_le().ok();
    let (made, count) = (number()?, number()?);
    let mut lengths = Vec::new();
    for _ in 0..count {
        let (text, pictures) = (number()?, number()?);
        lengths.push((text, (0..pictures).map(|_| number()).collect::<Option<Vec<u64>>>()?));
    }
    let mut content = |len: u64| {
        let len = usize::try_from(len).ok().filter(|len| *len <= bytes.len())?;
        Some(bytes.split_to(len))
    };
    let mut cuts = Vec::new();
    for (text, pictures) in lengths {
        cuts.push(Cut {
            text: String::from_utf8(content(text)?.into()).ok()?,
            pictures: pictures.into_iter().map(&mut content).collect::<Option<_>>()?,
        });
    }
    bytes.is_empty().then_some((made, cuts))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::options::Cache as Options;

    fn options(folder: &Path) -> Options {
        folder.to_str().unwrap().into()
    }

    fn key(number: usize) -> String {
        Digest::of([number.to_string().as_bytes()]).to_string()
    }

    fn answer(pictures: &[&[u8]]) -> Vec<Cut> {
        let pictures = pictures.iter().map(|picture| Bytes::copy_from_slice(picture)).collect();
        vec![
            Cut { text: r#"{"text":"„ripe“"}"#.to_owned(), pictures: Vec::new() },
            Cut { text: r#"{"data":0}"#.to_owned(), pictures },
        ]
    }

    /// One whose file has about this many bytes.
    fn weighing(bytes: usize) -> Vec<Cut> {
        answer(&[&vec![7; bytes]])
    }

    fn files(folder: &Path) -> Vec<PathBuf> {
        let entries = |folder: &Path| {
            let found: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
            found
        };
        entries(folder)
            .into_iter()
            .flat_map(|path| if path.is_dir() { entries(&path) } else { vec![path] })
            .collect()
    }

    fn weight(folder: &Path) -> u64 {
        files(folder).iter().map(|path| path.metadata().unwrap().len()).sum()
    }

    /// Sets when an answer was last used.
    fn used(cache: &Cache, key: &str, hours_ago: u64) {
        let file = File::options().write(true).open(cache.0.place(key).unwrap()).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(3600 * hours_ago)).unwrap();
    }

    #[tokio::test]
    async fn an_answer_comes_back_as_it_went_in_for_another_cache_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        let cache = Cache::new(&options(&path)).unwrap();
        for (number, cuts) in
            [answer(&[b"one", b"", &[9; 1 << 20]]), answer(&[]), Vec::new()].into_iter().enumerate()
        {
            assert_eq!(cache.get(&key(number)).await, None);
            cache.put(&key(number), cuts.clone()).await.unwrap();
            let other = Cache::new(&options(&path)).unwrap();
            assert_eq!(other.get(&key(number)).await, Some(cuts));
        }
        cache.put(&key(0), answer(&[b"new"])).await.unwrap();
        assert_eq!(cache.get(&key(0)).await, Some(answer(&[b"new"])));
        assert_eq!(files(&path).len(), 3, "nothing is left behind");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn nobody_else_can_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache");
        let cache = Cache::new(&options(&path)).unwrap();
        cache.put(&key(1), answer(&[b"one"])).await.unwrap();
        // A file of its own, in a folder of its own.
        cache.set_default_model(&key(2), "gemini-a").await;
        let files = files(&path);
        assert_eq!(files.len(), 2);
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        for file in &files {
            assert_eq!((mode(&path), mode(file.parent().unwrap()), mode(file)), (0o700, 0o700, 0o600));
        }
    }

    #[tokio::test]
    async fn what_is_damaged_or_cut_off_anywhere_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(&options(folder.path())).unwrap();
        let path = cache.0.place(&key(1)).unwrap();
        cache.put(&key(1), answer(&[b"one", b"two"])).await.unwrap();
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            // In the first line stands the version.
            if at >= START.len() {
                let mut damaged = whole.clone();
                damaged[at] ^= 1;
                fs::write(&path, damaged).unwrap();
                assert_eq!(cache.get(&key(1)).await, None, "byte {at} is another");
                assert!(!path.exists(), "byte {at} is another");
            }
            fs::write(&path, &whole[..at]).unwrap();
            assert_eq!(cache.get(&key(1)).await, None, "it ends at {at}");
        }
        fs::write(&path, [&whole[..], b"more"].concat()).unwrap();
        assert_eq!(cache.get(&key(1)).await, None);
        fs::write(&path, &whole).unwrap();
        assert_eq!(cache.get(&key(1)).await, Some(answer(&[b"one", b"two"])));
    }

    #[tokio::test]
    async fn one_of_another_version_is_left_to_those_who_can_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(&options(folder.path())).unwrap();
        let path = cache.0.place(&key(1)).unwrap();
        cache.put(&key(1), answer(&[b"one"])).await.unwrap();
        let mut bytes = fs::read(&path).unwrap();
        bytes[ANY_START.len()] = b'2';
        fs::write(&path, &bytes).unwrap();
        assert_eq!(cache.get(&key(1)).await, None);
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }

    #[tokio::test]
    async fn one_that_is_too_old_is_none_however_lately_it_was_used() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(&options(folder.path())).unwrap();
        cache.put(&key(1), answer(&[b"one"])).await.unwrap();
        tokio::time::sleep(Duration::from_millis(30)).await;
        assert!(cache.get(&key(1)).await.is_some());
        let with = |age: f64| Cache::new(&options(folder.path()).max_age(age)).unwrap();
        assert_eq!(with(0.02).get(&key(1)).await, None);
        assert!(with(3600.0).get(&key(1)).await.is_some());
    }

    #[tokio::test]
    async fn what_was_not_used_for_the_longest_time_goes_first() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(&options(folder.path()).max_bytes(100_000u64)).unwrap();
        for number in 0..4 {
            cache.put(&key(number), weighing(20_000)).await.unwrap();
            used(&cache, &key(number), 10 - number as u64);
        }
        assert!(cache.get(&key(0)).await.is_some(), "which is a use");
        cache.put(&key(4), weighing(20_000)).await.unwrap();
        let there = async |number| cache.0.place(&key(number)).unwrap().exists();
        assert_eq!(
            [there(0).await, there(1).await, there(2).await, there(3).await, there(4).await],
            [true, false, true, true, true]
        );
        cache.put(&key(5), weighing(95_000)).await.unwrap();
        assert_eq!(files(folder.path()), [cache.0.place(&key(5)).unwrap()], "the newest is never removed");
        cache.put(&key(6), weighing(100_001)).await.unwrap();
        assert_eq!(files(folder.path()).len(), 1, "what is larger than all may be is not kept");
    }

    #[tokio::test]
    async fn one_process_never_passes_the_limit_and_does_not_look_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(&options(folder.path()).max_bytes(64_000u64)).unwrap();
        for number in 0..200 {
            cache.put(&key(number), weighing(700)).await.unwrap();
            let weight = weight(folder.path());
            assert!(weight <= 64_000, "{weight} after {number}");
            assert!(number < 100 || weight > 55_000, "only {weight} after {number}");
        }
        // By hand, and so little that it is not looked for yet.
        fs::remove_dir_all(folder.path()).unwrap();
        cache.put(&key(0), weighing(700)).await.unwrap();
        assert_eq!(files(folder.path()).len(), 1);
    }

    #[tokio::test]
    async fn leftovers_of_the_dead_go_and_files_of_others_stay() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(&options(folder.path()).max_bytes(1000u64)).unwrap();
        cache.put(&key(1), answer(&[])).await.unwrap();
        let shelf = cache.0.place(&key(1)).unwrap().parent().unwrap().to_owned();
        let part = |number| shelf.join(format!("{}.reply.1-2.part", key(number)));
        // The folder may hold the user's own files, with similar names.
        let others = folder.path().join("ab");
        fs::create_dir(&others).unwrap();
        let users = [
            folder.path().join("notes"),
            shelf.join("letter.reply"),
            shelf.join("a.reply.1-2.part"),
            others.join("letter.reply"),
            others.join("film.part"),
            others.join(format!("{}.txt", key(3))),
        ];
        let (dead, alive) = (part(1), part(2));
        let long_ago = SystemTime::now() - Duration::from_secs(4000);
        for path in users.iter().chain([&dead, &alive]) {
            fs::write(path, [0; 2000]).unwrap();
            if path != &alive {
                File::options().write(true).open(path).unwrap().set_modified(long_ago).unwrap();
            }
        }
        cache.put(&key(2), answer(&[])).await.unwrap();
        assert_eq!([&dead, &alive].map(|path| path.exists()), [false, true]);
        assert!(users.iter().all(|path| path.exists()), "they are not ours");
        assert!(cache.get(&key(1)).await.is_some());
    }

    #[test]
    fn several_use_one_folder_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let worker = |seed: u64| {
            let cache = Cache::new(&options(folder.path()).max_bytes(200_000u64)).unwrap();
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let mut random = fastrand::Rng::with_seed(seed);
            runtime.block_on(async {
                for _ in 0..300 {
                    let number = random.usize(..40);
                    // Each key has one answer, so that half of one and half of another would be seen.
                    let wanted = weighing(1000 + 400 * number);
                    match cache.get(&key(number)).await {
                        Some(got) => assert!(got == wanted),
                        None => cache.put(&key(number), wanted).await.unwrap(),
                    }
                }
            });
        };
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..4).map(|seed| scope.spawn(move || worker(seed))).collect();
            workers.into_iter().for_each(|worker| worker.join().unwrap());
        });
        assert!(weight(folder.path()) <= 200_000 + 4 * 200_000 / 16);
        assert!(files(folder.path()).iter().all(|path| path.extension().unwrap() == "reply"));
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_written_is_told_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        for path in [&file, &file.join("below"), &folder.path().join("null\0byte")] {
            let error = Cache::new(&options(path)).err().unwrap();
            assert_eq!(error.kind(), Kind::ConfigError);
            assert!(error.message().contains("`cache` cannot be used"), "{error}");
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let closed = folder.path().join("closed");
            fs::create_dir(&closed).unwrap();
            fs::set_permissions(&closed, fs::Permissions::from_mode(0o500)).unwrap();
            // For root nothing is read-only.
            if File::create(closed.join("trial")).is_err() {
                assert_eq!(Cache::new(&options(&closed)).err().unwrap().kind(), Kind::ConfigError);
            }
        }
    }

    #[tokio::test]
    async fn one_that_can_be_written_no_more_still_answers_and_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache");
        let cache = Cache::new(&options(&path)).unwrap();
        fs::remove_dir_all(&path).unwrap();
        fs::write(&path, "").unwrap();
        assert_eq!(cache.get(&key(1)).await, None);
        let error = cache.put(&key(1), answer(&[b"one"])).await.unwrap_err();
        assert!(error.message().contains("could not be kept in the cache"), "{error}");
    }

    #[tokio::test]
    async fn a_key_never_leads_out_of_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(&options(folder.path())).unwrap();
        for key in ["", "a", "../../etc/passwd", "ab/cd", "ümlaut"] {
            assert_eq!(cache.get(key).await, None);
            assert!(cache.put(key, answer(&[])).await.is_err(), "{key}");
        }
        assert!(files(folder.path()).is_empty());
    }

    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_an_answer_or_none(numbers in prop::collection::vec(0u64..40, 0..12), rest in any::<Vec<u8>>()) {
            // What follows the hash: numbers of eight bytes, then texts and pictures.
            let mut bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
            bytes.extend(rest);
            let sum = Digest::of([&bytes[..]]);
            let whole = [START, &sum.bytes()[..], &bytes].concat();
            if let Some((_, cuts)) = read(whole.into()) {
                let held = |cut: &Cut| cut.text.len() + cut.pictures.iter().map(Bytes::len).sum::<usize>();
                prop_assert!(cuts.iter().map(held).sum::<usize>() <= bytes.len());
            }
        }

        #[test]
        fn huge_numbers_are_no_answer(number in any::<u64>(), more in prop::collection::vec(any::<u64>(), 0..6)) {
            let numbers = [0, number].into_iter().chain(more);
            let bytes: Vec<u8> = numbers.flat_map(u64::to_le_bytes).collect();
            let whole = [START, &Digest::of([&bytes[..]]).bytes()[..], &bytes].concat();
            let _ = read(whole.into());
        }
    }
}
