//! The text file of Microsoft's sample phone provider: `requestGuid;phone;status;message`, a line for each request.

use super::{Imported, Row, plain};
use crate::engine::{Outcome, Reaction};
use crate::scenario::closest;
use crate::scenario::edit::scalar;

/// Whether a line can be one of the file.
pub(super) fn is_line(line: &str) -> bool {
    (3..=4).contains(&line.splitn(4, ';').count())
}

/// What the file says of each number: a user, and how a call of that number ends. A request has an identifier of its own,
/// so only the number tells people apart.
pub(super) fn rows(text: &str, imported: &mut Imported) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut is_first = true;
    for (at, line) in text.lines().enumerate().filter(|it| !it.1.trim().is_empty() && !it.1.starts_with('#')) {
        let cells: Vec<&str> = line.splitn(4, ';').map(str::trim).collect();
        let is_header = std::mem::take(&mut is_first) && cells.get(2).is_some_and(|it| plain(it) == "status");
        if is_header {
            continue;
        }
        let (phone, status, message) = match *cells.as_slice() {
            [_, phone, status] => (phone, status, None),
            [_, phone, status, message] => (phone, status, Some(message)),
            _ => {
                imported.leave_out(at + 1, "it is not requestGuid;phone;status or requestGuid;phone;status;message");
                continue;
            }
        };
        let outcome = match (status_word(status), status.parse::<u32>().is_ok() || message.is_some()) {
            (Some(word), _) => word,
            // Whatever is neither pending nor a success has failed.
            (None, true) => "deny",
            (None, false) => {
                let words = Reaction::ALL.iter().map(|it| it.word()).chain(Outcome::ALL.iter().map(|it| it.word()));
                let meant = closest(status, words).map(|it| format!("; did you mean {it}?")).unwrap_or_default();
                imported.leave_out(at + 1, format!("the status {status:?} is no outcome{meant}"));
                continue;
            }
        };
        let message = message.filter(|it| outcome == "deny" && !it.is_empty());
        let outcome = match message {
            // The text of a call result has words in braces.
            Some(message) => {
                let text = message.replace('{', "(").replace('}', ")");
                format!("{{code: {}, text: {}}}", Outcome::HungUp.code(), scalar(&text))
            }
            None => outcome.into(),
        };
        let fields = vec![("phone", phone.into())];
        rows.push(Row { line: at + 1, fields, outcome: Some(outcome), ..Row::default() });
    }
    rows
}

/// What a status of the provider's file means here.
fn status_word(status: &str) -> Option<&'static str> {
    let known = [
        ("0", "no-answer"),
        ("1", "approve"),
        ("2", "deny"),
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
