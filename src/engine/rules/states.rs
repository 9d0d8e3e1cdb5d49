//! What rules remember of people: the states that they are in, and their counters.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::engine::aging::Aging;
use crate::engine::outcome::{Ending, Method, Outcome, Reaction};
use crate::engine::rules::words::words;
use crate::engine::{Number, Timestamp, User};
use crate::text::lower_case;

words! {
    /// Who shares a sequence of answers or a state.
    Per {
        /// All people.
        All => "all",
        /// Each person has one: the user whose number is called, else the number, else the name in the call.
        User => "user",
        /// Each number has one.
        Number => "number",
    }
}

/// A state that people can be in. Rules refer to it by its place in the scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct PersonState {
    pub name: Arc<str>,
    /// The endings after which a person enters it.
    pub trigger: Option<Trigger>,
    pub per: Per,
    /// `None`: until an answer ends it.
    pub lasts: Option<Duration>,
}

/// Endings of authentications after which a person enters a state.
#[derive(Clone, Debug, PartialEq)]
pub struct Trigger {
    pub endings: Vec<TriggerEnding>,
    /// How many of them.
    pub times: usize,
    /// The time within which they must come. `None`: any.
    pub within: Option<Duration>,
}

/// An ending that a trigger counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TriggerEnding {
    Reaction(Reaction),
    Outcome(Outcome),
}

/// A change of the state of a person. States are named by their places in the scenario.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StateChange {
    /// `lasts`: `None` for as long as the state lasts.
    Enter {
        state: usize,
        lasts: Option<Duration>,
    },
    Leave {
        state: usize,
    },
}

/// The keys under which a person is remembered.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::engine) struct Keys {
    user: String,
    number: String,
}

#[derive(Clone, Debug, Default)]
pub(in crate::engine) struct People {
    states: Arc<[PersonState]>,
    people: Aging<String, Memory>,
    /// At so many people, those without a state, a recent ending or a counter are dropped.
    sweep_at: usize,
}

/// The number of people at the first sweep.
const SWEEP: usize = 1024;

/// What is remembered under one key.
#[derive(Clone, Debug, Default)]
struct Memory {
    /// By the state's place: until when the person is in it.
    states: HashMap<usize, Option<Timestamp>>,
    /// By the state's place: when endings came that its trigger counts.
    endings: HashMap<usize, VecDeque<Timestamp>>,
    counters: HashMap<Arc<str>, u64>,
}

impl Keys {
    pub(in crate::engine) fn of(
        username: &str,
        person: Option<&User>,
        number: Option<&Number>,
        number_given: bool,
    ) -> Self {
        let digits = number.map(Number::digits).unwrap_or_default();
        let user = match person {
            Some(person) => lower_case(&person.username).into(),
            None if number_given && !digits.is_empty() => digits.into(),
            None => lower_case(username).into(),
        };
        Self { user, number: digits.into() }
    }

    pub(in crate::engine) fn per(&self, per: Per) -> &str {
        match per {
            Per::All => "",
            Per::User => &self.user,
            Per::Number => &self.number,
        }
    }
}

impl People {
    pub(super) fn new(states: Vec<PersonState>) -> Self {
        Self { states: states.into(), people: Aging::default(), sweep_at: SWEEP }
    }

    /// Moves what is remembered of a user to another name. `None` forgets it.
    pub(super) fn rename(&mut self, from: &str, to: Option<&str>) {
        let memory = self.people.remove(&from.to_lowercase());
        if let Some((memory, to)) = memory.zip(to) {
            *self.people.or_default(to.to_lowercase()) = memory;
        }
    }

    pub(super) const fn states(&self) -> &Arc<[PersonState]> {
        &self.states
    }

    /// Goes on under changed states. A person stays in a state that is still there.
    pub(super) fn reload(&mut self, to: &Self) {
        let place = |it: &PersonState| to.states.iter().position(|other| other.name == it.name);
        let places: Vec<Option<usize>> = self.states.iter().map(place).collect();
        self.states.clone_from(&to.states);
        for (_, memory) in self.people.iter_mut() {
            let states = std::mem::take(&mut memory.states);
            memory.states = states.into_iter().filter_map(|(at, until)| Some((places[at]?, until))).collect();
            let endings = std::mem::take(&mut memory.endings);
            memory.endings = endings.into_iter().filter_map(|(at, times)| Some((places[at]?, times))).collect();
        }
    }

    pub(super) fn is_in(&self, now: Timestamp, state: usize, keys: &Keys) -> bool {
        let Some(memory) = self.people.get(keys.per(self.states[state].per)) else { return false };
        memory.states.get(&state).is_some_and(|until| until.is_none_or(|until| now < until))
    }

    /// A change starts the count of the state's trigger again.
    pub(super) fn change_state(&mut self, now: Timestamp, change: StateChange, keys: &Keys) {
        let (StateChange::Enter { state: at, .. } | StateChange::Leave { state: at }) = change;
        let state = &self.states[at];
        let memory = self.people.or_default(keys.per(state.per).into());
        match change {
            StateChange::Enter { lasts, .. } => {
                let until = lasts.or(state.lasts).map(|it| now + it);
                memory.states.insert(at, until);
            }
            StateChange::Leave { .. } => drop(memory.states.remove(&at)),
        }
        memory.endings.remove(&at);
    }

    /// Counts an ending for the triggers that name it. A person enters a state when its trigger has counted enough.
    pub(super) fn apply_triggers(&mut self, now: Timestamp, ending: &Ending, method: Method, keys: &Keys) {
        self.sweep(now);
        for at in 0..self.states.len() {
            let state = &self.states[at];
            let Some(trigger) = state.trigger.as_ref().filter(|it| it.counts(ending, method)) else { continue };
            let memory = self.people.or_default(keys.per(state.per).into());
            let endings = memory.endings.entry(at).or_default();
            if let Some(within) = trigger.within {
                endings.retain(|it| now.since(*it) < within);
            }
            endings.push_back(now);
            if endings.len() >= trigger.times {
                self.change_state(now, StateChange::Enter { state: at, lasts: None }, keys);
            }
        }
    }

    /// Drops people with nothing to remember. Most people do not come back.
    fn sweep(&mut self, now: Timestamp) {
        if self.people.len() < self.sweep_at {
            return;
        }
        let Self { states, people, .. } = self;
        people.retain(|_, it| it.forget_the_past(now, states));
        self.sweep_at = SWEEP.max(2 * self.people.len());
    }

    /// Evicts the people above a bound who are no users, the oldest first. Whether there was something to remember of one.
    pub(super) fn evict(&mut self, now: Timestamp, bound: usize, is_user: impl Fn(&str) -> bool) -> bool {
        let evicted = self.people.evict(bound, |key, _| key.is_empty() || is_user(key));
        evicted.into_iter().any(|mut it| it.forget_the_past(now, &self.states))
    }

    /// What a counter of a person has reached; 0 where it was never counted.
    pub(super) fn counter(&self, name: &str, keys: &Keys) -> u64 {
        self.people.get(keys.per(Per::User)).and_then(|it| it.counters.get(name)).copied().unwrap_or_default()
    }

    /// What is remembered of people at a time, one line a person, in the order of their names.
    pub(super) fn remains(&self, now: Timestamp) -> Vec<String> {
        let mut lines: Vec<_> = self.people.iter().filter_map(|(key, it)| Some((key, self.line(now, it)?))).collect();
        lines.sort_unstable();
        let name = |key: &str| if key.is_empty() { "all people".to_owned() } else { key.to_owned() };
        lines.into_iter().map(|(key, what)| format!("{} {what}", name(key))).collect()
    }

    /// What is remembered under one key, in words.
    fn line(&self, now: Timestamp, memory: &Memory) -> Option<String> {
        let name = |at: &usize| &*self.states[*at].name;
        let is_in = |until: &Option<Timestamp>| until.is_none_or(|until| now < until);
        let states = memory.states.iter().filter(|it| is_in(it.1)).map(|it| format!("in the state {}", name(it.0)));
        let is_recent = |at: &usize, last: &Timestamp| {
            let within = self.states[*at].trigger.as_ref().and_then(|it| it.within);
            within.is_none_or(|within| now.since(*last) < within)
        };
        let endings = memory.endings.iter().filter(|(at, times)| times.back().is_some_and(|it| is_recent(at, it)));
        let endings = endings.map(|it| format!("counted for the state {}", name(it.0)));
        let counters = memory.counters.iter().map(|(name, value)| format!("with the counter {name} at {value}"));
        let mut parts: Vec<_> = states.chain(endings).chain(counters).collect();
        parts.sort_unstable();
        (!parts.is_empty()).then(|| parts.join(", "))
    }

    /// Adds one to a counter.
    pub(super) fn count(&mut self, name: &Arc<str>, keys: &Keys) {
        let memory = self.people.or_default(keys.per(Per::User).into());
        *memory.counters.entry(name.clone()).or_default() += 1;
    }

    pub(super) fn set_counter(&mut self, name: &Arc<str>, value: u64, keys: &Keys) {
        let memory = self.people.or_default(keys.per(Per::User).into());
        memory.counters.insert(name.clone(), value);
    }
}

impl Memory {
    /// Drops what is over. Whether something is left.
    fn forget_the_past(&mut self, now: Timestamp, states: &[PersonState]) -> bool {
        self.states.retain(|_, until| until.is_none_or(|until| now < until));
        self.endings.retain(|at, times| {
            let within = states[*at].trigger.as_ref().and_then(|it| it.within);
            within.is_none_or(|within| times.back().is_some_and(|it| now.since(*it) < within))
        });
        !(self.states.is_empty() && self.endings.is_empty() && self.counters.is_empty())
    }
}

impl Trigger {
    fn counts(&self, ending: &Ending, method: Method) -> bool {
        self.endings.iter().any(|it| match it {
            TriggerEnding::Reaction(reaction) => ending.known() == Some(reaction.outcome(method)),
            TriggerEnding::Outcome(outcome) => ending.known() == Some(*outcome),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_without_a_state_a_recent_ending_or_a_counter_are_forgotten() {
        let minute = Duration::from_mins(1);
        let endings = vec![TriggerEnding::Outcome(Outcome::Busy)];
        let trigger = Some(Trigger { endings, times: 2, within: Some(minute) });
        let state = PersonState { name: "locked".into(), trigger, per: Per::User, lasts: Some(minute) };
        let mut people = People::new(vec![state]);
        let keys = |n: usize| Keys { user: format!("user{n}"), number: String::new() };
        let method = Method::Voice(crate::contract::PinMode::Standard);
        let start = Timestamp::default();
        people.count(&"calls".into(), &keys(0));
        for n in [1].into_iter().chain(0..SWEEP) {
            people.apply_triggers(start, &Outcome::Busy.into(), method, &keys(n));
        }
        assert!(people.is_in(start, 0, &keys(1)) && !people.is_in(start, 0, &keys(2)));
        people.apply_triggers(start + minute, &Outcome::Busy.into(), method, &keys(3));
        assert_eq!(people.people.len(), 2, "the counter of one, the busy line of another");
    }
}
