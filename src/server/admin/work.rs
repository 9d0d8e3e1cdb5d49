//! Work that grows with what a request brings or asks for. It runs on threads of its own, a few at a time, so that the
//! threads that answer calls stay free.

use std::sync::Arc;
use std::thread::available_parallelism;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// The places for such work, by its lane. What finds none waits for one, in the order of arrival.
#[derive(Debug)]
pub(super) struct Work([Arc<Semaphore>; 3]);

/// What work does. One lane does not hold up another.
#[derive(Clone, Copy, Debug)]
pub(super) enum Lane {
    /// It looks at what the journal or the space has.
    Look,
    /// It compares many events with many expectations.
    Judge,
    /// It reads or writes scenarios, rules, users.
    Read,
}

impl Default for Work {
    /// Half of the processors for each lane, and two at least: a long piece of work does not hold up a short one.
    fn default() -> Self {
        let processors = available_parallelism().map_or(1, usize::from);
        Self([(); 3].map(|()| Arc::new(Semaphore::new((processors / 2).max(2)))))
    }
}

impl Work {
    /// Runs a piece of work to its end, also when the request is given up meanwhile. A panic in it is one here.
    pub(super) async fn run<T: Send + 'static>(&self, lane: Lane, work: impl FnOnce() -> T + Send + 'static) -> T {
        let place = self.0[lane as usize].clone().acquire_owned().await.expect("the places are never closed");
        let done = spawn_blocking(move || {
            let _place = place;
            work()
        });
        done.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
    }
}
