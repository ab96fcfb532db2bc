//! How what arrives reaches whoever reads a stream.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::Poll;

use crate::call::limit::Permit;
use crate::picture::output::Output;
use crate::records::Event;

/// Where a stream's events go as they arrive. A call without a stream has nobody to hand them to.
#[derive(Clone, Default)]
pub(crate) struct Sink(Option<Arc<Pour>>);

#[derive(Default)]
struct Pour {
    queue: Mutex<VecDeque<Event>>,
    /// How its final pictures are to be.
    output: OnceLock<Arc<Output>>,
}

impl Sink {
    /// A sink for a stream.
    pub fn open() -> Self {
        Sink(Some(Arc::default()))
    }

    pub(super) fn is_open(&self) -> bool {
        self.0.is_some()
    }

    /// Hands events over, and lets go at once so that they are seen before more is read. Until that is
    /// asked for, the permit rests.
    pub async fn send(&self, events: Vec<Event>, permit: Option<&Permit>) {
        let Some(pour) = self.0.as_ref().filter(|_| !events.is_empty()) else { return };
        let _rest = permit.map(Permit::rest);
        pour.queue.lock().unwrap_or_else(PoisonError::into_inner).extend(events);
        let mut seen = false;
        // Nobody needs to be woken: whoever polls looks into the queue next.
        poll_fn(|_| if std::mem::replace(&mut seen, true) { Poll::Ready(()) } else { Poll::Pending }).await;
    }

    /// The next event that nobody has seen yet.
    pub fn take(&self) -> Option<Event> {
        self.0.as_ref()?.queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// Says how the final pictures are to be, before the first one comes.
    pub fn pours_as(&self, output: &Arc<Output>) {
        if let Some(pour) = &self.0 {
            pour.output.get_or_init(|| output.clone());
        }
    }

    /// How the final pictures are to be, if that was said.
    pub fn output(&self) -> Option<Arc<Output>> {
        self.0.as_ref()?.output.get().cloned()
    }
}
