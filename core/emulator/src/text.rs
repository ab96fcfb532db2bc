//! Words on a picture, in the one font that is embedded: Inter Medium, cut down to Latin, Greek and
//! Cyrillic letters, punctuation and arrows (`core/emulator/fonts`, SIL Open Font License).
//!
//! A letter of any other script is drawn as a box that holds its code point in hexadecimal, so that
//! nothing of a prompt is dropped in silence. Letters run from left to right, without ligatures.

use std::sync::OnceLock;

use ab_glyph::{Font as _, FontRef, PxScale, ScaleFont as _, point};

use super::canvas::{Canvas, Rgb};

const FILE: &[u8] = include_bytes!("../fonts/Inter-Medium-subset.otf");

fn font() -> Option<&'static FontRef<'static>> {
    static FONT: OnceLock<Option<FontRef<'static>>> = OnceLock::new();
    FONT.get_or_init(|| FontRef::try_from_slice(FILE).ok()).as_ref()
}

/// The font's own unit: how many pixels of line height give letters of this many pixels to the em.
fn scale(size: f32) -> PxScale {
    let font = font();
    let height = font.map_or(1.0, |font| font.height_unscaled());
    let em = font.and_then(|font| font.units_per_em()).unwrap_or(height);
    PxScale::from(size * height / em)
}

/// Marks that have no width of their own and no glyph here.
fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

fn width_of(letter: char, size: f32) -> f32 {
    let Some(font) = font() else { return size };
    if is_invisible(letter) {
        return 0.0;
    }
    let id = font.glyph_id(letter);
    if id.0 == 0 { size * 1.1 } else { font.as_scaled(scale(size)).h_advance(id) }
}

/// How wide a line is.
pub(super) fn width(line: &str, size: f32) -> f32 {
    line.chars().map(|letter| width_of(letter, size)).sum()
}

/// Breaks a text into lines of at most this width, between words where it can.
pub(super) fn wrap(text: &str, size: f32, most: f32) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let (mut line, mut used) = (String::new(), 0.0);
        for word in paragraph.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()) {
            let wide = width(word, size);
            if !line.is_empty() && used + width_of(' ', size) + wide > most {
                lines.push(std::mem::take(&mut line));
                used = 0.0;
            }
            if !line.is_empty() {
                line.push(' ');
                used += width_of(' ', size);
            }
            for letter in word.chars() {
                let wide = width_of(letter, size);
                if used + wide > most && !line.is_empty() {
                    lines.push(std::mem::take(&mut line));
                    used = 0.0;
                }
                line.push(letter);
                used += wide;
            }
        }
        if !line.is_empty() {
            lines.push(line);
        }
    }
    lines
}

/// Writes one line; `y` is its baseline.
pub(super) fn write(canvas: &mut Canvas, line: &str, size: f32, x: f32, y: f32, colour: Rgb) {
    let Some(font) = font() else { return };
    let mut x = x;
    for letter in line.chars().filter(|letter| !is_invisible(*letter)) {
        let id = font.glyph_id(letter);
        if id.0 == 0 {
            missing(canvas, letter, size, x, y, colour);
        } else if let Some(shape) = font.outline_glyph(id.with_scale_and_position(scale(size), point(x, y))) {
            let bounds = shape.px_bounds();
            let (left, top) = (bounds.min.x as i32, bounds.min.y as i32);
            shape.draw(|dx, dy, cover| {
                let x = left + dx as i32;
                canvas.blend(top + dy as i32, x, x + 1, colour, (cover.clamp(0.0, 1.0) * 256.0) as u32);
            });
        }
        x += width_of(letter, size);
    }
}

/// A box with the code point in two rows of digits.
fn missing(canvas: &mut Canvas, letter: char, size: f32, x: f32, y: f32, colour: Rgb) {
    let thick = (size / 16.0).max(1.0);
    let (left, right, top, bottom) = (x + size * 0.05, x + size * 1.05, y - size * 0.84, y + size * 0.16);
    for (left, right, top, bottom) in [
        (left, right, top, top + thick),
        (left, right, bottom - thick, bottom),
        (left, left + thick, top, bottom),
        (right - thick, right, top, bottom),
    ] {
        for row in top as i32..(bottom as i32).max(top as i32 + 1) {
            canvas.blend(row, left as i32, (right as i32).max(left as i32 + 1), colour, 200);
        }
    }
    let code = format!("{:04X}", u32::from(letter));
    let (upper, lower) = code.split_at(code.len() / 2);
    let small = size * if lower.len() > 2 { 0.4 } else { 0.46 };
    for (digits, baseline) in [(upper, y - size * 0.4), (lower, y + size * 0.04)] {
        write(canvas, digits, small, x + size * 0.55 - width(digits, small) / 2.0, baseline, colour);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn inked(line: &str) -> usize {
        let mut data = vec![0; 200 * 40 * 3];
        write(&mut Canvas::new(200, 0, &mut data), line, 20.0, 4.0, 28.0, [255; 3]);
        data.iter().filter(|byte| **byte > 128).count()
    }

    #[test]
    fn letters_of_the_embedded_scripts_are_in_the_font() {
        let font = font().unwrap();
        for letter in "Grüße, Łódź: Ελλάδα, Україна — “quoted” → 1×2 · …".chars()
        {
            assert_ne!(font.glyph_id(letter).0, 0, "{letter:?}");
        }
    }

    #[test]
    fn a_letter_without_a_glyph_is_a_box_with_its_code() {
        assert!(inked("漢") > 60);
        assert!(inked("漢") != inked("字"));
        assert_eq!(inked("a\u{200d}"), inked("a"));
    }

    #[test]
    fn no_line_is_wider_than_asked_and_no_word_is_lost() {
        let text =
            "A banana-shaped sailboat at dusk\nDonaudampfschifffahrtsgesellschaftskapitän 漢字漢字漢字漢字";
        let lines = wrap(text, 20.0, 160.0);
        assert!(lines.iter().all(|line| width(line, 20.0) <= 160.0));
        let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
        assert_eq!(letters(&lines.concat()), letters(text));
    }
}
