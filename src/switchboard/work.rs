//! Work that grows with what a request brings or asks for. It runs on threads of its own, a few at a time, so that the
//! threads that answer calls stay free.

use std::sync::Arc;
use std::thread::available_parallelism;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// The places for such work, by its lane. What finds none waits for one, in the order of arrival.
#[derive(Debug)]
pub struct Work([Arc<Semaphore>; 5]);

/// What work does. One lane does not hold up another.
#[derive(Clone, Copy, Debug)]
pub enum Lane {
    /// It looks at what the journal or the space has.
    Look,
    /// It compares many events with many expectations.
    Judge,
    /// It reads or writes scenarios, rules, users.
    Read,
    /// It finds users for a call, and writes large answers to calls.
    Answer,
    /// It reads a text above 1 MiB, which may take a hundred times its own memory.
    ReadLarge,
}

/// A text above this size is read in [`Lane::ReadLarge`], in bytes.
const LARGE: usize = 1 << 20;

/// Work on so many bytes at most takes less time than to hand it to another thread, about.
const SMALL: usize = 64 << 10;

impl Default for Work {
    /// Half of the processors for each lane, and two at least: a long piece of work does not hold up a short one. Large
    /// texts are read one at a time, since each takes much memory.
    fn default() -> Self {
        let processors = available_parallelism().map_or(1, usize::from);
        let several = (processors / 2).max(2);
        Self([several, several, several, several, 1].map(|it| Arc::new(Semaphore::new(it))))
    }
}

impl Lane {
    /// The lane in which a text of that length is read.
    #[must_use]
    pub const fn of_text(length: usize) -> Self {
        if length > LARGE { Self::ReadLarge } else { Self::Read }
    }
}

impl Work {
    /// Runs a piece of work to its end, also when the request is given up meanwhile. A panic in it is one here.
    pub async fn run<T: Send + 'static>(&self, lane: Lane, work: impl FnOnce() -> T + Send + 'static) -> T {
        let place = self.0[lane as usize].clone().acquire_owned().await.expect("the places are never closed");
        let done = spawn_blocking(move || {
            let _place = place;
            work()
        });
        done.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
    }

    /// [`Self::run`] for work on so many bytes. Work on few runs here and now.
    pub async fn run_sized<T: Send + 'static>(
        &self,
        lane: Lane,
        bytes: usize,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        if bytes <= SMALL { work() } else { self.run(lane, work).await }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::mpsc;
    use std::thread::current;

    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn only_work_on_many_bytes_leaves_the_thread() {
        let work = Work::default();
        let own = current().id();
        assert_eq!(work.run_sized(Lane::Answer, SMALL, || current().id()).await, own);
        assert_ne!(work.run_sized(Lane::Answer, SMALL + 1, || current().id()).await, own);
    }

    #[tokio::test]
    async fn one_large_text_is_read_at_a_time_and_holds_up_no_other() {
        let work = Work::default();
        let (end, ends) = mpsc::channel();
        let first = work.run(Lane::of_text(LARGE + 1), move || ends.recv());
        let second = work.run(Lane::of_text(LARGE + 1), || ());
        let (mut first, mut second) = (pin!(first), pin!(second));
        assert!((&mut first).now_or_never().is_none() && (&mut second).now_or_never().is_none());
        work.run(Lane::of_text(LARGE), || ()).await;
        assert!((&mut second).now_or_never().is_none());
        end.send(()).unwrap();
        first.await.unwrap();
        second.await;
    }
}
