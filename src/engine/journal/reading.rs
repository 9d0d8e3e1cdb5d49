//! What conditions have read of the request of a call.

use std::borrow::Cow;
use std::sync::OnceLock;

use serde_json::{Map, Value};

use crate::engine::Number;

/// What conditions have read of a request: it is read once, however many conditions ask. Before the first one asks, it
/// takes 16 bytes.
#[derive(Clone, Debug, Default)]
pub struct Reading(OnceLock<Box<Read>>);

#[derive(Clone, Debug)]
struct Read {
    fields: Map<String, Value>,
    number: OnceLock<NumberIn>,
}

/// A number, and the country code that stands in for a missing one.
type NumberIn = (Box<str>, Option<Number>);

impl Reading {
    /// The fields of the request, which `read` reads. It gets them with secrets masked.
    pub fn fields(&self, read: impl FnOnce() -> Map<String, Value>) -> &Map<String, Value> {
        &self.get(read).fields
    }

    /// The telephone number that the request names, which `read` makes of its fields for a default country code.
    pub fn number(
        &self,
        fields: impl FnOnce() -> Map<String, Value>,
        default_country: &str,
        read: impl Fn(&Map<String, Value>) -> Option<Number>,
    ) -> Option<Cow<'_, Number>> {
        let it = self.get(fields);
        let (country, number) = it.number.get_or_init(|| (default_country.into(), read(&it.fields)));
        match **country == *default_country {
            true => number.as_ref().map(Cow::Borrowed),
            // A reload has changed the default.
            false => read(&it.fields).map(Cow::Owned),
        }
    }

    fn get(&self, fields: impl FnOnce() -> Map<String, Value>) -> &Read {
        self.0.get_or_init(|| Box::new(Read { fields: fields(), number: OnceLock::new() }))
    }
}
