//! `locmfa status`: the state of a running server.

use std::process::ExitCode;

use clap::Args;
use serde_json::Value;

use super::admin::Target;
use super::print::Output;
use super::space;
use super::table::{Column, table};

use crate::text::counted;

#[derive(Args, Debug)]
pub(super) struct Status {
    #[command(flatten)]
    target: Target,
}

const FAILURES: &[Column] =
    &[("TIME (UTC)", "at"), ("CLIENT", "peer"), ("KIND", "kind"), ("WHAT", "what"), ("REMEDY", "remedy")];

/// How many failures are listed.
const NEWEST: usize = 5;

impl Status {
    pub(super) async fn run(self, out: &mut Output<'_>) -> anyhow::Result<ExitCode> {
        let status = self.target.api()?.status().await?;
        if self.target.json {
            out.json(&status)?;
            return Ok(ExitCode::SUCCESS);
        }
        let list = |it: &Value| it.as_array().cloned().unwrap_or_default();
        let version = status["health"]["version"].as_str().unwrap_or_default();
        let page = status["page"].as_str().unwrap_or_default();
        let spaces = table(space::COLUMNS, &list(&status["spaces"]));
        let seed = &status["seed"];
        let mut text = format!("locmfa {version} is ready; its page is {page}\nIts seed is {seed}\n\n{spaces}");
        let lost = status["health"]["log_lines_lost"].as_u64().unwrap_or_default();
        if lost > 0 {
            text += &format!(
                "\nThe log has lost {}: its disk is full, or no program reads its pipe.\n",
                counted(lost, "line")
            );
        }
        for warning in list(&status["health"]["certificate_warnings"]) {
            text += &format!("\n{}\n", warning.as_str().unwrap_or_default());
        }
        let failed = list(&status["failures"]["items"]);
        if !failed.is_empty() {
            let newest = &failed[failed.len().saturating_sub(NEWEST)..];
            text += &format!("\nNewest failures\n{}", table(FAILURES, newest));
        }
        out.print(&text)?;
        Ok(ExitCode::SUCCESS)
    }
}
