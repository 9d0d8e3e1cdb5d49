//! What is looked for among all that happened: the same conditions for lists, waits, streams and verifications.

use std::borrow::Cow;
use std::cell::OnceCell;

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::view::{self, View};
use crate::engine::{Event, EventKind, Number, Pattern, What};

/// Conditions, all of which must hold.
#[derive(Clone, Debug, Default)]
pub(super) struct Filter(Vec<Condition>);

#[derive(Clone, Debug)]
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

/// What stands before the name of a field of the request.
const FIELDS: &str = "fields.";

/// An event whose request is read only if a condition asks for it.
struct Seen<'a> {
    event: &'a Event,
    view: View<'a>,
    fields: OnceCell<Map<String, Value>>,
}

impl Filter {
    /// Conditions by name. A name that no event of these kinds has is handed back.
    pub(super) fn of(pairs: Vec<(String, String)>, kinds: &[EventKind], default_country: &str) -> Result<Self, String> {
        let is_known = |name: &str| {
            let is_field = kinds.contains(&EventKind::Call) && (name.starts_with(FIELDS) || name == "phone");
            is_field || kinds.iter().any(|it| view::names(*it).contains(&name))
        };
        Self::read(pairs, is_known, default_country)
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
        if self.0.is_empty() {
            return true;
        }
        let seen = Seen::of(event);
        self.0.iter().all(|it| it.holds(seen.get(it).as_deref()))
    }

    /// Whether the conditions hold of something whose values are told by name.
    pub(super) fn fits_by(&self, get: impl Fn(&str) -> Option<String>) -> bool {
        self.0.iter().all(|it| it.holds(get(&it.name).as_deref()))
    }

    /// The conditions that do not hold, with what is there instead.
    pub(super) fn differences(&self, event: &Event) -> Vec<Difference> {
        let seen = Seen::of(event);
        let difference = |it: &Condition| {
            let actual = seen.get(it).map(Cow::into_owned);
            let differs = !it.holds(actual.as_deref());
            differs.then(|| Difference { field: it.name.clone(), expected: it.text.clone(), actual })
        };
        self.0.iter().filter_map(difference).collect()
    }

    /// The one user that it names, if it names one.
    pub(super) fn username(&self) -> Option<String> {
        let own = self.0.iter().find(|it| it.name == "username" && !it.text.is_empty() && !it.text.contains('*'));
        own.map(|it| it.text.clone())
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

impl Condition {
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

impl<'a> Seen<'a> {
    fn of(event: &'a Event) -> Self {
        Self { event, view: View::of(event), fields: OnceCell::new() }
    }

    fn get(&self, condition: &Condition) -> Option<Cow<'_, str>> {
        let name = condition.name.as_str();
        if let Some(value) = self.view.get(name) {
            return Some(value);
        }
        let What::Call(entry) = &self.event.what else { return None };
        if name == "phone" {
            let fields = self.fields.get_or_init(|| view::fields(entry));
            return view::phone(fields, &condition.default_country).map(|it| it.to_string().into());
        }
        let path = name.strip_prefix(FIELDS)?;
        let mut fields = Some(self.fields.get_or_init(|| view::fields(entry)));
        let mut found = None;
        for part in path.split('.') {
            found = fields?.get(part);
            fields = found.and_then(Value::as_object);
        }
        Some(match found? {
            Value::String(text) => text.into(),
            other => other.to_string().into(),
        })
    }
}
