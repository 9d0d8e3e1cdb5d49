//! What rules speak of: the company, the users, the states; and what of it was met while they were read.

use std::borrow::Cow;
use std::cell::{LazyCell, RefCell};
use std::collections::{HashMap, HashSet};

use crate::engine::{Company, NamedState, Operations, PersonState, User, by_any_form, is_of_domain};

use super::mistake::{Code, closest, quoted};
use super::written::Written;

/// What rules speak of.
pub(super) struct Scope<'s, 'a> {
    pub company: &'s Company,
    /// The name of a user as it is stored, by any form of it.
    pub stored: &'s dyn Fn(&str) -> Option<Cow<'s, str>>,
    pub states: &'s [PersonState],
    met: RefCell<Met<'a>>,
}

/// Operations that a rule names, where they are named.
pub(super) type Named<'a> = Vec<(Written<'a>, Operations)>;

/// What was met while the rules were read.
#[derive(Default)]
struct Met<'a> {
    /// The states that a rule asks for, and those that an answer leads to, by their places.
    asked: HashSet<usize>,
    entered: HashSet<usize>,
    /// The counters that a rule asks for, and those that an answer changes.
    awaited: Vec<(&'a str, Written<'a>)>,
    counted: Vec<(&'a str, Written<'a>)>,
    /// The operations that the conditions of one mapping name, until they are taken.
    operations: Named<'a>,
}

impl<'s, 'a> Scope<'s, 'a> {
    pub(super) fn new(
        company: &'s Company,
        stored: &'s dyn Fn(&str) -> Option<Cow<'s, str>>,
        states: &'s [PersonState],
    ) -> Self {
        Self { company, stored, states, met: RefCell::default() }
    }

    /// Reports what leads nowhere. `written` are the places of the states.
    pub(super) fn check(&self, written: &[Written<'_>]) {
        let met = self.met.borrow();
        for (at, (state, written)) in self.states.iter().zip(written).enumerate() {
            let name = quoted(&state.name);
            if !met.asked.contains(&at) {
                let help = format!("Ask for it: rules: [{{when: {{state: {}}}, outcome: ...}}]", state.name);
                written.report(Code::NeverApplies, format!("no rule asks for the state {name}"), [help]);
            } else if state.trigger.is_none() && !met.entered.contains(&at) {
                let help = "Say when: {outcome: ...} in it, or state: in the answer of a rule.".into();
                written.report(Code::NeverApplies, format!("nothing leads to the state {name}"), [help]);
            }
        }
        let names = |list: &[(&'a str, Written<'_>)]| list.iter().map(|it| it.0).collect::<HashSet<_>>();
        let (awaited, counted) = (names(&met.awaited), names(&met.counted));
        for (name, written) in met.awaited.iter().filter(|it| !counted.contains(it.0)) {
            written.report_with(Code::NeverApplies, || {
                let known = closest(name, met.counted.iter().map(|it| it.0));
                let help = known.map_or_else(
                    || format!("Count it in an answer: count: {name}"),
                    |it| format!("Did you mean {it}?"),
                );
                (format!("no answer counts {}", quoted(name)), [help])
            });
        }
        for (name, written) in met.counted.iter().filter(|it| !awaited.contains(it.0)) {
            let help = format!("Ask for it: when: {{count: {{{name}: 3}}}}");
            written.report(Code::NeverApplies, format!("no rule asks for the counter {}", quoted(name)), [help]);
        }
    }

    /// The place of a state that a rule asks for, with its name.
    pub(super) fn asked_state(&self, written: Written<'_>) -> Option<NamedState> {
        let at = self.state(written)?;
        self.met.borrow_mut().asked.insert(at);
        Some(NamedState { place: at, name: self.states[at].name.clone() })
    }

    /// The place of a state that an answer leads to.
    pub(super) fn entered_state(&self, written: Written<'_>) -> Option<usize> {
        let at = self.state(written)?;
        self.met.borrow_mut().entered.insert(at);
        Some(at)
    }

    /// Notes operations that a rule names.
    pub(super) fn names(&self, operations: &Operations, written: Written<'a>) {
        self.met.borrow_mut().operations.push((written, operations.clone()));
    }

    /// The operations that were named since this was last asked.
    pub(super) fn take_operations(&self) -> Named<'a> {
        std::mem::take(&mut self.met.borrow_mut().operations)
    }

    /// Notes a counter that a rule asks for.
    pub(super) fn awaits(&self, counter: &'a str, written: Written<'a>) {
        self.met.borrow_mut().awaited.push((counter, written));
    }

    /// Notes a counter that an answer changes.
    pub(super) fn counts(&self, counter: &'a str, written: Written<'a>) {
        self.met.borrow_mut().counted.push((counter, written));
    }

    /// The place of a state.
    pub(super) fn state(&self, written: Written<'_>) -> Option<usize> {
        let name = written.name()?;
        let same = |it: &PersonState| it.name.eq_ignore_ascii_case(name);
        self.states.iter().position(same).or_else(|| {
            written.wrong_with(Code::UnknownWord, || {
                let help = match closest(name, self.states.iter().map(|it| &*it.name)) {
                    Some(known) => format!("Did you mean {known}?"),
                    None => format!("Declare it: states: [{{name: {name}}}]"),
                };
                (format!("there is no state {}", quoted(name)), [help])
            })
        })
    }
}

/// The names of users, to be found by any form. They are sorted when the first is looked for.
pub(super) struct Usernames<'u>(LazyCell<ByForm<'u>, Box<dyn FnOnce() -> ByForm<'u> + 'u>>);

struct ByForm<'u> {
    by_name: HashMap<String, &'u str>,
    /// In the order of the scenario.
    by_account: HashMap<String, Vec<&'u str>>,
}

impl<'u> Usernames<'u> {
    /// The names of users, and others that follow them.
    pub(super) fn of(users: &'u [User], others: &'u [String]) -> Self {
        Self(LazyCell::new(Box::new(move || {
            let names = || users.iter().map(|it| &it.username).chain(others);
            let names = || names().map(|it| (it.to_lowercase(), it.as_str()));
            let mut by_account: HashMap<String, Vec<&str>> = HashMap::new();
            for (name, stored) in names() {
                if let Some((account, _)) = name.split_once('@') {
                    by_account.entry(account.into()).or_default().push(stored);
                }
            }
            ByForm { by_name: names().rev().collect(), by_account }
        })))
    }

    /// The name as it is stored.
    pub(super) fn find(&self, name: &str) -> Option<&'u str> {
        let ByForm { by_name, by_account } = &*self.0;
        let of_account = |account: &str, domain: Option<&str>| {
            let all = by_account.get(account)?;
            all.iter().find(|it| domain.is_none_or(|domain| is_of_domain(it, domain))).copied()
        };
        by_any_form(name, |name| by_name.get(name).copied(), of_account)
    }
}
