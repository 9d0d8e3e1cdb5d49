//! The acts of a person who is asked for a second factor, as scenarios and the API name them.

use crate::contract::Secret;
use crate::engine::outcome::Channel;

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
    /// Approves in the way in which the person is asked, with the PIN where it is asked: answers the call and presses
    /// `#`, replies to the text message, approves in the app.
    Approve,
    /// Approves with a PIN; an empty one is wrong.
    ApproveWith(Secret),
    /// Denies in the way in which the person is asked: hangs up, replies with a wrong code, denies in the app.
    Deny,
    /// Reports in the app that another person is signing in.
    ReportFraud,
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
        "approve",
        "denies",
        "deny",
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
            "approves" | "approve" => match value {
                None | Some("pin") => Ok(Self::Approve),
                Some("wrong-pin") => Ok(Self::ApproveWith("".into())),
                Some(it) if is_digits(it) => Ok(Self::ApproveWith(it.into())),
                Some(_) => takes("pin, wrong-pin, or digits"),
            },
            "denies" | "deny" => nothing(Self::Deny),
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
    pub(in crate::engine) const fn in_words(&self) -> &'static str {
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
            Self::ReportFraud => Some(Channel::App),
            Self::Approve | Self::ApproveWith(_) | Self::Deny | Self::LetRing => None,
        }
    }
}
