//! The door of a client, a conversation, a stream or an emulator: one entry for every method, and the handle
//! that ends a call.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};

use nanobanana::{Answer, Case, Client, ClientOptions, Door, Error, Image, Input, Key, Kind};
use napi::Env;
use napi::bindgen_prelude::{ClassInstance, Either, Object, PromiseRaw, spawn};
use napi_derive::napi;
use serde_json::{Map, Value};
use tokio::sync::Notify;

use crate::error::{Failure, Outcome, Refused, outcome, settle};
use crate::events::{Tell, Watcher};
use crate::image::NativeImage;
use crate::input::NativeInputs;
use crate::key::{self, Ask};
use crate::value;

/// The native half of the front's `Client`, `Chat`, `EventStream` and `Emulator`. A stream that nobody
/// holds any more ends when this is collected.
#[napi]
pub struct NativeDoor {
    door: Door,
    /// Gets the events of its client's calls.
    watcher: Option<Watcher>,
}

impl NativeDoor {
    fn of(door: Door, watcher: Option<Watcher>) -> Self {
        NativeDoor { door, watcher }
    }
}

/// What a call gave.
#[napi(object, object_from_js = false)]
pub struct Reply {
    /// The record as JSON.
    pub json: String,
    /// Its pictures, in the order in which they stand in it.
    pub pictures: Vec<NativeImage>,
    /// What the call opened.
    pub door: Option<NativeDoor>,
    /// What is told as the process's warnings.
    pub warnings: Vec<String>,
}

/// Makes a client, of a service or of an emulator of its own; `tell` gets each step of its calls as JSON, or
/// only their warnings. With `asks` each call brings the function that gives
/// its key.
#[napi]
pub fn open_client(
    options: Object,
    offline: bool,
    tell: Option<Tell<'_>>,
    only_warnings: bool,
    asks: bool,
) -> napi::Result<Outcome<NativeDoor>> {
    let make = |options| match (offline, asks) {
        (true, _) => Client::offline(options),
        (false, true) => Client::with_key(options, Key::of_each_call()),
        (false, false) => Client::new(options),
    };
    match read_options(&options)?.and_then(make) {
        Ok(client) => Ok(Either::B(watched(client, tell, only_warnings, None)?)),
        Err(error) => Ok(outcome(Err(error))),
    }
}

/// The client's door; `tell` gets its events, else who got those of the client that it is a copy of.
fn watched(
    client: Client,
    tell: Option<Tell<'_>>,
    only_warnings: bool,
    before: Option<Watcher>,
) -> napi::Result<NativeDoor> {
    let Some(tell) = tell else { return Ok(NativeDoor::of(Door::Client(client), before)) };
    let watcher = Watcher::new(&tell, only_warnings)?;
    Ok(NativeDoor::of(Door::Client(watcher.watched(&client)), Some(watcher)))
}

/// The door of what needs no client.
#[napi]
pub fn open_tools() -> NativeDoor {
    NativeDoor::of(Door::Tools, None)
}

fn read_options(options: &Object) -> napi::Result<Result<ClientOptions, Error>> {
    Ok(settle(value::map(options))?.and_then(|map| ClientOptions::read(&map, Case::Camel)))
}

#[napi]
impl NativeDoor {
    /// Every method that may wait: `verb` says which. `ask` gives the key of each attempt, `context` goes with the
    /// call's events.
    #[napi]
    #[allow(clippy::too_many_arguments, reason = "an object would cost every call its making")]
    pub fn call<'env>(
        &self,
        env: &'env Env,
        verb: String,
        inputs: Option<ClassInstance<NativeInputs>>,
        options: Object,
        cancel: Option<ClassInstance<Cancel>>,
        ask: Option<Ask<'_>>,
        context: Option<u32>,
    ) -> napi::Result<Object<'env>> {
        let watcher = self.watcher.clone();
        // Whatever comes, the context is let go of.
        let watched = watcher.as_ref().zip(context).map(|(watcher, context)| watcher.of_call(context));
        let asked = settle(Asked::read(inputs, &options))?;
        let door = match ask {
            Some(ask) => self.door.keyed(key::asked(ask)?),
            None => self.door.clone(),
        };
        let door = watched.map_or_else(|| door.clone(), |watched| watched.of(&door));
        let cancelled = cancel.map_or_else(Default::default, |cancel| cancel.told.clone());
        watch(env, &cancelled)?;
        let call = asked.map(|asked| asked.of(&door, &verb));
        let work = async move {
            tokio::select! {
                biased;
                () = cancelled.notified() => {
                    Err(Error::new(Kind::NanoBananaError, "the call was cancelled"))
                }
                answer = call? => answer,
            }
        };
        let (promise, given) = env.create_deferred()?;
        let told = move |answer: Result<Answer, Error>| {
            let watcher = watcher.clone();
            move |env: Env| reply(&env, answer, watcher)
        };
        if let Err(error) = crate::ready() {
            promise.resolve(told(Err(error)));
            return Ok(given);
        }
        let work = Box::pin(async move {
            match caught(work).await {
                Some(answer) => promise.resolve(told(answer)),
                None => promise.reject(napi::Error::from_reason(
                    "nanobanana failed inside; please report this as a bug",
                )),
            }
        });
        begin_after_this(env, work)?;
        Ok(given)
    }

    /// The same with its place in the queue of a conversation, if this verb queues.
    #[napi]
    pub fn placed(&self, verb: String) -> NativeDoor {
        NativeDoor::of(self.door.placed(&verb), self.watcher.clone())
    }

    /// Every method that never waits.
    #[napi]
    pub fn call_sync(&self, env: &Env, verb: String, options: Object) -> napi::Result<Outcome<Reply>> {
        let asked = match settle(Asked::read(None, &options))? {
            Ok(asked) => asked,
            Err(error) => return reply(env, Err(error), None),
        };
        let work = pin!(asked.of(&self.door, &verb));
        let answer = match work.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => answer,
            Poll::Pending => {
                Err(Error::new(Kind::NanoBananaError, format!("the call {verb:?} has to be waited for")))
            }
        };
        reply(env, answer, self.watcher.clone())
    }

    /// The same with other options of its client; `tell` and `asks` as `open_client` takes them, no `tell` stays as
    /// it is.
    #[napi]
    pub fn with_options(
        &self,
        options: Object,
        tell: Option<Tell<'_>>,
        asks: bool,
    ) -> napi::Result<Outcome<NativeDoor>> {
        let door = read_options(&options)?.and_then(|options| self.door.with_options(options));
        let door = door.map(|door| if asks { door.keyed(Key::of_each_call()) } else { door });
        let before = self.watcher.clone();
        Ok(Either::B(match door {
            Ok(Door::Client(client)) => watched(client, tell, false, before)?,
            Ok(door) => NativeDoor::of(door, before),
            Err(error) => return Ok(outcome(Err(error))),
        }))
    }

    /// Lets go at once of what it holds: a stream's request, a client's connections.
    #[napi]
    pub fn close(&self) {
        self.door.close();
    }
}

/// What a call is told.
struct Asked {
    prompt: Vec<Input>,
    images: Vec<Input>,
    options: Map<String, Value>,
}

impl Asked {
    fn read(inputs: Option<ClassInstance<NativeInputs>>, options: &Object) -> Result<Self, Refused> {
        let options = value::map(options)?;
        let (prompt, images) = inputs.map(|mut inputs| inputs.take()).unwrap_or_default();
        Ok(Asked { prompt, images, options })
    }

    fn of(self, door: &Door, verb: &str) -> impl Future<Output = Result<Answer, Error>> + Send + use<> {
        door.call(verb, self.prompt, self.images, self.options, Case::Camel)
    }
}

/// An answer as the front reads it, with its pictures; those of an error too.
fn reply(env: &Env, answer: Result<Answer, Error>, watcher: Option<Watcher>) -> napi::Result<Outcome<Reply>> {
    let wrapped = |pictures: Vec<Image>| {
        pictures.into_iter().map(|image| NativeImage::new(env, image)).collect::<napi::Result<Vec<_>>>()
    };
    Ok(match answer {
        Ok(Answer { json, pictures, door, warnings }) => Either::B(Reply {
            json: json.to_string(),
            pictures: wrapped(pictures)?,
            door: door.map(|door| NativeDoor::of(door, watcher)),
            warnings: warnings.iter().map(|warning| warning.render(Case::Camel).into_owned()).collect(),
        }),
        Err(error) => Either::A(Failure { pictures: wrapped(error.pictures())?, ..Failure::of(&error) }),
    })
}

thread_local! {
    /// The work of the calls that were made since JavaScript began to run this time.
    static MADE: RefCell<Vec<Work>> = RefCell::default();
}

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Begins the work when the JavaScript that runs now has ended: else that of the first of many calls would
/// compete for the cores with the making of the others, and the event loop would stand still for longer.
fn begin_after_this(env: &Env, work: Work) -> napi::Result<()> {
    let before = MADE.with_borrow_mut(|made| {
        made.push(work);
        made.len() - 1
    });
    if before == 0 {
        let begin = |_| {
            for work in MADE.take() {
                spawn(work);
            }
            Ok(())
        };
        PromiseRaw::resolve(env, ())?.then(begin)?;
    }
    Ok(())
}

/// What the work gives; none if it panics.
async fn caught<T>(work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let poll = |context: &mut Context| {
        let polled = catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context)));
        polled.map_or(Poll::Ready(None), |polled| polled.map(Some))
    };
    poll_fn(poll).await
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
