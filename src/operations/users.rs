//! Users: finding, reading, adding, changing and removing them.

use super::{Answer, Answers, Context, No, text};
use crate::contract::{
    AddUserSettings, AddUserSettingsV1, AddUserSettingsV2, AuthResult, Mode, ModeV2, PhoneAppMode, PinMode,
    SmsDirection, SmsMode, TagMatchType, UserAdministrator, UserAdministratorV1, UserInformation, UserLanguage,
    UserRow, UserSettings, UserSettingsV1, UserSettingsV2,
};

operation! {
    /// Gives the stored spelling of a username.
    "CanonicalizeUser" => CanonicalizeUser {
        /// The account; `DOMAIN\name`, `name` and `name@domain` are the same user. Letter case does not matter.
        "username" => username: Option<String>,
    } -> CanonicalizeUserOut {
        "canonicalUsername" => canonical_username: Option<String>,
    }
}

operation! {
    /// Tells whether there is such a user.
    "UserExists" => UserExists {
        /// The account; `DOMAIN\name`, `name` and `name@domain` are the same user. Letter case does not matter.
        "username" => username: Option<String>,
    } -> UserExistsOut {}
}

operation! {
    /// Adds a user.
    "AddUser_3" => AddUser {
        /// The account; `DOMAIN\name`, `name` and `name@domain` are the same user. Letter case does not matter.
        "username" => username: Option<String>,
        "addUserSettings" => add_user_settings: Option<AddUserSettings>,
        /// Whether the user is told by mail.
        "sendEmail" => send_email: bool,
        /// Who makes the change.
        "modifyUsername" => modify_username: Option<String>,
    } -> AddUserOut {}
}

forms! {
    OLDER of AddUser {
        "AddUser" {
            "username" => username: Option<String>,
            "addUserSettings" => add_user_settings: Option<AddUserSettingsV1>,
            "sendEmail" => send_email: bool,
            "modifyUsername" => modify_username: Option<String>,
        } -> {}
        "AddUser2" overloads "AddUser" {
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

operation! {
    /// Removes a user.
    "DeleteUser" => DeleteUser {
        /// The account; `DOMAIN\name`, `name` and `name@domain` are the same user. Letter case does not matter.
        "username" => username: Option<String>,
        /// Who makes the change.
        "modifyUsername" => modify_username: Option<String>,
    } -> DeleteUserOut {}
}

operation! {
    /// Lists users. Text filters take `*` as a wildcard; an empty filter matches all; a filter of another kind counts only where its `…Specified` is true.
    "FindUsers_4" => FindUsers {
        "usernameFilter" => username_filter: Option<String>,
        "usernameCaseSensitive" => username_case_sensitive: bool,
        "firstNameFilter" => first_name_filter: Option<String>,
        "firstNameCaseSensitive" => first_name_case_sensitive: bool,
        "lastNameFilter" => last_name_filter: Option<String>,
        "lastNameCaseSensitive" => last_name_case_sensitive: bool,
        "emailFilter" => email_filter: Option<String>,
        "emailCaseSensitive" => email_case_sensitive: bool,
        "userGroupFilter" => user_group_filter: Option<String>,
        "userGroupCaseSensitive" => user_group_case_sensitive: bool,
        "phoneFilter" => phone_filter: Option<String>,
        "modeFilter" => mode_filter: Mode,
        "modeSpecified" => mode_specified: bool,
        "pinModeFilter" => pin_mode_filter: PinMode,
        "pinModeSpecified" => pin_mode_specified: bool,
        "smsDirectionFilter" => sms_direction_filter: SmsDirection,
        "smsDirectionSpecified" => sms_direction_specified: bool,
        "smsModeFilter" => sms_mode_filter: SmsMode,
        "smsModeSpecified" => sms_mode_specified: bool,
        "phoneAppModeFilter" => phone_app_mode_filter: PhoneAppMode,
        "phoneAppModeSpecified" => phone_app_mode_specified: bool,
        "tagMatchType" => tag_match_type: TagMatchType,
        "tagIds" => tag_ids: Option<Vec<Option<String>>>,
        "enabledFilter" => enabled_filter: bool,
        "enabledSpecified" => enabled_specified: bool,
        /// The greatest number of rows; 0: no limit.
        "resultLimit" => result_limit: u32,
    } -> FindUsersOut {
        "userRows" => user_rows: Option<Vec<UserRow>>,
        /// False where there were more rows than `resultLimit`.
        "resultsComplete" => results_complete: bool,
    }
}

forms! {
    OLDER of FindUsers {
        "FindUsers" {
            "usernameFilter" => username_filter: Option<String>,
            "usernameCaseSensitive" => username_case_sensitive: bool,
            "firstNameFilter" => first_name_filter: Option<String>,
            "firstNameCaseSensitive" => first_name_case_sensitive: bool,
            "lastNameFilter" => last_name_filter: Option<String>,
            "lastNameCaseSensitive" => last_name_case_sensitive: bool,
            "emailFilter" => email_filter: Option<String>,
            "emailCaseSensitive" => email_case_sensitive: bool,
            "phoneFilter" => phone_filter: Option<String>,
            "pinModeFilter" => pin_mode_filter: PinMode,
            "pinModeSpecified" => pin_mode_specified: bool,
            "enabledFilter" => enabled_filter: bool,
            "enabledSpecified" => enabled_specified: bool,
            "resultLimit" => result_limit: u32,
        } -> {
            "userRows" => user_rows: Option<Vec<UserRow>>,
            "resultsComplete" => results_complete: bool,
        }
        "FindUsers2" overloads "FindUsers" {
            "usernameFilter" => username_filter: Option<String>,
            "usernameCaseSensitive" => username_case_sensitive: bool,
            "firstNameFilter" => first_name_filter: Option<String>,
            "firstNameCaseSensitive" => first_name_case_sensitive: bool,
            "lastNameFilter" => last_name_filter: Option<String>,
            "lastNameCaseSensitive" => last_name_case_sensitive: bool,
            "emailFilter" => email_filter: Option<String>,
            "emailCaseSensitive" => email_case_sensitive: bool,
            "phoneFilter" => phone_filter: Option<String>,
            "modeFilter" => mode_filter: ModeV2,
            "modeSpecified" => mode_specified: bool,
            "pinModeFilter" => pin_mode_filter: PinMode,
            "pinModeSpecified" => pin_mode_specified: bool,
            "smsDirectionFilter" => sms_direction_filter: SmsDirection,
            "smsDirectionSpecified" => sms_direction_specified: bool,
            "smsModeFilter" => sms_mode_filter: SmsMode,
            "smsModeSpecified" => sms_mode_specified: bool,
            "phoneAppModeFilter" => phone_app_mode_filter: PhoneAppMode,
            "phoneAppModeSpecified" => phone_app_mode_specified: bool,
            "enabledFilter" => enabled_filter: bool,
            "enabledSpecified" => enabled_specified: bool,
            "resultLimit" => result_limit: u32,
        } -> {
            "userRows" => user_rows: Option<Vec<UserRow>>,
            "resultsComplete" => results_complete: bool,
        }
        "FindUsers3" overloads "FindUsers" {
            "usernameFilter" => username_filter: Option<String>,
            "usernameCaseSensitive" => username_case_sensitive: bool,
            "firstNameFilter" => first_name_filter: Option<String>,
            "firstNameCaseSensitive" => first_name_case_sensitive: bool,
            "lastNameFilter" => last_name_filter: Option<String>,
            "lastNameCaseSensitive" => last_name_case_sensitive: bool,
            "emailFilter" => email_filter: Option<String>,
            "emailCaseSensitive" => email_case_sensitive: bool,
            "userGroupFilter" => user_group_filter: Option<String>,
            "userGroupCaseSensitive" => user_group_case_sensitive: bool,
            "phoneFilter" => phone_filter: Option<String>,
            "modeFilter" => mode_filter: ModeV2,
            "modeSpecified" => mode_specified: bool,
            "pinModeFilter" => pin_mode_filter: PinMode,
            "pinModeSpecified" => pin_mode_specified: bool,
            "smsDirectionFilter" => sms_direction_filter: SmsDirection,
            "smsDirectionSpecified" => sms_direction_specified: bool,
            "smsModeFilter" => sms_mode_filter: SmsMode,
            "smsModeSpecified" => sms_mode_specified: bool,
            "phoneAppModeFilter" => phone_app_mode_filter: PhoneAppMode,
            "phoneAppModeSpecified" => phone_app_mode_specified: bool,
            "enabledFilter" => enabled_filter: bool,
            "enabledSpecified" => enabled_specified: bool,
            "resultLimit" => result_limit: u32,
        } -> {
            "userRows" => user_rows: Option<Vec<UserRow>>,
            "resultsComplete" => results_complete: bool,
        }
        "FindUsers_3" {
            "usernameFilter" => username_filter: Option<String>,
            "usernameCaseSensitive" => username_case_sensitive: bool,
            "firstNameFilter" => first_name_filter: Option<String>,
            "firstNameCaseSensitive" => first_name_case_sensitive: bool,
            "lastNameFilter" => last_name_filter: Option<String>,
            "lastNameCaseSensitive" => last_name_case_sensitive: bool,
            "emailFilter" => email_filter: Option<String>,
            "emailCaseSensitive" => email_case_sensitive: bool,
            "userGroupFilter" => user_group_filter: Option<String>,
            "userGroupCaseSensitive" => user_group_case_sensitive: bool,
            "phoneFilter" => phone_filter: Option<String>,
            "modeFilter" => mode_filter: ModeV2,
            "modeSpecified" => mode_specified: bool,
            "pinModeFilter" => pin_mode_filter: PinMode,
            "pinModeSpecified" => pin_mode_specified: bool,
            "smsDirectionFilter" => sms_direction_filter: SmsDirection,
            "smsDirectionSpecified" => sms_direction_specified: bool,
            "smsModeFilter" => sms_mode_filter: SmsMode,
            "smsModeSpecified" => sms_mode_specified: bool,
            "phoneAppModeFilter" => phone_app_mode_filter: PhoneAppMode,
            "phoneAppModeSpecified" => phone_app_mode_specified: bool,
            "enabledFilter" => enabled_filter: bool,
            "enabledSpecified" => enabled_specified: bool,
            "resultLimit" => result_limit: u32,
        } -> {
            "userRows" => user_rows: Option<Vec<UserRow>>,
            "resultsComplete" => results_complete: bool,
        }
    }
}

operation! {
    /// Reads all that is stored of a user.
    "GetUserSettings_3" => GetUserSettings {
        /// The account; `DOMAIN\name`, `name` and `name@domain` are the same user. Letter case does not matter.
        "username" => username: Option<String>,
    } -> GetUserSettingsOut {
        "userSettings" => user_settings: Option<UserSettings>,
    }
}

forms! {
    OLDER of GetUserSettings {
        "GetUserSettings" {
            "username" => username: Option<String>,
        } -> {
            "userSettings" => user_settings: Option<UserSettingsV1>,
        }
        "GetUserSettings2" overloads "GetUserSettings" {
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
        "GetUserSettingsMaster" {
            "username" => username: Option<String>,
        } -> {
            "userSettings" => user_settings: Option<UserSettingsV2>,
        }
        "GetUserSettingsMaster_2" {
            "username" => username: Option<String>,
        } -> {
            "userSettings" => user_settings: Option<UserSettings>,
        }
    }
}

operation! {
    /// Tells what a user may do in the user portal as its administrator.
    "GetAdministrator_2" => GetAdministrator {
        /// The account; `DOMAIN\name`, `name` and `name@domain` are the same user. Letter case does not matter.
        "username" => username: Option<String>,
    } -> GetAdministratorOut {
        "userAdministrator" => user_administrator: Option<UserAdministrator>,
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
        "GetAdministratorMaster" {
            "username" => username: Option<String>,
        } -> {
            "userAdministrator" => user_administrator: Option<UserAdministratorV1>,
        }
        "GetAdministratorMaster_2" {
            "username" => username: Option<String>,
        } -> {
            "userAdministrator" => user_administrator: Option<UserAdministrator>,
        }
    }
}

operation! {
    /// Changes names, mail address and group of a user.
    "ChangeUserInformation" => ChangeUserInformation {
        /// The account; `DOMAIN\name`, `name` and `name@domain` are the same user. Letter case does not matter.
        "username" => username: Option<String>,
        "userInformation" => user_information: Option<UserInformation>,
        /// Who makes the change.
        "modifyUsername" => modify_username: Option<String>,
    } -> ChangeUserInformationOut {}
}

operation! {
    /// Renames a user.
    "ChangeUsername" => ChangeUsername {
        "oldUsername" => old_username: Option<String>,
        "newUsername" => new_username: Option<String>,
        /// Who makes the change.
        "modifyUsername" => modify_username: Option<String>,
    } -> ChangeUsernameOut {}
}

operation! {
    /// Changes the languages of a user.
    "ChangeLanguage" => ChangeLanguage {
        /// The account; `DOMAIN\name`, `name` and `name@domain` are the same user. Letter case does not matter.
        "username" => username: Option<String>,
        "userLanguage" => user_language: Option<UserLanguage>,
        /// Who makes the change.
        "modifyUsername" => modify_username: Option<String>,
    } -> ChangeLanguageOut {}
}

operation! {
    /// Lets a user be asked for the second factor.
    "Enable" => Enable {
        /// The account; `DOMAIN\name`, `name` and `name@domain` are the same user. Letter case does not matter.
        "username" => username: Option<String>,
        /// Whether the user is told by mail.
        "sendEmail" => send_email: bool,
        /// Who makes the change.
        "modifyUsername" => modify_username: Option<String>,
    } -> EnableOut {}
}

operation! {
    /// Stops asking a user; how he signs in then is his disabled behavior.
    "Disable" => Disable {
        /// The account; `DOMAIN\name`, `name` and `name@domain` are the same user. Letter case does not matter.
        "username" => username: Option<String>,
        /// Who makes the change.
        "modifyUsername" => modify_username: Option<String>,
    } -> DisableOut {}
}

operation! {
    /// Says how a disabled user signs in: without a second factor, or not at all.
    "DisabledBehavior" => DisabledBehavior {
        /// The account; `DOMAIN\name`, `name` and `name@domain` are the same user. Letter case does not matter.
        "username" => username: Option<String>,
        "disabledBehavior" => disabled_behavior: AuthResult,
        /// Who makes the change.
        "modifyUsername" => modify_username: Option<String>,
    } -> DisabledBehaviorOut {}
}

impl Answers for CanonicalizeUser {
    type Out = CanonicalizeUserOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, No> {
        context.space.update(|engine, _| {
            let user = engine.user(text(&self.username))?;
            Ok(CanonicalizeUserOut { canonical_username: Some(user.username.clone()) }.into())
        })
    }
}

impl Answers for UserExists {
    type Out = UserExistsOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, No> {
        context.space.update(|engine, _| engine.user(text(&self.username)).map(|_| ()))?;
        Ok(UserExistsOut {}.into())
    }
}

impl Answers for GetUserSettings {
    type Out = GetUserSettingsOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, No> {
        context.space.update(|engine, now| {
            let reveal_secrets = engine.company().reveal_secrets;
            let settings = engine.user(text(&self.username))?.told(now, reveal_secrets);
            Ok(GetUserSettingsOut { user_settings: Some(settings) }.into())
        })
    }
}

impl Answers for Enable {
    type Out = EnableOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, No> {
        context.space.update(|engine, _| {
            engine.user_mut(text(&self.username))?.settings.enabled = true;
            Ok(EnableOut {}.into())
        })
    }
}

impl Answers for Disable {
    type Out = DisableOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, No> {
        context.space.update(|engine, _| {
            engine.user_mut(text(&self.username))?.settings.enabled = false;
            Ok(DisableOut {}.into())
        })
    }
}

impl Answers for DisabledBehavior {
    type Out = DisabledBehaviorOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, No> {
        context.space.update(|engine, _| {
            engine.user_mut(text(&self.username))?.settings.disabled_behavior = self.disabled_behavior;
            Ok(DisabledBehaviorOut {}.into())
        })
    }
}

later! {
    AddUser -> AddUserOut,
    DeleteUser -> DeleteUserOut,
    FindUsers -> FindUsersOut,
    GetAdministrator -> GetAdministratorOut,
    ChangeUserInformation -> ChangeUserInformationOut,
    ChangeUsername -> ChangeUsernameOut,
    ChangeLanguage -> ChangeLanguageOut,
}
