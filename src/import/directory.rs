//! An Active Directory export: objects as rows of a table (CSV) or in LDIF.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Imported, Row, plain};

/// The attributes of a directory, in lower case.
const DIRECTORY: &[(&str, &str)] = &[("givenname", "first_name"), ("sn", "last_name"), ("mail", "email_address")];

/// An object of a directory: the mobile number first, the other one as its backup.
pub(super) fn row(line: usize, cells: &[(&str, &str)]) -> Row {
    let cell = |name: &str| cells.iter().find(|it| it.0 == name && !it.1.is_empty()).map(|it| String::from(it.1));
    let mut row = Row { line, ..Row::default() };
    let mut put = |key, value: Option<String>| row.fields.extend(value.map(|it| (key, it)));
    put("username", cell("userprincipalname").or_else(|| cell("samaccountname")));
    for (attribute, key) in DIRECTORY {
        put(key, cell(attribute));
    }
    let (mobile, desk) = (cell("mobile"), cell("telephonenumber"));
    match (mobile, desk) {
        (Some(mobile), desk) => {
            put("phone", Some(mobile));
            put("backup_phone", desk);
        }
        (None, desk) => put("phone", desk),
    }
    row
}

/// The objects of an LDIF file.
pub(super) fn ldif(text: &str, imported: &mut Imported) -> Vec<Row> {
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
        let Some((line, _)) = said.first() else { continue };
        let mut cells = Vec::new();
        let mut unreadable = None;
        for (line, text) in &said {
            match attribute(text) {
                Some(cell) => cells.push(cell),
                None => unreadable = unreadable.or(Some(*line)),
            }
        }
        if let Some(line) = unreadable {
            imported.leave_out(line, "the line is no attribute: value, or its Base64 is no text");
            continue;
        }
        let cells: Vec<(&str, &str)> = cells.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        rows.push(row(*line, &cells));
    }
    rows
}

/// `name: value`, or `name:: ` and the value in Base64. Options such as `;lang-de` are let go.
fn attribute(line: &str) -> Option<(String, String)> {
    let (name, rest) = line.split_once(':')?;
    let name = plain(name.split(';').next().unwrap_or_default());
    match rest.strip_prefix(':') {
        None => Some((name, rest.trim().into())),
        // Only what is read has to be text: a directory holds pictures too.
        Some(coded) => match String::from_utf8(STANDARD.decode(coded.trim()).ok()?) {
            Ok(text) => Some((name, text.trim().into())),
            Err(_) if DIRECTORY.iter().any(|it| it.0 == name) => None,
            Err(_) => Some((name, String::new())),
        },
    }
}
