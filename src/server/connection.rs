//! The accept loop, and one connection from its first byte to its last.
//!
//! One connection is one task. The loop is our own because sign-in lives on the connection, and because its limits
//! are ours to set. HTTP/1.1 only.

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tower::Service;
use tracing::{debug, warn};

use super::tls::{Acceptor, TlsFacts};

/// Sockets that listen.
#[derive(Debug)]
pub struct Listening {
    listeners: Vec<TcpListener>,
    addresses: Vec<SocketAddr>,
    warnings: Vec<String>,
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
}

impl Connection {
    #[must_use]
    pub fn new(id: u64, peer: SocketAddr, local: SocketAddr, tls: Option<TlsFacts>) -> Self {
        Self { id, peer, local, tls }
    }

    /// Whether the client runs on this machine: from loopback, or from the address that it called. So ASP.NET's
    /// `Request.IsLocal` has it.
    #[must_use]
    pub fn is_local(&self) -> bool {
        let (peer, local) = (self.peer.ip().to_canonical(), self.local.ip().to_canonical());
        peer.is_loopback() || peer == local
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
        let mut listening = Self { listeners: Vec::new(), addresses: Vec::new(), warnings: Vec::new() };
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
    let server = Arc::new(Server { tls, app, limits, places: places.clone(), next_id: AtomicU64::new(1) });

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
///
/// # Errors
/// What broke the connection.
pub async fn converse<S>(
    stream: S,
    connection: Connection,
    app: Router,
    limits: &Limits,
    ending: impl Future<Output = ()>,
) -> Result<(), hyper::Error>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let connection = Arc::new(connection);
    let pace = Arc::new(Pace(Mutex::new(Phase::Idle(Instant::now()))));
    let stream = TokioIo::new(Paced { stream, pace: pace.clone() });
    let service = {
        let (connection, pace) = (connection.clone(), pace.clone());
        hyper::service::service_fn(move |mut request: Request<Incoming>| {
            pace.set(Phase::Call);
            request.extensions_mut().insert(connection.clone());
            let answer = app.clone().call(request);
            let pace = pace.clone();
            async move {
                let answer = answer.await;
                pace.set(Phase::Idle(Instant::now()));
                answer
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
    let mut ends = false;
    let mut timer = pin!(sleep(limits.idle_time));

    std::future::poll_fn(|cx| {
        if !ends && ending.as_mut().poll(cx).is_ready() {
            ends = true;
            http.as_mut().graceful_shutdown();
        }
        loop {
            if let Poll::Ready(end) = http.as_mut().poll(cx) {
                return Poll::Ready(end);
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
                    http.as_mut().graceful_shutdown();
                }
                Some(_) => {
                    debug!(connection = connection.id, peer = %connection.peer, "headers came too slowly");
                    return Poll::Ready(Ok(()));
                }
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
            // The sender outlives every connection.
            let _ = stages.wait_for(|stage| *stage != Stage::Serving).await;
        };
        tokio::select! {
            () = self.talk(stream, peer, ending) => {}
            _ = cut.wait_for(|stage| *stage == Stage::Cut) => {}
        }
    }

    async fn talk(&self, stream: TcpStream, peer: SocketAddr, ending: impl Future<Output = ()>) {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        // A client that is gone already has no address.
        let Ok(local) = stream.local_addr() else { return };
        let _ = stream.set_nodelay(true);
        let mut ending = pin!(ending);

        let end = if let Some(tls) = &self.tls {
            let shaken = tokio::select! {
                shaken = timeout(self.limits.handshake_time, tls.accept(stream)) => shaken,
                () = &mut ending => return,
            };
            let (stream, facts) = match shaken {
                Ok(Ok(accepted)) => accepted,
                Ok(Err(error)) => {
                    warn!(connection = id, %peer, %error, "TLS handshake failed");
                    return;
                }
                Err(_) => {
                    warn!(connection = id, %peer, "TLS handshake took too long");
                    return;
                }
            };
            let connection = Connection::new(id, peer, local, Some(facts));
            converse(stream, connection, self.app.clone(), &self.limits, ending).await
        } else {
            let connection = Connection::new(id, peer, local, None);
            converse(stream, connection, self.app.clone(), &self.limits, ending).await
        };
        if let Err(error) = end {
            debug!(connection = id, %peer, %error, "connection broke");
        }
    }
}

const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

// -------------------------------------------------------------------------------------------------------------
// Pace

/// Where a connection is, so that one timer for its whole life can tell when it takes too long.
#[derive(Debug)]
struct Pace(Mutex<Phase>);

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// No request since.
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
        matches!(self.get(), Phase::Idle(_))
    }

    fn due(&self, limits: &Limits) -> Option<Instant> {
        match self.get() {
            Phase::Idle(since) => Some(since + limits.idle_time),
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
mod tests {
    use std::path::Path;

    use axum::Extension;
    use axum::routing::any;
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, ServerName};
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
    use tokio::sync::{Notify, oneshot};
    use tokio::task::JoinHandle;
    use tokio_rustls::TlsConnector;
    use tokio_rustls::client::TlsStream;

    use super::*;
    use crate::server::certificates::Certificates;

    const PICK: &str = "127.0.0.1:0";

    /// A server on a free port, ended when told.
    struct Running {
        address: SocketAddr,
        stop: oneshot::Sender<()>,
        served: JoinHandle<()>,
    }

    impl Running {
        async fn start(tls: Option<Arc<Acceptor>>, app: Router, limits: Limits) -> Self {
            let listening = Listening::bind(&[PICK.parse().unwrap()]).await.unwrap();
            let address = listening.addresses()[0];
            let (stop, stopped) = oneshot::channel();
            let served = tokio::spawn(serve(listening, tls, app, limits, async {
                let _ = stopped.await;
            }));
            Self { address, stop, served }
        }

        async fn plain(limits: Limits) -> Self {
            Self::start(None, facts(), limits).await
        }

        async fn connect(&self) -> TcpStream {
            TcpStream::connect(self.address).await.unwrap()
        }
    }

    /// Answers with what is known of the connection.
    fn facts() -> Router {
        Router::new().fallback(any(|Extension(connection): Extension<Arc<Connection>>| async move {
            let tls = connection.tls.as_ref().map(|tls| format!("{} {} {:?}", tls.version, tls.suite, tls.server_name));
            format!("{} local={} {}", connection.id, connection.is_local(), tls.unwrap_or_default())
        }))
    }

    async fn shake(directory: &Path, address: SocketAddr) -> TlsStream<TcpStream> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(directory.join("authority.pem")).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let stream = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
    }

    /// Sends a request and reads its answer, whose body is text: the status line and the body.
    async fn call(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> (String, String) {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        answer(stream).await
    }

    async fn answer(stream: &mut (impl AsyncRead + Unpin)) -> (String, String) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap();
        let length = head.split("Content-Length: ").nth(1).and_then(|rest| rest.split('\r').next());
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        stream.read_exact(&mut body).await.unwrap();
        (head.lines().next().unwrap().to_owned(), String::from_utf8(body).unwrap())
    }

    /// What the server still says before it closes.
    async fn rest(stream: &mut (impl AsyncRead + Unpin)) -> String {
        let mut rest = Vec::new();
        // A reset is an end, too.
        let _ = stream.read_to_end(&mut rest).await;
        String::from_utf8(rest).unwrap()
    }

    #[tokio::test]
    async fn a_client_that_trusts_the_authority_calls_again_and_again_over_one_connection() {
        let directory = tempfile::tempdir().unwrap();
        let acceptor = Acceptor::new(&Certificates::open(directory.path(), &[]).unwrap());
        let server = Running::start(Some(Arc::new(acceptor)), facts(), Limits::default()).await;
        let mut stream = shake(directory.path(), server.address).await;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
        for _ in 0..3 {
            let (status, body) = call(&mut stream).await;
            assert_eq!(status, "HTTP/1.1 200 OK");
            assert_eq!(body, "1 local=true TLS 1.3 TLS_AES_128_GCM_SHA256 Some(\"localhost\")");
        }
        let mut stream = shake(directory.path(), server.address).await;
        assert!(call(&mut stream).await.1.starts_with("2 "));
    }

    #[tokio::test]
    async fn headers_beyond_the_limit_are_refused() {
        let server = Running::plain(Limits { header_bytes: 8 * 1024, ..Limits::default() }).await;
        let mut stream = server.connect().await;
        let head = format!("GET / HTTP/1.1\r\nX: {}\r\n", "x".repeat(8 * 1024));
        stream.write_all(head.as_bytes()).await.unwrap();
        assert_eq!(answer(&mut stream).await.0, "HTTP/1.1 431 Request Header Fields Too Large");
    }

    /// A conversation without a socket, so that its time can be paused.
    fn pipe(app: Router, limits: Limits) -> DuplexStream {
        let (near, far) = tokio::io::duplex(4096);
        let address = PICK.parse().unwrap();
        tokio::spawn(async move {
            let connection = Connection::new(1, address, address, None);
            converse(far, connection, app, &limits, std::future::pending()).await
        });
        near
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_connection_is_closed() {
        let limits = Limits::default();
        let began = Instant::now();
        let mut stream = pipe(facts(), limits.clone());
        sleep(Duration::from_secs(100)).await;
        call(&mut stream).await;
        assert_eq!(rest(&mut stream).await, "");
        assert_eq!(began.elapsed().as_secs(), 100 + limits.idle_time.as_secs());

        assert_eq!(rest(&mut pipe(facts(), limits)).await, "");
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_whose_headers_never_end_is_closed() {
        let limits = Limits::default();
        let mut stream = pipe(facts(), limits.clone());
        call(&mut stream).await;
        stream.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
        let began = Instant::now();
        assert_eq!(rest(&mut stream).await, "");
        assert_eq!(began.elapsed().as_secs(), limits.header_time.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_may_last_longer_than_a_connection_may_idle() {
        let app = Router::new().fallback(any(|| async {
            sleep(Duration::from_secs(3600)).await;
            "at last"
        }));
        let mut stream = pipe(app, Limits::default());
        for _ in 0..2 {
            assert_eq!(call(&mut stream).await.1, "at last");
        }
    }

    #[tokio::test]
    async fn a_handshake_that_never_begins_is_given_up() {
        let directory = tempfile::tempdir().unwrap();
        let acceptor = Acceptor::new(&Certificates::open(directory.path(), &[]).unwrap());
        let limits = Limits { handshake_time: Duration::from_millis(50), ..Limits::default() };
        let server = Running::start(Some(Arc::new(acceptor)), facts(), limits).await;
        assert_eq!(rest(&mut server.connect().await).await, "");
    }

    #[tokio::test]
    async fn a_connection_beyond_the_limit_waits_for_its_turn() {
        let server = Running::plain(Limits { connections: 1, ..Limits::default() }).await;
        let mut first = server.connect().await;
        call(&mut first).await;
        let mut second = server.connect().await;
        second.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        assert!(call(&mut first).await.1.starts_with("1 "));
        drop(first);
        assert!(answer(&mut second).await.1.starts_with("2 "));
    }

    #[tokio::test]
    async fn the_end_lets_open_calls_end_and_closes_idle_connections() {
        let (arrived, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let app = Router::new().route("/", {
            let (arrived, go) = (arrived.clone(), go.clone());
            any(move || async move {
                arrived.notify_one();
                go.notified().await;
                "done"
            })
        });
        let server = Running::start(None, app, Limits::default()).await;
        let (mut fresh, mut idle, mut open) = (server.connect().await, server.connect().await, server.connect().await);
        idle.write_all(b"GET /other HTTP/1.1\r\n\r\n").await.unwrap();
        assert_eq!(answer(&mut idle).await.0, "HTTP/1.1 404 Not Found");
        open.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        arrived.notified().await;

        server.stop.send(()).unwrap();
        assert_eq!(rest(&mut idle).await + &rest(&mut fresh).await, "");
        assert!(TcpStream::connect(server.address).await.is_err());
        go.notify_one();
        assert!(rest(&mut open).await.ends_with("done"));
        server.served.await.unwrap();
    }

    #[tokio::test]
    async fn a_call_that_outlasts_the_grace_is_cut_off() {
        let arrived = Arc::new(Notify::new());
        let app = Router::new().fallback(any({
            let arrived = arrived.clone();
            move || async move {
                arrived.notify_one();
                std::future::pending::<()>().await;
            }
        }));
        let server = Running::start(None, app, Limits { grace: Duration::from_millis(20), ..Limits::default() }).await;
        let mut stream = server.connect().await;
        stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        arrived.notified().await;
        server.stop.send(()).unwrap();
        server.served.await.unwrap();
        assert_eq!(rest(&mut stream).await, "");
    }

    #[tokio::test]
    async fn one_free_port_serves_all_addresses_that_the_machine_has() {
        let addresses = [PICK.parse().unwrap(), "[::1]:0".parse().unwrap(), PICK.parse().unwrap()];
        let listening = Listening::bind(&addresses).await.unwrap();
        let port = listening.addresses()[0].port();
        assert_ne!(port, 0);
        assert!(listening.addresses().iter().all(|address| address.port() == port));
        // A machine without IPv6 says so.
        assert_eq!(listening.addresses().len() + listening.warnings().len(), 2);
    }

    #[tokio::test]
    async fn an_address_that_cannot_be_had_is_told_with_the_remedy() {
        let taken = Listening::bind(&[PICK.parse().unwrap()]).await.unwrap();
        let address = taken.addresses()[0];
        assert_eq!(
            Listening::bind(&[address]).await.unwrap_err().to_string(),
            format!(
                "{address} is taken by another program; end that one, or give --listen another port (0 picks a free one)"
            )
        );
        assert_eq!(
            Listening::bind(&["192.0.2.254:0".parse().unwrap()]).await.unwrap_err().to_string(),
            "192.0.2.254 is not an address of this machine; give --listen one that is, or 127.0.0.1"
        );
    }

    #[test]
    fn a_caller_is_local_from_loopback_and_from_the_address_it_called() {
        let local = |peer: &str, local: &str| {
            Connection::new(1, peer.parse().unwrap(), local.parse().unwrap(), None).is_local()
        };
        assert!(local("127.0.0.1:5000", "127.0.0.1:9999"));
        assert!(local("[::1]:5000", "[::1]:9999"));
        assert!(local("192.0.2.2:5000", "192.0.2.2:9999"));
        assert!(local("[::ffff:127.0.0.1]:5000", "[::ffff:127.0.0.1]:9999"));
        assert!(!local("192.0.2.3:5000", "192.0.2.2:9999"));
    }
}
