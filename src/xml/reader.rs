//! A pull reader that accepts, refuses and counts as .NET's `XmlTextReader` does where it serves ASP.NET: normalising,
//! without document types, entities of the document left unexpanded.
//!
//! The checks stand in its order, so the first error from front to back is the one that is told. A place is a byte offset
//! until an error needs its line and column. Evidence: Microsoft's published reference source, and recorded answers
//! (`tests/golden`).

use std::borrow::Cow;
use std::fmt;

use super::characters::{LEAD_OF_FFFE, begins_name, continues_name, is_character, is_white, name, plain};
use super::encoding::{self, Input, Source};
use super::position::Position;
use super::scope::{Bound, Scopes, XML, XMLNS};
use super::span::{Span, offset};

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

/// An attribute, in the 12 bytes that a request's bound on memory leaves for it.
#[derive(Clone, Copy, Debug)]
struct Attribute {
    name: Span,
    /// Where its value begins, behind the quote.
    value: u32,
}

/// How many attributes of one tag are compared pair by pair. More are hashed.
const FEW: usize = 16;

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

/// A reference, resolved.
enum Reference {
    Character {
        character: char,
        end: usize,
        is_decimal: bool,
    },
    /// An entity that the document would have to declare.
    Entity,
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
            attributes: Vec::new(),
            open: Vec::new(),
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
        let is_it = |it: &str| local(it) == name && self.scopes.namespace(self.text, self.bound_of(it)) == namespace;
        self.attributes().find(|it| is_it(it.0)).map(|it| self.meant(it.1))
    }

    /// What a prefix stands for in the place of the node, the default namespace by an empty one.
    #[must_use]
    pub fn lookup(&self, prefix: &str) -> Option<&str> {
        self.scopes.bound(self.text, prefix).map(|it| self.scopes.namespace(self.text, it))
    }

    /// Fails where a value of the element's attributes refers to an entity: there is no document type to declare it.
    ///
    /// # Errors
    /// [`Malformed`]
    pub fn expand_attributes(&self) -> Result {
        for (_, raw) in self.attributes() {
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

    /// The attributes: the name as it stands, the value as it stands.
    fn attributes(&self) -> impl Iterator<Item = (&'i str, &'i str)> {
        self.attributes.iter().map(|it| {
            let value = it.value as usize;
            let quote = self.text.as_bytes()[value - 1];
            let end = memchr::memchr(quote, &self.text.as_bytes()[value..]).expect("the value was read to its end");
            (it.name.of(self.text), &self.text[value..value + end])
        })
    }

    /// The value of an attribute, normalised and with references resolved.
    fn meant(&self, raw: &'i str) -> Cow<'i, str> {
        match raw.bytes().any(|it| matches!(it, b'&' | b'\t' | b'\n' | b'\r')) {
            true => self.decoded(raw, White::Blanks).into(),
            false => raw.into(),
        }
    }

    /// What the prefix of an attribute stands for. It is declared.
    fn bound_of(&self, name: &str) -> Bound {
        match name.split_once(':') {
            None if name == "xmlns" => Bound::Xmlns,
            None => Bound::Nothing,
            Some((prefix, _)) => self.scopes.bound(self.text, prefix).unwrap_or(Bound::Nothing),
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
                    false => self.open.push(self.content),
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

/// Errors.
impl Reader<'_> {
    #[cold]
    fn fail<T>(&self, at: usize, reason: impl Into<String>) -> Result<T> {
        Err(Box::new(Malformed { reason: reason.into(), position: Some(Position::of(self.text, at)) }))
    }

    #[cold]
    fn fail_without_place<T>(&self, reason: impl Into<String>) -> Result<T> {
        Err(Box::new(Malformed { reason: reason.into(), position: None }))
    }

    /// Fails since the text ends. Where it ends since the bytes that follow are none of the encoding, that is told.
    #[cold]
    fn end<T>(&self, at: usize, reason: impl Into<String>) -> Result<T> {
        match self.source.breaks_off() {
            true => self.fail(self.text.len(), "Invalid character in the given encoding."),
            false => self.fail(at, reason),
        }
    }

    /// A character with its number, as .NET names it.
    fn character(&self, at: usize) -> (String, String) {
        let c = self.text[at..].chars().next().unwrap_or('\0');
        (if c == '\0' { ".".into() } else { c.into() }, format!("0x{:02X}", u32::from(c)))
    }

    #[cold]
    fn invalid_character<T>(&self, at: usize) -> Result<T> {
        let (character, number) = self.character(at);
        self.fail(at, format!("'{character}', hexadecimal value {number}, is an invalid character."))
    }

    #[cold]
    fn bad_name_start<T>(&self, at: usize) -> Result<T> {
        let (character, number) = self.character(at);
        self.fail(at, format!("Name cannot begin with the '{character}' character, hexadecimal value {number}."))
    }

    #[cold]
    fn bad_name<T>(&self, at: usize) -> Result<T> {
        let (character, number) = self.character(at);
        self.fail(at, format!("The '{character}' character, hexadecimal value {number}, cannot be included in a name."))
    }

    /// The name or character that stands at a place; `None` at the end.
    fn token(&self, at: usize) -> Option<&str> {
        let rest = &self.text[at..];
        let first = rest.chars().next()?;
        let end = match continues_name(first) {
            true => rest.find(|c| !continues_name(c)).unwrap_or(rest.len()),
            false => first.len_utf8(),
        };
        Some(&rest[..end])
    }

    #[cold]
    fn unexpected<T>(&self, at: usize, expected: &str) -> Result<T> {
        match self.token(at) {
            Some(token) => {
                self.fail(at, format!("'{token}' is an unexpected token. The expected token is '{expected}'."))
            }
            None => self.end(at, UNEXPECTED_END),
        }
    }

    #[cold]
    fn neither<T>(&self, at: usize, first: &str, second: &str) -> Result<T> {
        match self.token(at) {
            Some(token) => self
                .fail(at, format!("'{token}' is an unexpected token. The expected token is '{first}' or '{second}'.")),
            None => self.end(at, UNEXPECTED_END),
        }
    }

    #[cold]
    fn unclosed<T>(&self) -> Result<T> {
        let names: Vec<&str> = self.open.iter().rev().map(|it| it.of(self.text)).collect();
        let dot = if names.is_empty() { "" } else { "." };
        let reason = format!("{UNEXPECTED_END} The following elements are not closed: {}{dot}", names.join(", "));
        self.end(self.text.len(), reason)
    }
}

const UNEXPECTED_END: &str = "Unexpected end of file has occurred.";
const INVALID_ROOT_DATA: &str = "Data at the root level is invalid.";
const INVALID_DECLARATION: &str = "Syntax for an XML declaration is invalid.";

/// What stands around the root, and what stands in elements.
impl<'i> Reader<'i> {
    /// The XML declaration, if there is one.
    fn declaration(&mut self) -> Result<bool> {
        let text = self.text;
        let bytes = text.as_bytes();
        // .NET asks for six characters before it looks.
        let is_one = text.starts_with("<?xml")
            && text["<?xml".len()..].chars().next().is_some_and(|it| it != ':' && !continues_name(it));
        if !is_one {
            return Ok(false);
        }
        let start = "<?".len();
        let mut at = "<?xml".len();
        // The attributes that may follow: all, those after `version`, those after `encoding`, none.
        let mut stage = 0;
        loop {
            let blank_from = at;
            at = self.blanks(at);
            if byte(bytes, at) == b'?' {
                if byte(bytes, at + 1) == b'>' {
                    if stage == 0 {
                        return self.fail(at, INVALID_DECLARATION);
                    }
                    self.stand(Node::Declaration, start, Span::new(start, "<?xml".len()), at + 2);
                    return Ok(true);
                }
                if at + 1 == text.len() {
                    return self.end(at, UNEXPECTED_END);
                }
                return self.unexpected(at, "'>'");
            }
            if at == blank_from && stage > 0 {
                return self.unexpected(at, "?>");
            }
            let (end, _) = self.name(at, false)?;
            let attribute = match (&text[at..end], stage) {
                ("version", 0) => 0,
                ("encoding", 1) => 1,
                ("standalone", 1 | 2) => 2,
                _ => return self.fail(at, INVALID_DECLARATION),
            };
            let (value, quote) = self.equals(end)?;
            at = value + plain(&bytes[value..], [b'<', b'&', quote]);
            while byte(bytes, at) >= 0x80 && !is_forbidden(bytes, at) {
                at += text[at..].chars().next().map_or(0, char::len_utf8);
                at += plain(&bytes[at..], [b'<', b'&', quote]);
            }
            let stops = text[value..at].find(['>', '"', '\'']);
            if stops.is_some() || (at < text.len() && bytes[at] != quote) {
                return self.fail(value, INVALID_DECLARATION);
            }
            if at == text.len() {
                return self.end(value, "There is an unclosed literal string.");
            }
            let meant = &text[value..at];
            match attribute {
                0 if meant != "1.0" => return self.fail(value, format!("Version number '{meant}' is invalid.")),
                1 => match encoding::judge(self.source, meant) {
                    Ok(()) => (),
                    Err(encoding::Refused::NoMark) => {
                        return self
                            .fail_without_place("There is no Unicode byte order mark. Cannot switch to Unicode.");
                    }
                    Err(encoding::Refused::Unknown) => {
                        return self.fail(value, format!("System does not support '{meant}' encoding."));
                    }
                },
                2 if !matches!(meant, "yes" | "no") => return self.fail(value - 1, INVALID_DECLARATION),
                _ => (),
            }
            stage = attribute + 1;
            at += 1;
        }
    }

    /// The next node outside the root.
    fn around_root(&mut self) -> Result {
        let text = self.text;
        let bytes = text.as_bytes();
        let at = self.at;
        match byte(bytes, at) {
            b'<' => {
                if self.units_left(at) < 4 {
                    return self.end(at, INVALID_ROOT_DATA);
                }
                match bytes[at + 1] {
                    b'?' => self.instruction(at + 2),
                    b'!' => match (bytes[at + 2], byte(bytes, at + 3)) {
                        (b'-', b'-') => self.comment(at + 4),
                        (b'-', _) => self.unexpected(at + 3, "-"),
                        (b'[', _) => self.fail(at, INVALID_ROOT_DATA),
                        _ => self.fail_without_place("DTD is prohibited in this XML document."),
                    },
                    b'/' => self.fail(at + 2, "Unexpected end tag."),
                    _ if self.root_was_read => self.fail(at + 1, "There are multiple root elements."),
                    _ => {
                        self.root_was_read = true;
                        self.element(at + 1)
                    }
                }
            }
            b'&' => self.fail(at, INVALID_ROOT_DATA),
            // .NET takes a zero at the root level for the end.
            0 => {
                if self.source.breaks_off() {
                    return self.end(at, "");
                }
                if !self.root_was_read {
                    return self.fail_without_place("Root element is missing.");
                }
                self.stand(Node::Done, at, Span::new(at, at), at);
                Ok(())
            }
            _ => {
                let end = self.blanks(at);
                let is_last_zero = || self.source.is_stream() && end + 1 == text.len() && bytes[end] == 0;
                if end == text.len() || bytes[end] == b'<' || is_last_zero() {
                    self.is_literal = false;
                    self.stand(Node::White, at, Span::new(at, end), end);
                    return Ok(());
                }
                match text[end..].chars().next().is_some_and(|it| it <= '\u{ffff}' && is_character(it)) {
                    true => self.fail(end, INVALID_ROOT_DATA),
                    false => self.invalid_character(end),
                }
            }
        }
    }

    /// The next node within an element.
    fn in_element(&mut self) -> Result {
        let bytes = self.text.as_bytes();
        let at = self.at;
        if byte(bytes, at) != b'<' {
            return match at == bytes.len() {
                true => self.unclosed(),
                false => self.characters(),
            };
        }
        match byte(bytes, at + 1) {
            b'/' => self.end_tag(at + 2),
            b'?' => self.instruction(at + 2),
            b'!' => {
                let at = at + 2;
                if self.units_left(at) < 2 {
                    return self.unclosed();
                }
                match (bytes[at], byte(bytes, at + 1)) {
                    (b'-', b'-') => self.comment(at + 2),
                    (b'-', _) => self.unexpected(at + 1, "-"),
                    (b'[', _) if self.units_left(at + 1) < 6 => self.unclosed(),
                    (b'[', _) if self.text[at + 1..].starts_with("CDATA[") => self.cdata(at + 7),
                    (b'[', _) => self.unexpected(at + 1, "CDATA["),
                    _ if self.token(at) == Some("DOCTYPE") => self.fail(at, "Unexpected DTD declaration."),
                    _ => self.neither(at, "<!--", "<[CDATA["),
                }
            }
            0 if at + 1 == bytes.len() => self.unclosed(),
            _ => self.element(at + 1),
        }
    }

    /// How many UTF-16 units follow, counted up to 8.
    fn units_left(&self, at: usize) -> usize {
        match self.text.len() - at {
            bytes if bytes >= 24 => 8,
            _ => self.text[at..].chars().map(char::len_utf16).sum(),
        }
    }

    /// Past white space.
    fn blanks(&self, at: usize) -> usize {
        let bytes = self.text.as_bytes();
        bytes[at..].iter().position(|it| !is_white(*it)).map_or(bytes.len(), |it| at + it)
    }

    /// Past `=` and a quote, with white space around: where the value begins, and its quote.
    fn equals(&self, at: usize) -> Result<(usize, u8)> {
        let bytes = self.text.as_bytes();
        let mut at = at;
        if byte(bytes, at) != b'=' {
            at = self.blanks(at);
            if byte(bytes, at) != b'=' {
                return self.unexpected(at, "=");
            }
        }
        at += 1;
        if !matches!(byte(bytes, at), b'"' | b'\'') {
            at = self.blanks(at);
            if !matches!(byte(bytes, at), b'"' | b'\'') {
                return self.neither(at, "\"", "'");
            }
        }
        Ok((at + 1, bytes[at]))
    }

    /// A name from a place on: its end, and its colon, which a name that is no qualified one must not have.
    fn name(&self, start: usize, is_qualified: bool) -> Result<(usize, Option<u32>)> {
        let text = self.text;
        let bytes = text.as_bytes();
        let mut at = start;
        let mut colon = None;
        loop {
            let first = byte(bytes, at);
            if !first.is_ascii_alphabetic() && first != b'_' {
                match text[at..].chars().next() {
                    Some(c) if begins_name(c) => (),
                    _ if self.units_left(at) <= 1 => {
                        return self.end(at, "Unexpected end of file while parsing Name has occurred.");
                    }
                    _ => return self.bad_name_start(at),
                }
            }
            at += name(&bytes[at..]);
            while byte(bytes, at) >= 0x80 {
                match text[at..].chars().next() {
                    Some(c) if continues_name(c) => at += c.len_utf8(),
                    _ => break,
                }
                at += name(&bytes[at..]);
            }
            if byte(bytes, at) != b':' {
                break;
            }
            if colon.is_some() || !is_qualified {
                return self.bad_name(at);
            }
            colon = Some(offset(at));
            at += 1;
        }
        if at == bytes.len() {
            return self.end(at, "Unexpected end of file while parsing Name has occurred.");
        }
        Ok((at, colon))
    }
}

/// Whether U+FFFE or U+FFFF stands at a place.
fn is_forbidden(bytes: &[u8], at: usize) -> bool {
    bytes[at..].starts_with(b"\xef\xbf\xbe") || bytes[at..].starts_with(b"\xef\xbf\xbf")
}

/// Tags.
impl<'i> Reader<'i> {
    fn element(&mut self, start: usize) -> Result {
        let (end, colon) = self.name(start, true)?;
        self.colon = colon;
        self.is_empty = false;
        self.stand(Node::Element, start, Span::new(start, end), end);
        let bytes = self.text.as_bytes();
        match bytes[end] {
            b'>' => self.at = end + 1,
            b'/' if byte(bytes, end + 1) == b'>' => {
                self.is_empty = true;
                self.at = end + 2;
            }
            b'/' if end + 1 == bytes.len() => {
                return self.end(end, "Unexpected end of file while parsing > has occurred.");
            }
            b'/' => return self.unexpected(end, ">"),
            it if is_white(it) => self.tag(end)?,
            _ => return self.bad_name(end),
        }
        let prefix = colon.map_or("", |it| &self.text[start..it as usize]);
        self.bound = match self.scopes.bound(self.text, prefix) {
            Some(bound) => bound,
            None => return self.fail(start, format!("'{prefix}' is an undeclared prefix.")),
        };
        if self.attributes.is_empty() { Ok(()) } else { self.check_attributes() }
    }

    /// The rest of a start tag, from the white space behind its name.
    fn tag(&mut self, from: usize) -> Result {
        let text = self.text;
        let bytes = text.as_bytes();
        let mut at = from;
        loop {
            let blank_from = at;
            at = self.blanks(at);
            let first = byte(bytes, at);
            if !first.is_ascii_alphabetic() && first != b'_' {
                match first {
                    b'>' => {
                        self.at = at + 1;
                        return Ok(());
                    }
                    b'/' if at + 1 == bytes.len() => return self.unclosed(),
                    b'/' if bytes[at + 1] == b'>' => {
                        self.is_empty = true;
                        self.at = at + 2;
                        return Ok(());
                    }
                    b'/' => return self.unexpected(at + 1, ">"),
                    0 if at == bytes.len() => return self.unclosed(),
                    _ if text[at..].chars().next().is_some_and(begins_name) => (),
                    _ => return self.bad_name_start(at),
                }
            }
            if at == blank_from {
                let token = self.token(at).unwrap_or_default();
                return self.fail(at, format!("'{token}' is an unexpected token. Expecting white space."));
            }
            let start = at;
            let (end, colon) = self.name(start, true)?;
            let (value, quote) = self.equals(end)?;
            let (end_of_value, is_plain) = self.attribute_value(value, quote)?;
            let attribute = Attribute { name: Span::new(start, end), value: offset(value) };
            self.attributes.push(attribute);
            at = end_of_value + 1;
            let name = &text[start..end];
            let (prefix, local) = match colon {
                None => (name, ""),
                Some(colon) => (&text[start..colon as usize], &text[colon as usize + 1..end]),
            };
            if prefix == "xmlns" {
                self.declare(attribute, local, Span::new(value, end_of_value), is_plain)?;
            } else if prefix == "xml" && local == "space" {
                let meant = self.meant(&text[value..end_of_value]);
                if !matches!(meant.trim_matches([' ', '\t', '\n', '\r']), "preserve" | "default") {
                    return self.fail(start, format!("'{meant}' is an invalid xml:space value."));
                }
            }
        }
    }

    /// Where an attribute's value ends, and whether it means what stands there.
    fn attribute_value(&self, start: usize, quote: u8) -> Result<(usize, bool)> {
        let bytes = self.text.as_bytes();
        let mut at = start;
        let mut is_plain = true;
        loop {
            at += plain(&bytes[at..], [b'<', b'&', quote]);
            match byte(bytes, at) {
                it if it == quote => return Ok((at, is_plain)),
                b'\t' | b'\n' | b'\r' => {
                    is_plain = false;
                    at += 1;
                }
                b'<' => {
                    return self.fail(at, "'<', hexadecimal value 0x3C, is an invalid attribute character.");
                }
                b'&' => match self.reference(at)? {
                    Reference::Character { end, .. } => {
                        is_plain = false;
                        at = end;
                    }
                    // It stays as it stands.
                    Reference::Entity => at = self.entity_name(at + 1)?,
                },
                LEAD_OF_FFFE if !is_forbidden(bytes, at) => at += 3,
                0 if at == bytes.len() => return self.end(at, "There is an unclosed literal string."),
                _ => return self.invalid_character(at),
            }
        }
    }

    fn declare(&mut self, attribute: Attribute, prefix: &str, value: Span, is_plain: bool) -> Result {
        let text = self.text;
        let meant = if is_plain { Cow::Borrowed(value.of(text)) } else { self.meant(value.of(text)) };
        let name = attribute.name.start();
        if !prefix.is_empty() && meant.is_empty() {
            return self.fail(value.start() - 1, "Invalid namespace declaration.");
        }
        if meant == XMLNS {
            return match prefix {
                "xmlns" => self.fail(value.start(), XMLNS_PREFIX),
                _ => self.fail(
                    value.start(),
                    format!("Prefix '{prefix}' cannot be mapped to namespace name reserved for \"xml\" or \"xmlns\"."),
                ),
            };
        }
        match prefix {
            "xml" if meant != XML => {
                return self.fail(
                    name,
                    format!(
                        "Prefix \"xml\" is reserved for use by XML and can be mapped only to namespace name \"{XML}\"."
                    ),
                );
            }
            "xmlns" => return self.fail(name, XMLNS_PREFIX),
            _ => (),
        }
        let depth = offset(self.depth() + 1);
        let prefix = match prefix.is_empty() {
            true => Span::new(0, 0),
            false => Span { start: attribute.name.end - offset(prefix.len()), end: attribute.name.end },
        };
        self.scopes.declare(text, prefix, value, (!is_plain).then_some(&*meant), depth);
        Ok(())
    }

    /// Whether prefixes are declared, and no attribute stands twice.
    fn check_attributes(&mut self) -> Result {
        for it in &self.attributes {
            let name = it.name.of(self.text);
            let prefix = name.split_once(':').map_or("", |(prefix, _)| prefix);
            if !prefix.is_empty() && self.scopes.bound(self.text, prefix).is_none() {
                return self.fail(it.name.start(), format!("'{prefix}' is an undeclared prefix."));
            }
        }
        match self.attributes.len() {
            0 | 1 => Ok(()),
            2..=FEW => {
                for (at, first) in self.attributes.iter().enumerate() {
                    let second = self.attributes[at + 1..].iter().find(|it| self.are_same(first.name, it.name));
                    if let Some(second) = second {
                        return self.duplicate(second.name);
                    }
                }
                Ok(())
            }
            _ => self.check_many(),
        }
    }

    fn are_same(&self, one: Span, other: Span) -> bool {
        let (one, other) = (one.of(self.text), other.of(self.text));
        local(one) == local(other) && self.scopes.are_same(self.text, self.bound_of(one), self.bound_of(other))
    }

    #[cold]
    fn duplicate<T>(&self, name: Span) -> Result<T> {
        self.fail(name.start(), format!("'{}' is a duplicate attribute name.", name.of(self.text)))
    }

    /// Looks for duplicates among many, in linear time.
    #[cold]
    fn check_many(&self) -> Result {
        let mut seen = hashbrown::HashTable::<u32>::with_capacity(self.attributes.len());
        for (index, it) in self.attributes.iter().enumerate() {
            let name = it.name.of(self.text);
            let namespace = self.scopes.hash(self.text, self.bound_of(name));
            let hash = self.scopes.hash_of((local(name), namespace));
            let is_same = |other: &u32| self.are_same(self.attributes[*other as usize].name, it.name);
            if seen.find(hash, is_same).is_some() {
                return self.duplicate(it.name);
            }
            seen.insert_unique(hash, offset(index), |_| unreachable!("there is room for all"));
        }
        Ok(())
    }

    fn end_tag(&mut self, start: usize) -> Result {
        let bytes = self.text.as_bytes();
        let opened = self.open.last().copied().expect("an end tag within an element");
        let name = &bytes[opened.start()..opened.end as usize];
        let mut at = start + name.len();
        let is_it = bytes[start..].starts_with(name)
            && match self.text[at..].chars().next() {
                Some(c) => c != ':' && !continues_name(c),
                None => true,
            };
        if !is_it {
            return self.mismatch(start, opened);
        }
        if byte(bytes, at) != b'>' {
            at = self.blanks(at);
            if at == bytes.len() {
                return self.unclosed();
            }
            if bytes[at] != b'>' {
                return self.unexpected(at, ">");
            }
        }
        self.open.pop();
        self.stand(Node::End, start, opened, at + 1);
        Ok(())
    }

    #[cold]
    fn mismatch<T>(&self, start: usize, opened: Span) -> Result<T> {
        let (end, _) = self.name(start, true)?;
        let Position { line, column } = Position::of(self.text, opened.start());
        self.fail(
            start,
            format!(
                "The '{}' start tag on line {line} position {column} does not match the end tag of '{}'.",
                opened.of(self.text),
                &self.text[start..end]
            ),
        )
    }
}

const XMLNS_PREFIX: &str = "Prefix \"xmlns\" is reserved for use by XML.";

/// Text, references and what stands between two marks.
impl<'i> Reader<'i> {
    /// Text up to the next tag or entity, or that entity.
    fn characters(&mut self) -> Result {
        let bytes = self.text.as_bytes();
        let start = self.at;
        let mut at = start;
        let mut is_white = true;
        let mut is_literal = true;
        loop {
            let run = plain(&bytes[at..], *b"<&]");
            is_white = is_white && bytes[at..at + run].iter().all(|it| *it == b' ');
            at += run;
            match byte(bytes, at) {
                b'<' => break,
                b'\t' | b'\n' => at += 1,
                b'\r' => {
                    is_literal = false;
                    at += 1;
                }
                b']' => {
                    if bytes[at..].starts_with(b"]]>") {
                        return self.fail(at, "']]>' is not allowed in character data.");
                    }
                    is_white = false;
                    at += 1;
                }
                b'&' => match self.reference(at)? {
                    Reference::Character { character, end, is_decimal } => {
                        is_literal = false;
                        is_white = is_white && !is_decimal && matches!(character, ' ' | '\t' | '\n' | '\r');
                        at = end;
                    }
                    Reference::Entity if at == start => {
                        let end = self.entity_name(at + 1)?;
                        self.stand(Node::Entity, at + 1, Span::new(at + 1, end - 1), end);
                        return Ok(());
                    }
                    Reference::Entity => break,
                },
                LEAD_OF_FFFE if !is_forbidden(bytes, at) => {
                    is_white = false;
                    at += 3;
                }
                0 if at == bytes.len() => break,
                _ => return self.invalid_character(at),
            }
        }
        self.is_literal = is_literal;
        self.stand(if is_white { Node::White } else { Node::Text }, start, Span::new(start, at), at);
        Ok(())
    }

    /// What `&` at a place refers to.
    fn reference(&self, at: usize) -> Result<Reference> {
        let rest = &self.text.as_bytes()[at + 1..];
        if rest.is_empty() {
            return self.end(at, UNEXPECTED_END);
        }
        if rest[0] == b'#' {
            return self.numeric(at);
        }
        for (name, character) in [("amp;", '&'), ("lt;", '<'), ("gt;", '>'), ("quot;", '"'), ("apos;", '\'')] {
            if rest.starts_with(name.as_bytes()) {
                return Ok(Reference::Character { character, end: at + 1 + name.len(), is_decimal: false });
            }
        }
        Ok(Reference::Entity)
    }

    fn numeric(&self, start: usize) -> Result<Reference> {
        let bytes = self.text.as_bytes();
        let is_decimal = byte(bytes, start + 2) != b'x';
        let (digits, radix) = if is_decimal { (start + 2, 10) } else { (start + 3, 16) };
        let mut at = digits;
        let mut value = 0_i32;
        while let Some(digit) = (byte(bytes, at) as char).to_digit(radix) {
            value = match value.checked_mul(radix as i32).and_then(|it| it.checked_add(digit as i32)) {
                Some(value) => value,
                None => return self.fail(at, "Invalid value of a character entity reference."),
            };
            at += 1;
        }
        if byte(bytes, at) != b';' || at == digits {
            if at >= bytes.len() {
                return self.end(start, "Unexpected end of file while parsing  has occurred.");
            }
            let kind = if is_decimal { "decimal" } else { "hexadecimal" };
            return self.fail(at, format!("Invalid syntax for a {kind} numeric entity reference."));
        }
        match char_of(value) {
            Ok(character) => Ok(Reference::Character { character, end: at + 1, is_decimal }),
            Err(unit) => {
                // A surrogate has no character of its own; ASP.NET fails to write one.
                let shown = match char::from_u32(unit.into()).unwrap_or(char::REPLACEMENT_CHARACTER) {
                    '\0' => '.',
                    c => c,
                };
                self.fail(digits, format!("'{shown}', hexadecimal value 0x{unit:02X}, is an invalid character."))
            }
        }
    }

    /// Past the name of an entity and its semicolon.
    fn entity_name(&self, start: usize) -> Result<usize> {
        const REASON: &str = "An error occurred while parsing EntityName.";
        match self.name(start, false) {
            Ok((end, _)) if self.text.as_bytes()[end] == b';' => Ok(end + 1),
            Ok(_) => self.fail(start, REASON),
            Err(error) => Err(Box::new(Malformed { reason: REASON.into(), position: error.position })),
        }
    }

    fn comment(&mut self, start: usize) -> Result {
        let end = self.marked(start, b'-', "Comment")?;
        self.stand(Node::Comment, start, Span::new(start, end), end + 3);
        Ok(())
    }

    fn cdata(&mut self, start: usize) -> Result {
        let end = self.marked(start, b']', "CDATA")?;
        self.is_literal = memchr::memchr(b'\r', &self.text.as_bytes()[start..end]).is_none();
        self.stand(Node::CData, start, Span::new(start, end), end + 3);
        Ok(())
    }

    /// Up to the mark that ends a comment or a CDATA section: twice `stop`, and `>`.
    fn marked(&self, start: usize, stop: u8, what: &str) -> Result<usize> {
        let bytes = self.text.as_bytes();
        let broken_off = |at| self.end(at, format!("Unexpected end of file while parsing {what} has occurred."));
        // .NET asks for three characters before it looks at one.
        if self.units_left(start) < 3 {
            return broken_off(start);
        }
        let mut at = start;
        loop {
            at += plain(&bytes[at..], [stop; 3]);
            match byte(bytes, at) {
                it if it == stop => match (byte(bytes, at + 1), byte(bytes, at + 2)) {
                    (next, b'>') if next == stop => return Ok(at),
                    _ if at + 1 == bytes.len() => return broken_off(at),
                    (next, _) if next == stop && at + 2 == bytes.len() => return broken_off(at),
                    (b'-', _) if stop == b'-' => {
                        return self
                            .fail(at, "An XML comment cannot contain '--', and '-' cannot be the last character.");
                    }
                    _ => at += 1,
                },
                b'\t' | b'\n' | b'\r' => at += 1,
                LEAD_OF_FFFE if !is_forbidden(bytes, at) => at += 3,
                0 if at == bytes.len() => return broken_off(at),
                _ => return self.invalid_character(at),
            }
        }
    }

    fn instruction(&mut self, start: usize) -> Result {
        let bytes = self.text.as_bytes();
        let (end, _) = self.name(start, false)?;
        let target = &self.text[start..end];
        if target == "xml" {
            return self.fail(start, "Unexpected XML declaration. The XML declaration must be the first node in the document, and no white space characters are allowed to appear before it.");
        }
        if target.eq_ignore_ascii_case("xml") {
            return self.fail(start, format!("'{target}' is an invalid name for processing instructions."));
        }
        let mut at = self.blanks(end);
        if at == end && !bytes[end..].starts_with(b"?>") {
            return self.bad_name(end);
        }
        let broken_off = || self.end(bytes.len(), "Unexpected end of file while parsing PI has occurred.");
        if self.units_left(at) < 2 {
            return broken_off();
        }
        loop {
            at += plain(&bytes[at..], [b'?'; 3]);
            match byte(bytes, at) {
                b'?' if byte(bytes, at + 1) == b'>' => break,
                b'?' | b'\t' | b'\n' | b'\r' => at += 1,
                LEAD_OF_FFFE if !is_forbidden(bytes, at) => at += 3,
                0 if at == bytes.len() => return broken_off(),
                _ => return self.invalid_character(at),
            }
        }
        self.stand(Node::Instruction, start, Span::new(start, end), at + 2);
        Ok(())
    }
}

/// The character of a reference's number, or the unit that .NET refuses. It splits every number above U+FFFF into two
/// units of 16 bits and looks at the units alone, so that some numbers far above U+10FFFF count as others.
fn char_of(number: i32) -> std::result::Result<char, u16> {
    let number = number as u32;
    if let Ok(unit) = u16::try_from(number) {
        return char::from_u32(number).filter(|it| is_character(*it)).ok_or(unit);
    }
    let above = number - 0x1_0000;
    let high = ((0xd800 + above / 1024) & 0xffff) as u16;
    let low = 0xdc00 + (above % 1024);
    match high {
        0xd800..=0xdbff => {
            let character = 0x1_0000 + (u32::from(high) - 0xd800) * 1024 + (low - 0xdc00);
            Ok(char::from_u32(character).expect("two surrogates are a character"))
        }
        _ => Err(high),
    }
}
