//! Connections over real sockets, as clients see them, and what the log says of those that fail.

use std::path::Path;

use axum::routing::any;
use axum::{Extension, Router};
use rustls::crypto::ring::cipher_suite as suite;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream as ClientStream;

use super::*;
use crate::server::wire::WireFault;
use crate::tls::{Certificates, Keys, Summary};

mod fault;
mod request;
mod trouble;

const PICK: &str = "127.0.0.1:0";

/// A server on a free port, ended when told.
struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
    failures: Arc<Failures>,
}

impl Running {
    async fn start(tls: Option<Arc<Renewable>>, app: impl Into<App>, limits: Limits) -> Self {
        let app = app.into();
        let listening = Listening::bind(&[PICK.parse().unwrap()]).await.unwrap();
        let address = listening.addresses()[0];
        let failures = listening.failures();
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(serve(listening, tls, app, limits, async {
            let _ = stopped.await;
        }));
        Self { address, stop, served, failures }
    }

    async fn plain(limits: Limits) -> Self {
        Self::start(None, facts(), limits).await
    }

    /// With certificates from this directory.
    async fn secure(directory: &Path, keys: Keys) -> Self {
        let served = Renewable::new(Arc::new(Certificates::open(directory, &[], keys).unwrap()), None).unwrap();
        Self::start(Some(Arc::new(served)), facts(), Limits::default()).await
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }
}

/// Answers with what is known of the connection.
fn facts() -> Router {
    Router::new().fallback(any(|Extension(connection): Extension<Arc<Connection>>| async move {
        let tls = connection.tls.as_ref().map(|tls| format!("{} {} {:?}", tls.version, tls.suite, tls.server_name));
        format!("{} local={} {}", connection.id, connection.is_local(), tls.unwrap_or_default())
    }))
}

/// A client of TLS, and what it takes.
#[derive(Clone)]
struct Client {
    roots: rustls::RootCertStore,
    suites: Vec<rustls::SupportedCipherSuite>,
    protocols: &'static [&'static str],
    host: &'static str,
    identity: Option<Arc<rcgen::CertifiedKey<rcgen::KeyPair>>>,
}

impl Client {
    /// One that trusts the authority in this directory.
    fn trusting(directory: &Path) -> Self {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(directory.join("authority.pem")).unwrap()).unwrap();
        let suites = rustls::crypto::ring::ALL_CIPHER_SUITES.to_vec();
        Self { roots, suites, protocols: &["h2", "http/1.1"], host: "localhost", identity: None }
    }

    async fn connect(&self, server: &Running) -> io::Result<ClientStream<TcpStream>> {
        self.begin(server).await.await
    }

    /// Fails to connect. The stream stays open: a stream that closes with unread bytes ends by a reset, and the server may
    /// see that before the client's alert.
    async fn fail(&self, server: &Running) -> TcpStream {
        let (_, stream) = self.begin(server).await.into_fallible().await.expect_err("a failure");
        stream
    }

    async fn begin(&self, server: &Running) -> tokio_rustls::Connect<TcpStream> {
        let provider = rustls::crypto::CryptoProvider {
            cipher_suites: self.suites.clone(),
            ..rustls::crypto::ring::default_provider()
        };
        let versions = [&rustls::version::TLS13, &rustls::version::TLS12]
            .into_iter()
            .filter(|version| self.suites.iter().any(|suite| suite.version().version == version.version))
            .collect::<Vec<_>>();
        let config = rustls::ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&versions)
            .unwrap()
            .with_root_certificates(self.roots.clone());
        let mut config = match &self.identity {
            Some(identity) => {
                let key = rustls::pki_types::PrivatePkcs8KeyDer::from(identity.signing_key.serialize_der());
                config.with_client_auth_cert(vec![identity.cert.der().clone()], key.into()).unwrap()
            }
            None => config.with_no_client_auth(),
        };
        config.alpn_protocols = self.protocols.iter().map(|it| it.as_bytes().to_vec()).collect();
        let name = ServerName::try_from(self.host).unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, server.connect().await)
    }
}

/// Sends a request and reads its answer, whose body is text: the status line and the body.
async fn call(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> (String, String) {
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    answer(stream).await
}

async fn answer(stream: &mut (impl AsyncRead + Unpin)) -> (String, String) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let length = head.split("Content-Length: ").nth(1).and_then(|rest| rest.split('\r').next());
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).await.unwrap();
    (head.lines().next().unwrap().to_owned(), String::from_utf8(body).unwrap())
}

/// What the server still says before it closes.
async fn rest(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut rest = Vec::new();
    // A reset is an end, too.
    let _ = stream.read_to_end(&mut rest).await;
    String::from_utf8(rest).unwrap()
}

#[tokio::test]
async fn a_client_that_trusts_the_authority_calls_again_and_again_over_one_connection() {
    let directory = tempfile::tempdir().unwrap();
    let server = Running::secure(directory.path(), Keys::Ecdsa).await;
    let client = Client::trusting(directory.path());
    let mut stream = client.connect(&server).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    for _ in 0..3 {
        let (status, body) = call(&mut stream).await;
        assert_eq!(status, "HTTP/1.1 200 OK");
        assert_eq!(body, "1 local=true TLS 1.3 TLS_AES_128_GCM_SHA256 Some(\"localhost\")");
    }
    let mut stream = client.connect(&server).await.unwrap();
    assert!(call(&mut stream).await.1.starts_with("2 "));
}

#[tokio::test]
async fn a_client_that_takes_only_rsa_gets_the_rsa_certificate() {
    let directory = tempfile::tempdir().unwrap();
    let server = Running::secure(directory.path(), Keys::EcdsaAndRsa).await;
    let client = Client::trusting(directory.path());
    let shown = async |client: &Client| {
        let stream = client.connect(&server).await.unwrap();
        let shown = stream.get_ref().1.peer_certificates().unwrap()[0].clone();
        Summary::of(&shown, Vec::new()).unwrap().sha1
    };
    let kept = Certificates::open(directory.path(), &[], Keys::EcdsaAndRsa).unwrap();
    assert!(kept.made().is_empty());
    let [ecdsa, rsa] = kept.pairs() else { panic!("{kept:?}") };
    assert_eq!(shown(&client).await, ecdsa.summary().sha1);
    let old = Client { suites: vec![suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384], ..client };
    assert_eq!(shown(&old).await, rsa.summary().sha1);
}

#[tokio::test]
async fn a_client_certificate_is_judged_and_never_breaks_the_handshake() {
    let directory = tempfile::tempdir().unwrap();
    let certificates = Certificates::open(directory.path(), &[], Keys::Ecdsa).unwrap();
    let issue = |not_after: (i32, u8, u8), issuer: &rcgen::Issuer<'_, rcgen::KeyPair>| {
        let mut params = rcgen::CertificateParams::default();
        params.distinguished_name.push(rcgen::DnType::CommonName, "mimservice");
        params.not_after = rcgen::date_time_ymd(not_after.0, not_after.1, not_after.2);
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
        let signing_key = rcgen::KeyPair::generate().unwrap();
        let cert = params.signed_by(&signing_key, issuer).unwrap();
        Some(Arc::new(rcgen::CertifiedKey { cert, signing_key }))
    };
    let authority = |name: &str| {
        let mut params = rcgen::CertificateParams::default();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().der().clone();
        (certificate, rcgen::Issuer::new(params, key))
    };
    let (trusted, issuer) = authority("trusted");
    let (_, stranger) = authority("stranger");
    let app = Router::new().fallback(any(|Extension(connection): Extension<Arc<Connection>>| async move {
        match &connection.tls.as_ref().unwrap().client {
            Some(client) => format!("{} {} {:?}", client.subject, client.thumbprint.len(), client.verdict),
            None => "none".into(),
        }
    }));
    // As Windows exports it.
    let file = directory.path().join("clients.cer");
    std::fs::write(&file, &trusted).unwrap();
    let served = Renewable::new(Arc::new(certificates), Some(vec![file])).unwrap();
    let server = Running::start(Some(Arc::new(served)), app, Limits::default()).await;
    let verdict = async |identity| {
        let client = Client { identity, ..Client::trusting(directory.path()) };
        call(&mut client.connect(&server).await.unwrap()).await.1
    };
    assert_eq!(verdict(None).await, "none");
    assert_eq!(verdict(issue((2999, 1, 1), &issuer)).await, "CN=mimservice 40 Ok(())");
    assert_eq!(verdict(issue((2001, 1, 1), &issuer)).await, "CN=mimservice 40 Err(\"has expired\")");
    assert_eq!(
        verdict(issue((2999, 1, 1), &stranger)).await,
        "CN=mimservice 40 Err(\"comes from an authority that is not trusted here\")"
    );
}

#[tokio::test]
async fn headers_beyond_the_limit_are_refused() {
    let server = Running::plain(Limits { header_bytes: 8 * 1024, ..Limits::default() }).await;
    let mut stream = server.connect().await;
    let head = format!("GET / HTTP/1.1\r\nX: {}\r\n", "x".repeat(8 * 1024));
    stream.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(answer(&mut stream).await.0, "HTTP/1.1 431 Request Header Fields Too Large");
}

/// A conversation without a socket, so that its time can be paused.
fn pipe(app: impl Into<App>, limits: Limits) -> DuplexStream {
    let (near, far) = tokio::io::duplex(4096);
    let app = app.into();
    let address = PICK.parse().unwrap();
    tokio::spawn(async move {
        let connection = Connection::new(1, address, address, None);
        converse(far, Arc::new(connection), app, &limits, std::future::pending()).await
    });
    near
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed() {
    let limits = Limits::default();
    let began = Instant::now();
    let mut stream = pipe(facts(), limits.clone());
    sleep(Duration::from_secs(100)).await;
    call(&mut stream).await;
    assert_eq!(rest(&mut stream).await, "");
    assert_eq!(began.elapsed().as_secs(), 100 + limits.idle_time.as_secs());

    assert_eq!(rest(&mut pipe(facts(), limits)).await, "");
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_rests_goes_on() {
    let mut stream = pipe(facts(), Limits::default());
    for seconds in [0, 1, 3, 100] {
        sleep(Duration::from_secs(seconds)).await;
        call(&mut stream).await;
    }
    sleep(Duration::from_secs(10)).await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    for _ in 0..2 {
        assert_eq!(answer(&mut stream).await.0, "HTTP/1.1 200 OK");
    }
    // A request that begins, and goes on late.
    sleep(Duration::from_secs(10)).await;
    stream.write_all(b"GE").await.unwrap();
    sleep(Duration::from_secs(2)).await;
    stream.write_all(b"T / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    assert_eq!(answer(&mut stream).await.0, "HTTP/1.1 200 OK");
    drop(stream);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_leaves_slowly_is_whole_and_keeps_or_closes_its_connection() {
    let app =
        Router::new().fallback(any(|| async { (Extension(WireFault { cut: None, drip: Some(20) }), "x".repeat(200)) }));
    let mut stream = pipe(app.clone(), Limits::default());
    for _ in 0..2 {
        assert_eq!(call(&mut stream).await.1.len(), 200);
    }
    for request in ["GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"] {
        let mut stream = pipe(app.clone(), Limits::default());
        let began = Instant::now();
        stream.write_all(request.as_bytes()).await.unwrap();
        assert!(rest(&mut stream).await.ends_with(&"x".repeat(200)));
        assert!(began.elapsed() < Duration::from_secs(30), "{request} waits for the next request");
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_whose_headers_never_end_is_closed() {
    let limits = Limits::default();
    let mut stream = pipe(facts(), limits.clone());
    call(&mut stream).await;
    stream.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    let began = Instant::now();
    assert_eq!(rest(&mut stream).await, "");
    assert_eq!(began.elapsed().as_secs(), limits.header_time.as_secs());
}

#[tokio::test(start_paused = true)]
async fn a_call_may_last_longer_than_a_connection_may_idle() {
    let app = Router::new().fallback(any(|| async {
        sleep(Duration::from_secs(3600)).await;
        "at last"
    }));
    let mut stream = pipe(app, Limits::default());
    for _ in 0..2 {
        assert_eq!(call(&mut stream).await.1, "at last");
    }
}

#[tokio::test]
async fn a_handshake_that_never_begins_is_given_up() {
    let directory = tempfile::tempdir().unwrap();
    let served =
        Renewable::new(Arc::new(Certificates::open(directory.path(), &[], Keys::Ecdsa).unwrap()), None).unwrap();
    let limits = Limits { handshake_time: Duration::from_millis(50), ..Limits::default() };
    let server = Running::start(Some(Arc::new(served)), facts(), limits).await;
    assert_eq!(rest(&mut server.connect().await).await, "");
}

#[tokio::test]
async fn a_connection_beyond_the_limit_waits_for_its_turn() {
    let server = Running::plain(Limits { connections: 1, ..Limits::default() }).await;
    let mut first = server.connect().await;
    call(&mut first).await;
    let mut second = server.connect().await;
    second.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    assert!(call(&mut first).await.1.starts_with("1 "));
    drop(first);
    assert!(answer(&mut second).await.1.starts_with("2 "));
}

#[tokio::test]
async fn the_end_lets_open_calls_end_and_closes_idle_connections() {
    let (arrived, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let app = Router::new().route("/", {
        let (arrived, go) = (arrived.clone(), go.clone());
        any(move || async move {
            arrived.notify_one();
            go.notified().await;
            "done"
        })
    });
    let server = Running::start(None, app, Limits::default()).await;
    let (mut fresh, mut idle, mut open) = (server.connect().await, server.connect().await, server.connect().await);
    idle.write_all(b"GET /other HTTP/1.1\r\n\r\n").await.unwrap();
    assert_eq!(answer(&mut idle).await.0, "HTTP/1.1 404 Not Found");
    open.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    arrived.notified().await;

    server.stop.send(()).unwrap();
    assert_eq!(rest(&mut idle).await + &rest(&mut fresh).await, "");
    assert!(TcpStream::connect(server.address).await.is_err());
    go.notify_one();
    assert!(rest(&mut open).await.ends_with("done"));
    server.served.await.unwrap();
}

#[tokio::test]
async fn a_call_that_outlasts_the_grace_is_cut_off() {
    let arrived = Arc::new(Notify::new());
    let app = Router::new().fallback(any({
        let arrived = arrived.clone();
        move || async move {
            arrived.notify_one();
            std::future::pending::<()>().await;
        }
    }));
    let server = Running::start(None, app, Limits { grace: Duration::from_millis(20), ..Limits::default() }).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    arrived.notified().await;
    server.stop.send(()).unwrap();
    server.served.await.unwrap();
    assert_eq!(rest(&mut stream).await, "");
}

#[tokio::test]
async fn one_free_port_serves_all_addresses_that_the_machine_has() {
    let addresses = [PICK.parse().unwrap(), "[::1]:0".parse().unwrap(), PICK.parse().unwrap()];
    let listening = Listening::bind(&addresses).await.unwrap();
    let port = listening.addresses()[0].port();
    assert_ne!(port, 0);
    assert!(listening.addresses().iter().all(|address| address.port() == port));
    // A machine without IPv6 says so.
    assert_eq!(listening.addresses().len() + listening.warnings().len(), 2);
}

#[tokio::test]
async fn an_address_that_cannot_be_had_is_told_with_the_remedy() {
    let taken = Listening::bind(&[PICK.parse().unwrap()]).await.unwrap();
    let address = taken.addresses()[0];
    assert_eq!(
        Listening::bind(&[address]).await.unwrap_err().to_string(),
        format!(
            "{address} is taken by another program; end that one, or give --listen another port (0 picks a free one)"
        )
    );
    assert_eq!(
        Listening::bind(&["192.0.2.254:0".parse().unwrap()]).await.unwrap_err().to_string(),
        "192.0.2.254 is not an address of this machine; give --listen one that is, or 127.0.0.1"
    );
}

#[test]
fn a_caller_is_local_from_loopback_and_from_the_address_it_called() {
    let local =
        |peer: &str, local: &str| Connection::new(1, peer.parse().unwrap(), local.parse().unwrap(), None).is_local();
    assert!(local("127.0.0.1:5000", "127.0.0.1:9999"));
    assert!(local("[::1]:5000", "[::1]:9999"));
    assert!(local("192.0.2.2:5000", "192.0.2.2:9999"));
    assert!(local("[::ffff:127.0.0.1]:5000", "[::ffff:127.0.0.1]:9999"));
    assert!(!local("192.0.2.3:5000", "192.0.2.2:9999"));
}
