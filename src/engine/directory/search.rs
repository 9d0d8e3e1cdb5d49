//! A search for users in steps, so that who keeps the directory behind a lock holds it briefly: [`Directory::search`]
//! takes the index, [`Search::compare`] needs no directory, [`Directory::found`] fetches the users.

use std::sync::Arc;

use super::index::{Index, SlotSet};
use super::query::Query;
use super::slots::Slot;
use super::user::User;
use super::{Directory, STALE};

/// A search that has begun.
#[derive(Debug)]
pub struct Search {
    query: Query,
    /// That of the directory when the search began.
    index: Arc<Index>,
    /// All users by slots, where too many changed since the index was built.
    outdated: Option<Vec<Option<Arc<User>>>>,
    /// The index that was built of them.
    rebuilt: Option<Arc<Index>>,
    candidates: SlotSet,
}

/// A user that a search finds.
#[derive(Debug)]
pub struct Candidate {
    user: Arc<User>,
    /// Whether the index alone says that the user matches.
    is_decided: bool,
}

impl Directory {
    /// Begins a search.
    #[must_use]
    pub fn search(&self, query: Query) -> Search {
        let is_outdated = self.unindexed.len() > STALE.0 + self.order.len() / STALE.1;
        let outdated = is_outdated.then(|| self.users.in_slots().map(|it| it.cloned()).collect());
        Search { query, index: self.index.clone(), outdated, rebuilt: None, candidates: SlotSet::default() }
    }

    /// The users that the index finds, as they are now, in the order of their names: those behind `after`, a name in lower
    /// case, until `most` of them are sure to match. Changes since the search began count.
    pub fn found(&mut self, search: &Search, after: Option<&str>, most: usize) -> Vec<Candidate> {
        let mut is_current = Arc::ptr_eq(&self.index, &search.index);
        if let Some((users, rebuilt)) = search.outdated.as_ref().zip(search.rebuilt.as_ref()).filter(|_| is_current) {
            self.index = rebuilt.clone();
            let changed = self.users.in_slots().enumerate().filter(|(slot, now)| {
                let before = users.get(*slot).and_then(Option::as_ref);
                before.map(Arc::as_ptr) != now.map(Arc::as_ptr)
            });
            self.unindexed = changed.filter_map(|it| Slot::try_from(it.0).ok()).collect();
        } else if search.outdated.is_some() {
            // Another search has built an index meanwhile.
            is_current = false;
        }
        let is_answered = is_current && search.query.is_answered_by_index();
        let start = after.map_or(0, |after| self.order.partition_point(|it| *self.users.name(*it) <= *after));
        let mut left = most;
        let mut found = Vec::new();
        for slot in &self.order[start..] {
            let is_unindexed = self.unindexed.contains(slot);
            if is_current && !is_unindexed && !search.candidates.has(*slot) {
                continue;
            }
            if left == 0 {
                break;
            }
            let is_decided = is_answered && !is_unindexed;
            left -= usize::from(is_decided);
            found.extend(self.users.get_shared(*slot).map(|it| Candidate { user: it.clone(), is_decided }));
        }
        found
    }
}

impl Search {
    /// How much text there is to compare, in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        // A new index is about as long.
        self.index.size() + self.outdated.as_ref().map_or(0, |it| it.len() * size_of::<User>())
    }

    /// Compares the texts of the index with the patterns.
    pub fn compare(&mut self) {
        if let Some(users) = &self.outdated {
            self.rebuilt = Some(Arc::new(Index::new(users.iter().map(Option::as_deref))));
        }
        let index = self.rebuilt.as_ref().unwrap_or(&self.index);
        self.candidates = self.query.candidates(index);
    }

    /// The first `most` of the users that match.
    #[must_use]
    pub fn matching(&self, found: Vec<Candidate>, most: usize) -> Vec<Arc<User>> {
        let matches = |it: &Candidate| it.is_decided || self.query.matches(&it.user);
        found.into_iter().filter(matches).take(most).map(|it| it.user).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::UserSettings;
    use crate::engine::Pattern;

    fn user(name: &str) -> User {
        User::new(name, UserSettings::default())
    }

    fn begun(directory: &Directory, pattern: &str) -> Search {
        let mut search = directory.search(Query { username: Some(Pattern::new(pattern)), ..Query::default() });
        search.compare();
        search
    }

    /// Ends a search. It finds what a look at each user finds, and a page of it.
    fn end(directory: &mut Directory, search: &Search) -> Vec<String> {
        let names = |users: Vec<Arc<User>>| users.into_iter().map(|it| it.username.clone()).collect::<Vec<_>>();
        let expected: Vec<_> =
            directory.iter().filter(|it| search.query.matches(it)).map(|it| it.username.clone()).collect();
        let found = directory.found(search, None, usize::MAX);
        assert_eq!(names(search.matching(found, usize::MAX)), expected);
        let page = directory.found(search, Some(&expected[1].to_lowercase()), 3);
        assert_eq!(names(search.matching(page, 3)), expected[2..5]);
        expected
    }

    #[test]
    fn a_search_finds_the_users_as_they_are_when_it_ends() {
        let mut directory = Directory::new((0..1000).map(|at| user(&format!("User{at:03}"))).collect(), "1");
        let change = |directory: &mut Directory, round: &str| {
            assert!(directory.rename(&format!("user{round}7"), &format!("zoe{round}")));
            assert!(directory.remove(&format!("user{round}8")).is_some());
            assert!(directory.add(user(&format!("User{round}87"))));
            assert!(directory.rename(&format!("user{round}1"), &format!("User{round}17")));
        };
        let search = begun(&directory, "user*7");
        change(&mut directory, "00");
        let found = end(&mut directory, &search);
        assert!(!found.contains(&"User007".into()) && found[..2] == ["User0017", "User0087"]);

        // So many changes that the index is built again, by two searches at once.
        (0..400).for_each(|at| assert!(directory.rename(&format!("user{}", 500 + at), &format!("User{}x", 500 + at))));
        let searches = ["user*7", "*7*"].map(|it| begun(&directory, it));
        assert!(searches.iter().all(|it| it.rebuilt.is_some()));
        change(&mut directory, "01");
        searches.iter().for_each(|it| drop(end(&mut directory, it)));
        change(&mut directory, "02");
        searches.iter().for_each(|it| drop(end(&mut directory, it)));
        assert!(directory.unindexed.len() < 10, "{}", directory.unindexed.len());
        assert!(begun(&directory, "user*7").rebuilt.is_none());
    }
}
