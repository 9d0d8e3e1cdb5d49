//! What the commands over the admin API share: the options that name the server, and how answers are printed.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use serde_json::Value;

use super::files::{self, OutArgs};
use super::print::{Output, complain};
use super::ready;
use super::table::{self, Column, Growing, sheet, table};
use crate::control::{Api, List, Query, Refused, Url, items};
use crate::text::length_of_time;

#[derive(Args, Debug)]
pub(super) struct Target {
    #[command(flatten)]
    server: ServerArgs,
    /// The space [default: the default space]
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    space: String,
    /// The file with the token, if the server asks for one
    #[arg(long, value_name = "FILE", env = "LOCMFA_ADMIN_TOKEN_FILE")]
    admin_token_file: Option<PathBuf>,
    /// Print JSON, for scripts
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    out: OutArgs,
}

/// Which server is asked.
#[derive(Args, Debug)]
pub(super) struct ServerArgs {
    /// The address of the server's admin API [default: that of the server that runs, by its ready file; else
    /// http://127.0.0.1:9998]
    #[arg(long, value_name = "URL", env = "LOCMFA_ADMIN")]
    admin: Option<Url>,
}

impl ServerArgs {
    pub(super) fn url(&self) -> Result<Url> {
        self.admin.clone().map_or_else(ready::find, Ok)
    }
}

impl Target {
    pub(super) fn space(&self) -> &str {
        &self.space
    }

    pub(super) fn api(&self) -> Result<Api> {
        self.api_of(&self.space)
    }

    /// The API of another space than the options name.
    pub(super) fn api_of(&self, space: &str) -> Result<Api> {
        let token = self.admin_token_file.as_deref().map(files::token).transpose()?;
        Ok(Api::new(self.server.url()?, space.into(), token))
    }

    /// Prints a page of a list.
    pub(super) fn print_page(&self, out: &mut Output<'_>, columns: &[Column], page: &Value) -> Result<()> {
        if self.json {
            return out.json(page);
        }
        out.print(&table(columns, items(page)))?;
        rest_of(page).iter().try_for_each(|it| out.line(it))
    }

    /// Prints an object.
    pub(super) fn print_sheet(&self, out: &mut Output<'_>, it: &Value) -> Result<()> {
        if self.json { out.json(it) } else { out.print(&sheet(it)) }
    }

    /// Prints a sentence for people; scripts have the exit code.
    pub(super) fn print_done(&self, out: &mut Output<'_>, sentence: &str) -> Result<()> {
        if self.json { Ok(()) } else { out.line(sentence) }
    }
}

/// What to do for the rest of a list, where a page is not all of it.
fn rest_of(page: &Value) -> Option<String> {
    let (total, _) = page["total"].as_u64().zip(page["next"].as_str())?;
    Some(format!("{} of {total}; --limit {total} prints all", items(page).len()))
}

/// The options of a list.
#[derive(Args, Debug)]
pub(super) struct ListArgs {
    /// Conditions, such as username=anna operation=PfAuthUser* phone="+1 425 555 0100"
    #[arg(value_name = "NAME=VALUE", value_parser = pair)]
    pub(super) conditions: Vec<(String, String)>,
    /// If the list is empty, wait this long for a first item, such as 30s; ten minutes at most
    #[arg(long, value_name = "TIME")]
    pub(super) wait: Option<String>,
    /// List only what follows this cursor (`next` of an earlier answer with --json), or `now`
    #[arg(long, value_name = "CURSOR")]
    pub(super) after: Option<String>,
    /// The largest number of items to list
    #[arg(long, value_name = "COUNT")]
    limit: Option<usize>,
    /// Print CSV, for Import-Csv and spreadsheets, with moments and numbers as --json has them
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    #[command(flatten)]
    pub(super) target: Target,
}

impl ListArgs {
    /// Prints the list. False: nothing came in the time of `--wait`.
    pub(super) async fn print(&self, list: List, columns: &[Column], out: &mut Output<'_>) -> Result<bool> {
        let Self { conditions, wait, after, limit, csv, target } = self;
        let (conditions, wait) = (conditions.clone(), wait.clone());
        let query = Query { conditions, wait, after: after.clone(), limit: *limit };
        let page = target.api()?.list(list, &query).await?;
        match &query.wait {
            Some(wait) if items(&page).is_empty() => {
                if target.json {
                    out.json(&page)?;
                }
                complain(format_args!("locmfa: nothing came in {wait}"));
                Ok(false)
            }
            _ if *csv => {
                out.print(&table::csv(columns, items(&page))?)?;
                rest_of(&page).iter().for_each(complain);
                Ok(true)
            }
            _ => target.print_page(out, columns, &page).map(|()| true),
        }
    }
}

impl ListArgs {
    /// Prints each new event of a kind when it comes, until the server stops or the reader closes the pipe.
    pub(super) async fn follow(&self, kind: &str, columns: &'static [Column], out: &mut Output<'_>) -> Result<()> {
        let mut table = Growing::new(columns);
        if !self.target.json {
            out.print(&table.head())?;
        }
        let see = |event: &Value| {
            match self.target.json {
                true => out.json_line(event)?,
                false => out.print(&table.line(event))?,
            }
            Ok(if out.is_closed() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        };
        self.target
            .api()?
            .follow_events(kind, self.after.as_deref(), &self.conditions, see, |warning| {
                complain(format_args!("locmfa: {warning}"))
            })
            .await
    }
}

/// A refusal of a text of this name: its mistakes tell their places in it.
pub(super) fn of_source(error: anyhow::Error, source: &str) -> anyhow::Error {
    match error.downcast::<Refused>() {
        Ok(refused) => refused.from_source(source).into(),
        Err(other) => other,
    }
}

/// `name=value`
pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("{text:?} has no =; write NAME=VALUE"))?;
    Ok((name.trim().into(), value.into()))
}

/// A length of time, as [`length_of_time`] reads it.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    length_of_time(text)
        .ok_or_else(|| format!("{text:?} is not a length of time; write 30s, 2m, 00:02:00 or a number of seconds"))
}
