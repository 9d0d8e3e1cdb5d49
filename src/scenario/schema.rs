//! The JSON Schema of scenario files, with which editors complete, explain and check. What a key means stands once, in
//! the tables of `docs/scenarios.md`; the fields of records come from the contract.

use std::ops::RangeInclusive;

use serde_json::{Map, Value, json};

use super::rules::{USUAL, acts_and};
use crate::contract::{
    AdfsSettings, AuthenticationType, CustomerDefaults, Email, Features, Field, PassedSession, Primitive,
    SecurityQuestion, Shape, UserAdministrator, UserPortalSettings, UserSettings, Wire,
};
use crate::engine::{Day, Outcome, Per, Reaction};
use crate::operations;

const REFERENCE: &str = include_str!("../../docs/scenarios.md");

/// A key of a mapping, with what may stand under it.
type Key = (&'static str, Value);

/// A mapping of the grammar.
struct Mapping {
    /// Its name among the definitions.
    name: &'static str,
    /// Where the reference explains its keys.
    place: Place,
    keys: Vec<Key>,
    /// The keys that must be there.
    needed: &'static [&'static str],
}

/// Where the reference explains the keys of a mapping: in the table of a section.
#[derive(Clone, Copy)]
enum Place {
    /// A row for each key, which has this before it there.
    Rows(&'static str, &'static str),
    /// A row for each key, in the table of one or of the other.
    Either(&'static str, &'static str),
    /// One row for all of them.
    Row(&'static str, &'static str),
}

use Place::{Either, Row, Rows};

/// The schema, draft 2020-12.
#[must_use]
pub fn schema() -> Value {
    let [root, rest @ ..] = mappings();
    let mut definitions: Map<String, Value> = rest.iter().map(|it| (it.name.into(), it.schema())).collect();
    definitions.extend(scalars());
    let mut schema = root.schema();
    let fields = schema.as_object_mut().expect("a mapping is an object");
    fields.insert("$defs".into(), definitions.into());
    fields.insert("$schema".into(), "https://json-schema.org/draft/2020-12/schema".into());
    fields.insert("title".into(), "Scenario of locmfa".into());
    fields.insert(
        "description".into(),
        "Who is there, and what happens when somebody is asked for a second factor.".into(),
    );
    schema
}

/// The schema as the file that editors read.
#[must_use]
pub fn schema_text() -> String {
    serde_json::to_string_pretty(&schema()).expect("it is JSON") + "\n"
}

/// What a mistake of YAML's types must not hide: 0123 and true are texts too, where a text is asked for.
fn scalars() -> [(String, Value); 5] {
    let operations: Vec<_> = operations::all().map(|it| it.signature.name).collect();
    let time = r"^ *([0-9.]+|([0-9]+ *[a-z]+ *)+) *$";
    [
        ("operation".into(), either([json!({ "enum": operations }), text()])),
        ("text".into(), json!({ "type": ["string", "number", "boolean"] })),
        (
            "variable".into(),
            json!({ "type": "string", "pattern": r"\$\{", "description": "A variable of the environment." }),
        ),
        ("truth".into(), json!({ "anyOf": [{ "enum": [true, false, "true", "false"] }, variable()] })),
        (
            "time".into(),
            json!({ "anyOf": [
                { "type": "number", "minimum": 0 },
                { "type": "string", "pattern": time, "examples": ["4s", "500ms", "1m 30s"] },
                variable(),
            ] }),
        ),
    ]
}

fn mappings() -> [Mapping; 35] {
    let of = |name, place, keys, needed| Mapping { name, place, keys, needed };
    [
        of("scenario", Rows("## The file", ""), scenario(), &[]),
        of("clock", Rows("### `clock`", ""), vec![("start", text()), ("pace", words(PACES)), ("rate", number())], &[]),
        of("server", Rows("### `server`", ""), server(), &[]),
        of(
            "names",
            Row("### `server`", "names"),
            ["domain", "computer", "dns_domain", "dns_computer"].map(|it| (it, text())).into(),
            &[],
        ),
        of("kerberos", Row("### `server`", "kerberos"), vec![("as", text())], &["as"]),
        of(
            "account",
            Rows("### `accounts`", ""),
            vec![("name", text()), ("password", text()), ("groups", some(text())), ("certificate", some(text()))],
            &["name"],
        ),
        of("company", Rows("### `company`", ""), company(), &[]),
        of(
            "passcode",
            Row("### `company`", "passcode"),
            vec![
                ("length", whole(4..=10)),
                ("lifetime", time()),
                ("attempts", whole(1..=100)),
                ("code", text()),
                ("message", text()),
            ],
            &[],
        ),
        of(
            "cache",
            Row("### `company`", "cache"),
            vec![("lasts", time()), ("by", words(&["user", "ip", "application"]))],
            &["lasts"],
        ),
        of("defaults", Rows("### `users`", ""), record(CustomerDefaults::SHAPE), &[]),
        of("features", Row("### `company`", "features"), record(Features::SHAPE), &[]),
        of("tag", Row("### `company`", "tags"), vec![("name", text()), ("tag_id", text())], &["name"]),
        of(
            "languages",
            Row("### `company`", "languages"),
            ["sms_text", "phone_app", "oath_token"].map(|it| (it, some(text()))).into(),
            &[],
        ),
        of("question", Row("### `company`", "questions"), record(SecurityQuestion::SHAPE), &["question"]),
        of(
            "token",
            Row("### `company`", "tokens"),
            vec![("serial_number", text()), ("secret_key", text()), ("time_interval", whole(1..=86_400))],
            &["serial_number", "secret_key"],
        ),
        of(
            "mail",
            Rows("#### Mail", ""),
            vec![("server", text()), ("enabled", truth()), ("templates", list(mapping("template")))],
            &[],
        ),
        of("template", Row("#### Mail", "templates"), record(Email::SHAPE), &["kind"]),
        of("portal", Rows("#### User portal", ""), record(UserPortalSettings::SHAPE), &[]),
        of("adfs", Rows("#### User portal", ""), record(AdfsSettings::SHAPE), &[]),
        of("user", Rows("### `users`", ""), [named(), said()].concat(), &["username"]),
        of("user_defaults", Rows("### `users`", ""), said(), &[]),
        of(
            "device",
            Row("### `users`", "devices"),
            ["device_id", "name", "token", "version", "oath_key"].map(|it| (it, text())).into(),
            &[],
        ),
        of(
            "own_question",
            Row("### `users`", "questions"),
            vec![("question", text()), ("answer", text())],
            &["question", "answer"],
        ),
        of("administrator", Rows("The rights of", ""), record(UserAdministrator::SHAPE), &[]),
        of("rule", Either("### `rules`", "#### Answers"), [rule(), answer()].concat(), &[]),
        of("when", Rows("#### When a rule matches", "when."), when(), &[]),
        of("answer", Rows("#### Answers", ""), [answer(), vec![("times", whole(1..=1_000_000_000))]].concat(), &[]),
        of("error", Row("#### Answers", "error"), vec![("code", number32()), ("text", text())], &["code"]),
        of(
            "fault",
            Row("#### Answers", "fault"),
            vec![("text", text()), ("code", words(&["server", "client"]))],
            &["text"],
        ),
        of(
            "change",
            Rows("### `users`", ""),
            [vec![("password", text()), ("blocked", text())], record(UserSettings::SHAPE)].concat(),
            &[],
        ),
        of("step", Row("#### Answers", "state"), vec![("set", text()), ("for", time()), ("clear", some(text()))], &[]),
        of("state", Rows("### `states`", ""), state(), &["name"]),
        of(
            "trigger",
            Row("### `states`", "when"),
            vec![("outcome", some(words(&outcomes()))), ("times", whole(1..=1_000_000)), ("within", time())],
            &["outcome"],
        ),
        of(
            "outcome",
            Row("#### Answers", "outcome"),
            vec![("code", number32()), ("text", text()), ("passes", truth())],
            &["code"],
        ),
        of("session", Rows("### `sessions`", ""), session(), &["cookie_id", "username"]),
    ]
}

const PACES: &[&str] = &["real", "frozen", "auto"];

fn scenario() -> Vec<Key> {
    let variables = json!({ "type": "object", "additionalProperties": either([text(), json!({ "type": "null" })]) });
    vec![
        ("use", some(text())),
        ("environment", either([some(text()), variables])),
        ("seed", whole(0..=i64::MAX)),
        ("on_reload", words(&["keep", "reset"])),
        ("clock", either([words(PACES), mapping("clock")])),
        ("server", mapping("server")),
        ("accounts", either([json!({ "const": "any" }), list(mapping("account"))])),
        ("company", mapping("company")),
        ("user_defaults", mapping("user_defaults")),
        ("users", list(either([text(), mapping("user")]))),
        ("rules", list(mapping("rule"))),
        ("states", list(mapping("state"))),
        ("magic_numbers", truth()),
        ("sessions", list(mapping("session"))),
    ]
}

fn server() -> Vec<Key> {
    vec![
        ("sign_in", some(words(&["anonymous", "basic", "ntlm", "negotiate", "certificate"]))),
        ("trust", words(&["passwords", "any-password"])),
        ("ntlm_v1", truth()),
        ("channel_binding", words(&["none", "lenient", "strict"])),
        ("kerberos", mapping("kerberos")),
        ("group", text()),
        ("outsider", words(&["401", "403", "fault"])),
        ("client_authorities", some(text())),
        ("names", mapping("names")),
        ("paths", some(text())),
    ]
}

fn company() -> Vec<Key> {
    vec![
        ("country_code", text()),
        ("ring", time()),
        ("ring_timeout", time()),
        ("fraud_code", text()),
        ("pin_attempts", whole(1..=100)),
        ("bypass", time()),
        ("direct_sdk", truth()),
        ("error_on_success", truth()),
        ("reveal_secrets", truth()),
        ("passcode", mapping("passcode")),
        ("cache", mapping("cache")),
        ("defaults", mapping("defaults")),
        ("features", mapping("features")),
        ("master", words(&["answers", "away"])),
        ("tags", list(either([text(), mapping("tag")]))),
        ("languages", either([some(text()), mapping("languages")])),
        ("questions", list(either([text(), mapping("question")]))),
        ("tokens", list(mapping("token"))),
        ("whitelist", some(text())),
        ("mail", mapping("mail")),
        ("portal", mapping("portal")),
        ("adfs", mapping("adfs")),
    ]
}

fn named() -> Vec<Key> {
    vec![("username", text()), ("count", whole(1..=100_000)), ("from", whole(0..=1_000_000_000))]
}

fn said() -> Vec<Key> {
    let own = vec![
        ("password", text()),
        ("blocked", text()),
        ("tags", some(text())),
        ("devices", some(either([text(), mapping("device")]))),
        ("questions", list(mapping("own_question"))),
        ("administrator", either([truth(), mapping("administrator")])),
    ];
    [own, record(UserSettings::SHAPE)].concat()
}

fn rule() -> Vec<Key> {
    let answer = || either([words(&outcomes()), mapping("answer")]);
    vec![
        ("name", text()),
        ("when", mapping("when")),
        ("first", answer()),
        ("then", some(answer())),
        ("repeat", truth()),
        ("per", words(&["rule", "user", "number"])),
    ]
}

fn answer() -> Vec<Key> {
    let outcome = || either([words(&outcomes()), mapping("outcome")]);
    let acts: Vec<_> = acts_and("waits").collect();
    let act = json!({ "type": "object", "propertyNames": { "enum": acts }, "minProperties": 1, "maxProperties": 1 });
    let words_alone: Vec<_> = acts_and("decides").collect();
    vec![
        ("outcome", outcome()),
        ("after", time()),
        ("code", text()),
        ("digits", text()),
        ("person", some(either([words(&words_alone), act]))),
        ("within", time()),
        ("otherwise", outcome()),
        ("error", mapping("error")),
        ("fault", either([text(), mapping("fault")])),
        ("answer", json!({ "type": "object" })),
        ("status", whole(200..=599)),
        ("drop", truth()),
        ("broken", words(&["truncated", "garbage"])),
        ("delay", time()),
        ("change", mapping("change")),
        ("state", either([text(), mapping("step")])),
        ("count", either([some(text()), json!({ "type": "object" })])),
    ]
}

fn outcomes() -> Vec<&'static str> {
    let reactions = Reaction::ALL.iter().map(|it| it.word());
    reactions.chain([USUAL]).chain(Outcome::ALL.iter().map(|it| it.word())).collect()
}

fn state() -> Vec<Key> {
    vec![
        ("name", text()),
        ("when", mapping("trigger")),
        ("per", words(&Per::ALL.iter().map(|it| it.word()).collect::<Vec<_>>())),
        ("lasts", time()),
    ]
}

fn when() -> Vec<Key> {
    vec![
        ("operation", some(reference("operation"))),
        ("user", some(text())),
        ("phone", some(text())),
        ("country", some(text())),
        ("initiating_type", some(shape(AuthenticationType::SHAPE))),
        ("application", some(text())),
        ("ip", some(text())),
        ("mode", some(words(&["voiceCall", "smsText", "phoneApp", "oathToken"]))),
        ("tag", some(text())),
        ("group", some(text())),
        ("field", json!({ "type": "object" })),
        ("space", some(text())),
        ("time", some(text())),
        ("days", some(words(&Day::ALL.iter().map(|it| it.word()).collect::<Vec<_>>()))),
        ("state", some(text())),
        ("count", json!({ "type": "object" })),
        ("not", mapping("when")),
        ("any", some(mapping("when"))),
        ("all", some(mapping("when"))),
    ]
}

fn session() -> Vec<Key> {
    [vec![("session_id", text())], record(PassedSession::SHAPE)].concat()
}

/// The fields of a record of the contract.
fn record(shape: &'static Shape) -> Vec<Key> {
    shape.fields().iter().map(|Field { key, shape, .. }| (*key, self::shape(shape))).collect()
}

fn shape(shape: &Shape) -> Value {
    match shape.inner() {
        Shape::Simple(Primitive::Boolean) => truth(),
        Shape::Simple(Primitive::Int) => whole(0..=i32::MAX.into()),
        Shape::Simple(Primitive::Double) => time(),
        Shape::Choice { values, .. } => words(values),
        _ => text(),
    }
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

fn text() -> Value {
    reference("text")
}

fn variable() -> Value {
    reference("variable")
}

fn truth() -> Value {
    reference("truth")
}

fn time() -> Value {
    reference("time")
}

fn number() -> Value {
    either([json!({ "type": "number" }), variable()])
}

fn number32() -> Value {
    whole(i32::MIN.into()..=i32::MAX.into())
}

fn mapping(name: &str) -> Value {
    reference(name)
}

fn whole(range: RangeInclusive<i64>) -> Value {
    let number = match *range.end() {
        i64::MAX => json!({ "type": "integer", "minimum": range.start() }),
        end => json!({ "type": "integer", "minimum": range.start(), "maximum": end }),
    };
    either([number, json!({ "type": "string", "pattern": r"^-?[0-9]+$" }), variable()])
}

/// Words, each of which may look like a number.
fn words(words: &[&str]) -> Value {
    let numbers = words.iter().filter_map(|it| it.parse::<i64>().ok()).map(Value::from);
    let all: Vec<Value> = words.iter().map(|it| Value::from(*it)).chain(numbers).collect();
    either([json!({ "enum": all }), variable()])
}

fn list(of: Value) -> Value {
    object_of([("type", json!(["array", "null"])), ("items", of)])
}

/// One, or a list of one or more.
fn some(of: Value) -> Value {
    let list = object_of([("type", "array".into()), ("items", of.clone()), ("minItems", 1.into())]);
    either([of, list])
}

fn either<const N: usize>(of: [Value; N]) -> Value {
    object_of([("anyOf", Vec::from(of).into())])
}

fn object_of<const N: usize>(fields: [(&str, Value); N]) -> Value {
    fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

impl Mapping {
    fn schema(&self) -> Value {
        let explained = |(key, value): &Key| -> (String, Value) {
            let mut value = value.clone();
            value["description"] = self.place.about(key).into();
            ((*key).into(), value)
        };
        // A mapping without keys may be left empty.
        let kind = if self.needed.is_empty() { json!(["object", "null"]) } else { "object".into() };
        object_of([
            ("type", kind),
            ("properties", self.keys.iter().map(explained).collect()),
            ("additionalProperties", false.into()),
            ("required", self.needed.into()),
        ])
    }
}

impl Place {
    /// What the reference says of a key, with its default.
    fn about(self, key: &str) -> String {
        let mut name = key.replace('_', " ");
        name[..1].make_ascii_uppercase();
        let (row, of_all) = match self {
            Rows(section, prefix) => (row(section, &format!("{prefix}{key}")), ""),
            Either(one, other) => (row(one, key).or_else(|| row(other, key)), ""),
            Row(section, all) => (row(section, all), all),
        };
        let (default, about) = row.unwrap_or_default();
        let default = if default.is_empty() { String::new() } else { format!("Default: {default}.") };
        let texts = match (about.is_empty(), of_all) {
            (true, _) => vec![name + ".", default],
            (false, "") => vec![about, default],
            (false, all) => vec![format!("{name}, one of {all}."), about],
        };
        texts.into_iter().filter(|it| !it.is_empty()).collect::<Vec<_>>().join(" ")
    }
}

/// The default and the meaning in the row of a key, in the table of a section.
fn row(section: &str, key: &str) -> Option<(String, String)> {
    let start = format!("| `{key}` | ");
    let lines = REFERENCE.split_once(section)?.1.lines().skip(1).take_while(|it| !it.starts_with('#'));
    let row = { lines }.find_map(|it| it.strip_prefix(&start))?;
    let cells: Vec<&str> = row.trim_end().trim_end_matches('|').split('|').map(str::trim).collect();
    let (default, about) = match cells[..] {
        [about] => ("", about),
        [_, default, "portal" | "adfs" | "both"] | [_, default] => (default, ""),
        [_, default, about] => (default, about),
        _ => return None,
    };
    Some((plain(default).trim_end_matches('.').into(), plain(about)))
}

/// Text of a table without its links.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, link)) = rest.split_once('[') {
        let Some(((name, _), after)) = link.split_once(')').and_then(|(it, after)| Some((it.split_once("](")?, after)))
        else {
            plain += before;
            plain.push('[');
            rest = link;
            continue;
        };
        plain += before;
        plain += name;
        rest = after;
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_described_by_the_reference() {
        assert_eq!(
            Rows("### `server`", "").about("sign_in"),
            "How callers say who they are. Offered in this order; see Sign-in. Default: `anonymous`."
        );
        assert_eq!(Rows("### `users`", "").about("first_name"), "First name. Default: empty.");
        assert_eq!(Rows("## The file", "").about("server"), "How the service is reached.");
        let phone = "Which number is called, given with the call or stored. Default: any.";
        assert_eq!(Rows("#### When a rule matches", "when.").about("phone"), phone);
        let length = Row("### `company`", "passcode").about("length");
        assert!(length.starts_with("Length, one of passcode. The codes of text messages: `length` ("), "{length}");
    }

    #[test]
    fn links_become_their_names() {
        assert_eq!(plain("see [Mail](#mail), or [a list]"), "see Mail, or [a list]");
    }
}
