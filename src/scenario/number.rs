//! Telephone numbers and their parts.

use crate::engine::Number;

use super::fields::Reader;
use super::mistake::{Code, quoted};
use super::values::{ReaderExt, text_as};
use super::written::Written;

/// A country code, without its `+`.
pub(super) fn country_code<'a>() -> impl Reader<'a, Value = String> {
    let read = |written: Written<'a>| {
        let text = written.text()?.trim();
        let digits = text.strip_prefix('+').unwrap_or(text);
        match (1..=3).contains(&digits.len()) && digits.bytes().all(|it| it.is_ascii_digit()) {
            true => Some(digits.into()),
            false => written.wrong(
                Code::BadValue,
                format!("{} is no country code", quoted(text)),
                ["A country code has 1 to 3 digits: \"1\" for North America.".into()],
            ),
        }
    };
    text_as("1 to 3 digits", read).shown_as(|it: &String| format!("`{it}`"))
}

/// A telephone number in any spelling; `default` is the country code of a number that is written without one.
pub(super) fn number<'a>(default: &str) -> impl Reader<'a, Value = Number> {
    text_as("number", move |it: Written<'a>| read_number(it, it.text()?, "", "", default))
}

/// Reads a number from its parts. `default` is the country code where neither `text` nor `country` has one.
pub(super) fn read_number(
    written: Written<'_>,
    text: &str,
    country: &str,
    extension: &str,
    default: &str,
) -> Option<Number> {
    Number::read(text, country, extension, default)
        .map_err(|why| {
            let help = "Any usual spelling will do: +1 425 555 0100, 1 4255550100, (425) 555-0100 ext. 42.".into();
            written.report(Code::NotANumber, format!("{} is no telephone number: {why}", quoted(text)), [help]);
        })
        .ok()
}
