//! Directories of TIFF, which Exif is made of, too.

use std::collections::BTreeMap;

use super::{Color, Cursor, Found};

/// Where the values of an entry stand.
#[derive(Debug, Clone, Copy)]
struct Entry {
    kind: u16,
    count: u64,
    values: u64,
    /// Where the entry itself holds its value, or says where that is.
    field: u64,
}

/// Bytes of one value of this type; none if the type is not known.
fn size_of(kind: u16) -> Option<u64> {
    Some(match kind {
        1 | 2 | 6 | 7 => 1,
        3 | 8 => 2,
        4 | 9 | 11 | 13 => 4,
        5 | 10 | 12 => 8,
        _ => return None,
    })
}

/// One directory. An entry that is broken (of no known type, or whose values lie outside of the data) is left out, and
/// all others are there; of several with the same tag the first one counts.
#[derive(Debug)]
pub(super) struct Entries {
    of: BTreeMap<u16, Entry>,
    /// Where the data starts, which places are counted from.
    start: u64,
    big: bool,
    /// Where the next directory is; 0 for none.
    next: u64,
}

impl Entries {
    /// The first directory of TIFF data that begins here; its byte order is left in `at`.
    pub fn read(at: &mut Cursor<'_>) -> Option<Self> {
        let start = at.at;
        at.big = match &at.array::<2>()? {
            b"MM" => true,
            b"II" => false,
            _ => return None,
        };
        if !matches!(at.array()?, [42, 0] | [0, 42]) {
            return None;
        }
        let place = u64::from(at.u32()?);
        Self::read_at(at, start, place)
    }

    /// The directory at `place` of the same data.
    fn read_at(at: &mut Cursor<'_>, start: u64, place: u64) -> Option<Self> {
        at.at = start.checked_add(place)?;
        let mut of = BTreeMap::new();
        let mut whole = true;
        for _ in 0..at.u16()? {
            let head = (at.u16(), at.u16(), at.u32());
            let (field, next) = (at.at, at.at + 4);
            let (Some(tag), Some(kind), Some(count), Some(place)) = (head.0, head.1, head.2, at.u32()) else {
                // A number of entries that is too large does not hide those that are there.
                whole = false;
                break;
            };
            at.at = next;
            let count = u64::from(count);
            let Some(len) = size_of(kind).map(|size| size * count).filter(|len| *len > 0) else { continue };
            let values = if len > 4 { start.checked_add(place.into())? } else { field };
            if values.checked_add(len).is_none_or(|end| end > at.end) {
                continue;
            }
            of.entry(tag).or_insert(Entry { kind, count, values, field });
        }
        let next = if whole { at.u32().map_or(0, u64::from) } else { 0 };
        Some(Entries { of, start, big: at.big, next })
    }

    fn has(&self, tag: u16) -> bool {
        self.of.contains_key(&tag)
    }

    /// Its values as whole numbers, at most so many.
    fn numbers(&self, at: &mut Cursor<'_>, tag: u16, most: u64) -> Vec<u32> {
        let Some(entry) = self.of.get(&tag) else { return Vec::new() };
        let mut at = at.at(entry.values);
        at.big = self.big;
        let one = |_| match entry.kind {
            1 | 2 | 6 | 7 => at.u8().map(u32::from),
            3 | 8 => at.u16().map(u32::from),
            4 | 9 | 13 => at.u32(),
            _ => None,
        };
        (0..entry.count.min(most)).map_while(one).collect()
    }

    /// True if it is left out, or has about these values.
    fn is_near(&self, at: &mut Cursor<'_>, tag: u16, usual: &[f64], by: f64) -> bool {
        let Some(entry) = self.of.get(&tag) else { return true };
        let mut at = at.at(entry.values);
        at.big = self.big;
        entry.count >= usual.len() as u64
            && usual.iter().all(|usual| match entry.kind {
                5 => match (at.u32(), at.u32()) {
                    (Some(value), Some(by_what)) if by_what > 0 => {
                        (f64::from(value) / f64::from(by_what) - usual).abs() <= by
                    }
                    _ => false,
                },
                3 => at.u16().is_some_and(|value| (f64::from(value) - usual).abs() <= by),
                4 => at.u32().is_some_and(|value| (f64::from(value) - usual).abs() <= by),
                _ => false,
            })
    }

    fn number(&self, at: &mut Cursor<'_>, tag: u16) -> Option<u32> {
        self.numbers(at, tag, 1).first().copied()
    }

    fn short(&self, at: &mut Cursor<'_>, tag: u16) -> Option<u16> {
        self.number(at, tag).map(|value| u16::try_from(value).unwrap_or(u16::MAX))
    }

    /// 0 if it is there and no number: of bytes neither Pillow nor browsers make one.
    pub fn orientation(&self, at: &mut Cursor<'_>) -> Option<u8> {
        let entry = self.of.get(&ORIENTATION)?;
        let value =
            if matches!(entry.kind, 3 | 4 | 6 | 8 | 9 | 13) { self.number(at, ORIENTATION) } else { None };
        Some(value.and_then(|value| u8::try_from(value).ok()).unwrap_or(0))
    }
}

const SUBFILE: u16 = 254;
const OLD_SUBFILE: u16 = 255;
const WIDTH: u16 = 256;
const HEIGHT: u16 = 257;
const BITS: u16 = 258;
const COMPRESSION: u16 = 259;
const PHOTOMETRIC: u16 = 262;
const FILL_ORDER: u16 = 266;
const MAKE: u16 = 271;
const STRIPS: u16 = 273;
const ORIENTATION: u16 = 274;
const SAMPLES: u16 = 277;
const STRIP_LENGTHS: u16 = 279;
const PREDICTOR: u16 = 317;
const TILES: u16 = 324;
const TILE_LENGTHS: u16 = 325;
const SUBDIRECTORIES: u16 = 330;
const INK_SET: u16 = 332;
const EXTRA: u16 = 338;
const COEFFICIENTS: u16 = 529;
const RANGE: u16 = 532;
const XMP: u16 = 700;
const PROFILE: u16 = 34675;
const DNG_VERSION: u16 = 50706;

/// The entries of a TIFF's first directory that decide about its pixels.
#[derive(Debug, Default)]
pub(in crate::codec) struct Directory {
    pub bits: u16,
    pub compression: u16,
    pub photometric: u16,
    /// Where the value of `photometric` stands.
    pub photometric_at: u64,
    /// Where it says that its samples are differences, though its compression knows none.
    pub idle_predictor_at: Option<u64>,
    pub samples: u16,
    /// What the first sample beside the colours is: 1 alpha, by which colours are multiplied; 2 alpha; 0 something else.
    pub extra: Option<u16>,
    /// Of inks: 1 for cyan, magenta, yellow and black.
    pub ink_set: u16,
    /// True if YCbCr has the usual range and coefficients.
    pub is_usual_ycbcr: bool,
    /// True if the lowest bit of a byte is its first.
    pub is_low_bit_first: bool,
}

/// Whether a compression is none of LZW, Deflate, LZMA and Zstandard, which alone are of differences.
fn is_without_differences(compression: u16) -> bool {
    !matches!(compression, 5 | 8 | 32946 | 34925 | 50000)
}

fn facts(entries: &Entries, at: &mut Cursor<'_>) -> Directory {
    let compression = entries.short(at, COMPRESSION).unwrap_or(1);
    let predictor = entries.of.get(&PREDICTOR).filter(|_| is_without_differences(compression));
    Directory {
        idle_predictor_at: predictor.map(|entry| entry.field),
        bits: entries.short(at, BITS).unwrap_or(1),
        compression,
        photometric: entries.short(at, PHOTOMETRIC).unwrap_or(0),
        photometric_at: entries.of.get(&PHOTOMETRIC).map_or(0, |entry| entry.field),
        samples: entries.short(at, SAMPLES).unwrap_or(1),
        extra: entries.short(at, EXTRA),
        ink_set: entries.short(at, INK_SET).unwrap_or(1),
        is_usual_ycbcr: entries.is_near(at, COEFFICIENTS, &[0.299, 0.587, 0.114], 0.002)
            && entries.is_near(at, RANGE, &[0.0, 255.0, 128.0, 255.0, 128.0, 255.0], 0.5),
        is_low_bit_first: entries.number(at, FILL_ORDER) == Some(2),
    }
}

pub(super) fn read(at: &mut Cursor<'_>, found: &mut Found) -> Option<()> {
    let is_canon = at.at(8).array() == Some(*b"CR");
    let entries = Entries::read(at)?;
    let read = facts(&entries, at);
    found.size(entries.number(at, WIDTH).unwrap_or(0), entries.number(at, HEIGHT).unwrap_or(0));
    if let Some(orientation) = entries.orientation(at) {
        found.turn.said(orientation);
    } else if let Some(entry) = entries.of.get(&XMP) {
        found.turn.xmp_at(&mut at.at(entry.values), entry.count);
    }
    found.depth = u8::try_from(read.bits).unwrap_or(0);
    let (color, own) = match read.photometric {
        0 | 1 => (Color::Grey, 1),
        3 => (Color::Palette, 1),
        5 => (Color::Cmyk, 4),
        _ => (Color::Rgb, 3),
    };
    found.color = Some(color);
    found.alpha = read.samples > own
        && (matches!(read.extra, Some(1 | 2))
            || read.photometric == 2 && read.samples == 4 && read.extra.is_none());
    found.animated = entries.next != 0;
    if is_canon || is_raw(&entries, at) {
        let make = entries.of.get(&MAKE).and_then(|entry| at.at(entry.values).bytes(entry.count.min(64)));
        let name = raw_name(entries.has(DNG_VERSION), is_canon, &make.unwrap_or_default());
        found.refuse(format!(
            "it is a camera's raw file{name}, and what is seen at once in it is a small preview only; develop it first, and \
             give that as JPEG, PNG or TIFF"
        ));
    } else if is_reduced(&entries, at) && entries.next != 0 {
        found.refuse(
            "the first page of this TIFF says that it is a smaller copy of another one (NewSubfileType); give the page that \
             is meant as a file of its own, for example by `tiffcp file.tif,1 page.tif` of libtiff, or by Pillow: \
             `image.seek(1)`, then `image.save(\"page.png\")`",
        );
    } else if entries.number(at, SUBFILE).is_some_and(|value| value & 4 != 0) || read.photometric == 4 {
        found.refuse(
            "the first page of this TIFF says that it is the mask of another one; give the page that is meant as a file of \
             its own",
        );
    }
    if let Some(entry) = entries.of.get(&PROFILE) {
        found.profile = at.at(entry.values).bytes(entry.count);
    }
    Some(())
}

fn is_reduced(entries: &Entries, at: &mut Cursor<'_>) -> bool {
    entries.number(at, SUBFILE).is_some_and(|value| value & 1 != 0)
        || entries.number(at, OLD_SUBFILE).is_some_and(|value| value == 2)
}

/// True if it is of a camera's raw file: DNG says so, the pixels of others are those of a sensor, or stand below a page that
/// is a preview.
fn is_raw(entries: &Entries, at: &mut Cursor<'_>) -> bool {
    let of_sensor = |entries: &Entries, at: &mut Cursor<'_>| {
        matches!(entries.number(at, PHOTOMETRIC), Some(32803 | 34892))
    };
    if entries.has(DNG_VERSION) || of_sensor(entries, at) {
        return true;
    }
    let below = entries.numbers(at, SUBDIRECTORIES, 8);
    !below.is_empty()
        && (is_reduced(entries, at)
            || below.into_iter().any(|place| {
                let mut at = at.at(0);
                at.big = entries.big;
                Entries::read_at(&mut at, entries.start, place.into())
                    .is_some_and(|below| of_sensor(&below, &mut at))
            }))
}

/// The name of a raw file's type, in brackets.
fn raw_name(is_dng: bool, is_canon: bool, make: &[u8]) -> &'static str {
    let make = make.to_ascii_uppercase();
    match &*make {
        _ if is_dng => " (DNG)",
        _ if is_canon => " (CR2)",
        make if make.starts_with(b"NIKON") => " (NEF)",
        make if make.starts_with(b"SONY") => " (ARW)",
        make if make.starts_with(b"PENTAX") || make.starts_with(b"RICOH") => " (PEF)",
        make if make.starts_with(b"SAMSUNG") => " (SRW)",
        _ => "",
    }
}

/// The first directory of a TIFF file in memory, and where its pieces of pixels stand.
pub(in crate::codec) fn tiff_directory(mut bytes: &[u8]) -> Option<(Directory, Vec<(u64, u64)>)> {
    let end = bytes.len() as u64;
    let at = &mut Cursor { from: &mut bytes, at: 0, end, big: true };
    let entries = Entries::read(at)?;
    let read = facts(&entries, at);
    let pieces = if read.is_low_bit_first {
        // No more pieces than bytes: what names more lies.
        let numbers = |at: &mut Cursor<'_>, one, other| {
            let mut numbers = entries.numbers(at, one, end);
            numbers.extend(entries.numbers(at, other, end));
            numbers.into_iter().map(u64::from).collect::<Vec<_>>()
        };
        let places = numbers(at, STRIPS, TILES);
        let lengths = numbers(at, STRIP_LENGTHS, TILE_LENGTHS);
        places.into_iter().zip(lengths).collect()
    } else {
        Vec::new()
    };
    Some((read, pieces))
}
