//! Text, references, and what stands between two marks.

use super::errors::UNEXPECTED_END;
use super::{Malformed, Node, Reader, Result, Span, byte, is_forbidden};
use crate::xml::characters::{LEAD_OF_FFFE, is_character, plain};

/// A reference, resolved.
pub(super) enum Reference {
    Character {
        character: char,
        end: usize,
        is_decimal: bool,
    },
    /// An entity that the document would have to declare.
    Entity,
}

impl<'i> Reader<'i> {
    /// Text up to the next tag or entity, or that entity.
    pub(super) fn characters(&mut self) -> Result {
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
    pub(super) fn reference(&self, at: usize) -> Result<Reference> {
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

    pub(super) fn numeric(&self, start: usize) -> Result<Reference> {
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
    pub(super) fn entity_name(&self, start: usize) -> Result<usize> {
        const REASON: &str = "An error occurred while parsing EntityName.";
        match self.name(start, false) {
            Ok((end, _)) if self.text.as_bytes()[end] == b';' => Ok(end + 1),
            Ok(_) => self.fail(start, REASON),
            Err(error) => Err(Box::new(Malformed { reason: REASON.into(), position: error.position })),
        }
    }

    pub(super) fn comment(&mut self, start: usize) -> Result {
        let end = self.marked(start, b'-', "Comment")?;
        self.stand(Node::Comment, start, Span::new(start, end), end + 3);
        Ok(())
    }

    pub(super) fn cdata(&mut self, start: usize) -> Result {
        let end = self.marked(start, b']', "CDATA")?;
        self.is_literal = memchr::memchr(b'\r', &self.text.as_bytes()[start..end]).is_none();
        self.stand(Node::CData, start, Span::new(start, end), end + 3);
        Ok(())
    }

    /// Up to the mark that ends a comment or a CDATA section: twice `stop`, and `>`.
    pub(super) fn marked(&self, start: usize, stop: u8, what: &str) -> Result<usize> {
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

    pub(super) fn instruction(&mut self, start: usize) -> Result {
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
