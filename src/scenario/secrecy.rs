//! Which values of a scenario no mistake and no list shows: those that are secret by their key, and in mistakes those
//! that could be.

use std::collections::HashMap;
use std::sync::LazyLock;

use granit_parser::{Event, Parser, Span, options};
use serde_json::Value;

use super::edit::scalar;
use super::grammar::Keys;
use super::report::{Report, Source};
use super::tree::{self, DEPTH, Kind, Node};
use super::{acts, schema};
use crate::engine::Act;
use crate::operations;

/// What a key says of its value.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Class {
    /// Each section that declares the key shows its value.
    Harmless,
    /// A section declares the key as secret, and another one declares it with a mapping or a number.
    Mixed,
    /// Each section that declares the key keeps its value out of sight.
    Secret,
    /// A name of the file's own, or a mistake.
    Unknown,
}

static MAPPINGS: LazyLock<Vec<Keys>> = LazyLock::new(schema::grammar);

static CLASSES: LazyLock<HashMap<&'static str, Class>> = LazyLock::new(|| {
    let mut classes: HashMap<_, _> = acts::TIMED.into_iter().chain(["waits"]).map(|it| (it, Class::Harmless)).collect();
    for it in MAPPINGS.iter().flat_map(|it| &it.keys) {
        let own = if it.is_secret() { Class::Secret } else { Class::Harmless };
        let class = classes.entry(it.key).or_insert(own);
        if *class != own {
            *class = Class::Mixed;
        }
    }
    classes
});

fn class_of(key: &str) -> Class {
    CLASSES.get(key).copied().unwrap_or(Class::Unknown)
}

/// Hides every value that is a secret or could be one in the parts of the files that mistakes show.
pub(super) fn hide(report: &Report) {
    for source in report.sources() {
        if let Some(shown) = report.shown(source) {
            hide_in(report, source, shown);
        }
    }
}

/// A list or mapping that is not yet at its end.
struct Open {
    start: usize,
    is_mapping: bool,
    /// The class of the values in a list, or of the value that comes next in a mapping. `None`: a key comes next.
    class: Option<Class>,
    /// The class of the whole.
    own: Class,
}

/// Hides the values up to a place.
fn hide_in(report: &Report, source: &Source, shown: usize) {
    let options = options! { flow_nesting_limit: DEPTH, block_nesting_limit: DEPTH };
    let range = |span: &Span| {
        let range = span.byte_range().expect("a text has byte offsets");
        source.start + range.start..source.start + range.end
    };
    let mut open: Vec<Open> = Vec::new();
    for event in Parser::new_from_str_with_options(&source.text, options) {
        let Ok((event, span)) = event.map_err(|error| {
            hide_in_line(report, source, error.marker().byte_offset().unwrap_or_default());
        }) else {
            return;
        };
        let span = range(&span);
        if span.start > shown {
            let secret = open.iter().filter(|it| it.own == Class::Secret);
            return secret.for_each(|it| report.hide(&(it.start..span.start)));
        }
        let next = open.last().map_or(Class::Unknown, |it| it.class.unwrap_or(Class::Harmless));
        match event {
            Event::SequenceStart(..) | Event::MappingStart(..) => {
                let is_mapping = matches!(event, Event::MappingStart(..));
                let own = if open.is_empty() { Class::Harmless } else { next };
                open.push(Open { start: span.start, is_mapping, class: (!is_mapping).then_some(own), own });
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(it) = open.pop() else { return };
                if it.own == Class::Secret {
                    report.hide(&(it.start..span.end));
                }
            }
            Event::Scalar(text, ..) => match open.last_mut() {
                Some(it) if it.is_mapping && it.class.is_none() => {
                    it.class = Some(class_of(&text));
                    continue;
                }
                _ if next == Class::Secret => report.hide(&span),
                _ if next != Class::Harmless && !matches!(&*text, "true" | "false") => report.hide(&span),
                _ => (),
            },
            Event::Alias(..) => (),
            _ => continue,
        }
        // A value is complete.
        if let Some(it) = open.last_mut().filter(|it| it.is_mapping) {
            it.class = match it.class {
                None => Some(Class::Unknown),
                Some(_) => None,
            };
        }
    }
}

/// Hides what may be a secret in the line of a byte, where no tree says what is a value: all but harmless keys with
/// their values, up to the first other key.
fn hide_in_line(report: &Report, source: &Source, at: usize) {
    let text = &source.text;
    let at = text.floor_char_boundary(at.min(text.len()));
    let start = text[..at].rfind('\n').map_or(0, |it| it + 1);
    let line = text[start..].lines().next().unwrap_or_default();
    let hide = |from: usize, to: usize| report.hide(&(source.start + start + from..source.start + start + to));
    let keys = line.match_indices(':').map(|(end, _)| {
        let before = line[..end].trim_end_matches([' ', '"', '\'']);
        let key = before.rsplit(|it: char| !it.is_alphanumeric() && it != '_').next().unwrap_or_default();
        (before.len() - key.len(), end, key)
    });
    let mut is_first = true;
    for (begins, end, key) in keys {
        if std::mem::take(&mut is_first) && line[..begins].contains(|it: char| it.is_alphanumeric()) {
            hide(0, begins);
        }
        if class_of(key) != Class::Harmless {
            return hide(end + 1, line.len());
        }
    }
    if is_first {
        hide(line.len() - line.trim_start_matches([' ', '\t', '-']).len(), line.len());
    }
}

/// The text of a rule in one line, with what no list shows as `(secret)`.
pub(super) fn without_secrets(rule: &str) -> Option<String> {
    let report = Report::new(1);
    let source = report.add("rule", None, rule.into())?;
    let root = tree::read(&report, source, &mut 0)?;
    Some(masked(&root, mapping("rule")))
}

fn mapping(name: &str) -> Option<&'static Keys> {
    MAPPINGS.iter().find(|it| it.name == name)
}

/// A value in one line, as a mapping of the grammar reads it.
fn masked(node: &Node<'_>, keys: Option<&Keys>) -> String {
    match &node.kind {
        Kind::Nothing => "null".into(),
        Kind::Text(text) => scalar(text),
        Kind::List(items) => format!("[{}]", items.iter().map(|it| masked(it, keys)).collect::<Vec<_>>().join(", ")),
        Kind::Mapping(entries) => {
            let entries = entries.iter().map(|entry| {
                let declared = keys.and_then(|it| it.keys.iter().find(|it| it.key == entry.key));
                let is_secret = match declared {
                    Some(it) => it.is_secret(),
                    None => operations::is_secret(&entry.key) || is_secret_act(&entry.key, &entry.value),
                };
                let value = match is_secret {
                    true => scalar(SECRET),
                    false => masked(&entry.value, declared.and_then(|it| mapping_in(&it.values.schema))),
                };
                format!("{}: {value}", scalar(&entry.key))
            });
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
    }
}

/// What stands for a secret.
const SECRET: &str = "(secret)";

/// Whether what a person enters is more than a word of the grammar: digits, or a text.
fn is_secret_act(word: &str, value: &Node<'_>) -> bool {
    const WORDS: [&str; 7] = ["pin", "wrong-pin", "fraud-code", "code", "wrong-code", "#", "*"];
    let is_word = |text: &str| WORDS.contains(&text);
    Act::WORDS.contains(&word)
        && !acts::TIMED.contains(&word)
        && !matches!(&value.kind, Kind::Text(text) if is_word(text))
}

/// The mapping that a schema of values refers to.
fn mapping_in(schema: &Value) -> Option<&'static Keys> {
    match schema {
        Value::Object(map) => match map.get("$ref").and_then(Value::as_str) {
            Some(name) => mapping(name.rsplit('/').next().unwrap_or_default()),
            None => map.values().find_map(mapping_in),
        },
        Value::Array(items) => items.iter().find_map(mapping_in),
        _ => None,
    }
}
