//! What operations change of users: the company's settings allow it and set limits, the directory does it, and what
//! other parts remember under a username follows.

use std::time::Duration;

use super::directory::{Device, PhoneChange};
use super::{Bypass, Engine, Refusal, Timestamp, User};
use crate::contract::{
    ActivationInfo, AddUserSettings, Secret, UserPhone, UserPin, UserSecurityAnswerResults, UserSecurityQuestions,
};

impl Engine {
    /// Adds a user. What the settings leave open is the company's default.
    ///
    /// # Errors
    /// A refusal for a name that is empty, too long or taken, a number that cannot be read, a PIN that breaks a rule.
    pub fn add_user(&mut self, now: Timestamp, username: &str, it: AddUserSettings) -> Result<(), Refusal> {
        self.users.add_user(now, username, it, self.company.new_user())
    }

    /// Puts in a whole user, as a scenario describes one: a new user, or in place of the one with the name `instead`,
    /// whose bypass, used codes and age of an unchanged PIN stay.
    ///
    /// # Errors
    /// As [`Self::rename_user`].
    pub fn put_user(&mut self, now: Timestamp, instead: Option<&str>, user: User) -> Result<(), Refusal> {
        let Some(old) = instead else { return self.users.insert_user(now, user) };
        self.rename_user(old, &user.username)?;
        self.users.replace_user(now, user)
    }

    /// Removes a user, and all that is remembered under the name.
    ///
    /// # Errors
    /// `NoUsername`, `UserNotFound`.
    pub fn delete_user(&mut self, username: &str) -> Result<(), Refusal> {
        let name = self.users.delete_user(username)?;
        self.rename_memory(&name, None);
        Ok(())
    }

    /// Gives a user another name. Blocks, codes that were sent and calls that ring go on under it.
    ///
    /// # Errors
    /// `UserNotFound` for the old name, as [`Self::add_user`] for the new one.
    pub fn rename_user(&mut self, username: &str, new: &str) -> Result<(), Refusal> {
        let (old, new) = self.users.rename_user(username, new)?;
        self.rename_memory(&old, Some(new));
        Ok(())
    }

    /// Moves what the other parts remember under a username to another one. `None` forgets it.
    fn rename_memory(&mut self, from: &str, to: Option<&str>) {
        self.rules.rename(from, to);
        self.challenges.rename(from, to);
    }

    /// Changes the telephone numbers of a user. What is missing stays as it is.
    ///
    /// # Errors
    /// `UserNotFound`, `NotANumber`, and `FeatureOff` for a number that the company's licence does not cover.
    pub fn change_phone(&mut self, username: &str, phone: &UserPhone) -> Result<(), Refusal> {
        let features = &self.company.features;
        Refusal::unless(features.change_phone, "ChangePhone")?;
        let name = self.users.user(username)?.username.clone();
        let change = PhoneChange::read(phone, &self.company.country_code)?;
        for number in change.numbers() {
            let (country, _, extension) = number.kept(&self.company.country_code);
            Refusal::unless(features.international || country == self.company.country_code, "International")?;
            Refusal::unless(features.extension_dialing || extension.is_empty(), "ExtensionDialing")?;
        }
        self.users.change_settings(&name, |settings| change.apply(settings));
        Ok(())
    }

    /// Lets the next authentication of a user pass without a challenge. 0 seconds: the company's default.
    ///
    /// # Errors
    /// `NoUsername`, `UserNotFound`.
    pub fn bypass_once(&mut self, now: Timestamp, username: &str, reason: &str, seconds: u32) -> Result<(), Refusal> {
        let lasts = match seconds {
            0 => self.company.bypass,
            seconds => Duration::from_secs(seconds.into()),
        };
        self.users.user_mut(username)?.bypass = Some(Bypass { until: now + lasts, reason: reason.into() });
        Ok(())
    }

    /// Changes a user's PIN, and whether it must be changed. A missing PIN stays.
    ///
    /// # Errors
    /// `FeatureOff`, `UserNotFound`, and a refusal for a PIN that breaks a rule.
    pub fn change_pin(&mut self, now: Timestamp, username: &str, it: &UserPin) -> Result<(), Refusal> {
        Refusal::unless(self.company.features.pin_mode, "PinMode")?;
        self.users.change_pin(now, username, it)
    }

    /// Gives a user an OATH token, once a code proves that the user holds it. Interval 0 stands for 30 seconds.
    ///
    /// # Errors
    /// `FeatureOff`, `UserNotFound`, `TooLong`, `BadSecretKey`, `BadInterval`, `WrongOathCode`.
    pub fn enroll_token(
        &mut self,
        now: Timestamp,
        username: &str,
        key: &str,
        code: &str,
        interval: i32,
    ) -> Result<(), Refusal> {
        Refusal::unless(self.company.features.oath_token, "OathToken")?;
        self.users.enroll_token(now, username, key, code, interval)
    }

    /// Gives a user the company's token of a serial number, once a code proves that the user holds it.
    ///
    /// # Errors
    /// As [`Self::enroll_token`]; `UnknownToken`, and `TokenTaken`, which names the user who has it.
    pub fn assign_token(&mut self, now: Timestamp, username: &str, serial: &str, code: &str) -> Result<(), Refusal> {
        Refusal::unless(self.company.features.oath_token, "OathToken")?;
        self.users.assign_token(now, username, serial, code, &self.company.tokens)
    }

    /// Changes a user's static token; an empty one removes it.
    ///
    /// # Errors
    /// `FeatureOff`, `UserNotFound`, `TooLong`.
    pub fn change_static_token(&mut self, username: &str, token: &str) -> Result<(), Refusal> {
        Refusal::unless(self.company.features.static_token, "StaticToken")?;
        self.users.change_static_token(username, token)
    }

    /// Checks a user's static token.
    ///
    /// # Errors
    /// `FeatureOff`, `UserNotFound`, `NoStaticToken`, `WrongStaticToken`.
    pub fn validate_static_token(&self, username: &str, token: &str) -> Result<(), Refusal> {
        Refusal::unless(self.company.features.static_token, "StaticToken")?;
        self.users.validate_static_token(username, token)
    }

    /// A user's security questions; the answers only where the scenario reveals secrets.
    ///
    /// # Errors
    /// `NoUsername`, `UserNotFound`.
    pub fn questions(&self, username: &str) -> Result<UserSecurityQuestions, Refusal> {
        self.users.questions(username, self.company.reveal_secrets)
    }

    /// Checks the answers to a user's security questions, of which as many must be right as the portal asks for.
    ///
    /// # Errors
    /// `UserNotFound`, `NoQuestions`.
    pub fn check_answers(
        &self,
        username: &str,
        answers: UserSecurityQuestions,
    ) -> Result<(UserSecurityAnswerResults, Result<(), Refusal>), Refusal> {
        let needed = usize::try_from(self.company.portal.security_questions_to_answer).unwrap_or_default().max(1);
        self.users.check_answers(username, answers, needed)
    }

    /// Draws a code with which a phone can be activated for a user. It replaces an earlier one.
    ///
    /// # Errors
    /// `FeatureOff`, `UserNotFound`, `DeviceLimit`.
    pub fn generate_activation_code(&mut self, now: Timestamp, username: &str) -> Result<Secret, Refusal> {
        Refusal::unless(self.company.features.phone_app, "PhoneApp")?;
        let limit = self.device_limit();
        self.users.generate_activation_code(now, username, limit, &mut self.random)
    }

    /// Activates a phone by a code, which then is used.
    ///
    /// # Errors
    /// `FeatureOff`, `TooLong`, `WrongActivationCode`, `DeviceLimit`.
    pub fn activate(&mut self, now: Timestamp, code: &str, device: Device) -> Result<ActivationInfo, Refusal> {
        Refusal::unless(self.company.features.phone_app, "PhoneApp")?;
        let limit = self.device_limit();
        let info = self.users.activate(now, code, device, limit, &mut self.random)?;
        Ok(ActivationInfo { oath_token_enabled: self.company.features.oath_token, ..info })
    }

    /// Gives an activated phone to its user. It replaces one with the same token.
    ///
    /// # Errors
    /// `WrongConfirmationCode`, `DeviceLimit`.
    pub fn confirm_activation(&mut self, now: Timestamp, code: &str) -> Result<(), Refusal> {
        let limit = self.device_limit();
        self.users.confirm_activation(now, code, limit)
    }

    /// How many phones a user can have; 0: any number.
    fn device_limit(&self) -> usize {
        usize::try_from(self.company.portal.device_limit).unwrap_or_default()
    }
}
