//! Why a connection failed, found out from what its client sent and from how TLS ended.

use std::io;
use std::sync::atomic::Ordering;

use rustls::{AlertDescription, InvalidMessage, PeerIncompatible, SignatureScheme};

use crate::tls::hello::{First, Hello, is_whole, suite_name};
use crate::tls::{Faulty, Offer, Summary, words};
use crate::trouble::Trouble;

/// What the first bytes on a port for TLS say. `None`: they begin TLS.
#[must_use]
pub(super) fn before_handshake(bytes: &[u8]) -> Option<Trouble> {
    match First::of(bytes) {
        First::Tls => None,
        First::Nothing => Some(Trouble::Probe {}),
        First::Ssl2 => Some(Trouble::Ssl2 {}),
        First::Proxy => Some(Trouble::ProxyProtocol {}),
        First::Http => {
            let line = bytes.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
            // The log may have the path. A query can hold secrets.
            let line = line.split(|byte| *byte == b'?').next().unwrap_or_default();
            let line = &line[..line.len().min(100)];
            Some(Trouble::PlainHttp { request: line.escape_ascii().to_string() })
        }
        First::Other => Some(Trouble::NotTls { first: data_encoding::HEXLOWER.encode(&bytes[..bytes.len().min(8)]) }),
    }
}

/// Why a handshake failed that began with these bytes.
#[must_use]
pub(super) fn in_handshake(error: &io::Error, bytes: &[u8], offer: &Offer<'_>) -> Trouble {
    let hello = Hello::read(bytes).unwrap_or_default();
    let asked = hello.server_name.as_deref();
    let Some(cause) = tls_error(error) else {
        // The connection ended without an alert. After a whole hello, the certificate was the last that the client saw.
        return match is_whole(bytes) {
            true => refused(None, asked, offer),
            false => Trouble::Broken { reason: "the client went away in the middle of its first message".into() },
        };
    };
    match cause {
        rustls::Error::AlertReceived(alert) => refused(Some(*alert), asked, offer),
        rustls::Error::PeerIncompatible(_) if hello.newest < 0x0303 => {
            Trouble::OldVersion { newest: hello.newest_name() }
        }
        rustls::Error::PeerIncompatible(why) => incompatible(why, &hello, offer),
        rustls::Error::NoApplicationProtocol => Trouble::NoSharedProtocol {},
        rustls::Error::InvalidMessage(InvalidMessage::InvalidServerName) => {
            Trouble::BadServerName { asked: asked.unwrap_or("a name that is none").into() }
        }
        other => Trouble::Broken { reason: in_words(other) },
    }
}

/// Why a client went away after the handshake and before a request.
#[must_use]
pub(super) fn after_handshake(error: Option<&io::Error>, server_name: Option<&str>, offer: &Offer<'_>) -> Trouble {
    match error.and_then(tls_error) {
        Some(rustls::Error::AlertReceived(alert)) => refused(Some(*alert), server_name, offer),
        Some(other) => Trouble::Broken { reason: in_words(other) },
        None => refused(None, server_name, offer),
    }
}

/// A fault that ends a connection after the hello.
#[must_use]
pub(super) fn on_purpose(faulty: &Faulty) -> Trouble {
    faulty.hits.fetch_add(1, Ordering::Relaxed);
    Trouble::TlsFault { what: format!("{}: {}", faulty.fault.word(), faulty.fault.about()) }
}

/// Why a connection failed while a fault shows another certificate: by the fault, where the client refused that
/// certificate.
#[must_use]
pub(super) fn by_fault(faulty: &Faulty, trouble: Trouble) -> Trouble {
    match trouble {
        Trouble::UnknownAuthority {}
        | Trouble::NameMismatch { .. }
        | Trouble::CertificateDates { .. }
        | Trouble::CertificateDatesOfClient { .. }
        | Trouble::CertificateRefused { .. }
        | Trouble::CertificateRefusedSilently { .. } => {
            let Faulty { fault, hits, .. } = faulty;
            hits.fetch_add(1, Ordering::Relaxed);
            Trouble::TlsFault { what: format!("{}: {}, and the client left", fault.word(), fault.about()) }
        }
        other => other,
    }
}

fn incompatible(why: &PeerIncompatible, hello: &Hello, offer: &Offer<'_>) -> Trouble {
    let shares = |scheme| hello.shares_suite(offer.suites, scheme);
    let takes_rsa = shares(SignatureScheme::RSA_PSS_SHA256);
    let shared = shares(SignatureScheme::ECDSA_NISTP256_SHA256) || (takes_rsa && offer.is_rsa);
    match why {
        // rustls reports other things before it looks at the suites.
        _ if !shared => {
            let offered: Vec<_> = hello.suites.iter().map(|it| suite_name(*it)).collect();
            let offered = offered.join(", ");
            match takes_rsa {
                true => Trouble::NoSharedSuiteWithoutRsa { offered },
                false => Trouble::NoSharedSuite { offered },
            }
        }
        PeerIncompatible::NoCipherSuitesInCommon | PeerIncompatible::NoSignatureSchemesInCommon
            if takes_rsa && !offer.is_rsa && hello.schemes.iter().any(|it| RSA_SCHEMES.contains(it)) =>
        {
            Trouble::NoSharedSchemeWithoutRsa {}
        }
        // The suites are shared, so the schemes rule them out.
        PeerIncompatible::NoCipherSuitesInCommon
        | PeerIncompatible::NoSignatureSchemesInCommon
        | PeerIncompatible::SignatureAlgorithmsExtensionRequired => Trouble::NoSharedScheme {},
        PeerIncompatible::NoKxGroupsInCommon
        | PeerIncompatible::NamedGroupsExtensionRequired
        | PeerIncompatible::KeyShareExtensionRequired
        | PeerIncompatible::NoEcPointFormatsInCommon => Trouble::NoSharedGroup {},
        other => Trouble::Broken { reason: format!("the client's offer does not fit ({})", words(other)) },
    }
}

/// The schemes that an RSA key can sign with.
const RSA_SCHEMES: [SignatureScheme; 6] = [
    SignatureScheme::RSA_PSS_SHA256,
    SignatureScheme::RSA_PSS_SHA384,
    SignatureScheme::RSA_PSS_SHA512,
    SignatureScheme::RSA_PKCS1_SHA256,
    SignatureScheme::RSA_PKCS1_SHA384,
    SignatureScheme::RSA_PKCS1_SHA512,
];

/// An error of TLS in words of this program, not of the library.
fn in_words(error: &rustls::Error) -> String {
    use rustls::Error as Tls;
    match error {
        Tls::InappropriateMessage { .. } | Tls::InappropriateHandshakeMessage { .. } => {
            "the client sent a TLS message out of turn".into()
        }
        Tls::InvalidMessage(why) => format!("a TLS message of the client cannot be read ({})", words(why)),
        Tls::DecryptError => "a TLS message of the client cannot be decrypted".into(),
        Tls::PeerSentOversizedRecord => "a TLS record of the client is too long".into(),
        Tls::PeerMisbehaved(why) => format!("the client breaks the rules of TLS ({})", words(why)),
        Tls::InvalidCertificate(why) => format!("the client's certificate is not sound ({})", words(why)),
        other => format!("TLS failed ({})", words(other)),
    }
}

fn refused(alert: Option<AlertDescription>, asked: Option<&str>, offer: &Offer<'_>) -> Trouble {
    let Summary { names, not_before, not_after, .. } = offer.certificate;
    let valid = (*not_before..=*not_after).contains(&offer.now);
    match alert {
        Some(AlertDescription::UnknownCA) => return Trouble::UnknownAuthority {},
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
        Some(other) => return Trouble::Broken { reason: format!("the client sent the alert {}", alert_name(other)) },
    }
    let (from, to) = (not_before.date().to_string(), not_after.date().to_string());
    if !valid {
        return Trouble::CertificateDates { from, to };
    }
    if alert == Some(AlertDescription::CertificateExpired) {
        return Trouble::CertificateDatesOfClient { from, to };
    }
    let asked = asked.filter(|asked| !names.iter().any(|name| covers(name, asked)));
    let names = names.join(", ");
    match (asked, alert) {
        (Some(asked), _) => Trouble::NameMismatch { asked: asked.into(), names },
        (None, Some(alert)) => Trouble::CertificateRefused { alert: alert_name(alert), names },
        (None, None) => Trouble::CertificateRefusedSilently { names },
    }
}

/// The error of TLS, if it is one.
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

/// The name of an alert in the standards: `bad_certificate`.
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
        after_handshake(error.as_ref(), asked, &offer).kind()
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
        let certificate = certificate();
        let remedy = |now| {
            let offer = Offer { certificate: &certificate, suites: &[], is_rsa: false, now };
            refused(Some(AlertDescription::CertificateExpired), None, &offer).remedy()
        };
        assert!(remedy(certificate.not_before).contains("the clock of the client's machine"));
        assert!(remedy(datetime!(2027-01-02 0:00 UTC)).contains("a certificate that is valid now"));
    }

    #[test]
    fn alerts_are_named_as_the_standards_name_them() {
        assert_eq!(alert_name(AlertDescription::UnknownCA), "unknown_ca");
        assert_eq!(alert_name(AlertDescription::BadCertificate), "bad_certificate");
    }

    #[test]
    fn a_log_line_holds_no_bytes_that_the_client_chose_as_they_are() {
        let Some(Trouble::PlainHttp { request }) = before_handshake(b"GET /\x1b[31m?pin=1 HTTP/1.1\r\n") else {
            panic!()
        };
        assert_eq!(request, r"GET /\x1b[31m");
    }
}
