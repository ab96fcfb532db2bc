//! The panel below a picture: the prompt, and how and that it was drawn offline, legible at every size.

use super::Order;
use super::board::Board;
use crate::canvas::{Paint, Rgb};
use crate::outline::Outline;
use crate::text;

/// A sheet with fewer pixels on a side has no room for words.
const LEAST: (u32, u32) = (96, 72);

/// The most of a picture's height that it takes.
const MOST_HIGH: f32 = 0.5;

pub(super) struct Caption {
    lines: Vec<String>,
    size: f32,
    notes: Vec<String>,
    small: f32,
    margin: f32,
    /// How much of the picture's height it takes, margins and all.
    pub height: f32,
}

impl Caption {
    const LEADING: f32 = 1.32;
    /// Letters smaller than this cannot be read, whatever the picture's size.
    const SMALLEST: f32 = 13.0;
    /// More letters find no room on any sheet, and are not measured.
    const MOST: usize = 10_000;

    pub fn lay(order: &Order) -> Self {
        let (width, height) = (order.width as f32, order.height as f32);
        if order.width < LEAST.0 || order.height < LEAST.1 {
            return Caption::none();
        }
        let base = ((width * height).sqrt() / 34.0).max(Self::SMALLEST);
        let note = format!(
            "drawn offline by nanobanana · {} · {} {}×{} · seed {}",
            order.model, order.size, order.width, order.height, order.seed
        );
        let end = order.prompt.char_indices().nth(Self::MOST).map_or(order.prompt.len(), |(end, _)| end);
        let prompt = order.prompt.get(..end).unwrap_or_default();
        let lay = |shrink: f32, note: &str| {
            let size = (base * shrink).max(Self::SMALLEST);
            let small = (size * 0.68).max(Self::SMALLEST);
            let margin = (size * 0.55).min(width * 0.03);
            let most = width - margin * 5.0;
            let notes = text::wrap(note, small, most);
            let mut lines = text::wrap(prompt, size, most);
            let rest = margin * 4.0 + (notes.len() as f32 * small + size * 0.16) * Self::LEADING;
            let fit = ((height * 0.46 - rest) / (size * Self::LEADING)).max(1.0) as usize;
            let all = lines.len() <= fit;
            if !all {
                lines.truncate(fit);
                if let Some(last) = lines.last_mut() {
                    while text::width(last, size) + size * 1.2 > most && last.pop().is_some() {}
                    last.truncate(last.trim_end().len());
                    last.push('…');
                }
            }
            let height = rest + lines.len() as f32 * size * Self::LEADING;
            (all, Caption { lines, size, notes, small, margin, height })
        };
        // On a small sheet the note is short: most of a draft is the picture, too.
        let notes = [note.as_str(), "drawn offline by nanobanana", "drawn offline"];
        let fits = |note: &&&str| lay(0.45, note).1.height <= height * MOST_HIGH;
        let Some(note) = notes.iter().find(fits) else { return Caption::none() };
        // Smaller letters before fewer words.
        let mut last = lay(1.0, note);
        for shrink in [0.85, 0.7, 0.55, 0.45] {
            if last.0 && last.1.height <= height * MOST_HIGH {
                break;
            }
            last = lay(shrink, note);
        }
        last.1
    }

    /// Nothing is written.
    fn none() -> Self {
        Caption { lines: Vec::new(), size: 0.0, notes: Vec::new(), small: 0.0, margin: 0.0, height: 0.0 }
    }

    pub fn write(&self, board: &mut Board, panel: Rgb, accent: Rgb) {
        if self.height <= 0.0 {
            return;
        }
        let (width, height, margin) = (board.width, board.height, self.margin);
        let (top, bottom) = (height - self.height + margin, height - margin);
        let round = margin * 0.9;
        let card = Outline::card((margin, top, width - margin, bottom), round);
        board.lay(card.shape(), Paint::flat(panel).alpha(222));
        let bar = (margin * 1.7, top + margin, margin * 2.0, bottom - margin);
        board.lay(Outline::card(bar, margin).shape(), Paint::flat(accent));
        let left = margin * 2.9;
        let mut y = top + margin;
        for line in &self.lines {
            board.text(line, self.size, left, y + self.size * 0.98, [255, 255, 255]);
            y += self.size * Self::LEADING;
        }
        y += self.size * 0.16 * Self::LEADING;
        for line in &self.notes {
            board.text(line, self.small, left, y + self.small * 0.98, [222, 226, 236]);
            y += self.small * Self::LEADING;
        }
    }
}
