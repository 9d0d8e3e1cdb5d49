//! What is looked for among all that happened: the same conditions for lists, waits, streams and verifications.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::view::{self, View};
use crate::contract::{Field, Shape};
use crate::engine::{CallEntry, Event, EventKind, EvictedCalls, EvictedResult, Number, Pattern, What};
use crate::operations;
use crate::scenario::closest;
use crate::switchboard::{Interest, Key};
use crate::text::lower_case;

/// Conditions, all of which must hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Filter(Vec<Condition>);

#[derive(Clone, Debug, PartialEq)]
struct Condition {
    name: String,
    text: String,
    pattern: Pattern,
    /// Where a telephone number is looked for: every spelling of it is the same.
    number: Option<Number>,
    default_country: String,
}

/// A condition that does not hold.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Difference {
    pub(super) field: String,
    pub(super) expected: String,
    /// Missing where there is no such value.
    pub(super) actual: Option<String>,
}

/// Whether conditions hold.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Fit {
    No,
    /// What decides it is not known.
    Unknown,
    Yes,
}

/// A value that a condition is compared with.
enum Actual<'a> {
    Is(Cow<'a, str>),
    Number(Cow<'a, Number>),
    Missing,
    Unknown,
}

/// A condition that no event can be compared with.
#[derive(Debug)]
pub(super) struct Unfit {
    pub(super) name: String,
    /// Why, and what to do. `None`: there is no value of that name.
    pub(super) reason: Option<(String, String)>,
}

/// What stands before the name of a field of the request.
const FIELDS: &str = "fields.";

/// An event whose request is read only if a condition asks for it.
struct Seen<'a> {
    event: &'a Event,
    view: View<'a>,
}

impl Filter {
    /// Conditions by name on events of these kinds.
    ///
    /// # Errors
    /// A condition that holds of no event, whatever happens: its name or its value is misspelt.
    pub(super) fn of(pairs: Vec<(String, String)>, kinds: &[EventKind], default_country: &str) -> Result<Self, Unfit> {
        let has_calls = kinds.contains(&EventKind::Call);
        let operation = pairs.iter().find(|it| it.0 == "operation").map_or("*", |it| &it.1);
        let operations = operations_of(operation)?;
        for (name, text) in &pairs {
            if let Some(path) = name.strip_prefix(FIELDS).filter(|_| has_calls) {
                is_comparable(name, path, text, &operations)?;
            }
        }
        let is_known = |name: &str| {
            let is_field = has_calls && (name.starts_with(FIELDS) || name == "phone");
            is_field || kinds.iter().any(|it| view::names(*it).contains(&name))
        };
        Self::read(pairs, is_known, default_country).map_err(|name| Unfit { name, reason: None })
    }

    /// Conditions by name, each of which must be known.
    pub(super) fn read(
        pairs: Vec<(String, String)>,
        is_known: impl Fn(&str) -> bool,
        default_country: &str,
    ) -> Result<Self, String> {
        let condition = |(name, text): (String, String)| {
            if !is_known(&name) {
                return Err(name);
            }
            let is_phone = name == "to" || name.to_ascii_lowercase().ends_with("phone") || name.ends_with("Number");
            let number = Number::read(&text, "", "", default_country).ok().filter(|_| is_phone);
            let default_country = default_country.to_owned();
            Ok(Condition { name, pattern: Pattern::new(&text), text, number, default_country })
        };
        pairs.into_iter().map(condition).collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn fits(&self, event: &Event) -> bool {
        self.fit(event) == Fit::Yes
    }

    /// Whether the conditions hold of an event, as far as the journal keeps it.
    pub(super) fn fit(&self, event: &Event) -> Fit {
        if self.0.is_empty() {
            return Fit::Yes;
        }
        let seen = Seen::of(event);
        self.all(|it| seen.get(it))
    }

    /// Whether the conditions hold of a call, as far as that is known before it ends.
    pub(super) fn fit_at_start(&self, event: &Event) -> Fit {
        let seen = Seen::of(event);
        self.all(|it| if view::AT_THE_END.contains(&it.name.as_str()) { Actual::Unknown } else { seen.get(it) })
    }

    /// Whether it asks for calls that are open.
    pub(super) fn asks_for_open(&self) -> bool {
        let state = self.0.iter().find(|it| it.name == "state");
        state.is_some_and(|it| it.pattern.matches("open") && !it.pattern.matches("closed"))
    }

    /// Whether the conditions hold of evicted calls, as far as they are counted.
    pub(super) fn fit_of_evicted(&self, calls: &EvictedCalls) -> Fit {
        let counted =
            |text: &Option<Box<str>>| text.clone().map_or(Actual::Unknown, |it| Actual::Is(it.into_string().into()));
        let of_result = |get: fn(&EvictedResult) -> Option<i32>| match calls.result.as_ref().map(get) {
            Some(Some(code)) => Actual::Is(code.to_string().into()),
            Some(None) => Actual::Missing,
            None => Actual::Unknown,
        };
        self.all(|it| match it.name.as_str() {
            "kind" => Actual::Is(EventKind::Call.word().into()),
            "state" => Actual::Is("closed".into()),
            "operation" => Actual::Is(calls.operation.into()),
            "username" => counted(&calls.username),
            "outcome" => counted(&calls.outcome),
            "call_result" => of_result(|it| it.call_result),
            "error" => of_result(|it| it.error),
            "status" => of_result(|it| Some(it.status.into())),
            _ => Actual::Unknown,
        })
    }

    fn all<'a>(&self, get: impl Fn(&Condition) -> Actual<'a>) -> Fit {
        self.0.iter().map(|it| it.fit(&get(it))).min().unwrap_or(Fit::Yes)
    }

    /// Whether the conditions hold of something whose values are told by name.
    pub(super) fn fits_by(&self, get: impl Fn(&str) -> Option<String>) -> bool {
        self.0.iter().all(|it| it.holds(get(&it.name).as_deref()))
    }

    /// The conditions that do not hold, with what is there instead.
    pub(super) fn differences(&self, event: &Event) -> Vec<Difference> {
        let seen = Seen::of(event);
        let difference = |it: &Condition| {
            let actual = seen.get(it);
            let differs = it.fit(&actual) == Fit::No;
            let actual = match actual {
                Actual::Is(text) => Some(text.into_owned()),
                Actual::Number(number) => Some(number.to_string()),
                Actual::Missing | Actual::Unknown => None,
            };
            differs.then(|| Difference { field: it.name.clone(), expected: it.text.clone(), actual })
        };
        self.0.iter().filter_map(difference).collect()
    }

    /// The one value by which the fewest events are found, if it asks for one: a number, a user, or another that the
    /// events have.
    pub(super) fn key(&self, is_of_events: impl Fn(&str) -> bool) -> Option<Key> {
        let has_one_value = |it: &&Condition| !it.text.is_empty() && !it.text.contains('*') && is_of_events(&it.name);
        let rank = |it: &&Condition| match it.name.as_str() {
            _ if it.number.is_some() => 0,
            "username" => 1,
            "kind" | "state" | "operation" => 3,
            _ => 2,
        };
        self.0.iter().filter(has_one_value).min_by_key(rank).map(Condition::key)
    }

    /// What wakes those who wait for events of some kinds of which the conditions hold.
    pub(super) fn interest(&self, kinds: &[EventKind]) -> Interest {
        let filter = self.clone();
        Interest { kinds: kinds.into(), key: filter.key(|_| true), matches: Box::new(move |event| filter.fits(event)) }
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// In words: `operation PfAuthUser*, phone +1 425 555 0100`.
impl std::fmt::Display for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let words: Vec<_> = self.0.iter().map(|it| format!("{} {}", it.name, it.text)).collect();
        f.write_str(&if words.is_empty() { "anything".into() } else { words.join(", ") })
    }
}

/// The operations that a pattern names.
fn operations_of(pattern: &str) -> Result<Vec<&'static operations::Operation>, Unfit> {
    let matches = Pattern::new(pattern);
    let found: Vec<_> = operations::all().filter(|it| matches.matches(it.signature.name)).collect();
    // A call that names no operation has an empty name.
    if !found.is_empty() || pattern.is_empty() {
        return Ok(found);
    }
    let meant = closest(pattern.trim_matches('*'), operations::all().map(|it| it.signature.name));
    let remedy = meant.map_or_else(|| "`locmfa wsdl` lists the operations.".into(), |it| format!("Did you mean {it}?"));
    Err(Unfit { name: "operation".into(), reason: Some((format!("there is no operation {pattern:?}"), remedy)) })
}

/// Refuses a condition on a field that no request of these operations has, or that the journal does not compare.
fn is_comparable(name: &str, path: &str, text: &str, among: &[&'static operations::Operation]) -> Result<(), Unfit> {
    let requests = || among.iter().map(|it| it.signature.request);
    let unfit = |why: &str, remedy: String| Err(Unfit { name: name.into(), reason: Some((why.into(), remedy)) });
    let mut found = requests().filter_map(|it| field(it, path)).peekable();
    if found.peek().is_none() {
        let (parents, last) = path.rsplit_once('.').map_or((None, path), |(parents, last)| (Some(parents), last));
        let records = requests().filter_map(|it| parents.map_or(Some(it), |path| Some(field(it, path)?.shape.inner())));
        let names: Vec<_> = records.flat_map(Shape::fields).map(|it| it.name).collect();
        let parents = parents.map(|it| format!("{it}.")).unwrap_or_default();
        return unfit(
            "no request has that field",
            match closest(last, names) {
                Some(meant) => format!("Did you mean {FIELDS}{parents}{meant}?"),
                None => "Names are those of the wire; `GET /calls/{seq}` shows the fields of a call.".into(),
            },
        );
    }
    // Whether a secret was sent at all is no secret.
    if !text.is_empty() && text != "*" && found.all(|it| it.secret) {
        return unfit("it is a secret, which is not compared", "Use the outcome of the call instead.".into());
    }
    Ok(())
}

/// The field of a record that a path such as `settings.phone` leads to.
fn field(record: &Shape, path: &str) -> Option<&'static Field> {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let field = record.fields().iter().find(|it| it.name == first)?;
    rest.map_or(Some(field), |rest| self::field(field.shape.inner(), rest))
}

impl Condition {
    fn fit(&self, actual: &Actual<'_>) -> Fit {
        let holds = match (actual, &self.number) {
            (Actual::Unknown, _) => return Fit::Unknown,
            (Actual::Missing, _) => self.holds(None),
            (Actual::Is(text), _) => self.holds(Some(text)),
            (Actual::Number(actual), Some(number)) => actual.same_as(number),
            (Actual::Number(actual), None) => self.holds(Some(&actual.to_string())),
        };
        if holds { Fit::Yes } else { Fit::No }
    }

    fn holds(&self, actual: Option<&str>) -> bool {
        let Some(actual) = actual else { return self.text.is_empty() };
        match &self.number {
            Some(number) => {
                let actual = Number::read(actual, "", "", &self.default_country);
                actual.is_ok_and(|it| it.same_as(number))
            }
            None => self.pattern.matches(actual),
        }
    }
}

impl Condition {
    /// The value that an event has if the condition holds, for a condition on one value.
    fn key(&self) -> Key {
        let it = self.clone();
        let (name, value) = match &self.number {
            Some(number) => (format!("{} {}", self.name, self.default_country), number.digits().to_owned()),
            None => (self.name.clone(), self.pattern.text().to_owned()),
        };
        Key { name, value, of: Arc::new(move |event| it.value_of(event)) }
    }

    fn value_of(&self, event: &Event) -> Option<String> {
        let seen = Seen::of(event);
        let digits = |it: &Number| it.digits().to_owned();
        match (seen.get(self), &self.number) {
            (Actual::Number(number), Some(_)) => Some(digits(&number)),
            (Actual::Number(number), None) => Some(number.to_string()),
            (Actual::Is(text), Some(_)) => Number::read(&text, "", "", &self.default_country).ok().as_ref().map(digits),
            (Actual::Is(text), None) => Some(lower_case(&text).into_owned()),
            (Actual::Missing | Actual::Unknown, _) => None,
        }
    }
}

impl<'a> Seen<'a> {
    fn of(event: &'a Event) -> Self {
        Self { event, view: View::of(event) }
    }

    fn get(&self, condition: &Condition) -> Actual<'_> {
        let name = condition.name.as_str();
        if let Some(value) = self.view.get(name) {
            return Actual::Is(value);
        }
        let is_field = name == "phone" || name.starts_with(FIELDS);
        let What::Call(CallEntry { request, end }) = &self.event.what else { return Actual::Missing };
        if !is_field {
            let is_unknown = end.is_none() && view::AT_THE_END.contains(&name);
            return if is_unknown { Actual::Unknown } else { Actual::Missing };
        }
        let fields = view::fields(request);
        if fields.is_empty() && request.body.cut() > 0 {
            return Actual::Unknown;
        }
        let found = match name.strip_prefix(FIELDS) {
            None => view::phone(request, &condition.default_country).map(Actual::Number),
            Some(path) => nested(fields, path).map(|it| match it {
                Value::String(text) => Actual::Is(text.into()),
                other => Actual::Is(other.to_string().into()),
            }),
        };
        found.unwrap_or(Actual::Missing)
    }
}

/// The value that a path such as `settings.phone` leads to.
fn nested<'a>(fields: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    let mut parts = path.split('.');
    let first = fields.get(parts.next()?);
    parts.fold(first, |value, part| value?.get(part))
}
