//! Reading values out of the tree, so that nothing wrong goes unsaid: every reader answers `None` where it has
//! reported a mistake.

use std::cell::{OnceCell, RefCell};
use std::collections::HashSet;
use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::contract::{Primitive, Record, Shape, UserSettings, Wire};

use super::mistake::{Code, Mistake, Place, Severity, closest, quoted};
use super::tree::{Entry, Kind, Node};

/// The files of a scenario, and the mistakes in them as they are found. Places are bytes of all files, one behind the
/// other.
pub(super) struct Report {
    /// As many as there may be; a file that is there stays where it is.
    sources: Vec<OnceCell<Source>>,
    found: RefCell<Vec<Found>>,
    secrets: RefCell<Vec<Range<usize>>>,
    /// What the environment said, with the name that it said it under.
    variables: RefCell<Vec<(String, String)>>,
}

/// A file, as it is written.
pub(super) struct Source {
    /// How mistakes name it.
    pub name: String,
    /// Where the files that it names are looked for; none: it can name none.
    pub folder: Option<PathBuf>,
    pub text: String,
    /// Where it begins among all files.
    pub start: usize,
    /// The bytes where its lines begin.
    lines: Vec<usize>,
}

struct Found {
    code: Code,
    span: Range<usize>,
    message: String,
    help: Vec<String>,
}

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
        self.value.report.push(code, self.key_span, message, help);
        None
    }
}

/// The keys of a mapping, as they are taken one by one. Those that nobody takes are mistakes.
pub(super) struct Fields<'a> {
    report: &'a Report,
    what: &'static str,
    node: &'a Node<'a>,
    entries: &'a [Entry<'a>],
    /// What holds where there is no such key.
    beneath: &'a [Entry<'a>],
    known: Vec<&'static str>,
}

impl Report {
    /// A report on so many files at most.
    pub(super) fn new(files: usize) -> Self {
        Self {
            sources: std::iter::repeat_with(OnceCell::new).take(files).collect(),
            found: RefCell::default(),
            secrets: RefCell::default(),
            variables: RefCell::default(),
        }
    }

    /// Adds a file; `None` where there are as many as there may be.
    pub(super) fn add(&self, name: &str, folder: Option<&Path>, mut text: String) -> Option<&Source> {
        if text.starts_with('\u{feff}') {
            text.remove(0);
        }
        let free = self.sources.iter().find(|it| it.get().is_none())?;
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let start = self.sources().last().map_or(0, |it| it.start + it.text.len() + 1);
        Some(free.get_or_init(|| Source { name: name.into(), folder: folder.map(Into::into), text, start, lines }))
    }

    /// The files, in the order in which they were read.
    pub(super) fn sources(&self) -> impl Iterator<Item = &Source> {
        self.sources.iter().map_while(OnceCell::get)
    }

    /// The file of a byte.
    fn source(&self, at: usize) -> &Source {
        self.sources().take_while(|it| it.start <= at).last().expect("a place is in a file")
    }

    pub(super) fn push(&self, code: Code, span: &Range<usize>, message: String, help: impl Into<Vec<String>>) {
        self.found.borrow_mut().push(Found { code, span: span.clone(), message, help: help.into() });
    }

    /// Stars a part of the text out wherever it would be shown.
    pub(super) fn hide(&self, span: &Range<usize>) {
        self.secrets.borrow_mut().push(span.clone());
    }

    /// Shows a value of the environment by its name wherever a mistake would quote it.
    pub(super) fn hide_variable(&self, name: &str, value: &str) {
        if !value.is_empty() {
            self.variables.borrow_mut().push((value.into(), format!("${{{name}}}")));
        }
    }

    /// Where a byte is, for somebody who looks at another: its line, and its file if that is another one.
    pub(super) fn spot(&self, at: usize, from: usize) -> String {
        let source = self.source(at);
        let line = source.lines.partition_point(|it| source.start + it <= at);
        match source.start == self.source(from).start {
            true => format!("line {line}"),
            false => format!("line {line} of {}", source.name),
        }
    }

    /// The mistakes in the order of the files, each once.
    pub(super) fn finish(&self) -> Vec<Mistake> {
        let mut found = self.found.take();
        let mut secrets = self.secrets.take();
        let variables = self.variables.take();
        found.sort_by_key(|it| (it.span.start, it.code.code()));
        found.dedup_by(|a, b| a.span == b.span && a.message == b.message);
        secrets.sort_by_key(|it| it.start);
        let told = |text: String| match variables.is_empty() {
            true => text,
            // Values stand between quotes in what is told.
            false => {
                let parts = text.split('"').enumerate().map(|(at, part)| match at % 2 {
                    0 => part.to_owned(),
                    _ => variables.iter().fold(part.to_owned(), |part, (value, name)| part.replace(value, name)),
                });
                parts.collect::<Vec<_>>().join("\"")
            }
        };
        // In each file its own bytes count.
        let own = |source: &Source, it: &Range<usize>| Some(it.start.checked_sub(source.start)?..it.end - source.start);
        let sources: Vec<(&Source, Vec<Range<usize>>)> =
            self.sources().map(|it| (it, secrets.iter().filter_map(|secret| own(it, secret)).collect())).collect();
        let mistake = |it: Found| {
            let (source, secrets) = sources.iter().rfind(|(source, _)| source.start <= it.span.start)?;
            Some(Mistake {
                code: it.code,
                severity: it.code.severity(),
                kind: it.code.word(),
                source: source.name.clone(),
                place: Some(Place::of(&own(source, &it.span)?, &source.text, &source.lines, secrets)),
                message: told(it.message),
                help: it.help.into_iter().map(told).collect(),
            })
        };
        found.into_iter().filter_map(mistake).collect()
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

    /// Whether the scenario has an error so far.
    pub(super) fn has_errors(self) -> bool {
        self.report.found.borrow().iter().any(|it| it.code.severity() == Severity::Error)
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
        super::written::flow_of(self.node)
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

    fn wrong_type<T>(self, needed: &str) -> Option<T> {
        let name = self.name;
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
        bool::of_text(text).or_else(|| {
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

    /// A length of time: `4s`, `1m 30s`; a number alone is seconds.
    pub(super) fn duration(self) -> Option<Duration> {
        let needed = "a length of time such as 4s, 500ms or 1m 30s";
        let Kind::Text(text) = &self.node.kind else { return self.wrong_type(needed) };
        let seconds = text.parse::<f64>().ok().and_then(|it| Duration::try_from_secs_f64(it).ok());
        let read = seconds.or_else(|| humantime::parse_duration(text).ok());
        let help = "A number without a unit is seconds. Units: ms, s, m, h, days.";
        read.or_else(|| self.bad(needed, [help.into()]))
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
            None => self.unknown_word(text, names(), &listed(names())),
        }
    }

    /// A value of one of the contract's enumerations.
    pub(super) fn choice<T: Wire>(self) -> Option<T> {
        let text = self.text()?;
        T::of_text(text).or_else(|| self.unknown_choice(text, T::SHAPE))
    }

    fn unknown_choice<T>(self, text: &str, shape: &'static Shape) -> Option<T> {
        let Shape::Choice { values, .. } = shape else { unreachable!("any other shape takes the text") };
        self.unknown_word(text, values.iter().copied(), &listed(values.iter().copied()))
    }

    pub(super) fn unknown_word<'w, T>(
        self,
        text: &str,
        words: impl Iterator<Item = &'w str>,
        allowed: &str,
    ) -> Option<T> {
        let help = suggest(closest(text, words), allowed);
        self.wrong(Code::UnknownWord, format!("{} cannot be {}", self.name, quoted(text)), help)
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

    pub(super) const fn is_mapping(self) -> bool {
        matches!(self.node.kind, Kind::Mapping(_))
    }

    /// Reads a mapping; nothing is one without keys.
    pub(super) fn mapping<T>(self, what: &'static str, read: impl FnOnce(&mut Fields<'a>) -> T) -> Option<T> {
        match self.node.kind {
            Kind::Text(_) => self.wrong_type("a mapping (key: value)"),
            _ => self.mapping_over(what, None, read),
        }
    }

    /// Reads a mapping that another is beneath: what it does not say, that one may. A text is one without keys. The
    /// keys of the one beneath are not looked at twice.
    pub(super) fn mapping_over<T>(
        self,
        what: &'static str,
        beneath: Option<Self>,
        read: impl FnOnce(&mut Fields<'a>) -> T,
    ) -> Option<T> {
        let entries = |it: &'a Node<'a>| match &it.kind {
            Kind::Mapping(entries) => Some(entries.as_slice()),
            Kind::Nothing | Kind::Text(_) => Some([].as_slice()),
            Kind::List(_) => None,
        };
        let Some(own) = entries(self.node) else { return self.wrong_type("a mapping (key: value)") };
        let beneath = beneath.and_then(|it| entries(it.node)).unwrap_or_default();
        let mut fields =
            Fields { report: self.report, what, node: self.node, entries: own, beneath, known: Vec::new() };
        let read = read(&mut fields);
        fields.finish();
        Some(read)
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

impl<'a> Fields<'a> {
    /// The value of a key, if it is there.
    pub(super) fn take(&mut self, key: &'static str) -> Option<Written<'a>> {
        self.known.push(key);
        let entry = self.entries.iter().chain(self.beneath).find(|it| it.key == key)?;
        Some(Written { report: self.report, name: key, node: &entry.value })
    }

    /// The value of a key that must be there.
    pub(super) fn need(&mut self, key: &'static str) -> Option<Written<'a>> {
        let value = self.take(key);
        if value.is_none() {
            self.report.push(Code::MissingKey, &self.node.span, format!("{} needs the key {key}", self.what), []);
        }
        value
    }

    /// Replaces a value by that of a key, if it is there and right.
    pub(super) fn set<T>(&mut self, key: &'static str, value: &mut T, read: impl FnOnce(Written<'a>) -> Option<T>) {
        if let Some(read) = self.take(key).and_then(read) {
            *value = read;
        }
    }

    /// Sets the fields of a record of the contract, each by its key.
    pub(super) fn record<T: Record>(&mut self, record: &mut T) {
        self.record_and(record, |_, _| ());
    }

    /// The same, with each key and text that was set.
    pub(super) fn record_and<T: Record>(&mut self, record: &mut T, mut and: impl FnMut(&'static str, String)) {
        for field in T::SHAPE.fields() {
            let Some(written) = self.take(field.key) else { continue };
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

    fn finish(mut self) {
        if self.entries.iter().all(|it| self.known.contains(&&*it.key)) {
            return;
        }
        let mut seen = HashSet::new();
        self.known.retain(|it| seen.insert(*it));
        for entry in self.entries.iter().filter(|it| !self.known.contains(&&*it.key)) {
            let meant = closest(&entry.key, self.known.iter().copied());
            if meant.is_none_or(is_secret) && matches!(entry.value.kind, Kind::Text(_)) {
                self.report.hide(&entry.value.span);
            }
            let help = suggest(meant, &listed(self.known.iter().copied()));
            let message = format!("{} has no key {}", self.what, quoted(&entry.key));
            self.report.push(Code::UnknownKey, &entry.key_span, message, help);
        }
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

/// Whether what stands under a key is kept out of sight.
pub(super) fn is_secret(key: &str) -> bool {
    matches!(key, "password" | "code" | "digits" | "answer" | "token" | "oath_key" | "secret_key")
        || UserSettings::SHAPE.fields().iter().any(|it| it.secret && it.key == key)
}

/// What was probably meant, and what may stand there; a long list only where nothing comes near.
fn suggest(meant: Option<&str>, allowed: &str) -> Vec<String> {
    let meant_help = meant.map(|it| format!("Did you mean {it}?"));
    let allowed = Some(format!("Allowed: {allowed}.")).filter(|it| meant.is_none() || it.len() < 120);
    meant_help.into_iter().chain(allowed).collect()
}

fn listed<'w>(words: impl Iterator<Item = &'w str>) -> String {
    words.collect::<Vec<_>>().join(", ")
}
