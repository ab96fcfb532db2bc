//! What a picture's file says about how it was made: found, not verified, and never rewritten.
//!
//! C2PA credentials stand in a PNG chunk `caBX`, in JPEG's APP11 segments as JUMBF boxes, and in a WebP
//! chunk `C2PA` (C2PA 2.2, "Embedding manifests into assets"). XMP stands in a PNG chunk `iTXt`, in
//! JPEG's APP1 and in a WebP chunk `XMP `; IPTC-IIM in JPEG's APP13. Nothing is decoded beyond the few
//! words that are looked for, so any bytes take time in proportion to their number.

pub(crate) mod mark;

use std::borrow::Cow;
use std::collections::BTreeMap;

use memchr::memmem;

use crate::codec::Format;
use crate::schema::record;

record! {
    /// Something in a picture's file that says how it was made.
    pub struct Mark {
        /// Where it stands: "c2pa" (signed credentials), "xmp" or "iptc" (plain words that anybody can
        /// write).
        kind: String,
        /// What it says: the last word of an IPTC digital source type, such as
        /// "trainedAlgorithmicMedia", or a credit such as "Made with Google AI"; none if it says neither.
        claim: Option<String>,
        /// The program that wrote it, if it says which.
        generator: Option<String>,
    }
}

record! {
    /// What a picture's file says about how it was made. It is found, not verified: no signature is
    /// checked, and a file without marks may have lost them.
    pub struct Provenance {
        /// Whether it carries C2PA credentials. They are good for these very bytes only; a conversion
        /// drops them.
        c2pa: bool,
        /// Whether a mark says that it was made or changed by AI.
        ai: bool,
        /// The marks, at most 16.
        marks: Vec<Mark>,
    }
}

/// How many marks are told of.
const MOST_MARKS: usize = 16;

/// How many bytes of one kind of mark are put together from segments.
const MOST_BYTES: usize = 16 << 20;

/// How far a value may be from its name, and how long it may be.
const NEAR: usize = 512;

/// The marks in a picture's file. What is not a PNG, JPEG or WebP has none that are known here.
#[doc(hidden)]
pub fn find(bytes: &[u8]) -> Provenance {
    let mut found = Provenance::default();
    match Format::sniff(bytes) {
        Some(Format::Png) => png(bytes, &mut found),
        Some(Format::Jpeg) => jpeg(bytes, &mut found),
        Some(Format::WebP) => webp(bytes, &mut found),
        _ => {}
    }
    found
}

/// As many as `len` bytes from `at` on; fewer if there are no more.
fn cut(bytes: &[u8], at: usize, len: usize) -> &[u8] {
    let rest = bytes.get(at..).unwrap_or_default();
    rest.get(..len).unwrap_or(rest)
}

fn u16be(bytes: &[u8], at: usize) -> Option<usize> {
    Some(usize::from(u16::from_be_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?)))
}

fn u32be(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u32::from_be_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?)).ok()
}

fn u32le(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?)).ok()
}

fn png(bytes: &[u8], found: &mut Provenance) {
    let mut at = 8;
    while let (Some(len), Some(kind)) = (u32be(bytes, at), bytes.get(at + 4..at + 8)) {
        let data = cut(bytes, at + 8, len);
        match kind {
            b"caBX" => found.c2pa(data),
            b"iTXt" => found.itxt(data),
            b"IEND" => return,
            _ => {}
        }
        at = at.saturating_add(len).saturating_add(12);
    }
}

fn webp(bytes: &[u8], found: &mut Provenance) {
    let mut at = 12;
    while let (Some(kind), Some(len)) = (bytes.get(at..at + 4), u32le(bytes, at + 4)) {
        let data = cut(bytes, at + 8, len);
        match kind {
            b"C2PA" => found.c2pa(data),
            b"XMP " => found.xmp(data),
            _ => {}
        }
        at = at.saturating_add(len).saturating_add(len & 1).saturating_add(8);
    }
}

const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
const MORE_XMP: &[u8] = b"http://ns.adobe.com/xmp/extension/\0";
const PHOTOSHOP: &[u8] = b"Photoshop 3.0\0";

fn jpeg(bytes: &[u8], found: &mut Provenance) {
    let mut boxes = BTreeMap::new();
    let mut more_xmp = BTreeMap::new();
    let mut resources = Vec::new();
    let mut at = 2;
    // What stands behind the start of the picture itself is no mark any more.
    while let [0xff, marker, ..] = *bytes.get(at..).unwrap_or_default() {
        match marker {
            0xff => at += 1,
            0x01 | 0xd0..=0xd8 => at += 2,
            0xd9 | 0xda => break,
            _ => {
                let Some(len) = u16be(bytes, at + 2) else { break };
                let data = cut(bytes, at + 4, len.saturating_sub(2));
                match marker {
                    0xe1 => {
                        if let Some(packet) = data.strip_prefix(XMP) {
                            found.xmp(packet);
                        } else if let Some(piece) = data.strip_prefix(MORE_XMP) {
                            // Behind the packet's name and length: where the piece belongs.
                            if let (Some(place), Some(piece)) = (u32be(piece, 36), piece.get(40..)) {
                                more_xmp.insert(place, piece);
                            }
                        }
                    }
                    0xeb => jumbf(data, &mut boxes),
                    0xed => resources.extend(data.strip_prefix(PHOTOSHOP).unwrap_or_default()),
                    _ => {}
                }
                at += 2 + len.max(2);
            }
        }
    }
    boxes.values().for_each(|whole| found.c2pa(whole));
    if !more_xmp.is_empty() {
        found.xmp(&more_xmp.into_values().flatten().copied().take(MOST_BYTES).collect::<Vec<_>>());
    }
    found.photoshop(&resources);
}

/// Puts together the JUMBF boxes of APP11 segments, by their numbers (ISO 19566-5, annex D): "JP", the
/// box's number, the segment's number, and the box's own head, which every segment has again.
fn jumbf(segment: &[u8], boxes: &mut BTreeMap<usize, Vec<u8>>) {
    let Some([b'J', b'P', ..]) = segment.get(..2) else { return };
    let (Some(number), Some(order), Some(len)) = (u16be(segment, 2), u32be(segment, 4), u32be(segment, 8))
    else {
        return;
    };
    if order == 1 {
        let start = segment.get(8..).unwrap_or_default();
        if is_c2pa(start) {
            boxes.entry(number).or_insert_with(|| start.to_vec());
        }
    } else if let Some(whole) = boxes.get_mut(&number).filter(|whole| whole.len() < MOST_BYTES) {
        let head = if len == 1 { 24 } else { 16 };
        whole.extend(segment.get(head..).unwrap_or_default());
    }
}

/// Whether a JUMBF box is a store of C2PA manifests, as its description box says.
fn is_c2pa(bytes: &[u8]) -> bool {
    let head = if u32be(bytes, 0) == Some(1) { 16 } else { 8 };
    bytes.get(4..8) == Some(b"jumb")
        && bytes.get(head + 4..head + 8) == Some(b"jumd")
        && bytes.get(head + 8..head + 12) == Some(b"c2pa")
}

impl Provenance {
    /// The source type that a picture made of this one has, if AI had a part in this one.
    pub(crate) fn source_type(&self) -> Option<&str> {
        let word =
            |claim: &&str| is_ai_type(claim) && claim.bytes().all(|letter| letter.is_ascii_alphabetic());
        let claims = self.marks.iter().filter_map(|mark| mark.claim.as_deref());
        self.ai.then(|| claims.clone().find(word).unwrap_or(mark::TRAINED))
    }

    fn add(&mut self, kind: &str, claim: Option<String>, generator: Option<&String>) {
        let is_ai = claim.as_deref().is_some_and(|claim| is_ai_type(claim) || is_ai_credit(claim));
        self.ai |= is_ai;
        let is_known = |mark: &Mark| mark.kind == kind && mark.claim == claim;
        if self.marks.len() < MOST_MARKS && !self.marks.iter().any(is_known) {
            self.marks.push(Mark { kind: kind.to_owned(), claim, generator: generator.cloned() });
        }
    }

    fn c2pa(&mut self, store: &[u8]) {
        if !is_c2pa(store) {
            return;
        }
        self.c2pa = true;
        let generator = generator(store);
        let before = self.marks.len();
        let place = b"/digitalsourcetype/";
        for at in memmem::find_iter(store, place) {
            let word = cut(store, at + place.len(), 64);
            let end = word.iter().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(word.len());
            if end > 0 {
                self.add("c2pa", Some(lossy(cut(word, 0, end)).into_owned()), generator.as_ref());
            }
        }
        if self.marks.len() == before {
            self.add("c2pa", None, generator.as_ref());
        }
    }

    fn xmp(&mut self, packet: &[u8]) {
        let tool = properties(packet, b"CreatorTool").next();
        for source in properties(packet, b"DigitalSourceType") {
            let word = source.rsplit('/').next().unwrap_or_default().to_owned();
            self.add("xmp", Some(word), tool.as_ref());
        }
        for credit in properties(packet, b"Credit").filter(|credit| is_ai_credit(credit)) {
            self.add("xmp", Some(credit), tool.as_ref());
        }
    }

    /// A PNG's text: its name, whether and how it is compressed, two names of languages, and the words.
    fn itxt(&mut self, data: &[u8]) {
        let Some([0, _, rest @ ..]) = data.strip_prefix(b"XML:com.adobe.xmp\0") else { return };
        let mut parts = rest.splitn(3, |byte| *byte == 0);
        if let Some(packet) = parts.nth(2) {
            self.xmp(packet);
        }
    }

    /// Photoshop's resources, among which stand the IPTC-IIM records.
    fn photoshop(&mut self, mut rest: &[u8]) {
        while let Some([b'8', b'B', b'I', b'M']) = rest.get(..4) {
            let Some(name) = rest.get(6) else { return };
            // The name, with its length before it, and the data are filled up to an even length.
            let at = 6 + (usize::from(*name) + 2) / 2 * 2;
            let Some(len) = u32be(rest, at) else { return };
            if u16be(rest, 4) == Some(0x0404) {
                self.iim(cut(rest, at + 4, len));
            }
            rest = rest.get((at + 4).saturating_add(len).saturating_add(len & 1)..).unwrap_or_default();
        }
    }

    fn iim(&mut self, mut rest: &[u8]) {
        while let [0x1c, record, set, ..] = *rest {
            let Some(len) = u16be(rest, 3) else { return };
            let value = cut(rest, 5, len.min(NEAR));
            // 2:110 is the credit.
            if (record, set) == (2, 110) {
                let credit = lossy(value).trim().to_owned();
                if is_ai_credit(&credit) {
                    self.add("iptc", Some(credit), None);
                }
            }
            rest = rest.get(5usize.saturating_add(len)..).unwrap_or_default();
        }
    }
}

fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// Whether an IPTC digital source type means that AI had a part in it (IPTC NewsCodes, "Digital Source
/// Type").
fn is_ai_type(word: &str) -> bool {
    word.to_ascii_lowercase().contains("trainedalgorithmic")
        || word.eq_ignore_ascii_case("compositeSynthetic")
}

/// Whether a credit says so, such as Google's "Made with Google AI" and "Edited with Google AI".
fn is_ai_credit(credit: &str) -> bool {
    let credit = credit.to_lowercase();
    let mut words = credit.split(|letter: char| !letter.is_alphanumeric());
    matches!(words.next(), Some("made" | "edited" | "created" | "generated"))
        && words.any(|word| word == "ai")
}

/// The program that a store of manifests names as the last claim's. A claim is CBOR: a text has its
/// length before it, a short one in the same byte as its type.
fn generator(store: &[u8]) -> Option<String> {
    // The last manifest is the one that counts.
    let in_map = || {
        let name = b"\x74claim_generator_info";
        let at = memmem::rfind(store, name)? + name.len();
        let near = cut(store, at, NEAR);
        cbor_text(near.get(memmem::find(near, b"\x64name")? + 5..)?)
    };
    let plain = || {
        let name = b"\x6fclaim_generator";
        cbor_text(store.get(memmem::rfind(store, name)? + name.len()..)?)
    };
    in_map().or_else(plain)
}

fn cbor_text(bytes: &[u8]) -> Option<String> {
    let (start, len) = match *bytes.first()? {
        short @ 0x60..=0x77 => (1, usize::from(short - 0x60)),
        0x78 => (2, usize::from(*bytes.get(1)?)),
        0x79 => (3, u16be(bytes, 1)?),
        _ => return None,
    };
    let text = std::str::from_utf8(bytes.get(start..start + len.min(NEAR))?).ok()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// The values of an XMP property, whatever its prefix: as an attribute, an element's text or an element's
/// `rdf:resource`.
fn properties<'a>(packet: &'a [u8], name: &'a [u8]) -> impl Iterator<Item = String> {
    memmem::find_iter(packet, name).filter_map(move |at| {
        let before = cut(packet, 0, at);
        let prefix = before.strip_suffix(b":")?;
        let start = prefix.iter().rev().take(64).position(|byte| !byte.is_ascii_alphanumeric())?;
        if prefix.get(prefix.len() - start - 1) == Some(&b'/') {
            return None;
        }
        let value = property(cut(packet, at + name.len(), NEAR))?;
        let value = unescaped(lossy(value).trim());
        (!value.is_empty()).then_some(value)
    })
}

fn property(rest: &[u8]) -> Option<&[u8]> {
    if let Some(value) = rest.trim_ascii_start().strip_prefix(b"=") {
        return quoted(value);
    }
    let (tag, inside) = rest.split_at_checked(memchr::memchr(b'>', rest)? + 1)?;
    match memmem::find(tag, b"resource") {
        Some(at) => quoted(tag.get(at + 8..)?.trim_ascii_start().strip_prefix(b"=")?),
        // Of a longer name this is only the start.
        None if !tag.first().is_some_and(|byte| byte.is_ascii_whitespace() || *byte == b'>') => None,
        None => inside.get(..memchr::memchr(b'<', inside)?),
    }
}

fn quoted(value: &[u8]) -> Option<&[u8]> {
    let (quote, value) = value.trim_ascii_start().split_first()?;
    if !matches!(quote, b'"' | b'\'') {
        return None;
    }
    value.get(..memchr::memchr(*quote, value)?)
}

fn unescaped(text: &str) -> String {
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    entities.iter().fold(text.to_owned(), |text, (entity, letter)| text.replace(entity, letter))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn media(name: &str) -> Vec<u8> {
        let path =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/media/marks").join(name);
        std::fs::read(path).unwrap()
    }

    fn told(found: &Provenance) -> Vec<(&str, Option<&str>, Option<&str>)> {
        found
            .marks
            .iter()
            .map(|mark| (mark.kind.as_str(), mark.claim.as_deref(), mark.generator.as_deref()))
            .collect()
    }

    const TRAINED: Option<&str> = Some("trainedAlgorithmicMedia");

    #[test]
    fn credentials_are_found_in_all_three_formats() {
        for name in ["c2pa.png", "c2pa.jpg", "c2pa-in-pieces.jpg", "c2pa.webp"] {
            let found = find(&media(name));
            assert!(found.c2pa && found.ai, "{name}");
            assert_eq!(
                told(&found),
                [("c2pa", TRAINED, Some("Google C2PA Core Generator Library"))],
                "{name}"
            );
        }
    }

    #[test]
    fn words_of_xmp_and_iptc_are_found_in_all_their_places() {
        let credit = Some("Made with Google AI");
        let both = [("xmp", TRAINED, Some("Nano Banana")), ("xmp", credit, Some("Nano Banana"))];
        for name in ["xmp.png", "xmp.jpg", "xmp.webp", "xmp-extended.jpg"] {
            let found = find(&media(name));
            assert!(!found.c2pa && found.ai, "{name}");
            assert_eq!(told(&found), both, "{name}");
        }
        let found = find(&media("iptc.jpg"));
        assert_eq!((found.c2pa, found.ai, told(&found)), (false, true, vec![("iptc", credit, None)]));
    }

    #[test]
    fn what_says_nothing_of_ai_is_no_mark_of_it() {
        let found = find(&media("camera.jpg"));
        assert!(!found.c2pa && !found.ai);
        assert_eq!(told(&found), [("xmp", Some("digitalCapture"), None)]);
        for name in ["plain.png", "plain.jpg", "plain.webp"] {
            let found = find(&media(name));
            assert!(!found.c2pa && !found.ai && found.marks.is_empty(), "{name}");
        }
        for credit in ["Ai Weiwei", "Made by Mai", "Photo: AI", ""] {
            assert!(!is_ai_credit(credit), "{credit}");
        }
        for credit in ["Made with Google AI", "Edited with Google AI", "made with AI."] {
            assert!(is_ai_credit(credit), "{credit}");
        }
    }

    #[test]
    fn a_property_is_read_however_it_is_written() {
        let read = |packet: &str| properties(packet.as_bytes(), b"Credit").collect::<Vec<_>>();
        assert_eq!(read("<x p:Credit = 'a &amp; &lt;b' />"), ["a & <b"]);
        assert_eq!(read("<p:Credit>a</p:Credit><p:Credit\n xml:lang=\"x\">b</p:Credit>"), ["a", "b"]);
        assert_eq!(read("<p:Credit rdf:resource=\"http://a/b\"/>"), ["http://a/b"]);
        for none in
            ["Credit='a'", "<p:Credits>a</p:Credits>", "<p:Credit>a", "<p:Credit=a>", "</p:Credit>b<c>"]
        {
            assert!(read(none).is_empty(), "{none}");
        }
    }

    #[test]
    fn wherever_a_file_ends_it_is_read_without_fear() {
        for entry in std::fs::read_dir(
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/media/marks"),
        )
        .unwrap()
        {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            for end in 0..bytes.len() {
                find(&bytes[..end]);
            }
        }
    }

    #[test]
    fn there_are_never_more_than_a_few_marks() {
        let mut packet = String::new();
        for number in 0..10_000 {
            packet.push_str(&format!("<p:DigitalSourceType>{number}</p:DigitalSourceType>"));
        }
        let mut found = Provenance::default();
        found.xmp(packet.as_bytes());
        assert_eq!(found.marks.len(), MOST_MARKS);
    }
}
