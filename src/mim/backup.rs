//! A settings file's backups, and how the file is replaced: whole or not at all.
//!
//! A backup stands beside its file, as `MfaSettings.xml.2026-11-24T13-05-00.000Z.<was>.<became>.locmfa-backup`. The two
//! hashes are of what it holds and of what was written instead. So half a backup is recognised, and so is a file that
//! changed since.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::check;
use crate::file::{Access, Draft};

#[derive(Debug)]
pub(super) struct Backup {
    pub path: PathBuf,
    /// As in its name; in the order of time.
    time: String,
    was: String,
    became: String,
}

/// Local time would repeat an hour in autumn.
const TIME: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]-[minute]-[second].[subsecond digits:3]Z");
const SUFFIX: &str = ".locmfa-backup";
const PART: &str = "locmfa-part";

impl Backup {
    /// Keeps what a file holds before it becomes something else. No backup is ever overwritten: where the name is
    /// taken, the next millisecond is.
    pub(super) fn keep(file: &Path, holds: &[u8], becomes: &[u8], now: OffsetDateTime) -> anyhow::Result<PathBuf> {
        let mut now = now;
        loop {
            let time = now.format(TIME).context("the time of the backup")?;
            let path = file.with_added_extension(format!("{time}.{}.{}{SUFFIX}", hash(holds), hash(becomes)));
            let kept = Draft::beside(&path, holds, Access::Like(file)).and_then(|it| it.create(&path));
            match kept {
                Ok(()) => return Ok(path),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => now += time::Duration::MILLISECOND,
                Err(error) => {
                    return Err(error).with_context(|| {
                        format!(
                            "no backup can be written to {}, so nothing was changed; let this account write there (on Windows, start the program as administrator)",
                            path.display()
                        )
                    });
                }
            }
        }
    }

    /// All backups of a file, the newest last.
    pub(super) fn all(file: &Path) -> io::Result<Vec<Self>> {
        let folder = file.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        let mut backups = Vec::new();
        for entry in fs::read_dir(folder)? {
            backups.extend(Self::at(&file.with_file_name(entry?.file_name()), file));
        }
        backups.sort_by(|a, b| a.time.cmp(&b.time));
        Ok(backups)
    }

    /// The backup at a path, if its name says that it is one of this file.
    pub(super) fn at(path: &Path, file: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        let rest = name.strip_prefix(file.file_name()?.to_str()?)?.strip_prefix('.')?.strip_suffix(SUFFIX)?;
        let (rest, became) = rest.rsplit_once('.')?;
        let (time, was) = rest.rsplit_once('.')?;
        let is_hash = |it: &str| it.len() == HASH && it.bytes().all(|it| it.is_ascii_hexdigit());
        (is_hash(was) && is_hash(became)).then(|| Self {
            path: path.to_owned(),
            time: time.to_owned(),
            was: was.to_owned(),
            became: became.to_owned(),
        })
    }

    /// What it holds.
    pub(super) fn read(&self) -> anyhow::Result<Vec<u8>> {
        let (bytes, _) = check::read(&self.path)?;
        if hash(&bytes) != self.was {
            bail!(
                "{} is not what was kept: it was cut or changed. Nothing was restored. Name another backup with --backup.",
                self.path.display()
            );
        }
        Ok(bytes)
    }

    /// Whether the file is still what was written when this backup was made.
    pub(super) fn is_followed_by(&self, current: &[u8]) -> bool {
        hash(current) == self.became
    }
}

/// How many digits of a hash a name has: enough to tell two files apart, and short enough to read.
const HASH: usize = 12;

fn hash(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))[..HASH].to_owned()
}

/// Replaces what a file holds, if it still holds `current`: a reader sees the former content or the new. It
/// keeps its permissions and, where the account may give it, its owner.
pub(super) fn replace(file: &Path, current: &[u8], bytes: &[u8]) -> anyhow::Result<()> {
    let name = file.display();
    // In the same folder, so that the rename stays on one disk. While it exists, a second program stays out.
    let part = file.with_added_extension(PART);
    let draft = Draft::alone(&part, bytes, Access::Like(file));
    if let Err(error) = &draft
        && error.kind() == io::ErrorKind::AlreadyExists
    {
        bail!(
            "{} is there: another locmfa writes at this moment, or one was broken off. Nothing was changed. Delete that file if no other runs.",
            part.display()
        );
    }
    let replaced = draft.map_err(anyhow::Error::from).and_then(|draft| {
        if check::read(file)?.0 != current {
            bail!("another program changed it at this moment; look at it and start again");
        }
        Ok(draft.replace(file)?)
    });
    replaced.with_context(|| {
        format!(
            "{name} cannot be written, and is as it was; close programs that have it open, and let this account write there (on Windows, start the program as administrator)"
        )
    })
}

/// Says why a file that is write-protected is not replaced, which the folder alone would allow.
pub(super) fn refuse_read_only(file: &Path) -> anyhow::Result<()> {
    let metadata = fs::metadata(file).with_context(|| format!("{} cannot be looked at", file.display()))?;
    if metadata.permissions().readonly() {
        bail!(
            "{0} is read-only, so nothing was changed. Allow writing first: attrib -R \"{0}\" on Windows, chmod u+w elsewhere.",
            file.display()
        );
    }
    Ok(())
}
