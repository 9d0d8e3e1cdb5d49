//! The phase of a connection, and how long each may take.

use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout};

use super::Limits;

/// The least rate of a request's body and of an answer, in bytes a second: the `minBytesPerSecond` of IIS.
const LEAST_RATE: u64 = 240;

/// How much of a body the server discards after an answer that did not need it, in bytes.
const DISCARDED_BYTES: usize = 30 << 20;

/// How long the server discards a body.
const DISCARDING_TIME: Duration = Duration::from_secs(10);

/// How long a connection keeps the buffers of HTTP after an answer.
const REST: Duration = Duration::from_secs(1);

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
pub(super) enum Discarded {
    /// The connection can go on.
    Whole,
    /// The connection must end.
    InPart,
}

/// The phase of a connection, so that one timer for its whole life shows when a phase takes too long.
pub(super) struct Pace {
    pub(super) limits: Limits,
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
    /// Whether the connection waits for a request without the buffers of HTTP, or will do so when the answer is out.
    rests: bool,
    /// Whether the client wants the connection to outlast the answer.
    lasts: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Phase {
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
pub(super) enum Lapse {
    /// The connection gives back the buffers of HTTP.
    Rest,
    Idle,
    /// What the client took too long over.
    Slow(&'static str),
}

impl Pace {
    pub(super) fn new(limits: &Limits) -> Self {
        let phase = Phase::Fresh(Instant::now());
        let state = PaceState { phase, write_due: None, discarding: None, ends: false, rests: true, lasts: true };
        Self { limits: limits.clone(), state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, PaceState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set(&self, phase: Phase) {
        self.state().phase = phase;
    }

    pub(super) fn phase(&self) -> Phase {
        self.state().phase
    }

    pub(super) fn is_idle(&self) -> bool {
        matches!(self.phase(), Phase::Fresh(_) | Phase::Idle(_))
    }

    pub(super) fn ends(&self) -> bool {
        self.state().ends
    }

    pub(super) fn end(&self) {
        self.state().ends = true;
    }

    /// The answer is on its way, and a body that the call did not read is discarded.
    pub(super) fn answered(&self, lasts: bool, unread: Option<Body>) {
        let mut state = self.state();
        state.phase = if unread.is_some() { Phase::Discarding } else { Phase::Idle(Instant::now()) };
        state.discarding = unread.map(|it| Box::pin(discard(it)) as _);
        state.lasts = lasts;
    }

    pub(super) fn rests(&self) -> bool {
        self.state().rests
    }

    pub(super) fn rest(&self, rests: bool) {
        self.state().rests = rests;
    }

    /// The call waits for its body until `due`, or (`None`) no longer.
    pub(super) fn await_body(&self, due: Option<Instant>) {
        let mut state = self.state();
        if matches!(state.phase, Phase::Call | Phase::Body(_)) {
            state.phase = due.map_or(Phase::Call, Phase::Body);
        }
    }

    /// The answer waits for its reader until `due`, or (`None`) no longer.
    pub(super) fn await_reader(&self, due: Option<Instant>) {
        let mut state = self.state();
        state.write_due = due;
        if let Phase::Idle(since) = &mut state.phase {
            *since = Instant::now();
        }
    }

    pub(super) fn poll_discarding(&self, cx: &mut Context<'_>) -> Poll<Discarded> {
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

    pub(super) fn due(&self) -> Option<(Instant, Lapse)> {
        let state = self.state();
        if let Some(due) = state.write_due {
            return Some((due, Lapse::Slow("reading the answer")));
        }
        match state.phase {
            Phase::Idle(since) if state.lasts && !state.rests && REST < self.limits.idle_time => {
                Some((since + REST, Lapse::Rest))
            }
            Phase::Fresh(since) | Phase::Idle(since) => Some((since + self.limits.idle_time, Lapse::Idle)),
            Phase::Head(since) => Some((since + self.limits.header_time, Lapse::Slow("a request's headers"))),
            Phase::Body(due) => Some((due, Lapse::Slow("a request's body"))),
            Phase::Call | Phase::Discarding => None,
        }
    }
}

/// How a transfer that had to wait goes on.
pub(super) struct Progress {
    began: Instant,
    last: Instant,
    bytes: u64,
}

impl Progress {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self { began: now, last: now, bytes: 0 }
    }

    pub(super) fn add(&mut self, bytes: usize) {
        self.last = Instant::now();
        self.bytes += bytes as u64;
    }

    /// When the transfer has stood still for this time, or was slower than [`LEAST_RATE`] over a longer one.
    pub(super) fn due(&self, time: Duration) -> Instant {
        (self.last + time).min(self.began + time + Duration::from_millis(self.bytes * 1000 / LEAST_RATE))
    }
}
