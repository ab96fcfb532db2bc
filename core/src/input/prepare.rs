//! From what a caller hands in to parts that are ready to send: found, opened, sniffed, and encoded anew where
//! that is needed.

use std::borrow::Cow;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::SystemTime;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use serde_json::Value;
use url::Url;

use super::{File, Input, Part, Place, Source, attachment, bad, content, foreign, is_scheme};
use crate::array::{self, Array, Opened, Sample};
use crate::codec::{self, Checked, Header, Quirks};
use crate::error::{Detail, Error, WhichImage};
use crate::image::{Image, Pixels};
use crate::local;
use crate::message::{Message, counted, message, option};
use crate::options::{Encode, Reference};
use crate::picture::encode::{self, Plan, Told};
use crate::records::{self, InputPlan};

/// The way to inputs that are named.
pub(crate) struct Reach<'a> {
    /// The API's own address with its version, whose Files URIs are sent as references.
    pub base: &'a Url,
    pub fetch: &'a Fetch<'a>,
    /// Whether the client opens files of this machine.
    pub local_files: bool,
}

/// How a picture is got from an `http(s):` URL; the client knows.
type Fetch<'a> =
    dyn Fn(Url) -> Pin<Box<dyn Future<Output = Result<Bytes, Error>> + Send + 'a>> + Send + Sync + 'a;

/// Files up to this size are read once and kept; larger ones are read as they are sent.
pub(super) const SMALL_FILE: u64 = 1 << 20;

/// All pieces of a call, ready to send, and what became of its pictures.
#[derive(Debug, Default)]
pub(crate) struct Prepared {
    pub parts: Vec<Part>,
    pub plans: Vec<InputPlan>,
    /// What was lost, in sentences.
    pub warnings: Vec<Message>,
    /// The first of the pictures as it was found, if it was asked for.
    pub first: Option<Picture>,
    /// Every piece by its content, if that was asked for.
    pub given: Vec<Value>,
}

/// What becomes of one piece.
#[derive(Default)]
struct Piece {
    parts: Vec<Part>,
    told: Option<Told>,
    found: Option<Picture>,
    given: Option<Value>,
    warning: Option<Message>,
}

/// What is to be known of inputs beside how they are sent.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wanted {
    /// The first picture as it was found.
    pub first: bool,
    /// Every piece by its content.
    pub contents: bool,
}

/// Finds and checks every piece, and encodes pictures anew where that is needed or `wishes` asks for it.
pub(crate) async fn prepare(
    inputs: Vec<Input>,
    reach: &Reach<'_>,
    wishes: Option<&Encode>,
    wanted: Wanted,
) -> Result<Prepared, Error> {
    let mut index = 0;
    let pieces = inputs.into_iter().map(|input| {
        let at = index;
        index += u64::from(input.is_picture());
        prepare_one(input, at, reach, wishes, Wanted { first: wanted.first && at == 0, ..wanted })
    });
    let mut prepared = Prepared::default();
    // All of them, so that of several bad ones it is always the first that is told.
    for piece in futures_util::future::join_all(pieces).await {
        let Piece { parts, told, found, given, warning } = piece?;
        prepared.parts.extend(parts);
        prepared.warnings.extend(warning);
        prepared.given.extend(given);
        prepared.first = prepared.first.or(found);
        if let Some(told) = told {
            let named = Place::Picture(told.plan.index as usize).of(&told.plan.input);
            prepared.warnings.extend(told.warning(&named));
            prepared.plans.push(told.plan);
        }
    }
    Ok(prepared)
}

async fn prepare_one(
    input: Input,
    index: u64,
    reach: &Reach<'_>,
    wishes: Option<&Encode>,
    wanted: Wanted,
) -> Result<Piece, Error> {
    let (said, of) = match input {
        Input::Text(text) => {
            let given = wanted.contents.then(|| text.clone().into());
            let warning = named_in_words(&text, reach.local_files).await;
            return Ok(Piece { parts: vec![Part::Text(text)], given, warning, ..Piece::default() });
        }
        Input::Attachment(of, about) => {
            let file = match &*of {
                Input::File(file) => Some(content::of_file(file, reach.base)),
                _ => None,
            };
            let part = attachment::part(*of, about.clone(), reach).await?;
            let given = match (wanted.contents, file, &part) {
                (false, ..) | (.., Part::Text(_)) => None,
                (true, Some(file), _) => Some(file),
                (true, None, Part::Picture { source, .. }) => Some(content::of_source(source.clone()).await?),
                (true, None, Part::Reference { uri, .. }) => Some(content::address(uri, reach.base)),
            };
            let given = given.map(|given| content::attached(given, &about));
            return Ok(Piece { parts: vec![part], given, ..Piece::default() });
        }
        Input::Reference(of, said) => {
            said.check()?;
            (Some(said), *of)
        }
        input => (None, input),
    };
    let words = said.as_ref().and_then(Reference::words);
    let (part, told, found, given) = picture(of, index, reach, wishes, wanted).await?;
    Ok(Piece {
        parts: words.map(Part::Text).into_iter().chain([part]).collect(),
        told: Some(told),
        found,
        given: given.map(|given| content::described(given, said.as_ref())),
        warning: None,
    })
}

/// The warning for words that are the name of a picture's file on this machine.
async fn named_in_words(text: &str, local_files: bool) -> Option<Message> {
    if !local_files || !foreign::names_a_picture(text) {
        return None;
    }
    let (name, path) = (text.trim().to_owned(), PathBuf::from(text.trim()));
    let is_there = blocking(move || Ok(path.is_file())).await;
    is_there.unwrap_or(false).then(|| foreign::sent_as_words(&name))
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
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .map_err(|cause| bad(cause.to_string()))?;
    let reach = Reach { base: &base, fetch: &fetch, local_files: true };
    let (part, told, ..) = runtime.block_on(picture(input, 0, &reach, wishes, Wanted::default()))?;
    let bytes = match part {
        Part::Picture { source, .. } => source.read()?,
        Part::Text(_) | Part::Reference { .. } => Bytes::new(),
    };
    Ok((told.plan, bytes))
}

/// A picture that was found.
#[derive(Debug, Clone)]
pub(crate) enum Picture {
    /// Its address will do.
    Address {
        uri: String,
        mime_type: Option<Cow<'static, str>>,
    },
    /// A file, and what its header says.
    File(Source, Header),
    Pixels(Pixels),
    Array(Array),
    Opened(Opened),
}

impl Picture {
    /// What `then` makes of its pixels as a person sees them, on a thread for that.
    ///
    /// # Errors
    /// [`Kind::ImageError`](crate::error::Kind::ImageError) if they are not known here, or cannot be read; what `then`
    /// returns.
    pub async fn pixels<T: Send + 'static>(
        self,
        then: impl FnOnce(Pixels) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        match self {
            Picture::Address { .. } => Err(bad(
                "the service fetches it by its address; give the picture itself, so that its pixels are known",
            )),
            Picture::File(source, header) => array::decoded(header.format, source.ahead(), then).await,
            Picture::Pixels(pixels) => codec::worker(move || then(pixels)).await,
            Picture::Array(array) => codec::worker(move || then(array.into_pixels()?)).await,
            Picture::Opened(opened) => codec::worker(move || then(opened.into_pixels()?.0)).await,
        }
    }

    /// Bits a channel, of a file.
    pub fn depth(&self) -> Option<u8> {
        if let Picture::File(_, header) = self { Some(header.depth) } else { None }
    }
}

/// The pixels of a picture that is not sent as it is, and its content.
pub(crate) async fn pixels(input: Input, reach: &Reach<'_>) -> Result<(Pixels, Value), Error> {
    let (found, content) = content::of_picture(find(input, 0, reach).await?, reach.base).await?;
    Ok((found.pixels(Ok).await?, content))
}

/// The picture that an input stands for.
async fn find(input: Input, index: u64, reach: &Reach<'_>) -> Result<Picture, Error> {
    match input {
        Input::Text(_) | Input::Reference(..) | Input::Attachment(..) | Input::Mask(..) => {
            Err(bad("it is no picture"))
        }
        Input::Region(_) => {
            Err(bad("a Box is no picture; it is a mask for one: give it as `mask` of an edit"))
        }
        Input::Bytes(bytes) => whole(bytes).await,
        Input::Image(image) => saved(image, index).await,
        Input::Pixels(pixels) => Ok(Picture::Pixels(pixels)),
        Input::Array(array) => match array.file() {
            Some(bytes) => whole(bytes.clone()).await,
            None => Ok(Picture::Array(array)),
        },
        Input::Opened(opened) => Ok(Picture::Opened(opened)),
        Input::Path(path) => {
            may_open(reach.local_files)?;
            from_disk(path, index).await
        }
        Input::Named(name) => named(name, index, reach).await,
        Input::File(file) => {
            let kind = file.mime_type.to_lowercase();
            let found = uploaded(*file)?;
            if !(kind.is_empty() || kind.starts_with("image/")) {
                return Err(attachment::no_picture(&kind));
            }
            if !(kind.is_empty() || encode::takes(&kind)) {
                return Err(bad(format!(
                    "it is {kind}, which the service does not take; give the picture itself, which is converted then"
                )));
            }
            Ok(found)
        }
    }
}

async fn picture(
    input: Input,
    index: u64,
    reach: &Reach<'_>,
    wishes: Option<&Encode>,
    wanted: Wanted,
) -> Result<(Part, Told, Option<Picture>, Option<Value>), Error> {
    let label = input.label().unwrap_or_default();
    let file = match &input {
        Input::File(file) if wanted.contents => Some(content::of_file(file, reach.base)),
        _ => None,
    };
    let work = async {
        let mut found = find(input, index, reach).await?;
        let mut given = file;
        if wanted.contents && given.is_none() {
            let content;
            (found, content) = content::of_picture(found, reach.base).await?;
            given = Some(content);
        }
        let kept = wanted.first.then(|| found.clone());
        let (part, told) = sent(found, wishes).await?;
        Ok::<_, Error>((part, told, kept, given))
    };
    match work.await {
        Ok((part, mut told, kept, given)) => {
            (told.plan.index, told.plan.input) = (index, label);
            Ok((part, told, kept, given))
        }
        Err(error) if matches!(error.detail(), Detail::WhichImage(WhichImage { index: None, .. })) => {
            let message = match label.as_str() {
                "bytes" => message!("picture {index}: {}", error.words()),
                label if error.words().contains(label) => message!("picture {index}: {}", error.words()),
                label => message!("picture {index} ({label}): {}", error.words()),
            };
            Err(error.with_index(index).with_input(label).reworded(message))
        }
        Err(error) => Err(error),
    }
}

/// The part that a picture is sent as.
async fn sent(found: Picture, wishes: Option<&Encode>) -> Result<(Part, Told), Error> {
    let (made, source) = match found {
        Picture::Address { uri, mime_type } => {
            let told = Told::reference(mime_type.as_ref().map(ToString::to_string), wishes);
            return Ok((Part::Reference { uri, mime_type, attached: None }, told));
        }
        Picture::File(source, header) => {
            let from = source.clone();
            let plan = Plan::new(header, source.len(), wishes)?;
            (plan.carried_out(from.ahead()).await?, Some(source))
        }
        Picture::Pixels(pixels) => {
            let bytes = pixels.data.len();
            (encode::pixels(move || Ok((pixels, Quirks::NONE)), bytes, wishes).await?, None)
        }
        Picture::Array(array) => {
            let bytes = array.data.len();
            // Floats are what programs reckon with; most of them were 8 bits before.
            let depth = if array.sample == Sample::U16 { 16 } else { 8 };
            let made = move || Ok((array.into_pixels()?, Quirks { depth, ..Quirks::NONE }));
            (encode::pixels(made, bytes, wishes).await?, None)
        }
        Picture::Opened(opened) => {
            let bytes = opened.array.data.len();
            (encode::pixels(move || opened.into_pixels(), bytes, wishes).await?, None)
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

/// A picture in memory, that shall be sent: nothing that is cut off, or of a type that is not taken.
async fn whole(bytes: Bytes) -> Result<Picture, Error> {
    let checked = codec::checked(&bytes).map_err(|error| attachment::instead(&bytes).unwrap_or(error))?;
    proven(Source::Memory(bytes), checked).await
}

/// A file whose end is missing is decoded, to see whether all its pixels are there.
async fn proven(source: Source, checked: Checked) -> Result<Picture, Error> {
    let Checked { header, is_in_doubt } = checked;
    if is_in_doubt {
        let bytes = source.clone().ahead().await?;
        codec::worker(move || codec::decode(&bytes).map(drop)).await?;
    }
    Ok(Picture::File(source, header))
}

/// A picture that may lie on disk, where it stays.
async fn saved(image: Image, index: u64) -> Result<Picture, Error> {
    let Some(path) = image.path().map(Path::to_owned) else { return whole(image.bytes()?.clone()).await };
    match from_disk(path, index).await {
        Ok(Picture::File(source, _)) if source.len() != image.len() as u64 => {
            let had = counted(image.len(), "byte", "bytes");
            Err(bad(format!("its file had {had} and now has {}", source.len())))
        }
        found => found,
    }
}

/// Why a file is of no use.
pub(super) fn cannot(cause: std::io::Error) -> Error {
    bad(local::why(&cause)).because(cause)
}

async fn from_disk(path: PathBuf, index: u64) -> Result<Picture, Error> {
    let (source, checked) = blocking(move || on_disk(path, index)).await?;
    match checked {
        Some(checked) => proven(source, checked).await,
        None => whole(source.read()?).await,
    }
}

/// A file on disk, and what its header says; of a small one its bytes.
fn on_disk(path: PathBuf, index: u64) -> Result<(Source, Option<Checked>), Error> {
    use std::io::Read as _;
    let (file, metadata) = local::open(&path).map_err(cannot)?;
    if !metadata.is_file() || metadata.len() <= SMALL_FILE {
        return Ok((Source::Memory(local::rest(&file, &metadata).map_err(cannot)?.into()), None));
    }
    let checked = codec::checked_file(&file).map_err(|error| {
        let mut start = Vec::new();
        let again = std::io::Seek::seek(&mut &file, std::io::SeekFrom::Start(0));
        let read = again.and_then(|_| (&file).take(SMALL_FILE).read_to_end(&mut start));
        read.ok().and_then(|_| attachment::instead(&start)).unwrap_or(error)
    })?;
    Ok((Source::File(File::at(path, Place::Picture(index as usize), &metadata)), Some(checked)))
}

/// Where what was named lies.
pub(super) enum Found {
    Here(Bytes),
    OnDisk(PathBuf),
    /// Where the service fetches it itself.
    There(String),
}

async fn named(name: String, index: u64, reach: &Reach<'_>) -> Result<Picture, Error> {
    if attachment::is_youtube(&name) {
        return Err(bad("it is a video; give it in the option `attachments`"));
    }
    match found(name, reach).await? {
        Found::Here(bytes) => whole(bytes).await,
        Found::OnDisk(path) => from_disk(path, index).await,
        Found::There(uri) => {
            Ok(Picture::Address { mime_type: type_of_address(&uri).map(Cow::Borrowed), uri })
        }
    }
}

pub(super) async fn found(name: String, reach: &Reach<'_>) -> Result<Found, Error> {
    if is_scheme(&name, "data:") {
        return Ok(Found::Here(data_url(&name)?));
    }
    if is_scheme(&name, "gs://") {
        return Ok(Found::There(name));
    }
    if is_scheme(&name, "http://") || is_scheme(&name, "https://") {
        let url =
            Url::parse(&name).map_err(|cause| bad(format!("it is not a URL: {cause}")).because(cause))?;
        if is_file_uri(&url, reach.base) {
            return Ok(Found::There(name));
        }
        return Ok(Found::Here((reach.fetch)(url).await?));
    }
    if is_scheme(&name, "file://") {
        may_open(reach.local_files)?;
        let path = Url::parse(&name).ok().and_then(|url| url.to_file_path().ok());
        return path.map(Found::OnDisk).ok_or_else(|| bad("it is not a file URL of this machine"));
    }
    if let Some((scheme, _)) = name.split_once("://") {
        return Err(bad(format!("{scheme}: URLs are not taken; http, https, data, file and gs are")));
    }
    if name.is_empty() {
        return Err(bad("its name is empty; give a path or a URL"));
    }
    if let Some(bytes) = foreign::base64_picture(&name) {
        return bytes.map(Found::Here);
    }
    let path = PathBuf::from(&name);
    if is_file_name(&name) {
        let is_there = reach.local_files && blocking(move || Ok(path.exists())).await?;
        if !is_there {
            return Ok(Found::There(format!("{}/{name}", reach.base.as_str().trim_end_matches('/'))));
        }
    }
    may_open(reach.local_files)?;
    Ok(Found::OnDisk(PathBuf::from(name)))
}

/// That a file which an input names may be opened. Nothing is said of the file, not even that it is there.
///
/// # Errors
/// [`Kind::ImageError`](crate::error::Kind::ImageError) if the client opens none.
pub(crate) fn may_open(local_files: bool) -> Result<(), Error> {
    if local_files {
        return Ok(());
    }
    Err(bad(message!(
        "it names a file of this machine, and this client opens none ({} is false); give the bytes, \
         an https: or data: URL, or an uploaded file",
        option("local_files")
    )))
}

/// Whether this is what the service calls an uploaded file.
pub(crate) fn is_file_name(name: &str) -> bool {
    let is_letter = |letter: u8| matches!(letter, b'a'..=b'z' | b'0'..=b'9' | b'-');
    name.strip_prefix("files/").is_some_and(|id| (1..=40).contains(&id.len()) && id.bytes().all(is_letter))
}

/// An uploaded file, if it can be used now.
pub(super) fn uploaded(file: records::File) -> Result<Picture, Error> {
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
    let head = percent_encoding::percent_decode_str(head).decode_utf8_lossy();
    let is_base64 = head.split(';').skip(1).any(|word| word.trim().eq_ignore_ascii_case("base64"));
    // A fragment is no part of what a URL holds.
    let data = data.split('#').next().unwrap_or_default();
    let decoded: Vec<u8> = percent_encoding::percent_decode_str(data).collect();
    if !is_base64 {
        return Ok(decoded.into());
    }
    base64(decoded).map(Bytes::from).ok_or_else(|| bad("its data: URL is not valid base64"))
}

/// Decodes base64 as leniently as that of replies: either alphabet, padding or none, white space, stray bits in the
/// last symbol.
fn base64(mut text: Vec<u8>) -> Option<Vec<u8>> {
    const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true);
    text.retain(|byte| !byte.is_ascii_whitespace() && *byte != b'=');
    for byte in &mut text {
        *byte = match *byte {
            b'-' => b'+',
            b'_' => b'/',
            other => other,
        };
    }
    GeneralPurpose::new(&STANDARD, LENIENT).decode(text).ok()
}

/// Runs what reads files off the event loop.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    crate::blocking::disk(work).await?
}
