//! `locmfa mim configure`: a settings file that points at a server.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::super::print::Output;
use super::{Ask, RESTART};
use crate::mim::check::{self, Finding};
use crate::mim::configure::{self, Plan};
use crate::scenario::Severity;

#[derive(Args, Debug)]
pub struct Configure {
    /// The settings file
    file: PathBuf,
    /// The service's URL, for LOCMFASRV; a starting locmfa logs its own
    #[arg(long, value_parser = url)]
    url: String,
    /// The account that MIM names in its calls, such as mimservice@contoso.com
    #[arg(long, value_name = "NAME", value_parser = username)]
    username: String,
    /// Write without a question
    #[arg(long)]
    yes: bool,
    /// Write although CustomPhoneProvider is set, and keep that entry
    #[arg(long)]
    force: bool,
}

impl Configure {
    pub(super) fn run(self, out: &mut Output<'_>, ask: Ask<'_>) -> anyhow::Result<ExitCode> {
        let source = self.file.display();
        let change = match configure::plan(&self.file, &self.url, &self.username, self.force)? {
            Plan::Refused { findings, has_provider } => {
                findings.iter().try_for_each(|it: &Finding| out.line(format_args!("{it}\n")))?;
                out.line(format_args!("{source}: nothing was changed"))?;
                if has_provider {
                    out.line(
                        "With --force, the other entries are written; the library stays set, and MIM still calls it.",
                    )?;
                }
                return Ok(ExitCode::from(1));
            }
            Plan::Unchanged => {
                out.line(format_args!("{source} is configured so already; nothing was changed"))?;
                return Ok(ExitCode::SUCCESS);
            }
            Plan::Change(change) => change,
        };
        out.print(&change.diff())?;
        for problem in check::url(&self.url) {
            out.line(format_args!("{}: {problem} {}", problem.severity(), problem.remedy()))?;
        }
        if !self.yes {
            match ask(&format!("Write these changes to {source}?"))? {
                Some(true) => (),
                Some(false) => {
                    out.line(format_args!("{source}: nothing was changed"))?;
                    return Ok(ExitCode::from(1));
                }
                None => {
                    out.line(format_args!(
                        "{source}: nothing was written; there is no terminal to ask at, so add --yes"
                    ))?;
                    return Ok(ExitCode::from(1));
                }
            }
        }
        let backup = change.write()?;
        out.line(format_args!(
            "{source} was written.\n\
             Its backup is {}.\n\
             {RESTART}\n\
             To restore it: locmfa mim revert \"{source}\"\n\
             If text messages fail and calls work: MIM 4.5.202.0 does so with every local server, and later hotfixes do not.",
            backup.display()
        ))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// A URL for `LOCMFASRV` that MIM can call.
fn url(value: &str) -> Result<String, String> {
    match check::url(value).into_iter().find(|it| it.severity() == Severity::Error) {
        Some(problem) => Err(format!("{problem} {}", problem.remedy())),
        None => Ok(value.into()),
    }
}

fn username(value: &str) -> Result<String, String> {
    match value.trim() != value || value.is_empty() || value.contains(char::is_control) {
        true => Err("It needs a name without spaces around it, such as mimservice@contoso.com.".into()),
        false => Ok(value.into()),
    }
}
