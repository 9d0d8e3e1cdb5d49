//! Scenario files: the ready-made ones, their reference, and their mistakes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use locmfa::contract::{CustomerDefaults, Features, Mode, PhoneAppMode, PinMode, Shape, SmsMode, UserSettings, Wire};
use locmfa::engine::{
    Ask, Authentication, Bounds, Channel, Company, Effect, Engine, Magic, Method, Number, Outcome, Reaction, Refusal,
    Settlement, Timestamp, WORDS, When,
};
use locmfa::scenario::{self, Code, Mistake, Mistakes, Scenario, Severity};
use locmfa::sign_in::Scheme;

use crate::{asking, received};

const REFERENCE: &str = include_str!("../../docs/scenarios.md");

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn files(name: &str) -> Vec<PathBuf> {
    let mut files: Vec<_> = folder(name).read_dir().unwrap().map(|it| it.unwrap().path()).collect();
    files.retain(|it| it.extension().is_some_and(|it| it == "yaml"));
    files.sort();
    files
}

fn told(mistakes: &[Mistake]) -> String {
    mistakes.iter().map(|it| format!("{it}\n\n")).collect()
}

fn loaded(text: &str) -> Scenario {
    scenario::load("test.yaml", text).unwrap_or_else(|mistakes| panic!("{}", told(&mistakes)))
}

fn mistakes(text: &str) -> Mistakes {
    scenario::load("test.yaml", text).expect_err("it has mistakes")
}

fn codes(text: &str) -> Vec<Code> {
    mistakes(text).iter().map(|it| it.code).collect()
}

/// The call result that a fresh server gives.
fn call_result(scenario: &Scenario, username: &str, phone_number: &str, mode: Mode) -> Result<i32, Refusal> {
    Ok(ask(scenario, username, phone_number, mode)?.ending.code())
}

/// Asks as MIM does: for the person with that number, as the service account. An empty number is not sent.
fn ask(scenario: &Scenario, username: &str, phone_number: &str, mode: Mode) -> Result<Settlement, Refusal> {
    let now = Timestamp::from_unix(Duration::from_secs(1_800_000_000));
    let mut engine = Engine::new(scenario.setup.clone(), now, 1, Bounds::default());
    let ask = asking(username, mode, phone_number);
    let verdict = received(&mut engine, now, &ask);
    match engine.authenticate(now, Ask { verdict: verdict.as_ref(), ..ask })? {
        Authentication::Settled(settlement) => Ok(settlement),
        Authentication::Open(_) => {
            engine.tick(now + Duration::from_mins(3));
            Ok(engine.take_settled().remove(0).1)
        }
    }
}

fn numbers(when: &When) -> &[Number] {
    let phones = when.conditions().iter().find_map(|it| match it {
        When::Phone(numbers) => Some(numbers.as_slice()),
        _ => None,
    });
    phones.unwrap_or_default()
}

#[test]
fn every_ready_made_scenario_loads_and_is_in_the_reference() {
    for file in files("scenarios") {
        let warnings = scenario::load_file(&file).map_or_else(|it| it, |it| it.warnings);
        let warnings: Vec<_> = warnings.into_iter().filter(|it| it.severity > Severity::Note).collect();
        assert_eq!(told(&warnings), "", "{}", file.display());
        let name = file.file_name().unwrap().to_str().unwrap();
        assert!(REFERENCE.contains(&format!("| `{name}` |")), "{name} is not in docs/scenarios.md");
    }
}

#[test]
fn the_built_in_scenario_has_a_number_for_each_common_outcome() {
    let scenario = scenario::built_in();
    let cases = [
        ("0100", Mode::VoiceCall, Outcome::NoPinEntered),
        ("0199", Mode::VoiceCall, Outcome::NoPinEntered),
        ("0110", Mode::VoiceCall, Outcome::CallTimedOut),
        ("0111", Mode::VoiceCall, Outcome::Busy),
        ("0112", Mode::VoiceCall, Outcome::Voicemail),
        ("0113", Mode::VoiceCall, Outcome::HungUp),
        ("0114", Mode::VoiceCall, Outcome::Unreachable),
        ("0115", Mode::VoiceCall, Outcome::NoInput),
        ("0116", Mode::VoiceCall, Outcome::InvalidInput),
        ("0117", Mode::VoiceCall, Outcome::FraudCodeEntered),
        ("0118", Mode::VoiceCall, Outcome::NoPinEntered),
        ("0102", Mode::SmsText, Outcome::TextSent),
        ("0120", Mode::SmsText, Outcome::TextNotSent),
        ("0121", Mode::SmsText, Outcome::TextSent),
        ("0104", Mode::PhoneApp, Outcome::AppAuthenticated),
        ("0130", Mode::PhoneApp, Outcome::AppDenied),
        ("0131", Mode::PhoneApp, Outcome::AppNoResponse),
        ("0132", Mode::PhoneApp, Outcome::FraudReported),
        ("0140", Mode::VoiceCall, Outcome::UserBlocked),
        ("0141", Mode::VoiceCall, Outcome::AccountLocked),
    ];
    for (digits, mode, outcome) in cases {
        let number = format!("+1 425 555 {digits}");
        let code = call_result(&scenario, "mimservice@contoso.com", &number, mode);
        assert_eq!(code, Ok(outcome.code()), "{number}");
    }
}

#[test]
fn every_number_of_a_ready_made_rule_leads_to_that_rule() {
    for file in files("scenarios") {
        let scenario = scenario::load_file(&file).unwrap();
        for rule in &scenario.setup.rules {
            for number in numbers(&rule.when) {
                // The mobile app needs a person who has it; a phone call reaches the same rule.
                let settlement = ask(&scenario, "mimservice", number.digits(), Mode::Unspecified).unwrap();
                assert_eq!(settlement.rule.as_ref(), Some(&rule.name), "{} {number}", file.display());
            }
        }
    }
}

#[test]
fn the_people_of_the_built_in_scenario_answer_under_their_own_names() {
    let scenario = scenario::built_in();
    let cases = [
        ("anna", Outcome::NoPinEntered),
        ("ben", Outcome::PinEntered),
        ("carla", Outcome::TextSent),
        ("dario", Outcome::TextAuthenticated),
        ("erin", Outcome::AppAuthenticated),
        ("finn", Outcome::OathPending),
        ("busy", Outcome::Busy),
        ("no-reply", Outcome::NoReply),
        ("user-blocked", Outcome::UserBlocked),
    ];
    for (username, outcome) in cases {
        assert_eq!(call_result(&scenario, username, "", Mode::Unspecified), Ok(outcome.code()), "{username}");
    }
    let refusal = call_result(&scenario, "disabled", "", Mode::Unspecified).unwrap_err();
    assert_eq!(refusal.code(), 9001);
}

#[test]
fn sections_mean_what_the_reference_says() {
    let scenario = loaded(
        r#"
seed: 7
server: {sign_in: basic, paths: /a/PfWsSdk.asmx}
accounts: [{name: CONTOSO\mimservice, password: 0123, groups: PhoneFactor Admins}]
company:
  ring: 1.5
  ring_timeout: 1m 30s
  cache: {lasts: 10m, by: ip}
  defaults: {mode: smsText, minimum_pin_length: 6}
  features: {sms: false}
users:
  - Anna
  - username: Ben
    first_name: 1e5
    mode: voiceCall
    pin: 0123
    enabled: false
    blocked: Left the company
    seconds_since_pin_change: 40days
rules:
  - {when: {phone: [14255550100, 425 555 0101], operation: pfauthuser*}, after: 0, outcome: {code: 250}}
  -
"#,
    );
    assert_eq!(scenario.name, "test.yaml");
    assert_eq!(scenario.server.sign_in.schemes, [Scheme::Basic]);
    assert_eq!(scenario.server.paths, ["/a/PfWsSdk.asmx"]);
    let account = &scenario.server.sign_in.accounts[0];
    assert_eq!(account.name.to_string(), r"CONTOSO\mimservice");
    assert!(account.is_in("PhoneFactor Admins"));
    assert_eq!(account.password.as_ref().unwrap().reveal(), "0123");

    let setup = scenario.setup;
    assert_eq!(setup.seed, Some(7));
    assert_eq!(
        (setup.company.ring, setup.company.ring_timeout),
        (Duration::from_millis(1500), Duration::from_secs(90))
    );
    assert!(!setup.company.features.sms && setup.company.features.adfs);
    let [anna, ben] = setup.users.as_slice() else { panic!("two users") };
    let settings = &anna.settings;
    assert_eq!((anna.username.as_str(), settings.mode, settings.minimum_pin_length), ("Anna", Mode::SmsText, 6));
    let settings = &ben.settings;
    assert_eq!(
        (settings.mode, settings.enabled, settings.first_name.as_deref()),
        (Mode::VoiceCall, false, Some("1e5"))
    );
    assert_eq!(settings.pin.as_ref().unwrap().reveal(), "0123");
    assert_eq!(settings.seconds_since_pin_change, 40.0 * 86_400.0);
    assert_eq!(ben.block.as_ref().unwrap().reason, "Left the company");
    let names: Vec<_> = setup.rules.iter().map(|it| &*it.name).collect();
    assert_eq!(names, ["rule 1", "rule 2"]);
    let Effect::Proceed(script) = &setup.rules[0].answers.of(0).effect else { panic!("it asks") };
    assert_eq!(script.after, Some(Duration::ZERO));
}

#[test]
fn rules_decide_by_everything_they_can_match() {
    let scenario = loaded(
        r#"
company: {ring: 0}
users: [{username: anna, phone: "+1 425 555 0100"}, mimservice@contoso.com]
rules:
  - {when: {user: ben}, outcome: busy}
  - {when: {initiating_type: pfsdk}, outcome: busy}
  - {when: {application: "AD FS*"}, outcome: busy}
  - {when: {operation: CombinedAuthUser*}, outcome: busy}
  - {when: {user: ANN*}, outcome: {code: 250, passes: true}}
"#,
    );
    let ask = |username, number| call_result(&scenario, username, number, Mode::Unspecified);
    assert_eq!(ask("anna", ""), Ok(250));
    assert_eq!(ask("mimservice", "1 (425) 555-0100"), Ok(250), "the number is Anna's");
    assert_eq!(ask("mimservice", "14255550101"), Ok(Outcome::NoPinEntered.code()));
}

#[test]
fn ages_and_blocks_count_from_the_start_of_the_server() {
    let scenario = loaded(
        "users: [{username: anna, phone: 14255550100, pin_mode: pin, pin: 2580, pin_expiration_days: 30, seconds_since_pin_change: 31days}]",
    );
    assert_eq!(call_result(&scenario, "anna", "", Mode::Unspecified), Ok(Outcome::PinExpired.code()));
}

#[test]
fn numbers_are_stored_in_parts_however_they_are_written() {
    let cases = [
        ("phone: +1 425 555 0100", ("1", "4255550100", "")),
        ("phone: (425) 555-0100 ext. 42", ("1", "4255550100", "42")),
        ("phone: 14255550100", ("1", "4255550100", "")),
        ("phone: \"+14255550100\", extension: 42", ("1", "4255550100", "42")),
        ("phone: +44 1632 960000", ("44", "1632960000", "")),
        ("phone: 1632 960000, country_code: +44", ("44", "1632960000", "")),
        ("phone: '', country_code: +44", ("44", "", "")),
        ("phone: ''", ("1", "", "")),
        ("first_name: Anna", ("1", "", "")),
    ];
    for (fields, (country, phone, extension)) in cases {
        let scenario = loaded(&format!("users: [{{username: anna, {fields}}}]"));
        let user = &scenario.setup.users[0];
        let it = &user.settings;
        let stored = [&it.country_code, &it.phone, &it.extension].map(|it| it.as_deref().unwrap());
        assert_eq!(stored, [country, phone, extension], "{fields}");
        let full = (!phone.is_empty()).then(|| format!("{country}{phone}"));
        assert_eq!(user.number("1").map(|it| it.digits().to_owned()), full, "{fields}");
    }
}

#[test]
fn json_and_what_windows_writes_are_read() {
    let json = "{\"seed\": 1, \"users\": [\"anna\"],\r\n\t\"rules\": [{\"outcome\": \"busy\"}]}";
    assert_eq!(loaded(json).setup.rules.len(), 1);
    assert!(loaded("users: []").setup.users.is_empty());
    assert_eq!(loaded("\u{feff}users:\r\n  - anna\r\n").setup.users[0].username, "anna");

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("utf16.yaml");
    let utf16 = "\u{feff}users: [Ånna]\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    std::fs::write(&file, utf16).unwrap();
    assert_eq!(scenario::load_file(&file).unwrap().setup.users[0].username, "Ånna");

    std::fs::write(&file, b"users: [\xc5nna]").unwrap();
    let mistakes = scenario::load_file(&file).unwrap_err();
    assert_eq!((mistakes[0].code, &mistakes[0].place), (Code::Unreadable, &None));
    assert_eq!(scenario::load_file(folder.path()).unwrap_err()[0].code, Code::Unreadable);
}

#[test]
fn texts_that_are_too_much_are_refused() {
    let bomb = (1..10).fold("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned(), |text, at| {
        let before = vec![format!("*a{}", at - 1); 10].join(", ");
        text + &format!("a{at}: &a{at} [{before}]\n")
    });
    let keys: String = (0..2000).map(|it| format!("k{it}: 1\n")).collect();
    let chain = (1..100).fold("a0: &a0 [x]\n".to_owned(), |text, at| text + &format!("a{at}: &a{at} [*a{}]\n", at - 1));
    let long = "#".repeat(33 << 20);
    for text in [bomb, keys, chain, "[".repeat(100_000), "- ".repeat(100_000), "{a: ".repeat(1000), long] {
        let codes = codes(&text);
        assert_eq!(codes, [Code::TooLarge], "{}", &text[..20]);
    }
    assert_eq!(codes("users: &users [*users]"), [Code::NotYaml]);
}

#[test]
fn a_scenario_of_nothing_is_a_mistake_unless_it_says_so() {
    for text in ["", "\u{feff}", " \r\n", "---", "# users: [anna]", "~", "users:", "rules: []\nusers: # all gone\n"] {
        assert_eq!(codes(text), [Code::Empty], "{text:?}");
    }
    for text in ["users: []", "{}"] {
        assert!(loaded(text).setup.users.is_empty(), "{text}");
    }
}

#[test]
fn the_example_of_each_code_has_that_mistake_and_its_remedy_has_none() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("my.yaml");
    let found = |text: &str| {
        std::fs::write(&file, text).unwrap();
        scenario::load_file(&file).map_or_else(|it| it, |it| it.warnings)
    };
    for code in Code::ALL {
        let (wrong, right) = code.example();
        let mistakes = found(wrong).from_severity(code.severity());
        let codes: Vec<_> = mistakes.iter().map(|it| it.code).collect();
        assert_eq!(codes, [*code], "{wrong}");
        assert_eq!(told(&found(right)), "", "{}", code.word());
    }
}

/// `tests/mistakes` holds scenarios with mistakes, each beside what people get to see. `UPDATE=1` rewrites it.
#[test]
fn mistakes_read_as_recorded() {
    let mut met = Vec::new();
    for file in files("tests/mistakes") {
        let name = file.file_name().unwrap().to_str().unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        let mistakes = scenario::load(name, &text).map_or_else(|it| it, |it| it.warnings);
        met.extend(mistakes.iter().map(|it| it.code));
        assert!(!told(&mistakes).contains("hunter2"), "{name} shows a secret");
        crate::is_file(&file.with_extension("txt"), &told(&mistakes));
    }
    for code in Code::ALL.iter().filter(|it| {
        !matches!(it, Code::TooLarge | Code::Unreadable | Code::Circular | Code::MissingVariable)
            && it.severity() == Severity::Error
    }) {
        assert!(met.contains(code), "no file under tests/mistakes has {}", code.word());
    }
}

#[test]
fn no_mistake_shows_a_value_that_could_be_a_secret() {
    let cases = [
        "users: [{username: anna, passwrd: hunter2}]",
        "users: [{username: anna, credentials: {name: hunter2, x: [hunter2]}}]",
        "users: [{username: anna, password: [hunter2]}]",
        "users: [{username: anna, password: {hunter2, x: hunter2}}]",
        "users: [{username: anna, pin: '1', pin: hunter2}]",
        "users: [{username: anna, PIN: hunter2}]",
        "users: [{username: anna, devices: [{tokn: hunter2}], questions: hunter2}]",
        "users: hunter2",
        "hunter2",
        "company: {passcode: {code: hunter2}}",
        "rules: [{person: [{entres: hunter2}]}]",
        "rules: [{person: [{enters: hunter2}]}]",
        "rules: [{code: hunter2, digits: hunter2}]",
        "rules: [{when: {field: {pinn: hunter2}}, outcome: busy}]",
        "rules: [{when: {operation: ValidatePin}, answer: {otp: hunter2}}]",
        "environment: {CODE: hunter2, CODE: hunter2}\nusers: [{username: anna, phon: x}]",
        "token: hunter2",
        "users: [{username: anna, pin: hunter2}, {]",
        "users:\n  - {username: anna, kennwort: \"hunter2\\x\"}",
        "users:\n  - hunter2: \"\\q\"",
        "- \"hunter2\\q\"",
        "accounts: [{name: a, password: &p hunter2}, {name: b, password: *p, x: !t hunter2}]",
    ];
    for text in cases {
        let mistakes = mistakes(text);
        assert!(!mistakes.is_empty(), "{text}");
        for it in mistakes.iter() {
            let line = it.place.as_ref().map(|it| it.text.as_str()).unwrap_or_default();
            // A key is a name, and a message may name it.
            assert!(!line.contains("hunter2") || text.contains("hunter2:"), "{text}\n{it}");
        }
    }
    let shown = mistakes("users: [{username: anna, phone: none}]\nrules: [{outcome: bussy, after: 4 parsecs}]");
    assert!(told(&shown).contains("phone: none") && told(&shown).contains("after: 4 parsecs"), "{}", told(&shown));
}

#[test]
fn a_mistake_in_json_is_one_flat_object() {
    let mistakes = mistakes("rules: [{outcome: bussy}]");
    let expected = serde_json::json!({
        "code": "S006", "severity": "error", "kind": "unknown-word", "source": "test.yaml",
        "line": 1, "column": 19, "length": 5, "text": "rules: [{outcome: bussy}]", "mark": 18,
        "message": "outcome cannot be \"bussy\"", "help": ["Did you mean busy?"],
    });
    assert_eq!(serde_json::to_value(&mistakes[0]).unwrap(), expected);
}

#[test]
fn the_reference_lists_every_word_key_and_code() {
    let has = |row: String| assert!(REFERENCE.contains(&row), "docs/scenarios.md lacks: {row}");
    for it in Outcome::ALL {
        has(format!("| `{}` | {} | {} |", it.word(), it.code(), it.description()));
    }
    let methods = [
        Method::Voice(PinMode::Standard),
        Method::Voice(PinMode::Pin),
        Method::TextTwoWay(SmsMode::Otp),
        Method::TextOneWay(SmsMode::Otp),
        Method::App(PhoneAppMode::Standard),
        Method::Oath,
    ];
    for reaction in Reaction::ALL {
        let outcomes = methods.map(|it| reaction.outcome(it));
        let cells: String = outcomes.iter().map(|it| format!(" {} `{}` |", it.code(), it.word())).collect();
        has(format!("| `{}` |{cells}", reaction.word()));
    }
    for (code, name, _) in Refusal::TABLE {
        has(format!("| {code} | {name} | "));
    }
    for code in Code::ALL {
        has(format!("| {} | {} | `{}` | {} |", code.code(), code.severity(), code.word(), code.about()));
    }
    for field in UserSettings::SHAPE.fields() {
        has(match field.shape {
            Shape::Choice { values, .. } => format!("| `{}` | `{}` |", field.key, values.join("`, `")),
            _ => format!("| `{}` | ", field.key),
        });
    }
    for field in CustomerDefaults::SHAPE.fields().iter().chain(Features::SHAPE.fields()) {
        has(format!("`{}`", field.key));
    }
}

/// Each mapping of the grammar, by its name in the schema, with a scenario in which it has a key that nobody knows.
const MAPPINGS: &[(&str, &str)] = &[
    ("scenario", "qqqqqq: 1"),
    ("clock", "clock: {qqqqqq: 1}"),
    ("server", "server: {qqqqqq: 1}"),
    ("names", "server: {names: {qqqqqq: 1}}"),
    ("kerberos", "server: {kerberos: {qqqqqq: 1}}"),
    ("account", "accounts: [{qqqqqq: 1}]"),
    ("company", "company: {qqqqqq: 1}"),
    ("passcode", "company: {passcode: {qqqqqq: 1}}"),
    ("cache", "company: {cache: {qqqqqq: 1}}"),
    ("defaults", "company: {defaults: {qqqqqq: 1}}"),
    ("features", "company: {features: {qqqqqq: 1}}"),
    ("tag", "company: {tags: [{qqqqqq: 1}]}"),
    ("languages", "company: {languages: {qqqqqq: 1}}"),
    ("question", "company: {questions: [{qqqqqq: 1}]}"),
    ("token", "company: {tokens: [{qqqqqq: 1}]}"),
    ("mail", "company: {mail: {qqqqqq: 1}}"),
    ("template", "company: {mail: {templates: [{qqqqqq: 1}]}}"),
    ("portal", "company: {portal: {qqqqqq: 1}}"),
    ("adfs", "company: {adfs: {qqqqqq: 1}}"),
    ("user", "users: [{qqqqqq: 1}]"),
    ("user_defaults", "user_defaults: {qqqqqq: 1}"),
    ("device", "users: [{username: a, devices: {qqqqqq: 1}}]"),
    ("own_question", "users: [{username: a, questions: [{qqqqqq: 1}]}]"),
    ("administrator", "users: [{username: a, administrator: {qqqqqq: 1}}]"),
    ("rule", "rules: [{qqqqqq: 1}]"),
    ("when", "rules: [{when: {qqqqqq: 1}}]"),
    ("window", "rules: [{when: {window: {qqqqqq: 1}}}]"),
    ("delay", "rules: [{delay: {qqqqqq: 1}}]"),
    ("delivery", "rules: [{delivery: {qqqqqq: 1}}]"),
    ("latency", "rules: [{delay: {real: {qqqqqq: 1}}}]"),
    ("answer", "rules: [{first: {qqqqqq: 1}}]"),
    ("outcome", "rules: [{outcome: {qqqqqq: 1}}]"),
    ("error", "rules: [{error: {qqqqqq: 1}}]"),
    ("fault", "rules: [{fault: {qqqqqq: 1}}]"),
    ("change", "rules: [{change: {qqqqqq: 1}}]"),
    ("step", "rules: [{state: {qqqqqq: 1}}]"),
    ("state", "states: [{qqqqqq: 1}]"),
    ("trigger", "states: [{name: a, when: {qqqqqq: 1}}]"),
    ("session", "sessions: [{qqqqqq: 1}]"),
];

/// The first ten keys that a mapping may have, how many it may have, and those that it must have, from the answer to an
/// unknown key.
fn keys_read(text: &str) -> (BTreeSet<String>, usize, BTreeSet<String>) {
    let mistakes = mistakes(text);
    let help = mistakes.iter().flat_map(|it| &it.help).find_map(|it| it.strip_prefix("Allowed: ")).expect(text);
    let mut allowed: BTreeSet<_> = help.trim_end_matches('.').split(", ").map(String::from).collect();
    let more = allowed.iter().find(|it| it.starts_with("and ")).cloned();
    let more = more.map_or(0, |it| {
        allowed.remove(&it);
        it.split(' ').nth(1).unwrap().parse().unwrap()
    });
    let count = allowed.len() + more;
    let needed = mistakes.iter().filter(|it| it.code == Code::MissingKey);
    (allowed, count, needed.map(|it| it.message.rsplit(' ').next().unwrap().into()).collect())
}

#[test]
fn the_schema_has_the_keys_that_are_read_and_no_others() {
    let schema = scenario::schema();
    let definitions = schema["$defs"].as_object().unwrap();
    for (name, text) in MAPPINGS {
        let mapping = if *name == "scenario" { &schema } else { &definitions[*name] };
        let properties = mapping["properties"].as_object().unwrap_or_else(|| panic!("the schema lacks {name}"));
        let needed = mapping["required"].as_array().into_iter().flatten().map(|it| it.as_str().unwrap().to_owned());
        let (allowed, count, must) = keys_read(text);
        assert!(allowed.iter().all(|it| properties.contains_key(it)), "{name}: {allowed:?}");
        assert_eq!((properties.len(), needed.collect()), (count, must), "{name}");
        assert_eq!(mapping["additionalProperties"], false, "{name}");
        for (key, value) in properties {
            assert!(value["description"].as_str().is_some_and(|it| it.len() > 3), "{name}.{key} has no description");
        }
    }
    for (name, definition) in definitions {
        let known = MAPPINGS.iter().any(|it| it.0 == name);
        assert!(known || definition.get("properties").is_none(), "MAPPINGS lacks {name}");
    }
}

/// `UPDATE=1` writes it.
#[test]
fn the_schema_that_editors_read_is_fresh() {
    crate::is_file(&folder("docs/scenario.schema.json"), &scenario::schema_text());
    crate::is_file(&folder("docs/incident.schema.json"), &scenario::incident_schema_text());
}

#[test]
fn every_ready_made_file_names_its_schema() {
    for (of, kind) in [("scenarios", "scenario"), ("incidents", "incident")] {
        for file in files(of) {
            let text = std::fs::read_to_string(&file).unwrap();
            let first = format!("# yaml-language-server: $schema=../docs/{kind}.schema.json");
            assert_eq!(text.lines().next(), Some(&*first), "{}", file.display());
        }
    }
}

#[test]
fn the_reference_lists_every_magic_number() {
    for it in Magic::all() {
        let outcome = it.ending(Method::Voice(PinMode::Standard)).known().unwrap();
        let after = it.after.map_or_else(|| "`company.ring`".into(), |it| humantime::format_duration(it).to_string());
        let (digits, code, word, about) = (it.digits, outcome.code(), outcome.word(), it.about);
        let row = format!("| `+1 425 555 {digits}` | {code} `{word}` | {after} | {about} |");
        assert!(REFERENCE.contains(&row), "docs/scenarios.md lacks: {row}");
    }
}

#[test]
fn every_word_of_a_template_is_in_the_reference() {
    for word in WORDS {
        assert!(REFERENCE.contains(&format!("`{{{word}}}`")), "docs/scenarios.md lacks {{{word}}}");
    }
}

#[test]
fn the_examples_of_the_reference_load() {
    let examples: Vec<_> = REFERENCE.split("```yaml\n").skip(1).map(|it| it.split("```").next().unwrap()).collect();
    assert!(examples.len() >= 8);
    for example in examples {
        let warnings = loaded(example).warnings.from_severity(Severity::Warning);
        assert_eq!(told(&warnings), "", "{example}");
    }
}

#[test]
fn the_mistake_that_the_reference_shows_is_told_so() {
    let text = "users: [mimservice@contoso.com]\nrules:\n  - when: {phone: \"+1 425 555 0111\"}\n    outcome: bussy\n";
    let mistakes = scenario::load("my.yaml", text).unwrap_err();
    assert!(REFERENCE.contains(&mistakes[0].to_string()), "docs/scenarios.md lacks:\n{}", mistakes[0]);
}

#[test]
fn channels_have_a_section_each() {
    // The tables of outcomes are grouped by the way that they belong to.
    let sections = [
        (Channel::Voice, "### Phone calls"),
        (Channel::Text, "### Text messages"),
        (Channel::App, "### Mobile app"),
        (Channel::Oath, "### OATH token"),
        (Channel::Questions, "### Security questions"),
        (Channel::Any, "### Any way"),
        (Channel::Unasked, "### No person is asked"),
    ];
    for (channel, title) in sections {
        let section = REFERENCE.split(title).nth(1).unwrap().split("\n#").next().unwrap();
        for it in Outcome::ALL.iter().filter(|it| it.channel() == channel) {
            assert!(section.contains(&format!("| `{}` |", it.word())), "{} is not under {title}", it.word());
        }
    }
}

#[test]
fn a_user_without_settings_has_the_defaults_of_the_company() {
    let scenario = loaded("users: [anna]");
    assert_eq!(scenario.setup.users[0].settings, Company::default().new_user());
}
