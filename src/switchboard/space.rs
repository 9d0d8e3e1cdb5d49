//! A space: one engine, its lock, its clock, and the calls that wait.
//!
//! The lock is held for microseconds and never across an await. Each call that waits for a challenge has a channel of
//! its own, so that an update wakes only the calls it concerns. The timer sleeps until the earliest deadline.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use tokio::sync::{Notify, oneshot, watch};
use tokio::time::Instant;

use super::DEFAULT;
use super::clock::Clock;
use super::ring::Ring;
use super::totals::Totals;
use super::watchers::Watchers;
use super::work::{Lane, Work};
use crate::engine::{
    Ask, Authentication, Bounds, CallEnd, CallRequest, ChallengeId, Engine, IncidentStatus, Journal, Pace, Query,
    Refusal, Settlement, Setup, Start, Timestamp, User,
};

/// One emulated server with its own users, rules and clock, shared by every task.
#[derive(Clone, Debug)]
pub struct Space {
    inner: Arc<Inner>,
    /// The epoch that this one stays in. `None`: it follows resets.
    epoch: Option<Arc<Epoch>>,
}

#[derive(Debug)]
struct Inner {
    name: String,
    id: u64,
    /// A reset writes it; every update that follows resets reads it.
    current: RwLock<Arc<Epoch>>,
    /// Wakes the timer: the earliest deadline or the pace of the clock changed.
    timer_changed: Notify,
    /// Wakes the task that wakes the watchers: the journal has a new event.
    event_noted: Notify,
    /// Counts the resets, and tells the end.
    life: watch::Sender<Life>,
    watchers: Watchers,
    used: Mutex<Instant>,
    totals: Arc<Totals>,
    work: Arc<Work>,
    /// Whether an incident refuses sign-ins: every request asks.
    refuses_sign_in: AtomicBool,
    /// Whether a request has found it since it was made.
    is_found: AtomicBool,
    /// Whether the log had the hint about an unknown user.
    told_unknown_user: AtomicBool,
}

/// How far a space has come.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Life {
    /// How often it was started over.
    pub resets: u64,
    /// Why it has ended: it was dropped, or the server stopped.
    pub ended: Option<Ended>,
}

/// The time of a space from one reset to the next. A call stays in the epoch in which it began.
#[derive(Debug)]
struct Epoch(Mutex<Locked>);

/// What the lock of an epoch guards.
#[derive(Debug)]
struct Locked {
    engine: Engine,
    clock: Clock,
    waiting: HashMap<ChallengeId, oneshot::Sender<Result<Settlement, Ended>>>,
    /// The sleepers, by the time at which they wake.
    sleeping: BTreeMap<(Timestamp, u64), oneshot::Sender<Result<(), Ended>>>,
    next_sleeper: u64,
    ended: Option<Ended>,
}

/// Why an epoch ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ended {
    /// The server stopped.
    Stopped,
    /// The space was reset.
    Reset,
    /// The space got another scenario.
    Replaced,
    /// The scenario was read again, and a reload resets.
    Reloaded,
    /// The space was dropped.
    Dropped,
}

/// Why a call that waits for a challenge ends without an outcome.
#[derive(Debug)]
pub enum Unsettled {
    Refused(Refusal),
    Ended(Ended),
}

impl Space {
    /// A space as a scenario sets it up.
    #[must_use]
    pub fn new(name: &str, setup: Setup, bounds: Bounds) -> Self {
        let clock = setup.clock;
        let engine = Engine::new(setup, clock.at.unwrap_or_else(system_now), draw_seed(), bounds);
        Self::of(name, engine, clock, Arc::default(), Arc::default())
    }

    /// A space of an engine. What the engine draws in turn follows the name.
    pub(super) fn of(name: &str, engine: Engine, start: Start, totals: Arc<Totals>, work: Arc<Work>) -> Self {
        let engine = drawing_as(name, engine);
        let inner = Inner {
            name: name.into(),
            id: draw(),
            current: RwLock::new(Epoch::starting(engine, start)),
            timer_changed: Notify::new(),
            event_noted: Notify::new(),
            life: watch::Sender::default(),
            watchers: Watchers::default(),
            used: Mutex::new(Instant::now()),
            totals,
            work,
            refuses_sign_in: AtomicBool::new(false),
            is_found: AtomicBool::new(false),
            told_unknown_user: AtomicBool::new(false),
        };
        Self { inner: inner.into(), epoch: None }
    }

    /// The same space as it is until its next reset: for a call, which ends in the epoch in which it began.
    #[must_use]
    pub fn in_this_epoch(&self) -> Self {
        let epoch = self.inner.current.read().unwrap_or_else(PoisonError::into_inner).clone();
        Self { inner: self.inner.clone(), epoch: Some(epoch) }
    }

    /// Whether this is that space, and not another one of the same name.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    /// Drawn when the space is made: no other space has it, and none of another run.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.inner.id
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.with_locked(|it| it.clock.now())
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
        let outcome = self.update_locked(|locked, now| {
            locked.ended.map_or(Ok(()), |it| Err(Unsettled::Ended(it)))?;
            match locked.engine.authenticate(now, ask).map_err(Unsettled::Refused)? {
                Authentication::Settled(settlement) => Ok(Ok(settlement)),
                Authentication::Open(id) => {
                    let (sender, receiver) = oneshot::channel();
                    locked.waiting.insert(id, sender);
                    let rings = tracing::enabled!(target: "locmfa::phone", tracing::Level::INFO)
                        .then(|| locked.engine.open_challenge(id).map(|it| Ring::of(self.name(), &it)));
                    Ok(Err((receiver, rings.flatten())))
                }
            }
        });
        match outcome? {
            Ok(settlement) => Ok(settlement),
            Err((receiver, ring)) => {
                // The lock is free again: a log line never holds it.
                ring.into_iter().for_each(Ring::log);
                receiver.await.unwrap_or(Err(Ended::Stopped)).map_err(Unsettled::Ended)
            }
        }
    }

    /// Waits until so much time has passed on the space's clock.
    ///
    /// # Errors
    /// [`Ended`] where the space is reset or ends before that.
    pub async fn sleep(&self, time: Duration) -> Result<(), Ended> {
        let receiver = self.update_locked(|locked, now| {
            locked.ended.map_or(Ok(()), Err)?;
            let (sender, receiver) = oneshot::channel();
            locked.next_sleeper += 1;
            locked.sleeping.insert((now + time, locked.next_sleeper), sender);
            Ok(receiver)
        });
        receiver?.await.unwrap_or(Err(Ended::Stopped))
    }

    /// Waits so long by the world's clock.
    ///
    /// # Errors
    /// As [`Self::sleep`].
    pub async fn sleep_in_world(&self, time: Duration) -> Result<(), Ended> {
        let mut life = self.life();
        let ended = async {
            loop {
                if let Some(why) = self.with_locked(|it| it.ended) {
                    break why;
                }
                if life.changed().await.is_err() {
                    break Ended::Stopped;
                }
            }
        };
        tokio::select! {
            () = tokio::time::sleep(time) => Ok(()),
            why = ended => Err(why),
        }
    }

    /// Records that a call begins, and returns its number.
    #[must_use]
    pub fn open_call(&self, request: Arc<CallRequest>) -> u64 {
        self.update(|engine, now| engine.journal.open_call(now, request))
    }

    /// Records how a call ended.
    pub fn close_call(&self, seq: u64, end: impl FnOnce(Timestamp) -> CallEnd) {
        let incident = self.update(|engine, now| {
            let end = end(now);
            let incident = end.incident.clone();
            engine.journal.close_call(seq, end);
            incident
        });
        self.inner.totals.calls.fetch_add(1, Ordering::Relaxed);
        incident.iter().for_each(|it| self.inner.totals.count_hit(it));
    }

    /// The incident that refuses the sign-ins of the space, if one does. It is counted as a hit.
    #[must_use]
    pub fn refuse_sign_in(&self) -> Option<IncidentStatus> {
        // One reading for each request where no incident refuses any.
        if !self.inner.refuses_sign_in.load(Ordering::Relaxed) {
            return None;
        }
        let refuses = self.update(|engine, _| {
            let it = engine.incident().filter(|it| it.sign_in.is_some())?;
            engine.count_refused_sign_in();
            Some(it)
        })?;
        self.inner.totals.count_hit(&refuses.name);
        Some(refuses)
    }

    /// The incident whose settings refuse a call in this way, if one does. It is counted as a hit.
    #[must_use]
    pub fn incident_behind(&self, refusal: &Refusal) -> Option<Arc<str>> {
        let may_be = matches!(refusal, Refusal::MasterAway {} | Refusal::FeatureOff { .. });
        may_be.then(|| self.update(|engine, _| engine.incident_behind(refusal))).flatten()
    }

    /// Whether an answer without an error carries `error`, with code 0.
    #[must_use]
    pub fn error_on_success(&self) -> bool {
        self.with_locked(|it| it.engine.company().error_on_success)
    }

    /// Whether this is the first time that it is asked: one hint is enough.
    pub fn is_first_unknown_user(&self) -> bool {
        !self.inner.told_unknown_user.swap(true, Ordering::Relaxed)
    }

    /// What a tester should know of a name that fits several users. A name with its domain means one user.
    #[must_use]
    pub fn ambiguity(&self, username: &str) -> Option<String> {
        if username.contains('@') {
            return None;
        }
        self.with_locked(|it| it.engine.directory().ambiguity(username))
    }

    /// Whether an operation can run at all.
    ///
    /// # Errors
    /// `MasterAway` for one that runs on the master server where the scenario took that away, `FeatureOff` where the
    /// company has not licensed the service.
    pub fn may_run(&self, on_master: bool) -> Result<(), Refusal> {
        self.with_locked(|locked| {
            let company = locked.engine.company();
            match company.master_away && on_master {
                true => Err(Refusal::MasterAway {}),
                false => Refusal::unless(company.features.web_service_sdk, "WebServiceSdk"),
            }
        })
    }

    /// Finds users, in the order of their names: the first `most` of those behind `after`, a name in lower case. Patterns
    /// are compared without the lock, and off the threads that answer calls where there is much to compare.
    pub async fn search(&self, lane: Lane, query: Query, after: Option<String>, most: usize) -> Vec<Arc<User>> {
        let mut search = self.update(|engine, _| engine.directory().search(query));
        let (this, size) = (self.clone(), search.size());
        let searching = move || {
            search.compare();
            let found = this.with_locked(|it| it.engine.directory_mut().found(&search, after.as_deref(), most));
            search.matching(found, most)
        };
        self.inner.work.run_sized(lane, size, searching).await
    }

    /// The threads for work that grows with what a request brings or asks for.
    #[must_use]
    pub fn work(&self) -> &Work {
        &self.inner.work
    }

    /// How time passes on the space's clock.
    #[must_use]
    pub fn pace(&self) -> Pace {
        self.with_locked(|it| it.clock.pace())
    }

    /// Changes how time passes on the space's clock.
    pub fn set_pace(&self, pace: Pace) {
        self.update_locked(|locked, _| locked.clock.set_pace(pace));
        self.inner.timer_changed.notify_one();
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
            let due = self.with_locked(|locked| {
                let due = locked.next_due().filter(|it| *it < end);
                locked.clock.move_to(due.unwrap_or(end));
                due
            });
            self.update(|_, _| ());
            if due.is_none() {
                break self.inner.timer_changed.notify_one();
            }
        }
    }

    /// Moves the clock forward to the next thing that is due, and lets it happen. `None`: nothing is due.
    pub fn advance_to_next(&self) -> Option<Timestamp> {
        let due = self.with_locked(|it| it.next_due())?;
        self.advance_to(due);
        Some(due)
    }

    /// The number of the newest event.
    pub(super) fn last_event(&self) -> u64 {
        self.with_locked(|it| it.engine.journal.last())
    }

    /// Waits until an event is noted. One task waits. It may wait no time for an event that it has read.
    pub(super) async fn next_event(&self) {
        self.inner.event_noted.notified().await;
    }

    /// Reads the journal under the lock.
    pub(super) fn with_journal<T>(&self, read: impl FnOnce(&Journal) -> T) -> T {
        self.with_locked(|it| read(&it.engine.journal))
    }

    pub(super) fn watchers(&self) -> &Watchers {
        &self.inner.watchers
    }

    /// Lets all that is due happen on time, for as long as the returned future runs.
    pub async fn run_timer(self) {
        loop {
            let changed = self.inner.timer_changed.notified();
            let wait = self.with_locked(|it| it.next_due().and_then(|due| it.clock.until(due)));
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

    /// Ends the space, and all calls that wait in it, without an outcome.
    pub(super) fn end(&self, why: Ended) {
        self.with_locked(|it| it.end(why));
        self.inner.life.send_modify(|it| it.ended = Some(why));
    }

    /// How far it has come, and every change of that.
    #[must_use]
    pub fn life(&self) -> watch::Receiver<Life> {
        self.inner.life.subscribe()
    }

    /// How many callers wait for a challenge.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.with_locked(|it| it.waiting.len())
    }

    /// Whether no request has found it since it was made.
    pub(super) fn is_unfound(&self) -> bool {
        !self.inner.is_found.load(Ordering::Relaxed)
    }

    /// Marks that the space is in use.
    pub(super) fn touch(&self) {
        self.inner.is_found.store(true, Ordering::Relaxed);
        *self.inner.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// How long the space is idle; zero while a call is open.
    #[must_use]
    pub fn idle(&self) -> Duration {
        let is_open =
            |it: &mut Locked| !it.waiting.is_empty() || it.engine.journal.open_calls_after(0).next().is_some();
        match self.with_locked(is_open) {
            true => Duration::ZERO,
            false => self.inner.used.lock().unwrap_or_else(PoisonError::into_inner).elapsed(),
        }
    }

    /// An engine that goes on from here by itself, the time, and how it passes.
    #[must_use]
    pub fn fork(&self) -> (Engine, Timestamp, Pace) {
        self.update_locked(|locked, now| (locked.engine.fork(), now, locked.clock.pace()))
    }

    /// Starts again with another engine. Calls that wait end without an outcome.
    pub(super) fn restart(&self, (mut engine, start): (Engine, Start), why: Ended) {
        let mut current = self.inner.current.write().unwrap_or_else(PoisonError::into_inner);
        let mut locked = current.lock();
        locked.end(why);
        // Sequence numbers continue, so that cursors stay valid.
        engine.journal.continue_from(&locked.engine.journal);
        drop(locked);
        let ended = std::mem::replace(&mut *current, Epoch::starting(drawing_as(&self.inner.name, engine), start));
        self.inner.refuses_sign_in.store(false, Ordering::Relaxed);
        drop(current);
        // What the epoch had is freed without the lock.
        drop(ended);
        self.inner.life.send_modify(|it| it.resets += 1);
        self.inner.timer_changed.notify_one();
    }

    fn update_locked<T>(&self, change: impl FnOnce(&mut Locked, Timestamp) -> T) -> T {
        let (result, is_noted, is_earlier, warnings) = self.with_locked(|locked| {
            let before = locked.next_due();
            let last_before = locked.engine.journal.last();
            let now = locked.clock.now();
            locked.engine.tick(now);
            let result = change(locked, now);
            locked.notify(now);
            while let Some(due) = locked.next_jump() {
                locked.clock.move_to(due);
                let now = locked.clock.now();
                locked.engine.tick(now);
                locked.notify(now);
            }
            let after = locked.next_due();
            let is_current = locked.ended.is_none();
            let is_earlier = after.is_some_and(|after| before.is_none_or(|before| after < before));
            let warnings = locked.engine.take_warnings();
            let is_noted = is_current && locked.engine.journal.last() != last_before;
            let (known, refuses) = (&self.inner.refuses_sign_in, locked.engine.refuses_sign_in());
            if is_current && refuses != known.load(Ordering::Relaxed) {
                known.store(refuses, Ordering::Relaxed);
            }
            (result, is_noted, is_current && is_earlier, warnings)
        });
        warnings.iter().for_each(|it| tracing::warn!(space = self.name(), "{it}"));
        if is_noted {
            self.inner.event_noted.notify_one();
        }
        if is_earlier {
            self.inner.timer_changed.notify_one();
        }
        result
    }

    /// Uses the epoch that this one stays in, or else the current one, which no reset replaces meanwhile.
    fn with_locked<T>(&self, change: impl FnOnce(&mut Locked) -> T) -> T {
        match &self.epoch {
            Some(epoch) => change(&mut epoch.lock()),
            None => change(&mut self.inner.current.read().unwrap_or_else(PoisonError::into_inner).lock()),
        }
    }
}

impl Epoch {
    fn starting(engine: Engine, start: Start) -> Arc<Self> {
        let clock = Clock::starting_at(start.at.unwrap_or_else(system_now), start.pace);
        let (waiting, sleeping) = (HashMap::new(), BTreeMap::new());
        Arc::new(Self(Mutex::new(Locked { engine, clock, waiting, sleeping, next_sleeper: 0, ended: None })))
    }

    /// Locks the epoch, also after a panic in an update: the engine is then as the update left it, and the server goes
    /// on.
    fn lock(&self) -> MutexGuard<'_, Locked> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An engine that draws as that of a space does.
fn drawing_as(name: &str, engine: Engine) -> Engine {
    if name == DEFAULT { engine } else { engine.in_space(name) }
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
                let _ = sender.send(Ok(settlement));
            }
        }
        while let Some(entry) = self.sleeping.first_entry().filter(|it| it.key().0 <= now) {
            let _ = entry.remove().send(Ok(()));
        }
    }

    /// Ends the epoch. An error means that the caller hung up.
    fn end(&mut self, why: Ended) {
        self.ended = Some(why);
        for (_, caller) in self.waiting.drain() {
            let _ = caller.send(Err(why));
        }
        for sleeper in std::mem::take(&mut self.sleeping).into_values() {
            let _ = sleeper.send(Err(why));
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one reading of the system's clock")]
pub(super) fn system_now() -> Timestamp {
    Timestamp::from_unix(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}

/// A random seed of few digits, since people type it.
#[must_use]
pub fn draw_seed() -> u64 {
    draw() >> 32
}

fn draw() -> u64 {
    std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), ())
}
