//! Counts of the calls that the journal has evicted, by operation, user and result.

use std::collections::HashMap;

use super::CallEntry;

/// How many calls are evicted of each kind of call.
#[derive(Clone, Debug, Default)]
pub struct Tally(HashMap<EvictedCalls, u64>);

/// What is known of evicted calls that are counted together. `None`: they differ in it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct EvictedCalls {
    pub operation: &'static str,
    pub username: Option<Box<str>>,
    pub outcome: Option<Box<str>>,
    pub result: Option<EvictedResult>,
}

/// What evicted calls ended with.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct EvictedResult {
    pub status: u16,
    pub call_result: Option<i32>,
    pub error: Option<i32>,
}

/// How many counts there are by user and outcome. Further calls are counted by operation and result.
const BY_USER: usize = 4096;

/// How many counts there are with a result. Further calls are counted by operation.
const BY_RESULT: usize = 2 * BY_USER;

/// The longest outcome that is kept, in bytes.
const OUTCOME: usize = 256;

impl Tally {
    pub(super) fn add(&mut self, call: &CallEntry) {
        let end = call.end.as_ref();
        let mut key = EvictedCalls {
            operation: call.request.operation,
            username: Some(call.request.username.clone()),
            outcome: end.map(|it| it.outcome.clone()).filter(|it| it.len() <= OUTCOME),
            result: end.map(|it| EvictedResult { status: it.status, call_result: it.call_result, error: it.error }),
        };
        let counts = &mut self.0;
        if counts.len() >= BY_USER && !counts.contains_key(&key) {
            (key.username, key.outcome) = (None, None);
        }
        if counts.len() >= BY_RESULT && !counts.contains_key(&key) {
            key.result = None;
        }
        *counts.entry(key).or_default() += 1;
    }

    pub fn iter(&self) -> impl Iterator<Item = (&EvictedCalls, u64)> {
        self.0.iter().map(|(key, count)| (key, *count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::journal::tests::call;

    #[test]
    fn many_users_and_results_share_counts_and_no_call_is_lost() {
        let mut tally = Tally::default();
        let calls = 3 * BY_RESULT as i32;
        for n in 0..calls {
            let mut call = call(n as u32);
            call.end.as_mut().unwrap().call_result = Some(n);
            tally.add(&call);
        }
        assert!(tally.iter().count() <= BY_RESULT + 1);
        assert_eq!(tally.iter().map(|it| it.1).sum::<u64>(), calls as u64);
        assert!(tally.iter().any(|it| it.0.username.as_deref() == Some("user0007")));
        let shared = tally.iter().max_by_key(|it| it.1).unwrap().0;
        assert_eq!((shared.operation, &shared.username, &shared.result), ("UserExists", &None, &None));
    }
}
