//! The Files API: uploads, files with their states and their end; `upload` reads the protocols by which they come.
//!
//! What a batch or an interaction makes is a file too, and the only kind that can be downloaded.
//!
//! A file lives as long as the emulator's options say and is then as good as never uploaded. All files and
//! unfinished uploads together take at most [`ROOM`] bytes, where the service has 20 GB for each project.
//! Whoever has a key sees all of them.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::check::{self, Refusal, at, bad, text};
use super::fields;
use super::rules::{Live, Rules};
use nanobanana_base::options::Reading;

/// The most that all files may take together.
pub(super) const ROOM: u64 = 1 << 30;

/// The most that one file may have.
const MOST: u64 = 2 << 30;

/// Chunks but the last one are multiples of this.
pub(super) const GRAIN: usize = 256 << 10;

/// Uploads that nobody goes on with are forgotten; so many are remembered.
const OPEN: usize = 1000;

/// How many files take no more than their bytes, and what each one beyond takes, however small it is.
const FREE: usize = 10_000;
const ABOUT: u64 = 4 << 10;

/// The life of a file whose end no clock can tell.
const FOREVER: Duration = Duration::from_secs(48 * 3600);

/// All that was uploaded, and what was made here.
#[derive(Debug)]
pub(super) struct Library {
    /// The emulator's own address.
    origin: String,
    life: Duration,
    processing: Duration,
    live: Live,
    shelf: Mutex<Shelf>,
}

#[derive(Debug, Default)]
struct Shelf {
    files: Vec<Stored>,
    uploads: HashMap<String, Upload>,
    opened: u64,
    /// Whether a file that is missing is a 404.
    is_404: bool,
}

#[derive(Debug)]
struct Stored {
    id: String,
    display_name: Option<String>,
    mime_type: String,
    bytes: Bytes,
    sha256: String,
    created: SystemTime,
    ready: SystemTime,
    end: SystemTime,
    fault: Option<&'static str>,
    is_made: bool,
}

/// An upload that is not complete.
#[derive(Debug)]
struct Upload {
    number: u64,
    version: String,
    id: Option<String>,
    display_name: Option<String>,
    mime_type: String,
    /// None if its opening did not say: the last chunk is its end then.
    size: Option<u64>,
    received: Vec<u8>,
    /// What it became. Who asks once more is told the same.
    done: Option<Value>,
}

/// The metadata of a file before its bytes come.
pub(super) struct Upcoming {
    /// `{"file": {…}}`, as it came.
    pub file: Value,
    pub mime_type: Option<String>,
    pub display_name: Option<String>,
    pub size: Option<u64>,
}

/// An answer: its headers, and its JSON.
pub(super) type Told = (Vec<(&'static str, String)>, Value);

fn missing(id: &str, is_404: bool) -> Refusal {
    let id: String = id.chars().take(60).collect();
    if is_404 {
        return Refusal::new(404, "NOT_FOUND", format!("File files/{id} was not found."));
    }
    let message = format!("You do not have permission to access the File {id} or it may not exist.");
    Refusal::new(403, "PERMISSION_DENIED", message)
}

fn no_upload() -> Refusal {
    Refusal::new(404, "NOT_FOUND", "Upload not found; it may have been cancelled or expired.")
}

fn full() -> Refusal {
    let message = format!("The storage of files is full: {ROOM} bytes for all of them.");
    Refusal::new(429, "RESOURCE_EXHAUSTED", message)
}

pub(super) fn time(moment: SystemTime) -> Value {
    humantime::format_rfc3339_micros(moment).to_string().into()
}

impl Stored {
    fn state(&self) -> &'static str {
        match self.fault {
            _ if SystemTime::now() < self.ready => "PROCESSING",
            Some(_) => "FAILED",
            None => "ACTIVE",
        }
    }

    fn uri(&self, origin: &str, version: &str) -> String {
        format!("{origin}/{version}/files/{}", self.id)
    }

    fn json(&self, origin: &str, version: &str) -> Value {
        let mut told = json!({
            "name": format!("files/{}", self.id),
            "mimeType": self.mime_type,
            "sizeBytes": self.bytes.len().to_string(),
            "createTime": time(self.created),
            "updateTime": time(self.ready.min(SystemTime::now())),
            "expirationTime": time(self.end),
            "sha256Hash": self.sha256,
            "uri": self.uri(origin, version),
            "state": self.state(),
            "source": if self.is_made { "GENERATED" } else { "UPLOADED" },
        });
        if let Some(map) = told.as_object_mut() {
            if self.is_made {
                let path = format!("{origin}/download/{version}/files/{}:download?alt=media", self.id);
                map.insert("downloadUri".to_owned(), path.into());
            }
            map.extend(self.display_name.iter().map(|name| ("displayName".to_owned(), json!(name))));
            if let (Some(fault), "FAILED") = (self.fault, self.state()) {
                map.insert("error".to_owned(), json!({ "code": 3, "message": fault }));
            }
        }
        told
    }
}

impl Shelf {
    /// What all of it takes.
    fn weight(&self) -> u64 {
        let files = self.files.iter().map(|file| file.bytes.len() as u64);
        let bytes: u64 = files.chain(self.uploads.values().map(|upload| upload.received.len() as u64)).sum();
        // Beyond some thousand of them it counts what is known of each.
        bytes + (self.files.len().saturating_sub(FREE) as u64) * ABOUT
    }

    fn file(&self, id: &str) -> Result<&Stored, Refusal> {
        self.files.iter().find(|file| file.id == id).ok_or_else(|| missing(id, self.is_404))
    }
}

impl Library {
    pub fn new(origin: String, life: Duration, processing: Duration, live: Live) -> Self {
        Library { origin, life, processing, live, shelf: Mutex::default() }
    }

    /// The emulator's base URL.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// How conflicting sources are read now.
    pub fn live(&self) -> &Live {
        &self.live
    }

    /// The files that live.
    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        // A panic elsewhere leaves nothing half done in it.
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        let now = SystemTime::now();
        shelf.files.retain(|file| file.end > now);
        shelf.is_404 = self.live.now().has(Reading::MissingFile404);
        shelf
    }

    /// Looks at what is said of a file that comes, and gives it a place.
    fn expected(&self, version: &str, upcoming: Upcoming, shelf: &mut Shelf) -> Result<Upload, Refusal> {
        let Upcoming { file, mime_type, display_name, size } = upcoming;
        let metadata = check::read(file, &fields::FILE, Rules::gemini(version, self.live.now()))?;
        let file = at(&metadata, "file");
        if let Some(size) = size.filter(|size| *size > MOST) {
            return Err(bad(format!(
                "The file size {size} exceeds the maximum allowed size of {MOST} bytes."
            )));
        }
        let mime_type = mime_type
            .or_else(|| text(at(file, "mimeType")).map(str::to_owned))
            // The documentation's own samples call lines of JSON that.
            .filter(|kind| kind.contains('/') || kind == "jsonl")
            .ok_or_else(|| bad("Failed to determine the MIME type of the file."))?;
        if text(at(file, "mimeType")).is_some_and(|kind| kind != mime_type) {
            return Err(bad("file.mime_type is not that of X-Goog-Upload-Header-Content-Type."));
        }
        let display_name = text(at(file, "displayName")).map(str::to_owned).or(display_name);
        if display_name.as_ref().is_some_and(|name| name.chars().count() > 512) {
            return Err(bad("* CreateFileRequest.file.display_name: must be at most 512 characters\n"));
        }
        let id = text(at(file, "name")).map(|name| name.strip_prefix("files/").unwrap_or(name).to_owned());
        if let Some(id) = &id {
            let is_letter =
                |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
            if !(1..=40).contains(&id.len())
                || !id.chars().all(is_letter)
                || id.starts_with('-')
                || id.ends_with('-')
            {
                return Err(bad(
                    "* CreateFileRequest.file.name: The name must have at most 40 characters: lower case letters, digits and dashes, and no dash at its ends.\n",
                ));
            }
            if shelf.files.iter().any(|file| file.id == *id) {
                return Err(Refusal::new(409, "ALREADY_EXISTS", format!("File files/{id} already exists.")));
            }
        }
        if shelf.weight() + size.unwrap_or(0) > ROOM {
            return Err(full());
        }
        shelf.opened += 1;
        Ok(Upload {
            number: shelf.opened,
            version: version.to_owned(),
            id,
            display_name,
            mime_type,
            size,
            received: Vec::new(),
            done: None,
        })
    }

    /// Opens an upload, and gives the address at which it goes on.
    pub fn open(&self, version: &str, upcoming: Upcoming) -> Result<String, Refusal> {
        let mut shelf = self.shelf();
        let upload = self.expected(version, upcoming, &mut shelf)?;
        let number = upload.number;
        if shelf.uploads.len() >= OPEN {
            shelf.uploads.retain(|_, upload| upload.number + OPEN as u64 / 2 > number);
        }
        let key = format!("{number}-{:016x}", fastrand::u64(..));
        let url = format!("{}/upload/{version}/files?upload_id={key}", self.origin);
        shelf.uploads.insert(key, upload);
        Ok(url)
    }

    /// Takes a file that came in one request.
    pub fn store(&self, version: &str, upcoming: Upcoming, content: Vec<u8>) -> Result<Told, Refusal> {
        let mut shelf = self.shelf();
        let mut upload = self.expected(version, upcoming, &mut shelf)?;
        upload.received = content;
        let file = self.stored(&mut upload);
        let told = json!({ "file": file.json(&self.origin, version) });
        shelf.files.push(file);
        Ok((vec![("x-goog-upload-status", "final".to_owned())], told))
    }

    /// Bytes of an upload received so far.
    pub fn received(&self, key: &str) -> Result<u64, Refusal> {
        let shelf = self.shelf();
        let upload = shelf.uploads.get(key).ok_or_else(no_upload)?;
        Ok(upload.received.len() as u64)
    }

    /// Takes a chunk, or tells how far an upload is.
    pub fn go_on(
        &self,
        key: &str,
        command: &str,
        offset: Option<u64>,
        chunk: &[u8],
    ) -> Result<Told, Refusal> {
        let mut shelf = self.shelf();
        let weight = shelf.weight();
        let upload = shelf.uploads.get_mut(key).ok_or_else(no_upload)?;
        let status = |status: &str| ("x-goog-upload-status", status.to_owned());
        if let Some(done) = &upload.done {
            return Ok((vec![status("final")], done.clone()));
        }
        let words: Vec<&str> = command.split(',').map(str::trim).collect();
        match words.as_slice() {
            ["query"] => {
                let received = ("x-goog-upload-size-received", upload.received.len().to_string());
                return Ok((vec![status("active"), received], json!({})));
            }
            ["cancel"] => {
                shelf.uploads.remove(key);
                return Ok((vec![status("cancelled")], json!({})));
            }
            ["upload"] | ["finalize"] | ["upload", "finalize"] => {}
            _ => return Err(bad(format!("Invalid X-Goog-Upload-Command: {command}"))),
        }
        let ends = words.contains(&"finalize");
        if words.contains(&"upload") {
            let has = upload.received.len() as u64;
            if offset != Some(has) {
                let told = offset.map_or("none".to_owned(), |offset| offset.to_string());
                return Err(bad(format!(
                    "The upload offset {told} does not match the {has} bytes received."
                )));
            }
            if !ends && !chunk.len().is_multiple_of(GRAIN) {
                return Err(bad(format!("A chunk but the last one must be a multiple of {GRAIN} bytes.")));
            }
            let most = upload.size.unwrap_or(MOST);
            if has + chunk.len() as u64 > most {
                let size = most;
                return Err(bad(format!("More than the {size} bytes came that the upload was opened for.")));
            }
            if weight + chunk.len() as u64 > ROOM {
                return Err(full());
            }
            upload.received.extend_from_slice(chunk);
        }
        if !ends {
            return Ok((vec![status("active")], json!({})));
        }
        if let Some(size) = upload.size.filter(|size| *size != upload.received.len() as u64) {
            let has = upload.received.len();
            return Err(bad(format!("The upload was opened for {size} bytes and ends with {has}.")));
        }
        let file = self.stored(upload);
        let told = json!({ "file": file.json(&self.origin, &upload.version) });
        upload.done = Some(told.clone());
        shelf.files.push(file);
        Ok((vec![status("final")], told))
    }

    fn stored(&self, upload: &mut Upload) -> Stored {
        let bytes = Bytes::from(std::mem::take(&mut upload.received));
        let created = SystemTime::now();
        let is_slow = upload.mime_type.starts_with("video/") || upload.mime_type.starts_with("audio/");
        let is_broken = upload.mime_type == "video/mp4" && bytes.get(4..8) != Some(b"ftyp");
        Stored {
            id: upload.id.clone().unwrap_or_else(|| format!("{:016x}", fastrand::u64(..))),
            display_name: upload.display_name.clone(),
            mime_type: upload.mime_type.clone(),
            sha256: STANDARD.encode(digest::digest(&digest::SHA256, &bytes)),
            bytes,
            created,
            ready: if is_slow { created + self.processing } else { created },
            end: created.checked_add(self.life).unwrap_or(created + FOREVER),
            fault: is_broken.then_some("The video could not be processed: it is no MP4 file."),
            is_made: false,
        }
    }

    /// Keeps a file that was made here, and tells its URI.
    pub fn keep(&self, id: &str, mime_type: &str, bytes: Bytes) -> Result<String, Refusal> {
        let created = SystemTime::now();
        let file = Stored {
            id: id.to_owned(),
            display_name: None,
            mime_type: mime_type.to_owned(),
            sha256: STANDARD.encode(digest::digest(&digest::SHA256, &bytes)),
            bytes,
            created,
            ready: created,
            end: created.checked_add(self.life).unwrap_or(created + FOREVER),
            fault: None,
            is_made: true,
        };
        let uri = file.uri(&self.origin, "v1beta");
        let mut shelf = self.shelf();
        if shelf.weight() + file.bytes.len() as u64 > ROOM {
            return Err(full());
        }
        shelf.files.push(file);
        Ok(uri)
    }

    /// The bytes of the file with this name.
    pub fn named(&self, name: &str) -> Result<Bytes, Refusal> {
        let id = name.strip_prefix("files/").unwrap_or(name);
        Ok(self.shelf().file(id)?.bytes.clone())
    }

    /// The type and bytes of a file that was made here: those that were uploaded do not come back.
    pub fn download(&self, id: &str) -> Result<(String, Bytes), Refusal> {
        let shelf = self.shelf();
        let file = shelf.file(id)?;
        if !file.is_made {
            return Err(bad("Only generated files can be downloaded; this one was uploaded."));
        }
        Ok((file.mime_type.clone(), file.bytes.clone()))
    }

    /// What is known of a file.
    pub fn get(&self, version: &str, id: &str) -> Result<Value, Refusal> {
        Ok(self.shelf().file(id)?.json(&self.origin, version))
    }

    /// Deletes a file.
    pub fn delete(&self, id: &str) -> Result<Value, Refusal> {
        let mut shelf = self.shelf();
        shelf.file(id)?;
        shelf.files.retain(|file| file.id != id);
        Ok(json!({}))
    }

    /// One page of the files, the newest first.
    pub fn list(&self, version: &str, asked: (Option<&str>, Option<&str>)) -> Result<Value, Refusal> {
        let shelf = self.shelf();
        let (page, next) = page("ListFilesRequest", &shelf.files, |file| &file.id, asked)?;
        let mut told = Map::new();
        if !page.is_empty() {
            told.insert("files".into(), page.iter().map(|file| file.json(&self.origin, version)).collect());
        }
        told.extend(next.map(|token| ("nextPageToken".to_owned(), token.into())));
        Ok(told.into())
    }

    /// The type and bytes of the file that a part names; none if its URI is no file of this API.
    pub fn read(&self, uri: &str) -> Result<Option<(String, Bytes)>, Refusal> {
        let Some(id) = id_in(uri) else { return Ok(None) };
        let shelf = self.shelf();
        let file = shelf.file(&id)?;
        if file.state() != "ACTIVE" {
            let message = format!("The File {id} is not in an ACTIVE state and usage is not allowed.");
            return Err(Refusal::new(400, "FAILED_PRECONDITION", message));
        }
        Ok(Some((file.mime_type.clone(), file.bytes.clone())))
    }
}

/// One page of what there is, the newest first, and the token of the next one. Its size and its token are as they
/// were asked for, by this message.
pub(super) fn page<'a, T>(
    message: &str,
    all: impl IntoIterator<Item = &'a T, IntoIter: DoubleEndedIterator + ExactSizeIterator + Clone>,
    id: impl Fn(&T) -> &str,
    (size, token): (Option<&str>, Option<&str>),
) -> Result<(Vec<&'a T>, Option<String>), Refusal> {
    let size = match size.map(str::parse::<usize>) {
        None | Some(Ok(0)) => 10,
        Some(Ok(size @ 1..=100)) => size,
        Some(_) => {
            return Err(bad(format!("* {message}.page_size: page_size must be in the range [0, 100].\n")));
        }
    };
    let all = all.into_iter().rev();
    let start = match token.filter(|token| !token.is_empty()) {
        None => 0,
        Some(token) => {
            let last = token.strip_prefix("after-");
            let place = all.clone().position(|one| Some(id(one)) == last);
            place.ok_or_else(|| bad("Invalid page token."))? + 1
        }
    };
    let count = all.len();
    let page: Vec<&T> = all.skip(start).take(size).collect();
    let is_last = start + page.len() >= count;
    let next = page.last().filter(|_| !is_last).map(|last| format!("after-{}", id(last)));
    Ok((page, next))
}

/// Whether a URI names a file of the Gemini API.
pub(super) fn is_file(uri: &str) -> bool {
    id_in(uri).is_some()
}

/// The id in the URI of an uploaded file, whatever way its caller takes to this machine.
fn id_in(uri: &str) -> Option<String> {
    let url = url::Url::parse(uri).ok()?;
    let is_here = match url.host()? {
        url::Host::Domain(name) => name == "generativelanguage.googleapis.com" || name == "localhost",
        url::Host::Ipv4(ip) => ip.is_loopback(),
        url::Host::Ipv6(ip) => ip.is_loopback(),
    };
    let mut segments = url.path_segments()?;
    let is_file = is_here && segments.next()?.starts_with('v') && segments.next()? == "files";
    segments.next().filter(|id| is_file && !id.is_empty()).map(str::to_owned)
}

/// What is remembered of bytes.
pub(super) fn told(bytes: &[u8]) -> Value {
    let sum = digest::digest(&digest::SHA256, bytes);
    let sum: String = sum.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    json!({ "$bytes": bytes.len(), "$sha256": sum })
}
