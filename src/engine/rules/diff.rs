//! The rules of two scenarios compared.

use std::collections::HashMap;

use crate::engine::Rule;
use crate::engine::differences::Difference;
use crate::engine::rules::Rules;

impl Rules {
    /// The rules that differ from those of another scenario, by name.
    pub(in crate::engine) fn differences(&self, other: &Self) -> Difference {
        let name = |it: &Rule| it.name.to_string();
        let old: HashMap<&str, &Rule> = self.book.iter().map(|it| (&*it.name, it)).collect();
        let new: HashMap<&str, &Rule> = other.book.iter().map(|it| (&*it.name, it)).collect();
        Difference {
            added: other.book.iter().filter(|it| !old.contains_key(&*it.name)).map(name).collect(),
            removed: self.book.iter().filter(|it| !new.contains_key(&*it.name)).map(name).collect(),
            changed: other.book.iter().filter(|it| old.get(&*it.name).is_some_and(|old| old != it)).map(name).collect(),
        }
    }

    /// The other keys of the scenario under which something of the rules differs.
    pub(in crate::engine) fn different_settings(&self, other: &Self) -> impl Iterator<Item = &'static str> {
        let settings = [
            ("states", self.people.states() != other.people.states()),
            ("magic_numbers", self.magic_numbers != other.magic_numbers),
            ("order of rules", self.is_reordered(other)),
        ];
        settings.into_iter().filter(|it| it.1).map(|it| it.0)
    }

    /// Whether the rules that both have stand in another order.
    fn is_reordered(&self, other: &Self) -> bool {
        let places: HashMap<&str, usize> = self.book.iter().enumerate().map(|(at, it)| (&*it.name, at)).collect();
        !other.book.iter().filter_map(|it| places.get(&*it.name)).is_sorted()
    }
}
