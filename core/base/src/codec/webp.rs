//! WebP by libwebp, the format's own library: it writes with loss, and reads what was written so more than twice
//! as fast as the decoder in Rust.
#![allow(unsafe_code, reason = "libwebp is a library in C")]

use std::ffi::c_int;

use libwebp_sys::{
    WebPDecodeRGBAInto, WebPDecodeRGBInto, WebPEncodeRGB, WebPEncodeRGBA, WebPFree, WebPGetInfo,
};

use super::decode::{Raw, Stored};
use super::{Pixels, bad, check_size};
use crate::error::Error;

/// What the format can say.
pub(super) const LONGEST_SIDE: u32 = 16383;

/// Decodes one that does not move.
pub fn decode(bytes: &[u8], alpha: bool) -> Result<Raw, Error> {
    let damaged = || bad("the picture is cut off or damaged: its image/webp data cannot be decoded");
    let (mut width, mut height): (c_int, c_int) = (0, 0);
    // SAFETY: the pointer and the length are those of one slice, which libwebp only reads; both numbers
    // outlive the call.
    if unsafe { WebPGetInfo(bytes.as_ptr(), bytes.len(), &mut width, &mut height) } == 0 {
        return Err(damaged());
    }
    let sides = |side: c_int| u32::try_from(side).map_err(|_| damaged());
    let (wide, high) = (sides(width)?, sides(height)?);
    check_size("the picture has", wide, high)?;
    let channels = if alpha { 4 } else { 3 };
    let stride = wide as usize * channels;
    let mut data = vec![0; stride * high as usize];
    let decode = if alpha { WebPDecodeRGBAInto } else { WebPDecodeRGBInto };
    let row = c_int::try_from(stride).map_err(|_| damaged())?;
    // SAFETY: as above; `data` is mutable for its whole length, and libwebp writes `height` rows of
    // `stride` bytes only if they fit into the length that it is told.
    let done = unsafe { decode(bytes.as_ptr(), bytes.len(), data.as_mut_ptr(), data.len(), row) };
    if done.is_null() {
        return Err(damaged());
    }
    let data = if alpha { Stored::Rgba(data) } else { Stored::Rgb(data) };
    Ok(Raw { width: wide, height: high, data })
}

/// Encodes with loss. The pixels must fit their size and have 3 or 4 channels; none if libwebp fails.
pub(super) fn encode_lossy(pixels: &Pixels, quality: u8) -> Option<Vec<u8>> {
    let Pixels { width, height, channels, data } = pixels;
    let stride = *width as usize * usize::from(*channels);
    if *width == 0
        || *width > LONGEST_SIDE
        || *height > LONGEST_SIDE
        || data.len() != stride * *height as usize
    {
        return None;
    }
    let (width, height, row) = (c_int::try_from(*width), c_int::try_from(*height), c_int::try_from(stride));
    let encode = match channels {
        3 => WebPEncodeRGB,
        4 => WebPEncodeRGBA,
        _ => return None,
    };
    let mut out = std::ptr::null_mut();
    // SAFETY: `data` has `height` rows of `stride` bytes, as was just checked, and libwebp only reads
    // them; `out` is set to memory that libwebp allocates, of the length that it returns, or stays null.
    let len =
        unsafe { encode(data.as_ptr(), width.ok()?, height.ok()?, row.ok()?, quality.into(), &mut out) };
    if out.is_null() {
        return None;
    }
    // SAFETY: `out` is not null, and libwebp wrote `len` bytes there; they are copied before they are freed,
    // by the only owner, once.
    unsafe {
        let bytes = std::slice::from_raw_parts(out, len).to_vec();
        WebPFree(out.cast());
        Some(bytes)
    }
}
