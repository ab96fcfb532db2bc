//! A picture drawn at another size and place, row by row: only the rows that are needed are held.

use std::collections::VecDeque;
use std::ops::Range;

use super::fit::{Fit, Line};
use crate::codec::Pixels;

/// Which pixels of a side make one of the target, and how much of each.
struct Axis {
    /// The first of them, per target pixel; may lie before the side, whose ends then go on.
    first: Vec<i64>,
    taps: usize,
    shares: Vec<f32>,
}

/// The weight of a pixel at this distance (Catmull-Rom): it keeps edges as sharp as they are.
fn kernel(x: f64) -> f64 {
    let x = x.abs();
    match x {
        x if x < 1.0 => (1.5 * x - 2.5) * x * x + 1.0,
        x if x < 2.0 => ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0,
        _ => 0.0,
    }
}

impl Axis {
    /// Of a side of `from` pixels, the pixels `range` of a target side of `to`.
    fn new(line: Line, from: usize, to: usize, range: Range<usize>) -> Self {
        let step = line.scale * from as f64 / to.max(1) as f64;
        // Where many pixels become one, all of them count.
        let blur = step.abs().max(1.0);
        let taps = (4.0 * blur).ceil() as usize + 1;
        let mut axis = Axis { first: Vec::new(), taps, shares: Vec::new() };
        for at in range {
            let middle = line.at((at as f64 + 0.5) / to.max(1) as f64) * from as f64 - 0.5;
            let first = (middle - 2.0 * blur).ceil() as i64;
            axis.first.push(first);
            let shares: Vec<f64> =
                (0..taps).map(|tap| kernel((first + tap as i64) as f64 / blur - middle / blur)).collect();
            let sum: f64 = shares.iter().sum();
            axis.shares.extend(shares.iter().map(|share| (share / sum) as f32));
        }
        axis
    }
}

/// A picture that is drawn so.
pub(super) struct Warp<'a> {
    picture: &'a Pixels,
    across: Axis,
    down: Axis,
    /// Rows of the picture that have their new width already, the latest last.
    rows: VecDeque<(i64, Vec<f32>)>,
    /// The row that is being drawn, before it is rounded.
    sum: Vec<f32>,
}

impl<'a> Warp<'a> {
    /// Columns and rows of the picture, which has three channels, laid on a sheet of this size.
    pub fn new(
        picture: &'a Pixels,
        fit: &Fit,
        (width, height): (usize, usize),
        columns: Range<usize>,
        rows: Range<usize>,
    ) -> Self {
        let sum = vec![0.0; columns.len() * 3];
        let across = Axis::new(fit.across, picture.width as usize, width, columns);
        let down = Axis::new(fit.down, picture.height as usize, height, rows);
        Warp { picture, across, down, rows: VecDeque::new(), sum }
    }

    /// The row with this number among those that were asked for; they are asked for in order. Three values
    /// of 0 to 255 for each column, which may pass these bounds a little.
    pub fn row(&mut self, at: usize) -> &[f32] {
        let first = self.down.first.get(at).copied().unwrap_or_default();
        let last = i64::from(self.picture.height) - 1;
        let clamp = |row: i64| row.clamp(0, last.max(0));
        let lowest = clamp(first);
        while self.rows.front().is_some_and(|(row, _)| *row < lowest) {
            self.rows.pop_front();
        }
        for row in lowest..=clamp(first + self.down.taps as i64 - 1) {
            if self.rows.back().is_none_or(|(have, _)| *have < row) {
                let drawn = self.across(row as usize);
                self.rows.push_back((row, drawn));
            }
        }
        self.sum.fill(0.0);
        let shares = self.down.shares.get(at * self.down.taps..(at + 1) * self.down.taps).unwrap_or_default();
        for (tap, share) in shares.iter().enumerate().filter(|(_, share)| **share != 0.0) {
            let place = (clamp(first + tap as i64) - lowest) as usize;
            let Some((_, row)) = self.rows.get(place) else { continue };
            for (sum, value) in self.sum.iter_mut().zip(row) {
                *sum += value * share;
            }
        }
        &self.sum
    }

    /// A row of the picture at its new width.
    fn across(&self, row: usize) -> Vec<f32> {
        let width = self.picture.width as usize;
        let line = self.picture.data.get(row * width * 3..(row + 1) * width * 3).unwrap_or_default();
        let mut out = Vec::with_capacity(self.across.first.len() * 3);
        let last = width as i64 - 1;
        for (first, shares) in self.across.first.iter().zip(self.across.shares.chunks_exact(self.across.taps))
        {
            let mut sum = [0.0f32; 3];
            let mut add = |pixel: &[u8], share: f32| {
                for (sum, value) in sum.iter_mut().zip(pixel) {
                    *sum += f32::from(*value) * share;
                }
            };
            let inside = usize::try_from(*first)
                .ok()
                .and_then(|first| line.get(first * 3..(first + shares.len()) * 3));
            match inside {
                Some(pixels) => {
                    pixels.chunks_exact(3).zip(shares).for_each(|(pixel, share)| add(pixel, *share));
                }
                None => {
                    for (at, share) in (*first..).zip(shares) {
                        let at = at.clamp(0, last.max(0)) as usize * 3;
                        add(line.get(at..at + 3).unwrap_or_default(), *share);
                    }
                }
            }
            out.extend(sum);
        }
        out
    }
}
