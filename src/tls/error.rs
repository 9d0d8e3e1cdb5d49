//! Why there is no certificate to serve with.

use std::io;
use std::path::Path;

/// One sentence that says what is wrong and ends with the remedy.
#[derive(Debug, thiserror::Error)]
#[error("{wrong}; {remedy}")]
pub struct TlsError {
    wrong: String,
    remedy: String,
}

impl TlsError {
    pub(super) fn new(wrong: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { wrong: wrong.into(), remedy: remedy.into() }
    }

    pub(super) fn unwritable(path: &Path, error: &io::Error) -> Self {
        Self::new(
            format!("{} cannot be written ({error})", path.display()),
            "let this account write there, or name another directory with --certs",
        )
    }

    pub(super) fn unmakeable(error: &rcgen::Error) -> Self {
        Self::new(
            format!("a certificate could not be made ({error})"),
            "name a certificate of your own with --cert and --key",
        )
    }
}
