//! The export of a directory in LDIF, as ldifde and ldapsearch write it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Imported, Row, columns, plain};

/// An attribute of an object: its plain name, and its value.
type Attribute = (String, String);

/// The objects of an LDIF file.
pub(super) fn rows(text: &str, imported: &mut Imported) -> Vec<Row> {
    // Long lines go on in lines that begin with a blank.
    let mut lines: Vec<(usize, String)> = Vec::new();
    for (at, line) in text.lines().enumerate() {
        match (line.strip_prefix(' '), lines.last_mut()) {
            (Some(rest), Some(last)) => last.1 += rest,
            _ => lines.push((at + 1, line.into())),
        }
    }
    let mut rows = Vec::new();
    for object in lines.split(|it| it.1.trim().is_empty()) {
        let said = object.iter().filter(|it| !it.1.starts_with('#'));
        let said: Vec<_> = said.filter(|it| !it.1.to_ascii_lowercase().starts_with("version:")).collect();
        let Some((line, first)) = said.first() else { continue };
        // ldapsearch closes its output with such lines.
        if ["search:", "result:"].iter().any(|it| first.starts_with(it)) {
            continue;
        }
        let mut attributes: Vec<Attribute> = Vec::new();
        let mut unreadable = None;
        for (line, text) in &said {
            match attribute(text) {
                Some((name, attribute)) => {
                    imported.met(name);
                    attributes.push(attribute);
                }
                None => unreadable = unreadable.or(Some(*line)),
            }
        }
        if let Some(line) = unreadable {
            imported.leave_out(line, "the line is no attribute: value, or its Base64 is no text");
            continue;
        }
        let change = attributes.iter().find(|it| it.0 == "changetype").map_or("add", |it| it.1.as_str());
        if !change.eq_ignore_ascii_case("add") {
            imported.leave_out(
                *line,
                format!("it changes an object (changetype: {change}), and does not say the whole user"),
            );
            continue;
        }
        let cells: Vec<(&str, &str)> = attributes
            .iter()
            .filter(|it| !it.1.is_empty())
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        match columns::row(*line, &cells) {
            Ok(row) => rows.push(row),
            Err(reason) => imported.leave_out(*line, reason),
        }
    }
    rows
}

/// `name: value`, or `name:: ` and the value in Base64: the name as it is written, and the attribute. Options such as
/// `;lang-de` are let go, and so are values that stand elsewhere (`name:< file:…`).
fn attribute(line: &str) -> Option<(&str, Attribute)> {
    let (written, rest) = line.split_once(':')?;
    let written = written.split(';').next().unwrap_or_default().trim();
    let name = plain(written);
    let value = match (rest.strip_prefix(':'), rest.starts_with('<')) {
        (_, true) => String::new(),
        (None, _) => rest.trim().into(),
        // Only what is read has to be text: a directory holds pictures too.
        (Some(coded), _) => match String::from_utf8(STANDARD.decode(coded.trim()).ok()?) {
            Ok(text) => text.trim().into(),
            Err(_) if columns::is_known(&name) => return None,
            Err(_) => String::new(),
        },
    };
    Some((written, (name, value)))
}
