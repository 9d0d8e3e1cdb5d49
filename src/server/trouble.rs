//! Why a connection failed, and what to do about it.
//!
//! People lose their days over connections that end before the first request. What can be told about each is told
//! in one log line, with what to set and where.

use std::fmt;
use std::io;

use rustls::{AlertDescription, CipherSuite, PeerIncompatible, SignatureScheme};
use time::OffsetDateTime;

use crate::tls::hello::{First, Hello, is_whole, suite_name};
use crate::tls::{Offer, Summary};

/// Why a connection ended without doing what its client wanted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Trouble {
    /// The client knows no TLS as new as 1.2.
    OldVersion { newest: String },
    /// Versions agree, cipher suites do not.
    NoSharedSuite { offered: Vec<CipherSuite>, remedy: SuiteRemedy },
    /// Suites agree; something that they need does not.
    NoSharedTerms { what: &'static str, remedy: &'static str },
    /// The client does not trust the authority behind the certificate.
    UnknownAuthority,
    /// The client asked for a host that the certificate is not for, and went away.
    NameMismatch { asked: String, names: Vec<String> },
    /// The certificate is not valid now, or the client's clock says so.
    CertificateDates { not_before: OffsetDateTime, not_after: OffsetDateTime, now: OffsetDateTime },
    /// The client saw the certificate and went away, for a reason that only it knows.
    CertificateRefused { alert: Option<String>, names: Vec<String> },
    /// `http://` where `https://` is spoken.
    PlainHttp { request: String },
    /// `https://` where `http://` is spoken.
    TlsOnPlainPort,
    /// A hello of the time before SSL 3.0.
    Ssl2,
    /// Neither TLS nor HTTP: the first bytes, in hexadecimal.
    NotTls { first: String },
    /// Opened and closed, without a word.
    Probe,
    /// Something took longer than it may.
    Slow { what: &'static str },
    /// Not HTTP/1.1, as far as could be read.
    BadRequest { reason: String },
    /// The handshake broke in some other way.
    Broken { reason: String },
}

/// What would give a client a suite to share.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SuiteRemedy {
    /// It takes certificates with RSA keys only, and the server has none.
    OfferRsa,
    /// It must allow newer suites.
    AllowNewer,
}

impl Trouble {
    /// What the first bytes on a port for TLS say, if they are not the beginning of TLS.
    #[must_use]
    pub fn before_handshake(bytes: &[u8]) -> Option<Self> {
        match First::of(bytes) {
            First::Tls => None,
            First::Nothing => Some(Self::Probe),
            First::Ssl2 => Some(Self::Ssl2),
            First::Http => {
                let line = bytes.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
                // Only what is surely harmless in a log; a query may hold anything.
                let line = line.split(|byte| *byte == b'?').next().unwrap_or_default();
                let line = &line[..line.len().min(100)];
                Some(Self::PlainHttp { request: line.escape_ascii().to_string() })
            }
            First::Other => Some(Self::NotTls { first: data_encoding::HEXLOWER.encode(&bytes[..bytes.len().min(8)]) }),
        }
    }

    /// Why a handshake failed that began with these bytes.
    #[must_use]
    pub fn in_handshake(error: &io::Error, bytes: &[u8], offer: &Offer<'_>) -> Self {
        let hello = Hello::read(bytes).unwrap_or_default();
        let asked = hello.server_name.as_deref();
        let Some(cause) = tls_error(error) else {
            // No word of TLS: the connection ended. With the hello whole, the certificate was the last it saw.
            return match is_whole(bytes) {
                true => Self::refused(None, asked, offer),
                false => Self::Broken { reason: "the client went away in the middle of its first message".into() },
            };
        };
        match cause {
            rustls::Error::AlertReceived(alert) => Self::refused(Some(*alert), asked, offer),
            rustls::Error::PeerIncompatible(_) if hello.newest < 0x0303 => {
                Self::OldVersion { newest: hello.newest_name() }
            }
            rustls::Error::PeerIncompatible(why) => Self::incompatible(why, &hello, offer),
            rustls::Error::NoApplicationProtocol => Self::NoSharedTerms {
                what: "an application protocol",
                remedy: "Let the client speak HTTP/1.1: Windows sign-in, which lives on the connection, rules out HTTP/2.",
            },
            other => Self::Broken { reason: other.to_string() },
        }
    }

    /// Why a client went away that had shaken hands and asked nothing.
    #[must_use]
    pub fn after_handshake(error: Option<&io::Error>, server_name: Option<&str>, offer: &Offer<'_>) -> Self {
        match error.and_then(tls_error) {
            Some(rustls::Error::AlertReceived(alert)) => Self::refused(Some(*alert), server_name, offer),
            Some(other) => Self::Broken { reason: other.to_string() },
            None => Self::refused(None, server_name, offer),
        }
    }

    fn incompatible(why: &PeerIncompatible, hello: &Hello, offer: &Offer<'_>) -> Self {
        let shares = |scheme| hello.shares_suite(offer.suites, scheme);
        let takes_rsa = shares(SignatureScheme::RSA_PSS_SHA256);
        let shared = shares(SignatureScheme::ECDSA_NISTP256_SHA256) || (takes_rsa && offer.is_rsa);
        match why {
            // Rustls looks at other things before it looks at the suites.
            _ if !shared => {
                let remedy = if takes_rsa { SuiteRemedy::OfferRsa } else { SuiteRemedy::AllowNewer };
                Self::NoSharedSuite { offered: hello.suites.clone(), remedy }
            }
            PeerIncompatible::NoSignatureSchemesInCommon if !offer.is_rsa => Self::NoSharedTerms {
                what: "a way of signing",
                remedy: "Start the server with --rsa: the client takes certificates with RSA keys only.",
            },
            PeerIncompatible::NoSignatureSchemesInCommon | PeerIncompatible::SignatureAlgorithmsExtensionRequired => {
                Self::NoSharedTerms {
                    what: "a way of signing",
                    remedy: "Let the client accept signatures with SHA-256.",
                }
            }
            PeerIncompatible::NoKxGroupsInCommon
            | PeerIncompatible::NamedGroupsExtensionRequired
            | PeerIncompatible::KeyShareExtensionRequired
            | PeerIncompatible::NoEcPointFormatsInCommon => Self::NoSharedTerms {
                what: "a group for the key exchange",
                remedy: "Let the client use the curve P-256 (on Windows: group policy, SSL Configuration Settings, ECC \
                         Curve Order).",
            },
            other => Self::Broken { reason: format!("{other:?}") },
        }
    }

    fn refused(alert: Option<AlertDescription>, asked: Option<&str>, offer: &Offer<'_>) -> Self {
        let Summary { names, not_before, not_after, .. } = offer.certificate;
        let valid = (*not_before..=*not_after).contains(&offer.now);
        match alert {
            Some(AlertDescription::UnknownCA) => return Self::UnknownAuthority,
            Some(
                AlertDescription::BadCertificate
                | AlertDescription::UnsupportedCertificate
                | AlertDescription::CertificateRevoked
                | AlertDescription::CertificateExpired
                | AlertDescription::CertificateUnknown
                | AlertDescription::AccessDenied
                | AlertDescription::CloseNotify
                | AlertDescription::UserCanceled,
            )
            | None => {}
            Some(other) => return Self::Broken { reason: format!("the client sent the alert {}", alert_name(other)) },
        }
        if !valid || alert == Some(AlertDescription::CertificateExpired) {
            return Self::CertificateDates { not_before: *not_before, not_after: *not_after, now: offer.now };
        }
        match asked {
            Some(asked) if !names.iter().any(|name| covers(name, asked)) => {
                Self::NameMismatch { asked: asked.into(), names: names.clone() }
            }
            _ => Self::CertificateRefused { alert: alert.map(alert_name), names: names.clone() },
        }
    }

    /// One word, for filters and for storing.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::OldVersion { .. } => "old-version",
            Self::NoSharedSuite { .. } => "no-shared-suite",
            Self::NoSharedTerms { .. } => "no-shared-terms",
            Self::UnknownAuthority => "unknown-authority",
            Self::NameMismatch { .. } => "name-mismatch",
            Self::CertificateDates { .. } => "certificate-dates",
            Self::CertificateRefused { .. } => "certificate-refused",
            Self::PlainHttp { .. } => "plain-http",
            Self::TlsOnPlainPort => "tls-on-plain-port",
            Self::Ssl2 => "ssl2",
            Self::NotTls { .. } => "not-tls",
            Self::Probe => "probe",
            Self::Slow { .. } => "slow",
            Self::BadRequest { .. } => "bad-request",
            Self::Broken { .. } => "broken",
        }
    }

    /// What to do about it, if anything is known.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::OldVersion { .. } | Self::Ssl2 => OLD_VERSION.into(),
            Self::NoSharedSuite { remedy: SuiteRemedy::OfferRsa, .. } => {
                "Start the server with --rsa: the client takes certificates with RSA keys only.".into()
            }
            Self::NoSharedSuite { remedy: SuiteRemedy::AllowNewer, .. } => NEWER_SUITES.into(),
            Self::NoSharedTerms { remedy, .. } => (*remedy).into(),
            Self::UnknownAuthority => TRUST.into(),
            Self::NameMismatch { asked, .. } => {
                format!("Start the server with --host {asked}, or call it by a name that the certificate has.")
            }
            Self::CertificateDates { not_before, not_after, now } if (*not_before..=*not_after).contains(now) => {
                "The certificate is valid by the server's clock: set the clock of the client's machine right.".into()
            }
            Self::CertificateDates { .. } => {
                "Give the server a certificate that is valid now, and look at its clock.".into()
            }
            Self::CertificateRefused { .. } => format!(
                "{TRUST} If it does, the host in its URL must be one of the certificate's names; --host adds one. \
                 Browsers also open connections that they never use."
            ),
            Self::PlainHttp { .. } => "Write https:// in the client's URL.".into(),
            Self::TlsOnPlainPort => "Write http:// in the client's URL, or start the server without --http.".into(),
            Self::BadRequest { .. } => "Only HTTP/1.1 is spoken here, with headers of bounded size.".into(),
            Self::NotTls { .. } | Self::Probe | Self::Slow { .. } | Self::Broken { .. } => return None,
        })
    }
}

/// What happened, in a sentence without its full stop.
impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OldVersion { newest } => {
                write!(f, "the client offers {newest} at most, and TLS 1.2 is the least here")
            }
            Self::NoSharedSuite { offered, .. } => {
                f.write_str("the client and the server share no cipher suite; the client offers ")?;
                for (index, suite) in offered.iter().enumerate() {
                    write!(f, "{}{}", if index == 0 { "" } else { ", " }, suite_name(*suite))?;
                }
                Ok(())
            }
            Self::NoSharedTerms { what, .. } => write!(f, "the client and the server do not share {what}"),
            Self::UnknownAuthority => {
                f.write_str("the client does not trust the authority of the server's certificate")
            }
            Self::NameMismatch { asked, names } => {
                write!(f, "the client asked for {asked} and went away; the certificate is for {}", names.join(", "))
            }
            Self::CertificateDates { not_before, not_after, .. } => {
                write!(f, "the certificate, from {} to {}, is not valid now", not_before.date(), not_after.date())
            }
            Self::CertificateRefused { alert: Some(alert), names } => {
                write!(f, "the client refused the certificate with the alert {alert}; it is for {}", names.join(", "))
            }
            Self::CertificateRefused { alert: None, names } => write!(
                f,
                "the client went away without a request, so it probably refused the certificate; it is for {}",
                names.join(", ")
            ),
            Self::PlainHttp { request } => write!(f, "the client sent plain HTTP to a port for HTTPS: {request}"),
            Self::TlsOnPlainPort => f.write_str("the client began TLS on a port for plain HTTP"),
            Self::Ssl2 => f.write_str("the client began with the hello of SSL 2.0, and TLS 1.2 is the least here"),
            Self::NotTls { first } => write!(f, "the client began with neither TLS nor HTTP: {first}"),
            Self::Probe => f.write_str("the client connected, said nothing and went away"),
            Self::Slow { what } => write!(f, "{what} took too long"),
            Self::BadRequest { reason } => write!(f, "the request could not be read: {reason}"),
            Self::Broken { reason } => write!(f, "the connection broke: {reason}"),
        }
    }
}

/// What TLS says is the matter, if it is TLS that says it.
fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

fn covers(name: &str, asked: &str) -> bool {
    let asked = asked.trim_end_matches('.');
    match name.strip_prefix("*.") {
        Some(domain) => asked.split_once('.').is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(domain)),
        None => name.eq_ignore_ascii_case(asked),
    }
}

/// As the standards write it: `bad_certificate`.
fn alert_name(alert: AlertDescription) -> String {
    let mut name = String::new();
    for letter in format!("{alert:?}").replace("CA", "Ca").chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

/// As Microsoft's "Transport Layer Security (TLS) best practices with .NET Framework" says it.
const OLD_VERSION: &str = "On the client's Windows host let .NET use TLS 1.2: set the DWORD values \
    SystemDefaultTlsVersions and SchUseStrongCrypto to 1 under HKLM\\SOFTWARE\\Microsoft\\.NETFramework\\v4.0.30319 and \
    HKLM\\SOFTWARE\\WOW6432Node\\Microsoft\\.NETFramework\\v4.0.30319, then restart the service that calls.";

const NEWER_SUITES: &str = "On the client's host allow TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 (on Windows: group \
    policy, SSL Configuration Settings, SSL Cipher Suite Order; from Server 2016 also Enable-TlsCipherSuite). Suites \
    without ECDHE or with CBC are not spoken here.";

const TRUST: &str = "Import the authority of the server's certificate (authority.cer, if it was made here) into \
    Cert:\\LocalMachine\\Root on the client's host; `locmfa certs trust` says how.";

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn certificate() -> Summary {
        Summary {
            subject: "CN=mfa01".into(),
            issuer: "CN=authority".into(),
            names: vec!["mfa01".into(), "*.contoso.com".into()],
            not_before: datetime!(2026-01-01 0:00 UTC),
            not_after: datetime!(2027-01-01 0:00 UTC),
            sha1: String::new(),
            sha256: String::new(),
            files: Vec::new(),
        }
    }

    fn after(alert: Option<AlertDescription>, asked: Option<&str>) -> &'static str {
        let certificate = certificate();
        let now = datetime!(2026-06-01 0:00 UTC);
        let offer = Offer { certificate: &certificate, suites: &[], is_rsa: false, now };
        let error = alert.map(|alert| io::Error::other(rustls::Error::AlertReceived(alert)));
        Trouble::after_handshake(error.as_ref(), asked, &offer).kind()
    }

    #[test]
    fn an_alert_tells_what_the_client_dislikes() {
        use AlertDescription as Alert;
        assert_eq!(after(Some(Alert::UnknownCA), Some("mfa01")), "unknown-authority");
        assert_eq!(after(Some(Alert::BadCertificate), Some("mfa01")), "certificate-refused");
        assert_eq!(after(Some(Alert::BadCertificate), Some("mfa02")), "name-mismatch");
        assert_eq!(after(Some(Alert::CertificateExpired), Some("mfa02")), "certificate-dates");
        assert_eq!(after(Some(Alert::InternalError), Some("mfa02")), "broken");
        assert_eq!(after(None, Some("MFA01.")), "certificate-refused");
        assert_eq!(after(None, Some("mfa01.contoso.com")), "certificate-refused");
        assert_eq!(after(None, Some("a.mfa01.contoso.com")), "name-mismatch");
        assert_eq!(after(None, None), "certificate-refused");
    }

    #[test]
    fn an_expiry_by_the_clients_clock_alone_points_to_that_clock() {
        let Summary { not_before, not_after, .. } = certificate();
        let hint = |now| Trouble::CertificateDates { not_before, not_after, now }.hint().unwrap();
        assert!(hint(not_before).contains("the clock of the client's machine"));
        assert!(hint(datetime!(2027-01-02 0:00 UTC)).contains("a certificate that is valid now"));
    }

    #[test]
    fn alerts_are_named_as_the_standards_name_them() {
        assert_eq!(alert_name(AlertDescription::UnknownCA), "unknown_ca");
        assert_eq!(alert_name(AlertDescription::BadCertificate), "bad_certificate");
    }

    #[test]
    fn a_log_line_holds_no_bytes_that_the_client_chose_as_they_are() {
        let Some(Trouble::PlainHttp { request }) = Trouble::before_handshake(b"GET /\x1b[31m?pin=1 HTTP/1.1\r\n")
        else {
            panic!()
        };
        assert_eq!(request, r"GET /\x1b[31m");
    }
}
