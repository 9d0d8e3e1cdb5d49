//! A client of the admin API over sockets of its own, and the server that it asks.

use std::fs;
use std::io::Write;
use std::net::TcpStream;

use locmfa::testing;
use serde_json::Value;

use crate::process::{Caller, Server, read};

/// A server with the admin API.
pub(crate) struct Api {
    pub(crate) server: Caller,
    /// The address of the admin API.
    pub(crate) address: String,
    pub(crate) folder: tempfile::TempDir,
    _running: Running,
}

/// What ends with the test.
enum Running {
    InProcess { _server: testing::Server },
    Program { _server: Server },
}

/// What came back.
pub(crate) struct Told {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Api {
    pub(crate) fn start(scenario: &str, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("s.yaml"), scenario).unwrap();
        fs::write(folder.path().join("token"), "t0ken\n").unwrap();
        let of = |admin: &str| admin.trim_start_matches("http://").to_owned();
        if arguments.is_empty() {
            let server = testing::Server::builder().scenario_file(folder.path().join("s.yaml")).plain_http().start();
            let (caller, address) = (Caller::of(server.url()), of(server.admin_url()));
            return Self { server: caller, address, folder, _running: Running::InProcess { _server: server } };
        }
        let server = Server::start(folder.path(), &[&["s.yaml"], arguments].concat());
        let (caller, address) = (server.caller.clone(), of(server.ready["admin"].as_str().unwrap()));
        Self { server: caller, address, folder, _running: Running::Program { _server: server } }
    }

    /// A server with TLS and its authority in memory, in this process. Its service is called by other means.
    pub(crate) fn start_tls(scenario: &str) -> Self {
        let server = testing::Server::builder().scenario(scenario).start();
        let caller = Caller::of(server.url());
        let address = server.admin_url().trim_start_matches("http://").to_owned();
        let folder = tempfile::tempdir().unwrap();
        Self { server: caller, address, folder, _running: Running::InProcess { _server: server } }
    }

    pub(crate) fn open(&self, method: &str, path: &str, headers: &str, body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let length = body.len();
        let host = if headers.contains("Host:") { String::new() } else { format!("Host: {}\r\n", self.address) };
        let head =
            format!("{method} {path} HTTP/1.1\r\n{host}Connection: close\r\nContent-Length: {length}\r\n{headers}");
        stream.write_all(format!("{head}\r\n{body}").as_bytes()).unwrap();
        stream
    }

    pub(crate) fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> Told {
        let answer = read(self.open(method, path, headers, body));
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let head = head.to_lowercase();
        let body = if head.contains("transfer-encoding: chunked") { joined(body) } else { body.into() };
        Told { status, head, body }
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        let told = self.ask("GET", path, "", "");
        assert_eq!(told.status, 200, "{path}: {}", told.body);
        told.json()
    }

    /// Sends JSON: the status, and what came back.
    pub(crate) fn send(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let told = self.ask(method, path, "Content-Type: application/json\r\n", &body.to_string());
        (told.status, if told.body.is_empty() { Value::Null } else { told.json() })
    }
}

/// A body without the lengths of its chunks.
fn joined(mut chunked: &str) -> String {
    let mut body = String::new();
    while let Some((length, rest)) = chunked.split_once("\r\n") {
        let (chunk, rest) = rest.split_at(usize::from_str_radix(length, 16).unwrap());
        body += chunk;
        chunked = rest.trim_start_matches("\r\n");
    }
    body
}

impl Told {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|it| panic!("{it}: {}", self.body))
    }
}
