//! `person`: what the person does with the phone, one act after the other, or that a caller of the admin API decides.

use std::time::Duration;

use crate::contract::Secret;
use crate::engine::{Act, Conduct, NotAnAct, Reaction};
use crate::text::listed;

use super::fields::Reader;
use super::grammar::Values;
use super::mistake::Code;
use super::values::{OneOrList, described, text_as};
use super::written::Written;

/// What `person` says.
pub(super) enum Person {
    Acts(Vec<(Duration, Act)>),
    Decides,
}

impl Person {
    /// What follows. `within` and `otherwise` hold for a decision.
    pub(super) fn conduct(self, within: Option<Duration>, otherwise: Option<Conduct>) -> Conduct {
        match self {
            Self::Acts(acts) => Conduct::Acts(acts),
            Self::Decides => {
                let otherwise = Box::new(otherwise.unwrap_or(Conduct::React(Reaction::NoAnswer)));
                Conduct::Decides { within, otherwise }
            }
        }
    }
}

/// Acts, or the word `decides`. `ring` is the time before the first act, where it says none.
pub(super) fn person<'a>(ring: Duration) -> impl Reader<'a, Value = Person> {
    let values = |grammar: &'a _| {
        let words: Vec<_> = words_and("decides").collect();
        let act = Values::either(&Values::words(&words), &act().values(grammar));
        Values::one_or_more(&act).called("one or a list (acts), or `decides`")
    };
    described(values, move |written: Written<'a>| {
        if written.is_text() && written.text()? == "decides" {
            return Some(Person::Decides);
        }
        let count = written.one_or_more().len();
        let read = OneOrList(act()).read(written)?;
        (read.len() == count).then(|| Person::Acts(timed(read, ring)))
    })
}

/// Acts with the time that passes before each.
fn timed(read: Vec<(Option<Duration>, Option<Act>)>, ring: Duration) -> Vec<(Duration, Act)> {
    let mut acts = Vec::new();
    // The time before the next act; where no time is given, the ring before the first.
    let mut wait: Option<Duration> = None;
    for (time, act) in read {
        wait = time.map(|time| time + wait.unwrap_or_default()).or(wait);
        let Some(act) = act else { continue };
        let usual = if acts.is_empty() { ring } else { Duration::ZERO };
        let wait = wait.take().unwrap_or(usual);
        match act.is_by_keys() && acts.is_empty() {
            // The person who presses keys has answered.
            true => acts.extend([(wait, Act::Answer), (Duration::ZERO, act)]),
            false => acts.push((wait, act)),
        }
    }
    acts
}

/// The time that passes, and the act that is done then.
fn act<'a>() -> impl Reader<'a, Value = (Option<Duration>, Option<Act>)> {
    described(|_| Values::one_pair(&words_and("waits").collect::<Vec<_>>()), read_act)
}

fn read_act(written: Written<'_>) -> Option<(Option<Duration>, Option<Act>)> {
    let written = written.called("an act");
    let pairs = if written.is_text() { Vec::new() } else { written.pairs() };
    let (word, value) = match pairs.as_slice() {
        [] => (written.text()?, None),
        [one] => (one.key, Some(one.value)),
        _ => {
            let help = "Put a - before each act.".into();
            return written.wrong(Code::BadValue, "an act is one word with one value".into(), [help]);
        }
    };
    let time = match value.filter(|_| word == "waits" || TIMED.contains(&word)) {
        Some(value) => Some(value.duration()?),
        None => None,
    };
    let act = match word {
        "waits" if time.is_some() => return Some((time, None)),
        "waits" => return written.wrong(Code::MissingKey, "waits needs a time: waits: 3s".into(), []),
        _ if time.is_some() => Act::read(word, None),
        _ => Act::read(word, value.map(|it| it.secret().unwrap_or_default())),
    };
    match act {
        Ok(act) => Some((time, Some(act))),
        Err(NotAnAct::Unknown) => written.unknown_word(word, words_and("decides"), || listed(words_and("waits"))),
        Err(needs @ NotAnAct::Needs(..)) => written.wrong(Code::MissingKey, needs.to_string(), []),
        Err(takes @ NotAnAct::Takes(..)) => value.unwrap_or(written).wrong(Code::BadValue, takes.to_string(), []),
    }
}

/// The acts behind which a time can stand, after which they are done.
pub(super) const TIMED: [&str; 2] = ["answers", "voicemail"];

/// What a person can do, with a further word.
fn words_and(word: &'static str) -> impl Iterator<Item = &'static str> {
    Act::WORDS.iter().copied().chain([word])
}

/// The keys that a person presses when an event is played.
pub(super) fn pressed<'a>() -> impl Reader<'a, Value = Secret> {
    text_as("`0` to `9`, `*`, `#`; secret", |written: Written<'a>| {
        let text = written.secret()?;
        match text.chars().all(|it| it.is_ascii_digit() || matches!(it, '*' | '#')) {
            true => Some(text.into()),
            false => written.wrong(Code::BadValue, "keys are 0 to 9, * and #".into(), []),
        }
    })
}
