//! Threads for work that would hold up the event loop: work that may never return, and work that takes the
//! processor.
//!
//! A read from a dead mount, a FIFO without a writer and a name server that does not answer can hang for ever.
//! Work on [`disk`] therefore never waits behind work that hangs: as soon as the running threads make no progress,
//! each waiting job gets a thread of its own, up to [`MOST`]. [`compute`] has one thread for each core and must touch
//! neither files nor the network. Neither uses tokio's pool, which panics if the system refuses a thread.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::error::{Error, Kind};
use crate::process::PerProcess;

/// So many threads of [`disk`] run without a look at whether they make progress.
const USUAL: usize = 32;

/// The most threads of [`disk`].
const MOST: usize = 512;

/// Without a start or an end of a job for so long, the running jobs hang, and waiting ones get new threads.
const STUCK: Duration = Duration::from_millis(20);

/// So long a job waits for one of [`MOST`] hanging threads before it is refused.
const PATIENCE: Duration = Duration::from_millis(500);

/// How long an idle thread is kept.
const IDLE: Duration = Duration::from_secs(10);

static DISK: PerProcess<Pool> = PerProcess::new();
static COMPUTE: PerProcess<Pool> = PerProcess::new();

thread_local! {
    static CALLER: RefCell<Option<Weak<()>>> = const { RefCell::new(None) };
}

/// Why work was not done.
#[derive(Debug)]
pub enum Lost {
    /// The system gives no further thread.
    NoThread(io::Error),
    /// [`MOST`] jobs hang.
    Full,
    /// It panicked.
    Failed,
}

impl fmt::Display for Lost {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // ENFILE and EMFILE, on every system.
            Lost::NoThread(cause) if matches!(cause.raw_os_error(), Some(23 | 24)) => write!(
                out,
                "the system gives no further file ({cause}); raise the limit of open files (`ulimit -n`), or make fewer \
                 calls at once"
            ),
            Lost::NoThread(cause) => write!(
                out,
                "the system gives no further thread ({cause}); raise the limit of processes and threads (`ulimit -u`, \
                 or the container's `pids` limit), or make fewer calls at once"
            ),
            Lost::Full => write!(
                out,
                "{MOST} reads, writes and lookups hang already, on files or name servers that do not answer; mend \
                 those, or restart the process"
            ),
            Lost::Failed => out.write_str("it failed inside nanobanana; please report this as a bug"),
        }
    }
}

impl std::error::Error for Lost {}

impl From<Lost> for Error {
    fn from(lost: Lost) -> Self {
        let kind = match lost {
            Lost::NoThread(_) | Lost::Full => Kind::ConfigError,
            Lost::Failed => Kind::NanoBananaError,
        };
        Error::new(kind, lost.to_string()).because(lost)
    }
}

impl From<Lost> for io::Error {
    fn from(lost: Lost) -> Self {
        io::Error::other(lost)
    }
}

/// Begins work that may hang: files, names, other programs. It begins at once, also if nobody polls the task; a
/// dropped task leaves the work to itself.
pub fn disk<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Task<T> {
    disk_pool().begin(work, false)
}

/// As [`disk`], for work that must not be lost, such as writing what was paid for: it is refused under no
/// circumstances, and [`settle`] waits for it. If the system gives no thread at all, it is done here and now.
pub fn kept<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Task<T> {
    disk_pool().begin(work, true)
}

/// Begins work that takes the processor and always ends. It must not touch files: one that hangs would stop all
/// decoding and encoding of the process.
pub(crate) fn compute<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Task<T> {
    let cores = std::thread::available_parallelism().map_or(2, NonZero::get);
    COMPUTE.get(|| Pool::new("nanobanana-work", cores, cores)).begin(work, false)
}

/// Whether nobody waits any more for the job that this thread does.
pub(crate) fn is_abandoned() -> bool {
    CALLER.with_borrow(|caller| caller.as_ref().is_some_and(|caller| caller.strong_count() == 0))
}

/// Waits until all work that was begun by [`kept`] is done, but not longer than `limit`.
pub fn settle(limit: Duration) {
    let pool = disk_pool();
    let state = pool.state();
    let waited = pool.settled.wait_timeout_while(state, limit, |state| state.kept > 0);
    drop(waited);
}

fn disk_pool() -> Arc<Pool> {
    DISK.get(|| Pool::new("nanobanana-disk", USUAL, MOST))
}

/// Work under way: a future of what it gives.
#[must_use = "what it gives, and why it was not done, is told to whoever awaits it"]
pub struct Task<T> {
    answer: oneshot::Receiver<T>,
    /// As long as the job may wait for a thread: what looks after it.
    waiting: Option<Waiting>,
    refused: Option<Lost>,
    _caller: Arc<()>,
}

struct Waiting {
    pool: Arc<Pool>,
    job: u64,
    alarm: Option<Pin<Box<tokio::time::Sleep>>>,
}

impl<T> Future for Task<T> {
    type Output = Result<T, Lost>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            if let Poll::Ready(answer) = Pin::new(&mut self.answer).poll(context) {
                return Poll::Ready(answer.map_err(|_| self.refused.take().unwrap_or(Lost::Failed)));
            }
            let Some(waiting) = &mut self.waiting else { return Poll::Pending };
            let alarm = waiting.alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep(STUCK)));
            ready!(alarm.as_mut().poll(context));
            waiting.alarm = None;
            match waiting.pool.look_after(waiting.job) {
                Ok(true) => {}
                Ok(false) => self.waiting = None,
                Err(lost) => return Poll::Ready(Err(lost)),
            }
        }
    }
}

struct Pool {
    name: &'static str,
    usual: usize,
    most: usize,
    state: Mutex<State>,
    /// Wakes an idle thread.
    work: Condvar,
    /// Tells that nothing is left that must not be lost.
    settled: Condvar,
}

struct State {
    queue: VecDeque<Job>,
    /// Threads, and those of them that wait for work.
    threads: usize,
    idle: usize,
    /// Jobs that must not be lost and are not done.
    kept: usize,
    /// When a job last began or ended.
    moved: Instant,
    jobs: u64,
}

struct Job {
    number: u64,
    run: Box<dyn FnOnce() + Send>,
    caller: Weak<()>,
    kept: bool,
}

impl Pool {
    fn new(name: &'static str, usual: usize, most: usize) -> Self {
        let state =
            State { queue: VecDeque::new(), threads: 0, idle: 0, kept: 0, moved: Instant::now(), jobs: 0 };
        Pool { name, usual, most, state: Mutex::new(state), work: Condvar::new(), settled: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin<T: Send + 'static>(
        self: Arc<Self>,
        work: impl FnOnce() -> T + Send + 'static,
        kept: bool,
    ) -> Task<T> {
        let (send, answer) = oneshot::channel();
        let caller = Arc::new(());
        let runtime = tokio::runtime::Handle::try_current().ok();
        let run = Box::new(move || {
            // What it opens, such as a run of many calls, begins tasks in the runtime of its caller.
            let _entered = runtime.as_ref().map(tokio::runtime::Handle::enter);
            // Nobody may wait for it any more.
            let _ = send.send(work());
        });
        let weak = Arc::downgrade(&caller);
        let outcome = self.submit(run, weak, kept);
        let (waiting, refused) = match outcome {
            Ok(Some(job)) => (Some(Waiting { pool: self, job, alarm: None }), None),
            Ok(None) => (None, None),
            Err(lost) => (None, Some(lost)),
        };
        Task { answer, waiting, refused, _caller: caller }
    }

    /// Puts a job into the queue, with a thread to take it if there may be one. Gives its number if it has to wait.
    fn submit(
        self: &Arc<Self>,
        run: Box<dyn FnOnce() + Send>,
        caller: Weak<()>,
        kept: bool,
    ) -> Result<Option<u64>, Lost> {
        let mut state = self.state();
        let number = state.jobs;
        state.jobs += 1;
        state.kept += usize::from(kept);
        let has_idle = state.idle > state.queue.len();
        let job = Job { number, run, caller, kept };
        match kept {
            true => state.queue.push_front(job),
            false => state.queue.push_back(job),
        }
        if has_idle {
            drop(state);
            self.work.notify_one();
            return Ok(None);
        }
        if !(state.threads < self.usual || kept && state.threads < 2 * self.most) {
            return Ok(Some(number));
        }
        state.threads += 1;
        drop(state);
        let Err(cause) = self.spawn() else { return Ok(None) };
        let mut state = self.state();
        if kept || state.threads > 0 && self.usual == self.most {
            if state.threads > 0 {
                // One of the threads comes to it.
                return Ok(None);
            }
            if let Some(job) = state.take(number) {
                drop(state);
                self.run(job);
            }
            return Ok(None);
        }
        match state.take(number) {
            Some(_) => Err(Lost::NoThread(cause)),
            None => Ok(None),
        }
    }

    /// Starts a thread that is counted already.
    fn spawn(self: &Arc<Self>) -> io::Result<()> {
        let pool = self.clone();
        let started = std::thread::Builder::new().name(self.name.to_owned()).spawn(move || pool.work());
        started.map(drop).inspect_err(|_| self.state().threads -= 1)
    }

    fn work(&self) {
        let mut state = self.state();
        loop {
            while let Some(job) = state.queue.pop_front() {
                state.moved = Instant::now();
                drop(state);
                self.run(job);
                state = self.state();
            }
            state.idle += 1;
            let waited = self.work.wait_timeout(state, IDLE);
            let (woken, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.idle -= 1;
            if timeout.timed_out() && state.queue.is_empty() {
                state.threads -= 1;
                return;
            }
        }
    }

    /// Does a job on this thread.
    fn run(&self, Job { run, caller, kept, .. }: Job) {
        if kept || caller.strong_count() > 0 {
            CALLER.set(Some(caller));
            // Whoever waits for it learns of a panic, since nothing is sent.
            let _ = catch_unwind(AssertUnwindSafe(run));
        }
        let mut state = self.state();
        state.moved = Instant::now();
        state.kept -= usize::from(kept);
        if kept && state.kept == 0 {
            self.settled.notify_all();
        }
    }

    /// Gives the waiting jobs threads if the running ones hang. Tells whether this one still waits.
    fn look_after(self: &Arc<Self>, number: u64) -> Result<bool, Lost> {
        let mut state = self.state();
        if !state.queue.iter().any(|job| job.number == number) {
            return Ok(false);
        }
        let still = state.moved.elapsed();
        if still < STUCK || self.usual == self.most {
            return Ok(true);
        }
        let room = self.most.saturating_sub(state.threads);
        if room == 0 {
            if still < PATIENCE {
                return Ok(true);
            }
            return state.take(number).map_or(Ok(false), |_| Err(Lost::Full));
        }
        let wanted = state.queue.len().saturating_sub(state.idle).min(room);
        state.threads += wanted;
        drop(state);
        for started in 0..wanted {
            let Err(cause) = self.spawn() else { continue };
            let mut state = self.state();
            // Those of them that were not tried.
            state.threads -= wanted - started - 1;
            if started == 0 && still >= PATIENCE {
                return state.take(number).map_or(Ok(false), |_| Err(Lost::NoThread(cause)));
            }
            break;
        }
        Ok(true)
    }
}

impl State {
    fn take(&mut self, number: u64) -> Option<Job> {
        let at = self.queue.iter().position(|job| job.number == number)?;
        self.queue.remove(at)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn pool(usual: usize, most: usize) -> Arc<Pool> {
        Arc::new(Pool::new("nanobanana-test", usual, most))
    }

    type Ends = Arc<Mutex<Vec<mpsc::Sender<()>>>>;

    /// Jobs that hang until the sender is dropped.
    fn hang(pool: &Arc<Pool>, count: usize) -> (Vec<Task<()>>, Ends) {
        let ends = Arc::new(Mutex::new(Vec::new()));
        let tasks = (0..count).map(|_| {
            let (end, ended) = mpsc::channel::<()>();
            ends.lock().unwrap().push(end);
            pool.clone().begin(
                move || {
                    let _ = ended.recv();
                },
                false,
            )
        });
        (tasks.collect(), ends)
    }

    #[tokio::test]
    async fn a_job_knows_the_runtime_that_it_was_begun_in() {
        let knows = || tokio::runtime::Handle::try_current().is_ok();
        assert!(disk(knows).await.unwrap() && kept(knows).await.unwrap() && compute(knows).await.unwrap());
    }

    #[tokio::test]
    async fn what_hangs_holds_up_nothing_else() {
        let pool = pool(2, 64);
        let (hanging, ends) = hang(&pool, 40);
        let begun = Instant::now();
        let work = pool.clone().begin(|| 7, false);
        assert_eq!(work.await.unwrap(), 7);
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        ends.lock().unwrap().clear();
        for task in hanging {
            task.await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_crowd_that_makes_progress_needs_no_more_threads() {
        let pool = pool(2, 64);
        let work = || std::thread::sleep(Duration::from_millis(1));
        let tasks: Vec<_> = (0..100).map(|_| pool.clone().begin(work, false)).collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert!(pool.state().threads < 32, "{}", pool.state().threads);
    }

    #[tokio::test]
    async fn a_job_too_many_is_refused_in_words_and_a_kept_one_is_done() {
        let pool = pool(1, 3);
        let (hanging, ends) = hang(&pool, 3);
        let refused = pool.clone().begin(|| 7, false).await.unwrap_err();
        assert!(matches!(refused, Lost::Full), "{refused}");
        assert_eq!(pool.clone().begin(|| 8, true).await.unwrap(), 8);
        // It is counted until just after its answer was handed over.
        while pool.state().kept > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        ends.lock().unwrap().clear();
        drop(hanging);
    }

    #[tokio::test]
    async fn a_panic_is_an_error_and_the_thread_goes_on() {
        let pool = pool(1, 1);
        #[allow(clippy::panic)]
        let failed = pool.clone().begin(|| panic!("inside"), false).await;
        assert!(matches!(failed, Err::<(), _>(Lost::Failed)));
        assert_eq!(pool.clone().begin(|| 7, false).await.unwrap(), 7);
        assert_eq!(pool.state().threads, 1);
    }

    #[tokio::test]
    async fn who_gives_up_is_seen_by_the_work() {
        let pool = pool(1, 1);
        let (start, started) = mpsc::channel();
        let (send, seen) = mpsc::channel();
        let task = pool.clone().begin(
            move || {
                start.send(()).unwrap();
                while !is_abandoned() {
                    std::thread::sleep(Duration::from_millis(1));
                }
                send.send(()).unwrap();
            },
            false,
        );
        started.recv_timeout(Duration::from_secs(20)).unwrap();
        drop(task);
        seen.recv_timeout(Duration::from_secs(20)).unwrap();
        // One that waits in the queue is not begun any more.
        let (hanging, ends) = hang(&pool, 1);
        let (send, seen) = mpsc::channel();
        drop(pool.clone().begin(move || send.send(()).unwrap(), false));
        ends.lock().unwrap().clear();
        drop(hanging);
        assert!(seen.recv_timeout(Duration::from_secs(20)).is_err());
    }
}
