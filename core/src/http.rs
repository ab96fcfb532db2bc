//! One request over HTTP: its key and body, the connection, and the bytes of the reply. No module here knows a service.

pub(crate) mod body;
pub(crate) mod json;
pub mod key;
pub(crate) mod split;
pub(crate) mod sse;
pub(crate) mod transport;
