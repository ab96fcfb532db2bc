//! The function that gives a key, asked by the core for each attempt.

use std::fmt;
use std::sync::Arc;

use nanobanana::{Error, Key};
use napi::bindgen_prelude::{Function, Promise};
use napi_derive::napi;

/// Asks JavaScript for the key. It never throws: what the function throws is kept there.
pub type Ask<'a> = Function<'a, (), Promise<Given>>;

/// What JavaScript's function gave.
#[napi(object, object_to_js = false)]
pub struct Given {
    /// The key, if it is a text.
    pub key: Option<String>,
    /// Of what type it is else.
    pub wrong: Option<String>,
    /// Under which number JavaScript keeps what the function has thrown.
    pub thrown: Option<u32>,
}

/// What a function has thrown, by the number under which JavaScript keeps it.
#[derive(Debug)]
pub struct Thrown(pub u32);

impl fmt::Display for Thrown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("it has thrown")
    }
}

impl std::error::Error for Thrown {}

/// The key that this function gives to one call. The function never keeps the process alive.
pub fn asked(ask: Ask<'_>) -> napi::Result<Key> {
    let ask = Arc::new(ask.build_threadsafe_function::<()>().weak::<true>().build()?);
    Ok(Key::asked(move || {
        let ask = ask.clone();
        async move {
            let lost =
                |cause: napi::Error| Error::foreign(format!("no key can be asked for: {}", cause.reason));
            match ask.call_async(()).await.map_err(lost)?.await.map_err(lost)? {
                Given { thrown: Some(number), .. } => Err(Key::failed("").because(Thrown(number))),
                Given { wrong: Some(name), .. } => Err(Key::of_type(&name)),
                Given { key, .. } => Ok(key),
            }
        }
    }))
}
