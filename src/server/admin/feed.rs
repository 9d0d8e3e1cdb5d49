//! Lists of what happened, and waiting for more: one way for calls, challenges, messages, changes and notices.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::time::{Instant, timeout_at};
use utoipa::ToSchema;

use super::cursor::{Cursor, stale};
use super::filter::Filter;
use super::input::{Asked, bad};
use super::problem::{Kind as No, Problem};
use super::view::{Call, Change, Message, Notice, Turn, View};
use super::{Admin, At, Json, Shared, Stage, view};
use crate::engine::{Event, EventKind, Journal};
use crate::switchboard::{Interest, NoSpace, Space};

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

    /// What wakes those who wait for it.
    pub(super) fn interest(&self) -> Interest {
        let filter = self.filter.clone();
        Interest {
            kinds: self.kinds.clone(),
            username: filter.username(),
            matches: Box::new(move |event, reading| filter.fits_read(event, reading)),
        }
    }

    /// The calls that are open, or the first one that opens before the time is up.
    async fn find_open(self, space: &Space, admin: &Admin) -> Result<Found, Problem> {
        if self.after.is_some() {
            return Err(bad("after", "calls that are open have no cursor", "Leave it out, or ask for closed calls."));
        }
        let (interest, wait, of) = (self.interest(), self.wait, space.clone());
        awaited(admin, space, interest, wait, move |is_over| {
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
        let mut after = self.after;
        let (interest, wait, of) = (self.interest(), self.wait, space.clone());
        awaited(admin, space, interest, wait, move |is_over| {
            let (mut events, next, forgotten) = of.update(|engine, _| {
                let journal = &engine.journal;
                after.map_or(Ok(()), |after| known(&of, journal, after, &self.kinds))?;
                let forgotten = self.kinds.iter().map(|it| journal.evicted(*it)).sum();
                Ok::<_, Problem>((journal.after(after.unwrap_or(0), &self.kinds), journal.last(), forgotten))
            })?;
            events.retain(|it| self.filter.fits(it));
            if events.is_empty() && !is_over {
                after = Some(next);
                return Ok(None);
            }
            let excess = events.len().saturating_sub(self.limit);
            // From a cursor the first come first; a list without one is of the newest.
            let next = match self.after {
                Some(after) if excess > 0 => {
                    events.truncate(self.limit);
                    events.last().map_or(after, |it| it.recorded)
                }
                _ => {
                    events.drain(..excess);
                    next
                }
            };
            Ok(Some(Found { events, next: Some(Cursor::at(&of, next)), forgotten }))
        })
        .await
    }
}

/// Looks again whenever something has happened that may fit, until there is what is awaited. `look` is told whether the
/// time is up: then it tells what there is. Looking runs off the threads that answer calls; waiting costs no thread and
/// no lock. The wait ends when the space is dropped.
pub(super) async fn awaited<T: Send + 'static>(
    admin: &Admin,
    space: &Space,
    interest: Interest,
    wait: Duration,
    mut look: impl FnMut(bool) -> Result<Option<T>, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let end = Instant::now() + wait;
    // A request that does not wait needs no watcher.
    let watcher = (!wait.is_zero()).then(|| space.watch(interest));
    let mut stage = admin.stage.subscribe();
    let mut life = space.life();
    loop {
        let watcher = watcher.as_ref().filter(|_| Instant::now() < end);
        let is_over = watcher.is_none();
        let (found, again) = admin.work.run(move || (look(is_over), look)).await;
        if let Some(found) = found? {
            return Ok(found);
        }
        look = again;
        let Some(watcher) = watcher else { continue };
        tokio::select! {
            _ = timeout_at(end, watcher.woken()) => (),
            _ = life.wait_for(|it| it.has_ended) => return Err(NoSpace::Unknown(space.name().into()).into()),
            _ = stage.wait_for(|it| *it == Stage::Stopping) => {
                return Err(Problem::new(No::NotReady, "The server stops.", "Start it again."));
            }
        }
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
fn page(found: &Found) -> Json<Page<View<'_>>> {
    let items = found.events.iter().map(|it| View::of(it)).collect();
    Json::ok(Page { items, next: found.next, forgotten: found.forgotten })
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
        ) -> Result<axum::response::Response, Problem> {
            use axum::response::IntoResponse;
            let found = Feed::read(&mut asked, &[EventKind::$kind], &space)?.find(&space, &admin).await?;
            Ok(page(&found).into_response())
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
