//! Telephone numbers, and how the second factor reaches a user.

use super::{Answer, Answers, Context, No, text};
use crate::contract::{Mode, ModeV2, PhoneAppMode, PinMode, SmsDirection, SmsMode, UserPhone};

operation! {
    /// Reads the telephone numbers of a user.
    "GetPhone" => GetPhone {
        /// The account; `DOMAIN\name`, `name` and `name@domain` are the same user. Letter case does not matter.
        "username" => username: Option<String>,
    } -> GetPhoneOut {
        "userPhone" => user_phone: Option<UserPhone>,
    }
}

operation! {
    /// Changes the telephone numbers of a user.
    "ChangePhone" => ChangePhone {
        /// The account; `DOMAIN\name`, `name` and `name@domain` are the same user. Letter case does not matter.
        "username" => username: Option<String>,
        "userPhone" => user_phone: Option<UserPhone>,
        /// Whether the user is told by mail.
        "sendEmail" => send_email: bool,
        /// Who makes the change.
        "modifyUsername" => modify_username: Option<String>,
    } -> ChangePhoneOut {}
}

operation! {
    /// Forgets the voiceprint of a user.
    "ResetVoiceprint" => ResetVoiceprint {
        /// The account; `DOMAIN\name`, `name` and `name@domain` are the same user. Letter case does not matter.
        "username" => username: Option<String>,
        /// Who makes the change.
        "modifyUsername" => modify_username: Option<String>,
    } -> ResetVoiceprintOut {}
}

operation! {
    /// Changes how the second factor reaches a user.
    "ChangeMode_2" => ChangeMode {
        /// The account; `DOMAIN\name`, `name` and `name@domain` are the same user. Letter case does not matter.
        "username" => username: Option<String>,
        /// How to reach the user this time; `unspecified`: as stored.
        "mode" => mode: Mode,
        /// Whether the user is told by mail.
        "sendEmail" => send_email: bool,
        /// Who makes the change.
        "modifyUsername" => modify_username: Option<String>,
    } -> ChangeModeOut {}
}

forms! {
    OLDER of ChangeMode {
        "ChangeMode" {
            "username" => username: Option<String>,
            "mode" => mode: ModeV2,
            "sendEmail" => send_email: bool,
            "modifyUsername" => modify_username: Option<String>,
        } -> {}
    }
}

operation! {
    /// Changes what a phone call asks of a user.
    "ChangePinMode" => ChangePinMode {
        /// The account; `DOMAIN\name`, `name` and `name@domain` are the same user. Letter case does not matter.
        "username" => username: Option<String>,
        "pinMode" => pin_mode: PinMode,
        /// Whether the user is told by mail.
        "sendEmail" => send_email: bool,
        /// Who makes the change.
        "modifyUsername" => modify_username: Option<String>,
    } -> ChangePinModeOut {}
}

operation! {
    /// Changes what a text message asks of a user.
    "ChangeSmsMode" => ChangeSmsMode {
        /// The account; `DOMAIN\name`, `name` and `name@domain` are the same user. Letter case does not matter.
        "username" => username: Option<String>,
        "smsDirection" => sms_direction: SmsDirection,
        "smsMode" => sms_mode: SmsMode,
        /// Whether the user is told by mail.
        "sendEmail" => send_email: bool,
        /// Who makes the change.
        "modifyUsername" => modify_username: Option<String>,
    } -> ChangeSmsModeOut {}
}

operation! {
    /// Changes what the mobile app asks of a user.
    "ChangePhoneAppMode" => ChangePhoneAppMode {
        /// The account; `DOMAIN\name`, `name` and `name@domain` are the same user. Letter case does not matter.
        "username" => username: Option<String>,
        "phoneAppMode" => phone_app_mode: PhoneAppMode,
        /// Whether the user is told by mail.
        "sendEmail" => send_email: bool,
        /// Who makes the change.
        "modifyUsername" => modify_username: Option<String>,
    } -> ChangePhoneAppModeOut {}
}

impl Answers for GetPhone {
    type Out = GetPhoneOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, No> {
        context.space.update(|engine, _| {
            let it = &engine.user(text(&self.username))?.settings;
            let phone = UserPhone {
                country_code: it.country_code.clone(),
                phone: it.phone.clone(),
                extension: it.extension.clone(),
                backup_country_code: it.backup_country_code.clone(),
                backup_phone: it.backup_phone.clone(),
                backup_extension: it.backup_extension.clone(),
            };
            Ok(GetPhoneOut { user_phone: Some(phone) }.into())
        })
    }
}

later! {
    ChangePhone -> ChangePhoneOut,
    ResetVoiceprint -> ResetVoiceprintOut,
    ChangeMode -> ChangeModeOut,
    ChangePinMode -> ChangePinModeOut,
    ChangeSmsMode -> ChangeSmsModeOut,
    ChangePhoneAppMode -> ChangePhoneAppModeOut,
}
