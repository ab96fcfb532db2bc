//! Writes into a picture's file that AI made it: IPTC's digital source type in an XMP packet, where each format has it.
//!
//! XMP stands in a PNG chunk `iTXt`, in JPEG's APP1 and in a WebP chunk `XMP ` (XMP Specification, part 3). A WebP file
//! that has more than its picture begins with a chunk `VP8X` (RFC 9649).

use super::u32le;
use crate::codec::Format;

/// The IPTC NewsCodes of digital source types.
const NEWSCODES: &str = "http://cv.iptc.org/newscodes/digitalsourcetype/";

/// Drawn by a model.
pub(crate) const TRAINED: &str = "trainedAlgorithmicMedia";
/// A picture of another kind into which something was put that a model drew.
pub(crate) const COMPOSITE: &str = "compositeWithTrainedAlgorithmicMedia";

/// The file with a mark of this source type, a word of IPTC's NewsCodes. `bytes` were written here and have none. What is no
/// PNG, JPEG or WebP stays as it is.
pub(crate) fn marked(mut bytes: Vec<u8>, source: &str, size: (u32, u32), alpha: bool) -> Vec<u8> {
    let packet = packet(source);
    match Format::sniff(&bytes) {
        Some(Format::Png) => insert(&mut bytes, PNG_HEAD, &itxt(&packet)),
        Some(Format::Jpeg) => {
            let head = jpeg_head(&bytes);
            insert(&mut bytes, head, &app1(&packet));
        }
        Some(Format::WebP) => webp(&mut bytes, &packet, size, alpha),
        _ => {}
    }
    bytes
}

fn packet(source: &str) -> String {
    format!(
        "<?xpacket begin=\"\u{feff}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\
         <x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\
         <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\
         <rdf:Description rdf:about=\"\" xmlns:Iptc4xmpExt=\"http://iptc.org/std/Iptc4xmpExt/2008-02-29/\" \
         Iptc4xmpExt:DigitalSourceType=\"{NEWSCODES}{source}\"/>\
         </rdf:RDF></x:xmpmeta><?xpacket end=\"w\"?>"
    )
}

/// Puts a piece into the file, in place.
fn insert(bytes: &mut Vec<u8>, at: usize, piece: &[u8]) {
    // No more than is needed: pictures are big.
    bytes.reserve_exact(piece.len());
    let at = at.min(bytes.len());
    drop(bytes.splice(at..at, piece.iter().copied()));
}

/// The signature and the chunk IHDR, which comes first.
const PNG_HEAD: usize = 8 + 25;

fn itxt(packet: &str) -> Vec<u8> {
    // The keyword; not compressed; no language, and no translated keyword.
    let data = [b"XML:com.adobe.xmp\0\0\0\0\0", packet.as_bytes()].concat();
    let mut chunk = (data.len() as u32).to_be_bytes().to_vec();
    chunk.extend(b"iTXt");
    chunk.extend(data);
    let sum = crc(chunk.get(4..).unwrap_or_default());
    chunk.extend(sum.to_be_bytes());
    chunk
}

/// The CRC of PNG's chunks. It is taken of a few hundred bytes.
fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    };
    !bytes.iter().fold(u32::MAX, step)
}

/// Behind the start and JFIF's own segment, which comes first if it is there.
fn jpeg_head(bytes: &[u8]) -> usize {
    match bytes.get(2..6) {
        Some([0xff, 0xe0, high, low]) => 4 + usize::from(u16::from_be_bytes([*high, *low])),
        _ => 2,
    }
}

fn app1(packet: &str) -> Vec<u8> {
    let data = [super::XMP, packet.as_bytes()].concat();
    let mut segment = vec![0xff, 0xe1];
    segment.extend((data.len() as u16 + 2).to_be_bytes());
    segment.extend(data);
    segment
}

/// The flags of VP8X that are needed here.
const HAS_XMP: u8 = 1 << 2;
const HAS_ALPHA: u8 = 1 << 4;

fn webp(bytes: &mut Vec<u8>, packet: &str, (width, height): (u32, u32), alpha: bool) {
    let mut chunk = b"XMP ".to_vec();
    chunk.extend((packet.len() as u32).to_le_bytes());
    chunk.extend(packet.as_bytes());
    if packet.len() % 2 == 1 {
        chunk.push(0);
    }
    match bytes.get_mut(12..21) {
        Some([b'V', b'P', b'8', b'X', .., flags]) => *flags |= HAS_XMP,
        _ => {
            let mut head = b"VP8X\x0a\0\0\0".to_vec();
            head.push(HAS_XMP | if alpha { HAS_ALPHA } else { 0 });
            head.extend([0; 3]);
            for side in [width, height] {
                head.extend(side.saturating_sub(1).to_le_bytes().iter().take(3));
            }
            insert(bytes, 12, &head);
        }
    }
    let end = bytes.len();
    insert(bytes, end, &chunk);
    if let (Some(_), Ok(len)) = (u32le(bytes, 4), u32::try_from(bytes.len().saturating_sub(8)))
        && let Some(place) = bytes.get_mut(4..8)
    {
        place.copy_from_slice(&len.to_le_bytes());
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::codec::{self, Pixels, Quality};
    use crate::provenance::find;

    #[test]
    fn a_mark_is_found_in_every_format_and_the_pixels_stay() {
        for channels in [1, 3, 4] {
            let data = (0..7 * 5 * usize::from(channels)).map(|at| (at * 5) as u8).collect();
            let pixels = Pixels { width: 7, height: 5, channels, data };
            for (format, quality) in [
                (Format::Png, Quality::Default),
                (Format::Jpeg, Quality::Default),
                (Format::WebP, Quality::Default),
                (Format::WebP, Quality::Lossy(80)),
            ] {
                let plain = codec::encode(&pixels, format, quality).unwrap();
                for source in [TRAINED, COMPOSITE] {
                    let bytes = marked(plain.clone(), source, (7, 5), channels == 4);
                    let found = find(&bytes);
                    let claims: Vec<_> =
                        found.marks.iter().filter_map(|mark| mark.claim.as_deref()).collect();
                    assert_eq!((found.ai, found.c2pa, claims), (true, false, vec![source]), "{format:?}");
                    let header = codec::header(&bytes).unwrap();
                    assert_eq!((header.width, header.height, header.animated), (7, 5, false));
                    let decode = |bytes: &[u8]| crate::array::decode(&bytes::Bytes::copy_from_slice(bytes));
                    let (one, other) = (decode(&plain), decode(&bytes));
                    assert_eq!(one.unwrap(), other.unwrap(), "{format:?} {channels}");
                }
            }
        }
    }
}
