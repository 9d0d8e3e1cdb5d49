//! What is known of a call when the rules decide it. The facts of a call are computed once, when it arrives.

use std::time::Duration;

use crate::contract::{AuthenticationType, FieldValue, Mode, Role, Value};
use crate::engine::directory::Directory;
use crate::engine::outcome::Method;
use crate::engine::rules::states::{Keys, People};
use crate::engine::subject::{GivenNumber, Subject};
use crate::engine::{Company, Timestamp, User};

/// A well-formed call, as it arrives.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The operation's wire name.
    pub operation: &'static str,
    /// Whether the operation asks for a second factor.
    pub asks: bool,
    pub space: &'a str,
    pub values: &'a [FieldValue<'a>],
}

/// A call as conditions see it.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Facts<'a> {
    pub operation: &'static str,
    /// Whether the operation asks for a second factor.
    pub asks: bool,
    pub space: &'a str,
    pub now: Timestamp,
    /// How long the space has been there.
    pub since_start: Duration,
    pub values: &'a [FieldValue<'a>],
    pub subject: Subject<'a>,
    pub initiating_type: AuthenticationType,
    /// Of an event: its name.
    pub application: &'a str,
    pub ip_address: &'a str,
    pub mode: Mode,
    pub keys: Keys,
    pub people: &'a People,
}

impl<'a> Call<'a> {
    fn text(&self, role: Role) -> Option<&'a str> {
        FieldValue::text_of(self.values, role)
    }
}

impl<'a> Facts<'a> {
    /// `begun` is the start of the space. `event_caller` tells the username of a call that plays an event, by the call's identifier.
    pub(super) fn of(
        (now, begun): (Timestamp, Timestamp),
        call: &Call<'a>,
        company: &'a Company,
        directory: &'a Directory,
        people: &'a People,
        event_caller: impl FnOnce(&str) -> Option<&'a str>,
    ) -> Self {
        let text = |role| call.text(role).unwrap_or_default();
        let sent = call.text(Role::Username);
        let sent = sent.or_else(|| event_caller(call.text(Role::CallIdentifier)?)).unwrap_or_default();
        let number = GivenNumber {
            country_code: text(Role::CountryCode),
            phone: text(Role::PhoneNumber),
            extension: text(Role::Extension),
        };
        let subject = Subject::resolve(directory, &company.country_code, sent, number);
        let event = call.text(Role::Event);
        let asked = match event {
            Some(_) => Mode::VoiceCall,
            None => text(Role::Mode).parse().ok().filter(|_| call.asks).unwrap_or(Mode::Unspecified),
        };
        let mode = match subject.account {
            Some(account) => Method::choose(asked, Some(&account.settings), &company.defaults).mode(),
            None if matches!(asked, Mode::Unspecified | Mode::Invalid) => company.defaults.mode,
            None => asked,
        };
        Self {
            operation: call.operation,
            asks: call.asks,
            space: call.space,
            now,
            since_start: now.since(begun),
            values: call.values,
            keys: Keys::of(subject.username, subject.person, subject.number(), subject.number_given),
            subject,
            initiating_type: text(Role::InitiatingType).parse().unwrap_or(AuthenticationType::Unspecified),
            application: event.unwrap_or_else(|| text(Role::Application)),
            ip_address: text(Role::IpAddress),
            mode,
            people,
        }
    }

    /// The user whose number is called, if that is another user than the one named in the call.
    pub(super) fn owner(&self) -> Option<&'a str> {
        let owner = self.subject.owner.map(|it| it.username.as_str());
        owner.filter(|it| *it != self.subject.username)
    }

    /// The user whose tags and group count: the person, else the account.
    pub(super) fn described(&self) -> Option<&User> {
        self.subject.person.or(self.subject.account)
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
