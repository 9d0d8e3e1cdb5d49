//! Users that come, go, and change: what is refused, and what follows from it.

use crate::contract::{AddUserSettings, Mode, PhoneAppMode, SmsDirection, SmsMode, UserPhone, UserSettings};
use crate::engine::{Engine, Number, Refusal, Timestamp, User, named};

/// The longest username, in characters.
const USERNAME: usize = 256;

impl Engine {
    /// Adds a user. What the settings leave open is the company's default.
    ///
    /// # Errors
    /// A refusal for a name that is taken or none, a number or a PIN that cannot be kept.
    pub fn add_user(&mut self, now: Timestamp, username: &str, it: AddUserSettings) -> Result<(), Refusal> {
        let username = self.free_name(username)?;
        let default = self.company.new_user();
        let mut settings = UserSettings {
            first_name: it.first_name.or(default.first_name),
            last_name: it.last_name.or(default.last_name),
            email_address: it.email_address.or(default.email_address),
            user_group: it.user_group.or(default.user_group),
            mode: given(it.mode, Mode::Invalid, Mode::Unspecified).unwrap_or(default.mode),
            pin_mode: it.pin_mode,
            sms_direction: given(it.sms_direction, SmsDirection::Invalid, SmsDirection::Unspecified)
                .unwrap_or(default.sms_direction),
            sms_mode: given(it.sms_mode, SmsMode::Invalid, SmsMode::Unspecified).unwrap_or(default.sms_mode),
            phone_app_mode: given(it.phone_app_mode, PhoneAppMode::Invalid, PhoneAppMode::Unspecified)
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
        self.readable(&phone)?.keep(&mut settings);
        let mut user = User { pin_changed: now, ..User::new(username, settings) };
        if let Some(pin) = it.pin.filter(|it| !it.reveal().is_empty()) {
            user.check_pin(pin.reveal())?;
            user.settings.pin = Some(pin);
        }
        self.users.add(user);
        Ok(())
    }

    /// Puts a user in as a whole, as a scenario has it: a new one, or in the place of the one who is called `instead`.
    /// That one's bypass and what was used up of codes stay, and the age of the PIN if it stays the same.
    ///
    /// # Errors
    /// As [`Self::user`] for the old name, as [`Self::add_user`] for the new one.
    pub fn put_user(&mut self, now: Timestamp, instead: Option<&str>, mut user: User) -> Result<(), Refusal> {
        user.pin_changed = now;
        match instead {
            None => user.username = self.free_name(&user.username)?.into(),
            Some(old) => {
                self.rename_user(old, &user.username)?;
                let old = self.users.remove(&user.username).expect("it was renamed to that");
                if user.settings.pin == old.settings.pin {
                    user.pin_changed = old.pin_changed;
                }
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
            }
        }
        if let Some(block) = user.block.as_mut().filter(|it| it.since == Timestamp::default()) {
            block.since = now;
        }
        let is_new = user.devices.iter().any(|it| it.id.is_empty());
        self.users.add(user);
        if is_new {
            self.number_devices();
        }
        Ok(())
    }

    /// Removes a user, and what is remembered under that name.
    ///
    /// # Errors
    /// As [`Self::user`].
    pub fn delete_user(&mut self, username: &str) -> Result<(), Refusal> {
        let name = self.user(username)?.username.clone();
        self.users.remove(&name);
        self.people.rename(&name, None);
        self.rules.rename(&name, None);
        self.challenges.rename(&name, None);
        self.move_activations(&name, None);
        Ok(())
    }

    /// Gives a user another name. Blocks, codes that are out and calls that ring go on under it.
    ///
    /// # Errors
    /// As [`Self::user`] for the old name, as [`Self::add_user`] for the new one.
    pub fn rename_user(&mut self, username: &str, new: &str) -> Result<(), Refusal> {
        let old = self.user(username)?.username.clone();
        let new = match new.trim().to_lowercase() == old.to_lowercase() {
            true => new.trim(),
            false => self.free_name(new)?,
        };
        self.users.rename(&old, new);
        self.people.rename(&old, Some(new));
        self.rules.rename(&old, Some(new));
        self.challenges.rename(&old, Some(new));
        self.move_activations(&old, Some(new));
        Ok(())
    }

    /// Changes the telephone numbers of a user. What is missing stays as it is.
    ///
    /// # Errors
    /// As [`Self::user`]; a refusal for what is no number, or a feature that the company does not have.
    pub fn change_phone(&mut self, username: &str, phone: &UserPhone) -> Result<(), Refusal> {
        let features = &self.company.features;
        Refusal::unless(features.change_phone, "ChangePhone")?;
        let name = self.user(username)?.username.clone();
        let numbers = self.readable(phone)?;
        for number in [&numbers.first, &numbers.backup].into_iter().flatten().filter_map(|it| it.number.as_ref()) {
            let own = number.kept(&self.company.country_code);
            Refusal::unless(features.international || own.0 == self.company.country_code, "International")?;
            Refusal::unless(features.extension_dialing || own.2.is_empty(), "ExtensionDialing")?;
        }
        self.users.change_settings(&name, |settings| numbers.keep(settings));
        Ok(())
    }

    /// Changes what a user is found by.
    ///
    /// # Errors
    /// As [`Self::user`].
    pub fn change_information(
        &mut self,
        username: &str,
        change: impl FnOnce(&mut UserSettings),
    ) -> Result<(), Refusal> {
        let name = self.user(username)?.username.clone();
        self.users.change_settings(&name, change);
        Ok(())
    }

    /// A name that nobody has.
    fn free_name<'a>(&self, username: &'a str) -> Result<&'a str, Refusal> {
        named(username)?;
        let username = username.trim();
        if username.chars().count() > USERNAME {
            return Err(Refusal::TooLong { field: "username".into(), limit: USERNAME });
        }
        if username.contains(char::is_control) {
            return Err(Refusal::BadUsername { username: username.into() });
        }
        match self.users.has(username) {
            true => Err(Refusal::UsernameTaken { username: username.into() }),
            false => Ok(username),
        }
    }

    /// The numbers of a record, if they can be read.
    fn readable(&self, it: &UserPhone) -> Result<Numbers, Refusal> {
        let default = &self.company.country_code;
        Ok(Numbers {
            first: Written::read(&it.phone, &it.country_code, &it.extension, default)?,
            backup: Written::read(&it.backup_phone, &it.backup_country_code, &it.backup_extension, default)?,
        })
    }
}

/// The numbers of a user as they are to be kept; `None`: as they are.
struct Numbers {
    first: Option<Written>,
    backup: Option<Written>,
}

struct Written {
    /// None: the user has none.
    number: Option<Number>,
    default_country: String,
}

impl Written {
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
    fn kept(&self) -> [Option<String>; 3] {
        let parts = match &self.number {
            Some(number) => number.kept(&self.default_country),
            None => (self.default_country.as_str(), "", ""),
        };
        [parts.0, parts.1, parts.2].map(|it| Some(it.into()))
    }
}

impl Numbers {
    fn keep(self, settings: &mut UserSettings) {
        if let Some(first) = &self.first {
            [settings.country_code, settings.phone, settings.extension] = first.kept();
        }
        if let Some(backup) = &self.backup {
            [settings.backup_country_code, settings.backup_phone, settings.backup_extension] = backup.kept();
        }
    }
}

/// What was said, unless it says nothing.
fn given<T: Copy + PartialEq>(value: T, invalid: T, unspecified: T) -> Option<T> {
    (value != invalid && value != unspecified).then_some(value)
}
