//! The text file of Microsoft's sample phone provider.

use super::{Imported, Row, plain};
use crate::engine::{Outcome, Reaction};
use crate::scenario::closest;

/// `id;phone;status`, the file of the sample phone provider: a user and what comes of calling that number.
pub(super) fn rows(text: &str, imported: &mut Imported) -> Vec<Row> {
    let mut rows = Vec::new();
    for (at, line) in text.lines().enumerate().filter(|it| !it.1.trim().is_empty() && !it.1.starts_with('#')) {
        let cells: Vec<&str> = line.split(';').map(str::trim).collect();
        let [id, phone, status] = cells.as_slice() else {
            imported.leave_out(at + 1, "it is not id;phone;status");
            continue;
        };
        if at == 0 && plain(id) == "id" {
            continue;
        }
        let Some(outcome) = status_word(status) else {
            let words = Reaction::ALL.iter().map(|it| it.word()).chain(Outcome::ALL.iter().map(|it| it.word()));
            let meant = closest(status, words).map(|it| format!("; did you mean {it}?")).unwrap_or_default();
            imported.leave_out(at + 1, format!("the status {status:?} is no outcome{meant}"));
            continue;
        };
        let fields = vec![("username", (*id).into()), ("phone", (*phone).into())];
        rows.push(Row { line: at + 1, fields, outcome: Some(outcome), ..Row::default() });
    }
    rows
}

/// What a status of the provider's file means here.
fn status_word(status: &str) -> Option<&'static str> {
    let known = [
        ("success", "approve"),
        ("succeeded", "approve"),
        ("authenticated", "approve"),
        ("ok", "approve"),
        ("true", "approve"),
        ("failed", "deny"),
        ("failure", "deny"),
        ("false", "deny"),
        ("inprogress", "no-answer"),
        ("pending", "no-answer"),
        ("timeout", "no-answer"),
    ];
    let status = plain(status);
    let words = Reaction::ALL.iter().map(|it| it.word()).chain(Outcome::ALL.iter().map(|it| it.word()));
    let known = known.into_iter().chain(words.map(|it| (it, it)));
    known.into_iter().find(|it| plain(it.0) == status).map(|it| it.1)
}
