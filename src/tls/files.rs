//! Reading and writing the files of certificates and keys.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::certificate::parse;
use super::error::TlsError;
use crate::file::{self, Access};

/// Keeps other processes from making files in the directory until it is dropped. `None`: nothing can be locked, as in
/// a read-only directory; the files are there already, or opening them fails.
pub(super) fn lock(directory: &Path) -> Option<File> {
    let file = File::options().create(true).truncate(false).write(true).open(directory.join(LOCK)).ok()?;
    file.lock().ok()?;
    Some(file)
}

/// The certificates of a PEM file: of a chain, or of authorities. A DER file, as Windows exports it, holds one.
///
/// # Errors
/// The file cannot be read, or holds no certificate.
pub fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let remedy = "name a file with at least one certificate, in PEM or DER";
    if let Some(der) = read(path)?.map(CertificateDer::from).filter(|it| parse(it).is_ok()) {
        return Ok(vec![der]);
    }
    let chain = read_chain(path)?.ok_or_else(|| TlsError::new(format!("{} does not exist", path.display()), remedy))?;
    chain.map_err(|what| TlsError::new(format!("{} {what}", path.display()), remedy))
}

/// The certificates of a PEM file, at least one. `None`: there is no such file. The inner error is the rest of a
/// sentence that begins with the file.
pub(super) fn read_chain(path: &Path) -> Result<Option<Result<Vec<CertificateDer<'static>>, String>>, TlsError> {
    let Some(pem) = read(path)? else { return Ok(None) };
    let chain = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>();
    Ok(Some(match chain {
        Ok(chain) if chain.is_empty() => Err("holds no certificate in PEM form".into()),
        Ok(chain) => Ok(chain),
        Err(error) => Err(format!("holds no certificate ({error})")),
    }))
}

pub(super) fn read_existing(path: &Path, remedy: &str) -> Result<Vec<u8>, TlsError> {
    read(path)?.ok_or_else(|| TlsError::new(format!("{} does not exist", path.display()), remedy))
}

/// `None`: there is no such file.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, TlsError> {
    match fs::read(path) {
        // An editor, or PowerShell, may have written PEM in another encoding.
        Ok(bytes) => Ok(Some(file::in_utf8(bytes))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(TlsError::new(
            format!("{} cannot be read ({error})", path.display()),
            "let this account read it, or name another directory with --certs",
        )),
    }
}

/// Writes a file whole or not at all. On Windows, the access list of the directory decides who may read it.
pub(super) fn write(path: &Path, contents: &[u8], access: Access<'_>) -> Result<(), TlsError> {
    file::write(path, contents, access).map_err(|error| TlsError::unwritable(path, &error))
}

const LOCK: &str = ".lock";
