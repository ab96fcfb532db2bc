//! By what a request is judged: who is asked, under which version, and how conflicting sources are read.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::fields::Service;
use nanobanana_base::options::{Reading, Readings};

/// What one request is judged by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules<'a> {
    pub service: Service,
    /// That of the path; empty where what is read came by another way.
    pub version: &'a str,
    pub readings: Readings,
}

impl<'a> Rules<'a> {
    pub fn gemini(version: &'a str, readings: Readings) -> Self {
        Rules { service: Service::Gemini, version, readings }
    }

    /// Whether a reading is followed.
    pub fn has(self, reading: Reading) -> bool {
        self.readings.has(reading)
    }

    /// Whether this version does not know a name of a message that others know.
    pub fn hides(self, path: &str, name: &str) -> bool {
        let reading = match name {
            "responseModalities" => Reading::V1WithoutResponseModalities,
            "imageConfig" => Reading::V1WithoutImageConfig,
            _ => return false,
        };
        let is_config = path.ends_with("generation_config");
        is_config && self.service == Service::Gemini && self.version == "v1" && self.has(reading)
    }
}

/// The readings as they are now: the controls change them for all that comes after.
#[derive(Debug, Clone)]
pub(super) struct Live(Arc<AtomicU64>);

impl Live {
    pub fn new(readings: Readings) -> Self {
        Live(Arc::new(AtomicU64::new(readings.bits())))
    }

    pub fn now(&self) -> Readings {
        Readings::from_bits(self.0.load(Ordering::SeqCst))
    }

    pub fn set(&self, readings: Readings) {
        self.0.store(readings.bits(), Ordering::SeqCst);
    }
}
