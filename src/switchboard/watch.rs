//! Those who wait for something to happen in a space, however many they are: one task looks at what happened, in
//! batches, and wakes those whom it may concern. An event costs a look into a table, not a look at everybody.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::Space;
use crate::engine::{Event, EventKind, Journal, What};

/// What somebody waits for. It may take in more than that: whoever is woken looks again.
pub struct Interest {
    pub kinds: Vec<EventKind>,
    /// The one user whom it concerns, where it concerns one alone.
    pub username: Option<String>,
    /// Whether an event of these kinds may be it.
    pub fits: Box<dyn Fn(&Event) -> bool + Send + Sync>,
}

/// Somebody who waits, for as long as it is kept.
#[derive(Debug)]
pub struct Watcher {
    space: Space,
    number: u64,
    waiting: Arc<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    interest: Interest,
    woken: Notify,
}

/// Everybody who waits in a space.
#[derive(Debug, Default)]
pub(super) struct Watchers(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    next: u64,
    /// Those who wait for one user, by the name in lower case.
    by_username: HashMap<String, HashMap<u64, Arc<Waiting>>>,
    others: HashMap<u64, Arc<Waiting>>,
    /// Whether the task runs that wakes them.
    is_served: bool,
}

/// How long events gather before they are looked at.
const BATCH: Duration = Duration::from_millis(10);

impl fmt::Debug for Interest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interest").field("kinds", &self.kinds).field("username", &self.username).finish_non_exhaustive()
    }
}

impl Watcher {
    /// Waits until something has happened that may fit, from when the watcher was made, or from the last such wait.
    pub async fn woken(&self) {
        self.waiting.woken.notified().await;
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let mut table = self.space.watchers().lock();
        let Some(name) = self.waiting.interest.key() else {
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

    fn takes(&self, event: &Event) -> bool {
        self.kinds.contains(&event.what.kind()) && (self.fits)(event)
    }
}

impl Space {
    /// Begins to wait. What happens from now on wakes the watcher if it fits.
    #[must_use]
    pub fn watch(&self, interest: Interest) -> Watcher {
        let waiting = Arc::new(Waiting { interest, woken: Notify::new() });
        let last = self.last_event();
        let mut table = self.watchers().lock();
        let number = table.next;
        table.next += 1;
        match waiting.interest.key() {
            Some(name) => table.by_username.entry(name).or_default().insert(number, waiting.clone()),
            None => table.others.insert(number, waiting.clone()),
        };
        if !std::mem::replace(&mut table.is_served, true) {
            tokio::spawn(self.clone().wake_watchers(last));
        }
        drop(table);
        Watcher { space: self.clone(), number, waiting }
    }

    /// Wakes those whom events concern, until nobody is left.
    async fn wake_watchers(self, mut after: u64) {
        let mut happened = self.happened();
        let mut looked = Instant::now();
        loop {
            if self.last_event() == after {
                let _ = tokio::time::timeout(IDLE, happened.changed()).await;
                if self.watchers().end_if_alone() {
                    return;
                }
            }
            // Whatever comes after a while of nothing is told at once.
            tokio::time::sleep_until(looked + BATCH).await;
            looked = Instant::now();
            let (events, last) = self.with_journal(|it| (self.watchers().lock().concerned(it, after), it.last()));
            after = last;
            self.watchers().lock().wake(&events);
        }
    }
}

/// How often the task looks whether anybody is left, where nothing happens.
const IDLE: Duration = Duration::from_secs(1);

impl Watchers {
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the service where nobody waits.
    fn end_if_alone(&self) -> bool {
        let mut table = self.lock();
        let alone = table.others.is_empty() && table.by_username.is_empty();
        table.is_served &= !alone;
        alone
    }
}

impl Table {
    /// The events after one that may concern somebody.
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
        for waiting in self.others.values() {
            if events.iter().any(|it| waiting.interest.takes(it)) {
                waiting.woken.notify_one();
            }
        }
        if self.by_username.is_empty() {
            return;
        }
        for event in events {
            for waiting in self.by_username.get(&*lower(username(event))).into_iter().flat_map(HashMap::values) {
                if waiting.interest.takes(event) {
                    waiting.woken.notify_one();
                }
            }
        }
    }
}

/// A name in lower case, as most are.
fn lower(name: &str) -> Cow<'_, str> {
    match name.bytes().all(|it| it.is_ascii() && !it.is_ascii_uppercase()) {
        true => name.into(),
        false => name.to_lowercase().into(),
    }
}

/// The user whom an event concerns.
fn username(event: &Event) -> &str {
    match &event.what {
        What::Call(it) => &it.username,
        What::Turn(it) => &it.username,
        What::Message(it) => &it.username,
        What::Changed(it) => &it.username,
        What::Notice(_) => "",
    }
}
