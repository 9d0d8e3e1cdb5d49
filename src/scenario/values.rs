//! The readers of single values and lists: each reads, and each says what it takes.

use std::marker::PhantomData;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use crate::contract::{Record, Secret, Shape, Wire};
use crate::engine::oath;

use super::fields::{Reader, mapping};
use super::grammar::{Grammar, Values};
use super::mistake::Code;
use super::written::Written;

/// `true` or `false`.
pub(super) struct Truth;

/// A whole number in a range.
pub(super) struct Whole<T>(pub RangeInclusive<T>);

/// A number in a range.
pub(super) struct Real(pub RangeInclusive<f64>);

/// A length of time: `4s`, `1m 30s`; a number alone is seconds.
pub(super) struct Time;

/// A length of time above 0.
pub(super) struct Lasting;

/// Any text.
pub(super) struct Text;

/// A text in one line that is not empty.
pub(super) struct Name;

/// A text that no message shows.
pub(super) struct Hidden;

/// Digits that no message shows.
pub(super) struct Digits;

/// A file, found from the folder of the file that names it.
pub(super) struct File;

/// One of a few words, each of which stands for a value.
pub(super) struct Word<'w, T>(pub &'w [(&'static str, T)]);

/// A value of one of the contract's enumerations.
pub(super) struct Choice<T>(PhantomData<T>);

/// A list, which may be empty.
pub(super) struct List<R>(pub R);

/// A list, or the one value that stands for a list of one. An empty list is a mistake: as a condition of a rule it
/// would match everything.
pub(super) struct OneOrMore<R>(pub R);

/// A list, or the one value that stands for a list of one. The list may be empty.
pub(super) struct OneOrList<R>(pub R);

/// A value with the name that messages have for it.
pub(super) struct Item<R>(pub &'static str, pub R);

/// A value with the place where it stands.
pub(super) struct Placed<R>(pub R);

impl<'a> Reader<'a> for Truth {
    type Value = bool;

    fn read(&mut self, written: Written<'a>) -> Option<bool> {
        written.truth()
    }

    fn values(&mut self, _: &'a Grammar) -> Values {
        Values::truth()
    }

    fn shown(&self, value: &bool) -> Option<String> {
        Some(format!("`{value}`"))
    }
}

impl<'a, T: Copy + TryInto<i64> + TryFrom<i64> + ToString> Reader<'a> for Whole<T> {
    type Value = T;

    fn read(&mut self, written: Written<'a>) -> Option<T> {
        written.whole(self.range())
    }

    fn values(&mut self, _: &'a Grammar) -> Values {
        Values::whole(&self.range())
    }

    fn shown(&self, value: &T) -> Option<String> {
        Some(format!("`{}`", value.to_string()))
    }
}

impl<T: Copy + TryInto<i64>> Whole<T> {
    fn range(&self) -> RangeInclusive<i64> {
        let end = |it: T| it.try_into().unwrap_or(i64::MAX);
        end(*self.0.start())..=end(*self.0.end())
    }
}

impl<'a> Reader<'a> for Real {
    type Value = f64;

    fn read(&mut self, written: Written<'a>) -> Option<f64> {
        written.real(&self.0)
    }

    fn values(&mut self, _: &'a Grammar) -> Values {
        Values::real(&self.0)
    }
}

impl<'a> Reader<'a> for Time {
    type Value = Duration;

    fn read(&mut self, written: Written<'a>) -> Option<Duration> {
        written.duration()
    }

    fn values(&mut self, _: &'a Grammar) -> Values {
        Values::time("time")
    }

    fn shown(&self, value: &Duration) -> Option<String> {
        Some(format!("`{}`", humantime::format_duration(*value)))
    }
}

impl<'a> Reader<'a> for Lasting {
    type Value = Duration;

    fn read(&mut self, written: Written<'a>) -> Option<Duration> {
        written.lasting()
    }

    fn values(&mut self, _: &'a Grammar) -> Values {
        Values::time("time above 0")
    }

    fn shown(&self, value: &Duration) -> Option<String> {
        Time.shown(value)
    }
}

impl<'a> Reader<'a> for Text {
    type Value = String;

    fn read(&mut self, written: Written<'a>) -> Option<String> {
        written.text().map(Into::into)
    }

    fn values(&mut self, _: &'a Grammar) -> Values {
        Values::text("text")
    }

    fn shown(&self, value: &String) -> Option<String> {
        Some(if value.is_empty() { "empty".into() } else { format!("`{value}`") })
    }
}

impl<'a> Reader<'a> for Name {
    type Value = String;

    fn read(&mut self, written: Written<'a>) -> Option<String> {
        written.name().map(Into::into)
    }

    fn values(&mut self, _: &'a Grammar) -> Values {
        Values::text("name")
    }

    fn shown(&self, value: &String) -> Option<String> {
        Some(format!("`{value}`")).filter(|_| !value.is_empty())
    }
}

impl<'a> Reader<'a> for Hidden {
    type Value = Secret;

    fn read(&mut self, written: Written<'a>) -> Option<Secret> {
        written.secret().map(Into::into)
    }

    fn values(&mut self, _: &'a Grammar) -> Values {
        Values::text("text, secret")
    }
}

impl<'a> Reader<'a> for Digits {
    type Value = Secret;

    fn read(&mut self, written: Written<'a>) -> Option<Secret> {
        written.digits().map(Into::into)
    }

    fn values(&mut self, _: &'a Grammar) -> Values {
        Values::text("digits, secret")
    }
}

impl<'a> Reader<'a> for File {
    type Value = PathBuf;

    fn read(&mut self, written: Written<'a>) -> Option<PathBuf> {
        written.file()
    }

    fn values(&mut self, _: &'a Grammar) -> Values {
        Values::text("file")
    }
}

impl<'a, T: Clone + PartialEq> Reader<'a> for Word<'_, T> {
    type Value = T;

    fn read(&mut self, written: Written<'a>) -> Option<T> {
        written.word(self.0)
    }

    fn values(&mut self, _: &'a Grammar) -> Values {
        Values::words(&self.0.iter().map(|it| it.0).collect::<Vec<_>>())
    }

    fn shown(&self, value: &T) -> Option<String> {
        self.0.iter().find(|it| it.1 == *value).map(|it| format!("`{}`", it.0))
    }
}

impl<T> Choice<T> {
    pub(super) const NEW: Self = Self(PhantomData);
}

impl<'a, T: Wire> Reader<'a> for Choice<T> {
    type Value = T;

    fn read(&mut self, written: Written<'a>) -> Option<T> {
        written.choice()
    }

    fn values(&mut self, _: &'a Grammar) -> Values {
        match T::SHAPE {
            Shape::Choice { values, .. } => Values::words(values),
            _ => Values::text("text"),
        }
    }
}

impl<'a, R: Reader<'a>> Reader<'a> for List<R> {
    type Value = Vec<R::Value>;

    fn read(&mut self, written: Written<'a>) -> Option<Self::Value> {
        let items = written.list();
        // Users are large: one piece of memory for all of them, rather than ever larger ones.
        let mut read = Vec::with_capacity(items.len());
        read.extend(items.into_iter().filter_map(|it| self.0.read(it)));
        Some(read)
    }

    fn values(&mut self, grammar: &'a Grammar) -> Values {
        Values::list(&self.0.values(grammar))
    }

    fn shown(&self, value: &Self::Value) -> Option<String> {
        value.is_empty().then(|| "none".into())
    }
}

impl<'a, R: Reader<'a>> Reader<'a> for OneOrMore<R> {
    type Value = Vec<R::Value>;

    fn read(&mut self, written: Written<'a>) -> Option<Self::Value> {
        let items = written.one_or_more();
        if items.is_empty() {
            let help = "Write what belongs there, or take the key out.".into();
            written.report(Code::BadValue, format!("{} is an empty list", written.key()), [help]);
        }
        Some(items.into_iter().filter_map(|it| self.0.read(it)).collect())
    }

    fn values(&mut self, grammar: &'a Grammar) -> Values {
        Values::one_or_more(&self.0.values(grammar))
    }
}

impl<'a, R: Reader<'a>> Reader<'a> for OneOrList<R> {
    type Value = Vec<R::Value>;

    fn read(&mut self, written: Written<'a>) -> Option<Self::Value> {
        Some(written.one_or_more().into_iter().filter_map(|it| self.0.read(it)).collect())
    }

    fn values(&mut self, grammar: &'a Grammar) -> Values {
        Values::one_or_more(&self.0.values(grammar))
    }
}

impl<'a, R: Reader<'a>> Reader<'a> for Item<R> {
    type Value = R::Value;

    fn read(&mut self, written: Written<'a>) -> Option<Self::Value> {
        self.1.read(written.called(self.0))
    }

    fn values(&mut self, grammar: &'a Grammar) -> Values {
        self.1.values(grammar)
    }
}

impl<'a, R: Reader<'a>> Reader<'a> for Placed<R> {
    type Value = (Written<'a>, R::Value);

    fn read(&mut self, written: Written<'a>) -> Option<Self::Value> {
        Some((written, self.0.read(written)?))
    }

    fn values(&mut self, grammar: &'a Grammar) -> Values {
        self.0.values(grammar)
    }
}

/// Values that a function of its own reads; another one describes them.
pub(super) struct Described<D, F> {
    values: D,
    read: F,
}

/// Values that a function reads, and that another describes.
pub(super) const fn described<'a, T, D, F>(values: D, read: F) -> Described<D, F>
where
    D: FnMut(&'a Grammar) -> Values,
    F: FnMut(Written<'a>) -> Option<T>,
{
    Described { values, read }
}

/// A text that a function reads; `what` says which, in the reference.
pub(super) fn text_as<'a, T, F>(what: &'static str, read: F) -> Described<impl FnMut(&'a Grammar) -> Values, F>
where
    F: FnMut(Written<'a>) -> Option<T>,
{
    described(move |_: &'a Grammar| Values::text(what), read)
}

impl<'a, T, D: FnMut(&'a Grammar) -> Values, F: FnMut(Written<'a>) -> Option<T>> Reader<'a> for Described<D, F> {
    type Value = T;

    fn read(&mut self, written: Written<'a>) -> Option<T> {
        (self.read)(written)
    }

    fn values(&mut self, grammar: &'a Grammar) -> Values {
        (self.values)(grammar)
    }
}

/// A key in Base32, which no message shows.
pub(super) fn base32<'a>() -> impl Reader<'a, Value = Secret> {
    let read = |written: Written<'a>| {
        let text = written.secret()?;
        if oath::key(text).is_some() {
            return Some(text.into());
        }
        let help = "Base32 has the letters A to Z and the digits 2 to 7: JBSWY3DPEHPK3PXP.".into();
        written.wrong(Code::BadValue, format!("{} is no Base32", written.key()), [help])
    };
    text_as("Base32, secret", read)
}

/// One reader or another, as the form of the value says.
pub(super) struct Either<A, B> {
    first: A,
    second: B,
    is_first: fn(Written<'_>) -> bool,
}

/// A text by one reader, everything else by the other.
pub(super) fn text_or<A, B>(text: A, other: B) -> Either<A, B> {
    Either { first: text, second: other, is_first: |it| it.is_text() }
}

/// A mapping by the second reader, everything else by the first.
pub(super) fn or_mapping<A, B>(other: A, mapping: B) -> Either<A, B> {
    Either { first: other, second: mapping, is_first: |it| !it.is_mapping() }
}

impl<'a, A: Reader<'a>, B: Reader<'a, Value = A::Value>> Reader<'a> for Either<A, B> {
    type Value = A::Value;

    fn read(&mut self, written: Written<'a>) -> Option<A::Value> {
        match (self.is_first)(written) {
            true => self.first.read(written),
            false => self.second.read(written),
        }
    }

    fn values(&mut self, grammar: &'a Grammar) -> Values {
        Values::either(&self.first.values(grammar), &self.second.values(grammar))
    }

    fn shown(&self, value: &A::Value) -> Option<String> {
        self.first.shown(value)
    }
}

/// Readers made of readers.
pub(super) trait ReaderExt<'a>: Reader<'a> + Sized {
    /// What a value stands for.
    fn map<T, F: FnMut(Self::Value) -> T>(
        self,
        mut map: F,
    ) -> AndThen<Self, impl FnMut(Self::Value, Written<'a>) -> Option<T>> {
        AndThen { reader: self, then: move |value, _| Some(map(value)) }
    }

    /// A value that is checked further, at its place.
    fn and_then<T, F: FnMut(Self::Value, Written<'a>) -> Option<T>>(self, then: F) -> AndThen<Self, F> {
        AndThen { reader: self, then }
    }

    /// The same, with a way to write a default in the reference.
    fn shown_as(self, show: fn(&Self::Value) -> String) -> ShownAs<Self, Self::Value> {
        ShownAs { reader: self, show }
    }

    /// The same values by a word of the reference's own.
    fn known_as(self, what: &'static str) -> KnownAs<Self> {
        KnownAs { reader: self, what }
    }
}

impl<'a, R: Reader<'a>> ReaderExt<'a> for R {}

/// See [`ReaderExt::and_then`].
pub(super) struct AndThen<R, F> {
    reader: R,
    then: F,
}

impl<'a, T, R: Reader<'a>, F: FnMut(R::Value, Written<'a>) -> Option<T>> Reader<'a> for AndThen<R, F> {
    type Value = T;

    fn read(&mut self, written: Written<'a>) -> Option<T> {
        let value = self.reader.read(written)?;
        (self.then)(value, written)
    }

    fn values(&mut self, grammar: &'a Grammar) -> Values {
        self.reader.values(grammar)
    }
}

/// See [`ReaderExt::known_as`].
pub(super) struct KnownAs<R> {
    reader: R,
    what: &'static str,
}

impl<'a, R: Reader<'a>> Reader<'a> for KnownAs<R> {
    type Value = R::Value;

    fn read(&mut self, written: Written<'a>) -> Option<R::Value> {
        self.reader.read(written)
    }

    fn values(&mut self, grammar: &'a Grammar) -> Values {
        self.reader.values(grammar).called(self.what)
    }

    fn shown(&self, value: &R::Value) -> Option<String> {
        self.reader.shown(value)
    }
}

/// See [`ReaderExt::shown_as`].
pub(super) struct ShownAs<R, T> {
    reader: R,
    show: fn(&T) -> String,
}

impl<'a, R: Reader<'a>> Reader<'a> for ShownAs<R, R::Value> {
    type Value = R::Value;

    fn read(&mut self, written: Written<'a>) -> Option<R::Value> {
        self.reader.read(written)
    }

    fn values(&mut self, grammar: &'a Grammar) -> Values {
        self.reader.values(grammar)
    }

    fn shown(&self, value: &R::Value) -> Option<String> {
        Some((self.show)(value))
    }
}

/// A mapping with the fields of a record.
pub(super) fn record<'a, T: Record + Clone>(name: &'static str, of: T) -> impl Reader<'a, Value = T> {
    mapping(name, name, move |fields| {
        let mut record = of.clone();
        fields.record(&mut record);
        Some(record)
    })
}
