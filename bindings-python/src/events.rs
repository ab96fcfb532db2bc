//! Events of clients, on their way to `on_event` and to `logging`.
//!
//! The threads that do the work never wait for the GIL: they put an event into the queue of its client, and only
//! if somebody would see it. One thread at a time hands out what stands there, in order; a callback that never
//! returns holds up its own client's events alone.
//!
//! Python's collector must see who holds a callback, since a callback often holds its client. So the core gets
//! only a weak reference to a [`Watch`], which the call and what it opens hold.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nanobanana::events::queue::{Entry, EventQueue};
use nanobanana::schema::Write as _;
use nanobanana::{Case, Client, ClientEvent, PerProcess};
use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyWeakrefMethods, PyWeakrefReference};

use crate::value;

/// Levels as `logging` counts them: what is routine has the first, a warning the last, all else the second.
const LEVELS: [u8; 3] = [10, 20, 30];
const NEVER: u8 = u8::MAX;

/// How long an idle thread waits for more events before it ends.
const LINGER: Duration = Duration::from_millis(500);

/// From which level on the log is read; as it was when a call last began.
static READ_FROM: AtomicU8 = AtomicU8::new(NEVER);

/// The queue of all clients that nobody but the log watches.
static LOG: PerProcess<Queue> = PerProcess::new();

/// The threads that hand out. They are none of those that do the work: a callback may never return.
static THREADS: PerProcess<Threads> = PerProcess::new();

/// To whom the events of one call go.
#[pyclass(frozen, weakref)]
pub struct Watch {
    on_event: Option<Py<PyAny>>,
    /// The values of `contextvars` at the call.
    context: Py<PyAny>,
}

#[pymethods]
impl Watch {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.on_event)?;
        visit.call(&self.context)
    }
}

type Weak = Option<Arc<Py<PyWeakrefReference>>>;

/// The events of one client, each with its level and who watches.
type Queue = EventQueue<(u8, Weak), Py<Watch>>;

/// Who watches a client, and where its events wait.
pub struct Watcher {
    on_event: Option<Py<PyAny>>,
    /// None: in the queue of all clients that only the log watches.
    queue: Option<Arc<PerProcess<Queue>>>,
}

impl Watcher {
    /// One that calls `on_event`, if it is there.
    pub fn new(on_event: Option<Py<PyAny>>) -> Self {
        let queue = on_event.as_ref().map(|_| Arc::default());
        Watcher { on_event, queue }
    }

    /// The same for a copy of the client, or what it has opened.
    pub fn copied(&self, py: Python<'_>) -> Self {
        Watcher {
            on_event: self.on_event.as_ref().map(|on_event| on_event.clone_ref(py)),
            queue: self.queue.clone(),
        }
    }

    /// For Python's collector.
    pub fn visit(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.on_event)
    }

    fn queue(&self) -> Arc<Queue> {
        match &self.queue {
            Some(queue) => queue.get(Queue::default),
            None => LOG.get(Queue::default),
        }
    }

    /// The client, watched by the log.
    pub fn logged(client: &Client) -> Client {
        client.on_event(|event| {
            let level = level(&event);
            if level >= READ_FROM.load(Ordering::Relaxed) {
                send(&LOG.get(Queue::default), event, level, None);
            }
        })
    }

    /// The door for one call, and who gets its events; nothing if nobody listens.
    pub fn of_call(
        &self,
        py: Python<'_>,
        door: &nanobanana::Door,
    ) -> PyResult<Option<(nanobanana::Door, Kept)>> {
        if self.on_event.is_none() && READ_FROM.load(Ordering::Relaxed) == NEVER {
            return Ok(None);
        }
        let context = py.import("contextvars")?.call_method0("copy_context")?.unbind();
        let on_event = self.on_event.as_ref().map(|on_event| on_event.clone_ref(py));
        let is_watched = on_event.is_some();
        let watch = Bound::new(py, Watch { on_event, context })?;
        let weak = Arc::new(PyWeakrefReference::new(&watch)?.unbind());
        let queue = self.queue();
        let kept = Kept { watch: Some(watch.unbind()), queue: queue.clone() };
        let door = door.watched(move |event| {
            let level = level(&event);
            if is_watched || level >= READ_FROM.load(Ordering::Relaxed) {
                send(&queue, event, level, Some(weak.clone()));
            }
        });
        Ok(Some((door, kept)))
    }

    /// Keeps the watch of what a call has opened while another call reads from it.
    pub fn keep(&self, py: Python<'_>, watch: &Py<Watch>) -> Kept {
        Kept { watch: Some(watch.clone_ref(py)), queue: self.queue() }
    }
}

/// Holds a watch until the events are handed out that came before this is dropped.
pub struct Kept {
    watch: Option<Py<Watch>>,
    queue: Arc<Queue>,
}

impl Kept {
    /// Another reference, for what the call has opened.
    pub fn watch(&self, py: Python<'_>) -> Option<Py<Watch>> {
        self.watch.as_ref().map(|watch| watch.clone_ref(py))
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Some(watch) = self.watch.take() {
            // Nothing waits in most cases: then the watch is let go here and now.
            if !self.queue.is_idle() {
                self.queue.end(watch);
                hand_out_soon(&self.queue);
            }
        }
    }
}

fn level(event: &ClientEvent) -> u8 {
    let [routine, noted, warned] = LEVELS;
    match (event.is_routine(), event.is_warning()) {
        (true, _) => routine,
        (_, true) => warned,
        _ => noted,
    }
}

/// Looks from which level on the log is read. Nothing is imported for it: without `logging` nobody has
/// chosen a level, and it is that of warnings.
pub fn look(py: Python<'_>) {
    READ_FROM.store(read_from(py).unwrap_or(NEVER), Ordering::Relaxed);
}

fn read_from(py: Python<'_>) -> PyResult<u8> {
    let modules = py.import("sys")?.getattr("modules")?;
    let Some(logging) = modules.cast::<PyDict>()?.get_item("logging")? else { return Ok(LEVELS[2]) };
    let logger = logging.call_method1("getLogger", ("nanobanana",))?;
    for level in LEVELS {
        if logger.call_method1("isEnabledFor", (level,))?.is_truthy()? {
            return Ok(level);
        }
    }
    Ok(NEVER)
}

fn send(queue: &Arc<Queue>, event: ClientEvent, level: u8, weak: Weak) {
    queue.push(event, (level, weak));
    hand_out_soon(queue);
}

#[derive(Default)]
struct Threads {
    work: Mutex<Work>,
    more: Condvar,
}

#[derive(Default)]
struct Work {
    /// Queues for which no thread has time yet.
    waiting: VecDeque<Arc<Queue>>,
    idle: usize,
    /// Threads that hand out at this moment.
    running: usize,
}

impl Threads {
    fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands out what there is, as long as there is something.
    fn run(&self) {
        while let Some(queue) = self.next() {
            // None if the interpreter is ending: then nobody is told any more.
            if Python::try_attach(|py| hand_out(py, &queue)).is_none() {
                queue.give_up();
            }
            self.work().running -= 1;
        }
    }

    fn next(&self) -> Option<Arc<Queue>> {
        let mut work = self.work();
        if work.waiting.is_empty() {
            work.idle += 1;
            let waited = self.more.wait_timeout_while(work, LINGER, |work| work.waiting.is_empty());
            work = waited.unwrap_or_else(PoisonError::into_inner).0;
            work.idle -= 1;
        }
        let queue = work.waiting.pop_front()?;
        work.running += 1;
        Some(queue)
    }
}

/// Has a thread hand out what is in the queue, unless one does already.
fn hand_out_soon(queue: &Arc<Queue>) {
    if !queue.begin() {
        return;
    }
    let threads = THREADS.get(Threads::default);
    let mut work = threads.work();
    work.waiting.push_back(queue.clone());
    if work.waiting.len() <= work.idle {
        drop(work);
        threads.more.notify_one();
        return;
    }
    drop(work);
    let more = threads.clone();
    let name = "nanobanana-events".to_owned();
    if std::thread::Builder::new().name(name).spawn(move || more.run()).is_err() {
        // The next event tries again; nothing is lost until the queue is full.
        threads.work().waiting.retain(|waiting| !Arc::ptr_eq(waiting, queue));
        queue.give_up();
    }
}

/// Hands out all that waits. At most so long is waited for callbacks that have not returned.
pub fn hand_out_all(py: Python<'_>, patience: Duration) {
    let threads = THREADS.get(Threads::default);
    let end = Instant::now() + patience;
    py.detach(|| {
        let is_busy = || {
            let work = threads.work();
            work.running > 0 || !work.waiting.is_empty()
        };
        while is_busy() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(2));
        }
    });
    // What found no thread. A queue whose callback is stuck is left to it.
    let waiting = std::mem::take(&mut threads.work().waiting);
    waiting.iter().for_each(|queue| hand_out(py, queue));
}

fn hand_out(py: Python<'_>, queue: &Queue) {
    while let Some(entry) = queue.pop() {
        let Entry::Event(event, (level, weak)) = entry else { continue };
        let watch = weak.and_then(|weak| weak.bind(py).upgrade_as::<Watch>().ok().flatten());
        let on_event = watch.as_ref().and_then(|watch| watch.get().on_event.as_ref());
        let on_event = on_event.map(|on_event| on_event.bind(py));
        let told = value::to_python(py, &event.write(Case::Snake), 0).and_then(|values| {
            let tell = py.import("nanobanana._client")?.getattr("tell")?;
            match &watch {
                Some(watch) => {
                    watch.get().context.bind(py).call_method1("run", (tell, level, values, on_event))
                }
                None => tell.call1((level, values, on_event)),
            }
        });
        if let Err(error) = told {
            error.write_unraisable(py, on_event);
        }
    }
}
