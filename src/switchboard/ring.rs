//! A phone that begins to ring, for the log.

use crate::engine::OpenChallenge;

/// The line of a person who is asked. It is made under the lock of the space, and logged without it.
pub(super) struct Ring {
    challenge: u64,
    user: String,
    number: String,
    space: String,
}

impl Ring {
    pub(super) fn of(space: &str, it: &OpenChallenge<'_>) -> Self {
        Self {
            challenge: it.id.0,
            user: it.owner.unwrap_or(it.username).into(),
            number: it.number.map(ToString::to_string).unwrap_or_default(),
            space: space.into(),
        }
    }

    pub(super) fn log(self) {
        let Self { challenge, user, number, space } = self;
        tracing::info!(target: "locmfa::phone", challenge, user, number, space, "a person is asked");
    }
}
