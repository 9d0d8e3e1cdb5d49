//! The body of an answer: the result, the out parameters and `error`.

use crate::contract::{Error, NAMESPACE, Record, Signature, Wire};
use crate::engine::{Refusal, Transfer};
use crate::xml::Writer;

use super::answer::Note;
use super::context::Context;

/// The body of an answer, and what it says in short.
#[derive(Debug)]
pub struct Reply {
    /// The children of the response element.
    pub xml: String,
    pub succeeded: bool,
    pub refusal: Option<Refusal>,
    pub note: Note,
    /// How the answer is damaged on its way.
    pub transfer: Transfer,
}

/// `<OpResult>`, the out parameters, `<error>`.
pub(super) fn dress<Out: Record>(context: Context<'_>, out: &Out, refusal: Option<Refusal>, note: Note) -> Reply {
    let succeeded = refusal.is_none();
    close(context, opened(context.operation, succeeded, out), succeeded, refusal, note)
}

/// `<OpResult>` and the out parameters.
pub(super) fn opened<Out: Record>(operation: &str, succeeded: bool, out: &Out) -> Writer {
    let mut xml = Writer::with_capacity(512);
    succeeded.write(&[operation, "Result"].concat(), &mut xml);
    out.write_fields(&mut xml);
    xml
}

/// Ends an answer by `<error>`.
pub(super) fn close(
    context: Context<'_>,
    mut xml: Writer,
    succeeded: bool,
    refusal: Option<Refusal>,
    note: Note,
) -> Reply {
    let error = match &refusal {
        Some(refusal) => Some(Error { code: refusal.code(), description: Some(refusal.to_string()) }),
        None if context.space.error_on_success() => Some(Error { code: 0, description: None }),
        None => None,
    };
    error.write("error", &mut xml);
    Reply { xml: xml.finish(), succeeded, refusal, note, transfer: Transfer::default() }
}

/// The response element around a reply, in parts.
#[must_use]
pub fn response<'a>(operation: &Signature, reply: &'a Reply) -> [&'a str; 9] {
    let name = operation.name;
    ["<", name, "Response xmlns=\"", NAMESPACE, "\">", &reply.xml, "</", name, "Response>"]
}
