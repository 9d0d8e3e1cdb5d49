//! Work that grows with what a request brings or asks for. It runs on threads of its own, a few at a time, so that the
//! threads that answer calls stay free.

use std::sync::Arc;
use std::thread::available_parallelism;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// The places for such work. What finds none waits for one, in the order of arrival.
#[derive(Debug)]
pub(super) struct Work(Arc<Semaphore>);

impl Default for Work {
    /// Half of the processors, and two at least: a long piece of work does not hold up a short one.
    fn default() -> Self {
        let processors = available_parallelism().map_or(1, usize::from);
        Self(Arc::new(Semaphore::new((processors / 2).max(2))))
    }
}

impl Work {
    /// Runs a piece of work to its end, also when the request is given up meanwhile. A panic in it is one here.
    pub(super) async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let place = self.0.clone().acquire_owned().await.expect("the places are never closed");
        let done = spawn_blocking(move || {
            let _place = place;
            work()
        });
        done.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
    }
}
