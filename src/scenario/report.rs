//! The files of a scenario, and the mistakes in them as they are found.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::mistake::{Code, Mistake, Mistakes, Place, Severity};

/// The files of a scenario, and the mistakes in them as they are found. Places are bytes of all files, one behind the
/// other.
pub(super) struct Report {
    /// As many as there may be; a file that is there stays where it is.
    sources: Vec<OnceCell<Source>>,
    errors: RefCell<First>,
    others: RefCell<First>,
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

/// The first mistakes of a severity. A text may be nothing but mistakes, and costs no more memory than it is long.
struct First {
    /// How many are kept.
    most: usize,
    /// By their first byte, their code, and the order in which they were found.
    kept: BTreeMap<(usize, Code, usize), Found>,
    found: usize,
    /// The places of those that are only counted. A scenario has less than four gigabytes.
    counted: HashSet<(u32, u32, Code)>,
}

impl First {
    fn new(most: usize) -> Self {
        Self { most, kept: BTreeMap::new(), found: 0, counted: HashSet::new() }
    }

    /// Whether a mistake there is one of the first so far.
    fn keeps(&self, start: usize) -> bool {
        self.kept.len() < self.most || self.kept.last_key_value().is_none_or(|it| start < it.0.0)
    }

    fn count(&mut self, span: &Range<usize>, code: Code) {
        self.counted.insert((span.start as u32, span.end as u32, code));
    }

    fn add(&mut self, it: Found) {
        let (start, code) = (it.span.start, it.code);
        if !self.keeps(start) {
            self.count(&it.span, code);
            return;
        }
        let mut same = self.kept.range((start, code, 0)..=(start, code, usize::MAX));
        if same.any(|(_, kept)| kept.span == it.span && kept.message == it.message) {
            return;
        }
        self.found += 1;
        self.kept.insert((start, code, self.found), it);
        if self.kept.len() > self.most
            && let Some((key, last)) = self.kept.pop_last()
        {
            self.count(&last.span, key.1);
        }
    }
}

impl Report {
    /// A report on so many files at most.
    pub(super) fn new(files: usize) -> Self {
        Self::listing(files, Mistakes::LISTED)
    }

    /// The same; it lists so many mistakes and counts the others.
    pub(super) fn listing(files: usize, mistakes: usize) -> Self {
        Self {
            sources: std::iter::repeat_with(OnceCell::new).take(files).collect(),
            errors: RefCell::new(First::new(mistakes)),
            others: RefCell::new(First::new(mistakes)),
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
    pub(super) fn source(&self, at: usize) -> &Source {
        self.sources().take_while(|it| it.start <= at).last().expect("a place is in a file")
    }

    pub(super) fn push(&self, code: Code, span: &Range<usize>, message: String, help: impl Into<Vec<String>>) {
        self.first(code).borrow_mut().add(Found { code, span: span.clone(), message, help: help.into() });
    }

    /// Reports a mistake whose words take time to find: they are asked for only if the mistake is one of the first.
    pub(super) fn push_with<H: Into<Vec<String>>>(
        &self,
        code: Code,
        span: &Range<usize>,
        words: impl FnOnce() -> (String, H),
    ) {
        match self.lists(code, span.start) {
            true => {
                let (message, help) = words();
                self.push(code, span, message, help);
            }
            false => self.push(code, span, String::new(), []),
        }
    }

    /// Whether a mistake that begins there is one of the first so far.
    pub(super) fn lists(&self, code: Code, start: usize) -> bool {
        self.first(code).borrow().keeps(start)
    }

    fn first(&self, code: Code) -> &RefCell<First> {
        if code.severity() == Severity::Error { &self.errors } else { &self.others }
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

    /// Where a byte is, as seen from another byte: its line, and its file if that is another one.
    pub(super) fn spot(&self, at: usize, from: usize) -> String {
        let source = self.source(at);
        let line = source.lines.partition_point(|it| source.start + it <= at);
        match source.start == self.source(from).start {
            true => format!("line {line}"),
            false => format!("line {line} of {}", source.name),
        }
    }

    /// The place up to which mistakes show a file; `None`: they show nothing of it.
    pub(super) fn shown(&self, source: &Source) -> Option<usize> {
        let end = source.start + source.text.len();
        let last = |it: &RefCell<First>| {
            let it = it.borrow();
            it.kept.range(..(end + 1, Code::ALL[0], 0)).next_back().map(|it| it.0.0)
        };
        let last = [&self.errors, &self.others].into_iter().filter_map(last).max()?;
        (last >= source.start).then_some(last + Place::LONGEST)
    }

    /// Whether there is an error so far.
    pub(super) fn has_errors(&self) -> bool {
        !self.errors.borrow().kept.is_empty()
    }

    /// The first mistakes in the order of the files, each once, and the number of the others.
    pub(super) fn finish(&self) -> Mistakes {
        let most = self.errors.borrow().most;
        let [errors, others] = [&self.errors, &self.others].map(|it| it.replace(First::new(most)));
        let rest = others.kept.len().min(most - errors.kept.len());
        let unlisted = others.kept.keys().skip(rest).map(|it| it.1);
        let mut more = [0; 3];
        errors
            .counted
            .iter()
            .chain(&others.counted)
            .map(|it| it.2)
            .chain(unlisted)
            .for_each(|it| more[it.severity() as usize] += 1);
        let mut found: Vec<Found> = errors.kept.into_values().chain(others.kept.into_values().take(rest)).collect();
        let mut secrets = self.secrets.take();
        let variables = self.variables.take();
        found.sort_by_key(|it| (it.span.start, it.code.code()));
        secrets.sort_by_key(|it| it.start);
        let secrets = joined(secrets);
        let told = |text: String| match variables.is_empty() {
            true => clipped(text),
            // Values stand between quotes in what is told.
            false => {
                let parts = text.split('"').enumerate().map(|(at, part)| match at % 2 {
                    0 => part.to_owned(),
                    _ => variables.iter().fold(part.to_owned(), |part, (value, name)| part.replace(value, name)),
                });
                clipped(parts.collect::<Vec<_>>().join("\""))
            }
        };
        let within = |it: &Source| {
            let first = secrets.partition_point(|secret| secret.start < it.start);
            let end = secrets.partition_point(|secret| secret.start <= it.start + it.text.len());
            secrets[first..end].iter()
        };
        // In each file its own bytes count.
        let own = |source: &Source, it: &Range<usize>| Some(it.start.checked_sub(source.start)?..it.end - source.start);
        let sources: Vec<(&Source, Vec<Range<usize>>)> =
            self.sources().map(|it| (it, within(it).filter_map(|secret| own(it, secret)).collect())).collect();
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
        Mistakes::new(found.into_iter().filter_map(mistake).collect(), more)
    }
}

/// Joins ranges that touch; they come in the order of their starts.
fn joined(ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let mut joined: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    for it in ranges {
        match joined.last_mut() {
            Some(last) if it.start <= last.end => last.end = last.end.max(it.end),
            _ => joined.push(it),
        }
    }
    joined
}

/// A message within bounds: it may list names of the scenario's own.
fn clipped(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(LONGEST) {
        text.truncate(end);
        text += "...";
    }
    text
}

/// The longest message, in characters.
const LONGEST: usize = 1000;
