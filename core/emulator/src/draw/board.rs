//! The list of strokes a picture is made of, and its painting in bands of rows by two threads.
//!
//! How a stroke is laid on is the hand's matter: the same scene is a painting, a line drawing or neon.

use std::sync::{Mutex, PoisonError};

use super::styles::{Finish, Hand};
use crate::canvas::{Canvas, Field, Paint, Patch, Rgb, mix};
use crate::outline::{Outline, Shape, Spot, path};
use crate::text;

/// Pictures of fewer pixels are not worth another thread.
const SMALL: usize = 400_000;

enum Stroke {
    Field(Field),
    Fill(Shape, Paint),
    Glow(Spot, Spot, Rgb, f32),
    Paste(Patch, i32, i32),
    /// Squares of so many pixels, from a small picture.
    Blocks(Patch, u32),
    Text {
        line: String,
        size: f32,
        x: f32,
        y: f32,
        colour: Rgb,
    },
    Finish(Finish),
}

pub(super) struct Board {
    pub width: f32,
    pub height: f32,
    pub hand: Hand,
    /// The width of an outline.
    pub pen: f32,
    strokes: Vec<Stroke>,
}

fn luma([r, g, b]: Rgb) -> u32 {
    (u32::from(r) * 77 + u32::from(g) * 150 + u32::from(b) * 29) >> 8
}

impl Board {
    pub fn new(width: u32, height: u32, hand: Hand) -> Self {
        let (width, height) = (width as f32, height as f32);
        let pen = (width.min(height) * hand.pen()).max(1.0);
        Board { width, height, hand, pen, strokes: Vec::new() }
    }

    /// Fills an outline; a hand that draws lines also follows it.
    pub fn fill(&mut self, outline: Outline, paint: Paint) {
        match self.hand {
            Hand::Full => self.lay(outline.shape(), paint),
            Hand::Flat => {
                let flat = Paint::flat(paint.middle());
                if paint.covers() {
                    self.lay(outline.shape(), flat);
                }
            }
            Hand::Lines { paper, ink, tone } => {
                if paint.covers() {
                    let stroke = outline.clone().stroke(self.pen);
                    let share = match luma(paint.middle()) {
                        light if luma(ink) > luma(paper) => light * tone / 256,
                        light => (255 - light) * tone / 256,
                    };
                    self.lay(outline.shape(), Paint::flat(mix(paper, ink, share)));
                    self.lay(stroke, Paint::flat(ink));
                }
            }
            Hand::Wash => {
                // Colour dries thin, and darker at its rim.
                let stroke = paint.covers().then(|| outline.clone().stroke(self.pen * 1.3));
                let paint = if paint.covers() { paint.fade(226, 206) } else { paint };
                self.lay(outline.shape(), paint);
                if let Some(stroke) = stroke {
                    self.lay(stroke, Paint::flat(mix(paint.middle(), [40, 30, 60], 90)).alpha(84));
                }
            }
            Hand::Comic { ink } => {
                let stroke = paint.covers().then(|| outline.clone().stroke(self.pen));
                self.lay(outline.shape(), paint);
                if let Some(stroke) = stroke {
                    self.lay(stroke, Paint::flat(ink));
                }
            }
            Hand::Neon { dark, lights } => {
                if paint.covers() {
                    let turn = self.strokes.len() / 12 % 3;
                    let light = vivid(lights.get(turn).copied().unwrap_or(paint.middle()));
                    for (width, alpha) in [(7.0, 26), (3.6, 60)] {
                        let halo = outline.clone().stroke(self.pen * width);
                        self.lay(halo, Paint::flat(light).alpha(alpha));
                    }
                    let core = outline.clone().stroke(self.pen);
                    self.lay(outline.shape(), Paint::flat(mix(dark, paint.middle(), 22)));
                    self.lay(core, Paint::flat(mix(light, [255; 3], 110)));
                }
            }
        }
    }

    /// A line from point to point.
    pub fn line(&mut self, points: &[Spot], width: f32, colour: Rgb, alpha: u32) {
        let width = width.max(0.7);
        match self.hand {
            Hand::Full | Hand::Flat | Hand::Wash => {
                self.lay(path(points, width), Paint::flat(colour).alpha(alpha))
            }
            Hand::Comic { ink } => {
                if width > self.pen {
                    self.lay(path(points, width + self.pen * 2.0), Paint::flat(ink));
                }
                self.lay(path(points, width), Paint::flat(colour).alpha(alpha));
            }
            Hand::Lines { ink, .. } if alpha > 120 => {
                self.lay(
                    path(points, width.clamp(self.pen * 0.6, self.pen * 1.6)),
                    Paint::flat(ink).alpha(200),
                );
            }
            Hand::Neon { .. } if alpha > 120 => {
                let light = vivid(colour);
                self.lay(path(points, width + self.pen * 4.0), Paint::flat(light).alpha(50));
                self.lay(path(points, self.pen), Paint::flat(mix(light, [255; 3], 110)));
            }
            Hand::Lines { .. } | Hand::Neon { .. } => {}
        }
    }

    pub fn glow(&mut self, at: Spot, radii: Spot, colour: Rgb, strength: f32) {
        match self.hand {
            Hand::Full | Hand::Wash | Hand::Comic { .. } => {
                self.strokes.push(Stroke::Glow(at, radii, colour, strength))
            }
            Hand::Neon { .. } => self.strokes.push(Stroke::Glow(at, radii, vivid(colour), strength * 0.3)),
            Hand::Flat | Hand::Lines { .. } => {}
        }
    }

    /// Fills a shape, whatever the hand.
    pub fn lay(&mut self, shape: Shape, paint: Paint) {
        self.strokes.push(Stroke::Fill(shape, paint));
    }

    pub fn light(&mut self, at: Spot, radii: Spot, colour: Rgb, strength: f32) {
        self.strokes.push(Stroke::Glow(at, radii, colour, strength));
    }

    pub fn field(&mut self, field: Field) {
        self.strokes.push(Stroke::Field(field));
    }

    pub fn paste(&mut self, patch: Patch, left: i32, top: i32) {
        self.strokes.push(Stroke::Paste(patch, left, top));
    }

    /// A small picture whose pixels are squares here.
    pub fn blocks(&mut self, data: Vec<u8>, width: u32, block: u32) {
        self.strokes.push(Stroke::Blocks(Patch { width: width as usize, data }, block));
    }

    pub fn text(&mut self, line: &str, size: f32, x: f32, y: f32, colour: Rgb) {
        self.strokes.push(Stroke::Text { line: line.to_owned(), size, x, y, colour });
    }

    pub fn finish(&mut self, finish: Finish) {
        self.strokes.push(Stroke::Finish(finish));
    }

    /// The pixels.
    pub fn paint(&self) -> Vec<u8> {
        let (width, height) = (self.width as usize, self.height as usize);
        let mut data = vec![0; width * height * 3];
        // A band stays in a core's own memory while all strokes are laid on it.
        let rows = (160_000 / (width * 3).max(1)).clamp(16, 256);
        let bands = data.chunks_mut((width * 3 * rows).max(1)).enumerate();
        if width * height < SMALL {
            bands.for_each(|(index, band)| self.band(width, index * rows, band));
            return data;
        }
        let bands = Mutex::new(bands);
        let work = || {
            loop {
                let next = bands.lock().unwrap_or_else(PoisonError::into_inner).next();
                match next {
                    Some((index, band)) => self.band(width, index * rows, band),
                    None => break,
                }
            }
        };
        std::thread::scope(|scope| {
            // Where no thread can be had, this one does it all.
            let _ = std::thread::Builder::new().name("nanobanana-brush".into()).spawn_scoped(scope, work);
            work();
        });
        data
    }

    fn band(&self, width: usize, top: usize, data: &mut [u8]) {
        let mut canvas = Canvas::new(width, top, data);
        for stroke in &self.strokes {
            match stroke {
                Stroke::Field(field) => canvas.field(field),
                Stroke::Fill(shape, paint) => canvas.fill(shape, paint),
                Stroke::Glow(at, radii, colour, strength) => canvas.glow(*at, *radii, *colour, *strength),
                Stroke::Paste(patch, left, top) => canvas.paste(patch, *left, *top),
                Stroke::Blocks(patch, block) => canvas.blocks(patch, *block as usize),
                Stroke::Text { line, size, x, y, colour } => {
                    if canvas.shows(y - size * 1.3, y + size * 0.6) {
                        text::write(&mut canvas, line, *size, *x, *y, *colour);
                    }
                }
                Stroke::Finish(finish) => finish.touch(&mut canvas),
            }
        }
    }
}

/// The same hue, as bright as it goes.
fn vivid(colour: Rgb) -> Rgb {
    let (low, high) = (colour.iter().min().copied().unwrap_or(0), colour.iter().max().copied().unwrap_or(0));
    let span = f32::from((high - low).max(12));
    colour.map(|value| (f32::from(value - low) / span * 225.0 + 30.0).min(255.0) as u8)
}

/// Draws in a subject's own measures: it stands on y = 0, and is about 2 high.
pub(super) struct Brush<'a> {
    pub board: &'a mut Board,
    pub at: Spot,
    pub size: f32,
    pub angle: f32,
    /// The light around it, and how much of 256 parts of it there is in all colours.
    pub tint: (Rgb, u32),
}

impl Brush<'_> {
    fn place(&self, (x, y): Spot) -> Spot {
        let (sin, cos) = self.angle.sin_cos();
        let (x, y) = (x * self.size, y * self.size);
        (x * cos - y * sin + self.at.0, x * sin + y * cos + self.at.1)
    }

    pub fn fill(&mut self, outline: Outline, paint: Paint) {
        let (light, share) = self.tint;
        let paint = paint.tinted(light, share);
        let (x, y) = self.at;
        self.board.fill(outline.placed(self.angle, (self.size, self.size), x, y), paint);
    }

    pub fn oval(&mut self, at: Spot, radii: Spot, paint: Paint) {
        self.fill(Outline::oval(at, radii), paint);
    }

    pub fn line(&mut self, points: &[Spot], width: f32, colour: Rgb) {
        let points: Vec<Spot> = points.iter().map(|point| self.place(*point)).collect();
        let colour = mix(colour, self.tint.0, self.tint.1);
        self.board.line(&points, width * self.size, colour, 256);
    }

    pub fn glow(&mut self, at: Spot, radii: Spot, colour: Rgb, strength: f32) {
        let at = self.place(at);
        self.board.glow(at, (radii.0 * self.size, radii.1 * self.size), colour, strength);
    }

    /// What it throws on the ground.
    pub fn shadow(&mut self, wide: f32) {
        let (at, size) = (self.at, self.size);
        self.board.glow((at.0 + size * 0.08, at.1), (size * wide, size * wide * 0.17), [12, 12, 24], 150.0);
    }
}
