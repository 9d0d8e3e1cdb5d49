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
    alarm: Arc<Alarm>,
    waker: Waker,
}

/// What wakes the future, and then the task.
struct Alarm {
    rang: AtomicBool,
    task: AtomicWaker,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rang.store(true, Ordering::Release);
        self.task.wake();
    }
}

impl<F> Woken<F> {
    pub(super) fn new(future: F) -> Self {
        let alarm = Arc::new(Alarm { rang: true.into(), task: AtomicWaker::new() });
        Self { future: Box::pin(future), waker: alarm.clone().into(), alarm }
    }
}

impl<F: Future> Future for Woken<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // Before it looks: an alarm in between wakes the task again.
        self.alarm.task.register(cx.waker());
        if !self.alarm.rang.load(Ordering::Relaxed) || !self.alarm.rang.swap(false, Ordering::Acquire) {
            return Poll::Pending;
        }
        let Self { future, waker, .. } = &mut *self;
        future.as_mut().poll(&mut Context::from_waker(waker))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_future_is_polled_first_and_when_it_was_woken() {
        let mut polls = 0;
        let mut inner = None;
        let mut woken = Woken::new(std::future::poll_fn(|cx| {
            polls += 1;
            inner = Some(cx.waker().clone());
            if polls < 3 { Poll::Pending } else { Poll::Ready((polls, inner.take())) }
        }));
        let mut poll = |is_woken| {
            if is_woken {
                woken.waker.wake_by_ref();
            }
            Pin::new(&mut woken).poll(&mut Context::from_waker(Waker::noop()))
        };
        for is_woken in [false, false, false, true, false, false] {
            assert!(poll(is_woken).is_pending());
        }
        let Poll::Ready((polls, Some(inner))) = poll(true) else { panic!("it was woken twice") };
        assert_eq!(polls, 3);
        assert!(inner.will_wake(&woken.waker));
    }
}
