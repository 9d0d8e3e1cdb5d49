//! `locmfa verify`: what happened, compared with a file of expectations.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use clap::Args;

use super::admin::Target;
use super::print::{Output, complain};
use crate::control::Verified;
use crate::file;
use crate::scenario;

#[derive(Args, Debug)]
pub(super) struct Verify {
    /// The expectations: YAML or JSON
    file: PathBuf,
    /// How long to wait until the expectations hold, such as 30s
    #[arg(long, value_name = "TIME")]
    wait: Option<String>,
    #[command(flatten)]
    target: Target,
}

impl Verify {
    pub(super) async fn run(self, out: &mut Output<'_>) -> anyhow::Result<ExitCode> {
        let Self { file, wait, target } = self;
        let text = file::read_text(&file)?;
        let expectations = match scenario::export::value(&file.display().to_string(), &text) {
            Ok(value) => value,
            Err(mistakes) => bail!("{}", mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n\n")),
        };
        if expectations.is_null() {
            complain(format_args!("locmfa: {} is empty; it needs a list `expect`", file.display()));
            return Ok(ExitCode::from(1));
        }
        match target.api()?.verify(expectations, wait).await? {
            Verified::Holds(it) => {
                let count = it["counts"].as_array().map_or(0, Vec::len);
                match target.json {
                    true => out.json(&it)?,
                    false => out.line(format_args!("All {count} expectations came true."))?,
                }
                Ok(ExitCode::SUCCESS)
            }
            Verified::Fails(problem) => {
                match target.json {
                    true => out.json(&problem)?,
                    false => {
                        let text = |key: &str| problem[key].as_str().unwrap_or_default();
                        out.line(text("detail"))?;
                        if problem["verdict"] == "unknown" {
                            out.line(text("remedy"))?;
                        }
                    }
                }
                Ok(ExitCode::from(1))
            }
        }
    }
}
