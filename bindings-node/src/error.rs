//! How a failure crosses: as plain JSON beside the value, never as an exception.
//!
//! The front builds the class of that kind after its `await`, so that the stack shows the caller.

use nanobanana::{Case, Error};
use napi::bindgen_prelude::Either;
use napi_derive::napi;

use crate::image::NativeImage;
use crate::key::Thrown;

/// A failure: the error's JSON as a text.
#[napi(object, object_from_js = false)]
pub struct Failure {
    /// What `NanoBananaError.fromJSON` takes.
    pub error: String,
    /// The pictures that had arrived.
    pub pictures: Vec<NativeImage>,
    /// Under which number JavaScript keeps what its own function has thrown, if that is the failure.
    pub thrown: Option<u32>,
}

impl Failure {
    /// The failure without pictures; only a call's may have some.
    pub fn of(error: &Error) -> Self {
        let source = std::error::Error::source(error).filter(|_| error.is_foreign());
        let thrown = source.and_then(|source| source.downcast_ref::<Thrown>()).map(|thrown| thrown.0);
        Failure { error: error.to_json(Case::Camel).to_string(), pictures: Vec::new(), thrown }
    }
}

/// What every function of this module gives that can fail.
pub type Outcome<T> = Either<Failure, T>;

/// The one place where an error leaves Rust.
pub fn outcome<T>(result: Result<T, Error>) -> Outcome<T> {
    match result {
        Ok(value) => Either::B(value),
        Err(error) => Either::A(Failure::of(&error)),
    }
}

/// Why a value from JavaScript was not taken.
pub enum Refused {
    /// JavaScript itself threw, for example in a getter.
    Thrown(napi::Error),
    /// The value is not one that crosses.
    Invalid(Error),
}

impl From<napi::Error> for Refused {
    fn from(error: napi::Error) -> Self {
        Refused::Thrown(error)
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Refused::Invalid(error)
    }
}

/// Lets JavaScript's own exception through and turns our refusal into an outcome.
pub fn settle<T>(result: Result<T, Refused>) -> napi::Result<Result<T, Error>> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(Refused::Invalid(error)) => Ok(Err(error)),
        Err(Refused::Thrown(error)) => Err(error),
    }
}
