//! Kerberos tickets, seen from outside: which service they are for (RFC 4120, RFC 4121).
//!
//! This is the place for a reader of keytabs. It would decrypt the ticket with the service's key and check the
//! authenticator with the key that it finds inside; then [`Ticket`] would carry the client's name too, and the
//! caller, in `super`, would no longer need to be told whose ticket to take it for.

use super::der::{Der, tag};
use super::flaw::Flaw;

/// A request to sign in with a ticket, well formed and unread.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Ticket {
    /// Who can read it, `HTTP/mfa01.contoso.com@CONTOSO.COM`. The name is not encrypted.
    pub(super) service: String,
}

impl Ticket {
    /// Reads the token of the mechanism: its name, two bytes that say `AP-REQ`, and that.
    pub(super) fn read(token: &[u8]) -> Result<Self, Flaw> {
        let mut whole = Der::new(token);
        let mut framed = whole.take(tag::application(0), "the token")?;
        whole.end("the token")?;
        framed.take(tag::OID, "the name of the mechanism")?;
        if !framed.bytes().starts_with(&[1, 0]) {
            return Err(framed.flaw("the message", "is no Kerberos AP-REQ"));
        }
        framed.skip(2);
        let mut request = framed.take(tag::application(14), "the request")?.take(tag::SEQUENCE, "the request")?;
        framed.end("the request")?;
        request.take(tag::context(0), "the version")?;
        request.take(tag::context(1), "the type")?;
        request.take(tag::context(2), "the options")?;
        let mut ticket = request
            .take(tag::context(3), "the ticket")?
            .take(tag::application(1), "the ticket")?
            .take(tag::SEQUENCE, "the ticket")?;
        request.take(tag::context(4), "the authenticator")?.take(tag::SEQUENCE, "the authenticator")?;

        ticket.take(tag::context(0), "the ticket's version")?;
        let realm = ticket.take(tag::context(1), "the realm")?.take(tag::GENERAL_STRING, "the realm")?;
        let mut service = ticket.take(tag::context(2), "the service")?.take(tag::SEQUENCE, "the service")?;
        ticket.take(tag::context(3), "the encrypted part")?.take(tag::SEQUENCE, "the encrypted part")?;

        service.take(tag::context(0), "the kind of service")?.take(tag::INTEGER, "the kind of service")?;
        let mut names = service.take(tag::context(1), "the service")?.take(tag::SEQUENCE, "the service")?;
        let mut parts = Vec::new();
        while !names.is_empty() {
            parts.push(text(names.take(tag::GENERAL_STRING, "the service")?)?);
        }
        Ok(Self { service: format!("{}@{}", parts.join("/"), text(realm)?) })
    }
}

/// A name that can be shown.
fn text(value: Der<'_>) -> Result<&str, Flaw> {
    let text = std::str::from_utf8(value.bytes()).ok().filter(|it| it.len() <= 255 && !it.contains(char::is_control));
    text.ok_or_else(|| value.flaw("a name", "is no text of at most 255 bytes"))
}
