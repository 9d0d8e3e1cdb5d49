//! `locmfa serve`: from the options to the last answer.

use std::io::{self, IsTerminal, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context, anyhow, bail};
use clap::{Args, ValueEnum};
use rustls::pki_types::CertificateDer;
use serde::Serialize;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tracing::{info, warn};
use tracing_subscriber::EnvFilter;

use super::certs::{CertificateArgs, pfx_password};
use super::files;
use crate::contract::Secret;
use crate::engine::{Bounds, EventKind};
use crate::file::{self, Access};
use crate::scenario::{self, Scenario};
use crate::server::accept::{self, Listening};
use crate::server::admin::{self, Admin, Gate, Stage};
use crate::server::connection::Limits;
use crate::server::failures::Failures;
use crate::server::reload::{self, Reloader};
use crate::server::{self, Admission, FOLDER, Site};
use crate::sign_in::{Scheme, Trust as Trusted};
use crate::switchboard::{self, Switchboard};
use crate::tls::{self, Acceptor, Certificates};
use crate::trust::{self, Wish};

#[derive(Args, Debug)]
pub(super) struct Serve {
    /// The scenario file; without one, the built-in scenario
    pub(super) scenario: Option<PathBuf>,
    /// Read the scenario again when its files change
    #[arg(long, requires = "scenario")]
    watch: bool,
    /// Where to listen; port 0 picks a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_values = ["127.0.0.1:9999", "[::1]:9999"])]
    listen: Vec<SocketAddr>,
    #[command(flatten)]
    admin: AdminArgs,
    /// Allow addresses that other machines reach
    #[arg(long)]
    allow_remote: bool,
    /// Serve plain HTTP, without TLS
    #[arg(long)]
    http: bool,
    #[command(flatten)]
    certificates: CertificateArgs,
    /// The server's own certificate with its chain, PEM; goes with --key
    #[arg(long, value_name = "FILE", requires = "key", conflicts_with_all = ["host", "rsa", "pfx"])]
    cert: Option<PathBuf>,
    /// The key of --cert, PEM
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// The server's own certificate with its key, PFX
    #[arg(long, value_name = "FILE", conflicts_with_all = ["host", "rsa"])]
    pfx: Option<PathBuf>,
    /// The file that holds the password of --pfx; without it, the environment's LOCMFA_PFX_PASSWORD
    #[arg(long, value_name = "FILE", requires = "pfx")]
    pfx_password_file: Option<PathBuf>,
    /// Where to write the addresses as JSON, once calls are answered
    #[arg(long, value_name = "FILE")]
    pub(super) ready_file: Option<PathBuf>,
    /// How to log, on standard error
    #[arg(long, value_enum, default_value_t = Log::Text)]
    pub(super) log: Log,
    /// Log requests that nobody understood in full, and more
    #[arg(long, short)]
    pub(super) verbose: bool,
    #[command(flatten)]
    limits: LimitArgs,
}

#[derive(Args, Debug)]
struct AdminArgs {
    /// Where the admin API listens: port 9998 of 127.0.0.1 and ::1, or a free one where --listen has port 0
    #[arg(long, value_name = "ADDRESS:PORT")]
    admin: Vec<SocketAddr>,
    /// Serve no admin API
    #[arg(long, conflicts_with_all = ["admin", "admin_token_file"])]
    no_admin: bool,
    /// The file with the token that callers of the admin API must show; with --allow-remote and without it, one is
    /// drawn and printed
    #[arg(long, value_name = "FILE")]
    admin_token_file: Option<PathBuf>,
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Limits")]
struct LimitArgs {
    /// The largest body of a request, in bytes: by default ASP.NET's, and at most 1 GiB
    #[arg(long, value_name = "BYTES", default_value_t = 4 << 20, value_parser = clap::value_parser!(u32).range(..=1 << 30))]
    body_limit: u32,
    /// The largest headers of a request, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 64 << 10, value_parser = clap::value_parser!(u32).range(8192..))]
    header_limit: u32,
    /// How many connections may be open; one more waits
    #[arg(long, value_name = "COUNT", default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..))]
    connections: u32,
    /// How long a client may take for its headers, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    header_timeout: u64,
    /// How long a connection may be idle, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    idle_timeout: u64,
    /// How long open calls may take after the server was told to stop, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    grace: u64,
    /// How much the journal of calls may hold, in bytes, for each space
    #[arg(long, value_name = "BYTES", default_value_t = 16 << 20)]
    journal_bytes: usize,
    /// How many calls the journal may hold, for each space
    #[arg(long, value_name = "COUNT", default_value_t = 10_000)]
    journal_entries: usize,
    /// How many spaces there may be, the default one included
    #[arg(long, value_name = "COUNT", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..))]
    spaces: u32,
    /// How long nobody may use a space before it is dropped, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 3600, value_parser = clap::value_parser!(u64).range(1..))]
    space_idle: u64,
}

impl LimitArgs {
    const fn switchboard(&self) -> switchboard::Limits {
        switchboard::Limits {
            spaces: self.spaces as usize,
            idle: Duration::from_secs(self.space_idle),
            journal: Bounds { bytes: self.journal_bytes, entries: self.journal_entries },
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub(super) enum Log {
    Text,
    Json,
    Off,
}

/// Serves until told to stop. `told_to_stop` is called as soon as calls can be answered.
pub(super) async fn serve<F>(args: Serve, told_to_stop: impl FnOnce() -> F) -> anyhow::Result<ExitCode>
where
    F: Future<Output = ()> + Send + 'static,
{
    let started = reload::moment();
    let Ok(scenario) = load(args.scenario.as_deref()) else { return Ok(ExitCode::from(1)) };
    for address in &args.listen {
        if !address.ip().is_loopback() && scenario.server.sign_in.trust == Trusted::Anybody {
            bail!(
                "{address} can be reached by other machines, and the scenario {} lets anybody in with any password. Serve one that names its accounts, such as scenarios/sign-in-windows.yaml.",
                scenario.name
            );
        }
        if !address.ip().is_loopback() && !args.allow_remote {
            bail!(
                "{address} can be reached by other machines. Add --allow-remote if that is meant; anybody who reaches it may call, or sign in if the scenario asks for that."
            );
        }
    }

    let certificates = match args.http {
        true => None,
        false => Some(args.certificates()?),
    };
    let listening = Listening::bind(&args.listen).await?;
    let admin = args.admin_door().await?;
    for warning in listening.warnings() {
        warn!("{warning}");
    }
    let failures = listening.failures();
    let ready = Ready::of(
        &listening,
        admin.as_ref().map(|it| &it.listening),
        certificates.as_ref(),
        &args.certificates.host.first().cloned().unwrap_or_else(tls::host_name),
    );
    let limits = Limits {
        connections: args.limits.connections,
        header_bytes: args.limits.header_limit as usize,
        header_time: Duration::from_secs(args.limits.header_timeout),
        idle_time: Duration::from_secs(args.limits.idle_timeout),
        // Calls that are let go at the end of the grace still have to be told so.
        grace: Duration::from_secs(args.limits.grace) + AFTER_GRACE,
        ..Limits::default()
    };
    let name = scenario.name.clone();
    let spaces = Switchboard::new(scenario.setup, args.limits.switchboard());
    let reloader = Reloader::new(spaces.clone(), args.scenario.clone(), scenario.server.clone(), scenario.files);
    let scenario::Server { sign_in, group, outsider, client_authorities, paths } = scenario.server;
    let acceptor = match &certificates {
        None => None,
        Some(certificates) if sign_in.schemes.contains(&Scheme::Certificate) => {
            Some(Acceptor::asking_clients(certificates, &trusted_by(certificates, &client_authorities)?))
        }
        Some(certificates) => Some(Acceptor::new(certificates)),
    };
    let admission = Admission::new(sign_in, &group, outsider, &tls::host_name());
    let site = Site::new(spaces.clone(), admission, paths, args.limits.body_limit as usize);
    let app = server::router(Arc::new(site));
    let janitor = tokio::spawn(spaces.clone().drop_idle());
    let reloader = Arc::new(reloader);
    let reloading = reload_when_told(&reloader, args.watch.then_some(started));
    failures.note_in(spaces.default_space().clone());
    let admin = admin.map(|door| door.open(spaces.clone(), reloader, failures.clone()));

    let told_to_stop = told_to_stop();
    if let Some(made) = certificates.as_ref().map(Certificates::made).filter(|it| !it.is_empty()) {
        let files: Vec<_> = made.iter().map(|it| it.display().to_string()).collect();
        info!(files = files.join(" "), "certificates made");
        if let Some(authority) = certificates.as_ref().and_then(Certificates::authority) {
            info!("clients have to trust the authority:\n{}", trust::explained(Wish::Trust, authority));
        }
    }
    if let Some(file) = &args.ready_file {
        ready.write(file)?;
    }
    admin.iter().for_each(|it| it.admin.reach(Stage::Ready));
    ready.tell(&name);
    let grace = Duration::from_secs(args.limits.grace);
    let stopping = {
        let spaces = spaces.clone();
        let admin = admin.as_ref().map(|it| it.admin.clone());
        async move {
            told_to_stop.await;
            admin.inspect(|it| it.reach(Stage::Stopping));
            info!(open_calls = spaces.waiting(), "stopping");
            tokio::spawn(async move {
                tokio::time::sleep(grace).await;
                spaces.stop();
            });
        }
    };
    accept::serve(listening, acceptor.map(Arc::new), app, limits, stopping).await;
    if let Some(admin) = admin {
        admin.close().await;
    }
    janitor.abort();
    reloading.iter().for_each(JoinHandle::abort);
    if let Some(file) = &args.ready_file {
        // Nobody shall take a stopped server for a ready one; a file that is gone already is as good.
        let _ = std::fs::remove_file(file);
    }
    let calls: u64 = spaces.list().iter().map(|it| it.update(|engine, _| engine.journal.count(EventKind::Call))).sum();
    info!(calls, failures = failures.summary(), "stopped");
    Ok(ExitCode::SUCCESS)
}

impl Serve {
    fn certificates(&self) -> anyhow::Result<Certificates> {
        if let Some((cert, key)) = self.cert.as_ref().zip(self.key.as_ref()) {
            return Ok(Certificates::from_pem(cert, key)?);
        }
        if let Some(pfx) = &self.pfx {
            return Ok(Certificates::from_pfx(
                pfx,
                &pfx_password(self.pfx_password_file.as_deref(), "--pfx-password-file")?,
            )?);
        }
        self.certificates.open()
    }
}

/// Where the admin API listens, and to whom.
struct Door {
    listening: Listening,
    gate: Gate,
}

/// The admin API while it is served.
struct Opened {
    admin: Arc<Admin>,
    serving: JoinHandle<()>,
    close: oneshot::Sender<()>,
}

impl Serve {
    async fn admin_door(&self) -> anyhow::Result<Option<Door>> {
        let it = &self.admin;
        if it.no_admin {
            return Ok(None);
        }
        let port = if self.listen.iter().any(|it| it.port() == 0) { 0 } else { ADMIN_PORT };
        let own = [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)];
        let addresses = match it.admin.is_empty() {
            true => own.map(|it| SocketAddr::new(it, port)).into(),
            false => it.admin.clone(),
        };
        if let Some(address) = addresses.iter().find(|it| !it.ip().is_loopback() && !self.allow_remote) {
            bail!(
                "{address} can be reached by other machines. Add --allow-remote if that is meant; whoever asks the admin API must then show a token."
            );
        }
        let listening = Listening::bind(&addresses).await;
        // The errors name the flag of the service.
        let listening = listening.map_err(|it| {
            anyhow!("the admin API: {}; --no-admin does without it", it.to_string().replace("--listen", "--admin"))
        })?;
        let token = match &it.admin_token_file {
            Some(file) => Some(files::token(file).context("the token of the admin API")?),
            None if self.allow_remote => Some(drawn_token()?),
            None => None,
        };
        let gate = Gate::new(token, listening.addresses().into());
        Ok(Some(Door { listening, gate }))
    }
}

impl Door {
    fn open(self, spaces: Switchboard, reloader: Arc<Reloader>, failures: Arc<Failures>) -> Opened {
        let admin = Arc::new(Admin::new(spaces, reloader, failures, self.gate));
        let limits = Limits { grace: AFTER_GRACE, ..Limits::default() };
        let (close, closed) = oneshot::channel();
        let closed = async move {
            // Without its sender there is nobody left to serve for.
            let _ = closed.await;
        };
        let serving = tokio::spawn(accept::serve(self.listening, None, admin::router(admin.clone()), limits, closed));
        Opened { admin, serving, close }
    }
}

impl Opened {
    async fn close(self) {
        let _ = self.close.send(());
        // A panic in it is told on standard error already.
        let _ = self.serving.await;
    }
}

/// Draws a token and tells it: once, on standard error, and not in the log.
fn drawn_token() -> anyhow::Result<Secret> {
    let mut bytes = [0; 24];
    getrandom::fill(&mut bytes).map_err(|it| anyhow!("no token can be drawn: {it}"))?;
    let token = data_encoding::BASE64URL_NOPAD.encode(&bytes);
    let told =
        writeln!(io::stderr(), "locmfa: the admin API wants this header, told only now: Authorization: Bearer {token}");
    told.context("nobody can be told the token of the admin API; give it by --admin-token-file")?;
    Ok(token.into())
}

const ADMIN_PORT: u16 = 9998;

/// The authorities whose client certificates are trusted: those of the scenario, else the server's own.
fn trusted_by(certificates: &Certificates, files: &[PathBuf]) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let own = certificates.authority().and_then(|it| it.files.first());
    let files: Vec<&PathBuf> = if files.is_empty() { own.into_iter().collect() } else { files.iter().collect() };
    if files.is_empty() {
        bail!(
            "the scenario signs in by client certificate, and nothing says whose to trust. Name the authority's file under server: client_authorities."
        );
    }
    let read = files.into_iter().map(|it| tls::read_certificates(it));
    Ok(read.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

/// What is left after the grace for the last answers to leave.
const AFTER_GRACE: Duration = Duration::from_secs(2);

/// The scenario of a file, or the built-in one; its mistakes go to standard error, its warnings to the log.
fn load(file: Option<&Path>) -> Result<Scenario, ()> {
    let Some(file) = file else { return Ok(scenario::built_in()) };
    let loaded = scenario::load_file(file).map_err(|mistakes| {
        let mut err = io::stderr();
        for mistake in &mistakes {
            let _ = writeln!(err, "{mistake}\n");
        }
        let counts = scenario::summary(mistakes.iter().map(|it| it.severity));
        let _ = writeln!(err, "locmfa: {} has {counts}; nothing was started.", file.display());
    })?;
    loaded.warnings.iter().for_each(reload::log);
    Ok(loaded)
}

/// Where the server answers: the start of the log, and the ready file.
#[derive(Serialize)]
struct Ready {
    /// The URL for `LOCMFASRV`.
    service: String,
    wsdl: String,
    /// The admin API's URL; null where there is none.
    admin: Option<String>,
    /// The authority's file, for clients to trust; null on plain HTTP and with a foreign certificate.
    authority: Option<PathBuf>,
    pid: u32,
}

impl Ready {
    /// `host` is the name by which other machines reach this one.
    fn of(listening: &Listening, admin: Option<&Listening>, certificates: Option<&Certificates>, host: &str) -> Self {
        let scheme = if certificates.is_some() { "https" } else { "http" };
        let authority_of = |listening: &Listening| {
            let address = listening.addresses()[0];
            let host = match address.ip() {
                ip if ip.is_loopback() => "localhost".into(),
                ip if ip.is_unspecified() => host.into(),
                IpAddr::V4(ip) => ip.to_string(),
                IpAddr::V6(ip) => format!("[{ip}]"),
            };
            format!("{host}:{}", address.port())
        };
        let service = format!("{scheme}://{}{FOLDER}/PfWsSdk.asmx", authority_of(listening));
        let authority = certificates.and_then(Certificates::authority).and_then(|it| it.files.first());
        Self {
            wsdl: format!("{service}?WSDL"),
            service,
            admin: admin.map(|it| format!("http://{}", authority_of(it))),
            authority: authority.map(|it| std::path::absolute(it).unwrap_or_else(|_| it.clone())),
            pid: std::process::id(),
        }
    }

    fn tell(&self, scenario: &str) {
        let authority = self.authority.as_ref().map(|it| it.display().to_string()).unwrap_or_default();
        let admin = self.admin.as_deref();
        info!(service = self.service, wsdl = self.wsdl, admin, scenario, authority, pid = self.pid, "ready");
    }

    /// Writes the file whole or not at all, so that who waits for it never reads half of it.
    fn write(&self, file: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(self).context("the ready file")?;
        file::write(file, text.as_bytes(), Access::Usual).with_context(|| {
            format!("cannot write {}; give --ready-file a path in a folder that this account may write", file.display())
        })
    }
}

/// Lets the scenario be read again on SIGHUP, and, where it is watched, when its files change after `watch`.
fn reload_when_told(reloader: &Arc<Reloader>, watch: Option<SystemTime>) -> Vec<JoinHandle<()>> {
    let mut tasks = Vec::new();
    if let Some(started) = watch {
        tasks.push(tokio::spawn(reloader.clone().watch(started)));
    }
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut told = signal(SignalKind::hangup()).expect("signals can be listened to");
        let reloader = reloader.clone();
        tasks.push(tokio::spawn(async move {
            while told.recv().await.is_some() {
                reloader.reload_and_log().await;
            }
        }));
    }
    tasks
}

/// Waits for Ctrl-C, or for whatever else the system ends programs with. It listens from the call on, not only from
/// the first poll: nobody who was told that the server is ready shall kill it by asking it to stop.
pub(super) fn told_to_stop() -> impl Future<Output = ()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut interrupt = signal(SignalKind::interrupt()).expect("signals can be listened to");
        let mut terminate = signal(SignalKind::terminate()).expect("signals can be listened to");
        async move {
            tokio::select! {
                _ = interrupt.recv() => (),
                _ = terminate.recv() => (),
            }
        }
    }
    #[cfg(windows)]
    {
        use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown};
        let mut interrupted = ctrl_c().expect("signals can be listened to");
        let mut closed = ctrl_close().expect("signals can be listened to");
        let mut broken = ctrl_break().expect("signals can be listened to");
        let mut shut_down = ctrl_shutdown().expect("signals can be listened to");
        async move {
            tokio::select! {
                _ = interrupted.recv() => (),
                _ = closed.recv() => (),
                _ = broken.recv() => (),
                _ = shut_down.recv() => (),
            }
        }
    }
}

/// What is logged. `RUST_LOG` wins over the flags.
pub(super) fn filter(log: Log, verbose: bool) -> EnvFilter {
    let level = match (log, verbose) {
        (Log::Off, _) => "off",
        (_, true) => "debug",
        (_, false) => "info",
    };
    EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level))
}

/// Logs to standard error.
pub(super) fn log_to_stderr(log: Log, verbose: bool) {
    let builder = tracing_subscriber::fmt().with_env_filter(filter(log, verbose)).with_writer(io::stderr);
    match log {
        Log::Json => builder.json().flatten_event(true).init(),
        Log::Text => builder.with_ansi(io::stderr().is_terminal()).init(),
        // No subscriber: a log line that nobody reads costs nothing.
        Log::Off => (),
    }
}
