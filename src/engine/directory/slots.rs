//! Finding a user by a name or number: tables of slots that keep no copy of what they find by.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeSet, HashMap};
use std::hash::BuildHasher;

use hashbrown::HashTable;

use crate::engine::User;
use crate::engine::directory::user::{Slot, Stored};

/// What a user is found by.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) enum Key {
    /// The name, in lower case.
    Name,
    /// The part of the name before `@`, in lower case, where there is one.
    Account,
    /// Country code and number, digits only, where there is one.
    Number,
}

/// Slots by one kind of key.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Lookup {
    key: Key,
    /// One slot for each key.
    slots: HashTable<Slot>,
    /// The others that share a key, of which there are few, or very many.
    others: HashMap<String, BTreeSet<Slot>>,
    state: RandomState,
}

impl Key {
    fn of(self, user: &User, country_code: &str) -> Option<String> {
        match self {
            Self::Name => Some(user.username.to_lowercase()),
            Self::Account => Some(user.username.split_once('@')?.0.to_lowercase()),
            Self::Number => Some(user.number(country_code)?.digits().into()),
        }
    }
}

impl Lookup {
    pub(in crate::engine) fn new(key: Key) -> Self {
        Self { key, slots: HashTable::new(), others: HashMap::new(), state: RandomState::new() }
    }

    pub(in crate::engine) fn reserve(&mut self, users: usize) {
        self.slots.reserve(users, |_| unreachable!("it is empty"));
    }

    /// The user with a key; of several, the one who had it first.
    pub(in crate::engine) fn find(&self, key: &str, stored: &Stored) -> Option<Slot> {
        let has = |slot: &Slot| self.of(stored, *slot).as_deref() == Some(key);
        self.slots.find(self.state.hash_one(key), has).copied()
    }

    /// Lets a user be found in a slot.
    pub(in crate::engine) fn add(&mut self, slot: Slot, user: &User, stored: &Stored) {
        let Some(key) = self.key.of(user, &stored.country_code) else { return };
        match self.find(&key, stored) {
            Some(_) => drop(self.others.entry(key).or_default().insert(slot)),
            None => self.insert(slot, &key, stored),
        }
    }

    /// Lets a user no longer be found in a slot.
    pub(in crate::engine) fn remove(&mut self, slot: Slot, user: &User, stored: &Stored) {
        let Some(key) = self.key.of(user, &stored.country_code) else { return };
        let others = self.others.get_mut(&key);
        let next = match self.slots.find_entry(self.state.hash_one(&key), |it| *it == slot) {
            Ok(entry) => {
                entry.remove();
                others.and_then(BTreeSet::pop_first)
            }
            Err(_) => {
                others.map(|it| it.remove(&slot));
                None
            }
        };
        if self.others.get(&key).is_some_and(BTreeSet::is_empty) {
            self.others.remove(&key);
        }
        if let Some(next) = next {
            self.insert(next, &key, stored);
        }
    }

    fn insert(&mut self, slot: Slot, key: &str, stored: &Stored) {
        let Self { key: kind, slots, state, .. } = self;
        let of = |slot: &Slot| stored.at(*slot).and_then(|it| kind.of(it, &stored.country_code));
        let hash = |slot: &Slot| state.hash_one(of(slot).unwrap_or_default());
        slots.insert_unique(state.hash_one(key), slot, hash);
    }

    fn of(&self, stored: &Stored, slot: Slot) -> Option<String> {
        self.key.of(stored.at(slot)?, &stored.country_code)
    }
}
