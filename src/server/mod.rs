//! The HTTPS surface: from a socket to the router and back.

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
pub use service::{FOLDER, Site, router};
