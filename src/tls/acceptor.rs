//! The server's side of TLS: what it offers, and what a handshake settled.

use std::io;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::{cipher_suite as suite, default_provider};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::sign::SingleCertAndKey;
use rustls::{
    CertificateError, ProtocolVersion, RootCertStore, ServerConfig, ServerConnection, SignatureAlgorithm,
    SignatureScheme, SupportedCipherSuite,
};
use sha1::{Digest, Sha1};
use time::OffsetDateTime;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::certificate::Summary;
use super::certificates::Certificates;
use super::hello::{Hello, Opening, suite_name};
use super::pair::Pair;
use super::verifier::AcceptAny;

/// Turns a connection into a TLS connection.
#[derive(Debug)]
pub struct Acceptor {
    preferred: Terms,
    /// For clients that cannot check the preferred certificate.
    other: Option<Terms>,
    /// Verifies client certificates, after the handshake.
    judge: Option<Arc<dyn ClientCertVerifier>>,
}

/// One certificate, and what is offered with it.
#[derive(Debug)]
struct Terms {
    config: Arc<ServerConfig>,
    certificate: Summary,
    end_point: Arc<[u8]>,
    is_rsa: bool,
}

/// What the server offered on a connection.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'a> {
    pub certificate: &'a Summary,
    pub suites: &'static [SupportedCipherSuite],
    /// Whether there is a certificate with an RSA key.
    pub is_rsa: bool,
    pub now: OffsetDateTime,
}

/// What the handshake of a connection settled.
#[derive(Clone, Debug)]
pub struct TlsFacts {
    /// `TLS 1.2`
    pub version: &'static str,
    /// Its name in the standards: `TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256`.
    pub suite: String,
    /// The host in the client's hello (SNI), if any.
    pub server_name: Option<String>,
    /// The hash of the server's certificate to which a sign-in can be bound: `tls-server-end-point` of RFC 5929.
    pub end_point: Arc<[u8]>,
    /// The client's certificate, if the server asked for one and the client sent one. The client has its key.
    pub client: Option<ClientCertificate>,
}

/// A certificate that a client sent, and whether it is trusted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ClientCertificate {
    /// `CN=mimservice`
    pub subject: String,
    pub issuer: String,
    /// SHA-1, 40 upper-case hexadecimal digits, as Windows shows it.
    pub thumbprint: String,
    /// The error says why it is not trusted: the rest of a sentence that begins with "the certificate".
    pub verdict: Result<(), String>,
}

impl Acceptor {
    /// Offers the certificates, and asks clients for none.
    #[must_use]
    pub fn new(certificates: &Certificates) -> Self {
        Self::with(certificates, &WebPkiClientVerifier::no_client_auth(), None)
    }

    /// Offers the certificates, and asks clients for theirs. The handshake goes on whether they send one or not;
    /// [`ClientCertificate::verdict`] says whether these authorities vouch for it.
    #[must_use]
    pub fn asking_clients(certificates: &Certificates, authorities: &[CertificateDer<'static>]) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(authorities.iter().cloned());
        // Without authorities there is no judge.
        let judge = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::new(provider())).build().ok();
        let any: Arc<dyn ClientCertVerifier> = Arc::new(AcceptAny::judged_later(&provider()));
        Self::with(certificates, &any, judge.map(|judge| judge as _))
    }

    fn with(
        certificates: &Certificates,
        clients: &Arc<dyn ClientCertVerifier>,
        judge: Option<Arc<dyn ClientCertVerifier>>,
    ) -> Self {
        let mut terms = certificates.pairs().iter().map(|pair| Terms::new(pair, clients.clone()));
        let preferred = terms.next().expect("there is a pair");
        let other = terms.next();
        Self { preferred, other, judge }
    }

    /// Performs the handshake.
    ///
    /// # Errors
    /// The client and the server share no terms, or the connection broke. The stream still has its first bytes.
    pub async fn accept<S>(
        &self,
        stream: Opening<S>,
    ) -> Result<(TlsStream<Opening<S>>, TlsFacts), (io::Error, Opening<S>)>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let terms = match &self.other {
            Some(other) if Hello::read(stream.bytes()).is_some_and(|hello| !takes_ecdsa(&hello)) => other,
            _ => &self.preferred,
        };
        let accept = TlsAcceptor::from(terms.config.clone()).accept(stream).into_fallible();
        let mut stream = accept.await?;
        stream.get_mut().0.free();
        let facts = TlsFacts::of(stream.get_ref().1, terms, self.judge.as_deref());
        Ok((stream, facts))
    }

    /// What a client was offered, to tell why it went away.
    #[must_use]
    pub fn offer(&self) -> Offer<'_> {
        let is_rsa = self.preferred.is_rsa || self.other.is_some();
        Offer { certificate: &self.preferred.certificate, suites: SUITES, is_rsa, now: OffsetDateTime::now_utc() }
    }
}

impl Terms {
    fn new(pair: &Pair, clients: Arc<dyn ClientCertVerifier>) -> Self {
        let key = pair.key();
        let is_rsa = key.key.algorithm() == SignatureAlgorithm::RSA;
        let mut config = ServerConfig::builder_with_provider(Arc::new(provider()))
            .with_safe_default_protocol_versions()
            .expect("the suites serve both versions")
            .with_client_cert_verifier(clients)
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(key)));
        config.ignore_client_order = true;
        // Windows sign-in belongs to the connection, which HTTP/2 shares.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self {
            config: Arc::new(config),
            certificate: pair.summary().clone(),
            end_point: pair.end_point().into(),
            is_rsa,
        }
    }
}

impl TlsFacts {
    fn of(connection: &ServerConnection, terms: &Terms, judge: Option<&dyn ClientCertVerifier>) -> Self {
        let suite = connection.negotiated_cipher_suite().map(|suite| suite_name(suite.suite()));
        Self {
            version: match connection.protocol_version() {
                Some(ProtocolVersion::TLSv1_3) => "TLS 1.3",
                _ => "TLS 1.2",
            },
            suite: suite.unwrap_or_default(),
            server_name: connection.server_name().map(str::to_owned),
            end_point: terms.end_point.clone(),
            client: connection.peer_certificates().and_then(|chain| ClientCertificate::judged(chain, judge)),
        }
    }
}

impl ClientCertificate {
    fn judged(chain: &[CertificateDer<'_>], judge: Option<&dyn ClientCertVerifier>) -> Option<Self> {
        let (certificate, chain) = chain.split_first()?;
        let verdict = match judge.map(|judge| judge.verify_client_cert(certificate, chain, UnixTime::now())) {
            Some(Ok(_)) => Ok(()),
            Some(Err(error)) => Err(flaw(&error)),
            None => Err("comes from no authority that is trusted here: none is".into()),
        };
        Some(match Summary::of(certificate, Vec::new()) {
            Ok(Summary { subject, issuer, sha1: thumbprint, .. }) => Self { subject, issuer, thumbprint, verdict },
            Err(what) => {
                let thumbprint = data_encoding::HEXUPPER.encode(&Sha1::digest(certificate));
                Self { subject: String::new(), issuer: String::new(), thumbprint, verdict: Err(what) }
            }
        })
    }
}

/// What is wrong with a client's certificate: the rest of a sentence that begins with it.
fn flaw(error: &rustls::Error) -> String {
    let rustls::Error::InvalidCertificate(error) = error else { return format!("is not sound ({})", words(error)) };
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "has expired".into(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "is not valid yet".into(),
        CertificateError::UnknownIssuer => "comes from an authority that is not trusted here".into(),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "is not for client authentication".into()
        }
        other => format!("is not sound ({})", words(other)),
    }
}

/// The name of a value of an enumeration as words: `no cipher suites in common`.
#[must_use]
pub fn words(value: &impl std::fmt::Debug) -> String {
    let name = format!("{value:?}");
    let name = name.split(['(', '{', ' ']).next().unwrap_or_default();
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(letter.to_ascii_lowercase());
    }
    words
}

/// Whether a client accepts a certificate with an ECDSA key on P-256.
fn takes_ecdsa(hello: &Hello) -> bool {
    let scheme = SignatureScheme::ECDSA_NISTP256_SHA256;
    hello.schemes.contains(&scheme) && hello.shares_suite(SUITES, scheme)
}

fn provider() -> CryptoProvider {
    CryptoProvider { cipher_suites: SUITES.to_vec(), ..default_provider() }
}

/// The server's order of preference decides: AES-128 costs least, and Windows before 2022 has no ChaCha20.
const SUITES: &[SupportedCipherSuite] = &[
    suite::TLS13_AES_128_GCM_SHA256,
    suite::TLS13_AES_256_GCM_SHA384,
    suite::TLS13_CHACHA20_POLY1305_SHA256,
    suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
];
