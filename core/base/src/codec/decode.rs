//! From a file's bytes to pixels as a person sees them.

use std::borrow::Cow;
use std::io::Cursor;

use image::{DynamicImage, ImageDecoder as _};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::colour::{self, ToSrgb};
use super::header::{Color, Components, Header, Quirks, Space};
use super::{Format, MOST_PIXELS, Pixels, bad, check_size, damaged, header, tiff, webp};
use crate::error::Error;

/// Pixels as stored, but of 8 bits: not turned yet, in the colours of the file's profile.
pub struct Raw {
    pub width: u32,
    pub height: u32,
    pub data: Stored,
}

/// Samples in rows from the top.
pub enum Stored {
    Grey(Vec<u8>),
    GreyAlpha(Vec<u8>),
    Rgb(Vec<u8>),
    Rgba(Vec<u8>),
    /// Inks, 255 a full one.
    Cmyk(Vec<u8>),
    /// Inks, and beside them alpha.
    CmykAlpha(Vec<u8>, Vec<u8>),
}

/// Decodes PNG, JPEG, WebP, GIF and APNG (the first picture), BMP and TIFF (the first page): upright, sRGB,
/// 8 bits a channel, grey, RGB or RGBA.
///
/// A colour profile is applied unless it is sRGB (then bytes stay as they are), broken or for other
/// channels. PNG's `gAMA` and `cHRM` are not applied, as Pillow does not either: nearly all that have them
/// mean sRGB. CMYK without a profile is converted as Pillow and ImageMagick do.
///
/// # Errors
/// [`crate::error::Kind::ImageError`] if the bytes are damaged or cut off, of a type that is not decoded here, or
/// of more than 268 megapixels.
pub fn decode(bytes: &[u8]) -> Result<Pixels, Error> {
    let header::Seen { header, profile, refused, short, components, clear, odd_key } = header::seen(bytes)?;
    if let Some(why) = refused {
        return Err(bad(why));
    }
    check_size("the picture says that it has", header.width, header.height)?;
    let raw = match header.format {
        Format::Jpeg => jpeg(bytes, &components.unwrap_or_default(), short.as_deref())?,
        Format::WebP if !header.animated => webp::decode(bytes, header.alpha)?,
        Format::Tiff => tiff::decode(bytes)?,
        Format::Png if short.is_some() || odd_key.is_some() => {
            by_image(&mended_png(bytes, short.is_some(), odd_key, header.depth), image::ImageFormat::Png)?
        }
        Format::Png => by_image(bytes, image::ImageFormat::Png)?,
        Format::WebP => by_image(bytes, image::ImageFormat::WebP)?,
        Format::Gif => gif(bytes, &header, clear)?,
        Format::Bmp => by_image(bytes, image::ImageFormat::Bmp)?,
        Format::Heic | Format::Avif => return Err(elsewhere(header.format)),
    };
    let pixels = raw.into_seen(profile.as_deref(), header.orientation)?;
    if (pixels.width, pixels.height) == (header.width, header.height) {
        return Ok(pixels);
    }
    Err(bad(format!(
        "the picture is damaged: its header says {}x{}, its pixels are {}x{}",
        header.width, header.height, pixels.width, pixels.height
    )))
}

/// What to do with types whose decoders are not free to ship.
fn elsewhere(format: Format) -> Error {
    let (name, python) = match format {
        Format::Avif => ("AVIF", "in Python by Pillow: PIL.Image.open(path)"),
        _ => (
            "HEIC",
            "in Python by Pillow with pillow-heif: pillow_heif.register_heif_opener(), PIL.Image.open(path)",
        ),
    };
    bad(format!(
        "the pixels of {name} are not decoded here; open the picture {python}; in Node by sharp: \
         await sharp(path).rotate().raw().toBuffer({{ resolveWithObject: true }}), and hand over what it gives"
    ))
}

impl Raw {
    /// Samples as other libraries hold them: grey, grey and alpha, RGB, RGBA or inks, by their channels.
    pub fn new(width: u32, height: u32, channels: u8, is_inks: bool, data: Vec<u8>) -> Self {
        let data = match channels {
            1 => Stored::Grey(data),
            2 => Stored::GreyAlpha(data),
            3 => Stored::Rgb(data),
            _ if is_inks => Stored::Cmyk(data),
            _ => Stored::Rgba(data),
        };
        Raw { width, height, data }
    }

    /// What is told of it, where it had `depth` bits a channel.
    pub fn quirks(&self, profile: Option<&[u8]>, orientation: u8, depth: u8) -> Quirks {
        let color = match self.data {
            Stored::Grey(_) | Stored::GreyAlpha(_) => Color::Grey,
            Stored::Rgb(_) | Stored::Rgba(_) => Color::Rgb,
            Stored::Cmyk(_) | Stored::CmykAlpha(..) => Color::Cmyk,
        };
        Quirks {
            inks: color == Color::Cmyk,
            icc: profile.is_some_and(|profile| !colour::is_srgb(profile, color)),
            depth,
            orientation: if matches!(orientation, 2..=8) { orientation } else { 1 },
            ..Quirks::NONE
        }
    }

    /// Its pixels, upright and in sRGB.
    ///
    /// # Errors
    /// [`crate::error::Kind::ImageError`] if there are more or fewer samples than its size says.
    pub fn into_seen(self, profile: Option<&[u8]>, orientation: u8) -> Result<Pixels, Error> {
        let (width, height) = (self.width, self.height);
        let (channels, data) = self.srgb(profile);
        if data.len() as u64 != u64::from(width) * u64::from(height) * u64::from(channels) {
            return Err(bad("the picture is damaged: it has another number of pixels than its header says"));
        }
        Ok(upright(Pixels { width, height, channels, data }, orientation))
    }

    /// Channels and samples in sRGB.
    fn srgb(self, profile: Option<&[u8]>) -> (u8, Vec<u8>) {
        let to_srgb = |channels| profile.and_then(|profile| ToSrgb::new(profile, channels));
        match self.data {
            Stored::Grey(mut grey) => {
                if let Some(to_srgb) = to_srgb(1) {
                    to_srgb.grey(&mut grey, 1);
                }
                (1, grey)
            }
            Stored::GreyAlpha(pairs) => {
                let mut rgba = colour::with_alpha(&pairs);
                if let Some(to_srgb) = to_srgb(1) {
                    to_srgb.grey(&mut rgba, 4);
                }
                (4, rgba)
            }
            Stored::Rgb(mut rgb) => {
                if let Some(to_srgb) = to_srgb(3) {
                    to_srgb.rgb(&mut rgb, 3);
                }
                (3, rgb)
            }
            Stored::Rgba(mut rgba) => {
                if let Some(to_srgb) = to_srgb(3) {
                    to_srgb.rgb(&mut rgba, 4);
                }
                (4, rgba)
            }
            Stored::Cmyk(inks) => {
                let printed = to_srgb(4).and_then(|to_srgb| to_srgb.inks(&inks));
                (3, printed.unwrap_or_else(|| colour::plain_inks(&inks)))
            }
            Stored::CmykAlpha(inks, alpha) => {
                let (_, rgb) = Raw { data: Stored::Cmyk(inks), ..self }.srgb(profile);
                let (pixels, _) = rgb.as_chunks();
                (4, pixels.iter().zip(alpha).flat_map(|([r, g, b], alpha)| [*r, *g, *b, alpha]).collect())
            }
        }
    }
}

fn by_image(bytes: &[u8], format: image::ImageFormat) -> Result<Raw, Error> {
    let mut reader = image::ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = image::Limits::default();
    // Of 16-bit RGBA.
    limits.max_alloc = Some(MOST_PIXELS * 8);
    reader.limits(limits);
    let decoder = reader.into_decoder().map_err(cut_or_damaged)?;
    let (width, height) = decoder.dimensions();
    check_size("the picture has", width, height)?;
    let picture = DynamicImage::from_decoder(decoder).map_err(cut_or_damaged)?;
    let eight = |samples: Vec<u16>| samples.into_iter().map(colour::eight_bits).collect();
    use DynamicImage as D;
    let data = match picture {
        D::ImageLuma8(grey) => Stored::Grey(grey.into_raw()),
        D::ImageLumaA8(pairs) => Stored::GreyAlpha(pairs.into_raw()),
        D::ImageRgb8(rgb) => Stored::Rgb(rgb.into_raw()),
        D::ImageRgba8(rgba) => Stored::Rgba(rgba.into_raw()),
        D::ImageLuma16(grey) => Stored::Grey(eight(grey.into_raw())),
        D::ImageLumaA16(pairs) => Stored::GreyAlpha(eight(pairs.into_raw())),
        D::ImageRgb16(rgb) => Stored::Rgb(eight(rgb.into_raw())),
        D::ImageRgba16(rgba) => Stored::Rgba(eight(rgba.into_raw())),
        other => Stored::Rgba(other.into_rgba8().into_raw()),
    };
    Ok(Raw { width, height, data })
}

/// The file with an end, where whether its pixels are all there shows then; and with a key of as many bits as its samples
/// have, or without one that is void.
fn mended_png(bytes: &[u8], is_short: bool, odd_key: Option<(usize, bool)>, depth: u8) -> Vec<u8> {
    let end: &[u8] = if is_short { b"\0\0\0\0IEND\xae\x42\x60\x82" } else { b"" };
    let mut bytes = [bytes, end].concat();
    let Some((place, is_void)) = odd_key else { return bytes };
    let len = bytes.get(place.saturating_sub(8)..).and_then(<[u8]>::first_chunk);
    let len = len.map_or(0, |len| u32::from_be_bytes(*len) as usize);
    let Some(chunk) = bytes.get_mut(place.saturating_sub(4)..place.saturating_add(len).saturating_add(4))
    else {
        return bytes;
    };
    let Some((content, sum)) = chunk.split_last_chunk_mut::<4>() else { return bytes };
    let Some((name, key)) = content.split_first_chunk_mut::<4>() else { return bytes };
    if is_void {
        // A name that no reader knows.
        *name = *b"voId";
    } else {
        let mask = (1_u16 << depth.min(15)) - 1;
        for sample in key.as_chunks_mut::<2>().0 {
            *sample = (u16::from_be_bytes(*sample) & mask).to_be_bytes();
        }
    }
    *sum = crc(content).to_be_bytes();
    bytes
}

/// The checksum of a few bytes of PNG.
pub(super) fn crc(bytes: &[u8]) -> u32 {
    let step = |sum: u32, _| if sum & 1 == 0 { sum >> 1 } else { 0xedb8_8320 ^ sum >> 1 };
    !bytes.iter().fold(u32::MAX, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), step))
}

/// The first picture of a GIF, on a screen that is as large as the header found it: what it does not cover is
/// transparent, as browsers show it. `clear` is the index of its palette that is transparent, too.
fn gif(bytes: &[u8], header: &Header, clear: Option<u8>) -> Result<Raw, Error> {
    let (width, height) = (header.width, header.height);
    let mut options = gif::DecodeOptions::new();
    options.set_color_output(gif::ColorOutput::Indexed);
    options.allow_unknown_blocks(true);
    if let Some(most) = std::num::NonZeroU64::new(MOST_PIXELS * 4) {
        options.set_memory_limit(gif::MemoryLimit::Bytes(most));
    }
    let mut decoder = options.read_info(bytes).map_err(broken_gif)?;
    let Some(frame) = decoder.next_frame_info().map_err(broken_gif)? else {
        return Err(bad("the picture is damaged: there is no picture in this GIF"));
    };
    let (left, top) = (usize::from(frame.left), usize::from(frame.top));
    let (wide, high) = (usize::from(frame.width), usize::from(frame.height));
    if wide == 0 || high == 0 {
        return Err(bad("the picture is damaged: the first picture of this GIF has 0 pixels"));
    }
    let mut indices = vec![0; wide * high];
    decoder.read_into_buffer(&mut indices).map_err(broken_gif)?;
    let palette = decoder.palette().map_err(broken_gif)?.as_chunks::<3>().0;
    // An index without a colour is black, as Pillow and libvips show it.
    let colour = |index: u8| palette.get(usize::from(index)).copied().unwrap_or_default();
    let row = width as usize;
    let is_covered = (left, top, wide, high) == (0, 0, row, height as usize);
    if is_covered && clear.is_none_or(|clear| !indices.contains(&clear)) {
        let rgb = indices.iter().flat_map(|index| colour(*index)).collect();
        return Ok(Raw { width, height, data: Stored::Rgb(rgb) });
    }
    let mut screen = vec![0; row * 4 * height as usize];
    for (into, from) in screen.chunks_exact_mut(row * 4).skip(top).zip(indices.chunks_exact(wide)) {
        let into = into.get_mut(left * 4..).unwrap_or_default().as_chunks_mut::<4>().0;
        for (into, index) in into.iter_mut().zip(from) {
            let [r, g, b] = colour(*index);
            let alpha = if clear == Some(*index) { 0 } else { 255 };
            *into = [r, g, b, alpha];
        }
    }
    Ok(Raw { width, height, data: Stored::Rgba(screen) })
}

fn broken_gif(cause: gif::DecodingError) -> Error {
    match &cause {
        gif::DecodingError::Io(io) if io.kind() == std::io::ErrorKind::UnexpectedEof => {
            cut_off("its file ends before its last pixels").because(cause)
        }
        _ => damaged(cause),
    }
}

fn cut_or_damaged(cause: image::ImageError) -> Error {
    match &cause {
        image::ImageError::IoError(io) if io.kind() == std::io::ErrorKind::UnexpectedEof => {
            cut_off("its file ends before its last pixels").because(cause)
        }
        _ => damaged(cause),
    }
}

pub(super) fn cut_off(how: &str) -> Error {
    bad(format!("the picture is cut off: {how}. Get the whole file"))
}

/// `short` says where a file ends that lacks its end mark. That alone is harmless: it is whole if all its pixels are there.
fn jpeg(bytes: &[u8], components: &Components, short: Option<&str>) -> Result<Raw, Error> {
    if components.are_sampled_oddly() {
        return Err(bad(
            "this kind of JPEG is not decoded here: its colours have more samples than its light. Make an ordinary JPEG or \
             PNG of it, for example with Pillow or ImageMagick",
        ));
    }
    let mut bytes = Cow::Borrowed(bytes);
    if components.are_marks_misread() {
        // The decoder then goes by the number of components alone, and leaves them as they are.
        let bytes = bytes.to_mut();
        for place in &components.marks {
            if let Some(letter) = bytes.get_mut(*place) {
                *letter = b'-';
            }
        }
    }
    let Some(short) = short else { return Ok(jpeg_samples(&bytes, components)?.stored(components)) };
    // The decoder paints over pixels that are missing, by what stands in their place: if that makes no difference, none is.
    let with = |tail: &[u8]| jpeg_samples(&[&*bytes, tail, &[0xff, 0xd9]].concat(), components);
    let both = with(&[]).and_then(|one| Ok((one, with(&[0x5a, 0x93, 0x6c, 0xe1].repeat(64))?)));
    match both {
        Ok((one, other)) if one.data == other.data => Ok(one.stored(components)),
        Ok(_) => Err(cut_off(short)),
        Err(cause) => Err(cut_off(short).because(cause)),
    }
}

/// The components of a JPEG: colours if they are YCbCr, and else as they are.
struct Samples {
    width: u32,
    height: u32,
    data: Vec<u8>,
}

fn jpeg_samples(bytes: &[u8], components: &Components) -> Result<Samples, Error> {
    let options = DecoderOptions::default().set_strict_mode(false).set_max_width(65535).set_max_height(65535);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(damaged)?;
    let wanted = match components.space() {
        Space::Grey => ColorSpace::Luma,
        // Named so, they are left as they are.
        Space::YCbCr | Space::Rgb if components.are_named_rgb() => ColorSpace::RGB,
        Space::YCbCr => ColorSpace::RGB,
        Space::Rgb => ColorSpace::YCbCr,
        Space::Cmyk | Space::Ycck => decoder.input_colorspace().unwrap_or(ColorSpace::CMYK),
        Space::Unknown => return Err(bad("the picture is damaged: it has neither 1, 3 nor 4 components")),
    };
    decoder.set_options(options.jpeg_set_out_colorspace(wanted));
    let (width, height) =
        decoder.dimensions().ok_or_else(|| bad("the picture is damaged: it has no size"))?;
    let (width, height) = (u32::try_from(width).unwrap_or(0), u32::try_from(height).unwrap_or(0));
    check_size("the picture has", width, height)?;
    Ok(Samples { width, height, data: decoder.decode().map_err(damaged)? })
}

impl Samples {
    fn stored(self, components: &Components) -> Raw {
        let Samples { width, height, data } = self;
        let data = match components.space() {
            Space::Grey => Stored::Grey(data),
            Space::Cmyk => Stored::Cmyk(inverted(data)),
            Space::Ycck => Stored::Cmyk(inks_of_ycck(data)),
            Space::YCbCr if components.are_named_rgb() => Stored::Rgb(colour::from_ycbcr(&data)),
            _ => Stored::Rgb(data),
        };
        Raw { width, height, data }
    }
}

/// Programs write the inks of a JPEG the other way round, with or without Adobe's mark; so Pillow and
/// ImageMagick read all of them.
fn inverted(mut inks: Vec<u8>) -> Vec<u8> {
    inks.iter_mut().for_each(|ink| *ink = 255 - *ink);
    inks
}

/// YCbCr of the inverted colours, beside inverted black.
fn inks_of_ycck(mut data: Vec<u8>) -> Vec<u8> {
    let (pixels, _) = data.as_chunks_mut();
    for [y, cb, cr, k] in pixels {
        let [r, g, b] = colour::rgb_of_ycbcr(*y, *cb, *cr);
        (*y, *cb, *cr, *k) = (r, g, b, 255 - *k);
    }
    data
}

/// Turns and mirrors as Exif's orientation says.
fn upright(pixels: Pixels, orientation: u8) -> Pixels {
    if !matches!(orientation, 2..=8) {
        return pixels;
    }
    let Pixels { width, height, channels, data } = pixels;
    let data = match channels {
        1 => turned::<1>(&data, width as usize, height as usize, orientation),
        3 => turned::<3>(&data, width as usize, height as usize, orientation),
        _ => turned::<4>(&data, width as usize, height as usize, orientation),
    };
    let (width, height) = if orientation >= 5 { (height, width) } else { (width, height) };
    Pixels { width, height, channels, data }
}

fn turned<const CHANNELS: usize>(data: &[u8], width: usize, height: usize, orientation: u8) -> Vec<u8> {
    let (from, _) = data.as_chunks::<CHANNELS>();
    let (across, down) = if orientation >= 5 { (height, width) } else { (width, height) };
    let mut out = vec![0; data.len()];
    let (into, _) = out.as_chunks_mut::<CHANNELS>();
    // Where the pixel at (x, y) of what is seen is stored.
    let stored = |x: usize, y: usize| match orientation {
        2 => y * width + (width - 1 - x),
        3 => (height - 1 - y) * width + (width - 1 - x),
        4 => (height - 1 - y) * width + x,
        5 => x * width + y,
        6 => (height - 1 - x) * width + y,
        7 => (height - 1 - x) * width + (width - 1 - y),
        8 => x * width + (width - 1 - y),
        _ => y * width + x,
    };
    // In tiles: rows of one are columns of the other, and a column of a whole picture fits no cache.
    const TILE: usize = 32;
    for top in (0..down).step_by(TILE) {
        for left in (0..across).step_by(TILE) {
            for y in top..down.min(top + TILE) {
                for x in left..across.min(left + TILE) {
                    if let (Some(into), Some(from)) = (into.get_mut(y * across + x), from.get(stored(x, y))) {
                        *into = *from;
                    }
                }
            }
        }
    }
    out
}
