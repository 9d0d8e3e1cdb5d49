//! `locmfa service`: a service of Windows that serves. What it is to be is said here, for every system to test; `windows`
//! tells it to Windows.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use sha1::{Digest, Sha1};
use tokio::sync::oneshot;

pub mod log;

#[cfg(windows)]
mod windows;
#[cfg(not(windows))]
pub use elsewhere::{act, run};
#[cfg(windows)]
pub use windows::{act, run};

/// The service's name, and that of its source in the Event Log.
pub const NAME: &str = "locmfa";

/// An account that Windows makes for this one service. It has no password and few rights. LocalService would do, but
/// many services run as that, and the authority's key is none of their business.
pub const ACCOUNT: &str = r"NT SERVICE\locmfa";

/// When the service ends by a failure, Windows starts it again after so long: the first, the second, and any further
/// time.
pub const RECOVERY: [Duration; 3] = [Duration::from_secs(5), Duration::from_secs(30), Duration::from_secs(60)];

/// After so long without a failure they are counted anew.
pub const RECOVERY_RESET: Duration = Duration::from_hours(24);

/// What can be done with the service.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Install the service, which starts with Windows; its folder is %ProgramData%\locmfa
    Install(Install),
    /// Start it, and wait until it answers
    Start,
    /// Stop it as Ctrl-C stops the program, and wait until it has stopped
    Stop,
    /// Stop and remove it; its folder stays
    Uninstall,
    /// Tell whether it runs, and where it answers and logs; exit code 1 if it does not run
    Status,
}

#[derive(Args, Debug)]
#[command(override_usage = "locmfa service install [SCENARIO] [OPTIONS of locmfa serve]")]
pub struct Install {
    /// The scenario, of which the service gets a copy, and then options of `locmfa serve`. Relative paths in options are
    /// below the service's folder
    #[arg(value_name = "SCENARIO, OPTIONS", trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

impl Install {
    /// The scenario, which comes before the options.
    #[must_use]
    pub fn scenario(&self) -> Option<&Path> {
        self.split().0.map(Path::new)
    }

    /// The options of `locmfa serve`.
    #[must_use]
    pub fn options(&self) -> &[OsString] {
        self.split().1
    }

    fn split(&self) -> (Option<&OsString>, &[OsString]) {
        match self.arguments.split_first() {
            Some((first, rest)) if !first.to_string_lossy().starts_with('-') => (Some(first), rest),
            _ => (None, &self.arguments),
        }
    }
}

/// Where the service keeps what it needs. It runs there: relative paths begin there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Folder(PathBuf);

impl Folder {
    /// The one below `%ProgramData%`.
    #[must_use]
    pub fn below(program_data: &Path) -> Self {
        Self::at(&program_data.join(NAME))
    }

    /// The one that the service was told of.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        Self(path.into())
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The scenario that it serves: a copy, which may be edited.
    #[must_use]
    pub fn scenario(&self) -> PathBuf {
        self.0.join("scenario.yaml")
    }

    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.0.join("logs")
    }

    /// Where it answers, while it does.
    #[must_use]
    pub fn ready(&self) -> PathBuf {
        self.0.join("ready.json")
    }

    /// What Windows starts the program with. The quotation marks of the command line are windows-service's affair.
    #[must_use]
    pub fn arguments(&self, install: &Install) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = ["service", "run", "--folder"].map(OsString::from).into();
        // Said, so that the service need not look for it: its environment is another one.
        arguments.push(self.path().into());
        arguments.extend(install.scenario().map(|_| self.scenario().into()));
        arguments.extend([OsString::from("--ready-file"), self.ready().into()]);
        arguments.extend_from_slice(install.options());
        arguments
    }

    /// The commands that give the service what it needs and keep others out: the folder is for the system, for
    /// administrators and for the service; the program may also be read by the service, wherever it is.
    #[must_use]
    pub fn access(&self, executable: &Path) -> [Vec<OsString>; 2] {
        let own = sid(NAME);
        // By their numbers, since Windows translates their names: SYSTEM and Administrators.
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

/// The number of a service's account: the hash of its name, which is how Windows has it. So it can be given access
/// before there is the service, and whatever Windows calls "NT SERVICE" in its language.
fn sid(service: &str) -> String {
    let name: Vec<u8> = service.to_uppercase().encode_utf16().flat_map(u16::to_le_bytes).collect();
    let hash = Sha1::digest(name);
    let (parts, _) = hash.as_chunks::<4>();
    let parts: Vec<String> = parts.iter().map(|it| u32::from_le_bytes(*it).to_string()).collect();
    format!("S-1-5-80-{}", parts.join("-"))
}

/// What joins a server to the service that it is.
pub struct Control {
    running: Box<dyn FnOnce() + Send>,
    stopping: Box<dyn FnOnce() + Send>,
    told_to_stop: oneshot::Receiver<()>,
}

impl Control {
    /// Says that the service runs, and waits until it is told to stop.
    pub fn running(self) -> impl Future<Output = ()> + Send + 'static {
        (self.running)();
        async move {
            // Who cannot tell it to stop any more has ended.
            let _ = self.told_to_stop.await;
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
    use std::io::Write;
    use std::process::ExitCode;

    use anyhow::bail;

    use super::log::Style;
    use super::{Action, Control, Folder};

    const INSTEAD: &str = "services are for Windows; here let systemd run `locmfa serve`, as docs/windows.md shows";

    /// Does what is asked, or says what to do here.
    ///
    /// # Errors
    /// This is not Windows.
    pub fn act(_: &Action, _: &mut dyn Write) -> anyhow::Result<ExitCode> {
        bail!(INSTEAD)
    }

    /// Serves as the service.
    ///
    /// # Errors
    /// This is not Windows.
    pub fn run<W>(_: &Folder, _: Style, _: W) -> anyhow::Result<ExitCode>
    where
        W: FnOnce(Control) -> anyhow::Result<ExitCode> + Send + 'static,
    {
        bail!(INSTEAD)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn install(arguments: &[&str]) -> Install {
        Install { arguments: arguments.iter().map(OsString::from).collect() }
    }

    fn shown(words: &[OsString]) -> Vec<&str> {
        words.iter().map(|it| it.to_str().unwrap()).collect()
    }

    #[test]
    fn the_service_gets_a_copy_of_the_scenario_and_the_options_as_they_are() {
        let folder = Folder::below(Path::new("data"));
        let (scenario, ready) = (folder.scenario(), folder.ready());
        let [path, scenario, ready] = [folder.path(), &scenario, &ready].map(|it| it.to_str().unwrap());
        let given = install(&["my scenario.yaml", "--host", "mfa.contoso.com", "--rsa"]);
        assert_eq!(given.scenario(), Some(Path::new("my scenario.yaml")));
        let arguments = folder.arguments(&given);
        let begin = ["service", "run", "--folder", path];
        let expected = [&begin[..], &[scenario, "--ready-file", ready, "--host", "mfa.contoso.com", "--rsa"]].concat();
        assert_eq!(shown(&arguments), expected);
        let built_in = folder.arguments(&install(&["--rsa"]));
        assert_eq!(shown(&built_in), [&begin[..], &["--ready-file", ready, "--rsa"]].concat());
        assert_eq!(shown(&folder.arguments(&install(&[]))), [&begin[..], &["--ready-file", ready]].concat());
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
    fn an_account_has_the_number_that_windows_gives_it() {
        // As `sc.exe showsid TrustedInstaller` has it on every Windows.
        let expected = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464";
        assert_eq!(sid("TrustedInstaller"), expected);
        assert!(ACCOUNT.ends_with(&format!(r"\{NAME}")));
    }

    #[test]
    fn the_folder_is_for_three_and_the_program_is_read() {
        let [folder, program] = Folder(PathBuf::from("F")).access(Path::new("locmfa.exe"));
        let own = sid(NAME);
        let service = format!("*{own}:(OI)(CI)M");
        let grants = ["*S-1-5-18:(OI)(CI)F", "*S-1-5-32-544:(OI)(CI)F", service.as_str()];
        assert_eq!(shown(&folder), [&["icacls", "F", "/inheritance:r", "/grant:r"], &grants[..]].concat());
        assert_eq!(shown(&program), ["icacls", "locmfa.exe", "/grant", &format!("*{own}:RX")]);
    }

    #[test]
    fn each_failure_is_answered_more_slowly_and_a_day_forgets() {
        assert!(RECOVERY.is_sorted() && RECOVERY[0] > Duration::ZERO);
        assert!(RECOVERY.iter().sum::<Duration>() < RECOVERY_RESET);
    }

    #[tokio::test]
    async fn the_service_runs_until_it_is_told_to_stop() {
        let (stop, told_to_stop) = oneshot::channel();
        let steps = Arc::new(AtomicUsize::new(0));
        let step = || {
            let steps = steps.clone();
            Box::new(move || {
                steps.fetch_add(1, Ordering::SeqCst);
            })
        };
        let control = Control { running: step(), stopping: step(), told_to_stop };
        let mut stopped = Box::pin(control.running());
        assert_eq!(steps.load(Ordering::SeqCst), 1);
        tokio::select! {
            biased;
            () = &mut stopped => panic!("nobody told it to stop"),
            () = std::future::ready(()) => (),
        }
        stop.send(()).unwrap();
        stopped.await;
        assert_eq!(steps.load(Ordering::SeqCst), 2);
    }
}
