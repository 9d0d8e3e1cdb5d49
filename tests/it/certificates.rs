//! Certificates of a server that runs: published, warned of, and replaced.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use locmfa::tls::AcceptAny;
use rustls::crypto::ring::default_provider;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use time::{Duration, OffsetDateTime};

use crate::process::{Server, read, run};

type Connection = StreamOwned<ClientConnection, TcpStream>;

/// A connection whose handshake is done.
fn connect(server: &Server) -> Connection {
    let provider = Arc::new(default_provider());
    let any = AcceptAny::unjudged(&provider);
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.dangerous().with_custom_certificate_verifier(Arc::new(any)).with_no_client_auth();
    let client = ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
    let mut connection = StreamOwned::new(client, TcpStream::connect(server.address()).unwrap());
    while connection.conn.is_handshaking() {
        connection.conn.complete_io(&mut connection.sock).unwrap();
    }
    connection
}

fn shown(connection: &Connection) -> Vec<u8> {
    connection.conn.peer_certificates().unwrap()[0].to_vec()
}

/// Writes a certificate that ends in so many days, and its key. Returns the certificate.
fn write_pair(folder: &Path, days: i64) -> Vec<u8> {
    let mut params = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.not_after = OffsetDateTime::now_utc() + Duration::days(days);
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    fs::write(folder.join("c.pem"), certificate.pem()).unwrap();
    fs::write(folder.join("k.pem"), key.serialize_pem()).unwrap();
    certificate.der().to_vec()
}

fn get(admin: &str, path: &str, host: &str) -> String {
    let mut stream = TcpStream::connect(admin.trim_start_matches("http://")).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    read(stream)
}

#[cfg(unix)]
#[test]
fn a_hangup_replaces_certificate_and_scenario_and_one_that_fails_does_not_stop_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let own = ["s.yaml", "--cert", "c.pem", "--key", "k.pem"];
    fs::write(folder.path().join("s.yaml"), "users: [anna]").unwrap();
    let first = write_pair(folder.path(), 20);
    let mut server = Server::start_tls(folder.path(), &own, Stdio::null());
    let hang_up = |server: &Server| {
        let id = server.id().to_string();
        assert!(std::process::Command::new("kill").args(["-HUP", &id]).status().unwrap().success());
    };
    // Its end is near, which the start, the state and the doctor tell.
    let admin = server.ready["admin"].as_str().unwrap().to_owned();
    for command in [&["status"][..], &["doctor", "--listen", "127.0.0.1:0"]] {
        let (_, text) = run(folder.path(), &[command, &["--admin", &admin]].concat());
        assert!(text.contains("The server's certificate (CN=") && text.contains("expires on"), "{text}");
    }
    let mut open = connect(&server);
    assert_eq!(shown(&open), first);

    let second = write_pair(folder.path(), -1);
    hang_up(&server);
    server.logged("certificates read again");
    assert!(server.logged("The server's certificate")["message"].as_str().unwrap().contains("has expired on"));
    assert_eq!(shown(&connect(&server)), second);
    // A connection that is open goes on.
    write!(open, "GET /PfWsSdk.asmx HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    let _ = open.read_to_string(&mut answer);
    assert!(answer.starts_with("HTTP/1.1 "), "{answer}");

    let see_both = |server: &mut Server, mut lines: Vec<&str>| {
        while !lines.is_empty() {
            let line = server.logged("");
            lines.retain(|it| !line["message"].as_str().unwrap().starts_with(it));
        }
    };
    fs::write(folder.path().join("k.pem"), "junk").unwrap();
    fs::write(folder.path().join("s.yaml"), "users: [ben]").unwrap();
    hang_up(&server);
    see_both(&mut server, vec!["certificates not read again", "scenario reloaded"]);
    assert_eq!(shown(&connect(&server)), second);
    let third = write_pair(folder.path(), 90);
    fs::write(folder.path().join("s.yaml"), "usesr: [ben]").unwrap();
    hang_up(&server);
    see_both(&mut server, vec!["certificates read again", "scenario not reloaded"]);
    assert_eq!(shown(&connect(&server)), third);
    assert!(get(&admin, "/authority.pem", "localhost").contains("does not come from an authority of locmfa"));
}

#[test]
fn the_authority_is_told_without_a_token_under_any_name() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("token"), "opensesame").unwrap();
    let server = Server::start_tls(folder.path(), &["--admin-token-file", "token"], Stdio::null());
    let admin = server.ready["admin"].as_str().unwrap();
    let answer = get(admin, "/authority.pem", "mfa.contoso.com");
    let file = fs::read_to_string(folder.path().join("certs/authority.pem")).unwrap();
    let pem = answer.split("\r\n\r\n").nth(1).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert_eq!(pem.replace('\r', "").trim(), file.replace('\r', "").trim());
    // The list is DER, not text.
    let mut stream = TcpStream::connect(admin.trim_start_matches("http://")).unwrap();
    write!(stream, "GET /authority.crl HTTP/1.1\r\nHost: mfa.contoso.com\r\nConnection: close\r\n\r\n").unwrap();
    let mut list = Vec::new();
    stream.read_to_end(&mut list).unwrap();
    let start = list.windows(4).position(|it| it == b"\r\n\r\n").unwrap() + 4;
    let (_, list) = x509_parser::parse_x509_crl(&list[start..]).unwrap();
    assert!(list.iter_revoked_certificates().next().is_none() && list.next_update().is_some());
    assert!(get(admin, "/readyz", "mfa.contoso.com").starts_with("HTTP/1.1 200 "));
    assert!(get(admin, "/calls", "localhost").starts_with("HTTP/1.1 401 "));
}
