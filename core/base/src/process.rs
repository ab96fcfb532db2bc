//! A value made once in each process.
//!
//! After a fork, connections and threads belong to the parent: using them, or only dropping them,
//! would write into its sockets. The child leaves the old value where it is and makes its own.

use std::convert::Infallible;
use std::sync::{Arc, OnceLock};

/// Holds one value per process.
pub struct PerProcess<T> {
    first: OnceLock<Box<Node<T>>>,
}

struct Node<T> {
    process: u32,
    value: Arc<T>,
    next: OnceLock<Box<Node<T>>>,
}

impl<T> PerProcess<T> {
    /// Holds nothing yet.
    pub const fn new() -> Self {
        PerProcess { first: OnceLock::new() }
    }

    /// This process's value, made by `make` if there is none.
    pub fn get(&self, make: impl FnOnce() -> T) -> Arc<T> {
        let Ok(value) = self.get_or_try(|| Ok::<T, Infallible>(make()));
        value
    }

    /// This process's value, if it was made.
    pub fn made(&self) -> Option<Arc<T>> {
        let mut slot = &self.first;
        while let Some(node) = slot.get() {
            if node.process == std::process::id() {
                return Some(node.value.clone());
            }
            slot = &node.next;
        }
        None
    }

    /// This process's value, made by `make` if there is none.
    ///
    /// # Errors
    /// What `make` returns.
    pub fn get_or_try<E>(&self, make: impl FnOnce() -> Result<T, E>) -> Result<Arc<T>, E> {
        let process = std::process::id();
        let mut slot = &self.first;
        while let Some(node) = slot.get() {
            if node.process == process {
                return Ok(node.value.clone());
            }
            slot = &node.next;
        }
        // Made outside of the lock, which a fork in that moment would leave locked in the child.
        let mut node = Box::new(Node { process, value: Arc::new(make()?), next: OnceLock::new() });
        let value = node.value.clone();
        loop {
            match slot.set(node) {
                Ok(()) => return Ok(value),
                Err(mine) => {
                    let Some(other) = slot.get() else { return Ok(value) };
                    if other.process == process {
                        return Ok(other.value.clone());
                    }
                    node = mine;
                    slot = &other.next;
                }
            }
        }
    }
}

impl<T> Default for PerProcess<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Drop for PerProcess<T> {
    fn drop(&mut self) {
        let process = std::process::id();
        let mut node = self.first.take();
        while let Some(mut this) = node {
            node = this.next.take();
            if this.process != process {
                std::mem::forget(this);
            }
        }
    }
}
