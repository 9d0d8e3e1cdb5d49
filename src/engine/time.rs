//! Timestamps, and the clock that a space starts with.

use std::fmt;
use std::ops::Add;
use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

/// The time since 1970-01-01T00:00:00Z, in microseconds. The engine reads no clock: its callers pass the time.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The last second that can be written: 9999-12-31T23:59:59Z.
    pub const LAST: Self = Self(253_402_300_799_000_000);

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

    /// The start of the second.
    pub(super) const fn whole_second(self) -> Self {
        Self(self.0 - self.0 % 1_000_000)
    }

    /// For people, to the millisecond: `2026-11-24 08:00:00.250 UTC`.
    #[must_use]
    pub fn for_people(self) -> String {
        let form = format_description!("[year]-[month]-[day] [hour]:[minute]:[second].[subsecond digits:3] UTC");
        self.utc().and_then(|it| it.format(form).ok()).unwrap_or_else(|| "never".into())
    }

    /// As RFC 3339 writes it, in UTC, always with six decimals: `2026-11-24T08:00:00.250000Z`.
    #[must_use]
    pub fn in_full(self) -> String {
        self.digits().map_or_else(|| "never".into(), |it| String::from_utf8_lossy(&it).into_owned())
    }

    /// The text of [`Self::in_full`], digit by digit: each call needs several.
    fn digits(self) -> Option<[u8; 27]> {
        let time = self.utc()?;
        let (year, month, day) = time.to_calendar_date();
        let (hour, minute, second, micros) = time.to_hms_micro();
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        let parts = [
            (4, year.unsigned_abs()),
            (7, u32::from(u8::from(month))),
            (10, day.into()),
            (13, hour.into()),
            (16, minute.into()),
            (19, second.into()),
            (26, micros),
        ];
        for (end, mut part) in parts {
            for digit in text[..end].iter_mut().rev().take_while(|it| it.is_ascii_digit()) {
                *digit = b'0' + (part % 10) as u8;
                part /= 10;
            }
        }
        Some(text)
    }

    fn utc(self) -> Option<OffsetDateTime> {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1000).ok()
    }

    /// A moment as RFC 3339 writes it: `2026-11-24T08:00:00Z`.
    #[must_use]
    pub fn of_text(text: &str) -> Option<Self> {
        let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        Some(Self(u64::try_from(time.unix_timestamp_nanos() / 1000).ok()?))
    }
}

/// As RFC 3339 writes it, in UTC, to the microsecond.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(mut text) = self.digits() else { return f.write_str("never") };
        let zeros = text[20..26].iter().rev().take_while(|it| **it == b'0').count();
        let end = if zeros == 6 { 19 } else { 26 - zeros };
        text[end] = b'Z';
        f.write_str(str::from_utf8(&text[..=end]).expect("digits and marks"))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)))
    }
}

/// How a space's time passes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Pace {
    /// As real time.
    #[default]
    Real,
    /// Only when a caller of the API advances it.
    Frozen,
    /// By a factor above 0.
    Rate(f64),
    /// As real time, and it jumps to the next time that an open call waits for. It does not jump while a challenge
    /// waits for a decision by the API.
    Auto,
}

/// The clock that a space starts with.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Start {
    /// Its time at the start. `None`: the system's time.
    pub at: Option<Timestamp>,
    pub pace: Pace,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_written_as_rfc_3339_has_them() {
        for micros in [0, 1, 10, 999_999, 1_000_000, 1_764_489_600_500_000, 1_709_164_799_123_450, Timestamp::LAST.0] {
            let it = Timestamp(micros);
            assert_eq!(it.to_string(), it.utc().unwrap().format(&Rfc3339).unwrap());
            assert_eq!(Timestamp::of_text(&it.to_string()), Some(it));
        }
        assert_eq!(Timestamp(u64::MAX).to_string(), "never");
    }
}
