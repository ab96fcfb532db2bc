//! Stub.
use std::sync::Arc;
use std::time::Duration;
pub(crate) struct Limits;
impl Limits {
    pub fn new(_: Option<u32>, _: Option<f64>) -> Self {
        Limits
    }
    pub fn of(&self, _: &str) -> Arc<Limiter> {
        Arc::new(Limiter)
    }
}
pub(crate) struct Limiter;
pub(crate) struct Permit;
impl Limiter {
    pub async fn admit(self: &Arc<Self>, _again: bool) -> Permit {
        Permit
    }
    pub fn waits(&self) -> Option<Duration> {
        None
    }
}
impl Permit {
    pub fn good(self) {}
    pub fn throttled(self, _: Option<Duration>) {}
}
