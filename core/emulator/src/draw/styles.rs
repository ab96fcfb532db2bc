//! How a picture is made: the manner that a word of the prompt asks for, as a hand that lays strokes on and
//! a finish over the whole.

use super::Words;
use super::noise::fbm;
use super::palette::{Light, Palette, oklch};
use crate::canvas::{Canvas, Field, Rgb, mix};

#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub(super) enum Style {
    #[default]
    Painting,
    Watercolour,
    Blueprint,
    Pixel,
    LineArt,
    Sketch,
    Neon,
    Minimal,
    Vintage,
    Comic,
    Noir,
    Pastel,
}

impl Style {
    /// The first of these that the prompt names.
    pub fn of(words: &Words) -> Self {
        use Style::*;
        let known: &[(Style, &[&str])] = &[
            (Blueprint, &["blueprint*", "schematic*", "cyanotype"]),
            (Watercolour, &["watercolour*", "watercolor*", "aquarelle", "aquarell", "gouache"]),
            (
                Pixel,
                &["pixel", "pixels", "pixelart", "pixelated", "8bit", "8-bit", "16bit", "16-bit", "voxel*"],
            ),
            (Neon, &["neon", "cyberpunk", "synthwave", "vaporwave"]),
            (Sketch, &["sketch*", "pencil", "charcoal", "doodle*"]),
            (LineArt, &["lineart", "linework", "line", "ink", "outline*", "engraving", "etching", "woodcut"]),
            (Comic, &["comic*", "cartoon*", "manga", "anime", "popart", "pop"]),
            (Noir, &["noir", "monochrome", "black-and-white", "grayscale", "greyscale"]),
            (Vintage, &["vintage", "retro", "sepia", "antique", "nostalgic", "old-fashioned"]),
            (Minimal, &["minimal*", "flat", "simple"]),
            (Pastel, &["pastel*", "soft"]),
        ];
        if words.has("black and white") {
            return Noir;
        }
        known.iter().find(|(_, names)| words.say(names)).map_or(Painting, |(style, _)| *style)
    }

    /// The hour it goes with when the prompt says none.
    pub fn light(self) -> Option<Light> {
        match self {
            Style::Neon => Some(Light::Night),
            Style::Watercolour | Style::Comic | Style::Minimal | Style::Pastel => Some(Light::Day),
            _ => None,
        }
    }

    pub fn hand(self, p: &Palette) -> Hand {
        match self {
            Style::Painting | Style::Pixel | Style::Vintage | Style::Noir | Style::Pastel => Hand::Full,
            Style::Minimal => Hand::Flat,
            Style::Watercolour => Hand::Wash,
            Style::Blueprint => Hand::Lines { paper: [24, 66, 138], ink: [224, 238, 255], tone: 26 },
            Style::LineArt => Hand::Lines { paper: [250, 247, 240], ink: [30, 30, 42], tone: 14 },
            Style::Sketch => Hand::Lines { paper: [243, 240, 232], ink: [72, 70, 74], tone: 118 },
            Style::Neon => {
                Hand::Neon { dark: mix(p.dark, [8, 4, 24], 170), lights: [p.accent, p.second, p.third] }
            }
            Style::Comic => Hand::Comic { ink: [22, 18, 34] },
        }
    }

    pub fn finish(self, width: f32, height: f32, key: u64) -> Option<Finish> {
        let unit = width.min(height);
        let finish = |kind, field| Some(Finish { kind, field, unit, key: key as u32 });
        match self {
            Style::Watercolour => {
                let edge = unit * 0.045;
                let step = (unit / 150.0).max(2.0);
                let field = Field::new(width as usize, height as usize, step as usize, |x, y| {
                    let at = |grain: f32, salt: u64| fbm(x / unit * grain, y / unit * grain, key ^ salt, 3);
                    let rim = x.min(width - x).min(y).min(height - y) / edge - 1.0;
                    let wave = at(9.0, 1);
                    let bare = (rim + (wave - 0.5) * 3.0 + 0.5).clamp(0.0, 1.0);
                    [wave * 255.0, at(22.0, 2) * 255.0, bare * 255.0]
                });
                finish(Kind::Wash, Some(field))
            }
            Style::Sketch => finish(Kind::Paper, None),
            Style::Vintage => {
                let step = (unit / 40.0).max(2.0) as usize;
                let field = Field::new(width as usize, height as usize, step, |x, y| {
                    let (dx, dy) = (x / width * 2.0 - 1.0, y / height * 2.0 - 1.0);
                    let rim = ((dx * dx + dy * dy) * 0.5).clamp(0.0, 1.0);
                    [255.0 * (1.0 - rim * 0.55), 0.0, 0.0]
                });
                finish(Kind::Sepia, Some(field))
            }
            Style::Noir => finish(Kind::Noir, None),
            Style::Comic => finish(Kind::Dots, None),
            Style::Pastel => finish(Kind::Pastel, None),
            _ => None,
        }
    }
}

/// How strokes are laid on.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Hand {
    Full,
    /// One colour for each shape.
    Flat,
    /// Thin colour with a darker rim.
    Wash,
    /// Outlines on paper; `tone` of 256 parts of light and shade are left.
    Lines {
        paper: Rgb,
        ink: Rgb,
        tone: u32,
    },
    /// Shining outlines in the dark.
    Neon {
        dark: Rgb,
        lights: [Rgb; 3],
    },
    Comic {
        ink: Rgb,
    },
}

impl Hand {
    /// The width of an outline in parts of the sheet's shorter side.
    pub fn pen(self) -> f32 {
        match self {
            Hand::Comic { .. } => 0.0052,
            Hand::Neon { .. } => 0.0034,
            _ => 0.0026,
        }
    }

    /// Whether clouds and light are painted, or only what has an outline.
    pub fn is_soft(self) -> bool {
        matches!(self, Hand::Full | Hand::Wash | Hand::Comic { .. })
    }
}

enum Kind {
    Wash,
    Paper,
    Sepia,
    Noir,
    Dots,
    Pastel,
}

/// What is done to the whole picture at the end.
pub(super) struct Finish {
    kind: Kind,
    field: Option<Field>,
    unit: f32,
    key: u32,
}

/// A number for a pixel that looks random.
fn grain(x: u32, y: u32, key: u32) -> u32 {
    let mut n = x.wrapping_mul(0x9e37_79b1) ^ y.wrapping_mul(0x85eb_ca77) ^ key;
    n = (n ^ (n >> 15)).wrapping_mul(0x2c1b_3c6d);
    (n ^ (n >> 13)) & 255
}

fn grey(pixel: &[u8]) -> u32 {
    match pixel {
        [r, g, b] => (u32::from(*r) * 77 + u32::from(*g) * 150 + u32::from(*b) * 29) >> 8,
        _ => 0,
    }
}

impl Finish {
    pub fn touch(&self, canvas: &mut Canvas) {
        match (&self.kind, &self.field) {
            (Kind::Wash, Some(field)) => wash(canvas, field, self.unit),
            (Kind::Sepia, Some(field)) => {
                let key = self.key;
                canvas.with_field(field, |pixel, x, y, [light, ..]| {
                    let grey = ((grey(pixel) * 214) >> 8) + 34 + (grain(x, y, key) >> 5);
                    let tone = (grey * light) >> 8;
                    let brown = [(tone * 271) >> 8, (tone * 236) >> 8, (tone * 184) >> 8];
                    for (byte, brown) in pixel.iter_mut().zip(brown) {
                        *byte = ((u32::from(*byte) * 56 + brown.min(255) * 200) >> 8) as u8;
                    }
                });
            }
            (Kind::Noir, _) => {
                for (_, row) in canvas.lines() {
                    for pixel in row.chunks_exact_mut(3) {
                        let grey = grey(pixel) as i32;
                        let hard = (grey + (grey - 116) * 90 / 256).clamp(4, 250) as u8;
                        pixel.fill(hard);
                    }
                }
            }
            (Kind::Paper, _) => {
                for (y, row) in canvas.lines() {
                    for (x, pixel) in (0..).zip(row.chunks_exact_mut(3)) {
                        let less = (grain(x, y as u32, self.key) >> 4) as u8;
                        pixel.iter_mut().for_each(|byte| *byte = byte.saturating_sub(less));
                    }
                }
            }
            (Kind::Dots, _) => dots(canvas, self.unit),
            (Kind::Pastel, _) => {
                for (_, row) in canvas.lines() {
                    for pixel in row.chunks_exact_mut(3) {
                        let base = grey(pixel) * 60 + 252 * 84;
                        pixel
                            .iter_mut()
                            .for_each(|byte| *byte = ((u32::from(*byte) * 112 + base) >> 8) as u8);
                    }
                }
            }
            _ => {}
        }
    }
}

/// Pigment that gathers, runs at the edges and leaves the paper's rim bare.
fn wash(canvas: &mut Canvas, field: &Field, unit: f32) {
    const PAPER: Rgb = [252, 249, 241];
    let reach = (unit * 0.012).max(1.0);
    let mut row: Vec<u8> = Vec::new();
    let mut last = u32::MAX;
    canvas.with_rows(field, |pixels, y, values| {
        if last != y {
            row.clear();
            row.extend_from_slice(pixels);
            last = y;
        }
        let end = (row.len() / 3) as i32 - 1;
        for ((x, pixel), [wave, pigment, bare]) in (0i32..).zip(pixels.chunks_exact_mut(3)).zip(values) {
            let from = (x + ((*wave as f32 - 128.0) / 128.0 * reach) as i32).clamp(0, end) as usize * 3;
            let thin = 40 + ((pigment.saturating_sub(40) * 90) >> 8);
            let own = row.get(from..from + 3).unwrap_or_default();
            for ((to, from), paper) in pixel.iter_mut().zip(own).zip(PAPER) {
                let paper = u32::from(paper);
                let thinned = (u32::from(*from) * (256 - thin) + paper * thin) >> 8;
                *to = ((thinned * bare + paper * (255 - bare)) / 255) as u8;
            }
        }
    });
}

/// Printed dots, larger where it is darker.
fn dots(canvas: &mut Canvas, unit: f32) {
    let size = (unit / 90.0).max(4.0) as u32;
    let half = size as i32 / 2;
    for (y, row) in canvas.lines() {
        for (x, pixel) in (0u32..).zip(row.chunks_exact_mut(3)) {
            let (u, v) = ((x + y as u32) % size, (x + (1 << 20) * size - y as u32) % size);
            let (du, dv) = (u as i32 - half, v as i32 - half);
            let room = (225i32 - grey(pixel) as i32).clamp(0, 120);
            if (du * du + dv * dv) * 300 < half * half * room {
                pixel.iter_mut().for_each(|byte| *byte = ((u32::from(*byte) * 206) >> 8) as u8);
            }
        }
    }
}

/// The hue of the first colour that the prompt names.
pub(super) fn named_hue(words: &Words) -> Option<f32> {
    let known: &[(f32, &[&str])] = &[
        (27.0, &["red", "crimson", "scarlet", "ruby"]),
        (52.0, &["orange", "amber", "copper"]),
        (96.0, &["yellow", "gold", "golden"]),
        (145.0, &["green", "emerald", "jade"]),
        (192.0, &["teal", "turquoise", "cyan"]),
        (256.0, &["blue", "azure", "indigo", "cobalt"]),
        (305.0, &["purple", "violet", "lavender", "lilac"]),
        (355.0, &["pink", "magenta", "rose", "fuchsia"]),
    ];
    known.iter().find(|(_, names)| words.say(names)).map(|(hue, _)| *hue)
}

/// The panel's colour: the palette's dark, dark enough for white words.
pub(super) fn panel(p: &Palette, style: Style) -> Rgb {
    match style {
        Style::Blueprint => [12, 34, 78],
        Style::Noir | Style::LineArt | Style::Sketch => [24, 24, 28],
        Style::Vintage => [48, 34, 22],
        _ => mix(p.dark, oklch(0.16, 0.03, 280.0), 128),
    }
}
