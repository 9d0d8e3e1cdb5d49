//! A name with `*` in it.

use std::fmt;

use memchr::memmem;

/// A text in which `*` stands for anything.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Pattern {
    /// Lower case where letter case makes no difference.
    text: String,
    minds_case: bool,
}

impl Pattern {
    /// A pattern to which letter case makes no difference.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self { text: text.to_lowercase(), minds_case: false }
    }

    /// A pattern that minds letter case.
    #[must_use]
    pub fn exact(text: &str) -> Self {
        Self { text: text.into(), minds_case: true }
    }

    pub(in crate::engine) const fn minds_case(&self) -> bool {
        self.minds_case
    }

    /// The same pattern where letter case makes no difference.
    pub(in crate::engine) fn folded(&self) -> Self {
        Self::new(&self.text)
    }

    /// As it is written; in lower case where letter case makes no difference.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it matches a text that is in lower case already.
    pub(in crate::engine) fn matches_lower(&self, text: &[u8]) -> bool {
        matches(&self.text, text, true)
    }

    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        // Only what is not ASCII needs a copy in lower case.
        match self.minds_case || text.is_ascii() {
            true => matches(&self.text, text.as_bytes(), self.minds_case),
            false => matches(&self.text, text.to_lowercase().as_bytes(), true),
        }
    }
}

fn matches(pattern: &str, text: &[u8], minds_case: bool) -> bool {
    let same = |a: &[u8], b: &[u8]| if minds_case { a == b } else { a.eq_ignore_ascii_case(b) };
    let mut parts = pattern.split('*').map(str::as_bytes);
    let first = parts.next().unwrap_or_default();
    let Some(last) = parts.next_back() else { return same(first, text) };
    let Some((_, rest)) = text.split_at_checked(first.len()).filter(|it| same(it.0, first)) else { return false };
    let Some(middle) = rest.len().checked_sub(last.len()) else { return false };
    let (mut rest, end) = rest.split_at(middle);
    if !same(end, last) {
        return false;
    }
    let mut parts = parts.filter(|it| !it.is_empty()).peekable();
    if parts.peek().is_none() {
        return true;
    }
    let lower = (!minds_case && rest.iter().any(u8::is_ascii_uppercase)).then(|| rest.to_ascii_lowercase());
    if let Some(lower) = &lower {
        rest = lower;
    }
    // Each part is looked for from where the one before it ends: the time is linear in the text and the pattern.
    parts.all(|part| {
        let found = memmem::find(rest, part);
        found.inspect(|at| rest = &rest[at + part.len()..]).is_some()
    })
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        let matches = |pattern, text| Pattern::new(pattern).matches(text);
        assert!(matches("PfAuth*", "PfAuthUser_5"));
        assert!(matches("*", ""));
        assert!(matches("**", "a"));
        assert!(matches("a*b*c", "aXbYc"));
        assert!(matches("*nn*", "ANNA"));
        assert!(matches("ANNA", "anna"));
        assert!(matches("*Ab*ab*", "xABaB"));
        assert!(!matches("*ab*ab*", "xAba"));
        assert!(!matches("ab*ba", "aba"));
        assert!(!matches("a*", "ba"));
        assert!(!matches("anna", "annabel"));
    }

    /// A quadratic search takes 10^11 steps here.
    #[test]
    fn a_long_pattern_of_repetitions_is_compared_in_linear_time() {
        let text = "a".repeat(1 << 20);
        let pattern = format!("*{}b*", "a".repeat(100 << 10));
        assert!(!Pattern::new(&pattern).matches(&text));
        assert!(Pattern::new(&pattern.replace('b', "*A")).matches(&text));
    }

    #[test]
    fn letter_case_counts_where_it_is_minded_and_in_every_alphabet() {
        assert!(Pattern::new("ÅSA*").matches("åsa berg"));
        assert!(!Pattern::exact("a*").matches("Anna"));
        assert!(Pattern::exact("A*a").matches("Anna"));
    }
}
