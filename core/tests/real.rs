//! Pictures that other programs wrote are seen as those programs see them, or give the right error: see
//! tests/media/real. Python and Node read the same table.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::PathBuf;

use nanobanana::{Image, Kind, Pixels};
use serde_json::{Map, Value};

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/media/real"))
}

fn table() -> Map<String, Value> {
    serde_json::from_str(&std::fs::read_to_string(folder().join("expected.json")).unwrap()).unwrap()
}

/// RGBA, colours multiplied by their alpha: what is transparent is of no colour.
fn seen(pixels: &Pixels) -> Vec<i32> {
    let channels = usize::from(pixels.channels);
    let pixel = |pixel: &[u8]| {
        let [r, g, b, a] = match pixel {
            [grey] => [*grey, *grey, *grey, 255],
            [r, g, b] => [*r, *g, *b, 255],
            other => other.try_into().unwrap(),
        }
        .map(i32::from);
        [r * a / 255, g * a / 255, b * a / 255, a]
    };
    pixels.data.chunks_exact(channels).flat_map(pixel).collect()
}

#[test]
fn pictures_of_other_programs_are_seen_as_they_see_them() {
    let table = table();
    assert!(table.len() >= 40, "{}", table.len());
    let mut wrong = Vec::new();
    for (name, row) in &table {
        let pixels = Image::open(folder().join(name)).and_then(|image| {
            let pixels = image.pixels()?;
            assert_eq!((image.width(), image.height()), (pixels.width, pixels.height), "{name}");
            Ok(pixels)
        });
        match (pixels, row["error"].as_str()) {
            (Err(error), Some(words)) => {
                if error.kind() != Kind::ImageError || !error.message().contains(words) {
                    wrong.push(format!("{name}: {}", error.message()));
                }
            }
            (Err(error), None) => wrong.push(format!("{name}: {}", error.message())),
            (Ok(pixels), Some(words)) => wrong.push(format!("{name}: {pixels:?}, and not {words:?}")),
            (Ok(pixels), None) => {
                let expected = Image::open(folder().join(row["expected"].as_str().unwrap())).unwrap();
                let expected = expected.pixels().unwrap();
                let size = [u64::from(pixels.width), u64::from(pixels.height)];
                let channels = u64::from(pixels.channels);
                if size != [row["size"][0].as_u64().unwrap(), row["size"][1].as_u64().unwrap()]
                    || channels != row["channels"].as_u64().unwrap()
                {
                    wrong.push(format!("{name}: {pixels:?}, and not {row}"));
                    continue;
                }
                let (seen, expected) = (seen(&pixels), seen(&expected));
                let total: i32 = seen.iter().zip(&expected).map(|(a, b)| (a - b).abs()).sum();
                let mean = f64::from(total) / seen.len() as f64;
                if std::env::var_os("NANOBANANA_SHOW").is_some() {
                    println!("{name}: {mean:.3}");
                }
                if mean > 2.0 {
                    wrong.push(format!("{name}: differs by {mean:.2}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), table.len(), wrong.join("\n"));
}
