//! What a picture's file says of itself: type, size, orientation, colours. No pixel is read.
//!
//! A size is needed; all else is read as far as it can be, since a picture is not refused for the faults
//! of its metadata. Sources: PNG (third edition), JPEG (T.81, JFIF, Exif 3.0), WebP container, GIF89a,
//! TIFF 6.0, HEIF (ISO/IEC 23008-12).

mod exif;
mod heif;
mod jpeg;
mod names;
mod png;
mod small;
mod tiff;

use std::fs::File;
use std::io::{BufReader, Read as _};

use self::exif::Turn;
pub(super) use self::jpeg::{Components, Space};
pub(super) use self::names::is_picture as is_other_picture;
pub(super) use self::tiff::{Directory, tiff_directory};
use super::{Format, bad, colour};
use crate::error::Error;

/// What a picture's header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    pub format: Format,
    /// As it is seen, so after `orientation`; 0 where a HEIC or AVIF file does not tell.
    pub width: u32,
    pub height: u32,
    /// How the stored picture has to be turned, as Exif counts it: 1 (not at all) to 8.
    pub orientation: u8,
    /// Bits a channel.
    pub depth: u8,
    pub color: Color,
    /// Whether pixels can be transparent.
    pub alpha: bool,
    /// Whether it has a colour profile that is not sRGB.
    pub icc: bool,
    /// Whether there is more than one picture: to be shown in turn, or of a TIFF, pages.
    pub animated: bool,
}

/// What in a picture is otherwise than a person sees it, and is brought there with its pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quirks {
    /// Its colours are inks.
    pub inks: bool,
    /// They have a profile that is not sRGB.
    pub icc: bool,
    /// There is more than one picture to be shown in turn.
    pub animated: bool,
    /// It has more than one page.
    pub pages: bool,
    /// Bits a channel.
    pub depth: u8,
    /// As [`Header::orientation`].
    pub orientation: u8,
}

impl Quirks {
    pub const NONE: Self =
        Quirks { inks: false, icc: false, animated: false, pages: false, depth: 8, orientation: 1 };
}

impl From<&Header> for Quirks {
    fn from(header: &Header) -> Self {
        let Header { icc, depth, orientation, .. } = *header;
        let pages = header.animated && header.format == Format::Tiff;
        let animated = header.animated && !pages;
        Quirks { inks: header.color == Color::Cmyk, icc, animated, pages, depth, orientation }
    }
}

/// How colours are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Color {
    Grey,
    Rgb,
    Palette,
    Cmyk,
}

/// A header, and what decoding needs besides.
pub(super) struct Seen {
    pub header: Header,
    /// The colour profile, also one that is sRGB.
    pub profile: Option<Vec<u8>>,
    /// Why it must not be decoded or sent, though decoders would try.
    pub refused: Option<String>,
    /// Where the file ends too early, by what it says of its own length.
    pub short: Option<String>,
    /// How the components of a JPEG are read.
    pub components: Option<Components>,
    /// The colour of a GIF's palette that is transparent.
    pub clear: Option<u8>,
    /// Where a PNG's colour that is transparent stands, if it has more bits than there are; and whether it is void.
    pub odd_key: Option<(usize, bool)>,
}

/// A header that was read before its file is sent as it is.
#[derive(Debug)]
pub struct Checked {
    pub header: Header,
    /// True if only decoding shows that all pixels are there: the file lacks an end that some readers do not need.
    pub is_in_doubt: bool,
}

/// Reads the header of a file that is in memory.
///
/// # Errors
/// [`crate::error::Kind::ImageError`] if these are not the bytes of a picture, or its size is cut off.
pub fn header(bytes: &[u8]) -> Result<Header, Error> {
    Ok(seen(bytes)?.header)
}

/// Reads the header of a file on disk, and no more of it than that takes.
///
/// # Errors
/// As [`header`].
#[cfg(test)]
pub(crate) fn header_of_file(file: &File) -> Result<Header, Error> {
    Ok(read(&mut on_disk(file)?)?.header)
}

/// The header of a file in memory that shall be sent.
///
/// # Errors
/// Those of [`header`]; [`crate::error::Kind::ImageError`] too if the file is cut off, or of a kind that is not taken.
pub fn checked(mut bytes: &[u8]) -> Result<Checked, Error> {
    read(&mut bytes)?.checked()
}

/// The same of a file on disk, of which no more is read than that takes.
///
/// # Errors
/// As [`checked`].
pub fn checked_file(file: &File) -> Result<Checked, Error> {
    read(&mut on_disk(file)?)?.checked()
}

fn on_disk(file: &File) -> Result<OnDisk<'_>, Error> {
    use std::io::Seek as _;
    let len = file.metadata().map_or(0, |metadata| metadata.len());
    let mut file = BufReader::with_capacity(4 << 10, file);
    let is_at_start = file.rewind().is_ok();
    if is_at_start {
        Ok(OnDisk { file, at: 0, len })
    } else {
        Err(bad("its file cannot be read from its start"))
    }
}

impl Seen {
    fn checked(self) -> Result<Checked, Error> {
        let Seen { header, refused, short, .. } = self;
        match (refused, short) {
            (Some(why), _) => Err(bad(why)),
            // Those cannot be decoded here.
            (None, Some(short)) if matches!(header.format, Format::Heic | Format::Avif) => {
                Err(bad(format!("the picture is cut off: {short}. Get the whole file")))
            }
            (None, short) => Ok(Checked { header, is_in_doubt: short.is_some() }),
        }
    }
}

pub(super) fn seen(mut bytes: &[u8]) -> Result<Seen, Error> {
    read(&mut bytes)
}

/// Where a header is read from.
trait Source {
    /// Fills `into` with what stands at `at`; says how much there was.
    fn fill(&mut self, at: u64, into: &mut [u8]) -> usize;
    /// Bytes in all.
    fn len(&self) -> u64;
}

impl Source for &[u8] {
    fn fill(&mut self, at: u64, into: &mut [u8]) -> usize {
        let from = usize::try_from(at).ok().and_then(|at| self.get(at..)).unwrap_or_default();
        let len = from.len().min(into.len());
        if let (Some(into), Some(from)) = (into.get_mut(..len), from.get(..len)) {
            into.copy_from_slice(from);
        }
        len
    }

    fn len(&self) -> u64 {
        <[u8]>::len(self) as u64
    }
}

struct OnDisk<'a> {
    file: BufReader<&'a File>,
    at: u64,
    len: u64,
}

impl Source for OnDisk<'_> {
    fn fill(&mut self, at: u64, into: &mut [u8]) -> usize {
        // What is buffered is kept: the next chunk is mostly near.
        let Ok(step) = i64::try_from(i128::from(at) - i128::from(self.at)) else { return 0 };
        if self.file.seek_relative(step).is_err() {
            return 0;
        }
        self.at = at;
        let mut filled = 0;
        while let Some(rest) = into.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.file.read(rest) {
                Ok(0) | Err(_) => break,
                Ok(read) => filled += read,
            }
        }
        self.at += filled as u64;
        filled
    }

    fn len(&self) -> u64 {
        self.len
    }
}

/// Reads numbers, one after the other; `None` is the end.
struct Cursor<'a> {
    from: &'a mut dyn Source,
    at: u64,
    /// Nothing is read from here on.
    end: u64,
    /// Whether the first byte of a number is its highest.
    big: bool,
}

impl Cursor<'_> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let mut into = [0; N];
        let next = self.at.checked_add(N as u64)?;
        let is_whole = next <= self.end && self.from.fill(self.at, &mut into) == N;
        self.at = next;
        is_whole.then_some(into)
    }

    /// So many bytes, if there are as many and no more than a colour profile may have.
    fn bytes(&mut self, len: u64) -> Option<Vec<u8>> {
        let mut into = Vec::new();
        let mut left = usize::try_from(len).ok().filter(|len| *len <= colour::LONGEST_PROFILE)?;
        if self.at.checked_add(len)? > self.end {
            return None;
        }
        // Piece by piece: a length that lies makes no large buffer.
        while left > 0 {
            let start = into.len();
            let piece = left.min(64 << 10);
            into.resize(start + piece, 0);
            if self.from.fill(self.at, into.get_mut(start..)?) != piece {
                return None;
            }
            self.at = self.at.checked_add(piece as u64)?;
            left -= piece;
        }
        Some(into)
    }

    fn u8(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    fn u16(&mut self) -> Option<u16> {
        let bytes = self.array()?;
        Some(if self.big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    fn u24(&mut self) -> Option<u32> {
        let [a, b, c] = self.array()?;
        Some(if self.big { u32::from_be_bytes([0, a, b, c]) } else { u32::from_le_bytes([a, b, c, 0]) })
    }

    fn u32(&mut self) -> Option<u32> {
        let bytes = self.array()?;
        Some(if self.big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    fn skip(&mut self, len: u64) -> Option<()> {
        self.at = self.at.checked_add(len)?;
        Some(())
    }

    /// Another reader, from `at` on.
    fn at(&mut self, at: u64) -> Cursor<'_> {
        Cursor { from: &mut *self.from, at, end: self.end, big: self.big }
    }

    /// Another reader of the `len` bytes from `at` on, and of no others.
    fn within(&mut self, at: u64, len: u64) -> Cursor<'_> {
        let end = at.saturating_add(len).min(self.end);
        Cursor { from: &mut *self.from, at, end, big: self.big }
    }
}

fn read(from: &mut dyn Source) -> Result<Seen, Error> {
    let mut start = [0; 512];
    let len = from.fill(0, &mut start);
    let start = start.get(..len).unwrap_or_default();
    if start.is_empty() {
        return Err(bad("the picture is empty (0 bytes)"));
    }
    let Some(format) = Format::sniff(start) else {
        return Err(bad(names::of(start, from)));
    };
    let end = from.len();
    let mut cursor = Cursor { from, at: 0, end, big: true };
    let mut found = Found::default();
    let read = match format {
        Format::Png => png::read(&mut cursor, &mut found),
        Format::Jpeg => jpeg::read(&mut cursor, &mut found),
        Format::WebP => small::webp(&mut cursor, &mut found),
        Format::Gif => small::gif(&mut cursor, &mut found),
        Format::Bmp => small::bmp(&mut cursor, &mut found),
        Format::Tiff => tiff::read(&mut cursor, &mut found),
        Format::Heic | Format::Avif => {
            found.animated = matches!(start.get(8..12), Some(b"avis" | b"msf1" | b"hevc" | b"hevx"));
            heif::read(&mut cursor, &mut found)
        }
    };
    let hidden = matches!(format, Format::Heic | Format::Avif);
    // Once the size is known, what is behind it may be cut off.
    if !hidden && (found.width == 0 || found.height == 0) {
        if let Some(why) = found.refused {
            return Err(bad(why));
        }
        let how = if read.is_some() { "says 0 pixels" } else { "is not whole" };
        return Err(bad(format!(
            "the picture is cut off or damaged: its {} header {how}",
            format.mime_type()
        )));
    }
    Ok(found.seen(format))
}

#[derive(Default)]
struct Found {
    /// As stored.
    width: u32,
    height: u32,
    turn: Turn,
    depth: u8,
    color: Option<Color>,
    alpha: bool,
    animated: bool,
    profile: Option<Vec<u8>>,
    refused: Option<String>,
    short: Option<String>,
    components: Option<Components>,
    clear: Option<u8>,
    odd_key: Option<(usize, bool)>,
    texts: u8,
}

impl Found {
    fn size(&mut self, width: impl Into<u32>, height: impl Into<u32>) {
        (self.width, self.height) = (width.into(), height.into());
    }

    /// Only the first reason counts.
    fn refuse(&mut self, why: impl Into<String>) {
        self.refused.get_or_insert_with(|| why.into());
    }

    fn seen(self, format: Format) -> Seen {
        let orientation = self.turn.orientation();
        let (width, height) =
            if orientation >= 5 { (self.height, self.width) } else { (self.width, self.height) };
        let color = self.color.unwrap_or(Color::Rgb);
        let header = Header {
            format,
            width,
            height,
            orientation,
            depth: if self.depth == 0 { 8 } else { self.depth },
            color,
            alpha: self.alpha,
            icc: self.profile.as_deref().is_some_and(|profile| !colour::is_srgb(profile, color)),
            animated: self.animated,
        };
        let Found { profile, refused, short, components, clear, odd_key, .. } = self;
        Seen { header, profile, refused, short, components, clear, odd_key }
    }
}

#[cfg(test)]
mod tests;
