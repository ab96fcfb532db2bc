//! Thread pools for work that would block the event loop: I/O that may never return, and CPU-bound work.
//!
//! A read from a dead mount, from a FIFO without a writer, or a DNS query without an answer can hang forever. Jobs of
//! [`disk`] therefore never queue behind jobs that hang: when the running threads make no progress, each waiting job
//! gets a thread of its own, up to [`MOST`]. [`compute`] has one thread per core; its jobs use neither files nor the
//! network. Tokio's own blocking pool is not used because it panics if the system refuses a thread.

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

/// The number of [`disk`] threads that are started without a check for progress.
const USUAL: usize = 32;

/// The maximum number of [`disk`] threads.
const MOST: usize = 512;

/// If no job starts or ends for this long, the running jobs count as hung, and waiting jobs get new threads.
const STUCK: Duration = Duration::from_millis(20);

/// How long a job waits while all [`MOST`] threads hang before it is refused.
const PATIENCE: Duration = Duration::from_millis(500);

/// How long an idle thread is kept.
const IDLE: Duration = Duration::from_secs(10);

static DISK: PerProcess<Pool> = PerProcess::new();
static COMPUTE: PerProcess<Pool> = PerProcess::new();

thread_local! {
    static CALLER: RefCell<Option<Weak<()>>> = const { RefCell::new(None) };
}

/// The reason why a job was not done.
#[derive(Debug)]
pub enum Lost {
    /// The system refused to start a thread.
    NoThread(io::Error),
    /// All [`MOST`] threads hang.
    Full,
    /// The job panicked.
    Failed,
}

impl fmt::Display for Lost {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // ENFILE and EMFILE; the numbers are the same on all systems.
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

/// Starts a job that may hang: file I/O, DNS, other programs. The job starts at once, before the task is polled.
/// Dropping the task does not stop a running job; one that still waits for a thread is discarded.
pub fn disk<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Task<T> {
    disk_pool().begin(work, false)
}

/// As [`disk`], for work that must not be lost, such as writing a picture that was paid for. The job is never refused,
/// and [`settle`] waits for it. If the system gives no thread at all, it runs on the calling thread.
pub fn kept<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Task<T> {
    disk_pool().begin(work, true)
}

/// Starts a CPU-bound job that always ends. It must not do file I/O: a read that hangs would stop all decoding and
/// encoding of the process.
pub(crate) fn compute<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Task<T> {
    let cores = std::thread::available_parallelism().map_or(2, NonZero::get);
    COMPUTE.get(|| Pool::new("nanobanana-work", cores, cores)).begin(work, false)
}

/// True if the task of the job that runs on this thread was dropped.
pub fn is_abandoned() -> bool {
    CALLER.with_borrow(|caller| caller.as_ref().is_some_and(|caller| caller.strong_count() == 0))
}

/// True on a thread that runs a job, whose caller decides how long it waits.
pub(crate) fn is_job() -> bool {
    CALLER.with_borrow(Option::is_some)
}

/// Waits until all jobs of [`kept`] are done, at most for `limit`.
pub fn settle(limit: Duration) {
    let pool = disk_pool();
    let state = pool.state();
    let waited = pool.settled.wait_timeout_while(state, limit, |state| state.kept > 0);
    drop(waited);
}

fn disk_pool() -> Arc<Pool> {
    DISK.get(|| Pool::new("nanobanana-disk", USUAL, MOST))
}

/// The future of a job's result.
#[must_use = "what it gives, and why it was not done, is told to whoever awaits it"]
pub struct Task<T> {
    answer: oneshot::Receiver<T>,
    /// Set while the job may still be waiting for a thread.
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
    /// Notified when no job of [`kept`] is left.
    settled: Condvar,
}

struct State {
    queue: VecDeque<Job>,
    /// All threads, and the idle ones among them.
    threads: usize,
    idle: usize,
    /// Unfinished jobs of [`kept`].
    kept: usize,
    /// When a job last started or ended.
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
            // The job may spawn tasks, such as a run of many calls: they belong to the caller's runtime.
            let _entered = runtime.as_ref().map(tokio::runtime::Handle::enter);
            // The task may have been dropped.
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

    /// Queues a job, and starts a thread for it if the limit allows one. Returns the job's number if it has to wait.
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
        if state.threads > 0 {
            // A running thread takes the job later, unless all of them hang.
            return Ok(Some(number));
        }
        let Some(job) = state.take(number) else { return Ok(None) };
        drop(state);
        if !kept {
            return Err(Lost::NoThread(cause));
        }
        self.run(job);
        Ok(None)
    }

    /// Starts a thread that `threads` counts already.
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

    /// Runs a job on this thread.
    fn run(&self, Job { run, caller, kept, .. }: Job) {
        if kept || caller.strong_count() > 0 {
            CALLER.set(Some(caller));
            // After a panic nothing is sent, which the task reports as `Lost::Failed`.
            let _ = catch_unwind(AssertUnwindSafe(run));
        }
        let mut state = self.state();
        state.moved = Instant::now();
        state.kept -= usize::from(kept);
        if kept && state.kept == 0 {
            self.settled.notify_all();
        }
    }

    /// Starts threads for the waiting jobs if the running ones hang. Returns true if this job still waits.
    fn look_after(self: &Arc<Self>, number: u64) -> Result<bool, Lost> {
        let mut state = self.state();
        if !state.queue.iter().any(|job| job.number == number) {
            return Ok(false);
        }
        let still = state.moved.elapsed();
        if state.threads > 0 && (still < STUCK || self.usual == self.most) {
            return Ok(true);
        }
        let room = self.most.saturating_sub(state.threads);
        if room == 0 {
            return if still < PATIENCE { Ok(true) } else { self.give_up(state, number, Lost::Full) };
        }
        let wanted = state.queue.len().saturating_sub(state.idle).min(room);
        state.threads += wanted;
        drop(state);
        for started in 0..wanted {
            let Err(cause) = self.spawn() else { continue };
            let mut state = self.state();
            // The threads that were counted and not tried.
            state.threads -= wanted - started - 1;
            if started == 0 && (still >= PATIENCE || state.threads == 0) {
                return self.give_up(state, number, Lost::NoThread(cause));
            }
            break;
        }
        Ok(true)
    }

    /// Refuses a waiting job. One of [`kept`] is not refused: it waits on, or runs here if there is no thread at all.
    /// Returns true if it still waits.
    fn give_up(&self, mut state: MutexGuard<'_, State>, number: u64, why: Lost) -> Result<bool, Lost> {
        let is_kept = state.queue.iter().any(|job| job.number == number && job.kept);
        if is_kept && state.threads > 0 {
            return Ok(true);
        }
        match state.take(number) {
            Some(job) if is_kept => {
                drop(state);
                self.run(job);
                Ok(false)
            }
            Some(_) => Err(why),
            None => Ok(false),
        }
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
    async fn work_that_must_not_be_lost_waits_behind_any_number_of_hanging_threads() {
        let pool = pool(1, 2);
        let ends: Ends = Ends::default();
        let (start, started) = mpsc::channel();
        let hang = || {
            let (end, ended) = mpsc::channel::<()>();
            ends.lock().unwrap().push(end);
            let start = start.clone();
            let work = move || {
                start.send(()).unwrap();
                let _ = ended.recv();
            };
            pool.clone().begin(work, true)
        };
        // As many as it starts threads for. The last job is the first to be taken, so all others have to hang before.
        let hanging: Vec<_> = (0..4).map(|_| hang()).collect();
        for _ in &hanging {
            started.recv_timeout(Duration::from_secs(20)).unwrap();
        }
        let mut work = pool.clone().begin(|| 7, true);
        let patience = tokio::time::timeout(PATIENCE + Duration::from_millis(300), &mut work);
        assert!(patience.await.is_err(), "it was refused");
        ends.lock().unwrap().clear();
        assert_eq!(work.await.unwrap(), 7);
        for task in hanging {
            task.await.unwrap();
        }
        while pool.state().kept > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
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
