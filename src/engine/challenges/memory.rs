//! What is remembered of each subject between challenges: a block, the successes that the cache can use, and whether a
//! call rings now.

use std::borrow::Cow;
use std::sync::Arc;

use crate::contract::AuthenticationType;
use crate::engine::aging::Aging;
use crate::engine::company::{Cache, CacheKey};
use crate::engine::directory::Block;
use crate::engine::outcome::Outcome;
use crate::engine::{Directory, Number, Timestamp};
use crate::text::lower_case;

/// Names the person that a challenge asks. Several people can stand behind one username, each with a number: MIM asks
/// for all of them as its service account.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct SubjectKey {
    /// Lower case.
    pub username: Arc<str>,
    /// Empty without a number.
    digits: Box<str>,
}

/// What is remembered of all subjects. A subject of which nothing is to be remembered has no entry.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    subjects: Aging<SubjectKey, Remembered>,
    /// How many subjects there may be before those whose successes ran out are forgotten; at least [`SWEEP`].
    sweep_at: usize,
}

/// What is remembered of a subject.
#[derive(Clone, Debug, Default)]
pub(super) struct Remembered {
    block: Option<Block>,
    passed: Vec<Passed>,
    /// Whether a call rings now; a second one is busy.
    in_call: bool,
}

/// A success that the cache can use.
#[derive(Clone, Debug)]
struct Passed {
    at: Timestamp,
    sign_in: SignIn,
}

/// What a caller says of the sign-in that needs a second factor.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SignIn {
    pub initiating_type: AuthenticationType,
    pub application: Box<str>,
    pub ip_address: Box<str>,
}

/// How many subjects are remembered before the first look for those whose successes ran out.
const SWEEP: usize = 1024;

impl SubjectKey {
    pub(super) fn new(username: &Arc<str>, number: Option<&Number>) -> Self {
        let username = match lower_case(username) {
            Cow::Borrowed(_) => username.clone(),
            Cow::Owned(lower) => lower.into(),
        };
        Self { username, digits: number.map(|it| it.digits().into()).unwrap_or_default() }
    }

    /// Whether it is a user: the one with the number, or the one with the name where there is no number.
    pub(super) fn is_user(&self, users: &Directory) -> bool {
        match &*self.digits {
            "" => users.find(&self.username).is_some(),
            digits => users.has_number(digits),
        }
    }

    /// The key of the same person under another username, in lower case.
    pub(super) fn renamed(&self, username: &Arc<str>) -> Self {
        Self { username: username.clone(), digits: self.digits.clone() }
    }
}

impl Memory {
    /// What a space that forks off remembers: no call rings there.
    pub(super) fn fork(&self) -> Self {
        let mut fork = self.clone();
        fork.subjects.iter_mut().for_each(|it| it.1.in_call = false);
        fork.subjects.retain(|_, it| it.is_worth_keeping());
        fork
    }

    pub(super) fn get(&self, subject: &SubjectKey) -> Option<&Remembered> {
        self.subjects.get(subject)
    }

    pub(super) fn block(&mut self, subject: &SubjectKey, block: Block) {
        self.subjects.or_default(subject.clone()).block = Some(block);
    }

    pub(super) fn begin_call(&mut self, subject: &SubjectKey) {
        self.subjects.or_default(subject.clone()).in_call = true;
    }

    pub(super) fn end_call(&mut self, subject: &SubjectKey) {
        let Some(remembered) = self.subjects.get_mut(subject) else { return };
        remembered.in_call = false;
        if !remembered.is_worth_keeping() {
            self.subjects.remove(subject);
        }
    }

    /// Remembers a success for the cache.
    pub(super) fn remember(&mut self, now: Timestamp, subject: &SubjectKey, sign_in: SignIn, cache: Cache) {
        // Most people do not come back, and what they passed runs out unseen.
        if self.subjects.len() >= self.sweep_at.max(SWEEP) {
            self.subjects.retain(|_, it| {
                it.passed.retain(|it| it.holds(now, cache));
                it.is_worth_keeping()
            });
            self.sweep_at = 2 * self.subjects.len();
        }
        let all = &mut self.subjects.or_default(subject.clone()).passed;
        all.retain(|it| it.holds(now, cache));
        all.push(Passed { at: now, sign_in });
    }

    /// Whether a subject with that number is blocked.
    pub(super) fn is_blocked_at(&self, number: &Number) -> bool {
        self.subjects.iter().any(|(subject, it)| it.block.is_some() && *subject.digits == *number.digits())
    }

    /// Lifts the blocks of all subjects under a username or at a number; `false` where there is none.
    pub(super) fn unblock(&mut self, username: &str, number: Option<&Number>) -> bool {
        let username = username.to_lowercase();
        let mut lifted = false;
        for (subject, remembered) in self.subjects.iter_mut() {
            if *subject.username == *username || number.is_some_and(|it| *subject.digits == *it.digits()) {
                lifted |= remembered.block.take().is_some();
            }
        }
        self.subjects.retain(|_, it| it.is_worth_keeping());
        lifted
    }

    /// Moves what is remembered under a username to another one; `None` forgets it. Both in lower case.
    pub(super) fn rename(&mut self, from: &str, to: Option<&Arc<str>>) {
        let moved = self.subjects.take(|it| *it.username == *from);
        let Some(to) = to else { return };
        for (subject, it) in moved {
            *self.subjects.or_default(subject.renamed(to)) = it;
        }
    }

    /// Evicts the subjects above a bound who are no users, the oldest first; those whose phone rings stay. Whether there
    /// was one.
    pub(super) fn evict(&mut self, bound: usize, is_user: impl Fn(&SubjectKey) -> bool) -> bool {
        !self.subjects.evict(bound, |subject, it| it.in_call || is_user(subject)).is_empty()
    }

    /// The subjects whose phone rings or is answered.
    #[cfg(test)]
    pub(super) fn in_call(&self) -> impl Iterator<Item = &SubjectKey> {
        self.subjects.iter().filter(|it| it.1.in_call).map(|it| it.0)
    }
}

impl Remembered {
    pub(super) const fn is_blocked(&self) -> bool {
        self.block.is_some()
    }

    pub(super) const fn is_in_call(&self) -> bool {
        self.in_call
    }

    /// The outcome where an earlier success stands in for a challenge.
    pub(super) fn cached(&self, now: Timestamp, sign_in: &SignIn, cache: Cache) -> Option<Outcome> {
        let fits = |earlier: &SignIn| match cache.by {
            CacheKey::User => true,
            CacheKey::Application => {
                earlier.initiating_type == sign_in.initiating_type && earlier.application == sign_in.application
            }
            CacheKey::Ip => earlier == sign_in,
        };
        self.passed.iter().find(|it| fits(&it.sign_in) && it.holds(now, cache))?;
        Some(match cache.by {
            CacheKey::User => Outcome::UsedCache,
            CacheKey::Ip => Outcome::UsedIpCache,
            CacheKey::Application => Outcome::UsedAppCache,
        })
    }

    const fn is_worth_keeping(&self) -> bool {
        self.block.is_some() || self.in_call || !self.passed.is_empty()
    }
}

impl Passed {
    fn holds(&self, now: Timestamp, cache: Cache) -> bool {
        now.since(self.at) <= cache.lasts
    }
}
