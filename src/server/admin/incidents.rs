//! Incidents: listed, told, begun over the scenario of a space, and ended.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Serialize;
use time::OffsetDateTime;
use tokio::time::Instant;
use utoipa::ToSchema;

use super::input::{Asked, bad};
use super::problem::{Kind, Problem};
use super::{Admin, At, BY, Changing, Json, Shared, view};
use crate::engine::{IncidentStatus, Timestamp};
use crate::incidents::Kept;
use crate::scenario;
use crate::server::tls_faults::TlsFaults;
use crate::switchboard::{Lane, Space};

/// An incident that can be begun.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Incident {
    name: String,
    /// What happened in the real world.
    about: String,
    /// The operations whose calls it changes.
    operations: Vec<String>,
    /// How many calls, sign-ins and connections it has changed since the server started, in all spaces. Calls count when they end.
    hits: u64,
    /// Whether it runs in this space, or over the whole server.
    runs: bool,
}

/// An incident in full.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WholeIncident {
    #[serde(flatten)]
    incident: Incident,
    /// What people see of it.
    symptoms: Vec<Symptom>,
    /// What helps in the real world.
    remedy: String,
    /// What a test expects of the server while it runs: the body of `POST /verify`.
    #[schema(value_type = std::collections::HashMap<String, serde_json::Value>)]
    expect: serde_json::Value,
    /// Its file, in YAML.
    text: String,
}

/// What people see of an incident in one place.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Symptom {
    /// `sspr`: the portal for password reset; `pam`: privileged access; `event_log`
    place: &'static str,
    shows: String,
    /// `documented`, `inferred` or `unknown`
    grade: &'static str,
    /// Where that is known from, or where it was looked for.
    source: String,
}

/// An incident that runs. Its times are by the clock of the space, or by the world's for one of the whole server.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RunningIncident {
    name: String,
    /// `space`; or `server` where every client of the server meets it, whatever its space: a fault of TLS.
    scope: &'static str,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    since: view::At,
    /// When it ends by itself.
    #[schema(value_type = String, format = DateTime)]
    until: view::At,
    /// The time left.
    left_seconds: f64,
    /// How many calls, sign-ins and connections it has changed since it began.
    hits: u64,
}

/// Every incident, and the one that runs.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Incidents {
    /// By name.
    items: Vec<Incident>,
    /// The one that runs in this space; null where there is none.
    running: Option<RunningIncident>,
}

/// The incident that was ended.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EndedIncident {
    /// Its name; null where none ran.
    ended: Option<String>,
    /// How many calls, sign-ins and connections it has changed.
    hits: u64,
}

impl Incident {
    fn of(admin: &Admin, kept: &Kept, running: Option<&RunningIncident>) -> Self {
        Self {
            name: kept.name.to_string(),
            about: kept.file.about.clone(),
            operations: kept.file.hits.clone(),
            hits: admin.spaces.incident_hits().get(&kept.name).copied().unwrap_or_default(),
            runs: running.is_some_and(|it| *it.name == *kept.name),
        }
    }
}

impl RunningIncident {
    fn of(it: &IncidentStatus, now: Timestamp) -> Self {
        Self {
            name: it.name.to_string(),
            scope: "space",
            since: view::At(it.since),
            until: view::At(it.until),
            left_seconds: it.until.since(now).as_secs_f64(),
            hits: it.hits,
        }
    }

    /// The incident of the whole server.
    fn of_server(admin: &Admin) -> Option<Self> {
        let faulty = admin.tls_faults.now()?;
        let at = |it: OffsetDateTime| {
            let since = it - OffsetDateTime::UNIX_EPOCH;
            view::At(Timestamp::from_unix(since.try_into().unwrap_or_default()))
        };
        Some(Self {
            name: faulty.incident.as_ref()?.to_string(),
            scope: "server",
            since: at(faulty.since),
            until: at(faulty.until),
            left_seconds: faulty.deadline.saturating_duration_since(Instant::now()).as_secs_f64(),
            hits: faulty.hits(),
        })
    }

    fn in_space(admin: &Admin, space: &Space) -> Option<Self> {
        space.update(|engine, now| Some(Self::of(&engine.incident()?, now))).or_else(|| Self::of_server(admin))
    }

    /// The refusal of another incident beside this one.
    fn refuses_another(&self) -> Problem {
        let detail = format!("The incident {} runs until {}.", self.name, self.until);
        let remedy = "One runs at a time: end it with DELETE /incidents (locmfa incident stop).";
        Problem::new(Kind::Refused, detail, remedy).with("running", self.name.as_str())
    }
}

fn find<'a>(admin: &'a Admin, name: &str) -> Result<&'a Arc<Kept>, Problem> {
    admin.incidents.find(name).ok_or_else(|| {
        let meant = scenario::closest(name, admin.incidents.iter().map(|it| &*it.name));
        let meant = meant.map(|it| format!("Did you mean {it}? ")).unwrap_or_default();
        let detail = format!("There is no incident {name:?}.");
        Problem::new(Kind::UnknownIncident, detail, format!("{meant}GET /incidents lists them."))
    })
}

/// Lists the incidents, and tells which one runs.
#[utoipa::path(get, path = "/incidents", tag = "incidents", responses((status = 200, body = Incidents)))]
pub(super) async fn list(State(admin): Shared, At(space): At, asked: Asked) -> Result<Json<Incidents>, Problem> {
    asked.finish()?;
    let running = RunningIncident::in_space(&admin, &space);
    let items = admin.incidents.iter().map(|it| Incident::of(&admin, it, running.as_ref())).collect();
    Ok(Json::ok(Incidents { items, running }))
}

/// Tells an incident in full: what it changes, what people see of it and how well that is known, what helps.
#[utoipa::path(get, path = "/incidents/{name}", tag = "incidents", params(("name" = String, Path)), responses((status = 200, body = WholeIncident)))]
pub(super) async fn get(
    State(admin): Shared,
    At(space): At,
    Path(name): Path<String>,
    asked: Asked,
) -> Result<Json<WholeIncident>, Problem> {
    asked.finish()?;
    let kept = find(&admin, &name)?;
    let running = RunningIncident::in_space(&admin, &space);
    let symptom = |it: &scenario::Symptom| Symptom {
        place: it.place,
        shows: it.shows.clone(),
        grade: it.grade.word(),
        source: it.source.clone(),
    };
    Ok(Json::ok(WholeIncident {
        incident: Incident::of(&admin, kept, running.as_ref()),
        symptoms: kept.file.symptoms.iter().map(symptom).collect(),
        remedy: kept.file.remedy.clone(),
        expect: kept.file.expect.clone(),
        text: kept.text.to_string(),
    }))
}

/// Begins an incident over the scenario of the space; one of TLS begins over the whole server. It ends by itself, and leaves
/// nothing behind. One runs at a time.
#[utoipa::path(post, path = "/incidents/{name}", tag = "incidents", params(
    ("name" = String, Path),
    ("lasts" = Option<String>, Query, description = "How long it runs, by the clock of the space, or the world's for one of TLS: above 0, 24 hours at most; 15 minutes where it says nothing."),
), responses((status = 201, body = RunningIncident)))]
pub(super) async fn begin(
    State(admin): Shared,
    Changing(space): Changing,
    Path(name): Path<String>,
    mut asked: Asked,
) -> Result<Json<RunningIncident>, Problem> {
    let lasts = asked.duration("lasts")?.unwrap_or(TlsFaults::USUAL_TIME);
    asked.finish()?;
    if lasts.is_zero() || lasts > TlsFaults::LONGEST_TIME {
        return Err(bad("lasts", "an incident lasts longer than 0, and 24 hours at most", "Write 15m."));
    }
    let kept = find(&admin, &name)?.clone();
    if let Some(running) = RunningIncident::in_space(&admin, &space) {
        return Err(running.refuses_another());
    }
    if let Some(fault) = kept.file.tls {
        if let Some(other) = admin.tls_faults.now() {
            let detail = format!("The TLS fault {} is on.", other.fault.word());
            let remedy = "One is on at a time: end it with DELETE /tls-fault (locmfa tls-fault stop).";
            return Err(Problem::new(Kind::Refused, detail, remedy));
        }
        admin.tls_faults.start_incident(fault, lasts, &kept.name, admin.spaces.hits_of(&kept.name)).await?;
        let begun = RunningIncident::of_server(&admin);
        return begun.map(|it| Json(StatusCode::CREATED, it)).ok_or_else(|| {
            Problem::new(Kind::Refused, format!("The incident {name} is over already."), "Give a longer lasts.")
        });
    }
    if kept.file.incident.sign_in.is_some() && !admin.signs_in {
        let detail = format!("The incident {name} refuses accounts, and callers of this server need none.");
        let remedy = "Serve a scenario in which callers sign in: server: {sign_in: [ntlm, basic]}.";
        return Err(Problem::new(Kind::Refused, detail, remedy));
    }
    let begun = admin.work.run(Lane::Read, move || begun(&kept, &space, lasts)).await?;
    Ok(Json(StatusCode::CREATED, begun))
}

/// Reads the incident without the lock of the space, and begins it. If a reload replaced the company meanwhile, it is
/// read again.
fn begun(kept: &Kept, space: &Space, lasts: Duration) -> Result<RunningIncident, Problem> {
    loop {
        let company = space.update(|engine, _| Arc::clone(engine.company()));
        let stored = |name: &str| space.update(|engine, _| Some(engine.directory().find(name)?.username.clone()));
        let incident = kept.incident(&company, &stored).map_err(|it| Problem::of_mistakes(&it))?;
        let begun = space.update(|engine, now| {
            if let Some(running) = engine.incident() {
                return Some(Err(RunningIncident::of(&running, now).refuses_another()));
            }
            if !Arc::ptr_eq(engine.company(), &company) {
                return None;
            }
            engine.begin_incident(now, incident, lasts, BY).expect("none runs");
            engine.incident().map(|it| Ok(RunningIncident::of(&it, now)))
        });
        if let Some(begun) = begun {
            return begun;
        }
    }
}

/// Ends the incident that runs in the space, or else the one over the whole server. Where none runs, nothing is done.
#[utoipa::path(delete, path = "/incidents", tag = "incidents", responses((status = 200, body = EndedIncident)))]
pub(super) async fn end(State(admin): Shared, At(space): At, asked: Asked) -> Result<Json<EndedIncident>, Problem> {
    asked.finish()?;
    let ended = space.update(|engine, now| engine.end_incident(now, BY));
    let ended = ended.map(|it| (it.name.to_string(), it.hits)).or_else(|| {
        let running = RunningIncident::of_server(&admin)?;
        admin.tls_faults.stop(BY)?;
        Some((running.name, running.hits))
    });
    let hits = ended.as_ref().map_or(0, |it| it.1);
    Ok(Json::ok(EndedIncident { ended: ended.map(|it| it.0), hits }))
}
