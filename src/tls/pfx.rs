//! PFX files (PKCS #12), in which Windows exports and imports a certificate with its key.

use std::path::Path;

use p12_keystore::{
    EncryptionAlgorithm, KeyStore, KeyStoreEntry, MacAlgorithm, Pkcs12ImportPolicy, PrivateKey, PrivateKeyChain,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::error::TlsError;
use super::files;
use super::pair::Pair;
use crate::contract::Secret;
use crate::file::Access;

/// How a PFX file is protected.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PfxCipher {
    /// AES-256 and SHA-256: Windows Server 2019 and newer.
    Aes,
    /// 3DES and SHA-1, which every version of Windows reads.
    TripleDes,
}

/// What to do about a PFX file that cannot be used.
pub(super) const REMEDY: &str = "export the certificate with its private key and a password, and give that password";

/// The chain, the certificate of the key first, and the key.
///
/// # Errors
/// The file cannot be read, is not a PFX file, or has another password.
pub(super) fn read(
    file: &Path,
    password: &Secret,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsError> {
    let wrong = |what: &str| TlsError::new(format!("{} {what}", file.display()), REMEDY);
    let bytes = files::read_existing(file, "name the PFX file of a certificate")?;
    let store = KeyStore::from_pkcs12(&bytes, password.reveal(), Pkcs12ImportPolicy::Strict);
    let store = store.map_err(|error| match error {
        p12_keystore::error::Error::MacError(_) => wrong("is protected by another password"),
        error => wrong(&format!("is not a PFX file that can be read ({error})")),
    })?;
    let (_, entry) = store.private_key_chain().ok_or_else(|| wrong("holds no certificate with its key"))?;
    let chain = entry.certs().iter().map(|it| CertificateDer::from(it.as_der().to_vec())).collect();
    Ok((chain, PrivatePkcs8KeyDer::from(entry.key().as_der().to_vec()).into()))
}

impl Pair {
    /// Writes the certificate, its chain and its key to a file that Windows imports. Only its owner can read it.
    ///
    /// # Errors
    /// The file cannot be written, or the key has a form that PFX files do not take.
    pub fn export_pfx(&self, file: &Path, password: &Secret, cipher: PfxCipher) -> Result<(), TlsError> {
        let wrong = |error: p12_keystore::error::Error| {
            TlsError::new(format!("the pair cannot be exported ({error})"), "convert its key to PKCS #8 first")
        };
        let certificates = self.key.cert.iter().map(|it| p12_keystore::Certificate::from_der(it));
        let entry = PrivateKeyChain::new(
            &self.summary.sha1.as_bytes()[..8],
            PrivateKey::from_der(self.private.secret_der()).map_err(wrong)?,
            certificates.collect::<Result<Vec<_>, _>>().map_err(wrong)?,
        );
        let mut store = KeyStore::new();
        store.add_entry("locmfa", KeyStoreEntry::PrivateKeyChain(entry));
        let (encryption, mac) = match cipher {
            PfxCipher::Aes => (EncryptionAlgorithm::PbeWithHmacSha256AndAes256, MacAlgorithm::HmacSha256),
            PfxCipher::TripleDes => (EncryptionAlgorithm::PbeWithShaAnd3KeyTripleDesCbc, MacAlgorithm::HmacSha1),
        };
        let writer = store.writer(password.reveal()).encryption_algorithm(encryption).mac_algorithm(mac);
        files::write(file, &writer.write().map_err(wrong)?, Access::Owner)
    }
}
