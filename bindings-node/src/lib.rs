//! The native half of the npm package `nanobanana-sdk`.
//!
//! It converts values between JavaScript and the core and decides nothing. What a user sees is the
//! TypeScript in `lib/`; the names exported here are private to it and may change at any time.

// In a test build napi leaves out what registers the functions, and they look unused.
#![cfg_attr(test, allow(dead_code))]

mod door;
mod error;
mod image;
mod input;
mod value;

use napi::Env;
use napi::bindgen_prelude::PromiseRaw;
use napi_derive::napi;

/// Gives napi the core's threads to run on. They never keep the process alive.
#[napi_derive::module_init]
fn start() {
    // Where threads are forbidden napi makes its own attempt later and reports that.
    if let Ok(runtime) = nanobanana::workers::start() {
        napi::bindgen_prelude::create_custom_tokio_runtime(runtime);
    }
}

/// Runs the command and gives its exit code.
///
/// It runs on a thread of its own: the event loop stays free, so that JavaScript sees Ctrl-C too.
#[napi]
pub fn run(env: &Env, args: Vec<String>) -> napi::Result<PromiseRaw<'_, u32>> {
    env.spawn_future(async move {
        let code = error::blocking(move || Ok(nanobanana::cli::run(args))).await;
        Ok(u32::from(code.unwrap_or_else(|error| error.kind().exit_code())))
    })
}
