//! Where users are stored, and lookups by name or number: hash tables of slots that hold no copy of the keys.

use std::collections::{BTreeSet, HashMap};
use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::user::User;
use crate::engine::number::Number;
use crate::text::is_lower_case_of;

/// The place of a user in [`StoredUsers`]. It stays the same until the user is removed.
pub(super) type Slot = u32;

/// The users in their slots. Copies share each user until one of them changes it.
#[derive(Clone, Debug)]
pub(super) struct StoredUsers {
    slots: Vec<Option<Stored>>,
    country_code: String,
}

/// A user, with what is looked up at each call.
#[derive(Clone, Debug)]
struct Stored {
    user: Arc<User>,
    /// The user's number, where it can be read. It is read when the user is put into the slot.
    number: Option<Arc<Number>>,
}

/// The key of a lookup.
#[derive(Clone, Copy, Debug)]
pub(super) enum LookupKey {
    /// The name, in lower case.
    Name,
    /// The part of the name before `@`, in lower case, where there is one.
    Account,
    /// Country code and number, digits only, where there is one.
    Number,
}

/// Slots by one kind of key.
#[derive(Clone, Debug)]
pub(super) struct Lookup {
    key: LookupKey,
    /// One slot for each key: that of the user who had the key first.
    slots: HashTable<Slot>,
    /// The other slots of a shared key. Few keys are shared; one may be shared by very many users.
    others: HashMap<String, BTreeSet<Slot>>,
    state: DefaultHashBuilder,
}

impl StoredUsers {
    pub(super) fn with_capacity(users: usize, country_code: &str) -> Self {
        Self { slots: Vec::with_capacity(users), country_code: country_code.into() }
    }

    /// The country code of numbers that are written without one.
    pub(super) fn country_code(&self) -> &str {
        &self.country_code
    }

    /// The users by their slots.
    pub(super) fn in_slots(&self) -> impl Iterator<Item = Option<&Arc<User>>> {
        self.slots.iter().map(|it| Some(&it.as_ref()?.user))
    }

    pub(super) fn get(&self, slot: Slot) -> Option<&User> {
        Some(&*self.slots[slot as usize].as_ref()?.user)
    }

    pub(super) fn get_shared(&self, slot: Slot) -> Option<&Arc<User>> {
        Some(&self.slots[slot as usize].as_ref()?.user)
    }

    /// The number of a user.
    pub(super) fn number(&self, slot: Slot) -> Option<&Arc<Number>> {
        self.slots[slot as usize].as_ref()?.number.as_ref()
    }

    /// A user to be changed, the name and the number aside. A user that copies share is copied now.
    pub(super) fn get_mut(&mut self, slot: Slot) -> Option<&mut User> {
        self.slots[slot as usize].as_mut().map(|it| Arc::make_mut(&mut it.user))
    }

    /// The users that match, in the order of their slots, to be changed. The others stay shared.
    pub(super) fn matching_mut(&mut self, matches: impl Fn(&User) -> bool) -> impl Iterator<Item = &mut User> {
        let users = self.slots.iter_mut().flatten().map(|it| &mut it.user);
        users.filter(move |it| matches(it)).map(Arc::make_mut)
    }

    /// A user's name in lower case.
    pub(super) fn name(&self, slot: Slot) -> String {
        self.get(slot).map(|it| it.username.to_lowercase()).unwrap_or_default()
    }

    /// A new empty slot.
    pub(super) fn add_slot(&mut self) -> Slot {
        self.slots.push(None);
        Slot::try_from(self.slots.len() - 1).expect("memory ends before four billion users")
    }

    pub(super) fn put(&mut self, slot: Slot, user: Arc<User>) {
        let number = user.number(&self.country_code).map(Into::into);
        self.slots[slot as usize] = Some(Stored { user, number });
    }

    pub(super) fn take(&mut self, slot: Slot) -> Arc<User> {
        self.slots[slot as usize].take().expect("a lookup leads to a user").user
    }
}

impl LookupKey {
    fn of(self, user: &User, country_code: &str) -> Option<String> {
        match self {
            Self::Name => Some(user.username.to_lowercase()),
            Self::Account => Some(user.username.split_once('@')?.0.to_lowercase()),
            Self::Number => Some(user.number(country_code)?.digits().into()),
        }
    }
}

impl Lookup {
    pub(super) fn new(key: LookupKey) -> Self {
        Self { key, slots: HashTable::new(), others: HashMap::new(), state: DefaultHashBuilder::default() }
    }

    pub(super) fn reserve(&mut self, users: usize) {
        self.slots.reserve(users, |_| unreachable!("the table is empty"));
    }

    /// The slot of a key; of several, the first.
    pub(super) fn find(&self, key: &str, stored: &StoredUsers) -> Option<Slot> {
        self.slots.find(self.state.hash_one(key), |slot| self.has(stored, *slot, key)).copied()
    }

    /// The slots of a key, beginning with that of [`Self::find`].
    pub(super) fn find_all<'a>(&'a self, key: &str, stored: &StoredUsers) -> impl Iterator<Item = Slot> + use<'a> {
        let first = self.find(key, stored);
        let others = first.and_then(|_| self.others.get(key)).into_iter().flatten().copied();
        first.into_iter().chain(others)
    }

    /// Adds the slot of a user, who is not in it yet.
    pub(super) fn add(&mut self, slot: Slot, user: &User, stored: &StoredUsers) {
        let Some(key) = self.key.of(user, &stored.country_code) else { return };
        match self.find(&key, stored) {
            Some(_) => drop(self.others.entry(key).or_default().insert(slot)),
            None => self.insert(slot, &key, stored),
        }
    }

    /// Removes the slot of a user, who is not in it any more.
    pub(super) fn remove(&mut self, slot: Slot, user: &User, stored: &StoredUsers) {
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

    fn insert(&mut self, slot: Slot, key: &str, stored: &StoredUsers) {
        let Self { key: kind, slots, state, .. } = self;
        let of = |slot: &Slot| stored.get(*slot).and_then(|it| kind.of(it, &stored.country_code));
        let hash = |slot: &Slot| state.hash_one(of(slot).unwrap_or_default());
        slots.insert_unique(state.hash_one(key), slot, hash);
    }

    /// Whether a slot has a key.
    fn has(&self, stored: &StoredUsers, slot: Slot, key: &str) -> bool {
        let name = || stored.get(slot).map(|it| it.username.as_str());
        match self.key {
            LookupKey::Name => name().is_some_and(|it| is_lower_case_of(key, it)),
            LookupKey::Account => {
                let account = name().and_then(|it| it.split_once('@'));
                account.is_some_and(|(account, _)| is_lower_case_of(key, account))
            }
            LookupKey::Number => stored.number(slot).is_some_and(|it| it.digits() == key),
        }
    }
}
