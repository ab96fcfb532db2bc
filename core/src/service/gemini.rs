//! Google's Gemini API: `generateContent`.

pub(crate) mod reply;
pub(crate) mod request;
