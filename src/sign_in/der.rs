//! As much of DER as the tokens of Negotiate need. Values are read in the order in which they stand, to the depth
//! that the caller asks for: nothing recurses.

use super::flaw::Flaw;

/// The tags that are used here: universal ones, and context and application tags by their number.
pub(super) mod tag {
    pub(crate) const INTEGER: u8 = 0x02;
    pub(crate) const OCTETS: u8 = 0x04;
    pub(crate) const OID: u8 = 0x06;
    pub(crate) const ENUMERATED: u8 = 0x0a;
    pub(crate) const GENERAL_STRING: u8 = 0x1b;
    pub(crate) const SEQUENCE: u8 = 0x30;

    pub(crate) const fn context(number: u8) -> u8 {
        0xa0 | number
    }

    pub(crate) const fn application(number: u8) -> u8 {
        0x60 | number
    }
}

/// Values that stand one after another, and their place in the token.
#[derive(Clone, Copy, Debug)]
pub(super) struct Der<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Der<'a> {
    pub(super) const fn new(token: &'a [u8]) -> Self {
        Self { bytes: token, at: 0 }
    }

    pub(super) const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(super) fn next_tag(&self) -> Option<u8> {
        self.bytes.first().copied()
    }

    pub(super) const fn flaw(&self, part: &'static str, fault: &'static str) -> Flaw {
        Flaw { part, fault, at: self.at }
    }

    /// Takes the next value, which has that tag; what is in it.
    pub(super) fn take(&mut self, tag: u8, part: &'static str) -> Result<Self, Flaw> {
        match self.next_tag() {
            Some(it) if it == tag => {}
            Some(_) => return Err(self.flaw(part, "is missing where another value stands")),
            None => return Err(self.flaw(part, "is missing")),
        }
        let (header, length) = self.header(part)?;
        self.skip(header);
        if length > self.bytes.len() {
            return Err(self.flaw(part, "is cut off"));
        }
        let content = Self { bytes: &self.bytes[..length], at: self.at };
        self.skip(length);
        Ok(content)
    }

    /// Takes the next value if it has that tag.
    pub(super) fn take_if(&mut self, tag: u8, part: &'static str) -> Result<Option<Self>, Flaw> {
        if self.next_tag() == Some(tag) { self.take(tag, part).map(Some) } else { Ok(None) }
    }

    /// Says that nothing follows.
    pub(super) fn end(&self, part: &'static str) -> Result<(), Flaw> {
        if self.is_empty() { Ok(()) } else { Err(self.flaw(part, "is followed by something else")) }
    }

    /// Passes over bytes that are no DER.
    pub(super) fn skip(&mut self, count: usize) {
        self.bytes = self.bytes.get(count..).unwrap_or_default();
        self.at += count;
    }

    /// How many bytes the next value's tag and length take, and how many its content.
    fn header(&self, part: &'static str) -> Result<(usize, usize), Flaw> {
        match self.bytes.get(1).copied() {
            None => Err(self.flaw(part, "is cut off")),
            Some(length @ 0..=0x7f) => Ok((2, length.into())),
            // A length of more than three bytes is longer than any token. 0x80 itself, an open end, is not DER.
            Some(count @ 0x81..=0x83) => {
                let digits = usize::from(count - 0x80);
                let digits = self.bytes.get(2..2 + digits).ok_or_else(|| self.flaw(part, "is cut off"))?;
                let length = digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit));
                Ok((2 + digits.len(), length))
            }
            Some(_) => Err(self.flaw(part, "has no length that DER allows")),
        }
    }
}

/// Writes a value around what is in it, of at most 65535 bytes.
pub(super) fn put(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut out = vec![tag];
    match length {
        0..0x80 => {}
        0x80..0x100 => out.push(0x81),
        _ => out.extend([0x82, (length >> 8) as u8]),
    }
    out.push(length as u8);
    out.extend_from_slice(content);
    out
}
