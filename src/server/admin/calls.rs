//! One call in full: what was asked, what was answered, and why.

use axum::extract::Path;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::input::Asked;
use super::problem::{Kind, Problem};
use super::view::{self, View};
use super::{At, Json};
use crate::engine::What;
use crate::operations;

/// A call in full.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Whole {
    /// As lists tell it.
    #[schema(value_type = view::Call)]
    call: Value,
    /// The fields of the request by their wire names, as far as the client sent them. Secrets are masked.
    #[schema(value_type = std::collections::HashMap<String, Value>)]
    fields: Map<String, Value>,
    /// How it came to its answer, a sentence a line.
    explained: Vec<String>,
    /// The request as it came, secrets masked; with `raw=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<String>,
    /// The answer as it went, secrets masked; with `raw=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<String>,
}

/// Tells of a call in full, and why it was answered so.
#[utoipa::path(get, path = "/calls/{seq}", tag = "calls", params(
    ("seq" = u64, Path),
    ("raw" = Option<bool>, Query, description = "Whether request and answer are told as they went over the wire."),
), responses((status = 200, body = Whole)))]
pub(super) async fn get(At(space): At, Path(seq): Path<String>, mut asked: Asked) -> Result<Json<Whole>, Problem> {
    let raw = asked.truth("raw")?.unwrap_or(false);
    asked.finish()?;
    let event = seq.parse().ok().and_then(|seq| space.update(|engine, _| engine.history.get(seq).cloned()));
    let event = event.filter(|it| matches!(it.what, What::Call(_)));
    let Some(event) = event else {
        let detail = format!("There is no call {seq}: it never was, it is forgotten, or it is something else.");
        return Err(Problem::new(Kind::UnknownCall, detail, "GET /calls lists those that are kept."));
    };
    let What::Call(entry) = &event.what else { unreachable!("it was looked at above") };
    let masked = |it: &crate::engine::Raw| raw.then(|| operations::without_secrets(it.reveal()));
    Ok(Json::ok(Whole {
        call: serde_json::to_value(View::of(&event)).expect("an event is JSON"),
        fields: view::fields(entry),
        explained: Vec::new(),
        request: masked(&entry.request),
        answer: masked(&entry.answer),
    }))
}
