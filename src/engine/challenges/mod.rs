//! Challenges: from the request for a second factor to its ending.
//!
//! Each file uses only those before it: `line`, `memory`, `challenge`, `event`, `book`, `codes`,
//! `plan`, `play`, `ask`.

pub(super) mod ask;
pub(super) mod book;
pub(super) mod challenge;
mod codes;
mod event;
pub(super) mod line;
mod memory;
mod plan;
mod play;
#[cfg(test)]
mod tests;
