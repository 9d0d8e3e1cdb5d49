//! `locmfa clock`: the time of a space.

use std::process::ExitCode;
use std::time::Duration;

use clap::Subcommand;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::admin::Target;
use super::print::Output;
use crate::control;
use crate::engine::Timestamp;

#[derive(Debug, Subcommand)]
pub(super) enum Clock {
    /// Show the time and the pace
    Show(Target),
    /// Stop the time
    Freeze(Target),
    /// Let time pass as in the real world, from the time that the space has
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
    /// Set the time to a later one, such as 2026-11-24T08:00:00Z
    Set {
        time: String,
        #[command(flatten)]
        target: Target,
    },
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
            Self::Set { time, target } => (target, control::Clock::Set(time)),
            Self::Next(target) => (target, control::Clock::Next),
            Self::Advance { how_far, target } => (target, control::Clock::Advance(how_far)),
        };
        let is_real = matches!(clock, control::Clock::Real);
        let shown = target.api()?.clock(clock).await?;
        target.print_sheet(out, &shown)?;
        if is_real && !target.json {
            out.line(goes_on_from(&shown["now"]))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Whether the clock of a space that shows `now` goes on from a moved time, in a sentence.
fn goes_on_from(now: &Value) -> String {
    let here = OffsetDateTime::now_utc().format(&Rfc3339).ok();
    let of = |text: &str| Timestamp::of_text(text);
    let Some((now, here)) = now.as_str().and_then(of).zip(here.as_deref().and_then(of)) else { return String::new() };
    let whole = |it: Duration| humantime::format_duration(Duration::from_secs(it.as_secs()));
    match (now.since(here), here.since(now)) {
        (ahead, _) if ahead >= MOVED => {
            format!("It goes on from a moved time, {} ahead of this machine.", whole(ahead))
        }
        (_, behind) if behind >= MOVED => {
            format!("It goes on from a moved time, {} behind this machine.", whole(behind))
        }
        _ => "It shows the time of this machine.".into(),
    }
}

/// From this difference on, a clock is not that of this machine.
const MOVED: Duration = Duration::from_secs(2);
