//! `locmfa wait`: waits until a server answers calls.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use tokio::time::{sleep, timeout};

use super::admin::{Target, time};
use super::print::{Output, complain};
use super::ready::Several;

use crate::text::counted;

#[derive(Args, Debug)]
#[command(
    after_help = "With --space it also waits until the space is there. Exit codes: 0 ready; 1 not in this time; 2 more than one server runs."
)]
pub(super) struct Wait {
    /// How long to wait
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = time)]
    timeout: Duration,
    #[command(flatten)]
    target: Target,
}

/// How often the command looks.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

impl Wait {
    pub(super) async fn run(self, out: &mut Output<'_>) -> anyhow::Result<ExitCode> {
        // The ready file may come while it waits, so each look finds the server again.
        let look = async || self.target.api()?.ready().await;
        let mut last = None;
        let ready = async {
            loop {
                match look().await {
                    Ok(health) => return Ok(health),
                    Err(error) if error.is::<Several>() => return Err(error),
                    Err(error) => last = Some(error),
                }
                sleep(LOOK_AGAIN).await;
            }
        };
        let Ok(ready) = timeout(self.timeout, ready).await else {
            let why = last.map(|it| format!("{it:#}")).unwrap_or_else(|| "the server does not answer".into());
            complain(format_args!("locmfa: not ready in {}: {why}", counted(self.timeout.as_secs_f64(), "second")));
            return Ok(ExitCode::from(1));
        };
        let health = ready?;
        match (self.target.json, self.target.space()) {
            (true, _) => out.json(&health)?,
            (false, "") => out.line("The server is ready.")?,
            (false, space) => out.line(format_args!("The server is ready, and the space {space} is there."))?,
        }
        Ok(ExitCode::SUCCESS)
    }
}
