//! The threads on which a binding's calls run, beside the one that runs the user's own code. What may hang runs
//! elsewhere: see `blocking`.

use std::io;
use std::panic::catch_unwind;
use std::sync::mpsc;

use tokio::runtime::{Builder, Runtime};

/// What else in this process still uses tokio's own pool, which is nothing that may hang.
const MOST_BLOCKED: usize = 4;

/// Starts them. One core is left to the user's own thread, where there are enough for two workers
/// beside it.
///
/// # Errors
/// The system's, where it gives no threads or no files.
pub fn start() -> io::Result<Runtime> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = (cores.saturating_sub(1)).max(2);
    try_out(workers)?;
    let build = move || {
        let mut threads = Builder::new_multi_thread();
        threads.worker_threads(workers).max_blocking_threads(MOST_BLOCKED);
        threads.thread_name("nanobanana").enable_all().build()
    };
    catch_unwind(build).unwrap_or_else(|_| Err(io::Error::other("it gives too few threads or files")))
}

/// Asks the system for as many threads and files as a runtime takes, and gives them back: tokio panics where it
/// gets none.
///
/// # Errors
/// The system's.
pub(crate) fn try_out(threads: usize) -> io::Result<()> {
    #[cfg(unix)]
    let _files = (0..3).map(|_| std::os::unix::net::UnixStream::pair()).collect::<io::Result<Vec<_>>>()?;
    // They live at the same time, until the last one was started.
    let (release, released) = mpsc::channel::<()>();
    let released = std::sync::Arc::new(std::sync::Mutex::new(released));
    let started = (0..threads).map(|_| {
        let released = released.clone();
        std::thread::Builder::new().spawn(move || {
            let released = released.lock().map(|released| released.recv());
            drop(released);
        })
    });
    let started = started.collect::<io::Result<Vec<_>>>();
    drop(release);
    // They end by themselves. Nobody waits for it: where this runs while a library is loaded, as Node's addon does,
    // no thread can begin or end before that is done.
    started.map(drop)?;
    Ok(())
}
