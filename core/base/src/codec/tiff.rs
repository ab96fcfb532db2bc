//! TIFF, of which there are many kinds: what a person may have is read, the rest gets an error that says what it is.

use std::borrow::Cow;
use std::io::Cursor;

use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::tags::Tag;

use super::colour::{self, eight_bits};
use super::decode::{Raw, Stored, cut_off};
use super::header::{self, Directory};
use super::{MOST_PIXELS, bad, check_size, damaged};
use crate::error::Error;
use crate::message::counted;

pub fn decode(bytes: &[u8]) -> Result<Raw, Error> {
    let Some((directory, pieces)) = header::tiff_directory(bytes) else {
        return Err(cut_off("its file ends before its first directory"));
    };
    if directory.photometric == INKS && (directory.ink_set != 1 || directory.samples < 4) {
        return Err(unfit("its inks are not cyan, magenta, yellow and black"));
    }
    let bytes = prepared(bytes, &directory, &pieces);
    let mut limits = Limits::default();
    limits.decoding_buffer_size = usize::try_from(MOST_PIXELS * 8).unwrap_or(usize::MAX);
    limits.intermediate_buffer_size = limits.decoding_buffer_size;
    limits.ifd_value_size = colour::LONGEST_PROFILE;
    let mut decoder = Decoder::new(Cursor::new(&*bytes)).map_err(broken)?.with_limits(limits);
    let (width, height) = decoder.dimensions().map_err(broken)?;
    check_size("the picture has", width, height)?;
    let color = decoder.colortype().map_err(broken)?;
    let palette = match directory.photometric {
        PALETTE => Some(decoder.get_tag_u16_vec(Tag::ColorMap).map_err(broken)?),
        _ => None,
    };
    let mut read = DecodingResult::U8(Vec::new());
    let layout = decoder.read_image_to_buffer(&mut read).map_err(broken)?;
    if read.as_buffer(0).as_bytes().len() < layout.complete_len {
        return Err(bad("the picture is too large to be decoded here"));
    }
    let depth = color.bit_depth();
    let mut samples = match read {
        DecodingResult::U8(packed) if depth < 8 => {
            let row = width as usize * usize::from(color.num_samples()) / layout.planes.max(1);
            let stride = layout.row_stride.map_or(row, |stride| stride.get());
            unpacked(&packed, row, stride, depth, palette.is_some())?
        }
        DecodingResult::U8(samples) => samples,
        DecodingResult::U16(_) if palette.is_some() => {
            return Err(unfit("its palette has indices of 16 bits"));
        }
        DecodingResult::U16(samples) => samples.into_iter().map(eight_bits).collect(),
        DecodingResult::F32(samples) => from_floats(samples.into_iter().map(f64::from))?,
        DecodingResult::F64(samples) => from_floats(samples.into_iter())?,
        other => {
            let kind = match other {
                DecodingResult::U32(_) | DecodingResult::U64(_) => "whole numbers of 32 or 64 bits",
                DecodingResult::F16(_) => "floats of 16 bits",
                _ => "numbers with a sign",
            };
            return Err(unfit(&format!("its samples are {kind}")));
        }
    };
    if layout.planes > 1 {
        samples = interleaved(&samples, layout.planes);
    }
    let channels = usize::from(color.num_samples()).max(1);
    let data = colours(samples, channels, &directory, palette.as_deref(), depth)?;
    Ok(Raw { width, height, data })
}

const WHITE_IS_ZERO: u16 = 0;
const GREY: u16 = 1;
const RGB: u16 = 2;
const PALETTE: u16 = 3;
const INKS: u16 = 5;
const YCBCR: u16 = 6;
const CIE_LAB: u16 = 8;
const ICC_LAB: u16 = 9;
const JPEG: u16 = 7;

/// Alpha, by which colours are multiplied.
const MULTIPLIED: Option<u16> = Some(1);
const ALPHA: Option<u16> = Some(2);

/// The meaning of the samples of each pixel.
fn colours(
    samples: Vec<u8>,
    channels: usize,
    directory: &Directory,
    palette: Option<&[u16]>,
    depth: u8,
) -> Result<Stored, Error> {
    let extra = directory.extra;
    // All that read it take a fourth sample for alpha if nothing else is said of it.
    let alpha = match directory.photometric {
        RGB if extra.is_none() && directory.samples == 4 => ALPHA,
        _ => extra.filter(|extra| matches!(extra, 1 | 2)),
    };
    let pairs = |samples: &[u8]| first(samples, channels, 2);
    Ok(match (directory.photometric, channels) {
        (PALETTE, _) => {
            let palette = palette.unwrap_or_default();
            let rgb = looked_up(&first(&samples, channels, 1), palette);
            match alpha {
                ALPHA if channels > 1 => {
                    let (rgb, _) = rgb.as_chunks();
                    // Alpha was left unscaled among indices.
                    let scale = if depth < 8 { 255 / ((1_u8 << depth) - 1) } else { 1 };
                    let alpha =
                        samples.chunks_exact(channels).map(|pixel| pixel.get(1).map_or(255, |a| a * scale));
                    Stored::Rgba(rgb.iter().zip(alpha).flat_map(|([r, g, b], a)| [*r, *g, *b, a]).collect())
                }
                MULTIPLIED if channels > 1 => return Err(unfit("its palette is multiplied by alpha")),
                _ => Stored::Rgb(rgb),
            }
        }
        (WHITE_IS_ZERO | GREY, _) => {
            let is_turned = directory.photometric == WHITE_IS_ZERO && directory.compression != JPEG;
            let upright = |mut samples: Vec<u8>, channels: usize| {
                if is_turned {
                    samples.iter_mut().step_by(channels).for_each(|grey| *grey = 255 - *grey);
                }
                samples
            };
            match alpha {
                _ if channels == 1 => Stored::Grey(upright(samples, 1)),
                None => Stored::Grey(upright(first(&samples, channels, 1), 1)),
                MULTIPLIED if is_turned => {
                    return Err(unfit("its greys are turned round and multiplied by alpha"));
                }
                MULTIPLIED => Stored::Rgba(divided(colour::with_alpha(&pairs(&samples)))),
                _ => Stored::GreyAlpha(upright(pairs(&samples), 2)),
            }
        }
        (RGB, 3) => Stored::Rgb(samples),
        (RGB, 4..) => match alpha {
            MULTIPLIED => Stored::Rgba(divided(first(&samples, channels, 4))),
            ALPHA => Stored::Rgba(first(&samples, channels, 4)),
            _ => Stored::Rgb(first(&samples, channels, 3)),
        },
        (INKS, 4) => Stored::Cmyk(samples),
        (INKS, 5..) => match alpha {
            MULTIPLIED => return Err(unfit("its inks are multiplied by alpha")),
            ALPHA => {
                let alpha =
                    samples.chunks_exact(channels).filter_map(|pixel| pixel.get(4)).copied().collect();
                Stored::CmykAlpha(first(&samples, channels, 4), alpha)
            }
            _ => Stored::Cmyk(first(&samples, channels, 4)),
        },
        (YCBCR, 3) if depth == 8 => {
            if directory.compression != JPEG && !directory.is_usual_ycbcr {
                return Err(unfit("its YCbCr has a range or coefficients of its own"));
            }
            Stored::Rgb(colour::from_ycbcr(&samples))
        }
        (CIE_LAB | ICC_LAB, 3) if depth == 8 => {
            let is_signed = directory.photometric == CIE_LAB;
            let axis = |value: u8| f32::from(if is_signed { value } else { value ^ 0x80 }.cast_signed());
            let (pixels, _) = samples.as_chunks();
            let rgb = |[l, a, b]: &[u8; 3]| colour::rgb_of_lab(f32::from(*l) / 2.55, axis(*a), axis(*b));
            Stored::Rgb(pixels.iter().flat_map(rgb).collect())
        }
        (other, _) => {
            let name = match other {
                YCBCR => "YCbCr",
                CIE_LAB | ICC_LAB | 10 => "CIE L*a*b*",
                RGB => "RGB",
                _ => "of a kind of its own",
            };
            let samples = counted(channels, "sample", "samples");
            let bits = counted(depth, "bit", "bits");
            return Err(unfit(&format!("its colours are {name}, with {samples} of {bits}")));
        }
    })
}

/// The file as the crate can read it, which knows fewer kinds: samples that it would refuse say that they are greys, and
/// bits that stand the other way round are turned.
fn prepared<'a>(bytes: &'a [u8], directory: &Directory, pieces: &[(u64, u64)]) -> Cow<'a, [u8]> {
    let mut bytes = Cow::Borrowed(bytes);
    let is_unread = match directory.photometric {
        PALETTE => true,
        _ if directory.compression == JPEG => false,
        WHITE_IS_ZERO | CIE_LAB | ICC_LAB => true,
        INKS => directory.samples > 4,
        RGB => directory.bits < 8,
        _ => false,
    };
    // 1 is grey, and no differences.
    let one: [u8; 2] = if bytes.starts_with(b"MM") { [0, 1] } else { [1, 0] };
    for place in is_unread.then_some(directory.photometric_at).into_iter().chain(directory.idle_predictor_at)
    {
        let place = usize::try_from(place).ok();
        if let Some(mark) = place.and_then(|at| bytes.to_mut().get_mut(at..at + 2)) {
            mark.copy_from_slice(&one);
        }
    }
    // JPEG has an order of its own.
    if directory.is_low_bit_first && directory.compression != JPEG {
        let bytes = bytes.to_mut();
        // Pieces of a file that lies may overlap; each byte is turned at most as often as there are pieces, and all of
        // them together have no more bytes than the file.
        let mut left = bytes.len() as u64;
        for (place, len) in pieces {
            let len = (*len).min(left);
            left -= len;
            let place = usize::try_from(*place).unwrap_or(usize::MAX);
            let end = place.saturating_add(usize::try_from(len).unwrap_or(usize::MAX)).min(bytes.len());
            for byte in bytes.get_mut(place..end).into_iter().flatten() {
                *byte = byte.reverse_bits();
            }
        }
    }
    bytes
}

fn unfit(why: &str) -> Error {
    bad(format!(
        "this kind of TIFF is not decoded here: {why}. Save it as 8 or 16 bit RGB or grey, for example with Pillow or ImageMagick"
    ))
}

fn broken(cause: tiff::TiffError) -> Error {
    match &cause {
        tiff::TiffError::IoError(io) if io.kind() == std::io::ErrorKind::UnexpectedEof => {
            cut_off("its file ends before its last pixels").because(cause)
        }
        tiff::TiffError::UnsupportedError(why) => unfit(&why.to_string()).because(cause),
        _ => damaged(cause),
    }
}

/// Samples of 1, 2 or 4 bits as bytes: greys over the whole range, indices as they are.
fn unpacked(packed: &[u8], row: usize, stride: usize, depth: u8, indices: bool) -> Result<Vec<u8>, Error> {
    if !matches!(depth, 1 | 2 | 4) {
        return Err(unfit(&format!("its samples have {}", counted(depth, "bit", "bits"))));
    }
    let mask = (1_u8 << depth) - 1;
    let scale = if indices { 1 } else { 255 / mask };
    let each = usize::from(8 / depth);
    let mut out = Vec::with_capacity(packed.len() * each);
    for line in packed.chunks_exact(stride.max(1)) {
        let samples = line.iter().flat_map(|byte| {
            (1..=8 / depth).map(move |number| (byte >> (8 - number * depth) & mask) * scale)
        });
        out.extend(samples.take(row));
    }
    Ok(out)
}

fn from_floats(samples: impl Iterator<Item = f64> + Clone) -> Result<Vec<u8>, Error> {
    if samples.clone().any(f64::is_nan) {
        return Err(unfit("some of its samples are no numbers (NaN)"));
    }
    let (low, high) =
        samples.clone().fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
    if low < 0.0 || high > 1.0 {
        return Err(unfit(&format!(
            "its samples are floats from {low} to {high}; only 0 to 1 are a picture"
        )));
    }
    Ok(samples.map(|value| (value * 255.0).round() as u8).collect())
}

/// One plane after the other, made pixels.
fn interleaved(samples: &[u8], planes: usize) -> Vec<u8> {
    let len = samples.len() / planes.max(1);
    let mut out = vec![0; len * planes];
    for (number, plane) in samples.chunks_exact(len.max(1)).enumerate() {
        for (pixel, sample) in out.chunks_exact_mut(planes).zip(plane) {
            if let Some(into) = pixel.get_mut(number) {
                *into = *sample;
            }
        }
    }
    out
}

/// Colours of a palette: all reds, all greens, all blues, of 16 bits.
pub(super) fn looked_up(indices: &[u8], palette: &[u16]) -> Vec<u8> {
    let colors = palette.len() / 3;
    // Some old programs wrote 8 bits.
    let narrow = palette.iter().all(|value| *value < 256);
    let color = |index: usize| {
        let value = palette.get(index).copied().unwrap_or(0);
        // Some write v * 257, others v * 256.
        if narrow { value as u8 } else { (value >> 8) as u8 }
    };
    (indices.iter().map(|index| usize::from(*index)))
        .flat_map(|index| [color(index), color(colors + index), color(2 * colors + index)])
        .collect()
}

/// The first channels of each pixel.
fn first(samples: &[u8], of: usize, kept: usize) -> Vec<u8> {
    samples.chunks_exact(of).flat_map(|pixel| pixel.iter().take(kept)).copied().collect()
}

/// Colours that had been multiplied by their alpha.
fn divided(mut rgba: Vec<u8>) -> Vec<u8> {
    let (pixels, _) = rgba.as_chunks_mut();
    for [r, g, b, a] in pixels {
        let whole = |c: u8| match *a {
            0 => c,
            a => ((u16::from(c) * 255 + u16::from(a) / 2) / u16::from(a)).min(255) as u8,
        };
        (*r, *g, *b) = (whole(*r), whole(*g), whole(*b));
    }
    rgba
}
