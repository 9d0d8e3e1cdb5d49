//! Scenario files: from YAML text to what a server is to be, or to every mistake in the text.
//!
//! `tree` reads YAML and keeps the places, `reader` reads values and reports what does not fit, `meaning` knows the
//! grammar, `portal` the part of it that MIM does not need, `mistake` is what people get to see.

pub mod import;
mod meaning;
mod mistake;
mod portal;
mod reader;
mod tree;

use std::path::Path;

pub use mistake::{Code, Mistake, Place};

use crate::contract::Secret;
use crate::engine::Setup;
use reader::{Report, Written};

/// A scenario as it is meant.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The file, as its reader named it.
    pub name: String,
    pub server: Server,
    /// Who may call.
    pub accounts: Vec<Account>,
    pub setup: Setup,
}

/// What belongs to the listener, whatever happens behind it.
#[derive(Clone, Debug, Default)]
pub struct Server {
    pub sign_in: SignIn,
    /// Where the service answers; empty: in any folder, under `PfWsSdk.asmx`.
    pub paths: Vec<String>,
}

/// How callers say who they are.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum SignIn {
    /// They do not.
    #[default]
    None,
    /// User name and password with every call.
    Basic,
}

/// A Windows account that calls.
#[derive(Clone, Debug)]
pub struct Account {
    /// `DOMAIN\name`, `name@domain` or `name`.
    pub name: String,
    pub password: Option<Secret>,
    pub groups: Vec<String>,
}

/// Reads a scenario. `source` is how mistakes name the text.
///
/// # Errors
/// Every mistake in the text, in its order.
pub fn load(source: &str, text: &str) -> Result<Scenario, Vec<Mistake>> {
    let report = Report::new(source, text.strip_prefix('\u{feff}').unwrap_or(text));
    let scenario = tree::read(&report).map(|root| meaning::scenario(source, Written::root(&report, &root)));
    let mistakes = report.finish();
    match scenario {
        Some(scenario) if mistakes.is_empty() => Ok(scenario),
        _ => Err(mistakes),
    }
}

/// Reads a scenario from a file: UTF-8, or UTF-16 with its mark, as Windows writes it.
///
/// # Errors
/// As [`load`]; a file that cannot be read is one mistake without a place.
pub fn load_file(path: &Path) -> Result<Scenario, Vec<Mistake>> {
    let source = path.display().to_string();
    let unreadable = |message, help| vec![Mistake::of_file(Code::Unreadable, &source, message, help)];
    let bytes = std::fs::read(path).map_err(|error| {
        unreadable(format!("the file cannot be read: {error}"), "Check the path and the permissions.")
    })?;
    let encoding = encoding_rs::Encoding::for_bom(&bytes).map_or(encoding_rs::UTF_8, |it| it.0);
    match encoding.decode_with_bom_removal(&bytes) {
        (text, false) => load(&source, &text),
        (_, true) => {
            Err(unreadable(format!("the file is no text in {}", encoding.name()), "Save it as UTF-8 in your editor."))
        }
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
        assert_eq!(scenario.accounts[0].groups, ["PhoneFactor Admins"]);
    }
}
