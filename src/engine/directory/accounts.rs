//! Adding, replacing, renaming and removing users, and their telephone numbers.

use super::user::User;
use super::{Directory, require_name};
use crate::contract::{AddUserSettings, Mode, PhoneAppMode, SmsDirection, SmsMode, UserPhone, UserSettings};
use crate::engine::number::Number;
use crate::engine::{Refusal, Timestamp};

/// The longest username, in characters.
const USERNAME: usize = 256;

impl Directory {
    /// Adds a user. What the settings leave open is as in `default`.
    ///
    /// # Errors
    /// A refusal for a name that is empty, too long or taken, a number that cannot be read, a PIN that breaks a rule.
    pub(in crate::engine) fn add_user(
        &mut self,
        now: Timestamp,
        username: &str,
        it: AddUserSettings,
        default: UserSettings,
    ) -> Result<(), Refusal> {
        let username = self.free_name(username)?;
        let mut settings = UserSettings {
            first_name: it.first_name.or(default.first_name),
            last_name: it.last_name.or(default.last_name),
            email_address: it.email_address.or(default.email_address),
            user_group: it.user_group.or(default.user_group),
            mode: specified(it.mode, Mode::Invalid, Mode::Unspecified).unwrap_or(default.mode),
            pin_mode: it.pin_mode,
            sms_direction: specified(it.sms_direction, SmsDirection::Invalid, SmsDirection::Unspecified)
                .unwrap_or(default.sms_direction),
            sms_mode: specified(it.sms_mode, SmsMode::Invalid, SmsMode::Unspecified).unwrap_or(default.sms_mode),
            phone_app_mode: specified(it.phone_app_mode, PhoneAppMode::Invalid, PhoneAppMode::Unspecified)
                .unwrap_or(default.phone_app_mode),
            enabled: it.enabled,
            pin_change_required: it.pin_change_required,
            ..default
        };
        let phone = UserPhone {
            country_code: it.country_code,
            phone: it.phone,
            extension: it.extension,
            backup_country_code: it.backup_country_code,
            backup_phone: it.backup_phone,
            backup_extension: it.backup_extension,
        };
        PhoneChange::read(&phone, self.country_code())?.apply(&mut settings);
        let mut user = User { pin_changed: now, ..User::new(username, settings) };
        if let Some(pin) = it.pin.filter(|it| !it.reveal().is_empty()) {
            user.check_pin(pin.reveal())?;
            user.settings.pin = Some(pin);
        }
        self.add(user);
        Ok(())
    }

    /// Adds a whole user, as a scenario describes one. Phones without a number get one.
    ///
    /// # Errors
    /// A refusal for a name that is empty, too long or taken.
    pub(in crate::engine) fn insert_user(&mut self, now: Timestamp, mut user: User) -> Result<(), Refusal> {
        user.username = self.free_name(&user.username)?.into();
        user.pin_changed = now;
        self.insert(now, user);
        Ok(())
    }

    /// Replaces the user of that name by a whole one. The bypass and the used time steps of codes stay, and the age
    /// of the PIN if it is the same PIN.
    ///
    /// # Errors
    /// As [`Self::user`].
    pub(in crate::engine) fn replace_user(&mut self, now: Timestamp, mut user: User) -> Result<(), Refusal> {
        let old = self.user(&user.username)?.clone();
        let same_pin = user.settings.pin == old.settings.pin;
        user.pin_changed = if same_pin { old.pin_changed } else { now };
        if user.settings.oath_token_secret_key == old.settings.oath_token_secret_key {
            user.oath_step = old.oath_step;
        }
        for device in &mut user.devices {
            let same = old.devices.iter().find(|it| it.id == device.id && it.oath_key == device.oath_key);
            device.oath_step = same.and_then(|it| it.oath_step);
        }
        if let Some((block, old)) = user.block.as_mut().zip(old.block) {
            block.since = old.since;
        }
        user.bypass = old.bypass;
        self.remove(&old.username);
        self.insert(now, user);
        Ok(())
    }

    fn insert(&mut self, now: Timestamp, mut user: User) {
        if let Some(block) = user.block.as_mut().filter(|it| it.since == Timestamp::default()) {
            block.since = now;
        }
        let has_new_phones = user.devices.iter().any(|it| it.id.is_empty());
        self.add(user);
        if has_new_phones {
            self.number_devices();
        }
    }

    /// Removes a user and the activations under way, and returns the stored name.
    ///
    /// # Errors
    /// As [`Self::user`].
    pub(in crate::engine) fn delete_user(&mut self, username: &str) -> Result<String, Refusal> {
        let name = self.user(username)?.username.clone();
        self.remove(&name);
        self.devices.rename_user(&name, None);
        Ok(name)
    }

    /// Gives a user another name, under which activations go on. Returns the old and the new name as stored.
    ///
    /// # Errors
    /// As [`Self::user`] for the old name, as [`Self::add_user`] for the new one.
    pub(in crate::engine) fn rename_user<'a>(
        &mut self,
        username: &str,
        new: &'a str,
    ) -> Result<(String, &'a str), Refusal> {
        let old = self.user(username)?.username.clone();
        let new = match new.trim().to_lowercase() == old.to_lowercase() {
            true => new.trim(),
            false => self.free_name(new)?,
        };
        self.rename(&old, new);
        self.devices.rename_user(&old, Some(new));
        Ok((old, new))
    }

    /// Changes a user's settings, those that users are found by included.
    ///
    /// # Errors
    /// As [`Self::user`].
    pub fn change_information(
        &mut self,
        username: &str,
        change: impl FnOnce(&mut UserSettings),
    ) -> Result<(), Refusal> {
        let name = self.user(username)?.username.clone();
        self.change_settings(&name, change);
        Ok(())
    }

    /// Checks a user's password, the first factor.
    ///
    /// # Errors
    /// `WrongPassword`, and those of [`Self::user`].
    pub fn check_password(&self, username: &str, password: &str) -> Result<(), Refusal> {
        let user = self.user(username)?;
        match &user.password {
            Some(expected) if expected.reveal() == password => Ok(()),
            _ => Err(Refusal::WrongPassword { username: user.username.clone() }),
        }
    }

    /// A name that a user can get.
    fn free_name<'a>(&self, username: &'a str) -> Result<&'a str, Refusal> {
        require_name(username)?;
        let username = username.trim();
        if username.chars().count() > USERNAME {
            return Err(Refusal::TooLong { field: "username".into(), limit: USERNAME });
        }
        if username.contains(char::is_control) {
            return Err(Refusal::BadUsername { username: username.into() });
        }
        match self.has(username) {
            true => Err(Refusal::UsernameTaken { username: username.into() }),
            false => Ok(username),
        }
    }
}

/// The numbers that a user gets. `None`: the number stays as it is.
pub(in crate::engine) struct PhoneChange {
    first: Option<NewNumber>,
    backup: Option<NewNumber>,
}

struct NewNumber {
    /// `None`: the user has no number then.
    number: Option<Number>,
    default_country: String,
}

impl PhoneChange {
    /// Reads the numbers of a record. `default_country` is the country code of a number without one.
    ///
    /// # Errors
    /// `NotANumber`
    pub(in crate::engine) fn read(it: &UserPhone, default_country: &str) -> Result<Self, Refusal> {
        Ok(Self {
            first: NewNumber::read(&it.phone, &it.country_code, &it.extension, default_country)?,
            backup: NewNumber::read(&it.backup_phone, &it.backup_country_code, &it.backup_extension, default_country)?,
        })
    }

    /// The new numbers.
    pub(in crate::engine) fn numbers(&self) -> impl Iterator<Item = &Number> {
        [&self.first, &self.backup].into_iter().flatten().filter_map(|it| it.number.as_ref())
    }

    pub(in crate::engine) fn apply(self, settings: &mut UserSettings) {
        if let Some(first) = &self.first {
            [settings.country_code, settings.phone, settings.extension] = first.stored();
        }
        if let Some(backup) = &self.backup {
            [settings.backup_country_code, settings.backup_phone, settings.backup_extension] = backup.stored();
        }
    }
}

impl NewNumber {
    fn read(
        phone: &Option<String>,
        country: &Option<String>,
        extension: &Option<String>,
        default: &str,
    ) -> Result<Option<Self>, Refusal> {
        let Some(phone) = phone else { return Ok(None) };
        let text = |it: &Option<String>| it.clone().unwrap_or_default();
        let number = match phone.trim().is_empty() {
            true => None,
            false => Some(
                Number::read(phone, &text(country), &text(extension), default)
                    .map_err(|why| Refusal::NotANumber { text: phone.chars().take(USERNAME).collect(), why })?,
            ),
        };
        Ok(Some(Self { number, default_country: default.into() }))
    }

    /// Country code, number, extension.
    fn stored(&self) -> [Option<String>; 3] {
        let parts = match &self.number {
            Some(number) => number.kept(&self.default_country),
            None => (self.default_country.as_str(), "", ""),
        };
        [parts.0, parts.1, parts.2].map(|it| Some(it.into()))
    }
}

/// A value that is neither invalid nor unspecified.
fn specified<T: Copy + PartialEq>(value: T, invalid: T, unspecified: T) -> Option<T> {
    (value != invalid && value != unspecified).then_some(value)
}
