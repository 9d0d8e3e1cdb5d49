//! Requests to the service over real sockets: bodies that come late, are too long or do not come, and the limits of
//! time.

use super::*;
use crate::scenario;
use crate::server::{Admission, BodyLimits, Site, app};
use crate::switchboard::{self, Switchboard};

const PATH: &str = "/MultiFactorAuthWebServiceSdk/PfWsSdk.asmx";
const BODY_LIMIT: usize = 100_000;

/// The service of a scenario, with small limits.
fn service(scenario: &str) -> App {
    let scenario = scenario::load("test", scenario).unwrap();
    let spaces = Switchboard::new(scenario.setup, switchboard::Limits::default());
    let server = scenario.server;
    let admission = Admission::new(server.sign_in, &server.group, server.outsider, "localhost");
    app(Arc::new(Site::new(spaces, admission, server.paths, BodyLimits { each: BODY_LIMIT, ..BodyLimits::default() })))
}

fn with_basic() -> App {
    service("server: {sign_in: basic}\naccounts: [{name: mim, password: secret, groups: [PhoneFactor Admins]}]")
}

const BASIC: &str = "Authorization: Basic bWltOnNlY3JldA==\r\n";

fn envelope() -> String {
    let namespace = "http://schemas.xmlsoap.org/soap/envelope/";
    let call = "<TestSecurity xmlns=\"http://www.phonefactor.com/PfWsSdk\" />";
    format!("<s:Envelope xmlns:s=\"{namespace}\"><s:Body>{call}</s:Body></s:Envelope>")
}

fn head(length: usize, more: &str) -> String {
    format!(
        "POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml; charset=utf-8\r\nContent-Length: {length}\r\n\
         SOAPAction: \"http://www.phonefactor.com/PfWsSdk/TestSecurity\"\r\n{more}\r\n"
    )
}

async fn say(stream: &mut (impl AsyncWrite + Unpin), text: &str) {
    stream.write_all(text.as_bytes()).await.unwrap();
}

/// The kinds of the failures so far.
fn kinds(failures: &Failures) -> Vec<&'static str> {
    failures.lately().iter().map(|it| it.kind).collect()
}

#[tokio::test]
async fn a_401_leaves_before_a_body_that_waits_for_a_100_and_the_connection_goes_on() {
    let server = Running::start(None, with_basic(), Limits::default()).await;
    let mut stream = server.connect().await;
    let body = envelope();
    let expect = "Expect: 100-continue\r\n";
    for _ in 0..2 {
        say(&mut stream, &head(body.len(), expect)).await;
        assert_eq!(answer(&mut stream).await.0, "HTTP/1.1 401 Unauthorized");
        say(&mut stream, &body).await;
    }
    say(&mut stream, &head(body.len(), &format!("{expect}{BASIC}"))).await;
    assert_eq!(answer(&mut stream).await.0, "HTTP/1.1 100 Continue");
    say(&mut stream, &body).await;
    let (status, text) = answer(&mut stream).await;
    assert_eq!(status, "HTTP/1.1 200 OK");
    assert!(text.contains("secure"), "{text}");
}

#[tokio::test]
async fn a_413_leaves_before_the_body_and_the_connection_goes_on() {
    let server = Running::start(None, service("users: []"), Limits::default()).await;
    let mut stream = server.connect().await;
    let long = "x".repeat(BODY_LIMIT + 1);
    for expect in ["Expect: 100-continue\r\n", ""] {
        say(&mut stream, &head(long.len(), expect)).await;
        assert_eq!(answer(&mut stream).await.0, "HTTP/1.1 413 Payload Too Large");
        say(&mut stream, &long).await;
    }
    let chunked = format!("POST {PATH} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    say(&mut stream, &format!("{chunked}{:x}\r\n{long}\r\n0\r\n\r\n", long.len())).await;
    assert_eq!(answer(&mut stream).await.0, "HTTP/1.1 413 Payload Too Large");
    let body = envelope();
    say(&mut stream, &head(body.len(), "")).await;
    say(&mut stream, &body).await;
    assert_eq!(answer(&mut stream).await.0, "HTTP/1.1 200 OK");
    assert_eq!(kinds(&server.failures), ["body-too-large"; 3]);
    assert!(server.failures.lately()[0].hint.contains("--body-limit"));
}

#[tokio::test]
async fn a_413_and_a_401_reach_a_client_that_reads_after_its_upload_over_tls() {
    let directory = tempfile::tempdir().unwrap();
    let served =
        Renewable::new(Arc::new(Certificates::open(directory.path(), &[], Keys::Ecdsa).unwrap()), None).unwrap();
    let server = Running::start(Some(Arc::new(served)), with_basic(), Limits::default()).await;
    let client = Client::trusting(directory.path());
    for (length, status) in [(5 << 20, "HTTP/1.1 413 Payload Too Large"), (BODY_LIMIT, "HTTP/1.1 401 Unauthorized")] {
        let mut stream = client.connect(&server).await.unwrap();
        say(&mut stream, &head(length, "")).await;
        stream.write_all(&vec![b'x'; length]).await.unwrap();
        stream.flush().await.unwrap();
        assert_eq!(answer(&mut stream).await.0, status);
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_discarded_has_ten_seconds() {
    let mut stream = pipe(service("users: []"), Limits::default());
    say(&mut stream, &head(BODY_LIMIT + 1, "")).await;
    let began = Instant::now();
    assert!(rest(&mut stream).await.starts_with("HTTP/1.1 413 "));
    assert_eq!(began.elapsed().as_secs(), 10);
}

#[tokio::test]
async fn a_body_that_is_discarded_has_thirty_mebibytes() {
    let server = Running::start(None, service("users: []"), Limits::default()).await;
    let mut stream = server.connect().await;
    say(&mut stream, &head(usize::MAX >> 1, "")).await;
    assert_eq!(answer(&mut stream).await.0, "HTTP/1.1 413 Payload Too Large");
    let block = vec![b'x'; 1 << 20];
    let mut sent = 0;
    while stream.write_all(&block).await.is_ok() {
        sent += 1;
    }
    assert!((30..60).contains(&sent), "{sent} MiB were taken");
}

#[tokio::test(start_paused = true)]
async fn a_body_without_progress_ends_the_connection() {
    let limits = Limits::default();
    let mut stream = pipe(service("users: []"), limits.clone());
    say(&mut stream, &head(1000, "")).await;
    let began = Instant::now();
    sleep(Duration::from_secs(100)).await;
    say(&mut stream, "some of it").await;
    assert_eq!(rest(&mut stream).await, "");
    // 10 bytes are worth less than a second at the least rate.
    assert_eq!(began.elapsed().as_secs(), limits.body_time.as_secs());

    let mut stream = pipe(service("users: []"), limits.clone());
    say(&mut stream, &head(2 * 240 * 60, "")).await;
    let began = Instant::now();
    // Almost twice the least rate for a minute, and then nothing.
    for _ in 0..60 {
        say(&mut stream, &"x".repeat(2 * 240 - 1)).await;
        sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(rest(&mut stream).await, "");
    assert_eq!(began.elapsed().as_secs(), 59 + limits.body_time.as_secs());
}

#[tokio::test]
async fn slow_bodies_and_readers_that_do_not_read_are_ended_and_reported() {
    let brief = Duration::from_millis(50);
    let limits = Limits { body_time: brief, write_time: brief, ..Limits::default() };
    let server = Running::start(None, service("users: []"), limits.clone()).await;
    let mut stream = server.connect().await;
    say(&mut stream, &head(1000, "")).await;
    assert_eq!(rest(&mut stream).await, "");
    let slow = &server.failures.lately()[0];
    assert_eq!((slow.kind, slow.what.as_str()), ("slow", "a request's body took too long"));

    let long = Router::new().fallback(any(|| async { vec![b'x'; 64 << 20] }));
    let server = Running::start(None, long, limits).await;
    let mut stream = server.connect().await;
    say(&mut stream, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    while server.failures.lately().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(server.failures.lately()[0].what, "reading the answer took too long");
}

#[tokio::test]
async fn an_answer_by_http_1_0_says_whether_the_connection_closes() {
    let server = Running::start(None, service("users: []"), Limits::default()).await;
    for (asks, says, closes) in [
        ("", "\r\nConnection: close\r\n", true),
        ("Connection: Keep-Alive\r\n", "\r\nConnection: keep-alive\r\n", false),
    ] {
        let mut stream = server.connect().await;
        say(&mut stream, &format!("GET {PATH}?wsdl HTTP/1.0\r\n{asks}\r\n")).await;
        if !closes {
            say(&mut stream, &format!("GET {PATH}?wsdl HTTP/1.0\r\n\r\n")).await;
        }
        let said = rest(&mut stream).await;
        assert!(said.starts_with("HTTP/1.0 200 OK"), "{said}");
        assert!(said.to_ascii_lowercase().contains(&says.to_ascii_lowercase()), "{said}");
        assert_eq!(said.matches("HTTP/1.0 200 OK").count(), if closes { 1 } else { 2 });
    }
}

#[tokio::test]
async fn a_request_by_http_1_1_needs_exactly_one_host() {
    let server = Running::start(None, service("users: []"), Limits::default()).await;
    let mut stream = server.connect().await;
    for hosts in ["", "Host: x\r\nHost: x\r\n"] {
        say(&mut stream, &format!("GET {PATH} HTTP/1.1\r\n{hosts}\r\n")).await;
        assert_eq!(answer(&mut stream).await.0, "HTTP/1.1 400 Bad Request");
    }
    assert_eq!(kinds(&server.failures), ["wrong-host", "wrong-host"]);
}

#[tokio::test]
async fn a_sign_in_that_the_client_gives_up_is_one_failure() {
    let ntlm = "server: {sign_in: ntlm}\naccounts: [{name: mim, password: secret, groups: [PhoneFactor Admins]}]";
    let server = Running::start(None, service(ntlm), Limits::default()).await;
    let first = "Authorization: NTLM TlRMTVNTUAABAAAAB4IIogAAAAAAAAAAAAAAAAAAAAAKAGFKAAAADw==\r\n";
    for (version, more) in [("1.1", ""), ("1.1", "Connection: close\r\n"), ("1.0", "")] {
        let before = server.failures.lately().len();
        let mut stream = server.connect().await;
        say(&mut stream, &format!("GET {PATH} HTTP/{version}\r\nHost: x\r\n{first}{more}\r\n")).await;
        assert!(answer(&mut stream).await.0.ends_with(" 401 Unauthorized"));
        stream.shutdown().await.unwrap();
        assert_eq!(rest(&mut stream).await, "");
        while server.failures.lately().len() == before {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(kinds(&server.failures), ["given-up"; 3]);
    // A client that is asked who it is, and goes, gave nothing up.
    let mut stream = server.connect().await;
    say(&mut stream, &format!("GET {PATH} HTTP/1.0\r\n\r\n")).await;
    assert!(rest(&mut stream).await.starts_with("HTTP/1.0 401 "));
    assert_eq!(server.failures.lately().len(), 3);
    // Its last message comes with a body that is refused: that is the one reason.
    let mut stream = server.connect().await;
    say(&mut stream, &format!("GET {PATH} HTTP/1.1\r\nHost: x\r\n{first}\r\n")).await;
    assert!(answer(&mut stream).await.0.ends_with(" 401 Unauthorized"));
    let more = "Connection: close\r\nContent-Length: 5000000\r\n";
    say(&mut stream, &format!("POST {PATH} HTTP/1.1\r\nHost: x\r\n{first}{more}\r\n")).await;
    assert!(answer(&mut stream).await.0.ends_with(" 413 Payload Too Large"));
    stream.shutdown().await.unwrap();
    rest(&mut stream).await;
    let mut stream = server.connect().await;
    say(&mut stream, &format!("GET {PATH} HTTP/1.0\r\n{first}\r\n")).await;
    rest(&mut stream).await;
    while server.failures.lately().len() < 5 {
        tokio::task::yield_now().await;
    }
    assert_eq!(kinds(&server.failures)[3..], ["body-too-large", "given-up"]);
}

#[tokio::test]
async fn a_request_to_a_wrong_path_is_one_failure_with_the_path_that_serves() {
    let server = Running::start(None, service("users: []"), Limits::default()).await;
    let mut stream = server.connect().await;
    say(
        &mut stream,
        "POST /PfWs.asmx?pin=1 HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nContent-Length: 1\r\n\r\nx",
    )
    .await;
    assert_eq!(answer(&mut stream).await.0, "HTTP/1.1 404 Not Found");
    let failures = server.failures.lately();
    let [failure] = &failures[..] else { panic!("{failures:?}") };
    assert_eq!(failure.kind, "wrong-path");
    assert_eq!(failure.what, format!("the request asked for /PfWs.asmx, and the service is at {PATH}"));
}
