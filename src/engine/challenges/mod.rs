//! Challenges: from the request for a second factor to its ending.
//!
//! Each file uses only those before it: `outcome`, `act`, `memory`, `subject`, `challenge`, `event`, `book`, `codes`,
//! `plan`, `play`, `ask`.

pub(super) mod act;
pub(super) mod ask;
pub(super) mod book;
pub(super) mod challenge;
mod codes;
mod event;
mod memory;
pub(super) mod outcome;
mod plan;
mod play;
pub(super) mod subject;
#[cfg(test)]
mod tests;
