//! Scaling.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::pixels::{U8, U8x3, U8x4};
use fast_image_resize::{PixelTrait, Resizer};

use super::{Pixels, bad, check_size};
use crate::error::Error;

/// Scales pixels with a Lanczos filter; transparent ones lend no colour to their neighbours.
///
/// # Errors
/// [`crate::error::Kind::ImageError`] if a side is 0 or the result would have more than 268 megapixels.
pub fn resize(pixels: &Pixels, width: u32, height: u32) -> Result<Pixels, Error> {
    if width == 0 || height == 0 {
        return Err(bad(format!("cannot resize to {width}x{height}; both sides must be 1 or more")));
    }
    check_size("cannot resize to", width, height)?;
    let data = match pixels.channels {
        1 => scaled::<U8>(pixels, width, height),
        3 => scaled::<U8x3>(pixels, width, height),
        _ => scaled::<U8x4>(pixels, width, height),
    };
    let data = data.ok_or_else(|| bad("the pixels do not fit their size"))?;
    Ok(Pixels { width, height, channels: pixels.channels, data })
}

/// The scaled samples. A call for one type of pixel keeps the code for the library's ten others out of the binary.
fn scaled<P: PixelTrait>(pixels: &Pixels, width: u32, height: u32) -> Option<Vec<u8>> {
    let from = ImageRef::new(pixels.width, pixels.height, &pixels.data, P::pixel_type()).ok()?;
    let mut into = Image::new(width, height, P::pixel_type());
    Resizer::new().resize_typed(&from.typed_image::<P>()?, &mut into.typed_image_mut::<P>()?, None).ok()?;
    Some(into.into_vec())
}
