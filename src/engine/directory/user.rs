//! One user.

use std::time::Duration;

use super::devices::Device;
use crate::contract::{Secret, UserAdministrator, UserSecurityQuestions, UserSettings};
use crate::engine::Timestamp;
use crate::engine::number::Number;
use crate::text::lower_case;

/// One user of the emulated server.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    /// As stored; compared without regard to letter case.
    pub username: String,
    /// The record of the contract, with the secrets.
    pub settings: UserSettings,
    /// For `PrimaryAuthUser`.
    pub password: Option<Secret>,
    pub block: Option<Block>,
    pub bypass: Option<Bypass>,
    /// When the PIN was set; the start of the space if the scenario does not say.
    pub pin_changed: Timestamp,
    /// The time step of the newest token code that was accepted. Codes of this step or before are refused.
    pub oath_step: Option<u64>,
    /// The identifiers of the user's tags.
    pub tags: Vec<String>,
    /// The phones with the mobile app.
    pub devices: Vec<Device>,
    pub questions: Option<Box<UserSecurityQuestions>>,
    /// The user's rights in the user portal. `None`: not an administrator.
    pub administrator: Option<Box<UserAdministrator>>,
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
            tags: Vec::new(),
            devices: Vec::new(),
            questions: None,
            administrator: None,
        }
    }

    /// Sets the times that a scenario leaves open: the age of the PIN counts back from `now`, and a block begins `now`.
    pub(in crate::engine) fn begin(&mut self, now: Timestamp) {
        if self.pin_changed == Timestamp::default() {
            let ago = Duration::try_from_secs_f64(self.settings.seconds_since_pin_change).unwrap_or_default();
            self.pin_changed = Timestamp::from_unix(now.unix().saturating_sub(ago));
        }
        if let Some(block) = self.block.as_mut().filter(|it| it.since == Timestamp::default()) {
            block.since = now;
        }
    }

    /// Whether a scenario describes both alike.
    pub(in crate::engine) fn is_written_as(&self, other: &Self) -> bool {
        let reason = |it: &Self| it.block.as_ref().map(|it| it.reason.clone());
        let rest = |it: &Self| (it.password.clone(), reason(it), it.questions.clone(), it.administrator.clone());
        self.username == other.username
            && self.settings == other.settings
            && self.tags == other.tags
            && self.devices == other.devices
            && rest(self) == rest(other)
    }

    /// The stored number, if it can be read.
    #[must_use]
    pub fn number(&self, default_country: &str) -> Option<Number> {
        let it = &self.settings;
        read(&it.phone, &it.country_code, &it.extension, default_country)
    }

    /// The number that is called when the first is not answered.
    #[must_use]
    pub fn backup_number(&self, default_country: &str) -> Option<Number> {
        let it = &self.settings;
        read(&it.backup_phone, &it.backup_country_code, &it.backup_extension, default_country)
    }

    /// Country code and number as stored.
    pub(super) fn whole_phone(&self) -> [&str; 2] {
        [&self.settings.country_code, &self.settings.phone].map(|it| it.as_deref().unwrap_or_default())
    }

    /// Whether the PIN is to be changed before it is accepted again.
    #[must_use]
    pub fn pin_is_stale(&self, now: Timestamp) -> bool {
        let days = u64::try_from(self.settings.pin_expiration_days).unwrap_or_default();
        let expired = days > 0 && now.since(self.pin_changed) > Duration::from_hours(24 * days);
        self.settings.pin_change_required || expired
    }

    /// The settings that an answer may carry: without secrets, unless the scenario reveals them.
    #[must_use]
    pub fn visible_settings(&self, now: Timestamp, reveal_secrets: bool) -> UserSettings {
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

/// Looks up any form of a name: `named` finds whole names, `by_account` the first user with a part before `@`, of a domain
/// where there is one; all in lower case. `DOMAIN\name`, `name` and `name@domain` are the same, and the domain decides
/// where it is that of a user, or its first label.
pub fn by_any_form<T>(
    username: &str,
    named: impl Fn(&str) -> Option<T>,
    by_account: impl Fn(&str, Option<&str>) -> Option<T>,
) -> Option<T> {
    let name = lower_case(username.trim());
    if let Some(found) = named(&name) {
        return Some(found);
    }
    let (domain, bare) = split_domain(&name);
    let in_domain = domain.filter(|_| !bare.contains('@')).and_then(|it| by_account(bare, Some(it)));
    if let Some(found) = in_domain.or_else(|| named(bare)) {
        return Some(found);
    }
    // `anna@fabrikam.com` is not `anna@contoso.com`: only a name without a domain matches one with a domain.
    match bare.split_once('@') {
        Some((account, _)) => named(account),
        None => by_account(bare, None),
    }
}

/// The domain that stands before a name, and the name.
pub(super) fn split_domain(name: &str) -> (Option<&str>, &str) {
    name.rsplit_once('\\').map_or((None, name), |(domain, bare)| (Some(domain), bare))
}

/// Whether a name, `anna@contoso.com`, is of a domain: `contoso.com` or `contoso`, letter case aside.
pub fn is_of_domain(username: &str, domain: &str) -> bool {
    let own = username.split_once('@').map_or("", |it| it.1);
    let first = own.split('.').next().unwrap_or_default();
    [own, first].iter().any(|it| !it.is_empty() && it.eq_ignore_ascii_case(domain))
}

fn read(
    number: &Option<String>,
    country: &Option<String>,
    extension: &Option<String>,
    default: &str,
) -> Option<Number> {
    let [number, country, extension] = [number, country, extension].map(|it| it.as_deref().unwrap_or_default());
    if number.is_empty() {
        return None;
    }
    Number::stored(country, number, extension).or_else(|| Number::read(number, country, extension, default).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_takes_less_than_a_kibibyte_beside_its_text() {
        // Two entries of a hash map and one of the order come on top, and the columns hold text alone.
        assert!(size_of::<User>() + 3 * 48 < 1024, "{}", size_of::<User>());
    }
}
