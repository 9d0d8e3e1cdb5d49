//! The texts that users are searched by, each a column in one piece of memory: a search touches no user that does not
//! match.

use memchr::memmem::Finder;

use super::pattern::Pattern;
use super::user::User;

/// A text that users are searched by.
#[derive(Clone, Copy, Debug)]
pub(super) enum IndexedText {
    Username,
    FirstName,
    LastName,
    Email,
    UserGroup,
    Phone,
    /// The country code and the number.
    WholePhone,
}

const TEXTS: [IndexedText; 7] = [
    IndexedText::Username,
    IndexedText::FirstName,
    IndexedText::LastName,
    IndexedText::Email,
    IndexedText::UserGroup,
    IndexedText::Phone,
    IndexedText::WholePhone,
];

/// The columns by slots, as the users were when the index was built.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    columns: [Column; TEXTS.len()],
}

/// Texts in lower case, with a zero byte before each and behind the last.
#[derive(Clone, Debug, Default)]
struct Column {
    text: Vec<u8>,
    /// Where each begins.
    starts: Vec<u32>,
}

/// A set of slots.
#[derive(Clone, Debug, Default)]
pub(super) struct SlotSet(Vec<u64>);

impl Index {
    pub(super) fn new<'a>(users: impl Iterator<Item = Option<&'a User>>) -> Self {
        let mut index = Self::default();
        for user in users {
            for (column, text) in index.columns.iter_mut().zip(TEXTS) {
                column.push(user.map(|it| text.of(it)).unwrap_or_default());
            }
        }
        for column in &mut index.columns {
            column.text.push(0);
            column.text.shrink_to_fit();
            column.starts.shrink_to_fit();
        }
        index
    }

    /// How many slots it has. Newer ones are not in it.
    pub(super) const fn slots(&self) -> usize {
        self.columns[0].starts.len()
    }

    /// The length of all texts, in bytes.
    pub(super) fn size(&self) -> usize {
        self.columns.iter().map(|it| it.text.len()).sum()
    }

    /// Keeps the slots where one of some texts matches a pattern, letter case aside.
    pub(super) fn narrow(&self, slots: &mut SlotSet, texts: &[IndexedText], pattern: &Pattern) {
        let pattern = pattern.folded();
        let columns = || texts.iter().map(|it| &self.columns[*it as usize]);
        if slots.len() * FEW < self.slots() {
            return slots.keep(|slot| columns().any(|it| it.matches(slot, &pattern)));
        }
        let mut found = SlotSet::default();
        columns().for_each(|it| found.or(it.matching(&pattern)));
        slots.and(&found);
    }
}

/// With fewer candidates than one slot in so many, each candidate is tested; else the whole column is searched.
const FEW: usize = 8;

/// The length in bytes of the longest text that each match of a pattern contains: the longer, the fewer users match.
pub(super) fn selectivity(pattern: &Pattern) -> usize {
    needle(pattern.text()).len()
}

impl IndexedText {
    /// The parts of the text.
    fn of(self, user: &User) -> [&str; 2] {
        let it = &user.settings;
        let text = match self {
            Self::Username => return ["", &user.username],
            Self::FirstName => &it.first_name,
            Self::LastName => &it.last_name,
            Self::Email => &it.email_address,
            Self::UserGroup => &it.user_group,
            Self::Phone => &it.phone,
            Self::WholePhone => return user.whole_phone(),
        };
        ["", text.as_deref().unwrap_or_default()]
    }
}

impl Column {
    fn push(&mut self, parts: [&str; 2]) {
        self.text.push(0);
        self.starts.push(u32::try_from(self.text.len()).expect("users have less than four gigabytes of text"));
        for part in parts {
            // A zero stands only between texts.
            match part.is_ascii() {
                true => self.text.extend(part.bytes().map(|it| it.to_ascii_lowercase().max(1))),
                false => self.text.extend(part.to_lowercase().bytes().map(|it| it.max(1))),
            }
        }
    }

    fn row(&self, at: usize) -> &[u8] {
        let end = self.starts.get(at + 1).map_or(self.text.len(), |it| *it as usize) - 1;
        &self.text[self.starts[at] as usize..end]
    }

    /// Whether a slot's text matches. A slot that is newer than the index counts as a match.
    fn matches(&self, slot: usize, pattern: &Pattern) -> bool {
        slot >= self.starts.len() || pattern.matches_lower(self.row(slot))
    }

    /// The slots whose text matches a pattern in lower case.
    fn matching(&self, pattern: &Pattern) -> SlotSet {
        let needle = needle(pattern.text());
        if needle.is_empty() {
            return SlotSet::all(self.starts.len());
        }
        let mut found = SlotSet(vec![0; self.starts.len().div_ceil(64)]);
        let finder = Finder::new(&needle);
        let (mut from, mut row) = (0, 0);
        while let Some(hit) = finder.find(&self.text[from..]) {
            // Where the needle begins with the zero before a text, its first letter is in the row.
            let hit = from + hit + usize::from(needle[0] == 0);
            row = self.row_of(hit, row);
            if pattern.matches_lower(self.row(row)) {
                found.0[row / 64] |= 1 << (row % 64);
            }
            row += 1;
            let Some(next) = self.starts.get(row) else { break };
            from = *next as usize - 1;
        }
        found
    }
}

impl Column {
    /// The row that holds a byte, at or behind the row `from` and nearly always near it.
    fn row_of(&self, byte: usize, from: usize) -> usize {
        let begins_before = |it: &u32| *it as usize <= byte;
        let mut step = 1;
        while self.starts.get(from + step).is_some_and(begins_before) {
            step *= 2;
        }
        let (near, far) = (from + step / 2, (from + step).min(self.starts.len()));
        near + self.starts[near..far].partition_point(begins_before) - 1
    }
}

/// The longest text that each match of a pattern contains, with a zero where a match begins or ends with it.
fn needle(pattern: &str) -> Vec<u8> {
    let parts: Vec<&str> = pattern.split('*').collect();
    let anchored = |(at, part): (usize, &&str)| {
        let mut needle = Vec::with_capacity(part.len() + 2);
        if at == 0 && !part.is_empty() {
            needle.push(0);
        }
        needle.extend(part.as_bytes());
        if at + 1 == parts.len() && !part.is_empty() {
            needle.push(0);
        }
        needle
    };
    parts.iter().enumerate().map(anchored).max_by_key(Vec::len).unwrap_or_default()
}

impl SlotSet {
    pub(super) fn all(slots: usize) -> Self {
        Self(vec![u64::MAX; slots.div_ceil(64)])
    }

    fn len(&self) -> usize {
        self.0.iter().map(|it| it.count_ones() as usize).sum()
    }

    fn and(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(it, other)| *it &= other);
    }

    fn or(&mut self, other: Self) {
        match self.0.is_empty() {
            true => *self = other,
            false => self.0.iter_mut().zip(other.0).for_each(|(it, other)| *it |= other),
        }
    }

    fn keep(&mut self, fits: impl Fn(usize) -> bool) {
        for (at, word) in self.0.iter_mut().enumerate() {
            let mut left = *word;
            while left != 0 {
                let bit = left.trailing_zeros() as usize;
                left &= left - 1;
                if !fits(at * 64 + bit) {
                    *word &= !(1 << bit);
                }
            }
        }
    }

    /// Whether a slot is in the set. A slot that is newer than the set counts as in it.
    pub(super) fn has(&self, slot: u32) -> bool {
        self.0.get(slot as usize / 64).is_none_or(|it| it >> (slot % 64) & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_finds_what_matches() {
        let mut column = Column::default();
        ["anna hill", "", "hanna", "ann", "anna"].into_iter().for_each(|it| column.push(["", it]));
        column.text.push(0);
        let found = |pattern| -> Vec<u32> {
            let found = column.matching(&Pattern::new(pattern));
            (0..5).filter(|it| found.has(*it)).collect()
        };
        assert_eq!(found("anna"), [4]);
        assert_eq!(found("ANN*"), [0, 3, 4]);
        assert_eq!(found("*nna"), [2, 4]);
        assert_eq!(found("*a*h*l*"), [0]);
        assert_eq!(found("**"), [0, 1, 2, 3, 4]);
        assert_eq!(found("x*"), [0; 0]);
    }
}
