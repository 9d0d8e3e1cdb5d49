//! The state of the emulated server: pure, synchronous, told the time. No I/O, no lock, no XML.

mod challenge;
mod company;
mod journal;
mod number;
pub mod oath;
mod outcome;
mod pattern;
mod refusal;
mod rule;
mod time;
mod user;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

pub use challenge::{Ask, Asked, ChallengeId, Settlement};
pub use company::{Cache, CacheKey, Company, PasscodeRules, Setup};
pub use journal::{Entry, Journal};
pub use number::{NotANumber, Number};
pub use outcome::{Channel, Ending, Method, Outcome, Own, Passes, Reaction};
pub use pattern::Pattern;
pub use refusal::Refusal;
pub use rule::{Act, Facts, Rule, Script, When};
pub use time::Timestamp;
pub use user::{Block, Bypass, Directory, User};

use challenge::{Challenge, Remembered, Subject};

/// One emulated server.
#[derive(Debug)]
pub struct Engine {
    company: Company,
    users: Directory,
    rules: Vec<Rule>,
    subjects: HashMap<Subject, Remembered>,
    challenges: HashMap<ChallengeId, Challenge>,
    /// When each open challenge is due.
    deadlines: BTreeSet<(Timestamp, ChallengeId)>,
    /// The challenges that wait for a code, by username in lower case.
    waiting: BTreeMap<String, BTreeSet<ChallengeId>>,
    /// The codes that are out.
    codes: HashSet<String>,
    settled: Vec<(ChallengeId, Settlement)>,
    next_challenge: u64,
    random: ChaCha8Rng,
    pub journal: Journal,
}

impl Engine {
    /// A server as a scenario sets it up. `chance` seeds what is drawn where the scenario fixes no seed;
    /// `journal_bytes` bounds the journal.
    #[must_use]
    pub fn new(setup: Setup, now: Timestamp, chance: u64, journal_bytes: usize) -> Self {
        let mut users = Directory::default();
        for mut user in setup.users {
            if user.pin_changed == Timestamp::default() {
                let ago = Duration::try_from_secs_f64(user.settings.seconds_since_pin_change).unwrap_or_default();
                user.pin_changed = Timestamp::from_unix(now.unix().saturating_sub(ago));
            }
            if let Some(block) = user.block.as_mut().filter(|it| it.since == Timestamp::default()) {
                block.since = now;
            }
            users.insert(user, &setup.company.country_code);
        }
        Self {
            company: setup.company,
            users,
            rules: setup.rules,
            subjects: HashMap::new(),
            challenges: HashMap::new(),
            deadlines: BTreeSet::new(),
            waiting: BTreeMap::new(),
            codes: HashSet::new(),
            settled: Vec::new(),
            next_challenge: 1,
            random: ChaCha8Rng::seed_from_u64(setup.seed.unwrap_or(chance)),
            journal: Journal::new(journal_bytes),
        }
    }

    #[must_use]
    pub const fn company(&self) -> &Company {
        &self.company
    }

    #[must_use]
    pub const fn users(&self) -> &Directory {
        &self.users
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
