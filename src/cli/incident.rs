//! `locmfa incident`: what goes wrong for a while in a space, on purpose.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::Value;

use super::admin::Target;
use super::print::Output;
use super::table::{Column, plain, sheet, table};
use crate::control::items;

#[derive(Debug, Subcommand)]
pub(super) enum Incident {
    /// List the incidents, and the one that runs
    List(Target),
    /// Print what an incident does, what people see of it, how well that is known, and what helps
    Show {
        name: String,
        #[command(flatten)]
        target: Target,
    },
    /// Begin an incident; it ends by itself and leaves nothing behind
    #[command(visible_alias = "begin")]
    Start {
        name: String,
        /// How long it runs, by the clock of the space, such as 10m; 24h at most [default: 15m]
        #[arg(long, value_name = "TIME")]
        lasts: Option<String>,
        #[command(flatten)]
        target: Target,
    },
    /// End the incident that runs
    #[command(visible_alias = "end")]
    Stop(Target),
}

const COLUMNS: &[Column] = &[("NAME", "name"), ("HITS", "hits"), ("ABOUT", "about")];

const SYMPTOMS: &[Column] = &[("WHERE", "place"), ("GRADE", "grade"), ("SHOWS", "shows"), ("SOURCE", "source")];

impl Incident {
    pub(super) async fn run(self, out: &mut Output<'_>) -> anyhow::Result<ExitCode> {
        match self {
            Self::List(target) => {
                let list = target.api()?.incidents().await?;
                match target.json {
                    true => out.json(&list)?,
                    false => {
                        out.print(&table(COLUMNS, items(&list)))?;
                        out.line(running(&list["running"]))?;
                    }
                }
            }
            Self::Show { name, target } => {
                let incident = target.api()?.incident(&name).await?;
                match target.json {
                    true => out.json(&incident)?,
                    false => out.print(&shown(&incident))?,
                }
            }
            Self::Start { name, lasts, target } => {
                let begun = target.api()?.begin_incident(&name, lasts).await?;
                match target.json {
                    true => out.json(&begun)?,
                    false => out.line(running(&begun))?,
                }
            }
            Self::Stop(target) => {
                let ended = target.api()?.end_incident().await?;
                match (target.json, ended["ended"].as_str()) {
                    (true, _) => out.json(&ended)?,
                    (false, None) => out.line("No incident runs.")?,
                    (false, Some(name)) => out.line(format_args!(
                        "The incident {name} is ended. Calls, sign-ins and connections that it changed: {}.",
                        ended["hits"]
                    ))?,
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The incident that runs, in a sentence.
fn running(it: &Value) -> String {
    match it["name"].as_str() {
        None => "No incident runs.".into(),
        Some(name) => format!(
            "The incident {name} runs until {}. Calls, sign-ins and connections that it changed: {}. `locmfa incident stop` ends it.",
            plain(&it["until"]),
            it["hits"]
        ),
    }
}

/// An incident in full, for people: its file stands at the end.
fn shown(it: &Value) -> String {
    let mut head = it.clone();
    let symptoms = table(SYMPTOMS, it["symptoms"].as_array().map_or(&[], Vec::as_slice));
    let text = it["text"].as_str().unwrap_or_default();
    for key in ["symptoms", "text", "expect"] {
        head.as_object_mut().map(|it| it.remove(key));
    }
    format!("{}\n{symptoms}\n{text}", sheet(&head))
}
