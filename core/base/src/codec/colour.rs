//! Colours as they were stored, made sRGB of 8 bits.

use std::sync::Arc;

use moxcms::{ColorProfile, DataColorSpace, Layout, TransformExecutor, TransformOptions};

use super::header::Color;

/// Profiles of printing presses have 2 MB; longer ones are taken for damage.
pub(super) const LONGEST_PROFILE: usize = 8 << 20;

/// The content of a zlib stream, if it is not longer than the limit.
pub(super) fn inflated(stream: &[u8], longest: usize) -> Option<Vec<u8>> {
    fdeflate::decompress_to_vec_bounded(stream, longest).ok()
}

/// Whether a picture with this profile is shown as if it had none: because its colours are those of sRGB
/// (all versions of that differ by a step or two), or because it is broken or for other channels.
pub(super) fn is_srgb(profile: &[u8], color: Color) -> bool {
    let channels = match color {
        Color::Grey => 1,
        Color::Rgb | Color::Palette => 3,
        Color::Cmyk => 4,
    };
    ToSrgb::new(profile, channels).is_none()
}

/// Brings pixels of one profile to sRGB.
pub(super) struct ToSrgb {
    transform: Arc<dyn TransformExecutor<u8> + Send + Sync>,
}

impl ToSrgb {
    /// None if there is nothing to do: see [`is_srgb`]. Of RGBA, the alpha is no channel of the profile.
    pub fn new(profile: &[u8], channels: u8) -> Option<Self> {
        let profile = ColorProfile::new_from_slice(profile).ok()?;
        let (space, layout) = match channels {
            1 => (DataColorSpace::Gray, Layout::Gray),
            3 => (DataColorSpace::Rgb, Layout::Rgb),
            // The name of four channels, whatever they mean.
            _ => (DataColorSpace::Cmyk, Layout::Rgba),
        };
        if profile.color_space != space {
            return None;
        }
        // Perceptual, as it is by default: what Pillow and browsers do.
        let options = TransformOptions::default();
        let srgb = ColorProfile::new_srgb();
        let transform = profile.create_transform_8bit(layout, &srgb, Layout::Rgb, options).ok()?;
        let made = ToSrgb { transform };
        (channels == 4 || made.changes(channels)).then_some(made)
    }

    /// Whether colours from the whole cube come out clearly different.
    fn changes(&self, channels: u8) -> bool {
        const STEPS: [u8; 8] = [0, 16, 48, 96, 144, 192, 232, 255];
        let mut source = Vec::new();
        let mut same = Vec::new();
        if channels == 1 {
            source.extend(0..=255);
            same.extend((0..=255).flat_map(|grey| [grey; 3]));
        } else {
            source.extend(
                STEPS.iter().flat_map(|r| {
                    STEPS.iter().flat_map(move |g| STEPS.iter().flat_map(move |b| [*r, *g, *b]))
                }),
            );
            same.clone_from(&source);
        }
        let mut out = vec![0; same.len()];
        self.transform.transform(&source, &mut out).is_ok()
            && out.iter().zip(&same).any(|(out, same): (&u8, &u8)| out.abs_diff(*same) > 2)
    }

    /// RGB or RGBA in place.
    pub fn rgb(&self, data: &mut [u8], channels: usize) {
        let mut row = Vec::new();
        let mut out = vec![0; 3 * 4096];
        for piece in data.chunks_mut(channels * 4096) {
            row.clear();
            row.extend(piece.chunks_exact(channels).flat_map(|pixel| pixel.iter().take(3)));
            let Some(out) = out.get_mut(..row.len()) else { return };
            if self.transform.transform(&row, out).is_ok() {
                for (pixel, rgb) in piece.chunks_exact_mut(channels).zip(out.chunks_exact(3)) {
                    for (is, new) in pixel.iter_mut().zip(rgb) {
                        *is = *new;
                    }
                }
            }
        }
    }

    /// Grey in place. Every grey of sRGB is one of equal parts, so one channel stays one.
    pub fn grey(&self, data: &mut [u8], channels: usize) {
        let all: Vec<u8> = (0..=255).collect();
        let mut out = vec![0; 3 * 256];
        if self.transform.transform(&all, &mut out).is_err() {
            return;
        }
        for pixel in data.chunks_exact_mut(channels) {
            let own = if channels == 4 { 3 } else { channels };
            for grey in pixel.iter_mut().take(own) {
                *grey = out.get(3 * usize::from(*grey) + 1).copied().unwrap_or(*grey);
            }
        }
    }

    /// Inks, 255 a full one, to RGB; none if the profile cannot.
    pub fn inks(&self, cmyk: &[u8]) -> Option<Vec<u8>> {
        let mut rgb = vec![0; cmyk.len() / 4 * 3];
        self.transform.transform(cmyk, &mut rgb).ok()?;
        Some(rgb)
    }
}

/// Inks, 255 a full one, to RGB without a profile: each ink takes away its light, black all of it.
pub(super) fn plain_inks(cmyk: &[u8]) -> Vec<u8> {
    let light = |ink: u8, black: u8| product(255 - ink, 255 - black);
    let mut rgb = Vec::with_capacity(cmyk.len() / 4 * 3);
    let (pixels, _) = cmyk.as_chunks();
    for [c, m, y, k] in pixels {
        rgb.extend([light(*c, *k), light(*m, *k), light(*y, *k)]);
    }
    rgb
}

/// `a * b / 255`, rounded.
pub(super) fn product(a: u8, b: u8) -> u8 {
    ((u16::from(a) * u16::from(b) + 127) / 255) as u8
}

/// 16 bits to 8, rounded: 65535 is 255.
pub(super) fn eight_bits(value: u16) -> u8 {
    ((u32::from(value) * 255 + 32767) / 65535) as u8
}

/// T.871, in 1/65536.
pub(super) fn rgb_of_ycbcr(y: u8, cb: u8, cr: u8) -> [u8; 3] {
    let (light, blue, red) = (i32::from(y) << 16, i32::from(cb) - 128, i32::from(cr) - 128);
    let channel = |value: i32| ((value + (1 << 15)) >> 16).clamp(0, 255) as u8;
    [
        channel(light + 91_881 * red),
        channel(light - 22_554 * blue - 46_802 * red),
        channel(light + 116_130 * blue),
    ]
}

/// The same of many pixels.
pub(super) fn from_ycbcr(samples: &[u8]) -> Vec<u8> {
    let (pixels, _) = samples.as_chunks();
    pixels.iter().flat_map(|[y, cb, cr]| rgb_of_ycbcr(*y, *cb, *cr)).collect()
}

/// CIE 1976 L*a*b* of D50, as TIFF and ICC mean it: L from 0 to 100.
pub(super) fn rgb_of_lab(l: f32, a: f32, b: f32) -> [u8; 3] {
    let middle = (l + 16.0) / 116.0;
    let part = |value: f32| {
        if value > 6.0 / 29.0 { value.powi(3) } else { 3.0 * (6.0_f32 / 29.0).powi(2) * (value - 4.0 / 29.0) }
    };
    let (x, y, z) = (0.9642 * part(middle + a / 500.0), part(middle), 0.8249 * part(middle - b / 200.0));
    // From D50 to the primaries of sRGB, by Bradford's adaptation to D65.
    let linear = [
        3.133_856 * x - 1.616_866_7 * y - 0.490_614_6 * z,
        -0.978_768_4 * x + 1.916_141_5 * y + 0.033_454 * z,
        0.071_945_3 * x - 0.228_991_4 * y + 1.405_242_7 * z,
    ];
    linear.map(|value| {
        let curved = if value <= 0.003_130_8 { 12.92 * value } else { 1.055 * value.powf(1.0 / 2.4) - 0.055 };
        (curved * 255.0).round().clamp(0.0, 255.0) as u8
    })
}

/// Grey and alpha as RGBA.
pub(super) fn with_alpha(samples: &[u8]) -> Vec<u8> {
    let (pairs, _) = samples.as_chunks();
    pairs.iter().flat_map(|[grey, alpha]| [*grey, *grey, *grey, *alpha]).collect()
}
