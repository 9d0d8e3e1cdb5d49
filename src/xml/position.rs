//! Places in a text, as .NET reports them.

use std::fmt;

/// A place in a text: line and column from 1, the column in UTF-16 units.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Position {
    pub line: u32,
    pub column: u32,
}

impl Position {
    /// The place of a byte offset. `\n`, `\r\n` and a lone `\r` each end a line, as in .NET.
    #[must_use]
    pub fn of(text: &str, offset: usize) -> Self {
        let before = &text[..text.floor_char_boundary(offset)];
        let mut line = 1;
        let mut start = 0;
        let bytes = before.as_bytes();
        for at in memchr::memchr2_iter(b'\n', b'\r', bytes) {
            if bytes[at] == b'\n' || text.as_bytes().get(at + 1) != Some(&b'\n') {
                line += 1;
                start = at + 1;
            }
        }
        let column = before[start..].chars().map(|c| c.len_utf16() as u32).sum::<u32>() + 1;
        Self { line, column }
    }

    /// The byte offset of the place in a text: the other way round.
    #[must_use]
    pub fn offset(self, text: &str) -> usize {
        let ends = memchr::memchr2_iter(b'\n', b'\r', text.as_bytes())
            .filter(|at| text.as_bytes()[*at] == b'\n' || text.as_bytes().get(at + 1) != Some(&b'\n'));
        let start = std::iter::once(0).chain(ends.map(|it| it + 1)).nth(self.line as usize - 1).unwrap_or(text.len());
        let mut column = 1;
        for (at, c) in text[start..].char_indices() {
            if column >= self.column {
                return start + at;
            }
            column += c.len_utf16() as u32;
        }
        text.len()
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({}, {})", self.line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_utf16_units_and_every_line_end() {
        let at = |text: &str, offset| Position::of(text, offset).to_string();
        assert_eq!(at("abc", 0), "(1, 1)");
        assert_eq!(at("a😀b", 5), "(1, 4)");
        assert_eq!(at("a\r\nb\rc\nd", 7), "(4, 1)");
        let text = "a😀\r\nbé\rc\n\nd";
        for (offset, _) in text.char_indices().filter(|it| text.as_bytes()[it.0] != b'\n') {
            assert_eq!(Position::of(text, offset).offset(text), offset);
        }
    }
}
