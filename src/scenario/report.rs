//! The files of a scenario, and the mistakes in them as they are found.

use std::cell::{OnceCell, RefCell};
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::mistake::{Code, Mistake, Place, Severity};

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
    pub(super) fn source(&self, at: usize) -> &Source {
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

    /// Where a byte is, as seen from another byte: its line, and its file if that is another one.
    pub(super) fn spot(&self, at: usize, from: usize) -> String {
        let source = self.source(at);
        let line = source.lines.partition_point(|it| source.start + it <= at);
        match source.start == self.source(from).start {
            true => format!("line {line}"),
            false => format!("line {line} of {}", source.name),
        }
    }

    /// Whether there is a mistake so far.
    pub(super) fn has_mistakes(&self) -> bool {
        !self.found.borrow().is_empty()
    }

    /// Whether there is an error so far.
    pub(super) fn has_errors(&self) -> bool {
        self.found.borrow().iter().any(|it| it.code.severity() == Severity::Error)
    }

    /// The mistakes in the order of the files, each once.
    pub(super) fn finish(&self) -> Vec<Mistake> {
        let mut found = self.found.take();
        let mut secrets = self.secrets.take();
        let variables = self.variables.take();
        found.sort_by_key(|it| (it.span.start, it.code.code()));
        found.dedup_by(|a, b| a.span == b.span && a.message == b.message);
        secrets.sort_by_key(|it| it.start);
        let secrets = joined(secrets);
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
