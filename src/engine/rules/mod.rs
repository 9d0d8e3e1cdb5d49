//! The rules of a scenario: what a rule asks of a call, what it answers, and what it remembers of people.

pub(super) mod book;
pub(super) mod condition;
mod decide;
mod diff;
pub(super) mod facts;
pub(super) mod magic;
pub(super) mod operand;
pub(super) mod overlay;
pub(super) mod preview;
mod remains;
pub(super) mod rule;
pub(super) mod states;
pub(super) mod template;
mod words;

use crate::engine::differences::Difference;
use crate::engine::outcome::{Ending, Method};
use crate::engine::{Directory, Number, Rule, Timestamp};
use book::{Book, Explanation, Match, Selection};
use facts::Facts;
use magic::Magic;
use overlay::Overlay;
use rule::{Decision, Verdict};
use states::{Keys, People, PersonState};
use template::Words;

/// The part of the engine that decides calls: the rules with the answers that they have given, the states and counters
/// of people, and whether magic numbers have their meaning.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Rules {
    book: Book,
    /// The rules of the incident that runs.
    over: Option<Overlay>,
    people: People,
    magic_numbers: bool,
    /// Of all that is drawn by name.
    seed: u64,
}

/// What matches a call: a rule of the incident, one of the scenario, both, or none.
pub(in crate::engine) struct Selected {
    over: Selection,
    own: Selection,
}

impl Rules {
    pub(in crate::engine) fn new(rules: Vec<Rule>, states: Vec<PersonState>, magic_numbers: bool, seed: u64) -> Self {
        Self { book: Book::new(rules), over: None, people: People::new(states), magic_numbers, seed }
    }

    pub(in crate::engine) const fn people(&self) -> &People {
        &self.people
    }

    /// The magic number behind a number, unless the scenario turns magic numbers off.
    pub(in crate::engine) fn magic(&self, number: &Number) -> Option<&'static Magic> {
        magic::find(number).filter(|_| self.magic_numbers)
    }

    /// The rules of a fork: without the incident.
    pub(in crate::engine) fn fork(&self) -> Self {
        Self { over: None, ..self.clone() }
    }

    /// Puts the rules of an incident before those of the scenario.
    pub(in crate::engine) fn put_over(&mut self, over: Overlay) {
        self.over = Some(over);
    }

    /// Takes the rules of the incident away.
    pub(in crate::engine) fn take_over(&mut self) {
        self.over = None;
    }

    /// How many calls the rules of the incident have changed.
    pub(in crate::engine) fn overlay_hits(&self) -> u64 {
        self.over.as_ref().map_or(0, Overlay::hits)
    }

    /// Whether no rule can match.
    pub(in crate::engine) fn is_empty(&self) -> bool {
        self.book.is_empty() && self.over.is_none()
    }

    /// The first rule that matches, and what rules with `chance` drew before it was found. Where it is one of the incident,
    /// and it leaves the rest of the call to the scenario, the first of the scenario, too. Nothing is counted.
    pub(in crate::engine) fn select(&self, call: Facts<'_>) -> Selected {
        let Some(overlay) = &self.over else {
            return Selected { over: Selection::default(), own: self.book.select(call, self.seed) };
        };
        let over = overlay.select(call.clone(), self.seed);
        let takes_the_call = over.matched.as_ref().is_some_and(|it| !overlay.leaves_the_rest(it));
        let own = if takes_the_call { Selection::default() } else { self.book.select(call, self.seed) };
        Selected { over, own }
    }

    /// What each rule makes of a call: those of the incident, then those of the scenario.
    fn explain(&self, call: &Facts<'_>) -> Vec<Explanation> {
        let over = self.over.as_ref().map(|it| it.explain(call)).unwrap_or_default();
        over.into_iter().chain(self.book.explain(call)).collect()
    }

    /// Counts what was drawn, and consumes the next answer of each rule that was selected. There is no verdict where the
    /// answer of the incident changes nothing, and no rule of the scenario matches.
    pub(in crate::engine) fn consume(&mut self, now: Timestamp, selected: Selected) -> Decision {
        let Selected { over, own } = selected;
        let mut draws = self.over.as_mut().map(|it| it.count(over.draws)).unwrap_or_default();
        draws.extend(self.book.count(own.draws));
        let own = own.matched.map(|it| self.consume_own(now, *it));
        let Some((matched, overlay)) = over.matched.zip(self.over.as_mut()) else {
            return Decision { verdict: own.map(Box::new), draws };
        };
        let verdict = match (overlay.consume(&matched, self.seed), own) {
            (None, own) => own,
            (Some(over), None) => Some(over.alone(*matched)),
            (Some(over), Some(own)) => Some(over.with(own)),
        };
        Decision { verdict: verdict.map(Box::new), draws }
    }

    /// Consumes the next answer of a rule of the scenario, and makes the changes of states and counters that it brings.
    fn consume_own(&mut self, now: Timestamp, matched: Match) -> Verdict {
        let (rule, answer, delay, turn) = self.book.consume(&matched, self.seed);
        let Match { operation, keys, words, person, .. } = matched;
        for change in &answer.state_changes {
            self.people.change_state(now, *change, &keys);
        }
        for (name, value) in &answer.counts {
            match value {
                Some(value) => self.people.set_counter(name, *value, &keys),
                None => self.people.count(name, &keys),
            }
        }
        let words = Words { counter: turn, ..words };
        Verdict { rule, answer, delay, operation, person, words, incident: None, is_incidental: false }
    }

    /// Applies the state triggers to the end of an authentication.
    pub(in crate::engine) fn apply_triggers(
        &mut self,
        now: Timestamp,
        ending: &Ending,
        method: Method,
        keys: impl FnOnce() -> Keys,
    ) {
        if !self.people.states().is_empty() {
            self.people.apply_triggers(now, ending, method, &keys());
        }
    }

    /// Evicts the people above a bound who are no users. Whether there was something to remember of one.
    pub(in crate::engine) fn evict(&mut self, now: Timestamp, bound: usize, users: &Directory) -> bool {
        self.people.evict(now, bound, |key| users.find(key).is_some() || users.has_number(key))
    }

    /// Moves what is remembered under a username to another one. `None` forgets it.
    pub(in crate::engine) fn rename(&mut self, from: &str, to: Option<&str>) {
        self.people.rename(from, to);
        self.book.rename(from, to);
    }

    /// Goes on under the rules and states of another scenario. `differences` are those of the rules.
    pub(in crate::engine) fn reload(&mut self, now: Timestamp, to: &Self, differences: &Difference) {
        let same_states = self.people.states() == to.people.states();
        self.book.reload(now, &to.book, differences, same_states);
        self.people.reload(&to.people);
        self.magic_numbers = to.magic_numbers;
        self.seed = to.seed;
    }
}
