//! Faults of TLS and of answers, as clients meet them.

use rustls::{AlertDescription, CertificateError, Error as Tls};

use super::trouble::Log;
use super::*;
use crate::engine::{Bounds, Setup};
use crate::server::tls_faults::TlsFaults;
use crate::switchboard::Space;
use crate::tls::TlsFault;

const LONG: Duration = Duration::from_secs(600);

async fn faulty(directory: &Path) -> (Running, TlsFaults) {
    let certificates = Arc::new(Certificates::open(directory, &[], Keys::Ecdsa).unwrap());
    let tls = Arc::new(Renewable::new(certificates, None).unwrap());
    let server = Running::start(Some(tls.clone()), facts(), Limits::default()).await;
    (server, TlsFaults::new(Some(tls), Space::new("default", Setup::default(), Bounds::default())))
}

/// Why a client cannot connect. The server has noted it: the connection stays open until then, since a socket that is
/// closed with unread bytes takes back the alert.
async fn refusal(client: &Client, server: &Running) -> io::Error {
    let before = server.failures.lately().len();
    let (error, _stream) = client.begin(server).await.into_fallible().await.expect_err("a failure");
    while server.failures.lately().len() == before {
        tokio::task::yield_now().await;
    }
    error
}

fn tls_error(error: &io::Error) -> &Tls {
    error.get_ref().and_then(|it| it.downcast_ref()).unwrap_or_else(|| panic!("{error}"))
}

#[tokio::test]
async fn each_fault_is_what_a_client_meets_and_ends_when_it_is_switched_off() {
    let _log = Log::open();
    let directory = tempfile::tempdir().unwrap();
    let (server, faults) = faulty(directory.path()).await;
    let modern = Client::trusting(directory.path());
    let old = Client { suites: vec![suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256], ..modern.clone() };
    for client in [modern, old] {
        for fault in TlsFault::ALL {
            faults.start(*fault, LONG, "test").await.unwrap();
            let error = refusal(&client, &server).await;
            let is_met = match fault {
                TlsFault::Reset => error.kind() == io::ErrorKind::ConnectionReset,
                TlsFault::Refused => *tls_error(&error) == Tls::AlertReceived(AlertDescription::HandshakeFailure),
                TlsFault::ProtocolVersion => {
                    *tls_error(&error) == Tls::AlertReceived(AlertDescription::ProtocolVersion)
                }
                TlsFault::Expired => {
                    matches!(tls_error(&error), Tls::InvalidCertificate(CertificateError::ExpiredContext { .. }))
                }
                TlsFault::WrongName => {
                    matches!(
                        tls_error(&error),
                        Tls::InvalidCertificate(CertificateError::NotValidForNameContext { .. })
                    )
                }
                TlsFault::UnknownAuthority => {
                    *tls_error(&error) == Tls::InvalidCertificate(CertificateError::UnknownIssuer)
                }
            };
            assert!(is_met, "{fault:?}: {error:?}");
        }
        faults.stop("test");
        call(&mut client.connect(&server).await.unwrap()).await;
    }
    assert!(faults.hits().all(|it| it.1 == 2), "{:?}", faults.hits().collect::<Vec<_>>());
    let kept = server.failures.lately();
    assert!(kept.iter().all(|it| it.kind == "tls-fault"), "{kept:?}");
    for fault in TlsFault::ALL {
        let what = format!("{}: {}", fault.word(), fault.about());
        assert_eq!(kept.iter().filter(|it| it.what.contains(&what)).count(), 2, "{what}: {kept:?}");
    }
}

#[tokio::test]
async fn open_connections_end_when_a_fault_begins_and_outlast_its_end() {
    let _log = Log::open();
    let directory = tempfile::tempdir().unwrap();
    let (server, faults) = faulty(directory.path()).await;
    let client = Client::trusting(directory.path());
    let mut before = client.connect(&server).await.unwrap();
    call(&mut before).await;
    faults.start(TlsFault::Expired, LONG, "test").await.unwrap();
    assert_eq!(rest(&mut before).await, "");
    faults.stop("test");
    let mut after = client.connect(&server).await.unwrap();
    call(&mut after).await;
    assert!(faults.stop("test").is_none());
    call(&mut after).await;
}

#[tokio::test]
async fn another_trouble_of_a_client_keeps_its_name_under_a_fault() {
    let _log = Log::open();
    let directory = tempfile::tempdir().unwrap();
    let (server, faults) = faulty(directory.path()).await;
    faults.start(TlsFault::Expired, LONG, "test").await.unwrap();
    let client = Client { protocols: &["h2"], ..Client::trusting(directory.path()) };
    client.fail(&server).await;
    while server.failures.lately().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(server.failures.lately()[0].kind, "no-shared-terms");
}

#[tokio::test(start_paused = true)]
async fn a_drip_that_takes_longer_than_a_connection_may_be_idle_arrives_whole() {
    let dripping = Router::new().fallback(any(|| async {
        let mut response = axum::response::Response::new(axum::body::Body::from("x".repeat(400)));
        response.extensions_mut().insert(WireFault { cut: None, drip: Some(1) });
        response
    }));
    let began = Instant::now();
    let mut stream = pipe(dripping, Limits::default());
    assert_eq!(call(&mut stream).await, ("HTTP/1.1 200 OK".into(), "x".repeat(400)));
    assert!(began.elapsed() > 3 * Limits::default().idle_time);
    assert_eq!(rest(&mut stream).await, "");
}
