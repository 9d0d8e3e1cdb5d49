//! Files that the command line names.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use clap::Args;
use serde_json::Value;

use crate::contract::Secret;
use crate::file::{self, Unreadable};
use crate::scenario;

/// Where a command prints. `Arguments::of` takes it from the matches of whichever command has it.
#[derive(Args, Debug)]
pub(super) struct OutArgs {
    /// Write what is printed to this file, in UTF-8; Windows PowerShell 5.1 writes UTF-16 behind >
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Whether a path means standard input.
pub(super) fn is_standard_input(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// The files that a path names. `*` and `?` stand for parts of names: the shells of Windows leave them to the program.
///
/// # Errors
/// No file fits.
pub(super) fn named_by(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let Some(pattern) = path.to_str().filter(|it| it.contains(['*', '?']) && !path.exists()) else {
        return Ok(vec![path.into()]);
    };
    // A bracket is a part of a name.
    let found = glob::glob(&pattern.replace('[', "[[]")).with_context(|| format!("{pattern:?} names no file"))?;
    let files: Vec<PathBuf> = found.flatten().filter(|it| it.is_file()).collect();
    match files.is_empty() {
        true => bail!("no file fits {}; check the folder and the name", path.display()),
        false => Ok(files),
    }
}

/// The one file that a path names, as [`named_by`] finds it.
///
/// # Errors
/// No file fits, or several do.
pub(super) fn one_named_by(path: &Path) -> anyhow::Result<PathBuf> {
    let mut files = named_by(path)?;
    match &files[..] {
        [_] => Ok(files.remove(0)),
        [first, second, ..] => bail!(
            "{} fits {} files, such as {} and {}, and one is needed here; name it",
            path.display(),
            files.len(),
            first.display(),
            second.display()
        ),
        [] => unreachable!("a path names at least one file"),
    }
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

/// The value that a text in YAML or JSON holds.
pub(super) fn value_of(name: &str, text: &str) -> anyhow::Result<Value> {
    scenario::export::value(name, text)
        .map_err(|mistakes| anyhow!("{}", mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n\n")))
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
