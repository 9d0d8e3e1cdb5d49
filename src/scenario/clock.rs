//! `clock`: what time it is, and how it passes.

use crate::engine::{Pace, Start, Timestamp};

use super::fields::{Reader, mapping};
use super::mistake::{Code, quoted};
use super::values::{ReaderExt, Real, Word, text_as, text_or};
use super::written::Written;

const PACES: [(&str, Pace); 3] = [("real", Pace::Real), ("frozen", Pace::Frozen), ("auto", Pace::Auto)];

/// A word for how time passes, or a mapping.
pub(super) fn clock<'a>() -> impl Reader<'a, Value = Start> {
    text_or(
        Word(&PACES).map(|pace| Start { at: None, pace }),
        mapping("clock", "clock", |fields| {
            let mut start = Start { at: fields.get("start", timestamp()), ..Start::default() };
            fields.set("pace", &mut start.pace, Word(&PACES));
            let rate = fields.get("rate", Real(0.001..=1e6));
            if let Some(written) = fields.at("rate").filter(|_| start.pace != Pace::Real) {
                let help = "Leave one of them out.".into();
                written.report(Code::NeverApplies, "rate goes with the pace real alone".into(), [help]);
            } else if let Some(rate) = rate {
                start.pace = Pace::Rate(rate);
            }
            Some(start)
        }),
    )
}

fn timestamp<'a>() -> impl Reader<'a, Value = Timestamp> {
    text_as("timestamp such as `2026-11-24T08:00:00Z`", |written: Written<'a>| {
        let text = written.text()?;
        let help = "Write it with date, time and zone: 2026-11-24T08:00:00Z.".into();
        Timestamp::of_text(text)
            .or_else(|| written.wrong(Code::BadValue, format!("{} is no timestamp", quoted(text)), [help]))
    })
}
