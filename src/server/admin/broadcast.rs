//! What streams tell, looked for and written once for all streams that ask for the same.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use tokio::sync::watch;
use tokio::time::sleep;

use super::Admin;
use super::cursor::Cursor;
use super::feed::known;
use super::filter::Filter;
use super::problem::Problem;
use super::view::View;
use crate::engine::{Event, EventKind, Happening};
use crate::switchboard::{Lane, Space, Watcher};
use crate::text;

/// How long events gather, so that neither a stream nor its reader is woken for each. The first one after a pause goes
/// out at once.
const GATHER: Duration = Duration::from_millis(50);

/// How long they gather where there are more than a person can follow: a piece costs the calls more than its length.
const GATHER_MANY: Duration = Duration::from_millis(250);

/// From how many events a second there are many.
const MANY: u128 = 250;

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

    /// The first piece of what follows a place. It may read requests: it runs off the threads that answer calls.
    ///
    /// # Errors
    /// 410 where some of it is no longer kept.
    pub(super) fn look(&self, frames: &Frames, from: u64, up_to: u64) -> Result<Piece, Problem> {
        let (happenings, to) = self.space.update(|engine, _| {
            known(&self.space, &engine.journal, from, &self.kinds)?;
            Ok::<_, Problem>(engine.journal.happenings_after(from, &self.kinds, PIECE))
        })?;
        let is_wanted =
            |it: &&Happening| it.place <= up_to && self.calls.include(&it.event) && self.filter.fits(&it.event);
        let mut text = Vec::new();
        for it in happenings.iter().filter(is_wanted) {
            text.extend_from_slice(frames.of(&self.space, it).as_bytes());
        }
        Ok(Piece { from, to: to.min(up_to), text: text.into() })
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

impl Broadcast {
    /// Tells what happens after a place, until no stream follows.
    async fn run(self: Arc<Self>, admin: Arc<Admin>, mut place: u64) {
        let mut gather = GATHER;
        loop {
            tokio::select! {
                () = self.watcher.woken() => (),
                () = self.newest.closed() => if admin.broadcasts.remove(&self) { return },
            }
            let told = place.max(self.watcher.passed());
            place = self.tell(&admin, told).await;
            let is_many = u128::from(place.saturating_sub(told)) * 1000 > MANY * gather.as_millis();
            gather = if is_many { GATHER_MANY } else { GATHER };
            sleep(gather).await;
        }
    }

    /// Tells all that has happened after a place, and how far that is.
    async fn tell(&self, admin: &Arc<Admin>, mut place: u64) -> u64 {
        let end = self.topic.space.update(|engine, _| engine.journal.last());
        // Nothing between two pieces matches.
        let mut from = self.newest.borrow().to;
        let mut pieces = VecDeque::new();
        while place < end {
            let (topic, all) = (self.topic.clone(), admin.clone());
            match admin.work.run(Lane::Look, move || topic.look(&all.frames, place, end)).await {
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

/// The latest events as streams tell them, so that each is written once, however many streams there are.
#[derive(Debug)]
pub(super) struct Frames(Mutex<Vec<Option<Frame>>>);

/// An event, and how the stream has it.
type Frame = (Arc<Event>, Arc<str>);

/// How many frames are kept.
const FRAMES: usize = 1024;

impl Default for Frames {
    fn default() -> Self {
        Self(Mutex::new(vec![None; FRAMES]))
    }
}

impl Frames {
    /// An event as streams tell it.
    fn of(&self, space: &Space, Happening { place, event }: &Happening) -> Arc<str> {
        let slot = usize::try_from(*place).unwrap_or_default() % FRAMES;
        let mut frames = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((kept, frame)) = &frames[slot]
            && Arc::ptr_eq(kept, event)
        {
            return frame.clone();
        }
        let data = text::ascii_json_line(&View::of(event)).expect("an event is JSON");
        let name = match event.what.kind() {
            EventKind::Call if event.is_open() => OPENED,
            EventKind::Call => CLOSED,
            kind => kind.word(),
        };
        let id = Cursor::at(space, *place);
        let frame = format!("id: {id}\nevent: {name}\ndata: {data}\n\n");
        let frame: Arc<str> = frame.into();
        frames[slot] = Some((event.clone(), frame.clone()));
        frame
    }
}
