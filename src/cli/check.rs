//! `locmfa check`: the mistakes in scenario files.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, ValueEnum};

use super::print::Output;
use crate::scenario::{self, Code, Mistake, Severity};

#[derive(Args, Debug)]
pub(super) struct Check {
    /// The scenario files
    #[arg(required_unless_present = "explain")]
    scenarios: Vec<PathBuf>,
    /// Fail on warnings too
    #[arg(long)]
    strict: bool,
    /// Print notes too: valid, and probably meant so
    #[arg(long)]
    pedantic: bool,
    /// Explain a code such as S001; without a code, explain all of them
    #[arg(long, value_name = "CODE", num_args = 0..=1, default_missing_value = "")]
    explain: Option<String>,
    /// The format of the output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub(super) enum Format {
    Text,
    Json,
}

impl Check {
    pub(super) fn run(&self, out: &mut Output<'_>) -> anyhow::Result<ExitCode> {
        if let Some(code) = &self.explain {
            return explain(code, out);
        }
        let is_printed = |it: &Mistake| it.severity > Severity::Note || self.pedantic;
        let check = |file: &PathBuf| {
            let found = scenario::load_file(file).map_or_else(|mistakes| mistakes, |it| it.warnings);
            (file.display().to_string(), found.into_iter().filter(is_printed).collect())
        };
        let results: Vec<(String, Vec<Mistake>)> = self.scenarios.iter().map(check).collect();
        let all = || results.iter().flat_map(|(_, mistakes)| mistakes);
        match self.format {
            Format::Json => out.json(&all().collect::<Vec<_>>())?,
            Format::Text => {
                for (file, mistakes) in &results {
                    mistakes.iter().try_for_each(|it| out.line(format_args!("{it}\n")))?;
                    match mistakes.is_empty() {
                        true => out.line(format_args!("{file}: no mistakes"))?,
                        false => {
                            let counts = scenario::summary(mistakes.iter().map(|it| it.severity));
                            out.line(format_args!("{file}: {counts}"))?;
                        }
                    }
                }
            }
        }
        let allowed = if self.strict { Severity::Note } else { Severity::Warning };
        Ok(ExitCode::from(u8::from(all().any(|it| it.severity > allowed))))
    }
}

/// Explains a code, or all of them.
fn explain(code: &str, out: &mut Output<'_>) -> anyhow::Result<ExitCode> {
    let text = match (code, Code::named(code)) {
        ("", _) => Code::ALL.iter().map(|it| it.explained()).collect::<Vec<_>>().join("\n"),
        (_, Some(code)) => code.explained(),
        (_, None) => bail!("there is no code {code:?}; `locmfa check --explain` explains all codes"),
    };
    out.print(&text)?;
    Ok(ExitCode::SUCCESS)
}
