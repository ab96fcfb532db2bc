#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

use proptest::prelude::*;

use super::*;
use crate::codec;

/// A picture with patterns of all sizes, the same for the same seed, drawn at any place and size: `see`
/// tells what lies at a place from 0 to 1.
fn see(x: f64, y: f64, seed: u64) -> [f64; 3] {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut colour = [120.0, 110.0, 130.0];
    for octave in 0..14 {
        let pace = 3.0 + f64::from(octave) * 4.0;
        let (angle, phase) = (random.f64() * std::f64::consts::TAU, random.f64() * std::f64::consts::TAU);
        let wave = ((x * angle.cos() + y * angle.sin()) * pace + phase).sin() * 26.0
            / (1.0 + f64::from(octave) * 0.3);
        for channel in &mut colour {
            *channel += wave * (0.6 + random.f64() * 0.4);
        }
    }
    colour
}

fn drawn(width: u32, height: u32, seed: u64, place: impl Fn(f64, f64) -> (f64, f64)) -> Pixels {
    let mut data = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let at = place((f64::from(x) + 0.5) / f64::from(width), (f64::from(y) + 0.5) / f64::from(height));
            data.extend(see(at.0, at.1, seed).map(|value| value.clamp(0.0, 255.0) as u8));
        }
    }
    Pixels { width, height, channels: 3, data }
}

fn boxed(width: u32, height: u32, edges: [f64; 4]) -> Mask {
    let mut mask = Mask::new(width, height);
    mask.add_box(edges, false).unwrap();
    mask
}

fn outside_is_kept(source: &Pixels, merged: &Pixels, mask: &Mask) {
    let (own, new) = (usize::from(source.channels), usize::from(merged.channels));
    let mut changed = 0;
    for (at, cover) in mask.cover().iter().enumerate() {
        let (before, after) =
            (&source.data[at * own..(at + 1) * own], &merged.data[at * new..(at + 1) * new]);
        let same = if own == 1 { after.iter().all(|value| *value == before[0]) } else { before == after };
        changed += usize::from(!same);
        assert!(same || *cover > 0, "pixel {at} lies outside and changed");
    }
    assert!(changed > 0, "the inside changed");
}

#[test]
fn what_a_picture_marks_is_transparent_or_white() {
    let mut mask = Mask::new(2, 2);
    let rgba = [255, 255, 255, 255, 0, 0, 0, 0, 9, 9, 9, 127, 255, 0, 0, 255].to_vec();
    mask.add_picture(&Pixels { width: 2, height: 2, channels: 4, data: rgba }).unwrap();
    assert_eq!(mask.cover(), [0, 255, 128, 0]);
    let opaque = [255, 255, 255, 255, 0, 0, 0, 255, 3, 3, 3, 255, 250, 250, 250, 255].to_vec();
    let mut white = Mask::new(2, 2);
    white.add_picture(&Pixels { width: 2, height: 2, channels: 4, data: opaque }).unwrap();
    assert_eq!(white.cover(), [255, 0, 0, 255]);
    mask.add_picture(&Pixels { width: 2, height: 2, channels: 1, data: vec![100, 0, 0, 0] }).unwrap();
    assert_eq!(mask.cover(), [100, 255, 128, 0], "several are one");
    let problem =
        mask.add_picture(&Pixels { width: 3, height: 2, channels: 1, data: vec![0; 6] }).unwrap_err();
    assert!(problem.contains("3x2") && problem.contains("2x2"), "{problem}");
}

#[test]
fn boxes_are_pixels_or_fractions_and_have_to_fit() {
    let mut one = boxed(10, 20, [2.0, 4.0, 5.0, 10.0]);
    let mut other = Mask::new(10, 20);
    other.add_box([0.2, 0.2, 0.5, 0.5], true).unwrap();
    assert!(one == other && !one.is_empty());
    assert_eq!(one.places(), [[200, 200, 500, 500]]);
    one.add_box([7.0, 0.0, 10.0, 20.0], false).unwrap();
    assert_eq!(one.places(), [[0, 700, 1000, 1000], [200, 200, 500, 500]], "the largest first");
    other.add_box([0.999, 0.999, 1.0, 1.0], true).unwrap();
    assert_eq!(other.cover().iter().filter(|cover| **cover > 0).count(), 19, "a thin one has a pixel");
    for edges in [
        [5.0, 0.0, 5.0, 1.0],
        [0.0, 3.0, 1.0, 2.0],
        [-1.0, 0.0, 1.0, 1.0],
        [0.0, 0.0, 11.0, 1.0],
        [0.0, 0.0, f64::NAN, 1.0],
    ] {
        assert!(one.add_box(edges, false).is_err(), "{edges:?}");
    }
    assert!(one.add_box([0.0, 0.0, 1.1, 1.0], true).is_err());
}

#[test]
fn areas_hang_together_whatever_their_form() {
    let rows = ["#..#.#", "#..#.#", "####.#", "......", "##..##"];
    let cover: Vec<u8> = rows.concat().bytes().map(|letter| if letter == b'#' { 255 } else { 0 }).collect();
    let mut found: Vec<_> =
        shape::areas(6, &cover).iter().map(|a| (a.left, a.top, a.right, a.bottom, a.pixels)).collect();
    found.sort_unstable();
    assert_eq!(found, [(0, 0, 4, 3, 8), (0, 4, 2, 5, 2), (4, 4, 6, 5, 2), (5, 0, 6, 3, 3)]);
}

#[test]
fn an_edge_is_soft_inside_only() {
    let mask = boxed(60, 40, [20.0, 10.0, 60.0, 30.0]);
    let weights = shape::feathered(&mask, 6);
    let at = |x: usize, y: usize| weights.data[(y - weights.top) * weights.width + x - weights.left];
    assert_eq!((at(19, 20), at(40, 20)), (0, 255));
    assert!(at(20, 20) > 0 && at(20, 20) < at(22, 20) && at(22, 20) < 255);
    assert_eq!(at(59, 20), 255, "the picture's own edge is no seam");
    let hard = shape::feathered(&mask, 0);
    assert!(hard.data.iter().all(|share| matches!(share, 0 | 255)));
    // A thin area is soft by half of its depth, so that something is seen of it.
    let thin = shape::feathered(&boxed(60, 40, [20.0, 10.0, 24.0, 30.0]), 30);
    assert!(thin.data.iter().any(|share| *share > 180));
}

#[test]
fn an_answer_in_another_shape_is_laid_on_as_it_was_made() {
    let source = drawn(500, 400, 3, |x, y| (x, y));
    let mask = boxed(500, 400, [180.0, 120.0, 320.0, 260.0]);
    let wide = 640.0 / 448.0 / (500.0 / 400.0);
    let answers = [
        ("stretched", drawn(640, 448, 3, |x, y| (x, y))),
        ("added to", drawn(640, 448, 3, |x, y| ((x - 0.5) * wide + 0.5, y))),
        ("cut", drawn(640, 448, 3, |x, y| (x, (y - 0.5) / wide + 0.5))),
    ];
    for (how, answer) in answers {
        let merged = merge(source.clone(), &answer, &mask, None, true).unwrap();
        assert!(merged.leak.unwrap() < 0.012, "{how}: {merged:?}");
        assert!(
            (merged.scale - 1.0).abs() < 0.003 && merged.shift.0.abs() < 0.5 && merged.shift.1.abs() < 0.5,
            "{how}: {merged:?}"
        );
        assert!(!merged.falls_short);
    }
}

#[test]
fn colours_are_matched_beside_the_mask() {
    let source = drawn(400, 300, 5, |x, y| (x, y));
    let mask = boxed(400, 300, [100.0, 100.0, 300.0, 200.0]);
    let mut answer = source.clone();
    for pixel in answer.data.chunks_exact_mut(3) {
        pixel[0] = (f64::from(pixel[0]) * 0.85 + 20.0) as u8;
        pixel[1] = (f64::from(pixel[1]) * 0.9) as u8;
    }
    let merged = merge(source.clone(), &answer, &mask, None, true).unwrap();
    let picture = merged.picture.unwrap();
    outside_is_kept(&source, &picture, &mask);
    let off = source.data.iter().zip(&picture.data).map(|(a, b)| u32::from(a.abs_diff(*b))).max().unwrap();
    assert!(off <= 2 && merged.leak.unwrap() < 0.004, "{off} {:?}", merged.leak);
}

#[test]
fn grey_and_transparent_sources_keep_their_outside() {
    let rgb = drawn(120, 90, 7, |x, y| (x, y));
    let grey = Pixels { channels: 1, data: rgb.data.chunks(3).map(|pixel| pixel[0]).collect(), ..rgb };
    let alpha =
        rgb.data.chunks(3).enumerate().flat_map(|(at, p)| [p[0], p[1], p[2], (at % 256) as u8]).collect();
    let clear = Pixels { channels: 4, data: alpha, ..rgb };
    let mask = boxed(120, 90, [30.0, 20.0, 80.0, 60.0]);
    let answer = drawn(200, 150, 8, |x, y| (x, y));
    for source in [grey, clear, rgb] {
        let merged = merge(source.clone(), &answer, &mask, Some(4), true).unwrap();
        let picture = merged.picture.unwrap();
        assert_eq!(picture.channels, source.channels.max(3));
        outside_is_kept(&source, &picture, &mask);
        let middle = (40 * 120 + 50) * usize::from(picture.channels);
        assert!(picture.channels < 4 || picture.data[middle + 3] == 255, "what is new is solid");
    }
}

/// Everywhere of one share, and no outside to learn colours or places from.
fn all_of(width: u32, height: u32, share: u8) -> Mask {
    let mut mask = Mask::new(width, height);
    let data = vec![share; (width * height) as usize];
    mask.add_picture(&Pixels { width, height, channels: 1, data }).unwrap();
    mask
}

#[test]
fn a_half_transparent_source_is_laid_over_as_two_glasses_are() {
    let one = |pixel: &[u8], share: u8, new: [u8; 3]| {
        let source = Pixels { width: 2, height: 2, channels: pixel.len() as u8, data: pixel.repeat(4) };
        let answer = Pixels { width: 2, height: 2, channels: 3, data: new.repeat(4) };
        let merged = merge(source, &answer, &all_of(2, 2, share), Some(0), true).unwrap();
        let data = merged.picture.unwrap().data;
        assert_eq!(data, data[..pixel.len().max(3)].repeat(4), "all pixels are alike");
        data[..pixel.len().max(3)].to_vec()
    };
    // By hand: alpha is a + s - as, colours are (own a (1 - s) + new s) / alpha.
    for (own, share, new, wanted) in [
        ([200, 100, 0, 128], 255, [10, 20, 30], [10, 20, 30, 255]),
        ([200, 100, 0, 128], 128, [0, 200, 100], [67, 167, 67, 192]),
        ([200, 100, 0, 0], 128, [0, 200, 100], [0, 200, 100, 128]),
        ([200, 100, 0, 255], 51, [0, 200, 100], [160, 120, 20, 255]),
        ([255, 0, 0, 64], 64, [0, 0, 255], [109, 0, 146, 112]),
    ] {
        let laid = one(&own, share, new);
        let off = laid.iter().zip(wanted).map(|(is, wanted): (&u8, u8)| is.abs_diff(wanted)).max();
        assert!(off <= Some(1), "{own:?} {share} {new:?}: {laid:?}, not {wanted:?}");
    }
    // What is grey gets the answer's colours.
    assert_eq!(one(&[200], 255, [10, 20, 30]), [10, 20, 30]);
}

#[test]
fn what_shows_through_tells_nothing_of_places_colours_and_leaks() {
    let (width, height) = (200, 150);
    let rgb = drawn(width, height, 4, |x, y| (x, y));
    let mask = boxed(width, height, [80.0, 60.0, 120.0, 90.0]);
    let seen = |alpha: u8| {
        let data = rgb.data.chunks(3).flat_map(|p| [p[0], p[1], p[2], alpha]).collect();
        let answer = drawn(width, height, 4, |x, y| (x + 0.02, y));
        merge(Pixels { channels: 4, data, ..rgb }, &answer, &mask, None, true).unwrap()
    };
    let merged = seen(249);
    assert_eq!((merged.leak, merged.shift, merged.scale), (None, (0.0, 0.0), 1.0));
    let merged = seen(250);
    assert!(
        merged.leak.is_some() && (merged.shift.0 + 4.0).abs() < 0.4,
        "{:?} {:?}",
        merged.leak,
        merged.shift
    );
}

#[test]
fn a_half_transparent_source_is_compared_as_it_is_seen_on_white() {
    let (width, height) = (120, 90);
    let rgb = drawn(width, height, 6, |x, y| (x, y));
    let alpha = |at: usize| (at % 120 * 2) as u8;
    let data = rgb.data.chunks(3).enumerate().flat_map(|(at, p)| [p[0], p[1], p[2], alpha(at)]).collect();
    let on_white = rgb.data.chunks(3).enumerate().flat_map(|(at, pixel)| {
        let alpha = f64::from(alpha(at)) / 255.0;
        pixel.iter().map(move |value| (f64::from(*value) * alpha + 255.0 * (1.0 - alpha)).round() as u8)
    });
    let answer = Pixels { data: on_white.collect(), ..rgb };
    let source = Pixels { channels: 4, data, ..rgb };
    let mask = boxed(width, height, [0.0, 0.0, 120.0, 90.0]);
    let merged = merge(source, &answer, &mask, None, false).unwrap();
    assert!(merged.change.data.iter().all(|change| *change <= 1));
    assert!(merged.picture.is_none(), "it was not asked for");
}

/// The farthest that is believed is 12 % of a side.
#[test]
fn an_answer_that_lies_too_far_away_is_laid_on_as_it_came() {
    let (width, height) = (400, 300);
    let source = drawn(width, height, 12, |x, y| (x, y));
    let mask = boxed(width, height, [180.0, 130.0, 220.0, 170.0]);
    let moved = |by: f64, zoom: f64| {
        let answer = drawn(width, height, 12, |x, y| ((x - 0.5) / zoom + 0.5 - by, y));
        let merged = merge(source.clone(), &answer, &mask, None, true).unwrap();
        (merged.shift, merged.leak.unwrap())
    };
    let (shift, leak) = moved(0.05, 1.0);
    assert!((shift.0 - 0.05 * 400.0).abs() < 0.5 && leak < 0.02, "{shift:?} {leak}");
    let (shift, leak) = moved(0.16, 1.0);
    assert!(shift == (0.0, 0.0) && leak > 0.02, "{shift:?} {leak}");
    for (by, zoom) in [(0.3, 1.0), (0.0, 1.4)] {
        let (shift, leak) = moved(by, zoom);
        assert!(
            shift.0.abs() <= 0.12 * 400.0 && shift.1.abs() <= 0.12 * 300.0 && leak > 0.02,
            "{by} {zoom}: {shift:?} {leak}"
        );
    }
}

/// Gains go from a half to the double.
#[test]
fn colours_are_matched_within_bounds() {
    let strong = drawn(300, 200, 5, |x, y| (x, y));
    let faint = Pixels { data: strong.data.iter().map(|value| value / 4 + 96).collect(), ..strong };
    let mask = boxed(300, 200, [100.0, 60.0, 200.0, 140.0]);
    // What the answer did to the contrast, which a gain has to undo, and how far off that leaves the colours.
    for (source, gain, wanted) in
        [(&strong, 0.6, 0..=6), (&strong, 0.3, 23..=27), (&faint, 1.6, 0..=5), (&faint, 4.0, 12..=18)]
    {
        let changed = |value: &u8| ((f64::from(*value) - 128.0) * gain + 128.0) as u8;
        let answer = Pixels { data: source.data.iter().map(changed).collect(), ..*source };
        let merged = merge(source.clone(), &answer, &mask, None, true).unwrap();
        outside_is_kept(source, merged.picture.as_ref().unwrap(), &mask);
        let off = source.data.iter().zip(&merged.picture.unwrap().data).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(wanted.contains(&off.unwrap()), "{gain}: {off:?}, not {wanted:?}");
    }
}

#[test]
fn where_the_answer_does_not_reach_the_source_stays() {
    let (width, height) = (400, 300);
    let source = drawn(width, height, 3, |x, y| (x, y));
    // A model that cut the upper and the lower part off: what may change there has nothing to come from.
    let answer = drawn(400, 200, 3, |x, y| (x, (y - 0.5) * 2.0 / 3.0 + 0.5));
    for (edges, falls_short) in [([150.0, 4.0, 250.0, 296.0], true), ([150.0, 100.0, 250.0, 200.0], false)] {
        let mask = boxed(width, height, edges);
        let merged = merge(source.clone(), &answer, &mask, Some(0), true).unwrap();
        assert_eq!(merged.falls_short, falls_short, "{edges:?} {:?}", merged.shift);
        let picture = merged.picture.unwrap();
        let row = |y: usize| y * 400 * 3..(y + 1) * 400 * 3;
        for y in [5, 20, 280, 294] {
            assert_eq!(picture.data[row(y)], source.data[row(y)], "{edges:?}: row {y}");
        }
    }
}

#[test]
fn another_picture_is_no_place_for_the_answer_and_leaks_much() {
    let source = drawn(300, 200, 1, |x, y| (x, y));
    let mask = boxed(300, 200, [100.0, 50.0, 200.0, 150.0]);
    let merged = merge(source.clone(), &drawn(300, 200, 99, |x, y| (y, 1.0 - x)), &mask, None, true).unwrap();
    assert!(merged.leak.unwrap() > 0.05);
    outside_is_kept(&source, &merged.picture.unwrap(), &mask);
    // All may change: there is nothing to hold on to, and nothing that could leak.
    let all = boxed(300, 200, [0.0, 0.0, 300.0, 200.0]);
    let merged = merge(source.clone(), &drawn(640, 448, 99, |x, y| (x, y)), &all, None, true).unwrap();
    assert_eq!((merged.leak, merged.shift, merged.scale), (None, (0.0, 0.0), 1.0));
    // One colour everywhere says nothing of places.
    let flat = Pixels { data: vec![90; 300 * 200 * 3], ..source };
    let merged = merge(flat.clone(), &flat, &mask, None, true).unwrap();
    assert_eq!((merged.leak, merged.shift, merged.scale), (Some(0.0), (0.0, 0.0), 1.0));
}

#[test]
fn tiny_pictures_are_edited_too() {
    for (width, height) in [(1, 1), (2, 1), (1, 9), (3, 3)] {
        let source = drawn(width, height, 1, |x, y| (x, y));
        let mask = boxed(width, height, [0.0, 0.0, 1.0, 1.0]);
        for answer in [drawn(1, 1, 2, |x, y| (x, y)), drawn(64, 64, 2, |x, y| (x, y))] {
            let merged = merge(source.clone(), &answer, &mask, None, true).unwrap();
            assert_eq!(merged.picture.unwrap().data.len(), source.data.len());
            assert_eq!((merged.change.width, merged.change.height), (width, height));
        }
    }
}

/// For the clock: `cargo test -p nanobanana --release --lib twelve_megapixels -- --ignored --nocapture`
#[test]
#[ignore = "for the clock"]
fn twelve_megapixels() {
    let source = codec::resize(&drawn(1000, 750, 3, |x, y| (x, y)), 4000, 3000).unwrap();
    let mask = boxed(4000, 3000, [500.0, 500.0, 3500.0, 2500.0]);
    for side in [1024, 4096] {
        let small = drawn(1024, 768, 3, |x, y| (x + 0.004, y));
        let answer = codec::resize(&small, side, side * 3 / 4).unwrap();
        let start = std::time::Instant::now();
        let merged = merge(source.clone(), &answer, &mask, None, true).unwrap();
        println!("{side}: merged in {:?}, {merged:?}", start.elapsed());
        for pixels in [merged.picture.unwrap(), merged.change] {
            let start = std::time::Instant::now();
            let bytes = codec::encode(&pixels, codec::Format::Png, codec::Quality::Default).unwrap();
            println!("{} KB in {:?}", bytes.len() / 1024, start.elapsed());
        }
    }
}

#[test]
fn noise_is_one_area_and_takes_little() {
    let (width, height) = (3000usize, 2000usize);
    let cover: Vec<u8> =
        (0..width * height).map(|at| if (at % width + at / width) % 2 == 0 { 255 } else { 0 }).collect();
    let areas = shape::areas(width, &cover);
    let [area] = areas.as_slice() else { panic!("{} areas", areas.len()) };
    assert_eq!((area.left, area.top, area.right, area.bottom), (0, 0, width, height));
}

#[test]
fn a_mask_of_all_is_not_softened_away() {
    let mut all = Mask::new(40, 30);
    all.add_box([0.0, 0.0, 40.0, 30.0], false).unwrap();
    assert!(shape::feathered(&all, 1_000_000).data.iter().all(|share| *share == 255));
}

#[test]
fn a_trace_of_alpha_does_not_decide_what_a_mask_means() {
    let mut data: Vec<u8> = [[255, 255, 255, 255], [0, 0, 0, 255], [0, 0, 0, 252], [0, 0, 0, 255]].concat();
    let mut mask = Mask::new(2, 2);
    mask.add_picture(&Pixels { width: 2, height: 2, channels: 4, data: data.clone() }).unwrap();
    assert_eq!(mask.cover(), [255, 0, 0, 0]);
    data.iter_mut().for_each(|value| *value = (*value).min(1));
    let grey = Pixels { width: 4, height: 4, channels: 1, data };
    let told = Mask::new(4, 4).add_picture(&grey).unwrap_err();
    assert!(told.contains("255"), "{told}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// What a model moved, scaled and recoloured is found, whatever it drew inside of the mask.
    #[test]
    fn a_known_drift_is_found(
        seed in 0u64..1000,
        (right, down) in (-0.02f64..0.02, -0.02f64..0.02),
        scale in 0.975f64..1.025,
        (left, top) in (0.1f64..0.4, 0.1f64..0.4),
    ) {
        let (width, height) = (360u32, 270u32);
        let source = drawn(width, height, seed, |x, y| (x, y));
        let (w, h) = (f64::from(width), f64::from(height));
        let mask = boxed(width, height, [left * w, top * h, (left + 0.4) * w, (top + 0.45) * h]);
        let mut answer = drawn(480, 360, seed, |x, y| ((x - 0.5 - right) / scale + 0.5, (y - 0.5 - down) / scale + 0.5));
        let within = |at: f64, start: f64, long: f64| at > start && at < start + long;
        for (at, pixel) in answer.data.chunks_exact_mut(3).enumerate() {
            let (x, y) = ((at % 480) as f64 / 480.0, (at / 480) as f64 / 360.0);
            if within(x, left + 0.02, 0.36) && within(y, top + 0.02, 0.41) {
                pixel.copy_from_slice(&see(y * 2.0, x, seed + 1).map(|value| value as u8));
            }
            pixel[2] = pixel[2].saturating_add(6);
        }
        let merged = merge(source.clone(), &answer, &mask, None, true).unwrap();
        let (x, y) = merged.shift;
        prop_assert!((x - right * w).abs() < 0.35 && (y - down * h).abs() < 0.35, "{x} {y}, not {} {}", right * w, down * h);
        prop_assert!((merged.scale - scale).abs() < 0.003, "{} not {scale}", merged.scale);
        prop_assert!(merged.leak.unwrap() < 0.01);
        outside_is_kept(&source, &merged.picture.unwrap(), &mask);
    }
}
