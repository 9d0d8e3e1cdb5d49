//! What a certificate says, read from its bytes.

use std::net::IpAddr;
use std::path::PathBuf;

use rustls::pki_types::CertificateDer;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};
use time::OffsetDateTime;
use x509_parser::asn1_rs::Tag;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{DistributionPointName, GeneralName, ParsedExtension};
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

use crate::sign_in::SubjectName;

/// What a person wants to know about a certificate.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Summary {
    pub subject: String,
    pub issuer: String,
    /// Host names and IP addresses, as written in the certificate.
    pub names: Vec<String>,
    pub not_before: OffsetDateTime,
    pub not_after: OffsetDateTime,
    /// 40 upper-case hexadecimal digits: the thumbprint in Windows.
    pub sha1: String,
    /// 64 upper-case hexadecimal digits.
    pub sha256: String,
    /// The files that hold it, the key last.
    pub files: Vec<PathBuf>,
}

impl Summary {
    /// Reads a certificate that these files hold, if any.
    ///
    /// # Errors
    /// The bytes are not a certificate: the rest of a sentence that begins with their source.
    pub fn of(certificate: &CertificateDer<'_>, files: Vec<PathBuf>) -> Result<Self, String> {
        let parsed = parse(certificate)?;
        Ok(Self {
            subject: shown(parsed.subject()),
            issuer: shown(parsed.issuer()),
            names: names_in(&parsed),
            not_before: parsed.validity().not_before.to_datetime(),
            not_after: parsed.validity().not_after.to_datetime(),
            sha1: data_encoding::HEXUPPER.encode(&Sha1::digest(certificate)),
            sha256: data_encoding::HEXUPPER.encode(&Sha256::digest(certificate)),
            files,
        })
    }
}

/// A name as the log, the scenario and Windows write it.
fn shown(name: &X509Name<'_>) -> String {
    let value = |it: &AttributeTypeAndValue<'_>| {
        let bytes = it.attr_value().data;
        let text = match it.attr_value().tag() {
            Tag::BmpString => {
                let units = bytes.chunks_exact(2).map(|it| u16::from_be_bytes([it[0], it[1]]));
                char::decode_utf16(units).map(|it| it.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
            }
            // T61String is Latin-1 in practice.
            _ => str::from_utf8(bytes).map_or_else(|_| bytes.iter().map(|it| char::from(*it)).collect(), Into::into),
        };
        (it.attr_type().to_id_string(), text)
    };
    SubjectName::of(name.iter().map(|it| it.iter().map(value).collect())).to_string()
}

/// The hash of a certificate for channel bindings of the type `tls-server-end-point` (RFC 5929): by the hash function
/// of its signature, or by SHA-256 if that function is older.
#[must_use]
pub fn end_point(certificate: &CertificateDer<'_>) -> Vec<u8> {
    let signature = parse(certificate).map(|it| it.signature_algorithm.algorithm.to_id_string());
    match signature.as_deref() {
        Ok(oid::ECDSA_WITH_SHA384 | oid::RSA_WITH_SHA384) => Sha384::digest(certificate).to_vec(),
        Ok(oid::ECDSA_WITH_SHA512 | oid::RSA_WITH_SHA512) => Sha512::digest(certificate).to_vec(),
        _ => Sha256::digest(certificate).to_vec(),
    }
}

pub(super) fn parse<'a>(certificate: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, String> {
    x509_parser::parse_x509_certificate(certificate)
        .map(|(_, parsed)| parsed)
        .map_err(|error| format!("holds no certificate ({error})"))
}

/// The addresses of the revocation list, as a certificate states them.
#[must_use]
pub fn list_addresses(certificate: &CertificateDer<'_>) -> Vec<String> {
    let Ok(parsed) = parse(certificate) else { return Vec::new() };
    let of_extension = |it: &ParsedExtension<'_>| match it {
        ParsedExtension::CRLDistributionPoints(points) => points
            .iter()
            .filter_map(|it| match &it.distribution_point {
                Some(DistributionPointName::FullName(names)) => Some(names),
                _ => None,
            })
            .flatten()
            .filter_map(|it| match it {
                GeneralName::URI(address) => Some((*address).to_owned()),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    };
    parsed.extensions().iter().flat_map(|it| of_extension(it.parsed_extension())).collect()
}

fn names_in(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else { return Vec::new() };
    let name = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes).ok().map(|bytes| IpAddr::from(bytes).to_string()),
            _ => <[u8; 16]>::try_from(*bytes).ok().map(|bytes| IpAddr::from(bytes).to_string()),
        },
        _ => None,
    };
    extension.value.general_names.iter().filter_map(name).collect()
}

/// The identifier of the key that signed a certificate.
pub(super) fn authority_key<'a>(certificate: &X509Certificate<'a>) -> Option<&'a [u8]> {
    certificate.iter_extensions().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::AuthorityKeyIdentifier(identifier) => identifier.key_identifier.as_ref().map(|key| key.0),
        _ => None,
    })
}

/// The identifier of a certificate's own key.
pub(super) fn subject_key<'a>(certificate: &X509Certificate<'a>) -> Option<&'a [u8]> {
    certificate.iter_extensions().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::SubjectKeyIdentifier(key) => Some(key.0),
        _ => None,
    })
}

mod oid {
    pub(super) const ECDSA_WITH_SHA384: &str = "1.2.840.10045.4.3.3";
    pub(super) const ECDSA_WITH_SHA512: &str = "1.2.840.10045.4.3.4";
    pub(super) const RSA_WITH_SHA384: &str = "1.2.840.113549.1.1.12";
    pub(super) const RSA_WITH_SHA512: &str = "1.2.840.113549.1.1.13";
}
