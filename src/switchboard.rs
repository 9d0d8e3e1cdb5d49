//! The one place where engines meet time and waiting.
//!
//! An engine's lock is held for microseconds and never across an await. Whoever waits for a challenge holds its own
//! channel, so that an update wakes nobody whom it does not concern, and the timer sleeps until the earliest
//! deadline.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use crate::engine::{Ask, Asked, ChallengeId, Engine, Refusal, Settlement, Setup, Timestamp};

/// One emulated server with its own users, rules and clock, shared by every task.
#[derive(Clone, Debug)]
pub struct Space(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: String,
    clock: Clock,
    state: Mutex<State>,
    /// The earliest deadline moved nearer.
    sooner: Notify,
}

#[derive(Debug)]
struct State {
    engine: Engine,
    waiting: HashMap<ChallengeId, oneshot::Sender<Settlement>>,
}

/// Unix time at a start, and the monotonic time since: a step of the system's clock moves no deadline.
#[derive(Debug)]
struct Clock {
    started: Timestamp,
    instant: Instant,
}

/// How the waiting for a challenge ended without its outcome.
#[derive(Debug)]
pub enum Unsettled {
    Refused(Refusal),
    /// The server ends.
    Stopped,
}

impl Space {
    /// A space as a scenario sets it up, on real time.
    #[must_use]
    pub fn new(name: &str, setup: Setup, journal_bytes: usize) -> Self {
        #[expect(clippy::disallowed_methods, reason = "the one reading of the system's clock")]
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self::starting_at(name, setup, journal_bytes, Timestamp::from_unix(now))
    }

    /// A space whose clock starts at a given moment.
    #[must_use]
    pub fn starting_at(name: &str, setup: Setup, journal_bytes: usize, started: Timestamp) -> Self {
        let chance = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), name);
        let engine = Engine::new(setup, started, chance, journal_bytes);
        Self(Arc::new(Inner {
            name: name.into(),
            clock: Clock { started, instant: Instant::now() },
            state: Mutex::new(State { engine, waiting: HashMap::new() }),
            sooner: Notify::new(),
        }))
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.0.clock.started + self.0.clock.instant.elapsed()
    }

    /// Waits by the space's clock.
    pub async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
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
            Asked::Settled(settlement) => Ok(Ok(settlement)),
            Asked::Open(id) => {
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

    /// Lets what is due happen on time; runs for as long as the space is served.
    pub async fn keep_time(self) {
        loop {
            let sooner = self.0.sooner.notified();
            let deadline = self.lock().engine.next_deadline();
            match deadline {
                Some(deadline) => {
                    let wait = deadline.since(self.now());
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
        self.lock().waiting.clear();
    }

    /// How many callers wait for a challenge.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.lock().waiting.len()
    }

    fn update_state<T>(&self, change: impl FnOnce(&mut State, Timestamp) -> T) -> T {
        let mut state = self.lock();
        let before = state.engine.next_deadline();
        let now = self.now();
        state.engine.tick(now);
        let result = change(&mut state, now);
        for (id, settlement) in state.engine.take_settled() {
            if let Some(sender) = state.waiting.remove(&id) {
                // A caller that hung up does not hear it.
                let _ = sender.send(settlement);
            }
        }
        let after = state.engine.next_deadline();
        drop(state);
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
