//! `locmfa verify`: what happened, compared with a file of expectations.

mod report;

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, ValueEnum};

use super::admin::Target;
use super::files::{text_of, value_of};
use super::print::{Output, complain};
use crate::control::{Refused, Verified};
use report::Report;

#[derive(Args, Debug)]
#[command(
    after_help = "Exit codes: 0 all expectations came true; 1 one did not, or too little is known of it, or the expectations have mistakes; 2 the command line is wrong; 3 no server answers, or a file cannot be read or written."
)]
pub(super) struct Verify {
    /// The expectations: YAML or JSON; - is standard input
    file: PathBuf,
    /// How long to wait until the expectations hold, such as 30s
    #[arg(long, value_name = "TIME")]
    wait: Option<String>,
    /// What to print
    #[arg(long, value_enum, default_value_t = Format::Text, conflicts_with = "json")]
    format: Format,
    /// The file to append a summary in Markdown to, such as "$GITHUB_STEP_SUMMARY"
    #[arg(long, value_name = "FILE")]
    summary: Option<PathBuf>,
    #[command(flatten)]
    target: Target,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum Format {
    /// Sentences
    Text,
    /// A test report in the XML of JUnit, for the test pages of pipelines; an unknown verdict is an error
    Junit,
    /// The Test Anything Protocol, version 14
    Tap,
    /// The summary of --summary
    Markdown,
    /// The API's own answer; --json is short for it
    Json,
}

impl Verify {
    pub(super) async fn run(self, out: &mut Output<'_>) -> anyhow::Result<ExitCode> {
        let Self { file, wait, format, summary, target } = self;
        let text = text_of(&file)?;
        let expectations = value_of(&file.display().to_string(), &text)?;
        if expectations.is_null() {
            complain(format_args!("locmfa: {} is empty; it needs a list `expect`", file.display()));
            return Ok(ExitCode::from(1));
        }
        let verified =
            target.api()?.verify(expectations.clone(), wait).await.map_err(|error| match error.is::<Refused>() {
                true => error.context(file.display().to_string()),
                false => error,
            })?;
        let report = Report::of(&file.display().to_string(), &expectations, &verified);
        match if target.json { Format::Json } else { format } {
            Format::Json => match &verified {
                Verified::Holds(it) | Verified::Fails(it) => out.json(it)?,
            },
            Format::Text => out.print(&report.text())?,
            Format::Junit => out.print(&report.junit())?,
            Format::Tap => out.print(&report.tap())?,
            Format::Markdown => out.print(&report.markdown())?,
        }
        if let Some(summary) = summary {
            append(&summary, &report.markdown())?;
        }
        Ok(ExitCode::from(u8::from(matches!(verified, Verified::Fails(_)))))
    }
}

fn append(file: &Path, text: &str) -> anyhow::Result<()> {
    let opened = OpenOptions::new().create(true).append(true).open(file);
    opened.and_then(|mut it| it.write_all(text.as_bytes())).with_context(|| {
        format!("cannot write the summary into {}; name a file that this account may write", file.display())
    })
}
