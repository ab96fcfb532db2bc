//! What a caller hands in, and how it becomes a part that is ready to send.

use std::path::PathBuf;

use bytes::Bytes;

use crate::image::{Image, Pixels};

/// One piece of a prompt, or one picture.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Input {
    /// Words.
    Text(String),
    /// A picture's address as a text: a path, an `http(s):`, `data:` or `gs:` URL, a Files API URI.
    Named(String),
    /// A picture's path.
    Path(PathBuf),
    /// A picture's file, in memory.
    Bytes(Bytes),
    /// A picture that came from a call or was opened before.
    Image(Image),
    /// Pixels.
    Pixels(Pixels),
}
