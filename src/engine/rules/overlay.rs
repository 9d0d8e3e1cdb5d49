//! The rules of an incident, over those of the scenario.

use std::sync::Arc;

use crate::engine::chance::Draw;
use crate::engine::delay::DrawnDelay;
use crate::engine::rules::book::{Book, Counted, Explanation, Match, Selection};
use crate::engine::rules::facts::Facts;
use crate::engine::rules::rule::{Answer, Effect, Verdict};
use crate::engine::rules::template::Words;
use crate::engine::{Rule, Timestamp};

/// The rules of the incident that runs, with the answers that they have given.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Overlay {
    name: Arc<str>,
    book: Book,
    /// When the incident began: windows count from then.
    since: Timestamp,
    /// How many calls they have changed.
    hits: u64,
}

/// What an overlay does to a call.
pub(super) struct Over {
    incident: Arc<str>,
    rule: Arc<str>,
    answer: Arc<Answer>,
    delay: Option<DrawnDelay>,
    turn: u64,
}

impl Overlay {
    pub(in crate::engine) fn new(name: Arc<str>, rules: Vec<Rule>, since: Timestamp) -> Self {
        Self { name, book: Book::new(rules), since, hits: 0 }
    }

    pub(super) const fn hits(&self) -> u64 {
        self.hits
    }

    pub(super) fn explain(&self, call: &Facts<'_>) -> Vec<Explanation> {
        self.book.explain(call)
    }

    /// The first of its rules that matches.
    pub(super) fn select(&self, call: Facts<'_>, seed: u64) -> Selection {
        self.book.select(Facts { since_start: call.now.since(self.since), ..call }, seed)
    }

    /// Whether the next answer of one of its rules leaves the rest of the call to the scenario.
    pub(super) fn leaves_the_rest(&self, matched: &Match) -> bool {
        self.book.next(matched).leaves_the_rest()
    }

    /// Counts draws.
    pub(super) fn count(&mut self, draws: Vec<Counted>) -> Vec<Draw> {
        self.book.count(draws)
    }

    /// Consumes the next answer of one of its rules. `None`: the answer changes nothing.
    pub(super) fn consume(&mut self, matched: &Match, seed: u64) -> Option<Over> {
        let (rule, answer, delay, turn) = self.book.consume(matched, seed);
        if *answer == Answer::default() {
            return None;
        }
        self.hits += 1;
        Some(Over { incident: self.name.clone(), rule, answer, delay, turn })
    }
}

impl Over {
    /// The verdict on a call for which no rule of the scenario decides.
    pub(super) fn alone(self, matched: Match) -> Verdict {
        let Match { operation, words, person, .. } = matched;
        let Self { incident, rule, answer, delay, turn } = self;
        let (words, is_incidental) = (Words { counter: turn, ..words }, !answer.leaves_the_rest());
        Verdict { rule, answer, delay, operation, person, words, incident: Some(incident), is_incidental }
    }

    /// The verdict of the scenario, with what the incident adds: its answer or its message comes later, or damaged.
    pub(super) fn with(self, own: Verdict) -> Verdict {
        let delay = match (self.delay, own.delay) {
            (Some(over), Some(own)) => Some(over + own),
            (over, own) => over.or(own),
        };
        let transfer = self.answer.transfer.clone().or(own.answer.transfer.clone());
        let delivery = self.answer.delivery.or(own.answer.delivery);
        let answer = Arc::new(Answer { transfer, delivery, ..Answer::clone(&own.answer) });
        Verdict { answer, delay, incident: Some(self.incident), ..own }
    }
}

impl Answer {
    /// Whether the call is answered as it would be, if later or damaged.
    fn leaves_the_rest(&self) -> bool {
        matches!(&self.effect, Effect::Proceed(script) if script.is_usual())
    }
}
