//! Telephone numbers, and how the second factor reaches a user.

use super::{Answer, Answers, Context, Rejection, record, text};
use crate::contract::{Mode, ModeV2, PhoneAppMode, PinMode, SmsDirection, SmsMode, UserPhone};
use crate::engine::{Change, Refusal};

operation! {
    /// Reads the telephone numbers of a user.
    "GetPhone" => GetPhone {
        "username" => username: Option<String>,
    } -> GetPhoneOut {
        "userPhone" => user_phone: Option<UserPhone>,
    }
}

operation! {
    /// Changes the telephone numbers of a user.
    "ChangePhone" => ChangePhone {
        "username" => username: Option<String>,
        "userPhone" => user_phone: Option<UserPhone>,
        "sendEmail" => send_email: bool,
        "modifyUsername" => modify_username: Option<String>,
    } -> ChangePhoneOut {}
}

operation! {
    /// Deletes the voiceprint of a user.
    "ResetVoiceprint" => ResetVoiceprint {
        "username" => username: Option<String>,
        "modifyUsername" => modify_username: Option<String>,
    } -> ResetVoiceprintOut {}
}

operation! {
    /// Changes how the second factor reaches a user.
    "ChangeMode_2" => ChangeMode {
        "username" => username: Option<String>,
        /// How to reach the user from now on; `unspecified`: as before.
        "mode" => mode: Mode,
        "sendEmail" => send_email: bool,
        "modifyUsername" => modify_username: Option<String>,
    } -> ChangeModeOut {}
}

operation! {
    /// Changes what a phone call asks of a user.
    "ChangePinMode" => ChangePinMode {
        "username" => username: Option<String>,
        "pinMode" => pin_mode: PinMode,
        "sendEmail" => send_email: bool,
        "modifyUsername" => modify_username: Option<String>,
    } -> ChangePinModeOut {}
}

operation! {
    /// Changes what a text message asks of a user.
    "ChangeSmsMode" => ChangeSmsMode {
        "username" => username: Option<String>,
        "smsDirection" => sms_direction: SmsDirection,
        "smsMode" => sms_mode: SmsMode,
        "sendEmail" => send_email: bool,
        "modifyUsername" => modify_username: Option<String>,
    } -> ChangeSmsModeOut {}
}

operation! {
    /// Changes what the mobile app asks of a user.
    "ChangePhoneAppMode" => ChangePhoneAppMode {
        "username" => username: Option<String>,
        "phoneAppMode" => phone_app_mode: PhoneAppMode,
        "sendEmail" => send_email: bool,
        "modifyUsername" => modify_username: Option<String>,
    } -> ChangePhoneAppModeOut {}
}

impl Answers for GetPhone {
    type Out = GetPhoneOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        context.space.update(|engine, _| {
            let it = &engine.directory().user(text(&self.username))?.settings;
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

impl Answers for ChangePhone {
    type Out = ChangePhoneOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        let (username, by) = (text(&self.username), text(&self.modify_username));
        let phone = record("userPhone", self.user_phone)?;
        let asked = Change { username, by, sends_mail: self.send_email, ..Change::default() };
        context.change(asked, |engine, _| engine.change_phone(username, &phone).map(|()| ChangePhoneOut {}))
    }
}

impl Answers for ResetVoiceprint {
    type Out = ResetVoiceprintOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        let username = text(&self.username);
        let asked = Change { username, by: text(&self.modify_username), ..Change::default() };
        context.change(asked, |engine, _| {
            // No voiceprint is kept, so there is nothing to delete.
            Refusal::unless(engine.company().features.voiceprint, "Voiceprint")?;
            engine.directory().user(username).map(|_| ResetVoiceprintOut {})
        })
    }
}

impl Answers for ChangeMode {
    type Out = ChangeModeOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        let (username, by) = (text(&self.username), text(&self.modify_username));
        let asked = Change { username, by, sends_mail: self.send_email, ..Change::default() };
        context.change(asked, |engine, _| {
            let features = &engine.company().features;
            match self.mode {
                Mode::OathToken => Refusal::unless(features.oath_token, "OathToken")?,
                Mode::PhoneApp => Refusal::unless(features.phone_app, "PhoneApp")?,
                Mode::SmsText => Refusal::unless(features.sms, "Sms")?,
                Mode::Invalid => return Err(Refusal::NotAMode { field: "mode" }),
                Mode::VoiceCall | Mode::Unspecified => (),
            }
            let user = engine.directory_mut().user_mut(username)?;
            if self.mode != Mode::Unspecified {
                user.settings.mode = self.mode;
            }
            Ok(ChangeModeOut {})
        })
    }
}

impl Answers for ChangePinMode {
    type Out = ChangePinModeOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        let (username, by) = (text(&self.username), text(&self.modify_username));
        let asked = Change { username, by, sends_mail: self.send_email, ..Change::default() };
        context.change(asked, |engine, _| {
            let features = &engine.company().features;
            match self.pin_mode {
                PinMode::Voiceprint => Refusal::unless(features.voiceprint, "Voiceprint")?,
                PinMode::Pin | PinMode::ReturnPin => Refusal::unless(features.pin_mode, "PinMode")?,
                PinMode::Standard => (),
            }
            engine.directory_mut().user_mut(username)?.settings.pin_mode = self.pin_mode;
            Ok(ChangePinModeOut {})
        })
    }
}

impl Answers for ChangeSmsMode {
    type Out = ChangeSmsModeOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        let (username, by) = (text(&self.username), text(&self.modify_username));
        let asked = Change { username, by, sends_mail: self.send_email, ..Change::default() };
        context.change(asked, |engine, _| {
            Refusal::unless(engine.company().features.sms, "Sms")?;
            if self.sms_direction == SmsDirection::Invalid {
                return Err(Refusal::NotAMode { field: "smsDirection" });
            }
            if self.sms_mode == SmsMode::Invalid {
                return Err(Refusal::NotAMode { field: "smsMode" });
            }
            let it = &mut engine.directory_mut().user_mut(username)?.settings;
            if self.sms_direction != SmsDirection::Unspecified {
                it.sms_direction = self.sms_direction;
            }
            if self.sms_mode != SmsMode::Unspecified {
                it.sms_mode = self.sms_mode;
            }
            Ok(ChangeSmsModeOut {})
        })
    }
}

impl Answers for ChangePhoneAppMode {
    type Out = ChangePhoneAppModeOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        let (username, by) = (text(&self.username), text(&self.modify_username));
        let asked = Change { username, by, sends_mail: self.send_email, ..Change::default() };
        context.change(asked, |engine, _| {
            let features = &engine.company().features;
            Refusal::unless(features.phone_app, "PhoneApp")?;
            match self.phone_app_mode {
                PhoneAppMode::Voiceprint => Refusal::unless(features.voiceprint, "Voiceprint")?,
                PhoneAppMode::Pin => Refusal::unless(features.pin_mode, "PinMode")?,
                PhoneAppMode::Invalid => return Err(Refusal::NotAMode { field: "phoneAppMode" }),
                PhoneAppMode::Standard | PhoneAppMode::Unspecified => (),
            }
            let it = &mut engine.directory_mut().user_mut(username)?.settings;
            if self.phone_app_mode != PhoneAppMode::Unspecified {
                it.phone_app_mode = self.phone_app_mode;
            }
            Ok(ChangePhoneAppModeOut {})
        })
    }
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
