//! The tables of `docs/scenarios.md` and `docs/incidents.md`: what each key means is said there and nowhere else. The line before a table names
//! the mappings whose keys it has, such as `<!-- keys: user, user_defaults -->`. Values and defaults in it are written by
//! the grammar.

use super::grammar::Key;

const TEXT: &str = include_str!("../../docs/scenarios.md");
const OF_INCIDENTS: &str = include_str!("../../docs/incidents.md");

/// A row of a table.
struct Row<'t> {
    key: &'t str,
    default: &'t str,
    about: &'t str,
}

/// What the reference says of a key, with its default, without links. `None`: it has no row for it.
pub(super) fn about(mapping: &str, key: &Key) -> Option<String> {
    let row = [TEXT, OF_INCIDENTS].into_iter().flat_map(lines).find_map(|(line, mappings, _)| {
        row(line).filter(|it| it.key == key.key && mappings.split(", ").any(|it| it == mapping))
    })?;
    let default = key.default.as_deref().unwrap_or(row.default);
    let default =
        if default.is_empty() || key.is_needed { String::new() } else { format!("Default: {}.", plain(default)) };
    let about = match row.about {
        "" => {
            let mut name = key.key.replace('_', " ");
            name[..1].make_ascii_uppercase();
            name + "."
        }
        about => plain(about),
    };
    Some(format!("{about} {default}").trim_end().into())
}

/// Each line of a text, with the mappings whose table it is in and the heading above it; both may be empty.
fn lines(text: &str) -> impl Iterator<Item = (&str, &str, &str)> {
    let (mut mappings, mut heading) = ("", "");
    text.lines().map(move |line| {
        if let Some(named) = line.strip_prefix("<!-- keys: ").and_then(|it| it.strip_suffix(" -->")) {
            mappings = named;
        } else if !line.starts_with('|') {
            mappings = "";
        }
        if line.starts_with('#') {
            heading = line;
        }
        (line, mappings, heading)
    })
}

/// The row of a key.
fn row(line: &str) -> Option<Row<'_>> {
    let cells: Vec<&str> = line.strip_prefix("| `")?.split('|').map(str::trim).collect();
    let [key, _, default, about, ""] = cells[..] else { return None };
    Some(Row { key: key.trim_end_matches('`'), default, about })
}

/// Text of a table without its links.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, link)) = rest.split_once('[') {
        plain += before;
        match link.split_once(')').and_then(|(it, after)| Some((it.split_once("](")?.0, after))) {
            Some((name, after)) => {
                plain += name;
                rest = after;
            }
            None => {
                plain.push('[');
                rest = link;
            }
        }
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::super::grammar::Keys;
    use super::super::{incident, schema::grammar};
    use super::*;

    /// A text of the reference with the values and defaults of the grammar in its tables.
    ///
    /// # Errors
    /// The keys that the reference lacks, as rows to add; and rows for which there is no key.
    fn with_grammar(text: &str, grammar: &[Keys]) -> Result<String, Vec<String>> {
        let mut wrong = Vec::new();
        let mut written = String::new();
        let mut met: Vec<(&str, &str)> = Vec::new();
        for (line, mappings, _) in lines(text) {
            let of_table = || grammar.iter().filter(|it| mappings.split(", ").any(|name| name == it.name));
            match row(line).filter(|_| !mappings.is_empty()) {
                Some(row) => {
                    let keys = of_table().flat_map(|it| it.keys.iter().map(move |key| (it.name, key)));
                    let keys: Vec<_> = keys.filter(|it| it.1.key == row.key).collect();
                    met.extend(keys.iter().map(|(name, key)| (*name, key.key)));
                    let rows: Vec<String> = keys.iter().map(|it| row_of(text, it.1, row.default, row.about)).collect();
                    match rows.split_first() {
                        None => wrong.push(format!("{mappings} has no key {}", row.key)),
                        Some((first, rest)) => {
                            rest.iter()
                                .filter(|it| *it != first)
                                .for_each(|it| wrong.push(format!("{mappings}: {it}")));
                            written += first;
                        }
                    }
                }
                None => written += line,
            }
            written.push('\n');
        }
        for Keys { name, keys, .. } in grammar {
            for key in keys.iter().filter(|key| !met.contains(&(name, key.key))) {
                wrong.push(format!("no table has this row of {name}: {}", row_of(text, key, "", "")));
            }
        }
        if wrong.is_empty() { Ok(written) } else { Err(wrong) }
    }

    fn row_of(text: &str, key: &Key, default: &str, about: &str) -> String {
        let default = key.default.as_deref().unwrap_or(if key.is_needed { "required" } else { default });
        let row = format!("| `{}` | {} | {default} | {about} |", key.key, linked(&key.values.text, text));
        row.replace("|  |", "| |").replace("|  |", "| |")
    }

    /// A description of values, with links to the tables of mappings.
    fn linked(values: &str, text: &str) -> String {
        let mut linked = String::new();
        let mut rest = values;
        while let Some((before, behind)) = rest.split_once('{') {
            let (name, after) = behind.split_once('}').expect("a mapping is named in braces");
            let heading_in = |text| lines(text).find(|it| it.1.split(", ").any(|it| it == name)).map(|it| anchor(it.2));
            let (page, heading) = match heading_in(text) {
                Some(heading) => ("", heading),
                None => ("scenarios.md", heading_in(TEXT).unwrap_or_default()),
            };
            linked += &format!("{before}[mapping]({page}#{heading})");
            rest = after;
        }
        linked + rest
    }

    /// The anchor that a heading has in Markdown.
    fn anchor(heading: &str) -> String {
        let kept = |it: &char| it.is_alphanumeric() || matches!(it, ' ' | '-' | '_');
        heading.trim_start_matches('#').trim().to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-")
    }

    /// `UPDATE=1` writes them.
    #[test]
    fn the_tables_of_the_reference_have_the_keys_values_and_defaults_of_the_grammar() {
        let scenario = grammar();
        let mut incident = incident::grammar();
        // What an incident shares with scenarios is said there.
        incident.retain(|it| scenario.iter().all(|of| of.name != it.name));
        for (file, text, grammar) in [("scenarios.md", TEXT, &scenario), ("incidents.md", OF_INCIDENTS, &incident)] {
            let written = with_grammar(text, grammar).unwrap_or_else(|it| panic!("docs/{file}:\n{}", it.join("\n")));
            #[expect(clippy::disallowed_methods, reason = "a test's switch")]
            if std::env::var_os("UPDATE").is_some() {
                std::fs::write(format!("{}/docs/{file}", env!("CARGO_MANIFEST_DIR")), &written).unwrap();
                continue;
            }
            let different = written.lines().zip(text.lines()).find(|it| it.0 != it.1);
            assert_eq!(different, None, "the first line that the grammar writes differently; UPDATE=1 writes them all");
        }
    }

    #[test]
    fn links_become_their_names() {
        assert_eq!(plain("see [Mail](#mail), or [a list]"), "see Mail, or [a list]");
        assert_eq!(anchor("#### The keys of `own_question`: two"), "the-keys-of-own_question-two");
    }
}
