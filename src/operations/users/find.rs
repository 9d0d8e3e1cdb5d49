//! The search for users.

use crate::contract::{Mode, ModeV2, PhoneAppMode, PinMode, SmsDirection, SmsMode, TagMatchType, UserRow};
use crate::engine::{Pattern, PhonePattern, Query, Refusal, User};
use crate::operations::{Answer, Answers, Context, Rejection, bounded};
use crate::switchboard::Lane;

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

impl Answers for FindUsers {
    type Out = FindUsersOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        let query = self.query()?;
        let limit = match self.result_limit {
            0 => usize::MAX,
            limit => limit as usize,
        };
        let asks_for_tags = query.tags.is_some() && context.space.update(|engine, _| engine.company().features.tags);
        let query = Query { tags: query.tags.filter(|_| asks_for_tags), ..query };
        let mut users = context.space.search(Lane::Answer, query, None, limit.saturating_add(1)).await;
        let results_complete = users.len() <= limit;
        users.truncate(limit);
        let size = users.len() * ROW;
        let rows = move || users.iter().map(|it| row(it)).collect();
        let user_rows = Some(context.space.work().run_sized(Lane::Answer, size, rows).await);
        Ok(FindUsersOut { user_rows, results_complete }.into())
    }

    fn size(out: &Self::Out) -> usize {
        out.user_rows.as_ref().map_or(0, Vec::len) * ROW
    }
}

/// The length of a row in XML, in bytes, about.
const ROW: usize = 512;

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
