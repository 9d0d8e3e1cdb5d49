//! `locmfa schema`: the JSON Schemas of scenario files and of the files of incidents.

use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::files::OutArgs;
use super::print::Output;
use crate::scenario;

#[derive(Args, Debug)]
pub(super) struct Schema {
    /// Whose schema
    #[arg(value_enum, default_value_t = Of::Scenario)]
    of: Of,
    #[command(flatten)]
    out: OutArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Of {
    /// Scenario files
    Scenario,
    /// The files of incidents
    Incident,
}

impl Schema {
    pub(super) fn run(&self, out: &mut Output<'_>) -> anyhow::Result<ExitCode> {
        out.print(&match self.of {
            Of::Scenario => scenario::schema_text(),
            Of::Incident => scenario::incident_schema_text(),
        })?;
        Ok(ExitCode::SUCCESS)
    }
}
