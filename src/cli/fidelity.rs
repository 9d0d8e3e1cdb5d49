//! `locmfa fidelity`: what is imitated, and how it is known.

use std::process::ExitCode;

use clap::Args;

use super::files::OutArgs;
use super::print::Output;

#[derive(Args, Debug)]
pub(super) struct Fidelity {
    #[command(flatten)]
    out: OutArgs,
}

impl Fidelity {
    pub(super) fn run(&self, out: &mut Output<'_>) -> anyhow::Result<ExitCode> {
        out.print(include_str!("../../docs/fidelity.md"))?;
        Ok(ExitCode::SUCCESS)
    }
}
