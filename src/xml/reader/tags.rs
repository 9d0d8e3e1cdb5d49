//! Start tags, with attributes and namespaces, and end tags.

use std::borrow::Cow;

use super::text::Reference;
use super::{Attribute, Node, Position, Reader, Result, Span, byte, is_forbidden, offset, push};
use crate::xml::characters::{LEAD_OF_FFFE, begins_name, continues_name, is_white, plain};
use crate::xml::scope::{XML, XMLNS};

/// How many attributes of one tag are compared pair by pair. More are hashed.
const FEW: usize = 16;

const XMLNS_PREFIX: &str = "Prefix \"xmlns\" is reserved for use by XML.";

impl<'i> Reader<'i> {
    pub(super) fn element(&mut self, start: usize) -> Result {
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
        let prefix = Span::new(start, colon.map_or(start, |it| it as usize));
        self.bound = match self.scopes.bound(self.text, prefix.bytes(self.text)) {
            Some(bound) => bound,
            None => return self.undeclared_prefix(prefix),
        };
        if self.attributes.is_empty() { Ok(()) } else { self.check_attributes() }
    }

    /// The rest of a start tag, from the white space behind its name.
    pub(super) fn tag(&mut self, from: usize) -> Result {
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
            let name = Span::new(start, end);
            let attribute = Attribute { name, colon: colon.unwrap_or(name.end), value: offset(value) };
            push(&mut self.attributes, attribute);
            at = end_of_value + 1;
            let first_part = &bytes[start..attribute.colon as usize];
            if first_part == b"xmlns" {
                self.declare(attribute, Span::new(value, end_of_value), is_plain)?;
            } else if name.bytes(text) == b"xml:space" {
                let meant = self.meant(&text[value..end_of_value]);
                if !matches!(meant.trim_matches([' ', '\t', '\n', '\r']), "preserve" | "default") {
                    return self.fail(start, format!("'{meant}' is an invalid xml:space value."));
                }
            }
        }
    }

    /// Where an attribute's value ends, and whether it means what stands there.
    pub(super) fn attribute_value(&self, start: usize, quote: u8) -> Result<(usize, bool)> {
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

    pub(super) fn declare(&mut self, attribute: Attribute, value: Span, is_plain: bool) -> Result {
        let text = self.text;
        let has_prefix = attribute.colon != attribute.name.end;
        let declared = if has_prefix { attribute.local() } else { Span::new(0, 0) };
        let prefix = declared.of(text);
        let meant = if is_plain { Cow::Borrowed(value.of(text)) } else { self.meant(value.of(text)) };
        let name = attribute.name.start as usize;
        if !prefix.is_empty() && meant.is_empty() {
            return self.fail(value.start as usize - 1, "Invalid namespace declaration.");
        }
        if meant == XMLNS {
            return match prefix {
                "xmlns" => self.fail(value.start as usize, XMLNS_PREFIX),
                _ => self.fail(
                    value.start as usize,
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
        self.scopes.declare(text, declared, value, (!is_plain).then_some(&*meant), depth);
        Ok(())
    }

    /// Whether prefixes are declared, and no attribute stands twice.
    pub(super) fn check_attributes(&mut self) -> Result {
        for prefix in self.attributes.iter().map(|it| it.prefix()) {
            let name = prefix.bytes(self.text);
            if name != b"xmlns" && self.scopes.bound(self.text, name).is_none() {
                return self.undeclared_prefix(prefix);
            }
        }
        match self.attributes.len() {
            0 | 1 => Ok(()),
            2..=FEW => {
                for (at, first) in self.attributes.iter().enumerate() {
                    let second = self.attributes[at + 1..].iter().find(|it| self.are_same(*first, **it));
                    if let Some(second) = second {
                        return self.duplicate(second.name);
                    }
                }
                Ok(())
            }
            _ => self.check_many(),
        }
    }

    pub(super) fn are_same(&self, one: Attribute, other: Attribute) -> bool {
        one.local().bytes(self.text) == other.local().bytes(self.text)
            && self.scopes.are_same(self.text, self.bound_of(one), self.bound_of(other))
    }

    #[cold]
    pub(super) fn undeclared_prefix<T>(&self, prefix: Span) -> Result<T> {
        self.fail(prefix.start as usize, format!("'{}' is an undeclared prefix.", prefix.of(self.text)))
    }

    #[cold]
    pub(super) fn duplicate<T>(&self, name: Span) -> Result<T> {
        self.fail(name.start as usize, format!("'{}' is a duplicate attribute name.", name.of(self.text)))
    }

    /// Looks for duplicates among many, in linear time.
    #[cold]
    pub(super) fn check_many(&self) -> Result {
        let mut seen = hashbrown::HashTable::<u32>::with_capacity(self.attributes.len());
        for (index, it) in self.attributes.iter().enumerate() {
            let namespace = self.scopes.hash(self.text, self.bound_of(*it));
            let hash = self.scopes.hash_of((it.local().bytes(self.text), namespace));
            let is_same = |other: &u32| self.are_same(self.attributes[*other as usize], *it);
            if seen.find(hash, is_same).is_some() {
                return self.duplicate(it.name);
            }
            seen.insert_unique(hash, offset(index), |_| unreachable!("there is room for all"));
        }
        Ok(())
    }

    pub(super) fn end_tag(&mut self, start: usize) -> Result {
        let bytes = self.text.as_bytes();
        let opened = self.open.last().copied().expect("an end tag within an element");
        let name = opened.bytes(self.text);
        let mut at = start + name.len();
        if !bytes[start..].starts_with(name) {
            return self.mismatch(start, opened);
        }
        if byte(bytes, at) == b'>' {
            self.open.pop();
            self.stand(Node::End, start, opened, at + 1);
            return Ok(());
        }
        if self.text[at..].chars().next().is_some_and(|it| it == ':' || continues_name(it)) {
            return self.mismatch(start, opened);
        }
        at = self.blanks(at);
        if at == bytes.len() {
            return self.unclosed();
        }
        if bytes[at] != b'>' {
            return self.unexpected(at, ">");
        }
        self.open.pop();
        self.stand(Node::End, start, opened, at + 1);
        Ok(())
    }

    #[cold]
    pub(super) fn mismatch<T>(&self, start: usize, opened: Span) -> Result<T> {
        let (end, _) = self.name(start, true)?;
        let Position { line, column } = Position::of(self.text, opened.start as usize);
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
