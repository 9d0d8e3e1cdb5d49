//! The contract: what goes over the wire, declared once.
//!
//! A leaf: it knows XML and nothing else. `message!` and `choice!` declare the types; the codec, the service
//! description, the help page and the checks on scenario files all read that declaration.

#[macro_use]
mod declare;
pub(crate) mod codec;
pub(crate) mod common;
mod primitive;
mod recast;
mod role;
mod shape;
mod types;
mod value;

pub use codec::{Invalid, Record, Seen, Unread, Wire, read_fields, read_parameters};
pub use primitive::Primitive;
pub use recast::Recast;
pub use role::Role;
pub use shape::{Field, Shape};
pub use types::*;
pub use value::{FieldValue, Secret, Value};

/// The namespace of every element, and the start of every SOAPAction.
pub const NAMESPACE: &str = "http://www.phonefactor.com/PfWsSdk";

/// The name of the service, its port types and its bindings.
pub const SERVICE: &str = "PfWsSdk";

/// What the service description says of one operation.
#[derive(Debug, PartialEq)]
pub struct Signature {
    pub name: &'static str,
    /// The method that this is a further form of, where it shares that method's name.
    pub overload_of: Option<&'static str>,
    /// What it does, for the help page.
    pub about: &'static str,
    pub request: &'static Shape,
    pub result: &'static Shape,
    /// The out parameters, but for `error`.
    pub out: &'static Shape,
}

impl Signature {
    /// Whether the operation answers a text and nothing else. ASP.NET offers these by HTTP POST too.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.result == String::SHAPE
    }
}
