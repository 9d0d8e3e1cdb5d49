//! The users of the server: who they are, what they own, and the ways to find them.

pub(super) mod account;
pub(super) mod device;
pub(super) mod index;
pub(super) mod number;
pub(super) mod pattern;
pub(super) mod query;
pub(super) mod secret;
pub(super) mod slots;
pub(super) mod user;
