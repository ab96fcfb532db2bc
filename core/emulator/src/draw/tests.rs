//! What holds for every picture, whatever it shows.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::indexing_slicing)]

use super::*;
use crate::canvas::Rgb;
use nanobanana_base::codec::{self, Format, Quality};

fn order<'a>(prompt: &'a str, width: u32, height: u32, seed: i64) -> Order<'a> {
    Order { width, height, prompt, model: "gemini-3-pro-image", size: "1K", seed, pictures: &[], salt: 0 }
}

/// How many bytes differ clearly, of a thousand.
fn differing(a: &Pixels, b: &Pixels) -> usize {
    let far = a.data.iter().zip(&b.data).filter(|(a, b)| a.abs_diff(**b) > 12).count();
    far * 1000 / a.data.len()
}

#[test]
fn the_same_order_gives_the_same_pixels() {
    let first = draw(&order("a harbour", 320, 200, 7));
    assert_eq!(first.data.len(), 320 * 200 * 3);
    assert!(first == draw(&order("a harbour", 320, 200, 7)));
}

#[test]
fn another_seed_or_prompt_gives_a_visibly_different_picture() {
    let first = draw(&order("a harbour", 320, 200, 7));
    for seed in 8..20 {
        assert!(differing(&first, &draw(&order("a harbour", 320, 200, seed))) > 100, "seed {seed}");
    }
    for prompt in ["a harbor", "a harbour!", "hills", "ein Hafen"] {
        assert!(differing(&first, &draw(&order(prompt, 320, 200, 7))) > 100, "{prompt}");
    }
}

#[test]
fn the_caption_is_written_and_shows_the_seed() {
    // Its card is dark, whatever the scene: what is bright in it is ink.
    let ink = |seed| {
        let drawn = draw(&order("x", 512, 512, seed));
        let card = drawn.data.len() * 88 / 100;
        drawn.data.get(card..).unwrap().iter().map(|byte| *byte > 190).collect::<Vec<_>>()
    };
    let (one, two) = (ink(1111), ink(8888));
    assert!(one.iter().filter(|is| **is).count() > 300);
    assert!(one != two);
}

#[test]
fn most_of_a_draft_is_the_picture_too() {
    // As the drafts of thoughts are: an eighth of 1K in each ratio.
    for (width, height) in [(128, 128), (172, 96), (96, 172), (198, 84), (106, 158), (256, 64), (96, 72)] {
        let caption = Caption::lay(&order("A banana-shaped sailboat at dusk", width, height, 1));
        assert!(caption.height <= height as f32 * 0.5, "{width}x{height}: {}", caption.height);
    }
    for (width, height) in [(128, 128), (512, 512), (1024, 1024)] {
        assert!(Caption::lay(&order("A boat", width, height, 1)).height > 0.0, "{width}x{height}");
    }
}

#[test]
fn a_picture_is_shown_in_its_own_colours() {
    let solid = |colour: Rgb| Pixels { width: 60, height: 40, channels: 3, data: colour.repeat(2400) };
    let (red, blue) = ([solid([230, 20, 20])], [solid([20, 20, 230])]);
    let middle = |pictures: &[Pixels]| {
        let drawn = draw(&Order { pictures, ..order("make it", 300, 300, 3) });
        let at = (110 * 300 + 150) * 3;
        <[u8; 3]>::try_from(drawn.data.get(at..at + 3).unwrap()).unwrap()
    };
    let ([r, _, b], [r2, _, b2]) = (middle(&red), middle(&blue));
    assert!(r > b.saturating_add(50) && b2 > r2.saturating_add(50), "{r} {b} · {r2} {b2}");
}

#[test]
fn reducing_averages_blocks() {
    let chess: Vec<u8> = (0..64).map(|i| if (i + i / 8) % 2 == 0 { 200 } else { 100 }).collect();
    let small = reduced(Pixels { width: 8, height: 8, channels: 1, data: chess }, 4);
    assert_eq!((small.width, small.height), (4, 4));
    assert!(small.data.iter().all(|byte| *byte == 150));
}

#[test]
fn every_shape_of_sheet_can_be_drawn_on() {
    for (width, height) in [(192, 1536), (1536, 192), (1, 1), (17, 3), (512, 512)] {
        let long = "words ".repeat(300);
        let drawn = draw(&order(&long, width, height, 1));
        assert_eq!(drawn.data.len(), (width * height * 3) as usize);
    }
}

/// Twelve pictures on one sheet, for `docs/emulator.md`, and the time that a 4K picture takes:
/// `cargo test -p nanobanana-emulator --release --lib contact_sheet -- --ignored --nocapture`
#[test]
#[ignore = "writes docs/emulator/pictures.jpg"]
fn contact_sheet() {
    const COLUMNS: usize = 4;
    let prompts = [
        "A banana-shaped sailboat at dusk",
        "Snowy mountains at dawn",
        "A cat in a garden, watercolour",
        "A city at night",
        "Blueprint of a robot",
        "A still life with apples",
        "A lighthouse in a storm",
        "Comic of a rocket",
        "Neon portrait of a woman",
        "A hot-air balloon over the desert, vintage",
        "An isometric town",
        "Pencil sketch of a house in the hills",
    ];
    let cells: Vec<Pixels> = (prompts.iter().zip(1..))
        .map(|(prompt, seed)| reduced(draw(&order(prompt, 1200, 896, seed)), 600))
        .collect();
    let (wide, high) = (cells[0].width as usize * 3, cells[0].height as usize);
    let mut data = Vec::new();
    for row in cells.chunks(COLUMNS) {
        for y in 0..high {
            row.iter().for_each(|cell| data.extend_from_slice(&cell.data[y * wide..][..wide]));
        }
    }
    let width = cells[0].width * COLUMNS as u32;
    let sheet = Pixels { width, height: (high * prompts.len() / COLUMNS) as u32, channels: 3, data };
    let bytes = codec::encode(&sheet, Format::Jpeg, Quality::Lossy(72)).unwrap();
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/emulator/pictures.jpg");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    println!("{} kB", bytes.len() / 1000);
    std::fs::write(path, bytes).unwrap();
    for prompt in prompts {
        let start = std::time::Instant::now();
        draw(&order(prompt, 4096, 4096, 1));
        println!("4096x4096 in {:?}: {prompt}", start.elapsed());
    }
}
