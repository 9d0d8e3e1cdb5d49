//! A space: one engine, its lock, its clock, and those who wait.
//!
//! The lock is held for microseconds and never across an await. Whoever waits for a challenge holds its own channel,
//! so that an update wakes nobody whom it does not concern, and the timer sleeps until the earliest deadline.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::{Notify, oneshot, watch};
use tokio::time::Instant;

use super::clock::Clock;
use super::watch::Watchers;
use crate::engine::{
    Ask, Authentication, Bounds, ChallengeId, Engine, Journal, Pace, Refusal, Settlement, Setup, Start, Timestamp,
};

/// One emulated server with its own users, rules and clock, shared by every task.
#[derive(Clone, Debug)]
pub struct Space(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: String,
    state: Mutex<State>,
    /// The earliest deadline moved nearer, or time passes differently.
    sooner: Notify,
    /// The number of the newest event.
    happened: watch::Sender<u64>,
    watchers: Watchers,
    used: Mutex<Instant>,
}

#[derive(Debug)]
struct State {
    engine: Engine,
    clock: Clock,
    waiting: HashMap<ChallengeId, oneshot::Sender<Settlement>>,
    /// Those who wait for a time.
    sleeping: BTreeMap<(Timestamp, u64), oneshot::Sender<()>>,
    next_sleeper: u64,
}

/// How the waiting for a challenge ended without its outcome.
#[derive(Debug)]
pub enum Unsettled {
    Refused(Refusal),
    /// The server ends.
    Stopped,
}

impl Space {
    /// A space as a scenario sets it up, on the clock that the scenario says.
    #[must_use]
    pub fn new(name: &str, setup: Setup, bounds: Bounds) -> Self {
        let clock = setup.clock;
        let engine = Engine::new(setup, clock.at.unwrap_or_else(world_time), chance(name), bounds);
        Self::of(name, engine, clock)
    }

    /// A space of an engine, whose clock starts as said.
    pub(super) fn of(name: &str, engine: Engine, start: Start) -> Self {
        let clock = Clock::starting_at(start.at.unwrap_or_else(world_time), start.pace);
        let happened = watch::Sender::new(engine.journal.last());
        let (waiting, sleeping) = (HashMap::new(), BTreeMap::new());
        Self(Arc::new(Inner {
            name: name.into(),
            state: Mutex::new(State { engine, clock, waiting, sleeping, next_sleeper: 0 }),
            sooner: Notify::new(),
            happened,
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

    /// Changes the engine, after all that is due has happened, and tells those whose challenges ended.
    pub fn update<T>(&self, change: impl FnOnce(&mut Engine, Timestamp) -> T) -> T {
        self.update_state(|state, now| change(&mut state.engine, now))
    }

    /// Challenges a user and waits for the outcome. A caller that stops waiting leaves the challenge ringing.
    ///
    /// # Errors
    /// [`Unsettled`]
    pub async fn authenticate(&self, ask: Ask<'_>) -> Result<Settlement, Unsettled> {
        let outcome = self.update_state(|state, now| match state.engine.authenticate(now, ask)? {
            Authentication::Settled(settlement) => Ok(Ok(settlement)),
            Authentication::Open(id) => {
                let (sender, receiver) = oneshot::channel();
                state.waiting.insert(id, sender);
                Ok(Err(receiver))
            }
        });
        match outcome.map_err(Unsettled::Refused)? {
            Ok(settlement) => Ok(settlement),
            Err(receiver) => receiver.await.map_err(|_| Unsettled::Stopped),
        }
    }

    /// Waits until the space's clock has gone on by so much, or the server ends.
    pub async fn sleep(&self, time: Duration) {
        let receiver = self.update_state(|state, now| {
            let (sender, receiver) = oneshot::channel();
            state.next_sleeper += 1;
            state.sleeping.insert((now + time, state.next_sleeper), sender);
            receiver
        });
        // Let go at the end of the server, it is over as well.
        let _ = receiver.await;
    }

    /// Whether an answer without an error carries `error` all the same.
    #[must_use]
    pub fn error_on_success(&self) -> bool {
        self.lock().engine.company().error_on_success
    }

    /// Whether an operation can run at all.
    ///
    /// # Errors
    /// `MasterAway` for one that runs on the master server where the scenario took that away, `FeatureOff` where the
    /// company has not licensed the service.
    pub fn may_run(&self, operation: &str) -> Result<(), Refusal> {
        let state = self.lock();
        let company = state.engine.company();
        match company.master_away && operation.contains("Master") {
            true => Err(Refusal::MasterAway {}),
            false => Refusal::unless(company.features.web_service_sdk, "WebServiceSdk"),
        }
    }

    /// How time passes here.
    #[must_use]
    pub fn pace(&self) -> Pace {
        self.lock().clock.pace()
    }

    /// Lets time pass differently.
    pub fn set_pace(&self, pace: Pace) {
        self.update_state(|state, _| state.clock.set_pace(pace));
        self.0.sooner.notify_one();
    }

    /// Moves the clock on, and lets everything happen that is due until then, each thing at its time.
    pub fn advance(&self, time: Duration) -> Timestamp {
        let end = self.now() + time;
        self.advance_to(end);
        end
    }

    /// Moves the clock on to a time, as [`Self::advance`] does. An earlier time changes nothing.
    pub fn advance_to(&self, end: Timestamp) {
        loop {
            let due = {
                let mut state = self.lock();
                let due = state.next_due().filter(|it| *it < end);
                state.clock.move_to(due.unwrap_or(end));
                due
            };
            self.update(|_, _| ());
            if due.is_none() {
                break self.0.sooner.notify_one();
            }
        }
    }

    /// The number of the newest event.
    pub(super) fn last_event(&self) -> u64 {
        self.lock().engine.journal.last()
    }

    /// The number of the newest event, and every later one as it comes.
    pub(super) fn happened(&self) -> watch::Receiver<u64> {
        self.0.happened.subscribe()
    }

    /// Looks at what happened.
    pub(super) fn with_journal<T>(&self, look: impl FnOnce(&Journal) -> T) -> T {
        look(&self.lock().engine.journal)
    }

    /// Those who wait for something to happen.
    pub(super) fn watchers(&self) -> &Watchers {
        &self.0.watchers
    }

    /// Lets what is due happen on time; runs for as long as the space is served.
    pub async fn keep_time(self) {
        loop {
            let sooner = self.0.sooner.notified();
            let wait = {
                let state = self.lock();
                state.next_due().and_then(|it| state.clock.until(it))
            };
            match wait {
                Some(wait) => {
                    tokio::select! {
                        () = tokio::time::sleep(wait.max(Duration::from_micros(1))) => self.update(|_, _| ()),
                        () = sooner => (),
                    }
                }
                None => sooner.await,
            }
        }
    }

    /// Lets go of all who wait: their calls end without an outcome.
    pub fn stop(&self) {
        let mut state = self.lock();
        state.waiting.clear();
        state.sleeping.clear();
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

    /// How long nobody has used the space; nothing while a caller waits.
    #[must_use]
    pub fn idle(&self) -> Duration {
        match self.waiting() {
            0 => self.0.used.lock().unwrap_or_else(PoisonError::into_inner).elapsed(),
            _ => Duration::ZERO,
        }
    }

    /// The engine as it is, for a space that goes on from here, and how its clock stands.
    pub(super) fn forked(&self, name: &str) -> (Engine, Start) {
        let state = self.lock();
        (state.engine.fork(chance(name)), Start { at: Some(state.clock.now()), pace: state.clock.pace() })
    }

    /// Begins anew with another engine. Callers that wait are let go.
    pub(super) fn begin_anew(&self, mut engine: Engine, start: Start) {
        let mut state = self.lock();
        state.waiting.clear();
        state.sleeping.clear();
        // Who follows the events still knows where he was.
        engine.journal.continue_from(&state.engine.journal);
        state.clock = Clock::starting_at(start.at.unwrap_or_else(world_time), start.pace);
        state.engine = engine;
        drop(state);
        self.0.sooner.notify_one();
    }

    fn update_state<T>(&self, change: impl FnOnce(&mut State, Timestamp) -> T) -> T {
        let mut state = self.lock();
        let before = state.next_due();
        let happened = state.engine.journal.last();
        let now = state.clock.now();
        state.engine.tick(now);
        let result = change(&mut state, now);
        state.tell(now);
        while let Some(due) = state.next_jump() {
            state.clock.move_to(due);
            let now = state.clock.now();
            state.engine.tick(now);
            state.tell(now);
        }
        let after = state.next_due();
        let last = state.engine.journal.last();
        drop(state);
        if last != happened {
            self.0.happened.send_replace(last);
        }
        if after.is_some_and(|after| before.is_none_or(|before| after < before)) {
            self.0.sooner.notify_one();
        }
        result
    }

    /// The lock. A panic inside an update leaves the engine as whole as the update left it: better than a server
    /// that answers nobody.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// When something is due next.
    fn next_due(&self) -> Option<Timestamp> {
        let sleeper = self.sleeping.first_key_value().map(|it| it.0.0);
        [self.engine.next_deadline(), sleeper].into_iter().flatten().min()
    }

    /// Where a clock that jumps goes next: to the next thing for which an open call waits.
    fn next_jump(&self) -> Option<Timestamp> {
        if self.clock.pace() != Pace::Auto || self.engine.asks_a_person() {
            return None;
        }
        let sleeper = self.sleeping.first_key_value().map(|it| it.0.0);
        let waiting = self.waiting.keys().filter_map(|it| self.engine.deadline(*it));
        waiting.chain(sleeper).min()
    }

    /// Tells those who wait what came.
    fn tell(&mut self, now: Timestamp) {
        for (id, settlement) in self.engine.take_settled() {
            if let Some(sender) = self.waiting.remove(&id) {
                // A caller that hung up does not hear it.
                let _ = sender.send(settlement);
            }
        }
        while let Some(entry) = self.sleeping.first_entry().filter(|it| it.key().0 <= now) {
            let _ = entry.remove().send(());
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one reading of the system's clock")]
pub(super) fn world_time() -> Timestamp {
    Timestamp::from_unix(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}

/// What seeds a space where the scenario fixes no seed.
pub(super) fn chance(name: &str) -> u64 {
    std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), name)
}
