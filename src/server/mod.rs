//! The HTTPS surface: from a socket to the router and back.

pub mod certificates;
pub mod hello;
pub mod trouble;

pub mod tls;

pub mod connection;
