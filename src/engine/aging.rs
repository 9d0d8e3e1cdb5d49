//! A map whose oldest entries make room for new ones.

use std::borrow::Borrow;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

/// A map that knows the age of its entries. It grows until [`Self::evict`] is called.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Aging<K, V> {
    /// With the age of each: a number that ascends.
    entries: HashMap<K, (u64, V)>,
    /// The entries that may be evicted, the oldest first.
    ages: BTreeMap<u64, K>,
    last_age: u64,
}

impl<K, V> Default for Aging<K, V> {
    fn default() -> Self {
        Self { entries: HashMap::new(), ages: BTreeMap::new(), last_age: 0 }
    }
}

impl<K: Clone + Eq + Hash, V> Aging<K, V> {
    pub(in crate::engine) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(in crate::engine) fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.entries.get(key).map(|it| &it.1)
    }

    pub(in crate::engine) fn get_mut<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        self.entries.get_mut(key).map(|it| &mut it.1)
    }

    /// The value of a key, put in if it is missing.
    pub(in crate::engine) fn or_default(&mut self, key: K) -> &mut V
    where
        V: Default,
    {
        let Self { entries, ages, last_age } = self;
        let entry = entries.entry(key).or_insert_with_key(|key| {
            *last_age += 1;
            ages.insert(*last_age, key.clone());
            (*last_age, V::default())
        });
        &mut entry.1
    }

    pub(in crate::engine) fn remove<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let (age, value) = self.entries.remove(key)?;
        self.ages.remove(&age);
        Some(value)
    }

    pub(in crate::engine) fn retain(&mut self, mut keeps: impl FnMut(&K, &mut V) -> bool) {
        let Self { entries, ages, .. } = self;
        entries.retain(|key, (age, value)| {
            let is_kept = keeps(key, value);
            if !is_kept {
                ages.remove(age);
            }
            is_kept
        });
    }

    /// Takes out the entries whose keys fit.
    pub(in crate::engine) fn take(&mut self, fits: impl Fn(&K) -> bool) -> Vec<(K, V)> {
        let keys: Vec<K> = self.entries.keys().filter(|it| fits(it)).cloned().collect();
        keys.into_iter().filter_map(|it| Some((it.clone(), self.remove(&it)?))).collect()
    }

    pub(in crate::engine) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.entries.iter().map(|(key, it)| (key, &it.1))
    }

    pub(in crate::engine) fn iter_mut(&mut self) -> impl Iterator<Item = (&K, &mut V)> {
        self.entries.iter_mut().map(|(key, it)| (key, &mut it.1))
    }

    /// Evicts the oldest entries above a bound. Those that must stay stay for ever, and do not count. Returns what is
    /// evicted.
    pub(in crate::engine) fn evict(&mut self, bound: usize, must_stay: impl Fn(&K, &V) -> bool) -> Vec<V> {
        let mut evicted = Vec::new();
        while self.ages.len() > bound {
            let Some((_, key)) = self.ages.pop_first() else { break };
            if !must_stay(&key, &self.entries[&key].1) {
                evicted.extend(self.entries.remove(&key).map(|it| it.1));
            }
        }
        evicted
    }
}
