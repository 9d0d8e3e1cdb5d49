//! Phones with the mobile app.

use super::{Answer, Answers, Context, Rejection, secret, text};
use crate::contract::{ActivationInfo, ActivationParams, Secret, UserDevice};
use crate::engine::{Change, Device, Refusal};

operation! {
    /// Lists the phones of a user that have the mobile app.
    "GetUserDevices" => GetUserDevices {
        "username" => username: Option<String>,
    } -> GetUserDevicesOut {
        "userDevices" => user_devices: Option<Vec<UserDevice>>,
    }
}

operation! {
    /// Removes a phone.
    "DeleteUserDevice" => DeleteUserDevice {
        /// Of `GetUserDevices`.
        "userDeviceId" => user_device_id: Option<String>,
        "modifyUsername" => modify_username: Option<String>,
    } -> DeleteUserDeviceOut {}
}

operation! {
    /// Makes a code with which a user activates the mobile app.
    "GenerateActivationCode" => GenerateActivationCode {
        "username" => username: Option<String>,
    } -> GenerateActivationCodeOut {
        /// Nine digits that live ten minutes and are used once.
        "activationCode" => activation_code: Option<Secret>,
    }
}

operation! {
    /// Activates a mobile app with a code.
    "Activate" => Activate {
        /// Of `GenerateActivationCode`.
        "activationCode" => activation_code: Option<Secret>,
        /// Where notifications go. A phone with the same one is replaced.
        "deviceToken" => device_token: Option<Secret>,
        "deviceName" => device_name: Option<String>,
    } -> ActivateOut {
        "activationInfo" => activation_info: Option<ActivationInfo>,
    }
}

operation! {
    /// Activates a mobile app with a code, saying its version and token counter.
    "ActivateNew" => ActivateNew {
        "activationParams" => activation_params: Option<ActivationParams>,
    } -> ActivateNewOut {
        "activationInfo" => activation_info: Option<ActivationInfo>,
    }
}

operation! {
    /// Confirms that a mobile app received its activation.
    "ConfirmActivation" => ConfirmActivation {
        /// Of `ActivationInfo`.
        "confirmationCode" => confirmation_code: Option<Secret>,
    } -> ConfirmActivationOut {}
}

impl Answers for GetUserDevices {
    type Out = GetUserDevicesOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        let devices = context.space.update(|engine, _| {
            Refusal::unless(engine.company().features.phone_app, "PhoneApp")?;
            engine.directory().devices(text(&self.username), engine.company().reveal_secrets)
        })?;
        Ok(GetUserDevicesOut { user_devices: Some(devices) }.into())
    }
}

impl Answers for DeleteUserDevice {
    type Out = DeleteUserDeviceOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        let id = text(&self.user_device_id);
        let owner = context.space.update(|engine, _| engine.directory().device_owner(id));
        let asked = Change { username: &owner, by: text(&self.modify_username), detail: id, ..Change::default() };
        context.change(asked, |engine, _| engine.directory_mut().delete_device(id).map(|()| DeleteUserDeviceOut {}))
    }
}

impl Answers for GenerateActivationCode {
    type Out = GenerateActivationCodeOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        let username = text(&self.username);
        context.change(Change { username, ..Change::default() }, |engine, now| {
            let code = engine.generate_activation_code(now, username)?;
            Ok(GenerateActivationCodeOut { activation_code: Some(code) })
        })
    }
}

impl Answers for Activate {
    type Out = ActivateOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        let device = Device {
            token: self.device_token.unwrap_or_default(),
            name: self.device_name.unwrap_or_default(),
            ..Device::default()
        };
        let Answer { out, refusal, note } = activate(context, secret(&self.activation_code), device)?;
        Ok(Answer { out: ActivateOut { activation_info: Some(out) }, refusal, note })
    }
}

impl Answers for ActivateNew {
    type Out = ActivateNewOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        let it = self.activation_params.ok_or(Refusal::NoRecord { record: "activationParams" })?;
        let device = Device {
            token: it.device_token.unwrap_or_default(),
            name: it.device_name.unwrap_or_default(),
            version: it.version.unwrap_or_default(),
            ..Device::default()
        };
        let Answer { out, refusal, note } = activate(context, secret(&it.activation_code), device)?;
        Ok(Answer { out: ActivateNewOut { activation_info: Some(out) }, refusal, note })
    }
}

impl Answers for ConfirmActivation {
    type Out = ConfirmActivationOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        let code = secret(&self.confirmation_code);
        let username = context.space.update(|engine, _| engine.directory().activation_owner(code));
        context.change(Change { username: &username, ..Change::default() }, |engine, now| {
            engine.confirm_activation(now, code).map(|()| ConfirmActivationOut {})
        })
    }
}

fn activate(context: Context<'_>, code: &str, device: Device) -> Result<Answer<ActivationInfo>, Rejection> {
    let username = context.space.update(|engine, _| engine.directory().activation_owner(code));
    let asked = Change { username: &username, ..Change::default() };
    context.change(asked, |engine, now| engine.activate(now, code, device))
}
