//! Files that the command line names.

use std::path::Path;

use anyhow::bail;

use crate::contract::Secret;
use crate::file;

/// The secret in the first line of a file, such as a password. It may be empty.
pub(super) fn secret(path: &Path) -> anyhow::Result<Secret> {
    let text = file::read_text(path)?;
    Ok(text.lines().next().unwrap_or_default().into())
}

/// The token of the admin API in the first line of a file, without spaces around it.
pub(super) fn token(path: &Path) -> anyhow::Result<Secret> {
    let text = file::read_text(path)?;
    let token = text.lines().next().unwrap_or_default().trim();
    if token.is_empty() {
        bail!("{} holds no token in its first line", path.display());
    }
    Ok(token.into())
}
