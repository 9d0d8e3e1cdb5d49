//! From a call to the rule that decides: the one place that selects.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use crate::contract::{AuthenticationType, FieldValue, Mode, Record, Role};
use crate::engine::challenges::subject::{GivenNumber, Subject};
use crate::engine::differences::Difference;
use crate::engine::journal::{Changed, What};
use crate::engine::rules::condition::Index;
use crate::engine::rules::facts::Facts;
use crate::engine::rules::rule::{Rule, UserChange, Verdict};
use crate::engine::rules::states::{Keys, Per};
use crate::engine::rules::template::Words;
use crate::engine::{Block, Engine, Method, Number, Timestamp};

/// A well-formed call, as it arrives.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The operation's wire name.
    pub operation: &'static str,
    /// Whether the operation asks somebody for a second factor.
    pub asks: bool,
    pub space: &'a str,
    pub values: &'a [FieldValue<'a>],
}

/// The rules, found by what they select by.
#[derive(Clone, Debug, Default)]
pub(in crate::engine) struct Rules {
    rules: Vec<Kept>,
    /// Whether rules came or went since the scenario.
    changed: bool,
    /// The places of those that name users and no pattern, by name in lower case.
    by_user: HashMap<String, Vec<usize>>,
    /// The places of those that name numbers, by digits.
    by_number: HashMap<String, Vec<usize>>,
    /// The places of the others.
    others: Vec<usize>,
}

#[derive(Clone, Debug)]
struct Kept {
    rule: Rule,
    /// Whether it concerns only calls that ask somebody.
    asks: bool,
    /// How many calls it has answered, by whose turn it was.
    answered: HashMap<String, u64>,
    /// How many calls it still decides; none: any number.
    left: Option<u64>,
    /// When it ends; none: it stays.
    until: Option<Timestamp>,
}

/// For how many people a rule knows whose turn it is. One more takes the place of another, who begins anew.
const TURNS: usize = 100_000;

/// A rule, to be looked at.
#[derive(Clone, Copy, Debug)]
pub struct RuleStanding<'a> {
    pub rule: &'a Rule,
    /// How many calls it has decided.
    pub calls: u64,
    /// How many calls it still decides; none: any number.
    pub left: Option<u64>,
    /// When it ends; none: it stays.
    pub until: Option<Timestamp>,
}

/// Why a rule does not decide a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Explained {
    pub rule: Arc<str>,
    /// The first condition that does not hold, in words; none: the rule matches.
    pub why_not: Option<String>,
}

impl Rules {
    pub(in crate::engine) fn new(rules: Vec<Rule>) -> Self {
        let kept =
            |rule: Rule| Kept { asks: rule.answers.ask(), rule, answered: HashMap::new(), left: None, until: None };
        Self::of(rules.into_iter().map(kept).collect())
    }

    fn of(rules: Vec<Kept>) -> Self {
        let mut it = Self::default();
        for (at, Kept { rule, .. }) in rules.iter().enumerate() {
            let keep = |map: &mut HashMap<String, Vec<usize>>, keys: Vec<&str>| {
                for key in keys {
                    let places = map.entry(key.into()).or_default();
                    // A rule can name one number in two spellings.
                    if places.last() != Some(&at) {
                        places.push(at);
                    }
                }
            };
            match rule.when.index() {
                Some(Index::Numbers(digits)) => keep(&mut it.by_number, digits),
                Some(Index::Users(names)) => keep(&mut it.by_user, names),
                None => it.others.push(at),
            }
        }
        it.rules = rules;
        it
    }

    pub(in crate::engine) fn iter(&self) -> impl ExactSizeIterator<Item = &Rule> {
        self.rules.iter().map(|it| &it.rule)
    }

    /// Goes on under changed rules, of which `changes` are those to the rules before. Rules that calls have added stay
    /// in front, and those that calls have taken out stay out. Where the answers are the same, it is known whose turn
    /// it is.
    pub(in crate::engine) fn reload(&mut self, now: Timestamp, to: &Self, changes: &Difference, same_states: bool) {
        let theirs: HashSet<&str> = to.iter().map(|it| &*it.name).collect();
        let gone: HashSet<&str> = changes.removed.iter().map(String::as_str).collect();
        let new: HashSet<&str> = changes.added.iter().chain(&changes.changed).map(String::as_str).collect();
        let mut changed = false;
        self.change(now, |rules| {
            let mut before = HashMap::new();
            for it in std::mem::take(rules) {
                match theirs.contains(&*it.rule.name) {
                    true => drop(before.insert(it.rule.name.clone(), it)),
                    // Where the states are others, it would speak of those.
                    false if !same_states || gone.contains(&*it.rule.name) => (),
                    false => rules.push(it),
                }
            }
            changed = !rules.is_empty();
            for it in &to.rules {
                let mut it = it.clone();
                match before.remove(&it.rule.name) {
                    Some(before) if before.rule.answers == it.rule.answers => it.answered = before.answered,
                    None if !new.contains(&*it.rule.name) => {
                        changed = true;
                        continue;
                    }
                    _ => (),
                }
                rules.push(it);
            }
        });
        self.changed = changed;
    }

    /// Lets the turns of a user go on under another name. `None` forgets them.
    pub(in crate::engine) fn rename(&mut self, from: &str, to: Option<&str>) {
        for it in self.rules.iter_mut().filter(|it| it.rule.answers.per == Per::User) {
            let calls = it.answered.remove(&from.to_lowercase());
            if let Some((calls, to)) = calls.zip(to) {
                it.answered.insert(to.to_lowercase(), calls);
            }
        }
    }

    /// Puts the rules that have not ended in their places anew, after a change.
    fn change(&mut self, now: Timestamp, change: impl FnOnce(&mut Vec<Kept>)) {
        let mut rules = std::mem::take(&mut self.rules);
        rules.retain(|it| it.holds(now));
        change(&mut rules);
        *self = Self { changed: true, ..Self::of(rules) };
    }

    /// The first rule that matches.
    pub(in crate::engine) fn select(&self, facts: &Facts<'_>) -> Option<Found> {
        let of_user = |name: &str| self.by_user.get(&name.to_lowercase());
        let digits = facts.number.as_ref().map(Number::digits);
        let owner = facts.owner.map(|it| it.username.as_str()).filter(|it| *it != facts.username);
        let lists = [
            of_user(facts.username),
            owner.and_then(of_user),
            digits.and_then(|it| self.by_number.get(it)),
            Some(&self.others),
        ];
        let mut lists = lists.map(|it| it.map_or(&[][..], Vec::as_slice).iter().copied().peekable());
        loop {
            let next = lists.iter_mut().filter_map(|it| it.peek().copied()).min()?;
            for list in &mut lists {
                list.next_if_eq(&next);
            }
            if self.rules[next].concerns(facts) && self.rules[next].rule.when.matches(facts) {
                return Some(Found::of(next, facts));
            }
        }
    }
}

impl Kept {
    fn concerns(&self, facts: &Facts<'_>) -> bool {
        (facts.asks || !self.asks) && self.holds(facts.now)
    }

    fn holds(&self, now: Timestamp) -> bool {
        self.left != Some(0) && self.until.is_none_or(|it| now < it)
    }
}

impl<'a> Call<'a> {
    fn text(&self, role: Role) -> Option<&'a str> {
        FieldValue::text_of(self.values, role)
    }
}

impl Engine {
    /// Decides a call by the rules, and takes the answer whose turn it is: so the n-th call gets the n-th answer,
    /// whatever happens beside it. `None`: no rule matches, and everything goes its way.
    pub fn receive(&mut self, now: Timestamp, call: &Call<'_>) -> Option<Verdict> {
        if self.rules.rules.is_empty() {
            return None;
        }
        let found = self.rules.select(&self.facts(now, call))?;
        Some(self.take(now, found))
    }

    /// What each rule makes of a call, in their order. It counts for nothing.
    #[must_use]
    pub fn explain(&self, now: Timestamp, call: &Call<'_>) -> Vec<Explained> {
        let facts = self.facts(now, call);
        let explained = |it: &Kept| Explained {
            rule: it.rule.name.clone(),
            why_not: match it.concerns(&facts) {
                true => it.rule.when.why_not(&facts),
                false if !it.holds(now) => Some("its calls or its time are over".into()),
                false => Some(format!("{} asks nobody, and the rule says what a person does", facts.operation)),
            },
        };
        self.rules.rules.iter().map(explained).collect()
    }

    /// The rules in their order, but for those whose calls or time are over.
    pub fn rules(&self, now: Timestamp) -> impl Iterator<Item = RuleStanding<'_>> {
        let holding = self.rules.rules.iter().filter(move |it| it.holds(now));
        holding.map(|it| RuleStanding {
            rule: &it.rule,
            calls: it.answered.values().sum(),
            left: it.left,
            until: it.until,
        })
    }

    /// Whether rules came or went since the scenario.
    #[must_use]
    pub const fn rules_changed(&self) -> bool {
        self.rules.changed
    }

    /// Adds a rule before all others, for so many calls and so long.
    pub fn add_rule(&mut self, now: Timestamp, rule: Rule, times: Option<u64>, lasts: Option<Duration>) {
        let until = lasts.map(|it| now + it);
        let kept = Kept { asks: rule.answers.ask(), rule, answered: HashMap::new(), left: times, until };
        self.rules.change(now, |rules| rules.insert(0, kept));
    }

    /// Removes a rule; `false` where there is none of that name, letter case aside.
    pub fn remove_rule(&mut self, now: Timestamp, name: &str) -> bool {
        let is = |it: &Kept| it.rule.name.eq_ignore_ascii_case(name);
        let found = self.rules.rules.iter().any(|it| is(it) && it.holds(now));
        if found {
            self.rules.change(now, |rules| rules.retain(|it| !is(it)));
        }
        found
    }

    /// Takes a rule's next answer.
    pub(in crate::engine) fn take(&mut self, now: Timestamp, found: Found) -> Verdict {
        let Found { at, operation, keys, words, person } = found;
        let Kept { rule, answered, left, .. } = &mut self.rules.rules[at];
        if let Some(left) = left {
            *left = left.saturating_sub(1);
        }
        let key = keys.per(rule.answers.per);
        let calls = match answered.get_mut(key) {
            Some(calls) => calls,
            None => {
                let another = answered.keys().next().filter(|_| answered.len() >= TURNS).cloned();
                another.map(|it| answered.remove(&it));
                answered.entry(key.into()).or_default()
            }
        };
        let answer = rule.answers.of(*calls).clone();
        *calls += 1;
        let words = Words { counter: *calls, ..words };
        for step in &answer.steps {
            self.people.step(now, step, &keys);
        }
        for (name, value) in &answer.counts {
            match value {
                Some(value) => self.people.set(name, *value, &keys),
                None => self.people.add(name, &keys),
            }
        }
        Verdict { rule: rule.name.clone(), answer, operation, person, words }
    }

    /// What is known of a call.
    fn facts<'a>(&'a self, now: Timestamp, call: &Call<'a>) -> Facts<'a> {
        let sent = call.text(Role::Username);
        let of_call = || self.challenges.event_caller(call.text(Role::CallIdentifier)?);
        let sent = sent.or_else(of_call).unwrap_or_default();
        let text = |role| call.text(role).unwrap_or_default();
        let number = GivenNumber {
            country_code: text(Role::CountryCode),
            phone: text(Role::PhoneNumber),
            extension: text(Role::Extension),
        };
        let subject = Subject::resolve(&self.users, &self.company.country_code, sent, number);
        let Subject { username, account, owner, person, number_given, .. } = subject;
        let number = subject.number.ok().flatten();
        let event = call.text(Role::Event);
        let initiating_type = text(Role::InitiatingType).parse().unwrap_or(AuthenticationType::Unspecified);
        let asked = match event {
            Some(_) => Mode::VoiceCall,
            None => text(Role::Mode).parse().ok().filter(|_| call.asks).unwrap_or(Mode::Unspecified),
        };
        let mode = match account {
            Some(account) => Method::choose(asked, Some(&account.settings), &self.company.defaults).mode(),
            None if matches!(asked, Mode::Unspecified | Mode::Invalid) => self.company.defaults.mode,
            None => asked,
        };
        Facts {
            operation: call.operation,
            asks: call.asks,
            space: call.space,
            now,
            values: call.values,
            username,
            account,
            owner,
            person,
            keys: Keys::of(username, person, number.as_ref(), number_given),
            number,
            initiating_type,
            application: event.unwrap_or_else(|| text(Role::Application)),
            ip_address: text(Role::IpAddress),
            mode,
            people: &self.people,
        }
    }

    /// Makes the change that an answer brings about, when the call was answered.
    pub fn follow(&mut self, now: Timestamp, verdict: &Verdict) {
        let change = verdict.answer.change.as_ref();
        let Some((change, username)) = change.zip(verdict.person.as_deref()) else { return };
        self.change_user(now, username, change);
        let keys = change.settings.iter().map(|it| it.0);
        let keys = keys.chain(change.block.is_some().then_some("blocked"));
        let keys: Vec<_> = keys.chain(change.password.is_some().then_some("password")).collect();
        self.journal.note(
            now,
            What::Changed(Changed {
                operation: verdict.operation,
                username: username.into(),
                by: (&*verdict.rule).into(),
                detail: keys.join(", ").into(),
            }),
        );
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
            // Nothing may block the user, and then nothing is lifted.
            Some(None) => drop(self.unblock(username)),
            None => (),
        }
    }
}

/// A rule that matches, and what is kept of the facts.
pub(in crate::engine) struct Found {
    /// The rule's place.
    at: usize,
    operation: &'static str,
    keys: Keys,
    words: Words,
    person: Option<String>,
}

impl Found {
    fn of(at: usize, facts: &Facts<'_>) -> Self {
        let name = facts.person.map_or(facts.username, |it| it.username.as_str());
        Self {
            at,
            operation: facts.operation,
            keys: facts.keys.clone(),
            words: Words { user: name.into(), number: facts.number.clone(), time: facts.now, ..Words::default() },
            person: facts.person.map(|it| it.username.clone()),
        }
    }
}
