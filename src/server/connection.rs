//! One connection, from its first request to its last. One task serves it, over HTTP/1.1 only.

mod call;
mod paced;

use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, Request, Version, header};
use http_body_util::BodyExt;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
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

/// The least rate of a request's body and of an answer, in bytes a second: the `minBytesPerSecond` of IIS.
const LEAST_RATE: u64 = 240;

/// How much of a body the server discards after an answer that did not need it, in bytes.
const DISCARDED_BYTES: usize = 30 << 20;

/// How long the server discards a body.
const DISCARDING_TIME: Duration = Duration::from_secs(10);

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
    Unasked(Option<hyper::Error>),
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
    let stream = TokioIo::new(Tampered::new(paced, wire.clone()));
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
            let closes = is_old && !asks_to_stay(request.headers());
            let mut request = request.map(|body| Body::new(Watched { body, pace: pace.clone(), progress: None }));
            request.extensions_mut().insert(connection.clone());
            let answer = Call::new(&app, request, connection.clone());
            let (pace, wire) = (pace.clone(), wire.clone());
            // Nothing awaits between the answer and its return: hyper must write the head of the answer before the
            // rest of the body is asked for, or it sends a 100 first.
            async move {
                let mut answer = answer.await;
                match answer.extensions_mut().remove::<Unread>().and_then(|it| it.take()) {
                    Some(body) => pace.discard(body),
                    None => pace.set(Phase::Idle(Instant::now())),
                }
                // hyper closes the connection if it gets no answer.
                if let Some(Cut(hangup)) = answer.extensions().get() {
                    if *hangup == Hangup::Reset {
                        wire.reset();
                    }
                    return Err(io::Error::from(io::ErrorKind::ConnectionAborted));
                }
                if let Some(fault) = answer.extensions_mut().remove::<WireFault>() {
                    wire.arm(fault);
                }
                // hyper says so for HTTP/1.1 only. .NET takes a connection for a lasting one without it.
                if is_old && (closes || pace.ends()) {
                    answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                }
                Ok(answer)
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
    let mut stops = false;
    let mut timer = pin!(sleep(limits.idle_time));

    std::future::poll_fn(|cx| {
        if !pace.ends() && ending.as_mut().poll(cx).is_ready() {
            stops = true;
            pace.end();
            http.as_mut().graceful_shutdown();
        }
        loop {
            if let Poll::Ready(end) = http.as_mut().poll(cx) {
                return Poll::Ready(match (end, pace.phase()) {
                    (end, Phase::Fresh(_)) if !pace.ends() => End::Unasked(end.err()),
                    (Ok(()), _) if stops => End::Stopped,
                    (Ok(()), _) => End::Orderly,
                    // Only a scenario that cuts the connection makes a call fail.
                    (Err(error), _) if error.is_user() || wire.is_cut() => End::Orderly,
                    (Err(error), _) => End::Broken(error),
                });
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
                Some((_, Lapse::Idle)) => {
                    pace.set(Phase::Call);
                    pace.end();
                    http.as_mut().graceful_shutdown();
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

/// Whether a client of HTTP/1.0 asks for a connection that outlasts the answer.
fn asks_to_stay(headers: &HeaderMap) -> bool {
    let tokens = headers.get_all(header::CONNECTION).iter().filter_map(|it| it.to_str().ok());
    tokens.flat_map(|it| it.split(',')).any(|it| it.trim().eq_ignore_ascii_case("keep-alive"))
}

/// Reads the rest of a body, within bounds.
async fn discard(mut body: Body) -> Discarded {
    let whole = async {
        let mut left = DISCARDED_BYTES;
        while let Some(frame) = body.frame().await {
            let bytes = frame.map_or(usize::MAX, |it| it.data_ref().map_or(0, Bytes::len));
            let Some(less) = left.checked_sub(bytes) else { return Discarded::InPart };
            left = less;
        }
        Discarded::Whole
    };
    timeout(DISCARDING_TIME, whole).await.unwrap_or(Discarded::InPart)
}

/// How far a body was discarded.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Discarded {
    /// The connection can go on.
    Whole,
    /// The connection must end.
    InPart,
}

/// The phase of a connection, so that one timer for its whole life shows when a phase takes too long.
struct Pace {
    limits: Limits,
    state: Mutex<PaceState>,
}

struct PaceState {
    phase: Phase,
    /// When an answer that its reader does not take has waited too long.
    write_due: Option<Instant>,
    /// The rest of a request's body, while it is discarded.
    discarding: Option<Pin<Box<dyn Future<Output = Discarded> + Send>>>,
    /// Whether the server ends the connection.
    ends: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    /// Nothing came since this time.
    Fresh(Instant),
    /// No further request came since this time.
    Idle(Instant),
    /// The headers of a request have been coming since this time.
    Head(Instant),
    /// The call waits for its body, until this time at most.
    Body(Instant),
    /// A call has no time limit.
    Call,
    /// The answer has left, and the rest of the request's body is coming. This has a time limit of its own.
    Discarding,
}

/// What follows when a phase takes too long.
#[derive(Clone, Copy, Debug)]
enum Lapse {
    Idle,
    /// What the client took too long over.
    Slow(&'static str),
}

impl Pace {
    fn new(limits: &Limits) -> Self {
        let phase = Phase::Fresh(Instant::now());
        let state = PaceState { phase, write_due: None, discarding: None, ends: false };
        Self { limits: limits.clone(), state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, PaceState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, phase: Phase) {
        self.state().phase = phase;
    }

    fn phase(&self) -> Phase {
        self.state().phase
    }

    fn is_idle(&self) -> bool {
        matches!(self.phase(), Phase::Fresh(_) | Phase::Idle(_))
    }

    fn ends(&self) -> bool {
        self.state().ends
    }

    fn end(&self) {
        self.state().ends = true;
    }

    /// The call waits for its body until `due`, or (`None`) no longer.
    fn await_body(&self, due: Option<Instant>) {
        let mut state = self.state();
        if matches!(state.phase, Phase::Call | Phase::Body(_)) {
            state.phase = due.map_or(Phase::Call, Phase::Body);
        }
    }

    /// The answer waits for its reader until `due`, or (`None`) no longer.
    fn await_reader(&self, due: Option<Instant>) {
        let mut state = self.state();
        state.write_due = due;
        if let Phase::Idle(since) = &mut state.phase {
            *since = Instant::now();
        }
    }

    fn discard(&self, body: Body) {
        let mut state = self.state();
        state.phase = Phase::Discarding;
        state.discarding = Some(Box::pin(discard(body)));
    }

    fn poll_discarding(&self, cx: &mut Context<'_>) -> Poll<Discarded> {
        // The body uses this lock itself.
        let Some(mut discarding) = self.state().discarding.take() else { return Poll::Pending };
        let polled = discarding.as_mut().poll(cx);
        let mut state = self.state();
        if polled.is_pending() {
            state.discarding = Some(discarding);
        } else if state.phase == Phase::Discarding {
            state.phase = Phase::Idle(Instant::now());
        }
        polled
    }

    fn due(&self) -> Option<(Instant, Lapse)> {
        let state = self.state();
        if let Some(due) = state.write_due {
            return Some((due, Lapse::Slow("reading the answer")));
        }
        match state.phase {
            Phase::Fresh(since) | Phase::Idle(since) => Some((since + self.limits.idle_time, Lapse::Idle)),
            Phase::Head(since) => Some((since + self.limits.header_time, Lapse::Slow("a request's headers"))),
            Phase::Body(due) => Some((due, Lapse::Slow("a request's body"))),
            Phase::Call | Phase::Discarding => None,
        }
    }
}

/// How a transfer that had to wait goes on.
struct Progress {
    began: Instant,
    last: Instant,
    bytes: u64,
}

impl Progress {
    fn new() -> Self {
        let now = Instant::now();
        Self { began: now, last: now, bytes: 0 }
    }

    fn add(&mut self, bytes: usize) {
        self.last = Instant::now();
        self.bytes += bytes as u64;
    }

    /// When the transfer has stood still for this time, or was slower than [`LEAST_RATE`] over a longer one.
    fn due(&self, time: Duration) -> Instant {
        (self.last + time).min(self.began + time + Duration::from_millis(self.bytes * 1000 / LEAST_RATE))
    }
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
