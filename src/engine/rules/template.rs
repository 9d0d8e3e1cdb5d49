//! Texts with words in braces that are filled in: a small, safe set, and no code.

use std::borrow::Cow;
use std::sync::Arc;

use crate::contract::Secret;
use crate::engine::{Number, Timestamp};

/// The words that a text can have in braces.
pub const WORDS: &[&str] = &["user", "number", "masked", "code", "time", "counter"];

/// What the words stand for.
#[derive(Clone, Debug, Default)]
pub(in crate::engine) struct Words {
    /// The user who is asked, else the name in the call.
    pub user: Arc<str>,
    pub number: Option<Arc<Number>>,
    /// Of the text message.
    pub code: Secret,
    pub time: Timestamp,
    /// How many calls the rule has answered, this one included.
    pub counter: u64,
}

/// The first word in braces that stands for nothing.
#[must_use]
pub fn unknown_word(text: &str) -> Option<&str> {
    pieces(text).find_map(|it| match it {
        Piece::Word(word) if !WORDS.contains(&word) => Some(word),
        _ => None,
    })
}

/// A text with its words filled in. Those that stand for nothing stay as they are.
pub(in crate::engine) fn fill<'a>(text: &'a str, words: &Words) -> Cow<'a, str> {
    if !text.contains('{') {
        return text.into();
    }
    let mut out = String::with_capacity(2 * text.len());
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => out += text,
            Piece::Word("user") => out += &words.user,
            Piece::Word("number") => out += &words.number.as_ref().map(ToString::to_string).unwrap_or_default(),
            Piece::Word("masked") => out += &words.number.as_deref().map(masked).unwrap_or_default(),
            Piece::Word("code") => out += words.code.reveal(),
            Piece::Word("time") => out += &words.time.whole_second().to_string(),
            Piece::Word("counter") => out += &words.counter.to_string(),
            Piece::Word(word) => out.extend(["{", word, "}"]),
        }
    }
    out.into()
}

/// A number of whose own digits the last four show.
fn masked(number: &Number) -> String {
    let (country, rest) = number.parts();
    let hidden = rest.len().saturating_sub(4);
    let gap = if country.is_empty() { "" } else { " " };
    format!("+{country}{gap}{}{}", "X".repeat(hidden), &rest[hidden..])
}

enum Piece<'a> {
    Text(&'a str),
    Word(&'a str),
}

/// A brace that begins no word is a brace; two stand for one.
fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let Some(behind) = rest.strip_prefix('{') else {
            let (before, after) = rest.split_at(rest.find('{').unwrap_or(rest.len()));
            rest = after;
            return Some(Piece::Text(before));
        };
        let word = behind.split_once('}').map(|it| it.0);
        let is_word = |it: &&str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_lowercase() || it == b'_');
        if let Some(word) = word.filter(is_word) {
            rest = &behind[word.len() + 1..];
            return Some(Piece::Word(word));
        }
        let length = if behind.starts_with('{') { 2 } else { 1 };
        let brace = &rest[..1];
        rest = &rest[length..];
        Some(Piece::Text(brace))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn words_are_filled_in_and_other_braces_stay() {
        let words = Words {
            user: "anna".into(),
            number: Some(Number::read("+1 425 555 0100", "", "42", "1").unwrap().into()),
            code: "123456".into(),
            time: Timestamp::from_unix(Duration::from_secs(1_767_225_600)),
            counter: 3,
        };
        let fill = |text| fill(text, &words).into_owned();
        assert_eq!(fill("{user}: {code}"), "anna: 123456");
        assert_eq!(fill("{number} is {masked}"), "+1 4255550100 x42 is +1 XXXXXX0100");
        assert_eq!(fill("{time}, call {counter}"), "2026-01-01T00:00:00Z, call 3");
        assert_eq!(fill("{{user}} {} {User} {other} {"), "{user}} {} {User} {other} {");
        assert_eq!(fill("no words"), "no words");
    }

    #[test]
    fn a_word_that_stands_for_nothing_is_found() {
        assert_eq!(unknown_word("{user} {nmber}"), Some("nmber"));
        assert_eq!(unknown_word("{user} {{nmber}} { x }"), None);
    }
}
