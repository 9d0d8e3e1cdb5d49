//! Every way a second factor ends, one row each, and what a person does to bring it about.

use std::sync::Arc;

use crate::contract::{CustomerDefaults, Mode, PhoneAppMode, PinMode, SmsDirection, SmsMode, UserSettings};

/// Whether a code authenticates.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Passes {
    Yes,
    No,
    /// In standard mode, where `#` is all that is asked.
    Standard,
    /// A second operation decides; until then the answer is yes.
    Later,
}

/// The channel that a call result belongs to.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Channel {
    Voice,
    Text,
    App,
    Oath,
    Questions,
    Any,
    /// No person is asked.
    Unasked,
}

/// Declares the outcomes: `Name => code, "word", "description", channel, passes`.
macro_rules! outcomes {
    ($($name:ident => $code:literal, $word:literal, $text:literal, $channel:ident, $passes:ident;)*) => {
        /// How a second factor ended: a row of the table of call results.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub enum Outcome { $($name,)* }

        impl Outcome {
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// `callResult`'s code.
            #[must_use]
            pub const fn code(self) -> i32 {
                match self { $(Self::$name => $code,)* }
            }

            /// The word for it in scenario files.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// `callResult`'s description.
            #[must_use]
            pub const fn description(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            #[must_use]
            pub const fn channel(self) -> Channel {
                match self { $(Self::$name => Channel::$channel,)* }
            }

            #[must_use]
            pub const fn passes(self) -> Passes {
                match self { $(Self::$name => Passes::$passes,)* }
            }
        }
    };
}

outcomes! {
    PinEntered => 1, "pin-entered", "PIN Entered", Voice, Yes;
    NoPinEntered => 2, "no-pin-entered", "No PIN Entered", Voice, Standard;
    PoundNotPressed => 3, "pound-not-pressed", "# Not Pressed After Entry", Voice, No;
    NoInput => 4, "no-input", "No Phone Input - Timed Out", Voice, No;
    PinExpired => 5, "pin-expired", "PIN Expired and Not Changed", Voice, No;
    UsedCache => 6, "used-cache", "Used Cache", Unasked, Yes;
    Bypassed => 7, "bypassed", "Bypassed Auth", Unasked, Yes;
    UsedIpCache => 8, "used-ip-cache", "Used IP-based Cache", Unasked, Yes;
    UsedAppCache => 9, "used-app-cache", "Used App-based Cache", Unasked, Yes;
    Disconnected => 10, "disconnected", "Call Disconnected", Voice, No;
    CallTimedOut => 11, "call-timed-out", "Call Timed Out", Voice, No;
    InvalidInput => 12, "invalid-input", "Invalid Phone Input", Voice, No;
    Voicemail => 13, "voicemail", "Got Voicemail", Voice, No;
    UserBlocked => 14, "user-blocked", "User is Blocked", Unasked, No;
    Pending => 15, "pending", "Status Pending", Any, Later;
    VoiceprintSucceeded => 16, "voiceprint-succeeded", "Voiceprint Succeeded", Voice, Yes;
    VoiceprintEnrolled => 17, "voiceprint-enrolled", "Voiceprint Enrolled", Voice, Yes;
    VoiceprintExpired => 18, "voiceprint-expired", "Voiceprint Expired and Not Changed", Voice, No;
    TextAuthenticated => 19, "text-authenticated", "Text Message Authenticated", Text, Yes;
    TextSent => 20, "text-sent", "Text Message Sent", Text, Later;
    AppAuthenticated => 21, "app-authenticated", "Mobile App Authenticated", App, Yes;
    OathPending => 22, "oath-pending", "OATH Code Pending", Oath, Later;
    OathVerified => 23, "oath-verified", "OATH Code Verified", Oath, Yes;
    FallbackOathVerified => 24, "fallback-oath-verified", "Fallback OATH Code Verified", Oath, Yes;
    FallbackQuestionsAnswered => 25, "fallback-questions-answered", "Fallback Security Questions Answered", Questions, Yes;
    InvalidNumber => 100, "invalid-number", "Invalid Phone Number", Any, No;
    Busy => 101, "busy", "Call Already In Progress", Voice, No;
    Unreachable => 102, "unreachable", "Phone Unreachable", Voice, No;
    InternationalNotAllowed => 103, "international-not-allowed", "International Calls Not Allowed", Voice, No;
    PinModeNotAllowed => 104, "pin-mode-not-allowed", "PIN Mode Not Allowed", Voice, No;
    AccountLocked => 105, "account-locked", "Account Locked", Any, No;
    InvalidMessage => 106, "invalid-message", "Invalid Message", Any, No;
    InvalidNumberFormat => 107, "invalid-number-format", "Invalid Phone Number Format", Any, No;
    HungUp => 108, "hung-up", "User Hung Up the Phone", Voice, No;
    InsufficientBalance => 109, "insufficient-balance", "Insufficient Balance", Any, No;
    ExtensionsNotAllowed => 110, "extensions-not-allowed", "Phone Extensions Not Allowed", Voice, No;
    InvalidExtension => 111, "invalid-extension", "Invalid Extension", Voice, No;
    FraudCodeEntered => 112, "fraud-code-entered", "Fraud Code Entered", Voice, No;
    RolloverNotAllowed => 113, "rollover-not-allowed", "Rollover Not Allowed", Voice, No;
    ReturnPinNotAllowed => 114, "return-pin-not-allowed", "Return PIN Mode Not Allowed", Voice, No;
    EventsNotAllowed => 115, "events-not-allowed", "Event Confirmation Not Allowed", Voice, No;
    InvalidEventParameter => 116, "invalid-event-parameter", "Invalid Event Parameter", Voice, No;
    UnableToCall => 117, "unable-to-call", "Unable to Place Call", Voice, No;
    VoiceprintFailed => 118, "voiceprint-failed", "Voiceprint Failed", Voice, No;
    VoiceprintNotAllowed => 119, "voiceprint-not-allowed", "Voiceprint Mode Not Allowed", Voice, No;
    TextNotSent => 120, "text-not-sent", "Text Message Could Not Be Sent", Text, No;
    NoReply => 121, "no-reply", "No Text Message Reply Received", Text, No;
    TextCodeIncorrect => 122, "text-code-incorrect", "Text Message OTP Incorrect", Text, No;
    TextPinIncorrect => 123, "text-pin-incorrect", "Text Message OTP + PIN Incorrect", Text, No;
    TextNotAllowed => 124, "text-not-allowed", "Text Message Mode Not Allowed", Text, No;
    LocalizationNotAllowed => 125, "localization-not-allowed", "Localization Not Allowed", Any, No;
    LicensesExceeded => 126, "licenses-exceeded", "User Licenses Exceeded", Any, No;
    TextLicensesExceeded => 127, "text-licenses-exceeded", "Text Message User Licenses Exceeded", Text, No;
    VoiceprintLicensesExceeded => 128, "voiceprint-licenses-exceeded", "Voiceprint User Licenses Exceeded", Voice, No;
    AppDenied => 129, "app-denied", "Mobile App Denied", App, No;
    AppInvalidPin => 130, "app-invalid-pin", "Mobile App Invalid PIN", App, No;
    AppPinNotChanged => 131, "app-pin-not-changed", "Mobile App PIN Not Changed", App, No;
    FraudReported => 132, "fraud-reported", "Fraud Reported", App, No;
    AppNoResponse => 133, "app-no-response", "Mobile App No Response", App, No;
    AppNotAllowed => 134, "app-not-allowed", "Mobile App Mode Not Allowed", App, No;
    AppDevicesBlocked => 135, "app-devices-blocked", "Mobile App All Devices Blocked", App, No;
    AppNotificationFailed => 136, "app-notification-failed", "Mobile App Notification Failed", App, No;
    AppInvalidResult => 137, "app-invalid-result", "Mobile App Invalid Result", App, No;
    OathIncorrect => 138, "oath-incorrect", "OATH Code Incorrect", Oath, No;
    OathDuplicate => 139, "oath-duplicate", "Duplicate OATH Code", Oath, No;
    OathOld => 140, "oath-old", "OATH Code Out of Date", Oath, No;
    OathNotAllowed => 141, "oath-not-allowed", "OATH Token Mode Not Allowed", Oath, No;
    OathTimedOut => 142, "oath-timed-out", "OATH Code Result Timeout", Oath, No;
    QuestionsTimedOut => 143, "questions-timed-out", "Security Questions Result Timeout", Questions, No;
    AuthTimedOut => 144, "auth-timed-out", "Auth Result Timeout", Any, No;
    TextRetriesReached => 146, "text-retries-reached", "Exceeded Maximum Text Message OTP Attempts", Text, No;
    OathPinIncorrect => 147, "oath-pin-incorrect", "OATH Code + PIN Incorrect", Oath, No;
    DirectSdkNotAllowed => 149, "direct-sdk-not-allowed", "Direct SDK Not Allowed", Unasked, No;
}

impl Outcome {
    /// The outcome of a word in a scenario file.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|it| it.word() == word)
    }

    /// The outcome of a code of `callResult`.
    #[must_use]
    pub fn of_code(code: i32) -> Option<Self> {
        Self::ALL.iter().copied().find(|it| it.code() == code)
    }

    /// Whether it blocks the person who was asked.
    #[must_use]
    pub const fn is_fraud(self) -> bool {
        matches!(self, Self::FraudCodeEntered | Self::FraudReported)
    }

    /// Whether it comes after the message went out: the wrong code, the reply that never came.
    const fn comes_after_sending(self) -> bool {
        matches!(
            self,
            Self::TextCodeIncorrect
                | Self::TextPinIncorrect
                | Self::TextRetriesReached
                | Self::NoReply
                | Self::AuthTimedOut
                | Self::OathIncorrect
                | Self::OathDuplicate
                | Self::OathOld
                | Self::OathPinIncorrect
                | Self::OathTimedOut
        )
    }
}

/// How the user is reached, and what the user is asked to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Method {
    Voice(PinMode),
    /// The user types the code where they sign in; `ValidatePasscode` brings it.
    TextOneWay(SmsMode),
    /// The user replies to the message.
    TextTwoWay(SmsMode),
    App(PhoneAppMode),
    /// `ValidateOathCode` brings the code.
    Oath,
}

impl Method {
    /// How a person is reached: as the call asks, else as stored, else as the company's defaults say.
    pub(in crate::engine) fn choose(asked: Mode, stored: Option<&UserSettings>, defaults: &CustomerDefaults) -> Self {
        let given = |mode: Mode| Some(mode).filter(|it| !matches!(it, Mode::Unspecified | Mode::Invalid));
        let sms_mode = match stored.map_or(defaults.sms_mode, |it| it.sms_mode) {
            SmsMode::Invalid | SmsMode::Unspecified => defaults.sms_mode,
            mode => mode,
        };
        let direction = match stored.map_or(defaults.sms_direction, |it| it.sms_direction) {
            SmsDirection::Invalid | SmsDirection::Unspecified => defaults.sms_direction,
            direction => direction,
        };
        let stored_mode = stored.and_then(|it| given(it.mode));
        match given(asked).or(stored_mode).unwrap_or(defaults.mode) {
            Mode::SmsText if direction == SmsDirection::TwoWay => Self::TextTwoWay(sms_mode),
            Mode::SmsText => Self::TextOneWay(sms_mode),
            Mode::PhoneApp => Self::App(stored.map_or(defaults.phone_app_mode, |it| it.phone_app_mode)),
            Mode::OathToken => Self::Oath,
            Mode::VoiceCall | Mode::Invalid | Mode::Unspecified => {
                Self::Voice(stored.map_or(defaults.pin_mode, |it| it.pin_mode))
            }
        }
    }

    #[must_use]
    pub const fn channel(self) -> Channel {
        match self {
            Self::Voice(_) => Channel::Voice,
            Self::TextOneWay(_) | Self::TextTwoWay(_) => Channel::Text,
            Self::App(_) => Channel::App,
            Self::Oath => Channel::Oath,
        }
    }

    /// The mode of the contract that stands for it.
    #[must_use]
    pub const fn mode(self) -> Mode {
        match self {
            Self::Voice(_) => Mode::VoiceCall,
            Self::TextOneWay(_) | Self::TextTwoWay(_) => Mode::SmsText,
            Self::App(_) => Mode::PhoneApp,
            Self::Oath => Mode::OathToken,
        }
    }

    /// Whether a second operation brings the code.
    #[must_use]
    pub const fn waits_for_code(self) -> bool {
        matches!(self, Self::TextOneWay(_) | Self::Oath)
    }
}

/// Declares what a person does: `Name => "word", voice, two-way text, one-way text, app, token`.
macro_rules! reactions {
    ($($(#[doc = $doc:literal])* $name:ident => $word:literal, $voice:ident, $reply:ident, $text:ident, $app:ident, $oath:ident;)*) => {
        /// What a person does when asked, whatever the way: the outcome follows from the method.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub enum Reaction { $($(#[doc = $doc])* $name,)* }

        impl Reaction {
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The word for it in scenario files.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// What comes of it.
            #[must_use]
            pub const fn outcome(self, method: Method) -> Outcome {
                match (self, method) {
                    (Self::Approve, Method::Voice(PinMode::Pin | PinMode::ReturnPin)) => Outcome::PinEntered,
                    (Self::Approve, Method::Voice(PinMode::Voiceprint)) => Outcome::VoiceprintSucceeded,
                    $(
                        (Self::$name, Method::Voice(_)) => Outcome::$voice,
                        (Self::$name, Method::TextTwoWay(_)) => Outcome::$reply,
                        (Self::$name, Method::TextOneWay(_)) => Outcome::$text,
                        (Self::$name, Method::App(_)) => Outcome::$app,
                        (Self::$name, Method::Oath) => Outcome::$oath,
                    )*
                }
            }
        }
    };
}

reactions! {
    /// Does what is asked: presses `#`, enters the PIN, replies, approves, types the code.
    Approve => "approve", NoPinEntered, TextAuthenticated, TextSent, AppAuthenticated, OathPending;
    /// Hangs up, replies with a wrong code, denies.
    Deny => "deny", HungUp, TextCodeIncorrect, TextCodeIncorrect, AppDenied, OathIncorrect;
    /// Lets it ring.
    NoAnswer => "no-answer", CallTimedOut, NoReply, AuthTimedOut, AppNoResponse, OathTimedOut;
    /// Enters a wrong PIN as often as it is asked.
    WrongPin => "wrong-pin", InvalidInput, TextPinIncorrect, TextPinIncorrect, AppInvalidPin, OathPinIncorrect;
    /// Enters a wrong code.
    WrongCode => "wrong-code", InvalidInput, TextCodeIncorrect, TextCodeIncorrect, AppInvalidResult, OathIncorrect;
    /// Reports that another person is signing in.
    Fraud => "fraud", FraudCodeEntered, FraudReported, FraudReported, FraudReported, FraudReported;
}

/// How an authentication ends: a row of the table, or a call result that a scenario defines.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Ending {
    Known(Outcome),
    Custom(Arc<CustomResult>),
}

/// A call result that is not in the table.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CustomResult {
    pub code: i32,
    pub text: String,
    pub passes: bool,
}

impl Ending {
    #[must_use]
    pub fn code(&self) -> i32 {
        match self {
            Self::Known(outcome) => outcome.code(),
            Self::Custom(result) => result.code,
        }
    }

    #[must_use]
    pub fn description(&self) -> &str {
        match self {
            Self::Known(outcome) => outcome.description(),
            Self::Custom(result) => &result.text,
        }
    }

    #[must_use]
    pub fn known(&self) -> Option<Outcome> {
        match self {
            Self::Known(outcome) => Some(*outcome),
            Self::Custom(_) => None,
        }
    }

    /// Whether the answer is yes, for now or for good.
    #[must_use]
    pub fn succeeds(&self, method: Option<Method>) -> bool {
        match self {
            Self::Custom(result) => result.passes,
            Self::Known(outcome) => match outcome.passes() {
                Passes::Yes | Passes::Later => true,
                Passes::No => false,
                Passes::Standard => !matches!(method, Some(Method::Voice(PinMode::Pin | PinMode::ReturnPin))),
            },
        }
    }

    /// Whether the call was not answered, so that the backup number is tried.
    pub(in crate::engine) fn is_unanswered(&self) -> bool {
        matches!(self.known(), Some(Outcome::CallTimedOut | Outcome::Voicemail))
    }

    /// Whether no message leaves before it.
    pub(in crate::engine) fn leaves_nothing(&self) -> bool {
        let never = |it: Outcome| {
            use Outcome as O;
            matches!(it, O::TextNotSent | O::TextNotAllowed | O::TextLicensesExceeded | O::AppNotAllowed)
                || matches!(it, O::AppDevicesBlocked | O::AppNotificationFailed)
                || matches!(it.channel(), Channel::Unasked)
        };
        self.known().is_some_and(never)
    }

    /// Whether the message went out all the same, and this is what its code meets.
    pub(in crate::engine) fn comes_after_sending(&self) -> bool {
        self.known().is_some_and(Outcome::comes_after_sending)
    }
}

impl From<Outcome> for Ending {
    fn from(outcome: Outcome) -> Self {
        Self::Known(outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_codes_name_one_outcome_each() {
        for (at, outcome) in Outcome::ALL.iter().enumerate() {
            assert_eq!(Outcome::of_word(outcome.word()), Some(*outcome));
            let earlier = &Outcome::ALL[..at];
            assert!(earlier.iter().all(|it| it.code() < outcome.code()), "{outcome:?} is out of order");
            assert!(Reaction::ALL.iter().all(|it| it.word() != outcome.word()), "{outcome:?} shares its word");
        }
        assert_eq!(Outcome::ALL.len(), 73);
    }

    #[test]
    fn a_call_without_a_pin_passes_in_standard_mode_alone() {
        let ending = Ending::from(Outcome::NoPinEntered);
        assert!(ending.succeeds(Some(Method::Voice(PinMode::Standard))));
        assert!(!ending.succeeds(Some(Method::Voice(PinMode::Pin))));
    }
}
