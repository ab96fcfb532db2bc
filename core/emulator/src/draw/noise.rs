//! Noise for clouds, pigment and paper: smooth between the points of a grid, and the same each time.

fn at(x: i32, y: i32, key: u64) -> f32 {
    let mut n = key as u32 ^ (x as u32).wrapping_mul(0x9e37_79b1) ^ (y as u32).wrapping_mul(0x85eb_ca77);
    n = (n ^ (n >> 15)).wrapping_mul(0x2c1b_3c6d);
    n = (n ^ (n >> 12)).wrapping_mul(0x297a_2d39);
    ((n ^ (n >> 15)) & 0xffff) as f32 / 65535.0
}

/// From 0 to 1.
pub(super) fn value(x: f32, y: f32, key: u64) -> f32 {
    let (left, top) = (x.floor(), y.floor());
    let ease = |t: f32| t * t * (3.0 - 2.0 * t);
    let (across, down) = (ease(x - left), ease(y - top));
    let (left, top) = (left as i32, top as i32);
    let mix = |a: f32, b: f32, t: f32| a + (b - a) * t;
    let row = |y: i32| mix(at(left, y, key), at(left.wrapping_add(1), y, key), across);
    mix(row(top), row(top.wrapping_add(1)), down)
}

/// Several noises, each finer and weaker than the one before; from 0 to 1, mostly about 0.5.
pub(super) fn fbm(x: f32, y: f32, key: u64, octaves: u64) -> f32 {
    let (mut sum, mut share, mut all, mut fine) = (0.0, 0.5, 0.0, 1.0);
    for octave in 0..octaves {
        sum += value(x * fine, y * fine, key.wrapping_add(octave.wrapping_mul(0x51ed_270b))) * share;
        all += share;
        share *= 0.5;
        fine *= 2.03;
    }
    sum / all
}
