//! How the engine decides a call: the rules with the directory, the company and the open calls.

use std::sync::Arc;
use std::time::Duration;

use crate::contract::Record;
use crate::engine::journal::{Changed, What};
use crate::engine::rules::book::{Explanation, RuleStatus};
use crate::engine::rules::facts::{Call, Facts};
use crate::engine::rules::rule::{Decision, Rule, UserChange, Verdict};
use crate::engine::rules::states::PersonState;
use crate::engine::{Block, Engine, Timestamp};

impl Engine {
    /// Selects the first rule that matches a call and consumes its next answer, atomically: the n-th call gets the n-th
    /// answer, whatever other calls do.
    pub fn receive(&mut self, now: Timestamp, call: &Call<'_>) -> Decision {
        if self.rules.is_empty() {
            return Decision::default();
        }
        let selected = self.rules.select(self.facts(now, call));
        self.rules.consume(now, selected)
    }

    /// What each rule makes of a call, in their order, chance aside: those of the incident first. Nothing is counted, and
    /// nothing drawn.
    #[must_use]
    pub fn explain(&self, now: Timestamp, call: &Call<'_>) -> Vec<Explanation> {
        self.rules.explain(&self.facts(now, call))
    }

    fn facts<'a>(&'a self, now: Timestamp, call: &Call<'a>) -> Facts<'a> {
        let event_caller = |id: &str| self.challenges.event_caller(id);
        Facts::of((now, self.begun), call, &self.company, &self.users, self.rules.people(), event_caller)
    }

    /// The rules in their order, without those that have ended.
    pub fn rules(&self, now: Timestamp) -> impl Iterator<Item = RuleStatus<'_>> {
        self.rules.book.active(now)
    }

    /// The rules in their order, those that have ended included.
    pub fn all_rules(&self) -> impl Iterator<Item = RuleStatus<'_>> {
        self.rules.book.all()
    }

    /// Whether a rule that has not ended has that name, letter case aside.
    #[must_use]
    pub fn has_rule(&self, now: Timestamp, name: &str) -> bool {
        self.rules.book.has(now, name)
    }

    /// A name for a rule without one, which no rule has.
    pub fn name_for_rule(&mut self, now: Timestamp) -> String {
        self.rules.book.unnamed(now)
    }

    /// Whether a rule was added, removed or ended since the scenario was read.
    #[must_use]
    pub const fn rules_changed(&self) -> bool {
        self.rules.book.is_changed()
    }

    /// The states of the scenario, which rules refer to by their places.
    #[must_use]
    pub const fn states(&self) -> &Arc<[PersonState]> {
        self.rules.people.states()
    }

    /// Whether a window of a rule opens while the rule is there, or is open: from now on, for so long.
    #[must_use]
    pub fn window_opens(&self, now: Timestamp, rule: &Rule, lasts: Option<Duration>) -> bool {
        let from = now.since(self.begun);
        rule.when.opens_within(from, lasts.map_or(Duration::MAX, |it| from.saturating_add(it)))
    }

    /// Adds a rule before all others. `times`: how many calls it decides; `None`: any number. `lasts`: how long it stays;
    /// `None`: for ever.
    pub fn add_rule(&mut self, now: Timestamp, rule: Rule, times: Option<u64>, lasts: Option<Duration>) {
        self.rules.book.add(now, rule, times, lasts);
    }

    /// Removes a rule. `false`: there is none of that name, letter case aside.
    pub fn remove_rule(&mut self, now: Timestamp, name: &str) -> bool {
        self.rules.book.remove(now, name)
    }

    /// Makes the change of a user that an answer brings, once the call is answered.
    pub fn follow(&mut self, now: Timestamp, verdict: &Verdict) {
        let change = verdict.answer.change.as_ref();
        let Some((change, username)) = change.zip(verdict.person.as_deref()) else { return };
        self.change_user(now, username, change);
        let keys = change.settings.iter().map(|it| it.0);
        let keys = keys.chain(change.block.is_some().then_some("blocked"));
        let keys: Vec<_> = keys.chain(change.password.is_some().then_some("password")).collect();
        let changed = Changed {
            operation: verdict.operation,
            username: username.into(),
            by: (&*verdict.rule).into(),
            detail: keys.join(", ").into(),
            incident: None,
        };
        self.journal.note(now, What::Changed(changed));
    }

    fn change_user(&mut self, now: Timestamp, username: &str, change: &UserChange) {
        self.users.change_settings(username, |settings| {
            for (key, text) in &change.settings {
                settings.set(key, text.reveal()).expect("it was set when the scenario was read");
            }
        });
        let Some(user) = self.users.find_mut(username) else { return };
        if change.settings.iter().any(|it| it.0 == "pin") {
            user.pin_changed = now;
        }
        if let Some(password) = &change.password {
            user.password = Some(password.clone());
        }
        match &change.block {
            Some(Some(reason)) => user.block = Some(Block { since: now, reason: reason.clone() }),
            // A user who is not blocked stays so.
            Some(None) => drop(self.unblock(username)),
            None => (),
        }
    }
}
