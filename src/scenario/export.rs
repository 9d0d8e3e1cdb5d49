//! The other direction: a user as a scenario writes it, for snapshots and for the admin API.

use serde_json::{Map, Number, Value};

use crate::contract::{self, Primitive, Record, UserSettings, Wire};
use crate::engine::{Company, Engine, Pace, Timestamp, User};

use super::edit::{Section, flow, flow_of, with_section};
use super::mistake::Mistakes;
use super::report::Report;
use super::secrecy;
use super::tree::{self, Kind, Node};

/// What follows from other settings, and is not written.
pub const DERIVED: [&str; 2] = ["oath_token_exists", "seconds_since_pin_change"];

/// A user by the keys of a scenario, as far as it is not what every new user of the company is. Secrets are in full:
/// the result is for reading again, and never for showing.
#[must_use]
pub fn user(user: &User, company: &Company) -> Map<String, Value> {
    let default = company.new_user();
    let mut map = Map::new();
    map.insert("username".into(), user.username.clone().into());
    let defaults = default.texts().into_iter().map(|it| it.1);
    let fields = user.settings.texts().into_iter().zip(defaults);
    let says = fields.filter(|((key, text), default)| text.is_some() && text != default && !DERIVED.contains(key));
    map.extend(says.map(|((key, text), _)| (key.to_owned(), typed(key, text.unwrap_or_default()))));
    // What a scenario takes as said where its companion is.
    let says = |map: &Map<String, Value>, keys: &[&str]| keys.iter().any(|it| map.contains_key(*it));
    let rules = ["minimum_pin_length", "prevent_weak_pins", "pin_expiration_days", "historical_pins"];
    if says(&map, &rules) {
        map.insert("override_pin_rules".into(), user.settings.override_pin_rules.into());
    }
    if says(&map, &["static_token"]) {
        map.insert("enable_static_token".into(), user.settings.enable_static_token.into());
    }
    if let Some(password) = &user.password {
        map.insert("password".into(), password.reveal().into());
    }
    beside(&mut map, user, company);
    if let Some(Value::Array(devices)) = map.get_mut("devices") {
        for (told, device) in devices.iter_mut().zip(&user.devices) {
            told["token"] = device.token.reveal().into();
            if let Some(key) = &device.oath_key {
                told["oath_key"] = key.reveal().into();
            }
        }
    }
    if let Some((Value::Array(told), questions)) = map.get_mut("questions").zip(user.questions.as_ref()) {
        let it = questions;
        let answers = [&it.security_answer1, &it.security_answer2, &it.security_answer3, &it.security_answer4];
        for (told, answer) in told.iter_mut().zip(answers) {
            told["answer"] = answer.as_ref().map(contract::Secret::reveal).unwrap_or_default().into();
        }
    }
    map
}

/// A user by the keys of a scenario, all settings and no secrets; and what happened to the user since.
#[must_use]
pub fn told(user: &User, company: &Company, now: Timestamp) -> Map<String, Value> {
    let mut map = Map::new();
    map.insert("username".into(), user.username.clone().into());
    let settings = user.visible_settings(now, false);
    let keys = UserSettings::SHAPE.fields().iter().map(|it| it.key);
    let values = keys.zip(settings.values()).filter_map(|(key, it)| Some((key.to_owned(), json(it.value)?)));
    map.extend(values);
    beside(&mut map, user, company);
    if let Some(block) = &user.block {
        map.insert("blocked_since".into(), block.since.to_string().into());
    }
    if let Some(bypass) = user.bypass.as_ref().filter(|it| now < it.until) {
        let bypass = serde_json::json!({"until": bypass.until.to_string(), "reason": bypass.reason});
        map.insert("bypass".into(), bypass);
    }
    let fields = UserSettings::SHAPE.fields().iter().zip(user.settings.texts());
    let set = fields.filter(|(field, (_, text))| field.secret && text.as_ref().is_some_and(|it| !it.is_empty()));
    let set = set.map(|(field, _)| field.key).chain(user.password.as_ref().map(|_| "password"));
    map.insert("secrets".into(), set.collect());
    map
}

/// A scenario that begins where an engine is now: the one that it was set up from, with the users as they have become,
/// secrets included, the rules that came and went, and the clock as it stands.
#[must_use]
pub fn snapshot(engine: &Engine, now: Timestamp, pace: Pace) -> String {
    let company = engine.company();
    let users = engine.directory().iter().map(|it| flow(&Value::Object(user(it, company))));
    let clock = match pace {
        Pace::Real => format!("{{start: {now}}}"),
        Pace::Frozen => format!("{{start: {now}, pace: frozen}}"),
        Pace::Auto => format!("{{start: {now}, pace: auto}}"),
        Pace::Rate(rate) => format!("{{start: {now}, rate: {rate}}}"),
    };
    let mut text = engine.text().to_owned();
    text = with_section(&text, "clock", &Section::One(clock));
    // What holds for all users has become theirs, or was changed.
    text = with_section(&text, "user_defaults", &Section::Gone);
    if engine.rules_changed() {
        let rules = engine.rules(now).map(|it| it.rule.written.to_string());
        text = with_section(&text, "rules", &Section::List(rules.collect()));
    }
    with_section(&text, "users", &Section::List(users.collect()))
}

/// The text of a scenario that needs no other: as it is written, or with all in it that it uses.
pub(super) fn whole(report: &Report, root: &Node<'_>) -> String {
    let Kind::Mapping(entries) = &root.kind else { return String::new() };
    let mut sources = report.sources();
    let needs_others = |it: &&tree::Entry<'_>| it.key == "use" || it.key == "environment";
    if let (Some(source), None) = (sources.next(), entries.iter().find(needs_others)) {
        return source.text.clone();
    }
    let mut text = String::new();
    for it in entries.iter().filter(|it| !needs_others(it)) {
        text += &match &it.value.kind {
            Kind::List(items) => {
                items.iter().fold(format!("{}:\n", it.key), |text, it| text + "  - " + &flow_of(it) + "\n")
            }
            _ => format!("{}: {}\n", it.key, flow_of(&it.value)),
        };
    }
    text
}

/// A value as YAML in one line.
#[must_use]
pub fn in_one_line(value: &Value) -> String {
    flow(value)
}

/// Reads YAML that is no scenario, and JSON with it. Whole numbers and truths are what they look like, quoted or not.
///
/// # Errors
/// The mistake in the text.
pub fn value(source: &str, text: &str) -> Result<Value, Mistakes> {
    let report = Report::new(1);
    let root = report.add(source, None, text.into()).and_then(|source| tree::read(&report, source, &mut 0));
    let value = root.as_ref().map(value_of);
    secrecy::hide(&report);
    let mistakes = report.finish();
    value.filter(|_| mistakes.is_empty()).ok_or(mistakes)
}

fn value_of(node: &Node<'_>) -> Value {
    match &node.kind {
        Kind::Nothing => Value::Null,
        Kind::Text(text) => match text.parse::<i64>() {
            Ok(number) if number.to_string() == **text => number.into(),
            _ => text.parse().map_or_else(|_| Value::String(text.clone().into_owned()), Value::Bool),
        },
        Kind::List(items) => items.iter().map(value_of).collect(),
        Kind::Mapping(entries) => {
            Value::Object(entries.iter().map(|it| (it.key.clone().into_owned(), value_of(&it.value))).collect())
        }
    }
}

/// What a user has beside the settings, without secrets.
fn beside(map: &mut Map<String, Value>, user: &User, company: &Company) {
    if let Some(block) = &user.block {
        map.insert("blocked".into(), block.reason.clone().into());
    }
    if !user.tags.is_empty() {
        let name = |id: &String| {
            let tag = company.tags.iter().find(|it| it.tag_id.as_ref() == Some(id));
            tag.and_then(|it| it.name.clone()).unwrap_or_else(|| id.clone())
        };
        map.insert("tags".into(), user.tags.iter().map(name).collect());
    }
    if !user.devices.is_empty() {
        let device = |it: &crate::engine::Device| {
            let said = [("device_id", &it.id), ("name", &it.name), ("version", &it.version)];
            let said = said.into_iter().filter(|it| !it.1.is_empty());
            Value::Object(said.map(|(key, text)| (key.to_owned(), text.clone().into())).collect())
        };
        map.insert("devices".into(), user.devices.iter().map(device).collect());
    }
    if let Some(it) = &user.questions {
        let questions =
            [&it.security_question1, &it.security_question2, &it.security_question3, &it.security_question4];
        let question = |it: &String| Value::Object(Map::from_iter([("question".to_owned(), it.clone().into())]));
        map.insert("questions".into(), questions.into_iter().flatten().map(question).collect());
    }
    if let Some(rights) = &user.administrator {
        let texts = rights.texts().into_iter();
        let rights = texts.filter_map(|(key, text)| Some((key.to_owned(), typed(key, text?))));
        map.insert("administrator".into(), Value::Object(rights.collect()));
    }
}

/// A text of a scenario as JSON has it. Texts of digits stay texts: they are numbers to dial, or secrets.
fn typed(key: &str, text: String) -> Value {
    match text.as_str() {
        "true" => true.into(),
        "false" => false.into(),
        _ => {
            let shape = UserSettings::SHAPE.fields().iter().find(|it| it.key == key).map(|it| it.shape);
            let is_number = shape.is_some_and(|it| matches!(it, contract::Shape::Simple(Primitive::Int)));
            let number = text.parse().ok().filter(|_| is_number);
            number.map_or(Value::String(text), |it: i32| it.into())
        }
    }
}

/// A value of the contract as JSON; nothing for what is missing, nested or secret.
#[must_use]
pub fn json(value: contract::Value<'_>) -> Option<Value> {
    Some(match value {
        contract::Value::Text(text) => text.into(),
        contract::Value::Number(number) => number.into(),
        contract::Value::Real(number) => Number::from_f64(number)?.into(),
        contract::Value::Truth(truth) => truth.into(),
        contract::Value::Missing | contract::Value::Secret | contract::Value::Nested => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario;

    const USERS: &str = "company: {tags: [VIP, Staff], defaults: {mode: smsText}}
users:
  - {username: anna, phone: +49 30 901820, pin: '1470', password: hunter2, tags: [Staff], blocked: Lost the phone.}
  - username: ben
    phone: '4255550100 x42'
    mode: voiceCall
    static_token: s3cret
    minimum_pin_length: 6
    oath_token_secret_key: JBSWY3DPEHPK3PXP
    devices: [{name: Pixel, device_id: '7', token: t0ken, oath_key: JBSWY3DPEHPK3PXP}]
    questions: [{question: 'Pet?', answer: Rex}]
    administrator: {add_user: true, tag_match_type: anyTags, tag_string: VIP}
  - {username: carla, enabled: false, disabled_behavior: fail, historical_pin_values: '2580,1470'}";

    #[test]
    fn a_user_that_is_written_is_read_as_the_same() {
        let setup = scenario::load("test", USERS).unwrap().setup;
        for expected in &setup.users {
            let text = serde_json::to_string(&user(expected, &setup.company)).unwrap();
            let read = scenario::user("test", &text, &setup.company).unwrap_or_else(|it| panic!("{text}: {it:?}"));
            assert_eq!(format!("{read:?}"), format!("{expected:?}"), "{text}");
            assert_eq!(read.settings, expected.settings);
            assert_eq!(read.password, expected.password);
        }
    }

    #[test]
    fn a_snapshot_is_the_scenario_with_what_has_changed() {
        use crate::engine::Bounds;
        let now = Timestamp::of_text("2026-11-24T08:00:00Z").unwrap();
        let cases = [
            "# Users first.\nusers: [anna]\n\n# Then rules.\nrules: [{outcome: busy}]\n",
            "users:\n  - anna  # she\n\n# Then rules.\nrules: [{outcome: busy}]\nclock: frozen",
            "{users: [{username: anna}], rules: [{outcome: busy}]}",
            "rules: [{outcome: busy}]",
            "{}",
        ];
        for text in cases {
            let mut engine = Engine::new(scenario::load("test", text).unwrap().setup, now, 1, Bounds::default());
            let user = scenario::user(
                "test",
                "{username: 'CONTOSO\\ben', phone: '+39 0123456', pin: '0815'}",
                engine.company(),
            );
            engine.put_user(now, None, user.unwrap()).unwrap();
            let snapshot = snapshot(&engine, now, Pace::Auto);
            let read = scenario::load("test", &snapshot).unwrap_or_else(|it| panic!("{snapshot}: {it:?}")).setup;
            assert_eq!(read.clock, crate::engine::Start { at: Some(now), pace: Pace::Auto });
            let expected: Vec<_> =
                engine.directory().iter().map(|it| (it.username.clone(), it.settings.pin.clone())).collect();
            assert_eq!(
                read.users.iter().map(|it| (it.username.clone(), it.settings.pin.clone())).collect::<Vec<_>>(),
                expected
            );
            assert_eq!(read.rules.len(), usize::from(text.contains("rules: ")), "{snapshot}");
            assert_eq!(snapshot.contains("# Then rules."), text.contains("# Then rules."), "{snapshot}");
        }
    }

    #[test]
    fn a_changed_user_stays_changed_in_a_snapshot_whatever_held_for_all() {
        let text = "user_defaults: {mode: smsText}\nusers: [anna, ben]";
        let now = Timestamp::from_unix(std::time::Duration::from_secs(1_800_000_000));
        let mut engine =
            Engine::new(scenario::load("test", text).unwrap().setup, now, 1, crate::engine::Bounds::default());
        engine.directory_mut().user_mut("ben").unwrap().settings.mode = contract::Mode::VoiceCall;
        let snapshot = snapshot(&engine, now, Pace::Real);
        let read = scenario::load("test", &snapshot).unwrap_or_else(|it| panic!("{snapshot}: {it:?}")).setup;
        let modes: Vec<_> = read.users.iter().map(|it| it.settings.mode).collect();
        assert_eq!(modes, [contract::Mode::SmsText, contract::Mode::VoiceCall], "{snapshot}");
    }

    #[test]
    fn what_a_scenario_uses_is_in_its_text() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("s.yaml");
        std::fs::write(folder.path().join("people.yaml"), "users: [{username: anna, pin: '0815'}, ben]").unwrap();
        std::fs::write(&file, "use: people.yaml\nenvironment: {CODE: '864209'}\nrules: [{code: '${CODE}', after: 4}]")
            .unwrap();
        let setup = scenario::load_file_where(&file, &|_| None).unwrap().setup;
        let read = scenario::load("test", &setup.text).unwrap_or_else(|it| panic!("{}: {it:?}", setup.text)).setup;
        assert_eq!(format!("{:?}", read.rules), format!("{:?}", setup.rules), "{}", setup.text);
        assert_eq!(read.users[0].settings, setup.users[0].settings);
        assert_eq!(read.users.len(), 2);
    }

    #[test]
    fn what_is_told_holds_no_secret() {
        let setup = scenario::load("test", USERS).unwrap().setup;
        let now = Timestamp::from_unix(std::time::Duration::from_secs(1_800_000_000));
        let told: Vec<_> = setup.users.iter().map(|it| told(it, &setup.company, now)).collect();
        let text = serde_json::to_string(&told).unwrap();
        for secret in ["1470", "hunter2", "s3cret", "JBSWY", "t0ken", "Rex", "2580"] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
        assert_eq!(told[0]["secrets"], serde_json::json!(["pin", "password"]));
        assert_eq!(told[0]["phone"], "30901820");
        assert_eq!(told[0]["tags"], serde_json::json!(["Staff"]));
    }
}
