//! Pixels of files of every type: decoded here, or by libraries that a binding's user may have.

use std::future::Future;
use std::pin::Pin;
use std::sync::OnceLock;

use bytes::Bytes;

use super::Opened;
use crate::codec::{self, Format, Pixels};
use crate::error::Error;

/// Opens files of types that are not decoded here; none if it can't either.
#[doc(hidden)]
pub enum Elsewhere {
    /// On the thread that calls it.
    Called(Box<dyn Fn(Bytes) -> Result<Option<Opened>, Error> + Send + Sync>),
    /// On a thread that may be the one that would wait for it.
    Awaited(Box<dyn Fn(Bytes) -> Opening + Send + Sync>),
}

type Opening = Pin<Box<dyn Future<Output = Result<Option<Opened>, Error>> + Send>>;

static ELSEWHERE: OnceLock<Elsewhere> = OnceLock::new();

/// Says how types are decoded that are not decoded here.
#[doc(hidden)]
pub fn decode_elsewhere(decode: Elsewhere) {
    // The first one stays.
    let _ = ELSEWHERE.set(decode);
}

fn is_decoded_here(format: Format) -> bool {
    !matches!(format, Format::Heic | Format::Avif)
}

/// The pixels of a file, on this thread: without a decoder that can only be awaited.
///
/// # Errors
/// [`crate::error::Kind::ImageError`] if it cannot be decoded.
#[doc(hidden)]
pub fn decode(bytes: &Bytes) -> Result<Pixels, Error> {
    if let Some(Elsewhere::Called(open)) = ELSEWHERE.get()
        && Format::sniff(bytes).is_some_and(|format| !is_decoded_here(format))
        && let Some(opened) = open(bytes.clone())?
    {
        return Ok(opened.into_pixels()?.0);
    }
    // Its error says what to install.
    codec::decode(bytes)
}

/// What `then` makes of the pixels of a file of this type, on a thread for that. `read` gives its bytes: a file may
/// hang, which must not hold up a thread that decodes.
///
/// # Errors
/// [`crate::error::Kind::ImageError`] if it cannot be read or decoded; what `then` returns.
#[doc(hidden)]
pub async fn decoded<T: Send + 'static>(
    format: Format,
    read: impl Future<Output = Result<Bytes, Error>> + Send,
    then: impl FnOnce(Pixels) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let (false, Some(Elsewhere::Awaited(open))) = (is_decoded_here(format), ELSEWHERE.get()) else {
        // One piece of work: pixels that wait for the next one would fill the memory.
        let bytes = read.await?;
        return codec::worker(move || then(decode(&bytes)?)).await;
    };
    let bytes = read.await?;
    let opened = open(bytes.clone()).await?;
    codec::worker(move || match opened {
        Some(opened) => then(opened.into_pixels()?.0),
        None => then(codec::decode(&bytes)?),
    })
    .await
}
