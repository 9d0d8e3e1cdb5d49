//! What is remembered of people: the states that they are in, and what was counted.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::engine::challenges::outcome::{Ending, Method, Outcome, Reaction};
use crate::engine::rules::words::words;
use crate::engine::{Number, Timestamp, User};

words! {
    /// Whose a sequence or a state is.
    Per {
        /// Everybody's.
        All => "all",
        /// The person's: the user whose number is called, else the number, else the name in the call.
        User => "user",
        /// The number's.
        Number => "number",
    }
}

/// A state that people can be in.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    pub name: Arc<str>,
    /// What leads there by itself.
    pub trigger: Option<Trigger>,
    pub per: Per,
    /// None: until something ends it.
    pub lasts: Option<Duration>,
}

/// Endings that lead to a state.
#[derive(Clone, Debug, PartialEq)]
pub struct Trigger {
    pub endings: Vec<Led>,
    /// How many of them.
    pub times: usize,
    /// Within what time; none: ever.
    pub within: Option<Duration>,
}

/// An ending that counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Led {
    Reaction(Reaction),
    Outcome(Outcome),
}

/// A step into a state, or out of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Move {
    /// By its place in the scenario.
    pub state: usize,
    pub to: Standing,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Standing {
    /// For a time; none: as long as the state lasts.
    In(Option<Duration>),
    Out,
}

/// Under what somebody is remembered.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::engine) struct Keys {
    user: String,
    number: String,
}

#[derive(Clone, Debug, Default)]
pub(in crate::engine) struct People {
    states: Vec<State>,
    people: HashMap<String, Person>,
    /// How many there may be before those of whom nothing is to be remembered are forgotten.
    sweep_at: usize,
}

/// How many people are remembered before the first look.
const SWEEP: usize = 1024;

/// What is remembered under one key.
#[derive(Clone, Debug, Default)]
struct Person {
    /// By the state's place: until when he is in it.
    standing: HashMap<usize, Option<Timestamp>>,
    /// By the state's place: when what leads there happened.
    hits: HashMap<usize, VecDeque<Timestamp>>,
    counts: HashMap<Arc<str>, u64>,
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
            Some(person) => person.username.to_lowercase(),
            None if number_given && !digits.is_empty() => digits.into(),
            None => username.to_lowercase(),
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
    pub(in crate::engine) fn new(states: Vec<State>) -> Self {
        Self { states, people: HashMap::new(), sweep_at: SWEEP }
    }

    /// Lets what is remembered of a user go on under another name. `None` forgets it.
    pub(in crate::engine) fn rename(&mut self, from: &str, to: Option<&str>) {
        let person = self.people.remove(&from.to_lowercase());
        if let Some((person, to)) = person.zip(to) {
            self.people.insert(to.to_lowercase(), person);
        }
    }

    pub(in crate::engine) fn states(&self) -> &[State] {
        &self.states
    }

    /// Goes on under changed states. Who is in one that is still there stays in it.
    pub(in crate::engine) fn reload(&mut self, to: &Self) {
        let place = |it: &State| to.states.iter().position(|other| other.name == it.name);
        let places: Vec<Option<usize>> = self.states.iter().map(place).collect();
        self.states.clone_from(&to.states);
        for person in self.people.values_mut() {
            let standing = std::mem::take(&mut person.standing);
            person.standing = standing.into_iter().filter_map(|(at, until)| Some((places[at]?, until))).collect();
            let hits = std::mem::take(&mut person.hits);
            person.hits = hits.into_iter().filter_map(|(at, hits)| Some((places[at]?, hits))).collect();
        }
    }

    pub(in crate::engine) fn is_in(&self, now: Timestamp, state: usize, keys: &Keys) -> bool {
        let Some(person) = self.people.get(keys.per(self.states[state].per)) else { return false };
        person.standing.get(&state).is_some_and(|until| until.is_none_or(|until| now < until))
    }

    pub(in crate::engine) fn step(&mut self, now: Timestamp, step: &Move, keys: &Keys) {
        let state = &self.states[step.state];
        let person = self.people.entry(keys.per(state.per).into()).or_default();
        match step.to {
            Standing::In(lasts) => {
                let until = lasts.or(state.lasts).map(|it| now + it);
                person.standing.insert(step.state, until);
            }
            Standing::Out => drop(person.standing.remove(&step.state)),
        }
        person.hits.remove(&step.state);
    }

    /// Lets an ending lead where it leads.
    pub(in crate::engine) fn ended(&mut self, now: Timestamp, ending: &Ending, method: Method, keys: &Keys) {
        self.sweep(now);
        for at in 0..self.states.len() {
            let state = &self.states[at];
            let Some(trigger) = state.trigger.as_ref().filter(|it| it.is_led_by(ending, method)) else { continue };
            let person = self.people.entry(keys.per(state.per).into()).or_default();
            let hits = person.hits.entry(at).or_default();
            if let Some(within) = trigger.within {
                hits.retain(|it| now.since(*it) < within);
            }
            hits.push_back(now);
            if hits.len() >= trigger.times {
                self.step(now, &Move { state: at, to: Standing::In(None) }, keys);
            }
        }
    }

    /// Forgets those of whom nothing is to be remembered. Most people do not come back.
    fn sweep(&mut self, now: Timestamp) {
        if self.people.len() < self.sweep_at {
            return;
        }
        let Self { states, people, .. } = self;
        people.retain(|_, it| {
            it.standing.retain(|_, until| until.is_none_or(|until| now < until));
            it.hits.retain(|at, hits| {
                let within = states[*at].trigger.as_ref().and_then(|it| it.within);
                within.is_none_or(|within| hits.back().is_some_and(|it| now.since(*it) < within))
            });
            !(it.standing.is_empty() && it.hits.is_empty() && it.counts.is_empty())
        });
        self.sweep_at = SWEEP.max(2 * self.people.len());
    }

    pub(in crate::engine) fn count(&self, name: &str, keys: &Keys) -> u64 {
        self.people.get(keys.per(Per::User)).and_then(|it| it.counts.get(name)).copied().unwrap_or_default()
    }

    pub(in crate::engine) fn add(&mut self, name: &Arc<str>, keys: &Keys) {
        let person = self.people.entry(keys.per(Per::User).into()).or_default();
        *person.counts.entry(name.clone()).or_default() += 1;
    }

    pub(in crate::engine) fn set(&mut self, name: &Arc<str>, value: u64, keys: &Keys) {
        let person = self.people.entry(keys.per(Per::User).into()).or_default();
        person.counts.insert(name.clone(), value);
    }
}

impl Trigger {
    fn is_led_by(&self, ending: &Ending, method: Method) -> bool {
        self.endings.iter().any(|it| match it {
            Led::Reaction(reaction) => ending.known() == Some(reaction.outcome(method)),
            Led::Outcome(outcome) => ending.known() == Some(*outcome),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_of_whom_nothing_is_to_be_remembered_are_forgotten() {
        let minute = Duration::from_mins(1);
        let endings = vec![Led::Outcome(Outcome::Busy)];
        let trigger = Some(Trigger { endings, times: 2, within: Some(minute) });
        let state = State { name: "locked".into(), trigger, per: Per::User, lasts: Some(minute) };
        let mut people = People::new(vec![state]);
        let keys = |n: usize| Keys { user: format!("user{n}"), number: String::new() };
        let method = Method::Voice(crate::contract::PinMode::Standard);
        let start = Timestamp::default();
        people.add(&"calls".into(), &keys(0));
        for n in [1].into_iter().chain(0..SWEEP) {
            people.ended(start, &Outcome::Busy.into(), method, &keys(n));
        }
        assert!(people.is_in(start, 0, &keys(1)) && !people.is_in(start, 0, &keys(2)));
        people.ended(start + minute, &Outcome::Busy.into(), method, &keys(3));
        assert_eq!(people.people.len(), 2, "the counter of one, the busy line of another");
    }
}
