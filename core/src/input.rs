//! What a caller hands in, and how it becomes a part that is ready to send.
//!
//! `prepare` runs once per call, before anything is sent: every picture is found, opened and
//! sniffed, so that a bad one is named at once. What it gives can be read again by each attempt.

use std::borrow::Cow;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::SystemTime;

use base64::Engine as _;
use bytes::Bytes;
use serde_json::{Map, Value};
use url::Url;

use crate::array::{Array, Sample};
use crate::codec::{self, Header};
use crate::encode::{self, Plan, Told};
use crate::error::{Error, Kind};
use crate::image::{Image, Pixels};
use crate::options::{Attachment, Encode, Reference, Role};
use crate::records::{self, InputPlan};
use crate::schema::Case;

mod attachment;

pub(crate) use attachment::{Clip, Media, uncounted};

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
    /// Pixels; they are sent as PNG unless `encode` says more.
    Pixels(Pixels),
    /// A file that was uploaded before; it is sent by reference.
    File(Box<records::File>),
    /// Pixels as other libraries hold them, or one dimension of bytes: a file.
    Array(Array),
    /// A picture, and in words what it shows.
    Reference(Box<Input>, Reference),
    /// A document or a video: anything of the above but words, pictures and pixels.
    Attachment(Box<Input>, Attachment),
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
        let problem = format!("{} {problem}", self.of(named));
        match self {
            Place::Picture(index) => bad(problem).with("index", index as u64),
            // What is no picture has nothing to do with pictures' errors.
            Place::Option(name @ attachment::OPTION) => {
                Error::new(Kind::InvalidOptionError, problem).with("option", name.to_owned())
            }
            Place::Option(name) => bad(problem).with("option", name.to_owned()),
        }
    }

    /// The place in words, with what stands there.
    fn of(self, named: &str) -> String {
        let named = if named.is_empty() { String::new() } else { format!(" ({named})") };
        match self {
            Place::Picture(index) => format!("picture {index}{named}"),
            Place::Option(name) => format!("option `{name}`{named}"),
        }
    }
}

impl Place {
    /// What may stand there: of two wordings that of a picture, or that of a file of any kind.
    pub fn takes(self, picture: &'static str, file: &'static str) -> &'static str {
        if self == attachment::PLACE { file } else { picture }
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

impl From<records::File> for Input {
    fn from(file: records::File) -> Self {
        Input::File(Box::new(file))
    }
}

impl From<&records::File> for Input {
    fn from(file: &records::File) -> Self {
        Input::File(Box::new(file.clone()))
    }
}

impl From<Pixels> for Input {
    fn from(pixels: Pixels) -> Self {
        Input::Pixels(pixels)
    }
}

impl From<Array> for Input {
    fn from(array: Array) -> Self {
        Input::Array(array)
    }
}

/// A piece that is ready to send.
#[derive(Debug, Clone)]
pub(crate) enum Part {
    Text(String),
    /// A picture, or what is attached, by its bytes.
    Picture {
        mime_type: Cow<'static, str>,
        source: Source,
        /// Set for what is attached.
        attached: Option<Clip>,
    },
    /// The same where the service fetches it itself.
    Reference {
        uri: String,
        mime_type: Option<Cow<'static, str>>,
        attached: Option<Clip>,
    },
}

impl Part {
    /// What it is beside words; none for words.
    pub fn media(&self) -> Option<Media> {
        match self {
            Part::Text(_) => None,
            Part::Picture { mime_type, .. } => Some(Media::of(mime_type)),
            Part::Reference { attached: None, .. } => Some(Media::Picture),
            Part::Reference { mime_type: Some(mime_type), .. } => Some(Media::of(mime_type)),
            Part::Reference { uri, .. } if attachment::is_youtube(uri) => Some(Media::Video),
            Part::Reference { .. } => Some(Media::Unknown),
        }
    }
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

    /// All of it at once.
    fn read(&self) -> Result<Bytes, Error> {
        match self {
            Source::Memory(bytes) => Ok(bytes.clone()),
            Source::File(file) => file.read(),
        }
    }
}

/// A file as it was when it was sniffed; each attempt opens it again and compares.
#[derive(Debug, Clone)]
pub(crate) struct File {
    /// Where the caller put it.
    pub place: Place,
    pub path: PathBuf,
    pub len: u64,
    modified: Option<SystemTime>,
    identity: u64,
}

impl File {
    /// The file at this path, as it is now.
    pub fn at(path: PathBuf, place: Place, now: &std::fs::Metadata) -> Self {
        File { place, len: now.len(), modified: now.modified().ok(), identity: identity(now), path }
    }

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
        let path = self.path.display().to_string();
        let problem = format!("changed while it was being sent: {how}. Call again once it is still");
        self.place.refuse(&path, problem).with("input", path)
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
    pub const OPTIONS: &[&'static str] = &[attachment::OPTION];

    /// What stands in one of [`Input::OPTIONS`].
    ///
    /// # Errors
    /// [`Kind::InvalidOptionError`] if no option of that name takes inputs, or not such a one.
    #[doc(hidden)]
    pub fn of_option(option: &str, input: Input) -> Result<Input, Error> {
        if option == attachment::OPTION {
            return attachment::read(input, Attachment::new());
        }
        let problem = format!("option `{option}` takes no pictures");
        Err(Error::new(Kind::InvalidOptionError, problem).with("option", option.to_owned()))
    }

    /// Which of [`Input::OPTIONS`] it stands in.
    pub(crate) fn option(&self) -> Option<&'static str> {
        matches!(self, Input::Attachment(..)).then_some(attachment::OPTION)
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
            ("Attachment", Some(of)) => attachment::read(of, Attachment::read(fields, case)?),
            ("Attachment", None) => Err(attachment::PLACE.refuse("", "holds an Attachment of nothing")),
            ("Reference", Some(Input::Reference(..))) => {
                Err(bad("a Reference of a Reference: say all in one"))
            }
            ("Reference", Some(of)) if of.is_picture() => {
                Ok(Input::Reference(Box::new(of), Reference::read(fields, case)?))
            }
            ("Reference", None) => {
                Err(bad("a Reference of nothing: it takes a picture, and what is said of it"))
            }
            _ => Err(bad(format!("a {class} of this is no picture"))),
        }
    }

    /// Whether it is one of the call's pictures.
    #[doc(hidden)]
    pub fn is_picture(&self) -> bool {
        !matches!(self, Input::Text(_) | Input::Attachment(..))
    }

    /// Puts the bytes of a file that had to be read first in place of what stands for them.
    #[doc(hidden)]
    pub fn fill(&mut self, bytes: Bytes) {
        match self {
            Input::Reference(of, _) | Input::Attachment(of, _) => of.fill(bytes),
            place => *place = Input::Bytes(bytes),
        }
    }

    /// A picture, or what is attached, as it was named, for messages and notes; none for words.
    pub(crate) fn label(&self) -> Option<String> {
        Some(match self {
            Input::Text(_) => return None,
            Input::Named(name) => short(name),
            Input::Path(path) => path.display().to_string(),
            Input::Bytes(_) => "bytes".to_owned(),
            Input::Image(image) => match image.path() {
                Some(path) => path.display().to_string(),
                None => format!("{image:?}"),
            },
            Input::Pixels(pixels) => format!("{pixels:?}"),
            Input::Array(array) => format!("{array:?}"),
            Input::Reference(of, _) | Input::Attachment(of, _) => return of.label(),
            Input::File(file) => file.name.clone(),
        })
    }

    /// Whether its bytes have to be fetched from the web.
    pub(crate) fn is_fetched(&self) -> bool {
        match self {
            Input::Named(name) => is_scheme(name, "http://") || is_scheme(name, "https://"),
            Input::Reference(of, _) | Input::Attachment(of, _) => of.is_fetched(),
            _ => false,
        }
    }
}

/// How `prepare` gets a picture from an `http(s):` URL; the client knows.
pub(crate) type Fetch<'a> =
    dyn Fn(Url) -> Pin<Box<dyn Future<Output = Result<Bytes, Error>> + Send + 'a>> + Send + Sync + 'a;

/// Files up to this size are read once and kept; larger ones are read as they are sent.
const SMALL_FILE: u64 = 1 << 20;

/// How many of the pieces are pictures.
pub(crate) fn pictures(inputs: &[Input]) -> usize {
    inputs.iter().filter(|input| input.is_picture()).count()
}

/// How many letters the words among the pieces have, those that go before a picture included.
pub(crate) fn letters(inputs: &[Input]) -> usize {
    let letters = |input: &Input| match input {
        Input::Text(text) => text.chars().count(),
        Input::Reference(_, said) => said.words().map_or(0, |words| words.chars().count()),
        Input::Attachment(of, about) => attachment::letters(of, about),
        _ => 0,
    };
    inputs.iter().map(letters).sum()
}

/// Which of the pictures are references, by what they are there for.
pub(crate) fn roles(inputs: &[Input]) -> Vec<Role> {
    let role = |input: &Input| if let Input::Reference(_, said) = input { said.role } else { None };
    inputs.iter().filter_map(role).collect()
}

/// All pieces of a call, ready to send, and what became of its pictures.
#[derive(Debug, Default)]
pub(crate) struct Prepared {
    pub parts: Vec<Part>,
    pub plans: Vec<InputPlan>,
    /// What was lost, in sentences.
    pub warnings: Vec<String>,
}

/// Finds and checks every piece, and encodes pictures anew where that is needed or `wishes` asks for it.
/// `base` is the API's own address with its version, whose Files URIs are sent as references.
pub(crate) async fn prepare(
    inputs: Vec<Input>,
    base: &Url,
    fetch: &Fetch<'_>,
    wishes: Option<&Encode>,
) -> Result<Prepared, Error> {
    let mut index = 0;
    let pieces = inputs.into_iter().map(|input| {
        let at = index;
        index += u64::from(input.is_picture());
        prepare_one(input, at, base, fetch, wishes)
    });
    let mut prepared = Prepared::default();
    // All of them, so that of several bad ones it is always the first that is told.
    for piece in futures_util::future::join_all(pieces).await {
        let (parts, told) = piece?;
        prepared.parts.extend(parts);
        for told in told {
            let Told { plan, .. } = &told;
            let named = Place::Picture(plan.index as usize).of(&plan.input);
            prepared.warnings.extend(told.warning(&named));
            prepared.plans.push(told.plan);
        }
    }
    Ok(prepared)
}

/// The parts that one input is sent as, and what is told of its pictures.
async fn prepare_one(
    input: Input,
    index: u64,
    base: &Url,
    fetch: &Fetch<'_>,
    wishes: Option<&Encode>,
) -> Result<(Vec<Part>, Vec<Told>), Error> {
    let (words, of) = match input {
        Input::Text(text) => return Ok((vec![Part::Text(text)], Vec::new())),
        Input::Attachment(of, about) => {
            return Ok((vec![attachment::part(*of, about, base, fetch).await?], Vec::new()));
        }
        Input::Reference(of, said) => {
            said.check()?;
            (said.words(), *of)
        }
        input => (None, input),
    };
    let (part, told) = picture(of, index, base, fetch, wishes).await?;
    Ok((words.map(Part::Text).into_iter().chain([part]).collect(), vec![told]))
}

/// What becomes of a picture that needs no network, and the bytes that are sent, worked on here and now.
///
/// # Errors
/// Those of `prepare`.
#[doc(hidden)]
pub fn planned(input: Input, wishes: Option<&Encode>) -> Result<(InputPlan, Bytes), Error> {
    let fetch = |_| -> Pin<Box<dyn Future<Output = Result<Bytes, Error>> + Send>> {
        Box::pin(std::future::ready(Err(bad("nothing is fetched here"))))
    };
    let base = Url::parse("https://127.0.0.1").map_err(|cause| bad(cause.to_string()))?;
    let runtime =
        tokio::runtime::Builder::new_current_thread().build().map_err(|cause| bad(cause.to_string()))?;
    let (part, told) = runtime.block_on(picture(input, 0, &base, &fetch, wishes))?;
    let bytes = match part {
        Part::Picture { source, .. } => source.read()?,
        Part::Text(_) | Part::Reference { .. } => Bytes::new(),
    };
    Ok((told.plan, bytes))
}

/// A picture that was found.
enum Picture {
    /// Its address will do.
    Address {
        uri: String,
        mime_type: Option<Cow<'static, str>>,
    },
    /// A file, and what its header says.
    File(Source, Header),
    Pixels(Pixels),
    Array(Array),
}

async fn picture(
    input: Input,
    index: u64,
    base: &Url,
    fetch: &Fetch<'_>,
    wishes: Option<&Encode>,
) -> Result<(Part, Told), Error> {
    let label = input.label().unwrap_or_default();
    let found = match input {
        Input::Text(_) | Input::Reference(..) | Input::Attachment(..) => Err(bad("it is no picture")),
        Input::Bytes(bytes) => whole(bytes),
        Input::Image(image) => saved(image, index).await,
        Input::Pixels(pixels) => Ok(Picture::Pixels(pixels)),
        Input::Array(array) => match array.file() {
            Some(bytes) => whole(bytes.clone()),
            None => Ok(Picture::Array(array)),
        },
        Input::Path(path) => blocking(move || on_disk(path, index)).await,
        Input::Named(name) => named(name, index, base, fetch).await,
        Input::File(file) => uploaded(*file),
    };
    let sent = match found {
        Ok(found) => sent(found, wishes).await,
        Err(error) => Err(error),
    };
    match sent {
        Ok((part, mut told)) => {
            (told.plan.index, told.plan.input) = (index, label);
            Ok((part, told))
        }
        Err(error) if error.is(Kind::ImageError) && error.field("index").is_none() => {
            let message = match label.as_str() {
                "bytes" => format!("picture {index}: {}", error.message()),
                label if error.message().contains(label) => format!("picture {index}: {}", error.message()),
                label => format!("picture {index} ({label}): {}", error.message()),
            };
            Err(error.with("index", index).with("input", label).reworded(message))
        }
        Err(error) => Err(error),
    }
}

/// The part that a picture is sent as.
async fn sent(found: Picture, wishes: Option<&Encode>) -> Result<(Part, Told), Error> {
    let (made, source) = match found {
        Picture::Address { uri, mime_type } => {
            let told = Told::reference(mime_type.as_ref().map(ToString::to_string));
            return Ok((Part::Reference { uri, mime_type, attached: None }, told));
        }
        Picture::File(source, header) => {
            let from = source.clone();
            let plan = Plan::new(header, source.len(), wishes)?;
            (plan.carried_out(move || from.read()).await?, Some(source))
        }
        Picture::Pixels(pixels) => {
            let bytes = pixels.data.len();
            (encode::pixels(move || Ok(pixels), bytes, false, wishes).await?, None)
        }
        Picture::Array(array) => {
            let (bytes, is_rounded) = (array.data.len(), array.sample == Sample::U16);
            (encode::pixels(move || array.into_pixels(), bytes, is_rounded, wishes).await?, None)
        }
    };
    let source = made.bytes.map(Source::Memory).or(source);
    let source = source.ok_or_else(|| bad("the picture was not encoded"))?;
    Ok((Part::Picture { mime_type: made.mime_type.into(), source, attached: None }, made.told))
}

/// The same parts with every picture's bytes in memory, where a conversation keeps them.
pub(crate) async fn in_memory(parts: Vec<Part>) -> Result<Vec<Part>, Error> {
    let read = |part: Part| {
        let Part::Picture { mime_type, source: Source::File(file), attached } = part else {
            return Ok(part);
        };
        let bytes = file.read()?;
        Ok(Part::Picture { mime_type, source: Source::Memory(bytes), attached })
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

pub(crate) fn is_scheme(name: &str, scheme: &str) -> bool {
    name.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
}

fn bad(message: impl Into<String>) -> Error {
    Error::new(Kind::ImageError, message)
}

fn whole(bytes: Bytes) -> Result<Picture, Error> {
    let header = codec::header(&bytes).map_err(|error| attachment::instead(&bytes).unwrap_or(error))?;
    Ok(Picture::File(Source::Memory(bytes), header))
}

/// A picture that may lie on disk, where it stays.
async fn saved(image: Image, index: u64) -> Result<Picture, Error> {
    let Some(path) = image.path().map(Path::to_owned) else { return whole(image.bytes()?.clone()) };
    blocking(move || match on_disk(path, index) {
        Ok(Picture::File(source, _)) if source.len() != image.len() as u64 => {
            Err(bad(format!("its file had {} bytes and now has {}", image.len(), source.len())))
        }
        found => found,
    })
    .await
}

/// Why a file is of no use.
fn cannot(cause: std::io::Error) -> Error {
    let why = match cause.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "its file may not be read".to_owned(),
        _ => format!("its file cannot be read: {cause}"),
    };
    bad(why).because(cause)
}

/// Opens what is no folder.
fn opened(path: &Path) -> Result<(std::fs::File, std::fs::Metadata), Error> {
    let file = std::fs::File::open(path).map_err(cannot)?;
    let metadata = file.metadata().map_err(cannot)?;
    if metadata.is_dir() {
        return Err(bad("it is a folder; name a file in it"));
    }
    Ok((file, metadata))
}

fn on_disk(path: PathBuf, index: u64) -> Result<Picture, Error> {
    use std::io::Read as _;
    let (file, metadata) = opened(&path)?;
    if !metadata.is_file() || metadata.len() <= SMALL_FILE {
        let mut bytes = Vec::new();
        (&file).read_to_end(&mut bytes).map_err(cannot)?;
        return whole(bytes.into());
    }
    let header = codec::header_of_file(&file).map_err(|error| {
        let mut start = Vec::new();
        let again = std::io::Seek::seek(&mut &file, std::io::SeekFrom::Start(0));
        let read = again.and_then(|_| (&file).take(SMALL_FILE).read_to_end(&mut start));
        read.ok().and_then(|_| attachment::instead(&start)).unwrap_or(error)
    })?;
    Ok(Picture::File(Source::File(File::at(path, Place::Picture(index as usize), &metadata)), header))
}

/// Where what was named lies.
enum Found {
    Here(Bytes),
    OnDisk(PathBuf),
    /// Where the service fetches it itself.
    There(String),
}

async fn named(name: String, index: u64, base: &Url, fetch: &Fetch<'_>) -> Result<Picture, Error> {
    if attachment::is_youtube(&name) {
        return Err(bad("it is a video; give it in the option `attachments`"));
    }
    match found(name, base, fetch).await? {
        Found::Here(bytes) => whole(bytes),
        Found::OnDisk(path) => blocking(move || on_disk(path, index)).await,
        Found::There(uri) => {
            Ok(Picture::Address { mime_type: type_of_address(&uri).map(Cow::Borrowed), uri })
        }
    }
}

async fn found(name: String, base: &Url, fetch: &Fetch<'_>) -> Result<Found, Error> {
    if is_scheme(&name, "data:") {
        return Ok(Found::Here(data_url(&name)?));
    }
    if is_scheme(&name, "gs://") {
        return Ok(Found::There(name));
    }
    if is_scheme(&name, "http://") || is_scheme(&name, "https://") {
        let url =
            Url::parse(&name).map_err(|cause| bad(format!("it is not a URL: {cause}")).because(cause))?;
        if is_file_uri(&url, base) {
            return Ok(Found::There(name));
        }
        return Ok(Found::Here(fetch(url).await?));
    }
    if is_scheme(&name, "file://") {
        let path = Url::parse(&name).ok().and_then(|url| url.to_file_path().ok());
        return path.map(Found::OnDisk).ok_or_else(|| bad("it is not a file URL of this machine"));
    }
    if let Some((scheme, _)) = name.split_once("://") {
        return Err(bad(format!("{scheme}: URLs are not taken; http, https, data, file and gs are")));
    }
    if name.is_empty() {
        return Err(bad("its name is empty; give a path or a URL"));
    }
    let path = PathBuf::from(&name);
    if is_file_name(&name) {
        let is_there = blocking(move || Ok(path.exists())).await?;
        if !is_there {
            return Ok(Found::There(format!("{}/{name}", base.as_str().trim_end_matches('/'))));
        }
    }
    Ok(Found::OnDisk(PathBuf::from(name)))
}

/// Whether this is what the service calls an uploaded file.
pub(crate) fn is_file_name(name: &str) -> bool {
    let is_letter = |letter: u8| matches!(letter, b'a'..=b'z' | b'0'..=b'9' | b'-');
    name.strip_prefix("files/").is_some_and(|id| (1..=40).contains(&id.len()) && id.bytes().all(is_letter))
}

/// An uploaded file, if it can be used now.
fn uploaded(file: records::File) -> Result<Picture, Error> {
    let name = &file.name;
    match file.state.as_str() {
        "PROCESSING" => {
            return Err(bad(format!("{name} is still PROCESSING; get it again until it is ACTIVE")));
        }
        "FAILED" => {
            let why = file.error.as_deref().unwrap_or("with no explanation");
            return Err(bad(format!("{name} has FAILED: {why}")));
        }
        // A state that is not known yet is the service's to judge.
        _ => {}
    }
    let end = file.expiration_time.as_deref().and_then(|end| humantime::parse_rfc3339_weak(end).ok());
    if end.is_some_and(|end| end <= SystemTime::now()) {
        let end = file.expiration_time.as_deref().unwrap_or_default();
        return Err(bad(format!(
            "{name} is gone since {end}: uploaded files live 48 hours; upload it again"
        )));
    }
    if file.uri.is_empty() {
        return Err(bad("this file has no `uri`; give what `files.upload` or `files.get` gave"));
    }
    let mime_type = Some(file.mime_type).filter(|kind| !kind.is_empty()).map(Cow::Owned);
    Ok(Picture::Address { uri: file.uri, mime_type })
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

/// What a file is by the end of its address.
fn type_of_address(uri: &str) -> Option<&'static str> {
    let path = uri.split(['?', '#']).next().unwrap_or_default();
    match path.rsplit_once('.').map(|(_, extension)| extension.to_lowercase()).as_deref() {
        Some("png") => Some("image/png"),
        Some("jpg" | "jpeg") => Some("image/jpeg"),
        Some("webp") => Some("image/webp"),
        Some("heic") => Some("image/heic"),
        Some("heif") => Some("image/heif"),
        _ => None,
    }
}

pub(crate) fn data_url(url: &str) -> Result<Bytes, Error> {
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
