//! The accept loop, and one connection from its first byte to its last.
//!
//! One connection is one task. The loop is our own because sign-in lives on the connection, and because its limits
//! are ours to set. HTTP/1.1 only.

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_rustls::server::TlsStream;
use tower::Service;
use tracing::{debug, warn};

use super::answer::Cut;
use super::failures::Failures;
use super::trouble;
use crate::engine::Origin;
use crate::sign_in::Conversation;
use crate::tls::hello::{First, Opening, is_whole};
use crate::tls::{Acceptor, TlsFacts};
use crate::trouble::Trouble;

/// Sockets that listen.
#[derive(Debug)]
pub struct Listening {
    listeners: Vec<TcpListener>,
    addresses: Vec<SocketAddr>,
    warnings: Vec<String>,
    failures: Arc<Failures>,
}

/// Why an address cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    #[error("{0} is taken by another program; end that one, or give --listen another port (0 picks a free one)")]
    Taken(SocketAddr),
    #[error(
        "{0} is not allowed to this account; give --listen a port above 1023 (on Windows, one outside of `netsh int \
         ipv4 show excludedportrange tcp`)"
    )]
    Forbidden(SocketAddr),
    #[error("{} is not an address of this machine; give --listen one that is, or 127.0.0.1", .0.ip())]
    Elsewhere(SocketAddr),
    #[error("{address} cannot be listened on ({source}); give --listen another address")]
    Other { address: SocketAddr, source: io::Error },
    #[error("there is no address to listen on; give --listen at least one")]
    None,
}

/// What a connection may take, and for how long.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at one time. One more waits, accepted and unanswered, until another ends: a burst is served
    /// late, not refused.
    pub connections: u32,
    /// Bytes of a request's line and headers, 8 KiB at least; more are answered with 431.
    pub header_bytes: usize,
    /// From a request's first byte to the end of its headers.
    pub header_time: Duration,
    /// From one request's answer to the next request. 120 s in IIS.
    pub idle_time: Duration,
    pub handshake_time: Duration,
    /// What open calls are given to end when the server ends.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // Each open challenge holds one.
            connections: 20_000,
            header_bytes: 64 * 1024,
            header_time: Duration::from_secs(30),
            idle_time: Duration::from_secs(120),
            handshake_time: Duration::from_secs(10),
            grace: Duration::from_secs(10),
        }
    }
}

/// What is known of the connection that a request came over. Every request has it as an
/// `Extension<Arc<Connection>>`.
#[derive(Debug)]
pub struct Connection {
    /// Unique while the server runs.
    pub id: u64,
    pub peer: SocketAddr,
    pub local: SocketAddr,
    /// Nothing on a plain connection.
    pub tls: Option<TlsFacts>,
    /// How far the client has signed in: Windows authentication lives on the connection.
    pub sign_in: Mutex<Conversation>,
    /// What the journal tells of it.
    origin: OnceLock<Arc<Origin>>,
    /// Where it is kept if the connection or the sign-in fails.
    failures: Arc<Failures>,
}

impl Connection {
    #[must_use]
    pub fn new(id: u64, peer: SocketAddr, local: SocketAddr, tls: Option<TlsFacts>) -> Self {
        Self { id, peer, local, tls, sign_in: Mutex::default(), origin: OnceLock::new(), failures: Arc::default() }
    }

    /// Whether the client runs on this machine: from loopback, or from the address that it called. So ASP.NET's
    /// `Request.IsLocal` has it.
    #[must_use]
    pub fn is_local(&self) -> bool {
        let (peer, local) = (self.peer.ip().to_canonical(), self.local.ip().to_canonical());
        peer.is_loopback() || peer == local
    }

    /// What the journal tells of it.
    pub(super) fn origin(&self) -> &Arc<Origin> {
        self.origin.get_or_init(|| {
            let tls = self.tls.as_ref();
            let server_name = tls.and_then(|it| it.server_name.as_deref());
            Arc::new(Origin {
                connection: self.id,
                peer: self.peer.to_string().into(),
                tls: tls.map_or("", |it| it.version).into(),
                suite: tls.map_or("", |it| &it.suite).into(),
                server_name: server_name.unwrap_or_default().into(),
            })
        })
    }

    /// Keeps why the connection or a sign-in on it failed.
    pub(super) fn keep(&self, trouble: &Trouble) {
        self.failures.keep(self.peer, trouble);
    }

    /// Logs why the connection failed: the one line about it.
    fn report(&self, trouble: &Trouble) {
        let (id, peer, local) = (self.id, self.peer, self.local);
        let server_name = self.tls.as_ref().and_then(|tls| tls.server_name.as_deref());
        let (kind, hint, see) = (trouble.kind(), trouble.remedy(), trouble.page());
        // Port scanners, load balancers and monitors do this all day.
        if matches!(trouble, Trouble::Probe {}) {
            debug!(connection = id, %peer, %local, trouble = kind, what = %trouble, "connection failed");
            return;
        }
        self.keep(trouble);
        warn!(connection = id, %peer, %local, server_name, trouble = kind, what = %trouble, hint, see, "connection failed");
    }
}

impl Listening {
    /// Listens on all the addresses. Where the port is 0, one port that is free on all of them is picked. A machine
    /// without `::1` goes without it when there is another address.
    ///
    /// # Errors
    /// [`BindError`]
    pub async fn bind(addresses: &[SocketAddr]) -> Result<Self, BindError> {
        let picks = addresses.iter().any(|address| address.port() == 0);
        let mut tries = 8;
        loop {
            tries -= 1;
            match Self::bind_once(addresses).await {
                // The port that was free on one address was not on the next.
                Err(BindError::Taken(_)) if picks && tries > 0 => {}
                outcome => return outcome,
            }
        }
    }

    async fn bind_once(addresses: &[SocketAddr]) -> Result<Self, BindError> {
        let mut listening =
            Self { listeners: Vec::new(), addresses: Vec::new(), warnings: Vec::new(), failures: Arc::default() };
        let mut picked = 0;
        for address in addresses {
            let mut address = *address;
            if address.port() == 0 {
                address.set_port(picked);
            }
            if listening.addresses.contains(&address) {
                continue;
            }
            let bound = TcpListener::bind(address).await.and_then(|listener| Ok((listener.local_addr()?, listener)));
            match bound {
                Ok((bound, listener)) => {
                    if address.port() == 0 {
                        picked = bound.port();
                    }
                    listening.addresses.push(bound);
                    listening.listeners.push(listener);
                }
                Err(error) => match BindError::new(address, error) {
                    error @ (BindError::Elsewhere(_) | BindError::Other { .. })
                        if address.ip() == IpAddr::from(Ipv6Addr::LOCALHOST) && addresses.len() > 1 =>
                    {
                        listening.warnings.push(error.to_string());
                    }
                    error => return Err(error),
                },
            }
        }
        if listening.listeners.is_empty() { Err(BindError::None) } else { Ok(listening) }
    }

    /// The addresses that are listened on, with their true ports.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// What people should know, though it stops nothing.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// What fails on these sockets from now on.
    #[must_use]
    pub fn failures(&self) -> Arc<Failures> {
        self.failures.clone()
    }
}

impl BindError {
    fn new(address: SocketAddr, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::AddrInUse => Self::Taken(address),
            io::ErrorKind::PermissionDenied => Self::Forbidden(address),
            io::ErrorKind::AddrNotAvailable => Self::Elsewhere(address),
            _ => Self::Other { address, source },
        }
    }
}

/// How a conversation ended.
#[derive(Debug)]
pub enum End {
    /// As either side may end it between two requests.
    Orderly,
    /// The client left before it asked anything.
    Unasked(Option<hyper::Error>),
    /// The client took too long over a request's headers.
    Slow,
    Broken(hyper::Error),
}

/// Serves until `shutdown`; then takes no more connections, closes idle ones, gives open calls their grace, and
/// returns. Calls that are still open then are cut off.
pub async fn serve(
    listening: Listening,
    tls: Option<Arc<Acceptor>>,
    app: Router,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) {
    let connections = limits.connections;
    let places = Arc::new(Semaphore::new(connections as usize));
    let (stage, stages) = watch::channel(Stage::Serving);
    let failures = listening.failures;
    let server = Arc::new(Server { tls, app, limits, places: places.clone(), next_id: AtomicU64::new(1), failures });

    let mut accepting = JoinSet::new();
    for listener in listening.listeners {
        accepting.spawn(server.clone().accept(listener, stages.clone()));
    }
    shutdown.await;
    accepting.shutdown().await;
    stage.send_replace(Stage::Ending);
    // A connection gives its place back when it ends.
    if timeout(server.limits.grace, places.acquire_many(connections)).await.is_err() {
        warn!(connections = connections as usize - places.available_permits(), "calls cut off");
        stage.send_replace(Stage::Cut);
        let _ = places.acquire_many(connections).await;
    }
}

/// Speaks HTTP/1.1 over one connection until it ends. When `ending` is ready it ends after the call that is open,
/// if any.
pub async fn converse<S>(
    stream: S,
    connection: Arc<Connection>,
    app: Router,
    limits: &Limits,
    ending: impl Future<Output = ()>,
) -> End
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let pace = Arc::new(Pace(Mutex::new(Phase::Fresh(Instant::now()))));
    let stream = TokioIo::new(Paced { stream, pace: pace.clone() });
    let service = {
        let pace = pace.clone();
        hyper::service::service_fn(move |mut request: Request<Incoming>| {
            pace.set(Phase::Call);
            request.extensions_mut().insert(connection.clone());
            let answer = app.clone().call(request);
            let pace = pace.clone();
            async move {
                let answer = answer.await;
                pace.set(Phase::Idle(Instant::now()));
                let cut = answer.as_ref().is_ok_and(|it| it.extensions().get::<Cut>().is_some());
                // What hyper gets no answer for, it closes.
                if cut {
                    Err(io::Error::from(io::ErrorKind::ConnectionAborted))
                } else {
                    answer.map_err(|it| match it {})
                }
            }
        })
    };
    let mut http = pin!(
        http1::Builder::new()
            .max_buf_size(limits.header_bytes)
            // Both by `Pace`, which costs no timer for each request and tells idleness from a slow header.
            .header_read_timeout(None)
            .title_case_headers(true)
            // The service writes the date, in the place where IIS has it.
            .auto_date_header(false)
            .serve_connection(stream, service)
    );
    let mut ending = pin!(ending);
    // Whether the end is the server's doing.
    let mut ends = false;
    let mut timer = pin!(sleep(limits.idle_time));

    std::future::poll_fn(|cx| {
        if !ends && ending.as_mut().poll(cx).is_ready() {
            ends = true;
            http.as_mut().graceful_shutdown();
        }
        loop {
            if let Poll::Ready(end) = http.as_mut().poll(cx) {
                return Poll::Ready(match (end, pace.get()) {
                    (end, Phase::Fresh(_)) if !ends => End::Unasked(end.err()),
                    (Ok(()), _) => End::Orderly,
                    // Only a scenario that wants the connection cut fails a call.
                    (Err(error), _) if error.is_user() => End::Orderly,
                    (Err(error), _) => End::Broken(error),
                });
            }
            let due = pace.due(limits);
            if let Some(due) = due
                && due < timer.deadline()
            {
                timer.as_mut().reset(due);
            }
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            match due {
                Some(due) if due > timer.deadline() => timer.as_mut().reset(due),
                Some(_) if pace.is_idle() => {
                    pace.set(Phase::Call);
                    ends = true;
                    http.as_mut().graceful_shutdown();
                }
                Some(_) => return Poll::Ready(End::Slow),
                None => {
                    let later = timer.deadline() + limits.idle_time;
                    timer.as_mut().reset(later);
                }
            }
        }
    })
    .await
}

// -------------------------------------------------------------------------------------------------------------
// Accepting

/// What every connection is served with.
#[derive(Debug)]
struct Server {
    tls: Option<Arc<Acceptor>>,
    app: Router,
    limits: Limits,
    places: Arc<Semaphore>,
    next_id: AtomicU64,
    failures: Arc<Failures>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stage {
    Serving,
    /// No more calls.
    Ending,
    /// No more patience.
    Cut,
}

impl Server {
    async fn accept(self: Arc<Self>, listener: TcpListener, stages: watch::Receiver<Stage>) {
        loop {
            let (stream, peer) = match listener.accept().await {
                Ok(accepted) => accepted,
                // The client went away before its turn came.
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::ConnectionAborted
                            | io::ErrorKind::ConnectionRefused
                            | io::ErrorKind::ConnectionReset
                    ) =>
                {
                    continue;
                }
                // No file descriptors or no memory, most likely: connections that end give some back.
                Err(error) => {
                    warn!(%error, "no connection can be accepted");
                    sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let place = match self.places.clone().try_acquire_owned() {
                Ok(place) => place,
                Err(_) => {
                    warn!(limit = self.limits.connections, %peer, "connection waits: the limit is reached");
                    let Ok(place) = self.places.clone().acquire_owned().await else { return };
                    place
                }
            };
            tokio::spawn(self.clone().run(stream, peer, place, stages.clone()));
        }
    }

    async fn run(
        self: Arc<Self>,
        stream: TcpStream,
        peer: SocketAddr,
        _place: OwnedSemaphorePermit,
        mut stages: watch::Receiver<Stage>,
    ) {
        let mut cut = stages.clone();
        let ending = async {
            // Without its sender `serve` itself is gone, which is an end, too.
            let _ = stages.wait_for(|stage| *stage != Stage::Serving).await;
        };
        tokio::select! {
            () = self.talk(stream, peer, ending) => {}
            _ = cut.wait_for(|stage| *stage == Stage::Cut) => {}
        }
    }

    async fn talk(&self, stream: TcpStream, peer: SocketAddr, ending: impl Future<Output = ()>) {
        // A client that is gone already has no address.
        let Ok(local) = stream.local_addr() else { return };
        let _ = stream.set_nodelay(true);
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let connection = Connection { failures: self.failures.clone(), ..Connection::new(id, peer, local, None) };
        let mut ending = pin!(ending);
        if let Some(tls) = &self.tls {
            let shaken = tokio::select! {
                shaken = self.shake_hands(tls, stream, &connection) => shaken,
                () = &mut ending => return,
            };
            if let Some((stream, facts)) = shaken {
                self.converse(stream, Connection { tls: Some(facts), ..connection }, ending).await;
            }
        } else {
            let opened = tokio::select! {
                opened = self.open_plainly(stream, &connection) => opened,
                () = &mut ending => return,
            };
            if let Some(stream) = opened {
                self.converse(stream, connection, ending).await;
            }
        }
    }

    async fn shake_hands(
        &self,
        tls: &Acceptor,
        stream: TcpStream,
        connection: &Connection,
    ) -> Option<(TlsStream<Opening<TcpStream>>, TlsFacts)> {
        let deadline = Instant::now() + self.limits.handshake_time;
        let mut opening = Opening::new(stream);
        let slow = Trouble::Slow { what: "the TLS handshake" };
        let read = timeout_at(deadline, opening.read_until(is_whole)).await;
        match trouble::before_handshake(opening.bytes()) {
            Some(Trouble::Probe {}) | None if read.is_err() => connection.report(&slow),
            Some(trouble) => {
                connection.report(&trouble);
                if let Trouble::PlainHttp { .. } = trouble {
                    let text = "This port speaks HTTPS: write https:// in the URL.\n";
                    let _ = timeout_at(deadline, answer_in_text(opening.into_inner(), text)).await;
                }
            }
            None => match timeout_at(deadline, tls.accept(opening)).await {
                Ok(Ok(shaken)) => return Some(shaken),
                Ok(Err((error, opening))) => {
                    connection.report(&trouble::in_handshake(&error, opening.bytes(), &tls.offer()));
                }
                Err(_) => connection.report(&slow),
            },
        }
        None
    }

    async fn open_plainly(&self, stream: TcpStream, connection: &Connection) -> Option<Opening<TcpStream>> {
        let mut opening = Opening::new(stream);
        // A client may connect long before it asks.
        let read = timeout(self.limits.idle_time, opening.read_until(|bytes| !bytes.is_empty())).await;
        match First::of(opening.bytes()) {
            First::Tls => {
                connection.report(&Trouble::TlsOnPlainPort {});
                // Clients of TLS know this answer, and say that they met plain HTTP.
                let answer = answer_in_text(opening.into_inner(), "This port speaks HTTP: write http:// in the URL.\n");
                let _ = timeout(self.limits.handshake_time, answer).await;
                None
            }
            First::Nothing => {
                if read.is_ok() {
                    connection.report(&Trouble::Probe {});
                }
                None
            }
            _ => Some(opening),
        }
    }

    async fn converse<S>(&self, stream: S, connection: Connection, ending: impl Future<Output = ()>)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let connection = Arc::new(connection);
        let trouble = match converse(stream, connection.clone(), self.app.clone(), &self.limits, ending).await {
            End::Orderly => return,
            End::Unasked(error) => match (&self.tls, &connection.tls) {
                (Some(tls), Some(facts)) => {
                    let error = error.as_ref().and_then(std::error::Error::source).and_then(|it| it.downcast_ref());
                    trouble::after_handshake(error, facts.server_name.as_deref(), &tls.offer())
                }
                _ => Trouble::Probe {},
            },
            End::Slow => Trouble::Slow { what: "a request's headers" },
            End::Broken(error) if error.is_parse() => Trouble::BadRequest { reason: error.to_string() },
            End::Broken(error) => {
                debug!(connection = connection.id, peer = %connection.peer, %error, "connection broke");
                return;
            }
        };
        connection.report(&trouble);
    }
}

/// Answers a request that came to the wrong port, and waits until the client has gone: closing while it still sends
/// could take the answer from it.
async fn answer_in_text(mut stream: TcpStream, text: &str) -> io::Result<()> {
    let head = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n";
    let answer = format!("{head}Content-Length: {}\r\n\r\n{text}", text.len());
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await?;
    tokio::io::copy(&mut stream.take(1 << 20), &mut tokio::io::sink()).await?;
    Ok(())
}

const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

// -------------------------------------------------------------------------------------------------------------
// Pace

/// Where a connection is, so that one timer for its whole life can tell when it takes too long.
#[derive(Debug)]
struct Pace(Mutex<Phase>);

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// Nothing at all since.
    Fresh(Instant),
    /// No further request since.
    Idle(Instant),
    /// A request's headers have been coming since.
    Head(Instant),
    /// A call may last as long as it likes.
    Call,
}

impl Pace {
    fn set(&self, phase: Phase) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = phase;
    }

    fn get(&self) -> Phase {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_idle(&self) -> bool {
        matches!(self.get(), Phase::Fresh(_) | Phase::Idle(_))
    }

    fn due(&self, limits: &Limits) -> Option<Instant> {
        match self.get() {
            Phase::Fresh(since) | Phase::Idle(since) => Some(since + limits.idle_time),
            Phase::Head(since) => Some(since + limits.header_time),
            Phase::Call => None,
        }
    }
}

/// A stream that tells the pace when a request begins.
#[derive(Debug)]
struct Paced<S> {
    stream: S,
    pace: Arc<Pace>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before && self.pace.is_idle() {
            self.pace.set(Phase::Head(Instant::now()));
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests;
