//! One call, from its options to its result: attempts, retries, rate limits, money, the cache and events.

pub(crate) mod attempt;
pub(crate) mod cache;
pub mod events;
pub(crate) mod files;
pub(crate) mod limit;
pub(crate) mod money;
pub(crate) mod retry;
