//! The versions of SOAP, told apart by the namespace of the envelope.

/// A version of SOAP.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Version {
    Soap11,
    Soap12,
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

    /// The version of an envelope namespace.
    pub(super) fn of(namespace: &str) -> Option<Self> {
        [Self::Soap11, Self::Soap12].into_iter().find(|it| it.namespace() == namespace)
    }
}
