//! What makes a token of a sign-in unreadable.

use std::fmt;

use crate::trouble::Trouble;

/// What is wrong in a token, and where.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Flaw {
    /// The part that is wrong.
    pub part: &'static str,
    /// What is wrong with it.
    pub fault: &'static str,
    /// The offset in the token, in bytes.
    pub at: usize,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { part, fault, at } = self;
        write!(f, "{part} {fault} (byte {at})")
    }
}

impl Flaw {
    /// The trouble with the token that has this flaw.
    pub(super) fn of(self, token: &'static str) -> Trouble {
        Trouble::Malformed { token, flaw: self.to_string() }
    }
}
