//! How a section of the grammar declares its keys. A declaration has one reader, which both reads the value of the key
//! and describes the values that it takes. A section is a function over [`Fields`]: over a mapping of a file it reads, and
//! over a [`Grammar`] the same function describes itself.

use std::collections::HashSet;

use crate::contract::{Primitive, Record, Shape};
use crate::text::listed;

use super::grammar::{Grammar, Key, Values};
use super::mistake::{Code, closest, quoted};
use super::tree::{Entry, Kind};
use super::written::{Written, suggest};

/// What may stand under a key.
pub(super) trait Reader<'a> {
    type Value;

    /// Reads a value. `None`: it does not fit, and the mistake is reported.
    fn read(&mut self, written: Written<'a>) -> Option<Self::Value>;

    /// The values that [`Self::read`] takes.
    fn values(&mut self, grammar: &'a Grammar) -> Values;

    /// A value as the reference writes it as a default. `None`: the reference has words of its own for it.
    fn shown(&self, value: &Self::Value) -> Option<String> {
        let _ = value;
        None
    }
}

/// The keys of a mapping, as a section declares them one by one. Keys of the file that are not declared are mistakes.
pub(super) struct Fields<'a> {
    written: Written<'a>,
    /// How messages name the mapping.
    what: &'static str,
    entries: &'a [Entry<'a>],
    /// What holds where there is no such key.
    beneath: &'a [Entry<'a>],
    known: Vec<&'static str>,
    /// Where the keys are described, and under which name, instead of read.
    grammar: Option<(&'a Grammar, &'static str)>,
}

impl<'a> Fields<'a> {
    /// The whole mapping. While the grammar is described, it is an empty one.
    pub(super) const fn written(&self) -> Written<'a> {
        self.written
    }

    /// Replaces a value by that of a key, if it is there and right. The value before is the key's default.
    pub(super) fn set<R: Reader<'a>>(&mut self, key: &'static str, value: &mut R::Value, mut reader: R) {
        if let Some((grammar, mapping)) = self.grammar {
            let (values, default) = (reader.values(grammar), reader.shown(value));
            grammar.add(mapping, Key { key, is_needed: false, values, default });
        }
        if let Some(read) = self.take(key).and_then(|it| reader.read(it)) {
            *value = read;
        }
    }

    /// The value of a key, if it is there and right.
    pub(super) fn get<R: Reader<'a>>(&mut self, key: &'static str, mut reader: R) -> Option<R::Value> {
        self.describe(key, false, &mut reader);
        self.take(key).and_then(|it| reader.read(it))
    }

    /// The value of a key that must be there.
    pub(super) fn need<R: Reader<'a>>(&mut self, key: &'static str, mut reader: R) -> Option<R::Value> {
        self.describe(key, true, &mut reader);
        let value = self.take(key);
        if value.is_none() {
            self.report_missing(key);
        }
        value.and_then(|it| reader.read(it))
    }

    /// Declares a key that another part reads: see `compose`.
    pub(super) fn elsewhere<R: Reader<'a>>(&mut self, key: &'static str, mut reader: R) {
        self.describe(key, false, &mut reader);
        self.known.push(key);
    }

    /// How many keys are declared so far, for [`Self::present_since`].
    pub(super) const fn declared(&self) -> usize {
        self.known.len()
    }

    /// The keys that are there, of those that were declared after so many.
    pub(super) fn present_since(&self, declared: usize) -> impl Iterator<Item = (&'static str, Written<'a>)> {
        self.known[declared..].iter().filter_map(|key| Some((*key, self.find(key)?)))
    }

    /// Where the value of a declared key stands, if it is there.
    pub(super) fn at(&self, key: &'static str) -> Option<Written<'a>> {
        debug_assert!(self.known.contains(&key), "{key} is declared before it is looked at");
        self.find(key)
    }

    /// Declares the fields of a record of the contract, each by its key, and sets those that are there.
    pub(super) fn record<T: Record>(&mut self, record: &mut T) {
        self.record_and(record, |_, _| ());
    }

    /// The same, with each key and text that was set.
    pub(super) fn record_and<T: Record>(&mut self, record: &mut T, and: impl FnMut(&'static str, String)) {
        self.record_needing(&[], record, and);
    }

    /// The same; some keys must be there.
    pub(super) fn record_needing<T: Record>(
        &mut self,
        needed: &[&'static str],
        record: &mut T,
        mut and: impl FnMut(&'static str, String),
    ) {
        if let Some((grammar, mapping)) = self.grammar {
            let defaults = record.texts();
            for (field, (_, default)) in T::SHAPE.fields().iter().zip(defaults) {
                let values = field_values(field.shape, field.secret);
                let default = default
                    .filter(|_| !matches!(field.shape.inner(), Shape::Simple(Primitive::String | Primitive::Double)));
                let default = default.map(|it| format!("`{it}`"));
                let is_needed = needed.contains(&field.key);
                grammar.add(mapping, Key { key: field.key, is_needed, values, default });
            }
        }
        for field in T::SHAPE.fields() {
            let Some(written) = self.take(field.key) else {
                if needed.contains(&field.key) {
                    self.report_missing(field.key);
                }
                continue;
            };
            let shape = match field.shape {
                Shape::Optional(shape) => shape,
                shape => shape,
            };
            let text = match shape {
                Shape::Simple(Primitive::Boolean) => written.truth().map(|it| it.to_string()),
                Shape::Simple(Primitive::Int) => written.whole::<i32>(0..=i32::MAX.into()).map(|it| it.to_string()),
                Shape::Simple(Primitive::Double) => written.duration().map(|it| it.as_secs_f64().to_string()),
                _ if field.secret => written.secret().map(Into::into),
                _ => written.text().map(Into::into),
            };
            let Some(text) = text else { continue };
            match record.set(field.key, &text) {
                Some(()) => and(field.key, text),
                None => drop::<Option<()>>(written.unknown_choice(&text, shape)),
            }
        }
    }

    fn report_missing(&self, key: &str) {
        self.written.report_with(Code::MissingKey, || (format!("{} needs the key {key}", self.what), []));
    }

    fn describe<R: Reader<'a>>(&self, key: &'static str, is_needed: bool, reader: &mut R) {
        if let Some((grammar, mapping)) = self.grammar {
            let values = reader.values(grammar);
            grammar.add(mapping, Key { key, is_needed, values, default: None });
        }
    }

    fn take(&mut self, key: &'static str) -> Option<Written<'a>> {
        self.known.push(key);
        self.find(key)
    }

    fn find(&self, key: &'static str) -> Option<Written<'a>> {
        let entry = self.entries.iter().chain(self.beneath).find(|it| it.key == key)?;
        Some(self.written.part(key, &entry.value))
    }

    /// Reports the keys of the file that were not declared.
    fn finish(self) {
        if self.entries.iter().all(|it| self.known.contains(&&*it.key)) {
            return;
        }
        let mut known = self.known;
        if self.written.files().lists(Code::UnknownKey, self.written.at()) {
            let mut seen = HashSet::new();
            known.retain(|it| seen.insert(*it));
        }
        for entry in self.entries.iter().filter(|it| !known.contains(&&*it.key)) {
            let files = self.written.files();
            if !matches!(entry.value.kind, Kind::Nothing) {
                // What the key was meant to be is a guess, so its value may be a secret.
                files.hide(&entry.value.span);
            }
            files.push_with(Code::UnknownKey, &entry.key_span, || {
                let message = format!("{} has no key {}", self.what, quoted(&entry.key));
                let meant = closest(&entry.key, known.iter().copied());
                (message, suggest(meant, &listed(known.iter().copied())))
            });
        }
    }
}

/// What a field of the contract may be in a scenario.
fn field_values(shape: &Shape, is_secret: bool) -> Values {
    match shape.inner() {
        Shape::Simple(Primitive::Boolean) => Values::truth(),
        Shape::Simple(Primitive::Int) => Values::whole(&(0..=i32::MAX.into())),
        Shape::Simple(Primitive::Double) => Values::time("time"),
        Shape::Choice { values, .. } => Values::words(values),
        _ if is_secret => Values::text("text, secret"),
        _ => Values::text("text"),
    }
}

/// A mapping, read by a section of the grammar.
pub(super) struct Mapping<'a, F> {
    name: &'static str,
    what: &'static str,
    beneath: Option<Written<'a>>,
    /// What a text is called that stands for a mapping without keys. `None`: a text is a mistake.
    text: Option<&'static str>,
    section: F,
}

/// A mapping. `name` is its name in the schema, `what` that in messages.
pub(super) const fn mapping<'a, T, F>(name: &'static str, what: &'static str, section: F) -> Mapping<'a, F>
where
    F: FnMut(&mut Fields<'a>) -> Option<T>,
{
    Mapping { name, what, beneath: None, text: None, section }
}

impl<'a, F> Mapping<'a, F> {
    /// The same mapping with another beneath it: what it does not say, that one may. The keys of the one beneath are not
    /// looked at twice.
    pub(super) fn over(self, beneath: Option<Written<'a>>) -> Self {
        Self { beneath, ..self }
    }

    /// The same mapping, or a text: the section sees a mapping without keys, and reads the text itself. `what` says in the
    /// reference which text.
    pub(super) fn or_text(self, what: &'static str) -> Self {
        Self { text: Some(what), ..self }
    }
}

impl<'a, T, F: FnMut(&mut Fields<'a>) -> Option<T>> Reader<'a> for Mapping<'a, F> {
    type Value = T;

    fn read(&mut self, written: Written<'a>) -> Option<T> {
        let entries = match self.text {
            Some(_) if written.is_text() => &[],
            _ => written.entries()?,
        };
        let beneath = self.beneath.and_then(Written::entries_if_mapping).unwrap_or_default();
        let mut fields = Fields { written, what: self.what, entries, beneath, known: Vec::new(), grammar: None };
        let read = (self.section)(&mut fields);
        fields.finish();
        read
    }

    fn values(&mut self, grammar: &'a Grammar) -> Values {
        if grammar.open(self.name) {
            let written = Written::root(&grammar.report, &grammar.nothing);
            let grammar = Some((grammar, self.name));
            let mut fields =
                Fields { written, what: self.what, entries: &[], beneath: &[], known: Vec::new(), grammar };
            (self.section)(&mut fields);
        }
        let mapping = Values::mapping(self.name);
        match self.text {
            Some(what) => Values::either(&Values::text(what), &mapping),
            None => mapping,
        }
    }
}
