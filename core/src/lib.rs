//! Google's Nano Banana (Gemini) image models: a prompt in, a picture out.
//!
//! ```
//! use nanobanana::{Client, ClientOptions, GenerateOptions};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), nanobanana::Error> {
//! // `Client::new` reads GOOGLE_API_KEY or GEMINI_API_KEY and asks Google; this one needs neither.
//! let client = Client::offline(ClientOptions::new())?;
//! let options = GenerateOptions::new().model("nano-banana-pro").aspect_ratio("16:9");
//! let result = client.generate("A banana-shaped sailboat at dusk", options).await?;
//! let picture = result.image()?;
//! assert_eq!((picture.width(), picture.height()), (1376, 768));
//! # Ok(())
//! # }
//! ```
//!
//! Everything that waits is async and runs on tokio; dropping a future ends its request. Every
//! failure is an [`Error`] of a [`Kind`]. What a call can be told stands in [`GenerateOptions`],
//! what comes back in [`Generation`]. The [`Emulator`] is the API on loopback, for tests.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod call;
pub mod chat;
pub mod client;
pub mod door;
mod http;
pub mod input;
pub mod many;
mod picture;
pub mod records;
mod service;
pub mod stream;

use nanobanana_base::{array, codec, digest, local, memory, message, process, save, secrets};
#[doc(hidden)]
pub use nanobanana_base::{blocking, workers};
#[doc(inline)]
pub use nanobanana_base::{catalogue, error, image, options, provenance, schema};
#[cfg(feature = "emulator")]
#[doc(inline)]
pub use nanobanana_emulator as emulator;

#[doc(inline)]
pub use array::{Array, Sample};
#[doc(hidden)]
pub use array::{Elsewhere, Opened, decode_elsewhere};
pub use call::events::{self, ClientEvent};
#[doc(inline)]
pub use catalogue::{Catalogue, ModelInfo};
pub use chat::Chat;
pub use client::{Client, Files};
#[doc(hidden)]
pub use door::{Answer, Door};
#[cfg(feature = "emulator")]
#[doc(inline)]
pub use emulator::Emulator;
#[doc(inline)]
pub use error::{Attempt, Billed, Detail, Error, Kind, Usage};
pub use http::key::Key;
#[doc(inline)]
pub use image::{Image, Pixels};
pub use input::{Input, Place, Stranger};
pub use many::{Item, Many, Step};
#[doc(inline)]
pub use message::Message;
#[doc(hidden)]
pub use message::counted;
#[doc(inline)]
pub use options::{
    Attachment, Budget, Cache, ClientOptions, EditOptions, EmulatorOptions, Encode, FileOptions,
    GenerateOptions, ManyOptions, RecordOptions, Reference, Region, Retry, Role, Timeout, UploadOptions,
};
#[doc(hidden)]
pub use picture::refuge;
#[doc(hidden)]
pub use process::PerProcess;
#[doc(inline)]
pub use provenance::{Mark, Provenance};
pub use records::{
    ChatTurn, Estimate, Event, Explained, File, Generation, Grounding, InputPlan, MaskedEdit, Outcome,
    PictureFacts, Progress, Spent, Thoughts, TokenCount, UnknownCall,
};
#[doc(inline)]
pub use schema::Case;
pub use stream::EventStream;

/// For this repository's command and its proofs (benches, fuzzers, memory tests); no part of the API.
#[doc(hidden)]
pub mod internals {
    pub use crate::client::{Once, doctor};
    pub use crate::http::json::{Cut, merge};
    pub use crate::http::split::{Limits, Splitter};
    pub use crate::http::sse::Sse;
    pub use crate::http::transport::way::is_unconnected;
    pub use crate::http::transport::{Method, is_loopback};
    pub use crate::input::planned;
    pub use crate::provenance::find;
    pub use crate::service::gemini::reply::{read_usage, status_error};
}

#[cfg(test)]
mod tests;
