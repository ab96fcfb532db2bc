//! What a caller hands in, and how it becomes a part that is ready to send.
//!
//! `prepare` runs once per call, before anything is sent: every picture is found, opened and
//! sniffed, so that a bad one is named at once. What it gives can be read again by each attempt.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::array::{Array, Opened};
use crate::error::{Error, InvalidOption, Kind};
use crate::image::{Image, Pixels};
use crate::message::{Message, counted, message, method, option};
use crate::options::{At, Attachment, EditOptions, Reference, Region, Role};
use crate::records;
use crate::schema::{Case, Write as _, veiled};

mod attachment;
mod content;
mod foreign;
mod prepare;
mod source;

pub(crate) use attachment::{Clip, Media, type_of, uncounted};
pub use foreign::Stranger;
pub(crate) use foreign::check_words;
pub use prepare::planned;
pub(crate) use prepare::{
    Picture, Prepared, Reach, Wanted, data_url, in_memory, is_file_name, may_open, pixels, prepare,
};
pub(crate) use source::{File, Source};

/// One piece of a prompt, or one picture.
#[derive(Clone)]
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
    /// A picture as another library opened it.
    #[doc(hidden)]
    Opened(Opened),
    /// A picture, and in words what it shows.
    Reference(Box<Input>, Reference),
    /// A document or a video: anything of the above but words, pictures and pixels.
    Attachment(Box<Input>, Attachment),
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
    pub fn refuse(self, named: &str, problem: impl Into<Message>) -> Error {
        let problem = message!("{} {}", self.of(named), problem.into());
        match self {
            Place::Picture(index) => bad(problem).with_index(index as u64),
            // What is no picture has nothing to do with pictures' errors.
            Place::Option(name @ attachment::OPTION) => {
                Error::invalid_option(problem, InvalidOption::of(option(name)))
            }
            Place::Option(_) => bad(problem),
        }
    }

    /// The place in words, with what stands there.
    fn of(self, named: &str) -> Message {
        let named = if named.is_empty() { String::new() } else { format!(" ({named})") };
        match self {
            Place::Picture(index) => message!("picture {index}{named}"),
            Place::Option(name) => message!("option {}{named}", option(name)),
        }
    }

    /// What may stand there: of two wordings that of a picture, or that of a file of any kind.
    pub fn takes(self, picture: &'static str, file: &'static str) -> &'static str {
        if self == attachment::PLACE { file } else { picture }
    }
}

impl std::fmt::Debug for Input {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        veiled(out, |out| match self {
            Input::Text(text) => out.debug_tuple("Text").field(text).finish(),
            Input::Named(name) => out.debug_tuple("Named").field(&short(name)).finish(),
            Input::Path(path) => out.debug_tuple("Path").field(path).finish(),
            Input::Bytes(bytes) => write!(out, "Bytes({})", counted(bytes.len(), "byte", "bytes")),
            Input::Image(image) => image.fmt(out),
            Input::Pixels(pixels) => pixels.fmt(out),
            Input::File(file) => file.fmt(out),
            Input::Array(array) => array.fmt(out),
            Input::Opened(opened) => opened.fmt(out),
            Input::Reference(of, said) => out.debug_tuple("Reference").field(of).field(said).finish(),
            Input::Attachment(of, about) => out.debug_tuple("Attachment").field(of).field(about).finish(),
            Input::Mask(of, options) => out.debug_tuple("Mask").field(of).field(options).finish(),
            Input::Region(region) => region.fmt(out),
        })
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

impl Input {
    /// The options that take inputs, which a binding reads as it reads pictures and hands to the call among
    /// them, each marked by [`Input::of_option`].
    #[doc(hidden)]
    pub const OPTIONS: &[&'static str] = &[attachment::OPTION, MASK];

    /// What stands in one of [`Input::OPTIONS`].
    ///
    /// # Errors
    /// [`Kind::InvalidOptionError`] if no option of that name takes inputs, or not such a one.
    #[doc(hidden)]
    pub fn of_option(option: &str, input: Input) -> Result<Input, Error> {
        if option == attachment::OPTION {
            return attachment::read(input, Attachment::new());
        }
        if option == MASK {
            return Ok(Input::mask(input, EditOptions::new()));
        }
        let problem = format!("option `{option}` takes no pictures");
        Err(Error::invalid_option(problem, InvalidOption::of(option)))
    }

    /// That so many inputs may stand in one of [`Input::OPTIONS`] which was given.
    ///
    /// # Errors
    /// [`Kind::ImageError`] for a list of masks that is empty: it lets nothing change, which no call is needed for.
    #[doc(hidden)]
    pub fn check_count(option: &'static str, count: usize) -> Result<(), Error> {
        match (option, count) {
            (MASK, 0) => Err(Place::Option(option)
                .refuse("", "is an empty list, which lets nothing change; leave it out to let all change")),
            _ => Ok(()),
        }
    }

    /// Which of [`Input::OPTIONS`] it stands in.
    pub(crate) fn option(&self) -> Option<&'static str> {
        match self {
            Input::Attachment(..) => Some(attachment::OPTION),
            Input::Mask(..) => Some(MASK),
            _ => None,
        }
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
            ("Box", None) => Ok(Input::Region(Region::read(fields, case)?)),
            _ => Err(bad(format!("a {class} of this is no picture"))),
        }
    }

    /// Whether it is one of the call's pictures.
    #[doc(hidden)]
    pub fn is_picture(&self) -> bool {
        !matches!(self, Input::Text(_) | Input::Attachment(..) | Input::Mask(..))
    }

    /// Puts the bytes of a file that had to be read first in place of what stands for them.
    #[doc(hidden)]
    pub fn fill(&mut self, bytes: Bytes) {
        match self {
            Input::Reference(of, _) | Input::Attachment(of, _) | Input::Mask(of, _) => of.fill(bytes),
            place => *place = Input::Bytes(bytes),
        }
    }

    /// A picture, a mask, or what is attached, as it was named, for messages and notes; none for words.
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
            Input::Opened(opened) => format!("{opened:?}"),
            Input::Reference(of, _) | Input::Attachment(of, _) | Input::Mask(of, _) => return of.label(),
            Input::File(file) => file.name.clone(),
            Input::Region(_) => "a Box".to_owned(),
        })
    }

    /// The same for a note, where a box stands by its edges.
    pub(crate) fn noted(&self) -> Option<Value> {
        match self {
            Input::Mask(of, _) => of.noted(),
            Input::Region(region) => Some(region.write(Case::Snake)),
            other => other.label().map(Value::String),
        }
    }

    /// Whether its bytes have to be fetched from the web.
    pub(crate) fn is_fetched(&self) -> bool {
        match self {
            Input::Named(name) => is_scheme(name, "http://") || is_scheme(name, "https://"),
            Input::Reference(of, _) | Input::Attachment(of, _) | Input::Mask(of, _) => of.is_fetched(),
            _ => false,
        }
    }
}

/// The option by which a mask is given.
#[doc(hidden)]
pub const MASK: &str = "mask";

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
#[doc(hidden)]
pub fn told_of_masks(mut inputs: Vec<Input>, told: EditOptions) -> Result<Vec<Input>, Error> {
    if !has_mask(&inputs) {
        let names = told.write(Case::Snake);
        let is_set = |name: &&str| names.get(*name).is_some();
        let set = EditOptions::table().fields.into_iter().map(|field| field.name).find(is_set);
        return match set {
            None => Ok(inputs),
            Some(name) => Err(At::option(name).invalid(message!(
                "says what becomes of a mask, and there is none; give a {}, too",
                option(MASK)
            ))),
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
pub(crate) fn no_mask_here(option: &'static str) -> Error {
    At::option(option).invalid(message!(
        "belongs to {} and {}, which change a picture",
        method("edit", "nanobanana edit"),
        method("edit_stream", "nanobanana edit --stream")
    ))
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

/// A name for messages: a `data:` URL is mostly bytes, a URL's query may be a signature, and a
/// password may stand before its host.
fn short(name: &str) -> String {
    if is_scheme(name, "data:") {
        return "data: URL".to_owned();
    }
    if foreign::is_base64_picture(name) || foreign::is_base64_like(name) {
        return format!("a text of {} characters", name.len());
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

fn bad(message: impl Into<Message>) -> Error {
    Error::new(Kind::ImageError, message)
}
