//! Edits of the text of a scenario, and values as YAML writes them in one line. No other file edits YAML text.

use std::collections::HashSet;

use serde_json::Value;

use super::mistake::{Code, Mistake};
use super::report::Report;
use super::tree::{self, Kind, Node};

/// A text as a value in a flow mapping, quoted where YAML would take it for something else.
pub(crate) fn scalar(text: &str) -> String {
    let inside = |it: char| it.is_ascii_alphanumeric() || "_-.@ ".contains(it);
    let begins = text.starts_with(|it: char| it.is_ascii_alphabetic());
    // Words that some readers take for a truth or for nothing. What true and false say is what is meant.
    let special = ["null", "yes", "no", "on", "off", "y", "n"].contains(&text.to_ascii_lowercase().as_str());
    let number = text.len() < 6 && !text.starts_with('0') && text.bytes().all(|it| it.is_ascii_digit());
    match (begins && text.chars().all(inside) && !text.ends_with(' ') && !special) || (number && !text.is_empty()) {
        true => text.into(),
        false => serde_json::to_string(text).expect("a text is JSON"),
    }
}

/// A value of a tree in one line.
pub(super) fn flow_of(node: &Node<'_>) -> String {
    match &node.kind {
        Kind::Nothing => "null".into(),
        Kind::Text(text) => scalar(text),
        Kind::List(items) => format!("[{}]", items.iter().map(flow_of).collect::<Vec<_>>().join(", ")),
        Kind::Mapping(entries) => {
            let entries = entries.iter().map(|it| format!("{}: {}", scalar(&it.key), flow_of(&it.value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
    }
}

/// What stands under a key at the top of a scenario.
pub(super) enum Section {
    One(String),
    /// A line for each item.
    List(Vec<String>),
    /// Nothing, where there is such a key.
    Gone,
}

/// A scenario with another section in the place of the one of that key, or at its end.
pub(super) fn with_section(text: &str, key: &str, section: &Section) -> String {
    let report = Report::new(1);
    let root = report.add("snapshot", None, text.into()).and_then(|source| tree::read(&report, source, &mut 0));
    let entries = match root.as_ref().map(|it| &it.kind) {
        Some(Kind::Mapping(entries)) => entries.as_slice(),
        _ => &[],
    };
    let is_flow = root.as_ref().is_some_and(|it| text[it.span.clone()].starts_with('{'));
    let written = match section {
        Section::One(value) => format!("{key}: {value}"),
        Section::Gone => format!("{key}: {{}}"),
        Section::List(items) if is_flow || items.is_empty() => format!("{key}: [{}]", items.join(", ")),
        Section::List(items) => items.iter().fold(format!("{key}:"), |text, it| text + "\n  - " + it),
    };
    let Some(entry) = entries.iter().find(|it| it.key == key) else {
        return match (is_flow, root.as_ref()) {
            _ if matches!(section, Section::Gone) => text.into(),
            (true, Some(root)) => {
                let (before, rest) = text.split_at(root.span.start + 1);
                let comma = if entries.is_empty() { "" } else { ", " };
                format!("{before}{written}{comma}{rest}")
            }
            _ if text.is_empty() || text.ends_with('\n') => format!("{text}{written}\n"),
            _ => format!("{text}\n{written}\n"),
        };
    };
    let end = end(&entry.value, text).max(text[..entry.value.span.start].trim_end().len());
    format!("{}{written}{}", &text[..entry.key_span.start], &text[end..])
}

/// Where a value ends, without the comments behind it.
fn end(node: &Node<'_>, text: &str) -> usize {
    let is_flow = text[node.span.clone()].starts_with(['[', '{']);
    match &node.kind {
        Kind::List(items) if !is_flow => items.last().map_or(node.span.start, |it| end(it, text)),
        Kind::Mapping(entries) if !is_flow => entries.last().map_or(node.span.start, |it| end(&it.value, text)),
        _ => node.span.end,
    }
}

/// JSON as YAML writes it in one line, with quotes where they are needed.
pub(super) fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => scalar(text),
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => {
            let entries = map.iter().map(|(key, value)| format!("{}: {}", scalar(key), flow(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// The lines of a section's list: where its items begin, how far they are indented, and where the section ends.
fn section(lines: &[String], key: &str) -> Result<Option<(usize, usize, usize)>, String> {
    let Some(at) = lines.iter().position(|it| it.starts_with(&format!("{key}:"))) else { return Ok(None) };
    let rest = lines[at][key.len() + 1..].split('#').next().unwrap_or_default().trim();
    if !rest.is_empty() {
        return Err(format!("line {} has {key} in one line. Write one item a line, each with - before it.", at + 1));
    }
    let is_blank = |it: &String| it.trim().is_empty() || it.trim_start().starts_with('#');
    let first = (at + 1..lines.len()).find(|it| !is_blank(&lines[*it]));
    let indent = first.map(|it| lines[it].len() - lines[it].trim_start().len());
    let is_item = |it: &usize| lines[*it].trim_start().starts_with("- ");
    let Some((first, indent)) = first.filter(is_item).zip(indent) else { return Ok(Some((at + 1, 2, at + 1))) };
    let belongs = |it: &String| {
        let own = it.len() - it.trim_start().len();
        is_blank(it) || own > indent || (own == indent && it.trim_start().starts_with("- "))
    };
    let mut end = (first..lines.len()).find(|it| !belongs(&lines[*it])).unwrap_or(lines.len());
    while end > first && is_blank(&lines[end - 1]) {
        end -= 1;
    }
    Ok(Some((first, indent, end)))
}

/// Puts items at the end of the users, and at the beginning of the rules, where the first that matches wins.
pub(crate) fn insert(lines: &mut Vec<String>, key: &str, items: &[String]) -> Result<(), String> {
    if items.is_empty() {
        return Ok(());
    }
    let (at, indent) = match section(lines, key)? {
        Some((first, indent, _)) if key == "rules" => (first, indent),
        Some((_, indent, end)) => (end, indent),
        None => {
            lines.extend([String::new(), format!("{key}:")]);
            (lines.len(), 2)
        }
    };
    let items = items.iter().map(|it| format!("{}- {it}", " ".repeat(indent)));
    lines.splice(at..at, items);
    Ok(())
}

/// Takes users out of the text of a scenario.
pub(crate) fn remove_users(lines: &mut Vec<String>, names: &HashSet<String>) -> Result<(), String> {
    let Some((first, indent, end)) = section(lines, "users")? else { return Ok(()) };
    let is_item = |it: &String| it.len() - it.trim_start().len() == indent && it.trim_start().starts_with("- ");
    let starts: Vec<usize> = (first..end).filter(|it| is_item(&lines[*it])).collect();
    let mut gone = HashSet::new();
    for (at, start) in starts.iter().enumerate() {
        let stop = starts.get(at + 1).copied().unwrap_or(end);
        let item = lines[*start..stop].join("\n");
        let lower = item.to_lowercase();
        if !names.iter().any(|it| lower.contains(it.rsplit('\\').next().unwrap_or_default())) {
            continue;
        }
        // Mistakes that come of looking at the user alone do not matter: only the name does.
        if names.iter().any(|name| named(&item, name)) {
            gone.extend(*start..stop);
        }
    }
    let mut at = 0;
    lines.retain(|_| {
        at += 1;
        !gone.contains(&(at - 1))
    });
    Ok(())
}

/// Whether an item of the users is the one of that name.
fn named(item: &str, name: &str) -> bool {
    let text = format!("users:\n{item}\n  - {}\n", scalar(name));
    let indent = item.len() - item.trim_start().len();
    let text = text.replace("\n  - ", &format!("\n{}- ", " ".repeat(indent)));
    let is_twice = |it: &Mistake| it.code == Code::DuplicateName;
    super::load("import", &text).is_err_and(|mistakes| mistakes.iter().any(is_twice))
}
