//! Users, and finding them by name or number.

use std::collections::HashMap;
use std::time::Duration;

use super::{Number, Timestamp};
use crate::contract::{Secret, UserSettings};

/// One user of the emulated server.
#[derive(Clone, Debug)]
pub struct User {
    /// As stored; compared without regard to letter case.
    pub username: String,
    /// What the contract tells of a user, the secrets included.
    pub settings: UserSettings,
    /// For `PrimaryAuthUser`.
    pub password: Option<Secret>,
    pub block: Option<Block>,
    pub bypass: Option<Bypass>,
    /// When the PIN was set; the scenario's start where it says nothing.
    pub pin_changed: Timestamp,
    /// The last time step whose OATH code was accepted: no code of it or before is accepted again.
    pub oath_step: Option<u64>,
}

/// Why a user or a person is blocked.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    pub since: Timestamp,
    pub reason: String,
}

/// A one-time bypass.
#[derive(Clone, Debug, PartialEq)]
pub struct Bypass {
    pub until: Timestamp,
    pub reason: String,
}

impl User {
    /// A user with nothing but a name.
    #[must_use]
    pub fn new(username: &str, settings: UserSettings) -> Self {
        Self {
            username: username.into(),
            settings,
            password: None,
            block: None,
            bypass: None,
            pin_changed: Timestamp::default(),
            oath_step: None,
        }
    }

    /// The stored number, if it can be read.
    #[must_use]
    pub fn number(&self, default_country: &str) -> Option<Number> {
        let it = &self.settings;
        read(&it.phone, &it.country_code, &it.extension, default_country)
    }

    /// The number that is called where nobody answers the first.
    #[must_use]
    pub fn backup_number(&self, default_country: &str) -> Option<Number> {
        let it = &self.settings;
        read(&it.backup_phone, &it.backup_country_code, &it.backup_extension, default_country)
    }

    /// Whether the PIN is to be changed before it is accepted again.
    #[must_use]
    pub fn pin_is_stale(&self, now: Timestamp) -> bool {
        let days = u64::try_from(self.settings.pin_expiration_days).unwrap_or_default();
        let expired = days > 0 && now.since(self.pin_changed) > Duration::from_hours(24 * days);
        self.settings.pin_change_required || expired
    }

    /// The settings as the service tells them: without secrets, unless the scenario reveals them.
    #[must_use]
    pub fn told(&self, now: Timestamp, reveal_secrets: bool) -> UserSettings {
        let mut settings = self.settings.clone();
        settings.seconds_since_pin_change = now.since(self.pin_changed).as_secs() as f64;
        settings.oath_token_exists = self.settings.oath_token_secret_key.is_some();
        if !reveal_secrets {
            let hidden = || Some(Secret::default());
            settings.pin = hidden();
            settings.historical_pin_values = hidden();
            settings.oath_token_secret_key = hidden();
            settings.static_token = hidden();
        }
        settings
    }
}

fn read(
    number: &Option<String>,
    country: &Option<String>,
    extension: &Option<String>,
    default: &str,
) -> Option<Number> {
    let text = |it: &Option<String>| it.clone().unwrap_or_default();
    Number::read(&text(number), &text(country), &text(extension), default).ok()
}

/// The users, by name and by number.
#[derive(Debug, Default)]
pub struct Directory {
    users: HashMap<String, User>,
    /// Stored names by the part before `@`, for callers that say `DOMAIN\name` or `name`.
    by_account: HashMap<String, String>,
    /// Stored names by their numbers' digits, the first user of a number first.
    by_number: HashMap<String, Vec<String>>,
}

impl Directory {
    /// Adds a user, or replaces the one of that name.
    pub fn insert(&mut self, user: User, default_country: &str) {
        let key = user.username.to_lowercase();
        let account = key.split('@').next().unwrap_or_default();
        self.by_account.entry(account.into()).or_insert_with(|| key.clone());
        if let Some(number) = user.number(default_country) {
            let owners = self.by_number.entry(number.digits().into()).or_default();
            if !owners.contains(&key) {
                owners.push(key.clone());
            }
        }
        self.users.insert(key, user);
    }

    /// The key of a user: `DOMAIN\name`, `name` and `name@domain` are the same, and letter case does not matter.
    #[must_use]
    pub fn find(&self, username: &str) -> Option<&User> {
        self.users.get(&self.key(username)?)
    }

    pub fn find_mut(&mut self, username: &str) -> Option<&mut User> {
        let key = self.key(username)?;
        self.users.get_mut(&key)
    }

    fn key(&self, username: &str) -> Option<String> {
        let name = username.trim().to_lowercase();
        if self.users.contains_key(&name) {
            return Some(name);
        }
        let bare = name.rsplit('\\').next().unwrap_or_default();
        if self.users.contains_key(bare) {
            return Some(bare.into());
        }
        let account = bare.split('@').next().unwrap_or_default();
        // `anna@fabrikam.com` is not `anna@contoso.com`: only a name without a domain stands for one with it.
        match self.users.contains_key(account) {
            true => Some(account.into()),
            false if bare.contains('@') => None,
            false => self.by_account.get(account).cloned(),
        }
    }

    /// The first user with that number.
    #[must_use]
    pub fn owner(&self, number: &Number) -> Option<&User> {
        self.users.get(self.by_number.get(number.digits())?.first()?)
    }

    pub fn owner_mut(&mut self, number: &Number) -> Option<&mut User> {
        self.users.get_mut(self.by_number.get(number.digits())?.first()?)
    }

    pub fn iter(&self) -> impl Iterator<Item = &User> {
        self.users.values()
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.users.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.users.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_under_every_form_of_the_name() {
        let mut directory = Directory::default();
        for name in ["mimservice@contoso.com", "Anna"] {
            directory.insert(User::new(name, UserSettings::default()), "1");
        }
        let find = |name| directory.find(name).map(|it| it.username.as_str());
        assert_eq!(find(r"CONTOSO\mimservice"), Some("mimservice@contoso.com"));
        assert_eq!(find("MIMSERVICE@contoso.com"), Some("mimservice@contoso.com"));
        assert_eq!(find("mimservice"), Some("mimservice@contoso.com"));
        assert_eq!(find("mimservice@fabrikam.com"), None);
        assert_eq!(find("anna@contoso.com"), Some("Anna"));
        assert_eq!(find(r"CONTOSO\ANNA"), Some("Anna"));
        assert_eq!(find("ann"), None);
    }
}
