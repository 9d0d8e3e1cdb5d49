//! `locmfa call`: one call in full.

use std::process::ExitCode;

use clap::Args;
use serde_json::Value;

use super::admin::Target;
use super::print::Output;
use super::table::sheet;

#[derive(Args, Debug)]
pub(super) struct Call {
    /// The number of the call, from the list
    seq: u64,
    /// Explain how the server found its answer
    #[arg(long)]
    explain: bool,
    /// Print request and answer as they were on the wire
    #[arg(long)]
    raw: bool,
    #[command(flatten)]
    target: Target,
}

impl Call {
    pub(super) async fn run(self, out: &mut Output<'_>) -> anyhow::Result<ExitCode> {
        let it = self.target.api()?.call(self.seq, self.raw).await?;
        if self.target.json {
            out.json(&it)?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut text = sheet(&it["call"]);
        text += &format!("\nfields\n{}", sheet(&it["fields"]));
        if self.explain {
            let lines = it["explained"].as_array().into_iter().flatten().filter_map(Value::as_str);
            text += &format!("\nexplained\n{}", lines.map(|it| format!("{it}\n")).collect::<String>());
        }
        for part in ["headers", "request", "answer"] {
            if let Some(raw) = it[part].as_str() {
                text += &format!("\n{part}\n{raw}\n");
            }
        }
        out.print(&text)?;
        Ok(ExitCode::SUCCESS)
    }
}
