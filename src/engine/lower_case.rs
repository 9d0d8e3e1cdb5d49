//! Names are compared without regard to letter case.

use std::borrow::Cow;

/// A text in lower case; no copy of one that is.
pub(in crate::engine) fn lower_case(text: &str) -> Cow<'_, str> {
    match text.bytes().all(|it| it.is_ascii() && !it.is_ascii_uppercase()) {
        true => text.into(),
        false => text.to_lowercase().into(),
    }
}

/// Whether a text is another one in lower case.
pub(in crate::engine) fn is_lower_case_of(lower: &str, text: &str) -> bool {
    match text.is_ascii() {
        true => text.eq_ignore_ascii_case(lower),
        false => text.to_lowercase() == lower,
    }
}
