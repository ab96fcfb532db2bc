#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs::File;
use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::*;

fn media() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/media/real"))
}

fn file(name: &str) -> Vec<u8> {
    std::fs::read(media().join(name)).unwrap()
}

fn table() -> Map<String, Value> {
    serde_json::from_slice(&file("expected.json")).unwrap()
}

/// Colours that change everywhere, with lines that are sharp.
fn drawn(width: u32, height: u32, channels: u8) -> Pixels {
    let mut data = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let all = [x * 255 / width, y * 255 / height, (x ^ y) & 0x40, 255 - x * 200 / width];
            data.extend(all.iter().take(channels.into()).map(|value| *value as u8));
        }
    }
    Pixels { width, height, channels, data }
}

fn far(a: &Pixels, b: &Pixels) -> f64 {
    assert_eq!((a.width, a.height, a.channels), (b.width, b.height, b.channels));
    let total: u64 = a.data.iter().zip(&b.data).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    total as f64 / a.data.len() as f64
}

/// The header as the table writes it: what is usual is left out.
fn written(header: &Header) -> Value {
    let mut row = Map::new();
    let mut unusual = |name: &str, value: Value, usual: Value| {
        if value != usual {
            row.insert(name.to_owned(), value);
        }
    };
    unusual("orientation", header.orientation.into(), 1.into());
    unusual("depth", header.depth.into(), 8.into());
    unusual("color", format!("{:?}", header.color).to_lowercase().into(), "rgb".into());
    unusual("alpha", header.alpha.into(), false.into());
    unusual("icc", header.icc.into(), false.into());
    unusual("animated", header.animated.into(), false.into());
    row.into()
}

#[test]
fn a_header_says_what_the_writer_put_there_in_memory_and_on_disk() {
    for (name, row) in table() {
        let bytes = file(&name);
        let read = header(&bytes);
        let on_disk = header_of_file(&File::open(media().join(&name)).unwrap());
        match &read {
            Ok(header) => assert_eq!(header, &on_disk.unwrap(), "{name}"),
            Err(error) => assert_eq!(error.message(), on_disk.unwrap_err().message(), "{name}"),
        }
        if row["error"].is_null() {
            let header = read.unwrap();
            assert_eq!(json!([header.width, header.height]), row["size"], "{name}");
            let expected = row.get("header").cloned().unwrap_or_else(|| json!({}));
            assert_eq!(written(&header), expected, "{name}");
        }
    }
}

#[test]
fn heif_tells_the_size_that_is_seen() {
    for name in ["photo.heic", "phone.heif", "photo.avif"] {
        let header = super::header(&file(name)).unwrap();
        assert_eq!((header.width, header.height, header.orientation), (40, 28, 1), "{name}");
    }
    let header = header(&file("turned.avif")).unwrap();
    assert_eq!((header.width, header.height, header.orientation), (28, 40, 6));
}

#[test]
fn any_beginning_of_a_file_is_read_without_a_panic() {
    for (name, row) in table() {
        let bytes = file(&name);
        for end in (0..bytes.len().min(300)).chain((300..bytes.len()).step_by(97)) {
            let cut = &bytes[..end];
            if let (Ok(header), true) = (header(cut), row["error"].is_null()) {
                let sides = [header.width, header.height];
                assert!(
                    json!(sides) == row["size"] || json!([sides[1], sides[0]]) == row["size"],
                    "{name}: {end}"
                );
            }
        }
    }
}

/// `png` 0.18 panics over it.
#[test]
fn a_palette_of_broken_colours_is_damage() {
    let mut bytes = file("palette.png");
    let place = bytes.windows(4).position(|name| name == b"PLTE").unwrap();
    let len = u32::from_be_bytes(bytes[place - 4..place].try_into().unwrap());
    assert!(decode(&bytes).is_ok() && len >= 9);
    // One byte less, and the checksum of what is left.
    let end = place + 4 + len as usize;
    bytes.drain(end - 1..end + 4);
    bytes[place - 4..place].copy_from_slice(&(len - 1).to_be_bytes());
    let mut crc = flate2::Crc::new();
    crc.update(&bytes[place..end - 1]);
    bytes.splice(end - 1..end - 1, crc.sum().to_be_bytes());
    let error = decode(&bytes).unwrap_err();
    assert!(error.message().contains("palette"), "{error}");
}

#[test]
fn exif_behind_megabytes_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large");
    // PNG: one more chunk before the late Exif; WebP: before EXIF, which stands at the end.
    let png = file("exif-6-late.png");
    let webp = file("exif-3.webp");
    let exif = webp.windows(4).position(|name| name == b"EXIF").unwrap();
    let filler = vec![0; 3 << 20];
    let len = u32::try_from(filler.len()).unwrap();
    let mut large = png[..33].to_vec();
    large.extend([&len.to_be_bytes()[..], b"prVt", &filler, &[0; 4], &png[33..]].concat());
    let long = [&webp[..exif], b"pad ", &len.to_le_bytes()[..], &filler, &webp[exif..]].concat();
    for (bytes, orientation) in [(large, 6), (long, 3)] {
        std::fs::write(&path, &bytes).unwrap();
        let read = header_of_file(&File::open(&path).unwrap()).unwrap();
        assert_eq!(read.orientation, orientation);
        assert_eq!(read, header(&bytes).unwrap());
    }
}

#[test]
fn colours_of_srgb_stay_bit_equal() {
    let plain = decode(&file("plain.png")).unwrap();
    for name in ["srgb-profile.png", "broken-profile.png", "gamma.png"] {
        assert!(decode(&file(name)).unwrap() == plain, "{name}");
    }
    assert!(decode(&file("p3.png")).unwrap() != plain);
}

#[test]
fn sixteen_bits_are_rounded() {
    for (deep, eight) in [(0, 0), (128, 0), (129, 1), (257, 1), (65406, 254), (65407, 255), (65535, 255)] {
        assert_eq!(colour::eight_bits(deep), eight, "{deep}");
    }
}

#[test]
fn what_loses_nothing_comes_back_bit_equal() {
    for channels in [1, 3, 4] {
        let pixels = drawn(37, 29, channels);
        for format in [Format::Png, Format::WebP] {
            for quality in [Quality::Default, Quality::Lossless] {
                let back = decode(&encode(&pixels, format, quality).unwrap()).unwrap();
                let same = match (format, channels) {
                    // WebP knows no grey.
                    (Format::WebP, 1) => {
                        let data = pixels.data.iter().flat_map(|grey| [*grey; 3]).collect();
                        Pixels { channels: 3, data, ..pixels }
                    }
                    _ => pixels.clone(),
                };
                assert!(back == same, "{format:?} {channels}");
            }
        }
    }
}

#[test]
fn lossy_webp_is_smaller_the_lower_its_quality_and_keeps_alpha() {
    let pixels = drawn(200, 150, 4);
    let sizes = [20, 60, 95].map(|quality| {
        let bytes = encode(&pixels, Format::WebP, Quality::Lossy(quality)).unwrap();
        let seen = header(&bytes).unwrap();
        assert!(seen.alpha);
        let back = decode(&bytes).unwrap();
        assert!(far(&back, &pixels) < 12.0, "{quality}: {}", far(&back, &pixels));
        let alpha = |pixels: &Pixels| pixels.data.iter().skip(3).step_by(4).copied().collect::<Vec<u8>>();
        assert_eq!(alpha(&back), alpha(&pixels));
        bytes.len()
    });
    assert!(sizes[0] < sizes[1] && sizes[1] < sizes[2], "{sizes:?}");
    let grey = encode(&drawn(20, 20, 1), Format::WebP, Quality::Lossy(80)).unwrap();
    assert_eq!(decode(&grey).unwrap().channels, 3);
}

#[test]
fn what_a_format_cannot_says_so() {
    let pixels = drawn(4, 4, 3);
    let told = |format, quality| encode(&pixels, format, quality).unwrap_err();
    for (format, quality, words) in [
        (Format::Png, Quality::Lossy(80), "loses nothing"),
        (Format::Jpeg, Quality::Lossless, "without loss"),
        (Format::Jpeg, Quality::Lossy(0), "1 to 100"),
        (Format::WebP, Quality::Lossy(101), "1 to 100"),
    ] {
        let error = told(format, quality);
        assert_eq!(error.kind(), Kind::InvalidOptionError);
        assert!(error.message().contains(words), "{}", error.message());
    }
    assert!(told(Format::Gif, Quality::Default).message().contains("cannot be written"));
    let wide = Pixels { width: 16384, height: 1, channels: 3, data: vec![0; 3 * 16384] };
    for quality in [Quality::Default, Quality::Lossy(80)] {
        let error = encode(&wide, Format::WebP, quality).unwrap_err();
        assert!(error.message().contains("at most 16383"), "{}", error.message());
    }
    encode(&wide, Format::Jpeg, Quality::Default).unwrap();
}

#[test]
fn what_is_transparent_lends_no_colour_when_scaled() {
    // Red that is seen beside green that is not.
    let data = [255, 0, 0, 255, 0, 255, 0, 0].repeat(16 * 8);
    let small = resize(&Pixels { width: 16, height: 16, channels: 4, data }, 4, 4).unwrap();
    assert!(small.data.chunks_exact(4).all(|pixel| pixel[0] > 250 && pixel[1] < 5), "{:?}", small.data);
    for channels in [1, 3, 4] {
        let large = drawn(300, 200, channels);
        let half = resize(&large, 150, 100).unwrap();
        assert!(far(&half, &drawn(150, 100, channels)) < 12.0);
        assert_eq!(half.data.len(), 150 * 100 * usize::from(channels));
    }
    assert!(resize(&drawn(4, 4, 3), 0, 4).is_err());
    assert!(resize(&drawn(4, 4, 3), 60000, 60000).unwrap_err().message().contains("at most 268"));
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_are_at_most_as_many_as_cores_and_leave_nothing_behind() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    let cores = std::thread::available_parallelism().unwrap().get();
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let work = || {
        let (now, most) = (now.clone(), most.clone());
        worker(move || {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(5));
            Ok(now.fetch_sub(1, Ordering::SeqCst))
        })
    };
    let all = futures_util::future::join_all((0..cores * 8).map(|_| work())).await;
    assert!(all.iter().all(Result::is_ok));
    assert!(most.load(Ordering::SeqCst) <= cores);

    // One that waits for a place when it is dropped never runs, and holds no place.
    let (mut gates, mut held) = (Vec::new(), Vec::new());
    let (started, ran) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    for _ in 0..cores {
        let (gate, opened) = std::sync::mpsc::channel::<()>();
        let started = started.clone();
        gates.push(gate);
        held.push(tokio::spawn(worker(move || {
            started.fetch_add(1, Ordering::SeqCst);
            Ok(opened.recv().is_err())
        })));
    }
    while started.load(Ordering::SeqCst) < cores {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let mut waiting = Box::pin(worker({
        let ran = ran.clone();
        move || Ok(ran.fetch_add(1, Ordering::SeqCst))
    }));
    tokio::select! {
        biased;
        _ = &mut waiting => panic!("there is no place for it"),
        () = std::future::ready(()) => (),
    }
    drop(waiting);
    drop(gates);
    for task in held {
        assert!(task.await.unwrap().unwrap());
    }
    futures_util::future::join_all((0..cores).map(|_| work())).await;
    assert_eq!(ran.load(Ordering::SeqCst), 0);
    assert!(worker::<()>(|| panic!("a fault")).await.is_err());
}

/// A TIFF of one grey pixel, with entries more in its first directory, or others.
fn tiff_with(more: &[(u16, u16, u32)]) -> Vec<u8> {
    let mut entries: std::collections::BTreeMap<u16, (u16, u32)> =
        [(256, 1), (257, 1), (258, 8), (259, 1), (262, 1), (273, 8), (277, 1), (278, 1), (279, 1)]
            .map(|(tag, value)| (tag, (3, value)))
            .into();
    entries.extend(more.iter().map(|(tag, kind, value)| (*tag, (*kind, *value))));
    let mut bytes = b"II*\0\x0a\0\0\0\x80\0".to_vec();
    bytes.extend(u16::try_from(entries.len()).unwrap().to_le_bytes());
    for (tag, (kind, value)) in entries {
        bytes.extend([tag.to_le_bytes(), kind.to_le_bytes()].concat());
        bytes.extend([1u32.to_le_bytes(), value.to_le_bytes()].concat());
    }
    bytes.extend([0; 4]);
    bytes
}

#[test]
fn a_cameras_raw_file_is_not_taken_for_its_preview() {
    let plain = tiff_with(&[(296, 3, 1)]);
    assert_eq!(decode(&plain).unwrap().data, [0x80]);
    // DNGVersion says what it is; a directory below (here this one again) has the pixels that a first one reduces.
    for (entries, name) in [
        (&[(50706, 1, 0x0401)][..], " (DNG)"),
        (&[(254, 4, 1), (330, 4, 10)], " raw file, and"),
        (&[(330, 4, 10), (262, 3, 32803)], " raw file, and"),
    ] {
        let error = decode(&tiff_with(entries)).unwrap_err();
        assert!(error.message().contains("raw file") && error.message().contains(name), "{error}");
    }
}

#[test]
fn a_tiff_whose_pixels_lie_beyond_its_end_is_cut_off() {
    let error = decode(&tiff_with(&[(273, 4, 5000)])).unwrap_err();
    assert!(error.message().contains("its file ends before its last pixels"), "{error}");
}

#[test]
fn webp_data_that_is_none_is_damaged() {
    for quality in [Quality::Lossy(80), Quality::Default] {
        let mut bytes = encode(&drawn(20, 20, 3), Format::WebP, quality).unwrap();
        bytes[20..30].fill(0xff);
        let error = decode(&bytes).unwrap_err();
        assert!(error.message().contains("its image/webp data cannot be decoded"), "{error}");
    }
}

#[test]
fn a_page_that_is_no_picture_of_its_own_is_told() {
    // A smaller copy that is alone is all there is.
    assert_eq!(decode(&tiff_with(&[(254, 4, 1)])).unwrap().data, [0x80]);
    let mut more = tiff_with(&[(254, 4, 1)]);
    let len = more.len();
    more[len - 4..].copy_from_slice(&10_u32.to_le_bytes());
    assert!(decode(&more).unwrap_err().message().contains("smaller copy"));
    assert!(checked(&more).unwrap_err().message().contains("smaller copy"));
    for mask in [(254, 4, 4), (262, 3, 4)] {
        let error = decode(&tiff_with(&[mask])).unwrap_err();
        assert!(error.message().contains("mask"), "{error}");
    }
}

#[test]
fn a_palette_of_either_scale_has_full_white() {
    for step in [256u32, 257] {
        let white = 255 * step;
        let colors: Vec<u16> = [0, white, 0, white, 0, white].map(|value| value as u16).to_vec();
        assert_eq!(tiff::looked_up(&[0, 1], &colors), [0, 0, 0, 255, 255, 255], "{step}");
    }
}

#[test]
fn avif_is_told_from_heic_by_its_other_brands() {
    let mut avif = file("photo.avif");
    assert_eq!(Format::sniff(&avif), Some(Format::Avif));
    avif[8..12].copy_from_slice(b"mif1");
    assert_eq!(Format::sniff(&avif), Some(Format::Avif));
    let heif = file("phone.heif");
    assert_eq!(Format::sniff(&heif), Some(Format::Heic));
}
