//! `locmfa mim`: the side of Microsoft Identity Manager.

mod access;
mod call;
mod check;
mod configure;
mod connect;
mod revert;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::Subcommand;

use super::print::Output;
pub use call::Call;
pub use check::Check;
pub use configure::Configure;
pub use connect::Connect;
pub use revert::Revert;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Find what is wrong in an MfaSettings.xml
    Check(Check),
    /// Point an MfaSettings.xml at a server, as Microsoft's article does
    Configure(Configure),
    /// Restore the MfaSettings.xml from before configure
    Revert(Revert),
    /// Call as MIM does for one of its gates, and print the outcome
    Call(Call),
    /// Find what stands between MIM and the service: name, port, TLS, certificate, sign-in, rights, user
    Connect(Connect),
}

/// Asks a yes-or-no question. `None`: no terminal is there to ask at.
pub type Ask<'a> = &'a mut dyn FnMut(&str) -> io::Result<Option<bool>>;

impl Command {
    /// Runs the command. Exit code 1: findings that are errors, or a refusal.
    ///
    /// # Errors
    /// A sentence with a remedy where a file cannot be read or written.
    pub async fn run(self, out: &mut Output<'_>, ask: Ask<'_>) -> anyhow::Result<ExitCode> {
        match self {
            Self::Check(args) => args.run(out).await,
            Self::Configure(args) => args.run(out, ask),
            Self::Revert(args) => args.run(out),
            Self::Call(args) => args.run(out).await,
            Self::Connect(args) => args.run(out).await,
        }
    }
}

/// Asks at the terminal.
pub(super) fn ask(question: &str) -> io::Result<Option<bool>> {
    if !io::stdin().is_terminal() {
        return Ok(None);
    }
    let mut err = io::stderr();
    write!(err, "{question} [y/N] ")?;
    err.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(Some(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")))
}

const RESTART: &str =
    "The MIM Service uses the new settings after a restart. In PowerShell as administrator: Restart-Service FIMService";
