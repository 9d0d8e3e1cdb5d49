//! The certificates that the server shows: from a directory with a development authority, or from files of their owner.
//!
//! A pair in the directory is replaced when a name is missing in it or its end comes near, without any action of a person.

use std::fs;
use std::path::{Path, PathBuf};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use time::OffsetDateTime;

use super::authority::{Algorithm, Authority, Signer, in_memory};
use super::certificate::Summary;
use super::error::TlsError;
use super::fault::CertificateFlaw;
use super::files::{lock, read_certificates, read_existing};
use super::names::all_names;
use super::pair::{Pair, RevocationList};
use super::pfx;
use crate::contract::Secret;

/// What the server shows to its clients, and the authority that signed it.
#[derive(Debug)]
pub struct Certificates {
    authority: Option<(Summary, CertificateDer<'static>)>,
    /// What can sign for the authority.
    signer: Option<Signer>,
    pairs: Vec<Pair>,
    made: Vec<PathBuf>,
}

/// Which keys the server has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Keys {
    Ecdsa,
    /// An RSA key, too, for clients that take no other.
    EcdsaAndRsa,
}

impl Keys {
    const fn algorithms(self) -> &'static [Algorithm] {
        match self {
            Self::Ecdsa => &[Algorithm::Ecdsa],
            Self::EcdsaAndRsa => &[Algorithm::Ecdsa, Algorithm::Rsa],
        }
    }
}

/// Whether a pair that can still serve is kept.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Former {
    Keep,
    Replace,
}

impl Certificates {
    /// Opens the directory, and makes what is missing in it or can no longer serve.
    ///
    /// The pair is for `names` (host names or IP addresses), the names of this machine, and loopback. A pair that has
    /// more names than these is kept until it has to be replaced.
    ///
    /// # Errors
    /// A file or the directory cannot be read or written, a file is not what its name says, or a name is neither a
    /// host name nor an IP address.
    pub fn open(directory: &Path, names: &[String], keys: Keys) -> Result<Self, TlsError> {
        Self::open_with(directory, names, keys, &RevocationList::AsBefore)
    }

    /// As [`Certificates::open`]. A pair that names another revocation list is replaced, too.
    ///
    /// # Errors
    /// As for [`Certificates::open`].
    pub fn open_with(directory: &Path, names: &[String], keys: Keys, list: &RevocationList) -> Result<Self, TlsError> {
        Self::open_at(directory, &all_names(names)?, keys, list, OffsetDateTime::now_utc(), Former::Keep)
    }

    fn open_at(
        directory: &Path,
        names: &[String],
        keys: Keys,
        list: &RevocationList,
        now: OffsetDateTime,
        former: Former,
    ) -> Result<Self, TlsError> {
        fs::create_dir_all(directory).map_err(|error| TlsError::unwritable(directory, &error))?;
        let _lock = lock(directory);
        let mut made = Vec::new();

        let authority = if let Some(authority) = Authority::read(directory, now)? {
            authority
        } else {
            let authority = Authority::make(directory, now)?;
            made.push(authority.certificate_file());
            authority
        };
        let mut pairs = Vec::new();
        for algorithm in keys.algorithms() {
            pairs.push(match authority.read_pair(*algorithm)? {
                Some(pair) if former == Former::Keep && pair.serves(names, list, now) => pair,
                _ => {
                    made.push(directory.join(algorithm.certificate_file()));
                    authority.make_pair(*algorithm, names, list, now)?
                }
            });
        }
        let signer = Some(Signer::Directory(directory.into()));
        Ok(Self { authority: Some((authority.summary, authority.certificate)), signer, pairs, made })
    }

    /// A new authority and its pair, in no file: they end with the process. The names are those of [`Certificates::open`].
    ///
    /// # Errors
    /// A name is neither a host name nor an IP address.
    pub fn in_memory(names: &[String], keys: Keys) -> Result<Self, TlsError> {
        let (authority, pairs, signer) = in_memory(keys.algorithms(), &all_names(names)?, OffsetDateTime::now_utc())?;
        let summary = Summary::of(&authority, Vec::new()).expect("a certificate just made is whole");
        Ok(Self { authority: Some((summary, authority)), signer: Some(signer), pairs, made: Vec::new() })
    }

    /// As [`Certificates::open`], but always makes a new pair: for exactly these names, those of this machine, and
    /// loopback. The authority stays.
    ///
    /// # Errors
    /// As for [`Certificates::open`].
    pub fn renew(directory: &Path, names: &[String], keys: Keys) -> Result<Self, TlsError> {
        Self::open_at(
            directory,
            &all_names(names)?,
            keys,
            &RevocationList::AsBefore,
            OffsetDateTime::now_utc(),
            Former::Replace,
        )
    }

    /// The certificate of two PEM files: the chain, the server's certificate first, and its key.
    ///
    /// # Errors
    /// A file cannot be read, does not hold what it should, or the key is not the one of the certificate.
    pub fn from_pem(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let remedy = "name the PEM files of a certificate and of its key";
        let chain = read_certificates(certificate)?;
        let pem = read_existing(key, remedy)?;
        let private = PrivateKeyDer::from_pem_slice(&pem)
            .map_err(|error| TlsError::new(format!("{} holds no key ({error})", key.display()), remedy))?;
        Self::own(chain, private, &[certificate, key], remedy)
    }

    /// The certificate of a PFX file, with its chain and its key, as Windows exports it.
    ///
    /// # Errors
    /// The file cannot be read, is not a PFX file, or has another password.
    pub fn from_pfx(file: &Path, password: &Secret) -> Result<Self, TlsError> {
        let (chain, private) = pfx::read(file, password)?;
        Self::own(chain, private, &[file], pfx::REMEDY)
    }

    fn own(
        chain: Vec<CertificateDer<'static>>,
        private: PrivateKeyDer<'static>,
        files: &[&Path],
        remedy: &str,
    ) -> Result<Self, TlsError> {
        let wrong = |what: String| {
            let files: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
            TlsError::new(format!("{} cannot be served with ({what})", files.join(" and ")), remedy)
        };
        let summary = Summary::of(&chain[0], files.iter().map(PathBuf::from).collect()).map_err(wrong)?;
        let pair = Pair::new(chain, private, summary).map_err(|error| wrong(error.to_string()))?;
        Ok(Self { authority: None, signer: None, pairs: vec![pair], made: Vec::new() })
    }

    /// Certificates for the same keys, in no file, with something wrong on purpose. Where no authority can sign, since
    /// the certificate is of its owner's files, they come from an authority that no client knows.
    ///
    /// # Errors
    /// The authority or its key cannot be read.
    pub(super) fn with_flaw(&self, flaw: CertificateFlaw) -> Result<Self, TlsError> {
        let now = OffsetDateTime::now_utc();
        let flawed = |pair| Signer::flawed(self.signer.as_ref(), pair, flaw, now);
        let pairs = self.pairs.iter().map(flawed).collect::<Result<_, _>>()?;
        Ok(Self { authority: self.authority.clone(), signer: None, pairs, made: Vec::new() })
    }

    /// The development authority, if the server's certificate comes from it.
    #[must_use]
    pub fn authority(&self) -> Option<&Summary> {
        self.authority.as_ref().map(|it| &it.0)
    }

    /// The revocation list of the development authority, signed now, in DER: it is empty. `None`: there is no authority
    /// in files.
    ///
    /// # Errors
    /// The authority or its key cannot be read.
    pub fn revocation_list(&self) -> Result<Option<Vec<u8>>, TlsError> {
        let file = self.authority.as_ref().and_then(|it| it.0.files.first());
        let Some(directory) = file.and_then(|it| it.parent()) else { return Ok(None) };
        Authority::revocation_list(directory, OffsetDateTime::now_utc()).map(Some)
    }

    /// The certificate of the development authority.
    #[must_use]
    pub fn authority_certificate(&self) -> Option<&CertificateDer<'static>> {
        self.authority.as_ref().map(|it| &it.1)
    }

    /// The certificate of the development authority in PEM, for clients to trust.
    #[must_use]
    pub fn authority_pem(&self) -> Option<String> {
        self.authority.as_ref().map(|it| pem(&it.1))
    }

    /// The authorities whose client certificates are trusted: those of the files, or without files the development
    /// authority. Files are in PEM or DER.
    ///
    /// # Errors
    /// A file cannot be read or holds no certificate, or there is neither a file nor a development authority.
    pub fn trusted_for_clients(&self, files: &[PathBuf]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        if files.is_empty() {
            let own = self.authority.iter().map(|it| it.1.clone()).collect::<Vec<_>>();
            return match own.is_empty() {
                false => Ok(own),
                true => Err(TlsError::new(
                    "the scenario asks for client certificates and names no authority to trust",
                    "name the authority's file in the scenario, under server: client_authorities",
                )),
            };
        }
        let read = files.iter().map(|it| read_certificates(it)).collect::<Result<Vec<_>, _>>()?;
        Ok(read.into_iter().flatten().collect())
    }

    /// The certificate that clients get, except those that take RSA keys only.
    #[must_use]
    pub fn server(&self) -> &Summary {
        &self.pairs[0].summary
    }

    /// All pairs, in the order in which the server would use them.
    #[must_use]
    pub fn pairs(&self) -> &[Pair] {
        &self.pairs
    }

    /// The certificate files that opening the directory made.
    #[must_use]
    pub fn made(&self) -> &[PathBuf] {
        &self.made
    }
}

/// A certificate in PEM, 64 characters a line.
fn pem(certificate: &CertificateDer<'_>) -> String {
    let text = data_encoding::BASE64.encode(certificate);
    let lines: String = text.as_bytes().chunks(64).map(|it| format!("{}\n", String::from_utf8_lossy(it))).collect();
    format!("-----BEGIN CERTIFICATE-----\n{lines}-----END CERTIFICATE-----\n")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sha1::{Digest, Sha1};
    use time::Duration;

    use super::super::authority::{AUTHORITY, AUTHORITY_DER, AUTHORITY_KEY, SERVER, SERVER_KEY};
    use super::super::certificate::list_addresses;
    use super::super::pfx::PfxCipher;
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn open(directory: &Path, given: &[&str]) -> Certificates {
        Certificates::open(directory, &names(given), Keys::Ecdsa).unwrap()
    }

    fn refusal(directory: &Path) -> String {
        let sentence = Certificates::open(directory, &[], Keys::Ecdsa).unwrap_err().to_string();
        sentence.replace(&format!("{}/", directory.display()), "certs/")
    }

    #[test]
    fn the_first_start_makes_an_authority_and_a_pair() {
        let directory = tempfile::tempdir().unwrap();
        let certificates = open(&directory.path().join("new"), &["MFA01.contoso.com", "192.0.2.7"]);
        let (authority, server) = (certificates.authority().unwrap(), certificates.server());
        assert!(authority.subject.starts_with("CN=locmfa development authority ("), "{}", authority.subject);
        assert_eq!(server.issuer, authority.subject);
        assert_eq!(server.subject, "CN=mfa01.contoso.com");
        for name in ["mfa01.contoso.com", "192.0.2.7", "localhost", "127.0.0.1", "::1"] {
            assert!(server.names.iter().any(|has| has == name), "{name} in {:?}", server.names);
        }
        assert_eq!(server.not_after - server.not_before, Duration::days(397));
        assert_eq!(certificates.made().len(), 2);
    }

    #[test]
    fn clients_that_check_revocation_accept_the_pair_and_another_address_remakes_it() {
        use rustls::client::WebPkiServerVerifier;
        use rustls::client::danger::ServerCertVerifier;
        use rustls::pki_types::{CertificateRevocationListDer, UnixTime};

        let directory = tempfile::tempdir().unwrap();
        // A pair of an earlier version names no list.
        let first = open(directory.path(), &[]);
        let at = |list: &RevocationList| Certificates::open_with(directory.path(), &[], Keys::Ecdsa, list).unwrap();
        let point = RevocationList::At("http://localhost:9998/authority.crl".into());
        let second = at(&point);
        assert_eq!(second.authority(), first.authority());
        let leaf = second.pairs()[0].key.cert[0].clone();
        assert_eq!(list_addresses(&leaf), ["http://localhost:9998/authority.crl"]);
        assert!(at(&point).made().is_empty() && open(directory.path(), &[]).made().is_empty());

        let mut roots = rustls::RootCertStore::empty();
        roots.add(second.authority.as_ref().unwrap().1.clone()).unwrap();
        let list = CertificateRevocationListDer::from(second.revocation_list().unwrap().unwrap());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
            .with_crls([list])
            .enforce_revocation_expiration()
            .build()
            .unwrap();
        let verify = |at: UnixTime| verifier.verify_server_cert(&leaf, &[], &"localhost".try_into().unwrap(), &[], at);
        verify(UnixTime::now()).unwrap();
        let later = UnixTime::since_unix_epoch(std::time::Duration::from_secs(UnixTime::now().as_secs() + 8 * 86_400));
        assert!(verify(later).is_err(), "the list has no end");

        assert_eq!(at(&RevocationList::None).made(), [directory.path().join(SERVER)]);
        assert!(Certificates::in_memory(&[], Keys::Ecdsa).unwrap().revocation_list().unwrap().is_none());
    }

    #[test]
    fn an_authority_in_memory_signs_pairs_and_is_in_no_file() {
        let certificates = Certificates::in_memory(&names(&["mfa01.contoso.com"]), Keys::Ecdsa).unwrap();
        let (authority, server) = (certificates.authority().unwrap(), certificates.server());
        assert_eq!(server.issuer, authority.subject);
        assert!(server.names.contains(&"mfa01.contoso.com".into()) && authority.files.is_empty());
        let pem = certificates.authority_pem().unwrap();
        let read = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
        assert_eq!(Summary::of(&read, Vec::new()).unwrap(), *authority);
        assert_eq!(certificates.trusted_for_clients(&[]).unwrap(), [read]);
    }

    #[test]
    fn the_next_start_changes_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let first = open(directory.path(), &["mfa01"]);
        let second = open(directory.path(), &[]);
        assert_eq!(first.server(), second.server());
        assert_eq!(first.authority(), second.authority());
        assert!(second.made().is_empty());
    }

    #[test]
    fn a_name_that_is_missing_remakes_the_pair_but_not_the_authority() {
        let directory = tempfile::tempdir().unwrap();
        let first = open(directory.path(), &[]);
        let second = open(directory.path(), &["mfa01.contoso.com"]);
        assert_ne!(first.server().sha1, second.server().sha1);
        assert_eq!(first.authority(), second.authority());
        assert_eq!(second.made(), [directory.path().join("server.pem")]);
    }

    #[test]
    fn renewing_forgets_names_that_are_not_given() {
        let directory = tempfile::tempdir().unwrap();
        let first = open(directory.path(), &["mfa01"]);
        let second = Certificates::renew(directory.path(), &names(&["mfa02"]), Keys::Ecdsa).unwrap();
        assert!(second.server().names.contains(&"mfa02".into()) && !second.server().names.contains(&"mfa01".into()));
        assert_eq!(first.authority(), second.authority());
    }

    #[test]
    fn a_pair_that_ends_soon_is_remade() {
        let directory = tempfile::tempdir().unwrap();
        let names = all_names(&[]).unwrap();
        let now = OffsetDateTime::now_utc();
        let at = |days| {
            Certificates::open_at(
                directory.path(),
                &names,
                Keys::Ecdsa,
                &RevocationList::AsBefore,
                now + Duration::days(days),
                Former::Keep,
            )
            .unwrap()
        };
        let first = at(0);
        assert_eq!(at(365).server(), first.server());
        let second = at(366);
        assert_ne!(second.server(), first.server());
        assert_eq!(second.authority(), first.authority());
    }

    #[test]
    fn a_pair_does_not_outlive_its_authority() {
        let directory = tempfile::tempdir().unwrap();
        let names = all_names(&[]).unwrap();
        let now = OffsetDateTime::now_utc();
        let at = |days| {
            Certificates::open_at(
                directory.path(),
                &names,
                Keys::Ecdsa,
                &RevocationList::AsBefore,
                now + Duration::days(days),
                Former::Keep,
            )
        };
        at(0).unwrap();
        let last = at(3600).unwrap();
        assert_eq!(last.server().not_after, last.authority().unwrap().not_after);
        let sentence = at(3650).unwrap_err().to_string();
        assert!(sentence.contains("authority.pem is valid only to "), "{sentence}");
    }

    #[cfg(unix)]
    #[test]
    fn keys_are_readable_by_their_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        open(directory.path(), &[]);
        let mut modes: Vec<_> = fs::read_dir(directory.path())
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| {
                (entry.file_name().into_string().unwrap(), entry.metadata().unwrap().permissions().mode() & 0o77)
            })
            .filter(|(name, _)| name.contains("key"))
            .collect();
        modes.sort();
        assert_eq!(modes, [("authority-key.pem".into(), 0), ("server-key.pem".into(), 0)]);
    }

    #[test]
    fn processes_that_start_together_agree() {
        let directory = tempfile::tempdir().unwrap();
        let opened: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| open(directory.path(), &["mfa01"]))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        for certificates in &opened {
            assert_eq!(certificates.server(), opened[0].server());
            assert_eq!(certificates.authority(), opened[0].authority());
        }
    }

    #[test]
    fn a_wrong_file_is_told_with_the_remedy() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name| directory.path().join(name);
        open(directory.path(), &[]);

        let server = fs::read(path(SERVER)).unwrap();
        fs::write(path(SERVER), "junk").unwrap();
        assert_eq!(
            refusal(directory.path()),
            "certs/server.pem holds no certificate in PEM form; delete certs/server.pem and certs/server-key.pem to have \
             new ones made, or name a pair of your own with --cert and --key"
        );
        fs::write(path(SERVER), &server[..server.len() / 2]).unwrap();
        assert!(refusal(directory.path()).starts_with("certs/server.pem holds no certificate ("));
        fs::write(path(SERVER), server).unwrap();

        fs::write(path(SERVER_KEY), "junk").unwrap();
        assert!(refusal(directory.path()).starts_with("certs/server-key.pem holds no key ("));
        fs::remove_file(path(SERVER_KEY)).unwrap();
        open(directory.path(), &[]);

        let authority = fs::read(path(AUTHORITY)).unwrap();
        fs::copy(path(SERVER), path(AUTHORITY)).unwrap();
        assert_eq!(
            refusal(directory.path()),
            "certs/authority.pem is not the certificate of an authority; delete certs/authority.pem and \
             certs/authority-key.pem to have new ones made, which clients then have to trust"
        );
        fs::write(path(AUTHORITY), authority).unwrap();

        // Its key matters only when something is to be signed.
        fs::remove_file(path(AUTHORITY_KEY)).unwrap();
        open(directory.path(), &[]);
        fs::remove_file(path(SERVER)).unwrap();
        assert!(
            refusal(directory.path()).starts_with("certs/authority-key.pem is missing, so nothing can be signed; put")
        );
        fs::copy(path(SERVER_KEY), path(AUTHORITY_KEY)).unwrap();
        assert!(refusal(directory.path()).starts_with("certs/authority-key.pem is not the authority's key; put"));
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_told_with_the_remedy() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("file"), "").unwrap();
        let sentence = refusal(&directory.path().join("file/certs"));
        assert!(sentence.contains("certs cannot be written (Not a directory"), "{sentence}");
        assert!(sentence.ends_with("; let this account write there, or name another directory with --certs"));
    }

    #[test]
    fn a_pair_of_another_authority_is_not_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        open(directory.path(), &[]);
        let theirs = rcgen::generate_simple_self_signed(names(&["theirs"])).unwrap();
        fs::write(directory.path().join(SERVER), theirs.cert.pem()).unwrap();
        fs::write(directory.path().join(SERVER_KEY), theirs.signing_key.serialize_pem()).unwrap();
        let sentence = refusal(directory.path());
        assert!(sentence.starts_with("certs/server.pem comes from another authority ("), "{sentence}");
        assert!(Certificates::renew(directory.path(), &[], Keys::Ecdsa).is_err());
        assert_eq!(fs::read_to_string(directory.path().join(SERVER)).unwrap(), theirs.cert.pem());
    }

    #[test]
    fn a_new_authority_remakes_the_pair_of_the_former_one() {
        let directory = tempfile::tempdir().unwrap();
        open(directory.path(), &[]);
        for file in [AUTHORITY, AUTHORITY_KEY] {
            fs::remove_file(directory.path().join(file)).unwrap();
        }
        let certificates = open(directory.path(), &[]);
        assert_eq!(certificates.made().len(), 2);
        let der = fs::read(directory.path().join(AUTHORITY_DER)).unwrap();
        assert_eq!(data_encoding::HEXUPPER.encode(&Sha1::digest(der)), certificates.authority().unwrap().sha1);
    }

    #[test]
    fn a_pair_half_written_is_remade() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let first = open(one.path(), &[]);
        open(other.path(), &[]);
        fs::copy(other.path().join(SERVER_KEY), one.path().join(SERVER_KEY)).unwrap();
        assert_ne!(open(one.path(), &[]).server(), first.server());
    }

    #[test]
    fn a_text_that_is_no_name_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let sentence = Certificates::open(directory.path(), &names(&["no name"]), Keys::Ecdsa).unwrap_err().to_string();
        assert_eq!(
            sentence,
            "`no name` is neither a host name nor an IP address; give --host a name as it stands in the URL, such as \
             mfa01.contoso.com"
        );
        open(directory.path(), &["*.contoso.com", "[2001:db8::0:1]", "under_score"]);
    }

    #[test]
    fn a_pair_from_files_serves() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name| directory.path().join(name);
        open(directory.path(), &[]);
        let own = Certificates::from_pem(&path(SERVER), &path(SERVER_KEY)).unwrap();
        assert!(own.authority().is_none());
        let sentence =
            |certificate, key| Certificates::from_pem(&path(certificate), &path(key)).unwrap_err().to_string();
        assert!(sentence("none.pem", SERVER_KEY).contains("none.pem does not exist; name a file with"));
        assert!(sentence(SERVER, AUTHORITY_KEY).contains("cannot be served with (keys may not be consistent"));
        assert!(sentence(SERVER, SERVER).contains("server.pem holds no key ("));
    }

    #[test]
    fn an_rsa_pair_is_made_once_and_beside_the_other() {
        let directory = tempfile::tempdir().unwrap();
        let ecdsa = open(directory.path(), &[]);
        let both = Certificates::open(directory.path(), &[], Keys::EcdsaAndRsa).unwrap();
        assert_eq!(both.server(), ecdsa.server());
        assert_eq!(both.made(), [directory.path().join("server-rsa.pem")]);
        let again = Certificates::open(directory.path(), &[], Keys::EcdsaAndRsa).unwrap();
        assert!(again.made().is_empty());
        assert_eq!(again.pairs()[1].summary(), both.pairs()[1].summary());

        for cipher in [PfxCipher::Aes, PfxCipher::TripleDes] {
            for pair in again.pairs() {
                let file = directory.path().join("pair.pfx");
                pair.export_pfx(&file, &Secret::from("opensesame"), cipher).unwrap();
                let own = Certificates::from_pfx(&file, &Secret::from("opensesame")).unwrap();
                assert_eq!(own.server().sha1, pair.summary().sha1);
                let sentence = Certificates::from_pfx(&file, &Secret::from("sesame")).unwrap_err().to_string();
                assert!(sentence.contains("pair.pfx is protected by another password; export"), "{sentence}");
            }
        }
        let sentence =
            Certificates::from_pfx(&directory.path().join(SERVER), &Secret::from("")).unwrap_err().to_string();
        assert!(sentence.contains("server.pem is not a PFX file that can be read ("), "{sentence}");
    }
}
