//! The native half of the npm package `nanobanana-sdk`.
//!
//! It converts values between JavaScript and the core and decides nothing. What a user sees is the
//! TypeScript in `lib/`; the names exported here are private to it and may change at any time.

// In a test build napi leaves out what registers the functions, and they look unused.
#![cfg_attr(test, allow(dead_code))]

mod door;
mod error;
mod events;
mod image;
mod input;
mod key;
mod value;

use std::sync::OnceLock;

use nanobanana::blocking::Lost;
use nanobanana_cli as cli;
use napi::Env;
use napi::bindgen_prelude::PromiseRaw;
use napi_derive::napi;

/// Gives napi the core's threads to run on. They never keep the process alive.
#[napi_derive::module_init]
fn start() {
    let runtime = nanobanana::workers::start().or_else(|cause| {
        // napi would end the process. On this one nothing runs, and every call says why.
        let _ = NO_THREADS.set(cause.to_string());
        tokio::runtime::Builder::new_current_thread().build()
    });
    if let Ok(runtime) = runtime {
        napi::bindgen_prelude::create_custom_tokio_runtime(runtime);
    }
}

/// Why there are no threads to run on, if there are none.
static NO_THREADS: OnceLock<String> = OnceLock::new();

/// Checks that a call can be made.
fn ready() -> Result<(), nanobanana::Error> {
    NO_THREADS.get().map_or(Ok(()), |cause| Err(Lost::NoThread(std::io::Error::other(cause.as_str())).into()))
}

/// The version of this build.
#[napi]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// Hands the signals that JavaScript's handlers get over to a command.
#[napi]
pub struct Signals(cli::Signals);

#[napi]
impl Signals {
    /// No signal has come yet.
    #[napi(constructor)]
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Signals(cli::Signals::of_host())
    }

    /// The names of the signals that end a command.
    #[napi]
    pub fn names(&self) -> Vec<&'static str> {
        cli::Signal::ALL.map(cli::Signal::name).to_vec()
    }

    /// Hands over the signal of this name, and gives the exit code of a command that it ends.
    #[napi]
    pub fn tell(&self, name: String) -> Option<u32> {
        let signal = cli::Signal::named(&name)?;
        self.0.tell(signal);
        Some(u32::from(signal.exit_code()))
    }
}

/// Runs the command and gives its exit code.
///
/// It runs on a thread of its own: the event loop stays free, so that JavaScript sees signals.
#[napi]
pub fn run<'env>(
    env: &'env Env,
    args: Vec<String>,
    signals: &Signals,
) -> napi::Result<PromiseRaw<'env, u32>> {
    let signals = signals.0.clone();
    env.spawn_future(async move {
        let code = nanobanana::blocking::disk(move || cli::run(args, &signals)).await;
        Ok(u32::from(code.unwrap_or_else(|lost| nanobanana::Error::from(lost).kind().exit_code())))
    })
}
