//! The front's inputs, each an object with one key, as the core's.
//!
//! What a user may hand in is told apart in `lib/input.ts`. Memory of JavaScript's is copied here,
//! at the call and once: its owner may write to it or transfer it, and a retry must send it again.

use bytes::Bytes;
use nanobanana::{Error, Input, Kind, Pixels};
use napi::bindgen_prelude::{ClassInstance, Object, Uint8ArraySlice};

use crate::error::Refused;
use crate::image::NativeImage;

/// The inputs of a call, in order.
pub fn list(items: &[Object]) -> Result<Vec<Input>, Refused> {
    items.iter().map(read).collect()
}

fn read(item: &Object) -> Result<Input, Refused> {
    if let Some(text) = item.get::<String>("text")? {
        return Ok(Input::Text(text));
    }
    if let Some(name) = item.get::<String>("named")? {
        return Ok(Input::Named(name));
    }
    if let Some(image) = item.get::<ClassInstance<NativeImage>>("image")? {
        return Ok(Input::Image(image.image().clone()));
    }
    let data = |from: &Object| Ok(from.get::<Uint8ArraySlice>("bytes")?.map(|slice| slice.to_vec()));
    if let Some(bytes) = data(item).map_err(Refused::Thrown)? {
        let (Some(width), Some(height), Some(channels)) =
            (item.get::<u32>("width")?, item.get::<u32>("height")?, item.get::<u32>("channels")?)
        else {
            return Ok(Input::Bytes(Bytes::from(bytes)));
        };
        // More than 255 channels are as wrong as 0: the core says what is right.
        let channels = u8::try_from(channels).unwrap_or(0);
        return Ok(Input::Pixels(Pixels { width, height, channels, data: bytes }));
    }
    Err(Error::new(Kind::ImageError, "an input came without a value").into())
}
