//! The orientation of a picture, wherever a file says it: Exif, Exif as text in a PNG, XMP.
//!
//! Read as Pillow reads it: the first Exif counts, a text only without one, XMP only where neither names an
//! orientation. One bad entry does not hide the others. Browsers differ in three ways: they take the orientation
//! only as SHORT, they do not read XMP, and they skip Exif that is text.

use super::Cursor;
use super::tiff::Entries;

/// The orientation that a file gives.
#[derive(Default)]
pub(super) struct Turn {
    /// Of the first Exif, if there is one.
    exif: Option<Option<u8>>,
    /// Of Exif that a PNG has as text.
    text: Option<Option<u8>>,
    /// Of the first packet of XMP, if there is one.
    xmp: Option<Option<u8>>,
}

/// Longer texts are not searched.
pub(super) const LONGEST_TEXT: u64 = 1 << 20;

impl Turn {
    /// 1 (upright) to 8.
    pub fn orientation(&self) -> u8 {
        let said = self.exif.or(self.text).flatten().or(self.xmp.flatten());
        said.filter(|orientation| matches!(orientation, 1..=8)).unwrap_or(1)
    }

    /// By Exif data that begins here, with or without the prefix of JPEG.
    pub fn exif(&mut self, at: &mut Cursor<'_>) {
        if self.exif.is_none() {
            self.exif = Some(of_exif(at));
        }
    }

    /// The same where a later one counts.
    pub fn last_exif(&mut self, at: &mut Cursor<'_>) {
        self.exif = Some(of_exif(at));
    }

    /// The same by a number that is known already.
    pub fn said(&mut self, orientation: u8) {
        self.exif.get_or_insert(Some(orientation));
    }

    /// By ImageMagick's and exiftool's text: a name, a length, and the bytes in hexadecimal digits.
    pub fn raw_profile(&mut self, text: &[u8]) {
        let Some(bytes) = of_digits(text) else { return };
        // "APP1" is also the name under which XMP stands.
        if self.text.is_none() {
            if let Some(xmp) = bytes.strip_prefix(XMP) {
                self.xmp(xmp);
            } else {
                let mut bytes = &*bytes;
                let end = bytes.len() as u64;
                self.text = Some(of_exif(&mut Cursor { from: &mut bytes, at: 0, end, big: true }));
            }
        }
    }

    /// By a packet of XMP.
    pub fn xmp(&mut self, packet: &[u8]) {
        const NAME: &[u8] = b"tiff:Orientation";
        let found = memchr::memmem::find_iter(packet, NAME).find_map(|place| {
            let behind = packet.get(place + NAME.len()..)?;
            match behind.strip_prefix(b"=\"").or_else(|| behind.strip_prefix(b">"))? {
                [digit @ b'0'..=b'9', ..] => Some(digit - b'0'),
                _ => None,
            }
        });
        self.xmp.get_or_insert(found);
    }

    /// The same from a file, where it is still of use.
    pub fn xmp_at(&mut self, at: &mut Cursor<'_>, len: u64) {
        if self.xmp.is_none()
            && self.exif.flatten().is_none()
            && let Some(packet) = at.bytes(len.min(LONGEST_TEXT))
        {
            self.xmp(&packet);
        }
    }
}

/// The prefix of XMP in an APP1 segment.
pub(super) const XMP: &[u8; 29] = b"http://ns.adobe.com/xap/1.0/\0";

/// The orientation that the first directory of Exif data names.
fn of_exif(at: &mut Cursor<'_>) -> Option<u8> {
    // Some writers put JPEG's prefix before it where there is none, or twice.
    for _ in 0..2 {
        if at.at(at.at).array() == Some(*b"Exif\0\0") {
            at.skip(6)?;
        }
    }
    let entries = Entries::read(at)?;
    entries.orientation(at)
}

/// The bytes that stand in digits behind three ends of a line.
fn of_digits(text: &[u8]) -> Option<Vec<u8>> {
    let mut lines = text.splitn(4, |byte| *byte == b'\n');
    let digits = lines.nth(3)?;
    let mut bytes = Vec::with_capacity(digits.len() / 2);
    let mut high = None;
    for digit in digits.iter().filter(|byte| !byte.is_ascii_whitespace()) {
        let value = u8::try_from(char::from(*digit).to_digit(16)?).ok()?;
        match high.take() {
            None => high = Some(value << 4),
            Some(high) => bytes.push(high | value),
        }
    }
    Some(bytes)
}
