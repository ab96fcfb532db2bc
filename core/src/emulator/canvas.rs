//! A sheet of RGB pixels and the few strokes that the emulator's pictures are made of.
//!
//! Rows are filled and blended as byte slices: a 4K picture must be drawn in a fraction of a second.

use ab_glyph_rasterizer::{Point, Rasterizer, point};

/// Red, green, blue.
pub(super) type Rgb = [u8; 3];

/// `a` with `t` of 256 parts of `b` in it.
pub(super) fn mix(a: Rgb, b: Rgb, t: u32) -> Rgb {
    let [ar, ag, ab] = a;
    let [br, bg, bb] = b;
    [mix_byte(ar, br, t), mix_byte(ag, bg, t), mix_byte(ab, bb, t)]
}

fn mix_byte(a: u8, b: u8, t: u32) -> u8 {
    ((u32::from(a) * (256 - t) + u32::from(b) * t + 128) >> 8) as u8
}

/// A colour by hue in degrees, saturation and lightness in per cent.
pub(super) fn hsl(hue: f32, saturation: f32, lightness: f32) -> Rgb {
    let (s, l) = (saturation / 100.0, lightness / 100.0);
    let channel = |n: f32| {
        let k = (n + hue.rem_euclid(360.0) / 30.0) % 12.0;
        let c = l - s * l.min(1.0 - l) * (k - 3.0).min(9.0 - k).clamp(-1.0, 1.0);
        (c * 255.0 + 0.5) as u8
    };
    [channel(0.0), channel(8.0), channel(4.0)]
}

/// Pixels, three bytes each, in rows from the top.
pub(super) struct Canvas {
    pub width: usize,
    pub height: usize,
    pub data: Vec<u8>,
}

/// An outline of straight lines and curves, in pixels.
#[derive(Default)]
pub(super) struct Outline {
    curves: Vec<[Point; 4]>,
    start: Option<Point>,
    at: Option<Point>,
}

impl Outline {
    /// Begins a new contour here; the one before is closed.
    pub fn from(mut self, x: f32, y: f32) -> Self {
        self = self.closed();
        (self.start, self.at) = (Some(point(x, y)), Some(point(x, y)));
        self
    }

    /// A straight line to here.
    pub fn line(mut self, x: f32, y: f32) -> Self {
        if let Some(from) = self.at {
            let to = point(x, y);
            self.curves.push([from, from, to, to]);
            self.at = Some(to);
        }
        self
    }

    /// A cubic curve with these two control points.
    pub fn curve(mut self, a: (f32, f32), b: (f32, f32), to: (f32, f32)) -> Self {
        if let Some(from) = self.at {
            let to = point(to.0, to.1);
            self.curves.push([from, point(a.0, a.1), point(b.0, b.1), to]);
            self.at = Some(to);
        }
        self
    }

    fn closed(self) -> Self {
        match self.start {
            Some(start) => self.line(start.x, start.y),
            None => self,
        }
    }

    /// Turned by an angle, scaled, then moved.
    pub fn placed(mut self, angle: f32, scale: f32, x: f32, y: f32) -> Self {
        self = self.closed();
        let (sin, cos) = angle.sin_cos();
        for p in self.curves.iter_mut().flatten() {
            *p = point((p.x * cos - p.y * sin) * scale + x, (p.x * sin + p.y * cos) * scale + y);
        }
        (self.start, self.at) = (None, None);
        self
    }
}

impl Canvas {
    /// A black sheet.
    pub fn new(width: u32, height: u32) -> Self {
        let (width, height) = (width as usize, height as usize);
        Canvas { width, height, data: vec![0; width * height * 3] }
    }

    /// The bytes of the pixels from `left` to before `right` in row `y`, cut to the sheet.
    pub fn span(&mut self, y: i32, left: i32, right: i32) -> &mut [u8] {
        let (Ok(y), width) = (usize::try_from(y), self.width as i32) else { return &mut [] };
        let (left, right) = (left.clamp(0, width) as usize, right.clamp(0, width) as usize);
        if left >= right || y >= self.height {
            return &mut [];
        }
        let row = y * self.width;
        self.data.get_mut((row + left) * 3..(row + right) * 3).unwrap_or_default()
    }

    /// Lays `alpha` of 256 parts of a colour over a part of a row.
    pub fn blend(&mut self, y: i32, left: i32, right: i32, colour: Rgb, alpha: u32) {
        let span = self.span(y, left, right);
        if alpha >= 256 {
            for pixel in span.chunks_exact_mut(3) {
                pixel.copy_from_slice(&colour);
            }
        } else if alpha > 0 {
            let add = colour.map(|c| u32::from(c) * alpha + 128);
            for pixel in span.chunks_exact_mut(3) {
                for (byte, add) in pixel.iter_mut().zip(add) {
                    *byte = ((u32::from(*byte) * (256 - alpha) + add) >> 8) as u8;
                }
            }
        }
    }

    /// The same between two places within pixels: the ends are covered in part.
    fn blend_soft(&mut self, y: i32, left: f32, right: f32, colour: Rgb, alpha: u32) {
        if right <= left {
            return;
        }
        let (first, last) = (left.ceil(), right.floor());
        if first > last {
            self.blend(y, last as i32, first as i32, colour, ((right - left) * alpha as f32) as u32);
            return;
        }
        self.blend(y, first as i32 - 1, first as i32, colour, ((first - left) * alpha as f32) as u32);
        self.blend(y, first as i32, last as i32, colour, alpha);
        self.blend(y, last as i32, last as i32 + 1, colour, ((right - last) * alpha as f32) as u32);
    }

    /// A round or an oval patch.
    pub fn oval(&mut self, (x, y): (f32, f32), (rx, ry): (f32, f32), colour: Rgb, alpha: u32) {
        for row in (y - ry).floor().max(0.0) as i32..=((y + ry).ceil() as i32).min(self.height as i32 - 1) {
            let dy = (row as f32 + 0.5 - y) / ry;
            if dy.abs() < 1.0 {
                let half = (1.0 - dy * dy).sqrt() * rx;
                self.blend_soft(row, x - half, x + half, colour, alpha);
            }
        }
    }

    /// Light that fades out towards a radius.
    pub fn glow(&mut self, (x, y): (f32, f32), radius: f32, colour: Rgb, strength: f32) {
        let around = (radius * radius).recip();
        let left = (x - radius).max(0.0) as i32;
        for row in (y - radius).max(0.0) as i32..((y + radius) as i32).min(self.height as i32) {
            let dy = row as f32 - y;
            let dy2 = dy * dy;
            let half = (radius * radius - dy2).max(0.0).sqrt();
            let left = left.max((x - half) as i32);
            let mut dx = left as f32 - x;
            for pixel in self.span(row, left, (x + half) as i32).chunks_exact_mut(3) {
                let near = (1.0 - (dx * dx + dy2) * around).max(0.0);
                let alpha = (near * near * strength) as u32;
                for (byte, c) in pixel.iter_mut().zip(colour) {
                    *byte = mix_byte(*byte, c, alpha);
                }
                dx += 1.0;
            }
        }
    }

    /// A patch with rounded corners.
    pub fn card(
        &mut self,
        (left, top, right, bottom): (f32, f32, f32, f32),
        round: f32,
        colour: Rgb,
        alpha: u32,
    ) {
        for row in top as i32..bottom as i32 {
            let y = row as f32 + 0.5;
            let dy = (top + round - y).max(y - (bottom - round)).max(0.0);
            let inset = round - (round * round - dy * dy).max(0.0).sqrt();
            self.blend_soft(row, left + inset, right - inset, colour, alpha);
        }
    }

    /// Fills an outline.
    pub fn fill(&mut self, outline: Outline, colour: Rgb) {
        let outline = outline.closed();
        let points = || outline.curves.iter().flatten();
        let low = |of: fn(&Point) -> f32| points().map(of).fold(f32::INFINITY, f32::min).floor();
        let high = |of: fn(&Point) -> f32| points().map(of).fold(f32::NEG_INFINITY, f32::max).ceil();
        let (left, top, right, bottom) = (low(|p| p.x), low(|p| p.y), high(|p| p.x), high(|p| p.y));
        let (width, height) = (right - left + 2.0, bottom - top + 2.0);
        let area = width * height;
        // An outline without points has no finite bounds.
        if !area.is_finite() || area > 4e8 {
            return;
        }
        let mut ink = Rasterizer::new(width as usize, height as usize);
        let moved = |p: Point| point(p.x - left + 0.5, p.y - top + 0.5);
        for [a, b, c, d] in outline.curves.iter().map(|curve| curve.map(moved)) {
            if a == b && c == d { ink.draw_line(a, d) } else { ink.draw_cubic(a, b, c, d) }
        }
        let (left, top) = (left as i32, top as i32);
        ink.for_each_pixel_2d(|x, y, cover| {
            if cover > 0.004 {
                let x = left + x as i32;
                self.blend(top + y as i32, x, x + 1, colour, (cover.min(1.0) * 256.0) as u32);
            }
        });
    }

    /// A gradient from the top to the bottom of these rows, dithered so that it shows no bands.
    pub fn gradient(&mut self, rows: std::ops::Range<usize>, top: Rgb, bottom: Rgb) {
        let span = rows.len().max(1);
        let width = self.width as i32;
        for (at, row) in rows.enumerate() {
            let shade = Shade::new(top, bottom, at, span, row);
            shade.paint(self.span(row as i32, 0, width));
        }
    }

    /// Everything below a line of heights (in 1/256 pixels from the top, one for each column).
    pub fn ground(&mut self, line: &[i32], top: Rgb, bottom: Rgb) {
        const BLOCK: usize = 32;
        let blocks: Vec<(i32, i32)> = (line.chunks(BLOCK))
            .map(|block| {
                (
                    block.iter().copied().min().unwrap_or_default(),
                    block.iter().copied().max().unwrap_or_default(),
                )
            })
            .collect();
        let highest = blocks.iter().map(|(min, _)| *min).min().unwrap_or_default();
        let first = (highest >> 8).clamp(0, self.height as i32) as usize;
        let span = (self.height - first).max(1);
        let width = self.width as i32;
        for row in first..self.height {
            let shade = Shade::new(top, bottom, row - first, span, row);
            let y = (row as i32) << 8;
            let pixels = self.span(row as i32, 0, width).chunks_mut(BLOCK * 3);
            for ((pixels, line), (min, max)) in pixels.zip(line.chunks(BLOCK)).zip(&blocks) {
                if *max <= y {
                    shade.paint(pixels);
                } else if *min < y + 256 {
                    for ((pixel, height), colour) in
                        pixels.chunks_exact_mut(3).zip(line).zip(shade.pattern.chunks_exact(3).cycle())
                    {
                        let cover = (y + 256 - height).clamp(0, 256) as u32;
                        for (byte, c) in pixel.iter_mut().zip(colour) {
                            *byte = mix_byte(*byte, *c, cover);
                        }
                    }
                }
            }
        }
    }

    /// Puts a picture of the same kind of pixels here, cut to the sheet.
    pub fn paste(&mut self, picture: &Canvas, left: i32, top: i32) {
        if left < 0 || picture.width == 0 {
            return;
        }
        for (row, y) in picture.data.chunks_exact(picture.width * 3).zip(top..) {
            let target = self.span(y, left, left + picture.width as i32);
            for (to, from) in target.iter_mut().zip(row) {
                *to = *from;
            }
        }
    }
}

/// One row of a gradient: four pixels that are repeated.
struct Shade {
    pattern: [u8; 48],
}

impl Shade {
    fn new(top: Rgb, bottom: Rgb, at: usize, of: usize, row: usize) -> Self {
        // A 4x4 ordered dither; each row of the sheet uses one row of it.
        const DITHER: [[i32; 4]; 4] = [[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]];
        let dither = DITHER.get(row % 4).copied().unwrap_or_default();
        let exact = |a: u8, b: u8| {
            let (a, b) = (i64::from(a) * 256, i64::from(b) * 256);
            (a + (b - a) * at as i64 / of as i64) as i32
        };
        let [tr, tg, tb] = top;
        let [br, bg, bb] = bottom;
        let exact = [exact(tr, br), exact(tg, bg), exact(tb, bb)];
        let mut pattern = [0; 48];
        for (pixel, add) in pattern.chunks_exact_mut(3).zip(dither.iter().cycle()) {
            for (byte, exact) in pixel.iter_mut().zip(exact) {
                *byte = ((exact + add * 16) >> 8).clamp(0, 255) as u8;
            }
        }
        Shade { pattern }
    }

    fn paint(&self, pixels: &mut [u8]) {
        for chunk in pixels.chunks_mut(self.pattern.len()) {
            match chunk.len() {
                48 => chunk.copy_from_slice(&self.pattern),
                _ => chunk.iter_mut().zip(self.pattern).for_each(|(to, from)| *to = from),
            }
        }
    }
}
