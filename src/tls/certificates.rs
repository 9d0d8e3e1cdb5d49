//! The development authority and the server's pair, kept as files in one directory.
//!
//! The authority is made once and stays, because people import it into their machines. The pair that it signs is
//! remade whenever a name is missing in it or its end comes near, and nobody need do anything about that.

use std::fs::{self, File};
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use p12_keystore::{
    EncryptionAlgorithm, KeyStore, KeyStoreEntry, MacAlgorithm, Pkcs12ImportPolicy, PrivateKey, PrivateKeyChain,
};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType,
};
use rsa::pkcs8::EncodePrivateKey;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, DnsName, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};
use time::{Duration, OffsetDateTime};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, ParsedExtension};

use crate::contract::Secret;

/// What the server shows to its clients, and the authority behind it.
#[derive(Debug)]
pub struct Certificates {
    authority: Option<Summary>,
    pairs: Vec<Pair>,
    made: Vec<PathBuf>,
}

/// A certificate with its key, ready to serve.
#[derive(Debug)]
pub struct Pair {
    key: Arc<CertifiedKey>,
    private: PrivateKeyDer<'static>,
    summary: Summary,
}

/// Which keys the server has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Keys {
    Ecdsa,
    /// An RSA key, too, for clients that take no other.
    EcdsaAndRsa,
}

/// How a PFX file is protected.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PfxCipher {
    /// AES-256 and SHA-256: Windows Server 2019 and newer.
    Aes,
    /// 3DES and SHA-1, which every Windows reads.
    TripleDes,
}

/// What becomes of a pair that still serves.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Former {
    Keep,
    Replace,
}

/// What people want to know of a certificate.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Summary {
    pub subject: String,
    pub issuer: String,
    /// Host names and IP addresses, as written in the certificate.
    pub names: Vec<String>,
    pub not_before: OffsetDateTime,
    pub not_after: OffsetDateTime,
    /// 40 upper-case hexadecimal digits: what Windows calls the thumbprint.
    pub sha1: String,
    /// 64 upper-case hexadecimal digits.
    pub sha256: String,
    /// Where it is kept, the key last.
    pub files: Vec<PathBuf>,
}

/// Why there is no certificate to serve with, in one sentence that ends with the remedy.
#[derive(Debug, thiserror::Error)]
#[error("{wrong}; {remedy}")]
pub struct TlsError {
    wrong: String,
    remedy: String,
}

impl Certificates {
    /// Opens the directory, and makes whatever is missing in it or no longer serves.
    ///
    /// The pair is for `names` (host names or IP addresses), the machine's own names, and loopback. Names that an
    /// earlier pair has beyond these stay in it until it is remade.
    ///
    /// # Errors
    /// A file or the directory cannot be read or written, a file is not what its name says, or a name is none.
    pub fn open(directory: &Path, names: &[String], keys: Keys) -> Result<Self, TlsError> {
        Self::open_at(directory, &all_names(names)?, keys, OffsetDateTime::now_utc(), Former::Keep)
    }

    fn open_at(
        directory: &Path,
        names: &[String],
        keys: Keys,
        now: OffsetDateTime,
        former: Former,
    ) -> Result<Self, TlsError> {
        fs::create_dir_all(directory).map_err(|error| unwritable(directory, &error))?;
        let _lock = lock(directory);
        let mut made = Vec::new();

        let authority = if let Some(authority) = Authority::read(directory, now)? {
            authority
        } else {
            let authority = Authority::make(directory, now)?;
            made.push(authority.certificate_file());
            authority
        };
        let algorithms: &[Algorithm] = match keys {
            Keys::Ecdsa => &[Algorithm::Ecdsa],
            Keys::EcdsaAndRsa => &[Algorithm::Ecdsa, Algorithm::Rsa],
        };
        let mut pairs = Vec::new();
        for algorithm in algorithms {
            pairs.push(match authority.read_pair(*algorithm)? {
                Some(pair) if former == Former::Keep && pair.serves(names, now) => pair,
                _ => {
                    made.push(directory.join(algorithm.certificate_file()));
                    authority.make_pair(*algorithm, names, now)?
                }
            });
        }
        Ok(Self { authority: Some(authority.summary), pairs, made })
    }

    /// As [`Certificates::open`], but makes a new pair in any case: for exactly these names, the machine's own, and
    /// loopback. The authority stays.
    ///
    /// # Errors
    /// As for [`Certificates::open`].
    pub fn renew(directory: &Path, names: &[String], keys: Keys) -> Result<Self, TlsError> {
        Self::open_at(directory, &all_names(names)?, keys, OffsetDateTime::now_utc(), Former::Replace)
    }

    /// A certificate of one's own: the chain, the server's certificate first, and its key, both PEM.
    ///
    /// # Errors
    /// A file cannot be read, is not what it should be, or the key is not the certificate's.
    pub fn from_pem(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let remedy = "name the PEM files of a certificate and of its key";
        let chain = read_certificates(certificate)?;
        let pem = read_existing(key, remedy)?;
        let private = PrivateKeyDer::from_pem_slice(&pem)
            .map_err(|error| TlsError::new(format!("{} holds no key ({error})", key.display()), remedy))?;
        Self::own(chain, private, &[certificate, key], remedy)
    }

    /// A certificate of one's own, with its chain and key, as Windows exports it.
    ///
    /// # Errors
    /// The file cannot be read, is not a PFX file, or is opened by another password.
    pub fn from_pfx(file: &Path, password: &Secret) -> Result<Self, TlsError> {
        let remedy = "export the certificate with its private key and a password, and give that password";
        let wrong = |what: &str| TlsError::new(format!("{} {what}", file.display()), remedy);
        let bytes = read_existing(file, "name the PFX file of a certificate")?;
        let store = KeyStore::from_pkcs12(&bytes, password.reveal(), Pkcs12ImportPolicy::Strict);
        let store = store.map_err(|error| match error {
            p12_keystore::error::Error::MacError(_) => wrong("is protected by another password"),
            error => wrong(&format!("is not a PFX file that can be read ({error})")),
        })?;
        let (_, entry) = store.private_key_chain().ok_or_else(|| wrong("holds no certificate with its key"))?;
        let chain = entry.certs().iter().map(|it| CertificateDer::from(it.as_der().to_vec())).collect();
        let private = PrivatePkcs8KeyDer::from(entry.key().as_der().to_vec()).into();
        Self::own(chain, private, &[file], remedy)
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
        Ok(Self { authority: None, pairs: vec![pair], made: Vec::new() })
    }

    /// The development authority, if the server's certificate comes from it.
    #[must_use]
    pub fn authority(&self) -> Option<&Summary> {
        self.authority.as_ref()
    }

    /// The certificate that most clients see.
    #[must_use]
    pub fn server(&self) -> &Summary {
        &self.pairs[0].summary
    }

    /// All pairs, in the order in which the server would use them.
    #[must_use]
    pub fn pairs(&self) -> &[Pair] {
        &self.pairs
    }

    /// The certificate files that this opening made.
    #[must_use]
    pub fn made(&self) -> &[PathBuf] {
        &self.made
    }
}

impl Pair {
    fn new(
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

    /// Writes the certificate, its chain and its key to a file that Windows imports. Its owner alone can read it.
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
        write(file, &writer.write().map_err(wrong)?, Readers::Owner)
    }

    /// What signs handshakes.
    pub(super) fn key(&self) -> Arc<CertifiedKey> {
        self.key.clone()
    }

    /// The certificate as channel bindings name it.
    pub(super) fn end_point(&self) -> Vec<u8> {
        end_point(&self.key.cert[0])
    }

    fn serves(&self, names: &[String], now: OffsetDateTime) -> bool {
        let summary = &self.summary;
        names.iter().all(|name| summary.names.contains(name))
            && summary.not_before <= now
            && now + RENEW_BEFORE < summary.not_after
    }
}

impl Summary {
    /// Reads a certificate that is kept in those files, if any.
    ///
    /// # Errors
    /// The bytes are no certificate: the end of a sentence about them.
    pub fn of(certificate: &CertificateDer<'_>, files: Vec<PathBuf>) -> Result<Self, String> {
        let parsed = parse(certificate)?;
        Ok(Self {
            subject: parsed.subject().to_string(),
            issuer: parsed.issuer().to_string(),
            names: names_in(&parsed),
            not_before: parsed.validity().not_before.to_datetime(),
            not_after: parsed.validity().not_after.to_datetime(),
            sha1: data_encoding::HEXUPPER.encode(&Sha1::digest(certificate)),
            sha256: data_encoding::HEXUPPER.encode(&Sha256::digest(certificate)),
            files,
        })
    }
}

/// A certificate as channel bindings of the type `tls-server-end-point` name it (RFC 5929): its hash, by the hash
/// function of its signature, or SHA-256 if that is older.
#[must_use]
pub fn end_point(certificate: &CertificateDer<'_>) -> Vec<u8> {
    let signature = parse(certificate).map(|it| it.signature_algorithm.algorithm.to_id_string());
    match signature.as_deref() {
        Ok(oid::ECDSA_WITH_SHA384 | oid::RSA_WITH_SHA384) => Sha384::digest(certificate).to_vec(),
        Ok(oid::ECDSA_WITH_SHA512 | oid::RSA_WITH_SHA512) => Sha512::digest(certificate).to_vec(),
        _ => Sha256::digest(certificate).to_vec(),
    }
}

impl TlsError {
    fn new(wrong: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { wrong: wrong.into(), remedy: remedy.into() }
    }
}

// -------------------------------------------------------------------------------------------------------------
// The authority

/// The development authority. Its key is read only when something is to be signed.
struct Authority {
    directory: PathBuf,
    certificate: CertificateDer<'static>,
    summary: Summary,
}

impl Authority {
    fn read(directory: &Path, now: OffsetDateTime) -> Result<Option<Self>, TlsError> {
        let (file, key) = (directory.join(AUTHORITY), directory.join(AUTHORITY_KEY));
        let Some(chain) = read_chain(&file)? else { return Ok(None) };
        let remedy = anew(&[&file, &key]) + ", which clients then have to trust";
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

    fn make(directory: &Path, now: OffsetDateTime) -> Result<Self, TlsError> {
        let mut params = CertificateParams::default();
        let host = own_names().into_iter().next().unwrap_or_else(|| "localhost".into());
        params.distinguished_name.push(DnType::CommonName, format!("{AUTHORITY_NAME} ({host})"));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.not_before = now - CLOCK_SKEW;
        params.not_after = now + AUTHORITY_LIFE;
        let key = KeyPair::generate().map_err(|error| unmakeable(&error))?;
        let certificate = params.self_signed(&key).map_err(|error| unmakeable(&error))?;

        let (file, key_file) = (directory.join(AUTHORITY), directory.join(AUTHORITY_KEY));
        write(&key_file, key.serialize_pem().as_bytes(), Readers::Owner)?;
        write(&file, certificate.pem().as_bytes(), Readers::Everybody)?;
        let summary = Summary::of(certificate.der(), vec![file, directory.join(AUTHORITY_DER), key_file])
            .expect("a certificate just made is whole");
        let authority = Self { directory: directory.into(), certificate: certificate.der().clone(), summary };
        authority.write_der()?;
        Ok(authority)
    }

    fn certificate_file(&self) -> PathBuf {
        self.directory.join(AUTHORITY)
    }

    /// The same certificate as Windows likes to import it.
    fn write_der(&self) -> Result<(), TlsError> {
        let file = self.directory.join(AUTHORITY_DER);
        if read(&file)?.as_deref() == Some(&*self.certificate) {
            return Ok(());
        }
        write(&file, &self.certificate, Readers::Everybody)
    }

    /// The pair on disk, if it is one that an authority of ours signed and that can serve.
    fn read_pair(&self, algorithm: Algorithm) -> Result<Option<Pair>, TlsError> {
        let (file, key_file) =
            (self.directory.join(algorithm.certificate_file()), self.directory.join(algorithm.key_file()));
        let Some(chain) = read_chain(&file)? else { return Ok(None) };
        let remedy = anew(&[&file, &key_file]) + ", or name a pair of your own with --cert and --key";
        let wrong = |what: String| TlsError::new(format!("{} {what}", file.display()), &remedy);

        let chain = chain.map_err(wrong)?;
        let summary = Summary::of(&chain[0], vec![file.clone(), key_file.clone()]).map_err(wrong)?;
        if summary.issuer != self.summary.subject && !summary.issuer.contains(AUTHORITY_NAME) {
            return Err(wrong(format!("comes from another authority ({})", summary.issuer)));
        }
        let Some(pem) = read(&key_file)? else { return Ok(None) };
        let key = PrivateKeyDer::from_pem_slice(&pem)
            .map_err(|error| TlsError::new(format!("{} holds no key ({error})", key_file.display()), &remedy))?;
        // An authority that was made anew has the name of the former one; its key tells them apart.
        let ours =
            authority_key(&parse(&chain[0]).map_err(wrong)?) == subject_key(&parse(&self.certificate).map_err(wrong)?);
        // Certificate and key differ if the last writing stopped half-way: that pair is remade.
        Ok(Pair::new(chain, key, summary).ok().filter(|_| ours))
    }

    fn make_pair(&self, algorithm: Algorithm, names: &[String], now: OffsetDateTime) -> Result<Pair, TlsError> {
        let issuer = self.issuer()?;
        let mut params = CertificateParams::default();
        params.subject_alt_names = names.iter().map(|name| alternative(name)).collect::<Result<_, _>>()?;
        let common_name = names.iter().find(|name| name.len() <= 64).map_or("localhost", String::as_str);
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = algorithm.key_usages();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        params.not_before = now - CLOCK_SKEW;
        params.not_after = (now + SERVER_LIFE).min(self.summary.not_after);
        // The serial number comes from the key, which is new each time.
        let key = algorithm.make_key().map_err(|error| unmakeable(&error))?;
        let certificate = params.signed_by(&key, &issuer).map_err(|error| unmakeable(&error))?;

        let private = self.directory.join(algorithm.key_file());
        write(&private, key.serialize_pem().as_bytes(), Readers::Owner)?;
        let file = self.directory.join(algorithm.certificate_file());
        write(&file, certificate.pem().as_bytes(), Readers::Everybody)?;
        Ok(self.read_pair(algorithm)?.expect("a pair just made can be read"))
    }

    /// What signs.
    fn issuer(&self) -> Result<Issuer<'static, KeyPair>, TlsError> {
        let (file, key_file) = (self.certificate_file(), self.directory.join(AUTHORITY_KEY));
        let remedy = format!(
            "put the key of {} back, or {}, which clients then have to trust",
            file.display(),
            anew(&[&file, &key_file])
        );
        let wrong = |what: &str| TlsError::new(format!("{} {what}", key_file.display()), &remedy);

        let pem = read(&key_file)?.ok_or_else(|| wrong("is missing, so nothing can be signed"))?;
        let key = String::from_utf8(pem).ok().and_then(|pem| KeyPair::from_pem(&pem).ok());
        let key = key.ok_or_else(|| wrong("holds no key"))?;
        let certificate = parse(&self.certificate).map_err(|what| wrong(&what))?;
        if certificate.public_key().subject_public_key.data != key.public_key_raw() {
            return Err(wrong("is not the authority's key"));
        }
        Issuer::from_ca_cert_der(&self.certificate, key).map_err(|error| unmakeable(&error))
    }
}

// -------------------------------------------------------------------------------------------------------------
// Algorithms

#[derive(Clone, Copy)]
enum Algorithm {
    /// On P-256: the one curve on which all Windows hosts and rustls agree.
    Ecdsa,
    /// With 2048 bits.
    Rsa,
}

impl Algorithm {
    fn certificate_file(self) -> &'static str {
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
            // Ring, by which rcgen makes keys, makes none for RSA.
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

// -------------------------------------------------------------------------------------------------------------
// Names

/// The names asked for, the machine's own and loopback, each once, in the form that a certificate shows.
fn all_names(names: &[String]) -> Result<Vec<String>, TlsError> {
    let mut all = Vec::new();
    for name in names {
        let name = name.trim().trim_start_matches('[').trim_end_matches([']', '.']).to_ascii_lowercase();
        if !is_name(&name) {
            return Err(TlsError::new(
                format!("`{name}` is neither a host name nor an IP address"),
                "give --host a name as it stands in the URL, such as mfa01.contoso.com",
            ));
        }
        all.push(name.parse::<IpAddr>().map_or(name, |address| address.to_string()));
    }
    all.extend(own_names());
    all.extend(["localhost", "127.0.0.1", "::1"].map(String::from));
    let mut seen = std::collections::HashSet::new();
    all.retain(|name| seen.insert(name.clone()));
    Ok(all)
}

fn is_name(name: &str) -> bool {
    name.parse::<IpAddr>().is_ok() || DnsName::try_from(name.strip_prefix("*.").unwrap_or(name)).is_ok()
}

fn alternative(name: &str) -> Result<SanType, TlsError> {
    Ok(match name.parse() {
        Ok(address) => SanType::IpAddress(address),
        Err(_) => SanType::DnsName(name.try_into().map_err(|error| unmakeable(&error))?),
    })
}

/// The machine's name, with its domain where it has one.
#[must_use]
pub fn host_name() -> String {
    own_names().pop().unwrap_or_else(|| "localhost".into())
}

/// The machine's short name and its full name, as far as the machine itself knows it. No name server is asked: that
/// can take seconds.
fn own_names() -> Vec<String> {
    let Some(host) = hostname::get().ok().and_then(|name| name.into_string().ok()) else { return Vec::new() };
    let host = host.to_ascii_lowercase();
    let short = host.split('.').next().unwrap_or(&host).to_owned();
    let full = if host == short { full_name(&short) } else { Some(host) };
    [Some(short), full].into_iter().flatten().filter(|name| is_name(name)).collect()
}

#[cfg(windows)]
fn full_name(short: &str) -> Option<String> {
    let parameters =
        windows_registry::LOCAL_MACHINE.open(r"SYSTEM\CurrentControlSet\Services\Tcpip\Parameters").ok()?;
    let domain = parameters.get_string("Domain").ok().filter(|domain| !domain.is_empty())?;
    Some(format!("{short}.{}", domain.to_ascii_lowercase()))
}

#[cfg(not(windows))]
fn full_name(short: &str) -> Option<String> {
    full_name_in(&fs::read_to_string("/etc/hosts").ok()?, short)
}

/// The name in a hosts file that continues the short one with a domain.
#[cfg(any(not(windows), test))]
fn full_name_in(hosts: &str, short: &str) -> Option<String> {
    hosts
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default())
        .flat_map(|line| line.split_whitespace().skip(1))
        .map(str::to_ascii_lowercase)
        .find(|name| name.strip_prefix(short).is_some_and(|rest| rest.starts_with('.') && rest.len() > 1))
}

// -------------------------------------------------------------------------------------------------------------
// Certificates as bytes

fn parse<'a>(certificate: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, String> {
    x509_parser::parse_x509_certificate(certificate)
        .map(|(_, parsed)| parsed)
        .map_err(|error| format!("holds no certificate ({error})"))
}

fn names_in(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else { return Vec::new() };
    let name = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes).ok().map(|bytes| IpAddr::from(bytes).to_string()),
            _ => <[u8; 16]>::try_from(*bytes).ok().map(|bytes| IpAddr::from(bytes).to_string()),
        },
        _ => None,
    };
    extension.value.general_names.iter().filter_map(name).collect()
}

/// The identifier of the key that signed a certificate.
fn authority_key<'a>(certificate: &X509Certificate<'a>) -> Option<&'a [u8]> {
    certificate.iter_extensions().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::AuthorityKeyIdentifier(identifier) => identifier.key_identifier.as_ref().map(|key| key.0),
        _ => None,
    })
}

/// The identifier of a certificate's own key.
fn subject_key<'a>(certificate: &X509Certificate<'a>) -> Option<&'a [u8]> {
    certificate.iter_extensions().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::SubjectKeyIdentifier(key) => Some(key.0),
        _ => None,
    })
}

// -------------------------------------------------------------------------------------------------------------
// Files

/// Who may read a file. Windows has no mode bits: there the directory's access list decides.
#[derive(Clone, Copy)]
enum Readers {
    Owner,
    Everybody,
}

/// Nobody else makes files here while this is held. Where nothing can be locked, as in a directory that is only to
/// be read, the files are there already or the opening fails.
fn lock(directory: &Path) -> Option<File> {
    let file = File::options().create(true).truncate(false).write(true).open(directory.join(LOCK)).ok()?;
    file.lock().ok()?;
    Some(file)
}

/// The certificates of a PEM file: of a chain, or of authorities.
///
/// # Errors
/// The file cannot be read, or holds none.
pub fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let remedy = "name a PEM file with at least one certificate";
    let chain = read_chain(path)?.ok_or_else(|| TlsError::new(format!("{} does not exist", path.display()), remedy))?;
    chain.map_err(|what| TlsError::new(format!("{} {what}", path.display()), remedy))
}

/// The certificates of a PEM file, at least one; nothing if there is no such file; what is
/// wrong if it holds none.
fn read_chain(path: &Path) -> Result<Option<Result<Vec<CertificateDer<'static>>, String>>, TlsError> {
    let Some(pem) = read(path)? else { return Ok(None) };
    let chain = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>();
    Ok(Some(match chain {
        Ok(chain) if chain.is_empty() => Err("holds no certificate in PEM form".into()),
        Ok(chain) => Ok(chain),
        Err(error) => Err(format!("holds no certificate ({error})")),
    }))
}

fn read_existing(path: &Path, remedy: &str) -> Result<Vec<u8>, TlsError> {
    read(path)?.ok_or_else(|| TlsError::new(format!("{} does not exist", path.display()), remedy))
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, TlsError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(TlsError::new(
            format!("{} cannot be read ({error})", path.display()),
            "let this account read it, or name another directory with --certs",
        )),
    }
}

/// Writes a whole file or none: a reader sees the former one until the new one is complete.
fn write(path: &Path, contents: &[u8], readers: Readers) -> Result<(), TlsError> {
    let temporary = path.with_added_extension("new");
    let written = (|| {
        match fs::remove_file(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(
            &mut options,
            match readers {
                Readers::Owner => 0o600,
                Readers::Everybody => 0o644,
            },
        );
        #[cfg(not(unix))]
        let _ = readers;
        let mut file = options.open(&temporary)?;
        file.write_all(contents)?;
        file.sync_all()?;
        drop(file);
        fs::rename(&temporary, path)
    })();
    written.map_err(|error| unwritable(path, &error))
}

fn unwritable(path: &Path, error: &io::Error) -> TlsError {
    TlsError::new(
        format!("{} cannot be written ({error})", path.display()),
        "let this account write there, or name another directory with --certs",
    )
}

fn unmakeable(error: &rcgen::Error) -> TlsError {
    TlsError::new(
        format!("a certificate could not be made ({error})"),
        "name a certificate of your own with --cert and --key",
    )
}

fn anew(files: &[&Path]) -> String {
    let files = files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(" and ");
    format!("delete {files} to have new ones made")
}

/// The authority's certificate within the directory.
pub const AUTHORITY: &str = "authority.pem";
const AUTHORITY_DER: &str = "authority.cer";
const AUTHORITY_KEY: &str = "authority-key.pem";
/// The server's certificate within the directory.
pub const SERVER: &str = "server.pem";
const SERVER_KEY: &str = "server-key.pem";
const SERVER_RSA: &str = "server-rsa.pem";
const SERVER_RSA_KEY: &str = "server-rsa-key.pem";
const LOCK: &str = ".lock";

/// The name that every authority of ours begins with.
const AUTHORITY_NAME: &str = "locmfa development authority";

const AUTHORITY_LIFE: Duration = Duration::days(3652);
/// Clients of Apple's accept no longer life than 398 days.
const SERVER_LIFE: Duration = Duration::days(396);
const RENEW_BEFORE: Duration = Duration::days(30);
/// The caller's clock may be behind ours.
const CLOCK_SKEW: Duration = Duration::days(1);

mod oid {
    pub(super) const ECDSA_WITH_SHA384: &str = "1.2.840.10045.4.3.3";
    pub(super) const ECDSA_WITH_SHA512: &str = "1.2.840.10045.4.3.4";
    pub(super) const RSA_WITH_SHA384: &str = "1.2.840.113549.1.1.12";
    pub(super) const RSA_WITH_SHA512: &str = "1.2.840.113549.1.1.13";
}

#[cfg(test)]
mod tests {
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
    fn a_pair_whose_end_comes_near_is_remade() {
        let directory = tempfile::tempdir().unwrap();
        let names = all_names(&[]).unwrap();
        let now = OffsetDateTime::now_utc();
        let at = |days| {
            Certificates::open_at(directory.path(), &names, Keys::Ecdsa, now + Duration::days(days), Former::Keep)
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
            Certificates::open_at(directory.path(), &names, Keys::Ecdsa, now + Duration::days(days), Former::Keep)
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
    fn somebody_elses_pair_is_not_overwritten() {
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
    fn a_name_that_is_none_is_refused() {
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
    fn a_pair_of_ones_own_serves() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name| directory.path().join(name);
        open(directory.path(), &[]);
        let own = Certificates::from_pem(&path(SERVER), &path(SERVER_KEY)).unwrap();
        assert!(own.authority().is_none());
        let sentence =
            |certificate, key| Certificates::from_pem(&path(certificate), &path(key)).unwrap_err().to_string();
        assert!(sentence("none.pem", SERVER_KEY).contains("none.pem does not exist; name a PEM file with"));
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

    #[test]
    fn the_full_name_comes_from_the_hosts_file() {
        let hosts =
            "127.0.0.1 localhost\n# 10.0.0.1 mfa01.wrong\n10.0.0.1\tmfa011.contoso.com MFA01.contoso.com mfa01\n";
        assert_eq!(full_name_in(hosts, "mfa01").as_deref(), Some("mfa01.contoso.com"));
        assert_eq!(full_name_in(hosts, "mfa02"), None);
    }
}
