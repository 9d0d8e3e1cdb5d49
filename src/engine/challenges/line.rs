//! The effect of the acts of a person: a small state machine for each open challenge.

use crate::contract::{PhoneAppMode, PinMode, Secret, SmsMode};
use crate::engine::User;
use crate::engine::act::Act;
use crate::engine::outcome::{Channel, Ending, Method, Outcome, Reaction};

/// The effect of an act.
#[derive(Clone, Debug, PartialEq)]
pub enum Acted {
    /// The challenge stays open.
    GoesOn,
    Ended(Ending),
}

/// Why an act is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ActRefusal {
    #[error("There is no such open challenge: it never existed, or it ended.")]
    NotOpen,
    #[error("The challenge is a phone call: the person cannot {0}.")]
    PhoneCall(&'static str),
    #[error("The challenge is a text message: the person cannot {0}.")]
    TextMessage(&'static str),
    #[error("The challenge is a notification of the mobile app: the person cannot {0}.")]
    App(&'static str),
    #[error("The challenge waits for a code from ValidatePasscode or ValidateOathCode: the person cannot {0}.")]
    CodeElsewhere(&'static str),
    #[error("The phone still rings: the person has to answer the call first.")]
    StillRings,
    #[error("The person has already answered the call.")]
    AnsweredAlready,
}

/// The state of a phone call: whether it is answered, and what was entered.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    pub answered: bool,
    /// Since the last `#`.
    entry: Secret,
    wrong: u32,
    /// What was entered last, for an event.
    pub entered: Option<Secret>,
}

/// What decides the effect of an act.
pub(super) struct Scene<'a> {
    pub method: Method,
    pub plays_event: bool,
    pub person: Option<&'a User>,
    pub stale_pin: bool,
    pub fraud_alert: bool,
    pub fraud_code: &'a str,
    pub attempts: u32,
    /// Of the text message.
    pub code: Option<&'a Secret>,
}

impl Line {
    /// Lets the person act. The ending, if that ends it.
    pub(super) fn act(&mut self, act: &Act, scene: &Scene<'_>) -> Result<Option<Ending>, ActRefusal> {
        let ended = |outcome: Outcome| Ok(Some(outcome.into()));
        let method = scene.method;
        match (method.channel(), act) {
            (_, Act::LetRing) if !method.waits_for_code() => Ok(None),
            (Channel::Voice, Act::Answer) if self.answered => Err(ActRefusal::AnsweredAlready),
            (Channel::Voice, Act::Answer) => {
                self.answered = true;
                Ok(None)
            }
            (Channel::Voice, Act::HangUp | Act::Deny) => ended(Outcome::HungUp),
            (Channel::Voice, Act::Voicemail) if self.answered => Err(ActRefusal::AnsweredAlready),
            (Channel::Voice, Act::Voicemail) => ended(Outcome::Voicemail),
            (Channel::Voice, keys) if keys.is_by_keys() && !self.answered => Err(ActRefusal::StillRings),
            (Channel::Voice, Act::Press(keys)) => Ok(self.press(keys.reveal(), scene)),
            (Channel::Voice, Act::EnterPin) => Ok(Some(scene.right_entry().into())),
            (Channel::Voice, Act::Approve) => {
                self.answered = true;
                Ok(Some(scene.right_entry().into()))
            }
            (Channel::Voice, Act::ApproveWith(pin)) => {
                self.answered = true;
                let keys = match (scene.asked_pin(), pin.reveal()) {
                    (None, _) => "",
                    (_, "") => scene.wrong_entry(),
                    (_, pin) => pin,
                };
                Ok(self.press(&[keys, "#"].concat(), scene))
            }
            (Channel::Voice, Act::EnterWrongPin) => Ok(self.press(&[scene.wrong_entry(), "#"].concat(), scene)),
            (Channel::Voice, Act::EnterFraudCode) => Ok(self.press(&[scene.fraud_code, "#"].concat(), scene)),
            (Channel::Voice, other) => Err(ActRefusal::PhoneCall(other.in_words())),
            (Channel::Text | Channel::Oath, other) if method.waits_for_code() => {
                Err(ActRefusal::CodeElsewhere(other.in_words()))
            }
            (Channel::Text, Act::ReplyRight | Act::Approve) => ended(Reaction::Approve.outcome(method)),
            (Channel::Text, Act::ReplyWrong | Act::Deny) => ended(Outcome::TextCodeIncorrect),
            (Channel::Text, Act::Reply(text)) => ended(scene.reply(text.reveal())),
            (Channel::Text, Act::ApproveWith(pin)) => ended(scene.replied_with(pin.reveal())),
            (Channel::App, Act::Approve) => ended(Outcome::AppAuthenticated),
            (Channel::App, Act::ApproveWith(pin)) => ended(scene.approved_with(pin.reveal())),
            (Channel::App, Act::Deny) => ended(Outcome::AppDenied),
            (Channel::App, Act::ReportFraud) if scene.fraud_alert => ended(Outcome::FraudReported),
            (Channel::App, Act::ReportFraud) => ended(Outcome::AppDenied),
            (Channel::App, other) => Err(ActRefusal::App(other.in_words())),
            (_, other) => Err(ActRefusal::TextMessage(other.in_words())),
        }
    }

    /// How a challenge ends when the person does nothing more.
    pub(super) fn silence(&self, method: Method) -> Outcome {
        match method {
            Method::Voice(_) if !self.answered => Outcome::CallTimedOut,
            Method::Voice(_) if !self.entry.reveal().is_empty() => Outcome::PoundNotPressed,
            Method::Voice(_) => Outcome::NoInput,
            _ => Reaction::NoAnswer.outcome(method),
        }
    }

    fn press(&mut self, keys: &str, scene: &Scene<'_>) -> Option<Ending> {
        let keys = [self.entry.reveal(), keys].concat();
        let mut entries = keys.split('#');
        self.entry = entries.next_back().unwrap_or_default().into();
        entries.find_map(|it| self.enter(it, scene)).map(Into::into)
    }

    /// Takes what was entered before `#`.
    fn enter(&mut self, entry: &str, scene: &Scene<'_>) -> Option<Outcome> {
        let right = match scene.asked_pin() {
            _ if scene.fraud_alert && entry == scene.fraud_code => return Some(Outcome::FraudCodeEntered),
            Some(pin) => !pin.is_empty() && entry == pin,
            // An event accepts any digits.
            None => entry.is_empty() || scene.plays_event,
        };
        if right {
            // Of a call that asks for a PIN, an event gets no digits.
            self.entered = Some(entry.into()).filter(|_| scene.plays_event && scene.asked_pin().is_none());
            return Some(scene.right_entry());
        }
        self.wrong += 1;
        let last = self.wrong >= scene.attempts;
        last.then_some(if entry.is_empty() { Outcome::NoPinEntered } else { Outcome::InvalidInput })
    }
}

impl Scene<'_> {
    /// The PIN that a call asks for; `None` where it asks for `#` alone.
    fn asked_pin(&self) -> Option<&str> {
        matches!(self.method, Method::Voice(PinMode::Pin | PinMode::ReturnPin)).then(|| self.pin())
    }

    /// How it ends when what is asked was entered.
    fn right_entry(&self) -> Outcome {
        match self.asked_pin() {
            Some(_) if self.stale_pin => Outcome::PinExpired,
            _ => Reaction::Approve.outcome(self.method),
        }
    }

    fn pin(&self) -> &str {
        self.person.and_then(|it| it.settings.pin.as_ref()).map(Secret::reveal).unwrap_or_default()
    }

    /// Digits that are neither the PIN nor the fraud code.
    fn wrong_entry(&self) -> &'static str {
        let is_wrong = |it: &&&str| **it != self.pin() && **it != self.fraud_code;
        ["99999999", "88888888", "77777777"].iter().find(is_wrong).expect("two are not all of them")
    }

    fn reply(&self, text: &str) -> Outcome {
        let code = self.code.map(Secret::reveal).unwrap_or_default();
        match (self.method, text.trim().strip_prefix(code).map(str::trim)) {
            (Method::TextTwoWay(SmsMode::OtpPlusPin), Some(pin)) if pin != self.pin() => Outcome::TextPinIncorrect,
            (Method::TextTwoWay(SmsMode::OtpPlusPin), Some(_)) => Outcome::TextAuthenticated,
            (_, Some("")) => Outcome::TextAuthenticated,
            _ => Outcome::TextCodeIncorrect,
        }
    }

    /// How it ends when the reply is the code and, where one is asked, this PIN.
    fn replied_with(&self, pin: &str) -> Outcome {
        match self.method {
            Method::TextTwoWay(SmsMode::OtpPlusPin) if pin != self.pin() || pin.is_empty() => Outcome::TextPinIncorrect,
            _ => Outcome::TextAuthenticated,
        }
    }

    fn approved_with(&self, pin: &str) -> Outcome {
        match self.method {
            Method::App(PhoneAppMode::Pin) if pin != self.pin() || pin.is_empty() => Outcome::AppInvalidPin,
            _ => Outcome::AppAuthenticated,
        }
    }
}
