//! The HTTPS surface: from a socket to the router and back.

pub mod accept;
pub mod admin;
pub mod connection;
pub mod failures;
pub mod reload;
mod trouble;

mod answer;
mod caller;
mod service;

pub use answer::Cut;
pub use caller::Admission;
pub use service::{Site, router};

/// The folder in which the product installs the service.
pub const FOLDER: &str = "/MultiFactorAuthWebServiceSdk";
