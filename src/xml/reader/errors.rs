//! What can be wrong, in the words of .NET. (`System.Xml.txt`)

use super::{Malformed, Position, Reader, Result};
use crate::xml::characters::continues_name;

pub(super) const UNEXPECTED_END: &str = "Unexpected end of file has occurred.";

impl Reader<'_> {
    #[cold]
    pub(super) fn fail<T>(&self, at: usize, reason: impl Into<String>) -> Result<T> {
        Err(Box::new(Malformed { reason: reason.into(), position: Some(Position::of(self.text, at)) }))
    }

    #[cold]
    pub(super) fn fail_without_place<T>(&self, reason: impl Into<String>) -> Result<T> {
        Err(Box::new(Malformed { reason: reason.into(), position: None }))
    }

    /// Fails since the text ends. Where it ends since the bytes that follow are none of the encoding, that is told.
    #[cold]
    pub(super) fn end<T>(&self, at: usize, reason: impl Into<String>) -> Result<T> {
        match self.source.breaks_off() {
            true => self.fail(self.text.len(), "Invalid character in the given encoding."),
            false => self.fail(at, reason),
        }
    }

    /// A character with its number, as .NET names it.
    pub(super) fn character(&self, at: usize) -> (String, String) {
        let c = self.text[at..].chars().next().unwrap_or('\0');
        (if c == '\0' { ".".into() } else { c.into() }, format!("0x{:02X}", u32::from(c)))
    }

    #[cold]
    pub(super) fn invalid_character<T>(&self, at: usize) -> Result<T> {
        let (character, number) = self.character(at);
        self.fail(at, format!("'{character}', hexadecimal value {number}, is an invalid character."))
    }

    #[cold]
    pub(super) fn bad_name_start<T>(&self, at: usize) -> Result<T> {
        let (character, number) = self.character(at);
        self.fail(at, format!("Name cannot begin with the '{character}' character, hexadecimal value {number}."))
    }

    #[cold]
    pub(super) fn bad_name<T>(&self, at: usize) -> Result<T> {
        let (character, number) = self.character(at);
        self.fail(at, format!("The '{character}' character, hexadecimal value {number}, cannot be included in a name."))
    }

    /// The name or character that stands at a place; `None` at the end.
    pub(super) fn token(&self, at: usize) -> Option<&str> {
        let rest = &self.text[at..];
        let first = rest.chars().next()?;
        let end = match continues_name(first) {
            true => rest.find(|c| !continues_name(c)).unwrap_or(rest.len()),
            false => first.len_utf8(),
        };
        Some(&rest[..end])
    }

    #[cold]
    pub(super) fn unexpected<T>(&self, at: usize, expected: &str) -> Result<T> {
        match self.token(at) {
            Some(token) => {
                self.fail(at, format!("'{token}' is an unexpected token. The expected token is '{expected}'."))
            }
            None => self.end(at, UNEXPECTED_END),
        }
    }

    #[cold]
    pub(super) fn neither<T>(&self, at: usize, first: &str, second: &str) -> Result<T> {
        match self.token(at) {
            Some(token) => self
                .fail(at, format!("'{token}' is an unexpected token. The expected token is '{first}' or '{second}'.")),
            None => self.end(at, UNEXPECTED_END),
        }
    }

    #[cold]
    pub(super) fn unclosed<T>(&self) -> Result<T> {
        let names = self.open.iter().map(|it| (it.end - it.start) as usize + ", ".len()).sum::<usize>();
        let mut reason = String::with_capacity(names + 128);
        reason.push_str(UNEXPECTED_END);
        reason.push_str(" The following elements are not closed: ");
        for (at, name) in self.open.iter().rev().enumerate() {
            reason.push_str(if at == 0 { "" } else { ", " });
            reason.push_str(name.of(self.text));
        }
        reason.push_str(if self.open.is_empty() { "" } else { "." });
        self.end(self.text.len(), reason)
    }
}
