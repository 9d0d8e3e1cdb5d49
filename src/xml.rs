//! Strict XML, read and written.
//!
//! Reading hands out `roxmltree` nodes, which reject what .NET rejects: control characters, document types,
//! undeclared prefixes, bad names. Writing goes straight into one `String`. Positions are those that .NET
//! reports: lines and columns from 1, columns in UTF-16 units.

use std::fmt;

pub use roxmltree::{Document, Node};

/// How deep elements may nest. A request of the contract needs six levels; a body that goes past this is
/// answered like one that is not XML.
pub const MAX_DEPTH: usize = 64;

/// How many nodes and attributes a document may have: a body of the largest default size, full of `<a/>`.
const MAX_NODES: u32 = 400_000;

/// A text that is not XML, or that nests too deep.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{reason} Line {}, position {}.", position.line, position.column)]
pub struct Malformed {
    pub reason: String,
    pub position: Position,
}

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
        for (at, byte) in bytes.iter().enumerate() {
            let ends = *byte == b'\n' || (*byte == b'\r' && text.as_bytes().get(at + 1) != Some(&b'\n'));
            if ends {
                line += 1;
                start = at + 1;
            }
        }
        let column = before[start..].chars().map(|c| c.len_utf16() as u32).sum::<u32>() + 1;
        Self { line, column }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({}, {})", self.line, self.column)
    }
}

/// Reads a document.
///
/// # Errors
/// [`Malformed`] where .NET's reader would throw, and where elements nest deeper than [`MAX_DEPTH`].
pub fn read(text: &str) -> Result<Document<'_>, Malformed> {
    let options = roxmltree::ParsingOptions { allow_dtd: false, nodes_limit: MAX_NODES, ..Default::default() };
    let document = Document::parse_with_options(text, options).map_err(|error| {
        let position = error.pos();
        Malformed { reason: reason(&error), position: Position { line: position.row, column: position.col } }
    })?;
    // A text with few tags cannot nest deep, and nearly every request has few.
    let may_be_deep = memchr::memchr_iter(b'<', text.as_bytes()).count() > MAX_DEPTH;
    match may_be_deep.then(|| too_deep(&document)).flatten() {
        Some(offset) => Err(Malformed {
            reason: format!("Elements nest deeper than {MAX_DEPTH} levels."),
            position: Position::of(text, offset),
        }),
        None => Ok(document),
    }
}

/// The words of .NET's reader where a tester is likely to meet them, the parser's own elsewhere.
fn reason(error: &roxmltree::Error) -> String {
    match error {
        roxmltree::Error::NoRootNode => "Root element is missing.".into(),
        roxmltree::Error::DtdDetected => {
            "For security reasons DTD is prohibited in this XML document. To enable DTD processing set the DtdProcessing property on XmlReaderSettings to Parse and pass the settings into XmlReader.Create method.".into()
        }
        roxmltree::Error::UnknownToken(_) => "Data at the root level is invalid.".into(),
        roxmltree::Error::UnexpectedCloseTag(expected, actual, _) => {
            format!("The '{expected}' start tag does not match the end tag of '{actual}'.")
        }
        roxmltree::Error::UnknownNamespace(prefix, _) => format!("'{prefix}' is an undeclared prefix."),
        roxmltree::Error::UnknownEntityReference(name, _) => format!("Reference to undeclared entity '{name}'."),
        roxmltree::Error::DuplicatedAttribute(name, _) => format!("'{name}' is a duplicate attribute name."),
        other => {
            let text = other.to_string();
            let text = text.split(" at ").next().unwrap_or_default();
            format!("{}{}.", text[..1].to_uppercase(), &text[1..])
        }
    }
}

/// The offset of the first element past the depth limit. Walks without recursion.
fn too_deep(document: &Document<'_>) -> Option<usize> {
    let mut node = document.root();
    let mut depth = 0;
    loop {
        if let Some(child) = node.first_child() {
            node = child;
            depth += 1;
            if depth > MAX_DEPTH {
                return Some(node.range().start);
            }
            continue;
        }
        loop {
            if let Some(next) = node.next_sibling() {
                node = next;
                break;
            }
            node = node.parent()?;
            depth -= 1;
        }
    }
}

/// The first child element of that name.
#[must_use]
pub fn child<'a, 'input>(node: Node<'a, 'input>, namespace: &str, name: &str) -> Option<Node<'a, 'input>> {
    // The name differs more often than the namespace, and is shorter.
    node.children().find(|it| {
        let tag = it.tag_name();
        tag.name() == name && tag.namespace() == Some(namespace)
    })
}

/// Where .NET's reader stands once it has read an element to its end: at the next node. For a tag that is the
/// column of its name.
#[must_use]
pub fn position_after(node: Node<'_, '_>) -> Position {
    let text = node.document().input_text();
    let offset = match node.next_sibling() {
        Some(next) if next.is_element() => next.range().start + "<".len(),
        Some(next) if next.is_comment() => next.range().start + "<!--".len(),
        Some(next) if next.is_pi() => next.range().start + "<?".len(),
        Some(next) => next.range().start,
        None => node.parent_element().map_or(text.len(), |parent| {
            let range = parent.range();
            let end = text[range.clone()].rfind("</").unwrap_or_default();
            range.start + end + "</".len()
        }),
    };
    Position::of(text, offset)
}

/// Where an element's start tag names itself, as .NET reports it.
#[must_use]
pub fn position_of(node: Node<'_, '_>) -> Position {
    Position::of(node.document().input_text(), node.range().start + "<".len())
}

/// Writes elements into one buffer, on one line.
#[derive(Debug, Default)]
pub struct Writer {
    out: String,
}

impl Writer {
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        Self { out: String::with_capacity(bytes) }
    }

    /// Markup as it stands.
    pub fn raw(&mut self, markup: &str) {
        self.out.push_str(markup);
    }

    pub fn open(&mut self, name: &str) {
        self.out.push('<');
        self.out.push_str(name);
        self.out.push('>');
    }

    pub fn close(&mut self, name: &str) {
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }

    /// `<name />`
    pub fn empty(&mut self, name: &str) {
        self.out.push('<');
        self.out.push_str(name);
        self.out.push_str(" />");
    }

    /// An element with text; an empty text makes an empty element.
    pub fn element(&mut self, name: &str, text: &str) {
        if text.is_empty() {
            return self.empty(name);
        }
        self.open(name);
        self.text(text);
        self.close(name);
    }

    /// Text with `& < >` escaped, and nothing else. Characters that XML cannot carry become `&#x..;`, as .NET
    /// writes them.
    pub fn text(&mut self, text: &str) {
        if !text.bytes().any(may_need_escape) {
            return self.out.push_str(text);
        }
        for c in text.chars() {
            match c {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '\t' | '\n' => self.out.push(c),
                '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => {
                    use fmt::Write;
                    write!(self.out, "&#x{:X};", c as u32).expect("a String does not fail");
                }
                _ => self.out.push(c),
            }
        }
    }

    /// An element with what `content` writes; `<name />` where it writes nothing.
    pub fn nest(&mut self, name: &str, content: impl FnOnce(&mut Self)) {
        let before = self.out.len();
        self.open(name);
        let opened = self.out.len();
        content(self);
        if self.out.len() == opened {
            self.out.truncate(before);
            self.empty(name);
        } else {
            self.close(name);
        }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.out
    }

    #[must_use]
    pub fn finish(self) -> String {
        self.out
    }
}

/// Whether a text with this byte is worth a closer look. 0xEF begins U+FFFE and U+FFFF, among others.
const fn may_need_escape(byte: u8) -> bool {
    byte < b' ' || matches!(byte, b'&' | b'<' | b'>' | 0xef)
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
    }

    #[test]
    fn a_deep_document_is_refused_without_recursion() {
        let text = "<a>".repeat(200_000);
        assert!(read(&text).is_err());
        let closed = format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000));
        let error = read(&closed).unwrap_err();
        assert_eq!(error.to_string(), "Elements nest deeper than 64 levels. Line 1, position 193.");
        let fits = format!("{}{}", "<a>".repeat(MAX_DEPTH), "</a>".repeat(MAX_DEPTH));
        assert!(read(&fits).is_ok());
    }

    #[test]
    fn the_position_after_an_element_is_the_next_nodes() {
        let position = |text: &str| {
            let document = read(text).unwrap();
            let node = document.descendants().find(|it| it.has_tag_name("b")).unwrap();
            position_after(node).to_string()
        };
        assert_eq!(position("<a><b>1</b><c/></a>"), "(1, 13)");
        assert_eq!(position("<a><b>1</b></a>"), "(1, 14)");
        assert_eq!(position("<a><b>1</b>\n</a>"), "(1, 12)");
        assert_eq!(position("<a><b>1</b><!--x--></a>"), "(1, 16)");
    }

    #[test]
    fn only_markup_is_escaped() {
        let mut writer = Writer::default();
        writer.element("a", "<\"'&>\u{1}");
        writer.element("b", "");
        assert_eq!(writer.finish(), "<a>&lt;\"'&amp;&gt;&#x1;</a><b />");
    }
}
