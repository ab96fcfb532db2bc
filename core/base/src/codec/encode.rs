//! From pixels to a file's bytes.

use image::ImageEncoder as _;
use image::codecs::{png, webp::WebPEncoder};
use jpeg_encoder::{ColorType, Encoder as JpegEncoder, SamplingFactor};

use super::{Format, Pixels, WRITABLE, bad, colour, webp};
use crate::error::{Error, InvalidOption};
use crate::message::counted;

/// How much may be lost. PNG loses nothing, whatever is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quality {
    /// JPEG: 92. WebP: nothing is lost.
    Default,
    /// 1 (smallest) to 100.
    Lossy(u8),
    /// JPEG cannot.
    Lossless,
}

impl From<Option<u8>> for Quality {
    fn from(quality: Option<u8>) -> Self {
        quality.map_or(Quality::Default, Quality::Lossy)
    }
}

/// Encodes pixels as PNG, JPEG or WebP.
///
/// # Errors
/// [`Kind::ImageError`] if the pixels do not fit their size, or their size not the format;
/// [`Kind::InvalidOptionError`] for a quality that the format does not have.
pub fn encode(pixels: &Pixels, format: Format, quality: Quality) -> Result<Vec<u8>, Error> {
    let Pixels { width, height, channels, data } = pixels;
    let wants = u64::from(*width) * u64::from(*height) * u64::from(*channels);
    if wants == 0 || wants != data.len() as u64 || !matches!(channels, 1 | 3 | 4) {
        return Err(bad(format!(
            "{} not {width}x{height} pixels of {}; 1, 3 or 4 channels of 8 bits are taken",
            counted(data.len(), "byte is", "bytes are"),
            counted(channels, "channel", "channels")
        )));
    }
    let problem = match (format, quality) {
        (Format::Png, Quality::Lossy(quality)) => Some(format!(
            "quality {quality} does not fit image/png, which loses nothing; JPEG and WebP take 1 to 100"
        )),
        (Format::Jpeg, Quality::Lossless) => {
            Some("image/jpeg cannot be written without loss; PNG and WebP can".to_owned())
        }
        (_, Quality::Lossy(quality)) if !(1..=100).contains(&quality) => {
            Some(format!("quality {quality} does not fit {}; it is 1 to 100", format.mime_type()))
        }
        _ => None,
    };
    if let Some(problem) = problem {
        return Err(Error::invalid_option(problem, InvalidOption::of("quality")));
    }
    match (format, quality) {
        (Format::Jpeg, Quality::Lossy(quality)) => jpeg(pixels, quality),
        (Format::Jpeg, _) => jpeg(pixels, 92),
        (Format::Png, _) => png(pixels),
        (Format::WebP, quality) => {
            check_side(pixels, format, webp::LONGEST_SIDE)?;
            match quality {
                Quality::Lossy(quality) => webp_lossy(pixels, quality),
                _ => webp_lossless(pixels),
            }
        }
        (other, _) => Err(bad(format!("{} cannot be written; {WRITABLE} can", other.mime_type()))),
    }
}

fn check_side(pixels: &Pixels, format: Format, most: u32) -> Result<(), Error> {
    let Pixels { width, height, .. } = pixels;
    if *width <= most && *height <= most {
        return Ok(());
    }
    let mime_type = format.mime_type();
    Err(bad(format!(
        "a picture of {width}x{height} pixels cannot be written as {mime_type}, which takes at most {most} on a \
         side; write PNG or resize it"
    )))
}

fn unwritten(format: Format, cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    bad(format!("the picture cannot be written as {}: {cause}", format.mime_type())).because(cause)
}

fn color_type(pixels: &Pixels) -> image::ExtendedColorType {
    match pixels.channels {
        1 => image::ExtendedColorType::L8,
        3 => image::ExtendedColorType::Rgb8,
        _ => image::ExtendedColorType::Rgba8,
    }
}

fn png(pixels: &Pixels) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    png::PngEncoder::new_with_quality(&mut out, png::CompressionType::Fast, png::FilterType::Adaptive)
        .write_image(&pixels.data, pixels.width, pixels.height, color_type(pixels))
        .map_err(|cause| unwritten(Format::Png, cause))?;
    Ok(out)
}

fn webp_lossless(pixels: &Pixels) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    WebPEncoder::new_lossless(&mut out)
        .write_image(&pixels.data, pixels.width, pixels.height, color_type(pixels))
        .map_err(|cause| unwritten(Format::WebP, cause))?;
    Ok(out)
}

fn webp_lossy(pixels: &Pixels, quality: u8) -> Result<Vec<u8>, Error> {
    let coloured;
    let pixels = if pixels.channels == 1 {
        let data = pixels.data.iter().flat_map(|grey| [*grey; 3]).collect();
        coloured = Pixels { channels: 3, data, ..*pixels };
        &coloured
    } else {
        pixels
    };
    webp::encode_lossy(pixels, quality)
        .ok_or_else(|| bad("the picture cannot be written as image/webp: the encoder found no memory"))
}

/// Twice as fast as the `image` crate's own encoder at the same size of file.
fn jpeg(pixels: &Pixels, quality: u8) -> Result<Vec<u8>, Error> {
    check_side(pixels, Format::Jpeg, u16::MAX.into())?;
    let Pixels { width, height, channels, data } = pixels;
    let (wide, high) = (*width as u16, *height as u16);
    let mut out = Vec::new();
    let mut encoder = JpegEncoder::new(&mut out, quality);
    // Colours as sharp as light: halved ones fringe the letters that models draw.
    encoder.set_sampling_factor(SamplingFactor::F_1_1);
    let written = match channels {
        1 => encoder.encode(data, wide, high, ColorType::Luma),
        // JPEG has no transparency: what shows through is white, as on paper.
        4 => encoder.encode(&on_white(data), wide, high, ColorType::Rgb),
        _ => encoder.encode(data, wide, high, ColorType::Rgb),
    };
    written.map_err(|cause| unwritten(Format::Jpeg, cause))?;
    Ok(out)
}

fn on_white(rgba: &[u8]) -> Vec<u8> {
    let (pixels, _) = rgba.as_chunks();
    let mut rgb = Vec::with_capacity(pixels.len() * 3);
    for [r, g, b, a] in pixels {
        let over = |c: &u8| colour::product(*c, *a) + (255 - a);
        rgb.extend([over(r), over(g), over(b)]);
    }
    rgb
}
