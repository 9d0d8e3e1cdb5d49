//! Telephone numbers, however they are written.

use std::borrow::Cow;
use std::fmt;

/// A telephone number in full: country code, number, extension, digits only.
///
/// `+1 425 555 0100`, `1 4255550100`, `14255550100`, `(425) 555-0100` with country code 1, and the same with
/// `x42` or `ext. 42` behind it are one number each.
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
    /// Something else than digits, blanks and `+ - ( ) . /`.
    Character(char),
    /// Fewer than 5 or more than 20 digits.
    Length(usize),
}

impl Number {
    /// Reads a number. `country` is the code given beside it, empty where there is none; `default_country`
    /// stands in for it.
    ///
    /// # Errors
    /// [`NotANumber`]
    pub fn read(text: &str, country: &str, extension: &str, default_country: &str) -> Result<Self, NotANumber> {
        let (text, own_extension) = split_extension(text.trim());
        let digits = digits_of(text)?;
        let country = digits_of(country.trim())?;
        let default_country = digits_of(default_country.trim())?;
        let full = |code: &str| Self {
            digits: if begins_with(&digits, code) { digits.to_string() } else { [code, &digits].concat() },
            extension: String::new(),
            country: code.len(),
        };
        let written = |country| Self { digits: digits.to_string(), extension: String::new(), country };
        let mut number = if digits.is_empty() {
            return Err(NotANumber::Empty);
        } else if text.starts_with('+') {
            written(
                leading_group(text, &digits)
                    .unwrap_or_else(|| usize::from(digits.starts_with(&*country)) * country.len()),
            )
        } else if !country.is_empty() {
            full(&country)
        } else if let Some(group) = leading_group(text, &digits).filter(|_| digits.len() > LOCAL) {
            written(group)
        } else if digits.len() <= LOCAL || begins_with(&digits, &default_country) {
            full(&default_country)
        } else {
            written(0)
        };
        if !(5..=20).contains(&number.digits.len()) {
            return Err(NotANumber::Length(number.digits.len()));
        }
        let extension = if extension.trim().is_empty() { own_extension } else { extension.trim() };
        number.extension =
            extension.chars().filter(|it| it.is_ascii_digit() || matches!(it, '#' | '*' | ',')).collect();
        Ok(number)
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
        match self {
            Self::Empty => f.write_str("it has no digits"),
            Self::Character(c) => write!(f, "{c:?} does not belong in it"),
            Self::Length(digits) => write!(f, "it has {digits} digits, and 5 to 20 make a number"),
        }
    }
}

/// Three digits follow on each: numbers for fiction of Britain (Ofcom) and Germany (Bundesnetzagentur).
const FICTION: &[&str] =
    &["441632960", "442079460", "447700900", "493023125", "494066969", "496990009", "498999998", "492214710"];

/// The longest number that is written without its country code: North America's.
const LOCAL: usize = 10;

/// Whether the digits carry their country code already: North American numbers have 11 with it. Elsewhere lengths
/// vary, and more digits than a local number has, behind the same code, are taken for a full number.
fn begins_with(digits: &str, code: &str) -> bool {
    !code.is_empty() && digits.starts_with(code) && digits.len() > LOCAL
}

/// The length of a country code that stands apart: `+1 425…`, `44 1632…`.
fn leading_group(text: &str, digits: &str) -> Option<usize> {
    let bare = text.strip_prefix('+').unwrap_or(text);
    let group = bare.chars().take_while(char::is_ascii_digit).count();
    (1..=3).contains(&group).then_some(group).filter(|it| *it < digits.len())
}

fn digits_of(text: &str) -> Result<Cow<'_, str>, NotANumber> {
    let text = text.strip_prefix('+').unwrap_or(text);
    if text.bytes().all(|it| it.is_ascii_digit()) {
        return Ok(text.into());
    }
    let strange =
        text.chars().find(|it| !it.is_ascii_digit() && !matches!(it, ' ' | '\u{a0}' | '-' | '(' | ')' | '.' | '/'));
    match strange {
        Some(c) => Err(NotANumber::Character(c)),
        None => Ok(text.chars().filter(char::is_ascii_digit).collect()),
    }
}

fn split_extension(text: &str) -> (&str, &str) {
    if !text.contains([';', 'x', 'X']) {
        return (text, "");
    }
    let lower = text.to_ascii_lowercase();
    let cut = ["ext.", "ext", "x", ";"].iter().find_map(|it| Some((lower.find(it)?, it.len())));
    match cut {
        Some((at, length)) => (text[..at].trim_end(), text[at + length..].trim()),
        None => (text, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_fiction_are_known() {
        let is_fictional = |text| Number::read(text, "", "", "1").unwrap().is_fictional();
        for text in ["1 4255550100", "(212) 555-0199 x7", "+44 1632 960999", "+49 30 23125 123"] {
            assert!(is_fictional(text), "{text}");
        }
        for text in ["+1 425 555 0200", "+1 425 882 8080", "+44 1632 9609", "+49 30 2312 5123 4"] {
            assert!(!is_fictional(text), "{text}");
        }
    }

    #[test]
    fn every_spelling_of_a_number_is_that_number() {
        let spellings = [
            ("+1 425 555 0100", ""),
            ("+1 (425) 555-0100", ""),
            ("+14255550100", ""),
            ("1 4255550100", ""),
            ("14255550100", ""),
            ("14255550100", "1"),
            ("4255550100", "1"),
            ("425.555.0100", "+1"),
            ("(425) 555-0100", ""),
            ("425 555 0100", ""),
        ];
        for (text, country) in spellings {
            let number = Number::read(text, country, "", "1").unwrap();
            assert_eq!(number.digits(), "14255550100", "{text} with {country:?}");
            assert!(number.is_in("1"), "{text}");
        }
    }

    #[test]
    fn other_countries_keep_their_codes() {
        let read = |text, country| Number::read(text, country, "", "1").unwrap();
        assert_eq!(read("+44 1632 960000", "").digits(), "441632960000");
        assert_eq!(read("1632960000", "44").digits(), "441632960000");
        assert_eq!(read("44 1632960000", "").digits(), "441632960000");
        assert!(!read("44 1632960000", "").is_in("1"));
        assert_eq!(Number::read("1632960000", "", "", "44").unwrap().digits(), "441632960000");
    }

    #[test]
    fn extensions_count_where_both_have_one() {
        let read = |text| Number::read(text, "", "", "1").unwrap();
        assert_eq!(read("+1 425 555 0100 ext. 42").extension(), "42");
        assert_eq!(read("4255550100x42").to_string(), "+1 4255550100 x42");
        assert!(read("4255550100x42").same_as(&read("4255550100")));
        assert!(!read("4255550100x42").same_as(&read("4255550100x43")));
    }

    #[test]
    fn what_is_no_number_says_why() {
        let read = |text| Number::read(text, "", "", "1").unwrap_err().to_string();
        assert_eq!(read(""), "it has no digits");
        assert_eq!(read("42a5550100"), "'a' does not belong in it");
        assert_eq!(read("12"), "it has 3 digits, and 5 to 20 make a number");
    }
}
