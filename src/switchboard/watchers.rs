//! The table of those that wait for events of a space. An event costs one lookup, not a scan of the waiters.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value};
use tokio::sync::Notify;

use crate::engine::{Event, EventKind, Journal, Number, What};
use crate::text::lower_case;

/// Whether an event matches; it is read once for all watchers.
type Matches = dyn Fn(&Event, &Reading) -> bool + Send + Sync;

/// The events that a watcher waits for. It may match more than these: the watcher checks the events when it wakes.
pub struct Interest {
    pub kinds: Vec<EventKind>,
    /// The user, if only the events of one user match.
    pub username: Option<String>,
    /// Whether an event of these kinds matches.
    pub matches: Box<Matches>,
}

/// What conditions have read of the request of one event, so that each event is read once, however many wait.
#[derive(Debug, Default)]
pub struct Reading {
    fields: OnceCell<Map<String, Value>>,
    number: OnceCell<Option<Number>>,
}

impl Reading {
    /// The fields of the request.
    pub fn fields(&self, read: impl FnOnce() -> Map<String, Value>) -> &Map<String, Value> {
        self.fields.get_or_init(read)
    }

    /// The telephone number that the request names.
    pub fn number(&self, read: impl FnOnce() -> Option<Number>) -> Option<&Number> {
        self.number.get_or_init(read).as_ref()
    }
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

    fn includes(&self, event: &Event, reading: &Reading) -> bool {
        self.kinds.contains(&event.what.kind()) && (self.matches)(event, reading)
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

    /// Wakes the waiters that the events concern, each once. Conditions are checked without the lock, since they may read
    /// requests.
    pub(super) fn wake(&self, events: &[Arc<Event>]) {
        let (others, own) = self.lock().of_events(events);
        let mut woken: HashMap<*const Waiter, &Waiter> = HashMap::new();
        for (event, own) in events.iter().zip(&own) {
            let reading = Reading::default();
            for waiter in others.iter().chain(own) {
                if !woken.contains_key(&Arc::as_ptr(waiter)) && waiter.interest.includes(event, &reading) {
                    woken.insert(Arc::as_ptr(waiter), waiter);
                }
            }
        }
        woken.values().for_each(|it| it.wake.notify_one());
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
                events.extend(own.filter(|it| self.by_username.contains_key(&*lower_case(username(it)))).cloned());
            }
        }
        events
    }

    /// The waiters of every user, and those of the user of each event.
    fn of_events(&self, events: &[Arc<Event>]) -> (Vec<Arc<Waiter>>, Vec<Vec<Arc<Waiter>>>) {
        let own = |it: &Arc<Event>| self.by_username.get(&*lower_case(username(it)));
        let own = events.iter().map(|it| own(it).into_iter().flat_map(HashMap::values).cloned().collect());
        (self.others.values().cloned().collect(), own.collect())
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
