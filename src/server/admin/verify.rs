//! Verifying what happened: how often, in which order, how close together. A failure tells what came nearest, and how
//! it differs. Where events that are no longer kept could change the verdict, the verdict is *unknown*.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::cursor::Cursor;
use super::feed::awaited;
use super::filter::{Difference, Filter, Fit, Unfit};
use super::input::{Asked, Body, duration, or_default, text};
use super::problem::{Kind as No, Problem};
use super::view::View;
use super::{At, Json, Shared};
use crate::engine::{Doubtful, Engine, Event, EventKind, Missing, Pattern, Timestamp};
use crate::scenario::closest;
use crate::switchboard::{Interest, Lane, Space};
use crate::text::{listed, noun_of};

/// What should have happened.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object with a list `expect`")]
pub(super) struct Expectations {
    /// At least one.
    #[schema(min_items = 1)]
    expect: Vec<Expectation>,
    /// Whether each must come after the one before it. A call comes when it begins.
    #[serde(default, deserialize_with = "or_default")]
    in_order: bool,
    /// Only what follows that event counts: `next` of an earlier answer. Without it, all that is kept.
    after: Option<String>,
    /// How long to wait until it is so, such as `30s`, ten minutes at most; it ends as soon as it is.
    #[serde(default, deserialize_with = "text")]
    #[schema(example = "0s")]
    wait: Option<String>,
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
    /// `fields.requireUserMatch: true`. `*` stands for anything, and `null` for a value that is not there. A name that no
    /// such event has is an error.
    #[serde(default, rename = "where", deserialize_with = "or_default")]
    #[schema(value_type = std::collections::HashMap<String, Value>)]
    conditions: Map<String, Value>,
    exactly: Option<u64>,
    at_least: Option<u64>,
    at_most: Option<u64>,
    /// How far apart the first and the last of them may be, such as `10s`.
    #[serde(default, deserialize_with = "text")]
    within: Option<String>,
}

/// That all is as expected.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Verified {
    /// True: a failure is a problem.
    passed: bool,
    /// `passed`: a problem has `failed` or `unknown`.
    verdict: Verdict,
    /// How many fitted each expectation; evicted calls count where enough is known of them.
    counts: Vec<u64>,
    /// What to give as `after` to verify what follows.
    #[schema(value_type = String)]
    next: Cursor,
    /// How many events are evicted.
    forgotten: u64,
}

/// What a verification found.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Passed,
    Failed,
    /// Events that are not known could turn a pass into a failure, or a failure into a pass.
    Unknown,
}

/// An expectation that did not come true, or of which too little is known.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Failure {
    /// The place of the expectation in `expect`, from 0.
    place: usize,
    /// `failed` or `unknown`.
    verdict: Verdict,
    /// What was expected, in words.
    expected: String,
    /// How many fitted.
    found: u64,
    why: String,
    /// What came nearest, the nearest first; where too many fitted, those.
    nearest: Vec<Near>,
    /// All of it in words, over several lines.
    text: String,
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

/// How many: from `least` to `most`.
#[derive(Clone, Copy, Default)]
struct Count {
    least: u64,
    most: u64,
}

/// The kept events that each expectation has found. A look adds what is new, so that each event is compared once.
struct Findings {
    /// The place up to which the events are compared.
    place: u64,
    /// As in [`Evidence`].
    gone: Vec<(EventKind, u64)>,
    /// For each expectation.
    of: Vec<Found>,
}

/// The kept events that an expectation has found, in the order in which they began.
#[derive(Clone, Default)]
struct Found {
    fits: Vec<Arc<Event>>,
    /// Those of which too little is kept.
    unclear: Vec<Arc<Event>>,
}

/// What is known of what happened, besides what the expectations have found.
struct Evidence {
    /// The kept events, in the order in which they began, where a failure is to be told.
    events: Option<Vec<Arc<Event>>>,
    /// For each kind, the place up to which its events are not kept.
    gone: Vec<(EventKind, u64)>,
    /// The calls that have not ended, if the verification asks for calls.
    open: Vec<Arc<Event>>,
    /// What is not kept of each kind.
    missing: Vec<(EventKind, Missing)>,
    /// The calls whose answers depend on what was evicted from the memory of people and codes.
    doubtful: Doubtful,
    place: u64,
    next: Cursor,
}

/// How many near events a failure tells.
const NEAREST: usize = 3;

/// Finds what is wrong in expectations. Nothing is verified.
///
/// # Errors
/// The first mistake, in a sentence or two.
pub fn check_expectations(expectations: &Value) -> Result<(), String> {
    let read: Expectations = serde_json::from_value(expectations.clone()).map_err(|it| it.to_string())?;
    if read.expect.is_empty() {
        return Err("the list is empty, so nothing is verified.".into());
    }
    for (at, it) in read.expect.into_iter().enumerate() {
        Wanted::read(it, "").map_err(|(field, why, remedy)| format!("expect[{at}].{field}: {why}. {remedy}"))?;
    }
    Ok(())
}

/// Verifies what happened. All that is expected must be so; the first failure of each expectation is told with what
/// came nearest. Where events that are no longer kept could change the verdict, it is `unknown`: 409, too, with what to
/// do to know more.
#[utoipa::path(post, path = "/verify", tag = "verify", request_body = Expectations, responses((status = 200, body = Verified)))]
pub(super) async fn verify(
    State(admin): Shared,
    At(space): At,
    asked: Asked,
    Body(expectations): Body<Expectations>,
) -> Result<Json<Verified>, Problem> {
    asked.finish()?;
    if expectations.expect.is_empty() {
        let remedy = "Write one expectation at least, such as {where: {operation: PfAuthUser*}}.";
        return Err(Problem::new(No::BadBody, "expect: the list is empty, so nothing is verified.", remedy)
            .with("field", "expect"));
    }
    let after = expectations.after.map(|text| Cursor::place(&space, &text)).transpose()?;
    let wait = match expectations.wait.as_deref().map(duration) {
        Some(Err(why)) => {
            return Err(Problem::new(No::BadBody, format!("wait: {why}."), "Write 30s.").with("field", "wait"));
        }
        Some(Ok(wait)) => wait.min(super::input::WAIT),
        None => Duration::ZERO,
    };
    let country = space.update(|engine, _| engine.company().country_code.clone());
    let expected = expectations.expect;
    let wanted = Arc::new(admin.work.run(Lane::Judge, move || Wanted::read_all(expected, &country)).await?);
    let kinds: Vec<EventKind> =
        EventKind::ALL.into_iter().filter(|it| wanted.iter().any(|wanted| wanted.kind == *it)).collect();
    let of_interest = wanted.clone();
    // A call that does not fit in the end can make the verdict known, too.
    let fits = move |event: &Event| {
        let mut of_kind = of_interest.iter().filter(|it| it.kind == event.what.kind());
        !event.is_open() && of_kind.any(|it| it.filter.fit_at_start(event) != Fit::No)
    };
    let interest = Interest { kinds: kinds.clone(), key: None, matches: Box::new(fits) };
    let mut found = Findings::new(after.unwrap_or(0), wanted.len());
    let of = space.clone();
    let verified = awaited(&admin, &space, interest, wait, Lane::Judge, move |is_over, passed| {
        let (mut evidence, news) = of.update(|engine, _| {
            let news = engine.journal.after(found.place.max(passed), &kinds);
            (Evidence::read(&of, engine, after, &kinds, is_over), news)
        });
        found.add(&wanted, &news, &evidence);
        evidence.events.iter_mut().for_each(|it| it.sort_unstable_by_key(|it| it.seq));
        match judge(&wanted, &found, &evidence, expectations.in_order) {
            Ok(counts) => {
                let (verdict, next) = (Verdict::Passed, evidence.next);
                Ok(Some(Verified { passed: true, verdict, counts, next, forgotten: evidence.evicted() }))
            }
            Err(failures) if is_over => Err(failed(&failures, &evidence)),
            Err(_) => Ok(None),
        }
    });
    Ok(Json::ok(verified.await?))
}

/// The problem of a verification that did not pass, told in full for who reads no JSON.
fn failed(failures: &[Failure], evidence: &Evidence) -> Problem {
    let is_known = failures.iter().any(|it| it.verdict == Verdict::Failed);
    let detail: Vec<&str> = failures.iter().map(|it| it.text.as_str()).collect();
    let list = serde_json::to_value(failures).expect("failures are JSON");
    let (kind, verdict, remedy) = match is_known {
        true => {
            let remedy = "Compare the differences with what the test does; GET /calls/{seq} explains a call.";
            (No::VerifyFailed, Verdict::Failed, remedy.into())
        }
        false => (No::VerifyUnknown, Verdict::Unknown, evidence.remedy()),
    };
    Problem::new(kind, detail.join("\n"), remedy)
        .with("verdict", serde_json::to_value(verdict).expect("a verdict is JSON"))
        .with("failures", list)
        .with("next", evidence.next.to_string())
        .with("forgotten", evidence.evicted())
}

impl Findings {
    fn new(place: u64, expectations: usize) -> Self {
        Self { place, gone: Vec::new(), of: vec![Found::default(); expectations] }
    }

    /// Compares new events with the expectations, and forgets those that are not kept any more.
    fn add(&mut self, wanted: &[Wanted], news: &[Arc<Event>], evidence: &Evidence) {
        let gone = |kind| evidence.gone.iter().find(|it| it.0 == kind).map_or(0, |it| it.1);
        let are_some_gone = self.gone != evidence.gone;
        for (wanted, found) in wanted.iter().zip(&mut self.of) {
            if are_some_gone {
                let gone = gone(wanted.kind);
                found.fits.retain(|it| it.recorded > gone);
                found.unclear.retain(|it| it.recorded > gone);
            }
            for event in news.iter().filter(|it| it.what.kind() == wanted.kind) {
                let found = match wanted.filter.fit(event) {
                    Fit::Yes => &mut found.fits,
                    Fit::Unknown => &mut found.unclear,
                    Fit::No => continue,
                };
                found.insert(found.partition_point(|it| it.seq < event.seq), event.clone());
            }
        }
        self.gone.clone_from(&evidence.gone);
        self.place = evidence.place;
    }
}

impl Evidence {
    /// `is_over`: the verdict is told, whatever it is.
    fn read(space: &Space, engine: &Engine, after: Option<u64>, kinds: &[EventKind], is_over: bool) -> Self {
        let journal = &engine.journal;
        Self {
            events: is_over.then(|| journal.after(after.unwrap_or(0), kinds)),
            gone: kinds.iter().map(|it| (*it, journal.kept_after(&[*it]))).collect(),
            open: match kinds.contains(&EventKind::Call) {
                true => journal.open_calls_after(0).cloned().collect(),
                false => Vec::new(),
            },
            missing: kinds.iter().map(|it| (*it, journal.missing_after(after, *it))).collect(),
            doubtful: engine.doubtful_calls(after.unwrap_or(0)),
            place: journal.last(),
            next: Cursor::at(space, journal.last()),
        }
    }

    /// Whether an eviction from the memory of people and codes could change what fits.
    fn is_doubtful(&self, wanted: &Wanted) -> bool {
        let may_fit = |it: &Arc<Event>| wanted.filter.fit_at_start(it) != Fit::No;
        match wanted.kind {
            EventKind::Notice => false,
            EventKind::Call => self.doubtful.are_some_evicted || self.doubtful.calls.iter().any(may_fit),
            // Calls bring about the others.
            _ => self.doubtful.are_some_evicted || !self.doubtful.calls.is_empty(),
        }
    }

    /// How many events are evicted.
    fn evicted(&self) -> u64 {
        let count = |it: &Missing| if let Missing::Evicted { count, .. } = it { *count } else { 0 };
        self.missing.iter().map(|it| count(&it.1)).sum()
    }

    /// How many of the events that are not kept fit.
    fn missing(&self, wanted: &Wanted) -> Count {
        match self.missing.iter().find(|it| it.0 == wanted.kind).map(|it| &it.1) {
            None | Some(Missing::Nothing) => Count::default(),
            Some(Missing::Removed) => Count { least: 0, most: u64::MAX },
            Some(Missing::Evicted { count, all_follow, tally }) => {
                let mut fit = Count::default();
                let mut add = |one: Fit, count: u64| {
                    fit.least += if one == Fit::Yes && *all_follow { count } else { 0 };
                    fit.most += if one == Fit::No { 0 } else { count };
                };
                match tally {
                    Some(tally) => {
                        tally.iter().for_each(|(calls, count)| add(wanted.filter.fit_of_evicted(calls), count))
                    }
                    None => add(if wanted.filter.len() == 0 { Fit::Yes } else { Fit::Unknown }, *count),
                }
                fit
            }
        }
    }

    /// What to do where too little is known.
    fn remedy(&self) -> String {
        if !self.doubtful.calls.is_empty() || self.doubtful.are_some_evicted {
            return "Start the server with a higher --people or --codes, let each test use a space of its own, or reset the space before it."
                .into();
        }
        let is_missing = |kind: Option<EventKind>| {
            let mut of_kind = self.missing.iter().filter(|it| kind.is_none_or(|kind| kind == it.0));
            of_kind.any(|it| !matches!(it.1, Missing::Nothing))
        };
        let keep = match is_missing(Some(EventKind::Call)) {
            true => {
                "Start the server with a higher --journal-entries or --journal-bytes, so that it keeps more calls; or"
            }
            false => "Let",
        };
        match is_missing(None) {
            false if !self.open.is_empty() => {
                "GET /calls?state=open lists the calls that are open. Let them end, or give a longer wait (--wait 30s)."
                    .into()
            }
            true => format!("{keep} let each test use a space of its own, or reset the space before it."),
            false => "Of a request, the first 64 KiB are kept: ask for what stands there.".into(),
        }
    }
}

impl Wanted {
    fn read_all(expected: Vec<Expectation>, country: &str) -> Result<Vec<Self>, Problem> {
        let read = |(at, it)| {
            Self::read(it, country).map_err(|(field, why, remedy)| {
                let field = format!("expect[{at}].{field}");
                Problem::new(No::BadBody, format!("{field}: {why}."), remedy).with("field", field)
            })
        };
        expected.into_iter().enumerate().map(read).collect()
    }

    fn read(it: Expectation, country: &str) -> Result<Self, (String, String, String)> {
        let words = EventKind::ALL.map(EventKind::word);
        let kind = match it.kind.as_deref() {
            None => EventKind::Call,
            Some(word) => EventKind::ALL.into_iter().find(|it| it.word() == word).ok_or_else(|| {
                let meant = closest(word, words).map(|it| format!("Did you mean {it}?"));
                let remedy = meant.unwrap_or_else(|| format!("There are: {}.", listed(words.into_iter())));
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
        let pairs: Vec<(String, String)> = it.conditions.into_iter().map(text).collect::<Result<_, _>>()?;
        let state = pairs.iter().find(|it| kind == EventKind::Call && it.0 == "state");
        if state.is_some_and(|it| !Pattern::new(&it.1).matches("closed")) {
            let (why, remedy) =
                ("a verification counts closed calls", "GET /calls?state=open lists those that are open.");
            return Err(("where.state".into(), why.into(), remedy.into()));
        }
        let filter = Filter::of(pairs, &[kind], country).map_err(|Unfit { name, reason }| {
            let names = super::view::names(kind).iter().copied().chain(["phone"]);
            let meant = closest(&name, names.clone()).map(|it| format!("Did you mean {it}?"));
            let all = || format!("There are: {}; and fields.NAME.", listed(names));
            let no_such = || ("there is no such value".to_owned(), meant.unwrap_or_else(all));
            let (why, remedy) = reason.unwrap_or_else(no_such);
            (format!("where.{name}"), why, remedy)
        })?;
        let count = match (it.exactly, it.at_least, it.at_most) {
            (Some(exactly), None, None) => Count { least: exactly, most: exactly },
            (None, None, None) => Count { least: 1, most: u64::MAX },
            (None, Some(0), None) if it.within.is_none() => {
                let why = "it is so whatever happens".into();
                return Err(("at_least".into(), why, "Give 1 or more, or exactly: 0 for none.".into()));
            }
            (None, least, most) => Count { least: least.unwrap_or(0), most: most.unwrap_or(u64::MAX) },
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

/// Whether all came true: how many fitted each, or each that failed or is unknown. Where the failures are not told yet,
/// the first one.
fn judge(wanted: &[Wanted], found: &Findings, evidence: &Evidence, in_order: bool) -> Result<Vec<u64>, Vec<Failure>> {
    let mut failures = Vec::new();
    let mut counts = Vec::new();
    // In order: what comes next must come after this.
    let mut from = 0;
    let mut is_order_known = true;
    for (place, (it, Found { fits, unclear })) in wanted.iter().zip(&found.of).enumerate() {
        if !failures.is_empty() && evidence.events.is_none() {
            break;
        }
        let missing = evidence.missing(it);
        let found = fits.len() as u64 + missing.least;
        // Those that may fit: too little is known of them, or they have not ended.
        let others = (missing.most - missing.least).saturating_add(unclear.len() as u64);
        let is_open = |event: &&Arc<Event>| it.kind == EventKind::Call && it.filter.fit(event) != Fit::No;
        let open: Vec<&Arc<Event>> = evidence.open.iter().filter(is_open).collect();
        let most = found.saturating_add(others).saturating_add(open.len() as u64);
        counts.push(found);
        let mut fail = |verdict, why: String, nearest: Vec<Near>| {
            let expected = it.to_string();
            let failure = Failure { place, verdict, expected, found, why, nearest, text: String::new() };
            failures.push(Failure { text: failure.to_string(), ..failure });
        };
        let shown = || fits.iter().rev().take(NEAREST).map(|it| Near::of(it, Vec::new())).collect();
        if evidence.is_doubtful(it) {
            let why = "what decides it was evicted; a server with a larger --people or --codes keeps more".into();
            fail(Verdict::Unknown, why, shown());
            continue;
        }
        if most < it.count.least {
            let events = evidence.events.as_deref().unwrap_or_default();
            let own: Vec<&Arc<Event>> = events.iter().filter(|event| event.what.kind() == it.kind).collect();
            let why = match own.len() {
                0 => format!("there was no {} at all", it.kind.word()),
                _ => format!("{found} fitted"),
            };
            fail(Verdict::Failed, why, nearest(it, &own));
            continue;
        }
        if found > it.count.most {
            fail(Verdict::Failed, format!("{found} fitted"), shown());
            continue;
        }
        let took = spread(fits.iter());
        if it.within.is_some_and(|within| took > within) {
            let why = format!("the first and the last are {} apart", humantime::format_duration(took));
            fail(Verdict::Failed, why, shown());
            continue;
        }
        // When they came is known of kept events and of open calls only.
        let is_undated = most - open.len() as u64 > fits.len() as u64 && most > 1;
        let may_spread = |within| is_undated || spread(fits.iter().chain(open.iter().copied())) > within;
        if found < it.count.least || most > it.count.most || it.within.is_some_and(may_spread) {
            let others = match (others, open.len()) {
                (0, 0) => "it is not known when".into(),
                (0, open) => format!("{open} that are open could fit, too"),
                (u64::MAX, _) => "what a reset has removed could fit, too".into(),
                (others, _) => format!("{others} of which too little is kept could fit, too"),
            };
            fail(Verdict::Unknown, format!("{found} fitted, and {others}"), shown());
            continue;
        }
        if in_order && it.count.least > 0 {
            is_order_known &= most == fits.len() as u64;
            let nth = usize::try_from(it.count.least - 1).unwrap_or(usize::MAX);
            match fits.iter().filter(|it| it.seq > from).nth(nth) {
                Some(event) => from = event.seq,
                None if is_order_known => {
                    fail(Verdict::Failed, "it fitted, and came before what it should follow".into(), shown());
                }
                None => {
                    fail(
                        Verdict::Unknown,
                        "the order is not known: what could fit is open, or not kept".into(),
                        shown(),
                    );
                }
            }
        }
    }
    if failures.is_empty() { Ok(counts) } else { Err(failures) }
}

/// How far apart the first and the last are.
fn spread<'a>(events: impl Iterator<Item = &'a Arc<Event>> + Clone) -> Duration {
    let times = events.map(|it| it.at);
    times.clone().min().zip(times.max()).map(|(first, last)| last.since(first)).unwrap_or_default()
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
        Self { event: View::of(event).value(), differences }
    }
}

/// In words: `at least 1 call with operation PfAuthUser*`.
impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.name {
            write!(f, "{name}: ")?;
        }
        let number = match (self.count.least, self.count.most) {
            (least, u64::MAX) => {
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
        write!(f, " {}", noun_of(number, self.kind.word()))?;
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
        let start = if self.verdict == Verdict::Unknown { "Unknown: expected" } else { "Expected" };
        write!(f, "{start} {}; {}.", self.expected, self.why)?;
        for near in &self.nearest {
            let text = |key: &str| near.event.get(key).and_then(Value::as_str).unwrap_or_default();
            let what = match text("operation") {
                "" => text("kind"),
                operation => operation,
            };
            let at = Timestamp::of_text(text("at")).map(Timestamp::for_people).unwrap_or_default();
            write!(f, "\n  #{} at {at}: {what} {}", near.event["seq"], text("username"))?;
            for it in &near.differences {
                let actual = it.actual.as_deref().unwrap_or("nothing");
                write!(f, "\n    {}: expected {}, was {actual}", it.field, it.expected)?;
            }
        }
        Ok(())
    }
}
