//! `delay`: how much later an answer leaves.

use std::time::Duration;

use crate::engine::{Delay, Latency};
use crate::text::length_of_time;

use super::fields::{Fields, Reader, mapping};
use super::mistake::{Code, quoted};
use super::values::{Lasting, ReaderExt, text_as, text_or};
use super::written::Written;

/// A length of time, a range, or a mapping.
pub(super) fn delay<'a>() -> impl Reader<'a, Value = Delay> {
    text_or(
        length().map(|latency| Delay { latency, in_world: false }),
        mapping("delay", "delay", |fields| {
            let real = fields.get("real", text_or(length(), mapping("latency", "real", log_normal)));
            let (median, p99) = (fields.get("median", Lasting), fields.get("p99", Lasting));
            if let Some(written) = fields.at("real") {
                if fields.at("median").or_else(|| fields.at("p99")).is_some() {
                    let help = "Put them into it: delay: {real: {median: 800ms, p99: 6s}}".into();
                    written.report(Code::NeverApplies, "real stands beside median and p99".into(), [help]);
                }
                return real.map(|latency| Delay { latency, in_world: true });
            }
            if fields.at("median").is_none() || fields.at("p99").is_none() {
                let help = "Such as delay: {median: 800ms, p99: 6s}, delay: {real: 5s}, or delay: 2s.".into();
                return fields.written().wrong(Code::BadValue, "delay needs median and p99, or real".into(), [help]);
            }
            spread(fields, median.zip(p99)?).map(|latency| Delay { latency, in_world: false })
        }),
    )
}

/// Declares the keys of delays that are log-normally distributed.
fn log_normal<'a>(fields: &mut Fields<'a>) -> Option<Latency> {
    let (median, p99) = (fields.need("median", Lasting), fields.need("p99", Lasting));
    spread(fields, median.zip(p99)?)
}

fn spread(fields: &Fields<'_>, (median, p99): (Duration, Duration)) -> Option<Latency> {
    if p99 > median {
        return Some(Latency::LogNormal { median, p99 });
    }
    let help = "Half of the delays are up to median, 99 of 100 up to p99: {median: 800ms, p99: 6s}".into();
    fields.at("p99")?.wrong(Code::BadValue, "p99 must be longer than median".into(), [help])
}

/// A length of time such as `2s`, or a range such as `1s-5s`.
fn length<'a>() -> impl Reader<'a, Value = Latency> {
    text_as("time or range, such as `1s-5s`", |written: Written<'a>| {
        let text = written.text()?;
        let Some((least, most)) = text.split_once('-').filter(|it| !it.0.trim().is_empty()) else {
            return written.duration().map(Latency::Fixed);
        };
        match length_of_time(least).zip(length_of_time(most)) {
            Some((least, most)) if least < most => Some(Latency::Between(least, most)),
            Some(_) => {
                let message = format!("the range {} does not go from a shorter to a longer time", quoted(text));
                written.wrong(
                    Code::BadValue,
                    message,
                    ["Such as 1s-5s. For one length of time write that alone: 2s.".into()],
                )
            }
            None => {
                let message = format!("{} is no range of times", quoted(text));
                written.wrong(Code::BadValue, message, ["Such as 1s-5s or 500ms-2s.".into()])
            }
        }
    })
}
