//! Scenario files: from YAML text to what a server is to be, or to every mistake in the text.
//!
//! From the bottom: `tree` reads YAML and keeps the places, `report` collects the mistakes, `written` reads one value.
//! `fields` and `values` are the language of the grammar: a key is declared with a reader, which reads its value and
//! describes it. `compose` makes one tree of several files. Each section of a scenario has a file of its own; `file` joins
//! them. `schema` and `reference` walk the grammar: the JSON Schema, and the tables of `docs/scenarios.md` and
//! `docs/incidents.md`.

mod accounts;
mod acts;
mod answers;
mod canned;
mod clock;
mod company;
mod compose;
mod delay;
pub(crate) mod edit;
pub mod export;
mod fields;
mod file;
mod grammar;
mod incident;
mod lint;
mod mistake;
mod names;
mod number;
mod outcomes;
mod portal;
pub mod recorded;
mod reference;
mod report;
mod rules;
mod schema;
mod scope;
mod secrecy;
mod server;
mod sessions;
mod states;
mod tags;
mod texts;
mod transfer;
mod tree;
mod user_portal;
mod user_settings;
mod users;
mod values;
mod when;
mod written;

use std::path::{Path, PathBuf};

pub use compose::LENGTH;
pub use incident::{Grade, IncidentFile, Symptom, incident_schema_text};
pub use mistake::{Code, Mistake, Mistakes, Place, Severity, summary};
pub(crate) use mistake::{closest, point, quoted};
pub use schema::{schema, schema_text};

use crate::engine::{Company, OnReload, PersonState, Rule, Setup, User};
use crate::sign_in::{Policy, Scheme};
use compose::Composer;
use fields::Reader;
use report::Report;
use tree::Node;
use written::Written;

/// A scenario as it is meant.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The file, as its reader named it.
    pub name: String,
    pub server: Server,
    pub setup: Setup,
    /// What a changed scenario does to what calls changed meanwhile.
    pub on_reload: OnReload,
    /// The files that it was read from; none where it was a text.
    pub files: Vec<PathBuf>,
    /// What it can serve with, and should be looked at.
    pub warnings: Mistakes,
}

/// What belongs to the listener, whatever happens behind it.
#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    /// How callers sign in, and who they can be. Names that the file does not say are empty.
    pub sign_in: Policy,
    /// The group whose members may call.
    pub group: String,
    /// What an account outside the group gets.
    pub outsider: Outsider,
    /// The files of the authorities whose client certificates are trusted; empty: the server's own authority.
    pub client_authorities: Vec<PathBuf>,
    /// Where the service answers; empty: in any folder, under `PfWsSdk.asmx`.
    pub paths: Vec<String>,
}

/// What an account outside the group gets. What the product answers is not public.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Outsider {
    /// 401, as if it had not signed in.
    #[default]
    Unauthorized,
    /// 403
    Forbidden,
    /// A SOAP fault.
    Fault,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            sign_in: Policy { schemes: vec![Scheme::Anonymous], ..Policy::default() },
            group: "PhoneFactor Admins".into(),
            outsider: Outsider::default(),
            client_authorities: Vec::new(),
            paths: Vec::new(),
        }
    }
}

/// Reads a scenario that is one text: it can use no files, and nothing of the environment. `source` is how mistakes name
/// the text.
///
/// # Errors
/// The mistakes in the text, in its order, where one of them is an error.
pub fn load(source: &str, text: &str) -> Result<Scenario, Mistakes> {
    load_listing(source, text, Mistakes::LISTED)
}

/// [`load`]; it lists up to so many mistakes.
pub(crate) fn load_listing(source: &str, text: &str, mistakes: usize) -> Result<Scenario, Mistakes> {
    let report = Report::listing(compose::FILES, mistakes);
    let mut composer = Composer::new(&report, &|_| None);
    let tree = composer.text(source, None, text.into());
    understood(source, &report, tree, Vec::new())
}

/// Reads one user, as it stands under `users`.
///
/// # Errors
/// As [`load`].
pub fn user(source: &str, text: &str, company: &Company) -> Result<User, Mistakes> {
    part(source, text, |_| (), |it| users::user(None, company).read(it))
}

/// Reads one new user, or a list of them, for a server of this company. A key that is `null` or empty says nothing. `true`
/// beside them: it is a list.
///
/// # Errors
/// As [`load`]; two users have the same name.
pub fn new_users(source: &str, text: &str, company: &Company) -> Result<(Vec<User>, bool), Mistakes> {
    part(source, text, users::without_empty_keys, |it| {
        let mut reader = users::user(None, company);
        let is_one = it.is_mapping() || it.is_text();
        let users = if is_one { vec![it] } else { it.list() };
        // After an error nothing comes of them.
        let users = users.into_iter().filter_map(|it| reader.read(it).filter(|_| !it.files().has_errors()));
        Some((users.collect(), !is_one))
    })
}

/// Reads one rule, as it stands under `rules`, for a server of this company and these states. `stored` gives the name of
/// a user as it is stored, by any form of it. The rule is called `unnamed` where it has no name. A key with `null` is as if
/// it were not there.
///
/// # Errors
/// As [`load`].
pub fn rule(
    source: &str,
    text: &str,
    unnamed: &str,
    company: &Company,
    stored: &dyn Fn(&str) -> Option<String>,
    states: &[PersonState],
) -> Result<Rule, Mistakes> {
    part(source, text, |it| it.take_out_nothing(), |it| rules::one(it, unnamed, company, stored, states))
}

/// Reads the file of an incident, for a server of this company. `name` is the incident's, which `source` holds. `stored`
/// gives the name of a user as it is stored, by any form of it.
///
/// # Errors
/// As [`load`].
pub fn incident(
    name: &str,
    source: &str,
    text: &str,
    company: &Company,
    stored: &dyn Fn(&str) -> Option<String>,
) -> Result<IncidentFile, Mistakes> {
    part(source, text, |_| (), |it| incident::read(it, name, company, stored))
}

/// Whether a text is the file of an incident and no scenario: it has a key that only incidents have.
#[must_use]
pub fn is_incident(text: &str) -> bool {
    let value = export::value("", text);
    value.is_ok_and(|it| ["about", "hits", "symptoms", "remedy"].iter().any(|key| it.get(key).is_some()))
}

/// A rule as it is written, in one line of YAML for lists: PINs, codes, passwords and what a person enters are left out.
#[must_use]
pub fn rule_without_secrets(written: &str) -> String {
    secrecy::without_secrets(written).unwrap_or_default()
}

/// Reads a part of a scenario; `prepare` changes its tree before.
fn part<T>(
    source: &str,
    text: &str,
    prepare: impl FnOnce(&mut Node<'_>),
    read: impl FnOnce(Written<'_>) -> Option<T>,
) -> Result<T, Mistakes> {
    let report = Report::new(1);
    let tree = Composer::new(&report, &|_| None).text(source, None, text.into());
    let read = tree.and_then(|mut root| {
        prepare(&mut root);
        read(Written::root(&report, &root))
    });
    secrecy::hide(&report);
    let mistakes = report.finish();
    match read {
        Some(read) if mistakes.iter().all(|it| it.severity < Severity::Error) => Ok(read),
        _ => Err(mistakes),
    }
}

/// Reads a scenario from a file, and the files that it uses: UTF-8, or UTF-16 with its mark, as Windows writes it.
/// The environment of this process stands for the variables that they declare.
///
/// # Errors
/// As [`load`]; a file that cannot be read is one mistake without a place.
pub fn load_file(path: &Path) -> Result<Scenario, Mistakes> {
    load_file_where(path, &from_environment)
}

/// [`load_file`], were this the file's text.
///
/// # Errors
/// As [`load`].
pub fn load_file_as(path: &Path, text: &str) -> Result<Scenario, Mistakes> {
    let source = path.display().to_string();
    let report = Report::new(compose::FILES);
    let mut composer = Composer::new(&report, &from_environment);
    let tree = composer.file_as(&source, path, text.into());
    understood(&source, &report, tree, composer.read)
}

fn from_environment(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "a scenario names what it asks the environment for")]
    std::env::var(name).ok()
}

/// [`load_file`] in an environment of the caller's own.
///
/// # Errors
/// As [`load_file`].
pub fn load_file_where(path: &Path, variable: &dyn Fn(&str) -> Option<String>) -> Result<Scenario, Mistakes> {
    let source = path.display().to_string();
    let report = Report::new(compose::FILES);
    let mut composer = Composer::new(&report, variable);
    let tree = composer.file(&source, path);
    let tree = tree.map_err(|why| Mistake::of_file(why.code, &source, why.message, why.help))?;
    understood(&source, &report, tree, composer.read)
}

/// What a tree means.
fn understood(
    source: &str,
    report: &Report,
    tree: Option<Node<'_>>,
    files: Vec<PathBuf>,
) -> Result<Scenario, Mistakes> {
    let scenario = tree.and_then(|root| {
        let written = Written::root(report, &root);
        if written.is_nothing() {
            let message = "nothing stands here but blanks and comments".into();
            let help = "A scenario without users says so: users: []. In PowerShell, Get-Content needs -Raw: without it, the lines become one, and a # makes a comment of all that follows.";
            return written.wrong(Code::Empty, message, [help.into()]);
        }
        if let Some(users) = written.under("users").filter(|it| it.is_nothing()) {
            let help = "The file may be half written. A scenario without users says so: users: [].";
            users.report(Code::Empty, "users has nothing below it".into(), [help.into()]);
        }
        let mut scenario = file::scenario(source).read(written)?;
        if !report.has_errors() {
            lint::look(written, &scenario.setup);
            scenario.setup.text = export::whole(report, &root).into();
        }
        Some(scenario)
    });
    secrecy::hide(report);
    let mistakes = report.finish();
    match scenario {
        Some(scenario) if mistakes.iter().all(|it| it.severity < Severity::Error) => {
            Ok(Scenario { warnings: mistakes, files, ..scenario })
        }
        _ => Err(mistakes),
    }
}

/// The scenario that serves where none is named.
#[must_use]
pub fn built_in() -> Scenario {
    load("built-in", include_str!("../../scenarios/built-in.yaml")).expect("a test loads it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_scenario_serves_mim() {
        let scenario = built_in();
        assert!(scenario.setup.users.iter().any(|it| it.username == "mimservice@contoso.com"));
        assert_eq!(scenario.server.sign_in.trust, crate::sign_in::Trust::Anybody);
    }
}
