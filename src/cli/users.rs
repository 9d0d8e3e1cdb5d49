//! `locmfa users`: users from an export, and those of a server that runs.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};

use super::control;
use super::print::print;
use crate::file::{self, Access, NotText};
use crate::scenario;

#[derive(Debug, Subcommand)]
pub(super) enum Users {
    /// Read users from an export: the product's (CSV), Active Directory's (CSV, LDIF), or lines id;phone;status
    Import(Import),
    #[command(flatten)]
    Control(control::Users),
}

#[derive(Args, Debug)]
pub(super) struct Import {
    /// The file to read
    file: PathBuf,
    /// The scenario that the users go into, made if it is not there; without it they go to standard output
    #[arg(long, value_name = "SCENARIO")]
    into: Option<PathBuf>,
    /// Replace users that the scenario has already
    #[arg(long, requires = "into")]
    force: bool,
    /// Put numbers that belong to nobody in the place of those that may belong to somebody
    #[arg(long)]
    fictional: bool,
}

pub(super) fn import(args: &Import) -> anyhow::Result<ExitCode> {
    let text = exported(&args.file)?;
    let imported = crate::import::read(&text, args.fictional);
    let imported = imported.map_err(|why| anyhow::anyhow!("{}: {why}.", args.file.display()))?;
    let (text, imported) = match args.into.as_deref().filter(|it| it.exists()) {
        Some(scenario) => {
            let existing = file::read_text(scenario)?;
            let merged = imported.into_scenario(&existing, args.force, &|text| scenario::load_file_as(scenario, text));
            merged.map_err(|why| anyhow::anyhow!("{}: {why}", scenario.display()))?
        }
        None => (args.into.as_deref().and_then(schema_line).unwrap_or_default() + &imported.scenario(), imported),
    };
    match &args.into {
        Some(file) => file::write(file, text.as_bytes(), Access::Usual)
            .with_context(|| format!("cannot write {}", file.display()))?,
        None => drop(print(&text)?),
    }
    let mut report = String::new();
    for it in &imported.left_out {
        report += &format!("{}:{}: left out: {}\n", args.file.display(), it.line, it.reason);
    }
    imported.notes.iter().for_each(|it| report += &format!("{it}\n"));
    if imported.real_numbers > 0 && !args.fictional {
        report += &format!(
            "{} telephone numbers may belong to somebody. --fictional puts numbers in their place that belong to nobody.\n",
            imported.real_numbers
        );
    }
    report += &format!("{} users read, {} rows left out\n", imported.len(), imported.left_out.len());
    // Nobody is left to tell if standard error is gone.
    let _ = io::stderr().write_all(report.as_bytes());
    Ok(ExitCode::SUCCESS)
}

/// The line by which editors find the schema, where it lies near a new scenario as it does in a checkout.
fn schema_line(scenario: &Path) -> Option<String> {
    let near = ["docs/scenario.schema.json", "../docs/scenario.schema.json"];
    let folder = scenario.parent()?;
    let found = near.iter().find(|it| folder.join(it).exists())?;
    Some(format!("# yaml-language-server: $schema={found}\n\n"))
}

/// The text of an export: as people write text, or in the code page of older Windows programs.
fn exported(path: &Path) -> anyhow::Result<String> {
    let bytes = std::fs::read(path).map_err(|error| file::Unreadable::File { path: path.into(), error })?;
    match file::decode(&bytes) {
        Ok(text) => Ok(text),
        Err(NotText("UTF-8")) => Ok(encoding_rs::WINDOWS_1252.decode(&bytes).0.into_owned()),
        Err(error) => Err(file::Unreadable::Encoding { path: path.into(), error }.into()),
    }
}
