//! What comes of a challenge: a word, or a result of the scenario's own.

use std::sync::Arc;

use crate::engine::{Conduct, CustomResult, Ending, Outcome, Reaction};
use crate::text::listed;

use super::fields::{Reader, mapping};
use super::grammar::Values;
use super::mistake::{Code, quoted};
use super::texts::template;
use super::values::{Truth, Whole, described, or_mapping};
use super::written::Written;

/// The word for an answer that leaves everything as it is.
const USUAL: &str = "as-usual";

/// A word, or a result of the scenario's own.
pub(super) fn outcome<'a>() -> impl Reader<'a, Value = Conduct> {
    or_mapping(
        outcome_word(),
        mapping("outcome", "an outcome of your own", |fields| {
            let code = fields.need("code", Whole(i32::MIN..=i32::MAX));
            let mut text = String::new();
            fields.set("text", &mut text, template());
            let mut passes = false;
            fields.set("passes", &mut passes, Truth);
            Some(Conduct::End(Ending::Custom(Arc::new(CustomResult { code: code?, text, passes }))))
        }),
    )
}

/// A word for what the person does, or for how the challenge ends.
pub(super) fn outcome_word<'a>() -> impl Reader<'a, Value = Conduct> {
    let values = |_| Values::words(&words().collect::<Vec<_>>()).called("word of [Outcomes](#outcomes)");
    described(values, |written: Written<'a>| read_word(written, written.text()?))
}

/// Every word.
fn words() -> impl Iterator<Item = &'static str> + Clone {
    let reactions = Reaction::ALL.iter().map(|it| it.word());
    reactions.chain([USUAL]).chain(Outcome::ALL.iter().map(|it| it.word()))
}

fn read_word(written: Written<'_>, text: &str) -> Option<Conduct> {
    if text == USUAL {
        return Some(Conduct::Usual);
    }
    if let Some(reaction) = Reaction::ALL.iter().find(|it| it.word() == text) {
        return Some(Conduct::React(*reaction));
    }
    if let Some(outcome) = Outcome::of_word(text) {
        return Some(Conduct::End(outcome.into()));
    }
    if let Some(outcome) = text.parse().ok().and_then(Outcome::of_code) {
        let help = format!("Call result {text} has the word {}.", outcome.word());
        return written.wrong(Code::UnknownWord, format!("outcome cannot be {}", quoted(text)), [help]);
    }
    written.unknown_word(text, words(), || {
        let reactions = Reaction::ALL.iter().map(|it| it.word()).chain([USUAL]);
        format!(
            "{}, a word for a call result such as busy (docs/scenarios.md lists them), or {{code: 250, text: \"...\"}}",
            listed(reactions)
        )
    })
}
