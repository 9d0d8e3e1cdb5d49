//! Users: finding, reading, adding, changing and removing them.

use super::{Answer, Answers, Context, No, bounded, record, text};
use crate::contract::{
    AddUserSettings, AddUserSettingsV1, AddUserSettingsV2, AuthResult, Mode, ModeV2, PhoneAppMode, PinMode,
    SmsDirection, SmsMode, TagMatchType, UserAdministrator, UserAdministratorV1, UserInformation, UserLanguage,
    UserRow, UserSettings, UserSettingsV1, UserSettingsV2, Wire,
};
use crate::engine::{Change, Pattern, PhonePattern, Query, Refusal, User};

operation! {
    /// Gives the stored spelling of a username.
    "CanonicalizeUser" => CanonicalizeUser {
        /// The account; `DOMAIN\name`, `name` and `name@domain` are the same user. Letter case does not matter.
        "username" => username: Option<String>,
    } -> CanonicalizeUserOut {
        /// As it is stored.
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
        /// The stored name, with its domain; `*` stands for anything; empty: all.
        "usernameFilter" => username_filter: Option<String>,
        /// Whether letter case matters in `usernameFilter`.
        "usernameCaseSensitive" => username_case_sensitive: bool,
        /// `*` stands for anything; empty: all.
        "firstNameFilter" => first_name_filter: Option<String>,
        /// Whether letter case matters in `firstNameFilter`.
        "firstNameCaseSensitive" => first_name_case_sensitive: bool,
        /// `*` stands for anything; empty: all.
        "lastNameFilter" => last_name_filter: Option<String>,
        /// Whether letter case matters in `lastNameFilter`.
        "lastNameCaseSensitive" => last_name_case_sensitive: bool,
        /// `*` stands for anything; empty: all.
        "emailFilter" => email_filter: Option<String>,
        /// Whether letter case matters in `emailFilter`.
        "emailCaseSensitive" => email_case_sensitive: bool,
        /// `*` stands for anything; empty: all.
        "userGroupFilter" => user_group_filter: Option<String>,
        /// Whether letter case matters in `userGroupFilter`.
        "userGroupCaseSensitive" => user_group_case_sensitive: bool,
        /// Digits and `*`, with the country code or without, however they are grouped; empty: all.
        "phoneFilter" => phone_filter: Option<String>,
        /// Counts only where `modeSpecified` is true.
        "modeFilter" => mode_filter: Mode,
        /// Whether `modeFilter` counts.
        "modeSpecified" => mode_specified: bool,
        /// Counts only where `pinModeSpecified` is true.
        "pinModeFilter" => pin_mode_filter: PinMode,
        /// Whether `pinModeFilter` counts.
        "pinModeSpecified" => pin_mode_specified: bool,
        /// Counts only where `smsDirectionSpecified` is true.
        "smsDirectionFilter" => sms_direction_filter: SmsDirection,
        /// Whether `smsDirectionFilter` counts.
        "smsDirectionSpecified" => sms_direction_specified: bool,
        /// Counts only where `smsModeSpecified` is true.
        "smsModeFilter" => sms_mode_filter: SmsMode,
        /// Whether `smsModeFilter` counts.
        "smsModeSpecified" => sms_mode_specified: bool,
        /// Counts only where `phoneAppModeSpecified` is true.
        "phoneAppModeFilter" => phone_app_mode_filter: PhoneAppMode,
        /// Whether `phoneAppModeFilter` counts.
        "phoneAppModeSpecified" => phone_app_mode_specified: bool,
        /// Which users count by their tags.
        "tagMatchType" => tag_match_type: TagMatchType,
        /// Identifiers of `GetTags`.
        "tagIds" => tag_ids: Option<Vec<Option<String>>>,
        /// Counts only where `enabledSpecified` is true.
        "enabledFilter" => enabled_filter: bool,
        /// Whether `enabledFilter` counts.
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
        "FindUsers2", overloads "FindUsers" {
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
        "FindUsers3", overloads "FindUsers" {
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
            let user = engine.directory().user(text(&self.username))?;
            Ok(CanonicalizeUserOut { canonical_username: Some(user.username.clone()) }.into())
        })
    }
}

impl Answers for UserExists {
    type Out = UserExistsOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, No> {
        context.space.update(|engine, _| engine.directory().user(text(&self.username)).map(|_| ()))?;
        Ok(UserExistsOut {}.into())
    }
}

impl Answers for GetUserSettings {
    type Out = GetUserSettingsOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, No> {
        context.space.update(|engine, now| {
            let reveal_secrets = engine.company().reveal_secrets;
            let settings = engine.directory().user(text(&self.username))?.visible_settings(now, reveal_secrets);
            Ok(GetUserSettingsOut { user_settings: Some(settings) }.into())
        })
    }
}

impl Answers for GetAdministrator {
    type Out = GetAdministratorOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, No> {
        context.space.update(|engine, _| {
            Refusal::unless(engine.company().features.user_portal_administrators, "UserPortalAdministrators")?;
            let rights = engine.directory().user(text(&self.username))?.administrator.as_deref().cloned();
            let rights = rights.unwrap_or_else(UserAdministrator::absent);
            Ok(GetAdministratorOut { user_administrator: Some(rights) }.into())
        })
    }
}

impl Answers for FindUsers {
    type Out = FindUsersOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, No> {
        let query = self.query()?;
        let limit = match self.result_limit {
            0 => usize::MAX,
            limit => limit as usize,
        };
        context.space.update(|engine, _| {
            let query = Query { tags: query.tags.filter(|_| engine.company().features.tags), ..query };
            let mut found = engine.directory_mut().search(&query);
            let rows = found.by_ref().take(limit).map(row).collect();
            Ok(FindUsersOut { user_rows: Some(rows), results_complete: found.next().is_none() }.into())
        })
    }
}

impl FindUsers {
    fn query(&self) -> Result<Query, Refusal> {
        let pattern = |text: &Option<String>, minds_case: bool| {
            let text = text.as_deref().unwrap_or_default().trim();
            let makes = if minds_case { Pattern::exact } else { Pattern::new };
            (!text.is_empty() && text != "*").then(|| makes(text))
        };
        let phone = self.phone_filter.as_deref().map(str::trim).filter(|it| !it.is_empty());
        let not_a_number = |why| Refusal::NotANumber { text: phone.unwrap_or_default().into(), why };
        for text in [
            &self.username_filter,
            &self.first_name_filter,
            &self.last_name_filter,
            &self.email_filter,
            &self.user_group_filter,
            &self.phone_filter,
        ] {
            bounded("a filter", text.as_deref().unwrap_or_default())?;
        }
        let tags: Vec<String> = self.tag_ids.iter().flatten().flatten().cloned().collect();
        Ok(Query {
            username: pattern(&self.username_filter, self.username_case_sensitive),
            first_name: pattern(&self.first_name_filter, self.first_name_case_sensitive),
            last_name: pattern(&self.last_name_filter, self.last_name_case_sensitive),
            email: pattern(&self.email_filter, self.email_case_sensitive),
            user_group: pattern(&self.user_group_filter, self.user_group_case_sensitive),
            phone: phone.map(PhonePattern::new).transpose().map_err(not_a_number)?,
            mode: self.mode_specified.then_some(self.mode_filter),
            pin_mode: self.pin_mode_specified.then_some(self.pin_mode_filter),
            sms_direction: self.sms_direction_specified.then_some(self.sms_direction_filter),
            sms_mode: self.sms_mode_specified.then_some(self.sms_mode_filter),
            phone_app_mode: self.phone_app_mode_specified.then_some(self.phone_app_mode_filter),
            enabled: self.enabled_specified.then_some(self.enabled_filter),
            tags: (self.tag_match_type != TagMatchType::AllUsers).then_some((self.tag_match_type, tags)),
        })
    }
}

fn row(user: &User) -> UserRow {
    let it = &user.settings;
    UserRow {
        username: Some(user.username.clone()),
        first_name: it.first_name.clone(),
        last_name: it.last_name.clone(),
        email_address: it.email_address.clone(),
        user_group: it.user_group.clone(),
        country_code: it.country_code.clone(),
        phone: it.phone.clone(),
        extension: it.extension.clone(),
    }
}

impl Answers for AddUser {
    type Out = AddUserOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, No> {
        let username = text(&self.username);
        let settings = record("addUserSettings", self.add_user_settings)?;
        let by = text(&self.modify_username);
        let asked = Change { username, by, sends_mail: self.send_email, ..Change::default() };
        context.change(asked, |engine, now| engine.add_user(now, username, settings).map(|()| AddUserOut {}))
    }
}

impl Answers for DeleteUser {
    type Out = DeleteUserOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, No> {
        let username = text(&self.username);
        let asked = Change { username, by: text(&self.modify_username), ..Change::default() };
        context.change(asked, |engine, _| engine.delete_user(username).map(|()| DeleteUserOut {}))
    }
}

impl Answers for ChangeUsername {
    type Out = ChangeUsernameOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, No> {
        let (username, new) = (text(&self.old_username), text(&self.new_username));
        let by = text(&self.modify_username);
        let asked = Change { username, by, detail: new, ..Change::default() };
        context.change(asked, |engine, _| engine.rename_user(username, new).map(|()| ChangeUsernameOut {}))
    }
}

impl Answers for ChangeUserInformation {
    type Out = ChangeUserInformationOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, No> {
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

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, No> {
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

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, No> {
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

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, No> {
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

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, No> {
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
