//! Decoding and encoding of pictures; the only file that names image crates.

use std::fmt;
use std::io::Cursor;

use image::ImageEncoder as _;
use image::codecs::{jpeg::JpegEncoder, png, webp::WebPEncoder};

use crate::error::{Error, Kind};

/// Pixels in rows from the top, `channels` bytes each: 1 grey, 3 RGB, 4 RGBA.
#[derive(Clone, PartialEq, Eq)]
pub struct Pixels {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Bytes of one pixel.
    pub channels: u8,
    /// `width * height * channels` bytes.
    pub data: Vec<u8>,
}

impl fmt::Debug for Pixels {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Pixels({}x{}x{})", self.width, self.height, self.channels)
    }
}

/// A picture's type, as its first bytes say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Png,
    Jpeg,
    WebP,
    Gif,
    Bmp,
    Tiff,
    Heic,
    Avif,
}

/// What can be written here, in the words of messages.
pub(crate) const WRITABLE: &str = "png, jpeg (or jpg) and webp";

impl Format {
    pub fn mime_type(self) -> &'static str {
        match self {
            Format::Png => "image/png",
            Format::Jpeg => "image/jpeg",
            Format::WebP => "image/webp",
            Format::Gif => "image/gif",
            Format::Bmp => "image/bmp",
            Format::Tiff => "image/tiff",
            Format::Heic => "image/heic",
            Format::Avif => "image/avif",
        }
    }

    /// The usual extension of its files.
    pub fn extension(self) -> &'static str {
        match self {
            Format::Png => "png",
            Format::Jpeg => "jpg",
            Format::WebP => "webp",
            Format::Gif => "gif",
            Format::Bmp => "bmp",
            Format::Tiff => "tiff",
            Format::Heic => "heic",
            Format::Avif => "avif",
        }
    }

    /// Whether files of this format are also named with this extension (in lower case).
    pub fn has_extension(self, extension: &str) -> bool {
        extension == self.extension()
            || matches!(
                (extension, self),
                ("jpeg", Format::Jpeg) | ("tif", Format::Tiff) | ("heif", Format::Heic)
            )
    }

    /// A format that can be written, by its name, extension or MIME type in any case.
    pub fn named(name: &str) -> Result<Self, Error> {
        let lower = name.to_lowercase();
        match lower.strip_prefix("image/").unwrap_or(&lower) {
            "png" => Ok(Format::Png),
            "jpeg" | "jpg" => Ok(Format::Jpeg),
            "webp" => Ok(Format::WebP),
            _ => Err(Error::new(
                Kind::InvalidOptionError,
                format!("format {name:?} cannot be written; {WRITABLE} can"),
            )
            .with("option", "format".to_owned())
            .with("allowed", ["png", "jpeg", "webp"].map(str::to_owned).to_vec())),
        }
    }

    pub fn sniff(bytes: &[u8]) -> Option<Self> {
        Some(match bytes {
            [0x89, b'P', b'N', b'G', ..] => Format::Png,
            [0xff, 0xd8, 0xff, ..] => Format::Jpeg,
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Format::WebP,
            [b'G', b'I', b'F', b'8', ..] => Format::Gif,
            [b'B', b'M', _, _, _, _, 0, 0, 0, 0, ..] => Format::Bmp,
            [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] => Format::Tiff,
            [_, _, _, _, b'f', b't', b'y', b'p', a, b, c, d, ..] => match &[*a, *b, *c, *d] {
                b"avif" | b"avis" => Format::Avif,
                b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"mif1" | b"msf1" => Format::Heic,
                _ => return None,
            },
            _ => return None,
        })
    }
}

/// What a picture's first bytes say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Header {
    pub format: Format,
    /// 0 where the size stands elsewhere than in the header (HEIC, AVIF).
    pub width: u32,
    pub height: u32,
}

fn bad(message: impl Into<String>) -> Error {
    Error::new(Kind::ImageError, message)
}

/// Reads type and size, decoding nothing.
pub(crate) fn header(bytes: &[u8]) -> Result<Header, Error> {
    if bytes.is_empty() {
        return Err(bad("the picture is empty (0 bytes)"));
    }
    let Some(format) = Format::sniff(bytes) else {
        let looks = if bytes.iter().take(512).all(|byte| matches!(byte, 9 | 10 | 13 | 32..=126)) {
            "its bytes are text"
        } else {
            "its first bytes are of no known picture type"
        };
        return Err(bad(format!("this is not a picture: {looks}. PNG, JPEG, WebP and HEIC are taken")));
    };
    let (width, height) = size(format, bytes).ok_or_else(|| {
        bad(format!("the picture is cut off or damaged: its {} header is not whole", format.mime_type()))
    })?;
    Ok(Header { format, width, height })
}

fn size(format: Format, bytes: &[u8]) -> Option<(u32, u32)> {
    let u16le = |at: usize| Some(u32::from(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?)));
    let u16be = |at: usize| Some(u32::from(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?)));
    let u32be = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let u24le = |at: usize| Some(u16le(at)? | u32::from(*bytes.get(at + 2)?) << 16);
    let (width, height) = match format {
        Format::Png => (u32be(16)?, u32be(20)?),
        Format::Gif => (u16le(6)?, u16le(8)?),
        Format::Bmp => {
            (u16le(18)? | u16le(20)? << 16, (u16le(22)? | u16le(24)? << 16).cast_signed().unsigned_abs())
        }
        Format::WebP => match bytes.get(12..16)? {
            b"VP8 " => (u16le(26)? & 0x3fff, u16le(28)? & 0x3fff),
            b"VP8L" => {
                let bits = u16le(21)? | u16le(23)? << 16;
                ((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1)
            }
            b"VP8X" => (u24le(24)? + 1, u24le(27)? + 1),
            _ => return None,
        },
        Format::Jpeg => {
            let mut at = 2;
            loop {
                while *bytes.get(at)? != 0xff {
                    at += 1;
                }
                let marker = *bytes.get(at + 1)?;
                match marker {
                    0xff => at += 1,
                    0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                        break (u16be(at + 7)?, u16be(at + 5)?);
                    }
                    0x01 | 0xd0..=0xd8 => at += 2,
                    0xd9 | 0xda => return None,
                    _ => at += 2 + usize::try_from(u16be(at + 2)?).ok()?.max(2),
                }
            }
        }
        Format::Tiff | Format::Heic | Format::Avif => return Some((0, 0)),
    };
    (width > 0 && height > 0).then_some((width, height))
}

fn damaged(cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    bad(format!("the picture is damaged and cannot be decoded: {cause}")).because(cause)
}

/// The crate's own limit for one decoded picture: 1 GiB of pixels, about 16 times 4K.
const MOST_PIXEL_BYTES: u64 = 1 << 30;

/// Decodes PNG, JPEG and WebP to grey, RGB or RGBA of 8 bits.
pub(crate) fn decode(bytes: &[u8]) -> Result<Pixels, Error> {
    let header = header(bytes)?;
    let format = match header.format {
        Format::Png => image::ImageFormat::Png,
        Format::Jpeg => image::ImageFormat::Jpeg,
        Format::WebP => image::ImageFormat::WebP,
        other => {
            return Err(bad(format!(
                "{} is not decoded here; open it with Pillow or sharp and hand over its pixels",
                other.mime_type()
            )));
        }
    };
    let mut reader = image::ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = image::Limits::default();
    limits.max_alloc = Some(MOST_PIXEL_BYTES);
    reader.limits(limits);
    let picture = reader.decode().map_err(damaged)?;
    let (width, height) = (picture.width(), picture.height());
    use image::DynamicImage as D;
    let (channels, data) = match picture {
        D::ImageLuma8(grey) => (1, grey.into_raw()),
        D::ImageRgb8(rgb) => (3, rgb.into_raw()),
        D::ImageRgba8(rgba) => (4, rgba.into_raw()),
        D::ImageLuma16(_) => (1, picture.into_luma8().into_raw()),
        other if other.color().has_alpha() => (4, other.into_rgba8().into_raw()),
        other => (3, other.into_rgb8().into_raw()),
    };
    Ok(Pixels { width, height, channels, data })
}

/// Encodes pixels; `quality` is for JPEG, 1 to 100, by default 92.
pub(crate) fn encode(pixels: &Pixels, format: Format, quality: Option<u8>) -> Result<Vec<u8>, Error> {
    let Pixels { width, height, channels, data } = pixels;
    let wants = u64::from(*width) * u64::from(*height) * u64::from(*channels);
    if wants == 0 || wants != data.len() as u64 || !matches!(channels, 1 | 3 | 4) {
        return Err(bad(format!(
            "{} bytes are not {width}x{height} pixels of {channels} channels; 1, 3 or 4 channels of 8 bits are taken",
            data.len()
        )));
    }
    if let Some(quality) = quality
        && (format != Format::Jpeg || !(1..=100).contains(&quality))
    {
        let problem = format!("quality {quality} does not fit {}; JPEG takes 1 to 100", format.mime_type());
        return Err(Error::new(Kind::InvalidOptionError, problem).with("option", "quality".to_owned()));
    }
    let color = match channels {
        1 => image::ExtendedColorType::L8,
        3 => image::ExtendedColorType::Rgb8,
        _ => image::ExtendedColorType::Rgba8,
    };
    let mut out = Vec::new();
    let written = match format {
        Format::Png => {
            png::PngEncoder::new_with_quality(&mut out, png::CompressionType::Fast, png::FilterType::Adaptive)
                .write_image(data, *width, *height, color)
        }
        Format::WebP => WebPEncoder::new_lossless(&mut out).write_image(data, *width, *height, color),
        Format::Jpeg => {
            let encoder = JpegEncoder::new_with_quality(&mut out, quality.unwrap_or(92));
            match channels {
                // JPEG has no transparency: what shows through is white, as on paper.
                4 => encoder.write_image(&on_white(data), *width, *height, image::ExtendedColorType::Rgb8),
                _ => encoder.write_image(data, *width, *height, color),
            }
        }
        other => return Err(bad(format!("{} cannot be written; {WRITABLE} can", other.mime_type()))),
    };
    written.map_err(|cause| {
        bad(format!("the picture cannot be written as {}: {cause}", format.mime_type())).because(cause)
    })?;
    Ok(out)
}

fn on_white(rgba: &[u8]) -> Vec<u8> {
    let mut rgb = Vec::with_capacity(rgba.len() / 4 * 3);
    for pixel in rgba.chunks_exact(4) {
        if let [r, g, b, a] = pixel {
            let over =
                |c: u8| ((u16::from(c) * u16::from(*a) + 255 * (255 - u16::from(*a)) + 127) / 255) as u8;
            rgb.extend([over(*r), over(*g), over(*b)]);
        }
    }
    rgb
}

/// Scales pixels with a Lanczos filter.
pub(crate) fn resize(pixels: &Pixels, width: u32, height: u32) -> Result<Pixels, Error> {
    use image::imageops::{FilterType, resize};
    if width == 0 || height == 0 || u64::from(width) * u64::from(height) * 4 > MOST_PIXEL_BYTES {
        return Err(bad(format!(
            "cannot resize to {width}x{height}; both sides must be 1 or more, 268 megapixels in all at most"
        )));
    }
    let raw = pixels.data.clone();
    let misfit = || bad("the pixels do not fit their size");
    let data = match pixels.channels {
        1 => resize(
            &image::GrayImage::from_raw(pixels.width, pixels.height, raw).ok_or_else(misfit)?,
            width,
            height,
            FilterType::Lanczos3,
        )
        .into_raw(),
        3 => resize(
            &image::RgbImage::from_raw(pixels.width, pixels.height, raw).ok_or_else(misfit)?,
            width,
            height,
            FilterType::Lanczos3,
        )
        .into_raw(),
        _ => resize(
            &image::RgbaImage::from_raw(pixels.width, pixels.height, raw).ok_or_else(misfit)?,
            width,
            height,
            FilterType::Lanczos3,
        )
        .into_raw(),
    };
    Ok(Pixels { width, height, channels: pixels.channels, data })
}
