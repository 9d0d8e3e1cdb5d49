//! The envelope: from headers and bytes to a call, from a reply or a fault to bytes.
//!
//! The order of the checks is ASP.NET's, and it shows: an unknown SOAPAction is told before the content type or the XML is
//! looked at, and what is wrong in the XML is told where it is read.

use super::fault::Fault;
use super::head::Head;
use super::version::Version;
use crate::contract::{NAMESPACE, Unread};
use crate::xml::{Encoding, Input, Malformed, Node, Reader, Writer};

/// A call that was read.
#[derive(Debug)]
pub struct Call<O, R> {
    pub version: Version,
    pub operation: O,
    pub request: R,
    /// A header that must be understood and is not: the operation runs, then the caller is told.
    pub not_understood: Option<String>,
}

/// Why a request is no call. The version is that of the answer.
#[derive(Debug, PartialEq)]
pub enum Rejected<O> {
    /// 400 with an empty body: not XML, or not where a value is read. The reason goes to the log.
    Malformed(Version, Box<Malformed>, O),
    /// 415 with an empty body.
    UnsupportedMediaType(Version),
    /// The operation is there when it was found before the fault.
    Fault(Version, Fault, Option<O>),
}

/// The text of a body. A byte-order mark wins over the charset. Without a charset that .NET knows, `application/…` is what
/// its XML declaration says, and all else is ASCII.
#[must_use]
pub fn decode<'b>(head: &Head<'_>, body: &'b [u8]) -> Input<'b> {
    match head.parameter("charset").filter(|it| !it.is_empty()).and_then(Encoding::of) {
        Some(encoding) => Input::named(body, encoding),
        None if head.is_application() => Input::declared(body),
        None => Input::named(body, Encoding::Ascii),
    }
}

/// Opens a request: finds the operation, reads its parameters.
///
/// `find` knows an operation by its name; `read` reads its parameters from the content of the body.
///
/// # Errors
/// [`Rejected`], in ASP.NET's order of checks.
pub fn open<O: Copy, R>(
    head: &Head<'_>,
    input: &Input<'_>,
    find: impl Fn(&str) -> Option<O>,
    read: impl FnOnce(O, &mut Reader<'_>) -> Result<R, Unread>,
) -> Result<Call<O, R>, Rejected<O>> {
    let by_action = |action: &str| find(action.strip_prefix(NAMESPACE)?.strip_prefix('/')?);
    let (assumed, operation) = match head.soap_action() {
        Some(action) => {
            let operation = by_action(&action);
            let unknown = || Fault::UnknownSoapAction { action: action.into_owned() };
            (Version::Soap11, operation.ok_or_else(|| Rejected::Fault(Version::Soap11, unknown(), None))?)
        }
        None => {
            let action = head.action();
            let operation = match action.as_deref().and_then(by_action) {
                Some(operation) => operation,
                None => by_element(input, action.as_deref(), &find)?,
            };
            (Version::Soap12, operation)
        }
    };
    if !head.is_soap() {
        return Err(Rejected::UnsupportedMediaType(assumed));
    }

    let mut reader = Reader::of(input);
    if let Err(malformed) = reader.move_to_content() {
        return Err(Rejected::Malformed(assumed, malformed, operation));
    }
    let Some(version) = Version::of(reader.namespace()) else {
        return Err(mismatch(reader.namespace(), Some(operation)));
    };
    if version == Version::Soap11 && !head.is_text_xml() {
        return Err(Rejected::UnsupportedMediaType(version));
    }
    let read = || {
        let not_understood = enter(&mut reader, version)?;
        let request = read(operation, &mut reader)?;
        leave(&mut reader)?;
        Ok(Call { version, operation, request, not_understood })
    };
    read().map_err(|unreadable| match unreadable {
        Unreadable::Message(Unread::Malformed(malformed)) => Rejected::Malformed(version, malformed, operation),
        Unreadable::Message(Unread::Invalid(invalid)) => {
            Rejected::Fault(version, Fault::Invalid { invalid: *invalid }, Some(operation))
        }
        Unreadable::NoEnvelope(reason) => Rejected::Fault(version, Fault::NoEnvelope { reason }, Some(operation)),
    })
}

/// Why an envelope gives no call.
#[derive(Debug)]
enum Unreadable {
    Message(Unread),
    NoEnvelope(&'static str),
}

impl<T: Into<Unread>> From<T> for Unreadable {
    fn from(unread: T) -> Self {
        Self::Message(unread.into())
    }
}

const NO_ENVELOPE: &str = "Request format is invalid: Missing required soap:Envelope element.";
const NO_BODY: &str = "Request format is invalid: Missing required soap:Body element.";

fn mismatch<O>(found: &str, operation: Option<O>) -> Rejected<O> {
    Rejected::Fault(Version::Soap11, Fault::VersionMismatch { found: found.into() }, operation)
}

/// Finds the operation by the first element of the body, whatever the content type.
fn by_element<O>(input: &Input<'_>, action: Option<&str>, find: impl Fn(&str) -> Option<O>) -> Result<O, Rejected<O>> {
    let mut reader = Reader::of(input);
    if let Err(malformed) = reader.move_to_content() {
        return Err(Rejected::Fault(Version::Soap12, Fault::Unroutable { reason: malformed.to_string() }, None));
    }
    let namespace = reader.namespace().to_owned();
    let found = match first_of_body(&mut reader, &namespace) {
        Ok(name) => name.and_then(&find).ok_or_else(|| match action {
            Some(action) => Fault::UnknownAction { action: action.into() },
            None => Fault::MissingAction {},
        }),
        Err(Unreadable::NoEnvelope(reason)) => Err(Fault::Unroutable { reason: reason.into() }),
        Err(Unreadable::Message(Unread::Malformed(malformed))) => {
            Err(Fault::Unroutable { reason: malformed.to_string() })
        }
        Err(Unreadable::Message(Unread::Invalid(_))) => unreachable!("no value was read"),
    };
    // An unknown version is told in place of every other fault.
    found.map_err(|fault| match Version::of(&namespace) {
        Some(version) => Rejected::Fault(version, fault, None),
        None => mismatch(&namespace, None),
    })
}

/// The name of the first element of the body, where it is one of the contract's.
fn first_of_body<'i>(reader: &mut Reader<'i>, namespace: &str) -> Result<Option<&'i str>, Unreadable> {
    open_envelope(reader, namespace)?;
    while reader.move_to_content()? != Node::Done && !reader.is_element(namespace, "Body") {
        reader.skip()?;
    }
    if reader.node() == Node::Done {
        return Err(Unreadable::NoEnvelope(NO_BODY));
    }
    if reader.is_empty() {
        return Ok(None);
    }
    reader.read()?;
    reader.move_to_content()?;
    let is_ours = reader.node() == Node::Element && reader.namespace() == NAMESPACE;
    Ok(is_ours.then(|| reader.local_name()))
}

/// Goes into the envelope at which the reader stands.
fn open_envelope(reader: &mut Reader<'_>, namespace: &str) -> Result<(), Unreadable> {
    if !reader.is_element(namespace, "Envelope") {
        return Err(Unreadable::NoEnvelope(NO_ENVELOPE));
    }
    if reader.is_empty() {
        return Err(Unreadable::NoEnvelope(NO_BODY));
    }
    reader.read()?;
    Ok(())
}

/// Goes into the body, past at most one header, and tells the first block in it that must be understood: the service
/// understands none. Behind an empty body ASP.NET reads on where it stands, and so does this.
fn enter(reader: &mut Reader<'_>, version: Version) -> Result<Option<String>, Unreadable> {
    open_envelope(reader, version.namespace())?;
    reader.move_to_content()?;
    let mut not_understood = None;
    if reader.is_element(version.namespace(), "Header") {
        if reader.is_empty() {
            reader.skip()?;
        } else {
            reader.read()?;
            while reader.move_to_content()? != Node::End {
                match reader.node() {
                    Node::Element => {
                        if not_understood.is_none() && must_be_understood(reader) {
                            not_understood = Some(reader.local_name().into());
                        }
                        load(reader)?;
                    }
                    Node::Entity => reader.expand()?,
                    _ => drop(reader.read()?),
                }
            }
            reader.read()?;
        }
        reader.move_to_content()?;
    }
    if !reader.is_element(version.namespace(), "Body") {
        return Err(Unreadable::NoEnvelope(NO_BODY));
    }
    reader.read()?;
    Ok(not_understood)
}

/// Whether a block of the header asks to be understood, by the attribute of either version.
fn must_be_understood(reader: &Reader<'_>) -> bool {
    let asks = |version: Version| reader.attribute(version.namespace(), "mustUnderstand");
    let asks = asks(Version::Soap11).or_else(|| asks(Version::Soap12));
    matches!(asks.as_deref(), Some("1" | "true"))
}

/// Goes past an element that ASP.NET loads as a whole, entities expanded.
fn load(reader: &mut Reader<'_>) -> Result<(), Box<Malformed>> {
    let depth = reader.depth();
    loop {
        match reader.node() {
            Node::Element => reader.expand_attributes()?,
            Node::Entity => reader.expand()?,
            _ => (),
        }
        let is_whole = reader.node() == Node::End || reader.is_empty();
        let was_last = is_whole && reader.depth() == depth;
        reader.read()?;
        if was_last {
            return Ok(());
        }
    }
}

/// Reads to the end of the envelope, and one node more.
fn leave(reader: &mut Reader<'_>) -> Result<(), Box<Malformed>> {
    while reader.depth() > 0 {
        reader.read()?;
    }
    if reader.node() == Node::End {
        reader.read()?;
    }
    Ok(())
}

/// Why a text has no body of SOAP.
#[derive(Debug, PartialEq)]
pub enum BodyError {
    Malformed(Box<Malformed>),
    /// XML, and no envelope with a body.
    NoEnvelope,
}

/// A reader of a message that stands in its body.
///
/// # Errors
/// [`BodyError`]
pub fn body(text: &str) -> Result<(Version, Reader<'_>), BodyError> {
    let mut reader = Reader::new(text);
    reader.move_to_content().map_err(BodyError::Malformed)?;
    let version = Version::of(reader.namespace()).ok_or(BodyError::NoEnvelope)?;
    match enter(&mut reader, version) {
        Ok(_) => Ok((version, reader)),
        Err(Unreadable::Message(Unread::Malformed(malformed))) => Err(BodyError::Malformed(malformed)),
        Err(_) => Err(BodyError::NoEnvelope),
    }
}

const UPGRADE: &str = concat!(
    "<soap:Header><soap12:Upgrade xmlns:soap12=\"http://www.w3.org/2003/05/soap-envelope\">",
    "<soap12:SupportedEnvelope qname=\"soap:Envelope\" xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\" />",
    "<soap12:SupportedEnvelope qname=\"soap12:Envelope\" xmlns:soap12=\"http://www.w3.org/2003/05/soap-envelope\" />",
    "</soap12:Upgrade></soap:Header>",
);

/// The bytes of a reply. `body` is what stands in `soap:Body`, in parts.
#[must_use]
pub fn seal(version: Version, body: &[&str]) -> String {
    let opening = opening(version);
    let parts = || opening.iter().chain(&["<soap:Body>"]).chain(body).chain(&["</soap:Body></soap:Envelope>"]);
    let mut sealed = String::with_capacity(parts().map(|it| it.len()).sum());
    parts().for_each(|it| sealed.push_str(it));
    sealed
}

/// The bytes of a fault.
#[must_use]
pub fn seal_fault(version: Version, fault: &Fault) -> String {
    let mut out = Writer::with_capacity(1024);
    opening(version).into_iter().for_each(|it| out.raw(it));
    if matches!(fault, Fault::VersionMismatch { .. }) {
        out.raw(UPGRADE);
    }
    out.nest("soap:Body", |out| fault.write(version, out));
    out.close("soap:Envelope");
    out.finish()
}

/// All that stands before `soap:Header` and `soap:Body`, in parts.
const fn opening(version: Version) -> [&'static str; 3] {
    [
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><soap:Envelope xmlns:soap=\"",
        version.namespace(),
        "\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\">",
    ]
}
