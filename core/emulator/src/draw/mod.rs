//! What the emulator draws: a scene in harmonious colours, with the subject and in the manner that a few
//! simple words of the prompt ask for, the call's own pictures hung in it, and the prompt written below.
//!
//! The same [`Order`] gives the same pixels; one letter or one number more gives another picture.

mod board;
mod caption;
mod noise;
mod palette;
mod pictures;
mod scene;
mod styles;
mod subjects;
#[cfg(test)]
mod tests;

use board::Board;
use caption::Caption;
use palette::{Light, Palette};
pub(crate) use pictures::reduced;
use scene::{Place, Scene};
use styles::Style;
use subjects::Subject;

use nanobanana_base::image::Pixels;

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

/// The prompt's words, in small letters.
struct Words {
    text: String,
    words: Vec<String>,
}

impl Words {
    /// Only the beginning of a very long prompt is looked at: words in it are as good as any.
    const MOST: usize = 4000;

    fn of(prompt: &str) -> Self {
        let text: String = prompt.chars().take(Self::MOST).flat_map(char::to_lowercase).collect();
        let words = (text.split(|c: char| !c.is_alphanumeric() && c != '-'))
            .flat_map(|word| std::iter::once(word).chain(word.split('-').filter(move |part| *part != word)))
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect();
        Words { text, words }
    }

    /// Whether it holds this, of whatever words.
    fn has(&self, phrase: &str) -> bool {
        self.text.contains(phrase)
    }

    /// Whether one of these is among the words, or begins one if it ends in a star.
    fn say(&self, names: &[&str]) -> bool {
        self.words.iter().any(|word| {
            names.iter().any(|name| match name.strip_suffix('*') {
                Some(start) => word.starts_with(start),
                None => word == name,
            })
        })
    }

    fn light(&self) -> Option<Light> {
        let known: &[(Light, &[&str])] = &[
            (Light::Night, &["night*", "moon*", "star", "stars", "starry", "midnight", "nocturne"]),
            (Light::Dusk, &["dusk", "sunset*", "evening", "twilight"]),
            (Light::Dawn, &["dawn", "sunrise*", "morning"]),
            (Light::Storm, &["storm*", "thunder*", "rain*", "gloomy"]),
            (Light::Mist, &["mist*", "fog*", "haze", "hazy"]),
            (Light::Day, &["day", "noon", "sunny", "summer", "daylight"]),
        ];
        known.iter().find(|(_, names)| self.say(names)).map(|(light, _)| *light)
    }
}

/// Draws it.
pub(super) fn draw(order: &Order) -> Pixels {
    let mut key = hash(order.prompt.as_bytes(), order.salt);
    for number in [order.seed.cast_unsigned(), order.width.into(), order.height.into()] {
        key = hash(&number.to_le_bytes(), key);
    }
    let mut dice = Dice(hash(order.model.as_bytes(), key));
    let words = Words::of(order.prompt);
    let style = Style::of(&words);
    let light = (words.light().or(style.light())).unwrap_or_else(|| {
        let any = [Light::Day, Light::Dawn, Light::Dusk, Light::Day, Light::Mist, Light::Night, Light::Dusk];
        dice.pick(&any)
    });
    let subject = Subject::of(&words);
    let hue = styles::named_hue(&words);
    // A colour is the subject's, and without one the land's.
    let palette = Palette::new(light, hue, hue.filter(|_| subject.is_none()), &mut dice);
    let place = Place::of(&words, subject, &mut dice);
    let caption = Caption::lay(order);
    let floor = order.height as f32 - caption.height;
    let scene = |width: u32, height: u32, floor: f32, dice: &mut Dice| {
        let mut board = Board::new(width, height, style.hand(&palette));
        let mut scene = Scene::new(&palette, place, &board, floor, dice);
        scene.is_winter = words.say(&["winter*", "snow*", "ice", "icy", "frost*"]);
        scene.paint(&mut board, dice);
        match subject {
            Some(subject) => scene.subject(&mut board, subject, dice),
            None if place == Place::Hills && dice.next().is_multiple_of(2) => {
                scene::frame(&scene, &mut board, dice);
            }
            None => {}
        }
        board
    };
    let mut board = match style {
        Style::Pixel => {
            let block = (order.width.min(order.height) / 84).max(2);
            let (width, height) = (order.width.div_ceil(block), order.height.div_ceil(block));
            let small = scene(width, height, floor / block as f32, &mut dice).paint();
            let mut board = Board::new(order.width, order.height, style.hand(&palette));
            board.blocks(small, width, block);
            board
        }
        _ => scene(order.width, order.height, floor, &mut dice),
    };
    if let Some(finish) = style.finish(board.width, board.height, dice.next()) {
        board.finish(finish);
    }
    pictures::hang(&mut board, order.pictures, floor, &palette);
    caption.write(&mut board, styles::panel(&palette, style), palette.accent);
    Pixels { width: order.width, height: order.height, channels: 3, data: board.paint() }
}
