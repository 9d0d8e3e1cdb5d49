//! What conditions compare a call with: names of operations, patterns, numbers, networks, hours and days.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::contract::{AuthenticationType, Mode};
use crate::engine::chance::Percent;
use crate::engine::rules::words::words;
use crate::engine::{Number, Pattern, Timestamp};

/// What one condition asks for.
pub(super) trait Operand: PartialEq {
    /// Writes the condition as a scenario does; `key` is the condition's.
    fn write(&self, key: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result;

    /// Whether a call that meets this meets `wide` too. `false` where that is not plain to see.
    fn is_within(&self, wide: &Self) -> bool;
}

/// One of the values of a condition that holds for any of them.
pub(super) trait Item: PartialEq + Sized {
    /// As a scenario writes it.
    fn written(&self) -> Cow<'_, str>;

    /// As [`Operand::is_within`].
    fn is_within(&self, wide: &Self) -> bool {
        self == wide
    }

    /// Whether each of some values is within one of others.
    fn are_within(narrow: &[Self], wide: &[Self]) -> bool {
        narrow.iter().all(|narrow| wide.iter().any(|wide| narrow.is_within(wide)))
    }
}

impl<T: Item> Operand for Vec<T> {
    fn write(&self, key: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{key}: {}", list(self))
    }

    fn is_within(&self, wide: &Self) -> bool {
        T::are_within(self, wide)
    }
}

fn list(items: &[impl Item]) -> String {
    items.iter().map(Item::written).collect::<Vec<_>>().join(", ")
}

/// Operations as a scenario names them, and those that it means.
#[derive(Clone, Debug, PartialEq)]
pub struct Operations {
    pub written: String,
    pub names: Vec<&'static str>,
}

impl Item for Operations {
    fn written(&self) -> Cow<'_, str> {
        self.written.as_str().into()
    }

    fn are_within(narrow: &[Self], wide: &[Self]) -> bool {
        let mut names = narrow.iter().flat_map(|it| &it.names);
        names.all(|name| wide.iter().any(|it| it.names.contains(name)))
    }
}

impl Item for Pattern {
    fn written(&self) -> Cow<'_, str> {
        self.text().into()
    }

    fn is_within(&self, wide: &Self) -> bool {
        self == wide || wide.text() == "*" || (!self.text().contains('*') && wide.matches(self.text()))
    }
}

impl Item for Number {
    fn written(&self) -> Cow<'_, str> {
        self.to_string().into()
    }

    fn is_within(&self, wide: &Self) -> bool {
        self.digits() == wide.digits() && (wide.extension().is_empty() || self.extension() == wide.extension())
    }
}

impl Item for String {
    fn written(&self) -> Cow<'_, str> {
        self.as_str().into()
    }
}

impl Item for AuthenticationType {
    fn written(&self) -> Cow<'_, str> {
        self.word().into()
    }
}

impl Item for Mode {
    fn written(&self) -> Cow<'_, str> {
        self.word().into()
    }
}

/// A simple parameter of the request, and the texts that it may have.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// On the wire.
    pub name: &'static str,
    pub texts: Vec<Pattern>,
}

impl Operand for Parameter {
    fn write(&self, _: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, list(&self.texts))
    }

    fn is_within(&self, wide: &Self) -> bool {
        self.name == wide.name && self.texts.is_within(&wide.texts)
    }
}

/// A counter, and the number that it must have reached.
#[derive(Clone, Debug, PartialEq)]
pub struct Reached {
    pub counter: Arc<str>,
    pub at_least: u64,
}

impl Operand for Reached {
    fn write(&self, _: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.counter, self.at_least)
    }

    fn is_within(&self, wide: &Self) -> bool {
        self.counter == wide.counter && self.at_least >= wide.at_least
    }
}

impl Operand for Percent {
    fn write(&self, key: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{key}: {self}")
    }

    /// Two draws have nothing in common.
    fn is_within(&self, wide: &Self) -> bool {
        *wide == Self::ALL
    }
}

/// A state of the scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedState {
    /// Its place in the scenario.
    pub place: usize,
    pub name: Arc<str>,
}

impl Item for NamedState {
    fn written(&self) -> Cow<'_, str> {
        (&*self.name).into()
    }
}

/// Addresses that a call can come from.
#[derive(Clone, Debug, PartialEq)]
pub enum Addresses {
    /// An address, and how many of its bits count.
    Net(IpAddr, u8),
    Like(Pattern),
}

impl Addresses {
    pub(super) fn has(&self, text: &str) -> bool {
        match self {
            Self::Like(pattern) => pattern.matches(text),
            Self::Net(net, bits) => match (net, text.trim().parse::<IpAddr>().map(|it| it.to_canonical())) {
                (IpAddr::V4(net), Ok(IpAddr::V4(it))) => {
                    (net.to_bits() ^ it.to_bits()).leading_zeros() >= u32::from(*bits)
                }
                (IpAddr::V6(net), Ok(IpAddr::V6(it))) => {
                    (net.to_bits() ^ it.to_bits()).leading_zeros() >= u32::from(*bits)
                }
                _ => false,
            },
        }
    }
}

impl Item for Addresses {
    fn written(&self) -> Cow<'_, str> {
        match self {
            Self::Net(net, bits) => format!("{net}/{bits}").into(),
            Self::Like(pattern) => pattern.written(),
        }
    }
}

/// A part of the day; where it ends before it begins, it goes past midnight.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Hours {
    /// Since midnight.
    pub from: Duration,
    /// Since midnight, and no longer in it.
    pub to: Duration,
}

impl Hours {
    pub(super) fn has(self, now: Timestamp) -> bool {
        let at = since_midnight(now);
        match self.from <= self.to {
            true => (self.from..self.to).contains(&at),
            false => at >= self.from || at < self.to,
        }
    }
}

impl Item for Hours {
    fn written(&self) -> Cow<'_, str> {
        format!("{}-{}", clock(self.from), clock(self.to)).into()
    }
}

/// A time after the start of the space.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Window {
    /// After the start.
    pub from: Duration,
    /// How long it stays open. `None`: for ever.
    pub length: Option<Duration>,
}

impl Window {
    pub(super) fn has(self, since_start: Duration) -> bool {
        since_start >= self.from && since_start < self.end()
    }

    /// Whether it is open at a time from `from` until before `to`.
    pub(super) fn meets(self, from: Duration, to: Duration) -> bool {
        self.from.max(from) < self.end().min(to)
    }

    /// When it closes; the longest time where it stays open.
    fn end(self) -> Duration {
        self.length.map_or(Duration::MAX, |length| self.from.saturating_add(length))
    }
}

impl Item for Window {
    fn written(&self) -> Cow<'_, str> {
        let from = humantime::format_duration(self.from);
        match self.length {
            Some(length) => format!("{{from: {from}, for: {}}}", humantime::format_duration(length)).into(),
            None => format!("{{from: {from}}}").into(),
        }
    }

    fn is_within(&self, wide: &Self) -> bool {
        self.from >= wide.from && self.end() <= wide.end()
    }
}

words! {
    /// A day of the week.
    Day {
        Monday => "mon",
        Tuesday => "tue",
        Wednesday => "wed",
        Thursday => "thu",
        Friday => "fri",
        Saturday => "sat",
        Sunday => "sun",
    }
}

impl Day {
    /// The day of a moment, in UTC.
    pub(super) fn of(at: Timestamp) -> Self {
        // 1970-01-01 was a Thursday.
        let days = at.unix().as_secs() / DAY + 3;
        Self::ALL[usize::try_from(days % 7).expect("there are 7")]
    }
}

impl Item for Day {
    fn written(&self) -> Cow<'_, str> {
        self.word().into()
    }
}

/// Seconds.
const DAY: u64 = 86_400;

pub(super) fn since_midnight(at: Timestamp) -> Duration {
    Duration::from_secs(at.unix().as_secs() % DAY)
}

/// A length of time to the second.
pub(super) fn short(time: Duration) -> String {
    humantime::format_duration(Duration::from_secs(time.as_secs())).to_string()
}

/// A time of day as hours and minutes.
pub(super) fn clock(since_midnight: Duration) -> String {
    let minutes = since_midnight.as_secs() / 60;
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_unix(Duration::from_secs(seconds))
    }

    #[test]
    fn nets_hold_the_addresses_whose_first_bits_are_theirs() {
        let net = |net: &str, bits| Addresses::Net(net.parse().unwrap(), bits);
        assert!(net("10.0.0.0", 8).has("10.200.3.4"));
        assert!(net("10.0.0.0", 8).has("::ffff:10.1.1.1"));
        assert!(!net("10.0.0.0", 8).has("11.0.0.1"));
        assert!(net("0.0.0.0", 0).has("203.0.113.9"));
        assert!(net("192.0.2.1", 32).has(" 192.0.2.1 "));
        assert!(!net("192.0.2.1", 32).has("192.0.2.2"));
        assert!(net("2001:db8::", 32).has("2001:db8:1::1"));
        assert!(!net("2001:db8::", 32).has("10.0.0.1"));
        assert!(!net("10.0.0.0", 8).has("here"));
        assert!(Addresses::Like(Pattern::new("192.0.2.*")).has("192.0.2.77"));
    }

    #[test]
    fn hours_can_go_past_midnight_and_days_are_those_of_the_calendar() {
        let hour = |it: u64| Duration::from_secs(3600 * it);
        let office = Hours { from: hour(8), to: hour(17) };
        let night = Hours { from: hour(22), to: hour(6) };
        // 2026-01-01, a Thursday.
        let day = 1_767_225_600;
        assert!(office.has(at(day + 8 * 3600)) && !office.has(at(day + 17 * 3600)));
        assert!(night.has(at(day + 23 * 3600)) && night.has(at(day)) && !night.has(at(day + 6 * 3600)));
        assert_eq!(night.written(), "22:00-06:00");
        assert_eq!((Day::of(at(day)), Day::of(at(day + 4 * DAY))), (Day::Thursday, Day::Monday));
    }
}
