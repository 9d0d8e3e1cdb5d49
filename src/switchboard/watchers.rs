//! The table of those that wait for events of a space. An event costs one lookup for each name by which waiters are
//! found, however many wait.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use crate::engine::{Event, EventKind, Journal};

/// Whether an event matches.
type Matches = dyn Fn(&Event) -> bool + Send + Sync;

/// Reads the value of an event by which waiters are found; `None`: it has none.
type ValueOf = dyn Fn(&Event) -> Option<String> + Send + Sync;

/// The events that a watcher waits for. It may match more than these: the watcher checks the events when it wakes.
pub struct Interest {
    pub kinds: Vec<EventKind>,
    /// A value that every event has that matches, if there is one: the watcher is found by it.
    pub key: Option<Key>,
    /// Whether an event of these kinds matches.
    pub matches: Box<Matches>,
}

/// A value of events by which watchers are found.
pub struct Key {
    /// Names the value. All keys of one name read it in the same way.
    pub name: String,
    pub value: String,
    pub of: Arc<ValueOf>,
}

#[derive(Debug)]
pub(super) struct Waiter {
    interest: Interest,
    pub(super) wake: Notify,
    /// The place of the first event that matched since the watcher last asked; [`NONE`] without one.
    matched: AtomicU64,
}

const NONE: u64 = u64::MAX;

/// The watchers of a space.
#[derive(Debug, Default)]
pub(super) struct Watchers {
    table: Mutex<Table>,
    /// The place up to which all events are compared with all watchers.
    compared: AtomicU64,
    /// How many waiters wait to be woken.
    listening: watch::Sender<usize>,
}

/// A waiter waits to be woken until this is dropped.
pub(super) struct Listening<'w>(&'w Watchers);

impl Drop for Listening<'_> {
    fn drop(&mut self) {
        self.0.listening.send_modify(|it| *it -= 1);
    }
}

#[derive(Default)]
struct Table {
    next: u64,
    /// By the names of keys.
    keyed: HashMap<String, Group>,
    others: HashMap<u64, Arc<Waiter>>,
    /// How many watchers wait for each kind.
    by_kind: [usize; EventKind::ALL.len()],
    /// Whether the task that wakes them runs.
    is_served: bool,
}

/// The watchers whose keys have one name.
struct Group {
    of: Arc<ValueOf>,
    by_value: HashMap<String, HashMap<u64, Arc<Waiter>>>,
}

impl fmt::Debug for Interest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interest").field("kinds", &self.kinds).field("key", &self.key).finish_non_exhaustive()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("name", &self.name).field("value", &self.value).finish_non_exhaustive()
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.keyed.keys();
        f.debug_struct("Table").field("keyed", &names).field("others", &self.others.len()).finish_non_exhaustive()
    }
}

impl Waiter {
    pub(super) fn new(interest: Interest) -> Self {
        Self { interest, wake: Notify::new(), matched: AtomicU64::new(NONE) }
    }

    /// Wakes it for the event at a place.
    fn wake(&self, place: u64) {
        self.matched.fetch_min(place, Ordering::AcqRel);
        self.wake.notify_one();
    }
}

impl Watchers {
    /// Adds a waiter. The number by which it is removed, and whether no task wakes the waiters yet.
    pub(super) fn add(&self, waiter: Arc<Waiter>) -> (u64, bool) {
        let mut table = self.lock();
        let number = table.next;
        table.next += 1;
        waiter.interest.kinds.iter().for_each(|it| table.by_kind[*it as usize] += 1);
        match &waiter.interest.key {
            Some(Key { name, value, of }) => {
                let new = || Group { of: of.clone(), by_value: HashMap::new() };
                let group = table.keyed.entry(name.clone()).or_insert_with(new);
                group.by_value.entry(value.clone()).or_default().insert(number, waiter.clone());
            }
            None => drop(table.others.insert(number, waiter)),
        }
        (number, !std::mem::replace(&mut table.is_served, true))
    }

    pub(super) fn remove(&self, number: u64, waiter: &Waiter) {
        let mut table = self.lock();
        waiter.interest.kinds.iter().for_each(|it| table.by_kind[*it as usize] -= 1);
        let Some(Key { name, value, .. }) = &waiter.interest.key else {
            table.others.remove(&number);
            return;
        };
        let Some(group) = table.keyed.get_mut(name) else { return };
        if let Some(own) = group.by_value.get_mut(value) {
            own.remove(&number);
            if own.is_empty() {
                group.by_value.remove(value);
            }
        }
        if group.by_value.is_empty() {
            table.keyed.remove(name);
        }
    }

    /// Tells that a waiter waits to be woken.
    pub(super) fn listen(&self) -> Listening<'_> {
        self.listening.send_modify(|it| *it += 1);
        Listening(self)
    }

    /// Whether a waiter waits to be woken before the time is up.
    pub(super) async fn listened(&self, wait: Duration) -> bool {
        let mut listening = self.listening.subscribe();
        timeout(wait, listening.wait_for(|it| *it > 0)).await.is_ok()
    }

    /// The events after one that may concern a waiter, calls that have begun included. `None`: some of them are evicted
    /// already.
    pub(super) fn concerned(&self, journal: &Journal, after: u64) -> Option<Vec<Arc<Event>>> {
        let table = self.lock();
        let kinds: Vec<_> = EventKind::ALL.into_iter().filter(|it| table.by_kind[*it as usize] > 0).collect();
        drop(table);
        if journal.has_evicted_after(after, &kinds) {
            return None;
        }
        let mut events = journal.after(after, &kinds);
        if kinds.contains(&EventKind::Call) {
            events.extend(journal.open_calls_after(after).cloned());
        }
        Some(events)
    }

    /// Wakes the waiters that the events between two places concern. Values and conditions are read without the lock,
    /// since they may read requests.
    pub(super) fn wake(&self, events: &[Arc<Event>], after: u64, up_to: u64) {
        let groups: Vec<_> = self.lock().keyed.iter().map(|(name, group)| (name.clone(), group.of.clone())).collect();
        let keys = |event: &Arc<Event>| -> Vec<_> {
            groups.iter().filter_map(|(name, of)| Some((name, of(event)?))).collect()
        };
        let keys: Vec<_> = events.iter().map(keys).collect();
        let (others, own) = self.lock().of_keys(&keys);
        let mut woken: HashMap<*const Waiter, u64> = HashMap::new();
        for (event, own) in events.iter().zip(&own) {
            // A call that began since the last time has a place for that, too.
            let place = if event.seq > after { event.seq } else { event.recorded };
            for waiter in others.iter().chain(own) {
                let earliest = woken.get(&Arc::as_ptr(waiter)).copied().unwrap_or(NONE);
                if place < earliest && waiter.interest.includes(event) {
                    woken.insert(Arc::as_ptr(waiter), place);
                    waiter.wake(place);
                }
            }
        }
        self.compared.store(up_to, Ordering::Release);
    }

    /// Wakes all waiters, which look at the events after a place themselves.
    pub(super) fn wake_all(&self, after: u64) {
        let table = self.lock();
        let keyed = table.keyed.values().flat_map(|it| it.by_value.values()).flat_map(HashMap::values);
        keyed.chain(table.others.values()).for_each(|it| it.wake(after + 1));
    }

    /// The place up to which no event matches that has been recorded since the waiter was added or asked last. 0 where
    /// that is not known.
    pub(super) fn passed(&self, waiter: &Waiter) -> u64 {
        let compared = self.compared.load(Ordering::Acquire);
        compared.min(waiter.matched.swap(NONE, Ordering::AcqRel).saturating_sub(1))
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the task if no watcher is left.
    pub(super) fn end_if_unwatched(&self) -> bool {
        let mut table = self.lock();
        let is_unwatched = table.others.is_empty() && table.keyed.is_empty();
        table.is_served &= !is_unwatched;
        is_unwatched
    }
}

impl Interest {
    fn includes(&self, event: &Event) -> bool {
        self.kinds.contains(&event.what.kind()) && (self.matches)(event)
    }
}

impl Table {
    /// The waiters without a key, and those that each event's names and values find.
    fn of_keys(&self, keys: &[Vec<(&String, String)>]) -> (Vec<Arc<Waiter>>, Vec<Vec<Arc<Waiter>>>) {
        let find = |(name, value): &(&String, String)| self.keyed.get(*name)?.by_value.get(value);
        let own = keys.iter().map(|it| it.iter().filter_map(find).flat_map(HashMap::values).cloned().collect());
        (self.others.values().cloned().collect(), own.collect())
    }
}
