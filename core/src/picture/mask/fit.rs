//! How a model's answer lies on the picture that it was made from.
//!
//! Models answer in sizes and ratios of their own, and what should have stayed is often moved by some
//! pixels or drawn a little larger. What was asked to change says nothing about that, so only what lies
//! outside of the mask is looked at, and of that what differs much counts little. First a small copy is
//! tried at many places; the best one is then made better step by step on larger copies (Gauss-Newton on
//! brightness, as in Lucas and Kanade's method), down to parts of a pixel.

use super::luma;
use crate::codec::Pixels;

/// Along one side: which place of the answer lies on which of the source, both told from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Line {
    /// How much of the answer's side the source's side covers.
    pub scale: f64,
    /// How far the answer's middle is from the source's.
    pub shift: f64,
}

impl Line {
    pub fn at(self, place: f64) -> f64 {
        (place - 0.5) * self.scale + 0.5 + self.shift
    }
}

/// How an answer lies on its source.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Fit {
    pub across: Line,
    pub down: Line,
    /// The lines that it would have if the model had moved nothing: the answer stretched to the source's
    /// size, cut to its shape, or with something added at two sides.
    base: (f64, f64),
}

impl Fit {
    fn base(across: f64, down: f64) -> Self {
        let line = |scale| Line { scale, shift: 0.0 };
        Fit { across: line(across), down: line(down), base: (across, down) }
    }

    /// By how much the model has moved the picture, in pixels of a source of this size: right and down.
    pub fn shift(&self, (width, height): (u32, u32)) -> (f64, f64) {
        let along = |line: Line, base: f64, side: u32| line.shift / base * f64::from(side);
        (along(self.across, self.base.0, width), along(self.down, self.base.1, height))
    }

    /// How much larger it has drawn it; 1 is the same size.
    pub fn scale(&self) -> f64 {
        (self.across.scale / self.base.0 * self.down.scale / self.base.1).max(0.0).sqrt()
    }
}

/// A grey picture, or a weight for each of its pixels.
#[derive(Clone)]
pub(super) struct Plane {
    pub width: usize,
    pub height: usize,
    pub data: Vec<f32>,
}

impl Plane {
    pub fn of(pixels: &Pixels) -> Self {
        let data =
            pixels.data.chunks_exact(usize::from(pixels.channels).max(1)).map(|pixel| f32::from(luma(pixel)));
        Plane { width: pixels.width as usize, height: pixels.height as usize, data: data.collect() }
    }

    fn row(&self, y: usize) -> &[f32] {
        self.data.get(y * self.width..(y + 1) * self.width).unwrap_or_default()
    }

    /// Each pixel is what the pixels below it are on average, weighed by the part of them that lies there.
    fn reduced(&self, width: usize, height: usize) -> Self {
        let turned = |from: &Plane, to: usize| {
            // Rows become columns, so that both sides go the same way.
            let mut data = vec![0.0; to * from.height];
            let step = from.width as f64 / to.max(1) as f64;
            for y in 0..from.height {
                let row = from.row(y);
                for x in 0..to {
                    let (start, end) = (x as f64 * step, (x + 1) as f64 * step);
                    let (mut sum, mut of) = (0.0, 0.0);
                    for at in start as usize..(end.ceil() as usize).min(from.width) {
                        let part = (end.min(at as f64 + 1.0) - start.max(at as f64)).max(0.0) as f32;
                        sum += row.get(at).copied().unwrap_or_default() * part;
                        of += part;
                    }
                    if let Some(cell) = data.get_mut(x * from.height + y) {
                        *cell = sum / f32::max(of, 1e-6);
                    }
                }
            }
            Plane { width: from.height, height: to, data }
        };
        turned(&turned(self, width), height)
    }

    /// How large a copy is whose longer side has this many pixels.
    fn size(&self, side: usize) -> (usize, usize) {
        let longer = self.width.max(self.height).max(1);
        if longer <= side {
            return (self.width, self.height);
        }
        let part = |own: usize| (own * side / longer).max(1);
        (part(self.width), part(self.height))
    }
}

/// The sides of the copies, the smallest first.
const SIDES: [usize; 5] = [64, 128, 256, 512, 1024];

/// What is less than this much of the smallest copy tells nothing of where it belongs.
const LEAST: f32 = 60.0;

/// How far a model may have moved or scaled a picture before that is taken for another picture.
const FARTHEST: f64 = 0.12;

/// How alike both must be for a place to be believed: the correlation of their brightness.
const ALIKE: f64 = 0.3;

/// One copy: the source, the answer, and what of the source counts.
struct Level {
    source: Plane,
    answer: Plane,
    weight: Plane,
}

/// One side's place in the answer for each pixel of the source: the pixel before it, the part of the next
/// one, and how far it is from the middle.
fn places(line: Line, to: usize, from: usize) -> Vec<(Option<usize>, f32, f32)> {
    let place = |at: usize| {
        let own = (at as f64 + 0.5) / to as f64;
        let there = line.at(own) * from as f64 - 0.5;
        // The answer's edge itself counts as inside.
        let inside = there > -0.5 && there < from as f64 - 0.5;
        let there = there.clamp(0.0, (from as f64 - 1.0).max(0.0));
        let first = (there as usize).min(from.saturating_sub(2));
        (inside.then_some(first), (there - first as f64) as f32, (own - 0.5) as f32)
    };
    (0..to).map(place).collect()
}

/// One pixel that counts: the source's and the answer's brightness, how the latter grows across and down,
/// the place, and the weight.
struct Sample {
    source: f32,
    answer: f32,
    grows: (f32, f32),
    place: (f32, f32),
    weight: f32,
}

impl Level {
    fn each(&self, fit: &Fit, mut see: impl FnMut(Sample)) {
        let across = places(fit.across, self.source.width, self.answer.width);
        let down = places(fit.down, self.source.height, self.answer.height);
        let wide = self.answer.width.min(2);
        for (y, (first, part_y, from_middle)) in down.into_iter().enumerate() {
            let Some(first) = first else { continue };
            let upper = self.answer.row(first);
            let lower = self.answer.row((first + 1).min(self.answer.height.saturating_sub(1)));
            let own = self.source.row(y).iter().zip(self.weight.row(y)).zip(&across);
            for ((source, weight), (first, part_x, from_middle_x)) in own {
                let (Some(first), true) = (*first, *weight > 0.0) else { continue };
                let pair = |row: &[f32]| match row.get(first..first + wide) {
                    Some([a, b]) => (*a, *b),
                    Some([a]) => (*a, *a),
                    _ => (0.0, 0.0),
                };
                let ((a, b), (c, d)) = (pair(upper), pair(lower));
                let (above, below) = (a + (b - a) * part_x, c + (d - c) * part_x);
                see(Sample {
                    source: *source,
                    answer: above + (below - above) * part_y,
                    grows: ((b - a) * (1.0 - part_y) + (d - c) * part_y, below - above),
                    place: (*from_middle_x, from_middle),
                    weight: *weight,
                });
            }
        }
    }

    /// How alike both are there, from -1 to 1, 0 where there is nothing to see; and how much of the source
    /// has a place in the answer.
    fn alike(&self, fit: &Fit) -> (f64, f64) {
        let [mut n, mut s, mut a, mut ss, mut aa, mut sa] = [0.0f64; 6];
        self.each(fit, |Sample { source, answer, weight, .. }| {
            let (source, answer, weight) = (f64::from(source), f64::from(answer), f64::from(weight));
            n += weight;
            s += weight * source;
            a += weight * answer;
            ss += weight * source * source;
            aa += weight * answer * answer;
            sa += weight * source * answer;
        });
        let all: f64 = self.weight.data.iter().map(|weight| f64::from(*weight)).sum();
        if n < 1.0 || all < 1.0 {
            return (0.0, 0.0);
        }
        let (own, other) = (ss - s * s / n, aa - a * a / n);
        // Without any pattern all places are alike: a little noise is always assumed.
        let spread = ((own + n) * (other + n)).sqrt();
        ((sa - s * a / n) / spread, n / all)
    }

    /// The same as one number: that a part of the source has no place speaks against it, but only a little.
    fn likely(&self, fit: &Fit) -> f64 {
        let (alike, share) = self.alike(fit);
        alike * share.powf(0.1)
    }

    /// One step towards a better place; how far it went, in pixels of this copy.
    fn step(&self, fit: &mut Fit, tone: &mut (f64, f64), loose: &mut f64) -> f64 {
        // Unknowns: scale and shift across, scale and shift down, contrast and brightness.
        let mut normal = [[0.0f64; 6]; 6];
        let mut right = [0.0f64; 6];
        let (mut missed, mut of) = (0.0f64, 0.0f64);
        let (wide, high) = (self.answer.width as f32, self.answer.height as f32);
        let (gain, lift) = (tone.0 as f32, tone.1 as f32);
        let limit = *loose as f32;
        self.each(fit, |sample| {
            let off = sample.source - (sample.answer * gain + lift);
            missed += f64::from(off.abs() * sample.weight);
            of += f64::from(sample.weight);
            // What differs much was changed and not moved.
            let trust = 1.0 + (off / limit) * (off / limit);
            let weight = sample.weight / (trust * trust);
            let (x, y) = (sample.grows.0 * wide * gain, sample.grows.1 * high * gain);
            let slope = [x * sample.place.0, x, y * sample.place.1, y, sample.answer, 1.0];
            for ((row, right), one) in normal.iter_mut().zip(&mut right).zip(slope) {
                let weighed = one * weight;
                for (cell, other) in row.iter_mut().zip(slope) {
                    *cell += f64::from(weighed * other);
                }
                *right += f64::from(weighed * off);
            }
        });
        // Where there is no pattern to hold on to, nothing moves.
        let still = [100.0, 100.0, 100.0, 100.0, 25.0, 1e-3].map(|still| still * of);
        for (at, ((row, still), right)) in normal.iter_mut().zip(still).zip(&mut right).enumerate() {
            if let Some(cell) = row.get_mut(at) {
                *cell += still;
            }
            if at == 4 {
                *right += still * (1.0 - tone.0);
            }
        }
        let [scale_x, shift_x, scale_y, shift_y, more, lighter] = solved(&normal, &right);
        fit.across.scale += scale_x;
        fit.across.shift += shift_x;
        fit.down.scale += scale_y;
        fit.down.shift += shift_y;
        *tone = ((tone.0 + more).clamp(0.3, 3.0), tone.1 + lighter);
        *loose = (missed / of.max(1.0) * 2.5).max(3.0);
        let far = |scale: f64, shift: f64, side: f32| (scale.abs() / 2.0 + shift.abs()) * f64::from(side);
        far(scale_x, shift_x, wide).max(far(scale_y, shift_y, high))
    }
}

/// The solution of a system that is symmetric and positive, by conjugate gradients.
fn solved<const N: usize>(matrix: &[[f64; N]; N], right: &[f64; N]) -> [f64; N] {
    // All unknowns are brought to one size first.
    let mut size = [1.0; N];
    for ((at, row), size) in matrix.iter().enumerate().zip(&mut size) {
        let own = row.get(at).copied().unwrap_or(1.0);
        *size = if own > 0.0 { own.sqrt().recip() } else { 0.0 };
    }
    let dot = |a: &[f64; N], b: &[f64; N]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let apply = |vector: &[f64; N]| {
        let mut out = [0.0; N];
        for ((row, out), size_row) in matrix.iter().zip(&mut out).zip(&size) {
            *out = row
                .iter()
                .zip(vector)
                .zip(&size)
                .map(|((cell, value), size)| cell * value * size)
                .sum::<f64>()
                * size_row;
        }
        out
    };
    let mut x = [0.0; N];
    let mut rest = [0.0; N];
    for ((rest, right), size) in rest.iter_mut().zip(right).zip(&size) {
        *rest = right * size;
    }
    let mut way = rest;
    let mut length = dot(&rest, &rest);
    for _ in 0..N * 4 {
        if length < 1e-30 {
            break;
        }
        let bent = apply(&way);
        let curve = dot(&way, &bent);
        if curve <= 0.0 {
            break;
        }
        let far = length / curve;
        for ((x, rest), (way, bent)) in x.iter_mut().zip(&mut rest).zip(way.iter().zip(&bent)) {
            *x += far * way;
            *rest -= far * bent;
        }
        let next = dot(&rest, &rest);
        for (way, rest) in way.iter_mut().zip(&rest) {
            *way = rest + next / length * *way;
        }
        length = next;
    }
    for (x, size) in x.iter_mut().zip(&size) {
        *x *= size;
    }
    x
}

/// Finds it. `weight` says what of the source counts, from 0 to 1, at the source's size; `ratio` is by how
/// much the answer's shape is wider than the source's.
pub(super) fn found(source: &Plane, answer: &Plane, weight: &Plane, ratio: f64) -> Fit {
    let stretched = Fit::base(1.0, 1.0);
    let level = |side: usize| {
        let (width, height) = source.size(side);
        let (wide, high) = answer.size(side);
        let mut weight = weight.reduced(width, height);
        // A pixel that the mask only touches may have changed with it.
        weight.data.iter_mut().for_each(|weight| *weight = if *weight > 0.999 { 1.0 } else { 0.0 });
        Level { source: source.reduced(width, height), answer: answer.reduced(wide, high), weight }
    };
    let [smallest, sides @ ..] = SIDES;
    let small = level(smallest);
    if small.weight.data.iter().sum::<f32>() < LEAST {
        return stretched;
    }
    // A model that answers in another shape stretches the picture, cuts it, or adds to it.
    let mut bases = vec![stretched];
    if (ratio - 1.0).abs() > 0.01 {
        let (added, cut) = if ratio > 1.0 {
            (Fit::base(1.0 / ratio, 1.0), Fit::base(1.0, ratio))
        } else {
            (Fit::base(1.0, ratio), Fit::base(1.0 / ratio, 1.0))
        };
        bases.extend([added, cut]);
    }
    let mut best = (small.likely(&stretched), stretched);
    for base in bases {
        for zoom in [1.0, 0.98, 1.02, 0.95, 1.05] {
            for x in -4i32..=4 {
                for y in -4i32..=4 {
                    let mut fit = base;
                    fit.across.scale *= zoom;
                    fit.down.scale *= zoom;
                    fit.across.shift = f64::from(x) / small.answer.width as f64;
                    fit.down.shift = f64::from(y) / small.answer.height as f64;
                    // Among equals the one that is nearest to nothing.
                    let doubt = (f64::from(x * x + y * y).sqrt() + (zoom - 1.0f64).abs() * 32.0) * 1e-4;
                    let alike = small.likely(&fit) - doubt;
                    if alike > best.0 {
                        best = (alike, fit);
                    }
                }
            }
        }
    }
    let mut fit = best.1;
    let (mut tone, mut loose) = ((1.0, 0.0), 24.0);
    let mut last = small;
    improve(&last, &mut fit, &mut tone, &mut loose);
    for side in sides {
        let before = (last.source.width, last.source.height);
        if source.size(side) == before {
            break;
        }
        last = level(side);
        improve(&last, &mut fit, &mut tone, &mut loose);
    }
    let near = |line: Line, base: f64| {
        line.shift.is_finite() && line.shift.abs() <= FARTHEST && (line.scale / base - 1.0).abs() <= FARTHEST
    };
    // What a model drew larger reaches over the edge: that alone is no reason to doubt it.
    let ((alike, _), (as_it_is, _)) = (last.alike(&fit), last.alike(&stretched));
    let is_sound = near(fit.across, fit.base.0) && near(fit.down, fit.base.1);
    if is_sound && alike >= ALIKE && alike >= as_it_is { fit } else { stretched }
}

fn improve(level: &Level, fit: &mut Fit, tone: &mut (f64, f64), loose: &mut f64) {
    for _ in 0..12 {
        if level.step(fit, tone, loose) < 0.01 {
            break;
        }
    }
}
