//! The HTTPS surface: from a socket to the answer and back.

pub mod accept;
pub mod admin;
pub mod assembly;
pub mod connection;
pub mod failures;
mod record;
pub mod reload;
pub mod tls_faults;
mod trouble;

mod answer;
mod body;
mod caller;
mod page;
mod read;
mod service;
mod transfer;
mod wire;
mod woken;

pub use answer::Cut;
pub use caller::Admission;
pub use service::{BodyLimits, Site, app};

/// The folder in which the product installs the service.
pub const FOLDER: &str = "/MultiFactorAuthWebServiceSdk";
