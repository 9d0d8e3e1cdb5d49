//! The accept loop: sockets, the limit of connections, the first bytes of each connection, and the end of the server.
//!
//! The loop is our own because sign-in lives on the connection, and because its limits are ours to set.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_rustls::server::TlsStream;
use tracing::{debug, warn};

use super::caller::report_given_up;
use super::connection::{App, Connection, End, Limits, converse};
use super::failures::Failures;
use super::trouble;
use super::wire::Socket;
use super::woken::Woken;
use crate::tls::hello::{First, Opening, is_whole};
use crate::tls::{Abrupt, Acceptor, Faulty, Renewable, Served, TlsFacts};
use crate::trouble::Trouble;

/// Sockets that listen.
#[derive(Debug)]
pub struct Listening {
    listeners: Vec<TcpListener>,
    addresses: Vec<SocketAddr>,
    warnings: Vec<String>,
    failures: Arc<Failures>,
}

/// Why the server cannot listen on an address.
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

impl Listening {
    /// Listens on all the addresses. Port 0 stands for one port that is free on all of them. A machine without `::1`
    /// leaves it out if there is another address.
    ///
    /// # Errors
    /// [`BindError`]
    pub async fn bind(addresses: &[SocketAddr]) -> Result<Self, BindError> {
        let picks = addresses.iter().any(|address| address.port() == 0);
        let mut tries = 8;
        loop {
            tries -= 1;
            match Self::bind_once(addresses).await {
                // The port that is free on one address is taken on the next.
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

    /// The URL of the first socket, without a path. `host` is the name that other machines use for this one.
    #[must_use]
    pub fn origin(&self, scheme: &str, host: &str) -> String {
        let address = self.addresses[0];
        let host = match address.ip() {
            ip if ip.is_loopback() => "localhost".into(),
            ip if ip.is_unspecified() => host.into(),
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        };
        format!("{scheme}://{host}:{}", address.port())
    }

    /// The addresses of the sockets, with their actual ports.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// What the user should know, though the server can go on.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The failed connections and sign-ins on these sockets.
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

/// Serves until `shutdown`. Then it accepts no more connections, closes idle ones, waits for open calls as long as the
/// grace says, cuts off the calls that are still open, and returns.
pub async fn serve(
    listening: Listening,
    tls: Option<Arc<Renewable>>,
    app: impl Into<App>,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) {
    let connections = limits.connections;
    let places = Arc::new(Semaphore::new(connections as usize));
    let (lifecycle, lifecycles) = watch::channel(Lifecycle::Serving(0));
    let failures = listening.failures;
    let mut faults = tls.as_ref().map(|it| it.watch_fault());
    let server = Arc::new(Server {
        tls,
        app: app.into(),
        limits,
        places: places.clone(),
        next_id: AtomicU64::new(1),
        failures,
        unasked: Mutex::default(),
    });

    let mut accepting = JoinSet::new();
    for listener in listening.listeners {
        accepting.spawn(server.clone().accept(listener, lifecycles.clone()));
    }
    // Open connections end when a fault begins, so that the next call of each client meets it.
    let each_fault = async {
        while let Some(faults) = &mut faults
            && faults.changed().await.is_ok()
        {
            if faults.borrow_and_update().is_some() {
                lifecycle.send_modify(Lifecycle::turn);
            }
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = shutdown => (),
        () = each_fault => (),
    }
    accepting.shutdown().await;
    lifecycle.send_replace(Lifecycle::Ending);
    // A connection returns its place when it ends.
    if timeout(server.limits.grace, places.acquire_many(connections)).await.is_err() {
        warn!(connections = connections as usize - places.available_permits(), "calls cut off");
        lifecycle.send_replace(Lifecycle::Cut);
        let _ = places.acquire_many(connections).await;
    }
}

/// What all connections share.
#[derive(Debug)]
struct Server {
    tls: Option<Arc<Renewable>>,
    app: App,
    limits: Limits,
    places: Arc<Semaphore>,
    next_id: AtomicU64,
    failures: Arc<Failures>,
    /// By address: how many connections ended without a request since the last request.
    unasked: Mutex<HashMap<IpAddr, Arc<AtomicU32>>>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Lifecycle {
    /// How many faults of TLS have begun.
    Serving(u64),
    /// No new calls.
    Ending,
    /// Open calls are cut off.
    Cut,
}

impl Lifecycle {
    /// A fault of TLS begins.
    const fn turn(&mut self) {
        if let Self::Serving(faults) = self {
            *faults += 1;
        }
    }
}

impl Server {
    async fn accept(self: Arc<Self>, listener: TcpListener, lifecycles: watch::Receiver<Lifecycle>) {
        loop {
            let (stream, peer) = match listener.accept().await {
                Ok(accepted) => accepted,
                // The client went away before the server accepted it.
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
            tokio::spawn(self.clone().run(stream, peer, place, lifecycles.clone()));
        }
    }

    async fn run(
        self: Arc<Self>,
        stream: TcpStream,
        peer: SocketAddr,
        _place: OwnedSemaphorePermit,
        mut lifecycles: watch::Receiver<Lifecycle>,
    ) {
        let mut cut = lifecycles.clone();
        // Before the fault is looked at: one that begins in between ends the connection.
        let at_start = *lifecycles.borrow();
        let ending = Woken::new(async move {
            // Without its sender, `serve` itself is gone: an end too.
            let _ = lifecycles.wait_for(|it| *it != at_start).await;
        });
        let cut = Woken::new(async move {
            let _ = cut.wait_for(|it| *it == Lifecycle::Cut).await;
        });
        let talk = pin!(self.talk(stream, peer, ending));
        tokio::select! {
            () = talk => {}
            () = cut => {}
        }
    }

    async fn talk(&self, stream: TcpStream, peer: SocketAddr, ending: impl Future<Output = ()>) {
        // A client that has gone already has no address.
        let Ok(local) = stream.local_addr() else { return };
        let _ = stream.set_nodelay(true);
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let mut connection = Connection::new(id, peer, local, None)
            .keeping_failures_in(self.failures.clone())
            .counting(self.unasked(peer.ip()));
        let mut ending = pin!(ending);
        if let Some(tls) = &self.tls {
            let faulty = tls.fault();
            let served = faulty.as_ref().and_then(|it| it.served.clone()).unwrap_or_else(|| tls.now());
            let terms = Terms { served: &served, faulty: faulty.as_deref() };
            // In a box, so that the connection does not keep the room that the handshake takes.
            let handshake = Box::pin(self.handshake(terms, stream, &connection));
            let accepted_tls = tokio::select! {
                accepted_tls = handshake => accepted_tls,
                () = &mut ending => return,
            };
            if let Some((stream, facts)) = accepted_tls {
                connection.tls = Some(facts);
                self.converse(stream, connection, Some(terms), ending).await;
            }
        } else {
            let opened = tokio::select! {
                opened = self.open_plainly(stream, &connection) => opened,
                () = &mut ending => return,
            };
            if let Some(stream) = opened {
                self.converse(stream, connection, None, ending).await;
            }
        }
    }

    /// The count of connections from an address that ended without a request.
    fn unasked(&self, address: IpAddr) -> Arc<AtomicU32> {
        let mut counts = self.unasked.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= ADDRESSES && !counts.contains_key(&address) {
            counts.clear();
        }
        counts.entry(address).or_default().clone()
    }

    async fn handshake(
        &self,
        terms: Terms<'_>,
        stream: TcpStream,
        connection: &Connection,
    ) -> Option<(Box<TlsStream<Opening<TcpStream>>>, TlsFacts)> {
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
            None => {
                if let (Some(tls), Some(faulty)) = (&self.tls, terms.faulty) {
                    tls.count_hit(faulty.fault);
                }
                match terms.faulty.and_then(|it| Some((it, it.fault.abrupt()?))) {
                    Some((faulty, abrupt)) => {
                        connection.report(&trouble::on_purpose(faulty));
                        let _ = timeout_at(deadline, break_off(opening.into_inner(), abrupt)).await;
                    }
                    None => match timeout_at(deadline, terms.acceptor().accept(opening)).await {
                        Ok(Ok((stream, facts))) => return Some((Box::new(stream), facts)),
                        Ok(Err((error, opening))) => {
                            let trouble = trouble::in_handshake(&error, opening.bytes(), &terms.acceptor().offer());
                            connection.report(&terms.explained(trouble));
                        }
                        Err(_) => connection.report(&slow),
                    },
                }
            }
        }
        None
    }

    async fn open_plainly(&self, stream: TcpStream, connection: &Connection) -> Option<Opening<TcpStream>> {
        let mut opening = Opening::new(stream);
        // A client may connect long before its first request.
        let read = timeout(self.limits.idle_time, opening.read_until(|bytes| !bytes.is_empty())).await;
        match First::of(opening.bytes()) {
            First::Tls => {
                connection.report(&Trouble::TlsOnPlainPort {});
                // TLS clients recognise this answer, and report plain HTTP.
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
            First::Proxy => {
                connection.report(&Trouble::ProxyProtocol {});
                None
            }
            _ => Some(opening),
        }
    }

    async fn converse<S>(
        &self,
        stream: S,
        connection: Connection,
        tls: Option<Terms<'_>>,
        ending: impl Future<Output = ()>,
    ) where
        S: Socket,
    {
        let connection = Arc::new(connection);
        let trouble = match converse(stream, connection.clone(), self.app.clone(), &self.limits, ending).await {
            End::Stopped => return,
            End::Orderly => return report_given_up(&connection),
            End::Unasked(error) => match (tls, &connection.tls) {
                (Some(tls), Some(facts)) => {
                    let offer = tls.acceptor().offer();
                    let trouble =
                        tls.explained(trouble::after_handshake(error.as_ref(), facts.server_name.as_deref(), &offer));
                    // .NET opens connections that it then does not need.
                    if matches!(trouble, Trouble::CertificateRefusedSilently { .. })
                        && connection.count_unasked() < UNASKED_IN_A_ROW
                    {
                        debug!(connection = connection.id, peer = %connection.peer, "no request came");
                        return;
                    }
                    trouble
                }
                _ => Trouble::Probe {},
            },
            End::Slow(what) => Trouble::Slow { what },
            End::Broken(error) if error.is_parse() => Trouble::BadRequest { reason: error.to_string() },
            End::Broken(error) => {
                debug!(connection = connection.id, peer = %connection.peer, %error, "connection broke");
                return report_given_up(&connection);
            }
        };
        connection.report(&trouble);
    }
}

/// What a connection is offered.
#[derive(Clone, Copy)]
struct Terms<'a> {
    served: &'a Served,
    /// The fault that it meets.
    faulty: Option<&'a Faulty>,
}

impl<'a> Terms<'a> {
    const fn acceptor(self) -> &'a Acceptor {
        &self.served.acceptor
    }

    /// Why the connection failed: by the fault, if it is one of certificates and the client refused the certificate.
    fn explained(self, trouble: Trouble) -> Trouble {
        match self.faulty.filter(|it| it.served.is_some()) {
            Some(faulty) => trouble::by_fault(faulty, trouble),
            None => trouble,
        }
    }
}

/// Ends a connection in place of a handshake.
async fn break_off(mut stream: TcpStream, abrupt: Abrupt) -> io::Result<()> {
    match abrupt {
        // Dropped with this, the connection ends by a reset, and what was not sent is not sent.
        Abrupt::Reset => stream.set_zero_linger(),
        Abrupt::Alert(alert) => {
            // A fatal alert in a record of TLS 1.0, which every client of TLS reads.
            stream.write_all(&[21, 3, 1, 0, 2, 2, alert]).await?;
            stream.shutdown().await?;
            // Unread bytes would end the connection by a reset, and the client could lose the alert.
            tokio::io::copy(&mut stream.take(1 << 20), &mut tokio::io::sink()).await.map(drop)
        }
    }
}

/// Answers a request to the wrong port, and waits until the client has gone: it can lose the answer if the server closes
/// while the client still sends.
async fn answer_in_text(mut stream: TcpStream, text: &str) -> io::Result<()> {
    let head = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n";
    let answer = format!("{head}Content-Length: {}\r\n\r\n{text}", text.len());
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await?;
    tokio::io::copy(&mut stream.take(1 << 20), &mut tokio::io::sink()).await?;
    Ok(())
}

/// How many connections in a row from one address must end without a request before the log says that the client
/// refuses the certificate.
const UNASKED_IN_A_ROW: u32 = 3;

/// For how many addresses such connections are counted. Beyond that the counts begin again.
const ADDRESSES: usize = 1024;

const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
