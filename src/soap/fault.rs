//! Every fault that goes over the wire, one row each. Their texts are ASP.NET's to the letter, but for those
//! that this project adds.

use super::version::Version;
use crate::xml::Writer;

/// Declares the faults: `Name { fields } => party, "text"`.
macro_rules! faults {
    ($($(#[doc = $doc:literal])* $name:ident { $($field:ident: $ty:ty),* } => $party:ident, $text:literal;)*) => {
        /// A SOAP fault.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Fault {
            $($(#[doc = $doc])* $name { $($field: $ty),* },)*
        }

        impl Fault {
            #[must_use]
            pub const fn party(&self) -> Party {
                match self { $(Self::$name { .. } => Party::$party,)* }
            }

            #[must_use]
            pub fn text(&self) -> String {
                match self { $(Self::$name { $($field),* } => format!($text),)* }
            }
        }
    };
}

/// Who is to blame.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Party {
    Client,
    Server,
    VersionMismatch,
    MustUnderstand,
}

faults! {
    /// SOAPAction names no operation, or nothing.
    UnknownSoapAction { action: String } => Client, "Server did not recognize the value of HTTP Header SOAPAction: {action}.";
    /// SOAP 1.2: neither the action nor the body's element names an operation.
    UnknownAction { action: String } => Client, "Unable to handle request. The action '{action}' was not recognized.";
    /// SOAP 1.2: there is no action, and the body's element names no operation.
    MissingAction {} => Client, "Unable to handle request without a valid action parameter. Please supply a valid soap action.";
    /// The body was read to find the operation, and it is no envelope, or not XML.
    Unroutable { reason: String } => Server, "Server was unable to process request. ---> {reason}";
    /// The root belongs to no version of SOAP. This is always a fault of SOAP 1.1.
    VersionMismatch { found: String } => VersionMismatch, "Possible SOAP version mismatch: Envelope namespace {found} was unexpected. Expecting http://schemas.xmlsoap.org/soap/envelope/.";
    /// The root is in SOAP's namespace and is no envelope, or has no body where one belongs.
    NoEnvelope { reason: &'static str } => Client, "Server was unable to read request. ---> {reason}";
    /// A parameter does not fit its type.
    Invalid { invalid: crate::contract::Invalid } => Client, "Server was unable to read request. ---> {invalid}";
    /// A header that must be understood was not.
    NotUnderstood { header: String } => MustUnderstand, "SOAP header {header} was not understood.";
    /// Ours: the caller's account is not in the group that may call.
    Outsider { account: String, group: String } => Server, "Server was unable to process request. ---> {account} is not in the group {group}.";
    /// Ours: the server or the space ends, or starts over, while the call waits.
    Ended { what: String } => Server, "Server was unable to process request. ---> {what} while the call waited for its outcome.";
    /// The scenario's own.
    Own { text: String } => Server, "{text}";
    /// The scenario's own, which blames the client.
    OwnOfClient { text: String } => Client, "{text}";
    /// Ours: an operation failed in a way that it should not.
    Internal { operation: &'static str } => Server, "Server was unable to process request. ---> locmfa failed while it answered {operation}. This is a mistake of locmfa; its log says where.";
}

impl Party {
    const fn code(self, version: Version) -> &'static str {
        match (self, version) {
            (Self::Client, Version::Soap11) => "soap:Client",
            (Self::Client, Version::Soap12) => "soap:Sender",
            (Self::Server, Version::Soap11) => "soap:Server",
            (Self::Server, Version::Soap12) => "soap:Receiver",
            (Self::VersionMismatch, _) => "soap:VersionMismatch",
            (Self::MustUnderstand, _) => "soap:MustUnderstand",
        }
    }
}

impl Fault {
    /// Writes the fault in the form of a version of SOAP.
    pub(super) fn write(&self, version: Version, out: &mut Writer) {
        let code = self.party().code(version);
        let text = self.text();
        let has_detail = self.party() != Party::MustUnderstand;
        out.open("soap:Fault");
        match version {
            Version::Soap11 => {
                out.element("faultcode", code);
                out.element("faultstring", &text);
                if has_detail {
                    out.empty("detail");
                }
            }
            Version::Soap12 => {
                out.nest("soap:Code", |out| out.element("soap:Value", code));
                out.open("soap:Reason");
                out.raw("<soap:Text xml:lang=\"en\">");
                out.text(&text);
                out.close("soap:Text");
                out.close("soap:Reason");
                if has_detail {
                    out.empty("soap:Detail");
                }
            }
        }
        out.close("soap:Fault");
    }
}
