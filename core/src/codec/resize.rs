//! Scaling.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{PixelType, Resizer};

use super::{Pixels, bad, check_size};
use crate::error::Error;

/// Scales pixels with a Lanczos filter; transparent ones lend no colour to their neighbours.
///
/// # Errors
/// [`crate::Kind::ImageError`] if a side is 0 or the result would have more than 268 megapixels.
pub(crate) fn resize(pixels: &Pixels, width: u32, height: u32) -> Result<Pixels, Error> {
    if width == 0 || height == 0 {
        return Err(bad(format!("cannot resize to {width}x{height}; both sides must be 1 or more")));
    }
    check_size("cannot resize to", width, height)?;
    let kind = match pixels.channels {
        1 => PixelType::U8,
        3 => PixelType::U8x3,
        _ => PixelType::U8x4,
    };
    let misfit = || bad("the pixels do not fit their size");
    let from = ImageRef::new(pixels.width, pixels.height, &pixels.data, kind).map_err(|_| misfit())?;
    let mut into = Image::new(width, height, kind);
    Resizer::new().resize(&from, &mut into, None).map_err(|_| misfit())?;
    Ok(Pixels { width, height, channels: pixels.channels, data: into.into_vec() })
}
