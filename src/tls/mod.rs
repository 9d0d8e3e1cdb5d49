//! TLS for the server and its clients: certificates and keys as files, what the server offers, what a client begins
//! with, and which certificates are trusted.

pub mod acceptor;
pub mod certificates;
pub mod hello;
pub mod trust;
