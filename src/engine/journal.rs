//! The journal of a space: calls, turns of challenges, messages, changes, notices. Events have numbers in one sequence.
//! Each kind has its own bounds: the newest events are kept, and all are counted.

mod tally;

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::challenge_id::ChallengeId;
use super::{Ending, Method, Number, Timestamp};
use crate::contract::Secret;
pub use tally::{EvictedCalls, EvictedResult, Tally};

#[derive(Clone, Debug)]
pub struct Event {
    /// The sequence number: from 1, ascending over all kinds.
    pub seq: u64,
    pub at: Timestamp,
    pub what: What,
}

#[derive(Clone, Debug)]
pub enum What {
    Call(AnsweredCall),
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

/// A call with its answer.
#[derive(Clone, Debug)]
pub struct AnsweredCall {
    /// From the last byte of the request to the answer, in the world's time.
    pub took: Duration,
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
    /// A hint for the tester.
    pub warning: Option<Cow<'static, str>>,
    /// The request line and the headers, a line each, without credentials.
    pub headers: Box<str>,
    pub request: Raw,
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

/// A change of a user or of the company.
#[derive(Clone, Debug, PartialEq)]
pub struct Changed {
    pub operation: &'static str,
    /// The stored name before the change.
    pub username: Box<str>,
    /// Who made it, as the caller says.
    pub by: Box<str>,
    /// The reason that the caller gave, or the new name.
    pub detail: Box<str>,
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
    last: u64,
    evicted_calls: Arc<Tally>,
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
        Self { trails, last: 0, evicted_calls: Arc::default() }
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
            trail.removed_up_to = ended.kept.back().map_or(ended.evicted_up_to, |it| it.seq);
            trail.evicted_up_to = trail.removed_up_to;
        }
    }

    /// Appends an event and returns its number.
    pub fn note(&mut self, at: Timestamp, what: What) -> u64 {
        self.last += 1;
        let trail = &mut self.trails[what.kind() as usize];
        trail.push(Arc::new(Event { seq: self.last, at, what }), &mut self.evicted_calls);
        self.last
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

    /// The kept events of some kinds with numbers above `seq`, in the order of the numbers.
    #[must_use]
    pub fn after(&self, seq: u64, kinds: &[EventKind]) -> Vec<Arc<Event>> {
        let mut events: Vec<_> = kinds.iter().flat_map(|it| self.trails[*it as usize].after(seq)).cloned().collect();
        if kinds.len() > 1 {
            events.sort_unstable_by_key(|it| it.seq);
        }
        events
    }

    /// The event of a number; `None` if it is evicted or yet to come.
    #[must_use]
    pub fn get(&self, seq: u64) -> Option<&Arc<Event>> {
        self.trails.iter().find_map(|it| it.after(seq.checked_sub(1)?).next().filter(|it| it.seq == seq))
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

    /// Whether an event of some kinds with a number above `seq` is evicted.
    #[must_use]
    pub fn has_evicted_after(&self, seq: u64, kinds: &[EventKind]) -> bool {
        kinds.iter().any(|it| self.trails[*it as usize].evicted_up_to > seq)
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
            self.evicted_up_to = oldest.seq;
            if let What::Call(call) = &oldest.what {
                Arc::make_mut(evicted_calls).add(call);
            }
        }
    }

    fn after(&self, seq: u64) -> impl Iterator<Item = &Arc<Event>> {
        self.kept.range(self.kept.partition_point(|it| it.seq <= seq)..)
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

impl Event {
    /// The memory that it takes, in bytes, about.
    fn size(&self) -> usize {
        let text = match &self.what {
            What::Call(it) => {
                it.agent.len()
                    + it.username.len()
                    + it.outcome.len()
                    + it.number.as_ref().map_or(0, |it| it.len())
                    + it.warning.as_ref().map_or(0, |it| it.len())
                    + it.headers.len()
                    + it.request.kept.len()
                    + it.answer.kept.len()
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
        let kept = &text[..text.floor_char_boundary(Self::KEPT)];
        Self { kept: Bytes::copy_from_slice(kept.as_bytes()), cut: text.len() - kept.len() }
    }

    /// Keeps the text itself, or a copy where that takes less memory.
    #[must_use]
    pub fn of(text: String) -> Self {
        match text.len() == text.capacity() && text.len() <= Self::KEPT {
            true => Self { kept: text.into(), cut: 0 },
            false => Self::new(&text),
        }
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
        write!(f, "({} bytes)", self.kept.len() + self.cut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(n: u32) -> What {
        What::Notice(Notice { topic: "test", text: format!("{n:04}").into() })
    }

    pub(super) fn call(n: u32) -> AnsweredCall {
        AnsweredCall {
            took: Duration::ZERO,
            caller: "".into(),
            scheme: "anonymous",
            origin: Arc::default(),
            agent: "".into(),
            operation: "UserExists",
            username: format!("user{n:04}").into(),
            number: None,
            status: 200,
            outcome: "true".into(),
            call_result: None,
            error: None,
            rule: None,
            warning: None,
            headers: "".into(),
            request: Raw::default(),
            answer: Raw::default(),
        }
    }

    fn entry(n: u32) -> What {
        What::Call(call(n))
    }

    #[test]
    fn evicted_calls_still_count() {
        let size = Event { seq: 1, at: Timestamp::default(), what: entry(0) }.size();
        for bounds in [Bounds { bytes: 10 * size, entries: 1000 }, Bounds { bytes: 1 << 20, entries: 10 }] {
            let mut journal = Journal::new(bounds);
            journal.note(Timestamp::default(), notice(0));
            for n in 0..25 {
                journal.note(Timestamp::default(), entry(n));
            }
            assert_eq!((journal.count(EventKind::Call), journal.evicted(EventKind::Call)), (25, 15));
            let What::Call(oldest) = &journal.of(EventKind::Call).next().unwrap().what else { panic!("a call") };
            assert_eq!(&*oldest.username, "user0015");
            // A kind evicts no event of another.
            assert_eq!(journal.of(EventKind::Notice).len(), 1);
            assert!(journal.has_evicted_after(15, &[EventKind::Call]));
            assert!(!journal.has_evicted_after(16, &[EventKind::Call]));
        }
    }

    #[test]
    fn events_after_a_number_come_in_order() {
        let mut journal = Journal::new(Bounds::default());
        for n in 0..6 {
            journal.note(Timestamp::default(), if n % 2 == 0 { entry(n) } else { notice(n) });
        }
        let after = |seq, kinds: &[EventKind]| journal.after(seq, kinds).iter().map(|it| it.seq).collect::<Vec<_>>();
        assert_eq!(after(2, &EventKind::ALL), [3, 4, 5, 6]);
        assert_eq!(after(2, &[EventKind::Notice]), [4, 6]);
        assert_eq!(after(6, &EventKind::ALL), Vec::<u64>::new());
        assert_eq!(journal.get(4).unwrap().seq, 4);
        assert!(journal.get(7).is_none());
        assert!(journal.get(0).is_none());
    }
}
