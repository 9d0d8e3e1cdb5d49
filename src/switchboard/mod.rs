//! The one place where engines meet time and waiting: spaces side by side, each with its own engine and clock.

mod clock;
mod space;
mod watch;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::task::AbortHandle;

pub use space::{Space, Unsettled};
pub use watch::{Interest, Watcher};

use crate::engine::{Bounds, Differences, Engine, OnReload, Setup, Start};

/// The spaces of a server. One is always there and is called [`DEFAULT`]; the others are made when they are first
/// called, and end when nobody has used them for a while.
#[derive(Clone, Debug)]
pub struct Switchboard(Arc<Board>);

#[derive(Debug)]
struct Board {
    limits: Limits,
    default: Space,
    /// What new spaces begin with.
    loaded: RwLock<Loaded>,
    /// By name in lower case.
    spaces: RwLock<HashMap<String, Kept>>,
}

#[derive(Debug)]
struct Loaded {
    engine: Engine,
    start: Start,
}

/// A space, and the task that keeps its time.
#[derive(Debug)]
struct Kept {
    space: Space,
    time: AbortHandle,
}

/// How much there may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many spaces, the default one included.
    pub spaces: usize,
    /// How long nobody may use a space before it is dropped.
    pub idle: Duration,
    /// What each space keeps of calls.
    pub journal: Bounds,
}

/// The name of the space that is always there.
pub const DEFAULT: &str = "default";

/// Why there is no such space.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NoSpace {
    #[error("{0:?} cannot name a space: a name has up to 64 letters, digits, dots, hyphens and underscores")]
    BadName(String),
    #[error("there are {0} spaces, and no more are allowed; drop one, or start with a higher --spaces")]
    Full(usize),
    #[error("there is no space {0:?}; one is made by the first call to its address, or with PUT /spaces/{0}")]
    Unknown(String),
    #[error("there is a space {0:?} already; drop it first, or take another name")]
    Taken(String),
    #[error("the space \"default\" is always there; it can be reset")]
    Default,
}

impl Default for Limits {
    fn default() -> Self {
        Self { spaces: 256, idle: Duration::from_hours(1), journal: Bounds::default() }
    }
}

impl Switchboard {
    /// The spaces of a scenario. Time passes in them as long as the runtime in which this is called runs.
    #[must_use]
    pub fn new(setup: Setup, limits: Limits) -> Self {
        let loaded = Loaded::new(setup, limits.journal);
        let default = Space::of(DEFAULT, loaded.engine.fork(space::chance(DEFAULT)), loaded.start);
        tokio::spawn(default.clone().keep_time());
        let (loaded, spaces) = (RwLock::new(loaded), RwLock::default());
        Self(Arc::new(Board { limits, default, loaded, spaces }))
    }

    /// The space that needs no name.
    #[must_use]
    pub fn default_space(&self) -> &Space {
        &self.0.default
    }

    /// A space by its name, letter case aside.
    ///
    /// # Errors
    /// [`NoSpace::Unknown`]
    pub fn find(&self, name: &str) -> Result<Space, NoSpace> {
        if name.eq_ignore_ascii_case(DEFAULT) {
            return Ok(self.0.default.clone());
        }
        let spaces = self.0.spaces.read().unwrap_or_else(PoisonError::into_inner);
        let kept = spaces.get(&name.to_ascii_lowercase()).ok_or_else(|| NoSpace::Unknown(name.into()))?;
        kept.space.touch();
        Ok(kept.space.clone())
    }

    /// A space by its name, made from the loaded scenario if it is not there.
    ///
    /// # Errors
    /// [`NoSpace::BadName`], [`NoSpace::Full`]
    pub fn open(&self, name: &str) -> Result<Space, NoSpace> {
        self.find(name).or_else(|_| {
            // Until the space is there, no other scenario is loaded: it would miss this one.
            let loaded = self.0.loaded.read().unwrap_or_else(PoisonError::into_inner);
            let added = self.add(name, loaded.engine.fork(space::chance(name)), loaded.start);
            drop(loaded);
            // Another call may have made it meanwhile; then that one counts.
            added.or_else(|no| self.find(name).map_err(|_| no))
        })
    }

    /// Makes a space from a scenario of its own.
    ///
    /// # Errors
    /// [`NoSpace::BadName`], [`NoSpace::Full`], [`NoSpace::Taken`]
    pub fn create(&self, name: &str, setup: Setup) -> Result<Space, NoSpace> {
        let loaded = Loaded::new(setup, self.0.limits.journal);
        self.add(name, loaded.engine, loaded.start)
    }

    /// Makes a space that goes on from where another one is: with its users, rules, states and clock, and a journal
    /// of its own.
    ///
    /// # Errors
    /// Any of [`NoSpace`].
    pub fn fork(&self, from: &str, name: &str) -> Result<Space, NoSpace> {
        let (engine, start) = self.find(from)?.forked(name);
        self.add(name, engine, start)
    }

    /// Lets a space begin anew from the loaded scenario.
    ///
    /// # Errors
    /// [`NoSpace::Unknown`]
    pub fn reset(&self, name: &str) -> Result<Space, NoSpace> {
        let space = self.find(name)?;
        let loaded = self.0.loaded.read().unwrap_or_else(PoisonError::into_inner);
        space.begin_anew(loaded.engine.fork(space::chance(name)), loaded.start);
        drop(loaded);
        Ok(space)
    }

    /// Lets a space begin anew from a scenario of its own. What the default space begins with, new spaces do, too.
    ///
    /// # Errors
    /// [`NoSpace::Unknown`]
    pub fn replace(&self, name: &str, setup: Setup) -> Result<Space, NoSpace> {
        let space = self.find(name)?;
        if space.name() == DEFAULT {
            self.load(setup);
            return self.reset(DEFAULT);
        }
        let loaded = Loaded::new(setup, self.0.limits.journal);
        space.begin_anew(loaded.engine, loaded.start);
        Ok(space)
    }

    /// Ends a space. Its callers that wait are let go.
    ///
    /// # Errors
    /// [`NoSpace::Unknown`], [`NoSpace::Default`]
    pub fn drop_space(&self, name: &str) -> Result<(), NoSpace> {
        if name.eq_ignore_ascii_case(DEFAULT) {
            return Err(NoSpace::Default);
        }
        let mut spaces = self.0.spaces.write().unwrap_or_else(PoisonError::into_inner);
        let kept = spaces.remove(&name.to_ascii_lowercase()).ok_or_else(|| NoSpace::Unknown(name.into()))?;
        kept.end();
        Ok(())
    }

    /// Every space, the default one first, the others by name.
    #[must_use]
    pub fn list(&self) -> Vec<Space> {
        let spaces = self.0.spaces.read().unwrap_or_else(PoisonError::into_inner);
        let mut list: Vec<_> = spaces.values().map(|it| it.space.clone()).collect();
        drop(spaces);
        list.sort_unstable_by(|a, b| a.name().cmp(b.name()));
        list.insert(0, self.0.default.clone());
        list
    }

    /// Drops spaces that nobody has used for a while, again and again.
    pub async fn drop_idle(self) {
        loop {
            tokio::time::sleep(self.0.limits.idle.clamp(Duration::from_secs(1), Duration::from_mins(1))).await;
            let mut spaces = self.0.spaces.write().unwrap_or_else(PoisonError::into_inner);
            for (_, kept) in spaces.extract_if(|_, it| it.space.idle() >= self.0.limits.idle) {
                kept.end();
            }
        }
    }

    /// What new spaces begin with from now on.
    pub fn load(&self, setup: Setup) {
        let loaded = Loaded::new(setup, self.0.limits.journal);
        *self.0.loaded.write().unwrap_or_else(PoisonError::into_inner) = loaded;
    }

    /// Goes on under a changed scenario: new spaces begin with it, and those that were made from the one before take
    /// it over. Tells what is different.
    pub fn reload(&self, setup: Setup, on_reload: OnReload) -> Differences {
        let after = Loaded::new(setup, self.0.limits.journal);
        let mut loaded = self.0.loaded.write().unwrap_or_else(PoisonError::into_inner);
        let mut differences = loaded.engine.differences(&after.engine);
        if loaded.start != after.start {
            differences.settings.push("clock");
        }
        let before = std::mem::replace(&mut *loaded, after);
        drop(loaded);
        let loaded = self.0.loaded.read().unwrap_or_else(PoisonError::into_inner);
        for space in self.list() {
            let is_concerned = space.update(|engine, now| {
                let is_concerned = engine.has_scenario_of(&before.engine);
                if is_concerned && on_reload == OnReload::Keep {
                    engine.reload(&loaded.engine, &differences, now);
                }
                is_concerned
            });
            if is_concerned && on_reload == OnReload::Reset {
                space.begin_anew(loaded.engine.fork(space::chance(space.name())), loaded.start);
            }
        }
        drop(loaded);
        differences
    }

    /// How many callers wait for a challenge, in all spaces.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.list().iter().map(Space::waiting).sum()
    }

    /// Lets go of all who wait.
    pub fn stop(&self) {
        self.list().iter().for_each(Space::stop);
    }

    fn add(&self, name: &str, engine: Engine, start: Start) -> Result<Space, NoSpace> {
        let is_good = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'.' | b'-' | b'_');
        if name.is_empty() || name.len() > 64 || !name.bytes().all(is_good) {
            return Err(NoSpace::BadName(name.into()));
        }
        let key = name.to_ascii_lowercase();
        let mut spaces = self.0.spaces.write().unwrap_or_else(PoisonError::into_inner);
        if key == DEFAULT || spaces.contains_key(&key) {
            return Err(NoSpace::Taken(name.into()));
        }
        if spaces.len() + 1 >= self.0.limits.spaces {
            return Err(NoSpace::Full(self.0.limits.spaces));
        }
        let space = Space::of(&key, engine, start);
        let time = tokio::spawn(space.clone().keep_time()).abort_handle();
        spaces.insert(key, Kept { space: space.clone(), time });
        Ok(space)
    }
}

impl Kept {
    fn end(self) {
        self.time.abort();
        self.space.stop();
    }
}

impl Loaded {
    fn new(setup: Setup, bounds: Bounds) -> Self {
        let start = setup.clock;
        let now = start.at.unwrap_or_else(space::world_time);
        Self { engine: Engine::new(setup, now, 0, bounds), start }
    }
}
