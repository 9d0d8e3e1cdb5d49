//! Users: reading, adding, changing and removing them; `find` searches them.

mod find;

pub(super) use find::FindUsers;

use super::{Answer, Answers, Context, Rejection, record, text};
use crate::contract::{
    AddUserSettings, AddUserSettingsV1, AddUserSettingsV2, AuthResult, UserAdministrator, UserAdministratorV1,
    UserInformation, UserLanguage, UserSettings, UserSettingsV1, UserSettingsV2, Wire,
};
use crate::engine::{Change, Refusal};

operation! {
    /// Gives the stored spelling of a username.
    "CanonicalizeUser" => CanonicalizeUser {
        "username" => username: Option<String>,
    } -> CanonicalizeUserOut {
        /// As it is stored.
        "canonicalUsername" => canonical_username: Option<String>,
    }
}

operation! {
    /// Tells whether there is such a user.
    "UserExists" => UserExists {
        "username" => username: Option<String>,
    } -> UserExistsOut {}
}

operation! {
    /// Adds a user.
    "AddUser_3" => AddUser {
        "username" => username: Option<String>,
        "addUserSettings" => add_user_settings: Option<AddUserSettings>,
        "sendEmail" => send_email: bool,
        "modifyUsername" => modify_username: Option<String>,
    } -> AddUserOut {}
}

operation! {
    /// Removes a user.
    "DeleteUser" => DeleteUser {
        "username" => username: Option<String>,
        "modifyUsername" => modify_username: Option<String>,
    } -> DeleteUserOut {}
}

operation! {
    /// Reads all that is stored of a user.
    "GetUserSettings_3" => GetUserSettings {
        "username" => username: Option<String>,
    } -> GetUserSettingsOut {
        "userSettings" => user_settings: Option<UserSettings>,
    }
}

operation! {
    /// Tells what a user may do in the user portal as its administrator.
    "GetAdministrator_2" => GetAdministrator {
        "username" => username: Option<String>,
    } -> GetAdministratorOut {
        "userAdministrator" => user_administrator: Option<UserAdministrator>,
    }
}

operation! {
    /// Changes names, mail address and group of a user.
    "ChangeUserInformation" => ChangeUserInformation {
        "username" => username: Option<String>,
        "userInformation" => user_information: Option<UserInformation>,
        "modifyUsername" => modify_username: Option<String>,
    } -> ChangeUserInformationOut {}
}

operation! {
    /// Renames a user.
    "ChangeUsername" => ChangeUsername {
        "oldUsername" => old_username: Option<String>,
        "newUsername" => new_username: Option<String>,
        "modifyUsername" => modify_username: Option<String>,
    } -> ChangeUsernameOut {}
}

operation! {
    /// Changes the languages of a user.
    "ChangeLanguage" => ChangeLanguage {
        "username" => username: Option<String>,
        "userLanguage" => user_language: Option<UserLanguage>,
        "modifyUsername" => modify_username: Option<String>,
    } -> ChangeLanguageOut {}
}

operation! {
    /// Lets a user be asked for the second factor.
    "Enable" => Enable {
        "username" => username: Option<String>,
        "sendEmail" => send_email: bool,
        "modifyUsername" => modify_username: Option<String>,
    } -> EnableOut {}
}

operation! {
    /// Stops asking a user for the second factor. `DisabledBehavior` then decides how they sign in.
    "Disable" => Disable {
        "username" => username: Option<String>,
        "modifyUsername" => modify_username: Option<String>,
    } -> DisableOut {}
}

operation! {
    /// Says how a disabled user signs in: without a second factor, or not at all.
    "DisabledBehavior" => DisabledBehavior {
        "username" => username: Option<String>,
        "disabledBehavior" => disabled_behavior: AuthResult,
        "modifyUsername" => modify_username: Option<String>,
    } -> DisabledBehaviorOut {}
}

impl Answers for CanonicalizeUser {
    type Out = CanonicalizeUserOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        context.space.update(|engine, _| {
            let user = engine.directory().user(text(&self.username))?;
            Ok(CanonicalizeUserOut { canonical_username: Some(user.username.clone()) }.into())
        })
    }
}

impl Answers for UserExists {
    type Out = UserExistsOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        context.space.update(|engine, _| engine.directory().user(text(&self.username)).map(|_| ()))?;
        Ok(UserExistsOut {}.into())
    }
}

impl Answers for GetUserSettings {
    type Out = GetUserSettingsOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        context.space.update(|engine, now| {
            let reveal_secrets = engine.company().reveal_secrets;
            let settings = engine.directory().user(text(&self.username))?.visible_settings(now, reveal_secrets);
            Ok(GetUserSettingsOut { user_settings: Some(settings) }.into())
        })
    }
}

impl Answers for GetAdministrator {
    type Out = GetAdministratorOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        context.space.update(|engine, _| {
            Refusal::unless(engine.company().features.user_portal_administrators, "UserPortalAdministrators")?;
            let rights = engine.directory().user(text(&self.username))?.administrator.as_deref().cloned();
            let rights = rights.unwrap_or_else(UserAdministrator::absent);
            Ok(GetAdministratorOut { user_administrator: Some(rights) }.into())
        })
    }
}

impl Answers for AddUser {
    type Out = AddUserOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        let username = text(&self.username);
        let settings = record("addUserSettings", self.add_user_settings)?;
        let by = text(&self.modify_username);
        let asked = Change { username, by, sends_mail: self.send_email, ..Change::default() };
        context.change(asked, |engine, now| engine.add_user(now, username, settings).map(|()| AddUserOut {}))
    }
}

impl Answers for DeleteUser {
    type Out = DeleteUserOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        let username = text(&self.username);
        let asked = Change { username, by: text(&self.modify_username), ..Change::default() };
        context.change(asked, |engine, _| engine.delete_user(username).map(|()| DeleteUserOut {}))
    }
}

impl Answers for ChangeUsername {
    type Out = ChangeUsernameOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        let (username, new) = (text(&self.old_username), text(&self.new_username));
        let by = text(&self.modify_username);
        let asked = Change { username, by, detail: new, ..Change::default() };
        context.change(asked, |engine, _| engine.rename_user(username, new).map(|()| ChangeUsernameOut {}))
    }
}

impl Answers for ChangeUserInformation {
    type Out = ChangeUserInformationOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        let username = text(&self.username);
        let new = record("userInformation", self.user_information)?;
        let asked = Change { username, by: text(&self.modify_username), ..Change::default() };
        context.change(asked, |engine, _| {
            Refusal::unless(engine.company().features.user_information, "UserInformation")?;
            engine.directory_mut().change_information(username, |it| {
                replace(&mut it.first_name, new.first_name);
                replace(&mut it.last_name, new.last_name);
                replace(&mut it.email_address, new.email_address);
                replace(&mut it.user_group, new.user_group);
            })?;
            Ok(ChangeUserInformationOut {})
        })
    }
}

impl Answers for ChangeLanguage {
    type Out = ChangeLanguageOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        let username = text(&self.username);
        let new = record("userLanguage", self.user_language)?;
        let asked = Change { username, by: text(&self.modify_username), ..Change::default() };
        context.change(asked, |engine, _| {
            let company = engine.company();
            Refusal::unless(company.features.localization, "Localization")?;
            let offered = &company.languages;
            for (language, offered) in [
                (&new.sms_text_language, &offered.sms_text),
                (&new.phone_app_language, &offered.phone_app),
                (&new.oath_token_language, &offered.oath_token),
            ] {
                if let Some(language) = language.as_ref().filter(|it| !offered.contains(it)) {
                    return Err(Refusal::UnknownLanguage { language: language.clone() });
                }
            }
            let it = &mut engine.directory_mut().user_mut(username)?.settings;
            replace(&mut it.voice_call_language, new.voice_call_language);
            replace(&mut it.sms_text_language, new.sms_text_language);
            replace(&mut it.phone_app_language, new.phone_app_language);
            replace(&mut it.oath_token_language, new.oath_token_language);
            Ok(ChangeLanguageOut {})
        })
    }
}

impl Answers for Enable {
    type Out = EnableOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        let (username, by) = (text(&self.username), text(&self.modify_username));
        let asked = Change { username, by, sends_mail: self.send_email, ..Change::default() };
        context.change(asked, |engine, _| {
            engine.directory_mut().user_mut(username)?.settings.enabled = true;
            Ok(EnableOut {})
        })
    }
}

impl Answers for Disable {
    type Out = DisableOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        let username = text(&self.username);
        let asked = Change { username, by: text(&self.modify_username), ..Change::default() };
        context.change(asked, |engine, _| {
            engine.directory_mut().user_mut(username)?.settings.enabled = false;
            Ok(DisableOut {})
        })
    }
}

impl Answers for DisabledBehavior {
    type Out = DisabledBehaviorOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        let username = text(&self.username);
        let asked = Change { username, by: text(&self.modify_username), ..Change::default() };
        context.change(asked, |engine, _| {
            engine.directory_mut().user_mut(username)?.settings.disabled_behavior = self.disabled_behavior;
            Ok(DisabledBehaviorOut {})
        })
    }
}

/// What is missing stays as it is.
fn replace(stored: &mut Option<String>, new: Option<String>) {
    if new.is_some() {
        *stored = new;
    }
}

forms! {
    OLDER of AddUser {
        "AddUser" {
            "username" => username: Option<String>,
            "addUserSettings" => add_user_settings: Option<AddUserSettingsV1>,
            "sendEmail" => send_email: bool,
            "modifyUsername" => modify_username: Option<String>,
        } -> {}
        "AddUser2", overloads "AddUser" {
            "username" => username: Option<String>,
            "addUserSettings" => add_user_settings: Option<AddUserSettingsV2>,
            "sendEmail" => send_email: bool,
            "modifyUsername" => modify_username: Option<String>,
        } -> {}
        "AddUser_2" {
            "username" => username: Option<String>,
            "addUserSettings" => add_user_settings: Option<AddUserSettingsV2>,
            "sendEmail" => send_email: bool,
            "modifyUsername" => modify_username: Option<String>,
        } -> {}
    }
}

forms! {
    OLDER of GetUserSettings {
        "GetUserSettings" {
            "username" => username: Option<String>,
        } -> {
            "userSettings" => user_settings: Option<UserSettingsV1>,
        }
        "GetUserSettings2", overloads "GetUserSettings" {
            "username" => username: Option<String>,
        } -> {
            "userSettings" => user_settings: Option<UserSettingsV2>,
        }
        "GetUserSettings_2" {
            "username" => username: Option<String>,
        } -> {
            "userSettings" => user_settings: Option<UserSettingsV2>,
        }
    }
}

forms! {
    MASTER of GetUserSettings {
        "GetUserSettingsMaster" on_master {
            "username" => username: Option<String>,
        } -> {
            "userSettings" => user_settings: Option<UserSettingsV2>,
        }
        "GetUserSettingsMaster_2" on_master {
            "username" => username: Option<String>,
        } -> {
            "userSettings" => user_settings: Option<UserSettings>,
        }
    }
}

forms! {
    OLDER of GetAdministrator {
        "GetAdministrator" {
            "username" => username: Option<String>,
        } -> {
            "userAdministrator" => user_administrator: Option<UserAdministratorV1>,
        }
    }
}

forms! {
    MASTER of GetAdministrator {
        "GetAdministratorMaster" on_master {
            "username" => username: Option<String>,
        } -> {
            "userAdministrator" => user_administrator: Option<UserAdministratorV1>,
        }
        "GetAdministratorMaster_2" on_master {
            "username" => username: Option<String>,
        } -> {
            "userAdministrator" => user_administrator: Option<UserAdministrator>,
        }
    }
}
