//! What the contract says of a type: its shape, and the fields of a record.

use super::primitive::Primitive;

/// What the service description says of a type.
#[derive(Debug, PartialEq)]
pub enum Shape {
    Simple(Primitive),
    Choice {
        name: &'static str,
        about: &'static str,
        values: &'static [&'static str],
    },
    Record {
        name: &'static str,
        about: &'static str,
        fields: &'static [Field],
    },
    /// A type that may be left out: strings and records.
    Optional(&'static Self),
    Array(&'static Self),
}

/// One field of a record, one parameter of an operation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Field {
    /// The name on the wire.
    pub name: &'static str,
    /// The name in Rust and in scenario files.
    pub key: &'static str,
    pub about: &'static str,
    pub shape: &'static Shape,
    pub secret: bool,
}

impl Shape {
    /// The fields of a record; none for everything else.
    #[must_use]
    pub const fn fields(&self) -> &'static [Field] {
        match self {
            Self::Record { fields, .. } => fields,
            _ => &[],
        }
    }

    /// What a field or an array holds.
    #[must_use]
    pub const fn inner(&self) -> &Self {
        match self {
            Self::Optional(of) | Self::Array(of) => of.inner(),
            _ => self,
        }
    }

    /// The type's name in the schema.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Simple(primitive) => primitive.name().into(),
            Self::Choice { name, .. } | Self::Record { name, .. } => (*name).into(),
            Self::Optional(of) => of.name(),
            Self::Array(of) => {
                let item = of.name();
                format!("ArrayOf{}{}", item[..1].to_uppercase(), &item[1..])
            }
        }
    }
}
