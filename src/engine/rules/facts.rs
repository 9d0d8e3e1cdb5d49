//! What is known of a call when the rules decide it.

use crate::contract::{AuthenticationType, FieldValue, Mode, Value};
use crate::engine::rules::states::{Keys, People};
use crate::engine::{Number, Timestamp, User};

/// A call as conditions see it.
#[derive(Debug)]
pub struct Facts<'a> {
    pub operation: &'static str,
    /// Whether the operation asks for a second factor.
    pub asks: bool,
    pub space: &'a str,
    pub now: Timestamp,
    pub values: &'a [FieldValue<'a>],
    /// As stored where the user is known, else as sent.
    pub username: &'a str,
    pub account: Option<&'a User>,
    /// The user whose number is called.
    pub owner: Option<&'a User>,
    /// The user who is asked: of a number that comes with the call the one who has it, else the account.
    pub person: Option<&'a User>,
    /// The number that is called: given with the call, or stored.
    pub number: Option<Number>,
    pub initiating_type: AuthenticationType,
    pub application: &'a str,
    pub ip_address: &'a str,
    pub mode: Mode,
    pub(in crate::engine) keys: Keys,
    pub(in crate::engine) people: &'a People,
}

impl Facts<'_> {
    /// The user whose tags and group count: the person, else the account.
    pub(super) fn described(&self) -> Option<&User> {
        self.person.or(self.account)
    }

    /// The group of that user.
    pub(super) fn group(&self) -> Option<&str> {
        self.described()?.settings.user_group.as_deref()
    }

    /// A simple parameter of the request as a scenario writes it. `None`: there is none of that name, or it is a
    /// secret or a record.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        match self.values.iter().find(|it| it.name == name)?.value {
            Value::Text(text) => Some(text.into()),
            Value::Number(number) => Some(number.to_string()),
            Value::Real(number) => Some(number.to_string()),
            Value::Truth(truth) => Some(truth.to_string()),
            Value::Missing | Value::Secret | Value::Nested => None,
        }
    }
}
