//! One connection, from its first request to its last. One task serves it, over HTTP/1.1 only.

mod call;
mod pace;
mod paced;

use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, Request, Version, header};
use axum::response::Response;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::sync::watch;
use tokio::time::sleep;
use tracing::{debug, warn};

use super::answer::{Cut, Unread};
use super::failures::Failures;
use super::wire::{Socket, Tampered, Wire, WireFault};
use crate::engine::{Hangup, Origin};
use crate::sign_in::Conversation;
use crate::tls::TlsFacts;
use crate::trouble::Trouble;
pub use call::App;
use call::Call;
use pace::{Discarded, Lapse, Pace, Phase, Progress};
use paced::Paced;

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
    /// How long a request's body may make no progress. 120 s in IIS. Over a longer time it must come at
    /// `LEAST_RATE`.
    pub body_time: Duration,
    /// How long an answer may wait for its reader, under the same rule.
    pub write_time: Duration,
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
            body_time: Duration::from_secs(120),
            write_time: Duration::from_secs(120),
            handshake_time: Duration::from_secs(10),
            grace: Duration::from_secs(10),
        }
    }
}

/// What is known of the connection that a request came over.
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
    /// How many connections from the same address ended without a request since the last request.
    unasked: Arc<AtomicU32>,
    /// Whether the client has left an open call.
    is_left: watch::Sender<bool>,
    /// Whether the newest request was refused before the sign-in saw it. A client that leaves then gave nothing up.
    pub(super) is_refused: AtomicBool,
}

impl Connection {
    #[must_use]
    pub fn new(id: u64, peer: SocketAddr, local: SocketAddr, tls: Option<TlsFacts>) -> Self {
        Self {
            id,
            peer,
            local,
            tls,
            sign_in: Mutex::default(),
            origin: OnceLock::new(),
            failures: Arc::default(),
            unasked: Arc::default(),
            is_left: watch::Sender::default(),
            is_refused: AtomicBool::default(),
        }
    }

    /// Waits until the client leaves an open call.
    pub(super) async fn hung_up(&self) {
        let _ = self.is_left.subscribe().wait_for(|is_left| *is_left).await;
    }

    /// The same connection, whose failures these keep.
    pub(super) fn keeping_failures_in(self, failures: Arc<Failures>) -> Self {
        Self { failures, ..self }
    }

    /// The same connection, with the count of its address.
    pub(super) fn counting(self, unasked: Arc<AtomicU32>) -> Self {
        Self { unasked, ..self }
    }

    /// Counts it as one that ended without a request. How many did so in a row.
    pub(super) fn count_unasked(&self) -> u32 {
        self.unasked.fetch_add(1, Ordering::Relaxed) + 1
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

    /// Logs why the server does not serve a request, in one line, and keeps it.
    pub(super) fn report_request(&self, trouble: &Trouble, client: Option<&str>) {
        self.keep(trouble);
        self.is_refused.store(true, Ordering::Relaxed);
        let (kind, hint, see) = (trouble.kind(), trouble.remedy(), trouble.page());
        let peer = self.peer;
        warn!(connection = self.id, %peer, client, trouble = kind, what = %trouble, hint, see, "request refused");
    }
}

/// How a connection ended.
#[derive(Debug)]
pub(super) enum End {
    /// Between two requests, which both sides may do.
    Orderly,
    /// The server stops.
    Stopped,
    /// The client left before its first request.
    Unasked(Option<io::Error>),
    /// The client took too long over this.
    Slow(&'static str),
    Broken(hyper::Error),
}

/// Serves HTTP/1.1 over one connection until it ends. When `ending` is ready, it ends after the open call, if any.
pub(super) async fn converse<S>(
    stream: S,
    connection: Arc<Connection>,
    app: App,
    limits: &Limits,
    ending: impl Future<Output = ()>,
) -> End
where
    S: Socket,
{
    let pace = Arc::new(Pace::new(limits));
    let wire = Arc::new(Wire::default());
    // A drip is above the pace: its reader is not the one who is slow.
    let paced = Paced::new(stream, pace.clone());
    let stream = Tampered::new(paced, wire.clone());
    let service = {
        let pace = pace.clone();
        let wire = wire.clone();
        hyper::service::service_fn(move |request: Request<Incoming>| {
            pace.set(Phase::Call);
            wire.disarm();
            if connection.unasked.load(Ordering::Relaxed) != 0 {
                connection.unasked.store(0, Ordering::Relaxed);
            }
            let is_old = request.version() == Version::HTTP_10;
            let lasts = asks(request.headers(), if is_old { "keep-alive" } else { "close" }) == is_old;
            let request = request.map(|body| Body::new(Watched { body, pace: pace.clone(), progress: None }));
            let call = Call::new(&app, request, connection.clone());
            Answering { call, pace: pace.clone(), wire: wire.clone(), is_old, lasts }
        })
    };
    let mut ending = pin!(ending);
    let mut stops = false;
    let mut timer = pin!(sleep(limits.idle_time));
    // One of the two is there: a connection that rests, or HTTP, whose buffers take 16 KiB.
    let mut resting = Some((stream, service));
    let mut http: Option<http1::Connection<TokioIo<_>, _>> = None;

    std::future::poll_fn(|cx| {
        if !pace.ends() && ending.as_mut().poll(cx).is_ready() {
            stops = true;
            pace.end();
            if let Some(http) = &mut http {
                Pin::new(http).graceful_shutdown();
            }
        }
        loop {
            if let Some((mut stream, service)) = resting.take() {
                match stream.poll_awake(cx, pace.ends()) {
                    Poll::Pending => resting = Some((stream, service)),
                    Poll::Ready(Ok(true)) => {
                        pace.rest(false);
                        http = Some(speak(limits).serve_connection(TokioIo::new(stream), service));
                    }
                    Poll::Ready(end) => {
                        return Poll::Ready(match pace.phase() {
                            Phase::Fresh(_) if !pace.ends() => End::Unasked(end.err()),
                            _ if stops => End::Stopped,
                            _ => End::Orderly,
                        });
                    }
                }
            }
            if let Some(speaking) = &mut http {
                let rests = pace.rests();
                let polled = match rests {
                    true => speaking.poll_without_shutdown(cx),
                    false => Pin::new(speaking).poll(cx),
                };
                match polled {
                    Poll::Ready(Ok(())) if rests => {
                        let Some(parts) = http.take().map(http1::Connection::into_parts) else { continue };
                        let mut stream = parts.io.into_inner();
                        stream.read_ahead(&parts.read_buf);
                        resting = Some((stream, parts.service));
                        continue;
                    }
                    Poll::Ready(end) => {
                        return Poll::Ready(match end {
                            Ok(()) if stops => End::Stopped,
                            Ok(()) => End::Orderly,
                            // Only a scenario that cuts the connection makes a call fail.
                            Err(error) if error.is_user() || wire.is_cut() => End::Orderly,
                            Err(error) => End::Broken(error),
                        });
                    }
                    Poll::Pending => {}
                }
            }
            if pace.phase() == Phase::Discarding && pace.poll_discarding(cx) == Poll::Ready(Discarded::InPart) {
                return Poll::Ready(End::Orderly);
            }
            let due = pace.due();
            if let Some((due, _)) = due
                && due < timer.deadline()
            {
                timer.as_mut().reset(due);
            }
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            match due {
                Some((due, _)) if due > timer.deadline() => timer.as_mut().reset(due),
                // hyper ends where it waits for a request, and else once its answer is out. Its stream lives on.
                Some((_, Lapse::Rest)) => {
                    pace.rest(true);
                    if let Some(http) = &mut http {
                        Pin::new(http).graceful_shutdown();
                    }
                }
                Some((_, Lapse::Idle)) => {
                    pace.set(Phase::Call);
                    pace.end();
                    if let Some(http) = &mut http {
                        Pin::new(http).graceful_shutdown();
                    }
                }
                Some((_, Lapse::Slow(what))) => return Poll::Ready(End::Slow(what)),
                None => {
                    let later = timer.deadline() + limits.idle_time;
                    timer.as_mut().reset(later);
                }
            }
        }
    })
    .await
}

/// How HTTP is spoken.
fn speak(limits: &Limits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .max_buf_size(limits.header_bytes)
        // `Pace` watches this and idleness. It needs no timer for each request, and tells the two apart.
        .header_read_timeout(None)
        .title_case_headers(true)
        // The service writes the date, at the place where IIS writes it.
        .auto_date_header(false);
    builder
}

/// An answer on its way to hyper.
struct Answering {
    call: Call,
    pace: Arc<Pace>,
    wire: Arc<Wire>,
    /// Whether the client speaks HTTP/1.0.
    is_old: bool,
    /// Whether the client wants the connection to outlast the answer.
    lasts: bool,
}

impl Future for Answering {
    type Output = io::Result<Response>;

    /// Nothing waits between the answer and its return: hyper must write the head of the answer before the rest of the
    /// body is asked for, or it sends a 100 first.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<Response>> {
        let mut answer = ready!(Pin::new(&mut self.call).poll(cx));
        let Self { pace, wire, is_old, lasts, .. } = &*self;
        let unread = answer.extensions_mut().remove::<Unread>().and_then(|it| it.take());
        pace.answered(*lasts, unread);
        // hyper closes the connection if it gets no answer.
        if let Some(Cut(hangup)) = answer.extensions().get() {
            if *hangup == Hangup::Reset {
                wire.reset();
            }
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        if let Some(fault) = answer.extensions_mut().remove::<WireFault>() {
            wire.arm(fault);
        }
        // hyper says so for HTTP/1.1 only. .NET takes a connection for a lasting one without it.
        if *is_old && (!lasts || pace.ends()) {
            answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        Poll::Ready(Ok(answer))
    }
}

/// Whether the Connection header has a word.
fn asks(headers: &HeaderMap, word: &str) -> bool {
    let tokens = headers.get_all(header::CONNECTION).iter().filter_map(|it| it.to_str().ok());
    tokens.flat_map(|it| it.split(',')).any(|it| it.trim().eq_ignore_ascii_case(word))
}

/// A request's body that sets the phase when the call waits for it.
struct Watched {
    body: Incoming,
    pace: Arc<Pace>,
    /// `None`: the call did not wait for the body.
    progress: Option<Progress>,
}

impl hyper::body::Body for Watched {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        let Self { pace, progress, .. } = &mut *self;
        match (&polled, progress) {
            (Poll::Pending, progress) => {
                let progress = progress.get_or_insert_with(Progress::new);
                pace.await_body(Some(progress.due(pace.limits.body_time)));
            }
            (Poll::Ready(frame), Some(progress)) => {
                let data = frame.as_ref().and_then(|it| it.as_ref().ok()).and_then(Frame::data_ref);
                progress.add(data.map_or(0, Bytes::len));
                pace.await_body(None);
            }
            (Poll::Ready(_), None) => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
