//! A pull reader that accepts, refuses and counts as .NET's `XmlTextReader` does where it serves ASP.NET: normalising,
//! without document types, entities of the document left unexpanded.
//!
//! The checks stand in its order, so the first error from front to back is the one that is told. A place is a byte offset
//! until an error needs its line and column. Evidence: Microsoft's published reference source, and recorded answers
//! (`tests/golden`).

mod errors;
mod places;
mod tags;
mod text;

use std::borrow::Cow;
use std::fmt;

use super::encoding::{Input, Source};
use super::position::Position;
use super::scope::{Bound, Scopes};
use super::span::{Span, offset};
use text::Reference;

/// A text that is not XML, in the words of .NET.
#[derive(Clone, Debug, PartialEq)]
pub struct Malformed {
    pub reason: String,
    /// Some reasons come without a place.
    pub position: Option<Position>,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some(Position { line, column }) => write!(f, "{} Line {line}, position {column}.", self.reason),
            None => f.write_str(&self.reason),
        }
    }
}

impl std::error::Error for Malformed {}

type Result<T = ()> = std::result::Result<T, Box<Malformed>>;

/// What a reader stands at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Node {
    /// Nothing is read yet.
    Start,
    /// `<?xml …?>`
    Declaration,
    /// A start tag, or an empty element.
    Element,
    /// An end tag.
    End,
    Text,
    /// Text that is white space alone, without a decimal reference.
    White,
    CData,
    Comment,
    Instruction,
    /// A reference to an entity that is none of XML's five.
    Entity,
    /// The end of the document.
    Done,
}

/// An attribute, in the 16 bytes that a request's bound on memory leaves for it.
#[derive(Clone, Copy, Debug)]
struct Attribute {
    name: Span,
    /// The colon in its name; its end where there is none.
    colon: u32,
    /// Where its value begins, behind the quote.
    value: u32,
}

impl Attribute {
    fn prefix(self) -> Span {
        let has_none = self.colon == self.name.end;
        Span { end: if has_none { self.name.start } else { self.colon }, ..self.name }
    }

    fn local(self) -> Span {
        let has_none = self.colon == self.name.end;
        Span { start: if has_none { self.name.start } else { self.colon + 1 }, ..self.name }
    }
}

/// Reads one document.
#[derive(Debug)]
pub struct Reader<'i> {
    text: &'i str,
    source: Source,
    /// Where reading goes on.
    at: usize,
    node: Node,
    /// Where the node stands, as .NET reports it: for tags and references the name, for text its first character, else
    /// what follows the opening mark.
    place: usize,
    /// The name of a tag, a reference or an instruction; the content of text and the like.
    content: Span,
    /// Whether the content stands in the text as it is: no reference, no line end to normalise.
    is_literal: bool,
    /// For an element.
    colon: Option<u32>,
    bound: Bound,
    is_empty: bool,
    attributes: Vec<Attribute>,
    /// The names of the elements that are open.
    open: Vec<Span>,
    scopes: Scopes,
    root_was_read: bool,
}

/// Lets a list grow by half, not to twice its size: the memory that a request takes while it is read has a bound.
fn push<T>(list: &mut Vec<T>, item: T) {
    if list.len() == list.capacity() {
        list.reserve_exact(8.max(list.len() / 2));
    }
    list.push(item);
}

/// Lets the loops of the reader look past the end: .NET's buffers end with a zero.
fn byte(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or(0)
}

impl<'i> Reader<'i> {
    #[must_use]
    pub fn new(text: &'i str) -> Self {
        Self::over(text, Source::Characters)
    }

    /// Reads what bytes were decoded to.
    #[must_use]
    pub fn of(input: &'i Input<'_>) -> Self {
        Self::over(input.text(), input.source())
    }

    fn over(text: &'i str, source: Source) -> Self {
        assert!(u32::try_from(text.len()).is_ok(), "a text is below 4 GiB");
        Self {
            text,
            source,
            at: 0,
            node: Node::Start,
            place: 0,
            content: Span::new(0, 0),
            is_literal: true,
            colon: None,
            bound: Bound::Nothing,
            is_empty: false,
            attributes: Vec::with_capacity(8),
            open: Vec::with_capacity(8),
            scopes: Scopes::default(),
            root_was_read: false,
        }
    }

    #[must_use]
    pub const fn node(&self) -> Node {
        self.node
    }

    /// How many elements are open around the node.
    #[must_use]
    pub const fn depth(&self) -> usize {
        self.open.len()
    }

    /// Whether the node is an element that is empty by its tag: `<a/>`.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.is_empty
    }

    /// The names of the elements that are open, the outermost first.
    pub fn open_elements(&self) -> impl ExactSizeIterator<Item = &'i str> {
        self.open.iter().map(|it| it.of(self.text))
    }

    /// The line and column of the node.
    #[must_use]
    pub fn position(&self) -> Position {
        Position::of(self.text, self.place)
    }

    /// The byte in the text at which the node stands: for tags that of the name.
    #[must_use]
    pub const fn place(&self) -> usize {
        self.place
    }

    /// The name without its prefix; of anything but tags, references and instructions the empty one.
    #[must_use]
    pub fn local_name(&self) -> &'i str {
        match self.node {
            Node::Element => self.colon.map_or(self.content, |it| Span { start: it + 1, ..self.content }).of(self.text),
            Node::End => local(self.content.of(self.text)),
            Node::Entity | Node::Instruction => self.content.of(self.text),
            _ => "",
        }
    }

    /// The namespace of an element; the empty one elsewhere.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.scopes.namespace(self.text, self.bound)
    }

    /// Whether the node is an element of that name.
    #[must_use]
    pub fn is_element(&self, namespace: &str, name: &str) -> bool {
        self.node == Node::Element && self.local_name() == name && self.namespace() == namespace
    }

    /// The text of the node.
    #[must_use]
    pub fn value(&self) -> Cow<'i, str> {
        let content = self.content.of(self.text);
        match self.node {
            Node::Text | Node::White | Node::CData if self.is_literal => content.into(),
            Node::Text | Node::White => self.decoded(content, White::Lines).into(),
            Node::CData => content.replace("\r\n", "\n").replace('\r', "\n").into(),
            _ => "".into(),
        }
    }

    /// An attribute of the element, by its namespace.
    #[must_use]
    pub fn attribute(&self, namespace: &str, name: &str) -> Option<Cow<'i, str>> {
        let is_it = |it: &&Attribute| {
            it.local().bytes(self.text) == name.as_bytes()
                && self.scopes.namespace(self.text, self.bound_of(**it)) == namespace
        };
        self.attributes.iter().find(is_it).map(|it| self.meant(self.raw_value(*it)))
    }

    /// What a prefix stands for in the place of the node, the default namespace by an empty one.
    #[must_use]
    pub fn lookup(&self, prefix: &str) -> Option<&str> {
        self.scopes.bound(self.text, prefix.as_bytes()).map(|it| self.scopes.namespace(self.text, it))
    }

    /// Fails where a value of the element's attributes refers to an entity: there is no document type to declare it.
    ///
    /// # Errors
    /// [`Malformed`]
    pub fn expand_attributes(&self) -> Result {
        for raw in self.attributes.iter().map(|it| self.raw_value(*it)) {
            let start = raw.as_ptr() as usize - self.text.as_ptr() as usize;
            for at in memchr::memchr_iter(b'&', raw.as_bytes()).map(|it| start + it) {
                if let Reference::Entity = self.reference(at)? {
                    return self.undeclared(at + 1);
                }
            }
        }
        Ok(())
    }

    /// Fails for the entity at which the reader stands.
    ///
    /// # Errors
    /// [`Malformed`], always.
    pub fn expand(&self) -> Result {
        self.undeclared(self.place)
    }

    fn undeclared<T>(&self, at: usize) -> Result<T> {
        let (end, _) = self.name(at, false)?;
        self.fail(at, format!("Reference to undeclared entity '{}'.", &self.text[at..end]))
    }

    /// The value of an attribute as it stands.
    fn raw_value(&self, attribute: Attribute) -> &'i str {
        let value = attribute.value as usize;
        let quote = self.text.as_bytes()[value - 1];
        let end = memchr::memchr(quote, &self.text.as_bytes()[value..]).expect("the value was read to its end");
        &self.text[value..value + end]
    }

    /// The value of an attribute, normalised and with references resolved.
    fn meant(&self, raw: &'i str) -> Cow<'i, str> {
        match raw.bytes().any(|it| matches!(it, b'&' | b'\t' | b'\n' | b'\r')) {
            true => self.decoded(raw, White::Blanks).into(),
            false => raw.into(),
        }
    }

    /// What the prefix of an attribute stands for. It is declared.
    fn bound_of(&self, attribute: Attribute) -> Bound {
        match attribute.prefix().bytes(self.text) {
            b"" if attribute.name.bytes(self.text) == b"xmlns" => Bound::Xmlns,
            b"" => Bound::Nothing,
            prefix => self.scopes.bound(self.text, prefix).unwrap_or(Bound::Nothing),
        }
    }

    /// Resolves references and normalises line ends. The content was checked when it was read.
    fn decoded(&self, raw: &'i str, white: White) -> String {
        let start = raw.as_ptr() as usize - self.text.as_ptr() as usize;
        let bytes = raw.as_bytes();
        let mut out = String::with_capacity(raw.len());
        let mut at = 0;
        while at < raw.len() {
            let end = bytes[at..].iter().position(|it| matches!(it, b'&' | b'\t' | b'\n' | b'\r'));
            let end = end.map_or(raw.len(), |it| at + it);
            out.push_str(&raw[at..end]);
            at = end + 1;
            match byte(bytes, end) {
                b'&' => match self.reference(start + end) {
                    Ok(Reference::Character { character, end, .. }) => {
                        out.push(character);
                        at = end - start;
                    }
                    _ => out.push('&'),
                },
                b'\r' => {
                    at += usize::from(byte(bytes, at) == b'\n');
                    out.push(white.instead_of('\n'));
                }
                b'\t' | b'\n' => out.push(white.instead_of(bytes[end] as char)),
                _ => (),
            }
        }
        out
    }
}

/// What becomes of white space.
#[derive(Clone, Copy)]
enum White {
    /// It stays, with line ends as `\n`: in text.
    Lines,
    /// Each becomes a blank: in attributes.
    Blanks,
}

impl White {
    const fn instead_of(self, c: char) -> char {
        match self {
            Self::Lines => c,
            Self::Blanks => ' ',
        }
    }
}

fn local(name: &str) -> &str {
    name.split_once(':').map_or(name, |(_, local)| local)
}

/// Moving on.
impl<'i> Reader<'i> {
    /// Reads the next node. Past the last it stays at [`Node::Done`].
    ///
    /// # Errors
    /// [`Malformed`]; reading on after it tells nothing.
    pub fn read(&mut self) -> Result<Node> {
        if self.node == Node::Start && self.declaration()? {
            return Ok(self.node);
        }
        match self.node {
            Node::Element => {
                self.attributes.clear();
                match self.is_empty {
                    true => self.scopes.leave(self.text, self.depth() as u32),
                    false => push(&mut self.open, self.content),
                }
                self.is_empty = false;
                self.bound = Bound::Nothing;
            }
            Node::End => self.scopes.leave(self.text, self.depth() as u32),
            _ => (),
        }
        match self.open.is_empty() {
            true => self.around_root()?,
            false => self.in_element()?,
        }
        Ok(self.node)
    }

    /// Goes to the next node that is an element, an end tag, text, CDATA or a reference, from the node on.
    ///
    /// # Errors
    /// [`Malformed`]
    pub fn move_to_content(&mut self) -> Result<Node> {
        while !matches!(self.node, Node::Element | Node::End | Node::Text | Node::CData | Node::Entity | Node::Done) {
            self.read()?;
        }
        Ok(self.node)
    }

    /// Goes past the node, and past all that an element holds.
    ///
    /// # Errors
    /// [`Malformed`]
    pub fn skip(&mut self) -> Result<Node> {
        if self.node == Node::Element && !self.is_empty {
            let depth = self.depth();
            while self.read()? != Node::End || self.depth() > depth {}
        }
        self.read()
    }

    /// Goes past the end tag.
    ///
    /// # Errors
    /// [`Malformed`] where there is none.
    pub fn read_end(&mut self) -> Result {
        match self.move_to_content()? {
            Node::End => self.read().map(drop),
            _ => self.fail(self.place, format!("'{}' is an invalid XmlNodeType.", self.kind())),
        }
    }

    /// The text of an element that holds nothing else, as `ReadElementString` has it. The reader stands at the element,
    /// and then at the node that follows it.
    ///
    /// A child in place of the text is entered, and the reader then stands behind the *child*: .NET does so.
    ///
    /// # Errors
    /// [`Malformed`]
    pub fn element_text(&mut self) -> Result<Cow<'i, str>> {
        if self.is_empty {
            self.read()?;
            return Ok("".into());
        }
        self.read()?;
        let text = self.textual()?;
        if self.node != Node::End {
            return self.fail(
                self.place,
                format!(
                    "Unexpected node type {}. ReadElementString method can only be called on elements with simple or empty content.",
                    self.kind()
                ),
            );
        }
        self.read()?;
        Ok(text)
    }

    fn textual(&mut self) -> Result<Cow<'i, str>> {
        if self.node == Node::Element && (self.is_empty || self.read()? == Node::End) {
            return Ok("".into());
        }
        let mut text = Cow::Borrowed("");
        while matches!(self.node, Node::Text | Node::White | Node::CData) {
            match text.is_empty() {
                true => text = self.value(),
                false => text.to_mut().push_str(&self.value()),
            }
            self.read()?;
        }
        Ok(text)
    }

    /// The node by .NET's name for its kind.
    const fn kind(&self) -> &'static str {
        match self.node {
            Node::Start | Node::Done => "None",
            Node::Declaration => "XmlDeclaration",
            Node::Element => "Element",
            Node::End => "EndElement",
            Node::Text => "Text",
            Node::White => "Whitespace",
            Node::CData => "CDATA",
            Node::Comment => "Comment",
            Node::Instruction => "ProcessingInstruction",
            Node::Entity => "EntityReference",
        }
    }

    /// Stands at a node.
    fn stand(&mut self, node: Node, place: usize, content: Span, at: usize) {
        self.node = node;
        self.place = place;
        self.content = content;
        self.at = at;
    }
}

/// Whether U+FFFE or U+FFFF stands at a place.
fn is_forbidden(bytes: &[u8], at: usize) -> bool {
    bytes[at..].starts_with(b"\xef\xbf\xbe") || bytes[at..].starts_with(b"\xef\xbf\xbf")
}
