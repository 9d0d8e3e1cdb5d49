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
}

const COLUMNS: &[Column] = &[
    ("#", "seq"),
    ("TIME", "at"),
    ("MEDIUM", "medium"),
    ("USER", "username"),
    ("TO", "to"),
    ("CODE", "code"),
    ("SUBJECT", "subject"),
    ("TEXT", "text"),
];

impl Messages {
    pub(super) async fn run(self, out: &mut Output<'_>) -> anyhow::Result<ExitCode> {
        let came = self.args.print(List::Messages, COLUMNS, out).await?;
        Ok(ExitCode::from(u8::from(!came)))
    }
}
