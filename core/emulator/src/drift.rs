//! An edit with a mask, as models do it: what the mask shows is drawn anew, and the rest is not left alone.
//! It comes back in the answer's own size, moved by some pixels, a little larger or smaller, in slightly
//! other colours and with the marks of JPEG.
//!
//! That there is a mask is told by the request's words, as a model would read them.

use super::draw::Dice;
use nanobanana_base::codec::{self, Format, Quality};
use nanobanana_base::image::Pixels;

/// Whether the words say that the last picture is a mask for the first one.
pub(super) fn is_masked(words: &str) -> bool {
    words.contains("last picture is a mask for the first")
}

/// The words without what is said of the mask.
pub(super) fn without_mask(words: &str) -> String {
    words.lines().filter(|line| !is_masked(line)).collect::<Vec<_>>().join("\n")
}

/// A place of a picture, its sides being 0 to 1; between pixels it is mixed from them.
fn sample(picture: &Pixels, x: f32, y: f32) -> [f32; 3] {
    let along = |place: f32, side: u32| {
        let last = side.saturating_sub(1) as f32;
        let at = (place * side as f32 - 0.5).clamp(0.0, last);
        (at as usize, (at as usize + 1).min(last as usize), at.fract())
    };
    let ((left, right, across), (top, bottom, down)) = (along(x, picture.width), along(y, picture.height));
    let channels = usize::from(picture.channels);
    let pixel = |x: usize, y: usize| {
        let at = (y * picture.width as usize + x) * channels;
        match picture.data.get(at..at + channels) {
            Some([grey]) => [f32::from(*grey); 3],
            Some([r, g, b]) => [r, g, b].map(|value| f32::from(*value)),
            Some([r, g, b, alpha]) => {
                let share = f32::from(*alpha) / 255.0;
                [r, g, b].map(|value| f32::from(*value) * share + 255.0 * (1.0 - share))
            }
            _ => [0.0; 3],
        }
    };
    let mix = |a: [f32; 3], b: [f32; 3], share: f32| {
        let mut out = a;
        out.iter_mut().zip(b).for_each(|(a, b)| *a += (b - *a) * share);
        out
    };
    let above = mix(pixel(left, top), pixel(right, top), across);
    mix(above, mix(pixel(left, bottom), pixel(right, bottom), across), down)
}

/// The source with the scene where the mask is white, at the scene's size. `amount` is how much the rest
/// drifts: 0 not at all, 1 as models do.
pub(super) fn edited(scene: &Pixels, source: &Pixels, mask: &Pixels, amount: f32, key: u64) -> Pixels {
    let mut dice = Dice(key);
    let (wide, high) = (scene.width as f32, scene.height as f32);
    let mut some = |least: f32, most: f32| {
        let far = dice.between(least, most) * amount;
        if dice.next().is_multiple_of(2) { far } else { -far }
    };
    let (right, down) = (some(1.5, 6.0) / wide, some(1.5, 6.0) / high);
    let scale = 1.0 + some(0.002, 0.01);
    let tones = [(); 3].map(|()| (1.0 + some(0.01, 0.04), some(1.0, 5.0)));
    let place = |at: usize, side: f32, shift: f32| ((at as f32 + 0.5) / side - 0.5 - shift) / scale + 0.5;
    let mut data = Vec::with_capacity(scene.data.len());
    let rows = scene.data.chunks_exact((scene.width as usize * 3).max(1));
    for (y, row) in rows.enumerate() {
        let from_y = place(y, high, down);
        for (x, new) in row.chunks_exact(3).enumerate() {
            let from_x = place(x, wide, right);
            let [white, ..] = sample(mask, from_x, from_y);
            let share = white / 255.0;
            let own = sample(source, from_x, from_y);
            for ((own, new), (gain, lift)) in own.into_iter().zip(new).zip(tones) {
                let kept = (own * gain + lift).clamp(0.0, 255.0);
                data.push((kept + (f32::from(*new) - kept) * share + 0.5) as u8);
            }
        }
    }
    let drawn = Pixels { width: scene.width, height: scene.height, channels: 3, data };
    if amount <= 0.0 {
        return drawn;
    }
    let noisy =
        codec::encode(&drawn, Format::Jpeg, Quality::Lossy(85)).and_then(|bytes| codec::decode(&bytes));
    noisy.unwrap_or(drawn)
}
