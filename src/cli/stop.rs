//! `locmfa stop`: ends a running server in good order.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use tokio::time::{sleep, timeout};

use super::admin::{Target, time};
use super::print::{Output, complain};
use crate::process::Process;
use crate::text::counted;

#[derive(Args, Debug)]
#[command(
    after_help = "Exit codes: 0 the server has stopped; 1 it has not in this time, or refuses; 3 no server answers."
)]
pub(super) struct Stop {
    /// The time for the server to stop: open calls have the time of its --grace
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = time)]
    timeout: Duration,
    #[command(flatten)]
    target: Target,
}

/// How often the command looks whether the server has gone.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// The time between the end of the admin API and the end of the process.
const LAST_STEP: Duration = Duration::from_secs(1);

impl Stop {
    pub(super) async fn run(self, out: &mut Output<'_>) -> anyhow::Result<ExitCode> {
        let api = self.target.api()?;
        let stopping = api.stop().await?;
        let id = stopping["pid"].as_u64().and_then(|it| u32::try_from(it).ok()).unwrap_or_default();
        let process = Process::open(id).ok().flatten();
        let gone = async {
            while api.accepts().await {
                sleep(LOOK_AGAIN).await;
            }
        };
        if timeout(self.timeout, gone).await.is_err() {
            complain(format_args!(
                "locmfa: the server (process {id}) has not stopped in {}; it gives open calls the time of its --grace.",
                counted(self.timeout.as_secs_f64(), "second")
            ));
            return Ok(ExitCode::from(1));
        }
        // Its files are free when it has ended. On another machine, the identifier is of another process or of none.
        if let Some(process) = process {
            let _ = process.wait(Some(LAST_STEP));
        }
        match self.target.json {
            true => out.json(&stopping)?,
            false => out.line(format_args!("The server (process {id}) has stopped."))?,
        }
        Ok(ExitCode::SUCCESS)
    }
}
