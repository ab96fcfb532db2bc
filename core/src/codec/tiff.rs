//! TIFF, of which there are many kinds: what a person may have is read, the rest gets an error that says what it is.

use std::borrow::Cow;
use std::io::Cursor;

use tiff::ColorType;
use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::tags::Tag;

use super::colour::{self, eight_bits};
use super::decode::{Raw, Stored, cut_off};
use super::{MOST_PIXELS, bad, check_size, damaged, header};
use crate::error::Error;

pub(super) fn decode(bytes: &[u8]) -> Result<Raw, Error> {
    let Some(directory) = header::tiff_directory(bytes) else { return Err(cut_off()) };
    // The crate reads indexed colours only if they say that they are greys.
    let bytes = match directory.photometric {
        3 => Cow::Owned(as_grey(bytes, directory.photometric_at)),
        _ => Cow::Borrowed(bytes),
    };
    let mut limits = Limits::default();
    limits.decoding_buffer_size = usize::try_from(MOST_PIXELS * 8).unwrap_or(usize::MAX);
    limits.intermediate_buffer_size = limits.decoding_buffer_size;
    limits.ifd_value_size = colour::LONGEST_PROFILE;
    let mut decoder = Decoder::new(Cursor::new(&*bytes)).map_err(broken)?.with_limits(limits);
    let (width, height) = decoder.dimensions().map_err(broken)?;
    check_size("the picture has", width, height)?;
    let color = decoder.colortype().map_err(broken)?;
    let palette = match directory.photometric {
        3 => Some(decoder.get_tag_u16_vec(Tag::ColorMap).map_err(broken)?),
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
            let row = width as usize * usize::from(color.num_samples());
            let stride = layout.row_stride.map_or(row, |stride| stride.get());
            unpacked(&packed, row, stride, depth, palette.is_some())?
        }
        DecodingResult::U8(samples) => samples,
        DecodingResult::U16(samples) if palette.is_some() => {
            samples.iter().map(|index| u8::try_from(*index).unwrap_or(u8::MAX)).collect()
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
    let channels = usize::from(color.num_samples());
    if layout.planes > 1 {
        samples = interleaved(&samples, layout.planes);
    }
    let data = match color {
        ColorType::Gray(_) => match palette {
            Some(palette) => Stored::Rgb(looked_up(&samples, &palette)),
            None => Stored::Grey(samples),
        },
        ColorType::RGB(_) if channels == 3 => Stored::Rgb(samples),
        ColorType::YCbCr(8) => Stored::Rgb(from_ycbcr(&samples)),
        ColorType::RGBA(_) => match directory.extra {
            Some(1) => Stored::Rgba(divided(samples)),
            Some(2) => Stored::Rgba(samples),
            _ => Stored::Rgb(first(&samples, 4, 3)),
        },
        ColorType::CMYK(_) => Stored::Cmyk(samples),
        ColorType::CMYKA(_) => Stored::Cmyk(first(&samples, 5, 4)),
        ColorType::Multiband { num_samples: 2, .. } if directory.photometric <= 1 => match directory.extra {
            Some(1) => Stored::Rgba(divided(colour::with_alpha(&samples))),
            Some(2) => Stored::GreyAlpha(samples),
            _ => Stored::Grey(first(&samples, 2, 1)),
        },
        other => return Err(unfit(&format!("its colours are {other:?}"))),
    };
    Ok(Raw { width, height, data })
}

fn unfit(why: &str) -> Error {
    bad(format!(
        "this kind of TIFF is not decoded here: {why}. Save it as 8 or 16 bit RGB or grey, for example with Pillow or ImageMagick"
    ))
}

fn broken(cause: tiff::TiffError) -> Error {
    match &cause {
        tiff::TiffError::IoError(io) if io.kind() == std::io::ErrorKind::UnexpectedEof => {
            cut_off().because(cause)
        }
        tiff::TiffError::UnsupportedError(why) => unfit(&why.to_string()).because(cause),
        _ => damaged(cause),
    }
}

/// The file with the mark of indexed colours replaced by that of grey, where black is 0.
fn as_grey(bytes: &[u8], at: u64) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let one: [u8; 2] = if bytes.starts_with(b"MM") { [0, 1] } else { [1, 0] };
    if let Some(mark) = usize::try_from(at).ok().and_then(|at| bytes.get_mut(at..at + 2)) {
        mark.copy_from_slice(&one);
    }
    bytes
}

/// Samples of 1, 2 or 4 bits as bytes: greys over the whole range, indices as they are.
fn unpacked(packed: &[u8], row: usize, stride: usize, depth: u8, indices: bool) -> Result<Vec<u8>, Error> {
    if !matches!(depth, 1 | 2 | 4) {
        return Err(unfit(&format!("its samples have {depth} bits")));
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
    let (low, high) = samples.clone().fold((f64::MAX, f64::MIN), |(low, high), value| {
        if value.is_nan() { (f64::NEG_INFINITY, high) } else { (low.min(value), high.max(value)) }
    });
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

fn from_ycbcr(samples: &[u8]) -> Vec<u8> {
    let (pixels, _) = samples.as_chunks();
    pixels.iter().flat_map(|[y, cb, cr]| colour::rgb_of_ycbcr(*y, *cb, *cr)).collect()
}
