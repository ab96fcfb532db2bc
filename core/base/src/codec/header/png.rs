//! Chunks of PNG.

use super::exif::LONGEST_TEXT;
use super::{Color, Cursor, Found, colour};

pub(super) fn read(at: &mut Cursor<'_>, found: &mut Found) -> Option<()> {
    at.skip(8)?;
    if at.at(12).array() == Some(*b"CgBI") {
        found.refuse(
            "the picture is no real PNG but Apple's variant of it (CgBI), as Xcode packs it into apps; browsers and other \
             programs cannot read it. On a Mac `pngcrush -revert-iphone-optimizations` of Xcode makes a PNG of it; \
             better is the file that it was made from",
        );
        let length = u64::from(at.u32()?);
        at.skip(length.checked_add(8)?)?;
    }
    at.skip(8)?;
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
    let done = chunks(at, found, depth);
    if done.is_none() {
        found.short = Some(format!("its file ends after {} bytes, before its last chunk (IEND)", at.end));
    }
    done
}

fn chunks(at: &mut Cursor<'_>, found: &mut Found, depth: u8) -> Option<()> {
    loop {
        let len = u64::from(at.u32()?);
        let name = at.array::<4>()?;
        let (start, next) = (at.at, at.at.checked_add(len)?.checked_add(4)?);
        match &name {
            b"tRNS" => {
                let wanted = match found.color {
                    Some(Color::Grey) => Some(2),
                    Some(Color::Rgb) => Some(6),
                    _ => None,
                };
                // One of another length is none, and of one that has more bits than the samples only those count.
                let is_void = wanted.is_some_and(|wanted| wanted != len);
                let is_odd = wanted.is_some()
                    && depth < 16
                    && at.bytes(len.min(6)).is_some_and(|key| exceeds(&key, depth));
                found.alpha |= !is_void;
                if is_void || is_odd {
                    found.odd_key = usize::try_from(start).ok().map(|place| (place, is_void));
                }
            }
            // At most 256 colours of three bytes (PNG specification, 11.2.2).
            b"PLTE" if found.color == Some(Color::Palette) && (len % 3 != 0 || len > 768) => {
                found.refuse("the picture is damaged: its palette is not one of whole colours");
            }
            b"acTL" => found.animated = true,
            // There should be one.
            b"eXIf" => found.turn.last_exif(&mut at.within(start, len)),
            b"tEXt" | b"zTXt" | b"iTXt" => {
                text(&mut at.within(start, len), len, &name, found);
            }
            b"iCCP" => {
                found.profile = at.bytes(len).and_then(|chunk| {
                    let name = chunk.iter().position(|byte| *byte == 0)?;
                    colour::inflated(chunk.get(name + 2..)?, colour::LONGEST_PROFILE)
                });
            }
            b"IEND" => return Some(()),
            _ => (),
        }
        at.at = next;
    }
}

fn exceeds(key: &[u8], depth: u8) -> bool {
    key.as_chunks::<2>().0.iter().any(|sample| u32::from(u16::from_be_bytes(*sample)) >> depth != 0)
}

/// The most text chunks that are read.
const MOST_TEXTS: u8 = 8;

/// Texts that say an orientation: Exif in digits, and XMP.
fn text(at: &mut Cursor<'_>, len: u64, kind: &[u8; 4], found: &mut Found) -> Option<()> {
    const NAMES: [&[u8]; 3] =
        [b"Raw profile type exif\0", b"Raw profile type APP1\0", b"XML:com.adobe.xmp\0"];
    let start = at.at(at.at).bytes(len.min(22))?;
    let name = NAMES.into_iter().find(|name| start.starts_with(name))?;
    // Each may be small and become large.
    if found.texts >= MOST_TEXTS {
        return None;
    }
    found.texts += 1;
    at.skip(name.len() as u64)?;
    let rest = at.bytes(len.checked_sub(name.len() as u64).filter(|len| *len <= LONGEST_TEXT)?)?;
    let unpacked = |stream: &[u8]| colour::inflated(stream, LONGEST_TEXT as usize);
    let text = match kind {
        b"tEXt" => rest,
        b"zTXt" => unpacked(rest.get(1..)?)?,
        _ => {
            // Whether it is packed, how, and two texts that end with 0.
            let is_packed = *rest.first()? == 1;
            let mut parts = rest.get(2..)?.splitn(3, |byte| *byte == 0);
            let text = parts.nth(2)?;
            if is_packed { unpacked(text)? } else { text.to_vec() }
        }
    };
    if name.starts_with(b"XML") {
        found.turn.xmp(&text);
    } else {
        found.turn.raw_profile(&text);
    }
    Some(())
}
