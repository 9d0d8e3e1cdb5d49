//! One call in full: what was asked, what was answered, and why.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::input::Asked;
use super::problem::{Kind, Problem};
use super::view::{self, View};
use super::{At, Json, Shared, copies, plays};
use crate::engine::{self, CallEnd, CallEntry, CallRequest, ChallengeStage, Engine, Event, Timestamp, Turn, What};
use crate::text::counted;
use crate::{operations, soap};

/// A call in full.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WholeCall {
    /// As lists tell it.
    #[schema(value_type = view::Call)]
    call: Value,
    /// The fields of the request by their wire names, as far as the client sent them. Secrets are masked.
    #[schema(value_type = std::collections::HashMap<String, Value>)]
    fields: Map<String, Value>,
    /// How it came to its answer, a sentence a line. Why rules did not match is judged by what they see now.
    explained: Vec<String>,
    /// The request line and the headers of the request, a line each; with `raw=true`. Of credentials and cookies only the
    /// scheme and the length are told.
    #[serde(skip_serializing_if = "Option::is_none")]
    headers: Option<String>,
    /// The request as it came, secrets masked; with `raw=true`. Bytes that are no text are escaped as `\xff`. Its first 64 KiB are kept, and the end says what is cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<String>,
    /// The answer as it went, secrets masked; with `raw=true`. Its first 64 KiB are kept, and the end says what is cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<String>,
    /// The call as something to reuse: `curl`, `rule`, `expectation`.
    copies: BTreeMap<&'static str, String>,
}

/// Tells of a call in full, and why it was answered so.
#[utoipa::path(get, path = "/calls/{seq}", tag = "calls", params(
    ("seq" = u64, Path),
    ("raw" = Option<bool>, Query, description = "Whether request and answer are told as they went over the wire."),
), responses((status = 200, body = WholeCall)))]
pub(super) async fn get(
    State(admin): Shared,
    At(space): At,
    Path(seq): Path<String>,
    mut asked: Asked,
) -> Result<Json<WholeCall>, Problem> {
    let raw = asked.truth("raw")?.unwrap_or(false);
    asked.finish()?;
    let event = seq.parse().ok().and_then(|seq| space.update(|engine, _| engine.journal.get(seq).cloned()));
    let call = event.as_deref().and_then(|event| match &event.what {
        What::Call(call) => Some((event, call)),
        _ => None,
    });
    let Some((event, call @ CallEntry { request, end })) = call else {
        let detail = format!("There is no call {seq}: it never was, it is forgotten, or it is something else.");
        return Err(Problem::new(Kind::UnknownCall, detail, "GET /calls lists those that are kept."));
    };
    let masked = |it: &engine::Raw| {
        let kept = raw.then(|| operations::kept_without_secrets(it.reveal()))?;
        Some(match it.cut() {
            0 => kept,
            cut => format!("{kept}… ({} not kept)", counted(cut, "more byte")),
        })
    };
    let country = space.update(|engine, _| engine.company().country_code.clone());
    Ok(Json::ok(WholeCall {
        call: View::of(event).value(),
        fields: view::fields(request).clone(),
        explained: space.update(|engine, now| explained(engine, now, space.name(), event, call)),
        headers: raw.then(|| request.headers.to_string()),
        request: masked(&request.body),
        answer: end.as_ref().and_then(|it| masked(&it.answer)),
        copies: copies::of(call, plays::service_of(&admin, &space).as_deref(), &country),
    }))
}

/// The story of a call.
pub(super) fn explained(engine: &Engine, now: Timestamp, space: &str, event: &Event, call: &CallEntry) -> Vec<String> {
    let CallEntry { request, end } = call;
    let mut story = vec![opening(request)];
    if request.operation.is_empty() {
        story.push("It named no operation.".into());
    }
    let Some(end) = end else {
        story.push("It is open: it waits for a person, or a rule delays its answer.".into());
        return story;
    };
    let judged = judged(engine, now, space, request);
    let decided = end.rule.as_deref();
    let drew = |rule: &str| end.draws.iter().find(|it| &*it.rule == rule);
    let before = judged.iter().take_while(|it| Some(&*it.rule) != decided);
    story.extend(before.filter_map(|it| {
        // What was drawn was drawn then. All else is judged by what is now.
        let drawn = drew(&it.rule).map(ToString::to_string);
        Some(format!("{:?} does not match: {}.", it.rule, drawn.as_ref().or(it.why_not.as_ref())?))
    }));
    let is_gone = |it: &&engine::Draw| !it.is_taken() && judged.iter().all(|rule| rule.rule != it.rule);
    story.extend(
        end.draws.iter().filter(is_gone).map(|it| format!("{:?}, which is gone, did not match: {it}.", it.rule)),
    );
    story.push(match decided {
        Some(rule) => match drew(rule) {
            Some(draw) => format!("{rule:?} matched and decided: {draw}."),
            None => format!("{rule:?} matched and decided."),
        },
        None if request.body.cut() > 0 => {
            "No rule decided. The journal keeps too little of the request to say why.".into()
        }
        None if engine.rules(now).next().is_none() => "There are no rules.".into(),
        None if judged.is_empty() => "No rule was asked: the request is no call that the service can read.".into(),
        None => "No rule matches.".into(),
    });
    story.extend(end.delay.map(|it| format!("The answer was held back for {it}.")));
    story.extend(life(engine, event, &request.username, end));
    let result = end.call_result.map(|code| {
        let known = engine::Outcome::of_code(code);
        format!(", call result {code} ({})", known.map_or("of the scenario's own", |it| it.description()))
    });
    let error = end.error.map(|it| format!(", error {it}")).unwrap_or_default();
    let outcome = end.outcome.split(' ').next().unwrap_or_default();
    story.push(match end.status {
        0 => "The client hung up before there was an answer.".into(),
        200 => format!("It was answered {outcome}{}{error}.", result.unwrap_or_default()),
        status => format!("It was answered with the status {status}: {}.", end.outcome),
    });
    story.extend(end.warning.as_ref().map(|it| format!("Note: {it}.")));
    story
}

fn opening(request: &CallRequest) -> String {
    let origin = &request.origin;
    let from = if origin.peer.is_empty() { String::new() } else { format!(" from {}", origin.peer) };
    let over = if origin.tls.is_empty() { String::new() } else { format!(" over {} ({})", origin.tls, origin.suite) };
    let by = if request.agent.is_empty() { String::new() } else { format!(" with {:?}", request.agent) };
    let operation = if request.operation.is_empty() { "the service" } else { request.operation };
    format!("{} called {operation}{from}{over}{by}, signed in by {}.", request.caller, request.scheme)
}

/// What each rule makes of a call.
fn judged(engine: &Engine, now: Timestamp, space: &str, asked: &CallRequest) -> Vec<engine::Explanation> {
    let read = || {
        let operation = operations::find(asked.operation)?;
        let (_, mut reader) = soap::body(asked.body.reveal()).ok()?;
        let request = operation.read(&mut reader).ok()?;
        let values = request.values();
        let call = engine::Call { operation: operation.signature.name, asks: operation.asks, space, values: &values };
        Some(engine.explain(now, &call))
    };
    read().unwrap_or_default()
}

/// The challenge of a call, step by step: the last one of that user, during the call, that ended as the call did.
fn life(engine: &Engine, event: &Event, username: &str, end: &CallEnd) -> Vec<String> {
    let stored = engine.directory().find(username).map_or(username, |it| it.username.as_str());
    let turns = || {
        let earlier =
            engine.journal.of(engine::EventKind::Turn).filter(|it| (event.seq..event.recorded).contains(&it.seq));
        earlier.filter_map(|it| match &it.what {
            What::Turn(turn) => Some((it, turn)),
            _ => None,
        })
    };
    let answered = |turn: &Turn| match &turn.stage {
        ChallengeStage::Settled { ending, .. } => Some(ending.code()),
        ChallengeStage::Sent if turn.method == engine::Method::Oath => Some(engine::Outcome::OathPending.code()),
        ChallengeStage::Sent => Some(engine::Outcome::TextSent.code()),
        _ => None,
    };
    let is_its_end = |turn: &Turn| {
        let code = answered(turn);
        code.is_some() && code == end.call_result && turn.username.eq_ignore_ascii_case(stored)
    };
    let Some(challenge) = turns().rfind(|it| is_its_end(it.1)).map(|it| it.1.challenge) else {
        return Vec::new();
    };
    let step = |(event, turn): (&std::sync::Arc<Event>, &Turn)| {
        let number = turn.number.as_ref().map(|it| format!(" {it}")).unwrap_or_default();
        let what = match &turn.stage {
            ChallengeStage::Asked => {
                format!("the person was asked by {} at{number}", view::channel(turn.method.channel()))
            }
            ChallengeStage::Answered => "the person took the call".into(),
            ChallengeStage::Sent => format!("a message with a code went out to{number}"),
            ChallengeStage::Settled { ending, .. } => {
                format!("it ended with {} ({})", ending.code(), ending.description())
            }
            ChallengeStage::Closed { passed: true } => "the code came, and was right".into(),
            ChallengeStage::Closed { passed: false } => "the code ran out".into(),
        };
        format!("{}: {what}.", event.at.for_people())
    };
    turns().filter(|it| it.1.challenge == challenge).map(step).collect()
}
