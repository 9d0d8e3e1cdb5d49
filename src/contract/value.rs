//! A value of the contract as rules, the journal and the log see it, and secrets, which they do not see.

use std::fmt;

use super::role::Role;

/// A value of the contract, seen without its type. A secret shows only that it is there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    Missing,
    Text(&'a str),
    Number(i64),
    Real(f64),
    Truth(bool),
    Secret,
    /// A record or an array.
    Nested,
}

/// A field with its value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FieldValue<'a> {
    /// The name on the wire.
    pub name: &'static str,
    pub role: Option<Role>,
    pub value: Value<'a>,
}

impl<'a> FieldValue<'a> {
    #[must_use]
    pub const fn new(name: &'static str, value: Value<'a>) -> Self {
        Self { name, role: Role::of(name), value }
    }

    /// The text of the first field in a role; `None` where no field has it, or where it holds no text.
    #[must_use]
    pub fn text_of(fields: &[Self], role: Role) -> Option<&'a str> {
        match fields.iter().find(|it| it.role == Some(role))?.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("-"),
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Number(number) => number.fmt(f),
            Self::Real(number) => number.fmt(f),
            Self::Truth(truth) => truth.fmt(f),
            Self::Secret => f.write_str("(secret)"),
            Self::Nested => f.write_str("{..}"),
        }
    }
}

/// A password, PIN, code or key. It goes over the wire in full and appears nowhere else.
#[derive(Clone, Default, Eq, Hash, PartialEq)]
pub struct Secret(String);

impl Secret {
    /// The text itself, for comparing and for writing to its owner.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}
