//! What the pictures show: the prompt, legible; another picture for another prompt; what a word asks for; the
//! pictures of an edit.

#![allow(clippy::print_stdout)]

use std::path::Path;
use std::process::Command;

use nanobanana::{Image, Pixels};

use super::line::*;
use super::*;

fn drawn(emulator: &Emulator, words: &str, seed: i64) -> Pixels {
    picture(&generate(emulator, FLASH, &prompt(words, small(seed)))).pixels().unwrap()
}

/// What tesseract reads, or none if there is none. Words may stand on a dark panel: it is turned to black on
/// white, and small letters are made larger, as the manual of tesseract advises.
fn read(image: &Image, folder: &Path) -> Option<String> {
    let (width, height) = (image.width(), image.height());
    let zoom = (3000.0 / f64::from(width.max(height))).clamp(0.5, 3.0);
    let sides = |side: u32| (f64::from(side) * zoom) as u32;
    let mut pixels = image.resize(sides(width), sides(height)).unwrap().pixels().unwrap();
    for pixel in pixels.data.chunks_mut(3) {
        let bright = pixel.iter().all(|byte| *byte > 128);
        pixel.fill(if bright { 255 - pixel[1].max(pixel[0]) } else { 255 });
    }
    // Of the scene above it nothing shall be read.
    let above = pixels.data.len() * 45 / 100;
    pixels.data[..above].fill(255);
    let path = folder.join("panel.png");
    let panel = Image::from_pixels(&pixels).unwrap();
    std::fs::write(&path, panel.convert("png", None).unwrap().bytes().unwrap()).unwrap();
    let told = Command::new("tesseract").arg(&path).args(["-", "--psm", "6"]).output().ok()?;
    Some(String::from_utf8_lossy(&told.stdout).into_owned())
}

#[test]
fn the_prompt_can_be_read_at_every_size_and_shape() {
    if Command::new("tesseract").arg("--version").output().is_err() {
        println!("skipped: tesseract is not installed");
        return;
    }
    let emulator = Emulator::start(0).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let words = "A quiet harbour before sunrise, with three fishing boats and one very old lighthouse that \
                 watches over the bay while the first gulls wake";
    let cases = [
        (FLASH, "1:1", "512"),
        (FLASH, "1:8", "512"),
        (FLASH, "8:1", "512"),
        (FLASH, "9:16", "512"),
        (PRO, "1:1", "1K"),
        (PRO, "16:9", "2K"),
        (PRO, "4:3", "4K"),
        (FLASH, "1:8", "2K"),
    ];
    for (model, ratio, size) in cases {
        let config = json!({"imageConfig": {"aspectRatio": ratio, "imageSize": size}, "seed": 60417});
        let image = picture(&generate(&emulator, model, &prompt(words, config)));
        let read = read(&image, folder.path()).unwrap().to_lowercase();
        let plain = |text: &str| -> Vec<String> {
            let parts = text.split(|letter: char| !letter.is_alphanumeric()).filter(|part| !part.is_empty());
            parts.map(str::to_lowercase).collect()
        };
        let (wanted, found) = (plain(words), plain(&read));
        let hits = wanted.iter().filter(|word| found.contains(word)).count();
        assert!(
            hits * 10 >= wanted.len() * 9,
            "{ratio} {size}: {hits} of {} words were read in {read:?}",
            wanted.len()
        );
        for told in ["offline", "60417"] {
            assert!(read.contains(told), "{ratio} {size}: no {told} in {read:?}");
        }
    }
}

/// 128 bits: whether each of 8x8 places is brighter than the one to its left, and than the one above.
fn perceptual(pixels: &Pixels) -> u128 {
    let small = Image::from_pixels(pixels).unwrap().resize(9, 9).unwrap().pixels().unwrap();
    let grey = |x: usize, y: usize| -> u32 {
        small.data[(y * 9 + x) * 3..][..3].iter().map(|byte| u32::from(*byte)).sum()
    };
    let mut hash = 0;
    for y in 0..8 {
        for x in 0..8 {
            hash = hash << 2
                | u128::from(grey(x + 1, y) > grey(x, y)) << 1
                | u128::from(grey(x, y + 1) > grey(x, y));
        }
    }
    hash
}

#[test]
fn fifty_prompts_give_fifty_pictures_that_lie_apart() {
    let emulator = Emulator::start(0).unwrap();
    let things =
        ["a harbour", "a garden", "the old mill", "breakfast", "a letter", "music", "my aunt", "a dream"];
    let ways = [
        "in spring",
        "from above",
        "with friends",
        "for a child",
        "and its shadow",
        "as I knew it",
        "by day",
    ];
    let prompts = things.iter().flat_map(|thing| ways.iter().map(move |way| format!("{thing} {way}")));
    let hashes: Vec<(String, u128)> =
        prompts.take(50).map(|prompt| (prompt.clone(), perceptual(&drawn(&emulator, &prompt, 1)))).collect();
    let mut least = u32::MAX;
    for (index, (one, hash)) in hashes.iter().enumerate() {
        for (other, further) in &hashes[index + 1..] {
            let apart = (hash ^ further).count_ones();
            least = least.min(apart);
            assert!(apart >= 8, "{one:?} and {other:?} differ in {apart} bits of 128");
        }
    }
    println!("the nearest two of 50 differ in {least} bits of 128");
}

type Means = ([f64; 3], f64);

/// The means of red, green and blue above the panel, and how much they differ within a pixel.
fn means(pixels: &Pixels) -> Means {
    let above = &pixels.data[..pixels.data.len() * 3 / 4];
    let count = (above.len() / 3) as f64;
    let mut sums = [0.0; 3];
    let mut colour = 0.0;
    for pixel in above.chunks_exact(3) {
        sums.iter_mut().zip(pixel).for_each(|(sum, byte)| *sum += f64::from(*byte));
        colour += f64::from(pixel.iter().max().unwrap() - pixel.iter().min().unwrap());
    }
    (sums.map(|sum| sum / count), colour / count)
}

#[test]
fn words_style_the_picture() {
    let emulator = Emulator::start(0).unwrap();
    let of = |words: &str| {
        let all: Vec<_> = (1..=4).map(|seed| means(&drawn(&emulator, words, seed))).collect();
        let mean = |part: &dyn Fn(&Means) -> f64| all.iter().map(part).sum::<f64>() / 4.0;
        let rgb = [0, 1, 2].map(|channel| mean(&|(rgb, _)| rgb[channel]));
        (rgb, rgb.iter().sum::<f64>() / 3.0, mean(&|(_, colour)| *colour))
    };
    for thing in ["a harbour", "green hills", "a house"] {
        let (_, bright, colour) = of(&format!("{thing} at noon"));
        let (_, night, _) = of(&format!("{thing} at night"));
        assert!(night + 50.0 < bright, "{thing}: night {night}, day {bright}");
        let ([red, _, blue], ..) = of(&format!("a blueprint of {thing}"));
        assert!(blue > red + 60.0, "{thing}: blueprint {red} red, {blue} blue");
        let ([red, _, blue], ..) = of(&format!("{thing}, vintage"));
        assert!(red > blue + 15.0, "{thing}: vintage {red} red, {blue} blue");
        let ([dusk_red, _, dusk_blue], ..) = of(&format!("{thing} at dusk"));
        let ([red, _, blue], ..) = of(&format!("{thing} at noon"));
        assert!(dusk_red - dusk_blue > red - blue, "{thing}: dusk is not warmer");
        let (_, _, grey) = of(&format!("{thing}, black and white"));
        assert!(grey < 6.0 && colour > 20.0, "{thing}: {grey} without colour, {colour} with it");
        let (_, paper, ink) = of(&format!("line art of {thing}"));
        assert!(paper > 200.0 && ink < 25.0, "{thing}: line art {paper} bright, {ink} coloured");
        let (_, neon, _) = of(&format!("{thing} in neon"));
        assert!(neon < bright - 50.0, "{thing}: neon {neon} bright");
        let (_, wash, _) = of(&format!("watercolour of {thing}"));
        assert!(wash > 150.0, "{thing}: watercolour {wash} bright");
    }
}

#[test]
fn pixel_art_is_made_of_squares() {
    let emulator = Emulator::start(0).unwrap();
    // How much more changes from row to row at the squares' edges than within them.
    let steps = |words: &str| {
        let pixels = drawn(&emulator, words, 3);
        let (mut edges, mut within) = (0.0, 0.0);
        let rows: Vec<&[u8]> = pixels.data.chunks_exact(pixels.width as usize * 3).take(360).collect();
        for (y, pair) in (1..).zip(rows.windows(2)) {
            let change: u64 = pair[0].iter().zip(pair[1]).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
            // A square has 6 pixels on a side.
            if y % 6 == 0 { edges += change as f64 } else { within += change as f64 / 5.0 }
        }
        edges / within
    };
    let (squares, usual) = (steps("pixel art of a city"), steps("a city"));
    assert!(squares > 3.0 && usual < 1.5, "{squares} in squares, {usual} otherwise");
}

#[test]
fn an_edit_shows_its_pictures() {
    let emulator = Emulator::start(0).unwrap();
    for seed in 1..=4 {
        let source = picture(&generate(&emulator, FLASH, &prompt("a cat in a garden", small(seed))));
        let data = STANDARD.encode(source.bytes().unwrap());
        let mut body = with_picture("make it winter", source.mime_type(), &data);
        body["generationConfig"] = small(seed + 10);
        let edit = picture(&generate(&emulator, FLASH, &body));
        let other = picture(&generate(&emulator, FLASH, &prompt("a cat in a garden", small(seed + 50))));
        let found = found_in(&source, &edit);
        assert!(found > 0.9, "seed {seed}: the edit has nothing of its picture: {found}");
        let chance = found_in(&other, &edit);
        assert!(found > chance, "seed {seed}: {found}, and another picture {chance}");
    }
}

/// How well a picture agrees with the best square of another one, in the middle and in its upper part.
fn found_in(picture: &Image, other: &Image) -> f64 {
    const GRID: u32 = 20;
    // Both a little blurred: places need not be the same to the pixel.
    let small = picture.resize(GRID, GRID).unwrap().pixels().unwrap();
    let other = other.resize(256, 256).unwrap().pixels().unwrap();
    let grey = |pixels: &Pixels, x: u32, y: u32| {
        let at = (y * pixels.width + x) as usize * 3;
        pixels.data.get(at..at + 3).map_or(0.0, |pixel| pixel.iter().map(|byte| f64::from(*byte)).sum())
    };
    let places = || (0..GRID).flat_map(|y| (0..GRID).map(move |x| (x, y)));
    let own: Vec<f64> = places().map(|(x, y)| grey(&small, x, y)).collect();
    let mut best = -1.0f64;
    for side in (120..240).step_by(2) {
        for top in (2..70).step_by(2) {
            let left = (256 - side) / 2;
            let at = |step: u32| (step * 2 + 1) * side / (GRID * 2);
            let there: Vec<f64> = places().map(|(x, y)| grey(&other, left + at(x), top + at(y))).collect();
            best = best.max(correlation(&own, &there));
        }
    }
    best
}

fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (of_a, of_b) = (mean(a), mean(b));
    let (mut both, mut only_a, mut only_b) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        both += (a - of_a) * (b - of_b);
        only_a += (a - of_a).powi(2);
        only_b += (b - of_b).powi(2);
    }
    both / (only_a * only_b).sqrt().max(1e-9)
}

#[test]
fn a_banana_is_drawn_when_one_is_asked_for_and_not_else() {
    let emulator = Emulator::start(0).unwrap();
    let yellow = |words: &str, seed: i64| {
        let pixels = drawn(&emulator, words, seed);
        let is_yellow = |pixel: &&[u8]| {
            let [r, g, b] = [0, 1, 2].map(|channel| i32::from(pixel[channel]));
            r > 190 && (130..=r).contains(&g) && b < 120 && g - b > 90
        };
        pixels.data.chunks_exact(3).filter(is_yellow).count() as f64 * 100.0
            / f64::from(pixels.width * pixels.height)
    };
    for seed in 1..=6 {
        for words in ["a banana", "a banana at noon", "two bananas by day", "a banana in the studio"] {
            let area = yellow(words, seed);
            assert!(area > 2.5, "{words}, seed {seed}: {area} % yellow");
        }
        for words in ["a cat at noon", "a blue boat by day", "mountains in the mist"] {
            let area = yellow(words, seed);
            assert!(area < 1.0, "{words}, seed {seed}: {area} % yellow");
        }
    }
}
