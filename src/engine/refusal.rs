//! The in-band errors, one row each: the contents of `error` in an answer with HTTP status 200.
//!
//! Codes below 9000 are the product's, as its public clients name them. The others are this project's own, and high so
//! that they are not mistaken for the product's. All descriptions but that of 12 are ours.

use super::number::NotANumber;

/// Declares the refusals: `Name { fields } => code, "description"`.
macro_rules! refusals {
    ($($(#[doc = $doc:literal])* $name:ident { $($field:ident: $ty:ty),* } => $code:literal, $text:literal;)*) => {
        /// Why the service refuses a call.
        #[derive(Clone, Debug, Eq, PartialEq)]
        pub enum Refusal {
            $($(#[doc = $doc])* $name { $($field: $ty),* },)*
            /// An error that the scenario defines.
            Own { code: i32, text: String },
        }

        impl Refusal {
            /// The number in `error`.
            #[must_use]
            pub const fn code(&self) -> i32 {
                match self {
                    $(Self::$name { .. } => $code,)*
                    Self::Own { code, .. } => *code,
                }
            }

            /// Every code with its name, for the documentation and its test.
            pub const TABLE: &[(i32, &str, &str)] = &[$(($code, stringify!($name), $text),)*];
        }

        impl std::fmt::Display for Refusal {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self {
                    $(Self::$name { $($field),* } => write!(f, $text),)*
                    Self::Own { text, .. } => f.write_str(text),
                }
            }
        }
    };
}

refusals! {
    /// No such user.
    UserNotFound { username: String } => 10, "There is no user {username:?}. Add the user to the scenario.";
    /// The second factor was not passed; `callResult` says why.
    Denied {} => 12, "Multi-Factor Authentication denied.";
    /// `AddUser`, `ChangeUsername`: another user has that name.
    UsernameTaken { username: String } => 101, "There is a user {username:?} already.";
    /// The PIN has too few digits.
    PinTooShort { minimum: usize } => 109, "The PIN is too short: it must have {minimum} digits or more.";
    /// The PIN is easily guessed.
    PinTooWeak { why: &'static str } => 110, "The PIN is too weak: it has {why}.";
    /// `ValidatePin`: not the user's.
    WrongPin { username: String } => 125, "The PIN is not that of user {username:?}.";
    /// `UserIsBlocked`: no.
    NotBlockedNow { username: String } => 133, "User {username:?} is not currently blocked.";
    /// `UnblockUser` where there is nothing to unblock.
    NotBlocked { username: String } => 136, "User {username:?} is not blocked, so there is nothing to unblock.";
    /// A disabled user whose disabled behavior is to fail.
    UserDisabled { username: String } => 9001, "User {username:?} is disabled, and the disabled behavior is to fail. Enable the user, or set the disabled behavior to succeed.";
    /// `PrimaryAuthUser`: the password is not the user's.
    WrongPassword { username: String } => 9002, "The password is not that of user {username:?}. The scenario's users say it under password.";
    /// The request has no username.
    NoUsername {} => 9003, "The request names no user: username is missing or empty.";
    /// OATH token mode without a token.
    NoOathToken { username: String } => 9004, "User {username:?} has no OATH token. Give the user an oath_token_secret_key in the scenario.";
    /// The scenario took the master server away.
    MasterAway {} => 9005, "The master server does not answer, so that nothing can be changed and no Master operation runs. The scenario says it under company: {{master: away}}.";
    /// The company has not licensed what is asked.
    FeatureOff { feature: &'static str } => 9006, "The company does not have the feature {feature}. The scenario says it under company: features.";
    /// A record that must be there is missing.
    NoRecord { record: &'static str } => 9007, "The request has no {record}.";
    /// A text is longer than the limit.
    TooLong { field: String, limit: usize } => 9008, "{field} is too long: {limit} characters are the most.";
    /// A username with line breaks or tabs.
    BadUsername { username: String } => 9009, "{username:?} is no username: it has line breaks, tabs or other control characters.";
    /// `ValidatePasscode`: nothing is outstanding.
    NoPasscode { username: String } => 9010, "No text message code is outstanding for user {username:?}: none was sent, it was used, or it ran out.";
    /// `ValidatePasscode`: not the code.
    WrongPasscode { left: u32 } => 9011, "Text Message OTP Incorrect. Attempts left: {left}.";
    /// `ValidatePasscode`: one wrong code too many.
    TooManyPasscodes {} => 9012, "Exceeded Maximum Text Message OTP Attempts.";
    /// `ValidatePasscode`: the code is right and the PIN behind it is not.
    WrongPasscodePin { left: u32 } => 9013, "Text Message OTP + PIN Incorrect. Attempts left: {left}.";
    /// A text that is no telephone number.
    NotANumber { text: String, why: NotANumber } => 9014, "{text:?} is no telephone number: {why}.";
    /// A word of an enumeration that says nothing.
    NotAMode { field: &'static str } => 9015, "{field} cannot be invalid.";
    /// `ChangeLanguage`: none that the company offers.
    UnknownLanguage { language: String } => 9016, "{language:?} is none of the languages that the company offers.";
    /// A PIN with letters.
    PinNotDigits {} => 9017, "A PIN has digits and nothing else.";
    /// A PIN that the user had before.
    PinReused { last: usize } => 9018, "The PIN is one of the last {last} that the user had.";
    /// `ValidateOathCode`: not a code of this token.
    WrongOathCode {} => 9020, "OATH Code Incorrect.";
    /// `ValidateOathCode`: used before.
    UsedOathCode {} => 9021, "Duplicate OATH Code.";
    /// `ValidateOathCode`: a code of the past.
    OldOathCode {} => 9022, "OATH Code Out of Date.";
    /// `ValidateOathCode`: the authentication it names is not there.
    UnknownRequest { id: String } => 9023, "No authentication {id:?} of this user waits for an OATH code: it never did, it ended, or its time ran out.";
    /// `ChangeOathToken`: the key cannot be read.
    BadSecretKey {} => 9024, "The secret key is no Base32: it has the letters A to Z and the digits 2 to 7.";
    /// `ChangeOathToken`: the interval makes no sense.
    BadInterval { seconds: i32 } => 9025, "A code cannot hold for {seconds} seconds: 1 to 86400 are possible, 0 stands for 30.";
    /// `ChangeOathToken_2`: the serial number is unknown.
    UnknownToken { serial_number: String } => 9026, "There is no OATH token {serial_number:?}. Add it to the scenario under company: tokens.";
    /// `ChangeOathToken_2`: another user has the token.
    TokenTaken { serial_number: String, username: String } => 9027, "OATH token {serial_number:?} belongs to user {username:?}.";
    /// There is nothing to answer.
    NoQuestions { username: String } => 9030, "User {username:?} has no security questions.";
    /// `ChangeSecurityQuestions`: a question or an answer stands alone.
    HalfAQuestion { number: usize } => 9031, "Security question {number} needs both a question and an answer.";
    /// `ValidateSecurityQuestionAnswers`: too few are right.
    WrongAnswers { right: usize, needed: usize } => 9032, "{right} of the answers are right, and {needed} are needed.";
    /// `ValidateStaticToken`: the user has none.
    NoStaticToken { username: String } => 9033, "User {username:?} has no static token, or it is not enabled.";
    /// `ValidateStaticToken`: not the user's.
    WrongStaticToken { username: String } => 9034, "The static token is not that of user {username:?}.";
    /// `Activate`: not a code that is out.
    WrongActivationCode {} => 9040, "The activation code is wrong, was used, or ran out: it lives ten minutes.";
    /// `ConfirmActivation`: not a code that is out.
    WrongConfirmationCode {} => 9041, "The confirmation code is wrong, was used, or ran out: it lives ten minutes.";
    /// The user has as many devices as the portal's settings allow.
    DeviceLimit { devices: String } => 9042, "The user has {devices}, and the portal's device limit allows no more.";
    /// `DeleteUserDevice`: no such device.
    UnknownDevice { id: String } => 9043, "There is no device {id:?}.";
    /// No such session.
    UnknownSession { id: String } => 9050, "No session {id:?} was handed over. Add it to the scenario under sessions.";
    /// Event confirmation without an event.
    NoEvent {} => 9060, "The request names no event: eventName is missing or empty.";
    /// No such call, or it ended.
    UnknownCall { id: String } => 9061, "There is no open call {id:?}: it never was, it ended, or its time ran out.";
}

impl Refusal {
    /// A refusal unless the company has a feature.
    ///
    /// # Errors
    /// `FeatureOff`
    pub const fn unless(licensed: bool, feature: &'static str) -> Result<(), Self> {
        match licensed {
            true => Ok(()),
            false => Err(Self::FeatureOff { feature }),
        }
    }
}
