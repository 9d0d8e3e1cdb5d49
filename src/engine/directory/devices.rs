//! Phones with the mobile app: a code activates one, and a second code confirms that the app received its answer.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use data_encoding::BASE32_NOPAD;

use super::Directory;
use crate::contract::{ActivationInfo, Secret, UserDevice};
use crate::engine::random::Random;
use crate::engine::{Refusal, Timestamp};
use crate::text::counted;

/// A phone with the mobile app.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Device {
    /// Empty: the directory gives it a number.
    pub id: String,
    /// The address of notifications.
    pub token: Secret,
    pub name: String,
    /// The app's.
    pub version: String,
    /// Base32; the app shows codes of it.
    pub oath_key: Option<Secret>,
    /// The time step of the newest code of that key that was accepted.
    pub oath_step: Option<u64>,
}

/// The numbers of phones, and the activations under way.
#[derive(Clone, Debug)]
pub(super) struct Devices {
    /// The number of the next phone.
    next_id: u64,
    /// By activation code, and by confirmation code.
    activations: HashMap<String, Activation>,
}

#[derive(Clone, Debug)]
struct Activation {
    /// Lower case.
    username: String,
    until: Timestamp,
    /// The phone that waits for its confirmation. `None`: the activation code is not used yet.
    device: Option<Device>,
}

/// How long a code is valid.
const LIFETIME: Duration = Duration::from_mins(10);

/// The longest text of a phone, in bytes. Tokens of some notification services are web addresses.
const TEXT: usize = 4096;

impl Default for Devices {
    fn default() -> Self {
        Self { next_id: 1, activations: HashMap::new() }
    }
}

impl Devices {
    /// Continues the activations of a user under another name. `None` ends them.
    pub(super) fn rename_user(&mut self, from: &str, to: Option<&str>) {
        let from = from.to_lowercase();
        match to {
            None => self.activations.retain(|_, it| it.username != from),
            Some(to) => {
                let of_user = self.activations.values_mut().filter(|it| it.username == from);
                of_user.for_each(|it| it.username = to.to_lowercase());
            }
        }
    }

    /// Gives no number that another directory has given.
    pub(super) fn skip_ids_of(&mut self, other: &Self) {
        self.next_id = self.next_id.max(other.next_id);
    }

    fn next_id(&mut self) -> String {
        let id = self.next_id;
        self.next_id += 1;
        id.to_string()
    }

    /// Nine digits that no other activation has.
    fn draw_code(&self, random: &mut Random) -> String {
        loop {
            let code = format!("{:09}", random.draw() % 1_000_000_000);
            if !self.activations.contains_key(&code) {
                return code;
            }
        }
    }
}

impl Directory {
    /// A user's phones, with the tokens that notifications go to if `reveal_secrets`; else the tokens are empty.
    ///
    /// # Errors
    /// As [`Self::user`].
    pub fn devices(&self, username: &str, reveal_secrets: bool) -> Result<Vec<UserDevice>, Refusal> {
        let record = |it: &Device| UserDevice {
            user_device_id: Some(it.id.clone()),
            device_token: Some(if reveal_secrets { it.token.clone() } else { Secret::default() }),
            device_name: Some(it.name.clone()),
            phone_app_version: Some(it.version.clone()),
        };
        Ok(self.user(username)?.devices.iter().map(record).collect())
    }

    /// Draws a code with which a phone can be activated for a user. It replaces an earlier one. The user can have
    /// `limit` phones; 0: any number.
    ///
    /// # Errors
    /// As [`Self::user`]; `DeviceLimit`.
    pub(in crate::engine) fn generate_activation_code(
        &mut self,
        now: Timestamp,
        username: &str,
        limit: usize,
        random: &mut Random,
    ) -> Result<Secret, Refusal> {
        let username = self.user(username)?.username.to_lowercase();
        self.check_room(&username, &Secret::default(), limit)?;
        self.devices.activations.retain(|_, it| it.until > now && (it.username != username || it.device.is_some()));
        let code = self.devices.draw_code(random);
        let activation = Activation { username, until: now + LIFETIME, device: None };
        self.devices.activations.insert(code.clone(), activation);
        Ok(code.into())
    }

    /// Activates a phone by a code, which then is used.
    ///
    /// # Errors
    /// `TooLong`, `WrongActivationCode`, `DeviceLimit`.
    pub(in crate::engine) fn activate(
        &mut self,
        now: Timestamp,
        code: &str,
        device: Device,
        limit: usize,
        random: &mut Random,
    ) -> Result<ActivationInfo, Refusal> {
        for (field, text) in
            [("deviceToken", device.token.reveal()), ("deviceName", &device.name), ("version", &device.version)]
        {
            if text.len() > TEXT {
                return Err(Refusal::TooLong { field: field.into(), limit: TEXT });
            }
        }
        let code = code.trim();
        let activation = self.devices.activations.get(code).filter(|it| it.device.is_none() && now < it.until);
        let username = activation.ok_or(Refusal::WrongActivationCode {})?.username.clone();
        self.check_room(&username, &device.token, limit)?;
        self.devices.activations.remove(code);

        let key: Vec<u8> = (0..3).flat_map(|_| random.draw().to_be_bytes()).take(20).collect();
        let oath_key = Secret::from(BASE32_NOPAD.encode(&key));
        let confirmation = self.devices.draw_code(random);
        let stored = self.user(&username)?.username.clone();
        let device = Some(Device { oath_key: Some(oath_key.clone()), ..device });
        let activation = Activation { username, until: now + LIFETIME, device };
        self.devices.activations.insert(confirmation.clone(), activation);
        Ok(ActivationInfo {
            username: Some(stored),
            confirmation_code: Some(confirmation.into()),
            oath_token_secret_key: Some(oath_key),
            oath_token_enabled: false,
        })
    }

    /// Gives an activated phone to its user. It replaces one with the same token.
    ///
    /// # Errors
    /// `WrongConfirmationCode`, `DeviceLimit`.
    pub(in crate::engine) fn confirm_activation(
        &mut self,
        now: Timestamp,
        code: &str,
        limit: usize,
    ) -> Result<(), Refusal> {
        let code = code.trim();
        let wrong = || Refusal::WrongConfirmationCode {};
        let activation = self.devices.activations.get(code).filter(|it| now < it.until).ok_or_else(wrong)?;
        let (username, device) = (activation.username.clone(), activation.device.clone().ok_or_else(wrong)?);
        self.check_room(&username, &device.token, limit)?;
        self.devices.activations.remove(code);
        let id = self.devices.next_id();
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
        let user = self.users.matching_mut(|it| it.devices.iter().any(|it| it.id == id)).next();
        let user = user.ok_or_else(|| Refusal::UnknownDevice { id: id.into() })?;
        user.devices.retain(|it| it.id != id);
        user.settings.phone_app_activated = !user.devices.is_empty();
        Ok(())
    }

    /// The user of an activation or confirmation code, for the audit trail; empty for an unknown code.
    #[must_use]
    pub fn activation_owner(&self, code: &str) -> String {
        self.devices.activations.get(code.trim()).map(|it| it.username.clone()).unwrap_or_default()
    }

    /// The user of a phone, for the audit trail; empty for an unknown number.
    #[must_use]
    pub fn device_owner(&self, id: &str) -> String {
        let owner = self.iter().find(|it| it.devices.iter().any(|it| it.id == id.trim()));
        owner.map(|it| it.username.clone()).unwrap_or_default()
    }

    /// Gives numbers to the phones that have none, in the order of the slots.
    pub(super) fn number_devices(&mut self) {
        let Self { users, devices: Devices { next_id: next, .. }, .. } = self;
        let ids = users.in_slots().flatten().flat_map(|it| &it.devices).map(|it| it.id.clone());
        let taken: HashSet<String> = ids.filter(|it| !it.is_empty()).collect();
        let new = users.matching_mut(|it| it.devices.iter().any(|it| it.id.is_empty()));
        for device in new.flat_map(|it| &mut it.devices).filter(|it| it.id.is_empty()) {
            while taken.contains(&next.to_string()) {
                *next += 1;
            }
            device.id = next.to_string();
            *next += 1;
        }
        while taken.contains(&next.to_string()) {
            *next += 1;
        }
    }

    /// Whether a user can have one phone more, or one in the place of that with the same token.
    fn check_room(&self, username: &str, token: &Secret, limit: usize) -> Result<(), Refusal> {
        let others =
            self.user(username)?.devices.iter().filter(|it| it.token != *token || it.token == Secret::default());
        match limit > 0 && others.count() >= limit {
            true => Err(Refusal::DeviceLimit { devices: counted(limit, "device") }),
            false => Ok(()),
        }
    }
}
