//! Rules: what people do while a call waits, calls that race, and why a rule does not match.

use std::collections::BTreeSet;
use std::time::Duration;

use locmfa::contract::{AddUserSettings, FieldValue, Mode, Value};
use locmfa::engine::{
    Act, ActRefusal, Acted, Ask, Authentication, Bounds, Call, ChallengeId, ChallengeStage, Engine, EventKind, Method,
    OpenChallenge, OpenState, Outcome, Settlement, Timestamp, What, When,
};
use locmfa::scenario;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::{asking, received, site};

const START: Duration = Duration::from_secs(1_767_225_600);

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_unix(START + Duration::from_secs(seconds))
}

fn engine(text: &str) -> Engine {
    let text = if text.is_empty() { "users: []" } else { text };
    let scenario = scenario::load("test", text).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    Engine::new(scenario.setup, at(0), 1, Bounds::default())
}

/// Asks a user; the phone rings.
fn rings(engine: &mut Engine, seconds: u64, username: &str) -> ChallengeId {
    match asks(engine, seconds, username) {
        Authentication::Open(id) => id,
        Authentication::Settled(settlement) => panic!("{settlement:?}"),
    }
}

fn asks(engine: &mut Engine, seconds: u64, username: &str) -> Authentication {
    engine.tick(at(seconds));
    let ask = asking(username, Mode::Unspecified, "");
    let verdict = received(engine, at(seconds), &ask);
    engine.authenticate(at(seconds), Ask { verdict: verdict.as_ref(), ..ask }).unwrap()
}

fn settled(engine: &mut Engine) -> Vec<(ChallengeId, Settlement)> {
    engine.take_settled()
}

fn state(engine: &Engine) -> OpenState {
    engine.open_challenges().next().unwrap().state
}

const DECIDES: &str = "
company: {passcode: {code: '123456', message: 'Hello {user}, {code}.'}}
users:
  - {username: anna, phone: '+1 425 555 0100', pin_mode: pin, pin: '2580'}
  - {username: dario, phone: '+1 425 555 0103', mode: smsText, sms_direction: twoWay}
  - {username: carla, phone: '+1 425 555 0102', mode: smsText}
  - {username: erin, phone: '+1 425 555 0104', mode: phoneApp, phone_app_activated: true}
rules: [{name: somebody decides, person: decides, within: 90s}]
";

#[test]
fn somebody_acts_while_the_call_waits() {
    let mut engine = engine(DECIDES);
    let id = rings(&mut engine, 0, "anna");
    {
        let open: Vec<OpenChallenge<'_>> = engine.open_challenges().collect();
        let [it] = open.as_slice() else { panic!("{open:?}") };
        assert_eq!((it.id, it.since, it.due), (id, at(0), at(90)));
        assert_eq!((it.username, it.owner, it.rule), ("anna", Some("anna"), Some("somebody decides")));
        assert_eq!(it.number.map(ToString::to_string).as_deref(), Some("+1 4255550100"));
        assert!(matches!(it.method, Method::Voice(_)) && it.state == OpenState::Deciding);
    }
    assert!(engine.asks_a_person());
    assert_eq!(engine.act(at(5), id, &Act::Press("1".into())), Err(ActRefusal::StillRings));
    assert!(engine.asks_a_person(), "what was refused changes nothing");
    assert_eq!(engine.act(at(5), id, &Act::Answer), Ok(Acted::GoesOn));
    assert!(!engine.asks_a_person());
    assert_eq!(state(&engine), OpenState::Answered);
    assert_eq!(engine.act(at(6), id, &Act::Answer), Err(ActRefusal::AnsweredAlready));
    assert_eq!(engine.act(at(6), id, &Act::Press("11#25".into())), Ok(Acted::GoesOn));
    assert_eq!(engine.act(at(9), id, &Act::Press("80#".into())), Ok(Acted::Ended(Outcome::PinEntered.into())));
    assert_eq!(engine.act(at(9), id, &Act::HangUp), Err(ActRefusal::NotOpen));
    let [(settled_id, settlement)] = settled(&mut engine).try_into().unwrap();
    assert_eq!((settled_id, settlement.succeeds), (id, true));
    assert_eq!(engine.next_deadline(), None);
}

#[test]
fn whoever_acts_and_stops_is_as_silent_as_anybody() {
    let mut engine = engine(DECIDES);
    let id = rings(&mut engine, 0, "anna");
    engine.act(at(5), id, &Act::Answer).unwrap();
    engine.act(at(6), id, &Act::Press("258".into())).unwrap();
    engine.tick(at(90));
    assert_eq!(settled(&mut engine)[0].1.ending.known(), Some(Outcome::PoundNotPressed));
}

#[test]
fn an_act_takes_over_from_what_was_planned() {
    let mut engine = engine("users: [{username: anna, phone: '+1 425 555 0100'}]");
    let id = rings(&mut engine, 0, "anna");
    engine.act(at(1), id, &Act::Answer).unwrap();
    engine.tick(at(30));
    assert_eq!(state(&engine), OpenState::Answered, "the person would have pressed # after two seconds");
    assert_eq!(engine.act(at(31), id, &Act::HangUp), Ok(Acted::Ended(Outcome::HungUp.into())));
}

#[test]
fn voicemail_hands_an_acted_call_to_the_backup_number() {
    let mut engine = engine(
        "users: [{username: anna, phone: '+1 425 555 0100', backup_phone: '+1 425 555 0101'}]\nrules: [{person: decides}]",
    );
    let id = rings(&mut engine, 0, "anna");
    engine.act(at(3), id, &Act::Voicemail).unwrap();
    assert!(settled(&mut engine).is_empty());
    let number = engine.open_challenges().next().unwrap().number.unwrap().to_string();
    assert_eq!((number.as_str(), state(&engine)), ("+1 4255550101", OpenState::Deciding));
}

#[test]
fn what_nobody_can_do_is_refused_in_words() {
    let mut engine = engine(DECIDES);
    let mut refused = |username: &str, act: &Act| {
        let id = match asks(&mut engine, 0, username) {
            Authentication::Open(id) => id,
            Authentication::Settled(_) => engine.open_challenges().last().unwrap().id,
        };
        let refusal = engine.act(at(1), id, act).unwrap_err();
        engine.tick(at(1000));
        settled(&mut engine);
        refusal.to_string()
    };
    assert_eq!(
        refused("anna", &Act::ReportFraud),
        "The challenge is a phone call: the person cannot report fraud in it."
    );
    assert_eq!(
        refused("dario", &Act::Press("1".into())),
        "The challenge is a text message: the person cannot press keys."
    );
    assert_eq!(
        refused("erin", &Act::ReplyRight),
        "The challenge is a notification of the mobile app: the person cannot reply to it."
    );
    assert_eq!(
        refused("carla", &Act::ReplyRight),
        "The challenge waits for a code from ValidatePasscode or ValidateOathCode: the person cannot reply to it."
    );
}

#[test]
fn a_person_approves_and_denies_in_whichever_way_they_are_asked() {
    let mut engine = engine(DECIDES);
    for (username, act, outcome) in [
        ("anna", "approve", Outcome::PinEntered),
        ("anna", "deny", Outcome::HungUp),
        ("dario", "approve", Outcome::TextAuthenticated),
        ("dario", "deny", Outcome::TextCodeIncorrect),
        ("erin", "approves", Outcome::AppAuthenticated),
        ("erin", "denies", Outcome::AppDenied),
    ] {
        let id = rings(&mut engine, 0, username);
        let acted = engine.act(at(1), id, &Act::read(act, None).unwrap());
        assert_eq!(acted, Ok(Acted::Ended(outcome.into())), "{username}: {act}");
    }
    let turns = engine.journal.of(EventKind::Turn).filter_map(|it| match &it.what {
        What::Turn(it) if matches!(it.stage, ChallengeStage::Answered) => Some(it.username.to_string()),
        _ => None,
    });
    assert_eq!(turns.collect::<Vec<_>>(), ["anna"], "a person who denies does not answer the call");
}

#[test]
fn the_code_to_type_is_that_of_the_message_or_of_the_token() {
    let mut engine = engine(
        "company: {passcode: {code: '123456'}}
users:
  - {username: carla, phone: '+1 425 555 0102', mode: smsText}
  - {username: emil, phone: '+1 425 555 0105', mode: oathToken, oath_token_secret_key: GEZDGNBVGY3TQOJQ}
  - {username: anna, phone: '+1 425 555 0100'}",
    );
    for username in ["carla", "emil", "anna"] {
        asks(&mut engine, 0, username);
    }
    let open: Vec<_> = engine.open_challenges().map(|it| (it.id, it.username.to_owned())).collect();
    let mut codes = open.iter().map(|(id, _)| engine.awaited_code(at(60), *id)).collect::<Vec<_>>().into_iter();
    let mut code = || codes.next().unwrap();
    assert_eq!(open.len(), 3);
    assert_eq!(code(), Some("123456".into()));
    let shown = code().unwrap();
    assert_eq!(code(), None, "a call awaits no code");
    assert_eq!(engine.validate_oath_code(at(60), "emil", shown.reveal(), "", false), Ok(()));
}

#[test]
fn a_script_that_does_not_fit_is_told() {
    let mut engine =
        engine("users: [{username: anna, phone: '+1 425 555 0100'}]\nrules: [{person: [reports-fraud, hangs-up]}]");
    rings(&mut engine, 0, "anna");
    engine.tick(at(2));
    let settlement = &settled(&mut engine)[0].1;
    assert_eq!(settlement.ending.known(), Some(Outcome::HungUp));
    assert_eq!(
        settlement.warning,
        Some("the rule has the person do something that this kind of challenge does not allow".into())
    );
}

#[test]
fn every_word_of_an_act_is_read() {
    for word in Act::WORDS {
        let read =
            Act::read(word, None).or_else(|_| Act::read(word, Some("pin"))).or_else(|_| Act::read(word, Some("1#")));
        assert!(read.is_ok(), "{word}");
    }
    assert!(Act::read("sings", None).is_err());
    assert_eq!(Act::read("enters", Some("12")).unwrap(), Act::Press("12#".into()));
    assert_eq!(Act::read("presses", Some("a")).unwrap_err().to_string(), "presses takes 0 to 9, * and #");
}

#[test]
fn messages_say_what_the_scenario_has_them_say() {
    let mut engine = engine(DECIDES);
    let dario = rings(&mut engine, 0, "dario");
    assert!(matches!(asks(&mut engine, 1, "carla"), Authentication::Settled(_)));
    rings(&mut engine, 2, "erin");
    rings(&mut engine, 3, "anna");
    let messages: Vec<_> = engine
        .journal
        .of(EventKind::Message)
        .map(|it| match &it.what {
            What::Message(it) => (it.text.reveal().to_owned(), it.to.to_string(), it.code.is_some()),
            _ => panic!("{it:?}"),
        })
        .collect();
    let expected = [
        ("Hello dario, 123456.", "+1 4255550103", true),
        ("Hello carla, 123456.", "+1 4255550102", true),
        ("Approve the sign-in of erin?", "+1 4255550104", false),
    ];
    assert_eq!(messages, expected.map(|(text, to, code)| (text.to_owned(), to.to_owned(), code)));
    let ended = engine.act(at(9), dario, &Act::Reply("123456".into()));
    assert_eq!(ended, Ok(Acted::Ended(Outcome::TextAuthenticated.into())));
}

#[test]
fn a_message_that_does_not_go_out_is_not_kept() {
    let mut engine = engine(
        "users: [{username: anna, phone: '+1 425 555 0100', mode: smsText, sms_direction: twoWay}]\nrules: [{outcome: text-not-sent}]",
    );
    rings(&mut engine, 0, "anna");
    engine.tick(at(60));
    assert_eq!(engine.journal.count(EventKind::Message), 0);
}

#[test]
fn a_change_of_a_rule_is_noted() {
    let mut engine = engine(
        "users: [{username: anna, phone: '+1 425 555 0100'}]\nrules: [{name: leaves, error: {code: 9}, change: {enabled: false}}]",
    );
    let values = [FieldValue::new("username", Value::Text("anna"))];
    let call = Call { operation: "UserExists", asks: false, space: "default", values: &values };
    let verdict = engine.receive(at(0), &call).verdict.unwrap();
    engine.follow(at(0), &verdict);
    assert!(!engine.directory().user("anna").unwrap().settings.enabled);
    let changed = engine.journal.of(EventKind::Changed).next().unwrap();
    let What::Changed(it) = &changed.what else { panic!("{changed:?}") };
    assert_eq!((&*it.username, &*it.by, &*it.detail), ("anna", "leaves", "enabled"));
}

#[test]
fn rules_explain_why_they_do_not_match() {
    let engine = engine(
        r#"
users: [{username: anna, phone: "+1 425 555 0100"}, {username: ben, phone: "+1 425 555 0101"}]
states: [{name: locked, when: {outcome: busy}}]
rules:
  - {when: {user: ben}, outcome: busy}
  - {when: {phone: "+1 425 555 0199"}, outcome: busy}
  - {when: {any: [{country: "49"}, {ip: 10.0.0.0/8}]}, outcome: busy}
  - {when: {not: {user: a*}}, outcome: busy}
  - {when: {mode: smsText}, outcome: busy}
  - {when: {field: {requireUserMatch: false}}, outcome: busy}
  - {when: {state: locked}, outcome: busy}
  - {when: {time: "08:00-17:00"}, outcome: busy}
  - {when: {operation: GetPhone}, status: 503}
  - {when: {user: anna}, outcome: busy}
"#,
    );
    let values =
        [FieldValue::new("username", Value::Text("ANNA")), FieldValue::new("requireUserMatch", Value::Truth(true))];
    let call = Call { operation: "PfAuthUser_4", asks: true, space: "default", values: &values };
    let explained: Vec<_> = engine.explain(at(0), &call).into_iter().map(|it| it.why_not).collect();
    let expected = [
        Some("user is anna, and the rule wants user: ben"),
        Some("phone is +1 4255550100, and the rule wants phone: +1 4255550199"),
        Some(
            "none of any holds: phone is +1 4255550100, and the rule wants country: 49; ip is empty, and the rule wants ip: 10.0.0.0/8",
        ),
        Some("not holds: user: a*"),
        Some("mode is voiceCall, and the rule wants mode: smsText"),
        Some("requireUserMatch is true, and the rule wants requireUserMatch: false"),
        Some("the person is in no such state, and the rule wants state: locked"),
        Some("time is 00:00, and the rule wants time: 08:00-17:00"),
        Some("operation is PfAuthUser_4, and the rule wants operation: GetPhone"),
        None,
    ];
    assert_eq!(explained, expected.map(|it| it.map(String::from)));

    let call = Call { operation: "UserExists", asks: false, ..call };
    let last = engine.explain(at(0), &call).pop().unwrap().why_not;
    assert_eq!(
        last.as_deref(),
        Some("UserExists does not ask for a second factor, and the rule says what a person does")
    );
}

/// For each condition: a value that holds for the call of the test, one that does not, and why it does not.
const CONDITIONS: &[(&str, &str, &str, &str)] = &[
    ("operation", "authentication", "GetPhone", "operation is PfAuthUser_5, and the rule wants operation: GetPhone"),
    ("user", "an*", "[ben, carla]", "user is mim, called is anna, and the rule wants user: ben, carla"),
    ("phone", "4255550100", "4255550199", "phone is +1 4255550100 x42, and the rule wants phone: +1 4255550199"),
    ("country", "'1'", "'49'", "phone is +1 4255550100 x42, and the rule wants country: 49"),
    (
        "initiating_type",
        "[test, radius]",
        "test",
        "initiating_type is radius, and the rule wants initiating_type: test",
    ),
    ("application", "vpn", "Mail*", "application is VPN, and the rule wants application: mail*"),
    ("ip", "10.0.0.0/8", "192.0.2.*", "ip is 10.1.2.3, and the rule wants ip: 192.0.2.*"),
    ("mode", "smsText", "[voiceCall, phoneApp]", "mode is smsText, and the rule wants mode: voiceCall, phoneApp"),
    ("tag", "vip", "staff", "tags are id-vip, and the rule wants tag: id-staff"),
    ("group", "sales", "it-*", "group is Sales, and the rule wants group: it-*"),
    ("space", "def*", "other", "space is default, and the rule wants space: other"),
    ("time", "00:00-06:00", "08:00-17:00", "time is 00:01, and the rule wants time: 08:00-17:00"),
    ("days", "thu", "[sat, sun]", "the day is thu, and the rule wants days: sat, sun"),
    ("state", "locked", "away", "the person is in no such state, and the rule wants state: away"),
    ("field", "{extension: '4*'}", "{extension: '7'}", "extension is 42, and the rule wants extension: 7"),
    ("count", "{seen: 1}", "{seen: 2}", "seen is 1, and the rule wants seen: 2"),
    (
        "window",
        "[{for: 5s}, {from: 90s, for: 1m}]",
        "{from: 2m, for: 30s}",
        "the space began 1m 30s ago, and the rule wants window: {from: 2m, for: 30s}",
    ),
];

#[test]
fn every_condition_holds_fails_with_a_reason_and_is_in_the_reference_and_the_schema() {
    const REFERENCE: &str = include_str!("../../docs/scenarios.md");
    let schema = scenario::schema();
    // Chance has tests of its own: nothing of it holds or fails before it is drawn.
    let keys = CONDITIONS.iter().map(|it| it.0).chain(["chance"]);
    assert_eq!(keys.collect::<Vec<_>>(), When::KEYS);
    let mut text = "
company: {tags: [{name: vip, tag_id: id-vip}, {name: staff, tag_id: id-staff}]}
users:
  - mim
  - {username: anna, phone: '+1 425 555 0100', tags: vip, user_group: Sales}
states: [{name: locked}, {name: away}]
rules:
  - {when: {operation: GetPhone}, state: locked, count: seen}
  - {when: {operation: GetUserSettings}, state: away}
"
    .to_owned();
    let table = REFERENCE.split("<!-- keys: when -->").nth(1).unwrap().split("\n\n").next().unwrap();
    for (key, holds, fails, _) in CONDITIONS {
        text +=
            &format!("  - {{when: {{{key}: {holds}}}, status: 503}}\n  - {{when: {{{key}: {fails}}}, status: 503}}\n");
        let described = schema["$defs"]["when"]["properties"][key]["description"].as_str();
        assert!(described.is_some_and(|it| !it.is_empty()), "the schema lacks {key}");
        assert!(table.contains(&format!("| `{key}` | ")), "docs/scenarios.md lacks {key} of when");
    }
    let mut engine = engine(&text);
    let remembered = [FieldValue::new("username", Value::Text("anna"))];
    engine
        .receive(at(0), &Call { operation: "GetPhone", asks: false, space: "default", values: &remembered })
        .verdict
        .unwrap();
    let values = [
        FieldValue::new("username", Value::Text("mim")),
        FieldValue::new("phoneNumber", Value::Text("+1 425 555 0100")),
        FieldValue::new("extension", Value::Text("42")),
        FieldValue::new("initiatingAuthenticationType", Value::Text("radius")),
        FieldValue::new("initiatingIpAddress", Value::Text("10.1.2.3")),
        FieldValue::new("applicationName", Value::Text("VPN")),
        FieldValue::new("mode", Value::Text("smsText")),
    ];
    let call = Call { operation: "PfAuthUser_5", asks: true, space: "default", values: &values };
    let mut reasons = engine.explain(at(90), &call).into_iter().skip(2).map(|it| it.why_not);
    for (key, _, _, reason) in CONDITIONS {
        assert_eq!(reasons.next().unwrap(), None, "{key}");
        assert_eq!(reasons.next().unwrap().as_deref(), Some(*reason), "{key}");
    }
}

const COUNTED: &str = "
users: [{username: anna, phone: '+1 425 555 0100'}]
states: [{name: locked, when: {outcome: busy, times: 2}}]
rules:
  - {name: locked, when: {state: locked}, outcome: account-locked, after: 0s}
  - {name: turns, first: {outcome: busy, after: 0s}, then: {outcome: hung-up, after: 0s}, repeat: true, per: user}
";

fn outcome(engine: &mut Engine, username: &str) -> Outcome {
    match asks(engine, 0, username) {
        Authentication::Settled(it) => it.ending.known().unwrap(),
        Authentication::Open(_) => panic!("it is answered at once"),
    }
}

#[test]
fn turns_and_states_follow_a_user_who_is_renamed() {
    let mut engine = engine(COUNTED);
    assert_eq!(outcome(&mut engine, "anna"), Outcome::Busy);
    engine.rename_user("anna", "Zoe").unwrap();
    assert_eq!(outcome(&mut engine, "zoe"), Outcome::HungUp);
    assert_eq!(outcome(&mut engine, "zoe"), Outcome::Busy);
    assert_eq!(outcome(&mut engine, "zoe"), Outcome::AccountLocked);
    engine.delete_user("zoe").unwrap();
    engine.add_user(at(0), "zoe", AddUserSettings { enabled: true, ..AddUserSettings::default() }).unwrap();
    engine.directory_mut().change_information("zoe", |it| it.phone = Some("4255550100".into())).unwrap();
    assert_eq!(outcome(&mut engine, "zoe"), Outcome::Busy);
}

/// A condition out of a small world, so that some hold.
fn condition() -> impl Strategy<Value = String> {
    prop_oneof![
        (0..4u8).prop_map(|it| format!("user: user{it}")),
        (0..4u8).prop_map(|it| format!("user: [user{it}, USER3]")),
        Just("user: user*".into()),
        (0..4u8).prop_map(|it| format!("phone: '+1 425 555 010{it}'")),
        Just("operation: PfAuthUser_5".into()),
        Just("operation: users".into()),
        Just("application: VPN".into()),
        Just("not: {application: VPN}".into()),
        (0..4u8).prop_map(|it| format!("any: [{{user: user{it}}}, {{application: Mail}}]")),
    ]
}

proptest! {
    /// The index finds what a walk through all rules finds.
    #[test]
    fn the_first_rule_that_matches_decides(
        rules in prop::collection::vec((prop::collection::hash_set(condition(), 0..3), any::<bool>()), 0..12),
        username in 0..5u8,
        number in prop::option::of(0..5u8),
        application in prop::sample::select(vec!["VPN", "Mail", ""]),
        asks in any::<bool>(),
    ) {
        let mut text = "users: [{username: user0, phone: '+1 425 555 0100'}, {username: user1, phone: '+1 425 555 0101'}]\nrules:\n".to_owned();
        let mut count = 0;
        for (conditions, acts) in rules {
            let keys: BTreeSet<_> = conditions.iter().map(|it| it.split(':').next().unwrap().to_owned()).collect();
            // A key stands once, and nobody acts when users are looked for.
            if keys.len() == conditions.len() && !(acts && conditions.contains("operation: users")) {
                let all: Vec<_> = conditions.into_iter().collect();
                let answer = if acts { "outcome: busy" } else { "status: 503" };
                text += &format!("  - {{when: {{{}}}, {answer}}}\n", all.join(", "));
                count += 1;
            }
        }
        let mut engine = engine(if count == 0 { "" } else { &text });
        let username = format!("user{username}");
        let number = number.map(|it| format!("1425555010{it}")).unwrap_or_default();
        let values = [
            FieldValue::new("username", Value::Text(&username)),
            FieldValue::new("applicationName", Value::Text(application)),
            FieldValue::new("phoneNumber", Value::Text(&number)),
        ];
        let operation = if asks { "PfAuthUser_5" } else { "UserExists" };
        let call = Call { operation, asks, space: "default", values: &values };
        let walked = engine.explain(at(0), &call).into_iter().find(|it| it.why_not.is_none()).map(|it| it.rule);
        let decided = engine.receive(at(0), &call).verdict.map(|it| it.rule);
        prop_assert_eq!(decided, walked);
    }
}

/// However calls race, each answer of a sequence goes to one of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_calls_that_race_each_gets_an_answer_of_its_own() {
    const CALLS: u32 = 200;
    let answers: Vec<_> = (0..CALLS).map(|it| format!("{{outcome: {{code: {}}}, after: 0s}}", 1000 + it)).collect();
    let served =
        site(&format!("users: [mimservice]\nrules: [{{first: {}, then: [{}]}}]", answers[0], answers[1..].join(", ")));
    let call = |number| tokio::spawn(served.challenge(number));
    let open: Vec<_> = (0..CALLS).map(call).collect();
    let mut codes = BTreeSet::new();
    for answer in open {
        let body = answer.await.unwrap().body;
        let code = body.split("<Code>").nth(1).and_then(|it| it.split('<').next()).unwrap();
        assert!(codes.insert(code.parse::<u32>().unwrap()), "{code} was given twice");
    }
    assert_eq!(codes, (1000..1000 + CALLS).collect());
}

#[tokio::test]
async fn a_connection_is_cut_without_an_answer() {
    use locmfa::server::accept::{Listening, serve};
    use locmfa::server::connection::Limits;
    let served = site("users: [anna]\nrules: [{first: {drop: true}, then: as-usual}]");
    let listening = Listening::bind(&["127.0.0.1:0".parse().unwrap()]).await.unwrap();
    let address = listening.addresses()[0];
    tokio::spawn(serve(listening, None, locmfa::server::app(served.0), Limits::default(), std::future::pending()));
    let mut answers = Vec::new();
    for _ in 0..2 {
        let body = "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body><UserExists xmlns=\"http://www.phonefactor.com/PfWsSdk\"><username>anna</username></UserExists></s:Body></s:Envelope>";
        let head = format!(
            "POST /PfWsSdk.asmx HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nSOAPAction: \"http://www.phonefactor.com/PfWsSdk/UserExists\"\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all((head + body).as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // A connection that is cut may end in an error, too.
        let _ = stream.read_to_end(&mut answer).await;
        answers.push(String::from_utf8(answer).unwrap());
    }
    assert_eq!(answers[0], "");
    assert!(answers[1].starts_with("HTTP/1.1 200 OK"), "{}", answers[1]);
}

/// The main line of the ready-made scenario.
#[tokio::test(start_paused = true)]
async fn the_service_is_in_trouble_as_the_scenario_says() {
    let scenario = include_str!("../../scenarios/outages.yaml");
    // Who calls makes no difference here.
    let served = site(&scenario.replace("[ntlm, basic]\n  trust: any-password", "anonymous"));
    let call = async |number: &str| {
        let body = format!(
            concat!(
                "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>",
                "<PfAuthUser_5 xmlns=\"http://www.phonefactor.com/PfWsSdk\"><username>mimservice</username>",
                "<mode>voiceCall</mode><phoneNumber>+1 425 555 {}</phoneNumber></PfAuthUser_5></s:Body></s:Envelope>"
            ),
            number
        );
        let start = tokio::time::Instant::now();
        let request = served.request("POST", "").header("content-type", "text/xml; charset=utf-8");
        let request = request.header("soapaction", "http://www.phonefactor.com/PfWsSdk/PfAuthUser_5");
        let answer = request.body(body).send().await;
        let code =
            answer.body.split("<Code>").nth(1).and_then(|it| it.split('<').next()).unwrap_or_default().to_owned();
        (answer.status, code, start.elapsed().as_secs())
    };
    let case = |status, code: &str, seconds| (status, code.to_owned(), seconds);
    for (number, expected) in [
        ("0150", vec![case(200, "12", 2); 3]),
        ("0150", vec![case(200, "105", 1)]),
        ("0151", vec![case(503, "", 0), case(503, "", 0), case(200, "2", 2)]),
        ("0153", vec![case(500, "", 0); 2]),
        ("0154", vec![case(200, "", 2)]),
        ("0155", vec![case(200, "2", 32)]),
        ("0156", vec![case(200, "2", 112)]),
        ("0157", vec![case(200, "9999", 0)]),
        ("0100", vec![case(200, "2", 2)]),
    ] {
        for expected in expected {
            assert_eq!(call(number).await, expected, "{number}");
        }
    }
}
