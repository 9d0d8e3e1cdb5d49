//! `locmfa serve`: from the options to the last answer; with the ready file, the token of the admin API, the log and the
//! signals.

mod door;
mod ending;

use std::io::{self, IsTerminal};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use tokio::task::JoinHandle;
use tracing::{error, info, warn};
use tracing_subscriber::EnvFilter;

use super::certs::{CertificateArgs, pfx_password};
use super::files::{is_standard_input, one_named_by, standard_input};
use super::open::page_of;
use super::print::complain;
use super::ready::{Ready, ReadyFile};
use crate::engine::{Bounds, MemoryBounds};
use crate::incidents::Incidents;
use crate::log::{Format, Json, Log as LogWriter, Target};
use crate::scenario::Scenario;
use crate::server::accept::Listening;
use crate::server::admin::check_expectations;
use crate::server::assembly::{Assembly, Parts};
use crate::server::connection::Limits;
use crate::server::reload::{self, Source};
use crate::server::{self, FOLDER};
use crate::sign_in::Trust as Trusted;
use crate::switchboard;
use crate::tls::{self, Certificates, Renewable, RevocationList};
use crate::trust::{self, Change};
use door::AdminArgs;
use ending::{EndArgs, signal_to_stop};

#[derive(Args, Debug)]
pub(super) struct Serve {
    /// The scenario file; `-` is standard input [default: the built-in scenario]
    pub(super) scenario: Option<PathBuf>,
    /// Read the scenario again when its files change
    #[arg(long, requires = "scenario")]
    watch: bool,
    /// The address to listen on; port 0 picks a free port
    #[arg(long, value_name = "ADDRESS:PORT", default_values = ["127.0.0.1:9999", "[::1]:9999"])]
    listen: Vec<SocketAddr>,
    #[command(flatten)]
    admin: AdminArgs,
    /// Allow addresses that other machines can reach
    #[arg(long)]
    allow_remote: bool,
    /// The seed of all that is drawn, in place of the scenario's; it repeats what a run drew
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    seed: Option<u64>,
    /// Serve plain HTTP, without TLS
    #[arg(long)]
    http: bool,
    #[command(flatten)]
    certificates: CertificateFiles,
    /// The file to write the addresses to, as JSON, when the server is ready for calls [default: PID.json in the folder
    /// locmfa of XDG_RUNTIME_DIR, ~/.cache or %LOCALAPPDATA%]
    #[arg(long, value_name = "FILE")]
    pub(super) ready_file: Option<PathBuf>,
    /// The format of the log on standard error
    #[arg(long, value_enum, default_value_t = Log::Text)]
    pub(super) log: Log,
    /// The file to append the log to, in place of standard error; SIGHUP opens it again
    #[arg(long, value_name = "FILE")]
    log_file: Option<PathBuf>,
    /// The folder of incidents of your own, a file NAME.yaml each; they take the place of those of the program by name
    #[arg(long, value_name = "FOLDER")]
    incidents: Option<PathBuf>,
    /// Log more, such as the whole of requests that the server does not understand
    #[arg(long, short)]
    pub(super) verbose: bool,
    #[command(flatten)]
    end: EndArgs,
    /// The image of the container that the program runs in: what to print where it has nothing to serve
    #[arg(long, hide = true)]
    image: Option<String>,
    #[command(flatten)]
    limits: LimitArgs,
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Limits")]
struct LimitArgs {
    /// The largest request body, in bytes, up to 1 GiB; the default is that of ASP.NET
    #[arg(long, value_name = "BYTES", default_value_t = 4 << 20, value_parser = clap::value_parser!(u32).range(..=1 << 30))]
    body_limit: u32,
    /// The bytes that the server holds for all request bodies at one time; a request past it gets 503
    #[arg(long, value_name = "BYTES", default_value_t = 256 << 20)]
    bodies_in_flight: usize,
    /// The largest request headers, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 64 << 10, value_parser = clap::value_parser!(u32).range(8192..))]
    header_limit: u32,
    /// The largest number of open connections; one more waits
    #[arg(long, value_name = "COUNT", default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..))]
    connections: u32,
    /// The time for a client to send its headers, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    header_timeout: u32,
    /// The time after which an idle connection is closed, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    idle_timeout: u32,
    /// The time after which a request body without progress ends its connection, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..))]
    body_timeout: u32,
    /// The time after which an answer that its client does not read ends the connection, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..))]
    write_timeout: u32,
    /// The time for open calls to finish when the server stops, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    grace: u32,
    /// The size of each space's journal of calls, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 16 << 20)]
    journal_bytes: usize,
    /// The number of calls in each space's journal
    #[arg(long, value_name = "COUNT", default_value_t = 10_000)]
    journal_entries: usize,
    /// The number of people who are no users, with the states, counters and blocks that each space remembers of them; the
    /// oldest make room for new ones
    #[arg(long, value_name = "COUNT", default_value_t = MemoryBounds::default().people)]
    people: usize,
    /// The number of codes that are out in each space; the oldest make room for new ones
    #[arg(long, value_name = "COUNT", default_value_t = MemoryBounds::default().codes)]
    codes: usize,
    /// The largest number of spaces, with the default space
    #[arg(long, value_name = "COUNT", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..))]
    spaces: u32,
    /// The time after which an unused space is removed, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 3600, value_parser = clap::value_parser!(u32).range(1..))]
    space_idle: u32,
}

impl LimitArgs {
    fn connection(&self) -> Limits {
        Limits {
            connections: self.connections,
            header_bytes: self.header_limit as usize,
            header_time: Duration::from_secs(self.header_timeout.into()),
            idle_time: Duration::from_secs(self.idle_timeout.into()),
            body_time: Duration::from_secs(self.body_timeout.into()),
            write_time: Duration::from_secs(self.write_timeout.into()),
            grace: Duration::from_secs(self.grace.into()),
            ..Limits::default()
        }
    }

    const fn bodies(&self) -> server::BodyLimits {
        server::BodyLimits { each: self.body_limit as usize, together: self.bodies_in_flight }
    }

    fn switchboard(&self) -> switchboard::Limits {
        switchboard::Limits {
            spaces: self.spaces as usize,
            idle: Duration::from_secs(self.space_idle.into()),
            journal: Bounds { bytes: self.journal_bytes, entries: self.journal_entries },
            memory: MemoryBounds { people: self.people, codes: self.codes },
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub(super) enum Log {
    Text,
    Json,
    Off,
}

/// How serving ended without an error.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Served {
    Stopped,
    /// The scenario has mistakes, so nothing was started.
    HasMistakes,
}

impl Serve {
    /// What cannot go together.
    pub(super) fn conflict(&self) -> Option<&'static str> {
        let from_input = self.scenario.as_deref().is_some_and(is_standard_input);
        match from_input {
            true if self.watch => Some("--watch needs a file: standard input is read once"),
            true if self.end.exit_with_stdin => {
                Some("--exit-with-stdin needs a scenario file: standard input ends with the scenario")
            }
            _ => None,
        }
    }

    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let log = self.start_log()?;
        let served = serve(self, log.clone(), || signal_to_stop(log.clone())).await;
        log.inspect(|it| it.flush(LAST_LINES));
        Ok(ExitCode::from(u8::from(served? == Served::HasMistakes)))
    }

    /// Starts the log. `None`: there is none.
    fn start_log(&self) -> anyhow::Result<Option<LogWriter>> {
        let format = match self.log {
            Log::Text => Format::Text,
            Log::Json => Format::Json,
            Log::Off if self.log_file.is_some() => {
                bail!("--log off writes no log. Leave --log-file out, or choose --log text or --log json.")
            }
            // Without a subscriber, a log line costs nothing.
            Log::Off => return Ok(None),
        };
        let target = self.log_file.clone().map_or(Target::StandardError, Target::File);
        let log = LogWriter::start(target, format).with_context(|| match &self.log_file {
            Some(file) => format!("cannot log into {}; name a file that this account may write", file.display()),
            None => "cannot start the log".into(),
        })?;
        let has_colours = self.log_file.is_none() && understands_colours();
        let builder = tracing_subscriber::fmt()
            .with_env_filter(filter(self.log, self.verbose))
            .with_writer(log.clone())
            .log_internal_errors(false);
        match format {
            Format::Json => builder.event_format(Json).init(),
            Format::Text => builder.with_ansi(has_colours).init(),
        }
        // Standard error may be a pipe that no program reads, and would hold up the thread that panics.
        std::panic::set_hook(Box::new(|panic| error!("{panic}")));
        Ok(Some(log))
    }
}

/// Serves until the future of `stop_signal` ends. `stop_signal` is called when the server is ready for calls.
pub(super) async fn serve<F>(
    args: Serve,
    log: Option<LogWriter>,
    stop_signal: impl FnOnce() -> F,
) -> anyhow::Result<Served>
where
    F: Future<Output = ()> + Send + 'static,
{
    let started = reload::moment();
    if let (Some(image), Some(file)) = (&args.image, &args.scenario)
        && !is_standard_input(file)
        && !file.is_file()
    {
        bail!("there is no scenario file {}. {}", file.display(), in_container(image));
    }
    let source = args.source()?;
    let Ok(scenario) = load(&source) else { return Ok(Served::HasMistakes) };
    let Ok(incidents) = incidents_of(args.incidents.as_deref()) else { return Ok(Served::HasMistakes) };
    for address in &args.listen {
        if !address.ip().is_loopback() && scenario.server.sign_in.trust == Trusted::Anybody {
            bail!(
                "{address} can be reached by other machines, and the scenario {} lets every caller in with any password. Serve a scenario that names its accounts, such as scenarios/sign-in-windows.yaml.{}",
                scenario.name,
                args.image.as_deref().map(|it| format!(" {}", in_container(it))).unwrap_or_default()
            );
        }
        if !address.ip().is_loopback() && !args.allow_remote {
            bail!(
                "{address} can be reached by other machines. Add --allow-remote if you want that; then every machine that reaches it can call, or sign in if the scenario asks for that."
            );
        }
    }
    if scenario.server.sign_in.trust == Trusted::AnyPassword
        && let Some(address) = args.listen.iter().find(|it| !it.ip().is_loopback())
    {
        warn!(
            "{address} can be reached by other machines, and the scenario {} lets its accounts in with any password. Write trust: passwords and the password of each account, unless only test machines reach this address.",
            scenario.name
        );
    }

    let end = args.end.watch()?;
    let ready_file = ReadyFile::claim(args.ready_file.as_deref())?;
    let host = args.certificates.made.host.first().cloned().unwrap_or_else(tls::host_name);
    let list = args.admin.revocation_list(&args.listen, &host);
    let certificates = match args.http {
        true => None,
        false => Some(Arc::new(args.certificates.read(&list)?)),
    };
    let listening = Listening::bind(&args.listen).await?;
    let admin = args.admin.open(&args.listen, args.allow_remote).await?;
    for warning in listening.warnings() {
        warn!("{warning}");
    }
    let mut ready = Ready::of(&listening, admin.as_ref().map(|it| &it.0), certificates.as_deref(), &host);
    let name = scenario.name.clone();
    let parts = Parts {
        scenario,
        seed: args.seed,
        source,
        listening,
        certificates: certificates.clone(),
        admin,
        host,
        limits: args.limits.connection(),
        bodies: args.limits.bodies(),
        spaces: args.limits.switchboard(),
        log: log.clone(),
        incidents,
    };
    let server = parts.assemble()?;
    let (spaces, failures) = (server.spaces.clone(), server.failures.clone());
    ready.seed = spaces.seed();
    let reloading = reload_on_signal(&server, (args.certificates.clone(), list), args.watch.then_some(started), log);

    let stopped = stop_signal();
    server.tls.iter().for_each(|it| warn_of_certificates(it));
    if let Some(made) = certificates.as_deref().map(Certificates::made).filter(|it| !it.is_empty()) {
        let files: Vec<_> = made.iter().map(|it| it.display().to_string()).collect();
        info!(files = files.join(" "), "certificates made");
        // A program that reads the ready file has the authority from it, and shows the log's end to its user.
        if let Some(authority) =
            certificates.as_deref().and_then(Certificates::authority).filter(|_| ready_file.is_none())
        {
            info!("clients must trust the authority:\n{}", trust::explained(Change::Trust, authority));
        }
    }
    if let Some(file) = &ready_file {
        file.write(&ready)?;
    }
    ready.log(&name);
    let requested = server.stop_requested();
    let until = async {
        tokio::select! {
            () = stopped => {}
            () = requested => info!(why = "a request to the admin API", "told to stop"),
            why = end => info!(why, "told to stop"),
        }
        // No program takes this server for a ready one any more.
        drop(ready_file);
    };
    server.serve(until).await;
    reloading.iter().for_each(JoinHandle::abort);
    info!(calls = spaces.calls(), failures = failures.summary(), "stopped");
    Ok(Served::Stopped)
}

impl Serve {
    fn source(&self) -> anyhow::Result<Source> {
        Ok(match &self.scenario {
            None => Source::BuiltIn,
            Some(path) if is_standard_input(path) => Source::Input(standard_input()?.into()),
            Some(path) => Source::File(one_named_by(path)?),
        })
    }
}

#[derive(Args, Clone, Debug)]
struct CertificateFiles {
    #[command(flatten)]
    made: CertificateArgs,
    /// A certificate with its chain (PEM) in place of the one in --certs; needs --key
    #[arg(long, value_name = "FILE", requires = "key", conflicts_with_all = ["host", "rsa", "pfx"])]
    cert: Option<PathBuf>,
    /// The key of --cert (PEM)
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// A certificate with its key (PFX) in place of the one in --certs
    #[arg(long, value_name = "FILE", conflicts_with_all = ["host", "rsa"])]
    pfx: Option<PathBuf>,
    /// The file with the password of --pfx [default: the environment variable LOCMFA_PFX_PASSWORD]
    #[arg(long, value_name = "FILE", requires = "pfx")]
    pfx_password_file: Option<PathBuf>,
    /// The address of the revocation list that the certificate in --certs names, or `none` [default: /authority.crl of
    /// the admin API, where the service's clients reach it and its port is fixed]
    #[arg(long, value_name = "URL", conflicts_with_all = ["cert", "pfx"])]
    crl_url: Option<String>,
}

impl CertificateFiles {
    /// `list` is where clients find the revocation list without --crl-url.
    fn read(&self, list: &RevocationList) -> anyhow::Result<Certificates> {
        if let Some((cert, key)) = self.cert.as_ref().zip(self.key.as_ref()) {
            return Ok(Certificates::from_pem(cert, key)?);
        }
        if let Some(pfx) = &self.pfx {
            return Ok(Certificates::from_pfx(
                pfx,
                &pfx_password(self.pfx_password_file.as_deref(), "--pfx-password-file")?,
            )?);
        }
        let list = match self.crl_url.as_deref() {
            None => list.clone(),
            Some("none") => RevocationList::None,
            Some(url) if url.starts_with("http://") => RevocationList::At(url.into()),
            Some(url) => bail!(
                "--crl-url {url:?} does not begin with http://; give a URL that clients reach without TLS, or none"
            ),
        };
        self.made.open_with(&list)
    }

    /// Reads the certificates again, for new connections.
    #[cfg(unix)]
    fn renew(&self, list: &RevocationList, tls: &Renewable) {
        // Clients trust the authority of the start, which is in no file.
        if self.cert.is_none() && self.pfx.is_none() && self.made.is_in_memory() {
            return;
        }
        let renewed = self.read(list).and_then(|it| Ok(tls.replace(Arc::new(it))?));
        match renewed {
            Ok(()) => {
                let server = tls.now().certificates.server().clone();
                info!(subject = server.subject, sha1 = server.sha1, "certificates read again");
                warn_of_certificates(tls);
            }
            Err(error) => error!("certificates not read again; the ones before are still served: {error:#}"),
        }
    }
}

fn warn_of_certificates(tls: &Renewable) {
    tls.now().warnings(time::OffsetDateTime::now_utc()).iter().for_each(|it| warn!("{it}"));
}

/// The command that runs the container of an image.
fn in_container(image: &str) -> String {
    format!(
        "Run the container with a scenario of your own:\n  docker run --rm --publish 9999:9999 --publish 9998:9998 --volume \"$PWD/scenario.yaml:/scenario.yaml:ro\" {image}"
    )
}

/// The scenario; its mistakes go to standard error, its warnings to the log. `Err`: it has mistakes.
fn load(source: &Source) -> Result<Scenario, ()> {
    let loaded = source.load().map_err(|mistakes| {
        mistakes.iter().for_each(|it| complain(format_args!("{it}\n")));
        complain(format_args!("locmfa: {source} has {}; nothing was started.", mistakes.summary()));
    })?;
    loaded.warnings.iter().for_each(reload::log);
    Ok(loaded)
}

/// The incidents of the program and of a folder; its mistakes go to standard error. `Err`: it has mistakes.
fn incidents_of(folder: Option<&Path>) -> Result<Incidents, ()> {
    let Some(folder) = folder else { return Ok(Incidents::default()) };
    let read = Incidents::default().with_folder(folder).map_err(|it| it.to_string()).and_then(|incidents| {
        for it in incidents.iter() {
            let unfit = |why| format!("the incident {}: expect: {why}", it.name);
            check_expectations(&it.file.expect).map_err(unfit)?;
        }
        Ok(incidents)
    });
    read.map_err(|why| complain(format_args!("locmfa: {why}; nothing was started.")))
}

impl Ready {
    /// `host` is the name that other machines use for this one.
    fn of(listening: &Listening, admin: Option<&Listening>, certificates: Option<&Certificates>, host: &str) -> Self {
        let scheme = if certificates.is_some() { "https" } else { "http" };
        let service = format!("{}{FOLDER}/PfWsSdk.asmx", listening.origin(scheme, host));
        let authority = certificates.and_then(Certificates::authority).and_then(|it| it.files.first());
        Self {
            wsdl: format!("{service}?WSDL"),
            service,
            admin: admin.map(|it| it.origin("http", host)),
            authority: authority.map(|it| std::path::absolute(it).unwrap_or_else(|_| it.clone())),
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").into(),
            seed: 0,
        }
    }

    fn log(&self, scenario: &str) {
        let authority = self.authority.as_ref().map(|it| it.display().to_string()).unwrap_or_default();
        let admin = self.admin.as_deref();
        let page = admin.map(page_of);
        info!(
            service = self.service,
            wsdl = self.wsdl,
            admin,
            page,
            scenario,
            seed = self.seed,
            authority,
            pid = self.pid,
            "ready"
        );
    }
}

/// Reloads the scenario with `watch`, when its files change after that time. On SIGHUP it opens the log again, reads the
/// certificates again and reloads the scenario: one that fails does not stop the others.
fn reload_on_signal(
    server: &Assembly,
    files: (CertificateFiles, RevocationList),
    watch: Option<SystemTime>,
    log: Option<LogWriter>,
) -> Vec<JoinHandle<()>> {
    let mut tasks = Vec::new();
    if let Some(started) = watch {
        tasks.push(tokio::spawn(server.reloader.clone().watch(started)));
    }
    // Windows has no such signal.
    #[cfg(not(unix))]
    drop((files, log));
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut hangup = signal(SignalKind::hangup()).expect("signals can be listened to");
        let (reloader, tls) = (server.reloader.clone(), server.tls.clone());
        let files = Arc::new(files);
        tasks.push(tokio::spawn(async move {
            while hangup.recv().await.is_some() {
                log.iter().for_each(LogWriter::reopen);
                if let Some(tls) = tls.clone() {
                    let files = files.clone();
                    // A file may be a pipe that no program writes to: nothing else waits for it.
                    tokio::task::spawn_blocking(move || files.0.renew(&files.1, &tls));
                }
                reloader.reload_and_log().await;
            }
        }));
    }
    tasks
}

/// Whether standard error is a terminal with colours. A console of Windows is told to understand them; an old one does not.
fn understands_colours() -> bool {
    io::stderr().is_terminal()
        && !anstyle_query::no_color()
        && anstyle_query::windows::enable_ansi_colors().unwrap_or_else(anstyle_query::term_supports_ansi_color)
}

/// What is logged. `RUST_LOG` overrides the flags.
pub(super) fn filter(log: Log, verbose: bool) -> EnvFilter {
    let level = match (log, verbose) {
        (Log::Off, _) => "off",
        // Lines of libraries are about their own parts, and may quote what a client sends.
        (_, true) => "locmfa=debug",
        (_, false) => "locmfa=info",
    };
    EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level))
}

/// The time for the last lines of the log to leave; a pipe without a reader takes none.
const LAST_LINES: Duration = Duration::from_secs(1);
