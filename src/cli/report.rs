//! `locmfa report`: what happened in a space, as one HTML file.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;

use super::admin::Target;
use super::print::Output;
use crate::file::{self, Access};

#[derive(Args, Debug)]
pub(super) struct Report {
    /// The file to write [default: standard output]
    #[arg(conflicts_with = "out")]
    file: Option<PathBuf>,
    #[command(flatten)]
    target: Target,
}

impl Report {
    pub(super) async fn run(self, out: &mut Output<'_>) -> anyhow::Result<ExitCode> {
        let html = self.target.api()?.report().await?;
        let Some(path) = self.file else {
            out.print(&html)?;
            return Ok(ExitCode::SUCCESS);
        };
        let file = path.display();
        file::write(&path, html.as_bytes(), Access::Usual)
            .with_context(|| format!("cannot write {file}; name a file in a folder that this account may write"))?;
        self.target.print_done(out, &format!("{file} has the report; it opens in a browser without a server"))?;
        Ok(ExitCode::SUCCESS)
    }
}
