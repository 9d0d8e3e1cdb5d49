//! Names that stand once each.

use std::collections::HashMap;

use super::mistake::{Code, quoted};
use super::written::Written;

/// Names that must each be there once, whatever their letter case.
pub(super) struct Names {
    of: &'static str,
    /// Where each stands, by the name in lower case.
    places: HashMap<String, usize>,
}

impl Names {
    /// `of` says what has the names, in messages.
    pub(super) fn new(of: &'static str) -> Self {
        Self { of, places: HashMap::new() }
    }

    /// Adds a name that stands in a place; `None` where it is there already, which is a mistake.
    pub(super) fn add(&mut self, written: Written<'_>, name: &str) -> Option<String> {
        if let Some(first) = self.places.get(&name.to_lowercase()) {
            return written.wrong_with(Code::DuplicateName, || {
                let help = format!("The first stands in {}. Letter case makes no difference.", written.spot(*first));
                (format!("there is another {} {}", self.of, quoted(name)), [help])
            });
        }
        self.places.insert(name.to_lowercase(), written.at());
        Some(name.into())
    }
}
