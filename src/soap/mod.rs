//! SOAP as ASP.NET speaks it: bytes and headers to a call, a reply or a fault to bytes.

mod envelope;
mod fault;

pub use envelope::{Call, Head, Rejected, Version, decode, open, seal, seal_fault};
pub use fault::{Fault, Party};
