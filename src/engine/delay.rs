//! How much later an answer leaves: a length of time, or one that is drawn by name for each call.

use std::f64::consts::TAU;
use std::fmt;
use std::ops::Add;
use std::time::Duration;

use crate::engine::random::drawn_by_name;

/// How much later an answer leaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Delay {
    pub latency: Latency,
    /// Whether it passes by the world's clock, and not by that of the space.
    pub in_world: bool,
}

/// How long delays are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Latency {
    Fixed(Duration),
    /// Any length in a range, each as likely.
    Between(Duration, Duration),
    /// Log-normal: half of the delays are up to `median`, 99 of 100 up to `p99`.
    LogNormal {
        median: Duration,
        p99: Duration,
    },
}

/// The delay of one call. Where it was drawn, in whole milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DrawnDelay {
    /// By the clock of the space.
    pub in_space: Duration,
    /// By the world's clock.
    pub in_world: Duration,
}

impl Add for DrawnDelay {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            in_space: self.in_space.saturating_add(other.in_space),
            in_world: self.in_world.saturating_add(other.in_world),
        }
    }
}

/// `1s 200ms by the space's clock`
impl fmt::Display for DrawnDelay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = |length, clock| format!("{} by {clock} clock", humantime::format_duration(length));
        let space = (!self.in_space.is_zero()).then(|| by(self.in_space, "the space's"));
        let world = (!self.in_world.is_zero()).then(|| by(self.in_world, "the world's"));
        f.write_str(&space.into_iter().chain(world).collect::<Vec<_>>().join(" and "))
    }
}

impl Latency {
    /// Whether calls have different delays.
    #[must_use]
    pub const fn is_drawn(&self) -> bool {
        !matches!(self, Self::Fixed(_))
    }
}

impl Delay {
    /// The delay of a call. `key` is that of the person or number, as `per` says; `turn` is the how many-th answer of the
    /// rule it is for that one, from 1.
    pub(in crate::engine) fn drawn(&self, seed: u64, rule: &str, key: &str, turn: u64) -> DrawnDelay {
        let draw = || {
            let [first, second, ..] = drawn_by_name(seed, &["delay", rule, key], turn).map(fraction);
            (first, second)
        };
        let length = match self.latency {
            Latency::Fixed(length) => length,
            Latency::Between(least, most) => {
                in_milliseconds(least.as_secs_f64() + (most - least).as_secs_f64() * draw().0)
            }
            Latency::LogNormal { median, p99 } => {
                let (first, second) = draw();
                // Box and Muller: normally distributed.
                let normal = (-2.0 * first.ln()).sqrt() * (TAU * second).cos();
                let spread = (p99.as_secs_f64() / median.as_secs_f64()).ln() / NORMAL_P99;
                in_milliseconds(median.as_secs_f64() * (spread * normal).exp())
            }
        };
        match self.in_world {
            true => DrawnDelay { in_world: length, ..DrawnDelay::default() },
            false => DrawnDelay { in_space: length, ..DrawnDelay::default() },
        }
    }
}

/// 99 of 100 values of the standard normal distribution lie below it.
const NORMAL_P99: f64 = 2.326_347_874_040_841;

/// Above 0, and up to 1.
fn fraction(drawn: u64) -> f64 {
    // The upper 53 bits, which a float holds in full.
    ((drawn >> 11) + 1) as f64 / (1_u64 << 53) as f64
}

/// Rounded to milliseconds, in which the systems agree: their logarithms may differ in the last bit.
fn in_milliseconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64((seconds * 1000.0).round() / 1000.0).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many delays of one rule, as they come to one number, in seconds and sorted.
    fn delays(latency: Latency, seed: u64) -> Vec<f64> {
        let delay = Delay { latency, in_world: false };
        let mut all: Vec<f64> =
            (1..=100_000).map(|turn| delay.drawn(seed, "slow", "14255550100", turn).in_space.as_secs_f64()).collect();
        all.sort_unstable_by(f64::total_cmp);
        all
    }

    fn is_near(value: f64, expected: f64) -> bool {
        (value / expected - 1.0).abs() < 0.05
    }

    #[test]
    fn median_and_p99_of_a_log_normal_delay_are_those_of_the_rule() {
        for (median, p99) in [(800, 6000), (50, 60), (2000, 120_000)] {
            let [median, p99] = [median, p99].map(Duration::from_millis);
            for seed in [1, 7, 2026] {
                let all = delays(Latency::LogNormal { median, p99 }, seed);
                let (half, late) = (all[50_000], all[99_000]);
                assert!(is_near(half, median.as_secs_f64()), "seed {seed}: the median of {median:?} is {half}");
                assert!(is_near(late, p99.as_secs_f64()), "seed {seed}: the p99 of {p99:?} is {late}");
            }
        }
    }

    #[test]
    fn a_range_of_delays_is_filled_evenly_and_never_left() {
        let all = delays(Latency::Between(Duration::from_secs(1), Duration::from_secs(5)), 7);
        assert!(all[0] >= 1.0 && all[99_999] <= 5.0, "{} to {}", all[0], all[99_999]);
        for (at, expected) in [(10_000, 1.4), (50_000, 3.0), (99_000, 4.96)] {
            assert!(is_near(all[at], expected), "{at}: {}", all[at]);
        }
    }
}
