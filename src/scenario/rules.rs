//! `rules`: when each matches, and what it answers.

use std::borrow::Cow;

use crate::engine::{Answers, Company, Operations, PersonState, Rule};
use crate::operations::{self, Operation};

use super::answers::{Context, answers};
use super::fields::{Reader, mapping};
use super::mistake::{Code, quoted};
use super::names::Names;
use super::scope::{Named, Scope};
use super::values::{Item, List, Name, ReaderExt};
use super::when::when;
use super::written::Written;

/// The rules of a scenario.
pub(super) fn rules<'a>(scope: &Scope<'_, 'a>) -> impl Reader<'a, Value = Vec<Rule>> {
    let mut at = 0;
    let unnamed = move || {
        at += 1;
        format!("rule {at}")
    };
    List(rule(scope, unnamed))
}

/// A rule alone, called `unnamed` where it has no name.
pub(super) fn one(
    written: Written<'_>,
    unnamed: &str,
    company: &Company,
    stored: &dyn Fn(&str) -> Option<String>,
    states: &[PersonState],
) -> Option<Rule> {
    let stored = |name: &str| stored(name).map(Cow::Owned);
    let scope = Scope::new(company, &stored, states);
    rule(&scope, || unnamed.into()).read(written)
}

/// A rule; `unnamed` gives the name of one without a name, and is called for each rule.
fn rule<'a>(scope: &Scope<'_, 'a>, mut unnamed: impl FnMut() -> String) -> impl Reader<'a, Value = Rule> {
    let mut names = Names::new("rule");
    let section = move |fields: &mut super::fields::Fields<'a>| {
        let written = fields.written();
        let unnamed = unnamed();
        let name = fields.get("name", Name.and_then(|name: String, it| names.add(it, &name)));
        let name = match fields.at("name") {
            Some(_) => name,
            None => names.add(written, &unnamed),
        };
        let (when, named) = fields.get("when", when(scope)).unwrap_or_default();
        let operations = operations(&named);
        let has_chance = when.chance().is_some();
        let answers = answers(fields, Context { scope, operations: operations.as_deref(), has_chance });
        check_that_it_asks(&answers, &named);
        let is_named = fields.at("name").is_some();
        if !is_named && (has_chance || answers.draws_delays()) {
            let what = if has_chance { "chance" } else { "a delay that is drawn" };
            let help = "What it draws depends on the name, so that other rules change nothing of it: name: lost texts";
            written.report(Code::MissingKey, format!("a rule with {what} needs a name"), [help.into()]);
        }
        let name = name.unwrap_or_default().into();
        Some(Rule { name, is_named, when, answers, written: written.flow().into() })
    };
    Item("a rule", mapping("rule", "a rule", section))
}

/// The operations that a rule names.
fn operations(named: &Named<'_>) -> Option<Vec<&'static Operation>> {
    let names: Vec<_> = named.iter().flat_map(|it| &it.1.names).copied().collect();
    (!names.is_empty()).then(|| operations::all().filter(|it| names.contains(&it.signature.name)).collect())
}

/// Reports operations none of which asks for a second factor, under a rule that says what a person does.
fn check_that_it_asks(answers: &Answers, named: &[(Written<'_>, Operations)]) {
    let asks = |it: &Operations| operations::all().any(|all| all.asks && it.names.contains(&all.signature.name));
    for (written, it) in named.iter().filter(|it| answers.directs_person() && !asks(&it.1)) {
        let message =
            format!("{} asks no person for a second factor, so that no person does anything", quoted(&it.written));
        let help = "Those that ask: PfAuthUser*, CombinedAuthUser*, EventConfirmation*. For others say error, fault, answer, status, drop or delay.".into();
        written.report(Code::NeverApplies, message, [help]);
    }
}
