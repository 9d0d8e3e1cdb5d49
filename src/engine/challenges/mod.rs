//! Challenges: from the request for a second factor to its ending.

pub(super) mod act;
pub(super) mod challenge;
mod codes;
pub(super) mod event;
pub(super) mod outcome;
pub(super) mod subject;
