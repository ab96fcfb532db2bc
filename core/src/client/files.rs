//! What is done with uploaded files: the verbs of `client.files`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use tokio::time::Instant;
use url::Url;

use super::{Client, TOTAL};
use crate::blocking;
use crate::call::events::ClientEvent;
use crate::call::files::{Line, Parcel, Stock};
use crate::call::retry::Policy;
use crate::codec::{self, Format};
use crate::error::{Error, InvalidOption, Kind};
use crate::http::key::{Key, Keys};
use crate::image::Image;
use crate::input::{self, Input, Place, Source};
use crate::local;
use crate::message::{Message, counted, message, option};
use crate::options::{Attachment, FileOptions, Read, Timeout, UploadOptions};
use crate::records::File;

/// The files of a client's project at the Files API: pictures, videos and documents that are uploaded once and
/// sent by reference. They live 48 hours, and are free.
#[derive(Clone)]
pub struct Files(Client);

impl Files {
    pub(super) fn of(client: Client) -> Self {
        Files(client)
    }

    /// The same files with another key of the client.
    pub(crate) fn keyed(&self, key: Key) -> Self {
        Files(self.0.keyed(key))
    }

    pub(crate) fn on_event(&self, watch: impl Fn(ClientEvent) + Send + Sync + 'static) -> Self {
        Files(self.0.on_event(watch))
    }

    /// Uploads a file, and waits until it can be used: a path (also as a text), a file's bytes, a picture. It goes
    /// in chunks; one that is lost goes again from where the service has it.
    ///
    /// # Errors
    /// [`Kind::ImageError`] if it cannot be read, [`Kind::InvalidOptionError`] if its type is neither told nor
    /// known, [`Kind::APIError`] if the service cannot process it, and those of any request.
    pub async fn upload(&self, source: impl Into<Input>, options: UploadOptions) -> Result<File, Error> {
        let source = source.into();
        self.0
            .alive(async {
                options.check()?;
                let line = self.line(options.timeout.clone()).await?;
                let name = options.name.as_deref().map(named).transpose()?;
                let (source, said) = match source {
                    Input::Attachment(of, about) => (*of, whole(about)?),
                    source => (source, None),
                };
                let reading = async {
                    let (source, path) = found(source, self.0.reads_files()).await?;
                    let mime_type = match options.mime_type.clone().or(said) {
                        Some(mime_type) => mime_type,
                        None => typed(&source, path.as_deref()).await?,
                    };
                    Ok((source, path, mime_type))
                };
                let (source, path, mime_type) =
                    line.in_time("the file could not be read yet", reading).await?;
                let file_name = path.as_deref().and_then(Path::file_name);
                let parcel = Parcel {
                    source,
                    mime_type,
                    name,
                    display_name: options.display_name.clone(),
                    file_name: file_name.map(|name| name.to_string_lossy().into_owned()),
                };
                line.upload(&parcel).await
            })
            .await
    }

    /// What the service knows of a file: of its name ("files/abc"), its URI, or an earlier record.
    ///
    /// # Errors
    /// [`Kind::PermissionDeniedError`] or [`Kind::NotFoundError`] if there is none, and those of any request.
    pub async fn get(&self, file: impl Into<Input>, options: FileOptions) -> Result<File, Error> {
        let name = name_of(file.into());
        self.0.alive(async { self.asking(&options).await?.file(&name?).await }).await
    }

    /// All files of the project, all pages of them.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn list(&self, options: FileOptions) -> Result<Vec<File>, Error> {
        self.0.alive(async { self.asking(&options).await?.files().await }).await
    }

    /// Deletes a file before its time.
    ///
    /// # Errors
    /// As [`Files::get`].
    pub async fn delete(&self, file: impl Into<Input>, options: FileOptions) -> Result<(), Error> {
        let name = name_of(file.into());
        self.0.alive(async { self.asking(&options).await?.delete(&name?).await }).await
    }

    async fn asking(&self, options: &FileOptions) -> Result<Line, Error> {
        options.check()?;
        self.line(options.timeout.clone()).await
    }

    async fn line(&self, timeout: Option<Timeout>) -> Result<Line, Error> {
        let inner = &*self.0.0;
        let timeout = Read::layered(timeout, inner.options.timeout.clone()).unwrap_or_default();
        let total = timeout.total.map_or(TOTAL, |total| total.duration());
        Ok(Line {
            transport: self.0.transport().await?,
            stock: inner.common.files.get(Stock::default),
            keys: Arc::new(Keys::of(inner.key.clone())),
            headers: Default::default(),
            version: inner.version.clone(),
            policy: Policy::new(inner.options.retry.as_ref()),
            total,
            deadline: Instant::now() + total,
            advice: None,
            report: None,
        })
    }
}

impl fmt::Debug for Files {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Files({:?})", self.0)
    }
}

/// The type that is said of what is attached; a file is uploaded whole.
fn whole(about: Attachment) -> Result<Option<String>, Error> {
    about.check()?;
    match about.of_video() {
        None => Ok(about.mime_type),
        Some(option) => {
            let problem = format!(
                "option `{option}` says what of a video is seen, and a file is uploaded whole; give it with the uploaded \
                 file in `attachments`"
            );
            Err(Error::invalid_option(problem, InvalidOption::of(option)))
        }
    }
}

/// The name that a record, a URI or a name stands for.
fn name_of(file: Input) -> Result<String, Error> {
    match file {
        Input::File(file) => named(&file.name),
        Input::Text(name) | Input::Named(name) => named(&name),
        other => {
            let label = other.label().unwrap_or_default();
            let problem =
                format!("the file's `name` is a text like files/abc, or an uploaded file, not {label}");
            Err(Error::invalid_option(problem, InvalidOption::of("name")))
        }
    }
}

/// "files/abc", of that, of "abc" or of a URI that ends with it.
fn named(name: &str) -> Result<String, Error> {
    let id = match name.split_once("://") {
        Some((_, uri)) => {
            let path = uri.split(['?', '#']).next().unwrap_or_default();
            path.rsplit_once("files/").map_or("", |(_, id)| id)
        }
        None => name.strip_prefix("files/").unwrap_or(name),
    };
    let full = format!("files/{id}");
    if input::is_file_name(&full) {
        return Ok(full);
    }
    let problem = format!(
        "option `name` is {name:?}; the name of a file is \"files/\" and up to 40 lower case letters, digits and dashes"
    );
    Err(Error::invalid_option(problem, InvalidOption::of("name")))
}

/// Where the bytes of a source are, and the path that it has.
async fn found(source: Input, local_files: bool) -> Result<(Source, Option<PathBuf>), Error> {
    let memory = |bytes: Bytes| Ok((Source::Memory(bytes), None));
    match source {
        Input::Bytes(bytes) => memory(bytes),
        Input::Path(path) => {
            input::may_open(local_files)?;
            on_disk(path).await
        }
        Input::Image(image) => match image.path().map(Path::to_owned) {
            Some(path) => match on_disk(path).await? {
                (source, _) if source.len() != image.len() as u64 => {
                    let (before, now) = (counted(image.len(), "byte", "bytes"), source.len());
                    Err(bad(format!("the picture's file had {before} and now has {now}")))
                }
                found => Ok(found),
            },
            None => memory(image.bytes()?.clone()),
        },
        Input::Text(name) | Input::Named(name) => {
            if input::is_scheme(&name, "data:") {
                return memory(input::data_url(&name)?);
            }
            if input::is_scheme(&name, "file://") {
                input::may_open(local_files)?;
                let path = Url::parse(&name).ok().and_then(|url| url.to_file_path().ok());
                return on_disk(path.ok_or_else(|| bad("it is not a file URL of this machine"))?).await;
            }
            if let Some((scheme, _)) = name.split_once("://") {
                return Err(bad(format!(
                    "{scheme}: URLs are not uploaded; give a path or the bytes. A public picture can be sent by its URL as it is"
                )));
            }
            input::may_open(local_files)?;
            on_disk(PathBuf::from(name)).await
        }
        Input::Array(array) => match array.file() {
            Some(bytes) => memory(bytes.clone()),
            None => codec::worker(move || Image::from_pixels(&array.into_pixels()?)?.bytes().cloned())
                .await
                .and_then(memory),
        },
        Input::Opened(opened) => {
            codec::worker(move || Image::from_pixels(&opened.into_pixels()?.0)?.bytes().cloned())
                .await
                .and_then(memory)
        }
        Input::Pixels(pixels) => {
            codec::worker(move || Image::from_pixels(&pixels)?.bytes().cloned()).await.and_then(memory)
        }
        Input::File(file) => Err(bad(format!("{} is uploaded already", file.name))),
        Input::Reference(of, _) | Input::Attachment(of, _) | Input::Mask(of, _) => {
            Box::pin(found(*of, local_files)).await
        }
        Input::Region(_) => Err(bad("a Box is no file")),
    }
}

async fn on_disk(path: PathBuf) -> Result<(Source, Option<PathBuf>), Error> {
    on_thread(move || {
        let cannot =
            |cause: &dyn fmt::Display| bad(format!("the file {} cannot be read: {cause}", path.display()));
        let (_, now) = local::open(&path).map_err(|cause| cannot(&local::why(&cause)).because(cause))?;
        if !now.is_file() {
            return Err(cannot(&"it is no file with a length of its own; read it, and upload its bytes"));
        }
        // It is the same one from another working directory.
        let whole = std::path::absolute(&path).unwrap_or_else(|_| path.clone());
        Ok((Source::File(input::File::at(whole, Place::Picture(0), &now)), Some(path)))
    })
    .await
}

/// The type that the first bytes of a source or its path's extension say.
async fn typed(source: &Source, path: Option<&Path>) -> Result<String, Error> {
    let start = match source {
        Source::Memory(bytes) => bytes.slice(..bytes.len().min(START)),
        Source::File(file) => {
            let file = file.clone();
            on_thread(move || {
                let mut start = Vec::new();
                let read = std::io::Read::read_to_end(
                    &mut std::io::Read::take(file.open()?, START as u64),
                    &mut start,
                );
                read.map_err(|cause| file.changed(&cause.to_string()))?;
                Ok(Bytes::from(start))
            })
            .await?
        }
    };
    let extension =
        path.and_then(Path::extension).map(|extension| extension.to_string_lossy().to_lowercase());
    let known = Format::sniff(&start)
        .map(Format::mime_type)
        .or_else(|| sound(&start, extension.as_deref()))
        .or_else(|| input::type_of(&start, path, source.len() <= START as u64));
    known.map(str::to_owned).ok_or_else(|| {
        let what = path.map_or("these bytes".to_owned(), |path| path.display().to_string());
        let problem = message!(
            "the type of {what} is not known; say it with {}, for example \"text/plain\" or \"video/mp4\"",
            option("mime_type")
        );
        Error::invalid_option(problem, InvalidOption::of(option("mime_type")))
    })
}

/// So much of a file says what it is.
const START: usize = 1024;

/// Sound, which can be uploaded and no more.
fn sound(start: &[u8], extension: Option<&str>) -> Option<&'static str> {
    let at = |place: usize, word: &[u8]| start.get(place..).is_some_and(|rest| rest.starts_with(word));
    match extension {
        _ if ["ftypM4A", "ftypM4B", "ftypM4P"].iter().any(|brand| at(4, brand.as_bytes())) => {
            Some("audio/mp4")
        }
        _ if at(0, b"RIFF") && at(8, b"WAVE") => Some("audio/wav"),
        _ if at(0, b"ID3") => Some("audio/mpeg"),
        _ if at(0, b"fLaC") => Some("audio/flac"),
        _ if at(0, b"OggS") => Some("audio/ogg"),
        Some("mp3") => Some("audio/mpeg"),
        Some("aac") => Some("audio/aac"),
        _ => None,
    }
}

fn bad(message: impl Into<Message>) -> Error {
    Error::new(Kind::ImageError, message)
}

async fn on_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    blocking::disk(work).await?
}
