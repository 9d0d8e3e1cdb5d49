//! What a person does with a phone, and what comes of it: a small state machine for each challenge that is open.

use crate::contract::{PhoneAppMode, PinMode, Secret, SmsMode};
use crate::engine::User;
use crate::engine::challenges::outcome::{Channel, Ending, Method, Outcome, Reaction};

/// One act of a person who is asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// Answers the call.
    Answer,
    /// Presses keys: digits, `*`, and `#`, which ends an entry.
    Press(Secret),
    /// Enters the PIN and presses `#`; where no PIN is asked, presses `#`.
    EnterPin,
    /// Enters a wrong PIN and presses `#`.
    EnterWrongPin,
    /// Enters the company's fraud code: another person is signing in.
    EnterFraudCode,
    /// Hangs up, or declines the call.
    HangUp,
    /// Does nothing more.
    LetRing,
    /// The voicemail takes the call.
    Voicemail,
    /// Replies to the text message with what it asks for.
    ReplyRight,
    /// Replies to the text message with something else.
    ReplyWrong,
    /// Replies to the text message with a text.
    Reply(Secret),
    /// Approves in the app, with the PIN where it is asked.
    Approve,
    /// Approves in the app with a PIN.
    ApproveWith(Secret),
    /// Denies in the app.
    Deny,
    /// Reports in the app that another person is signing in.
    ReportFraud,
}

impl Act {
    /// The channel on which a person can do it; `None` where there are several.
    #[must_use]
    pub const fn channel(&self) -> Option<Channel> {
        match self {
            Self::Answer
            | Self::Press(_)
            | Self::EnterPin
            | Self::EnterWrongPin
            | Self::EnterFraudCode
            | Self::HangUp
            | Self::Voicemail => Some(Channel::Voice),
            Self::ReplyRight | Self::ReplyWrong | Self::Reply(_) => Some(Channel::Text),
            Self::Approve | Self::ApproveWith(_) | Self::Deny | Self::ReportFraud => Some(Channel::App),
            Self::LetRing => None,
        }
    }
}

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

/// Why a word is not an act.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NotAnAct {
    #[error("there is no such act")]
    Unknown,
    /// The act's word, and what it needs.
    #[error("{0} needs {1}")]
    Needs(&'static str, &'static str),
    /// The act's word, and what can stand behind it.
    #[error("{0} takes {1}")]
    Takes(&'static str, &'static str),
}

impl Act {
    /// The words for acts, in scenario files and in the API.
    pub const WORDS: &[&str] = &[
        "answers",
        "presses",
        "enters",
        "hangs-up",
        "lets-it-ring",
        "voicemail",
        "replies",
        "approves",
        "denies",
        "reports-fraud",
    ];

    /// The act of a word, with the value behind it.
    ///
    /// # Errors
    /// [`NotAnAct`]
    pub fn read(word: &str, value: Option<&str>) -> Result<Self, NotAnAct> {
        let is_digits = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
        let word = Self::WORDS.iter().find(|it| **it == word).ok_or(NotAnAct::Unknown)?;
        let needs = |what| Err(NotAnAct::Needs(word, what));
        let takes = |what| Err(NotAnAct::Takes(word, what));
        let nothing = |act| if value.is_none() { Ok(act) } else { takes("nothing behind it") };
        match *word {
            "answers" => nothing(Self::Answer),
            "presses" => match value {
                None => needs("the keys: presses: \"#\""),
                Some(it) if it.bytes().all(|it| it.is_ascii_digit() || b"*#".contains(&it)) => {
                    Ok(Self::Press(it.into()))
                }
                Some(_) => takes("0 to 9, * and #"),
            },
            "enters" => match value {
                None => needs("to know what: enters: pin"),
                Some("pin") => Ok(Self::EnterPin),
                Some("wrong-pin") => Ok(Self::EnterWrongPin),
                Some("fraud-code") => Ok(Self::EnterFraudCode),
                Some(it) if is_digits(it) => Ok(Self::Press([it, "#"].concat().into())),
                Some(_) => takes("pin, wrong-pin, fraud-code, or digits"),
            },
            "hangs-up" => nothing(Self::HangUp),
            "lets-it-ring" => nothing(Self::LetRing),
            "voicemail" => nothing(Self::Voicemail),
            "replies" => match value {
                None => needs("the text: replies: code"),
                Some("code") => Ok(Self::ReplyRight),
                Some("wrong-code") => Ok(Self::ReplyWrong),
                Some(it) => Ok(Self::Reply(it.into())),
            },
            "approves" => match value {
                None | Some("pin") => Ok(Self::Approve),
                Some("wrong-pin") => Ok(Self::ApproveWith("".into())),
                Some(it) if is_digits(it) => Ok(Self::ApproveWith(it.into())),
                Some(_) => takes("pin, wrong-pin, or digits"),
            },
            "denies" => nothing(Self::Deny),
            "reports-fraud" => nothing(Self::ReportFraud),
            _ => Err(NotAnAct::Unknown),
        }
    }

    /// Whether the act needs an answered call.
    #[must_use]
    pub const fn is_by_keys(&self) -> bool {
        matches!(self, Self::Press(_) | Self::EnterPin | Self::EnterWrongPin | Self::EnterFraudCode)
    }

    /// The act in the words of a refusal.
    pub(super) const fn in_words(&self) -> &'static str {
        match self {
            Self::Answer => "answer it",
            Self::Press(_) | Self::EnterPin | Self::EnterWrongPin | Self::EnterFraudCode => "press keys",
            Self::HangUp => "hang up",
            Self::LetRing => "let it ring",
            Self::Voicemail => "have the voicemail take it",
            Self::ReplyRight | Self::ReplyWrong | Self::Reply(_) => "reply to it",
            Self::Approve | Self::ApproveWith(_) => "approve it",
            Self::Deny => "deny it",
            Self::ReportFraud => "report fraud in it",
        }
    }
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
            (Channel::Voice, Act::HangUp) => ended(Outcome::HungUp),
            (Channel::Voice, Act::Voicemail) if self.answered => Err(ActRefusal::AnsweredAlready),
            (Channel::Voice, Act::Voicemail) => ended(Outcome::Voicemail),
            (Channel::Voice, keys) if keys.is_by_keys() && !self.answered => Err(ActRefusal::StillRings),
            (Channel::Voice, Act::Press(keys)) => Ok(self.press(keys.reveal(), scene)),
            (Channel::Voice, Act::EnterPin) => Ok(Some(scene.right_entry().into())),
            (Channel::Voice, Act::EnterWrongPin) => Ok(self.press(&[scene.wrong_entry(), "#"].concat(), scene)),
            (Channel::Voice, Act::EnterFraudCode) => Ok(self.press(&[scene.fraud_code, "#"].concat(), scene)),
            (Channel::Voice, other) => Err(ActRefusal::PhoneCall(other.in_words())),
            (Channel::Text | Channel::Oath, other) if method.waits_for_code() => {
                Err(ActRefusal::CodeElsewhere(other.in_words()))
            }
            (Channel::Text, Act::ReplyRight) => ended(Reaction::Approve.outcome(method)),
            (Channel::Text, Act::ReplyWrong) => ended(Outcome::TextCodeIncorrect),
            (Channel::Text, Act::Reply(text)) => ended(scene.reply(text.reveal())),
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

    fn approved_with(&self, pin: &str) -> Outcome {
        match self.method {
            Method::App(PhoneAppMode::Pin) if pin != self.pin() || pin.is_empty() => Outcome::AppInvalidPin,
            _ => Outcome::AppAuthenticated,
        }
    }
}
