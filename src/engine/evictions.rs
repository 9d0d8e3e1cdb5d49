//! The bounds of what a space remembers, and what is no longer certain after an eviction.

use std::sync::Arc;

use super::journal::{CallRequest, Event, EventKind, Notice, What};
use super::{Engine, Number, Timestamp};

/// How much a space remembers.
#[derive(Clone, Copy, Debug)]
pub struct MemoryBounds {
    /// The people who are no users, with their states, counters, blocks and successes. Users do not count.
    pub people: usize,
    /// The codes that are out.
    pub codes: usize,
}

/// What was evicted.
#[derive(Clone, Debug, Default)]
pub(super) struct Evictions {
    bounds: MemoryBounds,
    /// The newest event before the first eviction of a person.
    people_after: Option<u64>,
    /// The newest event before the first eviction of a code.
    codes_after: Option<u64>,
    warnings: Vec<&'static str>,
}

/// The calls whose answers an eviction may have changed.
#[derive(Clone, Debug, Default)]
pub struct Doubtful {
    /// Open ones, too.
    pub calls: Vec<Arc<Event>>,
    /// Whether the journal no longer keeps some of them.
    pub are_some_evicted: bool,
}

const PEOPLE: &str = "more people are remembered than --people allows: the oldest who are no users lose their states, counters and blocks, so a blocked person can pass. Start with a higher --people, or use a space for each test.";
const CODES: &str = "more codes are out than --codes allows: the oldest are no longer accepted. Start with a higher --codes, or use a space for each test.";

impl Default for MemoryBounds {
    fn default() -> Self {
        Self { people: 100_000, codes: 100_000 }
    }
}

impl Evictions {
    /// Those of a space that forks off: all its calls follow them.
    pub(super) fn fork(&self) -> Self {
        let start = |it: Option<u64>| it.map(|_| 0);
        Self {
            bounds: self.bounds,
            people_after: start(self.people_after),
            codes_after: start(self.codes_after),
            warnings: Vec::new(),
        }
    }
}

impl Engine {
    /// The same engine with other bounds.
    #[must_use]
    pub fn with_memory(mut self, bounds: MemoryBounds) -> Self {
        self.evictions.bounds = bounds;
        self
    }

    /// Evicts what exceeds the bounds, the oldest first. The first eviction of a kind leaves a notice and a warning.
    pub(super) fn enforce_bounds(&mut self, now: Timestamp) {
        let MemoryBounds { people, codes } = self.evictions.bounds;
        let last = self.journal.last();
        let of_rules = self.rules.evict(now, people, &self.users);
        let of_challenges = self.challenges.evict(people, &self.users);
        if (of_rules || of_challenges) && self.evictions.people_after.is_none() {
            self.evictions.people_after = Some(last);
            self.warn(now, PEOPLE);
        }
        if self.evict_codes(now, codes) && self.evictions.codes_after.is_none() {
            self.evictions.codes_after = Some(last);
            self.warn(now, CODES);
        }
    }

    fn warn(&mut self, now: Timestamp, text: &'static str) {
        self.evictions.warnings.push(text);
        self.journal.note(now, What::Notice(Notice { topic: "eviction", text: text.into() }));
    }

    /// The warnings since the last call of this, for the log.
    pub fn take_warnings(&mut self) -> Vec<&'static str> {
        std::mem::take(&mut self.evictions.warnings)
    }

    /// The calls that ended after a place and whose answers an eviction may have changed.
    #[must_use]
    pub fn doubtful_calls(&self, after: u64) -> Doubtful {
        let Evictions { people_after, codes_after, .. } = self.evictions;
        let Some(first) = [people_after, codes_after].into_iter().flatten().min() else { return Doubtful::default() };
        let place = first.max(after);
        let kept = self.journal.after(place, &[EventKind::Call]);
        let all = kept.into_iter().chain(self.journal.open_calls_after(0).cloned());
        let is_doubtful = |it: &Arc<Event>| {
            let What::Call(call) = &it.what else { return false };
            let follows = |place: Option<u64>| place.is_some_and(|place| it.is_open() || it.recorded > place);
            follows(codes_after) || (follows(people_after) && !self.is_of_a_user(&call.request))
        };
        Doubtful {
            calls: all.filter(is_doubtful).collect(),
            are_some_evicted: self.journal.has_evicted_after(place, &[EventKind::Call]),
        }
    }

    /// Whether the person of a call is a user.
    fn is_of_a_user(&self, request: &CallRequest) -> bool {
        match request.number.as_deref().filter(|it| !it.trim().is_empty()) {
            None => self.users.find(&request.username).is_some(),
            Some(number) => {
                let number = Number::read(number, "", "", &self.company.country_code).ok();
                number.is_some_and(|it| self.users.owner(&it).is_some())
            }
        }
    }
}
