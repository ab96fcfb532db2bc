//! The Files API: what is too large for a request, or is to be sent many times, is uploaded once and then sent
//! by reference.
//!
//! An upload is resumable: a start, then chunks, the last of which ends it. A chunk whose answer was lost is not
//! sent again blindly: the service is asked how far it got. The name of a file is chosen here, so that a lost last
//! answer can be told from a lost last chunk; nothing is uploaded twice in silence.
//!
//! Here is also the memory of those that are there.

use std::collections::HashMap;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::blocking;
use crate::call::retry::Bucket;
use crate::digest::Digest;
use crate::error::{Billed, Error, Kind};
use crate::http::transport::{Content, Method};
use crate::input::Source;
use crate::message::{counted, message};
use crate::records::File;
use crate::schema::Case;

mod line;
mod outline;

use line::Course;
pub(crate) use line::{Answer, Line, Question};
pub(crate) use outline::{Outline, Picture, Uploads, choose};

/// How much goes out in one request: as the official SDKs do. The service wants a multiple of 256 KiB.
const CHUNK: u64 = 8 << 20;

/// The most that the service takes as one file (Gemini API, Files).
const MOST: u64 = 2 << 30;

/// How many uploads of a client are under way at once.
const AT_ONCE: usize = 4;

/// How long the service keeps a file, if it does not say.
const LIFE: Duration = Duration::from_secs(48 * 3600);

/// So long before its end a file is no longer counted on: the call that uses it may have to wait.
const MARGIN: Duration = Duration::from_secs(3600);

/// How many uploaded pictures a client remembers.
const REMEMBERED: usize = 10_000;

/// What is to be uploaded.
pub(crate) struct Parcel {
    pub source: Source,
    pub mime_type: String,
    pub name: Option<String>,
    pub display_name: Option<String>,
    /// What its file is called here.
    pub file_name: Option<String>,
}

/// What a client and its copies know of their uploads, in one process.
pub(crate) struct Stock {
    bucket: Bucket,
    room: tokio::sync::Semaphore,
    /// What was uploaded, by content, type, key and address. Whoever holds an entry's lock uploads it.
    kept: Mutex<HashMap<Digest, Arc<tokio::sync::Mutex<Option<Kept>>>>>,
}

impl Default for Stock {
    fn default() -> Self {
        Stock {
            bucket: Bucket::default(),
            room: tokio::sync::Semaphore::new(AT_ONCE),
            kept: Mutex::default(),
        }
    }
}

struct Kept {
    file: File,
    until: SystemTime,
}

impl Stock {
    fn entry(&self, key: Digest) -> Arc<tokio::sync::Mutex<Option<Kept>>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= REMEMBERED && !kept.contains_key(&key) {
            let now = SystemTime::now();
            let is_alive = |entry: &Arc<tokio::sync::Mutex<Option<Kept>>>| match entry.try_lock() {
                Ok(kept) => kept.as_ref().is_some_and(|kept| kept.until > now),
                Err(_) => true,
            };
            kept.retain(|_, entry| is_alive(entry));
            // Those that live and are forgotten are uploaded once more when they are needed.
            if kept.len() >= REMEMBERED {
                kept.retain(|_, entry| Arc::strong_count(entry) > 1);
            }
        }
        kept.entry(key).or_default().clone()
    }
}

/// How long a file can be counted on from now on, by the service's own clock.
fn lasting(file: &File) -> Duration {
    let time = |text: &Option<String>| humantime::parse_rfc3339_weak(text.as_deref()?).ok();
    let life = time(&file.expiration_time).zip(time(&file.create_time));
    let life = life.and_then(|(end, start)| end.duration_since(start).ok()).unwrap_or(LIFE);
    life.saturating_sub(MARGIN.min(life / 10))
}

impl Line {
    /// Uploads, and waits until the file can be used.
    ///
    /// # Errors
    /// Those of the service and of the way to it, and [`Kind::ImageError`] if the file changes meanwhile.
    pub async fn upload(&self, parcel: &Parcel) -> Result<File, Error> {
        let Ok(room) = timeout_at(self.deadline, self.stock.room.acquire()).await else {
            return Err(self.too_late("other uploads of this client took all the time"));
        };
        let file = self.in_time("the upload has not ended", self.deliver(parcel)).await?;
        drop(room);
        self.usable(file).await
    }

    async fn deliver(&self, parcel: &Parcel) -> Result<File, Error> {
        let len = parcel.source.len();
        if len == 0 || len > MOST {
            let problem = match len {
                0 => "it is empty; there is nothing to upload".to_owned(),
                _ => format!("it has {len} bytes; the service takes at most 2 GB as one file"),
            };
            return Err(Error::new(Kind::ImageError, problem));
        }
        let name = match &parcel.name {
            Some(name) => name.clone(),
            None => format!("files/nb-{:032x}", fastrand::u128(..)),
        };
        let url = self.open(parcel, &name, len).await?;
        let mut at = 0;
        let mut course = Course::default();
        let mut is_lost = false;
        loop {
            let outcome = if is_lost {
                self.once(&mut course, &Question::of_upload(&url, "query", None, Content::Nothing)).await
            } else {
                let chunk = chunk(&parcel.source, at).await?;
                let next = at + chunk.len() as u64;
                let command = if next == len { "upload, finalize" } else { "upload" };
                let question = Question::of_upload(&url, command, Some(at), Content::Bytes(chunk));
                self.once(&mut course, &question).await.map(|answer| answer.received_by_default(next))
            };
            let failure = match outcome {
                Ok(answer) => match (answer.status(), answer.received()) {
                    (Some("final"), _) => return self.delivered(&answer, &name).await,
                    (Some("active"), Some(received)) if received <= len && (received > at || is_lost) => {
                        if received > at {
                            course = Course::default();
                        }
                        (at, is_lost) = (received, false);
                        continue;
                    }
                    (status, received) => unclear(status, received, len),
                },
                Err(failure) => failure,
            };
            self.again(&mut course, failure).await?;
            is_lost = true;
        }
    }

    /// Opens an upload; gives the address that its chunks go to.
    async fn open(&self, parcel: &Parcel, name: &str, len: u64) -> Result<Url, Error> {
        let mut file = json!({ "name": name, "mimeType": parcel.mime_type, "sizeBytes": len.to_string() });
        if let (Some(display), Some(file)) = (&parcel.display_name, file.as_object_mut()) {
            file.insert("displayName".to_owned(), json!(display));
        }
        let mut own = vec![
            ("x-goog-upload-protocol", "resumable".to_owned()),
            ("x-goog-upload-command", "start".to_owned()),
            ("x-goog-upload-header-content-length", len.to_string()),
            ("x-goog-upload-header-content-type", parcel.mime_type.clone()),
        ];
        let is_plain =
            |name: &&String| name.bytes().all(|letter| letter.is_ascii_graphic() || letter == b' ');
        if let Some(name) = parcel.file_name.as_ref().filter(is_plain) {
            own.push(("x-goog-upload-file-name", name.clone()));
        }
        let question = Question {
            method: Method::Post,
            url: self.transport.address(&format!("upload/{}/files", self.version))?,
            own,
            content: Content::Bytes(json!({ "file": file }).to_string().into()),
        };
        let answer = self.ask(&question).await?;
        let url = answer.header("x-goog-upload-url").and_then(|url| Url::parse(url).ok());
        let url =
            url.ok_or_else(|| unpromised("the upload was opened, but no address came to send it to"))?;
        self.transport.near(url)
    }

    /// The file of an upload that has ended.
    async fn delivered(&self, answer: &Answer, name: &str) -> Result<File, Error> {
        match answer.json().get("file").map(|file| File::read(file, Case::Camel)) {
            Some(file) if !file.uri.is_empty() => Ok(file),
            // It is asked for by the name that it was given.
            _ => self.file(name).await,
        }
    }

    /// The file when it is no longer PROCESSING.
    async fn usable(&self, mut file: File) -> Result<File, Error> {
        let mut pause = Duration::from_millis(50);
        while file.state == "PROCESSING" {
            if Instant::now() + pause >= self.deadline {
                let name = &file.name;
                return Err(self.too_late(&format!("{name} is uploaded, but still PROCESSING")));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(2));
            file = self.file(&file.name).await?;
        }
        if file.state == "FAILED" {
            let why = file.error.as_deref().unwrap_or("with no explanation");
            let problem = format!("the service could not process {}: {why}", file.name);
            return Err(Error::new(Kind::APIError, problem).with_billed(Billed::No));
        }
        Ok(file)
    }

    /// What the service knows of a file.
    pub async fn file(&self, name: &str) -> Result<File, Error> {
        let answer = self.ask(&self.about(Method::Get, name)?).await?;
        Ok(File::read(answer.json(), Case::Camel))
    }

    /// All files of the project, page by page.
    pub async fn files(&self) -> Result<Vec<File>, Error> {
        let mut files = Vec::new();
        let mut token = String::new();
        loop {
            let mut question = self.about(Method::Get, "files")?;
            question.url.query_pairs_mut().append_pair("pageSize", "100");
            if !token.is_empty() {
                question.url.query_pairs_mut().append_pair("pageToken", &token);
            }
            let answer = self.ask(&question).await?;
            let page = answer.json();
            let rows = page.get("files").and_then(Value::as_array).into_iter().flatten();
            files.extend(rows.map(|file| File::read(file, Case::Camel)));
            let next = page.get("nextPageToken").and_then(Value::as_str).unwrap_or_default();
            if next.is_empty() {
                return Ok(files);
            }
            if next == token {
                return Err(unpromised("the list of files has a page that names itself as the next one"));
            }
            token = next.to_owned();
        }
    }

    /// Deletes a file. One that is gone after an attempt whose answer was lost is deleted.
    pub async fn delete(&self, name: &str) -> Result<(), Error> {
        let question = self.about(Method::Delete, name)?;
        let mut course = Course::default();
        loop {
            match self.once(&mut course, &question).await {
                Ok(_) => return Ok(()),
                Err(failure) if course.has_lost() && matches!(failure.status(), Some(403 | 404)) => {
                    return Ok(());
                }
                Err(failure) => self.again(&mut course, failure).await?,
            }
        }
    }

    fn about(&self, method: Method, what: &str) -> Result<Question, Error> {
        let url = self.transport.address(&format!("{}/{what}", self.version))?;
        Ok(Question { method, url, own: Vec::new(), content: Content::Nothing })
    }

    /// The file that holds this picture: one that lives, or a new one. `gone` are files that the service has
    /// refused.
    async fn kept(&self, picture: &Picture, gone: &[String]) -> Result<File, Error> {
        let content = picture.digest.get_or_try_init(|| picture.source.content_digest()).await?;
        let place = self.transport.address("")?;
        let key = content.and(&picture.mime_type).and(place.as_str()).and(&self.keys.next().await?.0);
        let entry = self.stock.entry(key);
        let mut entry = entry.lock().await;
        let size = picture.source.len();
        let now = SystemTime::now();
        if let Some(kept) = entry.as_ref().filter(|kept| kept.until > now && !gone.contains(&kept.file.name))
        {
            self.tell(|report| report.uploads(&kept.file.name, size, None));
            return Ok(kept.file.clone());
        }
        let parcel = Parcel {
            source: picture.source.clone(),
            mime_type: picture.mime_type.clone(),
            name: None,
            display_name: None,
            file_name: None,
        };
        let started = Instant::now();
        let file = self.upload(&parcel).await.map_err(|failure| {
            let message = message!("{} could not be uploaded: {}", picture.label, failure.words());
            if failure.is(Kind::APIError) { failure.reworded(message) } else { failure }
        })?;
        self.tell(|report| report.uploads(&file.name, size, Some(started.elapsed())));
        *entry = Some(Kept { until: now + lasting(&file), file: file.clone() });
        Ok(file)
    }
}

impl Question {
    fn of_upload(url: &Url, command: &str, at: Option<u64>, content: Content) -> Self {
        let mut own = vec![("x-goog-upload-command", command.to_owned())];
        own.extend(at.map(|at| ("x-goog-upload-offset", at.to_string())));
        if matches!(content, Content::Bytes(_)) {
            own.push(("content-type", "application/octet-stream".to_owned()));
        }
        Question { method: Method::Post, url: url.clone(), own, content }
    }
}

fn unpromised(problem: &str) -> Error {
    Error::new(Kind::ResponseError, problem).with_billed(Billed::No)
}

/// An answer that does not say whether the chunk has arrived.
fn unclear(status: Option<&str>, received: Option<u64>, len: u64) -> Error {
    match (status, received) {
        (Some("active"), Some(received)) if received > len => {
            let len = counted(len, "byte", "bytes");
            unpromised(&format!("the service says that it has {received} of {len} of an upload"))
        }
        (Some("cancelled"), _) => unpromised("the service has cancelled the upload"),
        _ => unpromised("the answer does not say how far the upload is").with_retryable(true),
    }
}

/// The next bytes to send from here on.
async fn chunk(source: &Source, at: u64) -> Result<Bytes, Error> {
    let end = (at + CHUNK).min(source.len());
    let file = match source {
        Source::Memory(bytes) => return Ok(bytes.slice(at as usize..end as usize)),
        Source::File(file) => file.clone(),
    };
    let read = move || {
        let changed = |cause: std::io::Error| file.changed(&cause.to_string());
        let mut handle = file.open()?;
        handle.seek(SeekFrom::Start(at)).map_err(changed)?;
        let mut bytes = vec![0; (end - at) as usize];
        handle.read_exact(&mut bytes).map_err(changed)?;
        file.is_still(&handle)?;
        Ok(bytes.into())
    };
    blocking::disk(read).await?
}
