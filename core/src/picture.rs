//! What is done with pictures on their way in and out. No module here knows a service or HTTP.

pub(crate) mod encode;
pub(crate) mod mask;
pub(crate) mod output;
pub mod refuge;
