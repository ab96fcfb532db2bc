//! Outlines of lines and curves, and the areas that a fill or a pen covers of the sheet.

/// A place on the sheet, in pixels from its upper left corner.
pub(super) type Spot = (f32, f32);

/// An outline of straight lines and curves.
#[derive(Default, Clone)]
pub(super) struct Outline {
    curves: Vec<[Spot; 4]>,
    start: Option<Spot>,
    at: Option<Spot>,
}

impl Outline {
    /// Begins a new contour here; the one before is closed.
    pub fn from(mut self, x: f32, y: f32) -> Self {
        self = self.closed();
        (self.start, self.at) = (Some((x, y)), Some((x, y)));
        self
    }

    /// A straight line to here.
    pub fn line(mut self, x: f32, y: f32) -> Self {
        if let Some(from) = self.at {
            self.curves.push([from, from, (x, y), (x, y)]);
            self.at = Some((x, y));
        }
        self
    }

    /// A cubic curve with these two control points.
    pub fn curve(mut self, a: Spot, b: Spot, to: Spot) -> Self {
        if let Some(from) = self.at {
            self.curves.push([from, a, b, to]);
            self.at = Some(to);
        }
        self
    }

    /// A contour of straight lines.
    pub fn polygon(points: &[Spot]) -> Self {
        let mut points = points.iter();
        let start = points.next().map_or_else(Outline::default, |(x, y)| Outline::default().from(*x, *y));
        points.fold(start, |outline, (x, y)| outline.line(*x, *y))
    }

    /// A round contour through these points.
    pub fn smooth(points: &[Spot]) -> Self {
        let count = points.len();
        let at = |index: usize| points.get(index % count.max(1)).copied().unwrap_or_default();
        let (x, y) = at(0);
        (0..count).fold(Outline::default().from(x, y), |outline, index| {
            let (before, from) = (at(index + count - 1), at(index));
            let (to, after) = (at(index + 1), at(index + 2));
            let a = (from.0 + (to.0 - before.0) / 6.0, from.1 + (to.1 - before.1) / 6.0);
            let b = (to.0 - (after.0 - from.0) / 6.0, to.1 - (after.1 - from.1) / 6.0);
            outline.curve(a, b, to)
        })
    }

    /// An oval contour.
    pub fn oval((x, y): Spot, (rx, ry): Spot) -> Self {
        Outline::default().and_oval((x, y), (rx, ry))
    }

    /// One more oval contour.
    pub fn and_oval(self, (x, y): Spot, (rx, ry): Spot) -> Self {
        let (kx, ky) = (rx * 0.5523, ry * 0.5523);
        self.from(x + rx, y)
            .curve((x + rx, y + ky), (x + kx, y + ry), (x, y + ry))
            .curve((x - kx, y + ry), (x - rx, y + ky), (x - rx, y))
            .curve((x - rx, y - ky), (x - kx, y - ry), (x, y - ry))
            .curve((x + kx, y - ry), (x + rx, y - ky), (x + rx, y))
    }

    /// A rectangle with rounded corners.
    pub fn card((left, top, right, bottom): (f32, f32, f32, f32), round: f32) -> Self {
        let round = round.min((right - left) / 2.0).min((bottom - top) / 2.0).max(0.0);
        let k = round * 0.4477;
        Outline::default()
            .from(left + round, top)
            .line(right - round, top)
            .curve((right - k, top), (right, top + k), (right, top + round))
            .line(right, bottom - round)
            .curve((right, bottom - k), (right - k, bottom), (right - round, bottom))
            .line(left + round, bottom)
            .curve((left + k, bottom), (left, bottom - k), (left, bottom - round))
            .line(left, top + round)
            .curve((left, top + k), (left + k, top), (left + round, top))
    }

    fn closed(self) -> Self {
        match (self.start, self.at) {
            (Some((x, y)), Some(at)) if at != (x, y) => self.line(x, y),
            _ => self,
        }
    }

    /// Turned by an angle, scaled (across and down), then moved.
    pub fn placed(mut self, angle: f32, (wide, high): Spot, x: f32, y: f32) -> Self {
        self = self.closed();
        let (sin, cos) = angle.sin_cos();
        for p in self.curves.iter_mut().flatten() {
            let (px, py) = (p.0 * wide, p.1 * high);
            *p = (px * cos - py * sin + x, px * sin + py * cos + y);
        }
        (self.start, self.at) = (None, None);
        self
    }

    /// Its straight pieces, short enough to look round.
    fn pieces(self) -> Vec<[Spot; 2]> {
        let mut pieces = Vec::with_capacity(self.curves.len() * 4);
        for [a, b, c, d] in self.closed().curves {
            if a == b && c == d {
                pieces.push([a, d]);
                continue;
            }
            let far = |p: Spot, q: Spot| (p.0 - q.0).abs() + (p.1 - q.1).abs();
            let count = (far(a, b) + far(b, c) + far(c, d)).sqrt().clamp(3.0, 60.0) as usize;
            let mut from = a;
            for step in 1..=count {
                let t = step as f32 / count as f32;
                let s = 1.0 - t;
                let at = |a: f32, b: f32, c: f32, d: f32| {
                    s * s * s * a + 3.0 * s * s * t * b + 3.0 * s * t * t * c + t * t * t * d
                };
                let to = (at(a.0, b.0, c.0, d.0), at(a.1, b.1, c.1, d.1));
                pieces.push([from, to]);
                from = to;
            }
        }
        pieces
    }

    /// What a fill of it covers.
    pub fn shape(self) -> Shape {
        Shape::new(self.pieces())
    }

    /// What a pen of this width covers that follows it.
    pub fn stroke(self, width: f32) -> Shape {
        stroke(self.pieces(), width)
    }
}

/// What a pen of this width covers that goes from point to point.
pub(super) fn path(points: &[Spot], width: f32) -> Shape {
    stroke(points.iter().zip(points.iter().skip(1)).map(|(a, b)| [*a, *b]).collect(), width)
}

/// Each piece is a bar; all turn the same way, so that they add up where they meet.
fn stroke(pieces: Vec<[Spot; 2]>, width: f32) -> Shape {
    let half = width / 2.0;
    let mut bars = Vec::with_capacity(pieces.len() * 4);
    for [a, b] in pieces {
        let (dx, dy) = (b.0 - a.0, b.1 - a.1);
        let long = dx.hypot(dy);
        if long < 1e-4 {
            continue;
        }
        let (dx, dy) = (dx / long * half, dy / long * half);
        // Somewhat longer, which closes the corners.
        let more = if half > 2.0 { 0.0 } else { 0.5 };
        let (a, b) = ((a.0 - dx * more, a.1 - dy * more), (b.0 + dx * more, b.1 + dy * more));
        let [p, q, r, s] =
            [(a.0 - dy, a.1 + dx), (b.0 - dy, b.1 + dx), (b.0 + dy, b.1 - dx), (a.0 + dy, a.1 - dx)];
        bars.extend([[p, q], [q, r], [r, s], [s, p]]);
        if half > 2.0 {
            // A wide pen's corners are round.
            let mut from = (a.0 + half, a.1);
            for step in 1..=12 {
                let (sin, cos) = (step as f32 * std::f32::consts::TAU / -12.0).sin_cos();
                let to = (a.0 + cos * half, a.1 + sin * half);
                bars.push([from, to]);
                from = to;
            }
        }
    }
    Shape::new(bars)
}

/// An edge that goes down, and the way it came from.
#[derive(Clone, Copy)]
pub(super) struct Edge {
    /// Where it begins.
    pub x: f32,
    pub top: f32,
    pub bottom: f32,
    /// How far it goes to the right in a row.
    pub slope: f32,
    pub sign: f32,
}

/// An area with its edges in order from the top.
pub(super) struct Shape {
    pub edges: Vec<Edge>,
    pub left: f32,
    pub top: f32,
    pub right: f32,
    pub bottom: f32,
}

impl Shape {
    fn new(pieces: Vec<[Spot; 2]>) -> Self {
        let (mut left, mut top) = (f32::INFINITY, f32::INFINITY);
        let (mut right, mut bottom) = (f32::NEG_INFINITY, f32::NEG_INFINITY);
        let mut edges = Vec::with_capacity(pieces.len());
        for [a, b] in pieces {
            // What is no number is nowhere.
            if !(a.0 + a.1 + b.0 + b.1).is_finite() {
                continue;
            }
            (left, right) = (left.min(a.0).min(b.0), right.max(a.0).max(b.0));
            (top, bottom) = (top.min(a.1).min(b.1), bottom.max(a.1).max(b.1));
            let (from, to, sign) = if a.1 < b.1 { (a, b, 1.0) } else { (b, a, -1.0) };
            if to.1 > from.1 {
                let slope = (to.0 - from.0) / (to.1 - from.1);
                edges.push(Edge { x: from.0, top: from.1, bottom: to.1, slope, sign });
            }
        }
        edges.sort_by(|a, b| a.top.total_cmp(&b.top));
        Shape { edges, left, top, right, bottom }
    }
}

/// Adds what one edge covers of a row, as changes from pixel to pixel.
pub(super) fn cover(cells: &mut Vec<(i32, f32)>, (left, right): (f32, f32), area: f32) {
    let (first, last) = (left.floor(), right.ceil());
    let at = first as i32;
    if right <= first + 1.0 {
        let part = area * (0.5 * (left + right) - first);
        cells.extend([(at, area - part), (at + 1, part)]);
        return;
    }
    let (end, each) = (last as i32, (right - left).recip());
    let from = left - first;
    let begins = 0.5 * each * (1.0 - from) * (1.0 - from);
    let to = right - last + 1.0;
    let ends = 0.5 * each * to * to;
    cells.push((at, area * begins));
    if end == at + 2 {
        cells.push((at + 1, area * (1.0 - begins - ends)));
    } else {
        let second = each * (1.5 - from);
        cells.push((at + 1, area * (second - begins)));
        cells.extend((at + 2..end - 1).map(|x| (x, area * each)));
        let so_far = second + (end - at - 3) as f32 * each;
        cells.push((end - 1, area * (1.0 - so_far - ends)));
    }
    cells.push((end, area * ends));
}
