//! The command line: a function for each subcommand.

use std::io::{self, IsTerminal, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context, anyhow, bail};
use clap::{Args, Parser, Subcommand, ValueEnum};
use rustls::pki_types::CertificateDer;
use serde::Serialize;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tracing::{info, warn};
use tracing_subscriber::EnvFilter;

use crate::contract::Secret;
use crate::control;
use crate::description;
use crate::doctor;
use crate::engine::{Bounds, Kind};
use crate::mim;
use crate::scenario::{self, Code, Mistake, Scenario, Severity};
use crate::server::admin::{self, Admin, Gate, Stage};
use crate::server::certificates::{self, Certificates, Keys, PfxCipher, Summary};
use crate::server::connection::{self, Limits, Listening};
use crate::server::failures::Failures;
use crate::server::reload::{self, Reloader};
use crate::server::tls::Acceptor;
use crate::server::{self, Admission, FOLDER, Site};
use crate::service;
use crate::sign_in::{Scheme, Trust as Trusted};
use crate::switchboard::{self, Switchboard};
use crate::trust::{self, Wish};

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

const EXIT_CODES: &str = "Exit codes: 0 done; 1 a scenario or a settings file has mistakes, a verification failed, the server said no, or nothing was changed; 2 the command line is wrong; 3 it cannot start or go on (a port, a certificate, a file), or no server answers.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Answer calls from a scenario file (the default)
    Serve(Box<Serve>),
    /// Find the mistakes in scenario files
    Check(Check),
    /// Print the JSON Schema of scenario files, for editors
    Schema,
    /// Print the service description (WSDL)
    Wsdl(Wsdl),
    /// Print what is imitated, how it is known, and which test holds it
    Fidelity,
    /// Bring users into a scenario; list and change those of a server that runs
    #[command(subcommand)]
    Users(Users),
    #[command(flatten)]
    Control(control::Command),
    /// Show or renew the certificates
    #[command(subcommand)]
    Certs(Certs),
    /// Check and change the settings file of Microsoft Identity Manager
    #[command(subcommand)]
    Mim(mim::Command),
    /// Look whether this machine is fit to serve, or to call; it changes nothing
    Doctor(doctor::Doctor),
    /// Serve as a service of Windows
    #[command(subcommand)]
    Service(Service),
}

#[derive(Debug, Subcommand)]
enum Service {
    #[command(flatten)]
    Act(service::Action),
    /// Serve, where Windows has started this program as the service
    #[command(hide = true)]
    Run {
        #[arg(long)]
        folder: PathBuf,
        #[command(flatten)]
        serve: Box<Serve>,
    },
}

#[derive(Args, Debug)]
struct Serve {
    /// The scenario file; without one, the built-in scenario
    scenario: Option<PathBuf>,
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

    /// The certificates of the folder, which must be there: nobody shall trust an authority that serves nobody.
    fn existing(&self) -> anyhow::Result<Certificates> {
        if !self.certs.join(certificates::AUTHORITY).exists() {
            bail!(
                "there is no authority in {}; start the server first, or name its folder with --certs",
                self.certs.display()
            );
        }
        self.open()
    }

    /// The certificates of the folder, made where they are missing.
    fn open(&self) -> anyhow::Result<Certificates> {
        Ok(Certificates::open(&self.certs, &self.host, self.keys())?)
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
            history: Bounds { bytes: self.journal_bytes, entries: self.journal_entries },
        }
    }
}

#[derive(Args, Debug)]
struct Check {
    /// The scenario files
    #[arg(required_unless_present = "explain")]
    scenarios: Vec<PathBuf>,
    /// Fail for warnings too
    #[arg(long)]
    strict: bool,
    /// Tell notes too: what may well be meant
    #[arg(long)]
    pedantic: bool,
    /// Tell what a code such as S001 means; without one, what each means
    #[arg(long, value_name = "CODE", num_args = 0..=1, default_missing_value = "")]
    explain: Option<String>,
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
    /// Write the server's certificate with its key to a PFX file, for IIS or another server
    Export(Export),
    /// Tell how clients come to trust the authority
    Trust(Trust),
    /// Tell how they come to trust it no longer
    Untrust(Trust),
}

#[derive(Args, Debug)]
struct Export {
    #[command(flatten)]
    certificates: CertificateArgs,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    pfx: PathBuf,
    /// The file that holds the password; without it, the environment's LOCMFA_PFX_PASSWORD
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// How the file is encrypted
    #[arg(long, value_enum, default_value_t = Cipher::Aes)]
    cipher: Cipher,
}

#[derive(Args, Debug)]
struct Trust {
    #[command(flatten)]
    certificates: CertificateArgs,
    /// Do it on this machine (Windows, Debian, Ubuntu)
    #[arg(long)]
    run: bool,
}

/// How a PFX file is encrypted.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Cipher {
    /// AES-256 with SHA-256: Windows Server 2019 and later
    Aes,
    /// 3DES with SHA-1: every Windows
    #[value(name = "3des")]
    TripleDes,
}

#[derive(Debug, Subcommand)]
enum Users {
    /// Read users from an export: the product's (CSV), Active Directory's (CSV, LDIF), or lines id;phone;status
    Import(Import),
    #[command(flatten)]
    Control(control::Users),
}

#[derive(Args, Debug)]
struct Import {
    /// The file to read
    file: PathBuf,
    /// The scenario that the users go into, made if it is not there; without it they go to standard output
    #[arg(long, value_name = "SCENARIO")]
    into: Option<PathBuf>,
    /// Replace users that the scenario has already
    #[arg(long, requires = "into")]
    force: bool,
    /// Put numbers that belong to nobody in the place of those that may belong to somebody
    #[arg(long)]
    fictional: bool,
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
        Command::Serve(serve) => {
            log_to_stderr(serve.log, serve.verbose);
            self::serve(*serve, told_to_stop).await
        }
        Command::Check(check) => self::check(&check),
        Command::Schema => print(&scenario::schema_text()),
        Command::Wsdl(wsdl) => print(&description::wsdl(&wsdl.address)),
        Command::Fidelity => print(include_str!("../docs/fidelity.md")),
        Command::Users(Users::Import(args)) => import(&args),
        Command::Users(Users::Control(command)) => control::users(command, &mut io::stdout(), &mut io::stderr()).await,
        Command::Control(command) => control::run(command, &mut io::stdout(), &mut io::stderr()).await,
        Command::Certs(Certs::Show(args)) => show(&args, Renewal::Keep),
        Command::Certs(Certs::New(args)) => show(&args, Renewal::New),
        Command::Certs(Certs::Export(export)) => self::export(&export),
        Command::Certs(Certs::Trust(args)) => trusted(Wish::Trust, &args),
        Command::Certs(Certs::Untrust(args)) => trusted(Wish::Untrust, &args),
        Command::Mim(command) => mim::run(&command, &mut io::stdout(), &mut mim::ask).await,
        Command::Doctor(args) => doctor::run(&args, &mut io::stdout()).await,
        Command::Service(Service::Act(action)) => act(&action),
        Command::Service(Service::Run { folder, serve }) => run_service(&folder, *serve),
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

/// Serves until told to stop. `told_to_stop` is called as soon as calls can be answered.
async fn serve<F>(args: Serve, told_to_stop: impl FnOnce() -> F) -> anyhow::Result<ExitCode>
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
        &args.certificates.host.first().cloned().unwrap_or_else(certificates::host_name),
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
    let admission = Admission::new(sign_in, &group, outsider, &certificates::host_name());
    let site = Site::new(spaces.clone(), admission, paths, args.limits.body_limit);
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
    connection::serve(listening, acceptor.map(Arc::new), app, limits, stopping).await;
    if let Some(admin) = admin {
        admin.close().await;
    }
    janitor.abort();
    reloading.iter().for_each(JoinHandle::abort);
    if let Some(file) = &args.ready_file {
        // Nobody shall take a stopped server for a ready one; a file that is gone already is as good.
        let _ = std::fs::remove_file(file);
    }
    let calls: u64 = spaces.list().iter().map(|it| it.update(|engine, _| engine.history.count(Kind::Call))).sum();
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
            Some(file) => {
                let text = text_of(file).context("the token of the admin API")?;
                let token = text.lines().next().unwrap_or_default().trim();
                if token.is_empty() {
                    bail!("{} holds no token in its first line", file.display());
                }
                Some(Secret::from(token))
            }
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
        let serving =
            tokio::spawn(connection::serve(self.listening, None, admin::router(admin.clone()), limits, closed));
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

/// The password of a PFX file: what a file holds in its first line, or the environment.
fn pfx_password(file: Option<&Path>, flag: &str) -> anyhow::Result<Secret> {
    let Some(file) = file else {
        #[expect(clippy::disallowed_methods, reason = "the command line reads the environment")]
        let password = std::env::var(PFX_PASSWORD);
        return password.map(Secret::from).map_err(|_| {
            anyhow!("a PFX file has a password; write it into a file and name that with {flag}, or set {PFX_PASSWORD} in the environment")
        });
    };
    let text = text_of(file).context("the password of the PFX file")?;
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
        write_whole(file, &text).with_context(|| {
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

fn act(action: &service::Action) -> anyhow::Result<ExitCode> {
    if let service::Action::Install(install) = action {
        // Who installs shall hear of a wrong option, and not the log.
        let words = ["locmfa".into(), "serve".into()].into_iter().chain(install.options().iter().cloned());
        let parsed = Arguments::try_parse_from(words).unwrap_or_else(|wrong| wrong.exit());
        let Some(Command::Serve(serve)) = parsed.command else {
            bail!("after `service install` come a scenario and options of `locmfa serve`");
        };
        if serve.scenario.is_some() {
            bail!("name one scenario, before the options: locmfa service install SCENARIO OPTIONS");
        }
        if serve.ready_file.is_some() {
            bail!("the service has a --ready-file already: ready.json in its folder");
        }
    }
    service::act(action, &mut io::stdout())
}

fn run_service(folder: &Path, args: Serve) -> anyhow::Result<ExitCode> {
    let style = service::log::Style { is_json: args.log == Log::Json, filter: filter(args.log, args.verbose) };
    let runtime = tokio::runtime::Handle::current();
    service::run(&service::Folder::at(folder), style, move |control| {
        runtime.block_on(serve(args, || control.running()))
    })
}

fn check(args: &Check) -> anyhow::Result<ExitCode> {
    if let Some(code) = &args.explain {
        return explain(code);
    }
    let told = |it: &Mistake| it.severity > Severity::Note || args.pedantic;
    let look = |file: &PathBuf| {
        let found = scenario::load_file(file).map_or_else(|mistakes| mistakes, |it| it.warnings);
        (file.display().to_string(), found.into_iter().filter(told).collect())
    };
    let results: Vec<(String, Vec<Mistake>)> = args.scenarios.iter().map(look).collect();
    match args.format {
        Format::Json => {
            let mistakes: Vec<&Mistake> = results.iter().flat_map(|(_, mistakes)| mistakes).collect();
            print(&(serde_json::to_string_pretty(&mistakes).context("the mistakes as JSON")? + "\n"))?;
        }
        Format::Text => {
            let mut text = String::new();
            for (file, mistakes) in &results {
                mistakes.iter().for_each(|it| text += &format!("{it}\n\n"));
                text += &match mistakes.is_empty() {
                    true => format!("{file}: no mistakes\n"),
                    false => format!("{file}: {}\n", scenario::summary(mistakes.iter().map(|it| it.severity))),
                };
            }
            print(&text)?;
        }
    }
    let bearable = if args.strict { Severity::Note } else { Severity::Warning };
    let fails = results.iter().flat_map(|(_, mistakes)| mistakes).any(|it| it.severity > bearable);
    Ok(ExitCode::from(u8::from(fails)))
}

/// Tells what a code means, or each of them.
fn explain(code: &str) -> anyhow::Result<ExitCode> {
    if code.is_empty() {
        return print(&Code::ALL.iter().map(|it| it.explained()).collect::<Vec<_>>().join("\n"));
    }
    let Some(code) = Code::named(code) else {
        bail!("there is no code {code:?}; `locmfa check --explain` tells all of them");
    };
    print(&code.explained())
}

fn import(args: &Import) -> anyhow::Result<ExitCode> {
    let text = text_of(&args.file)?;
    let imported = scenario::import::read(&text, args.fictional);
    let imported = imported.map_err(|why| anyhow::anyhow!("{}: {why}.", args.file.display()))?;
    let (text, imported) = match args.into.as_deref().filter(|it| it.exists()) {
        Some(scenario) => {
            let existing = text_of(scenario)?;
            let merged = imported.into_scenario(&existing, args.force, &|text| scenario::load_file_as(scenario, text));
            merged.map_err(|why| anyhow::anyhow!("{}: {why}", scenario.display()))?
        }
        None => (args.into.as_deref().and_then(schema_line).unwrap_or_default() + &imported.scenario(), imported),
    };
    match &args.into {
        Some(file) => write_whole(file, &text).with_context(|| format!("cannot write {}", file.display()))?,
        None => drop(print(&text)?),
    }
    let mut report = String::new();
    for it in &imported.left_out {
        report += &format!("{}:{}: left out: {}\n", args.file.display(), it.line, it.reason);
    }
    imported.notes.iter().for_each(|it| report += &format!("{it}\n"));
    if imported.real_numbers > 0 && !args.fictional {
        report += &format!(
            "{} telephone numbers may belong to somebody. --fictional puts numbers in their place that belong to nobody.\n",
            imported.real_numbers
        );
    }
    report += &format!("{} users read, {} rows left out\n", imported.len(), imported.left_out.len());
    // Nobody is left to tell if standard error is gone.
    let _ = io::stderr().write_all(report.as_bytes());
    Ok(ExitCode::SUCCESS)
}

/// The line by which editors find the schema, where it lies near a new scenario as it does in a checkout.
fn schema_line(scenario: &Path) -> Option<String> {
    let near = ["docs/scenario.schema.json", "../docs/scenario.schema.json"];
    let folder = scenario.parent()?;
    let found = near.iter().find(|it| folder.join(it).exists())?;
    Some(format!("# yaml-language-server: $schema={found}\n\n"))
}

/// The text of an export: UTF-8, UTF-16 with its mark, or what older Windows programs write.
fn text_of(file: &Path) -> anyhow::Result<String> {
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let marked = encoding_rs::Encoding::for_bom(&bytes).map(|it| it.0);
    let encoding = marked.unwrap_or_else(|| match std::str::from_utf8(&bytes) {
        Ok(_) => encoding_rs::UTF_8,
        Err(_) => encoding_rs::WINDOWS_1252,
    });
    Ok(encoding.decode(&bytes).0.into_owned())
}

/// Writes a file whole or not at all; one that is there keeps its permissions.
fn write_whole(file: &Path, text: &str) -> io::Result<()> {
    let beside = file.with_extension("part");
    std::fs::write(&beside, text)?;
    if let Ok(there) = std::fs::metadata(file) {
        std::fs::set_permissions(&beside, there.permissions())?;
    }
    std::fs::rename(&beside, file)
}

/// Whether certificates are shown as they are or made anew.
#[derive(Clone, Copy, PartialEq)]
enum Renewal {
    Keep,
    New,
}

fn show(args: &CertificateArgs, renewal: Renewal) -> anyhow::Result<ExitCode> {
    let certificates = match renewal {
        Renewal::Keep => args.open()?,
        Renewal::New => Certificates::renew(&args.certs, &args.host, args.keys())?,
    };
    let mut text = String::new();
    if let Some(authority) = certificates.authority() {
        text += &described("Authority", authority);
    }
    for pair in certificates.pairs() {
        text += &described("Server", pair.summary());
    }
    text += "locmfa certs trust tells how clients come to trust the authority.\n";
    print(&text)
}

fn export(args: &Export) -> anyhow::Result<ExitCode> {
    let certificates = args.certificates.existing()?;
    let password = pfx_password(args.password_file.as_deref(), "--password-file")?;
    let cipher = match args.cipher {
        Cipher::Aes => PfxCipher::Aes,
        Cipher::TripleDes => PfxCipher::TripleDes,
    };
    certificates.pairs()[0].export_pfx(&args.pfx, &password, cipher)?;
    print(&format!("{} holds the server's certificate and its key.\n", args.pfx.display()))
}

fn trusted(wish: Wish, args: &Trust) -> anyhow::Result<ExitCode> {
    let certificates = args.certificates.existing()?;
    let authority = certificates.authority().context("there is no authority in that folder")?;
    if !args.run {
        return print(&trust::explained(wish, authority));
    }
    trust::run(wish, authority)?;
    print(match wish {
        Wish::Trust => "This machine trusts the authority.\n",
        Wish::Untrust => "This machine trusts the authority no longer.\n",
    })
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

/// What is logged. `RUST_LOG` wins over the flags.
fn filter(log: Log, verbose: bool) -> EnvFilter {
    let level = match (log, verbose) {
        (Log::Off, _) => "off",
        (_, true) => "debug",
        (_, false) => "info",
    };
    EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level))
}

/// Logs to standard error.
fn log_to_stderr(log: Log, verbose: bool) {
    let builder = tracing_subscriber::fmt().with_env_filter(filter(log, verbose)).with_writer(io::stderr);
    match log {
        Log::Json => builder.json().flatten_event(true).init(),
        Log::Text => builder.with_ansi(io::stderr().is_terminal()).init(),
        // No subscriber: a log line that nobody reads costs nothing.
        Log::Off => (),
    }
}
