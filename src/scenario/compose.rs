//! One tree out of the files of a scenario: what `use` names, what the environment says, and users from a pattern. All
//! of it happens before anything has a meaning, and keeps its place.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};

use super::fields::Reader;
use super::mistake::{Code, closest, quoted};
use super::report::{Report, Source};
use super::tree::{self, Entry, Kind, NODES, Node};
use super::values::Whole;
use super::written::Written;

/// How many files a scenario may have.
pub(super) const FILES: usize = 100;
/// How long the files of a scenario may be in all, in bytes.
pub const LENGTH: usize = 32 << 20;

/// How many users a pattern makes.
pub(super) const COUNT: Whole<usize> = Whole(1..=100_000);
/// The number of the first of them.
pub(super) const FROM: Whole<usize> = Whole(0..=1_000_000_000);

/// What a scenario may ask for beside its own text.
pub(super) struct Composer<'r> {
    report: &'r Report,
    variable: &'r dyn Fn(&str) -> Option<String>,
    nodes: usize,
    /// How long the files are in all, in bytes.
    length: usize,
    /// What the environment says under the names that the file in hand declares.
    declared: Vec<(String, String)>,
    /// The files that were read, by their real paths.
    pub read: Vec<PathBuf>,
    /// Those of them that are not yet at their end.
    open: Vec<PathBuf>,
}

/// Why a file has no text.
pub(super) struct NoText {
    pub code: Code,
    pub message: String,
    pub help: &'static str,
}

impl<'r> Composer<'r> {
    pub(super) fn new(report: &'r Report, variable: &'r dyn Fn(&str) -> Option<String>) -> Self {
        Self { report, variable, nodes: 0, length: 0, declared: Vec::new(), read: Vec::new(), open: Vec::new() }
    }

    /// The tree of a text and of all that it uses.
    pub(super) fn text(&mut self, name: &str, folder: Option<&Path>, text: String) -> Option<Node<'r>> {
        self.length += text.len();
        if self.length > LENGTH {
            let source = self.report.add(name, folder, String::new())?;
            let NoText { code, message, help } = too_long();
            self.report.push(code, &(source.start..source.start), message, [help.into()]);
            return None;
        }
        let source = self.report.add(name, folder, text)?;
        self.source(source)
    }

    /// The tree of a file and of all that it uses.
    ///
    /// # Errors
    /// Why it has no text.
    pub(super) fn file(&mut self, name: &str, path: &Path) -> Result<Option<Node<'r>>, NoText> {
        let text = text_of(path, LENGTH.saturating_sub(self.length))?;
        Ok(self.file_as(name, path, text))
    }

    /// The tree of a file, were this its text, and of all that it uses.
    pub(super) fn file_as(&mut self, name: &str, path: &Path, text: String) -> Option<Node<'r>> {
        let real = path.canonicalize().unwrap_or_else(|_| path.into());
        let folder = path.parent().unwrap_or_else(|| Path::new(""));
        self.read.push(path.into());
        self.open.push(real);
        let tree = self.text(name, Some(folder), text);
        self.open.pop();
        tree
    }

    fn source(&mut self, source: &'r Source) -> Option<Node<'r>> {
        let mut root = tree::read(self.report, source, &mut self.nodes)?;
        let Kind::Mapping(entries) = &mut root.kind else { return Some(root) };
        self.declared = match entries.iter().find(|it| it.key == "environment") {
            Some(entry) => self.environment(&entry.value),
            None => Vec::new(),
        };
        for entry in entries.iter_mut().filter(|it| it.key != "environment") {
            self.fill_in(&mut entry.value);
        }
        if let Some(Kind::List(users)) = value(entries, "users").map(|it| &mut it.kind)
            && users.iter().any(|it| value_of(it, "count").is_some())
        {
            let written = std::mem::take(users);
            *users = self.multiplied(written);
        }
        let used = match entries.iter().find(|it| it.key == "use") {
            Some(entry) => self.used(source, &entry.value),
            None => Vec::new(),
        };
        join(entries, used);
        Some(root)
    }

    /// The trees of the files that a file uses, in their order.
    fn used(&mut self, by: &Source, written: &Node<'r>) -> Vec<Vec<Entry<'r>>> {
        let items = match &written.kind {
            Kind::List(items) => items.as_slice(),
            _ => std::slice::from_ref(written),
        };
        items.iter().filter_map(|it| self.used_file(by, it)).collect()
    }

    fn used_file(&mut self, by: &Source, written: &Node<'r>) -> Option<Vec<Entry<'r>>> {
        let wrong = |code, message: String, help: &str| {
            self.report.push(code, &written.span, message, [help.to_owned()]);
            None
        };
        let Kind::Text(text) = &written.kind else {
            return wrong(
                Code::WrongType,
                "use must be the names of files".into(),
                "Such as use: [people.yaml, rules.yaml].",
            );
        };
        let Some(folder) = &by.folder else {
            let message = "no other file can be used from here: this scenario has no file of its own".into();
            return wrong(Code::Unreadable, message, "Write everything into one text.");
        };
        // A path that was written on Windows works everywhere.
        let path = PathBuf::from(text.trim().replace('\\', "/"));
        if path.components().any(|it| matches!(it, Component::Prefix(_) | Component::RootDir)) {
            let message = format!("{} does not begin beside the file that uses it", quoted(text));
            return wrong(
                Code::BadValue,
                message,
                "Write the path from this file's folder: people.yaml, ../shared/rules.yaml.",
            );
        }
        let path = folder.join(path);
        let real = path.canonicalize().unwrap_or_else(|_| path.clone());
        if self.open.contains(&real) {
            let message = format!("{} uses itself", quoted(text));
            return wrong(Code::Circular, message, "Take it out: a file has what it uses, and what those use.");
        }
        if self.read.iter().any(|it| it.canonicalize().is_ok_and(|it| it == real)) {
            return None;
        }
        if self.read.len() == FILES {
            return wrong(
                Code::TooLarge,
                format!("a scenario has {FILES} files at most"),
                "Put some of them together.",
            );
        }
        let declared = std::mem::take(&mut self.declared);
        let tree = self.file(&path.display().to_string(), &path);
        self.declared = declared;
        match tree {
            Ok(Some(Node { kind: Kind::Mapping(entries), .. })) => {
                Some(entries.into_iter().filter(|it| !matches!(&*it.key, "use" | "environment")).collect())
            }
            Ok(Some(Node { kind: Kind::Nothing, .. }) | None) => None,
            Ok(Some(Node { span, .. })) => {
                let message = "a scenario must be a mapping (key: value)".into();
                self.report.push(Code::WrongType, &span, message, []);
                None
            }
            Err(NoText { code, message, help }) => {
                self.report.push(code, &written.span, message, [help.to_owned()]);
                None
            }
        }
    }

    /// What the environment says under the declared names.
    fn environment(&self, written: &Node<'r>) -> Vec<(String, String)> {
        let mut declared = Vec::new();
        let mut declare = |name: &str, span: &Range<usize>, default: Option<&str>| {
            let letters = |it: char| it.is_ascii_alphanumeric() || it == '_';
            if !name.starts_with(|it: char| it.is_ascii_alphabetic() || it == '_') || !name.chars().all(letters) {
                let help = "It has letters, digits and _, and begins with no digit: environment: [SMS_CODE].".into();
                let message = format!("{} is no name of a variable", quoted(name));
                return self.report.push(Code::BadValue, span, message, [help]);
            }
            match (self.variable)(name).or_else(|| default.map(Into::into)) {
                Some(value) => {
                    self.report.hide_variable(name, &value);
                    declared.push((name.to_owned(), value));
                }
                None => {
                    // It is told once, and not again wherever it should stand.
                    declared.push((name.to_owned(), format!("${{{name}}}")));
                    let message = format!("the environment has no variable {name}");
                    let help = format!(
                        "Set it before the start, or write what holds without it: environment: {{{name}: ...}}."
                    );
                    self.report.push(Code::MissingVariable, span, message, [help]);
                }
            }
        };
        match &written.kind {
            Kind::Nothing => (),
            Kind::Text(name) => declare(name, &written.span, None),
            Kind::List(items) => {
                for item in items {
                    match &item.kind {
                        Kind::Text(name) => declare(name, &item.span, None),
                        _ => self.report.push(Code::WrongType, &item.span, "a variable must be a name".into(), []),
                    }
                }
            }
            Kind::Mapping(entries) => {
                for entry in entries {
                    if matches!(entry.value.kind, Kind::Text(_)) {
                        // It may be the secret that the variable stands for.
                        self.report.hide(&entry.value.span);
                    }
                    match &entry.value.kind {
                        Kind::Nothing => declare(&entry.key, &entry.key_span, None),
                        Kind::Text(default) => declare(&entry.key, &entry.key_span, Some(default)),
                        _ => {
                            let message = format!("what holds without {} must be a text", entry.key);
                            self.report.push(Code::WrongType, &entry.value.span, message, []);
                        }
                    }
                }
            }
        }
        declared
    }

    /// Puts what the environment says in the place of `${NAME}`, where the name is declared.
    fn fill_in(&self, node: &mut Node<'r>) {
        match &mut node.kind {
            Kind::Nothing => (),
            Kind::List(items) => items.iter_mut().for_each(|it| self.fill_in(it)),
            Kind::Mapping(entries) => entries.iter_mut().for_each(|it| self.fill_in(&mut it.value)),
            Kind::Text(text) if !text.contains("${") => (),
            Kind::Text(text) => {
                let mut filled = String::new();
                let mut rest: &str = text;
                while let Some((before, behind)) = rest.split_once("${") {
                    filled += before;
                    let Some((name, after)) = behind.split_once('}') else { break };
                    match self.declared.iter().find(|it| it.0 == name) {
                        Some((_, value)) => filled += value,
                        None => {
                            self.report.push_with(Code::Undeclared, &node.span, || {
                                let meant = closest(name, self.declared.iter().map(|it| &*it.0));
                                let meant = meant.map(|it| format!("Did you mean ${{{it}}}?")).into_iter();
                                let help = format!("Declare it if it stands for something: environment: [{name}].");
                                let message = format!("${{{name}}} is not declared, and stays as it is");
                                (message, meant.chain([help]).collect::<Vec<_>>())
                            });
                            filled += &format!("${{{name}}}");
                        }
                    }
                    rest = after;
                }
                filled += rest;
                *text = Cow::Owned(filled);
            }
        }
    }

    /// Users, each pattern in the number that its `count` says.
    fn multiplied(&mut self, written: Vec<Node<'r>>) -> Vec<Node<'r>> {
        let mut users = Vec::with_capacity(written.len());
        for mut node in written {
            let Some(Pattern { count, from }) = self.pattern(&mut node) else {
                users.push(node);
                continue;
            };
            let nodes = node.count() * count;
            if self.nodes + nodes > NODES {
                let message = format!("{count} users of this pattern make more than {NODES} values");
                self.report.push(Code::TooLarge, &node.span, message, []);
                continue;
            }
            self.nodes += nodes;
            let username = value_of(&node, "username").map(|it| &it.kind);
            if count > 1 && matches!(username, Some(Kind::Text(text)) if !text.contains("{n")) {
                let help = "Such as username: \"user{n}\". {n:04} has zeros before it, {n+99} counts from 100.".into();
                let message = "each user needs a different name, and username has no {n}".into();
                self.report.push(Code::BadValue, &node.span, message, [help]);
                continue;
            }
            let from = from as u64;
            for n in from..from + count as u64 {
                let mut user = node.clone();
                if !self.numbered(&mut user, n) {
                    break;
                }
                users.push(user);
            }
        }
        users
    }

    /// Takes `count` and `from` out of a user; `None` where there is no `count`, or one of them is wrong.
    fn pattern(&self, node: &mut Node<'r>) -> Option<Pattern> {
        value_of(node, "count")?;
        let Kind::Mapping(entries) = &mut node.kind else { return None };
        let mut take = |key: &'static str, mut allowed: Whole<usize>| {
            let entry = entries.remove(entries.iter().position(|it| it.key == key)?);
            Some(allowed.read(Written::root(self.report, &entry.value).called(key)))
        };
        let count = take("count", COUNT);
        let from = take("from", FROM).unwrap_or(Some(1));
        Some(Pattern { count: count??, from: from? })
    }

    /// Puts a number in the place of `{n}` everywhere in a user. `false` where that cannot be read.
    fn numbered(&self, node: &mut Node<'r>, n: u64) -> bool {
        match &mut node.kind {
            Kind::Nothing => true,
            Kind::List(items) => items.iter_mut().all(|it| self.numbered(it, n)),
            Kind::Mapping(entries) => entries.iter_mut().all(|it| self.numbered(&mut it.value, n)),
            Kind::Text(text) => match numbered(text, n) {
                Ok(filled) => {
                    *text = filled;
                    true
                }
                Err(wrong) => {
                    let message = format!("{} is no place for a number", quoted(&wrong));
                    let help = "Write {n}, {n:04} for zeros before it, or {n+99:04} to count from 100.".into();
                    self.report.push(Code::BadValue, &node.span, message, [help]);
                    false
                }
            },
        }
    }
}

/// How many users a pattern makes, and from which number on.
struct Pattern {
    count: usize,
    from: usize,
}

/// A text with a number in the places `{n}`, `{n:04}` and `{n+99:04}`.
///
/// # Errors
/// A place that begins so and is none of them.
fn numbered<'s>(text: &Cow<'s, str>, n: u64) -> Result<Cow<'s, str>, String> {
    if !text.contains("{n") {
        return Ok(text.clone());
    }
    let mut filled = String::new();
    let mut rest: &str = text;
    while let Some((before, behind)) = rest.split_once("{n") {
        filled += before;
        if behind.starts_with(|it: char| it.is_alphanumeric() || it == '_') {
            // A word of another module.
            filled += "{n";
            rest = behind;
            continue;
        }
        let (place, after) = behind.split_once('}').ok_or_else(|| format!("{{n{behind}"))?;
        let wrong = || format!("{{n{place}}}");
        let (more, width) = place.split_once(':').map_or((place, None), |(more, width)| (more, Some(width)));
        let more: u64 = match more.strip_prefix('+') {
            Some(more) => more.parse().ok().filter(|it| *it <= 1_000_000_000_000).ok_or_else(wrong)?,
            None if more.is_empty() => 0,
            None => return Err(wrong()),
        };
        let width: usize = match width.map(|it| it.strip_prefix('0').unwrap_or(it).parse()) {
            None => 0,
            Some(Ok(width)) if width <= 20 => width,
            Some(_) => return Err(wrong()),
        };
        filled += &format!("{:0width$}", n + more);
        rest = after;
    }
    filled += rest;
    Ok(Cow::Owned(filled))
}

fn value_of<'n, 's>(node: &'n Node<'s>, key: &str) -> Option<&'n Node<'s>> {
    let Kind::Mapping(entries) = &node.kind else { return None };
    entries.iter().find(|it| it.key == key).map(|it| &it.value)
}

fn value<'n, 's>(entries: &'n mut [Entry<'s>], key: &str) -> Option<&'n mut Node<'s>> {
    entries.iter_mut().find(|it| it.key == key).map(|it| &mut it.value)
}

/// The lists whose items have names: a nearer item stands for a farther one of its name.
const NAMED: [(&str, &str); 4] =
    [("users", "username"), ("accounts", "name"), ("sessions", "cookie_id"), ("states", "name")];

/// Puts what a file uses beneath what it says itself: of two values the nearer holds, a later file is nearer than an
/// earlier one, and mappings are joined key by key. The rules of the file come first, then those of each used file in
/// order.
fn join<'s>(own: &mut Vec<Entry<'s>>, mut used: Vec<Vec<Entry<'s>>>) {
    let mut rules = Vec::new();
    for file in &mut used {
        if let Some(at) = file.iter().position(|it| it.key == "rules") {
            rules.push(file.remove(at));
        }
    }
    for entry in rules {
        match value(own, "rules") {
            None => own.push(entry),
            Some(node) => match (&mut node.kind, entry.value.kind) {
                (Kind::List(own), Kind::List(used)) => own.extend(used),
                (Kind::Nothing, used) => *node = Node { kind: used, span: entry.value.span },
                _ => (),
            },
        }
    }
    for entry in used.into_iter().rev().flatten() {
        let name = NAMED.iter().find(|it| it.0 == entry.key).map(|it| it.1);
        match value(own, &entry.key) {
            None => own.push(entry),
            Some(node) => match (&mut node.kind, entry.value.kind, name) {
                (Kind::Mapping(near), Kind::Mapping(far), _) => beneath(near, far),
                (Kind::List(near), Kind::List(far), Some(name)) => join_named(near, far, name),
                (Kind::Nothing, far, _) => *node = Node { kind: far, span: entry.value.span },
                _ => (),
            },
        }
    }
}

/// Puts a mapping beneath another.
fn beneath<'s>(near: &mut Vec<Entry<'s>>, far: Vec<Entry<'s>>) {
    for entry in far {
        match value(near, &entry.key) {
            None => near.push(entry),
            Some(Node { kind: Kind::Mapping(near), .. }) => {
                if let Kind::Mapping(far) = entry.value.kind {
                    beneath(near, far);
                }
            }
            Some(_) => (),
        }
    }
}

fn join_named<'s>(near: &mut Vec<Node<'s>>, mut far: Vec<Node<'s>>, key: &str) {
    let name = |it: &Node<'s>| match &it.kind {
        Kind::Text(text) => Some(text.trim().to_lowercase()),
        _ => match &value_of(it, key)?.kind {
            Kind::Text(text) => Some(text.trim().to_lowercase()),
            _ => None,
        },
    };
    let taken: HashSet<String> = near.iter().filter_map(name).collect();
    far.retain(|it| name(it).is_none_or(|it| !taken.contains(&it)));
    near.append(&mut far);
}

/// The text of a file of so many bytes at most: UTF-8, or UTF-16 with its mark, as Windows writes it.
fn text_of(path: &Path, limit: usize) -> Result<String, NoText> {
    let unreadable = |message, help| NoText { code: Code::Unreadable, message, help };
    let bytes = crate::file::read_up_to(path, limit).map_err(|error| {
        let message = format!("{} cannot be read: {error}", path.display());
        unreadable(message, "Check the path and the permissions.")
    })?;
    let bytes = bytes.ok_or_else(too_long)?;
    crate::file::decode(&bytes)
        .map_err(|error| unreadable(format!("{} {error}", path.display()), "Save it as UTF-8 in your editor."))
}

fn too_long() -> NoText {
    let message = format!("the files of a scenario have {} MB at most, all together", LENGTH >> 20);
    NoText { code: Code::TooLarge, message, help: "Users from a pattern take one line: count: 500." }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_its_place() {
        let filled = |text: &'static str| numbered(&Cow::Borrowed(text), 7);
        assert_eq!(filled("user{n}").unwrap(), "user7");
        assert_eq!(filled("+1 425 555 {n+99:04}, {n:3}").unwrap(), "+1 425 555 0106, 007");
        assert_eq!(filled("{user}{name}{").unwrap(), "{user}{name}{");
        for wrong in ["{n", "{n-1}", "{n:x}", "{n:0100}", "{n+}"] {
            assert_eq!(filled(wrong).unwrap_err(), wrong);
        }
    }
}
