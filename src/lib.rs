//! Imitates the Web Service SDK of Azure Multi-Factor Authentication Server on one machine.
//!
//! [`testing::Server`] is a server for tests in Rust. The other modules are the parts of the program; they change between
//! versions without notice.
//!
//! The modules in dependency order: each uses only those above it, and a test holds that. `docs/architecture.md`
//! says what each is for.

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
