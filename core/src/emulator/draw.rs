//! What the emulator draws: a landscape or a play of shapes, chosen by the seed and a few words of the
//! prompt, with the call's own pictures hung in it and the prompt written below.
//!
//! The same [`Order`] gives the same pixels; one letter or one number more gives another scene.

use super::canvas::{Canvas, Outline, Rgb, hsl, mix};
use super::text;
use crate::image::Pixels;

/// All that a picture depends on.
pub(super) struct Order<'a> {
    pub width: u32,
    pub height: u32,
    pub prompt: &'a str,
    /// The model's id and the size asked for, for the caption.
    pub model: &'a str,
    pub size: &'a str,
    pub seed: i64,
    /// The pictures of the call, smaller than they came.
    pub pictures: &'a [Pixels],
    /// Mixed into the scene: what the pictures are, how hot the model is, and so on.
    pub salt: u64,
}

/// A number that stands for some bytes (FNV-1a of 64 bits).
pub(super) fn hash(bytes: &[u8], from: u64) -> u64 {
    bytes.iter().fold(from ^ 0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// Numbers that look random and are the same each time (splitmix64).
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From `low` to before `high`.
    pub(super) fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * (self.next() >> 40) as f32 / (1 << 24) as f32
    }

    fn pick<T: Copy + Default>(&mut self, from: &[T]) -> T {
        let index = self.next() % from.len().max(1) as u64;
        from.get(index as usize).copied().unwrap_or_default()
    }
}

/// The light of a scene, as hue, saturation and lightness.
#[derive(Clone, Copy, Default)]
struct Mood {
    top: (f32, f32, f32),
    low: (f32, f32, f32),
    sun: (f32, f32, f32),
    far: (f32, f32, f32),
    near: (f32, f32, f32),
    night: bool,
}

const fn mood(
    top: (f32, f32, f32),
    low: (f32, f32, f32),
    sun: (f32, f32, f32),
    far: (f32, f32, f32),
    near: (f32, f32, f32),
) -> Mood {
    Mood { top, low, sun, far, near, night: false }
}

const DUSK: Mood =
    mood((258., 42., 34.), (22., 84., 70.), (44., 96., 78.), (318., 28., 52.), (262., 40., 15.));
const DAWN: Mood =
    mood((206., 52., 58.), (34., 88., 84.), (42., 100., 90.), (204., 30., 62.), (212., 42., 24.));
const DAY: Mood =
    mood((210., 74., 54.), (194., 72., 88.), (50., 100., 90.), (158., 30., 64.), (152., 46., 22.));
const NIGHT: Mood = Mood {
    night: true,
    ..mood((236., 56., 9.), (224., 46., 36.), (48., 44., 91.), (228., 36., 30.), (232., 46., 8.))
};
const ROSE: Mood =
    mood((332., 48., 48.), (16., 84., 84.), (22., 100., 93.), (336., 36., 62.), (324., 44., 21.));
const MINT: Mood =
    mood((172., 46., 40.), (58., 62., 85.), (54., 92., 91.), (166., 30., 56.), (176., 50., 15.));
const PLUM: Mood =
    mood((266., 48., 40.), (322., 64., 82.), (304., 60., 94.), (272., 32., 58.), (262., 46., 17.));

#[derive(Clone, Copy, Default, PartialEq)]
enum Place {
    #[default]
    Hills,
    Sea,
    Peaks,
    Shapes,
}

/// Whether one of these words begins a word of the prompt.
fn says(prompt: &str, words: &[&str]) -> bool {
    (prompt.split(|c: char| !c.is_alphanumeric())).any(|word| words.iter().any(|w| word.starts_with(w)))
}

/// Draws it.
pub(super) fn draw(order: &Order) -> Pixels {
    let mut canvas = Canvas::new(order.width, order.height);
    let mut key = hash(order.prompt.as_bytes(), order.salt);
    for number in [order.seed.cast_unsigned(), order.width.into(), order.height.into()] {
        key = hash(&number.to_le_bytes(), key);
    }
    let mut dice = Dice(hash(order.model.as_bytes(), key));
    let prompt = order.prompt.to_lowercase();
    let caption = Caption::lay(order);
    let floor = canvas.height as f32 - caption.height;
    Scene::new(&prompt, &mut dice, canvas.width as f32, floor).paint(&mut canvas, &prompt, &mut dice);
    hang(&mut canvas, order.pictures, floor, &mut dice);
    caption.write(&mut canvas);
    Pixels { width: order.width, height: order.height, channels: 3, data: canvas.data }
}

struct Scene {
    mood: Mood,
    place: Place,
    turn: f32,
    width: f32,
    /// Above this row nothing is hidden by the caption.
    floor: f32,
    sun: (f32, f32),
    radius: f32,
}

impl Scene {
    fn new(prompt: &str, dice: &mut Dice, width: f32, floor: f32) -> Self {
        let mood = if says(prompt, &["dusk", "sunset", "evening"]) {
            DUSK
        } else if says(prompt, &["night", "moon", "star", "midnight"]) {
            NIGHT
        } else if says(prompt, &["dawn", "sunrise", "morning"]) {
            DAWN
        } else {
            dice.pick(&[DUSK, DAWN, DAY, NIGHT, ROSE, MINT, PLUM])
        };
        let place = if says(prompt, &["sea", "ocean", "boat", "sail", "ship", "beach", "wave", "tide"]) {
            Place::Sea
        } else if says(prompt, &["mountain", "peak", "alp", "snow"]) {
            Place::Peaks
        } else if says(prompt, &["abstract", "logo", "pattern", "icon", "infographic", "diagram"]) {
            Place::Shapes
        } else {
            dice.pick(&[Place::Hills, Place::Sea, Place::Peaks, Place::Hills, Place::Shapes])
        };
        let sun = (dice.between(0.18, 0.82) * width, dice.between(0.2, 0.46) * floor);
        let radius = width.min(floor) * dice.between(0.07, 0.13);
        Scene { mood, place, turn: dice.between(-16.0, 16.0), width, floor, sun, radius }
    }

    fn colour(&self, (hue, saturation, lightness): (f32, f32, f32)) -> Rgb {
        hsl(hue + self.turn, saturation, lightness)
    }

    fn paint(&self, canvas: &mut Canvas, prompt: &str, dice: &mut Dice) {
        let (top, low) = (self.colour(self.mood.top), self.colour(self.mood.low));
        let sun = self.colour(self.mood.sun);
        let unit = self.width.min(self.floor);
        canvas.gradient(0..canvas.height, top, low);
        if self.mood.night {
            for _ in 0..60 {
                let at = (dice.between(0.0, self.width), dice.between(0.0, self.floor * 0.7));
                let size = unit * dice.between(0.0012, 0.0032) + 0.4;
                canvas.oval(at, (size, size), sun, dice.between(90.0, 230.0) as u32);
            }
        }
        canvas.glow(self.sun, self.radius * 3.6, sun, 150.0);
        canvas.oval(self.sun, (self.radius, self.radius), sun, 250);
        let has_banana = says(prompt, &["banana"]);
        let has_boat = says(prompt, &["boat", "sail", "ship", "yacht"]);
        match self.place {
            Place::Hills => self.land(canvas, dice, 5, false),
            Place::Peaks => self.land(canvas, dice, 4, true),
            Place::Sea => self.sea(canvas, dice),
            Place::Shapes => self.shapes(canvas, dice),
        }
        let horizon = match self.place {
            Place::Sea => 0.8,
            _ => 0.68,
        };
        let at = (self.width * dice.between(0.38, 0.62), self.floor * horizon);
        let lean = dice.between(-0.12, 0.12);
        match (has_banana, has_boat) {
            (true, true) => {
                self.sails(canvas, at, unit * 0.3, lean * 0.3);
                banana(canvas, at, unit * 0.3, lean * 0.3);
            }
            (true, false) => {
                let at = (at.0, self.floor * 0.52);
                banana(canvas, at, unit * 0.36, lean * 4.0);
            }
            (false, true) => {
                self.sails(canvas, at, unit * 0.24, lean * 0.3);
                self.hull(canvas, at, unit * 0.24, lean * 0.3);
            }
            (false, false) => {}
        }
    }

    /// Ranges of hills or mountains, the far ones pale.
    fn land(&self, canvas: &mut Canvas, dice: &mut Dice, ranges: usize, jagged: bool) {
        let (far, near) = (self.colour(self.mood.far), self.colour(self.mood.near));
        let haze = self.colour(self.mood.low);
        for range in 0..ranges {
            let depth = (range * 256 / (ranges - 1).max(1)) as u32;
            let base = self.floor * (0.52 + 0.42 * range as f32 / ranges as f32);
            let swing = self.floor * dice.between(0.05, 0.1) * if jagged { 1.7 } else { 1.0 };
            let line = if jagged {
                ridge(dice, canvas.width, base, swing)
            } else {
                swell(dice, canvas.width, base, swing)
            };
            let colour = mix(far, near, depth);
            canvas.ground(&line, colour, mix(colour, haze, 110 - depth * 90 / 256));
        }
    }

    fn sea(&self, canvas: &mut Canvas, dice: &mut Dice) {
        let unit = self.width.min(self.floor);
        let horizon = self.floor * dice.between(0.58, 0.66);
        let (far, near) = (self.colour(self.mood.far), self.colour(self.mood.near));
        let sun = self.colour(self.mood.sun);
        let coast = swell(dice, canvas.width, horizon - self.floor * 0.01, self.floor * 0.05);
        canvas.ground(&coast, mix(far, self.colour(self.mood.low), 60), far);
        let water = mix(self.colour(self.mood.top), near, 60);
        let rows = horizon as usize..canvas.height;
        canvas.gradient(rows, mix(self.colour(self.mood.low), water, 90), mix(water, near, 170));
        for step in 0..26 {
            let near = step as f32 / 26.0;
            let y = horizon + (canvas.height as f32 - horizon) * (0.015 + near * near);
            let wide = self.radius * dice.between(0.35, 1.0) * (1.0 + near * 1.6);
            let x = self.sun.0 + self.radius * dice.between(-0.7, 0.7);
            canvas.oval((x, y), (wide, (unit * 0.004 * (0.6 + near * 2.0)).max(0.7)), sun, 150 - step * 4);
        }
        for range in 0..3u32 {
            let base = self.floor * (0.84 + 0.09 * range as f32);
            let line = swell(dice, canvas.width, base, self.floor * 0.012);
            let wave = mix(water, near, 130 + range * 50);
            canvas.ground(&line, mix(wave, sun, 20), mix(wave, near, 120));
        }
    }

    /// Overlapping discs and bands.
    fn shapes(&self, canvas: &mut Canvas, dice: &mut Dice) {
        let unit = self.width.max(self.floor);
        let colours = [self.mood.far, self.mood.sun, self.mood.near, self.mood.low, self.mood.top];
        for _ in 0..9 {
            let at = (dice.between(0.0, self.width), dice.between(0.0, self.floor));
            let size = unit * dice.between(0.06, 0.26);
            let colour = self.colour(dice.pick(&colours));
            canvas.oval(at, (size, size), colour, dice.between(70.0, 150.0) as u32);
            if dice.next().is_multiple_of(2) {
                canvas.oval(at, (size * 0.62, size * 0.62), self.colour(dice.pick(&colours)), 120);
            }
        }
    }

    fn sails(&self, canvas: &mut Canvas, (x, y): (f32, f32), size: f32, lean: f32) {
        let placed = |outline: Outline| outline.placed(lean, size, x, y);
        let cloth = mix(self.colour(self.mood.sun), [255; 3], 120);
        let shade = mix(cloth, self.colour(self.mood.far), 90);
        let mast = Outline::default().from(-0.03, -1.75).line(0.02, -1.75).line(0.02, 0.1).line(-0.03, 0.1);
        canvas.fill(placed(mast), self.colour(self.mood.near));
        let main = Outline::default()
            .from(0.06, -1.7)
            .curve((0.5, -1.2), (0.75, -0.6), (0.78, -0.2))
            .line(0.06, -0.2);
        canvas.fill(placed(main), cloth);
        let jib = Outline::default()
            .from(-0.07, -1.45)
            .curve((-0.3, -1.0), (-0.6, -0.5), (-0.72, -0.24))
            .line(-0.07, -0.24);
        canvas.fill(placed(jib), shade);
    }

    fn hull(&self, canvas: &mut Canvas, (x, y): (f32, f32), size: f32, lean: f32) {
        let hull = Outline::default()
            .from(-0.95, -0.08)
            .line(0.98, -0.12)
            .curve((0.8, 0.3), (0.5, 0.36), (0.2, 0.36))
            .line(-0.4, 0.36)
            .curve((-0.7, 0.36), (-0.85, 0.2), (-0.95, -0.08));
        canvas.fill(hull.placed(lean, size, x, y), self.colour(self.mood.near));
    }
}

/// A banana that lies on its back.
fn banana(canvas: &mut Canvas, (x, y): (f32, f32), size: f32, angle: f32) {
    let placed = |outline: Outline| outline.placed(angle, size, x, y);
    let body = Outline::default()
        .from(-1.0, -0.42)
        .curve((-0.78, 0.52), (0.5, 0.78), (1.02, -0.3))
        .curve((1.0, -0.38), (0.93, -0.4), (0.9, -0.36))
        .curve((0.5, 0.16), (-0.4, 0.12), (-0.86, -0.5));
    canvas.fill(placed(body), [250, 209, 58]);
    let shade = Outline::default().from(-1.0, -0.42).curve((-0.78, 0.52), (0.5, 0.78), (1.02, -0.3)).curve(
        (0.5, 0.52),
        (-0.5, 0.4),
        (-1.0, -0.42),
    );
    canvas.fill(placed(shade), [224, 168, 32]);
    let light = Outline::default().from(-0.84, -0.36).curve((-0.4, 0.2), (0.4, 0.26), (0.86, -0.25)).curve(
        (0.4, 0.2),
        (-0.36, 0.14),
        (-0.84, -0.36),
    );
    canvas.fill(placed(light), [255, 232, 130]);
    let stem = Outline::default()
        .from(-1.0, -0.42)
        .line(-1.07, -0.66)
        .line(-0.95, -0.7)
        .line(-0.86, -0.5)
        .curve((-0.9, -0.42), (-0.95, -0.38), (-1.0, -0.42));
    canvas.fill(placed(stem), [146, 128, 40]);
    let tip = Outline::default().from(1.02, -0.3).curve((1.06, -0.38), (0.96, -0.44), (0.9, -0.36)).curve(
        (0.93, -0.3),
        (0.97, -0.27),
        (1.02, -0.3),
    );
    canvas.fill(placed(tip), [84, 62, 38]);
}

/// A line of soft hills, in 1/256 pixels.
fn swell(dice: &mut Dice, width: usize, base: f32, swing: f32) -> Vec<i32> {
    let waves = [1.0, 2.1, 4.3].map(|pace: f32| {
        let pace = pace * dice.between(3.0, 6.0) / width.max(1) as f32;
        (pace, dice.between(0.0, 6.3))
    });
    let height = |x: f32| {
        let (mut sum, mut share) = (0.0, 1.0);
        for (pace, phase) in waves {
            sum += (x * pace + phase).sin() * share;
            share *= 0.42;
        }
        ((base - sum * swing) * 256.0) as i32
    };
    (0..width).map(|x| height(x as f32)).collect()
}

/// A line of peaks, in 1/256 pixels: a straight line broken again and again.
fn ridge(dice: &mut Dice, width: usize, base: f32, swing: f32) -> Vec<i32> {
    let mut points: Vec<f32> = (0..6).map(|_| base - dice.between(-0.6, 1.4) * swing).collect();
    let mut rough = swing * 0.55;
    for _ in 0..5 {
        let next = points.iter().skip(1).chain(points.last()).copied().collect::<Vec<_>>();
        points = points
            .iter()
            .zip(next)
            .flat_map(|(a, b)| [*a, (a + b) / 2.0 + dice.between(-0.5, 0.5) * rough])
            .collect();
        points.pop();
        rough *= 0.46;
    }
    let steps = points.len().saturating_sub(1).max(1) as f32;
    let at = |index: usize| points.get(index).or(points.last()).copied().unwrap_or(base);
    let height = |x: usize| {
        let place = x as f32 / width.max(1) as f32 * steps;
        let (left, part) = (place as usize, place.fract());
        ((at(left) * (1.0 - part) + at(left + 1) * part) * 256.0) as i32
    };
    (0..width).map(height).collect()
}

/// Hangs the call's pictures above the caption: scaled, toned in one colour of the scene, framed.
fn hang(canvas: &mut Canvas, pictures: &[Pixels], floor: f32, dice: &mut Dice) {
    if pictures.is_empty() {
        return;
    }
    let count = pictures.len();
    let width = canvas.width as f32;
    // The number of columns that leaves the largest pictures.
    let columns = (1..=count)
        .max_by_key(|columns| {
            let rows = count.div_ceil(*columns);
            (width / *columns as f32).min(floor / rows as f32) as i32
        })
        .unwrap_or(1);
    let rows = count.div_ceil(columns);
    let (cell_width, cell_height) = (width / columns as f32, floor / rows as f32);
    let unit = cell_width.min(cell_height);
    let frame = (unit * 0.025).max(2.0);
    let tone = hsl(dice.between(0.0, 360.0), 55.0, 52.0);
    for (index, picture) in pictures.iter().enumerate() {
        let in_row = columns.min(count - index / columns * columns);
        let middle = (
            width / 2.0 + ((index % columns) as f32 - (in_row as f32 - 1.0) / 2.0) * cell_width,
            (index / columns) as f32 * cell_height + cell_height / 2.0,
        );
        let room = (cell_width * 0.84 - frame * 2.0, cell_height * 0.84 - frame * 2.0);
        let (from_width, from_height) = (picture.width.max(1) as f32, picture.height.max(1) as f32);
        let zoom = (room.0 / from_width).min(room.1 / from_height);
        let (w, h) = ((from_width * zoom).max(1.0) as u32, (from_height * zoom).max(1.0) as u32);
        let (left, top) = ((middle.0 - w as f32 / 2.0).round(), (middle.1 - h as f32 / 2.0).round());
        let (right, bottom) = (left + w as f32, top + h as f32);
        for step in 1..=4 {
            let soft = frame * 0.5 * step as f32;
            let card = (left - frame - soft, top - frame, right + frame + soft, bottom + frame + soft * 1.4);
            canvas.card(card, frame + soft, [16, 14, 24], 34);
        }
        canvas.card(
            (left - frame, top - frame, right + frame, bottom + frame),
            frame * 0.6,
            [250, 248, 242],
            256,
        );
        let mut shown = scaled(picture, w, h);
        for pixel in shown.data.chunks_exact_mut(3) {
            if let [r, g, b] = pixel {
                [*r, *g, *b] = mix([*r, *g, *b], tone, 72);
            }
        }
        canvas.paste(&shown, left as i32, top as i32);
    }
}

/// A picture at another size, without transparency.
fn scaled(picture: &Pixels, width: u32, height: u32) -> Canvas {
    let mut out = Canvas::new(width, height);
    let channels = usize::from(picture.channels);
    let stride = picture.width as usize * channels;
    let step = |from: u32, to: u32| (u64::from(from) << 16) / u64::from(to.max(1));
    let (step_x, step_y) = (step(picture.width, width), step(picture.height, height));
    let line = |y: u64| {
        let y = (y as usize).min(picture.height.saturating_sub(1) as usize);
        picture.data.get(y * stride..(y + 1) * stride).unwrap_or_default()
    };
    let pixel = |line: &[u8], x: u64| -> Rgb {
        let at = (x as usize).min(picture.width.saturating_sub(1) as usize) * channels;
        match line.get(at..at + channels) {
            Some([grey]) => [*grey; 3],
            Some([r, g, b]) => [*r, *g, *b],
            Some([r, g, b, alpha]) => mix([255; 3], [*r, *g, *b], u32::from(*alpha) + u32::from(*alpha >> 7)),
            _ => [0; 3],
        }
    };
    for (row, target) in out.data.chunks_exact_mut(width.max(1) as usize * 3).enumerate() {
        let y = (row as u64 * step_y + step_y / 2).saturating_sub(1 << 15);
        let (upper, lower, down) = (line(y >> 16), line((y >> 16) + 1), (y >> 8 & 255) as u32);
        for (column, to) in target.chunks_exact_mut(3).enumerate() {
            let x = (column as u64 * step_x + step_x / 2).saturating_sub(1 << 15);
            let (left, right) = (x >> 16, (x >> 8 & 255) as u32);
            let above = mix(pixel(upper, left), pixel(upper, left + 1), right);
            let below = mix(pixel(lower, left), pixel(lower, left + 1), right);
            to.copy_from_slice(&mix(above, below, down));
        }
    }
    out
}

/// A picture reduced to at most about this many pixels on its longer side, by averaging whole blocks.
pub(super) fn reduced(picture: Pixels, most: u32) -> Pixels {
    let block = (picture.width.max(picture.height) / most.max(1)).max(1) as usize;
    let channels = usize::from(picture.channels);
    let (width, height) = (picture.width as usize / block, picture.height as usize / block);
    if block == 1 || width == 0 || height == 0 {
        return picture;
    }
    let stride = picture.width as usize * channels;
    let mut data = Vec::with_capacity(width * height * channels);
    let mut sums = vec![0u32; width * channels];
    let area = (block * block) as u32;
    for rows in picture.data.chunks_exact(stride * block) {
        sums.fill(0);
        for row in rows.chunks_exact(stride) {
            for (sums, pixels) in sums.chunks_exact_mut(channels).zip(row.chunks_exact(channels * block)) {
                for pixel in pixels.chunks_exact(channels) {
                    sums.iter_mut().zip(pixel).for_each(|(sum, byte)| *sum += u32::from(*byte));
                }
            }
        }
        data.extend(sums.iter().map(|sum| (sum / area) as u8));
    }
    Pixels { width: width as u32, height: height as u32, channels: picture.channels, data }
}

/// The words below the scene: the prompt, and that the picture was drawn offline.
struct Caption {
    lines: Vec<String>,
    size: f32,
    notes: Vec<String>,
    small: f32,
    margin: f32,
    /// How much of the picture's height it takes, margins and all.
    height: f32,
}

impl Caption {
    const LEADING: f32 = 1.32;

    fn lay(order: &Order) -> Self {
        let (width, height) = (order.width as f32, order.height as f32);
        let base = ((width * height).sqrt() / 36.0).max(13.0);
        let note = format!(
            "drawn offline by nanobanana · {} · {} {}×{} · seed {}",
            order.model, order.size, order.width, order.height, order.seed
        );
        let mut caption = None;
        for shrink in [1.0, 0.85, 0.7, 0.55] {
            let size = (base * shrink).max(12.0);
            let small = (size * 0.66).max(11.0);
            let margin = size * 0.55;
            let most = width - margin * 4.0;
            let notes = text::wrap(&note, small, most);
            let mut lines = text::wrap(order.prompt, size, most);
            let rest = margin * 4.0 + notes.len() as f32 * small * Self::LEADING;
            let fit = ((height * 0.46 - rest) / (size * Self::LEADING)).max(1.0) as usize;
            let all = lines.len() <= fit;
            if !all {
                lines.truncate(fit);
                if let Some(last) = lines.last_mut() {
                    while text::width(last, size) + size * 1.2 > most && last.pop().is_some() {}
                    last.push('…');
                }
            }
            let height = rest + lines.len() as f32 * size * Self::LEADING;
            caption = Some(Caption { lines, size, notes, small, margin, height });
            if all {
                break;
            }
        }
        caption.unwrap_or(Caption {
            lines: Vec::new(),
            size: base,
            notes: Vec::new(),
            small: base,
            margin: 0.0,
            height: 0.0,
        })
    }

    fn write(&self, canvas: &mut Canvas) {
        let (width, height) = (canvas.width as f32, canvas.height as f32);
        let margin = self.margin;
        let card = (margin, height - self.height + margin, width - margin, height - margin);
        canvas.card(card, margin, [18, 18, 30], 176);
        let mut y = height - self.height + margin * 2.0;
        let lines = (self.lines.iter().map(|line| (line, self.size, [255, 255, 255])))
            .chain(self.notes.iter().map(|line| (line, self.small, [206, 210, 222])));
        for (line, size, colour) in lines {
            text::write(canvas, line, size, margin * 2.0, y + size * 0.98, colour);
            y += size * Self::LEADING;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::print_stdout)]
mod tests {
    use super::*;
    use crate::codec::{self, Format, Quality};

    fn order<'a>(prompt: &'a str, width: u32, height: u32, seed: i64) -> Order<'a> {
        Order { width, height, prompt, model: "gemini-3-pro-image", size: "1K", seed, pictures: &[], salt: 0 }
    }

    /// How many bytes differ clearly, of a thousand.
    fn differing(a: &Pixels, b: &Pixels) -> usize {
        let far = a.data.iter().zip(&b.data).filter(|(a, b)| a.abs_diff(**b) > 12).count();
        far * 1000 / a.data.len()
    }

    #[test]
    fn the_same_order_gives_the_same_pixels() {
        let first = draw(&order("a harbour", 320, 200, 7));
        assert_eq!(first.data.len(), 320 * 200 * 3);
        assert!(first == draw(&order("a harbour", 320, 200, 7)));
    }

    #[test]
    fn another_seed_or_prompt_gives_a_visibly_different_picture() {
        let first = draw(&order("a harbour", 320, 200, 7));
        for seed in 8..20 {
            assert!(differing(&first, &draw(&order("a harbour", 320, 200, seed))) > 100, "seed {seed}");
        }
        for prompt in ["a harbor", "a harbour!", "hills", "ein Hafen"] {
            assert!(differing(&first, &draw(&order(prompt, 320, 200, 7))) > 100, "{prompt}");
        }
    }

    #[test]
    fn the_caption_is_written_and_shows_the_seed() {
        // Its card is dark, whatever the scene: what is bright in it is ink.
        let ink = |seed| {
            let drawn = draw(&order("x", 512, 512, seed));
            let card = drawn.data.len() * 88 / 100;
            drawn.data.get(card..).unwrap().iter().map(|byte| *byte > 190).collect::<Vec<_>>()
        };
        let (one, two) = (ink(1111), ink(8888));
        assert!(one.iter().filter(|is| **is).count() > 300);
        assert!(one != two);
    }

    #[test]
    fn a_picture_is_shown_in_its_own_colours() {
        let solid = |colour: Rgb| Pixels { width: 60, height: 40, channels: 3, data: colour.repeat(2400) };
        let (red, blue) = ([solid([230, 20, 20])], [solid([20, 20, 230])]);
        let middle = |pictures: &[Pixels]| {
            let drawn = draw(&Order { pictures, ..order("make it", 300, 300, 3) });
            let at = (110 * 300 + 150) * 3;
            <[u8; 3]>::try_from(drawn.data.get(at..at + 3).unwrap()).unwrap()
        };
        let ([r, _, b], [r2, _, b2]) = (middle(&red), middle(&blue));
        assert!(r > b.saturating_add(50) && b2 > r2.saturating_add(50), "{r} {b} · {r2} {b2}");
    }

    #[test]
    fn reducing_averages_blocks() {
        let chess: Vec<u8> = (0..64).map(|i| if (i + i / 8) % 2 == 0 { 200 } else { 100 }).collect();
        let small = reduced(Pixels { width: 8, height: 8, channels: 1, data: chess }, 4);
        assert_eq!((small.width, small.height), (4, 4));
        assert!(small.data.iter().all(|byte| *byte == 150));
    }

    #[test]
    fn every_shape_of_sheet_can_be_drawn_on() {
        for (width, height) in [(192, 1536), (1536, 192), (1, 1), (17, 3), (512, 512)] {
            let long = "words ".repeat(300);
            let drawn = draw(&order(&long, width, height, 1));
            assert_eq!(drawn.data.len(), (width * height * 3) as usize);
        }
    }

    /// Draws a few pictures into the folder `GALLERY` and tells what they took:
    /// `GALLERY=/tmp/gallery cargo test -p nanobanana --release --lib gallery -- --ignored --nocapture`
    #[test]
    #[ignore = "for the eye and the clock"]
    fn gallery() {
        let folder = std::path::PathBuf::from(std::env::var_os("GALLERY").unwrap());
        std::fs::create_dir_all(&folder).unwrap();
        let photo = [
            draw(&order("a harbour at dusk", 640, 480, 2)),
            draw(&order("a night in the mountains", 300, 480, 2)),
            draw(&order("a banana", 480, 480, 5)),
        ];
        let mut orders = vec![
            order("A banana-shaped sailboat at dusk", 5504, 3072, 42),
            order("A banana-shaped sailboat at dusk", 1376, 768, 42),
            order("A banana, Grüße from 東京 · Привет", 1024, 1024, 1),
            order("Snowy mountains", 1200, 896, 3),
            order("A quiet night by the sea", 896, 1200, 4),
            order("An abstract pattern", 1024, 1024, 5),
            order("A little house in green hills, with smoke from the chimney", 424, 632, 6),
            order("A tall tower", 192, 1536, 7),
            order("A long train through the desert", 1536, 192, 8),
        ];
        orders.push(Order {
            pictures: photo.get(..1).unwrap(),
            ..order("Make it night, keep the boat", 1024, 1024, 9)
        });
        orders.push(Order { pictures: &photo, ..order("Put these three together", 1376, 768, 10) });
        orders.extend((0..6).map(|seed| order("A garden", 512, 512, seed)));
        for (index, order) in orders.iter().enumerate() {
            let start = std::time::Instant::now();
            let drawn = draw(order);
            let drew = start.elapsed();
            for format in [Format::Jpeg, Format::Png] {
                let start = std::time::Instant::now();
                let bytes = codec::encode(&drawn, format, Quality::Default).unwrap();
                let size = bytes.len() / 1024;
                println!(
                    "{index:2} {}x{}: drawn in {drew:?}, {format:?} {size} KB in {:?}",
                    order.width,
                    order.height,
                    start.elapsed()
                );
                std::fs::write(folder.join(format!("{index:02}.{}", format.extension())), bytes).unwrap();
            }
        }
    }
}
