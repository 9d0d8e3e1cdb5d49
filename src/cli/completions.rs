//! `locmfa completions`: completion scripts for shells.

use std::process::ExitCode;

use clap::{Args, CommandFactory, ValueEnum};
use clap_complete::{Shell, generate};

use super::Arguments;
use super::files::OutArgs;
use super::print::Output;

#[derive(Args, Debug)]
#[command(
    after_help = "PowerShell: add `locmfa completions powershell | Out-String | Invoke-Expression` to $PROFILE. bash: `locmfa completions bash > /etc/bash_completion.d/locmfa`."
)]
pub(super) struct Completions {
    /// The shell
    shell: ShellName,
    #[command(flatten)]
    out: OutArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ShellName {
    Powershell,
    Bash,
    Zsh,
    Fish,
}

impl Completions {
    pub(super) fn run(self, out: &mut Output<'_>) -> anyhow::Result<ExitCode> {
        let shell = match self.shell {
            ShellName::Powershell => Shell::PowerShell,
            ShellName::Bash => Shell::Bash,
            ShellName::Zsh => Shell::Zsh,
            ShellName::Fish => Shell::Fish,
        };
        let mut script = Vec::new();
        generate(shell, &mut Arguments::command(), "locmfa", &mut script);
        out.print(&String::from_utf8_lossy(&script))?;
        Ok(ExitCode::SUCCESS)
    }
}
