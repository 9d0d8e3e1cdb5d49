//! `locmfa mim revert`: the settings file from before `configure`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::super::print::Output;
use super::RESTART;
use crate::mim::configure::{self, Reverted};

#[derive(Args, Debug)]
pub struct Revert {
    /// The settings file
    file: PathBuf,
    /// The backup to restore [default: the newest]
    #[arg(long, value_name = "FILE")]
    backup: Option<PathBuf>,
    /// Restore although the file changed after configure; its content is kept as a backup
    #[arg(long)]
    force: bool,
}

impl Revert {
    pub(super) fn run(self, out: &mut Output<'_>) -> anyhow::Result<ExitCode> {
        let source = self.file.display();
        match configure::revert(&self.file, self.backup.as_deref(), self.force)? {
            Reverted::Unchanged { backup } => {
                out.line(format_args!("{source} is the same as its backup {}; nothing was changed", backup.display()))?;
            }
            Reverted::Restored { backup, kept } => {
                if let Some(kept) = kept {
                    out.line(format_args!("The former content of {source} is kept in {}.", kept.display()))?;
                }
                out.line(format_args!("{source} is restored from {}.\n{RESTART}", backup.display()))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
