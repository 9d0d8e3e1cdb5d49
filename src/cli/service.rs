//! `locmfa service`: serving as a service of Windows.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::bail;
use clap::{Parser, Subcommand};

use super::serve::{self, Log, Serve};
use super::{Arguments, Command};
use crate::service::{self, log::Style};

#[derive(Debug, Subcommand)]
pub(super) enum Service {
    #[command(flatten)]
    Act(service::Action),
    /// Serve, where Windows has started this program as the service
    #[command(hide = true)]
    Run {
        #[arg(long)]
        folder: PathBuf,
        #[command(flatten)]
        serve: Box<Serve>,
    },
}

pub(super) fn act(action: &service::Action) -> anyhow::Result<ExitCode> {
    if let service::Action::Install(install) = action {
        // Who installs shall hear of a wrong option, and not the log.
        let words = ["locmfa".into(), "serve".into()].into_iter().chain(install.options().iter().cloned());
        let parsed = Arguments::try_parse_from(words).unwrap_or_else(|wrong| wrong.exit());
        let Some(Command::Serve(serve)) = parsed.command else {
            bail!("after `service install` come a scenario and options of `locmfa serve`");
        };
        if serve.scenario.is_some() {
            bail!("name one scenario, before the options: locmfa service install SCENARIO OPTIONS");
        }
        if serve.ready_file.is_some() {
            bail!("the service has a --ready-file already: ready.json in its folder");
        }
    }
    service::act(action, &mut io::stdout())
}

pub(super) fn run(folder: &Path, args: Serve) -> anyhow::Result<ExitCode> {
    let style = Style { is_json: args.log == Log::Json, filter: serve::filter(args.log, args.verbose) };
    let runtime = tokio::runtime::Handle::current();
    service::run(&service::Folder::at(folder), style, move |control| {
        runtime.block_on(serve::serve(args, || control.running()))
    })
}
