//! Waits for events of a space. One task reads new events in batches, and wakes the watchers that they may concern.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::space::Space;
use super::watchers::{Interest, Waiter};

/// Waits for events until it is dropped.
#[derive(Debug)]
pub struct Watcher {
    space: Space,
    number: u64,
    waiter: Arc<Waiter>,
}

/// How long events gather before they are read.
const BATCH: Duration = Duration::from_millis(10);

impl Watcher {
    /// Waits until an event may match: one since the last such wait, or since the watcher was made.
    pub async fn woken(&self) {
        let _listening = self.space.watchers().listen();
        self.waiter.wake.notified().await;
    }

    /// The place up to which no event matches that has been recorded since the watcher was made, or since this was
    /// called last. 0 where that is not known.
    #[must_use]
    pub fn passed(&self) -> u64 {
        self.space.watchers().passed(&self.waiter)
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.space.watchers().remove(self.number, &self.waiter);
    }
}

impl Space {
    /// Watches for events: those from now on wake the watcher if they match.
    #[must_use]
    pub fn watch(&self, interest: Interest) -> Watcher {
        let waiter = Arc::new(Waiter::new(interest));
        let last = self.last_event();
        let (number, is_first) = self.watchers().add(waiter.clone());
        if is_first {
            tokio::spawn(self.clone().wake_watchers(last));
        }
        Watcher { space: self.clone(), number, waiter }
    }

    /// Wakes the watchers that events concern, until none is left.
    async fn wake_watchers(self, mut after: u64) {
        let mut last_batch = Instant::now();
        loop {
            if self.last_event() == after {
                let _ = tokio::time::timeout(IDLE, self.next_event()).await;
                if self.watchers().end_if_unwatched() {
                    return;
                }
            }
            // Events gather while each watcher is busy with earlier ones.
            while !self.watchers().listened(IDLE).await {
                if self.watchers().end_if_unwatched() {
                    return;
                }
            }
            // The first event after a pause wakes its watchers at once.
            tokio::time::sleep_until(last_batch + BATCH).await;
            last_batch = Instant::now();
            let (events, last) = self.with_journal(|it| (self.watchers().concerned(it, after), it.last()));
            let before = std::mem::replace(&mut after, last);
            // Conditions may read the requests of the events: off the threads that answer calls.
            let this = self.clone();
            let woken = spawn_blocking(move || match events {
                Some(events) => this.watchers().wake(&events, before, last),
                None => this.watchers().wake_all(before),
            });
            woken.await.expect("conditions do not panic");
        }
    }
}

/// How often the task checks whether a watcher is left, while no event comes.
const IDLE: Duration = Duration::from_secs(1);
