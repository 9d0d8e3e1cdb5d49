//! What is remembered of people: the states that they are in, and what was counted.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::outcome::{Ending, Method, Outcome, Reaction};
use super::when::words;
use super::{Number, Timestamp, User};

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
pub(super) struct Keys {
    user: String,
    number: String,
}

#[derive(Clone, Debug, Default)]
pub(super) struct People {
    states: Vec<State>,
    people: HashMap<String, Person>,
}

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
    pub(super) fn of(username: &str, person: Option<&User>, number: Option<&Number>, number_given: bool) -> Self {
        let digits = number.map(Number::digits).unwrap_or_default();
        let user = match person {
            Some(person) => person.username.to_lowercase(),
            None if number_given && !digits.is_empty() => digits.into(),
            None => username.to_lowercase(),
        };
        Self { user, number: digits.into() }
    }

    pub(super) fn per(&self, per: Per) -> &str {
        match per {
            Per::All => "",
            Per::User => &self.user,
            Per::Number => &self.number,
        }
    }
}

impl People {
    pub(super) fn new(states: Vec<State>) -> Self {
        Self { states, people: HashMap::new() }
    }

    pub(super) fn states(&self) -> &[State] {
        &self.states
    }

    /// Goes on under changed states. Who is in one that is still there stays in it.
    pub(super) fn reload(&mut self, to: &Self) {
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

    pub(super) fn is_in(&self, now: Timestamp, state: usize, keys: &Keys) -> bool {
        let Some(person) = self.people.get(keys.per(self.states[state].per)) else { return false };
        person.standing.get(&state).is_some_and(|until| until.is_none_or(|until| now < until))
    }

    pub(super) fn step(&mut self, now: Timestamp, step: &Move, keys: &Keys) {
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
    pub(super) fn ended(&mut self, now: Timestamp, ending: &Ending, method: Method, keys: &Keys) {
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

    pub(super) fn count(&self, name: &str, keys: &Keys) -> u64 {
        self.people.get(keys.per(Per::User)).and_then(|it| it.counts.get(name)).copied().unwrap_or_default()
    }

    pub(super) fn add(&mut self, name: &Arc<str>, keys: &Keys) {
        let person = self.people.entry(keys.per(Per::User).into()).or_default();
        *person.counts.entry(name.clone()).or_default() += 1;
    }

    pub(super) fn set(&mut self, name: &Arc<str>, value: u64, keys: &Keys) {
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
