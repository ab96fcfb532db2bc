//! What a caller hands in, and how it becomes a part that is ready to send.
//!
//! `prepare` runs once per call, before anything is sent: every picture is found, opened and
//! sniffed, so that a bad one is named at once. What it gives can be read again by each attempt.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::SystemTime;

use base64::Engine as _;
use bytes::Bytes;
use serde_json::{Map, Value};
use url::Url;

use crate::codec::{self, Format, Quality};
use crate::error::{Error, Kind};
use crate::image::{Image, Pixels};
use crate::options::{EditOptions, Reference, Region};
use crate::schema::{Case, Write as _};

/// One piece of a prompt, or one picture.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Input {
    /// Words.
    Text(String),
    /// A picture's address as a text: a path, an `http(s):`, `data:`, `file:` or `gs:` URL, a Files
    /// API URI.
    Named(String),
    /// A picture's path.
    Path(PathBuf),
    /// A picture's file, in memory.
    Bytes(Bytes),
    /// A picture that came from a call or was opened before.
    Image(Image),
    /// Pixels; they are sent as PNG.
    Pixels(Pixels),
    /// A picture, and in words what it shows.
    Reference(Box<Input>, Reference),
    /// What of the call's first picture an edit may change: a picture that marks it, or a [`Region`]; and
    /// what becomes of the rest. Of several each adds to what may change.
    Mask(Box<Input>, EditOptions),
    /// A box of a picture; it has a meaning only as a mask.
    Region(Region),
}

/// Where a caller put an input, for messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[doc(hidden)]
pub enum Place {
    /// It is this one of the call's pictures, from 0.
    Picture(usize),
    /// It is, or stands in, the option of this name.
    Option(&'static str),
}

impl Place {
    /// An error about what stands there: `named` is what it is, `problem` goes on from there.
    pub fn refuse(self, named: &str, problem: impl std::fmt::Display) -> Error {
        let named = if named.is_empty() { String::new() } else { format!(" ({named})") };
        match self {
            Place::Picture(index) => {
                bad(format!("picture {index}{named} {problem}")).with("index", index as u64)
            }
            Place::Option(name) => {
                bad(format!("option `{name}`{named} {problem}")).with("option", name.to_owned())
            }
        }
    }
}

impl From<&str> for Input {
    fn from(text: &str) -> Self {
        Input::Text(text.to_owned())
    }
}

impl From<String> for Input {
    fn from(text: String) -> Self {
        Input::Text(text)
    }
}

impl From<&Path> for Input {
    fn from(path: &Path) -> Self {
        Input::Path(path.to_owned())
    }
}

impl From<PathBuf> for Input {
    fn from(path: PathBuf) -> Self {
        Input::Path(path)
    }
}

impl From<Image> for Input {
    fn from(image: Image) -> Self {
        Input::Image(image)
    }
}

impl From<&Image> for Input {
    fn from(image: &Image) -> Self {
        Input::Image(image.clone())
    }
}

impl From<Bytes> for Input {
    fn from(bytes: Bytes) -> Self {
        Input::Bytes(bytes)
    }
}

impl From<Vec<u8>> for Input {
    fn from(bytes: Vec<u8>) -> Self {
        Input::Bytes(bytes.into())
    }
}

impl From<Region> for Input {
    fn from(region: Region) -> Self {
        Input::Region(region)
    }
}

impl From<Pixels> for Input {
    fn from(pixels: Pixels) -> Self {
        Input::Pixels(pixels)
    }
}

/// A piece that is ready to send.
#[derive(Debug, Clone)]
pub(crate) enum Part {
    Text(String),
    Picture {
        mime_type: &'static str,
        source: Source,
    },
    /// A picture that the service fetches itself.
    Reference {
        uri: String,
        mime_type: Option<&'static str>,
    },
}

/// Where a picture's bytes are.
#[derive(Clone)]
pub(crate) enum Source {
    Memory(Bytes),
    File(File),
}

impl std::fmt::Debug for Source {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} bytes", self.len())
    }
}

impl Source {
    pub fn len(&self) -> u64 {
        match self {
            Source::Memory(bytes) => bytes.len() as u64,
            Source::File(file) => file.len,
        }
    }
}

/// A file as it was when it was sniffed; each attempt opens it again and compares.
#[derive(Debug, Clone)]
pub(crate) struct File {
    /// Which of the call's pictures it is.
    pub index: u64,
    pub path: PathBuf,
    pub len: u64,
    modified: Option<SystemTime>,
    identity: u64,
}

impl File {
    /// Opens it for one attempt.
    ///
    /// # Errors
    /// [`Kind::ImageError`] if it is gone or is not the file that was sniffed.
    pub fn open(&self) -> Result<std::fs::File, Error> {
        let file = std::fs::File::open(&self.path).map_err(|cause| self.changed(&cause.to_string()))?;
        let now = file.metadata().map_err(|cause| self.changed(&cause.to_string()))?;
        if now.len() != self.len || now.modified().ok() != self.modified || identity(&now) != self.identity {
            return Err(self.changed("it is another file now"));
        }
        Ok(file)
    }

    /// All of it at once.
    pub fn read(&self) -> Result<Bytes, Error> {
        use std::io::Read as _;
        let mut bytes = Vec::new();
        self.open()?.read_to_end(&mut bytes).map_err(|cause| self.changed(&cause.to_string()))?;
        if bytes.len() as u64 != self.len {
            return Err(self.changed("its length is another"));
        }
        Ok(bytes.into())
    }

    pub fn changed(&self, how: &str) -> Error {
        let path = self.path.display();
        Error::new(
            Kind::ImageError,
            format!(
                "picture {} changed while it was being sent: {path}: {how}. Call again once it is still",
                self.index
            ),
        )
        .with("index", self.index)
        .with("input", path.to_string())
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

impl Input {
    /// The options that take inputs, which a binding reads as it reads pictures and hands to the call among
    /// them, each marked by [`Input::of_option`].
    #[doc(hidden)]
    pub const OPTIONS: &[&'static str] = &[MASK];

    /// What stands in one of [`Input::OPTIONS`].
    ///
    /// # Errors
    /// [`Kind::InvalidOptionError`] if no option of that name takes inputs.
    #[doc(hidden)]
    pub fn of_option(option: &str, input: Input) -> Result<Input, Error> {
        if option == MASK {
            return Ok(Input::mask(input, EditOptions::new()));
        }
        let problem = format!("option `{option}` takes no pictures");
        Err(Error::new(Kind::InvalidOptionError, problem).with("option", option.to_owned()))
    }

    /// A mask for the first picture of an edit: a picture whose transparent parts, or if it has none its
    /// white ones, may change; or a [`Region`].
    pub fn mask(of: impl Into<Input>, options: EditOptions) -> Self {
        Input::Mask(Box::new(of.into()), options)
    }

    /// An input that a caller wrapped: `class` is the name of the wrapping class, `of` what it wraps, and
    /// `fields` what is said of it.
    ///
    /// # Errors
    /// [`Kind::InvalidOptionError`] for a field of the wrong name or form, [`Kind::ImageError`] if that class
    /// wraps nothing, or something else.
    #[doc(hidden)]
    pub fn made(
        class: &str,
        of: Option<Input>,
        fields: &Map<String, Value>,
        case: Case,
    ) -> Result<Self, Error> {
        match (class, of) {
            ("Reference", Some(of)) if of.is_picture() => {
                Ok(Input::Reference(Box::new(of), Reference::read(fields, case)?))
            }
            ("Box", None) => Ok(Input::Region(Region::read(fields, case)?)),
            _ => Err(bad(format!("a {class} of this is no picture"))),
        }
    }

    /// Whether it is one of the call's pictures.
    #[doc(hidden)]
    pub fn is_picture(&self) -> bool {
        !matches!(self, Input::Text(_) | Input::Mask(..))
    }

    /// Puts the bytes of a file that had to be read first in place of what stands for them.
    #[doc(hidden)]
    pub fn fill(&mut self, bytes: Bytes) {
        match self {
            Input::Reference(of, _) | Input::Mask(of, _) => of.fill(bytes),
            place => *place = Input::Bytes(bytes),
        }
    }

    /// The picture as it was named, for messages and notes; none for words and masks.
    pub(crate) fn label(&self) -> Option<String> {
        Some(match self {
            Input::Text(_) | Input::Mask(..) => return None,
            Input::Named(name) => short(name),
            Input::Path(path) => path.display().to_string(),
            Input::Bytes(_) => "bytes".to_owned(),
            Input::Image(image) => match image.path() {
                Some(path) => path.display().to_string(),
                None => format!("{image:?}"),
            },
            Input::Pixels(pixels) => format!("{pixels:?}"),
            Input::Reference(of, _) => return of.label(),
            Input::Region(_) => "a box".to_owned(),
        })
    }

    /// Whether its bytes have to be fetched from the web.
    pub(crate) fn is_fetched(&self) -> bool {
        match self {
            Input::Named(name) => is_scheme(name, "http://") || is_scheme(name, "https://"),
            Input::Reference(of, _) | Input::Mask(of, _) => of.is_fetched(),
            _ => false,
        }
    }
}

/// How `prepare` gets a picture from an `http(s):` URL; the client knows.
pub(crate) type Fetch<'a> =
    dyn Fn(Url) -> Pin<Box<dyn Future<Output = Result<Bytes, Error>> + Send + 'a>> + Send + Sync + 'a;

/// The option by which a mask is given.
pub(crate) const MASK: &str = "mask";

/// Files up to this size are read once and kept; larger ones are read as they are sent.
const SMALL_FILE: u64 = 1 << 20;

/// What the service takes as it is; the rest it refuses.
fn is_taken(format: Format) -> bool {
    matches!(format, Format::Png | Format::Jpeg | Format::WebP | Format::Heic)
}

/// How many of the pieces are pictures.
pub(crate) fn pictures(inputs: &[Input]) -> usize {
    inputs.iter().filter(|input| input.is_picture()).count()
}

/// How many pictures are sent for these: a mask is shown to the model, too.
pub(crate) fn pictures_sent(inputs: &[Input]) -> usize {
    pictures(inputs) + usize::from(has_mask(inputs))
}

pub(crate) fn has_mask(inputs: &[Input]) -> bool {
    inputs.iter().any(|input| matches!(input, Input::Mask(..)))
}

/// That there is no mask among them.
pub(crate) fn check_unmasked(inputs: &[Input]) -> Result<(), Error> {
    match has_mask(inputs) {
        false => Ok(()),
        true => Err(no_mask_here(MASK)),
    }
}

/// The masks among the inputs get what was said of all of them.
pub(crate) fn told_of_masks(
    mut inputs: Vec<Input>,
    told: EditOptions,
    case: Case,
) -> Result<Vec<Input>, Error> {
    if !has_mask(&inputs) {
        let names = told.write(case);
        let set = names.as_object().and_then(|names| names.keys().next().cloned());
        return match set {
            None => Ok(inputs),
            Some(name) => Err(Error::new(
                Kind::InvalidOptionError,
                format!(
                    "option `{name}` says what becomes of a mask, and there is none; give a `{MASK}`, too"
                ),
            )
            .with("option", name)),
        };
    }
    for input in &mut inputs {
        if let Input::Mask(_, options) = input {
            *options = std::mem::take(options).over(told.clone());
        }
    }
    Ok(inputs)
}

/// The error for an option of masks, where there are none.
pub(crate) fn no_mask_here(option: &str) -> Error {
    let problem = format!("option `{option}` belongs to `edit` and `edit_stream`, which change a picture");
    Error::new(Kind::InvalidOptionError, problem).with("option", option.to_owned())
}

/// How many letters the words among the pieces have.
pub(crate) fn letters(inputs: &[Input]) -> usize {
    inputs.iter().map(|input| if let Input::Text(text) = input { text.chars().count() } else { 0 }).sum()
}

/// Finds and checks every piece. `base` is the API's own address, whose Files URIs are sent as
/// references.
pub(crate) async fn prepare(inputs: Vec<Input>, base: &Url, fetch: &Fetch<'_>) -> Result<Vec<Part>, Error> {
    let mut index = 0;
    let parts = inputs.into_iter().map(|input| {
        let at = index;
        index += u64::from(input.is_picture());
        prepare_one(input, at, base, fetch)
    });
    // All of them, so that of several bad ones it is always the first that is told.
    let parts: Result<Vec<Vec<Part>>, Error> =
        futures_util::future::join_all(parts).await.into_iter().collect();
    Ok(parts?.into_iter().flatten().collect())
}

/// The parts that one input is sent as.
async fn prepare_one(input: Input, index: u64, base: &Url, fetch: &Fetch<'_>) -> Result<Vec<Part>, Error> {
    match input {
        Input::Text(text) => Ok(vec![Part::Text(text)]),
        Input::Reference(of, _) => Ok(vec![picture(*of, index, base, fetch).await?]),
        Input::Mask(..) => Err(no_mask_here(MASK)),
        input => Ok(vec![picture(input, index, base, fetch).await?]),
    }
}

async fn picture(input: Input, index: u64, base: &Url, fetch: &Fetch<'_>) -> Result<Part, Error> {
    let label = input.label().unwrap_or_default();
    found(input, index, base, fetch).await.map_err(|error| match error.kind() {
        Kind::ImageError if error.field("index").is_none() => {
            let message = match label.as_str() {
                "bytes" => format!("picture {index}: {}", error.message()),
                label if error.message().contains(label) => format!("picture {index}: {}", error.message()),
                label => format!("picture {index} ({label}): {}", error.message()),
            };
            error.with("index", index).with("input", label).reworded(message)
        }
        _ => error,
    })
}

/// A picture's pixels, upright: of a mask, or of the picture that it is for.
pub(crate) async fn pixels(input: Input, base: &Url, fetch: &Fetch<'_>) -> Result<Pixels, Error> {
    if let Input::Pixels(pixels) = input {
        return Ok(pixels);
    }
    match found(input, 0, base, fetch).await? {
        Part::Picture { source, .. } => {
            codec::worker(move || {
                codec::decode(&match source {
                    Source::Memory(bytes) => bytes,
                    Source::File(file) => file.read()?,
                })
            })
            .await
        }
        _ => Err(bad("is named only; give the picture itself, so that its pixels are known")),
    }
}

async fn found(input: Input, index: u64, base: &Url, fetch: &Fetch<'_>) -> Result<Part, Error> {
    match input {
        // No caller can wrap these.
        Input::Text(_) | Input::Reference(..) | Input::Mask(..) => Err(bad("it is no picture")),
        Input::Region(_) => {
            Err(bad("a Box is no picture; it is a mask for one: give it as `mask` of an edit"))
        }
        Input::Bytes(bytes) => whole(bytes),
        Input::Image(image) => saved(image, index).await,
        Input::Pixels(pixels) => {
            codec::worker(move || Ok(codec::encode(&pixels, Format::Png, Quality::Default)?.into()))
                .await
                .and_then(whole)
        }
        Input::Path(path) => blocking(move || on_disk(path, index)).await,
        Input::Named(name) => named(name, index, base, fetch).await,
    }
}

/// The same parts with every picture's bytes in memory, where a conversation keeps them.
pub(crate) async fn in_memory(parts: Vec<Part>) -> Result<Vec<Part>, Error> {
    let read = |part: Part| {
        let Part::Picture { mime_type, source: Source::File(file) } = part else { return Ok(part) };
        let bytes = file.read()?;
        Ok(Part::Picture { mime_type, source: Source::Memory(bytes) })
    };
    blocking(move || parts.into_iter().map(read).collect()).await
}

/// A name for messages: a `data:` URL is mostly bytes, a URL's query may be a signature, and a
/// password may stand before its host.
fn short(name: &str) -> String {
    if is_scheme(name, "data:") {
        return "data: URL".to_owned();
    }
    let mut plain = name.to_owned();
    if let Some((scheme, rest)) = name.split_once("://") {
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let host = rest.split('/').next().unwrap_or_default();
        let user = host.rfind('@').map_or(0, |at| at + 1);
        plain = format!("{scheme}://{}", rest.get(user..).unwrap_or_default());
    }
    match plain.char_indices().nth(120) {
        Some((end, _)) => format!("{}…", plain.get(..end).unwrap_or_default()),
        None => plain,
    }
}

fn is_scheme(name: &str, scheme: &str) -> bool {
    name.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
}

fn bad(message: impl Into<String>) -> Error {
    Error::new(Kind::ImageError, message)
}

/// The type that is sent for a picture of this header.
fn taken(header: codec::Header) -> Result<&'static str, Error> {
    if !is_taken(header.format) {
        return Err(bad(format!(
            "the service does not take {}; save it as PNG, JPEG or WebP first, for example with Pillow or sharp",
            header.format.mime_type()
        )));
    }
    Ok(header.format.mime_type())
}

fn whole(bytes: Bytes) -> Result<Part, Error> {
    Ok(Part::Picture { mime_type: taken(codec::header(&bytes)?)?, source: Source::Memory(bytes) })
}

/// A picture that may lie on disk, where it stays.
async fn saved(image: Image, index: u64) -> Result<Part, Error> {
    let Some(path) = image.path().map(Path::to_owned) else { return whole(image.bytes()?.clone()) };
    blocking(move || match on_disk(path, index) {
        Ok(Part::Picture { source, .. }) if source.len() != image.len() as u64 => {
            Err(bad(format!("its file had {} bytes and now has {}", image.len(), source.len())))
        }
        part => part,
    })
    .await
}

fn on_disk(path: PathBuf, index: u64) -> Result<Part, Error> {
    use std::io::Read as _;
    let cannot = |cause: std::io::Error| {
        let why = match cause.kind() {
            std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
            std::io::ErrorKind::PermissionDenied => "its file may not be read".to_owned(),
            _ => format!("its file cannot be read: {cause}"),
        };
        bad(why).because(cause)
    };
    let file = std::fs::File::open(&path).map_err(cannot)?;
    let metadata = file.metadata().map_err(cannot)?;
    if metadata.is_dir() {
        return Err(bad("it is a folder; name the picture's file"));
    }
    if !metadata.is_file() || metadata.len() <= SMALL_FILE {
        let mut bytes = Vec::new();
        (&file).read_to_end(&mut bytes).map_err(cannot)?;
        return whole(bytes.into());
    }
    let mime_type = taken(codec::header_of_file(&file)?)?;
    let file = File {
        index,
        len: metadata.len(),
        modified: metadata.modified().ok(),
        identity: identity(&metadata),
        path,
    };
    Ok(Part::Picture { mime_type, source: Source::File(file) })
}

async fn named(name: String, index: u64, base: &Url, fetch: &Fetch<'_>) -> Result<Part, Error> {
    if is_scheme(&name, "data:") {
        return whole(data_url(&name)?);
    }
    if is_scheme(&name, "gs://") {
        return Ok(reference(name));
    }
    if is_scheme(&name, "http://") || is_scheme(&name, "https://") {
        let url =
            Url::parse(&name).map_err(|cause| bad(format!("it is not a URL: {cause}")).because(cause))?;
        if is_file_uri(&url, base) {
            return Ok(reference(name));
        }
        return fetch(url).await.and_then(whole);
    }
    if is_scheme(&name, "file://") {
        let path = Url::parse(&name).ok().and_then(|url| url.to_file_path().ok());
        let path = path.ok_or_else(|| bad("it is not a file URL of this machine"))?;
        return blocking(move || on_disk(path, index)).await;
    }
    if let Some((scheme, _)) = name.split_once("://") {
        return Err(bad(format!("{scheme}: URLs are not taken; http, https, data, file and gs are")));
    }
    if name.is_empty() {
        return Err(bad("its name is empty; give a path or a URL"));
    }
    let path = PathBuf::from(name);
    blocking(move || on_disk(path, index)).await
}

/// Whether this is the address of a file that was uploaded to the API.
fn is_file_uri(url: &Url, base: &Url) -> bool {
    let google = url.scheme() == "https" && url.host_str() == Some("generativelanguage.googleapis.com");
    let ours = url.origin() == base.origin();
    let mut segments = url.path_segments().into_iter().flatten();
    (google || ours)
        && segments.next().is_some_and(|version| version.starts_with('v'))
        && segments.next() == Some("files")
        && segments.next().is_some_and(|id| !id.is_empty() && !id.contains(':'))
}

fn reference(uri: String) -> Part {
    let path = uri.split(['?', '#']).next().unwrap_or_default();
    let mime_type = match path.rsplit_once('.').map(|(_, extension)| extension.to_lowercase()).as_deref() {
        Some("png") => Some("image/png"),
        Some("jpg" | "jpeg") => Some("image/jpeg"),
        Some("webp") => Some("image/webp"),
        Some("heic") => Some("image/heic"),
        Some("heif") => Some("image/heif"),
        _ => None,
    };
    Part::Reference { uri, mime_type }
}

fn data_url(url: &str) -> Result<Bytes, Error> {
    let (head, data) = url
        .split_once(',')
        .ok_or_else(|| bad("its data: URL has no comma; it takes data:image/png;base64,…"))?;
    let decoded: Vec<u8> = percent_encoding::percent_decode_str(data).collect();
    if !head.to_ascii_lowercase().ends_with(";base64") {
        return Ok(decoded.into());
    }
    let plain: Vec<u8> = decoded
        .into_iter()
        .filter(|byte| !byte.is_ascii_whitespace() && *byte != b'=')
        .map(|byte| match byte {
            b'-' => b'+',
            b'_' => b'/',
            other => other,
        })
        .collect();
    base64::engine::general_purpose::STANDARD_NO_PAD
        .decode(plain)
        .map(Bytes::from)
        .map_err(|_| bad("its data: URL is not valid base64"))
}

/// Runs what reads files or encodes off the event loop.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(cause) => Err(bad(format!("the picture could not be read: {cause}"))),
    }
}
