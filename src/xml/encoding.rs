//! From bytes to characters, as .NET decodes them.

use std::borrow::Cow;

use encoding_rs::{UTF_16BE, UTF_16LE};

/// A text, and what is known of the bytes that it was.
#[derive(Clone, Debug)]
pub struct Input<'i> {
    text: Cow<'i, str>,
    source: Source,
}

/// Where the characters of a text come from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    /// The encoding was known before: what the XML declaration says of it does not matter.
    Characters,
    /// The bytes and their XML declaration decided.
    Stream {
        /// UTF-16, so that the declaration may say so.
        is_utf16: bool,
        /// The bytes that follow are none of the encoding.
        breaks_off: bool,
    },
}

impl Source {
    pub(super) const fn is_stream(self) -> bool {
        matches!(self, Self::Stream { .. })
    }

    pub(super) const fn breaks_off(self) -> bool {
        matches!(self, Self::Stream { breaks_off: true, .. })
    }
}

impl<'i> Input<'i> {
    /// Decodes by an encoding that is named outside the text. A byte-order mark wins, and what cannot be decoded becomes
    /// U+FFFD. (`StreamReader`)
    #[must_use]
    pub fn named(bytes: &'i [u8], encoding: Encoding) -> Self {
        let (encoding, rest) = marked(bytes).unwrap_or((encoding, bytes));
        Self { text: encoding.decode(rest), source: Source::Characters }
    }

    /// Decodes by what the bytes and their XML declaration say. Invalid UTF-8 ends the text. (`XmlTextReader` over a
    /// stream)
    #[must_use]
    pub fn declared(bytes: &'i [u8]) -> Self {
        let (detected, rest) = detected(bytes);
        let is_utf16 = matches!(detected, Some(Encoding::Web(it)) if it == UTF_16LE || it == UTF_16BE);
        let source = |breaks_off| Source::Stream { is_utf16, breaks_off };
        let declared = match detected {
            None => declared(&Encoding::Ascii.decode(&rest[..rest.len().min(DECLARATION)])),
            Some(encoding) => declared(&encoding.decode(&rest[..rest.len().min(DECLARATION * 4) & !3])),
        };
        // A declaration that says UTF-16 or UCS-4 changes nothing.
        let declared = declared.filter(|(_, name)| !is_wide(name));
        let switched = declared.and_then(|(end, name)| Some((end, known(&name)?)));
        match (detected, switched) {
            (None, None) => Self::strict(String::new(), rest, source),
            (Some(encoding), None) if !encoding.is_utf8() => {
                Self { text: encoding.decode(rest), source: source(false) }
            }
            (Some(_), None) => Self::strict(String::new(), rest, source),
            (detected, Some((end, encoding))) => {
                let first = detected.unwrap_or(Encoding::Ascii);
                let end = first.width() * end;
                if encoding.is_utf8() {
                    if first.width() == 1 {
                        return Self::strict(String::new(), rest, source);
                    }
                    return Self::strict(first.decode(&rest[..end]).into_owned(), &rest[end..], source);
                }
                let text = [first.decode(&rest[..end]), encoding.decode(&rest[end..])].concat();
                Self { text: text.into(), source: source(false) }
            }
        }
    }

    fn strict(before: String, bytes: &'i [u8], source: impl Fn(bool) -> Source) -> Self {
        let (text, breaks_off) = match str::from_utf8(bytes) {
            Ok(text) => (text, false),
            Err(error) => {
                let valid = &bytes[..error.valid_up_to()];
                (str::from_utf8(valid).expect("it was found valid"), true)
            }
        };
        let text = if before.is_empty() { text.into() } else { Cow::Owned(before + text) };
        Self { text, source: source(breaks_off) }
    }

    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the text is all of the bytes as they came.
    #[must_use]
    pub fn is_whole(&self, bytes: &[u8]) -> bool {
        matches!(self.text, Cow::Borrowed(text) if text.len() == bytes.len())
    }

    pub(super) const fn source(&self) -> Source {
        self.source
    }
}

impl<'i> From<&'i str> for Input<'i> {
    fn from(text: &'i str) -> Self {
        Self { text: text.into(), source: Source::Characters }
    }
}

/// The most characters of an XML declaration that are looked at.
const DECLARATION: usize = 1024;

/// An encoding of .NET.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Encoding {
    /// Other bytes become `?`.
    Ascii,
    /// Every byte is the character of its number.
    Latin1,
    /// UTF-32, by where the bytes of a character stand, the highest first.
    Wide([u8; 4]),
    Web(&'static encoding_rs::Encoding),
}

const WIDE_LITTLE: Encoding = Encoding::Wide([3, 2, 1, 0]);
const WIDE_BIG: Encoding = Encoding::Wide([0, 1, 2, 3]);

impl Encoding {
    pub const UTF_8: Self = Self::Web(encoding_rs::UTF_8);

    /// The encoding of that name; `None` where .NET knows none.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        if name.eq_ignore_ascii_case("utf-8") {
            return Some(Self::UTF_8);
        }
        Some(match name.to_ascii_lowercase().as_str() {
            "ansi_x3.4-1968" | "ansi_x3.4-1986" | "ascii" | "cp367" | "csascii" | "ibm367" | "iso-ir-6"
            | "iso646-us" | "iso_646.irv:1991" | "us" | "us-ascii" => Self::Ascii,
            "cp819" | "csisolatin1" | "ibm819" | "iso-8859-1" | "iso-ir-100" | "iso8859-1" | "iso_8859-1"
            | "iso_8859-1:1987" | "l1" | "latin1" => Self::Latin1,
            "iso-10646-ucs-2" | "ucs-2" | "unicode" | "utf-16" | "utf-16le" => Self::Web(UTF_16LE),
            "unicodefffe" | "utf-16be" => Self::Web(UTF_16BE),
            "utf-32" | "utf-32le" => WIDE_LITTLE,
            "utf-32be" => WIDE_BIG,
            "unicode-1-1-utf-8" | "unicode-2-0-utf-8" | "x-unicode-1-1-utf-8" | "x-unicode-2-0-utf-8" => Self::UTF_8,
            other => match encoding_rs::Encoding::for_label_no_replacement(other.as_bytes())? {
                // Browsers know these by names that .NET does not know, such as `utf8`.
                it if it == encoding_rs::UTF_8 || it == UTF_16LE || it == UTF_16BE => return None,
                it if it == encoding_rs::X_USER_DEFINED => return None,
                it => Self::Web(it),
            },
        })
    }

    fn is_utf8(self) -> bool {
        self == Self::UTF_8
    }

    /// Bytes a character of ASCII.
    fn width(self) -> usize {
        match self {
            Self::Wide(_) => 4,
            Self::Web(it) if it == UTF_16LE || it == UTF_16BE => 2,
            _ => 1,
        }
    }

    fn decode(self, bytes: &[u8]) -> Cow<'_, str> {
        match self {
            Self::Ascii => match str::from_utf8(bytes) {
                Ok(text) if text.is_ascii() => text.into(),
                _ => {
                    bytes.iter().map(|it| if it.is_ascii() { char::from(*it) } else { '?' }).collect::<String>().into()
                }
            },
            Self::Latin1 => encoding_rs::mem::decode_latin1(bytes),
            Self::Wide(order) => {
                let (characters, rest) = bytes.as_chunks::<4>();
                let number = |it: &[u8; 4]| u32::from_be_bytes(order.map(|at| it[usize::from(at)]));
                let decoded =
                    characters.iter().map(|it| char::from_u32(number(it)).unwrap_or(char::REPLACEMENT_CHARACTER));
                decoded.chain((!rest.is_empty()).then_some(char::REPLACEMENT_CHARACTER)).collect::<String>().into()
            }
            Self::Web(it) if it == encoding_rs::UTF_8 => {
                str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::from)
            }
            Self::Web(it) => it.decode_without_bom_handling(bytes).0,
        }
    }
}

/// The encoding of a byte-order mark, and what follows it.
fn marked(bytes: &[u8]) -> Option<(Encoding, &[u8])> {
    Some(match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => (Encoding::UTF_8, rest),
        [0xff, 0xfe, 0, 0, rest @ ..] => (WIDE_LITTLE, rest),
        [0, 0, 0xfe, 0xff, rest @ ..] => (WIDE_BIG, rest),
        [0xff, 0xfe, rest @ ..] => (Encoding::Web(UTF_16LE), rest),
        [0xfe, 0xff, rest @ ..] => (Encoding::Web(UTF_16BE), rest),
        _ => return None,
    })
}

/// What `XmlTextReader` takes the first bytes for; `None`: ASCII until the declaration is read, then UTF-8.
fn detected(bytes: &[u8]) -> (Option<Encoding>, &[u8]) {
    let (encoding, mark) = match bytes {
        [0, 0, 0xfe, 0xff, ..] => (WIDE_BIG, 4),
        [0, 0, 0, b'<', ..] => (WIDE_BIG, 0),
        [0, 0, 0xff, 0xfe, ..] => (Encoding::Wide([1, 0, 3, 2]), 4),
        [0, 0, b'<', 0, ..] => (Encoding::Wide([1, 0, 3, 2]), 0),
        [0xfe, 0xff, 0, 0, ..] => (Encoding::Wide([2, 3, 0, 1]), 4),
        [0, b'<', 0, 0, ..] => (Encoding::Wide([2, 3, 0, 1]), 0),
        [0xff, 0xfe, 0, 0, ..] => (WIDE_LITTLE, 4),
        [b'<', 0, 0, 0, ..] => (WIDE_LITTLE, 0),
        [0xfe, 0xff, ..] => (Encoding::Web(UTF_16BE), 2),
        [0, b'<', ..] => (Encoding::Web(UTF_16BE), 0),
        [0xff, 0xfe, ..] => (Encoding::Web(UTF_16LE), 2),
        [b'<', 0, ..] => (Encoding::Web(UTF_16LE), 0),
        [0xef, 0xbb, 0xbf, ..] => (Encoding::UTF_8, 3),
        _ => return (None, bytes),
    };
    (Some(encoding), &bytes[mark..])
}

/// The end of an XML declaration, in characters, and the encoding that it names. The reader finds what is wrong with it.
fn declared(start: &str) -> Option<(usize, String)> {
    let inner = start.strip_prefix("<?xml")?.split("?>").next()?;
    let (_, value) = inner.split_once("encoding")?;
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|it| matches!(it, '"' | '\''))?;
    let name = value[1..].split(quote).next()?;
    let end = "<?xml".len() + inner.len() + "?>".len();
    start.is_char_boundary(end).then(|| (start[..end].chars().count(), name.to_owned()))
}

fn is_wide(name: &str) -> bool {
    ["ucs-2", "utf-16", "iso-10646-ucs-2", "ucs-4"].iter().any(|it| it.eq_ignore_ascii_case(name))
}

fn known(name: &str) -> Option<Encoding> {
    Encoding::of(name)
}

/// Why an encoding cannot be the one that an XML declaration names.
pub(super) enum Refused {
    /// UTF-16 without a byte-order mark.
    NoMark,
    Unknown,
}

/// Whether an XML declaration may name this encoding.
pub(super) fn judge(source: Source, name: &str) -> Result<(), Refused> {
    match source {
        Source::Characters => Ok(()),
        Source::Stream { is_utf16, .. } if is_wide(name) => match is_utf16 || name.eq_ignore_ascii_case("ucs-4") {
            true => Ok(()),
            false => Err(Refused::NoMark),
        },
        Source::Stream { .. } => known(name).map(drop).ok_or(Refused::Unknown),
    }
}
