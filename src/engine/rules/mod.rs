//! The rules of the scenario: what a rule asks of a call, what it answers, and what it remembers of people.

pub(super) mod book;
pub(super) mod condition;
pub(super) mod diff;
pub(super) mod facts;
pub(super) mod magic;
pub(super) mod operand;
pub(super) mod rule;
pub(super) mod states;
pub(super) mod template;
mod words;
