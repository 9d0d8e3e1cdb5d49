//! The subject of a call: the account that it names, the number that it calls, and the user who has that number.

use std::sync::Arc;

use crate::engine::directory::{Directory, User};
use crate::engine::number::{NotANumber, Number};

/// The number that comes with a call, as sent.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct GivenNumber<'a> {
    pub country_code: &'a str,
    /// Empty: the stored number is called.
    pub phone: &'a str,
    pub extension: &'a str,
}

/// The people that a call concerns. Every part of the engine that needs them takes them from [`Subject::resolve`].
#[derive(Clone, Debug)]
pub(in crate::engine) struct Subject<'a> {
    /// As stored where the user is known, else as sent.
    pub username: &'a str,
    /// The user of that name.
    pub account: Option<&'a User>,
    /// The user whose number is called.
    pub owner: Option<&'a User>,
    /// The user who is asked: the owner of a number that comes with the call, else the account.
    pub person: Option<&'a User>,
    /// The number that is called: given with the call, or stored. `Err`: the given text is not a number.
    pub number: Result<Option<Arc<Number>>, NotANumber>,
    /// Whether the number came with the call.
    pub number_given: bool,
}

impl<'a> Subject<'a> {
    /// Looks up the account, the number and its owner: one lookup by name, one by number. `default_country` stands in
    /// for a missing country code.
    pub(in crate::engine) fn resolve(
        directory: &'a Directory,
        default_country: &str,
        username: &'a str,
        given: GivenNumber<'_>,
    ) -> Self {
        let found = directory.find_with_number(username);
        let account = found.map(|it| it.0);
        let number_given = !given.phone.trim().is_empty();
        let number = match number_given {
            true => Number::read(given.phone, given.country_code, given.extension, default_country)
                .map(|it| Some(it.into())),
            false => Ok(found.and_then(|it| it.1).cloned()),
        };
        let owner = number.as_ref().ok().and_then(|it| directory.owner(it.as_ref()?));
        let person = if number_given { owner } else { account };
        let username = account.map_or(username, |it| it.username.as_str());
        Self { username, account, owner, person, number, number_given }
    }

    /// The number that is called, if there is one that can be read.
    pub(in crate::engine) fn number(&self) -> Option<&Number> {
        self.number.as_ref().ok()?.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::UserSettings;

    fn user(username: &str, phone: &str) -> User {
        let settings = UserSettings { phone: Some(phone.into()), ..UserSettings::default() };
        User::new(username, settings)
    }

    fn name(user: Option<&User>) -> Option<&str> {
        user.map(|it| it.username.as_str())
    }

    #[test]
    fn a_number_that_comes_with_the_call_decides_who_is_asked() {
        let directory = Directory::new(vec![user("mim", ""), user("anna", "4255550100")], "1");
        let resolve = |username, phone| {
            Subject::resolve(&directory, "1", username, GivenNumber { country_code: "", phone, extension: "" })
        };

        let stored = resolve("ANNA", " ");
        assert_eq!((stored.username, stored.number_given), ("anna", false));
        assert_eq!(
            (name(stored.account), name(stored.owner), name(stored.person)),
            (Some("anna"), Some("anna"), Some("anna"))
        );

        let given = resolve("mim", "+1 425 555 0100");
        assert_eq!(
            (name(given.account), name(given.owner), name(given.person)),
            (Some("mim"), Some("anna"), Some("anna"))
        );

        let stranger = resolve("mim", "+1 425 555 0199");
        assert_eq!((name(stranger.account), name(stranger.person)), (Some("mim"), None));
        assert_eq!(stranger.number.unwrap().unwrap().digits(), "14255550199");

        let unreadable = resolve("stranger", "12");
        assert_eq!((unreadable.username, name(unreadable.account)), ("stranger", None));
        assert_eq!(unreadable.number, Err(NotANumber::Length(2)));
    }
}
