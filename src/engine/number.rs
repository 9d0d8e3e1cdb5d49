//! Telephone numbers, however they are written. One reader serves scenarios, imports, calls and the admin API.
//!
//! A text is the number that it says, or an error that says why not: no trunk zero, international prefix, second number
//! or unknown character ever becomes a part of another number.

mod plan;

use std::borrow::Cow;
use std::fmt;

use plan::Trunk;

use crate::text::counted;

/// A telephone number in full: country code, number, extension, digits only.
///
/// `+1 425 555 0100`, `1 4255550100`, `14255550100`, `011 1 425 555 0100`, `(425) 555-0100` with country code 1, and the
/// same with `x42` or `ext. 42` behind it are one number each. So are `+44 (0)1632 960000` and `01632 960000` with
/// country code 44.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct Number {
    digits: String,
    extension: String,
    /// How many of the digits are the country code; 0 where nothing says.
    country: usize,
}

/// Why a text is no telephone number.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NotANumber {
    Empty,
    /// A character that no number has.
    Character(char),
    /// A character that no extension has.
    Extension(char),
    /// Fewer than 5 or more than 15 digits; the count is of those that are written.
    Length(usize),
    /// More than one number.
    Several,
    /// No country code begins so, and nothing else says which country the number is of.
    Country,
    /// The first digits may be a country code or an area code.
    Ambiguous,
    /// The number behind the country code begins with a digit that no number of that country begins with.
    Start {
        digit: char,
        country: u16,
    },
}

impl Number {
    /// Reads a number. `country` is the code given beside it, empty where there is none; `default_country`
    /// stands in for it.
    ///
    /// # Errors
    /// [`NotANumber`]
    pub fn read(text: &str, country: &str, extension: &str, default_country: &str) -> Result<Self, NotANumber> {
        let Written { digits, plus, lead, marked, extension: own_extension } = Written::read(text)?;
        let country = code_of(country)?;
        let default_country = code_of(default_country)?;
        let length = digits.len();
        let home = if country.is_empty() { &default_country } else { &country };
        let full = |skipped: usize| {
            let behind = |place: Option<usize>| place.and_then(|it| it.checked_sub(skipped));
            in_full(&digits[skipped..], behind(lead).filter(|it| *it > 0), behind(marked))
        };
        if digits.is_empty() {
            return Err(NotANumber::Empty);
        }
        // Prefixes come on top of the digits of a number.
        if length + home.len() < *LENGTHS.start() || length > *LENGTHS.end() + 4 {
            return Err(NotANumber::Length(length));
        }
        let mut number = if plus {
            full(0)
        } else if let Some(rest) = plan::without_international_prefix(&digits, home) {
            full(length - rest.len())
        } else if !country.is_empty() {
            match begins_with(&digits, &country) {
                true => full(0),
                false => national(&country, &digits, marked),
            }
        } else if !home.is_empty() && (digits.starts_with('0') || has_trunk_prefix(&digits, home)) {
            national(home, &digits, marked)
        } else if length > LOCAL || home.is_empty() {
            full(0)
        } else {
            match lead.map(|it| &digits[..it]).filter(|it| it != home && plan::trunk(it).is_some()) {
                // North America groups its numbers by three and four digits.
                Some(code) if home == "1" && code.len() < 3 => full(0),
                Some(_) if plan::trunk(home) == Some(Trunk::Zero) => Err(NotANumber::Ambiguous),
                _ => national(home, &digits, marked),
            }
        }?;
        if !LENGTHS.contains(&number.digits.len()) {
            return Err(NotANumber::Length(length));
        }
        number.extension = match extension.trim() {
            "" => own_extension,
            given => extension_of(given)?,
        };
        Ok(number)
    }

    /// A number as a user's settings keep it: see [`Self::kept`]. `None` where the parts are not of that form.
    #[must_use]
    pub fn stored(country: &str, rest: &str, extension: &str) -> Option<Self> {
        let digits = [country, rest].concat();
        let is_plain = !country.is_empty() && !rest.is_empty() && digits.bytes().all(|it| it.is_ascii_digit());
        (is_plain && LENGTHS.contains(&digits.len())).then(|| Self {
            digits,
            extension: extension.into(),
            country: country.len(),
        })
    }

    /// Country code and number, digits only.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.digits
    }

    /// The country code, empty where nothing says how long it is, and the rest.
    #[must_use]
    pub fn parts(&self) -> (&str, &str) {
        self.digits.split_at(self.country)
    }

    #[must_use]
    pub fn extension(&self) -> &str {
        &self.extension
    }

    /// Country code, number and extension as a user's settings keep them. Where nothing says how long the country
    /// code is, the default one counts if the number begins with it.
    #[must_use]
    pub fn kept(&self, default_country: &str) -> (&str, &str, &str) {
        let (country, rest) = match self.country {
            0 if self.digits.starts_with(default_country) => self.digits.split_at(default_country.len()),
            country => self.digits.split_at(country),
        };
        (country, rest, &self.extension)
    }

    /// Whether the number lies in a country. Where nothing says how long its country code is, the first digits
    /// decide.
    #[must_use]
    pub fn is_in(&self, country: &str) -> bool {
        match self.country {
            0 => self.digits.starts_with(country),
            length => self.digits[..length] == *country,
        }
    }

    /// Whether it lies in a range that is reserved for fiction.
    #[must_use]
    pub fn is_fictional(&self) -> bool {
        let digits = &self.digits;
        let american = digits.len() == 11 && digits.starts_with('1') && &digits[4..9] == "55501";
        american || (digits.len() == 12 && FICTION.iter().any(|it| digits.starts_with(it)))
    }

    /// Whether two spellings reach the same phone. An extension counts where both have one.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        let extensions = self.extension.is_empty() || other.extension.is_empty() || self.extension == other.extension;
        self.digits == other.digits && extensions
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (country, rest) = self.parts();
        f.write_str("+")?;
        if !country.is_empty() {
            write!(f, "{country} ")?;
        }
        f.write_str(rest)?;
        if !self.extension.is_empty() {
            write!(f, " x{}", self.extension)?;
        }
        Ok(())
    }
}

impl fmt::Display for NotANumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lengths = format_args!("{} to {}", LENGTHS.start(), LENGTHS.end());
        match self {
            Self::Empty => f.write_str("it has no digits"),
            Self::Character(c) => write!(f, "{} does not belong in it", named(*c)),
            Self::Extension(c) => write!(f, "{} does not belong in its extension", named(*c)),
            Self::Length(digits) => {
                write!(f, "it has {}, and with its country code a number has {lengths}", counted(*digits, "digit"))
            }
            Self::Several => f.write_str("it is more than one number"),
            Self::Country => f.write_str("no country code begins so; write it as +, country code, number"),
            Self::Ambiguous => f.write_str(
                "its first digits may be a country code or an area code; write it with + and its country code",
            ),
            Self::Start { digit, country } => write!(
                f,
                "no number of country code {country} begins with {digit}; write it with its own country code, as in +44 1632 960000"
            ),
        }
    }
}

/// A character as people can find it: with its code point where it looks like another one, or like nothing.
fn named(c: char) -> String {
    match c {
        ' '..='~' => format!("{c:?}"),
        _ if c.is_alphanumeric() => format!("{c:?} (U+{:04X})", u32::from(c)),
        _ => format!("the character U+{:04X}", u32::from(c)),
    }
}

/// Three digits follow on each: numbers for fiction of Britain (Ofcom) and Germany (Bundesnetzagentur).
const FICTION: &[&str] =
    &["441632960", "442079460", "447700900", "493023125", "494066969", "496990009", "498999998", "492214710"];

/// How many digits a number has with its country code: E.164 allows 15, and numbers inside companies are short.
const LENGTHS: std::ops::RangeInclusive<usize> = 5..=15;

/// The longest number that is written without its country code: North America's.
const LOCAL: usize = 10;

/// The words before an extension, in lower case; a longer one before its beginning.
const EXTENSION: &[&str] = &["extension", "extn", "ext", "xtn", "x", "#", "poste", "anexo", "dw", "доб"];

/// A number as it is written.
#[derive(Debug, Default)]
struct Written<'a> {
    digits: Cow<'a, str>,
    plus: bool,
    /// How many digits stand before the first blank or other separator.
    lead: Option<usize>,
    /// The place of a digit that stands in parentheses alone, as the trunk prefix does: `+44 (0)1632 960000`.
    marked: Option<usize>,
    extension: String,
}

impl<'a> Written<'a> {
    fn read(text: &'a str) -> Result<Self, NotANumber> {
        let text = text.trim();
        if text.bytes().all(|it| it.is_ascii_digit()) {
            return Ok(Self { digits: text.into(), ..Self::default() });
        }
        let text = ["tel:", "callto:"].iter().find_map(|it| strip_word(text, it)).unwrap_or(text);
        let (mut digits, mut it) = (String::with_capacity(text.len()), Self::default());
        let (mut opened, mut slash) = (None, None);
        for (at, c) in text.char_indices() {
            match Sign::of(c) {
                Sign::Digit(digit) => digits.push(digit),
                Sign::Nothing => (),
                Sign::Plus if digits.is_empty() && !it.plus => it.plus = true,
                Sign::Plus | Sign::Break => return Err(NotANumber::Several),
                Sign::Separator(separator) => {
                    if !digits.is_empty() {
                        it.lead = it.lead.or(Some(digits.len()));
                    }
                    match separator {
                        '(' => opened = Some(digits.len()),
                        ')' => it.marked = it.marked.or_else(|| opened.filter(|it| it + 1 == digits.len())),
                        '/' if digits.len() >= LOCAL - 3 => slash = Some(digits.len()),
                        _ => (),
                    }
                }
                Sign::Other => {
                    it.extension = extension_behind(&text[at..])
                        .filter(|_| !digits.is_empty())
                        .unwrap_or(Err(NotANumber::Character(c)))?;
                    break;
                }
            }
        }
        // The last digits of a second number: `030 23125001/02`.
        if slash.is_some_and(|it| (1..=3).contains(&(digits.len() - it))) {
            return Err(NotANumber::Several);
        }
        it.lead = it.lead.filter(|it| *it < digits.len());
        Ok(Self { digits: digits.into(), ..it })
    }
}

/// What a character is in a number.
enum Sign {
    Digit(char),
    Plus,
    Separator(char),
    /// A line ends.
    Break,
    /// Characters that are not seen, as copying from a web page brings them along.
    Nothing,
    Other,
}

impl Sign {
    fn of(c: char) -> Self {
        match c {
            '0'..='9' => Self::Digit(c),
            '+' | '\u{ff0b}' => Self::Plus,
            '(' | '\u{ff08}' => Self::Separator('('),
            ')' | '\u{ff09}' => Self::Separator(')'),
            '/' | '\u{ff0f}' | '\u{2044}' => Self::Separator('/'),
            ' ' | '-' | '.' | '[' | ']' | '~' | '\t' | '\u{a0}' | '\u{b7}' | '\u{2000}'..='\u{200a}' => {
                Self::Separator(' ')
            }
            // Dashes and the minus.
            '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{30fc}' | '\u{ff0d}' => Self::Separator(' '),
            '\u{202f}' | '\u{205f}' | '\u{3000}' | '\u{ff0e}' => Self::Separator(' '),
            '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' => {
                Self::Nothing
            }
            '\n' | '\r' | '\u{2028}' | '\u{2029}' => Self::Break,
            // Full-width, Arabic, Persian.
            '\u{ff10}'..='\u{ff19}' => Self::digit(c, 0xff10),
            '\u{660}'..='\u{669}' => Self::digit(c, 0x660),
            '\u{6f0}'..='\u{6f9}' => Self::digit(c, 0x6f0),
            _ => Self::Other,
        }
    }

    fn digit(c: char, zero: u32) -> Self {
        Self::Digit(char::from_digit(u32::from(c) - zero, 10).expect("the range has ten characters"))
    }
}

/// The digits of a text in which `keep` are kept, too, and which is not yet split into country code and number.
///
/// # Errors
/// [`NotANumber::Character`]
pub(in crate::engine) fn digits_and(text: &str, keep: char) -> Result<String, NotANumber> {
    let mut digits = String::with_capacity(text.len());
    for c in text.chars() {
        match Sign::of(c) {
            Sign::Digit(digit) => digits.push(digit),
            Sign::Other if c == keep => digits.push(c),
            Sign::Other => return Err(NotANumber::Character(c)),
            Sign::Plus | Sign::Separator(_) | Sign::Break | Sign::Nothing => (),
        }
    }
    Ok(digits)
}

/// A country code: digits alone, without an international prefix.
fn code_of(text: &str) -> Result<Cow<'_, str>, NotANumber> {
    if text.bytes().all(|it| it.is_ascii_digit()) && !text.starts_with('0') {
        return Ok(text.into());
    }
    Ok(Written::read(text)?.digits.trim_start_matches('0').to_owned().into())
}

/// A number from digits that begin with the country code, which ends at the first separator or before it.
fn in_full(digits: &str, lead: Option<usize>, marked: Option<usize>) -> Result<Number, NotANumber> {
    let ends = |it: &(usize, Trunk)| lead.is_none_or(|lead| it.0 <= lead);
    let (length, _) = plan::country_of(digits).filter(ends).ok_or(NotANumber::Country)?;
    national(&digits[..length], &digits[length..], marked.and_then(|it| it.checked_sub(length)))
}

/// A number from its country code and the digits that are dialled in that country.
fn national(country: &str, digits: &str, marked: Option<usize>) -> Result<Number, NotANumber> {
    let trunk = plan::trunk(country);
    let is_marked = marked == Some(0) && (digits.starts_with('0') || has_trunk_prefix(digits, country));
    let rest = match trunk {
        Some(Trunk::Dialled) => digits,
        _ if is_marked => &digits[1..],
        Some(Trunk::Digits { prefix, .. }) if has_trunk_prefix(digits, country) => &digits[prefix.len()..],
        Some(Trunk::Zero) => digits.strip_prefix('0').unwrap_or(digits),
        Some(Trunk::None | Trunk::Digits { .. }) | None => digits,
    };
    let first = rest.chars().next().unwrap_or('0');
    let never = first == '0' || (country == "1" && first == '1');
    if never && trunk != Some(Trunk::Dialled) {
        return Err(NotANumber::Start { digit: first, country: country.parse().unwrap_or_default() });
    }
    Ok(Number { digits: [country, rest].concat(), extension: String::new(), country: country.len() })
}

/// Whether digits begin with the prefix of calls within a country.
fn has_trunk_prefix(digits: &str, country: &str) -> bool {
    match plan::trunk(country) {
        Some(Trunk::Digits { prefix, length }) => {
            digits.strip_prefix(prefix).is_some_and(|it| it.len() == length || (prefix.starts_with('0')))
        }
        _ => digits.starts_with('0'),
    }
}

/// Whether the digits carry their country code already: North American numbers have 11 with it. Elsewhere lengths
/// vary, and more digits than a local number has, behind the same code, are taken for a full number.
fn begins_with(digits: &str, code: &str) -> bool {
    !code.is_empty() && digits.starts_with(code) && digits.len() > LOCAL
}

/// The extension that a text begins with, and its word. `None`: it begins with no word for it.
fn extension_behind(text: &str) -> Option<Result<String, NotANumber>> {
    if let Some(rest) = text.strip_prefix([';', ',']) {
        let rest = strip_word(rest, "ext=").unwrap_or(rest);
        let is_short = rest.len() <= 6 && rest.starts_with(|it: char| it.is_ascii_digit());
        return Some(if is_short { extension_of(rest) } else { Err(NotANumber::Several) });
    }
    let rest = EXTENSION.iter().find_map(|it| strip_word(text, it))?;
    let rest = rest.trim_start_matches(['.', ':', '=', ' ', '\u{a0}']);
    rest.starts_with(|it: char| matches!(Sign::of(it), Sign::Digit(_))).then(|| extension_of(rest))
}

/// An extension: digits, `#` and `*`; a comma waits. A word before it is left out.
fn extension_of(text: &str) -> Result<String, NotANumber> {
    if let Some(extension) = text.starts_with(char::is_alphabetic).then(|| extension_behind(text)).flatten() {
        return extension;
    }
    let mut extension = String::new();
    for c in text.chars() {
        match Sign::of(c) {
            Sign::Digit(digit) => extension.push(digit),
            Sign::Other if matches!(c, '#' | '*' | ',') => extension.push(c),
            Sign::Separator(_) | Sign::Nothing => (),
            _ => return Err(NotANumber::Extension(c)),
        }
    }
    Ok(extension)
}

/// The text behind a word, letter case aside.
fn strip_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(word.len())?;
    (head.to_lowercase() == word).then_some(rest)
}

#[cfg(test)]
mod tests;
