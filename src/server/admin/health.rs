//! Whether the server is well, and what failed lately.

use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;

use super::input::Asked;
use super::problem::{Kind, Problem};
use super::{Admin, Json, Shared, Stage};
use crate::server::failures::Failure;

/// The state of the server.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Health {
    /// `ok`
    status: &'static str,
    version: &'static str,
    /// How many lines of the log were dropped since the start: its file, pipe or console took none.
    log_lines_lost: u64,
    /// A sentence for each certificate that has expired, expires in 30 days, or is not valid yet.
    certificate_warnings: Vec<String>,
}

impl Health {
    fn of(admin: &Admin) -> Json<Self> {
        let log_lines_lost = admin.log_lines_lost();
        let certificate_warnings = admin.certificate_warnings();
        Json::ok(Self { status: "ok", version: env!("CARGO_PKG_VERSION"), log_lines_lost, certificate_warnings })
    }
}

/// Whether the process lives.
#[utoipa::path(get, path = "/livez", tag = "server", security(()), responses((status = 200, body = Health)))]
pub(super) async fn lives(State(admin): Shared) -> Json<Health> {
    Health::of(&admin)
}

/// Whether calls are answered: the scenario is loaded, and the service listens.
#[utoipa::path(get, path = "/readyz", tag = "server", security(()), responses(
    (status = 200, body = Health)
))]
pub(super) async fn ready(State(admin): Shared) -> Result<Json<Health>, Problem> {
    let stage = *admin.stage.borrow();
    match stage {
        Stage::Ready => Ok(Health::of(&admin)),
        Stage::Starting => Err(Problem::new(Kind::NotReady, "The server starts.", "Ask again in a moment.")),
        Stage::Stopping => Err(Problem::new(Kind::NotReady, "The server stops.", "Start it again.")),
    }
}

/// A server that stops.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Stopping {
    /// `stopping`
    status: &'static str,
    /// The process, which ends.
    pid: u32,
    /// How many calls wait for their answer. They have the time of `--grace`.
    open_calls: usize,
}

/// Stops the server in good order, as SIGTERM does. The answer comes at once. The connection closes when the server has
/// ended its open calls; then the process ends.
#[utoipa::path(post, path = "/stop", tag = "server", responses((status = 202, description = "It stops.", body = Stopping)))]
pub(super) async fn stop(State(admin): Shared, asked: Asked) -> Result<Json<Stopping>, Problem> {
    asked.finish()?;
    admin.stop.notify_one();
    let open_calls = admin.spaces.waiting();
    Ok(Json(StatusCode::ACCEPTED, Stopping { status: "stopping", pid: std::process::id(), open_calls }))
}

/// What failed: the newest failures, and how many there were of each kind.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Failed {
    /// The oldest first.
    items: Vec<Fail>,
    /// How many there were of each kind since the start, those that are no longer kept included.
    #[schema(value_type = std::collections::HashMap<String, u64>)]
    counts: std::collections::BTreeMap<&'static str, u64>,
}

/// A connection that came to nothing, or a sign-in that was refused.
#[derive(Debug, Serialize, ToSchema)]
struct Fail {
    #[schema(format = DateTime)]
    at: String,
    /// Address and port of the client.
    peer: String,
    /// As in docs/troubles.md.
    kind: &'static str,
    what: String,
    /// What to do about it; empty where nothing is to be done.
    remedy: String,
}

impl From<Failure> for Fail {
    fn from(it: Failure) -> Self {
        let at = OffsetDateTime::from(it.at).format(&Rfc3339).unwrap_or_default();
        Self { at, peer: it.peer.to_string(), kind: it.kind, what: it.what, remedy: it.hint }
    }
}

/// Why clients did not come through: connections that failed, and sign-ins that were refused.
#[utoipa::path(get, path = "/failures", tag = "server", responses((status = 200, body = Failed)))]
pub(super) async fn failures(State(admin): Shared) -> Json<Failed> {
    let items = admin.failures.lately().into_iter().map(Fail::from).collect();
    Json::ok(Failed { items, counts: admin.failures.counts() })
}
