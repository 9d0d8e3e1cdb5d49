//! The table of those that wait for events of a space. An event costs one lookup, not a scan of the waiters.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::engine::{Event, EventKind, Journal, What};

/// The events that a watcher waits for. It may match more than these: the watcher checks the events when it wakes.
pub struct Interest {
    pub kinds: Vec<EventKind>,
    /// The user, if only the events of one user match.
    pub username: Option<String>,
    /// Whether an event of these kinds matches.
    pub matches: Box<dyn Fn(&Event) -> bool + Send + Sync>,
}

#[derive(Debug)]
pub(super) struct Waiter {
    interest: Interest,
    pub(super) wake: Notify,
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

impl fmt::Debug for Interest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interest").field("kinds", &self.kinds).field("username", &self.username).finish_non_exhaustive()
    }
}

impl Waiter {
    pub(super) fn new(interest: Interest) -> Self {
        Self { interest, wake: Notify::new() }
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

impl Watchers {
    /// Adds a waiter. The number by which it is removed, and whether no task wakes the waiters yet.
    pub(super) fn add(&self, waiter: Arc<Waiter>) -> (u64, bool) {
        let mut table = self.lock();
        let number = table.next;
        table.next += 1;
        match waiter.interest.key() {
            Some(name) => table.by_username.entry(name).or_default().insert(number, waiter),
            None => table.others.insert(number, waiter),
        };
        (number, !std::mem::replace(&mut table.is_served, true))
    }

    pub(super) fn remove(&self, number: u64, waiter: &Waiter) {
        let mut table = self.lock();
        let Some(name) = waiter.interest.key() else {
            table.others.remove(&number);
            return;
        };
        if let Some(own) = table.by_username.get_mut(&name) {
            own.remove(&number);
            if own.is_empty() {
                table.by_username.remove(&name);
            }
        }
    }

    /// The events after one that may concern a waiter.
    pub(super) fn concerned(&self, journal: &Journal, after: u64) -> Vec<Arc<Event>> {
        self.lock().concerned(journal, after)
    }

    /// Wakes the waiters that the events concern.
    pub(super) fn wake(&self, events: &[Arc<Event>]) {
        self.lock().wake(events);
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the task if no watcher is left.
    pub(super) fn end_if_unwatched(&self) -> bool {
        let mut table = self.lock();
        let is_unwatched = table.others.is_empty() && table.by_username.is_empty();
        table.is_served &= !is_unwatched;
        is_unwatched
    }
}

impl Table {
    /// The events after one that may concern a watcher, calls that have begun included.
    fn concerned(&self, journal: &Journal, after: u64) -> Vec<Arc<Event>> {
        let mut events = Vec::new();
        for kind in EventKind::ALL {
            let begun = (kind == EventKind::Call).then(|| journal.open_calls_after(after));
            let own = journal.of(kind).rev().take_while(|it| it.recorded > after);
            let own = own.chain(begun.into_iter().flatten());
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
        What::Call(it) => &it.request.username,
        What::Turn(it) => &it.username,
        What::Message(it) => &it.username,
        What::Changed(it) => &it.username,
        What::Notice(_) => "",
    }
}
