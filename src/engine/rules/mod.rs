//! The rules of a scenario: what a rule asks of a call, what it answers, and what it remembers of people.

pub(super) mod book;
pub(super) mod condition;
mod decide;
mod diff;
pub(super) mod facts;
pub(super) mod magic;
pub(super) mod operand;
mod remains;
pub(super) mod rule;
pub(super) mod states;
pub(super) mod template;
mod words;

use crate::engine::differences::Difference;
use crate::engine::outcome::{Ending, Method};
use crate::engine::{Directory, Number, Rule, Timestamp};
use book::{Book, Match};
use facts::Facts;
use magic::Magic;
use rule::Verdict;
use states::{Keys, People, PersonState};
use template::Words;

/// The part of the engine that decides calls: the rules with the answers that they have given, the states and counters
/// of people, and whether magic numbers have their meaning.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Rules {
    book: Book,
    people: People,
    magic_numbers: bool,
}

impl Rules {
    pub(in crate::engine) fn new(rules: Vec<Rule>, states: Vec<PersonState>, magic_numbers: bool) -> Self {
        Self { book: Book::new(rules), people: People::new(states), magic_numbers }
    }

    pub(in crate::engine) const fn people(&self) -> &People {
        &self.people
    }

    /// The magic number behind a number, unless the scenario turns magic numbers off.
    pub(in crate::engine) fn magic(&self, number: &Number) -> Option<&'static Magic> {
        magic::find(number).filter(|_| self.magic_numbers)
    }

    /// The first rule that matches.
    pub(in crate::engine) fn select(&self, call: Facts<'_>) -> Option<Match> {
        self.book.select(call)
    }

    /// Consumes the next answer of a rule that matches, and makes the changes of states and counters that it brings.
    pub(in crate::engine) fn consume(&mut self, now: Timestamp, matched: Match) -> Verdict {
        let (rule, answer, turn) = self.book.consume(&matched);
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
        Verdict { rule, answer, operation, person, words: Words { counter: turn, ..words } }
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
    }
}
