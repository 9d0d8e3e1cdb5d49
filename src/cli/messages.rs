//! `locmfa messages`: the text messages and mails that the server would have sent.

use std::process::ExitCode;

use clap::Args;

use super::admin::ListArgs;
use super::print::Output;
use super::table::Column;
use crate::control::List;

#[derive(Args, Debug)]
pub(super) struct Messages {
    #[command(flatten)]
    args: ListArgs,
    /// Print each new message when it comes
    #[arg(long, conflicts_with_all = ["wait", "csv", "out"])]
    follow: bool,
    /// Wait for the next message from now on: 30s where --wait does not say how long
    #[arg(long, conflicts_with_all = ["after", "follow"])]
    next: bool,
}

const COLUMNS: &[Column] = &[
    ("#", "seq"),
    ("TIME (UTC)", "at"),
    ("MEDIUM", "medium"),
    ("USER", "username"),
    ("TO", "to"),
    ("CODE", "code"),
    ("SUBJECT", "subject"),
    ("TEXT", "text"),
];

impl Messages {
    pub(super) async fn run(mut self, out: &mut Output<'_>) -> anyhow::Result<ExitCode> {
        if self.follow {
            self.args.follow("message", COLUMNS, out).await?;
            return Ok(ExitCode::SUCCESS);
        }
        if self.next {
            self.args.after = Some("now".into());
            self.args.wait.get_or_insert_with(|| "30s".into());
        }
        let came = self.args.print(List::Messages, COLUMNS, out).await?;
        Ok(ExitCode::from(u8::from(!came)))
    }
}
