//! The namespace declarations that hold where a reader stands.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

use super::span::Span;

/// The namespaces that no document declares.
pub(super) const XML: &str = "http://www.w3.org/XML/1998/namespace";
pub(super) const XMLNS: &str = "http://www.w3.org/2000/xmlns/";

/// From this many declarations on, prefixes are hashed.
const MANY: usize = 16;

/// The declarations in scope, the innermost last.
#[derive(Debug, Default)]
pub(super) struct Scopes {
    declarations: Vec<Declaration>,
    /// One more than the index of the declaration that gives the default namespace; 0 for none.
    default: u32,
    /// The newest declaration of each prefix, once there are [`MANY`].
    newest: Option<HashTable<u32>>,
    /// Namespaces that stand in the text with references or line ends in them.
    written_out: String,
    hasher: RandomState,
}

#[derive(Clone, Debug)]
struct Declaration {
    prefix: Span,
    namespace: Place,
    /// How many elements are open where it was made, its own included.
    depth: u32,
    /// One more than the index of the declaration of the same prefix that it hides; 0 for none.
    hides: u32,
    /// The hash of the namespace, once it is needed.
    hash: Cell<u32>,
}

/// Where a namespace stands.
#[derive(Clone, Copy, Debug)]
enum Place {
    Text(Span),
    WrittenOut(Span),
}

/// What a prefix stands for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Bound {
    /// The empty namespace: no prefix, and no default namespace.
    Nothing,
    Xml,
    Xmlns,
    /// A declaration, by its index.
    Declared(u32),
}

impl Scopes {
    /// Declares a prefix, or the default namespace by an empty one. `value` is the namespace as it stands in the text,
    /// `decoded` what it means where that differs.
    pub(super) fn declare(&mut self, text: &str, prefix: Span, value: Span, decoded: Option<&str>, depth: u32) {
        let namespace = match decoded {
            None => Place::Text(value),
            Some(decoded) => {
                let start = self.written_out.len();
                self.written_out.push_str(decoded);
                Place::WrittenOut(Span::new(start, self.written_out.len()))
            }
        };
        let hidden = self.find(text, prefix.bytes(text));
        if let Some(hidden) = hidden.map(|it| &mut self.declarations[it as usize]).filter(|it| it.depth == depth) {
            // Twice in one tag: an error of its own, told after those of the namespaces.
            hidden.namespace = namespace;
            hidden.hash.set(0);
            return;
        }
        if self.declarations.len() == self.declarations.capacity() {
            // Half as many again, not twice as many: a request's memory has a bound.
            self.declarations.reserve_exact(8.max(self.declarations.len() / 2));
        }
        let hides = hidden.map_or(0, |it| it + 1);
        self.declarations.push(Declaration { prefix, namespace, depth, hides, hash: Cell::new(0) });
        let index = self.declarations.len() as u32 - 1;
        if prefix.start == prefix.end {
            self.default = index + 1;
        } else if self.newest.is_some() {
            self.point_at(text, index);
        } else if self.declarations.len() > MANY {
            self.newest = Some(HashTable::new());
            (0..=index).for_each(|it| self.point_at(text, it));
        }
    }

    /// Makes a declaration the newest of its prefix.
    fn point_at(&mut self, text: &str, index: u32) {
        let Some(newest) = &mut self.newest else { return };
        let prefix_of = |it: u32| self.declarations[it as usize].prefix.bytes(text);
        let prefix = prefix_of(index);
        let hash = self.hasher.hash_one(prefix);
        match newest.find_mut(hash, |it| prefix_of(*it) == prefix) {
            Some(place) => *place = index,
            None => drop(newest.insert_unique(hash, index, |it| self.hasher.hash_one(prefix_of(*it)))),
        }
    }

    /// Forgets what was declared deeper than `depth`.
    #[inline]
    pub(super) fn leave(&mut self, text: &str, depth: u32) {
        if self.declarations.last().is_some_and(|it| it.depth > depth) {
            self.forget(text, depth);
        }
    }

    fn forget(&mut self, text: &str, depth: u32) {
        while let Some(last) = self.declarations.last().filter(|it| it.depth > depth) {
            if last.prefix.start == last.prefix.end {
                self.default = last.hides;
            } else if let Some(newest) = &mut self.newest {
                let prefix = last.prefix.bytes(text);
                let has_prefix = |it: &u32| self.declarations[*it as usize].prefix.bytes(text) == prefix;
                if let Ok(mut entry) = newest.find_entry(self.hasher.hash_one(prefix), has_prefix) {
                    match last.hides {
                        0 => drop(entry.remove()),
                        hidden => *entry.get_mut() = hidden - 1,
                    }
                }
            }
            if let Place::WrittenOut(span) = last.namespace {
                self.written_out.truncate(span.start as usize);
            }
            self.declarations.pop();
        }
    }

    /// What a prefix stands for; `None` for one that is not declared.
    #[inline]
    pub(super) fn bound(&self, text: &str, prefix: &[u8]) -> Option<Bound> {
        match prefix.is_empty() {
            true => Some(self.default.checked_sub(1).map_or(Bound::Nothing, Bound::Declared)),
            false => self.bound_prefix(text, prefix),
        }
    }

    fn bound_prefix(&self, text: &str, prefix: &[u8]) -> Option<Bound> {
        match (self.find(text, prefix), prefix) {
            (Some(index), _) => Some(Bound::Declared(index)),
            (None, b"xml") => Some(Bound::Xml),
            (None, b"xmlns") => Some(Bound::Xmlns),
            (None, _) => None,
        }
    }

    fn find(&self, text: &str, prefix: &[u8]) -> Option<u32> {
        if prefix.is_empty() {
            return self.default.checked_sub(1);
        }
        let is_it = |it: &Declaration| it.prefix.bytes(text) == prefix;
        match &self.newest {
            None => self.declarations.iter().rposition(is_it).map(|it| it as u32),
            Some(newest) => {
                newest.find(self.hasher.hash_one(prefix), |it| is_it(&self.declarations[*it as usize])).copied()
            }
        }
    }

    pub(super) fn namespace<'a>(&'a self, text: &'a str, bound: Bound) -> &'a str {
        match bound {
            Bound::Nothing => "",
            Bound::Xml => XML,
            Bound::Xmlns => XMLNS,
            Bound::Declared(index) => match self.declarations[index as usize].namespace {
                Place::Text(span) => span.of(text),
                Place::WrittenOut(span) => span.of(&self.written_out),
            },
        }
    }

    /// A hash of a namespace. That of a declaration is made once, however often it is asked for.
    pub(super) fn hash(&self, text: &str, bound: Bound) -> u32 {
        let hash = || self.hasher.hash_one(self.namespace(text, bound)) as u32 | 1;
        let Bound::Declared(index) = bound else { return hash() };
        let known = &self.declarations[index as usize].hash;
        if known.get() == 0 {
            known.set(hash());
        }
        known.get()
    }

    /// Whether two prefixes stand for one namespace. A long one is compared once, not at each use.
    pub(super) fn are_same(&self, text: &str, one: Bound, other: Bound) -> bool {
        const LONG: usize = 64;
        let (first, second) = (self.namespace(text, one), self.namespace(text, other));
        one == other
            || first.len() == second.len()
                && (first.len() < LONG || self.hash(text, one) == self.hash(text, other))
                && first == second
    }

    /// A hash of a text, under the key of this reader.
    pub(super) fn hash_of(&self, parts: (&[u8], u32)) -> u64 {
        self.hasher.hash_one(parts)
    }
}
