//! A value as it is written in a file, and what can be read out of it. `None`: the value does not fit, and the mistake
//! is reported.

use std::ops::{Range, RangeInclusive};
use std::path::PathBuf;
use std::time::Duration;

use crate::contract::{Shape, Wire};
use crate::text::{length_of_time, listed};

use super::edit;
use super::mistake::{Code, closest, quoted};
use super::report::Report;
use super::tree::{Entry, Kind, Node};

/// A value as it is written, with the key that it stands under.
#[derive(Clone, Copy)]
pub(super) struct Written<'a> {
    report: &'a Report,
    name: &'a str,
    node: &'a Node<'a>,
}

/// A key of the file's own, and its value.
pub(super) struct Pair<'a> {
    pub key: &'a str,
    key_span: &'a Range<usize>,
    pub value: Written<'a>,
}

impl Pair<'_> {
    /// Reports a mistake in the key.
    pub(super) fn wrong_key<T>(&self, code: Code, message: String, help: impl Into<Vec<String>>) -> Option<T> {
        self.wrong_key_with(code, || (message, help))
    }

    /// The same; the words are asked for only if they are shown.
    pub(super) fn wrong_key_with<T, H: Into<Vec<String>>>(
        &self,
        code: Code,
        words: impl FnOnce() -> (String, H),
    ) -> Option<T> {
        self.value.report.push_with(code, self.key_span, words);
        None
    }
}

impl<'a> Written<'a> {
    pub(super) const fn root(report: &'a Report, node: &'a Node<'a>) -> Self {
        Self { report, name: "the scenario", node }
    }

    /// The value of a key of this mapping, which it has said already that it knows.
    pub(super) fn under(self, key: &str) -> Option<Self> {
        let Kind::Mapping(entries) = &self.node.kind else { return None };
        entries.iter().find(|it| it.key == key).map(|it| Self { node: &it.value, ..self })
    }

    /// The items of a list that has been read without a mistake.
    pub(super) fn items(self) -> Vec<Self> {
        let Kind::List(items) = &self.node.kind else { return Vec::new() };
        items.iter().map(|node| Self { node, ..self }).collect()
    }

    /// As it stands in the file.
    pub(super) fn source(self) -> &'a str {
        let source = self.report.source(self.at());
        &source.text[self.node.span.start - source.start..self.node.span.end - source.start]
    }

    /// Where it begins, for [`Self::spot`].
    pub(super) const fn at(self) -> usize {
        self.node.span.start
    }

    /// Where another value is, as seen from this one: `line 4`, or `line 4 of people.yaml`.
    pub(super) fn spot(self, of: usize) -> String {
        self.report.spot(of, self.at())
    }

    /// A file that is named from the file that this stands in.
    pub(super) fn file(self) -> Option<PathBuf> {
        let name = self.name()?;
        Some(self.report.source(self.at()).folder.as_ref().map_or_else(|| name.into(), |it| it.join(name)))
    }

    /// The value as it is written, in one line of YAML.
    pub(super) fn flow(self) -> String {
        edit::flow_of(self.node)
    }

    /// Reports a mistake in this value.
    pub(super) fn report(self, code: Code, message: String, help: impl Into<Vec<String>>) {
        self.report.push(code, &self.node.span, message, help);
    }

    /// Reports a mistake that leaves nothing of this value.
    pub(super) fn wrong<T>(self, code: Code, message: String, help: impl Into<Vec<String>>) -> Option<T> {
        self.report(code, message, help);
        None
    }

    /// [`Self::report`]; the words are asked for only if they are shown.
    pub(super) fn report_with<H: Into<Vec<String>>>(self, code: Code, words: impl FnOnce() -> (String, H)) {
        self.report.push_with(code, &self.node.span, words);
    }

    /// [`Self::wrong`]; the words are asked for only if they are shown.
    pub(super) fn wrong_with<T, H: Into<Vec<String>>>(
        self,
        code: Code,
        words: impl FnOnce() -> (String, H),
    ) -> Option<T> {
        self.report_with(code, words);
        None
    }

    fn wrong_type<T>(self, needed: &str) -> Option<T> {
        let name = self.name;
        if matches!(self.node.kind, Kind::Text(_)) {
            // A text in the place of a list or mapping may be what belongs in it: a secret.
            self.report.hide(&self.node.span);
        }
        let (found, help) = match self.node.kind {
            Kind::Nothing => ("nothing", vec!["Write a value behind it, or take the key out.".into()]),
            Kind::Text(_) => ("a single value", Vec::new()),
            Kind::List(_) => ("a list", Vec::new()),
            Kind::Mapping(_) => ("a mapping", Vec::new()),
        };
        self.wrong(Code::WrongType, format!("{name} must be {needed}, and {found} stands here"), help)
    }

    /// Reports a value that does not fit. It shows in its line, unless it is a secret.
    fn bad<T>(self, needed: &str, help: impl Into<Vec<String>>) -> Option<T> {
        let name = self.name;
        self.wrong(Code::BadValue, format!("{name} must be {needed}"), help)
    }

    /// A single value, as it is written.
    pub(super) fn text(self) -> Option<&'a str> {
        match &self.node.kind {
            Kind::Text(text) => Some(text),
            _ => self.wrong_type("a text"),
        }
    }

    /// A text in one line that is not empty.
    pub(super) fn name(self) -> Option<&'a str> {
        match self.text()?.trim() {
            "" => self.bad("a name, and is empty", []),
            text if text.contains(char::is_control) => self.bad("a name without line breaks or tabs", []),
            text => Some(text),
        }
    }

    /// A text that is not shown in mistakes.
    pub(super) fn secret(self) -> Option<&'a str> {
        self.report.hide(&self.node.span);
        self.text()
    }

    pub(super) fn digits(self) -> Option<&'a str> {
        let text = self.secret()?;
        match !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit()) {
            true => Some(text),
            false => self.bad("digits and nothing else", []),
        }
    }

    pub(super) fn truth(self) -> Option<bool> {
        let Kind::Text(text) = &self.node.kind else { return self.wrong_type("true or false") };
        bool::of_text(&text.to_ascii_lowercase()).or_else(|| {
            let help: Vec<_> = truth_of(text).map(|it| format!("Did you mean {it}?")).into_iter().collect();
            self.bad("true or false", help)
        })
    }

    /// True, false, or a text that is neither in any language of configuration files.
    pub(super) fn truth_or_text(self) -> Option<Result<bool, &'a str>> {
        let text = self.text()?;
        match truth_of(text) {
            Some(_) => self.truth().map(Ok),
            None => Some(Err(text)),
        }
    }

    /// A whole number within a range.
    pub(super) fn whole<T: TryFrom<i64>>(self, range: RangeInclusive<i64>) -> Option<T> {
        let needed = match (*range.start(), *range.end()) {
            (start, end) if end >= i32::MAX.into() => format!("a whole number, {start} or more"),
            (start, end) => format!("a whole number from {start} to {end}"),
        };
        let Kind::Text(text) = &self.node.kind else { return self.wrong_type(&needed) };
        let number = text.parse().ok().filter(|it| range.contains(it)).and_then(|it| T::try_from(it).ok());
        number.or_else(|| self.bad(&needed, []))
    }

    /// A number within a range.
    pub(super) fn real(self, range: &RangeInclusive<f64>) -> Option<f64> {
        let needed = format!("a number from {} to {}", range.start(), range.end());
        let Kind::Text(text) = &self.node.kind else { return self.wrong_type(&needed) };
        text.parse().ok().filter(|it| range.contains(it)).or_else(|| self.bad(&needed, []))
    }

    /// A length of time: `4s`, `1m 30s`; a number alone is seconds.
    pub(super) fn duration(self) -> Option<Duration> {
        let needed = "a length of time such as 4s, 500ms or 1m 30s";
        let Kind::Text(text) = &self.node.kind else { return self.wrong_type(needed) };
        let help = "A number without a unit is seconds. Units: ms, s, m, h, days. Or write hh:mm:ss.";
        length_of_time(text).or_else(|| self.bad(needed, [help.into()]))
    }

    /// A length of time that is more than none.
    pub(super) fn lasting(self) -> Option<Duration> {
        match self.duration()? {
            Duration::ZERO => self.bad("longer than 0", []),
            duration => Some(duration),
        }
    }

    /// One of a few words, each of which stands for a value.
    pub(super) fn word<T: Clone>(self, words: &[(&'static str, T)]) -> Option<T> {
        let names = || words.iter().map(|it| it.0);
        let text = self.text()?;
        match words.iter().find(|it| it.0 == text) {
            Some((_, value)) => Some(value.clone()),
            None => self.unknown_word(text, names(), || listed(names())),
        }
    }

    /// A value of one of the contract's enumerations.
    pub(super) fn choice<T: Wire>(self) -> Option<T> {
        let text = self.text()?;
        T::of_text(text).or_else(|| self.unknown_choice(text, T::SHAPE))
    }

    pub(super) fn unknown_choice<T>(self, text: &str, shape: &'static Shape) -> Option<T> {
        let Shape::Choice { values, .. } = shape else { unreachable!("any other shape takes the text") };
        self.unknown_word(text, values.iter().copied(), || listed(values.iter().copied()))
    }

    pub(super) fn unknown_word<'w, T>(
        self,
        text: &str,
        words: impl Iterator<Item = &'w str>,
        allowed: impl FnOnce() -> String,
    ) -> Option<T> {
        self.wrong_with(Code::UnknownWord, || {
            (format!("{} cannot be {}", self.name, quoted(text)), suggest(closest(text, words), &allowed()))
        })
    }

    /// The items of a list; a list that has none yet may be left empty.
    pub(super) fn list(self) -> Vec<Self> {
        match &self.node.kind {
            Kind::List(items) => items.iter().map(|node| Self { node, ..self }).collect(),
            Kind::Nothing => Vec::new(),
            _ => self.wrong_type("a list").unwrap_or_default(),
        }
    }

    /// The items of a list, or the one value that stands for a list of one.
    pub(super) fn one_or_more(self) -> Vec<Self> {
        match &self.node.kind {
            Kind::List(_) => self.list(),
            _ => vec![self],
        }
    }

    pub(super) const fn is_text(self) -> bool {
        matches!(self.node.kind, Kind::Text(_))
    }

    /// Whether nothing is written.
    pub(super) const fn is_nothing(self) -> bool {
        matches!(self.node.kind, Kind::Nothing)
    }

    pub(super) const fn is_mapping(self) -> bool {
        matches!(self.node.kind, Kind::Mapping(_))
    }

    /// The keys and values of a mapping; nothing is one without keys.
    pub(super) fn entries(self) -> Option<&'a [Entry<'a>]> {
        match &self.node.kind {
            Kind::Mapping(entries) => Some(entries),
            Kind::Nothing => Some(&[]),
            Kind::Text(_) | Kind::List(_) => self.wrong_type("a mapping (key: value)"),
        }
    }

    /// The keys and values, if it is a mapping.
    pub(super) fn entries_if_mapping(self) -> Option<&'a [Entry<'a>]> {
        match &self.node.kind {
            Kind::Mapping(entries) => Some(entries),
            _ => None,
        }
    }

    /// The value of a key of this mapping.
    pub(super) const fn part(self, key: &'a str, node: &'a Node<'a>) -> Self {
        Self { report: self.report, name: key, node }
    }

    /// The files that it is from.
    pub(super) const fn files(self) -> &'a Report {
        self.report
    }

    /// The key that it stands under, or the name that messages have for it.
    pub(super) const fn key(self) -> &'a str {
        self.name
    }

    /// The keys and values of a mapping whose keys are names of the file's own.
    pub(super) fn pairs(self) -> Vec<Pair<'a>> {
        match &self.node.kind {
            Kind::Mapping(entries) => entries
                .iter()
                .map(|it| Pair {
                    key: &it.key,
                    key_span: &it.key_span,
                    value: Self { report: self.report, name: &it.key, node: &it.value },
                })
                .collect(),
            _ => self.wrong_type("a mapping (key: value)").unwrap_or_default(),
        }
    }

    /// The same value under another name in messages.
    pub(super) const fn called(self, name: &'a str) -> Self {
        Self { name, ..self }
    }
}

/// What a text that other files take for true or false means.
fn truth_of(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "true" | "yes" | "on" | "y" | "1" => Some(true),
        "false" | "no" | "off" | "n" | "0" => Some(false),
        _ => None,
    }
}

/// What was probably meant, and what may stand there; a long list only where nothing comes near.
pub(super) fn suggest(meant: Option<&str>, allowed: &str) -> Vec<String> {
    let meant_help = meant.map(|it| format!("Did you mean {it}?"));
    let allowed = Some(format!("Allowed: {allowed}."))
        .filter(|it| meant.is_none() || (it.len() < 120 && !allowed.ends_with(" more")));
    meant_help.into_iter().chain(allowed).collect()
}
