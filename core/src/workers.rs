//! The threads on which a binding's calls run, beside the one that runs the user's own code.

use std::io;

use tokio::runtime::{Builder, Runtime};

/// Threads that read files, decode, or wait until they can hand over an answer.
const MOST_BLOCKED: usize = 32;

/// Starts them. One core is left to the user's own thread, where there are enough for two workers
/// beside it.
///
/// # Errors
/// The system's, where threads are forbidden.
pub fn start() -> io::Result<Runtime> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut threads = Builder::new_multi_thread();
    threads.worker_threads((cores.saturating_sub(1)).max(2)).max_blocking_threads(MOST_BLOCKED);
    threads.thread_name("nanobanana").enable_all().build()
}
