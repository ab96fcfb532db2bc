//! Edits that stay inside the lines: what of a picture may change, and how a model's answer is laid back
//! on the picture that it was made from. Pixels in, pixels out; nothing here knows of calls.
//!
//! A [`Mask`] says for each pixel how much of it may change, 0 to 255. Where it is 0 is *outside*, and no
//! step below ever writes there. The steps are: find how the answer lies on the source (`fit`), match its
//! colours beside the mask and measure what changed (`blend`), draw it at the source's size (`warp`), and
//! blend it in with an edge that is soft towards the inside (`shape`).

use crate::codec::Pixels;

mod blend;
mod fit;
mod shape;
mod warp;

pub(crate) use blend::merge;
pub(crate) use shape::Area;

/// What of a picture may change.
#[derive(Clone, PartialEq)]
pub(crate) struct Mask {
    pub width: u32,
    pub height: u32,
    /// A byte for each pixel, in rows from the top: 0 stays, 255 changes.
    cover: Vec<u8>,
}

/// Below this share nothing is meant to change, and above the rest everything: what lossy formats make of
/// black and white.
const NOISE: u8 = 8;

/// How large the picture is that shows a mask to a model, on its longer side.
const GUIDE: u32 = 1024;

/// How many areas are told in words.
const NAMED: usize = 8;

impl Mask {
    /// Nothing of a picture of this size.
    pub fn new(width: u32, height: u32) -> Self {
        Mask { width, height, cover: vec![0; width as usize * height as usize] }
    }

    /// Adds what a picture marks: its transparent parts if it has any, else its white ones. The error is a
    /// problem in words.
    pub fn add_picture(&mut self, picture: &Pixels) -> Result<(), String> {
        if (picture.width, picture.height) != (self.width, self.height) {
            return Err(format!(
                "is {}x{} pixels, and the picture that it is for is {}x{} as it is seen; both must have the same size",
                picture.width, picture.height, self.width, self.height
            ));
        }
        let clear = |pixel: &[u8]| if let [_, _, _, alpha] = pixel { 255 - *alpha } else { 0 };
        let pixels = || picture.data.chunks_exact(usize::from(picture.channels).max(1));
        let by_alpha = picture.channels == 4 && pixels().any(|pixel| clear(pixel) > NOISE);
        let lightest = pixels().map(luma).max().unwrap_or_default();
        if !by_alpha && (1..=NOISE).contains(&lightest) {
            return Err(format!(
                "has no value above {lightest}, and counts as black up to {NOISE} of 255; multiply it by 255, or make it an \
                 array of bool"
            ));
        }
        for (cover, pixel) in self.cover.iter_mut().zip(pixels()) {
            let share = if by_alpha { clear(pixel) } else { luma(pixel) };
            let share = match share {
                0..=NOISE => 0,
                share if share >= 255 - NOISE => 255,
                share => share,
            };
            *cover = share.max(*cover);
        }
        Ok(())
    }

    /// Adds a box by its left, top, right and bottom edge, in pixels or, as fractions, in parts of the
    /// picture's sides. The error is a problem in words.
    pub fn add_box(&mut self, edges: [f64; 4], fractions: bool) -> Result<(), String> {
        let [left, top, right, bottom] = edges;
        let told = format!("({left}, {top}, {right}, {bottom})");
        if edges.iter().any(|edge| !edge.is_finite()) {
            return Err(format!("{told} is no box: its edges must be numbers"));
        }
        if right <= left || bottom <= top {
            return Err(format!(
                "{told} is empty or upside down: left must be less than right, and top less than bottom"
            ));
        }
        let (width, height) = (f64::from(self.width), f64::from(self.height));
        let (wide, high, of) = match fractions {
            true => (1.0, 1.0, "0 to 1, as fractions of its sides".to_owned()),
            false => (width, height, format!("0 to {width} across and 0 to {height} down, in pixels")),
        };
        if left < 0.0 || top < 0.0 || right > wide || bottom > high {
            return Err(format!("{told} reaches outside of the picture, which goes from {of}"));
        }
        if !fractions && (right - left < 1.0 || bottom - top < 1.0) {
            return Err(format!(
                "{told} is less than a pixel wide or high; if these are parts of the picture's sides, its `unit` is \
                 \"fraction\""
            ));
        }
        let scale = |edge: f64, whole: f64, side: f64| (edge / whole * side).round() as usize;
        let (left, top) = (scale(left, wide, width), scale(top, high, height));
        // A box that is thinner than a pixel still has one.
        let right = scale(right, wide, width).max(left + 1).min(self.width as usize);
        let bottom = scale(bottom, high, height).max(top + 1).min(self.height as usize);
        let (left, top) = (left.min(right.saturating_sub(1)), top.min(bottom.saturating_sub(1)));
        let rows = self.cover.chunks_exact_mut((self.width as usize).max(1));
        for row in rows.take(bottom).skip(top) {
            row.get_mut(left..right).unwrap_or_default().fill(255);
        }
        Ok(())
    }

    /// The bytes that say what may change.
    pub fn cover(&self) -> &[u8] {
        &self.cover
    }

    /// Whether nothing may change.
    pub fn is_empty(&self) -> bool {
        self.cover.iter().all(|cover| *cover == 0)
    }

    /// The same at another size; a pixel that is touched by any that may change may change.
    fn reduced(&self, width: usize, height: usize) -> Vec<u8> {
        let mut small = vec![0u8; width * height];
        let (from_wide, from_high) = (self.width as usize, self.height as usize);
        let column = |x: usize| (x * width / from_wide.max(1)).min(width.saturating_sub(1));
        for (y, row) in self.cover.chunks_exact(from_wide.max(1)).enumerate() {
            let to = (y * height / from_high.max(1)).min(height.saturating_sub(1)) * width;
            let Some(line) = small.get_mut(to..to + width) else { continue };
            for (x, cover) in row.iter().enumerate().filter(|(_, cover)| **cover > 0) {
                if let Some(cell) = line.get_mut(column(x)) {
                    *cell = (*cell).max(*cover);
                }
            }
        }
        small
    }

    /// A small grey picture of it, to be shown to a model: white where it may change.
    pub fn guide(&self) -> Pixels {
        let longer = self.width.max(self.height).max(1);
        let side = |side: u32| match longer > GUIDE {
            true => (u64::from(side) * u64::from(GUIDE) / u64::from(longer)).max(1) as u32,
            false => side,
        };
        let (width, height) = (side(self.width), side(self.height));
        let data = match longer > GUIDE {
            true => self.reduced(width as usize, height as usize),
            false => self.cover.clone(),
        };
        Pixels { width, height, channels: 1, data }
    }

    /// Where it may change, as `[top, left, bottom, right]` in thousandths of the picture's sides, the
    /// largest area first: the form in which Gemini models tell and take places. All of it is one box if
    /// there are too many areas to name.
    pub fn places(&self) -> Vec<[u32; 4]> {
        let mut areas = shape::areas(self.width as usize, &self.cover);
        areas.sort_by_key(|area| std::cmp::Reverse(area.pixels));
        let whole = areas.iter().copied().reduce(Area::with);
        if areas.len() > NAMED {
            areas = whole.into_iter().collect();
        }
        let part = |at: usize, side: u32| (at as u64 * 1000 / u64::from(side.max(1))) as u32;
        let place = |area: Area| {
            let (right, bottom) = (part(area.right, self.width), part(area.bottom, self.height));
            [part(area.top, self.height), part(area.left, self.width), bottom, right]
        };
        areas.into_iter().map(place).collect()
    }
}

impl std::fmt::Debug for Mask {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Mask({}x{})", self.width, self.height)
    }
}

/// How light a pixel is.
fn luma(pixel: &[u8]) -> u8 {
    match pixel {
        [r, g, b, ..] => {
            ((u32::from(*r) * 299 + u32::from(*g) * 587 + u32::from(*b) * 114 + 500) / 1000) as u8
        }
        [grey, ..] => *grey,
        [] => 0,
    }
}

#[cfg(test)]
#[path = "mask/tests.rs"]
mod tests;
