//! The command line: a function for each subcommand.

use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use clap::{Args, Parser, Subcommand, ValueEnum};
use rustls::pki_types::CertificateDer;
use serde::Serialize;
use tracing::{info, warn};
use tracing_subscriber::EnvFilter;

use crate::contract::Secret;
use crate::description;
use crate::doctor;
use crate::mim;
use crate::scenario::{self, Mistake, Scenario};
use crate::server::certificates::{self, Certificates, Keys, Summary};
use crate::server::connection::{self, Limits, Listening};
use crate::server::tls::Acceptor;
use crate::server::{self, Admission, FOLDER, Site};
use crate::sign_in::Scheme;
use crate::switchboard::Space;

/// Imitates the Web Service SDK of Azure Multi-Factor Authentication Server, to test Microsoft Identity Manager.
///
/// Without a subcommand it serves: `locmfa scenarios/sspr-phone-gate.yaml` is `locmfa serve …`, and `locmfa` alone
/// serves the built-in scenario.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true, after_help = EXIT_CODES)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

const EXIT_CODES: &str = "Exit codes: 0 done; 1 a scenario has mistakes; 2 the command line is wrong; 3 it cannot start or go on (a port, a certificate, a file).";

#[derive(Debug, Subcommand)]
enum Command {
    /// Answer calls from a scenario file (the default)
    Serve(Box<Serve>),
    /// Find the mistakes in scenario files
    Check(Check),
    /// Print the service description (WSDL)
    Wsdl(Wsdl),
    /// Show or renew the certificates
    #[command(subcommand)]
    Certs(Certs),
    /// Do what Microsoft Identity Manager does
    #[command(subcommand)]
    Mim(Mim),
    /// Look whether this machine is fit to serve, or to call; it changes nothing
    Doctor(doctor::Doctor),
}

#[derive(Args, Debug)]
struct Serve {
    /// The scenario file; without one, the built-in scenario
    scenario: Option<PathBuf>,
    /// Where to listen; port 0 picks a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_values = ["127.0.0.1:9999", "[::1]:9999"])]
    listen: Vec<SocketAddr>,
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
    ready_file: Option<PathBuf>,
    /// How to log, on standard error
    #[arg(long, value_enum, default_value_t = Log::Text)]
    log: Log,
    /// Log requests that nobody understood in full, and more
    #[arg(long, short)]
    verbose: bool,
    #[command(flatten)]
    limits: LimitArgs,
}

#[derive(Args, Debug)]
struct CertificateArgs {
    /// The folder of the authority and the server's certificate, made on the first start
    #[arg(long, value_name = "FOLDER", default_value = "certs")]
    certs: PathBuf,
    /// A further name or address for the server's certificate
    #[arg(long, value_name = "NAME")]
    host: Vec<String>,
    /// Add an RSA certificate, for clients that cannot check ECDSA
    #[arg(long)]
    rsa: bool,
}

impl CertificateArgs {
    const fn keys(&self) -> Keys {
        if self.rsa { Keys::EcdsaAndRsa } else { Keys::Ecdsa }
    }
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Limits")]
struct LimitArgs {
    /// The largest body of a request, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 20)]
    body_limit: usize,
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
    /// How much the journal of calls may hold, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 16 << 20)]
    journal_bytes: usize,
}

#[derive(Args, Debug)]
struct Check {
    /// The scenario files
    #[arg(required = true)]
    scenarios: Vec<PathBuf>,
    /// How to tell
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Args, Debug)]
struct Wsdl {
    /// The address that the description names
    #[arg(
        long,
        value_name = "URL",
        default_value = "https://localhost:9999/MultiFactorAuthWebServiceSdk/PfWsSdk.asmx"
    )]
    address: String,
}

#[derive(Debug, Subcommand)]
enum Certs {
    /// Show the authority and the server's certificate, and how clients come to trust them
    Show(CertificateArgs),
    /// Make a new server certificate; the authority stays
    New(CertificateArgs),
}

#[derive(Debug, Subcommand)]
enum Mim {
    /// Call as MIM does for one of its gates, and tell the outcome
    Call(mim::call::Call),
    /// Find what stands between MIM and the service: name, port, TLS, certificate, sign-in, rights, user
    Connect(mim::connect::Connect),
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum Log {
    Text,
    Json,
    Off,
}

/// Runs the program and tells its exit code.
pub async fn run(arguments: Arguments) -> ExitCode {
    let result = match arguments.command.unwrap_or_else(|| Command::Serve(arguments.serve.into())) {
        Command::Serve(serve) => self::serve(*serve).await,
        Command::Check(check) => self::check(&check),
        Command::Wsdl(wsdl) => print(&description::wsdl(&wsdl.address)),
        Command::Certs(Certs::Show(args)) => show(&args, Renewal::Keep),
        Command::Certs(Certs::New(args)) => show(&args, Renewal::New),
        Command::Doctor(args) => doctor::run(&args, &mut io::stdout()).await,
        Command::Mim(Mim::Call(args)) => mim::call::run(&args, mim::Settings::default(), &mut io::stdout()).await,
        Command::Mim(Mim::Connect(args)) => mim::connect::run(&args, mim::Settings::default(), &mut io::stdout()).await,
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            // Nobody is left to tell if standard error is gone.
            let _ = writeln!(io::stderr(), "locmfa: {error:#}");
            ExitCode::from(3)
        }
    }
}

async fn serve(args: Serve) -> anyhow::Result<ExitCode> {
    log_to_stderr(args.log, args.verbose);
    let Ok(scenario) = load(args.scenario.as_deref()) else { return Ok(ExitCode::from(1)) };
    for address in &args.listen {
        if !address.ip().is_loopback() && args.scenario.is_none() {
            bail!(
                "{address} can be reached by other machines, and the built-in scenario lets anybody in. Name a scenario file of your own, such as scenarios/sign-in-windows.yaml."
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
    for warning in listening.warnings() {
        warn!("{warning}");
    }
    let ready = Ready::of(&listening, certificates.as_ref());
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
    let space = Space::new("default", scenario.setup, args.limits.journal_bytes);
    let scenario::Server { sign_in, group, outsider, client_authorities, paths } = scenario.server;
    let acceptor = match &certificates {
        None => None,
        Some(certificates) if sign_in.schemes.contains(&Scheme::Certificate) => {
            Some(Acceptor::asking_clients(certificates, &trusted_by(certificates, &client_authorities)?))
        }
        Some(certificates) => Some(Acceptor::new(certificates)),
    };
    let admission = Admission::new(sign_in, &group, outsider, &certificates::host_name());
    let site = Site::new(space.clone(), admission, paths, args.limits.body_limit);
    let app = server::router(Arc::new(site));
    let timer = tokio::spawn(space.clone().keep_time());

    let told_to_stop = told_to_stop();
    if let Some(made) = certificates.as_ref().map(Certificates::made).filter(|it| !it.is_empty()) {
        let files: Vec<_> = made.iter().map(|it| it.display().to_string()).collect();
        info!(files = files.join(" "), "certificates made");
        info!("clients have to trust the authority:\n{}", certificates::how_to_trust(&args.certificates.certs));
    }
    if let Some(file) = &args.ready_file {
        ready.write(file)?;
    }
    ready.tell(&name);
    let grace = Duration::from_secs(args.limits.grace);
    let stopping = {
        let space = space.clone();
        async move {
            told_to_stop.await;
            info!(open_calls = space.waiting(), "stopping");
            tokio::spawn(async move {
                tokio::time::sleep(grace).await;
                space.stop();
            });
        }
    };
    connection::serve(listening, acceptor.map(Arc::new), app, limits, stopping).await;
    timer.abort();
    if let Some(file) = &args.ready_file {
        // Nobody shall take a stopped server for a ready one; a file that is gone already is as good.
        let _ = std::fs::remove_file(file);
    }
    let (calls, forgotten) = space.update(|engine, _| (engine.journal.calls(), engine.journal.forgotten()));
    info!(calls, forgotten, "stopped");
    Ok(ExitCode::SUCCESS)
}

impl Serve {
    fn certificates(&self) -> anyhow::Result<Certificates> {
        if let Some((cert, key)) = self.cert.as_ref().zip(self.key.as_ref()) {
            return Ok(Certificates::from_pem(cert, key)?);
        }
        if let Some(pfx) = &self.pfx {
            return Ok(Certificates::from_pfx(pfx, &pfx_password(self.pfx_password_file.as_deref())?)?);
        }
        let args = &self.certificates;
        Ok(Certificates::open(&args.certs, &args.host, args.keys())?)
    }
}

/// The password of a PFX file: what a file holds in its first line, or the environment.
fn pfx_password(file: Option<&Path>) -> anyhow::Result<Secret> {
    let Some(file) = file else {
        #[expect(clippy::disallowed_methods, reason = "the command line reads the environment")]
        let password = std::env::var(PFX_PASSWORD);
        return password.map(Secret::from).map_err(|_| {
            anyhow!("a PFX file has a password; write it into a file and name that with --pfx-password-file, or set {PFX_PASSWORD} in the environment")
        });
    };
    let text = std::fs::read_to_string(file).with_context(|| {
        format!("cannot read {}; name a file that holds the password of the PFX file", file.display())
    })?;
    Ok(text.lines().next().unwrap_or_default().into())
}

const PFX_PASSWORD: &str = "LOCMFA_PFX_PASSWORD";

/// The authorities whose client certificates are trusted: those of the scenario, else the server's own.
fn trusted_by(certificates: &Certificates, files: &[PathBuf]) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let own = certificates.authority().and_then(|it| it.files.first());
    let files: Vec<&PathBuf> = if files.is_empty() { own.into_iter().collect() } else { files.iter().collect() };
    if files.is_empty() {
        bail!(
            "the scenario signs in by client certificate, and nothing says whose to trust. Name the authority's file under server: client_authorities."
        );
    }
    let read = files.into_iter().map(|it| certificates::read_certificates(it));
    Ok(read.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

/// What is left after the grace for the last answers to leave.
const AFTER_GRACE: Duration = Duration::from_secs(2);

/// The scenario of a file, or the built-in one; its mistakes go to standard error.
fn load(file: Option<&Path>) -> Result<Scenario, ()> {
    let Some(file) = file else { return Ok(scenario::built_in()) };
    scenario::load_file(file).map_err(|mistakes| {
        let mut err = io::stderr();
        for mistake in &mistakes {
            let _ = writeln!(err, "{mistake}\n");
        }
        let _ = writeln!(err, "locmfa: {} has {}; nothing was started.", file.display(), count(mistakes.len()));
    })
}

fn count(mistakes: usize) -> String {
    match mistakes {
        1 => "1 mistake".into(),
        more => format!("{more} mistakes"),
    }
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
    fn of(listening: &Listening, certificates: Option<&Certificates>) -> Self {
        let scheme = if certificates.is_some() { "https" } else { "http" };
        let address = listening.addresses()[0];
        let host = if address.ip().is_loopback() { "localhost".into() } else { address.ip().to_string() };
        let service = format!("{scheme}://{host}:{}{FOLDER}/PfWsSdk.asmx", address.port());
        let authority = certificates.and_then(Certificates::authority).and_then(|it| it.files.first());
        Self {
            wsdl: format!("{service}?WSDL"),
            service,
            admin: None,
            authority: authority.map(|it| std::path::absolute(it).unwrap_or_else(|_| it.clone())),
            pid: std::process::id(),
        }
    }

    fn tell(&self, scenario: &str) {
        let authority = self.authority.as_ref().map(|it| it.display().to_string()).unwrap_or_default();
        info!(service = self.service, wsdl = self.wsdl, scenario, authority, pid = self.pid, "ready");
    }

    /// Writes the file whole or not at all, so that who waits for it never reads half of it.
    fn write(&self, file: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(self).context("the ready file")?;
        let beside = file.with_extension("part");
        let written = std::fs::write(&beside, text).and_then(|()| std::fs::rename(&beside, file));
        written.with_context(|| {
            format!("cannot write {}; give --ready-file a path in a folder that this account may write", file.display())
        })
    }
}

/// Waits for Ctrl-C, or for whatever else the system ends programs with. It listens from the call on, not only from
/// the first poll: nobody who was told that the server is ready shall kill it by asking it to stop.
fn told_to_stop() -> impl Future<Output = ()> {
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

fn check(args: &Check) -> anyhow::Result<ExitCode> {
    let results = args.scenarios.iter().map(|file| (file, scenario::load_file(file).err().unwrap_or_default()));
    let results: Vec<(&PathBuf, Vec<Mistake>)> = results.collect();
    let total: usize = results.iter().map(|(_, mistakes)| mistakes.len()).sum();
    match args.format {
        Format::Json => {
            let mistakes: Vec<&Mistake> = results.iter().flat_map(|(_, mistakes)| mistakes).collect();
            print(&(serde_json::to_string_pretty(&mistakes).context("the mistakes as JSON")? + "\n"))?;
        }
        Format::Text => {
            let mut text = String::new();
            for (file, mistakes) in &results {
                mistakes.iter().for_each(|it| text += &format!("{it}\n\n"));
                text += &match mistakes.len() {
                    0 => format!("{}: no mistakes\n", file.display()),
                    some => format!("{}: {}\n", file.display(), count(some)),
                };
            }
            print(&text)?;
        }
    }
    Ok(ExitCode::from(u8::from(total > 0)))
}

/// Whether certificates are shown as they are or made anew.
#[derive(Clone, Copy, PartialEq)]
enum Renewal {
    Keep,
    New,
}

fn show(args: &CertificateArgs, renewal: Renewal) -> anyhow::Result<ExitCode> {
    let certificates = match renewal {
        Renewal::Keep => Certificates::open(&args.certs, &args.host, args.keys())?,
        Renewal::New => Certificates::renew(&args.certs, &args.host, args.keys())?,
    };
    let mut text = String::new();
    if let Some(authority) = certificates.authority() {
        text += &described("Authority", authority);
    }
    text += &described("Server", certificates.server());
    text += &certificates::how_to_trust(&args.certs);
    print(&text)
}

fn described(title: &str, it: &Summary) -> String {
    let files: Vec<_> = it.files.iter().map(|it| it.display().to_string()).collect();
    let names = if it.names.is_empty() { String::new() } else { format!("  names     {}\n", it.names.join(", ")) };
    format!(
        "{title}\n  subject   {}\n{names}  valid     {} to {}\n  SHA-1     {}\n  SHA-256   {}\n  files     {}\n\n",
        it.subject,
        it.not_before.date(),
        it.not_after.date(),
        it.sha1,
        it.sha256,
        files.join("\n            "),
    )
}

fn print(text: &str) -> anyhow::Result<ExitCode> {
    match io::stdout().write_all(text.as_bytes()) {
        // The reader, such as `head`, has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        Err(error) => Err(error).context("cannot write to standard output"),
        Ok(()) => Ok(ExitCode::SUCCESS),
    }
}

/// Logs to standard error. `RUST_LOG` wins over the flags.
fn log_to_stderr(log: Log, verbose: bool) {
    let level = match (log, verbose) {
        (Log::Off, _) => "off",
        (_, true) => "debug",
        (_, false) => "info",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    match log {
        Log::Json => builder.json().flatten_event(true).init(),
        Log::Text => builder.with_ansi(io::stderr().is_terminal()).init(),
        // No subscriber: a log line that nobody reads costs nothing.
        Log::Off => (),
    }
}
