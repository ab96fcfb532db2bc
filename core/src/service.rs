//! The services: what each one wants, and what it answers.

pub(crate) mod gemini;
