//! The Windows service. Its settings are decided here, where every system can test them; `windows` passes them to
//! Windows.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha1::{Digest, Sha1};
use tokio::sync::oneshot;

use crate::file;

pub mod log;

#[cfg(windows)]
mod windows;
#[cfg(not(windows))]
pub use elsewhere::{install, run, start, status, stop, uninstall};
#[cfg(windows)]
pub use windows::{install, run, start, status, stop, uninstall};

/// The service's name, and that of its source in the Event Log.
pub const NAME: &str = "locmfa";

/// An account that Windows makes for this one service. It has no password and few rights. Many services share the account
/// LocalService, and they must not read the authority's key.
pub const ACCOUNT: &str = r"NT SERVICE\locmfa";

/// When the service fails, Windows starts it again after this time: after the first, the second, and each later failure.
pub const RECOVERY: [Duration; 3] = [Duration::from_secs(5), Duration::from_secs(30), Duration::from_secs(60)];

/// After this time without a failure, Windows counts failures from zero.
pub const RECOVERY_RESET: Duration = Duration::from_hours(24);

/// What is installed.
#[derive(Clone, Debug, Default)]
pub struct Install {
    /// The scenario, which is copied to the service's folder.
    pub scenario: Option<PathBuf>,
    /// Options of `locmfa serve`.
    pub options: Vec<OsString>,
}

/// What was installed.
#[derive(Clone, Debug)]
pub struct Installed {
    pub folder: Folder,
    /// Settings that this system does not have. Windows has all of them, Wine not.
    pub unknown_settings: Vec<&'static str>,
}

/// The installed service.
#[derive(Clone, Debug)]
pub struct Status {
    pub state: State,
    pub folder: Folder,
    pub account: String,
    /// The command line that Windows starts.
    pub command: String,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    Running,
    Stopped,
    Starting,
    Stopping,
    Paused,
}

/// How the service ended without an error.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ended {
    Stopped,
    /// The scenario has mistakes, so it did not start.
    HasMistakes,
}

/// The folder with all files of the service. It is the service's working directory: relative paths start there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Folder(PathBuf);

impl Folder {
    /// The folder below `%ProgramData%`.
    #[must_use]
    pub fn below(program_data: &Path) -> Self {
        Self::at(&program_data.join(NAME))
    }

    #[must_use]
    pub fn at(path: &Path) -> Self {
        Self(path.into())
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The scenario that the service reads: a copy, which users may edit.
    #[must_use]
    pub fn scenario(&self) -> PathBuf {
        self.0.join("scenario.yaml")
    }

    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.0.join("logs")
    }

    /// The ready file, which is there while the service answers.
    #[must_use]
    pub fn ready(&self) -> PathBuf {
        self.0.join("ready.json")
    }

    /// The URL for `LOCMFASRV`, from the ready file.
    #[must_use]
    pub fn service_url(&self) -> Option<String> {
        let ready: serde_json::Value = serde_json::from_str(&file::read_text(&self.ready()).ok()?).ok()?;
        Some(ready["service"].as_str()?.into())
    }

    /// The arguments that Windows starts the program with. windows-service adds the quotation marks.
    #[must_use]
    pub fn arguments(&self, install: &Install) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = ["service", "run", "--folder"].map(OsString::from).into();
        // The service has another environment than the user, so it is given the folder.
        arguments.push(self.path().into());
        arguments.extend(install.scenario.as_ref().map(|_| self.scenario().into()));
        arguments.extend([OsString::from("--ready-file"), self.ready().into()]);
        arguments.extend_from_slice(&install.options);
        arguments
    }

    /// The commands that set access rights: only the system, administrators and the service use the folder; the service
    /// may also read the program, wherever it is.
    #[must_use]
    pub fn access(&self, executable: &Path) -> [Vec<OsString>; 2] {
        let own = sid(NAME);
        // SYSTEM and Administrators by their SIDs, since Windows translates their names.
        let grants = ["*S-1-5-18:(OI)(CI)F".into(), "*S-1-5-32-544:(OI)(CI)F".into(), format!("*{own}:(OI)(CI)M")];
        let mut folder: Vec<OsString> = vec!["icacls".into(), self.path().into()];
        folder.extend(["/inheritance:r", "/grant:r"].map(OsString::from));
        folder.extend(grants.map(OsString::from));
        let program = vec!["icacls".into(), executable.into(), "/grant".into(), format!("*{own}:RX").into()];
        [folder, program]
    }
}

impl fmt::Display for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

/// The SID of a service's account, which Windows makes from a hash of the service's name. With it, access can be granted
/// before the service exists, and in every language of Windows.
fn sid(service: &str) -> String {
    let name: Vec<u8> = service.to_uppercase().encode_utf16().flat_map(u16::to_le_bytes).collect();
    let hash = Sha1::digest(name);
    let (parts, _) = hash.as_chunks::<4>();
    let parts: Vec<String> = parts.iter().map(|it| u32::from_le_bytes(*it).to_string()).collect();
    format!("S-1-5-80-{}", parts.join("-"))
}

/// Connects the server with the service control manager of Windows.
pub struct Control {
    running: Box<dyn FnOnce() + Send>,
    stopping: Box<dyn FnOnce() + Send>,
    stop: oneshot::Receiver<()>,
}

impl Control {
    /// Reports that the service runs, and waits until Windows stops it.
    pub fn running(self) -> impl Future<Output = ()> + Send + 'static {
        (self.running)();
        async move {
            // A dropped sender ends it too.
            let _ = self.stop.await;
            (self.stopping)();
        }
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control").finish_non_exhaustive()
    }
}

#[cfg(not(windows))]
mod elsewhere {
    use anyhow::bail;

    use super::log::Style;
    use super::{Control, Ended, Folder, Install, Installed, Status};

    const INSTEAD: &str =
        "services are for Windows; on this system let systemd run `locmfa serve`, as docs/windows.md shows";

    /// # Errors
    /// This is not Windows.
    pub fn install(_: &Install) -> anyhow::Result<Installed> {
        bail!(INSTEAD)
    }

    /// # Errors
    /// This is not Windows.
    pub fn start() -> anyhow::Result<Folder> {
        bail!(INSTEAD)
    }

    /// # Errors
    /// This is not Windows.
    pub fn stop() -> anyhow::Result<()> {
        bail!(INSTEAD)
    }

    /// # Errors
    /// This is not Windows.
    pub fn uninstall() -> anyhow::Result<Folder> {
        bail!(INSTEAD)
    }

    /// # Errors
    /// This is not Windows.
    pub fn status() -> anyhow::Result<Option<Status>> {
        bail!(INSTEAD)
    }

    /// # Errors
    /// This is not Windows.
    pub fn run<W>(_: &Folder, _: Style, _: W) -> anyhow::Result<()>
    where
        W: FnOnce(Control) -> anyhow::Result<Ended> + Send + 'static,
    {
        bail!(INSTEAD)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn install(scenario: Option<&str>, options: &[&str]) -> Install {
        Install { scenario: scenario.map(Into::into), options: options.iter().map(OsString::from).collect() }
    }

    fn shown(words: &[OsString]) -> Vec<&str> {
        words.iter().map(|it| it.to_str().unwrap()).collect()
    }

    #[test]
    fn the_service_gets_a_copy_of_the_scenario_and_the_options_as_they_are() {
        let folder = Folder::below(Path::new("data"));
        let (scenario, ready) = (folder.scenario(), folder.ready());
        let [path, scenario, ready] = [folder.path(), &scenario, &ready].map(|it| it.to_str().unwrap());
        let given = install(Some("my scenario.yaml"), &["--host", "mfa.contoso.com", "--rsa"]);
        let arguments = folder.arguments(&given);
        let begin = ["service", "run", "--folder", path];
        let expected = [&begin[..], &[scenario, "--ready-file", ready, "--host", "mfa.contoso.com", "--rsa"]].concat();
        assert_eq!(shown(&arguments), expected);
        let built_in = folder.arguments(&install(None, &["--rsa"]));
        assert_eq!(shown(&built_in), [&begin[..], &["--ready-file", ready, "--rsa"]].concat());
        assert_eq!(shown(&folder.arguments(&install(None, &[]))), [&begin[..], &["--ready-file", ready]].concat());
    }

    #[test]
    fn everything_is_in_one_folder() {
        let folder = Folder::below(Path::new("data"));
        assert_eq!(folder.path(), Path::new("data").join("locmfa"));
        for inside in [folder.scenario(), folder.logs(), folder.ready()] {
            assert_eq!(inside.parent(), Some(folder.path()));
        }
    }

    #[test]
    fn an_account_has_the_sid_that_windows_gives_it() {
        // As `sc.exe showsid TrustedInstaller` has it on every Windows.
        let expected = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464";
        assert_eq!(sid("TrustedInstaller"), expected);
        assert!(ACCOUNT.ends_with(&format!(r"\{NAME}")));
    }

    #[test]
    fn three_accounts_use_the_folder_and_the_service_reads_the_program() {
        let [folder, program] = Folder(PathBuf::from("F")).access(Path::new("locmfa.exe"));
        let own = sid(NAME);
        let service = format!("*{own}:(OI)(CI)M");
        let grants = ["*S-1-5-18:(OI)(CI)F", "*S-1-5-32-544:(OI)(CI)F", service.as_str()];
        assert_eq!(shown(&folder), [&["icacls", "F", "/inheritance:r", "/grant:r"], &grants[..]].concat());
        assert_eq!(shown(&program), ["icacls", "locmfa.exe", "/grant", &format!("*{own}:RX")]);
    }

    #[test]
    fn restarts_come_more_slowly_after_each_failure_and_a_day_without_one_resets_them() {
        assert!(RECOVERY.is_sorted() && RECOVERY[0] > Duration::ZERO);
        assert!(RECOVERY.iter().sum::<Duration>() < RECOVERY_RESET);
    }

    #[tokio::test]
    async fn the_service_runs_until_windows_stops_it() {
        let (stop, stopped) = oneshot::channel();
        let steps = Arc::new(AtomicUsize::new(0));
        let step = || {
            let steps = steps.clone();
            Box::new(move || {
                steps.fetch_add(1, Ordering::SeqCst);
            })
        };
        let control = Control { running: step(), stopping: step(), stop: stopped };
        let mut served = Box::pin(control.running());
        assert_eq!(steps.load(Ordering::SeqCst), 1);
        tokio::select! {
            biased;
            () = &mut served => panic!("it stopped too early"),
            () = std::future::ready(()) => (),
        }
        stop.send(()).unwrap();
        served.await;
        assert_eq!(steps.load(Ordering::SeqCst), 2);
    }
}
