//! Decoding and encoding off the event loop, at most as many at a time as there are cores: more would
//! be no faster, and each holds a picture's pixels.

use std::num::NonZero;

use tokio::sync::Semaphore;

use super::bad;
use crate::blocking;
use crate::error::Error;
use crate::process::PerProcess;

/// One for each process: a fork could leave the parent's locked.
static PLACES: PerProcess<Semaphore> = PerProcess::new();

/// Runs work that takes long on a thread for that. A future that is dropped takes its work with it, unless
/// it is being done already.
///
/// # Errors
/// What `work` returns; [`crate::error::Kind::ImageError`] if it panics.
pub async fn worker<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let places = PLACES.get(|| Semaphore::new(cores()));
    let lost = |cause: &dyn std::fmt::Display| bad(format!("the picture could not be worked on: {cause}"));
    // It is never closed.
    let place = places.acquire_owned().await.map_err(|cause| lost(&cause))?;
    let task = blocking::compute(move || {
        let done = work();
        drop(place);
        done
    });
    task.await.map_err(|cause| lost(&cause).because(cause))?
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(2, NonZero::get)
}
