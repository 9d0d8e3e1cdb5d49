//! Verifying what happened: how often, in which order, how close together. A failure tells what came nearest, and how
//! it differs.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::feed::{awaited, known};
use super::filter::{Difference, Filter};
use super::input::{Asked, Body, duration};
use super::problem::{Kind as No, Problem};
use super::view::View;
use super::{At, Json, Shared};
use crate::engine::{Event, EventKind};
use crate::scenario::closest;
use crate::switchboard::Interest;

/// What should have happened.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Expectations {
    expect: Vec<Expectation>,
    /// Whether each must come after the one before it.
    #[serde(default)]
    in_order: bool,
    /// Only what follows that event counts: `next` of an earlier answer. Without it, all that is kept.
    after: Option<u64>,
    /// How long to wait until it is so, such as `30s`; it ends as soon as it is.
    #[serde(default, deserialize_with = "text")]
    #[schema(example = "0s")]
    wait: Option<String>,
}

/// A text, which YAML may take for a number.
fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    match Value::deserialize(from)? {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        Value::Number(number) => Ok(Some(number.to_string())),
        _ => Err(serde::de::Error::custom("a text is needed here")),
    }
}

/// Something that should have happened, at least once where no count is said.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Expectation {
    /// What a failure calls it.
    #[serde(default, deserialize_with = "text")]
    name: Option<String>,
    /// `call`, `challenge`, `message`, `change`, `notice`; `call` where it says nothing.
    kind: Option<String>,
    /// Values by name, as lists are filtered by: `operation: PfAuthUser*`, `phone: +1 425 555 0100`,
    /// `fields.requireUserMatch: true`. `*` stands for anything, and `null` for a value that is not there.
    #[serde(default, rename = "where")]
    #[schema(value_type = std::collections::HashMap<String, Value>)]
    conditions: Map<String, Value>,
    exactly: Option<usize>,
    at_least: Option<usize>,
    at_most: Option<usize>,
    /// How far apart the first and the last of them may be, such as `10s`.
    #[serde(default, deserialize_with = "text")]
    within: Option<String>,
}

/// That all is as expected.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Verified {
    /// True: a failure is a problem.
    passed: bool,
    /// How many fitted each expectation.
    counts: Vec<usize>,
    /// What to give as `after` to verify what follows.
    next: u64,
    /// How many events were forgotten before they could be looked at.
    forgotten: u64,
}

/// An expectation that did not come true.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Failure {
    /// What was expected, in words.
    expected: String,
    /// How many fitted.
    found: usize,
    why: String,
    /// What came nearest, the nearest first; where too many fitted, those.
    nearest: Vec<Near>,
}

/// An event that nearly fits.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct Near {
    /// The event, as lists tell it.
    event: Value,
    differences: Vec<Difference>,
}

/// An expectation, read.
struct Wanted {
    name: Option<String>,
    kind: EventKind,
    filter: Filter,
    count: Count,
    within: Option<Duration>,
}

#[derive(Clone, Copy)]
struct Count {
    least: usize,
    most: usize,
}

/// How many near events a failure tells.
const NEAREST: usize = 3;

/// Verifies what happened. All that is expected must be so; the first failure of each expectation is told with what
/// came nearest.
#[utoipa::path(post, path = "/verify", tag = "verify", request_body = Expectations, responses((status = 200, body = Verified)))]
pub(super) async fn verify(
    State(admin): Shared,
    At(space): At,
    asked: Asked,
    Body(expectations): Body<Expectations>,
) -> Result<Json<Verified>, Problem> {
    asked.finish()?;
    let country = space.update(|engine, _| engine.company().country_code.clone());
    let read = |(at, it)| {
        Wanted::read(it, &country).map_err(|(field, why, remedy)| {
            let field = format!("expect[{at}].{field}");
            Problem::new(No::BadBody, format!("{field}: {why}."), remedy).with("field", field)
        })
    };
    let wanted: Vec<Wanted> = expectations.expect.into_iter().enumerate().map(read).collect::<Result<_, _>>()?;
    let wait = match expectations.wait.as_deref().map(duration) {
        Some(Err(why)) => {
            return Err(Problem::new(No::BadBody, format!("wait: {why}."), "Write 30s.").with("field", "wait"));
        }
        Some(Ok(wait)) => wait.min(super::input::WAIT),
        None => Duration::ZERO,
    };
    let kinds: Vec<EventKind> =
        EventKind::ALL.into_iter().filter(|it| wanted.iter().any(|wanted| wanted.kind == *it)).collect();
    let filters: Vec<_> = wanted.iter().map(|it| (it.kind, it.filter.clone())).collect();
    let fits = move |event: &Event| filters.iter().any(|(kind, it)| *kind == event.what.kind() && it.fits(event));
    let interest = Interest { kinds: kinds.clone(), username: None, matches: Box::new(fits) };
    let verified = awaited(&admin, &space, interest, wait, |is_over| {
        let (events, next, forgotten) = space.update(|engine, _| {
            let journal = &engine.journal;
            expectations.after.map_or(Ok(()), |after| known(journal, after, &kinds))?;
            let forgotten = match expectations.after {
                Some(_) => 0,
                None => kinds.iter().map(|it| journal.evicted(*it)).sum(),
            };
            Ok::<_, Problem>((journal.after(expectations.after.unwrap_or(0), &kinds), journal.last(), forgotten))
        })?;
        match judge(&wanted, &events, expectations.in_order) {
            Ok(counts) => Ok(Some(Verified { passed: true, counts, next, forgotten })),
            Err(failures) if is_over => Err(failed(&failures, next, forgotten)),
            Err(_) => Ok(None),
        }
    });
    Ok(Json::ok(verified.await?))
}

/// The problem of a verification that failed, told in full for who reads no JSON.
fn failed(failures: &[Failure], next: u64, forgotten: u64) -> Problem {
    let mut detail: Vec<String> = failures.iter().map(ToString::to_string).collect();
    if forgotten > 0 {
        detail.push(format!("{forgotten} events are forgotten and could not be looked at."));
    }
    let remedy = "Compare the differences with what the test does; GET /calls/{seq} explains a call.";
    let list = serde_json::to_value(failures).expect("failures are JSON");
    Problem::new(No::VerifyFailed, detail.join("\n"), remedy)
        .with("failures", list)
        .with("next", next)
        .with("forgotten", forgotten)
}

impl Wanted {
    fn read(it: Expectation, country: &str) -> Result<Self, (String, String, String)> {
        let words = EventKind::ALL.map(EventKind::word);
        let kind = match it.kind.as_deref() {
            None => EventKind::Call,
            Some(word) => EventKind::ALL.into_iter().find(|it| it.word() == word).ok_or_else(|| {
                let meant = closest(word, words).map(|it| format!("Did you mean {it}?"));
                let remedy = meant.unwrap_or_else(|| format!("There are: {}.", words.join(", ")));
                ("kind".into(), format!("{word:?} is no kind"), remedy)
            })?,
        };
        let text = |(name, value): (String, Value)| match value {
            Value::String(text) => Ok((name, text)),
            Value::Null => Ok((name, String::new())),
            Value::Bool(_) | Value::Number(_) => Ok((name, value.to_string())),
            Value::Array(_) | Value::Object(_) => {
                let remedy = "Give a text, a number, true, false or null.";
                Err((format!("where.{name}"), "it is no single value".into(), remedy.into()))
            }
        };
        let pairs = it.conditions.into_iter().map(text).collect::<Result<_, _>>()?;
        let filter = Filter::of(pairs, &[kind], country).map_err(|name| {
            let names = super::view::names(kind).iter().copied().chain(["phone"]);
            let meant = closest(&name, names.clone()).map(|it| format!("Did you mean {it}?"));
            let all = || format!("There are: {}; and fields.NAME.", names.collect::<Vec<_>>().join(", "));
            (format!("where.{name}"), "there is no such value".to_owned(), meant.unwrap_or_else(all))
        })?;
        let count = match (it.exactly, it.at_least, it.at_most) {
            (Some(exactly), None, None) => Count { least: exactly, most: exactly },
            (None, None, None) => Count { least: 1, most: usize::MAX },
            (None, least, most) => Count { least: least.unwrap_or(0), most: most.unwrap_or(usize::MAX) },
            _ => {
                let why = "it goes with no other count".into();
                return Err(("exactly".into(), why, "Leave the others out.".into()));
            }
        };
        let within = it.within.as_deref().map(duration).transpose();
        let within = within.map_err(|why| ("within".into(), why, "Write 10s.".into()))?;
        Ok(Self { name: it.name, kind, filter, count, within })
    }
}

/// Whether all came true: how many fitted each, or each that failed.
fn judge(wanted: &[Wanted], events: &[Arc<Event>], in_order: bool) -> Result<Vec<usize>, Vec<Failure>> {
    let mut failures = Vec::new();
    let mut counts = Vec::new();
    // In order: what comes next must come after this.
    let mut from = 0;
    for it in wanted {
        let own: Vec<&Arc<Event>> = events.iter().filter(|event| event.what.kind() == it.kind).collect();
        let fits: Vec<&Arc<Event>> = own.iter().copied().filter(|event| it.filter.fits(event)).collect();
        counts.push(fits.len());
        let failure = |why: String, nearest| Failure { expected: it.to_string(), found: fits.len(), why, nearest };
        let shown =
            |events: &[&Arc<Event>]| events.iter().rev().take(NEAREST).map(|it| Near::of(it, Vec::new())).collect();
        if fits.len() < it.count.least {
            let why = match own.len() {
                0 => format!("there was no {} at all", it.kind.word()),
                _ => format!("{} fitted", fits.len()),
            };
            failures.push(failure(why, nearest(it, &own)));
            continue;
        }
        if fits.len() > it.count.most {
            failures.push(failure(format!("{} fitted", fits.len()), shown(&fits)));
            continue;
        }
        let took = fits.first().zip(fits.last()).map(|(first, last)| last.at.since(first.at)).unwrap_or_default();
        if it.within.is_some_and(|within| took > within) {
            let why = format!("the first and the last are {} apart", humantime::format_duration(took));
            failures.push(failure(why, shown(&fits)));
            continue;
        }
        if in_order && it.count.least > 0 {
            let mut later = fits.iter().filter(|it| it.seq > from);
            match later.nth(it.count.least - 1) {
                Some(event) => from = event.seq,
                None => {
                    let why = "it fitted, and came before what it should follow".to_owned();
                    failures.push(failure(why, shown(&fits)));
                }
            }
        }
    }
    if failures.is_empty() { Ok(counts) } else { Err(failures) }
}

/// What nearly fits, the nearest and newest first.
fn nearest(wanted: &Wanted, events: &[&Arc<Event>]) -> Vec<Near> {
    let near = events.iter().rev().map(|it| (it, wanted.filter.differences(it)));
    let mut near: Vec<_> = near.filter(|it| !it.1.is_empty()).collect();
    near.sort_by_key(|it| it.1.len());
    near.into_iter().take(NEAREST).map(|(event, differences)| Near::of(event, differences)).collect()
}

impl Near {
    fn of(event: &Event, differences: Vec<Difference>) -> Self {
        Self { event: serde_json::to_value(View::of(event)).expect("an event is JSON"), differences }
    }
}

/// In words: `at least 1 call with operation PfAuthUser*`.
impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.name {
            write!(f, "{name}: ")?;
        }
        let number = match (self.count.least, self.count.most) {
            (least, usize::MAX) => {
                write!(f, "at least {least}")?;
                least
            }
            (least, most) if least == most => {
                write!(f, "exactly {most}")?;
                most
            }
            (0, most) => {
                write!(f, "at most {most}")?;
                most
            }
            (least, most) => {
                write!(f, "{least} to {most}")?;
                most
            }
        };
        write!(f, " {}{}", self.kind.word(), if number == 1 { "" } else { "s" })?;
        if self.filter.len() > 0 {
            write!(f, " with {}", self.filter)?;
        }
        match self.within {
            Some(within) => write!(f, " within {}", humantime::format_duration(within)),
            None => Ok(()),
        }
    }
}

/// The whole story over several lines.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Expected {}; {}.", self.expected, self.why)?;
        for near in &self.nearest {
            let text = |key: &str| near.event.get(key).and_then(Value::as_str).unwrap_or_default();
            let what = match text("operation") {
                "" => text("kind"),
                operation => operation,
            };
            write!(f, "\n  #{} at {}: {what} {}", near.event["seq"], text("at"), text("username"))?;
            for it in &near.differences {
                let actual = it.actual.as_deref().unwrap_or("nothing");
                write!(f, "\n    {}: expected {}, was {actual}", it.field, it.expected)?;
            }
        }
        Ok(())
    }
}
