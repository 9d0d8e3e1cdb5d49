//! The scenario of a space: read, checked, swapped, and written down as it has become.

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::feed::Feed;
use super::input::{Asked, Written};
use super::problem::{Kind, Problem};
use super::{At, Changing, Json, Shared, typed};
use crate::engine::EventKind;
use crate::scenario::{self, Mistakes};
use crate::server::reload::Reloaded;
use crate::switchboard::Lane;

/// What came of a scenario.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ScenarioReport {
    /// Whether it can serve.
    serves: bool,
    users: usize,
    rules: usize,
    /// The first 200 mistakes, each with its place and what to do about it.
    #[schema(value_type = Vec<std::collections::HashMap<String, serde_json::Value>>)]
    mistakes: Mistakes,
    /// How many more mistakes there are.
    more: usize,
}

impl ScenarioReport {
    fn of(users: usize, rules: usize, mistakes: Mistakes) -> Self {
        Self { serves: true, users, rules, more: mistakes.more(), mistakes }
    }
}

const YAML: &str = "application/yaml; charset=utf-8";

/// Tells the scenario that the space was set up from, as it is written.
#[utoipa::path(get, path = "/scenario", tag = "scenario", responses((status = 200, description = "YAML", body = serde_json::Value, content_type = "application/yaml")))]
pub(super) async fn get(At(space): At, asked: Asked) -> Result<Response, Problem> {
    asked.finish()?;
    Ok(typed(YAML, space.update(|engine, _| engine.text().to_owned())))
}

/// Writes the space down as it is now: a scenario that begins from here. Users and the clock are as they have become;
/// the secrets are in it. Where rules have calls or turns left, or people have states or counters, which no scenario can
/// say, it is refused, and told by name.
#[utoipa::path(get, path = "/snapshot", tag = "scenario", responses((status = 200, description = "YAML", body = serde_json::Value, content_type = "application/yaml")))]
pub(super) async fn snapshot(State(admin): Shared, At(space): At, asked: Asked) -> Result<Response, Problem> {
    asked.finish()?;
    let written = move || {
        // A fork shares the users with the space: the space is not locked while they are written.
        let (engine, now, pace) = space.fork();
        let remains = engine.remains(now);
        if !remains.is_empty() {
            let detail = format!("No scenario can say what calls have left: {}.", remains.join("; "));
            let remedy =
                "A space with {\"from\": \"NAME\"} goes on with all of it. Or remove these rules, and reset the space.";
            return Err(Problem::new(Kind::Refused, detail, remedy));
        }
        Ok(scenario::export::snapshot(&engine, now, pace))
    };
    Ok(typed(YAML, admin.work.run(Lane::Read, written).await?))
}

/// Writes down what happened as a scenario: the snapshot of the space, with a rule for each person who was asked, by
/// which they are answered in the same way again. A comment says when it happened.
#[utoipa::path(get, path = "/scenario/recorded", tag = "scenario", params(
    ("after" = Option<String>, Query, description = "Only what follows: `next` of an earlier list. Without it, all that is kept."),
), responses((status = 200, description = "YAML", body = serde_json::Value, content_type = "application/yaml")))]
pub(super) async fn recorded(State(admin): Shared, At(space): At, mut asked: Asked) -> Result<Response, Problem> {
    let feed = Feed::read(&mut asked, &[EventKind::Turn], &space)?;
    let after = feed.after.unwrap_or_default();
    let written = move || {
        let turns = space.update(|engine, _| engine.journal.after(after, &[EventKind::Turn]));
        let (engine, now, pace) = space.fork();
        scenario::recorded::recorded(&engine, now, pace, &turns)
    };
    Ok(typed(YAML, admin.work.run(Lane::Read, written).await))
}

/// Finds the mistakes of a scenario. Nothing is changed.
#[utoipa::path(post, path = "/scenario/check", tag = "scenario", request_body(content = String, content_type = "application/yaml"), responses((status = 200, body = ScenarioReport)))]
pub(super) async fn check(
    State(admin): Shared,
    asked: Asked,
    Written(text): Written,
) -> Result<Json<ScenarioReport>, Problem> {
    asked.finish()?;
    let read = admin.work.run(Lane::of_text(text.len()), move || scenario::load("body", &text)).await;
    Ok(Json::ok(match read {
        Ok(it) => ScenarioReport::of(it.setup.users.len(), it.setup.rules.len(), it.warnings),
        Err(mistakes) => ScenarioReport { serves: false, ..ScenarioReport::of(0, 0, mistakes) },
    }))
}

/// Reads the scenario's file again, as `--watch` does, and goes on under it in every space that was made from it. With a
/// mistake, nothing changes.
#[utoipa::path(post, path = "/scenario/reload", tag = "scenario", responses((status = 200, description = "What is different.", body = std::collections::HashMap<String, serde_json::Value>)))]
pub(super) async fn reload(State(admin): Shared, asked: Asked) -> Result<Json<Reloaded>, Problem> {
    asked.finish()?;
    admin.reloader.reload().await.map(Json::ok).map_err(|it| Problem::of_mistakes(&it))
}

/// Starts the space over from another scenario, if that has no mistakes. What the default space begins with, new
/// spaces do, too. What it says under `server` and `accounts` counts at the start of the server alone.
#[utoipa::path(put, path = "/scenario", tag = "scenario", request_body(content = String, content_type = "application/yaml"), responses((status = 200, body = ScenarioReport)))]
pub(super) async fn put(
    State(admin): Shared,
    Changing(space): Changing,
    asked: Asked,
    Written(text): Written,
) -> Result<Json<ScenarioReport>, Problem> {
    asked.finish()?;
    let (spaces, replacing) = (admin.spaces.clone(), admin.clone());
    let lane = Lane::of_text(text.len());
    let put = move || {
        let scenario = scenario::load("body", &text).map_err(|it| Problem::of_mistakes(&it))?;
        let (users, rules) = (scenario.setup.users.len(), scenario.setup.rules.len());
        spaces.replace(space.name(), scenario.setup)?;
        replacing.devices.forget(space.name());
        Ok(Json::ok(ScenarioReport::of(users, rules, scenario.warnings)))
    };
    admin.work.run(lane, put).await
}
