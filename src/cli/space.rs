//! `locmfa space`: the spaces of a server.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{ArgGroup, Subcommand};

use super::admin::{Target, of_source};
use super::files::{one_named_by, text_of, value_of};
use super::print::Output;
use super::table::Column;

#[derive(Debug, Subcommand)]
pub(super) enum Space {
    /// List the spaces
    List(Target),
    /// Make a space [default: from the loaded scenario]
    #[command(visible_alias = "create", group = ArgGroup::new("naming").required(true).args(["name", "label"]))]
    New {
        name: Option<String>,
        /// A text from which the server makes a name that no space has, such as the name of a test
        #[arg(long, value_name = "TEXT")]
        label: Option<String>,
        /// The space to copy
        #[arg(long, value_name = "NAME", conflicts_with = "scenario")]
        from: Option<String>,
        /// The scenario to start with; - is standard input
        #[arg(long, value_name = "FILE")]
        scenario: Option<PathBuf>,
        #[command(flatten)]
        target: Target,
    },
    /// Set a space back to its start
    Reset {
        name: String,
        #[command(flatten)]
        target: Target,
    },
    /// Print a space as a scenario, secrets included
    Snapshot {
        name: String,
        #[command(flatten)]
        target: Target,
    },
    /// Remove a space
    Drop {
        name: String,
        #[command(flatten)]
        target: Target,
    },
}

pub(super) const COLUMNS: &[Column] = &[
    ("SPACE", "name"),
    ("NOW", "clock.now"),
    ("PACE", "clock.pace"),
    ("USERS", "users"),
    ("CALLS", "calls"),
    ("WAITING", "waiting"),
    ("CHALLENGES", "challenges"),
    ("IDLE", "idle_seconds"),
];

impl Space {
    pub(super) async fn run(self, out: &mut Output<'_>) -> anyhow::Result<ExitCode> {
        match self {
            Self::List(target) => target.print_page(out, COLUMNS, &target.api()?.spaces().await?)?,
            Self::New { name, label, from, scenario, target } => {
                let source = scenario.as_ref().map_or_else(String::new, |it| it.display().to_string());
                let scenario = scenario.as_deref().map(|it| text_of(&one_named_by(it)?)).transpose()?;
                let (api, from, scenario) = (target.api()?, from.as_deref(), scenario.as_deref());
                let space = match label {
                    Some(label) => api.new_labelled_space(&label, from, scenario).await,
                    None => api.new_space(&name.unwrap_or_default(), from, scenario).await,
                };
                target.print_sheet(out, &space.map_err(|it| of_source(it, &source))?)?;
            }
            Self::Reset { name, target } => target.print_sheet(out, &target.api()?.reset_space(&name).await?)?,
            Self::Snapshot { name, target } => {
                let text = target.api_of(&name)?.snapshot().await?;
                if target.json { out.json(&value_of("snapshot", &text)?)? } else { out.print(&text)? }
            }
            Self::Drop { name, target } => {
                target.api()?.drop_space(&name).await?;
                target.print_done(out, &format!("The space {name} is removed."))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
