//! Segments of JPEG, and by which rules its components are colours.

use super::exif::XMP;
use super::{Color, Cursor, Found, colour};

/// The colour space of a JPEG's components, by the rules of libjpeg, which all programs follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::codec) enum Space {
    Grey,
    YCbCr,
    Rgb,
    Cmyk,
    Ycck,
    /// Two components, or more than four.
    Unknown,
}

/// The marks that decide how the components are read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::codec) struct Components {
    ids: Vec<u8>,
    /// Samples of each in a row, in relation to the others.
    across: Vec<u8>,
    is_jfif: bool,
    /// The transform of Adobe's mark.
    adobe: Option<u8>,
    /// Where Adobe's marks stand, also such as are too short to count.
    pub marks: Vec<usize>,
    /// True if one of them is such, or stands behind the frame's header.
    is_mark_odd: bool,
}

impl Components {
    pub fn space(&self) -> Space {
        match (&*self.ids, self.adobe) {
            ([_], _) => Space::Grey,
            ([..], Some(0)) if self.ids.len() == 3 && !self.is_jfif => Space::Rgb,
            (b"RGB", None) if !self.is_jfif => Space::Rgb,
            ([_, _, _], _) => Space::YCbCr,
            ([_, _, _, _], None | Some(0)) => Space::Cmyk,
            ([_, _, _, _], Some(_)) => Space::Ycck,
            _ => Space::Unknown,
        }
    }

    /// True if the first component is not the finest one, which the decoder does not expect: it would paint another picture.
    pub fn are_sampled_oddly(&self) -> bool {
        self.across.iter().any(|across| Some(across) > self.across.first())
    }

    /// True if the components are named so that the decoder takes them for RGB, whatever else is said.
    pub fn are_named_rgb(&self) -> bool {
        self.ids == b"RGB"
    }

    /// True if the decoder would draw other conclusions from Adobe's marks than [`Components::space`].
    pub fn are_marks_misread(&self) -> bool {
        let is_usual = match (self.ids.len(), self.adobe) {
            (3, Some(1)) | (4, Some(0 | 2)) => true,
            (1, _) => self.adobe.is_none_or(|transform| transform <= 2),
            _ => false,
        };
        !self.marks.is_empty() && (self.is_mark_odd || !is_usual)
    }
}

pub(super) fn read(at: &mut Cursor<'_>, found: &mut Found) -> Option<()> {
    // The parts of a profile are numbered and may come in any order.
    let mut parts: Vec<(u8, Vec<u8>)> = Vec::new();
    let mut components = Components::default();
    let mut xmp = None;
    at.skip(2)?;
    let done = segments(at, found, &mut components, &mut parts, &mut xmp);
    parts.sort_by_key(|(number, _)| *number);
    if !parts.is_empty() {
        found.profile = Some(parts.into_iter().flat_map(|(_, part)| part).collect());
    }
    if let Some((place, len)) = xmp {
        found.turn.xmp_at(&mut at.at(place), len);
    }
    if components.ids.len() > 4 || components.ids.len() == 2 {
        found.refuse(format!(
            "this kind of JPEG is not taken: it has {} components, where 1 (grey), 3 (colours) or 4 (inks) are known",
            components.ids.len()
        ));
    }
    found.components = Some(components);
    let scan = at.at;
    if done.is_none() || !is_ended(at, scan) {
        found.short = Some(format!("its file ends after {} bytes, before its end mark (EOI)", at.end));
    }
    done
}

fn segments(
    at: &mut Cursor<'_>,
    found: &mut Found,
    components: &mut Components,
    parts: &mut Vec<(u8, Vec<u8>)>,
    xmp: &mut Option<(u64, u64)>,
) -> Option<()> {
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
            0xf7 | 0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                found.depth = at.u8()?;
                let (height, width) = (at.u16()?, at.u16()?);
                found.size(width, height);
                let count = at.u8()?;
                found.color = Some(match count {
                    1 => Color::Grey,
                    4 => Color::Cmyk,
                    _ => Color::Rgb,
                });
                if let Some(name) = unread(marker, found.depth) {
                    found.refuse(format!(
                        "this kind of JPEG is not taken: it is {name}, which browsers and most programs cannot read. Make \
                         an ordinary JPEG or PNG of it with a program that can, for example `djpeg` of libjpeg-turbo, \
                         ImageMagick, or Pillow with imagecodecs"
                    ));
                }
                (components.ids, components.across) = (Vec::new(), Vec::new());
                for _ in 0..count {
                    let [id, sampling, _] = at.array::<3>()?;
                    components.ids.push(id);
                    components.across.push(sampling >> 4);
                }
            }
            0xe0 if len >= 16 && at.array()? == *b"JFIF\0" => components.is_jfif = true,
            // The sixth byte is a filler: some writers put 0xff there. Only the first one counts.
            0xe1 if len >= 8 && matches!(&at.at(at.at).array()?, b"Exif\0\0" | b"Exif\0\xff") => {
                found.turn.exif(&mut at.within(start + 8, len - 8));
            }
            0xe1 if len >= 31 && at.array()? == *XMP => *xmp = Some((start + 31, len - 31)),
            0xe2 if len >= 18 && at.array()? == *b"ICC_PROFILE\0" => {
                let [number, _] = at.array::<2>()?;
                let kept: usize = parts.iter().map(|(_, part)| part.len()).sum();
                if kept <= colour::LONGEST_PROFILE {
                    parts.push((number, at.bytes(len - 16)?));
                }
            }
            0xee if len >= 7 && at.array()? == *b"Adobe" => {
                components.marks.extend(usize::try_from(start + 2));
                components.is_mark_odd |= len < 14 || !components.ids.is_empty();
                if len >= 14 {
                    let [.., transform] = at.array::<7>()?;
                    components.adobe = Some(transform);
                }
            }
            _ => (),
        }
        at.at = start.checked_add(len)?;
    }
}

/// Kinds of JPEG that few programs read, by the marker of their frame.
fn unread(marker: u8, depth: u8) -> Option<&'static str> {
    Some(match marker {
        0xf7 => "a JPEG-LS",
        0xc3 => "a lossless JPEG (SOF3)",
        0xc5..=0xc7 | 0xcd..=0xcf => "a hierarchical JPEG",
        0xc9..=0xcb => "a JPEG with arithmetic coding (SOF9 to SOF11)",
        _ if depth == 12 => "a JPEG of 12 bits a channel",
        _ => return None,
    })
}

/// True if the end mark stands somewhere behind `scan`, where the pixels begin.
fn is_ended(at: &mut Cursor<'_>, scan: u64) -> bool {
    const END: [u8; 2] = [0xff, 0xd9];
    // It mostly is the last of all; pixels cannot look like it.
    if at.end >= scan + 2 && at.at(at.end - 2).array() == Some(END) {
        return true;
    }
    let mut window = vec![0; 64 << 10];
    let mut place = scan;
    loop {
        let filled = at.from.fill(place, &mut window);
        if memchr::memmem::find(window.get(..filled).unwrap_or_default(), &END).is_some() {
            return true;
        }
        if filled < window.len() {
            return false;
        }
        // It may lie across two windows.
        place += filled as u64 - 1;
    }
}
