//! The client's side of TLS: the handshake, and what is wrong with the service's certificate.

use std::sync::Arc;

use rustls::crypto::ring::default_provider;
use rustls::pki_types::ServerName;
use rustls::{AlertDescription, ClientConfig, ProtocolVersion};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::Client;
use super::failure::{CallStage, Failure, by};
use crate::tls::hello::suite_name;
use crate::tls::{AcceptAny, ServerCertificate, Summary, TrustAnchor};

/// What a TLS handshake settled.
#[derive(Clone, Debug)]
pub struct Handshake {
    /// `TLS 1.2`
    pub version: &'static str,
    /// Its name in the standards.
    pub suite: String,
    pub certificate: ServerCertificate,
}

impl Client {
    /// Performs the TLS handshake and judges the certificate. It succeeds with a certificate that is not trusted too:
    /// see [`check`](Self::check).
    ///
    /// # Errors
    /// [`CallStage::Tls`]
    pub async fn handshake<S>(&self, stream: S, deadline: Instant) -> Result<(TlsStream<S>, Handshake), Failure>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let failure = |what: String, remedy: &str| Failure::new(CallStage::Tls, what, remedy);
        let host = ServerName::try_from(self.target.host.clone()).map_err(|_| {
            failure(format!("{} cannot stand in a certificate.", self.target.host), "Correct the host.")
        })?;
        by(deadline, CallStage::Tls, async {
            let connector = TlsConnector::from(Arc::new(config()));
            let stream = connector.connect(host.clone(), stream).await.map_err(|error| tls_failure(&error))?;
            let connection = stream.get_ref().1;
            let chain = connection.peer_certificates().unwrap_or_default();
            let certificate = self.trust.judge(chain, &host).map_err(|what| {
                failure(format!("The service {what}."), "Give the service a certificate with its key.")
            })?;
            let handshake = Handshake {
                version: match connection.protocol_version() {
                    Some(ProtocolVersion::TLSv1_3) => "TLS 1.3",
                    _ => "TLS 1.2",
                },
                suite: connection.negotiated_cipher_suite().map(|it| suite_name(it.suite())).unwrap_or_default(),
                certificate,
            };
            Ok((stream, handshake))
        })
        .await
    }

    /// Whether the certificate is for the host, valid now, and trusted.
    ///
    /// # Errors
    /// [`CallStage::Certificate`], for the first that is wrong of name, dates and trust.
    pub fn check(&self, certificate: &ServerCertificate) -> Result<(), Failure> {
        self.check_name(certificate)?;
        check_dates(certificate)?;
        check_trust(certificate)
    }

    /// Whether the certificate is for the host.
    ///
    /// # Errors
    /// [`CallStage::Certificate`]
    pub fn check_name(&self, certificate: &ServerCertificate) -> Result<(), Failure> {
        if certificate.names_host {
            return Ok(());
        }
        let names = certificate.summary.names.join(", ");
        let names = if names.is_empty() { "no name at all" } else { &names };
        Err(Failure::new(
            CallStage::Certificate,
            format!("The certificate is for {names}, and the URL says {}.", self.target.host),
            "Write one of these names into the URL, or give the service a certificate for the URL's host (locmfa --host NAME).",
        ))
    }
}

/// Whether the certificate is valid now.
///
/// # Errors
/// [`CallStage::Certificate`]
pub fn check_dates(certificate: &ServerCertificate) -> Result<(), Failure> {
    if certificate.is_current {
        return Ok(());
    }
    let Summary { not_before, not_after, .. } = &certificate.summary;
    Err(Failure::new(
        CallStage::Certificate,
        format!("The certificate is valid from {} to {}, which is not now.", not_before.date(), not_after.date()),
        "Give the service a new certificate (locmfa certs new), or set the clock of this machine right.",
    ))
}

/// Whether the certificate is trusted.
///
/// # Errors
/// [`CallStage::Certificate`]
pub fn check_trust(certificate: &ServerCertificate) -> Result<(), Failure> {
    let TrustAnchor::None(why) = &certificate.trust_anchor else { return Ok(()) };
    Err(Failure::new(
        CallStage::Certificate,
        format!("The certificate of {} by {} {why}.", certificate.summary.subject, certificate.summary.issuer),
        "Import the authority into this machine's root store (`locmfa certs trust` says how), or name its file with --authority (certs/authority.pem, where locmfa made it).",
    ))
}

fn tls_failure(error: &std::io::Error) -> Failure {
    let tls = error.get_ref().and_then(|it| it.downcast_ref::<rustls::Error>());
    let (what, remedy) = match tls {
        Some(rustls::Error::AlertReceived(AlertDescription::ProtocolVersion))
        | Some(rustls::Error::PeerIncompatible(rustls::PeerIncompatible::ServerDoesNotSupportTls12Or13)) => (
            "The service speaks no TLS 1.2 or newer.".into(),
            "Let the service's host offer TLS 1.2 (Schannel, Protocols, TLS 1.2, Server). MIM may still get in with an older version.",
        ),
        Some(rustls::Error::AlertReceived(AlertDescription::HandshakeFailure)) => (
            "The service shares no cipher suite with this client (handshake failure).".into(),
            "This client speaks ECDHE with AES-GCM. Windows before 2016 has that for ECDSA certificates only; MIM on such a host may still get in with CBC suites.",
        ),
        Some(rustls::Error::AlertReceived(AlertDescription::CertificateRequired)) => (
            "The service requires a client certificate.".into(),
            "Let it accept certificates instead of requiring them.",
        ),
        Some(rustls::Error::InvalidMessage(_)) => (
            "What listens there does not speak TLS.".into(),
            "Write http:// in the URL if the service is meant to speak plain HTTP, or correct the port.",
        ),
        Some(other) => (format!("The TLS handshake failed: {other}."), "The service's log says more, if it is locmfa."),
        None => (
            format!("The connection ended during the TLS handshake ({error})."),
            "The service may offer TLS older than 1.2 alone, may have no certificate bound to its port, or another program listens there.",
        ),
    };
    Failure::new(CallStage::Tls, what, remedy)
}

/// What the client offers. The handshake accepts every certificate, so that the client can say all that is wrong with
/// it. No request goes out before [`Client::check`].
fn config() -> ClientConfig {
    let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the suites serve both versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AcceptAny::judged_later(&default_provider())))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config
}
