//! The admin API: JSON over HTTP on a port of its own, for tests that drive the server and for people who look.
//!
//! `gate` says who may ask, `input` reads what is asked, `problem` is every no. The other files have a subject each:
//! its handlers, and the types of its JSON. The OpenAPI document is made from both; `docs/openapi.json` is a copy that
//! a test keeps fresh.
#![allow(unused_qualifications, reason = "utoipa's macros write paths in full")]

mod authority;
mod broadcast;
mod calls;
mod challenges;
mod clock;
mod copies;
mod cursor;
mod devices;
mod events;
mod feed;
mod filter;
mod gate;
mod health;
mod incidents;
mod input;
mod listed;
mod metrics;
mod plays;
mod problem;
mod report;
mod rules;
mod scenarios;
mod spaces;
mod tls_fault;
mod users;
mod verify;
mod view;

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use time::OffsetDateTime;
use tokio::sync::{Notify, watch};
use tower::Layer;
use utoipa::openapi::request_body::RequestBody;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    Content, Ref, RefOr, Required, ResponseBuilder, SecurityRequirement, ServerBuilder, ServerVariableBuilder,
};
use utoipa::{OpenApi, PartialSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use gate::Gate;
use gate::Named;
pub use plays::Player;
use problem::Problem;
pub use verify::check_expectations;

use super::failures::Failures;
use super::page;
use super::reload::Reloader;
use super::tls_faults::TlsFaults;
use crate::incidents::Incidents;
use crate::log::Log;
use crate::switchboard::{DEFAULT, Lane, Space, Switchboard, Work};
use crate::text;
use crate::tls::Renewable;

/// Who made a change that came by this API.
const BY: &str = "admin API";

/// What the API serves.
#[derive(Debug)]
pub struct Admin {
    spaces: Switchboard,
    reloader: Arc<Reloader>,
    failures: Arc<Failures>,
    gate: Gate,
    origins: Origins,
    stage: watch::Sender<Stage>,
    stop: Notify,
    broadcasts: broadcast::Broadcasts,
    log: Option<Log>,
    work: Arc<Work>,
    tls: Option<Arc<Renewable>>,
    tls_faults: TlsFaults,
    incidents: Incidents,
    /// Whether callers of the service must sign in.
    signs_in: bool,
    player: Option<Arc<Player>>,
    devices: devices::Devices,
}

/// Where other programs reach the server: URLs without a path.
#[derive(Clone, Debug, Default)]
pub struct Origins {
    pub service: String,
    pub admin: String,
}

/// How far the server has come.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Stage {
    #[default]
    Starting,
    /// Calls are answered.
    Ready,
    /// Nothing new begins. Waits end.
    Stopping,
}

impl Admin {
    #[must_use]
    pub fn new(spaces: Switchboard, reloader: Arc<Reloader>, failures: Arc<Failures>, gate: Gate) -> Self {
        let tls_faults = TlsFaults::new(None, spaces.default_space().clone());
        let work = spaces.work().clone();
        Self {
            spaces,
            reloader,
            failures,
            gate,
            origins: Origins::default(),
            stage: watch::Sender::default(),
            stop: Notify::new(),
            broadcasts: broadcast::Broadcasts::default(),
            log: None,
            work,
            tls: None,
            tls_faults,
            incidents: Incidents::default(),
            signs_in: false,
            player: None,
            devices: devices::Devices::default(),
        }
    }

    /// Tells the whole URLs of spaces. Without it, they begin with the path.
    #[must_use]
    pub fn with_origins(self, origins: Origins) -> Self {
        Self { origins, ..self }
    }

    /// Reports how many lines this log has dropped.
    #[must_use]
    pub fn with_log(self, log: Option<Log>) -> Self {
        Self { log, ..self }
    }

    /// Publishes the authority of these certificates, warns of those that expire, and switches their faults.
    #[must_use]
    pub fn with_tls(self, tls: Option<Arc<Renewable>>) -> Self {
        let tls_faults = TlsFaults::new(tls.clone(), self.spaces.default_space().clone());
        Self { tls, tls_faults, ..self }
    }

    /// Plays these incidents. `signs_in`: callers of the service must sign in.
    #[must_use]
    pub fn with_incidents(self, incidents: Incidents, signs_in: bool) -> Self {
        Self { incidents, signs_in, ..self }
    }

    /// A sentence for each certificate that has expired, expires soon, or is not valid yet.
    fn certificate_warnings(&self) -> Vec<String> {
        self.tls.as_ref().map(|it| it.now().warnings(OffsetDateTime::now_utc())).unwrap_or_default()
    }

    /// Lets this player call the service as MIM does.
    #[must_use]
    pub fn with_player(self, player: Player) -> Self {
        Self { player: Some(Arc::new(player)), ..self }
    }

    /// Tells how far the server has come.
    pub fn reach(&self, stage: Stage) {
        self.stage.send_replace(stage);
    }

    /// Waits until a caller asks the server to stop.
    pub async fn stop_requested(&self) {
        self.stop.notified().await;
    }

    /// How many lines the log has dropped; 0 without a log.
    fn log_lines_lost(&self) -> u64 {
        self.log.as_ref().map_or(0, Log::lost)
    }

    /// The paths that there are.
    fn paths(&self) -> Vec<String> {
        document().paths.paths.keys().cloned().collect()
    }
}

/// The whole API.
pub fn router(admin: Arc<Admin>) -> Router {
    let (routes, _) = routes().with_state(admin.clone()).split_for_parts();
    let gate = axum::middleware::from_fn_with_state(admin, gate::pass);
    Router::new().fallback_service(gate.layer(routes.merge(page::router())))
}

/// The description of the API.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    routes().into_openapi()
}

/// The description of the API, as it is kept in `docs/openapi.json`.
#[must_use]
pub fn openapi() -> String {
    serde_json::to_string_pretty(&document()).expect("the description is JSON") + "\n"
}

#[derive(OpenApi)]
#[openapi(info(title = "locmfa", license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"), contact()))]
struct Base;

fn routes() -> OpenApiRouter<Arc<Admin>> {
    let mut base = Base::openapi();
    base.info.description = Some(ABOUT.into());
    base.info.contact = None;
    let name = ServerVariableBuilder::new().default_value(DEFAULT).description(Some("The name of a space."));
    base.servers = Some(vec![
        ServerBuilder::new().url("/").description(Some("The default space.")).build(),
        ServerBuilder::new().url("/~{space}").description(Some("A space of its own.")).parameter("space", name).build(),
    ]);
    let token = SecurityScheme::Http(
        HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("Where the server was started with --allow-remote or --admin-token-file."))
            .build(),
    );
    base.components.get_or_insert_default().add_security_scheme("token", token);
    base.security = Some(vec![Default::default(), SecurityRequirement::new("token", Vec::<String>::new())]);
    let mut routes = OpenApiRouter::with_openapi(base)
        .routes(routes!(health::lives))
        .routes(routes!(health::ready))
        .routes(routes!(authority::pem))
        .routes(routes!(authority::crl))
        .routes(routes!(health::stop))
        .routes(routes!(health::failures))
        .routes(routes!(metrics::metrics))
        .routes(routes!(tls_fault::get, tls_fault::set, tls_fault::end))
        .routes(routes!(described))
        .routes(routes!(spaces::list, spaces::create_labelled))
        .routes(routes!(spaces::get, spaces::create, spaces::remove))
        .routes(routes!(spaces::reset))
        .routes(routes!(scenarios::get, scenarios::put))
        .routes(routes!(scenarios::check))
        .routes(routes!(scenarios::reload))
        .routes(routes!(scenarios::snapshot))
        .routes(routes!(clock::get, clock::set))
        .routes(routes!(clock::advance))
        .routes(routes!(events::events))
        .routes(routes!(feed::calls))
        .routes(routes!(calls::get))
        .routes(routes!(challenges::list))
        .routes(routes!(challenges::get))
        .routes(routes!(challenges::act))
        .routes(routes!(plays::list, plays::add))
        .routes(routes!(plays::code))
        .routes(routes!(devices::list, devices::add))
        .routes(routes!(devices::remove))
        .routes(routes!(report::report))
        .routes(routes!(scenarios::recorded))
        .routes(routes!(users::bypass))
        .routes(routes!(rules::list, rules::add))
        .routes(routes!(rules::remove))
        .routes(routes!(incidents::list, incidents::end))
        .routes(routes!(incidents::get, incidents::begin))
        .routes(routes!(verify::verify))
        .routes(routes!(feed::messages))
        .routes(routes!(feed::turns))
        .routes(routes!(feed::changes))
        .routes(routes!(feed::notices))
        .routes(routes!(users::list, users::add))
        .routes(routes!(users::get, users::change, users::remove));
    // Every no is a problem document.
    let document = routes.get_openapi_mut();
    document.components.get_or_insert_default().schemas.insert("Problem".into(), problem::Document::schema());
    let problem = Content::new(Some(Ref::from_schema_name("Problem")));
    let no = ResponseBuilder::new().description("Why not, and what to do.").content(problem::PROBLEM, problem).build();
    for (path, item) in &mut document.paths.paths {
        let methods = ["get", "post", "put", "patch", "delete"];
        let operations = [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
        for (method, operation) in methods.into_iter().zip(operations) {
            let Some(operation) = operation else { continue };
            operation.operation_id = Some(operation_id(method, path));
            if let Some(RefOr::T(body)) = &mut operation.request_body {
                describe_body(method, path, body);
            }
            for response in operation.responses.responses.values_mut() {
                if let RefOr::T(it) = response
                    && it.description.is_empty()
                {
                    it.description = "Done.".into();
                }
            }
            operation.responses.responses.insert("default".into(), no.clone().into());
        }
    }
    routes
}

/// Such as `postSpacesByNameReset`: the name of a method in generated code.
fn operation_id(method: &str, path: &str) -> String {
    let words = path.split(['/', '.', '-']).filter(|it| !it.is_empty());
    words.fold(method.to_owned(), |mut id, word| {
        let name = word.trim_matches(['{', '}']);
        id += if name == word { "" } else { "By" };
        id += &name[..1].to_uppercase();
        id + &name[1..]
    })
}

/// Says in which types a body may come, and whether it may be left out.
fn describe_body(method: &str, path: &str, body: &mut RequestBody) {
    body.required = Some(if OPTIONAL_BODIES.contains(&(method, path)) { Required::False } else { Required::True });
    let Some(content) = body.content.get("application/json").cloned() else { return };
    body.content.insert("application/yaml".into(), content.clone());
    if method == "patch" {
        body.content.insert("application/merge-patch+json".into(), content);
    }
}

/// The operations whose body may be left out, since every member of it may be.
const OPTIONAL_BODIES: &[(&str, &str)] =
    &[("put", "/spaces/{name}"), ("post", "/plays"), ("post", "/users/{username}/bypass")];

const ABOUT: &str = "Drives and watches an emulated Web Service SDK of Azure MFA Server: users, rules, time, and all \
    that happened.\n\nPut `/~name` before a path to ask a space of its own, as in the URL of the service. Every no is \
    a problem document (RFC 9457) whose `remedy` says what to do.";

/// This description.
#[utoipa::path(get, path = "/openapi.json", tag = "server", responses((status = 200, description = "OpenAPI 3.1", body = serde_json::Value)))]
async fn described() -> Response {
    typed(JSON, openapi())
}

/// The content type of JSON. PowerShell 5.1 takes a text without a charset for Latin-1.
const JSON: &str = "application/json; charset=utf-8";

/// An answer of a content type.
fn typed(kind: &'static str, body: impl Into<Body>) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static(kind))], body.into()).into_response()
}

/// An answer in JSON.
struct Json<T>(StatusCode, T);

impl<T> Json<T> {
    const fn ok(it: T) -> Self {
        Self(StatusCode::OK, it)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        let body = text::json(&self.1).expect("what the API tells is JSON");
        (self.0, typed(JSON, body)).into_response()
    }
}

/// The space that the request asks.
struct At(Space);

impl fmt::Debug for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

impl FromRequestParts<Arc<Admin>> for At {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, admin: &Arc<Admin>) -> Result<Self, Problem> {
        let named = parts.extensions.get::<Named>().expect("the gate takes it from the path");
        Ok(Self(admin.spaces.find(&named.name)?))
    }
}

/// The space that the request changes. It is made if it is not there, as by the first call to its address, and stays if
/// the change is made.
#[derive(Debug)]
struct Changing(Space);

impl FromRequestParts<Arc<Admin>> for Changing {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, admin: &Arc<Admin>) -> Result<Self, Problem> {
        let named = parts.extensions.get::<Named>().expect("the gate takes it from the path");
        let (space, is_made) = match admin.spaces.find(&named.name) {
            Ok(space) => (space, false),
            Err(_) => {
                let (spaces, name) = (admin.spaces.clone(), named.name.clone());
                admin.work.run(Lane::Read, move || spaces.open_for_change(&name)).await?
            }
        };
        if is_made {
            // Each request has one such extractor.
            let _ = named.made.set(space.clone());
        }
        Ok(Self(space))
    }
}

type Shared = State<Arc<Admin>>;
