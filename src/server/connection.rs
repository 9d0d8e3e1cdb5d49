//! One connection, from its first request to its last. One task serves it, over HTTP/1.1 only.

use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, sleep};
use tower::Service;
use tracing::{debug, warn};

use super::answer::Cut;
use super::failures::Failures;
use crate::engine::Origin;
use crate::sign_in::Conversation;
use crate::tls::TlsFacts;
use crate::trouble::Trouble;

/// What a connection may take, and for how long.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at one time. One more is accepted and waits until another ends: the server answers a burst late and
    /// does not refuse it.
    pub connections: u32,
    /// Bytes of a request's line and headers, 8 KiB at least; more are answered with 431.
    pub header_bytes: usize,
    /// From a request's first byte to the end of its headers.
    pub header_time: Duration,
    /// From one request's answer to the next request. 120 s in IIS.
    pub idle_time: Duration,
    pub handshake_time: Duration,
    /// How long the server waits for open calls when it ends.
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
    /// `None`: a plain connection.
    pub tls: Option<TlsFacts>,
    /// How far the sign-in is: Windows authentication lives on the connection.
    pub sign_in: Mutex<Conversation>,
    /// What the journal records of it.
    origin: OnceLock<Arc<Origin>>,
    /// Keeps the failures of this connection and of sign-ins on it.
    failures: Arc<Failures>,
}

impl Connection {
    #[must_use]
    pub fn new(id: u64, peer: SocketAddr, local: SocketAddr, tls: Option<TlsFacts>) -> Self {
        Self { id, peer, local, tls, sign_in: Mutex::default(), origin: OnceLock::new(), failures: Arc::default() }
    }

    /// The same connection, whose failures these keep.
    pub(super) fn keeping_failures_in(self, failures: Arc<Failures>) -> Self {
        Self { failures, ..self }
    }

    /// Whether the client runs on this machine: its address is loopback or the one that it called, as in ASP.NET's
    /// `Request.IsLocal`.
    #[must_use]
    pub fn is_local(&self) -> bool {
        let (peer, local) = (self.peer.ip().to_canonical(), self.local.ip().to_canonical());
        peer.is_loopback() || peer == local
    }

    /// What the journal records of it.
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

    /// Logs why the connection failed, in one line, and keeps it.
    pub(super) fn report(&self, trouble: &Trouble) {
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

/// How a connection ended.
#[derive(Debug)]
pub(super) enum End {
    /// Between two requests, which both sides may do.
    Orderly,
    /// The client left before its first request.
    Unasked(Option<hyper::Error>),
    /// The client took too long over a request's headers.
    Slow,
    Broken(hyper::Error),
}

/// Serves HTTP/1.1 over one connection until it ends. When `ending` is ready, it ends after the open call, if any.
pub(super) async fn converse<S>(
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
                // hyper closes the connection if it gets no answer.
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
            // `Pace` watches this and idleness. It needs no timer for each request, and tells the two apart.
            .header_read_timeout(None)
            .title_case_headers(true)
            // The service writes the date, at the place where IIS writes it.
            .auto_date_header(false)
            .serve_connection(stream, service)
    );
    let mut ending = pin!(ending);
    // Whether the server ends the connection.
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
                    // Only a scenario that cuts the connection makes a call fail.
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

/// The phase of a connection, so that one timer for its whole life shows when a phase takes too long.
#[derive(Debug)]
struct Pace(Mutex<Phase>);

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// Nothing came since this time.
    Fresh(Instant),
    /// No further request came since this time.
    Idle(Instant),
    /// The headers of a request have been coming since this time.
    Head(Instant),
    /// A call has no time limit.
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

/// A stream that sets the phase when a request begins.
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
