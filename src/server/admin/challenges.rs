//! Challenges that are open: the phones that ring, and what the person does with them.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::cursor::Cursor;
use super::feed::{PIECE, awaited, known};
use super::filter::Filter;
use super::input::{Asked, Body};
use super::listed::listed;
use super::problem::{Kind, Problem};
use super::view::{self, Turn, View};
use super::{At, Json, Shared};
use crate::contract::{PhoneAppMode, PinMode, SmsMode};
use crate::engine::{
    self, Acted, ChallengeId, Channel, Company, Engine, EventKind, Method, OpenChallenge, OpenState, Timestamp,
};
use crate::scenario;
use crate::switchboard::{Interest, Lane, Space};
use crate::text;

/// A challenge that is open.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Challenge {
    id: u64,
    /// `ringing`: the phone rings, or a message waits for its reply; `answered`; `waiting`: a second operation brings
    /// the code; `deciding`: the scenario leaves it to the caller of this API.
    state: &'static str,
    #[schema(value_type = String, format = DateTime)]
    since: view::At,
    operation: String,
    /// As in the call.
    username: String,
    /// The user whose number is called.
    owner: Option<String>,
    /// The number that is called.
    phone: Option<String>,
    /// `voice`, `text`, `app`, `oath`
    channel: &'static str,
    application: String,
    /// When something happens by itself.
    #[schema(value_type = String, format = DateTime)]
    due: view::At,
    /// When it ends if no person acts.
    #[schema(value_type = String, format = DateTime)]
    gives_up: view::At,
    /// First and last name of the user who is asked.
    name: Option<String>,
    /// What the call says to the person. Missing where the challenge is no phone call.
    says: Option<String>,
    /// What the person is to enter: `#`, `pin`, `digits`, `code`, `code-and-pin`; missing where the app asks.
    asks: Option<&'static str>,
    /// What the person can do now, by the words of acts.
    acts: Vec<&'static str>,
    rule: Option<String>,
    /// What later calls name it by.
    request_id: String,
    /// The code of the text message, or the one that the token shows now.
    code: Option<String>,
}

/// The challenges that are open.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Challenges {
    /// The oldest first.
    items: Vec<Challenge>,
    /// What to give as `after` to await one that opens later.
    #[schema(value_type = String)]
    next: Cursor,
}

/// How a challenge is, or how it ended.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ChallengeSoFar {
    id: u64,
    /// As it is open; missing once it is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    open: Option<Challenge>,
    /// Its steps so far, the oldest first; those that are forgotten are missing.
    #[schema(value_type = Vec<Turn>)]
    turns: Vec<Value>,
    /// Whether the call that asked has its answer.
    settled: bool,
}

/// What the person does.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Act {
    /// As in a rule's `person`: `"approve"` and `"deny"`, in whichever way the person is asked; `"answers"`,
    /// `{"presses": "#"}`, `{"enters": "pin"}`, `"hangs-up"`, `{"replies": "code"}`, `"reports-fraud"`; or a list of such.
    #[schema(example = "approve")]
    act: Value,
}

/// What came of it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ActDone {
    id: u64,
    /// Whether the challenge goes on.
    open: bool,
    /// The code of `callResult`, where it ended.
    call_result: Option<i32>,
    /// What the code means.
    ending: Option<String>,
}

impl Challenge {
    fn of(it: &OpenChallenge<'_>, engine: &Engine, now: Timestamp) -> Self {
        let person = engine.directory().find(it.owner.unwrap_or(it.username));
        let name = |user: &engine::User| {
            let names =
                [&user.settings.first_name, &user.settings.last_name].map(|it| it.as_deref().unwrap_or_default());
            Some(names.join(" ").trim().to_owned()).filter(|it| !it.is_empty())
        };
        let company = engine.company();
        Self {
            id: it.id.0,
            state: match it.state {
                OpenState::Ringing => "ringing",
                OpenState::Answered => "answered",
                OpenState::WaitingForCode => "waiting",
                OpenState::Deciding => "deciding",
            },
            since: view::At(it.since),
            operation: it.operation.into(),
            username: it.username.into(),
            owner: it.owner.map(Into::into),
            phone: it.number.map(ToString::to_string),
            channel: view::channel(it.method.channel()),
            application: it.application.into(),
            due: view::At(it.due),
            gives_up: view::At(it.gives_up),
            name: person.and_then(name),
            says: says(it, company),
            asks: asks(it),
            acts: acts(it, company),
            rule: it.rule.map(Into::into),
            request_id: it.request_id.into(),
            code: match it.code {
                Some(code) => Some(code.reveal().into()),
                None => person.filter(|_| it.method == Method::Oath).and_then(|user| user.token_code(now)),
            },
        }
    }

    /// Whether the conditions hold of it.
    fn fits(&self, filter: &Filter) -> bool {
        if filter.len() == 0 {
            return true;
        }
        let value = serde_json::to_value(self).expect("a challenge is JSON");
        filter.fits_by(|name| match value.get(name)? {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        })
    }
}

/// What a call says to the person. The wording is this program's own: no recording of the product's is public.
fn says(it: &OpenChallenge<'_>, company: &Company) -> Option<String> {
    let Method::Voice(_) = it.method else { return None };
    let from = if it.application.is_empty() { String::new() } else { format!(" of {}", it.application) };
    let ask = match asks(it) {
        Some("pin") => "Enter your PIN, then press the pound key.",
        Some("digits") => "Enter your choice, then press the pound key.",
        _ => "Press the pound key to finish signing in.",
    };
    let fraud = match company.features.fraud_alert {
        true => format!(" If you are not signing in, press {} and the pound key.", spelled(&company.fraud_code)),
        false => String::new(),
    };
    Some(format!("This is the sign-in verification{from}. {ask}{fraud}"))
}

/// Digits one by one, so that speech does not read them as a number.
fn spelled(digits: &str) -> String {
    digits.chars().map(String::from).collect::<Vec<_>>().join(" ")
}

fn asks(it: &OpenChallenge<'_>) -> Option<&'static str> {
    Some(match it.method {
        Method::Voice(PinMode::Pin | PinMode::ReturnPin) => "pin",
        Method::Voice(_) if it.plays_event => "digits",
        Method::Voice(_) => "#",
        Method::TextOneWay(SmsMode::OtpPlusPin) | Method::TextTwoWay(SmsMode::OtpPlusPin) => "code-and-pin",
        Method::TextOneWay(_) | Method::TextTwoWay(_) | Method::Oath => "code",
        Method::App(PhoneAppMode::Pin) => "pin",
        Method::App(_) => return None,
    })
}

/// What the person can do, by the words of [`engine::Act`].
fn acts(it: &OpenChallenge<'_>, company: &Company) -> Vec<&'static str> {
    let mut acts: Vec<&str> = match (it.method.channel(), it.state) {
        (_, OpenState::WaitingForCode) => Vec::new(),
        (Channel::Voice, OpenState::Answered) => vec!["presses", "enters", "hangs-up"],
        (Channel::Voice, _) => vec!["answers", "hangs-up", "voicemail", "lets-it-ring"],
        (Channel::Text, _) if !it.method.waits_for_code() => vec!["replies", "lets-it-ring"],
        (Channel::App, _) => vec!["approves", "denies", "lets-it-ring"],
        _ => Vec::new(),
    };
    if it.method.channel() == Channel::App && company.features.fraud_alert {
        acts.insert(2, "reports-fraud");
    }
    acts
}

/// The names by which open challenges are filtered.
const NAMES: [&str; 18] = [
    "id",
    "state",
    "since",
    "operation",
    "username",
    "owner",
    "phone",
    "channel",
    "application",
    "due",
    "gives_up",
    "name",
    "says",
    "asks",
    "acts",
    "rule",
    "request_id",
    "code",
];

/// Lists the challenges that are open, or waits for one: a phone that rings.
#[utoipa::path(get, path = "/challenges", tag = "challenges", params(
    ("after" = Option<String>, Query, description = "Only those that opened after that event, or whose message left after it: `next` of an earlier answer, or `now`."),
    ("wait" = Option<String>, Query, description = "How long to wait where there is none, such as `30s`; ten minutes at most.", example = "0s"),
    ("username" = Option<String>, Query, description = "A condition: any value of a challenge can be asked for by its name, as in lists."),
), responses((status = 200, body = Challenges)))]
pub(super) async fn list(State(admin): Shared, At(space): At, mut asked: Asked) -> Result<Response, Problem> {
    let wait = asked.wait()?;
    let after = asked.take("after")?.map(|text| Cursor::place(&space, &text)).transpose()?;
    let country = space.update(|engine, _| engine.company().country_code.clone());
    let filter = Filter::read(asked.rest(), |name| NAMES.contains(&name), &country);
    let filter = filter.map_err(|name| asked.unknown(&name, NAMES.into_iter()))?;
    // The turns of a challenge have these, too.
    let key = filter.key(|name| ["username", "phone"].contains(&name));
    let interest = Interest { kinds: vec![EventKind::Turn], key, matches: Box::new(|_| true) };
    let mut opened = after.map(|after| Opened { place: after, ids: BTreeSet::new() });
    let of = space.clone();
    let look = move |is_over, _| {
        let (ids, last) = match &mut opened {
            None => of.update(|engine, _| {
                (engine.open_challenges().map(|it| it.id).collect::<Vec<_>>(), engine.journal.last())
            }),
            Some(opened) => {
                opened.look_on(&of)?;
                (opened.ids.iter().copied().collect(), opened.place)
            }
        };
        let mut items =
            Open { space: of.clone(), filter: filter.clone(), ids: ids.into_iter(), ready: VecDeque::new() };
        items.get_ready();
        let is_found = is_over || !items.ready.is_empty();
        Ok(is_found.then(|| (items, Challenges { items: Vec::new(), next: Cursor::at(&of, last) })))
    };
    let (items, frame) = awaited(&admin, &space, interest, wait, Lane::Look, look).await?;
    Ok(listed(admin, &frame, items, |it: &Challenge| text::json(it)).await)
}

/// The challenges that opened after a place.
struct Opened {
    /// How far the events have been looked at.
    place: u64,
    ids: BTreeSet<ChallengeId>,
}

impl Opened {
    /// Looks at the events up to the newest, a piece at a time.
    fn look_on(&mut self, space: &Space) -> Result<(), Problem> {
        loop {
            let (turns, last) = turns_after(self.place, space)?;
            self.ids.extend(turns.iter().filter_map(|it| opened_by(it)));
            let is_last = turns.len() < PIECE;
            self.place = if is_last { last } else { turns[PIECE - 1].recorded };
            if is_last {
                return Ok(());
            }
        }
    }
}

/// The next turns after a place, and the place of the newest event.
fn turns_after(place: u64, space: &Space) -> Result<(Vec<Arc<engine::Event>>, u64), Problem> {
    space.update(|engine, _| {
        let journal = &engine.journal;
        known(space, journal, place, &[EventKind::Turn])?;
        Ok((journal.first_after(place, &[EventKind::Turn], PIECE), journal.last()))
    })
}

/// Open challenges that fit, a piece at a time: the lock of the space is held for one piece.
struct Open {
    space: Space,
    filter: Filter,
    /// Those that are not looked at yet.
    ids: std::vec::IntoIter<ChallengeId>,
    ready: VecDeque<Challenge>,
}

/// How many challenges are looked at under one lock.
const AT_ONCE: usize = 16;

impl Open {
    /// Looks on until one is ready, or none is left.
    fn get_ready(&mut self) {
        while self.ready.is_empty() && self.ids.len() > 0 {
            let ids = self.ids.by_ref().take(AT_ONCE);
            let open: Vec<_> = self.space.update(|engine, now| {
                ids.filter_map(|it| engine.open_challenge(it)).map(|it| Challenge::of(&it, engine, now)).collect()
            });
            self.ready.extend(open.into_iter().filter(|it| it.fits(&self.filter)));
        }
    }
}

impl Iterator for Open {
    type Item = Challenge;

    fn next(&mut self) -> Option<Challenge> {
        self.get_ready();
        self.ready.pop_front()
    }
}

const fn turn_of(event: &engine::Event) -> Option<&engine::Turn> {
    match &event.what {
        engine::What::Turn(turn) => Some(turn),
        _ => None,
    }
}

/// The challenge that an event opens. Some open when their message leaves.
fn opened_by(event: &engine::Event) -> Option<ChallengeId> {
    let opens = |it: &&engine::Turn| matches!(it.stage, engine::ChallengeStage::Asked | engine::ChallengeStage::Sent);
    turn_of(event).filter(opens).map(|it| it.challenge)
}

/// Tells how a challenge is; with `wait`, when it has ended.
#[utoipa::path(get, path = "/challenges/{id}", tag = "challenges", params(
    ("id" = u64, Path),
    ("wait" = Option<String>, Query, description = "How long to wait until it is settled, such as `30s`; ten minutes at most.", example = "0s"),
), responses((status = 200, body = ChallengeSoFar)))]
pub(super) async fn get(
    State(admin): Shared,
    At(space): At,
    Path(id): Path<String>,
    mut asked: Asked,
) -> Result<Json<ChallengeSoFar>, Problem> {
    let wait = asked.wait()?;
    asked.finish()?;
    let id = id_of(&id)?;
    let of = space.clone();
    let (mut place, mut turns) = (0, Vec::new());
    // Piece by piece, so that the lock of the space is held for one piece.
    let look = move |is_over, _| {
        let open = loop {
            let (events, last, open) = of.update(|engine, now| {
                let journal = &engine.journal;
                let open = engine.open_challenge(ChallengeId(id)).map(|it| Challenge::of(&it, engine, now));
                (journal.first_after(place, &[EventKind::Turn], PIECE), journal.last(), open)
            });
            let is_of_it = |it: &&Arc<engine::Event>| turn_of(it).is_some_and(|it| it.challenge.0 == id);
            let told = |it: &Arc<engine::Event>| View::of(it).value();
            turns.extend(events.iter().filter(is_of_it).map(told));
            if events.len() < PIECE {
                place = last;
                break open;
            }
            place = events[PIECE - 1].recorded;
        };
        if open.is_none() && turns.is_empty() {
            return Err(unknown(id));
        }
        let is_settled = |it: &Value| it["stage"] == "settled" || it["stage"] == "sent";
        let settled = turns.iter().any(is_settled) || open.is_none();
        let is_found = is_over || settled;
        Ok(is_found.then(|| ChallengeSoFar { id, open, turns: std::mem::take(&mut turns), settled }))
    };
    let of_it = move |event: &engine::Event| turn_of(event).is_some_and(|it| it.challenge.0 == id);
    let interest = Interest { kinds: vec![EventKind::Turn], key: None, matches: Box::new(of_it) };
    let seen = awaited(&admin, &space, interest, wait, Lane::Look, look);
    Ok(Json::ok(seen.await?))
}

/// Acts as the person who is asked. What the scenario had planned does not happen any more.
#[utoipa::path(post, path = "/challenges/{id}/act", tag = "challenges", params(("id" = u64, Path)), request_body = Act, responses((status = 200, body = ActDone)))]
pub(super) async fn act(
    At(space): At,
    Path(id): Path<String>,
    asked: Asked,
    Body(Act { act }): Body<Act>,
) -> Result<Json<ActDone>, Problem> {
    asked.finish()?;
    let id = id_of(&id)?;
    let acts = match &act {
        Value::Array(acts) => acts.iter().map(read).collect::<Result<Vec<_>, _>>()?,
        act => vec![read(act)?],
    };
    space.update(|engine, now| {
        if engine.open_challenge(ChallengeId(id)).is_none() {
            return Err(unknown(id));
        }
        let mut ending = None;
        for act in &acts {
            let acted = engine.act(now, ChallengeId(id), act).map_err(|no| {
                let code = engine.awaited_code(now, ChallengeId(id));
                let remedy = code.map_or_else(
                    || "GET /challenges tells what is open, and what it waits for.".into(),
                    |code| {
                        format!(
                            "Type {} where the person signs in to approve, and any other code to deny.",
                            code.reveal()
                        )
                    },
                );
                Problem::new(Kind::Refused, no.to_string(), remedy)
            })?;
            if let Acted::Ended(it) = acted {
                ending = Some(it);
                break;
            }
        }
        Ok(Json::ok(ActDone {
            id,
            open: ending.is_none(),
            call_result: ending.as_ref().map(|it| it.code()),
            ending: ending.map(|it| it.description().into()),
        }))
    })
}

/// Reads an act: a word, or one with a value behind it.
fn read(written: &Value) -> Result<engine::Act, Problem> {
    let wrong =
        |why: String, remedy: String| Problem::new(Kind::BadBody, format!("act: {why}."), remedy).with("field", "act");
    let words = engine::Act::WORDS;
    let (word, value) = match written {
        Value::String(word) => (word, None),
        Value::Object(map) if map.len() == 1 => {
            let (word, value) = map.iter().next().expect("there is one");
            (word, Some(value.as_str().map_or_else(|| value.to_string(), Into::into)))
        }
        _ => {
            let remedy = "Write \"answers\", or {\"presses\": \"#\"}.";
            return Err(wrong("an act is one word, or one word with one value".into(), remedy.into()));
        }
    };
    engine::Act::read(word, value.as_deref()).map_err(|why| {
        let meant = scenario::closest(word, words.iter().copied()).filter(|it| it != word);
        let remedy = match meant {
            Some(meant) => format!("Did you mean {meant}?"),
            None => format!("There are: {}.", words.join(", ")),
        };
        wrong(why.to_string(), remedy)
    })
}

fn id_of(text: &str) -> Result<u64, Problem> {
    text.parse().map_err(|_| {
        let detail = format!("There is no challenge {text:?}: they have numbers.");
        Problem::new(Kind::UnknownChallenge, detail, "GET /challenges lists those that are open.")
    })
}

fn unknown(id: u64) -> Problem {
    let detail = format!("There is no challenge {id}: it never was, it ended, or it is forgotten.");
    Problem::new(
        Kind::UnknownChallenge,
        detail,
        "GET /challenges lists those that are open; GET /challenges/turns tells how others ended.",
    )
}
