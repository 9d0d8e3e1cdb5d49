//! When a rule matches: a tree of conditions. `conditions!` is the table of them; matching, explanations, the index of
//! rules, and what scenario files may have under `when` follow from its rows.

use std::fmt;
use std::time::Duration;

use crate::contract::{AuthenticationType, Mode};
use crate::engine::chance::Percent;
use crate::engine::rules::facts::Facts;
use crate::engine::rules::operand::{
    Addresses, Day, Hours, NamedState, Operand, Operations, Parameter, Reached, Window, clock, short, since_midnight,
};
use crate::engine::{Number, Pattern};

/// The conditions of `when`, in the order in which they are tried and explained. `conditions!(then)` hands every row to
/// the macro `then`:
///
/// ```text
/// Name(what the condition holds) => "key", quantifier value {
///     index: [the function that tells the keys by which rules with it are found, or nothing],
///     holds: |it, call| whether the call meets it,
///     found: |it, call| what the call has instead, for people,
/// }
/// ```
///
/// `any_of value`: one value or a list, one of which must fit. `each_of value`: a mapping, each pair of which is a
/// condition. `one value`: one value. `value` is the reader in `scenario::when` that reads and describes what a scenario writes.
macro_rules! conditions {
    ($then:ident) => {
        $then! {
            Operation(Vec<Operations>) => "operation", any_of operation {
                index: [],
                holds: |it, call| it.iter().any(|it| it.names.contains(&call.operation)),
                found: |_, call| format!("operation is {}", call.operation),
            }
            /// The name in the call as it is stored, or the user whose number is called.
            User(Vec<Pattern>) => "user", any_of username {
                index: [by_user],
                holds: |it, call| like(it, call.subject.username) || call.owner().is_some_and(|owner| like(it, owner)),
                found: |_, call| match call.owner() {
                    Some(owner) => format!("user is {}, called is {owner}", or_empty(call.subject.username)),
                    None => format!("user is {}", or_empty(call.subject.username)),
                },
            }
            Phone(Vec<Number>) => "phone", any_of phone_number {
                index: [by_number],
                holds: |it, call| call.subject.number().is_some_and(|number| it.iter().any(|it| it.same_as(number))),
                found: |_, call| number(call),
            }
            /// The country code of the number.
            Country(Vec<String>) => "country", any_of country_code {
                index: [],
                holds: |it, call| call.subject.number().is_some_and(|number| it.iter().any(|it| number.is_in(it))),
                found: |_, call| number(call),
            }
            InitiatingType(Vec<AuthenticationType>) => "initiating_type", any_of initiating_type {
                index: [],
                holds: |it, call| it.contains(&call.initiating_type),
                found: |_, call| format!("initiating_type is {}", call.initiating_type.word()),
            }
            /// Of an event: its name.
            Application(Vec<Pattern>) => "application", any_of text_pattern {
                index: [],
                holds: |it, call| like(it, call.application),
                found: |_, call| format!("application is {}", or_empty(call.application)),
            }
            /// The address that the user signs in from, as the caller gives it.
            Ip(Vec<Addresses>) => "ip", any_of address {
                index: [],
                holds: |it, call| it.iter().any(|it| it.has(call.ip_address)),
                found: |_, call| format!("ip is {}", or_empty(call.ip_address)),
            }
            /// How the person is reached in effect.
            Mode(Vec<Mode>) => "mode", any_of mode {
                index: [],
                holds: |it, call| it.contains(&call.mode),
                found: |_, call| format!("mode is {}", call.mode.word()),
            }
            /// A tag of the person, by its identifier.
            Tag(Vec<String>) => "tag", any_of tag {
                index: [],
                holds: |it, call| call.described().is_some_and(|user| user.tags.iter().any(|tag| it.contains(tag))),
                found: |_, call| {
                    let tags = call.described().map(|it| it.tags.join(", ")).unwrap_or_default();
                    format!("tags are {}", or_empty(&tags))
                },
            }
            /// The group of the person.
            Group(Vec<Pattern>) => "group", any_of text_pattern {
                index: [],
                holds: |it, call| call.group().is_some_and(|group| like(it, group)),
                found: |_, call| format!("group is {}", or_empty(call.group().unwrap_or_default())),
            }
            Space(Vec<Pattern>) => "space", any_of name_pattern {
                index: [],
                holds: |it, call| like(it, call.space),
                found: |_, call| format!("space is {}", call.space),
            }
            /// The time of day by the space's clock, in UTC.
            Time(Vec<Hours>) => "time", any_of part_of_day {
                index: [],
                holds: |it, call| it.iter().any(|it| it.has(call.now)),
                found: |_, call| format!("time is {}", clock(since_midnight(call.now))),
            }
            Day(Vec<Day>) => "days", any_of weekday {
                index: [],
                holds: |it, call| it.contains(&Day::of(call.now)),
                found: |_, call| format!("the day is {}", Day::of(call.now).word()),
            }
            /// A state that the person is in.
            State(Vec<NamedState>) => "state", any_of state {
                index: [],
                holds: |it, call| it.iter().any(|it| call.people.is_in(call.now, it.place, &call.keys)),
                found: |_, _| "the person is in no such state".into(),
            }
            /// A parameter of the request, by its name on the wire.
            Field(Parameter) => "field", each_of parameters {
                index: [],
                holds: |it, call| call.parameter(it.name).is_some_and(|text| like(&it.texts, &text)),
                found: |it, call| match call.parameter(it.name) {
                    Some(text) => format!("{} is {}", it.name, or_empty(&text)),
                    None => format!("the request has no {}", it.name),
                },
            }
            /// A counter of the person that has reached a number.
            Count(Reached) => "count", each_of counters {
                index: [],
                holds: |it, call| call.people.counter(&it.counter, &call.keys) >= it.at_least,
                found: |it, call| format!("{} is {}", it.counter, call.people.counter(&it.counter, &call.keys)),
            }
            /// A time after the start of the space.
            Window(Vec<Window>) => "window", any_of window {
                index: [],
                holds: |it, call| it.iter().any(|it| it.has(call.since_start)),
                found: |_, call| format!("the space began {} ago", short(call.since_start)),
            }
            /// It holds here; the rules draw once all other conditions hold.
            Chance(Percent) => "chance", one percent {
                index: [],
                holds: |_, _| true,
                found: |_, _| String::new(),
            }
        }
    };
}

pub(crate) use conditions;

/// Declares the tree of conditions from the rows of the table.
macro_rules! declare {
    ($($(#[$doc:meta])* $name:ident($operand:ty) => $key:literal, $quantifier:ident $value:ident {
        index: [$($index:ident)?],
        holds: $holds:expr,
        found: $found:expr,
    })*) => {
        /// What a rule asks of a call.
        #[derive(Clone, Debug, PartialEq)]
        pub enum When {
            /// Each of them; none of them: always.
            All(Vec<Self>),
            Any(Vec<Self>),
            Not(Box<Self>),
            $($(#[$doc])* $name($operand),)*
        }

        impl When {
            /// The keys of the conditions in scenario files.
            pub const KEYS: &[&str] = &[$($key,)*];

            pub(in crate::engine) fn matches(&self, call: &Facts<'_>) -> bool {
                match self {
                    Self::All(all) => all.iter().all(|it| it.matches(call)),
                    Self::Any(any) => any.iter().any(|it| it.matches(call)),
                    Self::Not(not) => !not.matches(call),
                    $(Self::$name(it) => {
                        let holds: fn(&$operand, &Facts<'_>) -> bool = $holds;
                        holds(it, call)
                    })*
                }
            }

            /// What the call has where the condition looks.
            fn found(&self, call: &Facts<'_>) -> String {
                match self {
                    Self::All(_) | Self::Any(_) | Self::Not(_) => String::new(),
                    $(Self::$name(it) => {
                        let found: fn(&$operand, &Facts<'_>) -> String = $found;
                        found(it, call)
                    })*
                }
            }

            /// How rules with this one condition are found.
            fn own_index(&self) -> Option<Index<'_>> {
                match self {
                    $($(Self::$name(it) => $index(it),)?)*
                    _ => None,
                }
            }

            /// Whether this holds wherever `narrow` does. `false` where that is not plain to see.
            #[must_use]
            pub fn covers(&self, narrow: &Self) -> bool {
                match (narrow, self) {
                    $((Self::$name(narrow), Self::$name(wide)) => narrow.is_within(wide),)*
                    _ => narrow == self,
                }
            }
        }

        /// The condition as a scenario writes it.
        impl fmt::Display for When {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let list = |it: &[Self]| it.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                match self {
                    Self::All(all) if all.is_empty() => f.write_str("anything"),
                    Self::All(all) => f.write_str(&list(all)),
                    Self::Any(any) => write!(f, "any: [{}]", list(any)),
                    Self::Not(not) => write!(f, "not: {not}"),
                    $(Self::$name(it) => it.write($key, f),)*
                }
            }
        }
    };
}

conditions!(declare);

/// The keys by which a rule is found without a look at the other rules.
#[derive(Clone, Debug, PartialEq)]
pub enum Index<'a> {
    /// Usernames in lower case.
    Users(Vec<&'a str>),
    /// Digits of numbers.
    Numbers(Vec<&'a str>),
}

impl<'a> Index<'a> {
    #[must_use]
    pub fn keys(&self) -> &[&'a str] {
        match self {
            Self::Users(keys) | Self::Numbers(keys) => keys,
        }
    }
}

fn by_number(numbers: &[Number]) -> Option<Index<'_>> {
    Some(Index::Numbers(numbers.iter().map(Number::digits).collect()))
}

/// `None`: a pattern with `*` fits names that are not known.
fn by_user(users: &[Pattern]) -> Option<Index<'_>> {
    let is_name = |it: &Pattern| !it.text().contains('*');
    users.iter().all(is_name).then(|| Index::Users(users.iter().map(Pattern::text).collect()))
}

impl Default for When {
    fn default() -> Self {
        Self::All(Vec::new())
    }
}

impl When {
    /// The first condition that does not hold, in words; `None` where all do.
    pub(in crate::engine) fn why_not(&self, call: &Facts<'_>) -> Option<String> {
        if self.matches(call) {
            return None;
        }
        Some(match self {
            Self::All(all) => return all.iter().find_map(|it| it.why_not(call)),
            Self::Any(any) => {
                let each: Vec<_> = any.iter().filter_map(|it| it.why_not(call)).collect();
                format!("none of any holds: {}", each.join("; "))
            }
            Self::Not(not) => format!("not holds: {not}"),
            _ => format!("{}, and the rule wants {self}", self.found(call)),
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

    /// The chance of a rule with these conditions. `None`: it takes every call that meets them.
    #[must_use]
    pub fn chance(&self) -> Option<Percent> {
        match self {
            Self::Chance(it) => Some(*it),
            Self::All(all) => all.iter().find_map(Self::chance),
            _ => None,
        }
    }

    /// Whether all windows of the root are open or open once, at a time from `from` until before `to` after the start of the
    /// space.
    pub(super) fn opens_within(&self, from: Duration, to: Duration) -> bool {
        self.conditions().iter().all(|it| match it {
            Self::Window(windows) => windows.iter().any(|it| it.meets(from, to)),
            _ => true,
        })
    }

    /// How rules with these conditions are found: by number, else by user. `None`: each call must be compared.
    #[must_use]
    pub fn index(&self) -> Option<Index<'_>> {
        let indices = || self.conditions().iter().filter_map(Self::own_index);
        indices().find(|it| matches!(it, Index::Numbers(_))).or_else(|| indices().next())
    }
}

fn like(patterns: &[Pattern], text: &str) -> bool {
    patterns.iter().any(|it| it.matches(text))
}

fn number(call: &Facts<'_>) -> String {
    match &call.subject.number {
        Ok(Some(number)) => format!("phone is {number}"),
        Ok(None) => "there is no number".into(),
        Err(why) => format!("phone cannot be read ({why})"),
    }
}

fn or_empty(text: &str) -> &str {
    if text.is_empty() { "empty" } else { text }
}
