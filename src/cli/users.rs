//! `locmfa users`: users from an export, and users of a running server.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use clap::{Args, Subcommand};

use super::admin::{ListArgs, Target, pair};
use super::files::{bytes_of, is_standard_input, value_of};
use super::print::{Output, complain};
use super::table::Column;
use crate::control::List;
use crate::engine::Company;
use crate::file::{self, Access};
use crate::import;
use crate::scenario;
use crate::text::counted;

#[derive(Debug, Subcommand)]
pub(super) enum Users {
    /// Read users from an export: of MFA Server, Active Directory, Entra or PowerShell (CSV, LDIF), or of lines
    /// requestGuid;phone;status;message
    Import(Import),
    /// List the users of a running server
    List {
        #[command(flatten)]
        args: ListArgs,
    },
    /// Show a user of a running server
    Show {
        username: String,
        #[command(flatten)]
        target: Target,
    },
    /// Add a user to a running server: username=anna phone="+1 425 555 0100" mode=smsText
    Add {
        /// The user, by the keys of a scenario
        #[arg(value_name = "KEY=VALUE", value_parser = pair, required = true)]
        keys: Vec<(String, String)>,
        #[command(flatten)]
        target: Target,
    },
    /// Change a user of a running server: anna enabled=false phone=
    Change {
        username: String,
        /// The new values, by the keys of a scenario; an empty value is the company's default
        #[arg(value_name = "KEY=VALUE", value_parser = pair, required = true)]
        keys: Vec<(String, String)>,
        #[command(flatten)]
        target: Target,
    },
    /// Remove a user from a running server
    Remove {
        username: String,
        #[command(flatten)]
        target: Target,
    },
}

#[derive(Args, Debug)]
pub(super) struct Import {
    /// The file to read; `-` is standard input
    file: PathBuf,
    /// The scenario to write the users to; it is made if it is missing [default: standard output]
    #[arg(long, value_name = "SCENARIO")]
    into: Option<PathBuf>,
    /// Add the users to the running server: all of them, or none if one is there already
    #[arg(long, conflicts_with = "into")]
    apply: bool,
    /// Replace users that the scenario already has
    #[arg(long, requires = "into")]
    force: bool,
    /// Replace telephone numbers that may be real with numbers from the range that is reserved for fiction
    #[arg(long)]
    fictional: bool,
    /// The country code of numbers that are written without one [default: the scenario's, or 1]
    #[arg(long, value_name = "CODE", value_parser = country_code)]
    country: Option<String>,
    #[command(flatten)]
    target: Target,
}

const COLUMNS: &[Column] = &[
    ("USER", "username"),
    ("FIRST NAME", "first_name"),
    ("LAST NAME", "last_name"),
    ("COUNTRY", "country_code"),
    ("PHONE", "phone"),
    ("EXTENSION", "extension"),
    ("MODE", "mode"),
    ("ENABLED", "enabled"),
    ("BLOCKED", "blocked"),
];

impl Users {
    pub(super) async fn run(self, out: &mut Output<'_>) -> anyhow::Result<ExitCode> {
        match self {
            Self::Import(import) => return import.run(out).await,
            Self::List { args } => {
                let came = args.print(List::Users, COLUMNS, out).await?;
                return Ok(ExitCode::from(u8::from(!came)));
            }
            Self::Show { username, target } => target.print_sheet(out, &target.api()?.user(&username).await?)?,
            Self::Add { keys, target } => target.print_sheet(out, &target.api()?.add_user(keys).await?)?,
            Self::Change { username, keys, target } => {
                target.print_sheet(out, &target.api()?.change_user(&username, keys).await?)?;
            }
            Self::Remove { username, target } => {
                target.api()?.remove_user(&username).await?;
                target.print_done(out, &format!("The user {username} is removed."))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Import {
    /// The scenario goes to its file or to standard output, the report to standard error.
    async fn run(&self, out: &mut Output<'_>) -> anyhow::Result<ExitCode> {
        let shown =
            if is_standard_input(&self.file) { "standard input".into() } else { self.file.display().to_string() };
        let nothing = |why: &str| {
            complain(format_args!("{shown}: {why}."));
            Ok(ExitCode::FAILURE)
        };
        let (text, encoding) = match import::text_of(&bytes_of(&self.file)?) {
            Ok(read) => read,
            Err(why) => return nothing(&why),
        };
        let existing = self.into.as_deref().filter(|it| it.exists());
        let own = || Some(scenario::load_file(existing?).ok()?.setup.company.country_code);
        let country = self.country.clone().or_else(own).unwrap_or_else(|| Company::default().country_code);
        let imported = match import::read(&text, self.fictional, &country) {
            Ok(imported) => imported,
            Err(why) => return nothing(&why),
        };
        if imported.is_empty() {
            imported
                .left_out
                .iter()
                .for_each(|it| complain(format_args!("{shown}:{}: left out: {}", it.line, it.reason)));
            imported.notes.iter().for_each(complain);
            return nothing("no user could be read; nothing was written");
        }
        let (text, imported) = match existing {
            Some(scenario) => {
                let existing = file::read_text(scenario)?;
                let load = |text: &str| scenario::load_file_as(scenario, text);
                let merged = imported.into_scenario(&existing, self.force, &load);
                merged.map_err(|why| anyhow!("{}: {why}", scenario.display()))?
            }
            None => (self.into.as_deref().and_then(schema_line).unwrap_or_default() + &imported.scenario(), imported),
        };
        match &self.into {
            None if self.apply => {
                let api = self.target.api()?;
                api.add_users(imported.users()).await?;
                // Each is put before all others, so the last comes first.
                for rule in imported.rules().rev() {
                    api.add_rule(rule.into(), None, None).await?;
                }
            }
            Some(file) => file::write(file, text.as_bytes(), Access::Usual)
                .with_context(|| format!("cannot write {}; check the folder and its permissions", file.display()))?,
            None if self.target.json => out.json(&value_of("the scenario", &text)?)?,
            None => out.print(&text)?,
        }
        for it in &imported.left_out {
            complain(format_args!("{shown}:{}: left out: {}", it.line, it.reason));
        }
        encoding.iter().for_each(complain);
        imported.notes.iter().for_each(complain);
        if imported.real_numbers > 0 && !self.fictional {
            complain(format_args!(
                "{} may be real. --fictional replaces real numbers with numbers that are reserved for fiction.",
                counted(imported.real_numbers, "telephone number")
            ));
        }
        let (users, rows) = (counted(imported.len(), "user"), counted(imported.left_out.len(), "row"));
        complain(format_args!("{users} read, {rows} left out"));
        Ok(ExitCode::SUCCESS)
    }
}

/// The line that tells editors where the schema is, if it is near the new scenario, as in a checkout.
fn schema_line(scenario: &Path) -> Option<String> {
    let near = ["docs/scenario.schema.json", "../docs/scenario.schema.json"];
    let folder = scenario.parent()?;
    let found = near.iter().find(|it| folder.join(it).exists())?;
    Some(format!("# yaml-language-server: $schema={found}\n\n"))
}

/// A country code on the command line.
fn country_code(text: &str) -> Result<String, String> {
    let digits = text.trim_start_matches('+');
    match (1..=3).contains(&digits.len()) && digits.bytes().all(|it| it.is_ascii_digit()) {
        true => Ok(digits.into()),
        false => Err("a country code has 1 to 3 digits, as 44".into()),
    }
}
