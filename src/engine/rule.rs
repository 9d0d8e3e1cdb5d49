//! What a scenario wants to happen: rules, the first of which matches wins.

use std::sync::Arc;
use std::time::Duration;

use super::outcome::{Ending, Method, Reaction};
use super::{Number, Pattern};
use crate::contract::{AuthenticationType, Secret};

/// A rule: when it matches, what the person does.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// The rule's own name, or its place in the file.
    pub name: Arc<str>,
    pub when: When,
    pub script: Script,
}

/// What a rule asks of a challenge. What is empty matches everything; each list matches if one of it does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct When {
    pub operations: Vec<Pattern>,
    /// The username of the call, or the user whose number is called.
    pub users: Vec<Pattern>,
    pub numbers: Vec<Number>,
    pub initiating_types: Vec<AuthenticationType>,
    pub applications: Vec<Pattern>,
}

/// What the person who is asked does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Script {
    /// How long it takes; none: the company's ring, or the whole time-out where nobody answers.
    pub after: Option<Duration>,
    /// None: what is asked.
    pub act: Option<Act>,
    /// The code that the text message carries; none: the company's, or one drawn.
    pub code: Option<Secret>,
    /// What the person presses when an event is played; none: `1`.
    pub digits: Option<Secret>,
}

/// An act, or its outcome straight away.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    React(Reaction),
    End(Ending),
}

/// A challenge as rules see it.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    pub operation: &'static str,
    /// As stored where the user is known, else as sent.
    pub username: &'a str,
    /// The user whose number is called.
    pub owner: Option<&'a str>,
    pub number: Option<&'a Number>,
    pub initiating_type: AuthenticationType,
    pub application: &'a str,
}

impl When {
    #[must_use]
    pub fn matches(&self, facts: &Facts<'_>) -> bool {
        let any = |patterns: &[Pattern], text: &str| patterns.is_empty() || patterns.iter().any(|it| it.matches(text));
        let user = any(&self.users, facts.username) || facts.owner.is_some_and(|it| any(&self.users, it));
        let number = self.numbers.is_empty()
            || facts.number.is_some_and(|number| self.numbers.iter().any(|it| it.same_as(number)));
        let kind = self.initiating_types.is_empty() || self.initiating_types.contains(&facts.initiating_type);
        user && number && kind && any(&self.operations, facts.operation) && any(&self.applications, facts.application)
    }
}

impl Act {
    /// How it ends under a method.
    #[must_use]
    pub fn ending(&self, method: Method) -> Ending {
        match self {
            Self::React(reaction) => reaction.outcome(method).into(),
            Self::End(ending) => ending.clone(),
        }
    }
}
