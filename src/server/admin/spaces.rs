//! Spaces: servers side by side, for tests that run at the same time.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::clock::Clock;
use super::input::{Asked, Body};
use super::problem::{Kind, Problem};
use super::{Admin, Json, Shared};
use crate::engine::{EventKind, Setup};
use crate::scenario;
use crate::server::FOLDER;
use crate::switchboard::{self, DEFAULT, Lane, Naming, NoSpace, Switchboard};

/// A space.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Space {
    name: String,
    /// What to put before the paths of the service and of this API; empty for the default space.
    path: String,
    /// The URL of the service in this space, for the client under test.
    service: String,
    /// The URL of this API in this space.
    admin: String,
    clock: Clock,
    /// The seed of all that is drawn in it: that of its scenario, or of the run. What is drawn in turn, such as codes,
    /// follows the space's name, too.
    seed: u64,
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
    /// The seed of the run: `serve --seed` with it draws the same again.
    seed: u64,
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

/// A new space whose name the server makes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LabelledSpace {
    /// Any text, such as the name of a test. The name of the space is as near to it as possible.
    #[schema(max_length = 256)]
    label: String,
    /// A space to go on from, with its users, rules, states and clock.
    from: Option<String>,
    /// The text of a scenario.
    scenario: Option<String>,
}

/// The longest label, in characters.
const LABEL: usize = 256;

/// What a new space begins with.
enum Beginning {
    /// The loaded scenario.
    Loaded,
    /// What this space has.
    Fork(String),
    /// The text of a scenario.
    Scenario(String),
}

impl NewSpace {
    fn read(self) -> Result<Beginning, Problem> {
        match (self.from, self.scenario) {
            (None, None) => Ok(Beginning::Loaded),
            (Some(from), None) => Ok(Beginning::Fork(from)),
            (None, Some(text)) => Ok(Beginning::Scenario(text)),
            (Some(_), Some(_)) => {
                Err(Problem::new(Kind::BadBody, "from and scenario exclude one another.", "Leave one of them out."))
            }
        }
    }
}

impl Space {
    fn of(admin: &Admin, space: &switchboard::Space) -> Self {
        let (idle, waiting) = (space.idle(), space.waiting());
        let path = if space.name() == DEFAULT { String::new() } else { format!("/~{}", space.name()) };
        let (seed, users, challenges, calls, last) = space.update(|engine, _| {
            (
                engine.seed(),
                engine.directory().len(),
                engine.challenge_count(),
                engine.journal.count(EventKind::Call),
                engine.journal.last(),
            )
        });
        let (name, clock) = (space.name().into(), Clock::of(space));
        let service = format!("{}{path}{FOLDER}/PfWsSdk.asmx", admin.origins.service);
        let admin = format!("{}{path}", admin.origins.admin);
        Self {
            name,
            path,
            service,
            admin,
            clock,
            seed,
            users,
            challenges,
            waiting,
            calls,
            last,
            idle_seconds: idle.as_secs(),
        }
    }
}

/// Lists the spaces.
#[utoipa::path(get, path = "/spaces", tag = "spaces", responses((status = 200, body = Spaces)))]
pub(super) async fn list(State(admin): Shared, asked: Asked) -> Result<Json<Spaces>, Problem> {
    asked.finish()?;
    let items = admin.spaces.list().iter().map(|it| Space::of(&admin, it)).collect();
    Ok(Json::ok(Spaces { items, seed: admin.spaces.seed() }))
}

/// Tells of a space.
#[utoipa::path(get, path = "/spaces/{name}", tag = "spaces", params(("name" = String, Path)), responses((status = 200, body = Space)))]
pub(super) async fn get(State(admin): Shared, Path(name): Path<String>, asked: Asked) -> Result<Json<Space>, Problem> {
    asked.finish()?;
    Ok(Json::ok(Space::of(&admin, &admin.spaces.find(&name)?)))
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
    let space = match beginning.read()? {
        Beginning::Loaded => match admin.spaces.find(&name) {
            Ok(space) => return Ok(Json::ok(Space::of(&admin, &space))),
            Err(_) => made(&admin, Lane::Read, move |spaces| Ok(spaces.open(&name)?)).await?,
        },
        Beginning::Fork(from) => made(&admin, Lane::Read, move |spaces| Ok(spaces.fork(&from, name.as_str())?)).await?,
        Beginning::Scenario(text) => {
            with_scenario(&admin, text, move |spaces, setup| spaces.create(name.as_str(), setup)).await?
        }
    };
    Ok(Json(StatusCode::CREATED, Space::of(&admin, &space)))
}

/// Makes a space with a name from a label, and tells it. Each request makes another space.
#[utoipa::path(post, path = "/spaces", tag = "spaces", request_body = LabelledSpace, responses((status = 201, body = Space)))]
pub(super) async fn create_labelled(
    State(admin): Shared,
    asked: Asked,
    Body(LabelledSpace { label, from, scenario }): Body<LabelledSpace>,
) -> Result<Json<Space>, Problem> {
    asked.finish()?;
    let length = label.chars().count();
    if length > LABEL {
        let detail = format!("label: it has {length} characters; a label has up to {LABEL}.");
        return Err(Problem::new(Kind::BadBody, detail, "Shorten it.").with("field", "label"));
    }
    let space = match (NewSpace { from, scenario }).read()? {
        Beginning::Loaded => made(&admin, Lane::Read, move |spaces| Ok(spaces.open_labelled(&label)?)).await?,
        Beginning::Fork(from) => {
            made(&admin, Lane::Read, move |spaces| Ok(spaces.fork(&from, Naming::Label(&label))?)).await?
        }
        Beginning::Scenario(text) => {
            with_scenario(&admin, text, move |spaces, setup| spaces.create(Naming::Label(&label), setup)).await?
        }
    };
    Ok(Json(StatusCode::CREATED, Space::of(&admin, &space)))
}

/// Makes a space from the text of a scenario.
async fn with_scenario(
    admin: &Admin,
    text: String,
    make: impl FnOnce(&Switchboard, Setup) -> Result<switchboard::Space, NoSpace> + Send + 'static,
) -> Result<switchboard::Space, Problem> {
    let lane = Lane::of_text(text.len());
    let read = move |spaces: &Switchboard| {
        let scenario = scenario::load("scenario", &text).map_err(|it| Problem::of_mistakes(&it))?;
        Ok(make(spaces, scenario.setup)?)
    };
    made(admin, lane, read).await
}

/// Makes a space, or starts one over, off the threads that answer calls: it copies tables of users. The space's timer runs
/// in this runtime, from whichever thread it is made.
async fn made(
    admin: &Admin,
    lane: Lane,
    make: impl FnOnce(&Switchboard) -> Result<switchboard::Space, Problem> + Send + 'static,
) -> Result<switchboard::Space, Problem> {
    let spaces = admin.spaces.clone();
    admin.work.run(lane, move || make(&spaces)).await
}

/// Starts a space over from the loaded scenario. Calls that wait end without an outcome.
#[utoipa::path(post, path = "/spaces/{name}/reset", tag = "spaces", params(("name" = String, Path)), responses((status = 200, body = Space)))]
pub(super) async fn reset(
    State(admin): Shared,
    Path(name): Path<String>,
    asked: Asked,
) -> Result<Json<Space>, Problem> {
    asked.finish()?;
    let of = name.clone();
    let space = made(&admin, Lane::Read, move |spaces| Ok(spaces.reset(&of)?)).await?;
    admin.devices.forget(&name);
    Ok(Json::ok(Space::of(&admin, &space)))
}

/// Ends a space. Calls that wait are let go.
#[utoipa::path(delete, path = "/spaces/{name}", tag = "spaces", params(("name" = String, Path)), responses((status = 204, description = "It is gone.")))]
pub(super) async fn remove(
    State(admin): Shared,
    Path(name): Path<String>,
    asked: Asked,
) -> Result<StatusCode, Problem> {
    asked.finish()?;
    let (spaces, of) = (admin.spaces.clone(), name.clone());
    // To free what a space has takes time, too.
    admin.work.run(Lane::Read, move || spaces.drop_space(&of)).await?;
    admin.devices.forget(&name);
    Ok(StatusCode::NO_CONTENT)
}
