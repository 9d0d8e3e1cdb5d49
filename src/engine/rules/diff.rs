//! The rules of two scenarios compared.

use std::collections::HashMap;

use crate::engine::Rule;
use crate::engine::differences::Difference;
use crate::engine::rules::book::Rules;

impl Rules {
    /// The rules that differ from those of another scenario, by name.
    pub(in crate::engine) fn differences(&self, other: &Self) -> Difference {
        let name = |it: &Rule| it.name.to_string();
        let old: HashMap<&str, &Rule> = self.iter().map(|it| (&*it.name, it)).collect();
        let new: HashMap<&str, &Rule> = other.iter().map(|it| (&*it.name, it)).collect();
        Difference {
            added: other.iter().filter(|it| !old.contains_key(&*it.name)).map(name).collect(),
            removed: self.iter().filter(|it| !new.contains_key(&*it.name)).map(name).collect(),
            changed: other.iter().filter(|it| old.get(&*it.name).is_some_and(|old| old != it)).map(name).collect(),
        }
    }

    /// Whether the rules that both have stand in another order.
    pub(in crate::engine) fn is_reordered(&self, other: &Self) -> bool {
        let places: HashMap<&str, usize> = self.iter().enumerate().map(|(at, it)| (&*it.name, at)).collect();
        !other.iter().filter_map(|it| places.get(&*it.name)).is_sorted()
    }
}
