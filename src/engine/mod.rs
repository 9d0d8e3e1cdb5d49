//! The state of the emulated server: pure, synchronous, told the time. No I/O, no lock, no XML.

mod challenges;
mod change;
mod company;
mod directory;
mod journal;
pub mod oath;
mod refusal;
mod rules;
mod time;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

pub use challenges::act::{Act, ActRefusal, Acted, NotAnAct};
pub use challenges::ask::{Ask, Authentication};
pub use challenges::challenge::{ChallengeId, Open, OpenState, Settlement};
pub use challenges::outcome::{Channel, Ending, Method, Outcome, Own, Passes, Reaction};
pub use change::Change;
pub use company::{Cache, CacheKey, Company, Languages, Mailing, PasscodeRules, Session, Setup, Token};
pub use directory::device::Device;
pub use directory::number::{NotANumber, Number};
pub use directory::pattern::Pattern;
pub use directory::query::{PhonePattern, Query};
pub use directory::user::{Block, Bypass, Directory, User, by_any_form};
pub use journal::{
    AnsweredCall, Bounds, ChallengeStage, Changed, Event, EventKind, Journal, Message, MessageKind, Notice, Origin,
    Raw, Turn, What,
};
pub use refusal::Refusal;
pub use rules::book::{Call, Explained, RuleStanding};
pub use rules::condition::{Index, When};
pub use rules::diff::{Difference, Differences, OnReload};
pub use rules::facts::Facts;
pub use rules::magic::Magic;
pub use rules::operand::{Addresses, Day, Hours, NamedState, Operations, Parameter, Reached};
pub use rules::rule::{
    Answer, Answers, Broken, Canned, CannedValue, Conduct, Effect, Rule, Script, UserChange, Verdict,
};
pub use rules::states::{Led, Move, Per, Standing, State, Trigger};
pub use rules::template::{WORDS, unknown_word};
pub use time::{Pace, Start, Timestamp};

use crate::contract::{AuthResult, PassedSession};
use challenges::book::Challenges;
use directory::device::Activation;
use rules::book::Rules;
use rules::states::People;

/// One emulated server.
#[derive(Clone, Debug)]
pub struct Engine {
    text: Arc<str>,
    company: Company,
    users: Directory,
    rules: Rules,
    magic_numbers: bool,
    people: People,
    challenges: Challenges,
    /// By activation code, and by confirmation code.
    activations: HashMap<String, Activation>,
    next_device: u64,
    sessions: Vec<Session>,
    /// What the scenario fixes for chance.
    seed: Option<u64>,
    random: ChaCha8Rng,
    scenario: rules::diff::Scenario,
    pub journal: Journal,
}

impl Engine {
    /// A server as a scenario sets it up. `chance` seeds what is drawn where the scenario fixes no seed;
    /// `bounds` is how
    /// much is kept of calls.
    #[must_use]
    pub fn new(setup: Setup, now: Timestamp, chance: u64, bounds: Bounds) -> Self {
        let mut users = setup.users;
        users.iter_mut().for_each(|it| it.begin(now));
        let users = Directory::of(users, &setup.company.country_code);
        let mut engine = Self {
            text: setup.text,
            company: setup.company,
            users,
            rules: Rules::new(setup.rules),
            magic_numbers: setup.magic_numbers,
            people: People::new(setup.states),
            challenges: Challenges::default(),
            activations: HashMap::new(),
            next_device: 1,
            sessions: setup.sessions,
            seed: setup.seed,
            scenario: rules::diff::Scenario::default(),
            random: ChaCha8Rng::seed_from_u64(setup.seed.unwrap_or(chance)),
            journal: Journal::new(bounds),
        };
        engine.number_devices();
        engine
    }

    /// A server with the same users, rules and states, to go its own way: with a history of its own, and without the
    /// challenges that are open here.
    #[must_use]
    pub fn fork(&self, chance: u64) -> Self {
        let mut fork = self.clone();
        fork.journal = self.journal.fork();
        fork.challenges = self.challenges.fork();
        fork.random = ChaCha8Rng::seed_from_u64(self.seed.unwrap_or(chance));
        fork
    }

    /// The states in which rules can ask for people.
    #[must_use]
    pub fn states(&self) -> &[State] {
        self.people.states()
    }

    /// The scenario that it was set up from, as it is written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    #[must_use]
    pub const fn company(&self) -> &Company {
        &self.company
    }

    #[must_use]
    pub const fn users(&self) -> &Directory {
        &self.users
    }

    /// The users that fit, in the order of their names.
    pub fn find<'a>(&'a mut self, query: &'a Query) -> impl Iterator<Item = &'a User> {
        self.users.search(query)
    }

    /// A user by any form of the name.
    ///
    /// # Errors
    /// The refusal for a name that is empty or that nobody has.
    pub fn user(&self, username: &str) -> Result<&User, Refusal> {
        named(username)?;
        self.users.find(username).ok_or_else(|| Refusal::UserNotFound { username: username.into() })
    }

    /// A user to be changed.
    ///
    /// # Errors
    /// As [`Self::user`].
    pub fn user_mut(&mut self, username: &str) -> Result<&mut User, Refusal> {
        named(username)?;
        self.users.find_mut(username).ok_or_else(|| Refusal::UserNotFound { username: username.into() })
    }

    /// Lets the next authentication of a user pass. Zero seconds stand for the company's default.
    ///
    /// # Errors
    /// As [`Self::user`].
    pub fn bypass_once(&mut self, now: Timestamp, username: &str, reason: &str, seconds: u32) -> Result<(), Refusal> {
        let lasts = match seconds {
            0 => self.company.bypass,
            seconds => Duration::from_secs(seconds.into()),
        };
        self.user_mut(username)?.bypass = Some(Bypass { until: now + lasts, reason: reason.into() });
        Ok(())
    }

    /// Checks a user's password, the first factor.
    ///
    /// # Errors
    /// `WrongPassword`, and those of [`Self::user`].
    pub fn check_password(&self, username: &str, password: &str) -> Result<(), Refusal> {
        let user = self.user(username)?;
        match &user.password {
            Some(expected) if expected.reveal() == password => Ok(()),
            _ => Err(Refusal::WrongPassword { username: user.username.clone() }),
        }
    }

    /// A session that another site handed over.
    ///
    /// # Errors
    /// `UnknownSession`
    pub fn passed_session(&self, id: &str) -> Result<&PassedSession, Refusal> {
        let session = self.sessions.iter().find(|it| it.id == id.trim());
        session.map(|it| &it.passed).ok_or_else(|| Refusal::UnknownSession { id: id.into() })
    }

    /// Marks the second factor of a session as passed.
    ///
    /// # Errors
    /// `UnknownSession`
    pub fn pass_session(&mut self, cookie: &str) -> Result<(), Refusal> {
        let session = self.sessions.iter_mut().find(|it| it.passed.cookie_id.as_deref() == Some(cookie.trim()));
        let session = session.ok_or_else(|| Refusal::UnknownSession { id: cookie.into() })?;
        session.passed.secondary_auth_status = AuthResult::Succeed;
        Ok(())
    }

    fn draw(&mut self) -> u64 {
        self.random.next_u64()
    }
}

fn named(username: &str) -> Result<(), Refusal> {
    match username.trim().is_empty() {
        true => Err(Refusal::NoUsername {}),
        false => Ok(()),
    }
}
