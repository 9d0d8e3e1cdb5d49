//! TLS for the server and its clients: certificates and keys as files, what the server offers, the first bytes that a
//! client sends, and which certificates are trusted.

mod authority;
mod certificate;
mod error;
mod files;
mod names;
mod pair;
mod pfx;

mod acceptor;
mod certificates;
mod fault;
pub mod hello;
mod renewable;
mod trust;
mod verifier;

pub use acceptor::{Acceptor, ClientCertificate, Offer, TlsFacts, words};
pub use authority::{AUTHORITY, SERVER};
pub use certificate::{Summary, end_point, list_addresses};
pub use certificates::{Certificates, Keys};
pub use error::TlsError;
pub use fault::{Abrupt, CertificateFlaw, TlsFault};
pub use files::read_certificates;
pub use names::host_name;
pub use pair::{Pair, RevocationList};
pub use pfx::PfxCipher;
pub use renewable::{Faulty, Renewable, Served};
pub use trust::{ServerCertificate, Trust, TrustAnchor};
pub use verifier::AcceptAny;
