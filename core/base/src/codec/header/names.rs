//! Files that are no pictures of a type that is taken: their names, and how a picture is got from each.

use super::Source;

/// How a picture is got from a file.
#[derive(Clone, Copy)]
enum Way {
    /// A picture of another type.
    Convert,
    /// A camera's sensor.
    Develop,
    /// Drawn by a description.
    Render,
    /// Something that holds files.
    Unpack,
    /// Not a picture: what to do instead.
    Else(&'static str),
}

impl Way {
    fn advice(self) -> &'static str {
        match self {
            Way::Convert => {
                "make a PNG or JPEG of it, for example with ImageMagick (`magick FILE out.png`), GIMP, or in Python with \
                 Pillow if it opens it"
            }
            Way::Develop => {
                "develop it, for example with darktable, RawTherapee, dcraw or the camera's own program, and give that as \
                 JPEG, PNG or TIFF"
            }
            Way::Render => {
                "draw it as PNG of the size that is wanted, for example with Inkscape, rsvg-convert or Ghostscript"
            }
            Way::Unpack => "unpack it, and give the picture that is in it",
            Way::Else(advice) => advice,
        }
    }
}

use Way::{Convert, Develop, Else, Render, Unpack};

/// First bytes, the place where they stand, the name, and what to do.
const KNOWN: &[(usize, &[u8], &str, Way)] = &[
    (0, b"\xff\x0a", "a JPEG XL", Else(JXL)),
    (0, b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL", Else(JXL)),
    (0, b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000 (JP2)", Convert),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000 codestream (J2K)", Convert),
    (0, b"II\xbc", "a JPEG XR", Convert),
    (0, b"II\x2b\0", "a BigTIFF", Else(BIG_TIFF)),
    (0, b"MM\0\x2b", "a BigTIFF", Else(BIG_TIFF)),
    (0, b"IIRO", "a camera's raw file (Olympus ORF)", Develop),
    (0, b"IIRS", "a camera's raw file (Olympus ORF)", Develop),
    (0, b"MMOR", "a camera's raw file (Olympus ORF)", Develop),
    (0, b"IIU\0", "a camera's raw file (Panasonic RW2)", Develop),
    (0, b"FUJIFILMCCD-RAW", "a camera's raw file (Fujifilm RAF)", Develop),
    (0, b"FOVb", "a camera's raw file (Sigma X3F)", Develop),
    (0, b"\0MRM", "a camera's raw file (Minolta MRW)", Develop),
    (6, b"HEAPCCDR", "a camera's raw file (Canon CRW)", Develop),
    (
        0,
        b"8BPS",
        "a Photoshop document (PSD or PSB)",
        Else("save it from there as PNG or JPEG, or `magick 'FILE[0]' out.png`"),
    ),
    (0, b"gimp xcf", "a GIMP document (XCF)", Else("export it from GIMP as PNG")),
    (
        0,
        b"icns",
        "a macOS icon (ICNS), which holds several sizes",
        Else("make a PNG of it: `sips -s format png FILE --out out.png` on a Mac, or Pillow"),
    ),
    (0, b"\x76\x2f\x31\x01", "an OpenEXR", Else(LIGHT)),
    (0, b"#?RADIANCE", "a Radiance HDR", Else(LIGHT)),
    (0, b"#?RGBE", "a Radiance HDR", Else(LIGHT)),
    (0, b"qoif", "a QOI", Convert),
    (0, b"DDS ", "a DirectDraw texture (DDS)", Convert),
    (
        0,
        b"\xabKTX ",
        "a texture (KTX)",
        Else("make a PNG of it with the tools of KTX-Software or of the game engine"),
    ),
    (0, b"farbfeld", "a farbfeld", Convert),
    (0, b"BPG\xfb", "a BPG", Else("make a PNG of it with `bpgdec` of libbpg")),
    (0, b"FLIF", "a FLIF", Else("make a PNG of it with `flif -d`")),
    (0, b"\x8aMNG", "a MNG, an animation", Convert),
    (0, b"\x8bJNG", "a JNG", Convert),
    (0, b"\x0a\x05\x01\x08", "a PCX", Convert),
    (0, b"\x59\xa6\x6a\x95", "a Sun raster picture", Convert),
    (0, b"\x01\xda\0", "an SGI picture", Convert),
    (0, b"\x01\xda\x01", "an SGI picture", Convert),
    (0, b"SIMPLE  =", "a FITS, data of a telescope", Else(LIGHT)),
    (
        128,
        b"DICM",
        "a DICOM, a picture of medicine",
        Else("take the picture out of it with pydicom or `dcmj2pnm`"),
    ),
    (0, b"\xd7\xcd\xc6\x9a", "a Windows metafile (WMF)", Render),
    (40, b" EMF", "a Windows metafile (EMF)", Render),
    (0, b"%!PS", "a PostScript file", Render),
    (0, b"\xc5\xd0\xd3\xc6", "an EPS file", Render),
    (0, b"AT&TFORM", "a DjVu document", Else("make a picture of a page: `ddjvu -format=tiff -page=1`")),
    (0, b"/* XPM */", "an XPM", Convert),
    (0, b"\x93NUMPY", "a NumPy array", Else("load it with numpy.load, and give the array itself")),
    (0, b"PK\x03\x04", "a ZIP archive, or a document that is one", Unpack),
    (0, b"\x1f\x8b", "packed by gzip", Unpack),
    (0, b"BZh", "packed by bzip2", Unpack),
    (0, b"\xfd7zXZ\0", "packed by xz", Unpack),
    (0, b"\x28\xb5\x2f\xfd", "packed by zstd", Unpack),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", Unpack),
    (0, b"Rar!\x1a\x07", "a RAR archive", Unpack),
    (257, b"ustar", "a tar archive", Unpack),
    (0, b"SQLite format 3\0", "a database", Else("read the picture out of it")),
    (0, b"\x7fELF", "a program", Else("give a picture")),
    (0, b"ID3", "sound", Else("give a picture")),
    (0, b"fLaC", "sound", Else("give a picture")),
    (0, b"OggS", "sound or a video (Ogg)", Else("give a picture")),
    (8, b"WAVE", "sound", Else("give a picture")),
];

const JXL: &str = "make a PNG or JPEG of it, for example with `djxl FILE out.png` of libjxl, or ImageMagick; a JPEG that was \
                   packed as JPEG XL comes back bit by bit by `djxl FILE out.jpg`";
const BIG_TIFF: &str = "make an ordinary TIFF or PNG of it, for example with `tiffcp FILE out.tif` of libtiff, ImageMagick or \
                        Pillow";
const LIGHT: &str = "it holds light, not the colours of a screen: choose an exposure in a program that opens it, and save that \
                     as PNG or JPEG";
const WEB: &str = "this is what a server answers instead of a picture: look at it in a browser, and take the address of the \
                   picture itself";

/// The brands of files that begin with an `ftyp` box and hold pictures of other codecs than HEIC and AVIF.
const BRANDS: &[(&[u8; 4], &str, Way)] = &[
    (b"crx ", "a camera's raw file (Canon CR3)", Develop),
    (b"avci", "a HEIF whose picture is coded as H.264 (AVCI)", Convert),
    (b"avcs", "a HEIF whose pictures are coded as H.264 (AVCI)", Convert),
    (b"vvic", "a HEIF whose picture is coded as VVC", Convert),
    (b"evbi", "a HEIF whose picture is coded as EVC", Convert),
    (b"jpeg", "a HEIF whose picture is coded as JPEG", Convert),
    (b"j2ki", "a HEIF whose picture is coded as JPEG 2000", Convert),
    (b"jxl ", "a JPEG XL", Else(JXL)),
    (b"M4A ", "sound", Else("give a picture")),
    (b"M4B ", "sound", Else("give a picture")),
];

/// The name of a picture whose first box has this brand, and that is not taken.
fn of_brand(start: &[u8]) -> Option<(&'static str, Way)> {
    let [_, _, _, _, b'f', b't', b'y', b'p', a, b, c, d, ..] = start else { return None };
    let brand = [*a, *b, *c, *d];
    BRANDS.iter().find(|(is, ..)| **is == brand).map(|(_, name, way)| (*name, *way))
}

/// True if it is known to be some picture, though none that is taken: not a document or a video that could be attached.
pub(in crate::codec) fn is_picture(start: &[u8]) -> bool {
    let is = |(_, way): (&str, Way)| matches!(way, Convert | Develop | Render);
    of_brand(start).is_some() || of_magic(start).is_some_and(is)
}

fn of_magic(start: &[u8]) -> Option<(&'static str, Way)> {
    // A TGA may begin the same way, and has zeros where these have the number of their pictures.
    if let [0, 0, kind @ (1 | 2), 0, 1..=255, 0, ..] = start {
        let name = if *kind == 1 {
            "a Windows icon (ICO), which holds several sizes"
        } else {
            "a Windows cursor (CUR)"
        };
        return Some((name, Convert));
    }
    let row =
        KNOWN.iter().find(|(at, magic, ..)| start.get(*at..).is_some_and(|here| here.starts_with(magic)))?;
    Some((row.2, row.3))
}

/// The kind of a text.
fn of_text(text: &[u8]) -> (&'static str, Way) {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text).trim_ascii_start();
    let lower = text.to_ascii_lowercase();
    let has = |word: &[u8]| memchr::memmem::find(&lower, word).is_some();
    let begins = |word: &[u8]| lower.starts_with(word);
    if begins(b"<!doctype html") || begins(b"<html") {
        return ("an HTML page: its bytes are text", Else(WEB));
    }
    if has(b"<svg") {
        return ("an SVG drawing: its bytes are text", Render);
    }
    if begins(b"<?xml") && has(b"<error>") || begins(b"<error") {
        return ("the error of a server, in XML: its bytes are text", Else(WEB));
    }
    if begins(b"version https://git-lfs") {
        return (
            "what Git LFS keeps in place of a file: its bytes are text",
            Else("get the file itself: `git lfs pull`"),
        );
    }
    if begins(b"data:image/") {
        return (
            "a data: URL: its bytes are text",
            Else("give it as a text and not as bytes, or decode what is behind its comma"),
        );
    }
    // The beginnings of PNG, JPEG, WebP and GIF.
    if [&b"iVBORw0KGgo"[..], b"/9j/", b"UklGR", b"R0lGOD"].iter().any(|start| text.starts_with(start)) {
        return ("a picture in base64: its bytes are text", Else("decode it first"));
    }
    if begins(b"\xff\xd8") || begins(b"b'\\x") || begins(b"b\"\\x") {
        return ("bytes that were printed: its bytes are text", Else("write the bytes themselves"));
    }
    if begins(b"{") || begins(b"[") {
        return (
            "JSON: its bytes are text",
            Else("if a server answered it, its text says why; if a picture stands in it, decode that"),
        );
    }
    if begins(b"#define") && has(b"_width") {
        return ("an XBM: its bytes are text", Convert);
    }
    ("its bytes are text", Else("PNG, JPEG, WebP and HEIC are taken"))
}

/// True if it is one of the simple types whose header is a letter and numbers: PBM, PGM, PPM, PAM and PFM.
fn is_netpbm(start: &[u8]) -> bool {
    matches!(start, [b'P', b'1'..=b'7' | b'F' | b'f', b' ' | b'\t' | b'\r' | b'\n' | b'#', ..])
}

/// True if it says its size as WBMP does, and has the bytes for that.
fn is_wbmp(start: &[u8], len: u64) -> bool {
    let [0, 0, rest @ ..] = start else { return false };
    let mut rest = rest.iter();
    let mut number = || {
        let mut value = 0_u64;
        for byte in rest.by_ref().take(4) {
            value = value << 7 | u64::from(byte & 0x7f);
            if byte & 0x80 == 0 {
                return Some((value, rest.len()));
            }
        }
        None
    };
    let (Some((width, _)), Some((height, left))) = (number(), number()) else { return false };
    let head = (start.len() - left) as u64;
    width > 0 && height > 0 && width.div_ceil(8).saturating_mul(height).saturating_add(head) == len
}

/// True if its header is one of TGA, which has no first bytes of its own.
fn is_targa(start: &[u8], from: &mut dyn Source) -> bool {
    let len = from.len();
    let mut end = [0; 18];
    if len >= 44 && from.fill(len - 18, &mut end) == 18 && end.starts_with(b"TRUEVISION-XFILE.") {
        return true;
    }
    let Some([_, map, kind, _, _, _, _, map_bits, _, _, _, _, w0, w1, h0, h1, bits, flags]) =
        start.first_chunk::<18>()
    else {
        return false;
    };
    let is_mapped = *map == 1 && matches!(map_bits, 15 | 16 | 24 | 32) && matches!(kind, 1 | 9);
    let is_plain = *map == 0 && *map_bits == 0 && matches!(kind, 2 | 3 | 10 | 11);
    (is_mapped || is_plain)
        && (*w0, *w1) != (0, 0)
        && (*h0, *h1) != (0, 0)
        && matches!(bits, 8 | 15 | 16 | 24 | 32)
        && flags & 0xc0 == 0
        && len > 18
}

/// The error for a file that is not a picture of a supported type.
pub(super) fn of(start: &[u8], from: &mut dyn Source) -> String {
    let len = from.len();
    let known = of_brand(start).or_else(|| of_magic(start));
    let is_text = !start.iter().any(|byte| matches!(byte, 0..=8 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f | 0x7f))
        && std::str::from_utf8(start).map_or_else(|error| error.error_len().is_none(), |_| true);
    let (name, way) = match known {
        Some(known) => known,
        None if is_netpbm(start) => ("a Netpbm picture (PBM, PGM, PPM, PAM) or PFM", Convert),
        None if is_text => of_text(start),
        None if start.iter().all(|byte| *byte == 0) => (
            "its bytes are all 0 and of no known picture type",
            Else("the file was not written to its end: get it again. PNG, JPEG, WebP and HEIC are taken"),
        ),
        None if is_wbmp(start, len) => ("a WBMP", Convert),
        None if is_targa(start, from) => ("a TGA", Convert),
        None => ("its first bytes are of no known picture type", Else("PNG, JPEG, WebP and HEIC are taken")),
    };
    let verb = if name.starts_with("its ") { ": " } else { ", but " };
    format!("this is not a picture of a type that is taken{verb}{name}. {}", sentence(way.advice()))
}

/// With a capital, as the text of a sentence; code stays as it is.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
