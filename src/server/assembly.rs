//! The parts of a server put together: the service, its spaces, and the admin API beside it. The program and `testing`
//! serve in this one way.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tracing::info;

use super::accept::{Listening, serve};
use super::admin::{self, Admin, Gate, Origins, Player, Stage};
use super::connection::{App, Limits};
use super::failures::Failures;
use super::reload::{Reloader, Source};
use super::{Admission, BodyLimits, Site, app};
use crate::engine::Setup;
use crate::incidents::Incidents;
use crate::log::Log;
use crate::scenario::Scenario;
use crate::sign_in::Scheme;
use crate::switchboard::{self, Switchboard};
use crate::tls::{self, Certificates, Renewable, TlsError};

/// What a server is made of.
#[derive(Debug)]
pub struct Parts {
    pub scenario: Scenario,
    /// The seed in place of the scenario's, also after a reload. `None`: that of the scenario, or one that is drawn.
    pub seed: Option<u64>,
    /// Where a reload reads the scenario.
    pub source: Source,
    pub listening: Listening,
    /// `None`: plain HTTP.
    pub certificates: Option<Arc<Certificates>>,
    /// The sockets of the admin API, and the callers that it accepts. `None`: there is no admin API.
    pub admin: Option<(Listening, Gate)>,
    /// The name that other machines use for this one.
    pub host: String,
    /// The time in `grace` is for open calls; their answers get more time to leave.
    pub limits: Limits,
    pub bodies: BodyLimits,
    pub spaces: switchboard::Limits,
    /// The log whose dropped lines the admin API counts.
    pub log: Option<Log>,
    /// The incidents that the admin API can begin.
    pub incidents: Incidents,
}

/// A server that is ready to serve.
#[derive(Debug)]
pub struct Assembly {
    pub spaces: Switchboard,
    pub reloader: Arc<Reloader>,
    pub failures: Arc<Failures>,
    listening: Listening,
    /// `None`: plain HTTP.
    pub tls: Option<Arc<Renewable>>,
    app: App,
    admin: Option<(Listening, Arc<Admin>)>,
    limits: Limits,
}

impl Parts {
    /// Puts the parts together. Nothing is served yet, but clients can connect: the system holds their connections.
    ///
    /// # Errors
    /// The scenario asks for client certificates, and there is no authority that could vouch for them.
    pub fn assemble(self) -> Result<Assembly, TlsError> {
        let Self {
            scenario,
            seed,
            source,
            listening,
            certificates,
            admin,
            host,
            limits,
            bodies,
            spaces,
            log,
            incidents,
        } = self;
        let spaces = Switchboard::new(Setup { seed: seed.or(scenario.setup.seed), ..scenario.setup }, spaces);
        let reloader = Reloader::new(spaces.clone(), source, scenario.server.clone(), scenario.files);
        let reloader = Arc::new(reloader.with_seed(seed));
        let server = scenario.server;
        let player =
            Player::new(listening.addresses(), certificates.as_deref(), &server.sign_in, &server.group, &server.paths);
        let signs_in = !server.sign_in.schemes.contains(&Scheme::Anonymous);
        let asks_clients = server.sign_in.schemes.contains(&Scheme::Certificate);
        let clients = asks_clients.then_some(server.client_authorities);
        let tls = certificates.map(|it| Renewable::new(it, clients)).transpose()?.map(Arc::new);
        let admission = Admission::new(server.sign_in, &server.group, server.outsider, &tls::host_name());
        let app = app(Arc::new(Site::new(spaces.clone(), admission, server.paths, bodies)));
        let failures = listening.failures();
        failures.note_in(spaces.default_space().clone());
        let scheme = if tls.is_some() { "https" } else { "http" };
        let service = listening.origin(scheme, &host);
        let admin = admin.map(|(listening, gate)| {
            let origins = Origins { service, admin: listening.origin("http", &host) };
            let admin = Admin::new(spaces.clone(), reloader.clone(), failures.clone(), gate)
                .with_origins(origins)
                .with_log(log)
                .with_player(player)
                .with_incidents(incidents, signs_in)
                .with_tls(tls.clone());
            (listening, Arc::new(admin))
        });
        Ok(Assembly { spaces, reloader, failures, listening, tls, app, admin, limits })
    }
}

impl Assembly {
    /// Waits until a caller of the admin API asks the server to stop; without an admin API for ever.
    pub fn stop_requested(&self) -> impl Future<Output = ()> + Send + 'static {
        let admin = self.admin.as_ref().map(|it| it.1.clone());
        async move {
            match admin {
                Some(admin) => admin.stop_requested().await,
                None => std::future::pending().await,
            }
        }
    }

    /// Serves until `stopped`. Open calls then have the grace to finish. After it, a fault answers those that still
    /// wait.
    pub async fn serve(self, stopped: impl Future<Output = ()>) {
        let Self { spaces, reloader: _, failures: _, listening, tls, app, admin, limits } = self;
        let janitor = tokio::spawn(spaces.clone().drop_idle());
        let (admin, listening_admin) = admin.map(|(listening, admin)| (admin, listening)).unzip();
        // The sockets of the service hold connections already, so no answer is to say that the server starts.
        admin.iter().for_each(|it| it.reach(Stage::Ready));
        let serving_admin = admin.clone().zip(listening_admin).map(|(admin, listening)| {
            let limits = Limits { grace: AFTER_GRACE, ..Limits::default() };
            let (close, closed) = oneshot::channel::<()>();
            let closed = async move {
                // A dropped sender ends it too.
                let _ = closed.await;
            };
            (tokio::spawn(serve(listening, None, admin::router(admin), limits, closed)), close)
        });
        let grace = limits.grace;
        let stopping = async {
            stopped.await;
            admin.iter().for_each(|it| it.reach(Stage::Stopping));
            info!(open_calls = spaces.waiting(), "stopping");
            let spaces = spaces.clone();
            tokio::spawn(async move {
                tokio::time::sleep(grace).await;
                spaces.stop();
            });
        };
        // At the end of the grace, open calls get an answer; it needs time to leave.
        let limits = Limits { grace: grace + AFTER_GRACE, ..limits };
        serve(listening, tls, app, limits, stopping).await;
        if let Some((serving, close)) = serving_admin {
            drop(close);
            // The panic hook has reported a panic already.
            let _ = serving.await;
        }
        janitor.abort();
    }
}

/// The time after the grace for the last answers to leave.
const AFTER_GRACE: Duration = Duration::from_secs(2);
