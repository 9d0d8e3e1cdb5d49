//! `locmfa schema`: the JSON Schema of scenario files.

use std::process::ExitCode;

use clap::Args;

use super::files::OutArgs;
use super::print::Output;
use crate::scenario;

#[derive(Args, Debug)]
pub(super) struct Schema {
    #[command(flatten)]
    out: OutArgs,
}

impl Schema {
    pub(super) fn run(&self, out: &mut Output<'_>) -> anyhow::Result<ExitCode> {
        out.print(&scenario::schema_text())?;
        Ok(ExitCode::SUCCESS)
    }
}
