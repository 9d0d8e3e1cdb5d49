//! The emulated server: pure and synchronous; its callers pass the time. No I/O, no lock, no XML.
//!
//! [`Engine`] joins parts that own their state. A method stands here, or in a file beside this one, only where it needs
//! more than one part.

mod act;
mod administration;
mod aging;
mod challenge_id;
mod challenges;
mod chance;
mod change;
mod company;
mod delay;
mod differences;
mod directory;
mod evictions;
mod incident;
mod journal;
mod number;
pub mod oath;
mod outcome;
mod random;
mod refusal;
mod rules;
mod sessions;
mod setup;
mod subject;
mod time;

use std::sync::Arc;

pub use act::{Act, NotAnAct};
pub use challenge_id::ChallengeId;
pub use challenges::ask::{Ask, Authentication};
pub use challenges::challenge::{OpenChallenge, OpenState, Settlement};
pub use challenges::line::{ActRefusal, Acted};
pub use chance::{Draw, Percent};
pub use change::Change;
pub use company::{Cache, CacheKey, Company, Languages, Mailing, PasscodeRules, Token};
pub use delay::{Delay, DrawnDelay, Latency};
pub use differences::{Difference, Differences, OnReload};
pub use directory::{
    Block, Bypass, Candidate, Device, Directory, Pattern, PhonePattern, Query, Search, User, by_any_form, is_of_domain,
};
pub use evictions::{Doubtful, MemoryBounds};
pub use incident::{Incident, IncidentStatus, Settings, SignInFault};
pub use journal::{
    Bounds, CallEnd, CallEntry, CallRequest, ChallengeStage, Changed, Event, EventKind, EvictedCalls, EvictedResult,
    Happening, Journal, Message, MessageKind, Missing, Notice, Origin, Raw, Reading, Tally, Turn, What,
};
pub use number::{NotANumber, Number};
pub use outcome::{Channel, CustomResult, Ending, Method, Outcome, Passes, Reaction};
pub use refusal::Refusal;
pub use rules::book::{Explanation, RuleStatus};
pub(crate) use rules::condition::conditions;
pub use rules::condition::{Index, When};
pub use rules::facts::Call;
pub use rules::magic::Magic;
pub use rules::operand::{Addresses, Day, Hours, NamedState, Operations, Parameter, Reached, Window};
pub use rules::preview::{NoPreview, Preview, PreviewedTurn};
pub use rules::rule::{
    Answer, Answers, Broken, Canned, CannedValue, Conduct, Decision, Delivery, Effect, ErrorPage, Hangup, Rule, Script,
    Transfer, UserChange, Verdict,
};
pub use rules::states::{Per, PersonState, StateChange, Trigger, TriggerEnding};
pub use rules::template::{WORDS, unknown_word};
pub use sessions::{Session, Sessions};
pub use setup::Setup;
pub use time::{Pace, Start, Timestamp};

use challenges::book::Challenges;
use evictions::Evictions;
use incident::Running;
use random::Random;
use rules::Rules;

/// One emulated server.
#[derive(Clone, Debug)]
pub struct Engine {
    /// What no call changes. Its address identifies the scenario: forks share it.
    scenario: Arc<Scenario>,
    /// With what the incident that runs changes of it.
    company: Arc<Company>,
    incident: Option<Running>,
    users: Directory,
    rules: Rules,
    challenges: Challenges,
    evictions: Evictions,
    pub sessions: Sessions,
    random: Random,
    /// When the space started.
    begun: Timestamp,
    pub journal: Journal,
}

/// What no call changes, the company aside.
#[derive(Debug)]
struct Scenario {
    text: Arc<str>,
    seed: u64,
}

impl Engine {
    /// A server as a scenario sets it up. `seed` seeds all that is drawn if the scenario fixes no seed; `bounds` limits the
    /// calls that the journal keeps.
    #[must_use]
    pub fn new(setup: Setup, now: Timestamp, seed: u64, bounds: Bounds) -> Self {
        let mut users = setup.users;
        users.iter_mut().for_each(|it| it.begin(now));
        let seed = setup.seed.unwrap_or(seed);
        Self {
            users: Directory::new(users, &setup.company.country_code),
            rules: Rules::new(setup.rules, setup.states, setup.magic_numbers, seed),
            challenges: Challenges::default(),
            evictions: Evictions::default(),
            sessions: Sessions::new(setup.sessions),
            random: Random::seeded(seed),
            begun: now,
            journal: Journal::new(bounds),
            company: setup.company.into(),
            incident: None,
            scenario: Scenario { text: setup.text, seed }.into(),
        }
    }

    /// A server that goes on from here by itself: with the same users, rules, states and sessions, an empty journal,
    /// no open challenge and no incident.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self {
            scenario: self.scenario.clone(),
            company: self.incident.as_ref().map_or(&self.company, Running::base).clone(),
            incident: None,
            users: self.users.clone(),
            rules: self.rules.fork(),
            challenges: self.challenges.fork(),
            evictions: self.evictions.fork(),
            sessions: self.sessions.clone(),
            random: self.random.clone(),
            begun: self.begun,
            journal: self.journal.fork(),
        }
    }

    /// The same as that of a space with a name: what it draws in turn depends on the seed and the name.
    #[must_use]
    pub fn in_space(mut self, name: &str) -> Self {
        self.random = Random::of_space(self.scenario.seed, name);
        self
    }

    /// The same, started now.
    #[must_use]
    pub const fn begun_at(mut self, now: Timestamp) -> Self {
        self.begun = now;
        self
    }

    /// What another scenario has different. Both engines must be as they were set up.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Differences {
        let settings = [
            ("company", self.company != other.company),
            ("sessions", self.sessions != other.sessions),
            ("seed", self.scenario.seed != other.scenario.seed),
        ];
        let settings = settings.into_iter().filter(|it| it.1).map(|it| it.0);
        Differences {
            users: self.users.differences(&other.users),
            rules: self.rules.differences(&other.rules),
            settings: settings.chain(self.rules.different_settings(&other.rules)).collect(),
        }
    }

    /// Goes on under another scenario. `to` is an engine as that scenario sets it up, and `differences` are those
    /// between it and the scenario before. What differs is now as in `to`; the rest stays as calls have left it.
    pub fn reload(&mut self, to: &Self, differences: &Differences, now: Timestamp) {
        let differs = |setting| differences.settings.contains(&setting);
        self.users.reload(&to.users, &differences.users, now);
        self.rules.reload(now, &to.rules, &differences.rules);
        if differs("sessions") {
            self.sessions = to.sessions.clone();
        }
        self.company = match &mut self.incident {
            Some(incident) => incident.over(to.company.clone()),
            None => to.company.clone(),
        };
        self.scenario = to.scenario.clone();
        let text = differences.to_string().into();
        self.journal.note(now, What::Notice(Notice { topic: "reload", text }));
    }

    /// Whether both engines go back to one scenario.
    #[must_use]
    pub fn has_scenario_of(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.scenario, &other.scenario)
    }

    /// The seed of all that is drawn.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.scenario.seed
    }

    /// The text of the scenario.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.scenario.text
    }

    #[must_use]
    pub const fn company(&self) -> &Arc<Company> {
        &self.company
    }

    #[must_use]
    pub const fn directory(&self) -> &Directory {
        &self.users
    }

    pub const fn directory_mut(&mut self) -> &mut Directory {
        &mut self.users
    }

    fn draw(&mut self) -> u64 {
        self.random.draw()
    }
}
