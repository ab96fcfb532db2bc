//! The pictures of a call, shown in the new one: scaled, a little toned to its colours, framed.

use super::board::Board;
use super::palette::Palette;
use crate::canvas::{Paint, Patch, Rgb, mix};
use crate::outline::Outline;
use nanobanana_base::image::Pixels;

/// How much of a picture's own colours gives way to the scene's.
const TONE: u32 = 40;

/// Hangs the pictures above the caption.
pub(super) fn hang(board: &mut Board, pictures: &[Pixels], floor: f32, p: &Palette) {
    if pictures.is_empty() {
        return;
    }
    let count = pictures.len();
    let width = board.width;
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
            board.lay(Outline::card(card, frame + soft).shape(), Paint::flat([16, 14, 24]).alpha(34));
        }
        let card = (left - frame, top - frame, right + frame, bottom + frame);
        board.lay(Outline::card(card, frame * 0.6).shape(), Paint::flat([250, 248, 242]));
        // What becomes much smaller is averaged first.
        let mut shown = match picture.width.max(picture.height) / w.max(h).max(1) {
            0 | 1 => scaled(picture, w, h),
            _ => scaled(&reduced(picture.clone(), w.max(h)), w, h),
        };
        for pixel in shown.data.chunks_exact_mut(3) {
            if let [r, g, b] = pixel {
                [*r, *g, *b] = mix([*r, *g, *b], p.third, TONE);
            }
        }
        board.paste(shown, left as i32, top as i32);
    }
}

/// A picture at another size, without transparency.
fn scaled(picture: &Pixels, width: u32, height: u32) -> Patch {
    let mut out = Patch { width: width as usize, data: vec![0; width as usize * height as usize * 3] };
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
pub(crate) fn reduced(picture: Pixels, most: u32) -> Pixels {
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
