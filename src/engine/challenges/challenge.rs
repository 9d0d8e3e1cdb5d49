//! One open challenge: who is asked, how, what is planned, and what the journal and the API show of it.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;

use crate::contract::Secret;
use crate::engine::act::Act;
use crate::engine::challenge_id::ChallengeId;
use crate::engine::challenges::line::Line;
use crate::engine::challenges::memory::{SignIn, SubjectKey};
use crate::engine::journal::{ChallengeStage, Message, MessageKind, Turn};
use crate::engine::outcome::{Ending, Method, Outcome};
use crate::engine::rules::states::Keys;
use crate::engine::rules::template::{self, Words};
use crate::engine::{Delivery, Directory, Number, Timestamp, User};

/// How an authentication ended, for its caller.
#[derive(Clone, Debug, PartialEq)]
pub struct Settlement {
    pub ending: Ending,
    /// Whether the answer is yes.
    pub succeeds: bool,
    /// 32 upper-case hexadecimal digits.
    pub request_id: String,
    /// The rule of the scenario that decided.
    pub rule: Option<Arc<str>>,
    /// What a tester should know.
    pub warning: Option<Cow<'static, str>>,
    /// What the person pressed, if an event was played.
    pub digits: Option<Secret>,
}

/// An open challenge.
#[derive(Clone, Debug)]
pub(super) struct Challenge {
    pub id: ChallengeId,
    pub subject: SubjectKey,
    pub since: Timestamp,
    /// Whether the number came with the call.
    pub number_given: bool,
    pub plays_event: bool,
    pub method: Method,
    pub operation: &'static str,
    pub space: Box<str>,
    /// As stored where the user is known, else as sent.
    pub username: Arc<str>,
    /// The user who has the number.
    pub owner: Option<Arc<str>>,
    pub number: Option<Arc<Number>>,
    pub sign_in: SignIn,
    /// Whether the PIN has to be changed before it is accepted again.
    pub stale_pin: bool,
    /// The number to try when the first one is not answered.
    pub backup: Option<Arc<Number>>,
    /// When all ringing ends.
    pub gives_up: Timestamp,
    pub request_id: String,
    /// When something happens by itself.
    pub deadline: Timestamp,
    pub rule: Option<Arc<str>>,
    /// Whether an incident decides what the person does: then nothing of it is remembered.
    pub is_incidental: bool,
    /// How its message reaches the person.
    pub delivery: Option<Delivery>,
    /// How many calls the rule has answered, this one included; 0 without a rule.
    pub counter: u64,
    /// What the person presses when an event is played.
    pub digits: Option<Secret>,
    /// The code that the text message carries.
    pub code: Option<Secret>,
    pub phase: Phase,
    /// What a tester should know.
    pub warning: Option<Cow<'static, str>>,
}

/// How far a challenge is, with what is known only then.
#[derive(Clone, Debug)]
pub(super) enum Phase {
    /// The person is being asked.
    Asking {
        line: Line,
        /// What the person will do, and when.
        plan: VecDeque<(Timestamp, Planned)>,
        /// When the person stops doing anything.
        stops: Timestamp,
        /// Whether the scenario leaves the decision to a caller of [`Engine::act`](crate::engine::Engine::act).
        decides: bool,
    },
    /// A code is out, and may come back until the deadline. `fate` is how it ends even with the right code.
    AwaitingCode { attempts_left: u32, fate: Option<Ending> },
}

/// What a person will do.
#[derive(Clone, Debug)]
pub(super) enum Planned {
    Act(Act),
    End(Ending),
}

/// A view of an open challenge.
#[derive(Clone, Debug)]
pub struct OpenChallenge<'a> {
    pub id: ChallengeId,
    pub since: Timestamp,
    pub operation: &'static str,
    /// As in the call.
    pub username: &'a str,
    /// The user whose number is called.
    pub owner: Option<&'a str>,
    pub number: Option<&'a Number>,
    pub application: &'a str,
    pub method: Method,
    /// Whether the call plays an event, which takes any digits.
    pub plays_event: bool,
    pub state: OpenState,
    /// When something happens by itself.
    pub due: Timestamp,
    /// When it ends if no person acts.
    pub gives_up: Timestamp,
    pub rule: Option<&'a str>,
    pub request_id: &'a str,
    /// Of the text message.
    pub code: Option<&'a Secret>,
}

/// How far an open challenge is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OpenState {
    /// The phone rings, or a message or notification waits for its reply.
    Ringing,
    Answered,
    /// A second operation brings the code.
    WaitingForCode,
    /// The scenario leaves the decision to a caller of the API.
    Deciding,
}

impl Challenge {
    /// Whether a code goes out before it ends like this.
    pub(super) fn sends_a_code(&self, ending: &Ending) -> bool {
        let asks = matches!(ending.known(), Some(Outcome::TextSent | Outcome::OathPending));
        self.method.waits_for_code() && (asks || ending.comes_after_sending())
    }

    pub(super) const fn awaits_code(&self) -> bool {
        matches!(self.phase, Phase::AwaitingCode { .. })
    }

    pub(super) const fn decides(&self) -> bool {
        matches!(self.phase, Phase::Asking { decides: true, .. })
    }

    /// How the code of a text message ends, where one is awaited.
    pub(super) fn fate(&self) -> Option<&Ending> {
        match &self.phase {
            Phase::AwaitingCode { fate, .. } => fate.as_ref(),
            Phase::Asking { .. } => None,
        }
    }

    /// The user who is asked, if there is one.
    pub(super) fn person<'a>(&self, users: &'a Directory) -> Option<&'a User> {
        match self.number_given {
            true => users.find(self.owner.as_deref()?),
            false => users.find(&self.username),
        }
    }

    pub(super) fn keys(&self, users: &Directory) -> Keys {
        Keys::of(&self.username, self.person(users), self.number.as_deref(), self.number_given)
    }

    pub(super) fn words(&self) -> Words {
        let owner = self.owner.as_ref().filter(|_| self.number_given);
        Words {
            user: owner.unwrap_or(&self.username).clone(),
            number: self.number.clone(),
            code: self.code.clone().unwrap_or_default(),
            time: self.since,
            counter: self.counter,
        }
    }

    /// Sets the deadline to what comes first: the next planned act, or the end of the time to act.
    pub(super) fn update_deadline(&mut self) {
        let Phase::Asking { line, plan, stops, .. } = &mut self.phase else { return };
        if line.answered {
            *stops = self.gives_up.max(*stops);
        }
        self.deadline = plan.front().map_or(*stops, |it| it.0.min(*stops));
    }

    /// Drops what was planned, since a caller of the API acts instead.
    pub(super) fn drop_plan(&mut self) {
        if let Phase::Asking { plan, decides, .. } = &mut self.phase {
            plan.clear();
            *decides = false;
        }
        self.update_deadline();
    }

    /// Whether a user's name stands anywhere here.
    pub(super) fn names(&self, username: &str, username_lower: &str) -> bool {
        *self.subject.username == *username_lower
            || *self.username == *username
            || self.owner.as_deref() == Some(username)
    }

    /// Gives a user another name wherever it stands here.
    pub(super) fn rename(&mut self, from: &str, to: &Arc<str>, to_lower: &Arc<str>) {
        if *self.subject.username == *from.to_lowercase() {
            self.subject = self.subject.renamed(to_lower);
        }
        let names = [Some(&mut self.username), self.owner.as_mut()];
        names.into_iter().flatten().filter(|it| ***it == *from).for_each(|it| it.clone_from(to));
    }

    pub(super) fn view(&self) -> OpenChallenge<'_> {
        OpenChallenge {
            id: self.id,
            since: self.since,
            operation: self.operation,
            username: &self.username,
            owner: self.owner.as_deref(),
            number: self.number.as_deref(),
            application: &self.sign_in.application,
            method: self.method,
            plays_event: self.plays_event,
            state: match &self.phase {
                Phase::AwaitingCode { .. } => OpenState::WaitingForCode,
                Phase::Asking { decides: true, .. } => OpenState::Deciding,
                Phase::Asking { line, .. } if line.answered => OpenState::Answered,
                Phase::Asking { .. } => OpenState::Ringing,
            },
            due: self.deadline,
            gives_up: match &self.phase {
                Phase::AwaitingCode { .. } => self.deadline,
                Phase::Asking { stops, .. } => *stops,
            },
            rule: self.rule.as_deref(),
            request_id: &self.request_id,
            code: self.code.as_ref(),
        }
    }

    pub(super) fn settlement(&self, ending: Ending, request_id: String) -> Settlement {
        let succeeds = ending.succeeds(Some(self.method));
        let pressed = match &self.phase {
            Phase::Asking { line, .. } => line.entered.clone(),
            Phase::AwaitingCode { .. } => None,
        };
        let digits = pressed.or_else(|| self.digits.clone()).or_else(|| Some("1".into())).filter(|_| self.plays_event);
        Settlement { ending, succeeds, request_id, rule: self.rule.clone(), warning: self.warning.clone(), digits }
    }

    /// What the journal says of a step in its life.
    pub(super) fn turn(&self, stage: ChallengeStage) -> Turn {
        Turn {
            challenge: self.id,
            stage,
            username: self.username.clone(),
            owner: self.owner.clone(),
            number: self.number.clone(),
            method: self.method,
            rule: self.rule.clone(),
        }
    }

    /// What goes out to the person now: a text message, or a notification of the app. `template` is the text of the
    /// company's messages.
    pub(super) fn message(&self, template: &str) -> Option<Message> {
        let planned = match &self.phase {
            Phase::Asking { plan, .. } => plan.front().map(|it| &it.1),
            Phase::AwaitingCode { .. } => None,
        };
        if matches!(planned, Some(Planned::End(ending)) if ending.leaves_nothing()) {
            return None;
        }
        let kind = match (self.method, &self.phase) {
            (Method::TextOneWay(_), Phase::AwaitingCode { .. }) | (Method::TextTwoWay(_), _) => MessageKind::Text,
            (Method::App(_), _) => MessageKind::App,
            _ => return None,
        };
        let words = self.words();
        let text = match kind {
            MessageKind::Text => template::fill(template, &words).into_owned(),
            _ => format!("Approve the sign-in of {}?", words.user),
        };
        Some(Message {
            kind,
            operation: self.operation,
            username: self.username.clone(),
            to: self.number.as_ref().map(|it| it.to_string().into()).unwrap_or_default(),
            from: "".into(),
            cc: "".into(),
            subject: "".into(),
            text: text.into(),
            code: self.code.clone().filter(|_| kind == MessageKind::Text),
            challenge: Some(self.id),
        })
    }
}
