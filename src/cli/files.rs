//! Files that the command line names.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, anyhow, bail};

use crate::contract::Secret;
use crate::file::{self, Unreadable};

/// Whether a path means standard input.
pub(super) fn is_standard_input(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// The content of a file, or of standard input.
pub(super) fn bytes_of(path: &Path) -> anyhow::Result<Vec<u8>> {
    if !is_standard_input(path) {
        return Ok(std::fs::read(path).map_err(|error| Unreadable::File { path: path.into(), error })?);
    }
    let mut bytes = Vec::new();
    std::io::stdin().lock().read_to_end(&mut bytes).context("cannot read standard input")?;
    Ok(bytes)
}

/// The text of standard input.
pub(super) fn standard_input() -> anyhow::Result<String> {
    file::decode(&bytes_of(Path::new("-"))?).map_err(|error| anyhow!("standard input {error}; write it as UTF-8"))
}

/// The text of a file, or of standard input.
pub(super) fn text_of(path: &Path) -> anyhow::Result<String> {
    if is_standard_input(path) { standard_input() } else { Ok(file::read_text(path)?) }
}

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
