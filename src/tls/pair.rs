//! The server's certificate and its key.

use std::sync::Arc;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use time::{Duration, OffsetDateTime};

use super::certificate::{Summary, end_point, list_addresses};

/// A certificate with its chain and its key, ready to serve.
#[derive(Debug)]
pub struct Pair {
    pub(super) key: Arc<CertifiedKey>,
    pub(super) private: PrivateKeyDer<'static>,
    pub(super) summary: Summary,
}

impl Pair {
    /// # Errors
    /// The key is not the one of the certificate, or has a form that rustls does not take.
    pub(super) fn new(
        chain: Vec<CertificateDer<'static>>,
        private: PrivateKeyDer<'static>,
        summary: Summary,
    ) -> Result<Self, rustls::Error> {
        let provider = rustls::crypto::ring::default_provider();
        let key = CertifiedKey::from_der(chain, private.clone_key(), &provider)?;
        Ok(Self { key: Arc::new(key), private, summary })
    }

    #[must_use]
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// The key that signs handshakes, with the chain.
    pub(super) fn key(&self) -> Arc<CertifiedKey> {
        self.key.clone()
    }

    /// The hash of the certificate for channel bindings.
    pub(super) fn end_point(&self) -> Vec<u8> {
        end_point(&self.key.cert[0])
    }

    /// Whether it is for all these names, names this revocation list, is valid now, and stays so for a while.
    pub(super) fn serves(&self, names: &[String], list: &RevocationList, now: OffsetDateTime) -> bool {
        let summary = &self.summary;
        let names_list = match list {
            RevocationList::AsBefore => true,
            RevocationList::None => list_addresses(&self.key.cert[0]).is_empty(),
            RevocationList::At(address) => list_addresses(&self.key.cert[0]) == std::slice::from_ref(address),
        };
        names_list
            && names.iter().all(|name| summary.names.contains(name))
            && summary.not_before <= now
            && now + RENEW_BEFORE < summary.not_after
    }
}

/// The address of the authority's revocation list that a server's certificate names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RevocationList {
    /// None where clients could not reach it.
    None,
    At(String),
    /// That of a pair that is there; a new pair names none.
    AsBefore,
}

/// How long before its end a certificate is replaced.
pub(super) const RENEW_BEFORE: Duration = Duration::days(30);
