//! The order in which equal items are numbered.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

/// How long an item waits for those before it, to be numbered after its equals among them.
const COURTESY: Duration = Duration::from_secs(2);

/// Lets items that are known by their hash be numbered in their order, though they are hashed side by
/// side.
#[derive(Clone, Default)]
pub(super) struct Turns(Arc<(Mutex<Passed>, Notify)>);

impl Turns {
    /// The turn with this number.
    pub fn ticket(&self, number: u64) -> Ticket {
        Ticket { turns: self.clone(), number }
    }
}

#[derive(Default)]
struct Passed {
    /// All below have passed.
    next: u64,
    /// And these.
    ahead: BTreeSet<u64>,
}

pub(super) struct Ticket {
    turns: Turns,
    number: u64,
}

impl Ticket {
    /// Waits for those before, though not for one that takes long: two equal items would only change
    /// places.
    pub async fn wait(&self) {
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
