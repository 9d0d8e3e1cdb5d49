//! The envelope: from headers and bytes to a call, from a reply or a fault to bytes.
//!
//! The order of the checks is ASP.NET's, and it shows: an unknown SOAPAction is told before the content type
//! or the XML is looked at.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::Fault;
use crate::contract::{Invalid, NAMESPACE};
use crate::xml::{self, Document, Node, Writer};

/// A version of SOAP.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Version {
    Soap11,
    Soap12,
}

/// The headers that decide how a request is read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Head<'a> {
    pub soap_action: Option<&'a str>,
    pub content_type: &'a str,
}

/// A call that was read.
#[derive(Debug)]
pub struct Call<O, R> {
    pub version: Version,
    pub operation: O,
    pub request: R,
    /// A header that must be understood and is not: the operation runs, then the caller is told.
    pub not_understood: Option<String>,
}

/// Why a request is no call.
#[derive(Debug, PartialEq)]
pub enum Rejected<O> {
    /// 400 with an empty body: not XML. The reason goes to the log.
    Malformed(xml::Malformed),
    /// 415 with an empty body.
    UnsupportedMediaType,
    /// The operation is there when it was found before the fault.
    Fault(Version, Fault, Option<O>),
}

impl Version {
    #[must_use]
    pub const fn namespace(self) -> &'static str {
        match self {
            Self::Soap11 => "http://schemas.xmlsoap.org/soap/envelope/",
            Self::Soap12 => "http://www.w3.org/2003/05/soap-envelope",
        }
    }

    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Soap11 => "text/xml; charset=utf-8",
            Self::Soap12 => "application/soap+xml; charset=utf-8",
        }
    }

    fn of(namespace: &str) -> Option<Self> {
        [Self::Soap11, Self::Soap12].into_iter().find(|it| it.namespace() == namespace)
    }
}

impl<'a> Head<'a> {
    /// The part before `;`, not trimmed.
    fn media_type(&self) -> &'a str {
        self.content_type.split(';').next().unwrap_or_default()
    }

    fn is_soap12(&self) -> bool {
        self.media_type().eq_ignore_ascii_case("application/soap+xml")
    }

    fn is_text_xml(&self) -> bool {
        self.media_type().eq_ignore_ascii_case("text/xml")
    }

    /// A parameter of the content type, without its quotes.
    fn parameter(&self, name: &str) -> Option<&'a str> {
        let parameters = self.content_type.split(';').skip(1);
        let mut named = parameters.filter_map(|it| it.split_once('='));
        let (_, value) = named.find(|(key, _)| key.trim().eq_ignore_ascii_case(name))?;
        Some(value.trim().trim_matches('"'))
    }

    /// SOAPAction without its quotes, URL-decoded.
    fn action(&self) -> Option<Cow<'a, str>> {
        let value = self.soap_action?.trim();
        let bare = value.strip_prefix('"').and_then(|it| it.strip_suffix('"')).unwrap_or(value);
        Some(match bare.contains('%') {
            true => percent_decode_str(bare).decode_utf8_lossy(),
            false => bare.into(),
        })
    }
}

/// Opens a request: finds the operation, reads its parameters.
///
/// `find` knows an operation by its name, which `name_of` gives back; `read` reads the parameters from the element of
/// that name.
///
/// # Errors
/// [`Rejected`], in ASP.NET's order of checks.
pub fn open<O: Copy, R>(
    head: &Head<'_>,
    body: &[u8],
    find: impl Fn(&str) -> Option<O>,
    name_of: impl Fn(O) -> &'static str,
    read: impl Fn(O, Option<Node<'_, '_>>) -> Result<R, Invalid>,
) -> Result<Call<O, R>, Rejected<O>> {
    let by_action = |action: &str| find(action.strip_prefix(NAMESPACE)?.strip_prefix('/')?);
    let by_soap_action = !head.is_soap12() && head.soap_action.is_some();
    let routed = if by_soap_action {
        let action = head.action().unwrap_or_default();
        let unknown = || Fault::UnknownSoapAction { action: action.clone().into_owned() };
        Some(by_action(&action).ok_or_else(|| Rejected::Fault(Version::Soap11, unknown(), None))?)
    } else {
        head.parameter("action").and_then(by_action)
    };
    if !head.is_text_xml() && !head.is_soap12() {
        return Err(Rejected::UnsupportedMediaType);
    }

    let text = decode(head, body);
    let assumed = if by_soap_action { Version::Soap11 } else { Version::Soap12 };
    let document = xml::read(&text).map_err(|malformed| match routed {
        Some(_) => Rejected::Malformed(malformed),
        None => Rejected::Fault(assumed, Fault::UnroutableBody { malformed }, None),
    })?;
    let (version, envelope) = envelope(&document, assumed).map_err(|it| Rejected::Fault(assumed, it, routed))?;
    if version == Version::Soap11 && !head.is_text_xml() {
        return Err(Rejected::UnsupportedMediaType);
    }
    let fault = |fault| Rejected::Fault(version, fault, routed);
    let body = xml::child(envelope, version.namespace(), "Body").ok_or_else(|| fault(Fault::MissingBody {}))?;
    let element = body.first_element_child().filter(|it| it.tag_name().namespace() == Some(NAMESPACE));
    let operation = match routed {
        Some(operation) => operation,
        None => element.and_then(|it| find(it.tag_name().name())).ok_or_else(|| {
            fault(match head.parameter("action") {
                Some(action) => Fault::UnknownAction { action: action.into() },
                None => Fault::MissingAction {},
            })
        })?,
    };

    // ASP.NET ignores a wrapper of another name, and every parameter has its default.
    let element = element.filter(|it| it.tag_name().name() == name_of(operation));
    let request = read(operation, element)
        .map_err(|invalid| Rejected::Fault(version, Fault::Invalid { invalid }, Some(operation)))?;
    Ok(Call { version, operation, request, not_understood: not_understood(envelope, version) })
}

/// The envelope and its own version, whatever the headers said.
fn envelope<'a, 'input>(
    document: &'a Document<'input>,
    assumed: Version,
) -> Result<(Version, Node<'a, 'input>), Fault> {
    let root = document.root_element();
    let namespace = root.tag_name().namespace().unwrap_or_default();
    let version = Version::of(namespace)
        .ok_or_else(|| Fault::VersionMismatch { found: namespace.into(), expected: assumed.namespace() })?;
    match root.tag_name().name() {
        "Envelope" => Ok((version, root)),
        _ => Err(Fault::MissingEnvelope {}),
    }
}

/// The first header that asks to be understood: the service declares none.
fn not_understood(envelope: Node<'_, '_>, version: Version) -> Option<String> {
    let header = xml::child(envelope, version.namespace(), "Header")?;
    let asks = |it: &Node<'_, '_>| {
        matches!(it.attribute((version.namespace(), "mustUnderstand")).map(str::trim), Some("1" | "true"))
    };
    let header = header.children().filter(Node::is_element).find(asks)?;
    Some(header.tag_name().name().into())
}

/// The text of a body. A byte-order mark wins over the charset; `text/xml` without a charset is ASCII, as ASP.NET
/// reads it, and `application/soap+xml` without one is what the XML declaration says.
#[must_use]
pub fn decode<'a>(head: &Head<'_>, body: &'a [u8]) -> Cow<'a, str> {
    if let Some((encoding, mark)) = encoding_rs::Encoding::for_bom(body) {
        return encoding.decode_without_bom_handling(&body[mark..]).0;
    }
    let charset = head.parameter("charset").filter(|it| !it.is_empty());
    if charset.is_some_and(|it| it.eq_ignore_ascii_case("utf-8")) {
        return std::str::from_utf8(body).map_or_else(|_| String::from_utf8_lossy(body), Cow::from);
    }
    let named = charset.and_then(encoding_of);
    match named {
        Some(Charset::Ascii) => ascii(body),
        Some(Charset::Other(encoding)) => encoding.decode_without_bom_handling(body).0,
        None if head.is_soap12() => declared(body).decode_without_bom_handling(body).0,
        None => ascii(body),
    }
}

enum Charset {
    Ascii,
    Other(&'static encoding_rs::Encoding),
}

/// The encodings by their names in .NET, where ASCII is ASCII and not a part of Windows-1252.
fn encoding_of(name: &str) -> Option<Charset> {
    match name.to_ascii_lowercase().as_str() {
        "us-ascii" | "ascii" => Some(Charset::Ascii),
        "utf-16" | "unicode" => Some(Charset::Other(encoding_rs::UTF_16LE)),
        other => encoding_rs::Encoding::for_label(other.as_bytes()).map(Charset::Other),
    }
}

/// Other bytes become `?`.
fn ascii(body: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(body) {
        Ok(text) if text.is_ascii() => text.into(),
        _ => body.iter().map(|it| if it.is_ascii() { char::from(*it) } else { '?' }).collect::<String>().into(),
    }
}

/// What the XML declaration says; UTF-8 where it says nothing.
fn declared(body: &[u8]) -> &'static encoding_rs::Encoding {
    match body {
        [b'<', 0, ..] => return encoding_rs::UTF_16LE,
        [0, b'<', ..] => return encoding_rs::UTF_16BE,
        _ => (),
    }
    let start = String::from_utf8_lossy(&body[..body.len().min(128)]);
    let declaration = start.strip_prefix("<?xml").and_then(|it| it.split("?>").next());
    let label = declaration.and_then(|it| it.split_once("encoding")).and_then(|(_, it)| it.split(['"', '\'']).nth(1));
    label.and_then(|it| encoding_rs::Encoding::for_label(it.as_bytes())).unwrap_or(encoding_rs::UTF_8)
}

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>";

const UPGRADE: &str = concat!(
    "<soap:Header><soap12:Upgrade xmlns:soap12=\"http://www.w3.org/2003/05/soap-envelope\">",
    "<soap12:SupportedEnvelope qname=\"soap:Envelope\" xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\" />",
    "<soap12:SupportedEnvelope qname=\"soap12:Envelope\" xmlns:soap12=\"http://www.w3.org/2003/05/soap-envelope\" />",
    "</soap12:Upgrade></soap:Header>",
);

/// The bytes of a reply: `body` is what stands in `soap:Body`.
#[must_use]
pub fn seal(version: Version, body: &str) -> String {
    let mut out = Writer::with_capacity(body.len() + 384);
    start(version, &mut out);
    out.raw("<soap:Body>");
    out.raw(body);
    out.raw("</soap:Body></soap:Envelope>");
    out.finish()
}

/// The bytes of a fault.
#[must_use]
pub fn seal_fault(version: Version, fault: &Fault) -> String {
    let mut out = Writer::with_capacity(1024);
    start(version, &mut out);
    if matches!(fault, Fault::VersionMismatch { .. }) {
        out.raw(UPGRADE);
    }
    out.nest("soap:Body", |out| fault.write(version, out));
    out.close("soap:Envelope");
    out.finish()
}

fn start(version: Version, out: &mut Writer) {
    out.raw(DECLARATION);
    out.raw("<soap:Envelope xmlns:soap=\"");
    out.raw(version.namespace());
    out.raw(
        "\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\">",
    );
}
