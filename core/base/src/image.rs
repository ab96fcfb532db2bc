//! A picture: the very bytes that came or were given, and what their header says.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use base64::Engine as _;
use bytes::Bytes;
use serde_json::{Value, json};

use crate::array;
pub use crate::codec::Pixels;
use crate::codec::{self, Format, Quality};
use crate::error::{Arrived, Error, Kind};
use crate::local;
use crate::message::{Message, counted, message};
use crate::provenance::{self, Provenance, mark};
use crate::save::{self, Durable, Manner};
use crate::schema::{Case, Typed, Write};

/// A picture, cheap to clone: its bytes are held once. One that an earlier run left on disk is read when
/// its bytes are first asked for.
#[derive(Clone)]
pub struct Image(Arc<Inner>);

struct Inner {
    content: Content,
    mime_type: String,
    width: u32,
    height: u32,
    made: Option<Made>,
    /// The part that a model had in it, as IPTC's source types call it, if that is known from how it came.
    source: Option<&'static str>,
}

/// How a picture came to be that is not what came.
struct Made {
    /// What came.
    of: Image,
    /// What was lost on the way, in sentences.
    warnings: Vec<Message>,
}

/// The most bytes of a picture that is its own thumbnail.
const SMALL: usize = 64 << 10;

enum Content {
    Memory(Bytes),
    Disk(OnDisk),
}

/// A picture's file, and how long it was when its picture was described.
struct OnDisk {
    path: PathBuf,
    len: u64,
    read: OnceLock<Bytes>,
}

impl Content {
    /// The bytes, or where to get them.
    fn held(&self) -> Result<&Bytes, &OnDisk> {
        match self {
            Content::Memory(bytes) => Ok(bytes),
            Content::Disk(disk) => disk.read.get().ok_or(disk),
        }
    }
}

impl OnDisk {
    fn open(&self) -> Result<File, Error> {
        let opened = local::open(&self.path);
        let (file, now) = opened.map_err(|cause| self.lost(&cause.to_string()).because(cause))?;
        let len = now.len();
        if len == self.len { Ok(file) } else { Err(self.lost(&self.other_length(len))) }
    }

    /// As many bytes as `most` from `start` on.
    fn read(&self, start: u64, most: u64) -> Result<Bytes, Error> {
        let wanted = self.len.saturating_sub(start).min(most);
        let mut bytes = Vec::new();
        let mut file = self.open()?;
        (file.seek(SeekFrom::Start(start)))
            .and_then(|_| file.take(wanted).read_to_end(&mut bytes))
            .map_err(|cause| self.lost(&cause.to_string()).because(cause))?;
        let read = bytes.len() as u64;
        if read == wanted { Ok(bytes.into()) } else { Err(self.lost(&self.other_length(start + read))) }
    }

    fn copy_to(&self, out: &mut save::Output) -> io::Result<()> {
        let mut file = self.open().map_err(io::Error::other)?;
        let copied = out.copy(&mut file)?;
        if copied == self.len { Ok(()) } else { Err(io::Error::other(self.lost(&self.other_length(copied)))) }
    }

    fn other_length(&self, len: u64) -> String {
        format!("it had {} and now has {len}", counted(self.len, "byte", "bytes"))
    }

    fn lost(&self, how: &str) -> Error {
        let path = self.path.display().to_string();
        Error::new(Kind::ImageError, format!("the picture's file {path} is not what it was: {how}"))
            .with_input(path)
    }
}

impl Image {
    /// A picture from the bytes of its file. What it is, its bytes say.
    ///
    /// # Errors
    /// [`Kind::ImageError`] if they are not a picture, or its header is cut off.
    pub fn from_bytes(bytes: impl Into<Bytes>) -> Result<Self, Error> {
        Self::read_header(bytes.into(), None)
    }

    fn read_header(bytes: Bytes, made: Option<Made>) -> Result<Self, Error> {
        let header = codec::header(&bytes)?;
        let size = (header.width, header.height);
        let source = made.as_ref().and_then(|made| made.of.0.source);
        Ok(Self::of(Content::Memory(bytes), header.format.mime_type(), size, made).with_source(source))
    }

    /// A PNG of these pixels, into which a part of what a model drew was put; with a mark of that, if it is wanted.
    #[doc(hidden)]
    pub fn composite(of: &Image, pixels: &Pixels, mark: bool) -> Result<Self, Error> {
        let mut bytes = codec::encode(pixels, Format::Png, Quality::Default)?;
        if mark {
            bytes = mark::marked(bytes, mark::COMPOSITE, (pixels.width, pixels.height), false);
        }
        let of = of.original().unwrap_or(of).clone();
        let made = Self::read_header(bytes.into(), Some(Made { of, warnings: Vec::new() }))?;
        Ok(made.with_source(Some(mark::COMPOSITE)))
    }

    /// The same picture, known to be drawn by a model.
    #[doc(hidden)]
    pub fn drawn(self) -> Self {
        self.with_source(Some(mark::TRAINED))
    }

    fn with_source(mut self, source: Option<&'static str>) -> Self {
        // Nobody else has it yet.
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            inner.source = source;
        }
        self
    }

    fn of(content: Content, mime_type: &str, (width, height): (u32, u32), made: Option<Made>) -> Self {
        Image(Arc::new(Inner { content, mime_type: mime_type.to_owned(), width, height, made, source: None }))
    }

    /// A picture that lies in a file and is known already: nothing is read until it must be.
    #[doc(hidden)]
    pub fn on_disk(path: &Path, mime_type: &str, width: u32, height: u32, len: u64) -> Self {
        // It is found from another working directory, too.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let disk = OnDisk { path, len, read: OnceLock::new() };
        Self::of(Content::Disk(disk), mime_type, (width, height), None)
    }

    /// What the service sent as a picture, of a kind that we do not know: kept, since it was paid
    /// for, with its size unknown (0).
    #[doc(hidden)]
    pub fn unknown(bytes: Bytes, mime_type: &str) -> Self {
        Self::of(Content::Memory(bytes), mime_type, (0, 0), None)
    }

    /// A picture as it was before it travelled, for example through a pickle: one whose bytes are of a
    /// type that is not known here keeps the type that the service named, and one that was made here
    /// its original.
    pub fn restore(bytes: impl Into<Bytes>, mime_type: &str, original: Option<Image>) -> Self {
        let bytes = bytes.into();
        let made = original.map(|of| Made { of, warnings: Vec::new() });
        Self::read_header(bytes.clone(), made).unwrap_or_else(|_| Self::unknown(bytes, mime_type))
    }

    /// Reads a picture's file.
    ///
    /// # Errors
    /// [`Kind::ImageError`] if it cannot be read or is not a picture.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let named = |error: Error| error.with_input(path.display().to_string());
        let bytes = local::read(path).map_err(|cause| {
            let problem = format!("cannot read {}: {cause}", path.display());
            named(Error::new(Kind::ImageError, problem).because(cause))
        })?;
        Self::from_bytes(bytes).map_err(|error| {
            named(error.clone().reworded(message!("{}: {}", path.display().to_string(), error.words())))
        })
    }

    /// Encodes pixels as PNG.
    ///
    /// # Errors
    /// [`Kind::ImageError`] if the sizes do not fit together.
    pub fn from_pixels(pixels: &Pixels) -> Result<Self, Error> {
        Self::from_bytes(codec::encode(pixels, Format::Png, Quality::Lossless)?)
    }

    /// The file's bytes, untouched. Those of a picture that lies on disk are read now, on this thread, and
    /// kept.
    ///
    /// # Errors
    /// [`Kind::ImageError`] if they are on disk and the file is gone or has another length than it had.
    pub fn bytes(&self) -> Result<&Bytes, Error> {
        self.0.content.held().or_else(|disk| {
            // Read before the cell is locked: a fork in that moment would leave it locked.
            let bytes = disk.read(0, u64::MAX)?;
            Ok(disk.read.get_or_init(|| bytes))
        })
    }

    /// How many bytes it has, without reading them.
    #[allow(clippy::len_without_is_empty, reason = "no picture is empty")]
    pub fn len(&self) -> usize {
        match &self.0.content {
            Content::Memory(bytes) => bytes.len(),
            Content::Disk(disk) => usize::try_from(disk.len).unwrap_or(usize::MAX),
        }
    }

    /// How many bytes it holds in memory, those of its original included: none, as long as they lie on
    /// disk only.
    #[doc(hidden)]
    pub fn held(&self) -> usize {
        self.0.content.held().map_or(0, Bytes::len) + self.original().map_or(0, Image::held)
    }

    /// As many bytes as `most` from `start` on. What lies on disk is read, but neither all of it nor to be
    /// kept.
    ///
    /// # Errors
    /// As [`Image::bytes`].
    #[doc(hidden)]
    pub fn piece(&self, start: usize, most: usize) -> Result<Bytes, Error> {
        match self.0.content.held() {
            Ok(bytes) => {
                let start = start.min(bytes.len());
                Ok(bytes.slice(start..start.saturating_add(most).min(bytes.len())))
            }
            Err(disk) => disk.read(start as u64, most as u64),
        }
    }

    /// All of them, without keeping what lies on disk.
    fn read(&self) -> Result<Bytes, Error> {
        self.piece(0, usize::MAX)
    }

    /// Where it lies, if its bytes are not in memory.
    #[doc(hidden)]
    pub fn path(&self) -> Option<&Path> {
        self.0.content.held().err().map(|disk| disk.path.as_path())
    }

    /// The type that the bytes say, for example "image/jpeg".
    pub fn mime_type(&self) -> &str {
        &self.0.mime_type
    }

    /// Width in pixels, as it is seen: after Exif's orientation.
    pub fn width(&self) -> u32 {
        self.0.width
    }

    /// Height in pixels, as it is seen.
    pub fn height(&self) -> u32 {
        self.0.height
    }

    /// Decodes the picture as it is seen: H×W×C bytes, upright, in sRGB, 8 bits a channel; of several
    /// frames or pages the first. PNG, JPEG, WebP, GIF, BMP and TIFF are decoded.
    ///
    /// # Errors
    /// [`Kind::ImageError`] if its bytes are damaged or of a type that is not decoded here.
    pub fn pixels(&self) -> Result<Pixels, Error> {
        array::decode(&self.read()?)
    }

    /// What came, if this picture was made of it here, by [`Image::convert`], [`Image::resize`] or the
    /// option `output_format`; none if this is what came. It is held as long as this picture is.
    pub fn original(&self) -> Option<&Image> {
        self.0.made.as_ref().map(|made| &made.of)
    }

    /// What was lost when this picture was made of another, in sentences; nothing if it is what came.
    pub fn warnings(&self) -> &[Message] {
        self.0.made.as_ref().map_or(&[], |made| &made.warnings)
    }

    /// What its file says about how it was made: marks of C2PA, XMP and IPTC, found and not verified.
    ///
    /// # Errors
    /// As [`Image::bytes`].
    pub fn provenance(&self) -> Result<Provenance, Error> {
        Ok(provenance::find(&self.read()?))
    }

    /// Whether both are one picture in memory, not only equal ones.
    #[doc(hidden)]
    pub fn is(&self, other: &Image) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The picture in another format ("png", "jpeg" or "webp"); the same picture if it has that
    /// format already and no quality is given. `quality` is 1 to 100, for JPEG (by default 92) and for
    /// WebP, which without one loses nothing.
    ///
    /// What is made has the picture that came as its [`Image::original`], and says in
    /// [`Image::warnings`] what it lost: of what moves all frames but the first, more than 8 bits a channel, in JPEG
    /// transparency, and C2PA credentials, which no conversion can keep, since they are good for the bytes that came only.
    /// One of a picture that a model drew, as its call or its marks say, has IPTC's `DigitalSourceType` in XMP;
    /// [`Image::convert_unmarked`] leaves it out.
    ///
    /// # Errors
    /// [`Kind::InvalidOptionError`] for an unknown format or quality, [`Kind::ImageError`] if the
    /// bytes cannot be decoded.
    pub fn convert(&self, format: &str, quality: Option<u8>) -> Result<Self, Error> {
        self.converted(format, quality, true)
    }

    /// As [`Image::convert`], without a mark that says that AI made it.
    ///
    /// # Errors
    /// As [`Image::convert`].
    pub fn convert_unmarked(&self, format: &str, quality: Option<u8>) -> Result<Self, Error> {
        self.converted(format, quality, false)
    }

    /// As one of both, as `mark` says.
    ///
    /// # Errors
    /// As [`Image::convert`].
    #[doc(hidden)]
    pub fn converted(&self, format: &str, quality: Option<u8>, mark: bool) -> Result<Self, Error> {
        let format = Format::named(format)?;
        if quality.is_none() && format.mime_type() == self.mime_type() {
            return Ok(self.clone());
        }
        self.convert_from(&self.read()?, format, quality, mark)
    }

    fn convert_from(
        &self,
        bytes: &Bytes,
        format: Format,
        quality: Option<u8>,
        mark: bool,
    ) -> Result<Self, Error> {
        self.made(bytes, &array::decode(bytes)?, format, quality.into(), mark)
    }

    /// The picture scaled to this size, in the same format (PNG if that cannot be written here). Its
    /// original, its mark and its warnings are as those of [`Image::convert`].
    ///
    /// # Errors
    /// [`Kind::ImageError`] if a side is 0 or the bytes cannot be decoded.
    pub fn resize(&self, width: u32, height: u32) -> Result<Self, Error> {
        self.resized(width, height, true)
    }

    /// As [`Image::resize`], without a mark that says that AI made it.
    ///
    /// # Errors
    /// As [`Image::resize`].
    pub fn resize_unmarked(&self, width: u32, height: u32) -> Result<Self, Error> {
        self.resized(width, height, false)
    }

    /// As one of both, as `mark` says.
    ///
    /// # Errors
    /// As [`Image::resize`].
    #[doc(hidden)]
    pub fn resized(&self, width: u32, height: u32, mark: bool) -> Result<Self, Error> {
        self.resize_from(&self.read()?, width, height, mark)
    }

    fn resize_from(&self, bytes: &Bytes, width: u32, height: u32, mark: bool) -> Result<Self, Error> {
        let format = Format::named(self.mime_type()).unwrap_or(Format::Png);
        let pixels = codec::resize(&array::decode(bytes)?, width, height)?;
        self.made(bytes, &pixels, format, Quality::Default, mark)
    }

    /// All its bytes, those that lie on disk read on a thread for that and not kept.
    async fn fetched(&self) -> Result<Bytes, Error> {
        match self.0.content.held() {
            Ok(bytes) => Ok(bytes.clone()),
            Err(_) => {
                let image = self.clone();
                local::ahead(move || image.read()).await
            }
        }
    }

    /// As [`Image::convert`], off the event loop.
    #[doc(hidden)]
    pub async fn converted_soon(&self, format: &str, quality: Option<u8>, mark: bool) -> Result<Self, Error> {
        let format = Format::named(format)?;
        if quality.is_none() && format.mime_type() == self.mime_type() {
            return Ok(self.clone());
        }
        let (image, bytes) = (self.clone(), self.fetched().await?);
        codec::worker(move || image.convert_from(&bytes, format, quality, mark)).await
    }

    /// As [`Image::resize`], off the event loop.
    #[doc(hidden)]
    pub async fn resized_soon(&self, width: u32, height: u32, mark: bool) -> Result<Self, Error> {
        let (image, bytes) = (self.clone(), self.fetched().await?);
        codec::worker(move || image.resize_from(&bytes, width, height, mark)).await
    }

    /// A picture of these pixels, which were made of this one's, whose bytes are `from`.
    fn made(
        &self,
        from: &[u8],
        pixels: &Pixels,
        format: Format,
        quality: Quality,
        mark: bool,
    ) -> Result<Self, Error> {
        let mut bytes = codec::encode(pixels, format, quality)?;
        let mut warnings = Vec::new();
        let (header, marks) = (codec::header(from)?, provenance::find(from));
        let source = marks.source_type().or(self.0.source).filter(|_| mark);
        if let Some(source) = source {
            bytes = mark::marked(bytes, source, (pixels.width, pixels.height), pixels.channels == 4);
        }
        if header.depth > 8 {
            let depth = header.depth;
            warnings.push(message!(
                "the {depth} bits a channel of the picture that came are 8 in the one that was made here; its `original` still \
                 has them"
            ));
        }
        if format == Format::Jpeg && pixels.is_transparent() {
            warnings.push(
                "what is transparent in the picture that came is white in the one that was made here: JPEG has no \
                 transparency; PNG and WebP have"
                    .into(),
            );
        }
        if marks.c2pa {
            warnings.push(
                "the picture that was made here lacks the C2PA credentials of the one that came, which are good for \
                 those very bytes only; its `original` still has them"
                    .into(),
            );
        } else if marks.ai && source.is_none() {
            warnings.push(
                "the picture that was made here lacks the marks that say that AI made the one that came; its `original` \
                 still has them"
                    .into(),
            );
        }
        if header.animated {
            let (is, first) = match header.format {
                Format::Tiff => ("has several pages", "page"),
                _ => ("moves", "frame"),
            };
            warnings.push(message!(
                "the picture that came {is}; the one that was made here is its first {first}, and its `original` still \
                 has them all"
            ));
        }
        let of = self.original().unwrap_or(self).clone();
        Self::read_header(bytes.into(), Some(Made { of, warnings }))
    }

    /// A small picture of it for a screen: JPEG, or PNG if something shows through, with no side longer
    /// than `side`. What is small already is given as it is.
    #[doc(hidden)]
    pub fn thumbnail(&self, side: u32) -> Result<Self, Error> {
        if self.is_small(side) { Ok(self.clone()) } else { self.thumbnail_from(&self.read()?, side) }
    }

    fn is_small(&self, side: u32) -> bool {
        let is_small = self.width().max(self.height()) <= side && self.width() > 0 && self.len() <= SMALL;
        is_small && matches!(self.mime_type(), "image/png" | "image/jpeg")
    }

    /// As [`Image::thumbnail`], off the event loop.
    #[doc(hidden)]
    pub async fn thumbnailed(&self, side: u32) -> Result<Self, Error> {
        if self.is_small(side) {
            return Ok(self.clone());
        }
        let (image, bytes) = (self.clone(), self.fetched().await?);
        codec::worker(move || image.thumbnail_from(&bytes, side)).await
    }

    fn thumbnail_from(&self, bytes: &Bytes, side: u32) -> Result<Self, Error> {
        let mut pixels = array::decode(bytes)?;
        let long = pixels.width.max(pixels.height);
        if long > side {
            let scaled = |length: u32| {
                let length = u64::from(length) * u64::from(side) / u64::from(long);
                u32::try_from(length).unwrap_or(side).max(1)
            };
            pixels = codec::resize(&pixels, scaled(pixels.width), scaled(pixels.height))?;
        }
        let (format, quality) = if pixels.is_transparent() {
            (Format::Png, Quality::Default)
        } else {
            (Format::Jpeg, Quality::Lossy(80))
        };
        Self::from_bytes(codec::encode(&pixels, format, quality)?)
    }

    /// Whether [`Image::save`] can write to a path of this name, as far as the name tells.
    ///
    /// # Errors
    /// [`Kind::ImageError`] if its extension is one of no picture type that is written here.
    pub fn check_path(path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        // `Path` itself takes no notice of it.
        let last = path.as_os_str().as_encoded_bytes().last();
        let is_folder = last.is_some_and(|last| std::path::is_separator(char::from(*last)));
        if is_folder || path.file_name().is_none() {
            return Err(cannot(path, "it names a folder, not a file in it; add a name"));
        }
        match extension(path) {
            Some(word) if Format::named(&word).is_err() && !save::is_special(path) => {
                Err(unwritable(path, &word))
            }
            _ => Ok(()),
        }
    }

    /// The extension of a path, if it is meant as a type.
    #[doc(hidden)]
    pub fn ending(path: &Path) -> Option<String> {
        extension(path)
    }

    /// Whether [`Image::save`] could write to this path now: its folder is there and takes files, and what has that
    /// name may be written. Nothing that is there is touched.
    ///
    /// # Errors
    /// [`Kind::ImageError`] if not.
    #[doc(hidden)]
    pub fn check_place(path: &Path) -> Result<(), Error> {
        Self::check_path(path)?;
        let mut whole = path.to_path_buf();
        if extension(path).is_none() && !save::is_special(path) {
            if path.is_dir() {
                return Err(is_folder(path));
            }
            // The longest extension that a picture of an unknown type may get.
            whole.as_mut_os_string().push(".jpg");
        }
        save::check(&whole).map_err(|cause| cannot(path, &cause.to_string()).because(cause))
    }

    /// Writes the picture to a file of this name, and returns where. Without an extension the right one is added; with
    /// the picture's own, the very bytes are written; with another one, the picture is converted. To know what that
    /// loses, call [`Image::convert`] first.
    ///
    /// A file that has this name is replaced, whole or not at all: through symbolic links, with its mode and owner kept.
    /// Devices, pipes, sockets, mounted files, files with several names (hard links) and those in a folder that takes
    /// no new files are written in place; that is not atomic. A file that may not be written is not replaced, and a pipe
    /// that no process reads from is an error.
    ///
    /// # Errors
    /// [`Kind::ImageError`] if the extension is unknown or the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<PathBuf, Error> {
        self.save_and_tell(path).map(|(path, _)| path)
    }

    /// As [`Image::save`], and tells what a conversion lost, in sentences.
    ///
    /// # Errors
    /// As [`Image::save`].
    #[doc(hidden)]
    pub fn save_and_tell(&self, path: impl AsRef<Path>) -> Result<(PathBuf, Vec<Message>), Error> {
        Self::check_path(&path)?;
        let mut path = path.as_ref().to_path_buf();
        let own = Format::sniff(&self.piece(0, 64)?);
        let converted;
        let saved = match extension(&path).as_deref() {
            None if save::is_special(&path) => self,
            None => {
                if path.is_dir() {
                    return Err(is_folder(&path));
                }
                path.as_mut_os_string().push(format!(".{}", own.map_or("bin", Format::extension)));
                self
            }
            Some(word) if own.is_some_and(|own| own.has_extension(word)) => self,
            Some(word) if Format::named(word).is_ok() => {
                converted = self.convert(word, None)?;
                &converted
            }
            Some(_) if save::is_special(&path) => self,
            Some(word) => return Err(unwritable(&path, word)),
        };
        save::replace(&path, Manner::default(), |out| saved.write_to(out))
            .map_err(|cause| cannot(&path, &cause.to_string()).because(cause))?;
        let lost = if saved.is(self) { Vec::new() } else { saved.warnings().to_vec() };
        Ok((path, lost))
    }

    /// Writes its file's bytes, without keeping those that lie on disk.
    pub(crate) fn write_to(&self, out: &mut save::Output) -> io::Result<()> {
        match self.0.content.held() {
            Ok(bytes) => out.write_all(bytes),
            Err(disk) => disk.copy_to(out),
        }
    }

    /// Writes the picture into a folder under the first of these names that is free, with its own extension or this
    /// one, for which it is converted, and returns that name and what the conversion lost. A file that is there is never
    /// replaced, also if another thread or process chooses a name at the same moment.
    #[doc(hidden)]
    pub fn claim(
        &self,
        folder: &Path,
        stems: impl IntoIterator<Item = OsString>,
        ending: Option<&str>,
        durable: Durable,
    ) -> Result<(PathBuf, Vec<Message>), Error> {
        let own = Format::sniff(&self.piece(0, 64)?);
        let converted;
        let (saved, ending) = match ending {
            Some(word) if !own.is_some_and(|own| own.has_extension(word)) => {
                converted = self.convert(word, None)?;
                (&converted, word)
            }
            Some(word) => (self, word),
            None => (self, own.map_or("bin", Format::extension)),
        };
        let names = stems.into_iter().map(|mut stem| {
            stem.push(".");
            stem.push(ending);
            PathBuf::from(stem)
        });
        let name = save::claim(folder, names, Manner::durable(durable), |out| saved.write_to(out))
            .map_err(|cause| cannot(folder, &cause.to_string()).because(cause))?;
        let lost = if saved.is(self) { Vec::new() } else { saved.warnings().to_vec() };
        Ok((folder.join(name), lost))
    }

    /// Writes pictures into a folder, which is made if needed, as `image-1`, `image-2` and so on with the right
    /// extension, and returns where. A file that is there is never replaced, also if other threads and processes write
    /// into the folder at the same time: a picture that is there already keeps its place, and another one gets the next
    /// free number.
    ///
    /// # Errors
    /// As [`Image::save`], and [`Kind::ImageError`] if the folder cannot be made.
    #[doc(hidden)]
    pub fn save_all(images: &[Image], folder: impl AsRef<Path>) -> Result<Vec<PathBuf>, Error> {
        let folder = folder.as_ref();
        std::fs::create_dir_all(folder).map_err(|cause| {
            let problem = format!("cannot make the folder {}: {cause}", folder.display());
            Error::new(Kind::ImageError, problem).because(cause)
        })?;
        let mut taken = taken_numbers(folder)?;
        let mut at = 0;
        let mut paths = Vec::with_capacity(images.len());
        for image in images {
            let own = Format::sniff(&image.piece(0, 64)?).map_or("bin", Format::extension);
            let path = loop {
                at += 1;
                if let Some(path) = taken.get(&at) {
                    if image.is_in(path) {
                        break path.clone();
                    }
                    continue;
                }
                let name = PathBuf::from(format!("image-{at}.{own}"));
                let claimed =
                    save::claim(folder, [&name], Manner::default(), |out| image.write_to(out)).map(|_| ());
                match claimed {
                    Ok(()) => break folder.join(name),
                    // Somebody took it just now.
                    Err(_) if folder.join(&name).symlink_metadata().is_ok() => {
                        if image.is_in(&folder.join(&name)) {
                            break folder.join(name);
                        }
                    }
                    Err(cause) => return Err(cannot(&folder.join(name), &cause.to_string()).because(cause)),
                }
            };
            taken.insert(at, path.clone());
            paths.push(path);
        }
        Ok(paths)
    }

    /// Whether a file has these very bytes.
    fn is_in(&self, path: &Path) -> bool {
        let length = std::fs::metadata(path).map(|there| there.len());
        length.is_ok_and(|length| length == self.len() as u64)
            && std::fs::read(path).is_ok_and(|there| self.read().is_ok_and(|own| *own == *there))
    }

    /// The picture as a `data:` URL.
    ///
    /// # Errors
    /// As [`Image::bytes`].
    pub fn to_data_url(&self) -> Result<String, Error> {
        let mut url = format!("data:{};base64,", self.mime_type());
        base64::engine::general_purpose::STANDARD.encode_string(self.read()?, &mut url);
        Ok(url)
    }
}

/// The numbers of `image-N` in a folder, and which files have them.
fn taken_numbers(folder: &Path) -> Result<BTreeMap<u64, PathBuf>, Error> {
    let there =
        std::fs::read_dir(folder).map_err(|cause| cannot(folder, &cause.to_string()).because(cause))?;
    let number = |name: &OsStr| {
        let stem = Path::new(name).file_stem()?.to_str()?.strip_prefix("image-")?;
        stem.parse::<u64>().ok()
    };
    let numbered = there.filter_map(|entry| {
        let entry = entry.ok()?;
        Some((number(&entry.file_name())?, entry.path()))
    });
    Ok(numbered.collect())
}

fn is_folder(path: &Path) -> Error {
    let inside = path.join("picture.png");
    cannot(path, &format!("it is a folder; name a file in it, such as {}", inside.display()))
}

fn cannot(path: &Path, why: &str) -> Error {
    Error::new(Kind::ImageError, format!("cannot write {}: {why}", path.display()))
        .with_input(path.display().to_string())
}

fn unwritable(path: &Path, extension: &str) -> Error {
    cannot(path, &format!("files of type .{extension} are not written here; {} are", codec::WRITABLE))
}

/// The extension, in lower case, if it is meant as a type: the "2" of "boat v1.2" belongs to the
/// name.
fn extension(path: &Path) -> Option<String> {
    let word = path.extension()?.to_str()?.to_lowercase();
    (word.len() <= 5 && word.chars().all(|letter| letter.is_ascii_alphabetic())).then_some(word)
}

impl Error {
    /// The pictures of [`Error::partial`], in the order in which they stand in its JSON.
    pub fn pictures(&self) -> Vec<Image> {
        let arrived = self.partial().into_iter().flat_map(|partial| &partial.images.0);
        arrived.map(|(mime_type, bytes, _)| Image::restore(bytes.clone(), mime_type, None).drawn()).collect()
    }
}

impl FromIterator<Image> for Arrived {
    fn from_iter<T: IntoIterator<Item = Image>>(images: T) -> Self {
        // What has arrived is in memory, so none is left out.
        let arrived = |image: Image| {
            let bytes = image.bytes().ok()?.clone();
            Some((image.mime_type().to_owned(), bytes, (image.width(), image.height())))
        };
        Arrived(images.into_iter().filter_map(arrived).collect())
    }
}

impl fmt::Debug for Image {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { mime_type, width, height, .. } = &*self.0;
        write!(out, "Image({mime_type}, {width}x{height}, {})", counted(self.len(), "byte", "bytes"))
    }
}

impl PartialEq for Image {
    /// Whether both have the same bytes; what lies on disk is read. One whose file is gone equals nothing
    /// but itself.
    fn eq(&self, other: &Self) -> bool {
        let same = || Ok::<_, Error>(self.read()? == other.read()?);
        self.is(other) || self.len() == other.len() && same().unwrap_or(false)
    }
}

impl Eq for Image {}

impl Typed for Image {
    fn python() -> String {
        "Image".into()
    }
    fn typescript() -> String {
        "Image".into()
    }
}

impl Write for Image {
    fn write(&self, case: Case) -> Value {
        json!({
            case.name("mime_type"): self.mime_type(),
            "width": self.width(),
            "height": self.height(),
            "bytes": self.len(),
        })
    }
}

#[cfg(test)]
#[path = "image/tests.rs"]
mod tests;
