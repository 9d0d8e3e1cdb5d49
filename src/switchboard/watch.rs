//! Waiter for events of a space. One task reads new events in batches, and wakes the watchers that they may concern.
//! An event costs one lookup, not a scan of the watchers.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::Space;
use crate::engine::{Event, EventKind, Journal, What};

/// The events that a watcher waits for. It may match more than these: the watcher checks the events when it wakes.
pub struct Interest {
    pub kinds: Vec<EventKind>,
    /// The user, if only the events of one user match.
    pub username: Option<String>,
    /// Whether an event of these kinds matches.
    pub matches: Box<dyn Fn(&Event) -> bool + Send + Sync>,
}

/// Waits for events until it is dropped.
#[derive(Debug)]
pub struct Watcher {
    space: Space,
    number: u64,
    waiter: Arc<Waiter>,
}

#[derive(Debug)]
struct Waiter {
    interest: Interest,
    wake: Notify,
}

/// The watchers of a space.
#[derive(Debug, Default)]
pub(super) struct Watchers(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    next: u64,
    /// The watchers of one user, by the name in lower case.
    by_username: HashMap<String, HashMap<u64, Arc<Waiter>>>,
    others: HashMap<u64, Arc<Waiter>>,
    /// Whether the task that wakes them runs.
    is_served: bool,
}

/// How long events gather before they are read.
const BATCH: Duration = Duration::from_millis(10);

impl fmt::Debug for Interest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interest").field("kinds", &self.kinds).field("username", &self.username).finish_non_exhaustive()
    }
}

impl Watcher {
    /// Waits until an event may match: one since the last such wait, or since the watcher was made.
    pub async fn woken(&self) {
        self.waiter.wake.notified().await;
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let mut table = self.space.watchers().lock();
        let Some(name) = self.waiter.interest.key() else {
            table.others.remove(&self.number);
            return;
        };
        if let Some(own) = table.by_username.get_mut(&name) {
            own.remove(&self.number);
            if own.is_empty() {
                table.by_username.remove(&name);
            }
        }
    }
}

impl Interest {
    fn key(&self) -> Option<String> {
        Some(self.username.as_ref()?.to_lowercase())
    }

    fn includes(&self, event: &Event) -> bool {
        self.kinds.contains(&event.what.kind()) && (self.matches)(event)
    }
}

impl Space {
    /// Watches for events: those from now on wake the watcher if they match.
    #[must_use]
    pub fn watch(&self, interest: Interest) -> Watcher {
        let waiter = Arc::new(Waiter { interest, wake: Notify::new() });
        let last = self.last_event();
        let mut table = self.watchers().lock();
        let number = table.next;
        table.next += 1;
        match waiter.interest.key() {
            Some(name) => table.by_username.entry(name).or_default().insert(number, waiter.clone()),
            None => table.others.insert(number, waiter.clone()),
        };
        if !std::mem::replace(&mut table.is_served, true) {
            tokio::spawn(self.clone().wake_watchers(last));
        }
        drop(table);
        Watcher { space: self.clone(), number, waiter }
    }

    /// Wakes the watchers that events concern, until none is left.
    async fn wake_watchers(self, mut after: u64) {
        let mut last_event = self.subscribe();
        let mut last_batch = Instant::now();
        loop {
            if self.last_event() == after {
                let _ = tokio::time::timeout(IDLE, last_event.changed()).await;
                if self.watchers().end_if_unwatched() {
                    return;
                }
            }
            // The first event after a pause wakes its watchers at once.
            tokio::time::sleep_until(last_batch + BATCH).await;
            last_batch = Instant::now();
            let (events, last) = self.with_journal(|it| (self.watchers().lock().concerned(it, after), it.last()));
            after = last;
            self.watchers().lock().wake(&events);
        }
    }
}

/// How often the task checks whether a watcher is left, while no event comes.
const IDLE: Duration = Duration::from_secs(1);

impl Watchers {
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the task if no watcher is left.
    fn end_if_unwatched(&self) -> bool {
        let mut table = self.lock();
        let is_unwatched = table.others.is_empty() && table.by_username.is_empty();
        table.is_served &= !is_unwatched;
        is_unwatched
    }
}

impl Table {
    /// The events after one that may concern a watcher.
    fn concerned(&self, journal: &Journal, after: u64) -> Vec<Arc<Event>> {
        let mut events = Vec::new();
        for kind in EventKind::ALL {
            let own = journal.of(kind).rev().take_while(|it| it.seq > after);
            if self.others.values().any(|it| it.interest.kinds.contains(&kind)) {
                events.extend(own.cloned());
            } else if !self.by_username.is_empty() {
                events.extend(own.filter(|it| self.by_username.contains_key(&*lower(username(it)))).cloned());
            }
        }
        events
    }

    fn wake(&self, events: &[Arc<Event>]) {
        for waiter in self.others.values() {
            if events.iter().any(|it| waiter.interest.includes(it)) {
                waiter.wake.notify_one();
            }
        }
        if self.by_username.is_empty() {
            return;
        }
        for event in events {
            for waiter in self.by_username.get(&*lower(username(event))).into_iter().flat_map(HashMap::values) {
                if waiter.interest.includes(event) {
                    waiter.wake.notify_one();
                }
            }
        }
    }
}

/// A name in lower case; most names are already.
fn lower(name: &str) -> Cow<'_, str> {
    match name.bytes().all(|it| it.is_ascii() && !it.is_ascii_uppercase()) {
        true => name.into(),
        false => name.to_lowercase().into(),
    }
}

/// The user that an event concerns.
fn username(event: &Event) -> &str {
    match &event.what {
        What::Call(it) => &it.username,
        What::Turn(it) => &it.username,
        What::Message(it) => &it.username,
        What::Changed(it) => &it.username,
        What::Notice(_) => "",
    }
}
