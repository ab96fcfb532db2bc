//! The Gemini image API on loopback: a real HTTP server that draws real pictures.

mod canvas;
mod draw;
mod text;

use serde_json::Value;

use crate::error::{Error, Kind};

/// A running emulator. It stops when the last clone is dropped, or at [`Emulator::close`].
#[derive(Debug, Clone)]
pub struct Emulator {}

impl Emulator {
    /// Starts one on 127.0.0.1; port 0 takes a free one. It has a thread and a runtime of its own.
    pub fn start(port: u16) -> Result<Self, Error> {
        let _ = port;
        Err(Error::new(Kind::ConfigError, "skeleton"))
    }

    /// Its base URL, `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        String::new()
    }

    /// What it was asked so far, in order: `[{method, path, query, headers, json, size}]`.
    pub fn requests(&self) -> Vec<Value> {
        Vec::new()
    }

    /// Sets the next replies.
    pub fn script(&self, steps: &[Value]) -> Result<(), Error> {
        let _ = steps;
        Ok(())
    }

    /// Stops it and frees its port.
    pub fn close(&self) {}
}
