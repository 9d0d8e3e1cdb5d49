//! Imitates the Web Service SDK of Azure Multi-Factor Authentication Server on one machine.
//!
//! # In tests
//!
//! [`testing::Server`] is a server in the process of a test: on free ports, with an authority in memory, and without a
//! file. The program under test calls [`Space::url`](testing::Space::url), and trusts
//! [`Server::authority_pem`](testing::Server::authority_pem):
//!
//! ```
//! use std::time::Duration;
//!
//! use locmfa::testing::Server;
//!
//! # // The program under test, in short: it calls without TLS.
//! # use std::io::{Read, Write};
//! # struct Portal { host: String, path: String }
//! # impl Portal {
//! #     fn new(url: &str, _authority: &str) -> Self {
//! #         let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
//! #         Self { host: host.into(), path: path.into() }
//! #     }
//! #     fn call(&self, operation: &str, fields: &str) -> String {
//! #         let Self { host, path } = self;
//! #         let namespace = "http://www.phonefactor.com/PfWsSdk";
//! #         let body = format!("<{operation} xmlns='{namespace}'><username>mimservice</username>{fields}</{operation}>");
//! #         let soap = "http://schemas.xmlsoap.org/soap/envelope/";
//! #         let body = format!("<s:Envelope xmlns:s='{soap}'><s:Body>{body}</s:Body></s:Envelope>");
//! #         let head = format!(
//! #             "POST /{path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: text/xml\r\nConnection: close\r\n\
//! #              SOAPAction: \"{namespace}/{operation}\"\r\nContent-Length: {}\r\n\r\n",
//! #             body.len()
//! #         );
//! #         let mut stream = std::net::TcpStream::connect(host).unwrap();
//! #         stream.write_all((head + &body).as_bytes()).unwrap();
//! #         let mut answer = String::new();
//! #         stream.read_to_string(&mut answer).unwrap();
//! #         answer
//! #     }
//! #     fn ask_for_code(&self, number: &str) {
//! #         self.call("PfAuthUser_5", &format!("<mode>smsText</mode><phoneNumber>{number}</phoneNumber>"));
//! #     }
//! #     fn accepts(&self, code: &str) -> bool {
//! #         let answer = self.call("ValidatePasscode", &format!("<passcode>{code}</passcode>"));
//! #         answer.contains("<ValidatePasscodeResult>true<")
//! #     }
//! # }
//! let server = Server::builder().scenario("users: [mimservice]").start();
//! # let server = Server::builder().scenario("users: [mimservice]").plain_http().start();
//! let space = server.space("reset"); // users, rules, clock and memory of its own
//! let portal = Portal::new(space.url(), server.authority_pem()); // your program
//!
//! portal.ask_for_code("+1 425 555 0100");
//! let message = space.wait_for_message(&[("to", "+1 425 555 0100")], Duration::from_secs(30));
//! assert!(portal.accepts(&message.code.unwrap()));
//! space.verify("- {where: {operation: ValidatePasscode, outcome: 'true*'}, exactly: 1}", Duration::ZERO);
//! ```
//!
//! # Features
//!
//! `cli`, which is on by default, is the program `locmfa` with its command line. Tests need neither: with
//! `default-features = false` they do without clap and the other crates that only the program uses.
//!
//! # Pages
//!
//! The package has the pages in its folder `docs`: `testing.md` on tests; `scenarios.md` on what
//! [`Builder::scenario`](testing::Builder::scenario) and [`Space::add_rule`](testing::Space::add_rule) read; `admin.md` on conditions
//! and expectations; `incidents.md` and `faults.md` on what can go wrong.
//!
//! # Modules
//!
//! The modules beside [`testing`] are the parts of the program, and change between versions without notice. They stand in
//! `lib.rs` in dependency order: each uses only those above it, and a test holds that. `docs/architecture.md` says what
//! each is for.

pub mod file;
pub mod process;
pub mod text;
pub mod xml;
#[macro_use]
pub mod contract;

pub mod trouble;

pub mod sign_in;
pub mod soap;

pub mod engine;
pub mod switchboard;

pub mod operations;

pub mod tls;

pub mod client;

pub mod scenario;

pub mod import;
pub mod incidents;

pub mod description;
pub mod log;
pub mod server;

pub mod mim;

pub mod control;
pub mod doctor;
pub mod trust;

pub mod service;

pub mod testing;

#[cfg(feature = "cli")]
pub mod cli;
