//! Phones with the mobile app: a code activates one, and a second code confirms that the app received its answer.

use std::time::Duration;

use data_encoding::BASE32_NOPAD;

use crate::contract::{ActivationInfo, Secret, UserDevice};
use crate::engine::{Engine, Refusal, Timestamp};

/// A phone with the mobile app.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Device {
    /// Empty: the engine gives one.
    pub id: String,
    /// What notifications are sent to.
    pub token: Secret,
    pub name: String,
    /// The app's.
    pub version: String,
    /// Base32; the app shows codes of it.
    pub oath_key: Option<Secret>,
    /// The last time step whose code of that key was accepted.
    pub oath_step: Option<u64>,
}

/// An activation that is under way.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Activation {
    /// Lower case.
    username: String,
    until: Timestamp,
    /// The phone that waits for its confirmation; none: the code was not used yet.
    device: Option<Device>,
}

/// How long a code lives.
const LIFETIME: Duration = Duration::from_mins(10);

/// The longest text that a phone says of itself, in bytes. Tokens of some notification services are web addresses.
const TEXT: usize = 4096;

impl Engine {
    /// A user's phones, as the service tells them.
    ///
    /// # Errors
    /// As [`Self::user`].
    pub fn devices(&self, username: &str) -> Result<Vec<UserDevice>, Refusal> {
        let told = |it: &Device| UserDevice {
            user_device_id: Some(it.id.clone()),
            device_token: Some(it.token.clone()),
            device_name: Some(it.name.clone()),
            phone_app_version: Some(it.version.clone()),
        };
        Ok(self.user(username)?.devices.iter().map(told).collect())
    }

    /// Makes a code with which a phone can be activated for a user. An earlier one no longer holds.
    ///
    /// # Errors
    /// As [`Self::user`]; `DeviceLimit`, `FeatureOff`.
    pub fn generate_activation_code(&mut self, now: Timestamp, username: &str) -> Result<Secret, Refusal> {
        Refusal::unless(self.company.features.phone_app, "PhoneApp")?;
        let username = self.user(username)?.username.to_lowercase();
        self.room_for_device(&username, &Secret::default())?;
        self.activations.retain(|_, it| it.until > now && (it.username != username || it.device.is_some()));
        let code = self.draw_activation_code();
        self.activations.insert(code.clone(), Activation { username, until: now + LIFETIME, device: None });
        Ok(code.into())
    }

    /// Activates a phone by a code, which then is used.
    ///
    /// # Errors
    /// `WrongActivationCode`, `DeviceLimit`, `FeatureOff`.
    pub fn activate(&mut self, now: Timestamp, code: &str, device: Device) -> Result<ActivationInfo, Refusal> {
        Refusal::unless(self.company.features.phone_app, "PhoneApp")?;
        for (field, text) in
            [("deviceToken", device.token.reveal()), ("deviceName", &device.name), ("version", &device.version)]
        {
            if text.len() > TEXT {
                return Err(Refusal::TooLong { field: field.into(), limit: TEXT });
            }
        }
        let code = code.trim();
        let held = self.activations.get(code).filter(|it| it.device.is_none() && now < it.until);
        let username = held.ok_or(Refusal::WrongActivationCode {})?.username.clone();
        self.room_for_device(&username, &device.token)?;
        self.activations.remove(code);

        let key: Vec<u8> = (0..3).flat_map(|_| self.draw().to_be_bytes()).take(20).collect();
        let oath_key = Secret::from(BASE32_NOPAD.encode(&key));
        let confirmation = self.draw_activation_code();
        let stored = self.user(&username)?.username.clone();
        let device = Device { oath_key: Some(oath_key.clone()), ..device };
        self.activations
            .insert(confirmation.clone(), Activation { username, until: now + LIFETIME, device: Some(device) });
        Ok(ActivationInfo {
            username: Some(stored),
            confirmation_code: Some(confirmation.into()),
            oath_token_secret_key: Some(oath_key),
            oath_token_enabled: self.company.features.oath_token,
        })
    }

    /// Makes an activated phone live. It takes the place of one with the same token.
    ///
    /// # Errors
    /// `WrongConfirmationCode`, `DeviceLimit`.
    pub fn confirm_activation(&mut self, now: Timestamp, code: &str) -> Result<(), Refusal> {
        let code = code.trim();
        let wrong = || Refusal::WrongConfirmationCode {};
        let held = self.activations.get(code).filter(|it| now < it.until).ok_or_else(wrong)?;
        let (username, device) = (held.username.clone(), held.device.clone().ok_or_else(wrong)?);
        self.room_for_device(&username, &device.token)?;
        self.activations.remove(code);
        let id = self.next_device_id();
        let user = self.user_mut(&username)?;
        user.devices.retain(|it| it.token != device.token || it.token == Secret::default());
        user.devices.push(Device { id, ..device });
        user.settings.phone_app_activated = true;
        Ok(())
    }

    /// Removes a phone. A user without one cannot be asked by the app.
    ///
    /// # Errors
    /// `UnknownDevice`
    pub fn delete_device(&mut self, id: &str) -> Result<(), Refusal> {
        let id = id.trim();
        let user = self.users.iter_mut().find(|it| it.devices.iter().any(|it| it.id == id));
        let user = user.ok_or_else(|| Refusal::UnknownDevice { id: id.into() })?;
        user.devices.retain(|it| it.id != id);
        user.settings.phone_app_activated = !user.devices.is_empty();
        Ok(())
    }

    /// Whose an activation or confirmation code is, for the audit trail; empty where it is nobody's.
    #[must_use]
    pub fn activates(&self, code: &str) -> String {
        self.activations.get(code.trim()).map(|it| it.username.clone()).unwrap_or_default()
    }

    /// Whose a device is, for the audit trail; empty where it is nobody's.
    #[must_use]
    pub fn device_owner(&self, id: &str) -> String {
        let owner = self.users.iter().find(|it| it.devices.iter().any(|it| it.id == id.trim()));
        owner.map(|it| it.username.clone()).unwrap_or_default()
    }

    pub(in crate::engine) fn move_activations(&mut self, from: &str, to: Option<&str>) {
        let from = from.to_lowercase();
        match to {
            None => self.activations.retain(|_, it| it.username != from),
            Some(to) => {
                let of_user = self.activations.values_mut().filter(|it| it.username == from);
                of_user.for_each(|it| it.username = to.to_lowercase());
            }
        }
    }

    /// Gives the scenario's phones their identifiers.
    pub(in crate::engine) fn number_devices(&mut self) {
        let mut next = self.next_device;
        let taken: std::collections::HashSet<String> =
            self.users.iter().flat_map(|it| &it.devices).map(|it| it.id.clone()).filter(|it| !it.is_empty()).collect();
        for device in self.users.iter_mut().flat_map(|it| &mut it.devices).filter(|it| it.id.is_empty()) {
            while taken.contains(&next.to_string()) {
                next += 1;
            }
            device.id = next.to_string();
            next += 1;
        }
        while taken.contains(&next.to_string()) {
            next += 1;
        }
        self.next_device = next;
    }

    fn room_for_device(&self, username: &str, token: &Secret) -> Result<(), Refusal> {
        let limit = usize::try_from(self.company.portal.device_limit).unwrap_or_default();
        let others =
            self.user(username)?.devices.iter().filter(|it| it.token != *token || it.token == Secret::default());
        match limit > 0 && others.count() >= limit {
            true => Err(Refusal::DeviceLimit { limit }),
            false => Ok(()),
        }
    }

    fn next_device_id(&mut self) -> String {
        let id = self.next_device;
        self.next_device += 1;
        id.to_string()
    }

    /// Nine digits that no other activation has.
    fn draw_activation_code(&mut self) -> String {
        loop {
            let code = format!("{:09}", self.draw() % 1_000_000_000);
            if !self.activations.contains_key(&code) {
                return code;
            }
        }
    }
}
