//! Applies the changes of a conversation in the order of the calls.
//!
//! The current turn holds the head of the queue. Other changes wait for it: a turn as a future; a change that never
//! waits (undo, branch, dropped pictures) as a function, which is called when its place is reached: before the next
//! turn begins, and before the caller gets the result of the turn that has ended.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::sync::oneshot;

#[derive(Default)]
pub(super) struct Queue(Mutex<State>);

#[derive(Default)]
struct State {
    /// True while a [`Head`] exists.
    is_held: bool,
    waiting: VecDeque<Entry>,
}

enum Entry {
    Turn(oneshot::Sender<Head>),
    Change { act: Box<dyn FnOnce() + Send>, takes_back: bool },
}

/// The head of the queue. Dropping it starts the next entry.
pub(super) struct Head(Option<Arc<Queue>>);

/// A place in the queue: a future of its head. Dropping it gives the place up.
pub(super) struct Place(Taken);

enum Taken {
    Head(Option<Head>),
    Waits(oneshot::Receiver<Head>),
}

impl Future for Place {
    type Output = Head;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Head> {
        match &mut self.0 {
            Taken::Head(head) => Poll::Ready(head.take().unwrap_or(Head(None))),
            // The sender is in the queue, and the owner of this place holds the queue.
            Taken::Waits(head) => Pin::new(head).poll(context).map(|head| head.unwrap_or(Head(None))),
        }
    }
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the last place.
    pub fn place(self: &Arc<Self>) -> Place {
        let mut state = self.state();
        if !std::mem::replace(&mut state.is_held, true) {
            return Place(Taken::Head(Some(Head(Some(self.clone())))));
        }
        let (send, head) = oneshot::channel();
        state.waiting.push_back(Entry::Turn(send));
        Place(Taken::Waits(head))
    }

    /// Applies a change in its turn, at once if the queue is free. `said` is the number of turns that can be taken back
    /// now. Returns that number for the time of the change, assuming that all turns before it succeed.
    pub fn change(
        self: &Arc<Self>,
        said: usize,
        takes_back: bool,
        act: impl FnOnce() + Send + 'static,
    ) -> usize {
        let mut state = self.state();
        if !std::mem::replace(&mut state.is_held, true) {
            drop(state);
            let head = Head(Some(self.clone()));
            act();
            drop(head);
            return said;
        }
        let then = state.waiting.iter().fold(said + 1, |said, entry| match entry {
            Entry::Turn(_) => said + 1,
            Entry::Change { takes_back: true, .. } => said.saturating_sub(1),
            Entry::Change { .. } => said,
        });
        state.waiting.push_back(Entry::Change { act: Box::new(act), takes_back });
        then
    }

    fn go_on(self: Arc<Self>) {
        loop {
            let next = {
                let mut state = self.state();
                let next = state.waiting.pop_front();
                state.is_held = next.is_some();
                next
            };
            match next {
                None => return,
                Some(Entry::Change { act, .. }) => act(),
                Some(Entry::Turn(send)) => match send.send(Head(Some(self.clone()))) {
                    Ok(()) => return,
                    // The receiver was dropped: that turn was given up.
                    Err(mut head) => head.0 = None,
                },
            }
        }
    }
}

impl Drop for Head {
    fn drop(&mut self) {
        if let Some(queue) = self.0.take() {
            queue.go_on();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn changes_and_turns_take_effect_in_the_order_of_their_places() {
        let queue = Arc::new(Queue::default());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let note = |what: &'static str| {
            let seen = seen.clone();
            move || seen.lock().unwrap_or_else(PoisonError::into_inner).push(what)
        };
        assert_eq!(queue.change(3, false, note("at once")), 3);
        let first = queue.place().await;
        let given_up = queue.place();
        assert_eq!(queue.change(0, true, note("undo")), 2);
        let second = queue.place();
        assert_eq!(queue.change(0, false, note("drop")), 2);
        drop(given_up);
        note("first")();
        drop(first);
        // Before anybody polls the next turn.
        assert_eq!(seen.lock().unwrap_or_else(PoisonError::into_inner).join(" "), "at once first undo");
        let second = second.await;
        note("second")();
        drop(second);
        drop(queue.place().await);
        let seen = seen.lock().unwrap_or_else(PoisonError::into_inner).join(" ");
        assert_eq!(seen, "at once first undo second drop");
    }
}
