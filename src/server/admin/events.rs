//! What happens, as it happens: a stream of server-sent events that is taken up again where it broke off.
//!
//! A stream holds a cursor and no queue: a slow reader costs nothing, until what it has yet to read is forgotten.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::broadcast::{CLOSED, Calls, OPENED, Piece, Subscription, Told, Topic};
use super::cursor::{Cursor, stale};
use super::feed::{Feed, dropped};
use super::input::{Asked, bad};
use super::problem::{Kind, Problem};
use super::{Admin, At, Shared, Stage};
use crate::engine::EventKind;
use crate::switchboard::{Ended, Lane, Life, Space};
use crate::text;

/// A reader's place in the stream.
struct Reader {
    admin: Arc<Admin>,
    told: Subscription,
    life: watch::Receiver<Life>,
    stage: watch::Receiver<Stage>,
    /// How many resets it has told of.
    resets: u64,
    after: u64,
    /// What is to be told first.
    first: Option<String>,
    ended: bool,
}

/// How long a stream may be silent, so that both sides know that the other one is there.
const ALIVE: Duration = Duration::from_secs(15);

/// Streams what happens, as server-sent events. `Last-Event-ID`, or `after`, takes a stream up again. The event `lost`
/// says that some of what followed is not known any more, and `reset` that the space was started over; the stream goes
/// on from their ids. The event `ended` says that the space was dropped, and is the last one.
#[utoipa::path(get, path = "/events", tag = "events", params(
    ("kinds" = Option<String>, Query, description = "`call.opened`, `call.closed`, `call` for both, `challenge`, `message`, `change`, `notice`; with commas between. All where it says nothing."),
    ("after" = Option<String>, Query, description = "Only what follows that event; 0: all that is kept. Without it, what happens from now on."),
    ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that was received; it wins over `after`."),
    ("username" = Option<String>, Query, description = "A condition, as for lists."),
), responses((status = 200, description = "Events named for their kinds, with an item of the list of that kind in JSON as their data. A call comes twice, with one `seq`: as `call.opened` when it begins, and as `call.closed` when it has ended. While there are more than 250 events a second, a call that has ended when its events are sent may come as `call.closed` alone.", body = String, content_type = "text/event-stream")))]
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
    let (life, resets) = (space.life(), space.life().borrow().resets);
    let stage = admin.stage.subscribe();
    let told = admin.subscribe(Topic { space, kinds: feed.kinds, calls, filter: feed.filter });
    let mut reader = Reader { admin, told, life, stage, resets, after: 0, first: None, ended: false };
    match place {
        // Firefox tells a page of an answer when its first bytes come.
        Ok(place) => (reader.after, reader.first) = (place, Some(":\n\n".into())),
        Err(problem) => reader.first = Some(reader.lost(problem)),
    }
    let body = Body::from_stream(stream::unfold(reader, |mut reader| async {
        let piece = reader.next().await?;
        Some((Ok::<_, std::convert::Infallible>(piece), reader))
    }));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // A proxy such as nginx would hold events back.
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    Ok((headers, body).into_response())
}

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

impl Reader {
    /// The next piece of the stream.
    async fn next(&mut self) -> Option<Bytes> {
        if self.ended {
            return None;
        }
        if let Some(first) = self.first.take() {
            return Some(first.into());
        }
        let silent = Instant::now() + ALIVE;
        loop {
            let life = *self.life.borrow_and_update();
            if let Some(why) = life.ended {
                self.ended = true;
                // A client that meets the end of the stream alone knows that the server goes.
                return (why == Ended::Dropped).then(|| notice("ended", None, &dropped(self.space())).into());
            }
            if life.resets != self.resets {
                self.resets = life.resets;
                return Some(self.reset().into());
            }
            let next = match self.told.after(self.after) {
                Told::Piece(piece) => Some(Ok(piece)),
                Told::Nothing => None,
                // Only a reader that comes later, or is slow, looks by itself.
                Told::UpTo(end) => {
                    let (topic, after) = (self.told.topic().clone(), self.after);
                    Some(self.admin.work.run(Lane::Look, move || topic.look(after, end, false)).await)
                }
            };
            if self.life.has_changed().unwrap_or_default() {
                continue;
            }
            match next {
                Some(Err(problem)) => return Some(self.lost(Some(problem)).into()),
                Some(Ok(Piece { text, to, .. })) => {
                    self.after = to;
                    if !text.is_empty() {
                        return Some(text);
                    }
                }
                None => {
                    let is_silent = tokio::select! {
                        told = timeout_at(silent, self.told.changed()) => told.is_err(),
                        _ = self.life.changed() => false,
                        _ = self.stage.wait_for(|it| *it == Stage::Stopping) => return None,
                    };
                    if is_silent {
                        // A space that is listened to is in use.
                        let _ = self.admin.spaces.find(self.space().name());
                        return Some(Bytes::from_static(b":\n\n"));
                    }
                }
            }
        }
    }

    fn space(&self) -> &Space {
        &self.told.topic().space
    }

    /// Goes on with the oldest events that are kept, and says that some are lost. `None`: it came with no place.
    fn lost(&mut self, problem: Option<Problem>) -> String {
        let problem = problem.unwrap_or_else(|| {
            let last = self.space().update(|engine, _| engine.journal.last());
            let (detail, remedy) = ("The last id is no cursor of this server.", "Ask for the lists again.");
            stale(self.space(), last, detail, remedy)
        });
        notice("lost", Some(self.go_on()), &problem)
    }

    /// Goes on with the first event after a reset, and says so.
    fn reset(&mut self) -> String {
        let detail = format!("The space {} was started over: what was before is removed.", self.space().name());
        let problem = Problem::new(Kind::StaleCursor, detail, "Ask for the lists again.");
        notice("reset", Some(self.go_on()), &problem)
    }

    /// Moves on to the oldest events that are kept.
    fn go_on(&mut self) -> Cursor {
        let kept = self.space().update(|engine, _| engine.journal.kept_after(&self.told.topic().kinds));
        self.after = self.after.max(kept);
        Cursor::at(self.space(), self.after)
    }
}

/// An event that tells of the stream itself. With an id, the stream goes on from there.
fn notice(name: &str, id: Option<Cursor>, problem: &Problem) -> String {
    let id = id.map(|it| format!("id: {it}\n")).unwrap_or_default();
    let data = text::ascii_json_line(problem).expect("a problem is JSON");
    format!("{id}event: {name}\ndata: {data}\n\n")
}
