//! Spaces: servers side by side, for tests that run at the same time.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::clock::Clock;
use super::input::{Asked, Body};
use super::problem::Problem;
use super::{Json, Shared};
use crate::engine::EventKind;
use crate::scenario;
use crate::switchboard::{self, DEFAULT};

/// A space.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Space {
    name: String,
    /// What to put before the paths of the service and of this API; empty for the default space.
    path: String,
    clock: Clock,
    users: usize,
    /// How many challenges are open.
    challenges: usize,
    /// How many calls wait for their answer.
    waiting: usize,
    /// How many calls there were, those that are forgotten included.
    calls: u64,
    /// The number of the newest event.
    last: u64,
    /// The time since its last use.
    idle_seconds: u64,
}

/// Every space.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Spaces {
    /// The default space first.
    items: Vec<Space>,
}

/// What a new space begins with: the loaded scenario where it says nothing.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSpace {
    /// A space to go on from, with its users, rules, states and clock.
    from: Option<String>,
    /// The text of a scenario.
    scenario: Option<String>,
}

impl Space {
    fn of(space: &switchboard::Space) -> Self {
        let (idle, waiting) = (space.idle(), space.waiting());
        let path = if space.name() == DEFAULT { String::new() } else { format!("/~{}", space.name()) };
        let (users, challenges, calls, last) = space.update(|engine, _| {
            (
                engine.directory().len(),
                engine.challenge_count(),
                engine.journal.count(EventKind::Call),
                engine.journal.last(),
            )
        });
        let (name, clock) = (space.name().into(), Clock::of(space));
        Self { name, path, clock, users, challenges, waiting, calls, last, idle_seconds: idle.as_secs() }
    }
}

/// Lists the spaces.
#[utoipa::path(get, path = "/spaces", tag = "spaces", responses((status = 200, body = Spaces)))]
pub(super) async fn list(State(admin): Shared, asked: Asked) -> Result<Json<Spaces>, Problem> {
    asked.finish()?;
    Ok(Json::ok(Spaces { items: admin.spaces.list().iter().map(Space::of).collect() }))
}

/// Tells of a space.
#[utoipa::path(get, path = "/spaces/{name}", tag = "spaces", params(("name" = String, Path)), responses((status = 200, body = Space)))]
pub(super) async fn get(State(admin): Shared, Path(name): Path<String>, asked: Asked) -> Result<Json<Space>, Problem> {
    asked.finish()?;
    Ok(Json::ok(Space::of(&admin.spaces.find(&name)?)))
}

/// Makes a space, or tells of the one that is there. A space is made by the first call to its address, too.
#[utoipa::path(put, path = "/spaces/{name}", tag = "spaces", params(("name" = String, Path)), request_body(content = NewSpace, description = "Nothing: the loaded scenario."), responses(
    (status = 200, description = "It was there already.", body = Space),
    (status = 201, body = Space),
))]
pub(super) async fn create(
    State(admin): Shared,
    Path(name): Path<String>,
    asked: Asked,
    Body(beginning): Body<NewSpace>,
) -> Result<Json<Space>, Problem> {
    asked.finish()?;
    let space = match (beginning.from, beginning.scenario) {
        (None, None) => match admin.spaces.find(&name) {
            Ok(space) => return Ok(Json::ok(Space::of(&space))),
            Err(_) => admin.spaces.open(&name)?,
        },
        (Some(from), None) => admin.spaces.fork(&from, &name)?,
        (None, Some(text)) => {
            let spaces = admin.spaces.clone();
            // The timer of the space runs in this runtime, from whichever thread it is made.
            let made = move || {
                let scenario = scenario::load("scenario", &text).map_err(|it| Problem::of_mistakes(&it))?;
                Ok::<_, Problem>(spaces.create(&name, scenario.setup)?)
            };
            admin.work.run(made).await?
        }
        (Some(_), Some(_)) => {
            let remedy = "Leave one of them out.";
            return Err(Problem::new(super::problem::Kind::BadBody, "from and scenario exclude one another.", remedy));
        }
    };
    Ok(Json(StatusCode::CREATED, Space::of(&space)))
}

/// Starts a space over from the loaded scenario. Calls that wait end without an outcome.
#[utoipa::path(post, path = "/spaces/{name}/reset", tag = "spaces", params(("name" = String, Path)), responses((status = 200, body = Space)))]
pub(super) async fn reset(
    State(admin): Shared,
    Path(name): Path<String>,
    asked: Asked,
) -> Result<Json<Space>, Problem> {
    asked.finish()?;
    let space = admin.spaces.reset(&name)?;
    admin.devices.forget(&name);
    Ok(Json::ok(Space::of(&space)))
}

/// Ends a space. Calls that wait are let go.
#[utoipa::path(delete, path = "/spaces/{name}", tag = "spaces", params(("name" = String, Path)), responses((status = 204, description = "It is gone.")))]
pub(super) async fn remove(
    State(admin): Shared,
    Path(name): Path<String>,
    asked: Asked,
) -> Result<StatusCode, Problem> {
    asked.finish()?;
    admin.spaces.drop_space(&name)?;
    admin.devices.forget(&name);
    Ok(StatusCode::NO_CONTENT)
}
