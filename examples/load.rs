//! The load of `benches/sign-in`: the same call again and again, over connections that are new each time or stay
//! open, signed in by NTLM where the server asks for it.
//!
//! It does less than the server, so that it is the server's core which is full: it checks no certificate, reads of an
//! answer what it needs, and offers one cipher suite for each version of TLS. It resumes no TLS session.

use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clap::{Parser, ValueEnum};
use locmfa::contract::Secret;
use locmfa::sign_in::{Credentials, Scheme, SignIn, Surroundings};
use locmfa::tls::AcceptAny;
use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::{cipher_suite, default_provider};
use rustls::pki_types::ServerName;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Prints units per second, the 99th percentile of their time in ms, and the server's processor time for each in µs.
#[derive(Parser)]
struct Load {
    unit: Unit,
    #[arg(long)]
    port: u16,
    /// The server's process.
    #[arg(long)]
    pid: u32,
    /// How many a second are begun; without it, as many as the server answers.
    #[arg(long)]
    rate: Option<f64>,
    /// The file with the envelope.
    #[arg(long)]
    body: String,
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Connections at a time.
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// 1.2 or 1.3
    #[arg(long, default_value = "1.2")]
    tls: String,
    /// Signs in by NTLM. Without it, the server may not ask for a sign-in.
    #[arg(long, requires = "password")]
    account: Option<String>,
    #[arg(long)]
    password: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Unit {
    /// A connection of three requests: the legs of NTLM, or three calls.
    Connection,
    /// A call on a connection that stays open.
    Call,
}

/// What all connections share.
struct Plan {
    port: u16,
    tls: TlsConnector,
    body: String,
    credentials: Option<Credentials>,
    /// From one beginning to the next.
    pause: Duration,
    begun: AtomicU32,
}

struct Connection {
    stream: TlsStream<TcpStream>,
    received: Vec<u8>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let load = Load::parse();
    let plan = Arc::new(Plan {
        port: load.port,
        tls: TlsConnector::from(Arc::new(config(&load.tls)?)),
        body: std::fs::read_to_string(&load.body).context(load.body)?,
        credentials: load
            .account
            .zip(load.password)
            .map(|(account, password)| Credentials { account, password: Secret::from(password) }),
        pause: load.rate.map_or(Duration::ZERO, |it| Duration::from_secs_f64(1.0 / it)),
        begun: AtomicU32::new(0),
    });
    let mut open = Vec::new();
    for _ in 0..load.connections {
        open.push(match load.unit {
            Unit::Connection => None,
            Unit::Call => Some(Connection::signed_in(&plan).await?),
        });
    }

    let busy = busy(load.pid)?;
    let started = Instant::now();
    let ends = started + Duration::from_secs_f64(load.seconds);
    let mut workers = JoinSet::new();
    for connection in open {
        workers.spawn(work(plan.clone(), connection, started, ends));
    }
    let mut times = Vec::new();
    while let Some(worked) = workers.join_next().await {
        times.append(&mut worked??);
    }
    let took = started.elapsed();
    let busy = self::busy(load.pid)? - busy;
    ensure!(!times.is_empty(), "nothing was done in {} seconds", load.seconds);
    times.sort_unstable();
    let count = f64::from(u32::try_from(times.len())?);
    let p99 = times[times.len() * 99 / 100];
    let (rate, cost) = (count / took.as_secs_f64(), busy.as_secs_f64() * 1e6 / count);
    writeln!(io::stdout(), "{rate:.0} {:.2} {cost:.1}", p99.as_secs_f64() * 1e3)?;
    Ok(())
}

/// How long each unit took: the calls on an open connection, or connections.
async fn work(
    plan: Arc<Plan>,
    mut open: Option<Connection>,
    start: Instant,
    ends: Instant,
) -> anyhow::Result<Vec<Duration>> {
    let mut times = Vec::new();
    loop {
        let due = start + plan.pause * plan.begun.fetch_add(1, Ordering::Relaxed);
        if Instant::now().max(due) >= ends {
            return Ok(times);
        }
        if !plan.pause.is_zero() {
            sleep_until(due).await;
        }
        let started = Instant::now();
        match &mut open {
            Some(connection) => connection.call(&plan).await?,
            None => {
                let mut connection = Connection::signed_in(&plan).await?;
                if plan.credentials.is_none() {
                    connection.call(&plan).await?;
                    connection.call(&plan).await?;
                }
                connection.stream.shutdown().await?;
            }
        }
        times.push(started.elapsed());
    }
}

impl Connection {
    /// Connects and calls, which takes three requests where the server asks who calls.
    async fn signed_in(plan: &Plan) -> anyhow::Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, plan.port)).await?;
        stream.set_nodelay(true)?;
        let stream = plan.tls.connect(ServerName::try_from("localhost")?, stream).await?;
        let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first).map(Sha256::digest);
        let mut connection = Self { stream, received: Vec::with_capacity(4096) };
        let Some(credentials) = &plan.credentials else {
            connection.call(plan).await?;
            return Ok(connection);
        };
        let (status, _) = connection.post(&plan.body, None).await?;
        ensure!(status == 401, "the first answer is {status}");
        let (mut sign_in, authorization) = SignIn::begin(Scheme::Ntlm, credentials);
        let (_, offers) = connection.post("", Some(&authorization)).await?;
        #[expect(clippy::disallowed_methods, reason = "sign-in runs on the world's time")]
        let now = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH)?;
        let around = Surroundings {
            host: "localhost",
            server_certificate_hash: certificate.as_deref(),
            now,
            // The load needs no secrecy.
            random: [7; 24],
        };
        let authorization = sign_in.go_on(&offers, &around)?;
        let (status, _) = connection.post(&plan.body, Some(&authorization)).await?;
        ensure!(status == 200, "the answer to the sign-in is {status}");
        Ok(connection)
    }

    async fn call(&mut self, plan: &Plan) -> anyhow::Result<()> {
        let (status, _) = self.post(&plan.body, None).await?;
        ensure!(status == 200, "the answer is {status}");
        Ok(())
    }

    /// The status of an answer, and its `WWW-Authenticate`.
    async fn post(&mut self, body: &str, authorization: Option<&str>) -> anyhow::Result<(u16, Vec<String>)> {
        let authorization = authorization.map(|it| format!("Authorization: {it}\r\n")).unwrap_or_default();
        let request = format!(
            "POST /MultiFactorAuthWebServiceSdk/PfWsSdk.asmx HTTP/1.1\r\n\
             Host: localhost\r\n\
             Content-Type: text/xml; charset=utf-8\r\n\
             SOAPAction: \"http://www.phonefactor.com/PfWsSdk/PfAuthUser_4\"\r\n\
             {authorization}Content-Length: {}\r\n\r\n{body}",
            body.len(),
        );
        self.stream.write_all(request.as_bytes()).await?;
        self.stream.flush().await?;
        self.received.clear();
        let head = loop {
            self.receive().await?;
            if let Some(end) = memchr::memmem::find(&self.received, b"\r\n\r\n") {
                break end;
            }
        };
        let mut lines = std::str::from_utf8(&self.received[..head])?.split("\r\n");
        let status = lines.next().and_then(|it| it.split(' ').nth(1)).context("no status")?.parse()?;
        let (mut length, mut offers) = (None, Vec::new());
        for (name, value) in lines.filter_map(|it| it.split_once(": ")) {
            if name.eq_ignore_ascii_case("content-length") {
                length = Some(value.parse::<usize>()?);
            } else if name.eq_ignore_ascii_case("www-authenticate") {
                offers.push(value.into());
            }
        }
        let length = head + 4 + length.context("no length")?;
        while self.received.len() < length {
            self.receive().await?;
        }
        Ok((status, offers))
    }

    async fn receive(&mut self) -> anyhow::Result<()> {
        ensure!(self.stream.read_buf(&mut self.received).await? > 0, "the server ended the connection");
        Ok(())
    }
}

/// The processor time that a process has used, as Linux counts it.
fn busy(pid: u32) -> anyhow::Result<Duration> {
    let mut nanoseconds = 0;
    for thread in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        let text = std::fs::read_to_string(thread?.path().join("schedstat"))?;
        nanoseconds += text.split(' ').next().unwrap_or_default().parse::<u64>()?;
    }
    Ok(Duration::from_nanos(nanoseconds))
}

fn config(tls: &str) -> anyhow::Result<ClientConfig> {
    let (version, suite) = match tls {
        "1.2" => (&rustls::version::TLS12, cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256),
        "1.3" => (&rustls::version::TLS13, cipher_suite::TLS13_AES_128_GCM_SHA256),
        _ => bail!("no version of TLS: {tls}"),
    };
    let provider = CryptoProvider { cipher_suites: vec![suite], ..default_provider() };
    let verifier = Arc::new(AcceptAny::unjudged(&provider));
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[version])?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(config)
}
