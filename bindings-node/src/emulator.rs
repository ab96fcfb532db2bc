//! The emulator, as the front's `Emulator` holds it.

use nanobanana::Emulator;
use napi::Env;
use napi::bindgen_prelude::{Object, PromiseRaw};
use napi_derive::napi;
use serde_json::Value;

use crate::error::{Outcome, blocking, outcome, settle};
use crate::value;

/// The native half of the front's `Emulator`. It has a thread of its own, which ends with it.
#[napi]
pub struct NativeEmulator {
    emulator: Emulator,
}

/// Starts an emulator on loopback; port 0 takes a free one.
#[napi]
pub fn start_emulator(env: &Env, port: u16) -> napi::Result<PromiseRaw<'_, Outcome<NativeEmulator>>> {
    env.spawn_future(async move {
        let started = blocking(move || Emulator::start(port)).await;
        Ok(outcome(started.map(|emulator| NativeEmulator { emulator })))
    })
}

#[napi]
impl NativeEmulator {
    /// Its base URL.
    #[napi(getter)]
    pub fn url(&self) -> String {
        self.emulator.url()
    }

    /// What it was asked so far, as JSON.
    #[napi]
    pub fn requests(&self) -> String {
        Value::Array(self.emulator.requests()).to_string()
    }

    /// Sets the next replies.
    #[napi]
    pub fn script(&self, steps: Object) -> napi::Result<Outcome<bool>> {
        let steps = settle(value::list(&steps, "steps"))?;
        Ok(outcome(steps.and_then(|steps| self.emulator.script(&steps)).map(|()| true)))
    }

    /// Stops it and frees its port.
    #[napi]
    pub fn close<'env>(&self, env: &'env Env) -> napi::Result<PromiseRaw<'env, ()>> {
        let emulator = self.emulator.clone();
        env.spawn_future(async move {
            let close = move || {
                emulator.close();
                Ok(())
            };
            // Only a fault in the emulator itself can fail here, and then it is gone as well.
            let _ = blocking(close).await;
            Ok(())
        })
    }
}
