//! When a rule matches: a tree of conditions over what is known of a call.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::contract::{AuthenticationType, Mode, Value};
use crate::engine::rules::states::{Keys, People};
use crate::engine::{Number, Pattern, Timestamp, User};

/// What a rule asks of a call. Lists match if one of theirs does.
#[derive(Clone, Debug, PartialEq)]
pub enum When {
    /// Each of them; none of them: always.
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    Operation(Vec<Operations>),
    /// The name in the call as it is stored, or the user whose number is called.
    User(Vec<Pattern>),
    Phone(Vec<Number>),
    /// The country code of the number.
    Country(Vec<String>),
    InitiatingType(Vec<AuthenticationType>),
    /// Of an event: its name.
    Application(Vec<Pattern>),
    /// The address that the user signs in from.
    Ip(Vec<Addresses>),
    /// How the person is reached in effect.
    Mode(Vec<Mode>),
    /// A tag of the person, by its identifier.
    Tag(Vec<String>),
    /// The group of the person.
    Group(Vec<Pattern>),
    /// A parameter of the request, by its name on the wire.
    Field(&'static str, Vec<Pattern>),
    Space(Vec<Pattern>),
    /// The time of day by the space's clock, in UTC.
    Time(Vec<Hours>),
    Day(Vec<Day>),
    /// A state that the person is in, by its place in the scenario.
    State(Vec<(usize, Arc<str>)>),
    /// A counter of the person that has reached a number.
    Count(Arc<str>, u64),
}

/// Operations as a scenario names them, and those that it means.
#[derive(Clone, Debug, PartialEq)]
pub struct Operations {
    pub written: String,
    pub names: Vec<&'static str>,
}

/// Addresses that a call can come from.
#[derive(Clone, Debug, PartialEq)]
pub enum Addresses {
    /// An address, and how many of its bits count.
    Net(IpAddr, u8),
    Like(Pattern),
}

/// A part of the day; where it ends before it begins, it goes past midnight.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Hours {
    /// Since midnight.
    pub from: Duration,
    /// Since midnight, and no longer in it.
    pub to: Duration,
}

/// Declares words: `Name => "word"`.
macro_rules! words {
    ($(#[doc = $doc:literal])* $type:ident { $($(#[doc = $about:literal])* $name:ident => $word:literal,)* }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub enum $type { $($(#[doc = $about])* $name,)* }

        impl $type {
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The word for it in scenario files.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }
    };
}
pub(in crate::engine) use words;

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

/// A call as rules see it.
#[derive(Debug)]
pub struct Facts<'a> {
    pub operation: &'static str,
    /// Whether the operation asks somebody for a second factor.
    pub asks: bool,
    pub space: &'a str,
    pub now: Timestamp,
    /// The parameters by their wire names.
    pub values: &'a [(&'static str, Value<'a>)],
    /// As stored where the user is known, else as sent.
    pub username: &'a str,
    pub account: Option<&'a User>,
    /// The user whose number is called.
    pub owner: Option<&'a User>,
    /// The user who is asked: of a number that comes with the call the one who has it, else the account.
    pub person: Option<&'a User>,
    /// The number that is called: given with the call, or stored.
    pub number: Option<Number>,
    pub initiating_type: AuthenticationType,
    pub application: &'a str,
    pub ip_address: &'a str,
    pub mode: Mode,
    pub(in crate::engine) keys: Keys,
    pub(in crate::engine) people: &'a People,
}

impl Facts<'_> {
    /// Whose tags and group count.
    fn described(&self) -> Option<&User> {
        self.person.or(self.account)
    }
}

impl Default for When {
    fn default() -> Self {
        Self::All(Vec::new())
    }
}

impl When {
    #[must_use]
    pub fn matches(&self, facts: &Facts<'_>) -> bool {
        let like = |patterns: &[Pattern], text: &str| patterns.iter().any(|it| it.matches(text));
        match self {
            Self::All(all) => all.iter().all(|it| it.matches(facts)),
            Self::Any(any) => any.iter().any(|it| it.matches(facts)),
            Self::Not(not) => !not.matches(facts),
            Self::Operation(operations) => operations.iter().any(|it| it.names.contains(&facts.operation)),
            Self::User(users) => like(users, facts.username) || facts.owner.is_some_and(|it| like(users, &it.username)),
            Self::Phone(numbers) => {
                facts.number.as_ref().is_some_and(|number| numbers.iter().any(|it| it.same_as(number)))
            }
            Self::Country(codes) => facts.number.as_ref().is_some_and(|number| codes.iter().any(|it| number.is_in(it))),
            Self::InitiatingType(types) => types.contains(&facts.initiating_type),
            Self::Application(names) => like(names, facts.application),
            Self::Ip(addresses) => addresses.iter().any(|it| it.has(facts.ip_address)),
            Self::Mode(modes) => modes.contains(&facts.mode),
            Self::Tag(tags) => facts.described().is_some_and(|it| it.tags.iter().any(|it| tags.contains(it))),
            Self::Group(groups) => {
                let group = facts.described().and_then(|it| it.settings.user_group.as_deref());
                group.is_some_and(|it| like(groups, it))
            }
            Self::Field(name, patterns) => text_of(facts, name).is_some_and(|it| like(patterns, &it)),
            Self::Space(names) => like(names, facts.space),
            Self::Time(hours) => hours.iter().any(|it| it.has(facts.now)),
            Self::Day(days) => days.contains(&Day::of(facts.now)),
            Self::State(states) => states.iter().any(|(state, _)| facts.people.is_in(facts.now, *state, &facts.keys)),
            Self::Count(name, at_least) => facts.people.count(name, &facts.keys) >= *at_least,
        }
    }

    /// The first condition that does not hold, in words; `None` where all do.
    #[must_use]
    pub fn why_not(&self, facts: &Facts<'_>) -> Option<String> {
        if self.matches(facts) {
            return None;
        }
        Some(match self {
            Self::All(all) => return all.iter().find_map(|it| it.why_not(facts)),
            Self::Any(any) => {
                let each: Vec<_> = any.iter().filter_map(|it| it.why_not(facts)).collect();
                format!("none of any holds: {}", each.join("; "))
            }
            Self::Not(not) => format!("not holds: {not}"),
            _ => format!("{}, and the rule wants {self}", self.found(facts)),
        })
    }

    /// The conditions that must all hold: those of the tree's root.
    #[must_use]
    pub fn conditions(&self) -> &[Self] {
        match self {
            Self::All(all) => all,
            one => std::slice::from_ref(one),
        }
    }

    /// What the call has where the condition looks.
    fn found(&self, facts: &Facts<'_>) -> String {
        let number =
            || facts.number.as_ref().map_or_else(|| "there is no number".into(), |it| format!("phone is {it}"));
        match self {
            Self::All(_) | Self::Any(_) | Self::Not(_) => String::new(),
            Self::Operation(_) => format!("operation is {}", facts.operation),
            Self::User(_) => match facts.owner.filter(|it| it.username != facts.username) {
                Some(owner) => format!("user is {}, called is {}", shown(facts.username), owner.username),
                None => format!("user is {}", shown(facts.username)),
            },
            Self::Phone(_) | Self::Country(_) => number(),
            Self::InitiatingType(_) => format!("initiating_type is {}", facts.initiating_type.word()),
            Self::Application(_) => format!("application is {}", shown(facts.application)),
            Self::Ip(_) => format!("ip is {}", shown(facts.ip_address)),
            Self::Mode(_) => format!("mode is {}", facts.mode.word()),
            Self::Tag(_) => {
                let tags = facts.described().map(|it| it.tags.join(", ")).unwrap_or_default();
                format!("tags are {}", shown(&tags))
            }
            Self::Group(_) => {
                let group = facts.described().and_then(|it| it.settings.user_group.as_deref()).unwrap_or_default();
                format!("group is {}", shown(group))
            }
            Self::Field(name, _) => match text_of(facts, name) {
                Some(text) => format!("{name} is {}", shown(&text)),
                None => format!("the request has no {name}"),
            },
            Self::Space(_) => format!("space is {}", facts.space),
            Self::Time(_) => format!("time is {}", clock(since_midnight(facts.now))),
            Self::Day(_) => format!("the day is {}", Day::of(facts.now).word()),
            Self::State(_) => "the person is in no such state".into(),
            Self::Count(name, _) => format!("{name} is {}", facts.people.count(name, &facts.keys)),
        }
    }
}

/// The condition as a scenario writes it.
impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn list<T: fmt::Display>(it: &[T]) -> String {
            it.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        }
        let words = |it: &mut dyn Iterator<Item = &'static str>| it.collect::<Vec<_>>().join(", ");
        match self {
            Self::All(all) if all.is_empty() => f.write_str("anything"),
            Self::All(all) => f.write_str(&list(all)),
            Self::Any(any) => write!(f, "any: [{}]", list(any)),
            Self::Not(not) => write!(f, "not: {not}"),
            Self::Operation(it) => {
                write!(f, "operation: {}", it.iter().map(|it| &*it.written).collect::<Vec<_>>().join(", "))
            }
            Self::User(it) => write!(f, "user: {}", list(it)),
            Self::Phone(it) => write!(f, "phone: {}", list(it)),
            Self::Country(it) => write!(f, "country: {}", list(it)),
            Self::InitiatingType(it) => write!(f, "initiating_type: {}", words(&mut it.iter().map(|it| it.word()))),
            Self::Application(it) => write!(f, "application: {}", list(it)),
            Self::Ip(it) => write!(f, "ip: {}", list(it)),
            Self::Mode(it) => write!(f, "mode: {}", words(&mut it.iter().map(|it| it.word()))),
            Self::Tag(it) => write!(f, "tag: {}", list(it)),
            Self::Group(it) => write!(f, "group: {}", list(it)),
            Self::Field(name, it) => write!(f, "{name}: {}", list(it)),
            Self::Space(it) => write!(f, "space: {}", list(it)),
            Self::Time(it) => write!(f, "time: {}", list(it)),
            Self::Day(it) => write!(f, "days: {}", words(&mut it.iter().map(|it| it.word()))),
            Self::State(it) => {
                write!(f, "state: {}", it.iter().map(|it| &*it.1).collect::<Vec<_>>().join(", "))
            }
            Self::Count(name, at_least) => write!(f, "{name}: {at_least}"),
        }
    }
}

impl Addresses {
    fn has(&self, text: &str) -> bool {
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

impl fmt::Display for Addresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Net(net, bits) => write!(f, "{net}/{bits}"),
            Self::Like(pattern) => pattern.fmt(f),
        }
    }
}

impl Hours {
    fn has(self, now: Timestamp) -> bool {
        let at = since_midnight(now);
        match self.from <= self.to {
            true => (self.from..self.to).contains(&at),
            false => at >= self.from || at < self.to,
        }
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", clock(self.from), clock(self.to))
    }
}

impl Day {
    /// The day of a moment, in UTC.
    fn of(at: Timestamp) -> Self {
        // 1970-01-01 was a Thursday.
        let days = at.unix().as_secs() / DAY + 3;
        Self::ALL[usize::try_from(days % 7).expect("there are 7")]
    }
}

/// Seconds.
const DAY: u64 = 86_400;

fn since_midnight(at: Timestamp) -> Duration {
    Duration::from_secs(at.unix().as_secs() % DAY)
}

fn clock(since_midnight: Duration) -> String {
    let minutes = since_midnight.as_secs() / 60;
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

fn shown(text: &str) -> &str {
    if text.is_empty() { "empty" } else { text }
}

/// A simple parameter as a scenario writes it. Secrets have none.
fn text_of(facts: &Facts<'_>, name: &str) -> Option<String> {
    match facts.values.iter().find(|it| it.0 == name)?.1 {
        Value::Text(text) => Some(text.into()),
        Value::Number(number) => Some(number.to_string()),
        Value::Real(number) => Some(number.to_string()),
        Value::Truth(truth) => Some(truth.to_string()),
        Value::Missing | Value::Secret | Value::Nested => None,
    }
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
        assert_eq!(night.to_string(), "22:00-06:00");
        assert_eq!((Day::of(at(day)), Day::of(at(day + 4 * DAY))), (Day::Thursday, Day::Monday));
    }
}
