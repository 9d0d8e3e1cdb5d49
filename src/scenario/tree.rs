//! YAML as a tree that knows where each of its values stands. Scalars stay the texts that they are: whether `0123`
//! is a number, only its meaning can say.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, Span, options};

use super::mistake::{Code, quoted};
use super::report::{Report, Source};

/// A value with its place, in bytes.
#[derive(Clone, Debug)]
pub(super) struct Node<'s> {
    pub span: Range<usize>,
    pub kind: Kind<'s>,
}

#[derive(Clone, Debug)]
pub(super) enum Kind<'s> {
    /// Nothing, `~` or `null`.
    Nothing,
    Text(Cow<'s, str>),
    List(Vec<Node<'s>>),
    Mapping(Vec<Entry<'s>>),
}

#[derive(Clone, Debug)]
pub(super) struct Entry<'s> {
    pub key: Cow<'s, str>,
    pub key_span: Range<usize>,
    pub value: Node<'s>,
}

/// How deep values may lie in one another; a scenario needs 6.
pub(super) const DEPTH: usize = 32;
/// How many values a scenario may have, keys and what anchors, aliases and patterns copy included.
pub(super) const NODES: usize = 2_000_000;
/// How many keys one mapping may have.
const KEYS: usize = 1000;

/// Reads the one document of a file; `nodes` counts its values. `None` where it is no YAML: the report says why.
pub(super) fn read<'s>(report: &Report, source: &'s Source, nodes: &mut usize) -> Option<Node<'s>> {
    Builder { report, source, anchors: HashMap::new(), nodes }.document()
}

struct Builder<'r, 's> {
    report: &'r Report,
    source: &'s Source,
    anchors: HashMap<usize, Node<'s>>,
    nodes: &'r mut usize,
}

/// A list or mapping that is not yet at its end.
struct Open<'s> {
    start: usize,
    anchor: usize,
    parts: Parts<'s>,
}

enum Parts<'s> {
    List(Vec<Node<'s>>),
    Mapping(Vec<Entry<'s>>, Option<Node<'s>>),
}

impl<'s> Builder<'_, 's> {
    fn document(mut self) -> Option<Node<'s>> {
        let options = options! { flow_nesting_limit: DEPTH, block_nesting_limit: DEPTH };
        let mut open: Vec<Open<'s>> = Vec::new();
        let mut root = None;
        for event in Parser::new_from_str_with_options(&self.source.text, options) {
            let (event, span) = match event {
                Ok(it) => it,
                Err(error) => {
                    let at = self.source.start + error.marker().byte_offset().unwrap_or_default();
                    if *error.kind() == ErrorKind::RecursionLimitExceeded {
                        return self.too_large(&(at..at));
                    }
                    let message = format!("this is no YAML: {}", error.info());
                    self.report.push(Code::NotYaml, &(at..at), message, remedy(error.kind()));
                    return None;
                }
            };
            let span = self.range(&span);
            if event.tag().is_some() {
                let help = "Leave the tag (the word that begins with !) out.".into();
                self.report.push(Code::NotYaml, &span, "tags have no meaning in a scenario".into(), [help]);
            }
            let (node, anchor) = match event {
                Event::Scalar(text, style, anchor, _) => {
                    let nothing = style == ScalarStyle::Plain && matches!(&*text, "" | "~" | "null");
                    let kind = if nothing { Kind::Nothing } else { Kind::Text(text) };
                    (Node { span, kind }, anchor)
                }
                Event::SequenceStart(_, anchor, _) => {
                    open.push(Open { start: span.start, anchor, parts: Parts::List(Vec::new()) });
                    continue;
                }
                Event::MappingStart(_, anchor, _) => {
                    open.push(Open { start: span.start, anchor, parts: Parts::Mapping(Vec::new(), None) });
                    continue;
                }
                Event::SequenceEnd | Event::MappingEnd => {
                    let Open { start, anchor, parts } = open.pop().expect("ends follow starts");
                    let kind = match parts {
                        Parts::List(mut items) => {
                            items.shrink_to_fit();
                            Kind::List(items)
                        }
                        Parts::Mapping(mut entries, _) => {
                            entries.shrink_to_fit();
                            Kind::Mapping(entries)
                        }
                    };
                    (Node { span: start..span.end, kind }, anchor)
                }
                Event::Alias(id) => match self.anchors.get(&id) {
                    // The copy stands where the alias does, but what is wrong inside it is shown where it was written.
                    Some(node) => {
                        *self.nodes += node.count();
                        if open.len() + node.depth() > DEPTH {
                            return self.too_large(&span);
                        }
                        (node.clone(), 0)
                    }
                    None => {
                        let message = "this stands for a value that contains it".into();
                        self.report.push(Code::NotYaml, &span, message, []);
                        return None;
                    }
                },
                Event::DocumentStart(..) if root.is_some() => {
                    let message = "a second document begins here, and a scenario is one".into();
                    let help = "Take the line --- out, or the rest away.".into();
                    self.report.push(Code::NotYaml, &span, message, [help]);
                    return root;
                }
                _ => continue,
            };
            *self.nodes += if anchor == 0 { 1 } else { node.count() };
            if *self.nodes > NODES {
                return self.too_large(&node.span);
            }
            if anchor != 0 {
                self.anchors.insert(anchor, node.clone());
            }
            match open.last_mut().map(|it| &mut it.parts) {
                None => root = Some(node),
                Some(Parts::List(items)) => items.push(node),
                Some(Parts::Mapping(entries, key)) => match key.take() {
                    None => *key = Some(node),
                    Some(_) if entries.len() == KEYS => return self.too_large(&node.span),
                    Some(key) => self.enter(entries, key, node),
                },
            }
        }
        Some(root.unwrap_or(Node { span: self.source.start..self.source.start, kind: Kind::Nothing }))
    }

    /// A place among all files.
    fn range(&self, span: &Span) -> Range<usize> {
        let range = span.byte_range().expect("a text has byte offsets");
        self.source.start + range.start..self.source.start + range.end
    }

    fn too_large<T>(&self, span: &Range<usize>) -> Option<T> {
        let message = format!("more than {NODES} values, {KEYS} keys in one mapping, or {DEPTH} values in one another");
        self.report.push(Code::TooLarge, span, message, []);
        None
    }

    /// Adds a key with its value to a mapping that does not have it yet.
    fn enter(&self, entries: &mut Vec<Entry<'s>>, key: Node<'s>, mut value: Node<'s>) {
        let Kind::Text(name) = key.kind else {
            return self.report.push(Code::WrongType, &key.span, "a key must be a word".into(), []);
        };
        if let Some(first) = entries.iter().find(|it| it.key == name) {
            return self.report.push_with(Code::DuplicateKey, &key.span, || {
                let first = self.report.spot(first.key_span.start, key.span.start);
                let help = format!("The first stands in {first}. Keep one of them.");
                (format!("{} stands here twice", quoted(&name)), [help])
            });
        }
        if matches!(value.kind, Kind::Nothing) {
            // What is not there has no place of its own.
            value.span = key.span.clone();
        }
        entries.push(Entry { key: name, key_span: key.span, value });
    }
}

impl Node<'_> {
    /// Takes out the keys without a value, at every depth.
    pub(super) fn take_out_nothing(&mut self) {
        match &mut self.kind {
            Kind::Nothing | Kind::Text(_) => (),
            Kind::List(items) => items.iter_mut().for_each(Self::take_out_nothing),
            Kind::Mapping(entries) => {
                entries.retain(|it| !matches!(it.value.kind, Kind::Nothing));
                entries.iter_mut().for_each(|it| it.value.take_out_nothing());
            }
        }
    }

    /// How many values it is, with those in it.
    pub(super) fn count(&self) -> usize {
        match &self.kind {
            Kind::Nothing | Kind::Text(_) => 1,
            Kind::List(items) => 1 + items.iter().map(Self::count).sum::<usize>(),
            Kind::Mapping(entries) => 1 + entries.iter().map(|it| it.value.count()).sum::<usize>(),
        }
    }

    fn depth(&self) -> usize {
        match &self.kind {
            Kind::Nothing | Kind::Text(_) => 0,
            Kind::List(items) => 1 + items.iter().map(Self::depth).max().unwrap_or_default(),
            Kind::Mapping(entries) => 1 + entries.iter().map(|it| it.value.depth()).max().unwrap_or_default(),
        }
    }
}

/// What to do about the slips that are most common on Windows.
fn remedy(kind: &ErrorKind) -> Vec<String> {
    let help = match kind {
        ErrorKind::UnknownQuotedScalarEscape | ErrorKind::InvalidQuotedScalarHexEscape => {
            r"Within double quotes write \\ for \, or use single quotes: 'CONTOSO\mimservice'."
        }
        ErrorKind::TabInIndentation | ErrorKind::TabInBlockIndentation | ErrorKind::TabNotAllowed => {
            "Indent by blanks, not by tabs."
        }
        ErrorKind::MappingValueNotAllowed
        | ErrorKind::InvalidIndentation
        | ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::ExpectedBlockSequenceEntry => {
            "Look at the indentation of this line and of the one before. A text with \": \" in it needs quotes."
        }
        _ => return Vec::new(),
    };
    vec![help.into()]
}
