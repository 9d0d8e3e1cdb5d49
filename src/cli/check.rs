//! `locmfa check`: the mistakes in scenario files, and in the files of incidents.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, ValueEnum};

use super::files::{self, OutArgs, is_standard_input, standard_input};
use super::print::{Output, complain};
use crate::file::read_text;
use crate::incidents::Kept;
use crate::scenario::{Code, Mistake, Mistakes, Severity, is_incident};
use crate::server::admin::check_expectations;
use crate::server::reload::Source;
use crate::text::counted;

#[derive(Args, Debug)]
pub(super) struct Check {
    /// The files of scenarios and incidents; `*` stands for any part of a name, `-` is standard input
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
    /// Short for --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
    #[command(flatten)]
    out: OutArgs,
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
        let least = if self.pedantic { Severity::Note } else { Severity::Warning };
        let check = |file: &Path| -> anyhow::Result<_> {
            let source = match is_standard_input(file) {
                true => Source::Input(standard_input()?.into()),
                false => Source::File(file.into()),
            };
            let text = match &source {
                Source::Input(text) => Some(text.to_string()),
                _ => read_text(file).ok(),
            };
            let found = match text.filter(|it| is_incident(it)) {
                Some(text) => of_incident(file, &source.to_string(), text),
                None => source.load().map_or_else(|mistakes| mistakes, |it| it.warnings),
            };
            Ok((source.to_string(), found.from_severity(least)))
        };
        let mut results: Vec<(String, Mistakes)> = Vec::new();
        for path in &self.scenarios {
            for file in files::named_by(path)? {
                results.push(check(&file)?);
            }
        }
        match self.format {
            Format::Json => print_json(&results, out)?,
            Format::Text if self.json => print_json(&results, out)?,
            Format::Text => {
                for (file, mistakes) in &results {
                    mistakes.iter().try_for_each(|it| out.line(format_args!("{it}\n")))?;
                    match (mistakes.worst(), mistakes.more()) {
                        (None, _) => out.line(format_args!("{file}: no mistakes"))?,
                        (_, 0) => out.line(format_args!("{file}: {}", mistakes.summary()))?,
                        (_, more) => {
                            out.line(format_args!(
                                "{file}: {}; the list leaves out {more} of them",
                                mistakes.summary()
                            ))?;
                        }
                    }
                }
            }
        }
        let allowed = if self.strict { Severity::Note } else { Severity::Warning };
        Ok(ExitCode::from(u8::from(results.iter().any(|it| it.1.worst() > Some(allowed)))))
    }
}

/// The mistakes of an incident, which are those that `locmfa serve --incidents` tells.
fn of_incident(file: &Path, source: &str, text: String) -> Mistakes {
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    let kept = match Kept::read(&name, source.into(), text.into()) {
        Ok(kept) => kept,
        Err(mistakes) => return mistakes,
    };
    match check_expectations(&kept.file.expect) {
        Ok(()) => Mistakes::default(),
        Err(why) => {
            Mistake::of_file(Code::WrongType, source, why, "Correct expect: it holds what locmfa verify reads.").into()
        }
    }
}

fn print_json(results: &[(String, Mistakes)], out: &mut Output<'_>) -> anyhow::Result<()> {
    out.json(&results.iter().flat_map(|it| it.1.iter()).collect::<Vec<_>>())?;
    for (file, mistakes) in results.iter().filter(|it| it.1.more() > 0) {
        complain(format_args!("{file} has {} that the list leaves out.", counted(mistakes.more(), "more mistake")));
    }
    Ok(())
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
