//! TLS: what the server offers, and what a handshake settled.

use std::io;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::{cipher_suite as suite, default_provider};
use rustls::sign::SingleCertAndKey;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::server::TlsStream;

use super::certificates::Certificates;

/// Turns a connection into a TLS connection.
#[derive(Debug)]
pub struct Acceptor {
    config: Arc<ServerConfig>,
}

/// What the handshake of a connection settled.
#[derive(Clone, Debug)]
pub struct TlsFacts {
    /// As people write it: `TLS 1.2`.
    pub version: &'static str,
    /// As the standards write it: `TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256`.
    pub suite: String,
    /// The host that the client wanted to reach, if it said so.
    pub server_name: Option<String>,
}

impl Acceptor {
    #[must_use]
    pub fn new(certificates: &Certificates) -> Self {
        let provider = CryptoProvider { cipher_suites: SUITES.to_vec(), ..default_provider() };
        let mut config = ServerConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()
            .expect("the suites serve both versions")
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(certificates.key())));
        config.ignore_client_order = true;
        // Windows authentication belongs to the connection, which HTTP/2 shares.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self { config: Arc::new(config) }
    }

    /// Shakes hands.
    ///
    /// # Errors
    /// The client and the server did not come to terms, or the connection broke.
    pub async fn accept<S>(&self, stream: S) -> io::Result<(TlsStream<S>, TlsFacts)>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let stream = tokio_rustls::TlsAcceptor::from(self.config.clone()).accept(stream).await?;
        let facts = TlsFacts::of(stream.get_ref().1);
        Ok((stream, facts))
    }
}

impl TlsFacts {
    fn of(connection: &rustls::ServerConnection) -> Self {
        let suite = connection.negotiated_cipher_suite().map(|suite| suite.suite());
        Self {
            version: match connection.protocol_version() {
                Some(rustls::ProtocolVersion::TLSv1_3) => "TLS 1.3",
                _ => "TLS 1.2",
            },
            suite: suite.map(|suite| format!("{suite:?}").replace("TLS13_", "TLS_")).unwrap_or_default(),
            server_name: connection.server_name().map(str::to_owned),
        }
    }
}

/// In the order of our liking, which counts: AES-128 costs least, and Windows before 2022 knows no ChaCha20.
const SUITES: &[rustls::SupportedCipherSuite] = &[
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
