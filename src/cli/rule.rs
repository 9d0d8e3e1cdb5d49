//! `locmfa rule`: the rules of a space.

use std::io;
use std::process::ExitCode;

use anyhow::Context;
use clap::Subcommand;

use super::admin::Target;
use super::print::Output;
use super::table::Column;

#[derive(Debug, Subcommand)]
pub(super) enum Rule {
    /// List the rules in their order
    List {
        #[command(flatten)]
        target: Target,
    },
    /// Add a rule before all others
    Add {
        /// The rule as in a scenario, such as '{when: {user: anna}, outcome: busy}'; - reads standard input
        rule: String,
        /// The number of calls that the rule decides
        #[arg(long, value_name = "COUNT")]
        times: Option<u64>,
        /// How long the rule lasts, such as 10m
        #[arg(long, value_name = "TIME")]
        lasts: Option<String>,
        #[command(flatten)]
        target: Target,
    },
    /// Remove a rule
    Remove {
        name: String,
        #[command(flatten)]
        target: Target,
    },
}

const COLUMNS: &[Column] =
    &[("NAME", "name"), ("CALLS", "calls"), ("LEFT", "left"), ("UNTIL", "until"), ("RULE", "written")];

impl Rule {
    pub(super) async fn run(self, out: &mut Output<'_>) -> anyhow::Result<ExitCode> {
        match self {
            Self::List { target } => target.print_page(out, COLUMNS, &target.api()?.rules().await?)?,
            Self::Add { rule, times, lasts, target } => {
                let text = match rule.as_str() {
                    "-" => io::read_to_string(io::stdin()).context("cannot read the rule from standard input")?,
                    _ => rule,
                };
                target.print_sheet(out, &target.api()?.add_rule(text, times, lasts).await?)?;
            }
            Self::Remove { name, target } => {
                target.api()?.remove_rule(&name).await?;
                target.print_done(out, &format!("The rule {name} is removed."))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
