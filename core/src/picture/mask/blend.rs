//! An answer laid on its source: colours matched beside the mask, what changed measured, and the inside
//! of the mask put in.

use super::Mask;
use super::fit::{self, Plane};
use super::shape::{self, STEP};
use super::warp::Warp;
use crate::codec::{self, Pixels};
use crate::error::Error;

/// Both are compared at no more than this size, on the longer side.
const COMPARED: u32 = 2048;

/// What came of an answer.
#[derive(Debug)]
pub(crate) struct Merged {
    /// The source with the answer inside of the mask; none if it was not asked for.
    pub picture: Option<Pixels>,
    /// How much each pixel changed, at the source's size: grey, 0 is nothing.
    pub change: Pixels,
    /// How much the model changed outside of the mask: the mean difference of all channels, 0 to 1; none if
    /// there is no outside.
    pub leak: Option<f64>,
    /// By how many of the source's pixels the model had moved the picture: right and down.
    pub shift: (f64, f64),
    /// How much larger the model had drawn it; 1 is the same size.
    pub scale: f64,
    /// Whether the answer does not reach all that may change; there the source stays.
    pub falls_short: bool,
}

/// How one channel of the answer becomes one like the source's.
#[derive(Debug, Clone, Copy)]
struct Tone {
    gain: f32,
    lift: f32,
}

impl Tone {
    fn of(self, value: f32) -> f32 {
        (value * self.gain + self.lift).clamp(0.0, 255.0)
    }
}

/// Lays an answer on its source. `feather` is how many pixels of the mask's edge are soft, by default a
/// hundredth of the picture's shorter side, at least 2; without `keep` nothing is put together.
pub(crate) fn merge(
    source: Pixels,
    answer: &Pixels,
    mask: &Mask,
    feather: Option<u32>,
    keep: bool,
) -> Result<Merged, Error> {
    let answer = &opaque(answer);
    let (width, height) = (source.width, source.height);
    // Detail that the smaller one of both cannot hold is no change.
    let longer = width.max(height).max(1);
    let side = longer.min(answer.width.max(answer.height)).clamp(1, COMPARED);
    let at = |own: u32| (u64::from(own) * u64::from(side) / u64::from(longer)).max(1) as u32;
    let (wide, high) = (at(width), at(height));
    let (small, solid) = {
        let small = match (wide, high) == (width, height) {
            true => source.clone(),
            false => codec::resize(&source, wide, high)?,
        };
        // Nobody knows what a model sees behind transparency.
        let solid = |pixel: &[u8]| !matches!(pixel, [_, _, _, alpha] if *alpha < 250);
        let solid: Vec<bool> = small.data.chunks_exact(usize::from(small.channels)).map(solid).collect();
        (opaque(&small), solid)
    };
    let cover = mask.reduced(wide as usize, high as usize);
    let outside = |(cover, solid): (&u8, &bool)| *cover == 0 && *solid;
    let fit = {
        let data = cover.iter().zip(&solid).map(|both| f32::from(u8::from(outside(both)))).collect();
        let weight = Plane { width: wide as usize, height: high as usize, data };
        let shape = |width: u32, height: u32| f64::from(width) / f64::from(height.max(1));
        let ratio = shape(answer.width, answer.height) / shape(width, height);
        fit::found(&Plane::of(&small), &Plane::of(answer), &weight, ratio)
    };

    let mut laid = Vec::with_capacity(small.data.len());
    let sheet = (wide as usize, high as usize);
    let mut warp = Warp::new(answer, &fit, sheet, 0..sheet.0, 0..sheet.1);
    for y in 0..sheet.1 {
        laid.extend(warp.row(y).iter().map(|value| value.clamp(0.0, 255.0) as u8));
    }
    let tones = tones(&small.data, &laid, &beside(sheet.0, &cover, &solid));
    let mut change = Vec::with_capacity(cover.len());
    let (mut sum, mut count) = (0.0f64, 0u64);
    let pixels = small.data.chunks_exact(3).zip(laid.chunks_exact(3)).zip(cover.iter().zip(&solid));
    for ((own, new), both) in pixels {
        let differ = own.iter().zip(new).zip(&tones);
        let off =
            differ.map(|((own, new), tone)| (f32::from(*own) - tone.of(f32::from(*new))).abs()).sum::<f32>()
                / 3.0;
        if outside(both) {
            sum += f64::from(off);
            count += 1;
        }
        change.push((off + 0.5) as u8);
    }
    let change = Pixels { width: wide, height: high, channels: 1, data: change };
    let change = match (wide, high) == (width, height) {
        true => change,
        false => codec::resize(&change, width, height)?,
    };

    let mut falls_short = false;
    let picture = if keep {
        let feather = feather.unwrap_or_else(|| (width.min(height) / 100).max(2));
        let weights = shape::feathered(mask, feather);
        let (picture, short) = composed(source, answer, &weights, &fit, &tones);
        falls_short = short;
        Some(picture)
    } else {
        None
    };
    Ok(Merged {
        picture,
        change,
        leak: (count > 0).then(|| sum / count as f64 / 255.0),
        shift: fit.shift((width, height)),
        scale: fit.scale(),
        falls_short,
    })
}

/// The picture in red, green and blue, on white where it is transparent.
fn opaque(pixels: &Pixels) -> Pixels {
    let over = |value: u8, alpha: u8| {
        let (value, alpha) = (u16::from(value), u16::from(alpha));
        ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8
    };
    let data = match pixels.channels {
        1 => pixels.data.iter().flat_map(|grey| [*grey; 3]).collect(),
        4 => {
            let mut data = Vec::with_capacity(pixels.data.len() / 4 * 3);
            for pixel in pixels.data.chunks_exact(4) {
                if let [r, g, b, alpha] = pixel {
                    data.extend([over(*r, *alpha), over(*g, *alpha), over(*b, *alpha)]);
                }
            }
            data
        }
        _ => pixels.data.clone(),
    };
    Pixels { channels: 3, data, ..*pixels }
}

/// Which pixels lie outside, but near the mask; all outside if those are too few.
fn beside(width: usize, cover: &[u8], solid: &[bool]) -> Vec<bool> {
    let height = cover.len() / width.max(1);
    let near = ((width.max(height) / 25).max(8) as u16).saturating_mul(STEP);
    let far = shape::distances(width, cover, |cover| cover > 0);
    let ring = far.iter().zip(solid).map(|(far, solid)| *solid && *far > 0 && *far <= near);
    let ring: Vec<bool> = ring.collect();
    if ring.iter().filter(|is_in| **is_in).count() >= 64 {
        return ring;
    }
    cover.iter().zip(solid).map(|(cover, solid)| *cover == 0 && *solid).collect()
}

/// How many pixels are enough to know the colours.
const ENOUGH: usize = 60_000;

/// For each channel the line that leads from the answer's values to the source's, most of the pixels being
/// right: what was changed there pulls the less the farther it is off.
fn tones(own: &[u8], new: &[u8], ring: &[bool]) -> [Tone; 3] {
    let count = ring.iter().filter(|is_in| **is_in).count();
    let each = count.div_ceil(ENOUGH).max(1);
    let pairs = own.chunks_exact(3).zip(new.chunks_exact(3)).zip(ring).filter(|(_, is_in)| **is_in);
    let pairs: Vec<(&[u8], &[u8])> = pairs.step_by(each).map(|(pair, _)| pair).collect();
    let mut tones = [Tone { gain: 1.0, lift: 0.0 }; 3];
    for (channel, tone) in tones.iter_mut().enumerate() {
        let value = |pixel: &[u8]| f64::from(pixel.get(channel).copied().unwrap_or_default());
        let pairs: Vec<(f64, f64)> = pairs.iter().map(|(own, new)| (value(own), value(new))).collect();
        if pairs.len() < 16 {
            continue;
        }
        let (mut gain, mut lift) = (1.0, 0.0);
        let mut limit = f64::MAX;
        for _ in 0..6 {
            let [mut n, mut s, mut a, mut aa, mut sa, mut missed] = [0.0f64; 6];
            for (own, new) in &pairs {
                let off = own - (new * gain + lift);
                let trust = 1.0 + (off / limit) * (off / limit);
                let weight = (trust * trust).recip();
                n += weight;
                s += weight * own;
                a += weight * new;
                aa += weight * new * new;
                sa += weight * own * new;
                missed += off.abs();
            }
            let (middle, other) = (s / n, a / n);
            // In a plain surface the contrast cannot be told: it stays then.
            let plain = 30.0;
            let spread = (aa / n - other * other).max(0.0) + plain;
            gain = ((sa / n - middle * other + plain) / spread).clamp(0.5, 2.0);
            lift = middle - gain * other;
            limit = (missed / pairs.len() as f64 * 1.5).max(2.0);
        }
        *tone = Tone { gain: gain as f32, lift: lift as f32 };
    }
    tones
}

/// How far beyond the answer's edge its last pixels may stand for what is missing, in parts of its side.
const BEYOND: f64 = 0.02;

/// The source with the answer where the weights say so, and whether the answer did not reach all of it.
fn composed(
    mut source: Pixels,
    answer: &Pixels,
    weights: &shape::Weights,
    fit: &fit::Fit,
    tones: &[Tone; 3],
) -> (Pixels, bool) {
    if source.channels == 1 {
        // What is new may have colours.
        source = opaque(&source);
    }
    let (wide, high) = (source.width as usize, source.height as usize);
    let channels = usize::from(source.channels);
    let rows = weights.data.len() / weights.width.max(1);
    let (columns, lines) = (weights.left..weights.left + weights.width, weights.top..weights.top + rows);
    let has = |line: fit::Line, at: usize, side: usize| {
        let place = line.at((at as f64 + 0.5) / side as f64);
        (-BEYOND..=1.0 + BEYOND).contains(&place)
    };
    let reached: Vec<bool> = columns.clone().map(|x| has(fit.across, x, wide)).collect();
    let mut falls_short = false;
    let mut warp = Warp::new(answer, fit, (wide, high), columns.clone(), lines.clone());
    for (at, shares) in weights.data.chunks_exact(weights.width.max(1)).enumerate() {
        if shares.iter().all(|share| *share == 0) {
            continue;
        }
        let y = weights.top + at;
        let is_reached = has(fit.down, y, high);
        let row = warp.row(at);
        let start = (y * wide + weights.left) * channels;
        let Some(target) = source.data.get_mut(start..start + weights.width * channels) else { continue };
        let pixels =
            target.chunks_exact_mut(channels).zip(row.chunks_exact(3)).zip(shares.iter().zip(&reached));
        for ((pixel, new), (share, reached)) in pixels {
            if *share == 0 {
                continue;
            }
            if !(*reached && is_reached) {
                falls_short = true;
                continue;
            }
            lay(pixel, new, tones, f32::from(*share) / 255.0);
        }
    }
    (source, falls_short)
}

/// Lays a share of a new colour over a pixel; behind its transparency nothing shows through.
fn lay(pixel: &mut [u8], new: &[f32], tones: &[Tone; 3], share: f32) {
    let mix = |own: &mut u8, new: f32, share: f32| {
        *own = (f32::from(*own) * (1.0 - share) + new * share + 0.5) as u8;
    };
    let (colours, alpha) = pixel.split_at_mut(3.min(pixel.len()));
    let mut of_new = share;
    if let [alpha] = alpha {
        let solid = f32::from(*alpha) / 255.0 * (1.0 - share) + share;
        of_new = share / solid.max(1e-6);
        *alpha = (solid * 255.0 + 0.5) as u8;
    }
    for ((own, new), tone) in colours.iter_mut().zip(new).zip(tones) {
        mix(own, tone.of(*new), of_new);
    }
}
