//! Decoding and encoding of pictures; the only room that names image crates.
//!
//! Pixels are as a person sees them: upright, sRGB, 8 bits a channel. `header` reads what a file says of
//! itself and no pixels; `decode` and `encode` work on the thread that calls them, and `worker` is for
//! those that must not wait there.

mod colour;
mod decode;
mod encode;
mod header;
mod resize;
mod tiff;
mod webp;
mod worker;

use std::fmt;

use crate::error::{Error, InvalidOption, Kind};
use crate::message::Message;

pub use self::decode::{Raw, decode};
pub use self::encode::{Quality, encode};
#[cfg(test)]
pub(crate) use self::header::header_of_file;
pub use self::header::{Checked, Color, Header, Quirks, checked, checked_file, header};
pub use self::resize::resize;
pub use self::worker::worker;

/// Pixels in rows from the top, `channels` bytes each: 1 grey, 3 RGB, 4 RGBA.
#[derive(Clone, PartialEq, Eq)]
pub struct Pixels {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Bytes of one pixel.
    pub channels: u8,
    /// `width * height * channels` bytes.
    pub data: Vec<u8>,
}

impl Pixels {
    /// Whether something shows through.
    pub fn is_transparent(&self) -> bool {
        self.channels == 4 && self.data.as_chunks::<4>().0.iter().any(|[.., alpha]| *alpha < 255)
    }
}

impl fmt::Debug for Pixels {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Pixels({}x{}x{})", self.width, self.height, self.channels)
    }
}

/// A picture's type, as its first bytes say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Png,
    Jpeg,
    WebP,
    Gif,
    Bmp,
    Tiff,
    Heic,
    Avif,
}

/// What can be written here, in the words of messages.
pub(crate) const WRITABLE: &str = "png, jpeg (or jpg) and webp";

impl Format {
    pub fn mime_type(self) -> &'static str {
        match self {
            Format::Png => "image/png",
            Format::Jpeg => "image/jpeg",
            Format::WebP => "image/webp",
            Format::Gif => "image/gif",
            Format::Bmp => "image/bmp",
            Format::Tiff => "image/tiff",
            Format::Heic => "image/heic",
            Format::Avif => "image/avif",
        }
    }

    /// The usual extension of its files.
    pub fn extension(self) -> &'static str {
        match self {
            Format::Png => "png",
            Format::Jpeg => "jpg",
            Format::WebP => "webp",
            Format::Gif => "gif",
            Format::Bmp => "bmp",
            Format::Tiff => "tiff",
            Format::Heic => "heic",
            Format::Avif => "avif",
        }
    }

    /// Whether files of this format are also named with this extension (in lower case).
    pub fn has_extension(self, extension: &str) -> bool {
        extension == self.extension()
            || matches!(
                (extension, self),
                ("jpeg", Format::Jpeg) | ("tif", Format::Tiff) | ("heif", Format::Heic)
            )
    }

    /// A format that can be written, by its name, extension or MIME type in any case.
    pub fn named(name: &str) -> Result<Self, Error> {
        let lower = name.to_lowercase();
        match lower.strip_prefix("image/").unwrap_or(&lower) {
            "png" => Ok(Format::Png),
            "jpeg" | "jpg" => Ok(Format::Jpeg),
            "webp" => Ok(Format::WebP),
            _ => Err(Error::invalid_option(
                format!("format {name:?} cannot be written; {WRITABLE} can"),
                InvalidOption::of("format").allowed(["png", "jpeg", "webp"]),
            )),
        }
    }

    pub fn sniff(bytes: &[u8]) -> Option<Self> {
        Some(match bytes {
            [0x89, b'P', b'N', b'G', ..] => Format::Png,
            [0xff, 0xd8, 0xff, ..] => Format::Jpeg,
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Format::WebP,
            [b'G', b'I', b'F', b'8', ..] => Format::Gif,
            [b'B', b'M', _, _, _, _, 0, 0, 0, 0, ..] => Format::Bmp,
            // Some programs write into what is reserved; then the length of the header behind it says it.
            [
                b'B',
                b'M',
                _,
                _,
                _,
                _,
                _,
                _,
                _,
                _,
                _,
                _,
                _,
                _,
                12 | 16 | 40 | 52 | 56 | 64 | 108 | 124,
                0,
                0,
                0,
                ..,
            ] => Format::Bmp,
            [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] => Format::Tiff,
            [_, _, _, _, b'f', b't', b'y', b'p', a, b, c, d, ..] => of_brands([*a, *b, *c, *d], bytes)?,
            _ => return None,
        })
    }
}

/// The type of a file whose `ftyp` box has this brand.
fn of_brands(brand: [u8; 4], bytes: &[u8]) -> Option<Format> {
    let length = bytes.first_chunk().map_or(0, |length| u32::from_be_bytes(*length) as usize);
    let others = bytes.get(16..length.min(bytes.len())).unwrap_or_default().as_chunks::<4>().0;
    let is_avif = |brand: &[u8; 4]| matches!(brand, b"avif" | b"avis");
    let is_heic = |brand: &[u8; 4]| {
        matches!(brand, b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"hevm" | b"hevs")
    };
    match &brand {
        brand if is_avif(brand) => Some(Format::Avif),
        brand if is_heic(brand) => Some(Format::Heic),
        // A camera's raw file, which may hold such a preview.
        b"crx " => None,
        // Others say that it is a picture, or nothing of it, and not how it is coded: what it is compatible with does.
        _ if others.iter().any(is_heic) => Some(Format::Heic),
        _ if others.iter().any(is_avif) => Some(Format::Avif),
        b"mif1" | b"msf1" | b"mif2" | b"heif" | b"miaf" => Some(Format::Heic),
        _ => None,
    }
}

/// True if a file that starts so is a picture of a type that is known by name and not taken.
pub fn is_other_picture(start: &[u8]) -> bool {
    header::is_other_picture(start)
}

/// The most pixels that are decoded or made: 1 GiB of RGBA, about 16 times 4K.
const MOST_PIXELS: u64 = 1 << 28;

fn bad(message: impl Into<Message>) -> Error {
    Error::new(Kind::ImageError, message)
}

fn damaged(cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    bad(format!("the picture is damaged or cut off and cannot be decoded: {cause}")).because(cause)
}

/// That a picture of this size may be decoded or made.
pub fn check_size(what: &str, width: u32, height: u32) -> Result<(), Error> {
    let pixels = u64::from(width) * u64::from(height);
    if pixels <= MOST_PIXELS {
        return Ok(());
    }
    Err(bad(format!(
        "{what} {width}x{height}, {} megapixels; at most {} are taken",
        pixels / 1_000_000,
        MOST_PIXELS / 1_000_000
    )))
}

#[cfg(test)]
mod tests;
