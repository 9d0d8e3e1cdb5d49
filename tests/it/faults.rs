//! Faults on the wire: those of rules, as a client sees them, and those of TLS, switched by the API and the command line.

use std::fs;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::process::Stdio;

use locmfa::testing;
use serde_json::{Value, json};

use crate::api::Api;
use crate::process::{Server, read, run};

const SCENARIO: &str = "clock: auto\nusers: [{username: anna, phone: '+1 425 555 0100'}]";

#[test]
fn a_fault_of_tls_is_switched_by_the_command_line_and_leaves_the_admin_port_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("s.yaml"), SCENARIO).unwrap();
    let mut server = Server::start_tls(folder.path(), &["s.yaml", "--admin", "127.0.0.1:0"], Stdio::null());
    let admin = server.ready["admin"].as_str().unwrap().to_owned();
    let ask = |arguments: &[&str]| run(folder.path(), &[arguments, &["--admin", &admin]].concat());
    let service = server.ready["service"].as_str().unwrap().to_owned();
    let called = || {
        let trust = folder.path().join("certs/authority.pem");
        let call = ["mim", "call", "--url", &service, "--authority", trust.to_str().unwrap()];
        run(folder.path(), &call)
    };

    assert_eq!(ask(&["tls-fault", "show"]), (0, "No fault of TLS is on.\n".into()));
    let (code, on) = ask(&["tls-fault", "start", "expired", "--lasts", "5m"]);
    assert!(code == 0 && on.contains("the certificate expired yesterday"), "{on}");
    assert_eq!(server.logged("TLS fault on until")["by"], "admin API");
    let (_, text) = called();
    assert!(text.contains("which is not now"), "{text}");
    let failed = server.logged("connection failed");
    assert!(failed["trouble"] == "tls-fault" && failed["what"].as_str().unwrap().contains("on purpose"), "{failed}");
    let (_, shown) = ask(&["tls-fault", "show", "--json"]);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert!(shown["fault"] == "expired" && shown["by"] == "admin API", "{shown}");
    assert_eq!(ask(&["tls-fault", "stop"]).0, 0);
    let (_, text) = called();
    assert!(!text.contains("which is not now"), "{text}");
    assert_eq!(ask(&["tls-fault", "start", "gone"]).0, 2);
}

#[test]
fn a_fault_of_tls_on_plain_http_and_one_that_does_not_fit_are_refused_with_the_remedy() {
    let api = Api::start(SCENARIO, &[]);
    let (status, no) = api.send("PUT", "/tls-fault", &json!({"fault": "reset"}));
    assert_eq!(status, 409, "{no}");
    assert!(no["detail"].as_str().unwrap().contains("plain HTTP"), "{no}");
    assert!(no["remedy"].as_str().unwrap().contains("without --http"), "{no}");
    for (body, field) in [(json!({"fault": "gone"}), "fault"), (json!({"fault": "reset", "lasts": "soon"}), "lasts")] {
        let (status, no) = api.send("PUT", "/tls-fault", &body);
        assert!(status == 400 && no["field"] == field, "{no}");
    }
    assert_eq!(api.get("/tls-fault"), json!({}));
    assert_eq!(api.send("DELETE", "/tls-fault", &Value::Null).0, 204);
}

#[test]
fn the_description_of_the_api_names_every_fault() {
    let described = locmfa::server::admin::openapi();
    for it in locmfa::tls::TlsFault::ALL {
        assert!(described.contains(&format!("`{}`", it.word())), "{it:?}");
    }
}

/// A connection of its own to a server of plain HTTP.
struct Client(TcpStream);

/// What came back.
#[derive(Debug)]
struct Answer {
    head: String,
    body: Vec<u8>,
    /// How the connection ended, where it did.
    end: io::Result<usize>,
}

impl Client {
    fn of(server: &testing::Server) -> Self {
        let address = server.url().split('/').nth(2).unwrap();
        Self(TcpStream::connect(address.replace("localhost", "127.0.0.1")).unwrap())
    }

    fn ask(&mut self, headers: &str) {
        let body = "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body><UserExists xmlns=\"http://www.phonefactor.com/PfWsSdk\"><username>anna</username></UserExists></s:Body></s:Envelope>";
        let head = format!(
            "POST /PfWsSdk.asmx HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nSOAPAction: \"http://www.phonefactor.com/PfWsSdk/UserExists\"\r\n{headers}Content-Length: {}\r\n\r\n",
            body.len()
        );
        self.0.write_all((head + body).as_bytes()).unwrap();
    }

    /// The answer, to the end of the connection.
    fn rest(mut self) -> Answer {
        let mut bytes = Vec::new();
        let end = self.0.read_to_end(&mut bytes);
        let head = bytes.windows(4).position(|it| it == b"\r\n\r\n").map_or(bytes.len(), |it| it + 4);
        let body = bytes.split_off(head);
        Answer { head: String::from_utf8(bytes).unwrap(), body, end }
    }

    /// The next answer on the connection.
    fn next(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.0.read_exact(&mut byte).unwrap();
            head.extend(byte);
        }
        let head = String::from_utf8(head).unwrap();
        let mut body = vec![0; length(&head)];
        self.0.read_exact(&mut body).unwrap();
        head + str::from_utf8(&body).unwrap()
    }
}

fn length(head: &str) -> usize {
    head.split("Content-Length: ").nth(1).and_then(|it| it.lines().next()).map_or(0, |it| it.parse().unwrap())
}

/// A server with one rule, named `it`.
fn faulty(rule: &str) -> testing::Server {
    let scenario = format!("users: [anna]\nrules: [{{name: it, {rule}}}]");
    testing::Server::builder().scenario(scenario).plain_http().start()
}

/// The calls in the journal.
fn calls(server: &testing::Server) -> Value {
    let host = server.admin_url().trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).unwrap();
    stream.write_all(format!("GET /calls HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").as_bytes()).unwrap();
    serde_json::from_str(read(stream).split_once("\r\n\r\n").unwrap().1).unwrap()
}

/// What a client gets by a rule, and the outcome in the journal.
fn got(rule: &str) -> (Answer, String) {
    let server = faulty(rule);
    let mut client = Client::of(&server);
    client.ask("Connection: close\r\n");
    let answer = client.rest();
    let calls = calls(&server);
    let call = &calls["items"][0];
    assert_eq!(call["rule"], "it", "{call}");
    (answer, call["outcome"].as_str().unwrap().to_owned())
}

#[test]
fn each_fault_of_a_rule_is_what_a_client_gets_and_the_journal_says_so() {
    let starts = |head: &str, status: &str| head.starts_with(&format!("HTTP/1.1 {status} "));
    let (it, outcome) = got("drop: reset");
    assert!(it.head.is_empty() && it.body.is_empty(), "{it:?}");
    #[cfg(unix)]
    assert_eq!(it.end.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    assert_eq!(outcome, "cut off by \"it\", on purpose: the connection is reset without an answer");

    let (it, outcome) = got("drop: true");
    assert!(it.head.is_empty() && it.end.is_ok(), "{it:?}");
    assert_eq!(outcome, "cut off by \"it\", on purpose: the connection closes without an answer");

    let (it, outcome) = got("broken: mid-header");
    assert!(starts(&it.head, "200") && !it.head.ends_with("\r\n") && it.body.is_empty() && it.end.is_ok(), "{it:?}");
    assert_eq!(outcome, "true by \"it\", on purpose: the connection ends in the middle of the headers");

    let (it, outcome) = got("broken: mid-body");
    assert_eq!(length(&it.head) / 2, it.body.len(), "{it:?}");
    assert!(!it.body.is_empty() && it.end.is_ok() && outcome.ends_with("in the middle of the body"), "{outcome}");

    let (it, outcome) = got("broken: bad-chunks");
    assert!(
        it.head.to_lowercase().contains("transfer-encoding: chunked") && it.body.starts_with(b"these are"),
        "{it:?}"
    );
    assert!(outcome.contains("on purpose: the chunks are none"), "{outcome}");

    let (it, outcome) = got("content_type: text/plain");
    assert!(it.head.contains("\r\nContent-Type: text/plain\r\n") && it.body.starts_with(b"<?xml"), "{it:?}");
    assert_eq!(outcome, "true by \"it\", on purpose: the content type is text/plain");

    let (it, outcome) = got("oversized: 100000");
    assert_eq!((length(&it.head), it.body.len()), (100_000, 100_000));
    assert!(str::from_utf8(&it.body).unwrap().trim_end().ends_with("</soap:Envelope>"));
    assert!(outcome.ends_with("on purpose: the body has 100000 bytes at least"), "{outcome}");

    let (it, outcome) = got("page: error-200");
    assert!(
        starts(&it.head, "200") && it.head.contains("text/html") && it.body.starts_with(b"<!DOCTYPE html>"),
        "{it:?}"
    );
    assert_eq!(outcome, "200 by \"it\", on purpose: a page of HTML with status 200");

    let (it, outcome) = got("page: iis-500, drip: 5000");
    assert!(starts(&it.head, "500") && it.head.contains("text/html") && it.body.ends_with(b"</html>\n"), "{it:?}");
    assert_eq!(
        outcome,
        "500 by \"it\", on purpose: a page of HTML as of IIS, on purpose: 5000 bytes leave each second"
    );

    let (it, outcome) = got("status: 503, retry_after: 2m");
    assert!(starts(&it.head, "503") && it.head.contains("\r\nRetry-After: 120\r\n") && it.body.is_empty(), "{it:?}");
    assert_eq!(outcome, "503 by \"it\", Retry-After 120");

    let (it, outcome) = got("fault: It broke., broken: mid-body");
    assert!(starts(&it.head, "500") && length(&it.head) > it.body.len(), "{it:?}");
    assert!(outcome.starts_with("fault It broke., on purpose:"), "{outcome}");
}

#[test]
fn a_refused_sign_in_is_refused_however_the_caller_signs_in() {
    let scenario = "server: {sign_in: [basic], trust: any-password}\naccounts: [{name: CONTOSO\\mim, groups: [PhoneFactor Admins]}]\nusers: [anna]\nrules: [{name: it, sign_in: refused}]";
    let server = testing::Server::builder().scenario(scenario).plain_http().start();
    let mut client = Client::of(&server);
    for _ in 0..3 {
        client.ask("Authorization: Basic Q09OVE9TT1xtaW06eA==\r\n");
        let answer = client.next();
        assert!(answer.starts_with("HTTP/1.1 401 ") && answer.contains("\r\nWww-Authenticate: Basic "), "{answer}");
        assert!(!answer.contains("Persistent-Auth"), "{answer}");
    }
    assert_eq!(calls(&server)["items"][2]["outcome"], "401 by \"it\", on purpose: the sign-in is refused");
}

#[test]
fn a_fault_concerns_one_answer_of_one_connection() {
    let server = faulty("first: {drip: 1}, then: as-usual");
    let mut slow = Client::of(&server);
    slow.ask("");
    let mut first = [0];
    slow.0.read_exact(&mut first).unwrap();
    let mut other = Client::of(&server);
    for _ in 0..2 {
        other.ask("");
        assert!(other.next().starts_with("HTTP/1.1 200 OK"));
    }
    drop(slow);

    let server = faulty("first: {drip: 20000}, then: as-usual");
    let mut client = Client::of(&server);
    for _ in 0..3 {
        client.ask("");
        assert!(client.next().ends_with("</soap:Envelope>"));
    }
}

#[test]
fn faults_that_do_not_fit_are_mistakes_with_a_remedy() {
    let api = Api::start(SCENARIO, &[]);
    for (rule, what, remedy) in [
        ("{retry_after: 5s}", "retry_after needs status", "status: 503"),
        ("{status: 503, retry_after: 500ms}", "whole seconds", "120s"),
        ("{drop: true, drip: 5}", "drip stands beside drop", "Take one"),
        ("{drop: rest}", "drop cannot be", "Did you mean reset?"),
        ("{status: 500, oversized: 9}", "oversized stands beside status", "Take one"),
        ("{status: 500, broken: mid-body}", "whose answer has no body", "mid-header"),
        ("{broken: mid-haeder}", "broken cannot be", "Did you mean mid-header?"),
        ("{content_type: html}", "is no content type", "text/plain"),
        ("{page: iis-500, status: 500}", "page stands beside status", "Take the other out"),
        ("{sign_in: wrong}", "sign_in cannot be", "refused"),
        ("{drip: 0}", "drip must be", ""),
    ] {
        let told = api.ask("POST", "/rules", "Content-Type: application/yaml\r\n", rule);
        assert_eq!(told.status, 422, "{rule}: {}", told.body);
        assert!(told.body.contains(what) && told.body.contains(remedy), "{rule}: {}", told.body);
    }
}
