//! The discovery document, which leads tools from the service's address to its description.

use super::{Indented, PORTS, escape};
use crate::contract::NAMESPACE;

const ROOT: &str = concat!(
    "discovery",
    " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"",
    " xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\"",
    " xmlns=\"http://schemas.xmlsoap.org/disco/\"",
);

/// The discovery document (DISCO) of the service at that address.
#[must_use]
pub fn disco(address: &str) -> String {
    let address = escape(address);
    let mut out = Indented::default();
    out.line("<?xml version=\"1.0\" encoding=\"utf-8\"?>");
    out.nest(ROOT, |out| {
        out.empty(&format!(
            "contractRef ref=\"{address}?wsdl\" docRef=\"{address}\" xmlns=\"http://schemas.xmlsoap.org/disco/scl/\""
        ));
        for (port, q) in PORTS.into_iter().zip(["q1", "q2"]) {
            out.empty(&format!(
                "soap address=\"{address}\" xmlns:{q}=\"{NAMESPACE}\" binding=\"{q}:{port}\" xmlns=\"http://schemas.xmlsoap.org/disco/soap/\""
            ));
        }
    });
    out.out
}
