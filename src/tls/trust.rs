//! Which certificates are trusted: by this machine, or only by a file that the user named.

use std::path::PathBuf;
use std::time::Duration;

use rustls::RootCertStore;
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use time::OffsetDateTime;

use super::certificate::{Summary, end_point};
use super::error::TlsError;
use super::files;

/// The authorities that are trusted, and why.
#[derive(Clone, Debug)]
pub struct Trust {
    machine: Roots,
    files: Roots,
}

#[derive(Clone, Debug)]
struct Roots {
    certificates: Vec<CertificateDer<'static>>,
    store: RootCertStore,
}

/// Where the authority is that a certificate chain ends at.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TrustAnchor {
    /// In the store of this machine: other programs trust it too.
    Machine,
    /// In a file that the user named: no other program on this machine trusts it.
    File,
    /// Nowhere: the certificate is not trusted. The rest of a sentence that begins with the certificate.
    None(String),
}

/// The certificate that a server sent, and whether it is valid for its host, now, and trusted.
#[derive(Clone, Debug)]
pub struct ServerCertificate {
    pub summary: Summary,
    /// How many certificates the server sent.
    pub chain: usize,
    /// The hash of the certificate for channel bindings.
    pub end_point: Vec<u8>,
    /// Whether it is for the host of the URL.
    pub names_host: bool,
    /// Whether it is valid now.
    pub is_current: bool,
    pub trust_anchor: TrustAnchor,
}

impl Trust {
    /// The authorities of this machine, and those of PEM or DER files.
    ///
    /// # Errors
    /// A file cannot be read, or holds no certificate. A machine without a store trusts no authority.
    pub fn load(named: &[PathBuf]) -> Result<Self, TlsError> {
        let named = named.iter().map(|it| files::read_certificates(it)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self::new(rustls_native_certs::load_native_certs().certs, named.concat()))
    }

    #[must_use]
    pub fn new(machine: Vec<CertificateDer<'static>>, files: Vec<CertificateDer<'static>>) -> Self {
        Self { machine: Roots::new(machine), files: Roots::new(files) }
    }

    /// Whether this authority is in the store of this machine.
    #[must_use]
    pub fn machine_has(&self, authority: &CertificateDer<'_>) -> bool {
        self.machine.certificates.contains(authority)
    }

    /// Judges the chain that a server sent, its own certificate first.
    ///
    /// # Errors
    /// The server sent no readable certificate: the rest of a sentence that begins with the server.
    pub fn judge(&self, chain: &[CertificateDer<'_>], host: &ServerName<'_>) -> Result<ServerCertificate, String> {
        let (certificate, between) = chain.split_first().ok_or("shows no certificate")?;
        let summary = Summary::of(certificate, Vec::new()).map_err(|what| format!("shows what {what}"))?;
        let parsed = ParsedCertificate::try_from(certificate)
            .map_err(|error| format!("shows no sound certificate ({error})"))?;
        let now = OffsetDateTime::now_utc();
        let is_current = (summary.not_before..=summary.not_after).contains(&now);
        // Dates and trust are separate findings, so trust is judged at a time when the certificate is valid.
        let at = if is_current { now } else { summary.not_after - time::Duration::SECOND };
        let at = UnixTime::since_unix_epoch(Duration::from_secs(at.unix_timestamp().try_into().unwrap_or_default()));
        let vouches = |roots: &Roots| roots.vouch(certificate, &parsed, between, at);
        let trust_anchor = match vouches(&self.machine) {
            Ok(()) => TrustAnchor::Machine,
            Err(error) => match vouches(&self.files) {
                Ok(()) => TrustAnchor::File,
                Err(_) => TrustAnchor::None(why(&error)),
            },
        };
        Ok(ServerCertificate {
            end_point: end_point(certificate),
            chain: chain.len(),
            names_host: verify_server_name(&parsed, host).is_ok(),
            summary,
            is_current,
            trust_anchor,
        })
    }
}

impl Roots {
    fn new(certificates: Vec<CertificateDer<'static>>) -> Self {
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(certificates.iter().cloned());
        Self { certificates, store }
    }

    fn vouch(
        &self,
        certificate: &CertificateDer<'_>,
        parsed: &ParsedCertificate<'_>,
        between: &[CertificateDer<'_>],
        at: UnixTime,
    ) -> Result<(), rustls::Error> {
        // Windows accepts a certificate that is in the store itself. webpki does not if the certificate says that it
        // is an authority.
        if self.certificates.contains(certificate) {
            return Ok(());
        }
        let algorithms = default_provider().signature_verification_algorithms.all;
        verify_server_cert_signed_by_trust_anchor(parsed, &self.store, between, at, algorithms)
    }
}

fn why(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer) => {
            "comes from an authority that this machine does not trust".into()
        }
        rustls::Error::InvalidCertificate(rustls::CertificateError::InvalidPurpose) => {
            "is not for server authentication".into()
        }
        other => format!("is not to be trusted ({other})"),
    }
}
