//! Headers of WebP, GIF and BMP.

use super::{Color, Cursor, Found};

const HAS_ANIMATION: u8 = 2;
const HAS_XMP: u8 = 4;
const HAS_EXIF: u8 = 8;
const HAS_ALPHA: u8 = 16;
const HAS_PROFILE: u8 = 32;

pub(super) fn webp(at: &mut Cursor<'_>, found: &mut Found) -> Option<()> {
    at.big = false;
    at.skip(4)?;
    let length = u64::from(at.u32()?) + 8;
    if length > at.end {
        found.short = Some(format!("its file ends after {} bytes of {length}", at.end));
    }
    at.skip(4)?;
    let mut flags = 0;
    loop {
        let name = at.array::<4>()?;
        let len = u64::from(at.u32()?);
        let start = at.at;
        // The first of them has the size; later ones are the canvas' content.
        let first = start == 20;
        match &name {
            b"VP8X" if first => {
                [flags, ..] = at.array::<4>()?;
                (found.animated, found.alpha) = (flags & HAS_ANIMATION != 0, flags & HAS_ALPHA != 0);
                found.size(at.u24()?.checked_add(1)?, at.u24()?.checked_add(1)?);
                // Pixels follow.
                if flags & (HAS_XMP | HAS_EXIF | HAS_PROFILE) == 0 {
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
            // Readers pass over what the flags do not announce.
            b"ICCP" if flags & HAS_PROFILE != 0 => found.profile = at.bytes(len),
            b"EXIF" if flags & HAS_EXIF != 0 => found.turn.exif(&mut at.within(start, len)),
            b"XMP " if flags & HAS_XMP != 0 => found.turn.xmp_at(&mut at.at(start), len),
            _ => (),
        }
        at.at = start.checked_add(len)?.checked_add(len & 1)?;
    }
}

pub(super) fn gif(at: &mut Cursor<'_>, found: &mut Found) -> Option<()> {
    at.big = false;
    at.skip(6)?;
    let (across, down) = (u32::from(at.u16()?), u32::from(at.u16()?));
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
                let mut side = || at.u16().map(u32::from);
                let (left, top, wide, high) = (side()?, side()?, side()?, side()?);
                // The screen is as large as its first picture needs, whatever it says.
                found.size(across.max(left + wide), down.max(top + high));
                let flags = at.u8()?;
                at.skip(table(flags) + 1)?;
            }
            0x21 => {
                if at.u8()? == 0xf9 && pictures == 0 {
                    // One that names no colour takes none back, as Pillow and libvips read it.
                    let [_, flags, _, _, index] = at.array::<5>()?;
                    if flags & 1 != 0 {
                        (found.clear, found.alpha) = (Some(index), true);
                    }
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

pub(super) fn bmp(at: &mut Cursor<'_>, found: &mut Found) -> Option<()> {
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
