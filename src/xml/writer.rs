//! Elements written into one buffer.

use std::fmt;

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

    /// Text with `& < >` escaped, and nothing else: a carriage return stands as it is. Characters that XML cannot carry
    /// become `&#x..;`. .NET writes both so.
    pub fn text(&mut self, text: &str) {
        if !text.bytes().any(|it| MAY_NEED_ESCAPE[usize::from(it)]) {
            return self.out.push_str(text);
        }
        for c in text.chars() {
            match c {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '\t' | '\n' | '\r' => self.out.push(c),
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

/// Whether a text with a byte is worth a closer look. 0xEF begins U+FFFE and U+FFFF, among others.
const MAY_NEED_ESCAPE: [bool; 256] = {
    let mut may = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        may[byte] = byte < 0x20 || matches!(byte as u8, b'&' | b'<' | b'>' | 0xef);
        byte += 1;
    }
    may
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_markup_is_escaped() {
        let mut writer = Writer::default();
        writer.element("a", "<\"'&>\u{1}\r\n");
        writer.element("b", "");
        assert_eq!(writer.finish(), "<a>&lt;\"'&amp;&gt;&#x1;\r\n</a><b />");
    }
}
