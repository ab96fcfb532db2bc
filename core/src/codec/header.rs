//! What a picture's file says of itself: type, size, orientation, colours. No pixel is read.
//!
//! A size is needed; all else is read as far as it can be, since a picture is not refused for the faults
//! of its metadata. Sources: PNG (third edition), JPEG (T.81, JFIF, Exif 3.0), WebP container, GIF89a,
//! TIFF 6.0, HEIF (ISO/IEC 23008-12).

use std::fs::File;
use std::io::{BufReader, Read as _};

use super::{Format, bad, colour};
use crate::error::Error;

/// What a picture's header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
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
pub(crate) struct Quirks {
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
pub(crate) enum Color {
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
    /// Why it must not be decoded, though decoders would try.
    pub refused: Option<&'static str>,
}

/// Reads the header of a file that is in memory.
///
/// # Errors
/// [`crate::Kind::ImageError`] if these are not the bytes of a picture, or its size is cut off.
pub(crate) fn header(bytes: &[u8]) -> Result<Header, Error> {
    Ok(seen(bytes)?.header)
}

/// Reads the header of a file on disk, and no more of it than that takes.
///
/// # Errors
/// As [`header`].
pub(crate) fn header_of_file(file: &File) -> Result<Header, Error> {
    use std::io::Seek as _;
    let mut file = BufReader::with_capacity(4 << 10, file);
    let whole = file.rewind().is_ok();
    let mut from = OnDisk { file, at: 0 };
    if whole { Ok(read(&mut from)?.header) } else { Err(bad("its file cannot be read from its start")) }
}

pub(super) fn seen(mut bytes: &[u8]) -> Result<Seen, Error> {
    read(&mut bytes)
}

/// Where a header is read from.
trait Source {
    /// Fills `into` with what stands at `at`; says how much there was.
    fn fill(&mut self, at: u64, into: &mut [u8]) -> usize;
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
}

struct OnDisk<'a> {
    file: BufReader<&'a File>,
    at: u64,
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
}

/// Reads numbers, one after the other; `None` is the end.
struct Cursor<'a> {
    from: &'a mut dyn Source,
    at: u64,
    /// Whether the first byte of a number is its highest.
    big: bool,
}

impl Cursor<'_> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let mut into = [0; N];
        let whole = self.from.fill(self.at, &mut into) == N;
        self.at = self.at.checked_add(N as u64)?;
        whole.then_some(into)
    }

    /// So many bytes, if there are as many and no more than a colour profile may have.
    fn bytes(&mut self, len: u64) -> Option<Vec<u8>> {
        let mut into = Vec::new();
        let mut left = usize::try_from(len).ok().filter(|len| *len <= colour::LONGEST_PROFILE)?;
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
        Cursor { from: &mut *self.from, at, big: self.big }
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
        let looks = if start.iter().all(|byte| matches!(byte, 9 | 10 | 13 | 32..=126)) {
            "its bytes are text"
        } else {
            "its first bytes are of no known picture type"
        };
        return Err(bad(format!("this is not a picture: {looks}. PNG, JPEG, WebP and HEIC are taken")));
    };
    let mut cursor = Cursor { from, at: 0, big: true };
    let mut found = Found::default();
    let read = match format {
        Format::Png => png(&mut cursor, &mut found),
        Format::Jpeg => jpeg(&mut cursor, &mut found),
        Format::WebP => webp(&mut cursor, &mut found),
        Format::Gif => gif(&mut cursor, &mut found),
        Format::Bmp => bmp(&mut cursor, &mut found),
        Format::Tiff => tiff(&mut cursor, &mut found),
        Format::Heic | Format::Avif => {
            found.animated = matches!(start.get(8..12), Some(b"avis" | b"msf1" | b"hevc" | b"hevx"));
            heif(&mut cursor, &mut found)
        }
    };
    let hidden = matches!(format, Format::Heic | Format::Avif);
    // Once the size is known, what is behind it may be cut off.
    if !hidden && (found.width == 0 || found.height == 0) {
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
    orientation: u8,
    depth: u8,
    color: Option<Color>,
    alpha: bool,
    animated: bool,
    profile: Option<Vec<u8>>,
    refused: Option<&'static str>,
}

impl Found {
    fn size(&mut self, width: impl Into<u32>, height: impl Into<u32>) {
        (self.width, self.height) = (width.into(), height.into());
    }

    fn seen(self, format: Format) -> Seen {
        let orientation = if matches!(self.orientation, 1..=8) { self.orientation } else { 1 };
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
        Seen { header, profile: self.profile, refused: self.refused }
    }
}

fn png(at: &mut Cursor<'_>, found: &mut Found) -> Option<()> {
    at.skip(16)?;
    found.size(at.u32()?, at.u32()?);
    let [depth, kind, ..] = at.array::<5>()?;
    found.depth = depth;
    found.alpha = matches!(kind, 4 | 6);
    found.color = Some(match kind {
        0 | 4 => Color::Grey,
        3 => Color::Palette,
        _ => Color::Rgb,
    });
    at.skip(4)?;
    loop {
        let len = u64::from(at.u32()?);
        let name = at.array::<4>()?;
        let next = at.at.checked_add(len)?.checked_add(4)?;
        match &name {
            b"tRNS" => found.alpha = true,
            // At most 256 colours of three bytes (PNG specification, 11.2.2).
            b"PLTE" if found.color == Some(Color::Palette) && (len % 3 != 0 || len > 768) => {
                found.refused = Some("the picture is damaged: its palette is not one of whole colours");
            }
            b"acTL" => found.animated = true,
            b"eXIf" => found.orientation = exif(&mut at.at(at.at)).unwrap_or(0),
            b"iCCP" => {
                found.profile = at.bytes(len).and_then(|chunk| {
                    let name = chunk.iter().position(|byte| *byte == 0)?;
                    colour::inflated(chunk.get(name + 2..)?)
                });
            }
            b"IEND" => return Some(()),
            _ => (),
        }
        at.at = next;
    }
}

fn jpeg(at: &mut Cursor<'_>, found: &mut Found) -> Option<()> {
    // The parts of a profile are numbered and may come in any order.
    let mut parts: Vec<(u8, Vec<u8>)> = Vec::new();
    at.skip(2)?;
    let done = segments(at, found, &mut parts);
    parts.sort_by_key(|(number, _)| *number);
    if !parts.is_empty() {
        found.profile = Some(parts.into_iter().flat_map(|(_, part)| part).collect());
    }
    done
}

fn segments(at: &mut Cursor<'_>, found: &mut Found, parts: &mut Vec<(u8, Vec<u8>)>) -> Option<()> {
    loop {
        while at.u8()? != 0xff {}
        let mut marker = 0xff;
        while marker == 0xff {
            marker = at.u8()?;
        }
        if matches!(marker, 0x00 | 0x01 | 0xd0..=0xd8) {
            continue;
        }
        if matches!(marker, 0xd9 | 0xda) {
            return Some(());
        }
        let start = at.at;
        let len = u64::from(at.u16()?).max(2);
        match marker {
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                found.depth = at.u8()?;
                let (height, width) = (at.u16()?, at.u16()?);
                found.size(width, height);
                found.color = Some(match at.u8()? {
                    1 => Color::Grey,
                    4 => Color::Cmyk,
                    _ => Color::Rgb,
                });
            }
            // The first Exif counts: those of a second picture in the file come behind its data.
            0xe1 if len >= 16 && found.orientation == 0 && at.array()? == *b"Exif\0\0" => {
                found.orientation = exif(&mut at.at(at.at)).unwrap_or(0);
            }
            0xe2 if len >= 18 && at.array()? == *b"ICC_PROFILE\0" => {
                let [number, _] = at.array::<2>()?;
                let kept: usize = parts.iter().map(|(_, part)| part.len()).sum();
                if kept <= colour::LONGEST_PROFILE {
                    parts.push((number, at.bytes(len - 16)?));
                }
            }
            _ => (),
        }
        at.at = start.checked_add(len)?;
    }
}

fn webp(at: &mut Cursor<'_>, found: &mut Found) -> Option<()> {
    at.big = false;
    at.skip(12)?;
    loop {
        let name = at.array::<4>()?;
        let len = u64::from(at.u32()?);
        let start = at.at;
        // The first of them has the size; later ones are the canvas' content.
        let first = start == 20;
        match &name {
            b"VP8X" if first => {
                let [flags, ..] = at.array::<4>()?;
                (found.animated, found.alpha) = (flags & 2 != 0, flags & 16 != 0);
                found.size(at.u24()?.checked_add(1)?, at.u24()?.checked_add(1)?);
                // Neither a profile nor Exif: what follows is pixels.
                if flags & (8 | 32) == 0 {
                    return Some(());
                }
            }
            b"VP8 " if first => {
                at.skip(6)?;
                found.size(at.u16()? & 0x3fff, at.u16()? & 0x3fff);
                return Some(());
            }
            b"VP8L" if first => {
                at.skip(1)?;
                let bits = at.u32()?;
                found.size((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1);
                found.alpha = bits >> 28 & 1 != 0;
                return Some(());
            }
            _ if first => return None,
            b"ICCP" => found.profile = at.bytes(len),
            b"EXIF" => {
                // Some writers put JPEG's prefix before it.
                let prefix = if at.array()? == *b"Exif\0\0" { 6 } else { 0 };
                found.orientation = exif(&mut at.at(start + prefix)).unwrap_or(0);
            }
            _ => (),
        }
        at.at = start.checked_add(len)?.checked_add(len & 1)?;
    }
}

fn gif(at: &mut Cursor<'_>, found: &mut Found) -> Option<()> {
    at.big = false;
    at.skip(6)?;
    found.size(at.u16()?, at.u16()?);
    found.color = Some(Color::Palette);
    let table = |flags: u8| if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) };
    let flags = at.u8()?;
    at.skip(2 + table(flags))?;
    let mut pictures = 0;
    loop {
        match at.u8()? {
            0x2c if pictures > 0 => {
                found.animated = true;
                return Some(());
            }
            0x2c => {
                pictures += 1;
                at.skip(8)?;
                let flags = at.u8()?;
                at.skip(table(flags) + 1)?;
            }
            0x21 => {
                if at.u8()? == 0xf9 && pictures == 0 {
                    let [_, flags] = at.array::<2>()?;
                    found.alpha |= flags & 1 != 0;
                    at.skip(3)?;
                }
            }
            _ => return Some(()),
        }
        loop {
            match at.u8()? {
                0 => break,
                len => at.skip(len.into())?,
            }
        }
    }
}

fn bmp(at: &mut Cursor<'_>, found: &mut Found) -> Option<()> {
    at.big = false;
    at.skip(14)?;
    let length = at.u32()?;
    let bits = if length == 12 {
        found.size(at.u16()?, at.u16()?);
        at.skip(2)?;
        at.u16()?
    } else {
        let (width, height) = (at.u32()?.cast_signed(), at.u32()?.cast_signed());
        // A negative height says that the first row is the upper one.
        found.size(u32::try_from(width).unwrap_or(0), height.unsigned_abs());
        at.skip(2)?;
        at.u16()?
    };
    let palette = matches!(bits, 1..=8);
    found.color = Some(if palette { Color::Palette } else { Color::Rgb });
    found.depth = if palette { u8::try_from(bits).ok()? } else { 8 };
    // Only the longer headers have a mask for alpha, and only with bit fields does it count.
    if bits == 32 && length >= 56 && at.u32()? == 3 {
        at.at = 14 + 52;
        found.alpha = at.u32()? != 0;
    }
    Some(())
}

/// The entries of a TIFF directory that count here.
#[derive(Default)]
pub(super) struct Directory {
    pub width: u32,
    pub height: u32,
    pub bits: u16,
    pub photometric: u16,
    /// Where the value of `photometric` stands, from the start of the TIFF data.
    pub photometric_at: u64,
    orientation: u8,
    pub samples: u16,
    /// What the fourth sample is: 1 alpha, by which colours are multiplied; 2 alpha; 0 something else.
    pub extra: Option<u16>,
    profile: Option<(u64, u64)>,
    /// Whether other directories follow.
    more: bool,
    /// Whether it is of a camera's raw file, whose first picture is a small preview (DNG, and all that say so).
    raw: bool,
}

/// Reads the first directory of TIFF data that begins here; its byte order is left in `at`.
fn directory(at: &mut Cursor<'_>) -> Option<Directory> {
    let start = at.at;
    at.big = match &at.array::<2>()? {
        b"MM" => true,
        b"II" => false,
        _ => return None,
    };
    at.skip(2)?;
    at.at = start.checked_add(at.u32()?.into())?;
    let mut found = Directory { samples: 1, bits: 1, ..Directory::default() };
    for _ in 0..at.u16()? {
        let (tag, kind, count) = (at.u16()?, at.u16()?, u64::from(at.u32()?));
        let (place, next) = (at.at, at.at + 4);
        let size = match kind {
            3 => 2,
            4 => 4,
            _ => 1,
        };
        if count * size > 4 {
            at.at = start.checked_add(at.u32()?.into())?;
        }
        let values = at.at;
        let value = match kind {
            3 => u32::from(at.u16()?),
            4 => at.u32()?,
            _ => u32::from(at.u8()?),
        };
        let short = u16::try_from(value).unwrap_or(u16::MAX);
        match tag {
            256 => found.width = value,
            257 => found.height = value,
            258 => found.bits = short,
            262 => (found.photometric, found.photometric_at) = (short, place - start),
            274 => found.orientation = u8::try_from(value).unwrap_or(0),
            254 => found.raw |= value & 1 == 1,
            277 => found.samples = short,
            338 => found.extra = Some(short),
            34675 => found.profile = Some((values, count)),
            50706 => found.raw = true,
            _ => (),
        }
        at.at = next;
    }
    found.more = at.u32().is_some_and(|next| next != 0);
    Some(found)
}

/// The orientation that Exif data beginning here tells.
fn exif(at: &mut Cursor<'_>) -> Option<u8> {
    Some(directory(at)?.orientation)
}

fn tiff(at: &mut Cursor<'_>, found: &mut Found) -> Option<()> {
    let read = directory(at)?;
    found.size(read.width, read.height);
    found.orientation = read.orientation;
    found.depth = u8::try_from(read.bits).unwrap_or(0);
    let (color, own) = match read.photometric {
        0 | 1 => (Color::Grey, 1),
        3 => (Color::Palette, 1),
        5 => (Color::Cmyk, 4),
        _ => (Color::Rgb, 3),
    };
    found.color = Some(color);
    found.alpha = read.samples > own && matches!(read.extra, Some(1 | 2));
    found.animated = read.more;
    if read.raw {
        found.refused = Some(
            "it is a camera's raw file, and what is seen at once in it is a small preview only; develop it first, and give \
             that as JPEG, PNG or TIFF",
        );
    }
    if let Some((place, len)) = read.profile {
        found.profile = at.at(place).bytes(len);
    }
    Some(())
}

/// The first directory of a TIFF file in memory.
pub(super) fn tiff_directory(mut bytes: &[u8]) -> Option<Directory> {
    directory(&mut Cursor { from: &mut bytes, at: 0, big: true })
}

/// The boxes between here and `end`: name, start of the content, end.
fn boxes(at: &mut Cursor<'_>, end: u64) -> Vec<([u8; 4], u64, u64)> {
    let mut found = Vec::new();
    // No file that is read here has more; one that lies is not followed for ever.
    while at.at < end && found.len() < 4096 {
        let start = at.at;
        let (Some(len), Some(name)) = (at.u32(), at.array()) else { break };
        let len = match len {
            0 => Some(end - start),
            1 => at.array().map(u64::from_be_bytes),
            len => Some(u64::from(len)),
        };
        let Some(next) = len.and_then(|len| start.checked_add(len)).filter(|next| *next >= at.at) else {
            break;
        };
        found.push((name, at.at, next.min(end)));
        at.at = next;
    }
    found
}

/// The size that is seen, of the primary item of a HEIF file.
fn heif(at: &mut Cursor<'_>, found: &mut Found) -> Option<()> {
    let one = |boxes: &[([u8; 4], u64, u64)], name: &[u8; 4]| {
        boxes.iter().find(|(is, ..)| is == name).map(|(_, start, end)| (*start, *end))
    };
    let (meta, end) = one(&boxes(at, u64::MAX), b"meta")?;
    let inside = boxes(&mut at.at(meta + 4), end);
    let (primary, _) = one(&inside, b"pitm")?;
    let mut pitm = at.at(primary);
    let version = pitm.u32()? >> 24;
    let item = if version == 0 { u32::from(pitm.u16()?) } else { pitm.u32()? };
    let (iprp, end) = one(&inside, b"iprp")?;
    let inside = boxes(&mut at.at(iprp), end);
    let (ipco, end) = one(&inside, b"ipco")?;
    let properties = boxes(&mut at.at(ipco), end);
    let (ipma, _) = one(&inside, b"ipma")?;
    let mut turned = Turned::default();
    for index in associated(&mut at.at(ipma), item)? {
        let Some((name, start, end)) = index.checked_sub(1).and_then(|index| properties.get(index)) else {
            continue;
        };
        let mut at = at.at(*start);
        match name {
            b"ispe" => {
                at.skip(4)?;
                found.size(at.u32()?, at.u32()?);
            }
            b"clap" => {
                let [width, by, height, over] = [at.u32()?, at.u32()?, at.u32()?, at.u32()?];
                found.size(width.checked_div(by)?, height.checked_div(over)?);
            }
            b"irot" => turned.rotate(at.u8()? & 3),
            b"imir" => turned.mirror(at.u8()? & 1),
            b"pixi" => {
                at.skip(4)?;
                let [channels, depth] = at.array()?;
                found.depth = depth;
                found.color = Some(if channels == 1 { Color::Grey } else { Color::Rgb });
            }
            b"colr" => {
                if matches!(&at.array::<4>()?, b"prof" | b"rICC") {
                    found.profile = at.bytes(end.checked_sub(at.at)?);
                }
            }
            _ => (),
        }
    }
    found.orientation = turned.orientation();
    // A second item that is transparency: which item's it is hardly matters.
    found.alpha = properties.iter().any(|(name, start, end)| {
        let text = at.at(start + 4).bytes(end.saturating_sub(start + 4).min(64)).unwrap_or_default();
        name == b"auxC" && text.windows(5).any(|word| word == b"alpha")
    });
    Some(())
}

/// The numbers of the properties that `item` has, in their order.
fn associated(at: &mut Cursor<'_>, item: u32) -> Option<Vec<usize>> {
    let word = at.u32()?;
    let (version, wide) = (word >> 24, word & 1 == 1);
    for _ in 0..at.u32()?.min(1 << 16) {
        let id = if version == 0 { u32::from(at.u16()?) } else { at.u32()? };
        let mut numbers = Vec::new();
        for _ in 0..at.u8()? {
            // The highest bit only says that a reader must know it.
            numbers.push(if wide { at.u16()? & 0x7fff } else { u16::from(at.u8()? & 0x7f) }.into());
        }
        if id == item {
            return Some(numbers);
        }
    }
    None
}

/// Turns and mirrorings, one after the other.
#[derive(Default)]
struct Turned {
    /// Mirrored left to right first, then turned clockwise so many quarters.
    mirrored: bool,
    quarters: u8,
}

impl Turned {
    /// By quarters against the clock, as `irot` counts.
    fn rotate(&mut self, quarters: u8) {
        self.quarters = (self.quarters + 4 - quarters) % 4;
    }

    /// `imir`: 0 exchanges top and bottom, 1 left and right.
    fn mirror(&mut self, axis: u8) {
        // A mirroring after a turn is one before the contrary turn; top and bottom are a half turn more.
        self.mirrored = !self.mirrored;
        self.quarters = (8 - self.quarters - 2 * (1 - axis)) % 4;
    }

    fn orientation(&self) -> u8 {
        match (self.mirrored, self.quarters) {
            (false, 0) => 1,
            (false, 1) => 6,
            (false, 2) => 3,
            (false, _) => 8,
            (true, 0) => 2,
            (true, 1) => 7,
            (true, 2) => 4,
            (true, _) => 5,
        }
    }
}
