//! Rules: listed in their order, added before all others, removed.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::input::{Asked, Written};
use super::listed::listed;
use super::problem::{Kind, Problem};
use super::{At, Changing, Json, Shared, view};
use crate::engine::{self, Engine, RuleStatus, Timestamp};
use crate::scenario;
use crate::switchboard::{Lane, Space};
use crate::text;

/// A rule.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Rule {
    name: String,
    /// How many calls it has decided.
    calls: u64,
    /// For how many calls it drew; missing where it has no `chance`.
    #[serde(skip_serializing_if = "Option::is_none")]
    draws: Option<u64>,
    /// How many calls it still decides; missing where that has no bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    left: Option<u64>,
    /// When it ends; missing where it stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<view::At>,
    /// As it is written, in one line of YAML. Secrets are masked.
    written: String,
}

/// Every rule.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Rules {
    /// In their order: the first that matches a call decides it.
    items: Vec<Rule>,
}

impl Rule {
    fn of(it: RuleStatus<'_>) -> Self {
        Self::told(&it, scenario::rule_without_secrets(&it.rule.written))
    }

    fn told(it: &RuleStatus<'_>, written: String) -> Self {
        Self {
            name: it.rule.name.to_string(),
            calls: it.calls,
            draws: it.draws,
            left: it.left,
            until: it.until.map(view::At),
            written,
        }
    }
}

/// Lists the rules in their order, but for those whose calls or time are over.
#[utoipa::path(get, path = "/rules", tag = "rules", responses((status = 200, body = Rules)))]
pub(super) async fn list(State(admin): Shared, At(space): At, asked: Asked) -> Result<Response, Problem> {
    asked.finish()?;
    // Under the lock references to the rules' texts are taken; the secrets are looked for without it.
    let find = move || {
        let owned = |it: RuleStatus<'_>| (it.rule.written.clone(), Rule::told(&it, String::new()));
        space.update(|engine, now| engine.rules(now).map(owned).collect::<Vec<_>>())
    };
    let rules = admin.work.run(Lane::Look, find).await;
    let write = |(written, told): &(Arc<str>, Rule)| {
        text::json(&Rule { written: scenario::rule_without_secrets(written), ..told.clone() })
    };
    Ok(listed(admin, &Rules { items: Vec::new() }, rules, write).await)
}

/// Adds a rule before all others: what stands under `rules` in a scenario, as JSON or YAML. `null` is as if it were not said.
#[utoipa::path(post, path = "/rules", tag = "rules", params(
    ("times" = Option<u64>, Query, minimum = 1, description = "How many calls it decides; any number where it says nothing."),
    ("lasts" = Option<String>, Query, description = "How long it holds, such as `10m`, by the space's clock."),
), request_body(content = std::collections::HashMap<String, serde_json::Value>, description = "A rule, such as `{\"when\": {\"user\": \"anna\"}, \"outcome\": \"busy\"}`."), responses((status = 201, body = Rule)))]
pub(super) async fn add(
    State(admin): Shared,
    Changing(space): Changing,
    mut asked: Asked,
    Written(text): Written,
) -> Result<Json<Rule>, Problem> {
    let times: Option<u64> = asked.number("times")?;
    if times == Some(0) {
        return Err(super::input::bad("times", "a rule for no call does nothing", "Give 1 or more."));
    }
    let lasts = asked.duration("lasts")?;
    asked.finish()?;
    let adding = Adding { text, times, lasts };
    admin.work.run(Lane::Read, move || adding.to(&space)).await.map(|it| Json(StatusCode::CREATED, it))
}

/// A rule to be added.
struct Adding {
    text: String,
    times: Option<u64>,
    lasts: Option<Duration>,
}

impl Adding {
    /// Reads the rule without the lock of the space, and adds it. If a reload replaced what the rule refers to
    /// meanwhile, the rule is read again.
    fn to(&self, space: &Space) -> Result<Rule, Problem> {
        loop {
            let (unnamed, company, states) = space.update(|engine, now| {
                (engine.name_for_rule(now), Arc::clone(engine.company()), Arc::clone(engine.states()))
            });
            let stored = |name: &str| space.update(|engine, _| Some(engine.directory().find(name)?.username.clone()));
            let rule = scenario::rule("body", &self.text, &unnamed, &company, &stored, &states);
            let rule = rule.map_err(|it| Problem::of_mistakes(&it))?;
            let added = space.update(|engine, now| {
                let is_same = Arc::ptr_eq(engine.company(), &company) && Arc::ptr_eq(engine.states(), &states);
                is_same.then(|| self.add(engine, now, rule))
            });
            if let Some(added) = added {
                return added;
            }
        }
    }

    fn add(&self, engine: &mut Engine, now: Timestamp, rule: engine::Rule) -> Result<Rule, Problem> {
        if engine.has_rule(now, &rule.name) {
            let detail = format!("There is a rule {:?} already.", rule.name);
            return Err(Problem::new(Kind::Refused, detail, "Give it another name, or remove that one."));
        }
        if !engine.window_opens(now, &rule, self.lasts) {
            let detail =
                "when.window: it is over, or opens after the rule has ended. It counts from the start of the space.";
            return Err(Problem::new(Kind::Refused, detail, "Give a later window, leave it out, or reset the space."));
        }
        engine.add_rule(now, rule, self.times, self.lasts);
        let over = || Problem::new(Kind::BadParameter, "lasts: it is over at once.", "Give a longer time.");
        engine.rules(now).next().map(Rule::of).ok_or_else(over)
    }
}

/// Removes a rule.
#[utoipa::path(delete, path = "/rules/{name}", tag = "rules", params(("name" = String, Path)), responses((status = 204, description = "It is gone.")))]
pub(super) async fn remove(
    State(admin): Shared,
    Changing(space): Changing,
    Path(name): Path<String>,
    asked: Asked,
) -> Result<StatusCode, Problem> {
    asked.finish()?;
    admin.work.run(Lane::Read, move || removed(&space, &name)).await
}

fn removed(space: &Space, name: &str) -> Result<StatusCode, Problem> {
    space.update(|engine, now| match engine.remove_rule(now, name) {
        true => Ok(StatusCode::NO_CONTENT),
        false => {
            let meant: Vec<String> = engine.rules(now).map(|it| it.rule.name.to_string()).collect();
            let meant = scenario::closest(name, meant.iter().map(String::as_str));
            let meant = meant.map(|it| format!("Did you mean {it}? ")).unwrap_or_default();
            let detail = format!("There is no rule {name:?}.");
            Err(Problem::new(Kind::UnknownRule, detail, format!("{meant}GET /rules lists them.")))
        }
    })
}
