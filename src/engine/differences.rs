//! What differs between two scenarios.

use std::fmt;

use crate::text::counted;

/// Whether a reload keeps what calls have changed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum OnReload {
    /// Changed users, open challenges, counters and the clock stay. What differs in the scenario holds from now on.
    #[default]
    Keep,
    /// Every space of the scenario starts again.
    Reset,
}

/// What differs between two scenarios.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Differences {
    /// By name.
    pub users: Difference,
    /// By name.
    pub rules: Difference,
    /// The other parts that differ, by their keys.
    pub settings: Vec<&'static str>,
}

/// Names of users or rules.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Difference {
    pub added: Vec<String>,
    pub removed: Vec<String>,
    pub changed: Vec<String>,
}

impl Differences {
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.users.is_empty() && self.rules.is_empty() && self.settings.is_empty()
    }
}

impl Difference {
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }

    /// Such as `1 user added (anna), 2 changed (ben, carla)`.
    fn list(&self, f: &mut fmt::Formatter<'_>, what: &str) -> fmt::Result {
        let mut between = "";
        for (names, change) in [(&self.added, "added"), (&self.removed, "removed"), (&self.changed, "changed")] {
            let [first, rest @ ..] = &names[..] else { continue };
            let count = match between.is_empty() {
                true => counted(names.len(), what),
                false => names.len().to_string(),
            };
            write!(f, "{between}{count} {change} ({first}")?;
            rest.iter().take(LISTED - 1).try_for_each(|it| write!(f, ", {it}"))?;
            f.write_str(if names.len() > LISTED { ", …)" } else { ")" })?;
            between = ", ";
        }
        Ok(())
    }
}

/// How many names of each kind are listed.
const LISTED: usize = 3;

impl fmt::Display for Differences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("nothing changed");
        }
        let mut between = "";
        for (what, it) in [("user", &self.users), ("rule", &self.rules)] {
            if !it.is_empty() {
                f.write_str(between)?;
                it.list(f, what)?;
                between = "; ";
            }
        }
        if !self.settings.is_empty() {
            write!(f, "{between}changed: {}", self.settings.join(", "))?;
        }
        Ok(())
    }
}
