//! Stub.
use crate::error::Error;
use std::sync::Arc;
pub(crate) struct Ledger;
pub(crate) struct Hold;
impl Ledger {
    pub fn new(_: Option<&crate::options::Budget>) -> Self {
        Ledger
    }
    pub fn hold(self: &Arc<Self>, _: Option<f64>, _: &str) -> Result<Hold, Error> {
        Ok(Hold)
    }
    pub fn check(&self, _: Option<f64>, _: u32, _: &str) -> Result<(), Error> {
        Ok(())
    }
}
impl Hold {
    pub fn settle(self, _: Option<f64>) {}
    pub fn free(self) {}
    pub fn lost(self, _: &str) {}
}
