//! What happens, as it happens: a stream of server-sent events that is taken up again where it broke off.
//!
//! A stream holds a cursor and no queue: a slow reader costs nothing, until what it has yet to read is forgotten.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::cursor::{Cursor, stale};
use super::feed::{Feed, dropped, known};
use super::input::{Asked, bad};
use super::problem::{Kind, Problem};
use super::view::View;
use super::{Admin, At, Shared, Stage};
use crate::engine::{Event, EventKind, Happening};
use crate::switchboard::{Ended, Lane, Life, Space, Watcher};
use crate::text;

/// A reader's place in the stream.
struct Reader {
    admin: Arc<Admin>,
    space: Space,
    feed: Arc<Feed>,
    calls: Calls,
    watcher: Watcher,
    life: watch::Receiver<Life>,
    /// How many resets it has told of.
    resets: u64,
    after: u64,
    /// What is to be told first.
    first: Option<String>,
    /// When it last had told all that there was.
    told: Option<Instant>,
    ended: bool,
}

/// Which happenings of calls a stream has.
#[derive(Clone, Copy, Debug, Default)]
struct Calls {
    opened: bool,
    closed: bool,
}

/// How long a stream may be silent, so that both sides know that the other one is there.
const ALIVE: Duration = Duration::from_secs(15);

/// How many events go out in one piece.
const PIECE: usize = 256;

/// Events that follow one another so closely go out in one piece, so that a reader is not woken for each.
const GATHER: Duration = Duration::from_millis(25);

/// Streams what happens, as server-sent events. `Last-Event-ID`, or `after`, takes a stream up again. The event `lost`
/// says that some of what followed is not known any more, and `reset` that the space was started over; the stream goes
/// on from their ids. The event `ended` says that the space was dropped, and is the last one.
#[utoipa::path(get, path = "/events", tag = "events", params(
    ("kinds" = Option<String>, Query, description = "`call.opened`, `call.closed`, `call` for both, `challenge`, `message`, `change`, `notice`; with commas between. All where it says nothing."),
    ("after" = Option<String>, Query, description = "Only what follows that event; 0: all that is kept. Without it, what happens from now on."),
    ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that was received; it wins over `after`."),
    ("username" = Option<String>, Query, description = "A condition, as for lists."),
), responses((status = 200, description = "Events named for their kinds, with an item of the list of that kind in JSON as their data. A call comes twice, with one `seq`: as `call.opened` when it begins, and as `call.closed` when it has ended.", body = String, content_type = "text/event-stream")))]
pub(super) async fn events(
    State(admin): Shared,
    At(space): At,
    headers: HeaderMap,
    mut asked: Asked,
) -> Result<Response, Problem> {
    let (kinds, calls) = kinds(asked.take("kinds")?.as_deref())?;
    let after = asked.take("after")?.filter(|it| !it.is_empty());
    let feed = Feed::read(&mut asked, &kinds, &space)?;
    let last_id = headers.get("last-event-id").map(|it| it.to_str().unwrap_or_default()).filter(|it| !it.is_empty());
    let place = match (last_id, after) {
        // A browser repeats its request only after a 200, so that a reader without a place is told so in the stream.
        (Some(id), _) => Cursor::place(&space, id).map_err(|it| Some(it).filter(|it| it.is(Kind::StaleCursor))),
        (None, Some(after)) => match Cursor::place(&space, &after) {
            Err(problem) if !problem.is(Kind::StaleCursor) => return Err(problem),
            place => place.map_err(Some),
        },
        (None, None) => Ok(space.update(|engine, _| engine.journal.last())),
    };
    let watcher = space.watch(feed.interest());
    let (life, resets) = (space.life(), space.life().borrow().resets);
    let mut reader = Reader {
        admin,
        space,
        feed: feed.into(),
        calls,
        watcher,
        life,
        resets,
        after: 0,
        first: None,
        told: None,
        ended: false,
    };
    match place {
        // Firefox tells a page of an answer when its first bytes come.
        Ok(place) => (reader.after, reader.first) = (place, Some(":\n\n".into())),
        Err(problem) => reader.first = Some(reader.lost(problem)),
    }
    let body = Body::from_stream(stream::unfold(reader, |mut reader| async {
        let piece = reader.next().await?;
        Some((Ok::<_, std::convert::Infallible>(Bytes::from(piece)), reader))
    }));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // A proxy such as nginx would hold events back.
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    Ok((headers, body).into_response())
}

/// The name of the event with which a call begins in a stream.
const OPENED: &str = "call.opened";

/// The name of the event with which a call ends in a stream.
const CLOSED: &str = "call.closed";

/// The kinds that a request names.
fn kinds(text: Option<&str>) -> Result<(Vec<EventKind>, Calls), Problem> {
    let mut calls = Calls::default();
    let Some(text) = text else { return Ok((EventKind::ALL.into(), Calls { opened: true, closed: true })) };
    let mut kinds = Vec::new();
    for word in text.split(',').map(str::trim) {
        let kind = match word {
            OPENED | CLOSED => Some(EventKind::Call),
            _ => EventKind::ALL.into_iter().find(|it| it.word() == word),
        };
        let kind = kind.ok_or_else(|| {
            let words = EventKind::ALL.map(EventKind::word).join(", ");
            bad("kinds", &format!("{word:?} is no kind"), &format!("There are: {words}, {OPENED}, {CLOSED}."))
        })?;
        calls.opened |= kind == EventKind::Call && word != CLOSED;
        calls.closed |= kind == EventKind::Call && word != OPENED;
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    Ok((kinds, calls))
}

impl Calls {
    fn include(self, event: &Event) -> bool {
        match event.what.kind() {
            EventKind::Call if event.is_open() => self.opened,
            EventKind::Call => self.closed,
            _ => true,
        }
    }
}

impl Reader {
    /// The next piece of the stream.
    async fn next(&mut self) -> Option<String> {
        if self.ended {
            return None;
        }
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        let silent = Instant::now() + ALIVE;
        let mut stage = self.admin.stage.subscribe();
        loop {
            if let Some(told) = self.told {
                sleep_until(told + GATHER).await;
            }
            let life = *self.life.borrow_and_update();
            if let Some(why) = life.ended {
                self.ended = true;
                // A client that meets the end of the stream alone knows that the server goes.
                return (why == Ended::Dropped).then(|| notice("ended", None, &dropped(&self.space)));
            }
            if life.resets != self.resets {
                self.resets = life.resets;
                return Some(self.reset());
            }
            let look = Look {
                admin: self.admin.clone(),
                space: self.space.clone(),
                feed: self.feed.clone(),
                calls: self.calls,
                after: self.after,
            };
            let found = self.admin.work.run(Lane::Look, move || look.piece()).await;
            if self.life.has_changed().unwrap_or_default() {
                continue;
            }
            match found {
                Err(problem) => return Some(self.lost(Some(problem))),
                Ok(Piece { text, after, is_all }) => {
                    self.after = after;
                    if !text.is_empty() {
                        self.told = is_all.then(Instant::now);
                        return Some(text);
                    }
                    if !is_all {
                        continue;
                    }
                }
            }
            tokio::select! {
                woken = timeout_at(silent, self.watcher.woken()) => {
                    self.after = self.after.max(self.watcher.passed());
                    if woken.is_err() {
                        // A space that is listened to is in use.
                        let _ = self.admin.spaces.find(self.space.name());
                        return Some(":\n\n".into());
                    }
                },
                _ = self.life.changed() => (),
                _ = stage.wait_for(|it| *it == Stage::Stopping) => return None,
            }
        }
    }
}

/// A look at what follows a place. It may read requests: it runs off the threads that answer calls.
struct Look {
    admin: Arc<Admin>,
    space: Space,
    feed: Arc<Feed>,
    calls: Calls,
    after: u64,
}

/// A piece of a stream, and the place up to which it is whole.
struct Piece {
    text: String,
    after: u64,
    /// Whether nothing more has happened.
    is_all: bool,
}

impl Look {
    fn piece(&self) -> Result<Piece, Problem> {
        let (happenings, after, is_all) = self.space.update(|engine, _| {
            let journal = &engine.journal;
            known(&self.space, journal, self.after, &self.feed.kinds)?;
            let (happenings, end) = journal.happenings_after(self.after, &self.feed.kinds, PIECE);
            Ok::<_, Problem>((happenings, end, end == journal.last()))
        })?;
        let is_wanted = |it: &&Happening| self.calls.include(&it.event) && self.feed.filter.fits(&it.event);
        let frames = happenings.iter().filter(is_wanted).map(|it| self.admin.frames.of(&self.space, it));
        let text = frames.fold(String::new(), |text, it| text + &it);
        Ok(Piece { text, after, is_all })
    }
}

impl Reader {
    /// Goes on with the oldest events that are kept, and says that some are lost. `None`: it came with no place.
    fn lost(&mut self, problem: Option<Problem>) -> String {
        let problem = problem.unwrap_or_else(|| {
            let last = self.space.update(|engine, _| engine.journal.last());
            let (detail, remedy) = ("The last id is no cursor of this server.", "Ask for the lists again.");
            stale(&self.space, last, detail, remedy)
        });
        notice("lost", Some(self.go_on()), &problem)
    }

    /// Goes on with the first event after a reset, and says so.
    fn reset(&mut self) -> String {
        let detail = format!("The space {} was started over: what was before is removed.", self.space.name());
        let problem = Problem::new(Kind::StaleCursor, detail, "Ask for the lists again.");
        notice("reset", Some(self.go_on()), &problem)
    }

    /// Moves on to the oldest events that are kept.
    fn go_on(&mut self) -> Cursor {
        let kept = self.space.update(|engine, _| engine.journal.kept_after(&self.feed.kinds));
        self.after = self.after.max(kept);
        Cursor::at(&self.space, self.after)
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

/// An event that tells of the stream itself. With an id, the stream goes on from there.
fn notice(name: &str, id: Option<Cursor>, problem: &Problem) -> String {
    let id = id.map(|it| format!("id: {it}\n")).unwrap_or_default();
    let data = text::ascii_json_line(problem).expect("a problem is JSON");
    format!("{id}event: {name}\ndata: {data}\n\n")
}
