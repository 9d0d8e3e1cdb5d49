//! Whose certificates are trusted: by this machine, or only because a file was named.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rustls::RootCertStore;
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use time::OffsetDateTime;

use super::certificates::{self, Summary, TlsError};

/// The authorities that are trusted, and why.
#[derive(Debug)]
pub struct Trust {
    machine: Roots,
    files: Roots,
}

#[derive(Debug)]
struct Roots {
    certificates: Vec<CertificateDer<'static>>,
    store: RootCertStore,
}

/// Who vouches for a certificate.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Trusted {
    /// This machine's own store: other programs trust it too.
    ByMachine,
    /// A file that was named, and nobody else on this machine.
    ByFile,
    /// Nobody. The end of a sentence that begins with the certificate.
    No(String),
}

/// A server's certificate, judged.
#[derive(Clone, Debug)]
pub struct Shown {
    pub summary: Summary,
    /// How many certificates the server sent.
    pub chain: usize,
    /// What channel bindings are made from.
    pub end_point: Vec<u8>,
    /// Whether it is for the host of the URL.
    pub names_host: bool,
    /// Whether it is valid now.
    pub is_current: bool,
    pub trusted: Trusted,
}

impl Trust {
    /// The authorities of this machine, and those of PEM or DER files.
    ///
    /// # Errors
    /// A file cannot be read, or holds no certificate. A machine without a store trusts nobody, which shows later.
    pub fn load(files: &[PathBuf]) -> Result<Self, TlsError> {
        let named = files.iter().map(|it| read(it)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self::new(rustls_native_certs::load_native_certs().certs, named.concat()))
    }

    #[must_use]
    pub fn new(machine: Vec<CertificateDer<'static>>, files: Vec<CertificateDer<'static>>) -> Self {
        Self { machine: Roots::new(machine), files: Roots::new(files) }
    }

    /// Whether this machine trusts just that authority.
    #[must_use]
    pub fn machine_has(&self, authority: &CertificateDer<'_>) -> bool {
        self.machine.certificates.contains(authority)
    }

    /// Judges what a server shows, its own certificate first.
    ///
    /// # Errors
    /// It shows nothing that can be read: what is wrong, as the end of a sentence.
    pub fn judge(&self, chain: &[CertificateDer<'_>], host: &ServerName<'_>) -> Result<Shown, String> {
        let (certificate, between) = chain.split_first().ok_or("shows no certificate")?;
        let summary = Summary::of(certificate, Vec::new()).map_err(|what| format!("shows what {what}"))?;
        let parsed = ParsedCertificate::try_from(certificate)
            .map_err(|error| format!("shows no sound certificate ({error})"))?;
        let now = OffsetDateTime::now_utc();
        let is_current = (summary.not_before..=summary.not_after).contains(&now);
        // Dates are told apart from trust, so trust is judged at a time that the dates allow.
        let at = if is_current { now } else { summary.not_after - time::Duration::SECOND };
        let at = UnixTime::since_unix_epoch(Duration::from_secs(at.unix_timestamp().try_into().unwrap_or_default()));
        let vouches = |roots: &Roots| roots.vouch(certificate, &parsed, between, at);
        let trusted = match vouches(&self.machine) {
            Ok(()) => Trusted::ByMachine,
            Err(error) => match vouches(&self.files) {
                Ok(()) => Trusted::ByFile,
                Err(_) => Trusted::No(why(&error)),
            },
        };
        Ok(Shown {
            end_point: certificates::end_point(certificate),
            chain: chain.len(),
            names_host: verify_server_name(&parsed, host).is_ok(),
            summary,
            is_current,
            trusted,
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
        // Windows takes a certificate that stands in the store itself, which webpki does not where it says that it is
        // an authority's.
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

/// The certificates of a PEM file, or the one of a DER file, as Windows exports it.
fn read(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    if let Ok(bytes) = std::fs::read(file) {
        let certificate = CertificateDer::from(bytes);
        if Summary::of(&certificate, Vec::new()).is_ok() {
            return Ok(vec![certificate]);
        }
    }
    certificates::read_certificates(file)
}
