//! The XML declaration, what stands around the root, and what stands in elements.

use super::errors::UNEXPECTED_END;
use super::{Node, Reader, Result, Span, byte, is_forbidden, offset};
use crate::xml::characters::{begins_name, continues_name, is_character, is_white, name_end, plain};
use crate::xml::encoding;

const INVALID_ROOT_DATA: &str = "Data at the root level is invalid.";
const INVALID_DECLARATION: &str = "Syntax for an XML declaration is invalid.";

impl<'i> Reader<'i> {
    /// The XML declaration, if there is one.
    pub(super) fn declaration(&mut self) -> Result<bool> {
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
    pub(super) fn around_root(&mut self) -> Result {
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
    pub(super) fn in_element(&mut self) -> Result {
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
    pub(super) fn units_left(&self, at: usize) -> usize {
        match self.text.len() - at {
            bytes if bytes >= 24 => 8,
            _ => self.text[at..].chars().map(char::len_utf16).sum(),
        }
    }

    /// Past white space.
    pub(super) fn blanks(&self, at: usize) -> usize {
        let bytes = self.text.as_bytes();
        bytes[at..].iter().position(|it| !is_white(*it)).map_or(bytes.len(), |it| at + it)
    }

    /// Past `=` and a quote, with white space around: where the value begins, and its quote.
    pub(super) fn equals(&self, at: usize) -> Result<(usize, u8)> {
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
    pub(super) fn name(&self, start: usize, is_qualified: bool) -> Result<(usize, Option<u32>)> {
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
            at = name_end(bytes, at);
            while byte(bytes, at) >= 0x80 {
                match text[at..].chars().next() {
                    Some(c) if continues_name(c) => at += c.len_utf8(),
                    _ => break,
                }
                at = name_end(bytes, at);
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
