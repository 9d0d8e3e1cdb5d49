//! Texts that the service sends: with words in braces, and the codes of text messages.

use crate::contract::Secret;
use crate::engine::{WORDS, unknown_word};
use crate::text::counted;

use super::fields::Reader;
use super::mistake::{Code, closest, quoted};
use super::values::{Digits, ReaderExt, text_as};
use super::written::Written;

/// A text in which words in braces are filled in.
pub(super) fn template<'a>() -> impl Reader<'a, Value = String> {
    text_as("text", read_template)
        .shown_as(|it: &String| if it.is_empty() { "empty".into() } else { format!("`{it}`") })
}

/// See [`template`].
pub(super) fn read_template(written: Written<'_>) -> Option<String> {
    let text = written.text()?;
    let Some(unknown) = unknown_word(text) else { return Some(text.into()) };
    let all: Vec<_> = WORDS.iter().map(|it| format!("{{{it}}}")).collect();
    let meant = closest(unknown, WORDS.iter().copied()).map(|it| format!("Did you mean {{{it}}}?"));
    let help = meant.into_iter().chain([format!("Words: {}. Two braces, {{{{, stand for one.", all.join(", "))]);
    written.wrong(
        Code::UnknownWord,
        format!("{} stands for nothing", quoted(&format!("{{{unknown}}}"))),
        help.collect::<Vec<_>>(),
    )
}

/// The fixed code of text messages, of so many digits.
pub(super) fn code<'a>(length: u32) -> impl Reader<'a, Value = Secret> {
    Digits.and_then(move |code: Secret, written: Written<'a>| {
        let digits = code.reveal().len();
        if digits == length as usize {
            return Some(code);
        }
        let message = format!("code has {}, and it must have {length}", counted(digits, "digit"));
        written.wrong(Code::BadValue, message, ["company: {passcode: {length: ...}} says how many.".into()])
    })
}
