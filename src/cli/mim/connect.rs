//! `locmfa mim connect`: the way from MIM to the service, step by step.

use std::process::ExitCode;

use clap::Args;

use super::super::files::OutArgs;
use super::super::print::{Output, complain};
use super::access::Access;
use crate::mim::connect;
use crate::mim::step::all_right;

#[derive(Args, Debug)]
#[command(
    after_help = "Exit codes: 0 no step failed; 1 a step failed; 2 the command line is wrong; 3 the examination cannot start."
)]
pub struct Connect {
    #[command(flatten)]
    access: Access,
    /// Call this number, which then rings [default: a number that is reserved for fiction]
    #[arg(long, value_name = "NUMBER")]
    call: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    out: OutArgs,
}

impl Connect {
    pub(super) async fn run(self, out: &mut Output<'_>) -> anyhow::Result<ExitCode> {
        let service = self.access.service()?;
        if let Some(obstacle) = self.access.obstacle(&service) {
            complain(obstacle);
            return Ok(ExitCode::FAILURE);
        }
        let client = self.access.client(service.target.clone())?;
        let mut steps = Vec::new();
        let mut printed = Ok(());
        connect::check(&client, &service, self.call.as_deref(), &mut |step| {
            if !self.json && printed.is_ok() {
                printed = out.line(&step);
            }
            steps.push(step);
        })
        .await;
        printed?;
        if self.json {
            out.json(&steps)?;
        }
        Ok(ExitCode::from(u8::from(!all_right(&steps))))
    }
}
