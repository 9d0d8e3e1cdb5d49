//! The challenges of one space: those that are open, found by what they wait for, and what is remembered of subjects.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::contract::Secret;
use crate::engine::challenge_id::ChallengeId;
use crate::engine::challenges::challenge::{Challenge, Settlement};
use crate::engine::challenges::event::EventCalls;
use crate::engine::challenges::memory::Memory;
use crate::engine::journal::Message;
#[cfg(test)]
use crate::engine::outcome::Channel;
use crate::engine::{Directory, Timestamp};

/// All that a space knows of challenges.
#[derive(Clone, Debug, Default)]
pub(in crate::engine) struct Challenges {
    /// Changed by [`Self::insert`] and [`Self::remove`] alone, with the indices below.
    open: HashMap<ChallengeId, Challenge>,
    /// When each open challenge is due.
    deadlines: BTreeSet<(Timestamp, ChallengeId)>,
    /// The open challenges that await a code, by username in lower case.
    awaiting_code: BTreeSet<(Arc<str>, ChallengeId)>,
    /// The open challenges that await a code, the oldest first.
    oldest_codes: BTreeSet<ChallengeId>,
    /// How many open challenges carry each code.
    codes: HashMap<Secret, u32>,
    /// How many open challenges leave the decision to a caller of the API.
    deciding: usize,
    settled: Vec<(ChallengeId, Settlement)>,
    /// The messages that are under way, by the time at which they arrive, then in the order in which they were sent.
    under_way: BTreeMap<(Timestamp, u64), Message>,
    last_message: u64,
    last_id: u64,
    pub(super) memory: Memory,
    pub(super) event_calls: EventCalls,
}

impl Challenges {
    /// What a space that forks off knows: what is remembered of subjects. Open challenges and calls stay here.
    pub(in crate::engine) fn fork(&self) -> Self {
        Self { memory: self.memory.fork(), last_id: self.last_id, ..Self::default() }
    }

    /// Moves all that stands under a username to another one. `None` forgets it, and closes the challenges that await
    /// a code; what rings goes on.
    pub(in crate::engine) fn rename(&mut self, from: &str, to: Option<&str>) {
        let from_lower = from.to_lowercase();
        self.event_calls.rename(from, to);
        let Some(to) = to else {
            self.memory.rename(&from_lower, None);
            let closed: Vec<_> = self.awaiting_code(&from_lower).map(|it| it.id).collect();
            closed.into_iter().for_each(|it| drop(self.remove(it)));
            return;
        };
        let (to, to_lower) = (Arc::from(to), Arc::from(to.to_lowercase()));
        self.memory.rename(&from_lower, Some(&to_lower));
        let named = self.open.values().filter(|it| it.names(from, &from_lower));
        let ids: Vec<_> = named.map(|it| it.id).collect();
        for id in ids {
            let mut challenge = self.remove(id).expect("listed above");
            challenge.rename(from, &to, &to_lower);
            self.insert(challenge);
        }
    }

    /// The user that a call of events reaches, even if its time is over.
    pub(in crate::engine) fn event_caller(&self, id: &str) -> Option<&str> {
        self.event_calls.username(id)
    }

    pub(super) fn next_id(&mut self) -> ChallengeId {
        self.last_id += 1;
        ChallengeId(self.last_id)
    }

    /// Keeps a challenge open until its deadline.
    pub(super) fn insert(&mut self, challenge: Challenge) {
        let id = challenge.id;
        self.deadlines.insert((challenge.deadline, id));
        if challenge.awaits_code() {
            self.awaiting_code.insert((challenge.subject.username.clone(), id));
            self.oldest_codes.insert(id);
        }
        if let Some(code) = &challenge.code {
            *self.codes.entry(code.clone()).or_default() += 1;
        }
        self.deciding += usize::from(challenge.decides());
        self.open.insert(id, challenge);
    }

    /// Takes an open challenge out: to end it, or to change it and put it back.
    pub(super) fn remove(&mut self, id: ChallengeId) -> Option<Challenge> {
        let challenge = self.open.remove(&id)?;
        self.deadlines.remove(&(challenge.deadline, id));
        if challenge.awaits_code() {
            self.awaiting_code.remove(&(challenge.subject.username.clone(), id));
            self.oldest_codes.remove(&id);
        }
        if let Some(code) = &challenge.code {
            let carriers = self.codes.get_mut(code).expect("counted when the challenge was inserted");
            *carriers -= 1;
            if *carriers == 0 {
                self.codes.remove(code);
            }
        }
        self.deciding -= usize::from(challenge.decides());
        Some(challenge)
    }

    /// Takes out the challenge that is due first, if one is due.
    pub(super) fn remove_due(&mut self, now: Timestamp) -> Option<Challenge> {
        let &(_, id) = self.deadlines.first().filter(|it| it.0 <= now)?;
        self.remove(id)
    }

    /// Takes out the oldest challenge that awaits a code, if more than `bound` do.
    pub(super) fn remove_code_above(&mut self, bound: usize) -> Option<Challenge> {
        let id = *self.oldest_codes.first().filter(|_| self.oldest_codes.len() > bound)?;
        self.remove(id)
    }

    /// Evicts what is remembered of subjects above a bound who are no users. Whether there was one.
    pub(in crate::engine) fn evict(&mut self, bound: usize, users: &Directory) -> bool {
        self.memory.evict(bound, |it| it.is_user(users))
    }

    pub(super) fn get(&self, id: ChallengeId) -> Option<&Challenge> {
        self.open.get(&id)
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &Challenge> {
        self.open.values()
    }

    /// When something is due next.
    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        let arrives = self.under_way.first_key_value().map(|it| it.0.0);
        self.deadlines.first().map(|it| it.0).into_iter().chain(arrives).min()
    }

    /// Sends a message that arrives at a time.
    pub(super) fn send_late(&mut self, at: Timestamp, message: Message) {
        self.last_message += 1;
        self.under_way.insert((at, self.last_message), message);
    }

    /// Takes the first message that has arrived, with the time of its arrival.
    pub(super) fn take_arrived(&mut self, now: Timestamp) -> Option<(Timestamp, Message)> {
        let first = self.under_way.first_entry().filter(|it| it.key().0 <= now)?;
        let ((at, _), message) = first.remove_entry();
        Some((at, message))
    }

    /// The challenges under a username, in lower case, that await a code; the oldest first.
    pub(super) fn awaiting_code<'a>(&'a self, username: &str) -> impl Iterator<Item = &'a Challenge> + use<'a> {
        let username: Arc<str> = username.into();
        let all = (username.clone(), ChallengeId(0))..=(username, ChallengeId(u64::MAX));
        self.awaiting_code.range(all).map(|it| &self.open[&it.1])
    }

    /// Whether an open challenge carries a code.
    pub(super) fn carries(&self, code: &Secret) -> bool {
        self.codes.contains_key(code)
    }

    /// How many different codes open challenges carry.
    pub(super) fn codes(&self) -> usize {
        self.codes.len()
    }

    /// Whether an open challenge leaves the decision to a caller of the API.
    pub(super) const fn asks_a_person(&self) -> bool {
        self.deciding > 0
    }

    /// Keeps a settlement for [`Self::take_settled`].
    pub(super) fn settle(&mut self, id: ChallengeId, settlement: Settlement) {
        self.settled.push((id, settlement));
    }

    /// The challenges that ended since the last call.
    pub(super) fn take_settled(&mut self) -> Vec<(ChallengeId, Settlement)> {
        std::mem::take(&mut self.settled)
    }

    /// Checks that the indices agree with the open challenges.
    #[cfg(test)]
    pub(super) fn check(&self) {
        assert_eq!(self.deadlines, self.open.iter().map(|(id, it)| (it.deadline, *id)).collect());
        let awaiting = self.open.iter().filter(|it| it.1.awaits_code());
        assert_eq!(self.awaiting_code, awaiting.map(|(id, it)| (it.subject.username.clone(), *id)).collect());
        assert_eq!(self.oldest_codes, self.awaiting_code.iter().map(|it| it.1).collect());
        let mut codes = HashMap::new();
        self.open.values().filter_map(|it| it.code.clone()).for_each(|it| *codes.entry(it).or_default() += 1);
        assert_eq!(self.codes, codes);
        assert_eq!(self.deciding, self.open.values().filter(|it| it.decides()).count());
        assert!(self.open.iter().all(|(id, it)| it.id == *id && id.0 <= self.last_id));
        for subject in self.memory.in_call() {
            let rings = |it: &Challenge| it.method.channel() == Channel::Voice && it.subject == *subject;
            assert!(self.open.values().any(rings), "no call rings for {subject:?}");
        }
    }
}
