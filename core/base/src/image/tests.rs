#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;

/// A picture in memory and, of the same bytes, one on disk.
fn pair(folder: &Path) -> (Image, Image) {
    let pixels = Pixels { width: 3, height: 2, channels: 3, data: (0..18).collect() };
    let memory = Image::from_pixels(&pixels).unwrap();
    let path = memory.save(folder.join("picture")).unwrap();
    let disk = Image::on_disk(&path, "image/png", 3, 2, memory.len() as u64);
    (memory, disk)
}

fn told(error: &Error) {
    assert_eq!(error.kind(), Kind::ImageError);
    assert!(error.message().contains("picture.png"), "{error}");
    assert!(error.field("input").is_some_and(|input| input.is_string()));
}

#[test]
fn one_on_disk_is_read_when_its_bytes_are_asked_for_and_then_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (memory, disk) = pair(folder.path());
    assert_eq!(format!("{disk:?}"), format!("{memory:?}"));
    assert_eq!(disk.write(Case::Snake), memory.write(Case::Snake));
    assert_eq!(disk.piece(1, 3).unwrap(), "PNG");
    assert_eq!(disk.piece(memory.len() - 2, 99).unwrap(), memory.bytes().unwrap()[memory.len() - 2..]);
    assert_eq!(disk.piece(memory.len() + 1, 99).unwrap(), "");
    assert!(disk.path().is_some(), "none of that has read it");
    assert_eq!(disk.bytes().unwrap(), memory.bytes().unwrap());
    std::fs::remove_file(folder.path().join("picture.png")).unwrap();
    assert_eq!((disk.bytes().unwrap(), disk.path()), (memory.bytes().unwrap(), None));
    assert_eq!(disk.to_data_url().unwrap(), memory.to_data_url().unwrap());
    disk.save(folder.path().join("again.png")).unwrap();
}

#[test]
fn one_on_disk_does_all_that_one_in_memory_does() {
    let folder = tempfile::tempdir().unwrap();
    let (memory, disk) = pair(folder.path());
    assert_eq!(disk, memory);
    assert_eq!(disk.pixels().unwrap(), memory.pixels().unwrap());
    assert_eq!(disk.convert("webp", None).unwrap(), memory.convert("webp", None).unwrap());
    assert_eq!(disk.to_data_url().unwrap(), memory.to_data_url().unwrap());
    for name in ["copy", "copy2.png", "other.jpg", "picture.png"] {
        let path = disk.save(folder.path().join(name)).unwrap();
        let right = if name == "other.jpg" { memory.convert("jpg", None).unwrap() } else { memory.clone() };
        assert_eq!(Image::open(path).unwrap(), right);
    }
    assert!(disk.path().is_some(), "and nothing is kept for it");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 4);
}

fn marked(name: &str) -> Image {
    Image::open(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/media/marks").join(name)).unwrap()
}

#[test]
fn what_was_made_here_knows_what_came_and_what_was_lost() {
    let came = marked("c2pa.png");
    assert!(came.original().is_none() && came.warnings().is_empty());
    assert!(came.convert("png", None).unwrap().is(&came));
    let made = came.convert("jpeg", None).unwrap();
    assert!(made.original().unwrap().is(&came));
    assert!(made.warnings().iter().any(|warning| warning.contains("C2PA")), "{:?}", made.warnings());
    assert!(!made.provenance().unwrap().c2pa);
    let small = made.resize(2, 2).unwrap();
    assert!(small.original().unwrap().is(&came), "what came, not what was on the way");
    assert!(small.warnings().is_empty(), "nothing more was lost");
    assert!(came.resize(2, 2).unwrap().warnings().len() == 1);
    assert!(marked("plain.jpg").convert("png", None).unwrap().warnings().is_empty());
    assert_eq!(small.held(), small.len() + came.len());
    let bytes = made.bytes().unwrap().clone();
    let back = Image::restore(bytes, made.mime_type(), made.original().cloned());
    assert!(back == made && back.original().unwrap().is(&came));
}

#[test]
fn what_moved_is_told_to_stand_still() {
    let media = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/media");
    let moving = Image::open(media.join("real/animated.gif")).unwrap();
    let still = moving.convert("webp", None).unwrap();
    assert!(still.warnings().iter().any(|warning| warning.contains("first frame")));
    let upright = Image::open(media.join("real/exif-6.jpg")).unwrap();
    let made = upright.convert("png", None).unwrap();
    assert_eq!((made.width(), made.height()), (upright.width(), upright.height()));
    assert!(made.warnings().is_empty());
    for name in ["old.gif", "old.bmp", "real/lzw.tiff"] {
        let path = media.join(name);
        for format in ["png", "jpeg", "webp"] {
            let made = Image::open(&path).unwrap().convert(format, None).unwrap();
            assert!(made.warnings().is_empty() && made.width() > 0, "{name} {format}");
        }
    }
}

#[test]
fn to_save_under_another_extension_tells_what_it_lost() {
    let folder = tempfile::tempdir().unwrap();
    let came = marked("c2pa.jpg");
    for (name, lost) in [("boat", 0), ("boat.jpeg", 0), ("boat.png", 1), ("boat.webp", 1)] {
        let (path, told) = came.save_and_tell(folder.path().join(name)).unwrap();
        assert_eq!(told.len(), lost, "{name}");
        assert_eq!(Image::open(path).unwrap() == came, lost == 0, "{name}");
    }
    let made = came.convert("png", None).unwrap();
    assert_eq!(made.save_and_tell(folder.path().join("again.png")).unwrap().1.len(), 0, "it was told");
}

#[test]
fn a_thumbnail_is_small_and_shows_through_only_if_it_must() {
    let data = |channels: usize, alpha: u8| -> Vec<u8> {
        let bytes =
            (0..1200 * 300 * channels).map(|at| if at % channels == 3 { alpha } else { (at / 7) as u8 });
        bytes.collect()
    };
    for (channels, alpha, mime_type) in [(3, 0, "image/jpeg"), (4, 255, "image/jpeg"), (4, 9, "image/png")] {
        let pixels = Pixels { width: 1200, height: 300, channels, data: data(channels.into(), alpha) };
        let image = Image::from_pixels(&pixels).unwrap();
        let small = image.thumbnail(400).unwrap();
        assert_eq!((small.width(), small.height(), small.mime_type()), (400, 100, mime_type));
    }
    let plain = marked("plain.png");
    assert!(plain.thumbnail(400).unwrap().is(&plain));
    let long = Pixels { width: 3000, height: 1, channels: 1, data: vec![0; 3000] };
    let small = Image::from_pixels(&long).unwrap().thumbnail(100).unwrap();
    assert_eq!((small.width(), small.height()), (100, 1));
}

#[test]
fn one_whose_file_is_gone_or_changed_says_so_at_every_turn() {
    let folder = tempfile::tempdir().unwrap();
    let (memory, disk) = pair(folder.path());
    let path = folder.path().join("picture.png");
    for change in 0..3 {
        match change {
            0 => std::fs::write(&path, [&memory.bytes().unwrap()[..], b"x"].concat()).unwrap(),
            1 => std::fs::write(&path, b"").unwrap(),
            _ => std::fs::remove_file(&path).unwrap(),
        }
        told(&disk.bytes().unwrap_err());
        told(&disk.piece(0, 4).unwrap_err());
        told(&disk.pixels().unwrap_err());
        told(&disk.convert("webp", None).unwrap_err());
        told(&disk.to_data_url().unwrap_err());
        told(&disk.provenance().unwrap_err());
        told(&disk.save(folder.path().join("copy.png")).unwrap_err());
        assert_eq!(disk.len(), memory.len());
        assert!(disk != memory && disk == disk.clone());
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "no copy is begun");
}

fn media(name: &str) -> Image {
    Image::open(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/media").join(name)).unwrap()
}

#[test]
fn a_conversion_tells_whatever_it_loses() {
    let warned = |name: &str, format: &str, word: &str| {
        let made = media(name).convert(format, None).unwrap();
        let told = made.warnings();
        assert!(told.len() == 1 && told[0].contains(word), "{name} to {format}: {told:?}");
    };
    warned("real/rgba.png", "jpeg", "transparent");
    warned("real/rgb-16.png", "webp", "16 bits");
    warned("real/more-pages.tiff", "png", "several pages");
    warned("marks/c2pa.png", "webp", "C2PA");
    let unmarked = media("marks/xmp.jpg").convert_unmarked("png", None).unwrap();
    assert!(unmarked.warnings().len() == 1 && unmarked.warnings()[0].contains("AI made"));
    for (name, format) in [("real/rgba.png", "webp"), ("real/plain.png", "jpeg"), ("real/plain.jpg", "png")] {
        assert_eq!(media(name).convert(format, None).unwrap().warnings(), [""; 0], "{name} to {format}");
    }
    let small = media("real/rgb-16.png").resize(4, 4).unwrap();
    assert!(small.warnings()[0].contains("16 bits"), "{:?}", small.warnings());
}

#[test]
fn what_is_made_of_a_drawn_picture_says_that_ai_made_it() {
    let claims = |image: &Image| -> Vec<String> {
        image.provenance().unwrap().marks.into_iter().filter_map(|mark| mark.claim).collect()
    };
    let plain = media("marks/plain.png");
    let drawn = Image::from_bytes(plain.bytes().unwrap().clone()).unwrap().drawn();
    for format in ["jpeg", "webp"] {
        let made = drawn.convert(format, None).unwrap();
        assert_eq!(claims(&made), [mark::TRAINED], "{format}");
        assert_eq!(claims(&made.resize(2, 2).unwrap()), [mark::TRAINED]);
        assert_eq!(claims(&made.convert("png", None).unwrap()), [mark::TRAINED]);
        assert!(made.warnings().is_empty());
        assert!(claims(&drawn.convert_unmarked(format, None).unwrap()).is_empty());
        // Anybody's picture is none of ours.
        assert!(claims(&plain.convert(format, None).unwrap()).is_empty());
    }
    assert!(claims(&drawn.resize_unmarked(2, 2).unwrap()).is_empty());
    assert!(claims(&media("marks/camera.jpg").convert("png", None).unwrap()).is_empty());
    // One whose bytes say so, wherever it comes from.
    for name in ["marks/c2pa.jpg", "marks/xmp.webp", "marks/iptc.jpg"] {
        assert_eq!(claims(&media(name).convert("png", None).unwrap()), [mark::TRAINED], "{name}");
    }
    let pixels = plain.pixels().unwrap();
    let composite = Image::composite(&drawn, &pixels, true).unwrap();
    assert_eq!(claims(&composite), [mark::COMPOSITE]);
    assert_eq!(claims(&composite.convert("webp", None).unwrap()), [mark::COMPOSITE]);
    assert!(claims(&Image::composite(&drawn, &pixels, false).unwrap()).is_empty());
}

#[test]
fn a_folder_is_no_name_for_a_picture() {
    let folder = tempfile::tempdir().unwrap();
    let (picture, _) = pair(folder.path());
    let inside = picture.save(folder.path()).unwrap_err();
    assert!(inside.message().contains("name a file in it, such as"), "{inside}");
    for path in [format!("{}/", folder.path().display()), String::new(), "..".to_owned()] {
        let error = picture.save(&path).unwrap_err();
        assert!(error.message().contains("folder"), "{path}: {error}");
        assert!(Image::check_path(&path).is_err());
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing hidden was written");
}

#[test]
fn pictures_that_are_saved_together_replace_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let into = folder.path().join("all");
    let names = |images: &[Image]| -> Vec<String> {
        let paths = Image::save_all(images, &into).unwrap();
        paths.iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect()
    };
    let (png, jpeg, webp) = (media("real/plain.png"), media("real/plain.jpg"), media("real/lossy.webp"));
    assert_eq!(names(&[png.clone(), jpeg.clone()]), ["image-1.png", "image-2.jpg"]);
    // What is there already is found again; another one goes behind it, whatever its type.
    assert_eq!(names(&[png.clone(), jpeg.clone()]), ["image-1.png", "image-2.jpg"]);
    assert_eq!(names(std::slice::from_ref(&webp)), ["image-3.webp"]);
    assert_eq!(names(&[jpeg.clone(), webp]), ["image-2.jpg", "image-3.webp"]);
    assert!(Image::open(into.join("image-1.png")).unwrap() == png);
    // The same picture twice is two files.
    assert_eq!(names(&[jpeg.clone(), jpeg]), ["image-2.jpg", "image-4.jpg"]);
}
