//! The file of an incident: the rules and settings that it puts over a scenario, and what is known of it.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use serde_json::Value;

use crate::engine::{Answers, Company, Incident, Operations, Rule, Settings, SignInFault, When};
use crate::tls::TlsFault;

use super::company::MASTER;
use super::export;
use super::fields::{Fields, Reader, mapping};
use super::grammar::{Grammar, Keys, Values};
use super::mistake::Code;
use super::rules::rules;
use super::schema;
use super::scope::Scope;
use super::values::{Name, OneOrMore, ReaderExt, Text, Truth, Word, described};
use super::when::operation;
use super::written::Written;

/// An incident as its file has it.
#[derive(Clone, Debug)]
pub struct IncidentFile {
    /// What it puts over the scenario.
    pub incident: Incident,
    /// The fault of TLS that every client of the server meets.
    pub tls: Option<TlsFault>,
    /// What happened in the real world, in a line.
    pub about: String,
    /// The operations whose calls it changes, as they are written.
    pub hits: Vec<String>,
    /// What a test expects of the server while it runs: the content of a file of expectations.
    pub expect: Value,
    /// What people see of it.
    pub symptoms: Vec<Symptom>,
    /// What helps in the real world.
    pub remedy: String,
}

/// What people see of an incident in one place.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Symptom {
    /// `sspr`, `pam` or `event_log`
    pub place: &'static str,
    pub shows: String,
    pub grade: Grade,
    /// Where that is known from, or where it was looked for.
    pub source: String,
}

/// How well something is known.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Grade {
    /// Public documentation or a public report says it.
    Documented,
    /// It follows from what is documented.
    Inferred,
    /// No public source tells.
    Unknown,
}

const GRADES: [(&str, Grade); 3] =
    [("documented", Grade::Documented), ("inferred", Grade::Inferred), ("unknown", Grade::Unknown)];

const SIGN_IN: [(&str, SignInFault); 3] = [
    ("outside-group", SignInFault::OutsideGroup),
    ("password-expired", SignInFault::PasswordExpired),
    ("disabled", SignInFault::Disabled),
];

impl Grade {
    /// Its word in files and in the API.
    #[must_use]
    pub fn word(self) -> &'static str {
        GRADES.iter().find(|it| it.1 == self).map_or("", |it| it.0)
    }
}

/// Reads an incident of that name.
pub(super) fn read(
    written: Written<'_>,
    name: &str,
    company: &Company,
    stored: &dyn Fn(&str) -> Option<String>,
) -> Option<IncidentFile> {
    let stored = |name: &str| stored(name).map(Cow::Owned);
    let scope = Scope::new(company, &stored, &[]);
    incident(name, &scope).read(written.called("the incident"))
}

/// The mappings of the file of an incident; the first is the whole file.
pub(super) fn grammar() -> Vec<Keys> {
    let grammar = Grammar::new();
    let company = Company::default();
    incident("", &Scope::new(&company, &|_| None, &[])).values(&grammar);
    grammar.finish()
}

/// The JSON Schema of the files of incidents, as the file that editors read.
#[must_use]
pub fn incident_schema_text() -> String {
    let about = "What goes wrong for a while: what a server does meanwhile, and what people see of it.";
    schema::text_of(&schema::of(&grammar(), "Incident of locmfa", about))
}

fn incident<'a>(name: &str, scope: &Scope<'_, 'a>) -> impl Reader<'a, Value = IncidentFile> {
    mapping("incident", "an incident", move |fields| {
        let about = fields.need("about", Name.known_as("text"));
        let hits = fields.need("hits", OneOrMore(operation(scope)));
        // They are those of no rule.
        scope.take_operations();
        let read = fields.get("rules", rules(scope)).unwrap_or_default();
        check_rules(fields, &read);
        let settings = fields.get("company", settings()).unwrap_or_default();
        let sign_in = fields.get("sign_in", Word(&SIGN_IN));
        let tls = fields.get("tls", tls_fault());
        check_what_it_does(fields);
        let expect = fields.need("expect", any());
        let symptoms = fields.need("symptoms", symptoms());
        let remedy = fields.need("remedy", Name.known_as("text"));
        let hits = hits?;
        let rules = read.into_iter().map(|it| of_incident(name, &hits, it)).collect();
        Some(IncidentFile {
            incident: Incident { name: name.into(), rules, settings, sign_in },
            tls,
            about: about?,
            hits: hits.into_iter().map(|it| it.written).collect(),
            expect: expect?,
            symptoms: symptoms?,
            remedy: remedy?,
        })
    })
}

/// A rule under the name of its incident, for the operations that the incident hits.
fn of_incident(incident: &str, hits: &[Operations], it: Rule) -> Rule {
    let name: Arc<str> = format!("{incident}: {}", it.name).into();
    Rule { name, when: When::All(vec![When::Operation(hits.to_vec()), it.when]), ..it }
}

/// Reports rules that would leave something behind.
fn check_rules(fields: &Fields<'_>, rules: &[Rule]) {
    let lasts = |it: &Answers| {
        it.turns.iter().any(|it| it.0.change.is_some() || !it.0.state_changes.is_empty() || !it.0.counts.is_empty())
    };
    let Some(written) = fields.at("rules") else { return };
    for (rule, place) in rules.iter().zip(written.items()).filter(|it| lasts(&it.0.answers)) {
        let message =
            format!("the rule {:?} changes a user, a state or a counter, which outlasts the incident", &*rule.name);
        let help = "Take change, state and count out: an incident leaves nothing behind.".into();
        place.report(Code::NeverApplies, message, [help]);
    }
}

/// Reports an incident that changes nothing, and one that changes a space and the whole server.
fn check_what_it_does(fields: &Fields<'_>) {
    let of_space = ["rules", "company", "sign_in"].into_iter().find_map(|it| Some((it, fields.at(it)?)));
    match (of_space, fields.at("tls")) {
        (None, None) => {
            let help = "Say what happens: rules, company, sign_in or tls.".into();
            fields.written().report(Code::MissingKey, "the incident changes nothing".into(), [help]);
        }
        (Some((key, written)), Some(_)) => {
            let help = "Make two incidents of it.".into();
            let message = format!("{key} changes a space, and tls changes the whole server");
            written.report(Code::NeverApplies, message, [help]);
        }
        _ => (),
    }
}

/// A fault of TLS by its word.
fn tls_fault<'a>() -> impl Reader<'a, Value = TlsFault> {
    static WORDS: LazyLock<Vec<(&str, TlsFault)>> =
        LazyLock::new(|| TlsFault::ALL.iter().map(|it| (it.word(), *it)).collect());
    Word(&WORDS)
}

/// The settings of the company that an incident can change.
fn settings<'a>() -> impl Reader<'a, Value = Settings> {
    mapping("incident_company", "company of an incident", |fields| {
        let mut settings = Settings {
            master_away: fields.get("master", Word(&MASTER)),
            direct_sdk: fields.get("direct_sdk", Truth),
            features: Vec::new(),
        };
        settings.features = fields.get("features", features()).unwrap_or_default();
        Some(settings)
    })
}

fn features<'a>() -> impl Reader<'a, Value = Vec<(&'static str, String)>> {
    mapping("features", "features", |fields| {
        let mut set = Vec::new();
        fields.record_and(&mut Company::default().features, |key, text| set.push((key, text)));
        Some(set)
    })
}

/// What people see, in each of the places.
fn symptoms<'a>() -> impl Reader<'a, Value = Vec<Symptom>> {
    mapping("symptoms", "symptoms", |fields| {
        let all = ["sspr", "pam", "event_log"].map(|place| fields.need(place, symptom(place)));
        Some(all.into_iter().flatten().collect())
    })
}

fn symptom<'a>(place: &'static str) -> impl Reader<'a, Value = Symptom> {
    mapping("symptom", "a symptom", move |fields| {
        let shows = fields.need("shows", Text);
        let grade = fields.need("grade", Word(&GRADES));
        let source = fields.need("source", Name.known_as("text"));
        Some(Symptom { place, shows: shows?, grade: grade?, source: source? })
    })
}

/// Any value.
fn any<'a>() -> impl Reader<'a, Value = Value> {
    let read = |written: Written<'a>| export::value("expect", &written.flow()).ok();
    let list = Values::list(&Values::pairs("expectation", None));
    let values = Values::either(&list, &Values::pairs("mapping", None)).called("expectations");
    described(move |_| values.clone(), read).and_then(|value: Value, written| {
        // A list alone is the list of expectations.
        match value {
            Value::Array(_) => Some(serde_json::json!({ "expect": value })),
            Value::Object(_) => Some(value),
            _ => written.wrong(Code::WrongType, "expect must be a file of expectations".into(), []),
        }
    })
}
