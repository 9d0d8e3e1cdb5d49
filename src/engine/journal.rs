//! What happened in a space, for people and tests to look at: calls, turns of challenges, messages, changes, notices.
//! Numbered in one sequence; the newest are kept, each kind bounded by itself; of all, the counts.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{ChallengeId, Ending, Method, Number, Timestamp};
use crate::contract::Secret;

/// Something that happened.
#[derive(Clone, Debug)]
pub struct Event {
    /// Ascending over all that happens in a space, from 1.
    pub seq: u64,
    pub at: Timestamp,
    pub what: What,
}

#[derive(Clone, Debug)]
pub enum What {
    Call(Entry),
    Turn(Turn),
    Message(Message),
    Changed(Changed),
    Notice(Notice),
}

/// The kinds of what happens, each kept by itself: many calls push no message out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    Call,
    Turn,
    Message,
    Changed,
    Notice,
}

/// One call, as it was answered.
#[derive(Clone, Debug)]
pub struct Entry {
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
    /// As the call has it.
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
    /// What a tester should know.
    pub warning: Option<&'static str>,
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

/// A body as it went over the wire, in UTF-8. It may hold secrets: whoever shows it masks them.
#[derive(Clone, Default, PartialEq)]
pub struct Raw(Box<str>);

/// A step in the life of a challenge.
#[derive(Clone, Debug)]
pub struct Turn {
    pub challenge: ChallengeId,
    pub stage: Stage,
    pub username: Box<str>,
    /// The user whose number is called.
    pub owner: Option<Box<str>>,
    pub number: Option<Number>,
    pub method: Method,
    pub rule: Option<Arc<str>>,
}

#[derive(Clone, Debug)]
pub enum Stage {
    /// The person is asked; the phone rings.
    Asked,
    /// The person took the call.
    Answered,
    /// The message with the code is out.
    Sent,
    /// It ended.
    Settled { ending: Ending, succeeds: bool, request_id: Box<str> },
    /// The code came in time, or ran out.
    Closed { passed: bool },
}

/// A message that went out, or would have.
#[derive(Clone, Debug)]
pub struct Message {
    pub kind: MessageKind,
    /// The operation that sent it.
    pub operation: &'static str,
    /// The user of the call.
    pub username: Box<str>,
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

/// A change that was made to a user or to the company.
#[derive(Clone, Debug, PartialEq)]
pub struct Changed {
    pub operation: &'static str,
    /// As it was stored before.
    pub username: Box<str>,
    /// Who made it, as the caller says.
    pub by: Box<str>,
    /// The reason that the caller gave, or the new name.
    pub detail: Box<str>,
}

/// Something that people should know: a scenario that was read again, or not, a connection or a sign-in that failed.
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

/// The newest of what happened.
#[derive(Clone, Debug)]
pub struct History {
    trails: [Trail; Kind::ALL.len()],
    last: u64,
}

/// The newest of one kind.
#[derive(Clone, Debug)]
struct Trail {
    kept: VecDeque<Arc<Event>>,
    bytes: usize,
    bounds: Bounds,
    forgotten: u64,
    /// The number of the newest that was forgotten.
    forgotten_up_to: u64,
}

/// What is kept of each kind but calls.
const OTHERS: Bounds = Bounds { bytes: 4 << 20, entries: 10_000 };

impl Default for Bounds {
    fn default() -> Self {
        Self { bytes: 16 << 20, entries: 10_000 }
    }
}

impl History {
    pub(super) fn new(calls: Bounds) -> Self {
        let trail = |bounds| Trail { kept: VecDeque::new(), bytes: 0, bounds, forgotten: 0, forgotten_up_to: 0 };
        Self { trails: Kind::ALL.map(|it| trail(if it == Kind::Call { calls } else { OTHERS })), last: 0 }
    }

    /// A history that keeps as much, in which nothing happened yet.
    pub(super) fn anew(&self) -> Self {
        Self::new(self.trails[Kind::Call as usize].bounds)
    }

    /// Goes on with the numbers of a history that ends: those who follow it miss nothing and hear nothing twice.
    pub fn continue_from(&mut self, ended: &Self) {
        self.last = ended.last;
        for (trail, ended) in self.trails.iter_mut().zip(&ended.trails) {
            trail.forgotten_up_to = ended.kept.back().map_or(ended.forgotten_up_to, |it| it.seq);
        }
    }

    /// Keeps what happened and tells its number.
    pub fn note(&mut self, at: Timestamp, what: What) -> u64 {
        self.last += 1;
        let trail = &mut self.trails[what.kind() as usize];
        trail.push(Arc::new(Event { seq: self.last, at, what }));
        self.last
    }

    /// The number of the newest event; 0 before the first.
    #[must_use]
    pub const fn last(&self) -> u64 {
        self.last
    }

    /// What is kept of a kind, the oldest first.
    pub fn of(&self, kind: Kind) -> impl DoubleEndedIterator<Item = &Arc<Event>> + ExactSizeIterator {
        self.trails[kind as usize].kept.iter()
    }

    /// What is kept of some kinds with a number above `seq`, in the order of the numbers.
    #[must_use]
    pub fn after(&self, seq: u64, kinds: &[Kind]) -> Vec<Arc<Event>> {
        let mut events: Vec<_> = kinds.iter().flat_map(|it| self.trails[*it as usize].after(seq)).cloned().collect();
        if kinds.len() > 1 {
            events.sort_unstable_by_key(|it| it.seq);
        }
        events
    }

    /// The event of a number, if it is kept.
    #[must_use]
    pub fn get(&self, seq: u64) -> Option<&Arc<Event>> {
        self.trails.iter().find_map(|it| it.after(seq.checked_sub(1)?).next().filter(|it| it.seq == seq))
    }

    /// How many of a kind there were, those that are forgotten included.
    #[must_use]
    pub fn count(&self, kind: Kind) -> u64 {
        let trail = &self.trails[kind as usize];
        trail.forgotten + trail.kept.len() as u64
    }

    /// How many of a kind made room for newer ones.
    #[must_use]
    pub const fn forgotten(&self, kind: Kind) -> u64 {
        self.trails[kind as usize].forgotten
    }

    /// Whether something of some kinds with a number above `seq` is forgotten already.
    #[must_use]
    pub fn has_forgotten_after(&self, seq: u64, kinds: &[Kind]) -> bool {
        kinds.iter().any(|it| self.trails[*it as usize].forgotten_up_to > seq)
    }
}

impl Trail {
    fn push(&mut self, event: Arc<Event>) {
        self.bytes += event.size();
        self.kept.push_back(event);
        while self.bytes > self.bounds.bytes || self.kept.len() > self.bounds.entries {
            let Some(oldest) = self.kept.pop_front() else { break };
            self.bytes -= oldest.size();
            self.forgotten += 1;
            self.forgotten_up_to = oldest.seq;
        }
    }

    fn after(&self, seq: u64) -> impl Iterator<Item = &Arc<Event>> {
        self.kept.range(self.kept.partition_point(|it| it.seq <= seq)..)
    }
}

impl Kind {
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
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Call(_) => Kind::Call,
            Self::Turn(_) => Kind::Turn,
            Self::Message(_) => Kind::Message,
            Self::Changed(_) => Kind::Changed,
            Self::Notice(_) => Kind::Notice,
        }
    }
}

impl Event {
    /// What it takes in memory, about.
    fn size(&self) -> usize {
        let text = match &self.what {
            What::Call(it) => {
                it.agent.len()
                    + it.username.len()
                    + it.outcome.len()
                    + it.number.as_ref().map_or(0, |it| it.len())
                    + it.request.0.len()
                    + it.answer.0.len()
            }
            What::Turn(it) => it.username.len() + it.owner.as_ref().map_or(0, |it| it.len()),
            What::Message(it) => {
                [&it.username, &it.to, &it.from, &it.cc, &it.subject].iter().map(|it| it.len()).sum::<usize>()
                    + it.text.reveal().len()
            }
            What::Changed(it) => it.username.len() + it.by.len() + it.detail.len(),
            What::Notice(it) => it.text.len(),
        };
        size_of::<Self>() + text
    }
}

impl Raw {
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The text with all secrets in it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(n: u32) -> What {
        What::Notice(Notice { topic: "test", text: format!("{n:04}").into() })
    }

    fn entry(n: u32) -> What {
        What::Call(Entry {
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
            request: Raw::default(),
            answer: Raw::default(),
        })
    }

    #[test]
    fn old_calls_make_room_and_still_count() {
        let size = Event { seq: 1, at: Timestamp::default(), what: entry(0) }.size();
        for bounds in [Bounds { bytes: 10 * size, entries: 1000 }, Bounds { bytes: 1 << 20, entries: 10 }] {
            let mut history = History::new(bounds);
            history.note(Timestamp::default(), notice(0));
            for n in 0..25 {
                history.note(Timestamp::default(), entry(n));
            }
            assert_eq!((history.count(Kind::Call), history.forgotten(Kind::Call)), (25, 15));
            let What::Call(oldest) = &history.of(Kind::Call).next().unwrap().what else { panic!("a call") };
            assert_eq!(&*oldest.username, "user0015");
            // A kind pushes out nothing of another.
            assert_eq!(history.of(Kind::Notice).len(), 1);
            assert!(history.has_forgotten_after(15, &[Kind::Call]));
            assert!(!history.has_forgotten_after(16, &[Kind::Call]));
        }
    }

    #[test]
    fn what_happened_after_a_number_comes_in_order() {
        let mut history = History::new(Bounds::default());
        for n in 0..6 {
            history.note(Timestamp::default(), if n % 2 == 0 { entry(n) } else { notice(n) });
        }
        let after = |seq, kinds: &[Kind]| history.after(seq, kinds).iter().map(|it| it.seq).collect::<Vec<_>>();
        assert_eq!(after(2, &Kind::ALL), [3, 4, 5, 6]);
        assert_eq!(after(2, &[Kind::Notice]), [4, 6]);
        assert_eq!(after(6, &Kind::ALL), Vec::<u64>::new());
        assert_eq!(history.get(4).unwrap().seq, 4);
        assert!(history.get(7).is_none());
        assert!(history.get(0).is_none());
    }
}
