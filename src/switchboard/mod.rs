//! The one place where engines meet time and waiting: spaces side by side, each with its own engine and clock.
//!
//! Locks are taken in one order: the template, the table of spaces, one space.

mod clock;
mod ring;
mod space;
mod totals;
mod watch;
mod watchers;
mod work;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use tokio::task::AbortHandle;

pub use space::{Ended, Life, Space, Unsettled, draw_seed};
pub use watch::Watcher;
pub use watchers::{Interest, Key};
pub use work::{Lane, Work};

use crate::engine::{Bounds, Differences, Engine, MemoryBounds, OnReload, Setup, Start};
use crate::text::counted;
use totals::Totals;

/// The spaces of a server. The one called [`DEFAULT`] always exists; the others are made by their first calls, and end
/// when they are idle for a while.
#[derive(Clone, Debug)]
pub struct Switchboard(Arc<Board>);

#[derive(Debug)]
struct Board {
    limits: Limits,
    /// Of all that is drawn, but for scenarios that fix a seed.
    seed: u64,
    default: Space,
    /// What new spaces start with. To make a space of it, hold the lock until the space is in the table: a reload in
    /// between would miss the space.
    template: RwLock<Template>,
    /// By name in lower case.
    spaces: RwLock<HashMap<String, ServedSpace>>,
    totals: Arc<Totals>,
    work: Arc<Work>,
}

/// A scenario that is set up: each space starts with a fork of its engine.
#[derive(Debug)]
struct Template {
    engine: Engine,
    start: Start,
}

/// A space, and the task that runs its timer.
#[derive(Debug)]
struct ServedSpace {
    space: Space,
    timer: AbortHandle,
}

/// The limits of a switchboard.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The number of spaces, the default one included.
    pub spaces: usize,
    /// How long a space may be idle before it is dropped.
    pub idle: Duration,
    /// The bounds of calls in the journal of each space.
    pub journal: Bounds,
    /// The bounds of what each space remembers.
    pub memory: MemoryBounds,
}

/// The name of the space that always exists.
pub const DEFAULT: &str = "default";

/// The longest name of a space, in bytes.
const LONGEST_NAME: usize = 64;

/// What a new space is called.
#[derive(Clone, Copy, Debug)]
pub enum Naming<'a> {
    /// By this name, which no other space has.
    Name(&'a str),
    /// By a name made from this text, with a number behind it if another space has that name.
    Label(&'a str),
}

impl<'a> From<&'a str> for Naming<'a> {
    fn from(name: &'a str) -> Self {
        Self::Name(name)
    }
}

/// A name that a space can have, as near to a text as possible: letters in lower case, and one hyphen for all that no
/// name has.
#[must_use]
pub fn safe_name(text: &str) -> String {
    let mut name = String::new();
    for letter in text.chars() {
        let letter = if is_in_names(letter) { letter.to_ascii_lowercase() } else { '-' };
        if name.len() < LONGEST_NAME && (letter != '-' || !name.ends_with('-')) {
            name.push(letter);
        }
    }
    match name.trim_matches('-') {
        "" => "space".into(),
        name => name.into(),
    }
}

const fn is_in_names(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_')
}

/// Why there is no such space.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{}; {}", self.what(), self.remedy())]
pub enum NoSpace {
    BadName(String),
    Full(usize),
    Unknown(String),
    Taken(String),
    Default,
}

impl NoSpace {
    /// What is wrong.
    #[must_use]
    pub fn what(&self) -> String {
        match self {
            Self::BadName(name) => format!("{name:?} cannot name a space"),
            Self::Full(spaces) => format!("the limit of {} is reached", counted(*spaces, "space")),
            Self::Unknown(name) => format!("there is no space {name:?}"),
            Self::Taken(name) => format!("there is a space {name:?} already"),
            Self::Default => "the space \"default\" is always there".into(),
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::BadName(name) => format!(
                "a name has up to {LONGEST_NAME} letters, digits, dots, hyphens and underscores, such as {}",
                safe_name(name)
            ),
            Self::Full(_) => "drop one, or start with a higher --spaces".into(),
            Self::Unknown(name) => {
                format!("one is made by the first call to its address, or with PUT /spaces/{}", safe_name(name))
            }
            Self::Taken(_) => "drop it first, take another name, or give the name as label to POST /spaces".into(),
            Self::Default => "POST /spaces/default/reset starts it over".into(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { spaces: 256, idle: Duration::from_hours(1), journal: Bounds::default(), memory: MemoryBounds::default() }
    }
}

impl Switchboard {
    /// The spaces of a scenario. Their timers run in the runtime in which this is called. The scenario's seed is that of the
    /// run: scenarios that come later and fix none have it, too. Without it, one is drawn.
    #[must_use]
    pub fn new(setup: Setup, limits: Limits) -> Self {
        let seed = setup.seed.unwrap_or_else(draw_seed);
        let template = Template::new(setup, &limits, seed);
        let (engine, start) = template.instance();
        let totals = Arc::<Totals>::default();
        let work = Arc::<Work>::default();
        let default = Space::of(DEFAULT, engine, start, totals.clone(), work.clone());
        tokio::spawn(default.clone().run_timer());
        let (template, spaces) = (RwLock::new(template), RwLock::default());
        Self(Arc::new(Board { limits, seed, default, template, spaces, totals, work }))
    }

    /// The seed of the run: with it, all that is drawn is drawn again.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.0.seed
    }

    /// The threads for work that grows with what a request brings or asks for, shared by all spaces.
    #[must_use]
    pub fn work(&self) -> &Arc<Work> {
        &self.0.work
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
        let served = spaces.get(&name.to_ascii_lowercase()).ok_or_else(|| NoSpace::Unknown(name.into()))?;
        served.space.touch();
        Ok(served.space.clone())
    }

    /// A space by its name, made from the loaded scenario if it does not exist.
    ///
    /// # Errors
    /// [`NoSpace::BadName`], [`NoSpace::Full`]
    pub fn open(&self, name: &str) -> Result<Space, NoSpace> {
        self.open_for_change(name).map(|it| it.0)
    }

    /// As [`Self::open`], and whether it is made: [`Self::discard`] takes it back.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_for_change(&self, name: &str) -> Result<(Space, bool), NoSpace> {
        self.find(name).map(|it| (it, false)).or_else(|_| {
            let template = self.template();
            let (engine, start) = template.instance();
            let added = self.add(name.into(), engine, start);
            drop(template);
            // Another call may have made it meanwhile; then that one counts.
            added.map(|it| (it, true)).or_else(|no| self.find(name).map(|it| (it, false)).map_err(|_| no))
        })
    }

    /// Drops a space that was made for a change that is refused, unless another request has found it meanwhile.
    pub fn discard(&self, space: &Space) {
        let mut spaces = self.0.spaces.write().unwrap_or_else(PoisonError::into_inner);
        let is_it = |it: &ServedSpace| it.space.is(space) && space.is_unfound();
        if spaces.get(space.name()).is_some_and(is_it)
            && let Some(served) = spaces.remove(space.name())
        {
            drop(spaces);
            served.end();
        }
    }

    /// Makes a space from the loaded scenario, with a name from a label.
    ///
    /// # Errors
    /// [`NoSpace::Full`]
    pub fn open_labelled(&self, label: &str) -> Result<Space, NoSpace> {
        let template = self.template();
        let (engine, start) = template.instance();
        let added = self.add(Naming::Label(label), engine, start);
        drop(template);
        added
    }

    /// Makes a space from a scenario of its own.
    ///
    /// # Errors
    /// [`NoSpace::BadName`], [`NoSpace::Full`], [`NoSpace::Taken`]
    pub fn create<'a>(&self, naming: impl Into<Naming<'a>>, setup: Setup) -> Result<Space, NoSpace> {
        let (engine, start) = self.set_up(setup).instance();
        self.add(naming.into(), engine, start)
    }

    /// Makes a space that goes on from where another one is: with its users, rules, states and clock, and a journal
    /// of its own.
    ///
    /// # Errors
    /// Any of [`NoSpace`].
    pub fn fork<'a>(&self, from: &str, naming: impl Into<Naming<'a>>) -> Result<Space, NoSpace> {
        let template = self.template();
        let (engine, now, pace) = self.find(from)?.fork();
        let added = self.add(naming.into(), engine, Start { at: Some(now), pace });
        drop(template);
        added
    }

    /// Starts a space again with the loaded scenario.
    ///
    /// # Errors
    /// [`NoSpace::Unknown`]
    pub fn reset(&self, name: &str) -> Result<Space, NoSpace> {
        let space = self.find(name)?;
        let template = self.template();
        space.restart(template.instance(), Ended::Reset);
        drop(template);
        Ok(space)
    }

    /// Starts a space again with a scenario of its own. With the scenario of the default space, new spaces start too.
    ///
    /// # Errors
    /// [`NoSpace::Unknown`]
    pub fn replace(&self, name: &str, setup: Setup) -> Result<Space, NoSpace> {
        let space = self.find(name)?;
        let own = self.set_up(setup);
        if space.name() == DEFAULT {
            let mut template = self.template_mut();
            *template = own;
            space.restart(template.instance(), Ended::Replaced);
            drop(template);
        } else {
            space.restart(own.instance(), Ended::Replaced);
        }
        Ok(space)
    }

    /// Ends a space. Calls that wait in it end without an outcome.
    ///
    /// # Errors
    /// [`NoSpace::Unknown`], [`NoSpace::Default`]
    pub fn drop_space(&self, name: &str) -> Result<(), NoSpace> {
        if name.eq_ignore_ascii_case(DEFAULT) {
            return Err(NoSpace::Default);
        }
        let mut spaces = self.0.spaces.write().unwrap_or_else(PoisonError::into_inner);
        let served = spaces.remove(&name.to_ascii_lowercase()).ok_or_else(|| NoSpace::Unknown(name.into()))?;
        // What the space has is freed without the lock.
        drop(spaces);
        served.end();
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

    /// Drops idle spaces, for as long as the returned future runs.
    pub async fn drop_idle(self) {
        loop {
            tokio::time::sleep(self.0.limits.idle.clamp(Duration::from_secs(1), Duration::from_mins(1))).await;
            let idle: Vec<_> = {
                let mut spaces = self.0.spaces.write().unwrap_or_else(PoisonError::into_inner);
                spaces.extract_if(|_, it| it.space.idle() >= self.0.limits.idle).collect()
            };
            self.work().run(Lane::Read, || idle.into_iter().for_each(|it| it.1.end())).await;
        }
    }

    /// Loads a scenario for new spaces. Those that exist stay as they are.
    pub fn load(&self, setup: Setup) {
        let template = self.set_up(setup);
        *self.template_mut() = template;
    }

    /// Goes on under a changed scenario: new spaces start with it, and the spaces of the scenario before take it over.
    /// Returns what differs.
    ///
    /// The template is locked for writing until the last space has taken the scenario over. So of two reloads at once
    /// the second begins when the first is complete, and no space starts in between.
    pub fn reload(&self, setup: Setup, on_reload: OnReload) -> Differences {
        let after = self.set_up(setup);
        let mut template = self.template_mut();
        let mut differences = template.engine.differences(&after.engine);
        if template.start != after.start {
            differences.settings.push("clock");
        }
        let before = std::mem::replace(&mut *template, after);
        for space in self.list() {
            let is_concerned = space.update(|engine, now| {
                let is_concerned = engine.has_scenario_of(&before.engine);
                if is_concerned && on_reload == OnReload::Keep {
                    engine.reload(&template.engine, &differences, now);
                }
                is_concerned
            });
            if is_concerned && on_reload == OnReload::Reset {
                space.restart(template.instance(), Ended::Reloaded);
            }
        }
        drop(template);
        differences
    }

    /// How many callers wait for a challenge, in all spaces.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.list().iter().map(Space::waiting).sum()
    }

    /// How many calls have ended since the start, in all spaces there ever were.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.0.totals.calls.load(Ordering::Relaxed)
    }

    /// How many calls and sign-ins each incident has changed since the start, in all spaces there ever were. Calls count
    /// when they end.
    #[must_use]
    pub fn incident_hits(&self) -> BTreeMap<Arc<str>, u64> {
        self.0.totals.incident_hits()
    }

    /// The counter behind [`Self::incident_hits`] of an incident that changes connections, before any space is named.
    #[must_use]
    pub fn hits_of(&self, incident: &Arc<str>) -> Arc<AtomicU64> {
        self.0.totals.hits_of(incident)
    }

    /// Ends all calls that wait, without an outcome, as the server stops.
    pub fn stop(&self) {
        self.list().iter().for_each(|it| it.end(Ended::Stopped));
    }

    fn set_up(&self, setup: Setup) -> Template {
        Template::new(setup, &self.0.limits, self.0.seed)
    }

    fn add(&self, naming: Naming<'_>, engine: Engine, start: Start) -> Result<Space, NoSpace> {
        let mut spaces = self.0.spaces.write().unwrap_or_else(PoisonError::into_inner);
        let is_taken = |key: &str| key == DEFAULT || spaces.contains_key(key);
        let key = match naming {
            Naming::Name(name) if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(is_in_names) => {
                return Err(NoSpace::BadName(name.into()));
            }
            Naming::Name(name) => match name.to_ascii_lowercase() {
                key if is_taken(&key) => return Err(NoSpace::Taken(name.into())),
                key => key,
            },
            Naming::Label(label) => {
                let name = safe_name(label);
                let numbered = |number: usize| {
                    let number = format!("-{number}");
                    format!("{}{number}", &name[..name.len().min(LONGEST_NAME - number.len())])
                };
                let mut names = std::iter::once(name.clone()).chain((2..).map(numbered));
                names.find(|it| !is_taken(it)).expect("fewer spaces than numbers")
            }
        };
        if spaces.len() + 1 >= self.0.limits.spaces {
            return Err(NoSpace::Full(self.0.limits.spaces));
        }
        let space = Space::of(&key, engine, start, self.0.totals.clone(), self.0.work.clone());
        let timer = tokio::spawn(space.clone().run_timer()).abort_handle();
        spaces.insert(key, ServedSpace { space: space.clone(), timer });
        Ok(space)
    }

    fn template(&self) -> RwLockReadGuard<'_, Template> {
        self.0.template.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn template_mut(&self) -> RwLockWriteGuard<'_, Template> {
        self.0.template.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ServedSpace {
    fn end(self) {
        self.timer.abort();
        self.space.end(Ended::Dropped);
    }
}

impl Template {
    /// `seed` holds where the scenario fixes none.
    fn new(setup: Setup, limits: &Limits, seed: u64) -> Self {
        let start = setup.clock;
        let now = start.at.unwrap_or_else(space::system_now);
        let engine = Engine::new(setup, now, seed, limits.journal).with_memory(limits.memory);
        Self { engine, start }
    }

    /// An engine that starts now with the scenario, and its clock.
    fn instance(&self) -> (Engine, Start) {
        let now = self.start.at.unwrap_or_else(space::system_now);
        (self.engine.fork().begun_at(now), Start { at: Some(now), ..self.start })
    }
}
