//! Reading a scenario again while it is served: on request, on a signal, or because its files changed.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio::sync::Mutex as Turn;
use tracing::{debug, error, info, warn};

use crate::engine::{Difference, Differences, Notice, Setup, What};
use crate::file;
use crate::scenario::{self, Mistake, Mistakes, Scenario, Server, Severity};
use crate::sign_in::Policy;
use crate::switchboard::Switchboard;

/// Reads the scenario that is served again. All of it is read and checked before anything changes; with an error the
/// one before stays.
#[derive(Debug)]
pub struct Reloader {
    spaces: Switchboard,
    source: Source,
    /// The seed in place of the scenario's.
    seed: Option<u64>,
    /// What the listener was started with.
    server: Server,
    /// The files that were looked into last.
    files: Mutex<Vec<PathBuf>>,
    /// One at a time.
    turn: Turn<()>,
}

/// Where a scenario comes from.
#[derive(Clone, Debug)]
pub enum Source {
    BuiltIn,
    File(PathBuf),
    /// A text that cannot change: to read it again undoes what the API changed.
    Text(Box<str>),
    /// A text from standard input; the files that it uses are looked for in the current folder.
    Input(Box<str>),
}

const STANDARD_INPUT: &str = "standard input";

impl Source {
    /// Reads the scenario.
    ///
    /// # Errors
    /// Every mistake, where one of them is an error.
    pub fn load(&self) -> Result<Scenario, Mistakes> {
        match self {
            Self::BuiltIn => Ok(scenario::built_in()),
            Self::File(file) => scenario::load_file(file),
            Self::Text(text) => scenario::load("scenario", text),
            Self::Input(text) => scenario::load_file_as(Path::new(STANDARD_INPUT), text),
        }
    }
}

/// As a person names it.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("the built-in scenario"),
            Self::File(file) => file.display().fmt(f),
            Self::Text(_) => f.write_str("the scenario"),
            Self::Input(_) => f.write_str(STANDARD_INPUT),
        }
    }
}

/// What another look at the scenario changed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reloaded {
    /// The file.
    pub scenario: String,
    /// A changed clock counts for new spaces, and after a reset.
    #[serde(flatten, with = "InJson")]
    pub differences: Differences,
    /// The parts that changed and count from the next start of the server on.
    pub restart: Vec<&'static str>,
    /// What should be looked at all the same: the first warnings and notes.
    pub warnings: Mistakes,
    /// How many more warnings and notes there are.
    pub more_warnings: usize,
}

#[derive(Serialize)]
#[serde(remote = "Differences")]
struct InJson {
    #[serde(with = "Names")]
    users: Difference,
    #[serde(with = "Names")]
    rules: Difference,
    settings: Vec<&'static str>,
}

#[derive(Serialize)]
#[serde(remote = "Difference")]
struct Names {
    added: Vec<String>,
    removed: Vec<String>,
    changed: Vec<String>,
}

impl Reloader {
    /// For the scenario of that source, as it was loaded from these files.
    #[must_use]
    pub fn new(spaces: Switchboard, source: Source, server: Server, files: Vec<PathBuf>) -> Self {
        Self { spaces, source, seed: None, server, files: Mutex::new(files), turn: Turn::default() }
    }

    /// The same with a seed in place of the scenario's. `None`: the scenario's own.
    #[must_use]
    pub fn with_seed(self, seed: Option<u64>) -> Self {
        Self { seed, ..self }
    }

    /// Reads the scenario again, and goes on under it.
    ///
    /// # Errors
    /// The mistakes, where one of them is an error: nothing changed.
    pub async fn reload(self: &Arc<Self>) -> Result<Reloaded, Mistakes> {
        let read = self.reload_if(|| true).await;
        read.expect("it is asked for")
    }

    /// [`Self::reload`], if the condition holds when the scenario is read. `None`: it does not, and nothing changed.
    async fn reload_if(
        self: &Arc<Self>,
        condition: impl FnOnce() -> bool + Send + 'static,
    ) -> Option<Result<Reloaded, Mistakes>> {
        let _turn = self.turn.lock().await;
        let this = self.clone();
        // A large scenario takes a while.
        let read = tokio::task::spawn_blocking(move || {
            let scenario = this.read();
            condition().then(|| scenario.map(|it| this.take(it)))
        });
        let read = read.await.expect("reading a scenario does not panic");
        if let Some(Err(mistakes)) = &read {
            self.note(mistakes);
        }
        read
    }

    /// Tells those who follow the default space of mistakes.
    fn note(&self, mistakes: &[Mistake]) {
        self.spaces.default_space().update(|engine, at| {
            for it in mistakes {
                let place = it.place.as_ref().map(|it| format!(":{}:{}", it.line, it.column)).unwrap_or_default();
                let help = it.help.iter().map(|it| format!(" {it}")).collect::<String>();
                let stop = if help.is_empty() || it.message.ends_with('.') { "" } else { "." };
                let text = format!("{}{place}: {}{stop}{help}", it.source, it.message).into();
                engine.journal.note(at, What::Notice(Notice { topic: "mistake", text }));
            }
        });
    }

    /// [`Self::reload`], told in the log.
    pub async fn reload_and_log(self: &Arc<Self>) {
        tell(&self.reload().await);
    }

    fn read(&self) -> Result<Scenario, Mistakes> {
        self.source.load().inspect_err(|mistakes| {
            // Also a file that is wrong is looked at again.
            let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
            let named = mistakes.iter().map(|it| PathBuf::from(&it.source));
            named.for_each(|it| {
                if !files.contains(&it) {
                    files.push(it)
                }
            });
        })
    }

    /// Goes on under a scenario.
    fn take(&self, scenario: Scenario) -> Reloaded {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&scenario.files);
        let setup = Setup { seed: self.seed.or(scenario.setup.seed), ..scenario.setup };
        Reloaded {
            scenario: scenario.name,
            differences: self.spaces.reload(setup, scenario.on_reload),
            restart: restart(&self.server, &scenario.server),
            more_warnings: scenario.warnings.more(),
            warnings: scenario.warnings,
        }
    }

    /// Looks for changes of the files again and again, and reloads when there are some and writing has come to rest:
    /// when two reads of the files, `REST` apart, agree. The scenario that is served was read at `started` or later.
    ///
    /// It asks for the files' times rather than be told by the system: that works with editors that write another file
    /// and rename it, and on network drives and in containers, where nothing is told.
    pub async fn watch(self: Arc<Self>, started: SystemTime) {
        let mut served = as_read(&[], &self.look().await, started);
        loop {
            tokio::time::sleep(PERIOD).await;
            let now = self.look().await;
            if now == served {
                continue;
            }
            let contents = self.contents().await;
            tokio::time::sleep(REST).await;
            if self.contents().await != contents {
                continue;
            }
            let started = moment();
            let this = self.clone();
            let Some(reloaded) = self.reload_if(move || this.has_contents(&contents)).await else { continue };
            // A file is read twice to be sure, or was saved as it was.
            if !reloaded.as_ref().is_ok_and(|it| it.differences.is_empty() && it.restart.is_empty()) {
                tell(&reloaded);
            }
            // Other files may be used now.
            served = as_read(&now, &self.look().await, started);
        }
    }

    /// What stands in each file, as a hash; nothing where it cannot be read.
    async fn contents(self: &Arc<Self>) -> Vec<Content> {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let read = tokio::task::spawn_blocking(move || files.into_iter().map(content).collect());
        read.await.expect("reading files does not panic")
    }

    /// Whether that still stands in the files.
    fn has_contents(&self, contents: &[Content]) -> bool {
        contents.iter().all(|it| content(it.0.clone()) == *it)
    }

    /// When each file was changed, and how long it is.
    async fn look(self: &Arc<Self>) -> Vec<Seen> {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let look = move |it: PathBuf| {
            let seen = std::fs::metadata(&it).and_then(|it| Ok((it.modified()?, it.len()))).ok();
            (it, seen)
        };
        let looked = tokio::task::spawn_blocking(move || files.into_iter().map(look).collect());
        looked.await.expect("looking at files does not panic")
    }
}

/// Tells in the log what came of reading a scenario again.
fn tell(read: &Result<Reloaded, Mistakes>) {
    match read {
        Ok(reloaded) => {
            reloaded.warnings.iter().for_each(log);
            info!(scenario = reloaded.scenario, changed = reloaded.to_string(), "scenario reloaded");
        }
        Err(mistakes) => {
            mistakes.iter().for_each(log);
            error!(mistakes = mistakes.summary(), "scenario not reloaded; the one before is still served");
        }
    }
}

/// When a file was changed, and how long it is; nothing where it cannot be seen.
type Seen = (PathBuf, Option<(SystemTime, u64)>);

/// A file and the hash of what stands in it.
type Content = (PathBuf, Option<[u8; 32]>);

fn content(path: PathBuf) -> Content {
    let read = file::read_up_to(&path, scenario::LENGTH).ok().flatten();
    (path, read.map(|it| Sha256::digest(it).into()))
}

/// What was read of files, of which `before` was seen before and `after` behind it: what was seen before, since a file
/// may change while it is read. Of one that was not looked at before, it is known only where it is older than that.
fn as_read(before: &[Seen], after: &[Seen], started: SystemTime) -> Vec<Seen> {
    let known = |it: &Seen| match before.iter().find(|known| known.0 == it.0) {
        Some(known) => known.clone(),
        None => (it.0.clone(), it.1.filter(|(changed, _)| *changed + GRAIN < started)),
    };
    after.iter().map(known).collect()
}

/// The time by which the files are judged.
#[expect(clippy::disallowed_methods, reason = "files have the world's time")]
#[must_use]
pub fn moment() -> SystemTime {
    SystemTime::now()
}

/// How far behind the clock the time of a file may be.
const GRAIN: Duration = Duration::from_millis(50);

/// How often files are looked at.
const PERIOD: Duration = Duration::from_millis(500);

/// How far apart two reads are that must agree, before a change counts.
const REST: Duration = Duration::from_millis(200);

/// The parts of a scenario that differ and belong to the listener.
fn restart(before: &Server, after: &Server) -> Vec<&'static str> {
    let (old, new) = (&before.sign_in, &after.sign_in);
    let rest = |it: &Policy| Policy { accounts: Vec::new(), ..it.clone() };
    let parts = [
        ("accounts", old.accounts != new.accounts),
        ("server.sign_in", rest(old) != rest(new)),
        ("server.group", (&before.group, before.outsider) != (&after.group, after.outsider)),
        ("server.client_authorities", before.client_authorities != after.client_authorities),
        ("server.paths", before.paths != after.paths),
    ];
    parts.into_iter().filter(|it| it.1).map(|it| it.0).collect()
}

/// Logs a mistake of a scenario.
pub fn log(it: &Mistake) {
    let (code, source) = (it.code.code(), &it.source);
    let (line, column) = it.place.as_ref().map(|it| (it.line, it.column)).unzip();
    let help = (!it.help.is_empty()).then(|| it.help.join(" "));
    match it.severity {
        Severity::Note => debug!(code, source, line, column, help, "{}", it.message),
        Severity::Warning => warn!(code, source, line, column, help, "{}", it.message),
        Severity::Error => error!(code, source, line, column, help, "{}", it.message),
    }
}

impl fmt::Display for Reloaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.differences.fmt(f)?;
        match self.restart.is_empty() {
            true => Ok(()),
            false => write!(f, "; from the next start on: {}", self.restart.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_while_it_was_read_is_read_again() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let seen = |name: &str, seconds| (PathBuf::from(name), Some((at(seconds), 1)));
        let before = [seen("old", 10), seen("raced", 10)];
        let after = [seen("old", 10), seen("raced", 21), seen("new", 11), seen("new and raced", 21)];
        let read = as_read(&before, &after, at(20));
        let differs: Vec<_> =
            read.iter().zip(&after).filter(|(read, after)| read != after).map(|it| &*it.1.0).collect();
        assert_eq!(differs, [PathBuf::from("raced"), PathBuf::from("new and raced")]);
    }
}
