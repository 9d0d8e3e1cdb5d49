//! The calls that were answered: the newest in full, bounded in bytes; of all, the counts.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::Timestamp;

/// One call.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub at: Timestamp,
    /// From the last byte of the request to the answer.
    pub took: Duration,
    pub caller: Arc<str>,
    /// The operation's wire name; empty where the request named none.
    pub operation: &'static str,
    pub username: String,
    /// How it ended, in short: `true`, `false 12 busy`, `fault …`.
    pub outcome: String,
}

/// The journal of a space.
#[derive(Debug)]
pub struct Journal {
    entries: VecDeque<Entry>,
    bytes: usize,
    limit: usize,
    forgotten: u64,
}

impl Entry {
    /// What the entry takes in memory.
    fn size(&self) -> usize {
        size_of::<Self>() + self.caller.len() + self.username.len() + self.outcome.len()
    }
}

impl Journal {
    /// A journal that keeps up to `limit` bytes.
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Self { entries: VecDeque::new(), bytes: 0, limit, forgotten: 0 }
    }

    pub fn push(&mut self, entry: Entry) {
        self.bytes += entry.size();
        self.entries.push_back(entry);
        while self.bytes > self.limit {
            let Some(oldest) = self.entries.pop_front() else { break };
            self.bytes -= oldest.size();
            self.forgotten += 1;
        }
    }

    /// How many calls there were, those that are forgotten included.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.forgotten + self.entries.len() as u64
    }

    /// The entries that are kept, the oldest first.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.entries.iter()
    }

    /// How many entries made room for newer ones.
    #[must_use]
    pub const fn forgotten(&self) -> u64 {
        self.forgotten
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_entries_make_room_and_still_count() {
        let entry = |n: u32| Entry {
            at: Timestamp::default(),
            took: Duration::ZERO,
            caller: "".into(),
            operation: "UserExists",
            username: format!("user{n:04}"),
            outcome: "true".into(),
        };
        let mut journal = Journal::new(10 * entry(0).size());
        (0..25).for_each(|n| journal.push(entry(n)));
        assert_eq!((journal.calls(), journal.forgotten()), (25, 15));
        assert_eq!(journal.entries().next().unwrap().username, "user0015");
    }
}
