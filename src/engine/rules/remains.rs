//! What calls have left in rules and people that a scenario cannot say.

use crate::engine::{Engine, Timestamp};
use crate::text::counted;

/// How many people are named.
const NAMED: usize = 10;

impl Engine {
    /// What rules and people remember of calls and no scenario can say, each in words.
    #[must_use]
    pub fn remains(&self, now: Timestamp) -> Vec<String> {
        let mut remains = Vec::new();
        for it in self.rules(now) {
            let name = &it.rule.name;
            if let Some(left) = it.left {
                remains.push(format!("the rule {name:?} decides {}", counted(left, "more call")));
            }
            if let Some(until) = it.until {
                remains.push(format!("the rule {name:?} ends at {}", until.for_people()));
            }
            if let Some(draws) = it.draws.filter(|it| *it > 0) {
                remains.push(format!("the rule {name:?} has drawn {draws} times"));
            } else if it.calls > 0 && it.rule.answers.draws_delays() {
                remains.push(format!("the rule {name:?} has drawn {} delays", it.calls));
            }
            if it.calls > 0 && it.rule.answers.turns.len() > 1 {
                remains.push(format!("the rule {name:?} has given {} of its answers", it.calls));
            }
        }
        let people = self.rules.people().remains(now);
        let others = people.len().saturating_sub(NAMED);
        remains.extend(people.into_iter().take(NAMED));
        if others > 0 {
            remains.push(format!("states and counters of {}", counted(others, "other user")));
        }
        remains
    }
}
