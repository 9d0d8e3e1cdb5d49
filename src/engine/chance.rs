//! Chance: whether a rule takes a call is drawn by the rule's name, the person and the turn. So neither other rules, nor
//! other spaces, nor the order of calls change a draw.

use std::fmt;
use std::sync::Arc;

use crate::engine::random::drawn_by_name;

/// How many of a hundred calls a rule takes, on average: 0 to 100.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Percent(u8);

impl Percent {
    /// Every call.
    pub const ALL: Self = Self(100);

    /// `None`: above 100.
    #[must_use]
    pub const fn new(percent: u8) -> Option<Self> {
        if percent <= 100 { Some(Self(percent)) } else { None }
    }
}

/// As a scenario writes it.
impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

/// What a rule with `chance` drew for a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Draw {
    pub rule: Arc<str>,
    pub chance: Percent,
    /// 0 to 99.
    pub drew: u8,
    /// The how many-th draw of the rule it is for the person, from 1.
    pub turn: u64,
}

impl Draw {
    /// `key` is that of the person or number, as `per` says.
    pub(in crate::engine) fn of(seed: u64, rule: &Arc<str>, chance: Percent, key: &str, turn: u64) -> Self {
        let [drawn, ..] = drawn_by_name(seed, &["chance", rule, key], turn);
        let drew = u8::try_from((u128::from(drawn) * 100) >> 64).expect("it is below 100");
        Self { rule: rule.clone(), chance, drew, turn }
    }

    /// Whether the rule takes the call.
    #[must_use]
    pub const fn is_taken(&self) -> bool {
        self.drew < self.chance.0
    }
}

/// `chance 30 %: drew 41, not taken (turn 7)`
impl fmt::Display for Draw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let taken = if self.is_taken() { "taken" } else { "not taken" };
        write!(f, "chance {} %: drew {}, {taken} (turn {})", self.chance.0, self.drew, self.turn)
    }
}
