//! Events of a client, on their way to the event loop: in order, at most so many at once, and each with the number
//! of the context in which its call was made.

use std::sync::Arc;

use nanobanana::events::queue::{Entry, EventQueue};
use nanobanana::schema::Write as _;
use nanobanana::{Case, Client, ClientEvent, Door};
use napi::bindgen_prelude::{FnArgs, Function};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};

/// An event as JSON and the number of its context; without an event, that context has no more of them.
type Told = FnArgs<(Option<String>, u32)>;

/// The front's function that gets the events.
pub type Tell<'a> = Function<'a, Told, ()>;

type Wake = ThreadsafeFunction<(), (), Told, napi::Status, false, true>;

/// Where the events of a client and of its copies wait for the event loop. It never keeps the process alive.
#[derive(Clone)]
pub struct Watcher(Arc<Waiting>);

struct Waiting {
    queue: Arc<EventQueue<u32, u32>>,
    wake: Wake,
    /// Nobody listens: then only what the process is to be warned of goes to the event loop.
    only_warnings: bool,
}

impl Watcher {
    /// One whose events `tell` gets.
    pub fn new(tell: &Tell<'_>, only_warnings: bool) -> napi::Result<Self> {
        let queue = Arc::new(EventQueue::<u32, u32>::default());
        let from = queue.clone();
        let wake = tell.build_threadsafe_function::<()>().weak::<true>().build_callback(move |_| {
            Ok(match from.pop() {
                Some(Entry::Event(event, context)) => (Some(event.write(Case::Camel).to_string()), context),
                Some(Entry::End(context)) => (None, context),
                None => (None, 0),
            }
            .into())
        })?;
        Ok(Watcher(Arc::new(Waiting { queue, wake, only_warnings })))
    }

    /// The client, whose events have no context.
    pub fn watched(&self, client: &Client) -> Client {
        let waiting = self.0.clone();
        client.on_event(move |event| waiting.push(event, 0))
    }

    /// The events of one call, which have this context.
    pub fn of_call(&self, context: u32) -> Call {
        Call { waiting: self.0.clone(), context }
    }
}

impl Waiting {
    fn push(&self, event: ClientEvent, context: u32) {
        if self.only_warnings && !event.is_warning() {
            return;
        }
        if self.queue.push(event, context) {
            self.wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }
}

/// Tells the front when no more events of a call can come, so that it lets go of the context.
pub struct Call {
    waiting: Arc<Waiting>,
    context: u32,
}

impl Call {
    /// The door that makes the call.
    pub fn of(self, door: &Door) -> Door {
        door.watched(move |event| self.waiting.push(event, self.context))
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.waiting.queue.end(self.context);
        self.waiting.wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
    }
}
