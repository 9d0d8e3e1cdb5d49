//! `locmfa check`: the mistakes of scenario files.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};

use super::print::print;
use crate::scenario::{self, Code, Mistake, Severity};

#[derive(Args, Debug)]
pub(super) struct Check {
    /// The scenario files
    #[arg(required_unless_present = "explain")]
    scenarios: Vec<PathBuf>,
    /// Fail for warnings too
    #[arg(long)]
    strict: bool,
    /// Tell notes too: what may well be meant
    #[arg(long)]
    pedantic: bool,
    /// Tell what a code such as S001 means; without one, what each means
    #[arg(long, value_name = "CODE", num_args = 0..=1, default_missing_value = "")]
    explain: Option<String>,
    /// How to tell
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Text,
    Json,
}

pub(super) fn check(args: &Check) -> anyhow::Result<ExitCode> {
    if let Some(code) = &args.explain {
        return explain(code);
    }
    let told = |it: &Mistake| it.severity > Severity::Note || args.pedantic;
    let look = |file: &PathBuf| {
        let found = scenario::load_file(file).map_or_else(|mistakes| mistakes, |it| it.warnings);
        (file.display().to_string(), found.into_iter().filter(told).collect())
    };
    let results: Vec<(String, Vec<Mistake>)> = args.scenarios.iter().map(look).collect();
    match args.format {
        Format::Json => {
            let mistakes: Vec<&Mistake> = results.iter().flat_map(|(_, mistakes)| mistakes).collect();
            print(&(serde_json::to_string_pretty(&mistakes).context("the mistakes as JSON")? + "\n"))?;
        }
        Format::Text => {
            let mut text = String::new();
            for (file, mistakes) in &results {
                mistakes.iter().for_each(|it| text += &format!("{it}\n\n"));
                text += &match mistakes.is_empty() {
                    true => format!("{file}: no mistakes\n"),
                    false => format!("{file}: {}\n", scenario::summary(mistakes.iter().map(|it| it.severity))),
                };
            }
            print(&text)?;
        }
    }
    let bearable = if args.strict { Severity::Note } else { Severity::Warning };
    let fails = results.iter().flat_map(|(_, mistakes)| mistakes).any(|it| it.severity > bearable);
    Ok(ExitCode::from(u8::from(fails)))
}

/// Tells what a code means, or each of them.
fn explain(code: &str) -> anyhow::Result<ExitCode> {
    if code.is_empty() {
        return print(&Code::ALL.iter().map(|it| it.explained()).collect::<Vec<_>>().join("\n"));
    }
    let Some(code) = Code::named(code) else {
        bail!("there is no code {code:?}; `locmfa check --explain` tells all of them");
    };
    print(&code.explained())
}
