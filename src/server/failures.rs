//! The newest failed connections and failed sign-ins.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use crate::engine::{Notice, What};
use crate::switchboard::Space;
use crate::trouble::Trouble;

/// One failed connection or sign-in.
#[derive(Clone, Debug)]
pub struct Failure {
    pub at: SystemTime,
    pub peer: SocketAddr,
    /// A kind of [`Trouble::TABLE`].
    pub kind: &'static str,
    pub what: String,
    /// What to do about it.
    pub hint: String,
}

/// The newest failures, and how many there were of each kind.
#[derive(Debug, Default)]
pub struct Failures {
    kept: Mutex<Kept>,
    /// The space whose journal they are noted in, too: a connection fails before it names a space.
    space: OnceLock<Space>,
}

#[derive(Debug, Default)]
struct Kept {
    lately: VecDeque<Failure>,
    counts: BTreeMap<&'static str, u64>,
}

/// How many failures are kept in full.
const LATELY: usize = 256;

impl Failures {
    pub(super) fn keep(&self, peer: SocketAddr, trouble: &Trouble) {
        let (kind, what, hint) = (trouble.kind(), trouble.to_string(), trouble.remedy());
        #[expect(clippy::disallowed_methods, reason = "connections run on the world's time, not on a space's")]
        let at = SystemTime::now();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        *kept.counts.entry(kind).or_default() += 1;
        if kept.lately.len() == LATELY {
            kept.lately.pop_front();
        }
        let text = format!("{peer}: {what}").into();
        kept.lately.push_back(Failure { at, peer, kind, what, hint });
        drop(kept);
        // An incident is told in its own space.
        let is_of_server = !matches!(trouble, Trouble::Incident { .. });
        if let Some(space) = self.space.get().filter(|_| is_of_server) {
            space.update(|engine, at| engine.journal.note(at, What::Notice(Notice { topic: kind, text })));
        }
    }

    /// From now on notes failures in the journal of a space too, where its followers see them.
    pub fn note_in(&self, space: Space) {
        // Once is enough: there is one default space.
        let _ = self.space.set(space);
    }

    /// The newest failures, in the order in which they happened.
    #[must_use]
    pub fn lately(&self) -> Vec<Failure> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).lately.iter().cloned().collect()
    }

    /// How many there were of each kind, including those that are no longer kept.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).counts.clone()
    }

    /// The counts in a line: `1 old-version, 2 wrong-password`. `None`: nothing failed.
    #[must_use]
    pub fn summary(&self) -> Option<String> {
        let counts: Vec<_> = self.counts().iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        (!counts.is_empty()).then(|| counts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_kept_and_all_are_counted() {
        let failures = Failures::default();
        let peer = SocketAddr::from(([127, 0, 0, 1], 9));
        for n in 0..LATELY + 10 {
            let reason = n.to_string();
            failures.keep(
                peer,
                &match n % 2 {
                    0 => Trouble::BadRequest { reason },
                    _ => Trouble::Broken { reason },
                },
            );
        }
        let lately = failures.lately();
        assert_eq!(
            (lately.len(), lately[0].what.as_str(), lately[LATELY - 1].what.as_str()),
            (256, "the request could not be read: 10", "the connection broke: 265")
        );
        assert_eq!(failures.summary().as_deref(), Some("133 bad-request, 133 broken"));
    }
}
