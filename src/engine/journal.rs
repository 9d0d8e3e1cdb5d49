//! The journal of a space: calls, turns of challenges, messages, changes, notices. Events have numbers in one sequence.
//! Each kind has its own bounds: the newest events are kept, and all are counted.

mod reading;
mod tally;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::challenge_id::ChallengeId;
use super::chance::Draw;
use super::delay::DrawnDelay;
use super::{Ending, Method, Number, Timestamp};
use crate::contract::Secret;
use crate::text::counted;
pub use reading::Reading;
pub use tally::{EvictedCalls, EvictedResult, Tally};

#[derive(Clone, Debug)]
pub struct Event {
    /// Its number: from 1, ascending over all kinds in the order in which things begin. A call keeps the number of its
    /// start.
    pub seq: u64,
    /// Its place in the order in which the journal recorded events: `seq`, or for a closed call the number of its end.
    /// Cursors follow it.
    pub recorded: u64,
    /// When it happened; for a call, when it began.
    pub at: Timestamp,
    pub what: What,
}

#[derive(Clone, Debug)]
pub enum What {
    Call(CallEntry),
    Turn(Turn),
    Message(Message),
    Changed(Changed),
    Notice(Notice),
}

/// The kinds of events. Each is bounded by itself: many calls evict no message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum EventKind {
    Call,
    Turn,
    Message,
    Changed,
    Notice,
}

/// A call of the service.
#[derive(Clone, Debug)]
pub struct CallEntry {
    pub request: Arc<CallRequest>,
    /// `None`: the call is open.
    pub end: Option<CallEnd>,
}

/// What a call asked.
#[derive(Clone, Debug, Default)]
pub struct CallRequest {
    pub caller: Arc<str>,
    /// How the caller signed in: a word of the scenario's `sign_in`.
    pub scheme: &'static str,
    pub origin: Arc<Origin>,
    /// The client's software, as it names itself.
    pub agent: Box<str>,
    /// The operation's wire name; empty where the request named none.
    pub operation: &'static str,
    /// As the call spells it.
    pub username: Box<str>,
    /// The number that came with the call, as it was written.
    pub number: Option<Box<str>>,
    /// The request line and the headers, a line each, without credentials.
    pub headers: Box<str>,
    pub body: Raw,
    pub reading: Reading,
}

/// How a call ended.
#[derive(Clone, Debug, Default)]
pub struct CallEnd {
    pub at: Timestamp,
    /// From the last byte of the request to the answer, in the world's time.
    pub took: Duration,
    /// The HTTP status of the answer; 0 where the client hung up.
    pub status: u16,
    /// How it ended, in short: `true`, `false 101 error 12`, `fault …`.
    pub outcome: Box<str>,
    /// The code of `callResult`.
    pub call_result: Option<i32>,
    /// The code of `error`.
    pub error: Option<i32>,
    /// The rule of the scenario that decided.
    pub rule: Option<Arc<str>>,
    /// The incident that changed the call.
    pub incident: Option<Arc<str>>,
    /// How much later the answer left because of that rule.
    pub delay: Option<DrawnDelay>,
    /// What rules with `chance` drew for the call, in their order.
    pub draws: Box<[Draw]>,
    /// A hint for the tester.
    pub warning: Option<Cow<'static, str>>,
    pub answer: Raw,
}

/// Where a call came from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Origin {
    /// The number of the connection, unique while the server runs.
    pub connection: u64,
    /// Address and port; empty where there is no connection.
    pub peer: Box<str>,
    /// `TLS 1.2`; empty without.
    pub tls: Box<str>,
    pub suite: Box<str>,
    /// The host that the client wanted to reach.
    pub server_name: Box<str>,
}

/// A body as it went over the wire, in UTF-8, up to [`Self::KEPT`] bytes of it. It may hold secrets: mask them before you
/// show it. Its copies share the bytes.
#[derive(Clone, Default, PartialEq)]
pub struct Raw {
    /// Text.
    kept: Bytes,
    cut: usize,
}

/// A step in the life of a challenge.
#[derive(Clone, Debug)]
pub struct Turn {
    pub challenge: ChallengeId,
    pub stage: ChallengeStage,
    pub username: Arc<str>,
    /// The user whose number is called.
    pub owner: Option<Arc<str>>,
    pub number: Option<Arc<Number>>,
    pub method: Method,
    pub rule: Option<Arc<str>>,
}

#[derive(Clone, Debug)]
pub enum ChallengeStage {
    /// The person is asked: the phone rings.
    Asked,
    /// The person took the call.
    Answered,
    /// The message with the code is out.
    Sent,
    Settled {
        ending: Ending,
        succeeds: bool,
        request_id: Box<str>,
    },
    /// The code came in time, or ran out.
    Closed {
        passed: bool,
    },
}

/// A message that the real server would send.
#[derive(Clone, Debug)]
pub struct Message {
    pub kind: MessageKind,
    /// The operation that sent it.
    pub operation: &'static str,
    /// The user of the call.
    pub username: Arc<str>,
    /// The number or mail address; empty for the mobile app.
    pub to: Box<str>,
    /// Mail alone.
    pub from: Box<str>,
    /// Mail alone.
    pub cc: Box<str>,
    /// Mail alone.
    pub subject: Box<str>,
    /// A text message's text has its code in it.
    pub text: Secret,
    pub code: Option<Secret>,
    pub challenge: Option<ChallengeId>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MessageKind {
    Text,
    /// A notification of the mobile app.
    App,
    Mail,
}

/// A change of a user or of the company, or an incident that began or ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Changed {
    pub operation: &'static str,
    /// The stored name before the change.
    pub username: Box<str>,
    /// Who made it, as the caller says.
    pub by: Box<str>,
    /// The reason that the caller gave, or the new name.
    pub detail: Box<str>,
    /// The incident that began or ended, where that is the change.
    pub incident: Option<Arc<str>>,
}

/// News for people: a scenario was read again or has mistakes, a connection or a sign-in failed.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// `reload`, `mistake`, or the kind of a failure as in `docs/troubles.md`.
    pub topic: &'static str,
    pub text: Box<str>,
}

/// How much is kept of calls. The other kinds have fixed bounds.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub bytes: usize,
    pub entries: usize,
}

#[derive(Clone, Debug)]
pub struct Journal {
    trails: [Trail; EventKind::ALL.len()],
    /// The calls that have no end yet, by number.
    open: BTreeMap<u64, Arc<Event>>,
    last: u64,
    evicted_calls: Arc<Tally>,
}

/// A place in the course of events: a call has one for its start and one for its end.
#[derive(Clone, Debug)]
pub struct Happening {
    pub place: u64,
    /// As it was at that place: without an end at the start of a call.
    pub event: Arc<Event>,
}

/// What the journal no longer keeps of the events of a kind after a number.
#[derive(Clone, Debug)]
pub enum Missing {
    Nothing,
    Evicted {
        count: u64,
        /// Whether all of them came after the number. If not, some of them did.
        all_follow: bool,
        /// For calls.
        tally: Option<Arc<Tally>>,
    },
    /// A reset has removed events, and their number is unknown.
    Removed,
}

/// The newest events of one kind.
#[derive(Clone, Debug)]
struct Trail {
    kept: VecDeque<Arc<Event>>,
    bytes: usize,
    bounds: Bounds,
    evicted: u64,
    /// The number of the newest evicted event; 0 before the first eviction.
    evicted_up_to: u64,
    /// The number of the newest event that a reset has removed; 0 before the first.
    removed_up_to: u64,
}

/// The bounds of each kind but calls.
const OTHERS: Bounds = Bounds { bytes: 4 << 20, entries: 10_000 };

impl Default for Bounds {
    fn default() -> Self {
        Self { bytes: 16 << 20, entries: 10_000 }
    }
}

impl Journal {
    pub(super) fn new(calls: Bounds) -> Self {
        let trail =
            |bounds| Trail { kept: VecDeque::new(), bytes: 0, bounds, evicted: 0, evicted_up_to: 0, removed_up_to: 0 };
        let trails = EventKind::ALL.map(|it| trail(if it == EventKind::Call { calls } else { OTHERS }));
        Self { trails, open: BTreeMap::new(), last: 0, evicted_calls: Arc::default() }
    }

    /// A journal with the same bounds, and no events.
    pub(super) fn fork(&self) -> Self {
        Self::new(self.trails[EventKind::Call as usize].bounds)
    }

    /// Continues the sequence numbers of `ended`, so that cursors stay valid: their holders miss no event and see none
    /// twice.
    pub fn continue_from(&mut self, ended: &Self) {
        self.last = ended.last;
        for (trail, ended) in self.trails.iter_mut().zip(&ended.trails) {
            trail.removed_up_to = ended.kept.back().map_or(ended.evicted_up_to, |it| it.recorded);
            trail.evicted_up_to = trail.removed_up_to;
        }
    }

    /// Appends an event and returns its number.
    pub fn note(&mut self, at: Timestamp, what: What) -> u64 {
        self.last += 1;
        self.record(Event { seq: self.last, recorded: self.last, at, what });
        self.last
    }

    /// Begins a call and returns its number.
    pub fn open_call(&mut self, at: Timestamp, request: Arc<CallRequest>) -> u64 {
        self.last += 1;
        let what = What::Call(CallEntry { request, end: None });
        self.open.insert(self.last, Arc::new(Event { seq: self.last, recorded: self.last, at, what }));
        self.last
    }

    /// Ends an open call.
    pub fn close_call(&mut self, seq: u64, end: CallEnd) {
        let Some(opened) = self.open.remove(&seq) else { return };
        let What::Call(call) = &opened.what else { return };
        self.last += 1;
        let what = What::Call(CallEntry { request: call.request.clone(), end: Some(end) });
        self.record(Event { seq, recorded: self.last, at: opened.at, what });
    }

    /// The open calls with numbers above `seq`, the oldest first.
    pub fn open_calls_after(&self, seq: u64) -> impl Iterator<Item = &Arc<Event>> {
        self.open.range(seq.saturating_add(1)..).map(|it| it.1)
    }

    fn record(&mut self, event: Event) {
        self.trails[event.what.kind() as usize].push(Arc::new(event), &mut self.evicted_calls);
    }

    /// The number of the newest event; 0 before the first.
    #[must_use]
    pub const fn last(&self) -> u64 {
        self.last
    }

    /// The kept events of a kind, the oldest first.
    pub fn of(&self, kind: EventKind) -> impl DoubleEndedIterator<Item = &Arc<Event>> + ExactSizeIterator {
        self.trails[kind as usize].kept.iter()
    }

    /// The kept events of some kinds that were recorded after a place, in that order. Calls that are open are not
    /// recorded yet.
    #[must_use]
    pub fn after(&self, place: u64, kinds: &[EventKind]) -> Vec<Arc<Event>> {
        self.first_after(place, kinds, usize::MAX)
    }

    /// As [`Self::after`], the first `most` of them.
    #[must_use]
    pub fn first_after(&self, place: u64, kinds: &[EventKind], most: usize) -> Vec<Arc<Event>> {
        let of_kind = |it: &EventKind| self.trails[*it as usize].after(place).take(most);
        let mut events: Vec<_> = kinds.iter().flat_map(of_kind).cloned().collect();
        if kinds.len() > 1 {
            events.sort_unstable_by_key(|it| it.recorded);
            events.truncate(most);
        }
        events
    }

    /// What happened to events of some kinds after a place, in order: calls are there when they begin and when they end.
    /// The first `most` of it, and the place up to which that is all.
    #[must_use]
    pub fn happenings_after(&self, place: u64, kinds: &[EventKind], most: usize) -> (Vec<Happening>, u64) {
        let recorded = || kinds.iter().flat_map(|it| self.trails[*it as usize].after(place));
        let open = || self.open_calls_after(place).filter(|_| kinds.contains(&EventKind::Call));
        let has_begun = |it: &&Arc<Event>| it.seq > place && it.seq < it.recorded;
        let begun = recorded().filter(has_begun).map(|it| it.seq);
        let mut places: Vec<u64> =
            recorded().map(|it| it.recorded).chain(begun).chain(open().map(|it| it.seq)).collect();
        let end = match most.checked_sub(1) {
            Some(nth) if places.len() > most => *places.select_nth_unstable(nth).1,
            _ => self.last,
        };
        let mut all: Vec<_> = recorded().filter(has_begun).filter(|it| it.seq <= end).map(|it| it.as_begun()).collect();
        let whole =
            recorded().filter(|it| it.recorded <= end).map(|it| Happening { place: it.recorded, event: it.clone() });
        all.extend(whole);
        all.extend(open().filter(|it| it.seq <= end).map(|it| Happening { place: it.seq, event: it.clone() }));
        all.sort_unstable_by_key(|it| it.place);
        (all, end)
    }

    /// The event of a number; `None` if it is evicted or yet to come.
    #[must_use]
    pub fn get(&self, seq: u64) -> Option<&Arc<Event>> {
        let of_kind = |kind: EventKind| {
            let mut later = self.trails[kind as usize].after(seq.checked_sub(1)?);
            match kind {
                // Calls that began later may have ended earlier.
                EventKind::Call => later.find(|it| it.seq == seq),
                _ => later.next().filter(|it| it.seq == seq),
            }
        };
        self.open.get(&seq).or_else(|| EventKind::ALL.into_iter().find_map(of_kind))
    }

    /// How many events of a kind there were, evicted ones included.
    #[must_use]
    pub fn count(&self, kind: EventKind) -> u64 {
        let trail = &self.trails[kind as usize];
        trail.evicted + trail.kept.len() as u64
    }

    /// How many events of a kind are evicted.
    #[must_use]
    pub const fn evicted(&self, kind: EventKind) -> u64 {
        self.trails[kind as usize].evicted
    }

    /// What is not kept of the events of a kind with numbers above `after`. `None`: of all since the last reset.
    #[must_use]
    pub fn missing_after(&self, after: Option<u64>, kind: EventKind) -> Missing {
        let trail = &self.trails[kind as usize];
        match after {
            Some(seq) if seq < trail.removed_up_to => Missing::Removed,
            Some(seq) if seq >= trail.evicted_up_to => Missing::Nothing,
            _ if trail.evicted == 0 => Missing::Nothing,
            _ => Missing::Evicted {
                count: trail.evicted,
                all_follow: after.is_none_or(|seq| seq == trail.removed_up_to),
                tally: (kind == EventKind::Call).then(|| self.evicted_calls.clone()),
            },
        }
    }

    /// The earliest place after which all events of some kinds are kept.
    #[must_use]
    pub fn kept_after(&self, kinds: &[EventKind]) -> u64 {
        kinds.iter().map(|it| self.trails[*it as usize].evicted_up_to).max().unwrap_or_default()
    }

    /// Whether an event of some kinds that was recorded after a place is evicted.
    #[must_use]
    pub fn has_evicted_after(&self, place: u64, kinds: &[EventKind]) -> bool {
        place < self.kept_after(kinds)
    }
}

impl Trail {
    fn push(&mut self, event: Arc<Event>, evicted_calls: &mut Arc<Tally>) {
        self.bytes += event.size();
        self.kept.push_back(event);
        while self.bytes > self.bounds.bytes || self.kept.len() > self.bounds.entries {
            let Some(oldest) = self.kept.pop_front() else { break };
            self.bytes -= oldest.size();
            self.evicted += 1;
            self.evicted_up_to = oldest.recorded;
            if let What::Call(call) = &oldest.what {
                Arc::make_mut(evicted_calls).add(call);
            }
        }
    }

    fn after(&self, place: u64) -> impl Iterator<Item = &Arc<Event>> {
        self.kept.range(self.kept.partition_point(|it| it.recorded <= place)..)
    }
}

impl EventKind {
    pub const ALL: [Self; 5] = [Self::Call, Self::Turn, Self::Message, Self::Changed, Self::Notice];

    /// Its name in the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Turn => "challenge",
            Self::Message => "message",
            Self::Changed => "change",
            Self::Notice => "notice",
        }
    }
}

impl What {
    #[must_use]
    pub const fn kind(&self) -> EventKind {
        match self {
            Self::Call(_) => EventKind::Call,
            Self::Turn(_) => EventKind::Turn,
            Self::Message(_) => EventKind::Message,
            Self::Changed(_) => EventKind::Changed,
            Self::Notice(_) => EventKind::Notice,
        }
    }
}

impl CallRequest {
    fn size(&self) -> usize {
        let texts = self.agent.len() + self.username.len() + self.number.as_ref().map_or(0, |it| it.len());
        size_of::<Self>() + texts + self.headers.len() + self.body.kept.len()
    }
}

impl Event {
    /// Whether it is a call that has not ended.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(&self.what, What::Call(call) if call.end.is_none())
    }

    /// The start of a call that has ended.
    fn as_begun(&self) -> Happening {
        let mut event = Self { recorded: self.seq, ..self.clone() };
        if let What::Call(call) = &mut event.what {
            call.end = None;
        }
        Happening { place: self.seq, event: event.into() }
    }

    /// The memory that it takes, in bytes, about.
    fn size(&self) -> usize {
        let text = match &self.what {
            What::Call(it) => {
                let of_end = |it: &CallEnd| {
                    it.outcome.len()
                        + it.warning.as_ref().map_or(0, |it| it.len())
                        + it.answer.kept.len()
                        + size_of_val(&*it.draws)
                };
                it.request.size() + it.end.as_ref().map_or(0, of_end)
            }
            What::Turn(it) => it.username.len() + it.owner.as_ref().map_or(0, |it| it.len()),
            What::Message(it) => {
                it.username.len()
                    + [&it.to, &it.from, &it.cc, &it.subject].iter().map(|it| it.len()).sum::<usize>()
                    + it.text.reveal().len()
            }
            What::Changed(it) => it.username.len() + it.by.len() + it.detail.len(),
            What::Notice(it) => it.text.len(),
        };
        size_of::<Self>() + text
    }
}

impl Raw {
    /// The most that is kept of a body, in bytes.
    pub const KEPT: usize = 64 << 10;

    /// Keeps a copy.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self::copied(text.as_bytes())
    }

    /// Keeps the text itself, or a copy where that takes less memory.
    #[must_use]
    pub fn of(text: String) -> Self {
        Self::of_utf8(text.into_bytes())
    }

    /// The same of the bytes of a text. They must be UTF-8: where they are not, [`Self::reveal`] panics.
    #[must_use]
    pub fn of_utf8(text: Vec<u8>) -> Self {
        debug_assert!(str::from_utf8(&text).is_ok());
        match text.len() == text.capacity() && text.len() <= Self::KEPT {
            true => Self { kept: text.into(), cut: 0 },
            false => Self::copied(&text),
        }
    }

    /// Keeps a copy of whole characters.
    fn copied(text: &[u8]) -> Self {
        let first = text[..text.len().min(Self::KEPT)].utf8_chunks().next();
        let kept = first.map_or("", |it| it.valid());
        Self { kept: Bytes::copy_from_slice(kept.as_bytes()), cut: text.len() - kept.len() }
    }

    /// The text with all secrets in it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        str::from_utf8(&self.kept).expect("it was made of a text")
    }

    /// The bytes of the text.
    #[must_use]
    pub const fn bytes(&self) -> &Bytes {
        &self.kept
    }

    /// How many bytes follow in the body and are not kept.
    #[must_use]
    pub const fn cut(&self) -> usize {
        self.cut
    }
}

impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({})", counted(self.kept.len() + self.cut, "byte"))
    }
}
