//! Google's Nano Banana (Gemini) image models.

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
pub mod options;
pub mod records;
pub mod schema;

pub use client::{Answer, Client};
#[cfg(feature = "emulator")]
pub use emulator::Emulator;
pub use error::{Attempt, Error, Kind, Usage};
pub use image::{Image, Pixels};
pub use input::Input;
pub use options::{ClientOptions, GenerateOptions, Retry, Timeout};
pub use records::{Generation, Grounding, Thoughts};
pub use schema::Case;
