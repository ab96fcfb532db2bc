//! Where a picture plays: sky, land, sea, a city, space, a table, or a play of shapes, from the far to the
//! near, with the air between. It leaves a place for the subject.

use super::board::{Board, Brush};
use super::noise::fbm;
use super::palette::{Light, Palette, oklch};
use super::styles::Hand;
use super::subjects::{self, Subject};
use super::{Dice, Words};
use crate::canvas::{Field, Paint, Rgb, mix};
use crate::outline::{Outline, Spot, path};

#[derive(Clone, Copy, Default, PartialEq, Debug)]
pub(super) enum Place {
    #[default]
    Hills,
    Sea,
    Peaks,
    Desert,
    Forest,
    City,
    Space,
    Shapes,
    Table,
    Studio,
    Deep,
    Blocks,
}

impl Place {
    pub fn of(words: &Words, subject: Option<Subject>, dice: &mut Dice) -> Self {
        let known: &[(Place, &[&str])] = &[
            (Place::Blocks, &["isometric", "isometry"]),
            (Place::Deep, &["underwater", "reef", "coral", "aquarium"]),
            (
                Place::Space,
                &["space", "galaxy", "planet*", "cosmic", "cosmos", "nebula*", "orbit*", "universe", "mars"],
            ),
            (
                Place::City,
                &[
                    "city",
                    "cities",
                    "skyline",
                    "street*",
                    "tower*",
                    "urban",
                    "downtown",
                    "skyscraper*",
                    "tokyo",
                ],
            ),
            (Place::Desert, &["desert*", "dune*", "sahara", "canyon"]),
            (Place::Forest, &["forest*", "wood", "woods", "jungle", "pine*"]),
            (Place::Peaks, &["mountain*", "peak*", "alp*", "snow*", "glacier*", "himalaya*"]),
            (
                Place::Sea,
                &[
                    "sea", "ocean*", "beach*", "wave*", "harbour*", "harbor*", "coast*", "lake*", "bay",
                    "island*", "tide*",
                ],
            ),
            (Place::Table, &["table", "kitchen", "still", "bowl", "vase"]),
            (
                Place::Shapes,
                &[
                    "abstract*",
                    "logo*",
                    "pattern*",
                    "icon*",
                    "infographic*",
                    "diagram*",
                    "geometric*",
                    "bauhaus",
                    "poster*",
                ],
            ),
            (Place::Studio, &["studio", "product", "sticker*"]),
            (Place::Hills, &["hill*", "meadow*", "garden*", "field*", "valley*", "countryside", "park"]),
        ];
        if let Some((place, _)) = known.iter().find(|(_, names)| words.say(names)) {
            return *place;
        }
        match subject {
            Some(Subject::Boat | Subject::BananaBoat | Subject::Lighthouse) => Place::Sea,
            Some(Subject::Rocket) => Place::Space,
            Some(Subject::Cactus) => Place::Desert,
            Some(Subject::Fish) => Place::Deep,
            Some(Subject::Cup | Subject::Apple) => Place::Table,
            Some(Subject::Portrait | Subject::Robot) => Place::Studio,
            Some(Subject::Banana) => dice.pick(&[Place::Studio, Place::Table, Place::Hills, Place::Sea]),
            Some(Subject::Bird | Subject::Flowers) => dice.pick(&[Place::Hills, Place::Studio]),
            Some(Subject::Balloon) => dice.pick(&[Place::Hills, Place::Peaks, Place::Desert]),
            Some(_) => Place::Hills,
            None => dice.pick(&[
                Place::Hills,
                Place::Sea,
                Place::Peaks,
                Place::Desert,
                Place::Forest,
                Place::City,
                Place::Shapes,
                Place::Hills,
                Place::Peaks,
                Place::Shapes,
            ]),
        }
    }
}

pub(super) struct Scene<'a> {
    pub p: &'a Palette,
    pub place: Place,
    pub is_winter: bool,
    width: f32,
    height: f32,
    /// Above this row nothing is hidden by the caption.
    floor: f32,
    unit: f32,
    sun: Spot,
    radius: f32,
    /// On which side the sun stands: -1 or 1.
    side: f32,
}

impl<'a> Scene<'a> {
    pub fn new(p: &'a Palette, place: Place, board: &Board, floor: f32, dice: &mut Dice) -> Self {
        let (width, height) = (board.width, board.height);
        let unit = width.min(floor).max(1.0);
        let side = if dice.next().is_multiple_of(2) { 1.0 } else { -1.0 };
        let high = match p.light {
            Light::Dusk | Light::Dawn => dice.between(0.36, 0.52),
            _ => dice.between(0.15, 0.34),
        };
        let sun = (width * (0.5 + side * dice.between(0.14, 0.34)), floor * high);
        let radius = unit * dice.between(0.05, 0.1);
        Scene { p, place, is_winter: false, width, height, floor, unit, sun, radius, side }
    }

    /// Paints it, and says where the subject stands, how large, and how much of the scene's light it takes.
    pub fn paint(&self, board: &mut Board, dice: &mut Dice) {
        match self.place {
            Place::Hills => {
                self.sky(board, dice, 0.66);
                self.hills(board, dice);
            }
            Place::Sea => {
                self.sky(board, dice, 0.6);
                self.sea(board, dice);
            }
            Place::Peaks => {
                self.sky(board, dice, 0.7);
                self.peaks(board, dice);
            }
            Place::Desert => {
                self.sky(board, dice, 0.62);
                self.desert(board, dice);
            }
            Place::Forest => {
                self.sky(board, dice, 0.8);
                self.forest(board, dice);
            }
            Place::City => {
                self.sky(board, dice, 0.78);
                self.city(board, dice);
            }
            Place::Space => self.space(board, dice),
            Place::Shapes => self.shapes(board, dice),
            Place::Table => self.table(board, dice),
            Place::Studio => self.studio(board, dice),
            Place::Deep => self.deep(board, dice),
            Place::Blocks => self.blocks(board, dice),
        }
    }

    pub fn subject(&self, board: &mut Board, subject: Subject, dice: &mut Dice) {
        let (w, f, unit) = (self.width, self.floor, self.unit);
        // Away from the sun, a third into the picture; alone in a room it stands in the middle.
        let aside = 0.5 - self.side * dice.between(0.06, 0.17);
        let is_room = matches!(self.place, Place::Table | Place::Studio | Place::Space | Place::Deep);
        let x = w * if is_room { 0.5 + dice.between(-0.03, 0.03) } else { aside };
        let ground = match self.place {
            Place::Sea => 0.8,
            Place::Table => 0.86,
            Place::Studio => 0.9,
            Place::Space | Place::Deep => 0.78,
            _ => 0.92,
        };
        let floats = matches!(subject, Subject::Banana | Subject::Balloon | Subject::Fish);
        let (y, size) = match subject {
            Subject::Banana if matches!(self.place, Place::Table) => (f * 0.72, unit * 0.34),
            Subject::Banana => (f * 0.55, unit * 0.38),
            Subject::Balloon => (f * 0.42, unit * 0.27),
            Subject::Fish => (f * 0.5, unit * 0.32),
            Subject::Portrait => (f, unit * 0.44),
            Subject::Boat | Subject::BananaBoat => (f * ground, unit * 0.25),
            Subject::Lighthouse => (f * 0.8, unit * 0.29),
            Subject::Rocket => (f * ground, unit * 0.31),
            Subject::Apple | Subject::Cup => (f * ground, unit * 0.33),
            Subject::House | Subject::Tree | Subject::Flowers | Subject::Bird => (f * ground, unit * 0.33),
            Subject::Cat | Subject::Robot | Subject::Cactus => (f * ground, unit * 0.34),
        };
        let angle = match subject {
            Subject::Banana => dice.between(-0.4, 0.25),
            Subject::Rocket => dice.between(0.15, 0.5),
            Subject::Boat | Subject::BananaBoat => dice.between(-0.05, 0.05),
            _ => 0.0,
        };
        let share = match self.p.light {
            Light::Night if !is_room => 84,
            Light::Dusk | Light::Storm if !is_room => 44,
            Light::Mist => 24,
            _ => 0,
        };
        let [_, middle, low, _] = self.p.sky;
        let air =
            if self.p.light == Light::Night { mix(self.p.dark, middle, 90) } else { mix(middle, low, 100) };
        if floats && self.place != Place::Deep {
            // Light behind it lifts it off the ground.
            board.glow((x, y), (size * 2.1, size * 1.7), self.p.pale, 90.0);
        }
        if self.place == Place::Table && subject == Subject::Banana {
            board.glow((x, y + size * 0.46), (size * 1.2, size * 0.2), [16, 12, 24], 160.0);
        }
        let is_afloat = self.place == Place::Sea && matches!(subject, Subject::Boat | Subject::BananaBoat);
        if is_afloat {
            let deep = mix(self.p.water, self.p.dark, 110);
            board.glow((x, y + size * 0.42), (size * 1.3, size * 0.24), deep, 190.0);
        }
        let share = if subject == Subject::Banana { share / 2 } else { share };
        let mut brush = Brush { board, at: (x, y), size, angle, tint: (air, share) };
        subject.draw(&mut brush, self.p, dice);
        if is_afloat {
            for step in 0..6 {
                let near = step as f32 / 6.0;
                let y = y + size * (0.3 + near * 0.5);
                let wide = size * (1.15 - near * 0.5) * dice.between(0.6, 1.0);
                let from = x + size * dice.between(-0.25, 0.25);
                let (foam, alpha) = (mix(self.p.water, self.p.pale, 120), 150 - step * 18);
                ripple(board, (from, y), wide, unit * 0.005, foam, alpha);
            }
        }
    }

    /// The field behind everything in a hand that draws no soft things.
    fn backdrop(&self, board: &mut Board) -> bool {
        let (w, h) = (board.width as usize, board.height as usize);
        let plain = |colour: Rgb| Field::new(w, h, w.max(h), |_, _| colour.map(f32::from));
        match board.hand {
            Hand::Lines { paper, ink, tone } => {
                board.field(plain(paper));
                if tone == 26 {
                    // Blueprints are drawn on a grid.
                    let cell = self.unit / 20.0;
                    for (step, alpha) in [(cell, 26), (cell * 5.0, 50)] {
                        let paint = Paint::flat(ink).alpha(alpha);
                        for index in 0..(self.width / step) as i32 + 1 {
                            let x = index as f32 * step;
                            board.lay(path(&[(x, 0.0), (x, self.height)], board.pen * 0.6), paint);
                        }
                        for index in 0..(self.height / step) as i32 + 1 {
                            let y = index as f32 * step;
                            board.lay(path(&[(0.0, y), (self.width, y)], board.pen * 0.6), paint);
                        }
                    }
                }
                true
            }
            Hand::Neon { dark, .. } => {
                board.field(plain(dark));
                let low = self.floor * 0.68;
                board.light(
                    (self.width / 2.0, low),
                    (self.width * 0.8, self.floor * 0.5),
                    self.p.accent,
                    90.0,
                );
                board.light(
                    (self.width / 2.0, low),
                    (self.width * 0.5, self.floor * 0.25),
                    self.p.second,
                    90.0,
                );
                true
            }
            Hand::Flat => {
                let [_, _, low, last] = self.p.sky;
                board.field(plain(mix(low, last, 120)));
                true
            }
            _ => false,
        }
    }

    fn sky(&self, board: &mut Board, dice: &mut Dice, horizon: f32) {
        let (w, f, unit) = (self.width, self.floor, self.unit);
        let key = dice.next();
        let cover = match self.p.light {
            Light::Storm => dice.between(0.32, 0.4),
            Light::Night => dice.between(0.5, 0.66),
            _ => dice.between(0.42, 0.58),
        };
        let drawn = self.backdrop(board);
        if !drawn {
            self.air(board, f * horizon, cover, key);
        }
        if self.p.light == Light::Night {
            let count = (w * f / (unit * unit) * 90.0).min(700.0) as usize;
            for _ in 0..count {
                let at = (dice.between(0.0, w), dice.between(0.0, f * 0.72));
                let bright = dice.between(0.0, 1.0);
                let size = unit * (0.0008 + bright * bright * bright * 0.0026) + 0.35;
                let colour = mix(self.p.sun, self.p.second, (bright * 90.0) as u32);
                board.lay(
                    Outline::oval(at, (size, size)).shape(),
                    Paint::flat(colour).alpha(70 + (bright * 180.0) as u32),
                );
                if bright > 0.96 {
                    board.light(at, (size * 6.0, size * 6.0), colour, 110.0);
                }
            }
        }
        self.sun(board);
        let is_clear = matches!(self.p.light, Light::Day | Light::Dawn);
        if is_clear && (drawn || dice.next().is_multiple_of(3)) {
            for _ in 0..3 {
                let at = (w * dice.between(0.05, 0.95), f * dice.between(0.1, 0.4));
                cloud(board, at, unit * dice.between(0.07, 0.13), self.p, dice);
            }
        }
        if is_clear || self.p.light == Light::Dusk {
            let (x, y) = (w * (0.5 - self.side * dice.between(0.1, 0.3)), f * dice.between(0.16, 0.36));
            for _ in 0..dice.next() % 6 {
                let at = (x + unit * dice.between(-0.12, 0.12), y + unit * dice.between(-0.07, 0.07));
                let wing = unit * dice.between(0.009, 0.017);
                let tilt = wing * dice.between(0.3, 0.6);
                let points: Vec<Spot> = [(-1.0, -0.7), (-0.5, -1.0), (0.0, 0.0), (0.5, -1.0), (1.0, -0.7)]
                    .iter()
                    .map(|(x, y)| (at.0 + x * wing, at.1 + y * tilt))
                    .collect();
                board.line(&points, unit * 0.0022, mix(self.p.near, self.p.dark, 80), 220);
            }
        }
    }

    /// The sky's colours, the light around the sun, and clouds that are lit from it.
    fn air(&self, board: &mut Board, horizon: f32, cover: f32, key: u64) {
        // The ground hides what is below; between houses one sees all the way down.
        let end = if self.place == Place::City {
            self.height
        } else {
            (horizon + self.floor * 0.22).min(self.height)
        };
        let (unit, sun, p) = (self.unit, self.sun, self.p);
        let stops = p.sky.map(|colour| colour.map(f32::from));
        let blend = |a: [f32; 3], b: [f32; 3], t: f32| {
            let mut out = a;
            out.iter_mut().zip(b).for_each(|(a, b)| *a += (b - *a) * t);
            out
        };
        let gradient: Vec<[f32; 3]> = (0..256)
            .map(|step| {
                let t = step as f32 / 255.0 * 3.0;
                let at = |index: usize| stops.get(index.min(3)).copied().unwrap_or_default();
                blend(at(t as usize), at(t as usize + 1), t.fract())
            })
            .collect();
        let (light, lit) = (p.sun.map(f32::from), p.cloud.map(f32::from));
        let is_dark = matches!(p.light, Light::Night | Light::Storm);
        let strength = if is_dark { 0.3 } else { 0.62 };
        let scale = 2.6 / unit;
        let step = (unit / 72.0).max(4.0) as usize;
        board.field(Field::new(self.width as usize, end.ceil() as usize, step, |x, y| {
            let down = (y / horizon.max(1.0)).clamp(0.0, 1.0);
            let base = gradient.get((down * 255.0) as usize).copied().unwrap_or_default();
            if y > horizon + step as f32 {
                return base;
            }
            let (dx, dy) = ((x - sun.0) / unit, (y - sun.1) / unit * 1.3);
            let near = 1.0 / (1.0 + (dx * dx + dy * dy) * 14.0);
            let colour = blend(base, light, near * strength);
            // Clouds lie flatter towards the horizon.
            let (cx, cy) = (x * scale, y * scale * (1.7 + down * 1.6));
            let thick = fbm(cx, cy, key, 4);
            let shape = ((thick - cover) * 4.2).clamp(0.0, 1.0) * (1.0 - down * down * 0.8);
            if shape <= 0.0 {
                return colour;
            }
            let (tx, ty) = (cx - dx.clamp(-1.0, 1.0) * 0.22, cy - dy.clamp(-1.0, 1.0) * 0.22 - 0.1);
            let shade = (0.62 + (thick - fbm(tx, ty, key, 3)) * 3.4 + near * 0.4).clamp(0.0, 1.0);
            let dim = blend(base, lit, 0.42);
            blend(
                colour,
                blend(dim, blend(lit, light, near * 0.6), shade),
                shape * shape * (3.0 - 2.0 * shape) * 0.86,
            )
        }));
    }

    fn sun(&self, board: &mut Board) {
        let (at, r, p) = (self.sun, self.radius, self.p);
        match p.light {
            Light::Night => {
                board.glow(at, (r * 2.6, r * 2.6), p.sun, 120.0);
                board.fill(Outline::oval(at, (r, r)), Paint::ball(p.sun, mix(p.sun, [150, 156, 190], 170)));
                for (x, y, size) in [
                    (-0.3, -0.2, 0.22),
                    (0.26, 0.28, 0.28),
                    (0.32, -0.4, 0.13),
                    (-0.2, 0.46, 0.15),
                    (0.0, 0.02, 0.1),
                ] {
                    let hole = Outline::oval((at.0 + x * r, at.1 + y * r), (size * r, size * r));
                    board.fill(hole, Paint::flat([130, 134, 168]).alpha(76));
                }
            }
            Light::Mist | Light::Storm => {
                board.glow(at, (r * 2.6, r * 2.6), p.sun, 150.0);
                if board.hand.is_soft() && p.light == Light::Mist {
                    board.fill(Outline::oval(at, (r, r)), Paint::flat(p.sun).alpha(150));
                }
            }
            _ => {
                board.glow(at, (r * 2.4, r * 2.4), p.sun, 170.0);
                let paint = match board.hand {
                    Hand::Neon { .. } | Hand::Flat => Paint::down(p.second, p.accent),
                    _ => Paint::ball_from(0.5, 0.5, [255, 253, 244], p.sun),
                };
                board.fill(Outline::oval(at, (r, r)), paint);
            }
        }
    }

    /// A line of hills.
    fn swell(&self, dice: &mut Dice, base: f32, swing: f32) -> Vec<Spot> {
        let waves: Vec<(f32, f32, f32)> = (0..5)
            .map(|octave| {
                let fine = 2f32.powi(octave);
                let long = fine * dice.between(1.3, 2.6) * std::f32::consts::TAU / (self.unit * 2.6);
                (long, dice.between(0.0, std::f32::consts::TAU), 0.44f32.powi(octave))
            })
            .collect();
        self.line(|x| {
            let sum: f32 = waves.iter().map(|(long, from, share)| (x * long + from).sin() * share).sum();
            base - sum * swing
        })
    }

    fn line(&self, height: impl Fn(f32) -> f32) -> Vec<Spot> {
        let step = (self.unit / 130.0).max(3.0);
        let count = (self.width / step) as usize + 3;
        (0..count).map(|index| (index as f32 - 1.0) * step).map(|x| (x, height(x))).collect()
    }

    /// Everything below a line.
    fn below(&self, line: &[Spot]) -> Outline {
        self.until(line, self.height)
    }

    /// Everything between a line and a row.
    fn until(&self, line: &[Spot], bottom: f32) -> Outline {
        let out = self.unit * 0.05;
        let (left, right) =
            (line.first().copied().unwrap_or_default(), line.last().copied().unwrap_or_default());
        let mut points = vec![(left.0 - out, bottom + out), (left.0 - out, left.1)];
        points.extend_from_slice(line);
        points.extend([(right.0 + out, right.1), (right.0 + out, bottom + out)]);
        Outline::polygon(&points)
    }

    /// A strip below a line.
    fn strip(&self, line: &[Spot], thick: f32) -> Outline {
        let thick = thick.max(1.0);
        let back = line.iter().rev().map(|(x, y)| (*x, y + thick));
        Outline::polygon(&line.iter().copied().chain(back).collect::<Vec<_>>())
    }

    fn ground(&self, board: &mut Board, line: &[Spot], top: Rgb, low: Rgb) {
        board.fill(self.below(line), Paint::down(top, low));
    }

    /// The same, its foot lost in the air at a row.
    fn range(&self, board: &mut Board, line: &[Spot], (top, low): (Rgb, Rgb), foot: f32) {
        let first = line.iter().map(|(_, y)| *y).fold(f32::INFINITY, f32::min);
        // The next range hides what lies deeper.
        let bottom = (foot + self.floor * 0.2).min(self.height);
        board.fill(self.until(line, bottom), Paint::rows(top, low, first, foot));
    }

    /// Air between two ranges.
    fn haze(&self, board: &mut Board, y: f32, dice: &mut Dice, strength: f32) {
        let [.., low] = self.p.sky;
        let at = (self.width * dice.between(0.2, 0.8), y + self.unit * dice.between(-0.02, 0.03));
        board.glow(at, (self.width * dice.between(0.5, 0.8), self.unit * 0.06), low, strength);
    }

    fn hills(&self, board: &mut Board, dice: &mut Dice) {
        let (f, unit, p) = (self.floor, self.unit, self.p);
        let [.., last] = p.sky;
        let ranges = if board.hand == Hand::Flat { 3 } else { 5 };
        for range in 0..ranges {
            let near = range as f32 / (ranges - 1) as f32;
            let depth = (near * 256.0) as u32;
            let base = f * (0.56 + 0.36 * near) + unit * dice.between(-0.015, 0.015);
            let swing = f * dice.between(0.035, 0.06) * (1.15 - near * 0.5);
            let line = self.swell(dice, base, swing);
            let colour = mix(p.far, p.near, depth);
            let air = mix(colour, last, 190 - depth * 170 / 256);
            self.range(board, &line, (colour, air), f * (0.56 + 0.36 * (near + 1.3 / (ranges - 1) as f32)));
            let rim = mix(colour, p.sun, 110);
            if board.hand.is_soft() {
                board.fill(self.strip(&line, unit * 0.0024), Paint::flat(rim).alpha(130));
                // Folds in the slope.
                for fold in 1..=2 {
                    let below = self.swell(dice, base + f * 0.035 * fold as f32 * (0.5 + near), f * 0.02);
                    let dark = mix(colour, p.dark, 60);
                    board.fill(self.strip(&below, f * 0.06), Paint::down(dark, colour).fade(34, 0));
                }
            }
            if range > 0 {
                let count = (4.0 + self.width / unit * 7.0) as usize;
                let high = unit * (0.014 + 0.052 * near * near);
                let green = mix(mix(colour, p.near, 90), p.dark, 50);
                for _ in 0..count {
                    let place = dice.next() as usize % line.len().max(1);
                    let (x, y) = line.get(place).copied().unwrap_or_default();
                    let size = high * dice.between(0.6, 1.25);
                    // A grove is of one kind.
                    if (x / unit * 3.0 + range as f32).sin() > -0.1 {
                        self.round_tree(board, (x, y + size * 0.1), size, green);
                    } else {
                        self.pine(board, (x, y + size * 0.2), size * 1.5, green);
                    }
                }
            }
        }
        if board.hand.is_soft() {
            for _ in 0..90 {
                let (x, y) = (dice.between(0.0, self.width), f * dice.between(0.9, 1.02));
                let size = unit * dice.between(0.0025, 0.0055) * (y / f * 4.0 - 3.0).max(0.4);
                let colour = dice.pick(&[p.accent, p.second, p.pale, p.accent]);
                let colour = if p.light == Light::Night { mix(colour, p.near, 150) } else { colour };
                board.fill(Outline::oval((x, y), (size, size)), Paint::flat(colour).alpha(220));
            }
        }
    }

    fn round_tree(&self, board: &mut Board, (x, y): Spot, size: f32, green: Rgb) {
        board.line(&[(x, y), (x, y - size)], size * 0.14, mix(green, [60, 40, 30], 120), 256);
        let light = mix(green, self.p.sun, 60);
        let crown = Outline::oval((x, y - size * 1.15), (size * 0.52, size * 0.62));
        board.fill(crown, Paint::ball_from(0.5 + self.side * 0.2, 0.25, light, green));
    }

    fn pine(&self, board: &mut Board, (x, y): Spot, size: f32, green: Rgb) {
        let mut points = vec![(x, y - size)];
        let tiers = [(0.13, 0.7), (0.07, 0.68), (0.2, 0.42), (0.1, 0.4), (0.27, 0.1)];
        points.extend(tiers.iter().map(|(wide, high)| (x + wide * size, y - high * size)));
        points.push((x, y - size * 0.06));
        points.extend(tiers.iter().rev().map(|(wide, high)| (x - wide * size, y - high * size)));
        let light =
            if self.is_winter { mix(green, [236, 242, 250], 150) } else { mix(green, self.p.sun, 30) };
        board.fill(Outline::polygon(&points), Paint::down(light, green));
    }

    fn peaks(&self, board: &mut Board, dice: &mut Dice) {
        let (w, f, unit, p) = (self.width, self.floor, self.unit, self.p);
        let [_, _, low, last] = p.sky;
        let snow = mix(p.pale, p.sun, 70);
        for range in 0..3u32 {
            let near = range as f32 / 2.0;
            let base = f * (0.66 + 0.12 * near);
            let body = mix(mix(p.far, last, 70), mix(p.near, p.far, 110), range * 128);
            let dark = mix(body, p.dark, 70);
            let count = (w / unit * (3.4 - near)).ceil().max(2.0) as usize;
            for index in 0..count {
                let x = w * (index as f32 + dice.between(0.15, 0.85)) / count as f32;
                let high = unit * dice.between(0.2, 0.46) * (1.0 - near * 0.34);
                let wide = high * dice.between(0.75, 1.05);
                self.mountain(
                    board,
                    dice,
                    (x, base - high),
                    (wide, high),
                    (body, dark, mix(body, last, 130)),
                    snow,
                );
            }
            if board.hand.is_soft() {
                self.haze(board, base + unit * 0.01, dice, 150.0);
            }
        }
        for range in 0..2 {
            let line = self.swell(dice, f * (0.8 + 0.1 * range as f32), f * 0.03);
            let colour = mix(mix(p.near, p.far, 90), p.near, range * 256);
            let colour = if self.is_winter { mix(colour, [228, 236, 248], 150) } else { colour };
            self.ground(board, &line, colour, mix(colour, low, 30));
            let count = (w / unit * 22.0) as usize;
            for _ in 0..count {
                let place = dice.next() as usize % line.len().max(1);
                let (x, y) = line.get(place).copied().unwrap_or_default();
                if (x / unit * 5.0 + range as f32 * 2.0).sin() > -0.3 {
                    let size = unit * dice.between(0.05, 0.1) * (1.0 + range as f32 * 0.8);
                    self.pine(
                        board,
                        (x, y + size * 0.2),
                        size,
                        mix(mix(p.near, p.far, 40 - range * 30), p.dark, 70),
                    );
                }
            }
        }
    }

    fn mountain(
        &self,
        board: &mut Board,
        dice: &mut Dice,
        (x, y): Spot,
        (wide, high): Spot,
        (body, dark, foot): (Rgb, Rgb, Rgb),
        snow: Rgb,
    ) {
        let mut edge = |to: Spot, rough: f32| -> Vec<Spot> {
            (0..=9)
                .map(|step| {
                    let t = step as f32 / 9.0;
                    let off = if step == 0 || step == 9 { 0.0 } else { dice.between(-rough, rough) * high };
                    (x + (to.0 - x) * t + off, y + (to.1 - y) * t + off * 0.35)
                })
                .collect()
        };
        let bottom = y + high * 1.08;
        let left = edge((x - wide, bottom), 0.022);
        let right = edge((x + wide, bottom), 0.022);
        let spine = edge((x - self.side * wide * 0.16, bottom), 0.05);
        let rest = |points: &[Spot]| points.iter().rev().copied().collect::<Vec<_>>();
        let around: Vec<Spot> = left.iter().copied().chain(rest(&right)).collect();
        board.fill(Outline::polygon(&around), Paint::down(body, foot));
        // The side that turns from the sun.
        let away = if self.side > 0.0 { &left } else { &right };
        let shade: Vec<Spot> = spine.iter().copied().chain(rest(away)).collect();
        let shadow = Paint::down(dark, foot).fade(215, 70);
        board.fill(Outline::polygon(&shade), shadow);
        // Snow down to a ragged line.
        let cap = |side: &[Spot]| -> Vec<Spot> {
            let mut points: Vec<Spot> = side.iter().take(4).copied().collect();
            let (from, to) =
                (points.last().copied().unwrap_or_default(), spine.get(3).copied().unwrap_or_default());
            points.extend((1..6).map(|step| {
                let t = step as f32 / 6.0;
                let drop = if step % 2 == 1 { 0.07 } else { -0.05 } * high;
                (from.0 + (to.0 - from.0) * t, from.1 + (to.1 - from.1) * t + drop)
            }));
            points.extend(rest(spine.get(..4).unwrap_or_default()));
            points
        };
        let (lit, other) = if self.side > 0.0 { (&right, &left) } else { (&left, &right) };
        board.fill(Outline::polygon(&cap(lit)), Paint::down(snow, mix(snow, body, 50)));
        board.fill(Outline::polygon(&cap(other)), Paint::down(mix(snow, dark, 90), mix(snow, dark, 130)));
    }

    fn sea(&self, board: &mut Board, dice: &mut Dice) {
        let (w, f, unit, p) = (self.width, self.floor, self.unit, self.p);
        let horizon = f * 0.6;
        let [_, _, low, last] = p.sky;
        for range in 0..2u32 {
            let from = dice.between(-0.2, 0.9) * w;
            let reach = unit * dice.between(0.5, 1.1);
            let high = unit * dice.between(0.04, 0.11);
            let rough = self.swell(dice, 0.0, high * 0.16);
            let line: Vec<Spot> = (rough.iter())
                .map(|(x, y)| {
                    let t = ((x - from) / reach * 2.0 - 1.0).clamp(-1.0, 1.0);
                    (*x, horizon + unit * 0.004 - (1.0 - t * t).max(0.0).powf(0.8) * (high + y))
                })
                .collect();
            let colour = mix(p.far, last, 100 - range * 60);
            self.ground(board, &line, colour, mix(colour, last, 60));
        }
        let edge = |y: f32| [(-unit * 0.05, y), (w + unit * 0.05, y)];
        let shallow = mix(mix(low, last, 128), p.water, 100);
        self.ground(board, &edge(horizon), shallow, mix(p.water, p.dark, 120));
        let light = if p.light == Light::Night { mix(p.sun, p.water, 60) } else { p.sun };
        board.glow((self.sun.0, horizon), (unit * 0.36, unit * 0.3), light, 66.0);
        let depth = self.height - horizon;
        for step in 0..44 {
            let near = (step as f32 + dice.between(0.0, 1.0)) / 44.0;
            let y = horizon + depth * (0.008 + near * near * 0.95);
            let spread = self.radius * (0.5 + near * 1.6);
            let x = self.sun.0 + spread * dice.between(-1.0, 1.0);
            let wide = self.radius * dice.between(0.25, 0.8) * (0.6 + near * 1.5);
            ripple(board, (x, y), wide, unit * (0.0016 + near * 0.006), light, (190.0 - near * 120.0) as u32);
        }
        for step in 0..60 {
            let near = (step as f32 + dice.between(0.0, 1.0)) / 60.0;
            let y = horizon + depth * (0.02 + near * near * 0.95);
            let (x, wide) =
                (w * dice.between(-0.1, 1.1), unit * dice.between(0.04, 0.13) * (0.4 + near * 1.5));
            let (dark, pale) = (mix(p.water, p.dark, 90), mix(p.water, last, 110));
            let colour = if step % 3 == 0 { pale } else { dark };
            ripple(board, (x, y), wide, unit * (0.0014 + near * 0.0075), colour, 120);
        }
        for range in 0..3u32 {
            let base = f * (0.86 + 0.075 * range as f32);
            let line = self.swell(dice, base, f * 0.011);
            let colour = mix(p.water, p.dark, 50 + range * 40);
            let paint = Paint::down(mix(colour, last, 60 - range * 14), colour);
            board.fill(self.below(&line), paint);
            if board.hand.is_soft() {
                board.fill(self.strip(&line, unit * 0.003), Paint::flat(mix(p.pale, p.water, 90)).alpha(150));
            }
        }
    }

    fn desert(&self, board: &mut Board, dice: &mut Dice) {
        let (f, unit, p) = (self.floor, self.unit, self.p);
        let [_, _, low, last] = p.sky;
        let is_dark = matches!(p.light, Light::Night | Light::Storm | Light::Dusk);
        let hue = dice.between(48.0, 78.0);
        let sand = mix(oklch(if is_dark { 0.5 } else { 0.8 }, 0.11, hue), low, 50);
        let shade = mix(oklch(if is_dark { 0.2 } else { 0.46 }, 0.09, hue - 22.0), p.near, 60);
        let mesas = self.line(|x| {
            let block = fbm(x / unit * 2.4, 0.5, 77, 2);
            f * 0.62
                - if block > 0.52 {
                    unit * 0.1
                } else if block > 0.46 {
                    unit * 0.05
                } else {
                    0.0
                }
        });
        self.ground(board, &mesas, mix(p.far, last, 60), last);
        for range in 0..4u32 {
            let near = range as f32 / 3.0;
            let base = f * (0.64 + 0.25 * near);
            let (long, from) = (dice.between(0.7, 1.3), dice.between(0.0, 9.0));
            let swing = unit * dice.between(0.025, 0.045);
            // Dunes rise slowly and fall off fast.
            let line = self.line(|x| {
                let t = x / unit * long + from;
                let part = t.fract();
                let rise = if part < 0.7 { part / 0.7 } else { (1.0 - part) / 0.3 };
                let ease = rise * rise * (3.0 - 2.0 * rise);
                base - (ease + (t * 1.9).sin() * 0.4) * swing * 1.6
            });
            let colour = mix(mix(sand, last, 110), sand, range * 85);
            self.ground(board, &line, mix(colour, p.sun, 50), mix(colour, shade, 80));
            // From each crest the wind's side falls off in shadow.
            let crests = line.windows(3).filter_map(|three| match three {
                [a, b, c] if b.1 < a.1 && b.1 <= c.1 => Some(*b),
                _ => None,
            });
            for (x, y) in crests {
                let (wide, high) = (unit * dice.between(0.2, 0.4), unit * (0.08 + near * 0.16));
                let side = -self.side;
                let flank = Outline::default()
                    .from(x, y)
                    .curve(
                        (x + side * wide * 0.16, y + high * 0.3),
                        (x - side * wide * 0.1, y + high * 0.6),
                        (x + side * wide * 0.12, y + high),
                    )
                    .curve(
                        (x + side * wide * 0.6, y + high * 0.9),
                        (x + side * wide, y + high * 0.6),
                        (x + side * wide * 1.1, y + high * 0.42),
                    )
                    .curve(
                        (x + side * wide * 0.6, y + high * 0.3),
                        (x + side * wide * 0.3, y + high * 0.1),
                        (x, y),
                    );
                board.fill(flank, Paint::down(mix(shade, colour, 60), colour).fade(150, 30));
            }
            if board.hand.is_soft() {
                board.fill(self.strip(&line, unit * 0.0022), Paint::flat(mix(colour, p.sun, 150)).alpha(150));
            }
        }
    }

    fn forest(&self, board: &mut Board, dice: &mut Dice) {
        let (w, f, unit, p) = (self.width, self.floor, self.unit, self.p);
        let [.., last] = p.sky;
        let floor = |near: f32| f * (0.72 + 0.22 * near);
        for range in 0..4u32 {
            let near = range as f32 / 3.0;
            let colour = mix(mix(p.far, last, 80), mix(p.near, p.dark, 70), range * 85);
            let line = self.swell(dice, floor(near), f * 0.02);
            let count = (w / unit * (22.0 - near * 12.0)) as usize;
            for _ in 0..count {
                let x = dice.between(-0.05, 1.05) * w;
                let size = unit * dice.between(0.24, 0.44) * (0.7 + near * 0.75);
                // The middle stays open, so that one can see into the depth.
                let open = ((x / w - 0.5).abs() * 2.0).powf(0.6);
                if range < 2 || open > 0.42 + near * 0.25 {
                    self.pine(board, (x, floor(near) + unit * 0.03), size * (0.55 + open * 0.6), colour);
                }
            }
            self.ground(board, &line, colour, mix(colour, p.dark, 40));
            if board.hand.is_soft() && range < 3 {
                self.haze(board, floor(near) - unit * 0.05, dice, 170.0);
            }
        }
        if board.hand.is_soft() && p.light != Light::Night {
            for _ in 0..4 {
                let (x, wide) =
                    (self.sun.0 + unit * dice.between(-0.3, 0.3), unit * dice.between(0.03, 0.08));
                let lean = -self.side * unit * dice.between(0.2, 0.4);
                let ray = [
                    (x, 0.0),
                    (x + wide, 0.0),
                    (x + wide * 2.2 + lean, f * 0.92),
                    (x - wide * 0.6 + lean, f * 0.92),
                ];
                board.fill(Outline::polygon(&ray), Paint::down(p.sun, p.sun).fade(58, 0));
            }
        }
    }

    fn city(&self, board: &mut Board, dice: &mut Dice) {
        let (w, f, unit, p) = (self.width, self.floor, self.unit, self.p);
        let [.., last] = p.sky;
        let is_dark = matches!(p.light, Light::Night | Light::Dusk | Light::Storm);
        for range in 0..4u32 {
            let near = range as f32 / 3.0;
            let base = f * (0.84 + 0.12 * near);
            let colour = mix(mix(p.far, last, 90), mix(p.near, p.dark, 60), range * 85);
            let mut x = -unit * dice.between(0.0, 0.1);
            while x < w {
                let wide = unit * dice.between(0.06, 0.12) * (0.8 + near * 0.8);
                let middle = 1.0 - ((x / w - 0.5).abs() * 1.1);
                let high = unit * dice.between(0.18, 0.6) * (1.05 - near * 0.45) * middle;
                let top = base - high;
                let tone = mix(colour, p.accent, (dice.next() % 34) as u32);
                let lit = if self.side > 0.0 {
                    Paint::across(mix(tone, p.dark, 30), mix(tone, p.sun, 40))
                } else {
                    Paint::across(mix(tone, p.sun, 40), mix(tone, p.dark, 30))
                };
                let far = Paint::down(tone, mix(tone, last, 90 - range * 20));
                let paint = if range > 1 { lit } else { far };
                let house =
                    Outline::polygon(&[(x, self.height), (x, top), (x + wide, top), (x + wide, self.height)]);
                match dice.next() % 5 {
                    0 => board.line(
                        &[(x + wide * 0.5, top), (x + wide * 0.5, top - high * 0.22)],
                        unit * 0.004,
                        tone,
                        256,
                    ),
                    1 => {
                        let upper = [
                            (x + wide * 0.2, top),
                            (x + wide * 0.2, top - wide * 0.4),
                            (x + wide * 0.8, top - wide * 0.4),
                            (x + wide * 0.8, top),
                        ];
                        board.fill(Outline::polygon(&upper), paint);
                    }
                    2 => {
                        let roof = [(x, top), (x + wide * 0.5, top - wide * 0.45), (x + wide, top)];
                        board.fill(Outline::polygon(&roof), paint);
                    }
                    _ => {}
                }
                board.fill(house, paint);
                if range > 0 && board.hand != Hand::Flat {
                    self.windows(board, dice, (x, top, wide, base.min(f) - top), (tone, is_dark, near));
                }
                x += wide * dice.between(1.0, 1.3);
            }
            if board.hand.is_soft() && range < 3 {
                self.haze(board, base - unit * 0.04, dice, 130.0);
            }
        }
    }

    fn windows(
        &self,
        board: &mut Board,
        dice: &mut Dice,
        (x, top, wide, high): (f32, f32, f32, f32),
        (tone, is_dark, near): (Rgb, bool, f32),
    ) {
        let cell = (self.unit * (0.016 + near * 0.008)).max(3.0);
        let (columns, rows) = ((wide / cell - 0.6) as usize, (high / (cell * 1.4)) as usize);
        let lamp = mix([255, 214, 132], self.p.sun, 60);
        for row in 0..rows.min(30) {
            for column in 0..columns {
                let is_lit = dice.next() % 5 < 2;
                if !is_lit && is_dark {
                    continue;
                }
                let left = x + cell * (column as f32 + 0.6);
                let y = top + cell * (0.6 + row as f32 * 1.4);
                let pane = Outline::polygon(&[
                    (left, y),
                    (left + cell * 0.55, y),
                    (left + cell * 0.55, y + cell * 0.8),
                    (left, y + cell * 0.8),
                ]);
                let (colour, alpha) = if is_dark {
                    (lamp, 120 + (near * 110.0) as u32)
                } else {
                    (mix(tone, if is_lit { self.p.pale } else { self.p.dark }, 90), 150)
                };
                board.lay(pane.shape(), Paint::flat(colour).alpha(alpha));
            }
        }
    }

    fn space(&self, board: &mut Board, dice: &mut Dice) {
        let (w, f, unit, p) = (self.width, self.floor, self.unit, self.p);
        let keys = (dice.next(), dice.next());
        if !self.backdrop(board) {
            let hue = dice.between(230.0, 300.0);
            let (dark, one, two) = (
                oklch(0.1, 0.04, hue).map(f32::from),
                mix(p.accent, [20, 10, 60], 110).map(f32::from),
                mix(p.second, [10, 20, 60], 90).map(f32::from),
            );
            let step = (unit / 72.0).max(4.0) as usize;
            board.field(Field::new(w as usize, self.height as usize, step, |x, y| {
                let (x, y) = (x / unit * 2.2, y / unit * 2.2);
                let (a, b) = (fbm(x, y, keys.0, 4), fbm(x * 1.3 + 4.0, y * 1.3, keys.1, 4));
                let (a, b) = (((a - 0.44) * 2.6).clamp(0.0, 0.8), ((b - 0.5) * 2.8).clamp(0.0, 0.7));
                let mut out = dark;
                for (value, (one, two)) in out.iter_mut().zip(one.into_iter().zip(two)) {
                    *value += (one - *value) * a * a;
                    *value += (two - *value) * b * b;
                }
                out
            }));
        }
        for _ in 0..(w * f / (unit * unit) * 190.0).min(900.0) as usize {
            let at = (dice.between(0.0, w), dice.between(0.0, self.height));
            let bright = dice.between(0.0, 1.0);
            let size = unit * (0.0008 + bright.powi(6) * 0.0036) + 0.3;
            board.lay(
                Outline::oval(at, (size, size)).shape(),
                Paint::flat(mix([255; 3], p.second, (bright * 100.0) as u32))
                    .alpha(80 + (bright * 170.0) as u32),
            );
            if bright > 0.975 {
                board.light(at, (size * 7.0, size * 7.0), p.pale, 120.0);
            }
        }
        let (at, r) = (
            (w * (0.5 + self.side * dice.between(0.2, 0.3)), f * dice.between(0.3, 0.42)),
            unit * dice.between(0.15, 0.23),
        );
        let tilt = dice.between(-0.5, 0.5);
        let (sin, cos) = tilt.sin_cos();
        let ring = |from: f32, to: f32| -> Vec<Spot> {
            let arc = |reach: f32| {
                (0..=40).map(move |step| {
                    let angle = from + (to - from) * step as f32 / 40.0;
                    let (x, y) = (angle.cos() * reach, angle.sin() * reach * 0.28);
                    (at.0 + (x * cos - y * sin) * r, at.1 + (x * sin + y * cos) * r)
                })
            };
            let mut points: Vec<Spot> = arc(1.95).collect();
            points.extend(arc(1.4).collect::<Vec<_>>().into_iter().rev());
            points
        };
        let (half, pale) = (std::f32::consts::PI, mix(p.pale, p.second, 90));
        board.glow(at, (r * 2.0, r * 2.0), p.accent, 90.0);
        board.fill(
            Outline::polygon(&ring(half, half * 2.0)),
            Paint::across(mix(pale, p.dark, 110), pale).alpha(210),
        );
        board.fill(Outline::oval(at, (r, r)), Paint::flat(p.accent));
        if board.hand.is_soft() {
            for band in 0..5 {
                let y = (band as f32 - 2.0) * 0.36 + dice.between(-0.06, 0.06);
                let wide = (1.0 - y * y).max(0.0).sqrt();
                let thick = dice.between(0.05, 0.12);
                let lens: Vec<Spot> = (0..=16)
                    .map(|step| {
                        let angle = step as f32 / 16.0 * std::f32::consts::TAU;
                        let (x, y) = (angle.cos() * wide, y + angle.sin() * thick * (0.5 + 0.5 * wide));
                        let long = x.hypot(y).max(1.0);
                        let (x, y) = (x / long, y / long);
                        (at.0 + (x * cos - y * sin) * r, at.1 + (x * sin + y * cos) * r)
                    })
                    .collect();
                board.fill(
                    Outline::polygon(&lens),
                    Paint::flat(if band % 2 == 0 { p.second } else { p.pale }).alpha(105),
                );
            }
            let shade = Paint::ball_from(0.3, 0.3, mix(p.accent, [255; 3], 100), [8, 6, 24]).fade(0, 245);
            board.fill(Outline::oval(at, (r * 1.004, r * 1.004)), shade);
        }
        board.fill(Outline::polygon(&ring(0.0, half)), Paint::across(pale, mix(pale, p.dark, 90)).alpha(230));
        let moon = (w * (0.5 - self.side * 0.3), f * dice.between(0.14, 0.24));
        let size = unit * dice.between(0.03, 0.05);
        board.fill(Outline::oval(moon, (size, size)), Paint::ball(p.pale, mix(p.third, p.dark, 130)));
    }

    fn shapes(&self, board: &mut Board, dice: &mut Dice) {
        let (w, f, unit, p) = (self.width, self.floor, self.unit, self.p);
        let is_dark = matches!(p.light, Light::Night | Light::Dusk);
        let paper = if is_dark { mix(p.dark, [18, 16, 40], 90) } else { p.pale };
        let ink = if is_dark { p.pale } else { p.dark };
        if !self.backdrop(board) {
            let (from, to) = (paper.map(f32::from), mix(paper, p.second, 50).map(f32::from));
            let (wide, high) = (w, self.height);
            board.field(Field::new(w as usize, high as usize, (unit / 24.0).max(4.0) as usize, |x, y| {
                let t = ((x / wide + y / high) * 0.5).clamp(0.0, 1.0);
                let mut out = from;
                out.iter_mut().zip(to).for_each(|(a, b)| *a += (b - *a) * t);
                out
            }));
        }
        let colours = [p.accent, p.second, p.third, ink, mix(p.accent, p.pale, 110)];
        match dice.next() % 3 {
            0 => {
                // Quarter circles, halves and discs on a grid.
                let cell = unit / dice.pick(&[3.0, 4.0, 5.0]);
                for row in 0..(self.height / cell).ceil() as i32 {
                    for column in 0..(w / cell).ceil() as i32 {
                        let (x, y) = (column as f32 * cell, row as f32 * cell);
                        let square =
                            Outline::polygon(&[(x, y), (x + cell, y), (x + cell, y + cell), (x, y + cell)]);
                        let (ground, colour) = (dice.pick(&colours), dice.pick(&colours));
                        if !dice.next().is_multiple_of(3) {
                            board.fill(square, Paint::flat(mix(ground, paper, 90)));
                        }
                        let k = cell * 0.5523;
                        let quarter = Outline::default().from(0.0, 0.0).line(cell, 0.0).curve(
                            (cell, k),
                            (k, cell),
                            (0.0, cell),
                        );
                        let (turn, dx, dy) = dice.pick(&[
                            (0.0, 0.0, 0.0),
                            (0.25, cell, 0.0),
                            (0.5, cell, cell),
                            (0.75, 0.0, cell),
                        ]);
                        let angle: f32 = turn * std::f32::consts::TAU;
                        match dice.next() % 5 {
                            0 | 1 => board.fill(
                                quarter.placed(angle, (1.0, 1.0), x + dx, y + dy),
                                Paint::down(colour, mix(colour, ink, 40)),
                            ),
                            2 => {
                                board.fill(
                                    Outline::oval(
                                        (x + cell / 2.0, y + cell / 2.0),
                                        (cell * 0.46, cell * 0.46),
                                    ),
                                    Paint::flat(colour),
                                );
                                board.fill(
                                    Outline::oval(
                                        (x + cell / 2.0, y + cell / 2.0),
                                        (cell * 0.22, cell * 0.22),
                                    ),
                                    Paint::flat(dice.pick(&colours)),
                                );
                            }
                            3 => {
                                for stripe in 0..4 {
                                    let y = y + cell * (0.125 + stripe as f32 * 0.25);
                                    board.fill(
                                        Outline::polygon(&[
                                            (x, y),
                                            (x + cell, y),
                                            (x + cell, y + cell * 0.1),
                                            (x, y + cell * 0.1),
                                        ]),
                                        Paint::flat(colour),
                                    );
                                }
                            }
                            _ => board.fill(
                                Outline::polygon(&[(x, y), (x + cell, y + cell), (x, y + cell)]).placed(
                                    0.0,
                                    (1.0, 1.0),
                                    0.0,
                                    0.0,
                                ),
                                Paint::flat(colour),
                            ),
                        }
                    }
                }
            }
            1 => {
                // Waves of colour, one before the other.
                for band in 0..9u32 {
                    let line = self.swell(dice, f * (0.12 + band as f32 * 0.105), f * 0.055);
                    let pair = [p.third, p.accent, p.second, p.pale];
                    let at = |index: u32| pair.get(index as usize % 4).copied().unwrap_or(p.accent);
                    let colour = mix(at(band / 3), at(band / 3 + 1), band % 3 * 85);
                    self.ground(board, &line, mix(colour, [255; 3], 36), mix(colour, p.dark, 90));
                }
            }
            _ => {
                // Discs, arcs and bars that lie over each other.
                let middle = (w * (0.5 + self.side * 0.09), f * 0.46);
                let disc = unit * dice.between(0.25, 0.33);
                board.glow(middle, (disc * 1.7, disc * 1.7), p.second, 130.0);
                board.fill(
                    Outline::oval(middle, (disc, disc)),
                    Paint::down(p.accent, mix(p.accent, p.second, 170)),
                );
                for index in 0..7 {
                    let at = (w * dice.between(0.06, 0.94), f * dice.between(0.08, 0.92));
                    let (size, colour) = (unit * dice.between(0.04, 0.17), dice.pick(&colours));
                    match index % 4 {
                        0 => board.fill(
                            Outline::oval(at, (size, size)),
                            Paint::ball(mix(colour, [255; 3], 90), colour).alpha(225),
                        ),
                        1 => {
                            let angle = dice.between(0.0, 3.1);
                            board.fill(
                                Outline::card((-size * 2.0, -size * 0.12, size * 2.0, size * 0.12), size)
                                    .placed(angle, (1.0, 1.0), at.0, at.1),
                                Paint::flat(colour),
                            );
                        }
                        2 => {
                            for ring in 1..5 {
                                let reach = size * (0.4 + ring as f32 * 0.22);
                                let arc: Vec<Spot> = (0..=24)
                                    .map(|step| {
                                        let angle = step as f32 / 24.0 * std::f32::consts::PI + self.side;
                                        (at.0 + angle.cos() * reach, at.1 + angle.sin() * reach)
                                    })
                                    .collect();
                                board.line(&arc, unit * 0.008, colour, 240);
                            }
                        }
                        _ => board.fill(
                            Outline::polygon(&[
                                (at.0, at.1 - size),
                                (at.0 + size, at.1 + size * 0.8),
                                (at.0 - size, at.1 + size * 0.8),
                            ]),
                            Paint::down(colour, mix(colour, paper, 120)).fade(230, 120),
                        ),
                    }
                }
                for row in 0..6 {
                    for column in 0..6 {
                        let at = (
                            w * 0.5 - self.side * w * 0.34 + (column as f32 - 2.5) * unit * 0.03,
                            f * 0.2 + row as f32 * unit * 0.03,
                        );
                        board.fill(Outline::oval(at, (unit * 0.005, unit * 0.005)), Paint::flat(ink));
                    }
                }
            }
        }
    }

    /// A wall with a window's light on it.
    fn wall(&self, board: &mut Board, dice: &mut Dice, colour: Rgb) {
        if self.backdrop(board) {
            return;
        }
        let (unit, w, f) = (self.unit, self.width, self.floor);
        let (lit, dim) =
            (mix(colour, p_light(self.p), 120).map(f32::from), mix(colour, self.p.dark, 90).map(f32::from));
        let at = (w * (0.5 + self.side * 0.3), f * 0.25);
        let key = dice.next();
        board.field(Field::new(w as usize, self.height as usize, (unit / 60.0).max(3.0) as usize, |x, y| {
            let far = ((x - at.0).hypot(y - at.1) / (unit * 1.15)).min(1.0);
            let t = (far + (fbm(x / unit * 5.0, y / unit * 5.0, key, 3) - 0.5) * 0.14).clamp(0.0, 1.0);
            let mut out = lit;
            out.iter_mut().zip(dim).for_each(|(a, b)| *a += (b - *a) * t);
            out
        }));
    }

    fn table(&self, board: &mut Board, dice: &mut Dice) {
        let (w, f, unit, p) = (self.width, self.floor, self.unit, self.p);
        let is_night = p.light == Light::Night;
        let wall = mix(p.second, if is_night { p.dark } else { p.pale }, 130);
        self.wall(board, dice, wall);
        if board.hand.is_soft() && !is_night {
            for (column, row) in [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)] {
                let (x, y) = (
                    w * (0.5 + self.side * 0.2) + column * unit * 0.17,
                    f * 0.1 + row * unit * 0.2 + column * unit * 0.03,
                );
                let pane = [
                    (x, y),
                    (x + unit * 0.15, y + unit * 0.027),
                    (x + unit * 0.11, y + unit * 0.2),
                    (x - unit * 0.04, y + unit * 0.174),
                ];
                board.fill(Outline::polygon(&pane), Paint::flat(p.sun).alpha(84));
            }
        }
        let edge = f * 0.68;
        let wood = mix(oklch(if is_night { 0.34 } else { 0.6 }, 0.075, 58.0), p.accent, 24);
        let top = [(-unit * 0.05, edge), (w + unit * 0.05, edge)];
        self.ground(board, &top, mix(wood, p.sun, 60), mix(wood, p.dark, 130));
        for _ in 0..16 {
            let near = dice.between(0.0, 1.0);
            let (x, y) = (dice.between(0.0, w), edge + (self.height - edge) * (0.03 + near * 0.9));
            ripple(
                board,
                (x, y),
                unit * dice.between(0.1, 0.4),
                unit * 0.002 * (0.5 + near),
                mix(wood, p.dark, 110),
                80,
            );
        }
        // A vase with twigs stands behind.
        let (x, y, s) = (w * (0.5 - self.side * 0.27), f * 0.76, unit * 0.2);
        let mut brush =
            Brush { board, at: (x, y), size: s, angle: 0.0, tint: (p.dark, if is_night { 60 } else { 0 }) };
        brush.shadow(0.6);
        let green = mix(p.near, [90, 140, 90], 130);
        for twig in 0..6 {
            let lean = (twig as f32 - 2.5) * 0.3 + dice.between(-0.1, 0.1);
            let tip = (lean * 1.5, -2.1 - dice.between(0.0, 0.7));
            brush.line(&[(lean * 0.1, -0.9), (lean * 0.6, -1.5), tip], 0.03, green);
            for leaf in 0..7 {
                let t = 0.3 + leaf as f32 * 0.1;
                let at = (lean * 0.2 + (tip.0 - lean * 0.2) * t, -0.9 + (tip.1 + 0.9) * t);
                let turn = if leaf % 2 == 0 { 0.5 } else { 2.4 };
                let shape =
                    Outline::oval((0.14, 0.0), (0.15, 0.05)).placed(-turn + lean, (1.0, 1.0), at.0, at.1);
                brush.fill(shape, Paint::down(mix(green, p.pale, 70), green));
            }
        }
        let vase = Outline::smooth(&[
            (-0.16, -1.05),
            (-0.2, -0.85),
            (-0.46, -0.45),
            (-0.36, -0.06),
            (0.0, 0.0),
            (0.36, -0.06),
            (0.46, -0.45),
            (0.2, -0.85),
            (0.16, -1.05),
            (0.0, -1.08),
        ]);
        brush.fill(vase, Paint::across(mix(p.third, [255; 3], 110), mix(p.third, p.dark, 110)));
    }

    fn studio(&self, board: &mut Board, dice: &mut Dice) {
        let (w, f, unit, p) = (self.width, self.floor, self.unit, self.p);
        let is_night = p.light == Light::Night;
        let colour = mix(p.second, if is_night { p.dark } else { p.pale }, 110);
        self.wall(board, dice, colour);
        let middle = (w * 0.5, f * 0.5);
        let disc = unit * 0.42;
        board.fill(
            Outline::oval(middle, (disc, disc)),
            Paint::down(mix(p.third, p.pale, 90), mix(p.third, colour, 130)),
        );
        for leaf in 0..8 {
            let side = if leaf % 2 == 0 { -1.0 } else { 1.0 };
            let at = (middle.0 + side * unit * dice.between(0.3, 0.46), f * dice.between(0.62, 0.95));
            let size = unit * dice.between(0.13, 0.25);
            let shape = Outline::default()
                .from(0.0, 0.0)
                .curve((0.3, -0.3), (0.4, -0.8), (0.0, -1.25))
                .curve((-0.4, -0.8), (-0.3, -0.3), (0.0, 0.0));
            let green = mix(mix(p.near, p.third, 90), p.accent, (dice.next() % 60) as u32);
            let turn = side * dice.between(0.1, 1.0);
            board.fill(
                shape.placed(turn, (size, size), at.0, at.1),
                Paint::down(mix(green, p.pale, 80), green),
            );
            let tip = (at.0 + turn.sin() * size * 1.1, at.1 - turn.cos() * size * 1.1);
            board.line(&[at, tip], size * 0.025, mix(green, p.dark, 80), 200);
        }
        board.glow((w * 0.5, f * 0.93), (unit * 0.42, unit * 0.08), [10, 8, 24], 120.0);
    }

    fn deep(&self, board: &mut Board, dice: &mut Dice) {
        let (w, f, unit, p) = (self.width, self.floor, self.unit, self.p);
        let hue = dice.between(195.0, 245.0);
        if !self.backdrop(board) {
            let (top, low) =
                (oklch(0.78, 0.11, hue - 20.0).map(f32::from), oklch(0.22, 0.08, hue + 14.0).map(f32::from));
            let (key, high) = (dice.next(), self.height);
            board.field(Field::new(w as usize, high as usize, (unit / 72.0).max(4.0) as usize, |x, y| {
                let ray = fbm((x + y * 0.4) / unit * 7.0, 0.3, key, 2);
                let t = (y / high + (0.5 - ray) * 0.34 * (1.0 - y / high)).clamp(0.0, 1.0).powf(0.8);
                let mut out = top;
                out.iter_mut().zip(low).for_each(|(a, b)| *a += (b - *a) * t);
                out
            }));
        }
        let deep = oklch(0.3, 0.07, hue + 10.0);
        for range in 0..3u32 {
            let near = range as f32 / 2.0;
            let line = self.swell(dice, f * (0.78 + near * 0.14), f * 0.05);
            let colour = mix(mix(deep, p.water, 130), mix(p.dark, deep, 90), range * 128);
            self.ground(board, &line, colour, mix(colour, p.dark, 90));
            for _ in 0..(w / unit * 8.0) as usize {
                let place = dice.next() as usize % line.len().max(1);
                let (x, y) = line.get(place).copied().unwrap_or_default();
                let (size, colour) = (
                    unit * dice.between(0.05, 0.12) * (0.6 + near),
                    mix(dice.pick(&[p.accent, p.second, p.third]), colour, 190 - range * 70),
                );
                for branch in 0..5 {
                    let lean = (branch as f32 - 2.0) * 0.32;
                    board.line(
                        &[
                            (x, y + size * 0.1),
                            (x + lean * size * 0.5, y - size * 0.5),
                            (x + lean * size, y - size * dice.between(0.8, 1.2)),
                        ],
                        size * 0.12,
                        colour,
                        256,
                    );
                }
            }
        }
        for _ in 0..26 {
            let (x, y, r) = (dice.between(0.0, w), dice.between(0.0, f), unit * dice.between(0.003, 0.014));
            board.fill(Outline::oval((x, y), (r, r)), Paint::ball([255; 3], [226, 246, 255]).fade(30, 150));
        }
    }

    /// Blocks of a town seen from above at a slant.
    fn blocks(&self, board: &mut Board, dice: &mut Dice) {
        let (w, unit, p) = (self.width, self.unit, self.p);
        if !self.backdrop(board) {
            let (from, to) =
                (mix(p.pale, p.second, 60).map(f32::from), mix(p.second, p.pale, 90).map(f32::from));
            let high = self.height;
            board.field(Field::new(w as usize, high as usize, (unit / 20.0).max(4.0) as usize, |_, y| {
                let mut out = from;
                out.iter_mut().zip(to).for_each(|(a, b)| *a += (b - *a) * (y / high));
                out
            }));
        }
        let cell = unit / 8.0;
        let (rows, columns) = ((self.height / (cell * 0.29)) as i32 + 6, (w / cell) as i32 + 3);
        let colours = [p.accent, p.second, p.third, p.pale, mix(p.near, [120, 170, 110], 150)];
        for row in 0..rows.min(200) {
            for column in 0..columns.min(200) {
                let x = (column as f32 - 0.5 + if row % 2 == 0 { 0.0 } else { 0.5 }) * cell;
                let y = row as f32 * cell * 0.29;
                let roll = dice.next() % 10;
                let (half, down) = (cell * 0.44, cell * 0.25);
                let high = if roll < 3 { cell * 0.06 } else { cell * dice.between(0.2, 0.95) };
                let colour = if roll < 3 { mix(p.near, [130, 178, 120], 170) } else { dice.pick(&colours) };
                let top =
                    [(x, y - high - down), (x + half, y - high), (x, y - high + down), (x - half, y - high)];
                let left = [(x - half, y - high), (x, y - high + down), (x, y + down), (x - half, y)];
                let right = [(x + half, y - high), (x, y - high + down), (x, y + down), (x + half, y)];
                board.fill(
                    Outline::polygon(&left),
                    Paint::down(mix(colour, p.dark, 60), mix(colour, p.dark, 90)),
                );
                board.fill(
                    Outline::polygon(&right),
                    Paint::down(mix(colour, p.dark, 120), mix(colour, p.dark, 150)),
                );
                board.fill(Outline::polygon(&top), Paint::flat(mix(colour, [255; 3], 60)));
                if roll < 2 {
                    self.round_tree(board, (x, y - high), cell * 0.34, mix(p.near, [70, 130, 80], 130));
                } else if roll > 3 && board.hand.is_soft() {
                    for floor in 0..(high / (cell * 0.2)) as i32 {
                        let y = y - high + down * 0.55 + cell * 0.1 + floor as f32 * cell * 0.2;
                        for step in [0.26, 0.62] {
                            let slope = down * (step - 0.5);
                            let (a, b) = (x - half + half * step, x - half + half * (step + 0.2));
                            let pane = [
                                (a, y + slope),
                                (b, y + slope + down * 0.2),
                                (b, y + slope + down * 0.2 + cell * 0.08),
                                (a, y + slope + cell * 0.08),
                            ];
                            board.lay(
                                Outline::polygon(&pane).shape(),
                                Paint::flat(mix(p.sun, [255; 3], 60)).alpha(190),
                            );
                        }
                    }
                }
            }
        }
    }
}

fn p_light(p: &Palette) -> Rgb {
    if p.light == Light::Night { mix(p.sun, p.second, 120) } else { [255, 252, 240] }
}

/// A flat lens on water.
fn ripple(board: &mut Board, (x, y): Spot, wide: f32, thick: f32, colour: Rgb, alpha: u32) {
    let thick = thick.max(0.5);
    let lens = Outline::default()
        .from(x - wide, y)
        .curve((x - wide * 0.4, y - thick * 1.3), (x + wide * 0.4, y - thick * 1.3), (x + wide, y))
        .curve((x + wide * 0.4, y + thick * 1.3), (x - wide * 0.4, y + thick * 1.3), (x - wide, y));
    match board.hand {
        Hand::Lines { .. } | Hand::Neon { .. } => {
            board.line(
                &[(x - wide * 0.6, y), (x + wide * 0.6, y)],
                0.7,
                colour,
                if alpha > 130 { 256 } else { 0 },
            );
        }
        _ => board.fill(lens, Paint::flat(colour).alpha(alpha)),
    }
}

/// A heap of round clouds with a flat bottom.
fn cloud(board: &mut Board, (x, y): Spot, size: f32, p: &Palette, dice: &mut Dice) {
    let mut points = vec![(-1.7, 0.0), (-1.86, -0.2), (-1.6, -0.42)];
    for bump in 0..4 {
        let at = -1.2 + bump as f32 * 0.8;
        let high = 0.6 + dice.between(0.1, 0.55) * (1.0 - (at / 1.8).abs());
        points.extend([(at - 0.26, -high * 0.8), (at + 0.1, -high), (at + 0.36, -high * 0.72)]);
    }
    points.extend([(1.8, -0.36), (1.9, -0.14), (1.7, 0.0)]);
    let shape = Outline::smooth(&points).placed(0.0, (size, size * 0.8), x, y);
    let [_, middle, ..] = p.sky;
    let paint = Paint::down(mix(p.cloud, [255; 3], 120), mix(p.cloud, middle, 110));
    board.fill(shape, if board.hand.is_soft() { paint.fade(235, 120) } else { paint });
}

/// A tree that frames the view.
pub(super) fn frame(scene: &Scene, board: &mut Board, dice: &mut Dice) {
    let at = (scene.width * (0.5 - scene.side * 0.43), scene.floor * 1.02);
    let mut brush = Brush { board, at, size: scene.unit * 0.34, angle: 0.0, tint: (scene.p.dark, 60) };
    subjects::tree(&mut brush, mix(scene.p.near, scene.p.dark, 60), dice);
}
