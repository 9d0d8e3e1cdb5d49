//! A space: one engine, its lock, its clock, and the calls that wait.
//!
//! The lock is held for microseconds and never across an await. Each call that waits for a challenge has a channel of
//! its own, so that an update wakes only the calls it concerns. The timer sleeps until the earliest deadline.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::{Notify, oneshot, watch};
use tokio::time::Instant;

use super::clock::Clock;
use super::watchers::Watchers;
use crate::engine::{
    Ask, Authentication, Bounds, ChallengeId, Engine, Journal, Pace, Refusal, Settlement, Setup, Start, Timestamp,
};

/// One emulated server with its own users, rules and clock, shared by every task.
#[derive(Clone, Debug)]
pub struct Space(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: String,
    locked: Mutex<Locked>,
    /// Wakes the timer: the earliest deadline or the pace of the clock changed.
    timer_changed: Notify,
    /// The number of the newest event.
    last_event: watch::Sender<u64>,
    watchers: Watchers,
    used: Mutex<Instant>,
}

/// What the lock of a space guards.
#[derive(Debug)]
struct Locked {
    engine: Engine,
    clock: Clock,
    waiting: HashMap<ChallengeId, oneshot::Sender<Settlement>>,
    /// The sleepers, by the time at which they wake.
    sleeping: BTreeMap<(Timestamp, u64), oneshot::Sender<()>>,
    next_sleeper: u64,
}

/// Why a call that waits for a challenge ends without an outcome.
#[derive(Debug)]
pub enum Unsettled {
    Refused(Refusal),
    /// The space or the server ended.
    Stopped,
}

impl Space {
    /// A space as a scenario sets it up.
    #[must_use]
    pub fn new(name: &str, setup: Setup, bounds: Bounds) -> Self {
        let clock = setup.clock;
        let engine = Engine::new(setup, clock.at.unwrap_or_else(system_now), draw_seed(), bounds);
        Self::of(name, engine, clock)
    }

    /// A space of an engine.
    pub(super) fn of(name: &str, engine: Engine, start: Start) -> Self {
        let clock = Clock::starting_at(start.at.unwrap_or_else(system_now), start.pace);
        let last_event = watch::Sender::new(engine.journal.last());
        let (waiting, sleeping) = (HashMap::new(), BTreeMap::new());
        Self(Arc::new(Inner {
            name: name.into(),
            locked: Mutex::new(Locked { engine, clock, waiting, sleeping, next_sleeper: 0 }),
            timer_changed: Notify::new(),
            last_event,
            watchers: Watchers::default(),
            used: Mutex::new(Instant::now()),
        }))
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.lock().clock.now()
    }

    /// Changes the engine, after all that is due, and notifies the calls whose challenges ended.
    pub fn update<T>(&self, change: impl FnOnce(&mut Engine, Timestamp) -> T) -> T {
        self.update_locked(|locked, now| change(&mut locked.engine, now))
    }

    /// Challenges a user and waits for the outcome. A caller that stops waiting leaves the challenge ringing.
    ///
    /// # Errors
    /// [`Unsettled`]
    pub async fn authenticate(&self, ask: Ask<'_>) -> Result<Settlement, Unsettled> {
        let outcome = self.update_locked(|locked, now| match locked.engine.authenticate(now, ask)? {
            Authentication::Settled(settlement) => Ok(Ok(settlement)),
            Authentication::Open(id) => {
                let (sender, receiver) = oneshot::channel();
                locked.waiting.insert(id, sender);
                Ok(Err(receiver))
            }
        });
        match outcome.map_err(Unsettled::Refused)? {
            Ok(settlement) => Ok(settlement),
            Err(receiver) => receiver.await.map_err(|_| Unsettled::Stopped),
        }
    }

    /// Waits until so much time has passed on the space's clock, or until the space ends.
    pub async fn sleep(&self, time: Duration) {
        let receiver = self.update_locked(|locked, now| {
            let (sender, receiver) = oneshot::channel();
            locked.next_sleeper += 1;
            locked.sleeping.insert((now + time, locked.next_sleeper), sender);
            receiver
        });
        // An error means that the space ended: then the wait is over too.
        let _ = receiver.await;
    }

    /// Whether an answer without an error carries `error`, with code 0.
    #[must_use]
    pub fn error_on_success(&self) -> bool {
        self.lock().engine.company().error_on_success
    }

    /// What a tester should know of a name that fits several users. A name with its domain means one user.
    #[must_use]
    pub fn ambiguity(&self, username: &str) -> Option<String> {
        if username.contains('@') {
            return None;
        }
        self.lock().engine.directory().ambiguity(username)
    }

    /// Whether an operation can run at all.
    ///
    /// # Errors
    /// `MasterAway` for one that runs on the master server where the scenario took that away, `FeatureOff` where the
    /// company has not licensed the service.
    pub fn may_run(&self, on_master: bool) -> Result<(), Refusal> {
        let locked = self.lock();
        let company = locked.engine.company();
        match company.master_away && on_master {
            true => Err(Refusal::MasterAway {}),
            false => Refusal::unless(company.features.web_service_sdk, "WebServiceSdk"),
        }
    }

    /// How time passes on the space's clock.
    #[must_use]
    pub fn pace(&self) -> Pace {
        self.lock().clock.pace()
    }

    /// Changes how time passes on the space's clock.
    pub fn set_pace(&self, pace: Pace) {
        self.update_locked(|locked, _| locked.clock.set_pace(pace));
        self.0.timer_changed.notify_one();
    }

    /// Moves the clock forward. All that is due until then happens, each thing at its time.
    pub fn advance(&self, time: Duration) -> Timestamp {
        let end = self.now() + time;
        self.advance_to(end);
        end
    }

    /// Moves the clock forward to a time, as [`Self::advance`] does. An earlier time changes nothing.
    pub fn advance_to(&self, end: Timestamp) {
        loop {
            let due = {
                let mut locked = self.lock();
                let due = locked.next_due().filter(|it| *it < end);
                locked.clock.move_to(due.unwrap_or(end));
                due
            };
            self.update(|_, _| ());
            if due.is_none() {
                break self.0.timer_changed.notify_one();
            }
        }
    }

    /// The number of the newest event.
    pub(super) fn last_event(&self) -> u64 {
        self.lock().engine.journal.last()
    }

    /// The number of the newest event, and every later one as it comes.
    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        self.0.last_event.subscribe()
    }

    /// Reads the journal under the lock.
    pub(super) fn with_journal<T>(&self, read: impl FnOnce(&Journal) -> T) -> T {
        read(&self.lock().engine.journal)
    }

    pub(super) fn watchers(&self) -> &Watchers {
        &self.0.watchers
    }

    /// Lets all that is due happen on time, for as long as the returned future runs.
    pub async fn run_timer(self) {
        loop {
            let changed = self.0.timer_changed.notified();
            let wait = {
                let locked = self.lock();
                locked.next_due().and_then(|it| locked.clock.until(it))
            };
            match wait {
                Some(wait) => {
                    tokio::select! {
                        () = tokio::time::sleep(wait.max(Duration::from_micros(1))) => self.update(|_, _| ()),
                        () = changed => (),
                    }
                }
                None => changed.await,
            }
        }
    }

    /// Ends all calls that wait, without an outcome.
    pub fn stop(&self) {
        let mut locked = self.lock();
        locked.waiting.clear();
        locked.sleeping.clear();
    }

    /// How many callers wait for a challenge.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.lock().waiting.len()
    }

    /// Marks that the space is in use.
    pub(super) fn touch(&self) {
        *self.0.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// How long the space is idle; zero while a caller waits.
    #[must_use]
    pub fn idle(&self) -> Duration {
        match self.waiting() {
            0 => self.0.used.lock().unwrap_or_else(PoisonError::into_inner).elapsed(),
            _ => Duration::ZERO,
        }
    }

    /// An engine that goes on from here by itself, the time, and how it passes.
    #[must_use]
    pub fn fork(&self) -> (Engine, Timestamp, Pace) {
        self.update_locked(|locked, now| (locked.engine.fork(draw_seed()), now, locked.clock.pace()))
    }

    /// Starts again with another engine. Calls that wait end without an outcome.
    pub(super) fn restart(&self, (mut engine, start): (Engine, Start)) {
        let mut locked = self.lock();
        locked.waiting.clear();
        locked.sleeping.clear();
        // Sequence numbers continue, so that cursors stay valid.
        engine.journal.continue_from(&locked.engine.journal);
        locked.clock = Clock::starting_at(start.at.unwrap_or_else(system_now), start.pace);
        locked.engine = engine;
        drop(locked);
        self.0.timer_changed.notify_one();
    }

    fn update_locked<T>(&self, change: impl FnOnce(&mut Locked, Timestamp) -> T) -> T {
        let mut locked = self.lock();
        let before = locked.next_due();
        let last_before = locked.engine.journal.last();
        let now = locked.clock.now();
        locked.engine.tick(now);
        let result = change(&mut locked, now);
        locked.notify(now);
        while let Some(due) = locked.next_jump() {
            locked.clock.move_to(due);
            let now = locked.clock.now();
            locked.engine.tick(now);
            locked.notify(now);
        }
        let after = locked.next_due();
        let last = locked.engine.journal.last();
        drop(locked);
        // A subscriber that comes now finds the event in the journal.
        if last != last_before && self.0.last_event.receiver_count() > 0 {
            self.0.last_event.send_replace(last);
        }
        if after.is_some_and(|after| before.is_none_or(|before| after < before)) {
            self.0.timer_changed.notify_one();
        }
        result
    }

    /// Locks the space, also after a panic in an update: the engine is then as the update left it, and the server goes
    /// on.
    fn lock(&self) -> MutexGuard<'_, Locked> {
        self.0.locked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Locked {
    /// The time at which something is due next.
    fn next_due(&self) -> Option<Timestamp> {
        let sleeper = self.sleeping.first_key_value().map(|it| it.0.0);
        [self.engine.next_deadline(), sleeper].into_iter().flatten().min()
    }

    /// The time to which a clock of pace `auto` jumps next: the next one that a call waits for.
    fn next_jump(&self) -> Option<Timestamp> {
        if self.clock.pace() != Pace::Auto || self.engine.asks_a_person() {
            return None;
        }
        let sleeper = self.sleeping.first_key_value().map(|it| it.0.0);
        let waiting = self.waiting.keys().filter_map(|it| self.engine.deadline(*it));
        waiting.chain(sleeper).min()
    }

    /// Sends settlements to the calls that wait for them, and wakes the sleepers.
    fn notify(&mut self, now: Timestamp) {
        for (id, settlement) in self.engine.take_settled() {
            if let Some(sender) = self.waiting.remove(&id) {
                // An error means that the caller hung up.
                let _ = sender.send(settlement);
            }
        }
        while let Some(entry) = self.sleeping.first_entry().filter(|it| it.key().0 <= now) {
            let _ = entry.remove().send(());
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one reading of the system's clock")]
pub(super) fn system_now() -> Timestamp {
    Timestamp::from_unix(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}

/// A random seed, for a space whose scenario fixes none.
pub(super) fn draw_seed() -> u64 {
    std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), ())
}
