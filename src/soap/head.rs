//! The headers of a request that decide how it is read.

use std::borrow::Cow;

/// SOAPAction and the content type. Both are read as ASP.NET reads them, not as their grammars say.
#[derive(Clone, Copy, Debug, Default)]
pub struct Head<'a> {
    pub soap_action: Option<&'a str>,
    pub content_type: &'a str,
}

impl<'a> Head<'a> {
    /// The part before `;`, not trimmed.
    fn media_type(&self) -> &'a str {
        split_at(self.content_type, b';').0
    }

    fn is_soap12(&self) -> bool {
        self.media_type().eq_ignore_ascii_case("application/soap+xml")
    }

    pub(super) fn is_text_xml(&self) -> bool {
        self.media_type().eq_ignore_ascii_case("text/xml")
    }

    pub(super) fn is_soap(&self) -> bool {
        self.is_text_xml() || self.is_soap12()
    }

    pub(super) fn is_application(&self) -> bool {
        split_at(self.media_type(), b'/').0.eq_ignore_ascii_case("application")
    }

    /// A parameter of the content type: the first whose name begins so. (`ContentType.GetParameter`)
    pub(super) fn parameter(&self, name: &str) -> Option<&'a str> {
        let (_, mut rest) = split_at(self.content_type, b';');
        while let Some(parameters) = rest {
            let (it, after) = split_at(parameters, b';');
            rest = after;
            let it = it.trim_start();
            if it.get(..name.len()).is_some_and(|it| it.eq_ignore_ascii_case(name))
                && let (_, Some(value)) = split_at(&it[name.len()..], b'=')
            {
                return Some(value.trim_matches([' ', '\t', '\'', '"']));
            }
        }
        None
    }

    /// SOAPAction without its pair of quotes, URL-decoded; `None` where the operation is found as in SOAP 1.2.
    pub(super) fn soap_action(&self) -> Option<Cow<'a, str>> {
        let value = self.soap_action.filter(|_| !self.is_soap12())?;
        Some(url_decoded(value.strip_prefix('"').and_then(|it| it.strip_suffix('"')).unwrap_or(value)))
    }

    /// The action of SOAP 1.2, URL-decoded; `None` where it is missing or empty.
    pub(super) fn action(&self) -> Option<Cow<'a, str>> {
        self.parameter("action").filter(|it| !it.is_empty()).map(url_decoded)
    }
}

/// A text before an ASCII character, and what follows it.
fn split_at(text: &str, at: u8) -> (&str, Option<&str>) {
    match memchr::memchr(at, text.as_bytes()) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    }
}

/// `HttpUtility.UrlDecode`: `+` is a blank, `%u0079` a UTF-16 unit, and what is no escape stays as it is.
#[must_use]
pub fn url_decoded(text: &str) -> Cow<'_, str> {
    if memchr::memchr2(b'+', b'%', text.as_bytes()).is_none() {
        return text.into();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['+', '%']) {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        let escape = &rest[at..];
        let hexadecimal = |digits: Option<&str>| {
            let digits = digits.filter(|it| it.bytes().all(|it| it.is_ascii_hexdigit()))?;
            u32::from_str_radix(digits, 16).ok()
        };
        let unit = escape.strip_prefix("%u").and_then(|it| hexadecimal(it.get(..4)));
        let byte = escape.strip_prefix('%').and_then(|it| hexadecimal(it.get(..2)));
        let taken = match (unit, byte) {
            (Some(unit), _) => {
                let c = char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER);
                bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                "%u0079".len()
            }
            (None, Some(byte)) => {
                bytes.push(byte as u8);
                "%79".len()
            }
            (None, None) => {
                bytes.push(if escape.starts_with('+') { b' ' } else { b'%' });
                1
            }
        };
        rest = &escape[taken..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&bytes).into_owned().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_found_by_how_their_names_begin() {
        for (content_type, charset) in [
            ("text/xml; charset=utf-8", Some("utf-8")),
            ("text/xml;CharSet= \"utf-8' ", Some("utf-8")),
            ("text/xml;\t charsetx=a; charset=b", Some("a")),
            ("text/xml; charset; charset=b=c", Some("b=c")),
            ("text/xml; charset =b", Some("b")),
            ("text/xml; xcharset=b", None),
            ("charset=a", None),
            ("text/xml; charset=", Some("")),
            ("text/xml; é=a", None),
        ] {
            assert_eq!(Head { soap_action: None, content_type }.parameter("charset"), charset, "{content_type}");
        }
    }

    #[test]
    fn actions_are_url_decoded() {
        for (text, decoded) in [
            ("a+b", "a b"),
            ("Test%53ecurity", "TestSecurity"),
            ("Test%u0053ecurit%u0079", "TestSecurity"),
            ("%ZZ%", "%ZZ%"),
            ("%u00", "%u00"),
            ("%c3%a9%", "é%"),
            ("%+1", "% 1"),
            ("plain", "plain"),
        ] {
            assert_eq!(url_decoded(text), decoded);
        }
    }
}
