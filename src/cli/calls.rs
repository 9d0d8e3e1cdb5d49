//! `locmfa calls`: the calls that the server received.

use std::process::ExitCode;

use clap::Args;

use super::admin::ListArgs;
use super::print::Output;
use super::table::Column;
use crate::control::List;

#[derive(Args, Debug)]
pub(super) struct Calls {
    #[command(flatten)]
    args: ListArgs,
    /// Print each new call when it comes; --after adds those that followed that cursor
    #[arg(long, conflicts_with_all = ["wait", "csv", "out"])]
    follow: bool,
}

const COLUMNS: &[Column] = &[
    ("#", "seq"),
    ("TIME (UTC)", "at"),
    ("OPERATION", "operation"),
    ("USER", "username"),
    ("NUMBER", "number"),
    ("STATE", "state"),
    ("OUTCOME", "outcome"),
    ("RULE", "rule"),
    ("MS", "milliseconds"),
    ("CALLER", "caller"),
    ("WARNING", "warning"),
];

impl Calls {
    pub(super) async fn run(self, out: &mut Output<'_>) -> anyhow::Result<ExitCode> {
        let Self { args, follow } = self;
        if !follow {
            let came = args.print(List::Calls, COLUMNS, out).await?;
            return Ok(ExitCode::from(u8::from(!came)));
        }
        args.follow("call", COLUMNS, out).await?;
        Ok(ExitCode::SUCCESS)
    }
}
