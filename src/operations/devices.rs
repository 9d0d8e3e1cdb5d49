//! Phones with the mobile app.

use crate::contract::{ActivationInfo, ActivationParams, Secret, UserDevice};

operation! {
    /// Lists the phones of a user that have the mobile app.
    "GetUserDevices" => GetUserDevices {
        /// The account; `DOMAIN\name`, `name` and `name@domain` are the same user. Letter case does not matter.
        "username" => username: Option<String>,
    } -> GetUserDevicesOut {
        "userDevices" => user_devices: Option<Vec<UserDevice>>,
    }
}

operation! {
    /// Removes a phone.
    "DeleteUserDevice" => DeleteUserDevice {
        "userDeviceId" => user_device_id: Option<String>,
        /// Who makes the change.
        "modifyUsername" => modify_username: Option<String>,
    } -> DeleteUserDeviceOut {}
}

operation! {
    /// Makes a code with which a user activates the mobile app.
    "GenerateActivationCode" => GenerateActivationCode {
        /// The account; `DOMAIN\name`, `name` and `name@domain` are the same user. Letter case does not matter.
        "username" => username: Option<String>,
    } -> GenerateActivationCodeOut {
        "activationCode" => activation_code: Option<Secret>,
    }
}

operation! {
    /// Activates a mobile app with a code.
    "Activate" => Activate {
        "activationCode" => activation_code: Option<Secret>,
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
    /// Confirms that a mobile app received what it was told.
    "ConfirmActivation" => ConfirmActivation {
        "confirmationCode" => confirmation_code: Option<Secret>,
    } -> ConfirmActivationOut {}
}

later! {
    GetUserDevices -> GetUserDevicesOut,
    DeleteUserDevice -> DeleteUserDeviceOut,
    GenerateActivationCode -> GenerateActivationCodeOut,
    Activate -> ActivateOut,
    ActivateNew -> ActivateNewOut,
    ConfirmActivation -> ConfirmActivationOut,
}
