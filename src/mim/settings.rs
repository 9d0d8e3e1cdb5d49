//! `MfaSettings.xml` in place: its entries and their places, and the same text with some entries changed. Every other
//! byte stays as it is: the root, the order of the entries, the letter case of their names.

mod malformed;
mod secrets;

use std::fmt;
use std::ops::Range;

use encoding_rs::Encoding;
use quick_xml::escape::{escape, resolve_predefined_entity};
use quick_xml::events::{BytesStart, Event};

use malformed::is_well_formed;
pub use secrets::secrets;

/// The largest file that is read, in bytes. A real one has a few thousand.
pub const LENGTH: usize = 1 << 20;

/// Declares the entries that are known: `Name => "wire name"`.
macro_rules! keys {
    ($($name:ident => $wire:literal;)*) => {
        /// An entry that MIM is known to read.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub enum Key { $($name,)* }

        impl Key {
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The name as Microsoft's article writes it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $wire,)* }
            }
        }
    };
}

keys! {
    LicenseKey => "LICENSE_KEY";
    GroupKey => "GROUP_KEY";
    CertPassword => "CERT_PASSWORD";
    CertFilePath => "CertFilePath";
    Username => "Username";
    Locmfa => "LOCMFA";
    Locmfasrv => "LOCMFASRV";
    DefaultCountryCode => "DefaultCountryCode";
    CustomPhoneProvider => "CustomPhoneProvider";
}

impl Key {
    /// What the cloud's SDK was configured with. The article clears these.
    pub const OF_CLOUD: &[Self] = &[Self::LicenseKey, Self::GroupKey, Self::CertPassword, Self::CertFilePath];

    /// The key of that name, without its prefix, in any letter case.
    fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|it| it.name().eq_ignore_ascii_case(local(name)))
    }
}

/// A settings file that was read.
#[derive(Debug)]
pub struct Settings {
    text: String,
    form: Form,
    entries: Vec<Entry>,
    comments: Vec<Range<usize>>,
    root: Option<Entry>,
}

/// An element below the root.
#[derive(Debug)]
pub struct Entry {
    /// As it is written, with its prefix.
    pub name: String,
    pub has_attributes: bool,
    /// `None`: not known to have a meaning.
    pub key: Option<Key>,
    /// Its text, white space included.
    pub value: String,
    /// Whether there are elements in it.
    pub has_children: bool,
    /// From `<` to `>`, in bytes of the text.
    pub element: Range<usize>,
    /// Between its tags.
    content: Range<usize>,
    /// The parts of the content that make up the value.
    pieces: Vec<Range<usize>>,
}

/// A change to a file.
#[derive(Clone, Copy, Debug)]
pub enum Edit<'a> {
    /// Empties the entry, if it exists.
    Clear(Key),
    /// Sets the value. A missing entry is added.
    Set(Key, &'a str),
}

/// A file that is not what MIM can read.
#[derive(Clone, Debug)]
pub struct Broken {
    pub reason: Reason,
    /// The text as far as it could be decoded, to show the place.
    pub text: String,
    /// In bytes of the text.
    pub at: usize,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Reason {
    /// The bytes are not the characters that the file says they are.
    Encoding(String),
    /// There is a document type, with which come entities. It is not read any further.
    DocumentType,
    /// The text is not XML: what is wrong in plain words, and in those of the reader.
    Malformed(String),
}

impl Settings {
    /// Reads the bytes of a file of at most [`LENGTH`].
    ///
    /// # Errors
    /// [`Broken`] where the bytes are no text, the text is no XML, or a document type comes with it.
    pub fn read(bytes: &[u8]) -> Result<Self, Broken> {
        let encoding = |reason| Broken { reason: Reason::Encoding(reason), text: String::new(), at: 0 };
        let (form, text) = Form::decode(bytes).map_err(encoding)?;
        if text.starts_with(MARK) {
            // A second mark is text before the root, and the walk would count it wrong.
            let reason = "The file has two byte-order marks. Delete the second.".into();
            return Err(Broken { reason: Reason::Malformed(reason), text, at: 0 });
        }
        let walk = Walk::over(&text);
        if let Some(at) = walk.document_type {
            return Err(Broken { reason: Reason::DocumentType, text, at });
        }
        // The walk is lenient; whether it is XML, the strict reader decides.
        if let Err((reason, at)) = is_well_formed(&text) {
            return Err(Broken { reason: Reason::Malformed(reason), text, at });
        }
        let Walk { entries, comments, root, .. } = walk;
        Ok(Self { text, form, entries, comments, root })
    }

    /// The file as characters, without a byte-order mark.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// All elements below the root, in the order of their ends.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The element around the entries.
    #[must_use]
    pub const fn root(&self) -> Option<&Entry> {
        self.root.as_ref()
    }

    /// The entries of a name: more than one where the file has it twice.
    pub fn all(&self, key: Key) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |it| it.key == Some(key))
    }

    /// The value of the first entry of a name, without the white space around it. Empty is `None`.
    #[must_use]
    pub fn value(&self, key: Key) -> Option<&str> {
        self.all(key).next().map(|it| it.value.trim()).filter(|it| !it.is_empty())
    }

    /// The first comment in which an entry of this name stands.
    #[must_use]
    pub fn commented(&self, key: Key) -> Option<&Range<usize>> {
        let opening = format!("<{}", key.name()).to_ascii_lowercase();
        self.comments.iter().find(|it| {
            let comment = self.text[(*it).clone()].to_ascii_lowercase();
            comment.match_indices(&opening).any(|(at, _)| !comment[at + opening.len()..].starts_with(is_name))
        })
    }

    /// The text with changes. Where nothing has to change it is the same text. Of an entry that stands twice the
    /// first is changed.
    #[must_use]
    pub fn edited(&self, edits: &[Edit<'_>]) -> String {
        let mut splices = Vec::new();
        let mut missing = Vec::new();
        for edit in edits {
            let (key, value) = match *edit {
                Edit::Clear(key) => (key, ""),
                Edit::Set(key, value) => (key, value),
            };
            match self.all(key).next() {
                Some(entry) if entry.value == value => (),
                Some(entry) => splices.extend(entry.set(&self.text, value)),
                None if value.is_empty() => (),
                None => missing.push((key, value)),
            }
        }
        let last = self.entries.iter().rfind(|it| it.key.is_some());
        if let Some(neighbour) = last.filter(|_| !missing.is_empty()) {
            splices.push(neighbour.followed_by(&self.text, &missing));
        }
        splices.sort_by_key(|(range, _)| range.start);
        let mut text = String::with_capacity(self.text.len());
        let mut at = 0;
        for (range, replacement) in splices {
            text += &self.text[at..range.start];
            text += &replacement;
            at = range.end;
        }
        text + &self.text[at..]
    }

    /// A text as the bytes of this file, with its encoding and its byte-order mark.
    #[must_use]
    pub fn encoded(&self, text: &str) -> Vec<u8> {
        self.form.encode(text)
    }
}

impl Entry {
    /// What a finding about the value points at: the value, or the element where there is none.
    #[must_use]
    pub fn span(&self, text: &str) -> Range<usize> {
        let content = &text[self.content.clone()];
        if content.trim().is_empty() {
            return self.element.clone();
        }
        let start = self.content.start + (content.len() - content.trim_start().len());
        start..start + content.trim().len()
    }

    /// The parts of the content that are its own text.
    #[must_use]
    pub fn pieces(&self) -> &[Range<usize>] {
        &self.pieces
    }

    /// The splices that give it another value. Comments in it stay.
    fn set(&self, text: &str, value: &str) -> Vec<(Range<usize>, String)> {
        if self.content.is_empty() && text[self.element.clone()].ends_with("/>") {
            let tag = text[self.element.clone()].trim_end_matches("/>").trim_end();
            let filled = format!(">{}</{}>", escape(value), self.name);
            return vec![(self.element.start + tag.len()..self.element.end, filled)];
        }
        let first = self.pieces.first().map_or(self.content.start..self.content.start, Clone::clone);
        let rest = self.pieces.iter().skip(1).map(|it| (it.clone(), String::new()));
        std::iter::once((first, escape(value).into_owned())).chain(rest).collect()
    }

    /// The splice that adds entries below it: as far to the right, with the same line end, and behind a comment that
    /// stands in the same line.
    fn followed_by(&self, text: &str, missing: &[(Key, &str)]) -> (Range<usize>, String) {
        let before = text[..self.element.start].trim_end_matches([' ', '\t']);
        let line_end = ["\r\n", "\n", "\r"].into_iter().find(|it| before.ends_with(it)).unwrap_or_default();
        // An entry that shares its line with what is before it is followed in that line.
        let indent = if line_end.is_empty() { "" } else { &text[before.len()..self.element.start] };
        let prefix = &self.name[..self.name.len() - local(&self.name).len()];
        let added = missing.iter().map(|(key, value)| {
            let name = key.name();
            format!("{line_end}{indent}<{prefix}{name}>{}</{prefix}{name}>", escape(*value))
        });
        let rest = text[self.element.end..].split(['\r', '\n']).next().unwrap_or_default().trim_end();
        let comment = rest.trim_start();
        let is_comment = comment.starts_with("<!--") && comment.find("-->") == Some(comment.len().saturating_sub(3));
        let at = self.element.end + if is_comment && !line_end.is_empty() { rest.len() } else { 0 };
        (at..at, added.collect())
    }
}

/// What one pass over the events finds.
#[derive(Default)]
struct Walk {
    entries: Vec<Entry>,
    comments: Vec<Range<usize>>,
    root: Option<Entry>,
    document_type: Option<usize>,
}

impl Walk {
    /// Goes as far as the text is XML.
    fn over(text: &str) -> Self {
        let mut walk = Self::default();
        let mut reader = quick_xml::Reader::from_str(text);
        let mut open: Vec<Entry> = Vec::new();
        loop {
            let start = position(&reader);
            let Ok(event) = reader.read_event() else { return walk };
            let here = start..position(&reader);
            let mut characters = |value: &str| {
                if let Some(entry) = open.last_mut() {
                    entry.value.push_str(value);
                    entry.take_piece(here.clone());
                }
            };
            match event {
                Event::Start(tag) => {
                    open.last_mut().iter_mut().for_each(|it| it.has_children = true);
                    open.push(Entry::new(&tag, here));
                }
                Event::End(_) => {
                    let Some(mut entry) = open.pop() else { return walk };
                    entry.element.end = here.end;
                    entry.content.end = here.start;
                    walk.close(entry, open.len());
                }
                Event::Empty(tag) => {
                    open.last_mut().iter_mut().for_each(|it| it.has_children = true);
                    walk.close(Entry::new(&tag, here), open.len());
                }
                Event::Text(_) => characters(&text[here.clone()]),
                Event::CData(_) => {
                    let whole = &text[here.clone()];
                    characters(&whole["<![CDATA[".len()..whole.len() - "]]>".len()]);
                }
                Event::GeneralRef(reference) => match reference.resolve_char_ref() {
                    Ok(Some(character)) => characters(character.encode_utf8(&mut [0; 4])),
                    _ => characters(resolve_predefined_entity(&reference).unwrap_or_default()),
                },
                Event::Comment(_) => walk.comments.push(here),
                Event::DocType(_) => {
                    walk.document_type = Some(here.start);
                    return walk;
                }
                Event::Decl(_) | Event::PI(_) => (),
                Event::Eof => return walk,
            }
        }
    }

    /// An element ended that has so many around it.
    fn close(&mut self, entry: Entry, depth: usize) {
        match depth {
            0 => self.root = Some(entry),
            _ => self.entries.push(entry),
        }
    }
}

impl Entry {
    fn new(written: &BytesStart<'_>, tag: Range<usize>) -> Self {
        let name = written.name();
        let name: &str = name.as_ref();
        Self {
            name: name.to_owned(),
            has_attributes: !written[written.name().as_ref().len()..].trim().is_empty(),
            key: Key::named(name),
            value: String::new(),
            has_children: false,
            content: tag.end..tag.end,
            element: tag,
            pieces: Vec::new(),
        }
    }

    /// Pieces that touch are one.
    fn take_piece(&mut self, piece: Range<usize>) {
        match self.pieces.last_mut() {
            Some(last) if last.end == piece.start => last.end = piece.end,
            _ => self.pieces.push(piece),
        }
    }
}

fn position(reader: &quick_xml::Reader<&[u8]>) -> usize {
    usize::try_from(reader.buffer_position()).expect("a position in a text that is in memory")
}

fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':')
}

/// A character by its code point, with its name where it cannot be seen.
#[must_use]
pub fn character(c: char) -> String {
    let name = INVISIBLE.iter().find(|it| it.0 == c).map(|it| it.1);
    match name {
        Some(name) => format!("the character U+{:04X} ({name})", u32::from(c)),
        None => format!("the character U+{:04X}", u32::from(c)),
    }
}

/// Characters that look like a blank or like nothing.
pub const INVISIBLE: &[(char, &str)] = &[
    ('\u{a0}', "no-break space"),
    ('\u{ad}', "soft hyphen"),
    ('\u{2007}', "figure space"),
    ('\u{2009}', "thin space"),
    ('\u{200b}', "zero-width space"),
    ('\u{200c}', "zero-width non-joiner"),
    ('\u{200d}', "zero-width joiner"),
    ('\u{200e}', "left-to-right mark"),
    ('\u{200f}', "right-to-left mark"),
    ('\u{202a}', "left-to-right embedding"),
    ('\u{202c}', "pop directional formatting"),
    ('\u{202f}', "narrow no-break space"),
    ('\u{2060}', "word joiner"),
    ('\u{3000}', "ideographic space"),
    ('\u{feff}', "byte-order mark"),
];

/// How the characters of a file are written as bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Form {
    charset: Charset,
    has_mark: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Charset {
    Utf8,
    Utf16Little,
    Utf16Big,
    /// A code page, as the XML declaration names it.
    Other(&'static Encoding),
}

const MARK: char = '\u{feff}';

impl Form {
    fn decode(bytes: &[u8]) -> Result<(Self, String), String> {
        let (charset, has_mark) = match bytes {
            [0xef, 0xbb, 0xbf, ..] => (Charset::Utf8, true),
            [0xff, 0xfe, ..] => (Charset::Utf16Little, true),
            [0xfe, 0xff, ..] => (Charset::Utf16Big, true),
            [b'<', 0, ..] => (Charset::Utf16Little, false),
            [0, b'<', ..] => (Charset::Utf16Big, false),
            _ => (Charset::declared(bytes)?, false),
        };
        let form = Self { charset, has_mark };
        let text = charset.decode(bytes).ok_or_else(|| format!("its bytes are no {charset}"))?;
        let text = text.strip_prefix(MARK).map(ToOwned::to_owned).unwrap_or(text);
        // .NET's reader refuses a declaration that the bytes before it contradict.
        let says = declaration(text.as_bytes()).map(|it| it.to_ascii_lowercase());
        if let Some(says) = says.filter(|it| is_16_bit(it) != charset.is_16_bit()) {
            return Err(format!("it says that it is {says}, and it is {charset}"));
        }
        match form.encode(&text) == bytes {
            true => Ok((form, text)),
            false => Err(format!("its {charset} is not what would be written back")),
        }
    }

    fn encode(self, text: &str) -> Vec<u8> {
        let marked: String = self.has_mark.then_some(MARK).into_iter().chain(text.chars()).collect();
        match self.charset {
            Charset::Utf8 => marked.into_bytes(),
            Charset::Utf16Little => marked.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            Charset::Utf16Big => marked.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            // A character that the code page does not have becomes a reference such as &#8364;.
            Charset::Other(encoding) => encoding.encode(&marked).0.into_owned(),
        }
    }
}

impl Charset {
    /// That of the XML declaration; UTF-8 without one.
    fn declared(bytes: &[u8]) -> Result<Self, String> {
        let Some(label) = declaration(bytes) else { return Ok(Self::Utf8) };
        if is_16_bit(&label.to_ascii_lowercase()) {
            return Err(format!("it says that it is {label}, and it is not"));
        }
        match Encoding::for_label(label.as_bytes()) {
            Some(encoding) if encoding == encoding_rs::UTF_8 => Ok(Self::Utf8),
            Some(encoding) => Ok(Self::Other(encoding)),
            None => Err("it names an encoding that is not known".into()),
        }
    }

    fn decode(self, bytes: &[u8]) -> Option<String> {
        let wide = |from: fn([u8; 2]) -> u16| {
            let (pairs, rest) = bytes.as_chunks();
            let units: Vec<u16> = pairs.iter().map(|it| from(*it)).collect();
            rest.is_empty().then(|| String::from_utf16(&units).ok()).flatten()
        };
        match self {
            Self::Utf8 => String::from_utf8(bytes.to_vec()).ok(),
            Self::Utf16Little => wide(u16::from_le_bytes),
            Self::Utf16Big => wide(u16::from_be_bytes),
            Self::Other(encoding) => {
                encoding.decode_without_bom_handling_and_without_replacement(bytes).map(Into::into)
            }
        }
    }

    fn is_16_bit(self) -> bool {
        matches!(self, Self::Utf16Little | Self::Utf16Big)
    }
}

impl fmt::Display for Charset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16Little | Self::Utf16Big => "UTF-16",
            Self::Other(encoding) => encoding.name(),
        })
    }
}

fn is_16_bit(label: &str) -> bool {
    ["utf-16", "ucs-2", "iso-10646-ucs-2", "unicode"].iter().any(|it| label.starts_with(it))
}

/// The encoding that an XML declaration names.
fn declaration(bytes: &[u8]) -> Option<&str> {
    let start = &bytes[..bytes.len().min(200)];
    let ascii = start.iter().position(|it| !it.is_ascii()).unwrap_or(start.len());
    let start = std::str::from_utf8(&start[..ascii]).ok()?;
    let declaration = start.strip_prefix("<?xml")?.split("?>").next()?;
    let value = declaration.split_once("encoding")?.1.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|it| matches!(it, '"' | '\''))?;
    value[1..].split(quote).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_byte_order_mark_is_no_xml() {
        let ascii = b"\xef\xbb\xbf\xef\xbb\xbf<a><LICENSE_KEY>x</LICENSE_KEY></a>".as_slice();
        let wide = b"\xff\xfe\xff\xfe\x00\x3e\x00\x3e\x00\x3e\x00\x00\x3e\x00".as_slice();
        for bytes in [ascii, wide] {
            let broken = Settings::read(bytes).unwrap_err();
            assert!(matches!(broken.reason, Reason::Malformed(_)), "{broken:?}");
        }
    }
}
