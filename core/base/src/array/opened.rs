//! A picture that another library opened: its samples as that holds them, and what is said of them beside.

use std::fmt;

use bytes::Bytes;

use super::{Array, sides};
use crate::codec::{Pixels, Quirks, Raw};
use crate::error::Error;

/// Samples that become pixels in the way of a file's: in sRGB as their profile says, and turned.
#[derive(Clone)]
#[doc(hidden)]
pub struct Opened {
    /// The samples. Other than those of an array that a caller made, they may also be grey and alpha.
    pub array: Array,
    /// Whether four channels are inks (CMYK), the highest sample a full one.
    pub is_inks: bool,
    /// The colour profile (ICC).
    pub profile: Option<Bytes>,
    /// How it has to be turned, as Exif counts it; what that does not know is not turned.
    pub orientation: u8,
}

impl fmt::Debug for Opened {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.array.fmt(out)
    }
}

impl From<Array> for Opened {
    /// Pixels as a person sees them.
    fn from(array: Array) -> Self {
        Opened { array, is_inks: false, profile: None, orientation: 1 }
    }
}

impl Opened {
    /// The picture, and what of it was otherwise.
    ///
    /// # Errors
    /// As [`Array::into_pixels`].
    #[doc(hidden)]
    pub fn into_pixels(self) -> Result<(Pixels, Quirks), Error> {
        let Opened { array, is_inks, profile, orientation } = self;
        let (height, width, channels) = match *array.shape {
            [height, width, 2] => {
                let (height, width, _) = sides(&[height, width])?;
                (height, width, 2)
            }
            ref shape => sides(shape)?,
        };
        let depth = 8 * array.sample.bytes() as u8;
        let data = array.into_bytes(height * width * usize::from(channels))?;
        // What `sides` lets through fits.
        let raw = Raw::new(width as u32, height as u32, channels, is_inks, data);
        let quirks = raw.quirks(profile.as_deref(), orientation, depth);
        Ok((raw.into_seen(profile.as_deref(), orientation)?, quirks))
    }
}
