//! A space's clock: it follows the system's, or a test controls it.

use std::time::Duration;

use tokio::time::Instant;

use crate::engine::{Pace, Timestamp};

/// The time of a space, and how it passes. Monotonic: a step of the system's clock moves no deadline.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    /// Its time when it was last set.
    base: Timestamp,
    set: Instant,
    pace: Pace,
}

impl Clock {
    pub(super) fn starting_at(base: Timestamp, pace: Pace) -> Self {
        Self { base, set: Instant::now(), pace }
    }

    /// The time now; it stops at the last one that can be written.
    pub(super) fn now(&self) -> Timestamp {
        let now = match self.pace {
            Pace::Frozen => self.base,
            Pace::Real | Pace::Auto => self.base + self.set.elapsed(),
            Pace::Rate(rate) => self.base + scaled(self.set.elapsed(), rate),
        };
        now.min(Timestamp::LAST)
    }

    pub(super) const fn pace(&self) -> Pace {
        self.pace
    }

    /// Changes how time passes from now on.
    pub(super) fn set_pace(&mut self, pace: Pace) {
        *self = Self::starting_at(self.now(), pace);
    }

    /// Moves forward to a time; an earlier one changes nothing.
    pub(super) fn move_to(&mut self, time: Timestamp) {
        *self = Self::starting_at(time.max(self.now()), self.pace);
    }

    /// The real time until the clock reaches a time. `None`: a frozen clock never does.
    pub(super) fn until(&self, time: Timestamp) -> Option<Duration> {
        let left = time.since(self.now());
        match self.pace {
            Pace::Frozen if left > Duration::ZERO => None,
            Pace::Frozen | Pace::Real | Pace::Auto => Some(left),
            Pace::Rate(rate) => Some(scaled(left, 1.0 / rate)),
        }
    }
}

fn scaled(time: Duration, by: f64) -> Duration {
    Duration::try_from_secs_f64(time.as_secs_f64() * by).unwrap_or(Duration::MAX)
}
