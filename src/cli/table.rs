//! JSON as a table for people.

use serde_json::Value;

use crate::engine::Timestamp;
use crate::text::in_one_line;

/// A column: its heading, and the key of its values.
pub(super) type Column = (&'static str, &'static str);

/// Objects as lines under headings. Columns in which no object has anything are left out.
pub(super) fn table(columns: &[Column], items: &[Value]) -> String {
    let rows: Vec<Vec<String>> =
        items.iter().map(|it| columns.iter().map(|column| cell(it, column.1)).collect()).collect();
    let used = |at: &usize| rows.is_empty() || rows.iter().any(|it| !it[*at].is_empty());
    let kept: Vec<usize> = (0..columns.len()).filter(used).collect();
    let width =
        |at: usize| rows.iter().map(|it| it[at].chars().count()).chain([columns[at].0.len()]).max().unwrap_or(0);
    let widths: Vec<usize> = kept.iter().map(|at| width(*at)).collect();
    let line = |cells: Vec<&str>| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    let head = line(kept.iter().map(|at| columns[*at].0).collect());
    rows.iter().fold(head, |text, row| text + &line(kept.iter().map(|at| row[*at].as_str()).collect()))
}

/// Objects as CSV: the keys of the columns, then the other keys that an object has.
pub(super) fn csv(columns: &[Column], items: &[Value]) -> anyhow::Result<String> {
    let mut keys: Vec<&str> = columns.iter().map(|it| it.1).collect();
    for key in items.iter().filter_map(Value::as_object).flat_map(|it| it.keys()) {
        if !keys.contains(&key.as_str()) {
            keys.push(key);
        }
    }
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(&keys)?;
    for it in items {
        writer.write_record(keys.iter().map(|key| joined(at(it, key), &|text| text.into())))?;
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}

/// An object as a line for each key; those of an object in it have its key before them.
pub(super) fn sheet(it: &Value) -> String {
    let Some(map) = it.as_object() else { return format!("{}\n", plain(it)) };
    let width = map.keys().map(|it| it.chars().count()).max().unwrap_or(0);
    let flat = map.iter().flat_map(|(key, value)| match value.as_object() {
        Some(inner) => inner.iter().map(|(name, value)| (format!("{key}.{name}"), plain(value))).collect(),
        None => vec![(key.clone(), plain(value))],
    });
    flat.filter(|it| !it.1.is_empty()).map(|(key, value)| format!("{key:width$}  {value}\n")).collect()
}

/// A table that grows by a line for each object, which always has all columns: the widest value so far sets the width of
/// its column.
#[derive(Debug)]
pub(super) struct Growing {
    columns: &'static [Column],
    widths: Vec<usize>,
}

impl Growing {
    pub(super) fn new(columns: &'static [Column]) -> Self {
        let width = |it: &Column| match it.1 {
            "at" | "since" => "12:00:00.000".len(),
            "operation" => "ValidatePasscode".len(),
            "username" | "caller" => "mimservice@contoso.com".len(),
            "number" | "phone" | "to" => "+44 7700900123".len(),
            "ending" | "outcome" => "Call Already In Progress".len(),
            "rule" => "magic number +1 4255550111".len(),
            "milliseconds" => "60000.000".len(),
            _ => it.0.len().max(6),
        };
        Self { columns, widths: columns.iter().map(width).collect() }
    }

    pub(super) fn head(&mut self) -> String {
        let cells = self.columns.iter().map(|it| it.0.to_owned()).collect();
        self.padded(cells)
    }

    /// The line of an object. A value that is missing is `-`.
    pub(super) fn line(&mut self, it: &Value) -> String {
        let cells = self.columns.iter().map(|column| cell(it, column.1));
        let cells = cells.map(|it| if it.is_empty() { "-".into() } else { it }).collect();
        self.padded(cells)
    }

    fn padded(&mut self, cells: Vec<String>) -> String {
        let mut line = String::new();
        for (cell, width) in cells.into_iter().zip(&mut self.widths) {
            *width = cell.chars().count().max(*width);
            line += &format!("{cell:0$}  ", *width);
        }
        line.trim_end().to_owned() + "\n"
    }
}

/// The value at a key, whose parts are separated by dots.
fn at<'a>(it: &'a Value, key: &str) -> &'a Value {
    key.split('.').try_fold(it, |it, key| it.get(key)).unwrap_or(&Value::Null)
}

fn cell(it: &Value, key: &str) -> String {
    let text = plain(at(it, key));
    match key {
        // The time of a day: the day is the same for most, and the heading says that it is UTC.
        "at" | "since" | "due" => {
            text.strip_suffix(" UTC").and_then(|it| it.split_once(' ')).map_or(text.as_str(), |it| it.1).into()
        }
        // The rule has a column of its own.
        "outcome" => text.split_once(" by \"").map_or(text.as_str(), |it| it.0).into(),
        _ => text,
    }
}

/// A value for people: moments to the millisecond, with their zone.
pub(super) fn plain(value: &Value) -> String {
    joined(value, &|text| match Timestamp::of_text(text).filter(|_| text.ends_with('Z')) {
        Some(moment) => moment.for_people(),
        None => in_one_line(text).into_owned(),
    })
}

fn joined(value: &Value, shown: &dyn Fn(&str) -> String) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => shown(text),
        Value::Array(items) if items.iter().all(|it| !it.is_object()) => {
            items.iter().map(|it| joined(it, shown)).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_without_anything_are_left_out() {
        let items = [
            json!({"seq": 1, "at": "2026-11-24T08:00:00.1234567Z", "user": "anna"}),
            json!({"seq": 12, "at": "x", "user": "b", "rule": null}),
        ];
        let columns = [("#", "seq"), ("TIME", "at"), ("RULE", "rule"), ("USER", "user")];
        assert_eq!(table(&columns, &items), "#   TIME          USER\n1   08:00:00.123  anna\n12  x             b\n");
        assert_eq!(table(&columns[..2], &[]), "#  TIME\n");
        let mut growing = Growing::new(&[("#", "seq"), ("OUTCOME", "outcome"), ("USER", "user")]);
        assert_eq!(growing.head(), "#       OUTCOME                   USER\n");
        assert_eq!(growing.line(&items[0]), "1       -                         anna\n");
        let busy = json!({"seq": 2, "outcome": "false 101 error 12 by \"busy\"", "user": "b"});
        assert_eq!(growing.line(&busy), "2       false 101 error 12        b\n");
        assert_eq!(sheet(&json!({"a": 1, "long": ["x", "y"], "none": null})), "a     1\nlong  x, y\n");
        let nested = json!({"clock": {"now": "2026-11-24T08:00:00.1234567Z", "rate": null}});
        assert_eq!(sheet(&nested), "clock.now  2026-11-24 08:00:00.123 UTC\n");
    }
}
