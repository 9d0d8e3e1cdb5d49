//! What happened, written down as a scenario: the snapshot of an engine, and before its rules one for each person who
//! was asked, by which the same comes of it again.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::engine::{ChallengeId, ChallengeStage, Ending, Engine, Event, Pace, Timestamp, Turn, What};

use super::edit::{Section, flow, with_section};
use super::export::snapshot;

/// The answers of one person, in the order in which they were asked.
struct Person {
    /// The condition of the rule, and its value.
    when: (&'static str, String),
    answers: Vec<Value>,
    notes: Vec<String>,
}

/// A scenario that begins where an engine is now, and answers those who were asked in these turns of challenges in the
/// same way.
#[must_use]
pub fn recorded(engine: &Engine, now: Timestamp, pace: Pace, turns: &[Arc<Event>]) -> String {
    let text = snapshot(engine, now, pace);
    let mut people: Vec<Person> = Vec::new();
    let mut asked: HashMap<ChallengeId, Timestamp> = HashMap::new();
    for event in turns {
        let What::Turn(turn) = &event.what else { continue };
        if matches!(turn.stage, ChallengeStage::Asked) {
            asked.insert(turn.challenge, event.at);
        }
        let Some(answer) = answer(event, turn, asked.get(&turn.challenge).copied()) else { continue };
        let when = match &turn.number {
            Some(number) => ("phone", number.to_string()),
            None => ("user", turn.username.to_string()),
        };
        let note = format!("{} {}", event.at, words_of(turn));
        match people.iter_mut().find(|it| it.when == when) {
            Some(person) => {
                person.answers.push(answer);
                person.notes.push(note);
            }
            None => people.push(Person { when, answers: vec![answer], notes: vec![note] }),
        }
    }
    if people.is_empty() {
        return text;
    }
    let kept = engine.rules(now).map(|it| it.rule.written.to_string());
    let rules: Vec<String> = people.iter().map(|it| it.rule(engine, now)).chain(kept).collect();
    let text = with_section(&text, "rules", &Section::List(rules));
    let notes =
        people.iter().flat_map(|it| it.notes.iter().map(|note| format!("#   {} {}: {note}\n", it.when.0, it.when.1)));
    format!(
        "# Recorded: what happened, and rules by which it happens again. The secrets of users are in it.\n{}{text}",
        notes.collect::<String>()
    )
}

impl Person {
    fn rule(&self, engine: &Engine, now: Timestamp) -> String {
        let (key, value) = &self.when;
        let name = format!("recorded: {value}");
        let is_taken = |name: &str| engine.rules(now).any(|it| it.rule.name.eq_ignore_ascii_case(name));
        let names = (2..).map(|at| format!("{name} ({at})"));
        let name = std::iter::once(name.clone()).chain(names).find(|it| !is_taken(it)).unwrap_or_default();
        let mut rule = Map::new();
        rule.insert("name".into(), name.into());
        rule.insert("when".into(), json!({*key: value}));
        match self.answers.as_slice() {
            [Value::Object(only)] => rule.extend(only.clone()),
            [first, then @ ..] => {
                rule.insert("first".into(), first.clone());
                rule.insert("then".into(), then.into());
            }
            [] => (),
        }
        flow(&Value::Object(rule))
    }
}

/// The answer of a rule by which a challenge ends as this one did; `None` where the event ends none that a person
/// was asked in.
fn answer(event: &Event, turn: &Turn, asked: Option<Timestamp>) -> Option<Value> {
    let mut answer = Map::new();
    match &turn.stage {
        ChallengeStage::Settled { ending, .. } => {
            let outcome = match ending {
                Ending::Known(outcome) => outcome.word().into(),
                Ending::Custom(it) => json!({"code": it.code, "text": it.text, "passes": it.passes}),
            };
            answer.insert("outcome".into(), outcome);
            answer.insert("after".into(), in_seconds(event.at.since(asked?)).into());
        }
        // The code came too late, or not at all.
        ChallengeStage::Closed { passed: false } => drop(answer.insert("outcome".into(), "no-answer".into())),
        ChallengeStage::Closed { passed: true } => drop(answer.insert("outcome".into(), "approve".into())),
        ChallengeStage::Asked | ChallengeStage::Answered | ChallengeStage::Sent => return None,
    }
    Some(Value::Object(answer))
}

/// What a comment says of an ending.
fn words_of(turn: &Turn) -> String {
    match &turn.stage {
        ChallengeStage::Settled { ending, .. } => format!("{} {}", ending.code(), ending.description()),
        ChallengeStage::Closed { passed: true } => "the code came in time".into(),
        _ => "the code did not come in time".into(),
    }
}

/// To a tenth of a second, as a scenario writes it.
fn in_seconds(time: Duration) -> String {
    format!("{}ms", time.as_millis() / 100 * 100)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Act, Ask, Authentication, Bounds, EventKind, Outcome};
    use crate::scenario;

    fn engine(text: &str, now: Timestamp) -> Engine {
        Engine::new(scenario::load("test", text).unwrap().setup, now, 1, Bounds::default())
    }

    fn ask(username: &str) -> Ask<'_> {
        Ask {
            operation: "PfAuthUser_5",
            space: "default",
            verdict: None,
            username,
            initiating_type: crate::contract::AuthenticationType::Pfsdk,
            ip_address: "",
            application: "",
            require_user_match: true,
            mode: crate::contract::Mode::Unspecified,
            country_code: "",
            phone_number: "",
            extension: "",
            plays_event: false,
        }
    }

    fn turns(engine: &Engine, after: u64) -> Vec<Arc<Event>> {
        engine.journal.after(after, &[EventKind::Turn])
    }

    #[test]
    fn what_a_person_did_happens_again_by_the_recorded_scenario() {
        let start = Timestamp::of_text("2026-11-24T08:00:00Z").unwrap();
        let text =
            "# Mine.\nusers: [{username: anna, phone: '+1 425 555 0100'}]\nrules: [{name: mine, person: decides}]\n";
        let mut recording = engine(text, start);
        for (act, seconds) in [(Act::HangUp, 4), (Act::Voicemail, 7)] {
            let Authentication::Open(id) = recording.authenticate(start, ask("anna")).unwrap() else {
                panic!("it rings")
            };
            recording.act(start + Duration::from_secs(seconds), id, &act).unwrap();
            recording.take_settled();
        }
        let written = recorded(&recording, start + Duration::from_secs(20), Pace::Real, &turns(&recording, 0));
        let read = scenario::load("test", &written).unwrap_or_else(|it| panic!("{written}: {it:?}"));
        assert!(read.warnings.is_empty(), "{written}: {:?}", read.warnings);
        assert!(written.contains("# Mine.") && written.contains("108 User Hung Up the Phone"), "{written}");
        let names: Vec<_> = read.setup.rules.iter().map(|it| it.name.to_string()).collect();
        assert_eq!(names, ["recorded: +1 4255550100", "mine"], "{written}");
        // With the cursor of now, there is nothing to record.
        let later = recorded(
            &recording,
            start + Duration::from_secs(20),
            Pace::Real,
            &turns(&recording, recording.journal.last()),
        );
        assert!(!later.contains("recorded:"), "{later}");
    }

    #[test]
    fn every_outcome_can_be_recorded() {
        for outcome in Outcome::ALL {
            let text = format!(
                "users: [anna]\nrules: [{{name: r, when: {{user: anna}}, outcome: {}, after: 100ms}}]",
                outcome.word()
            );
            assert!(scenario::load("test", &text).is_ok(), "{outcome:?}");
        }
    }
}
