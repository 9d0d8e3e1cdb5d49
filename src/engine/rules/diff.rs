//! A scenario that changes while it is played: what is different, and what an engine makes of it.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use crate::engine::rules::book::Rules;
use crate::engine::{Directory, Engine, Notice, Rule, Timestamp, User, What};

/// What a changed scenario does to what calls have changed meanwhile.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum OnReload {
    /// It stays: changed users, open challenges, counters, the clock. What the scenario says anew holds from now on.
    #[default]
    Keep,
    /// Everything begins anew, as at the start.
    Reset,
}

/// What is different between two scenarios.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Differences {
    /// By name.
    pub users: Difference,
    /// By name.
    pub rules: Difference,
    /// The other parts that differ, by their keys.
    pub settings: Vec<&'static str>,
}

/// Names of what is new, gone, or not what it was.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Difference {
    pub added: Vec<String>,
    pub removed: Vec<String>,
    pub changed: Vec<String>,
}

/// Up to so many users are changed one by one; for more the directory is made anew.
const FEW: usize = 1000;

impl Engine {
    /// What another scenario has different, both as they were set up: no call came to either.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Differences {
        let (before, after) = (&self.company, &other.company);
        let settings = [
            ("company", before != after),
            ("sessions", self.sessions != other.sessions),
            ("seed", self.seed != other.seed),
            ("states", self.people.states() != other.people.states()),
            ("magic_numbers", self.magic_numbers != other.magic_numbers),
            ("order of rules", out_of_order(&self.rules, &other.rules)),
        ];
        Differences {
            users: users(&self.users, &other.users),
            rules: rules(&self.rules, &other.rules),
            settings: settings.into_iter().filter(|it| it.1).map(|it| it.0).collect(),
        }
    }

    /// Goes on under another scenario, `to`, of which `differences` are those to the one before. What did not change
    /// there stays as calls have left it; what did is now as `to` has it.
    pub fn reload(&mut self, to: &Self, differences: &Differences, now: Timestamp) {
        self.reload_users(to, &differences.users, now);
        self.company = to.company.clone();
        let same_states = !differences.settings.contains(&"states");
        self.rules.reload(now, &to.rules, &differences.rules, same_states);
        self.people.reload(&to.people);
        self.magic_numbers = to.magic_numbers;
        if differences.settings.contains(&"sessions") {
            self.sessions = to.sessions.clone();
        }
        self.seed = to.seed;
        self.scenario = to.scenario.clone();
        self.text = to.text.clone();
        self.next_device = self.next_device.max(to.next_device);
        let text = differences.to_string().into();
        self.journal.note(now, What::Notice(Notice { topic: "reload", text }));
    }

    fn reload_users(&mut self, to: &Self, changes: &Difference, now: Timestamp) {
        let Difference { added, removed, changed } = changes;
        let new = added.iter().chain(changed).filter_map(|it| to.users.exactly(it)).map(|it| {
            let mut user = User::clone(it);
            user.pin_changed = Timestamp::default();
            user.block.iter_mut().for_each(|it| it.since = Timestamp::default());
            user.begin(now);
            Arc::new(user)
        });
        let gone = removed.iter().chain(changed).chain(added);
        let same_numbers = self.company.country_code == to.company.country_code;
        if same_numbers && added.len() + removed.len() + changed.len() <= FEW {
            gone.for_each(|it| drop(self.users.remove_named(it)));
            for user in new {
                self.users.add_shared(user);
            }
            return;
        }
        let gone: HashSet<String> = gone.map(|it| it.to_lowercase()).collect();
        let stay = self.users.shared().filter(|it| !gone.contains(&it.username.to_lowercase()));
        let users: Vec<Arc<User>> = stay.cloned().chain(new).collect();
        self.users = Directory::of_shared(users, &to.company.country_code);
    }
}

/// What differs between two lists of users in the order of their names.
fn users(before: &Directory, after: &Directory) -> Difference {
    let mut difference = Difference::default();
    let (mut before, mut after) = (before.shared().peekable(), after.shared().peekable());
    loop {
        let order = match (before.peek(), after.peek()) {
            (None, None) => return difference,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(a), Some(b)) => a.username.to_lowercase().cmp(&b.username.to_lowercase()),
        };
        let old = before.next_if(|_| order != Ordering::Greater);
        let new = after.next_if(|_| order != Ordering::Less);
        match (old, new) {
            (Some(old), Some(new)) if old.is_written_as(new) => (),
            (Some(_), Some(new)) => difference.changed.push(new.username.clone()),
            (Some(old), None) => difference.removed.push(old.username.clone()),
            (None, Some(new)) => difference.added.push(new.username.clone()),
            (None, None) => unreachable!("one of them is there"),
        }
    }
}

fn rules(before: &Rules, after: &Rules) -> Difference {
    let name = |it: &Rule| it.name.to_string();
    let old: HashMap<&str, &Rule> = before.iter().map(|it| (&*it.name, it)).collect();
    let new: HashMap<&str, &Rule> = after.iter().map(|it| (&*it.name, it)).collect();
    Difference {
        added: after.iter().filter(|it| !old.contains_key(&*it.name)).map(name).collect(),
        removed: before.iter().filter(|it| !new.contains_key(&*it.name)).map(name).collect(),
        changed: after.iter().filter(|it| old.get(&*it.name).is_some_and(|old| old != it)).map(name).collect(),
    }
}

/// Whether the rules that both have stand in another order.
fn out_of_order(before: &Rules, after: &Rules) -> bool {
    let places: HashMap<&str, usize> = before.iter().enumerate().map(|(at, it)| (&*it.name, at)).collect();
    !after.iter().filter_map(|it| places.get(&*it.name)).is_sorted()
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
    fn tell(&self, f: &mut fmt::Formatter<'_>, what: &str) -> fmt::Result {
        let mut between = "";
        for (names, how) in [(&self.added, "added"), (&self.removed, "removed"), (&self.changed, "changed")] {
            let [first, rest @ ..] = &names[..] else { continue };
            let noun = if between.is_empty() { what } else { "" };
            let plural = if noun.is_empty() || rest.is_empty() { "" } else { "s" };
            let blank = if noun.is_empty() { "" } else { " " };
            write!(f, "{between}{}{blank}{noun}{plural} {how} ({first}", names.len())?;
            rest.iter().take(TOLD - 1).try_for_each(|it| write!(f, ", {it}"))?;
            f.write_str(if names.len() > TOLD { ", …)" } else { ")" })?;
            between = ", ";
        }
        Ok(())
    }
}

/// How many names are told.
const TOLD: usize = 3;

impl fmt::Display for Differences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("nothing changed");
        }
        let mut between = "";
        for (what, it) in [("user", &self.users), ("rule", &self.rules)] {
            if !it.is_empty() {
                f.write_str(between)?;
                it.tell(f, what)?;
                between = "; ";
            }
        }
        if !self.settings.is_empty() {
            write!(f, "{between}changed: {}", self.settings.join(", "))?;
        }
        Ok(())
    }
}

/// The scenario that an engine was set up by, to be told from others.
#[derive(Clone, Debug, Default)]
pub(in crate::engine) struct Scenario(Arc<()>);

impl Engine {
    /// Whether both go back to one scenario.
    #[must_use]
    pub fn has_scenario_of(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.scenario.0, &other.scenario.0)
    }
}
