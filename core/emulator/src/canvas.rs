//! A sheet of RGB pixels and the few strokes that the emulator's pictures are made of.
//!
//! A canvas is a band of the whole sheet's rows, so that several threads can paint one picture. Rows are
//! filled and blended as byte slices: a 4K picture must be drawn in a fraction of a second.

use super::outline::{Edge, Shape, Spot, cover};

/// Red, green, blue.
pub(super) type Rgb = [u8; 3];

/// `a` with `t` of 256 parts of `b` in it.
pub(super) fn mix(a: Rgb, b: Rgb, t: u32) -> Rgb {
    let [ar, ag, ab] = a;
    let [br, bg, bb] = b;
    [mix_byte(ar, br, t), mix_byte(ag, bg, t), mix_byte(ab, bb, t)]
}

#[inline]
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

/// How a shape's paint changes within the box around it.
#[derive(Clone, Copy)]
enum Flow {
    Flat,
    Down,
    /// Between these two rows of the sheet.
    Rows(f32, f32),
    Across,
    /// From a place, in parts of the box, outwards.
    Ball(f32, f32),
}

/// What a shape is filled with: one colour or two, covering or not.
#[derive(Clone, Copy)]
pub(super) struct Paint {
    flow: Flow,
    from: Rgb,
    to: Rgb,
    /// Of 256, at the beginning and at the end.
    alpha: (u32, u32),
}

impl Paint {
    pub fn flat(colour: Rgb) -> Self {
        Paint { flow: Flow::Flat, from: colour, to: colour, alpha: (256, 256) }
    }

    /// From the shape's top to its bottom.
    pub fn down(from: Rgb, to: Rgb) -> Self {
        Paint { flow: Flow::Down, from, to, alpha: (256, 256) }
    }

    /// From one row of the sheet to another.
    pub fn rows(from: Rgb, to: Rgb, top: f32, bottom: f32) -> Self {
        Paint { flow: Flow::Rows(top, bottom), ..Paint::down(from, to) }
    }

    /// From the shape's left to its right.
    pub fn across(from: Rgb, to: Rgb) -> Self {
        Paint { flow: Flow::Across, from, to, alpha: (256, 256) }
    }

    /// Like a ball with the light from the upper left.
    pub fn ball(from: Rgb, to: Rgb) -> Self {
        Paint { flow: Flow::Ball(0.36, 0.32), from, to, alpha: (256, 256) }
    }

    /// Like a ball with the light from there, in parts of its box.
    pub fn ball_from(x: f32, y: f32, from: Rgb, to: Rgb) -> Self {
        Paint { flow: Flow::Ball(x, y), from, to, alpha: (256, 256) }
    }

    pub fn alpha(self, alpha: u32) -> Self {
        Paint { alpha: (alpha, alpha), ..self }
    }

    pub fn fade(self, from: u32, to: u32) -> Self {
        Paint { alpha: (from, to), ..self }
    }

    /// With so many of 256 parts of another colour in it.
    pub fn tinted(self, colour: Rgb, share: u32) -> Self {
        Paint { from: mix(self.from, colour, share), to: mix(self.to, colour, share), ..self }
    }

    /// Whether nothing shows through.
    pub fn covers(&self) -> bool {
        self.alpha == (256, 256)
    }

    /// In one colour.
    pub fn middle(&self) -> Rgb {
        mix(self.from, self.to, 110)
    }

    fn at(&self, t: f32) -> (Rgb, u32) {
        let t = (t.clamp(0.0, 1.0) * 256.0) as u32;
        (mix(self.from, self.to, t), (self.alpha.0 * (256 - t) + self.alpha.1 * t) >> 8)
    }
}

/// Colours on a wide grid, mixed between: skies, clouds and light, which have no edges.
pub(super) struct Field {
    columns: usize,
    step: usize,
    /// Where it ends.
    height: usize,
    /// In 1/256.
    cells: Vec<[i32; 3]>,
}

impl Field {
    /// Asks for the colour of each place of the grid.
    pub fn new(width: usize, height: usize, step: usize, colour: impl Fn(f32, f32) -> [f32; 3]) -> Self {
        let step = step.max(1).next_multiple_of(4);
        let (columns, rows) = (width.div_ceil(step) + 1, height.div_ceil(step) + 1);
        let cells = (0..rows)
            .flat_map(|row| (0..columns).map(move |column| (column, row)))
            .map(|(column, row)| {
                let colour = colour((column * step) as f32, (row * step) as f32);
                colour.map(|value| (value * 256.0).clamp(0.0, 65279.0) as i32)
            })
            .collect();
        Field { columns, step, height, cells }
    }
}

/// Pixels that are pasted.
pub(super) struct Patch {
    pub width: usize,
    pub data: Vec<u8>,
}

/// A band of the sheet.
pub(super) struct Canvas<'a> {
    /// The whole sheet's.
    pub width: usize,
    /// The first row that is here.
    top: usize,
    rows: usize,
    data: &'a mut [u8],
}

impl<'a> Canvas<'a> {
    /// The rows of a sheet from `top` on, three bytes for each pixel.
    pub fn new(width: usize, top: usize, data: &'a mut [u8]) -> Self {
        Canvas { width, top, rows: data.len() / (width * 3).max(1), data }
    }

    /// Whether any of these rows is here.
    pub fn shows(&self, top: f32, bottom: f32) -> bool {
        top < (self.top + self.rows) as f32 && bottom > self.top as f32
    }

    /// The rows that are here, each with its number.
    pub fn lines(&mut self) -> impl Iterator<Item = (usize, &mut [u8])> {
        (self.top..).zip(self.data.chunks_exact_mut((self.width * 3).max(1)))
    }

    /// The bytes of the pixels from `left` to before `right` in row `y`, cut to what is here.
    fn span(&mut self, y: i32, left: i32, right: i32) -> &mut [u8] {
        let (Some(y), width) = (usize::try_from(y).ok().and_then(|y| y.checked_sub(self.top)), self.width)
        else {
            return &mut [];
        };
        let (left, right) = (left.clamp(0, width as i32) as usize, right.clamp(0, width as i32) as usize);
        if left >= right || y >= self.rows {
            return &mut [];
        }
        let row = y * width;
        self.data.get_mut((row + left) * 3..(row + right) * 3).unwrap_or_default()
    }

    /// Lays `alpha` of 256 parts of a colour over a part of a row.
    pub fn blend(&mut self, y: i32, left: i32, right: i32, colour: Rgb, alpha: u32) {
        lay(self.span(y, left, right), colour, alpha);
    }

    /// Light that fades out towards its oval's edge.
    pub fn glow(&mut self, (x, y): Spot, (rx, ry): Spot, colour: Rgb, strength: f32) {
        if !(self.shows(y - ry, y + ry) && rx > 0.0 && ry > 0.0) {
            return;
        }
        let (first, last) = ((y - ry).max(self.top as f32) as i32, (y + ry).ceil());
        let [r, g, b] = colour;
        for row in first..last.min((self.top + self.rows) as f32) as i32 {
            let dy = (row as f32 + 0.5 - y) / ry;
            let rest = 1.0 - dy * dy;
            if rest <= 0.0 {
                continue;
            }
            let half = rest.sqrt() * rx;
            let left = ((x - half) as i32).max(0);
            let (step, mut dx) = (rx.recip(), (left as f32 + 0.5 - x) / rx);
            for pixel in self.span(row, left, (x + half) as i32).chunks_exact_mut(3) {
                let near = (rest - dx * dx).max(0.0);
                let alpha = (near * near * strength) as u32;
                if let [to_r, to_g, to_b] = pixel {
                    *to_r = mix_byte(*to_r, r, alpha);
                    *to_g = mix_byte(*to_g, g, alpha);
                    *to_b = mix_byte(*to_b, b, alpha);
                }
                dx += step;
            }
        }
    }

    /// Fills a shape.
    pub fn fill(&mut self, shape: &Shape, paint: &Paint) {
        if !self.shows(shape.top, shape.bottom) {
            return;
        }
        let first = shape.top.floor().max(self.top as f32) as i32;
        let last = shape.bottom.ceil().min((self.top + self.rows) as f32) as i32;
        let width = self.width as f32;
        let mut edges = shape.edges.iter().peekable();
        let mut active: Vec<Edge> = Vec::new();
        let mut cells: Vec<(i32, f32)> = Vec::new();
        for row in first..last {
            let (y, below) = (row as f32, row as f32 + 1.0);
            while let Some(edge) = edges.next_if(|edge| edge.top < below) {
                active.push(*edge);
            }
            active.retain(|edge| edge.bottom > y);
            cells.clear();
            for edge in &active {
                let (from, to) = (edge.top.max(y), edge.bottom.min(below));
                let at = |y: f32| (edge.x + (y - edge.top) * edge.slope).clamp(0.0, width);
                let (a, b) = (at(from), at(to));
                cover(&mut cells, (a.min(b), a.max(b)), (to - from) * edge.sign);
            }
            if cells.len() > 2 {
                cells.sort_unstable_by_key(|(x, _)| *x);
            }
            let ink = Ink::new(shape, paint, row);
            let (mut sum, mut at) = (0.0f32, 0);
            for (x, change) in &cells {
                if *x > at {
                    if sum.abs() > 0.004 {
                        ink.paint(self.span(row, at, *x), at, (sum.abs() * 256.0 + 0.5) as u32);
                    }
                    at = *x;
                }
                sum += change;
            }
        }
    }

    /// Covers the sheet with a field, dithered so that it shows no bands.
    pub fn field(&mut self, field: &Field) {
        let (step, columns) = (field.step, field.columns);
        let mut line: Vec<[i32; 3]> = vec![[0; 3]; columns];
        for (y, pixels) in self.lines().take_while(|(y, _)| *y < field.height) {
            let (row, part) = (y / step, (y % step * 256 / step) as i32);
            let cells = field.cells.get(row * columns..).unwrap_or_default();
            let below = cells.get(columns..).filter(|below| !below.is_empty()).unwrap_or(cells);
            for (to, (a, b)) in line.iter_mut().zip(cells.iter().zip(below)) {
                let ([ar, ag, ab], [br, bg, bb]) = (*a, *b);
                let mixed = |a: i32, b: i32| a + (((b - a) * part) >> 8);
                *to = [mixed(ar, br), mixed(ag, bg), mixed(ab, bb)];
            }
            let [d0, d1, d2, d3] = dither(y);
            let pairs = line.iter().zip(line.iter().skip(1));
            for (piece, ([ar, ag, ab], [br, bg, bb])) in pixels.chunks_mut(step * 3).zip(pairs) {
                let each = |a: i32, b: i32| (b - a) * 4 / step as i32;
                let (dr, dg, db) = (each(*ar, *br), each(*ag, *bg), each(*ab, *bb));
                let (mut r, mut g, mut b) = (*ar, *ag, *ab);
                // Four pixels at a time differ by the dither only: nothing in a field is finer.
                for four in piece.chunks_mut(12) {
                    let at = |value: i32, add: i32| ((value + add) >> 8) as u8;
                    if let [r0, g0, b0, r1, g1, b1, r2, g2, b2, r3, g3, b3] = four {
                        (*r0, *g0, *b0) = (at(r, d0), at(g, d0), at(b, d0));
                        (*r1, *g1, *b1) = (at(r, d1), at(g, d1), at(b, d1));
                        (*r2, *g2, *b2) = (at(r, d2), at(g, d2), at(b, d2));
                        (*r3, *g3, *b3) = (at(r, d3), at(g, d3), at(b, d3));
                    } else {
                        let rest = four.chunks_exact_mut(3).zip([d0, d1, d2]);
                        rest.for_each(|(to, add)| to.copy_from_slice(&[at(r, add), at(g, add), at(b, add)]));
                    }
                    (r, g, b) = (r + dr, g + dg, b + db);
                }
            }
        }
    }

    /// Hands out each row with the field's values (0 to 255) at its pixels.
    pub fn with_rows(&mut self, field: &Field, mut touch: impl FnMut(&mut [u8], u32, &[[u32; 3]])) {
        let (step, columns) = (field.step, field.columns);
        let mut values: Vec<[u32; 3]> = vec![[0; 3]; self.width];
        for (y, pixels) in self.lines() {
            let (row, part) = (y / step, (y % step * 256 / step) as i32);
            let cells = field.cells.get(row * columns..).unwrap_or_default();
            let below = cells.get(columns..).filter(|below| !below.is_empty()).unwrap_or(cells);
            let mixed = |[ar, ag, ab]: [i32; 3], [br, bg, bb]: [i32; 3], part: i32| {
                let one = |a: i32, b: i32| a + (((b - a) * part) >> 8);
                [one(ar, br), one(ag, bg), one(ab, bb)]
            };
            let line = cells.iter().zip(below).map(|(a, b)| mixed(*a, *b, part));
            let next = cells.iter().zip(below).skip(1).map(|(a, b)| mixed(*a, *b, part));
            for (values, (a, b)) in values.chunks_mut(step).zip(line.zip(next)) {
                for (x, value) in values.iter_mut().enumerate() {
                    *value = mixed(a, b, (x * 256 / step) as i32).map(|value| (value >> 8) as u32);
                }
            }
            touch(pixels, y as u32, &values);
        }
    }

    /// Hands out each pixel with its place and the field's values there.
    pub fn with_field(&mut self, field: &Field, mut touch: impl FnMut(&mut [u8], u32, u32, [u32; 3])) {
        self.with_rows(field, |pixels, y, values| {
            for ((x, pixel), value) in (0..).zip(pixels.chunks_exact_mut(3)).zip(values) {
                touch(pixel, x, y, *value);
            }
        });
    }

    /// Covers the sheet with a small picture whose pixels are squares of this side.
    pub fn blocks(&mut self, patch: &Patch, side: usize) {
        let (side, stride) = (side.max(1), patch.width * 3);
        for (y, pixels) in self.lines() {
            let from = y / side * stride;
            let row = patch.data.get(from..from + stride).unwrap_or_default();
            for (square, colour) in pixels.chunks_mut(side * 3).zip(row.chunks_exact(3)) {
                // Few colours, as such machines had.
                let mut few = [0; 3];
                few.iter_mut().zip(colour).for_each(|(to, from)| *to = (*from & 0xe0) | (*from >> 3 & 0x1c));
                square.chunks_exact_mut(3).for_each(|pixel| pixel.copy_from_slice(&few));
            }
        }
    }

    /// Puts pixels here, cut to the sheet.
    pub fn paste(&mut self, patch: &Patch, left: i32, top: i32) {
        if left < 0 || patch.width == 0 {
            return;
        }
        for (row, y) in patch.data.chunks_exact(patch.width * 3).zip(top..) {
            let target = self.span(y, left, left + patch.width as i32);
            for (to, from) in target.iter_mut().zip(row) {
                *to = *from;
            }
        }
    }
}

fn lay(span: &mut [u8], colour: Rgb, alpha: u32) {
    if alpha >= 256 {
        for pixel in span.chunks_exact_mut(3) {
            pixel.copy_from_slice(&colour);
        }
    } else if alpha > 0 {
        let [r, g, b] = colour.map(|c| u32::from(c) * alpha + 128);
        let rest = 256 - alpha;
        for pixel in span.chunks_exact_mut(3) {
            if let [to_r, to_g, to_b] = pixel {
                *to_r = ((u32::from(*to_r) * rest + r) >> 8) as u8;
                *to_g = ((u32::from(*to_g) * rest + g) >> 8) as u8;
                *to_b = ((u32::from(*to_b) * rest + b) >> 8) as u8;
            }
        }
    }
}

/// A 4x4 ordered dither; each row of the sheet uses one row of it.
fn dither(row: usize) -> [i32; 4] {
    const DITHER: [[i32; 4]; 4] = [[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]];
    DITHER.get(row % 4).copied().unwrap_or_default().map(|add| add * 16)
}

/// One row of a shape's paint.
enum Ink<'a> {
    Flat(Rgb, u32),
    /// Four dithered pixels that are repeated, and their colour.
    Row([u8; 48], Rgb),
    Each {
        paint: &'a Paint,
        /// From the place of a pixel to what stands for `t`.
        x: (f32, f32),
        y: f32,
        is_round: bool,
    },
}

impl<'a> Ink<'a> {
    fn new(shape: &Shape, paint: &'a Paint, row: i32) -> Self {
        let (wide, high) = ((shape.right - shape.left).max(1.0), (shape.bottom - shape.top).max(1.0));
        let down = match paint.flow {
            Flow::Rows(top, bottom) => (row as f32 + 0.5 - top) / (bottom - top).max(1.0),
            _ => (row as f32 + 0.5 - shape.top) / high,
        };
        match paint.flow {
            Flow::Flat => Ink::Flat(paint.from, paint.alpha.0),
            Flow::Down | Flow::Rows(..) if !paint.covers() => {
                let (colour, alpha) = paint.at(down);
                Ink::Flat(colour, alpha)
            }
            Flow::Down | Flow::Rows(..) => {
                let t = down.clamp(0.0, 1.0);
                let exact =
                    |a: u8, b: u8| ((f32::from(a) + (f32::from(b) - f32::from(a)) * t) * 256.0) as i32;
                let ([ar, ag, ab], [br, bg, bb]) = (paint.from, paint.to);
                let exact = [exact(ar, br), exact(ag, bg), exact(ab, bb)];
                let mut pattern = [0; 48];
                let dither = dither(row.max(0) as usize);
                let [r, g, b] = exact;
                let mut four = [0; 12];
                for (pixel, add) in four.chunks_exact_mut(3).zip(dither) {
                    let at = |exact: i32| ((exact + add) >> 8).min(255) as u8;
                    pixel.copy_from_slice(&[at(r), at(g), at(b)]);
                }
                pattern.chunks_exact_mut(12).for_each(|to| to.copy_from_slice(&four));
                Ink::Row(pattern, exact.map(|value| (value >> 8) as u8))
            }
            Flow::Across => {
                Ink::Each { paint, x: (wide.recip(), -shape.left / wide), y: 0.0, is_round: false }
            }
            Flow::Ball(x, y) => {
                // The end is where the farthest edge is.
                let reach = 1.0 - x.min(y).min(0.5);
                let scale = (wide * reach).recip();
                Ink::Each {
                    paint,
                    x: (scale, -(shape.left + x * wide) * scale),
                    y: (down - y) / reach,
                    is_round: true,
                }
            }
        }
    }

    fn paint(&self, span: &mut [u8], left: i32, cover: u32) {
        let cover = cover.min(256);
        match self {
            Ink::Flat(colour, alpha) => lay(span, *colour, (alpha * cover) >> 8),
            Ink::Row(_, colour) if cover < 256 => lay(span, *colour, cover),
            Ink::Row(pattern, _) => {
                for chunk in span.chunks_mut(pattern.len()) {
                    match chunk.len() {
                        48 => chunk.copy_from_slice(pattern),
                        _ => chunk.iter_mut().zip(pattern).for_each(|(to, from)| *to = *from),
                    }
                }
            }
            Ink::Each { paint, x: (scale, shift), y, is_round } => {
                let mut x = (left as f32 + 0.5) * scale + shift;
                let ([ar, ag, ab], [br, bg, bb]) = (paint.from, paint.to);
                let (from, to) = paint.alpha;
                let is_whole = cover >= 256 && paint.covers();
                for pixel in span.chunks_exact_mut(3) {
                    let t = if *is_round { (x * x + y * y).sqrt() } else { x };
                    let t = (t.clamp(0.0, 1.0) * 256.0) as u32;
                    let (r, g, b) = (mix_byte(ar, br, t), mix_byte(ag, bg, t), mix_byte(ab, bb, t));
                    if let [to_r, to_g, to_b] = pixel {
                        if is_whole {
                            (*to_r, *to_g, *to_b) = (r, g, b);
                        } else {
                            let alpha = (((from * (256 - t) + to * t) >> 8) * cover) >> 8;
                            *to_r = mix_byte(*to_r, r, alpha);
                            *to_g = mix_byte(*to_g, g, alpha);
                            *to_b = mix_byte(*to_b, b, alpha);
                        }
                    }
                    x += scale;
                }
            }
        }
    }
}
