//! Faults on the wire: how an answer is damaged, and what comes in place of one.

use std::sync::Arc;

use crate::engine::{Broken, Effect, ErrorPage, Hangup, Transfer};

use super::fields::{Fields, Reader};
use super::grammar::Values;
use super::mistake::{Code, quoted};
use super::values::{Lasting, ReaderExt, Whole, Word, described, text_as};
use super::written::Written;

const BROKEN: [(&str, Broken); 5] = [
    ("truncated", Broken::Truncated),
    ("garbage", Broken::Garbage),
    ("mid-header", Broken::MidHeader),
    ("mid-body", Broken::MidBody),
    ("bad-chunks", Broken::BadChunks),
];

/// The largest body that an answer can be filled up to, in bytes.
const LARGEST: u32 = 1 << 30;

/// Declares the keys of what damages an answer.
pub(super) fn transfer(fields: &mut Fields<'_>) -> Transfer {
    Transfer {
        broken: fields.get("broken", Word(&BROKEN)),
        content_type: fields.get("content_type", content_type()),
        oversized: fields.get("oversized", Whole(1..=LARGEST)),
        drip: fields.get("drip", Whole(1..=1_000_000)),
    }
}

/// A content type, as a header can have it.
fn content_type<'a>() -> impl Reader<'a, Value = Arc<str>> {
    text_as("content type, such as `text/html; charset=utf-8`", |written: Written<'a>| {
        let text = written.name()?;
        let kind = text.split(';').next().unwrap_or_default();
        let is_part =
            |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&it));
        let fits = kind.trim_end().split_once('/').is_some_and(|(main, sub)| is_part(main) && is_part(sub));
        match fits && text.bytes().all(|it| (b' '..=b'~').contains(&it)) {
            true => Some(text.into()),
            false => {
                let help = "Such as text/plain, or text/html; charset=utf-8.".into();
                written.wrong(Code::BadValue, format!("{} is no content type", quoted(text)), [help])
            }
        }
    })
}

/// Whether the connection ends in place of an answer, and how. `None`: it does not.
pub(super) fn hangup<'a>() -> impl Reader<'a, Value = Option<Hangup>> {
    const WORDS: [(&str, Option<Hangup>); 3] =
        [("true", Some(Hangup::Close)), ("false", None), ("reset", Some(Hangup::Reset))];
    let values = |_| Values::either(&Values::truth(), &Values::words(&["reset"]));
    described(values, |written: Written<'a>| written.word(&WORDS))
}

pub(super) fn page<'a>() -> impl Reader<'a, Value = ErrorPage> {
    Word(&[("error-200", ErrorPage::WithOk), ("iis-500", ErrorPage::OfIis)])
}

pub(super) fn refusal<'a>() -> impl Reader<'a, Value = Effect> {
    Word(&[("refused", ())]).map(|()| Effect::RefuseSignIn)
}

/// The time of `Retry-After`, in whole seconds.
pub(super) fn retry_after<'a>() -> impl Reader<'a, Value = u64> {
    Lasting.and_then(|time, written: Written<'a>| match time.subsec_nanos() {
        0 => Some(time.as_secs()),
        _ => written.wrong(Code::BadValue, "retry_after must be whole seconds".into(), ["Such as 120s.".into()]),
    })
}

/// Reports keys that damage what is not there, and a time to try again without a status.
pub(super) fn check_that_it_fits(fields: &Fields<'_>, effect: &Effect) {
    let reports = |key: &'static str, message: String, help: &str| {
        if let Some(written) = fields.at(key) {
            written.report(Code::NeverApplies, message, [help.into()]);
        }
    };
    if !matches!(effect, Effect::Status { .. }) {
        reports("retry_after", "retry_after needs status".into(), "Such as status: 503 and retry_after: 120s.");
    }
    let broken = fields.at("broken").map(|it| it.source());
    match effect {
        Effect::Drop(_) => {
            for key in ["broken", "content_type", "oversized", "drip"] {
                reports(key, format!("{key} stands beside drop, and no answer leaves"), "Take one of them out.");
            }
        }
        Effect::Status { .. } => {
            for key in ["content_type", "oversized"] {
                reports(key, format!("{key} stands beside status, whose answer has no body"), "Take one of them out.");
            }
            if broken.is_some_and(|it| it != "mid-header") {
                let message = "broken stands beside status, whose answer has no body";
                reports("broken", message.into(), "Write broken: mid-header, or take one of them out.");
            }
        }
        _ => {}
    }
}
