//! The incidents that a server can play: those of the program, and those of a folder that its user names.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use crate::engine::{Company, Incident};
use crate::file::{self, Unreadable};
use crate::scenario::{self, IncidentFile, Mistakes};

/// Declares the files of `incidents/` that the program holds, by their names.
macro_rules! files {
    ($($name:literal)*) => {
        const FILES: &[(&str, &str)] = &[$(($name, include_str!(concat!("../incidents/", $name, ".yaml"))),)*];
    };
}

files! {
    "account-disabled"
    "account-out-of-group"
    "activation-lost"
    "azure-unreachable"
    "carrier-busy"
    "certificate-expired"
    "cut"
    "half-an-answer"
    "hangs"
    "licence-lapsed"
    "master-away"
    "password-expired"
    "service-restarted"
    "slow-morning"
    "text-gate-4.5.202.0"
    "text-twice"
    "texts-delayed"
    "tls-1.0-only"
    "user-removed"
    "wrong-certificate-name"
}

/// The incidents of a server, by their names.
#[derive(Clone, Debug)]
pub struct Incidents(BTreeMap<Arc<str>, Arc<Kept>>);

/// An incident that can begin.
#[derive(Debug)]
pub struct Kept {
    pub name: Arc<str>,
    /// Where its text is from, as mistakes name it.
    source: String,
    pub text: Cow<'static, str>,
    /// As it is read for a company without settings of its own.
    pub file: IncidentFile,
}

/// Why the incidents of a folder cannot be played.
#[derive(Debug)]
pub enum NotRead {
    Folder(PathBuf, io::Error),
    File(PathBuf, Unreadable),
    BadName(PathBuf),
    Mistakes(Mistakes),
}

impl fmt::Display for NotRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path, error) => {
                write!(f, "the folder {} cannot be read ({error}); name the folder of your incidents", path.display())
            }
            Self::File(path, error) => write!(f, "{} cannot be read: {error}", path.display()),
            Self::BadName(path) => write!(
                f,
                "{} names no incident; name the file with letters, digits, hyphens and dots, such as slow-morning.yaml",
                path.display()
            ),
            Self::Mistakes(mistakes) => {
                mistakes.iter().try_for_each(|it| writeln!(f, "{it}\n"))?;
                write!(f, "the incident has {}", mistakes.summary())
            }
        }
    }
}

impl Kept {
    /// Reads an incident of that name. `source` is how mistakes name its text.
    ///
    /// # Errors
    /// The mistakes in the text.
    pub fn read(name: &str, source: String, text: Cow<'static, str>) -> Result<Arc<Self>, Mistakes> {
        let file = scenario::incident(name, &source, &text, &Company::default(), &|_| None)?;
        Ok(Arc::new(Self { name: name.into(), source, text, file }))
    }

    /// What it puts over a scenario, read for the scenario's company and users.
    ///
    /// # Errors
    /// What does not fit them.
    pub fn incident(&self, company: &Company, stored: &dyn Fn(&str) -> Option<String>) -> Result<Incident, Mistakes> {
        scenario::incident(&self.name, &self.source, &self.text, company, stored).map(|it| it.incident)
    }
}

impl Default for Incidents {
    /// Those of the program.
    fn default() -> Self {
        static EMBEDDED: LazyLock<Incidents> = LazyLock::new(|| {
            let read = |(name, text): &(&str, &'static str)| {
                let source = format!("incidents/{name}.yaml");
                let kept = Kept::read(name, source, Cow::Borrowed(*text)).expect("a test reads each");
                (kept.name.clone(), kept)
            };
            Incidents(FILES.iter().map(read).collect())
        });
        EMBEDDED.clone()
    }
}

impl Incidents {
    /// These, and those of the files `NAME.yaml` in a folder, which take the place of these by their names.
    ///
    /// # Errors
    /// A file cannot be read, or has mistakes.
    pub fn with_folder(mut self, folder: &Path) -> Result<Self, NotRead> {
        let unreadable = |error| NotRead::Folder(folder.into(), error);
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(unreadable)? {
            paths.push(entry.map_err(unreadable)?.path());
        }
        paths.sort();
        for path in paths.into_iter().filter(|it| it.extension().is_some_and(|it| it == "yaml" || it == "yml")) {
            let is_in_names = |it: char| it.is_ascii_alphanumeric() || matches!(it, '-' | '.' | '_');
            let name = path.file_stem().and_then(|it| it.to_str()).filter(|it| it.chars().all(is_in_names));
            let Some(name) = name else { return Err(NotRead::BadName(path)) };
            let text = file::read_text(&path).map_err(|it| NotRead::File(path.clone(), it))?;
            let kept = Kept::read(name, path.display().to_string(), text.into()).map_err(NotRead::Mistakes)?;
            self.0.insert(kept.name.clone(), kept);
        }
        Ok(self)
    }

    /// An incident by its name, letter case aside.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Arc<Kept>> {
        self.0.values().find(|it| it.name.eq_ignore_ascii_case(name))
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Arc<Kept>> {
        self.0.values()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_file_of_the_folder_is_in_the_program() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("incidents");
        let files = std::fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
        let files: BTreeSet<String> = files.map(|it| it.file_stem().unwrap().to_str().unwrap().into()).collect();
        assert_eq!(files, FILES.iter().map(|it| it.0.to_owned()).collect());
    }

    #[test]
    fn every_incident_says_what_people_see_of_it_how_sure_that_is_and_where_it_is_from() {
        for (name, text) in FILES {
            let kept = Kept::read(name, (*name).into(), Cow::Borrowed(*text)).unwrap_or_else(|it| panic!("{it:?}"));
            let symptoms = &kept.file.symptoms;
            assert_eq!(symptoms.iter().map(|it| it.place).collect::<Vec<_>>(), ["sspr", "pam", "event_log"], "{name}");
            assert!(symptoms.iter().all(|it| !it.shows.is_empty() && !it.source.is_empty()), "{name}");
            assert!(!kept.file.about.is_empty() && !kept.file.remedy.is_empty(), "{name}");
        }
    }
}
