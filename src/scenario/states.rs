//! `states`: what people can be in, for rules to ask for.

use crate::engine::{Conduct, Ending, Per, PersonState, Trigger, TriggerEnding};

use super::fields::{Reader, mapping};
use super::grammar::Values;
use super::mistake::Code;
use super::names::Names;
use super::outcomes::{outcome, outcome_word};
use super::values::{Item, Lasting, List, Name, OneOrMore, Placed, ReaderExt, Whole, Word, described};
use super::written::Written;

/// The states, each with its place.
pub(super) fn states<'a>() -> impl Reader<'a, Value = Vec<(Written<'a>, PersonState)>> {
    let mut names = Names::new("state");
    let state = mapping("state", "a state", move |fields| {
        let name = fields.need("name", Name.and_then(|name: String, it| names.add(it, &name)));
        let trigger = fields.get("when", trigger());
        let mut per = Per::User;
        fields.set("per", &mut per, Word(Per::WORDS));
        let lasts = fields.get("lasts", Lasting);
        Some(PersonState { name: name?.into(), trigger, per, lasts })
    });
    List(Item("a state", Placed(state)))
}

fn trigger<'a>() -> impl Reader<'a, Value = Trigger> {
    mapping("trigger", "when", |fields| {
        let endings = fields.need("outcome", OneOrMore(ending())).unwrap_or_default();
        let mut times = 1;
        fields.set("times", &mut times, Whole(1..=1_000_000));
        let within = fields.get("within", Lasting);
        Some(Trigger { endings, times, within })
    })
}

/// An outcome that can lead to a state: a word.
fn ending<'a>() -> impl Reader<'a, Value = TriggerEnding> {
    let read = |written: Written<'a>| match outcome().read(written)? {
        Conduct::React(reaction) => Some(TriggerEnding::Reaction(reaction)),
        Conduct::End(Ending::Known(outcome)) => Some(TriggerEnding::Outcome(outcome)),
        _ => written.wrong(Code::BadValue, "outcome must be a word for an outcome here".into(), []),
    };
    described(|grammar| -> Values { outcome_word().values(grammar) }, read)
}
