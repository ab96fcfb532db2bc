//! Many calls at once: items go in as there is room, outcomes come out as they finish.
//!
//! The run is a step function, so that any language can feed it from any kind of iterable, one item
//! at a time. What came is on disk before it is handed out (`save_to`, `journal`), and a failure is an
//! outcome; only what would fail every item ends the run.
//!
//! ```
//! use nanobanana::{Client, ClientOptions, GenerateOptions, Item, ManyOptions};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), nanobanana::Error> {
//! let client = Client::offline(ClientOptions::new())?;
//! let run = client.generate_many(GenerateOptions::new(), ManyOptions::new().concurrency(4u32))?;
//! let mut items = ["a boat", "a banana"].map(Item::new).into_iter();
//! while let Some(outcome) = run.next(&mut items).await? {
//!     match outcome.result {
//!         Some(result) => println!("{}: {:?}", outcome.index, result.image()?),
//!         None => println!("{} failed: {:?}", outcome.index, outcome.error),
//!     }
//! }
//! # Ok(())
//! # }
//! ```

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;

use crate::client::Client;
use crate::error::{Billed, BudgetExceeded, Detail, Error, Kind};
use crate::http::key::Key;
use crate::message::{counted, field, message, option};
use crate::options::{GenerateOptions, ManyOptions};
use crate::records::{Outcome, Progress};
use crate::schema::Seconds;

mod folder;
mod item;
mod journal;
mod progress;
mod turns;
mod work;

pub use item::Item;

use folder::Folder;
use journal::Journal;
use turns::{Keys, Ticket, Turns};
use work::Sending;

const CONCURRENCY: u32 = 8;

/// What a run wants next, or has.
#[derive(Debug)]
pub enum Step {
    /// There is room: [`Many::give`] an item, or tell the [`Many::end`].
    NeedItem,
    /// What came of an item.
    Outcome(Box<Outcome>),
    /// Every item's outcome has been handed out.
    Done,
}

/// A run of many calls. Cheap to clone: clones are the same run. Dropping the last one, like
/// [`Many::close`], ends what is under way.
#[derive(Clone)]
pub struct Many(Arc<Handle>, Option<Client>);

/// What the caller holds. The tasks hold only what they share, so that they end with it.
struct Handle {
    run: Arc<Run>,
    /// Ends when nothing is under way any more.
    at_work: tokio::sync::Mutex<mpsc::Receiver<Infallible>>,
    tasks: Mutex<JoinSet<()>>,
}

/// Held by whatever does the work of a run, files that are being written included.
type AtWork = Option<mpsc::Sender<Infallible>>;

struct Run {
    client: Client,
    options: GenerateOptions,
    concurrency: usize,
    ordered: bool,
    stop_after_errors: Option<u64>,
    folder: Option<Arc<Folder>>,
    /// Held until the run is over, then let go for the next one.
    journal: Mutex<Option<Arc<Journal>>>,
    keys: Keys,
    /// None once it is closed.
    at_work: Mutex<AtWork>,
    turns: Turns,
    state: Mutex<State>,
    changed: Notify,
    /// Where items run if they are given from outside of it.
    runtime: Option<tokio::runtime::Handle>,
    /// A forked child has neither the tasks nor the journal.
    process: u32,
}

#[derive(Default)]
struct State {
    /// Items that came so far.
    items: u64,
    /// Of these, the ones that are known by their hash.
    hashed: u64,
    under_way: usize,
    /// Outcomes that nobody has seen yet, in the order in which they are handed out: the items', or
    /// that of their finish. None stands for an item that has no outcome.
    ready: BTreeMap<u64, Option<Box<Outcome>>>,
    /// Outcomes that were put there.
    landed: u64,
    /// The next place to hand out, if the order counts.
    next: u64,
    /// No item comes any more.
    ended: bool,
    closed: bool,
    stop: Stop,
    done: u64,
    failed: u64,
    /// Outcomes that took a call in this run.
    called: u64,
    cost: f64,
    total: Option<u64>,
    started: Option<Instant>,
}

/// Whether something ends the run before its items do.
#[derive(Default)]
enum Stop {
    #[default]
    No,
    /// It is told when all that was under way has been handed out.
    Because(Error),
    Told,
}

/// How an item ended.
enum End {
    Outcome(Box<Outcome>),
    /// It has an outcome, but what happened on the way ends the run.
    Last(Box<Outcome>, Error),
    /// It met what would fail every item.
    Fatal(Box<Outcome>),
    /// It was not sent, because the run stops. An error, if it is the reason for that.
    Unsent(Option<Error>),
}

impl Client {
    /// Makes many calls: see [`Many`]. `options` are those of every item that says nothing else. The
    /// folder and the journal are opened at once, which blocks.
    ///
    /// # Errors
    /// [`Kind::InvalidOptionError`] for a value out of range, [`Kind::ConfigError`] if the folder or
    /// the journal cannot be used, for example because another run has the journal.
    pub fn generate_many(&self, options: GenerateOptions, many: ManyOptions) -> Result<Many, Error> {
        options.check()?;
        many.check()?;
        let journal = many.journal.as_deref().map(Path::new);
        let beside = journal.map(|journal| {
            let mut folder = journal.as_os_str().to_owned();
            folder.push(".d");
            PathBuf::from(folder)
        });
        let folder =
            many.save_to.map(PathBuf::from).or(beside).map(|path| Folder::open(&path)).transpose()?;
        let folder = folder.map(Arc::new);
        let journal = match (journal, &folder) {
            (Some(journal), Some(folder)) => Some(Arc::new(Journal::open(journal, folder)?)),
            _ => None,
        };
        let (at_work, all) = mpsc::channel(1);
        let run = Run {
            client: self.clone(),
            options,
            concurrency: many.concurrency.unwrap_or(CONCURRENCY).max(1) as usize,
            ordered: many.ordered.unwrap_or(false),
            stop_after_errors: many.stop_after_errors.map(u64::from),
            folder,
            keys: Keys::new(journal.is_some() || self.has_cache()),
            journal: Mutex::new(journal),
            at_work: Mutex::new(Some(at_work)),
            turns: Turns::default(),
            state: Mutex::default(),
            changed: Notify::new(),
            runtime: tokio::runtime::Handle::try_current().ok(),
            process: std::process::id(),
        };
        let handle = Handle { run: Arc::new(run), at_work: all.into(), tasks: Mutex::default() };
        Ok(Many(Arc::new(handle), None))
    }
}

impl Many {
    /// What comes next: the wish for an item, if `want_item` says that the caller has one to give, an
    /// outcome, or the end. Waits until there is something. Items come first, so that as many as may
    /// are under way while the caller looks at an outcome. Giving up waiting loses nothing.
    ///
    /// At most `concurrency` items are under way, and twice as many are under way or waiting to be
    /// taken as outcomes: so many pictures are held at a time, and so far is an iterable read ahead.
    ///
    /// # Errors
    /// What would fail every item, once the outcomes of all that was under way have been handed out:
    /// a bad key, a permission that is missing, a quota that is used up for good, a budget, a
    /// [`Kind::ConfigError`], a disk that cannot be written, and `stop_after_errors`. The item that met
    /// it first has no outcome, unless what it failed at was to write down an outcome.
    pub async fn step(&self, want_item: bool) -> Result<Step, Error> {
        loop {
            // Before the look: what happens in between is not missed.
            let mut changed = std::pin::pin!(self.0.run.changed.notified());
            changed.as_mut().enable();
            if let Some(step) = self.now(want_item)? {
                return Ok(step);
            }
            changed.await;
        }
    }

    /// Waits until there is room for an item, and tells whether one is wanted: none is after the end,
    /// or if the run stops. For callers that read their items beside waiting for outcomes.
    ///
    /// # Errors
    /// [`Kind::ConfigError`] in a forked child.
    pub async fn room(&self) -> Result<bool, Error> {
        loop {
            let mut changed = std::pin::pin!(self.0.run.changed.notified());
            changed.as_mut().enable();
            {
                let state = self.0.run.own()?;
                if state.is_over() {
                    return Ok(false);
                }
                if self.0.run.has_room(&state) {
                    return Ok(true);
                }
            }
            changed.await;
        }
    }

    /// The next outcome, with items taken as there is room for them; none after the last.
    ///
    /// # Errors
    /// As [`Many::step`].
    pub async fn next(&self, items: &mut impl Iterator<Item = Item>) -> Result<Option<Outcome>, Error> {
        loop {
            match self.step(true).await? {
                Step::NeedItem => match items.next() {
                    Some(item) => self.give(item),
                    None => self.end(),
                },
                Step::Outcome(outcome) => return Ok(Some(*outcome)),
                Step::Done => return Ok(None),
            }
        }
    }

    fn now(&self, want_item: bool) -> Result<Option<Step>, Error> {
        let run = &self.0.run;
        let mut state = run.own()?;
        if state.closed {
            return Ok(Some(Step::Done));
        }
        if want_item && !state.is_over() && run.has_room(&state) {
            return Ok(Some(Step::NeedItem));
        }
        let last = state.is_over() && state.under_way == 0;
        if let Some(outcome) = state.take(run.ordered && !last) {
            if let Some(folder) = &run.folder {
                folder.named(&outcome.files);
            }
            // There may be room now.
            run.changed.notify_waiters();
            return Ok(Some(Step::Outcome(outcome)));
        }
        if !last {
            return Ok(None);
        }
        run.let_go_of_journal();
        match std::mem::replace(&mut state.stop, Stop::Told) {
            Stop::Because(error) => Err(error),
            Stop::No | Stop::Told => Ok(Some(Step::Done)),
        }
    }

    /// The same run, with another key for the items that are given to it.
    pub(crate) fn keyed(&self, key: Key) -> Self {
        Many(self.0.clone(), Some(self.0.run.client.keyed(key)))
    }

    /// Begins an item in the tokio runtime that it is called in, else in the one that the run began in.
    /// One that comes when the run is over is dropped.
    pub fn give(&self, item: Item) {
        let run = &self.0.run;
        let Some(place) = run.arrived(item.id.as_deref()) else { return };
        let landing = Landing { run: run.clone(), index: place.index, id: item.id.clone(), landed: false };
        let Some(runtime) = tokio::runtime::Handle::try_current().ok().or(run.runtime.clone()) else {
            let problem =
                message!("{} works within a tokio runtime, and there is none here", field("generate_many"));
            return landing.land(End::Unsent(Some(Error::new(Kind::ConfigError, problem))));
        };
        let client = self.1.as_ref().unwrap_or(&run.client).clone();
        let run = run.clone();
        let work = async move {
            // Held from the start: whatever ends this task, its item is accounted for.
            let landing = landing;
            let sending = Arc::new(Sending::new(&run));
            let end = tokio::select! {
                biased;
                end = run.work(&client, item, place, &sending) => end,
                () = sending.forestalled() => End::Unsent(None),
            };
            landing.land(end);
        };
        let mut tasks = self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn_on(work, &runtime);
    }

    /// Takes note of an item that could not be read: it is a failed outcome in its place.
    pub fn refuse(&self, id: Option<String>, error: Error) {
        let run = &self.0.run;
        let Some(place) = run.arrived(None) else { return };
        drop(place.ticket);
        let landing = Landing { run: run.clone(), index: place.index, id: id.clone(), landed: false };
        landing.land(End::Outcome(Box::new(failed(place.index, id, String::new(), error))));
    }

    /// There are no more items.
    pub fn end(&self) {
        if let Ok(mut state) = self.0.run.own() {
            state.ended = true;
        }
        self.0.run.changed.notify_waiters();
    }

    /// Tells how many items there are, for the progress.
    pub fn expect(&self, total: u64) {
        if let Ok(mut state) = self.0.run.own() {
            state.total = Some(total);
        }
    }

    /// How far the run is.
    pub fn progress(&self) -> Progress {
        self.0.run.own().map(|state| state.progress()).unwrap_or_default()
    }

    /// Ends what is under way and the run: what was sent may be made and billed all the same. A picture
    /// that has come is still written where it belongs.
    pub fn close(&self) {
        drop(self.let_go());
    }

    /// As [`Many::close`], also after it, and waits until nothing is under way any more and what had come
    /// is on disk.
    pub async fn closed(&self) {
        if let Some(tasks) = self.let_go() {
            drop(tasks);
            // Nobody sends anything: it comes back when the last one is gone.
            let _ = self.0.at_work.lock().await.recv().await;
        }
    }

    /// The picture files that no outcome has named: those of items that [`Many::close`] ended.
    #[doc(hidden)]
    pub fn unnamed(&self) -> Vec<PathBuf> {
        self.0.run.folder.as_ref().map(|folder| folder.unnamed()).unwrap_or_default()
    }

    fn let_go(&self) -> Option<JoinSet<()>> {
        self.0.run.own().ok()?.closed = true;
        self.0.run.let_go_of_journal();
        drop(self.0.run.at_work.lock().unwrap_or_else(PoisonError::into_inner).take());
        let tasks = std::mem::take(&mut *self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        self.0.run.changed.notify_waiters();
        Some(tasks)
    }
}

impl fmt::Debug for Many {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Many({:?})", self.progress())
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if std::process::id() != self.run.process {
            // They are the parent's: to end them here would write into its sockets.
            std::mem::forget(std::mem::take(self.tasks.get_mut().unwrap_or_else(PoisonError::into_inner)));
        }
    }
}

/// Where an item stands among the others.
struct Place {
    index: u64,
    ticket: Option<Ticket>,
    /// The key of an item with an id.
    key: Option<String>,
}

impl State {
    fn is_over(&self) -> bool {
        self.ended || self.closed || !matches!(self.stop, Stop::No)
    }

    /// The next outcome, if it is that one's turn.
    fn take(&mut self, in_order: bool) -> Option<Box<Outcome>> {
        loop {
            let (place, _) = self.ready.first_key_value()?;
            if in_order && *place != self.next {
                return None;
            }
            let (place, outcome) = self.ready.pop_first()?;
            self.next = place + 1;
            if outcome.is_some() {
                return outcome;
            }
        }
    }

    fn stop(&mut self, error: Error) {
        if matches!(self.stop, Stop::No) {
            self.stop = Stop::Because(error);
        }
    }

    fn count(&mut self, outcome: &Outcome) {
        if outcome.ok {
            self.done += 1;
        } else {
            self.failed += 1;
        }
        let of_result = outcome.result.as_ref().and_then(|result| result.cost);
        let of_error = outcome.error.as_ref().and_then(Error::cost);
        self.cost += of_result.or(of_error).unwrap_or(0.0);
        self.called += u64::from(!outcome.cached);
    }

    fn progress(&self) -> Progress {
        // After the last item their number is known, also if nobody had told it.
        let total = self.total.or_else(|| self.ended.then_some(self.items));
        let left = total.map(|total| total.saturating_sub(self.done + self.failed));
        let pace = self.started.filter(|_| self.called > 0);
        let pace = pace.map(|started| started.elapsed().as_secs_f64() / self.called as f64);
        Progress {
            done: self.done,
            failed: self.failed,
            waiting: self.under_way as u64,
            total,
            cost: self.cost,
            left: left.zip(pace).map(|(left, pace)| Seconds(left as f64 * pace)),
        }
    }
}

impl Run {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, for callers: in a forked child there is none, and what guards it may be locked for
    /// ever.
    fn own(&self) -> Result<MutexGuard<'_, State>, Error> {
        if std::process::id() == self.process {
            return Ok(self.state());
        }
        let problem = "this run belongs to the process that began it; begin one of its own in a forked child";
        Err(Error::new(Kind::ConfigError, problem))
    }

    fn journal(&self) -> Option<Arc<Journal>> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn at_work(&self) -> AtWork {
        self.at_work.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn let_go_of_journal(&self) {
        drop(self.journal.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    fn has_room(&self, state: &State) -> bool {
        state.under_way < self.concurrency && state.under_way + state.ready.len() < 2 * self.concurrency
    }

    /// Gives an item its place; none if the run is over.
    fn arrived(&self, id: Option<&str>) -> Option<Place> {
        let mut state = self.own().ok()?;
        if state.is_over() {
            return None;
        }
        let index = state.items;
        state.items += 1;
        state.under_way += 1;
        state.started.get_or_insert_with(Instant::now);
        let key = id.map(|id| self.keys.key(id.to_owned()));
        let ticket = (key.is_none() && self.keys.matter()).then(|| {
            state.hashed += 1;
            self.turns.ticket(state.hashed - 1)
        });
        Some(Place { index, ticket, key })
    }

    fn land(&self, index: u64, end: End) {
        let mut state = self.state();
        state.under_way = state.under_way.saturating_sub(1);
        let outcome = match end {
            End::Outcome(outcome) => Some(outcome),
            End::Last(outcome, error) => {
                state.stop(error);
                Some(outcome)
            }
            End::Unsent(error) => {
                if let Some(error) = error {
                    state.stop(error);
                }
                None
            }
            // Whoever meets it after the first was under way, and is an outcome.
            End::Fatal(outcome) => match (outcome.error.clone(), &state.stop) {
                (Some(error), Stop::No) => {
                    state.stop(error);
                    None
                }
                _ => Some(outcome),
            },
        };
        if let Some(outcome) = &outcome {
            state.count(outcome);
            let failed = state.failed;
            if self.stop_after_errors.is_some_and(|most| !outcome.ok && failed >= most) {
                state.stop(too_many(failed, outcome));
            }
        }
        let place = if self.ordered { index } else { state.landed };
        state.landed += 1;
        if outcome.is_some() || self.ordered {
            state.ready.insert(place, outcome);
        }
        drop(state);
        self.changed.notify_waiters();
    }

    fn is_stopping(&self) -> bool {
        let state = self.state();
        state.closed || !matches!(state.stop, Stop::No)
    }
}

/// An item under way. However its task ends, the run does not wait for it for ever.
struct Landing {
    run: Arc<Run>,
    index: u64,
    id: Option<String>,
    landed: bool,
}

impl Landing {
    fn land(mut self, end: End) {
        self.landed = true;
        self.run.land(self.index, end);
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        if !self.landed && std::process::id() == self.run.process {
            let error = Error::new(Kind::NanoBananaError, "the item was dropped before its end")
                .with_billed(Billed::Unknown);
            let outcome = failed(self.index, self.id.take(), String::new(), error);
            self.run.land(self.index, End::Outcome(Box::new(outcome)));
        }
    }
}

fn failed(index: u64, id: Option<String>, key: String, error: Error) -> Outcome {
    Outcome { index, id, error: Some(error), key, ..Outcome::default() }
}

fn ended(outcome: Outcome) -> End {
    match outcome.error.as_ref().is_some_and(is_fatal) {
        true => End::Fatal(Box::new(outcome)),
        false => End::Outcome(Box::new(outcome)),
    }
}

/// Whether every other item would fail so, too.
fn is_fatal(error: &Error) -> bool {
    match error.detail() {
        // One that is dearer than `per_call` allows says nothing of the others.
        Detail::BudgetExceeded(BudgetExceeded { budget, spent, held, needed, .. }) => {
            let taken = spent.unwrap_or(0.0) + held.unwrap_or(0.0);
            budget.is_some_and(|budget| needed.is_none_or(|needed| taken + needed > budget))
        }
        Detail::RateLimit(limit) => limit.permanent == Some(true),
        _ => matches!(
            error.kind(),
            Kind::AuthenticationError | Kind::PermissionDeniedError | Kind::ConfigError
        ),
    }
}

fn too_many(failed: u64, last: &Outcome) -> Error {
    let items = counted(failed, "item has", "items have");
    let why = last.error.as_ref().map(|error| error.words().clone()).unwrap_or_default();
    let told = Error::new(
        Kind::NanoBananaError,
        message!(
            "{items} failed, which is as many as {} allows; the last one: {}",
            option("stop_after_errors"),
            why
        ),
    );
    match last.error.clone() {
        Some(cause) => told.because(cause),
        None => told,
    }
}
