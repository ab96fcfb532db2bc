//! The vocabulary of [`nanobanana`](https://docs.rs/nanobanana), and its pictures: options, errors, the catalogue of models, and
//! codecs.
//!
//! This crate is a part of `nanobanana`, which gives its public types under its own name. What only the crates of
//! `nanobanana` use is hidden here and may change in every version.
//!
//! It knows no service and no HTTP. The emulator is built on this crate alone, so that it shares no code with the client
//! that it tests.

pub mod array;
#[doc(hidden)]
pub mod blocking;
pub mod catalogue;
#[doc(hidden)]
pub mod codec;
#[doc(hidden)]
pub mod digest;
pub mod error;
pub mod image;
#[doc(hidden)]
pub mod local;
#[doc(hidden)]
pub mod memory;
pub mod message;
pub mod options;
#[doc(hidden)]
pub mod process;
pub mod provenance;
#[doc(hidden)]
pub mod save;
pub mod schema;
#[doc(hidden)]
pub mod secrets;
#[doc(hidden)]
pub mod workers;
