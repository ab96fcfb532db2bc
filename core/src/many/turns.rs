//! How equal items are told apart: each has its number among them, in the order in which they came.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::journal::{Fingerprint, fingerprint};

/// How often each item came in this run, if it matters: to a journal, or to a cache.
pub(super) struct Keys(Option<Mutex<HashMap<Fingerprint, u32>>>);

impl Keys {
    pub fn new(matters: bool) -> Self {
        Keys(matters.then(Mutex::default))
    }

    pub fn matter(&self) -> bool {
        self.0.is_some()
    }

    /// An item's key: its base, and of equal ones each but the first has its number.
    pub fn key(&self, base: String) -> String {
        let Some(seen) = &self.0 else { return base };
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = seen.entry(fingerprint(&base)).or_insert(0);
        *seen += 1;
        // An id that looks like a numbered one gets a number always.
        let digits = base.rsplit_once('#').map(|(_, digits)| digits).unwrap_or_default();
        let looks_numbered = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if *seen == 1 && !looks_numbered { base } else { format!("{base}#{seen}") }
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_items_are_numbered_and_no_id_can_pass_for_one() {
        let keys = |matter: bool| {
            let keys = Keys::new(matter);
            ["a", "a", "a#2", "a", "#", "a#2"].map(|base| keys.key(base.to_owned()))
        };
        assert_eq!(keys(true), ["a", "a#2", "a#2#1", "a#3", "#", "a#2#2"]);
        assert_eq!(keys(false), ["a", "a", "a#2", "a", "#", "a#2"]);
    }
}
