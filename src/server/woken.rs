//! Futures that are polled when something woke them, however often the task around them runs.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;

/// A future that is polled first, and then only after it was woken: to poll one that waits for the end of the server with
/// each step of a connection would take a lock of all connections.
pub(super) struct Woken<F> {
    future: Pin<Box<F>>,
    call: Arc<Call>,
    waker: Waker,
}

/// What wakes the future.
struct Call {
    has_come: AtomicBool,
    task: AtomicWaker,
}

impl Wake for Call {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.has_come.store(true, Ordering::Release);
        self.task.wake();
    }
}

impl<F> Woken<F> {
    pub(super) fn new(future: F) -> Self {
        let call = Arc::new(Call { has_come: true.into(), task: AtomicWaker::new() });
        Self { future: Box::pin(future), waker: call.clone().into(), call }
    }
}

impl<F: Future> Future for Woken<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // Before it looks: a call that comes in between wakes the task again.
        self.call.task.register(cx.waker());
        if !self.call.has_come.load(Ordering::Relaxed) || !self.call.has_come.swap(false, Ordering::Acquire) {
            return Poll::Pending;
        }
        let Self { future, waker, .. } = &mut *self;
        future.as_mut().poll(&mut Context::from_waker(waker))
    }
}
