//! A queue of events from worker threads to a thread that may be slow or stuck.
//!
//! Adding an event never blocks. The queue holds a limited number of events; the others are counted, and one event
//! named "dropped" with their number takes their place.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::ClientEvent;
use crate::message::{counted, message};

/// The maximum number of events in a queue. An event takes less than 1 kB.
pub const LIMIT: usize = 4_096;

/// An entry of the queue.
#[derive(Debug)]
pub enum Entry<T, E> {
    /// An event and its recipient.
    Event(Box<ClientEvent>, T),
    /// A marker behind all events that were added before it.
    End(E),
}

/// Events in order, at most [`LIMIT`]. `T` identifies the recipient of an event. `E` is dropped when all events before
/// it were read.
#[derive(Debug)]
pub struct EventQueue<T, E = ()> {
    state: Mutex<State<T, E>>,
}

#[derive(Debug)]
struct State<T, E> {
    entries: VecDeque<Entry<T, E>>,
    events: usize,
    /// True if the last event in `entries` is a "dropped" event.
    counts: bool,
    read: bool,
}

impl<T, E> Default for EventQueue<T, E> {
    fn default() -> Self {
        let state = State { entries: VecDeque::new(), events: 0, counts: false, read: false };
        EventQueue { state: Mutex::new(state) }
    }
}

impl<T, E> EventQueue<T, E> {
    fn state(&self) -> MutexGuard<'_, State<T, E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an event. Returns false if it was dropped and counted, so that there is no new entry to read.
    pub fn push(&self, event: ClientEvent, to: T) -> bool {
        let mut state = self.state();
        if state.events < LIMIT {
            state.events += 1;
            state.counts = false;
            state.entries.push_back(Entry::Event(Box::new(event), to));
            return true;
        }
        if !state.counts {
            state.counts = true;
            state.events += 1;
            state.entries.push_back(Entry::Event(Box::new(event.counted(1)), to));
            return true;
        }
        let note = state.entries.iter_mut().rev().find_map(|entry| match entry {
            Entry::Event(note, _) => Some(note),
            Entry::End(_) => None,
        });
        if let Some(note) = note {
            let more = note.dropped.unwrap_or(0) + 1;
            **note = std::mem::take(&mut **note).counted(more);
        }
        false
    }

    /// Adds a marker, which is never dropped.
    pub fn end(&self, end: E) {
        self.state().entries.push_back(Entry::End(end));
    }

    /// True if the queue is empty and has no reader.
    pub fn is_idle(&self) -> bool {
        let state = self.state();
        state.entries.is_empty() && !state.read
    }

    /// Makes the caller the reader. Returns false if there is a reader already, or nothing to read.
    pub fn begin(&self) -> bool {
        let mut state = self.state();
        if state.read || state.entries.is_empty() {
            return false;
        }
        state.read = true;
        true
    }

    /// Returns the next entry. On `None` the caller is no longer the reader.
    pub fn pop(&self) -> Option<Entry<T, E>> {
        let mut state = self.state();
        let next = state.entries.pop_front();
        match &next {
            Some(Entry::Event(..)) => {
                state.events -= 1;
                state.counts &= state.events > 0;
            }
            Some(Entry::End(_)) => {}
            None => state.read = false,
        }
        next
    }

    /// Ends the reader's role before the queue is empty.
    pub fn give_up(&self) {
        self.state().read = false;
    }
}

impl ClientEvent {
    /// The "dropped" event in the place of this event, for `dropped` events in all.
    fn counted(self, dropped: u64) -> Self {
        let were = counted(dropped, "event was", "events were");
        ClientEvent {
            name: "dropped".to_owned(),
            message: message!("{were} dropped here: they came faster than they were read"),
            call: self.call,
            index: self.index,
            model: self.model,
            attempt: self.attempt,
            dropped: Some(dropped),
            ..ClientEvent::default()
        }
    }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn event(call: u64) -> ClientEvent {
        ClientEvent { name: "request".to_owned(), call, ..ClientEvent::default() }
    }

    fn read(queue: &EventQueue<u64>) -> Vec<(u64, Option<u64>)> {
        let entry = |entry| match entry {
            Entry::Event(event, to) => {
                assert_eq!(event.call, to);
                Some((to, event.dropped))
            }
            Entry::End(()) => None,
        };
        std::iter::from_fn(|| queue.pop()).filter_map(entry).collect()
    }

    #[test]
    fn a_reader_that_is_stuck_costs_a_limited_number_of_events_and_is_told_of_the_others() {
        let queue = EventQueue::default();
        let more = 5_000;
        let added = (0..(LIMIT + more) as u64).filter(|number| queue.push(event(*number), *number)).count();
        assert_eq!(added, LIMIT + 1);
        let told = read(&queue);
        assert_eq!(told.len(), LIMIT + 1);
        assert!(told.iter().take(LIMIT).enumerate().all(|(at, one)| *one == (at as u64, None)));
        assert_eq!(told.last(), Some(&(LIMIT as u64, Some(more as u64))));
        // Then the queue accepts events as before.
        assert!(queue.push(event(7), 7));
        assert_eq!(read(&queue), [(7, None)]);
    }

    #[test]
    fn what_is_dropped_is_counted_where_it_is_missing() {
        let queue = EventQueue::default();
        for number in 0..LIMIT as u64 + 2 {
            queue.push(event(number), number);
        }
        // After one read the "dropped" event takes the room; after a second read there is room.
        assert!(matches!(queue.pop(), Some(Entry::Event(first, 0)) if first.dropped.is_none()));
        assert!(!queue.push(event(20_000), 20_000));
        assert!(matches!(queue.pop(), Some(Entry::Event(_, 1))));
        assert!(queue.push(event(30_000), 30_000));
        assert!(queue.push(event(40_000), 40_000));
        queue.end(());
        assert!(!queue.push(event(50_000), 50_000));
        let told = read(&queue);
        assert_eq!(told[LIMIT - 2..], [(LIMIT as u64, Some(3)), (30_000, None), (40_000, Some(2))]);
    }

    #[test]
    fn there_is_one_reader() {
        let queue: EventQueue<()> = EventQueue::default();
        assert!(!queue.begin());
        queue.push(event(1), ());
        assert!(queue.begin() && !queue.begin());
        assert!(queue.pop().is_some() && queue.pop().is_none());
        queue.end(());
        assert!(queue.begin());
        queue.give_up();
        assert!(queue.begin());
    }

    #[test]
    fn the_sentence_has_the_number() {
        assert!(event(1).counted(1).message.starts_with("1 event was dropped"));
        assert!(event(1).counted(12).message.starts_with("12 events were dropped"));
    }
}
