//! A call as something to reuse: a request of curl, a rule, an expectation.

use std::collections::BTreeMap;

use serde_json::{Map, json};

use super::view;
use crate::engine::{CallEnd, CallEntry, CallRequest, Outcome};
use crate::operations;
use crate::scenario::export::in_one_line;

/// The copies of a call, by their names. Without the service's URL there is no request of curl, and before its end neither
/// a rule nor an expectation.
pub(super) fn of(call: &CallEntry, url: Option<&str>, country: &str) -> BTreeMap<&'static str, String> {
    let CallEntry { request, end } = call;
    let number = view::phone(request, country).map(|it| it.to_string());
    let mut copies = BTreeMap::new();
    if let Some(end) = end {
        copies.insert("rule", rule(request, end, number.as_deref()));
        copies.insert("expectation", expectation(request, end, number.as_deref()));
    }
    if let Some(url) = url.filter(|_| request.body.cut() == 0) {
        copies.insert("curl", curl(request, url));
    }
    copies
}

/// The request without its secrets, for a shell of Unix.
fn curl(entry: &CallRequest, url: &str) -> String {
    let sign_in = match entry.scheme {
        "anonymous" => String::new(),
        "basic" => format!(" --basic --user {}", quoted(&format!("{}:PASSWORD", entry.caller))),
        "certificate" => " --cert client.pem".into(),
        _ => format!(" --ntlm --user {}", quoted(&format!("{}:PASSWORD", entry.caller))),
    };
    let action = format!("SOAPAction: \"http://www.phonefactor.com/PfWsSdk/{}\"", entry.operation);
    let body = operations::without_secrets(entry.body.reveal());
    format!(
        "curl --cacert certs/authority.pem{sign_in} -H 'Content-Type: text/xml; charset=utf-8' -H {} --data-binary {} {url}",
        quoted(&action),
        quoted(&body),
    )
}

/// A word for a shell of Unix.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A rule by which such a call ends in the same way.
fn rule(entry: &CallRequest, end: &CallEnd, number: Option<&str>) -> String {
    let mut rule = Map::new();
    let who = match number {
        Some(number) => json!({"operation": entry.operation, "phone": number}),
        None => json!({"operation": entry.operation, "user": &*entry.username}),
    };
    rule.insert("when".into(), who);
    let outcome = end.call_result.and_then(Outcome::of_code);
    match (outcome, end.call_result, end.error) {
        (Some(outcome), ..) => rule.insert("outcome".into(), outcome.word().into()),
        (None, Some(code), _) => {
            let passes = end.outcome.starts_with("true");
            rule.insert("outcome".into(), json!({"code": code, "text": "", "passes": passes}))
        }
        (None, None, Some(code)) if code != 0 => rule.insert("error".into(), json!({"code": code, "text": ""})),
        _ if end.status != 200 && end.status != 0 => rule.insert("status".into(), end.status.into()),
        _ => rule.insert("outcome".into(), "as-usual".into()),
    };
    format!("- {}\n", in_one_line(&rule.into()))
}

/// An expectation that the call fulfils, for `locmfa verify`.
fn expectation(entry: &CallRequest, end: &CallEnd, number: Option<&str>) -> String {
    let mut conditions = Map::new();
    conditions.insert("operation".into(), entry.operation.into());
    match number {
        Some(number) => conditions.insert("phone".into(), number.into()),
        None => conditions.insert("username".into(), (*entry.username).into()),
    };
    match end.call_result {
        Some(code) => conditions.insert("call_result".into(), code.into()),
        None => conditions.insert("outcome".into(), (*end.outcome).into()),
    };
    format!("- {}\n", in_one_line(&json!({"where": conditions})))
}
