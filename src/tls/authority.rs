//! The development authority: it signs the pair that the server shows. It is made once and stays, because people import
//! it into their machines.

use std::ops::Range;
use std::path::{Path, PathBuf};

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CrlDistributionPoint, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, SerialNumber, SubjectPublicKeyInfo,
};
use rsa::pkcs8::EncodePrivateKey;
use rustls::SignatureAlgorithm;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use time::{Duration, OffsetDateTime};

use super::certificate::{Summary, authority_key, parse, subject_key};
use super::error::TlsError;
use super::fault::CertificateFlaw;
use super::files::{read, read_chain, write};
use super::names::{alternative, own_names};
use super::pair::{Pair, RENEW_BEFORE, RevocationList};
use crate::file::Access;

/// The development authority. Its key is read only to sign a certificate.
pub(super) struct Authority {
    directory: PathBuf,
    pub(super) certificate: CertificateDer<'static>,
    pub(super) summary: Summary,
}

impl Authority {
    /// The authority on disk. `None`: there is none.
    ///
    /// # Errors
    /// It cannot be read, is not an authority, or ends soon.
    pub(super) fn read(directory: &Path, now: OffsetDateTime) -> Result<Option<Self>, TlsError> {
        let (file, key) = (directory.join(AUTHORITY), directory.join(AUTHORITY_KEY));
        let Some(chain) = read_chain(&file)? else { return Ok(None) };
        let remedy = delete_to_remake(&[&file, &key]) + ", which clients then have to trust";
        let wrong = |what: String| TlsError::new(format!("{} {what}", file.display()), &remedy);

        let certificate = chain.map_err(wrong)?.swap_remove(0);
        let summary =
            Summary::of(&certificate, vec![file.clone(), directory.join(AUTHORITY_DER), key]).map_err(wrong)?;
        if !parse(&certificate).map_err(wrong)?.is_ca() {
            return Err(wrong("is not the certificate of an authority".into()));
        }
        if summary.not_after < now + RENEW_BEFORE {
            return Err(wrong(format!("is valid only to {}", summary.not_after.date())));
        }
        let authority = Self { directory: directory.into(), certificate, summary };
        authority.write_der()?;
        Ok(Some(authority))
    }

    pub(super) fn make(directory: &Path, now: OffsetDateTime) -> Result<Self, TlsError> {
        let (certificate, key) = new_authority(now, AUTHORITY_NAME)?;
        let (file, key_file) = (directory.join(AUTHORITY), directory.join(AUTHORITY_KEY));
        write(&key_file, key.serialize_pem().as_bytes(), Access::Owner)?;
        write(&file, certificate.pem().as_bytes(), Access::Usual)?;
        let summary = Summary::of(certificate.der(), vec![file, directory.join(AUTHORITY_DER), key_file])
            .expect("a certificate just made is whole");
        let authority = Self { directory: directory.into(), certificate: certificate.der().clone(), summary };
        authority.write_der()?;
        Ok(authority)
    }

    pub(super) fn certificate_file(&self) -> PathBuf {
        self.directory.join(AUTHORITY)
    }

    /// Keeps the certificate in DER too, which Windows imports.
    fn write_der(&self) -> Result<(), TlsError> {
        let file = self.directory.join(AUTHORITY_DER);
        if read(&file)?.as_deref() == Some(&*self.certificate) {
            return Ok(());
        }
        write(&file, &self.certificate, Access::Usual)
    }

    /// The pair on disk. `None`: there is none, or only a part of one, or a former authority signed it.
    ///
    /// # Errors
    /// A file cannot be read or is not what its name says, or another authority signed the pair.
    pub(super) fn read_pair(&self, algorithm: Algorithm) -> Result<Option<Pair>, TlsError> {
        let (file, key_file) =
            (self.directory.join(algorithm.certificate_file()), self.directory.join(algorithm.key_file()));
        let Some(chain) = read_chain(&file)? else { return Ok(None) };
        let remedy = delete_to_remake(&[&file, &key_file]) + ", or name a pair of your own with --cert and --key";
        let wrong = |what: String| TlsError::new(format!("{} {what}", file.display()), &remedy);

        let chain = chain.map_err(wrong)?;
        let summary = Summary::of(&chain[0], vec![file.clone(), key_file.clone()]).map_err(wrong)?;
        if summary.issuer != self.summary.subject && !summary.issuer.contains(AUTHORITY_NAME) {
            return Err(wrong(format!("comes from another authority ({})", summary.issuer)));
        }
        let Some(pem) = read(&key_file)? else { return Ok(None) };
        let key = PrivateKeyDer::from_pem_slice(&pem)
            .map_err(|error| TlsError::new(format!("{} holds no key ({error})", key_file.display()), &remedy))?;
        // A new authority has the name of the former one; only their keys differ.
        let ours =
            authority_key(&parse(&chain[0]).map_err(wrong)?) == subject_key(&parse(&self.certificate).map_err(wrong)?);
        // Certificate and key differ if the program stopped between writing the one and the other: make a new pair.
        Ok(Pair::new(chain, key, summary).ok().filter(|_| ours))
    }

    pub(super) fn make_pair(
        &self,
        algorithm: Algorithm,
        names: &[String],
        list: &RevocationList,
        now: OffsetDateTime,
    ) -> Result<Pair, TlsError> {
        let not_after = (now + SERVER_LIFE).min(self.summary.not_after);
        let (certificate, key) = new_pair(algorithm, names, list, now..not_after, &self.issuer()?)?;

        let private = self.directory.join(algorithm.key_file());
        write(&private, key.serialize_pem().as_bytes(), Access::Owner)?;
        let file = self.directory.join(algorithm.certificate_file());
        write(&file, certificate.pem().as_bytes(), Access::Usual)?;
        Ok(self.read_pair(algorithm)?.expect("a pair just made can be read"))
    }

    /// The revocation list of an authority on disk: empty, signed now, in DER.
    ///
    /// # Errors
    /// The authority or its key cannot be read.
    pub(super) fn revocation_list(directory: &Path, now: OffsetDateTime) -> Result<Vec<u8>, TlsError> {
        let file = directory.join(AUTHORITY);
        let authority = Self::read(directory, now)?
            .ok_or_else(|| TlsError::new(format!("{} is missing", file.display()), "start the server again"))?;
        let number = now.unix_timestamp().unsigned_abs();
        let list = CertificateRevocationListParams {
            this_update: now - CLOCK_SKEW,
            next_update: now + LIST_LIFE,
            crl_number: SerialNumber::from(number),
            issuing_distribution_point: None,
            revoked_certs: Vec::new(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let signed = list.signed_by(&authority.issuer()?).map_err(|error| TlsError::unmakeable(&error))?;
        Ok(signed.der().to_vec())
    }

    /// The certificate and the key that sign.
    fn issuer(&self) -> Result<Issuer<'static, KeyPair>, TlsError> {
        let (file, key_file) = (self.certificate_file(), self.directory.join(AUTHORITY_KEY));
        let remedy = format!(
            "put the key of {} back, or {}, which clients then have to trust",
            file.display(),
            delete_to_remake(&[&file, &key_file])
        );
        let wrong = |what: &str| TlsError::new(format!("{} {what}", key_file.display()), &remedy);

        let pem = read(&key_file)?.ok_or_else(|| wrong("is missing, so nothing can be signed"))?;
        let key = String::from_utf8(pem).ok().and_then(|pem| KeyPair::from_pem(&pem).ok());
        let key = key.ok_or_else(|| wrong("holds no key"))?;
        let certificate = parse(&self.certificate).map_err(|what| wrong(&what))?;
        if certificate.public_key().subject_public_key.data != key.public_key_raw() {
            return Err(wrong("is not the authority's key"));
        }
        Issuer::from_ca_cert_der(&self.certificate, key).map_err(|error| TlsError::unmakeable(&error))
    }
}

/// What signs on behalf of an authority.
#[derive(Debug)]
pub(super) enum Signer {
    /// The key in this directory, read when it is needed.
    Directory(PathBuf),
    /// The key of an authority that is in no file.
    Memory(Box<Issuer<'static, KeyPair>>),
}

impl Signer {
    /// Signs a certificate for the key of a pair that is served: the same key and names, but for what is wrong on
    /// purpose. `None`: no authority of the server's certificates has its key here, so that one made for this signs.
    pub(super) fn flawed(
        signer: Option<&Self>,
        pair: &Pair,
        flaw: CertificateFlaw,
        now: OffsetDateTime,
    ) -> Result<Pair, TlsError> {
        let unmakeable = |error: rcgen::Error| TlsError::unmakeable(&error);
        let stranger;
        let signer = match signer.filter(|_| flaw != CertificateFlaw::UnknownAuthority) {
            Some(it) => it,
            None => {
                let (authority, key) = new_authority(now, UNKNOWN_AUTHORITY_NAME)?;
                stranger = Self::Memory(Issuer::from_ca_cert_der(authority.der(), key).map_err(unmakeable)?.into());
                &stranger
            }
        };
        let own = [WRONG_NAME.to_owned()];
        let names = if flaw == CertificateFlaw::WrongName { &own } else { &*pair.summary().names };
        let valid = match flaw {
            CertificateFlaw::Expired => now - FLAWED_LIFE..now - Duration::DAY,
            _ => now..now + FLAWED_LIFE,
        };
        let served =
            parse(&pair.key.cert[0]).map_err(|what| TlsError::new(what, "give the server another certificate"))?;
        let key = SubjectPublicKeyInfo::from_der(served.public_key().raw).map_err(unmakeable)?;
        let is_rsa = pair.key.key.algorithm() == SignatureAlgorithm::RSA;
        let algorithm = if is_rsa { Algorithm::Rsa } else { Algorithm::Ecdsa };
        let mut params = server_params(algorithm, names, &RevocationList::None, valid)?;
        // The key has a certificate already, whose number follows from the key: no other may have the same.
        let mut serial = [0; 16];
        getrandom::fill(&mut serial).expect("the system gives randomness");
        serial[0] &= 0x7f;
        params.serial_number = Some(SerialNumber::from(serial.to_vec()));
        let certificate = match signer {
            Self::Memory(issuer) => params.signed_by(&key, issuer.as_ref()).map_err(unmakeable)?,
            Self::Directory(directory) => {
                let authority = Authority::read(directory, now)?.ok_or_else(|| {
                    TlsError::new(
                        format!("{} is missing", directory.join(AUTHORITY).display()),
                        "start the server again",
                    )
                })?;
                params.signed_by(&key, &authority.issuer()?).map_err(unmakeable)?
            }
        };
        let summary = Summary::of(certificate.der(), Vec::new()).expect("a certificate just made is whole");
        Ok(Pair::new(vec![certificate.der().clone()], pair.private.clone_key(), summary)
            .expect("the key is that of the certificate"))
    }
}

/// An authority and its pairs that are in no file and end with the process, and what signs for it.
pub(super) fn in_memory(
    algorithms: &[Algorithm],
    names: &[String],
    now: OffsetDateTime,
) -> Result<(CertificateDer<'static>, Vec<Pair>, Signer), TlsError> {
    let (authority, key) = new_authority(now, AUTHORITY_NAME)?;
    let issuer = Issuer::from_ca_cert_der(authority.der(), key).map_err(|error| TlsError::unmakeable(&error))?;
    let pair = |algorithm: &Algorithm| {
        let (certificate, key) = new_pair(*algorithm, names, &RevocationList::None, now..now + SERVER_LIFE, &issuer)?;
        let summary = Summary::of(certificate.der(), Vec::new()).expect("a certificate just made is whole");
        let private = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        Ok(Pair::new(vec![certificate.der().clone()], private, summary).expect("the key is that of the certificate"))
    };
    let pairs = algorithms.iter().map(pair).collect::<Result<_, TlsError>>()?;
    Ok((authority.der().clone(), pairs, Signer::Memory(issuer.into())))
}

/// A new authority and its key.
fn new_authority(now: OffsetDateTime, name: &str) -> Result<(rcgen::Certificate, KeyPair), TlsError> {
    let mut params = CertificateParams::default();
    let host = own_names().into_iter().next().unwrap_or_else(|| "localhost".into());
    params.distinguished_name.push(DnType::CommonName, format!("{name} ({host})"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = now - CLOCK_SKEW;
    params.not_after = now + AUTHORITY_LIFE;
    let key = KeyPair::generate().map_err(|error| TlsError::unmakeable(&error))?;
    let certificate = params.self_signed(&key).map_err(|error| TlsError::unmakeable(&error))?;
    Ok((certificate, key))
}

/// A new certificate for a server, and its key.
fn new_pair(
    algorithm: Algorithm,
    names: &[String],
    list: &RevocationList,
    valid: Range<OffsetDateTime>,
    issuer: &Issuer<'_, KeyPair>,
) -> Result<(rcgen::Certificate, KeyPair), TlsError> {
    let params = server_params(algorithm, names, list, valid)?;
    // The serial number comes from the key, which is new each time.
    let key = algorithm.make_key().map_err(|error| TlsError::unmakeable(&error))?;
    let certificate = params.signed_by(&key, issuer).map_err(|error| TlsError::unmakeable(&error))?;
    Ok((certificate, key))
}

/// What the certificate of a server says.
fn server_params(
    algorithm: Algorithm,
    names: &[String],
    list: &RevocationList,
    valid: Range<OffsetDateTime>,
) -> Result<CertificateParams, TlsError> {
    let mut params = CertificateParams::default();
    params.subject_alt_names = names.iter().map(|name| alternative(name)).collect::<Result<_, _>>()?;
    let common_name = names.iter().find(|name| name.len() <= 64).map_or("localhost", String::as_str);
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = algorithm.key_usages();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    if let RevocationList::At(address) = list {
        params.crl_distribution_points = vec![CrlDistributionPoint { uris: vec![address.clone()] }];
    }
    params.not_before = valid.start - CLOCK_SKEW;
    params.not_after = valid.end;
    Ok(params)
}

/// What kind of key a pair has.
#[derive(Clone, Copy)]
pub(super) enum Algorithm {
    /// On P-256, the one curve that all Windows hosts and rustls support.
    Ecdsa,
    /// With 2048 bits.
    Rsa,
}

impl Algorithm {
    pub(super) fn certificate_file(self) -> &'static str {
        match self {
            Self::Ecdsa => SERVER,
            Self::Rsa => SERVER_RSA,
        }
    }

    fn key_file(self) -> &'static str {
        match self {
            Self::Ecdsa => SERVER_KEY,
            Self::Rsa => SERVER_RSA_KEY,
        }
    }

    fn key_usages(self) -> Vec<KeyUsagePurpose> {
        match self {
            Self::Ecdsa => vec![KeyUsagePurpose::DigitalSignature],
            Self::Rsa => vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment],
        }
    }

    fn make_key(self) -> Result<KeyPair, rcgen::Error> {
        match self {
            Self::Ecdsa => KeyPair::generate(),
            // rcgen makes keys with ring, which makes no RSA keys.
            Self::Rsa => {
                let mut seed = [0; 32];
                let chance = rustls::crypto::ring::default_provider().secure_random;
                chance.fill(&mut seed).map_err(|_| rcgen::Error::RingUnspecified)?;
                let key = rsa::PrivateKey::new(&mut ChaCha20Rng::from_seed(seed), 2048)
                    .map_err(|_| rcgen::Error::RingUnspecified)?;
                let der = key.to_pkcs8_der().expect("a key just made can be written");
                KeyPair::try_from(der.as_bytes())
            }
        }
    }
}

fn delete_to_remake(files: &[&Path]) -> String {
    let files = files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(" and ");
    format!("delete {files} to have new ones made")
}

/// The file of the authority's certificate in the directory.
pub const AUTHORITY: &str = "authority.pem";
pub(super) const AUTHORITY_DER: &str = "authority.cer";
pub(super) const AUTHORITY_KEY: &str = "authority-key.pem";
/// The file of the server's certificate in the directory.
pub const SERVER: &str = "server.pem";
pub(super) const SERVER_KEY: &str = "server-key.pem";
const SERVER_RSA: &str = "server-rsa.pem";
const SERVER_RSA_KEY: &str = "server-rsa-key.pem";

/// The name of every authority that locmfa makes begins with this.
const AUTHORITY_NAME: &str = "locmfa development authority";

/// The name of an authority that signs a certificate that no client is to trust.
const UNKNOWN_AUTHORITY_NAME: &str = "locmfa unknown authority";

/// The one name of a certificate with a wrong name. RFC 2606 keeps `.invalid` free.
const WRONG_NAME: &str = "wrong-name.invalid";

/// How long a certificate with a flaw is valid: longer than a fault lasts.
const FLAWED_LIFE: Duration = Duration::days(90);

const AUTHORITY_LIFE: Duration = Duration::days(3652);
/// Apple's clients accept no more than 398 days.
const SERVER_LIFE: Duration = Duration::days(396);
/// How long clients may keep a revocation list. Each request gets a new one.
const LIST_LIFE: Duration = Duration::days(7);
/// The clock of a client may be behind the clock of this machine.
const CLOCK_SKEW: Duration = Duration::days(1);
