//! Text for screens and logs: characters that a terminal obeys or hides are written as escapes.

use std::borrow::Cow;
use std::fmt::{Display, Write};
use std::time::Duration;

use serde::Serialize;

/// Whether a character is text: no control character, and none that changes the direction of what stands beside it.
#[must_use]
pub fn is_plain(it: char) -> bool {
    !it.is_control() && !is_bidirectional(it)
}

/// The formatting characters of Unicode's bidirectional algorithm. They reorder a line, and show nothing.
const fn is_bidirectional(it: char) -> bool {
    matches!(it, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A text for a terminal. Line breaks and tabs stay; other characters that are not plain become `\u{1b}` and the like.
#[must_use]
pub fn escaped(text: &str) -> Cow<'_, str> {
    escaped_where(text, |it| !is_plain(it) && !matches!(it, '\n' | '\r' | '\t'))
}

/// A text for one line: line breaks and tabs are escaped, too.
#[must_use]
pub fn in_one_line(text: &str) -> Cow<'_, str> {
    escaped_where(text, |it| !is_plain(it))
}

fn escaped_where(text: &str, is_escaped: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_escaped) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len() + 8);
    for it in text.chars() {
        match is_escaped(it) {
            true => out.extend(it.escape_default()),
            false => out.push(it),
        }
    }
    out.into()
}

/// A text in which C1 and bidirectional control characters are written as JSON has it: `\u009b`. Terminal colours and
/// line breaks stay.
#[must_use]
pub fn without_hidden_controls(text: &str) -> Cow<'_, str> {
    let is_escaped = |it: char| is_bidirectional(it) || matches!(it, '\u{80}'..='\u{9f}');
    if !text.contains(is_escaped) {
        return text.into();
    }
    text.chars()
        .fold(String::with_capacity(text.len() + 8), |mut out, it| {
            match is_escaped(it) {
                true => write!(out, "\\u{:04x}", u32::from(it)).expect("a String does not fail"),
                false => out.push(it),
            }
            out
        })
        .into()
}

/// A length of time: a number of seconds, a number with units such as `1m 30s`, or `hh:mm:ss` as .NET writes it, with days
/// before it (`1.02:00:00`) and up to seven decimals of the second. `None` where it is none, or longer than
/// 100,000 years.
#[must_use]
pub fn length_of_time(text: &str) -> Option<Duration> {
    let text = text.trim();
    let seconds = text.parse::<f64>().ok().and_then(|it| Duration::try_from_secs_f64(it).ok());
    let read = seconds.or_else(|| time_span(text)).or_else(|| humantime::parse_duration(text).ok());
    read.filter(|it| *it <= LONGEST_TIME)
}

/// The longest length of time that is read. Clocks and timers take any number of these.
const LONGEST_TIME: Duration = Duration::from_hours(24 * 366 * 100_000);

/// `hh:mm:ss`
fn time_span(text: &str) -> Option<Duration> {
    let mut parts = text.split(':');
    let (hours, minutes, seconds) = (parts.next()?, parts.next()?, parts.next()?);
    let (days, hours) = hours.split_once('.').unwrap_or(("0", hours));
    let (seconds, decimals) = seconds.split_once('.').unwrap_or((seconds, "0"));
    let is_number = |it: &&str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
    if parts.next().is_some() || ![days, hours, minutes, seconds, decimals].iter().all(is_number) || decimals.len() > 7
    {
        return None;
    }
    let under = |text: &str, bound: u64| text.parse::<u64>().ok().filter(|it| *it < bound);
    let (hours, minutes, seconds) = (under(hours, 24)?, under(minutes, 60)?, under(seconds, 60)?);
    let whole = days.parse::<u64>().ok()?.checked_mul(86_400)?.checked_add(hours * 3600 + minutes * 60 + seconds)?;
    Some(Duration::new(whole, format!("{decimals:0<9}").parse().ok()?))
}

/// A count and what is counted: `1 call`, `2 calls`, `0 entries`.
#[must_use]
pub fn counted<N: Copy + Display + From<u8> + PartialEq>(count: N, noun: &str) -> String {
    format!("{count} {}", noun_of(count, noun))
}

/// A noun as it stands behind a count.
#[must_use]
pub fn noun_of<N: Copy + From<u8> + PartialEq>(count: N, noun: &str) -> String {
    match noun.strip_suffix('y') {
        _ if count == N::from(1) => noun.into(),
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        _ => format!("{noun}s"),
    }
}

/// Words as a message lists them: ten, and how many more there are.
pub fn listed<'w>(words: impl Iterator<Item = &'w str>) -> String {
    let words: Vec<&str> = words.collect();
    match words.len() {
        0..=10 => words.join(", "),
        more => format!("{}, and {} more", words[..10].join(", "), more - 10),
    }
}

/// Which characters of a text JSON has as escapes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Escaping {
    /// Those that it must.
    Minimal,
    /// As [`Self::Minimal`], and markup as in [`json`].
    Markup,
    /// As [`Self::Markup`], and all beyond ASCII as in [`ascii_json`].
    Ascii,
}

/// Appends a text as JSON has it, in quotes.
pub fn push_json(out: &mut String, text: &str, escaping: Escaping) {
    let plain = &PLAIN[escaping as usize];
    out.push('"');
    if text.as_bytes().iter().all(|it| plain[usize::from(*it)]) {
        out.push_str(text);
    } else {
        for it in text.chars() {
            match it {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                _ if plain[usize::from(it.encode_utf8(&mut [0; 4]).as_bytes()[0])] => out.push(it),
                _ => it.encode_utf16(&mut [0; 2]).iter().for_each(|it| push_unit(out, *it)),
            }
        }
    }
    out.push('"');
}

/// Which bytes of a text stand as they are, for each way of escaping.
const PLAIN: [[bool; 256]; 3] = {
    let mut plain = [[false; 256]; 3];
    let mut byte = b' ' as usize;
    while byte < 256 {
        let minimal = !matches!(byte as u8, b'"' | b'\\');
        let markup = minimal && !matches!(byte as u8, b'<' | b'>' | b'&');
        plain[Escaping::Minimal as usize][byte] = minimal;
        plain[Escaping::Markup as usize][byte] = markup;
        plain[Escaping::Ascii as usize][byte] = markup && byte < 0x80;
        byte += 1;
    }
    plain
};

/// JSON in one line, without `<`, `>` and `&`: PowerShell cuts what stands between the first two out of an error's text.
///
/// # Errors
/// The value is no JSON, such as a map whose keys are no texts.
pub fn json(it: &impl Serialize) -> serde_json::Result<String> {
    serde_json::to_string(it).map(without_markup)
}

/// JSON over several lines in ASCII, which every code page of a console shows alike; without markup, as [`json`].
///
/// # Errors
/// As [`json`].
pub fn ascii_json(it: &impl Serialize) -> serde_json::Result<String> {
    serde_json::to_string_pretty(it).map(ascii)
}

/// [`ascii_json`] in one line.
///
/// # Errors
/// As [`json`].
pub fn ascii_json_line(it: &impl Serialize) -> serde_json::Result<String> {
    serde_json::to_string(it).map(ascii)
}

fn ascii(json: String) -> String {
    let json = without_markup(json);
    if json.is_ascii() {
        return json;
    }
    let mut out = String::with_capacity(json.len() + 16);
    for it in json.chars() {
        match it.is_ascii() {
            true => out.push(it),
            false => it.encode_utf16(&mut [0; 2]).iter().for_each(|it| push_unit(&mut out, *it)),
        }
    }
    out
}

/// In JSON, these characters stand within texts only.
fn without_markup(json: String) -> String {
    if memchr::memchr3(b'<', b'>', b'&', json.as_bytes()).is_none() {
        return json;
    }
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

fn push_unit(out: &mut String, unit: u16) {
    write!(out, "\\u{unit:04x}").expect("a String does not fail");
}

/// A text in lower case; no copy of one that is. Names are compared so.
#[must_use]
pub fn lower_case(text: &str) -> Cow<'_, str> {
    match text.bytes().all(|it| it.is_ascii() && !it.is_ascii_uppercase()) {
        true => text.into(),
        false => text.to_lowercase().into(),
    }
}

/// Whether a text is another one in lower case.
#[must_use]
pub fn is_lower_case_of(lower: &str, text: &str) -> bool {
    match text.is_ascii() {
        true => text.eq_ignore_ascii_case(lower),
        false => text.to_lowercase() == lower,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_gets_no_character_that_it_obeys() {
        assert_eq!(escaped("Zoë\t1\r\n"), "Zoë\t1\r\n");
        assert_eq!(escaped("\u{1b}[2J\u{9b}31m\u{202e}\u{2066}\u{7f}"), r"\u{1b}[2J\u{9b}31m\u{202e}\u{2066}\u{7f}");
        assert_eq!(in_one_line("a\nb\u{200f}"), r"a\nb\u{200f}");
        assert_eq!(without_hidden_controls("\u{1b}[1mé\n\u{9b}\u{61c}"), "\u{1b}[1mé\n\\u009b\\u061c");
    }

    #[test]
    fn lengths_of_time_are_read_as_each_client_writes_them() {
        for (text, seconds) in [
            ("90", 90.0),
            ("1.5", 1.5),
            ("1m 30s", 90.0),
            ("00:06:00", 360.0),
            ("0:00:01.5000000", 1.5),
            ("1.02:00:00", 93_600.0),
        ] {
            assert_eq!(length_of_time(text).map(|it| it.as_secs_f64()), Some(seconds), "{text}");
        }
        for text in
            ["", "-1", "1:2", "24:00:00", "00:60:00", "1:2:3:4", "00:00:00.12345678", "+1:00:00", "ten", "110000years"]
        {
            assert_eq!(length_of_time(text), None, "{text}");
        }
    }

    #[test]
    fn one_is_singular_and_every_other_count_plural() {
        assert_eq!([0, 1, 2].map(|it| counted(it, "call")), ["0 calls", "1 call", "2 calls"]);
        assert_eq!([1, 2].map(|it| counted(it, "more entry")), ["1 more entry", "2 more entries"]);
        assert_eq!((counted(1.0, "second"), counted(0.5, "day")), ("1 second".into(), "0.5 days".into()));
    }

    #[test]
    fn long_lists_end_after_ten() {
        assert_eq!(listed(["a", "b"].into_iter()), "a, b");
        assert_eq!(listed(["x"; 12].into_iter()), "x, x, x, x, x, x, x, x, x, x, and 2 more");
    }

    #[test]
    fn json_has_no_markup_and_ascii_json_no_other_characters() {
        let it = ["<a & b>", "Zoë 😀"];
        assert_eq!(json(&it).unwrap(), r#"["\u003ca \u0026 b\u003e","Zoë 😀"]"#);
        let ascii = ascii_json(&it).unwrap();
        assert!(ascii.is_ascii(), "{ascii}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&ascii).unwrap(), it);
    }
}
