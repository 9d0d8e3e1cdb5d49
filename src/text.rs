//! Text for screens and logs: characters that a terminal obeys or hides are written as escapes.

use std::borrow::Cow;
use std::fmt::Write;

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
    let mut out = String::new();
    for it in without_markup(serde_json::to_string_pretty(it)?).chars() {
        match it.is_ascii() {
            true => out.push(it),
            false => it.encode_utf16(&mut [0; 2]).iter().for_each(|it| push_unit(&mut out, *it)),
        }
    }
    Ok(out)
}

/// In JSON, these characters stand within texts only.
fn without_markup(json: String) -> String {
    if !json.contains(['<', '>', '&']) {
        return json;
    }
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

fn push_unit(out: &mut String, unit: u16) {
    write!(out, "\\u{unit:04x}").expect("a String does not fail");
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
    fn json_has_no_markup_and_ascii_json_no_other_characters() {
        let it = ["<a & b>", "Zoë 😀"];
        assert_eq!(json(&it).unwrap(), r#"["\u003ca \u0026 b\u003e","Zoë 😀"]"#);
        let ascii = ascii_json(&it).unwrap();
        assert!(ascii.is_ascii(), "{ascii}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&ascii).unwrap(), it);
    }
}
