//! A moment, as the engine is told it.

use std::ops::Add;
use std::time::Duration;

/// A moment: time since 1970-01-01T00:00:00Z, to the microsecond. The engine never asks for it; whoever calls
/// says when it is.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Timestamp(u64);

impl Timestamp {
    #[must_use]
    pub fn from_unix(since_1970: Duration) -> Self {
        Self(u64::try_from(since_1970.as_micros()).unwrap_or(u64::MAX))
    }

    /// Time since 1970.
    #[must_use]
    pub const fn unix(self) -> Duration {
        Duration::from_micros(self.0)
    }

    /// The time from `earlier` to here; zero if `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)))
    }
}
