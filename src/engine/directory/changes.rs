//! Two directories compared, and a directory that takes over the changes of a scenario.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::sync::Arc;

use super::Directory;
use super::user::User;
use crate::engine::Timestamp;
use crate::engine::differences::Difference;

/// Up to so many changed users are replaced one by one; for more a new directory is built.
const FEW: usize = 1000;

impl Directory {
    /// The users that differ from those of another directory. Both must be as a scenario sets them up.
    pub(in crate::engine) fn differences(&self, other: &Self) -> Difference {
        let mut difference = Difference::default();
        let (mut before, mut after) = (self.iter().peekable(), other.iter().peekable());
        loop {
            let order = match (before.peek(), after.peek()) {
                (None, None) => return difference,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(a), Some(b)) => a.username.to_lowercase().cmp(&b.username.to_lowercase()),
            };
            let old = before.next_if(|_| order != Ordering::Greater);
            let new = after.next_if(|_| order != Ordering::Less);
            match (old, new) {
                (Some(old), Some(new)) if old.is_written_as(new) => (),
                (Some(_), Some(new)) => difference.changed.push(new.username.clone()),
                (Some(old), None) => difference.removed.push(old.username.clone()),
                (None, Some(new)) => difference.added.push(new.username.clone()),
                (None, None) => unreachable!("one of them is there"),
            }
        }
    }

    /// Takes the users that differ between two scenarios from `to`, the directory of the later one. All others stay
    /// as calls have left them.
    pub(in crate::engine) fn reload(&mut self, to: &Self, differences: &Difference, now: Timestamp) {
        let Difference { added, removed, changed } = differences;
        let new = added.iter().chain(changed).filter_map(|it| to.find_exactly(it)).map(|it| {
            let mut user = User::clone(it);
            user.pin_changed = Timestamp::default();
            user.block.iter_mut().for_each(|it| it.since = Timestamp::default());
            user.begin(now);
            Arc::new(user)
        });
        let replaced = removed.iter().chain(changed).chain(added);
        self.devices.skip_ids_of(&to.devices);
        if self.country_code() == to.country_code() && added.len() + removed.len() + changed.len() <= FEW {
            replaced.for_each(|it| drop(self.remove(it)));
            for user in new {
                self.add(user);
            }
            return;
        }
        let replaced: HashSet<String> = replaced.map(|it| it.to_lowercase()).collect();
        let kept = self.shared().filter(|it| !replaced.contains(&it.username.to_lowercase()));
        let users: Vec<Arc<User>> = kept.cloned().chain(new).collect();
        *self = Self::of_shared(users, to.country_code(), std::mem::take(&mut self.devices));
    }
}
