//! `locmfa calls`: the calls that the server received.

use std::ops::ControlFlow;
use std::process::ExitCode;

use clap::Args;

use super::admin::ListArgs;
use super::print::Output;
use super::table::{Column, line};
use crate::control::List;

#[derive(Args, Debug)]
pub(super) struct Calls {
    #[command(flatten)]
    args: ListArgs,
    /// Print each new call when it comes
    #[arg(long, conflicts_with_all = ["wait", "after"])]
    follow: bool,
}

const COLUMNS: &[Column] = &[
    ("#", "seq"),
    ("TIME", "at"),
    ("OPERATION", "operation"),
    ("USER", "username"),
    ("NUMBER", "number"),
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
        let api = args.target.api()?;
        api.follow_calls(&args.conditions, |call| {
            match args.target.json {
                true => out.line(call)?,
                false => out.print(&line(COLUMNS, call))?,
            }
            Ok(if out.is_closed() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })
        .await?;
        Ok(ExitCode::SUCCESS)
    }
}
