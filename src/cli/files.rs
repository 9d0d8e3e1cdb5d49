//! Files that people name: how they are read and written.

use std::io;
use std::path::Path;

use anyhow::Context;

/// The text of an export: UTF-8, UTF-16 with its mark, or what older Windows programs write.
pub(super) fn text_of(file: &Path) -> anyhow::Result<String> {
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let marked = encoding_rs::Encoding::for_bom(&bytes).map(|it| it.0);
    let encoding = marked.unwrap_or_else(|| match std::str::from_utf8(&bytes) {
        Ok(_) => encoding_rs::UTF_8,
        Err(_) => encoding_rs::WINDOWS_1252,
    });
    Ok(encoding.decode(&bytes).0.into_owned())
}

/// Writes a file whole or not at all; one that is there keeps its permissions.
pub(super) fn write_whole(file: &Path, text: &str) -> io::Result<()> {
    let beside = file.with_extension("part");
    std::fs::write(&beside, text)?;
    if let Ok(there) = std::fs::metadata(file) {
        std::fs::set_permissions(&beside, there.permissions())?;
    }
    std::fs::rename(&beside, file)
}
