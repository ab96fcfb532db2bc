//! Google's Nano Banana (Gemini) image models.

mod attempt;
pub mod catalogue;
#[cfg(feature = "cli")]
pub mod cli;
pub mod client;
mod codec;
#[cfg(feature = "emulator")]
pub mod emulator;
pub mod error;
pub mod image;
pub mod input;
mod json;
pub mod options;
mod process;
pub mod records;
mod reply;
mod request;
mod retry;
pub mod schema;
mod split;
mod transport;

pub use client::{Answer, Client};
#[cfg(feature = "emulator")]
pub use emulator::Emulator;
pub use error::{Attempt, Error, Kind, Usage};
pub use image::{Image, Pixels};
pub use input::Input;
pub use options::{ClientOptions, GenerateOptions, Retry, Timeout};
#[doc(hidden)]
pub use process::PerProcess;
pub use records::{Generation, Grounding, Thoughts};
pub use schema::Case;

/// For this repository's own proofs (benches, fuzzers, memory tests); no part of the API.
#[doc(hidden)]
pub mod internals {
    pub use crate::json::{Cut, merge};
    pub use crate::split::{Limits, Splitter};
}
