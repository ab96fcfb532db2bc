//! A picture: the very bytes that came or were given, and what their header says.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use bytes::Bytes;
use serde_json::{Value, json};

pub use crate::codec::Pixels;
use crate::codec::{self, Format};
use crate::error::{Arrived, Error, Kind};
use crate::schema::{Case, Typed, Write};

/// A picture, cheap to clone: its bytes are held once.
#[derive(Clone)]
pub struct Image(Arc<Inner>);

struct Inner {
    bytes: Bytes,
    mime_type: String,
    width: u32,
    height: u32,
}

impl Image {
    /// A picture from the bytes of its file. What it is, its bytes say.
    ///
    /// # Errors
    /// [`Kind::ImageError`] if they are not a picture, or its header is cut off.
    pub fn from_bytes(bytes: impl Into<Bytes>) -> Result<Self, Error> {
        let bytes = bytes.into();
        let header = codec::header(&bytes)?;
        Ok(Image(Arc::new(Inner {
            bytes,
            mime_type: header.format.mime_type().to_owned(),
            width: header.width,
            height: header.height,
        })))
    }

    /// What the service sent as a picture, of a kind that we do not know: kept, since it was paid
    /// for, with its size unknown (0).
    pub(crate) fn unknown(bytes: Bytes, mime_type: &str) -> Self {
        Image(Arc::new(Inner { bytes, mime_type: mime_type.to_owned(), width: 0, height: 0 }))
    }

    /// A picture as it was before it travelled, for example through a pickle: one whose bytes are of a
    /// type that is not known here keeps the type that the service named.
    pub fn restore(bytes: impl Into<Bytes>, mime_type: &str) -> Self {
        let bytes = bytes.into();
        Self::from_bytes(bytes.clone()).unwrap_or_else(|_| Self::unknown(bytes, mime_type))
    }

    /// Reads a picture's file.
    ///
    /// # Errors
    /// [`Kind::ImageError`] if it cannot be read or is not a picture.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let named = |error: Error| error.with("input", path.display().to_string());
        let bytes = std::fs::read(path).map_err(|cause| {
            named(
                Error::new(Kind::ImageError, format!("cannot read {}: {cause}", path.display()))
                    .because(cause),
            )
        })?;
        Self::from_bytes(bytes).map_err(|error| {
            named(error.clone().reworded(format!("{}: {}", path.display(), error.message())))
        })
    }

    /// Encodes pixels as PNG.
    ///
    /// # Errors
    /// [`Kind::ImageError`] if the sizes do not fit together.
    pub fn from_pixels(pixels: &Pixels) -> Result<Self, Error> {
        Self::from_bytes(codec::encode(pixels, Format::Png, None)?)
    }

    /// The file's bytes, untouched.
    pub fn bytes(&self) -> &Bytes {
        &self.0.bytes
    }

    /// The type that the bytes say, for example "image/jpeg".
    pub fn mime_type(&self) -> &str {
        &self.0.mime_type
    }

    /// Width in pixels.
    pub fn width(&self) -> u32 {
        self.0.width
    }

    /// Height in pixels.
    pub fn height(&self) -> u32 {
        self.0.height
    }

    /// Decodes the picture: H×W×C bytes.
    ///
    /// # Errors
    /// [`Kind::ImageError`] if its bytes are damaged or of a type that is not decoded here.
    pub fn pixels(&self) -> Result<Pixels, Error> {
        codec::decode(&self.0.bytes)
    }

    /// The picture in another format ("png", "jpeg" or "webp"); the same picture if it has that
    /// format already and no quality is given. `quality` is 1 to 100 and is for JPEG.
    ///
    /// # Errors
    /// [`Kind::InvalidOptionError`] for an unknown format or quality, [`Kind::ImageError`] if the
    /// bytes cannot be decoded.
    pub fn convert(&self, format: &str, quality: Option<u8>) -> Result<Self, Error> {
        let format = Format::named(format)?;
        if quality.is_none() && format.mime_type() == self.mime_type() {
            return Ok(self.clone());
        }
        Self::from_bytes(codec::encode(&self.pixels()?, format, quality)?)
    }

    /// The picture scaled to this size, in the same format (PNG if that cannot be written here).
    ///
    /// # Errors
    /// [`Kind::ImageError`] if a side is 0 or the bytes cannot be decoded.
    pub fn resize(&self, width: u32, height: u32) -> Result<Self, Error> {
        let format = Format::named(self.mime_type()).unwrap_or(Format::Png);
        let pixels = codec::resize(&self.pixels()?, width, height)?;
        Self::from_bytes(codec::encode(&pixels, format, None)?)
    }

    /// Whether [`Image::save`] can write to a path of this name, as far as the name tells.
    ///
    /// # Errors
    /// [`Kind::ImageError`] if its extension is one of no picture type that is written here.
    pub fn check_path(path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        match extension(path) {
            Some(word) if Format::named(&word).is_err() => Err(unwritable(path, &word)),
            _ => Ok(()),
        }
    }

    /// Writes the picture to a file, whole or not at all, over one that is there, and returns where.
    /// Without an extension the right one is added; with the picture's own, the very bytes are
    /// written; with another one, the picture is converted.
    ///
    /// # Errors
    /// [`Kind::ImageError`] if the extension is unknown or the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<PathBuf, Error> {
        let mut path = path.as_ref().to_path_buf();
        let own = Format::sniff(self.bytes());
        let extension = extension(&path);
        let converted;
        let bytes = match extension.as_deref() {
            None => {
                path.as_mut_os_string().push(format!(".{}", own.map_or("bin", Format::extension)));
                self.bytes()
            }
            Some(word) if own.is_some_and(|own| own.has_extension(word)) => self.bytes(),
            Some(word) if Format::named(word).is_ok() => {
                converted = self.convert(word, None)?;
                converted.bytes()
            }
            Some(word) => return Err(unwritable(&path, word)),
        };
        write_whole(&path, |part| std::fs::write(part, bytes))
            .map_err(|cause| cannot(&path, &cause.to_string()).because(cause))?;
        Ok(path)
    }

    /// The picture as a `data:` URL.
    pub fn to_data_url(&self) -> String {
        let mut url = format!("data:{};base64,", self.mime_type());
        base64::engine::general_purpose::STANDARD.encode_string(&self.0.bytes, &mut url);
        url
    }
}

/// Writes a file whole or not at all, over one that is there: `write` fills a file beside it, so that
/// the rename stays within one file system.
pub(crate) fn write_whole(
    path: &Path,
    write: impl FnOnce(&Path) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let mut part = path.as_os_str().to_owned();
    // Random numbers alone would be the same in a process and its fork.
    part.push(format!(".{}-{:08x}.part", std::process::id(), fastrand::u32(..)));
    let part = PathBuf::from(part);
    write(&part).and_then(|()| std::fs::rename(&part, path)).inspect_err(|_| {
        // The original error is what counts; a leftover that cannot be removed changes nothing.
        let _ = std::fs::remove_file(&part);
    })
}

fn cannot(path: &Path, why: &str) -> Error {
    Error::new(Kind::ImageError, format!("cannot write {}: {why}", path.display()))
        .with("input", path.display().to_string())
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
        arrived.map(|(mime_type, bytes, _)| Image::restore(bytes.clone(), mime_type)).collect()
    }
}

impl FromIterator<Image> for Arrived {
    fn from_iter<T: IntoIterator<Item = Image>>(images: T) -> Self {
        let arrived = |image: Image| {
            (image.mime_type().to_owned(), image.bytes().clone(), (image.width(), image.height()))
        };
        Arrived(images.into_iter().map(arrived).collect())
    }
}

impl fmt::Debug for Image {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { bytes, mime_type, width, height } = &*self.0;
        write!(out, "Image({mime_type}, {width}x{height}, {} bytes)", bytes.len())
    }
}

impl PartialEq for Image {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.bytes == other.0.bytes
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
            "bytes": self.0.bytes.len(),
        })
    }
}
