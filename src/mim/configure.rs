//! Changing a settings file as Microsoft's article does, and restoring it.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use similar::TextDiff;
use time::OffsetDateTime;

use super::backup::{self, Backup};
use super::check::{self, Finding, Problem};
use super::settings::{Edit, Key, Settings, secrets};

/// What configuring a file would do.
#[derive(Debug)]
pub enum Plan {
    /// The file is not changed, because of these findings.
    Refused {
        findings: Vec<Finding>,
        /// One of them is that `CustomPhoneProvider` is set, which `force` allows.
        has_provider: bool,
    },
    /// The file is configured so already.
    Unchanged,
    Change(Change),
}

/// A change to a settings file that is not yet written.
#[derive(Debug)]
pub struct Change {
    file: PathBuf,
    /// The file as the user named it.
    source: String,
    before: String,
    after: String,
    bytes_before: Vec<u8>,
    bytes_after: Vec<u8>,
}

/// What [`revert`] did.
#[derive(Debug)]
pub enum Reverted {
    /// The file already has the content of this backup.
    Unchanged { backup: PathBuf },
    /// The file has the content of `backup`. `kept` is a backup of its former content, where `configure` did not write
    /// that.
    Restored { backup: PathBuf, kept: Option<PathBuf> },
}

/// Plans the article's changes to a file.
///
/// # Errors
/// The file cannot be read, or is read-only.
pub fn plan(named: &Path, url: &str, username: &str, force: bool) -> anyhow::Result<Plan> {
    let file = real(named);
    let (bytes, _) = check::read(&file)?;
    let source = named.display().to_string();
    let settings = match Settings::read(&bytes) {
        Ok(settings) => settings,
        Err(broken) => {
            return Ok(Plan::Refused { findings: vec![Finding::of_broken(&source, broken)], has_provider: false });
        }
    };
    let mut found = check::structure(&settings);
    let provider = settings.all(Key::CustomPhoneProvider).find(|it| !it.value.trim().is_empty());
    let provider = provider.filter(|_| !force);
    found.extend(provider.map(|it| (Problem::CustomProvider {}, Some(it.span(settings.text())))));
    if !found.is_empty() {
        let findings = Finding::all(&source, settings.text(), found);
        return Ok(Plan::Refused { findings, has_provider: provider.is_some() });
    }
    let edits = edits(url, username);
    let after = settings.edited(&edits);
    if after == settings.text() {
        return Ok(Plan::Unchanged);
    }
    backup::refuse_read_only(&file)?;
    let bytes_after = settings.encoded(&after);
    if !holds(&bytes_after, &edits) {
        bail!(
            "the changed {source} would not have the right entries, so nothing was changed. Write the entries by hand, and please report this."
        );
    }
    let before = settings.text().to_owned();
    Ok(Plan::Change(Change { file, source, before, after, bytes_before: bytes, bytes_after }))
}

impl Change {
    /// The change as a unified diff without secrets.
    #[must_use]
    pub fn diff(&self) -> String {
        let (before, after) = (without_secrets(&self.before), without_secrets(&self.after));
        let diff = TextDiff::from_lines(&before, &after);
        diff.unified_diff().header(&self.source, &format!("{} (new)", self.source)).to_string()
    }

    /// Keeps a backup and writes the file. Gives the path of the backup.
    ///
    /// # Errors
    /// Either cannot be written, or another program changed the file. The file is as it was.
    pub fn write(self) -> anyhow::Result<PathBuf> {
        let Self { file, bytes_before, bytes_after, .. } = self;
        let backup = Backup::keep(&file, &bytes_before, &bytes_after, OffsetDateTime::now_utc())?;
        backup::replace(&file, &bytes_before, &bytes_after)?;
        Ok(backup)
    }
}

/// Restores a file from a backup; without one, from its newest.
///
/// # Errors
/// There is no such backup, it is damaged, the file cannot be written, or, without `force`, the file changed after
/// `configure` wrote it.
pub fn revert(named: &Path, backup: Option<&Path>, force: bool) -> anyhow::Result<Reverted> {
    let file = real(named);
    let source = named.display();
    let (current, _) = check::read(&file)?;
    let (backup, bytes, is_expected) = match backup {
        None => {
            let backups = Backup::all(&file).with_context(|| format!("cannot list the folder of {source}"))?;
            let Some(newest) = backups.last() else {
                bail!(
                    "there is no backup beside {source}; only `locmfa mim configure` makes them. Name another one with --backup."
                );
            };
            (newest.path.clone(), newest.read()?, newest.is_followed_by(&current))
        }
        Some(path) => match Backup::at(path, &file) {
            Some(backup) => (path.into(), backup.read()?, backup.is_followed_by(&current)),
            // A copy that locmfa did not make has no hash of what followed it.
            None => (path.into(), check::read(path)?.0, false),
        },
    };
    if current == bytes {
        return Ok(Reverted::Unchanged { backup });
    }
    if !is_expected && !force {
        bail!(
            "{source} was edited after `locmfa mim configure` ran, or the backup {} is another one; nothing was restored. Compare the two; --force restores the backup and keeps the file's content as another backup.",
            backup.display()
        );
    }
    backup::refuse_read_only(&file)?;
    let kept = match is_expected {
        true => None,
        false => Some(Backup::keep(&file, &current, &bytes, OffsetDateTime::now_utc())?),
    };
    backup::replace(&file, &current, &bytes)?;
    Ok(Reverted::Restored { backup, kept })
}

/// The article's changes.
fn edits<'a>(url: &'a str, username: &'a str) -> Vec<Edit<'a>> {
    let set = [Edit::Set(Key::Username, username), Edit::Set(Key::Locmfa, "true"), Edit::Set(Key::Locmfasrv, url)];
    Key::OF_CLOUD.iter().map(|it| Edit::Clear(*it)).chain(set).collect()
}

/// Whether a file can be read back, and needs none of the edits.
fn holds(bytes: &[u8], edits: &[Edit<'_>]) -> bool {
    Settings::read(bytes).is_ok_and(|it| it.edited(edits) == it.text())
}

/// The file that a link points to: the file is replaced, and the link stays.
fn real(file: &Path) -> PathBuf {
    match file.is_symlink() {
        true => file.canonicalize().unwrap_or_else(|_| file.into()),
        false => file.into(),
    }
}

/// A text with eight stars for each secret, whatever its length, and with equal line ends.
fn without_secrets(text: &str) -> String {
    let mut shown = String::new();
    let mut at = 0;
    for secret in secrets(text) {
        shown += &text[at..secret.start];
        let lines = text[secret.clone()].split_inclusive('\n');
        lines.for_each(|it| shown += if it.ends_with('\n') { "********\n" } else { "********" });
        at = secret.end;
    }
    shown += &text[at..];
    let shown = shown.replace("\r\n", "\n").replace('\r', "\n");
    shown.replace(|it: char| it.is_control() && it != '\n' && it != '\t', "\u{fffd}")
}
