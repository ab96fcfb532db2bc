//! The client: one entry for every method, and the handle that ends a call.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, Weak};

use nanobanana::{Answer, Case, Client, ClientOptions, Error, Kind};
use napi::Env;
use napi::bindgen_prelude::{ClassInstance, Object, PromiseRaw};
use napi_derive::napi;
use tokio::sync::Notify;

use crate::error::{Outcome, outcome, settle};
use crate::image::NativeImage;
use crate::{input, value};

/// The native half of the front's `Client`.
#[napi]
pub struct NativeClient {
    client: Client,
}

/// What a call gave.
#[napi(object, object_from_js = false)]
pub struct Reply {
    /// The record as JSON.
    pub json: String,
    /// Its pictures, in the order in which they stand in it.
    pub pictures: Vec<NativeImage>,
}

/// Makes a client, of a service or of an emulator of its own.
#[napi]
pub fn open_client(options: Object, offline: bool) -> napi::Result<Outcome<NativeClient>> {
    Ok(outcome(read_options(&options)?.and_then(|options| {
        let client = if offline { Client::offline(options) } else { Client::new(options) };
        client.map(|client| NativeClient { client })
    })))
}

fn read_options(options: &Object) -> napi::Result<Result<ClientOptions, Error>> {
    Ok(settle(value::map(options))?.and_then(|map| ClientOptions::read(&map, Case::Camel)))
}

#[napi]
impl NativeClient {
    /// Every method that asks for something: `verb` says which.
    #[napi]
    pub fn call<'env>(
        &self,
        env: &'env Env,
        verb: String,
        prompt: Vec<Object>,
        images: Vec<Object>,
        options: Object,
        cancel: Option<ClassInstance<Cancel>>,
    ) -> napi::Result<PromiseRaw<'env, Outcome<Reply>>> {
        let read = || Ok((value::map(&options)?, input::list(&prompt)?, input::list(&images)?));
        let read = settle(read())?;
        let client = self.client.clone();
        let cancelled = cancel.map_or_else(Default::default, |cancel| cancel.told.clone());
        watch(env, &cancelled)?;
        let work = async move {
            let (options, prompt, images) = read?;
            tokio::select! {
                biased;
                () = cancelled.notified() => {
                    Err(Error::new(Kind::NanoBananaError, "the call was cancelled"))
                }
                answer = client.call(&verb, prompt, images, &options, Case::Camel) => answer,
            }
        };
        env.spawn_future_with_callback(async move { Ok(work.await) }, |env, answer| {
            let Answer { json, pictures, .. } = match answer {
                Ok(answer) => answer,
                Err(error) => return Ok(outcome(Err(error))),
            };
            let pictures = pictures.into_iter().map(|image| NativeImage::new(env, image));
            let pictures = pictures.collect::<napi::Result<_>>()?;
            Ok(outcome(Ok(Reply { json: json.to_string(), pictures })))
        })
    }

    /// The same client with other options.
    #[napi]
    pub fn with_options(&self, options: Object) -> napi::Result<Outcome<NativeClient>> {
        let client = read_options(&options)?.and_then(|options| self.client.with_options(options));
        Ok(outcome(client.map(|client| NativeClient { client })))
    }

    /// Its options as JSON, without the key.
    #[napi]
    pub fn describe(&self) -> String {
        self.client.describe(Case::Camel).to_string()
    }

    /// What its maker should know, in sentences.
    #[napi]
    pub fn warnings(&self) -> Vec<String> {
        self.client.warnings().to_vec()
    }

    /// Ends idle connections; later calls fail.
    #[napi]
    pub fn close(&self) {
        self.client.close();
    }
}

/// Ends one call: its request is dropped at once.
#[napi]
#[derive(Default)]
pub struct Cancel {
    told: Arc<Notify>,
}

#[napi]
impl Cancel {
    /// A handle for one call.
    #[napi(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends the call, also one that has not begun.
    #[napi]
    pub fn cancel(&self) {
        self.told.notify_one();
    }
}

thread_local! {
    /// The calls that run, by environment: a worker that ends must not leave requests behind.
    static RUNNING: RefCell<HashMap<usize, Vec<Weak<Notify>>>> = RefCell::default();
}

fn watch(env: &Env, cancelled: &Arc<Notify>) -> napi::Result<()> {
    let key = env.raw() as usize;
    let first = RUNNING.with_borrow_mut(|running| {
        let first = !running.contains_key(&key);
        let calls = running.entry(key).or_default();
        calls.retain(|call| call.strong_count() > 0);
        calls.push(Arc::downgrade(cancelled));
        first
    });
    if first {
        env.add_env_cleanup_hook(key, |key| {
            let calls = RUNNING.with_borrow_mut(|running| running.remove(&key));
            calls.iter().flatten().filter_map(Weak::upgrade).for_each(|call| call.notify_one());
        })?;
    }
    Ok(())
}
