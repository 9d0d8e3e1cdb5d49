//! Magic numbers: fictional numbers, each of which leads to one outcome where no rule decides otherwise.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::Number;
use crate::engine::outcome::{Ending, Method, Outcome, Reaction};
use crate::engine::rules::rule::Conduct;

/// A number, and what the person who is asked there does.
#[derive(Debug)]
pub struct Magic {
    /// The last four digits, behind `+1 425 555`.
    pub digits: &'static str,
    pub conduct: Conduct,
    /// `None`: as at any other number.
    pub after: Option<Duration>,
    /// What happens, in words.
    pub about: &'static str,
}

/// Declares the numbers: `"digits" => conduct, seconds, "what happens"`; 0 seconds: as at any other number.
macro_rules! numbers {
    ($($digits:literal => $kind:ident $what:ident, $after:literal, $about:literal;)*) => {
        static NUMBERS: &[Magic] = &[$(Magic {
            digits: $digits,
            conduct: numbers!($kind $what),
            after: match $after {
                0 => None,
                seconds => Some(Duration::from_secs(seconds)),
            },
            about: $about,
        },)*];
    };
    (act $what:ident) => { Conduct::React(Reaction::$what) };
    (end $what:ident) => { Conduct::End(Ending::Known(Outcome::$what)) };
}

numbers! {
    "0110" => act NoAnswer, 20, "The call is not answered.";
    "0111" => end Busy, 0, "The line is busy.";
    "0112" => end Voicemail, 8, "The voicemail answers.";
    "0113" => end HungUp, 0, "The person hangs up.";
    "0114" => end Unreachable, 0, "The phone is off.";
    "0115" => end NoInput, 15, "The person presses nothing.";
    "0116" => act WrongPin, 10, "The person enters a wrong PIN.";
    "0117" => act Fraud, 0, "The person reports fraud, and is blocked.";
    "0118" => act Approve, 25, "The person takes long to answer.";
    "0120" => end TextNotSent, 0, "The text message does not go out.";
    "0121" => act WrongCode, 0, "The right code is refused.";
    "0122" => end NoReply, 20, "The text message gets no reply.";
    "0130" => act Deny, 0, "The person denies in the app.";
    "0131" => act NoAnswer, 20, "The notification of the app is not answered.";
    "0132" => act Fraud, 0, "The person reports fraud in the app, and is blocked.";
    "0140" => end UserBlocked, 0, "The person is blocked.";
    "0141" => end AccountLocked, 0, "The account is locked.";
}

/// The digits before those of the table.
const BLOCK: &str = "1425555";

impl Magic {
    /// Every magic number.
    #[must_use]
    pub const fn all() -> &'static [Self] {
        NUMBERS
    }

    /// How it ends under a method.
    #[must_use]
    pub fn ending(&self, method: Method) -> Ending {
        match &self.conduct {
            Conduct::React(reaction) => reaction.outcome(method).into(),
            Conduct::End(ending) => ending.clone(),
            _ => unreachable!("the table has no others"),
        }
    }

    /// The name that stands for the rule that decided.
    pub(in crate::engine) fn rule_name(&self) -> Arc<str> {
        format!("magic number +1 425 555 {}", self.digits).into()
    }
}

/// The magic number that a number is, if it is one.
pub(super) fn find(number: &Number) -> Option<&'static Magic> {
    let digits = number.digits().strip_prefix(BLOCK)?;
    NUMBERS.iter().find(|it| it.digits == digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_in_order_and_in_the_fictional_block() {
        assert!(NUMBERS.is_sorted_by(|a, b| a.digits < b.digits));
        assert!(NUMBERS.iter().all(|it| it.digits.len() == 4 && it.digits.starts_with("01")));
    }
}
