//! The client: the straight line from a call to its result.

use serde_json::{Map, Value};

use crate::error::{Error, Kind};
use crate::image::Image;
use crate::input::Input;
use crate::options::{ClientOptions, GenerateOptions};
use crate::records::Generation;
use crate::schema::Case;

/// A client. Cheap to clone; clones share connections.
#[derive(Debug, Clone)]
pub struct Client {}

/// What crosses a binding's border back: a map, and beside it the pictures in the order in which
/// they stand in it.
#[derive(Debug)]
pub struct Answer {
    /// The record, without bytes.
    pub json: Value,
    /// Its pictures.
    pub pictures: Vec<Image>,
}

impl Client {
    /// A client as told by `options` and, where they are silent, by the environment.
    pub fn new(options: ClientOptions) -> Result<Self, Error> {
        let _ = options;
        Err(Error::new(Kind::ConfigError, "skeleton"))
    }

    /// A client of an emulator of its own.
    pub fn offline(options: ClientOptions) -> Result<Self, Error> {
        Self::new(options)
    }

    /// What the caller should know about how this client was set up, in sentences.
    pub fn warnings(&self) -> &[String] {
        &[]
    }

    /// The same client with other options.
    pub fn with_options(&self, options: ClientOptions) -> Result<Self, Error> {
        Self::new(options)
    }

    /// Its options without the key, as [`ClientOptions::read`] reads them: for pickling and `repr`.
    pub fn describe(&self, case: Case) -> Value {
        let _ = case;
        Value::Null
    }

    /// Draws a picture from a prompt.
    pub async fn generate(&self, prompt: Vec<Input>, options: GenerateOptions) -> Result<Generation, Error> {
        let _ = (prompt, options);
        Err(Error::new(Kind::ConfigError, "skeleton"))
    }

    /// Draws a picture from others.
    pub async fn edit(
        &self,
        prompt: Vec<Input>,
        images: Vec<Input>,
        options: GenerateOptions,
    ) -> Result<Generation, Error> {
        let _ = (prompt, images, options);
        Err(Error::new(Kind::ConfigError, "skeleton"))
    }

    /// The bindings' one door: `verb` is "generate", "edit" or "models"; `options` as the caller
    /// wrote them, in `case`. "models" gives `{"models": [...]}` and needs no await on the network.
    pub async fn call(
        &self,
        verb: &str,
        prompt: Vec<Input>,
        images: Vec<Input>,
        options: &Map<String, Value>,
        case: Case,
    ) -> Result<Answer, Error> {
        let _ = (verb, prompt, images, options, case);
        Err(Error::new(Kind::ConfigError, "skeleton"))
    }

    /// Ends idle connections; every later call is a `ConfigError`.
    pub fn close(&self) {}
}
