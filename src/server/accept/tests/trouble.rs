//! Every way to fail that can be provoked, and the one line that the log has about it.

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tracing::subscriber::DefaultGuard;

use super::*;
use crate::tls::hello::tests::hello_of;

/// The log of this thread, on which a test's server runs as well.
pub(super) struct Log {
    lines: UnboundedReceiver<Vec<u8>>,
    _guard: DefaultGuard,
}

impl Log {
    pub(super) fn open() -> Self {
        let (sender, lines) = unbounded_channel();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_max_level(tracing::Level::DEBUG)
            .with_writer(move || Line(sender.clone()))
            .finish();
        Self { lines, _guard: tracing::subscriber::set_default(subscriber) }
    }

    /// The next connection that failed.
    async fn failure(&mut self) -> Value {
        loop {
            let line = self.line().await;
            if line["message"] == "connection failed" {
                return line;
            }
        }
    }

    /// The next connection that ended without a request. None failed before it.
    async fn unasked(&mut self) {
        loop {
            let line = self.line().await;
            assert_ne!(line["message"], "connection failed", "{line}");
            if line["message"] == "no request came" {
                return;
            }
        }
    }

    async fn line(&mut self) -> Value {
        serde_json::from_slice(&self.lines.recv().await.unwrap()).unwrap()
    }
}

struct Line(tokio::sync::mpsc::UnboundedSender<Vec<u8>>);

impl io::Write for Line {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let _ = self.0.send(line.to_vec());
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[track_caller]
fn assert_failure(line: &Value, trouble: &str, what: &str, hint: &str) {
    assert_eq!(line["trouble"], trouble, "{line}");
    assert!(line["what"].as_str().unwrap().contains(what), "{line}");
    assert!(line["hint"].as_str().unwrap_or_default().contains(hint), "{line}");
    assert_eq!(line["level"], if trouble == "probe" { "DEBUG" } else { "WARN" });
}

#[tokio::test]
async fn what_is_no_tls_is_named_by_its_first_bytes() {
    let mut log = Log::open();
    let directory = tempfile::tempdir().unwrap();
    let server = Running::secure(directory.path(), Keys::Ecdsa).await;
    let cases: [(&[u8], &str, &str, &str); 9] = [
        (b"", "probe", "said nothing and went away", ""),
        (b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10", "ssl2", "SSL 2.0", "SystemDefaultTlsVersions"),
        (b"\x03\x00\x00\x13\x0e\xe0\x00\x00\x00", "not-tls", ": 030000130ee00000", ""),
        (b"\x16\x03\x01\x02\x00\x01", "broken", "in the middle of its first message", ""),
        (b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", "broken", "a TLS message of the client cannot be read", ""),
        (b"\x15\x03\x01\x00\x02\x02\x50", "broken", "the client sent the alert internal_error", ""),
        (b"\x17\x03\x01\x00\x02\x02\x50", "broken", "out of turn", ""),
        (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n", "proxy-protocol", "PROXY protocol", "at the load balancer"),
        (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c", "proxy-protocol", "PROXY protocol", "at the load balancer"),
    ];
    for (bytes, trouble, what, hint) in cases {
        let mut stream = server.connect().await;
        stream.write_all(bytes).await.unwrap();
        stream.shutdown().await.unwrap();
        assert_failure(&log.failure().await, trouble, what, hint);
    }
}

#[tokio::test]
async fn plain_http_on_the_port_for_https_gets_a_readable_answer() {
    let mut log = Log::open();
    let directory = tempfile::tempdir().unwrap();
    let server = Running::secure(directory.path(), Keys::Ecdsa).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET /PfWsSdk.asmx?pin=1 HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    assert_eq!(
        answer(&mut stream).await,
        ("HTTP/1.1 400 Bad Request".into(), "This port speaks HTTPS: write https:// in the URL.\n".into())
    );
    let line = log.failure().await;
    assert_failure(&line, "plain-http", "HTTPS: GET /PfWsSdk.asmx", "https://");
    assert!(!line.to_string().contains("pin"), "{line}");
}

#[tokio::test]
async fn tls_on_the_port_for_plain_http_is_named() {
    let mut log = Log::open();
    let directory = tempfile::tempdir().unwrap();
    Certificates::open(directory.path(), &[], Keys::Ecdsa).unwrap();
    let server = Running::plain(Limits::default()).await;
    let _open = Client::trusting(directory.path()).fail(&server).await;
    assert_failure(&log.failure().await, "tls-on-plain-port", "on a port for plain HTTP", "--http");
}

#[tokio::test]
async fn a_client_with_old_tls_is_told_from_one_without_a_shared_suite() {
    let mut log = Log::open();
    let directory = tempfile::tempdir().unwrap();
    let server = Running::secure(directory.path(), Keys::Ecdsa).await;
    const CBC: &[u16] = &[0xc013, 0xc014, 0x002f, 0x00ff, 0x9999];
    const SCHEMES: &[(u16, &[u8])] = &[(13, b"\0\x04\x04\x03\x04\x01")];
    let cases: [(Vec<u8>, &str, &str, &str); 4] = [
        (
            hello_of(0x0301, CBC, &[]),
            "old-version",
            "TLS 1.0 at most",
            r"HKLM\SOFTWARE\Microsoft\.NETFramework\v4.0.30319",
        ),
        (hello_of(0x0302, CBC, &[]), "old-version", "TLS 1.1 at most", "SchUseStrongCrypto"),
        (hello_of(0x0300, CBC, &[]), "old-version", "SSL 3.0 at most", "SystemDefaultTlsVersions"),
        (
            hello_of(0x0303, CBC, SCHEMES),
            "no-shared-suite",
            "offers TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA, \
             TLS_RSA_WITH_AES_128_CBC_SHA, 0x9999",
            "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        ),
    ];
    for (hello, trouble, what, hint) in cases {
        let mut stream = server.connect().await;
        stream.write_all(&hello).await.unwrap();
        let mut record = [0; 7];
        stream.read_exact(&mut record).await.unwrap();
        assert_eq!((record[0], record[5]), (0x15, 2), "not a fatal alert");
        assert_failure(&log.failure().await, trouble, what, hint);
    }
}

#[tokio::test]
async fn a_client_that_takes_only_rsa_is_told_what_would_help() {
    let mut log = Log::open();
    let directory = tempfile::tempdir().unwrap();
    let server = Running::secure(directory.path(), Keys::Ecdsa).await;
    let suites = vec![suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256];
    let client = Client { suites, ..Client::trusting(directory.path()) };
    let _open = client.fail(&server).await;
    let what = "offers TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256";
    assert_failure(&log.failure().await, "no-shared-suite", what, "with --rsa");
}

/// Suites for one kind of key with schemes for another, with a certificate of one kind and with both.
#[tokio::test]
async fn hints_hold_whichever_certificates_the_server_has() {
    let mut log = Log::open();
    const ECDSA: (u16, &[u8]) = (13, b"\0\x02\x04\x03");
    const RSA: (u16, &[u8]) = (13, b"\0\x02\x04\x01");
    let cases = [
        (Keys::Ecdsa, 0xc02b, RSA, "Let the client accept"),
        (Keys::Ecdsa, 0xc02f, RSA, "Start the server with --rsa"),
        (Keys::EcdsaAndRsa, 0xc02b, RSA, "Let the client accept"),
        (Keys::EcdsaAndRsa, 0xc02f, ECDSA, "Let the client accept"),
        (Keys::EcdsaAndRsa, 0xc013, RSA, "On the client's host allow"),
    ];
    for (keys, suite, schemes, hint) in cases {
        let directory = tempfile::tempdir().unwrap();
        let server = Running::secure(directory.path(), keys).await;
        let mut stream = server.connect().await;
        let groups: (u16, &[u8]) = (10, b"\0\x02\0\x17");
        stream.write_all(&hello_of(0x0303, &[suite], &[schemes, groups, (11, b"\x01\0")])).await.unwrap();
        rest(&mut stream).await;
        let line = log.failure().await;
        assert!(line["hint"].as_str().unwrap().starts_with(hint), "{suite:#x} {hint}: {line}");
        assert!(!line["what"].as_str().unwrap().contains("InCommon"), "{line}");
    }
}

#[tokio::test]
async fn a_client_that_speaks_only_http2_is_named() {
    let mut log = Log::open();
    let directory = tempfile::tempdir().unwrap();
    let server = Running::secure(directory.path(), Keys::Ecdsa).await;
    let client = Client { protocols: &["h2"], ..Client::trusting(directory.path()) };
    let _open = client.fail(&server).await;
    assert_failure(&log.failure().await, "no-shared-terms", "application protocol", "HTTP/1.1");
}

#[tokio::test]
async fn a_client_that_refuses_the_certificate_is_told_why() {
    let mut log = Log::open();
    let directory = tempfile::tempdir().unwrap();
    let server = Running::secure(directory.path(), Keys::Ecdsa).await;
    let client = Client::trusting(directory.path());

    let stranger = Client { roots: rustls::RootCertStore::empty(), ..client.clone() };
    let _open = stranger.fail(&server).await;
    assert_failure(&log.failure().await, "unknown-authority", "does not trust", r"Cert:\LocalMachine\Root");

    let elsewhere = Client { host: "mfa01.contoso.com", ..client.clone() };
    let _open = elsewhere.fail(&server).await;
    let line = log.failure().await;
    assert_failure(&line, "name-mismatch", "asked for mfa01.contoso.com", "--host mfa01.contoso.com");

    // .NET opens connections that it does not need, between those that it uses.
    for _ in 0..2 {
        for _ in 0..2 {
            drop(client.connect(&server).await.unwrap());
            log.unasked().await;
        }
        call(&mut client.connect(&server).await.unwrap()).await;
    }
    // .NET Framework looks at the certificate when the handshake is over, and closes.
    for _ in 0..2 {
        drop(client.connect(&server).await.unwrap());
        log.unasked().await;
    }
    drop(client.connect(&server).await.unwrap());
    let line = log.failure().await;
    assert_failure(&line, "certificate-refused", "without a request", "authority.cer");
    assert_eq!(line["server_name"], "localhost");

    let mut stream = client.connect(&server).await.unwrap();
    call(&mut stream).await;
    stream.shutdown().await.unwrap();
    rest(&mut stream).await;
    assert!(log.lines.try_recv().is_err(), "a connection that served its client did not fail");
}

#[tokio::test]
async fn a_certificate_out_of_date_is_named() {
    let mut log = Log::open();
    let directory = tempfile::tempdir().unwrap();
    for (from, to) in [(2001, 2002), (2998, 2999)] {
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        (params.not_before, params.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(to, 1, 1));
        let key = KeyPair::generate().unwrap();
        let (file, key_file) = (directory.path().join("authority.pem"), directory.path().join("key.pem"));
        std::fs::write(&file, params.self_signed(&key).unwrap().pem()).unwrap();
        std::fs::write(&key_file, key.serialize_pem()).unwrap();
        let served = Renewable::new(Arc::new(Certificates::from_pem(&file, &key_file).unwrap()), None).unwrap();
        let server = Running::start(Some(Arc::new(served)), facts(), Limits::default()).await;
        let _open = Client::trusting(directory.path()).fail(&server).await;
        let what = format!("from {from}-01-01 to {to}-01-01, is not valid now");
        assert_failure(&log.failure().await, "certificate-dates", &what, "look at its clock");
    }
}

#[tokio::test]
async fn slowness_is_named() {
    let mut log = Log::open();
    let directory = tempfile::tempdir().unwrap();
    let served =
        Renewable::new(Arc::new(Certificates::open(directory.path(), &[], Keys::Ecdsa).unwrap()), None).unwrap();
    let server = Running::start(Some(Arc::new(served)), facts(), Limits::default()).await;
    let mut stream = Client::trusting(directory.path()).connect(&server).await.unwrap();
    stream.write_all(b"GET / HT").await.unwrap();
    // From here on, time passes when all wait for it: no load of the machine makes a client slow.
    tokio::time::pause();
    assert_failure(&log.failure().await, "slow", "a request's headers took too long", "");
    for bytes in [&b""[..], b"\x16\x03\x01"] {
        let mut stream = server.connect().await;
        stream.write_all(bytes).await.unwrap();
        assert_eq!(rest(&mut stream).await, "");
        assert_failure(&log.failure().await, "slow", "the TLS handshake took too long", "");
    }
}

#[tokio::test]
async fn a_request_that_is_no_http_is_named() {
    let mut log = Log::open();
    let server = Running::plain(Limits::default()).await;
    for (bytes, what) in [(&b"Rdp\x01\r\n\r\n"[..], "invalid HTTP"), (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "")] {
        let mut stream = server.connect().await;
        stream.write_all(bytes).await.unwrap();
        let line = log.failure().await;
        assert_failure(&line, "bad-request", what, "HTTP/1.1");
    }
}
