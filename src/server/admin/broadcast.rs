//! What streams tell, looked for and written once for all streams that ask for the same.

use std::collections::VecDeque;
use std::fmt::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::Admin;
use super::cursor::Cursor;
use super::feed::known;
use super::filter::Filter;
use super::problem::Problem;
use super::view::{self, View};
use crate::engine::{Event, EventKind, Happening};
use crate::switchboard::{Lane, Space, Watcher};
use crate::text::Escaping;

/// How long events gather, so that neither a stream nor its reader is woken for each. The first one after a pause goes
/// out at once.
const GATHER: Duration = Duration::from_millis(50);

/// How long they gather at most where there are more than a person can follow: a piece costs the calls more than its
/// length. A call that ends while they gather is then told once.
const GATHER_MANY: Duration = Duration::from_millis(500);

/// From how many events a second there are many.
const MANY: u64 = 250;

/// How many gather at most, about. They are fewer than the pieces that are kept hold.
const GATHERED: u32 = 2048;

/// Over how long a time events are counted, at least.
const COUNTED: Duration = Duration::from_millis(250);

/// How many happenings a piece has.
const PIECE: usize = 256;

/// How many pieces are kept for readers that have not taken them yet.
const PIECES: usize = 16;

/// What a stream asks for.
#[derive(Clone, Debug)]
pub(super) struct Topic {
    pub(super) space: Space,
    pub(super) kinds: Vec<EventKind>,
    pub(super) calls: Calls,
    pub(super) filter: Filter,
}

/// Which happenings of calls a stream has.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Calls {
    pub(super) opened: bool,
    pub(super) closed: bool,
}

/// A part of a stream.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    /// The place after which it is whole.
    from: u64,
    /// The place up to which it is whole.
    pub(super) to: u64,
    /// Empty: nothing matches.
    pub(super) text: Bytes,
}

/// The streams that are told now.
#[derive(Debug, Default)]
pub(super) struct Broadcasts(Mutex<Vec<Arc<Broadcast>>>);

/// One look at the journal for all that ask for one topic.
#[derive(Debug)]
struct Broadcast {
    topic: Arc<Topic>,
    watcher: Watcher,
    newest: watch::Sender<Newest>,
}

/// What was told last.
#[derive(Debug)]
struct Newest {
    /// Each follows the one before.
    pieces: VecDeque<Piece>,
    /// The end of the last piece.
    to: u64,
}

/// A stream's part in a broadcast.
#[derive(Debug)]
pub(super) struct Subscription {
    broadcast: Arc<Broadcast>,
    newest: watch::Receiver<Newest>,
}

/// What follows a place of a stream.
#[derive(Debug)]
pub(super) enum Told {
    Piece(Piece),
    /// Nothing is told yet.
    Nothing,
    /// It is not kept: the stream looks by itself, up to this place.
    UpTo(u64),
}

/// The name of the event with which a call begins in a stream.
pub(super) const OPENED: &str = "call.opened";

/// The name of the event with which a call ends in a stream.
pub(super) const CLOSED: &str = "call.closed";

impl Calls {
    fn include(self, event: &Event) -> bool {
        match event.what.kind() {
            EventKind::Call if event.is_open() => self.opened,
            EventKind::Call => self.closed,
            _ => true,
        }
    }
}

impl Topic {
    fn is(&self, other: &Self) -> bool {
        let of = |it: &Self| (it.space.id(), it.calls);
        of(self) == of(other) && self.kinds == other.kinds && self.filter == other.filter
    }

    /// The first piece of what follows a place. It may read requests: it runs off the threads that answer calls. Where
    /// it is `brief`, a call that has ended already is told once, by its end.
    ///
    /// # Errors
    /// 410 where some of it is no longer kept.
    pub(super) fn look(&self, from: u64, up_to: u64, brief: bool) -> Result<Piece, Problem> {
        let (happenings, to) = self.space.update(|engine, _| {
            known(&self.space, &engine.journal, from, &self.kinds)?;
            Ok::<_, Problem>(engine.journal.happenings_after(from, &self.kinds, PIECE))
        })?;
        let is_wanted =
            |it: &&Happening| it.place <= up_to && self.calls.include(&it.event) && self.filter.fits(&it.event);
        let mut wanted: Vec<_> = happenings.iter().filter(is_wanted).collect();
        if brief {
            let ended = wanted.iter().filter(|it| !it.event.is_open());
            let mut ended: Vec<_> = ended.map(|it| it.event.seq).collect();
            ended.sort_unstable();
            wanted.retain(|it| !(it.event.is_open() && ended.binary_search(&it.event.seq).is_ok()));
        }
        let mut text = String::with_capacity(wanted.len() * view::LENGTH);
        wanted.iter().for_each(|it| self.write(it, &mut text));
        text.shrink_to_fit();
        Ok(Piece { from, to: to.min(up_to), text: text.into() })
    }

    /// Appends an event as streams have it.
    fn write(&self, Happening { place, event }: &Happening, text: &mut String) {
        let id = Cursor::at(&self.space, *place);
        let name = match event.what.kind() {
            EventKind::Call if event.is_open() => OPENED,
            EventKind::Call => CLOSED,
            kind => kind.word(),
        };
        write!(text, "id: {id}\nevent: {name}\ndata: ").expect("a String does not fail");
        View::of(event).write(text, Escaping::Ascii);
        text.push_str("\n\n");
    }
}

impl Admin {
    /// Follows what is told of a topic.
    pub(super) fn subscribe(self: &Arc<Self>, topic: Topic) -> Subscription {
        let mut all = self.broadcasts.lock();
        let broadcast = all.iter().find(|it| it.topic.is(&topic)).cloned().unwrap_or_else(|| {
            let watcher = topic.space.watch(topic.filter.interest(&topic.kinds));
            let to = topic.space.update(|engine, _| engine.journal.last());
            let newest = watch::Sender::new(Newest { pieces: VecDeque::new(), to });
            let new = Arc::new(Broadcast { topic: topic.into(), watcher, newest });
            all.push(new.clone());
            tokio::spawn(new.clone().run(self.clone(), to));
            new
        });
        Subscription { newest: broadcast.newest.subscribe(), broadcast }
    }
}

impl Broadcasts {
    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Broadcast>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes a broadcast that no stream follows.
    fn remove(&self, it: &Arc<Broadcast>) -> bool {
        let mut all = self.lock();
        let is_over = it.newest.receiver_count() == 0;
        all.retain(|other| !(is_over && Arc::ptr_eq(it, other)));
        is_over
    }
}

/// How long events gather that come at a rate, in events a second.
fn gathering(rate: u64) -> Duration {
    match u32::try_from(rate).unwrap_or(u32::MAX) {
        rate if u64::from(rate) > MANY => (Duration::from_secs(1) * GATHERED / rate).clamp(GATHER, GATHER_MANY),
        _ => GATHER,
    }
}

impl Broadcast {
    /// Tells what happens after a place, until no stream follows.
    async fn run(self: Arc<Self>, admin: Arc<Admin>, mut place: u64) {
        // From when and where the events are counted.
        let (mut since, mut from) = (Instant::now(), place);
        let mut rate = 0;
        loop {
            tokio::select! {
                () = self.watcher.woken() => (),
                () = self.newest.closed() => if admin.broadcasts.remove(&self) { return },
            }
            let end = self.topic.space.update(|engine, _| engine.journal.last());
            let passed = since.elapsed();
            if passed >= COUNTED {
                rate = (end.saturating_sub(from) as f64 / passed.as_secs_f64()) as u64;
                (since, from) = (Instant::now(), end);
            }
            place = self.tell(&admin, place.max(self.watcher.passed()), end, rate > MANY).await;
            sleep(gathering(rate)).await;
        }
    }

    /// Tells all that has happened between two places, and how far that is.
    async fn tell(&self, admin: &Arc<Admin>, mut place: u64, end: u64, brief: bool) -> u64 {
        // Nothing between two pieces matches.
        let mut from = self.newest.borrow().to;
        let mut pieces = VecDeque::new();
        while place < end {
            let topic = self.topic.clone();
            match admin.work.run(Lane::Look, move || topic.look(place, end, brief)).await {
                Ok(piece) => {
                    place = piece.to;
                    if !piece.text.is_empty() {
                        pieces.push_back(Piece { from, ..piece });
                        from = place;
                    }
                }
                // Each stream finds by itself that some is lost.
                Err(_) => {
                    let kinds = &self.topic.kinds;
                    place = self.topic.space.update(|engine, _| engine.journal.kept_after(kinds));
                    from = place;
                }
            }
            pieces.drain(..pieces.len().saturating_sub(PIECES));
        }
        self.newest.send_if_modified(|it| {
            let is_more = from > it.to;
            if is_more {
                *it = Newest { pieces, to: from };
            }
            is_more
        });
        place
    }
}

impl Subscription {
    pub(super) fn topic(&self) -> &Arc<Topic> {
        &self.broadcast.topic
    }

    /// What follows a place.
    pub(super) fn after(&mut self, place: u64) -> Told {
        let newest = self.newest.borrow_and_update();
        match newest.pieces.iter().find(|it| it.from == place) {
            Some(piece) => Told::Piece(piece.clone()),
            None if place < newest.to => Told::UpTo(newest.to),
            None => Told::Nothing,
        }
    }

    /// Waits until more is told.
    pub(super) async fn changed(&mut self) {
        self.newest.changed().await.expect("a broadcast lives as long as its subscriptions");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Bounds, CallEnd, CallRequest, Setup};

    #[test]
    fn many_events_gather_for_longer_until_they_are_very_many() {
        let of = |rate| gathering(rate).as_millis();
        assert_eq!([of(0), of(250), of(251), of(4096), of(8192)], [50, 50, 500, 500, 250]);
        assert_eq!([of(40_960), of(1 << 20), of(u64::MAX)], [50, 50, 50]);
    }

    #[test]
    fn a_brief_look_tells_a_call_that_has_ended_once() {
        let space = Space::new("default", Setup::default(), Bounds::default());
        let call = || space.open_call(Arc::new(CallRequest { operation: "UserExists", ..CallRequest::default() }));
        let ended = call();
        space.close_call(ended, |at| CallEnd { at, status: 200, ..CallEnd::default() });
        let _open = call();
        let told = |calls, brief| {
            let (kinds, filter) = (EventKind::ALL.into(), Filter::default());
            let piece = Topic { space: space.clone(), kinds, calls, filter }.look(0, u64::MAX, brief).unwrap();
            let text = String::from_utf8(piece.text.into()).unwrap();
            let data = text.lines().filter_map(|it| it.strip_prefix("data: "));
            let data = data.map(|it| serde_json::from_str::<serde_json::Value>(it).unwrap());
            data.map(|it| it["state"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let both = Calls { opened: true, closed: true };
        assert_eq!(told(both, false), ["open", "closed", "open"]);
        assert_eq!(told(both, true), ["closed", "open"]);
        assert_eq!(told(Calls { opened: true, closed: false }, true), ["open", "open"]);
    }
}
