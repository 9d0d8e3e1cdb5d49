//! The clock of a space, which a test can hold in its hand.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::input::{Asked, Body, duration, text};
use super::problem::{Kind, Problem};
use super::{At, Changing, Json, view};
use crate::engine::{Pace, Timestamp};
use crate::switchboard::Space;

/// What time it is, and how it passes.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Clock {
    #[schema(value_type = String, format = DateTime)]
    now: view::At,
    pace: ClockPace,
    /// How many times as fast as in the world.
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<f64>,
}

/// How time passes.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum ClockPace {
    /// As in the world, or `rate` times as fast.
    Real,
    /// Not at all, but where it is told to go on.
    Frozen,
    /// It jumps to the next thing that an open call waits for.
    Auto,
}

/// How time is to pass.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetClock {
    pace: Option<ClockPace>,
    /// Goes with the pace `real`.
    #[schema(minimum = 0.001, maximum = 1_000_000)]
    rate: Option<f64>,
}

/// How far time is to go on: `by` or `to`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AdvanceClock {
    /// A length of time: `10m`, `00:10:00`, or a number of seconds.
    #[serde(default, deserialize_with = "text")]
    #[schema(example = "10m")]
    by: Option<String>,
    /// A moment that is still to come; or `next`: the next thing that is due, such as the end of a call or of a code.
    #[schema(example = "next")]
    to: Option<String>,
}

impl Clock {
    pub(super) fn of(space: &Space) -> Self {
        let (pace, rate) = match space.pace() {
            Pace::Real => (ClockPace::Real, None),
            Pace::Frozen => (ClockPace::Frozen, None),
            Pace::Auto => (ClockPace::Auto, None),
            Pace::Rate(rate) => (ClockPace::Real, Some(rate)),
        };
        Self { now: view::At(space.now()), pace, rate }
    }
}

/// Tells what time it is in the space, and how it passes.
#[utoipa::path(get, path = "/clock", tag = "clock", responses((status = 200, body = Clock)))]
pub(super) async fn get(At(space): At, asked: Asked) -> Result<Json<Clock>, Problem> {
    asked.finish()?;
    Ok(Json::ok(Clock::of(&space)))
}

/// Lets time pass differently: freezes the clock, or lets it go.
#[utoipa::path(put, path = "/clock", tag = "clock", request_body = SetClock, responses((status = 200, body = Clock)))]
pub(super) async fn set(
    Changing(space): Changing,
    asked: Asked,
    Body(set): Body<SetClock>,
) -> Result<Json<Clock>, Problem> {
    asked.finish()?;
    let no = |what: &str, remedy: &str| Err(Problem::new(Kind::BadBody, what, remedy).with("field", "rate"));
    space.set_pace(match (set.pace, set.rate) {
        (None | Some(ClockPace::Real), Some(rate)) if (0.001..=1e6).contains(&rate) => Pace::Rate(rate),
        (None | Some(ClockPace::Real), Some(_)) => {
            return no("rate does not fit.", "Give a number from 0.001 to 1000000.");
        }
        (Some(_), Some(_)) => return no("rate goes with the pace real alone.", "Leave one of them out."),
        (Some(ClockPace::Real), None) => Pace::Real,
        (Some(ClockPace::Frozen), None) => Pace::Frozen,
        (Some(ClockPace::Auto), None) => Pace::Auto,
        (None, None) => return no("The body says nothing.", "Give pace: real, frozen or auto; or rate."),
    });
    Ok(Json::ok(Clock::of(&space)))
}

/// Moves the clock on. All that is due until then happens, each thing at its time.
#[utoipa::path(post, path = "/clock/advance", tag = "clock", request_body = AdvanceClock, responses((status = 200, body = Clock)))]
pub(super) async fn advance(
    Changing(space): Changing,
    asked: Asked,
    Body(it): Body<AdvanceClock>,
) -> Result<Json<Clock>, Problem> {
    asked.finish()?;
    let no = |what: String, remedy: &str| Err(Problem::new(Kind::BadBody, what, remedy));
    match (it.by, it.to) {
        (Some(by), None) => match duration(&by) {
            Ok(by) if space.now() + by > Timestamp::LAST => {
                return no(
                    format!("by: that is past {}, the last moment that can be written.", Timestamp::LAST),
                    "Give less.",
                );
            }
            Ok(by) => drop(space.advance(by)),
            Err(why) => return no(format!("by: {why}."), "Write 30s, 10m or 1h 30m."),
        },
        (None, Some(to)) if to == "next" => {
            if space.advance_to_next().is_none() {
                let remedy = "Let a call come in first, or say by how much time is to go on.";
                return Err(Problem::new(Kind::Refused, "Nothing is due: no phone rings and no code waits.", remedy));
            }
        }
        (None, Some(to)) => match Timestamp::of_text(&to) {
            Some(to) if to >= space.now() => space.advance_to(to),
            Some(_) => return no(format!("to: {to} is over."), "Time only goes on. Name a later moment."),
            None => return no(format!("to: {to:?} is no moment."), "Write it as 2026-11-24T08:00:00Z."),
        },
        _ => return no("The body must say either by or to.".into(), "Give one: {\"by\": \"10m\"}."),
    }
    Ok(Json::ok(Clock::of(&space)))
}
