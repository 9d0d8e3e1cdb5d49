//! Starting a server on a thread of its own.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use tokio::runtime::{self, Handle};
use tokio::sync::oneshot;
use tracing::Level;

use super::lines::Lines;
use super::space::{Shared, Space};
use super::{Builder, Scenario as Given, Server};
use crate::incidents::Incidents;
use crate::scenario::Scenario;
use crate::server::BodyLimits;
use crate::server::accept::Listening;
use crate::server::admin::Gate;
use crate::server::assembly::{Assembly, Parts};
use crate::server::connection::Limits;
use crate::server::reload::Source;
use crate::switchboard;
use crate::tls::{Certificates, Keys};

/// What the thread reports when the server is ready.
struct Ready {
    shared: Shared,
    authority_pem: String,
}

/// Starts a server, and waits until it is ready.
///
/// # Errors
/// Why there is no server: sentences for people.
pub(super) fn start(builder: Builder) -> Result<Server, String> {
    let (sender, receiver) = mpsc::channel();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = move || {
        let lines = Lines::default();
        let log = tracing_subscriber::fmt().with_max_level(Level::INFO).with_ansi(false).with_writer(lines.clone());
        let _log = tracing::subscriber::set_default(log.finish());
        let runtime = match runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return drop(sender.send(Err(format!("the system gives no runtime ({error})")))),
        };
        runtime.block_on(async {
            match prepare(builder, lines).await {
                Ok((ready, server)) => {
                    // Without a receiver, `stopped` has ended, too.
                    let _ = sender.send(Ok(ready));
                    server.serve(async { drop(stopped.await) }).await;
                }
                Err(why) => drop(sender.send(Err(why))),
            }
        });
    };
    let thread = thread::Builder::new().name("locmfa".into()).spawn(serving);
    let thread = thread.map_err(|error| format!("the system gives no thread ({error})"))?;
    let ready = receiver.recv().map_err(|_| "its thread panicked".to_owned())?;
    let Ready { shared, authority_pem } = ready?;
    let space = Space::default_of(Arc::new(shared));
    Ok(Server { space, authority_pem, stop: Some(stop), thread: Some(thread) })
}

async fn prepare(builder: Builder, lines: Lines) -> Result<(Ready, Assembly), String> {
    let source = match &builder.scenario {
        None => Source::BuiltIn,
        Some(Given::Text(text)) => Source::Text(text.as_str().into()),
        Some(Given::File(file)) => Source::File(file.clone()),
    };
    let mut scenario = source.load().map_err(|mistakes| {
        let mistakes: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
        format!("{source} has mistakes\n{}", mistakes.join("\n\n"))
    })?;
    builder.change(&mut scenario);
    let certificates = match builder.is_plain {
        true => None,
        false => Some(Arc::new(Certificates::in_memory(&[], Keys::Ecdsa).map_err(|it| it.to_string())?)),
    };
    let loopback = [SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), SocketAddr::from((Ipv6Addr::LOCALHOST, 0))];
    let bind = async || Listening::bind(&loopback).await.map_err(|it| it.to_string());
    let (listening, admin) = (bind().await?, bind().await?);
    let port = |it: &Listening| it.addresses()[0].port();
    let scheme = if builder.is_plain { "http" } else { "https" };
    let authority_pem = certificates.as_ref().and_then(|it| it.authority_pem()).unwrap_or_default();
    let mut shared = Shared {
        handle: Handle::current(),
        lines,
        service: format!("{scheme}://localhost:{}", port(&listening)),
        admin: format!("http://127.0.0.1:{}", port(&admin)),
        seed: 0,
    };
    let gate = Gate::new(None, admin.addresses().into());
    let parts = Parts {
        scenario,
        seed: builder.seed,
        source,
        listening,
        certificates,
        admin: Some((admin, gate)),
        host: "localhost".into(),
        // A test that ends has no use for the answers of open calls.
        limits: Limits { grace: Duration::ZERO, ..Limits::default() },
        bodies: BodyLimits::default(),
        spaces: switchboard::Limits::default(),
        log: None,
        incidents: Incidents::default(),
    };
    let server = parts.assemble().map_err(|it| it.to_string())?;
    shared.seed = server.spaces.seed();
    Ok((Ready { shared, authority_pem }, server))
}

impl Builder {
    /// Applies what the builder says in place of the scenario.
    fn change(&self, scenario: &mut Scenario) {
        if let Some(schemes) = &self.sign_in {
            scenario.server.sign_in.schemes.clone_from(schemes);
        }
        if let Some(pace) = self.clock {
            scenario.setup.clock.pace = pace;
        }
    }
}
