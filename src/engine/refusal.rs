//! Every in-band no, one row each: what goes into `error` while the HTTP answer is 200.
//!
//! Codes below 9000 are the product's, as its public clients name them; the others are this project's own, so that
//! nobody takes them for the product's. All descriptions but that of 12 are ours.

/// Declares the refusals: `Name { fields } => code, "description"`.
macro_rules! refusals {
    ($($(#[doc = $doc:literal])* $name:ident { $($field:ident: $ty:ty),* } => $code:literal, $text:literal;)*) => {
        /// Why the service says no.
        #[derive(Clone, Debug, Eq, PartialEq)]
        pub enum Refusal {
            $($(#[doc = $doc])* $name { $($field: $ty),* },)*
        }

        impl Refusal {
            /// The number in `error`.
            #[must_use]
            pub const fn code(&self) -> i32 {
                match self { $(Self::$name { .. } => $code,)* }
            }

            /// Every code with its name, for the documentation and its test.
            pub const TABLE: &[(i32, &str, &str)] = &[$(($code, stringify!($name), $text),)*];
        }

        impl std::fmt::Display for Refusal {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self { $(Self::$name { $($field),* } => write!(f, $text),)* }
            }
        }
    };
}

refusals! {
    /// No such user.
    UserNotFound { username: String } => 10, "There is no user {username:?}. Add the user to the scenario.";
    /// The second factor was not passed; `callResult` says why.
    Denied {} => 12, "Multi-Factor Authentication denied.";
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
    /// `ValidatePasscode`: nothing is outstanding.
    NoPasscode { username: String } => 9010, "No text message code is outstanding for user {username:?}: none was sent, it was used, or it ran out.";
    /// `ValidatePasscode`: not the code.
    WrongPasscode { left: u32 } => 9011, "Text Message OTP Incorrect. Attempts left: {left}.";
    /// `ValidatePasscode`: one wrong code too many.
    TooManyPasscodes {} => 9012, "Exceeded Maximum Text Message OTP Attempts.";
    /// `ValidatePasscode`: the code is right and the PIN behind it is not.
    WrongPasscodePin { left: u32 } => 9013, "Text Message OTP + PIN Incorrect. Attempts left: {left}.";
    /// `ValidateOathCode`: not a code of this token.
    WrongOathCode {} => 9020, "OATH Code Incorrect.";
    /// `ValidateOathCode`: used before.
    UsedOathCode {} => 9021, "Duplicate OATH Code.";
    /// `ValidateOathCode`: a code of the past.
    OldOathCode {} => 9022, "OATH Code Out of Date.";
    /// `ValidateOathCode`: the authentication it names is not there.
    UnknownRequest { id: String } => 9023, "No authentication {id:?} of this user waits for an OATH code: it never did, it ended, or its time ran out.";
}
