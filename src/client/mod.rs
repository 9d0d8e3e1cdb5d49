//! A client of the service that calls as Identity Manager does.

mod connection;

pub use connection::*;
