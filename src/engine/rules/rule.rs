//! Rules, the first of which matches decides, and the answers that they give in turn.

use std::sync::Arc;
use std::time::Duration;

use crate::contract::Secret;
use crate::engine::chance::Draw;
use crate::engine::delay::{Delay, DrawnDelay};
use crate::engine::outcome::{Ending, Reaction};
use crate::engine::rules::states::{Per, StateChange};
use crate::engine::rules::template::{self, Words};
use crate::engine::{Act, When};

/// A rule: when it matches, what it answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// The rule's own name, or its place in the file.
    pub name: Arc<str>,
    /// Whether the name is its own.
    pub is_named: bool,
    pub when: When,
    pub answers: Answers,
    /// As it is written, in one line of YAML.
    pub written: Arc<str>,
}

/// The answers of a rule, in turn.
#[derive(Clone, Debug, PartialEq)]
pub struct Answers {
    /// Each with how many calls get it. There is one at least.
    pub turns: Vec<(Arc<Answer>, u64)>,
    /// Whether the first comes again after the last; otherwise the last stays.
    pub repeat: bool,
    /// Who shares the sequence.
    pub per: Per,
}

/// What a call gets.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    pub effect: Effect,
    /// How much later the answer leaves.
    pub delay: Option<Delay>,
    /// How the answer is damaged on its way.
    pub transfer: Transfer,
    /// How the message with the code reaches the person. `None`: at once, and once.
    pub delivery: Option<Delivery>,
    /// What changes of the user who is asked, when the call was answered.
    pub change: Option<UserChange>,
    /// The states that the person enters or leaves when the call arrives.
    pub state_changes: Vec<StateChange>,
    /// The counters that change when the call arrives: by one, or to a value.
    pub counts: Vec<(Arc<str>, Option<u64>)>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// The operation does what it does, and the person who is asked does this.
    Proceed(Script),
    /// An error in the answer.
    Refuse { code: i32, text: String },
    /// A SOAP fault.
    Fault { text: String, by_client: bool },
    /// An answer in its fields.
    Canned(Canned),
    /// An HTTP status without a body.
    Status {
        code: u16,
        /// The header `Retry-After`, in whole seconds.
        retry_after: Option<u64>,
    },
    /// A page of HTML in place of the answer.
    Page(ErrorPage),
    /// The caller gets 401, as after a wrong password, however it signed in.
    RefuseSignIn,
    /// The connection ends without an answer.
    Drop(Hangup),
}

/// How a message reaches the person, whatever the server answers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Delivery {
    /// How long it is under way.
    pub after: Duration,
    /// How often it arrives; one at least.
    pub copies: u32,
}

/// A page of HTML that comes in place of an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ErrorPage {
    /// With status 200, as from a proxy that serves a page of its own.
    WithOk,
    /// With status 500, as IIS sends it when the application fails.
    OfIis,
}

/// How a connection ends without an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Hangup {
    /// The server closes it.
    Close,
    /// A TCP reset.
    Reset,
}

/// How an answer is damaged on its way.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Transfer {
    pub broken: Option<Broken>,
    /// Another content type than that of the answer.
    pub content_type: Option<Arc<str>>,
    /// The least size of the body in bytes: blanks fill it.
    pub oversized: Option<u32>,
    /// How many bytes leave each second.
    pub drip: Option<u32>,
}

/// What is broken of an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Broken {
    /// The document ends in the middle, and HTTP is whole.
    Truncated,
    /// The document is not XML, and HTTP is whole.
    Garbage,
    /// The connection ends in the middle of the headers.
    MidHeader,
    /// The connection ends in the middle of the body, of whose length Content-Length tells.
    MidBody,
    /// What should be chunks is none.
    BadChunks,
}

/// An answer in its fields, which were checked against the contract.
#[derive(Clone, Debug, PartialEq)]
pub struct Canned {
    /// `true` or `false`; of a plain operation its text.
    pub result: String,
    /// The out parameters that it has, by wire name.
    pub out: Vec<(&'static str, CannedValue)>,
    /// The in-band error.
    pub error: Option<(i32, String)>,
}

/// A value of a canned answer.
#[derive(Clone, Debug, PartialEq)]
pub enum CannedValue {
    Text(String),
    Record(Vec<(&'static str, Self)>),
    List(Vec<Self>),
}

/// What changes of a user.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UserChange {
    /// The settings, by their keys in scenario files.
    pub settings: Vec<(&'static str, Secret)>,
    /// `Some(reason)` blocks the user, `None` unblocks.
    pub block: Option<Option<String>>,
    pub password: Option<Secret>,
}

/// What the person who is asked does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Script {
    /// How long it takes. `None`: the company's ring, or the whole time-out if no one answers.
    pub after: Option<Duration>,
    pub conduct: Conduct,
    /// The code in the text message. `None`: the company's, or a random one.
    pub code: Option<Secret>,
    /// The keys that the person presses when an event is played. `None`: `1`.
    pub digits: Option<Secret>,
}

/// How a person reacts.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Conduct {
    /// As asked, or as the magic number says.
    #[default]
    Usual,
    React(Reaction),
    /// The outcome at once.
    End(Ending),
    /// One act after the other, each so much later than the one before.
    Acts(Vec<(Duration, Act)>),
    /// A test decides through [`Engine::act`](crate::engine::Engine::act); `otherwise` applies when time runs out.
    Decides {
        within: Option<Duration>,
        otherwise: Box<Self>,
    },
}

/// What the rules made of a call.
#[derive(Clone, Debug, Default)]
pub struct Decision {
    /// `None`: no rule matches; default behaviour applies.
    pub verdict: Option<Box<Verdict>>,
    /// What rules with `chance` drew for the call, in their order.
    pub draws: Vec<Draw>,
}

/// What a rule decides for a call.
#[derive(Clone, Debug)]
pub struct Verdict {
    pub rule: Arc<str>,
    pub answer: Arc<Answer>,
    /// How much later the answer leaves.
    pub delay: Option<DrawnDelay>,
    pub(in crate::engine) operation: &'static str,
    /// The user that a change concerns, as stored.
    pub(in crate::engine) person: Option<Arc<str>>,
    pub(in crate::engine) words: Words,
    /// The incident that changes the call.
    pub incident: Option<Arc<str>>,
    /// Whether a rule of the incident decides, and none of the scenario: what comes of it leaves nothing behind.
    pub(in crate::engine) is_incidental: bool,
}

impl Default for Effect {
    fn default() -> Self {
        Self::Proceed(Script::default())
    }
}

impl Script {
    /// Whether it says nothing of the person: then the rule concerns calls of every operation.
    #[must_use]
    pub const fn is_usual(&self) -> bool {
        matches!(self, Self { after: None, conduct: Conduct::Usual, code: None, digits: None })
    }
}

impl Transfer {
    /// These faults, and those of the other one that leave them alone.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            broken: self.broken.or(other.broken),
            content_type: self.content_type.or(other.content_type),
            oversized: self.oversized.or(other.oversized),
            drip: self.drip.or(other.drip),
        }
    }
}

impl Answer {
    /// Whether it says what a person does.
    #[must_use]
    pub fn directs_person(&self) -> bool {
        matches!(&self.effect, Effect::Proceed(script) if !script.is_usual())
    }
}

impl From<Answer> for Answers {
    fn from(answer: Answer) -> Self {
        Self { turns: vec![(Arc::new(answer), 1)], repeat: false, per: Per::All }
    }
}

impl Answers {
    /// The answer to the n-th call, from 0.
    #[must_use]
    pub fn of(&self, call: u64) -> &Arc<Answer> {
        let all: u64 = self.turns.iter().map(|it| it.1).sum();
        let mut call = if self.repeat { call % all.max(1) } else { call };
        for (answer, times) in &self.turns {
            if call < *times {
                return answer;
            }
            call -= times;
        }
        &self.turns.last().expect("a rule has an answer").0
    }

    /// Whether a delay among them is drawn.
    #[must_use]
    pub fn draws_delays(&self) -> bool {
        self.turns.iter().any(|it| it.0.delay.is_some_and(|it| it.latency.is_drawn()))
    }

    /// Whether one of them says what a person does: then the rule concerns only calls that ask for a second factor.
    #[must_use]
    pub fn directs_person(&self) -> bool {
        self.turns.iter().any(|it| it.0.directs_person())
    }
}

impl Verdict {
    /// Fills in the words in braces of a text.
    #[must_use]
    pub fn fill(&self, text: &str) -> String {
        template::fill(text, &self.words).into_owned()
    }

    pub(in crate::engine) fn script(&self) -> Option<&Script> {
        match &self.answer.effect {
            Effect::Proceed(script) => Some(script),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_in_turn_and_the_last_stays_or_all_repeat() {
        let status =
            |it| Arc::new(Answer { effect: Effect::Status { code: it, retry_after: None }, ..Answer::default() });
        let mut answers =
            Answers { turns: vec![(status(1), 2), (status(2), 1), (status(3), 1)], repeat: false, per: Per::All };
        let said = |answers: &Answers| -> Vec<u16> {
            let status = |it| match answers.of(it).effect {
                Effect::Status { code, .. } => code,
                _ => 0,
            };
            (0..6).map(status).collect()
        };
        assert_eq!(said(&answers), [1, 1, 2, 3, 3, 3]);
        answers.repeat = true;
        assert_eq!(said(&answers), [1, 1, 2, 3, 1, 1]);
    }
}
