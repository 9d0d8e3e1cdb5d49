//! The simple types of XML Schema that the contract uses.

use std::fmt;

/// A simple type of XML Schema; it displays as its name there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Primitive {
    Boolean,
    Int,
    UnsignedInt,
    Long,
    Double,
    String,
}

impl Primitive {
    /// The type's name in XML Schema.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Int => "int",
            Self::UnsignedInt => "unsignedInt",
            Self::Long => "long",
            Self::Double => "double",
            Self::String => "string",
        }
    }

    /// What .NET writes for a value that is not set.
    #[must_use]
    pub const fn unset(self) -> &'static str {
        match self {
            Self::Boolean => "false",
            Self::Int | Self::UnsignedInt | Self::Long | Self::Double => "0",
            Self::String => "",
        }
    }
}

impl fmt::Display for Primitive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
