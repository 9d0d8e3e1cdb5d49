//! `locmfa service`: serving as a Windows service.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, Subcommand};
use serde_json::json;

use super::print::Output;
use super::serve::{self, Log, Serve, Served};
use super::{Arguments, Command};
use crate::service::{self, ACCOUNT, Ended, Folder, NAME, State, log::Style};

#[derive(Debug, Subcommand)]
pub(super) enum Service {
    /// Install the service, which starts with Windows; its folder is %ProgramData%\locmfa
    Install(Install),
    /// Start the service, and wait until it answers
    Start,
    /// Stop the service as Ctrl-C stops the program, and wait until it has stopped
    Stop,
    /// Stop and remove the service, and keep its folder
    Uninstall,
    /// Show whether the service runs, where it answers and where it logs; exit code 1 if it does not run
    Status {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Serve, after Windows has started this program as the service
    #[command(hide = true)]
    Run {
        #[arg(long)]
        folder: PathBuf,
        #[command(flatten)]
        serve: Box<Serve>,
    },
}

#[derive(Args, Debug)]
#[command(override_usage = "locmfa service install [SCENARIO] [OPTIONS of locmfa serve]")]
pub(super) struct Install {
    /// The scenario, which is copied to the service's folder, and then options of `locmfa serve`. Relative paths in
    /// options start at the service's folder
    #[arg(value_name = "SCENARIO, OPTIONS", trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

impl Service {
    pub(super) fn run(self, out: &mut Output<'_>) -> anyhow::Result<ExitCode> {
        match self {
            Self::Install(install) => {
                let installed = service::install(&install.checked()?)?;
                for setting in installed.unknown_settings {
                    out.line(format_args!("This system has no setting for services that is called {setting}."))?;
                }
                out.line(format_args!(
                    "The service {NAME} is installed, runs as {ACCOUNT} and starts with Windows.\n\
                     Its folder is {}.\n\
                     Start it now: locmfa service start",
                    installed.folder
                ))?;
            }
            Self::Start => {
                let folder = service::start()?;
                out.line(format_args!("The service {NAME} runs.\n{}", answers(&folder)))?;
            }
            Self::Stop => {
                service::stop()?;
                out.line(format_args!("The service {NAME} has stopped."))?;
            }
            Self::Uninstall => {
                let folder = service::uninstall()?;
                out.line(format_args!("The service {NAME} is gone. {folder} stays, with the authority and the logs."))?;
            }
            Self::Status { json } => return status(json, out),
            Self::Run { folder, serve } => run(&folder, *serve)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Install {
    /// The scenario, if the first argument is one, and the options.
    fn split(self) -> service::Install {
        let mut options = self.arguments;
        let has_scenario = options.first().is_some_and(|it| !it.to_string_lossy().starts_with('-'));
        let scenario = has_scenario.then(|| options.remove(0).into());
        service::Install { scenario, options }
    }

    /// What to install. A wrong option is an error here, where the user sees it, and not in the service's log.
    fn checked(self) -> anyhow::Result<service::Install> {
        let install = self.split();
        let words = ["locmfa", "serve"].map(OsString::from).into_iter().chain(install.options.iter().cloned());
        let parsed = Arguments::of(words).unwrap_or_else(|wrong| wrong.exit());
        let Some(Command::Serve(serve)) = parsed.command else {
            bail!("`service install` takes a scenario and options of `locmfa serve`");
        };
        if serve.scenario.is_some() {
            bail!("name one scenario, before the options: locmfa service install SCENARIO OPTIONS");
        }
        let has = |flag: &str| {
            let is_it = |it: &OsString| {
                it.to_string_lossy().strip_prefix(flag).is_some_and(|it| it.is_empty() || it.starts_with('='))
            };
            install.options.iter().any(is_it)
        };
        if has("--ready-file") {
            bail!("the service has a --ready-file already: ready.json in its folder");
        }
        if let Some(flag) = ["--exit-with-stdin", "--parent"].into_iter().find(|it| has(it)) {
            bail!("Windows ends the service; leave {flag} out");
        }
        Ok(install)
    }
}

fn status(json: bool, out: &mut Output<'_>) -> anyhow::Result<ExitCode> {
    let Some(status) = service::status()? else {
        if json {
            out.json(&json!({"state": "not-installed"}))?;
            return Ok(ExitCode::from(1));
        }
        out.line(format_args!("The service {NAME} is not installed."))?;
        return Ok(ExitCode::from(1));
    };
    let (key, word) = match status.state {
        State::Running => ("running", "runs"),
        State::Stopped => ("stopped", "is stopped"),
        State::Starting => ("starting", "is starting"),
        State::Stopping => ("stopping", "is stopping"),
        State::Paused => ("paused", "is paused"),
    };
    let is_running = status.state == State::Running;
    if json {
        let folder = &status.folder;
        let service = is_running.then(|| folder.service_url());
        out.json(&json!({
            "state": key,
            "service": service,
            "logs": folder.logs(),
            "account": status.account,
            "command": status.command,
        }))?;
        return Ok(ExitCode::from(u8::from(!is_running)));
    }
    out.line(format_args!("The service {NAME} {word}."))?;
    if is_running {
        out.line(answers(&status.folder))?;
    }
    out.line(format_args!("  runs as     {}\n  command     {}", status.account, status.command))?;
    Ok(ExitCode::from(u8::from(!is_running)))
}

/// Where the service answers and logs.
fn answers(folder: &Folder) -> String {
    let service = folder.service_url();
    format!("  answers at  {}\n  logs into   {}", service.as_deref().unwrap_or("nothing yet"), folder.logs().display())
}

/// Serves as the service, until Windows stops it.
fn run(folder: &Path, args: Serve) -> anyhow::Result<()> {
    let style = Style { is_json: args.log == Log::Json, filter: serve::filter(args.log, args.verbose) };
    let runtime = tokio::runtime::Handle::current();
    service::run(&Folder::at(folder), style, move |control| {
        let served = runtime.block_on(serve::serve(args, None, || control.running()))?;
        Ok(match served {
            Served::Stopped => Ended::Stopped,
            Served::HasMistakes => Ended::HasMistakes,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scenario_comes_before_the_options() {
        let split = |words: &[&str]| Install { arguments: words.iter().map(OsString::from).collect() }.split();
        let given = split(&["my scenario.yaml", "--host", "mfa.contoso.com", "--rsa"]);
        assert_eq!(given.scenario.as_deref(), Some(Path::new("my scenario.yaml")));
        assert_eq!(given.options, ["--host", "mfa.contoso.com", "--rsa"]);
        let built_in = split(&["--rsa"]);
        assert_eq!((built_in.scenario, built_in.options), (None, vec!["--rsa".into()]));
        assert_eq!(split(&[]).options.len(), 0);
    }
}
