//! The report: what happened in a space as one HTML file that needs no server, for a ticket or as an artifact of CI.
//!
//! It has no script, and one style whose hash its policy names. Every text is escaped, and secrets are masked.

use std::fmt::Write as _;

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use sha2::{Digest, Sha256};

use super::calls::explained;
use super::input::Asked;
use super::problem::Problem;
use super::view;
use super::{At, Shared, typed};
use crate::engine::{CallEntry, ChallengeStage, Event, EventKind, Message, Outcome, What};
use crate::operations;
use crate::switchboard::{Lane, Space};
use crate::text::counted;

const STYLE: &str = include_str!("report.css");

/// How many calls have a story of their own: the newest.
const STORIES: usize = 200;

/// Writes down what happened in the space as one HTML file: calls with their stories, messages, the timeline. Secrets
/// and codes are masked.
#[utoipa::path(get, path = "/report", tag = "calls", responses((status = 200, description = "HTML", body = String, content_type = "text/html")))]
pub(super) async fn report(State(admin): Shared, At(space): At, asked: Asked) -> Result<Response, Problem> {
    asked.finish()?;
    let failures = admin.failures.lately();
    let is_default = space.name() == crate::switchboard::DEFAULT;
    let mut html = admin.work.run(Lane::Look, move || written(&space)).await;
    if !failures.is_empty() && is_default {
        html += "<h2>Connections and sign-ins that failed</h2><ul>";
        for it in &failures {
            let _ = write!(html, "<li><b>{}</b> {} {}</li>", Escaped(it.kind), Escaped(&it.what), Escaped(&it.hint));
        }
        html += "</ul>";
    }
    html += "</main></body></html>\n";
    let mut answer = typed("text/html; charset=utf-8", html);
    let policy = HeaderValue::try_from(policy()).expect("it is ASCII");
    answer.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    Ok(answer)
}

fn policy() -> String {
    format!("default-src 'none'; style-src 'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(STYLE)))
}

/// The report up to its end. The space is locked for no longer than a story takes.
fn written(space: &Space) -> String {
    let now = space.now();
    let (seed, events, counts, users, evicted) = space.update(|engine, _| {
        let journal = &engine.journal;
        let counts = [EventKind::Call, EventKind::Message, EventKind::Changed].map(|it| journal.count(it));
        let (users, evicted) = (engine.directory().len(), journal.evicted(EventKind::Call));
        (engine.seed(), journal.after(0, &EventKind::ALL), counts, users, evicted)
    });
    let name = Escaped(space.name());
    let mut html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>locmfa: {name}</title><style>{STYLE}</style></head>\
         <body><main><h1>Space {name}</h1><p class=\"soft\">locmfa {}, at {} by the clock of the space, seed {seed}</p><dl>",
        policy(),
        env!("CARGO_PKG_VERSION"),
        now.for_people(),
    );
    for (name, count) in ["Calls", "Messages", "Changes"].into_iter().zip(counts) {
        let _ = write!(html, "<div><dt>{name}</dt><dd>{count}</dd></div>");
    }
    let _ = write!(html, "<div><dt>Users</dt><dd>{users}</dd></div></dl>");
    html += "<h2>Timeline</h2><table><thead><tr><th>Time</th><th>What</th><th>Who</th><th>How</th></tr></thead><tbody>";
    for event in &events {
        line(&mut html, event);
    }
    html += "</tbody></table><h2>Calls</h2>";
    let calls: Vec<_> = events.iter().filter_map(|event| Some((event, call_of(event)?))).collect();
    let left_out = calls.len().saturating_sub(STORIES);
    if left_out > 0 || evicted > 0 {
        let _ = write!(
            html,
            "<p class=\"soft\">{} only in the timeline, {evicted} forgotten.</p>",
            counted(left_out, "older call")
        );
    }
    for (event, call) in &calls[left_out..] {
        story(&mut html, space, event, call);
    }
    html
}

const fn call_of(event: &Event) -> Option<&CallEntry> {
    match &event.what {
        What::Call(call) => Some(call),
        _ => None,
    }
}

/// A line of the timeline.
fn line(html: &mut String, event: &Event) {
    let (what, who, how, look): (&str, String, String, &str) = match &event.what {
        What::Call(it) => {
            let outcome = it.end.as_ref().map_or("open", |it| &*it.outcome);
            let look = if outcome.starts_with("true") { "yes" } else { "no" };
            let known = it.end.as_ref().and_then(|it| Outcome::of_code(it.call_result?));
            let meaning = known.map(|it| format!(" · {}", it.description())).unwrap_or_default();
            let who = it.request.number.as_deref().unwrap_or(&it.request.username);
            (it.request.operation, who.into(), format!("{outcome}{meaning}"), look)
        }
        What::Turn(it) => {
            let stage = match &it.stage {
                ChallengeStage::Asked => "is asked".into(),
                ChallengeStage::Answered => "takes the call".into(),
                ChallengeStage::Sent => "gets a code".into(),
                ChallengeStage::Settled { ending, .. } => format!("{} {}", ending.code(), ending.description()),
                ChallengeStage::Closed { passed } => {
                    (if *passed { "the code is right" } else { "the code ran out" }).into()
                }
            };
            let who = it.number.as_ref().map_or_else(|| it.username.to_string(), ToString::to_string);
            (view::channel(it.method.channel()), who, stage, "")
        }
        What::Message(it) => ("message", it.to.to_string(), masked(it), ""),
        What::Changed(it) => ("change", it.username.to_string(), format!("{} by {}", it.detail, it.by), ""),
        What::Notice(it) => (it.topic, String::new(), it.text.to_string(), ""),
    };
    // A call stands where it was answered, after what the person did.
    let at = call_of(event).and_then(|it| it.end.as_ref()).map_or(event.at, |it| it.at);
    let _ = write!(
        html,
        "<tr><td>{}</td><td>{}</td><td>{}</td><td class=\"{look}\">{}</td></tr>",
        at.for_people(),
        Escaped(what),
        Escaped(&who),
        Escaped(&how)
    );
}

/// The text of a message, without its code.
fn masked(message: &Message) -> String {
    let text = message.text.reveal();
    match &message.code {
        Some(code) if !code.reveal().is_empty() => text.replace(code.reveal(), "(code)"),
        _ => text.into(),
    }
}

fn story(html: &mut String, space: &Space, event: &Event, call: &CallEntry) {
    let CallEntry { request, end } = call;
    let operation = if request.operation.is_empty() { "no operation" } else { request.operation };
    let _ = write!(
        html,
        "<details open><summary>#{} {} <span class=\"soft\">{}</span></summary><ol>",
        event.seq,
        Escaped(operation),
        event.at.for_people()
    );
    for sentence in space.update(|engine, now| explained(engine, now, space.name(), event, call)) {
        let _ = write!(html, "<li>{}</li>", Escaped(&sentence));
    }
    *html += "</ol><dl>";
    for (name, value) in view::fields(request) {
        let text = value.as_str().map_or_else(|| value.to_string(), Into::into);
        let _ = write!(html, "<div><dt>{}</dt><dd>{}</dd></div>", Escaped(name), Escaped(&text));
    }
    *html += "</dl>";
    for (name, raw) in [("Request", Some(&request.body)), ("Answer", end.as_ref().map(|it| &it.answer))] {
        let Some(raw) = raw else { continue };
        let text = operations::kept_without_secrets(raw.reveal());
        let _ = write!(html, "<h3>{name}</h3><pre>{}</pre>", Escaped(&text));
    }
    *html += "</details>";
}

/// A text in HTML: it stays text.
#[derive(Clone, Copy)]
struct Escaped<'a>(&'a str);

impl std::fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for it in self.0.chars() {
            match it {
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '&' => f.write_str("&amp;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}
