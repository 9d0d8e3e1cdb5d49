//! The rules in their order: found by user or number, selected, and asked for their next answer.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::engine::chance::Draw;
use crate::engine::delay::DrawnDelay;
use crate::engine::differences::Difference;
use crate::engine::rules::condition::Index;
use crate::engine::rules::facts::Facts;
use crate::engine::rules::rule::{Answer, Rule};
use crate::engine::rules::states::{Keys, Per};
use crate::engine::rules::template::Words;
use crate::engine::{Number, Timestamp};
use crate::text::lower_case;

/// The rules, and how many answers each has given.
#[derive(Clone, Debug, Default)]
pub(super) struct Book {
    /// By their places. A rule that is added comes before the first.
    rules: BTreeMap<i64, ActiveRule>,
    /// Whether a rule was added, removed or ended since the scenario was read.
    changed: bool,
    /// The places by name in lower case (ASCII).
    by_name: HashMap<String, i64>,
    /// The places of the rules that name users without a pattern, by username in lower case.
    by_user: HashMap<String, VecDeque<i64>>,
    /// The places of the rules that name numbers, by digits.
    by_number: HashMap<String, VecDeque<i64>>,
    /// The places of all other rules.
    others: VecDeque<i64>,
    /// How many rules without a name were added.
    unnamed: u64,
}

#[derive(Clone, Debug)]
struct ActiveRule {
    rule: Rule,
    /// Whether it concerns only calls that ask for a second factor.
    asks: bool,
    /// The answers that it has given.
    given: Turns,
    /// With `chance`: the calls that it drew for.
    drawn: Turns,
    /// How many calls it still decides. `None`: any number.
    left: Option<u64>,
    /// When it ends. `None`: never.
    until: Option<Timestamp>,
}

/// How often something came to the turn of each person or number.
#[derive(Clone, Debug, Default)]
struct Turns {
    /// By the key of `per`.
    by_key: HashMap<String, u64>,
    all: u64,
}

/// For how many people a rule knows the turns. One more takes the place of another, who starts with the first turn again.
const TURNS: usize = 100_000;

/// A rule and how far it is.
#[derive(Clone, Copy, Debug)]
pub struct RuleStatus<'a> {
    pub rule: &'a Rule,
    /// How many calls it has decided.
    pub calls: u64,
    /// For how many calls it drew. `None`: it has no `chance`.
    pub draws: Option<u64>,
    /// How many calls it still decides. `None`: any number.
    pub left: Option<u64>,
    /// When it ends. `None`: never.
    pub until: Option<Timestamp>,
}

/// Whether a rule matches a call, and why not.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    pub rule: Arc<str>,
    /// The first condition that does not hold, in words. `None`: the rule matches.
    pub why_not: Option<String>,
}

/// A rule that matches, and what of the facts its answer needs.
pub(in crate::engine) struct Match {
    /// The rule's place.
    at: i64,
    pub(super) operation: &'static str,
    pub(super) keys: Keys,
    pub(super) words: Words,
    pub(super) person: Option<Arc<str>>,
}

/// The rule that matches a call, and what was drawn before it was found.
#[derive(Default)]
pub(super) struct Selection {
    pub(super) draws: Vec<Counted>,
    /// Most calls match no rule: in a box, so that little is moved for them.
    pub(super) matched: Option<Box<Match>>,
}

/// A draw that is not counted yet.
pub(super) struct Counted {
    /// The rule's place.
    at: i64,
    /// Of the person or number.
    key: String,
    draw: Draw,
}

impl Turns {
    fn of(&self, key: &str) -> u64 {
        self.by_key.get(key).copied().unwrap_or_default()
    }

    /// Counts a turn, and returns the how many-th it is, from 1.
    fn next(&mut self, key: &str) -> u64 {
        self.all += 1;
        let turn = match self.by_key.get_mut(key) {
            Some(turn) => turn,
            None => {
                let another = self.by_key.keys().next().filter(|_| self.by_key.len() >= TURNS).cloned();
                another.map(|it| self.by_key.remove(&it));
                self.by_key.entry(key.into()).or_default()
            }
        };
        *turn += 1;
        *turn
    }

    /// Moves the turns of a user to another name. `None` forgets them.
    fn rename(&mut self, from: &str, to: Option<&str>) {
        let turns = self.by_key.remove(&from.to_lowercase());
        if let Some((turns, to)) = turns.zip(to) {
            self.by_key.insert(to.to_lowercase(), turns);
        }
    }
}

impl Match {
    fn of(at: i64, call: Facts<'_>) -> Self {
        let person = call.subject.person.map(|it| it.username.as_str());
        let user: Arc<str> = person.unwrap_or(call.subject.username).into();
        Self {
            at,
            operation: call.operation,
            keys: call.keys,
            person: person.map(|_| user.clone()),
            words: Words { user, number: call.subject.number.ok().flatten(), time: call.now, ..Words::default() },
        }
    }
}

impl ActiveRule {
    fn new(rule: Rule, left: Option<u64>, until: Option<Timestamp>) -> Self {
        Self {
            asks: rule.answers.directs_person(),
            rule,
            given: Turns::default(),
            drawn: Turns::default(),
            left,
            until,
        }
    }

    fn status(&self) -> RuleStatus<'_> {
        RuleStatus {
            rule: &self.rule,
            calls: self.given.all,
            draws: self.rule.when.chance().map(|_| self.drawn.all),
            left: self.left,
            until: self.until,
        }
    }

    fn concerns(&self, call: &Facts<'_>) -> bool {
        (call.asks || !self.asks) && self.is_active(call.now)
    }

    fn is_active(&self, now: Timestamp) -> bool {
        self.left != Some(0) && self.until.is_none_or(|it| now < it)
    }

    /// What it draws for a call, and the key of the person whose turn it is. `None`: it has no `chance`.
    fn draw(&self, call: &Facts<'_>, seed: u64) -> Option<(String, Draw)> {
        let chance = self.rule.when.chance()?;
        let key = call.keys.per(self.rule.answers.per);
        Some((key.into(), Draw::of(seed, &self.rule.name, chance, key, self.drawn.of(key) + 1)))
    }

    fn why_not(&self, call: &Facts<'_>) -> Option<String> {
        match self.concerns(call) {
            true => self.rule.when.why_not(call),
            false if !self.is_active(call.now) => Some("its calls or its time are over".into()),
            false => Some(format!(
                "{} does not ask for a second factor, and the rule says what a person does",
                call.operation
            )),
        }
    }
}

impl Book {
    pub(super) fn new(rules: Vec<Rule>) -> Self {
        Self::index(rules.into_iter().map(|it| ActiveRule::new(it, None, None)).collect())
    }

    fn index(rules: Vec<ActiveRule>) -> Self {
        let mut it = Self::default();
        // From the last to the first: each comes before those that are there.
        rules.into_iter().rev().for_each(|rule| it.put_first(rule));
        it
    }

    /// Puts a rule before all others. The cost does not depend on how many there are.
    fn put_first(&mut self, it: ActiveRule) {
        let at = self.rules.first_key_value().map_or(0, |it| it.0 - 1);
        let add = |map: &mut HashMap<String, VecDeque<i64>>, keys: Vec<&str>| {
            for key in keys {
                let places = map.entry(key.into()).or_default();
                // A rule can name one number in two spellings.
                if places.front() != Some(&at) {
                    places.push_front(at);
                }
            }
        };
        match it.rule.when.index() {
            Some(Index::Numbers(digits)) => add(&mut self.by_number, digits),
            Some(Index::Users(names)) => add(&mut self.by_user, names),
            None => self.others.push_front(at),
        }
        self.by_name.insert(it.rule.name.to_ascii_lowercase(), at);
        self.rules.insert(at, it);
    }

    /// The rules that have not ended are indexed again after a change.
    fn change(&mut self, now: Timestamp, change: impl FnOnce(&mut Vec<ActiveRule>)) {
        let mut rules: Vec<_> = std::mem::take(&mut self.rules).into_values().collect();
        rules.retain(|it| it.is_active(now));
        change(&mut rules);
        *self = Self { changed: true, unnamed: self.unnamed, ..Self::index(rules) };
    }

    /// Whether an active rule has that name, letter case aside.
    pub(super) fn has(&self, now: Timestamp, name: &str) -> bool {
        let place = self.by_name.get(&name.to_ascii_lowercase());
        place.and_then(|it| self.rules.get(it)).is_some_and(|it| it.is_active(now))
    }

    /// A name for a rule without one.
    pub(super) fn unnamed(&mut self, now: Timestamp) -> String {
        loop {
            self.unnamed += 1;
            let name = format!("added rule {}", self.unnamed);
            if !self.has(now, &name) {
                return name;
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    pub(super) const fn is_changed(&self) -> bool {
        self.changed
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &Rule> {
        self.rules.values().map(|it| &it.rule)
    }

    /// The rules that have not ended.
    pub(super) fn active(&self, now: Timestamp) -> impl Iterator<Item = RuleStatus<'_>> {
        self.rules.values().filter(move |it| it.is_active(now)).map(ActiveRule::status)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = RuleStatus<'_>> {
        self.rules.values().map(ActiveRule::status)
    }

    /// Adds a rule before all others, for so many calls and so long.
    pub(super) fn add(&mut self, now: Timestamp, rule: Rule, times: Option<u64>, lasts: Option<Duration>) {
        let rule = ActiveRule::new(rule, times, lasts.map(|it| now + it));
        if self.rules.values().all(|it| it.is_active(now)) {
            self.changed = true;
            return self.put_first(rule);
        }
        self.change(now, |rules| rules.insert(0, rule));
    }

    /// Removes a rule. `false`: no active rule has that name, letter case aside.
    pub(super) fn remove(&mut self, now: Timestamp, name: &str) -> bool {
        let has_name = |it: &ActiveRule| it.rule.name.eq_ignore_ascii_case(name);
        let found = self.has(now, name);
        if found {
            self.change(now, |rules| rules.retain(|it| !has_name(it)));
        }
        found
    }

    /// Moves the turns of a user to another name. `None` forgets them.
    pub(super) fn rename(&mut self, from: &str, to: Option<&str>) {
        for it in self.rules.values_mut().filter(|it| it.rule.answers.per == Per::User) {
            it.given.rename(from, to);
            it.drawn.rename(from, to);
        }
    }

    /// Goes on under the rules `to` of another scenario, which differ from those of the scenario before by
    /// `differences`. Rules that calls have added stay in front, and those that calls have removed stay out. Where the
    /// answers are the same, the count of given answers goes on; draws go on where the turns are those of the same people.
    pub(super) fn reload(&mut self, now: Timestamp, to: &Self, differences: &Difference, same_states: bool) {
        let theirs: HashSet<&str> = to.iter().map(|it| &*it.name).collect();
        let removed: HashSet<&str> = differences.removed.iter().map(String::as_str).collect();
        let new: HashSet<&str> = differences.added.iter().chain(&differences.changed).map(String::as_str).collect();
        let mut changed = false;
        self.change(now, |rules| {
            let mut before = HashMap::new();
            for it in std::mem::take(rules) {
                match theirs.contains(&*it.rule.name) {
                    true => drop(before.insert(it.rule.name.clone(), it)),
                    // Rules hold states by their place: under other states the place is that of another state.
                    false if !same_states || removed.contains(&*it.rule.name) => (),
                    false => rules.push(it),
                }
            }
            changed = !rules.is_empty();
            for it in to.rules.values() {
                let mut it = it.clone();
                match before.remove(&it.rule.name) {
                    Some(before) => {
                        if before.rule.answers == it.rule.answers {
                            it.given = before.given;
                        }
                        if before.rule.answers.per == it.rule.answers.per {
                            it.drawn = before.drawn;
                        }
                    }
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

    /// What each rule makes of a call, in their order. Nothing is counted.
    pub(super) fn explain(&self, call: &Facts<'_>) -> Vec<Explanation> {
        let explain = |it: &ActiveRule| Explanation { rule: it.rule.name.clone(), why_not: it.why_not(call) };
        self.rules.values().map(explain).collect()
    }

    /// The first rule that matches: one lookup by user, one by owner, one by number, and the rules without an index. A rule
    /// with `chance` draws where all its other conditions hold. Nothing is counted.
    pub(super) fn select(&self, call: Facts<'_>, seed: u64) -> Selection {
        let mut draws = Vec::new();
        let subject = &call.subject;
        let of_user = |name: &str| self.by_user.get(&*lower_case(name));
        let digits = subject.number().map(Number::digits);
        let lists = [
            of_user(subject.username),
            call.owner().and_then(of_user),
            digits.and_then(|it| self.by_number.get(it)),
            Some(&self.others),
        ];
        let mut lists = lists.map(|it| it.into_iter().flatten().copied().peekable());
        loop {
            let Some(next) = lists.iter_mut().filter_map(|it| it.peek().copied()).min() else {
                return Selection { draws, matched: None };
            };
            for list in &mut lists {
                list.next_if_eq(&next);
            }
            let it = &self.rules[&next];
            if !it.concerns(&call) || !it.rule.when.matches(&call) {
                continue;
            }
            let draw = it.draw(&call, seed);
            let is_taken = draw.as_ref().is_none_or(|(_, draw)| draw.is_taken());
            draws.extend(draw.map(|(key, draw)| Counted { at: next, key, draw }));
            if is_taken {
                return Selection { draws, matched: Some(Box::new(Match::of(next, call))) };
            }
        }
    }

    /// The next answer of a rule.
    pub(super) fn next(&self, matched: &Match) -> &Answer {
        let it = &self.rules[&matched.at];
        it.rule.answers.of(it.given.of(matched.keys.per(it.rule.answers.per)))
    }

    /// Counts draws.
    pub(super) fn count(&mut self, draws: Vec<Counted>) -> Vec<Draw> {
        let count = |Counted { at, key, draw }| {
            self.rules.get_mut(&at).expect("no rule goes between its draw and its count").drawn.next(&key);
            draw
        };
        draws.into_iter().map(count).collect()
    }

    /// Consumes the next answer of a rule: the rule's name, the answer, its delay, and the how many-th answer it is for the
    /// person, from 1.
    pub(super) fn consume(&mut self, matched: &Match, seed: u64) -> (Arc<str>, Arc<Answer>, Option<DrawnDelay>, u64) {
        let it = self.rules.get_mut(&matched.at).expect("no rule goes between its selection and its answer");
        let ActiveRule { rule, given, left, .. } = it;
        if let Some(left) = left {
            *left = left.saturating_sub(1);
        }
        let key = matched.keys.per(rule.answers.per);
        let turn = given.next(key);
        let answer = rule.answers.of(turn - 1).clone();
        let delay = answer.delay.map(|it| it.drawn(seed, &rule.name, key, turn));
        (rule.name.clone(), answer, delay, turn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_turns_of_so_many_people_are_known_and_no_more() {
        let mut turns = Turns::default();
        for n in 0..TURNS + 10 {
            assert_eq!(turns.next(&n.to_string()), 1);
        }
        assert_eq!((turns.by_key.len(), turns.all), (TURNS, TURNS as u64 + 10));
    }
}
