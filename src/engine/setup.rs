//! A scenario as the engine takes it.

use std::sync::Arc;

use super::{Company, PersonState, Rule, Session, Start, User};

/// What an engine starts with.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// The text of the scenario, for people and for snapshots.
    pub text: Arc<str>,
    pub company: Company,
    pub users: Vec<User>,
    /// The first that matches wins.
    pub rules: Vec<Rule>,
    /// Rules name these states by their places.
    pub states: Vec<PersonState>,
    /// Whether magic numbers decide how a person reacts.
    pub magic_numbers: bool,
    pub sessions: Vec<Session>,
    /// Fixes all that is drawn: codes, request identifiers, what depends on chance. `None`: the seed of the run.
    pub seed: Option<u64>,
    pub clock: Start,
}
