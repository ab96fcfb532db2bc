//! Orientation wherever a file says it, and files that are called what they are.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::super::{Format, Kind, Pixels, Quality, checked, decode, encode, header};

const UPRIGHT: (u32, u32) = (6, 4);

fn picture(format: Format) -> Vec<u8> {
    let (width, height) = UPRIGHT;
    let data = (0..width * height * 3).map(|at| (at * 7) as u8).collect();
    encode(&Pixels { width, height, channels: 3, data }, format, Quality::Default).unwrap()
}

fn orientation(bytes: &[u8]) -> u8 {
    let header = header(bytes).unwrap();
    let sides =
        if header.orientation >= 5 { (header.height, header.width) } else { (header.width, header.height) };
    assert_eq!(sides, UPRIGHT);
    header.orientation
}

type Entry = (u16, u16, u32, [u8; 4]);

const TURN: Entry = (0x112, 3, 1, [6, 0, 0, 0]);
const MAKE: Entry = (0x10f, 2, 2, [b'x', 0, 0, 0]);

/// TIFF data of one directory that says to have so many entries.
fn directory(count: usize, entries: &[Entry]) -> Vec<u8> {
    let mut bytes = b"II*\0\x08\0\0\0".to_vec();
    bytes.extend((count as u16).to_le_bytes());
    for (tag, kind, count, value) in entries {
        bytes.extend([tag.to_le_bytes(), kind.to_le_bytes()].concat());
        bytes.extend([count.to_le_bytes(), *value].concat());
    }
    bytes.extend([0; 4]);
    bytes
}

fn exif(entries: &[Entry]) -> Vec<u8> {
    [b"Exif\0\0", &*directory(entries.len(), entries)].concat()
}

fn jpeg(segments: &[&[u8]]) -> Vec<u8> {
    let plain = picture(Format::Jpeg);
    let mut bytes = plain[..2].to_vec();
    for body in segments {
        bytes.extend([0xff, 0xe1]);
        bytes.extend((body.len() as u16 + 2).to_be_bytes());
        bytes.extend(*body);
    }
    bytes.extend(&plain[2..]);
    bytes
}

fn png(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let plain = picture(Format::Png);
    let mut bytes = plain[..33].to_vec();
    for (name, body) in chunks {
        bytes.extend((body.len() as u32).to_be_bytes());
        bytes.extend([&name[..], body, &[0; 4]].concat());
    }
    bytes.extend(&plain[33..]);
    bytes
}

fn webp(flags: u8, chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let plain = picture(Format::WebP);
    let mut body = b"WEBPVP8X\x0a\0\0\0".to_vec();
    body.extend([flags, 0, 0, 0, 5, 0, 0, 3, 0, 0]);
    body.extend(&plain[12..]);
    for (name, content) in chunks {
        body.extend(
            [&name[..], &(content.len() as u32).to_le_bytes(), content, &[0][..content.len() % 2]].concat(),
        );
    }
    [b"RIFF", &(body.len() as u32).to_le_bytes()[..], &body].concat()
}

const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
const PACKET: &[u8] = b"<x:xmpmeta><rdf:Description tiff:Orientation=\"6\"/></x:xmpmeta>";

/// By Pillow 13 and, where a row says so, otherwise than by browsers.
#[test]
fn one_bad_entry_hides_no_orientation() {
    let far = [0xff, 0xff, 0xff, 0x7f];
    let cases: &[(&str, Vec<Entry>, u8)] = &[
        ("alone", vec![TURN], 6),
        ("behind a place that is outside", vec![(0x10f, 2, 40, far), TURN], 6),
        ("before one", vec![TURN, (0x9c9c, 1, 400, far)], 6),
        ("behind a type that is none", vec![(0x10f, 99, 1, far), TURN], 6),
        ("behind an endless count", vec![(0x10f, 12, u32::MAX, far), TURN], 6),
        ("behind a count of 0", vec![(0x112, 3, 0, [3, 0, 0, 0]), TURN], 6),
        ("behind one of no known type", vec![(0x112, 77, 1, [3, 0, 0, 0]), TURN], 6),
        ("behind one that is outside", vec![(0x112, 3, 3, far), TURN], 6),
        ("the first counts", vec![(0x112, 3, 1, [8, 0, 0, 0]), TURN], 8),
        ("of two values the first", vec![(0x112, 3, 2, [6, 0, 1, 0])], 6),
        ("LONG, where browsers leave it out", vec![(0x112, 4, 1, [6, 0, 0, 0])], 6),
        ("SSHORT", vec![(0x112, 8, 1, [6, 0, 0, 0])], 6),
        ("BYTE, as neither takes it", vec![(0x112, 1, 1, [6, 0, 0, 0])], 1),
        ("UNDEFINED", vec![(0x112, 7, 1, [6, 0, 0, 0])], 1),
        ("ASCII", vec![(0x112, 2, 2, [b'6', 0, 0, 0])], 1),
        ("0", vec![(0x112, 3, 1, [0, 0, 0, 0])], 1),
        ("9", vec![(0x112, 3, 1, [9, 0, 0, 0])], 1),
        ("262 is not 6", vec![(0x112, 3, 1, [6, 1, 0, 0])], 1),
    ];
    for (name, entries, wanted) in cases {
        assert_eq!(orientation(&jpeg(&[&exif(entries)])), *wanted, "{name}");
        assert_eq!(
            orientation(&png(&[(b"eXIf", &directory(entries.len(), entries))])),
            *wanted,
            "PNG: {name}"
        );
    }
    // The number of entries is larger than what there is; what there is ends within one.
    let many = [b"Exif\0\0", &*directory(600, &[TURN])].concat();
    assert_eq!(orientation(&jpeg(&[&many])), 6);
    assert_eq!(orientation(&jpeg(&[&many[..many.len() - 4]])), 6);
    assert_eq!(orientation(&jpeg(&[&many[..many.len() - 8]])), 1);
    // A place outside of the segment is outside, even if the file has bytes there.
    let mut beyond = exif(&[TURN]);
    beyond[10] = 60;
    assert_eq!(orientation(&jpeg(&[&beyond, &exif(&[TURN])])), 1);
    let mut unlike = exif(&[TURN]);
    unlike[8] = 43;
    assert_eq!(orientation(&jpeg(&[&unlike])), 1);
}

#[test]
fn exif_is_found_where_programs_write_it() {
    let turned = exif(&[TURN]);
    let bare = directory(1, &[TURN]);
    let upright = exif(&[(0x112, 3, 1, [1, 0, 0, 0])]);
    let filler = [b"Exif\0\xff", &*bare].concat();
    let xmp = [XMP, PACKET].concat();
    for (name, bytes, wanted) in [
        ("0xff as a filler, as browsers take it", jpeg(&[&filler]), 6),
        ("the prefix twice", jpeg(&[&[b"Exif\0\0", &*turned].concat()]), 6),
        ("the first of two", jpeg(&[&turned, &upright]), 6),
        ("the first of two, though it says 1", jpeg(&[&upright, &turned]), 1),
        ("the first of two, though it says nothing", jpeg(&[&exif(&[MAKE]), &turned]), 1),
        ("XMP, as Pillow reads it", jpeg(&[&xmp]), 6),
        ("XMP where Exif says nothing", jpeg(&[&exif(&[MAKE]), &xmp]), 6),
        ("not XMP where Exif says 1", jpeg(&[&xmp, &upright]), 1),
        ("not XMP where Exif says 9", jpeg(&[&xmp, &exif(&[(0x112, 3, 1, [9, 0, 0, 0])])]), 1),
        ("not XMP where Exif says it as BYTE", jpeg(&[&xmp, &exif(&[(0x112, 1, 1, [8, 0, 0, 0])])]), 1),
        ("XMP as an element", jpeg(&[&[XMP, b"<tiff:Orientation>8</tiff:Orientation>"].concat()]), 8),
        ("an empty XMP", jpeg(&[XMP]), 1),
        ("PNG", png(&[(b"eXIf", &bare)]), 6),
        ("PNG with JPEG's prefix", png(&[(b"eXIf", &turned)]), 6),
        ("PNG with XMP", png(&[(b"iTXt", &[b"XML:com.adobe.xmp\0\0\0\0\0", PACKET].concat())]), 6),
        ("WebP", webp(8, &[(b"EXIF", &bare)]), 6),
        ("WebP with JPEG's prefix", webp(8, &[(b"EXIF", &turned)]), 6),
        ("WebP that does not announce it", webp(0, &[(b"EXIF", &bare)]), 1),
        ("WebP that announces a profile only", webp(32, &[(b"EXIF", &bare)]), 1),
        ("WebP with XMP", webp(4, &[(b"XMP ", PACKET)]), 6),
        (
            "WebP, Exif behind XMP",
            webp(12, &[(b"XMP ", PACKET), (b"EXIF", &directory(1, &[(0x112, 3, 1, [3, 0, 0, 0])]))]),
            3,
        ),
    ] {
        assert_eq!(orientation(&bytes), wanted, "{name}");
    }
}

#[test]
fn exif_is_read_where_a_png_has_it_as_text() {
    let digits = |bytes: &[u8], name: &str| {
        let hex: Vec<String> =
            bytes.chunks(36).map(|line| line.iter().map(|byte| format!("{byte:02x}")).collect()).collect();
        format!("\n{name}\n{:8}\n{}\n", bytes.len(), hex.join("\n")).into_bytes()
    };
    let turned = exif(&[TURN]);
    let text = digits(&turned, "exif");
    let name = b"Raw profile type exif\0";
    let packed = miniz(&text);
    for (what, chunk, body, wanted) in [
        ("plain", b"tEXt", [name, &*text].concat(), 6),
        ("packed", b"zTXt", [name, &[0][..], &packed].concat(), 6),
        ("international", b"iTXt", [name, &[0, 0, 0, 0][..], &text].concat(), 6),
        ("international and packed", b"iTXt", [name, &[1, 0, 0, 0][..], &packed].concat(), 6),
        ("APP1", b"tEXt", [b"Raw profile type APP1\0", &*digits(&turned, "APP1")].concat(), 6),
        (
            "APP1 with XMP",
            b"tEXt",
            [b"Raw profile type APP1\0", &*digits(&[XMP, PACKET].concat(), "APP1")].concat(),
            6,
        ),
        ("no digits", b"tEXt", [name, &b"\nexif\n 4\nzz"[..]].concat(), 1),
        ("no lines", b"tEXt", [name, &b"4578"[..]].concat(), 1),
        ("another name", b"tEXt", [b"Raw profile type iptc\0", &*text].concat(), 1),
    ] {
        assert_eq!(orientation(&png(&[(chunk, &body)])), wanted, "{what}");
    }
    // The chunk counts before the text.
    let upright = directory(1, &[(0x112, 3, 1, [1, 0, 0, 0])]);
    assert_eq!(orientation(&png(&[(b"tEXt", &[name, &*text].concat()), (b"eXIf", &upright)])), 1);
}

/// A zlib stream that is not smaller.
fn miniz(bytes: &[u8]) -> Vec<u8> {
    fdeflate::compress_to_vec(bytes)
}

/// Of a transparent colour only as many bits count as samples have: so libpng reads it, and all that use it.
#[test]
fn a_key_of_too_many_bits_is_cut() {
    let chunk = |name: &[u8; 4], body: &[u8]| {
        [
            &(body.len() as u32).to_be_bytes()[..],
            name,
            body,
            &super::super::decode::crc(&[name, body].concat()).to_be_bytes(),
        ]
        .concat()
    };
    let one = |depth: u8, sample: u8, key: &[u8]| {
        let head = [0, 0, 0, 1, 0, 0, 0, 1, depth, 0, 0, 0, 0];
        [
            b"\x89PNG\r\n\x1a\n".to_vec(),
            chunk(b"IHDR", &head),
            chunk(b"tRNS", key),
            chunk(b"IDAT", &miniz(&[0, sample])),
            chunk(b"IEND", b""),
        ]
        .concat()
    };
    for (depth, sample, key, alpha) in [
        (1, 0x80, [0xff, 0xff], 0),
        (1, 0, [0xff, 0xfe], 0),
        (1, 0, [0xff, 0xff], 255),
        (8, 7, [1, 7], 0),
        (8, 7, [0, 7], 0),
        (8, 7, [0, 8], 255),
    ] {
        let pixels = decode(&one(depth, sample, &key)).unwrap();
        assert_eq!((pixels.channels, pixels.data[3]), (4, alpha), "{depth} {sample} {key:?}");
    }
    // One of another length is none.
    for key in [&[0, 7, 0, 7, 0, 7][..], &[7], &[0, 7, 0]] {
        let bytes = one(8, 7, key);
        assert!(!header(&bytes).unwrap().alpha);
        assert_eq!(decode(&bytes).unwrap().channels, 1, "{key:?}");
    }
}

#[test]
fn a_file_is_called_what_it_is_and_the_advice_fits() {
    let apple = {
        let plain = picture(Format::Png);
        [&plain[..8], &[0, 0, 0, 4], b"CgBIP\0 \x02\0\0\0\0", &plain[8..]].concat()
    };
    let brand = |major: &[u8; 4], more: &[u8]| {
        let length = (16 + more.len()) as u32;
        [&length.to_be_bytes()[..], b"ftyp", major, &[0; 4], more, b"\0\0\0\x10mdat", &[0; 8]].concat()
    };
    let framed = |marker: u8, depth: u8| {
        let mut bytes = picture(Format::Jpeg);
        let frame = bytes.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
        (bytes[frame + 1], bytes[frame + 4]) = (marker, depth);
        bytes
    };
    let mut tga = vec![0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 24, 0];
    tga.extend([7; 6]);
    let padded = |start: &[u8]| [start, &[0xa5; 60]].concat();
    for (name, bytes, advice) in [
        ("CgBI", apple, "pngcrush"),
        ("BigTIFF", padded(b"II\x2b\0\x08\0\0\0"), "tiffcp"),
        ("Canon CR3", brand(b"crx ", b"crx isom"), "develop"),
        ("AVCI", brand(b"avci", b"avcimif1"), "magick"),
        ("JPEG XL", padded(b"\xff\x0a"), "djxl"),
        ("JPEG XL", padded(b"\0\0\0\x0cJXL \r\n\x87\n"), "djxl"),
        ("JP2", padded(b"\0\0\0\x0cjP  \r\n\x87\n"), "magick"),
        ("J2K", padded(b"\xff\x4f\xff\x51\0"), "magick"),
        ("JPEG-LS", framed(0xf7, 8), "ordinary JPEG"),
        ("arithmetic coding", framed(0xc9, 8), "djpeg"),
        ("lossless JPEG", framed(0xc3, 8), "ordinary JPEG"),
        ("12 bits a channel", framed(0xc1, 12), "ordinary JPEG"),
        ("JPEG XR", padded(b"II\xbc\x01"), "magick"),
        ("Panasonic RW2", padded(b"IIU\0\x08"), "develop"),
        ("Fujifilm RAF", padded(b"FUJIFILMCCD-RAW 0201"), "develop"),
        ("PSD", padded(b"8BPS\0\x01"), "FILE[0]"),
        ("XCF", padded(b"gimp xcf v011"), "GIMP"),
        ("ICO", padded(b"\0\0\x01\0\x01\0\x10\x10"), "magick"),
        ("ICNS", padded(b"icns\0\0"), "sips"),
        ("OpenEXR", padded(b"\x76\x2f\x31\x01"), "exposure"),
        ("Radiance HDR", padded(b"#?RADIANCE\n"), "exposure"),
        ("QOI", padded(b"qoif"), "magick"),
        ("DDS", padded(b"DDS \x7c"), "magick"),
        ("TGA", tga, "magick"),
        ("WBMP", vec![0, 0, 9, 2, 1, 2, 3, 4], "magick"),
        ("Netpbm", b"P6\n1 1\n255\n\0\0\0".to_vec(), "magick"),
        ("PAM", b"P7\nWIDTH 1\n".to_vec(), "magick"),
        ("SVG", b"<?xml version=\"1.0\"?>\n<svg xmlns=\"x\"/>".to_vec(), "rsvg-convert"),
        ("HTML", b"\n<!DOCTYPE html><html>".to_vec(), "in a browser"),
        ("JSON", b"{\"error\": 404}".to_vec(), "server"),
        ("Git LFS", b"version https://git-lfs.github.com/spec/v1\noid sha256:1".to_vec(), "git lfs pull"),
        ("base64", b"iVBORw0KGgoAAAANSUhEUgAA".to_vec(), "decode"),
        ("data: URL", b"data:image/png;base64,iVBO".to_vec(), "as a text"),
        ("ZIP", padded(b"PK\x03\x04"), "unpack"),
        ("gzip", padded(b"\x1f\x8b\x08"), "unpack"),
        ("NumPy", padded(b"\x93NUMPY\x01"), "numpy.load"),
        ("all 0", vec![0; 100], "get it again"),
        ("bytes are text", b"a note".to_vec(), "HEIC are taken"),
        ("no known picture type", vec![0xa5; 90], "HEIC are taken"),
    ] {
        let error = checked(&bytes).unwrap_err();
        assert_eq!(error.kind(), Kind::ImageError);
        let (text, lower) = (error.message(), error.message().to_lowercase());
        assert!(text.contains(name) && lower.contains(&advice.to_lowercase()), "{name}: {text}");
        assert!(!text.contains("cut off") && !text.contains("megapixels"), "{name}: {text}");
    }
    // What other programs open is opened.
    for (brand, others, format) in [
        (b"mif2", b"mif1heic", Format::Heic),
        (b"MiHB", b"mif1heix", Format::Heic),
        (b"mif2", b"miafavif", Format::Avif),
    ] {
        let bytes = [&[0, 0, 0, 24][..], b"ftyp", brand, &[0; 4], others].concat();
        assert_eq!(Format::sniff(&bytes), Some(format), "{brand:?}");
    }
    let bmp =
        [b"BM:\0\0\0abcd\x36\0\0\0\x28\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\x18\0", &[0; 24][..], &[3, 2, 1, 0]]
            .concat();
    assert_eq!(decode(&bmp).unwrap().data, [1, 2, 3]);
}
