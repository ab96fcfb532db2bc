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

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Map, Value, json};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::client::{Client, IntoInputs, Plan, merged_retry, merged_timeout};
use crate::error::{Error, Kind};
use crate::image::Image;
use crate::input::Input;
use crate::options::{ClientOptions, GenerateOptions, ManyOptions, nearest};
use crate::records::{Generation, Outcome, Progress};
use crate::schema::{Case, Seconds, Write as _};

mod folder;
mod journal;
mod progress;

use folder::{Folder, Note, Shelf, Stored};
use journal::{Journal, Known};

const CONCURRENCY: u32 = 8;

/// What an item that comes as a map may hold.
const NAMES: [&str; 4] = ["prompt", "images", "options", "id"];

/// How long an item waits for those before it, to be numbered after its equals among them.
const COURTESY: Duration = Duration::from_secs(2);

/// One call of a run.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Item {
    /// What the journal knows it by, and what its files are named; without one it is known by the
    /// hash of all that is sent, and its files have its number.
    pub id: Option<String>,
    /// The prompt, then the pictures.
    pub inputs: Vec<Input>,
    /// Go before the run's options.
    pub options: GenerateOptions,
}

impl Item {
    /// An item that draws this: words, or words and pictures in turn.
    pub fn new(prompt: impl IntoInputs) -> Self {
        Item { inputs: prompt.into_inputs(), ..Self::default() }
    }

    /// Adds pictures behind the prompt.
    #[must_use]
    pub fn images(mut self, images: impl IntoInputs) -> Self {
        self.inputs.extend(images.into_inputs());
        self
    }

    /// Names it.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// An item of these inputs, whose other parts came as a map.
    pub(crate) fn read(inputs: Vec<Input>, map: &Map<String, Value>, case: Case) -> Result<Self, Error> {
        let wrong = |problem: String| Error::new(Kind::InvalidOptionError, problem);
        if let Some(name) = map.keys().find(|name| !NAMES.contains(&name.as_str())) {
            let is_option =
                GenerateOptions::table().fields.iter().any(|field| case.name(field.name) == *name);
            let meant = match (is_option, nearest(name, NAMES.into_iter())) {
                (true, _) => format!(" Put `{name}` into `options`."),
                (false, Some(hint)) => format!(" Did you mean `{hint}`?"),
                (false, None) => String::new(),
            };
            return Err(wrong(format!("`{name}` does not exist; there are {}.{meant}", NAMES.join(", "))));
        }
        let get = |name: &str| map.get(name).filter(|value| !value.is_null());
        let options = match get("options") {
            None => GenerateOptions::default(),
            Some(Value::Object(map)) => GenerateOptions::read(map, case)?,
            Some(_) => return Err(wrong("`options` takes names and values".to_owned())),
        };
        let id = match get("id") {
            None => None,
            Some(Value::String(id)) => Some(id.clone()),
            Some(Value::Number(id)) => Some(id.to_string()),
            Some(_) => return Err(wrong("`id` takes a text or a number".to_owned())),
        };
        Ok(Item { id, inputs, options })
    }

    /// Sets options of its own.
    #[must_use]
    pub fn options(mut self, options: GenerateOptions) -> Self {
        self.options = options;
        self
    }
}

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
    tasks: Mutex<JoinSet<()>>,
}

struct Run {
    client: Client,
    options: GenerateOptions,
    case: Case,
    concurrency: usize,
    ordered: bool,
    stop_after_errors: Option<u64>,
    folder: Option<Arc<Folder>>,
    /// Held until the run is over, then let go for the next one.
    journal: Mutex<Option<Arc<Journal>>>,
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
        self.many(options, many, Case::Snake)
    }

    pub(crate) fn many(
        &self,
        options: GenerateOptions,
        many: ManyOptions,
        case: Case,
    ) -> Result<Many, Error> {
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
        let run = Run {
            client: self.clone(),
            options,
            case,
            concurrency: many.concurrency.unwrap_or(CONCURRENCY).max(1) as usize,
            ordered: many.ordered.unwrap_or(false),
            stop_after_errors: many.stop_after_errors.map(u64::from),
            folder,
            journal: Mutex::new(journal),
            turns: Turns::default(),
            state: Mutex::default(),
            changed: Notify::new(),
            runtime: tokio::runtime::Handle::try_current().ok(),
            process: std::process::id(),
        };
        Ok(Many(Arc::new(Handle { run: Arc::new(run), tasks: Mutex::default() }), None))
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

    /// The same run, whose items are made with other options of its client: for those that are given to it.
    pub(crate) fn for_call(&self, options: ClientOptions) -> Result<Self, Error> {
        Ok(Many(self.0.clone(), Some(self.0.run.client.for_call(options)?)))
    }

    /// Begins an item in the tokio runtime that it is called in, else in the one that the run began in.
    /// One that comes when the run is over is dropped.
    pub fn give(&self, item: Item) {
        let run = &self.0.run;
        let Some(place) = run.arrived(item.id.as_deref()) else { return };
        let landing = Landing { run: run.clone(), index: place.index, id: item.id.clone(), landed: false };
        let Some(runtime) = tokio::runtime::Handle::try_current().ok().or(run.runtime.clone()) else {
            let problem = "`generate_many` works within a tokio runtime, and there is none here";
            return landing.land(End::Unsent(Some(Error::new(Kind::ConfigError, problem))));
        };
        let client = self.1.as_ref().unwrap_or(&run.client).clone();
        let run = run.clone();
        let work = async move {
            // Held from the start: whatever ends this task, its item is accounted for.
            let landing = landing;
            let sending = Sending {
                journal: run.journal(),
                run: run.clone(),
                key: OnceLock::new(),
                state: Mutex::default(),
            };
            let sending = Arc::new(sending);
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

    /// As [`Many::close`], and waits until nothing is under way any more.
    pub async fn closed(&self) {
        if let Some(mut tasks) = self.let_go() {
            tasks.shutdown().await;
        }
    }

    fn let_go(&self) -> Option<JoinSet<()>> {
        self.0.run.own().ok()?.closed = true;
        self.0.run.let_go_of_journal();
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

    fn progress(&self) -> Progress {
        let left = self.total.map(|total| total.saturating_sub(self.done + self.failed));
        let pace = self.started.filter(|_| self.called > 0);
        let pace = pace.map(|started| started.elapsed().as_secs_f64() / self.called as f64);
        Progress {
            done: self.done,
            failed: self.failed,
            waiting: self.under_way as u64,
            total: self.total,
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
        let journal = self.journal();
        let key = id.map(|id| numbered(journal.as_deref(), id.to_owned()));
        let ticket = match (&key, journal) {
            (None, Some(_)) => {
                state.hashed += 1;
                Some(Ticket { turns: self.turns.clone(), number: state.hashed - 1 })
            }
            _ => None,
        };
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

    /// One item from its options to its files.
    async fn work(
        self: &Arc<Self>,
        client: &Client,
        item: Item,
        place: Place,
        sending: &Arc<Sending>,
    ) -> End {
        let Item { id, inputs, options } = item;
        let Place { index, ticket, key } = place;
        let options = over(options, &self.options);
        let notes = self.folder.as_ref().map(|_| noted(&inputs, id.as_deref(), index));
        let plan = || client.plan(inputs.clone(), options.clone(), self.case);
        let failed = |key: String, error: Error| failed(index, id.clone(), key, error);

        let journal = sending.journal.as_deref();
        let known = known_to(journal, key.as_deref());
        // What is done by its name needs nothing from the web, which may be gone by now.
        let is_known = matches!(known, Known::Done { .. });
        let mut planned = None;
        if !is_known || !inputs.iter().any(Input::is_fetched) {
            match planned_with_digest(&plan).await {
                Ok(both) => planned = Some(both),
                Err(_) if is_known => {}
                Err(error) => return ended(failed(key.unwrap_or_default(), error)),
            }
        }
        let digest = planned.as_ref().map(|(_, digest)| digest.clone());
        let (key, known) = match key {
            Some(key) => (key, known),
            None => {
                let base = digest.clone().unwrap_or_default();
                if let Some(ticket) = &ticket {
                    ticket.wait().await;
                }
                let key = numbered(journal, base);
                let known = known_to(journal, Some(&key));
                (key, known)
            }
        };
        drop(ticket);

        let mut warnings = Vec::new();
        let mut maybe_paid = false;
        match known {
            Known::New => {}
            Known::MaybePaid => {
                maybe_paid = true;
                warnings.push(
                    "an earlier run sent this item and its answer is not on disk: it may have been paid for, and is \
                     sent again"
                        .to_owned(),
                );
            }
            Known::Done { note, digest: recorded } => match restored(note).await {
                Ok((mut result, files)) => {
                    let is_another = digest.is_some() && recorded.is_some() && recorded != digest;
                    if is_another {
                        result.warnings.push(
                            "this id was done before with another prompt, pictures or options; what came then is \
                             given. To draw it anew give it another id"
                                .to_owned(),
                        );
                    }
                    return End::Outcome(Box::new(Outcome {
                        index,
                        id,
                        ok: true,
                        result: Some(result),
                        cached: true,
                        files,
                        key,
                        ..Outcome::default()
                    }));
                }
                Err(why) => warnings.push(format!("this item was done before, but {why}; it is done again")),
            },
        }
        let (plan, digest) = match planned {
            Some(planned) => planned,
            None => match planned_with_digest(&plan).await {
                Ok(planned) => planned,
                Err(error) => return ended(failed(key, error)),
            },
        };
        if maybe_paid && !plan.policy.resend_unknown {
            let problem = "an earlier run sent this item and its answer is not on disk: it may have been paid for. It \
                           is not sent again, as `resend_unknown` says";
            let error = Error::new(Kind::APIError, problem).with("billed", "unknown".to_owned());
            return ended(failed(key, error));
        }

        let _ = sending.key.set(key.clone());
        let shelf = self.folder.as_ref().map(|folder| {
            let several = plan.options.n.unwrap_or(1) > 1;
            Arc::new(Shelf::new(folder.clone(), folder::stem(id.as_deref(), index), several))
        });
        let before = {
            let sending = sending.clone();
            Arc::new(move || sending.before())
        };
        let landed = |call: u32, result: &Generation| landed(shelf.clone(), call, &result.images);
        let drawn = client.alive(plan.draw(Some(before), &landed)).await;
        match (drawn, sending.state()) {
            (Err(_), Sent::Refused(why)) => End::Unsent(why),
            (Err(error), sent) => {
                let outcome = failed(key, error.clone());
                let noted = match (journal, sent) {
                    (Some(journal), Sent::Yes) => journal.failed(&outcome.key, &error),
                    _ => Ok(()),
                };
                match noted {
                    Ok(()) => ended(outcome),
                    Err(_) if is_fatal(&error) => ended(outcome),
                    Err(trouble) => End::Last(Box::new(outcome), trouble),
                }
            }
            (Ok(mut result), _) => {
                result.warnings.splice(0..0, warnings);
                let stored = match (shelf, notes) {
                    (Some(shelf), Some(mut note)) => {
                        for (name, value) in [("key", json!(key)), ("digest", json!(digest))] {
                            note.insert(name.to_owned(), value);
                        }
                        note.insert("options".to_owned(), options_of(&plan));
                        let mut whole = folder::describe(&result);
                        whole.append(&mut note);
                        let journal = sending.journal.clone();
                        stored(shelf, whole, &result.images, journal, key.clone(), digest).await
                    }
                    _ => Stored::default(),
                };
                if let Some(trouble) = &stored.trouble {
                    result.warnings.push(match stored.files.len() < result.images.len() {
                        true => format!("not all pictures are on disk; save them now: {}", trouble.message()),
                        false => trouble.message().to_owned(),
                    });
                }
                let outcome = Box::new(Outcome {
                    index,
                    id,
                    ok: true,
                    cached: result.cached,
                    result: Some(result),
                    files: stored.files,
                    key,
                    ..Outcome::default()
                });
                match stored.trouble {
                    None => End::Outcome(outcome),
                    Some(trouble) => End::Last(outcome, trouble),
                }
            }
        }
    }
}

impl State {
    fn count(&mut self, outcome: &Outcome) {
        if outcome.ok {
            self.done += 1;
        } else {
            self.failed += 1;
        }
        let of_result = outcome.result.as_ref().and_then(|result| result.cost);
        let of_error = outcome.error.as_ref().and_then(|error| error.field("cost")?.as_f64());
        self.cost += of_result.or(of_error).unwrap_or(0.0);
        self.called += u64::from(!outcome.cached);
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
                .with("billed", "unknown".to_owned());
            let outcome = failed(self.index, self.id.take(), String::new(), error);
            self.run.land(self.index, End::Outcome(Box::new(outcome)));
        }
    }
}

/// What stands before each request of an item: the journal's line, and whether the run goes on.
struct Sending {
    run: Arc<Run>,
    journal: Option<Arc<Journal>>,
    /// Known before the first request.
    key: OnceLock<String>,
    state: Mutex<Sent>,
}

#[derive(Clone, Default)]
enum Sent {
    #[default]
    No,
    Yes,
    /// It may not be sent; an error, if the journal could not be written.
    Refused(Option<Error>),
}

impl Sending {
    fn lock(&self) -> MutexGuard<'_, Sent> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> Sent {
        self.lock().clone()
    }

    fn before(&self) -> Result<(), Error> {
        let mut sent = self.lock();
        if matches!(*sent, Sent::No) {
            *sent = match (self.run.is_stopping(), &self.journal, self.key.get()) {
                (true, ..) => Sent::Refused(None),
                (false, Some(journal), Some(key)) => match journal.sent(key) {
                    Ok(()) => Sent::Yes,
                    Err(error) => Sent::Refused(Some(error)),
                },
                (false, ..) => Sent::Yes,
            };
        }
        match &*sent {
            Sent::Refused(Some(error)) => Err(error.clone()),
            Sent::Refused(None) => {
                Err(Error::new(Kind::NanoBananaError, "the run stops; this item was not sent"))
            }
            Sent::Yes | Sent::No => Ok(()),
        }
    }

    /// Comes back once the run stops before this item was sent, and sees to it that it will not be: an
    /// item may wait for a minute until it is its turn.
    async fn forestalled(&self) {
        loop {
            let mut changed = std::pin::pin!(self.run.changed.notified());
            changed.as_mut().enable();
            if self.run.is_stopping() {
                let mut sent = self.lock();
                if matches!(*sent, Sent::No) {
                    *sent = Sent::Refused(None);
                    return;
                }
            }
            changed.await;
        }
    }
}

/// Lets items that are known by their hash be numbered in their order, though they are hashed side by
/// side.
#[derive(Clone, Default)]
struct Turns(Arc<(Mutex<Passed>, Notify)>);

#[derive(Default)]
struct Passed {
    /// All below have passed.
    next: u64,
    /// And these.
    ahead: BTreeSet<u64>,
}

struct Ticket {
    turns: Turns,
    number: u64,
}

impl Ticket {
    /// Waits for those before, though not for one that takes long: two equal items would only change
    /// places.
    async fn wait(&self) {
        let (passed, moved) = &*self.turns.0;
        let all = async {
            loop {
                let mut changed = std::pin::pin!(moved.notified());
                changed.as_mut().enable();
                if passed.lock().unwrap_or_else(PoisonError::into_inner).next >= self.number {
                    return;
                }
                changed.await;
            }
        };
        // Late or not, the number is taken now.
        let _ = tokio::time::timeout(COURTESY, all).await;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let (passed, moved) = &*self.turns.0;
        let mut passed = passed.lock().unwrap_or_else(PoisonError::into_inner);
        passed.ahead.insert(self.number);
        loop {
            let next = passed.next;
            if !passed.ahead.remove(&next) {
                break;
            }
            passed.next += 1;
        }
        drop(passed);
        moved.notify_waiters();
    }
}

/// An item's key from what it is known by.
fn numbered(journal: Option<&Journal>, base: String) -> String {
    match journal {
        Some(journal) => journal.key(base),
        None => base,
    }
}

/// What earlier runs knew of an item.
fn known_to(journal: Option<&Journal>, key: Option<&str>) -> Known {
    match (journal, key) {
        (Some(journal), Some(key)) => journal.known(key),
        _ => Known::New,
    }
}

/// The item's options, and where it has none the run's.
fn over(item: GenerateOptions, run: &GenerateOptions) -> GenerateOptions {
    let timeout = merged_timeout(item.timeout.as_ref(), run.timeout.as_ref());
    let retry = merged_retry(item.retry.as_ref(), run.retry.as_ref());
    let mut options = item.over(run.clone());
    (options.timeout, options.retry) = (timeout, retry);
    options
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
    match error.kind() {
        Kind::AuthenticationError
        | Kind::PermissionDeniedError
        | Kind::ConfigError
        | Kind::BudgetExceededError => true,
        Kind::RateLimitError => error.field("permanent").is_some_and(|permanent| permanent == true),
        _ => false,
    }
}

fn too_many(failed: u64, last: &Outcome) -> Error {
    let items = if failed == 1 { "1 item has".to_owned() } else { format!("{failed} items have") };
    let why = last.error.as_ref().map(Error::message).unwrap_or_default();
    let told = Error::new(
        Kind::NanoBananaError,
        format!("{items} failed, which is as many as `stop_after_errors` allows; the last one: {why}"),
    );
    match last.error.clone() {
        Some(cause) => told.because(cause),
        None => told,
    }
}

/// A plan, and the hash of all that it sends.
async fn planned_with_digest<F>(plan: &impl Fn() -> F) -> Result<(Plan, String), Error>
where
    F: Future<Output = Result<Plan, Error>>,
{
    let plan = plan().await?;
    let body = plan.job(&[], 0, false).body.digest().await?;
    let all = body.and(&format!("{}\n{}", plan.id, plan.options.n.unwrap_or(1)));
    Ok((plan, format!("sha256:{all}")))
}

/// What an item's note says of how it was asked for: words as they are, pictures by their names.
fn noted(inputs: &[Input], id: Option<&str>, index: u64) -> Map<String, Value> {
    let words = |input: &Input| if let Input::Text(text) = input { Some(text.clone()) } else { None };
    let mut note = Map::new();
    for (name, value) in [
        ("prompt", json!(inputs.iter().filter_map(words).collect::<Vec<_>>())),
        ("images", json!(inputs.iter().filter_map(Input::label).collect::<Vec<_>>())),
        ("id", json!(id)),
        ("index", json!(index)),
        ("time", json!(now())),
    ] {
        note.insert(name.to_owned(), value);
    }
    note
}

/// The options that the call was made with. Headers may hold what is nobody else's business.
fn options_of(plan: &Plan) -> Value {
    let mut options = plan.options.clone();
    options.headers = None;
    let mut options = options.write(Case::Snake);
    if let Some(map) = options.as_object_mut() {
        map.entry("model").or_insert_with(|| plan.id.clone().into());
    }
    options
}

/// The time, in UTC, as `2026-11-24T20:44:39.123Z`.
fn now() -> String {
    humantime::format_rfc3339_millis(SystemTime::now()).to_string()
}

/// Writes the pictures of one of several calls as soon as they are there. That of a single call goes
/// with its note, in one go that nothing can interrupt.
///
/// The work begins at once and not when the future is first polled: who gives up waiting for it has
/// lost nothing.
fn landed(shelf: Option<Arc<Shelf>>, call: u32, images: &[Image]) -> impl Future<Output = ()> + use<> {
    let work = shelf.filter(|shelf| shelf.is_of_several()).map(|shelf| {
        let images = images.to_vec();
        tokio::task::spawn_blocking(move || shelf.put(call, &images))
    });
    async {
        if let Some(work) = work {
            // If it was lost, its files are missing in the end, which is told then.
            let _ = work.await;
        }
    }
}

/// Writes what is not written yet: the pictures, the note, the line in the journal.
async fn stored(
    shelf: Arc<Shelf>,
    note: Map<String, Value>,
    images: &[Image],
    journal: Option<Arc<Journal>>,
    key: String,
    digest: String,
) -> Stored {
    let images = images.to_vec();
    let work = move || {
        if !shelf.is_of_several() {
            shelf.put(0, &images);
        }
        let mut stored = shelf.close(note);
        if let (Some(journal), Some(note)) = (&journal, &stored.note)
            && let Err(trouble) = journal.done(&key, &digest, note)
        {
            stored.trouble = Some(trouble);
        }
        stored
    };
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|cause| Stored {
        trouble: Some(Error::new(Kind::NanoBananaError, format!("writing the pictures was lost: {cause}"))),
        ..Stored::default()
    })
}

/// What an earlier run made of an item.
async fn restored(note: PathBuf) -> Result<(Generation, Vec<String>), String> {
    let work = tokio::task::spawn_blocking(move || Note::read(&note)?.restore());
    work.await.unwrap_or_else(|cause| Err(format!("reading its note was lost: {cause}")))
}
