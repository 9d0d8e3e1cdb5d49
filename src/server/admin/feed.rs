//! Lists of what happened, and waiting for more: one way for calls, challenges, messages, changes and notices.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use serde::Serialize;
use tokio::time::{Instant, timeout_at};
use utoipa::ToSchema;

use super::cursor::{Cursor, stale};
use super::filter::Filter;
use super::input::{Asked, bad};
use super::listed::listed;
use super::problem::{Kind as No, Problem};
use super::view::{Call, Change, Message, Notice, Turn, View};
use super::{Admin, At, Shared, Stage, view};
use crate::engine::{Event, EventKind, Journal};
use crate::switchboard::{Ended, Interest, Lane, NoSpace, Space};

/// What is asked of the events of some kinds.
#[derive(Clone, Debug)]
pub(super) struct Feed {
    pub(super) kinds: Vec<EventKind>,
    pub(super) filter: Filter,
    /// Only what follows that number; none: all that is kept.
    pub(super) after: Option<u64>,
    /// How long to wait where there is nothing.
    wait: Duration,
    limit: usize,
}

/// Some events, and where to go on.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) events: Vec<Arc<Event>>,
    /// `None`: open calls have no cursor.
    next: Option<Cursor>,
    forgotten: u64,
}

/// How many events a list has where the request does not say.
const PAGE: usize = 100;

impl Feed {
    /// Reads what is asked: `after`, `wait`, `limit`, and a condition for each other parameter.
    pub(super) fn read(asked: &mut Asked, kinds: &[EventKind], space: &Space) -> Result<Self, Problem> {
        let wait = asked.wait()?;
        let limit = asked.number("limit")?.unwrap_or(PAGE);
        let after = asked.take("after")?.map(|text| Cursor::place(space, &text)).transpose()?;
        let country = space.update(|engine, _| engine.company().country_code.clone());
        let filter = Filter::of(asked.rest(), kinds, &country);
        let names = kinds.iter().flat_map(|it| view::names(*it)).copied().chain(["phone"]);
        let filter = filter.map_err(|unfit| match unfit.reason {
            Some((why, remedy)) => bad(&unfit.name, &why, &remedy),
            None => asked.unknown(&unfit.name, names),
        })?;
        Ok(Self { kinds: kinds.into(), filter, after, wait, limit })
    }

    /// The calls that are open, or the first one that opens before the time is up.
    async fn find_open(self, space: &Space, admin: &Admin) -> Result<Found, Problem> {
        if self.after.is_some() {
            return Err(bad("after", "calls that are open have no cursor", "Leave it out, or ask for closed calls."));
        }
        let (interest, wait, of) = (self.filter.interest(&self.kinds), self.wait, space.clone());
        awaited(admin, space, interest, wait, Lane::Look, move |is_over, _| {
            let mut events = of.update(|engine, _| engine.journal.open_calls_after(0).cloned().collect::<Vec<_>>());
            events.retain(|it| self.filter.fits(it));
            events.drain(..events.len().saturating_sub(self.limit));
            Ok((is_over || !events.is_empty()).then_some(Found { events, next: None, forgotten: 0 }))
        })
        .await
    }

    /// What there is, or what comes before the time is up. Nothing is lost between two that follow one another.
    pub(super) async fn find(self, space: &Space, admin: &Admin) -> Result<Found, Problem> {
        if self.filter.asks_for_open() {
            return self.find_open(space, admin).await;
        }
        let (interest, wait) = (self.filter.interest(&self.kinds), self.wait);
        let mut scan = Scan::new(self, space.clone());
        // Piece by piece, so that a long journal does not hold up those who look at little.
        loop {
            let (is_all, rest) = admin.work.run(Lane::Look, move || (scan.next(), scan)).await;
            scan = rest;
            if is_all? {
                break;
            }
        }
        if wait.is_zero() || scan.has_found {
            return Ok(scan.into_found());
        }
        let mut scan = Some(scan);
        awaited(admin, space, interest, wait, Lane::Look, move |is_over, passed| {
            let Some(it) = &mut scan else { return Ok(None) };
            it.place = it.place.max(passed);
            while !it.next()? {}
            let is_found = is_over || it.has_found;
            Ok(is_found.then(|| scan.take()).flatten().map(Scan::into_found))
        })
        .await
    }
}

/// A look at the events of a space, a piece at a time.
struct Scan {
    feed: Feed,
    space: Space,
    /// The place up to which it has looked.
    place: u64,
    /// Whether all that follows the place is still to be kept when it is looked at.
    is_exact: bool,
    found: VecDeque<Arc<Event>>,
    /// Whether an event fits, also where the limit leaves no room for it.
    has_found: bool,
    forgotten: u64,
}

/// How many events a piece has.
pub(super) const PIECE: usize = 1024;

impl Scan {
    fn new(feed: Feed, space: Space) -> Self {
        let (place, is_exact) = (feed.after.unwrap_or(0), feed.after.is_some());
        Self { feed, space, place, is_exact, found: VecDeque::new(), has_found: false, forgotten: 0 }
    }

    /// Looks at the next events; whether they are the last ones that matter.
    fn next(&mut self) -> Result<bool, Problem> {
        let kinds = &self.feed.kinds;
        let (events, last) = self.space.update(|engine, _| {
            let journal = &engine.journal;
            if self.is_exact {
                known(&self.space, journal, self.place, kinds)?;
            }
            self.forgotten = kinds.iter().map(|it| journal.evicted(*it)).sum();
            Ok::<_, Problem>((journal.first_after(self.place, kinds, PIECE), journal.last()))
        })?;
        let is_last = events.len() < PIECE;
        self.place = if is_last { last } else { events[PIECE - 1].recorded };
        self.found.extend(events.into_iter().filter(|it| self.feed.filter.fits(it)));
        self.has_found |= !self.found.is_empty();
        let limit = self.feed.limit;
        match self.feed.after {
            // From a cursor the first come first; a list without one is of the newest.
            Some(after) if self.found.len() > limit => {
                self.found.truncate(limit);
                self.place = self.found.back().map_or(after, |it| it.recorded);
                return Ok(true);
            }
            Some(_) => (),
            None => drop(self.found.drain(..self.found.len().saturating_sub(limit))),
        }
        self.is_exact |= is_last;
        Ok(is_last)
    }

    fn into_found(self) -> Found {
        let next = Some(Cursor::at(&self.space, self.place));
        Found { events: self.found.into(), next, forgotten: self.forgotten }
    }
}

/// Looks again whenever something has happened that may fit, until there is what is awaited. `look` is told whether the
/// time is up: then it tells what there is. It is told, too, up to which place nothing has been recorded since the last
/// look that matches `interest`. Looking runs off the threads that answer calls; waiting costs no thread and no lock.
/// The wait ends when the space is dropped.
pub(super) async fn awaited<T: Send + 'static>(
    admin: &Admin,
    space: &Space,
    interest: Interest,
    wait: Duration,
    lane: Lane,
    mut look: impl FnMut(bool, u64) -> Result<Option<T>, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let end = Instant::now() + wait;
    // A request that does not wait needs no watcher.
    let watcher = (!wait.is_zero()).then(|| space.watch(interest));
    let mut stage = admin.stage.subscribe();
    let mut life = space.life();
    let mut passed = 0;
    loop {
        let watcher = watcher.as_ref().filter(|_| Instant::now() < end);
        let is_over = watcher.is_none();
        let (found, again) = admin.work.run(lane, move || (look(is_over, passed), look)).await;
        if let Some(found) = found? {
            return Ok(found);
        }
        look = again;
        let Some(watcher) = watcher else { continue };
        tokio::select! {
            _ = timeout_at(end, watcher.woken()) => (),
            _ = life.wait_for(|it| it.ended == Some(Ended::Dropped)) => {
                return Err(NoSpace::Unknown(space.name().into()).into());
            }
            _ = stage.wait_for(|it| *it == Stage::Stopping) => {
                return Err(Problem::new(No::NotReady, "The server stops.", "Start it again."));
            }
        }
        passed = watcher.passed();
    }
}

/// Whether all is kept that followed a place.
pub(super) fn known(space: &Space, journal: &Journal, after: u64, kinds: &[EventKind]) -> Result<(), Problem> {
    if !journal.has_evicted_after(after, kinds) {
        return Ok(());
    }
    let detail = "Of what followed the cursor, some is forgotten: there was no room for it, or the space was reset.";
    let remedy = "Ask without after for what is kept. --journal-bytes and --journal-entries let the server keep more.";
    Err(stale(space, journal.last(), detail, remedy))
}

/// Why nothing more comes of a space.
pub(super) fn dropped(space: &Space) -> Problem {
    let detail = format!("The space {} was dropped.", space.name());
    Problem::new(No::UnknownSpace, detail, "PUT /spaces/NAME makes one of that name.")
}

/// A part of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Page<T> {
    /// The oldest first.
    items: Vec<T>,
    /// What to give as `after` to get or await what follows. It is there without items, too; calls that are open have
    /// none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    next: Option<Cursor>,
    /// How many events of this kind made room for newer ones.
    forgotten: u64,
}

/// A list of events of a kind, as its handler answers it.
async fn page(admin: Arc<Admin>, found: Found) -> Response {
    let frame = Page::<()> { items: Vec::new(), next: found.next, forgotten: found.forgotten };
    listed(admin, &frame, found.events, |it| Ok(View::of(it).json())).await
}

/// Declares the lists: a path, a kind, the type of its items.
macro_rules! feeds {
    ($($(#[doc = $doc:literal])* $name:ident => $path:literal, $tag:literal, $kind:ident, $item:ident;)*) => {$(
        $(#[doc = $doc])*
        #[utoipa::path(get, path = $path, tag = $tag, params(
            ("after" = Option<String>, Query, description = "Only what follows: `next` of an earlier answer, or `now`. Without it, the newest of all that is kept."),
            ("wait" = Option<String>, Query, description = "How long to wait where there is nothing, such as `30s`; ten minutes at most.", example = "0s"),
            ("limit" = Option<usize>, Query, description = "How many items at most; 100.", minimum = 0),
            ("username" = Option<String>, Query, description = "A condition: any value of an item can be asked for by its name. `*` stands for anything; telephone numbers are the same in every spelling; `fields.requireUserMatch` is a field of a call's request."),
        ), responses(
            (status = 200, body = Page<$item>)
        ))]
        pub(super) async fn $name(
            axum::extract::State(admin): Shared,
            At(space): At,
            mut asked: Asked,
        ) -> Result<Response, Problem> {
            let found = Feed::read(&mut asked, &[EventKind::$kind], &space)?.find(&space, &admin).await?;
            Ok(page(admin, found).await)
        }
    )*};
}

feeds! {
    /// Lists the calls that have ended, in the order of their ends, or waits for one; with `state=open`, those that have
    /// not ended.
    calls => "/calls", "calls", Call, Call;
    /// Lists messages, or waits for one: an inbox of text messages, notifications of the app and mails, with their codes.
    messages => "/messages", "messages", Message, Message;
    /// Lists the steps in the life of challenges, or waits for one.
    turns => "/challenges/turns", "challenges", Turn, Turn;
    /// Lists who changed what, or waits for it.
    changes => "/changes", "changes", Changed, Change;
    /// Lists what people should know, or waits for it.
    notices => "/notices", "changes", Notice, Notice;
}
