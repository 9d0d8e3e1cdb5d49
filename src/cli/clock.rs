//! `locmfa clock`: the time of a space.

use std::process::ExitCode;

use clap::Subcommand;

use super::admin::Target;
use super::print::Output;
use crate::control;

#[derive(Debug, Subcommand)]
pub(super) enum Clock {
    /// Show the time and the pace
    Show(Target),
    /// Stop the time
    Freeze(Target),
    /// Let time pass as in the real world
    Real(Target),
    /// Jump to the next deadline of an open call
    Auto(Target),
    /// Let time pass this many times as fast
    Rate {
        times: f64,
        #[command(flatten)]
        target: Target,
    },
    /// Move the time forward to the next thing that is due, such as the end of a call
    Next(Target),
    /// Move the time forward by a duration such as 10m, or to a timestamp such as 2026-11-24T08:00:00Z
    Advance {
        how_far: String,
        #[command(flatten)]
        target: Target,
    },
}

impl Clock {
    pub(super) async fn run(self, out: &mut Output<'_>) -> anyhow::Result<ExitCode> {
        let (target, clock) = match self {
            Self::Show(target) => (target, control::Clock::Show),
            Self::Freeze(target) => (target, control::Clock::Freeze),
            Self::Real(target) => (target, control::Clock::Real),
            Self::Auto(target) => (target, control::Clock::Auto),
            Self::Rate { times, target } => (target, control::Clock::Rate(times)),
            Self::Next(target) => (target, control::Clock::Next),
            Self::Advance { how_far, target } => (target, control::Clock::Advance(how_far)),
        };
        target.print_sheet(out, &target.api()?.clock(clock).await?)?;
        Ok(ExitCode::SUCCESS)
    }
}
