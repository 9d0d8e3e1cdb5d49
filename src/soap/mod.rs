//! SOAP as ASP.NET speaks it: bytes and headers to a call, a reply or a fault to bytes.

mod envelope;
mod fault;
mod head;
mod version;

pub use envelope::{BodyError, Call, Rejected, body, decode, open, seal, seal_fault};
pub use fault::{Fault, Party};
pub use head::{Head, url_decoded};
pub use version::Version;
