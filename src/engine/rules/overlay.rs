//! The rules of an incident, over those of the scenario.

use std::sync::Arc;

use crate::engine::Rule;
use crate::engine::rules::book::{Book, Explanation, Match};
use crate::engine::rules::facts::Facts;
use crate::engine::rules::rule::{Answer, Effect, Verdict};
use crate::engine::rules::template::Words;

/// The rules of the incident that runs, with the answers that they have given.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Overlay {
    name: Arc<str>,
    book: Book,
    /// How many calls they have changed.
    hits: u64,
}

/// What an overlay does to a call.
pub(super) struct Over {
    incident: Arc<str>,
    rule: Arc<str>,
    answer: Arc<Answer>,
    turn: u64,
}

impl Overlay {
    pub(in crate::engine) fn new(name: Arc<str>, rules: Vec<Rule>) -> Self {
        Self { name, book: Book::new(rules), hits: 0 }
    }

    pub(super) const fn hits(&self) -> u64 {
        self.hits
    }

    pub(super) fn explain(&self, call: &Facts<'_>) -> Vec<Explanation> {
        self.book.explain(call)
    }

    /// The first of its rules that matches, and whether its next answer leaves the rest of the call to the scenario.
    pub(super) fn select(&self, call: Facts<'_>) -> Option<(Match, bool)> {
        let matched = self.book.select(call)?;
        let leaves_the_rest = self.book.next(&matched).leaves_the_rest();
        Some((matched, leaves_the_rest))
    }

    /// Consumes the next answer of one of its rules. `None`: the answer changes nothing.
    pub(super) fn consume(&mut self, matched: &Match) -> Option<Over> {
        let (rule, answer, turn) = self.book.consume(matched);
        if *answer == Answer::default() {
            return None;
        }
        self.hits += 1;
        Some(Over { incident: self.name.clone(), rule, answer, turn })
    }
}

impl Over {
    /// The verdict on a call for which no rule of the scenario decides.
    pub(super) fn alone(self, matched: Match) -> Verdict {
        let Match { operation, words, person, .. } = matched;
        let Self { incident, rule, answer, turn } = self;
        let (words, is_incidental) = (Words { counter: turn, ..words }, !answer.leaves_the_rest());
        Verdict { rule, answer, operation, person, words, incident: Some(incident), is_incidental }
    }

    /// The verdict of the scenario, with what the incident adds: its answer comes later, or damaged.
    pub(super) fn with(self, own: Verdict) -> Verdict {
        let delay = match (self.answer.delay, own.answer.delay) {
            (Some(over), Some(own)) => Some(over + own),
            (over, own) => over.or(own),
        };
        let broken = self.answer.broken.or(own.answer.broken);
        let answer = Arc::new(Answer { delay, broken, ..Answer::clone(&own.answer) });
        Verdict { answer, incident: Some(self.incident), ..own }
    }
}

impl Answer {
    /// Whether the call is answered as it would be, if later or damaged.
    fn leaves_the_rest(&self) -> bool {
        matches!(&self.effect, Effect::Proceed(script) if script.is_usual())
    }
}
