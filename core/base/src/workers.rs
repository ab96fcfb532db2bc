//! The runtime of a binding's calls, beside the thread that runs the user's own code. Work that may hang runs on the
//! threads of `blocking`.

use std::io;
use std::panic::catch_unwind;
use std::sync::mpsc;

use tokio::runtime::{Builder, Runtime};

/// The size of tokio's own blocking pool. Nothing that may hang uses it.
const MOST_BLOCKED: usize = 4;

/// Starts the runtime. One core is left to the user's own thread if there are enough for two workers beside it.
///
/// # Errors
/// The system's error if it refuses threads or files.
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

/// Requests as many threads and files as a runtime needs, and releases them: tokio panics if the system refuses them.
///
/// # Errors
/// The system's error.
pub fn try_out(threads: usize) -> io::Result<()> {
    #[cfg(unix)]
    let _files = (0..3).map(|_| std::os::unix::net::UnixStream::pair()).collect::<io::Result<Vec<_>>>()?;
    // All of them exist at the same time until the last one was started.
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
    // The threads end by themselves and are not joined: while a library is loaded, as with Node's addon, no thread can
    // start or end.
    started.map(drop)?;
    Ok(())
}
