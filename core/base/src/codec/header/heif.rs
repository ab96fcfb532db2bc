//! Boxes of HEIF: HEIC and AVIF.

use super::{Color, Cursor, Found};

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
pub(super) fn read(at: &mut Cursor<'_>, found: &mut Found) -> Option<()> {
    let one = |boxes: &[([u8; 4], u64, u64)], name: &[u8; 4]| {
        boxes.iter().find(|(is, ..)| is == name).map(|(_, start, end)| (*start, *end))
    };
    let top = boxes(at, u64::MAX);
    let file = at.from.len();
    if let Some((name, _, end)) = top.last().filter(|(.., end)| *end > file && *end < u64::MAX) {
        let name = String::from_utf8_lossy(name).into_owned();
        found.short = Some(format!(
            "its file ends after {file} bytes, within a part ({name:?}) that reaches to byte {end}"
        ));
    }
    let (meta, end) = one(&top, b"meta")?;
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
    found.turn.said(turned.orientation());
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

#[cfg(test)]
mod tests {
    use super::Turned;

    #[test]
    fn every_sequence_of_turns_and_mirrorings_is_one_of_eight() {
        // As `irot` (quarters against the clock) and `imir` (axis) say it, and the same as Exif says it.
        let rows = [
            (0, None, 1),
            (1, None, 8),
            (2, None, 3),
            (3, None, 6),
            (0, Some(1), 2),
            (0, Some(0), 4),
            (1, Some(1), 7),
            (1, Some(0), 5),
            (2, Some(1), 4),
            (2, Some(0), 2),
            (3, Some(1), 5),
            (3, Some(0), 7),
        ];
        for (quarters, axis, expected) in rows {
            let mut turned = Turned::default();
            turned.rotate(quarters);
            if let Some(axis) = axis {
                turned.mirror(axis);
            }
            assert_eq!(turned.orientation(), expected, "{quarters} {axis:?}");
        }
    }
}
